//! Ranges of continuous parameters and the travel of a knob over them.
//!
//! Called by: authors, `params`. Calls: nothing. Threads: [any].

use std::ops::RangeInclusive;

use hotshell_abi::ParamDesc;

/// Least and greatest plain value of a continuous parameter, and how a knob's travel is spread between them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum FloatRange {
    /// Even travel.
    Linear {
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
    },
    /// Even travel of the logarithm.
    Log {
        /// Least value, > 0.
        min: f64,
        /// Greatest value.
        max: f64,
    },
    /// `min + (max - min) * travel.powf(exponent)`.
    Skewed {
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
        /// > 1: finer near `min`; < 1: finer near `max`.
        exponent: f64,
    },
}

impl FloatRange {
    /// Even travel over `range`.
    #[must_use]
    pub const fn linear(range: RangeInclusive<f64>) -> Self {
        Self::Linear { min: *range.start(), max: *range.end() }
    }

    /// Even travel of the logarithm over `range`, whose start is > 0.
    #[must_use]
    pub const fn log(range: RangeInclusive<f64>) -> Self {
        Self::Log { min: *range.start(), max: *range.end() }
    }

    /// `min + (max - min) * travel.powf(exponent)` over `range`.
    #[must_use]
    pub const fn skewed(range: RangeInclusive<f64>, exponent: f64) -> Self {
        Self::Skewed { min: *range.start(), max: *range.end(), exponent }
    }

    /// Least plain value.
    #[must_use]
    pub const fn min(&self) -> f64 {
        match *self {
            Self::Linear { min, .. } | Self::Log { min, .. } | Self::Skewed { min, .. } => min,
        }
    }

    /// Greatest plain value.
    #[must_use]
    pub const fn max(&self) -> f64 {
        match *self {
            Self::Linear { max, .. } | Self::Log { max, .. } | Self::Skewed { max, .. } => max,
        }
    }

    /// `value` brought into the range; NaN becomes `min`.
    #[must_use]
    pub fn clamp(&self, value: f64) -> f64 {
        if value.is_nan() { self.min() } else { value.max(self.min()).min(self.max()) }
    }

    /// Law and exponent as they cross the boundary.
    pub(crate) const fn law(&self) -> (u32, f64) {
        match *self {
            Self::Linear { .. } => (ParamDesc::LINEAR, 1.0),
            Self::Log { .. } => (ParamDesc::LOGARITHMIC, 1.0),
            Self::Skewed { exponent, .. } => (ParamDesc::SKEWED, exponent),
        }
    }

    /// Why the range cannot be used, if so.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let (min, max) = (self.min(), self.max());
        if !(min.is_finite() && max.is_finite()) {
            return Some("its range is not finite");
        }
        if min >= max {
            return Some("its range is empty: the start must be less than the end");
        }
        match *self {
            Self::Log { .. } if min <= 0.0 => Some("a logarithmic range must start above 0"),
            Self::Skewed { exponent, .. } if !(exponent.is_finite() && exponent > 0.0) => {
                Some("the exponent of a skewed range must be above 0")
            }
            _ => None,
        }
    }
}
