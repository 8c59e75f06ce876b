//! The audio half of the CLAP host: one block at a time through the plug-in's raw `process`. Raw, because clack-host
//! neither shares a buffer between input and output nor sets constant masks as CLAP means them.
//!
//! Called by: `plugin`, `play`. Calls: the plug-in, `buffers`, `guard`. Threads: one audio thread at a time.
#![allow(unsafe_code, reason = "calls a C function table over raw buffers; harness, DESIGN 9.9")]

use std::ptr;
use std::sync::Arc;
use std::time::Instant;

use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::events::*;
use clap_sys::fixedpoint::{CLAP_BEATTIME_FACTOR, CLAP_SECTIME_FACTOR};
use clap_sys::plugin::clap_plugin;
use clap_sys::process::{CLAP_PROCESS_ERROR, clap_process};

use crate::buffers::{Buffers, Port};
use crate::calls::{Calls, Phase, Role, set_role};
use crate::event::{Event, Input, Output, Sent};
use crate::guard::{self, Offences};

/// What goes into the inputs: sample of a channel at a frame counted from activation.
pub type Signal = Arc<dyn Fn(u64, usize) -> f32 + Send + Sync>;

/// How a plug-in is activated and fed.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Hz.
    pub rate: f64,
    /// Most frames of a block.
    pub max_frames: u32,
    /// The first output port shares its memory with the first input port.
    pub in_place: bool,
    /// 64-bit buffers.
    pub wide: bool,
    /// A rolling transport at 120 beats per minute, or none.
    pub transport: bool,
    /// VST3: offline rendering. CLAP hosts say so by `Plugin::set_offline`.
    pub offline: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            rate: 48_000.0,
            max_frames: 128,
            in_place: false,
            wide: false,
            transport: false,
            offline: false,
        }
    }
}

/// What became of one block.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// CLAP's status.
    pub status: i32,
    /// Output samples that still held the sentinel.
    pub unwritten: u64,
    /// Samples written behind the block's end.
    pub overrun: u64,
    /// Output samples that are not finite.
    pub not_finite: u64,
    /// Allocations, and whether the kernel was entered, inside `process`.
    pub offences: Offences,
    /// Time inside `process`, nanoseconds.
    pub nanoseconds: u64,
}

struct RawPlugin(*const clap_plugin);

// SAFETY: CLAP allows the audio functions on any one thread at a time; `Audio` is owned by one.
unsafe impl Send for RawPlugin {}

fn raw(port: &mut Port, wide: bool) -> clap_audio_buffer {
    let channel_count = u32::try_from(port.channels()).expect("few channels");
    let (data32, data64) = if wide {
        (ptr::null_mut(), port.wide_pointers())
    } else {
        (port.narrow_pointers(), ptr::null_mut())
    };
    clap_audio_buffer { data32, data64, channel_count, latency: 0, constant_mask: 0 }
}

/// Everything that an audio thread needs. Owned by one thread at a time.
pub struct Audio {
    plugin: RawPlugin,
    pub(crate) calls: Arc<Calls>,
    pub(crate) setup: Setup,
    buffers: Buffers,
    raw_inputs: Vec<clap_audio_buffer>,
    raw_outputs: Vec<clap_audio_buffer>,
    input_events: Input,
    output_events: Output,
    /// Frames since activation.
    pub frame: u64,
    started: bool,
}

impl Audio {
    /// # Safety
    /// `plugin` stays valid and active as long as the result lives.
    pub(crate) unsafe fn new(
        plugin: *const clap_plugin,
        calls: Arc<Calls>,
        setup: Setup,
        inputs: &[u32],
        outputs: &[u32],
    ) -> Self {
        let mut audio = Self {
            plugin: RawPlugin(plugin),
            calls,
            setup,
            buffers: Buffers::new(&setup, inputs, outputs),
            raw_inputs: Vec::new(),
            raw_outputs: Vec::new(),
            input_events: Input::with_capacity(4096),
            output_events: Output::with_capacity(4096),
            frame: 0,
            started: false,
        };
        audio.raw_inputs = audio.buffers.inputs.iter_mut().map(|port| raw(port, setup.wide)).collect();
        audio.raw_outputs = audio.buffers.outputs.iter_mut().map(|port| raw(port, setup.wide)).collect();
        audio
    }

    fn plugin(&self) -> &clap_plugin {
        // SAFETY: valid as long as `self` lives (`new`).
        unsafe { &*self.plugin.0 }
    }

    /// Makes the calling thread this plug-in's audio thread and starts processing if it has not been.
    pub(crate) fn enter(&mut self) {
        set_role(Role::Audio);
        guard::warm();
        if !self.started {
            let start = self.plugin().start_processing.expect("start_processing");
            // SAFETY: active, on the audio thread.
            let ok = self.calls.clone().during(Phase::AudioOther, || unsafe { start(self.plugin.0) });
            assert!(ok, "start_processing");
            self.started = true;
        }
    }

    /// Ends processing; on the audio thread.
    pub(crate) fn leave(&mut self) {
        if self.started {
            let stop = self.plugin().stop_processing.expect("stop_processing");
            // SAFETY: processing, on the audio thread.
            self.calls.during(Phase::AudioOther, || unsafe { stop(self.plugin.0) });
            self.started = false;
        }
    }

    /// `reset`: the plug-in forgets its sound.
    pub fn reset(&mut self) {
        let reset = self.plugin().reset.expect("reset");
        // SAFETY: active, on the audio thread.
        self.calls.during(Phase::AudioOther, || unsafe { reset(self.plugin.0) });
    }

    fn transport(&self) -> clap_event_transport {
        #[expect(clippy::cast_precision_loss, reason = "a test runs for minutes")]
        let seconds = self.frame as f64 / self.setup.rate;
        #[expect(clippy::cast_possible_truncation, reason = "fixed point")]
        let fixed = |value: f64, factor: i64| (value * factor as f64) as i64;
        clap_event_transport {
            header: clap_event_header {
                size: u32::try_from(size_of::<clap_event_transport>()).expect("small"),
                time: 0,
                space_id: CLAP_CORE_EVENT_SPACE_ID,
                type_: CLAP_EVENT_TRANSPORT,
                flags: 0,
            },
            flags: CLAP_TRANSPORT_HAS_TEMPO
                | CLAP_TRANSPORT_HAS_BEATS_TIMELINE
                | CLAP_TRANSPORT_HAS_SECONDS_TIMELINE
                | CLAP_TRANSPORT_IS_PLAYING,
            song_pos_beats: fixed(seconds * 2.0, CLAP_BEATTIME_FACTOR),
            song_pos_seconds: fixed(seconds, CLAP_SECTIME_FACTOR),
            tempo: 120.0,
            tempo_inc: 0.0,
            loop_start_beats: 0,
            loop_end_beats: 0,
            loop_start_seconds: 0,
            loop_end_seconds: 0,
            bar_start: 0,
            bar_number: 0,
            tsig_num: 4,
            tsig_denom: 4,
        }
    }

    fn fill(&mut self, frames: usize, signal: &Signal) {
        self.buffers.fill(frames, self.frame, signal);
        for raw in self.raw_inputs.iter_mut().chain(&mut self.raw_outputs) {
            raw.constant_mask = 0;
        }
    }

    /// Runs one block of at most the set-up's frames.
    ///
    /// # Panics
    /// If `frames` is more than that.
    pub fn block(&mut self, frames: u32, signal: &Signal, events: &[Event]) -> Outcome {
        assert!(frames <= self.setup.max_frames, "a block of {frames} frames was not announced");
        self.fill(frames as usize, signal);
        self.input_events.fill(events);
        let transport = self.transport();
        let in_events = self.input_events.as_raw();
        let out_events = self.output_events.as_raw();
        let process = clap_process {
            steady_time: i64::try_from(self.frame).expect("a test runs for minutes"),
            frames_count: frames,
            transport: if self.setup.transport { &raw const transport } else { ptr::null() },
            audio_inputs: self.raw_inputs.as_ptr(),
            audio_outputs: self.raw_outputs.as_mut_ptr(),
            audio_inputs_count: u32::try_from(self.raw_inputs.len()).expect("few ports"),
            audio_outputs_count: u32::try_from(self.raw_outputs.len()).expect("few ports"),
            in_events: &raw const in_events,
            out_events: &raw const out_events,
        };
        let mut outcome = call(&self.plugin, &self.calls, &process);
        self.buffers.check(frames as usize, &mut outcome);
        self.frame += u64::from(frames);
        self.output_events.block += 1;
        outcome
    }

    /// Runs `count` equal blocks back to back and answers the nanoseconds of one, on average. Nothing is filled or
    /// checked in between.
    ///
    /// # Panics
    /// If `frames` is more than was announced.
    pub fn time(&mut self, frames: u32, signal: &Signal, events: &[Event], count: u32) -> f64 {
        assert!(frames <= self.setup.max_frames, "a block of {frames} frames was not announced");
        self.fill(frames as usize, signal);
        self.input_events.fill(events);
        let in_events = self.input_events.as_raw();
        let out_events = self.output_events.as_raw();
        let run = self.plugin().process.expect("process");
        let plugin = self.plugin.0;
        let mut process = clap_process {
            steady_time: i64::try_from(self.frame).expect("a test runs for minutes"),
            frames_count: frames,
            transport: ptr::null(),
            audio_inputs: self.raw_inputs.as_ptr(),
            audio_outputs: self.raw_outputs.as_mut_ptr(),
            audio_inputs_count: u32::try_from(self.raw_inputs.len()).expect("few ports"),
            audio_outputs_count: u32::try_from(self.raw_outputs.len()).expect("few ports"),
            in_events: &raw const in_events,
            out_events: &raw const out_events,
        };
        let started = Instant::now();
        for _ in 0..count {
            // SAFETY: active and processing, on the audio thread; every pointer of `process` is valid for the call.
            unsafe { run(plugin, &raw const process) };
            process.steady_time += i64::from(frames);
        }
        let elapsed = started.elapsed();
        self.frame += u64::from(frames) * u64::from(count);
        elapsed.as_secs_f64() * 1e9 / f64::from(count)
    }

    /// Sample of the first output port after a block; 0 where there is none.
    #[must_use]
    pub fn sample(&self, channel: usize, frame: usize) -> f32 {
        self.buffers.sample(channel, frame)
    }

    /// The same in double precision.
    #[must_use]
    pub fn sample_wide(&self, channel: usize, frame: usize) -> f64 {
        self.buffers.sample_wide(channel, frame)
    }

    /// Channels of the first output port.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.buffers.channels()
    }

    /// Bits of the first output port's constant mask after a block.
    #[must_use]
    pub fn constant_mask(&self) -> u64 {
        self.raw_outputs.first().map_or(0, |raw| raw.constant_mask)
    }

    /// What the plug-in has sent since the last call.
    pub fn take_sent(&mut self) -> Vec<Sent> {
        let sent = std::mem::replace(&mut self.output_events.sent, Vec::with_capacity(4096));
        assert_eq!(self.output_events.lost, 0, "the plug-in sent more events than the host keeps");
        sent
    }
}

// SAFETY: the raw buffers point into `buffers`, which travel along; nobody else has them.
unsafe impl Send for Audio {}

fn call(plugin: &RawPlugin, calls: &Calls, process: &clap_process) -> Outcome {
    // SAFETY: valid as long as the `Audio` that owns it (`Audio::new`).
    let run = unsafe { (*plugin.0).process }.expect("process");
    // SAFETY: active and processing, on the audio thread; every pointer of `process` is valid for the call.
    let run = timed(|| unsafe { run(plugin.0, process) });
    let ((status, nanoseconds), offences) = calls.during(Phase::Processing, || guard::count(run));
    Outcome { status, offences, nanoseconds, ..Outcome::default() }
}

/// With the time that it takes, in nanoseconds.
pub(crate) fn timed<R>(call: impl FnOnce() -> R) -> impl FnOnce() -> (R, u64) {
    || {
        let started = Instant::now();
        let result = call();
        (result, u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// True for a status that CLAP knows and that is not an error.
#[must_use]
pub const fn is_good(status: i32) -> bool {
    status != CLAP_PROCESS_ERROR && status >= 0 && status <= 4
}
