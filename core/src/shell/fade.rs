//! The laws of a hand-over: which fade, how long, and the gains of each frame.
//!
//! Called by: `shell/swap`. Calls: nothing. Threads: [audio].
//!
//! Equal gain where old and new are nearly the same signal (effects, restored state): equal power would bump by 3 dB
//! (FACTS). Equal power where notes were replayed: then the two are different signals.

#![deny(clippy::disallowed_types)]

use hotshell_abi::{HandoverDesc, Sample};

/// Milliseconds of the automatic crossfade.
pub const AUTO_MILLISECONDS: f64 = 10.0;
/// Longest time that a new instance runs unheard, in milliseconds.
pub const MAX_PREROLL_MILLISECONDS: f64 = 500.0;

/// How two gains depend on the way through a fade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Law {
    /// Raised cosine; gains sum to 1.
    EqualGain,
    /// Sine and cosine; squares sum to 1.
    EqualPower,
}

impl Law {
    /// Gains (old, new) at `position` of `length` frames: at 0 nearly all old, at `length - 1` nearly all new, so that
    /// neither end repeats a frame.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "fades are far shorter than 2^52 frames")]
    pub fn gains(self, position: usize, length: usize) -> (f64, f64) {
        let way = (position as f64 + 0.5) / length.max(1) as f64;
        let (sin, cos) = (way.clamp(0.0, 1.0) * std::f64::consts::FRAC_PI_2).sin_cos();
        match self {
            Self::EqualGain => (1.0 - sin * sin, sin * sin),
            Self::EqualPower => (cos, sin),
        }
    }
}

/// What a hand-over does, decided once when a candidate is taken.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Plan {
    /// Both run, old to new over `frames`.
    Crossfade {
        /// Gains.
        law: Law,
        /// Length.
        frames: usize,
    },
    /// Old fades out over `frames`, then new fades in over `frames`: no double work.
    OutIn {
        /// Length of each half.
        frames: usize,
    },
    /// The old instance hears no more input and rings on for at most `frames`.
    Spill {
        /// Longest time.
        frames: usize,
        /// Length of the input's change-over.
        blend: usize,
    },
    /// At once.
    Cut,
}

/// What the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// The new build's wish.
    pub handover: HandoverDesc,
    /// Hz.
    pub sample_rate: f64,
    /// Notes were replayed to the new instance.
    pub replayed: bool,
    /// There is an audio output.
    pub audio: bool,
    /// Both instances together fit the block's time, and not too many fade at once.
    pub affordable: bool,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a second's worth of frames"
)]
fn frames(milliseconds: f64, sample_rate: f64, most: f64) -> usize {
    if !milliseconds.is_finite() {
        return 1;
    }
    (milliseconds.clamp(0.0, most) * sample_rate / 1000.0).round().max(1.0) as usize
}

/// Frames of the automatic crossfade.
#[must_use]
pub fn automatic_frames(sample_rate: f64) -> usize {
    frames(AUTO_MILLISECONDS, sample_rate, 1000.0)
}

impl Plan {
    /// Decides.
    #[must_use]
    pub fn decide(at: &Circumstances) -> Self {
        let automatic = automatic_frames(at.sample_rate);
        if !at.audio || at.handover.kind == HandoverDesc::CUT {
            return Self::Cut;
        }
        if !at.affordable {
            return Self::OutIn { frames: (automatic / 2).max(1) };
        }
        match at.handover.kind {
            HandoverDesc::CROSSFADE => Self::Crossfade {
                law: if at.handover.law == HandoverDesc::EQUAL_POWER {
                    Law::EqualPower
                } else {
                    Law::EqualGain
                },
                frames: frames(f64::from(at.handover.milliseconds), at.sample_rate, 1000.0),
            },
            HandoverDesc::SPILL => Self::Spill {
                frames: frames(f64::from(at.handover.spill_seconds) * 1000.0, at.sample_rate, 30_000.0),
                blend: automatic,
            },
            _ if at.replayed => Self::Crossfade { law: Law::EqualPower, frames: automatic },
            _ => Self::Crossfade { law: Law::EqualGain, frames: automatic },
        }
    }
}

/// Frames that a new instance runs unheard: until its latency is filled, and the author's warm-up.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "half a second's worth of frames"
)]
pub fn preroll_frames(latency: u32, warm_up: u32, sample_rate: f64) -> usize {
    let most = (MAX_PREROLL_MILLISECONDS * sample_rate / 1000.0).max(0.0) as usize;
    (latency as usize).saturating_add(warm_up as usize).min(most)
}

/// Mixes one channel: `new` becomes the fade's output for frames `position..` of `length`.
pub fn mix<S: Sample>(law: Law, position: usize, length: usize, old: Option<&[S]>, new: &mut [S]) {
    for (i, sample) in new.iter_mut().enumerate() {
        let (from, to) = law.gains(position + i, length);
        let before = old.and_then(|old| old.get(i)).copied().unwrap_or(S::ZERO);
        *sample = before * S::from_f64(from) + *sample * S::from_f64(to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circumstances() -> Circumstances {
        Circumstances {
            handover: HandoverDesc {
                kind: HandoverDesc::AUTO,
                law: 0,
                milliseconds: 0.0,
                spill_seconds: 0.0,
                warm_up_frames: 0,
            },
            sample_rate: 48_000.0,
            replayed: false,
            audio: true,
            affordable: true,
        }
    }

    #[test]
    fn equal_gain_lies_between_old_and_new_and_equal_signals_pass_unchanged() {
        for position in 0..480 {
            let (old, new) = Law::EqualGain.gains(position, 480);
            assert!((old + new - 1.0).abs() < 1e-12);
            assert!((0.0..=1.0).contains(&old) && (0.0..=1.0).contains(&new));
        }
    }

    #[test]
    fn equal_power_keeps_the_power() {
        for position in 0..480 {
            let (old, new) = Law::EqualPower.gains(position, 480);
            assert!((old * old + new * new - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn effects_fade_with_equal_gain_and_replayed_notes_with_equal_power() {
        assert_eq!(Plan::decide(&circumstances()), Plan::Crossfade { law: Law::EqualGain, frames: 480 });
        let notes = Circumstances { replayed: true, ..circumstances() };
        assert_eq!(Plan::decide(&notes), Plan::Crossfade { law: Law::EqualPower, frames: 480 });
    }

    #[test]
    fn no_double_work_when_it_does_not_fit_and_a_cut_without_audio() {
        let tight = Circumstances { affordable: false, ..circumstances() };
        assert_eq!(Plan::decide(&tight), Plan::OutIn { frames: 240 });
        let silent = Circumstances { audio: false, ..circumstances() };
        assert_eq!(Plan::decide(&silent), Plan::Cut);
    }
}
