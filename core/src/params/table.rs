//! Names, order, tombstones and parked values: what [main] and [reload] know of the parameters beyond their cells.
//!
//! Called by: `params`. Calls: nothing. Threads: [main] [reload], behind one short lock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Weak;

use hotshell_abi::ParamDesc;

use super::{ParamPlan, SavedParam};
use crate::shell::ParamInfo;

/// The lock around the table. Held for microseconds, never while foreign code runs, never on [audio].
pub(super) type Locked<T> = parking_lot::Mutex<T>;

#[derive(Debug, Default)]
pub(super) struct Table {
    /// By index.
    pub(super) entries: Vec<Entry>,
    /// Index by host id, own ids only.
    pub(super) by_host_id: BTreeMap<u32, u32>,
    /// Earlier id of a parameter -> index of its successor.
    pub(super) aliases: BTreeMap<String, u32>,
    /// The live build's own order -> index.
    pub(super) places: Vec<u32>,
    /// Values of ids that no build of this instance has had, from a loaded state.
    pub(super) parked: BTreeMap<String, SavedParam>,
    /// Host ids that [`Cells`](super::cells::Cells) has keys for, or may get.
    pub(super) keys: BTreeSet<u32>,
    /// Counted up by whatever makes a plan stale.
    pub(super) epoch: u64,
}

#[derive(Debug)]
pub(super) struct Entry {
    /// As in the last build that had it.
    pub(super) info: ParamInfo,
    pub(super) was: Vec<String>,
    /// Place in the live build's own list; `None`: tombstone or not yet live.
    pub(super) place: Option<u32>,
    pub(super) birth: Birth,
}

/// Has the host seen it?
#[derive(Debug)]
pub(super) enum Birth {
    /// A plan wants it; if the plan dies first, the place is free again.
    Planned(Weak<()>),
    /// It has been live.
    Lived,
}

impl Entry {
    pub(super) fn has_lived(&self) -> bool {
        matches!(self.birth, Birth::Lived)
    }

    pub(super) fn is_dead(&self) -> bool {
        matches!(&self.birth, Birth::Planned(plan) if plan.strong_count() == 0)
    }
}

impl Table {
    pub(super) fn commit(&mut self, plan: &ParamPlan) {
        for entry in &mut self.entries {
            entry.place = None;
        }
        for (place, checked) in (0_u32..).zip(&plan.params) {
            let Some(entry) = self.entries.get_mut(checked.info.index) else { continue };
            entry.info = checked.info.clone();
            entry.was.clone_from(&checked.was);
            entry.place = Some(place);
            entry.birth = Birth::Lived;
            self.parked.remove(&checked.info.id);
            for was in &checked.was {
                self.parked.remove(was);
            }
        }
        self.places.clone_from(&plan.places);
        self.aliases.clone_from(&plan.aliases);
        self.epoch += 1;
    }

    /// The announced order ends at the last parameter that has been live. One in between that has not (its plan was
    /// overtaken by a later one) is a tombstone from birth.
    pub(super) fn infos(&self) -> Vec<ParamInfo> {
        let len = self.entries.iter().rposition(Entry::has_lived).map_or(0, |last| last + 1);
        let bypass = |entry: &Entry| entry.info.flags & ParamDesc::BYPASS;
        let live_bypass = self.entries.iter().any(|entry| entry.place.is_some() && bypass(entry) != 0);
        let shown = |entry: &Entry| {
            let removed = entry.place.is_none();
            // A host knows one bypass: the tombstone of a renamed one is none.
            let hidden = if removed && live_bypass { bypass(entry) } else { 0 };
            ParamInfo { removed, flags: entry.info.flags & !hidden, ..entry.info.clone() }
        };
        self.entries[..len].iter().map(shown).collect()
    }
}
