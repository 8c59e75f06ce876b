//! The loop through a VST3 host on real bundles: what CLAP promises holds here too. A host that has no main-thread tick
//! is told at its next safe call, least and once.

use hotshell_tests::{
    Call, Event, Fixture, HostFrame, HostOptions, Module, OnRestart, Phase, Play, Plugin, Role, Scene, Scope,
    Setup, Signal, TestSlot, Vst3, Vst3Options, What, constant, first_outside, guard, restart,
};
use vst3::Steinberg::kResultOk;

fn steady(features: &[&str]) -> Fixture {
    Fixture::new("fixture-steady", features)
}

fn gainlike(features: &[&str]) -> Fixture {
    Fixture::new("fixture-gainlike", features)
}

fn latent(features: &[&str]) -> Fixture {
    Fixture::new("fixture-latent", features)
}

fn noted(features: &[&str]) -> Fixture {
    Fixture::new("fixture-noted", features)
}

fn ports(features: &[&str]) -> Fixture {
    Fixture::new("fixture-ports", features)
}

fn near(sample: f32, level: f32) -> bool {
    (sample - level).abs() < 1e-5
}

const NOTHING: [u32; 0] = [];

/// Flags of the calls after `mark`; each came on the main thread in a call in which a host can bear it.
fn told(scene: &Scene<Vst3>, mark: usize) -> Vec<u32> {
    let flags = |call: Call| match call.what {
        What::RestartComponent(flags) => {
            assert_eq!(call.role, Role::Main, "{call:?}");
            assert!(matches!(call.phase, Phase::Handler | Phase::State), "{call:?}");
            flags
        }
        other => panic!("a reload is no reason for {other:?}"),
    };
    scene.plugin.calls().since(mark).into_iter().map(flags).collect()
}

/// Publishes, runs until it is heard and its fade over, and answers what the host was told at its next safe call.
fn told_of(scene: &mut Scene<Vst3>, build: &Fixture, signal: &Signal) -> Vec<u32> {
    let mark = scene.plugin.calls().mark();
    scene.publish_and_run(&build.logic(), signal).assert_clean();
    assert_eq!(told(scene, mark), NOTHING, "no call was safe so far");
    scene.plugin.nudge();
    let flags = told(scene, mark);
    scene.plugin.nudge();
    assert_eq!(told(scene, mark), flags, "once");
    flags
}

fn titles(scene: &Scene<Vst3>) -> Vec<String> {
    scene.plugin.params().into_iter().map(|param| param.title).collect()
}

fn set(scene: &mut Scene<Vst3>, title: &str, value: f64) {
    let id = scene.plugin.param(title).id;
    scene.plugin.block(128, &constant(0.5), &[Event::Param { time: 0, id, value, cookie: 0 }]);
    assert!((scene.plugin.value(id) - value).abs() < 1e-9);
}

/// The last samples of both channels of a block with `events`.
fn levels(scene: &mut Scene<Vst3>, events: &[Event]) -> (f32, f32) {
    let block = scene.plugin.block(128, &constant(0.0), events);
    (block.channels[0][127], block.channels[1][127])
}

/// A ramp whose sample tells its frame.
fn ramp() -> Signal {
    std::sync::Arc::new(|frame, _| {
        #[expect(clippy::cast_precision_loss, reason = "below 2^24 frames")]
        let sample = (frame % (1 << 20)) as f32 / (1 << 20) as f32;
        sample
    })
}

/// How many frames the output is behind the input.
fn delay(scene: &mut Scene<Vst3>) -> u64 {
    let frame = scene.plugin.on_audio(|audio| audio.frame);
    let block = scene.block(&ramp());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a frame's number")]
    let heard = (block.channels[0][100] * (1 << 20) as f32).round() as u64;
    frame + 100 - heard
}

#[test]
fn twelve_reloads_lose_no_block_and_allocate_nothing() {
    let mut scene = Scene::vst3_active(&gainlike(&[]));
    let builds = [gainlike(&["loud"]).logic(), gainlike(&[]).logic()];
    guard::forget();
    scene.plugin.play(Play::real_time());
    scene.plugin.wait_until("the first blocks", |plugin| plugin.playing().blocks() > 20);
    for i in 0..12 {
        scene.publish_while_playing(&builds[i % 2]);
    }
    let blocks = scene.plugin.playing().blocks();
    scene.plugin.wait_until("the last fade", |plugin| plugin.playing().blocks() > blocks + 40);
    let recording = scene.plugin.stop();
    recording.assert_clean();
    let input = hotshell_tests::sine();
    let bounds = |i: usize| {
        let x = input(i as u64, 0);
        ((x * 2.0).min(x) - 1e-6, (x * 2.0).max(x) + 1e-6)
    };
    assert_eq!(first_outside(&recording.channels[0], bounds), None, "every sample lies between the builds");
    let report = scene.slot.reports().remove(0);
    assert_eq!((report.blocks_lost, report.heard, report.loads), (0, 12, 12));
    assert_eq!(report.format, "vst3");
}

#[test]
fn no_system_call_in_any_block_the_swap_included() {
    let mut scene = Scene::vst3_active(&steady(&[]));
    let builds = [steady(&["v2"]).logic(), steady(&["v3"]).logic()];
    scene.plugin.play(Play { trap_after: Some(50), signal: constant(0.0), ..Play::real_time() });
    scene.plugin.wait_until("the filter", |plugin| plugin.playing().blocks() > 60);
    for i in 0..6 {
        scene.publish_while_playing(&builds[i % 2]);
    }
    scene.plugin.stop().assert_clean();
}

#[test]
fn a_build_that_is_there_before_the_plug_in_is_heard_from_the_first_block() {
    let slot = TestSlot::new();
    slot.publish(&steady(&["v2"]).logic());
    let mut scene = Scene::vst3_with(&steady(&[]), Vst3Options::default(), slot);
    scene.plugin.activate(Setup::default());
    assert!(scene.block(&constant(0.0)).channels[0].iter().all(|s| near(*s, 0.5)));
    scene.plugin.nudge();
    assert_eq!(told(&scene, 0), NOTHING, "no project load starts with a rescan");
}

#[test]
fn activation_cycles_during_reloads_lose_nothing() {
    let mut scene = Scene::vst3(&steady(&[]));
    let builds = [steady(&["v2"]).logic(), steady(&["v3"]).logic()];
    let mut last = 0;
    for i in 0..20 {
        last = scene.slot.publish(&builds[i % 2]);
        let frames = [64, 128, 500][i % 3];
        scene.plugin.activate(Setup { max_frames: frames, ..Setup::default() });
        for _ in 0..4 {
            let block = scene.plugin.block(frames, &constant(0.0), &[]);
            assert_eq!((block.outcome.unwritten, block.outcome.not_finite), (0, 0));
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
fn the_same_parameters_tell_the_host_nothing() {
    let mut scene = Scene::vst3_active(&gainlike(&[]));
    assert_eq!(told_of(&mut scene, &gainlike(&["loud"]), &constant(0.5)), NOTHING);
    assert_eq!(told_of(&mut scene, &gainlike(&["reordered"]), &constant(0.5)), NOTHING);
    assert_eq!(titles(&scene), ["Gain", "Tone", "Bypass"], "another order in the source moves nothing");
}

#[test]
fn an_added_parameter_is_appended_and_told_by_titles() {
    let mut scene = Scene::vst3_active(&gainlike(&[]));
    assert_eq!(titles(&scene), ["Gain", "Tone", "Bypass"]);
    assert_eq!(told_of(&mut scene, &gainlike(&["added"]), &constant(0.5)), [restart::TITLES]);
    assert_eq!(titles(&scene), ["Gain", "Tone", "Bypass", "Width"], "append-only: JUCE reads by index");
    assert!((scene.plugin.param("Width").value - 0.5).abs() < 1e-9);
    set(&mut scene, "Width", 0.75);
}

#[test]
fn bitwig_is_asked_to_reload_the_component_for_a_changed_count() {
    let options = Vst3Options { name: "Bitwig Studio", ..Vst3Options::default() };
    let mut scene = Scene::vst3_with(&gainlike(&[]), options, TestSlot::new());
    scene.plugin.activate(Setup::default());
    let flags = told_of(&mut scene, &gainlike(&["added"]), &constant(0.5));
    assert_eq!(flags, [restart::TITLES | restart::RELOAD]);
}

#[test]
fn a_removed_parameter_stays_at_its_place_and_comes_back_with_its_value() {
    let mut scene = Scene::vst3_active(&gainlike(&[]));
    set(&mut scene, "Tone", -0.5);
    let place = scene.plugin.param("Tone");
    assert_eq!(told_of(&mut scene, &gainlike(&["removed"]), &constant(0.5)), [restart::TITLES]);
    assert_eq!(titles(&scene), ["Gain", "Tone (removed)", "Bypass"]);
    let parked = scene.plugin.param("Tone (removed)");
    assert_eq!((parked.id, parked.value), (place.id, place.value), "with id and value");
    let saved = scene.plugin.save().expect("saves");
    assert_eq!(told_of(&mut scene, &gainlike(&[]), &constant(0.5)), [restart::TITLES]);
    assert_eq!(scene.plugin.param("Tone"), place);
    set(&mut scene, "Tone", 0.5);
    assert!(scene.plugin.load(&saved));
    assert_eq!(scene.plugin.param("Tone").value, place.value, "a state saved meanwhile still holds it");
}

#[test]
fn another_range_moves_normalised_values_too() {
    let mut scene = Scene::vst3_active(&gainlike(&[]));
    set(&mut scene, "Gain", 1.5);
    let flags = told_of(&mut scene, &gainlike(&["ranged"]), &constant(0.5));
    assert_eq!(flags, [restart::TITLES | restart::VALUES]);
    let gain = scene.plugin.param("Gain");
    assert_eq!((gain.value, scene.plugin.value(gain.id)), (1.0, 0.5), "clamped");
}

#[test]
fn a_value_equal_to_the_old_default_follows_the_new_one() {
    let mut scene = Scene::vst3_active(&gainlike(&[]));
    let flags = told_of(&mut scene, &gainlike(&["defaulted"]), &constant(0.5));
    assert_eq!(flags, [restart::TITLES | restart::VALUES]);
    let gain = scene.plugin.param("Gain");
    assert_eq!((gain.default, gain.value), (0.25, 0.25));
    assert!(near(scene.block(&constant(0.5)).channels[0][127], 0.25), "and is heard");
}

#[test]
fn another_name_or_text_is_told_by_titles() {
    let mut scene = Scene::vst3_active(&gainlike(&[]));
    assert_eq!(told_of(&mut scene, &gainlike(&["renamed"]), &constant(0.5)), [restart::TITLES]);
    let volume = scene.plugin.param("Volume");
    let before = scene.plugin.text(volume.id, 1.0).expect("a text");
    assert_eq!(told_of(&mut scene, &gainlike(&["retexted"]), &constant(0.5)), [restart::TITLES]);
    let after = scene.plugin.text(volume.id, 1.0).expect("a text");
    assert!(before != after && after.contains('%'), "{before} and {after}");
}

#[test]
fn another_latency_is_there_when_the_host_hears_of_it() {
    let mut scene = Scene::vst3_active(&latent(&[]));
    assert_eq!(scene.plugin.latency(), 64);
    assert_eq!(told_of(&mut scene, &latent(&["l256"]), &ramp()), [restart::LATENCY]);
    assert_eq!(scene.plugin.inside(), (vec![256], 0), "read inside the call");
    for _ in 0..20 {
        scene.block(&ramp());
    }
    assert_eq!(delay(&mut scene), 256, "and is what plays");
}

#[test]
fn while_the_host_relies_on_the_old_latency_a_smaller_one_is_padded() {
    let mut scene = Scene::vst3_active(&latent(&[]));
    assert_eq!(scene.plugin.latency(), 64);
    scene.publish_and_run(&latent(&["l0"]).logic(), &ramp()).assert_clean();
    assert_eq!(delay(&mut scene), 64, "the host's compensation still fits");
    scene.plugin.nudge();
    assert_eq!((told(&scene, 0), scene.plugin.latency()), (vec![restart::LATENCY], 0));
    for _ in 0..20 {
        assert_eq!(scene.block(&ramp()).outcome.unwritten, 0);
    }
    assert_eq!(delay(&mut scene), 0, "after the host has read it");
}

#[test]
fn ardour_7_restarts_inside_the_call_and_loses_no_sound() {
    let options = Vst3Options { on_restart: OnRestart::CycleInside, ..Vst3Options::default() };
    let mut scene = Scene::vst3_with(&latent(&[]), options, TestSlot::new());
    scene.plugin.activate(Setup::default());
    assert_eq!(scene.plugin.latency(), 64);
    assert_eq!(told_of(&mut scene, &latent(&["l256"]), &constant(0.5)), [restart::LATENCY]);
    assert_eq!((scene.plugin.inside().1, scene.plugin.latency()), (1, 256));
    let block = scene.block(&constant(0.5));
    let outside = first_outside(&block.channels[0], |_| (0.5 - 1e-6, 0.5 + 1e-6));
    assert_eq!(outside, None, "a restart for our sake does not cost what is in the line");
}

#[test]
fn another_bus_is_told_once_and_there_after_a_restart() {
    let options = Vst3Options { on_restart: OnRestart::CycleLater, ..Vst3Options::default() };
    let mut scene = Scene::vst3_with(&ports(&[]), options, TestSlot::new());
    scene.plugin.activate(Setup::default());
    let mark = scene.plugin.calls().mark();
    let build = scene.slot.publish(&ports(&["sidechain"]).logic());
    scene.plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    let slot = &scene.slot;
    scene.plugin.wait_until("heard", |plugin| {
        slot.reports().iter().any(|r| r.heard == build) && near(plugin.playing().last(), 0.5)
    });
    assert_eq!(scene.plugin.channels(true), [2], "behind the old buses until the host is told");
    scene.plugin.nudge();
    scene.plugin.wait_until("a restart", |plugin| plugin.restarts == 1);
    let blocks = scene.plugin.playing().blocks();
    scene.plugin.wait_until("more blocks", |plugin| plugin.playing().blocks() > blocks + 20);
    scene.plugin.stop().assert_clean();
    let flags = told(&scene, mark);
    assert_eq!((flags.len(), flags[0] & restart::IO), (1, restart::IO), "{flags:?}");
    assert_eq!(scene.plugin.channels(true), [2, 2]);
    assert!(near(scene.block(&constant(0.25)).channels[0][127], 0.75), "the new bus is heard");
}

#[test]
fn a_host_that_never_restarts_hears_the_new_code_with_another_bus() {
    let options = Vst3Options { on_restart: OnRestart::Note, ..Vst3Options::default() };
    let mut scene = Scene::vst3_with(&ports(&[]), options, TestSlot::new());
    scene.plugin.activate(Setup::default());
    told_of(&mut scene, &ports(&["sidechain"]), &constant(0.25));
    let block = scene.block(&constant(0.25));
    assert_eq!(block.outcome.unwritten, 0);
    assert!(near(block.channels[0][127], 0.5), "silence where it has more inputs");
}

#[test]
fn juce_reads_the_latency_of_a_build_that_came_between_setup_and_activation() {
    let mut scene = Scene::vst3(&latent(&[]));
    assert!(scene.plugin.set_up(Setup::default()));
    assert_eq!(scene.plugin.latency(), 64);
    scene.slot.publish(&latent(&["l256"]).logic());
    scene.plugin.wait_until("the new build's latency", |plugin| plugin.latency() == 256);
    assert!(scene.plugin.set_active(true));
    scene.plugin.take_audio(Setup::default());
    for _ in 0..4 {
        scene.block(&ramp());
    }
    assert_eq!(delay(&mut scene), 256, "no fade, no late sound");
    scene.plugin.nudge();
    assert_eq!(told(&scene, 0), NOTHING, "the host has read it by itself");
}

#[test]
fn a_host_that_activates_late_hears_the_buses_that_it_was_told_of() {
    let mut scene = Scene::vst3_active(&ports(&[]));
    scene.publish_and_run(&ports(&["sidechain"]).logic(), &constant(0.0)).assert_clean();
    // Off, without having been told, and prepared for the old buses.
    scene.plugin.deactivate();
    assert!(scene.plugin.set_up(Setup::default()));
    scene.plugin.nudge();
    assert_eq!(told(&scene, 0), [restart::IO]);
    assert_eq!(scene.plugin.channels(true), [2, 2]);
    scene.plugin.switch_buses();
    assert!(scene.plugin.set_active(true));
    scene.plugin.take_audio(Setup::default());
    assert!(near(scene.block(&constant(0.25)).channels[0][127], 0.75), "the new bus is heard at once");
}

#[test]
fn a_build_that_comes_between_setup_and_activation_plays_from_the_first_block_on_its_own_buses() {
    let mut scene = Scene::vst3(&ports(&[]));
    assert!(scene.plugin.set_up(Setup::default()));
    scene.slot.publish(&ports(&["sidechain"]).logic());
    scene.plugin.wait_until("the new buses", |plugin| {
        assert_eq!(plugin.latency(), 0);
        plugin.nudge();
        plugin.channels(true) == [2, 2]
    });
    scene.plugin.switch_buses();
    assert!(scene.plugin.set_active(true));
    scene.plugin.take_audio(Setup::default());
    let block = scene.block(&constant(0.25));
    assert!(block.channels[0].iter().all(|sample| near(*sample, 0.75)), "{}", block.channels[0][0]);
}

#[test]
fn a_state_load_is_a_safe_call_too() {
    let mut scene = Scene::vst3_active(&latent(&[]));
    assert_eq!(scene.plugin.latency(), 64);
    let saved = scene.plugin.save().expect("saves");
    scene.publish_and_run(&latent(&["l256"]).logic(), &ramp());
    let mark = scene.plugin.calls().mark();
    assert!(scene.plugin.load(&saved));
    let calls = scene.plugin.calls().since(mark);
    let wanted =
        Call { what: What::RestartComponent(restart::LATENCY), role: Role::Main, phase: Phase::State };
    assert_eq!(calls, [wanted]);
}

fn on(key: i16, id: i32) -> Event {
    Event::NoteOn { time: 0, channel: 0, key, id, velocity: 0.8 }
}

fn off(key: i16, id: i32) -> Event {
    Event::NoteOff { time: 0, channel: 0, key, id }
}

#[test]
fn held_notes_are_played_again() {
    let mut scene = Scene::vst3_active(&noted(&[]));
    let before = levels(&mut scene, &[on(60, 1), on(64, 2)]);
    assert!(near(before.0, 0.124) && near(before.1, 0.0), "{before:?}");
    scene.publish_and_run(&noted(&["v2"]).logic(), &constant(0.0)).assert_clean();
    let after = levels(&mut scene, &[]);
    assert!(near(after.0, 0.248) && near(after.1, 0.02), "both keys, as a replay: {after:?}");
    assert!(near(levels(&mut scene, &[off(60, 1)]).0, 0.128), "one key up");
    assert!(near(levels(&mut scene, &[off(64, 2)]).0, 0.0), "no hanging note");
}

#[test]
fn a_note_that_only_the_pedal_holds_is_played_again() {
    let mut scene = Scene::vst3_active(&noted(&[]));
    let Some(pedal) = scene.plugin.controller_id(0, 64) else { panic!("the pedal has a parameter") };
    let turn = |value| Event::Param { time: 0, id: pedal, value, cookie: 0 };
    scene.plugin.block_of(128, &constant(0.0), &[turn(1.0)]);
    levels(&mut scene, &[on(60, 1)]);
    assert!(near(levels(&mut scene, &[off(60, 1)]).0, 0.06));
    scene.publish_and_run(&noted(&["v2"]).logic(), &constant(0.0)).assert_clean();
    assert!(near(levels(&mut scene, &[]).0, 0.12), "the pedal still holds it");
    scene.plugin.block_of(128, &constant(0.0), &[turn(0.0)]);
    assert!(near(levels(&mut scene, &[]).0, 0.0), "and lets it go");
}

#[test]
fn a_value_that_is_set_in_the_block_of_the_swap() {
    let mut scene = Scene::vst3_active(&gainlike(&[]));
    let gain = scene.plugin.param("Gain").id;
    let build = scene.slot.publish(&gainlike(&[]).logic());
    let begin = std::time::Instant::now();
    let (mut step, mut after) = (0_u32, 0);
    while after < 50 {
        assert!(begin.elapsed() < hotshell_tests::PATIENCE, "not heard");
        let value = f64::from(step % 100) / 100.0;
        step += 1;
        let set = Event::Param { time: 64, id: gain, value, cookie: 0 };
        let block = scene.plugin.block(128, &constant(1.0), &[set]);
        #[expect(clippy::cast_possible_truncation, reason = "a gain")]
        let wanted = value as f32;
        let got = block.channels[0][64..].iter().find(|s| !near(**s, wanted));
        assert_eq!(got, None, "block {step}: both builds play the value {wanted}");
        after += u32::from(scene.is_heard(build));
    }
}

/// Byte for byte, but for parameters of a build that came between the two.
fn same_but_for_new_parameters(saved: &[u8], again: &[u8]) {
    let read = |bytes| hotshell_core::state::decode(bytes, "org.hotshell.fixture.gainlike").expect("a state");
    let (before, mut after) = (read(saved), read(again));
    after.params.retain(|id, _| before.params.contains_key(id));
    assert_eq!(hotshell_core::state::encode(&after), saved, "of {after:?}");
}

#[test]
fn a_state_saved_and_loaded_in_a_loop_during_reloads_is_exact() {
    let mut scene = Scene::vst3_active(&gainlike(&[]));
    let gain = scene.plugin.param("Gain").id;
    let builds = [gainlike(&["loud"]).logic(), gainlike(&["added"]).logic(), gainlike(&[]).logic()];
    scene.plugin.play(Play::real_time());
    let mut heard = 0;
    for i in 0..90_u32 {
        if i % 15 == 0 {
            heard = scene.slot.publish(&builds[(i / 15) as usize % 3]);
        }
        let (value, other) = (f64::from(i) / 128.0, f64::from(i + 60) / 128.0);
        for value in [value, other] {
            scene.plugin.send(&[Event::Param { time: 0, id: gain, value, cookie: 0 }]);
        }
        scene.plugin.wait_until("the value", |p| (p.value(gain) - other).abs() < 1e-12);
        let saved = scene.plugin.save().expect("saves at any time");
        assert!(scene.plugin.set_normalised(gain, 0.0));
        assert!(scene.plugin.load(&saved), "loads at any time");
        assert!((scene.plugin.value(gain) - other).abs() < 1e-12, "loaded when the call returns");
        same_but_for_new_parameters(&saved, &scene.plugin.save().expect("saves at any time"));
    }
    let slot = &scene.slot;
    scene.plugin.wait_until("the last build", |_| slot.reports().iter().any(|r| r.heard == heard));
    scene.plugin.stop().assert_clean();
}

#[test]
fn bypass_is_a_parameter_and_survives() {
    let mut scene = Scene::vst3_active(&gainlike(&["loud"]));
    set(&mut scene, "Bypass", 1.0);
    for _ in 0..20 {
        scene.block(&constant(0.5));
    }
    let saved = scene.plugin.save().expect("saves");
    let recording = scene.publish_and_run(&gainlike(&["loud", "added"]).logic(), &constant(0.5));
    assert_eq!(first_outside(&recording.channels[0], |_| (0.5, 0.5)), None, "bypassed all the time");
    set(&mut scene, "Bypass", 0.0);
    for _ in 0..20 {
        scene.block(&constant(0.5));
    }
    assert!(near(scene.block(&constant(0.5)).channels[0][127], 1.0));
    assert!(scene.plugin.load(&saved));
    assert_eq!(scene.plugin.param("Bypass").value, 1.0, "and is in the state");
}

#[test]
fn both_precisions_reload_in_hosts_of_both() {
    let wide = |features: &[&str]| Fixture::new("fixture-wide", features);
    for (shell, next, from, to) in
        [(wide(&[]), wide(&["v2"]), 0.0, 0.25), (steady(&[]), steady(&["v2"]), 0.25, 0.5)]
    {
        for wide_buffers in [false, true] {
            let mut scene = Scene::vst3(&shell);
            scene.plugin.activate(Setup { wide: wide_buffers, ..Setup::default() });
            assert!(near(scene.block(&constant(0.0)).channels[0][127], from));
            let recording = scene.publish_and_run(&next.logic(), &constant(0.0));
            recording.assert_clean();
            assert!(near(*recording.channels[0].last().expect("played"), to));
        }
    }
}

#[test]
fn both_formats_of_one_plug_in_reload_from_one_slot_in_one_host() {
    let mut scene = Scene::vst3_active(&steady(&[]));
    let bundle = hotshell_tests::Bundle::load(&steady(&[]).shell(&scene.slot), Scope::Local).expect("loads");
    let mut clap = Plugin::open(&bundle, 0, HostOptions::default()).expect("opens");
    clap.activate(Setup::default());
    scene.plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    clap.play(Play { signal: constant(0.0), ..Play::real_time() });
    for feature in ["v2", "v3", "v2"] {
        let build = scene.slot.publish(&steady(&[feature]).logic());
        let slot = &scene.slot;
        scene.plugin.wait_until("both heard it", |_| {
            clap.tick();
            slot.reports().iter().filter(|r| r.heard == build).count() == 2
        });
    }
    clap.stop().assert_clean();
    scene.plugin.stop().assert_clean();
}

#[test]
fn a_host_whose_context_offers_a_run_loop_is_told_without_a_view_or_any_call() {
    for of_factory in [true, false] {
        let (context, slot) = (HostFrame::default(), TestSlot::new());
        let bundle = Module::load(&gainlike(&[]).vst3_shell(&slot)).expect("the shell loads");
        bundle.set_host_context(of_factory.then_some(&context));
        let mut plugin = Vst3::create(&bundle, 0, Vst3Options::default()).expect("the shell is made");
        let begins = |plugin: &mut Vst3| {
            if of_factory { plugin.initialise() } else { plugin.initialise_with(&context) }
        };
        assert_eq!([begins(&mut plugin), begins(&mut plugin)], [kResultOk; 2], "as pedalboard does");
        assert_eq!(context.timers(), 1);
        plugin.nudge();
        plugin.activate(Setup::default());
        let mut scene = Scene { plugin, bundle, slot };
        let mark = scene.plugin.calls().mark();
        scene.publish_and_run(&gainlike(&["added"]).logic(), &constant(0.5)).assert_clean();
        let titles = |call: Call| match call.what {
            What::RestartComponent(flags) => flags & restart::TITLES != 0,
            _ => false,
        };
        let told =
            |plugin: &Vst3| plugin.calls().since(mark).into_iter().filter(|call| titles(*call)).count();
        scene.plugin.wait_until("the host hears of the new parameter", |plugin| {
            context.tick();
            told(plugin) > 0
        });
        context.tick();
        assert_eq!(told(&scene.plugin), 1, "once");
        scene.plugin.deactivate();
        assert_eq!(scene.plugin.terminate(), kResultOk);
        assert_eq!(context.timers(), 0);
        context.tick_late();
        assert_eq!((begins(&mut scene.plugin), context.timers()), (kResultOk, 1));
    }
}
