//! Keys that do not exist, belong elsewhere, or have the wrong value.
use hotshell_derive::Params;
use hotshell_logic::params::*;

#[derive(Clone, Copy, hotshell_derive::ParamEnum)]
#[params(crate = hotshell_logic)]
enum Shape {
    Sine,
    Saw,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Unknown {
    #[param(id = "near", defualt = 0.5)]
    near: FloatParam,
    #[param(id = "far", colour = 3)]
    far: FloatParam,
    #[meter(id = "meter", peek)]
    meter: Meter<1>,
    #[nested(id = "nested", name = "Nested")]
    nested: (),
    #[local(default = 3)]
    local: u32,
    #[param(id = "twice", name = "A", name = "B")]
    twice: FloatParam,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Foreign {
    #[param(id = "int", smooth = linear(20.0))]
    int: IntParam,
    #[param(id = "bool", unit = db, range = linear(0.0..=1.0))]
    bool: BoolParam,
    #[param(id = "choice", text = Nobody, modulatable)]
    choice: EnumParam<Shape>,
    #[param(id = "float", bypass)]
    float: FloatParam,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Values {
    #[param(id = 3)]
    id: FloatParam,
    #[param(id = "name", name)]
    name: FloatParam,
    #[param(id = "was", was = "old")]
    was: FloatParam,
    #[param(id = "unit", unit = persent)]
    unit: FloatParam,
    #[param(id = "range", range = quadratic(0.0..=1.0))]
    range: FloatParam,
    #[param(id = "skew", range = skewed(0.0..=1.0))]
    skew: FloatParam,
    #[param(id = "half", range = linear(0.0..1.0))]
    half: FloatParam,
    #[param(id = "smooth", smooth = 20.0)]
    smooth: FloatParam,
    #[param(id = "mod", modulatable = stereo)]
    modulatable: FloatParam,
    #[param(id = "auto", automatable = 1)]
    automatable: FloatParam,
    #[param(id = "hidden", hidden = true)]
    hidden: FloatParam,
    #[param(id = "bypass", bypass = automatic)]
    bypass: BoolParam,
    #[persist(id = "scope", scope = preset)]
    scope: Persist<u32>,
    #[param = "sign"]
    sign: FloatParam,
}

#[derive(Params)]
#[params(krate = hotshell_logic)]
struct Container {}

fn main() {}
