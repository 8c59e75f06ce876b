//! A delay for several channels: pads a smaller latency to the one that the host knows, and keeps the dry signal of a
//! bypass in step. It can become shorter while it runs, faded.
//!
//! Called by: `shell/player`, `shell/bypass`. Calls: `shell/fade`. Threads: [audio]; `new` allocates: [main] [reload].

#![deny(clippy::disallowed_types)]

use hotshell_abi::Sample;

use crate::shell::fade::Law;

/// `channels` rings of the same length.
#[derive(Debug)]
pub struct DelayLine<S> {
    memory: Vec<S>,
    /// Frames of a ring: the longest delay.
    size: usize,
    position: usize,
    /// Frames of delay that are heard.
    frames: usize,
    shrinking: Option<Shrinking>,
}

/// A change-over to a shorter delay.
#[derive(Clone, Copy, Debug)]
struct Shrinking {
    to: usize,
    position: usize,
    length: usize,
}

impl<S: Sample> DelayLine<S> {
    /// A silent line of `frames` frames. Allocates.
    #[must_use]
    pub fn new(channels: usize, frames: u32) -> Self {
        let size = frames as usize;
        Self { memory: vec![S::ZERO; channels * size], size, position: 0, frames: size, shrinking: None }
    }

    /// Frames of delay; of two, the longer one.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.frames
    }

    /// Brings the delay down to `frames`, within a fade of `fade` frames (0: at once, for a line that nobody has heard
    /// yet). Does nothing where it is that short, or while another fade runs.
    pub const fn shorten(&mut self, frames: usize, fade: usize) {
        if frames >= self.frames || self.shrinking.is_some() {
            return;
        }
        if fade == 0 {
            self.frames = frames;
        } else {
            self.shrinking = Some(Shrinking { to: frames, position: 0, length: fade });
        }
    }

    /// Replaces `samples` of `channel` by what went in earlier. Every channel is run once, then [`DelayLine::advance`]
    /// moves on by as many frames.
    pub fn run(&mut self, channel: usize, samples: &mut [S]) {
        if self.frames == 0 {
            return;
        }
        let Some(ring) = self.memory.chunks_exact_mut(self.size).nth(channel) else { return };
        let mut at = self.position;
        if self.frames < self.size || self.shrinking.is_some() {
            Self::run_shorter(ring, at, samples, self.frames, self.shrinking);
            return;
        }
        for sample in samples {
            std::mem::swap(sample, &mut ring[at]);
            at += 1;
            if at == self.size {
                at = 0;
            }
        }
    }

    #[cold]
    fn run_shorter(
        ring: &mut [S],
        mut at: usize,
        samples: &mut [S],
        frames: usize,
        shrinking: Option<Shrinking>,
    ) {
        let size = ring.len();
        for (i, sample) in samples.iter_mut().enumerate() {
            let oldest = std::mem::replace(&mut ring[at], *sample);
            let tap = |frames: usize| if frames == size { oldest } else { ring[(at + size - frames) % size] };
            *sample = match shrinking {
                Some(Shrinking { to, position, length }) => {
                    let (old, new) = Law::EqualGain.gains(position + i, length);
                    tap(frames) * S::from_f64(old) + tap(to) * S::from_f64(new)
                }
                None => tap(frames),
            };
            at = if at + 1 == size { 0 } else { at + 1 };
        }
    }

    /// Moves on by `frames` after all channels have run.
    pub const fn advance(&mut self, frames: usize) {
        if self.frames == 0 {
            return;
        }
        self.position = (self.position + frames) % self.size;
        if let Some(shrinking) = &mut self.shrinking {
            shrinking.position += frames;
            if shrinking.position >= shrinking.length {
                self.frames = shrinking.to;
                self.shrinking = None;
            }
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

    /// What comes out of the second of two channels for 1, 2, 3, ... in blocks of `sizes`; the first has the opposite.
    fn play(line: &mut DelayLine<f64>, next: &mut f64, sizes: &[usize]) -> Vec<f64> {
        let mut out = Vec::new();
        for size in sizes {
            let mut right: Vec<f64> = (0..*size).map(|_| std::mem::replace(next, *next + 1.0)).collect();
            let mut left: Vec<f64> = right.iter().map(|x| -x).collect();
            line.run(0, &mut left);
            line.run(1, &mut right);
            line.advance(*size);
            assert!(left.iter().zip(&right).all(|(l, r)| *l == -*r));
            out.extend(right);
        }
        out
    }

    #[test]
    fn comes_out_exactly_the_delay_later_across_blocks_of_any_size() {
        let mut line = DelayLine::<f64>::new(2, 5);
        let out = play(&mut line, &mut 1.0, &[3, 1, 7, 2, 9]);
        let expected: Vec<f64> = (0..22).map(|i| if i < 5 { 0.0 } else { f64::from(i - 4) }).collect();
        assert_eq!(out, expected);
    }

    #[test]
    fn becomes_shorter_within_its_fade_and_is_exact_afterwards() {
        for to in [3, 0] {
            let mut line = DelayLine::<f64>::new(2, 5);
            let mut next = 1.0;
            play(&mut line, &mut next, &[8]);
            line.shorten(to, 10);
            let fade = play(&mut line, &mut next, &[4, 3, 3]);
            for (now, heard) in (9..).zip(&fade) {
                let (old, new) = (f64::from(now - 5), f64::from(now) - to as f64);
                assert!((old..=new).contains(heard), "{heard} of {old} to {new}");
            }
            assert_eq!(line.frames(), to);
            let after = play(&mut line, &mut next, &[1, 9, 2]);
            let wanted: Vec<f64> = (0..12).map(|i| f64::from(i + 19) - to as f64).collect();
            assert_eq!(after, wanted);
        }
    }

    #[test]
    fn a_line_that_nobody_has_heard_is_shortened_at_once_and_never_lengthened() {
        let mut line = DelayLine::<f64>::new(2, 5);
        line.shorten(2, 0);
        line.shorten(4, 0);
        assert_eq!(line.frames(), 2);
        assert_eq!(play(&mut line, &mut 1.0, &[2, 3]), [0.0, 0.0, 1.0, 2.0, 3.0]);
    }
}
