//! `IEditController` and its relatives.
//!
//! Called by: the host. Calls: `instance`, `controller`. Threads: [main] by VST3's rules; safe from any.

#![allow(unsafe_code, reason = "DESIGN 9.9: a COM interface takes C's pointers")]

use hotshell_core::shell::Changes;
use vst3::Steinberg::Vst::{
    IComponentHandler, IEditController2Trait, IEditControllerHostEditingTrait, IEditControllerTrait,
    KnobMode, ParamID, ParamValue, ParameterInfo, String128, TChar,
};
use vst3::Steinberg::{
    FIDString, IBStream, IPlugView, TBool, int32, kInvalidArgument, kNotInitialized, kResultFalse, kResultOk,
    tresult,
};

use super::{Component, put, text_at, wide};
use crate::controller::{described, normalised, parsed, set_normalised, text_of};
use crate::error::gate;
#[cfg(feature = "editor")]
use crate::error::guard;

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

    /// Null says that there is none.
    #[cfg(not(feature = "editor"))]
    unsafe fn createView(&self, _name: FIDString) -> *mut IPlugView {
        std::ptr::null_mut()
    }

    /// Always one where the plug-in has an editor, whatever that editor does.
    #[cfg(feature = "editor")]
    unsafe fn createView(&self, name: FIDString) -> *mut IPlugView {
        // SAFETY: VST3: null or a C string.
        guard(std::ptr::null_mut(), || unsafe { crate::com::view::create(&self.0, name) })
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
