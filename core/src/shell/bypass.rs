//! The bypass that the shell makes: crossfaded, latency kept. The logic goes on running, so its tails are where they
//! would be when the bypass ends.
//!
//! Called by: `shell/audio`. Calls: `shell/delay`. Threads: [audio]; `new` allocates.

#![deny(clippy::disallowed_types)]

use hotshell_abi::Sample;

use crate::rt::bound::Bound;
use crate::shell::delay::DelayLine;
use crate::shell::fade::{Law, automatic_frames};

/// The dry signal in step with the wet one, and how much of it is heard.
#[derive(Debug)]
pub struct Bypass<S> {
    dry: Vec<Vec<S>>,
    /// Channels of `dry` that were captured last; the others hold the past.
    captured: usize,
    line: DelayLine<S>,
    /// On its way to another delay.
    change: Option<Box<Redelay<S>>>,
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
            change: None,
            amount: 0.0,
            step: fade_step(sample_rate),
        }
    }

    /// Takes the position at once, without a fade: after activation.
    pub const fn jump(&mut self, on: bool) {
        self.amount = if on { 1.0 } else { 0.0 };
    }

    /// Forgets what is delayed.
    pub fn clear(&mut self) {
        self.line.clear();
        if let Some(change) = &mut self.change {
            change.clear();
        }
    }

    /// Goes over to another delay; not while another change is there ([`Bypass::is_changing`]).
    pub fn change_delay(&mut self, change: Box<Redelay<S>>) {
        self.change = Some(change);
    }

    /// True until [`Bypass::take_spent`] has taken the last change.
    #[must_use]
    pub const fn is_changing(&self) -> bool {
        self.change.is_some()
    }

    /// The memory of a change that is over.
    pub fn take_spent(&mut self) -> Option<Box<Redelay<S>>> {
        self.change.take_if(|change| change.is_over)
    }

    /// True if the dry signal is needed in this block.
    #[must_use]
    #[inline]
    pub fn needs_dry(&self, on: bool) -> bool {
        on || self.amount > 0.0 || self.line.frames() > 0 || self.change.is_some()
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
        let Self { dry, line, change, captured, .. } = self;
        let mut change = change.as_deref_mut().filter(|change| !change.is_over);
        for (channel, dry) in dry.iter_mut().enumerate().take(*captured) {
            for (dry, input) in dry[from..to].iter_mut().zip(&io.input(channel)[from..to]) {
                *dry = input.flushed();
            }
            match &mut change {
                Some(change) => change.run(channel, &mut dry[from..to], line),
                None => line.run(channel, &mut dry[from..to]),
            }
        }
        line.advance(to - from);
        if let Some(change) = change {
            change.advance(to - from, line);
        }
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
                    dry
                } else {
                    *sample * S::from_f64(1.0 - gain) + dry * S::from_f64(gain)
                };
            }
            end = amount;
        }
        self.amount = end;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred frames")]
fn fade_step(sample_rate: f64) -> f64 {
    1.0 / automatic_frames(sample_rate) as f64
}

/// Another delay of the dry signal, or of a wet one that is too early: filled unheard, then faded to. Afterwards it holds
/// the one before.
#[derive(Debug)]
pub struct Redelay<S> {
    line: DelayLine<S>,
    aside: Vec<S>,
    position: usize,
    /// Frames before anything of it is heard.
    lead: usize,
    fade: usize,
    is_over: bool,
    /// One more, for a player on its way in.
    second: Option<Box<Self>>,
}

impl<S: Sample> Redelay<S> {
    /// For a [`Bypass`] of these `channels` and `max_frames`. Allocates. [main]
    #[must_use]
    pub fn new(channels: usize, max_frames: u32, latency: u32, sample_rate: f64) -> Self {
        Self {
            line: DelayLine::new(channels, latency),
            aside: vec![S::ZERO; max_frames as usize],
            position: 0,
            lead: latency as usize,
            fade: automatic_frames(sample_rate),
            is_over: false,
            second: None,
        }
    }

    /// Brings another one along: two players of a change-over are delayed each by itself. [main]
    #[must_use]
    pub fn with_second(self, second: Self) -> Self {
        Self { second: Some(Box::new(second)), ..self }
    }

    /// The one that it has brought along. [audio]
    pub const fn take_second(&mut self) -> Option<Box<Self>> {
        self.second.take()
    }

    /// Heard at `frames` instead, no more than it was made for. Before anything went in. [audio]
    pub fn aim(&mut self, frames: usize) {
        self.line.shorten(frames, 0);
        self.lead = frames;
    }

    /// It is not needed. [audio]
    pub const fn give_up(&mut self) {
        self.is_over = true;
    }

    /// True if nothing of it is heard any more: it holds the line before.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Forgets what is delayed.
    pub fn clear(&mut self) {
        self.line.clear();
    }

    /// Replaces `samples` of `channel` by what is heard of `before` and of itself. Every channel is run once, then
    /// [`Redelay::advance`] moves on by as many frames.
    pub fn run(&mut self, channel: usize, samples: &mut [S], before: &mut DelayLine<S>) {
        let aside = &mut self.aside[..samples.len()];
        aside.copy_from_slice(samples);
        self.line.run(channel, aside);
        before.run(channel, samples);
        for (i, (sample, new)) in samples.iter_mut().zip(aside).enumerate() {
            if let Some(way) = (self.position + i).checked_sub(self.lead) {
                let (from, to) = Law::EqualGain.gains(way, self.fade);
                *sample = *sample * S::from_f64(from) + *new * S::from_f64(to);
            }
        }
    }

    /// Moves both on; at the end of the fade they change places.
    pub fn advance(&mut self, frames: usize, before: &mut DelayLine<S>) {
        self.line.advance(frames);
        self.position += frames;
        if self.position >= self.lead + self.fade {
            std::mem::swap(&mut self.line, before);
            self.is_over = true;
        }
    }
}
