//! The shared half: parameters and kept fields, each bound by its stable id to a cell of the shell's.
//!
//! Called by: the derive's code, `export/shared`. Calls: `StoreRef`. Threads: building is [main] [reload]; the fields
//! say their own.
//!
//! # What `#[derive(Params)]` emits
//! ```ignore
//! impl ::hotshell::__private::Params for ReverbParams {
//!     fn build(b: &mut ::hotshell::__private::ParamsBuilder<'_>) -> Self {
//!         use ::hotshell::__private as p;
//!         Self {
//!             mix: b.float(p::FloatSpec {
//!                 range: p::FloatRange::linear(0.0..=1.0),     // range = linear(..)   -> FloatRange::linear(..)
//!                 default: 0.3,
//!                 unit: p::Unit::Percent,                      // unit = percent       -> CamelCase; unit = "V" -> Unit::Named("V")
//!                 smooth: p::Smoothing::linear(20.0),          // smooth = linear(20.0); always a call (`none()`)
//!                 flags: p::ParamFlags::AUTOMATABLE.with(p::ParamFlags::MODULATABLE),
//!                 text: Some(p::TextFns::of::<GainText>()),    // text = GainText
//!                 page: Some("Filter"),
//!                 was: &["freq"],
//!                 ..p::FloatSpec::new("mix", "Mix")
//!             }),
//!             size: b.enumeration(p::EnumSpec { flags: .., ..p::EnumSpec::new("size", "FFT size", FftSize::N2048) }),
//!             on: b.bool(p::BoolSpec { default: true, ..p::BoolSpec::new("on", "On") }),
//!             voices: b.int(p::IntSpec { min: 1, max: 16, default: 8, ..p::IntSpec::new("voices", "Voices") }),
//!             osc: b.nested_array("osc", Some("Osc {n}")),     // [OscParams; 3]; length and type infer
//!             eq: b.nested("eq", Some("EQ")),
//!             ir: b.persist(p::PersistSpec { scope: p::Scope::Project, ..p::PersistSpec::new("ir") }),
//!             ui: b.keep("ui"),
//!             out: b.meter(p::MeterSpec { peak: true, ..p::MeterSpec::new("out") }),   // Meter<2>; channels infer
//!             engine: ::core::default::Default::default(),     // #[local]
//!         }
//!     }
//! }
//! impl ::core::default::Default for ReverbParams {
//!     fn default() -> Self { ::hotshell::__private::standalone() }
//! }
//! ```
//! The kind of a `param` field is told by its type's last path segment (`FloatParam`, `IntParam`, `BoolParam`,
//! `EnumParam`). `bypass` = `BoolSpec` with `AUTOMATABLE.with(BYPASS)` and the name "Bypass" if none is given;
//! `bypass = manual` = `MANUAL_BYPASS`. `modulatable` = `MODULATABLE`, `modulatable = poly` = `MODULATABLE_PER_NOTE`.

pub mod bool;
pub(crate) mod build;
pub mod enum_;
pub mod float;
pub mod int;
pub mod meter;
pub mod persist;
pub mod range;
pub mod smooth;
pub mod spec;
pub mod text;

pub use self::bool::BoolParam;
pub use self::build::{ParamsBuilder, standalone};
pub use self::enum_::{EnumParam, ParamEnum, Variant};
pub use self::float::FloatParam;
pub use self::int::IntParam;
pub use self::meter::Meter;
pub use self::persist::{FilePath, Keep, Persist, PersistError, PersistValue, Reading};
pub use self::range::FloatRange;
pub use self::smooth::{Smoother, Smoothing};
pub use self::spec::{BoolSpec, EnumSpec, FloatSpec, IntSpec, MeterSpec, ParamFlags, PersistSpec, Scope};
pub use self::text::{ParamText, TextFns, Unit};

/// The shared half of a plug-in: everything that two threads see. `#[derive(Params)]` writes it from the fields'
/// attributes; by hand it is for computed parameters.
pub trait Params: Send + Sync + Sized + 'static {
    /// Meter channels of all fields together, for a compile-time limit. The derive counts them; by hand it may stay 0,
    /// then the builder counts.
    const METERS: usize = 0;

    /// Describes every field to `builder` and takes the bound field back. [main] [reload]. Always the same fields in the
    /// same order: hosts rely on the list.
    fn build(builder: &mut ParamsBuilder<'_>) -> Self;
}

/// A plug-in without parameters.
impl Params for () {
    fn build(_builder: &mut ParamsBuilder<'_>) -> Self {}
}

/// What all kinds of parameters have in common, for generic code (the Rig, editors).
pub trait Param {
    /// The plain type: `f64`, `i32`, `bool`, the author's enum.
    type Plain: Copy;
    /// What hosts store: FNV-1a of the dotted id. [any]
    fn host_id(&self) -> u32;
    /// The number behind a plain value, inside the range. [any]
    fn to_plain(&self, value: Self::Plain) -> f64;
    /// Writes the number behind a plain value into the cell: for unit tests of code that takes `&Params`. A host would
    /// not hear of it. [any]
    fn store(&self, plain: f64);
    /// The number behind the value, without modulation. [any]
    fn load(&self) -> f64;
    /// The mono modulation offset in plain units. [any]
    fn offset(&self) -> f64;
    /// Sets the value, for unit tests: see [`Param::store`]. [any]
    fn set(&self, value: Self::Plain) {
        self.store(self.to_plain(value));
    }
}
