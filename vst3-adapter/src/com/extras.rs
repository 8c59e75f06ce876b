//! The small interfaces: connection, channel context, remapped and named parameters, presentation latency, prefetch.
//!
//! Called by: the host. Calls: `instance`. Threads: [main] by VST3's rules; safe from any.

#![allow(unsafe_code, reason = "DESIGN 9.9: a COM interface takes C's pointers")]

use std::ffi::CStr;
use std::sync::atomic::Ordering;

use hotshell_abi::PluginDesc;
use vst3::ComRef;
use vst3::Steinberg::Vst::ChannelContext::{IInfoListenerTrait, kChannelColorKey, kChannelNameKey};
use vst3::Steinberg::Vst::ePrefetchableSupport_::{kIsNeverPrefetchable, kIsYetPrefetchable};
use vst3::Steinberg::Vst::{
    BusDirection, IAttributeList, IAttributeListTrait, IAudioPresentationLatencyTrait, IConnectionPoint,
    IConnectionPointTrait, IMessage, IParameterFunctionNameTrait, IPrefetchableSupportTrait,
    IRemapParamIDTrait, ParamID, PrefetchableSupport, UnitID, kNoParamId, kRootUnitId,
};
use vst3::Steinberg::{FIDString, TUID, int32, kInvalidArgument, kResultFalse, kResultOk, tresult, uint32};

use super::component::{AUDIO, OUTPUT, bus_count};
use super::{Component, put};
use crate::error::gate;
use crate::factory::ids;
use crate::instance::Live;
use crate::params::{Line, Table, Target};

/// Component and controller are one object and have nothing to say to each other. Ardour connects the object to
/// itself: the peer is not kept.
impl IConnectionPointTrait for Component {
    unsafe fn connect(&self, other: *mut IConnectionPoint) -> tresult {
        if other.is_null() { kInvalidArgument } else { kResultOk }
    }

    unsafe fn disconnect(&self, _other: *mut IConnectionPoint) -> tresult {
        kResultOk
    }

    unsafe fn notify(&self, _message: *mut IMessage) -> tresult {
        kResultFalse
    }
}

/// The track's name and colour. VST3's other words for a track (its index, its picture) have no equal in CLAP.
impl IInfoListenerTrait for Component {
    unsafe fn setChannelContextInfos(&self, list: *mut IAttributeList) -> tresult {
        gate(|| {
            // SAFETY: VST3: null or a list that is valid for the call.
            let Some(list) = (unsafe { ComRef::from_raw(list) }) else { return kInvalidArgument };
            // SAFETY: the keys are C strings of the bindings' own.
            let (name, colour) = unsafe { (string(list, kChannelNameKey), colour(list)) };
            self.0.set_track(name.as_deref(), colour);
            kResultOk
        })
    }
}

/// Units of a name that a host is given room for.
const NAME: usize = 256;

/// The text of a key; `None` if the list does not have it.
///
/// # Safety
/// `key` is a C string.
unsafe fn string(list: ComRef<'_, IAttributeList>, key: FIDString) -> Option<String> {
    // Twice what the host is told: some take a number of bytes for one of units.
    let mut text = [0_u16; 2 * NAME];
    let room = uint32::try_from(NAME * size_of::<u16>()).ok()?;
    // SAFETY: `text` has more room than that; the key is a C string by contract.
    let result = unsafe { list.getString(key, text.as_mut_ptr(), room) };
    (result == kResultOk).then(|| super::narrow(&text[..NAME]))
}

/// The track's colour, 0xAARRGGBB; `None` if the list has none, or a number that is none.
fn colour(list: ComRef<'_, IAttributeList>) -> Option<u32> {
    let mut value = 0_i64;
    // SAFETY: the key is a C string, `value` a place for one number.
    let result = unsafe { list.getInt(kChannelColorKey, &raw mut value) };
    // A host that keeps colours in 32 signed bits sends most of them as negative numbers.
    let unsigned = || i32::try_from(value).ok().map(i32::cast_unsigned);
    (result == kResultOk).then(|| u32::try_from(value).ok().or_else(unsigned)).flatten()
}

/// Ids of parameters that the author has renamed.
impl IRemapParamIDTrait for Component {
    unsafe fn getCompatibleParamID(&self, replaced: *const TUID, old: ParamID, new: *mut ParamID) -> tresult {
        self.0.with(|live| {
            // SAFETY: VST3: null (checked) or an id of 16 bytes.
            let Some(replaced) = (unsafe { replaced.as_ref() }) else { return kInvalidArgument };
            let ours = self.0.description().is_some_and(|desc| ids::replaces(desc, replaced));
            match live.table().target(old) {
                // SAFETY: VST3: null (which `put` checks) or a place for one.
                Some(Target::Param(id, ..)) if ours && unsafe { put(new, id) } => kResultOk,
                _ => kResultFalse,
            }
        })
    }
}

/// A parameter has the function that its id names: `dry_wet_mix` is VST3's `DryWetMix`, `comp.gain_reduction` its
/// `Comp:GainReduction`.
impl IParameterFunctionNameTrait for Component {
    unsafe fn getParameterIDFromFunctionName(
        &self,
        unit: UnitID,
        name: FIDString,
        id: *mut ParamID,
    ) -> tresult {
        self.0.with(|live| {
            if name.is_null() {
                return kInvalidArgument;
            }
            // SAFETY: VST3: not null, and ends with 0.
            let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
            let found = function(&live.table(), unit, &name);
            // SAFETY: VST3: null (which `put` checks) or a place for one.
            let done = unsafe { put(id, found.unwrap_or(kNoParamId)) };
            if done && found.is_some() { kResultOk } else { kResultFalse }
        })
    }
}

/// The root's functions are those of the whole plug-in.
fn function(table: &Table, unit: UnitID, name: &str) -> Option<ParamID> {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let name = plain(name);
    table.lines.iter().find_map(|line| match line {
        Line::Param(info) if !info.removed && plain(&info.id) == name => {
            (unit == kRootUnitId || unit == table.unit_of(&info.group)).then_some(info.host_id)
        }
        _ => None,
    })
}

impl IAudioPresentationLatencyTrait for Component {
    /// What lies around us in the chain: accepted for any bus that there is. An editor is told of the main output's.
    unsafe fn setAudioPresentationLatencySamples(
        &self,
        direction: BusDirection,
        bus: int32,
        latency: uint32,
    ) -> tresult {
        self.0.with(|live| {
            let known = usize::try_from(bus).is_ok_and(|bus| bus < bus_count(live, AUDIO, direction));
            if known && direction == OUTPUT && bus == 0 {
                self.0.set_presentation_latency(live, latency);
            }
            if known { kResultOk } else { kInvalidArgument }
        })
    }
}

impl IPrefetchableSupportTrait for Component {
    /// Nothing in a shell minds being run ahead, but for hardware behind the logic.
    unsafe fn getPrefetchableSupport(&self, support: *mut PrefetchableSupport) -> tresult {
        self.0.with(|live| {
            let found = prefetchable(live);
            self.0.prefetch_read.store(found, Ordering::Relaxed);
            // SAFETY: VST3: null (which `put` checks) or a place for one.
            if unsafe { put(support, found) } { kResultOk } else { kInvalidArgument }
        })
    }
}

/// What the host is told of running ahead.
#[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "the enum is signed on Windows")]
pub(crate) fn prefetchable(live: &Live) -> PrefetchableSupport {
    let never = live.shell.describe().flags & PluginDesc::HARD_REALTIME != 0;
    (if never { kIsNeverPrefetchable } else { kIsYetPrefetchable }) as PrefetchableSupport
}

/// Nobody has asked yet.
pub(crate) const PREFETCH_UNREAD: PrefetchableSupport = PrefetchableSupport::MAX;
