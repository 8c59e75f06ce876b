//! `#[param(...)]`: which keys there are, for which types, and what their values mean.
//!
//! Called by: `parse`. Calls: `parse/keys`.
//! Threads: the compiler's.

use syn::{Attribute, Error, Expr, Ident, RangeLimits, Result, Type, TypePath};

use super::keys::{Key, Reader};
use super::plain;
use crate::errors::{Errors, quoted_list};
use crate::model::{Bypass, Kind, Law, Param, Range, Reach, Smooth, Unit};

/// Every key of `#[param]`, over all types.
const PARAM_KEYS: &[&str] = &[
    "id",
    "name",
    "default",
    "range",
    "unit",
    "smooth",
    "text",
    "group",
    "page",
    "was",
    "modulatable",
    "automatable",
    "hidden",
    "read_only",
    "bypass",
    "no_split",
    "periodic",
];
/// Words of `unit`, with the variant that each stands for.
const UNITS: &[(&str, &str)] = &[
    ("none", "None"),
    ("percent", "Percent"),
    ("db", "Db"),
    ("hz", "Hz"),
    ("ms", "Ms"),
    ("s", "Seconds"),
    ("semitones", "Semitones"),
    ("cents", "Cents"),
    ("degrees", "Degrees"),
    ("beats", "Beats"),
    ("bpm", "Bpm"),
    ("samples", "Samples"),
    ("pan", "Pan"),
];
/// Laws of `smooth`, likewise.
const SMOOTHINGS: &[(&str, &str)] = &[("linear", "Linear"), ("log", "Log"), ("exp", "Exponential")];

/// Reads the attribute; the type's name says which keys it may have.
pub(super) fn param(attribute: &Attribute, ty: &Type, errors: &mut Errors) -> Option<Param> {
    let kind = errors.keep(kind(ty));
    let reader = Reader::new(attribute, PARAM_KEYS, errors);
    if let Some(kind) = kind {
        refuse_foreign_keys(&reader.keys, kind, errors);
    }
    let id = reader.id(errors);
    Some(Param {
        was: reader.read("was", errors, Key::texts).unwrap_or_default(),
        name: reader.read("name", errors, Key::text),
        group: reader.read("group", errors, Key::text),
        page: reader.read("page", errors, Key::text),
        unit: reader.read("unit", errors, unit),
        range: reader.read("range", errors, range),
        default: reader.read("default", errors, Key::expr),
        smooth: reader.read("smooth", errors, smooth).flatten(),
        text: reader.read("text", errors, Key::ty),
        modulatable: reader.read("modulatable", errors, modulatable).unwrap_or(Reach::No),
        automatable: reader.read("automatable", errors, automatable).unwrap_or(Reach::Mono),
        hidden: reader.read("hidden", errors, Key::flag).is_some(),
        read_only: reader.read("read_only", errors, Key::flag).is_some(),
        bypass: reader.read("bypass", errors, bypass).unwrap_or(Bypass::No),
        no_split: reader.read("no_split", errors, Key::flag).is_some(),
        periodic: reader.read("periodic", errors, Key::flag).is_some(),
        kind: kind?,
        id: id?,
    })
}

fn refuse_foreign_keys(keys: &[Key], kind: Kind, errors: &mut Errors) {
    for key in keys {
        let name = key.name.to_string();
        let homes = homes(&name);
        if !homes.contains(&kind) {
            let homes: Vec<&str> = homes.iter().copied().map(Kind::name).collect();
            let (homes, own) = (quoted_list(&homes), kind.name());
            let message = format!("`{name}` is a key of {homes}, not of `{own}`: take it out");
            errors.at(key.name.span(), message);
        }
    }
}

/// The parameter types that have this key.
fn homes(key: &str) -> &'static [Kind] {
    match key {
        "smooth" => &[Kind::Float],
        "range" | "unit" | "modulatable" | "periodic" => &[Kind::Float, Kind::Int],
        "text" => &[Kind::Float, Kind::Int, Kind::Bool],
        "bypass" => &[Kind::Bool],
        _ => &[Kind::Float, Kind::Int, Kind::Bool, Kind::Enum],
    }
}

impl Kind {
    /// The type's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Float => "FloatParam",
            Self::Int => "IntParam",
            Self::Bool => "BoolParam",
            Self::Enum => "EnumParam",
        }
    }
}

fn kind(ty: &Type) -> Result<Kind> {
    let segment = match plain(ty) {
        Type::Path(TypePath { path, .. }) => path.segments.last(),
        Type::Array(array) => {
            let message =
                "an array is `#[nested]`: put the parameter into a struct of its own that derives `Params`";
            return Err(Error::new_spanned(array, message));
        }
        _ => None,
    };
    match segment.map(|segment| segment.ident.to_string()).as_deref() {
        Some("FloatParam") => Ok(Kind::Float),
        Some("IntParam") => Ok(Kind::Int),
        Some("BoolParam") => Ok(Kind::Bool),
        Some("EnumParam") => Ok(Kind::Enum),
        _ => Err(Error::new_spanned(
            ty,
            "the type of a `#[param]` field is `FloatParam`, `IntParam`, `BoolParam` or `EnumParam<..>`, by that name; \
             mark other fields `#[nested]`, `#[persist]`, `#[keep]`, `#[meter]` or `#[local]`",
        )),
    }
}

fn unit(key: &Key) -> Result<Unit> {
    if let Ok(text) = key.text() {
        return Ok(Unit::Text(text));
    }
    let words: Vec<&str> = UNITS.iter().map(|(word, _)| *word).collect();
    if key.name_value().is_none() {
        return Err(key.error(&format!("one of {}, or text in quotes", quoted_list(&words))));
    }
    let word = key.word(&words)?;
    let variant = UNITS.iter().find(|(known, _)| *known == word).map_or("None", |(_, variant)| variant);
    Ok(Unit::Known(Ident::new(variant, key.name.span())))
}

fn range(key: &Key) -> Result<Range> {
    const WANT: &str = "`linear(0.0..=1.0)`, `log(20.0..=20_000.0)` or `skewed(0.0..=10.0, 2.0)`";
    let whole = key.expr()?;
    if let Expr::Range(_) = &whole {
        let (min, max) = ends(&whole)?;
        return Ok(Range { law: Law::Linear, min, max, whole });
    }
    let (law, arguments) = key.call().ok_or_else(|| key.error(WANT))?;
    let (law, ends_at) = match (law.as_str(), arguments.as_slice()) {
        ("linear", [ends]) => (Law::Linear, ends),
        ("log", [ends]) => (Law::Log, ends),
        ("skewed", [ends, exponent]) => (Law::Skewed(exponent.clone()), ends),
        ("skewed", [_]) => return Err(key.error("an exponent too, as in `skewed(0.0..=10.0, 2.0)`")),
        _ => return Err(key.error(WANT)),
    };
    let (min, max) = ends(ends_at)?;
    Ok(Range { law, min, max, whole })
}

/// Both ends of `a..=b`.
fn ends(value: &Expr) -> Result<(Expr, Expr)> {
    let wrong = "a range is written `start..=end`: both ends belong to it";
    let Expr::Range(range) = value else { return Err(Error::new_spanned(value, wrong)) };
    match (&range.start, &range.limits, &range.end) {
        (Some(start), RangeLimits::Closed(_), Some(end)) => Ok(((**start).clone(), (**end).clone())),
        _ => Err(Error::new_spanned(value, wrong)),
    }
}

fn smooth(key: &Key) -> Result<Option<Smooth>> {
    if key.name_value().as_deref() == Some("none") {
        return Ok(None);
    }
    if let Some((law, arguments)) = key.call()
        && let Some((_, variant)) = SMOOTHINGS.iter().find(|(word, _)| *word == law)
        && let [milliseconds] = arguments.as_slice()
    {
        let law = Ident::new(variant, key.name.span());
        return Ok(Some(Smooth { law, milliseconds: milliseconds.clone() }));
    }
    Err(key.error("`linear(20.0)`, `log(20.0)`, `exp(20.0)` (milliseconds) or `none`"))
}

fn modulatable(key: &Key) -> Result<Reach> {
    match key.flag() {
        Ok(_) => Ok(Reach::Mono),
        Err(_) => key.word(&["poly"]).map(|_| Reach::Poly),
    }
}

fn automatable(key: &Key) -> Result<Reach> {
    match key.boolean() {
        Ok(true) => Ok(Reach::Mono),
        Ok(false) => Ok(Reach::No),
        Err(_) if key.name_value().as_deref() == Some("poly") => Ok(Reach::Poly),
        Err(_) => Err(key.error("`false`, `true` or `poly`")),
    }
}

fn bypass(key: &Key) -> Result<Bypass> {
    match key.flag() {
        Ok(_) => Ok(Bypass::Shell),
        Err(_) => key.word(&["manual"]).map(|_| Bypass::Manual),
    }
}
