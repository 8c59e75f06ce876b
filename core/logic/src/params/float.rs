//! A continuous parameter.
//!
//! Called by: authors. Calls: its cell. Threads: [any] but `smoothed` ([audio]).
#![deny(clippy::disallowed_types)]

use hotshell_abi::Sample;
use hotshell_abi::store::ParamRef;

use crate::params::range::Bounds;
use crate::params::{FloatRange, Param, Smoother};

/// A continuous parameter: `f64` in plain units.
#[derive(Debug)]
pub struct FloatParam {
    pub(crate) cell: ParamRef,
    pub(crate) host_id: u32,
    pub(crate) bounds: Bounds,
    pub(crate) default: f64,
    /// The value without steps, advanced once a frame by the audio thread. [audio]
    pub smoothed: Smoother,
}

impl FloatParam {
    /// Automation plus mono modulation, inside the range: what lies outside stays at its end, or comes in again at the
    /// other if the parameter is `periodic`. [any]
    #[must_use]
    #[inline]
    pub fn value(&self) -> f64 {
        self.bounds.bring(self.cell.base() + self.cell.modulation())
    }

    /// [`FloatParam::value`] in single precision, for arithmetic with `f32` samples. [any]
    #[must_use]
    #[inline]
    pub fn value_f32(&self) -> f32 {
        self.value().to_f32()
    }

    /// Without modulation: what knobs show and state holds. [any]
    #[must_use]
    #[inline]
    pub fn base(&self) -> f64 {
        self.bounds.bring(self.cell.base())
    }

    /// The mono modulation offset in plain units. [any]
    #[must_use]
    #[inline]
    pub fn modulation(&self) -> f64 {
        self.cell.modulation()
    }

    /// The range. [any]
    #[must_use]
    pub const fn range(&self) -> FloatRange {
        self.bounds.range
    }

    /// The default plain value. [any]
    #[must_use]
    pub const fn default_value(&self) -> f64 {
        self.default
    }
}

impl Param for FloatParam {
    type Plain = f64;
    fn host_id(&self) -> u32 {
        self.host_id
    }
    fn to_plain(&self, value: f64) -> f64 {
        self.bounds.bring(value)
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
