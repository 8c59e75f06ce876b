//! A value that writers replace and readers, [audio] among them, read wait-free without ever freeing it.
//!
//! Called by: `params/persist`. Calls: nothing. Threads: reading [any]; writing and dropping [any but audio].
//!
//! Readers count themselves in before they load the pointer and out after their last use. A writer swaps the pointer,
//! keeps the old value aside, and frees what is aside only after it has read the count as zero *after* the swap. Both
//! sides change the count by read-modify-writes, which come one after the other: a reader counted in before the writer
//! looked has been counted out too (its last use lies before the free); one counted in later has seen the writer's count
//! and so its swap, and loads the newer pointer. A writer never waits: what it cannot free stays aside for the next
//! writer, or for drop. The loom model in the tests checks it.
//!
//! Each value has the version of the bytes that it stands for, and an older version never replaces a newer one: writers
//! need no lock around their bytes and their value to end on the same of both.

#![allow(
    unsafe_code,
    reason = "DESIGN 9.9 names core/logic/src/export: the wait-free reading of persistent fields"
)]

use std::ops::Deref;
use std::ptr::NonNull;

#[cfg(loom)]
use loom::sync::{
    Mutex,
    atomic::{AtomicPtr, AtomicUsize, Ordering},
};
#[cfg(not(loom))]
use std::sync::{
    Mutex,
    atomic::{AtomicPtr, AtomicUsize, Ordering},
};

use Ordering::{AcqRel, Acquire, Release};

/// See the module.
pub(crate) struct Published<T> {
    current: AtomicPtr<T>,
    readers: AtomicUsize,
    writers: Mutex<Writers<T>>,
}

struct Writers<T> {
    /// Of the bytes that `current` stands for.
    version: u64,
    aside: Vec<Aside<T>>,
}

/// Where a value comes from. Of a version's two, the written one shows: it may know what its bytes do not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// Somebody set it; its bytes were made of it.
    Written,
    /// It was made of its bytes.
    Read,
}

struct Aside<T>(NonNull<T>);

// SAFETY: an `Aside` is the sole owner of its value, as a `Box<T>` would be.
unsafe impl<T: Send> Send for Aside<T> {}

impl<T> Drop for Aside<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `Box::into_raw` in `new` or `set`, left `current` once, and is dropped only
        // when no reader can hold it (`set`, `drop`).
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

// SAFETY: readers on any thread get `&T`, which needs `T: Sync`; writers move `T` in and drop it on any thread, which
// needs `T: Send`.
unsafe impl<T: Send + Sync> Sync for Published<T> {}
// SAFETY: it owns its values like a `Box<T>`; readers borrow it.
unsafe impl<T: Send> Send for Published<T> {}

impl<T> Published<T> {
    /// Publishes `value` as version 0.
    pub(crate) fn new(value: T) -> Self {
        Self {
            current: AtomicPtr::new(Box::into_raw(Box::new(value))),
            readers: AtomicUsize::new(0),
            writers: Mutex::new(Writers { version: 0, aside: Vec::new() }),
        }
    }

    /// The current value. Wait-free; dropping the guard frees nothing. [any]
    #[inline]
    pub(crate) fn read(&self) -> Reading<'_, T> {
        self.readers.fetch_add(1, AcqRel);
        let value = self.current.load(Acquire);
        // SAFETY: `current` always holds a live value, and the load acquires what its writer put there. It is freed
        // only by a writer that took it out of `current` and then read `readers == 0` by a read-modify-write (`set`).
        // That one came before this reader's own count-in, or after its count-out. Before: the count-in acquired it, so
        // the load above could not answer the pointer taken out. After: the guard is gone.
        let value = unsafe { &*value };
        Reading { value, readers: &self.readers }
    }

    /// Version of the current value. [any but audio]
    pub(crate) fn version(&self) -> u64 {
        self.writers.lock().unwrap_or_else(std::sync::PoisonError::into_inner).version
    }

    /// Replaces the value by that of `version`; false, and nothing done, if a later one is there. [any but audio]
    pub(crate) fn set(&self, value: T, version: u64, source: Source) -> bool {
        let new = Box::new(value);
        let mut writers = self.writers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let stale = match source {
            Source::Written => version < writers.version,
            Source::Read => version <= writers.version,
        };
        if stale {
            // The author's own drops run outside the lock, here as below.
            drop(writers);
            return false;
        }
        writers.version = version;
        let old = self.current.swap(Box::into_raw(new), AcqRel);
        writers.aside.extend(NonNull::new(old).map(Aside));
        // Adds nothing: a plain load would not be ordered with the readers that count themselves in meanwhile. Every
        // value aside left `current` before this, under the lock.
        let quiet = self.readers.fetch_add(0, AcqRel) == 0;
        let free = if quiet { std::mem::take(&mut writers.aside) } else { Vec::new() };
        drop(writers);
        drop(free);
        true
    }
}

impl<T> Drop for Published<T> {
    fn drop(&mut self) {
        // `&mut self`: no guard borrows it, so nobody reads; whoever gave it away ordered all writers before this.
        drop(NonNull::new(self.current.load(Acquire)).map(Aside));
    }
}

/// A borrowed value of a persistent or kept field. Holding it keeps nobody waiting; old values are freed by a later
/// writer.
pub struct Reading<'a, T> {
    value: &'a T,
    readers: &'a AtomicUsize,
}

impl<T> Deref for Reading<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.value
    }
}

impl<T> Drop for Reading<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.readers.fetch_sub(1, Release);
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Reading<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.value.fmt(f)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    use super::*;

    struct Counted(Arc<AtomicUsize>, u64, u64);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
            self.2 = 0;
        }
    }

    #[test]
    fn a_value_is_freed_only_after_its_readers_left_and_by_a_writer() {
        let freed = Arc::new(AtomicUsize::new(0));
        let field = Published::new(Counted(freed.clone(), 1, 1));
        let reading = field.read();
        assert!(field.set(Counted(freed.clone(), 2, 2), 1, Source::Written));
        assert_eq!((reading.1, field.read().1), (1, 2));
        drop(reading);
        assert_eq!(freed.load(SeqCst), 0, "a reader freed it");
        assert!(field.set(Counted(freed.clone(), 3, 3), 2, Source::Written));
        assert_eq!(freed.load(SeqCst), 2);
        drop(field);
        assert_eq!(freed.load(SeqCst), 3);
    }

    #[test]
    fn readers_and_writers_on_many_threads_never_meet_a_freed_value() {
        let freed = Arc::new(AtomicUsize::new(0));
        let field = Published::new(Counted(freed.clone(), 0, u64::MAX));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(SeqCst) {
                        let value = field.read();
                        assert_eq!(value.1, !value.2);
                    }
                });
            }
            for n in 1..2000 {
                assert!(field.set(Counted(freed.clone(), n, !n), n, Source::Read));
            }
            stop.store(true, SeqCst);
        });
        drop(field);
        assert_eq!(freed.load(SeqCst), 2000);
    }

    #[test]
    fn an_older_version_never_replaces_a_newer_one_and_read_never_replaces_written() {
        let field = Published::new(0);
        let show = |value, version, source| (field.set(value, version, source), *field.read());
        assert_eq!(show(2, 2, Source::Written), (true, 2));
        assert_eq!(show(1, 1, Source::Written), (false, 2));
        assert_eq!(show(22, 2, Source::Read), (false, 2));
        assert_eq!(show(3, 3, Source::Read), (true, 3));
        assert_eq!(show(33, 3, Source::Written), (true, 33));
        assert_eq!(field.version(), 3);
    }

    #[test]
    fn a_value_whose_drop_sets_the_field_again_does_not_wait_for_itself() {
        struct Again(Option<Arc<Published<Again>>>);
        impl Drop for Again {
            fn drop(&mut self) {
                if let Some(field) = self.0.take() {
                    field.set(Again(None), 7, Source::Written);
                }
            }
        }
        let field = Arc::new(Published::new(Again(None)));
        assert!(field.set(Again(Some(field.clone())), 1, Source::Written));
        assert!(field.set(Again(None), 2, Source::Written));
        assert_eq!(field.version(), 7);
    }
}

/// Run with `RUSTFLAGS="--cfg loom" cargo test -p hotshell-logic --release --lib loom_`.
#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    /// Loom refuses a drop that does not come after every read.
    struct Watched(UnsafeCell<u64>);

    // SAFETY: loom's cell checks each access at run time; that is what it is here for.
    unsafe impl Sync for Watched {}

    impl Watched {
        fn get(&self) -> u64 {
            // SAFETY: the pointer is valid inside `with`.
            self.0.with(|value| unsafe { *value })
        }
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            // SAFETY: the pointer is valid inside `with_mut`.
            self.0.with_mut(|value| unsafe { *value = u64::MAX });
        }
    }

    fn watched(value: u64) -> Watched {
        Watched(UnsafeCell::new(value))
    }

    #[test]
    fn loom_a_value_is_freed_only_after_its_last_reader_and_seen_in_order() {
        loom::model(|| {
            let field = Arc::new(Published::new(watched(0)));
            let reader = {
                let field = Arc::clone(&field);
                thread::spawn(move || {
                    let first = field.read().get();
                    let second = field.read().get();
                    assert!(first <= second && second <= 2, "{first} {second}");
                })
            };
            for version in [1, 2] {
                assert!(field.set(watched(version), version, Source::Written));
            }
            assert_eq!(field.read().get(), 2);
            reader.join().unwrap();
        });
    }

    #[test]
    fn loom_two_writers_end_on_the_newer_version() {
        loom::model(|| {
            let field = Arc::new(Published::new(watched(0)));
            let other = {
                let field = Arc::clone(&field);
                thread::spawn(move || {
                    field.set(watched(2), 2, Source::Written);
                    assert_eq!(field.read().get(), 2);
                })
            };
            field.set(watched(1), 1, Source::Read);
            assert!(field.read().get() >= 1);
            other.join().unwrap();
            assert_eq!((field.read().get(), field.version()), (2, 2));
        });
    }
}
