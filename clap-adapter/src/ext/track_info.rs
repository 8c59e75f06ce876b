//! track-info: what the host says of the track, for editors.
//!
//! Called by: the host through clack, `view`. Calls: the host, the shell. Threads: [main].
//!
//! The host is asked when it makes an editor, before which nobody looks, and whenever it says that something moved.

use clack_extensions::track_info::{HostTrackInfo, PluginTrackInfoImpl, TrackInfoBuffer, TrackInfoFlags};
use clack_plugin::host::HostMainThreadHandle;
use hotshell_abi::Track;

use crate::instance::Main;

impl PluginTrackInfoImpl for Main<'_> {
    fn changed(&self) {
        self.shared.link.expect_main("track_info.changed");
        self.read_track();
    }
}

impl Main<'_> {
    /// Asks the host about the track, if it knows of any.
    pub(crate) fn read_track(&self) {
        if let Some(tracks) = self.shared.link.tracks() {
            self.shared.shell.set_track(read(tracks, *self.host()));
        }
    }
}

/// `None` if the host does not say.
fn read(tracks: HostTrackInfo, mut host: HostMainThreadHandle<'_>) -> Option<Track> {
    let mut buffer = TrackInfoBuffer::new();
    let info = tracks.get(&mut host, &mut buffer)?;
    let flag = |theirs, ours| if info.flags().contains(theirs) { ours } else { 0 };
    let flags = flag(TrackInfoFlags::IS_FOR_RETURN_TRACK, Track::RETURN)
        | flag(TrackInfoFlags::IS_FOR_BUS, Track::BUS)
        | flag(TrackInfoFlags::IS_FOR_MASTER, Track::MASTER);
    let colour = info.color().map(|colour| [colour.alpha, colour.red, colour.green, colour.blue]);
    let track = Track::default()
        .named(&String::from_utf8_lossy(info.name().unwrap_or_default()))
        .coloured(colour.map_or(0, u32::from_be_bytes))
        .with_channels(info.audio_channel_count().unwrap_or(0))
        .with_flags(flags);
    Some(track)
}
