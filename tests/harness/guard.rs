//! Safe names for the guard in C: allocations and system calls of a block.
//!
//! Called by: `audio`, tests. Calls: `guard.c`. Threads: arming concerns the calling thread only; the trap stays on
//! its thread until that thread ends.
#![allow(unsafe_code, reason = "calls into C; harness, DESIGN 9.9")]

use std::ffi::{CStr, c_int, c_void};

unsafe extern "C" {
    safe fn hotshell_guard_warm();
    safe fn hotshell_guard_arm();
    safe fn hotshell_guard_disarm() -> u64;
    safe fn hotshell_guard_available() -> c_int;
    safe fn hotshell_guard_entered() -> c_int;
    safe fn hotshell_guard_forget();
    fn hotshell_guard_first(frames: *mut *mut c_void, capacity: c_int) -> c_int;
    safe fn hotshell_trap_prepare() -> c_int;
    safe fn hotshell_trap_install() -> c_int;
    safe fn hotshell_trap_watch(on: c_int);
    safe fn hotshell_trap_count() -> u64;
    safe fn hotshell_trap_first() -> c_int;
}

/// False under a sanitizer, whose own interposers take the place.
#[must_use]
pub fn available() -> bool {
    hotshell_guard_available() != 0
}

/// What a real-time thread must not do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Offences {
    /// Calls of the malloc family, frees included.
    pub allocations: u64,
    /// It has entered the kernel (x86-64, Linux 5.11 or later; not in a thread whose system calls are trapped).
    pub entered: bool,
}

impl Offences {
    /// None of it.
    pub const NONE: Self = Self { allocations: 0, entered: false };
}

/// What this thread does inside `call`.
pub fn count<R>(call: impl FnOnce() -> R) -> (R, Offences) {
    hotshell_guard_arm();
    let result = call();
    let allocations = hotshell_guard_disarm();
    (result, Offences { allocations, entered: hotshell_guard_entered() != 0 })
}

/// Loads what taking a stack needs; once per thread before the first guarded block.
pub fn warm() {
    hotshell_guard_warm();
}

/// Forgets the first fault, so that the next one is kept.
pub fn forget() {
    hotshell_guard_forget();
}

/// Where the first counted call since [`forget`] came from: library and offset of each frame.
#[must_use]
pub fn first() -> Vec<String> {
    let mut frames = [std::ptr::null_mut(); 32];
    // SAFETY: `frames` has room for the capacity that is passed.
    let depth = unsafe { hotshell_guard_first(frames.as_mut_ptr(), 32) };
    frames.iter().take(usize::try_from(depth).unwrap_or(0)).map(|frame| place(*frame)).collect()
}

fn place(address: *mut c_void) -> String {
    let mut info = libc::Dl_info {
        dli_fname: std::ptr::null(),
        dli_fbase: std::ptr::null_mut(),
        dli_sname: std::ptr::null(),
        dli_saddr: std::ptr::null_mut(),
    };
    // SAFETY: `info` is writable; any address may be asked for.
    if unsafe { libc::dladdr(address, &raw mut info) } == 0 || info.dli_fname.is_null() {
        return format!("{address:p}");
    }
    let text = |name: *const std::ffi::c_char| {
        // SAFETY: `dladdr` answers strings of the loaded object, which stays loaded during the call.
        (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
    };
    let offset = address.addr().wrapping_sub(info.dli_fbase.addr());
    format!(
        "{}+{offset:#x} {}",
        text(info.dli_fname).unwrap_or_default(),
        text(info.dli_sname).unwrap_or_default()
    )
}

/// Refuses and counts every system call of the calling thread, for the rest of its life.
///
/// # Panics
/// If the kernel refuses the filter: then nothing would be measured.
pub fn trap_system_calls() {
    assert_eq!(hotshell_trap_prepare(), 0, "sigaction");
    assert_eq!(hotshell_trap_install(), 0, "the kernel takes no seccomp filter here");
}

/// Counts from here to the next call, or not.
pub fn watch_system_calls(on: bool) {
    hotshell_trap_watch(c_int::from(on));
}

/// Counted system calls, and the number of the first.
#[must_use]
pub fn system_calls() -> (u64, i32) {
    (hotshell_trap_count(), hotshell_trap_first())
}
