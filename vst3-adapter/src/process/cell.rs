//! What one thread holds at a time: the audio thread if it is free, the main thread after waiting for a block's end.
//!
//! Called by: `instance`, `process`, `process/{bystander,flushed}`. Calls: nothing. Threads: [`Cell::try_with`] [audio]; [`Cell::put`]
//! and [`Cell::with`] [main].
//!
//! VST3 forbids process beside `setActive`, and FL Studio does it (HOSTS 2): then the block finds the cell taken and
//! is silence, and nobody waits for the audio thread longer than a block.

#![allow(unsafe_code, reason = "DESIGN 9.9: exclusive access by a flag")]
#![deny(clippy::disallowed_types)]

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

/// A place for one value.
pub(crate) struct Cell<T> {
    taken: AtomicBool,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: the value is reached only by the one who set `taken` (`Hold`), so sharing the cell shares nothing; `T: Send`
// because the value is used and dropped on whatever thread holds it.
unsafe impl<T: Send> Sync for Cell<T> {}

/// Lets the cell go, by a panic too.
struct Hold<'a>(&'a AtomicBool);

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl<T> Default for Cell<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Cell<T> {
    pub(crate) const fn new() -> Self {
        Self { taken: AtomicBool::new(false), value: UnsafeCell::new(None) }
    }

    fn hold(&self) -> Option<Hold<'_>> {
        // Lazily: a `Hold` that is made lets the cell go when it drops, whoever has it.
        (!self.taken.swap(true, Ordering::Acquire)).then(|| Hold(&self.taken))
    }

    /// Runs `call` on the value if there is one and nobody holds it. Never waits. [audio]
    pub(crate) fn try_with<R>(&self, call: impl FnOnce(&mut T) -> R) -> Option<R> {
        let _hold = self.hold()?;
        // SAFETY: `_hold` is the only one until it drops, after the reference has ended.
        let value = unsafe { &mut *self.value.get() };
        value.as_mut().map(call)
    }

    /// Waits for the end of a running `try_with`.
    fn wait(&self) -> Hold<'_> {
        loop {
            match self.hold() {
                Some(hold) => return hold,
                None => std::thread::yield_now(),
            }
        }
    }

    /// Exchanges the value; waits for the end of a running `try_with`. [main]
    pub(crate) fn put(&self, value: Option<T>) -> Option<T> {
        let _hold = self.wait();
        // SAFETY: as above.
        std::mem::replace(unsafe { &mut *self.value.get() }, value)
    }

    /// Runs `call` on the value's place; waits as [`Cell::put`] does. [main]
    pub(crate) fn with<R>(&self, call: impl FnOnce(&mut Option<T>) -> R) -> R {
        let _hold = self.wait();
        // SAFETY: as above.
        call(unsafe { &mut *self.value.get() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_while_it_is_held_gets_nothing_and_does_not_wait() {
        let cell = Cell::new();
        assert_eq!(cell.try_with(|_: &mut u32| ()), None);
        assert_eq!(cell.put(Some(1)), None);
        let again = || cell.try_with(|value| *value);
        let inner = cell.try_with(|value| (*value, again(), again()));
        assert_eq!(inner, Some((1, None, None)), "and whoever got nothing lets nothing go");
        assert_eq!(cell.put(None), Some(1), "let go at the end");
    }

    #[test]
    fn a_panic_lets_the_cell_go() {
        let cell = Cell::new();
        cell.put(Some(1));
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            cell.try_with(|_| panic!("on purpose"));
        }));
        assert!(result.is_err());
        assert_eq!(cell.try_with(|value| *value), Some(1));
    }
}
