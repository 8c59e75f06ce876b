//! `clap_entry`: init, deinit and the list of factories, for any artifact.
//!
//! Called by: the host. Calls: `factory`. Threads: [main] by CLAP's rules; safe from any.

#![allow(unsafe_code, reason = "DESIGN 9.9: functions that C calls with C's pointers")]

use std::ffi::{CStr, c_char, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use clap_sys::factory::plugin_factory::CLAP_PLUGIN_FACTORY_ID;
use clap_sys::version::CLAP_VERSION;
use hotshell_core::shell::Plugins;

use crate::error::guard;
use crate::factory::{self, Inner};

#[cfg(test)]
pub(crate) mod bench;
#[cfg(test)]
mod held_tests;
#[cfg(test)]
mod life_tests;
#[cfg(test)]
mod tests;

/// Type of the exported symbol `clap_entry`.
pub type RawEntry = clap_sys::entry::clap_plugin_entry;

/// One artifact (one shared library) and what CLAP keeps for it. Implemented by the facade's macro on a private type.
pub trait Artifact: 'static {
    /// The artifact's plug-ins. [any]
    fn plugins() -> &'static dyn Plugins;
    /// A private static of the artifact, always the same one. [any]
    fn clap() -> &'static EntryState;
}

/// What the entry point keeps between calls: how often the host has initialised it, and the descriptors.
#[derive(Default)]
pub struct EntryState {
    users: AtomicU32,
    /// Made by the first question and kept until the library goes: hosts hold descriptor pointers beyond `deinit`.
    inner: OnceLock<Inner>,
}

impl EntryState {
    /// Nothing initialised. For a `static`.
    #[must_use]
    pub const fn new() -> Self {
        Self { users: AtomicU32::new(0), inner: OnceLock::new() }
    }

    /// How many `init` calls are not yet answered by a `deinit`. [any]
    #[must_use]
    pub fn users(&self) -> u32 {
        self.users.load(Ordering::Acquire)
    }

    /// Descriptors and clack's factory over them. [any]
    pub(crate) fn inner(&'static self, plugins: &'static dyn Plugins) -> &'static Inner {
        self.inner.get_or_init(|| factory::inner(plugins))
    }
}

impl std::fmt::Debug for EntryState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EntryState").field("users", &self.users()).finish_non_exhaustive()
    }
}

/// The value of `clap_entry` for artifact `A`. The factories never touch the slot and load nothing: a scan is cheap.
#[must_use]
pub const fn entry<A: Artifact>() -> RawEntry {
    RawEntry {
        clap_version: CLAP_VERSION,
        init: Some(init::<A>),
        deinit: Some(deinit::<A>),
        get_factory: Some(get_factory::<A>),
    }
}

/// The path is not needed: nothing of ours lies beside the library.
unsafe extern "C" fn init<A: Artifact>(_path: *const c_char) -> bool {
    guard(false, || {
        let counted = A::clap().users.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_add(1));
        counted.is_ok()
    })
}

unsafe extern "C" fn deinit<A: Artifact>() {
    guard((), || {
        // One `deinit` too many changes nothing.
        let _ = A::clap().users.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_sub(1));
    });
}

unsafe extern "C" fn get_factory<A: Artifact>(id: *const c_char) -> *const c_void {
    guard(std::ptr::null(), || {
        // SAFETY: CLAP: the id is a C string, or (a host's mistake) null, which is checked first.
        let known = !id.is_null() && unsafe { CStr::from_ptr(id) } == CLAP_PLUGIN_FACTORY_ID;
        if known { std::ptr::from_ref(factory::raw::<A>()).cast() } else { std::ptr::null() }
    })
}
