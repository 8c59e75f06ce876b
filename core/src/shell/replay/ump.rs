//! The little that the past must know of a MIDI 2 packet: is it a note, of which key, and which earlier one it replaces.
//!
//! Called by: `shell/replay`. Calls: nothing. Threads: [audio].

#![deny(clippy::disallowed_types)]

use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event, EventKind};

/// First two words of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ump(u32, u32);

/// What a MIDI 2 channel voice message does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Of that key.
    NoteOn(u8),
    /// Of that key.
    NoteOff(u8),
    /// Number, and the upper seven bits of the value.
    Controller(u8, u8),
    /// Bend, pressure, program, registered and single notes' controllers.
    Other,
}

impl Ump {
    #[expect(clippy::cast_possible_truncation, reason = "taken apart into words")]
    pub(super) const fn of(event: &Event) -> Self {
        Self(event.data[0] as u32, (event.data[0] >> 32) as u32)
    }

    const fn byte(self, place: u32) -> u8 {
        ((self.0 >> place) & 0xff) as u8
    }

    const fn status(self) -> u8 {
        self.byte(16) >> 4
    }

    /// 0..=15.
    pub(super) const fn channel(self) -> u8 {
        self.byte(16) & 15
    }

    /// `None` for a packet that is no MIDI 2 channel voice message.
    pub(super) const fn kind(self) -> Option<Kind> {
        if self.0 >> 28 != 4 {
            return None;
        }
        let index = self.byte(8) & 127;
        match self.status() {
            0x9 => Some(Kind::NoteOn(index)),
            0x8 => Some(Kind::NoteOff(index)),
            0xb => Some(Kind::Controller(index, ((self.1 >> 25) & 127) as u8)),
            0x7 | 0xf => None,
            _ => Some(Kind::Other),
        }
    }

    /// The key of a message that belongs to one note.
    pub(super) const fn of_note(self) -> Option<u8> {
        match self.status() {
            0x0 | 0x1 | 0x6 | 0xa => Some(self.byte(8) & 127),
            _ => None,
        }
    }

    /// True if the other message says the same thing anew.
    pub(super) const fn replaces(self, other: &Self) -> bool {
        let mask = match self.status() {
            0x0..=0x5 => u32::MAX,
            0x6 | 0xa | 0xb => 0xffff_ff00,
            _ => 0xffff_0000,
        };
        self.0 & mask == other.0 & mask
    }

    /// A note on of `key` at the address of `event`, for the list of held notes.
    pub(super) const fn note(self, event: &Event, key: u8) -> Event {
        let address =
            NoteAddress { port: event.port, channel: self.channel() as i16, key: key as i16, note_id: -1 };
        Event::note(EventKind::NOTE_ON, event.time, address, 0.0)
    }

    /// The release of the note that `on` is the packet of, at half velocity.
    pub(super) const fn release(self, on: &Event) -> Event {
        let first = (self.0 & 0xff0f_ff00) | 0x0080_0000;
        Event { data: [first as u64 | (0x8000_0000 << 32), 0], ..*on }
    }
}
