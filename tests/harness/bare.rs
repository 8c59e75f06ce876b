//! A gain over nothing but CLAP's C structures: what a plug-in costs at least, and a plug-in with planted faults that
//! the tests of the harness itself must see.
//!
//! Called by: the overhead benchmark, `tests/harness_itself.rs`. Calls: nothing.
//! Threads: as CLAP says.
#![allow(unsafe_code, reason = "a C function table on purpose; harness, DESIGN 9.9")]

use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use clack_host::entry::EntryDescriptor;
use clap_sys::events::*;
use clap_sys::ext::audio_ports::*;
use clap_sys::factory::plugin_factory::*;
use clap_sys::host::clap_host;
use clap_sys::id::CLAP_INVALID_ID;
use clap_sys::plugin::{clap_plugin, clap_plugin_descriptor};
use clap_sys::process::{CLAP_PROCESS_CONTINUE, clap_process};
use clap_sys::version::CLAP_VERSION;

/// Host id of the gain: a factor, 1 at first.
pub const GAIN: u32 = 1;
/// Host id of the planted faults.
pub const FAULT: u32 = 2;

/// A planted fault, as the value of [`FAULT`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Fault {
    /// None.
    None = 0,
    /// One allocation and its release.
    Allocate = 1,
    /// One system call.
    SystemCall = 2,
    /// The last sample stays unwritten.
    Unwritten = 3,
    /// One sample too many is written.
    Overrun = 4,
    /// A NaN.
    NotFinite = 5,
}

impl Fault {
    /// As a parameter value.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self as u32)
    }
}

struct Bare {
    plugin: clap_plugin,
    gain: f32,
    fault: AtomicU32,
}

#[repr(transparent)]
struct Shared<T>(T);
// SAFETY: these tables are constant; their pointers point to constants.
unsafe impl<T> Sync for Shared<T> {}

static FEATURES: Shared<[*const c_char; 2]> = Shared([c"audio-effect".as_ptr(), ptr::null()]);
static DESCRIPTOR: clap_plugin_descriptor = clap_plugin_descriptor {
    clap_version: CLAP_VERSION,
    id: c"org.hotshell.bare".as_ptr(),
    name: c"Bare".as_ptr(),
    vendor: c"hotshell".as_ptr(),
    url: c"".as_ptr(),
    manual_url: c"".as_ptr(),
    support_url: c"".as_ptr(),
    version: c"1".as_ptr(),
    description: c"".as_ptr(),
    features: FEATURES.0.as_ptr(),
};
static FACTORY: clap_plugin_factory = clap_plugin_factory {
    get_plugin_count: Some(count),
    get_plugin_descriptor: Some(descriptor),
    create_plugin: Some(create),
};
static PORTS: clap_plugin_audio_ports =
    clap_plugin_audio_ports { count: Some(port_count), get: Some(port_get) };

/// The entry, for [`Bundle::from_static`](crate::Bundle::from_static).
pub static ENTRY: EntryDescriptor = EntryDescriptor {
    clap_version: CLAP_VERSION,
    init: Some(entry_init),
    deinit: Some(entry_deinit),
    get_factory: Some(entry_factory),
};

unsafe extern "C" fn entry_init(_path: *const c_char) -> bool {
    true
}

unsafe extern "C" fn entry_deinit() {}

unsafe extern "C" fn entry_factory(id: *const c_char) -> *const c_void {
    // SAFETY: CLAP: `id` is a C string.
    if unsafe { CStr::from_ptr(id) } == CLAP_PLUGIN_FACTORY_ID {
        (&raw const FACTORY).cast()
    } else {
        ptr::null()
    }
}

unsafe extern "C" fn count(_factory: *const clap_plugin_factory) -> u32 {
    1
}

unsafe extern "C" fn descriptor(_: *const clap_plugin_factory, index: u32) -> *const clap_plugin_descriptor {
    if index == 0 { &raw const DESCRIPTOR } else { ptr::null() }
}

unsafe extern "C" fn create(
    _factory: *const clap_plugin_factory,
    _host: *const clap_host,
    _id: *const c_char,
) -> *const clap_plugin {
    let plugin = clap_plugin {
        desc: &raw const DESCRIPTOR,
        plugin_data: ptr::null_mut(),
        init: Some(yes),
        destroy: Some(destroy),
        activate: Some(activate),
        deactivate: Some(nothing),
        start_processing: Some(yes),
        stop_processing: Some(nothing),
        reset: Some(nothing),
        process: Some(process),
        get_extension: Some(extension),
        on_main_thread: Some(nothing),
    };
    let bare = Box::into_raw(Box::new(Bare { plugin, gain: 1.0, fault: AtomicU32::new(0) }));
    // SAFETY: just made, nobody else has it.
    unsafe {
        (*bare).plugin.plugin_data = bare.cast();
        &raw const (*bare).plugin
    }
}

unsafe extern "C" fn yes(_plugin: *const clap_plugin) -> bool {
    true
}

unsafe extern "C" fn nothing(_plugin: *const clap_plugin) {}

unsafe extern "C" fn destroy(plugin: *const clap_plugin) {
    // SAFETY: made by `create`, destroyed once.
    drop(unsafe { Box::from_raw((*plugin).plugin_data.cast::<Bare>()) });
}

unsafe extern "C" fn activate(_: *const clap_plugin, _rate: f64, _min: u32, _max: u32) -> bool {
    true
}

unsafe extern "C" fn extension(_plugin: *const clap_plugin, id: *const c_char) -> *const c_void {
    // SAFETY: CLAP: `id` is a C string.
    if unsafe { CStr::from_ptr(id) } == CLAP_EXT_AUDIO_PORTS {
        (&raw const PORTS).cast()
    } else {
        ptr::null()
    }
}

unsafe extern "C" fn port_count(_plugin: *const clap_plugin, _input: bool) -> u32 {
    1
}

unsafe extern "C" fn port_get(
    _plugin: *const clap_plugin,
    index: u32,
    input: bool,
    info: *mut clap_audio_port_info,
) -> bool {
    if index > 0 {
        return false;
    }
    let mut made = clap_audio_port_info {
        id: u32::from(!input),
        name: [0; 256],
        flags: CLAP_AUDIO_PORT_IS_MAIN,
        channel_count: 2,
        port_type: CLAP_PORT_STEREO.as_ptr(),
        in_place_pair: CLAP_INVALID_ID,
    };
    made.name[0] = 77;
    // SAFETY: CLAP: `info` is writable.
    unsafe { info.write(made) };
    true
}

unsafe extern "C" fn process(plugin: *const clap_plugin, process: *const clap_process) -> i32 {
    // SAFETY: made by `create`; `process` is valid for the call; one audio thread at a time.
    let (bare, process) = unsafe { (&mut *(*plugin).plugin_data.cast::<Bare>(), &*process) };
    // SAFETY: CLAP: the list is valid for the call, its functions too.
    let events = unsafe { &*process.in_events };
    let (size, get) = (events.size.expect("size"), events.get.expect("get"));
    let mut begin = 0;
    // SAFETY: as above.
    for index in 0..unsafe { size(events) } {
        // SAFETY: `index` is below the size; a parameter value is what its header says.
        let event = unsafe { get(events, index) };
        // SAFETY: as above.
        let Some(value) = (unsafe { param(event) }) else { continue };
        run(bare, process, begin, value.header.time);
        begin = value.header.time;
        bare.take(value);
    }
    run(bare, process, begin, process.frames_count);
    bare.misbehave(process);
    CLAP_PROCESS_CONTINUE
}

/// # Safety
/// `event` is what its header says and valid for `'a`.
unsafe fn param<'a>(event: *const clap_event_header) -> Option<&'a clap_event_param_value> {
    // SAFETY: by contract.
    let header = unsafe { &*event };
    let ours = header.space_id == CLAP_CORE_EVENT_SPACE_ID && header.type_ == CLAP_EVENT_PARAM_VALUE;
    // SAFETY: by contract.
    ours.then(|| unsafe { &*event.cast::<clap_event_param_value>() })
}

fn run(bare: &Bare, process: &clap_process, begin: u32, end: u32) {
    // SAFETY: CLAP: both ports have two channels of `frames_count` samples, as we announced.
    unsafe {
        let (input, output) = (&*process.audio_inputs, &*process.audio_outputs);
        for channel in 0..2 {
            let (from, to) = (*input.data32.add(channel), *output.data32.add(channel));
            for frame in begin as usize..end as usize {
                *to.add(frame) = *from.add(frame) * bare.gain;
            }
        }
    }
}

impl Bare {
    fn take(&mut self, value: &clap_event_param_value) {
        if value.param_id == GAIN {
            #[expect(clippy::cast_possible_truncation, reason = "a gain")]
            let gain = value.value as f32;
            self.gain = gain;
        } else if value.param_id == FAULT {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 5")]
            let fault = value.value as u32;
            self.fault.store(fault, Ordering::Relaxed);
        }
    }

    fn misbehave(&self, process: &clap_process) {
        let fault = self.fault.load(Ordering::Relaxed);
        if fault == Fault::Allocate as u32 {
            drop(std::hint::black_box(Box::new(7_u64)));
        } else if fault == Fault::SystemCall as u32 {
            // SAFETY: no argument.
            unsafe { libc::syscall(libc::SYS_getppid) };
        } else if fault >= Fault::Unwritten as u32 && process.frames_count > 0 {
            let last = process.frames_count as usize - 1;
            // SAFETY: the test host's channels are 16 samples longer than a block.
            unsafe {
                let samples = *(*process.audio_outputs).data32;
                match fault {
                    3 => *samples.add(last) = crate::buffers::SENTINEL,
                    4 => *samples.add(last + 1) = 0.0,
                    _ => *samples.add(last) = f32::NAN,
                }
            }
        }
    }
}
