#![allow(
    unsafe_code,
    reason = "DESIGN 9.9 names core/logic/src/export: the wait-free reading of persistent fields"
)]
//! A value that writers replace and readers, [audio] among them, read wait-free without ever freeing it.
//!
//! Called by: `params/persist`. Calls: nothing. Threads: reading [any]; writing and dropping [any but audio].
//!
//! Readers count themselves in before they load the pointer and out after their last use. A writer swaps the pointer,
//! keeps the old value aside, and frees what is aside only after it has seen the count at zero *after* the swap: a
//! reader that came earlier would have been counted, one that comes later sees the new pointer. A writer never waits:
//! what it cannot free stays aside for the next writer, or for drop.

use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};

/// See the module.
pub(crate) struct Published<T> {
    current: AtomicPtr<T>,
    readers: AtomicUsize,
    aside: Mutex<Vec<Aside<T>>>,
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
    /// Publishes `value`.
    pub(crate) fn new(value: T) -> Self {
        Self {
            current: AtomicPtr::new(Box::into_raw(Box::new(value))),
            readers: AtomicUsize::new(0),
            aside: Mutex::new(Vec::new()),
        }
    }

    /// The current value. Wait-free; dropping the guard frees nothing. [any]
    #[inline]
    pub(crate) fn read(&self) -> Reading<'_, T> {
        self.readers.fetch_add(1, SeqCst);
        let value = self.current.load(SeqCst);
        // SAFETY: `current` always holds a live value. It is freed only by a writer that saw `readers == 0` after it
        // took the pointer out of `current`; this reader was counted in before it loaded the pointer (both
        // sequentially consistent), so such a writer either waits for it or it loaded the newer pointer.
        let value = unsafe { &*value };
        Reading { value, readers: &self.readers }
    }

    /// Replaces the value. [any but audio]
    pub(crate) fn set(&self, value: T) {
        let new = Box::into_raw(Box::new(value));
        let mut aside = self.aside.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let old = self.current.swap(new, SeqCst);
        aside.extend(NonNull::new(old).map(Aside));
        // Every value aside left `current` before this load: no reader counted after it can have one of them.
        let free = if self.readers.load(SeqCst) == 0 { std::mem::take(&mut *aside) } else { Vec::new() };
        drop(aside);
        // The author's own drops run outside the lock.
        drop(free);
    }
}

impl<T> Drop for Published<T> {
    fn drop(&mut self) {
        // `&mut self`: no guard borrows it, so nobody reads.
        drop(NonNull::new(*self.current.get_mut()).map(Aside));
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
        self.readers.fetch_sub(1, SeqCst);
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Reading<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.value.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

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
        field.set(Counted(freed.clone(), 2, 2));
        assert_eq!((reading.1, field.read().1), (1, 2));
        drop(reading);
        assert_eq!(freed.load(SeqCst), 0, "a reader freed it");
        field.set(Counted(freed.clone(), 3, 3));
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
                field.set(Counted(freed.clone(), n, !n));
            }
            stop.store(true, SeqCst);
        });
        drop(field);
        assert_eq!(freed.load(SeqCst), 2000);
    }
}
