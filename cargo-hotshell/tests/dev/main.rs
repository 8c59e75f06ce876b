//! `dev`, `clean` and `bundle` as an author uses them, on a tiny plug-in whose framework is a stand-in: what is tested
//! is the command, not the sound.
//!
//! Called by: `cargo test`. Calls: the built command. Threads: [any].
#![cfg(unix)]

mod bench;

use bench::{Bench, Gate};
use hotshell_core::reload::slot::{DevState, Slot};

#[test]
fn every_changed_save_is_published_and_a_bad_one_is_named_while_the_last_good_build_stays() {
    let bench = Bench::new();
    let mut dev = bench.dev(&[]);
    dev.wait_for("Published build 1");
    let slot = bench.slot();
    let shell = std::fs::read(bench.bundle()).expect("a bundle");
    assert!(
        Bench::holds(&shell, slot.folder().path().as_os_str().as_encoded_bytes()),
        "the shell knows its slot"
    );
    assert!(!Bench::holds(&bench.published(), b"hotshell/slots"), "a logic knows none");

    bench.write_logic("sound-of-two");
    dev.wait_for("Published build 2");
    assert!(Bench::holds(&bench.published(), b"sound-of-two"));
    let manifest = slot.read_manifest().expect("a manifest");
    assert!(manifest.saved_at > 0 && manifest.saved_at <= manifest.built_at, "{manifest:?}");
    assert!(
        manifest.built_at <= manifest.published_at && manifest.facts["saved"].ends_with("lib.rs"),
        "{manifest:?}"
    );

    bench.write("gain/src/lib.rs", "fn broken( {");
    let line = dev.wait_for("Failed");
    assert!(line.contains("src/lib.rs:1:") && line.contains("build 2 plays on"), "{line}");
    assert!(dev.output().contains("error: this file contains an unclosed delimiter"), "{}", dev.output());
    let status = slot.read_dev().expect("readable").expect("running");
    assert_eq!((status.state, status.build), (DevState::Failed, 2));
    assert!(status.error.expect("an error").starts_with("src/lib.rs:1:"));
    assert_eq!(slot.read_manifest().expect("a manifest"), manifest, "the last good build still counts");

    bench.write_logic("sound-of-three");
    dev.wait_for("Published build 3");
    // Saved again without a change, and a file that no build reads: neither is a build.
    bench.write_logic("sound-of-three");
    bench.write("gain/notes.txt", "x");
    bench.write_logic("sound-of-four");
    let line = dev.wait_for("Published");
    assert!(line.contains("build 4"), "{line}");
    assert_eq!(std::fs::read(bench.bundle()).expect("a bundle"), shell, "the shell is built once");
    assert_eq!(std::fs::read(bench.vst3_code()).expect("a bundle"), shell, "one shell for both formats");

    assert!(dev.interrupt().success());
    assert_eq!(bench.beside_the_bundle(), ["gain.clap", "gain.vst3"], "the bundles stay, and nothing else");
    assert!(Bench::holds(&bench.published(), b"sound-of-four"), "the last good build stays");
    assert!(slot.read_dev().expect("readable").is_none());
    assert!(bench.scratch().is_empty(), "{:?}", bench.scratch());
}

#[test]
fn an_included_file_is_a_source_too_and_a_failed_first_build_is_mended_by_a_save() {
    let bench = Bench::new();
    bench.write("gain/src/lib.rs", "pub static TABLE: &str = include_str!(\"../table.txt\");");
    let mut dev = bench.dev(&[]);
    let line = dev.wait_for("Failed");
    assert!(line.contains("src/lib.rs:1:") && line.contains("save a change to try again"), "{line}");
    assert_eq!(bench.beside_the_bundle(), [""; 0]);

    let source = "#[unsafe(no_mangle)]\npub extern \"C\" fn sound() -> *const u8 {\n    \
                  std::hint::black_box((hs::slot().as_ptr(), include_str!(\"../table.txt\").as_ptr())).1\n}\n";
    bench.write("gain/table.txt", "table-of-one");
    dev.wait_for("Failed");
    bench.write("gain/src/lib.rs", source);
    dev.wait_for("Published build 1");
    bench.write("gain/table.txt", "table-of-two");
    dev.wait_for("Published build 2");
    assert!(Bench::holds(&bench.published(), b"table-of-two"));
    bench.write("framework/src/lib.rs", "pub fn slot() -> &'static str { \"\" }\n");
    dev.wait_for("Published build 3");
    assert!(dev.interrupt().success());
}

#[test]
fn a_save_during_a_build_makes_that_build_obsolete_and_the_last_one_wins() {
    let gate = Gate::new();
    let bench = Bench::new();
    bench.write("gain/build.rs", &gate.build_script());
    let mut dev = bench.dev(&[]);
    gate.pass();
    gate.pass();
    dev.wait_for("Published build 1");
    bench.write_logic("obsolete");
    let obsolete = gate.wait();
    bench.write_logic("wins");
    obsolete.ended();
    gate.pass();
    let line = dev.wait_for("Published");
    assert!(line.contains("build 2"), "{line}");
    assert!(Bench::holds(&bench.published(), b"wins"));
    assert!(dev.interrupt().success());
}

#[test]
fn ctrl_c_during_the_first_build_leaves_no_process_and_no_file() {
    let gate = Gate::new();
    let bench = Bench::new();
    bench.write("gain/build.rs", &gate.build_script());
    let mut dev = bench.dev(&[]);
    let building = gate.wait();
    #[cfg(target_os = "linux")]
    assert!(building.nice() >= 10, "compiling must not make a host drop out: {}", building.nice());
    assert!(dev.interrupt().success());
    building.ended();
    assert!(bench.scratch().is_empty(), "{:?}", bench.scratch());
    assert_eq!(bench.beside_the_bundle(), [""; 0]);
    assert!(bench.slot().read_dev().expect("readable").is_none());
}

/// The file is there, and nobody speaks.
fn assert_dead(slot: &Slot) {
    assert!(slot.folder().path().join("dev.json").is_file(), "killed too early or too late");
    assert_eq!(slot.read_dev().expect("readable"), None);
}

#[test]
fn a_dev_that_is_killed_while_it_builds_says_nothing_any_more_and_the_next_one_goes_on() {
    let gate = Gate::new();
    let bench = Bench::new();
    let mut dev = bench.dev(&[]);
    dev.wait_for("Published build 1");
    let slot = bench.slot();
    let manifest = slot.read_manifest().expect("a manifest");
    bench.write("gain/build.rs", &gate.build_script());
    bench.write_logic("sound-of-two");
    let building = gate.wait();
    assert_eq!(slot.read_dev().expect("readable").expect("running").state, DevState::Building);
    dev.kill();
    assert_dead(&slot);
    assert_eq!(slot.read_manifest().expect("a manifest"), manifest, "the last good build still counts");
    // The build that it has left behind fails by this, if it has not been killed.
    drop(building);

    bench.write("gain/build.rs", "fn main() {}\n");
    let mut dev = bench.dev(&[]);
    let line = dev.wait_for("Published");
    assert!(line.contains("build 2"), "{line}");
    assert!(Bench::holds(&bench.published(), b"sound-of-two"));
    assert_eq!(slot.read_dev().expect("readable").expect("running").build, 2);
    assert!(dev.interrupt().success());
    assert!(bench.scratch().is_empty(), "{:?}", bench.scratch());
    assert_eq!(bench.beside_the_bundle(), ["gain.clap", "gain.vst3"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_dev_that_is_killed_during_a_trial_takes_it_along_and_publishes_nothing() {
    let gate = Gate::new();
    let bench = Bench::new();
    bench.write_table(&format!("{} std::ptr::null()", gate.code()));
    let dev = bench.dev_with_trial(&[]);
    let tried = gate.wait();
    let slot = bench.slot();
    dev.kill();
    tried.ended();
    assert_dead(&slot);
    assert!(slot.read_manifest().is_err(), "nothing is published");

    bench.write_table("std::ptr::null()");
    let mut dev = bench.dev_with_trial(&[]);
    let line = dev.wait_for("Published");
    assert!(line.contains("build 1"), "{line}");
    assert!(dev.interrupt().success());
    assert!(bench.scratch().is_empty(), "{:?}", bench.scratch());
    assert!(slot.read_dev().expect("readable").is_none());
}

#[test]
fn what_dev_leaves_is_removed_by_clean_and_a_temporary_one_removes_it_itself() {
    let bench = Bench::new();
    let mut dev = bench.dev(&[]);
    dev.wait_for("Published build 1");
    assert!(!bench.run(&["clean", "gain"]).0, "not while `dev` is at work");
    let (ok, text) = bench.run(&["dev", "gain", "--out", "elsewhere"]);
    assert!(!ok && text.contains("another `cargo hotshell dev`"), "{text}");
    assert!(dev.interrupt().success());
    let (ok, text) = bench.run(&["clean", "gain"]);
    assert!(ok, "{text}");
    bench.assert_clean();

    let mut dev = bench.dev(&["--temporary"]);
    dev.wait_for("Published build 1");
    assert!(dev.interrupt().success());
    bench.assert_clean();
}

#[test]
#[cfg(target_os = "linux")]
fn a_build_that_kills_the_trial_is_not_published_and_dev_json_says_why_and_a_good_one_is() {
    let bench = Bench::new();
    bench.write_table("std::process::abort()");
    let mut dev = bench.dev_with_trial(&[]);
    let line = dev.wait_for("Failed");
    assert!(line.contains("the trial found a crash in the library's constructors: SIGABRT"), "{line}");
    assert!(line.contains("--force"), "{line}");
    let slot = bench.slot();
    assert!(slot.read_manifest().is_err(), "nothing is published");
    let status = slot.read_dev().expect("readable").expect("running");
    assert_eq!(status.state, DevState::Failed);
    assert!(status.error.expect("an error").contains("SIGABRT"));
    let finding = status.findings.first().expect("a finding");
    assert!(finding.error && finding.what.contains("SIGABRT"), "{finding:?}");
    assert!(finding.replay.contains("trial --replay"), "{finding:?}");

    // No plug-in at all: not this command's to judge, so that it is the hosts' to refuse.
    bench.write_table("std::ptr::null()");
    let line = dev.wait_for("Published build 1");
    assert!(line.contains("untried") && dev.output().contains("Untried"), "{line}");
    let status = slot.read_dev().expect("readable").expect("running");
    assert_eq!((status.state, status.findings.len()), (DevState::Idle, 0), "{status:?}");
    assert!(dev.interrupt().success());
    assert!(bench.scratch().is_empty(), "{:?}", bench.scratch());
}

#[test]
#[cfg(target_os = "linux")]
fn force_publishes_what_the_trial_refuses() {
    let bench = Bench::new();
    bench.write_table("std::process::abort()");
    let mut dev = bench.dev_with_trial(&["--force"]);
    dev.wait_for("Published build 1");
    assert!(dev.output().contains("a crash in the library's constructors"), "{}", dev.output());
    let status = bench.slot().read_dev().expect("readable").expect("running");
    assert!(status.state == DevState::Idle && status.findings[0].error, "{status:?}");
    assert!(dev.interrupt().success());
}

#[test]
#[cfg(target_os = "linux")]
fn a_save_during_a_trial_and_ctrl_c_during_one_end_its_child() {
    let gate = Gate::new();
    let bench = Bench::new();
    bench.write_table(&format!("{} std::ptr::null()", gate.code()));
    let mut dev = bench.dev_with_trial(&[]);
    let first = gate.wait();
    bench.write_logic("another-sound");
    first.ended();
    let second = gate.wait();
    assert!(dev.interrupt().success());
    second.ended();
    assert!(bench.scratch().is_empty(), "{:?}", bench.scratch());
}

#[test]
fn a_release_bundle_in_the_place_is_reported_and_not_overwritten() {
    let bench = Bench::new();
    let (ok, text) = bench.run(&["bundle", "gain", "--out", "out"]);
    assert!(ok, "{text}");
    let release = std::fs::read(bench.bundle()).expect("a bundle");
    let (ok, text) = bench.run(&["dev", "gain", "--out", "out"]);
    assert!(!ok && text.contains("gain.clap") && text.contains("--out"), "{text}");
    assert_eq!(std::fs::read(bench.bundle()).expect("a bundle"), release);
}

#[test]
fn a_vst3_bundle_of_somebody_else_is_reported_too_and_needs_no_move_where_the_format_is_left_out() {
    let bench = Bench::new();
    let (ok, text) = bench.run(&["bundle", "gain", "--out", "out", "--format", "vst3"]);
    assert!(ok && bench.beside_the_bundle() == ["gain.vst3"], "{text}");
    let release = std::fs::read(bench.vst3_code()).expect("a bundle");
    let (ok, text) = bench.run(&["dev", "gain", "--out", "out"]);
    assert!(!ok && text.contains("gain.vst3") && text.contains("--format clap"), "{text}");
    let mut dev = bench.dev(&["--format", "clap"]);
    dev.wait_for("Published build 1");
    assert!(dev.interrupt().success());
    assert_eq!(bench.beside_the_bundle(), ["gain.clap", "gain.vst3"]);
    assert_eq!(std::fs::read(bench.vst3_code()).expect("a bundle"), release);
}

#[test]
fn a_bundle_is_made_of_each_format_that_the_plugin_is_built_with_and_the_others_are_named() {
    let bench = Bench::new();
    let (ok, text) = bench.run(&["bundle", "gain", "--out", "out"]);
    assert!(ok, "{text}");
    assert_eq!(bench.beside_the_bundle(), ["gain.clap", "gain.vst3"]);
    let info = std::fs::read(bench.vst3().join("Contents/Resources/moduleinfo.json")).expect("a description");
    let info: serde_json::Value = serde_json::from_slice(&info).expect("JSON");
    assert_eq!((info["Name"].as_str(), info["Version"].as_str()), (Some("gain"), Some("0.1.0")), "{info}");
    assert_eq!(info["Classes"], serde_json::json!([]), "{info}");

    bench.write_manifest("default-features = false, features = [\"clap\"]");
    let (ok, text) = bench.run(&["bundle", "gain", "--out", "out/less"]);
    assert!(ok && text.contains("Left out") && text.contains("built without VST3"), "{text}");
    assert_eq!(bench.beside_the_bundle(), ["gain.clap", "gain.vst3", "less"]);
    let (ok, text) = bench.run(&["bundle", "gain", "--out", "out", "--format", "vst3"]);
    assert!(!ok && text.contains("`vst3`"), "{text}");
    bench.write_manifest("default-features = false");
    let (ok, text) = bench.run(&["bundle", "gain", "--out", "out"]);
    assert!(!ok && text.contains("hs::plugin!") && text.contains("features"), "{text}");
}

#[test]
fn a_bundle_with_reload_code_is_refused() {
    let bench = Bench::new();
    bench.write_manifest("features = [\"logic-only\"]");
    let (ok, text) = bench.run(&["bundle", "gain", "--out", "out"]);
    assert!(!ok && text.contains("hotshell_logic_v1") && text.contains("hs/reload"), "{text}");
    assert_eq!(bench.beside_the_bundle(), [""; 0]);
    bench.write_manifest("features = [\"reload\"]");
    let (ok, text) = bench.run(&["bundle", "gain", "--release", "--out", "out"]);
    assert!(!ok && text.contains("hotshell/reload is among the resolved features of gain"), "{text}");
    assert!(!text.contains("Building"), "before anything is built: {text}");
    bench.write_manifest("");
    let (ok, text) = bench.run(&["bundle", "gain", "--release", "--out", "out", "-F", "hs/reload"]);
    assert!(!ok && text.contains("hotshell/reload is among the resolved features"), "{text}");
    assert_eq!(bench.beside_the_bundle(), [""; 0]);
}

/// A script in place of Steinberg's validator, which finds one plug-in; `set` sets `n`, the tests that it passes.
fn steinberg(set: &str) -> String {
    format!("{set}; echo '  category = Audio Module Class'; echo \"Result: $n tests passed, 0 tests failed\"")
}

#[test]
fn the_validators_that_are_there_are_run_on_each_bundle_and_their_word_decides() {
    let bench = Bench::new();
    bench.tool("clap-validator", "echo '2 tests run, 2 passed, 0 failed'", 0);
    bench.tool("validator", &steinberg("case $1 in -e) n=537;; *) n=47;; esac"), 0);
    bench.tool("pluginval", "echo \"$*\"; echo 'Strictness level: 7'; echo 'SUCCESS'", 0);
    let (ok, text) = bench.run(&["validate", "gain", "--strictness", "7", "--require-all"]);
    assert!(ok, "{text}");
    for part in [
        "gain.clap, clap-validator: 2 tests run",
        "gain.vst3, validator: 47 tests",
        "gain.vst3, validator -l: 47 tests",
        "gain.vst3, validator -e: 537 tests",
        "gain.vst3, pluginval:",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    // Its exit status says that all is well.
    bench.tool("validator", &steinberg("n=47"), 0);
    let (ok, text) = bench.run(&["validate", "gain", "--format", "vst3"]);
    assert!(!ok && text.contains("gain.vst3, validator -e: 47 tests passed, 0 tests failed, but"), "{text}");
    bench.tool("validator", &steinberg("n=600; [ \"$1\" = -l ] && echo '[Failed to setup]'"), 0);
    let (ok, text) = bench.run(&["validate", "gain", "--format", "vst3"]);
    assert!(
        !ok && text.contains("gain.vst3, validator -l: 600 tests passed, 0 tests failed, 1 could not"),
        "{text}"
    );
    let (ok, text) = bench.run(&["validate", "gain", "--dev"]);
    assert!(!ok && text.contains("run `cargo hotshell dev` first"), "{text}");

    bench.tool("pluginval", "echo \"$*\"; echo 'Strictness level: 10'; echo 'FAILURE'", 1);
    let (ok, text) = bench.run(&["validate", "gain"]);
    assert!(!ok && text.contains("--strictness-level 10") && text.contains("FAILURE"), "{text}");
    assert!(text.contains("--skip-gui-tests"), "there is no display: {text}");
    let (ok, text) = bench.run(&["validate", "gain", "--format", "clap"]);
    assert!(ok && !text.contains("pluginval"), "{text}");
    let mut dev = bench.dev(&[]);
    dev.wait_for("Published build 1");
    let (ok, text) = bench.run(&["validate", "gain", "--dev", "--format", "clap"]);
    assert!(ok && text.contains("gain.clap, clap-validator") && !text.contains("Building"), "{text}");
    assert!(dev.interrupt().success());
}
