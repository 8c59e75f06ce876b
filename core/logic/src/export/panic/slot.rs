//! One place for the report of a panic, written and read by whichever thread comes first.
//!
//! Called by: `export/panic`. Calls: nothing. Threads: [any], [audio] among them: nobody waits here. The loom model at the
//! end checks that no report is torn, mixed with another one, or given twice.

#![allow(unsafe_code, reason = "DESIGN 9.9 names core/logic/src/export: the preallocated report of a panic")]
#![deny(clippy::disallowed_types)]

use std::fmt::Write;

#[cfg(loom)]
use loom::cell::UnsafeCell;
#[cfg(loom)]
use loom::sync::atomic::{AtomicU32, Ordering::AcqRel, Ordering::Relaxed, Ordering::Release};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU32, Ordering::AcqRel, Ordering::Relaxed, Ordering::Release};

use hotshell_abi::TextBuffer;

const FREE: u32 = 0;
const BUSY: u32 = 1;
/// Written by the hook, its panic not caught yet.
pub(super) const SEEN: u32 = 2;
/// Of a panic that a gate has caught.
pub(super) const FULL: u32 = 3;

/// std's, with the two calls of loom's that show who looks and who writes.
#[cfg(not(loom))]
struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    fn with<R>(&self, look: impl FnOnce(*const T) -> R) -> R {
        look(self.0.get())
    }

    fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}

/// One report. A panic that comes while another is written or read is not recorded: nobody waits here.
pub(super) struct Slot {
    state: AtomicU32,
    text: UnsafeCell<TextBuffer>,
}

// SAFETY: `text` is touched only by whoever moved `state` to `BUSY`, by compare-and-exchange, until it moves on.
unsafe impl Sync for Slot {}

impl Slot {
    /// An empty place.
    #[cfg(not(loom))]
    pub(super) const fn new() -> Self {
        Self { state: AtomicU32::new(FREE), text: UnsafeCell::new(TextBuffer::new()) }
    }

    /// The same for a model.
    #[cfg(loom)]
    pub(super) fn new() -> Self {
        Self { state: AtomicU32::new(FREE), text: UnsafeCell::new(TextBuffer::new()) }
    }

    /// The hook's report becomes that of the panic that a gate has caught; false if there is none.
    pub(super) fn claim(&self) -> bool {
        self.state.compare_exchange(SEEN, FULL, AcqRel, Relaxed).is_ok()
    }

    /// Replaces the report, which is `then` afterwards.
    pub(super) fn write(&self, then: u32, fill: impl FnOnce(&mut TextBuffer)) {
        let seen = self.state.load(Relaxed);
        if seen == BUSY || self.state.compare_exchange(seen, BUSY, AcqRel, Relaxed).is_err() {
            return;
        }
        self.text.with_mut(|text| {
            // SAFETY: this thread moved `state` to `BUSY`, so it alone touches `text` until the store below.
            let text = unsafe { &mut *text };
            text.clear();
            fill(text);
        });
        self.state.store(then, Release);
    }

    /// Moves the report into `out`; empty if there is none.
    pub(super) fn take(&self, out: &mut TextBuffer) {
        out.clear();
        // A report that no gate has claimed is one all the same: of a thread of the author's, say.
        let seen = self.state.load(Relaxed);
        if ![SEEN, FULL].contains(&seen) || self.state.compare_exchange(seen, BUSY, AcqRel, Relaxed).is_err()
        {
            return;
        }
        self.text.with(|text| {
            // SAFETY: as in `write`.
            let _ = out.write_str(unsafe { &*text }.as_str());
        });
        self.state.store(FREE, Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn say(slot: &Slot, then: u32, words: &str) {
        slot.write(then, |text| text.write_str(words).expect("fits"));
    }

    fn take(slot: &Slot) -> String {
        let mut text = TextBuffer::new();
        slot.take(&mut text);
        text.as_str().to_owned()
    }

    #[test]
    fn a_report_is_of_the_last_panic_whether_the_hook_saw_it_or_not() {
        let slot = Slot::new();
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
        let slot = Slot::new();
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

/// Run with `RUSTFLAGS="--cfg loom" cargo test -p hotshell-logic --release --lib loom_`.
#[cfg(all(test, loom))]
mod loom_models {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    fn take(slot: &Slot) -> String {
        let mut text = TextBuffer::new();
        slot.take(&mut text);
        text.as_str().to_owned()
    }

    fn panicked(slot: &Slot, words: &str) {
        slot.write(SEEN, |text| text.write_str(words).expect("fits"));
        slot.claim();
    }

    #[test]
    fn loom_a_report_is_whole_and_given_once() {
        loom::model(|| {
            let slot = Arc::new(Slot::new());
            let hooked = {
                let slot = Arc::clone(&slot);
                thread::spawn(move || panicked(&slot, "aa"))
            };
            let unhooked = {
                let slot = Arc::clone(&slot);
                thread::spawn(move || slot.write(FULL, |text| text.write_str("bbbb").expect("fits")))
            };
            let mut taken = vec![take(&slot)];
            hooked.join().expect("no panic");
            unhooked.join().expect("no panic");
            taken.push(take(&slot));
            assert_eq!(take(&slot), "", "nothing is left");
            taken.retain(|text| !text.is_empty());
            assert!(taken.iter().all(|text| text == "aa" || text == "bbbb"), "torn: {taken:?}");
            assert!(!taken.is_empty(), "the first report has room");
            assert!(taken.len() < 2 || taken[0] != taken[1], "given twice: {taken:?}");
        });
    }
}
