//! What a build says of itself: descriptor, buses, parameters, meters, persistent fields.
//!
//! Called by: `hotshell-logic` builds it once per build, `hotshell-core` reads it. Calls: nothing.
//! Threads: [any]; everything here is `'static` for the life of the library (which is never unmapped).

use crate::{Slice, Str};

/// One plug-in of an artifact.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PluginDesc<'a> {
    /// Reverse-domain id, stable for ever: `"org.example.gain"`.
    pub id: Str<'a>,
    /// Name that the user sees.
    pub name: Str<'a>,
    /// Maker.
    pub vendor: Str<'a>,
    /// Version of the plug-in.
    pub version: Str<'a>,
    /// One sentence.
    pub description: Str<'a>,
    /// Home page, or empty.
    pub url: Str<'a>,
    /// Manual's page, or empty.
    pub manual_url: Str<'a>,
    /// Support page, or empty.
    pub support_url: Str<'a>,
    /// CLAP feature words, without duplicates, the main category among them.
    pub features: Slice<'a, Str<'a>>,
    /// VST3 sub-categories joined by `|`, or empty to derive them from `features`.
    pub vst3_categories: Str<'a>,
    /// VST3 class id; all zero: derived from `id`.
    pub vst3_class_id: [u8; 16],
    /// VST3 class ids that this plug-in replaces.
    pub vst3_old_class_ids: Slice<'a, [u8; 16]>,
    /// Layouts that the logic can run in, the preferred one first; at least one.
    pub layouts: Slice<'a, BusLayoutDesc<'a>>,
    /// Note ports.
    pub notes: NotePortsDesc,
    /// How parameter events divide a block.
    pub split: SplitDesc,
    /// How a new build takes over.
    pub handover: HandoverDesc,
    /// The author's version of the saved state.
    pub state_version: u32,
    /// [`PluginDesc::HAS_EDITOR`] and friends.
    pub flags: u32,
    /// Voices of an instrument; 0: does not say.
    pub voice_capacity: u32,
    /// Parameters in the author's order.
    pub params: Slice<'a, ParamDesc<'a>>,
    /// Meters; their channels together at most [`MAX_METERS`](crate::MAX_METERS).
    pub meters: Slice<'a, MeterDesc<'a>>,
    /// Persistent and kept fields.
    pub persists: Slice<'a, PersistDesc<'a>>,
}

impl PluginDesc<'_> {
    /// The build has an editor.
    pub const HAS_EDITOR: u32 = 1;
    /// `import_state` does something.
    pub const IMPORTS_STATE: u32 = 2;
    /// `save_state` / `load_state` do something.
    pub const OWN_STATE: u32 = 4;
    /// Voices may sound on the same key at once (CLAP voice-info).
    pub const OVERLAPPING_NOTES: u32 = 8;
    /// Needs real time: cannot render offline (CLAP render).
    pub const HARD_REALTIME: u32 = 16;
}

/// One combination of buses.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct BusLayoutDesc<'a> {
    /// Name for the host's list, e.g. `"Stereo"`.
    pub name: Str<'a>,
    /// Input buses, main first.
    pub inputs: Slice<'a, BusDesc<'a>>,
    /// Output buses, main first.
    pub outputs: Slice<'a, BusDesc<'a>>,
}

/// One audio bus.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct BusDesc<'a> {
    /// Name that the user sees.
    pub name: Str<'a>,
    /// Channels, 1..=64.
    pub channels: u32,
    /// [`BusDesc::MAIN`] or [`BusDesc::AUX`].
    pub role: u32,
    /// [`BusDesc::UNTYPED`] and friends.
    pub kind: u32,
    /// For [`BusDesc::SURROUND`]: WAVE speaker mask, lowest bit first channel.
    pub speakers: u32,
}

impl BusDesc<'_> {
    /// The bus that carries the sound; only at index 0.
    pub const MAIN: u32 = 0;
    /// Side-chain or extra output.
    pub const AUX: u32 = 1;
    /// Channels without meaning.
    pub const UNTYPED: u32 = 0;
    /// One channel.
    pub const MONO: u32 = 1;
    /// Left, right.
    pub const STEREO: u32 = 2;
    /// `speakers` says which.
    pub const SURROUND: u32 = 3;
    /// Ambisonic, ACN / SN3D, a square number of channels.
    pub const AMBISONIC: u32 = 4;
}

/// Note ports and what travels through them.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotePortsDesc {
    /// Number of input ports.
    pub inputs: u32,
    /// Number of output ports.
    pub outputs: u32,
    /// Bits of [`NotePortsDesc::CLAP`] and friends, for both directions.
    pub dialects: u32,
    /// One of those bits.
    pub preferred: u32,
    /// 0: MPE arrives as it is; 1: normalised to per-note expressions.
    pub mpe: u32,
    /// Bit i: MIDI controllers of channel i are listened to.
    pub channels: u32,
    /// Bit n % 64 of number n / 64: controller n is listened to; 128: channel pressure, 129: pitch bend.
    pub controllers: [u64; 3],
}

impl NotePortsDesc {
    /// CLAP note events.
    pub const CLAP: u32 = 1;
    /// MIDI 1 messages.
    pub const MIDI: u32 = 2;
    /// MIDI 1 with MPE.
    pub const MIDI_MPE: u32 = 4;
    /// MIDI 2 packets.
    pub const MIDI2: u32 = 8;
    /// No ports.
    pub const NONE: Self =
        Self { inputs: 0, outputs: 0, dialects: 0, preferred: 0, mpe: 0, channels: 0, controllers: [0; 3] };

    /// True if controller `number` of `channel` is listened to.
    #[must_use]
    pub const fn listens(&self, channel: u8, number: u8) -> bool {
        channel < 16
            && number < 130
            && self.channels >> channel & 1 == 1
            && self.controllers[number as usize / 64] >> (number % 64) & 1 == 1
    }
}

/// How parameter events divide a block into sub-blocks.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitDesc {
    /// 0: at parameter events; 1: never, the logic reads the events itself.
    pub mode: u32,
    /// Shortest sub-block in frames, >= 1 (the last of a block may be shorter). Events closer together wait.
    pub min_frames: u32,
}

/// How a new build takes over from the old one.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HandoverDesc {
    /// [`HandoverDesc::AUTO`] and friends.
    pub kind: u32,
    /// [`HandoverDesc::EQUAL_GAIN`] or [`HandoverDesc::EQUAL_POWER`], for `CROSSFADE`.
    pub law: u32,
    /// Length of a `CROSSFADE` in milliseconds, 0..=1000.
    pub milliseconds: f32,
    /// Longest `SPILL` in seconds, 0..=30.
    pub spill_seconds: f32,
    /// Frames that a new instance runs unheard beyond its latency; the shell caps the sum at 500 ms.
    pub warm_up_frames: u32,
}

impl HandoverDesc {
    /// Equal gain for effects and after `restore`, equal power where notes were replayed, cut without audio.
    pub const AUTO: u32 = 0;
    /// Always a crossfade of `law` and `milliseconds`.
    pub const CROSSFADE: u32 = 1;
    /// The old instance's tail rings on under the new one.
    pub const SPILL: u32 = 2;
    /// No fade.
    pub const CUT: u32 = 3;
    /// Raised cosine, gains sum to 1.
    pub const EQUAL_GAIN: u32 = 0;
    /// Sine and cosine, squares of gains sum to 1.
    pub const EQUAL_POWER: u32 = 1;
}

/// One parameter.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ParamDesc<'a> {
    /// Dotted id, stable for ever: `"osc.1.detune"`.
    pub id: Str<'a>,
    /// Earlier ids of the same parameter.
    pub was: Slice<'a, Str<'a>>,
    /// FNV-1a (32 bit) of `id` with the top bit clear: what hosts store ([`param_host_id`]).
    pub host_id: u32,
    /// [`ParamDesc::FLOAT`] and friends.
    pub kind: u32,
    /// Name that the user sees.
    pub name: Str<'a>,
    /// Groups separated by `/`, or empty.
    pub group: Str<'a>,
    /// Unit for display, e.g. `"dB"`, or empty.
    pub unit: Str<'a>,
    /// Remote-control page, or empty.
    pub page: Str<'a>,
    /// Least plain value. Bool: 0. Enum: 0.
    pub min: f64,
    /// Greatest plain value. Bool: 1. Enum: variants - 1.
    pub max: f64,
    /// Default plain value.
    pub default: f64,
    /// Distribution over a knob's travel: [`ParamDesc::LINEAR`] and friends.
    pub law: u32,
    /// Exponent of [`ParamDesc::SKEWED`].
    pub skew: f64,
    /// [`ParamDesc::AUTOMATABLE`] and friends.
    pub flags: u32,
    /// Enum: variants in order of their plain value.
    pub variants: Slice<'a, VariantDesc<'a>>,
}

impl ParamDesc<'_> {
    /// Continuous.
    pub const FLOAT: u32 = 0;
    /// Whole numbers.
    pub const INT: u32 = 1;
    /// 0 or 1.
    pub const BOOL: u32 = 2;
    /// Index of a variant; saved by the variant's id.
    pub const ENUM: u32 = 3;

    /// Even travel.
    pub const LINEAR: u32 = 0;
    /// Even travel of the logarithm; `min` > 0.
    pub const LOGARITHMIC: u32 = 1;
    /// `min + (max - min) * travel.powf(skew)`.
    pub const SKEWED: u32 = 2;

    /// The host may automate it.
    pub const AUTOMATABLE: u32 = 1;
    /// The host may add an offset for all voices.
    pub const MODULATABLE: u32 = 2;
    /// The host may add an offset per voice.
    pub const MODULATABLE_PER_NOTE: u32 = 4;
    /// Not shown.
    pub const HIDDEN: u32 = 8;
    /// Written by the logic only.
    pub const READ_ONLY: u32 = 16;
    /// The bypass; [`ParamDesc::BOOL`], at most one.
    pub const BYPASS: u32 = 32;
    /// With `BYPASS`: the logic does it itself.
    pub const MANUAL_BYPASS: u32 = 64;
    /// Its events wait for the next sub-block instead of dividing one.
    pub const NO_SPLIT: u32 = 128;
    /// Wraps around (a phase).
    pub const PERIODIC: u32 = 256;
    /// The host may automate it per voice.
    pub const AUTOMATABLE_PER_NOTE: u32 = 512;

    /// True if values are whole numbers.
    #[must_use]
    pub const fn is_stepped(&self) -> bool {
        self.kind != Self::FLOAT
    }
}

/// One choice of an enum parameter.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct VariantDesc<'a> {
    /// Stable id: what state holds.
    pub id: Str<'a>,
    /// Name that the user sees; unique within the parameter.
    pub name: Str<'a>,
}

/// One meter.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MeterDesc<'a> {
    /// Dotted id.
    pub id: Str<'a>,
    /// Channels.
    pub channels: u32,
    /// 0: plain value; 1: peak, which the logic lets decay.
    pub kind: u32,
}

/// One field whose bytes the shell holds.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PersistDesc<'a> {
    /// Dotted id.
    pub id: Str<'a>,
    /// [`PersistDesc::EVERYWHERE`] and friends.
    pub scope: u32,
}

impl PersistDesc<'_> {
    /// In projects and in presets.
    pub const EVERYWHERE: u32 = 0;
    /// In projects only.
    pub const PROJECT: u32 = 1;
    /// Never saved; survives reloads.
    pub const KEEP: u32 = 2;
}

/// Host id of a dotted parameter id: FNV-1a, 32 bit, top bit clear (VST3 wants a non-negative signed number).
#[must_use]
pub const fn param_host_id(id: &str) -> u32 {
    let bytes = id.as_bytes();
    let mut hash = 0x811c_9dc5_u32;
    let mut i = 0;
    while i < bytes.len() {
        hash ^= bytes[i] as u32;
        hash = hash.wrapping_mul(0x0100_0193);
        i += 1;
    }
    hash & 0x7fff_ffff
}
