//! One voice.
//!
//! Called by: `Synth`. Calls: `oscillator`, `filter`, `envelope`. Threads: [audio].

use hotshell::prelude::*;

use crate::envelope::{Envelope, Times, falls};
use crate::filter::{Coefficients, Filter};
use crate::oscillator::{Oscillator, Wave};

/// What a voice is told for a short piece.
pub struct Controls {
    /// Hz.
    pub sample_rate: f32,
    pub wave: Wave,
    pub times: Times,
    /// Hz.
    pub cutoff: f32,
    /// 0 to 1.
    pub resonance: f32,
    /// Semitones.
    pub bend: f32,
}

#[derive(Clone, Copy)]
pub struct Voice {
    /// The note it plays, or played last.
    pub note: NoteRef,
    /// Counts up with each note of the synthesizer.
    pub number: u64,
    key_down: bool,
    /// The key is up, the pedal holds it.
    pedalled: bool,
    velocity: f32,
    /// Semitones.
    tuning: f32,
    /// Linear, 0 to 4.
    volume: f32,
    /// 0 left, 1 right.
    pan: f32,
    /// 0 to 1; half is neutral.
    brightness: f32,
    envelope: Envelope,
    oscillator: Oscillator,
    filter: Filter,
}

impl Default for Voice {
    fn default() -> Self {
        Self {
            note: NoteRef::key(60),
            number: 0,
            key_down: false,
            pedalled: false,
            velocity: 0.0,
            tuning: 0.0,
            volume: 1.0,
            pan: 0.5,
            brightness: 0.5,
            envelope: Envelope::default(),
            oscillator: Oscillator::default(),
            filter: Filter::default(),
        }
    }
}

impl Voice {
    pub fn sounds(&self) -> bool {
        self.envelope.runs()
    }

    /// By the key or by the pedal.
    pub fn held(&self) -> bool {
        self.key_down || self.pedalled
    }

    /// Oscillator, filter and level go on from where they are: a stolen voice does not click.
    pub fn start(&mut self, note: NoteRef, velocity: f32, number: u64) {
        let Self { mut envelope, oscillator, filter, .. } = *self;
        envelope.start();
        *self =
            Self { note, number, key_down: true, velocity, envelope, oscillator, filter, ..Self::default() };
    }

    /// The note began `age` frames ago, in a build before this one.
    pub fn skip(&mut self, age: u64, times: &Times) {
        self.envelope.skip(age, times);
    }

    pub fn key_up(&mut self, pedal: bool) {
        self.pedalled = pedal && self.held();
        self.key_down = false;
        if !self.pedalled {
            self.envelope.release();
        }
    }

    pub fn pedal_up(&mut self) {
        self.pedalled = false;
        if !self.key_down {
            self.envelope.release();
        }
    }

    pub fn express(&mut self, expression: Expression, value: f64) {
        let value = value as f32;
        if !value.is_finite() {
            return;
        }
        match expression {
            Expression::Tuning => self.tuning = value.clamp(-120.0, 120.0),
            Expression::Volume => self.volume = value.clamp(0.0, 4.0),
            Expression::Pan => self.pan = value.clamp(0.0, 1.0),
            Expression::Brightness => self.brightness = value.clamp(0.0, 1.0),
            _ => {}
        }
    }

    /// Adds the voice to the output.
    pub fn render(&mut self, left: &mut [f32], right: &mut [f32], controls: &Controls) {
        let pitch = f32::from(self.note.key) + self.tuning + controls.bend;
        let hertz = 440.0 * ((pitch - 69.0) / 12.0).exp2();
        let step = (hertz / controls.sample_rate).clamp(0.0, 0.45);
        // Two octaves each way.
        let cutoff = controls.cutoff * ((self.brightness - 0.5) * 4.0).exp2();
        let filter = Coefficients::new(cutoff, controls.resonance, controls.sample_rate);
        let (times, fall) = (&controls.times, falls(&controls.times));
        let level = self.velocity * self.volume;
        let (pan_left, pan_right) = ((1.0 - self.pan).sqrt() * level, self.pan.sqrt() * level);
        for (left, right) in left.iter_mut().zip(right) {
            let raw = self.oscillator.next(controls.wave, step);
            let sample = self.filter.next(raw, &filter) * self.envelope.next(times, fall);
            *left += sample * pan_left;
            *right += sample * pan_right;
        }
    }
}
