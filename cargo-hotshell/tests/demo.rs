//! The README's first command, run as it stands there: no network, no display, no device, nothing left behind.

#![allow(clippy::unwrap_used, reason = "a test and its helpers fail by panicking")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The command, as on a machine without a display.
fn demo(folder: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-hotshell"));
    command
        .args(["hotshell", "demo", "--out"])
        .arg(folder.join("out"))
        .args(more)
        .env("HOTSHELL_DATA_DIR", folder.join("data"))
        .env("CARGO_NET_OFFLINE", "true")
        // Its builds have a folder of their own.
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("DISPLAY");
    command
}

/// What takes long to compile of a window: the demonstration's own manifest has levels for them.
const DRAWS: [&str; 7] = ["egui", "epaint", "harfrust", "read-fonts", "skrifa", "vello_common", "vello_cpu"];

/// What the plug-in in `folder` depends on is compiled without optimisation, in a third of the time: it is the window that
/// counts there. The demonstration without one has everything as it stands.
fn compile_quickly(folder: &Path) {
    let names = DRAWS.into_iter().chain(["\"*\""]);
    let text: String = names.map(|name| format!("[profile.hot.package.{name}]\nopt-level = 0\n")).collect();
    std::fs::create_dir(folder.join(".cargo")).unwrap();
    std::fs::write(folder.join(".cargo/config.toml"), text).unwrap();
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_demonstration_hears_its_edit_and_loses_no_block() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path(), &[]).output().unwrap();
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    let out = folder.path().join("out");
    judge(&out, "clap");
    assert_eq!(names(&out), ["report.json", "swap.png", "swap.wav"], "{said}");
    assert_eq!(names(&folder.path().join("data/slots")), [""; 0], "{said}");
}

#[test]
fn with_the_window_open_in_both_formats_a_slip_is_told_in_it_and_the_next_editor_comes_up_in_it() {
    let folder = tempfile::tempdir().unwrap();
    compile_quickly(folder.path());
    let output = demo(folder.path(), &["--editor", "--format", "both"]).output().unwrap();
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    for format in ["clap", "vst3"] {
        let out = folder.path().join("out").join(format);
        let report = judge(&out, format);
        let editor = &report["editor"];
        for promise in ["same_window", "message_seen", "editor_differs"] {
            assert_eq!(editor[promise], true, "{promise}: {said}");
        }
        let error = editor["message"].as_str().unwrap();
        assert!(error.starts_with("src/lib.rs:") && error.contains("gian"), "the compiler's own: {report}");
        let seen = editor["saved_to_seen_ms"].as_f64().unwrap();
        assert!(seen > report["built_ms"].as_f64().unwrap(), "{report}");
        for picture in ["before.png", "failed.png", "after.png"] {
            let bytes = std::fs::read(out.join(picture)).unwrap();
            assert!(bytes.starts_with(b"\x89PNG") && bytes.len() < 30_000, "{picture}: {}", bytes.len());
        }
    }
    assert_eq!(names(&folder.path().join("out")), ["clap", "vst3"], "{said}");
    assert_eq!(names(&folder.path().join("data/slots")), [""; 0], "{said}");
}

/// The X server that process `parent` has started, while it is at work.
fn x_server_of(parent: u32) -> Option<PathBuf> {
    let is_it = |folder: &PathBuf| {
        let stat = std::fs::read_to_string(folder.join("stat")).unwrap_or_default();
        let rest = stat.split_once("(Xvfb) ").map(|(_, rest)| rest);
        let mut words = rest.into_iter().flat_map(|rest| rest.split(' '));
        words.next().is_some_and(|state| state != "Z") && words.next() == Some(&parent.to_string())
    };
    std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path()).find(is_it)
}

#[test]
fn an_interrupt_ends_it_with_all_that_it_has_started() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = demo(folder.path(), &["--editor"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut said = String::new();
    // It builds.
    for line in lines.by_ref() {
        said += &format!("{line}\n");
        if line.contains("A copy of") {
            break;
        }
    }
    let server = x_server_of(running.id()).unwrap_or_else(|| panic!("it runs: {said}"));
    let id = running.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    lines.for_each(|line| said += &format!("{line}\n"));
    assert!(!running.wait().unwrap().success(), "{said}");
    assert!(!server.exists(), "the X server is left: {said}");
    assert_eq!(names(&folder.path().join("out")), [""; 0], "{said}");
    assert_eq!(names(&folder.path().join("data/slots")), [""; 0], "{said}");
}

#[test]
fn without_a_display_and_without_xvfb_it_says_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path(), &["--editor"]).env("PATH", folder.path()).output().unwrap();
    let said = said(&output);
    assert!(!output.status.success() && said.contains("DISPLAY") && said.contains("xvfb"), "{said}");
    assert!(!folder.path().join("out").exists(), "nothing was begun");
}

/// What any swap must be; its report.
fn judge(out: &Path, format: &str) -> Value {
    let report: Value = serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap();
    let number = |key: &str| report[key].as_f64().unwrap_or_else(|| panic!("{key} in {report}"));
    assert_eq!(report["format"], format, "{report}");
    assert!(number("blocks_total") > 500.0, "{report}");
    assert!(number("blocks_lost").abs() < 0.5, "{report}");
    assert!(number("largest_step") <= number("step_allowed"), "{report}");
    let order = ["published_to_heard_ms", "built_ms", "saved_to_heard_ms"].map(number);
    assert!(order.iter().all(|time| *time > 0.0) && order[1] < order[2] && order[0] < order[2], "{report}");
    // The second format's edit takes the first one's back.
    let factor = number("factor_after") / number("factor_before");
    assert!((factor - 0.25).abs() < 0.01 || (factor - 4.0).abs() < 0.01, "{report}");

    let sound = cargo_hotshell::host::wav::read(&out.join("swap.wav")).unwrap();
    let peak = |part: &[f32]| part.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    let (before, after) = sound.channels[0].split_at(sound.frames() / 2);
    let (before, after) = (peak(&before[..before.len() - 4_800]), peak(&after[4_800..]));
    assert!(before.max(after) > 2.0 * before.min(after), "the edit is heard in the file");
    assert!(std::fs::read(out.join("swap.png")).unwrap().starts_with(b"\x89PNG"));
    report
}

#[test]
fn without_the_sources_the_demonstration_says_where_it_looked() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-hotshell"))
        .args(["hotshell", "demo", "--source"])
        .arg(folder.path())
        .arg("--out")
        .arg(folder.path().join("out"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("lib.rs") && said.contains("--source"), "{said}");
}
