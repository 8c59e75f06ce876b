//! Hosts that break VST3's own rules, on static and on hot bundles: nothing falls over, and the next block is as if
//! nothing had been.

use std::sync::atomic::{AtomicBool, Ordering};

use hotshell_tests::{
    Event, Fixture, Module, Offences, OnRestart, Play, Rude, Scene, Setup, TestSlot, Vst3, Vst3Options, What,
    constant, restart,
};

const NONE: Offences = Offences::NONE;

fn steady() -> Fixture {
    Fixture::new("fixture-steady", &[])
}

fn gainlike() -> Fixture {
    Fixture::new("fixture-gainlike", &[])
}

/// Runs `test` on a fresh instance of the static bundle, then of the hot one.
fn on_both(fixture: &Fixture, test: impl Fn(&mut Vst3)) {
    let slot = TestSlot::new();
    for path in [fixture.vst3_release(&slot.room().join("static")), fixture.vst3_shell(&slot)] {
        let module = Module::load(&path).expect("loads");
        test(&mut Vst3::open(&module, 0, Vst3Options::default()).expect("opens"));
    }
}

fn near(sample: f32, level: f32) -> bool {
    (sample - level).abs() < 1e-6
}

fn set(plugin: &Vst3, value: f64) -> Event {
    Event::Param { time: 0, id: plugin.param("Gain").id, value, cookie: 0 }
}

/// A block of 0.5 is whole, and `level` at its end.
fn assert_plays(plugin: &mut Vst3, level: f32) {
    let block = plugin.block(128, &constant(0.5), &[]);
    assert_eq!((block.outcome.unwritten, block.outcome.status), (0, 1));
    assert!(near(block.channels[0][127], level), "{} instead of {level}", block.channels[0][127]);
}

/// Runs `call` over and over on a thread of its own while `main` runs.
fn beside(call: impl Fn() + Send + Sync, main: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let turns = scope.spawn(|| {
            let mut turns = 0_u32;
            while !done.load(Ordering::Acquire) || turns == 0 {
                call();
                turns = turns.saturating_add(1);
            }
        });
        main();
        done.store(true, Ordering::Release);
        turns.join().expect("the other thread panicked");
    });
}

#[test]
fn null_pointers_and_senseless_counts_cost_the_host_its_own_block_alone() {
    on_both(&gainlike(), |plugin| {
        plugin.activate(Setup::default());
        let shapes = [Rude::NullOutputs, Rude::NullBuses, Rude::NegativeBuses, Rude::NegativeChannels];
        for (rude, value) in shapes.into_iter().zip([0.25, 0.75, 1.25, 1.5]) {
            let gain = set(plugin, value);
            let outcome = plugin.rude_block(rude, 128, &constant(0.5), &[gain]);
            assert_eq!((outcome.status, outcome.overrun, outcome.offences), (1, 0, NONE), "{rude:?}");
            assert_eq!(plugin.value(plugin.param("Gain").id), value, "{rude:?}: the value counts");
            #[expect(clippy::cast_possible_truncation, reason = "a gain")]
            assert_plays(plugin, value as f32 * 0.5);
        }
    });
}

#[test]
fn points_outside_of_block_and_range_are_moved_into_them_and_nan_is_no_value() {
    on_both(&gainlike(), |plugin| {
        plugin.activate(Setup::default());
        let id = plugin.param("Gain").id;
        let point = |time, value| Event::Param { time, id, value, cookie: 0 };
        let points = [point(0, f64::NAN), point(10, -3.0), point(4000, f64::INFINITY)];
        let block = plugin.block_of(128, &constant(0.5), &points);
        let heard = [9, 10, 126, 127].map(|frame| block.channels[0][frame]);
        assert_eq!(heard, [0.5, 0.0, 0.0, 1.0], "1, then 0, at the last frame the most: 2");
        assert_eq!(plugin.value(id), 2.0);
    });
}

#[test]
fn a_host_that_never_sets_up_gets_a_common_set_up() {
    on_both(&steady(), |plugin| {
        assert!(plugin.set_active(true));
        plugin.take_audio(Setup::default());
        assert_plays(plugin, 0.25);
    });
}

#[test]
fn a_set_up_while_active_is_refused_and_changes_nothing() {
    on_both(&steady(), |plugin| {
        plugin.activate(Setup::default());
        assert!(!plugin.set_up(Setup { rate: 96_000.0, max_frames: 32, ..Setup::default() }));
        assert_plays(plugin, 0.25);
        plugin.deactivate();
        plugin.activate(Setup { rate: 96_000.0, ..Setup::default() });
        assert_plays(plugin, 0.25);
    });
}

#[test]
fn a_host_terminates_and_begins_again_while_a_thread_of_its_own_plays() {
    on_both(&steady(), |plugin| {
        plugin.activate(Setup::default());
        plugin.play(Play { signal: constant(0.5), keep: 1 << 12, ..Play::free() });
        for _ in 0..10 {
            let blocks = plugin.playing().blocks();
            let plays = |p: &Vst3| p.playing().blocks() > blocks && near(p.playing().last(), 0.25);
            plugin.wait_until("it plays", |plugin| plays(plugin));
            assert_eq!(plugin.terminate(), 0);
            plugin.wait_until("silence", |plugin| near(plugin.playing().last(), 0.0));
            assert_eq!(plugin.initialise(), 0);
            assert!(plugin.set_up(Setup::default()) && plugin.set_active(true));
        }
        let recording = plugin.stop();
        recording.assert_clean();
        assert!(recording.channels[0].iter().all(|s| near(*s, 0.25) || *s == 0.0), "its sound, or silence");
    });
}

#[test]
fn questions_from_another_thread_while_the_host_terminates_are_answered_or_refused() {
    on_both(&gainlike(), |plugin| {
        let (gain, saved) = (plugin.param("Gain").id, plugin.save().expect("saves"));
        let asking = plugin.asking();
        let call = || {
            // Nobody is there half of the time: what counts is that each answer comes.
            let _ = (asking.save(), asking.load(&saved), asking.set_normalised(gain, 0.5));
            let _ = (asking.latency(), asking.tail(), asking.text(gain, 1.0), asking.parse(gain, "1"));
            let _ = (asking.connect_to_itself(), asking.bus_count(false, true));
        };
        beside(call, || {
            for _ in 0..30 {
                assert_eq!(plugin.terminate(), 0);
                assert_eq!(plugin.initialise(), 0);
                assert!(plugin.set_up(Setup::default()) && plugin.set_active(true));
            }
        });
        plugin.take_audio(Setup::default());
        assert!(plugin.load(&saved));
        assert_plays(plugin, 0.5);
    });
}

#[test]
fn two_threads_switch_activation_while_a_third_plays_and_loads_states() {
    on_both(&gainlike(), |plugin| {
        let saved = plugin.save().expect("saves");
        assert!(plugin.set_up(Setup::default()));
        plugin.take_audio(Setup::default());
        plugin.play(Play { signal: constant(0.5), keep: 1 << 12, ..Play::free() });
        let asking = plugin.asking();
        let call = || {
            asking.set_active(true);
            let _ = asking.load(&saved);
            asking.set_processing(true);
            asking.set_active(false);
        };
        beside(call, || {
            for _ in 0..100 {
                plugin.set_active(true);
                plugin.set_active(false);
            }
        });
        assert!(plugin.set_active(true) && plugin.load(&saved));
        plugin.wait_until("it plays", |plugin| near(plugin.playing().last(), 0.5));
        let recording = plugin.stop();
        recording.assert_clean();
        assert!(recording.channels[0].iter().all(|s| (-1e-6..=0.5 + 1e-6).contains(s)));
    });
}

#[test]
fn a_host_that_saves_and_loads_inside_restart_component_is_told_once() {
    let options = Vst3Options { on_restart: OnRestart::LoadInside, ..Vst3Options::default() };
    let mut scene = Scene::vst3_with(&gainlike(), options, TestSlot::new());
    scene.plugin.activate(Setup::default());
    let build = Fixture::new("fixture-gainlike", &["added"]);
    scene.publish_and_run(&build.logic(), &constant(0.5)).assert_clean();
    let told = |plugin: &Vst3| {
        let calls = plugin.calls().list();
        let titles =
            |what: &What| matches!(what, What::RestartComponent(flags) if flags & restart::TITLES != 0);
        calls.iter().filter(|call| titles(&call.what)).count()
    };
    scene.plugin.wait_until("the host hears of the new parameter", |plugin| {
        plugin.nudge();
        told(plugin) > 0
    });
    assert!(scene.plugin.inside().1 > 0, "it has saved and loaded");
    for _ in 0..3 {
        scene.plugin.nudge();
    }
    assert_eq!(told(&scene.plugin), 1);
    assert_plays(&mut scene.plugin, 0.5);
}
