//! What the host says of the plug-in's track and of the way to the loudspeaker, kept beside the shell: a host may speak
//! of the track before `initialize`, and need not say either again after `terminate`. (The way to the loudspeaker is a
//! bus's, and there are none before.)
//!
//! Called by: `com/extras`, `instance`. Calls: the shell. Threads: [main] by VST3's rules; safe from any.

use hotshell_abi::Track;

use super::{Instance, Live};

/// What the host has said so far.
#[derive(Default)]
pub(crate) struct Surroundings {
    track: Option<Track>,
    /// Frames from the main output to what is heard.
    presentation_latency: Option<u32>,
}

impl Instance {
    /// The track's name and colour; what the host leaves out stays as it was.
    pub(crate) fn set_track(&self, name: Option<&str>, colour: Option<u32>) {
        if name.is_none() && colour.is_none() {
            return;
        }
        let mut said = self.surroundings.lock();
        let mut track = said.track.take().unwrap_or_default();
        if let Some(name) = name {
            track = track.named(name);
        }
        if let Some(colour) = colour {
            track = track.coloured(colour);
        }
        said.track = Some(track.clone());
        // Still locked: of two callers, the later one's track stays. The shell calls no host for it.
        if let Some(live) = self.live() {
            live.shell.set_track(Some(track));
        }
    }

    /// Frames from the main output to what is heard.
    pub(crate) fn set_presentation_latency(&self, live: &Live, frames: u32) {
        // Locked as above.
        let mut said = self.surroundings.lock();
        said.presentation_latency = Some(frames);
        live.shell.set_presentation_latency(frames);
    }

    /// Tells a shell that has just been opened.
    pub(super) fn pass_surroundings_on(&self) {
        let said = self.surroundings.lock();
        let Some(live) = self.live() else { return };
        if let Some(track) = &said.track {
            live.shell.set_track(Some(track.clone()));
        }
        if let Some(frames) = said.presentation_latency {
            live.shell.set_presentation_latency(frames);
        }
    }
}
