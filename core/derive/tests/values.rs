//! What the attributes do to the fields themselves.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::pedantic)]
#![allow(clippy::float_cmp, reason = "values come through unchanged, to the last bit")]

use hotshell_derive::{ParamEnum, Params};
use hotshell_logic::params::{
    BoolParam, EnumParam, FilePath, FloatParam, FloatRange, IntParam, Keep, Meter, ParamEnum, Params, Persist,
};

#[derive(Clone, Copy, PartialEq, Eq, Debug, ParamEnum)]
#[params(crate = hotshell_logic)]
enum Shape {
    SineWave,
    #[variant(id = "saw", name = "Saw-tooth")]
    Saw,
    r#Square,
}

const FLOOR: f64 = -60.0;
const ON: bool = true;

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Numbers {
    #[param(id = "plain")]
    plain: FloatParam,
    #[param(id = "whole", range = linear(-60..=6), default = -3)]
    whole_literals: FloatParam,
    #[param(id = "constants", range = linear(FLOOR..=FLOOR + 66.0), default = FLOOR / 2.0)]
    constants: FloatParam,
    #[param(id = "log", range = log(20.0..=20_000.0), default = 1000.0)]
    log: hotshell_logic::params::FloatParam,
    #[param(id = "skewed", range = skewed(0.0..=10.0, 2))]
    skewed: FloatParam,
    #[param(id = "bare", range = 0.0..=2.0, default = 2.0)]
    bare: FloatParam,
    #[param(id = "int")]
    int: IntParam,
    #[param(id = "voices", range = 1..=16, default = 8)]
    voices: IntParam,
    #[param(id = "semis", range = linear(-12..=12), default = -5)]
    semis: IntParam,
    #[param(id = "off")]
    off: BoolParam,
    #[param(id = "on", default = ON)]
    on: BoolParam,
    #[param(id = "first")]
    first: EnumParam<Shape>,
    #[param(id = "chosen", default = Shape::Saw)]
    chosen: EnumParam<Shape>,
}

#[test]
fn ranges_and_defaults_reach_the_fields() {
    let params = Numbers::default();
    assert_eq!((params.plain.range(), params.plain.value()), (FloatRange::linear(0.0..=1.0), 0.0));
    assert_eq!(
        (params.whole_literals.range(), params.whole_literals.value()),
        (FloatRange::linear(-60.0..=6.0), -3.0)
    );
    assert_eq!(
        (params.constants.range(), params.constants.value()),
        (FloatRange::linear(-60.0..=6.0), -30.0)
    );
    assert_eq!((params.log.range(), params.log.value()), (FloatRange::log(20.0..=20_000.0), 1000.0));
    assert_eq!(params.skewed.range(), FloatRange::skewed(0.0..=10.0, 2.0));
    assert_eq!((params.bare.range(), params.bare.value()), (FloatRange::linear(0.0..=2.0), 2.0));
    assert_eq!((params.int.range(), params.int.value()), (0..=127, 0));
    assert_eq!((params.voices.range(), params.voices.value()), (1..=16, 8));
    assert_eq!((params.semis.range(), params.semis.value()), (-12..=12, -5));
    assert_eq!((params.off.value(), params.on.value()), (false, true));
    assert_eq!((params.first.value(), params.chosen.value()), (Shape::SineWave, Shape::Saw));
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Smooths {
    #[param(id = "none", smooth = none)]
    none: FloatParam,
    #[param(id = "linear", smooth = linear(20))]
    linear: FloatParam,
    #[param(id = "log", range = linear(1.0..=4.0), default = 1.0, smooth = log(20.0))]
    log: FloatParam,
    #[param(id = "exp", smooth = exp(20.0))]
    exp: FloatParam,
}

/// Value after `frames` of a jump to `target` (960 frames are 20 ms at the rate that holds before a reset).
fn after(param: &FloatParam, target: f64, frames: usize) -> f64 {
    let _ = param.smoothed.next_f64();
    hotshell_logic::params::Param::set(param, target);
    param.smoothed.skip(frames)
}

#[test]
fn smoothing_follows_the_law_and_the_time_that_are_given() {
    let params = Smooths::default();
    let is = |value: f64, want: f64| assert!((value - want).abs() < 1e-6, "{value} is not {want}");
    is(after(&params.none, 1.0, 1), 1.0);
    is(after(&params.linear, 1.0, 480), 0.5);
    is(after(&params.linear, 1.0, 480), 1.0);
    is(after(&params.log, 4.0, 480), 2.0);
    is(after(&params.exp, 1.0, 480), 1.0 - 0.001_f64.sqrt());
}

#[derive(Default)]
struct Scratch(u8);

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
struct UiState {
    tab: u32,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Inner {
    #[param(id = "level", default = 0.25)]
    level: FloatParam,
    #[meter(id = "out")]
    out: Meter<2>,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Others {
    #[nested(id = "one")]
    one: Inner,
    #[nested(id = "many", group = "Many {n}")]
    many: [Inner; 3],
    #[persist(id = "file")]
    file: Persist<FilePath>,
    #[keep(id = "ui")]
    ui: Keep<UiState>,
    #[meter(id = "in", peak)]
    input: Meter<{ 1 + 1 }>,
    /// Documented, and `cfg` is no business of ours.
    #[local]
    #[cfg(not(windows))]
    scratch: Scratch,
}

#[test]
fn all_other_fields_are_made_too() {
    let params = Others::default();
    assert_eq!(params.one.level.value(), 0.25);
    assert_eq!(params.many.each_ref().map(|inner| inner.level.value()), [0.25; 3]);
    assert_eq!(params.file.get().path(), None);
    params.ui.set(UiState { tab: 2 }).unwrap();
    assert_eq!(params.ui.get().tab, 2);
    params.input.set(1, 0.5);
    assert_eq!(params.input.get(1), 0.5);
    params.one.out.set(0, 1.0);
    assert_eq!(params.many[0].out.get(0), 0.0);
    assert_eq!(params.scratch.0, 0);
}

#[test]
fn meter_channels_are_counted_over_nested_structs() {
    assert_eq!(Inner::METERS, 2);
    assert_eq!(Others::METERS, 2 + 3 * 2 + 2);
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Envelope {
    #[param(id = "rate_delay")]
    rate: FloatParam,
}

/// `env.rate_delay` and `amp_phase_filter` have one number for hosts; no struct by itself can see it.
#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Collision {
    #[nested(id = "env")]
    envelope: Envelope,
    #[param(id = "amp_phase_filter")]
    phase: FloatParam,
}

#[test]
#[should_panic(expected = "`amp_phase_filter` and `env.rate_delay` have the same host id")]
fn host_ids_that_collide_over_structs_are_an_error_by_name() {
    let params = Collision::default();
    drop((params.envelope.rate, params.phase));
}

const HIGH: f64 = 2.0;

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Constants {
    #[param(id = "drive", range = linear(0.0..=1.0), default = HIGH)]
    drive: FloatParam,
}

#[test]
#[should_panic(expected = "`drive`: its default lies outside its range")]
fn what_is_not_written_out_is_checked_when_it_is_built() {
    drop(Constants::default().drive);
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Empty;

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Generic<T: Params, const N: usize>
where
    T: Sync,
{
    #[nested(id = "inner")]
    inner: [T; N],
    #[meter(id = "out")]
    out: Meter<N>,
}

#[test]
fn empty_and_generic_structs_derive_too() {
    let Empty = hotshell_logic::params::standalone();
    let () = hotshell_logic::params::standalone();
    let params = Generic::<Inner, 2>::default();
    assert_eq!(params.inner[1].level.value(), 0.25);
    params.out.set(1, 1.0);
    assert_eq!(Generic::<Inner, 2>::METERS, 6);
}

macro_rules! declared {
    ($name:ident, $ty:ty, $low:expr) => {
        #[derive(Params)]
        #[params(crate = hotshell_logic)]
        struct $name {
            #[param(id = "x", range = linear($low..=10.0), default = $low)]
            x: $ty,
        }
    };
}
declared!(Declared, FloatParam, 1.0);

#[test]
fn structs_written_by_macros_derive_too() {
    assert_eq!(Declared::default().x.value(), 1.0);
}

#[test]
fn choices_have_ids_and_names() {
    let list: Vec<(&str, &str)> = Shape::VARIANTS.iter().map(|variant| (variant.id, variant.name)).collect();
    assert_eq!(list, [("sine-wave", "Sine Wave"), ("saw", "Saw-tooth"), ("square", "Square")]);
    for (index, shape) in [Shape::SineWave, Shape::Saw, Shape::Square].into_iter().enumerate() {
        assert_eq!(shape.index(), index);
        assert_eq!(Shape::from_index(index), Some(shape));
    }
    assert_eq!(Shape::from_index(3), None);
}
