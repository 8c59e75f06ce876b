//! A host's buffers as no polite host gives them: any channel of memory on any input and output, in either precision.
//! Safe to use, for tests of whatever runs blocks.
//!
//! Called by: tests. Calls: `rt/block`. Threads: [any but audio]: allocates.

#![allow(unsafe_code, reason = "DESIGN 9.9: vectors become a host's block here")]

use crate::rt::block::{HostBlock, HostBus, HostChannel};

/// What a guard frame holds: before and behind every channel.
const GUARD: f32 = 99.0;

/// One end of a cable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Jack {
    /// A null pointer.
    Null,
    /// Channel of the memory in single precision.
    Single(usize),
    /// Channel of the memory in double precision.
    Double(usize),
}

/// Memory in both precisions, and the blocks that it is wired into.
#[derive(Debug)]
pub struct Patchbay {
    frames: usize,
    single: Vec<Vec<f32>>,
    double: Vec<Vec<f64>>,
}

impl Patchbay {
    /// `channels` of each precision, `frames` long, silent.
    #[must_use]
    pub fn new(channels: usize, frames: u32) -> Self {
        let frames = frames as usize;
        let mut single = vec![vec![0.0; frames + 2]; channels];
        let mut double = vec![vec![0.0; frames + 2]; channels];
        for (single, double) in single.iter_mut().zip(&mut double) {
            for end in [0, frames + 1] {
                (single[end], double[end]) = (GUARD, f64::from(GUARD));
            }
        }
        Self { frames, single, double }
    }

    /// What the channel holds; silence for a null pointer.
    #[must_use]
    pub fn read(&self, jack: Jack) -> Vec<f64> {
        let frames = 1..=self.frames;
        match jack {
            Jack::Null => vec![0.0; self.frames],
            Jack::Single(i) => self.single[i][frames].iter().map(|sample| f64::from(*sample)).collect(),
            Jack::Double(i) => self.double[i][frames].to_vec(),
        }
    }

    /// Fills channel `i` of both precisions.
    #[expect(clippy::cast_possible_truncation, reason = "rounding to single precision is the point")]
    pub fn fill(&mut self, i: usize, value: impl Fn(usize) -> f64) {
        for frame in 0..self.frames {
            self.double[i][frame + 1] = value(frame);
            self.single[i][frame + 1] = value(frame) as f32;
        }
    }

    /// True if nothing was written outside of the channels.
    #[must_use]
    pub fn guards_stand(&self) -> bool {
        let ends = [0, self.frames + 1];
        let whole = |i: usize| {
            let good = |end: &usize| {
                self.single[i][*end].to_bits() == GUARD.to_bits()
                    && self.double[i][*end].to_bits() == f64::from(GUARD).to_bits()
            };
            ends.iter().all(good)
        };
        (0..self.single.len()).all(whole)
    }

    fn channel(&mut self, jack: Jack) -> HostChannel {
        match jack {
            Jack::Null => HostChannel::Null,
            Jack::Single(i) => HostChannel::F32(self.single[i][1..].as_mut_ptr()),
            Jack::Double(i) => HostChannel::F64(self.double[i][1..].as_mut_ptr()),
        }
    }

    /// Runs `body` on a block whose buses are wired like this; a bus is its jacks, and whether it is switched off.
    ///
    /// # Panics
    /// If a jack names a channel that there is not.
    pub fn with<R>(
        &mut self,
        inputs: &[(&[Jack], bool)],
        outputs: &[(&[Jack], bool)],
        body: impl FnOnce(&mut HostBlock<'_>) -> R,
    ) -> R {
        // One pointer per channel, as a host has: the same channel twice is the same pointer.
        let mut known: Vec<(Jack, HostChannel)> = Vec::new();
        let mut wire = |jacks: &[Jack]| -> Vec<HostChannel> {
            let one = |jack: &Jack| {
                if let Some((_, channel)) = known.iter().find(|(other, _)| other == jack) {
                    return *channel;
                }
                let channel = self.channel(*jack);
                known.push((*jack, channel));
                channel
            };
            jacks.iter().map(one).collect()
        };
        let ins: Vec<_> = inputs.iter().map(|(jacks, _)| wire(jacks)).collect();
        let outs: Vec<_> = outputs.iter().map(|(jacks, _)| wire(jacks)).collect();
        let ins: Vec<_> = ins.iter().zip(inputs).map(|(channels, (_, off))| bus(channels, *off, 0)).collect();
        let mut outs: Vec<_> =
            outs.iter().zip(outputs).map(|(channels, (_, off))| bus(channels, *off, u64::MAX)).collect();
        let frames = u32::try_from(self.frames).unwrap_or(0);
        // SAFETY: every pointer leads to `frames` samples of our own vectors (between the guards), which stay borrowed
        // mutably with `self` while `body` runs. Two pointers are the same or lead to different channels.
        let mut block = unsafe { HostBlock::new(frames, &ins, &mut outs) };
        body(&mut block)
    }
}

const fn bus(channels: &[HostChannel], inactive: bool, constant_mask: u64) -> HostBus<'_> {
    HostBus { channels, constant_mask, inactive }
}
