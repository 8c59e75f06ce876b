//! The gate that every exported function passes, and the report of the last panic.
//!
//! Called by: all of `export`; the facade's entry points install the hook. Calls: nothing. Threads: [any], [audio] among
//! them: nothing here allocates, waits or touches a thread-local.

#![allow(unsafe_code, reason = "DESIGN 9.9 names core/logic/src/export: the answer to the shell's pointer")]
#![deny(clippy::disallowed_types)]

mod slot;

use std::any::Any;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

use hotshell_abi::{Status, TextBuffer};

use slot::{FULL, SEEN, Slot};

/// Runs `call`; a panic ends here and becomes [`Status::PANICKED`]. The payload is forgotten: its drop may panic.
#[inline]
pub(crate) fn gate(call: impl FnOnce() -> Status) -> Status {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(status) => status,
        Err(payload) => {
            // If our hook saw it, its message stands there already, with its place. It may not have: the Rig installs
            // none, and the author's code may install another one. Then whatever stands there is of an earlier panic.
            if !LAST.claim() {
                LAST.write(FULL, |text| {
                    let _ = text.write_str(message(&*payload));
                });
            }
            std::mem::forget(payload);
            Status::PANICKED
        }
    }
}

/// What `call` answers, `None` if it panics. The report stays for whoever asks.
pub(crate) fn catch<T>(call: impl FnOnce() -> T) -> Option<T> {
    let mut answer = None;
    let _ = gate(|| {
        answer = Some(call());
        Status::OK
    });
    answer
}

/// Message and place of the last panic that a gate has caught, and forgets it. Not on [audio].
pub(crate) fn words() -> String {
    let mut text = TextBuffer::new();
    LAST.take(&mut text);
    text.as_str().to_owned()
}

fn message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else {
        payload.downcast_ref::<String>().map_or("a panic without a message", String::as_str)
    }
}

/// From here on panics in this library are recorded and not printed. The exported entry points call it; the Rig does
/// not, because a test's panics belong on its output. [any]
pub fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(record)));
}

fn record(info: &PanicHookInfo<'_>) {
    LAST.write(SEEN, |text| {
        // What does not fit is cut; the place comes first so that it never is.
        if let Some(place) = info.location() {
            let _ = write!(text, "{}:{}:{}: ", place.file(), place.line(), place.column());
        }
        let _ = text.write_str(info.payload_as_str().unwrap_or("a panic without a message"));
    });
}

#[cfg(not(loom))]
static LAST: Slot = Slot::new();

#[cfg(loom)]
loom::lazy_static! {
    static ref LAST: Slot = Slot::new();
}

pub(crate) unsafe extern "C" fn last_panic(out: *mut TextBuffer) -> Status {
    if out.is_null() {
        return Status::BAD_ARGUMENT;
    }
    gate(|| {
        // SAFETY: not null, and the table's contract makes it the caller's own buffer.
        LAST.take(unsafe { &mut *out });
        Status::OK
    })
}
