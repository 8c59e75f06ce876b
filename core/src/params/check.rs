//! Is a build's parameter list one that a host can be given? And its owned copy.
//!
//! Called by: `params/plan`. Calls: nothing. Threads: [main] [reload].

use std::collections::{BTreeMap, BTreeSet};

use hotshell_abi::{ParamDesc, describe::param_host_id};

use super::{Limits, PlanError};
use crate::shell::ParamInfo;

/// One parameter of a build, checked.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    pub(super) info: ParamInfo,
    pub(super) was: Vec<String>,
}

impl Checked {
    pub(super) fn limits(&self) -> Limits {
        limits(&self.info)
    }
}

/// What an info says of the values.
pub(super) fn limits(info: &ParamInfo) -> Limits {
    Limits {
        min: info.min,
        max: info.max,
        default: info.default,
        flags: info.flags,
        stepped: info.is_stepped(),
    }
}

/// All of a build's parameters, in its order. Indices are 0 until the plan knows them.
pub(super) fn check(params: &[ParamDesc<'_>]) -> Result<Vec<Checked>, PlanError> {
    let mut names: BTreeMap<u32, &str> = BTreeMap::new();
    let mut bypass: Option<&str> = None;
    for desc in params {
        let id = desc.id.as_str();
        let bad = |what: String| PlanError::Bad { id: id.to_owned(), what };
        one(desc).map_err(bad)?;
        match names.insert(desc.host_id, id) {
            Some(other) if other == id => return Err(bad("is declared twice; ids are unique".into())),
            Some(other) => return Err(collision(id, other)),
            None => {}
        }
        if desc.flags & ParamDesc::BYPASS != 0
            && let Some(other) = bypass.replace(id)
        {
            return Err(bad(format!("is a second bypass beside \"{other}\"; keep one")));
        }
    }
    for desc in params {
        for was in desc.was.as_slice() {
            let was = was.as_str();
            match names.get(&param_host_id(was)) {
                Some(other) if *other != was => return Err(collision(was, other)),
                _ => {}
            }
        }
    }
    Ok(params.iter().map(copy).collect())
}

pub(super) fn collision(id: &str, other: &str) -> PlanError {
    PlanError::Collision { id: id.to_owned(), other: other.to_owned() }
}

fn one(desc: &ParamDesc<'_>) -> Result<(), String> {
    let id = desc.id.as_str();
    if id.is_empty() {
        return Err("has an empty id; every parameter needs one".into());
    }
    if desc.host_id != param_host_id(id) {
        return Err(format!(
            "has host id {:#x} instead of {:#x}; rebuild the logic",
            desc.host_id,
            param_host_id(id)
        ));
    }
    if desc.kind > ParamDesc::ENUM || desc.law > ParamDesc::SKEWED {
        return Err(format!("is of kind {} and law {}, which this shell does not know", desc.kind, desc.law));
    }
    if [desc.min, desc.max, desc.default, desc.skew].iter().any(|value| !value.is_finite()) {
        return Err("has a range, default or skew that is not finite".into());
    }
    if desc.min > desc.max || (desc.kind == ParamDesc::FLOAT && desc.min >= desc.max) {
        return Err(format!("has an empty range {}..={}", desc.min, desc.max));
    }
    if !(desc.min..=desc.max).contains(&desc.default) {
        return Err(format!("has its default {} outside of {}..={}", desc.default, desc.min, desc.max));
    }
    if desc.law == ParamDesc::LOGARITHMIC && desc.min <= 0.0 {
        return Err(format!("is logarithmic from {}; the range must be above 0", desc.min));
    }
    if desc.law == ParamDesc::SKEWED && desc.skew <= 0.0 {
        return Err(format!("is skewed by {}; the exponent must be above 0", desc.skew));
    }
    if desc.flags & ParamDesc::BYPASS != 0 && desc.kind != ParamDesc::BOOL {
        return Err("is a bypass and not a bool".into());
    }
    stepped(desc)
}

#[expect(clippy::cast_precision_loss, reason = "a number of variants is exact in f64")]
fn stepped(desc: &ParamDesc<'_>) -> Result<(), String> {
    if desc.is_stepped() && [desc.min, desc.max, desc.default].iter().any(|value| value.fract() != 0.0) {
        return Err("is stepped, and its range or default is no whole number".into());
    }
    if desc.kind == ParamDesc::BOOL && (desc.min, desc.max) != (0.0, 1.0) {
        return Err(format!("is a bool with the range {}..={} instead of 0..=1", desc.min, desc.max));
    }
    if desc.kind != ParamDesc::ENUM {
        return Ok(());
    }
    let variants = desc.variants.as_slice();
    if variants.is_empty() || desc.min != 0.0 || desc.max != (variants.len() - 1) as f64 {
        return Err(format!(
            "is an enum of {} variants with the range {}..={}",
            variants.len(),
            desc.min,
            desc.max
        ));
    }
    let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
    for variant in variants {
        if !ids.insert(variant.id.as_str()) || !names.insert(variant.name.as_str()) {
            let (id, name) = (variant.id.as_str(), variant.name.as_str());
            return Err(format!("has two variants with the id \"{id}\" or the name \"{name}\""));
        }
    }
    Ok(())
}

fn copy(desc: &ParamDesc<'_>) -> Checked {
    let text = |text: &hotshell_abi::Str<'_>| text.as_str().to_owned();
    let variants = desc.variants.as_slice().iter();
    Checked {
        info: ParamInfo {
            id: text(&desc.id),
            host_id: desc.host_id,
            index: 0,
            name: text(&desc.name),
            group: text(&desc.group),
            unit: text(&desc.unit),
            page: text(&desc.page),
            kind: desc.kind,
            min: desc.min,
            max: desc.max,
            default: desc.default,
            law: desc.law,
            skew: desc.skew,
            flags: desc.flags,
            variants: variants.map(|variant| (text(&variant.id), text(&variant.name))).collect(),
            removed: false,
        },
        was: desc.was.as_slice().iter().map(text).filter(|was| was.as_str() != desc.id.as_str()).collect(),
    }
}
