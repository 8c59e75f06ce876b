//! Notes that the logic has started downstream: VST3 has no wildcards, so "every key" must be told note by note.
//!
//! Called by: `process/lists`. Calls: nothing. Threads: [audio]; `new` allocates: [main].

#![deny(clippy::disallowed_types)]

use hotshell_abi::event::NoteAddress;

/// Notes that are remembered. What is beyond them can be addressed by its own key only.
const MOST: usize = 1024;

/// What sounds downstream.
pub(crate) struct Sounding(Vec<NoteAddress>);

impl Sounding {
    /// Nothing yet. Allocates.
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(MOST))
    }

    pub(crate) fn start(&mut self, note: NoteAddress) {
        if self.0.len() < self.0.capacity() {
            self.0.push(note);
        }
    }

    /// Every note that `wanted` means.
    pub(crate) fn matching(&self, wanted: NoteAddress) -> impl Iterator<Item = NoteAddress> {
        self.0.iter().copied().filter(move |note| means(wanted, *note))
    }

    /// Forgets them.
    pub(crate) fn stop(&mut self, wanted: NoteAddress) {
        self.0.retain(|note| !means(wanted, *note));
    }
}

/// Negative numbers mean any; a note without an id is meant by its key.
fn means(wanted: NoteAddress, note: NoteAddress) -> bool {
    let any = |wanted: i16, given: i16| wanted < 0 || wanted == given;
    any(wanted.port, note.port)
        && any(wanted.channel, note.channel)
        && any(wanted.key, note.key)
        && (wanted.note_id < 0 || wanted.note_id == note.note_id || (note.note_id < 0 && wanted.key >= 0))
}
