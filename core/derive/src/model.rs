//! What a struct says of itself, as data: the product of `parse`, the subject of `check`, the source of `emit`.
//!
//! Called by: `parse`, `check`, `emit`. Calls: nothing.
//! Threads: the compiler's.

use syn::{Expr, Generics, Ident, LitStr, Path, Type};

/// A struct that derives `Params`.
pub(crate) struct Model {
    pub(crate) krate: Path,
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) fields: Vec<Field>,
}

/// One field and the one attribute that says what it is.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) role: Role,
}

/// What a field is for.
pub(crate) enum Role {
    Param(Box<Param>),
    Nested { id: LitStr, group: Option<LitStr> },
    Persist { id: LitStr, project_only: bool },
    Keep { id: LitStr },
    Meter { id: LitStr, peak: bool },
    Local,
}

impl Role {
    /// The field's id; `#[local]` has none.
    pub(crate) const fn id(&self) -> Option<&LitStr> {
        match self {
            Self::Param(param) => Some(&param.id),
            Self::Nested { id, .. }
            | Self::Persist { id, .. }
            | Self::Keep { id }
            | Self::Meter { id, .. } => Some(id),
            Self::Local => None,
        }
    }
}

/// The parameter types, told apart by the last segment of the field's type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Float,
    Int,
    Bool,
    Enum,
}

/// `#[param(...)]`.
pub(crate) struct Param {
    pub(crate) kind: Kind,
    pub(crate) id: LitStr,
    pub(crate) was: Vec<LitStr>,
    pub(crate) name: Option<LitStr>,
    pub(crate) group: Option<LitStr>,
    pub(crate) page: Option<LitStr>,
    pub(crate) unit: Option<Unit>,
    pub(crate) range: Option<Range>,
    pub(crate) default: Option<Expr>,
    pub(crate) smooth: Option<Smooth>,
    pub(crate) text: Option<Type>,
    pub(crate) modulatable: Reach,
    pub(crate) automatable: Reach,
    pub(crate) hidden: bool,
    pub(crate) read_only: bool,
    pub(crate) bypass: Bypass,
    pub(crate) no_split: bool,
    pub(crate) periodic: bool,
}

/// `unit = ...`.
pub(crate) enum Unit {
    /// The variant of hotshell's `Unit`.
    Known(Ident),
    Text(LitStr),
}

/// `range = ...`, both ends inclusive.
pub(crate) struct Range {
    pub(crate) law: Law,
    pub(crate) min: Expr,
    pub(crate) max: Expr,
    /// The whole value, for errors.
    pub(crate) whole: Expr,
}

/// How a knob's travel maps to the range.
pub(crate) enum Law {
    Linear,
    Log,
    /// With the exponent of the travel.
    Skewed(Expr),
}

/// `smooth = law(milliseconds)`.
pub(crate) struct Smooth {
    /// The variant of hotshell's `Smoothing`.
    pub(crate) law: Ident,
    pub(crate) milliseconds: Expr,
}

/// `modulatable` and `automatable`: not, for all voices, for each voice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    No,
    Mono,
    Poly,
}

/// `bypass`, `bypass = manual`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bypass {
    No,
    Shell,
    Manual,
}
