//! What a field says of itself: one plain struct per kind of field, filled by the derive or by hand.
//!
//! Called by: `#[derive(Params)]`'s code and authors of computed parameters. Calls: nothing. Threads: [main] [reload].
//!
//! Each struct has a `const fn new(..)` with the fields that have no sensible default; the others are set by struct
//! update: `FloatSpec { unit: Unit::Db, ..FloatSpec::new("gain", "Gain") }`. Ids are relative to the builder's prefix.

use hotshell_abi::{ParamDesc, PersistDesc};

use crate::params::{FloatRange, Smoothing, TextFns, Unit};

/// What a host may do with a parameter: a set of bits. The default is [`ParamFlags::AUTOMATABLE`] alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParamFlags(pub(crate) u32);

impl ParamFlags {
    /// No bit at all.
    pub const NONE: Self = Self(0);
    /// The host may automate it.
    pub const AUTOMATABLE: Self = Self(ParamDesc::AUTOMATABLE);
    /// The host may add an offset for all voices.
    pub const MODULATABLE: Self = Self(ParamDesc::MODULATABLE);
    /// The host may add an offset per voice, and so for all voices too.
    pub const MODULATABLE_PER_NOTE: Self = Self(ParamDesc::MODULATABLE | ParamDesc::MODULATABLE_PER_NOTE);
    /// Not shown.
    pub const HIDDEN: Self = Self(ParamDesc::HIDDEN);
    /// Written by the logic only; not automatable.
    pub const READ_ONLY: Self = Self(ParamDesc::READ_ONLY);
    /// The plug-in's bypass, done by the shell; a bool, at most one.
    pub const BYPASS: Self = Self(ParamDesc::BYPASS);
    /// The plug-in's bypass, done by the logic.
    pub const MANUAL_BYPASS: Self = Self(ParamDesc::BYPASS | ParamDesc::MANUAL_BYPASS);
    /// Its events wait for the next sub-block instead of dividing one.
    pub const NO_SPLIT: Self = Self(ParamDesc::NO_SPLIT);
    /// Wraps around (a phase): the end of the range is its start. Modulation past an end goes on at the other, and
    /// smoothing takes the shorter way round. Floats and whole numbers.
    pub const PERIODIC: Self = Self(ParamDesc::PERIODIC);
    /// The host may automate it per voice.
    pub const AUTOMATABLE_PER_NOTE: Self = Self(ParamDesc::AUTOMATABLE | ParamDesc::AUTOMATABLE_PER_NOTE);

    /// These bits and `other`'s.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These bits without `other`'s.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// True if all of `other`'s bits are there.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits as they cross the boundary: what cannot be automated while read-only is switched off.
    #[must_use]
    pub(crate) const fn bits(self) -> u32 {
        if self.0 & ParamDesc::READ_ONLY == 0 {
            return self.0;
        }
        let writing = Self::AUTOMATABLE_PER_NOTE.0 | Self::MODULATABLE_PER_NOTE.0;
        self.0 & !writing
    }
}

impl Default for ParamFlags {
    fn default() -> Self {
        Self::AUTOMATABLE
    }
}

/// A continuous parameter.
#[derive(Clone, Copy, Debug)]
pub struct FloatSpec<'a> {
    /// Relative id, stable for ever.
    pub id: &'a str,
    /// Earlier relative ids of the same parameter.
    pub was: &'a [&'a str],
    /// Name that the user sees.
    pub name: &'a str,
    /// Group inside the builder's group; `/` separates levels.
    pub group: Option<&'a str>,
    /// Remote-control page.
    pub page: Option<&'a str>,
    /// Least and greatest plain value, and the travel between. Default `0.0..=1.0`, linear.
    pub range: FloatRange,
    /// Default plain value. Default 0.
    pub default: f64,
    /// Unit for texts. Default none.
    pub unit: Unit,
    /// How `smoothed` follows the value. Default not at all.
    pub smooth: Smoothing,
    /// What the host may do with it.
    pub flags: ParamFlags,
    /// Own texts instead of the unit's.
    pub text: Option<TextFns>,
}

impl<'a> FloatSpec<'a> {
    /// `0.0..=1.0`, default 0, no unit.
    #[must_use]
    pub const fn new(id: &'a str, name: &'a str) -> Self {
        Self {
            id,
            was: &[],
            name,
            group: None,
            page: None,
            range: FloatRange::Linear { min: 0.0, max: 1.0 },
            default: 0.0,
            unit: Unit::None,
            smooth: Smoothing::None,
            flags: ParamFlags::AUTOMATABLE,
            text: None,
        }
    }
}

/// A whole-number parameter.
#[derive(Clone, Copy, Debug)]
pub struct IntSpec<'a> {
    /// Relative id, stable for ever.
    pub id: &'a str,
    /// Earlier relative ids of the same parameter.
    pub was: &'a [&'a str],
    /// Name that the user sees.
    pub name: &'a str,
    /// Group inside the builder's group; `/` separates levels.
    pub group: Option<&'a str>,
    /// Remote-control page.
    pub page: Option<&'a str>,
    /// Least value. Default 0.
    pub min: i32,
    /// Greatest value. Default 127.
    pub max: i32,
    /// Default value. Default 0.
    pub default: i32,
    /// Unit for texts. Default none.
    pub unit: Unit,
    /// What the host may do with it.
    pub flags: ParamFlags,
    /// Own texts instead of the unit's.
    pub text: Option<TextFns>,
}

impl<'a> IntSpec<'a> {
    /// `0..=127`, default 0, no unit.
    #[must_use]
    pub const fn new(id: &'a str, name: &'a str) -> Self {
        Self {
            id,
            was: &[],
            name,
            group: None,
            page: None,
            min: 0,
            max: 127,
            default: 0,
            unit: Unit::None,
            flags: ParamFlags::AUTOMATABLE,
            text: None,
        }
    }
}

/// A switch.
#[derive(Clone, Copy, Debug)]
pub struct BoolSpec<'a> {
    /// Relative id, stable for ever.
    pub id: &'a str,
    /// Earlier relative ids of the same parameter.
    pub was: &'a [&'a str],
    /// Name that the user sees.
    pub name: &'a str,
    /// Group inside the builder's group; `/` separates levels.
    pub group: Option<&'a str>,
    /// Remote-control page.
    pub page: Option<&'a str>,
    /// Default. Default off.
    pub default: bool,
    /// What the host may do with it. `bypass` = `AUTOMATABLE.with(BYPASS)`.
    pub flags: ParamFlags,
    /// Own texts instead of "On" and "Off".
    pub text: Option<TextFns>,
}

impl<'a> BoolSpec<'a> {
    /// Off by default.
    #[must_use]
    pub const fn new(id: &'a str, name: &'a str) -> Self {
        Self {
            id,
            was: &[],
            name,
            group: None,
            page: None,
            default: false,
            flags: ParamFlags::AUTOMATABLE,
            text: None,
        }
    }
}

/// A choice.
#[derive(Clone, Copy, Debug)]
pub struct EnumSpec<'a, E> {
    /// Relative id, stable for ever.
    pub id: &'a str,
    /// Earlier relative ids of the same parameter.
    pub was: &'a [&'a str],
    /// Name that the user sees.
    pub name: &'a str,
    /// Group inside the builder's group; `/` separates levels.
    pub group: Option<&'a str>,
    /// Remote-control page.
    pub page: Option<&'a str>,
    /// Default choice.
    pub default: E,
    /// What the host may do with it.
    pub flags: ParamFlags,
}

impl<'a, E: Copy> EnumSpec<'a, E> {
    /// `default` chosen.
    #[must_use]
    pub const fn new(id: &'a str, name: &'a str, default: E) -> Self {
        Self { id, was: &[], name, group: None, page: None, default, flags: ParamFlags::AUTOMATABLE }
    }
}

/// Where a persistent field is saved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scope {
    /// In projects and in presets.
    #[default]
    Everywhere,
    /// In projects only.
    Project,
}

impl Scope {
    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::Everywhere => PersistDesc::EVERYWHERE,
            Self::Project => PersistDesc::PROJECT,
        }
    }
}

/// A persistent field.
#[derive(Clone, Copy, Debug)]
pub struct PersistSpec<'a> {
    /// Relative id, stable for ever.
    pub id: &'a str,
    /// Where it is saved.
    pub scope: Scope,
}

impl<'a> PersistSpec<'a> {
    /// Saved everywhere.
    #[must_use]
    pub const fn new(id: &'a str) -> Self {
        Self { id, scope: Scope::Everywhere }
    }
}

/// A meter.
#[derive(Clone, Copy, Debug)]
pub struct MeterSpec<'a> {
    /// Relative id.
    pub id: &'a str,
    /// A peak that decays, instead of a plain value.
    pub peak: bool,
}

impl<'a> MeterSpec<'a> {
    /// A plain value.
    #[must_use]
    pub const fn new(id: &'a str) -> Self {
        Self { id, peak: false }
    }
}
