//! Ids that cannot stay for ever, or that two fields would share.
use hotshell_derive::Params;
use hotshell_logic::params::*;

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Characters {
    #[param(name = "Mix")]
    missing: FloatParam,
    #[meter]
    missing_too: Meter<1>,
    #[param(id = "")]
    empty: FloatParam,
    #[param(id = "Mix")]
    capital: FloatParam,
    #[param(id = "osc.mix")]
    dot: FloatParam,
    #[param(id = "wet mix")]
    space: FloatParam,
    #[persist(id = "gr\u{fc}n")]
    letter: Persist<u32>,
    #[param(id = "was", was = ["Old"])]
    was: FloatParam,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Shared {
    #[param(id = "mix")]
    mix: FloatParam,
    #[param(id = "mix")]
    again: FloatParam,
    #[meter(id = "mix")]
    as_meter: Meter<1>,
    #[param(id = "new", was = ["mix"])]
    taken: FloatParam,
    #[param(id = "one", was = ["old"])]
    one: FloatParam,
    #[param(id = "two", was = ["old"])]
    two: FloatParam,
    #[param(id = "decay_bend_mod")]
    bend: FloatParam,
    #[param(id = "dry_release_pre")]
    release: FloatParam,
}

fn main() {}
