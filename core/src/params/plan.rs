//! From the live build's parameters to another build's: indices, conversions of values, and the words for the author.
//!
//! Called by: `params`. Calls: `params/{aliases,cells,check,table}`. Threads: [main] [reload]; [`Move::convert`] [any].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::aliases::{self, index};
use super::cells::{Cells, SlotWrite};
use super::check::{self, Checked};
use super::saved::SavedParam;
use super::table::{Birth, Entry, Table};
use super::{Limits, PlanError};
use crate::shell::ParamInfo;

/// The way from the live build to another one. Keep it as long as the candidate lives: it holds the candidate's cells.
#[derive(Debug)]
pub struct ParamPlan {
    /// Conversions of values, for the moment of the swap.
    pub moves: Vec<Move>,
    /// What the author should read: clamped, converted, parked. One line each, without a newline.
    pub lines: Vec<String>,
    /// The build's own order -> index.
    pub places: Vec<u32>,
    pub(super) epoch: u64,
    pub(super) slots: Vec<SlotWrite>,
    pub(super) keys: Vec<(u32, u32)>,
    pub(super) params: Vec<Checked>,
    pub(super) aliases: BTreeMap<String, u32>,
    /// Entries made for this plan hold its weak half.
    _life: Arc<()>,
}

impl ParamPlan {
    /// True if some value will differ afterwards, as far as the values are what they were at the time of the plan:
    /// the host should read values again.
    #[must_use]
    pub fn moves_values(&self, params: &dyn super::Parameters) -> bool {
        let base = |index| params.cell(index).map(hotshell_abi::ParamCell::base);
        self.moves
            .iter()
            .any(|one| base(one.from).is_some_and(|value| Some(one.convert(value)) != base(one.to)))
    }
}

/// One value's conversion, computed from the value at the time it is applied.
#[derive(Clone, PartialEq, Debug)]
pub struct Move {
    pub(super) from: u32,
    pub(super) to: u32,
    limits: Limits,
    /// A value equal to it becomes the new default.
    old_default: f64,
    /// Enum to enum: old value, new value; others become the default.
    variants: Option<Box<[(f64, f64)]>>,
    /// The kind changed: what does not fit as it is becomes the default.
    exact: bool,
}

impl Move {
    /// The value after the swap of what is `value` before it. Wait-free.
    #[must_use]
    pub fn convert(&self, value: f64) -> f64 {
        if value == self.old_default {
            return self.limits.default;
        }
        if let Some(variants) = &self.variants {
            let found = variants.iter().find(|(old, _)| *old == value);
            return found.map_or(self.limits.default, |(_, new)| *new);
        }
        let clamped = self.limits.clamp(value);
        if self.exact && clamped != value { self.limits.default } else { clamped }
    }

    /// The index that gets the value.
    #[must_use]
    pub const fn to(&self) -> u32 {
        self.to
    }
}

/// See [`Parameters::plan`](super::Parameters::plan).
pub(super) fn plan(
    cells: &Cells,
    table: &mut Table,
    params: &[hotshell_abi::ParamDesc<'_>],
) -> Result<ParamPlan, PlanError> {
    let mut params = check::check(params)?;
    reclaim(cells, table);
    aliases::check_collisions(table, &params)?;
    let life = Arc::new(());
    for param in &mut params {
        param.info.index = place(cells, table, param, &life)? as usize;
    }
    let aliases = aliases::after(table, &params);
    let mut work = Work { cells, table, params: &params, moves: Vec::new(), lines: Vec::new() };
    for param in &params {
        work.value_of(param);
    }
    work.say_removed(&aliases);
    let Work { moves, lines, .. } = work;
    let keys = keys(&params, &aliases);
    table.keys.extend(keys.iter().map(|(host_id, _)| *host_id));
    if table.keys.len() > cells.key_capacity() {
        return Err(PlanError::Full { capacity: cells.capacity() });
    }
    let slots = slots(cells, table, &params, &aliases);
    let places = params.iter().map(index).collect();
    Ok(ParamPlan { moves, lines, places, epoch: table.epoch, slots, keys, params, aliases, _life: life })
}

/// Frees the places of plans that died, from the end of the list.
fn reclaim(cells: &Cells, table: &mut Table) {
    while let Some(last) = table.entries.pop_if(|last| last.is_dead()) {
        table.by_host_id.remove(&last.info.host_id);
        cells.forget(u32::try_from(table.entries.len()).unwrap_or(u32::MAX));
    }
}

/// The index of a parameter: its old one, or a new one at the end.
fn place(cells: &Cells, table: &mut Table, param: &Checked, life: &Arc<()>) -> Result<u32, PlanError> {
    let host_id = param.info.host_id;
    let full = PlanError::Full { capacity: cells.capacity() };
    if let Some(&index) = table.by_host_id.get(&host_id) {
        if let Some(entry) = table.entries.get_mut(index as usize)
            && !entry.has_lived()
        {
            entry.birth = Birth::Planned(Arc::downgrade(life));
        }
        return Ok(index);
    }
    let index = table.entries.len();
    if index >= cells.capacity() {
        return Err(full);
    }
    let info = ParamInfo { index, ..param.info.clone() };
    let index = u32::try_from(index).map_err(|_| full)?;
    cells.reserve(index, host_id, &param.limits());
    table.by_host_id.insert(host_id, index);
    let birth = Birth::Planned(Arc::downgrade(life));
    table.entries.push(Entry { info, was: param.was.clone(), place: None, birth });
    Ok(index)
}

fn keys(params: &[Checked], aliases: &BTreeMap<String, u32>) -> Vec<(u32, u32)> {
    let own = params.iter().map(|param| (param.info.host_id, index(param)));
    let other = aliases.iter().map(|(name, index)| (hotshell_abi::describe::param_host_id(name), *index));
    own.chain(other).collect()
}

/// One write per known parameter: the build's own, and all others as tombstones with their successors.
fn slots(
    cells: &Cells,
    table: &Table,
    params: &[Checked],
    aliases: &BTreeMap<String, u32>,
) -> Vec<SlotWrite> {
    let own: BTreeMap<usize, &Checked> = params.iter().map(|param| (param.info.index, param)).collect();
    let one = |(index, entry): (u32, &Entry)| match own.get(&(index as usize)) {
        Some(param) => SlotWrite { index, live: true, successor: 0, limits: Some(param.limits()) },
        None => {
            let successor = aliases.get(&entry.info.id).map_or(0, |target| target + 1);
            SlotWrite { index, live: false, successor, limits: None }
        }
    };
    // A plan in flight has places that are none of this one's business unless it dies: they are not live either way.
    (0_u32..).zip(&table.entries).filter(|(index, _)| (*index as usize) < cells.capacity()).map(one).collect()
}

/// The values of one plan.
struct Work<'a> {
    cells: &'a Cells,
    table: &'a Table,
    params: &'a [Checked],
    moves: Vec<Move>,
    lines: Vec<String>,
}

impl Work<'_> {
    /// Where a parameter's value comes from, in this order: itself if live; a rename undone; a parked value; the live
    /// parameter that it was; its own tombstone; the tombstone or the parked value of what it was; its default.
    fn value_of(&mut self, param: &Checked) {
        let own = &self.table.entries[param.info.index];
        let new = !own.has_lived();
        let undone = self.table.aliases.get(&param.info.id).filter(|target| self.leaves(**target));
        let parked = |name: &String| self.table.parked.get(name).cloned();
        let earlier = |lived: bool| {
            let of = |was: &String| {
                self.table.by_host_id.get(&hotshell_abi::describe::param_host_id(was)).copied()
            };
            let fits = |index: &u32| {
                if lived { self.leaves(*index) } else { self.table.entries[*index as usize].has_lived() }
            };
            param.was.iter().filter_map(of).find(fits)
        };
        if own.place.is_some() {
            self.convert(index(param), param);
        } else if let Some(target) = undone {
            self.convert(*target, param);
        } else if let Some(value) = parked(&param.info.id).filter(|_| new) {
            self.start(param, Some(&value));
        } else if let Some(from) = earlier(true) {
            self.convert(from, param);
        } else if !new {
            self.convert(index(param), param);
        } else if let Some(from) = earlier(false) {
            self.convert(from, param);
        } else {
            let value = param.was.iter().find_map(parked);
            self.start(param, value.as_ref());
        }
    }

    /// True if `index` is live and the build that is planned does not have it.
    fn leaves(&self, index: u32) -> bool {
        let entry = &self.table.entries[index as usize];
        entry.place.is_some() && !self.params.iter().any(|param| param.info.index == index as usize)
    }

    /// First value of a parameter without a past in this instance.
    fn start(&mut self, param: &Checked, parked: Option<&SavedParam>) {
        let (value, line) = parked.map_or((param.info.default, None), |saved| saved.value_in(&param.info));
        self.lines.extend(line);
        self.set_now(param, value);
    }

    /// A cell that no build has had gets its value at once, so that `create` sees it. (A tombstone's value stays what
    /// the last build meant until the swap: the plan may come to nothing.)
    fn set_now(&self, param: &Checked, value: f64) {
        if let Some(cell) = self.cells.cell(index(param))
            && !self.cells.is_live(index(param))
        {
            cell.set_base(value);
            cell.set_modulation(0.0);
        }
    }

    fn convert(&mut self, from: u32, param: &Checked) {
        let old = self.table.entries[from as usize].info.clone();
        let one = conversion(&old, from, param);
        let value = self.cells.cell(from).map_or(old.default, hotshell_abi::ParamCell::base);
        let becomes = one.convert(value);
        if old.id != param.info.id {
            self.lines.push(format!(
                "parameter \"{}\" has become \"{}\"; its value came along",
                old.id, param.info.id
            ));
        }
        let followed = value == one.old_default;
        if becomes != value && !followed {
            self.lines.extend(words(&old, value, &param.info, becomes));
        }
        if !self.table.entries[param.info.index].has_lived() {
            self.set_now(param, becomes);
        }
        if from != index(param) || differs(&old, &param.info) {
            self.moves.push(one);
        }
    }

    fn say_removed(&mut self, aliases: &BTreeMap<String, u32>) {
        for (at, entry) in (0_u32..).zip(&self.table.entries) {
            if self.leaves(at) && !aliases.contains_key(&entry.info.id) {
                let value = self.cells.cell(at).map_or(entry.info.default, hotshell_abi::ParamCell::base);
                let id = &entry.info.id;
                self.lines.push(format!(
                    "parameter \"{id}\" is gone; its value {value} is kept until it comes back"
                ));
            }
        }
    }
}

fn differs(old: &ParamInfo, new: &ParamInfo) -> bool {
    let ids = |info: &ParamInfo| info.variants.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    let numbers = |info: &ParamInfo| (info.kind, info.min, info.max, info.default);
    numbers(old) != numbers(new) || ids(old) != ids(new)
}

#[expect(clippy::cast_precision_loss, reason = "a number of variants is exact in f64")]
fn conversion(old: &ParamInfo, from: u32, param: &Checked) -> Move {
    let new = &param.info;
    let enums = [old, new].iter().all(|info| info.kind == hotshell_abi::ParamDesc::ENUM);
    let old_default = if enums && variant_id(old, old.default) == variant_id(new, new.default) {
        // The default is the same variant: it follows its id like all others. (NaN equals no value.)
        f64::NAN
    } else {
        old.default
    };
    let variants = enums.then(|| {
        let find = |id: &str| new.variants.iter().position(|(other, _)| other == id);
        let pair = |(at, (id, _)): (usize, &(String, String))| find(id).map(|to| (at as f64, to as f64));
        old.variants.iter().enumerate().filter_map(pair).collect()
    });
    Move {
        from,
        to: index(param),
        limits: param.limits(),
        old_default,
        variants,
        exact: old.kind != new.kind,
    }
}

/// Id of an enum's variant.
#[expect(clippy::cast_precision_loss, reason = "a number of variants is exact in f64")]
pub(super) fn variant_id(info: &ParamInfo, value: f64) -> Option<&str> {
    let mut numbered = info.variants.iter().enumerate();
    numbered.find(|(at, _)| *at as f64 == value).map(|(_, (id, _))| id.as_str())
}

fn words(old: &ParamInfo, value: f64, new: &ParamInfo, becomes: f64) -> Option<String> {
    let id = &new.id;
    if old.kind != new.kind {
        return Some(format!(
            "parameter \"{id}\" changed its kind, {value} has no meaning there; it is {becomes}, its default"
        ));
    }
    if new.kind == hotshell_abi::ParamDesc::ENUM {
        let gone = variant_id(old, value)?;
        let now = variant_id(new, becomes)?;
        let same = gone == now;
        return (!same)
            .then(|| format!("parameter \"{id}\" has no variant \"{gone}\"; it is \"{now}\", its default"));
    }
    Some(format!("parameter \"{id}\": {value} is outside of {}..={}; it is {becomes}", new.min, new.max))
}
