//! The host's event lists and parameter queues, in our words and back. Null lists are empty ones.
//!
//! Called by: `process`. Calls: the host's lists, `events`. Threads: [audio]; [main] for a flush while inactive.
//!
//! A number is looked at before it is believed. An event that makes no sense is skipped, never repaired into another.

#![allow(unsafe_code, reason = "DESIGN 9.9: events come as C's unions and pointers")]
#![deny(clippy::disallowed_types)]

use std::mem::MaybeUninit;

use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event, EventKind};
use hotshell_core::shell::EventSink;
use vst3::ComRef;
use vst3::Steinberg::Vst::DataEvent_::DataTypes_::kMidiSysEx;
use vst3::Steinberg::Vst::Event_::{EventFlags_, EventTypes_ as types};
use vst3::Steinberg::Vst::{
    DataEvent, Event as RawEvent, Event__type0, IEventList, IEventListTrait, IParamValueQueueTrait,
    IParameterChanges, IParameterChangesTrait, LegacyMIDICCOutEvent, NoteExpressionValueEvent, NoteOffEvent,
    NoteOnEvent, PolyPressureEvent, ProcessData,
};
use vst3::Steinberg::kResultOk;

use crate::events::{Merged, as_midi, expression_in, expression_out};
use crate::params::Table;
use crate::process::sounding::Sounding;

/// A type's or flag's number; the bindings' enums are signed on Windows.
macro_rules! number {
    ($name:expr) => {{
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::unnecessary_cast,
            reason = "16 bits by VST3's definition"
        )]
        const NUMBER: u16 = $name as u16;
        NUMBER
    }};
}

const NOTE_ON: u16 = number!(types::kNoteOnEvent);
const NOTE_OFF: u16 = number!(types::kNoteOffEvent);
const DATA: u16 = number!(types::kDataEvent);
const POLY_PRESSURE: u16 = number!(types::kPolyPressureEvent);
const EXPRESSION: u16 = number!(types::kNoteExpressionValueEvent);
const CONTROLLER_OUT: u16 = number!(types::kLegacyMIDICCOutEvent);
const LIVE: u16 = number!(EventFlags_::kIsLive);

/// Reads a call's events and parameter points into `to`, sorted. `midi`: the logic takes notes as MIDI 1.
///
/// # Safety
/// The lists of `data` are null or valid for as long as what is in `to` is used.
pub(crate) unsafe fn read(data: &ProcessData, table: &Table, midi: bool, to: &mut Merged) {
    // SAFETY: by this function's contract.
    let (events, changes) =
        unsafe { (ComRef::from_raw(data.inputEvents), ComRef::from_raw(data.inputParameterChanges)) };
    // SAFETY: as above.
    let count = events.map_or(0, |events| unsafe { events.getEventCount() }).max(0);
    if let Some(changes) = changes {
        // Notes are not lost for the sake of a dense ramp (each may bring a tuning along), nor values for thousands
        // of notes.
        let for_notes = usize::try_from(count).unwrap_or(0).saturating_mul(2).min(to.room() / 2);
        // SAFETY: as above.
        unsafe { read_values(changes, table, to.room().saturating_sub(for_notes), to) };
    }
    if let Some(events) = events {
        for index in 0..count {
            let mut raw = MaybeUninit::<RawEvent>::zeroed();
            // SAFETY: as above; the place is good for one event, and all zeros is one (a note on).
            let found = unsafe { events.getEvent(index, raw.as_mut_ptr()) } == kResultOk;
            if found {
                // SAFETY: as above.
                unsafe { read_event(&raw.assume_init(), midi, to) };
            }
        }
    }
    to.sort();
}

/// Points of all queues. Where they do not fit, each queue keeps its last ones.
///
/// # Safety
/// The queues are valid for the call.
unsafe fn read_values(
    changes: ComRef<'_, IParameterChanges>,
    table: &Table,
    mut room: usize,
    to: &mut Merged,
) {
    // SAFETY: by this function's contract.
    let queues = unsafe { changes.getParameterCount() }.max(0);
    for index in 0..queues {
        // SAFETY: as above; null is checked.
        let Some(queue) = (unsafe { ComRef::from_raw(changes.getParameterData(index)) }) else { continue };
        // SAFETY: as above.
        let (id, points) = unsafe { (queue.getParameterId(), queue.getPointCount()) };
        // Hosts send queues for parameters that nobody has, and queues without points.
        let Some(target) = table.target(id) else { continue };
        let behind = usize::try_from(queues - index - 1).unwrap_or(0);
        let here = i32::try_from(room.saturating_sub(behind)).unwrap_or(i32::MAX);
        for point in (points - here.max(0)).max(0)..points {
            let (mut offset, mut value) = (0, f64::NAN);
            // SAFETY: as above; both places are ours.
            if unsafe { queue.getPoint(point, &raw mut offset, &raw mut value) } == kResultOk {
                to.push_value(offset, target, value);
                room = room.saturating_sub(1);
            }
        }
    }
}

fn port(index: i32) -> i16 {
    i16::try_from(index).ok().filter(|index| *index >= 0).unwrap_or(-1)
}

/// Every negative number is the wildcard; a key or channel beyond MIDI's is nobody's.
fn address(raw: &RawEvent, channel: i16, key: i16, note_id: i32) -> Option<NoteAddress> {
    let at = NoteAddress {
        port: port(raw.busIndex),
        channel: channel.max(-1),
        key: key.max(-1),
        note_id: note_id.max(-1),
    };
    (at.key <= 127 && at.channel <= 15).then_some(at)
}

fn unit(value: f32) -> f64 {
    if value.is_finite() { f64::from(value).clamp(0.0, 1.0) } else { 0.0 }
}

/// # Safety
/// The event is of the type that it says; the bytes of a data event are valid while what is in `to` is used.
unsafe fn read_event(raw: &RawEvent, midi: bool, to: &mut Merged) {
    // SAFETY: by this function's contract the field of the event's type is the one that is set; all but the data
    // event's pointer are plain numbers, of which every pattern is one.
    let found = unsafe {
        match raw.r#type {
            NOTE_ON => note_on(raw, raw.__field0.noteOn),
            NOTE_OFF => note_off(raw, raw.__field0.noteOff),
            POLY_PRESSURE => pressure(raw, raw.__field0.polyPressure),
            EXPRESSION => expression(raw, raw.__field0.noteExpressionValue),
            DATA => data(raw, raw.__field0.data),
            _ => None,
        }
    };
    let Some(mut event) = found else { return };
    if raw.flags & LIVE != 0 {
        event.flags |= Event::LIVE;
    }
    to.push(raw.sampleOffset, if midi { as_midi(&event) } else { event });
    // SAFETY: as above.
    let tuning = if event.kind == EventKind::NOTE_ON { unsafe { raw.__field0.noteOn.tuning } } else { 0.0 };
    if tuning.is_finite() && tuning != 0.0 && !midi {
        // Cents of the note itself; ours are semitones.
        let semitones = f64::from(tuning).clamp(-12_000.0, 12_000.0) / 100.0;
        to.push(
            raw.sampleOffset,
            Event { kind: EventKind::NOTE_EXPRESSION, id: 2, value: semitones, ..event },
        );
    }
}

fn note_on(raw: &RawEvent, note: NoteOnEvent) -> Option<Event> {
    // A voice cannot start on "any" key or channel.
    (note.pitch >= 0 && note.channel >= 0).then_some(())?;
    let at = address(raw, note.channel, note.pitch, note.noteId)?;
    Some(Event::note(EventKind::NOTE_ON, 0, at, unit(note.velocity)))
}

fn note_off(raw: &RawEvent, note: NoteOffEvent) -> Option<Event> {
    let at = address(raw, note.channel, note.pitch, note.noteId)?;
    Some(Event::note(EventKind::NOTE_OFF, 0, at, unit(note.velocity)))
}

fn pressure(raw: &RawEvent, note: PolyPressureEvent) -> Option<Event> {
    let at = address(raw, note.channel, note.pitch, note.noteId)?;
    let mut event = Event::note(EventKind::NOTE_EXPRESSION, 0, at, unit(note.pressure));
    event.id = 6;
    Some(event)
}

fn expression(raw: &RawEvent, note: NoteExpressionValueEvent) -> Option<Event> {
    let at = address(raw, -1, -1, note.noteId)?;
    let (id, value) = expression_in(note.typeId, note.value)?;
    let mut event = Event::note(EventKind::NOTE_EXPRESSION, 0, at, value);
    event.id = id;
    Some(event)
}

/// # Safety
/// Reading the bytes is up to the event's user, who does it during the call.
unsafe fn data(raw: &RawEvent, data: DataEvent) -> Option<Event> {
    const SYSEX: u32 = number!(kMidiSysEx) as u32;
    let size = usize::try_from(data.size).ok()?;
    if data.r#type != SYSEX || data.bytes.is_null() || size == 0 {
        return None;
    }
    // SAFETY: VST3: `size` bytes, valid during the call that carries them.
    let bytes = unsafe { std::slice::from_raw_parts(data.bytes, size) };
    Some(Event::sysex(0, port(raw.busIndex), bytes))
}

/// Where a call's output goes. Times never decrease and stay inside the block.
pub(crate) struct Output<'a> {
    changes: Option<ComRef<'a, IParameterChanges>>,
    events: Option<ComRef<'a, IEventList>>,
    table: &'a Table,
    sounding: &'a mut Sounding,
    earliest: u32,
    last: u32,
}

impl<'a> Output<'a> {
    /// # Safety
    /// The output lists of `data` are null or valid for `'a`.
    pub(crate) unsafe fn new(
        data: &ProcessData,
        table: &'a Table,
        sounding: &'a mut Sounding,
        frames: u32,
    ) -> Self {
        // SAFETY: by this function's contract.
        let (changes, events) =
            unsafe { (ComRef::from_raw(data.outputParameterChanges), ComRef::from_raw(data.outputEvents)) };
        Self { changes, events, table, sounding, earliest: 0, last: frames.saturating_sub(1) }
    }

    fn value(&self, time: i32, event: &Event) -> bool {
        let (Some(changes), Some((id, travel))) = (self.changes, self.table.travel(event.id)) else {
            return false;
        };
        let mut index = 0;
        // SAFETY: `new`'s contract; the places are ours. Cubase 12 answers no queue in its first blocks.
        unsafe {
            let Some(queue) = ComRef::from_raw(changes.addParameterData(&raw const id, &raw mut index))
            else {
                return false;
            };
            queue.addPoint(time, travel.normalised(event.value), &raw mut index) == kResultOk
        }
    }

    fn event(&self, time: i32, event: &Event, kind: u16, field: Event__type0) -> bool {
        let Some(events) = self.events else { return false };
        let mut raw = RawEvent {
            busIndex: i32::from(event.port.max(0)),
            sampleOffset: time,
            ppqPosition: 0.0,
            flags: if event.flags & Event::LIVE == 0 { 0 } else { LIVE },
            r#type: kind,
            __field0: field,
        };
        // SAFETY: `new`'s contract; the event is ours, its field is the one of its type.
        unsafe { events.addEvent(&raw mut raw) == kResultOk }
    }

    fn midi(&mut self, time: i32, event: &Event) -> bool {
        let [status, first, second] = event.midi_bytes();
        let (first, second) = (first & 0x7f, second & 0x7f);
        let note = |kind| {
            let value = f64::from(second) / 127.0;
            let (channel, key) = (i16::from(status & 0xf), i16::from(first));
            Event { kind, channel, key, value, note_id: -1, ..*event }
        };
        match status & 0xf0 {
            0x90 if second > 0 => self.note_on(time, &note(EventKind::NOTE_ON)),
            0x80 | 0x90 => self.note_off(time, &note(EventKind::NOTE_OFF)),
            0xa0 => self.controller(time, event, 131, first, second),
            0xb0 => self.controller(time, event, first, second, 0),
            0xc0 => self.controller(time, event, 130, first, 0),
            0xd0 => self.controller(time, event, 128, first, 0),
            0xe0 => self.controller(time, event, 129, first, second),
            _ => false,
        }
    }

    fn controller(&self, time: i32, event: &Event, number: u8, value: u8, second: u8) -> bool {
        let channel = (event.midi_bytes()[0] & 0xf).cast_signed();
        let midi = LegacyMIDICCOutEvent {
            controlNumber: number,
            channel,
            value: value.cast_signed(),
            value2: second.cast_signed(),
        };
        self.event(time, event, CONTROLLER_OUT, Event__type0 { midiCCOut: midi })
    }

    fn note_on(&mut self, time: i32, event: &Event) -> bool {
        let (channel, pitch, velocity) = (event.channel.max(0), event.key, single(event.value));
        let note = NoteOnEvent { channel, pitch, tuning: 0.0, velocity, length: 0, noteId: event.note_id };
        let sent = self.event(time, event, NOTE_ON, Event__type0 { noteOn: note });
        if sent {
            self.sounding.start(NoteAddress { channel, port: event.port.max(0), ..place(event) });
        }
        sent
    }

    /// A key and a channel go out as they are; "any" of them becomes every note that sounds there.
    fn note_off(&mut self, time: i32, event: &Event) -> bool {
        let wanted = place(event);
        let sent = if wanted.key >= 0 && wanted.channel >= 0 {
            self.let_go(time, event, wanted)
        } else {
            // Each of them, whether or not there was room for the one before.
            self.sounding.matching(wanted).filter(|note| !self.let_go(time, event, *note)).count() == 0
        };
        self.sounding.stop(wanted);
        sent
    }

    fn let_go(&self, time: i32, event: &Event, at: NoteAddress) -> bool {
        let (channel, pitch, velocity) = (at.channel, at.key, single(event.value));
        let note = NoteOffEvent { channel, pitch, velocity, noteId: at.note_id, tuning: 0.0 };
        let event = Event { port: at.port, ..*event };
        self.event(time, &event, NOTE_OFF, Event__type0 { noteOff: note })
    }

    /// VST3's expressions know a note by its id alone.
    fn expression(&self, time: i32, event: &Event) -> bool {
        let Some((kind, value)) = expression_out(event.id, event.value) else { return false };
        let send = |id| {
            let field = NoteExpressionValueEvent { typeId: kind, noteId: id, value };
            self.event(time, event, EXPRESSION, Event__type0 { noteExpressionValue: field })
        };
        if event.note_id >= 0 {
            return send(event.note_id);
        }
        let ids = self.sounding.matching(place(event)).map(|note| note.note_id).filter(|id| *id >= 0);
        ids.filter(|id| send(*id)).count() > 0
    }

    fn sysex(&self, time: i32, event: &Event, bytes: &[u8]) -> bool {
        let Ok(size) = u32::try_from(bytes.len()) else { return false };
        let field = DataEvent { size, r#type: 0, bytes: bytes.as_ptr() };
        self.event(time, event, DATA, Event__type0 { data: field })
    }
}

impl EventSink for Output<'_> {
    fn send(&mut self, event: &Event, sysex: &[u8]) -> bool {
        let time = event.time.min(self.last).max(self.earliest);
        self.earliest = time;
        let time = i32::try_from(time).unwrap_or(i32::MAX);
        match event.kind {
            EventKind::NOTE_ON => self.note_on(time, event),
            EventKind::NOTE_OFF | EventKind::NOTE_CHOKE => self.note_off(time, event),
            // VST3 hosts do not follow voices, and know no gestures but the user's, on the main thread.
            EventKind::NOTE_END | EventKind::GESTURE_BEGIN | EventKind::GESTURE_END => true,
            EventKind::NOTE_EXPRESSION => self.expression(time, event),
            EventKind::PARAM_VALUE if event.value.is_finite() => self.value(time, event),
            EventKind::MIDI => self.midi(time, event),
            EventKind::SYSEX => self.sysex(time, event, sysex),
            // VST3 has no word for modulation.
            _ => false,
        }
    }
}

const fn place(event: &Event) -> NoteAddress {
    NoteAddress { port: event.port, channel: event.channel, key: event.key, note_id: event.note_id }
}

/// A velocity.
#[expect(clippy::cast_possible_truncation, reason = "rounding to single precision is the point")]
fn single(value: f64) -> f32 {
    if value.is_finite() { value.clamp(0.0, 1.0) as f32 } else { 0.0 }
}
