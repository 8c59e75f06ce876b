//! What the tests of more than one crate share.
//!
//! Called by: the tests and benchmarks of this package. Calls: nothing yet.
//! Threads: [any].
