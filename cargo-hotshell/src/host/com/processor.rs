//! The audio half of an instance: one block in, one block out.
//!
//! Called by: `vst3_engine`. Calls: the plug-in. Threads: [audio], one at a time; made and dropped on any.
#![allow(unsafe_code, reason = "a block is C's pointers")]

use std::mem::MaybeUninit;
use std::sync::Arc;

use vst3::Steinberg::Vst::Event_::EventTypes_;
use vst3::Steinberg::Vst::ProcessContext_::StatesAndFlags_;
use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, Event, Event__type0, IAudioProcessorTrait, NoteOffEvent,
    NoteOnEvent, PolyPressureEvent, ProcessContext, ProcessData, SymbolicSampleSizes_,
};
use vst3::Steinberg::{kNotImplemented, kResultOk};

use super::component::Halves;
use super::lists::{Changes, Events};

/// Channels of one bus.
pub type Bus = Vec<Vec<f32>>;

/// One note event, without an id: hosts that have only MIDI to tell send it so.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Note {
    /// A key goes down.
    On,
    /// A key goes up.
    Off,
    /// A key is pressed harder.
    Pressure,
}

/// Where in the song a block begins.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Moment {
    /// Frames.
    pub frames: i64,
    /// Quarter notes.
    pub beats: f64,
    /// Quarter notes, of the bar's start.
    pub bar: f64,
    /// Beats per minute.
    pub tempo: f64,
}

/// One direction's buses, as `process` wants them.
struct Buses {
    pointers: Vec<Vec<*mut f32>>,
    buffers: Vec<AudioBusBuffers>,
}

impl Buses {
    fn new(channels: &[usize]) -> Self {
        let pointers = channels.iter().map(|count| vec![std::ptr::null_mut(); *count]).collect();
        let buffer = |count: &usize| AudioBusBuffers {
            numChannels: i32::try_from(*count).unwrap_or(0),
            silenceFlags: 0,
            __field0: AudioBusBuffers__type0 { channelBuffers32: std::ptr::null_mut() },
        };
        Self { pointers, buffers: channels.iter().map(buffer).collect() }
    }

    /// Points at these buffers.
    fn connect(&mut self, buses: &mut [Bus]) {
        for ((pointers, buffer), bus) in self.pointers.iter_mut().zip(&mut self.buffers).zip(buses) {
            for (to, channel) in pointers.iter_mut().zip(bus) {
                *to = channel.as_mut_ptr();
            }
            buffer.silenceFlags = 0;
            buffer.__field0.channelBuffers32 = pointers.as_mut_ptr();
        }
    }

    fn count(&self) -> i32 {
        i32::try_from(self.buffers.len()).unwrap_or(0)
    }
}

/// The audio half.
pub struct Processor {
    /// Active as long as this is alive: `Component::deactivate` takes it first.
    halves: Arc<Halves>,
    mode: i32,
    inputs: Buses,
    outputs: Buses,
    changes: Changes,
    events: Events,
    changes_out: Changes,
    events_out: Events,
    sample_rate: f64,
    started: bool,
}

// SAFETY: VST3 lets one thread at a time process, whichever it is, and `&mut self` is one thread at a time. The pointers
// lead to this object's own vectors, and to buffers that are lent for one call each.
unsafe impl Send for Processor {}

impl Processor {
    pub(super) fn new(
        halves: Arc<Halves>,
        mode: i32,
        inputs: &[usize],
        outputs: &[usize],
        sample_rate: f64,
    ) -> Self {
        Self {
            halves,
            mode,
            inputs: Buses::new(inputs),
            outputs: Buses::new(outputs),
            changes: Changes::new(),
            events: Events::new(),
            changes_out: Changes::new(),
            events_out: Events::new(),
            sample_rate,
            started: false,
        }
    }

    /// Forgets what was to go into a block.
    pub fn begin(&self) {
        self.changes.clear();
        self.events.clear();
        self.changes_out.clear();
        self.events_out.clear();
    }

    /// A normalised value, at a frame of the block to come. False if there is no room for it.
    pub fn change(&self, id: u32, frame: i32, value: f64) -> bool {
        self.changes.add(id, frame, value)
    }

    /// A note, at a frame of the block to come; `strength` from 0.0 to 1.0. False if there is no room for it.
    pub fn note(&self, note: Note, frame: i32, channel: i16, key: i16, strength: f32) -> bool {
        let (kind, what) = match note {
            Note::On => (
                EventTypes_::kNoteOnEvent,
                Event__type0 {
                    noteOn: NoteOnEvent {
                        channel,
                        pitch: key,
                        tuning: 0.0,
                        velocity: strength,
                        length: 0,
                        noteId: -1,
                    },
                },
            ),
            Note::Off => (
                EventTypes_::kNoteOffEvent,
                Event__type0 {
                    noteOff: NoteOffEvent {
                        channel,
                        pitch: key,
                        velocity: strength,
                        noteId: -1,
                        tuning: 0.0,
                    },
                },
            ),
            Note::Pressure => (
                EventTypes_::kPolyPressureEvent,
                Event__type0 {
                    polyPressure: PolyPressureEvent { channel, pitch: key, pressure: strength, noteId: -1 },
                },
            ),
        };
        let kind = u16::try_from(kind).unwrap_or(0);
        // SAFETY: plain data, for which all zeros is a value: bytes that the event leaves out are not garbage.
        let mut event = unsafe { MaybeUninit::<Event>::zeroed().assume_init() };
        (event.sampleOffset, event.r#type, event.__field0) = (frame, kind, what);
        self.events.push(event)
    }

    /// Runs one block of `frames` frames, which every channel of `inputs` and `outputs` has room for. False if the
    /// plug-in refuses, or if these are not its buses.
    pub fn process(&mut self, frames: i32, inputs: &mut [Bus], outputs: &mut [Bus], at: Moment) -> bool {
        let fits = |buses: &Buses, given: &[Bus]| {
            let room = usize::try_from(frames).unwrap_or(usize::MAX);
            let wide = |(pointers, bus): (&Vec<_>, &Bus)| {
                pointers.len() == bus.len() && bus.iter().all(|channel| channel.len() >= room)
            };
            buses.pointers.len() == given.len() && buses.pointers.iter().zip(given).all(wide)
        };
        if !fits(&self.inputs, inputs) || !fits(&self.outputs, outputs) || !self.start() {
            return false;
        }
        self.inputs.connect(inputs);
        self.outputs.connect(outputs);
        let lists = (self.changes.as_com_ref(), self.changes_out.as_com_ref());
        let events = (self.events.as_com_ref(), self.events_out.as_com_ref());
        let (Some(changes), Some(changes_out)) = lists else { return false };
        let (Some(events), Some(events_out)) = events else { return false };
        let mut context = context(at, self.sample_rate);
        #[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast, reason = "0")]
        let single = SymbolicSampleSizes_::kSample32 as i32;
        let mut data = ProcessData {
            processMode: self.mode,
            symbolicSampleSize: single,
            numSamples: frames,
            numInputs: self.inputs.count(),
            numOutputs: self.outputs.count(),
            inputs: self.inputs.buffers.as_mut_ptr(),
            outputs: self.outputs.buffers.as_mut_ptr(),
            inputParameterChanges: changes.as_ptr(),
            outputParameterChanges: changes_out.as_ptr(),
            inputEvents: events.as_ptr(),
            outputEvents: events_out.as_ptr(),
            processContext: &raw mut context,
        };
        // SAFETY: the processor is active and started. `fits` has found a channel of enough frames for each pointer;
        // buffers, lists and context outlive the call.
        unsafe { self.halves.processor.process(&raw mut data) == kResultOk }
    }

    /// Events and parameter changes that the last block sent.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.events_out.len() + self.changes_out.len()
    }

    /// True if it is a half of these.
    pub(super) fn is_of(&self, halves: &Arc<Halves>) -> bool {
        Arc::ptr_eq(&self.halves, halves)
    }

    fn start(&mut self) -> bool {
        if !self.started {
            // SAFETY: the processor is active. Many plug-ins do not implement this call, which is no refusal.
            let result = unsafe { self.halves.processor.setProcessing(1) };
            self.started = result == kResultOk || result == kNotImplemented;
        }
        self.started
    }

    /// Ends processing.
    pub fn stop(&mut self) {
        if std::mem::take(&mut self.started) {
            // SAFETY: the processor is active.
            unsafe { self.halves.processor.setProcessing(0) };
        }
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        self.stop();
    }
}

#[allow(
    clippy::cast_sign_loss,
    clippy::unnecessary_cast,
    reason = "flags; the bindings' enum is signed on some systems"
)]
const FLAGS: u32 = (StatesAndFlags_::kPlaying
    | StatesAndFlags_::kTempoValid
    | StatesAndFlags_::kTimeSigValid
    | StatesAndFlags_::kProjectTimeMusicValid
    | StatesAndFlags_::kBarPositionValid
    | StatesAndFlags_::kContTimeValid) as u32;

fn context(at: Moment, sample_rate: f64) -> ProcessContext {
    // SAFETY: plain data, for which all zeros is a value.
    let mut context = unsafe { MaybeUninit::<ProcessContext>::zeroed().assume_init() };
    context.state = FLAGS;
    context.sampleRate = sample_rate;
    context.projectTimeSamples = at.frames;
    context.continousTimeSamples = at.frames;
    context.projectTimeMusic = at.beats;
    context.barPositionMusic = at.bar;
    context.tempo = at.tempo;
    (context.timeSigNumerator, context.timeSigDenominator) = (4, 4);
    context
}
