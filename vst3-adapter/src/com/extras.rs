//! The small interfaces: connection, channel context, remapped and named parameters, presentation latency, prefetch.
//!
//! Called by: the host. Calls: `instance`. Threads: [main] by VST3's rules; safe from any.

#![allow(unsafe_code, reason = "DESIGN 9.9: a COM interface takes C's pointers")]

use vst3::Steinberg::Vst::ChannelContext::IInfoListenerTrait;
use vst3::Steinberg::Vst::ePrefetchableSupport_::kIsYetPrefetchable;
use vst3::Steinberg::Vst::{
    BusDirection, IAttributeList, IAudioPresentationLatencyTrait, IConnectionPoint, IConnectionPointTrait,
    IMessage, IParameterFunctionNameTrait, IPrefetchableSupportTrait, IRemapParamIDTrait, ParamID,
    PrefetchableSupport, UnitID,
};
use vst3::Steinberg::{FIDString, TUID, int32, kInvalidArgument, kResultFalse, kResultOk, tresult, uint32};

use super::{Component, put};
use crate::factory::ids;
use crate::params::Target;

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

/// The track's name and colour: accepted; no logic asks for them.
impl IInfoListenerTrait for Component {
    unsafe fn setChannelContextInfos(&self, list: *mut IAttributeList) -> tresult {
        if list.is_null() { kInvalidArgument } else { kResultOk }
    }
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

impl IParameterFunctionNameTrait for Component {
    /// No parameter of ours declares one of VST3's functions.
    unsafe fn getParameterIDFromFunctionName(
        &self,
        _unit: UnitID,
        _name: FIDString,
        _id: *mut ParamID,
    ) -> tresult {
        kResultFalse
    }
}

impl IAudioPresentationLatencyTrait for Component {
    /// What lies behind us in the chain: accepted; no logic asks for it.
    unsafe fn setAudioPresentationLatencySamples(
        &self,
        _direction: BusDirection,
        _bus: int32,
        _latency: uint32,
    ) -> tresult {
        kResultOk
    }
}

impl IPrefetchableSupportTrait for Component {
    /// Nothing in a shell minds being run ahead.
    unsafe fn getPrefetchableSupport(&self, support: *mut PrefetchableSupport) -> tresult {
        #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "the enum is signed on Windows")]
        const YES: PrefetchableSupport = kIsYetPrefetchable as PrefetchableSupport;
        // SAFETY: VST3: null (which `put` checks) or a place for one.
        if unsafe { put(support, YES) } { kResultOk } else { kInvalidArgument }
    }
}
