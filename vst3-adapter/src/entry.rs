//! The functions that a VST3 module exports, for any artifact.
//!
//! Called by: the facade's exports, each of them one line. Calls: `factory`. Threads: [main] by VST3's rules; safe
//! from any.

#![allow(unsafe_code, reason = "DESIGN 9.9: functions that C calls with C's pointers")]

use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};

use hotshell_core::shell::Plugins;
use vst3::Steinberg::IPluginFactory;

use crate::error::guard;
use crate::factory::Factory;

#[cfg(test)]
pub(crate) mod bench;
#[cfg(test)]
mod held_tests;
#[cfg(test)]
mod life_tests;
#[cfg(test)]
mod real_tests;
#[cfg(test)]
mod surroundings_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod told_tests;

/// One artifact (one shared library) and what VST3 keeps for it. Implemented by the facade's macro on a private type.
pub trait Artifact: 'static {
    /// The artifact's plug-ins. [any]
    fn plugins() -> &'static dyn Plugins;
    /// A private static of the artifact, always the same one. [any]
    fn vst3() -> &'static ModuleState;
}

/// What a module keeps between calls: how often hosts have entered it.
#[derive(Debug, Default)]
pub struct ModuleState {
    users: AtomicU32,
}

impl ModuleState {
    /// Nobody has entered. For a `static`.
    #[must_use]
    pub const fn new() -> Self {
        Self { users: AtomicU32::new(0) }
    }

    /// Entries that are not yet answered by an exit. [any]
    #[must_use]
    pub fn users(&self) -> u32 {
        self.users.load(Ordering::Acquire)
    }
}

/// `ModuleEntry`, `bundleEntry`, `InitDll`. The handle or bundle that some of them get is not needed: nothing of ours
/// lies beside the library. [main]
#[must_use]
pub fn module_entry<A: Artifact>() -> bool {
    guard(false, || {
        let counted = A::vst3().users.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_add(1));
        counted.is_ok()
    })
}

/// `ModuleExit`, `bundleExit`, `ExitDll`. One exit too many changes nothing. [main]
#[must_use]
pub fn module_exit<A: Artifact>() -> bool {
    guard(false, || {
        let _ = A::vst3().users.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_sub(1));
        crate::com::left::drop_own();
        true
    })
}

/// `GetPluginFactory`: a factory whose reference belongs to the caller. [main]
#[must_use]
pub fn get_plugin_factory<A: Artifact>() -> *mut c_void {
    guard(std::ptr::null_mut(), || {
        let factory = Factory::new(A::plugins()).to_com_ptr::<IPluginFactory>();
        factory.map_or(std::ptr::null_mut(), |factory| factory.into_raw().cast())
    })
}
