//! The sound of one block: input channels, and output channels with a sentinel in every sample, in both precisions.
//!
//! Called by: `audio`, `vst3/audio`. Calls: nothing. Threads: they travel with the audio half.
#![allow(unsafe_code, reason = "pointers that travel with what they point into; harness, DESIGN 9.9")]

use crate::audio::{Outcome, Setup, Signal};

/// A quiet NaN that no plug-in computes.
pub(crate) const SENTINEL: f32 = f32::from_bits(0x7fc5_1234);
/// The same in double precision.
const SENTINEL_WIDE: f64 = f64::from_bits(0x7ff8_5123_4567_89ab);
/// Samples behind each channel that must stay as they are.
const BEHIND: usize = 16;

/// One port, or bus.
pub(crate) struct Port {
    narrow: Vec<Vec<f32>>,
    wide: Vec<Vec<f64>>,
    narrow_pointers: Vec<*mut f32>,
    wide_pointers: Vec<*mut f64>,
}

// SAFETY: the pointers point into the vectors beside them (or beside them in `Buffers`), which move with them and are
// never resized.
unsafe impl Send for Port {}

impl Port {
    fn new(channels: usize, frames: usize) -> Self {
        let mut narrow = vec![vec![0.0; frames + BEHIND]; channels];
        let mut wide = vec![vec![0.0; frames + BEHIND]; channels];
        let narrow_pointers = narrow.iter_mut().map(Vec::as_mut_ptr).collect();
        let wide_pointers = wide.iter_mut().map(Vec::as_mut_ptr).collect();
        Self { narrow, wide, narrow_pointers, wide_pointers }
    }

    pub(crate) const fn channels(&self) -> usize {
        self.narrow.len()
    }

    pub(crate) const fn narrow_pointers(&mut self) -> *mut *mut f32 {
        self.narrow_pointers.as_mut_ptr()
    }

    pub(crate) const fn wide_pointers(&mut self) -> *mut *mut f64 {
        self.wide_pointers.as_mut_ptr()
    }
}

/// All ports of a plug-in.
pub(crate) struct Buffers {
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
    in_place: bool,
    wide: bool,
}

impl Buffers {
    /// With the number of channels of each port.
    pub(crate) fn new(setup: &Setup, inputs: &[u32], outputs: &[u32]) -> Self {
        let frames = setup.max_frames as usize;
        let ports = |counts: &[u32]| -> Vec<Port> {
            counts.iter().map(|channels| Port::new(*channels as usize, frames)).collect()
        };
        let (mut inputs, outputs) = (ports(inputs), ports(outputs));
        if setup.in_place
            && let (Some(from), Some(to)) = (inputs.first_mut(), outputs.first())
        {
            for (channel, pointer) in to.narrow_pointers.iter().enumerate().take(from.narrow.len()) {
                from.narrow_pointers[channel] = *pointer;
                from.wide_pointers[channel] = to.wide_pointers[channel];
            }
        }
        Self { inputs, outputs, in_place: setup.in_place, wide: setup.wide }
    }

    /// Before a block that begins `at` a frame.
    pub(crate) fn fill(&mut self, frames: usize, at: u64, signal: &Signal) {
        for port in &mut self.outputs {
            port.narrow.iter_mut().for_each(|channel| channel.fill(SENTINEL));
            port.wide.iter_mut().for_each(|channel| channel.fill(SENTINEL_WIDE));
        }
        let shared = if self.in_place { self.outputs.first_mut() } else { None };
        let feed = |port: &mut Port, channel: usize| {
            for i in 0..frames {
                let sample = signal(at + i as u64, channel);
                port.narrow[channel][i] = sample;
                port.wide[channel][i] = f64::from(sample);
            }
        };
        let skip = shared.as_ref().map_or(0, |port| port.narrow.len());
        if let Some(port) = shared {
            (0..port.narrow.len()).for_each(|channel| feed(port, channel));
        }
        for (index, port) in self.inputs.iter_mut().enumerate() {
            let first = if index == 0 { skip.min(port.narrow.len()) } else { 0 };
            (first..port.narrow.len()).for_each(|channel| feed(port, channel));
        }
    }

    /// After it.
    pub(crate) fn check(&self, frames: usize, outcome: &mut Outcome) {
        for (index, port) in self.outputs.iter().enumerate() {
            for channel in 0..port.narrow.len() {
                for i in 0..frames + BEHIND {
                    let (narrow, wide) = (port.narrow[channel][i], port.wide[channel][i]);
                    let untouched = if self.wide {
                        wide.to_bits() == SENTINEL_WIDE.to_bits()
                    } else {
                        narrow.to_bits() == SENTINEL.to_bits()
                    };
                    let finite = if self.wide { wide.is_finite() } else { narrow.is_finite() };
                    if i >= frames {
                        outcome.overrun += u64::from(!untouched);
                    } else if untouched && !(self.in_place && index == 0) {
                        outcome.unwritten += 1;
                    } else {
                        outcome.not_finite += u64::from(!finite);
                    }
                }
            }
        }
    }

    /// Sample of the first output port after a block; 0 where there is none.
    pub(crate) fn sample(&self, channel: usize, frame: usize) -> f32 {
        let Some(port) = self.outputs.first() else { return 0.0 };
        if self.wide {
            #[expect(clippy::cast_possible_truncation, reason = "tests compare in single precision")]
            return port.wide.get(channel).map_or(0.0, |samples| samples[frame] as f32);
        }
        port.narrow.get(channel).map_or(0.0, |samples| samples[frame])
    }

    /// The same as it is.
    pub(crate) fn sample_wide(&self, channel: usize, frame: usize) -> f64 {
        let Some(port) = self.outputs.first() else { return 0.0 };
        if self.wide {
            port.wide.get(channel).map_or(0.0, |samples| samples[frame])
        } else {
            f64::from(self.sample(channel, frame))
        }
    }

    /// Channels of the first output port.
    pub(crate) fn channels(&self) -> usize {
        self.outputs.first().map_or(0, Port::channels)
    }
}
