//! Enums that are no list of choices.

use hotshell_derive::ParamEnum;

#[derive(Clone, Copy, ParamEnum)]
#[params(crate = hotshell_logic)]
enum Empty {}

#[derive(Clone, Copy, ParamEnum)]
#[params(crate = hotshell_logic)]
struct Struct {
    field: u32,
}

#[derive(Clone, Copy, ParamEnum)]
#[params(crate = hotshell_logic)]
enum Generic<T> {
    One(T),
}

#[derive(Clone, Copy, ParamEnum)]
#[params(crate = hotshell_logic)]
enum Fields {
    Plain,
    Tuple(u32),
}

#[derive(Clone, Copy, ParamEnum)]
#[params(crate = hotshell_logic)]
enum Doubles {
    #[variant(id = "saw")]
    One,
    Saw,
    #[variant(name = "TWO")]
    Second,
    Two,
    #[variant(id = "Bad Id")]
    Bad,
    #[variant(nmae = "Typo")]
    Typo,
    #[variant(name = " ")]
    Blank,
}

fn main() {}
