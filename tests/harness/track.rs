//! What a CLAP host says of the track that the plug-in sits on.
//!
//! Called by: tests, the plug-in under test. Calls: the plug-in's track-info. Threads: the plug-in's main thread.

use std::sync::PoisonError;

use clack_extensions::track_info::{HostTrackInfoImpl, PluginTrackInfo, TrackInfo, TrackInfoWriter};
use clack_host::utils::Color;

use crate::calls::Phase;
use crate::host::MainThread;
use crate::plugin::Plugin;

/// A track of the host's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostTrack {
    /// Its name.
    pub name: &'static str,
    /// Its colour, 0xAARRGGBB.
    pub colour: u32,
}

impl HostTrackInfoImpl for MainThread {
    fn get<'a>(&'a self, writer: &mut TrackInfoWriter<'_, 'a>) {
        let track = self.calls.desk.lock().unwrap_or_else(PoisonError::into_inner).track;
        if let Some(track) = track {
            let [alpha, red, green, blue] = track.colour.to_be_bytes();
            let info = TrackInfo::new().with_name(Some(track.name.as_bytes()));
            writer.set(&info.with_color(Some(Color { alpha, red, green, blue })));
        }
    }
}

impl Plugin {
    /// The plug-in sits on this track, and is told nothing.
    pub fn put_on(&mut self, track: HostTrack) {
        self.calls().desk.lock().unwrap_or_else(PoisonError::into_inner).track = Some(track);
    }

    /// The same, and the plug-in is told that something has moved.
    ///
    /// # Panics
    /// If it does not want to know.
    pub fn move_to(&mut self, track: HostTrack) {
        self.put_on(track);
        self.ask(Phase::Query, |handle| {
            let plugin = handle.get_extension::<PluginTrackInfo>().expect("the plug-in has track-info");
            plugin.changed(handle);
        });
    }
}
