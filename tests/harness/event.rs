//! Events as a host writes them, in memory that a block may read without allocating.
//!
//! Called by: tests, `audio`. Calls: nothing. Threads: [any]; the lists belong to one block at a time.
#![allow(unsafe_code, reason = "CLAP's event lists are callbacks over raw pointers; harness, DESIGN 9.9")]

use std::ffi::c_void;
use std::ptr;

use clap_sys::events::*;

/// One event. Times are frames within the block. A port, channel, key or note id of -1 means any.
#[derive(Clone, Copy, PartialEq, Debug)]
#[allow(missing_docs, reason = "the fields are CLAP's own words; only the variants need any")]
pub enum Event {
    /// A key goes down.
    NoteOn { time: u32, channel: i16, key: i16, id: i32, velocity: f64 },
    /// A key goes up.
    NoteOff { time: u32, channel: i16, key: i16, id: i32 },
    /// A voice is silenced at once.
    Choke { time: u32, channel: i16, key: i16, id: i32 },
    /// An expression of CLAP's numbers.
    Expression { time: u32, expression: i32, channel: i16, key: i16, id: i32, value: f64 },
    /// A plain value, with or without the cookie that `get_info` gave.
    Param { time: u32, id: u32, value: f64, cookie: usize },
    /// A mono modulation.
    Mod { time: u32, id: u32, amount: f64, cookie: usize },
    /// A polyphonic modulation of one note.
    NoteMod { time: u32, id: u32, amount: f64, note: i32 },
    /// A parameter value in a space that no plug-in knows: must be ignored.
    Foreign { time: u32, id: u32, value: f64 },
    /// Three bytes.
    Midi { time: u32, data: [u8; 3] },
}

impl Event {
    /// Frames from the block's start.
    #[must_use]
    pub const fn time(&self) -> u32 {
        match *self {
            Self::NoteOn { time, .. }
            | Self::NoteOff { time, .. }
            | Self::Choke { time, .. }
            | Self::Expression { time, .. }
            | Self::Param { time, .. }
            | Self::Mod { time, .. }
            | Self::NoteMod { time, .. }
            | Self::Foreign { time, .. }
            | Self::Midi { time, .. } => time,
        }
    }
}

/// What the plug-in sent.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sent {
    /// Index of the block since the recording began.
    pub block: u64,
    /// Frames within the block.
    pub time: u32,
    /// CLAP's event type.
    pub kind: u16,
    /// Parameter id, or key.
    pub id: u32,
    /// Note id of a note event.
    pub note: i32,
    /// Value, or velocity.
    pub value: f64,
}

#[derive(Clone, Copy)]
#[repr(C)]
union Raw {
    header: clap_event_header,
    note: clap_event_note,
    expression: clap_event_note_expression,
    param: clap_event_param_value,
    modulation: clap_event_param_mod,
    midi: clap_event_midi,
}

fn header<T>(time: u32, kind: u16, space: u16) -> clap_event_header {
    let size = u32::try_from(size_of::<T>()).expect("events are small");
    clap_event_header { size, time, space_id: space, type_: kind, flags: 0 }
}

fn note(kind: u16, time: u32, channel: i16, key: i16, id: i32, velocity: f64) -> Raw {
    let header = header::<clap_event_note>(time, kind, CLAP_CORE_EVENT_SPACE_ID);
    Raw { note: clap_event_note { header, note_id: id, port_index: 0, channel, key, velocity } }
}

fn value(time: u32, space: u16, id: u32, value: f64, cookie: usize) -> Raw {
    let header = header::<clap_event_param_value>(time, CLAP_EVENT_PARAM_VALUE, space);
    let cookie = ptr::without_provenance_mut(cookie);
    Raw {
        param: clap_event_param_value {
            header,
            param_id: id,
            cookie,
            note_id: -1,
            port_index: -1,
            channel: -1,
            key: -1,
            value,
        },
    }
}

fn modulation(time: u32, id: u32, amount: f64, note_id: i32, cookie: usize) -> Raw {
    let header = header::<clap_event_param_mod>(time, CLAP_EVENT_PARAM_MOD, CLAP_CORE_EVENT_SPACE_ID);
    let cookie = ptr::without_provenance_mut(cookie);
    Raw {
        modulation: clap_event_param_mod {
            header,
            param_id: id,
            cookie,
            note_id,
            port_index: -1,
            channel: -1,
            key: -1,
            amount,
        },
    }
}

fn raw(event: Event) -> Raw {
    match event {
        Event::NoteOn { time, channel, key, id, velocity } => {
            note(CLAP_EVENT_NOTE_ON, time, channel, key, id, velocity)
        }
        Event::NoteOff { time, channel, key, id } => note(CLAP_EVENT_NOTE_OFF, time, channel, key, id, 0.0),
        Event::Choke { time, channel, key, id } => note(CLAP_EVENT_NOTE_CHOKE, time, channel, key, id, 0.0),
        Event::Expression { time, expression, channel, key, id, value } => {
            let header = header::<clap_event_note_expression>(
                time,
                CLAP_EVENT_NOTE_EXPRESSION,
                CLAP_CORE_EVENT_SPACE_ID,
            );
            Raw {
                expression: clap_event_note_expression {
                    header,
                    expression_id: expression,
                    note_id: id,
                    port_index: 0,
                    channel,
                    key,
                    value,
                },
            }
        }
        Event::Param { time, id, value: plain, cookie } => {
            value(time, CLAP_CORE_EVENT_SPACE_ID, id, plain, cookie)
        }
        Event::Foreign { time, id, value: plain } => value(time, 0xb33f, id, plain, 0),
        Event::Mod { time, id, amount, cookie } => modulation(time, id, amount, -1, cookie),
        Event::NoteMod { time, id, amount, note } => modulation(time, id, amount, note, 0),
        Event::Midi { time, data } => {
            let header = header::<clap_event_midi>(time, CLAP_EVENT_MIDI, CLAP_CORE_EVENT_SPACE_ID);
            Raw { midi: clap_event_midi { header, port_index: 0, data } }
        }
    }
}

/// Input events of one block.
#[derive(Default)]
pub struct Input {
    events: Vec<Raw>,
}

// SAFETY: the pointers in `Raw` are cookies, which nobody dereferences here.
unsafe impl Send for Input {}

impl Input {
    /// Room for `capacity` events.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { events: Vec::with_capacity(capacity) }
    }

    /// Replaces the events, ordered by time. Allocates only past the capacity.
    pub fn fill(&mut self, events: &[Event]) {
        self.events.clear();
        self.events.extend(events.iter().map(|event| raw(*event)));
        // SAFETY: every variant of `Raw` begins with its header.
        self.events.sort_by_key(|event| unsafe { event.header.time });
    }

    /// The list as CLAP hands it over; valid while `self` is neither moved nor filled.
    #[must_use]
    pub fn as_raw(&self) -> clap_input_events {
        clap_input_events {
            ctx: ptr::from_ref(self).cast_mut().cast::<c_void>(),
            size: Some(input_size),
            get: Some(input_get),
        }
    }
}

unsafe extern "C" fn input_size(list: *const clap_input_events) -> u32 {
    // SAFETY: `ctx` is the `Input` that made the list and outlives the call.
    let input = unsafe { &*(*list).ctx.cast::<Input>() };
    u32::try_from(input.events.len()).unwrap_or(u32::MAX)
}

unsafe extern "C" fn input_get(list: *const clap_input_events, index: u32) -> *const clap_event_header {
    // SAFETY: as above.
    let input = unsafe { &*(*list).ctx.cast::<Input>() };
    input.events.get(index as usize).map_or(ptr::null(), |event| ptr::from_ref(event).cast())
}

/// Output events of one block, in memory made beforehand.
#[derive(Debug)]
pub struct Output {
    /// What was sent, in order.
    pub sent: Vec<Sent>,
    /// Events beyond the capacity.
    pub lost: u64,
    /// Index that the next events carry.
    pub block: u64,
}

impl Output {
    /// Room for `capacity` events.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { sent: Vec::with_capacity(capacity), lost: 0, block: 0 }
    }

    /// The list as CLAP hands it over; valid while `self` is not moved or borrowed.
    #[must_use]
    pub fn as_raw(&mut self) -> clap_output_events {
        clap_output_events { ctx: ptr::from_mut(self).cast::<c_void>(), try_push: Some(output_push) }
    }
}

unsafe extern "C" fn output_push(list: *const clap_output_events, event: *const clap_event_header) -> bool {
    // SAFETY: `ctx` is the `Output` that made the list; nobody else borrows it during the call.
    let output = unsafe { &mut *(*list).ctx.cast::<Output>() };
    if output.sent.len() == output.sent.capacity() {
        output.lost += 1;
        return false;
    }
    // SAFETY: CLAP: `event` points to an event whose header tells its type and so its size.
    let sent = unsafe { sent(output.block, event) };
    output.sent.push(sent);
    true
}

/// # Safety
/// `event` points to a CLAP event of the type that its header names.
unsafe fn sent(block: u64, event: *const clap_event_header) -> Sent {
    // SAFETY: by contract.
    let header = unsafe { *event };
    let mut sent = Sent { block, time: header.time, kind: header.type_, id: 0, note: -1, value: 0.0 };
    match header.type_ {
        CLAP_EVENT_PARAM_VALUE => {
            // SAFETY: by contract.
            let param = unsafe { &*event.cast::<clap_event_param_value>() };
            (sent.id, sent.value) = (param.param_id, param.value);
        }
        CLAP_EVENT_PARAM_GESTURE_BEGIN | CLAP_EVENT_PARAM_GESTURE_END => {
            // SAFETY: by contract.
            sent.id = unsafe { (*event.cast::<clap_event_param_gesture>()).param_id };
        }
        CLAP_EVENT_NOTE_ON | CLAP_EVENT_NOTE_OFF | CLAP_EVENT_NOTE_CHOKE | CLAP_EVENT_NOTE_END => {
            // SAFETY: by contract.
            let note = unsafe { &*event.cast::<clap_event_note>() };
            sent.id = u32::try_from(note.key).unwrap_or(u32::MAX);
            (sent.note, sent.value) = (note.note_id, note.velocity);
        }
        _ => {}
    }
    sent
}
