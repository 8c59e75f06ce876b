//! ambisonic: every ambisonic bus is ACN / SN3D.
//!
//! Called by: the host. Calls: the shell. Threads: [main].

#![allow(unsafe_code, reason = "DESIGN 9.9: a raw extension; clack's reads a null configuration")]

use std::ffi::CStr;

use clack_plugin::extensions::prelude::*;
use clap_sys::ext::ambisonic::{
    CLAP_AMBISONIC_NORMALIZATION_SN3D, CLAP_AMBISONIC_ORDERING_ACN, CLAP_EXT_AMBISONIC,
    CLAP_EXT_AMBISONIC_COMPAT, clap_ambisonic_config, clap_plugin_ambisonic,
};

use crate::ext::audio_ports::{Meaning, buses, meaning};
use crate::instance::Clap;

#[derive(Clone, Copy)]
pub(crate) struct Ambisonic;

// SAFETY: the ids and the structure below belong together; nothing is read through this type.
unsafe impl Extension for Ambisonic {
    const IDENTIFIERS: &'static [&'static CStr] = &[CLAP_EXT_AMBISONIC, CLAP_EXT_AMBISONIC_COMPAT];
    type ExtensionSide = PluginExtensionSide;

    unsafe fn from_raw(_raw: RawExtension<Self::ExtensionSide>) -> Self {
        Self
    }
}

// SAFETY: the structure is the plug-in side of this extension.
unsafe impl ExtensionImplementation<Clap> for Ambisonic {
    const IMPLEMENTATION: RawExtensionImplementation =
        RawExtensionImplementation::new(&clap_plugin_ambisonic {
            is_config_supported: Some(is_config_supported),
            get_config: Some(get_config),
        });
}

/// The one configuration that our buses have.
pub(crate) const fn is_ours(config: &clap_ambisonic_config) -> bool {
    config.ordering == CLAP_AMBISONIC_ORDERING_ACN
        && config.normalization == CLAP_AMBISONIC_NORMALIZATION_SN3D
}

unsafe extern "C" fn is_config_supported(
    plugin: *const clap_plugin,
    config: *const clap_ambisonic_config,
) -> bool {
    // SAFETY: clack checks the plug-in; `config` is null or one structure.
    let supported =
        unsafe { PluginWrapper::<Clap>::handle(plugin, |_| Ok(config.as_ref().is_some_and(is_ours))) };
    supported.unwrap_or(false)
}

/// False for a port that is none of ours or not ambisonic.
unsafe extern "C" fn get_config(
    plugin: *const clap_plugin,
    is_input: bool,
    port_index: u32,
    out: *mut clap_ambisonic_config,
) -> bool {
    // SAFETY: as above; `out` is null (checked) or one structure to write.
    let found = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            let layout = wrapper.shared().current_layout();
            let bus = layout.as_ref().and_then(|layout| buses(layout, is_input).get(port_index as usize));
            let found = !out.is_null() && bus.is_some_and(|bus| meaning(bus) == Meaning::Ambisonic);
            if found {
                let (ordering, normalization) =
                    (CLAP_AMBISONIC_ORDERING_ACN, CLAP_AMBISONIC_NORMALIZATION_SN3D);
                out.write(clap_ambisonic_config { ordering, normalization });
            }
            Ok(found)
        })
    };
    found.unwrap_or(false)
}
