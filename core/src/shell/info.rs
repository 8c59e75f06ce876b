//! What a host has been told of a plug-in: parameters, buses, tail.
//!
//! Called by: the adapters, `changes`, `params`. Calls: nothing. Threads: [any]; made on [main] [reload].

/// Tail of a plug-in after its input ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tail {
    /// Ends with the input.
    #[default]
    None,
    /// Frames.
    Frames(u64),
    /// Never ends by itself.
    Infinite,
}

/// One announced parameter: what the host has been told, and may rely on until it is told otherwise.
#[derive(Clone, PartialEq, Debug)]
pub struct ParamInfo {
    /// Dotted id.
    pub id: String,
    /// What hosts store.
    pub host_id: u32,
    /// Place in the append-only list; a cookie may be `index + 1`.
    pub index: usize,
    /// Name; a removed parameter keeps its name (adapters mark it by `removed`).
    pub name: String,
    /// Groups separated by `/`, or empty.
    pub group: String,
    /// Unit, or empty.
    pub unit: String,
    /// Remote-control page, or empty.
    pub page: String,
    /// [`hotshell_abi::ParamDesc::FLOAT`] and friends.
    pub kind: u32,
    /// Plain.
    pub min: f64,
    /// Plain.
    pub max: f64,
    /// Plain.
    pub default: f64,
    /// [`hotshell_abi::ParamDesc::LINEAR`] and friends.
    pub law: u32,
    /// Exponent of the skewed law.
    pub skew: f64,
    /// [`hotshell_abi::ParamDesc::AUTOMATABLE`] and friends.
    pub flags: u32,
    /// Variants of an enum: stable id and name.
    pub variants: Vec<(String, String)>,
    /// A tombstone: the live build does not have it.
    pub removed: bool,
}

impl ParamInfo {
    /// True if values are whole numbers.
    #[must_use]
    pub const fn is_stepped(&self) -> bool {
        self.kind != hotshell_abi::ParamDesc::FLOAT
    }

    /// True if all bits of `flag` are set.
    #[must_use]
    pub const fn has(&self, flag: u32) -> bool {
        self.flags & flag == flag
    }

    /// `value` brought into the range (and to a whole number where stepped); anything not finite becomes the default.
    #[must_use]
    pub fn clamp(&self, value: f64) -> f64 {
        if !value.is_finite() {
            return self.default;
        }
        let value = value.clamp(self.min, self.max);
        if self.is_stepped() { value.round() } else { value }
    }
}

/// One announced audio bus.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BusInfo {
    /// Name that the user sees.
    pub name: String,
    /// Channels.
    pub channels: u32,
    /// Main (only index 0) or auxiliary.
    pub main: bool,
    /// [`hotshell_abi::BusDesc::UNTYPED`] and friends.
    pub kind: u32,
    /// WAVE speaker mask of a surround bus.
    pub speakers: u32,
}

/// One announced layout.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LayoutInfo {
    /// Name for the host's list.
    pub name: String,
    /// Input buses, main first.
    pub inputs: Vec<BusInfo>,
    /// Output buses, main first.
    pub outputs: Vec<BusInfo>,
}
