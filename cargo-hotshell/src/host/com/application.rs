//! What a plug-in may ask of its host: its name, a restart, an edit, a tick on main.
//!
//! Called by: the plug-in, through COM; [`Application::tick`] by `vst3_plugin`. Calls: `signals`.
//! Threads: [any]; what VST3 allows on main only is blamed elsewhere. [`Application::tick`] [main].
#![allow(unsafe_code, reason = "the host's objects take C's pointers")]

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clack_extensions::log::LogSeverity;
use parking_lot::Mutex;
use vst3::Steinberg::Linux::{
    IEventHandler, IEventHandlerTrait, IRunLoop, IRunLoopTrait, ITimerHandler, ITimerHandlerTrait,
};
use vst3::Steinberg::Vst::RestartFlags_::{
    kIoChanged, kLatencyChanged, kParamTitlesChanged, kParamValuesChanged, kReloadComponent,
};
use vst3::Steinberg::Vst::{
    IComponentHandler, IComponentHandler2, IComponentHandler2Trait, IComponentHandlerTrait, IHostApplication,
    IHostApplicationTrait, ParamID, ParamValue, String128,
};
use vst3::Steinberg::{
    FIDString, FUnknown, IPlugFrame, IPlugFrameTrait, IPlugView, IPlugViewTrait, TBool, TUID, ViewRect,
    int32, kInvalidArgument, kNotImplemented, kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use super::super::role::{Role, role};
use super::super::signals::Signals;

/// More timers or files than this are a leak of the plug-in's.
const MOST_WATCHED: usize = 256;

/// Edits that no block has taken yet: parameter ids with normalised values.
#[derive(Debug, Default)]
pub struct Edits(Mutex<Vec<(u32, f64)>>);

impl Edits {
    /// Appends one. [any]
    pub fn push(&self, id: u32, value: f64) {
        self.0.lock().push((id, value));
    }

    /// Hands all of them to `each`; none if another thread is at them: they come with the next block. [audio]
    pub fn take(&self, each: impl FnMut((u32, f64))) {
        if let Some(mut edits) = self.0.try_lock() {
            edits.drain(..).for_each(each);
        }
    }
}

struct Timer {
    handler: ComPtr<ITimerHandler>,
    every: Duration,
    due: Instant,
}

/// The COM object: application, component handler, frame of a window and run loop in one.
struct Object {
    signals: Arc<Signals>,
    edits: Arc<Edits>,
    timers: Mutex<Vec<Timer>>,
    files: Mutex<Vec<(ComPtr<IEventHandler>, i32)>>,
}

impl Class for Object {
    type Interfaces = (IHostApplication, IComponentHandler, IComponentHandler2, IPlugFrame, IRunLoop);
}

/// This host, as a plug-in sees it.
pub struct Application(ComWrapper<Object>);

impl Application {
    /// One for each plug-in instance.
    pub fn new(signals: Arc<Signals>, edits: Arc<Edits>) -> Self {
        let (timers, files) = (Mutex::default(), Mutex::default());
        Self(ComWrapper::new(Object { signals, edits, timers, files }))
    }

    pub(super) fn context(&self) -> Option<ComRef<'_, FUnknown>> {
        self.0.as_com_ref()
    }

    pub(super) fn handler(&self) -> Option<ComRef<'_, IComponentHandler>> {
        self.0.as_com_ref()
    }

    pub(super) fn frame(&self) -> Option<ComRef<'_, IPlugFrame>> {
        self.0.as_com_ref()
    }

    /// Calls the timers that are due and the handlers of files that can be read. [main]
    pub fn tick(&self) {
        let time = Instant::now();
        let due = |timer: &mut Timer| {
            let is_due = timer.due <= time;
            if is_due {
                timer.due = time + timer.every;
            }
            is_due.then(|| timer.handler.clone())
        };
        // Called without the lock: a handler may end its own timer.
        let timers: Vec<_> = self.0.timers.lock().iter_mut().filter_map(due).collect();
        for timer in timers {
            // SAFETY: the reference in hand keeps the object alive.
            unsafe { timer.onTimer() };
        }
        let files: Vec<_> = self.0.files.lock().clone();
        for (handler, file) in files.into_iter().filter(|(_, file)| can_be_read(*file)) {
            // SAFETY: as above.
            unsafe { handler.onFDIsSet(file) };
        }
    }
}

#[cfg(unix)]
fn can_be_read(file: i32) -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    // SAFETY: not negative, which registration refuses; the plug-in has lent it to us until it unregisters it; a closed
    // one is an error of the call, not of ours.
    let file = unsafe { std::os::fd::BorrowedFd::borrow_raw(file) };
    let mut files = [PollFd::new(&file, PollFlags::IN)];
    poll(&mut files, Some(&rustix::event::Timespec::default())).is_ok_and(|ready| ready > 0)
}

#[cfg(not(unix))]
const fn can_be_read(_file: i32) -> bool {
    false
}

impl IHostApplicationTrait for Object {
    unsafe fn getName(&self, name: *mut String128) -> tresult {
        if name.is_null() {
            return kInvalidArgument;
        }
        let mut text = [0; 128];
        for (to, from) in text.iter_mut().zip("cargo hotshell host".encode_utf16()) {
            *to = from;
        }
        // SAFETY: VST3: a place for 128 units, and not null.
        unsafe { name.write(text) };
        kResultOk
    }

    /// Messages are for plug-ins whose halves live apart; ours live together.
    unsafe fn createInstance(&self, _: *mut TUID, _: *mut TUID, object: *mut *mut c_void) -> tresult {
        if !object.is_null() {
            // SAFETY: VST3: a place for a pointer, and not null.
            unsafe { object.write(std::ptr::null_mut()) };
        }
        kNotImplemented
    }
}

/// The bindings' enum is signed on some systems.
#[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast, reason = "a flag's number")]
const fn has(flags: int32, flag: vst3::Steinberg::Vst::RestartFlags) -> bool {
    flags & flag as i32 != 0
}

impl Object {
    fn blame(&self, what: &str) {
        if role() != Role::Main {
            let text = format!("{what} from another thread than main, the only one where VST3 allows it");
            self.signals.say(LogSeverity::PluginMisbehaving, &text);
        }
    }
}

impl IComponentHandlerTrait for Object {
    unsafe fn beginEdit(&self, _id: ParamID) -> tresult {
        self.blame("beginEdit");
        kResultOk
    }

    unsafe fn performEdit(&self, id: ParamID, value: ParamValue) -> tresult {
        self.blame("performEdit");
        self.edits.push(id, value);
        kResultOk
    }

    unsafe fn endEdit(&self, _id: ParamID) -> tresult {
        self.blame("endEdit");
        kResultOk
    }

    unsafe fn restartComponent(&self, flags: int32) -> tresult {
        self.blame("restartComponent");
        let signals = &self.signals;
        if has(flags, kIoChanged) || has(flags, kReloadComponent) {
            signals.raise(&signals.ports);
            signals.raise(&signals.restart);
        }
        if has(flags, kLatencyChanged) {
            signals.latency_changes.fetch_add(1, Ordering::Relaxed);
        }
        if has(flags, kParamValuesChanged) || has(flags, kParamTitlesChanged) {
            signals.param_rescans.fetch_add(1, Ordering::Relaxed);
        }
        kResultOk
    }
}

impl IComponentHandler2Trait for Object {
    unsafe fn setDirty(&self, _state: TBool) -> tresult {
        self.signals.raise(&self.signals.dirty);
        kResultOk
    }
    unsafe fn requestOpenEditor(&self, _name: FIDString) -> tresult {
        kNotImplemented
    }
    unsafe fn startGroupEdit(&self) -> tresult {
        kResultOk
    }
    unsafe fn finishGroupEdit(&self) -> tresult {
        kResultOk
    }
}

impl IPlugFrameTrait for Object {
    /// Agrees: main gives the window its size when it looks.
    unsafe fn resizeView(&self, view: *mut IPlugView, size: *mut ViewRect) -> tresult {
        self.blame("resizeView");
        // SAFETY: VST3: null or the plug-in's own view, and null or a rectangle, valid for the call.
        unsafe {
            let (Some(view), Some(rect)) = (ComRef::from_raw(view), size.as_ref()) else {
                return kInvalidArgument;
            };
            let Some(wanted) = super::view::size_of(rect) else { return kInvalidArgument };
            self.signals.want_size(wanted);
            view.onSize(size)
        }
    }
}

impl IRunLoopTrait for Object {
    unsafe fn registerEventHandler(&self, handler: *mut IEventHandler, file: i32) -> tresult {
        // SAFETY: VST3: null or the plug-in's object, of which we keep a reference.
        let handler = unsafe { ComRef::from_raw(handler) }.map(|handler| handler.to_com_ptr());
        let mut files = self.files.lock();
        let fits = file >= 0 && files.len() < MOST_WATCHED;
        let Some(handler) = handler.filter(|_| fits) else { return kInvalidArgument };
        files.push((handler, file));
        kResultOk
    }

    unsafe fn unregisterEventHandler(&self, handler: *mut IEventHandler) -> tresult {
        let gone: Vec<_> = self.files.lock().extract_if(.., |entry| entry.0.as_ptr() == handler).collect();
        if gone.is_empty() { kInvalidArgument } else { kResultOk }
    }

    unsafe fn registerTimer(&self, handler: *mut ITimerHandler, milliseconds: u64) -> tresult {
        // SAFETY: as above.
        let handler = unsafe { ComRef::from_raw(handler) }.map(|handler| handler.to_com_ptr());
        let mut timers = self.timers.lock();
        let Some(handler) = handler.filter(|_| timers.len() < MOST_WATCHED) else { return kInvalidArgument };
        let every = Duration::from_millis(milliseconds.clamp(1, 60_000));
        timers.push(Timer { handler, every, due: Instant::now() + every });
        kResultOk
    }

    unsafe fn unregisterTimer(&self, handler: *mut ITimerHandler) -> tresult {
        let gone: Vec<_> =
            self.timers.lock().extract_if(.., |timer| timer.handler.as_ptr() == handler).collect();
        if gone.is_empty() { kInvalidArgument } else { kResultOk }
    }
}
