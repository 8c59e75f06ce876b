//! What a plug-in says of itself, as constants.
//!
//! Called by: authors, `export/describe`. Calls: nothing. Threads: [any].

/// Name, maker and kind of a plug-in. Ids never change once users have projects.
///
/// ```
/// # use hotshell_logic::{Feature, PluginInfo};
/// const INFO: PluginInfo = PluginInfo {
///     vendor: "Example",
///     version: "1.0.0",
///     features: &[Feature::AUDIO_EFFECT, Feature::STEREO],
///     ..PluginInfo::new("org.example.gain", "Gain")
/// };
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PluginInfo {
    /// Reverse-domain id, stable for ever.
    pub id: &'static str,
    /// Name that the user sees.
    pub name: &'static str,
    /// Maker.
    pub vendor: &'static str,
    /// Version; `env!("CARGO_PKG_VERSION")` keeps it in one place.
    pub version: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// Home page, or empty.
    pub url: &'static str,
    /// Manual's page, or empty.
    pub manual_url: &'static str,
    /// Support page, or empty.
    pub support_url: &'static str,
    /// CLAP's feature words. A missing main category is derived from the buses, repeated words are dropped.
    pub features: &'static [Feature],
    /// VST3 sub-categories joined by `|`; empty: derived from `features`.
    pub vst3_categories: &'static str,
    /// VST3 class id; `None`: derived from `id`.
    pub vst3_class_id: Option<[u8; 16]>,
    /// VST3 class ids that this plug-in replaces.
    pub vst3_replaces: &'static [[u8; 16]],
    /// Voices of an instrument; 0: does not say.
    pub voices: u32,
    /// Voices may sound on the same key at once.
    pub overlapping_notes: bool,
    /// Cannot render offline (hardware behind it).
    pub hard_realtime: bool,
    /// `import_state` reads something; hosts' unknown bytes are only then offered to it.
    pub imports_state: bool,
    /// `save_state` and `load_state` do something.
    pub own_state: bool,
}

impl PluginInfo {
    /// A plug-in of this id and name, everything else empty.
    #[must_use]
    pub const fn new(id: &'static str, name: &'static str) -> Self {
        Self {
            id,
            name,
            vendor: "",
            version: "0.0.0",
            description: "",
            url: "",
            manual_url: "",
            support_url: "",
            features: &[],
            vst3_categories: "",
            vst3_class_id: None,
            vst3_replaces: &[],
            voices: 0,
            overlapping_notes: false,
            hard_realtime: false,
            imports_state: false,
            own_state: false,
        }
    }
}

/// One of CLAP's feature words. Others than the constants are allowed: `Feature("vendor:word")`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Feature(pub &'static str);

impl Feature {
    /// Main category.
    pub const INSTRUMENT: Self = Self("instrument");
    /// Main category.
    pub const AUDIO_EFFECT: Self = Self("audio-effect");
    /// Main category.
    pub const NOTE_EFFECT: Self = Self("note-effect");
    /// Main category.
    pub const NOTE_DETECTOR: Self = Self("note-detector");
    /// Main category.
    pub const ANALYZER: Self = Self("analyzer");
    /// Instrument.
    pub const SYNTHESIZER: Self = Self("synthesizer");
    /// Instrument.
    pub const SAMPLER: Self = Self("sampler");
    /// Instrument.
    pub const DRUM: Self = Self("drum");
    /// Effect.
    pub const FILTER: Self = Self("filter");
    /// Effect.
    pub const PHASER: Self = Self("phaser");
    /// Effect.
    pub const EQUALIZER: Self = Self("equalizer");
    /// Effect.
    pub const DELAY: Self = Self("delay");
    /// Effect.
    pub const REVERB: Self = Self("reverb");
    /// Effect.
    pub const COMPRESSOR: Self = Self("compressor");
    /// Effect.
    pub const LIMITER: Self = Self("limiter");
    /// Effect.
    pub const DISTORTION: Self = Self("distortion");
    /// Effect.
    pub const MODULATION_EFFECTS: Self = Self("modulation-effects");
    /// Tool.
    pub const UTILITY: Self = Self("utility");
    /// Channels.
    pub const MONO: Self = Self("mono");
    /// Channels.
    pub const STEREO: Self = Self("stereo");

    /// True for the five main categories, one of which hosts want.
    #[must_use]
    pub fn is_main(self) -> bool {
        [Self::INSTRUMENT, Self::AUDIO_EFFECT, Self::NOTE_EFFECT, Self::NOTE_DETECTOR, Self::ANALYZER]
            .contains(&self)
    }
}

/// How parameter events divide a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Split {
    /// At each parameter event: `process` sees constant values. Events closer together than `min_frames` wait.
    AtAutomation {
        /// Frames, >= 1.
        min_frames: u32,
    },
    /// Never: the logic reads `Event::Param` itself.
    Never,
}

/// How a new build takes over while it plays.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Handover {
    /// A crossfade that fits the kind of plug-in.
    Auto,
    /// Always this crossfade.
    Crossfade {
        /// Which gains.
        law: FadeLaw,
        /// Milliseconds, 0 to 1000.
        ms: f32,
    },
    /// The old instance's tail rings on under the new one.
    Spill {
        /// Longest, in seconds, 0 to 30.
        max_s: f32,
    },
    /// No fade.
    Cut,
}

/// Gains of a crossfade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FadeLaw {
    /// Raised cosine, gains sum to 1: for signals that are alike.
    EqualGain,
    /// Squares of the gains sum to 1: for signals that are not.
    EqualPower,
}

/// Does this block's output matter?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum ProcessStatus {
    /// It does, or may soon.
    Active,
    /// It is silence, and stays silence until input or events come.
    Quiet,
}

/// How long a plug-in sounds on after its input ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tail {
    /// Not at all.
    #[default]
    None,
    /// Frames.
    Frames(u64),
    /// Never ends by itself.
    Infinite,
}

impl Tail {
    pub(crate) const fn frames(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Frames(frames) => frames,
            Self::Infinite => u64::MAX,
        }
    }
}

/// What `restore` still needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Replay {
    /// Held notes are to be played again.
    HeldNotes,
    /// The voices were taken over: no notes.
    Nothing,
}
