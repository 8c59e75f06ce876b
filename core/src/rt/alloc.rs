//! An allocator that counts what a watched piece of code allocates and frees: for tests of real-time code.
//!
//! Called by: the Rig; an author's test executable names [`Guard`] as its global allocator. Calls: the system's
//! allocator. Threads: [any]; each thread counts its own.

#![allow(unsafe_code, reason = "DESIGN 9.9 names core/src/rt: an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};

/// The system's allocator, counting inside [`watch`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Guard;

/// What watched code did that real-time code must not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Offences {
    /// Allocations and re-allocations.
    pub allocations: u64,
    /// Frees.
    pub frees: u64,
    /// Call stack of the first of them.
    pub first: Option<String>,
}

impl Offences {
    /// True without any.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.allocations == 0 && self.frees == 0
    }
}

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static FREES: Cell<u64> = const { Cell::new(0) };
    static FIRST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `call` and answers what it allocated and freed on this thread. Counts nothing where [`Guard`] is not the global
/// allocator. Not re-entrant: an inner watch ends the outer one.
pub fn watch<R>(call: impl FnOnce() -> R) -> (R, Offences) {
    ALLOCATIONS.set(0);
    FREES.set(0);
    FIRST.take();
    WATCHED.set(true);
    let answer = call();
    WATCHED.set(false);
    (answer, Offences { allocations: ALLOCATIONS.get(), frees: FREES.get(), first: FIRST.take() })
}

#[cold]
fn offence(counter: &'static std::thread::LocalKey<Cell<u64>>) {
    counter.set(counter.get() + 1);
    // Taking the call stack allocates: that is ours, not the watched code's.
    WATCHED.set(false);
    FIRST.with_borrow_mut(|first| {
        if first.is_none() {
            *first = Some(Backtrace::force_capture().to_string());
        }
    });
    WATCHED.set(true);
}

#[inline]
fn watched() -> bool {
    // A thread that is ending has no thread-locals any more, and is not watched.
    WATCHED.try_with(Cell::get).unwrap_or(false)
}

// SAFETY: every call goes to `System` with the caller's own arguments, so its contract is ours.
unsafe impl GlobalAlloc for Guard {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if watched() {
            offence(&ALLOCATIONS);
        }
        // SAFETY: the caller keeps `GlobalAlloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if watched() {
            offence(&ALLOCATIONS);
        }
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if watched() {
            offence(&ALLOCATIONS);
        }
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if watched() {
            offence(&FREES);
        }
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}
