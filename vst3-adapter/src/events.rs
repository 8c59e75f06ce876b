//! The events of one block, put in order: notes, parameter points and controllers in one list that the shell reads by
//! index; and the transport.
//!
//! Called by: `process`, `process/lists`; the shell, by index. Calls: nothing. Threads: [audio]; [main] for a flush
//! while inactive. Memory is made with the list; filling it allocates nothing.

#![deny(clippy::disallowed_types)]

use hotshell_abi::{Event, EventKind, Transport};
use hotshell_core::shell::EventSource;
use vst3::Steinberg::Vst::ProcessContext;
use vst3::Steinberg::Vst::ProcessContext_::{StatesAndFlags, StatesAndFlags_ as has};

use crate::params::Target;

/// Events of one block, at most.
pub(crate) const MOST_EVENTS: usize = 8192;

/// Events in order of time; of equal times the first added comes first.
pub(crate) struct Merged {
    events: Vec<Event>,
    /// Time and place in `events`, sorted.
    order: Vec<(u32, u32)>,
    /// Latest time that an event may have.
    last: u32,
    /// Events that did not fit, and that nobody has asked about.
    dropped: u32,
}

impl Merged {
    /// With room for `capacity` events. Allocates.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            events: Vec::with_capacity(capacity),
            order: Vec::with_capacity(capacity),
            last: 0,
            dropped: 0,
        }
    }

    /// Forgets the block before; events of this one lie within `frames`.
    pub(crate) fn begin(&mut self, frames: u32) {
        self.events.clear();
        self.order.clear();
        self.last = frames.saturating_sub(1);
    }

    /// Events that still fit.
    pub(crate) fn room(&self) -> usize {
        self.events.capacity().min(self.order.capacity()) - self.events.len()
    }

    /// Adds an event at `offset`, which is brought into the block.
    pub(crate) fn push(&mut self, offset: i32, mut event: Event) {
        if self.room() == 0 {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        event.time = u32::try_from(offset).unwrap_or(0).min(self.last);
        let place = u32::try_from(self.events.len()).unwrap_or(u32::MAX);
        self.order.push((event.time, place));
        self.events.push(event);
    }

    /// Adds a value of the host's for `target`.
    pub(crate) fn push_value(&mut self, offset: i32, target: Target, travel: f64) {
        if travel.is_nan() {
            return;
        }
        match target {
            Target::Param(id, index, law) => {
                let mut event = Event::param_value(0, id, law.plain(travel));
                event.data[1] = index as u64 + 1;
                self.push(offset, event);
            }
            Target::Controller(one) => {
                self.push(offset, Event::midi(0, i16::from(one.bus), one.message(travel)));
            }
        }
    }

    /// Events that did not fit since the last time.
    pub(crate) fn take_dropped(&mut self) -> u32 {
        std::mem::take(&mut self.dropped)
    }

    /// Call after the last event and before the first is read.
    pub(crate) fn sort(&mut self) {
        self.order.sort_unstable();
    }
}

impl EventSource for Merged {
    fn len(&self) -> u32 {
        u32::try_from(self.order.len()).unwrap_or(u32::MAX)
    }

    fn event(&self, index: u32) -> Option<Event> {
        let (_, place) = self.order.get(index as usize)?;
        self.events.get(*place as usize).copied()
    }
}

/// 0..=1 as 7 bits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=127 after the clamp")]
pub(crate) fn seven(value: f64) -> u8 {
    (value.clamp(0.0, 1.0) * 127.0).round() as u8
}

/// 0..=1 as 14 bits; the middle is 8192, as a wheel at rest must be.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=16383 after the clamp")]
pub(crate) fn fourteen(value: f64) -> u16 {
    (value * 16384.0).round().clamp(0.0, 16383.0) as u16
}

/// A note expression of VST3's as `(our number, our value)`.
pub(crate) fn expression_in(kind: u32, value: f64) -> Option<(u32, f64)> {
    if value.is_nan() {
        return None;
    }
    let value = value.clamp(0.0, 1.0);
    match kind {
        // 0.25 is 0 dB; ours is linear gain up to 4.
        0 => Some((0, value * 4.0)),
        1 | 3 | 4 | 5 => Some((kind, value)),
        2 => Some((2, 240.0 * (value - 0.5))),
        PRESSURE => Some((6, value)),
        _ => None,
    }
}

/// The way back.
pub(crate) fn expression_out(id: u32, value: f64) -> Option<(u32, f64)> {
    let value = match id {
        0 => value / 4.0,
        2 => value / 240.0 + 0.5,
        1 | 3..=6 => value,
        _ => return None,
    };
    let kind = if id == 6 { PRESSURE } else { id };
    value.is_finite().then(|| (kind, value.clamp(0.0, 1.0)))
}

/// VST3 has no pressure among its own note expressions: the first of the custom ones.
pub(crate) const PRESSURE: u32 = vst3::Steinberg::Vst::NoteExpressionTypeIDs_::kCustomStart;

/// The host's timeline at the block's start. Only what its flags vouch for, and only if it is a number.
pub(crate) fn transport(raw: &ProcessContext) -> Transport {
    let state = u64::from(raw.state);
    #[allow(clippy::unnecessary_cast, reason = "the flags are signed on Windows")]
    let flag = |flag: StatesAndFlags| state & flag as u64 != 0;
    let mut t = Transport::UNKNOWN;
    if flag(has::kTempoValid) && raw.tempo.is_finite() && raw.tempo > 0.0 {
        t.flags |= Transport::HAS_TEMPO;
        t.tempo = raw.tempo;
    }
    let looping = flag(has::kCycleActive);
    if flag(has::kProjectTimeMusicValid) && raw.projectTimeMusic.is_finite() {
        t.flags |= Transport::HAS_BEATS;
        t.beats = raw.projectTimeMusic;
        if flag(has::kBarPositionValid) && raw.barPositionMusic.is_finite() {
            t.bar_start_beats = raw.barPositionMusic;
        }
        if looping && flag(has::kCycleValid) {
            t.loop_start_beats = finite(raw.cycleStartMusic);
            t.loop_end_beats = finite(raw.cycleEndMusic);
        }
    }
    if raw.sampleRate.is_finite() && raw.sampleRate > 0.0 {
        // Always valid by VST3's contract.
        t.flags |= Transport::HAS_SECONDS;
        t.seconds = frames(raw.projectTimeSamples) / raw.sampleRate;
    }
    let signature = (u16::try_from(raw.timeSigNumerator), u16::try_from(raw.timeSigDenominator));
    if let (true, (Ok(upper @ 1..), Ok(lower @ 1..))) = (flag(has::kTimeSigValid), signature) {
        t.flags |= Transport::HAS_TIME_SIGNATURE;
        (t.time_signature_numerator, t.time_signature_denominator) = (upper, lower);
        if t.flags & Transport::HAS_BEATS != 0 {
            let bar = f64::from(upper) * 4.0 / f64::from(lower);
            t.bar_number = bars(t.bar_start_beats / bar);
        }
    }
    for (theirs, ours) in [
        (has::kPlaying, Transport::PLAYING),
        (has::kRecording, Transport::RECORDING),
        (has::kCycleActive, Transport::LOOPING),
    ] {
        if flag(theirs) {
            t.flags |= ours;
        }
    }
    t
}

/// Frames since some start, or -1.
pub(crate) fn steady_time(raw: &ProcessContext) -> i64 {
    #[allow(clippy::unnecessary_cast, reason = "the flags are signed on Windows")]
    let valid = u64::from(raw.state) & has::kContTimeValid as u64 != 0;
    if valid { raw.continousTimeSamples.max(-1) } else { -1 }
}

const fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "a song position is far below 2^53 frames")]
const fn frames(count: i64) -> f64 {
    count as f64
}

/// Bars of one signature from the start: VST3 does not tell the number of the bar.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
fn bars(count: f64) -> i32 {
    count.round() as i32
}

/// A note that a logic without CLAP's dialect takes as MIDI 1.
pub(crate) fn as_midi(event: &Event) -> Event {
    let (Ok(channel), Ok(key)) = (u8::try_from(event.channel), u8::try_from(event.key)) else {
        return *event;
    };
    let status = match event.kind {
        EventKind::NOTE_ON => 0x90,
        EventKind::NOTE_OFF => 0x80,
        EventKind::NOTE_EXPRESSION if event.id == 6 => 0xa0,
        _ => return *event,
    };
    // A note on of velocity 0 would be a note off.
    let least = u8::from(event.kind == EventKind::NOTE_ON);
    let bytes = [status | channel & 0xf, key & 0x7f, seven(event.value).max(least)];
    Event { flags: event.flags, ..Event::midi(event.time, event.port, bytes) }
}
