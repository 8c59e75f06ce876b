//! The README's first command, run as it stands there: no network, no display, no device, nothing left behind.

#![allow(clippy::unwrap_used, reason = "a test and its helpers fail by panicking")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_demonstration_hears_its_edit_and_loses_no_block() {
    demonstrate("clap", &[]);
}

#[test]
fn so_it_does_in_vst3() {
    demonstrate("vst3", &["--format", "vst3"]);
}

fn demonstrate(format: &str, more: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let (out, data) = (folder.path().join("out"), folder.path().join("data"));
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-hotshell"))
        .args(["hotshell", "demo", "--out"])
        .arg(&out)
        .args(more)
        .env("HOTSHELL_DATA_DIR", &data)
        .env("CARGO_NET_OFFLINE", "true")
        // Its builds have a folder of their own.
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("DISPLAY")
        .output()
        .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");

    let report: Value = serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap();
    let number = |key: &str| report[key].as_f64().unwrap_or_else(|| panic!("{key} in {report}"));
    assert_eq!(report["format"], format, "{report}");
    assert!(number("blocks_total") > 500.0, "{report}");
    assert!(number("blocks_lost").abs() < 0.5, "{report}");
    assert!(number("largest_step") <= number("step_allowed"), "{report}");
    let order = ["published_to_heard_ms", "built_ms", "saved_to_heard_ms"].map(number);
    assert!(order.iter().all(|time| *time > 0.0) && order[1] < order[2] && order[0] < order[2], "{report}");
    assert!((number("factor_after") / number("factor_before") - 0.25).abs() < 0.01, "{report}");

    let sound = cargo_hotshell::host::wav::read(&out.join("swap.wav")).unwrap();
    let peak = |part: &[f32]| part.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    let (before, after) = sound.channels[0].split_at(sound.frames() / 2);
    assert!(peak(before) > 2.0 * peak(&after[4_800..]), "the edit is heard in the file");
    assert!(std::fs::read(out.join("swap.png")).unwrap().starts_with(b"\x89PNG"));

    assert_eq!(names(&out), ["report.json", "swap.png", "swap.wav"], "{said}");
    assert_eq!(names(&data.join("slots")), [""; 0], "{said}");
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
