//! A choice. Hosts automate its index, state holds the variant's id, so that variants may be added and moved.
//!
//! Called by: authors. Calls: its cell. Threads: [any].
#![deny(clippy::disallowed_types)]

use std::marker::PhantomData;

use hotshell_abi::store::ParamRef;

use crate::params::Param;
use crate::params::text::index_of;

/// One choice of an enum parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Variant {
    /// Stable id: what state holds.
    pub id: &'static str,
    /// Name that the user sees; unique within the enum.
    pub name: &'static str,
}

/// An enum whose variants are the choices of a parameter; derived by `#[derive(ParamEnum)]`.
pub trait ParamEnum: Copy + Send + Sync + 'static {
    /// All choices, in the order of their index. At least one.
    const VARIANTS: &'static [Variant];
    /// Place of `self` in [`ParamEnum::VARIANTS`].
    fn index(self) -> usize;
    /// The choice at `index`, or `None` past the last.
    fn from_index(index: usize) -> Option<Self>;
}

/// A choice among the variants of `E`.
#[derive(Debug)]
pub struct EnumParam<E> {
    pub(crate) cell: ParamRef,
    pub(crate) host_id: u32,
    pub(crate) default: E,
    pub(crate) _choice: PhantomData<fn() -> E>,
}

impl<E: ParamEnum> EnumParam<E> {
    /// Automation plus mono modulation. [any]
    #[must_use]
    #[inline]
    pub fn value(&self) -> E {
        self.choice(self.cell.base() + self.cell.modulation())
    }

    /// Without modulation. [any]
    #[must_use]
    #[inline]
    pub fn base(&self) -> E {
        self.choice(self.cell.base())
    }

    /// The default. [any]
    #[must_use]
    pub const fn default_value(&self) -> E {
        self.default
    }

    fn choice(&self, value: f64) -> E {
        E::from_index(index_of(value, E::VARIANTS.len())).unwrap_or(self.default)
    }
}

impl<E: ParamEnum> Param for EnumParam<E> {
    type Plain = E;
    fn host_id(&self) -> u32 {
        self.host_id
    }
    fn to_plain(&self, value: E) -> f64 {
        u32::try_from(value.index()).map_or(0.0, f64::from)
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
