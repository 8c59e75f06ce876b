//! What real VST3 hosts do (HOSTS.md), one test a rule, on static and on hot bundles.

use std::sync::atomic::{AtomicBool, Ordering};

use hotshell_tests::{
    Asking, Event, Fixture, Habits, Module, Offences, OnRestart, Phase, Play, Role, Rude, Scene, Setup,
    TestSlot, Vst3, Vst3Options, What, constant, restart,
};

const NONE: Offences = Offences::NONE;

fn steady() -> Fixture {
    Fixture::new("fixture-steady", &[])
}

fn gainlike() -> Fixture {
    Fixture::new("fixture-gainlike", &[])
}

/// The example whose latency is a parameter's.
fn gain() -> Fixture {
    Fixture::new("gain", &[])
}

/// Runs `test` on a fresh instance of the static bundle, then of the hot one.
fn on_both(fixture: &Fixture, options: Vst3Options, test: impl Fn(&mut Vst3)) {
    let slot = TestSlot::new();
    for path in [fixture.vst3_release(&slot.room().join("static")), fixture.vst3_shell(&slot)] {
        let module = Module::load(&path).expect("loads");
        test(&mut Vst3::open(&module, 0, options).expect("opens"));
    }
}

fn on_both_active(fixture: &Fixture, test: impl Fn(&mut Vst3)) {
    on_both(fixture, Vst3Options::default(), |plugin| {
        plugin.activate(Setup::default());
        test(plugin);
    });
}

fn near(sample: f32, level: f32) -> bool {
    (sample - level).abs() < 1e-6
}

/// The last sample of a block of 0.5 with `events`.
fn last(plugin: &mut Vst3, events: &[Event]) -> f32 {
    let block = plugin.block(128, &constant(0.5), events);
    assert_eq!((block.outcome.unwritten, block.outcome.status), (0, 1));
    block.channels[0][127]
}

fn set(plugin: &Vst3, title: &str, value: f64) -> Event {
    Event::Param { time: 0, id: plugin.param(title).id, value, cookie: 0 }
}

/// Every `restartComponent` so far, all of which came on the main thread in a call where a host can bear it.
fn told(plugin: &Vst3) -> Vec<u32> {
    let told = plugin.calls().list().into_iter().filter_map(|call| match call.what {
        What::RestartComponent(flags) => {
            assert_eq!(call.role, Role::Main, "from the main thread");
            assert!(matches!(call.phase, Phase::Handler | Phase::State), "inside {:?}", call.phase);
            Some(flags)
        }
        _ => None,
    });
    told.collect()
}

const NOTHING: [u32; 0] = [];
const MONO: u64 = 1 << 19;
const STEREO: u64 = 3;

#[test]
fn reaper_sets_bus_arrangements_after_setup() {
    on_both(&gainlike(), Vst3Options::default(), |plugin| {
        assert_eq!(plugin.arrangements(true), [STEREO]);
        assert!(plugin.set_up(Setup::default()));
        assert!(plugin.set_arrangements(&[MONO], &[MONO]));
        assert_eq!((plugin.arrangements(true), plugin.channels(false)), (vec![MONO], vec![1]));
        assert!(plugin.set_active(true));
        plugin.take_audio(Setup::default());
        assert!(near(last(plugin, &[]), 0.5));
    });
}

#[test]
fn wavelab_sets_bus_arrangements_inside_set_active() {
    on_both_active(&gainlike(), |plugin| {
        assert!(plugin.set_arrangements(&[STEREO], &[STEREO]), "what is there already");
        assert!(!plugin.set_arrangements(&[MONO], &[MONO]), "nothing else while active");
        assert_eq!((plugin.arrangements(false), plugin.channels(false)), (vec![STEREO], vec![2]));
        assert!(near(last(plugin, &[]), 0.5));
    });
}

#[test]
fn hosts_that_get_half_of_an_arrangement_do_not_look() {
    on_both(&gainlike(), Vst3Options::default(), |plugin| {
        for (ins, outs) in [(&[MONO][..], &[STEREO][..]), (&[STEREO], &[]), (&[STEREO, MONO], &[STEREO])] {
            assert!(!plugin.set_arrangements(ins, outs), "{ins:?} {outs:?}");
            assert_eq!((plugin.channels(true), plugin.channels(false)), (vec![2], vec![2]));
        }
    });
}

#[test]
fn live_flushes_without_buses() {
    on_both_active(&gainlike(), |plugin| {
        for (rude, value) in [(Rude::FramesWithoutBuses, 0.25), (Rude::FramesWithoutChannels, 0.75)] {
            let gain = set(plugin, "Gain", value);
            let outcome = plugin.rude_block(rude, 128, &constant(0.5), &[gain]);
            assert_eq!((outcome.status, outcome.overrun, outcome.offences), (1, 0, NONE), "{rude:?}");
            assert_eq!(plugin.value(plugin.param("Gain").id), value, "applied at once");
        }
        assert!(near(last(plugin, &[]), 0.375));
    });
}

#[test]
fn audacity_flushes_with_null_pointers_and_the_validator_without_frames() {
    on_both_active(&gainlike(), |plugin| {
        for (rude, value) in [(Rude::NoFramesNullPointers, 0.25), (Rude::NoFramesNoBuses, 1.5)] {
            let gain = set(plugin, "Gain", value);
            let outcome = plugin.rude_block(rude, 0, &constant(0.5), &[gain]);
            assert_eq!((outcome.status, outcome.overrun, outcome.offences), (1, 0, NONE), "{rude:?}");
            assert_eq!(plugin.value(plugin.param("Gain").id), value);
        }
        assert!(near(last(plugin, &[]), 0.75));
    });
}

#[test]
fn audacity_flushes_while_inactive() {
    on_both(&gainlike(), Vst3Options::default(), |plugin| {
        assert!(plugin.set_up(Setup::default()));
        plugin.take_audio(Setup::default());
        let gain = set(plugin, "Gain", 0.25);
        assert_eq!(plugin.rude_block(Rude::NoFramesNoBuses, 0, &constant(0.5), &[gain]).status, 1);
        assert_eq!(plugin.value(plugin.param("Gain").id), 0.25);
    });
}

#[test]
fn a_pedal_that_goes_up_while_the_plug_in_is_off_is_up() {
    on_both_active(&Fixture::new("fixture-noted", &[]), |plugin| {
        let on = Event::NoteOn { time: 0, channel: 0, key: 60, id: 1, velocity: 0.8 };
        let off = Event::NoteOff { time: 0, channel: 0, key: 60, id: 1 };
        plugin.deactivate();
        for (prepared, value, held) in [(false, 127, 0.06), (true, 0, 0.0), (true, 127, 0.06)] {
            assert!(!prepared || plugin.set_up(Setup::default()));
            plugin.take_audio(Setup::default());
            let pedal = Event::Midi { time: 0, data: [0xb0, 64, value] };
            assert_eq!(plugin.rude_block(Rude::NoFramesNoBuses, 0, &constant(0.0), &[pedal]).status, 1);
            plugin.activate(Setup::default());
            plugin.block_of(128, &constant(0.0), &[on]);
            let block = plugin.block_of(128, &constant(0.0), &[off]);
            let heard = near(block.channels[0][127], held);
            assert!(heard && block.outcome.offences == NONE, "the pedal is at {value}: {:?}", block.outcome);
            plugin.deactivate();
        }
    });
}

#[test]
fn live_gives_too_few_output_channels_while_bypassed() {
    on_both_active(&gainlike(), |plugin| {
        let bypass = set(plugin, "Bypass", 1.0);
        let outcome = plugin.rude_block(Rude::FewerChannels, 128, &constant(0.5), &[bypass]);
        assert_eq!((outcome.status, outcome.unwritten, outcome.overrun), (1, 128, 0), "one channel of two");
        assert!(near(last(plugin, &[]), 0.5));
    });
}

#[test]
fn hosts_pass_null_channels_for_buses_that_are_off() {
    on_both_active(&Fixture::new("fixture-ports", &["sidechain"]), |plugin| {
        assert!(plugin.activate_bus(true, 1, false));
        let outcome = plugin.rude_block(Rude::NullInputs, 128, &constant(0.25), &[]);
        assert_eq!((outcome.status, outcome.unwritten, outcome.not_finite), (1, 0, 0));
        assert!(near(last(plugin, &[]), 0.5), "a bus that is off is silent, whatever its buffers hold");
    });
}

#[test]
fn bitwig_switches_buses_while_active() {
    on_both_active(&Fixture::new("fixture-ports", &["sidechain"]), |plugin| {
        assert!(near(last(plugin, &[]), 1.0), "level and side");
        assert!(plugin.activate_bus(true, 1, false));
        assert!(near(last(plugin, &[]), 0.5));
        assert!(plugin.activate_bus(true, 1, true));
        assert!(near(last(plugin, &[]), 1.0));
        assert!(!plugin.activate_bus(true, 2, true), "there is no third");
    });
}

#[test]
fn the_sdk_validator_gives_no_output_lists_and_no_context() {
    on_both_active(&Fixture::new("synth", &[]), |plugin| {
        let on = Event::NoteOn { time: 0, channel: 0, key: 60, id: 1, velocity: 0.8 };
        let outcome = plugin.rude_block(Rude::NothingElse, 128, &constant(0.0), &[on]);
        assert_eq!((outcome.status, outcome.unwritten, outcome.offences), (1, 0, NONE));
    });
}

#[test]
fn reaper_and_pluginval_share_one_buffer_between_input_and_output() {
    on_both(&gainlike(), Vst3Options::default(), |plugin| {
        plugin.activate(Setup { in_place: true, ..Setup::default() });
        let gain = set(plugin, "Gain", 0.5);
        assert!(near(last(plugin, &[gain]), 0.25));
    });
}

#[test]
fn cubase_and_fl_studio_render_blocks_of_any_size_below_the_announced_one() {
    on_both(&gainlike(), Vst3Options::default(), |plugin| {
        plugin.activate(Setup { max_frames: 1024, ..Setup::default() });
        for frames in [1, 1024, 3, 17, 333, 2, 1023, 128] {
            let block = plugin.block(frames, &constant(0.5), &[]);
            assert_eq!((block.outcome.unwritten, block.outcome.overrun, block.outcome.status), (0, 0, 1));
            assert!(block.channels.iter().flatten().all(|sample| near(*sample, 0.5)), "{frames}");
        }
    });
}

#[test]
fn pluginval_sends_larger_blocks_than_announced() {
    on_both(&gainlike(), Vst3Options::default(), |plugin| {
        assert!(plugin.set_up(Setup { max_frames: 64, ..Setup::default() }) && plugin.set_active(true));
        plugin.take_audio(Setup { max_frames: 1000, ..Setup::default() });
        let half = Event::Param { time: 900, id: plugin.param("Gain").id, value: 0.5, cookie: 0 };
        let block = plugin.block(1000, &constant(0.5), &[half]);
        assert_eq!((block.outcome.unwritten, block.outcome.overrun, block.outcome.offences), (0, 0, NONE));
        let wanted = |frame| if frame < 900 { 0.5 } else { 0.25 };
        let wrong = block.channels[1].iter().enumerate().find(|(i, sample)| !near(**sample, wanted(*i)));
        assert_eq!(wrong, None, "automation stays sample-accurate in a block that is split");
    });
}

#[test]
fn reaper_repeats_identical_automation_values() {
    on_both_active(&gainlike(), |plugin| {
        let point = |time| Event::Param { time, id: plugin.param("Gain").id, value: 0.5, cookie: 0 };
        let points: Vec<Event> = (0..128).map(point).collect();
        for _ in 0..4 {
            let block = plugin.block(128, &constant(0.5), &points);
            let heard = block.channels[0].iter().all(|sample| near(*sample, 0.25));
            assert!(heard && block.outcome.offences == NONE, "{:?}", block.outcome);
        }
    });
}

#[test]
fn a_host_edits_in_its_own_window_without_any_block() {
    on_both_active(&gainlike(), |plugin| {
        let gain = plugin.param("Gain").id;
        assert!(plugin.set_normalised(gain, 0.25));
        assert_eq!(plugin.value(gain), 0.5, "known to the controller at once");
        assert!(near(last(plugin, &[]), 0.25), "and to the processor");
        assert!(!plugin.set_normalised(gain ^ 0x55, 0.25), "an id that nobody has");
    });
}

#[test]
fn juce_reads_latency_between_setup_and_activation() {
    on_both(&gain(), Vst3Options::default(), |plugin| {
        assert!(plugin.set_normalised(plugin.param("Look-ahead limiter").id, 1.0));
        assert!(plugin.set_up(Setup::default()));
        assert_eq!(plugin.latency(), 240, "5 ms at 48 kHz, before setActive");
        assert!(plugin.set_active(true));
        plugin.take_audio(Setup::default());
        plugin.nudge();
        assert_eq!(told(plugin), NOTHING, "the host has read it by itself");
    });
}

/// Turns the look-ahead on while the example plays, and makes the call in which the host can be told.
fn change_latency(plugin: &mut Vst3) {
    plugin.activate(Setup::default());
    assert_eq!(plugin.latency(), 0);
    let look_ahead = set(plugin, "Look-ahead limiter", 1.0);
    plugin.block(128, &constant(0.25), &[look_ahead]);
    assert_eq!(told(plugin), NOTHING, "not from inside a block");
    plugin.nudge();
}

#[test]
fn ardour_9_only_rereads_latency() {
    on_both(&gain(), Vst3Options::default(), |plugin| {
        change_latency(plugin);
        assert_eq!(told(plugin), [restart::LATENCY]);
        assert_eq!(plugin.inside(), (vec![240], 0), "the new value is visible when the host hears of it");
        plugin.nudge();
        plugin.nudge();
        assert_eq!(told(plugin), [restart::LATENCY], "once: Live loops otherwise");
        assert_eq!(plugin.block(128, &constant(0.25), &[]).outcome.unwritten, 0);
    });
}

#[test]
fn ardour_7_cycles_set_active_on_latency() {
    let options = Vst3Options { on_restart: OnRestart::CycleInside, ..Vst3Options::default() };
    on_both(&gain(), options, |plugin| {
        change_latency(plugin);
        assert_eq!((told(plugin), plugin.inside().1), (vec![restart::LATENCY], 1));
        assert_eq!(plugin.latency(), 240);
        plugin.nudge();
        assert_eq!(told(plugin), [restart::LATENCY], "its own restart is no reason for another");
        assert_eq!(plugin.block(128, &constant(0.25), &[]).outcome.unwritten, 0, "and it plays on");
    });
}

#[test]
fn juce_restarts_later_on_its_message_thread() {
    let options = Vst3Options { on_restart: OnRestart::CycleLater, ..Vst3Options::default() };
    on_both(&gain(), options, |plugin| {
        change_latency(plugin);
        plugin.tick();
        assert_eq!((plugin.restarts, plugin.latency()), (1, 240));
        plugin.nudge();
        plugin.tick();
        assert_eq!((told(plugin), plugin.restarts), (vec![restart::LATENCY], 1));
    });
}

#[test]
fn live_gives_its_handler_late() {
    let options = Vst3Options { gives_handler: false, ..Vst3Options::default() };
    on_both(&gain(), options, |plugin| {
        let saved = plugin.save().expect("saves");
        plugin.activate(Setup::default());
        assert_eq!(plugin.latency(), 0);
        let look_ahead = set(plugin, "Look-ahead limiter", 1.0);
        plugin.block(128, &constant(0.25), &[look_ahead]);
        assert!(plugin.load(&saved), "state before any handler");
        assert_eq!(told(plugin), NOTHING);
        let look_ahead = set(plugin, "Look-ahead limiter", 1.0);
        plugin.block(128, &constant(0.25), &[look_ahead]);
        plugin.nudge();
        assert!(told(plugin).iter().any(|flags| flags & restart::LATENCY != 0), "as soon as it can be told");
    });
}

#[test]
fn pedalboard_initialises_twice() {
    let options = Vst3Options { initialises_twice: true, ..Vst3Options::default() };
    on_both(&steady(), options, |plugin| {
        plugin.activate(Setup::default());
        assert!(near(last(plugin, &[]), 0.25));
        plugin.deactivate();
        assert_eq!([plugin.terminate(), plugin.terminate()], [0, 0], "and terminates twice");
    });
}

#[test]
fn the_validator_terminates_and_initialises_again() {
    on_both(&steady(), Vst3Options::default(), |plugin| {
        for _ in 0..3 {
            assert_eq!([plugin.terminate(), plugin.initialise()], [0, 0]);
            plugin.activate(Setup::default());
            assert!(near(last(plugin, &[]), 0.25));
            plugin.deactivate();
        }
        plugin.activate(Setup::default());
        assert_eq!(plugin.terminate(), 0, "while active");
        assert!(!plugin.set_active(true), "nothing is there to activate");
    });
}

#[test]
fn a_scanner_terminates_what_it_never_initialised() {
    let slot = TestSlot::new();
    for path in [steady().vst3_release(&slot.room().join("static")), steady().vst3_shell(&slot)] {
        let module = Module::load(&path).expect("loads");
        let mut plugin = Vst3::create(&module, 0, Vst3Options::default()).expect("creates");
        assert_eq!(plugin.terminate(), 0);
        assert_eq!((plugin.latency(), plugin.params().len(), plugin.save()), (0, 0, None));
        assert!(slot.reports().is_empty(), "no thread and no report of a mere scan");
    }
}

#[test]
fn ardour_connects_the_component_to_itself() {
    let options = Vst3Options { connects_to_itself: true, initialises_twice: true, ..Vst3Options::default() };
    on_both(&steady(), options, |plugin| {
        assert!(plugin.connect_to_itself(), "again");
        plugin.activate(Setup::default());
        assert!(near(last(plugin, &[]), 0.25));
    });
}

#[test]
fn yabridge_connects_on_a_worker_thread() {
    on_both(&steady(), Vst3Options::default(), |plugin| {
        let asking = plugin.asking();
        assert!(std::thread::scope(|scope| scope
            .spawn(|| asking.connect_to_itself())
            .join()
            .expect("no panic")));
    });
}

/// Runs `call` over and over on a thread of its own while `main` runs.
fn beside(call: impl Fn() + Send + Sync, main: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let turns = scope.spawn(|| {
            let mut turns = 0;
            while !done.load(Ordering::Acquire) || turns == 0 {
                call();
                turns += 1;
            }
        });
        main();
        done.store(true, Ordering::Release);
        turns.join().expect("the other thread panicked");
    });
}

#[test]
fn fl_studio_processes_before_and_during_set_active() {
    on_both(&steady(), Vst3Options::default(), |plugin| {
        assert!(plugin.set_up(Setup::default()));
        plugin.take_audio(Setup::default());
        plugin.play(Play { signal: constant(0.5), keep: 1 << 12, ..Play::free() });
        plugin.wait_until("blocks before setActive", |plugin| plugin.playing().blocks() > 20);
        for _ in 0..50 {
            assert!(plugin.set_active(true));
            let blocks = plugin.playing().blocks();
            plugin
                .wait_until("it plays", |p| p.playing().blocks() > blocks && near(p.playing().last(), 0.25));
            assert!(plugin.set_active(false));
        }
        assert!(plugin.set_active(true));
        let recording = plugin.stop();
        recording.assert_clean();
        assert!(recording.channels[0].iter().all(|s| near(*s, 0.25) || *s == 0.0), "its sound, or silence");
    });
}

#[test]
fn ardour_reenters_set_processing_inside_set_active() {
    on_both(&steady(), Vst3Options::default(), |plugin| {
        assert!(plugin.set_up(Setup::default()));
        let asking = plugin.asking();
        let call = || {
            asking.set_processing(true);
            asking.set_processing(false);
        };
        beside(call, || {
            for _ in 0..200 {
                assert!(plugin.set_active(true) && plugin.set_active(false));
            }
        });
        assert_eq!(told(plugin), NOTHING, "nothing calls the host from inside setActive");
    });
}

#[test]
fn juce_asks_for_the_bus_count_on_the_audio_thread() {
    on_both_active(&steady(), |plugin| {
        let asking = plugin.asking();
        let counts = plugin.on_audio(|audio| {
            audio.block(128, &constant(0.0), &[]);
            (asking.bus_count(false, true), asking.channels(false), asking.latency())
        });
        assert_eq!(counts, (1, vec![2], 0));
    });
}

#[test]
fn musescore_and_pedalboard_call_state_and_parameters_off_the_main_thread() {
    on_both_active(&gainlike(), |plugin| {
        let (saved, gain) = (plugin.save().expect("saves"), plugin.param("Gain").id);
        let asking = plugin.asking();
        plugin.play(Play { signal: constant(0.5), keep: 1 << 12, ..Play::real_time() });
        let call = || {
            assert!(asking.load(&saved) && asking.save().is_some());
            assert!(asking.set_normalised(gain, 0.5) && asking.text(gain, 1.0).is_some());
        };
        beside(call, || {
            let blocks = plugin.playing().blocks();
            plugin.wait_until("a hundred blocks", |p| {
                assert_eq!(p.params().len(), 3);
                p.playing().blocks() > blocks + 100
            });
        });
        let recording = plugin.stop();
        recording.assert_clean();
        assert!(recording.channels[0].iter().all(|s| near(*s, 0.5)), "the value was 1 all the time");
    });
}

/// A state with the gain at a quarter, and the instance back at 1.
fn saved_quarter(plugin: &Asking) -> Vec<u8> {
    let gain = plugin.param("Gain").id;
    assert!(plugin.set_normalised(gain, 0.125));
    let saved = plugin.save().expect("saves");
    assert!(plugin.set_normalised(gain, 0.5));
    saved
}

fn assert_loads(plugin: &Asking, saved: &[u8], habits: Habits) {
    let gain = plugin.param("Gain").id;
    assert!(plugin.set_normalised(gain, 0.5));
    assert!(plugin.load_with(saved, habits), "{habits:?}");
    assert_eq!(plugin.value(gain), 0.25, "{habits:?}");
}

/// What lies before a preset's chunk: `VST3`, version, class id, place of the list (behind what follows).
const PRESET_HEADER: &[u8; 48] = b"VST3\x01\0\0\0ABCDEFGHIJKLMNOPQRSTUVWXYZ012345\xff\xff\xff\0\0\0\0\0";

#[test]
fn bitwig_prepends_a_preset_header() {
    on_both_active(&gainlike(), |plugin| {
        let saved = saved_quarter(plugin);
        let behind = Habits { before: PRESET_HEADER, ..Habits::default() };
        assert_loads(plugin, &saved, behind);
        assert_loads(plugin, &saved, Habits { at_the_start: true, ..behind });
        assert!(near(last(plugin, &[]), 0.125), "and is heard");
    });
}

#[test]
fn wavelab_answers_wrong_results_and_cubase_lies_about_sizes() {
    on_both(&gainlike(), Vst3Options::default(), |plugin| {
        let saved = saved_quarter(plugin);
        for size in [0, -1, i64::MAX, 3] {
            for piece in [usize::MAX, 17, 1] {
                let habits = Habits { piece, size, wrong_results: true, ..Habits::default() };
                assert_loads(plugin, &saved, habits);
                assert_eq!(plugin.save_with(habits).as_deref(), Some(&saved[..]), "{habits:?}");
            }
        }
    });
}

#[test]
fn a_full_disk_is_not_called_saved() {
    on_both(&gainlike(), Vst3Options::default(), |plugin| {
        let full = Habits { piece: 0, wrong_results: true, ..Habits::default() };
        assert_eq!(plugin.save_with(full), None);
    });
}

#[test]
fn a_preset_browser_loads_junk() {
    on_both(&gainlike(), Vst3Options::default(), |plugin| {
        let saved = saved_quarter(plugin);
        let value = plugin.value(plugin.param("Gain").id);
        let junk: [&[u8]; 5] = [&[], b"hello", &[0; 1000], &[0xff; 100_000], &saved[..saved.len() - 1]];
        for bytes in junk {
            assert!(!plugin.load(bytes), "{} bytes of junk", bytes.len());
            assert_eq!(plugin.value(plugin.param("Gain").id), value, "nothing was changed");
        }
        assert_loads(plugin, &saved, Habits::default());
        assert_eq!(plugin.save().as_deref(), Some(&saved[..]), "byte for byte");
        assert_eq!(plugin.save_controller().as_deref(), Some(&b""[..]), "the controller has none of its own");
    });
}

#[test]
fn reaper_stops_calling_process() {
    let mut scene = Scene::vst3_active(&steady());
    assert!(near(last(&mut scene.plugin, &[]), 0.25));
    scene.plugin.on_audio(|audio| {
        audio.set_processing(false);
        audio.set_processing(true);
    });
    let build = scene.slot.publish(&Fixture::new("fixture-steady", &["v2"]).logic());
    let slot = &scene.slot;
    scene.plugin.wait_until("accepted", |_| slot.reports().iter().any(|r| r.accepted == build));
    assert!(scene.plugin.save().is_some(), "state answers meanwhile");
    scene.plugin.play(Play { signal: constant(0.0), ..Play::free() });
    scene.plugin.wait_until("the new build", |plugin| near(plugin.playing().last(), 0.5));
    scene.plugin.stop().assert_clean();
}

#[test]
fn reaper_switches_processing_off_and_on_and_hears_nothing_of_before() {
    on_both_active(&Fixture::new("fixture-noted", &[]), |plugin| {
        let on = Event::NoteOn { time: 0, channel: 0, key: 60, id: 1, velocity: 0.8 };
        assert!(near(last(plugin, &[on]), 0.06));
        plugin.on_audio(|audio| {
            audio.set_processing(false);
            audio.set_processing(true);
        });
        assert!(near(last(plugin, &[]), 0.0), "the note is forgotten");
    });
}

#[test]
fn a_release_says_what_it_is() {
    let slot = TestSlot::new();
    let module = Module::load(&gain().vst3_release(slot.room())).expect("loads");
    let classes = module.classes();
    let words = classes.iter().map(|c| (c.category.as_str(), c.name.as_str(), c.sub_categories.as_str()));
    assert_eq!(words.collect::<Vec<_>>(), [("Audio Module Class", "hotshell Gain", "Fx|Tools|Stereo")]);
    assert!(classes[0].sdk.starts_with("VST 3.8"), "{}", classes[0].sdk);
}
