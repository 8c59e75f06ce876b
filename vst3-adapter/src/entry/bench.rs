//! A host on the bench: COM objects of the host's and raw calls, so that a test can be as rude as a real host.
//!
//! Called by: tests. Calls: the entry. Threads: the test's.

#![allow(
    unsafe_code,
    reason = "DESIGN 9.9: the host's side of C, for tests of the entry and everything behind it"
)]

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::Arc;

use hotshell_core::shell::Plugins;
use parking_lot::Mutex;
use vst3::Steinberg::Vst::{
    Event, IAudioProcessor, IAudioProcessorTrait, IComponent, IComponentHandler, IComponentHandlerTrait,
    IComponentTrait, IEditController, IEditControllerTrait, IEventList, IEventListTrait, IHostApplication,
    IHostApplicationTrait, IParamValueQueue, IParamValueQueueTrait, IParameterChanges,
    IParameterChangesTrait, ParamID, ParamValue, ProcessData, ProcessSetup, String128,
};
use vst3::Steinberg::{
    FUnknown, IBStream, IBStreamTrait, IPluginBaseTrait, IPluginFactory3, IPluginFactoryTrait, TUID, int32,
    int64, kNoInterface, kResultFalse, kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComWrapper, Interface};

use crate::entry::{Artifact, ModuleState, get_plugin_factory};
use hotshell_fake_shell::{FakePlugins, Script};

thread_local! {
    /// Each test runs on a thread of its own and has an artifact of its own.
    static ARTIFACT: Cell<Option<(&'static FakePlugins, &'static ModuleState)>> = const { Cell::new(None) };
}

pub(crate) enum Fake {}

impl Artifact for Fake {
    fn plugins() -> &'static dyn Plugins {
        ARTIFACT.get().expect("made by `fresh_factory`").0
    }
    fn vst3() -> &'static ModuleState {
        ARTIFACT.get().expect("made by `fresh_factory`").1
    }
}

/// The factory of a fresh artifact.
pub(crate) fn fresh_factory(script: &Arc<Script>) -> ComPtr<IPluginFactory3> {
    let plugins = Box::leak(Box::new(FakePlugins { script: Arc::clone(script), hot: true }));
    ARTIFACT.set(Some((plugins, Box::leak(Box::new(ModuleState::new())))));
    let raw = get_plugin_factory::<Fake>().cast::<IPluginFactory3>();
    // SAFETY: `GetPluginFactory` hands out a reference; the object's one interface is the third factory.
    unsafe { ComPtr::from_raw(raw) }.expect("a factory")
}

/// What a host does inside `restartComponent`.
pub(crate) type OnRestart = Box<dyn Fn(i32) + Send>;

/// The host's application object and component handler in one.
#[derive(Default)]
pub(crate) struct HostData {
    /// Empty: `Bench`.
    pub(crate) name: Mutex<&'static str>,
    pub(crate) restarts: Mutex<Vec<i32>>,
    /// Edits and restarts in the order in which they came.
    pub(crate) said: Mutex<Vec<String>>,
    /// Called inside `restartComponent`, as hosts do that read at once.
    pub(crate) on_restart: Mutex<Option<OnRestart>>,
}

pub(crate) struct HostObject(pub(crate) Arc<HostData>);

impl Class for HostObject {
    type Interfaces = (IHostApplication, IComponentHandler);
}

impl IHostApplicationTrait for HostObject {
    unsafe fn getName(&self, name: *mut String128) -> tresult {
        let own = *self.0.name.lock();
        // SAFETY: the adapter gives a place for 128 units.
        unsafe { name.write(crate::com::wide(if own.is_empty() { "Bench" } else { own })) };
        kResultOk
    }
    unsafe fn createInstance(&self, _cid: *mut TUID, _iid: *mut TUID, _obj: *mut *mut c_void) -> tresult {
        kNoInterface
    }
}

impl IComponentHandlerTrait for HostObject {
    unsafe fn beginEdit(&self, id: ParamID) -> tresult {
        self.0.said.lock().push(format!("begin {id}"));
        kResultOk
    }
    unsafe fn performEdit(&self, id: ParamID, value: ParamValue) -> tresult {
        self.0.said.lock().push(format!("perform {id} {value}"));
        kResultOk
    }
    unsafe fn endEdit(&self, id: ParamID) -> tresult {
        self.0.said.lock().push(format!("end {id}"));
        kResultOk
    }
    unsafe fn restartComponent(&self, flags: int32) -> tresult {
        self.0.said.lock().push(format!("restart {flags}"));
        self.0.restarts.lock().push(flags);
        if let Some(call) = &*self.0.on_restart.lock() {
            call(flags);
        }
        kResultOk
    }
}

/// A stream in memory that moves at most `piece` bytes a call and lies about everything but those bytes.
pub(crate) struct Stream {
    pub(crate) bytes: Mutex<Vec<u8>>,
    pub(crate) at: Mutex<usize>,
    pub(crate) piece: usize,
    /// What `read` and `write` answer.
    pub(crate) result: tresult,
    /// What `read` claims instead of the truth.
    pub(crate) claim: Option<i32>,
}

impl Stream {
    pub(crate) fn over(bytes: &[u8]) -> Self {
        let bytes = Mutex::new(bytes.to_vec());
        Self { bytes, at: Mutex::new(0), piece: usize::MAX, result: kResultOk, claim: None }
    }
}

impl Class for Stream {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for Stream {
    unsafe fn read(&self, buffer: *mut c_void, wanted: int32, got: *mut int32) -> tresult {
        let (bytes, mut at) = (self.bytes.lock(), self.at.lock());
        let count = (bytes.len() - *at).min(self.piece).min(usize::try_from(wanted).expect("not negative"));
        // SAFETY: the adapter gives room for `wanted` bytes and a place for the number.
        unsafe {
            buffer.cast::<u8>().copy_from_nonoverlapping(bytes[*at..].as_ptr(), count);
            got.write(self.claim.unwrap_or_else(|| i32::try_from(count).expect("small")));
        }
        *at += count;
        self.result
    }
    unsafe fn write(&self, buffer: *mut c_void, count: int32, written: *mut int32) -> tresult {
        let count = usize::try_from(count).expect("not negative").min(self.piece);
        // SAFETY: as above.
        unsafe {
            self.bytes.lock().extend(std::slice::from_raw_parts(buffer.cast::<u8>(), count));
            written.write(i32::try_from(count).expect("small"));
        }
        self.result
    }
    unsafe fn seek(&self, _pos: int64, _mode: int32, _result: *mut int64) -> tresult {
        panic!("the adapter reads from where the stream stands")
    }
    unsafe fn tell(&self, _pos: *mut int64) -> tresult {
        panic!("the adapter reads from where the stream stands")
    }
}

/// One parameter's points.
pub(crate) struct Queue {
    pub(crate) id: u32,
    pub(crate) points: Mutex<Vec<(i32, f64)>>,
}

impl Class for Queue {
    type Interfaces = (IParamValueQueue,);
}

impl IParamValueQueueTrait for Queue {
    unsafe fn getParameterId(&self) -> ParamID {
        self.id
    }
    unsafe fn getPointCount(&self) -> int32 {
        i32::try_from(self.points.lock().len()).expect("small")
    }
    unsafe fn getPoint(&self, index: int32, offset: *mut int32, value: *mut ParamValue) -> tresult {
        let Some(point) = self.points.lock().get(usize::try_from(index).expect("not negative")).copied()
        else {
            return kResultFalse;
        };
        // SAFETY: the adapter gives both places.
        unsafe {
            offset.write(point.0);
            value.write(point.1);
        }
        kResultOk
    }
    unsafe fn addPoint(&self, offset: int32, value: ParamValue, _index: *mut int32) -> tresult {
        self.points.lock().push((offset, value));
        kResultOk
    }
}

/// Queues of one direction.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) queues: Mutex<Vec<ComWrapper<Queue>>>,
    /// `addParameterData` answers null (Cubase 12).
    pub(crate) refuses: bool,
}

impl Changes {
    pub(crate) fn of(queues: &[(u32, &[(i32, f64)])]) -> ComWrapper<Self> {
        let queue = |(id, points): &(u32, &[(i32, f64)])| {
            ComWrapper::new(Queue { id: *id, points: Mutex::new(points.to_vec()) })
        };
        ComWrapper::new(Self { queues: Mutex::new(queues.iter().map(queue).collect()), refuses: false })
    }
}

impl Class for Changes {
    type Interfaces = (IParameterChanges,);
}

impl IParameterChangesTrait for Changes {
    unsafe fn getParameterCount(&self) -> int32 {
        i32::try_from(self.queues.lock().len()).expect("small")
    }
    unsafe fn getParameterData(&self, index: int32) -> *mut IParamValueQueue {
        let queues = self.queues.lock();
        let queue = queues.get(usize::try_from(index).expect("not negative"));
        queue.map_or(std::ptr::null_mut(), raw)
    }
    unsafe fn addParameterData(&self, id: *const ParamID, _index: *mut int32) -> *mut IParamValueQueue {
        if self.refuses {
            return std::ptr::null_mut();
        }
        // SAFETY: the adapter gives an id.
        let queue = ComWrapper::new(Queue { id: unsafe { *id }, points: Mutex::default() });
        let found = raw(&queue);
        self.queues.lock().push(queue);
        found
    }
}

/// Events of one direction.
#[derive(Default)]
pub(crate) struct Events(pub(crate) Mutex<Vec<Event>>);

impl Class for Events {
    type Interfaces = (IEventList,);
}

impl IEventListTrait for Events {
    unsafe fn getEventCount(&self) -> int32 {
        i32::try_from(self.0.lock().len()).expect("small")
    }
    unsafe fn getEvent(&self, index: int32, event: *mut Event) -> tresult {
        let events = self.0.lock();
        let Some(found) = events.get(usize::try_from(index).expect("not negative")) else {
            return kResultFalse;
        };
        // SAFETY: the adapter gives the place.
        unsafe { event.write(*found) };
        kResultOk
    }
    unsafe fn addEvent(&self, event: *mut Event) -> tresult {
        // SAFETY: the adapter gives an event.
        self.0.lock().push(unsafe { *event });
        kResultOk
    }
}

/// A borrowed pointer to an interface of a host's object, alive as long as the object.
pub(crate) fn raw<C: Class, I: Interface>(object: &ComWrapper<C>) -> *mut I {
    object.as_com_ref::<I>().expect("in its list").as_ptr()
}

/// One host with one instance.
pub(crate) struct Bench {
    pub(crate) script: Arc<Script>,
    pub(crate) data: Arc<HostData>,
    pub(crate) host: ComWrapper<HostObject>,
    pub(crate) component: ComPtr<IComponent>,
    pub(crate) processor: ComPtr<IAudioProcessor>,
    pub(crate) controller: ComPtr<IEditController>,
}

impl Bench {
    /// An instance that is not initialised.
    pub(crate) fn raw() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(prepare: impl FnOnce(&Script)) -> Self {
        let script = Script::new();
        prepare(&script);
        let factory = fresh_factory(&script);
        let class = crate::factory::ids::class_id(Fake::plugins().describe(0).expect("described"));
        let mut made = std::ptr::null_mut();
        // SAFETY: the ids have 16 bytes, the place is ours; what comes back is a reference of ours.
        let component = unsafe {
            let iid = IComponent::IID;
            let result = factory.createInstance(class.as_ptr(), iid.as_ptr().cast(), &raw mut made);
            assert_eq!(result, kResultOk);
            ComPtr::from_raw(made.cast::<IComponent>()).expect("made")
        };
        let data = Arc::new(HostData::default());
        let host = ComWrapper::new(HostObject(Arc::clone(&data)));
        let processor = component.cast().expect("an IAudioProcessor");
        let controller = component.cast().expect("an IEditController");
        Self { script, data, host, component, processor, controller }
    }

    /// An instance that is initialised and has a handler.
    pub(crate) fn ready() -> Self {
        Self::prepared(|_| {})
    }

    pub(crate) fn prepared(prepare: impl FnOnce(&Script)) -> Self {
        let bench = Self::with(prepare);
        // SAFETY: all objects are ours and alive.
        unsafe {
            assert_eq!(bench.component.initialize(bench.context()), kResultOk);
            assert_eq!(bench.controller.setComponentHandler(raw(&bench.host)), kResultOk);
        }
        bench.script.take_calls();
        bench
    }

    pub(crate) fn context(&self) -> *mut FUnknown {
        raw(&self.host)
    }

    /// Set up for blocks of 64 frames and active.
    pub(crate) fn active() -> Self {
        Self::active_with(|_| {})
    }

    pub(crate) fn active_with(prepare: impl FnOnce(&Script)) -> Self {
        let bench = Self::prepared(prepare);
        assert_eq!(bench.set_up(48_000.0, 64), kResultOk);
        assert_eq!(bench.set_active(true), kResultOk);
        bench
    }

    pub(crate) fn set_up(&self, rate: f64, frames: i32) -> tresult {
        let mut setup = ProcessSetup {
            processMode: 0,
            symbolicSampleSize: 0,
            maxSamplesPerBlock: frames,
            sampleRate: rate,
        };
        // SAFETY: ours.
        unsafe { self.processor.setupProcessing(&raw mut setup) }
    }

    pub(crate) fn set_active(&self, on: bool) -> tresult {
        // SAFETY: a number.
        unsafe { self.component.setActive(u8::from(on)) }
    }

    pub(crate) fn process(&self, data: &mut ProcessData) -> tresult {
        // SAFETY: the tests fill it in truthfully.
        unsafe { self.processor.process(data) }
    }

    pub(crate) fn set_state(&self, stream: Stream) -> tresult {
        let stream = ComWrapper::new(stream);
        // SAFETY: ours.
        unsafe { self.component.setState(raw(&stream)) }
    }

    pub(crate) fn restarts(&self) -> Vec<i32> {
        std::mem::take(&mut *self.data.restarts.lock())
    }
}

/// A block of `frames` without anything.
pub(crate) const fn empty_block(frames: i32) -> ProcessData {
    ProcessData {
        processMode: 0,
        symbolicSampleSize: 0,
        numSamples: frames,
        numInputs: 0,
        numOutputs: 0,
        inputs: std::ptr::null_mut(),
        outputs: std::ptr::null_mut(),
        inputParameterChanges: std::ptr::null_mut(),
        outputParameterChanges: std::ptr::null_mut(),
        inputEvents: std::ptr::null_mut(),
        outputEvents: std::ptr::null_mut(),
        processContext: std::ptr::null_mut(),
    }
}
