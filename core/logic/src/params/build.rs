//! The builder: one walk over the fields that both describes them and binds them.
//!
//! Called by: `Params::build` (derive's code or the author's), `export`. Calls: `StoreRef`. Threads: [main] [reload].

use std::array;
use std::sync::Arc;

use hotshell_abi::describe::param_host_id;
use hotshell_abi::store::{MeterRef, ParamRef};
use hotshell_abi::{MAX_METERS, ParamDesc, PersistDesc, StoreRef};

use crate::params::persist::{Field, SyncField};
use crate::params::range::Bounds;
use crate::params::text::Text;
use crate::params::{
    BoolParam, BoolSpec, EnumParam, EnumSpec, FloatParam, FloatSpec, IntParam, IntSpec, Keep, Meter,
    MeterSpec, ParamEnum, ParamFlags, Params, Persist, PersistSpec, PersistValue, Smoother, Variant,
};

/// Collects the description of every field and answers the bound field. Fields that the shell's store does not have,
/// and all fields of a standalone build, get cells of their own.
pub struct ParamsBuilder<'a> {
    store: Option<&'a StoreRef>,
    prefix: String,
    group: String,
    pub(crate) found: Found,
}

/// What a walk found.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) params: Vec<ParamRecord>,
    pub(crate) meters: Vec<MeterRecord>,
    pub(crate) persists: Vec<(String, u32)>,
    pub(crate) fields: Vec<Arc<dyn SyncField>>,
    pub(crate) smoothers: Vec<Smoother>,
    pub(crate) problems: Vec<String>,
}

/// A parameter's description, owned.
pub(crate) struct ParamRecord {
    pub(crate) id: String,
    pub(crate) was: Vec<String>,
    pub(crate) kind: u32,
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) unit: &'static str,
    pub(crate) page: String,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) default: f64,
    pub(crate) law: u32,
    pub(crate) skew: f64,
    pub(crate) flags: u32,
    pub(crate) variants: &'static [Variant],
    pub(crate) text: Text,
    pub(crate) cell: ParamRef,
}

/// A meter's description, owned.
pub(crate) struct MeterRecord {
    pub(crate) id: String,
    pub(crate) channels: u32,
    pub(crate) peak: bool,
}

/// `P` without any shell, every value at its default: what `P::default()` is. [any]
///
/// # Panics
/// If two fields have the same id, or a range is empty: the message names the fields.
#[must_use]
pub fn standalone<P: Params>() -> P {
    let mut builder = ParamsBuilder::standalone();
    let params = P::build(&mut builder);
    builder.found.check();
    params
}

/// What the four kinds of parameter specifications have in common.
struct Common<'s> {
    id: &'s str,
    was: &'s [&'s str],
    name: &'s str,
    group: Option<&'s str>,
    page: Option<&'s str>,
    flags: ParamFlags,
}

macro_rules! common {
    ($spec:ident) => {
        Common {
            id: $spec.id,
            was: $spec.was,
            name: $spec.name,
            group: $spec.group,
            page: $spec.page,
            flags: $spec.flags,
        }
    };
}

impl<'a> ParamsBuilder<'a> {
    /// A walk without a shell.
    #[must_use]
    pub fn standalone() -> Self {
        Self { store: None, prefix: String::new(), group: String::new(), found: Found::default() }
    }

    /// A walk that binds to `store`.
    #[must_use]
    pub(crate) fn bound(store: &'a StoreRef) -> Self {
        Self { store: Some(store), ..Self::standalone() }
    }

    /// A continuous parameter.
    pub fn float(&mut self, spec: FloatSpec<'_>) -> FloatParam {
        let (min, max) = (spec.range.min(), spec.range.max());
        if let Some(problem) = spec.range.problem() {
            self.problem(spec.id, problem);
        } else if !(min..=max).contains(&spec.default) {
            self.problem(spec.id, "its default lies outside its range");
        }
        let text = match spec.text {
            Some(fns) => Text::Own { fns, min, max, whole: false },
            None => Text::Float { unit: spec.unit, range: spec.range },
        };
        let (law, skew) = spec.range.law();
        let record = ParamRecord {
            unit: spec.unit.word(),
            law,
            skew,
            ..self.record(&common!(spec), ParamDesc::FLOAT, (min, max, spec.default), text)
        };
        let (host_id, cell) = self.param(record, &common!(spec));
        let bounds = Bounds { range: spec.range, periodic: spec.flags.has(ParamFlags::PERIODIC) };
        let smoothed = Smoother::new(cell.clone(), bounds, spec.smooth);
        self.found.smoothers.push(smoothed.clone());
        FloatParam { cell, host_id, bounds, default: spec.default, smoothed }
    }

    /// A whole-number parameter.
    pub fn int(&mut self, spec: IntSpec<'_>) -> IntParam {
        if spec.min >= spec.max {
            self.problem(spec.id, "its range is empty: the start must be less than the end");
        } else if !(spec.min..=spec.max).contains(&spec.default) {
            self.problem(spec.id, "its default lies outside its range");
        }
        let (min, max) = (f64::from(spec.min), f64::from(spec.max));
        let text = match spec.text {
            Some(fns) => Text::Own { fns, min, max, whole: true },
            None => Text::Int { unit: spec.unit, min, max },
        };
        let record = ParamRecord {
            unit: spec.unit.word(),
            ..self.record(&common!(spec), ParamDesc::INT, (min, max, f64::from(spec.default)), text)
        };
        let (host_id, cell) = self.param(record, &common!(spec));
        // An empty range was reported above; the field must not panic on it meanwhile.
        IntParam {
            cell,
            host_id,
            min: spec.min.min(spec.max),
            max: spec.max.max(spec.min),
            periodic: spec.flags.has(ParamFlags::PERIODIC),
            default: spec.default,
        }
    }

    /// A switch.
    pub fn bool(&mut self, spec: BoolSpec<'_>) -> BoolParam {
        let text = match spec.text {
            Some(fns) => Text::Own { fns, min: 0.0, max: 1.0, whole: true },
            None => Text::Bool,
        };
        let default = f64::from(u8::from(spec.default));
        let record = self.record(&common!(spec), ParamDesc::BOOL, (0.0, 1.0, default), text);
        let (host_id, cell) = self.param(record, &common!(spec));
        BoolParam { cell, host_id, default: spec.default }
    }

    /// A choice among the variants of `E`.
    pub fn enumeration<E: ParamEnum>(&mut self, spec: EnumSpec<'_, E>) -> EnumParam<E> {
        let number = |n: usize| u32::try_from(n).map_or(0.0, f64::from);
        if E::VARIANTS.is_empty() {
            self.problem(spec.id, "its enum has no variants");
        }
        let (max, default) = (number(E::VARIANTS.len().saturating_sub(1)), number(spec.default.index()));
        let record = ParamRecord {
            variants: E::VARIANTS,
            ..self.record(&common!(spec), ParamDesc::ENUM, (0.0, max, default), Text::Enum(E::VARIANTS))
        };
        let (host_id, cell) = self.param(record, &common!(spec));
        EnumParam { cell, host_id, default: spec.default, _choice: std::marker::PhantomData }
    }

    /// The fields of another struct, their ids behind `id.`, their groups inside `group`.
    pub fn nested<T: Params>(&mut self, id: &str, group: Option<&str>) -> T {
        self.inside(id, group, T::build)
    }

    /// Fields behind `id.`, made by hand.
    pub fn inside<T>(&mut self, id: &str, group: Option<&str>, build: impl FnOnce(&mut Self) -> T) -> T {
        let (prefix, outer) = (self.prefix.len(), self.group.len());
        self.prefix.push_str(id);
        self.prefix.push('.');
        if let Some(group) = group.filter(|group| !group.is_empty()) {
            if outer > 0 {
                self.group.push('/');
            }
            self.group.push_str(group);
        }
        let made = build(self);
        self.prefix.truncate(prefix);
        self.group.truncate(outer);
        made
    }

    /// `N` times the fields of another struct: ids `id.1.x`, `id.2.x`; `{n}` in `group` becomes the number, from 1.
    pub fn nested_array<T: Params, const N: usize>(&mut self, id: &str, group: Option<&str>) -> [T; N] {
        array::from_fn(|i| {
            let number = (i + 1).to_string();
            let group = group.map(|group| group.replace("{n}", &number));
            self.inside(&format!("{id}.{number}"), group.as_deref(), T::build)
        })
    }

    /// A field that is saved.
    pub fn persist<T: PersistValue>(&mut self, spec: PersistSpec<'_>) -> Persist<T> {
        Persist::new(self.field(spec.id, spec.scope.code()))
    }

    /// A field that survives reloads and is never saved.
    pub fn keep<T: PersistValue>(&mut self, id: &str) -> Keep<T> {
        Keep::new(self.field(id, PersistDesc::KEEP))
    }

    /// A meter of `N` channels.
    pub fn meter<const N: usize>(&mut self, spec: MeterSpec<'_>) -> Meter<N> {
        const { assert!(N >= 1 && N <= MAX_METERS, "a meter has 1 to 256 channels") };
        let id = self.full(spec.id);
        let cells = self.store.and_then(|store| store.meter(&id, N)).unwrap_or_else(|| MeterRef::own(N));
        let channels = u32::try_from(N).unwrap_or(u32::MAX);
        self.found.meters.push(MeterRecord { id, channels, peak: spec.peak });
        Meter { cells }
    }

    /// Text of plain `value` for the parameter with the dotted `id`, as hosts show it; `None` if none has that id. For
    /// unit tests of texts.
    #[must_use]
    pub fn text(&self, id: &str, value: f64) -> Option<String> {
        let mut out = String::new();
        self.record_of(id)?.text.write(value, &mut out).ok()?;
        Some(out)
    }

    /// Plain value of `text` for the parameter with the dotted `id`, as hosts read it; `None` if it means none. For unit
    /// tests of texts.
    #[must_use]
    pub fn parse(&self, id: &str, text: &str) -> Option<f64> {
        self.record_of(id)?.text.parse(text)
    }

    fn record_of(&self, id: &str) -> Option<&ParamRecord> {
        self.found.params.iter().find(|param| param.id == id)
    }

    fn field<T: PersistValue>(&mut self, id: &str, scope: u32) -> Arc<Field<T>> {
        let id = self.full(id);
        let field = Arc::new(Field::new(id.clone(), self.store.cloned()));
        self.found.persists.push((id, scope));
        self.found.fields.push(field.clone());
        field
    }

    fn full(&self, id: &str) -> String {
        format!("{}{id}", self.prefix)
    }

    fn problem(&mut self, id: &str, what: &str) {
        let id = self.full(id);
        self.found.problems.push(format!("`{id}`: {what}"));
    }

    fn record(
        &self,
        spec: &Common<'_>,
        kind: u32,
        (min, max, default): (f64, f64, f64),
        text: Text,
    ) -> ParamRecord {
        let inner = spec.group.unwrap_or("");
        let between = if self.group.is_empty() || inner.is_empty() { "" } else { "/" };
        ParamRecord {
            id: self.full(spec.id),
            was: spec.was.iter().map(|id| self.full(id)).collect(),
            kind,
            name: spec.name.to_owned(),
            group: format!("{}{between}{inner}", self.group),
            unit: "",
            page: spec.page.unwrap_or("").to_owned(),
            min,
            max,
            default,
            law: ParamDesc::LINEAR,
            skew: 1.0,
            flags: spec.flags.bits(),
            variants: &[],
            text,
            cell: ParamRef::own(default),
        }
    }

    fn param(&mut self, mut record: ParamRecord, spec: &Common<'_>) -> (u32, ParamRef) {
        let host_id = param_host_id(&record.id);
        if spec.flags.0 & ParamDesc::BYPASS != 0 && record.kind != ParamDesc::BOOL {
            self.problem(spec.id, "a bypass must be a BoolParam");
        }
        if let Some(cell) = self.store.and_then(|store| store.param(host_id)) {
            record.cell = cell;
        }
        let cell = record.cell.clone();
        self.found.params.push(record);
        (host_id, cell)
    }
}

impl Found {
    /// # Panics
    /// With all problems.
    pub(crate) fn check(&self) {
        let problems = self.problems();
        assert!(problems.is_empty(), "the parameters cannot be used: {}", problems.join("; "));
    }

    /// What is wrong, each naming its fields: an id used twice or with a character that some file or host has another
    /// use for, ids with the same host id, two bypasses, too many meters, groups a host would refuse.
    fn problems(&self) -> Vec<String> {
        let mut problems = self.problems.clone();
        self.check_params(&mut problems);
        let mut ids: Vec<&str> = self.persists.iter().map(|(id, _)| id.as_str()).collect();
        ids.extend(self.meters.iter().map(|meter| meter.id.as_str()));
        let params = self.params.iter().flat_map(|param| std::iter::once(&param.id).chain(&param.was));
        let all = params.map(String::as_str).chain(ids.iter().copied());
        problems.extend(all.filter_map(|id| Some(format!("`{id}`: {}", id_problem(id)?))));
        ids.sort_unstable();
        for pair in ids.windows(2).filter(|pair| pair[0] == pair[1]) {
            problems.push(format!("`{}`: two fields have this id", pair[0]));
        }
        let channels: usize = self.meters.iter().map(|meter| meter.channels as usize).sum();
        if channels > MAX_METERS {
            problems.push(format!("{channels} meter channels; at most {MAX_METERS} are allowed"));
        }
        problems
    }

    fn check_params(&self, problems: &mut Vec<String>) {
        let mut hosts = std::collections::BTreeMap::new();
        for param in &self.params {
            let ids = std::iter::once(&param.id).chain(&param.was);
            for id in ids {
                if let Some(other) = hosts.insert(param_host_id(id), id) {
                    problems.push(if other == id {
                        format!("`{id}`: two parameters have this id")
                    } else {
                        format!("`{id}` and `{other}` have the same host id: rename one of them")
                    });
                }
            }
            let group = &param.group;
            if group.starts_with('/') || group.ends_with('/') || group.contains("//") {
                problems.push(format!("`{}`: its group `{group}` has an empty part", param.id));
            }
            if param.name.trim().is_empty() {
                problems.push(format!("`{}`: a parameter needs a name that a user can read", param.id));
            }
        }
        if self.params.iter().filter(|param| param.flags & ParamDesc::BYPASS != 0).count() > 1 {
            problems.push("more than one parameter is the bypass".to_owned());
        }
    }
}

/// What is wrong with a dotted id, by the derive's rule for each of its parts.
fn id_problem(id: &str) -> Option<String> {
    if id.split('.').any(str::is_empty) {
        return Some("a part of the id is empty".to_owned());
    }
    let wrong = id.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '_' | '-' | '.'))?;
    Some(format!("the id has the character `{wrong}`; use a-z, 0-9, `_` and `-`"))
}

#[cfg(test)]
mod tests;
