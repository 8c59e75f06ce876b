//! Events as an author sees them, in both directions.
//!
//! Called by: authors; `export/thunk` makes the lists. Calls: nothing. Threads: [audio].
#![deny(clippy::disallowed_types)]

use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event as RawEvent, EventKind};

use crate::export::sysex::RawEvents;
use crate::params::Param;

/// Which voice: `-1` in an event's address is a wildcard that means every voice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct NoteRef {
    /// Note port.
    pub port: i16,
    /// MIDI channel 0..=15.
    pub channel: i16,
    /// Key 0..=127.
    pub key: i16,
    /// The host's note id, or -1 where it gives none.
    pub id: i32,
}

impl NoteRef {
    /// A key on channel 0 of port 0, without an id.
    #[must_use]
    pub const fn key(key: i16) -> Self {
        Self { port: 0, channel: 0, key, id: -1 }
    }

    /// True if this address, of an event, means `voice`: each of its parts is a wildcard or the same. An id counts
    /// only where the voice has one too.
    #[must_use]
    pub const fn matches(&self, voice: &Self) -> bool {
        (self.port < 0 || self.port == voice.port)
            && (self.channel < 0 || self.channel == voice.channel)
            && (self.key < 0 || self.key == voice.key)
            && (self.id < 0 || voice.id < 0 || self.id == voice.id)
    }

    const fn of(event: &RawEvent) -> Self {
        Self { port: event.port, channel: event.channel, key: event.key, id: event.note_id }
    }

    const fn address(self) -> NoteAddress {
        NoteAddress { port: self.port, channel: self.channel, key: self.key, note_id: self.id }
    }
}

/// A per-note expression, in CLAP's units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum Expression {
    /// Linear gain, 0 to 4.
    Volume,
    /// 0 left, 0.5 centre, 1 right.
    Pan,
    /// Semitones, -120 to 120.
    Tuning,
    /// 0 to 1.
    Vibrato,
    /// 0 to 1.
    Expression,
    /// 0 to 1.
    Brightness,
    /// 0 to 1.
    Pressure,
    /// A number that this version has no name for.
    Other(u32),
}

impl Expression {
    const NAMED: [Self; 7] = [
        Self::Volume,
        Self::Pan,
        Self::Tuning,
        Self::Vibrato,
        Self::Expression,
        Self::Brightness,
        Self::Pressure,
    ];

    fn of(number: u32) -> Self {
        usize::try_from(number).ok().and_then(|i| Self::NAMED.get(i).copied()).unwrap_or(Self::Other(number))
    }

    fn number(self) -> u32 {
        match self {
            Self::Other(number) => number,
            named => Self::NAMED.iter().zip(0..).find(|(known, _)| **known == named).map_or(0, |(_, i)| i),
        }
    }
}

/// One event. Times in frames from the start of the sub-block that `process` works on.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A key goes down. From CLAP or from MIDI: the plug-in need not know which.
    NoteOn {
        /// Frames.
        time: u32,
        /// Its address, without wildcards.
        note: NoteRef,
        /// 0..=1.
        velocity: f32,
        /// `Some(age in frames)`: not a new note; a swap or a restart plays it again.
        replay: Option<u64>,
    },
    /// A key goes up.
    NoteOff {
        /// Frames.
        time: u32,
        /// May hold wildcards.
        note: NoteRef,
        /// 0..=1.
        velocity: f32,
    },
    /// Stop at once, without release.
    Choke {
        /// Frames.
        time: u32,
        /// May hold wildcards.
        note: NoteRef,
    },
    /// Out only: a voice has ended; lets the host free what it keeps per note.
    NoteEnd {
        /// Frames.
        time: u32,
        /// The voice's own address.
        note: NoteRef,
    },
    /// A note changes while it sounds.
    Expression {
        /// Frames.
        time: u32,
        /// May hold wildcards.
        note: NoteRef,
        /// Which.
        expression: Expression,
        /// In its units.
        value: f64,
    },
    /// A parameter's new value. It is in the parameter's cell already, unless `note` is set.
    Param {
        /// Frames.
        time: u32,
        /// The parameter: compare with [`Param::host_id`].
        id: u32,
        /// Plain.
        value: f64,
        /// For these voices only.
        note: Option<NoteRef>,
    },
    /// A modulation offset. It is in the parameter's cell already, unless `note` is set.
    Modulation {
        /// Frames.
        time: u32,
        /// The parameter: compare with [`Param::host_id`].
        id: u32,
        /// Plain units.
        offset: f64,
        /// For these voices only.
        note: Option<NoteRef>,
    },
    /// A MIDI 1 message that is not a note (controllers, bend, pressure, program).
    Midi {
        /// Frames.
        time: u32,
        /// Note port.
        port: i16,
        /// Status and two data bytes.
        bytes: [u8; 3],
    },
    /// A MIDI 2 universal packet.
    Midi2 {
        /// Frames.
        time: u32,
        /// Note port.
        port: i16,
        /// The packet.
        words: [u32; 4],
    },
    /// A system exclusive message.
    Sysex {
        /// Frames.
        time: u32,
        /// Note port.
        port: i16,
        /// From `0xF0` to `0xF7`.
        bytes: &'a [u8],
    },
}

impl<'a> Event<'a> {
    /// Frames from the sub-block's start.
    #[must_use]
    pub const fn time(&self) -> u32 {
        match self {
            Self::NoteOn { time, .. }
            | Self::NoteOff { time, .. }
            | Self::Choke { time, .. }
            | Self::NoteEnd { time, .. }
            | Self::Expression { time, .. }
            | Self::Param { time, .. }
            | Self::Modulation { time, .. }
            | Self::Midi { time, .. }
            | Self::Midi2 { time, .. }
            | Self::Sysex { time, .. } => *time,
        }
    }

    /// The value, if this is one of `param` for all voices.
    #[must_use]
    pub fn value_of(&self, param: &impl Param) -> Option<f64> {
        match self {
            Self::Param { id, value, note: None, .. } if *id == param.host_id() => Some(*value),
            _ => None,
        }
    }

    /// What crossed the boundary, or `None` for a kind that this version has no name for. For the Rig.
    #[doc(hidden)]
    #[must_use]
    pub fn decode(raw: &RawEvent, sysex: &'a [u8]) -> Option<Self> {
        let (time, note) = (raw.time, NoteRef::of(raw));
        let voice = raw.is_per_voice().then_some(note);
        Some(match raw.kind {
            EventKind::NOTE_ON => {
                let replay = (raw.flags & RawEvent::REPLAY != 0).then_some(raw.data[0]);
                Self::NoteOn { time, note, velocity: unit(raw.value), replay }
            }
            EventKind::NOTE_OFF => Self::NoteOff { time, note, velocity: unit(raw.value) },
            EventKind::NOTE_CHOKE => Self::Choke { time, note },
            EventKind::NOTE_END => Self::NoteEnd { time, note },
            EventKind::NOTE_EXPRESSION => {
                Self::Expression { time, note, expression: Expression::of(raw.id), value: raw.value }
            }
            EventKind::PARAM_VALUE => Self::Param { time, id: raw.id, value: raw.value, note: voice },
            EventKind::PARAM_MOD => Self::Modulation { time, id: raw.id, offset: raw.value, note: voice },
            EventKind::MIDI => Self::from_midi(time, raw.port, raw.midi_bytes(), raw),
            EventKind::MIDI2 => Self::Midi2 { time, port: raw.port, words: words(raw.data) },
            EventKind::SYSEX => Self::Sysex { time, port: raw.port, bytes: sysex },
            _ => return None,
        })
    }

    fn from_midi(time: u32, port: i16, bytes: [u8; 3], raw: &RawEvent) -> Self {
        let [status, key, value] = bytes;
        let (channel, key) = (i16::from(status & 0x0f), i16::from(key & 0x7f));
        let note = NoteRef { port, channel, key, id: -1 };
        let amount = f32::from(value & 0x7f) / 127.0;
        match status & 0xf0 {
            0x90 if value > 0 => {
                let replay = (raw.flags & RawEvent::REPLAY != 0).then_some(raw.data[1]);
                Self::NoteOn { time, note, velocity: amount, replay }
            }
            0x90 => Self::NoteOff { time, note, velocity: 0.5 },
            0x80 => Self::NoteOff { time, note, velocity: amount },
            0xa0 => {
                let value = f64::from(amount);
                Self::Expression { time, note, expression: Expression::Pressure, value }
            }
            _ => Self::Midi { time, port, bytes },
        }
    }

    /// The event as it crosses; system exclusives go another way. For the Rig.
    #[doc(hidden)]
    #[must_use]
    pub fn encode(&self) -> Option<RawEvent> {
        let note =
            |kind, time, note: NoteRef, value: f32| RawEvent::note(kind, time, note.address(), value.into());
        Some(match *self {
            Self::NoteOn { time, note: n, velocity, .. } => note(EventKind::NOTE_ON, time, n, velocity),
            Self::NoteOff { time, note: n, velocity } => note(EventKind::NOTE_OFF, time, n, velocity),
            Self::Choke { time, note: n } => note(EventKind::NOTE_CHOKE, time, n, 0.0),
            Self::NoteEnd { time, note: n } => note(EventKind::NOTE_END, time, n, 0.0),
            Self::Expression { time, note: n, expression, value } => {
                let mut raw = note(EventKind::NOTE_EXPRESSION, time, n, 0.0);
                (raw.id, raw.value) = (expression.number(), value);
                raw
            }
            Self::Param { time, id, value, note } => of_voice(RawEvent::param_value(time, id, value), note),
            Self::Modulation { time, id, offset, note } => {
                let raw = RawEvent { kind: EventKind::PARAM_MOD, ..RawEvent::param_value(time, id, offset) };
                of_voice(raw, note)
            }
            Self::Midi { time, port, bytes } => RawEvent::midi(time, port, bytes),
            Self::Midi2 { time, port, words: [a, b, c, d] } => {
                let pair = |low: u32, high: u32| u64::from(low) | (u64::from(high) << 32);
                RawEvent { port, data: [pair(a, b), pair(c, d)], ..RawEvent::new(EventKind::MIDI2, time) }
            }
            Self::Sysex { .. } => return None,
        })
    }
}

/// `raw` for the voices that `note` means; without a note for all.
const fn of_voice(mut raw: RawEvent, note: Option<NoteRef>) -> RawEvent {
    if let Some(NoteRef { port, channel, key, id }) = note {
        (raw.port, raw.channel, raw.key, raw.note_id) = (port, channel, key, id);
    }
    raw
}

fn unit(value: f64) -> f32 {
    use hotshell_abi::Sample;
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0).to_f32() }
}

#[expect(clippy::cast_possible_truncation, reason = "the halves of a word are taken apart")]
const fn words(data: [u64; 2]) -> [u32; 4] {
    [data[0] as u32, (data[0] >> 32) as u32, data[1] as u32, (data[1] >> 32) as u32]
}

/// The events of one sub-block, in order of time.
#[derive(Clone, Copy, Debug)]
pub struct EventList<'a> {
    raw: RawEvents<'a>,
}

impl<'a> EventList<'a> {
    pub(crate) const fn new(raw: RawEvents<'a>) -> Self {
        Self { raw }
    }

    /// True without events.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.raw.events().is_empty()
    }

    /// The events, in order of time. MIDI notes and key pressure arrive as notes.
    pub fn iter(&self) -> impl Iterator<Item = Event<'a>> + use<'a> {
        self.raw.iter().filter_map(|(raw, sysex)| Event::decode(raw, sysex))
    }

    /// The runs of frames between events of a sub-block of `frames`: each item is a range of frames and the events at
    /// its start, in order. Every frame comes exactly once. For instruments that render between their notes.
    pub fn runs(&self, frames: usize) -> Runs<'a> {
        Runs { raw: self.raw, next: 0, at: 0, frames }
    }
}

/// See [`EventList::runs`].
#[derive(Debug)]
pub struct Runs<'a> {
    raw: RawEvents<'a>,
    next: usize,
    at: usize,
    frames: usize,
}

impl<'a> Iterator for Runs<'a> {
    type Item = (std::ops::Range<usize>, EventList<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let events = self.raw.events();
        if self.at >= self.frames {
            // Events at or past the end (a host's mistake, or an empty block) are still handed out, once.
            if self.next >= events.len() {
                return None;
            }
            let late = self.raw.part(self.next..events.len());
            self.next = events.len();
            return Some((self.frames..self.frames, EventList::new(late)));
        }
        let first = self.next;
        let time = |event: &RawEvent| event.time as usize;
        while events.get(self.next).is_some_and(|event| time(event) <= self.at) {
            self.next += 1;
        }
        let end = events.get(self.next).map_or(self.frames, |event| time(event).min(self.frames));
        let run = (self.at..end, EventList::new(self.raw.part(first..self.next)));
        self.at = end;
        Some(run)
    }
}

#[cfg(test)]
mod tests;
