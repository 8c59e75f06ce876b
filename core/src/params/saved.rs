//! Parameter values as a state holds them: by dotted id, enums by variant.
//!
//! Called by: `params`, `params/plan`, `state`. Calls: `params/{cells,table}`. Threads: [main].

use std::collections::BTreeMap;

use hotshell_abi::ParamDesc;

use super::cells::Cells;
use super::check::limits;
use super::plan::variant_id;
use super::table::{Entry, Table};
use crate::shell::ParamInfo;

/// One saved value.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SavedParam {
    /// Plain.
    pub value: f64,
    /// Id of an enum's variant; it counts before the number.
    pub variant: Option<String>,
}

/// What a load did.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Loaded {
    /// Some value that the host can see differs from before.
    pub changed: bool,
    /// What the author should read.
    pub lines: Vec<String>,
}

impl SavedParam {
    /// The plain value that it means for `info`, and a line if that is not what was saved.
    pub(super) fn value_in(&self, info: &ParamInfo) -> (f64, Option<String>) {
        let id = &info.id;
        if info.kind == ParamDesc::ENUM
            && let Some(saved) = &self.variant
        {
            return info.variants.iter().position(|(variant, _)| variant == saved).map_or_else(
                || {
                    (
                        info.default,
                        Some(format!("parameter \"{id}\" has no variant \"{saved}\"; it is its default")),
                    )
                },
                |at| (place(at), None),
            );
        }
        let value = limits(info).clamp(self.value);
        let line = (value != self.value)
            .then(|| format!("parameter \"{id}\": the saved {} does not fit; it is {value}", self.value));
        (value, line)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of variants is exact in f64")]
const fn place(at: usize) -> f64 {
    at as f64
}

pub(super) fn save(cells: &Cells, table: &Table) -> BTreeMap<String, SavedParam> {
    let mut values = table.parked.clone();
    for (index, entry) in (0_u32..).zip(&table.entries) {
        // An earlier id of a live parameter would say the same thing twice.
        if !entry.has_lived() || table.aliases.contains_key(&entry.info.id) {
            continue;
        }
        let value = cells.cell(index).map_or(entry.info.default, hotshell_abi::ParamCell::base);
        let value = if value.is_finite() { value } else { entry.info.default };
        let variant = variant_id(&entry.info, value).map(str::to_owned);
        values.insert(entry.info.id.clone(), SavedParam { value, variant });
    }
    values
}

pub(super) fn load(cells: &Cells, table: &mut Table, values: &BTreeMap<String, SavedParam>) -> Loaded {
    let mut loaded = Loaded::default();
    let mut parked = values.clone();
    for (index, entry) in (0_u32..).zip(&table.entries) {
        if table.aliases.contains_key(&entry.info.id) {
            continue;
        }
        if !entry.has_lived() {
            // A plan in flight: `create` may see the value, and the next plan finds it parked.
            if let (Some(cell), Some(saved)) = (cells.cell(index), values.get(&entry.info.id)) {
                cell.set_base(saved.value_in(&entry.info).0);
            }
            continue;
        }
        let saved = take(&mut parked, index, entry, &table.aliases);
        let (value, line) = saved.map_or((entry.info.default, None), |saved| saved.value_in(&entry.info));
        loaded.lines.extend(line);
        let Some(cell) = cells.cell(index) else { continue };
        let before = cell.base();
        // The limits of a build that was switched to, and not committed yet, count for the number.
        let value = cells.limits(index).map_or(value, |limits| limits.clamp(value));
        cell.set_base(value);
        loaded.changed |= before != value;
    }
    table.parked = parked;
    table.epoch += 1;
    loaded
}

/// The value for one entry, and all its names out of `values`: its own id counts before earlier ones.
fn take(
    values: &mut BTreeMap<String, SavedParam>,
    index: u32,
    entry: &Entry,
    aliases: &BTreeMap<String, u32>,
) -> Option<SavedParam> {
    let own = values.remove(&entry.info.id);
    let mut earlier = None;
    let names = aliases.iter().filter(|(_, target)| **target == index).map(|(name, _)| name);
    for name in entry.was.iter().chain(names) {
        if aliases.get(name) == Some(&index) {
            let found = values.remove(name);
            earlier = earlier.or(found);
        }
    }
    own.or(earlier)
}
