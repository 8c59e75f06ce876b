//! The audio half of a hosted CLAP plug-in: one block in, one block out, and sleep where the plug-in allows it.
//!
//! Channels are never marked constant: clack-host 0.2 sets that mask with the port's index.
//!
//! Called by: `engine`. Calls: clack-host, `load`. Threads: [audio], one at a time; made and taken apart on [main].

use std::sync::Arc;

use clack_extensions::tail::{PluginTail, TailLength};
use clack_host::events::event_types::TransportEvent;
use clack_host::events::io::EventBuffer;
use clack_host::prelude::{
    AudioPortBuffer, AudioPortBufferType, AudioPorts, InputAudioBuffers, InputChannel, InputEvents,
    OutputAudioBuffers, OutputEvents, PluginAudioProcessor, ProcessStatus, StoppedPluginAudioProcessor,
};

use super::engine::{Buffers, Outcome, Port};
use super::handlers::Handlers;
use super::load;
use super::plugin::Config;
use super::ports::{Dialect, Ports};
use super::role::as_audio;
use super::signals::{Signals, taken};

/// Events that fit without an allocation.
const EVENTS: usize = 1024;

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
pub struct ClapEngine {
    processor: PluginAudioProcessor<Handlers>,
    signals: Arc<Signals>,
    config: Config,
    notes: Option<Dialect>,
    buffers: Buffers,
    input_ports: AudioPorts,
    output_ports: AudioPorts,
    output_events: EventBuffer,
    need: Need,
}

impl ClapEngine {
    pub(super) fn new(
        processor: StoppedPluginAudioProcessor<Handlers>,
        ports: &Ports,
        config: Config,
        signals: Arc<Signals>,
    ) -> Self {
        let capacity = |ports: &[usize]| AudioPorts::with_capacity(ports.iter().sum(), ports.len());
        Self {
            processor: PluginAudioProcessor::Stopped(processor),
            signals,
            config,
            notes: ports.notes,
            buffers: Buffers::new(ports, config),
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
        self.buffers.output()
    }

    /// Runs one block of `frames` frames, at most the configured maximum.
    pub fn process(
        &mut self,
        frames: u32,
        input: &[Vec<f32>],
        events: &EventBuffer,
        steady_time: u64,
        transport: &TransportEvent,
    ) -> Outcome {
        let length = usize::try_from(frames).unwrap_or(0);
        let silent = self.buffers.feed(input, length) && events.is_empty();
        let woken = taken(&self.signals.process) | taken(&self.signals.flush);
        if silent && !woken && self.need == Need::Nothing {
            self.buffers.silence(length);
            return Outcome { asleep: true, ..Outcome::default() };
        }
        let mut outcome = Outcome::default();
        match as_audio(|| self.call(frames, length, events, steady_time, transport)) {
            Some(status) => self.need = self.need_after(status, silent, frames, length),
            None => outcome.failed = true,
        }
        outcome.events_out = self.output_events.len();
        self.buffers.account(length, &mut outcome);
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
        let inputs = if self.buffers.inputs.is_empty() {
            load::no_inputs(frames)
        } else {
            connect_inputs(&mut self.input_ports, &mut self.buffers.inputs, length)
        };
        let mut outputs = if self.buffers.outputs.is_empty() {
            OutputAudioBuffers::empty()
        } else {
            connect_outputs(&mut self.output_ports, &mut self.buffers.outputs, length)
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

    fn need_after(&mut self, status: ProcessStatus, silent: bool, frames: u32, length: usize) -> Need {
        let left = match self.need {
            Need::Tail(left) if silent && !taken(&self.signals.tail) => Some(left),
            _ => None,
        };
        match status {
            ProcessStatus::Continue => Need::Blocks,
            ProcessStatus::Sleep => Need::Nothing,
            ProcessStatus::ContinueIfNotQuiet => {
                let quiet = self
                    .buffers
                    .outputs
                    .iter()
                    .flatten()
                    .all(|channel| channel[..length].iter().all(|s| *s == 0.0));
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

    /// Ends processing.
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
