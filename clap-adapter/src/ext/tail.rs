//! tail: answered from the shared part, because hosts ask on either thread.
//!
//! Called by: the host. Calls: the shell (an atomic). Threads: [main] and [audio].

#![allow(
    unsafe_code,
    reason = "DESIGN 9.9: a raw extension; clack's reads the audio thread's part from main"
)]

use std::ffi::CStr;

use clack_plugin::extensions::prelude::*;
use clap_sys::ext::tail::{CLAP_EXT_TAIL, clap_plugin_tail};
use hotshell_core::shell::Tail as Length;

use crate::instance::Clap;

/// CLAP: from here on it means "never ends".
const INFINITE: u32 = i32::MAX.cast_unsigned();

#[derive(Clone, Copy)]
pub(crate) struct Tail;

// SAFETY: the id and the structure below belong together; nothing is read through this type.
unsafe impl Extension for Tail {
    const IDENTIFIERS: &'static [&'static CStr] = &[CLAP_EXT_TAIL];
    type ExtensionSide = PluginExtensionSide;

    unsafe fn from_raw(_raw: RawExtension<Self::ExtensionSide>) -> Self {
        Self
    }
}

// SAFETY: the structure is the plug-in side of this extension.
unsafe impl ExtensionImplementation<Clap> for Tail {
    const IMPLEMENTATION: RawExtensionImplementation =
        RawExtensionImplementation::new(&clap_plugin_tail { get: Some(get) });
}

unsafe extern "C" fn get(plugin: *const clap_plugin) -> u32 {
    // SAFETY: clack checks the pointer; the type is that of every plug-in made by `factory`.
    let frames = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            Ok(match wrapper.shared().shell.tail() {
                Length::None => 0,
                Length::Frames(frames) => u32::try_from(frames).map_or(INFINITE - 1, |n| n.min(INFINITE - 1)),
                Length::Infinite => INFINITE,
            })
        })
    };
    frames.unwrap_or(0)
}
