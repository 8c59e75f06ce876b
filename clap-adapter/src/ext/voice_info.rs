//! voice-info: as many voices as the newest accepted build has.
//!
//! Called by: the host. Calls: the shell. Threads: [main]; hosts also ask on [audio].

#![allow(unsafe_code, reason = "DESIGN 9.9: a raw extension; clack's writes through a null answer")]

use std::ffi::CStr;

use clack_plugin::extensions::prelude::*;
use clap_sys::ext::voice_info::{
    CLAP_EXT_VOICE_INFO, CLAP_VOICE_INFO_SUPPORTS_OVERLAPPING_NOTES, clap_plugin_voice_info, clap_voice_info,
};
use hotshell_abi::PluginDesc;

use crate::instance::Clap;

#[derive(Clone, Copy)]
pub(crate) struct VoiceInfo;

// SAFETY: the id and the structure below belong together; nothing is read through this type.
unsafe impl Extension for VoiceInfo {
    const IDENTIFIERS: &'static [&'static CStr] = &[CLAP_EXT_VOICE_INFO];
    type ExtensionSide = PluginExtensionSide;

    unsafe fn from_raw(_raw: RawExtension<Self::ExtensionSide>) -> Self {
        Self
    }
}

// SAFETY: the structure is the plug-in side of this extension.
unsafe impl ExtensionImplementation<Clap> for VoiceInfo {
    const IMPLEMENTATION: RawExtensionImplementation =
        RawExtensionImplementation::new(&clap_plugin_voice_info { get: Some(get) });
}

/// False for a build without voices.
unsafe extern "C" fn get(plugin: *const clap_plugin, info: *mut clap_voice_info) -> bool {
    // SAFETY: clack checks the plug-in; `info` is null (checked) or one structure to write.
    let answer = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            let desc = wrapper.shared().shell.describe();
            let voices = desc.voice_capacity;
            if voices == 0 || info.is_null() {
                return Ok(false);
            }
            let overlap = desc.flags & PluginDesc::OVERLAPPING_NOTES != 0;
            let flags = if overlap { CLAP_VOICE_INFO_SUPPORTS_OVERLAPPING_NOTES } else { 0 };
            info.write(clap_voice_info { voice_count: voices, voice_capacity: voices, flags });
            Ok(true)
        })
    };
    answer.unwrap_or(false)
}
