//! The audio half of one hosted plug-in: one block in, one block out, every output sample accounted for.
//!
//! Each output buffer is filled with a sentinel before the block, so that a sample which the plug-in does not write is
//! found.
//!
//! Called by: `deck`. Calls: `clap_engine`, `vst3_engine`. Threads: [audio], one at a time; made and taken apart on
//! [main].

use clack_host::events::event_types::TransportEvent;
use clack_host::events::io::EventBuffer;

use super::clap_engine::ClapEngine;
use super::plugin::Config;
use super::ports::{Dialect, Ports};
use super::vst3_engine::Vst3Engine;

/// A quiet NaN that no arithmetic makes.
const SENTINEL: f32 = f32::from_bits(0x7FC5_A5A5);

/// Channels of one port.
pub(super) type Port = Vec<Vec<f32>>;

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

/// An activated plug-in's audio half with its buffers.
pub enum Engine {
    /// Of a CLAP plug-in.
    Clap(Box<ClapEngine>),
    /// Of a VST3 plug-in.
    Vst3(Box<Vst3Engine>),
}

impl Engine {
    /// As it was activated.
    #[must_use]
    pub const fn config(&self) -> Config {
        match self {
            Self::Clap(engine) => engine.config(),
            Self::Vst3(engine) => engine.config(),
        }
    }

    /// How it wants notes.
    #[must_use]
    pub const fn notes(&self) -> Option<Dialect> {
        match self {
            Self::Clap(engine) => engine.notes(),
            Self::Vst3(engine) => engine.notes(),
        }
    }

    /// Channels of the main output; empty without one.
    #[must_use]
    pub fn output(&self) -> &[Vec<f32>] {
        match self {
            Self::Clap(engine) => engine.output(),
            Self::Vst3(engine) => engine.output(),
        }
    }

    /// Runs one block of `frames` frames (at most the configured maximum) with `input` in the main input port: a mono
    /// source feeds every channel, and a source with more channels than the port is summed into it. Values of parameters
    /// in `events` are as `Plugin::event_value` gives them. The result is in [`Engine::output`], silence where the
    /// plug-in failed to write.
    pub fn process(
        &mut self,
        frames: u32,
        input: &[Vec<f32>],
        events: &EventBuffer,
        steady_time: u64,
        transport: &TransportEvent,
    ) -> Outcome {
        let frames = frames.min(self.config().max_frames);
        match self {
            Self::Clap(engine) => engine.process(frames, input, events, steady_time, transport),
            Self::Vst3(engine) => engine.process(frames, input, events, steady_time, transport),
        }
    }

    /// Ends processing. [audio], before the engine goes back to main.
    pub fn stop(&mut self) {
        match self {
            Self::Clap(engine) => engine.stop(),
            Self::Vst3(engine) => engine.stop(),
        }
    }
}

/// What a block's audio is in.
pub(super) struct Buffers {
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
}

impl Buffers {
    pub(super) fn new(ports: &Ports, config: Config) -> Self {
        let frames = usize::try_from(config.max_frames).unwrap_or(0);
        let buffers = |ports: &[usize]| -> Vec<Port> {
            ports.iter().map(|channels| vec![vec![0.0; frames]; *channels]).collect()
        };
        Self { inputs: buffers(&ports.inputs), outputs: buffers(&ports.outputs) }
    }

    pub(super) fn output(&self) -> &[Vec<f32>] {
        self.outputs.first().map_or(&[], Vec::as_slice)
    }

    /// Copies the source into the main input; the other inputs are silent, and the outputs hold the sentinel. True if
    /// all of the source is silence.
    pub(super) fn feed(&mut self, input: &[Vec<f32>], length: usize) -> bool {
        self.fill_outputs(length, SENTINEL);
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

    pub(super) fn silence(&mut self, length: usize) {
        self.fill_outputs(length, 0.0);
    }

    fn fill_outputs(&mut self, length: usize, value: f32) {
        for channel in self.outputs.iter_mut().flatten() {
            channel[..length].fill(value);
        }
    }

    /// Counts what the plug-in left out, and puts silence there.
    pub(super) fn account(&mut self, length: usize, outcome: &mut Outcome) {
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
}
