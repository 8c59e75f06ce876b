//! Events in both directions, one flat type for notes, parameters and MIDI.
//!
//! Called by: both sides. Calls: nothing. Threads: [audio].

use core::marker::PhantomData;

/// What an [`Event`] is. A newtype: an unknown number is skipped, never misread.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub struct EventKind(pub u16);

impl EventKind {
    /// `value` = velocity 0..=1. With [`Event::REPLAY`] set, `data[0]` is the note's age in frames.
    pub const NOTE_ON: Self = Self(1);
    /// `value` = release velocity 0..=1.
    pub const NOTE_OFF: Self = Self(2);
    /// Stop the voice at once.
    pub const NOTE_CHOKE: Self = Self(3);
    /// Out only: the voice has ended.
    pub const NOTE_END: Self = Self(4);
    /// `id` = expression (CLAP's numbers: 0 volume, 1 pan, 2 tuning, 3 vibrato, 4 expression, 5 brightness,
    /// 6 pressure), `value` in CLAP's units for it.
    pub const NOTE_EXPRESSION: Self = Self(5);
    /// `id` = host id of the parameter, `value` plain. With a note address: for that voice only.
    pub const PARAM_VALUE: Self = Self(6);
    /// `id` = host id of the parameter, `value` = offset in plain units. With a note address: for that voice only.
    pub const PARAM_MOD: Self = Self(7);
    /// Out only: the user starts to move parameter `id`.
    pub const GESTURE_BEGIN: Self = Self(8);
    /// Out only: the user lets go of parameter `id`.
    pub const GESTURE_END: Self = Self(9);
    /// MIDI 1: three bytes, see [`Event::midi_bytes`]. A note on with [`Event::REPLAY`] set has its age in frames in
    /// `data[1]`.
    pub const MIDI: Self = Self(10);
    /// MIDI 2 universal packet: four words in `data`.
    pub const MIDI2: Self = Self(11);
    /// System exclusive: bytes held elsewhere, see [`Event::sysex`].
    pub const SYSEX: Self = Self(12);
}

/// One event. Fields that a kind does not use are 0 (addresses: -1, "any").
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Frames from the start of the block (shell) or sub-block (logic) that carries it.
    pub time: u32,
    /// What it is.
    pub kind: EventKind,
    /// [`Event::REPLAY`] and friends.
    pub flags: u16,
    /// Note port, or -1.
    pub port: i16,
    /// MIDI channel 0..=15, or -1.
    pub channel: i16,
    /// Key 0..=127, or -1.
    pub key: i16,
    /// Not used; 0.
    pub reserved: u16,
    /// The host's note id, or -1.
    pub note_id: i32,
    /// Host id of a parameter, or number of an expression.
    pub id: u32,
    /// Velocity, plain value, offset: see the kind.
    pub value: f64,
    /// Payload: see the kind.
    pub data: [u64; 2],
}

impl Event {
    /// Set on events that a swap or a restart plays again to a new instance; they are not new musical events.
    pub const REPLAY: u16 = 1;
    /// Played live (CLAP `IS_LIVE`), not from the timeline.
    pub const LIVE: u16 = 2;
    /// The host should not record it (CLAP `DONT_RECORD`).
    pub const DONT_RECORD: u16 = 4;

    /// An event of `kind` at `time` with no address and no payload.
    #[must_use]
    pub const fn new(kind: EventKind, time: u32) -> Self {
        Self {
            time,
            kind,
            flags: 0,
            port: -1,
            channel: -1,
            key: -1,
            reserved: 0,
            note_id: -1,
            id: 0,
            value: 0.0,
            data: [0; 2],
        }
    }

    /// A parameter's new plain value.
    #[must_use]
    pub const fn param_value(time: u32, id: u32, value: f64) -> Self {
        let mut event = Self::new(EventKind::PARAM_VALUE, time);
        event.id = id;
        event.value = value;
        event
    }

    /// A note event of `kind` ([`EventKind::NOTE_ON`] to [`EventKind::NOTE_END`]).
    #[must_use]
    pub const fn note(kind: EventKind, time: u32, address: NoteAddress, velocity: f64) -> Self {
        let mut event = Self::new(kind, time);
        event.port = address.port;
        event.channel = address.channel;
        event.key = address.key;
        event.note_id = address.note_id;
        event.value = velocity;
        event
    }

    /// A MIDI 1 message on `port`.
    #[must_use]
    pub const fn midi(time: u32, port: i16, bytes: [u8; 3]) -> Self {
        let mut event = Self::new(EventKind::MIDI, time);
        event.port = port;
        event.data[0] = u64::from_le_bytes([bytes[0], bytes[1], bytes[2], 0, 0, 0, 0, 0]);
        event
    }

    /// The bytes of a [`EventKind::MIDI`] event.
    #[must_use]
    pub const fn midi_bytes(&self) -> [u8; 3] {
        let bytes = self.data[0].to_le_bytes();
        [bytes[0], bytes[1], bytes[2]]
    }

    /// True if it is meant for one voice: any of key, note id is set. (Port and channel alone address no voice.)
    #[must_use]
    pub const fn is_per_voice(&self) -> bool {
        self.key >= 0 || self.note_id >= 0
    }

    /// A system exclusive message; `bytes` must outlive every use of the event, which is why reading it back is unsafe.
    #[must_use]
    pub fn sysex(time: u32, port: i16, bytes: &[u8]) -> Self {
        let mut event = Self::new(EventKind::SYSEX, time);
        event.port = port;
        event.data = [bytes.as_ptr() as usize as u64, bytes.len() as u64];
        event
    }

    /// The bytes of a [`EventKind::SYSEX`] *input* event.
    ///
    /// # Safety
    /// The event came from [`Event::sysex`] and the bytes behind it are still borrowed: for an input event, until the
    /// process call that carries it returns. (Output events hold an offset instead: [`EventOutput::sysex`].)
    #[must_use]
    pub unsafe fn sysex_bytes<'a>(&self) -> &'a [u8] {
        let [address, len] = self.data;
        let (Ok(address), Ok(len)) = (usize::try_from(address), usize::try_from(len)) else { return &[] };
        if self.kind != EventKind::SYSEX || address == 0 || len == 0 {
            return &[];
        }
        // SAFETY: by this function's contract.
        unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance(address), len) }
    }
}

/// Which voices an event means; -1 is a wildcard.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct NoteAddress {
    /// Note port.
    pub port: i16,
    /// MIDI channel.
    pub channel: i16,
    /// Key.
    pub key: i16,
    /// The host's note id.
    pub note_id: i32,
}

/// Where a process call puts its output events: fixed memory of the shell's, no allocation, no call back.
#[repr(C)]
pub struct EventOutput<'a> {
    events: *mut Event,
    capacity: u32,
    len: u32,
    bytes: *mut u8,
    byte_capacity: u32,
    byte_len: u32,
    /// Events that did not fit since the shell last looked.
    pub dropped: u32,
    _borrow: PhantomData<&'a mut [Event]>,
}

/// The output queue is full; the event was not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

impl core::fmt::Display for Full {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the block's output queue is full")
    }
}
impl core::error::Error for Full {}

impl<'a> EventOutput<'a> {
    /// A queue over the shell's memory: `events` for the events, `bytes` for the payload of system exclusives.
    pub fn new(events: &'a mut [Event], bytes: &'a mut [u8]) -> Self {
        Self {
            events: events.as_mut_ptr(),
            capacity: u32::try_from(events.len()).unwrap_or(u32::MAX),
            len: 0,
            bytes: bytes.as_mut_ptr(),
            byte_capacity: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            byte_len: 0,
            dropped: 0,
            _borrow: PhantomData,
        }
    }

    /// Appends `event`. A system exclusive goes through [`EventOutput::push_sysex`].
    ///
    /// # Errors
    /// [`Full`] if there is no room; counted in `dropped`.
    #[inline]
    pub fn push(&mut self, event: Event) -> Result<(), Full> {
        if self.len >= self.capacity {
            self.dropped = self.dropped.saturating_add(1);
            return Err(Full);
        }
        // SAFETY: `len < capacity`, and `new` borrowed `capacity` events exclusively for `'a`.
        unsafe { *self.events.add(self.len as usize) = event };
        self.len += 1;
        Ok(())
    }

    /// Appends a system exclusive message, copying `bytes`.
    ///
    /// # Errors
    /// [`Full`] if the event or its bytes do not fit.
    pub fn push_sysex(&mut self, time: u32, port: i16, bytes: &[u8]) -> Result<(), Full> {
        let room = (self.byte_capacity - self.byte_len) as usize;
        if bytes.len() > room {
            self.dropped = self.dropped.saturating_add(1);
            return Err(Full);
        }
        let mut event = Event::new(EventKind::SYSEX, time);
        event.port = port;
        event.data = [u64::from(self.byte_len), bytes.len() as u64];
        self.push(event)?;
        // SAFETY: `byte_len + bytes.len() <= byte_capacity`, and `new` borrowed that many bytes exclusively for `'a`;
        // `bytes` is another borrow and cannot overlap an exclusive one.
        unsafe {
            core::ptr::copy_nonoverlapping(
                bytes.as_ptr(),
                self.bytes.add(self.byte_len as usize),
                bytes.len(),
            );
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most byte_capacity, a u32")]
        {
            self.byte_len += bytes.len() as u32;
        }
        Ok(())
    }

    /// The events so far, in the order they were sent.
    #[must_use]
    #[inline]
    pub fn events(&self) -> &[Event] {
        // SAFETY: `push` wrote the first `len` of the events borrowed by `new`.
        unsafe { core::slice::from_raw_parts(self.events, self.len.min(self.capacity) as usize) }
    }

    /// The bytes of an output system exclusive of this queue; empty for any other event.
    #[must_use]
    pub fn sysex(&self, event: &Event) -> &[u8] {
        let (Ok(at), Ok(len)) = (usize::try_from(event.data[0]), usize::try_from(event.data[1])) else {
            return &[];
        };
        let Some(end) = at.checked_add(len) else { return &[] };
        if event.kind != EventKind::SYSEX || end > self.byte_len.min(self.byte_capacity) as usize {
            return &[];
        }
        // SAFETY: `at..end` lies in the bytes that `push_sysex` has written.
        unsafe { core::slice::from_raw_parts(self.bytes.add(at), len) }
    }

    /// Forgets all events.
    pub fn clear(&mut self) {
        self.len = 0;
        self.byte_len = 0;
    }
}
