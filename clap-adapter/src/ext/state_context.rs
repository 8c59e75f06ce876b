//! state-context: whether a state is for a project, a preset or a copy.
//!
//! Called by: the host. Calls: `ext/state`. Threads: as there.

#![allow(unsafe_code, reason = "DESIGN 9.9: a raw extension; clack's reads a null stream")]

use std::ffi::CStr;

use clack_plugin::extensions::prelude::*;
use clap_sys::ext::state_context::{
    CLAP_EXT_STATE_CONTEXT, CLAP_STATE_CONTEXT_FOR_DUPLICATE, CLAP_STATE_CONTEXT_FOR_PRESET,
    CLAP_STATE_CONTEXT_FOR_PROJECT, clap_plugin_state_context,
};
use clap_sys::stream::{clap_istream, clap_ostream};
use hotshell_core::shell::StateContext;

use crate::ext::state::{load_in, save_in};
use crate::instance::Clap;

#[derive(Clone, Copy)]
pub(crate) struct StateInContext;

// SAFETY: the id and the structure below belong together; nothing is read through this type.
unsafe impl Extension for StateInContext {
    const IDENTIFIERS: &'static [&'static CStr] = &[CLAP_EXT_STATE_CONTEXT];
    type ExtensionSide = PluginExtensionSide;

    unsafe fn from_raw(_raw: RawExtension<Self::ExtensionSide>) -> Self {
        Self
    }
}

// SAFETY: the structure is the plug-in side of this extension.
unsafe impl ExtensionImplementation<Clap> for StateInContext {
    const IMPLEMENTATION: RawExtensionImplementation =
        RawExtensionImplementation::new(&clap_plugin_state_context { save: Some(save), load: Some(load) });
}

/// A context that we do not know is refused: a guess could put a project's fields into a preset.
const fn context(raw: u32) -> Option<StateContext> {
    match raw {
        CLAP_STATE_CONTEXT_FOR_PROJECT => Some(StateContext::Project),
        CLAP_STATE_CONTEXT_FOR_PRESET => Some(StateContext::Preset),
        CLAP_STATE_CONTEXT_FOR_DUPLICATE => Some(StateContext::Duplicate),
        _ => None,
    }
}

unsafe extern "C" fn save(plugin: *const clap_plugin, stream: *const clap_ostream, raw: u32) -> bool {
    // SAFETY: passed on as the host gave them.
    context(raw).is_some_and(|context| unsafe { save_in(plugin, stream, context) })
}

unsafe extern "C" fn load(plugin: *const clap_plugin, stream: *const clap_istream, raw: u32) -> bool {
    // SAFETY: passed on as the host gave them.
    context(raw).is_some_and(|context| unsafe { load_in(plugin, stream, context) })
}
