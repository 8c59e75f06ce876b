//! Whatever appears in the slot, what plays plays on, and the author learns why.

use std::path::Path;

use hotshell_core::reload::slot::{BuildFacts, Manifest};
use hotshell_core::reload::{Attachment, load::LoadError};
use hotshell_core::reload::{Load as _, NativeLoader};

use super::fixture::{Player, Scratch, Variant, library, logic, wait};
use super::marked;

/// What the fixture library's constructor leaves where it runs.
const CONSTRUCTOR: &str = r#"
extern "C" fn run() { std::fs::write("MARKER", b"ran").unwrap(); }
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
static RUN: extern "C" fn() = run;
"#;

fn open(scratch: &Scratch) -> (std::sync::Arc<Player>, Attachment) {
    let player = Player::new();
    let (tie, build) = player.open(scratch.setup());
    assert_eq!(build, 0);
    (player, tie)
}

/// The file of a published build, changed after its manifest was written: the manifest is put back last, as a rename.
fn publish_changed(scratch: &Scratch, library: &Path, change: impl FnOnce(&Path)) -> Manifest {
    let slot = scratch.slot();
    let manifest = slot.publish(library, BuildFacts::default()).unwrap();
    let folder = slot.folder().path();
    let kept = std::fs::read(folder.join("manifest")).unwrap();
    change(&folder.join(&manifest.file));
    slot.folder().write("manifest", &kept).unwrap();
    manifest
}

/// Publishes into a slot that nobody listens to yet, so that the change is there before the first look.
fn refused_at_first_look(change: impl FnOnce(&Path), words: &[&str]) {
    let scratch = Scratch::new();
    let slot = scratch.slot();
    publish_changed(&scratch, &marked(1), change);
    let (player, tie) = open(&scratch);
    player.heard_of(words);
    assert!(player.taken().is_empty());
    assert_eq!(tie.report().loads, 0);
    // The same build, whole this time, comes in: its file was at fault and not its code.
    assert_eq!(slot.publish(&marked(1), BuildFacts::default()).unwrap().build, 2);
    wait("the whole build", || player.taken() == [2]);
}

#[test]
fn a_torn_file_is_refused() {
    let tear = |path: &Path| {
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    };
    refused_at_first_look(tear, &["build 1", "torn", "publish again"]);
}

#[test]
fn a_file_that_was_written_in_place_is_refused() {
    let damage = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    refused_at_first_look(damage, &["build 1", "hash", "publish again"]);
}

#[test]
fn a_file_that_vanished_is_refused_until_the_next_publish() {
    refused_at_first_look(
        |path| std::fs::remove_file(path).unwrap(),
        &["build 1", "not there", "publish again"],
    );
}

fn refused(bytes: &[u8], words: &[&str]) {
    let scratch = Scratch::new();
    let (player, tie) = {
        scratch.slot();
        open(&scratch)
    };
    scratch.publish(&scratch.file("source", bytes));
    player.heard_of(words);
    assert_eq!(tie.report().refusals.len(), 1);
    scratch.publish(&marked(1));
    wait("the next build", || player.taken() == [2]);
}

#[test]
fn a_library_without_the_entry_is_refused_before_its_constructor_runs() {
    let marker = Scratch::new();
    let path = marker.file("marker", b"");
    std::fs::remove_file(&path).unwrap();
    let source = CONSTRUCTOR.replace("MARKER", &path.display().to_string());
    let library = library(&source, "cdylib");
    refused(&std::fs::read(&library).unwrap(), &["build 1", "does not export hotshell_logic_v1"]);
    assert!(!path.exists(), "its constructor ran");
    // And it would have: the loader itself does not look first.
    assert!(matches!(NativeLoader::<f32>::new().load(&library, &[]), Err(LoadError::Unfit(_))));
    assert!(path.exists());
}

#[test]
fn a_program_in_place_of_a_library_is_refused() {
    let bytes = std::fs::read(library("fn main() {}", "bin")).unwrap();
    refused(&bytes, &["build 1", "refused"]);
}

#[test]
fn an_object_file_is_refused() {
    let bytes = std::fs::read(library("#[unsafe(no_mangle)] pub fn hotshell_logic_v1() {}", "rlib")).unwrap();
    refused(&bytes, &["build 1", "library"]);
}

#[test]
fn text_and_nothing_are_refused() {
    refused(
        b"this is no library at all, and long enough to be read as a header of some kind",
        &["not a library"],
    );
    refused(b"", &["not a library"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_for_another_processor_is_refused_by_name() {
    let mut bytes = std::fs::read(marked(1)).unwrap();
    // `e_machine` of the ELF header: 183 is AArch64, 62 x86-64.
    let other: u16 = if cfg!(target_arch = "aarch64") { 62 } else { 183 };
    bytes[18..20].copy_from_slice(&other.to_le_bytes());
    let name = if cfg!(target_arch = "aarch64") { "X86_64" } else { "Aarch64" };
    refused(&bytes, &["built for", name]);
}

#[test]
fn damaged_headers_never_stop_the_pipeline() {
    let whole = std::fs::read(marked(1)).unwrap();
    let scratch = Scratch::new();
    scratch.slot();
    let (player, tie) = open(&scratch);
    // The hash is right, the tables inside are not. Only what is refused before it is loaded may be tried here.
    for (round, place) in (40..64).step_by(3).enumerate() {
        let mut bytes = whole.clone();
        bytes[place..place + 2].fill(0xff);
        let file = scratch.file("source", &bytes);
        if hotshell_core::reload::check::check(&std::fs::File::open(&file).unwrap()).is_err() {
            scratch.publish(&file);
            wait("the refusal", || !tie.report().refusals.is_empty());
        }
        assert!(player.taken().is_empty(), "round {round}");
    }
    assert!(!tie.report().refusals.is_empty());
    let good = scratch.publish(&marked(1));
    wait("the whole build", || player.taken() == [good.build]);
}

#[test]
fn a_build_that_does_not_fit_is_refused_by_each_difference() {
    let load = |variant| match NativeLoader::<f32>::new().load(&logic(variant), &[]) {
        Err(LoadError::Unfit(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let double = load(Variant { sample: "f64", ..Variant::default() });
    assert!(double.contains("sample_precision: shell f32, logic f64"), "{double}");
    let target = load(Variant { target: Some("sparc-sun-solaris"), ..Variant::default() });
    assert!(target.contains("target: shell ") && target.contains("logic sparc-sun-solaris"), "{target}");
    let abort = load(Variant { panic: "abort", sample: "f64", ..Variant::default() });
    assert!(abort.contains("panic_strategy: shell unwind, logic abort"), "{abort}");
    assert!(abort.contains("sample_precision"), "{abort}");
}

#[test]
fn a_plug_ins_precision_is_that_of_its_own_build_0() {
    let double = logic(Variant { sample: "f64", ..Variant::default() });
    let own = NativeLoader::<f64>::new().load(&double, &[]).unwrap();
    assert!(NativeLoader::<f32>::new().load(&double, &own).is_ok());
    assert!(NativeLoader::<f64>::new().load(&marked(0), &own).is_err());
}

#[test]
fn a_refused_canary_reaches_the_author() {
    let bytes = std::fs::read(logic(Variant { sample: "f64", ..Variant::default() })).unwrap();
    refused(&bytes, &["build 1", "sample_precision: shell f32, logic f64"]);
}

#[cfg(unix)]
#[test]
fn a_slot_that_others_can_write_is_never_loaded_from() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::new();
    scratch.publish(&marked(1));
    let mode =
        |mode| std::fs::set_permissions(scratch.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o777);
    let (player, tie) = open(&scratch);
    player.heard_of(&["others may write"]);
    assert_eq!((player.taken().len(), tie.report().loads), (0, 0));
    mode(0o700);
    wait("the build of the repaired slot", || player.taken() == [1]);
}

#[test]
fn a_damaged_manifest_is_refused_and_the_next_one_read() {
    let scratch = Scratch::new();
    let slot = scratch.slot();
    let (player, _tie) = open(&scratch);
    slot.folder().write("manifest", b"{\"format\": 1, \"build\"").unwrap();
    player.heard_of(&["manifest", "publish again"]);
    slot.folder().write("manifest", b"{\"format\": 99}").unwrap();
    player.heard_of(&["format 99"]);
    let good = scratch.publish(&marked(1));
    wait("the build", || player.taken() == [good.build]);
}

#[test]
fn nothing_stays_staged() {
    let scratch = Scratch::new();
    scratch.slot();
    let (player, tie) = open(&scratch);
    for mark in 1..=5 {
        scratch.publish(&marked(mark));
        wait("the build", || player.last().is_some_and(|(build, _)| build == mark));
    }
    let staged = std::fs::read_dir(scratch.path().join("staged")).unwrap().count();
    assert_eq!(staged, if cfg!(unix) { 0 } else { 5 });
    let report = tie.report();
    assert_eq!(report.loads, 5);
    assert!(!cfg!(unix) || report.held_bytes > 5 * 4096, "{report:?}");
}
