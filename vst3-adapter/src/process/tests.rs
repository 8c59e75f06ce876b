//! Blocks as hosts really send them, through the object's own functions.

#![allow(clippy::disallowed_types, reason = "the tests' own notes of what a block saw")]

use std::sync::Arc;

use hotshell_abi::{Event, EventKind, Transport};
use hotshell_core::shell::{BlockStatus, Outcome};
use parking_lot::Mutex;
use vst3::ComWrapper;
use vst3::Steinberg::Vst::ProcessContext_::StatesAndFlags_ as states;
use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, Event as RawEvent, Event__type0, IComponentTrait, NoteOffEvent,
    NoteOnEvent, ProcessContext,
};

use super::*;
use crate::entry::bench::{Bench, Changes, Events, empty_block, raw};

pub(super) fn bus(channels: &mut [*mut f32]) -> AudioBusBuffers {
    AudioBusBuffers {
        numChannels: i32::try_from(channels.len()).expect("small"),
        silenceFlags: 0,
        __field0: AudioBusBuffers__type0 { channelBuffers32: channels.as_mut_ptr() },
    }
}

/// An active instance whose logic doubles the main input, and tells what it saw.
fn doubling() -> (Bench, Arc<Mutex<Vec<Event>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let events = Arc::clone(&seen);
    let bench = Bench::active_with(|script| {
        script.on_block(move |block, input, _| {
            events.lock().extend((0..input.len()).filter_map(|index| input.event(index)));
            for index in 0..block.outputs().len().min(block.inputs().len()) {
                let (from, to) = (block.inputs()[index].channels, block.outputs()[index].channels);
                for (from, to) in from.iter().zip(to) {
                    double(*from, *to, block.frames() as usize);
                }
            }
            block.set_constant_mask(0, 0b11);
            Outcome { status: BlockStatus::Continue, tail_changed: false }
        });
    });
    bench.script.take_calls();
    (bench, seen)
}

fn double(from: HostChannel, to: HostChannel, frames: usize) {
    for frame in 0..frames {
        // SAFETY: the tests' buffers hold the block's frames.
        unsafe {
            match (from, to) {
                (HostChannel::F32(from), HostChannel::F32(to)) => *to.add(frame) = *from.add(frame) * 2.0,
                (HostChannel::F64(from), HostChannel::F64(to)) => *to.add(frame) = *from.add(frame) * 2.0,
                _ => {}
            }
        }
    }
}

#[test]
fn a_block_reaches_the_shell_in_either_precision_and_in_place() {
    let (bench, _) = doubling();
    let mut left = [1.0_f32; 8];
    let mut pointers = [left.as_mut_ptr(), std::ptr::null_mut()];
    let (mut input, mut output) = (bus(&mut pointers), bus(&mut pointers));
    let mut block = ProcessData {
        numInputs: 1,
        numOutputs: 1,
        inputs: &raw mut input,
        outputs: &raw mut output,
        ..empty_block(8)
    };
    assert_eq!(bench.process(&mut block), kResultOk);
    assert_eq!(left, [2.0; 8]);
    let mut left = [1.0_f64; 8];
    let mut pointers = [left.as_mut_ptr().cast::<f32>(), std::ptr::null_mut()];
    let (mut input, mut output) = (bus(&mut pointers), bus(&mut pointers));
    let mut block = ProcessData {
        symbolicSampleSize: 1,
        numInputs: 1,
        numOutputs: 1,
        inputs: &raw mut input,
        outputs: &raw mut output,
        ..empty_block(8)
    };
    assert_eq!(bench.process(&mut block), kResultOk);
    assert_eq!(left, [2.0; 8]);
    block.symbolicSampleSize = 2;
    assert_eq!(bench.process(&mut block), kInvalidArgument);
    block.numSamples = -1;
    assert_eq!(bench.process(&mut block), kInvalidArgument);
}

#[test]
fn silence_flags_are_set_only_for_what_is_silent() {
    let (bench, _) = doubling();
    let (mut left, mut right) = ([0.0_f32; 8], [1.0_f32; 8]);
    let mut pointers = [left.as_mut_ptr(), right.as_mut_ptr()];
    let (mut input, mut output) = (bus(&mut pointers), bus(&mut pointers));
    output.silenceFlags = u64::MAX;
    let mut block = ProcessData {
        numInputs: 1,
        numOutputs: 1,
        inputs: &raw mut input,
        outputs: &raw mut output,
        ..empty_block(8)
    };
    assert_eq!(bench.process(&mut block), kResultOk);
    assert_eq!(output.silenceFlags, 0b01, "both are constant, one is silent");
}

#[test]
fn more_buses_and_channels_than_announced_are_silenced() {
    let (bench, _) = doubling();
    let mut samples = vec![[1.0_f32; 8]; 70];
    let mut pointers: Vec<*mut f32> = samples.iter_mut().map(|channel| channel.as_mut_ptr()).collect();
    let mut extra = [1.0_f32; 8];
    let mut extra_pointers = [extra.as_mut_ptr()];
    let mut outputs = [bus(&mut pointers), bus(&mut extra_pointers)];
    let mut block = ProcessData { numOutputs: 2, outputs: outputs.as_mut_ptr(), ..empty_block(8) };
    assert_eq!(bench.process(&mut block), kResultOk);
    assert_eq!((samples[64], samples[69], extra), ([0.0; 8], [0.0; 8], [0.0; 8]));
    assert_eq!(outputs[1].silenceFlags, u64::MAX);
}

#[test]
fn audacity_flushes_with_null_buffers_and_no_frames() {
    let (bench, _) = doubling();
    let changes = Changes::of(&[(10, &[(0, 0.25)])]);
    for (ins, outs) in [(0, 0), (1, 1)] {
        let mut block = ProcessData {
            numInputs: ins,
            numOutputs: outs,
            inputParameterChanges: raw(&changes),
            ..empty_block(0)
        };
        assert_eq!(bench.process(&mut block), kResultOk);
        assert_eq!(bench.script.take_calls(), ["flush on audio", "EventKind(6) 10 0.25"]);
    }
}

#[test]
fn live_flushes_without_buses() {
    let (bench, _) = doubling();
    let pedal = crate::params::Controller { bus: 0, channel: 3, number: 64 }.id();
    let changes = Changes::of(&[(10, &[(63, 0.75)]), (pedal, &[(63, 0.0)])]);
    let mut block = ProcessData { inputParameterChanges: raw(&changes), ..empty_block(64) };
    assert_eq!(bench.process(&mut block), kResultOk);
    let calls = bench.script.take_calls();
    assert_eq!(calls[..2], ["flush on audio", "EventKind(6) 10 0.75"]);
    assert!(calls[2].starts_with("EventKind(10)"), "the pedal reaches the shell: {calls:?}");
    assert_eq!(calls.len(), 3);
}

fn note(offset: i32, pitch: i16, on: bool) -> RawEvent {
    let field = if on {
        Event__type0 {
            noteOn: NoteOnEvent { channel: 1, pitch, tuning: 0.0, velocity: 0.5, length: 0, noteId: 7 },
        }
    } else {
        Event__type0 { noteOff: NoteOffEvent { channel: 1, pitch, velocity: 0.0, noteId: 7, tuning: 0.0 } }
    };
    RawEvent {
        busIndex: 0,
        sampleOffset: offset,
        ppqPosition: 0.0,
        flags: 0,
        r#type: if on { 0 } else { 1 },
        __field0: field,
    }
}

/// Runs one stereo block of 64 frames.
fn run(bench: &Bench, fill: impl FnOnce(&mut ProcessData)) -> [f32; 64] {
    let mut left = [1.0_f32; 64];
    let mut pointers = [left.as_mut_ptr()];
    let mut output = bus(&mut pointers);
    let mut block = ProcessData { numOutputs: 1, outputs: &raw mut output, ..empty_block(64) };
    fill(&mut block);
    assert_eq!(bench.process(&mut block), kResultOk);
    left
}

#[test]
fn notes_points_and_controllers_come_in_order_of_time() {
    let (bench, seen) = doubling();
    let modulation = crate::params::Controller { bus: 0, channel: 3, number: 1 }.id();
    let changes = Changes::of(&[
        (11, &[(40, 1.0)]),
        (10, &[(0, 0.0), (32, 0.5), (1000, 1.0)]),
        (modulation, &[(20, 1.0)]),
        (10, &[]),
        (99, &[(1, 1.0)]),
        (vst3::Steinberg::Vst::kNoParamId, &[(1, 1.0)]),
    ]);
    let events = ComWrapper::new(Events::default());
    events.0.lock().extend([note(32, 60, true), note(-5, 61, true), note(50, 60, false), note(1, 200, true)]);
    run(&bench, |block| {
        block.inputParameterChanges = raw(&changes);
        block.inputEvents = raw(&events);
    });
    let seen = seen.lock();
    let order: Vec<(u32, EventKind)> = seen.iter().map(|event| (event.time, event.kind)).collect();
    assert_eq!(
        order,
        [
            (0, EventKind::PARAM_VALUE),
            (0, EventKind::NOTE_ON),
            (20, EventKind::MIDI),
            (32, EventKind::PARAM_VALUE),
            (32, EventKind::NOTE_ON),
            (40, EventKind::PARAM_VALUE),
            (50, EventKind::NOTE_OFF),
            (63, EventKind::PARAM_VALUE),
        ]
    );
    assert_eq!(seen[2].midi_bytes(), [0xb3, 1, 127]);
    assert_eq!((seen[4].key, seen[4].channel, seen[4].note_id), (60, 1, 7));
    assert_eq!(seen[5].value, 2.0, "plain");
    assert_eq!(seen[5].data[1], 2, "the cookie is the place in the list");
}

#[test]
fn a_ramp_too_dense_for_the_list_keeps_its_last_points_and_every_note() {
    let (bench, seen) = doubling();
    let ramp: Vec<(i32, f64)> = (0..20_000).map(|point| (point / 400, f64::from(point) / 20_000.0)).collect();
    let changes = Changes::of(&[(10, &ramp), (11, &[(3, 1.0)])]);
    let events = ComWrapper::new(Events::default());
    events.0.lock().extend((0..100).map(|key| note(0, key, true)));
    run(&bench, |block| {
        block.inputParameterChanges = raw(&changes);
        block.inputEvents = raw(&events);
    });
    let seen = seen.lock();
    assert_eq!(seen.iter().filter(|event| event.kind == EventKind::NOTE_ON).count(), 100);
    let last = |id| seen.iter().rev().find(|event| event.id == id && event.kind == EventKind::PARAM_VALUE);
    assert!(last(10).is_some_and(|event| event.value > 0.9999));
    assert!(last(11).is_some_and(|event| event.value == 2.0));
}

#[test]
fn thousands_of_notes_do_not_cost_a_value() {
    let (bench, seen) = doubling();
    let changes = Changes::of(&[(10, &[(0, 0.25)])]);
    let events = ComWrapper::new(Events::default());
    events.0.lock().extend((0..5000).map(|_| note(0, 60, true)));
    run(&bench, |block| {
        block.inputParameterChanges = raw(&changes);
        block.inputEvents = raw(&events);
    });
    let seen = seen.lock();
    assert_eq!((seen[0].kind, seen[0].value), (EventKind::PARAM_VALUE, 0.25));
    assert_eq!(seen.len(), 5001);
}

#[test]
fn the_host_s_timeline_is_believed_where_its_flags_vouch_for_it() {
    let seen: Arc<Mutex<Vec<Option<Transport>>>> = Arc::default();
    let times = Arc::clone(&seen);
    let bench = Bench::active_with(|script| {
        script.on_block(move |block, _, _| {
            times.lock().push(block.transport);
            Outcome::default()
        });
    });
    // SAFETY: a plain structure.
    let mut context: ProcessContext = unsafe { std::mem::zeroed() };
    context.sampleRate = 48_000.0;
    context.projectTimeSamples = 96_000;
    context.tempo = 120.0;
    context.projectTimeMusic = 4.5;
    context.state = states::kTempoValid | states::kPlaying;
    run(&bench, |block| block.processContext = &raw mut context);
    run(&bench, |_| {});
    let seen = seen.lock();
    let first = seen[0].expect("given");
    assert_eq!(first.flags, Transport::HAS_TEMPO | Transport::HAS_SECONDS | Transport::PLAYING);
    assert_eq!((first.tempo, first.seconds, first.beats), (120.0, 2.0, 0.0));
    assert!(seen[1].is_none(), "validator: the context is null");
}

#[test]
fn output_goes_to_the_host_s_lists_and_a_host_without_them_does_no_harm() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let answers = Arc::clone(&sent);
    let bench = Bench::active_with(|script| {
        script.on_block(move |_, _, output| {
            let address = hotshell_abi::event::NoteAddress { port: 0, channel: 2, key: 64, note_id: 5 };
            let mut said = answers.lock();
            said.push(output.send(&Event::param_value(9, 11, 1.0), &[]));
            said.push(output.send(&Event::note(EventKind::NOTE_ON, 3, address, 1.0), &[]));
            said.push(output.send(&Event::midi(70, 0, [0xb2, 7, 100]), &[]));
            said.push(output.send(&Event::sysex(70, 0, &[]), &[0xf0, 0xf7]));
            Outcome::default()
        });
    });
    let (changes, events) = (ComWrapper::new(Changes::default()), ComWrapper::new(Events::default()));
    run(&bench, |block| {
        block.outputParameterChanges = raw(&changes);
        block.outputEvents = raw(&events);
    });
    assert_eq!(*sent.lock(), [true; 4]);
    assert_eq!(*changes.queues.lock()[0].points.lock(), [(9, 0.5)]);
    let got: Vec<(i32, u16)> =
        events.0.lock().iter().map(|event| (event.sampleOffset, event.r#type)).collect();
    assert_eq!(got, [(9, 0), (63, 65_535), (63, 2)], "times never go back and stay inside the block");
    sent.lock().clear();
    run(&bench, |_| {});
    let cubase_12 = ComWrapper::new(Changes { refuses: true, ..Changes::default() });
    run(&bench, |block| block.outputParameterChanges = raw(&cubase_12));
    assert_eq!(*sent.lock(), [false; 8]);
}

#[test]
fn a_block_in_which_the_shell_panics_is_silence_and_an_error() {
    let bench = Bench::active_with(|script| {
        script.on_block(|_, _, _| panic!("on purpose"));
    });
    let mut left = [1.0_f32; 8];
    let mut pointers = [left.as_mut_ptr()];
    let mut output = bus(&mut pointers);
    let mut block = ProcessData { numOutputs: 1, outputs: &raw mut output, ..empty_block(8) };
    assert_eq!(bench.process(&mut block), kInternalError);
    assert_eq!((left, output.silenceFlags), ([0.0; 8], u64::MAX));
}

#[test]
fn fl_studio_processes_before_activation_and_edits_are_not_lost() {
    let bench = Bench::ready();
    let changes = Changes::of(&[(10, &[(0, 0.25)])]);
    let left = run(&bench, |block| block.inputParameterChanges = raw(&changes));
    assert_eq!(left, [0.0; 64], "silence");
    assert_eq!(bench.script.take_calls(), ["flush on main", "EventKind(6) 10 0.25"]);
}

#[test]
fn fl_studio_s_block_beside_set_active_counts_and_neither_allocates_nor_waits() {
    let bench = Bench::ready();
    bench.set_up(48_000.0, 64);
    bench.script.waiting.store(true, std::sync::atomic::Ordering::Relaxed);
    let pedal = crate::params::Controller { bus: 0, channel: 0, number: 1 };
    let (seen, heard) = std::sync::mpsc::channel();
    bench.script.on_block(move |_, _, _| Outcome::default());
    let (script, processor) = (Arc::clone(&bench.script), bench.processor.as_ptr() as usize);
    *bench.script.while_activating.lock() = Some(Box::new(move || {
        script.take_calls();
        let changes = Changes::of(&[(10, &[(0, 0.25)]), (pedal.id(), &[(0, 1.0)])]);
        let (mut left, mut right) = ([1.0_f32; 64], [1.0_f32; 64]);
        let mut pointers = [left.as_mut_ptr(), right.as_mut_ptr()];
        let mut output = bus(&mut pointers);
        let list = raw(&changes);
        let mut block = ProcessData {
            numOutputs: 1,
            outputs: &raw mut output,
            inputParameterChanges: list,
            ..empty_block(64)
        };
        // SAFETY: the bench holds the object while it runs.
        let processor =
            unsafe { vst3::ComRef::from_raw(processor as *mut vst3::Steinberg::Vst::IAudioProcessor) };
        let processor = processor.expect("not null");
        let mut play = || {
            // SAFETY: the block tells the truth.
            assert_eq!(unsafe { processor.process(&raw mut block) }, kResultOk);
        };
        play();
        let calls = script.take_calls();
        script.quiet.store(true, std::sync::atomic::Ordering::Relaxed);
        let counted = allocation_counter::measure(play);
        seen.send((calls, counted.count_total, left, right)).ok();
    }));
    assert_eq!(bench.set_active(true), kResultOk);
    let (calls, allocations, left, right) = heard.try_recv().expect("a block ran beside it");
    assert_eq!(calls, ["flush on main", "EventKind(6) 10 0.25", "EventKind(10) 0 0"]);
    assert_eq!((allocations, left, right), (0, [0.0; 64], [0.0; 64]));
    bench.script.take_calls();
    run(&bench, |_| {});
    assert_eq!(
        bench.script.take_calls().first().map(String::as_str),
        Some("flush on audio"),
        "the controller"
    );
}

#[test]
fn reaper_bypass_toggles_processing_and_the_next_block_starts_clear() {
    let (bench, _) = doubling();
    // SAFETY: ours.
    unsafe {
        bench.processor.setProcessing(1);
        run(&bench, |_| {});
        assert!(bench.script.take_calls().is_empty(), "the first start clears nothing");
        bench.processor.setProcessing(0);
        bench.processor.setProcessing(1);
    }
    run(&bench, |_| {});
    run(&bench, |_| {});
    assert_eq!(bench.script.take_calls(), ["clear"]);
}

#[test]
fn ardour_7_cycles_set_active_and_what_rings_is_not_cleared() {
    let (bench, _) = doubling();
    // SAFETY: ours.
    unsafe {
        bench.processor.setProcessing(1);
        bench.processor.setProcessing(0);
        assert_eq!(bench.component.setActive(0), kResultOk);
        assert_eq!(bench.component.setActive(1), kResultOk);
        bench.processor.setProcessing(1);
    }
    run(&bench, |_| {});
    assert!(!bench.script.take_calls().contains(&"clear".to_owned()), "the shell decides");
}

#[test]
fn a_bus_that_the_host_switched_off_is_told_to_the_shell() {
    let seen: Arc<Mutex<Vec<bool>>> = Arc::default();
    let off = Arc::clone(&seen);
    let bench = Bench::active_with(|script| {
        script.on_block(move |block, _, _| {
            off.lock().extend(block.outputs().iter().map(|bus| bus.inactive));
            Outcome::default()
        });
    });
    for on in [1, 0, 1] {
        // SAFETY: ours.
        unsafe { bench.component.activateBus(0, 1, 0, on) };
        run(&bench, |_| {});
    }
    assert_eq!(*seen.lock(), [false, true, false]);
}

#[test]
fn a_block_allocates_nothing() {
    let bench = Bench::active_with(|script| {
        script.on_block(|_, input, _| {
            let notes = (0..input.len()).filter_map(|index| input.event(index)).count();
            assert_eq!(notes, 4);
            Outcome::default()
        });
    });
    let changes = Changes::of(&[
        (10, &[(0, 0.0), (32, 0.5)]),
        (crate::params::Controller { bus: 0, channel: 0, number: 1 }.id(), &[(1, 1.0)]),
    ]);
    let events = ComWrapper::new(Events::default());
    events.0.lock().push(note(5, 60, true));
    let mut left = [1.0_f32; 64];
    let mut pointers = [left.as_mut_ptr()];
    let mut output = bus(&mut pointers);
    let mut block = ProcessData {
        numOutputs: 1,
        outputs: &raw mut output,
        inputParameterChanges: raw(&changes),
        inputEvents: raw(&events),
        ..empty_block(64)
    };
    let counted = allocation_counter::measure(|| {
        for _ in 0..3 {
            assert_eq!(bench.process(&mut block), kResultOk);
        }
    });
    assert_eq!((counted.count_total, counted.bytes_total), (0, 0));
}

#[test]
fn a_range_that_changed_while_active_counts_from_the_next_block() {
    let (bench, seen) = doubling();
    bench.script.params.lock()[0].max = 3.0;
    bench.script.change(hotshell_core::shell::Phase::AtOnce, hotshell_core::shell::Changes::PARAMS);
    assert_eq!(bench.set_state(crate::entry::bench::Stream::over(b"state")), kResultOk);
    let changes = Changes::of(&[(10, &[(0, 1.0)])]);
    run(&bench, |block| block.inputParameterChanges = raw(&changes));
    assert_eq!(seen.lock()[0].value, 3.0);
}

#[test]
fn fl_studio_processes_during_set_active_and_other_threads_edit() {
    let bench = Bench::ready();
    bench.set_up(48_000.0, 64);
    let (processor, controller) = (&bench.processor, &bench.controller);
    std::thread::scope(|threads| {
        threads.spawn(move || {
            for _ in 0..2000 {
                let mut left = [1.0_f32; 64];
                let mut pointers = [left.as_mut_ptr()];
                let mut output = bus(&mut pointers);
                let mut block = ProcessData { numOutputs: 1, outputs: &raw mut output, ..empty_block(64) };
                // SAFETY: the block tells the truth.
                assert_eq!(unsafe { processor.process(&raw mut block) }, kResultOk);
            }
        });
        threads.spawn(move || {
            use vst3::Steinberg::Vst::IEditControllerTrait;
            for step in 0..2000 {
                // SAFETY: numbers.
                unsafe {
                    controller.setParamNormalized(10, f64::from(step) / 2000.0);
                    processor.setProcessing(u8::from(step % 2 == 0));
                }
            }
        });
        for step in 0..500 {
            assert_eq!(bench.set_active(step % 2 == 0), kResultOk);
        }
    });
}
