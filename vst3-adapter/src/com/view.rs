//! `IPlugView`, and the run loop's timer that keeps an open one going.
//!
//! Called by: the host. Calls: `view`. Threads: [main].

#![allow(unsafe_code, reason = "DESIGN 9.9: a COM interface takes C's pointers")]

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_void};
use std::rc::Rc;
use std::sync::Arc;

use hotshell_editor_proxy::{EditorKey, EditorProxy, EditorSize, WindowHandle, WindowHost, WindowKind};
use vst3::Steinberg::Linux::{IRunLoop, IRunLoopTrait, ITimerHandler, ITimerHandlerTrait};
use vst3::Steinberg::{
    FIDString, IPlugFrame, IPlugFrameTrait, IPlugView, IPlugViewContentScaleSupport,
    IPlugViewContentScaleSupportTrait, IPlugViewTrait, TBool, ViewRect, char16, int16, kInvalidArgument,
    kPlatformTypeHWND, kPlatformTypeNSView, kPlatformTypeX11EmbedWindowID, kResultFalse, kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use crate::error::{gate, guard};
use crate::instance::Instance;
use crate::view::Window;

/// Milliseconds of the run loop's timer while a view is attached: VST3 has no other way to the host for what the user
/// does in an editor that draws on a thread of its own.
const TICK: u64 = 30;

/// What VST3 calls this platform's windows.
const PLATFORM: (FIDString, WindowKind) = if cfg!(target_os = "windows") {
    (kPlatformTypeHWND, WindowKind::WIN32)
} else if cfg!(target_os = "macos") {
    (kPlatformTypeNSView, WindowKind::COCOA)
} else {
    (kPlatformTypeX11EmbedWindowID, WindowKind::X11)
};

/// # Safety
/// `platform` is null or a C string. (Wayland: baseview has none.)
unsafe fn is_ours(platform: FIDString) -> bool {
    // SAFETY: by contract; `PLATFORM` is a C string.
    !platform.is_null() && unsafe { CStr::from_ptr(platform) == CStr::from_ptr(PLATFORM.0) }
}

/// The host's side of a view: known once `setFrame` came.
#[derive(Default)]
struct Frame {
    host: RefCell<Option<ComPtr<IPlugFrame>>>,
    /// The view itself, which `resizeView` wants; alive as long as it has a frame.
    view: Cell<Option<*mut IPlugView>>,
}

/// The proxy's handle on it.
struct Ask(Rc<Frame>);

impl WindowHost for Ask {
    fn request_resize(&self, size: EditorSize) -> bool {
        // A reference of our own: the host may call `setFrame` from inside.
        let host = self.0.host.borrow().clone();
        let (Some(host), Some(view)) = (host, self.0.view.get()) else { return false };
        let mut rect = rect_of(size);
        // SAFETY: the reference in hand keeps the frame alive, and this call comes from the view's own.
        unsafe { host.resizeView(view, &raw mut rect) == kResultOk }
    }

    /// The timer runs as long as the view is attached.
    fn idle_timer(&self, _on: bool) {}
}

fn rect_of(size: EditorSize) -> ViewRect {
    let side = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
    ViewRect { left: 0, top: 0, right: side(size.width), bottom: side(size.height) }
}

/// # Safety
/// `rect` is null or one structure to read.
unsafe fn size_of_rect(rect: *const ViewRect) -> Option<EditorSize> {
    // SAFETY: by contract.
    let rect = unsafe { rect.as_ref() }?;
    let side = |from: i32, to: i32| u32::try_from(to.checked_sub(from)?).ok().filter(|side| *side > 0);
    let (width, height) = (side(rect.left, rect.right)?, side(rect.top, rect.bottom)?);
    (width.max(height) <= EditorSize::MOST).then_some(EditorSize::new(width, height))
}

/// The object that a host holds.
pub(crate) struct View {
    window: Arc<Window>,
    frame: Rc<Frame>,
    timer: RefCell<Option<Timer>>,
}

impl Class for View {
    type Interfaces = (IPlugView, IPlugViewContentScaleSupport);
}

/// A timer of the host's run loop. Dropped: unregistered.
struct Timer {
    run_loop: ComPtr<IRunLoop>,
    handler: ComPtr<ITimerHandler>,
}

impl Timer {
    /// `None` if the host offers no run loop, or its run loop no timer.
    fn start(host: &ComPtr<IPlugFrame>, window: &Arc<Window>) -> Option<Self> {
        let run_loop = host.cast::<IRunLoop>()?;
        let handler = ComWrapper::new(Ticker(Arc::clone(window))).to_com_ptr::<ITimerHandler>()?;
        // SAFETY: both references keep their objects alive.
        let started = unsafe { run_loop.registerTimer(handler.as_ptr(), TICK) };
        (started == kResultOk).then_some(Self { run_loop, handler })
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: as in `start`.
        unsafe { self.run_loop.unregisterTimer(self.handler.as_ptr()) };
    }
}

struct Ticker(Arc<Window>);

impl Class for Ticker {
    type Interfaces = (ITimerHandler,);
}

impl ITimerHandlerTrait for Ticker {
    unsafe fn onTimer(&self) {
        guard((), || self.0.tick());
    }
}

/// A view of `instance`'s editor; null if it has none, or another kind of view is meant.
///
/// # Safety
/// `name` is null or a C string.
pub(crate) unsafe fn create(instance: &Arc<Instance>, name: FIDString) -> *mut IPlugView {
    // SAFETY: by contract.
    if name.is_null() || unsafe { CStr::from_ptr(name) } != c"editor" {
        return std::ptr::null_mut();
    }
    let frame = Rc::new(Frame::default());
    let Some(window) = Window::new(instance, Box::new(Ask(Rc::clone(&frame)))) else {
        return std::ptr::null_mut();
    };
    #[expect(
        clippy::arc_with_non_send_sync,
        reason = "COM objects share it; it refuses foreign threads itself"
    )]
    let window = Arc::new(window);
    let view = View { window, frame: Rc::clone(&frame), timer: RefCell::default() };
    let Some(view) = ComWrapper::new(view).to_com_ptr::<IPlugView>() else { return std::ptr::null_mut() };
    frame.view.set(Some(view.as_ptr()));
    view.into_raw()
}

impl View {
    fn sync_timer(&self, attached: bool) {
        let before = self.timer.take();
        drop(before);
        let host = self.frame.host.borrow().clone();
        if let (Some(host), true) = (host, attached) {
            self.timer.replace(Timer::start(&host, &self.window));
        }
    }
}

impl IPlugViewTrait for View {
    unsafe fn isPlatformTypeSupported(&self, platform: FIDString) -> tresult {
        // SAFETY: VST3: null or a C string.
        gate(|| if unsafe { is_ours(platform) } { kResultOk } else { kResultFalse })
    }

    unsafe fn attached(&self, parent: *mut c_void, platform: FIDString) -> tresult {
        gate(|| {
            // SAFETY: VST3: null or a C string.
            if parent.is_null() || !unsafe { is_ours(platform) } {
                return kInvalidArgument;
            }
            let handle =
                WindowHandle { kind: PLATFORM.1, reserved: 0, handle: parent.expose_provenance() as u64 };
            if self.window.with(|proxy| proxy.attach(handle)) != Some(true) {
                return kResultFalse;
            }
            self.sync_timer(true);
            self.window.tick();
            kResultOk
        })
    }

    unsafe fn removed(&self) -> tresult {
        gate(|| {
            if !self.window.is_home() {
                return kResultFalse;
            }
            self.sync_timer(false);
            self.window.with(EditorProxy::detach);
            self.window.tick();
            kResultOk
        })
    }

    unsafe fn onWheel(&self, _distance: f32) -> tresult {
        kResultFalse
    }

    unsafe fn onKeyDown(&self, key: char16, code: int16, modifiers: int16) -> tresult {
        gate(|| self.key(key, code, modifiers, true))
    }

    unsafe fn onKeyUp(&self, key: char16, code: int16, modifiers: int16) -> tresult {
        gate(|| self.key(key, code, modifiers, false))
    }

    unsafe fn getSize(&self, size: *mut ViewRect) -> tresult {
        gate(|| {
            let Some(found) = self.window.with(|proxy| proxy.size()) else { return kResultFalse };
            // SAFETY: VST3: null or one structure to write.
            if unsafe { crate::com::put(size, rect_of(found)) } { kResultOk } else { kInvalidArgument }
        })
    }

    unsafe fn onSize(&self, new_size: *mut ViewRect) -> tresult {
        gate(|| {
            // SAFETY: VST3: null or one structure to read.
            let Some(size) = (unsafe { size_of_rect(new_size) }) else { return kInvalidArgument };
            if self.window.set_size(size) { kResultOk } else { kResultFalse }
        })
    }

    unsafe fn onFocus(&self, _state: TBool) -> tresult {
        gate(|| {
            self.window.tick();
            kResultOk
        })
    }

    unsafe fn setFrame(&self, frame: *mut IPlugFrame) -> tresult {
        gate(|| {
            if !self.window.is_home() {
                return kResultFalse;
            }
            // SAFETY: VST3: null or the host's, valid for the call; we count a reference of our own.
            let host = unsafe { ComRef::from_raw(frame) }.map(|frame| frame.to_com_ptr());
            let running = self.timer.borrow().is_some();
            if host.is_none() {
                self.sync_timer(false);
            }
            let before = self.frame.host.replace(host);
            drop(before);
            if running && !frame.is_null() {
                self.sync_timer(true);
            }
            kResultOk
        })
    }

    unsafe fn canResize(&self) -> tresult {
        gate(|| match self.window.with(|proxy| proxy.desc().resizable()) {
            Some(true) => kResultOk,
            _ => kResultFalse,
        })
    }

    unsafe fn checkSizeConstraint(&self, rect: *mut ViewRect) -> tresult {
        gate(|| {
            // SAFETY: VST3: null or one structure to read and write.
            let Some(wanted) = (unsafe { size_of_rect(rect) }) else { return kInvalidArgument };
            let Some(size) = self.window.with(|proxy| proxy.fit(wanted)) else { return kResultFalse };
            // SAFETY: not null (checked above).
            let rect = unsafe { &mut *rect };
            let fit = rect_of(size);
            (rect.right, rect.bottom) =
                (rect.left.saturating_add(fit.right), rect.top.saturating_add(fit.bottom));
            kResultOk
        })
    }
}

impl IPlugViewContentScaleSupportTrait for View {
    unsafe fn setContentScaleFactor(&self, factor: f32) -> tresult {
        gate(|| match self.window.with(|proxy| proxy.set_scale(f64::from(factor))) {
            Some(true) => kResultOk,
            _ => kResultFalse,
        })
    }
}

impl View {
    fn key(&self, key: char16, code: int16, modifiers: int16, pressed: bool) -> tresult {
        let key = EditorKey {
            character: u32::from(key),
            named: named(code),
            modifiers: self::modifiers(modifiers),
            pressed: u32::from(pressed),
        };
        match self.window.with(|proxy| proxy.key(key)) {
            Some(true) => kResultOk,
            _ => kResultFalse,
        }
    }
}

/// VST3's virtual key codes.
const fn named(code: int16) -> u32 {
    match code {
        1 => EditorKey::BACKSPACE,
        2 => EditorKey::TAB,
        4 | 19 => EditorKey::ENTER,
        6 => EditorKey::ESCAPE,
        9 => EditorKey::END,
        10 => EditorKey::HOME,
        11 => EditorKey::LEFT,
        12 => EditorKey::UP,
        13 => EditorKey::RIGHT,
        14 => EditorKey::DOWN,
        15 => EditorKey::PAGE_UP,
        16 => EditorKey::PAGE_DOWN,
        22 => EditorKey::DELETE,
        _ => 0,
    }
}

/// VST3's modifier bits: shift 1, alternate 2, command 4 (control on Windows and Linux), control 8.
const fn modifiers(bits: int16) -> u32 {
    let bits = bits.cast_unsigned() as u32;
    let mut found = 0;
    if bits & 1 != 0 {
        found |= EditorKey::SHIFT;
    }
    if bits & 2 != 0 {
        found |= EditorKey::ALT;
    }
    if bits & 4 != 0 {
        found |= if cfg!(target_os = "macos") { EditorKey::COMMAND } else { EditorKey::CONTROL };
    }
    if bits & 8 != 0 {
        found |= EditorKey::CONTROL;
    }
    found
}
