//! Parameters of one plug-in instance, kept by id while builds come and go: cells, limits, tombstones, aliases.
//!
//! Called by: `shell/control`, `shell/audio`, `reload/prepare`, `state`, `store`. Calls: `params/cells` (what audio
//! reads), `params/table` (names and order), `params/plan` (from one build to the next).
//! Threads: the tag at each function. What is tagged [any] is wait-free and fit for [audio].
//!
//! # How a build comes and goes
//! 1. [`Parameters::plan`] [reload]: checks the build's list, appends cells for new ids (not live, already holding
//!    their first value, so that `bind` and `create` see it).
//! 2. [`Parameters::switch`] [audio] in the swap block, or [main] while inactive: limits, live marks, aliases and the
//!    value conversions, in place, wait-free. Conversions are computed from the value *then*: an automation event
//!    or a state load between plan and swap is not lost.
//! 3. [`Parameters::commit`] [main] [reload] afterwards: names, order and texts of the new table.
//!
//! A plan that is dropped without having been switched to gives its new cells back to the next plan.

mod aliases;
mod cells;
mod check;
#[cfg(test)]
pub(crate) mod fixtures;
mod plan;
mod saved;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use hotshell_abi::{ParamCell, ParamDesc};

pub use cells::Limits;
pub use plan::{Move, ParamPlan};
pub use saved::{Loaded, SavedParam};

use crate::shell::ParamInfo;
use cells::Cells;
use table::Table;

/// Fewest cells of a store.
pub const MIN_CAPACITY: usize = 1024;

/// What a shell needs of its parameters. One value per plug-in instance; [`ParamStore`] is the one implementation,
/// the trait keeps the shell generic over it.
///
/// An *index* is the place in the announced, append-only list, and of the cell. It never changes its meaning while the
/// instance lives.
pub trait Parameters: Send + Sync + 'static {
    /// A store with the first build's parameters live at indices `0..params.len()`, each at its default. [main]
    ///
    /// # Errors
    /// [`PlanError`]: the list contradicts itself.
    fn with_first(params: &[ParamDesc<'_>]) -> Result<Self, PlanError>
    where
        Self: Sized;

    /// Index of a host id; ids of renamed parameters lead to their successor. `cookie`: index + 1 as the host gave it,
    /// verified, or 0. Tombstones are found. [any]
    fn find(&self, host_id: u32, cookie: u64) -> Option<u32>;
    /// The cell at `index`. [any]
    fn cell(&self, index: u32) -> Option<&ParamCell>;
    /// Host id at `index`: what the build that has it calls it (an event under an alias must be translated). [any]
    fn host_id(&self, index: u32) -> Option<u32>;
    /// What the live build allows at `index`; of a tombstone, what the last build allowed that had it. [any]
    fn limits(&self, index: u32) -> Option<Limits>;
    /// `value` brought into the range, whole where stepped; not finite: the default. [any]
    fn clamp(&self, index: u32, value: f64) -> f64;
    /// The live build has it. [any]
    fn is_live(&self, index: u32) -> bool;
    /// Only the value conversions of a plan. Once per plan; [`Parameters::switch`] does it too. [any]
    fn apply_moves(&self, moves: &[Move]);
    /// Makes the plan's build live for everything tagged [any] here, values converted. Once per plan, by whoever swaps:
    /// [audio] in the swap block, [main] while inactive.
    fn switch(&self, plan: &ParamPlan);

    /// Checks a build's list and prepares the way to it. Changes nothing that a host or the live build can see.
    /// [main] [reload]
    ///
    /// # Errors
    /// [`PlanError`], for the author: the build must be refused.
    fn plan(&self, params: &[ParamDesc<'_>]) -> Result<ParamPlan, PlanError>;
    /// False if the live build or the parked values have changed since the plan was made: plan again. [main] [reload]
    fn is_current(&self, plan: &ParamPlan) -> bool;
    /// Makes the plan's names, order and texts live, after [`Parameters::switch`]. [main] [reload]
    fn commit(&self, plan: &ParamPlan);

    /// The live table in announced order, tombstones marked. Longer only after a commit. [main] [reload]
    fn infos(&self) -> Vec<ParamInfo>;
    /// Place of `index` in the live build's own list: what `param_text` and `param_parse` want. [main] [reload]
    fn index_in_build(&self, index: u32) -> Option<u32>;
    /// Index of the parameter at `place` in the live build's own list. [main] [reload]
    fn index_of(&self, place: u32) -> Option<u32>;
    /// Index to bind a build's parameter to: its own cell, planned ones included. No aliases. [main] [reload]
    fn bind(&self, host_id: u32) -> Option<u32>;

    /// All values by dotted id: live, tombstones, parked. [main]
    fn save(&self) -> BTreeMap<String, SavedParam>;
    /// Sets all values: by id or an earlier id of the same parameter, clamped; missing ones become their default;
    /// unknown ones are parked. Plans made before are no longer current. [main]
    fn load(&self, values: &BTreeMap<String, SavedParam>) -> Loaded;
}

/// Why a build's parameter list was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PlanError {
    /// The parameter `id` contradicts itself: what is wrong, and what to do.
    Bad {
        /// Dotted id.
        id: String,
        /// A sentence.
        what: String,
    },
    /// Two ids have the same host id.
    Collision {
        /// One.
        id: String,
        /// The other; perhaps of an earlier build.
        other: String,
    },
    /// More parameters in the life of this instance than it has cells.
    Full {
        /// Cells.
        capacity: usize,
    },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bad { id, what } => write!(f, "parameter \"{id}\": {what}"),
            Self::Collision { id, other } => {
                write!(f, "parameters \"{id}\" and \"{other}\" have the same host id; change one of the ids")
            }
            Self::Full { capacity } => write!(
                f,
                "this instance has had {capacity} parameters, its limit; remove the plug-in from the project and add it again"
            ),
        }
    }
}

impl std::error::Error for PlanError {}

/// The parameters of one instance. Cells are never moved or freed while it lives.
#[derive(Debug)]
pub struct ParamStore {
    cells: Cells,
    table: table::Locked<Table>,
}

impl ParamStore {
    /// Its lock, for the test that plays on meanwhile.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Sized + '_ {
        self.table.lock()
    }
}

impl Parameters for ParamStore {
    fn with_first(params: &[ParamDesc<'_>]) -> Result<Self, PlanError> {
        let capacity = MIN_CAPACITY.max(params.len().saturating_mul(2));
        let store = Self { cells: Cells::new(capacity), table: table::Locked::new(Table::default()) };
        let plan = store.plan(params)?;
        store.switch(&plan);
        store.commit(&plan);
        Ok(store)
    }

    #[inline]
    fn find(&self, host_id: u32, cookie: u64) -> Option<u32> {
        self.cells.find(host_id, cookie)
    }

    #[inline]
    fn cell(&self, index: u32) -> Option<&ParamCell> {
        self.cells.cell(index)
    }

    #[inline]
    fn host_id(&self, index: u32) -> Option<u32> {
        self.cells.host_id(index)
    }

    #[inline]
    fn limits(&self, index: u32) -> Option<Limits> {
        self.cells.limits(index)
    }

    #[inline]
    fn clamp(&self, index: u32, value: f64) -> f64 {
        self.cells.limits(index).map_or(0.0, |limits| limits.clamp(value))
    }

    #[inline]
    fn is_live(&self, index: u32) -> bool {
        self.cells.is_live(index)
    }

    fn apply_moves(&self, moves: &[Move]) {
        self.cells.apply_moves(moves);
    }

    fn switch(&self, plan: &ParamPlan) {
        self.cells.switch(plan);
    }

    fn plan(&self, params: &[ParamDesc<'_>]) -> Result<ParamPlan, PlanError> {
        plan::plan(&self.cells, &mut self.table.lock(), params)
    }

    fn is_current(&self, plan: &ParamPlan) -> bool {
        self.table.lock().epoch == plan.epoch
    }

    fn commit(&self, plan: &ParamPlan) {
        self.table.lock().commit(plan);
    }

    fn infos(&self) -> Vec<ParamInfo> {
        self.table.lock().infos()
    }

    fn index_in_build(&self, index: u32) -> Option<u32> {
        self.table.lock().entries.get(index as usize)?.place
    }

    fn index_of(&self, place: u32) -> Option<u32> {
        self.table.lock().places.get(place as usize).copied()
    }

    fn bind(&self, host_id: u32) -> Option<u32> {
        self.table.lock().by_host_id.get(&host_id).copied()
    }

    fn save(&self) -> BTreeMap<String, SavedParam> {
        saved::save(&self.cells, &self.table.lock())
    }

    fn load(&self, values: &BTreeMap<String, SavedParam>) -> Loaded {
        saved::load(&self.cells, &mut self.table.lock(), values)
    }
}
