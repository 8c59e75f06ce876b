//! The author's side of hotshell.

mod export;
pub mod params;

pub use params::Params;

/// What macros write: not for authors, and not stable.
#[doc(hidden)]
pub mod __private {
    pub use crate::params::{
        BoolParam, BoolSpec, EnumParam, EnumSpec, FloatParam, FloatRange, FloatSpec, IntParam, IntSpec, Keep, Meter,
        MeterSpec, ParamEnum, ParamFlags, ParamText, Params, ParamsBuilder, Persist, PersistSpec, Scope, Smoothing,
        TextFns, Unit, Variant, standalone,
    };
    pub use hotshell_abi::MAX_METERS;
}
