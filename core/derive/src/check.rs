//! What one attribute cannot see: values against ranges, fields against fields. Every error stands at the field.
//!
//! Called by: `lib`, `choice`. Calls: `model`.
//! Threads: the compiler's.

use std::collections::HashMap;

use syn::{Error, Expr, ExprLit, Lit, LitStr};

use crate::errors::Errors;
use crate::model::{Bypass, Field, Kind, Law, Model, Param, Range, Reach, Role};
use crate::parse::keys::literal;

/// Checks a whole struct.
pub(crate) fn check(model: &Model, errors: &mut Errors) {
    for field in &model.fields {
        if let Some(id) = field.role.id() {
            check_id(id, errors);
        }
        if let Role::Param(param) = &field.role {
            check_param(param, errors);
            if let Some(name) = param.name.as_ref().filter(|name| name.value().trim().is_empty()) {
                errors.at(name.span(), "a parameter needs a name that a user can read");
            }
        }
        if let Role::Nested { group: Some(group), .. } = &field.role {
            check_group(field, group, errors);
        }
    }
    check_ids(model, errors);
    check_bypasses(model, errors);
}

/// Characters of one id. Hosts, files and the dotted form all carry it.
pub(crate) fn check_id(id: &LitStr, errors: &mut Errors) {
    let text = id.value();
    if text.is_empty() {
        errors.at(id.span(), "an id has at least one character: pick one that never has to change");
    }
    let Some(wrong) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '_' | '-')) else { return };
    let next = match wrong {
        '.' => "dots come from `#[nested(id = \"...\")]` only".to_owned(),
        'A'..='Z' => format!("write it in small letters: `{}`", text.to_lowercase()),
        _ => "use a-z, 0-9, `_` and `-`".to_owned(),
    };
    errors.at(id.span(), format!("the id `{text}` has the character `{wrong}`; {next}"));
}

fn check_param(param: &Param, errors: &mut Errors) {
    for was in &param.was {
        for part in was.value().split('.') {
            check_id(&LitStr::new(part, was.span()), errors);
        }
    }
    let range = param
        .range
        .as_ref()
        .map_or_else(|| standard_range(param.kind), |range| check_range(param, range, errors));
    match param.kind {
        Kind::Float | Kind::Int => check_number(param, range, errors),
        Kind::Bool => {
            if let Some(Expr::Lit(ExprLit { lit, .. })) = &param.default
                && !matches!(lit, Lit::Bool(_))
            {
                errors.at(lit.span(), "the default of a `BoolParam` is `true` or `false`");
            }
        }
        Kind::Enum => {
            if let Some(Expr::Lit(literal)) = &param.default {
                errors
                    .on(literal, "the default of an `EnumParam` is one of its variants, as in `Shape::Saw`");
            }
        }
    }
    if let Some(smooth) = &param.smooth
        && literal(&smooth.milliseconds).is_some_and(|ms| ms < 0.0)
    {
        errors.on(&smooth.milliseconds, "a smoothing time is 0 or more milliseconds");
    }
    check_flags(param, errors);
}

fn check_flags(param: &Param, errors: &mut Errors) {
    if param.read_only && param.modulatable != Reach::No {
        let message =
            "`read_only` is written by the logic only, so a host cannot modulate it: take one of the two out";
        errors.at(param.id.span(), message);
    }
    if param.bypass != Bypass::No && param.read_only {
        errors.at(param.id.span(), "a host must be able to switch the bypass: take `read_only` out");
    }
}

/// What holds where no range is given.
const fn standard_range(kind: Kind) -> Option<(f64, f64)> {
    match kind {
        Kind::Float => Some((0.0, 1.0)),
        Kind::Int => Some((0.0, 127.0)),
        Kind::Bool | Kind::Enum => None,
    }
}

/// Checks what is written out in a range; answers both ends if they are.
fn check_range(param: &Param, range: &Range, errors: &mut Errors) -> Option<(f64, f64)> {
    if param.kind == Kind::Int && !matches!(range.law, Law::Linear) {
        errors
            .on(&range.whole, "an `IntParam` has even steps: write `linear(0..=12)`, or use a `FloatParam`");
    }
    if let Law::Skewed(exponent) = &range.law
        && literal(exponent).is_some_and(|exponent| exponent <= 0.0)
    {
        errors.on(
            exponent,
            "the exponent of a skewed range is above 0; 1.0 is even, 2.0 is finer near the start",
        );
    }
    if matches!(range.law, Law::Log) && literal(&range.min).is_some_and(|min| min <= 0.0) {
        let message = "a logarithmic range must start above 0: raise the start, or use `skewed(.., 2.0)`";
        errors.on(&range.min, message);
        return None;
    }
    let (min, max) = (literal(&range.min)?, literal(&range.max)?);
    if min >= max {
        errors.on(&range.whole, "the range is empty: its start must be less than its end");
        return None;
    }
    Some((min, max))
}

fn check_number(param: &Param, range: Option<(f64, f64)>, errors: &mut Errors) {
    let ends = param.range.iter().flat_map(|range| [&range.min, &range.max]);
    for number in ends.chain(&param.default) {
        match number {
            Expr::Lit(ExprLit { lit: lit @ (Lit::Bool(_) | Lit::Str(_) | Lit::Char(_)), .. }) => {
                errors.at(lit.span(), format!("a `{}` holds a number, as in `0.5`", param.kind.name()));
            }
            _ if param.kind == Kind::Int && literal(number).is_some_and(|number| number.fract() != 0.0) => {
                errors.on(number, "an `IntParam` holds whole numbers; use a `FloatParam` for others");
            }
            _ => {}
        }
    }
    let Some((min, max)) = range else { return };
    match &param.default {
        Some(default) => {
            if let Some(value) = literal(default)
                && !(min..=max).contains(&value)
            {
                let message =
                    format!("the default {value} lies outside the range {min}..={max}: move one of the two");
                errors.on(default, message);
            }
        }
        None if !(min..=max).contains(&0.0) => {
            let message = format!(
                "`default` is missing, and 0 lies outside the range {min}..={max}: add `default = ...`"
            );
            errors.at(param.id.span(), message);
        }
        None => {}
    }
}

fn check_group(field: &Field, group: &LitStr, errors: &mut Errors) {
    let is_array = matches!(crate::parse::plain(&field.ty), syn::Type::Array(_));
    if !is_array && group.value().contains("{n}") {
        errors.at(
            group.span(),
            "`{n}` is the number of an array's element, and this field is no array: take it out",
        );
    }
}

/// One id once in a struct, over all kinds of fields; and what hosts store once too.
fn check_ids(model: &Model, errors: &mut Errors) {
    let mut seen: HashMap<String, &Field> = HashMap::new();
    let mut hosts: HashMap<u32, &LitStr> = HashMap::new();
    for field in &model.fields {
        let Some(id) = field.role.id() else { continue };
        if let Some(other) = seen.get(&id.value()) {
            let message =
                format!("the id `{}` is taken by the field `{}`: pick another one", id.value(), other.ident);
            errors.at(id.span(), message);
            continue;
        }
        seen.insert(id.value(), field);
        if matches!(field.role, Role::Param(_))
            && let Some(other) = hosts.insert(host_id(&id.value()), id)
        {
            errors.at(id.span(), collision(&id.value(), &other.value()));
        }
    }
    let mut olds: HashMap<String, &Field> = HashMap::new();
    for field in &model.fields {
        let Role::Param(param) = &field.role else { continue };
        for was in &param.was {
            let taken = seen.get(&was.value()).or_else(|| olds.get(&was.value()));
            if let Some(other) = taken {
                let message = format!(
                    "`{}` is an id of the field `{}`: one id leads to one parameter",
                    was.value(),
                    other.ident
                );
                errors.at(was.span(), message);
            }
            olds.insert(was.value(), field);
        }
    }
}

fn collision(id: &str, other: &str) -> String {
    format!(
        "the ids `{id}` and `{other}` have the same number for hosts (FNV-1a): a host could not tell them apart; change \
         the newer one by a character"
    )
}

/// As `hotshell_abi::param_host_id`, which a compile-time library need not carry along; a test holds them together.
fn host_id(id: &str) -> u32 {
    let hash =
        id.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash & 0x7fff_ffff
}

fn check_bypasses(model: &Model, errors: &mut Errors) {
    let bypasses = model.fields.iter().filter_map(|field| match &field.role {
        Role::Param(param) if param.bypass != Bypass::No => Some((&field.ident, &param.id)),
        _ => None,
    });
    let mut first = None;
    for (ident, id) in bypasses {
        match first {
            None => first = Some(ident),
            Some(first) => {
                let message =
                    format!("the bypass is `{first}` already, and a plug-in has one: take `bypass` out here");
                errors.push(Error::new(id.span(), message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_number_for_hosts_is_the_one_that_shells_compute() {
        for id in ["", "mix", "pre-delay_2", "decay_bend_mod", "dry_release_pre"] {
            assert_eq!(super::host_id(id), hotshell_abi::describe::param_host_id(id), "{id}");
        }
        assert_eq!(super::host_id("decay_bend_mod"), super::host_id("dry_release_pre"));
    }
}
