//! CLAP's events in our words, and ours in CLAP's; the transport.
//!
//! Called by: `process`, `ext/params`; the shell, by index. Calls: the host's lists. Threads: [audio]; [main] for a
//! flush while inactive. Nothing here allocates.
//!
//! The namespace is looked at before the type, the size before the payload, and a number before it is believed. An
//! event that makes no sense is skipped, never repaired into another one.

#![deny(clippy::disallowed_types)]

use clack_plugin::events::event_types::{
    Midi2Event, MidiEvent, MidiSysExEvent, NoteChokeEvent, NoteEndEvent, NoteExpressionEvent,
    NoteExpressionType, NoteOffEvent, NoteOnEvent, ParamGestureBeginEvent, ParamGestureEndEvent,
    ParamModEvent, ParamValueEvent, TransportEvent,
};
use clack_plugin::events::io::{InputEvents, OutputEvents};
use clack_plugin::events::{Event as _, EventFlags, EventHeader, Pckn, UnknownEvent};
use clack_plugin::utils::ClapId;
use clap_sys::events::{
    CLAP_CORE_EVENT_SPACE_ID, CLAP_TRANSPORT_HAS_BEATS_TIMELINE, CLAP_TRANSPORT_HAS_SECONDS_TIMELINE,
    CLAP_TRANSPORT_HAS_TEMPO, CLAP_TRANSPORT_HAS_TIME_SIGNATURE, CLAP_TRANSPORT_IS_LOOP_ACTIVE,
    CLAP_TRANSPORT_IS_PLAYING, CLAP_TRANSPORT_IS_RECORDING, CLAP_TRANSPORT_IS_WITHIN_PRE_ROLL,
    clap_event_note, clap_event_transport,
};
use clap_sys::fixedpoint::{CLAP_BEATTIME_FACTOR, CLAP_SECTIME_FACTOR};
use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event, EventKind, Transport};
use hotshell_core::shell::{EventSink, EventSource};

use crate::process::lists::{sysex_bytes, with_sysex};

/// The host's events of one call.
pub(crate) struct Input<'a> {
    list: Option<&'a InputEvents<'a>>,
    /// Latest time that an event may have.
    last: u32,
}

impl<'a> Input<'a> {
    /// `frames` of the block; 0 for a flush.
    pub(crate) const fn new(list: Option<&'a InputEvents<'a>>, frames: u32) -> Self {
        Self { list, last: frames.saturating_sub(1) }
    }

    /// An event of CLAP's own namespace.
    fn core(&self, index: u32) -> Option<&UnknownEvent> {
        let event = self.list?.get(index)?;
        (event.header().as_raw().space_id == CLAP_CORE_EVENT_SPACE_ID).then_some(event)
    }
}

impl EventSource for Input<'_> {
    fn len(&self) -> u32 {
        self.list.map_or(0, InputEvents::len)
    }

    fn event(&self, index: u32) -> Option<Event> {
        let event = self.core(index)?;
        let mut translated = translate(event)?;
        translated.time = event.header().time().min(self.last);
        let flags = event.header().flags();
        if flags.contains(EventFlags::IS_LIVE) {
            translated.flags |= Event::LIVE;
        }
        if flags.contains(EventFlags::DONT_RECORD) {
            translated.flags |= Event::DONT_RECORD;
        }
        Some(translated)
    }

    fn transport(&self, index: u32) -> Option<Transport> {
        let event = self.core(index)?.as_event::<TransportEvent>()?;
        Some(transport(event.as_raw(), event.time().min(self.last)))
    }
}

/// In our words, at time 0. `None`: not for a plug-in, or senseless.
fn translate(event: &UnknownEvent) -> Option<Event> {
    match event.header().type_id() {
        NoteOnEvent::TYPE_ID => {
            let raw = event.as_event::<NoteOnEvent>()?.as_raw();
            // A voice cannot start on "any" key or channel.
            (raw.key >= 0 && raw.channel >= 0).then_some(())?;
            note(EventKind::NOTE_ON, raw)
        }
        NoteOffEvent::TYPE_ID => note(EventKind::NOTE_OFF, event.as_event::<NoteOffEvent>()?.as_raw()),
        NoteChokeEvent::TYPE_ID => note(EventKind::NOTE_CHOKE, event.as_event::<NoteChokeEvent>()?.as_raw()),
        NoteExpressionEvent::TYPE_ID => expression(event.as_event()?),
        ParamValueEvent::TYPE_ID => {
            let raw = event.as_event::<ParamValueEvent>()?.as_raw();
            let address = address(raw.port_index, raw.channel, raw.key, raw.note_id)?;
            Some(param(EventKind::PARAM_VALUE, (raw.param_id, raw.value), address, raw.cookie.addr()))
        }
        ParamModEvent::TYPE_ID => {
            let raw = event.as_event::<ParamModEvent>()?.as_raw();
            let address = address(raw.port_index, raw.channel, raw.key, raw.note_id)?;
            Some(param(EventKind::PARAM_MOD, (raw.param_id, raw.amount), address, raw.cookie.addr()))
        }
        MidiEvent::TYPE_ID => {
            let midi = event.as_event::<MidiEvent>()?;
            let bytes = midi.data();
            (bytes[0] >= 0x80).then(|| Event::midi(0, port(midi.port_index()), bytes))
        }
        MidiSysExEvent::TYPE_ID => {
            let sysex = event.as_event::<MidiSysExEvent>()?;
            let bytes = sysex_bytes(sysex);
            (!bytes.is_empty()).then(|| Event::sysex(0, port(sysex.port_index()), bytes))
        }
        Midi2Event::TYPE_ID => {
            let midi = event.as_event::<Midi2Event>()?;
            let mut event = Event::new(EventKind::MIDI2, 0);
            event.port = port(midi.port_index());
            event.data = packed(midi.data());
            Some(event)
        }
        _ => None,
    }
}

fn note(kind: EventKind, raw: &clap_event_note) -> Option<Event> {
    let address = address(raw.port_index, raw.channel, raw.key, raw.note_id)?;
    // Chokes carry NaN (clap-validator).
    let velocity = if raw.velocity.is_finite() { raw.velocity.clamp(0.0, 1.0) } else { 0.0 };
    Some(Event::note(kind, 0, address, velocity))
}

fn expression(event: &NoteExpressionEvent) -> Option<Event> {
    let raw = event.as_raw();
    let address = address(raw.port_index, raw.channel, raw.key, raw.note_id)?;
    // clack's own reading knows six of the seven.
    let id = u32::try_from(raw.expression_id).ok().filter(|id| *id <= 6)?;
    raw.value.is_finite().then(|| {
        let mut event = Event::note(EventKind::NOTE_EXPRESSION, 0, address, raw.value);
        event.id = id;
        event
    })
}

fn param(kind: EventKind, (id, value): (u32, f64), address: NoteAddress, cookie: usize) -> Event {
    let mut event = Event::note(kind, 0, address, value);
    event.id = id;
    event.data[1] = cookie as u64;
    event
}

/// Every negative number is the wildcard; a key or channel beyond MIDI's is nobody's.
fn address(port: i16, channel: i16, key: i16, note_id: i32) -> Option<NoteAddress> {
    let address = NoteAddress {
        port: port.max(-1),
        channel: channel.max(-1),
        key: key.max(-1),
        note_id: note_id.max(-1),
    };
    (address.key <= 127 && address.channel <= 15).then_some(address)
}

fn port(index: u16) -> i16 {
    i16::try_from(index).unwrap_or(-1)
}

fn packed(words: [u32; 4]) -> [u64; 2] {
    let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    [pair(words[0], words[1]), pair(words[2], words[3])]
}

#[expect(clippy::cast_possible_truncation, reason = "the halves of each word, one after the other")]
const fn unpacked(data: [u64; 2]) -> [u32; 4] {
    [data[0] as u32, (data[0] >> 32) as u32, data[1] as u32, (data[1] >> 32) as u32]
}

/// The host's timeline from `time` on. Only what its flags vouch for, and only if it is a number: hosts leave poison
/// in the rest.
pub(crate) fn transport(raw: &clap_event_transport, time: u32) -> Transport {
    let has = |flag: u32| raw.flags & flag != 0;
    let mut t = Transport { time, ..Transport::UNKNOWN };
    if has(CLAP_TRANSPORT_HAS_TEMPO) && raw.tempo.is_finite() && raw.tempo > 0.0 {
        t.flags |= Transport::HAS_TEMPO;
        t.tempo = raw.tempo;
        t.tempo_increment = if raw.tempo_inc.is_finite() { raw.tempo_inc } else { 0.0 };
    }
    let looping = has(CLAP_TRANSPORT_IS_LOOP_ACTIVE);
    if has(CLAP_TRANSPORT_HAS_BEATS_TIMELINE) {
        t.flags |= Transport::HAS_BEATS;
        t.beats = fixed(raw.song_pos_beats, CLAP_BEATTIME_FACTOR);
        t.bar_start_beats = fixed(raw.bar_start, CLAP_BEATTIME_FACTOR);
        t.bar_number = raw.bar_number;
        if looping {
            t.loop_start_beats = fixed(raw.loop_start_beats, CLAP_BEATTIME_FACTOR);
            t.loop_end_beats = fixed(raw.loop_end_beats, CLAP_BEATTIME_FACTOR);
        }
    }
    if has(CLAP_TRANSPORT_HAS_SECONDS_TIMELINE) {
        t.flags |= Transport::HAS_SECONDS;
        t.seconds = fixed(raw.song_pos_seconds, CLAP_SECTIME_FACTOR);
        if looping {
            t.loop_start_seconds = fixed(raw.loop_start_seconds, CLAP_SECTIME_FACTOR);
            t.loop_end_seconds = fixed(raw.loop_end_seconds, CLAP_SECTIME_FACTOR);
        }
    }
    if has(CLAP_TRANSPORT_HAS_TIME_SIGNATURE) && raw.tsig_num > 0 && raw.tsig_denom > 0 {
        t.flags |= Transport::HAS_TIME_SIGNATURE;
        t.time_signature_numerator = raw.tsig_num;
        t.time_signature_denominator = raw.tsig_denom;
    }
    for (theirs, ours) in [
        (CLAP_TRANSPORT_IS_PLAYING, Transport::PLAYING),
        (CLAP_TRANSPORT_IS_RECORDING, Transport::RECORDING),
        (CLAP_TRANSPORT_IS_LOOP_ACTIVE, Transport::LOOPING),
        (CLAP_TRANSPORT_IS_WITHIN_PRE_ROLL, Transport::PRE_ROLL),
    ] {
        if has(theirs) {
            t.flags |= ours;
        }
    }
    t
}

#[expect(clippy::cast_precision_loss, reason = "31 fractional bits; a song position is far below 2^53")]
fn fixed(value: i64, factor: i64) -> f64 {
    value as f64 / factor as f64
}

/// Where a call's output events go. Times never decrease and stay inside the block.
pub(crate) struct Output<'a> {
    list: Option<&'a mut OutputEvents<'a>>,
    earliest: u32,
    last: u32,
}

impl<'a> Output<'a> {
    /// `frames` of the block; 0 for a flush.
    pub(crate) const fn new(list: Option<&'a mut OutputEvents<'a>>, frames: u32) -> Self {
        Self { list, earliest: 0, last: frames.saturating_sub(1) }
    }

    fn push<E: clack_plugin::events::Event>(&mut self, event: E, flags: u16) -> bool {
        let mut theirs = EventFlags::empty();
        theirs.set(EventFlags::IS_LIVE, flags & Event::LIVE != 0);
        theirs.set(EventFlags::DONT_RECORD, flags & Event::DONT_RECORD != 0);
        let event = event.with_flags(theirs);
        self.list.as_mut().is_some_and(|list| list.try_push(event.as_unknown()).is_ok())
    }
}

impl EventSink for Output<'_> {
    fn send(&mut self, event: &Event, sysex: &[u8]) -> bool {
        let time = event.time.min(self.last).max(self.earliest);
        self.earliest = time;
        let (flags, value) = (event.flags, event.value);
        let velocity = if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 };
        let at = Pckn::from_raw(event.port, event.channel, event.key, event.note_id);
        let (id, midi_port) = (ClapId::from_raw(event.id), u16::try_from(event.port).unwrap_or(0));
        match (event.kind, id) {
            (EventKind::NOTE_ON, _) => self.push(NoteOnEvent::new(time, at, velocity), flags),
            (EventKind::NOTE_OFF, _) => self.push(NoteOffEvent::new(time, at, velocity), flags),
            (EventKind::NOTE_CHOKE, _) => self.push(NoteChokeEvent::new(time, at), flags),
            (EventKind::NOTE_END, _) => self.push(NoteEndEvent::new(time, at), flags),
            (EventKind::NOTE_EXPRESSION, _) if value.is_finite() => expression_type(event.id)
                .is_some_and(|kind| self.push(NoteExpressionEvent::new(time, at, kind, value), flags)),
            (EventKind::PARAM_VALUE, Some(id)) if value.is_finite() => {
                self.push(ParamValueEvent::new(time, id, at, value), flags)
            }
            (EventKind::PARAM_MOD, Some(id)) if value.is_finite() => {
                self.push(ParamModEvent::new(time, id, at, value), flags)
            }
            (EventKind::GESTURE_BEGIN, Some(id)) => self.push(ParamGestureBeginEvent::new(time, id), flags),
            (EventKind::GESTURE_END, Some(id)) => self.push(ParamGestureEndEvent::new(time, id), flags),
            (EventKind::MIDI, _) => self.push(MidiEvent::new(time, midi_port, event.midi_bytes()), flags),
            (EventKind::MIDI2, _) => self.push(Midi2Event::new(time, midi_port, unpacked(event.data)), flags),
            (EventKind::SYSEX, _) if u32::try_from(sysex.len()).is_ok() => {
                with_sysex(time, midi_port, sysex, |event| self.push(event, flags))
            }
            _ => false,
        }
    }
}

const fn expression_type(id: u32) -> Option<NoteExpressionType> {
    Some(match id {
        0 => NoteExpressionType::Volume,
        1 => NoteExpressionType::Pan,
        2 => NoteExpressionType::Tuning,
        3 => NoteExpressionType::Vibrato,
        4 => NoteExpressionType::Expression,
        5 => NoteExpressionType::Brightness,
        6 => NoteExpressionType::Pressure,
        _ => return None,
    })
}

// The header is what all events share; a new field in it would be lost in translation.
const _: () = assert!(size_of::<EventHeader>() == 16);
