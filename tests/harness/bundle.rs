//! A loaded `.clap`.
//!
//! Called by: tests, `plugin`. Calls: the dynamic loader, clack-host. Threads: [any].
#![allow(unsafe_code, reason = "loads code that the tests have built; harness, DESIGN 9.9")]

use std::ffi::CString;
use std::path::Path;
use std::ptr::NonNull;

use clack_host::entry::{EntryDescriptor, EntryProvider};
use clack_host::prelude::PluginEntry;
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};

/// Who sees a library's exported names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Nobody else, as hosts should.
    Local,
    /// Every library loaded later, as some hosts do.
    Global,
}

struct Loaded {
    entry: NonNull<EntryDescriptor>,
    _library: Library,
}

// SAFETY: `entry` is the `clap_entry` of the library that `_library` keeps mapped.
unsafe impl EntryProvider for Loaded {
    fn entry_pointer(&self) -> NonNull<EntryDescriptor> {
        self.entry
    }
}

// SAFETY: CLAP entries may be used from any thread.
unsafe impl Send for Loaded {}
// SAFETY: as above.
unsafe impl Sync for Loaded {}

/// A loaded bundle; unloaded when it and its plug-ins are dropped.
pub struct Bundle {
    entry: PluginEntry,
}

impl Bundle {
    /// Loads a bundle.
    ///
    /// # Errors
    /// The loader's or the entry's reason.
    pub fn load(path: &Path, scope: Scope) -> Result<Self, String> {
        let scope = if scope == Scope::Global { RTLD_GLOBAL } else { RTLD_LOCAL };
        // SAFETY: the tests have built the library themselves; its constructors are Rust's and ours.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | scope) }.map_err(|e| e.to_string())?;
        // SAFETY: CLAP: `clap_entry` is a static `clap_plugin_entry`.
        let entry = unsafe { library.get::<*mut EntryDescriptor>(b"clap_entry\0") };
        let entry = NonNull::new(*entry.map_err(|e| e.to_string())?).ok_or("a null clap_entry")?;
        let loaded = Loaded { entry, _library: library };
        let text = CString::new(path.to_string_lossy().into_owned()).map_err(|e| e.to_string())?;
        // SAFETY: the entry is one of ours.
        let entry = unsafe { PluginEntry::load_from(loaded, &text) }.map_err(|e| e.to_string())?;
        Ok(Self { entry })
    }

    /// An entry that is linked into the test itself.
    ///
    /// # Panics
    /// If its init refuses.
    #[must_use]
    pub fn from_static(entry: &'static EntryDescriptor) -> Self {
        // SAFETY: the entry is the harness's own.
        let entry = unsafe { PluginEntry::load_from_raw(entry, c"/static") }.expect("a static entry");
        Self { entry }
    }

    pub(crate) const fn entry(&self) -> &PluginEntry {
        &self.entry
    }

    /// Ids of the plug-ins.
    #[must_use]
    pub fn ids(&self) -> Vec<CString> {
        let Some(factory) = self.entry.get_plugin_factory() else { return Vec::new() };
        factory.plugin_descriptors().filter_map(|d| d.id().map(Into::into)).collect()
    }
}
