//! One block of the host's, below clack: pointers to a [`HostBlock`], the shell, and back.
//!
//! Called by: the host ([`process`], put in by `factory`), clack (activation, reset). Calls: the shell's [`Audio`],
//! `events`. Threads: [audio]; activation [main].
//!
//! Never an error path that allocates, never a sample left unwritten: what the shell does not get (more ports or
//! channels than were announced) is silenced here, and so is a block in which the shell panicked.

#![allow(unsafe_code, reason = "DESIGN 9.9: blocks come as C's pointers")]
#![deny(clippy::disallowed_types)]

use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use clack_plugin::extensions::wrapper::PluginWrapper;
use clack_plugin::host::HostAudioProcessorHandle;
use clack_plugin::plugin::{PluginAudioProcessor, PluginError};
use clack_plugin::prelude::{Audio as ClackAudio, Events, Process, ProcessStatus};
use clack_plugin::process::PluginAudioConfiguration;
use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::plugin::clap_plugin;
use clap_sys::process::{
    CLAP_PROCESS_CONTINUE, CLAP_PROCESS_ERROR, CLAP_PROCESS_SLEEP, CLAP_PROCESS_TAIL, clap_process,
    clap_process_status,
};
use hotshell_abi::AudioConfig;
use hotshell_core::shell::{Audio, BlockStatus, HostBlock, HostBus, HostChannel, Outcome};

use crate::events::{Input, Output, transport};
use crate::instance::{Clap, Main, Shared};

#[cfg(test)]
mod event_tests;
pub(crate) mod lists;
#[cfg(test)]
mod tests;

/// Channels of one port that the shell gets to see, at most; the abi's own limit.
const MOST_CHANNELS: usize = 64;

/// Replaces clack's `process`. The gate is clack's; our part never answers `Err` to it, because that path allocates.
pub(crate) unsafe extern "C" fn process(
    plugin: *const clap_plugin,
    process: *const clap_process,
) -> clap_process_status {
    // SAFETY: this function stands only in plug-ins that `factory` made, whose type is `Clap`.
    let status = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            let (Ok(mut processor), Some(process)) = (wrapper.audio_processor(), process.as_ref()) else {
                return Ok(CLAP_PROCESS_ERROR);
            };
            // CLAP: one [audio] call at a time and none beside `deactivate`, so the reference is the only one.
            Ok(processor.as_mut().guarded(process))
        })
    };
    status.unwrap_or(CLAP_PROCESS_ERROR)
}

/// The audio thread's part of an instance.
pub(crate) struct Processor<'a> {
    shared: &'a Shared,
    host: HostAudioProcessorHandle<'a>,
    pub(crate) audio: Box<dyn Audio>,
    scratch: Scratch,
    /// Frames of the longest block.
    max_frames: u32,
    /// Debug builds ask the host once per activation whether this is an audio thread.
    thread_checked: bool,
}

impl<'a> PluginAudioProcessor<'a, Shared, Main<'a>> for Processor<'a> {
    fn activate(
        host: HostAudioProcessorHandle<'a>,
        main: &Main<'a>,
        shared: &'a Shared,
        config: PluginAudioConfiguration,
    ) -> Result<Self, PluginError> {
        let (sample_rate, max_frames) = (config.sample_rate, config.max_frames_count);
        if !sample_rate.is_finite() || sample_rate <= 0.0 || max_frames == 0 {
            return Err(PluginError::Message(
                "activate needs a sample rate above 0 Hz and at least 1 frame per block",
            ));
        }
        let ports =
            shared.current_layout().map_or((0, 0), |layout| (layout.inputs.len(), layout.outputs.len()));
        let scratch = Scratch::new(ports.0, ports.1);
        let config = AudioConfig { sample_rate, max_frames, layout: 0, mode: shared.mode(), reserved: 0 };
        let audio = main.activate(config)?;
        Ok(Self { shared, host, audio, scratch, max_frames, thread_checked: !cfg!(debug_assertions) })
    }

    fn deactivate(self, main: &Main<'a>) {
        main.deactivate(self.audio);
    }

    fn reset(&mut self) {
        self.audio.clear();
    }

    /// Not reached: [`process`] stands in the plug-in instead.
    fn process(
        &mut self,
        _process: Process<'_>,
        _audio: ClackAudio<'_>,
        _events: Events<'_>,
    ) -> Result<ProcessStatus, PluginError> {
        Err(PluginError::Message("hotshell runs blocks through its own process function"))
    }
}

impl Processor<'_> {
    fn guarded(&mut self, process: &clap_process) -> clap_process_status {
        // SAFETY: CLAP: during the call the ports and their channels are as the structure says.
        let run = catch_unwind(AssertUnwindSafe(|| unsafe { self.run(process) }));
        match run {
            Ok(status) => status,
            Err(payload) => {
                // Its drop may free or panic; the block that panicked is the one exception of DESIGN 9.1.
                std::mem::forget(payload);
                // SAFETY: as above; the shell's views ended with the panic.
                unsafe { silence(process, 0, 0) };
                self.shared.trouble.panicked.store(true, Ordering::Relaxed);
                self.shared.link.request_callback();
                CLAP_PROCESS_ERROR
            }
        }
    }

    /// # Safety
    /// `process` describes the host's memory truthfully for the duration of the call.
    unsafe fn run(&mut self, process: &clap_process) -> clap_process_status {
        self.check_thread();
        // SAFETY: by this function's contract.
        let lists = unsafe { lists::Lists::new(process.in_events, process.out_events) };
        let input = Input::new(lists.input, process.frames_count);
        let mut output = Output::new(lists.output, process.frames_count);
        if self.shared.edits.deliver(&mut output) {
            self.shared.link.request_callback();
        }
        let (inputs_off, outputs_off) = self.shared.ports_off();
        // SAFETY: by this function's contract.
        let (ins, outs) = unsafe { self.scratch.fill(process, inputs_off, outputs_off) };
        let given = outs.len();
        // SAFETY: by this function's contract the pointers are good for `frames_count` samples; CLAP lets ports alias
        // as whole channels only.
        let mut block = unsafe { HostBlock::new(process.frames_count, ins, outs) };
        // SAFETY: null, or one structure of the host's.
        block.transport = unsafe { process.transport.as_ref() }.map(|raw| transport(raw, 0));
        block.steady_time = process.steady_time.max(-1);
        block.mode = self.shared.mode();
        let outcome = self.audio.process(&mut block, &input, &mut output);
        // A hint, and only of whole buffers: clap-validator 0.4.1's fuzzer holds it against what lies behind the block.
        let whole = process.frames_count >= self.max_frames;
        for (port, bus) in block.outputs().iter().enumerate() {
            // SAFETY: `fill` made at most `audio_outputs_count` buses, in the host's order.
            unsafe {
                (*process.audio_outputs.add(port)).constant_mask = if whole { bus.constant_mask } else { 0 };
            }
        }
        // SAFETY: the shell is done with its block.
        unsafe { silence(process, given, MOST_CHANNELS) };
        self.answer(outcome)
    }

    /// Switches a port of the active layout. False if there is none.
    pub(crate) fn set_port(&self, input: bool, index: u32, on: bool) -> bool {
        let ports = if input { self.scratch.inputs.len() } else { self.scratch.outputs.len() };
        (index as usize) < ports && self.shared.set_port(input, index, on)
    }

    fn answer(&mut self, outcome: Outcome) -> clap_process_status {
        if outcome.tail_changed {
            self.shared.link.tail_changed(&mut self.host);
        }
        match outcome.status {
            BlockStatus::Continue => CLAP_PROCESS_CONTINUE,
            BlockStatus::Tail => CLAP_PROCESS_TAIL,
            BlockStatus::Sleep => CLAP_PROCESS_SLEEP,
        }
    }

    fn check_thread(&mut self) {
        if !self.thread_checked {
            self.thread_checked = true;
            if !self.shared.link.on_audio_thread() {
                self.shared.trouble.wrong_thread.store(true, Ordering::Relaxed);
                self.shared.link.request_callback();
            }
        }
    }
}

/// Memory for one block's description, sized at activation so that a block allocates nothing.
struct Scratch {
    channels: Box<[HostChannel]>,
    inputs: Box<[MaybeUninit<HostBus<'static>>]>,
    outputs: Box<[MaybeUninit<HostBus<'static>>]>,
}

// SAFETY: the pointers inside are written and read within one call of `Processor::run`; between calls they are dead
// values that nobody follows, so it does not matter on which thread they lie.
unsafe impl Send for Scratch {}

impl Scratch {
    fn new(inputs: usize, outputs: usize) -> Self {
        let buses = |count: usize| std::iter::repeat_with(MaybeUninit::uninit).take(count).collect();
        let channels = vec![HostChannel::Null; (inputs + outputs) * MOST_CHANNELS].into_boxed_slice();
        Self { channels, inputs: buses(inputs), outputs: buses(outputs) }
    }

    /// The host's ports, as many as were announced; fewer if it gives fewer.
    ///
    /// # Safety
    /// `process` describes the host's memory truthfully for as long as the answer is used.
    unsafe fn fill<'s>(
        &'s mut self,
        process: &clap_process,
        inputs_off: u64,
        outputs_off: u64,
    ) -> (&'s [HostBus<'s>], &'s mut [HostBus<'s>]) {
        let (for_inputs, for_outputs) = self.channels.split_at_mut(self.inputs.len() * MOST_CHANNELS);
        // SAFETY: by this function's contract; CLAP gives arrays of `count` ports, or null with a count of 0 (checked).
        unsafe {
            let inputs =
                Host { ports: process.audio_inputs, count: process.audio_inputs_count, off: inputs_off };
            let outputs =
                Host { ports: process.audio_outputs, count: process.audio_outputs_count, off: outputs_off };
            // What the host left in the outputs' masks promises nothing.
            let outputs = outputs.buses(for_outputs, &mut self.outputs, 0);
            (inputs.buses(for_inputs, &mut self.inputs, u64::MAX), outputs)
        }
    }
}

/// The host's ports of one direction.
struct Host {
    ports: *const clap_audio_buffer,
    count: u32,
    /// Bit i: port i is off.
    off: u64,
}

impl Host {
    /// Describes the ports; of their constant masks, `masks` counts.
    ///
    /// # Safety
    /// `ports` is null or points to `count` ports that tell the truth.
    unsafe fn buses<'s>(
        &self,
        channels: &'s mut [HostChannel],
        buses: &'s mut [MaybeUninit<HostBus<'static>>],
        masks: u64,
    ) -> &'s mut [HostBus<'s>] {
        let count = if self.ports.is_null() { 0 } else { buses.len().min(self.count as usize) };
        let buses: *mut HostBus<'s> = buses.as_mut_ptr().cast();
        for (index, channels) in channels.chunks_exact_mut(MOST_CHANNELS).take(count).enumerate() {
            // SAFETY: `index < count`, which is at most the host's number and at most the number of `buses`.
            unsafe {
                let port = &*self.ports.add(index);
                let used = describe(port, channels);
                let inactive =
                    self.off.checked_shr(u32::try_from(index).unwrap_or(u32::MAX)).unwrap_or(0) & 1 == 1;
                buses.add(index).write(HostBus {
                    channels: &channels[..used],
                    constant_mask: port.constant_mask & masks,
                    inactive,
                });
            }
        }
        // SAFETY: the loop wrote the first `count` (there is one chunk of channels for each bus); the memory is
        // borrowed for `'s`. `HostBus` has no drop, so overwriting it in the next block loses nothing.
        unsafe { std::slice::from_raw_parts_mut(buses, count) }
    }
}

/// Writes the port's channels into `channels` and answers their number.
///
/// # Safety
/// The port's arrays hold `channel_count` pointers.
unsafe fn describe(port: &clap_audio_buffer, channels: &mut [HostChannel]) -> usize {
    let used = channels.len().min(port.channel_count as usize);
    for (index, channel) in channels[..used].iter_mut().enumerate() {
        // SAFETY: `index < channel_count`; null arrays are checked.
        *channel = unsafe { channel_of(port, index) };
    }
    used
}

/// # Safety
/// The port's arrays, where not null, hold more than `index` pointers.
unsafe fn channel_of(port: &clap_audio_buffer, index: usize) -> HostChannel {
    // SAFETY: by this function's contract.
    unsafe {
        if !port.data32.is_null() {
            let samples = *port.data32.add(index);
            if samples.is_null() { HostChannel::Null } else { HostChannel::F32(samples) }
        } else if !port.data64.is_null() {
            let samples = *port.data64.add(index);
            if samples.is_null() { HostChannel::Null } else { HostChannel::F64(samples) }
        } else {
            HostChannel::Null
        }
    }
}

/// Writes zeros where the shell wrote nothing: output ports from `ports` on, and in the ports before it the channels
/// from `channels` on.
///
/// # Safety
/// `process` describes the host's memory truthfully, and nobody else uses its outputs.
unsafe fn silence(process: &clap_process, ports: usize, channels: usize) {
    let count = if process.audio_outputs.is_null() { 0 } else { process.audio_outputs_count as usize };
    let frames = process.frames_count as usize;
    for index in 0..count {
        // SAFETY: `index` is below the host's number of ports, a channel's below the port's.
        unsafe {
            let port = &mut *process.audio_outputs.add(index);
            let first = if index < ports { channels } else { 0 };
            for channel in first..port.channel_count as usize {
                match channel_of(port, channel) {
                    HostChannel::F32(samples) => samples.write_bytes(0, frames),
                    HostChannel::F64(samples) => samples.write_bytes(0, frames),
                    HostChannel::Null => {}
                }
            }
            if index >= ports {
                port.constant_mask = u64::MAX;
            }
        }
    }
}
