//! The audio half of the VST3 host: buffers with a sentinel in every output sample, and one block at a time through
//! `IAudioProcessor::process`, in the shapes that hosts give it.
//!
//! Called by: `plugin`, `play`. Calls: the plug-in, `buffers`, `objects`, `guard`. Threads: one audio thread at a time.
#![allow(unsafe_code, reason = "calls a COM interface over raw buffers; harness, DESIGN 9.9")]

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use clap_sys::events::{
    CLAP_EVENT_MIDI, CLAP_EVENT_NOTE_EXPRESSION, CLAP_EVENT_NOTE_OFF, CLAP_EVENT_NOTE_ON,
    CLAP_EVENT_PARAM_VALUE,
};
use vst3::Steinberg::Vst::Event_::EventTypes_ as types;
use vst3::Steinberg::Vst::ProcessContext_::StatesAndFlags_ as has;
use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, Event as RawEvent, Event__type0, IAudioProcessor,
    IAudioProcessorTrait, NoteExpressionValueEvent, NoteOffEvent, NoteOnEvent, PolyPressureEvent,
    ProcessContext, ProcessData,
};
use vst3::Steinberg::kResultOk;
use vst3::{ComPtr, ComWrapper};

use crate::audio::{Outcome, Setup, Signal, timed};
use crate::buffers::{Buffers, Port};
use crate::calls::{Calls, Phase, Role, set_role};
use crate::event::{Event, Sent};
use crate::guard;
use crate::play::Blocks;
use crate::vst3::objects::{Changes, Events, raw};

/// Events of a block in each direction that cost no allocation.
const EVENTS: usize = 4096;

/// What a host may make of a block's buses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Rude {
    /// As they are.
    #[default]
    No,
    /// A flush: 0 frames, the bus arrays null.
    NoFramesNoBuses,
    /// A flush: 0 frames, all buses with null pointers (Audacity).
    NoFramesNullPointers,
    /// A flush: frames, and no bus at all (Ableton Live).
    FramesWithoutBuses,
    /// All buses without a channel (Ableton Live).
    FramesWithoutChannels,
    /// Outputs with one channel less (Ableton Live, bypassed).
    FewerChannels,
    /// Channels of every input bus but the first are null pointers, as for a bus that is off.
    NullInputs,
    /// Channels of all output buses are null pointers.
    NullOutputs,
    /// Null for the arrays of buses, and a count of them.
    NullBuses,
    /// Less than no buses.
    NegativeBuses,
    /// Buses of less than no channels.
    NegativeChannels,
    /// No process context, and neither lists nor queues for output.
    NothingElse,
}

/// Everything that an audio thread needs. Owned by one thread at a time.
pub struct Vst3Audio {
    processor: ComPtr<IAudioProcessor>,
    calls: Arc<Calls>,
    pub(crate) setup: Setup,
    buffers: Buffers,
    inputs: Vec<AudioBusBuffers>,
    outputs: Vec<AudioBusBuffers>,
    changes: (ComWrapper<Changes>, ComWrapper<Changes>),
    events: (ComWrapper<Events>, ComWrapper<Events>),
    /// Frames since activation.
    pub frame: u64,
    blocks: u64,
    sent: Vec<Sent>,
    started: bool,
    /// Silence flags that the next blocks' inputs carry.
    pub silent_inputs: bool,
}

// SAFETY: the raw buffers point into `buffers`, which travels along; nobody else has them. The processor may be called
// from any one thread at a time.
unsafe impl Send for Vst3Audio {}

/// `kRealtime`, `kOffline`.
pub(crate) const fn process_mode(setup: &Setup) -> i32 {
    if setup.offline { 2 } else { 0 }
}

fn bus(port: &mut Port, wide: bool) -> AudioBusBuffers {
    let field = if wide {
        AudioBusBuffers__type0 { channelBuffers64: port.wide_pointers() }
    } else {
        AudioBusBuffers__type0 { channelBuffers32: port.narrow_pointers() }
    };
    let channels = i32::try_from(port.channels()).expect("few channels");
    AudioBusBuffers { numChannels: channels, silenceFlags: 0, __field0: field }
}

impl Vst3Audio {
    pub(crate) fn new(
        processor: ComPtr<IAudioProcessor>,
        calls: Arc<Calls>,
        setup: Setup,
        inputs: &[u32],
        outputs: &[u32],
    ) -> Self {
        let mut buffers = Buffers::new(&setup, inputs, outputs);
        let ins = buffers.inputs.iter_mut().map(|port| bus(port, setup.wide)).collect();
        let outs = buffers.outputs.iter_mut().map(|port| bus(port, setup.wide)).collect();
        Self {
            processor,
            calls,
            setup,
            buffers,
            inputs: ins,
            outputs: outs,
            changes: (Changes::new(), Changes::new()),
            events: (Events::new(EVENTS), Events::new(EVENTS)),
            frame: 0,
            blocks: 0,
            sent: Vec::with_capacity(EVENTS),
            started: false,
            silent_inputs: false,
        }
    }

    /// `setProcessing`, whatever it was.
    pub fn set_processing(&mut self, on: bool) {
        // SAFETY: a number; the processor is alive.
        self.calls.during(Phase::AudioOther, || unsafe { self.processor.setProcessing(u8::from(on)) });
        self.started = on;
    }

    /// Ends processing; on the audio thread.
    pub(crate) fn leave(&mut self) {
        if self.started {
            self.set_processing(false);
        }
    }

    fn context(&self) -> ProcessContext {
        // SAFETY: a plain structure, of which all zeros is a value.
        let mut context: ProcessContext = unsafe { std::mem::zeroed() };
        #[expect(clippy::cast_precision_loss, reason = "a test runs for minutes")]
        let seconds = self.frame as f64 / self.setup.rate;
        context.sampleRate = self.setup.rate;
        context.projectTimeSamples = i64::try_from(self.frame).expect("a test runs for minutes");
        context.continousTimeSamples = context.projectTimeSamples;
        context.projectTimeMusic = seconds * 2.0;
        context.tempo = 120.0;
        (context.timeSigNumerator, context.timeSigDenominator) = (4, 4);
        context.state = has::kPlaying
            | has::kTempoValid
            | has::kProjectTimeMusicValid
            | has::kContTimeValid
            | has::kTimeSigValid;
        context
    }

    fn fill(&mut self, frames: usize, signal: &Signal, events: &[Event]) {
        self.buffers.fill(frames, self.frame, signal);
        let flags = if self.silent_inputs { u64::MAX } else { 0 };
        self.inputs.iter_mut().for_each(|bus| bus.silenceFlags = flags);
        self.outputs.iter_mut().for_each(|bus| bus.silenceFlags = 0);
        self.changes.0.clear();
        self.changes.1.clear();
        self.events.1.with(Vec::clear);
        self.events.0.with(|list| {
            list.clear();
            for event in events {
                match event {
                    // Converted by the main half: here a value is normalised.
                    Event::Param { time, id, value, .. } => self.changes.0.push(*id, offset(*time), *value),
                    other => list.extend(note(*other)),
                }
            }
            list.sort_by_key(|event| event.sampleOffset);
        });
    }

    fn data(&mut self, frames: u32, context: &mut ProcessContext) -> ProcessData {
        let context = if self.setup.transport { ptr::from_mut(context) } else { ptr::null_mut() };
        ProcessData {
            processMode: process_mode(&self.setup),
            symbolicSampleSize: i32::from(self.setup.wide),
            numSamples: i32::try_from(frames).expect("a block"),
            numInputs: i32::try_from(self.inputs.len()).expect("few buses"),
            numOutputs: i32::try_from(self.outputs.len()).expect("few buses"),
            inputs: self.inputs.as_mut_ptr(),
            outputs: self.outputs.as_mut_ptr(),
            inputParameterChanges: raw(&self.changes.0),
            outputParameterChanges: raw(&self.changes.1),
            inputEvents: raw(&self.events.0),
            outputEvents: raw(&self.events.1),
            processContext: context,
        }
    }

    fn call(&self, data: &mut ProcessData) -> Outcome {
        // SAFETY: every pointer of `data` is null or valid for the call.
        let run = timed(|| unsafe { self.processor.process(data) });
        let ((result, nanoseconds), offences) = self.calls.during(Phase::Processing, || guard::count(run));
        let status = i32::from(result == kResultOk);
        Outcome { status, offences, nanoseconds, ..Outcome::default() }
    }

    /// Runs one block of at most the set-up's frames.
    ///
    /// # Panics
    /// If `frames` is more than that.
    pub fn block(&mut self, frames: u32, signal: &Signal, events: &[Event]) -> Outcome {
        assert!(frames <= self.setup.max_frames, "a block of {frames} frames was not announced");
        self.fill(frames as usize, signal, events);
        let mut context = self.context();
        let mut data = self.data(frames, &mut context);
        let mut outcome = self.call(&mut data);
        self.buffers.check(frames as usize, &mut outcome);
        self.after(frames);
        outcome
    }

    /// Runs one block in a shape that some host gives it. Output samples that the shape leaves out count as unwritten.
    pub fn rude_block(&mut self, rude: Rude, frames: u32, signal: &Signal, events: &[Event]) -> Outcome {
        self.fill(frames as usize, signal, events);
        let mut context = self.context();
        let mut data = self.data(frames, &mut context);
        let null = AudioBusBuffers__type0 { channelBuffers32: ptr::null_mut() };
        let mut empty = [AudioBusBuffers { numChannels: 0, silenceFlags: 0, __field0: null }; 16];
        let mut nulls = [ptr::null_mut::<f32>(); 64];
        let mut fewer: Vec<AudioBusBuffers> = self.outputs.clone();
        let mut inputs: Vec<AudioBusBuffers> = self.inputs.clone();
        match rude {
            Rude::No => {}
            Rude::NoFramesNoBuses | Rude::FramesWithoutBuses => {
                (data.numInputs, data.numOutputs) = (0, 0);
                (data.inputs, data.outputs) = (ptr::null_mut(), ptr::null_mut());
                if rude == Rude::NoFramesNoBuses {
                    data.numSamples = 0;
                }
            }
            Rude::NoFramesNullPointers => {
                data.numSamples = 0;
                for bus in inputs.iter_mut().chain(&mut fewer) {
                    bus.__field0 = null;
                }
                (data.inputs, data.outputs) = (inputs.as_mut_ptr(), fewer.as_mut_ptr());
            }
            Rude::FramesWithoutChannels => {
                (data.inputs, data.outputs) = (empty.as_mut_ptr(), empty.as_mut_ptr());
            }
            Rude::FewerChannels => {
                fewer.iter_mut().for_each(|bus| bus.numChannels -= 1);
                data.outputs = fewer.as_mut_ptr();
            }
            Rude::NullInputs => {
                for bus in inputs.iter_mut().skip(1) {
                    bus.__field0 = AudioBusBuffers__type0 { channelBuffers32: nulls.as_mut_ptr() };
                }
                data.inputs = inputs.as_mut_ptr();
            }
            Rude::NullOutputs => {
                for bus in &mut fewer {
                    bus.__field0 = AudioBusBuffers__type0 { channelBuffers32: nulls.as_mut_ptr() };
                }
                data.outputs = fewer.as_mut_ptr();
            }
            Rude::NullBuses => (data.inputs, data.outputs) = (ptr::null_mut(), ptr::null_mut()),
            Rude::NegativeBuses => (data.numInputs, data.numOutputs) = (-1, i32::MIN),
            Rude::NegativeChannels => {
                inputs.iter_mut().chain(&mut fewer).for_each(|bus| bus.numChannels = -1);
                (data.inputs, data.outputs) = (inputs.as_mut_ptr(), fewer.as_mut_ptr());
            }
            Rude::NothingElse => {
                data.outputParameterChanges = ptr::null_mut();
                data.outputEvents = ptr::null_mut();
                data.processContext = ptr::null_mut();
            }
        }
        let mut outcome = self.call(&mut data);
        self.buffers.check(frames as usize, &mut outcome);
        self.after(u32::try_from(data.numSamples).unwrap_or(0));
        outcome
    }

    /// Runs `count` equal blocks back to back and answers the nanoseconds of one, on average. Nothing is filled or
    /// checked in between.
    ///
    /// # Panics
    /// If `frames` is more than was announced.
    pub fn time(&mut self, frames: u32, signal: &Signal, events: &[Event], count: u32) -> f64 {
        assert!(frames <= self.setup.max_frames, "a block of {frames} frames was not announced");
        self.fill(frames as usize, signal, events);
        let mut context = self.context();
        let mut data = self.data(frames, &mut context);
        let started = Instant::now();
        for _ in 0..count {
            // SAFETY: every pointer of `data` is null or valid for the call.
            unsafe { self.processor.process(&raw mut data) };
        }
        let elapsed = started.elapsed();
        self.frame += u64::from(frames) * u64::from(count);
        elapsed.as_secs_f64() * 1e9 / f64::from(count)
    }

    /// Keeps what the block has sent.
    fn after(&mut self, frames: u32) {
        self.frame += u64::from(frames);
        let block = self.blocks;
        self.blocks += 1;
        for queue in self.changes.1.used() {
            let points = queue.points.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // SAFETY: the queue is ours.
            let id = unsafe { vst3::Steinberg::Vst::IParamValueQueueTrait::getParameterId(&**queue) };
            self.sent.extend(points.iter().map(|(time, value)| Sent {
                block,
                time: time.unsigned_abs(),
                kind: CLAP_EVENT_PARAM_VALUE,
                id,
                note: -1,
                value: *value,
            }));
        }
        let sent = &mut self.sent;
        self.events.1.with(|list| sent.extend(list.iter().map(|event| sent_note(block, event))));
    }

    /// Silence flags of the first output bus after a block.
    #[must_use]
    pub fn silence(&self) -> u64 {
        self.outputs.first().map_or(0, |bus| bus.silenceFlags)
    }

    /// Sample of the first output bus after a block, in double precision.
    #[must_use]
    pub fn sample_wide(&self, channel: usize, frame: usize) -> f64 {
        self.buffers.sample_wide(channel, frame)
    }
}

impl Blocks for Vst3Audio {
    fn enter(&mut self) {
        set_role(Role::Audio);
        guard::warm();
        if !self.started {
            self.set_processing(true);
        }
    }
    fn rate(&self) -> f64 {
        self.setup.rate
    }
    fn block(&mut self, frames: u32, signal: &Signal, events: &[Event]) -> Outcome {
        Self::block(self, frames, signal, events)
    }
    fn reset(&mut self) {
        self.set_processing(false);
        self.set_processing(true);
    }
    fn sample(&self, channel: usize, frame: usize) -> f32 {
        self.buffers.sample(channel, frame)
    }
    fn channels(&self) -> usize {
        self.buffers.channels()
    }
    fn take_sent(&mut self) -> Vec<Sent> {
        assert_eq!(self.events.1.lost.load(Ordering::Relaxed), 0, "more events than the host keeps");
        std::mem::replace(&mut self.sent, Vec::with_capacity(EVENTS))
    }
}

fn offset(time: u32) -> i32 {
    i32::try_from(time).expect("within a block")
}

/// A type's number; the bindings' enums are signed on some systems.
macro_rules! number {
    ($name:expr) => {
        u16::try_from($name).expect("16 bits by VST3's definition")
    };
}

/// An event as VST3 has it; `None` where it has none.
fn note(event: Event) -> Option<RawEvent> {
    #[expect(clippy::cast_possible_truncation, reason = "a velocity")]
    let single = |value: f64| value as f32;
    let (kind, field) = match event {
        Event::NoteOn { channel, key, id, velocity, .. } => {
            let velocity = single(velocity);
            let note = NoteOnEvent { channel, pitch: key, tuning: 0.0, velocity, length: 0, noteId: id };
            (number!(types::kNoteOnEvent), Event__type0 { noteOn: note })
        }
        Event::NoteOff { channel, key, id, .. } => {
            let note = NoteOffEvent { channel, pitch: key, velocity: 0.0, noteId: id, tuning: 0.0 };
            (number!(types::kNoteOffEvent), Event__type0 { noteOff: note })
        }
        Event::Expression { expression: 6, channel, key, id, value, .. } => {
            let pressure = PolyPressureEvent { channel, pitch: key, pressure: single(value), noteId: id };
            (number!(types::kPolyPressureEvent), Event__type0 { polyPressure: pressure })
        }
        Event::Expression { expression, id, value, .. } => {
            let value = match expression {
                0 => value / 4.0,
                2 => value / 240.0 + 0.5,
                _ => value,
            };
            let kind = u32::try_from(expression).ok()?;
            let field = NoteExpressionValueEvent { typeId: kind, noteId: id, value };
            (number!(types::kNoteExpressionValueEvent), Event__type0 { noteExpressionValue: field })
        }
        // The main half turns MIDI into parameters; VST3 has no choke, no modulation and no spaces.
        _ => return None,
    };
    Some(RawEvent {
        busIndex: 0,
        sampleOffset: offset(event.time()),
        ppqPosition: 0.0,
        flags: 0,
        r#type: kind,
        __field0: field,
    })
}

/// With CLAP's number of the kind.
fn sent_note(block: u64, event: &RawEvent) -> Sent {
    let time = event.sampleOffset.unsigned_abs();
    let key = |key: i16| u32::try_from(key).unwrap_or(u32::MAX);
    // SAFETY: the field of the event's type is the one that is set; all are plain numbers.
    let (kind, id, note, value) = unsafe {
        if event.r#type == number!(types::kNoteOnEvent) {
            let note = event.__field0.noteOn;
            (CLAP_EVENT_NOTE_ON, key(note.pitch), note.noteId, f64::from(note.velocity))
        } else if event.r#type == number!(types::kNoteOffEvent) {
            let note = event.__field0.noteOff;
            (CLAP_EVENT_NOTE_OFF, key(note.pitch), note.noteId, f64::from(note.velocity))
        } else if event.r#type == number!(types::kNoteExpressionValueEvent) {
            let note = event.__field0.noteExpressionValue;
            (CLAP_EVENT_NOTE_EXPRESSION, note.typeId, note.noteId, note.value)
        } else {
            (CLAP_EVENT_MIDI, 0, -1, 0.0)
        }
    };
    Sent { block, time, kind, id, note, value }
}
