//! Thirty reloads in a row at the pace of real time lose no block, leave no sample unwritten, keep every sample of each
//! fade between the old and the new build, and neither allocate nor enter the kernel in any block.

use hotshell_tests::{
    Fixture, Pace, Play, Profile, Recording, Scene, constant, first_outside, guard, largest_step, sine,
};

/// Rounding of a handful of single-precision operations at full scale.
const ROUNDING: f32 = 1e-6;

fn reload_thirty_times(profile: Profile) -> (Recording, Scene) {
    let fixture = |features: &[&str]| Fixture::new("fixture-gainlike", features).profile(profile);
    let mut scene = Scene::active(&fixture(&[]));
    let builds = [fixture(&["loud"]).logic(), fixture(&[]).logic()];
    guard::forget();
    scene.plugin.play(Play::real_time());
    scene.plugin.wait_until("the first blocks", |plugin| plugin.playing().blocks() > 20);
    for i in 0..30 {
        scene.publish_while_playing(&builds[i % 2]);
    }
    let blocks = scene.plugin.playing().blocks();
    scene.plugin.wait_until("the last fade", |plugin| plugin.playing().blocks() > blocks + 40);
    (scene.plugin.stop(), scene)
}

#[expect(clippy::print_stdout, reason = "lateness is reported, never judged")]
fn judge(profile: Profile) {
    let (recording, scene) = reload_thirty_times(profile);
    recording.assert_clean();
    let reports = scene.slot.reports();
    let report = reports.first().expect("the module reports");
    assert_eq!((report.blocks_lost, report.heard), (0, 30), "the module's own count");
    assert_eq!(report.loads, 30, "one load per build");
    let input = sine();
    for (channel, samples) in recording.channels.iter().enumerate() {
        let bounds = |i: usize| {
            let x = input(i as u64, channel);
            ((x * 2.0).min(x) - ROUNDING, (x * 2.0).max(x) + ROUNDING)
        };
        assert_eq!(first_outside(samples, bounds), None, "every sample lies between the two builds");
    }
    println!("{profile:?}: {} blocks, {} late", recording.blocks, recording.late);
}

#[test]
fn thirty_reloads_of_a_release_build() {
    judge(Profile::Release);
}

#[test]
fn thirty_reloads_of_a_dev_build() {
    judge(Profile::Dev);
}

#[test]
fn no_system_call_in_any_block_the_swap_included() {
    let steady = |features: &[&str]| Fixture::new("fixture-steady", features);
    let mut scene = Scene::active(&steady(&[]));
    let builds = [steady(&["v2"]).logic(), steady(&["v3"]).logic()];
    scene.plugin.play(Play { trap_after: Some(50), signal: constant(0.0), ..Play::real_time() });
    scene.plugin.wait_until("the filter", |plugin| plugin.playing().blocks() > 60);
    for i in 0..6 {
        scene.publish_while_playing(&builds[i % 2]);
    }
    let recording = scene.plugin.stop();
    recording.assert_clean();
}

#[test]
fn no_block_waits_for_a_main_thread_that_is_busy_in_the_shell() {
    let gainlike = |features: &[&str]| Fixture::new("fixture-gainlike", features);
    let mut scene = Scene::active(&gainlike(&[]));
    let builds = [gainlike(&["loud"]).logic(), gainlike(&[]).logic()];
    scene.plugin.play(Play { trap_after: Some(50), ..Play::real_time() });
    scene.plugin.wait_until("the filter", |plugin| plugin.playing().blocks() > 60);
    let saved = scene.plugin.save().expect("saves");
    let gain = scene.plugin.param("Gain").id;
    for i in 0..4 {
        let build = scene.slot.publish(&builds[i % 2]);
        let slot = &scene.slot;
        // A block that met a lock which main holds would have to ask the kernel to wait.
        scene.plugin.wait_until("heard", |plugin| {
            for _ in 0..50 {
                assert!(plugin.load(&saved) && plugin.save().is_some() && plugin.text(gain, 0.5).is_some());
                plugin.params();
            }
            slot.reports().iter().any(|report| report.heard == build)
        });
    }
    scene.plugin.stop().assert_clean();
}

#[test]
fn republishing_the_same_code_of_a_stateless_effect_is_inaudible() {
    let fixture = Fixture::new("fixture-gainlike", &[]);
    let mut scene = Scene::active(&fixture);
    let recording = scene.publish_and_run(&fixture.logic(), &sine());
    recording.assert_clean();
    let input = sine();
    let bounds = |i: usize| {
        let x = input(i as u64, 0);
        (x - ROUNDING, x + ROUNDING)
    };
    assert_eq!(first_outside(&recording.channels[0], bounds), None);
}

#[test]
fn a_fade_has_no_step() {
    let steady = |features: &[&str]| Fixture::new("fixture-steady", features);
    let mut scene = Scene::active(&steady(&[]));
    let recording = scene.publish_and_run(&steady(&["v3"]).logic(), &constant(0.0));
    // A raised cosine of 10 ms from 0.25 to 0.75 moves by 0.5 * pi / 2 / 480 a frame at most.
    let step = largest_step(&recording.channels[0]);
    assert!(step < 0.5 * std::f32::consts::FRAC_PI_2 / 480.0 * 1.05, "a step of {step}");
    let fading = recording.channels[0].iter().filter(|s| **s > 0.2501 && **s < 0.7499).count();
    assert!((400..=500).contains(&fading), "the fade lasted {fading} frames");
}

#[test]
fn free_running_blocks_of_every_size_are_continuous_over_reloads() {
    let steady = |features: &[&str]| Fixture::new("fixture-steady", features);
    let mut scene = Scene::active(&steady(&[]));
    let builds = [steady(&["v2"]).logic(), steady(&["v3"]).logic()];
    for (i, frames) in [1, 7, 32, 128].into_iter().enumerate() {
        scene.plugin.play(Play {
            frames,
            pace: Pace::Free,
            signal: constant(0.0),
            keep: 1 << 16,
            ..Play::real_time()
        });
        scene.publish_while_playing(&builds[i % 2]);
        scene.plugin.stop().assert_clean();
    }
}
