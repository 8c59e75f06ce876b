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
use std::sync::atomic::{AtomicU32, Ordering::AcqRel, Ordering::Relaxed, Ordering::Release};

use hotshell_abi::{Status, TextBuffer};

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

const FREE: u32 = 0;
const BUSY: u32 = 1;
/// Written by the hook, its panic not caught yet.
const SEEN: u32 = 2;
const FULL: u32 = 3;

/// One report. A panic that comes while another is written or read is not recorded: nobody waits here.
struct Slot {
    state: AtomicU32,
    text: UnsafeCell<TextBuffer>,
}

// SAFETY: `text` is touched only by whoever moved `state` to `BUSY`, by compare-and-exchange, until it moves on.
unsafe impl Sync for Slot {}

static LAST: Slot = Slot { state: AtomicU32::new(FREE), text: UnsafeCell::new(TextBuffer::new()) };

impl Slot {
    /// The hook's report becomes that of the panic that a gate has caught; false if there is none.
    fn claim(&self) -> bool {
        self.state.compare_exchange(SEEN, FULL, AcqRel, Relaxed).is_ok()
    }

    fn write(&self, then: u32, fill: impl FnOnce(&mut TextBuffer)) {
        let seen = self.state.load(Relaxed);
        if seen == BUSY || self.state.compare_exchange(seen, BUSY, AcqRel, Relaxed).is_err() {
            return;
        }
        // SAFETY: this thread moved `state` to `BUSY`, so it alone touches `text` until the store below.
        let text = unsafe { &mut *self.text.get() };
        text.clear();
        fill(text);
        self.state.store(then, Release);
    }

    fn take(&self, out: &mut TextBuffer) {
        out.clear();
        // A report that no gate has claimed is one all the same: of a thread of the author's, say.
        let seen = self.state.load(Relaxed);
        if ![SEEN, FULL].contains(&seen) || self.state.compare_exchange(seen, BUSY, AcqRel, Relaxed).is_err()
        {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn slot() -> Slot {
        Slot { state: AtomicU32::new(FREE), text: UnsafeCell::new(TextBuffer::new()) }
    }

    fn say(slot: &Slot, then: u32, words: &str) {
        slot.write(then, |text| text.write_str(words).unwrap());
    }

    fn take(slot: &Slot) -> String {
        let mut text = TextBuffer::new();
        slot.take(&mut text);
        text.as_str().to_owned()
    }

    #[test]
    fn a_report_is_of_the_last_panic_whether_the_hook_saw_it_or_not() {
        let slot = slot();
        say(&slot, SEEN, "place: first");
        assert!(slot.claim(), "the hook saw it");
        assert!(!slot.claim(), "nobody took the first report, and the hook did not see the second panic");
        say(&slot, FULL, "second");
        assert_eq!(take(&slot), "second");
        assert_eq!(take(&slot), "", "given once");
        say(&slot, SEEN, "of a thread of the author's");
        assert_eq!(take(&slot), "of a thread of the author's");
    }

    #[test]
    fn reports_of_many_threads_never_mix() {
        let slot = slot();
        std::thread::scope(|scope| {
            for word in ["aaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccccccccccccccccccc"] {
                let slot = &slot;
                scope.spawn(move || {
                    for round in 0..2000 {
                        say(slot, if round % 2 == 0 { SEEN } else { FULL }, word);
                        slot.claim();
                        let text = take(slot);
                        assert!(text.as_bytes().windows(2).all(|pair| pair[0] == pair[1]), "{text}");
                    }
                });
            }
        });
    }
}
