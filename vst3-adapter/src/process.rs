//! `IAudioProcessor`: one block of the host's to a [`HostBlock`], the shell, and back; the setup around it.
//!
//! Called by: the host. Calls: the shell's [`Audio`], `process/lists`, `events`. Threads: `process` [audio]; the rest
//! [main] by VST3's rules, safe from any.
//!
//! Never an error path that allocates, never a sample left unwritten: what the shell does not get (more buses or
//! channels than were announced) is silenced here, and so is a block in which the shell panicked.

#![allow(unsafe_code, reason = "DESIGN 9.9: blocks come as C's pointers")]
#![deny(clippy::disallowed_types)]

use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hotshell_abi::{NotePortsDesc, RenderMode};
use hotshell_core::shell::{Audio, HostBlock, HostBus, HostChannel, Tail};
use vst3::Steinberg::Vst::IProcessContextRequirements_::Flags_ as need;
use vst3::Steinberg::Vst::{
    AudioBusBuffers, BusDirection, IAudioProcessorTrait, IProcessContextRequirementsTrait, ProcessData,
    ProcessSetup, SpeakerArrangement, kInfiniteTail,
};
use vst3::Steinberg::{
    TBool, int32, kInternalError, kInvalidArgument, kResultFalse, kResultOk, tresult, uint32,
};

use crate::buses;
use crate::com::{Component, put};
use crate::error::{gate, guard, refused};
use crate::events::{MOST_EVENTS, Merged, steady_time, transport};
use crate::instance::{Instance, Live, Setup};
use crate::params::Table;
use crate::process::sounding::Sounding;

pub(crate) mod bystander;
pub(crate) mod cell;
#[cfg(test)]
mod event_tests;
pub(crate) mod flushed;
mod lists;
mod sounding;
#[cfg(test)]
mod tests;

/// Channels of one bus that the shell gets to see, at most; the abi's own limit.
const MOST_CHANNELS: usize = 64;

/// `kSample32`, `kSample64`.
const SINGLE: i32 = 0;
const DOUBLE: i32 = 1;
/// `kOffline`.
const OFFLINE: i32 = 2;

/// The audio thread's part of an instance.
pub(crate) struct Runner {
    audio: Box<dyn Audio>,
    live: Arc<Live>,
    table: Arc<Table>,
    scratch: Scratch,
    input: Merged,
    sounding: Sounding,
    /// The logic takes notes as MIDI 1.
    midi: bool,
}

impl Runner {
    /// Allocates all that blocks will need. [main]
    pub(crate) fn new(audio: Box<dyn Audio>, live: Arc<Live>) -> Self {
        let buses = live.layout().map_or((0, 0), |layout| (layout.inputs.len(), layout.outputs.len()));
        let midi = takes_midi(live.shell.notes());
        let (scratch, input) = (Scratch::new(buses.0, buses.1), Merged::new(MOST_EVENTS));
        Self { audio, table: live.table(), live, scratch, input, sounding: Sounding::new(), midi }
    }

    pub(crate) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }

    /// For [`Shell::deactivate`](hotshell_core::shell::Shell::deactivate). [main]
    pub(crate) fn into_audio(self) -> Box<dyn Audio> {
        self.audio
    }

    /// # Safety
    /// `data` describes the host's memory truthfully for the duration of the call.
    unsafe fn run(&mut self, data: &ProcessData, frames: u32, clear: bool) {
        if clear {
            self.audio.clear();
        }
        self.live.for_runner.take(&mut self.table);
        self.live.flushed.hand_over(&mut *self.audio);
        self.input.begin(frames);
        // SAFETY: by this function's contract.
        unsafe { lists::read(data, &self.table, self.midi, &mut self.input) };
        self.live.lose(self.input.take_dropped());
        // SAFETY: as above.
        let mut output = unsafe { lists::Output::new(data, &self.table, &mut self.sounding, frames) };
        // Live flushes with frames and without any bus.
        let bare = data.numInputs <= 0 && data.numOutputs <= 0 && !self.scratch.is_empty();
        if frames == 0 || bare {
            self.audio.flush(&self.input, &mut output);
            return;
        }
        let (inputs_off, outputs_off) = self.live.buses_off();
        // SAFETY: as above.
        let (ins, outs) = unsafe { self.scratch.fill(data, inputs_off, outputs_off) };
        let given = outs.len();
        // SAFETY: by this function's contract the pointers are good for `frames` samples; VST3 lets buses alias as
        // whole channels only.
        let mut block = unsafe { HostBlock::new(frames, ins, outs) };
        // SAFETY: null, or one structure of the host's.
        if let Some(context) = unsafe { data.processContext.as_ref() } {
            block.transport = Some(transport(context));
            block.steady_time = steady_time(context);
        }
        block.mode = if data.processMode == OFFLINE { RenderMode::OFFLINE } else { RenderMode::REALTIME };
        self.audio.process(&mut block, &self.input, &mut output);
        for (index, bus) in block.outputs().iter().enumerate() {
            // SAFETY: `fill` made at most `numOutputs` buses, in the host's order.
            unsafe { (*data.outputs.add(index)).silenceFlags = silent(bus) };
        }
        // SAFETY: the shell is done with its block.
        unsafe { silence(data, frames, given, MOST_CHANNELS) };
    }
}

/// The logic takes notes as MIDI 1.
fn takes_midi(notes: NotePortsDesc) -> bool {
    let dialects = notes.dialects;
    dialects & NotePortsDesc::CLAP == 0 && dialects & (NotePortsDesc::MIDI | NotePortsDesc::MIDI_MPE) != 0
}

/// Of the channels that the shell calls constant, those whose constant is 0.
fn silent(bus: &HostBus<'_>) -> u64 {
    let mut flags = 0;
    for (index, channel) in bus.channels.iter().enumerate().take(MOST_CHANNELS) {
        // SAFETY: the block has at least one frame, and the channel is the host's for the whole call.
        let zero = unsafe {
            match channel {
                HostChannel::Null => true,
                HostChannel::F32(samples) => **samples == 0.0,
                HostChannel::F64(samples) => **samples == 0.0,
            }
        };
        if zero {
            flags |= bus.constant_mask & (1 << index);
        }
    }
    flags
}

impl Instance {
    /// One block. Not active, or `setActive` runs beside it: silence, and what the host says of parameters counts.
    ///
    /// # Safety
    /// `data` describes the host's memory truthfully for the duration of the call.
    unsafe fn block(&self, data: &ProcessData, frames: u32) -> tresult {
        let done = guard(Some(false), || {
            let ran = self.runner.try_with(|runner| {
                let clear = self.clear.swap(false, Ordering::Relaxed);
                // SAFETY: by this function's contract.
                unsafe { runner.run(data, frames, clear) };
            });
            ran.is_some().then_some(true)
        });
        if done == Some(true) {
            return kResultOk;
        }
        // SAFETY: by this function's contract; nobody else uses the block any more.
        unsafe { silence(data, frames, 0, 0) };
        if done == Some(false) {
            return kInternalError;
        }
        // SAFETY: as above.
        self.bystander.try_with(|bystander| unsafe { bystander.flush(data, frames) });
        kResultOk
    }
}

impl IAudioProcessorTrait for Component {
    unsafe fn setBusArrangements(
        &self,
        inputs: *mut SpeakerArrangement,
        num_inputs: int32,
        outputs: *mut SpeakerArrangement,
        num_outputs: int32,
    ) -> tresult {
        self.0.with(|live| {
            // SAFETY: VST3: each array is null (checked) or of the length beside it.
            let lists = unsafe { (arrangements(inputs, num_inputs), arrangements(outputs, num_outputs)) };
            let (Some(inputs), Some(outputs)) = lists else { return kInvalidArgument };
            match buses::find(&live.shell.layouts(), live.shell.layout(), inputs, outputs) {
                Some(index) => match self.0.choose_layout(live, index) {
                    Ok(()) => kResultOk,
                    Err(error) => refused(&error),
                },
                None => kResultFalse,
            }
        })
    }

    unsafe fn getBusArrangement(
        &self,
        direction: BusDirection,
        index: int32,
        arrangement: *mut SpeakerArrangement,
    ) -> tresult {
        self.0.with(|live| {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            let found = live.layout().and_then(|layout| {
                let buses = if direction == 0 { layout.inputs } else { layout.outputs };
                buses.get(index).map(buses::arrangement)
            });
            // SAFETY: VST3: null (which `put` checks) or a place for one.
            let done = found.is_some_and(|found| unsafe { put(arrangement, found) });
            if done { kResultOk } else { kInvalidArgument }
        })
    }

    unsafe fn canProcessSampleSize(&self, size: int32) -> tresult {
        if matches!(size, SINGLE | DOUBLE) { kResultOk } else { kResultFalse }
    }

    unsafe fn getLatencySamples(&self) -> uint32 {
        self.0.ask(0, |live| self.0.read_latency(live))
    }

    unsafe fn setupProcessing(&self, setup: *mut ProcessSetup) -> tresult {
        gate(|| {
            // SAFETY: VST3: null (checked) or one structure.
            let Some(setup) = (unsafe { setup.as_ref() }) else { return kInvalidArgument };
            let max_frames = u32::try_from(setup.maxSamplesPerBlock).unwrap_or(0);
            let rate = setup.sampleRate;
            if !rate.is_finite() || rate <= 0.0 || !matches!(setup.symbolicSampleSize, SINGLE | DOUBLE) {
                return kInvalidArgument;
            }
            let mode = if setup.processMode == OFFLINE { RenderMode::OFFLINE } else { RenderMode::REALTIME };
            let setup = Setup { sample_rate: rate, max_frames: max_frames.max(1), mode };
            self.0.set_up(setup).map_or_else(|error| refused(&error), |()| kResultOk)
        })
    }

    unsafe fn setProcessing(&self, state: TBool) -> tresult {
        gate(|| {
            self.0.set_processing(state != 0);
            kResultOk
        })
    }

    unsafe fn process(&self, data: *mut ProcessData) -> tresult {
        gate(|| {
            // SAFETY: VST3: null (checked) or one structure that tells the truth during the call.
            let Some(data) = (unsafe { data.as_ref() }) else { return kInvalidArgument };
            let Ok(frames) = u32::try_from(data.numSamples) else { return kInvalidArgument };
            if !matches!(data.symbolicSampleSize, SINGLE | DOUBLE) {
                return kInvalidArgument;
            }
            // SAFETY: as above.
            unsafe { self.0.block(data, frames) }
        })
    }

    unsafe fn getTailSamples(&self) -> uint32 {
        self.0.ask(0, |live| match live.shell.tail() {
            Tail::None => 0,
            Tail::Frames(frames) => u32::try_from(frames).unwrap_or(kInfiniteTail).min(kInfiniteTail - 1),
            Tail::Infinite => kInfiniteTail,
        })
    }
}

impl IProcessContextRequirementsTrait for Component {
    unsafe fn getProcessContextRequirements(&self) -> uint32 {
        let all = need::kNeedContinousTimeSamples
            | need::kNeedProjectTimeMusic
            | need::kNeedBarPositionMusic
            | need::kNeedCycleMusic
            | need::kNeedTempo
            | need::kNeedTimeSignature
            | need::kNeedTransportState;
        #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "flags, signed on Windows")]
        {
            all as u32
        }
    }
}

/// # Safety
/// `list` is null or holds `count`.
unsafe fn arrangements<'a>(list: *const SpeakerArrangement, count: i32) -> Option<&'a [SpeakerArrangement]> {
    match usize::try_from(count) {
        Ok(0) => Some(&[]),
        // SAFETY: by this function's contract.
        Ok(count) if !list.is_null() => Some(unsafe { std::slice::from_raw_parts(list, count) }),
        _ => None,
    }
}

/// Memory for one block's description, sized at activation so that a block allocates nothing.
struct Scratch {
    channels: Box<[HostChannel]>,
    inputs: Box<[MaybeUninit<HostBus<'static>>]>,
    outputs: Box<[MaybeUninit<HostBus<'static>>]>,
}

// SAFETY: the pointers inside are written and read within one call of `Runner::run`; between calls they are dead
// values that nobody follows, so it does not matter on which thread they lie.
unsafe impl Send for Scratch {}

impl Scratch {
    fn new(inputs: usize, outputs: usize) -> Self {
        let buses = |count: usize| std::iter::repeat_with(MaybeUninit::uninit).take(count).collect();
        let channels = vec![HostChannel::Null; (inputs + outputs) * MOST_CHANNELS].into_boxed_slice();
        Self { channels, inputs: buses(inputs), outputs: buses(outputs) }
    }

    fn is_empty(&self) -> bool {
        self.inputs.is_empty() && self.outputs.is_empty()
    }

    /// The host's buses, as many as were announced; fewer if it gives fewer.
    ///
    /// # Safety
    /// `data` describes the host's memory truthfully for as long as the answer is used.
    unsafe fn fill<'s>(
        &'s mut self,
        data: &ProcessData,
        inputs_off: u64,
        outputs_off: u64,
    ) -> (&'s [HostBus<'s>], &'s mut [HostBus<'s>]) {
        let double = data.symbolicSampleSize == DOUBLE;
        let (for_inputs, for_outputs) = self.channels.split_at_mut(self.inputs.len() * MOST_CHANNELS);
        let ins = Host { buses: data.inputs, count: data.numInputs, off: inputs_off, double };
        let outs = Host { buses: data.outputs, count: data.numOutputs, off: outputs_off, double };
        // SAFETY: by this function's contract; VST3 gives arrays of `count` buses, or null (checked).
        let (ins, outs) = unsafe {
            (ins.describe(for_inputs, &mut self.inputs), outs.describe(for_outputs, &mut self.outputs))
        };
        // What the host left in the outputs' flags promises nothing.
        outs.iter_mut().for_each(|bus| bus.constant_mask = 0);
        (ins, outs)
    }
}

/// The host's buses of one direction.
struct Host {
    buses: *const AudioBusBuffers,
    count: i32,
    /// Bit i: bus i is off.
    off: u64,
    double: bool,
}

impl Host {
    /// # Safety
    /// `buses` is null or points to `count` buses that tell the truth.
    unsafe fn describe<'s>(
        &self,
        channels: &'s mut [HostChannel],
        buses: &'s mut [MaybeUninit<HostBus<'static>>],
    ) -> &'s mut [HostBus<'s>] {
        let count = if self.buses.is_null() { 0 } else { usize::try_from(self.count).unwrap_or(0) };
        let count = buses.len().min(count);
        let buses: *mut HostBus<'s> = buses.as_mut_ptr().cast();
        for (index, channels) in channels.chunks_exact_mut(MOST_CHANNELS).take(count).enumerate() {
            // SAFETY: `index < count`, which is at most the host's number and at most the number of `buses`.
            unsafe {
                let bus = &*self.buses.add(index);
                let used = channels.len().min(usize::try_from(bus.numChannels).unwrap_or(0));
                for (index, channel) in channels.iter_mut().take(used).enumerate() {
                    *channel = channel_of(bus, index, self.double);
                }
                let off = u32::try_from(index).ok().and_then(|index| self.off.checked_shr(index));
                buses.add(index).write(HostBus {
                    channels: &channels[..used],
                    constant_mask: bus.silenceFlags,
                    inactive: off.unwrap_or(0) & 1 == 1,
                });
            }
        }
        // SAFETY: the loop wrote the first `count` (there is one chunk of channels for each bus); the memory is
        // borrowed for `'s`. `HostBus` has no drop, so overwriting it in the next block loses nothing.
        unsafe { std::slice::from_raw_parts_mut(buses, count) }
    }
}

/// # Safety
/// The bus's array, where not null, holds more than `index` pointers, to samples of the size that `double` says.
unsafe fn channel_of(bus: &AudioBusBuffers, index: usize, double: bool) -> HostChannel {
    // SAFETY: by this function's contract; both fields of the union are pointers to arrays of pointers.
    unsafe {
        let array = bus.__field0.channelBuffers32;
        if array.is_null() {
            return HostChannel::Null;
        }
        let samples = *array.add(index);
        match (samples.is_null(), double) {
            (true, _) => HostChannel::Null,
            (false, false) => HostChannel::F32(samples),
            (false, true) => HostChannel::F64(samples.cast()),
        }
    }
}

/// Writes zeros where the shell wrote nothing: output buses from `buses` on, and in the buses before it the channels
/// from `channels` on.
///
/// # Safety
/// `data` describes the host's memory truthfully, and nobody else uses its outputs.
unsafe fn silence(data: &ProcessData, frames: u32, buses: usize, channels: usize) {
    let count = if data.outputs.is_null() { 0 } else { usize::try_from(data.numOutputs).unwrap_or(0) };
    for index in 0..count {
        // SAFETY: `index` is below the host's number of buses, a channel's below the bus's.
        unsafe {
            let bus = &mut *data.outputs.add(index);
            let first = if index < buses { channels } else { 0 };
            for channel in first..usize::try_from(bus.numChannels).unwrap_or(0) {
                match channel_of(bus, channel, data.symbolicSampleSize == DOUBLE) {
                    HostChannel::F32(samples) => samples.write_bytes(0, frames as usize),
                    HostChannel::F64(samples) => samples.write_bytes(0, frames as usize),
                    HostChannel::Null => {}
                }
            }
            if index >= buses {
                bus.silenceFlags = u64::MAX;
            }
        }
    }
}
