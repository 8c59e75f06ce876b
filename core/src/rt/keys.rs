//! Keys that the user presses in an editor, on their way to the next block: a fixed queue of atomics.
//!
//! Called by: `shell/editors` pushes, `shell/feed` takes. Calls: nothing. Threads: [`Keys::push`] [editor], one thread at
//! a time; the rest [audio]. Both sides are wait-free: no instruction of one is ever repeated for the other's sake.
//!
//! A key lies in atomic words, so that even two pushers at once would be no data race. The count of what was pushed is
//! released after the words and acquired before they are read; the count of what was taken the other way round. The loom
//! model at the end checks that every key arrives whole, once and in order.

#![deny(clippy::disallowed_types)]

use std::time::Instant;

use hotshell_abi::editor::EditorNote;
use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event, EventKind};

#[cfg(loom)]
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use Ordering::{Acquire, Relaxed, Release};

/// Most keys on their way. A power of two, so that the counts may wrap.
pub const PLACES: u32 = if cfg!(loom) { 2 } else { 256 };

/// Note ids from here on are the editors': no host counts that far.
const FIRST_ID: i32 = 0x7ff0_0000;
/// Bits of a note's number: what is left above [`FIRST_ID`].
const NUMBER: u32 = 0xf_ffff;

/// True for a note that an editor has played, of which the host knows nothing.
#[must_use]
pub const fn is_editors(note_id: i32) -> bool {
    note_id >= FIRST_ID
}

/// The number of the note after number `before`; never 0.
#[must_use]
pub const fn next_number(before: u32) -> u32 {
    let next = (before + 1) & NUMBER;
    if next == 0 { 1 } else { next }
}

/// One key, going down or up.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Key {
    /// Down.
    pub on: bool,
    /// The same for both; not 0.
    pub number: u32,
    /// Which, and how.
    pub note: EditorNote,
    /// When, in milliseconds of [`Keys::now`].
    pub at: u64,
}

impl Key {
    /// The event that it becomes, at time 0; `midi`: the logic takes notes as MIDI 1. It has the note's id then too, which
    /// is ours to read.
    #[must_use]
    pub fn event(&self, midi: bool) -> Event {
        /// As MIDI has it for keyboards that do not measure it.
        const RELEASE: f64 = 0.5;
        let address = NoteAddress {
            port: i16::try_from(self.note.port).unwrap_or(i16::MAX),
            channel: i16::from(self.note.channel & 15),
            key: i16::from(self.note.key & 127),
            note_id: FIRST_ID | (self.number & NUMBER).cast_signed(),
        };
        let (kind, value) =
            if self.on { (EventKind::NOTE_ON, self.note.velocity) } else { (EventKind::NOTE_OFF, RELEASE) };
        let event = Event::note(kind, 0, address, value);
        let event = if midi { as_midi(&event, self.note) } else { event };
        Event { flags: Event::LIVE, ..event }
    }

    /// Number, key, channel, port, direction.
    fn head(&self) -> u64 {
        u64::from(self.number & NUMBER)
            | u64::from(self.note.key & 127) << 20
            | u64::from(self.note.channel & 15) << 28
            | u64::from(self.note.port) << 32
            | u64::from(self.on) << 48
    }

    fn of([head, velocity, at]: [u64; 3]) -> Self {
        let byte = |shift: u32, mask: u8| head.wrapping_shr(shift).to_le_bytes()[0] & mask;
        let [_, _, _, _, low, high, on, _] = head.to_le_bytes();
        let [a, b, c, ..] = head.to_le_bytes();
        let note = EditorNote {
            key: byte(20, 127),
            channel: byte(28, 15),
            port: u16::from_le_bytes([low, high]),
            reserved: 0,
            velocity: f64::from_bits(velocity),
        };
        Self { on: on & 1 != 0, number: u32::from_le_bytes([a, b, c, 0]) & NUMBER, note, at }
    }
}

fn as_midi(event: &Event, note: EditorNote) -> Event {
    let on = event.kind == EventKind::NOTE_ON;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=127 after the clamp")]
    let velocity = (event.value.clamp(0.0, 1.0) * 127.0).round() as u8;
    // A note on of velocity 0 would be a note off.
    let (status, velocity) = if on { (0x90, velocity.max(1)) } else { (0x80, velocity) };
    let bytes = [status | note.channel & 15, note.key & 127, velocity];
    Event { note_id: event.note_id, ..Event::midi(0, event.port, bytes) }
}

/// The number of an editor's note.
#[must_use]
pub const fn number_of(note_id: i32) -> Option<u32> {
    if is_editors(note_id) { Some(note_id.cast_unsigned() & NUMBER) } else { None }
}

/// The queue.
#[derive(Debug)]
pub struct Keys {
    places: Box<[[AtomicU64; 3]]>,
    /// How many were ever pushed.
    pushed: AtomicU32,
    /// How many were ever taken.
    taken: AtomicU32,
    since: Instant,
}

impl Keys {
    /// An empty one. Allocates all it will ever use.
    #[must_use]
    pub fn new() -> Self {
        Self {
            places: (0..PLACES).map(|_| std::array::from_fn(|_| AtomicU64::new(0))).collect(),
            pushed: AtomicU32::new(0),
            taken: AtomicU32::new(0),
            since: Instant::now(),
        }
    }

    /// Milliseconds since the queue was made. [any]
    #[must_use]
    pub fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn place(&self, count: u32) -> &[AtomicU64; 3] {
        &self.places[(count % PLACES) as usize]
    }

    /// Places that a pusher finds free at least. [editor]
    #[must_use]
    pub fn room(&self) -> u32 {
        PLACES - self.pushed.load(Relaxed).wrapping_sub(self.taken.load(Acquire)).min(PLACES)
    }

    /// One more; false if there is no room. [editor], one thread at a time.
    pub fn push(&self, key: &Key) -> bool {
        if self.room() == 0 {
            return false;
        }
        let pushed = self.pushed.load(Relaxed);
        let [head, velocity, at] = self.place(pushed);
        head.store(key.head(), Relaxed);
        velocity.store(key.note.velocity.to_bits(), Relaxed);
        at.store(key.at, Relaxed);
        self.pushed.store(pushed.wrapping_add(1), Release);
        true
    }

    /// True if none waits at this moment. Two loads: what a block costs when nobody plays. [any]
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.pushed.load(Relaxed) == self.taken.load(Relaxed)
    }

    /// The oldest, which stays. [audio]
    #[must_use]
    pub fn first(&self) -> Option<Key> {
        let taken = self.taken.load(Relaxed);
        if self.pushed.load(Acquire) == taken {
            return None;
        }
        Some(Key::of(self.place(taken).each_ref().map(|word| word.load(Relaxed))))
    }

    /// Takes the oldest away, after [`Keys::first`] has shown it. [audio]
    pub fn take(&self) {
        self.taken.store(self.taken.load(Relaxed).wrapping_add(1), Release);
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
fn struck(on: bool, number: u32) -> Key {
    let note = EditorNote {
        key: u8::try_from(number & 127).unwrap(),
        channel: 15,
        port: 0xabcd,
        reserved: 0,
        velocity: f64::from(number),
    };
    Key { on, number, note, at: u64::from(number) }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn keys_arrive_as_they_were_pressed_and_in_order() {
        let keys = Keys::new();
        for round in 0..3 {
            let numbers = (1..=PLACES).map(|n| n + round * PLACES);
            let all: Vec<Key> = numbers.map(|number| struck(number % 3 != 0, number)).collect();
            assert!(all.iter().all(|key| keys.push(key)));
            assert!(!keys.push(&struck(true, 1)), "full");
            let mut got = Vec::new();
            while let Some(key) = keys.first() {
                keys.take();
                got.push(key);
            }
            assert_eq!(got, all);
            assert!(keys.is_empty());
        }
    }

    #[test]
    fn a_key_becomes_a_note_with_an_id_that_is_no_hosts() {
        for number in [1, NUMBER] {
            let (on, off) = (struck(true, number).event(false), struck(false, number).event(false));
            assert_eq!((on.kind, on.port, on.channel), (EventKind::NOTE_ON, i16::MAX, 15));
            assert_eq!((on.note_id, on.key), (off.note_id, off.key));
            assert_eq!(off.kind, EventKind::NOTE_OFF);
            assert!(is_editors(on.note_id));
            assert_eq!(number_of(on.note_id), Some(number));
            let midi = [true, false]
                .map(|on| Key { note: struck(on, number).note, ..struck(on, number) }.event(true));
            let key = u8::try_from(number & 127).unwrap();
            assert_eq!(midi.map(|event| event.midi_bytes()), [[0x9f, key, 127], [0x8f, key, 64]]);
            assert_eq!(
                midi.map(|event| (event.kind, event.port, event.note_id)),
                [(EventKind::MIDI, on.port, on.note_id); 2]
            );
        }
        assert!(!is_editors(-1) && !is_editors(1_000_000));
        assert_eq!(next_number(NUMBER), 1, "0 is no number");
    }
}

/// Run with `RUSTFLAGS="--cfg loom" cargo test -p hotshell-core --release --lib loom_`.
#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use loom::sync::Arc;
    use loom::thread;

    #[test]
    fn loom_keys_arrive_whole_once_and_in_order() {
        loom::model(|| {
            let keys = Arc::new(Keys::new());
            let editor = {
                let keys = Arc::clone(&keys);
                // One more than there are places: the third finds room or is refused.
                thread::spawn(move || {
                    (1..=3).filter(|number| keys.push(&struck(true, *number))).collect::<Vec<u32>>()
                })
            };
            let mut got = Vec::new();
            let mut look = || {
                while let Some(key) = keys.first() {
                    keys.take();
                    assert_eq!(key, struck(true, key.number), "whole");
                    got.push(key.number);
                }
            };
            look();
            let pushed = editor.join().unwrap();
            look();
            assert_eq!(got, pushed);
            assert!(pushed.starts_with(&[1, 2]));
        });
    }
}
