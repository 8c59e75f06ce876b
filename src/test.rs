//! Tests of a plug-in without a host.
//!
//! Called by: authors' tests. Calls: the shell's engine. Threads: the test's own.

pub use hotshell_core::rt::alloc::Guard;

/// Makes the test executable count allocations, for `assert_realtime`. `plugin!` says it in a plug-in's own unit tests;
/// integration tests say it once themselves.
#[macro_export]
#[doc(hidden)]
macro_rules! __guard {
    () => {
        #[global_allocator]
        static GUARD: $crate::test::Guard = $crate::test::Guard;
    };
}

pub use crate::__guard as guard;
