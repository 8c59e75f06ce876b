//! Where neither allocations nor system calls can be seen from below: only the clock is read.
//!
//! Called by: `trial/guard`. Calls: the clock. Threads: [any].

use std::fs::File;
use std::time::Instant;

use super::Offences;

/// Nothing to be readied. Answers what cannot be watched.
pub fn prepare() -> Vec<&'static str> {
    vec!["allocations, system calls and waits in `process` (glibc on Linux only)"]
}

/// A dying process says nothing here; its parent sees the exit status.
pub fn death_note(_report: &File) {}

/// Children end with the parent's job object.
pub fn leave_nothing() {}

/// Runs `call` and times it.
pub fn watch<R>(call: impl FnOnce() -> R) -> (R, Offences) {
    let began = Instant::now();
    let answer = call();
    let cpu_ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    (answer, Offences { cpu_ns, ..Offences::default() })
}

/// Panics are reported without their call stacks.
pub fn expect_panics(_on: bool) {}

/// See [`expect_panics`].
pub fn take_panic() -> Vec<usize> {
    Vec::new()
}

/// Not known.
pub fn is_asleep() -> bool {
    false
}

/// Ends the process.
pub fn end_as_hung() {
    std::process::exit(super::super::child::HUNG);
}
