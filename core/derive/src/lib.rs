//! `#[derive(Params)]` and `#[derive(ParamEnum)]`: what an author says of his parameters, checked while it compiles.
//!
//! Authors take both from `hotshell::prelude`. A struct walks `parse` (attributes to a model), `check` (what one
//! attribute cannot see) and `emit` (model to code); an enum walks `choice` and `emit`. Errors are gathered, so that one
//! build shows them all, each at its field.
//!
//! Called by: the compiler, for authors' crates. Calls: `parse`, `check`, `choice`, `emit`.
//! Threads: the compiler's.

use proc_macro::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_macro_input};

mod check;
mod choice;
mod emit;
mod errors;
mod model;
mod parse;

/// Makes a struct the shared half of a plug-in: what two threads and every build see.
///
/// ```
/// # mod hotshell { pub mod prelude { pub use {hotshell_derive::*, hotshell_logic::params::*}; } }
/// use hotshell::prelude::*;
///
/// #[derive(Clone, Copy, PartialEq, Debug, ParamEnum)]
/// # #[params(crate = hotshell_logic)]
/// enum Shape {
///     Sine,
///     #[variant(id = "saw", name = "Sawtooth")]
///     Saw,
/// }
///
/// #[derive(Params)]
/// # #[params(crate = hotshell_logic)]
/// struct Oscillator {
///     #[param(id = "pitch", range = linear(-24.0..=24.0), unit = semitones, modulatable = poly)]
///     pitch: FloatParam,
///     #[param(id = "shape", default = Shape::Saw)]
///     shape: EnumParam<Shape>,
/// }
///
/// #[derive(Params)]
/// # #[params(crate = hotshell_logic)]
/// struct SynthParams {
///     #[nested(id = "osc", group = "Osc {n}")]
///     osc: [Oscillator; 2],
///     #[param(id = "cut", name = "Cutoff", range = log(20.0..=20_000.0), default = 1000.0, unit = hz, smooth = exp(20.0))]
///     cutoff: FloatParam,
///     #[param(id = "bypass", bypass)]
///     bypass: BoolParam,
///     #[meter(id = "out", peak)]
///     out: Meter<2>,
/// }
///
/// let params = SynthParams::default();
/// assert_eq!(params.cutoff.value(), 1000.0);
/// assert_eq!(params.osc[1].shape.value(), Shape::Saw);
/// ```
///
/// The code implements `Params`, which shells use, and `Default`, which needs no shell: values are then the defaults, for
/// unit tests. All fields need one of these attributes:
///
/// | attribute | field type | what it is | survives a reload | saved in |
/// |---|---|---|---|---|
/// | `#[param(id = "..", ..)]` | `FloatParam`, `IntParam`, `BoolParam`, `EnumParam<E>` | a parameter; host, editor and logic write, audio reads | by id | project, preset |
/// | `#[nested(id = "..", ..)]` | `T` or `[T; N]`, where `T` derives `Params` | ids become `id.inner`, in an array `id.1.inner` to `id.N.inner` | by id | as its fields |
/// | `#[persist(id = "..", ..)]` | `Persist<T>` | a value that is no parameter (a file, a sequence) | yes | project; preset by scope |
/// | `#[keep(id = "..")]` | `Keep<T>` | as `persist`, but never saved (the state of a window) | yes | nothing |
/// | `#[meter(id = "..", ..)]` | `Meter<N>`, 1..=256 channels in all | audio writes, editors read | yes | nothing |
/// | `#[local]` | any type that has `Default` | this build's own | no | nothing |
///
/// The field's type is known by its last name: `hotshell::FloatParam` is well, an alias is not.
///
/// # Ids
///
/// An id is what projects and automation remember, so it never changes: a-z, 0-9, `_` and `-`; once in a struct, over all
/// attributes but `#[local]`. Renamed all the same? `was = ["old"]` keeps saved projects. Hosts store a number made of the
/// dotted id (FNV-1a, 32 bit, top bit clear); two ids of one struct with the same number are an error here, and others are
/// an error by name when the plug-in is described.
///
/// # Keys of `#[param]`
///
/// | key | types | value | left out |
/// |---|---|---|---|
/// | `id` | all | text | error |
/// | `name` | all | text | the id in words: `"pre-delay"` is "Pre Delay" |
/// | `default` | float, int | a number in plain units, inside the range; any expression | 0; an error if the range has no 0 |
/// | | bool | `true`, `false` | `false` |
/// | | enum | a variant: `Shape::Saw` | the first variant |
/// | `range` | float | `linear(a..=b)`: even travel of a knob; `log(a..=b)`, a > 0: even travel of the logarithm; `skewed(a..=b, e)`: `a + (b - a) * travel^e`, e > 0, finer near `a` with e > 1 | `linear(0.0..=1.0)` |
/// | | int | `linear(a..=b)` or `a..=b`, 32 bit | `0..=127` |
/// | `unit` | float, int | `none`, `percent` (1.0 is 100 %), `db`, `hz`, `ms`, `s`, `semitones`, `cents`, `degrees`, `beats`, `bpm`, `samples`, `pan` (-1.0 is 100 L), or text that stands behind the number | `none` |
/// | `smooth` | float | how `.smoothed` follows, in milliseconds >= 0: `linear(20.0)`: a line; `log(20.0)`: equal ratios, for frequencies; `exp(20.0)`: one pole; `none` | `none` |
/// | `text` | float, int, bool | a type that implements `ParamText`: own texts instead of the unit's | number and unit; "On", "Off" |
/// | `group` | all | text; `/` makes levels | no group but that of `#[nested]` |
/// | `page` | all | text: page of remote controls | no page |
/// | `was` | all | `["old", ..]`: earlier ids in the same struct | none |
/// | `modulatable` | float, int | flag: the host may add an offset; `= poly`: per voice too | not |
/// | `automatable` | all | `false`, `true`, or `poly`: per voice too | `true` |
/// | `hidden` | all | flag: hosts do not show it | shown |
/// | `read_only` | all | flag: written by the logic only; neither automated nor modulated | writable |
/// | `bypass` | bool | flag: this is the plug-in's bypass, and the shell does it (crossfaded, latency kept); `= manual`: the logic does it. Once in a plug-in | not |
/// | `no_split` | all | flag: its events wait for the next sub-block instead of dividing one | divides |
/// | `periodic` | float, int | flag: the end of the range is its start (a phase) | not |
///
/// # Other keys
///
/// | key | of | value | left out |
/// |---|---|---|---|
/// | `id` | all but `local` | text | error |
/// | `group` | `nested` | text; in arrays `{n}` is the element's number, from 1 | no group |
/// | `scope` | `persist` | `project`: not in presets; `everywhere` | `everywhere` |
/// | `peak` | `meter` | flag: a peak that the logic lets decay | a plain value |
/// | `crate` | `#[params(..)]` on the struct | path to hotshell under another name | `::hotshell` |
///
/// # Errors
///
/// At the field, all at once, with the next step: an unknown key or attribute (and the one that may be meant), a missing
/// or doubled id, an id with other characters, two ids with one number for hosts, a key that the field's type does not
/// have, an empty range, a logarithmic range from 0 or below, a default outside the range, a second bypass, and more than
/// 256 meter channels. What is not written out in numbers is checked when the plug-in is described.
#[proc_macro_derive(Params, attributes(params, param, nested, persist, keep, meter, local))]
pub fn derive_params(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let mut errors = errors::Errors::default();
    let Some(model) = parse::model(&input, &mut errors) else {
        return errors.into_tokens().unwrap_or_default().into();
    };
    check::check(&model, &mut errors);
    match errors.into_tokens() {
        None => emit::params(&model).into(),
        Some(errors) => {
            let silence = emit::params_in_error(&model);
            quote!(#errors #silence).into()
        }
    }
}

/// Makes an enum without fields the choices of an `EnumParam`.
///
/// ```
/// # mod hotshell { pub mod prelude { pub use {hotshell_derive::*, hotshell_logic::params::*}; } }
/// use hotshell::prelude::*;
///
/// #[derive(Clone, Copy, PartialEq, Debug, ParamEnum)]
/// # #[params(crate = hotshell_logic)]
/// enum FilterMode {
///     LowPass,
///     #[variant(id = "hp", name = "High pass (12 dB)")]
///     HighPass,
/// }
///
/// assert_eq!(FilterMode::VARIANTS[0].id, "low-pass");
/// assert_eq!(FilterMode::VARIANTS[0].name, "Low Pass");
/// assert_eq!(FilterMode::VARIANTS[1].id, "hp");
/// assert_eq!(FilterMode::from_index(1), Some(FilterMode::HighPass));
/// assert_eq!(FilterMode::HighPass.index(), 1);
/// ```
///
/// The enum needs `Clone` and `Copy` beside it, and at least one variant. Hosts automate a variant's place, so new ones
/// belong at the end; a saved state holds its id, which may move but never change.
///
/// | key of `#[variant]` | value | left out |
/// |---|---|---|
/// | `id` | text of a-z, 0-9, `_`, `-`; once in the enum | the variant's name in kebab-case: `LowPass` is `"low-pass"` |
/// | `name` | text that the user sees; once in the enum, whatever the letters' size | the variant's name in words: "Low Pass" |
///
/// `#[params(crate = path)]` on the enum: hotshell under another name.
#[proc_macro_derive(ParamEnum, attributes(params, variant))]
pub fn derive_param_enum(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let mut errors = errors::Errors::default();
    let Some(choices) = choice::choices(&input, &mut errors) else {
        return errors.into_tokens().unwrap_or_default().into();
    };
    match errors.into_tokens() {
        None => emit::choices(&choices).into(),
        Some(errors) => {
            let silence = emit::choices_in_error(&choices);
            quote!(#errors #silence).into()
        }
    }
}
