//! What is played into the plug-in: a sound, a generator or a MIDI file.
//!
//! Called by: `host`, `deck`. Calls: `wav`, `midi`. Threads: made on [main], [`Source::fill`] on [audio].

use std::f64::consts::TAU;
use std::path::Path;

use clack_host::events::io::EventBuffer;

use super::midi::{self, Message};
use super::ports::Dialect;
use super::wav::{self, Sound};
use crate::Error;

/// Peak of the generators: -12 dB of full scale.
const LEVEL: f32 = 0.25;

/// Seconds after the last message of a MIDI file, for the last release.
const AFTER_LAST_NOTE_S: f64 = 2.0;

/// A generator.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Generator {
    /// 440 Hz.
    Sine,
    /// White, the same in every run.
    Noise,
    /// One sample, twice a second.
    Click,
    /// Nothing.
    Silence,
    /// A rising chord over and over, for instruments.
    Notes,
}

enum Kind {
    Sound(Sound),
    Sine { step: f64 },
    Noise { state: u64 },
    Click { every: u64 },
    Silence,
    Midi { messages: Vec<Message>, next: usize },
}

/// One source at its place in time.
pub struct Source {
    kind: Kind,
    repeat: bool,
    length: Option<u64>,
    position: u64,
}

impl Source {
    /// A WAV file in memory.
    #[must_use]
    pub fn sound(sound: Sound, repeat: bool) -> Self {
        let length = u64::try_from(sound.frames()).ok();
        Self { kind: Kind::Sound(sound), repeat, length, position: 0 }
    }

    /// A generator; endless.
    #[must_use]
    pub fn generator(generator: Generator, sample_rate: f64) -> Self {
        let half_second = frames(sample_rate / 2.0);
        let kind = match generator {
            Generator::Sine => Kind::Sine { step: 440.0 * TAU / sample_rate },
            Generator::Noise => Kind::Noise { state: 0x9E37_79B9_7F4A_7C15 },
            Generator::Click => Kind::Click { every: half_second.max(1) },
            Generator::Silence => Kind::Silence,
            Generator::Notes => return Self::midi(arpeggio(sample_rate), frames(sample_rate * 2.0), true),
        };
        Self { kind, repeat: false, length: None, position: 0 }
    }

    /// MIDI messages; `length` in frames, at which it ends or starts again.
    #[must_use]
    pub const fn midi(messages: Vec<Message>, length: u64, repeat: bool) -> Self {
        Self { kind: Kind::Midi { messages, next: 0 }, repeat, length: Some(length), position: 0 }
    }

    /// A WAV or MIDI file, by what is in it. `sample_rate` in Hz: that of the session.
    ///
    /// # Errors
    /// The file is missing, damaged, of another kind, or of another sample rate.
    pub fn file(path: &Path, sample_rate: f64, repeat: bool) -> Result<Self, Error> {
        if is_midi(path) {
            let messages = midi::read(path, sample_rate)?;
            let last = messages.last().map_or(0, |message| message.frame);
            return Ok(Self::midi(messages, last + frames(AFTER_LAST_NOTE_S * sample_rate), repeat));
        }
        let sound = wav::read(path)?;
        anyhow::ensure!(
            (f64::from(sound.rate) - sample_rate).abs() < 0.5,
            "{}: is at {} Hz, the session at {sample_rate} Hz. Convert the file, or leave out --rate",
            path.display(),
            sound.rate
        );
        Ok(Self::sound(sound, repeat))
    }

    /// Channels of audio; 0 for MIDI.
    #[must_use]
    pub fn channels(&self) -> usize {
        match &self.kind {
            Kind::Sound(sound) => sound.channels.len(),
            Kind::Midi { .. } => 0,
            _ => 1,
        }
    }

    /// Frames until it ends; `None` if it never does.
    #[must_use]
    pub const fn length(&self) -> Option<u64> {
        if self.repeat { None } else { self.length }
    }

    /// True past the end of a source that does not repeat. What comes then is silence.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.length().is_some_and(|length| self.position >= length)
    }

    /// The next block: audio into the first `count` frames of each of `audio` (as many as [`Source::channels`]), notes
    /// into `events` in the words of `dialect` (dropped if the plug-in takes none).
    pub fn fill(
        &mut self,
        audio: &mut [Vec<f32>],
        count: u32,
        events: &mut EventBuffer,
        dialect: Option<Dialect>,
    ) {
        for offset in 0..count {
            if self.repeat && self.length == Some(self.position) {
                self.start_again(offset, events, dialect);
            }
            self.send_due(offset, events, dialect);
            let ended = self.ended();
            for (index, channel) in audio.iter_mut().enumerate() {
                let Some(to) = usize::try_from(offset).ok().and_then(|offset| channel.get_mut(offset)) else {
                    continue;
                };
                *to = if ended { 0.0 } else { self.sample(index) };
            }
            self.position += 1;
        }
    }

    fn start_again(&mut self, offset: u32, events: &mut EventBuffer, dialect: Option<Dialect>) {
        self.position = 0;
        if let (Kind::Midi { next, .. }, Some(dialect)) = (&mut self.kind, dialect) {
            *next = 0;
            midi::push_all_off(events, offset, dialect);
        }
    }

    fn send_due(&mut self, offset: u32, events: &mut EventBuffer, dialect: Option<Dialect>) {
        let Kind::Midi { messages, next } = &mut self.kind else { return };
        while let Some(message) = messages.get(*next).filter(|message| message.frame <= self.position) {
            *next += 1;
            if let Some(dialect) = dialect {
                midi::push(events, offset, message.bytes, dialect);
            }
        }
    }

    fn sample(&mut self, channel: usize) -> f32 {
        match &mut self.kind {
            Kind::Sound(sound) => {
                let at = usize::try_from(self.position).ok();
                at.and_then(|at| sound.channels.get(channel)?.get(at)).copied().unwrap_or(0.0)
            }
            Kind::Sine { step } => LEVEL * narrow((phase(self.position) * *step).sin()),
            Kind::Noise { state } => LEVEL * noise(state),
            Kind::Click { every } => {
                if self.position.is_multiple_of(*every) {
                    LEVEL
                } else {
                    0.0
                }
            }
            Kind::Silence | Kind::Midi { .. } => 0.0,
        }
    }
}

/// True for a file that begins as a standard MIDI file does.
#[must_use]
pub fn is_midi(path: &Path) -> bool {
    use std::io::Read;
    let mut head = [0; 4];
    std::fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut head).is_ok()) && &head == b"MThd"
}

/// C major, an eighth each at 120 beats per minute.
fn arpeggio(sample_rate: f64) -> Vec<Message> {
    let mut messages = Vec::new();
    for (index, key) in [60, 64, 67, 72, 76, 72, 67, 64].into_iter().enumerate() {
        let start = sample_rate * 0.25 * f64::from(u32::try_from(index).unwrap_or(0));
        messages.push(Message { frame: frames(start), bytes: [0x90, key, 96] });
        messages.push(Message { frame: frames(start + sample_rate * 0.2), bytes: [0x80, key, 0] });
    }
    messages
}

/// Xorshift: -1.0 to 1.0.
fn noise(state: &mut u64) -> f32 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    let [high, low, ..] = state.to_be_bytes();
    f32::from(i16::from_be_bytes([high, low])) / 32_768.0
}

#[allow(clippy::cast_possible_truncation, reason = "an `f32` is what this host plays; rounding is meant")]
const fn narrow(sample: f64) -> f32 {
    sample as f32
}

#[allow(clippy::cast_precision_loss, reason = "exact up to 2^52 frames, three thousand years at 48 kHz")]
const fn phase(position: u64) -> f64 {
    position as f64
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a length is not negative, and a float cast saturates"
)]
const fn frames(count: f64) -> u64 {
    count.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAP: Option<Dialect> = Some(Dialect { clap: true, midi: false });

    fn times(events: &EventBuffer) -> Vec<u32> {
        events.iter().map(|event| event.header().time()).collect()
    }

    #[test]
    fn a_message_falls_into_its_own_block_at_its_own_frame() {
        let message = Message { frame: 70, bytes: [0x90, 60, 1] };
        let mut source = Source::midi(vec![message], 200, false);
        let mut events = EventBuffer::new();
        source.fill(&mut [], 64, &mut events, CLAP);
        assert!(events.is_empty());
        source.fill(&mut [], 64, &mut events, CLAP);
        assert_eq!(times(&events), [6]);
    }

    #[test]
    fn a_repeating_source_wraps_inside_a_block_without_a_gap() {
        let sound = Sound { rate: 48_000, channels: vec![vec![1.0, 2.0, 3.0]] };
        let mut source = Source::sound(sound, true);
        let mut audio = [vec![0.0; 7]];
        source.fill(&mut audio, 7, &mut EventBuffer::new(), None);
        assert_eq!(audio[0], [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0]);
        assert!(!source.ended());
    }

    #[test]
    fn past_its_end_a_source_is_silent_and_says_so() {
        let mut source = Source::sound(Sound { rate: 48_000, channels: vec![vec![1.0, 2.0]] }, false);
        let mut audio = [vec![9.0; 4]];
        source.fill(&mut audio, 4, &mut EventBuffer::new(), None);
        assert_eq!(audio[0], [1.0, 2.0, 0.0, 0.0]);
        assert!(source.ended());
    }
}
