//! The host's side of a VST3 editor: its window, its frame and the run loop that the frame offers.
//!
//! Called by: tests of editors. Calls: the plug-in's view, `screen`. Threads: the plug-in's main thread.
//!
//! What real hosts do from inside `resizeView` a test may script ([`Inside`]); every call on the view is made with no
//! lock of the harness held.
#![allow(unsafe_code, reason = "calls and implements C interfaces over raw pointers; harness, DESIGN 9.9")]

use std::ffi::{CStr, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vst3::Steinberg::Linux::{
    FileDescriptor, IEventHandler, IRunLoop, IRunLoopTrait, ITimerHandler, ITimerHandlerTrait, TimerInterval,
};
use vst3::Steinberg::Vst::{IEditControllerTrait, IParameterFinder, IParameterFinderTrait};
use vst3::Steinberg::{
    FUnknown, IPlugFrame, IPlugFrameTrait, IPlugView, IPlugViewContentScaleSupport,
    IPlugViewContentScaleSupportTrait, IPlugViewTrait, ViewRect, kInvalidArgument, kNotImplemented,
    kPlatformTypeWaylandSurfaceID, kPlatformTypeX11EmbedWindowID, kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use super::objects::raw;
use super::plugin::Vst3;
use crate::editor::Window;
use crate::screen::Screen;

/// What a host does inside `resizeView`, for a wish of this width and height; its answer is the host's.
pub type Inside = Arc<dyn Fn(i32, i32) -> tresult + Send + Sync>;

/// What the frame was asked for.
#[derive(Default)]
struct Asked {
    timers: Vec<ComPtr<ITimerHandler>>,
    /// Timers that were registered and are not registered any more, which a host may tick late.
    late: Vec<ComPtr<ITimerHandler>>,
    sizes: Vec<(i32, i32)>,
    inside: Option<Inside>,
    /// Callbacks of timers that run.
    callbacks: u32,
    /// Timers that were unregistered inside of one.
    too_soon: u32,
    /// No timer is registered.
    refuses: bool,
}

#[derive(Clone, Default)]
struct Data(Arc<Mutex<Asked>>);

// SAFETY: the plug-in's objects in it are counted by an atomic, and a test uses them on one thread.
unsafe impl Send for Data {}
// SAFETY: as above; the lock orders everything else.
unsafe impl Sync for Data {}

impl Data {
    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Frame(Data);

impl Class for Frame {
    type Interfaces = (IPlugFrame, IRunLoop);
}

impl IPlugFrameTrait for Frame {
    unsafe fn resizeView(&self, view: *mut IPlugView, size: *mut ViewRect) -> tresult {
        // SAFETY: VST3: a rectangle, valid for the call.
        let (width, height) = unsafe { ((*size).right - (*size).left, (*size).bottom - (*size).top) };
        self.0.lock().sizes.push((width, height));
        let inside = self.0.lock().inside.clone();
        if let Some(inside) = inside {
            return inside(width, height);
        }
        // SAFETY: VST3: the plug-in's own view and a rectangle, valid for the call.
        unsafe {
            let Some(view) = ComRef::from_raw(view) else { return kInvalidArgument };
            // As real hosts do, from inside.
            view.onSize(size)
        }
    }
}

impl IRunLoopTrait for Frame {
    unsafe fn registerEventHandler(&self, _handler: *mut IEventHandler, _fd: FileDescriptor) -> tresult {
        kNotImplemented
    }
    unsafe fn unregisterEventHandler(&self, _handler: *mut IEventHandler) -> tresult {
        kNotImplemented
    }
    unsafe fn registerTimer(&self, handler: *mut ITimerHandler, _period: TimerInterval) -> tresult {
        // SAFETY: VST3: the plug-in's object, valid for the call; we count a reference of our own.
        let Some(handler) = (unsafe { ComRef::from_raw(handler) }) else { return kInvalidArgument };
        let mut asked = self.0.lock();
        if asked.refuses {
            return kNotImplemented;
        }
        asked.timers.push(handler.to_com_ptr());
        kResultOk
    }
    unsafe fn unregisterTimer(&self, handler: *mut ITimerHandler) -> tresult {
        let mut asked = self.0.lock();
        let Some(at) = asked.timers.iter().position(|timer| timer.as_ptr() == handler) else {
            return kInvalidArgument;
        };
        let gone = asked.timers.swap_remove(at);
        asked.late.push(gone);
        asked.too_soon += u32::from(asked.callbacks > 0);
        kResultOk
    }
}

/// A frame of the host's. A view may have one after the other. Clones are the same frame.
#[derive(Clone)]
pub struct HostFrame {
    frame: ComWrapper<Frame>,
    data: Data,
}

impl Default for HostFrame {
    fn default() -> Self {
        let data = Data::default();
        Self { frame: ComWrapper::new(Frame(data.clone())), data }
    }
}

impl HostFrame {
    /// One tick of every timer.
    pub fn tick(&self) {
        let timers = self.data.lock().timers.clone();
        self.fire(&timers);
    }

    /// One tick of every timer that was there once, as a host does that takes them off its list too late.
    pub fn tick_late(&self) {
        let timers = self.data.lock().late.clone();
        assert!(!timers.is_empty(), "a timer was registered once");
        self.fire(&timers);
    }

    fn fire(&self, timers: &[ComPtr<ITimerHandler>]) {
        self.data.lock().callbacks += 1;
        for timer in timers {
            // SAFETY: the reference in hand keeps the object alive.
            unsafe { timer.onTimer() };
        }
        self.data.lock().callbacks -= 1;
    }

    /// Timers that run.
    ///
    /// # Panics
    /// If one was unregistered inside a timer's callback, which not every host survives.
    #[must_use]
    pub fn timers(&self) -> usize {
        let asked = self.data.lock();
        assert_eq!(asked.too_soon, 0, "timers that were unregistered inside a callback");
        asked.timers.len()
    }

    /// Sizes that the plug-in has asked for.
    #[must_use]
    pub fn sizes(&self) -> Vec<(i32, i32)> {
        self.data.lock().sizes.clone()
    }

    /// From here on its run loop has no timers to offer.
    pub fn refuse_timers(&self) {
        self.data.lock().refuses = true;
    }

    /// As a context: what offers a run loop, and is no application.
    pub(super) fn as_context(&self) -> *mut FUnknown {
        raw(&self.frame)
    }

    /// From here on `resizeView` does this.
    pub fn inside(&self, inside: Inside) {
        self.data.lock().inside = Some(inside);
    }
}

/// A view and the one reference to it. Clones share that reference: [`HostView::release`] gives it back for all.
#[derive(Clone)]
pub struct HostView(Arc<Mutex<Option<ComPtr<IPlugView>>>>);

// SAFETY: the plug-in counts its references by an atomic, and a test uses it on one thread.
unsafe impl Send for HostView {}
// SAFETY: as above; the lock orders everything else.
unsafe impl Sync for HostView {}

/// A rectangle at 0, 0.
#[must_use]
pub const fn rect(right: i32, bottom: i32) -> ViewRect {
    ViewRect { left: 0, top: 0, right, bottom }
}

impl HostView {
    /// The pointer, used without a reference of its own: the plug-in must not need one.
    fn get(&self) -> *mut IPlugView {
        let view = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        view.as_ref().expect("the view is not released").as_ptr()
    }

    fn with<R>(&self, call: impl FnOnce(ComRef<'_, IPlugView>) -> R) -> R {
        let view = self.get();
        // SAFETY: not null; alive at the start of the call, and nothing here uses it after the call.
        call(unsafe { ComRef::from_raw_unchecked(view) })
    }

    /// `setFrame`; `None`: null.
    #[must_use]
    pub fn set_frame(&self, frame: Option<&HostFrame>) -> tresult {
        let frame = frame.map_or(std::ptr::null_mut(), |frame| raw::<_, IPlugFrame>(&frame.frame));
        // SAFETY: the frame lives as long as the test's.
        self.with(|view| unsafe { view.setFrame(frame) })
    }

    /// `attached`, to an X11 window.
    #[must_use]
    pub fn attached(&self, parent: u32) -> tresult {
        let handle: *mut c_void = std::ptr::with_exposed_provenance_mut(parent as usize);
        // SAFETY: the name is a C string, the window the test's.
        self.with(|view| unsafe { view.attached(handle, kPlatformTypeX11EmbedWindowID) })
    }

    /// `removed`.
    #[must_use]
    pub fn removed(&self) -> tresult {
        // SAFETY: no arguments.
        self.with(|view| unsafe { view.removed() })
    }

    /// `getSize`: width and height.
    ///
    /// # Panics
    /// If the plug-in refuses.
    #[must_use]
    pub fn size(&self) -> (i32, i32) {
        let mut rect = rect(0, 0);
        // SAFETY: a live local.
        let result = self.with(|view| unsafe { view.getSize(&raw mut rect) });
        assert_eq!(result, kResultOk, "the size is always known");
        (rect.right - rect.left, rect.bottom - rect.top)
    }

    /// `onSize`.
    #[must_use]
    pub fn on_size(&self, mut rect: ViewRect) -> tresult {
        // SAFETY: a live local.
        self.with(|view| unsafe { view.onSize(&raw mut rect) })
    }

    /// `checkSizeConstraint`: its result, and left, top, right, bottom.
    #[must_use]
    pub fn check_size(&self, mut rect: ViewRect) -> (tresult, [i32; 4]) {
        // SAFETY: a live local.
        let result = self.with(|view| unsafe { view.checkSizeConstraint(&raw mut rect) });
        (result, [rect.left, rect.top, rect.right, rect.bottom])
    }

    /// True if the plug-in draws in such windows.
    #[must_use]
    pub fn supports(&self, platform: &CStr) -> bool {
        // SAFETY: a C string.
        self.with(|view| unsafe { view.isPlatformTypeSupported(platform.as_ptr()) == kResultOk })
    }

    /// `setContentScaleFactor`.
    ///
    /// # Panics
    /// If the view has no such interface.
    #[must_use]
    pub fn set_scale(&self, factor: f32) -> tresult {
        self.with(|view| {
            let scale = view.cast::<IPlugViewContentScaleSupport>().expect("it takes a scale");
            // SAFETY: the reference in hand keeps it alive.
            unsafe { scale.setContentScaleFactor(factor) }
        })
    }

    /// `findParameter`.
    ///
    /// # Panics
    /// If the view has no such interface.
    #[must_use]
    pub fn find_parameter(&self, x: i32, y: i32) -> Option<u32> {
        self.with(|view| {
            let finder = view.cast::<IParameterFinder>().expect("it finds parameters");
            let mut id = 0;
            // SAFETY: the reference in hand keeps it alive; a live local.
            let result = unsafe { finder.findParameter(x, y, &raw mut id) };
            // SAFETY: null is what is tried.
            assert_ne!(unsafe { finder.findParameter(x, y, std::ptr::null_mut()) }, kResultOk);
            (result == kResultOk).then_some(id)
        })
    }

    /// A key goes down or up: its UTF-16 unit, VST3's number of it, VST3's modifiers. True if the plug-in took it.
    #[must_use]
    pub fn key(&self, unit: u16, code: i16, modifiers: i16, down: bool) -> bool {
        // SAFETY: plain numbers.
        self.with(|view| unsafe {
            if down {
                view.onKeyDown(unit, code, modifiers) == kResultOk
            } else {
                view.onKeyUp(unit, code, modifiers) == kResultOk
            }
        })
    }

    /// Every call with what no host should send; true if each was refused.
    #[must_use]
    pub fn refuses_junk(&self) -> bool {
        // SAFETY: null is what is tried.
        self.with(|view| unsafe {
            let null = std::ptr::null_mut();
            let odd = std::ptr::with_exposed_provenance_mut::<c_void>(1);
            let results = [
                view.isPlatformTypeSupported(std::ptr::null()),
                view.isPlatformTypeSupported(c"".as_ptr()),
                view.attached(null, kPlatformTypeX11EmbedWindowID),
                view.attached(odd, std::ptr::null()),
                view.attached(odd, c"X11EmbedWindowID ".as_ptr()),
                view.getSize(std::ptr::null_mut()),
                view.onSize(std::ptr::null_mut()),
                view.checkSizeConstraint(std::ptr::null_mut()),
                view.onWheel(f32::NAN),
            ];
            results.iter().all(|result| *result != kResultOk)
        })
    }

    /// Gives the reference back, for every clone: the last one if the host has counted right.
    ///
    /// # Panics
    /// If it was given back before.
    pub fn release(&self) {
        let view = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(view.expect("released once"));
    }
}

/// An open view in a window of the host's.
pub struct Vst3View {
    view: HostView,
    frame: HostFrame,
    /// Where it is.
    pub window: Window,
}

impl Vst3 {
    /// Makes a view without a frame and without a window.
    ///
    /// # Panics
    /// If the plug-in has no editor.
    #[must_use]
    pub fn create_view(&mut self) -> HostView {
        // SAFETY: the controller is alive; the name is a C string; the reference that comes back is ours.
        let view = unsafe { ComPtr::from_raw(self.controller.createView(c"editor".as_ptr())) };
        HostView(Arc::new(Mutex::new(Some(view.expect("the plug-in has an editor")))))
    }

    /// Makes the view and attaches it to a window of the host's: the plug-in's must be mapped, in its size, when
    /// `attached` returns.
    ///
    /// # Panics
    /// If the plug-in has no editor, or refuses.
    #[must_use]
    pub fn open_view(&mut self, screen: &Screen) -> Vst3View {
        let (view, frame) = (self.create_view(), HostFrame::default());
        // SAFETY: C strings.
        let [x11, wayland] = [kPlatformTypeX11EmbedWindowID, kPlatformTypeWaylandSurfaceID]
            .map(|name| unsafe { CStr::from_ptr(name) });
        assert!(view.supports(x11) && !view.supports(wayland));
        assert_eq!(view.set_frame(Some(&frame)), kResultOk);
        let window = view.attach_to_new_window(screen);
        Vst3View { view, frame, window }
    }

    /// Menus of parameters that the plug-in has asked for: id, and the place in its view.
    #[must_use]
    pub fn menus(&self) -> Vec<(u32, i32, i32)> {
        self.calls().desk.lock().unwrap_or_else(PoisonError::into_inner).menus.clone()
    }

    /// Edits that the component handler was told, as words: `begin`, `perform`, `end`.
    #[must_use]
    pub fn edits(&self) -> Vec<&'static str> {
        self.calls().desk.lock().unwrap_or_else(PoisonError::into_inner).edits.clone()
    }
}

impl HostView {
    /// `attached`, to a new window of the view's size.
    ///
    /// # Panics
    /// If the plug-in refuses, or its window is not there when `attached` returns.
    #[must_use]
    pub fn attach_to_new_window(&self, screen: &Screen) -> Window {
        let side = |side: i32| u16::try_from(side).expect("a small window");
        let (width, height) = self.size();
        let parent = screen.window(side(width), side(height));
        assert_eq!(self.attached(parent), kResultOk);
        let children = screen.children(parent);
        assert_eq!(children.len(), 1, "the plug-in has one window in the host's when attached returns");
        let child = children[0];
        assert!(screen.is_seen(child), "and it is mapped");
        let size = (u32::from(side(width)), u32::from(side(height)));
        assert_eq!(screen.size(child), size, "and of its size");
        Window { parent, child }
    }
}

impl Vst3View {
    /// One tick of every timer.
    pub fn tick(&self) {
        self.frame.tick();
    }

    /// A key; true if the plug-in took it.
    #[must_use]
    pub fn key(&self, key: char) -> bool {
        self.view.key(u16::try_from(u32::from(key)).expect("one unit"), 0, 0, true)
    }

    /// Its parts, for a test that goes on by itself.
    #[must_use]
    pub fn into_parts(self) -> (HostView, HostFrame, Window) {
        (self.view, self.frame, self.window)
    }

    /// Removes it, and looks no further.
    pub fn abandon(self) {
        // It may refuse.
        let _ = self.view.removed();
        let _ = self.view.set_frame(None);
    }

    /// Removes it and destroys the host's window.
    ///
    /// # Panics
    /// If the plug-in leaves anything behind.
    pub fn close(self, screen: &Screen) {
        assert_eq!(self.view.removed(), kResultOk);
        assert_eq!(self.frame.timers(), 0, "no timer outlives removed()");
        assert_eq!(self.view.set_frame(None), kResultOk);
        assert!(screen.children(self.window.parent).is_empty(), "no window either");
        screen.destroy(self.window.parent);
    }
}
