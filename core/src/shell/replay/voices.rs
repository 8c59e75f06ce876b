//! Voices that the host counts, and those that an editor has begun: whom an author's end of a note concerns.
//!
//! Called by: `shell/replay`. Calls: nothing. Threads: [audio]; `new` allocates.

#![deny(clippy::disallowed_types)]

use hotshell_abi::Event;

use super::matches;
use crate::rt::keys::is_editors;

/// Most voices that are remembered; beyond, the oldest is forgotten: an author who ends his notes has fewer.
const VOICES: usize = 512;

/// Notes whose end the author has not told yet, the oldest first.
#[derive(Debug)]
pub(super) struct Voices {
    begun: Vec<Event>,
}

impl Voices {
    pub(super) fn new() -> Self {
        Self { begun: Vec::with_capacity(VOICES) }
    }

    pub(super) fn begin(&mut self, on: Event) {
        if self.begun.len() == VOICES {
            self.begun.remove(0);
        }
        self.begun.push(on);
    }

    pub(super) fn clear(&mut self) {
        self.begun.clear();
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
            self.begun.remove(at);
            return false;
        }
        let hosts = self.begun.iter().any(|on| meant(on) && !is_editors(on.note_id));
        self.begun.retain(|on| !meant(on));
        hosts
    }
}

#[cfg(test)]
mod tests {
    use hotshell_abi::EventKind;
    use hotshell_abi::event::NoteAddress;

    use super::*;

    fn note(kind: EventKind, id: i32) -> Event {
        let key = i16::try_from(id % 128).expect("a key");
        Event::note(kind, 0, NoteAddress { port: 0, channel: 0, key, note_id: id }, 0.5)
    }

    #[test]
    fn the_oldest_is_forgotten_first_whatever_ended_in_between() {
        let most = i32::try_from(VOICES).expect("some");
        let mut voices = Voices::new();
        // Voices that the author never ends, and then some that he does.
        (0..most).for_each(|id| voices.begin(note(EventKind::NOTE_ON, id)));
        let held = [most, most + 1, most + 2];
        held.iter().for_each(|id| voices.begin(note(EventKind::NOTE_ON, *id)));
        for id in 10..15 {
            assert!(voices.end(&note(EventKind::NOTE_END, id)), "{id} sounds");
            voices.begin(note(EventKind::NOTE_ON, 1000 + id));
            voices.begin(note(EventKind::NOTE_ON, 2000 + id));
        }
        assert!(!voices.end(&note(EventKind::NOTE_END, 0)), "forgotten");
        for id in held {
            assert!(voices.end(&note(EventKind::NOTE_END, id)), "{id} sounds");
        }
    }
}
