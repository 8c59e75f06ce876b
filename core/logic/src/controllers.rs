//! Which MIDI controllers a plug-in listens to, as a constant.
//!
//! Called by: authors, `bus`. Calls: nothing. Threads: [any].

/// MIDI controllers that a logic listens to, and on which channels.
///
/// CLAP hosts deliver whatever a keyboard sends. VST3 knows no MIDI: its hosts deliver a controller only where the
/// plug-in has a parameter for it, one for each channel. Those are made hidden, for what is named here and nothing else,
/// so name what you use:
///
/// ```
/// # use hotshell_logic::{Controllers, NotePorts};
/// const NOTES: NotePorts = NotePorts {
///     controllers: Controllers::of(&[Controllers::MOD_WHEEL, Controllers::PITCH_BEND]).on_channels(&[0]),
///     ..NotePorts::INPUT
/// };
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Controllers {
    pub(crate) numbers: [u64; 3],
    pub(crate) channels: u32,
}

impl Controllers {
    /// Controller 1.
    pub const MOD_WHEEL: u8 = 1;
    /// Controller 64.
    pub const SUSTAIN: u8 = 64;
    /// Channel pressure, which is no controller in MIDI and one here.
    pub const PRESSURE: u8 = 128;
    /// Pitch bend, which is no controller in MIDI and one here.
    pub const PITCH_BEND: u8 = 129;

    /// None.
    pub const NONE: Self = Self { numbers: [0; 3], channels: 0 };
    /// What keyboards have, on all channels: wheel, volume, pan, expression, the three pedals, brightness, all sound and
    /// all notes off, pressure, bend.
    pub const USUAL: Self = Self::of(&[1, 7, 10, 11, 64, 66, 67, 74, 120, 123, 128, 129]);
    /// Those and what switches MPE on (registered parameters).
    pub const MPE: Self = Self::USUAL.and(&[6, 100, 101]);
    /// All 130, on all channels: 2080 hidden parameters.
    pub const ALL: Self = Self { numbers: [u64::MAX, u64::MAX, 3], channels: 0xffff };

    /// Controllers of these numbers (0 to 127, [`Controllers::PRESSURE`], [`Controllers::PITCH_BEND`]) on all channels.
    ///
    /// # Panics
    /// If a number is past the last; in a constant, while compiling.
    #[must_use]
    pub const fn of(numbers: &[u8]) -> Self {
        Self { channels: 0xffff, ..Self::NONE }.and(numbers)
    }

    /// These and others.
    ///
    /// # Panics
    /// As [`Controllers::of`].
    #[must_use]
    pub const fn and(mut self, numbers: &[u8]) -> Self {
        let mut i = 0;
        while i < numbers.len() {
            let number = numbers[i];
            assert!(number <= Self::PITCH_BEND, "controllers are 0 to 127, 128 (pressure) and 129 (bend)");
            self.numbers[number as usize / 64] |= 1 << (number % 64);
            i += 1;
        }
        self
    }

    /// The same on these channels (0 to 15) only.
    ///
    /// # Panics
    /// If a channel is past the last; in a constant, while compiling.
    #[must_use]
    pub const fn on_channels(mut self, channels: &[u8]) -> Self {
        self.channels = 0;
        let mut i = 0;
        while i < channels.len() {
            assert!(channels[i] < 16, "channels are 0 to 15");
            self.channels |= 1 << channels[i];
            i += 1;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_is_one_bit_and_channels_are_those_that_were_named() {
        let some = Controllers::of(&[0, 63, 64, 127, 128, 129]).on_channels(&[0, 15]);
        assert_eq!(some.numbers, [1 | 1 << 63, 1 | 1 << 63, 3]);
        assert_eq!(some.channels, 0x8001);
        assert_eq!(Controllers::of(&[1]).channels, 0xffff);
    }
}
