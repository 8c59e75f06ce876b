//! Nothing is left behind: no thread, no descriptor, no file, after an unload and after fifty reloads.

use std::collections::BTreeSet;

use hotshell_tests::{Fixture, Instance, PATIENCE, Play, Plugin, Scene, Setup, TestSlot, Vst3, constant};

fn steady(features: &[&str]) -> Fixture {
    Fixture::new("fixture-steady", features)
}

fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).expect("Linux").count()
}

/// Ids of this process's threads.
fn threads() -> BTreeSet<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux").flatten();
    tasks.map(|task| task.file_name().to_string_lossy().into_owned()).collect()
}

fn descriptors() -> usize {
    count("/proc/self/fd")
}

fn play_and_unload<I: Instance>(slot: &TestSlot, path: &std::path::Path) {
    let (mut plugin, _loaded) = I::load(path);
    plugin.activate(Setup::default());
    let build = slot.publish(&steady(&["v2"]).logic());
    plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    plugin.wait_until("heard", |_| slot.reports().iter().any(|r| r.heard == build));
    plugin.stop().assert_clean();
}

// One test, because it counts what belongs to the whole process.
#[test]
fn nothing_is_left_behind() {
    nothing_is_left::<Plugin>();
    nothing_is_left::<Vst3>();
}

fn nothing_is_left<I: Instance>() {
    let slot = TestSlot::new();
    let path = I::shell(&steady(&[]), &slot);
    let _built_before_anything_is_counted = steady(&["v2"]).logic();
    play_and_unload::<I>(&slot, &path);
    let (before, open) = (threads(), descriptors());
    for _ in 0..5 {
        play_and_unload::<I>(&slot, &path);
    }
    let begin = std::time::Instant::now();
    while threads().difference(&before).count() > 0 || descriptors() > open {
        assert!(
            begin.elapsed() < PATIENCE,
            "threads {:?}, descriptors {} instead of {open}",
            threads().difference(&before),
            descriptors()
        );
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
    assert!(slot.reports().is_empty(), "the report goes with the module");
    let strange: Vec<_> = slot.files().into_iter().filter(|f| f.contains('/')).collect();
    assert_eq!(strange, Vec::<String>::new(), "no report and no staged file");
    fifty_reloads_leave_four_builds::<I>();
}

fn fifty_reloads_leave_four_builds<I: Instance>() {
    let mut scene = Scene::<I>::playing(&steady(&[]));
    let builds = [steady(&["v2"]).logic(), steady(&["v3"]).logic()];
    for i in 0..50 {
        scene.publish_while_playing(&builds[i % 2]);
    }
    scene.plugin.stop().assert_clean();
    let files = scene.slot.files();
    assert_eq!(files.iter().filter(|f| f.starts_with("build-")).count(), 4, "{files:?}");
    assert_eq!(files.iter().filter(|f| f.starts_with("staged")).count(), 0, "{files:?}");
    let report = scene.slot.reports().remove(0);
    assert_eq!((report.loads, report.blocks_lost), (50, 0));
    assert!(report.held_bytes > 0, "what mapped files hold is counted");
}
