//! What a user has set, holds or has saved survives a reload: values, modulation, state, held and pedalled notes.

use hotshell_tests::{Event, Fixture, Scene, Setup, constant, sine};

fn gainlike(features: &[&str]) -> Fixture {
    Fixture::new("fixture-gainlike", features)
}

fn noted(features: &[&str]) -> Fixture {
    Fixture::new("fixture-noted", features)
}

fn on(key: i16, id: i32) -> Event {
    Event::NoteOn { time: 0, channel: 0, key, id, velocity: 0.8 }
}

fn off(key: i16, id: i32) -> Event {
    Event::NoteOff { time: 0, channel: 0, key, id }
}

fn pedal(value: u8) -> Event {
    Event::Midi { time: 0, data: [0xb0, 64, value] }
}

fn close(a: f32, b: f32) -> bool {
    (a - b).abs() < 1e-5
}

/// The last samples of both channels of a block with `events`.
fn levels(scene: &mut Scene, events: &[Event]) -> (f32, f32) {
    let block = scene.plugin.block(128, &constant(0.0), events);
    (block.channels[0][127], block.channels[1][127])
}

#[test]
fn a_value_that_the_host_has_set() {
    let mut scene = Scene::active(&gainlike(&[]));
    let gain = scene.plugin.param("Gain");
    let set = Event::Param { time: 0, id: gain.id, value: 0.5, cookie: gain.cookie };
    assert!(close(*scene.plugin.block(128, &constant(0.5), &[set]).channels[0].last().unwrap(), 0.25));
    let recording = scene.publish_and_run(&gainlike(&["loud"]).logic(), &constant(0.5));
    assert!(close(*recording.channels[0].last().unwrap(), 0.5), "0.5 in, gain 0.5, factor 2");
    assert_eq!(scene.plugin.value(gain.id), Some(0.5));
}

#[test]
fn a_modulation_that_is_on() {
    let mut scene = Scene::active(&gainlike(&[]));
    let gain = scene.plugin.param("Gain");
    let moved = Event::Mod { time: 0, id: gain.id, amount: 0.5, cookie: 0 };
    assert!(close(*scene.plugin.block(128, &constant(0.5), &[moved]).channels[0].last().unwrap(), 0.75));
    let recording = scene.publish_and_run(&gainlike(&["loud"]).logic(), &constant(0.5));
    assert!(close(*recording.channels[0].last().unwrap(), 1.5), "gain 1 + 0.5, factor 2");
    assert_eq!(scene.plugin.value(gain.id), Some(1.0), "modulation never changes the value");
}

#[test]
fn a_value_that_is_set_in_the_block_of_the_swap() {
    // The values go down from block to block while builds come: each block must hold its own.
    let mut scene = Scene::active(&gainlike(&[]));
    let gain = scene.plugin.param("Gain");
    let build = scene.slot.publish(&gainlike(&[]).logic());
    let begin = std::time::Instant::now();
    let mut step = 0_u32;
    let mut after = 0;
    while after < 50 {
        assert!(begin.elapsed() < hotshell_tests::PATIENCE, "not heard");
        let value = f64::from(step % 100) / 100.0;
        step += 1;
        scene.plugin.tick();
        let set = Event::Param { time: 64, id: gain.id, value, cookie: 0 };
        let block = scene.plugin.block(128, &constant(1.0), &[set]);
        #[expect(clippy::cast_possible_truncation, reason = "a gain")]
        let wanted = value as f32;
        let got = block.channels[0][64..].iter().find(|s| !close(**s, wanted));
        assert_eq!(got, None, "block {step}: both builds play the value {wanted}");
        after += u32::from(scene.is_heard(build));
    }
}

#[test]
fn a_held_note() {
    let mut scene = Scene::active(&noted(&[]));
    let before = levels(&mut scene, &[on(60, 1), on(64, 2)]);
    assert!(close(before.0, 0.124) && close(before.1, 0.0), "{before:?}");
    scene.publish_and_run(&noted(&["v2"]).logic(), &constant(0.0)).assert_clean();
    let after = levels(&mut scene, &[]);
    assert!(close(after.0, 0.248), "both keys sound in the new build: {after:?}");
    assert!(close(after.1, 0.02), "and came as a replay: {after:?}");
    let one = levels(&mut scene, &[off(60, 1)]);
    assert!(close(one.0, 0.128), "one key up: {one:?}");
    assert!(close(levels(&mut scene, &[off(64, 2)]).0, 0.0), "no hanging note");
}

#[test]
fn a_note_that_only_the_pedal_holds() {
    let mut scene = Scene::active(&noted(&[]));
    levels(&mut scene, &[pedal(127), on(60, 1)]);
    let before = levels(&mut scene, &[off(60, 1)]);
    assert!(close(before.0, 0.06), "{before:?}");
    scene.publish_and_run(&noted(&["v2"]).logic(), &constant(0.0)).assert_clean();
    assert!(close(levels(&mut scene, &[]).0, 0.12), "the pedal still holds it");
    assert!(close(levels(&mut scene, &[pedal(0)]).0, 0.0), "and lets it go");
}

#[test]
fn a_released_note_does_not_come_back() {
    let mut scene = Scene::active(&noted(&[]));
    levels(&mut scene, &[on(60, 1), on(61, 2)]);
    levels(&mut scene, &[off(60, 1)]);
    scene.publish_and_run(&noted(&["v2"]).logic(), &constant(0.0));
    assert!(close(levels(&mut scene, &[]).0, 0.122), "only key 61");
    scene.publish_and_run(&noted(&[]).logic(), &constant(0.0));
    assert!(close(levels(&mut scene, &[]).0, 0.061), "and the same once more");
}

#[test]
fn the_fade_of_an_instrument_stays_within_both_builds() {
    let mut scene = Scene::active(&noted(&[]));
    levels(&mut scene, &[on(60, 1)]);
    let recording = scene.publish_and_run(&noted(&["v2"]).logic(), &constant(0.0));
    recording.assert_clean();
    let (old, new) = (0.06, 0.12);
    let outside = hotshell_tests::first_outside(&recording.channels[0], |_| (old - 1e-5, old + new));
    assert_eq!(outside, None);
}

#[test]
fn what_restore_takes_over_is_not_played_again() {
    let mut scene = Scene::active(&noted(&[]));
    levels(&mut scene, &[on(60, 1)]);
    // This build's `restore` says that the voices came with the snapshot, of which it takes none.
    scene.publish_and_run(&noted(&["v2", "restores"]).logic(), &constant(0.0));
    assert!(close(levels(&mut scene, &[]).0, 0.0));
}

#[test]
fn a_state_saved_before_the_reload_loads_after_it() {
    let mut scene = Scene::active(&gainlike(&[]));
    let gain = scene.plugin.param("Gain");
    scene.plugin.block(128, &sine(), &[Event::Param { time: 0, id: gain.id, value: 0.25, cookie: 0 }]);
    let saved = scene.plugin.save().expect("saves");
    scene.plugin.block(128, &sine(), &[Event::Param { time: 0, id: gain.id, value: 1.75, cookie: 0 }]);
    scene.publish_and_run(&gainlike(&["loud"]).logic(), &sine());
    assert!(scene.plugin.load(&saved), "the new build loads it");
    let block = scene.block(&constant(0.5));
    assert!(close(*block.channels[0].last().unwrap(), 0.25), "0.5 in, gain 0.25, factor 2");
    assert_eq!(scene.plugin.save().as_deref(), Some(&saved[..]), "the same values give the same bytes");
}

#[test]
fn a_state_saved_and_loaded_in_a_loop_during_reloads_is_exact() {
    let mut scene = Scene::active(&gainlike(&[]));
    let gain = scene.plugin.param("Gain");
    let builds = [gainlike(&["loud"]).logic(), gainlike(&["added"]).logic(), gainlike(&[]).logic()];
    scene.plugin.play(hotshell_tests::Play::real_time());
    let mut heard = 0;
    for i in 0..150_u32 {
        if i % 15 == 0 {
            heard = scene.slot.publish(&builds[(i / 15) as usize % 3]);
        }
        let value = f64::from(i) / 100.0;
        scene.plugin.playing().send(&[Event::Param { time: 0, id: gain.id, value, cookie: 0 }]);
        scene.plugin.wait_until("the value", |plugin| plugin.value(gain.id) == Some(value));
        let saved = scene.plugin.save().expect("saves at any time");
        let other = f64::from(150 - i) / 100.0;
        scene.plugin.playing().send(&[Event::Param { time: 0, id: gain.id, value: other, cookie: 0 }]);
        scene.plugin.wait_until("the other value", |plugin| plugin.value(gain.id) == Some(other));
        assert!(scene.plugin.load(&saved), "loads at any time");
        assert_eq!(scene.plugin.value(gain.id), Some(value), "loaded when the call returns");
    }
    let slot = &scene.slot;
    scene.plugin.wait_until("the last build", |_| slot.reports().iter().any(|r| r.heard == heard));
    scene.plugin.stop().assert_clean();
}

#[test]
fn an_activation_of_the_hosts_own_begins_in_silence() {
    let mut scene = Scene::active(&noted(&[]));
    levels(&mut scene, &[on(60, 1)]);
    scene.publish_and_run(&noted(&["v2"]).logic(), &constant(0.0));
    scene.plugin.deactivate();
    scene.plugin.activate(Setup::default());
    // The host made this restart, so it sends its notes again: nothing may hang from before.
    let after = levels(&mut scene, &[]);
    assert!(close(after.0, 0.0), "{after:?}, told: {:?}", scene.plugin.calls().since(0));
}
