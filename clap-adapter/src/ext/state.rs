//! state: a project's state, where the host does not say which context it means.
//!
//! Called by: the host. Calls: `state`. Threads: [main]; hosts also call from workers, which the shell stands.

#![allow(unsafe_code, reason = "DESIGN 9.9: a raw extension; clack's reads a null stream")]

use std::ffi::CStr;

use clack_plugin::extensions::prelude::*;
use clack_plugin::stream::{InputStream, OutputStream};
use clap_sys::ext::state::{CLAP_EXT_STATE, clap_plugin_state};
use clap_sys::stream::{clap_istream, clap_ostream};
use hotshell_core::shell::StateContext;

use crate::instance::Clap;
use crate::state;

#[derive(Clone, Copy)]
pub(crate) struct State;

// SAFETY: the id and the structure below belong together; nothing is read through this type.
unsafe impl Extension for State {
    const IDENTIFIERS: &'static [&'static CStr] = &[CLAP_EXT_STATE];
    type ExtensionSide = PluginExtensionSide;

    unsafe fn from_raw(_raw: RawExtension<Self::ExtensionSide>) -> Self {
        Self
    }
}

// SAFETY: the structure is the plug-in side of this extension.
unsafe impl ExtensionImplementation<Clap> for State {
    const IMPLEMENTATION: RawExtensionImplementation =
        RawExtensionImplementation::new(&clap_plugin_state { save: Some(save), load: Some(load) });
}

unsafe extern "C" fn save(plugin: *const clap_plugin, stream: *const clap_ostream) -> bool {
    // SAFETY: passed on as the host gave them.
    unsafe { save_in(plugin, stream, StateContext::Project) }
}

unsafe extern "C" fn load(plugin: *const clap_plugin, stream: *const clap_istream) -> bool {
    // SAFETY: passed on as the host gave them.
    unsafe { load_in(plugin, stream, StateContext::Project) }
}

/// # Safety
/// `plugin` is of ours; `stream` is null or valid for the call.
pub(crate) unsafe fn save_in(
    plugin: *const clap_plugin,
    stream: *const clap_ostream,
    context: StateContext,
) -> bool {
    // SAFETY: by this function's contract. Streams are called as `const`: nothing is written through the reference.
    let saved = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            let stream = stream.cast_mut().as_mut().ok_or(PluginWrapperError::NulPtr("clap_ostream"))?;
            Ok(state::save(wrapper.main_thread(), OutputStream::from_raw_mut(stream), context)?)
        })
    };
    saved.is_some()
}

/// # Safety
/// `plugin` is of ours; `stream` is null or valid for the call.
pub(crate) unsafe fn load_in(
    plugin: *const clap_plugin,
    stream: *const clap_istream,
    context: StateContext,
) -> bool {
    // SAFETY: as above.
    let loaded = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            let stream = stream.cast_mut().as_mut().ok_or(PluginWrapperError::NulPtr("clap_istream"))?;
            Ok(state::load(wrapper.main_thread(), InputStream::from_raw_mut(stream), context)?)
        })
    };
    loaded.is_some()
}
