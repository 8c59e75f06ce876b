//! A raw window: baseview's, with the author's own drawing.
//!
//! Called by: authors, `egui`. Calls: baseview. Threads: see the crate.

#![allow(
    unsafe_code,
    reason = "DESIGN 9.9, the proxy's window: a handle that the shell lends becomes one that baseview takes"
)]

use std::num::{NonZeroIsize, NonZeroU32};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Release};
use std::time::{Duration, Instant};

use baseview::dpi::{PhysicalSize, Size};
use baseview::{HandlerError, WindowContext, WindowHandler, WindowSettings};
use hotshell_logic::editor::{
    Editor, EditorContext, EditorError, EditorKey, EditorWindow, WindowHandle, WindowKind,
};
use raw_window_handle::{
    AppKitWindowHandle, HandleError, HasWindowHandle, RawWindowHandle, Win32WindowHandle, XcbWindowHandle,
};

use crate::guard::Guarded;

#[cfg(target_os = "linux")]
pub(crate) mod keys;
#[cfg(not(target_os = "linux"))]
#[path = "window/no_keys.rs"]
pub(crate) mod keys;
#[cfg(target_os = "linux")]
mod pinned;

/// The shell's window, for anything that takes a `raw-window-handle`.
#[derive(Clone, Copy, Debug)]
pub struct Parent(RawWindowHandle);

impl Parent {
    /// The window around `cx`'s editor.
    ///
    /// # Errors
    /// A windowing system that this build does not know.
    pub fn of(cx: &EditorContext) -> Result<Self, EditorError> {
        raw_handle(cx.parent()).map(Self).ok_or_else(|| {
            EditorError::new(format!("the shell's window is of an unknown kind: {:?}", cx.parent()))
        })
    }
}

fn raw_handle(window: WindowHandle) -> Option<RawWindowHandle> {
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

impl HasWindowHandle for Parent {
    fn window_handle(&self) -> Result<raw_window_handle::WindowHandle<'_>, HandleError> {
        // SAFETY: the shell keeps its window until the editor in it was closed (`WindowHandle`), and a `Parent` is used
        // to open that editor.
        Ok(unsafe { raw_window_handle::WindowHandle::borrow_raw(self.0) })
    }
}

/// What a key of the host's means to a window: true if it was of use.
type Keys = Box<dyn Fn(&EditorKey) -> bool>;

/// Another scale.
type Zoom = Box<dyn Fn(f64)>;

/// An open window of baseview's, as the shell drives it.
pub struct Open {
    window: Option<baseview::Window>,
    /// The window should close itself.
    closing: Arc<AtomicBool>,
    pub(crate) keys: Option<Keys>,
    /// How another scale is told to a toolkit that has its own idea of it.
    pub(crate) zoom: Option<Zoom>,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Open")
    }
}

impl Open {
    /// Around an unmapped window. What the system has loaded for it stays loaded.
    #[must_use]
    pub fn new(window: baseview::Window, closing: Arc<AtomicBool>) -> Self {
        #[cfg(target_os = "linux")]
        pinned::pin_graphics();
        Self { window: Some(window), closing, keys: None, zoom: None }
    }
}

/// Longest wait for a window that does not draw, and so does not see that it should close.
const LONGEST: Duration = Duration::from_secs(10);

impl Drop for Open {
    /// Returns when the window is gone: the shell's own, around it, goes next. On X11 baseview's drop may return before.
    fn drop(&mut self) {
        let Some(window) = self.window.take() else { return };
        if cfg!(target_os = "linux") {
            self.closing.store(true, Release);
            let (waker, until) = (window.waker(), Instant::now() + LONGEST);
            while window.is_open() && Instant::now() < until {
                waker.request_poll();
                waker.request_redraw();
                std::thread::park_timeout(Duration::from_millis(2));
            }
        }
        drop(window);
    }
}

impl EditorWindow for Open {
    fn show(&mut self, visible: bool) {
        // A window that has gone by itself has said so already.
        let _ = self.window.as_ref().map(|window| if visible { window.show() } else { window.hide() });
    }

    fn resize(&mut self, width: u32, height: u32) {
        let _ = self.window.as_ref().map(|window| window.resize(PhysicalSize::new(width, height)));
    }

    fn scale(&mut self, scale: f64) {
        if let Some(zoom) = &self.zoom {
            zoom(scale);
        }
        // Of no effect where the desktop says one.
        let _ = self.window.as_ref().map(|window| window.suggest_fallback_scale_factor(scale));
    }

    fn key(&mut self, key: &EditorKey) -> bool {
        self.keys.as_ref().is_some_and(|keys| keys(key))
    }
}

/// Settings for a window of `cx`'s size inside `cx`'s parent.
///
/// # Errors
/// As [`Parent::of`].
pub fn settings(cx: &EditorContext) -> Result<WindowSettings, EditorError> {
    let size = PhysicalSize::new(cx.size().width, cx.size().height);
    Ok(WindowSettings::new()
        .with_title("hotshell")
        .with_size(Size::Physical(size.cast()))
        .with_fallback_scale_factor(cx.scale())
        .with_parent(&Parent::of(cx)?))
}

/// An editor of `width` by `height` logical pixels that `build` draws by itself: it gets the window and makes a handler
/// for it. The handler lives on the window's thread; its panics are caught there.
///
/// ```ignore
/// fn editor(params: &Arc<SynthParams>) -> Option<Editor> {
///     let params = Arc::clone(params);
///     Some(hotshell::editor::raw(480, 200, move |window, cx| Ok(Keyboard::new(window, cx, params))))
/// }
/// ```
pub fn raw<H: WindowHandler>(
    width: u32,
    height: u32,
    build: impl FnOnce(WindowContext, EditorContext) -> Result<H, HandlerError> + Send + 'static,
) -> Editor {
    Editor::new(width, height, move |cx| {
        let settings = settings(&cx)?;
        let inner = cx.clone();
        let closing = Arc::<AtomicBool>::default();
        let told = Arc::clone(&closing);
        let make = move |window: WindowContext| {
            let waker = window.waker();
            inner.on_repaint(move || waker.request_redraw());
            let made = inner.guard(|| build(window.clone(), inner.clone()));
            let handler =
                made.unwrap_or_else(|| Err(EditorError::new("its build function panicked").into()))?;
            Ok(Guarded::new(handler, inner, window, told))
        };
        let window = baseview::Window::create(settings, make).map_err(|e| EditorError::new(e.to_string()))?;
        Ok(Box::new(Open::new(window, closing)))
    })
}
