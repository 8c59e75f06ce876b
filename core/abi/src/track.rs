//! What a host says of the track that a plug-in sits on.
//!
//! Called by: the adapters make one, `hotshell-core` keeps it, the author's editor reads it. Calls: nothing.
//! Threads: [any] but audio.

use core::fmt::{self, Write};

use crate::TextBuffer;

/// What the host says of the track that the plug-in sits on. All of it is optional: hosts say as much as they like, and
/// may say something else at any time. Name and colour are what both formats have a word for; the rest is CLAP's.
///
/// The shell keeps it, so it stays over a reload, and editors read it: it is there for what is drawn. The sound does not
/// hear of it: it would change with the track's name, in some hosts only, and no state could bring it back.
#[repr(C)]
#[derive(Clone, Default)]
pub struct Track {
    flags: u32,
    /// 0: none.
    colour: u32,
    /// 0: not known.
    channels: u32,
    reserved: u32,
    name: TextBuffer,
}

impl Track {
    /// It carries what other tracks send.
    pub const RETURN: u32 = 1;
    /// It carries what a group of tracks plays.
    pub const BUS: u32 = 2;
    /// It is the project's main output.
    pub const MASTER: u32 = 4;

    /// Of this name, which is cut at [`TextBuffer::CAPACITY`] bytes, at a character's end.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name.clear();
        // Cut where it does not fit: a name is to be looked at.
        let _ = self.name.write_str(name);
        self
    }

    /// Of this colour, 0xAARRGGBB; 0: none.
    #[must_use]
    pub const fn coloured(self, colour: u32) -> Self {
        Self { colour, ..self }
    }

    /// With so many channels; 0: not known.
    #[must_use]
    pub const fn with_channels(self, channels: u32) -> Self {
        Self { channels, ..self }
    }

    /// With these of [`Track::RETURN`], [`Track::BUS`] and [`Track::MASTER`].
    #[must_use]
    pub const fn with_flags(self, flags: u32) -> Self {
        Self { flags, ..self }
    }

    /// What the user calls it; empty if the host does not say.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Its colour in the host, 0xAARRGGBB, as the host gives it; `None` if the host does not say.
    #[must_use]
    pub const fn colour(&self) -> Option<u32> {
        if self.colour == 0 { None } else { Some(self.colour) }
    }

    /// Audio channels of the track, which may be others than the plug-in's; `None` if the host does not say. VST3 has no
    /// word for it.
    #[must_use]
    pub const fn channels(&self) -> Option<u32> {
        if self.channels == 0 { None } else { Some(self.channels) }
    }

    /// True if the host says that it carries what other tracks send to it. VST3 has no word for it.
    #[must_use]
    pub const fn is_return(&self) -> bool {
        self.flags & Self::RETURN != 0
    }

    /// True if the host says that it carries what a group of tracks plays. VST3 has no word for it.
    #[must_use]
    pub const fn is_bus(&self) -> bool {
        self.flags & Self::BUS != 0
    }

    /// True if the host says that it is the project's main output. VST3 has no word for it.
    #[must_use]
    pub const fn is_master(&self) -> bool {
        self.flags & Self::MASTER != 0
    }
}

impl PartialEq for Track {
    fn eq(&self, other: &Self) -> bool {
        let numbers = |track: &Self| (track.flags, track.colour, track.channels);
        numbers(self) == numbers(other) && self.name() == other.name()
    }
}

impl Eq for Track {}

impl fmt::Debug for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Track")
            .field("name", &self.name())
            .field("colour", &self.colour())
            .field("channels", &self.channels())
            .field("flags", &self.flags)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_does_not_say_is_absent() {
        let track = Track::default();
        assert_eq!((track.name(), track.colour(), track.channels()), ("", None, None));
        assert!(!track.is_return() && !track.is_bus() && !track.is_master());
    }

    #[test]
    fn a_name_too_long_is_cut_at_a_characters_end() {
        let track = Track::default().named(&"é".repeat(10_000));
        assert_eq!(track.name(), "é".repeat(TextBuffer::CAPACITY / 2));
        assert_eq!(track.named("x").name(), "x", "and another one takes its place");
    }

    #[test]
    fn tracks_are_equal_if_they_read_the_same() {
        let long = Track::default().named("a long one").named("a");
        assert_eq!(long, Track::default().named("a"), "what is left behind a name is no part of it");
        assert_ne!(long, Track::default().named("b"));
        assert_ne!(long, long.clone().coloured(1));
        assert_ne!(long, long.clone().with_channels(1));
        assert_ne!(long, long.clone().with_flags(Track::BUS));
    }
}
