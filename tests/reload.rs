//! The loop itself, through a real CLAP host on real bundles: a build is published, and heard, whatever the host does
//! meanwhile. Small enough to run under ThreadSanitizer as well.

use hotshell_tests::{
    Bundle, Fixture, HostOptions, Play, Plugin, Scene, Scope, Setup, TestSlot, constant, first_outside,
};

fn steady(features: &[&str]) -> Fixture {
    Fixture::new("fixture-steady", features)
}

fn near(sample: f32, level: f32) -> bool {
    (sample - level).abs() < 1e-6
}

#[test]
fn the_sound_changes_after_a_publish() {
    let mut scene = Scene::active(&steady(&[]));
    let before = scene.block(&constant(0.0));
    assert!(
        before.channels[0].iter().all(|s| near(*s, 0.25)),
        "build 0 is heard first: {:?}",
        before.channels[0][0]
    );
    let recording = scene.publish_and_run(&steady(&["v2"]).logic(), &constant(0.0));
    recording.assert_clean();
    for samples in &recording.channels {
        assert!(near(samples[0], 0.25) && near(*samples.last().unwrap(), 0.5), "from the old to the new");
        let outside = first_outside(samples, |_| (0.25 - 1e-6, 0.5 + 1e-6));
        assert_eq!(outside, None, "every sample lies between the two builds");
    }
}

#[test]
fn a_build_that_is_there_before_the_plug_in_is_heard_from_the_first_block() {
    let slot = TestSlot::new();
    slot.publish(&steady(&["v2"]).logic());
    let mut scene = Scene::open_with(&steady(&[]), HostOptions::default(), slot);
    scene.plugin.activate(Setup::default());
    let block = scene.block(&constant(0.0));
    assert!(
        block.channels[0].iter().all(|s| near(*s, 0.5)),
        "no first block of build 0: {}",
        block.channels[0][0]
    );
}

#[test]
fn one_build_after_another_is_heard() {
    let mut scene = Scene::active(&steady(&[]));
    for (feature, level) in [("v2", 0.5), ("v3", 0.75), ("v2", 0.5), ("v3", 0.75)] {
        let recording = scene.publish_and_run(&steady(&[feature]).logic(), &constant(0.0));
        recording.assert_clean();
        assert!(near(*recording.channels[0].last().unwrap(), level), "{feature} is heard");
    }
}

#[test]
fn a_storm_of_publishes_ends_on_the_last_one() {
    let mut scene = Scene::active(&steady(&[]));
    let builds = [steady(&["v2"]).logic(), steady(&["v3"]).logic()];
    scene.plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    for i in 0..24 {
        scene.slot.publish(&builds[i % 2]);
    }
    let last = scene.slot.publish(&builds[0]);
    let slot = &scene.slot;
    scene.plugin.wait_until("the last of the storm", |plugin| {
        slot.reports().iter().any(|r| r.heard == last) && near(plugin.playing().last(), 0.5)
    });
    scene.plugin.stop().assert_clean();
}

#[test]
fn two_plug_ins_of_one_artifact_reload_together() {
    let slot = TestSlot::new();
    let fixture = Fixture::new("fixture-two", &[]);
    let bundle = Bundle::load(&fixture.shell(&slot), Scope::Local).unwrap();
    let mut plugins = [0, 1].map(|i| Plugin::open(&bundle, i, HostOptions::default()).unwrap());
    for plugin in &mut plugins {
        plugin.activate(Setup::default());
    }
    let mut levels = || {
        plugins.each_mut().map(|plugin| {
            plugin.tick();
            *plugin.block(128, &constant(0.0), &[]).channels[0].last().unwrap()
        })
    };
    assert_eq!(levels().map(|l| near(l, 0.125) || near(l, 0.25)), [true, true]);
    let build = slot.publish(&Fixture::new("fixture-two", &["v2"]).logic());
    let begin = std::time::Instant::now();
    loop {
        let [first, second] = levels();
        if near(first, 0.625) && near(second, 0.75) {
            break;
        }
        assert!(begin.elapsed() < hotshell_tests::PATIENCE, "{first} {second} {:#?}", slot.refusal(build));
    }
}

#[test]
fn a_plug_in_that_is_not_active_plays_the_new_build_when_it_is() {
    let mut scene = Scene::open(&steady(&[]));
    let build = scene.slot.publish(&steady(&["v2"]).logic());
    let slot = &scene.slot;
    scene.plugin.wait_until("the build accepted", |_| slot.reports().iter().any(|r| r.accepted == build));
    scene.plugin.activate(Setup::default());
    let block = scene.block(&constant(0.0));
    assert!(block.channels[0].iter().all(|s| near(*s, 0.5)), "the first block is the new build's");
}

#[test]
fn a_host_that_stops_calling_process_hears_the_new_build_when_it_goes_on() {
    let mut scene = Scene::active(&steady(&[]));
    scene.block(&constant(0.0));
    let build = scene.slot.publish(&steady(&["v2"]).logic());
    let slot = &scene.slot;
    scene.plugin.wait_until("the host asked to process", |plugin| {
        slot.reports().iter().any(|r| r.accepted == build) && plugin.calls().take_process()
    });
    scene.plugin.play(Play { signal: constant(0.0), ..Play::free() });
    scene.plugin.wait_until("the new build", |plugin| near(plugin.playing().last(), 0.5));
    scene.plugin.stop().assert_clean();
}

#[test]
fn activation_cycles_during_reloads_lose_nothing() {
    let mut scene = Scene::open(&steady(&[]));
    let builds = [steady(&["v2"]).logic(), steady(&["v3"]).logic()];
    let mut last = 0;
    for i in 0..20 {
        last = scene.slot.publish(&builds[i % 2]);
        let frames = [64, 128, 500][i % 3];
        scene.plugin.activate(Setup { max_frames: frames, ..Setup::default() });
        for _ in 0..4 {
            let block = scene.plugin.block(frames, &constant(0.0), &[]);
            assert_eq!((block.outcome.unwritten, block.outcome.not_finite), (0, 0));
            scene.plugin.tick();
        }
        scene.plugin.deactivate();
    }
    scene.plugin.activate(Setup::default());
    scene.plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    let slot = &scene.slot;
    scene.plugin.wait_until("the last build", |plugin| {
        slot.reports().iter().any(|r| r.heard == last) && near(plugin.playing().last(), 0.75)
    });
    scene.plugin.stop().assert_clean();
}

#[test]
fn unloading_and_loading_again_during_a_reload_is_survived() {
    let slot = TestSlot::new();
    let path = steady(&[]).shell(&slot);
    let builds = [steady(&["v2"]).logic(), steady(&["v3"]).logic()];
    for i in 0..8 {
        slot.publish(&builds[i % 2]);
        let bundle = Bundle::load(&path, Scope::Local).unwrap();
        let mut plugin = Plugin::open(&bundle, 0, HostOptions::default()).unwrap();
        plugin.activate(Setup::default());
        slot.publish(&builds[(i + 1) % 2]);
        for _ in 0..i {
            assert_eq!(plugin.block(128, &constant(0.0), &[]).outcome.unwritten, 0);
        }
        drop(plugin);
        drop(bundle);
    }
    let bundle = Bundle::load(&path, Scope::Local).unwrap();
    let mut plugin = Plugin::open(&bundle, 0, HostOptions::default()).unwrap();
    plugin.activate(Setup::default());
    let last = slot.publish(&builds[0]);
    plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    plugin.wait_until("the last build", |plugin| {
        slot.reports().iter().any(|r| r.heard == last) && near(plugin.playing().last(), 0.5)
    });
    plugin.stop().assert_clean();
}

#[test]
fn opening_and_closing_instances_during_reloads_disturbs_none_that_plays() {
    let mut scene = Scene::active(&steady(&[]));
    let builds = [steady(&["v2"]).logic(), steady(&["v3"]).logic()];
    scene.plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    for i in 0..10 {
        scene.slot.publish(&builds[i % 2]);
        let mut other = Plugin::open(&scene.bundle, 0, HostOptions::default()).unwrap();
        other.activate(Setup::default());
        assert_eq!(other.block(128, &constant(0.0), &[]).outcome.unwritten, 0);
        scene.plugin.tick();
    }
    scene.publish_while_playing(&builds[0]);
    scene.plugin.wait_until("the last build", |plugin| near(plugin.playing().last(), 0.5));
    scene.plugin.stop().assert_clean();
}
