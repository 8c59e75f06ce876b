//! The proxy's own window: a child of the host's, and parent of the editors.
//!
//! Called by: `proxy`. Calls: baseview. Threads: made, used and dropped on [main]; on X11 it is served by a thread of
//! baseview's, on which only our own code runs, so waiting for it is short.

#![allow(
    unsafe_code,
    reason = "DESIGN 9.9, the proxy's window: a handle that the host lends becomes one that baseview takes"
)]

use std::num::{NonZeroIsize, NonZeroU32};
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

use baseview::dpi::{PhysicalSize, Size};
use baseview::{HandlerError, WindowContext, WindowSettings};
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

fn handle_of(window: &impl HasWindowHandle) -> Option<WindowHandle> {
    let (kind, handle) = match window.window_handle().ok()?.as_raw() {
        RawWindowHandle::Xcb(xcb) => (WindowKind::X11, u64::from(xcb.window.get())),
        RawWindowHandle::Xlib(xlib) => (WindowKind::X11, xlib.window as u64),
        RawWindowHandle::Win32(win) => (WindowKind::WIN32, win.hwnd.get().cast_unsigned() as u64),
        RawWindowHandle::AppKit(view) => {
            (WindowKind::COCOA, view.ns_view.as_ptr().expose_provenance() as u64)
        }
        _ => return None,
    };
    Some(WindowHandle { kind, reserved: 0, handle })
}

/// The proxy's window. Dropped: destroyed, with whatever is still in it.
pub(crate) struct Container {
    window: baseview::Window,
    handle: WindowHandle,
}

impl Container {
    /// A window of `size` physical pixels inside `parent`, mapped. Its loop turns `stage`.
    pub(crate) fn open(
        parent: WindowHandle,
        size: EditorSize,
        scale: f64,
        stage: &Arc<Stage>,
    ) -> Result<Self, String> {
        let lent = raw(parent).map(Lent).ok_or("a parent window of a kind that this build does not know")?;
        let physical = PhysicalSize::new(size.width, size.height);
        let settings = WindowSettings::new()
            .with_title("hotshell")
            .with_size(Size::Physical(physical.cast()))
            .with_fallback_scale_factor(scale)
            .with_parent(&lent);
        let (handle, stage) = (Arc::new(OnceLock::new()), Arc::clone(stage));
        let told = Arc::clone(&handle);
        let make = move |window: WindowContext| -> Result<Panel, HandlerError> {
            if let Some(handle) = handle_of(&window.platform_handle()) {
                // Set once: this runs once.
                let _ = told.set(handle);
            }
            Ok(Panel::around(window, stage, scale))
        };
        let window = baseview::Window::create(settings, make).map_err(|error| error.to_string())?;
        let handle = *handle.get().ok_or("a window without a handle")?;
        window.show().map_err(|error| error.to_string())?;
        Ok(Self { window, handle })
    }

    /// What editors get as their parent.
    pub(crate) const fn handle(&self) -> WindowHandle {
        self.handle
    }

    /// Wakes its loop, from any thread.
    pub(crate) fn bell(&self) -> impl Fn() + Send + use<> {
        let waker = self.window.waker();
        move || waker.request_poll()
    }

    /// Maps or unmaps it.
    pub(crate) fn show(&self, visible: bool) {
        // A window that the host has destroyed is no longer there to be shown.
        let _ = if visible { self.window.show() } else { self.window.hide() };
    }

    /// Another size, in physical pixels.
    pub(crate) fn resize(&self, size: EditorSize) {
        let physical = PhysicalSize::new(size.width, size.height);
        let _ = self.window.resize(Size::Physical(physical.cast()));
    }
}
