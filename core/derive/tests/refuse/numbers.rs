//! Numbers that contradict each other or the type.
use hotshell_derive::Params;
use hotshell_logic::params::*;

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Numbers {
    #[param(id = "above", range = linear(-60.0..=6.0), default = 12.0)]
    above: FloatParam,
    #[param(id = "standard", default = 2.0)]
    standard: FloatParam,
    #[param(id = "missing", range = log(20.0..=20_000.0))]
    missing: FloatParam,
    #[param(id = "log-zero", range = log(0.0..=1.0))]
    log_zero: FloatParam,
    #[param(id = "empty", range = linear(1.0..=1.0), default = 1.0)]
    empty: FloatParam,
    #[param(id = "exponent", range = skewed(0.0..=1.0, 0))]
    exponent: FloatParam,
    #[param(id = "time", smooth = linear(-20.0))]
    time: FloatParam,
    #[param(id = "text", default = "0.5")]
    text: FloatParam,
    #[param(id = "int-log", range = log(1..=100), default = 1)]
    int_log: IntParam,
    #[param(id = "int-fraction", default = 0.5)]
    int_fraction: IntParam,
    #[param(id = "int-above", range = 1..=16, default = 17)]
    int_above: IntParam,
    #[param(id = "bool", default = 1)]
    bool: BoolParam,
    #[param(id = "choice", default = "saw")]
    choice: EnumParam<Shape>,
}

#[derive(Clone, Copy, hotshell_derive::ParamEnum)]
#[params(crate = hotshell_logic)]
enum Shape {
    Sine,
    Saw,
}

fn main() {}
