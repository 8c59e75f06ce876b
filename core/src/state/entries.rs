//! A document as the flat list of entries that crosses the boundary, and back: `migrate_state`, `import_state`.
//!
//! Called by: `shell/control`. Calls: nothing. Threads: [main].

use hotshell_abi::table::{StateEntry, StateReceiver};
use hotshell_abi::{Slice, Str};

use super::{Document, SavedField};
use crate::params::SavedParam;

impl Document {
    /// Every entry, borrowed: parameters, fields, own bytes; unknown ids too.
    #[must_use]
    pub fn entries(&self) -> Vec<StateEntry<'_>> {
        let entry = |kind, id, value, bytes| StateEntry { kind, reserved: 0, id: Str::new(id), value, bytes };
        let params = self.params.iter().map(|(id, saved)| {
            let variant = saved.variant.as_deref().unwrap_or("");
            entry(StateEntry::PARAM, id.as_str(), saved.value, Slice::new(variant.as_bytes()))
        });
        let fields = self.fields.iter();
        let fields = fields.map(|(id, field)| entry(StateEntry::FIELD, id, 0.0, Slice::new(&field.bytes)));
        let own = (!self.own.is_empty()).then(|| entry(StateEntry::OWN, "", 0.0, Slice::new(&self.own)));
        params.chain(fields).chain(own).collect()
    }

    /// A receiver for the whole new document that `migrate_state` makes of this one. What no entry can say (scopes of
    /// fields, what a newer version added) is taken from here.
    #[must_use]
    pub fn rebuild(&self) -> Rebuild<'_> {
        let document = Self {
            plugin: self.plugin.clone(),
            state_version: self.state_version,
            extra: self.extra.clone(),
            ..Self::default()
        };
        Rebuild { from: self, document }
    }
}

/// Collects entries into a new document. See [`Document::rebuild`].
#[derive(Debug)]
pub struct Rebuild<'a> {
    from: &'a Document,
    document: Document,
}

impl Rebuild<'_> {
    /// The new document, of the author's current version.
    #[must_use]
    pub fn finish(self, state_version: u32) -> Document {
        Document { state_version, ..self.document }
    }
}

impl StateReceiver for Rebuild<'_> {
    /// Entries of kinds that this shell does not know are passed over.
    fn receive(&mut self, entry: &StateEntry<'_>) {
        let id = entry.id.as_str().to_owned();
        let bytes = entry.bytes.as_slice();
        match entry.kind {
            StateEntry::PARAM => {
                let variant =
                    std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty()).map(str::to_owned);
                self.document.params.insert(id, SavedParam { value: entry.value, variant });
            }
            StateEntry::FIELD => {
                let project = self.from.fields.get(&id).is_some_and(|field| field.project);
                self.document.fields.insert(id, SavedField { bytes: bytes.to_vec(), project });
            }
            StateEntry::OWN => self.document.own = bytes.to_vec(),
            _ => {}
        }
    }
}
