//! Everything that can lie in the slot, one thing after the other under one plug-in that plays: never a signal, never a
//! lost block, each reason said once and by name, and the next good build is heard.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{Builder, JoinHandle};

use hotshell_core::reload::slot::{BuildFacts, Manifest, hash_text};
use hotshell_tests::{Fixture, Instance, PATIENCE, Plugin, Scene, TestSlot, Vst3, plant};

/// What is done to the slot.
struct Stage<I: Instance> {
    scene: Scene<I>,
    /// Counts up: every file that is published gets a hash of its own.
    marks: u32,
}

/// A library that nothing is wrong with.
fn good() -> Vec<u8> {
    fs::read(Fixture::new("fixture-steady", &["v2"]).logic().path).expect("built")
}

impl<I: Instance> Stage<I> {
    fn new() -> Self {
        Self { scene: Scene::playing(&Fixture::new("fixture-steady", &[])), marks: 0 }
    }

    fn slot(&self) -> &TestSlot {
        &self.scene.slot
    }

    fn at(&self, name: &str) -> PathBuf {
        self.slot().path().join(name)
    }

    /// Publishes these bytes as `dev` would.
    fn bytes(&mut self, bytes: &[u8]) -> u32 {
        let path = self.slot().room().join("hostile.so");
        fs::write(&path, bytes).expect("written");
        self.slot().publish_file(&path)
    }

    /// A sound build with a hash of its own.
    fn sound(&mut self) -> u32 {
        self.marks += 1;
        let mut bytes = good();
        // Behind what any loader reads.
        bytes.extend_from_slice(&self.marks.to_le_bytes());
        self.bytes(&bytes)
    }

    /// Publishes a sound build in a way that the shell sees it only after `change`: the manifest is put back last.
    fn changed(&mut self, change: impl FnOnce(&Path, &mut Manifest)) -> u32 {
        let path = self.slot().room().join("hostile.so");
        self.marks += 1;
        let mut bytes = good();
        bytes.extend_from_slice(&self.marks.to_le_bytes());
        fs::write(&path, bytes).expect("written");
        let _ = fs::remove_file(self.at("manifest"));
        // Into another slot first: this one must not be seen whole.
        let aside = TestSlot::new();
        let mut manifest = aside.slot().publish(&path, BuildFacts::default()).expect("published");
        let newest = self.slot().files().iter().filter_map(|file| number(file)).max().unwrap_or(0);
        manifest.build = newest + 1;
        let name = format!("build-{}-{}.so", manifest.build, manifest.hash);
        fs::copy(aside.path().join(&manifest.file), self.at(&name)).expect("copied");
        manifest.file = name;
        change(&self.at(&manifest.file.clone()), &mut manifest);
        self.manifest(serde_json::to_string(&manifest).expect("text").as_bytes());
        manifest.build
    }

    fn manifest(&self, bytes: &[u8]) {
        self.slot().slot().folder().write("manifest", bytes).expect("written");
    }

    /// Waits until a reason with all `words` stands in the report, and finds it there once.
    fn said(&mut self, what: &str, words: &[&str]) {
        let slot = &self.scene.slot;
        let fits = |text: &str| words.iter().all(|word| text.to_lowercase().contains(&word.to_lowercase()));
        let count = || {
            let reports = slot.reports();
            let refusals = reports.iter().flat_map(|r| &r.refusals).filter(|r| fits(&r.reason)).count();
            let logged = reports.iter().flat_map(|r| &r.log).filter(|line| fits(&line.text)).count();
            refusals.max(logged)
        };
        self.scene.plugin.wait_until(&format!("the reason of {what}: {words:?}"), |_| count() > 0);
        assert_eq!(count(), 1, "{what} is said once: {:#?}", slot.reports());
    }

    /// The build is refused, once, for a reason with all `words`.
    fn refused_once(&mut self, what: &str, build: u32, words: &[&str]) {
        let reason = self.scene.wait_refused(build);
        assert!(words.iter().all(|word| reason.contains(word)), "{what}: {reason}");
        let reports = self.slot().reports();
        let refusals = reports.iter().flat_map(|r| &r.refusals).filter(|r| r.build == build).count();
        assert_eq!(refusals, 1, "{what} is said once: {reports:#?}");
    }

    /// A good build is heard after whatever has been.
    fn goes_on(&mut self, what: &str) {
        let build = self.sound();
        let slot = &self.scene.slot;
        self.scene.plugin.wait_until(&format!("a good build after {what}"), |_| {
            slot.reports().iter().any(|report| report.heard == build)
        });
    }

    fn done(mut self) {
        let reports = self.slot().reports();
        assert_eq!(
            reports.iter().map(|r| (r.blocks_lost, r.faults.len())).next(),
            Some((0, 0)),
            "{reports:#?}"
        );
        let recording = self.scene.plugin.stop();
        recording.assert_clean();
        // Down to silence: a machine that is too busy for two instances in one block gets the fade out and in.
        let within = |sample: &f32| (-1e-6..=0.5 + 1e-6).contains(sample);
        assert!(recording.channels[0].iter().all(within), "nothing else was heard");
    }
}

fn number(file: &str) -> Option<u32> {
    file.strip_prefix("build-")?.split('-').next()?.parse().ok()
}

/// Replaces each place of `from`, which must be there.
fn patched(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let places: Vec<usize> = memchr::memmem::find_iter(&bytes, from).collect();
    assert!(!places.is_empty(), "{from:?} is in the library");
    for place in places {
        bytes[place..place + to.len()].copy_from_slice(to);
    }
    bytes
}

#[test]
fn files_that_are_no_build_of_this_plug_in() {
    no_build::<Plugin>();
    no_build::<Vst3>();
}

fn no_build<I: Instance>() {
    let mut stage = Stage::<I>::new();
    let whole = good();
    let table = [hotshell_abi::MAGIC.to_le_bytes().as_slice(), &hotshell_abi::EPOCH.to_le_bytes()].concat();
    let epoch = [hotshell_abi::MAGIC.to_le_bytes().as_slice(), &77_u32.to_le_bytes()].concat();
    let noise: Vec<u8> =
        (0..100_000_u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect();
    let mut other_processor = whole.clone();
    other_processor[18..20]
        .copy_from_slice(&if cfg!(target_arch = "x86_64") { 183_u16 } else { 62 }.to_le_bytes());
    let table: [(&str, Vec<u8>, &[&str]); 9] = [
        ("nothing", Vec::new(), &["not a library"]),
        ("text", b"this is no library, and long enough for the header of one".to_vec(), &["not a library"]),
        ("random bytes", noise, &["not a library"]),
        ("another processor", other_processor, &["built for"]),
        (
            "an unrelated library",
            fs::read(Fixture::new("fixture-steady", &["v2"]).release()).expect("built"),
            &["does not export"],
        ),
        ("a program", fs::read(env!("CARGO_BIN_EXE_player")).expect("built"), &["does not export"]),
        ("another epoch", patched(whole, &table, &epoch), &["ABI epoch: shell 1, logic 77"]),
        (
            "another precision",
            fs::read(Fixture::new("fixture-wide", &["v2"]).logic().path).expect("built"),
            &["sample_precision"],
        ),
        (
            "another plug-in",
            fs::read(plant::fixture().logic().path).expect("built"),
            &["org.hotshell.fixture.fault"],
        ),
    ];
    for (what, bytes, words) in table {
        let build = stage.bytes(&bytes);
        stage.refused_once(what, build, words);
        stage.goes_on(what);
    }
    stage.done();
}

/// A file of which the rest is missing, published as whole: what a full disk at the linker leaves.
#[test]
fn a_library_that_was_cut_at_every_hundredth() {
    cut::<Plugin>();
    cut::<Vst3>();
}

fn cut<I: Instance>() {
    let mut stage = Stage::<I>::new();
    let whole = good();
    for percent in 0..100 {
        let build = stage.bytes(&whole[..whole.len() * percent / 100]);
        let reason = stage.scene.wait_refused(build);
        let words = ["not a library", "cut short", "its list of exports is damaged", "does not export"];
        assert!(words.iter().any(|word| reason.contains(word)), "{percent} %: {reason}");
        stage.refused_once("a cut", build, &[]);
    }
    stage.goes_on("a hundred cuts");
    stage.done();
}

type Change = fn(&Path, &mut Manifest);

/// What happens to a sound build and its manifest before the shell sees them, and the reason.
const NAMED: [(&str, Change, &[&str]); 9] = [
    ("another length", |_, manifest| manifest.length += 1, &["and should have"]),
    (
        "another hash",
        |path, manifest| {
            manifest.hash = hash_text(manifest.hash() ^ 1);
            let name = format!("build-{}-{}.so", manifest.build, manifest.hash);
            fs::rename(path, path.with_file_name(&name)).expect("renamed");
            manifest.file = name;
        },
        &["does not have the hash"],
    ),
    (
        "a zeroed page",
        |path, _| {
            let mut file = fs::OpenOptions::new().write(true).open(path).expect("opens");
            file.seek(SeekFrom::Start(8192)).expect("seeks");
            file.write_all(&[0; 4096]).expect("writes");
        },
        &["does not have the hash"],
    ),
    (
        "a torn file",
        |path, _| fs::OpenOptions::new().write(true).open(path).expect("opens").set_len(5000).expect("cut"),
        &["has 5000 bytes"],
    ),
    (
        "a deleted file",
        |path, _| fs::remove_file(path).expect("removed"),
        &["named by the manifest and not there"],
    ),
    (
        "a folder",
        |path, _| {
            fs::remove_file(path).expect("removed");
            fs::create_dir(path).expect("made");
        },
        &["not a plain file"],
    ),
    (
        "a pipe",
        |path, _| {
            fs::remove_file(path).expect("removed");
            assert!(Command::new("mkfifo").arg(path).status().expect("runs").success());
        },
        &["not a plain file"],
    ),
    (
        "a dangling link",
        |path, _| {
            fs::remove_file(path).expect("removed");
            symlink("/nowhere/at/all", path).expect("linked");
        },
        &["symbolic link"],
    ),
    (
        "a file that others may write",
        |path, _| fs::set_permissions(path, Permissions::from_mode(0o666)).expect("changed"),
        &["others may write"],
    ),
];

#[test]
fn manifests_that_name_something_else() {
    misnamed::<Plugin>();
    misnamed::<Vst3>();
}

fn misnamed<I: Instance>() {
    let mut stage = Stage::<I>::new();
    stage.goes_on("nothing");
    for (what, change, words) in NAMED {
        let build = stage.changed(change);
        stage.refused_once(what, build, words);
        for file in stage.slot().files() {
            if number(&file) == Some(build) {
                let _ = fs::remove_file(stage.at(&file));
            }
        }
        let _ = fs::remove_dir(stage.at(&format!("build-{build}")));
        stage.goes_on(what);
    }
    stage.done();
}

#[test]
fn manifests_that_are_none() {
    no_manifest::<Plugin>();
    no_manifest::<Vst3>();
}

fn no_manifest<I: Instance>() {
    let mut stage = Stage::<I>::new();
    stage.goes_on("nothing");
    let whole = fs::read_to_string(stage.at("manifest")).expect("there");
    stage.manifest(&whole.as_bytes()[..whole.len() / 2]);
    stage.said("half a manifest", &["not a manifest (eof"]);
    stage.goes_on("half a manifest");
    stage.manifest(b"\x00\xff junk");
    stage.said("junk", &["not a manifest (expected"]);
    stage.manifest(whole.replace("\"format\": 1", "\"format\": 9").as_bytes());
    stage.said("another format", &["it has format 9"]);
    stage.manifest(whole.replace("\"file\": \"", "\"file\": \"../").as_bytes());
    stage.said("a way out of the slot", &["not a plain name"]);
    stage.manifest(&vec![b' '; 100_000]);
    stage.said("a manifest without end", &["larger than"]);
    fs::remove_file(stage.at("manifest")).expect("removed");
    symlink("manifest", stage.at("manifest")).expect("linked");
    stage.said("a link to itself", &["symbolic link"]);
    fs::remove_file(stage.at("manifest")).expect("removed");
    fs::create_dir(stage.at("manifest")).expect("made");
    stage.said("a folder for a manifest", &["manifest was refused", "not a plain file"]);
    fs::remove_dir(stage.at("manifest")).expect("removed");
    stage.goes_on("no manifest");
    stage.done();
}

#[test]
fn a_hundred_builds_at_once_end_on_the_last_one() {
    a_hundred::<Plugin>();
    a_hundred::<Vst3>();
}

fn a_hundred<I: Instance>() {
    let mut stage = Stage::<I>::new();
    let mut last = 0;
    for _ in 0..100 {
        last = stage.sound();
    }
    let slot = &stage.scene.slot;
    stage.scene.plugin.wait_until("the last one", |_| slot.reports().iter().any(|r| r.heard == last));
    stage.goes_on("a hundred builds");
    stage.done();
}

#[test]
fn the_slot_itself_and_its_staging_folder() {
    folders::<Plugin>();
    folders::<Vst3>();
}

fn folders<I: Instance>() {
    let mut stage = Stage::<I>::new();
    stage.goes_on("nothing");
    let staged = stage.at("staged");
    let refuse = |stage: &mut Stage<I>, what: &str, words: &[&str]| {
        let build = stage.sound();
        stage.refused_once(what, build, words);
    };
    fs::remove_dir_all(&staged).expect("removed");
    stage.goes_on("no staging folder");
    fs::remove_dir_all(&staged).expect("removed");
    fs::write(&staged, "a file").expect("written");
    refuse(&mut stage, "a file for a folder", &["staged", "not a folder"]);
    fs::remove_file(&staged).expect("removed");
    symlink(stage.slot().room(), &staged).expect("linked");
    refuse(&mut stage, "a link for a folder", &["staged", "symbolic link"]);
    fs::remove_file(&staged).expect("removed");
    fs::create_dir(&staged).expect("made");
    fs::set_permissions(&staged, Permissions::from_mode(0o777)).expect("changed");
    refuse(&mut stage, "a folder that others may write", &["staged", "others may write"]);
    fs::set_permissions(&staged, Permissions::from_mode(0o700)).expect("changed");
    stage.goes_on("a staging folder that was repaired");
    // The whole slot goes and comes back.
    fs::rename(stage.slot().path(), stage.slot().room().join("gone")).expect("moved");
    let blocks = stage.scene.plugin.blocks();
    stage.scene.plugin.wait_until("the sound going on", |p| p.blocks() > blocks + 20);
    fs::rename(stage.slot().room().join("gone"), stage.slot().path()).expect("moved back");
    stage.goes_on("a slot that was away");
    stage.done();
}

/// A host of its own, started by `host`, in which `publish`ed is refused for a reason with all `words`. False if the host
/// ends at once with one of the statuses of whoever could not start it.
fn host_by(
    slot: &TestSlot,
    host: &mut Command,
    cannot: &[i32],
    publish: impl FnOnce(&TestSlot) -> u32,
    words: &[&str],
) -> bool {
    let mut host =
        host.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("runs");
    let wait = |host: &mut Child, what: &str, done: &dyn Fn() -> bool| {
        let begin = std::time::Instant::now();
        while !done() {
            if let Some(ended) = host.try_wait().expect("a child") {
                // A host that crashes ends otherwise.
                assert!(ended.code().is_some_and(|code| cannot.contains(&code)), "{what}: {ended}");
                return false;
            }
            assert!(begin.elapsed() < PATIENCE, "{what}: {:#?}", slot.reports());
            std::thread::park_timeout(std::time::Duration::from_millis(5));
        }
        true
    };
    if !wait(&mut host, "the host plays", &|| slot.reports().iter().any(|r| r.blocks > 0)) {
        return false;
    }
    let build = publish(slot);
    assert!(wait(&mut host, "the refusal", &|| slot.refusal(build).is_some()), "the host ended");
    let reason = slot.refusal(build).expect("just seen");
    assert!(words.iter().all(|word| reason.contains(word)), "{words:?}: {reason}");
    drop(host.stdin.take());
    let lines: Vec<String> =
        BufReader::new(host.stdout.take().expect("piped")).lines().map_while(Result::ok).collect();
    assert!(host.wait().expect("ends").success(), "{lines:?}");
    assert!(
        lines.contains(&"unwritten 0".to_owned()) && lines.contains(&"last 0.25".to_owned()),
        "{lines:?}"
    );
    true
}

/// A host whose staging folder is on a disk of its own, which needs a user namespace.
#[expect(clippy::print_stdout, reason = "a log says what was not run")]
fn host_on<I: Instance>(disk: &str, words: &[&str]) {
    let slot = TestSlot::new();
    let bundle = I::shell(&Fixture::new("fixture-steady", &[]), &slot);
    let build = Fixture::new("fixture-steady", &["v2"]).logic();
    let staged = slot.path().join("staged");
    fs::create_dir(&staged).expect("made");
    fs::set_permissions(&staged, Permissions::from_mode(0o700)).expect("changed");
    let script = format!("mount -t tmpfs -o mode=700,{disk} tmpfs \"$1\" || exit 77; exec \"$0\" \"$2\"");
    let mut host = Command::new("unshare");
    host.args(["-rm", "sh", "-c", &script, env!("CARGO_BIN_EXE_player")]).args([&staged, &bundle]);
    // `unshare`'s own refusal, and the script's.
    if !host_by(&slot, &mut host, &[1, 77], |slot| slot.publish(&build), words) {
        println!("not run: this machine has no user namespaces to mount a disk with {disk} in");
    }
}

/// Root reads everything, but for a process that has given that up.
#[test]
fn a_build_that_the_host_may_not_read() {
    unreadable::<Plugin>();
    unreadable::<Vst3>();
}

fn unreadable<I: Instance>() {
    let slot = TestSlot::new();
    let bundle = I::shell(&Fixture::new("fixture-steady", &[]), &slot);
    let build = Fixture::new("fixture-steady", &["v2"]).logic();
    let mut host = if fs::metadata("/proc/self").expect("of this process").uid() == 0 {
        let mut host = Command::new("setpriv");
        host.args(["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]);
        host.arg(env!("CARGO_BIN_EXE_player"));
        host
    } else {
        Command::new(env!("CARGO_BIN_EXE_player"))
    };
    let publish = |slot: &TestSlot| {
        // The host must not see it before: it is put there under another manifest's name, and then named.
        let aside = TestSlot::new();
        aside.publish(&build);
        let mut manifest = aside.slot().read_manifest().expect("published");
        let from = aside.path().join(&manifest.file);
        manifest.build = 7;
        manifest.file = format!("build-7-{}.so", manifest.hash);
        let to = slot.path().join(&manifest.file);
        fs::copy(from, &to).expect("copied");
        fs::set_permissions(&to, Permissions::from_mode(0o000)).expect("changed");
        let text = serde_json::to_string(&manifest).expect("text");
        slot.slot().folder().write("manifest", text.as_bytes()).expect("written");
        7
    };
    assert!(host_by(&slot, host.arg(&bundle), &[], publish, &["Permission denied"]));
}

/// A name that leads to the file, then to a link, and so on, as fast as that can be done.
struct Swapped {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Swapped {
    fn start(path: PathBuf, other: PathBuf) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ends);
        let whole = path.with_extension("whole");
        fs::copy(&path, &whole).expect("copied");
        let (begun, has_begun) = std::sync::mpsc::channel();
        let swap = move || {
            let beside = path.with_extension("beside");
            let mut swaps = 0;
            while !end.load(SeqCst) {
                symlink(&other, &beside).expect("linked");
                fs::rename(&beside, &path).expect("swapped");
                fs::copy(&whole, &beside).expect("copied");
                fs::rename(&beside, &path).expect("swapped back");
                swaps += 1;
                // Nobody listens after the first.
                let _ = begun.send(());
            }
            fs::remove_file(&whole).expect("removed");
            swaps
        };
        let thread = Builder::new().name("test swaps".into()).spawn(swap).expect("a thread");
        // The build is judged at once: a thread that has not run by then has swapped nothing.
        has_begun.recv_timeout(PATIENCE).expect("it swaps");
        Self { ends, thread }
    }

    fn stop(self) -> u64 {
        self.ends.store(true, SeqCst);
        self.thread.join().expect("swaps to the end")
    }
}

#[test]
fn a_build_whose_name_is_swapped_for_a_link_while_it_is_read() {
    swapped::<Plugin>();
    swapped::<Vst3>();
}

fn swapped<I: Instance>() {
    let mut stage = Stage::<I>::new();
    stage.goes_on("nothing");
    // Whoever follows the link hears it.
    let other = Fixture::new("fixture-steady", &["v3"]).logic().path;
    for _ in 0..20 {
        let mut swapped = None;
        let build = stage.changed(|path, _| swapped = Some(Swapped::start(path.to_owned(), other.clone())));
        let slot = &stage.scene.slot;
        stage.scene.plugin.wait_until("heard or refused", |_| {
            slot.refusal(build).is_some() || slot.reports().iter().any(|report| report.heard == build)
        });
        assert!(swapped.expect("started").stop() > 0);
        let reason = stage.slot().refusal(build);
        assert!(reason.as_ref().is_none_or(|reason| reason.contains("symbolic link")), "{reason:?}");
        stage.goes_on("a name that was swapped");
    }
    stage.done();
}

#[test]
fn a_staging_folder_on_a_full_disk_or_on_one_from_which_nothing_may_run() {
    const FULL: [&str; 2] = ["copy the build", "No space left"];
    host_on::<Plugin>("size=64k", &FULL);
    host_on::<Vst3>("size=64k", &FULL);
    host_on::<Plugin>("noexec", &["staged"]);
    host_on::<Vst3>("noexec", &["staged"]);
}
