//! configurable-audio-ports: the host names channel counts and types, we take the layout that has them.
//!
//! Called by: the host. Calls: the shell. Threads: [main], while inactive.
//!
//! Both questions are answered by the same search, so they agree; nothing is ever applied in part.

#![allow(unsafe_code, reason = "DESIGN 9.9: a raw extension; clack's reads a null list")]

use std::ffi::{CStr, c_char};

use clack_plugin::extensions::prelude::*;
use clap_sys::ext::configurable_audio_ports::{
    CLAP_EXT_CONFIGURABLE_AUDIO_PORTS, CLAP_EXT_CONFIGURABLE_AUDIO_PORTS_COMPAT,
    clap_audio_port_configuration_request as Request, clap_plugin_configurable_audio_ports,
};
use hotshell_core::shell::{BusInfo, LayoutInfo};

use crate::ext::ambisonic::is_ours;
use crate::ext::audio_ports::{Meaning, buses, meaning, port_type};
use crate::ext::surround::map;
use crate::instance::{Clap, Main};

#[derive(Clone, Copy)]
pub(crate) struct ConfigurableAudioPorts;

// SAFETY: the ids and the structure below belong together; nothing is read through this type.
unsafe impl Extension for ConfigurableAudioPorts {
    const IDENTIFIERS: &'static [&'static CStr] =
        &[CLAP_EXT_CONFIGURABLE_AUDIO_PORTS, CLAP_EXT_CONFIGURABLE_AUDIO_PORTS_COMPAT];
    type ExtensionSide = PluginExtensionSide;

    unsafe fn from_raw(_raw: RawExtension<Self::ExtensionSide>) -> Self {
        Self
    }
}

// SAFETY: the structure is the plug-in side of this extension.
unsafe impl ExtensionImplementation<Clap> for ConfigurableAudioPorts {
    const IMPLEMENTATION: RawExtensionImplementation =
        RawExtensionImplementation::new(&clap_plugin_configurable_audio_ports {
            can_apply_configuration: Some(can_apply),
            apply_configuration: Some(apply),
        });
}

unsafe extern "C" fn can_apply(plugin: *const clap_plugin, requests: *const Request, count: u32) -> bool {
    // SAFETY: CLAP: `requests` holds `count` requests whose types are C strings or null.
    let answer = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            Ok(!wrapper.is_active() && find(wrapper.main_thread(), requests, count).is_some())
        })
    };
    answer.unwrap_or(false)
}

unsafe extern "C" fn apply(plugin: *const clap_plugin, requests: *const Request, count: u32) -> bool {
    // SAFETY: as above.
    let answer = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            let main = wrapper.main_thread();
            let found = if wrapper.is_active() { None } else { find(main, requests, count) };
            Ok(found.is_some_and(|layout| main.choose_layout(layout).is_ok()))
        })
    };
    answer.unwrap_or(false)
}

/// The layout that fulfils every request: the current one if it does, else the first.
///
/// # Safety
/// `requests` is null or holds `count` requests whose types are C strings or null.
unsafe fn find(main: &Main<'_>, requests: *const Request, count: u32) -> Option<usize> {
    let requests: &[Request] = if requests.is_null() || count == 0 {
        &[]
    } else {
        // SAFETY: by this function's contract.
        unsafe { std::slice::from_raw_parts(requests, count as usize) }
    };
    let layouts = main.shared.shell.layouts();
    let current = main.shared.shell.layout();
    let fits = |index: &usize| {
        let Some(layout) = layouts.get(*index) else { return false };
        // SAFETY: by this function's contract.
        requests.iter().all(|request| unsafe { fulfils(layout, request) })
    };
    std::iter::once(current).chain(0..layouts.len()).find(fits)
}

/// # Safety
/// The request's type is a C string or null, its details null or what that type wants.
unsafe fn fulfils(layout: &LayoutInfo, request: &Request) -> bool {
    let Some(bus) = buses(layout, request.is_input).get(request.port_index as usize) else { return false };
    // SAFETY: by this function's contract.
    let wanted = unsafe { type_of(request.port_type) };
    let typed = match wanted {
        None => true,
        Some(wanted) => port_type(bus).is_some_and(|has| has.0 == wanted),
    };
    // SAFETY: by this function's contract.
    bus.channels == request.channel_count && typed && unsafe { details_agree(bus, request) }
}

/// What a surround or ambisonic request says beyond the number of channels; null says nothing.
///
/// # Safety
/// The request's details are null or what its type wants: a byte for each channel, or a configuration.
unsafe fn details_agree(bus: &BusInfo, request: &Request) -> bool {
    if request.port_type.is_null() || request.port_details.is_null() {
        return true;
    }
    // SAFETY: by this function's contract; the caller has compared type and number of channels.
    unsafe {
        match meaning(bus) {
            Meaning::Surround => {
                let wanted =
                    std::slice::from_raw_parts(request.port_details.cast::<u8>(), bus.channels as usize);
                map(bus).eq(wanted.iter().copied())
            }
            Meaning::Ambisonic => is_ours(&*request.port_details.cast()),
            _ => true,
        }
    }
}

/// What kind of port is asked for; `None`: any.
///
/// # Safety
/// `raw` is a C string or null.
unsafe fn type_of<'a>(raw: *const c_char) -> Option<&'a CStr> {
    if raw.is_null() {
        return None;
    }
    // SAFETY: by this function's contract.
    let text = unsafe { CStr::from_ptr(raw) };
    (!text.is_empty()).then_some(text)
}
