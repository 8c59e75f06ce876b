//! Hears the swap in the audio itself: what factor lies between input and output, block by block.
//!
//! Called by: `demo`. Calls: nothing. Threads: [`Ear::block`] [audio] of the host, [`Recording`] [main].

use std::collections::VecDeque;
use std::sync::Arc;

use hotshell_core::reload::slot;
use parking_lot::Mutex;

use crate::Error;
use crate::host::deck::{Played, Sink};

/// Below this mean square an input says nothing about the factor.
const SILENCE: f64 = 1e-7;

/// Two factors closer than this are one, as a share of the larger.
const SAME: f64 = 0.01;

/// One block, copied.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Nanoseconds since 1970, when the block was ready.
    pub time: u64,
    /// First channel.
    pub input: Vec<f32>,
    /// All channels.
    pub output: Vec<Vec<f32>>,
}

/// A sink that hands every block to main.
#[derive(Clone, Debug, Default)]
pub struct Ear(Arc<Mutex<VecDeque<Heard>>>);

impl Ear {
    /// The blocks since the last call.
    pub fn take(&self) -> VecDeque<Heard> {
        std::mem::take(&mut *self.0.lock())
    }
}

impl Sink for Ear {
    fn block(&mut self, block: &Played<'_>) {
        let copy = |channel: &Vec<f32>| channel[..block.frames].to_vec();
        let heard = Heard {
            time: slot::now(),
            input: block.input.first().map(copy).unwrap_or_default(),
            output: block.output.iter().map(copy).collect(),
        };
        self.0.lock().push_back(heard);
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        Ok(())
    }
}

/// The factor by which `output` is `input`, by least squares; `None` where the input is silent.
#[must_use]
pub fn factor(input: &[f32], output: &[f32]) -> Option<f64> {
    let product = |left: &[f32], right: &[f32]| -> f64 {
        left.iter().zip(right).map(|(left, right)| f64::from(*left) * f64::from(*right)).sum()
    };
    let power = product(input, input);
    (power > SILENCE * count(input.len())).then(|| product(input, output) / power)
}

#[allow(clippy::cast_precision_loss, reason = "a length of a block")]
const fn count(length: usize) -> f64 {
    length as f64
}

/// True if two factors sound the same.
#[must_use]
pub fn is_same(left: f64, right: f64) -> bool {
    (left - right).abs() <= SAME * left.abs().max(right.abs())
}

/// What was heard, the last part of it.
#[derive(Debug, Default)]
pub struct Recording {
    /// First channel of the input.
    pub input: Vec<f32>,
    /// All channels of the output.
    pub output: Vec<Vec<f32>>,
    /// For each block: its first frame in this recording, and when it was ready.
    pub blocks: Vec<(usize, u64)>,
    /// Factor of the last block that was not silent.
    pub factor: Option<f64>,
    /// Consecutive blocks with that factor.
    pub steady: usize,
}

impl Recording {
    /// Appends a block.
    pub fn push(&mut self, heard: Heard) {
        self.blocks.push((self.input.len(), heard.time));
        if let Some(found) = factor(&heard.input, heard.output.first().map_or(&[][..], Vec::as_slice)) {
            self.steady =
                if self.factor.is_some_and(|last| is_same(last, found)) { self.steady + 1 } else { 1 };
            self.factor = Some(found);
        }
        self.input.extend(heard.input);
        self.output.resize(heard.output.len(), Vec::new());
        for (all, new) in self.output.iter_mut().zip(heard.output) {
            all.extend(new);
        }
    }

    /// Forgets all but the last `blocks` blocks, when there are twice as many.
    pub fn keep_last(&mut self, blocks: usize) {
        if self.blocks.len() < 2 * blocks {
            return;
        }
        let gone = self.blocks.len() - blocks;
        let frames = self.blocks[gone].0;
        self.blocks.drain(..gone);
        self.blocks.iter_mut().for_each(|block| block.0 -= frames);
        self.input.drain(..frames);
        self.output.iter_mut().for_each(|channel| drop(channel.drain(..frames)));
    }

    /// When the block that holds `frame` was ready.
    #[must_use]
    pub fn time_of(&self, frame: usize) -> Option<u64> {
        self.blocks.iter().take_while(|block| block.0 <= frame).last().map(|block| block.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(frames: std::ops::Range<u16>) -> Vec<f32> {
        frames.map(|frame| (f32::from(frame) * 0.1).sin()).collect()
    }

    fn heard(time: u64, gain: f32) -> Heard {
        let input = wave(0..64);
        let output = vec![input.iter().map(|sample| sample * gain).collect()];
        Heard { time, input, output }
    }

    #[test]
    fn the_factor_is_found_and_silence_has_none() {
        let input = wave(0..64);
        let output: Vec<f32> = input.iter().map(|sample| sample * -0.25).collect();
        assert!((factor(&input, &output).unwrap() + 0.25).abs() < 1e-6);
        assert_eq!(factor(&[0.0; 64], &output), None);
    }

    #[test]
    fn a_recording_counts_steady_blocks_and_knows_their_times_after_forgetting() {
        let mut recording = Recording::default();
        for time in 0..10 {
            recording.push(heard(time, 1.0));
        }
        recording.push(heard(10, 0.5));
        assert_eq!((recording.steady, recording.time_of(64 * 3 + 5)), (1, Some(3)));
        recording.keep_last(4);
        assert_eq!((recording.blocks.len(), recording.input.len(), recording.output[0].len()), (4, 256, 256));
        assert_eq!((recording.time_of(0), recording.time_of(255)), (Some(7), Some(10)));
    }
}
