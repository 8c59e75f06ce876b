//! What goes into a block: sound, notes, parameter events, the timeline.
//!
//! Called by: `trial/play`. Calls: core's `offline`. Threads: the thread under trial, between blocks.

use fastrand::Rng;
use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event, EventKind, NotePortsDesc, Sample, Transport};
use hotshell_core::offline::Engine;
use hotshell_core::shell::ParamInfo;

use super::plan::{Case, Knobs, Sound};

/// Notes held at once, at most.
const MOST_HELD: usize = 6;
/// Steps of a sweep in each block.
const STEPS: u32 = 4;
/// Beats per minute of the timeline.
const TEMPO: f64 = 120.0;

/// Everything random in a case, and what must be remembered from block to block.
#[derive(Debug)]
pub struct Feed {
    random: Rng,
    notes: NotePortsDesc,
    held: Vec<NoteAddress>,
    next_id: i32,
    frames: u64,
}

impl Feed {
    /// From the case's seed.
    #[must_use]
    pub fn new(case: &Case, notes: NotePortsDesc) -> Self {
        Self { random: Rng::with_seed(case.seed), notes, held: Vec::new(), next_id: 1, frames: 0 }
    }

    /// A value of this parameter.
    pub fn anywhere(&mut self, info: &ParamInfo) -> f64 {
        match self.random.u32(..8) {
            0 => info.min,
            1 => info.max,
            _ => info.clamp(info.min + (info.max - info.min) * self.random.f64()),
        }
    }

    /// Fills the next block and answers its length in frames.
    pub fn block<S: Sample>(
        &mut self,
        engine: &mut Engine<S>,
        case: &Case,
        params: &[ParamInfo],
        block: u32,
    ) -> u32 {
        let frames = if case.ragged { self.random.u32(1..=case.frames) } else { case.frames };
        let mut channel = 0;
        while let Some(samples) = engine.input(channel) {
            self.sound(case.sound, &mut samples[..frames as usize]);
            channel += 1;
        }
        if case.notes && self.notes.inputs > 0 {
            self.notes(engine, frames, block + 1 >= case.blocks);
        }
        self.knobs(engine, case, params, frames, block);
        engine.transport = self.timeline(case);
        self.frames += u64::from(frames);
        frames
    }

    fn sound<S: Sample>(&mut self, sound: Sound, samples: &mut [S]) {
        for (at, sample) in samples.iter_mut().enumerate() {
            let value = match sound {
                Sound::Silence => 0.0,
                Sound::Noise => self.random.f64().mul_add(0.5, -0.25),
                Sound::FullScale if at / 24 % 2 == 0 => 1.0,
                Sound::FullScale => -1.0,
                Sound::Denormals => self.random.f64() * 1e-39,
                Sound::Impulse => f64::from(u8::from(at == 0)),
            };
            *sample = S::from_f64(value);
        }
    }

    /// Beginnings and ends of notes; at the end of the case they all end, in one way or another.
    fn notes<S: Sample>(&mut self, engine: &mut Engine<S>, frames: u32, last: bool) {
        let clap = self.notes.dialects & NotePortsDesc::CLAP != 0;
        for _ in 0..self.random.usize(0..3) {
            let time = self.random.u32(..frames);
            if self.held.len() == MOST_HELD || (!self.held.is_empty() && self.random.u32(..3) == 0) {
                let note = self.held.swap_remove(self.random.usize(..self.held.len()));
                self.end(engine, clap, note, time);
                continue;
            }
            let key = i16::from(self.random.u8(..128));
            let note =
                NoteAddress { port: 0, channel: 0, key, note_id: if clap { self.next_id } else { -1 } };
            self.next_id += 1;
            self.held.push(note);
            engine.queue(if clap {
                Event::note(EventKind::NOTE_ON, time, note, self.random.f64())
            } else {
                Event::midi(time, 0, [0x90, key_byte(key), self.random.u8(1..128)])
            });
        }
        self.move_notes(engine, clap, frames);
        if last {
            for note in std::mem::take(&mut self.held) {
                self.end(engine, clap, note, frames - 1);
            }
        }
    }

    fn end<S: Sample>(&mut self, engine: &mut Engine<S>, clap: bool, note: NoteAddress, time: u32) {
        engine.queue(if clap {
            let kinds = [EventKind::NOTE_OFF, EventKind::NOTE_OFF, EventKind::NOTE_CHOKE];
            Event::note(kinds[self.random.usize(..3)], time, note, self.random.f64())
        } else {
            Event::midi(time, 0, [0x80, key_byte(note.key), 64])
        });
    }

    /// Expressions, bends, pressure, controllers.
    fn move_notes<S: Sample>(&mut self, engine: &mut Engine<S>, clap: bool, frames: u32) {
        let time = self.random.u32(..frames);
        if let (true, Some(note)) = (clap, self.held.first()) {
            let expression = self.random.u32(..7);
            let value = if expression == 2 {
                self.random.f64() * 24.0 - 12.0 // Semitones.
            } else {
                self.random.f64()
            };
            let event = Event::note(EventKind::NOTE_EXPRESSION, time, *note, value);
            engine.queue(Event { id: expression, ..event });
        }
        if self.notes.dialects & (NotePortsDesc::MIDI | NotePortsDesc::MIDI_MPE) != 0 {
            let status = [0xB0, 0xE0, 0xD0, 0xC0][self.random.usize(..4)];
            engine.queue(Event::midi(time, 0, [status, self.random.u8(..120), self.random.u8(..128)]));
        }
    }

    fn knobs<S: Sample>(
        &mut self,
        engine: &mut Engine<S>,
        case: &Case,
        params: &[ParamInfo],
        frames: u32,
        block: u32,
    ) {
        match &case.knobs {
            Knobs::Automation => {
                for info in params {
                    let (time, value) = (self.random.u32(..frames), self.anywhere(info));
                    engine.queue(Event::param_value(time, info.host_id, value));
                }
            }
            Knobs::Sweep(id) => {
                let Some(info) = params.iter().find(|info| info.id == *id) else { return };
                let steps = f64::from(STEPS * case.blocks);
                for step in 0..STEPS {
                    let way = f64::from((block * STEPS + step).min(STEPS * case.blocks)) / steps;
                    let value = info.clamp(info.min + (info.max - info.min) * way);
                    engine.queue(Event::param_value(frames * step / STEPS, info.host_id, value));
                }
            }
            _ => {}
        }
    }

    /// A host that plays, or one that says nothing.
    #[expect(clippy::cast_precision_loss, reason = "frames of a trial")]
    fn timeline(&self, case: &Case) -> Option<Transport> {
        let seconds = self.frames as f64 / case.rate;
        case.seed.is_multiple_of(2).then_some(Transport {
            flags: Transport::HAS_TEMPO
                | Transport::HAS_BEATS
                | Transport::HAS_SECONDS
                | Transport::HAS_TIME_SIGNATURE
                | Transport::PLAYING,
            tempo: TEMPO,
            seconds,
            beats: seconds * TEMPO / 60.0,
            time_signature_numerator: 4,
            time_signature_denominator: 4,
            ..Transport::UNKNOWN
        })
    }
}

fn key_byte(key: i16) -> u8 {
    u8::try_from(key).unwrap_or(0).min(127)
}
