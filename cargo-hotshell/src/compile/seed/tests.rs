//! Called by: `cargo test`. Calls: `compile/seed`. Threads: [any].

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::*;

fn project(target: &Path) -> Project {
    Project {
        package: "my-gain".to_owned(),
        name: "Gain".to_owned(),
        version: "1.0.0".to_owned(),
        manifest: "/w/gain/Cargo.toml".into(),
        library: "my_gain".to_owned(),
        dependency: "hotshell".to_owned(),
        formats: vec![],
        workspace_manifest: "/w/Cargo.toml".into(),
        target: target.into(),
        local_manifests: vec![],
    }
}

/// A shell's folder with these files in it, an hour old.
fn built(target: &Path, files: &[&str]) -> SystemTime {
    let old = SystemTime::now() - Duration::from_secs(3_600);
    for file in files {
        let file = target.join("hotshell/shell/hot").join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "compiled").unwrap();
        let times = FileTimes::new().set_modified(old);
        File::options().write(true).open(&file).unwrap().set_times(times).unwrap();
    }
    old
}

fn logic(target: &Path, file: &str) -> PathBuf {
    target.join("hotshell/logic/hot").join(file)
}

const EGUI: [&str; 3] =
    ["deps/libegui-12ab.rlib", ".fingerprint/egui-12ab/lib-egui", "build/libc-34cd/out/flags"];
const OWN: [&str; 5] = [
    "deps/libmy_gain.so",
    "deps/my_gain-56ef.d",
    ".fingerprint/my-gain-56ef/lib-my_gain",
    "incremental/egui-1/dep-graph.bin",
    "libmy_gain.so",
];

#[test]
fn libraries_of_the_shells_build_are_the_logics_too_with_their_times_and_the_plug_in_itself_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path();
    let old = built(target, &[&EGUI[..], &OWN[..]].concat());
    logic_from_shell(&project(target)).unwrap();
    for file in EGUI {
        let copied = std::fs::metadata(logic(target, file)).unwrap().modified().unwrap();
        assert_eq!(copied, old, "{file}");
    }
    for file in OWN {
        assert!(!logic(target, file).exists(), "{file}");
    }
    assert!(!target.join("hotshell/logic.part").exists());
}

#[test]
fn a_logic_that_was_built_before_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path();
    built(target, &EGUI);
    std::fs::create_dir_all(logic(target, "deps")).unwrap();
    logic_from_shell(&project(target)).unwrap();
    assert!(!logic(target, EGUI[0]).exists());
}

#[cfg(unix)]
#[test]
fn a_copy_that_fails_leaves_nothing_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path();
    built(target, &EGUI);
    // What leads nowhere cannot be copied.
    std::os::unix::fs::symlink("/nowhere", target.join("hotshell/shell/hot/deps/odd")).unwrap();
    assert!(logic_from_shell(&project(target)).is_err());
    assert!(!target.join("hotshell/logic").exists() && !target.join("hotshell/logic.part").exists());
}
