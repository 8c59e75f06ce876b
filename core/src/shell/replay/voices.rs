//! Voices that the host counts, and those that an editor has begun: whom an author's end of a note concerns.
//!
//! Called by: `shell/replay`. Calls: nothing. Threads: [audio]; `new` allocates.

#![deny(clippy::disallowed_types)]

use hotshell_abi::Event;

use super::matches;
use crate::rt::keys::is_editors;

/// Most voices that are remembered; beyond, the oldest is forgotten: an author who ends his notes has fewer.
const VOICES: usize = 512;

/// Notes whose end the author has not told yet, the oldest first in turn.
#[derive(Debug)]
pub(super) struct Voices {
    begun: Vec<Event>,
    oldest: usize,
}

impl Voices {
    pub(super) fn new() -> Self {
        Self { begun: Vec::with_capacity(VOICES), oldest: 0 }
    }

    pub(super) fn begin(&mut self, on: Event) {
        if self.begun.len() < VOICES {
            self.begun.push(on);
        } else {
            self.begun[self.oldest] = on;
            self.oldest = (self.oldest + 1) % VOICES;
        }
    }

    pub(super) fn clear(&mut self) {
        self.begun.clear();
        self.oldest = 0;
    }

    /// The author ends what `end` means; true if the host is to hear of it. Where it means a note of the editor's and one
    /// of the host's alike, the editor's ends first: the host's voice is told of the next time, rather than too soon.
    /// One that names no key means all of them.
    pub(super) fn end(&mut self, end: &Event) -> bool {
        let meant = |on: &Event| matches(end, on);
        let of_editor = |on: &Event| meant(on) && is_editors(on.note_id);
        if end.key >= 0
            && let Some(at) = self.begun.iter().position(of_editor)
        {
            self.begun.swap_remove(at);
            return false;
        }
        let hosts = self.begun.iter().any(|on| meant(on) && !is_editors(on.note_id));
        self.begun.retain(|on| !meant(on));
        self.oldest = 0;
        hosts
    }
}
