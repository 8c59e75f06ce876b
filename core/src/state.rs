//! Saved state of the shared half: what is in it, and how it gets in and out of one instance.
//!
//! Called by: `shell/control`, the command's state files. Calls: `state/{envelope,entries}`, `params`, `store`.
//! Threads: [main], serialised by the shell. Never touches [audio]: cells are written in place.
//!
//! A load: [`decode`] -> (the author's `migrate_state` by [`Document::entries`] and [`Document::rebuild`]) -> [`check`]
//! -> [`apply`]. Only `apply` changes anything, and it cannot fail halfway. If the author's own `load_state` refuses
//! afterwards, applying what [`collect`] answered before brings everything back.

mod entries;
mod envelope;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

pub use entries::Rebuild;
pub use envelope::{decode, encode};

use crate::params::{Parameters, SavedParam};
use crate::shell::StateContext;
use crate::store::{Scope, Store};

/// Fields at the top level that a newer version has written: kept, and written back.
pub(crate) type Extra = BTreeMap<String, rmpv::Value>;

/// One decoded state.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Document {
    /// Id of the plug-in that it belongs to.
    pub plugin: String,
    /// The author's `STATE_VERSION`.
    pub state_version: u32,
    /// By dotted id; also ids that no build knows.
    pub params: BTreeMap<String, SavedParam>,
    /// By dotted id; also ids that no build knows.
    pub fields: BTreeMap<String, SavedField>,
    /// What the author's `save_state` wrote.
    pub own: Vec<u8>,
    pub(crate) extra: Extra,
}

/// One saved field.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SavedField {
    /// The logic's encoding.
    pub bytes: Vec<u8>,
    /// Of project scope: not in presets.
    pub project: bool,
}

/// What [`apply`] did.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Applied {
    /// Some parameter differs from before: the host must read values again.
    pub values_changed: bool,
    /// What the author should read (values that did not fit), one line each.
    pub lines: Vec<String>,
}

/// Why a state was refused. Nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StateError {
    /// No bytes at all.
    Empty,
    /// Does not begin like one of ours: perhaps of the plug-in's past, `import_state` may know it.
    NotOurs,
    /// The envelope itself is newer than this shell.
    Newer {
        /// Its version.
        version: u32,
    },
    /// Shorter or longer than it says of itself.
    Length {
        /// Bytes that the header promises.
        expected: u64,
        /// Bytes that follow it.
        found: u64,
    },
    /// Of another plug-in.
    OtherPlugin {
        /// Whose.
        found: String,
    },
    /// The contents make no sense: what and where.
    Damaged(String),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the state is empty; save it again"),
            Self::NotOurs => f.write_str("the bytes are not a hotshell state"),
            Self::Newer { version } => {
                write!(f, "the state's envelope has version {version}; update the plug-in to load it")
            }
            Self::Length { expected, found } => {
                write!(f, "the state says it has {expected} bytes and has {found}; the file is damaged")
            }
            // Out of a file: `Debug` shows control characters instead of passing them to a terminal or a C string.
            Self::OtherPlugin { found } => write!(f, "the state belongs to the plug-in {found:?}"),
            Self::Damaged(what) => write!(f, "the state is damaged: {what}"),
        }
    }
}

impl std::error::Error for StateError {}

impl Document {
    /// An empty document of a plug-in: every parameter at its default when applied.
    #[must_use]
    pub fn new(plugin: &str, state_version: u32) -> Self {
        Self { plugin: plugin.to_owned(), state_version, ..Self::default() }
    }
}

/// What the instance holds at this moment: parameters (tombstones and parked values too), fields of the context's
/// scope, and `own`, the author's own bytes.
#[must_use]
pub fn collect(
    context: StateContext,
    plugin: &str,
    state_version: u32,
    params: &dyn Parameters,
    store: &Store,
    own: Vec<u8>,
) -> Document {
    let preset = context == StateContext::Preset;
    let mut fields = BTreeMap::new();
    for (id, field) in store.fields() {
        let project = field.scope == Scope::Project;
        if let Some(bytes) = field.bytes
            && field.scope != Scope::Keep
            && !(preset && project)
        {
            fields.insert(id, SavedField { bytes: bytes.to_vec(), project });
        }
    }
    let plugin = plugin.to_owned();
    Document { plugin, state_version, params: params.save(), fields, own, extra: store.extra() }
}

/// Would [`apply`] make sense of it? For documents that did not come from [`decode`] (migrated, imported).
///
/// # Errors
/// [`StateError::Damaged`] by the name of a value that is not finite.
pub fn check(document: &Document) -> Result<(), StateError> {
    match document.params.iter().find(|(_, saved)| !saved.value.is_finite()) {
        Some((id, saved)) => Err(StateError::Damaged(format!("parameter \"{id}\" is {}", saved.value))),
        None => Ok(()),
    }
}

/// Writes a document into the instance: values in place (clamped; missing ones become their default), fields by
/// scope, unknown ids kept. The logic hears `state_changed` before its next block. `document.own` is the caller's.
///
/// # Errors
/// As [`check`]; nothing was changed.
pub fn apply(
    context: StateContext,
    document: &Document,
    params: &dyn Parameters,
    store: &Store,
) -> Result<Applied, StateError> {
    check(document)?;
    let loaded = params.load(&document.params);
    store.load_fields(&document.fields, context == StateContext::Preset);
    store.set_extra(document.extra.clone());
    store.bump_state_generation();
    Ok(Applied { values_changed: loaded.changed, lines: loaded.lines })
}
