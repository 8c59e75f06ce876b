//! Audio buses and note ports, as constants.
//!
//! Called by: authors, `export/describe`. Calls: nothing. Threads: [any].

use hotshell_abi::{BusDesc, NotePortsDesc};

use crate::controllers::Controllers;

/// One combination of buses that the logic can run in.
#[derive(Clone, Copy, Debug)]
pub struct BusLayout {
    /// Name for the host's list.
    pub name: &'static str,
    /// Input buses, main first.
    pub inputs: &'static [Bus],
    /// Output buses, main first.
    pub outputs: &'static [Bus],
}

const STEREO_PAIR: BusLayout =
    BusLayout { name: "Stereo", inputs: &[Bus::stereo("Input")], outputs: &[Bus::stereo("Output")] };
const MONO_PAIR: BusLayout =
    BusLayout { name: "Mono", inputs: &[Bus::mono("Input")], outputs: &[Bus::mono("Output")] };

impl BusLayout {
    /// An effect, stereo preferred, mono possible.
    pub const STEREO_OR_MONO: &'static [Self] = &[STEREO_PAIR, MONO_PAIR];
    /// An effect in stereo only.
    pub const STEREO: &'static [Self] = &[STEREO_PAIR];
    /// An effect in mono only.
    pub const MONO: &'static [Self] = &[MONO_PAIR];
    /// An instrument: one stereo output.
    pub const STEREO_OUT: &'static [Self] =
        &[Self { name: "Stereo", inputs: &[], outputs: &[Bus::stereo("Output")] }];
    /// A note effect: no audio.
    pub const NO_AUDIO: &'static [Self] = &[Self { name: "Notes", inputs: &[], outputs: &[] }];
}

/// One audio bus.
#[derive(Clone, Copy, Debug)]
pub struct Bus {
    /// Name that the user sees.
    pub name: &'static str,
    /// Channels and what they mean.
    pub kind: BusKind,
    /// Side-chain or extra output. The bus at index 0 is the main one unless this is set.
    pub aux: bool,
}

impl Bus {
    /// One channel.
    #[must_use]
    pub const fn mono(name: &'static str) -> Self {
        Self { name, kind: BusKind::Mono, aux: false }
    }

    /// Left and right.
    #[must_use]
    pub const fn stereo(name: &'static str) -> Self {
        Self { name, kind: BusKind::Stereo, aux: false }
    }

    /// The same bus as an auxiliary one.
    #[must_use]
    pub const fn aux(self) -> Self {
        Self { aux: true, ..self }
    }
}

/// Channels of a bus and what they mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BusKind {
    /// One channel.
    Mono,
    /// Left, right.
    Stereo,
    /// So many channels without meaning, 1 to 64.
    Untyped(u32),
    /// A WAVE speaker mask, lowest bit first channel.
    Surround(u32),
    /// Ambisonic of this order, ACN / SN3D: `(order + 1)²` channels.
    Ambisonic(u32),
}

impl BusKind {
    /// Channels.
    #[must_use]
    pub const fn channels(self) -> u32 {
        match self {
            Self::Mono => 1,
            Self::Stereo => 2,
            Self::Untyped(channels) => channels,
            Self::Surround(mask) => mask.count_ones(),
            Self::Ambisonic(order) => (order + 1) * (order + 1),
        }
    }

    pub(crate) const fn code(self) -> (u32, u32) {
        match self {
            Self::Mono => (BusDesc::MONO, 0),
            Self::Stereo => (BusDesc::STEREO, 0),
            Self::Untyped(_) => (BusDesc::UNTYPED, 0),
            Self::Surround(mask) => (BusDesc::SURROUND, mask),
            Self::Ambisonic(_) => (BusDesc::AMBISONIC, 0),
        }
    }
}

/// What a plug-in does with MPE (one MIDI channel per note).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mpe {
    /// Messages arrive as they are.
    Raw,
    /// Inside the zones that a controller switches on, bend, pressure and timbre arrive as per-note expressions, and what
    /// the master channel says arrives for every channel of its zone.
    Normalise,
}

/// Note ports. CLAP notes and MIDI are accepted on each unless said otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotePorts {
    /// Input ports.
    pub inputs: u32,
    /// Output ports.
    pub outputs: u32,
    /// Bits of [`NotePorts::CLAP`] and friends, for both directions.
    pub dialects: u32,
    /// One of those bits.
    pub preferred: u32,
    /// What to do with MPE.
    pub mpe: Mpe,
    /// MIDI controllers that the logic listens to: what VST3 hosts deliver.
    pub controllers: Controllers,
}

impl NotePorts {
    /// CLAP note events.
    pub const CLAP: u32 = NotePortsDesc::CLAP;
    /// MIDI 1 messages.
    pub const MIDI: u32 = NotePortsDesc::MIDI;
    /// MIDI 1 with MPE.
    pub const MIDI_MPE: u32 = NotePortsDesc::MIDI_MPE;
    /// MIDI 2 packets.
    pub const MIDI2: u32 = NotePortsDesc::MIDI2;

    /// No ports.
    pub const NONE: Self = Self {
        inputs: 0,
        outputs: 0,
        dialects: 0,
        preferred: 0,
        mpe: Mpe::Raw,
        controllers: Controllers::USUAL,
    };
    /// One input port: an instrument, or an effect that listens to notes.
    pub const INPUT: Self = Self {
        inputs: 1,
        outputs: 0,
        dialects: Self::CLAP | Self::MIDI,
        preferred: Self::CLAP,
        ..Self::NONE
    };
    /// One input port whose MPE messages arrive as per-note expressions.
    pub const MPE: Self = Self {
        dialects: Self::CLAP | Self::MIDI | Self::MIDI_MPE,
        mpe: Mpe::Normalise,
        controllers: Controllers::MPE,
        ..Self::INPUT
    };
    /// One port each way: a note effect.
    pub const THROUGH: Self = Self { outputs: 1, ..Self::INPUT };

    pub(crate) const fn desc(self) -> NotePortsDesc {
        if self.inputs == 0 && self.outputs == 0 {
            return NotePortsDesc::NONE;
        }
        NotePortsDesc {
            inputs: self.inputs,
            outputs: self.outputs,
            dialects: self.dialects,
            preferred: self.preferred,
            mpe: matches!(self.mpe, Mpe::Normalise) as u32,
            channels: self.controllers.channels,
            controllers: self.controllers.numbers,
        }
    }
}
