//! remote-controls: pages of eight parameters, by the page name that the author gave them.
//!
//! Called by: the host. Calls: the table in `params`. Threads: [main].

#![allow(unsafe_code, reason = "DESIGN 9.9: a raw extension; clack's writes through a null answer")]

use std::ffi::CStr;

use clack_plugin::extensions::prelude::*;
use clap_sys::ext::remote_controls::{
    CLAP_EXT_REMOTE_CONTROLS, CLAP_EXT_REMOTE_CONTROLS_COMPAT, clap_plugin_remote_controls,
    clap_remote_controls_page,
};

use crate::instance::Clap;

#[derive(Clone, Copy)]
pub(crate) struct RemoteControls;

// SAFETY: the ids and the structure below belong together; nothing is read through this type.
unsafe impl Extension for RemoteControls {
    const IDENTIFIERS: &'static [&'static CStr] =
        &[CLAP_EXT_REMOTE_CONTROLS, CLAP_EXT_REMOTE_CONTROLS_COMPAT];
    type ExtensionSide = PluginExtensionSide;

    unsafe fn from_raw(_raw: RawExtension<Self::ExtensionSide>) -> Self {
        Self
    }
}

// SAFETY: the structure is the plug-in side of this extension.
unsafe impl ExtensionImplementation<Clap> for RemoteControls {
    const IMPLEMENTATION: RawExtensionImplementation =
        RawExtensionImplementation::new(&clap_plugin_remote_controls { count: Some(count), get: Some(get) });
}

unsafe extern "C" fn count(plugin: *const clap_plugin) -> u32 {
    // SAFETY: clack checks the pointer; the type is that of every plug-in made by `factory`.
    let pages = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            Ok(wrapper.main_thread().with_table(|table| u32::try_from(table.pages.len()).unwrap_or(u32::MAX)))
        })
    };
    pages.unwrap_or(0)
}

unsafe extern "C" fn get(
    plugin: *const clap_plugin,
    index: u32,
    page: *mut clap_remote_controls_page,
) -> bool {
    // SAFETY: as above; `page` is null (checked) or one structure to write.
    let found = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            let found = wrapper.main_thread().with_table(|table| table.pages.get(index as usize).copied());
            Ok(match found {
                Some(found) if !page.is_null() => {
                    page.write(found);
                    true
                }
                _ => false,
            })
        })
    };
    found.unwrap_or(false)
}
