//! Notes that the user plays on a keyboard that an editor draws.
//!
//! Called by: authors, through [`EditorContext::play`](super::EditorContext::play). Calls: the shell, through
//! `EditorHostRef`. Threads: [editor].

use hotshell_abi::editor::{EditorHostRef, EditorNote};

/// A key and how it is struck.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Note(EditorNote);

impl Note {
    /// MIDI `key` (0..=127, 60 is middle C), struck with `velocity` (0..=1), on the first channel of the first note
    /// port. Numbers beyond become the nearest.
    #[must_use]
    pub const fn new(key: u8, velocity: f32) -> Self {
        let key = if key > 127 { 127 } else { key };
        let velocity = if velocity.is_nan() { 0.0 } else { velocity.clamp(0.0, 1.0) };
        let velocity = velocity as f64;
        Self(EditorNote { key, channel: 0, port: 0, reserved: 0, velocity })
    }

    /// On this MIDI channel (0..=15; beyond: 15).
    #[must_use]
    pub const fn channel(mut self, channel: u8) -> Self {
        self.0.channel = if channel > 15 { 15 } else { channel };
        self
    }

    /// At this note port, counted from 0. A port that the plug-in has not is passed on as it is.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.0.port = port;
        self
    }
}

/// A key that the user holds down. Let go by dropping it: the note off is sent then, and never gets lost. [editor]
#[derive(Debug)]
#[must_use = "dropped at once, the note ends at once"]
pub struct Playing {
    host: EditorHostRef,
    /// 0: it is not played.
    played: u32,
}

impl Playing {
    pub(super) fn start(host: &EditorHostRef, note: Note) -> Self {
        let host = host.clone();
        let played = host.play(note.0);
        Self { host, played }
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        if self.played != 0 {
            self.host.stop(self.played);
        }
    }
}
