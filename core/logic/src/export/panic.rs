//! The gate that every exported function passes, and the report of the last panic.
//!
//! Called by: all of `export`; the facade's entry points install the hook. Calls: nothing. Threads: [any], [audio] among
//! them: nothing here allocates, waits or touches a thread-local.

#![allow(unsafe_code, reason = "DESIGN 9.9 names core/logic/src/export: the preallocated report of a panic")]
#![deny(clippy::disallowed_types)]

use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{
    AtomicU32, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};

use hotshell_abi::{Status, TextBuffer};

/// Runs `call`; a panic ends here and becomes [`Status::PANICKED`]. The payload is forgotten: its drop may panic.
#[inline]
pub(crate) fn gate(call: impl FnOnce() -> Status) -> Status {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(status) => status,
        Err(payload) => {
            // With the hook installed the message stands there already, with its place.
            if LAST.state.load(Acquire) != FULL {
                LAST.write(|text| {
                    let _ = text.write_str(message(&*payload));
                });
            }
            std::mem::forget(payload);
            Status::PANICKED
        }
    }
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
    LAST.write(|text| {
        // What does not fit is cut; the place comes first so that it never is.
        if let Some(place) = info.location() {
            let _ = write!(text, "{}:{}:{}: ", place.file(), place.line(), place.column());
        }
        let _ = text.write_str(info.payload_as_str().unwrap_or("a panic without a message"));
    });
}

const FREE: u32 = 0;
const BUSY: u32 = 1;
const FULL: u32 = 2;

/// One report. A panic that comes while another is written or read is not recorded: nobody waits here.
struct Slot {
    state: AtomicU32,
    text: UnsafeCell<TextBuffer>,
}

// SAFETY: `text` is touched only by whoever moved `state` to `BUSY`, by compare-and-exchange, until it moves on.
unsafe impl Sync for Slot {}

static LAST: Slot = Slot { state: AtomicU32::new(FREE), text: UnsafeCell::new(TextBuffer::new()) };

impl Slot {
    fn write(&self, fill: impl FnOnce(&mut TextBuffer)) {
        let seen = self.state.load(Relaxed);
        if seen == BUSY || self.state.compare_exchange(seen, BUSY, AcqRel, Relaxed).is_err() {
            return;
        }
        // SAFETY: this thread moved `state` to `BUSY`, so it alone touches `text` until the store below.
        let text = unsafe { &mut *self.text.get() };
        text.clear();
        fill(text);
        self.state.store(FULL, Release);
    }

    fn take(&self, out: &mut TextBuffer) {
        out.clear();
        if self.state.compare_exchange(FULL, BUSY, AcqRel, Relaxed).is_err() {
            return;
        }
        // SAFETY: as in `write`.
        let text = unsafe { &*self.text.get() };
        let _ = out.write_str(text.as_str());
        self.state.store(FREE, Release);
    }
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
