//! The bypass that the shell makes: crossfaded, latency kept. The logic goes on running, so its tails are where they
//! would be when the bypass ends.
//!
//! Called by: `shell/audio`. Calls: `shell/delay`. Threads: [audio]; `new` allocates.

#![deny(clippy::disallowed_types)]

use hotshell_abi::Sample;

use crate::rt::bound::Bound;
use crate::shell::delay::DelayLine;
use crate::shell::fade::AUTO_MILLISECONDS;

/// The dry signal in step with the wet one, and how much of it is heard.
#[derive(Debug)]
pub struct Bypass<S> {
    dry: Vec<Vec<S>>,
    /// Channels of `dry` that were captured last; the others hold the past.
    captured: usize,
    line: DelayLine<S>,
    /// 0: wet, 1: dry.
    amount: f64,
    step: f64,
}

impl<S: Sample> Bypass<S> {
    /// For the main input's `channels`, chunks of `max_frames`, and the announced latency. Allocates.
    #[must_use]
    pub fn new(channels: usize, max_frames: u32, latency: u32, sample_rate: f64) -> Self {
        Self {
            dry: (0..channels).map(|_| vec![S::ZERO; max_frames as usize]).collect(),
            captured: 0,
            line: DelayLine::new(channels, latency),
            amount: 0.0,
            step: 1.0 / (AUTO_MILLISECONDS * sample_rate / 1000.0).max(1.0),
        }
    }

    /// Takes the position at once, without a fade: after activation.
    pub const fn jump(&mut self, on: bool) {
        self.amount = if on { 1.0 } else { 0.0 };
    }

    /// Forgets what is delayed.
    pub fn clear(&mut self) {
        self.line.clear();
    }

    /// True if the dry signal is needed in this block.
    #[must_use]
    #[inline]
    pub fn needs_dry(&self, on: bool) -> bool {
        on || self.amount > 0.0 || self.line.frames() > 0
    }

    /// True if nothing but the dry signal is heard: whatever the logic does makes no step.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.amount >= 1.0
    }

    /// Frames by which the dry signal is late.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.line.frames()
    }

    /// Keeps frames `from..to` of the input before the logic writes over them.
    pub fn capture(&mut self, io: &Bound<'_, S>, from: usize, to: usize) {
        self.captured = io.main_inputs().min(self.dry.len());
        for (channel, dry) in self.dry.iter_mut().enumerate().take(self.captured) {
            dry[from..to].copy_from_slice(&io.input(channel)[from..to]);
            self.line.run(channel, &mut dry[from..to]);
        }
        self.line.advance(to - from);
    }

    /// What was captured of main input `channel`.
    #[must_use]
    pub fn dry(&self, channel: usize) -> Option<&[S]> {
        self.dry[..self.captured].get(channel).map(Vec::as_slice)
    }

    /// Mixes dry and wet in frames `from..to`, moving towards `on`. Needs the same frames captured.
    pub fn apply(&mut self, io: &mut Bound<'_, S>, on: bool, from: usize, to: usize) {
        let target = if on { 1.0 } else { 0.0 };
        if self.amount == 0.0 && !on {
            return;
        }
        let (start, step) = (self.amount, if on { self.step } else { -self.step });
        let mut end = start;
        for channel in 0..io.output_channels() {
            let dry = self.dry[..self.captured].get(channel).filter(|_| channel < io.main_outputs());
            let mut amount = start;
            for (i, sample) in io.output(channel)[from..to].iter_mut().enumerate() {
                amount = if amount == target { target } else { (amount + step).clamp(0.0, 1.0) };
                let gain = 0.5 - 0.5 * (amount * std::f64::consts::PI).cos();
                let dry = dry.map_or(S::ZERO, |dry| dry[from + i]);
                let dry = if dry.finite() { dry } else { S::ZERO };
                // At the end the dry signal passes to the bit, whatever the wet one is.
                *sample = if amount >= 1.0 {
                    dry * S::ONE
                } else {
                    *sample * S::from_f64(1.0 - gain) + dry * S::from_f64(gain)
                };
            }
            end = amount;
        }
        self.amount = end;
    }
}
