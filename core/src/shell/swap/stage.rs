//! The stages of a change-over and what is heard in each.
//!
//! Called by: `shell/swap`. Calls: `shell/fade`. Threads: [audio].

#![deny(clippy::disallowed_types)]

use hotshell_abi::Sample;

use crate::shell::fade::{Law, mix};

/// Where a change-over stands.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Stage {
    /// Both run, the new one unheard.
    Lead { left: usize },
    /// Both run, old to new.
    Blend { law: Law, position: usize, length: usize },
    /// The old one rings on under the new one.
    Spill { position: usize, length: usize, blend: usize },
    /// The old one alone fades out.
    FadeOut { position: usize, length: usize },
    /// The new one alone runs unheard.
    Wait { left: usize },
    /// The new one alone fades in.
    FadeIn { position: usize, length: usize },
    /// Over.
    Done,
}

impl Stage {
    /// The old one runs.
    pub const fn runs_old(self) -> bool {
        matches!(self, Self::Lead { .. } | Self::Blend { .. } | Self::Spill { .. } | Self::FadeOut { .. })
    }

    /// The new one runs.
    pub const fn runs_new(self) -> bool {
        !matches!(self, Self::FadeOut { .. })
    }

    /// Frames until the stage ends.
    pub const fn left(self) -> usize {
        match self {
            Self::Lead { left } | Self::Wait { left } => left,
            Self::Blend { position, length, .. }
            | Self::Spill { position, length, .. }
            | Self::FadeOut { position, length }
            | Self::FadeIn { position, length } => length - position,
            Self::Done => usize::MAX,
        }
    }

    /// The same stage, `frames` later.
    pub const fn advanced(self, frames: usize) -> Self {
        match self {
            Self::Lead { left } => Self::Lead { left: left - frames },
            Self::Wait { left } => Self::Wait { left: left - frames },
            Self::Blend { law, position, length } => Self::Blend { law, position: position + frames, length },
            Self::Spill { position, length, blend } => {
                Self::Spill { position: position + frames, length, blend }
            }
            Self::FadeOut { position, length } => Self::FadeOut { position: position + frames, length },
            Self::FadeIn { position, length } => Self::FadeIn { position: position + frames, length },
            Self::Done => Self::Done,
        }
    }
}

impl Stage {
    /// The old one is heard as it would be without a change-over, or that with a gain.
    pub const fn hears_old(self) -> bool {
        matches!(self, Self::Lead { .. } | Self::Blend { .. } | Self::FadeOut { .. })
    }

    /// The new one is heard.
    pub const fn is_audible(self) -> bool {
        !matches!(self, Self::Lead { .. } | Self::Wait { .. } | Self::FadeOut { .. })
    }

    /// `new` becomes what is heard, `offset` frames into the segment.
    pub fn mix<S: Sample>(self, offset: usize, old: Option<&[S]>, new: &mut [S]) {
        match self {
            Self::Lead { .. } => match old {
                Some(old) => new.copy_from_slice(old),
                None => new.fill(S::ZERO),
            },
            Self::Wait { .. } => new.fill(S::ZERO),
            Self::Blend { law, position, length } => mix(law, position + offset, length, old, new),
            Self::Spill { position, length, blend } => {
                let Some(old) = old else { return };
                for (i, (sample, before)) in new.iter_mut().zip(old).enumerate() {
                    // The last frames of the spill fade the old one out, however long it would ring on.
                    let left = length - (position + offset + i).min(length);
                    let gain = if left < blend { Law::EqualGain.gains(blend - left, blend).0 } else { 1.0 };
                    *sample += *before * S::from_f64(gain);
                }
            }
            Self::FadeOut { position, length } => {
                for (i, sample) in new.iter_mut().enumerate() {
                    let before = old.and_then(|old| old.get(i)).copied().unwrap_or(S::ZERO);
                    *sample = before * S::from_f64(Law::EqualGain.gains(position + offset + i, length).0);
                }
            }
            Self::FadeIn { position, length } => {
                for (i, sample) in new.iter_mut().enumerate() {
                    *sample *= S::from_f64(Law::EqualGain.gains(position + offset + i, length).1);
                }
            }
            Self::Done => {}
        }
    }
}
