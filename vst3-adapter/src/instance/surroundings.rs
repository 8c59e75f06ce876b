//! What the host says of the plug-in's track, kept beside the shell: a host may say it before `initialize`, and need not
//! say it again after `terminate`. The presentation latency is of buses, which there are between the two only.
//!
//! Called by: `com/extras`, `instance`. Calls: the shell. Threads: [main] by VST3's rules; safe from any.

use hotshell_abi::Track;

use super::Instance;

/// What the host has said so far.
#[derive(Default)]
pub(crate) struct Surroundings {
    track: Option<Track>,
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

    /// Tells a shell that has just been opened.
    pub(super) fn pass_track_on(&self) {
        let said = self.surroundings.lock();
        if let (Some(track), Some(live)) = (said.track.clone(), self.live()) {
            live.shell.set_track(Some(track));
        }
    }
}
