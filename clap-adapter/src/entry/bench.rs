//! A host on the bench: C structures only, so that a test can be as rude as a real host.
//!
//! Called by: tests. Calls: the entry. Threads: the test's.

#![allow(
    unsafe_code,
    reason = "DESIGN 9.9: the host's side of C, for tests of the entry and everything behind it"
)]

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::Arc;

use clap_sys::events::{clap_event_header, clap_input_events, clap_output_events};
use clap_sys::ext::audio_ports::{CLAP_EXT_AUDIO_PORTS, clap_host_audio_ports};
use clap_sys::ext::latency::{CLAP_EXT_LATENCY, clap_host_latency};
use clap_sys::ext::log::{CLAP_EXT_LOG, clap_host_log};
use clap_sys::ext::params::{CLAP_EXT_PARAMS, clap_host_params};
use clap_sys::ext::remote_controls::{CLAP_EXT_REMOTE_CONTROLS_COMPAT, clap_host_remote_controls};
use clap_sys::ext::state::{CLAP_EXT_STATE, clap_host_state};
use clap_sys::ext::tail::{CLAP_EXT_TAIL, clap_host_tail};
use clap_sys::ext::thread_check::{CLAP_EXT_THREAD_CHECK, clap_host_thread_check};
use clap_sys::ext::track_info::{
    CLAP_EXT_TRACK_INFO, CLAP_EXT_TRACK_INFO_COMPAT, clap_host_track_info, clap_track_info,
};
use clap_sys::factory::plugin_factory::{CLAP_PLUGIN_FACTORY_ID, clap_plugin_factory};
use clap_sys::host::clap_host;
use clap_sys::plugin::clap_plugin;
use clap_sys::process::{clap_process, clap_process_status};
use clap_sys::version::CLAP_VERSION;
use hotshell_core::shell::Plugins;
use parking_lot::Mutex;

use crate::entry::{Artifact, EntryState, RawEntry, entry};
use hotshell_fake_shell::{FakePlugins, Script};

thread_local! {
    /// Each test runs on a thread of its own and has an artifact of its own.
    static ARTIFACT: Cell<Option<(&'static dyn Plugins, &'static EntryState)>> = const { Cell::new(None) };
}

enum Fake {}

impl Artifact for Fake {
    fn plugins() -> &'static dyn Plugins {
        ARTIFACT.get().expect("made by `Bench::entry`").0
    }
    fn clap() -> &'static EntryState {
        ARTIFACT.get().expect("made by `Bench::entry`").1
    }
}

/// What the host does and what it saw.
#[derive(Default)]
pub(crate) struct HostData {
    pub(crate) calls: Mutex<Vec<String>>,
    /// Extensions that it does not have.
    pub(crate) lacks: Mutex<Vec<&'static CStr>>,
    /// Flags that `is_rescan_flag_supported` says yes to.
    pub(crate) rescan: Mutex<u32>,
    /// `clap_plugin.init` has returned.
    pub(crate) initialised: Mutex<bool>,
    /// This is not the main thread.
    pub(crate) off_main: Mutex<bool>,
    /// This is not an audio thread.
    pub(crate) off_audio: Mutex<bool>,
    /// What it says of the track.
    pub(crate) track: Mutex<Option<clap_track_info>>,
}

/// One host with one instance.
pub(crate) struct Bench {
    pub(crate) script: Arc<Script>,
    pub(crate) data: Box<HostData>,
    pub(crate) host: Box<clap_host>,
    pub(crate) plugin: *const clap_plugin,
}

/// The entry of a fresh artifact.
pub(crate) fn fresh_entry(script: &Arc<Script>, hot: bool) -> RawEntry {
    entry_of(Box::leak(Box::new(FakePlugins { script: Arc::clone(script), hot })))
}

/// The entry of an artifact of these plug-ins.
fn entry_of(plugins: &'static dyn Plugins) -> RawEntry {
    ARTIFACT.set(Some((plugins, Box::leak(Box::new(EntryState::new())))));
    entry::<Fake>()
}

/// The entry state of this test's artifact.
pub(crate) fn state() -> &'static EntryState {
    Fake::clap()
}

pub(crate) fn factory(entry: &RawEntry) -> *const clap_plugin_factory {
    // SAFETY: the entry is ours, the id a C string.
    unsafe { entry.get_factory.expect("set")(CLAP_PLUGIN_FACTORY_ID.as_ptr()).cast() }
}

impl Bench {
    /// A hot instance, initialised, with a host that has everything.
    pub(crate) fn hot() -> Self {
        Self::with(true, |_, _| {})
    }

    pub(crate) fn with(hot: bool, prepare: impl FnOnce(&HostData, &Script)) -> Self {
        let script = Script::new();
        let entry = fresh_entry(&script, hot);
        let data = Box::new(HostData { rescan: Mutex::new(u32::MAX), ..HostData::default() });
        prepare(&data, &script);
        Self::open(&entry, data, script)
    }

    /// An instance of real plug-ins, the first of which is `org.hotshell.fake`, initialised. Its script is nobody's.
    pub(crate) fn of(plugins: &'static dyn Plugins) -> Self {
        let data = Box::new(HostData { rescan: Mutex::new(u32::MAX), ..HostData::default() });
        Self::open(&entry_of(plugins), data, Script::new())
    }

    fn open(entry: &RawEntry, data: Box<HostData>, script: Arc<Script>) -> Self {
        let host = Box::new(clap_host {
            clap_version: CLAP_VERSION,
            host_data: std::ptr::from_ref::<HostData>(&data).cast_mut().cast(),
            name: c"Bench".as_ptr(),
            vendor: c"".as_ptr(),
            url: c"".as_ptr(),
            version: c"7".as_ptr(),
            get_extension: Some(get_extension),
            request_restart: Some(request_restart),
            request_process: Some(request_process),
            request_callback: Some(request_callback),
        });
        let factory = factory(entry);
        // SAFETY: all pointers are ours and alive.
        let plugin = unsafe {
            let plugin = (*factory).create_plugin.expect("set")(
                factory,
                &raw const *host,
                c"org.hotshell.fake".as_ptr(),
            );
            assert!(!plugin.is_null() && (*plugin).init.expect("set")(plugin));
            *data.initialised.lock() = true;
            plugin
        };
        Self { script, data, host, plugin }
    }

    pub(crate) fn activate(&self) -> &Self {
        self.activate_at(48_000.0, 64);
        self
    }

    pub(crate) fn activate_at(&self, rate: f64, frames: u32) -> bool {
        // SAFETY: the plug-in is alive.
        unsafe { (*self.plugin).activate.expect("set")(self.plugin, rate, 1, frames) }
    }

    pub(crate) fn deactivate(&self) {
        // SAFETY: the plug-in is alive.
        unsafe { (*self.plugin).deactivate.expect("set")(self.plugin) }
    }

    pub(crate) fn on_main_thread(&self) {
        // SAFETY: the plug-in is alive.
        unsafe { (*self.plugin).on_main_thread.expect("set")(self.plugin) }
    }

    pub(crate) fn process(&self, process: *const clap_process) -> clap_process_status {
        // SAFETY: the plug-in is alive; the test keeps the structures alive.
        unsafe { (*self.plugin).process.expect("set")(self.plugin, process) }
    }

    /// The plug-in's extension `T`, which the test names rightly.
    pub(crate) fn ext<T>(&self, id: &CStr) -> Option<&T> {
        // SAFETY: the plug-in is alive; its extensions are `'static`.
        unsafe { (*self.plugin).get_extension.expect("set")(self.plugin, id.as_ptr()).cast::<T>().as_ref() }
    }

    /// What the host was asked, and forgets it.
    pub(crate) fn host_calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.data.calls.lock())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if !self.plugin.is_null() {
            // SAFETY: made by the factory, destroyed once.
            unsafe { (*self.plugin).destroy.expect("set")(self.plugin) };
        }
    }
}

/// A process call without anything.
pub(crate) fn nothing(frames: u32) -> clap_process {
    clap_process {
        steady_time: -1,
        frames_count: frames,
        transport: std::ptr::null(),
        audio_inputs: std::ptr::null(),
        audio_outputs: std::ptr::null_mut(),
        audio_inputs_count: 0,
        audio_outputs_count: 0,
        in_events: std::ptr::null(),
        out_events: std::ptr::null(),
    }
}

/// Events for the plug-in: any structures that begin with a header.
pub(crate) struct EventsIn(pub(crate) Vec<*const clap_event_header>);

impl EventsIn {
    pub(crate) fn raw(&self) -> clap_input_events {
        clap_input_events {
            ctx: std::ptr::from_ref(self).cast_mut().cast(),
            size: Some(size),
            get: Some(get),
        }
    }
}

unsafe extern "C" fn size(list: *const clap_input_events) -> u32 {
    // SAFETY: made by `EventsIn::raw`.
    u32::try_from(unsafe { &*(*list).ctx.cast::<EventsIn>() }.0.len()).expect("few")
}

unsafe extern "C" fn get(list: *const clap_input_events, index: u32) -> *const clap_event_header {
    // SAFETY: made by `EventsIn::raw`.
    let events = unsafe { &*(*list).ctx.cast::<EventsIn>() };
    events.0.get(index as usize).copied().unwrap_or(std::ptr::null())
}

/// Events from the plug-in: type, time, flags. Room for `room`.
#[derive(Default)]
pub(crate) struct EventsOut {
    pub(crate) seen: Mutex<Vec<(u16, u32, u32)>>,
    pub(crate) bytes: Mutex<Vec<Vec<u8>>>,
    pub(crate) room: usize,
}

impl EventsOut {
    pub(crate) fn new(room: usize) -> Self {
        Self { room, ..Self::default() }
    }

    pub(crate) fn raw(&self) -> clap_output_events {
        clap_output_events { ctx: std::ptr::from_ref(self).cast_mut().cast(), try_push: Some(try_push) }
    }
}

unsafe extern "C" fn try_push(list: *const clap_output_events, event: *const clap_event_header) -> bool {
    // SAFETY: made by `EventsOut::raw`; the event says its size.
    let (events, header, bytes) = unsafe {
        let header = &*event;
        (
            &*(*list).ctx.cast::<EventsOut>(),
            header,
            std::slice::from_raw_parts(event.cast::<u8>(), header.size as usize),
        )
    };
    let mut seen = events.seen.lock();
    if seen.len() >= events.room {
        return false;
    }
    seen.push((header.type_, header.time, header.flags));
    events.bytes.lock().push(bytes.to_vec());
    true
}

unsafe fn data<'a>(host: *const clap_host) -> &'a HostData {
    // SAFETY: made by `Bench::with`, which outlives the plug-in. A copy of the host structure would point here too.
    unsafe { &*(*host).host_data.cast::<HostData>() }
}

macro_rules! callback {
    ($name:ident, $text:literal $(, $arg:ident: $type:ty)*) => {
        unsafe extern "C" fn $name(host: *const clap_host $(, $arg: $type)*) {
            // SAFETY: the plug-in calls with its host.
            unsafe { data(host) }.calls.lock().push(format!($text $(, $arg)*));
        }
    };
}

callback!(request_restart, "request_restart");
callback!(request_process, "request_process");
callback!(request_callback, "request_callback");
callback!(params_rescan, "params.rescan {}", flags: u32);
callback!(params_clear, "params.clear {} {}", id: u32, flags: u32);
callback!(request_flush, "params.request_flush");
callback!(ports_rescan, "audio_ports.rescan {}", flags: u32);
callback!(latency_changed, "latency.changed");
callback!(tail_changed, "tail.changed");
callback!(pages_changed, "remote_controls.changed");
callback!(suggest_page, "remote_controls.suggest {}", id: u32);
callback!(mark_dirty, "state.mark_dirty");

unsafe extern "C" fn log(host: *const clap_host, severity: i32, text: *const c_char) {
    // SAFETY: the plug-in calls with its host and a C string.
    let (data, text) = unsafe { (data(host), CStr::from_ptr(text).to_string_lossy().into_owned()) };
    data.calls.lock().push(format!("log {severity} {text}"));
}

unsafe extern "C" fn flag_supported(host: *const clap_host, flag: u32) -> bool {
    // SAFETY: the plug-in calls with its host.
    let data = unsafe { data(host) };
    if !*data.initialised.lock() {
        data.calls.lock().push("audio_ports.is_rescan_flag_supported inside init".to_owned());
    }
    *data.rescan.lock() & flag != 0
}

unsafe extern "C" fn is_main(host: *const clap_host) -> bool {
    // SAFETY: the plug-in calls with its host.
    !*unsafe { data(host) }.off_main.lock()
}

unsafe extern "C" fn is_audio(host: *const clap_host) -> bool {
    // SAFETY: the plug-in calls with its host.
    !*unsafe { data(host) }.off_audio.lock()
}

unsafe extern "C" fn get_track(host: *const clap_host, info: *mut clap_track_info) -> bool {
    // SAFETY: the plug-in calls with its host, and a place to write.
    unsafe {
        let track = *data(host).track.lock();
        if let Some(track) = track {
            info.write(track);
        }
        track.is_some()
    }
}

unsafe extern "C" fn get_extension(host: *const clap_host, id: *const c_char) -> *const c_void {
    // SAFETY: the plug-in calls with its host and a C string.
    let (data, id) = unsafe { (data(host), CString::from(CStr::from_ptr(id))) };
    let found = offered().into_iter().find(|(name, _)| **name == *id && !data.lacks.lock().contains(name));
    found.map_or(std::ptr::null(), |(_, table)| table)
}

/// Every extension that the bench has.
pub(crate) fn all_extensions() -> Vec<&'static CStr> {
    offered().iter().map(|(id, _)| *id).collect()
}

fn offered() -> [(&'static CStr, *const c_void); 10] {
    static PARAMS: clap_host_params = clap_host_params {
        rescan: Some(params_rescan),
        clear: Some(params_clear),
        request_flush: Some(request_flush),
    };
    static PORTS: clap_host_audio_ports =
        clap_host_audio_ports { is_rescan_flag_supported: Some(flag_supported), rescan: Some(ports_rescan) };
    static LATENCY: clap_host_latency = clap_host_latency { changed: Some(latency_changed) };
    static TAIL: clap_host_tail = clap_host_tail { changed: Some(tail_changed) };
    static STATE: clap_host_state = clap_host_state { mark_dirty: Some(mark_dirty) };
    static LOG: clap_host_log = clap_host_log { log: Some(log) };
    static PAGES: clap_host_remote_controls =
        clap_host_remote_controls { changed: Some(pages_changed), suggest_page: Some(suggest_page) };
    static THREADS: clap_host_thread_check =
        clap_host_thread_check { is_main_thread: Some(is_main), is_audio_thread: Some(is_audio) };
    static TRACK: clap_host_track_info = clap_host_track_info { get: Some(get_track) };
    [
        (CLAP_EXT_PARAMS, (&raw const PARAMS).cast()),
        (CLAP_EXT_AUDIO_PORTS, (&raw const PORTS).cast()),
        (CLAP_EXT_LATENCY, (&raw const LATENCY).cast()),
        (CLAP_EXT_TAIL, (&raw const TAIL).cast()),
        (CLAP_EXT_STATE, (&raw const STATE).cast()),
        (CLAP_EXT_LOG, (&raw const LOG).cast()),
        // An older host: the draft's name only.
        (CLAP_EXT_REMOTE_CONTROLS_COMPAT, (&raw const PAGES).cast()),
        (CLAP_EXT_THREAD_CHECK, (&raw const THREADS).cast()),
        (CLAP_EXT_TRACK_INFO, (&raw const TRACK).cast()),
        (CLAP_EXT_TRACK_INFO_COMPAT, (&raw const TRACK).cast()),
    ]
}
