//! The host's own objects, as COM. Those that a block uses neither allocate nor lock there.
//!
//! Called by: the plug-in under test. Calls: `calls`. Threads: whatever the plug-in uses; that is what gets noted.
#![allow(unsafe_code, reason = "implements C interfaces over raw pointers; harness, DESIGN 9.9")]

use std::ffi::c_void;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use vst3::Steinberg::Vst::{
    Event, IComponentHandler, IComponentHandler2, IComponentHandler2Trait, IComponentHandler3,
    IComponentHandlerTrait, IEventList, IEventListTrait, IHostApplication, IHostApplicationTrait,
    IParamValueQueue, IParamValueQueueTrait, IParameterChanges, IParameterChangesTrait, ParamID, ParamValue,
    String128,
};
use vst3::Steinberg::{
    FIDString, IBStream, IBStreamTrait, ISizeableStream, ISizeableStreamTrait, TBool, TUID, int32, int64,
    kNoInterface, kNotImplemented, kResultFalse, kResultOk, tresult,
};
use vst3::{Class, ComWrapper, Interface};

use super::menu::WhileOpen;
use crate::calls::{Calls, What};

/// `restartComponent`'s flags by name.
pub mod restart {
    use vst3::Steinberg::Vst::RestartFlags_ as flags;

    /// The one flag's number.
    macro_rules! flag {
        ($($(#[$doc:meta])* $name:ident = $flag:ident;)*) => {
            $($(#[$doc])* pub const $name: u32 = flags::$flag.cast_unsigned();)*
        };
    }
    flag! {
        /// `kReloadComponent`.
        RELOAD = kReloadComponent;
        /// `kIoChanged`.
        IO = kIoChanged;
        /// `kParamValuesChanged`.
        VALUES = kParamValuesChanged;
        /// `kLatencyChanged`.
        LATENCY = kLatencyChanged;
        /// `kParamTitlesChanged`.
        TITLES = kParamTitlesChanged;
        /// `kIoTitlesChanged`.
        IO_TITLES = kIoTitlesChanged;
    }
}

/// A borrowed pointer to an interface of a host's object, alive as long as the object.
pub(crate) fn raw<C: Class, I: Interface>(object: &ComWrapper<C>) -> *mut I {
    object.as_com_ref::<I>().expect("in its list").as_ptr()
}

/// What the host does inside `restartComponent`, with the flags.
pub(crate) type Inside = Box<dyn Fn(u32) + Send>;

/// What the application object and the plug-in's owner share.
pub(crate) struct AppData {
    pub(crate) name: &'static str,
    pub(crate) calls: Arc<Calls>,
    pub(crate) inside: Mutex<Option<Inside>>,
    /// What the host does while its next menu is open.
    pub(crate) menu: Mutex<Option<WhileOpen>>,
    /// Flags that the host has not obeyed yet.
    pub(crate) wanted: AtomicU32,
}

impl AppData {
    fn edited(&self, what: &'static str) {
        self.calls.desk.lock().unwrap_or_else(PoisonError::into_inner).edits.push(what);
    }
}

/// The application object and the component handler in one.
pub(crate) struct App(pub(crate) Arc<AppData>);

impl Class for App {
    type Interfaces = (IHostApplication, IComponentHandler, IComponentHandler2, IComponentHandler3);
}

impl IHostApplicationTrait for App {
    unsafe fn getName(&self, name: *mut String128) -> tresult {
        let mut text = [0; 128];
        for (place, unit) in text.iter_mut().zip(self.0.name.encode_utf16().take(127)) {
            *place = unit;
        }
        // SAFETY: VST3: a place for 128 units.
        unsafe { name.write(text) };
        kResultOk
    }
    unsafe fn createInstance(&self, _cid: *mut TUID, _iid: *mut TUID, _obj: *mut *mut c_void) -> tresult {
        kNoInterface
    }
}

impl IComponentHandlerTrait for App {
    unsafe fn beginEdit(&self, _id: ParamID) -> tresult {
        self.0.edited("begin");
        kResultOk
    }
    unsafe fn performEdit(&self, _id: ParamID, _value: ParamValue) -> tresult {
        self.0.edited("perform");
        kResultOk
    }
    unsafe fn endEdit(&self, _id: ParamID) -> tresult {
        self.0.edited("end");
        kResultOk
    }
    unsafe fn restartComponent(&self, flags: int32) -> tresult {
        let flags = flags.cast_unsigned();
        self.0.calls.record(What::RestartComponent(flags));
        self.0.wanted.fetch_or(flags, Ordering::AcqRel);
        // One that comes from inside this very call finds it taken, and the host does nothing more.
        let inside = self.0.inside.try_lock();
        if let Some(call) = inside.as_deref().ok().and_then(Option::as_ref) {
            call(flags);
        }
        kResultOk
    }
}

impl IComponentHandler2Trait for App {
    unsafe fn setDirty(&self, _state: TBool) -> tresult {
        self.0.calls.record(What::MarkDirty);
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

/// How a host's stream misbehaves.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Bytes that one call moves, at most.
    pub piece: usize,
    /// `read` and `write` answer `kResultFalse` although they worked (WaveLab).
    pub wrong_results: bool,
    /// What the stream says that its size is.
    pub size: i64,
    /// Bytes before ours; the stream stands behind them (Bitwig) unless `at_the_start`.
    pub before: &'static [u8],
    /// The stream stands at the start of what lies before our bytes.
    pub at_the_start: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self { piece: usize::MAX, wrong_results: false, size: 0, before: b"", at_the_start: false }
    }
}

/// A stream in memory.
pub(crate) struct Stream {
    pub(crate) bytes: Mutex<Vec<u8>>,
    at: AtomicUsize,
    habits: Habits,
}

impl Stream {
    pub(crate) fn new(bytes: &[u8], habits: Habits) -> ComWrapper<Self> {
        let all = [habits.before, bytes].concat();
        let at = if habits.at_the_start { 0 } else { habits.before.len() };
        ComWrapper::new(Self { bytes: Mutex::new(all), at: AtomicUsize::new(at), habits })
    }

    fn result(&self) -> tresult {
        if self.habits.wrong_results { kResultFalse } else { kResultOk }
    }
}

impl Class for Stream {
    type Interfaces = (IBStream, ISizeableStream);
}

impl IBStreamTrait for Stream {
    unsafe fn read(&self, buffer: *mut c_void, wanted: int32, got: *mut int32) -> tresult {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let at = self.at.load(Ordering::Relaxed).min(bytes.len());
        let count = (bytes.len() - at).min(self.habits.piece).min(usize::try_from(wanted).unwrap_or(0));
        // SAFETY: VST3: room for `wanted` bytes, and null or a place for the number.
        unsafe {
            buffer.cast::<u8>().copy_from_nonoverlapping(bytes[at..].as_ptr(), count);
            if let Some(got) = got.as_mut() {
                *got = i32::try_from(count).expect("small");
            }
        }
        self.at.store(at + count, Ordering::Relaxed);
        self.result()
    }
    unsafe fn write(&self, buffer: *mut c_void, count: int32, written: *mut int32) -> tresult {
        let count = usize::try_from(count).unwrap_or(0).min(self.habits.piece);
        // SAFETY: as above.
        unsafe {
            let new = std::slice::from_raw_parts(buffer.cast::<u8>(), count);
            self.bytes.lock().unwrap_or_else(PoisonError::into_inner).extend(new);
            if let Some(written) = written.as_mut() {
                *written = i32::try_from(count).expect("small");
            }
        }
        self.result()
    }
    unsafe fn seek(&self, _pos: int64, _mode: int32, _result: *mut int64) -> tresult {
        kNotImplemented
    }
    unsafe fn tell(&self, _pos: *mut int64) -> tresult {
        kNotImplemented
    }
}

impl ISizeableStreamTrait for Stream {
    unsafe fn getStreamSize(&self, size: *mut int64) -> tresult {
        // SAFETY: VST3: a place for one.
        unsafe { size.write(self.habits.size) };
        kResultOk
    }
    unsafe fn setStreamSize(&self, _size: int64) -> tresult {
        kNotImplemented
    }
}

/// Parameters that one block may touch.
const QUEUES: usize = 64;
/// Points of one of them that cost no allocation.
const POINTS: usize = 1024;

/// One parameter's points: an offset, a normalised value.
pub(crate) struct Queue {
    id: AtomicU32,
    pub(crate) points: Mutex<Vec<(i32, f64)>>,
}

impl Class for Queue {
    type Interfaces = (IParamValueQueue,);
}

impl Queue {
    fn with<R>(&self, call: impl FnOnce(&mut Vec<(i32, f64)>) -> R) -> R {
        call(&mut self.points.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl IParamValueQueueTrait for Queue {
    unsafe fn getParameterId(&self) -> ParamID {
        self.id.load(Ordering::Relaxed)
    }
    unsafe fn getPointCount(&self) -> int32 {
        i32::try_from(self.with(|points| points.len())).expect("small")
    }
    unsafe fn getPoint(&self, index: int32, offset: *mut int32, value: *mut ParamValue) -> tresult {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(point) = self.with(|points| points.get(index).copied()) else { return kResultFalse };
        // SAFETY: VST3: places for both.
        unsafe {
            offset.write(point.0);
            value.write(point.1);
        }
        kResultOk
    }
    unsafe fn addPoint(&self, offset: int32, value: ParamValue, _index: *mut int32) -> tresult {
        let fits = self.with(|points| {
            let fits = points.len() < points.capacity();
            if fits {
                points.push((offset, value));
            }
            fits
        });
        if fits { kResultOk } else { kResultFalse }
    }
}

/// Queues of one direction.
pub(crate) struct Changes {
    queues: Vec<ComWrapper<Queue>>,
    used: AtomicUsize,
}

impl Class for Changes {
    type Interfaces = (IParameterChanges,);
}

impl Changes {
    pub(crate) fn new() -> ComWrapper<Self> {
        let queue = || Queue { id: AtomicU32::new(0), points: Mutex::new(Vec::with_capacity(POINTS)) };
        let queues = (0..QUEUES).map(|_| ComWrapper::new(queue())).collect();
        ComWrapper::new(Self { queues, used: AtomicUsize::new(0) })
    }

    pub(crate) fn clear(&self) {
        self.used.store(0, Ordering::Relaxed);
    }

    pub(crate) fn used(&self) -> &[ComWrapper<Queue>] {
        &self.queues[..self.used.load(Ordering::Relaxed)]
    }

    /// The queue of `id`, made if there is none and room.
    pub(crate) fn queue(&self, id: u32) -> Option<&ComWrapper<Queue>> {
        let known = self.used().iter().find(|queue| queue.id.load(Ordering::Relaxed) == id);
        known.or_else(|| {
            let queue = self.queues.get(self.used.load(Ordering::Relaxed))?;
            queue.id.store(id, Ordering::Relaxed);
            queue.with(Vec::clear);
            self.used.fetch_add(1, Ordering::Relaxed);
            Some(queue)
        })
    }

    /// Adds a point. Allocates past [`POINTS`].
    pub(crate) fn push(&self, id: u32, offset: i32, value: f64) {
        self.queue(id).expect("a test moves few parameters").with(|points| points.push((offset, value)));
    }
}

impl IParameterChangesTrait for Changes {
    unsafe fn getParameterCount(&self) -> int32 {
        i32::try_from(self.used().len()).expect("small")
    }
    unsafe fn getParameterData(&self, index: int32) -> *mut IParamValueQueue {
        let queue = self.used().get(usize::try_from(index).unwrap_or(usize::MAX));
        queue.map_or(std::ptr::null_mut(), raw)
    }
    unsafe fn addParameterData(&self, id: *const ParamID, _index: *mut int32) -> *mut IParamValueQueue {
        // SAFETY: VST3: an id.
        self.queue(unsafe { *id }).map_or(std::ptr::null_mut(), raw)
    }
}

/// Events of one direction.
pub(crate) struct Events {
    pub(crate) list: Mutex<Vec<Event>>,
    pub(crate) lost: AtomicI32,
}

impl Class for Events {
    type Interfaces = (IEventList,);
}

impl Events {
    pub(crate) fn new(capacity: usize) -> ComWrapper<Self> {
        ComWrapper::new(Self { list: Mutex::new(Vec::with_capacity(capacity)), lost: AtomicI32::new(0) })
    }

    pub(crate) fn with<R>(&self, call: impl FnOnce(&mut Vec<Event>) -> R) -> R {
        call(&mut self.list.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl IEventListTrait for Events {
    unsafe fn getEventCount(&self) -> int32 {
        i32::try_from(self.with(|events| events.len())).expect("small")
    }
    unsafe fn getEvent(&self, index: int32, event: *mut Event) -> tresult {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(found) = self.with(|events| events.get(index).copied()) else { return kResultFalse };
        // SAFETY: VST3: a place for one.
        unsafe { event.write(found) };
        kResultOk
    }
    unsafe fn addEvent(&self, event: *mut Event) -> tresult {
        let fits = self.with(|events| {
            let fits = events.len() < events.capacity();
            if fits {
                // SAFETY: VST3: an event.
                events.push(unsafe { *event });
            }
            fits
        });
        if fits {
            kResultOk
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
            kResultFalse
        }
    }
}
