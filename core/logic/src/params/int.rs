//! A whole-number parameter.
//!
//! Called by: authors. Calls: its cell. Threads: [any].
#![deny(clippy::disallowed_types)]

use hotshell_abi::store::ParamRef;

use crate::params::range::Bounds;
use crate::params::{FloatRange, Param};

/// A whole-number parameter.
#[derive(Debug)]
pub struct IntParam {
    pub(crate) cell: ParamRef,
    pub(crate) host_id: u32,
    pub(crate) min: i32,
    pub(crate) max: i32,
    pub(crate) periodic: bool,
    pub(crate) default: i32,
}

impl IntParam {
    /// Automation plus mono modulation, rounded, inside the range: what lies outside stays at its end, or comes in
    /// again at the other if the parameter is `periodic`. [any]
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

    #[expect(clippy::cast_possible_truncation, reason = "inside a range of i32, and float to int saturates")]
    fn whole(&self, value: f64) -> i32 {
        let range = FloatRange::linear(self.min.into()..=self.max.into());
        let inside = Bounds { range, periodic: self.periodic }.bring(value.round());
        (inside as i32).clamp(self.min, self.max)
    }
}

impl Param for IntParam {
    type Plain = i32;
    fn host_id(&self) -> u32 {
        self.host_id
    }
    fn to_plain(&self, value: i32) -> f64 {
        f64::from(self.whole(value.into()))
    }
    fn store(&self, plain: f64) {
        self.cell.set_base(plain);
    }
    fn load(&self) -> f64 {
        self.cell.base()
    }
    fn offset(&self) -> f64 {
        self.cell.modulation()
    }
}
