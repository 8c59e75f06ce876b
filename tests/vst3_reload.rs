//! The loop through a VST3 host on real bundles: what CLAP promises holds here too.

use hotshell_tests::{Fixture, Play, Scene, constant};

fn steady(features: &[&str]) -> Fixture {
    Fixture::new("fixture-steady", features)
}

#[test]
fn the_sound_changes_after_a_publish_and_no_block_is_lost() {
    let mut scene = Scene::vst3_active(&steady(&[]));
    let builds = [steady(&["v2"]).logic(), steady(&["v3"]).logic()];
    scene.plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    scene.plugin.wait_until("the first blocks", |plugin| plugin.playing().blocks() > 20);
    for i in 0..6 {
        scene.publish_while_playing(&builds[i % 2]);
    }
    let recording = scene.plugin.stop();
    recording.assert_clean();
    assert!((recording.channels[0][0] - 0.25).abs() < 1e-6, "build 0 is heard first");
    let report = scene.slot.reports().remove(0);
    assert_eq!((report.blocks_lost, report.heard, report.format.as_str()), (0, 6, "vst3"));
}
