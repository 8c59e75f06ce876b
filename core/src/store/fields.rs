//! Persistent and kept fields: bytes and version by dotted id, encoded and decoded by the logic alone.
//!
//! Called by: `store`. Calls: nothing. Threads: [any but audio]; the lock is held for a map access.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{AcqRel, Acquire, Release},
};

use hotshell_abi::PersistDesc;
use parking_lot::Mutex;

use crate::state::SavedField;

/// Where a field is saved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scope {
    /// In projects and presets.
    #[default]
    Everywhere,
    /// In projects only.
    Project,
    /// Nowhere; it lives as long as the instance.
    Keep,
}

impl Scope {
    /// The scope of a number that crossed the boundary; unknown numbers count as everywhere: nothing is lost.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        match number {
            PersistDesc::PROJECT => Self::Project,
            PersistDesc::KEEP => Self::Keep,
            _ => Self::Everywhere,
        }
    }
}

/// One field as the shell knows it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Field {
    /// The logic's encoding; `None`: never written, or reset by a state that had none.
    pub bytes: Option<Arc<[u8]>>,
    /// Counted up by each write; 0: never.
    pub version: u64,
    /// Where it is saved.
    pub scope: Scope,
    /// Some build of this instance has declared it. Others came with a state, and wait.
    pub declared: bool,
}

#[derive(Debug, Default)]
pub(super) struct Fields {
    all: Mutex<BTreeMap<String, Field>>,
    total: AtomicU64,
    dirty: AtomicBool,
}

impl Fields {
    #[cfg(test)]
    pub(super) fn hold(&self) -> impl Sized + '_ {
        self.all.lock()
    }

    pub(super) fn declare(&self, id: &str, scope: Scope) {
        let mut all = self.all.lock();
        let field = all.entry(id.to_owned()).or_default();
        field.scope = scope;
        field.declared = true;
    }

    pub(super) fn version(&self, id: &str) -> u64 {
        self.all.lock().get(id).map_or(0, |field| field.version)
    }

    pub(super) fn read(&self, id: &str) -> Option<(Arc<[u8]>, u64)> {
        let all = self.all.lock();
        let field = all.get(id)?;
        Some((field.bytes.clone()?, field.version))
    }

    pub(super) fn write(&self, id: &str, bytes: &[u8], user: bool) -> Option<u64> {
        let mut all = self.all.lock();
        let field = all.get_mut(id).filter(|field| field.declared)?;
        field.bytes = Some(bytes.into());
        field.version += 1;
        let (version, saved) = (field.version, field.scope != Scope::Keep);
        self.total.fetch_add(1, Release);
        drop(all);
        if user && saved {
            self.dirty.store(true, Release);
        }
        Some(version)
    }

    pub(super) fn total(&self) -> u64 {
        self.total.load(Acquire)
    }

    pub(super) fn take_dirty(&self) -> bool {
        self.dirty.swap(false, AcqRel)
    }

    pub(super) fn all(&self) -> BTreeMap<String, Field> {
        self.all.lock().clone()
    }

    /// The scope that a build has declared counts before the state's.
    pub(super) fn load(&self, saved: &BTreeMap<String, SavedField>, preset: bool) {
        let mut all = self.all.lock();
        for (id, from) in saved {
            let scope = if from.project { Scope::Project } else { Scope::Everywhere };
            all.entry(id.clone()).or_insert_with(|| Field { scope, ..Field::default() });
        }
        for (id, field) in all.iter_mut() {
            if field.scope == Scope::Keep || (preset && field.scope == Scope::Project) {
                continue;
            }
            let bytes = saved.get(id).map(|saved| saved.bytes.as_slice());
            // The same bytes again need no second decoding, and no file read twice.
            if field.bytes.as_deref() != bytes {
                field.bytes = bytes.map(Arc::from);
                field.version += 1;
                self.total.fetch_add(1, Release);
            }
        }
        all.retain(|_, field| field.declared || field.bytes.is_some());
    }
}
