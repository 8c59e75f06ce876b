//! The lock-free and register-level parts, one file each. All `unsafe` of the audio path lives here and in
//! [`instance`](crate::instance).
//!
//! Called by: `shell`, `store`, the adapters' `process`. Calls: nothing. Threads: each file says its own.

pub mod alloc;
pub mod block;
pub mod bound;
pub mod buffers;
pub mod denormals;
pub mod editor_host;
pub mod exchange;
pub mod keys;
pub mod owned;
pub mod patchbay;
pub mod pin;
pub mod shell_api;
#[cfg(feature = "reload")]
pub mod thread;
