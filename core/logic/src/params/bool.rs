//! A switch.
//!
//! Called by: authors. Calls: its cell. Threads: [any].
#![deny(clippy::disallowed_types)]

use hotshell_abi::store::ParamRef;

use crate::params::Param;

/// A switch.
#[derive(Debug)]
pub struct BoolParam {
    pub(crate) cell: ParamRef,
    pub(crate) host_id: u32,
    pub(crate) default: bool,
}

impl BoolParam {
    /// Automation plus mono modulation, on from one half. [any]
    #[must_use]
    #[inline]
    pub fn value(&self) -> bool {
        self.cell.base() + self.cell.modulation() >= 0.5
    }

    /// Without modulation. [any]
    #[must_use]
    #[inline]
    pub fn base(&self) -> bool {
        self.cell.base() >= 0.5
    }

    /// The default. [any]
    #[must_use]
    pub const fn default_value(&self) -> bool {
        self.default
    }
}

impl Param for BoolParam {
    type Plain = bool;
    fn host_id(&self) -> u32 {
        self.host_id
    }
    fn to_plain(&self, value: bool) -> f64 {
        f64::from(u8::from(value))
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
