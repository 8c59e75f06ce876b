//! A fixed delay for several channels: pads a smaller latency to the announced one, and keeps the dry signal of a
//! bypass in step.
//!
//! Called by: `shell/player`, `shell/bypass`. Calls: nothing. Threads: [audio]; `new` allocates: [main] [reload].

#![deny(clippy::disallowed_types)]

use hotshell_abi::Sample;

/// `channels` rings of `frames` samples each.
#[derive(Debug)]
pub struct DelayLine<S> {
    memory: Vec<S>,
    frames: usize,
    position: usize,
}

impl<S: Sample> DelayLine<S> {
    /// A silent line. Allocates.
    #[must_use]
    pub fn new(channels: usize, frames: u32) -> Self {
        let frames = frames as usize;
        Self { memory: vec![S::ZERO; channels * frames], frames, position: 0 }
    }

    /// Frames of delay.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.frames
    }

    /// Replaces `samples` of `channel` by what went in `frames` earlier. Every channel is run once, then
    /// [`DelayLine::advance`] moves on by as many frames.
    pub fn run(&mut self, channel: usize, samples: &mut [S]) {
        if self.frames == 0 {
            return;
        }
        let Some(ring) = self.memory.chunks_exact_mut(self.frames).nth(channel) else { return };
        let mut at = self.position;
        for sample in samples {
            std::mem::swap(sample, &mut ring[at]);
            at += 1;
            if at == self.frames {
                at = 0;
            }
        }
    }

    /// Moves on by `frames` after all channels have run.
    pub fn advance(&mut self, frames: usize) {
        if self.frames > 0 {
            self.position = (self.position + frames) % self.frames;
        }
    }

    /// Forgets what is in the line.
    pub fn clear(&mut self) {
        self.memory.fill(S::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_out_exactly_the_delay_later_across_blocks_of_any_size() {
        let mut line = DelayLine::<f64>::new(2, 5);
        let mut out = Vec::new();
        let mut next = 0.0;
        for size in [3_usize, 1, 7, 2, 9] {
            let mut left: Vec<f64> = (0..size)
                .map(|_| {
                    next += 1.0;
                    next
                })
                .collect();
            let mut right: Vec<f64> = left.iter().map(|x| -x).collect();
            line.run(0, &mut left);
            line.run(1, &mut right);
            line.advance(size);
            assert!(left.iter().zip(&right).all(|(l, r)| *l == -*r));
            out.extend(left);
        }
        let expected: Vec<f64> = (0..22).map(|i| if i < 5 { 0.0 } else { f64::from(i - 4) }).collect();
        assert_eq!(out, expected);
    }
}
