//! The host's side of a VST3 editor: its window, its frame and the run loop that the frame offers.
//!
//! Called by: tests of editors. Calls: the plug-in's view, `screen`. Threads: the plug-in's main thread.
#![allow(unsafe_code, reason = "calls and implements C interfaces over raw pointers; harness, DESIGN 9.9")]

use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vst3::Steinberg::Linux::{
    FileDescriptor, IEventHandler, IRunLoop, IRunLoopTrait, ITimerHandler, ITimerHandlerTrait, TimerInterval,
};
use vst3::Steinberg::Vst::IEditControllerTrait;
use vst3::Steinberg::{
    IPlugFrame, IPlugFrameTrait, IPlugView, IPlugViewTrait, ViewRect, kInvalidArgument, kNotImplemented,
    kPlatformTypeWaylandSurfaceID, kPlatformTypeX11EmbedWindowID, kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use super::objects::raw;
use super::plugin::Vst3;
use crate::editor::Window;
use crate::screen::Screen;

/// What the frame was asked for.
#[derive(Default)]
struct Asked {
    timers: Vec<ComPtr<ITimerHandler>>,
    sizes: Vec<(i32, i32)>,
}

#[derive(Clone, Default)]
struct Data(Arc<Mutex<Asked>>);

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
        // SAFETY: VST3: the plug-in's own view and a rectangle, valid for the call.
        unsafe {
            let Some(view) = ComRef::from_raw(view) else { return kInvalidArgument };
            self.0.lock().sizes.push(((*size).right - (*size).left, (*size).bottom - (*size).top));
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
        self.0.lock().timers.push(handler.to_com_ptr());
        kResultOk
    }
    unsafe fn unregisterTimer(&self, handler: *mut ITimerHandler) -> tresult {
        let mut asked = self.0.lock();
        let Some(at) = asked.timers.iter().position(|timer| timer.as_ptr() == handler) else {
            return kInvalidArgument;
        };
        let gone = asked.timers.swap_remove(at);
        drop(asked);
        drop(gone);
        kResultOk
    }
}

/// An open view in a window of the host's.
pub struct Vst3View {
    view: ComPtr<IPlugView>,
    _frame: ComWrapper<Frame>,
    data: Data,
    /// Where it is.
    pub window: Window,
}

impl Vst3 {
    /// Makes the view and attaches it to a window of the host's: the plug-in's must be mapped, in its size, when
    /// `attached` returns.
    ///
    /// # Panics
    /// If the plug-in has no editor, or refuses.
    #[must_use]
    pub fn open_view(&mut self, screen: &Screen) -> Vst3View {
        // SAFETY: the controller is alive; the name is a C string; the reference that comes back is ours.
        let view = unsafe { ComPtr::from_raw(self.controller.createView(c"editor".as_ptr())) };
        let view = view.expect("the plug-in has an editor");
        let mut rect = ViewRect { left: 0, top: 0, right: 0, bottom: 0 };
        let data = Data::default();
        let frame = ComWrapper::new(Frame(data.clone()));
        // SAFETY: the view is alive; the names are C strings, the rectangle a live local, the frame alive until `close`.
        unsafe {
            assert_eq!(view.isPlatformTypeSupported(kPlatformTypeX11EmbedWindowID), kResultOk);
            assert_ne!(view.isPlatformTypeSupported(kPlatformTypeWaylandSurfaceID), kResultOk);
            assert_eq!(view.getSize(&raw mut rect), kResultOk, "the size is known before there is a window");
            assert_eq!(view.setFrame(raw(&frame)), kResultOk);
        }
        let side = |side: i32| u16::try_from(side).expect("a small window");
        let (width, height) = (side(rect.right), side(rect.bottom));
        let parent = screen.window(width, height);
        let handle: *mut c_void = std::ptr::with_exposed_provenance_mut(parent as usize);
        // SAFETY: the view is alive, and the window is until `close`.
        unsafe { assert_eq!(view.attached(handle, kPlatformTypeX11EmbedWindowID), kResultOk) };
        let children = screen.children(parent);
        assert_eq!(children.len(), 1, "the plug-in has one window in the host's when attached returns");
        let child = children[0];
        assert!(screen.is_seen(child), "and it is mapped");
        assert_eq!(screen.size(child), (u32::from(width), u32::from(height)), "and of its size");
        Vst3View { view, _frame: frame, data, window: Window { parent, child } }
    }

    /// Edits that the component handler was told, as words: `begin`, `perform`, `end`.
    #[must_use]
    pub fn edits(&self) -> Vec<&'static str> {
        self.calls().desk.lock().unwrap_or_else(PoisonError::into_inner).edits.clone()
    }
}

impl Vst3View {
    /// One tick of every timer.
    pub fn tick(&self) {
        let timers = self.data.lock().timers.clone();
        for timer in timers {
            // SAFETY: the reference in hand keeps the object alive.
            unsafe { timer.onTimer() };
        }
    }

    /// Sizes that the plug-in has asked for.
    #[must_use]
    pub fn sizes(&self) -> Vec<(i32, i32)> {
        self.data.lock().sizes.clone()
    }

    /// A key; true if the plug-in took it.
    #[must_use]
    pub fn key(&self, key: char) -> bool {
        let unit = u16::try_from(u32::from(key)).expect("one unit");
        // SAFETY: the view is alive.
        unsafe { self.view.onKeyDown(unit, 0, 0) == kResultOk }
    }

    /// Removes it, and looks no further.
    pub fn abandon(self) {
        // SAFETY: the view is alive; null takes the frame back.
        unsafe {
            self.view.removed();
            self.view.setFrame(std::ptr::null_mut());
        }
    }

    /// Removes it and destroys the host's window.
    ///
    /// # Panics
    /// If the plug-in leaves anything behind.
    pub fn close(self, screen: &Screen) {
        // SAFETY: the view is alive; null takes the frame back.
        unsafe {
            assert_eq!(self.view.removed(), kResultOk);
            assert!(self.data.lock().timers.is_empty(), "no timer outlives removed()");
            assert_eq!(self.view.setFrame(std::ptr::null_mut()), kResultOk);
        }
        assert!(screen.children(self.window.parent).is_empty(), "no window either");
        screen.destroy(self.window.parent);
    }
}
