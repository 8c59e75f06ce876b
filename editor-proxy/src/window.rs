//! The proxy's own window: a child of the host's, and parent of the editors.
//!
//! Called by: `proxy`. Calls: baseview, X11. Threads: [main]. On X11 the window itself lives on a thread of ours,
//! `hotshell-window`: it can be destroyed only after the editors in it are gone, because an X error in a toolkit's thread
//! ends the process, and that may take longer than [main] may wait. Elsewhere a window lives on [main].

#![allow(
    unsafe_code,
    reason = "DESIGN 9.9, the proxy's window: a handle that the host lends becomes one that baseview takes"
)]

use std::num::{NonZeroIsize, NonZeroU32};
use std::ptr::NonNull;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use baseview::dpi::{PhysicalSize, Size};
use baseview::{HandlerError, Window, WindowContext, WindowSettings};
use hotshell_abi::editor::{EditorSize, WindowHandle, WindowKind};
use raw_window_handle::{
    AppKitWindowHandle, HandleError, HasWindowHandle, RawWindowHandle, Win32WindowHandle, XcbWindowHandle,
};

use crate::panel::Panel;
use crate::stage::Stage;

/// A window of the host's, lent for a call.
#[derive(Clone, Copy)]
struct Lent(RawWindowHandle);

impl HasWindowHandle for Lent {
    fn window_handle(&self) -> Result<raw_window_handle::WindowHandle<'_>, HandleError> {
        // SAFETY: the host keeps its window until the plug-in's editor is detached, and a `Lent` lives in `open` only.
        Ok(unsafe { raw_window_handle::WindowHandle::borrow_raw(self.0) })
    }
}

fn raw(window: WindowHandle) -> Option<RawWindowHandle> {
    let pointer = usize::try_from(window.handle).ok()?;
    Some(match window.kind {
        WindowKind::X11 => {
            RawWindowHandle::Xcb(XcbWindowHandle::new(NonZeroU32::new(u32::try_from(pointer).ok()?)?))
        }
        WindowKind::WIN32 => {
            RawWindowHandle::Win32(Win32WindowHandle::new(NonZeroIsize::new(pointer.cast_signed())?))
        }
        WindowKind::COCOA => RawWindowHandle::AppKit(AppKitWindowHandle::new(NonNull::new(
            std::ptr::with_exposed_provenance_mut(pointer),
        )?)),
        _ => return None,
    })
}

/// X11's ids have 32 bits in a C `unsigned long`.
#[allow(clippy::unnecessary_cast, reason = "an unsigned long has 32 bits on Windows")]
const fn window_id(id: std::ffi::c_ulong) -> u64 {
    id as u64
}

fn handle_of(window: &impl HasWindowHandle) -> Option<WindowHandle> {
    let (kind, handle) = match window.window_handle().ok()?.as_raw() {
        RawWindowHandle::Xcb(xcb) => (WindowKind::X11, u64::from(xcb.window.get())),
        RawWindowHandle::Xlib(xlib) => (WindowKind::X11, window_id(xlib.window)),
        RawWindowHandle::Win32(win) => (WindowKind::WIN32, win.hwnd.get().cast_unsigned() as u64),
        RawWindowHandle::AppKit(view) => {
            (WindowKind::COCOA, view.ns_view.as_ptr().expose_provenance() as u64)
        }
        _ => return None,
    };
    Some(WindowHandle { kind, reserved: 0, handle })
}

/// A mapped window of `size` physical pixels inside `parent`, and what editors get as their parent. Its loop turns `stage`, and
/// ends once `closing` is set.
fn open(
    parent: WindowHandle,
    size: EditorSize,
    scale: f64,
    stage: &Arc<Stage>,
    closing: &Arc<AtomicBool>,
) -> Result<(Window, WindowHandle), String> {
    let lent = raw(parent).map(Lent).ok_or("a parent window of a kind that this build does not know")?;
    let settings = WindowSettings::new()
        .with_title("hotshell")
        .with_size(physical(size))
        .with_fallback_scale_factor(scale)
        .with_parent(&lent);
    let (handle, stage) = (Arc::new(OnceLock::new()), Arc::clone(stage));
    let (told, closing) = (Arc::clone(&handle), Arc::clone(closing));
    let make = move |window: WindowContext| -> Result<Panel, HandlerError> {
        if let Some(handle) = handle_of(&window.platform_handle()) {
            // Set once: this runs once.
            let _ = told.set(handle);
        }
        let native = Native::of(&window, parent);
        Ok(Panel::around(window, stage, scale, closing, native))
    };
    let window = Window::create(settings, make).map_err(|error| error.to_string())?;
    let handle = *handle.get().ok_or("a window without a handle")?;
    window.show().map_err(|error| error.to_string())?;
    Ok((window, handle))
}

fn physical(size: EditorSize) -> Size {
    Size::Physical(PhysicalSize::new(size.width, size.height).cast())
}

/// What the window is told.
enum Command {
    Show(bool),
    Resize(EditorSize),
}

fn obey(window: &Window, command: &Command) {
    // A window that the host has destroyed is no longer there to be changed.
    let _ = match command {
        Command::Show(true) => window.show(),
        Command::Show(false) => window.hide(),
        Command::Resize(size) => window.resize(physical(*size)),
    };
}

#[cfg(target_os = "linux")]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "window/on_main.rs"]
mod platform;

#[cfg(target_os = "linux")]
mod floating;
#[cfg(target_os = "linux")]
mod native;
#[cfg(target_os = "linux")]
mod watch;

#[cfg(target_os = "linux")]
pub(crate) use floating::Floating;
#[cfg(target_os = "linux")]
pub(crate) use native::Native;
pub(crate) use platform::{Container, Desktop};
#[cfg(not(target_os = "linux"))]
pub(crate) use platform::{Floating, Native};
