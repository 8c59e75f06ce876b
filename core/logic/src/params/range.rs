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

    /// `value` brought into the range by whole turns, the end of the range being its start again; what is no number
    /// or endless becomes `min`. Both ends stay as they are.
    #[must_use]
    pub fn wrap(&self, value: f64) -> f64 {
        let (min, max) = (self.min(), self.max());
        if (min..=max).contains(&value) {
            value
        } else {
            self.clamp(min + (value - min).rem_euclid(max - min))
        }
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

/// What a parameter does with a value outside its range.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Bounds {
    pub(crate) range: FloatRange,
    /// It wraps around; else it stays at the end.
    pub(crate) periodic: bool,
}

impl Bounds {
    /// `value` brought into the range.
    #[inline]
    pub(crate) fn bring(&self, value: f64) -> f64 {
        if self.periodic { self.range.wrap(value) } else { self.range.clamp(value) }
    }

    /// Length of a turn, or 0 where there are none.
    pub(crate) const fn turn(&self) -> f64 {
        if self.periodic { self.range.max() - self.range.min() } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_where_it_starts() {
        let phase = FloatRange::linear(-180.0..=180.0);
        for (value, wanted) in [
            (180.0, 180.0),
            (-180.0, -180.0),
            (190.0, -170.0),
            (-190.0, 170.0),
            (180.0 + 7.0 * 360.0, -180.0),
            (f64::NAN, -180.0),
            (f64::INFINITY, -180.0),
        ] {
            assert_eq!(phase.wrap(value), wanted, "{value}");
        }
        for value in [-1e-30, 1.0_f64.next_up(), 1e300, f64::MIN] {
            assert!((0.0..=1.0).contains(&FloatRange::linear(0.0..=1.0).wrap(value)), "{value}");
        }
    }
}
