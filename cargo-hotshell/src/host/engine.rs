//! The audio half of one hosted plug-in: one block in, one block out, every output sample accounted for.
//!
//! Each output buffer is filled with a sentinel before the block, so that a sample which the plug-in does not write is
//! found. Channels are never marked constant: clack-host 0.2 sets that mask with the port's index.
//!
//! Called by: `deck`. Calls: clack-host, `load`. Threads: [audio], one at a time; made and taken apart on [main].

use std::sync::Arc;

use clack_extensions::tail::{PluginTail, TailLength};
use clack_host::events::event_types::TransportEvent;
use clack_host::events::io::EventBuffer;
use clack_host::prelude::{
    AudioPortBuffer, AudioPortBufferType, AudioPorts, InputAudioBuffers, InputChannel, InputEvents,
    OutputAudioBuffers, OutputEvents, PluginAudioProcessor, ProcessStatus, StoppedPluginAudioProcessor,
};

use super::handlers::Handlers;
use super::load;
use super::plugin::Config;
use super::ports::{Dialect, Ports};
use super::role::as_audio;
use super::signals::{Signals, taken};

/// A quiet NaN that no arithmetic makes.
const SENTINEL: f32 = f32::from_bits(0x7FC5_A5A5);

/// Events that fit without an allocation.
const EVENTS: usize = 1024;

/// Channels of one port.
type Port = Vec<Vec<f32>>;

/// What became of one block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// Output samples that the plug-in did not write.
    pub unwritten: u32,
    /// Output samples that were NaN or infinite.
    pub not_finite: u32,
    /// The plug-in answered with an error, or would not start.
    pub failed: bool,
    /// The plug-in slept, with its consent: silence, no call.
    pub asleep: bool,
    /// Events that the plug-in sent.
    pub events_out: u32,
}

impl Outcome {
    /// True if some sample of the block is not the plug-in's.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.unwritten > 0 || self.not_finite > 0 || self.failed
    }
}

/// What the plug-in last said about its need for blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Need {
    Blocks,
    UntilQuiet,
    /// Frames of silent input that it must still be given.
    Tail(u64),
    Nothing,
}

/// An activated plug-in's audio half with its buffers.
pub struct Engine {
    processor: PluginAudioProcessor<Handlers>,
    signals: Arc<Signals>,
    config: Config,
    notes: Option<Dialect>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    input_ports: AudioPorts,
    output_ports: AudioPorts,
    output_events: EventBuffer,
    need: Need,
}

impl Engine {
    pub(super) fn new(
        processor: StoppedPluginAudioProcessor<Handlers>,
        ports: &Ports,
        config: Config,
        signals: Arc<Signals>,
    ) -> Self {
        let frames = usize::try_from(config.max_frames).unwrap_or(0);
        let buffers = |ports: &[usize]| -> Vec<Port> {
            ports.iter().map(|channels| vec![vec![0.0; frames]; *channels]).collect()
        };
        let capacity = |ports: &[usize]| AudioPorts::with_capacity(ports.iter().sum(), ports.len());
        Self {
            processor: PluginAudioProcessor::Stopped(processor),
            signals,
            config,
            notes: ports.notes,
            inputs: buffers(&ports.inputs),
            outputs: buffers(&ports.outputs),
            input_ports: capacity(&ports.inputs),
            output_ports: capacity(&ports.outputs),
            output_events: EventBuffer::with_capacity(EVENTS),
            need: Need::Blocks,
        }
    }

    /// As it was activated.
    #[must_use]
    pub const fn config(&self) -> Config {
        self.config
    }

    /// How it wants notes.
    #[must_use]
    pub const fn notes(&self) -> Option<Dialect> {
        self.notes
    }

    /// Channels of the main output; empty without one.
    #[must_use]
    pub fn output(&self) -> &[Vec<f32>] {
        self.outputs.first().map_or(&[], Vec::as_slice)
    }

    /// Runs one block of `frames` frames (at most the configured maximum) with `input` in the main input port: a mono
    /// source feeds every channel, and a source with more channels than the port is summed into it. The result is in
    /// [`Engine::output`], silence where the plug-in failed to write.
    pub fn process(
        &mut self,
        frames: u32,
        input: &[Vec<f32>],
        events: &EventBuffer,
        steady_time: u64,
        transport: &TransportEvent,
    ) -> Outcome {
        let frames = frames.min(self.config.max_frames);
        let length = usize::try_from(frames).unwrap_or(0);
        let silent = self.feed(input, length) && events.is_empty();
        self.fill_outputs(length, SENTINEL);
        let woken = taken(&self.signals.process) | taken(&self.signals.flush);
        if silent && !woken && self.need == Need::Nothing {
            self.fill_outputs(length, 0.0);
            return Outcome { asleep: true, ..Outcome::default() };
        }
        let mut outcome = Outcome::default();
        match as_audio(|| self.call(frames, length, events, steady_time, transport)) {
            Some(status) => self.need = self.need_after(status, silent, frames, length),
            None => outcome.failed = true,
        }
        outcome.events_out = self.output_events.len();
        self.account(length, &mut outcome);
        outcome
    }

    fn call(
        &mut self,
        frames: u32,
        length: usize,
        events: &EventBuffer,
        steady_time: u64,
        transport: &TransportEvent,
    ) -> Option<ProcessStatus> {
        let started = self.processor.ensure_processing_started().ok()?;
        self.output_events.clear();
        let inputs = if self.inputs.is_empty() {
            load::no_inputs(frames)
        } else {
            connect_inputs(&mut self.input_ports, &mut self.inputs, length)
        };
        let mut outputs = if self.outputs.is_empty() {
            OutputAudioBuffers::empty()
        } else {
            connect_outputs(&mut self.output_ports, &mut self.outputs, length)
        };
        started
            .process(
                &inputs,
                &mut outputs,
                &InputEvents::from_buffer(events),
                &mut OutputEvents::from_buffer(&mut self.output_events),
                Some(steady_time),
                Some(transport),
            )
            .ok()
    }

    /// Copies the source into the main input; the other inputs are silent. True if all of it is silence.
    fn feed(&mut self, input: &[Vec<f32>], length: usize) -> bool {
        let silent = input.iter().all(|channel| channel[..length].iter().all(|sample| *sample == 0.0));
        let Some((main, others)) = self.inputs.split_first_mut() else { return silent };
        for channel in others.iter_mut().flatten() {
            channel[..length].fill(0.0);
        }
        let wide = main.len();
        for (index, channel) in main.iter_mut().enumerate() {
            channel[..length].fill(0.0);
            let sources =
                input.iter().enumerate().filter(|(source, _)| input.len() == 1 || source % wide == index);
            for (_, source) in sources {
                for (to, from) in channel[..length].iter_mut().zip(source) {
                    *to += from;
                }
            }
        }
        silent
    }

    fn fill_outputs(&mut self, length: usize, value: f32) {
        for channel in self.outputs.iter_mut().flatten() {
            channel[..length].fill(value);
        }
    }

    /// Counts what the plug-in left out, and puts silence there.
    fn account(&mut self, length: usize, outcome: &mut Outcome) {
        for sample in self.outputs.iter_mut().flatten().flat_map(|channel| &mut channel[..length]) {
            if sample.to_bits() == SENTINEL.to_bits() {
                outcome.unwritten += 1;
                *sample = 0.0;
            } else if !sample.is_finite() {
                outcome.not_finite += 1;
                *sample = 0.0;
            }
        }
    }

    fn need_after(&mut self, status: ProcessStatus, silent: bool, frames: u32, length: usize) -> Need {
        let left = match self.need {
            Need::Tail(left) if silent && !taken(&self.signals.tail) => Some(left),
            _ => None,
        };
        match status {
            ProcessStatus::Continue => Need::Blocks,
            ProcessStatus::Sleep => Need::Nothing,
            ProcessStatus::ContinueIfNotQuiet => {
                let quiet =
                    self.outputs.iter().flatten().all(|channel| channel[..length].iter().all(|s| *s == 0.0));
                if quiet && silent { Need::Nothing } else { Need::UntilQuiet }
            }
            ProcessStatus::Tail => match left.or_else(|| self.tail()) {
                Some(left) if silent && left <= u64::from(frames) => Need::Nothing,
                Some(left) if silent => Need::Tail(left - u64::from(frames)),
                Some(left) => Need::Tail(left),
                None => Need::Blocks,
            },
        }
    }

    /// Frames; `None` for an endless tail.
    fn tail(&mut self) -> Option<u64> {
        let handle = self.processor.plugin_handle();
        match as_audio(|| handle.get_extension::<PluginTail>().map(|tail| tail.get(&handle))) {
            Some(TailLength::Finite(frames)) => Some(u64::from(frames)),
            Some(TailLength::Infinite) => None,
            None => Some(0),
        }
    }

    /// Ends processing. [audio], before the engine goes back to main.
    pub fn stop(&mut self) {
        as_audio(|| {
            self.processor.ensure_processing_stopped();
        });
    }

    pub(super) fn into_processor(self) -> PluginAudioProcessor<Handlers> {
        self.processor
    }
}

fn connect_inputs<'a>(
    ports: &'a mut AudioPorts,
    buffers: &'a mut [Port],
    length: usize,
) -> InputAudioBuffers<'a> {
    ports.with_input_buffers(buffers.iter_mut().map(|port| {
        AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                port.iter_mut()
                    .map(move |channel| InputChannel { buffer: &mut channel[..length], is_constant: false }),
            ),
        }
    }))
}

fn connect_outputs<'a>(
    ports: &'a mut AudioPorts,
    buffers: &'a mut [Port],
    length: usize,
) -> OutputAudioBuffers<'a> {
    ports.with_output_buffers(buffers.iter_mut().map(|port| AudioPortBuffer {
        latency: 0,
        channels: AudioPortBufferType::f32_output_only(
            port.iter_mut().map(move |channel| &mut channel[..length]),
        ),
    }))
}
