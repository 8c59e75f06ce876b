//! `IUnitInfo`: groups of parameters. There are no program lists.
//!
//! Called by: the host. Calls: `instance`, `params`. Threads: [main] by VST3's rules; safe from any.

#![allow(unsafe_code, reason = "DESIGN 9.9: a COM interface takes C's pointers")]

use vst3::Steinberg::Vst::{
    BusDirection, CString, IUnitInfoTrait, MediaType, ProgramListID, ProgramListInfo, String128, UnitID,
    UnitInfo, kNoParentUnitId, kNoProgramListId, kRootUnitId,
};
use vst3::Steinberg::{
    IBStream, int16, int32, kInvalidArgument, kNotImplemented, kResultFalse, kResultOk, tresult,
};

use super::{Component, put, wide};

impl IUnitInfoTrait for Component {
    unsafe fn getUnitCount(&self) -> int32 {
        self.0.ask(1, |live| i32::try_from(live.table().units.len()).unwrap_or(0) + 1)
    }

    unsafe fn getUnitInfo(&self, index: int32, info: *mut UnitInfo) -> tresult {
        self.0.with(|live| {
            let table = live.table();
            let (id, parent, name) = match usize::try_from(index) {
                Ok(0) => (kRootUnitId, kNoParentUnitId, "Root"),
                Ok(index) => match table.units.get(index - 1) {
                    Some(unit) => (unit.id, unit.parent, unit.name.as_str()),
                    None => return kInvalidArgument,
                },
                Err(_) => return kInvalidArgument,
            };
            let found =
                UnitInfo { id, parentUnitId: parent, name: wide(name), programListId: kNoProgramListId };
            // SAFETY: VST3: null (which `put` checks) or a place for one.
            if unsafe { put(info, found) } { kResultOk } else { kInvalidArgument }
        })
    }

    unsafe fn getProgramListCount(&self) -> int32 {
        0
    }

    unsafe fn getProgramListInfo(&self, _index: int32, _info: *mut ProgramListInfo) -> tresult {
        kResultFalse
    }

    unsafe fn getProgramName(&self, _list: ProgramListID, _program: int32, _name: *mut String128) -> tresult {
        kResultFalse
    }

    unsafe fn getProgramInfo(
        &self,
        _list: ProgramListID,
        _program: int32,
        _attribute: CString,
        _value: *mut String128,
    ) -> tresult {
        kResultFalse
    }

    unsafe fn hasProgramPitchNames(&self, _list: ProgramListID, _program: int32) -> tresult {
        kResultFalse
    }

    unsafe fn getProgramPitchName(
        &self,
        _list: ProgramListID,
        _program: int32,
        _pitch: int16,
        _name: *mut String128,
    ) -> tresult {
        kResultFalse
    }

    unsafe fn getSelectedUnit(&self) -> UnitID {
        kRootUnitId
    }

    unsafe fn selectUnit(&self, unit: UnitID) -> tresult {
        self.0.with(|live| {
            let known = unit == kRootUnitId || live.table().units.iter().any(|known| known.id == unit);
            if known { kResultOk } else { kInvalidArgument }
        })
    }

    unsafe fn getUnitByBus(
        &self,
        _media: MediaType,
        _direction: BusDirection,
        _bus: int32,
        _channel: int32,
        unit: *mut UnitID,
    ) -> tresult {
        // SAFETY: VST3: null (which `put` checks) or a place for one.
        if unsafe { put(unit, kRootUnitId) } { kResultOk } else { kInvalidArgument }
    }

    unsafe fn setUnitProgramData(&self, _list: int32, _program: int32, _data: *mut IBStream) -> tresult {
        kNotImplemented
    }
}
