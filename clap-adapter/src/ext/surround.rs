//! surround: which speaker each channel of a surround bus means.
//!
//! Called by: the host. Calls: the shell. Threads: [main].
//!
//! CLAP numbers speakers as the bits of a WAVE mask, so a map is the mask's bits from the lowest up.

#![allow(unsafe_code, reason = "DESIGN 9.9: a raw extension; clack's makes a slice of a null answer")]

use std::ffi::CStr;

use clack_plugin::extensions::prelude::*;
use clap_sys::ext::surround::{CLAP_EXT_SURROUND, CLAP_EXT_SURROUND_COMPAT, clap_plugin_surround};
use hotshell_core::shell::BusInfo;

use crate::ext::audio_ports::{Meaning, buses, meaning};
use crate::instance::Clap;

#[derive(Clone, Copy)]
pub(crate) struct Surround;

// SAFETY: the ids and the structure below belong together; nothing is read through this type.
unsafe impl Extension for Surround {
    const IDENTIFIERS: &'static [&'static CStr] = &[CLAP_EXT_SURROUND, CLAP_EXT_SURROUND_COMPAT];
    type ExtensionSide = PluginExtensionSide;

    unsafe fn from_raw(_raw: RawExtension<Self::ExtensionSide>) -> Self {
        Self
    }
}

// SAFETY: the structure is the plug-in side of this extension.
unsafe impl ExtensionImplementation<Clap> for Surround {
    const IMPLEMENTATION: RawExtensionImplementation =
        RawExtensionImplementation::new(&clap_plugin_surround {
            is_channel_mask_supported: Some(is_channel_mask_supported),
            get_channel_map: Some(get_channel_map),
        });
}

/// The speakers of a surround bus in the order of its channels; none for any other bus.
pub(crate) fn map(bus: &BusInfo) -> impl Iterator<Item = u8> + use<> {
    let mask = if meaning(bus) == Meaning::Surround { bus.speakers } else { 0 };
    (0..32).filter(move |bit| mask >> bit & 1 == 1)
}

/// True for the speakers of any bus of any layout.
unsafe extern "C" fn is_channel_mask_supported(plugin: *const clap_plugin, mask: u64) -> bool {
    // SAFETY: clack checks the pointer; the type is that of every plug-in made by `factory`.
    let supported = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            let layouts = wrapper.shared().shell.layouts();
            let mut all = layouts.iter().flat_map(|layout| layout.inputs.iter().chain(&layout.outputs));
            Ok(all.any(|bus| meaning(bus) == Meaning::Surround && u64::from(bus.speakers) == mask))
        })
    };
    supported.unwrap_or(false)
}

/// Answers the number of channels written; 0 for a port that is none of ours or not surround.
unsafe extern "C" fn get_channel_map(
    plugin: *const clap_plugin,
    is_input: bool,
    port_index: u32,
    out: *mut u8,
    capacity: u32,
) -> u32 {
    // SAFETY: as above; `out` is null (checked) or `capacity` bytes to write.
    let written = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            let layout = wrapper.shared().current_layout();
            let bus = layout.as_ref().and_then(|layout| buses(layout, is_input).get(port_index as usize));
            let Some(bus) = bus.filter(|_| !out.is_null()) else { return Ok(0) };
            let mut written = 0;
            for speaker in map(bus).take(capacity as usize) {
                out.add(written as usize).write(speaker);
                written += 1;
            }
            Ok(written)
        })
    };
    written.unwrap_or(0)
}
