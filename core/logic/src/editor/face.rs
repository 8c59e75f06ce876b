//! A parameter as a window shows it.
//!
//! Called by: the kit's widgets, authors. Calls: the parameter's texts. Threads: [any].

use hotshell_abi::ParamDesc;
use hotshell_abi::describe::param_host_id;

use crate::params::build::ParamRecord;
use crate::params::{Param, Variant};

/// A parameter's name, texts, range and travel; and, as a [`Param`] whose plain type is `f64`, the parameter itself: what
/// an editor that is made from the description binds its parts to.
#[derive(Clone, Copy)]
pub struct Face<'a>(pub(super) &'a ParamRecord);

impl std::fmt::Debug for Face<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Face").field("id", &self.0.id).finish_non_exhaustive()
    }
}

impl<'a> Face<'a> {
    pub(super) fn of(params: &'a [ParamRecord], host_id: u32) -> Option<Self> {
        params.iter().find(|param| param_host_id(&param.id) == host_id).map(Face)
    }

    /// Dotted id.
    #[must_use]
    pub fn id(&self) -> &'a str {
        &self.0.id
    }

    /// What hosts store.
    #[must_use]
    pub fn host_id(&self) -> u32 {
        param_host_id(&self.0.id)
    }

    /// Name that the user sees.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.0.name
    }

    /// Group, levels separated by `/`; empty: none.
    #[must_use]
    pub fn group(&self) -> &'a str {
        &self.0.group
    }

    /// Least and greatest plain value.
    #[must_use]
    pub const fn range(&self) -> (f64, f64) {
        (self.0.min, self.0.max)
    }

    /// Default plain value.
    #[must_use]
    pub const fn default_value(&self) -> f64 {
        self.0.default
    }

    /// Number of steps between the ends; 0: continuous.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a range of whole numbers")]
    pub fn steps(&self) -> u32 {
        if self.0.kind == ParamDesc::FLOAT { 0 } else { (self.0.max - self.0.min) as u32 }
    }

    /// The choices of an enum parameter.
    #[must_use]
    pub const fn variants(&self) -> &'static [Variant] {
        self.0.variants
    }

    /// True for a switch.
    #[must_use]
    pub const fn is_switch(&self) -> bool {
        self.0.kind == ParamDesc::BOOL
    }

    /// How a plain value reads.
    #[must_use]
    pub fn text(&self, plain: f64) -> String {
        let mut text = String::new();
        // A `String` takes everything; an author's text that fails is as long as it got.
        let _ = self.0.text.write(plain, &mut text);
        text
    }

    /// The plain value that a text means.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<f64> {
        self.0.text.parse(text)
    }

    /// Where a knob stands, 0 to 1, for a plain value.
    #[must_use]
    pub fn position(&self, plain: f64) -> f64 {
        let ParamRecord { min, max, skew, law, .. } = *self.0;
        let travel = match law {
            ParamDesc::LOGARITHMIC => (plain / min).ln() / (max / min).ln(),
            ParamDesc::SKEWED => ((plain - min) / (max - min)).max(0.0).powf(skew.recip()),
            _ => (plain - min) / (max - min),
        };
        if travel.is_nan() { 0.0 } else { travel.clamp(0.0, 1.0) }
    }

    /// The plain value at a knob's position, 0 to 1; whole where the parameter is.
    #[must_use]
    pub fn value(&self, position: f64) -> f64 {
        let ParamRecord { min, max, skew, law, kind, .. } = *self.0;
        let travel = if position.is_nan() { 0.0 } else { position.clamp(0.0, 1.0) };
        let value = match law {
            ParamDesc::LOGARITHMIC => min * (max / min).powf(travel),
            ParamDesc::SKEWED => min + (max - min) * travel.powf(skew),
            _ => min + (max - min) * travel,
        };
        let value = if kind == ParamDesc::FLOAT { value } else { value.round() };
        value.clamp(min, max)
    }
}

impl Param for Face<'_> {
    type Plain = f64;
    fn host_id(&self) -> u32 {
        Face::host_id(self)
    }
    fn to_plain(&self, value: f64) -> f64 {
        // A value that is no number is nowhere; it becomes the default.
        let value = if value.is_nan() { self.0.default } else { value.clamp(self.0.min, self.0.max) };
        if self.0.kind == ParamDesc::FLOAT { value } else { value.round() }
    }
    fn store(&self, plain: f64) {
        self.0.cell.set_base(plain);
    }
    fn load(&self) -> f64 {
        self.0.cell.base()
    }
    fn offset(&self) -> f64 {
        self.0.cell.modulation()
    }
}
