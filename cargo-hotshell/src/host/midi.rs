//! A standard MIDI file becomes messages at frames, and messages become CLAP events in the dialect of a port.
//!
//! Called by: `source`. Calls: midly. Threads: [`read`] [main], [`push`] [audio].

use std::path::Path;

use anyhow::{Context, bail};
use clack_host::events::event_types::{MidiEvent, NoteOffEvent, NoteOnEvent};
use clack_host::events::io::EventBuffer;
use clack_host::events::{Match, Pckn};
use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};

use super::ports::Dialect;
use crate::Error;

/// Microseconds per beat until the file says otherwise: 120 beats per minute.
const DEFAULT_TEMPO: f64 = 500_000.0;

/// One message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    /// Frames from the start.
    pub frame: u64,
    /// As MIDI 1.0 sends it; unused bytes are 0.
    pub bytes: [u8; 3],
}

/// Reads a file; the messages of all tracks, in order.
///
/// # Errors
/// The file is missing or damaged, or holds no notes.
pub fn read(path: &Path, sample_rate: f64) -> Result<Vec<Message>, Error> {
    let shown = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("{shown}: cannot be read"))?;
    let file = Smf::parse(&bytes).with_context(|| format!("{shown}: is not a standard MIDI file"))?;
    let messages = place(&file, sample_rate);
    if messages.is_empty() {
        bail!("{shown}: holds no channel messages");
    }
    Ok(messages)
}

/// Puts the events of all tracks on one line of time and walks the tempo map.
fn place(file: &Smf<'_>, sample_rate: f64) -> Vec<Message> {
    let mut events: Vec<(u64, TrackEventKind<'_>)> = Vec::new();
    for track in &file.tracks {
        let mut tick = 0_u64;
        for event in track {
            tick += u64::from(event.delta.as_int());
            events.push((tick, event.kind));
        }
    }
    // Stable: what one track wrote in order stays in order.
    events.sort_by_key(|event| event.0);
    let (mut tempo, mut last, mut seconds) = (DEFAULT_TEMPO, 0_u64, 0.0_f64);
    let mut messages = Vec::new();
    for (tick, kind) in events {
        seconds += ticks(tick - last) * seconds_per_tick(file.header.timing, tempo);
        last = tick;
        match kind {
            TrackEventKind::Meta(MetaMessage::Tempo(new)) => tempo = f64::from(new.as_int()),
            TrackEventKind::Midi { channel, message } => {
                messages.push(Message {
                    frame: frames(seconds * sample_rate),
                    bytes: bytes(channel.as_int(), message),
                });
            }
            _ => {}
        }
    }
    messages
}

#[allow(clippy::cast_precision_loss, reason = "ticks between two events are far below 2^52")]
const fn ticks(count: u64) -> f64 {
    count as f64
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time from the start is not negative, and a float cast saturates"
)]
const fn frames(count: f64) -> u64 {
    count.round() as u64
}

fn seconds_per_tick(timing: Timing, tempo: f64) -> f64 {
    match timing {
        Timing::Metrical(per_beat) => tempo / 1e6 / f64::from(per_beat.as_int().max(1)),
        Timing::Timecode(fps, per_frame) => 1.0 / f64::from(fps.as_f32()) / f64::from(per_frame.max(1)),
    }
}

fn bytes(channel: u8, message: MidiMessage) -> [u8; 3] {
    let [kind, first, second] = match message {
        MidiMessage::NoteOff { key, vel } => [0x80, key.as_int(), vel.as_int()],
        MidiMessage::NoteOn { key, vel } => [0x90, key.as_int(), vel.as_int()],
        MidiMessage::Aftertouch { key, vel } => [0xA0, key.as_int(), vel.as_int()],
        MidiMessage::Controller { controller, value } => [0xB0, controller.as_int(), value.as_int()],
        MidiMessage::ProgramChange { program } => [0xC0, program.as_int(), 0],
        MidiMessage::ChannelAftertouch { vel } => [0xD0, vel.as_int(), 0],
        MidiMessage::PitchBend { bend } => {
            let [low, high] = (bend.0.as_int() << 1).to_le_bytes();
            [0xE0, low >> 1, high]
        }
    };
    [kind | channel, first, second]
}

/// Appends one message at `time` frames into the block: notes in the port's own dialect, everything else as MIDI where
/// the port takes that.
pub fn push(events: &mut EventBuffer, time: u32, bytes: [u8; 3], dialect: Dialect) {
    let [status, key, velocity] = bytes;
    let note = Pckn::new(0_u16, u16::from(status & 0x0F), u16::from(key), Match::All);
    let strength = f64::from(velocity) / 127.0;
    match status & 0xF0 {
        0x90 if dialect.clap && velocity > 0 => events.push(&NoteOnEvent::new(time, note, strength)),
        0x80 | 0x90 if dialect.clap => events.push(&NoteOffEvent::new(time, note, strength)),
        _ if dialect.midi => events.push(&MidiEvent::new(time, 0, bytes)),
        _ => {}
    }
}

/// Appends what ends every note: for a loop that starts again, or a source that stops in the middle.
pub fn push_all_off(events: &mut EventBuffer, time: u32, dialect: Dialect) {
    if dialect.clap {
        events.push(&NoteOffEvent::new(time, Pckn::match_all(), 0.0));
    }
    if dialect.midi {
        for channel in 0..16 {
            for controller in [64, 123] {
                events.push(&MidiEvent::new(time, 0, [0xB0 | channel, controller, 0]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use midly::num::{u4, u7, u15, u24, u28};
    use midly::{Format, Header, TrackEvent};

    fn note(delta: u32, vel: u8) -> TrackEvent<'static> {
        let message = MidiMessage::NoteOn { key: u7::new(60), vel: u7::new(vel) };
        TrackEvent { delta: u28::new(delta), kind: TrackEventKind::Midi { channel: u4::new(2), message } }
    }

    #[test]
    fn a_tempo_change_moves_what_comes_after_it_in_every_track() {
        let tempo = TrackEventKind::Meta(MetaMessage::Tempo(u24::new(1_000_000)));
        let conductor = vec![TrackEvent { delta: u28::new(96), kind: tempo }];
        let header = Header::new(Format::Parallel, Timing::Metrical(u15::new(96)));
        let file = Smf { header, tracks: vec![conductor, vec![note(96, 100), note(96, 0)]] };
        let messages = place(&file, 1000.0);
        // One beat at 120 bpm, then one at 60.
        let expected = [(500, [0x92, 60, 100]), (1500, [0x92, 60, 0])];
        assert_eq!(messages.iter().map(|m| (m.frame, m.bytes)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn pitch_bend_keeps_its_fourteen_bits() {
        let bend =
            |value| bytes(0, MidiMessage::PitchBend { bend: midly::PitchBend(midly::num::u14::new(value)) });
        assert_eq!(bend(0x2000), [0xE0, 0, 0x40]);
        assert_eq!(bend(0x3FFF), [0xE0, 0x7F, 0x7F]);
        assert_eq!(bend(1), [0xE0, 1, 0]);
    }

    #[test]
    fn a_port_gets_its_own_dialect_only() {
        let count = |clap, midi, bytes| {
            let mut events = EventBuffer::new();
            push(&mut events, 0, bytes, Dialect { clap, midi });
            events.len()
        };
        assert_eq!(count(true, false, [0x90, 60, 1]), 1);
        assert_eq!(count(true, false, [0xB0, 64, 127]), 0);
        assert_eq!(count(false, true, [0xB0, 64, 127]), 1);
    }
}
