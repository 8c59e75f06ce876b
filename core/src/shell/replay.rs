//! What a new instance must be told of the past: channel state, held and pedalled notes, expression, voice
//! modulation. And what must be closed downstream: notes that the old one has switched on there.
//!
//! Called by: `shell/feed` observes, `shell/swap` replays. Calls: nothing. Threads: [audio]; `new` allocates.

#![deny(clippy::disallowed_types)]

use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event, EventKind};

/// Most notes that are remembered; more than any keyboard and most sequencers hold at once. Further ones still sound,
/// and are not replayed.
const NOTES: usize = 256;
/// Most per-voice parameter offsets and values that are remembered.
const VOICE_VALUES: usize = 512;
/// CLAP has seven note expressions.
const EXPRESSIONS: usize = 7;

#[derive(Clone, Copy, Debug)]
struct Held {
    on: Event,
    /// Frame count at which it started.
    since: u64,
    /// Released while the pedal was down.
    pedalled: bool,
    /// The latest of each expression; NaN: none yet.
    expressions: [f64; EXPRESSIONS],
}

/// One MIDI channel: what a new instance must hear before its notes. 255 = never sent.
#[derive(Clone, Copy, Debug)]
struct Channel {
    controllers: [u8; 128],
    bend: Option<[u8; 2]>,
    pressure: u8,
    program: u8,
}

const NEVER: u8 = 255;
const SUSTAIN: usize = 64;

/// Everything that is remembered, fixed in size.
#[derive(Debug)]
pub struct Past {
    clock: u64,
    held: Vec<Held>,
    voice_values: Vec<Event>,
    channels: Box<[Channel; 16]>,
    /// Notes that the plug-in has switched on downstream and not off.
    downstream: Vec<Event>,
}

impl Past {
    /// Nothing heard yet. Allocates everything it will ever use.
    #[must_use]
    pub fn new() -> Self {
        let silent = Channel { controllers: [NEVER; 128], bend: None, pressure: NEVER, program: NEVER };
        Self {
            clock: 0,
            held: Vec::with_capacity(NOTES),
            voice_values: Vec::with_capacity(VOICE_VALUES),
            channels: Box::new([silent; 16]),
            downstream: Vec::with_capacity(NOTES),
        }
    }

    /// Most events that [`Past::replay`] can write.
    #[must_use]
    pub const fn most_events() -> usize {
        16 * 131 + NOTES * (2 + EXPRESSIONS) + VOICE_VALUES
    }

    /// Time goes on.
    pub fn advance(&mut self, frames: usize) {
        self.clock += frames as u64;
    }

    /// The host has stopped all sound (reset): nothing is held any more; channel state stays.
    pub fn all_sound_off(&mut self) {
        self.held.clear();
        self.voice_values.clear();
        self.downstream.clear();
    }

    /// Remembers an event on its way in, `at` frames after the clock.
    pub fn observe(&mut self, event: &Event, at: usize) {
        match event.kind {
            EventKind::NOTE_ON => self.note_on(Event { data: [0; 2], ..*event }, at),
            EventKind::NOTE_OFF => self.note_off(event),
            EventKind::NOTE_CHOKE => self.release(|held| matches(event, &held.on)),
            EventKind::NOTE_EXPRESSION => {
                for held in self.held.iter_mut().filter(|held| matches(event, &held.on)) {
                    if let Some(slot) = held.expressions.get_mut(event.id as usize) {
                        *slot = event.value;
                    }
                }
            }
            EventKind::PARAM_VALUE | EventKind::PARAM_MOD if event.is_per_voice() => self.voice_value(*event),
            EventKind::MIDI => self.midi(event, at),
            _ => {}
        }
    }

    /// Forgets notes that have ended, and what was said of their voices.
    fn release(&mut self, ended: impl Fn(&Held) -> bool) {
        let before = self.held.len();
        self.held.retain(|held| !ended(held));
        if self.held.len() < before {
            let held = &self.held;
            self.voice_values.retain(|value| held.iter().any(|held| matches(value, &held.on)));
        }
    }

    fn note_on(&mut self, on: Event, at: usize) {
        self.release(|held| same_note(&on, &held.on));
        if self.held.len() < NOTES {
            let since = self.clock + at as u64;
            self.held.push(Held { on, since, pedalled: false, expressions: [f64::NAN; EXPRESSIONS] });
        }
    }

    fn note_off(&mut self, off: &Event) {
        for held in self.held.iter_mut().filter(|held| matches(off, &held.on)) {
            held.pedalled = pedal_down(&self.channels, held.on.channel);
        }
        self.release(|held| !held.pedalled && matches(off, &held.on));
    }

    fn voice_value(&mut self, event: Event) {
        if !self.held.iter().any(|held| matches(&event, &held.on)) {
            return;
        }
        let same = |other: &&mut Event| {
            other.kind == event.kind && other.id == event.id && address(other) == address(&event)
        };
        if let Some(slot) = self.voice_values.iter_mut().find(same) {
            slot.value = event.value;
        } else if self.voice_values.len() < VOICE_VALUES {
            self.voice_values.push(event);
        }
    }

    fn midi(&mut self, event: &Event, at: usize) {
        let [status, first, second] = event.midi_bytes();
        let (first, second) = (first & 127, second & 127);
        let number = usize::from(status & 15);
        let mut note = Event::note(
            EventKind::NOTE_ON,
            event.time,
            NoteAddress {
                port: event.port,
                channel: i16::from(status & 15),
                key: i16::from(first),
                note_id: -1,
            },
            f64::from(second) / 127.0,
        );
        // Bytes are kept in the payload so that a MIDI note is replayed as MIDI.
        note.data[1] = event.data[0] | MIDI_NOTE;
        match status & 0xf0 {
            0x90 if second > 0 => self.note_on(note, at),
            0x80 | 0x90 => self.note_off(&note),
            0xb0 => self.controller(number, first, second),
            0xc0 => self.channels[number].program = first,
            0xd0 => self.channels[number].pressure = first,
            0xe0 => self.channels[number].bend = Some([first, second]),
            _ => {}
        }
    }

    fn controller(&mut self, number: usize, controller: u8, value: u8) {
        // Bank select and data entry (0, 6, 32, 38, 96..=101) are kept like others; the order of replay is theirs.
        self.channels[number].controllers[usize::from(controller)] = value;
        match controller {
            64 if value < 64 => {
                self.release(|held| held.pedalled && on_channel(&held.on, number));
            }
            // All sound off, reset all controllers, all notes off.
            120 | 123..=127 => self.release(|held| on_channel(&held.on, number)),
            121 => {
                let Channel { controllers, bend, pressure, .. } = &mut self.channels[number];
                (*controllers, *bend, *pressure) = ([NEVER; 128], None, NEVER);
                self.release(|held| held.pedalled && on_channel(&held.on, number));
            }
            _ => {}
        }
    }

    /// Remembers an event that went to the host.
    pub fn observe_output(&mut self, event: &Event) {
        match event.kind {
            EventKind::NOTE_ON if self.downstream.len() < NOTES => self.downstream.push(*event),
            EventKind::NOTE_OFF | EventKind::NOTE_CHOKE => {
                self.downstream.retain(|on| on.kind == EventKind::MIDI || !matches(event, on));
            }
            EventKind::MIDI => {
                let [status, key, velocity] = event.midi_bytes();
                let same = |on: &Event| {
                    on.kind == EventKind::MIDI && {
                        let [other, other_key, _] = on.midi_bytes();
                        (other & 15, other_key, on.port) == (status & 15, key, event.port)
                    }
                };
                match status & 0xf0 {
                    0x90 if velocity > 0 && self.downstream.len() < NOTES => self.downstream.push(*event),
                    0x80 | 0x90 => self.downstream.retain(|on| !same(on)),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// Writes what closes the notes downstream, at time `time`, and forgets them.
    pub fn close_downstream(&mut self, time: u32, mut send: impl FnMut(Event)) {
        for on in self.downstream.drain(..) {
            if on.kind == EventKind::MIDI {
                let [status, key, _] = on.midi_bytes();
                send(Event::midi(time, on.port, [0x80 | (status & 15), key, 64]));
            } else {
                send(Event { kind: EventKind::NOTE_OFF, time, value: 0.5, flags: 0, data: [0; 2], ..on });
            }
        }
    }

    /// Writes the past as events at time 0: channel state, then notes with their age at host block frame `at`,
    /// expressions, voice values, then the releases of pedalled notes. `notes` false: channel state only (the author's
    /// `restore` took the voices over). Answers whether a note was among them.
    pub fn replay(&self, notes: bool, at: u32, out: &mut Vec<Event>) -> bool {
        let clock = self.clock + u64::from(at);
        let mut push = |event: Event| {
            if out.len() < out.capacity() {
                out.push(Event { time: 0, flags: event.flags | Event::REPLAY, ..event });
            }
        };
        for (number, channel) in (0_u8..16).zip(self.channels.iter()) {
            channel.replay(number, &mut push);
        }
        if !notes {
            return false;
        }
        for held in &self.held {
            push(held.sounding(clock));
            for (id, value) in (0_u32..).zip(held.expressions).filter(|(_, value)| value.is_finite()) {
                let mut event = Event::note(EventKind::NOTE_EXPRESSION, 0, address(&held.on), value);
                event.id = id;
                push(event);
            }
        }
        self.voice_values.iter().for_each(|value| push(*value));
        self.held.iter().filter(|held| held.pedalled).for_each(|held| push(held.released()));
        !self.held.is_empty()
    }
}

impl Default for Past {
    fn default() -> Self {
        Self::new()
    }
}

/// Marks a remembered note as one that came as MIDI; its bytes are in the low 24 bits of the same word.
const MIDI_NOTE: u64 = 1 << 63;

impl Held {
    fn sounding(&self, clock: u64) -> Event {
        if self.on.data[1] & MIDI_NOTE != 0 {
            let age = clock.saturating_sub(self.since);
            return Event { kind: EventKind::MIDI, data: [self.on.data[1] & 0x00ff_ffff, age], ..self.on };
        }
        Event { data: [clock.saturating_sub(self.since), 0], ..self.on }
    }

    fn released(&self) -> Event {
        if self.on.data[1] & MIDI_NOTE != 0 {
            let [status, key, _] = self.sounding(0).midi_bytes();
            return Event::midi(0, self.on.port, [0x80 | (status & 15), key, 64]);
        }
        Event { kind: EventKind::NOTE_OFF, value: 0.5, data: [0; 2], ..self.on }
    }
}

impl Channel {
    fn replay(&self, number: u8, push: &mut impl FnMut(Event)) {
        if self.program != NEVER {
            push(Event::midi(0, 0, [0xc0 | number, self.program, 0]));
        }
        for (controller, value) in (0_u8..120).zip(self.controllers) {
            if value != NEVER {
                push(Event::midi(0, 0, [0xb0 | number, controller, value]));
            }
        }
        if let Some([low, high]) = self.bend {
            push(Event::midi(0, 0, [0xe0 | number, low, high]));
        }
        if self.pressure != NEVER {
            push(Event::midi(0, 0, [0xd0 | number, self.pressure, 0]));
        }
    }
}

/// True if the note sounds on MIDI channel `number`, or on any.
fn on_channel(on: &Event, number: usize) -> bool {
    usize::try_from(on.channel).map_or(true, |channel| channel == number)
}

const fn address(event: &Event) -> NoteAddress {
    NoteAddress { port: event.port, channel: event.channel, key: event.key, note_id: event.note_id }
}

fn pedal_down(channels: &[Channel; 16], channel: i16) -> bool {
    let down = |channel: &Channel| (64..128).contains(&channel.controllers[SUSTAIN]);
    match usize::try_from(channel) {
        Ok(number) => channels.get(number).is_some_and(down),
        Err(_) => channels.iter().any(down),
    }
}

/// True if `event`'s address, with its wildcards, means the note `on`.
const fn matches(event: &Event, on: &Event) -> bool {
    (event.port < 0 || on.port < 0 || event.port == on.port)
        && (event.channel < 0 || on.channel < 0 || event.channel == on.channel)
        && (event.key < 0 || on.key < 0 || event.key == on.key)
        && (event.note_id < 0 || on.note_id < 0 || event.note_id == on.note_id)
}

/// True if a new note replaces `on`: the same id, or, without ids, the same key.
const fn same_note(new: &Event, on: &Event) -> bool {
    new.port == on.port && new.channel == on.channel && new.key == on.key && new.note_id == on.note_id
}

#[cfg(test)]
mod tests;
