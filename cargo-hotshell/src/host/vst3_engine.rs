//! The audio half of a hosted VST3 plug-in: the deck's events become VST3's, and a block runs.
//!
//! Called by: `engine`. Calls: `com`. Threads: [audio], one at a time; made and taken apart on [main].

use std::sync::Arc;

use clack_host::events::Match;
use clack_host::events::event_types::TransportEvent;
use clack_host::events::io::EventBuffer;
use clack_host::events::spaces::CoreEventSpace;

use super::com::application::Edits;
use super::com::processor::{Moment, Note, Processor};
use super::engine::{Buffers, Outcome};
use super::plugin::Config;
use super::ports::{Dialect, Ports};
use super::role::as_audio;

/// VST3's number for channel pressure, beside the 128 controllers of MIDI.
const PRESSURE: usize = 128;
/// Its number for pitch bend.
const BEND: usize = 129;

/// An activated VST3 plug-in's audio half with its buffers.
pub struct Vst3Engine {
    processor: Processor,
    config: Config,
    takes_notes: bool,
    buffers: Buffers,
    edits: Arc<Edits>,
    /// The parameter for each controller of each channel.
    midi: Vec<[Option<u32>; 130]>,
    /// Keys that are down, a bit each, by channel.
    held: [u128; 16],
}

impl Vst3Engine {
    pub(super) fn new(
        processor: Processor,
        ports: &Ports,
        config: Config,
        edits: Arc<Edits>,
        midi: Vec<[Option<u32>; 130]>,
    ) -> Self {
        let takes_notes = ports.notes.is_some();
        Self {
            processor,
            config,
            takes_notes,
            buffers: Buffers::new(ports, config),
            edits,
            midi,
            held: [0; 16],
        }
    }

    /// As it was activated.
    #[must_use]
    pub const fn config(&self) -> Config {
        self.config
    }

    /// How it wants notes: as events, and the rest of MIDI by the parameters that it has for it.
    #[must_use]
    pub const fn notes(&self) -> Option<Dialect> {
        if self.takes_notes { Some(Dialect { clap: true, midi: true }) } else { None }
    }

    /// Channels of the main output; empty without one.
    #[must_use]
    pub fn output(&self) -> &[Vec<f32>] {
        self.buffers.output()
    }

    /// Runs one block of `frames` frames, at most the configured maximum. VST3 has no sleep: every block is processed.
    pub fn process(
        &mut self,
        frames: u32,
        input: &[Vec<f32>],
        events: &EventBuffer,
        steady_time: u64,
        transport: &TransportEvent,
    ) -> Outcome {
        let length = usize::try_from(frames).unwrap_or(0);
        self.buffers.feed(input, length);
        self.processor.begin();
        let processor = &self.processor;
        self.edits.take(|(id, value)| {
            // More edits than a block has room for: the next one would be too late for them to matter.
            let _ = processor.change(id, 0, value);
        });
        self.translate(events);
        let at = Moment {
            frames: i64::try_from(steady_time).unwrap_or(i64::MAX),
            beats: transport.song_pos_beats.to_float(),
            bar: transport.bar_start.to_float(),
            tempo: transport.tempo,
        };
        let frames = i32::try_from(frames).unwrap_or(0);
        let Buffers { inputs, outputs } = &mut self.buffers;
        let done = as_audio(|| self.processor.process(frames, inputs, outputs, at));
        let sent = u32::try_from(self.processor.sent()).unwrap_or(u32::MAX);
        let mut outcome = Outcome { failed: !done, events_out: sent, ..Outcome::default() };
        self.buffers.account(length, &mut outcome);
        outcome
    }

    fn translate(&mut self, events: &EventBuffer) {
        for event in events {
            let frame = i32::try_from(event.header().time()).unwrap_or(0);
            match event.as_core_event() {
                Some(CoreEventSpace::ParamValue(event)) => {
                    if let Some(id) = event.param_id() {
                        self.processor.change(id.get(), frame, event.value());
                    }
                }
                Some(CoreEventSpace::NoteOn(event)) => {
                    self.note(frame, event.pckn().channel, event.pckn().key, event.velocity(), true);
                }
                Some(CoreEventSpace::NoteOff(event)) => {
                    self.note(frame, event.pckn().channel, event.pckn().key, event.velocity(), false);
                }
                Some(CoreEventSpace::Midi(event)) => self.midi(frame, event.data()),
                _ => {}
            }
        }
    }

    fn note(&mut self, frame: i32, channel: Match<u16>, key: Match<u16>, velocity: f64, on: bool) {
        let (Match::Specific(channel), Match::Specific(key)) = (channel, key) else {
            if !on {
                self.all_off(frame);
            }
            return;
        };
        let place = usize::from(channel);
        let Some(held) = self.held.get_mut(place).filter(|_| key < 128) else { return };
        *held = if on { *held | 1 << key } else { *held & !(1 << key) };
        let kind = if on { Note::On } else { Note::Off };
        self.send(kind, frame, place, key, velocity);
    }

    fn send(&self, kind: Note, frame: i32, channel: usize, key: u16, strength: f64) {
        #[allow(clippy::cast_possible_truncation, reason = "a velocity has 7 bits")]
        let strength = strength as f32;
        let (channel, key) = (i16::try_from(channel).unwrap_or(0), i16::try_from(key).unwrap_or(0));
        // More events than a block has room for are lost, as in any host.
        let _ = self.processor.note(kind, frame, channel, key, strength);
    }

    fn all_off(&mut self, frame: i32) {
        for channel in 0..self.held.len() {
            let held = std::mem::take(&mut self.held[channel]);
            for key in (0..128).filter(|key| held & (1 << key) != 0) {
                self.send(Note::Off, frame, channel, key, 0.0);
            }
        }
    }

    /// What is not a note goes to the parameter that the plug-in has for it, and nowhere if it has none.
    fn midi(&self, frame: i32, bytes: [u8; 3]) {
        let [status, first, second] = bytes;
        let channel = usize::from(status & 0x0F);
        let (controller, value) = match status & 0xF0 {
            0xA0 => {
                return self.send(
                    Note::Pressure,
                    frame,
                    channel,
                    u16::from(first),
                    f64::from(second) / 127.0,
                );
            }
            0xB0 => (usize::from(first), f64::from(second) / 127.0),
            0xD0 => (PRESSURE, f64::from(first) / 127.0),
            // Not by 16383: a centred wheel is exactly the middle, as plug-ins have it.
            0xE0 => (BEND, f64::from(u16::from(second) << 7 | u16::from(first)) / 16_384.0),
            _ => return,
        };
        let param = self.midi.get(channel).and_then(|channel| channel.get(controller).copied().flatten());
        if let Some(id) = param {
            self.processor.change(id, frame, value);
        }
    }

    /// Ends processing.
    pub fn stop(&mut self) {
        as_audio(|| self.processor.stop());
    }

    pub(super) fn into_processor(self) -> Processor {
        self.processor
    }
}
