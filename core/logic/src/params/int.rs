//! A whole-number parameter.
//!
//! Called by: authors. Calls: its cell. Threads: [any].
#![deny(clippy::disallowed_types)]

use hotshell_abi::store::ParamRef;

use crate::params::Param;

/// A whole-number parameter.
#[derive(Debug)]
pub struct IntParam {
    pub(crate) cell: ParamRef,
    pub(crate) host_id: u32,
    pub(crate) min: i32,
    pub(crate) max: i32,
    pub(crate) default: i32,
}

impl IntParam {
    /// Automation plus mono modulation, rounded, inside the range. [any]
    #[must_use]
    #[inline]
    pub fn value(&self) -> i32 {
        self.whole(self.cell.base() + self.cell.modulation())
    }

    /// Without modulation. [any]
    #[must_use]
    #[inline]
    pub fn base(&self) -> i32 {
        self.whole(self.cell.base())
    }

    /// Least and greatest value. [any]
    #[must_use]
    pub const fn range(&self) -> std::ops::RangeInclusive<i32> {
        self.min..=self.max
    }

    /// The default. [any]
    #[must_use]
    pub const fn default_value(&self) -> i32 {
        self.default
    }

    #[expect(clippy::cast_possible_truncation, reason = "float to int saturates, and the clamp follows")]
    fn whole(&self, value: f64) -> i32 {
        (value.round() as i32).clamp(self.min, self.max)
    }
}

impl Param for IntParam {
    type Plain = i32;
    fn host_id(&self) -> u32 {
        self.host_id
    }
    fn to_plain(&self, value: i32) -> f64 {
        f64::from(value.clamp(self.min, self.max))
    }
    fn store(&self, plain: f64) {
        self.cell.set_base(plain);
    }
}
