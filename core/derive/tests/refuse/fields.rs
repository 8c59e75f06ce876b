//! Fields that do not say what they are, or say what they cannot be.
use hotshell_derive::Params;
use hotshell_logic::params::*;

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Roles {
    /// Documented, but that is all.
    #[allow(dead_code)]
    nothing: FloatParam,
    #[param(id = "two")]
    #[local]
    two: FloatParam,
    #[param(id = "number")]
    number: f64,
    #[param(id = "array")]
    array: [FloatParam; 4],
    #[nested(id = "single", group = "Osc {n}")]
    single: (),
    #[param(id = "reading", read_only, modulatable)]
    reading: FloatParam,
    #[param(id = "blank", name = " ")]
    blank: FloatParam,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Bypasses {
    #[param(id = "bypass", bypass)]
    bypass: BoolParam,
    #[param(id = "other", bypass = manual)]
    other: BoolParam,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct ReadOnlyBypass {
    #[param(id = "bypass", bypass, read_only)]
    bypass: BoolParam,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Tuple(FloatParam);

#[derive(Params)]
#[params(crate = hotshell_logic)]
enum Choice {
    One,
}

fn main() {}
