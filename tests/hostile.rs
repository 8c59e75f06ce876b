//! Whatever appears in the slot, the sound goes on and the author learns why a build was refused.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;

use hotshell_tests::{Built, Fixture, Play, Scene, constant};

fn steady(features: &[&str]) -> Fixture {
    Fixture::new("fixture-steady", features)
}

fn near(sample: f32, level: f32) -> bool {
    (sample - level).abs() < 1e-6
}

fn playing() -> Scene {
    let mut scene = Scene::active(&steady(&[]));
    scene.plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    scene
}

/// A copy of a build in the scene's own folder, for the test to damage.
fn copy(scene: &Scene, build: &Built) -> std::path::PathBuf {
    let path = scene.slot.room().join("damaged.so");
    std::fs::copy(&build.path, &path).expect("copied");
    path
}

/// The build is refused with `words`, nothing is lost, and the next good one is heard.
fn refused(mut scene: Scene, build: u32, words: &[&str]) {
    let reason = scene.wait_refused(build);
    for word in words {
        assert!(reason.to_lowercase().contains(word), "the reason names {word}: {reason}");
    }
    goes_on(scene);
}

fn goes_on(mut scene: Scene) {
    scene.publish_while_playing(&steady(&["v2"]).logic());
    scene.plugin.wait_until("the good build", |p| near(p.playing().last(), 0.5));
    let recording = scene.plugin.stop();
    recording.assert_clean();
    // Down to silence: a machine that is too busy for two instances in one block gets the fade out and in.
    assert!(recording.channels[0].iter().all(|s| (-1e-6..=0.5 + 1e-6).contains(s)), "nothing else was heard");
}

#[test]
fn a_build_that_was_cut_short_before_it_was_published() {
    let scene = playing();
    let path = copy(&scene, &steady(&["v3"]).logic());
    let length = std::fs::metadata(&path).expect("there").len();
    OpenOptions::new().write(true).open(&path).expect("opens").set_len(length / 2).expect("cut");
    let build = scene.slot.publish_file(&path);
    refused(scene, build, &[]);
}

#[test]
fn a_build_that_is_overwritten_in_place_after_it_was_published() {
    let mut scene = playing();
    // The file is damaged first and named by the manifest of the whole one: what a torn write looks like.
    let build = steady(&["v3"]).logic();
    let manifest = scene.slot.slot().publish(&build.path, Default::default()).expect("published");
    let slot = &scene.slot;
    scene.plugin.wait_until("heard", |_| slot.reports().iter().any(|r| r.heard == manifest.build));
    let file = scene.slot.path().join(&manifest.file);
    let mut file = OpenOptions::new().write(true).open(file).expect("opens");
    file.seek(SeekFrom::Start(4096)).expect("seeks");
    file.write_all(&[0; 8192]).expect("writes");
    file.set_len(16_384).expect("cut");
    let blocks = scene.plugin.playing().blocks();
    scene.plugin.wait_until("the sound going on", |p| p.playing().blocks() > blocks + 50);
    scene.publish_while_playing(&steady(&["v2"]).logic());
    scene.plugin.wait_until("the good build", |p| near(p.playing().last(), 0.5));
    scene.plugin.stop().assert_clean();
}

#[test]
fn a_file_that_is_no_library() {
    let scene = playing();
    let path = scene.slot.room().join("text.so");
    std::fs::write(&path, "no library").expect("written");
    let build = scene.slot.publish_file(&path);
    refused(scene, build, &[]);
}

#[test]
fn an_empty_file() {
    let scene = playing();
    let path = scene.slot.room().join("empty.so");
    std::fs::write(&path, "").expect("written");
    let build = scene.slot.publish_file(&path);
    refused(scene, build, &[]);
}

#[test]
fn a_library_without_our_table() {
    let scene = playing();
    let build = scene.slot.publish_file(&Fixture::new("fixture-steady", &["v2"]).release());
    refused(scene, build, &["hotshell_logic_v1"]);
}

#[test]
fn a_file_without_a_manifest_and_a_damaged_manifest() {
    let mut scene = playing();
    std::fs::write(scene.slot.path().join("build-7-00000000000000000000000000000000.so"), "x")
        .expect("written");
    std::fs::write(scene.slot.path().join("manifest"), "{ not json").expect("written");
    let blocks = scene.plugin.playing().blocks();
    scene.plugin.wait_until("the sound going on", |p| p.playing().blocks() > blocks + 50);
    goes_on(scene);
}

#[test]
fn a_slot_that_others_may_write_to_is_not_trusted() {
    let mut scene = playing();
    let mode = |mode| std::fs::set_permissions(scene.slot.path(), std::fs::Permissions::from_mode(mode));
    mode(0o777).expect("changed");
    let blocks = scene.plugin.playing().blocks();
    scene.plugin.wait_until("the sound going on", |p| p.playing().blocks() > blocks + 50);
    let last = scene.plugin.playing().last();
    assert!(near(last, 0.25));
    std::fs::set_permissions(scene.slot.path(), std::fs::Permissions::from_mode(0o700))
        .expect("changed back");
    goes_on(scene);
}
