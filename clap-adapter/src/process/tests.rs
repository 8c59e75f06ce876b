//! What a host may rely on in a block, and what the shell may rely on whatever the host does.

#![allow(unsafe_code, reason = "DESIGN 9.9: the host's side of C, for tests of the block")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::mpsc::channel;

use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::events::*;
use clap_sys::ext::audio_ports_activation::{
    CLAP_EXT_AUDIO_PORTS_ACTIVATION, clap_plugin_audio_ports_activation,
};
use clap_sys::ext::render::{CLAP_EXT_RENDER, CLAP_RENDER_OFFLINE, clap_plugin_render};
use clap_sys::process::{
    CLAP_PROCESS_CONTINUE, CLAP_PROCESS_ERROR, CLAP_PROCESS_SLEEP, CLAP_PROCESS_TAIL, clap_process,
};
use hotshell_abi::{RenderMode, Transport};
use hotshell_core::shell::{BlockStatus, HostChannel, Outcome};

use crate::entry::bench::{Bench, EventsIn, EventsOut, nothing};

/// Counts this thread's allocations and frees.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is passed to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: as we were called.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: as we were called.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Two inputs (stereo, stereo) and one stereo output of `frames`, pre-filled with a sentinel.
struct Audio {
    samples: Vec<Vec<f32>>,
    pointers: Vec<Vec<*mut f32>>,
    ports: Vec<clap_audio_buffer>,
}

const SENTINEL: f32 = 77.0;
pub(super) const FRAMES: u32 = 16;

impl Audio {
    /// `ports` of two channels each.
    fn new(ports: usize) -> Self {
        Self::wide(ports, 2)
    }

    fn wide(ports: usize, channels: usize) -> Self {
        let mut samples = vec![vec![SENTINEL; FRAMES as usize]; ports * channels];
        let all: Vec<*mut f32> = samples.iter_mut().map(Vec::as_mut_ptr).collect();
        let mut pointers: Vec<Vec<*mut f32>> = all.chunks(channels).map(<[_]>::to_vec).collect();
        let port = |pointers: &mut Vec<*mut f32>| clap_audio_buffer {
            data32: pointers.as_mut_ptr(),
            data64: std::ptr::null_mut(),
            channel_count: u32::try_from(channels).expect("few"),
            latency: 0,
            constant_mask: 0,
        };
        let ports = pointers.iter_mut().map(port).collect();
        Self { samples, pointers, ports }
    }

    fn is_untouched(&self) -> bool {
        self.samples.iter().flatten().all(|sample| *sample == SENTINEL)
    }
}

fn with_audio(input: &Audio, output: &mut Audio) -> clap_process {
    let count = |audio: &Audio| u32::try_from(audio.ports.len()).expect("few");
    clap_process {
        audio_inputs: input.ports.as_ptr(),
        audio_inputs_count: count(input),
        audio_outputs: output.ports.as_mut_ptr(),
        audio_outputs_count: count(output),
        ..nothing(FRAMES)
    }
}

pub(super) fn header<T>(kind: u16, time: u32) -> clap_event_header {
    let size = u32::try_from(size_of::<T>()).expect("small");
    clap_event_header { size, time, space_id: 0, type_: kind, flags: 0 }
}

pub(super) fn note(kind: u16, time: u32, at: [i16; 3], note_id: i32, velocity: f64) -> clap_event_note {
    let [port_index, channel, key] = at;
    clap_event_note {
        header: header::<clap_event_note>(kind, time),
        note_id,
        port_index,
        channel,
        key,
        velocity,
    }
}

pub(super) fn value(id: u32, cookie: usize, value: f64) -> clap_event_param_value {
    clap_event_param_value {
        header: header::<clap_event_param_value>(CLAP_EVENT_PARAM_VALUE, 4),
        param_id: id,
        cookie: std::ptr::without_provenance_mut(cookie),
        note_id: -1,
        port_index: -1,
        channel: -1,
        key: -1,
        value,
    }
}

#[test]
fn buffers_reach_the_shell_in_the_hosts_precision_port_by_port() {
    let bench = Bench::hot();
    let (send, seen) = channel();
    bench.script.on_block(move |block, _, _| {
        let kind = |channel: &HostChannel| match channel {
            HostChannel::Null => '-',
            HostChannel::F32(_) => 's',
            HostChannel::F64(_) => 'd',
        };
        let inputs: Vec<String> =
            block.inputs().iter().map(|bus| bus.channels.iter().map(kind).collect()).collect();
        for bus in block.outputs() {
            for channel in bus.channels {
                if let HostChannel::F64(samples) = channel {
                    // SAFETY: the test's own buffer of that many frames.
                    unsafe { std::slice::from_raw_parts_mut(*samples, FRAMES as usize) }.fill(0.25);
                }
            }
        }
        send.send(inputs).expect("the test listens");
        Outcome::default()
    });
    bench.activate();
    let mut single = Audio::new(2);
    single.pointers[1][0] = std::ptr::null_mut();
    let mut double = vec![vec![9.0_f64; FRAMES as usize]; 2];
    let mut pointers: Vec<*mut f64> = double.iter_mut().map(Vec::as_mut_ptr).collect();
    let mut out = clap_audio_buffer {
        data32: std::ptr::null_mut(),
        data64: pointers.as_mut_ptr(),
        channel_count: 2,
        latency: 0,
        constant_mask: 0,
    };
    let process = clap_process {
        audio_inputs: single.ports.as_ptr(),
        audio_inputs_count: 2,
        audio_outputs: &raw mut out,
        audio_outputs_count: 1,
        ..nothing(FRAMES)
    };
    assert_eq!(bench.process(&process), CLAP_PROCESS_CONTINUE);
    assert_eq!(seen.recv().expect("one block"), ["ss", "-s"]);
    assert!(double.iter().flatten().all(|sample| *sample == 0.25));
    assert!(single.is_untouched());
}

#[test]
fn null_channel_arrays_and_fewer_ports_than_announced_are_stood() {
    let bench = Bench::hot();
    let (send, seen) = channel();
    bench.script.on_block(move |block, _, _| {
        let null =
            |channels: &[HostChannel]| channels.iter().all(|channel| matches!(channel, HostChannel::Null));
        let all_null = block.inputs().iter().all(|bus| null(bus.channels));
        send.send((block.inputs().len(), block.outputs().len(), all_null)).expect("the test listens");
        Outcome::default()
    });
    bench.activate();
    assert_eq!(bench.process(&nothing(FRAMES)), CLAP_PROCESS_CONTINUE);
    assert_eq!(seen.recv().expect("a block"), (0, 0, true));
    let port = clap_audio_buffer {
        data32: std::ptr::null_mut(),
        data64: std::ptr::null_mut(),
        channel_count: 2,
        latency: 0,
        constant_mask: 0,
    };
    // A count without an array, and an array without channels.
    let process = clap_process {
        audio_outputs_count: 1,
        audio_inputs: &raw const port,
        audio_inputs_count: 1,
        ..nothing(8)
    };
    assert_eq!(bench.process(&process), CLAP_PROCESS_CONTINUE);
    assert_eq!(seen.recv().expect("a block"), (1, 0, true));
    // An array of ports, none in it.
    let process = clap_process { audio_inputs: &raw const port, ..nothing(8) };
    assert_eq!(bench.process(&process), CLAP_PROCESS_CONTINUE);
    assert_eq!(seen.recv().expect("a block"), (0, 0, true));
}

#[test]
fn outputs_that_the_shell_does_not_get_are_silence() {
    let bench = Bench::hot();
    bench.script.on_block(|block, _, _| {
        for channel in block.outputs()[0].channels {
            if let HostChannel::F32(samples) = channel {
                // SAFETY: the test's own buffer of that many frames.
                unsafe { std::slice::from_raw_parts_mut(*samples, FRAMES as usize) }.fill(0.5);
            }
        }
        Outcome::default()
    });
    bench.activate();
    let (input, mut output) = (Audio::new(2), Audio::new(3));
    bench.process(&with_audio(&input, &mut output));
    let firsts: Vec<f32> = output.samples.iter().map(|channel| channel[0]).collect();
    assert_eq!(firsts, [0.5, 0.5, 0.0, 0.0, 0.0, 0.0]);
    assert!(output.samples.iter().all(|channel| channel.iter().all(|sample| *sample == channel[0])));
    let mut wide = Audio::wide(1, 70);
    bench.process(&with_audio(&input, &mut wide));
    assert_eq!((wide.samples[63][0], wide.samples[64][0], wide.samples[69][15]), (0.5, 0.0, 0.0));
}

#[test]
fn constant_masks_go_in_and_only_the_shells_come_out() {
    let bench = Bench::hot();
    let (send, seen) = channel();
    bench.script.on_block(move |block, _, _| {
        let out = block.outputs()[0].constant_mask;
        send.send((block.inputs()[0].constant_mask, out)).expect("the test listens");
        block.set_constant_mask(0, 2);
        Outcome::default()
    });
    assert!(bench.activate_at(48_000.0, 16));
    let (mut input, mut output) = (Audio::new(2), Audio::new(1));
    input.ports[0].constant_mask = 3;
    output.ports[0].constant_mask = u64::MAX;
    bench.process(&with_audio(&input, &mut output));
    assert_eq!(
        seen.recv().expect("a block"),
        (3, 0),
        "what the host left in the output's mask promises nothing"
    );
    assert_eq!(output.ports[0].constant_mask, 2);
    bench.deactivate();
    assert!(bench.activate_at(48_000.0, 64));
    bench.process(&with_audio(&input, &mut output));
    assert_eq!(output.ports[0].constant_mask, 0, "of a part of the host's buffer nothing is said");
}

#[test]
fn ports_that_the_host_switched_off_are_marked_also_while_it_plays() {
    let bench = Bench::hot();
    let (send, seen) = channel();
    bench.script.on_block(move |block, _, _| {
        send.send(block.inputs().iter().map(|bus| bus.inactive).collect::<Vec<_>>())
            .expect("the test listens");
        Outcome::default()
    });
    let ports =
        bench.ext::<clap_plugin_audio_ports_activation>(CLAP_EXT_AUDIO_PORTS_ACTIVATION).expect("offered");
    let set = ports.set_active.expect("set");
    let (input, mut output) = (Audio::new(2), Audio::new(1));
    // SAFETY: the plug-in is alive.
    assert!(unsafe { set(bench.plugin, true, 1, false, 0) });
    bench.activate();
    bench.process(&with_audio(&input, &mut output));
    // SAFETY: as above.
    assert!(unsafe { set(bench.plugin, true, 0, false, 0) && set(bench.plugin, true, 1, true, 0) });
    bench.process(&with_audio(&input, &mut output));
    assert_eq!(seen.recv().expect("first"), [false, true]);
    assert_eq!(seen.recv().expect("second"), [true, false]);
}

#[test]
fn what_the_plugin_needs_next_is_told_as_it_is() {
    let bench = Bench::hot();
    let mut answers = [BlockStatus::Sleep, BlockStatus::Tail, BlockStatus::Continue].into_iter();
    bench.script.on_block(move |_, _, _| {
        let status = answers.next().expect("three blocks");
        Outcome { status, tail_changed: status == BlockStatus::Tail }
    });
    bench.activate();
    bench.host_calls();
    assert_eq!(bench.process(&nothing(FRAMES)), CLAP_PROCESS_SLEEP);
    assert!(bench.host_calls().is_empty());
    assert_eq!(bench.process(&nothing(FRAMES)), CLAP_PROCESS_TAIL);
    assert_eq!(bench.host_calls(), ["tail.changed"], "inside the block, once");
    assert_eq!(bench.process(&nothing(FRAMES)), CLAP_PROCESS_CONTINUE);
    assert!(bench.host_calls().is_empty());
}

#[test]
fn a_block_without_activation_or_without_a_block_is_an_error_and_nothing_else() {
    let bench = Bench::hot();
    bench.host_calls();
    let before = COUNT.get();
    assert_eq!(bench.process(&nothing(FRAMES)), CLAP_PROCESS_ERROR);
    assert_eq!(COUNT.get(), before, "an error that allocates would be one more error");
    bench.activate();
    assert_eq!(bench.process(std::ptr::null()), CLAP_PROCESS_ERROR);
    assert!(bench.host_calls().is_empty());
}

#[test]
fn a_block_in_which_the_shell_panics_is_silence_and_said_on_main() {
    let bench = Bench::hot();
    bench.script.on_block(|_, _, _| panic!("scripted"));
    bench.activate();
    bench.host_calls();
    let (input, mut output) = (Audio::new(2), Audio::new(1));
    assert_eq!(bench.process(&with_audio(&input, &mut output)), CLAP_PROCESS_ERROR);
    assert!(output.samples.iter().flatten().all(|sample| *sample == 0.0));
    assert_eq!(bench.host_calls(), ["request_callback"]);
    bench.on_main_thread();
    assert!(bench.host_calls()[0].contains("panicked"));
    bench.deactivate();
}

#[test]
#[cfg(debug_assertions)]
fn a_block_on_a_thread_that_is_no_audio_thread_is_blamed_on_main_once() {
    let bench = Bench::with(true, |host, _| *host.off_audio.lock() = true);
    bench.activate();
    bench.process(&nothing(FRAMES));
    bench.process(&nothing(FRAMES));
    assert_eq!(bench.host_calls(), ["request_callback"]);
    bench.on_main_thread();
    let calls = bench.host_calls();
    assert!(calls.len() == 1 && calls[0].starts_with("log 5 process was called"), "{calls:?}");
}

#[test]
fn steady_time_and_render_mode_pass_through() {
    let bench = Bench::hot();
    let (send, seen) = channel();
    bench.script.on_block(move |block, _, _| {
        send.send((block.steady_time, block.mode, block.frames(), block.transport))
            .expect("the test listens");
        Outcome::default()
    });
    bench.activate();
    bench.process(&nothing(FRAMES));
    assert_eq!(seen.recv().expect("a block"), (-1, RenderMode::REALTIME, FRAMES, None));
    let render = bench.ext::<clap_plugin_render>(CLAP_EXT_RENDER).expect("offered");
    // SAFETY: the plug-in is alive.
    assert!(unsafe { render.set.expect("set")(bench.plugin, CLAP_RENDER_OFFLINE) });
    bench.process(&clap_process { steady_time: 4_800, ..nothing(0) });
    assert_eq!(seen.recv().expect("a block"), (4_800, RenderMode::OFFLINE, 0, None));
    bench.process(&clap_process { steady_time: i64::MIN, ..nothing(1) });
    assert_eq!(seen.recv().expect("a block").0, -1);
}

pub(super) fn poisoned(flags: u32) -> clap_event_transport {
    clap_event_transport {
        header: header::<clap_event_transport>(CLAP_EVENT_TRANSPORT, 5),
        flags,
        song_pos_beats: i64::MIN,
        song_pos_seconds: i64::MIN,
        tempo: f64::NAN,
        tempo_inc: f64::NAN,
        loop_start_beats: i64::MAX,
        loop_end_beats: i64::MIN,
        loop_start_seconds: i64::MAX,
        loop_end_seconds: i64::MIN,
        bar_start: i64::MIN,
        bar_number: i32::MIN,
        tsig_num: 0,
        tsig_denom: 0,
    }
}

#[test]
fn transport_fields_count_only_when_flagged_and_finite() {
    let bench = Bench::hot();
    let (send, seen) = channel();
    bench.script.on_block(move |block, _, _| {
        send.send(block.transport).expect("the test listens");
        Outcome::default()
    });
    bench.activate();
    let told = |raw: clap_event_transport| {
        bench.process(&clap_process { transport: &raw const raw, ..nothing(FRAMES) });
        seen.recv().expect("a block").expect("a transport")
    };
    assert_eq!(told(poisoned(0)), Transport::UNKNOWN);
    let playing = told(poisoned(
        CLAP_TRANSPORT_IS_PLAYING | CLAP_TRANSPORT_HAS_TEMPO | CLAP_TRANSPORT_HAS_TIME_SIGNATURE,
    ));
    assert_eq!(
        playing,
        Transport { flags: Transport::PLAYING, ..Transport::UNKNOWN },
        "flagged, but no numbers"
    );
    let one = 1_i64 << 31;
    let good = clap_event_transport {
        song_pos_beats: one * 3 / 2,
        bar_start: one,
        bar_number: 2,
        tempo: 120.0,
        tsig_num: 3,
        tsig_denom: 4,
        ..poisoned(
            CLAP_TRANSPORT_HAS_TEMPO | CLAP_TRANSPORT_HAS_BEATS_TIMELINE | CLAP_TRANSPORT_HAS_TIME_SIGNATURE,
        )
    };
    let flags = Transport::HAS_TEMPO | Transport::HAS_BEATS | Transport::HAS_TIME_SIGNATURE;
    let expected = Transport {
        flags,
        tempo: 120.0,
        beats: 1.5,
        bar_start_beats: 1.0,
        bar_number: 2,
        time_signature_numerator: 3,
        time_signature_denominator: 4,
        ..Transport::UNKNOWN
    };
    assert_eq!(told(good), expected, "no loop, no seconds, no tempo change");
}

#[test]
fn a_block_neither_allocates_nor_frees() {
    let bench = Bench::hot();
    bench.script.on_block(|block, input, output| {
        for index in 0..input.len() {
            if let Some(event) = input.event(index) {
                output.send(&event, &[]);
            }
        }
        block.set_constant_mask(0, 0);
        Outcome { status: BlockStatus::Tail, tail_changed: false }
    });
    bench.activate();
    let (input, mut output) = (Audio::new(2), Audio::new(4));
    let (on, moved) = (note(CLAP_EVENT_NOTE_ON, 0, [0, 0, 60], 1, 1.0), value(10, 1, 0.5));
    let (list, out) = (EventsIn(vec![&raw const on.header, &raw const moved.header]), EventsOut::new(0));
    let (raw_in, raw_out, transport) = (list.raw(), out.raw(), poisoned(u32::MAX));
    let process = clap_process {
        in_events: &raw const raw_in,
        out_events: &raw const raw_out,
        transport: &raw const transport,
        ..with_audio(&input, &mut output)
    };
    let planted = COUNT.get();
    drop(Arc::new(1));
    assert_eq!(COUNT.get(), planted + 2, "the counter counts");
    // The first block of a debug build asks the host for its thread.
    bench.process(&process);
    let before = COUNT.get();
    for _ in 0..100 {
        assert_eq!(bench.process(&process), CLAP_PROCESS_TAIL);
    }
    assert_eq!(COUNT.get(), before);
}
