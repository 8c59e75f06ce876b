//! MPE made plain: what a controller says on one MIDI channel per note arrives as expressions of that note.
//!
//! Called by: `export/thunk`, for plug-ins with `Mpe::Normalise`. Calls: nothing. Threads: [audio]; `new` allocates.
//!
//! A zone is switched on by the MPE configuration message (RPN 6 on channel 1 or 16). Until then, and on channels
//! outside of zones, messages stay as they are. Inside a zone bend, pressure and controller 74 of a member channel become
//! `Tuning`, `Pressure` and `Brightness`; bend of the master channel is added to every note's tuning; other messages of
//! the master channel are given for every member too, so that a pedal holds all notes.
#![deny(clippy::disallowed_types)]

use bytemuck::{Pod, Zeroable};
use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event, EventKind};

/// Most events of a sub-block that are looked at; more than that (no controller sends as many) stay as they are.
const MOST: usize = 4096;
/// CLAP's numbers of the three expressions.
const TUNING: u32 = 2;
const BRIGHTNESS: u32 = 5;
const PRESSURE: u32 = 6;
/// No registered parameter is chosen.
const NO_RPN: u32 = 0x3fff;
/// Registered parameters.
const BEND_RANGE: u32 = 0;
const CONFIGURATION: u32 = 6;
/// Key under which the state travels to the next build.
pub(crate) const KEY: &str = "hotshell.mpe";

pub(crate) struct Normaliser {
    state: State,
    out: Vec<Event>,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct State {
    /// Member channels of the lower and of the upper zone; 0: off.
    members: [u32; 2],
    channels: [Channel; 16],
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Channel {
    rpn: u32,
    /// Semitones at full bend.
    range: f32,
    /// -1 to 1.
    bend: f32,
    /// 0 to 1.
    pressure: f32,
    /// 0 to 1.
    timbre: f32,
}

/// Master channel of each zone.
const MASTERS: [usize; 2] = [0, 15];
const CENTRE: Channel = Channel { rpn: NO_RPN, range: 2.0, bend: 0.0, pressure: 0.0, timbre: 64.0 / 127.0 };

impl Normaliser {
    pub(crate) fn new() -> Self {
        Self { state: State { members: [0; 2], channels: [CENTRE; 16] }, out: Vec::with_capacity(MOST) }
    }

    /// Forgets what is bent and pressed; the zones stay.
    pub(crate) fn clear(&mut self) {
        for channel in &mut self.state.channels {
            *channel = Channel { rpn: channel.rpn, range: channel.range, ..CENTRE };
        }
    }

    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    /// Goes on from the old build's state; a damaged one cannot do more than name wrong channels.
    pub(crate) fn set_state(&mut self, state: State) {
        self.state = state;
        self.state.members = self.state.members.map(|members| members.min(15));
    }

    /// `events` with the members' messages replaced.
    pub(crate) fn run<'e>(&'e mut self, events: &'e [Event]) -> &'e [Event] {
        if events.len() > MOST || !events.iter().any(|event| event.kind == EventKind::MIDI) {
            return events;
        }
        self.out.clear();
        for (done, event) in events.iter().enumerate() {
            // Room is kept for all events that are to come: an addition may be missing, an event never is.
            let room = MOST - self.out.len() - (events.len() - done);
            let Self { state, out } = self;
            let mut left = room;
            let mut push = |event: Event, extra: bool| {
                if extra && left == 0 {
                    return;
                }
                left -= usize::from(extra);
                out.push(event);
            };
            if event.kind == EventKind::MIDI {
                state.midi(event, &mut push);
            } else {
                push(*event, false);
            }
        }
        &self.out
    }
}

impl State {
    /// The zone that a channel is a member of.
    fn zone_of(&self, channel: usize) -> Option<usize> {
        let [lower, upper] = self.members.map(|members| members as usize);
        if channel >= 1 && channel <= lower {
            Some(0)
        } else if channel < 15 && channel + upper >= 15 {
            Some(1)
        } else {
            None
        }
    }

    /// The zone whose master a channel is.
    fn mastered_by(&self, channel: usize) -> Option<usize> {
        (0..2).find(|zone| MASTERS[*zone] == channel && self.members[*zone] > 0)
    }

    /// `push(event, extra)`: at most one event that is not extra for each that came.
    fn midi(&mut self, event: &Event, push: &mut impl FnMut(Event, bool)) {
        let [status, first, second] = event.midi_bytes();
        let number = usize::from(status & 15);
        let (first, second) = (first & 127, second & 127);
        let replay = event.flags & Event::REPLAY != 0;
        if status & 0xf0 == 0xb0 && !replay {
            self.registered(number, first, second);
        }
        let channel = &mut self.channels[number];
        let unit = |value: u8| f32::from(value) / 127.0;
        match (status & 0xf0, first) {
            (0xe0, _) => {
                channel.bend = (f32::from(u16::from(second) << 7 | u16::from(first)) - 8192.0) / 8192.0
            }
            (0xd0, _) => channel.pressure = unit(first),
            (0xb0, 74) => channel.timbre = unit(second),
            _ => {}
        }
        match (self.zone_of(number), self.mastered_by(number)) {
            (Some(zone), _) => self.member(zone, number, event, push),
            (None, Some(zone)) => self.master(zone, event, push),
            (None, None) => push(*event, false),
        }
    }

    fn member(&self, zone: usize, number: usize, event: &Event, push: &mut impl FnMut(Event, bool)) {
        let [status, first, second] = event.midi_bytes();
        match (status & 0xf0, first) {
            (0xe0, _) => push(self.expression(zone, number, event, TUNING), false),
            (0xd0, _) => push(self.expression(zone, number, event, PRESSURE), false),
            (0xb0, 74) => push(self.expression(zone, number, event, BRIGHTNESS), false),
            (0x90, _) if second > 0 => {
                push(*event, false);
                // A controller sets these before the note: they belong to its start.
                for id in [TUNING, PRESSURE, BRIGHTNESS] {
                    push(self.expression(zone, number, event, id), true);
                }
            }
            _ => push(*event, false),
        }
    }

    fn master(&self, zone: usize, event: &Event, push: &mut impl FnMut(Event, bool)) {
        let [status, first, second] = event.midi_bytes();
        push(*event, false);
        let is_note = matches!(status & 0xf0, 0x80..=0xa0);
        for number in (0..16).filter(|number| self.zone_of(*number) == Some(zone) && !is_note) {
            if status & 0xf0 == 0xe0 {
                push(self.expression(zone, number, event, TUNING), true);
            } else {
                let member = u8::try_from(number).unwrap_or(0);
                let copy = Event::midi(event.time, event.port, [status & 0xf0 | member, first, second]);
                push(Event { flags: event.flags, ..copy }, true);
            }
        }
    }

    /// What a member's notes are told.
    fn expression(&self, zone: usize, number: usize, event: &Event, id: u32) -> Event {
        let (channel, master) = (&self.channels[number], &self.channels[MASTERS[zone]]);
        let value = match id {
            TUNING => channel.bend * channel.range + master.bend * master.range,
            PRESSURE => channel.pressure,
            _ => channel.timbre,
        };
        let address = NoteAddress {
            port: event.port,
            channel: i16::try_from(number).unwrap_or(-1),
            key: -1,
            note_id: -1,
        };
        let mut made = Event::note(EventKind::NOTE_EXPRESSION, event.time, address, f64::from(value));
        (made.id, made.flags) = (id, event.flags);
        made
    }

    /// Registered parameters: the zones and the ranges of bend.
    fn registered(&mut self, number: usize, controller: u8, value: u8) {
        let channel = &mut self.channels[number];
        let value = u32::from(value);
        match controller {
            101 => channel.rpn = channel.rpn & 0x7f | value << 7,
            100 => channel.rpn = channel.rpn & 0x3f80 | value,
            // A parameter that is not a registered one.
            98 | 99 => channel.rpn = NO_RPN,
            6 if channel.rpn == CONFIGURATION => self.configure(number, value.min(15)),
            6 if channel.rpn == BEND_RANGE => {
                let range = f32::from(u8::try_from(value).unwrap_or(0));
                match self.zone_of(number) {
                    // Said for one member, it counts for all.
                    Some(zone) => self.each_member(zone, |channel| channel.range = range),
                    None => channel_at(&mut self.channels, number).range = range,
                }
            }
            _ => {}
        }
    }

    fn configure(&mut self, number: usize, members: u32) {
        let Some(zone) = MASTERS.iter().position(|master| *master == number) else { return };
        self.members[zone] = members;
        // The later zone takes the channels that both want.
        let other = &mut self.members[1 - zone];
        *other = (*other).min(14_u32.saturating_sub(members));
        channel_at(&mut self.channels, number).range = 2.0;
        self.each_member(zone, |channel| channel.range = 48.0);
    }

    fn each_member(&mut self, zone: usize, mut change: impl FnMut(&mut Channel)) {
        for number in 0..16 {
            if self.zone_of(number) == Some(zone) {
                change(channel_at(&mut self.channels, number));
            }
        }
    }
}

fn channel_at(channels: &mut [Channel; 16], number: usize) -> &mut Channel {
    &mut channels[number & 15]
}

#[cfg(test)]
mod tests;
