//! `IEditController` and its relatives: parameters as the host's main thread sees them.
//!
//! Called by: the host. Calls: `instance`, `params`. Threads: [main] by VST3's rules; hosts call from any, and the
//! shell takes it from any.

#![allow(unsafe_code, reason = "DESIGN 9.9: a COM interface takes C's pointers")]

use hotshell_abi::ParamDesc;
use hotshell_core::shell::{Changes, ParamInfo};
use vst3::Steinberg::Vst::ParameterInfo_::ParameterFlags_ as flags;
use vst3::Steinberg::Vst::{
    IComponentHandler, IEditController2Trait, IEditControllerHostEditingTrait, IEditControllerTrait,
    KnobMode, ParamID, ParamValue, ParameterInfo, String128, TChar,
};
use vst3::Steinberg::{
    FIDString, IBStream, IPlugView, TBool, int32, kInvalidArgument, kNotInitialized, kResultFalse, kResultOk,
    tresult,
};

use crate::com::{Component, put, text_at, wide};
use crate::error::gate;
use crate::instance::Live;
use crate::params::{Line, Table, Target};

fn described(table: &Table, line: &Line) -> ParameterInfo {
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

fn normalised(live: &Live, id: ParamID) -> Option<f64> {
    let table = live.table();
    match table.target(id)? {
        Target::Param(host_id, _, travel) => Some(travel.normalised(live.shell.param_value(host_id)?)),
        Target::Controller(one) => {
            Some(live.controllers.lock().get(&id).copied().unwrap_or_else(|| one.rest()))
        }
    }
}

fn set_normalised(live: &Live, id: ParamID, value: f64) -> bool {
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

fn text_of(live: &Live, id: ParamID, value: f64) -> Option<String> {
    match live.table().target(id)? {
        Target::Param(host_id, _, travel) => live.shell.param_text(host_id, travel.plain(value)),
        Target::Controller(..) => Some(format!("{value:.3}")),
    }
}

fn parsed(live: &Live, id: ParamID, text: &str) -> Option<f64> {
    match live.table().target(id)? {
        Target::Param(host_id, _, travel) => {
            live.shell.param_parse(host_id, text).map(|plain| travel.normalised(plain))
        }
        Target::Controller(..) => text.trim().parse().ok().filter(|value| (0.0..=1.0).contains(value)),
    }
}

fn written(done: bool) -> tresult {
    if done { kResultOk } else { kInvalidArgument }
}

impl IEditControllerTrait for Component {
    unsafe fn setComponentState(&self, state: *mut IBStream) -> tresult {
        // SAFETY: VST3: `state` is null (checked) or a stream that is valid for the call.
        unsafe { self.load(state, true) }
    }

    /// The controller keeps nothing of its own.
    unsafe fn setState(&self, _state: *mut IBStream) -> tresult {
        kResultOk
    }

    unsafe fn getState(&self, _state: *mut IBStream) -> tresult {
        kResultOk
    }

    unsafe fn getParameterCount(&self) -> int32 {
        self.0.ask(0, |live| i32::try_from(live.table().lines.len()).unwrap_or(i32::MAX))
    }

    unsafe fn getParameterInfo(&self, index: int32, info: *mut ParameterInfo) -> tresult {
        self.0.with(|live| {
            let table = live.table();
            let line = usize::try_from(index).ok().and_then(|index| table.lines.get(index));
            let Some(line) = line else { return kInvalidArgument };
            if index.cast_unsigned() as usize + 1 == table.lines.len() {
                live.shell.host_read(Changes::INFO | Changes::PARAMS);
            }
            // SAFETY: VST3: `info` is null (which `put` checks) or a place for one.
            written(unsafe { put(info, described(&table, line)) })
        })
    }

    unsafe fn getParamStringByValue(&self, id: ParamID, value: ParamValue, text: *mut String128) -> tresult {
        self.0.with(|live| match text_of(live, id, value) {
            // SAFETY: VST3: `text` is null (which `put` checks) or a place for 128 units.
            Some(found) => written(unsafe { put(text, wide(&found)) }),
            None => kInvalidArgument,
        })
    }

    unsafe fn getParamValueByString(&self, id: ParamID, text: *mut TChar, value: *mut ParamValue) -> tresult {
        self.0.with(|live| {
            // SAFETY: VST3: `text` is null (checked there) or ends with 0.
            let Some(text) = (unsafe { text_at(text) }) else { return kInvalidArgument };
            match parsed(live, id, &text) {
                // SAFETY: VST3: `value` is null (which `put` checks) or a place for one.
                Some(found) => written(unsafe { put(value, found) }),
                None => kResultFalse,
            }
        })
    }

    unsafe fn normalizedParamToPlain(&self, id: ParamID, value: ParamValue) -> ParamValue {
        self.0.ask(value, |live| live.table().travel(id).map_or(value, |(_, travel)| travel.plain(value)))
    }

    unsafe fn plainParamToNormalized(&self, id: ParamID, plain: ParamValue) -> ParamValue {
        self.0
            .ask(plain, |live| live.table().travel(id).map_or(plain, |(_, travel)| travel.normalised(plain)))
    }

    unsafe fn getParamNormalized(&self, id: ParamID) -> ParamValue {
        self.0.ask(0.0, |live| normalised(live, id).unwrap_or(0.0))
    }

    unsafe fn setParamNormalized(&self, id: ParamID, value: ParamValue) -> tresult {
        self.0.with(|live| written(set_normalised(live, id, value)))
    }

    unsafe fn setComponentHandler(&self, handler: *mut IComponentHandler) -> tresult {
        gate(|| {
            // SAFETY: VST3: null or the host's handler, valid for the call.
            unsafe { self.0.handler.set(handler) };
            self.0.tell();
            kResultOk
        })
    }

    /// Editors come with the editor-proxy; null says that there is none.
    unsafe fn createView(&self, _name: FIDString) -> *mut IPlugView {
        std::ptr::null_mut()
    }
}

impl IEditController2Trait for Component {
    unsafe fn setKnobMode(&self, _mode: KnobMode) -> tresult {
        kResultFalse
    }

    unsafe fn openHelp(&self, _only_check: TBool) -> tresult {
        kResultFalse
    }

    unsafe fn openAboutBox(&self, _only_check: TBool) -> tresult {
        kResultFalse
    }
}

impl IEditControllerHostEditingTrait for Component {
    unsafe fn beginEditFromHost(&self, id: ParamID) -> tresult {
        self.known(id)
    }

    unsafe fn endEditFromHost(&self, id: ParamID) -> tresult {
        self.known(id)
    }
}

impl Component {
    /// The host edits through `setParamNormalized`; there is nothing to prepare, but an unknown id is refused.
    fn known(&self, id: ParamID) -> tresult {
        gate(|| match self.0.live() {
            Some(live) if live.table().target(id).is_some() => kResultOk,
            Some(_) => kInvalidArgument,
            None => kNotInitialized,
        })
    }
}
