//! Parameters as the host's main thread sees them: descriptions, normalised values, texts.
//!
//! Called by: `com/edit`. Calls: the shell, `params`. Threads: [main] by VST3's rules; hosts call from any, and the shell
//! takes it from any.

use hotshell_abi::ParamDesc;
use hotshell_core::shell::ParamInfo;
use vst3::Steinberg::Vst::ParameterInfo_::ParameterFlags_ as flags;
use vst3::Steinberg::Vst::{ParamID, ParameterInfo};

use crate::com::wide;
use crate::instance::Live;
use crate::params::{Line, Table, Target};

pub(crate) fn described(table: &Table, line: &Line) -> ParameterInfo {
    match line {
        Line::Param(info) => described_param(table, info),
        Line::Controller(one) => ParameterInfo {
            id: one.id(),
            title: wide(&one.title()),
            shortTitle: wide(""),
            units: wide(""),
            stepCount: 0,
            defaultNormalizedValue: one.rest(),
            unitId: 0,
            flags: flags::kIsHidden,
        },
    }
}

fn described_param(table: &Table, info: &ParamInfo) -> ParameterInfo {
    let title = if info.removed { format!("{} (removed)", info.name) } else { info.name.clone() };
    let travel = table.travel(info.host_id).map(|(_, travel)| travel);
    ParameterInfo {
        id: info.host_id,
        title: wide(if title.is_empty() { &info.id } else { &title }),
        shortTitle: wide(&title.chars().take(8).collect::<String>()),
        units: wide(&info.unit),
        stepCount: travel.map_or(0, |travel| travel.step_count()),
        defaultNormalizedValue: travel.map_or(0.0, |travel| travel.normalised(info.default)),
        unitId: table.unit_of(&info.group),
        flags: param_flags(info),
    }
}

/// VST3 forbids "can automate" beside "read only" and "hidden", and wants "can automate" at most beside "bypass".
fn param_flags(info: &ParamInfo) -> i32 {
    if info.has(ParamDesc::BYPASS) {
        return flags::kIsBypass | flags::kCanAutomate;
    }
    let mut found = 0;
    let mut set = |ours, theirs| found |= if info.has(ours) { theirs } else { 0 };
    set(ParamDesc::READ_ONLY, flags::kIsReadOnly);
    set(ParamDesc::HIDDEN, flags::kIsHidden);
    set(ParamDesc::PERIODIC, flags::kIsWrapAround);
    if info.kind == ParamDesc::ENUM {
        found |= flags::kIsList;
    }
    if info.has(ParamDesc::AUTOMATABLE) && found & (flags::kIsReadOnly | flags::kIsHidden) == 0 {
        found |= flags::kCanAutomate;
    }
    found
}

pub(crate) fn normalised(live: &Live, id: ParamID) -> Option<f64> {
    let table = live.table();
    match table.target(id)? {
        Target::Param(host_id, _, travel) => Some(travel.normalised(live.shell.param_value(host_id)?)),
        Target::Controller(one) => {
            Some(live.controllers.lock().get(&id).copied().unwrap_or_else(|| one.rest()))
        }
    }
}

pub(crate) fn set_normalised(live: &Live, id: ParamID, value: f64) -> bool {
    if value.is_nan() {
        return false;
    }
    match live.table().target(id) {
        Some(Target::Param(host_id, _, travel)) => live.shell.set_param(host_id, travel.plain(value)),
        Some(Target::Controller(_)) => {
            live.controllers.lock().insert(id, value.clamp(0.0, 1.0));
            true
        }
        None => false,
    }
}

pub(crate) fn text_of(live: &Live, id: ParamID, value: f64) -> Option<String> {
    match live.table().target(id)? {
        Target::Param(host_id, _, travel) => live.shell.param_text(host_id, travel.plain(value)),
        Target::Controller(..) => Some(format!("{value:.3}")),
    }
}

pub(crate) fn parsed(live: &Live, id: ParamID, text: &str) -> Option<f64> {
    match live.table().target(id)? {
        Target::Param(host_id, _, travel) => {
            live.shell.param_parse(host_id, text).map(|plain| travel.normalised(plain))
        }
        Target::Controller(..) => text.trim().parse().ok().filter(|value| (0.0..=1.0).contains(value)),
    }
}
