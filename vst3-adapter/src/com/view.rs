//! `IPlugView`, and the timer that keeps an open one going.
//!
//! Called by: the host. Calls: `view`, `com/run_loop`, `com/left`. Threads: [main], which is the thread that made the view. Calls on
//! another one are refused, but for the last release: what belongs to the view's own thread waits for it there.

#![allow(unsafe_code, reason = "DESIGN 9.9: a COM interface takes C's pointers")]

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_void};
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Weak};

use hotshell_editor_proxy::{EditorKey, EditorProxy, EditorSize, OnMain, WindowHandle, WindowKind};
use vst3::Steinberg::Linux::IRunLoop;
use vst3::Steinberg::Vst::{IParameterFinder, IParameterFinderTrait, ParamID};
use vst3::Steinberg::{
    FIDString, IPlugFrame, IPlugFrameTrait, IPlugView, IPlugViewContentScaleSupport,
    IPlugViewContentScaleSupportTrait, IPlugViewTrait, TBool, ViewRect, char16, int16, int32,
    kInvalidArgument, kPlatformTypeHWND, kPlatformTypeNSView, kPlatformTypeX11EmbedWindowID, kResultFalse,
    kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use super::keys::key_of;
use super::left;
use super::put;
use super::run_loop::Timer;
use crate::error::{gate, guard};
use crate::instance::Instance;
use crate::view::{Menu, Window};

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
    /// The view itself, which `resizeView` wants. Null from its last release on.
    view: AtomicPtr<IPlugView>,
}

impl Frame {
    /// True if the host agrees. It may call anything meanwhile, the view's last release included.
    fn resize(&self, size: EditorSize) -> bool {
        // A reference of our own: the host may call `setFrame` from inside.
        let host = self.host.borrow().clone();
        let (Some(host), view) = (host, self.view.load(Acquire)) else { return false };
        if view.is_null() {
            return false;
        }
        let mut rect = rect_of(size);
        // SAFETY: the reference in hand keeps the frame alive. The view is the host's own: its drop sets the pointer to
        // null on this thread, the view's own (`Window` refuses others). A host that releases it on another one at this
        // very moment gets back a pointer that it has itself made dangle; we do not follow it.
        unsafe { host.resizeView(view, &raw mut rect) == kResultOk }
    }

    /// The host's menu, where it has one. It may call anything meanwhile, the view's last release included.
    fn pop_up(&self, instance: &Instance, menu: Menu) {
        let Menu { id, x, y } = menu;
        let view = self.view.load(Acquire);
        if instance.knows(id) && !view.is_null() {
            // SAFETY: the view is the host's own, as in `resize`.
            unsafe { instance.handler.pop_up(view, id, x, y) };
        }
    }
}

fn rect_of(size: EditorSize) -> ViewRect {
    let side = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
    ViewRect { left: 0, top: 0, right: side(size.width), bottom: side(size.height) }
}

/// Width and height from one edge to the other, where a window may have them.
fn size_of(rect: ViewRect) -> Option<EditorSize> {
    let side = |from: i32, to: i32| u32::try_from(to.checked_sub(from)?).ok().filter(|side| *side > 0);
    let (width, height) = (side(rect.left, rect.right)?, side(rect.top, rect.bottom)?);
    (width.max(height) <= EditorSize::MOST).then_some(EditorSize::new(width, height))
}

/// The same for a rectangle that is still being drawn: the nearest size that a window may have.
fn nearest_size_of(rect: ViewRect) -> EditorSize {
    let most = i64::from(EditorSize::MOST);
    let side = |from: i32, to: i32| {
        let side = (i64::from(to) - i64::from(from)).clamp(1, most);
        u32::try_from(side).unwrap_or(EditorSize::MOST)
    };
    EditorSize::new(side(rect.left, rect.right), side(rect.top, rect.bottom))
}

/// The object that a host holds. What it does, it does on a reference of its own to what is behind it: a host may
/// release the view in a call that one of the view's own calls makes.
pub(crate) struct View(Arc<Inner>);

/// What outlives the view by the rest of such a call.
struct Inner {
    /// There until the drop.
    own: ManuallyDrop<Own>,
    /// Between `attached` and `removed`.
    attached: Cell<bool>,
}

/// What is the view's own thread's alone. Its parts share counts that are no atomics (the frame is the window's too), so
/// they go as a whole: no two threads ever have one part each. Fields are dropped in this order.
struct Own {
    timer: RefCell<Option<Timer>>,
    window: Window,
    frame: Rc<Frame>,
}

/// The window's thread, or, on X11, any: the window has one of its own, to which any may talk.
const WINDOW_ENDS_ANYWHERE: bool = cfg!(target_os = "linux");

impl Own {
    /// `None` if the plug-in has no editor.
    fn new(instance: &Arc<Instance>) -> Option<Self> {
        let frame = Rc::new(Frame::default());
        let (asked, shown, owner) = (Rc::clone(&frame), Rc::clone(&frame), Arc::downgrade(instance));
        let pop_up = move |menu| {
            if let Some(instance) = owner.upgrade() {
                shown.pop_up(&instance, menu);
            }
        };
        let ask = Box::new(move |size| asked.resize(size));
        let window = Window::new(instance, ask, Box::new(pop_up))?;
        Some(Self { timer: RefCell::default(), window, frame })
    }

    /// Ends it. On a foreign thread: what that thread has no business with waits for its own (`left`).
    fn end(self, window_ends_anywhere: bool) {
        let home = self.window.home();
        if self.window.is_home() {
            let (timer, host) = (self.timer.take(), self.frame.host.take());
            left::end(timer);
            drop(self);
            drop(host);
        } else if window_ends_anywhere {
            // Atomic counts: nothing that is kept shares anything with what ends here.
            left::keep(home, Box::new((self.timer.take(), self.frame.host.take())));
            drop(self);
        } else {
            left::keep(home, Box::new(self));
        }
    }
}

impl Class for View {
    type Interfaces = (IPlugView, IPlugViewContentScaleSupport, IParameterFinder);
}

impl Drop for View {
    /// Inside the host's last `release`, which has no gate of its own. A host that has forgotten `removed` leaves
    /// neither a window nor a timer behind.
    fn drop(&mut self) {
        let own = &self.0.own;
        own.frame.view.store(std::ptr::null_mut(), Release);
        guard((), || {
            // On a foreign thread: as what is behind the view is dropped.
            if own.window.is_home() {
                self.0.leave();
                let host = own.frame.host.take();
                drop(host);
                left::drop_own();
            }
        });
    }
}

impl Drop for Inner {
    /// With the last reference, on whatever thread that is given back.
    fn drop(&mut self) {
        // SAFETY: once, and nobody uses the field afterwards: what it is in is being dropped.
        let own = unsafe { ManuallyDrop::take(&mut self.own) };
        guard((), || own.end(WINDOW_ENDS_ANYWHERE));
    }
}

/// A view, for the loop of its window.
struct ForLoop(Weak<Inner>);

// SAFETY: what is behind it is looked at on the view's own thread alone (`Inner::tick`), and ends on any (`Own::end`).
unsafe impl Send for ForLoop {}
// SAFETY: as above; the count is an atomic.
unsafe impl Sync for ForLoop {}

impl ForLoop {
    fn tick(&self) {
        let view = self.0.upgrade();
        guard((), move || {
            // Dropped inside.
            if let Some(view) = view {
                left::drop_own();
                view.tick();
            }
        });
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
    left::drop_own();
    let Some(own) = Own::new(instance) else { return std::ptr::null_mut() };
    let frame = Rc::clone(&own.frame);
    let inner = Inner { own: ManuallyDrop::new(own), attached: Cell::new(false) };
    #[expect(
        clippy::arc_with_non_send_sync,
        reason = "COM objects share it; it refuses foreign threads itself"
    )]
    let inner = Arc::new(inner);
    let Some(view) = ComWrapper::new(View(inner)).to_com_ptr::<IPlugView>() else {
        return std::ptr::null_mut();
    };
    frame.view.store(view.as_ptr(), Release);
    view.into_raw()
}

impl Inner {
    /// One timer while the view is attached: at its frame's run loop, else at one that the host offers without any view.
    fn sync_timer(self: &Arc<Self>) {
        self.stop_timer();
        if !self.attached.get() {
            return;
        }
        let frame = self.own.frame.host.borrow().clone();
        let of_frame = frame.and_then(|frame| frame.cast::<IRunLoop>());
        let run_loops = of_frame.into_iter().chain(self.own.window.run_loops());
        // Under no borrow, all of this: a host may be called.
        let timer = { run_loops }.find_map(|run_loop| Timer::start(run_loop, TICK, self.ticks()));
        let before = self.own.timer.replace(timer);
        left::end(before);
        if !self.attached.get() {
            self.stop_timer();
        }
    }

    fn ticks(self: &Arc<Self>) -> impl Fn() + 'static {
        let view = Arc::downgrade(self);
        move || {
            if let Some(view) = view.upgrade() {
                view.tick();
            }
        }
    }

    /// The same for the window's own loop, which comes by no gate.
    fn on_main(self: &Arc<Self>) -> OnMain {
        let view = ForLoop(Arc::downgrade(self));
        Arc::new(move || view.tick())
    }

    /// On a foreign thread, and without a window, nothing.
    fn tick(&self) {
        if self.own.window.is_home() && self.attached.get() {
            self.own.window.tick();
        }
    }

    fn stop_timer(&self) {
        let timer = self.own.timer.take();
        left::end(timer);
    }

    fn attach(self: &Arc<Self>, handle: WindowHandle) -> tresult {
        // At once: what is made there may ask the host for a size, and the host may call `removed` from inside.
        let before = self.attached.replace(true);
        self.own.window.set_on_main(self.on_main());
        match self.own.window.with(|proxy| proxy.attach(handle)) {
            Some(true) => {}
            Some(false) => {
                self.leave();
                return kResultFalse;
            }
            None => {
                self.attached.set(before);
                return kResultFalse;
            }
        }
        self.sync_timer();
        self.own.window.tick();
        if self.attached.get() { kResultOk } else { kResultFalse }
    }

    /// Out of the host's window.
    fn leave(&self) {
        self.attached.set(false);
        self.stop_timer();
        self.own.window.detach();
    }

    fn set_frame(self: &Arc<Self>, host: Option<ComPtr<IPlugFrame>>) {
        // At the run loop that it was started at.
        self.stop_timer();
        let before = self.own.frame.host.replace(host);
        drop(before);
        self.sync_timer();
    }
}

impl View {
    /// The gate, with what must live until the call is over.
    fn gate(&self, call: impl FnOnce(&Arc<Inner>) -> tresult) -> tresult {
        let inner = Arc::clone(&self.0);
        gate(move || {
            left::drop_own();
            // Dropped inside.
            let inner = inner;
            call(&inner)
        })
    }
}

impl IPlugViewTrait for View {
    unsafe fn isPlatformTypeSupported(&self, platform: FIDString) -> tresult {
        // SAFETY: VST3: null or a C string.
        gate(|| if unsafe { is_ours(platform) } { kResultOk } else { kResultFalse })
    }

    unsafe fn attached(&self, parent: *mut c_void, platform: FIDString) -> tresult {
        self.gate(|view| {
            // SAFETY: VST3: null or a C string.
            if parent.is_null() || !unsafe { is_ours(platform) } {
                return kInvalidArgument;
            }
            if !view.own.window.is_home() {
                return kResultFalse;
            }
            let handle = parent.expose_provenance() as u64;
            view.attach(WindowHandle { kind: PLATFORM.1, reserved: 0, handle })
        })
    }

    unsafe fn removed(&self) -> tresult {
        self.gate(|view| {
            if !view.own.window.is_home() {
                return kResultFalse;
            }
            view.leave();
            view.own.window.tick();
            kResultOk
        })
    }

    unsafe fn onWheel(&self, _distance: f32) -> tresult {
        kResultFalse
    }

    unsafe fn onKeyDown(&self, key: char16, code: int16, modifiers: int16) -> tresult {
        self.gate(|view| view.key(key_of(key, code, modifiers, true)))
    }

    unsafe fn onKeyUp(&self, key: char16, code: int16, modifiers: int16) -> tresult {
        self.gate(|view| view.key(key_of(key, code, modifiers, false)))
    }

    unsafe fn getSize(&self, size: *mut ViewRect) -> tresult {
        self.gate(|view| {
            let Some(found) = view.own.window.look(EditorProxy::size) else { return kResultFalse };
            // SAFETY: VST3: null or one structure to write.
            if unsafe { put(size, rect_of(found)) } { kResultOk } else { kInvalidArgument }
        })
    }

    unsafe fn onSize(&self, new_size: *mut ViewRect) -> tresult {
        self.gate(|view| {
            // SAFETY: VST3: null or one structure to read.
            let Some(size) = (unsafe { new_size.as_ref() }).and_then(|rect| size_of(*rect)) else {
                return kInvalidArgument;
            };
            if view.own.window.set_size(size) { kResultOk } else { kResultFalse }
        })
    }

    unsafe fn onFocus(&self, _state: TBool) -> tresult {
        self.gate(|view| {
            view.own.window.tick();
            kResultOk
        })
    }

    unsafe fn setFrame(&self, frame: *mut IPlugFrame) -> tresult {
        self.gate(|view| {
            if !view.own.window.is_home() {
                return kResultFalse;
            }
            // SAFETY: VST3: null or the host's, valid for the call; we count a reference of our own.
            view.set_frame(unsafe { ComRef::from_raw(frame) }.map(|frame| frame.to_com_ptr()));
            kResultOk
        })
    }

    unsafe fn canResize(&self) -> tresult {
        self.gate(|view| match view.own.window.look(|proxy| proxy.desc().resizable()) {
            Some(true) => kResultOk,
            _ => kResultFalse,
        })
    }

    unsafe fn checkSizeConstraint(&self, rect: *mut ViewRect) -> tresult {
        self.gate(|view| {
            // SAFETY: VST3: null or one structure to read and write.
            let Some(rect) = (unsafe { rect.as_mut() }) else { return kInvalidArgument };
            let wanted = nearest_size_of(*rect);
            let Some(size) = view.own.window.look(|proxy| proxy.fit(wanted)) else { return kResultFalse };
            let fit = rect_of(size);
            (rect.right, rect.bottom) =
                (rect.left.saturating_add(fit.right), rect.top.saturating_add(fit.bottom));
            kResultOk
        })
    }
}

impl IPlugViewContentScaleSupportTrait for View {
    unsafe fn setContentScaleFactor(&self, factor: f32) -> tresult {
        self.gate(|view| match view.own.window.with(|proxy| proxy.set_scale(f64::from(factor))) {
            Some(true) => kResultOk,
            _ => kResultFalse,
        })
    }
}

impl IParameterFinderTrait for View {
    unsafe fn findParameter(&self, x: int32, y: int32, id: *mut ParamID) -> tresult {
        self.gate(|view| {
            let window = &view.own.window;
            let found = window.look(|proxy| proxy.param_at(x, y)).flatten().filter(|id| window.knows(*id));
            // SAFETY: VST3: null (which `put` checks) or a place for one.
            let done = found.is_some_and(|found| unsafe { put(id, found) });
            if done { kResultOk } else { kResultFalse }
        })
    }
}

impl Inner {
    /// A key is ours only while a text field has the focus; the rest is the host's (the space bar starts its transport).
    fn key(&self, key: EditorKey) -> tresult {
        match self.own.window.look(|proxy| proxy.key(key)) {
            Some(true) => kResultOk,
            _ => kResultFalse,
        }
    }
}

#[cfg(test)]
mod tests {
    use hotshell_core::shell::editors::Edit;
    use hotshell_fake_shell::{FakePlugins, NoEditor, Script};

    use super::*;
    use crate::entry::bench::{HostData, HostObject, raw};

    fn instance() -> Arc<Instance> {
        instance_of(Script::new())
    }

    fn instance_of(script: Arc<Script>) -> Arc<Instance> {
        *script.editors.lock() = Some(Arc::new(NoEditor));
        let plugins = Box::leak(Box::new(FakePlugins { script, hot: true }));
        let instance = Arc::new(Instance::new(plugins, 0, Arc::default()));
        instance.initialize(String::new()).expect("it opens");
        instance
    }

    /// On its way to another thread, as in a host's last release there.
    struct Foreign(Own);

    // SAFETY: the thread that made it waits for the end of the one that takes it.
    unsafe impl Send for Foreign {}

    #[test]
    fn what_is_left_of_a_view_on_another_thread_goes_as_a_whole_on_its_own() {
        let own = Own::new(&instance()).expect("an editor");
        let frame = Rc::clone(&own.frame);
        let (before, foreign) = (Rc::strong_count(&frame), Foreign(own));
        std::thread::scope(|threads| {
            threads.spawn(move || {
                let Foreign(own) = { foreign };
                own.end(false);
            });
        });
        assert_eq!(Rc::strong_count(&frame), before, "no count is touched there");
        left::drop_own();
        assert_eq!(Rc::strong_count(&frame), 1, "and each of them here");
    }

    #[test]
    fn the_windows_own_loop_tells_the_host_of_edits_on_the_views_thread_alone() {
        let (script, data) = (Script::new(), Arc::new(HostData::default()));
        let (instance, host) =
            (instance_of(Arc::clone(&script)), ComWrapper::new(HostObject(Arc::clone(&data))));
        // SAFETY: alive; a reference is counted.
        unsafe { instance.handler.set(raw(&host)) };
        let own = ManuallyDrop::new(Own::new(&instance).expect("an editor"));
        #[expect(clippy::arc_with_non_send_sync, reason = "as in `create`")]
        let view = Arc::new(Inner { own, attached: Cell::new(false) });
        let on_main = view.on_main();
        *script.edits.lock() = vec![Edit::Begin { id: 10 }, Edit::End { id: 10 }];
        let said = || std::mem::take(&mut *data.said.lock());
        on_main();
        assert_eq!(said(), [""; 0], "a view without a window");
        view.attached.set(true);
        std::thread::scope(|threads| {
            threads.spawn(|| on_main());
        });
        assert_eq!(said(), [""; 0], "a loop of another thread's");
        on_main();
        assert_eq!(said(), ["begin 10", "end 10"]);
        drop(view);
        on_main();
    }

    #[test]
    fn a_rectangle_is_a_size_or_the_nearest_one() {
        let rect = |left, top, right, bottom| ViewRect { left, top, right, bottom };
        assert_eq!(size_of(rect(7, 7, 307, 207)), Some(EditorSize::new(300, 200)));
        for odd in [rect(0, 0, 0, 9), rect(9, 0, 0, 9), rect(i32::MIN, 0, i32::MAX, 9)] {
            assert_eq!(size_of(odd), None);
        }
        assert_eq!(nearest_size_of(rect(9, 0, 0, 9)), EditorSize::new(1, 9));
        assert_eq!(nearest_size_of(rect(i32::MIN, 0, i32::MAX, 9)), EditorSize::new(EditorSize::MOST, 9));
    }
}
