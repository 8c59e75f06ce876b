//! A process has only so many thread-specific keys, and ends when std finds none: builds stop coming before that, with a
//! reason, and nothing else changes. A test file of its own, because the keys are those of the whole process.
#![cfg(unix)]

use hotshell_tests::{Fixture, Keys, Play, Scene, constant};

#[test]
fn a_build_is_refused_before_the_process_has_no_more_keys_and_the_next_is_heard_when_it_has() {
    let build = Fixture::new("fixture-steady", &["v2"]).logic();
    let mut scene = Scene::active(&Fixture::new("fixture-steady", &[]));
    scene.plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    let mut keys = Keys::all();
    keys.give(32);
    let refused = scene.slot.publish(&build);
    let reason = scene.wait_refused(refused);
    assert!(reason.contains("thread-specific keys") && reason.contains("restart the host"), "{reason}");
    keys.give(64);
    scene.publish_while_playing(&build);
    scene.plugin.stop().assert_clean();
}
