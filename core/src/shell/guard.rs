//! What stands between a failing logic and the host's outputs: the scan for values that are not finite, the ramp from
//! the last good sample, and the fallback that plays until a good build is back.
//!
//! Called by: `shell/audio`, `shell/swap`. Calls: `shell/bypass` (the kept dry signal). Threads: [audio]; `new` allocates.
//!
//! The fallback is the dry signal for an effect and silence for an instrument. A change to or from it is a step in the
//! signal; the ramp adds the step's opposite and lets it die away.

#![deny(clippy::disallowed_types)]

use hotshell_abi::Sample;

use crate::rt::bound::Bound;
use crate::shell::bypass::Bypass;

/// Length of the ramp in seconds.
const RAMP_SECONDS: f64 = 0.005;
/// For this long after a swap every sample is scanned; afterwards the last frame of each block.
const SCAN_SECONDS: f64 = 10.0;

/// What is heard in the place of an instance that has failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fallback {
    /// The input, in step with what the instance gave.
    Dry,
    /// Nothing: an instrument, or the failing sub-block of a logic that worked in place and has spoilt its input.
    Silence,
}

/// State of the guard for one instance.
#[derive(Debug)]
pub struct Guard<S> {
    /// Last frame that went out, per output channel.
    last: Vec<S>,
    /// What the ramp still adds, per output channel, at its start.
    step: Vec<S>,
    ramp_position: usize,
    ramp_length: usize,
    scan_frames: u64,
    scan_left: u64,
    /// What the playing instance's fallback was at last; `None`: it plays itself.
    fallen: Option<Fallback>,
    /// The next frame is a step for another reason.
    step_next: bool,
}

impl<S: Sample> Guard<S> {
    /// A guard for `channels` output channels. Allocates.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few seconds' worth of frames"
    )]
    pub fn new(channels: usize, sample_rate: f64) -> Self {
        let scan_frames = (SCAN_SECONDS * sample_rate) as u64;
        let ramp_length = ((RAMP_SECONDS * sample_rate) as usize).max(1);
        Self {
            last: vec![S::ZERO; channels],
            step: vec![S::ZERO; channels],
            ramp_position: ramp_length,
            ramp_length,
            scan_frames,
            scan_left: scan_frames,
            fallen: None,
            step_next: false,
        }
    }

    /// The playing instance's fallback is heard; true if that is a step.
    pub fn fall(&mut self, to: Fallback) -> bool {
        self.fallen.replace(to) != Some(to)
    }

    /// Another instance plays.
    pub const fn stand_up(&mut self) {
        self.fallen = None;
    }

    /// The next frame that goes out does not follow on from the last one.
    pub const fn expect_step(&mut self) {
        self.step_next = true;
    }

    /// Scans every sample for the next ten seconds.
    pub const fn watch_closely(&mut self) {
        self.scan_left = self.scan_frames;
    }

    /// First frame of `range` in which any output is not finite: looked for in all frames after a swap, else in the
    /// last one only (and from there back to the first).
    #[inline]
    pub fn first_bad(&mut self, io: &mut Bound<'_, S>, from: usize, to: usize) -> Option<usize> {
        let close = self.scan_left > 0;
        self.scan_left = self.scan_left.saturating_sub((to - from) as u64);
        let mut bad: Option<usize> = None;
        for channel in 0..io.output_channels() {
            let samples = &io.output(channel)[from..to];
            if (close || samples.last().is_some_and(|sample| !sample.finite()))
                && let Some(at) = first_not_finite(samples)
            {
                bad = Some(bad.map_or(from + at, |other| other.min(from + at)));
            }
        }
        bad
    }

    /// Remembers the last frame of the chunk.
    #[inline]
    pub fn remember(&mut self, io: &mut Bound<'_, S>) {
        let channels = io.output_channels().min(self.last.len());
        for (channel, last) in self.last[..channels].iter_mut().enumerate() {
            if let Some(sample) = io.output(channel).last() {
                *last = *sample;
            }
        }
    }

    /// The last touch on frames `from..to`, in order of time: adds what is left of a ramp, and begins another one at
    /// frame `step` if the signal steps there.
    #[inline]
    pub fn smooth(&mut self, io: &mut Bound<'_, S>, from: usize, to: usize, step: Option<usize>) {
        let step = if std::mem::take(&mut self.step_next) { Some(from) } else { step };
        if let Some(at) = step {
            self.add_ramp(io, from, at);
            self.ramp_from(io, at);
            self.add_ramp(io, at, to);
        } else if self.ramp_position < self.ramp_length {
            self.add_ramp(io, from, to);
        }
    }

    /// Frame `at` holds what is to follow without a ramp, the frame before it what went out: their difference is what
    /// dies away.
    fn ramp_from(&mut self, io: &mut Bound<'_, S>, at: usize) {
        for channel in 0..io.output_channels().min(self.step.len()) {
            let before = if at == 0 { self.last[channel] } else { io.output(channel)[at - 1] };
            let after = io.output(channel).get(at).copied().unwrap_or(S::ZERO);
            let step = before - after;
            self.step[channel] = if step.finite() { step } else { S::ZERO };
        }
        self.ramp_position = 0;
    }

    fn add_ramp(&mut self, io: &mut Bound<'_, S>, from: usize, to: usize) {
        let frames = (to - from).min(self.ramp_length - self.ramp_position);
        for channel in 0..io.output_channels().min(self.step.len()) {
            let step = self.step[channel];
            for (i, sample) in io.output(channel)[from..from + frames].iter_mut().enumerate() {
                *sample += step * S::from_f64(self.gain(self.ramp_position + i));
            }
        }
        self.ramp_position += frames;
    }

    #[expect(clippy::cast_precision_loss, reason = "ramps are a few hundred frames")]
    fn gain(&self, position: usize) -> f64 {
        let way = position as f64 / self.ramp_length as f64;
        0.5 + 0.5 * (way * std::f64::consts::PI).cos()
    }
}

fn first_not_finite<S: Sample>(samples: &[S]) -> Option<usize> {
    // The exact place only where there is one.
    if S::all_finite(samples) { None } else { samples.iter().position(|sample| !sample.finite()) }
}

/// Writes the fallback to frames `from..to`: the dry input for an effect, else silence. `captured`: the bypass has kept
/// the same frames of the input.
pub fn fall_back<S: Sample>(
    io: &mut Bound<'_, S>,
    effect: bool,
    captured: Option<&Bypass<S>>,
    from: usize,
    to: usize,
) -> Fallback {
    let (inputs, main) = (io.main_inputs(), io.main_outputs());
    let spoilt = captured.is_none() && (0..inputs).any(|channel| io.is_in_place(channel));
    let dry = effect && !spoilt;
    for channel in 0..io.output_channels() {
        if !(dry && channel < main && channel < inputs) {
            io.output(channel)[from..to].fill(S::ZERO);
        } else if let Some(kept) = captured.and_then(|bypass| bypass.dry(channel)) {
            for (to, from) in io.output(channel)[from..to].iter_mut().zip(&kept[from..to]) {
                *to = if from.finite() { *from } else { S::ZERO };
            }
        } else {
            io.copy_dry(channel, from, to);
        }
    }
    if dry { Fallback::Dry } else { Fallback::Silence }
}
