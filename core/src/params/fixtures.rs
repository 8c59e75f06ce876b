//! Parameter descriptions for tests, in one line each.
//!
//! Called by: tests of this crate. Calls: nothing. Threads: any. Texts are leaked: descriptions are `'static` like those
//! of a real build.

use hotshell_abi::describe::param_host_id;
use hotshell_abi::{ParamDesc, Slice, Str, VariantDesc};

use super::{ParamStore, Parameters};

pub(crate) type Desc = ParamDesc<'static>;

fn text(text: &str) -> Str<'static> {
    Str::new(Box::leak(text.to_owned().into_boxed_str()))
}

fn list<T>(values: Vec<T>) -> Slice<'static, T> {
    Slice::new(Box::leak(values.into_boxed_slice()))
}

pub(crate) fn float(id: &str, min: f64, max: f64, default: f64) -> Desc {
    ParamDesc {
        id: text(id),
        was: Slice::empty(),
        host_id: param_host_id(id),
        kind: ParamDesc::FLOAT,
        name: text(id),
        group: Str::default(),
        unit: Str::default(),
        page: Str::default(),
        min,
        max,
        default,
        law: ParamDesc::LINEAR,
        skew: 1.0,
        flags: ParamDesc::AUTOMATABLE,
        variants: Slice::empty(),
    }
}

pub(crate) fn int(id: &str, min: f64, max: f64, default: f64) -> Desc {
    ParamDesc { kind: ParamDesc::INT, ..float(id, min, max, default) }
}

pub(crate) fn toggle(id: &str, default: f64) -> Desc {
    ParamDesc { kind: ParamDesc::BOOL, ..float(id, 0.0, 1.0, default) }
}

pub(crate) fn choice(id: &str, variants: &[&str], default: f64) -> Desc {
    let max = f64::from(u32::try_from(variants.len()).unwrap() - 1);
    let one = |id: &&str| VariantDesc { id: text(id), name: text(&id.to_uppercase()) };
    let variants = list(variants.iter().map(one).collect());
    ParamDesc { kind: ParamDesc::ENUM, variants, ..float(id, 0.0, max, default) }
}

pub(crate) fn was(desc: Desc, ids: &[&str]) -> Desc {
    ParamDesc { was: list(ids.iter().map(|id| text(id)).collect()), ..desc }
}

pub(crate) fn named(desc: Desc, name: &str) -> Desc {
    ParamDesc { name: text(name), ..desc }
}

/// A build taken over while nothing plays; answers the author's lines.
pub(crate) fn take_over(store: &ParamStore, params: &[Desc]) -> Vec<String> {
    let plan = store.plan(params).unwrap();
    store.switch(&plan);
    store.commit(&plan);
    plan.lines
}

/// Value by dotted id, as a host would ask.
pub(crate) fn value(store: &ParamStore, id: &str) -> f64 {
    store.cell(store.find(param_host_id(id), 0).unwrap()).unwrap().base()
}

pub(crate) fn set(store: &ParamStore, id: &str, value: f64) {
    store.cell(store.find(param_host_id(id), 0).unwrap()).unwrap().set_base(value);
}

/// The announced ids, tombstones in brackets.
pub(crate) fn order(store: &ParamStore) -> Vec<String> {
    let one = |info: crate::shell::ParamInfo| if info.removed { format!("({})", info.id) } else { info.id };
    store.infos().into_iter().map(one).collect()
}
