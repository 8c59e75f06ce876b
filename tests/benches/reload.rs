//! What a reload costs, through CLAP and through VST3: lost blocks, time until it is heard, the block of the swap; and
//! memory, files and the edit loop through CLAP.
//! `cargo bench -p hotshell-tests --bench reload [-- --json FILE] [release] [dev] [memory] [saved] [seen]`

use hotshell_core::reload::slot::{self, Slot};
use hotshell_tests::figures::{Figures, median};
use hotshell_tests::fixture::workspace;
use hotshell_tests::{
    Built, Bundle, Fixture, HostOptions, Instance, Play, Plugin, Profile, Scene, Scope, Screen, Setup,
    Window, constant,
};
use serde_json::json;

const RELOADS: usize = 40;
const MANY: usize = 50;
const SAVES: usize = 10;

fn milliseconds(nanoseconds: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let milliseconds = nanoseconds as f64 / 1e6;
    milliseconds
}

/// Publishes, waits until it is heard, and answers published -> first new block, in milliseconds.
fn reload<I: Instance>(scene: &mut Scene<I>, build: &Built) -> f64 {
    let number = scene.publish_while_playing(build);
    let published = scene.slot.slot().read_manifest().expect("a manifest").published_at;
    let reports = scene.slot.reports();
    let heard = reports.iter().find(|r| r.heard == number).expect("just heard").heard_at;
    milliseconds(heard.saturating_sub(published))
}

/// Plays until a fade is over.
fn settle<I: Instance>(scene: &mut Scene<I>) {
    let blocks = scene.plugin.blocks();
    scene.plugin.wait_until("the fade", |plugin| plugin.blocks() > blocks + 30);
}

/// Nanoseconds of the slowest block around each swap, over the median block.
fn swap_blocks(recording: &hotshell_tests::Recording) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let times: Vec<f64> = recording.nanoseconds.iter().map(|ns| *ns as f64).collect();
    let steady = median(&times);
    let blocks: Vec<&[f32]> = recording.channels[0].chunks_exact(128).collect();
    let is_level = |block: &[f32]| block.iter().all(|s| s.to_bits() == block[0].to_bits());
    let begins = |i: &usize| *i > 0 && !is_level(blocks[*i]) && is_level(blocks[*i - 1]);
    let swaps = (0..blocks.len().min(times.len())).filter(begins);
    swaps.map(|i| times[i.saturating_sub(1)..=i].iter().fold(0.0_f64, |a, b| a.max(*b)) - steady).collect()
}

fn steady(profile: Profile, features: &[&str]) -> Fixture {
    Fixture::new("fixture-steady", features).profile(profile)
}

fn profile<I: Instance>(figures: &mut Figures, mut scene: Scene<I>, profile: Profile, name: &str) {
    let builds = [steady(profile, &["v2"]).logic(), steady(profile, &["v3"]).logic()];
    scene.plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    let mut heard = Vec::new();
    for i in 0..RELOADS {
        heard.push(reload(&mut scene, &builds[i % 2]));
        settle(&mut scene);
    }
    let recording = scene.plugin.stop();
    let report = scene.slot.reports().remove(0);
    let size = std::fs::metadata(&builds[0].path).expect("there").len();
    figures.put(&format!("{name}.reloads"), json!(RELOADS));
    figures.put(&format!("{name}.logic_bytes"), json!(size));
    figures.put(&format!("{name}.blocks_total"), json!(recording.blocks));
    figures.put(&format!("{name}.blocks_lost"), json!(report.blocks_lost));
    figures.put(&format!("{name}.unwritten_samples"), json!(recording.unwritten));
    figures.put(&format!("{name}.blocks_late"), json!(recording.late));
    figures.put_spread(&format!("{name}.published_to_heard_ms"), &heard);
    figures.put_spread(&format!("{name}.swap_block_over_steady_ns"), &swap_blocks(&recording));
}

/// Resident bytes of this process.
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok()).expect("kB") * 1024.0
}

fn memory(figures: &mut Figures) {
    let gain = Fixture::new("gain", &[]).profile(Profile::Release).config("profile.release.strip=true");
    let build = gain.logic();
    let mut scene = Scene::active(&gain);
    scene.plugin.play(Play::real_time());
    for _ in 0..5 {
        reload(&mut scene, &build);
    }
    settle(&mut scene);
    let (before, held) = (resident(), scene.slot.reports()[0].held_bytes);
    for _ in 0..MANY {
        reload(&mut scene, &build);
        settle(&mut scene);
    }
    let (after, report) = (resident(), scene.slot.reports().remove(0));
    scene.plugin.stop();
    let many = f64::from(u32::try_from(MANY).expect("few"));
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let held = (report.held_bytes - held) as f64;
    let files = scene.slot.files();
    figures.put("memory.reloads", json!(MANY));
    figures.put("memory.logic_bytes", json!(std::fs::metadata(&build.path).expect("there").len()));
    figures.put("memory.rss_per_reload_bytes", json!(((after - before) / many).round()));
    figures.put("memory.held_per_reload_bytes", json!((held / many).round()));
    figures.put("memory.builds_in_slot", json!(files.iter().filter(|f| f.starts_with("build-")).count()));
    figures.put("memory.staged_files_left", json!(files.iter().filter(|f| f.starts_with("staged")).count()));
}

/// `dev` at work on a copy of the gain example, and a host that plays its bundle.
struct Author {
    dev: std::process::Child,
    folder: tempfile::TempDir,
    source: String,
}

impl Author {
    /// `editor`: with the example's window.
    fn start(editor: bool) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (from, to) = (workspace().join("examples/gain"), folder.path().join("gain"));
        std::fs::create_dir_all(to.join("src")).expect("a folder");
        for entry in std::fs::read_dir(from.join("src")).expect("the example").flatten() {
            std::fs::copy(entry.path(), to.join("src").join(entry.file_name())).expect("copied");
        }
        let root = workspace().display();
        let default = if editor { "[\"editor\"]" } else { "[]" };
        let manifest = format!(
            "[package]\nname = \"gain\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\n\
             crate-type = [\"cdylib\", \"rlib\"]\n\n[features]\ndefault = {default}\neditor = [\"hotshell/egui\"]\n\n\
             [dependencies]\nhotshell = {{ path = {:?} }}\n\n[workspace]\n",
            root.to_string()
        );
        std::fs::write(to.join("Cargo.toml"), manifest).expect("written");
        std::fs::copy(workspace().join("Cargo.lock"), to.join("Cargo.lock")).expect("copied");
        let source = std::fs::read_to_string(to.join("src/lib.rs")).expect("the example");
        let dev = dev(folder.path(), &[]);
        Self { dev, folder, source }
    }

    /// The same plug-in from now on without the trial.
    fn without_trial(&mut self) {
        self.dev.kill().and_then(|()| self.dev.wait()).expect("dev ends");
        self.dev = dev(self.folder.path(), &["--no-trial"]);
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("dev.log")).unwrap_or_default()
    }

    /// First entry of a folder whose name ends so, once there is one.
    fn wait_for(&mut self, folder: &str, end: &str) -> std::path::PathBuf {
        let folder = self.folder.path().join(folder);
        loop {
            let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let found = entries.map(|entry| entry.path()).find(|path| path.to_string_lossy().ends_with(end));
            if let Some(found) = found {
                return found;
            }
            assert!(self.dev.try_wait().expect("asked").is_none(), "dev ended: {}", self.log());
            std::thread::park_timeout(std::time::Duration::from_millis(50));
        }
    }

    /// Saves the source with another gain; answers when, in nanoseconds since 1970.
    fn save(&self, factor: f32) -> u64 {
        let (old, new) = ("10.0_f32.powf(db / 20.0)", format!("{factor:?} * 10.0_f32.powf(db / 20.0)"));
        assert!(self.source.contains(old), "the example says {old}");
        let now = slot::now();
        std::fs::write(self.folder.path().join("gain/src/lib.rs"), self.source.replace(old, &new))
            .expect("saved");
        now
    }
}

/// Starts `dev` on the copy in `folder`.
fn dev(folder: &std::path::Path, more: &[&str]) -> std::process::Child {
    let log = std::fs::File::create(folder.join("dev.log")).expect("a log");
    std::process::Command::new(hotshell_tests::fixture::command())
        .arg("dev")
        .arg(folder.join("gain"))
        .arg("--out")
        .arg(folder.join("out"))
        .args(more)
        .env("HOTSHELL_DATA_DIR", folder.join("data"))
        .stdin(std::process::Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .spawn()
        .expect("dev starts")
}

impl Drop for Author {
    fn drop(&mut self) {
        // Ended or not, it must not outlive its folder; an error says that it has ended.
        let _ = self.dev.kill();
        let _ = self.dev.wait();
    }
}

/// From the save on, in milliseconds.
struct Times {
    built: f64,
    heard: f64,
    /// With a window.
    seen: Option<f64>,
}

/// The last line of the gain's window, where the number of the build is.
fn number((screen, window): (&Screen, Window)) -> Option<Vec<u32>> {
    let picture = screen.try_picture(window.child)?;
    let line = picture.pixels[(picture.width * (picture.height - 48)) as usize..].to_vec();
    line.iter().any(|pixel| *pixel != line[0]).then_some(line)
}

/// Saves, and waits until the edit is heard, and seen.
fn edit(
    plugin: &mut Plugin,
    slot: &Slot,
    author: &Author,
    factor: f32,
    window: Option<(&Screen, Window)>,
) -> Times {
    let build = slot.read_manifest().map_or(0, |manifest| manifest.build);
    let before = window.and_then(number);
    let saved = author.save(factor);
    let since = |time: u64| milliseconds(time.saturating_sub(saved));
    let begin = std::time::Instant::now();
    let (mut heard, mut seen) = (None, None);
    loop {
        plugin.tick();
        if seen.is_none()
            && let Some(now) = window.and_then(number)
            && Some(now) != before
        {
            seen = Some(since(slot::now()));
        }
        let reports = slot.reports().unwrap_or_default();
        heard =
            heard.or_else(|| reports.iter().find(|report| report.heard > build).map(|r| since(r.heard_at)));
        if let Some(heard) = heard.filter(|_| window.is_none() || seen.is_some()) {
            let built = since(slot.read_manifest().expect("published").built_at);
            return Times { built, heard, seen };
        }
        assert!(begin.elapsed().as_secs() < 900, "the edit was not heard: {}", author.log());
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    }
}

fn saves(
    figures: &mut Figures,
    name: &str,
    plugin: &mut Plugin,
    (slot, author): (&Slot, &Author),
    window: Option<(&Screen, Window)>,
) {
    // The first edit also builds what the logic depends on: it is not one that an author waits for often.
    let first = edit(plugin, slot, author, 0.9, window);
    let mut all = Vec::new();
    for i in 0..SAVES {
        all.push(edit(plugin, slot, author, if i % 2 == 0 { 0.75 } else { 0.5 }, window));
        let blocks = plugin.playing().blocks();
        plugin.wait_until("a pause between edits", |p| p.playing().blocks() > blocks + 200);
    }
    figures.put(&format!("{name}.first_edit_ms"), json!(first.heard.round()));
    figures.put(&format!("{name}.saves"), json!(SAVES));
    let put = |figures: &mut Figures, what: &str, of: &dyn Fn(&Times) -> Option<f64>| {
        let times: Vec<f64> = all.iter().filter_map(of).collect();
        figures.put_spread(&format!("{name}.saved_to_{what}_ms"), &times);
    };
    put(figures, "built", &|times| Some(times.built));
    put(figures, "heard", &|times| Some(times.heard));
    put(figures, "seen", &|times| times.seen);
}

/// With the trial and without; with the example's window open or without it.
fn saved(figures: &mut Figures, editor: bool) {
    let mut author = Author::start(editor);
    let place = author.wait_for("out", ".clap");
    let slot = Slot::existing(&author.wait_for("data/slots", "")).expect("dev's slot");
    let screen = editor.then(Screen::turn);
    let bundle = Bundle::load(&place, Scope::Local).expect("loads");
    let mut plugin = Plugin::open(&bundle, 0, HostOptions::default()).expect("opens");
    plugin.activate(Setup::default());
    plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    let window = screen.as_deref().map(|screen| (screen, plugin.open_editor(screen)));
    if let Some(window) = window {
        plugin.wait_until("a picture", |_| number(window).is_some());
    }
    let name = if editor { "gain_with_editor" } else { "gain_without_editor" };
    saves(figures, name, &mut plugin, (&slot, &author), window);
    author.without_trial();
    saves(figures, &format!("{name}.no_trial"), &mut plugin, (&slot, &author), window);
    if let Some((screen, window)) = window {
        plugin.close_editor(screen, window);
    }
    figures.put(&format!("{name}.unwritten_samples"), json!(plugin.stop().unwritten));
}

fn main() {
    let mut figures = Figures::from_arguments();
    for (name, optimised) in [("release", Profile::Release), ("dev", Profile::Dev)] {
        if figures.wants(name) {
            let shell = steady(optimised, &[]);
            profile(&mut figures, Scene::active(&shell), optimised, name);
            profile(&mut figures, Scene::vst3_active(&shell), optimised, &format!("vst3.{name}"));
        }
    }
    if figures.wants("memory") {
        memory(&mut figures);
    }
    if figures.wants("saved") {
        saved(&mut figures, false);
    }
    if figures.wants("seen") {
        saved(&mut figures, true);
    }
    figures.put(
        "goals",
        json!({
            "blocks_lost": 0,
            "published_to_heard_ms_median": { "release": 30, "dev": 60 },
            "rss_per_reload_bytes": 1 << 20,
            "held_per_reload_bytes": 5 << 20,
            "saved_to_heard_ms_median": 700,
        }),
    );
    figures.finish();
}
