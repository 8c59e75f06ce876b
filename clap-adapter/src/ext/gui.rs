//! gui: the host's side of the editor's window.
//!
//! Called by: the host. Calls: `view`. Threads: [main].

#![allow(
    unsafe_code,
    reason = "DESIGN 9.9: a raw extension; clack's dereferences an api that may be null, and answers sizes it does not have"
)]

use std::ffi::{CStr, c_char};

use clack_plugin::extensions::prelude::*;
use clap_sys::ext::gui::{
    CLAP_EXT_GUI, CLAP_WINDOW_API_COCOA, CLAP_WINDOW_API_WIN32, CLAP_WINDOW_API_X11, clap_gui_resize_hints,
    clap_plugin_gui, clap_window,
};
use hotshell_editor_proxy::{EditorDesc, EditorProxy, EditorSize, WindowHandle, WindowKind};

use crate::instance::{Clap, Main};

#[derive(Clone, Copy)]
pub(crate) struct Gui;

// SAFETY: the id and the structure below belong together; nothing is read through this type.
unsafe impl Extension for Gui {
    const IDENTIFIERS: &'static [&'static CStr] = &[CLAP_EXT_GUI];
    type ExtensionSide = PluginExtensionSide;

    unsafe fn from_raw(_raw: RawExtension<Self::ExtensionSide>) -> Self {
        Self
    }
}

// SAFETY: the structure is the plug-in side of this extension.
unsafe impl ExtensionImplementation<Clap> for Gui {
    const IMPLEMENTATION: RawExtensionImplementation = RawExtensionImplementation::new(&clap_plugin_gui {
        is_api_supported: Some(is_api_supported),
        get_preferred_api: Some(get_preferred_api),
        create: Some(create),
        destroy: Some(destroy),
        set_scale: Some(set_scale),
        get_size: Some(get_size),
        can_resize: Some(can_resize),
        get_resize_hints: Some(get_resize_hints),
        adjust_size: Some(adjust_size),
        set_size: Some(set_size),
        set_parent: Some(set_parent),
        set_transient: Some(set_transient),
        suggest_title: Some(suggest_title),
        show: Some(show),
        hide: Some(hide),
    });
}

/// The windowing system of this platform.
const API: &CStr = if cfg!(target_os = "windows") {
    CLAP_WINDOW_API_WIN32
} else if cfg!(target_os = "macos") {
    CLAP_WINDOW_API_COCOA
} else {
    CLAP_WINDOW_API_X11
};

/// A window of our own on the desktop.
const FLOATS: bool = cfg!(target_os = "linux");

/// # Safety
/// `plugin` comes from the host.
unsafe fn on_main<T>(plugin: *const clap_plugin, or: T, call: impl FnOnce(&Main<'_>) -> T) -> T {
    // SAFETY: clack checks the pointer; the type is that of every plug-in made by `factory`. gui is [main] only.
    let answer = unsafe { PluginWrapper::<Clap>::handle(plugin, |wrapper| Ok(call(wrapper.main_thread()))) };
    answer.unwrap_or(or)
}

/// # Safety
/// `api` is null or a C string.
unsafe fn is_ours(api: *const c_char) -> bool {
    // SAFETY: by contract.
    !api.is_null() && unsafe { CStr::from_ptr(api) } == API
}

/// # Safety
/// `api` is null or a C string.
unsafe fn fits(api: *const c_char, floating: bool) -> bool {
    // SAFETY: by contract. A host that asks for a floating window need not say of which system.
    unsafe {
        let ours = is_ours(api) || floating && (api.is_null() || *api == 0);
        ours && (!floating || FLOATS)
    }
}

unsafe extern "C" fn is_api_supported(
    _plugin: *const clap_plugin,
    api: *const c_char,
    floating: bool,
) -> bool {
    // SAFETY: CLAP: null or a C string.
    unsafe { fits(api, floating) }
}

unsafe extern "C" fn get_preferred_api(
    _plugin: *const clap_plugin,
    api: *mut *const c_char,
    floating: *mut bool,
) -> bool {
    if api.is_null() || floating.is_null() {
        return false;
    }
    // SAFETY: not null, and by CLAP one value each to write.
    unsafe {
        api.write(API.as_ptr());
        floating.write(false);
    }
    true
}

unsafe extern "C" fn create(plugin: *const clap_plugin, api: *const c_char, floating: bool) -> bool {
    // SAFETY: CLAP: null or a C string; the plug-in comes from the host.
    unsafe { fits(api, floating) && on_main(plugin, false, |main| main.create_view(floating)) }
}

unsafe extern "C" fn destroy(plugin: *const clap_plugin) {
    // SAFETY: the plug-in comes from the host.
    unsafe { on_main(plugin, (), |main| main.destroy_view()) }
}

unsafe extern "C" fn set_scale(plugin: *const clap_plugin, scale: f64) -> bool {
    let call = |main: &Main<'_>| main.with_view(|proxy| proxy.set_scale(scale)) == Some(true);
    // SAFETY: the plug-in comes from the host.
    unsafe { on_main(plugin, false, call) }
}

/// # Safety
/// `width` and `height` are null or one number each to write.
unsafe fn answer_size(size: Option<EditorSize>, width: *mut u32, height: *mut u32) -> bool {
    let Some(size) = size.filter(|_| !width.is_null() && !height.is_null()) else { return false };
    // SAFETY: not null, and by contract writable.
    unsafe {
        width.write(size.width);
        height.write(size.height);
    }
    true
}

unsafe extern "C" fn get_size(plugin: *const clap_plugin, width: *mut u32, height: *mut u32) -> bool {
    // SAFETY: the plug-in comes from the host; CLAP: one number each to write.
    unsafe {
        let size = on_main(plugin, None, |main| main.with_view(|proxy| proxy.size()));
        answer_size(size, width, height)
    }
}

unsafe extern "C" fn can_resize(plugin: *const clap_plugin) -> bool {
    let call = |main: &Main<'_>| main.with_view(|proxy| proxy.desc().resizable()) == Some(true);
    // SAFETY: the plug-in comes from the host.
    unsafe { on_main(plugin, false, call) }
}

unsafe extern "C" fn get_resize_hints(plugin: *const clap_plugin, hints: *mut clap_gui_resize_hints) -> bool {
    // SAFETY: the plug-in comes from the host.
    let desc = unsafe { on_main(plugin, None, |main| main.with_view(|proxy| proxy.desc())) };
    let Some(desc) = desc.filter(|_| !hints.is_null()) else { return false };
    // SAFETY: not null, and by CLAP one structure to write.
    unsafe {
        hints.write(clap_gui_resize_hints {
            can_resize_horizontally: desc.resizable(),
            can_resize_vertically: desc.resizable(),
            preserve_aspect_ratio: desc.flags & EditorDesc::KEEP_ASPECT != 0,
            aspect_ratio_width: desc.size.width,
            aspect_ratio_height: desc.size.height,
        });
    }
    true
}

unsafe extern "C" fn adjust_size(plugin: *const clap_plugin, width: *mut u32, height: *mut u32) -> bool {
    if width.is_null() || height.is_null() {
        return false;
    }
    // SAFETY: not null, and by CLAP one number each to read and write; the plug-in comes from the host.
    unsafe {
        let wanted = EditorSize::new(*width, *height);
        let size = on_main(plugin, None, |main| main.with_view(|proxy| proxy.fit(wanted)));
        answer_size(size, width, height)
    }
}

unsafe extern "C" fn set_size(plugin: *const clap_plugin, width: u32, height: u32) -> bool {
    if width == 0 || height == 0 || width.max(height) > EditorSize::MOST {
        return false;
    }
    // SAFETY: the plug-in comes from the host.
    unsafe { on_main(plugin, false, |main| main.set_view_size(EditorSize::new(width, height))) }
}

/// # Safety
/// `window` is null or a window of the host's.
unsafe fn parent(window: *const clap_window) -> Option<WindowHandle> {
    // SAFETY: by contract; the member that is read is that of the api that the window names.
    unsafe {
        let window = window.as_ref().filter(|window| is_ours(window.api))?;
        let (kind, handle) = if cfg!(target_os = "windows") {
            (WindowKind::WIN32, window.specific.win32.expose_provenance() as u64)
        } else if cfg!(target_os = "macos") {
            (WindowKind::COCOA, window.specific.cocoa.expose_provenance() as u64)
        } else {
            #[allow(
                clippy::useless_conversion,
                reason = "32 bits on Windows, where this branch is not taken"
            )]
            (WindowKind::X11, u64::from(window.specific.x11))
        };
        Some(WindowHandle { kind, reserved: 0, handle })
    }
}

unsafe extern "C" fn set_parent(plugin: *const clap_plugin, window: *const clap_window) -> bool {
    // SAFETY: CLAP: a window of the host's; the plug-in comes from the host.
    unsafe {
        let Some(parent) = parent(window) else { return false };
        on_main(plugin, false, |main| main.with_view(|proxy| proxy.attach(parent)) == Some(true))
    }
}

/// Only floating windows have something to stay above.
unsafe extern "C" fn set_transient(plugin: *const clap_plugin, window: *const clap_window) -> bool {
    // SAFETY: CLAP: a window of the host's; the plug-in comes from the host.
    unsafe {
        let Some(window) = parent(window) else { return false };
        on_main(plugin, false, |main| main.with_view(|proxy| proxy.stay_above(window)) == Some(true))
    }
}

/// Only floating windows have a title.
unsafe extern "C" fn suggest_title(plugin: *const clap_plugin, title: *const c_char) {
    if title.is_null() {
        return;
    }
    // SAFETY: CLAP: a C string; the plug-in comes from the host.
    unsafe {
        let title = CStr::from_ptr(title).to_string_lossy();
        on_main(plugin, (), |main| main.with_view(|proxy| proxy.set_title(&title)).unwrap_or_default());
    }
}

unsafe fn set_visible(plugin: *const clap_plugin, visible: bool) -> bool {
    let call = |main: &Main<'_>| main.with_view(|proxy: &mut EditorProxy| proxy.show(visible)).is_some();
    // SAFETY: the plug-in comes from the host.
    unsafe { on_main(plugin, false, call) }
}

unsafe extern "C" fn show(plugin: *const clap_plugin) -> bool {
    // SAFETY: the plug-in comes from the host.
    unsafe { set_visible(plugin, true) }
}

unsafe extern "C" fn hide(plugin: *const clap_plugin) -> bool {
    // SAFETY: the plug-in comes from the host.
    unsafe { set_visible(plugin, false) }
}
