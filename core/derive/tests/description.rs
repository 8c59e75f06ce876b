//! What the attributes do to the description that a shell reads, and to texts.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::pedantic)]
#![allow(clippy::float_cmp, reason = "values come through unchanged, to the last bit")]

use std::fmt::{self, Write};
use std::sync::Arc;

use hotshell_abi::{MeterDesc, ParamDesc, PersistDesc, PluginDesc};
use hotshell_derive::{ParamEnum, Params};
use hotshell_logic::params::{
    BoolParam, EnumParam, FilePath, FloatParam, IntParam, Keep, Meter, ParamText, Params, ParamsBuilder,
    Persist,
};
use hotshell_logic::{
    AudioBuffer, CreateContext, EventList, PluginInfo, PluginLogic, ProcessContext, ProcessStatus,
};

/// A plug-in that is nothing but its parameters.
struct Only<P>(Arc<P>);

impl<P: Params> PluginLogic for Only<P> {
    type Params = P;
    const INFO: PluginInfo = PluginInfo::new("org.example.only", "Only");

    fn create(params: Arc<P>, _: &CreateContext<'_>) -> Self {
        Self(params)
    }

    fn process(
        &mut self,
        _: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        let _ = &self.0;
        ProcessStatus::Quiet
    }
}

fn describe<P: Params>() -> &'static PluginDesc<'static> {
    hotshell_logic::__private::description::<Only<P>, f32>()
}

fn param<P: Params>(id: &str) -> &'static ParamDesc<'static> {
    let found = describe::<P>().params.as_slice().iter().find(|param| param.id.as_str() == id);
    found.unwrap_or_else(|| panic!("no parameter `{id}`"))
}

#[derive(Clone, Copy, ParamEnum)]
#[params(crate = hotshell_logic)]
enum Shape {
    Sine,
    Saw,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Kinds {
    #[param(id = "float", range = log(20.0..=20_000.0), default = 440.0)]
    _float: FloatParam,
    #[param(id = "skewed", range = skewed(-1.0..=1.0, 2.5))]
    _skewed: FloatParam,
    #[param(id = "int", range = -3..=12, default = 7)]
    _int: IntParam,
    #[param(id = "bool", default = true)]
    _bool: BoolParam,
    #[param(id = "choice", default = Shape::Saw)]
    _choice: EnumParam<Shape>,
}

#[test]
fn kinds_ranges_and_defaults_are_described_in_the_order_of_the_fields() {
    let ids: Vec<&str> =
        describe::<Kinds>().params.as_slice().iter().map(|param| param.id.as_str()).collect();
    assert_eq!(ids, ["float", "skewed", "int", "bool", "choice"]);
    let facts = |id| {
        let param = param::<Kinds>(id);
        (param.kind, param.law, (param.min, param.max, param.default))
    };
    assert_eq!(facts("float"), (ParamDesc::FLOAT, ParamDesc::LOGARITHMIC, (20.0, 20_000.0, 440.0)));
    assert_eq!(facts("skewed"), (ParamDesc::FLOAT, ParamDesc::SKEWED, (-1.0, 1.0, 0.0)));
    assert_eq!(param::<Kinds>("skewed").skew, 2.5);
    assert_eq!(facts("int"), (ParamDesc::INT, ParamDesc::LINEAR, (-3.0, 12.0, 7.0)));
    assert_eq!(facts("bool"), (ParamDesc::BOOL, ParamDesc::LINEAR, (0.0, 1.0, 1.0)));
    assert_eq!(facts("choice"), (ParamDesc::ENUM, ParamDesc::LINEAR, (0.0, 1.0, 1.0)));
    let variants = param::<Kinds>("choice").variants.as_slice().iter();
    let variants: Vec<_> = variants.map(|variant| (variant.id.as_str(), variant.name.as_str())).collect();
    assert_eq!(variants, [("sine", "Sine"), ("saw", "Saw")]);
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Words {
    #[param(id = "pre-delay_2")]
    _plain: FloatParam,
    #[param(id = "cut", name = "Cutoff", group = "Filter/Low", page = "Main", was = ["freq", "frequency"])]
    _float: FloatParam,
    #[param(id = "int", name = "I", group = "G", page = "P", was = ["i"])]
    _int: IntParam,
    #[param(id = "bool", name = "B", group = "G", page = "P", was = ["b"])]
    _bool: BoolParam,
    #[param(id = "choice", name = "C", group = "G", page = "P", was = ["c"])]
    _choice: EnumParam<Shape>,
    #[param(id = "byp", bypass)]
    _bypass: BoolParam,
    #[param(id = "-")]
    _wordless: FloatParam,
}

#[test]
fn names_groups_pages_and_old_ids_are_described() {
    let facts = |id| {
        let param = param::<Words>(id);
        let was: Vec<&str> = param.was.as_slice().iter().map(hotshell_abi::Str::as_str).collect();
        (param.name.as_str(), param.group.as_str(), param.page.as_str(), was)
    };
    assert_eq!(facts("pre-delay_2"), ("Pre Delay 2", "", "", vec![]));
    assert_eq!(facts("cut"), ("Cutoff", "Filter/Low", "Main", vec!["freq", "frequency"]));
    assert_eq!(facts("int"), ("I", "G", "P", vec!["i"]));
    assert_eq!(facts("bool"), ("B", "G", "P", vec!["b"]));
    assert_eq!(facts("choice"), ("C", "G", "P", vec!["c"]));
    assert_eq!(facts("byp").0, "Bypass");
    assert_eq!(facts("-").0, "-");
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Flags {
    #[param(id = "plain")]
    _plain: FloatParam,
    #[param(id = "mono", modulatable)]
    _mono: FloatParam,
    #[param(id = "poly", modulatable = poly, automatable = poly)]
    _poly: IntParam,
    #[param(id = "still", automatable = false)]
    _still: FloatParam,
    #[param(id = "automatable", automatable = true)]
    _automatable: BoolParam,
    #[param(id = "hidden", hidden)]
    _hidden: EnumParam<Shape>,
    #[param(id = "reading", read_only)]
    _reading: IntParam,
    #[param(id = "whole", no_split)]
    _whole: EnumParam<Shape>,
    #[param(id = "phase", periodic)]
    _phase: FloatParam,
    #[param(id = "bypass", bypass, hidden)]
    _bypass: BoolParam,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Manual {
    #[param(id = "bypass", name = "Off", bypass = manual)]
    _bypass: BoolParam,
}

#[test]
fn flags_are_described_one_by_one() {
    let bits = |id| param::<Flags>(id).flags;
    let auto = ParamDesc::AUTOMATABLE;
    assert_eq!(bits("plain"), auto);
    assert_eq!(bits("mono"), auto | ParamDesc::MODULATABLE);
    let poly = ParamDesc::MODULATABLE | ParamDesc::MODULATABLE_PER_NOTE | ParamDesc::AUTOMATABLE_PER_NOTE;
    assert_eq!(bits("poly"), auto | poly);
    assert_eq!(bits("still"), 0);
    assert_eq!(bits("automatable"), auto);
    assert_eq!(bits("hidden"), auto | ParamDesc::HIDDEN);
    assert_eq!(bits("reading"), ParamDesc::READ_ONLY);
    assert_eq!(bits("whole"), auto | ParamDesc::NO_SPLIT);
    assert_eq!(bits("phase"), auto | ParamDesc::PERIODIC);
    assert_eq!(bits("bypass"), auto | ParamDesc::BYPASS | ParamDesc::HIDDEN);
    let manual = param::<Manual>("bypass");
    assert_eq!(manual.flags, auto | ParamDesc::BYPASS | ParamDesc::MANUAL_BYPASS);
    assert_eq!(manual.name.as_str(), "Off");
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Voice {
    #[param(id = "tune", group = "Pitch", was = ["pitch"])]
    _tune: FloatParam,
    #[meter(id = "level")]
    _level: Meter<1>,
    #[persist(id = "wave")]
    _wave: Persist<FilePath>,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Layers {
    #[nested(id = "osc", group = "Osc {n}")]
    _osc: [Voice; 2],
    #[nested(id = "sub", group = "Sub")]
    _sub: Voice,
    #[nested(id = "bare")]
    _bare: Voice,
    #[persist(id = "project", scope = project)]
    _project: Persist<u32>,
    #[persist(id = "both", scope = everywhere)]
    _both: Persist<u32>,
    #[keep(id = "ui")]
    _ui: Keep<u32>,
    #[meter(id = "out", peak)]
    _out: Meter<2>,
}

#[test]
fn nested_fields_get_dotted_ids_and_groups_within_groups() {
    let params = describe::<Layers>().params.as_slice().iter();
    let facts: Vec<_> = params
        .map(|param| (param.id.as_str(), param.group.as_str(), param.was.as_slice()[0].as_str()))
        .collect();
    let wanted = [
        ("osc.1.tune", "Osc 1/Pitch", "osc.1.pitch"),
        ("osc.2.tune", "Osc 2/Pitch", "osc.2.pitch"),
        ("sub.tune", "Sub/Pitch", "sub.pitch"),
        ("bare.tune", "Pitch", "bare.pitch"),
    ];
    assert_eq!(facts, wanted);
}

#[test]
fn meters_and_persistent_fields_are_described_with_their_kind_and_scope() {
    let meter = |meter: &MeterDesc<'static>| (meter.id.as_str(), meter.channels, meter.kind);
    let meters: Vec<_> = describe::<Layers>().meters.as_slice().iter().map(meter).collect();
    assert_eq!(
        meters,
        [
            ("osc.1.level", 1, 0),
            ("osc.2.level", 1, 0),
            ("sub.level", 1, 0),
            ("bare.level", 1, 0),
            ("out", 2, 1)
        ]
    );
    let persist = |persist: &PersistDesc<'static>| (persist.id.as_str(), persist.scope);
    let persists: Vec<_> = describe::<Layers>().persists.as_slice().iter().map(persist).collect();
    assert_eq!(
        persists[3..],
        [
            ("bare.wave", PersistDesc::EVERYWHERE),
            ("project", PersistDesc::PROJECT),
            ("both", PersistDesc::EVERYWHERE),
            ("ui", PersistDesc::KEEP),
        ]
    );
}

/// Shouts.
struct Loud;
impl ParamText for Loud {
    fn format(value: f64, out: &mut dyn Write) -> fmt::Result {
        write!(out, "{value:.1}!")
    }
    fn parse(text: &str) -> Option<f64> {
        text.strip_suffix('!')?.parse().ok()
    }
}

/// Shouts another word.
struct Named<const WORD: char>;
impl<const WORD: char> ParamText for Named<WORD> {
    fn format(value: f64, out: &mut dyn Write) -> fmt::Result {
        write!(out, "{WORD}{value}")
    }
    fn parse(text: &str) -> Option<f64> {
        text.strip_prefix(WORD)?.parse().ok()
    }
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Texts {
    #[param(id = "none", unit = none)]
    _none: FloatParam,
    #[param(id = "percent", unit = percent)]
    _percent: FloatParam,
    #[param(id = "db", range = linear(-60.0..=6.0), unit = db)]
    _db: FloatParam,
    #[param(id = "hz", range = log(20.0..=20_000.0), default = 20.0, unit = hz)]
    _hz: FloatParam,
    #[param(id = "ms", range = linear(0.0..=500.0), unit = ms)]
    _ms: FloatParam,
    #[param(id = "s", range = linear(0.0..=10.0), unit = s)]
    _s: FloatParam,
    #[param(id = "semitones", range = -12..=12, unit = semitones)]
    _semitones: IntParam,
    #[param(id = "cents", range = linear(-100.0..=100.0), unit = cents)]
    _cents: FloatParam,
    #[param(id = "degrees", range = linear(0.0..=360.0), unit = degrees)]
    _degrees: FloatParam,
    #[param(id = "beats", range = linear(0.0..=16.0), unit = beats)]
    _beats: FloatParam,
    #[param(id = "bpm", range = linear(0.0..=300.0), unit = bpm)]
    _bpm: FloatParam,
    #[param(id = "samples", range = 0..=512, unit = samples)]
    _samples: IntParam,
    #[param(id = "pan", range = linear(-1.0..=1.0), unit = pan)]
    _pan: FloatParam,
    #[param(id = "volts", range = linear(0.0..=10.0), unit = "V")]
    _volts: FloatParam,
    #[param(id = "loud", text = Loud)]
    _loud: FloatParam,
    #[param(id = "int", text = Named<'#'>)]
    _int: IntParam,
    #[param(id = "bool", text = Named<'b'>)]
    _bool: BoolParam,
}

#[test]
fn units_and_own_texts_show_and_read_values() {
    let mut builder = ParamsBuilder::standalone();
    let _params = Texts::build(&mut builder);
    let cases = [
        ("none", 0.5, "0.50", ""),
        ("percent", 0.5, "50.0 %", "%"),
        ("db", -6.0, "-6.0 dB", "dB"),
        ("hz", 440.0, "440.0 Hz", "Hz"),
        ("ms", 20.0, "20.0 ms", "ms"),
        ("s", 1.5, "1.50 s", "s"),
        ("semitones", -7.0, "-7 st", "st"),
        ("cents", 50.0, "50.00 ct", "ct"),
        ("degrees", 90.0, "90.00 °", "°"),
        ("beats", 4.0, "4.00 beats", "beats"),
        ("bpm", 120.0, "120.00 BPM", "BPM"),
        ("samples", 64.0, "64 samples", "samples"),
        ("pan", -0.5, "50 L", ""),
        ("volts", 5.0, "5.00 V", "V"),
        ("loud", 0.5, "0.5!", ""),
        ("int", 3.0, "#3", ""),
        ("bool", 1.0, "b1", ""),
    ];
    for (id, value, text, unit) in cases {
        assert_eq!(builder.text(id, value).as_deref(), Some(text), "{id}");
        assert_eq!(builder.parse(id, text), Some(value), "{id}");
        assert_eq!(param::<Texts>(id).unit.as_str(), unit, "{id}");
    }
}
