//! params: infos, values, texts, and `flush` on whichever thread it comes.
//!
//! Called by: the host. Calls: the shell, the table in `params`, `events`. Threads: [main]; `flush` [audio] while
//! active.

#![allow(
    unsafe_code,
    reason = "DESIGN 9.9: a raw extension; clack's copies each field and reads null pointers"
)]

use std::ffi::{CStr, c_char};

use clack_plugin::extensions::prelude::*;
use clap_sys::events::{clap_input_events, clap_output_events};
use clap_sys::ext::params::{CLAP_EXT_PARAMS, clap_param_info, clap_plugin_params};
use hotshell_core::shell::Changes;

use crate::events::{Input, Output};
use crate::instance::Clap;
use crate::params::cut;
use crate::process::lists::Lists;

#[derive(Clone, Copy)]
pub(crate) struct Params;

// SAFETY: the id and the structure below belong together; nothing is read through this type.
unsafe impl Extension for Params {
    const IDENTIFIERS: &'static [&'static CStr] = &[CLAP_EXT_PARAMS];
    type ExtensionSide = PluginExtensionSide;

    unsafe fn from_raw(_raw: RawExtension<Self::ExtensionSide>) -> Self {
        Self
    }
}

// SAFETY: the structure is the plug-in side of this extension.
unsafe impl ExtensionImplementation<Clap> for Params {
    const IMPLEMENTATION: RawExtensionImplementation = RawExtensionImplementation::new(&clap_plugin_params {
        count: Some(count),
        get_info: Some(get_info),
        get_value: Some(get_value),
        value_to_text: Some(value_to_text),
        text_to_value: Some(text_to_value),
        flush: Some(flush),
    });
}

unsafe extern "C" fn count(plugin: *const clap_plugin) -> u32 {
    // SAFETY: clack checks the pointer; the type is that of every plug-in made by `factory`.
    let rows = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            Ok(wrapper.main_thread().with_table(|table| u32::try_from(table.rows.len()).unwrap_or(u32::MAX)))
        })
    };
    rows.unwrap_or(0)
}

unsafe extern "C" fn get_info(plugin: *const clap_plugin, index: u32, info: *mut clap_param_info) -> bool {
    // SAFETY: as above; `info` is null (checked) or one structure to write.
    let found = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            let index = index as usize;
            let found = wrapper.main_thread().with_table(|table| {
                let row = table.rows.get(index).filter(|_| !info.is_null())?;
                info.write(*row);
                Some(index + 1 == table.rows.len())
            });
            if found == Some(true) {
                wrapper.shared().shell.host_read(Changes::INFO | Changes::PARAMS);
            }
            Ok(found.is_some())
        })
    };
    found.unwrap_or(false)
}

unsafe extern "C" fn get_value(plugin: *const clap_plugin, id: u32, value: *mut f64) -> bool {
    // SAFETY: as above; `value` is null (checked) or one number to write.
    let found = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            let found = wrapper.shared().shell.param_value(id).filter(|_| !value.is_null());
            if let Some(found) = found {
                value.write(found);
            }
            Ok(found.is_some())
        })
    };
    found.unwrap_or(false)
}

unsafe extern "C" fn value_to_text(
    plugin: *const clap_plugin,
    id: u32,
    value: f64,
    text: *mut c_char,
    capacity: u32,
) -> bool {
    // SAFETY: as above; `text` is null (checked) or `capacity` bytes to write.
    let written = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            let room = (capacity as usize).saturating_sub(1);
            let Some(found) =
                wrapper.shared().shell.param_text(id, value).filter(|_| room > 0 && !text.is_null())
            else {
                return Ok(false);
            };
            let found = cut(found.split('\0').next().unwrap_or(""), room);
            text.cast::<u8>().copy_from_nonoverlapping(found.as_ptr(), found.len());
            text.add(found.len()).write(0);
            Ok(true)
        })
    };
    written.unwrap_or(false)
}

unsafe extern "C" fn text_to_value(
    plugin: *const clap_plugin,
    id: u32,
    text: *const c_char,
    value: *mut f64,
) -> bool {
    // SAFETY: as above; `text` is null (checked) or a C string, `value` null (checked) or one number to write.
    let found = unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            if text.is_null() || value.is_null() {
                return Ok(false);
            }
            let text = CStr::from_ptr(text).to_str().ok();
            let found = text.and_then(|text| wrapper.shared().shell.param_parse(id, text));
            if let Some(found) = found {
                value.write(found);
            }
            Ok(found.is_some())
        })
    };
    found.unwrap_or(false)
}

unsafe extern "C" fn flush(
    plugin: *const clap_plugin,
    input: *const clap_input_events,
    output: *const clap_output_events,
) {
    // SAFETY: as above; the lists are null (which means empty) or valid for the call. While active, CLAP makes this an
    // [audio] call, never beside `process`, so the reference to the audio part is the only one.
    unsafe {
        PluginWrapper::<Clap>::handle(plugin, |wrapper| {
            let lists = Lists::new(input, output);
            let (input, mut output) = (Input::new(lists.input, 0), Output::new(lists.output, 0));
            if wrapper.shared().edits.deliver(&mut output) {
                wrapper.shared().link.request_callback();
            }
            match wrapper.audio_processor() {
                Ok(mut processor) => processor.as_mut().audio.flush(&input, &mut output),
                Err(_) => wrapper.shared().shell.flush(&input, &mut output),
            }
            Ok(())
        });
    }
}
