//! What a new instance must be told of the past: channel state, held and pedalled notes, expression, voice
//! modulation. And what must be closed downstream: notes that the old one has switched on there.
//!
//! Called by: `shell/feed` observes, `shell/swap` replays. Calls: nothing. Threads: [audio]; `new` allocates.

#![deny(clippy::disallowed_types)]

mod ump;
mod voices;

use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event, EventKind};

use ump::Ump;
use voices::Voices;

/// Most notes that are remembered; more than any keyboard and most sequencers hold at once. Further ones still sound,
/// and are not replayed.
const NOTES: usize = 256;
/// Most per-voice parameter offsets and values that are remembered.
const VOICE_VALUES: usize = 512;
/// Most pairs of note port and MIDI channel whose state is remembered.
const CHANNELS: usize = 64;
/// Most controllers and the like of MIDI 2 that are remembered.
const UMPS: usize = 512;
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
    /// MIDI's polyphonic pressure; 255: none yet.
    pressure: u8,
}

/// One MIDI channel of one note port: what a new instance must hear before its notes. 255 = never sent.
#[derive(Clone, Copy, Debug)]
struct Channel {
    port: i16,
    number: u8,
    controllers: [u8; 128],
    bend: Option<[u8; 2]>,
    pressure: u8,
    program: u8,
    /// The pedal came as MIDI 2, and is replayed as such.
    pedal_is_midi2: bool,
}

const NEVER: u8 = 255;
const SUSTAIN: usize = 64;

/// Everything that is remembered, fixed in size.
#[derive(Debug)]
pub struct Past {
    clock: u64,
    held: Vec<Held>,
    voice_values: Vec<Event>,
    channels: Vec<Channel>,
    /// MIDI 2: the latest of each controller, bend, pressure, program, and of what belongs to single notes.
    umps: Vec<Event>,
    /// Notes that the plug-in has switched on downstream and not off.
    downstream: Vec<Event>,
    /// Notes that have begun and whose end the author has not told.
    voices: Voices,
}

impl Past {
    /// Nothing heard yet. Allocates everything it will ever use.
    #[must_use]
    pub fn new() -> Self {
        Self {
            clock: 0,
            held: Vec::with_capacity(NOTES),
            voice_values: Vec::with_capacity(VOICE_VALUES),
            channels: Vec::with_capacity(CHANNELS),
            umps: Vec::with_capacity(UMPS),
            downstream: Vec::with_capacity(NOTES),
            voices: Voices::new(),
        }
    }

    /// Most events that [`Past::replay`] can write: of sixteen MIDI channels at most with every controller in use.
    #[must_use]
    pub const fn most_events() -> usize {
        16 * 131 + UMPS + NOTES * (3 + EXPRESSIONS) + VOICE_VALUES
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
        self.voices.clear();
    }

    /// The author tells the end of a note: true if the host knows that note.
    pub fn ends(&mut self, end: &Event) -> bool {
        self.voices.end(end)
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
            EventKind::MIDI2 => self.ump(event, at),
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
            let sounds = |event: &Event, key| {
                held.iter().any(|held| matches(&Ump::of(event).note(event, key), &held.on))
            };
            self.umps.retain(|event| Ump::of(event).of_note().is_none_or(|key| sounds(event, key)));
        }
    }

    /// State of one channel, remembered from here on; `None` with too many of them.
    fn channel(&mut self, port: i16, number: u8) -> Option<&mut Channel> {
        let found = self.channels.iter().position(|channel| channel.is(port, number));
        if found.is_none() {
            if self.channels.len() == CHANNELS {
                return None;
            }
            self.channels.push(Channel::new(port, number));
        }
        let last = self.channels.len() - 1;
        self.channels.get_mut(found.unwrap_or(last))
    }

    /// A MIDI 2 packet: notes like other notes, of everything else the latest.
    fn ump(&mut self, event: &Event, at: usize) {
        let ump = Ump::of(event);
        let Some(kind) = ump.kind() else { return };
        let note = |key| Event { data: [event.data[0], MIDI2_NOTE], ..ump.note(event, key) };
        match kind {
            ump::Kind::NoteOn(key) => self.note_on(note(key), at),
            ump::Kind::NoteOff(key) => self.note_off(&note(key)),
            ump::Kind::Controller(controller, value) => {
                self.keep_ump(event);
                // The same pedal: its seven upper bits.
                if usize::from(controller) == SUSTAIN {
                    self.controller(event.port, ump.channel(), controller, value);
                    if let Some(channel) = self.channel(event.port, ump.channel()) {
                        channel.pedal_is_midi2 = true;
                    }
                }
            }
            ump::Kind::Other => self.keep_ump(event),
        }
    }

    fn keep_ump(&mut self, event: &Event) {
        let same = |other: &&mut Event| other.port == event.port && Ump::of(other).replaces(&Ump::of(event));
        if let Some(slot) = self.umps.iter_mut().find(same) {
            slot.data = event.data;
        } else if self.umps.len() < UMPS {
            self.umps.push(*event);
        }
    }

    fn note_on(&mut self, on: Event, at: usize) {
        self.voices.begin(on);
        self.release(|held| same_note(&on, &held.on));
        if self.held.len() < NOTES {
            let since = self.clock + at as u64;
            let expressions = [f64::NAN; EXPRESSIONS];
            self.held.push(Held { on, since, pedalled: false, expressions, pressure: NEVER });
        }
    }

    fn note_off(&mut self, off: &Event) {
        for held in self.held.iter_mut().filter(|held| matches(off, &held.on)) {
            held.pedalled = pedal_down(&self.channels, held.on.port, held.on.channel);
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
        let (port, number) = (event.port, status & 15);
        let mut note = Event::note(
            EventKind::NOTE_ON,
            event.time,
            NoteAddress {
                port: event.port,
                channel: i16::from(status & 15),
                key: i16::from(first),
                // None, but for an editor's key.
                note_id: event.note_id,
            },
            f64::from(second) / 127.0,
        );
        // Bytes are kept in the payload so that a MIDI note is replayed as MIDI.
        note.data[1] = event.data[0] | MIDI_NOTE;
        match status & 0xf0 {
            0x90 if second > 0 => self.note_on(note, at),
            0x80 | 0x90 => self.note_off(&note),
            0xa0 => {
                for held in self.held.iter_mut().filter(|held| matches(&note, &held.on)) {
                    held.pressure = second;
                }
            }
            0xb0 => self.controller(port, number, first, second),
            kind @ (0xc0 | 0xd0 | 0xe0) => {
                let Some(channel) = self.channel(port, number) else { return };
                match kind {
                    0xc0 => channel.program = first,
                    0xd0 => channel.pressure = first,
                    _ => channel.bend = Some([first, second]),
                }
            }
            _ => {}
        }
    }

    fn controller(&mut self, port: i16, number: u8, controller: u8, value: u8) {
        // Bank select and data entry (0, 6, 32, 38, 96..=101) are kept like others; the order of replay is theirs.
        if let Some(channel) = self.channel(port, number) {
            channel.controllers[usize::from(controller)] = value;
            channel.pedal_is_midi2 &= usize::from(controller) != SUSTAIN;
        }
        match controller {
            64 if value < 64 => {
                self.release(|held| held.pedalled && on_channel(&held.on, port, number));
            }
            // All sound off, reset all controllers, all notes off.
            120 | 123..=127 => self.release(|held| on_channel(&held.on, port, number)),
            121 => {
                if let Some(channel) = self.channel(port, number) {
                    *channel = Channel { program: channel.program, ..Channel::new(port, number) };
                }
                self.release(|held| held.pedalled && on_channel(&held.on, port, number));
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
        for channel in &self.channels {
            channel.replay(&mut push);
        }
        let (of_notes, of_channels) = (
            |event: &&Event| Ump::of(event).of_note().is_some(),
            |event: &&Event| Ump::of(event).of_note().is_none(),
        );
        self.umps.iter().filter(of_channels).for_each(|event| push(*event));
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
            if held.pressure != NEVER {
                push(held.pressed());
            }
        }
        self.umps.iter().filter(of_notes).for_each(|event| push(*event));
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
/// The same for MIDI 2; its first two words are the other word of the payload.
const MIDI2_NOTE: u64 = 1 << 62;

impl Held {
    fn sounding(&self, clock: u64) -> Event {
        if self.on.data[1] & MIDI_NOTE != 0 {
            let age = clock.saturating_sub(self.since);
            return Event { kind: EventKind::MIDI, data: [self.on.data[1] & 0x00ff_ffff, age], ..self.on };
        }
        if self.on.data[1] & MIDI2_NOTE != 0 {
            return Event { kind: EventKind::MIDI2, value: 0.0, data: [self.on.data[0], 0], ..self.on };
        }
        Event { data: [clock.saturating_sub(self.since), 0], ..self.on }
    }

    /// Its polyphonic pressure, as MIDI.
    fn pressed(&self) -> Event {
        let low = |number: i16| u8::try_from(number.max(0) & 127).unwrap_or(0);
        let (channel, key) = (low(self.on.channel) & 15, low(self.on.key));
        Event::midi(0, self.on.port, [0xa0 | channel, key, self.pressure])
    }

    fn released(&self) -> Event {
        if self.on.data[1] & MIDI_NOTE != 0 {
            let [status, key, _] = self.sounding(0).midi_bytes();
            return Event::midi(0, self.on.port, [0x80 | (status & 15), key, 64]);
        }
        if self.on.data[1] & MIDI2_NOTE != 0 {
            return Ump::of(&self.on).release(&self.sounding(0));
        }
        Event { kind: EventKind::NOTE_OFF, value: 0.5, data: [0; 2], ..self.on }
    }
}

impl Channel {
    const fn new(port: i16, number: u8) -> Self {
        Self {
            port,
            number,
            controllers: [NEVER; 128],
            bend: None,
            pressure: NEVER,
            program: NEVER,
            pedal_is_midi2: false,
        }
    }

    const fn is(&self, port: i16, number: u8) -> bool {
        self.port == port && self.number == number
    }

    fn replay(&self, push: &mut impl FnMut(Event)) {
        let (port, number) = (self.port, self.number);
        if self.program != NEVER {
            push(Event::midi(0, port, [0xc0 | number, self.program, 0]));
        }
        for (controller, value) in (0_u8..120).zip(self.controllers) {
            if value != NEVER && !(self.pedal_is_midi2 && usize::from(controller) == SUSTAIN) {
                push(Event::midi(0, port, [0xb0 | number, controller, value]));
            }
        }
        if let Some([low, high]) = self.bend {
            push(Event::midi(0, port, [0xe0 | number, low, high]));
        }
        if self.pressure != NEVER {
            push(Event::midi(0, port, [0xd0 | number, self.pressure, 0]));
        }
    }
}

/// True if the note sounds on MIDI channel `number` of that port, or on any.
fn on_channel(on: &Event, port: i16, number: u8) -> bool {
    (on.port < 0 || on.port == port) && (on.channel < 0 || on.channel == i16::from(number))
}

const fn address(event: &Event) -> NoteAddress {
    NoteAddress { port: event.port, channel: event.channel, key: event.key, note_id: event.note_id }
}

fn pedal_down(channels: &[Channel], port: i16, channel: i16) -> bool {
    let meant = |other: &&Channel| {
        (port < 0 || other.port == port) && (channel < 0 || channel == i16::from(other.number))
    };
    channels.iter().filter(meant).any(|channel| (64..128).contains(&channel.controllers[SUSTAIN]))
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
