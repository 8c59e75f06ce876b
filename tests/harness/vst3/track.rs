//! What a VST3 host says of the track that the plug-in sits on, and of the way to the loudspeaker.
//!
//! Called by: tests. Calls: the plug-in. Threads: the plug-in's main thread.
#![allow(unsafe_code, reason = "calls and implements COM interfaces; harness, DESIGN 9.9")]

use std::ffi::{CStr, c_void};

use vst3::Steinberg::Vst::BusDirections_::kOutput;
use vst3::Steinberg::Vst::ChannelContext::{
    IInfoListener, IInfoListenerTrait, kChannelColorKey, kChannelNameKey,
};
use vst3::Steinberg::Vst::{
    IAttributeList, IAttributeListTrait, IAudioPresentationLatency, IAudioPresentationLatencyTrait, TChar,
};
use vst3::Steinberg::{FIDString, int64, kNotImplemented, kResultFalse, kResultOk, tresult, uint32};
use vst3::{Class, ComWrapper};

use super::objects::raw;
use super::plugin::Vst3;
use crate::track::HostTrack;

/// A track as a list of attributes.
struct Attributes(HostTrack);

impl Class for Attributes {
    type Interfaces = (IAttributeList,);
}

/// # Safety
/// Both are C strings.
unsafe fn same(one: FIDString, other: FIDString) -> bool {
    // SAFETY: by contract.
    unsafe { CStr::from_ptr(one) == CStr::from_ptr(other) }
}

impl IAttributeListTrait for Attributes {
    unsafe fn setInt(&self, _id: FIDString, _value: int64) -> tresult {
        kNotImplemented
    }
    unsafe fn getInt(&self, id: FIDString, value: *mut int64) -> tresult {
        // SAFETY: VST3: C strings, and a place for one number.
        unsafe {
            if !same(id, kChannelColorKey) {
                return kResultFalse;
            }
            value.write(self.0.colour.into());
        }
        kResultOk
    }
    unsafe fn setFloat(&self, _id: FIDString, _value: f64) -> tresult {
        kNotImplemented
    }
    unsafe fn getFloat(&self, _id: FIDString, _value: *mut f64) -> tresult {
        kResultFalse
    }
    unsafe fn setString(&self, _id: FIDString, _string: *const TChar) -> tresult {
        kNotImplemented
    }
    unsafe fn getString(&self, id: FIDString, string: *mut TChar, bytes: uint32) -> tresult {
        let name: Vec<u16> = self.0.name.encode_utf16().chain([0]).collect();
        let room = usize::try_from(bytes).expect("small") / size_of::<TChar>();
        // SAFETY: VST3: C strings, and room for so many bytes.
        unsafe {
            if !same(id, kChannelNameKey) || name.len() > room {
                return kResultFalse;
            }
            string.copy_from_nonoverlapping(name.as_ptr(), name.len());
        }
        kResultOk
    }
    unsafe fn setBinary(&self, _id: FIDString, _data: *const c_void, _size: uint32) -> tresult {
        kNotImplemented
    }
    unsafe fn getBinary(&self, _id: FIDString, _data: *mut *const c_void, _size: *mut uint32) -> tresult {
        kResultFalse
    }
}

impl Vst3 {
    /// The plug-in sits on this track, and is told so. Before `initialise` too.
    ///
    /// # Panics
    /// If it does not want to know.
    pub fn move_to(&mut self, track: HostTrack) {
        let infos = self.component.cast::<IInfoListener>().expect("the plug-in has an IInfoListener");
        let list = ComWrapper::new(Attributes(track));
        // SAFETY: both are alive.
        assert_eq!(unsafe { infos.setChannelContextInfos(raw(&list)) }, kResultOk);
    }

    /// So many frames lie between the main output and the loudspeaker.
    ///
    /// # Panics
    /// If the plug-in does not want to know.
    pub fn set_presentation_latency(&mut self, frames: u32) {
        let latency = self.component.cast::<IAudioPresentationLatency>();
        let latency = latency.expect("the plug-in has an IAudioPresentationLatency");
        let output = i32::try_from(kOutput).expect("a small number");
        // SAFETY: alive.
        assert_eq!(unsafe { latency.setAudioPresentationLatencySamples(output, 0, frames) }, kResultOk);
    }
}
