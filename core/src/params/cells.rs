//! What [audio] reads of the parameters: values, limits, and the way from a host id to an index. All atomics, fixed
//! size, never moved.
//!
//! Called by: `params`, `params/plan`, `params/saved`. Calls: nothing. Threads: [any], wait-free.
//!
//! Fields of one slot are stored one by one: a reader beside a `switch` may see the new minimum with the old maximum
//! for one event. [`Limits::clamp`] is total for any pair, and the value conversions run after the limits.

#![deny(clippy::disallowed_types)]

use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use hotshell_abi::ParamCell;

use super::plan::{Move, ParamPlan};

/// Host id of a slot that nobody has: real ones have the top bit clear.
const NOBODY: u32 = u32::MAX;
const LIVE: u32 = 1;
const STEPPED: u32 = 2;

/// What a parameter may be, in plain units.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limits {
    /// Least.
    pub min: f64,
    /// Greatest.
    pub max: f64,
    /// Where it starts, and where a reset leads.
    pub default: f64,
    /// [`hotshell_abi::ParamDesc::AUTOMATABLE`] and friends.
    pub flags: u32,
    /// Whole numbers only.
    pub stepped: bool,
}

impl Limits {
    /// `value` brought into the range, whole where stepped; not finite: the default. Never panics.
    #[must_use]
    #[inline]
    pub fn clamp(&self, value: f64) -> f64 {
        if !value.is_finite() {
            return self.default;
        }
        let value = if self.stepped { value.round() } else { value };
        // Adding 0 makes -0 a 0, which reads and saves the same everywhere.
        value.max(self.min).min(self.max) + 0.0
    }
}

#[derive(Debug)]
struct Slot {
    host_id: AtomicU32,
    flags: AtomicU32,
    state: AtomicU32,
    /// Index + 1 of the parameter that has taken this one's place, or 0.
    successor: AtomicU32,
    min: AtomicU64,
    max: AtomicU64,
    default: AtomicU64,
}

impl Slot {
    const fn new() -> Self {
        Self {
            host_id: AtomicU32::new(NOBODY),
            flags: AtomicU32::new(0),
            state: AtomicU32::new(0),
            successor: AtomicU32::new(0),
            min: AtomicU64::new(0),
            max: AtomicU64::new(0),
            default: AtomicU64::new(0),
        }
    }

    fn set_limits(&self, limits: &Limits) {
        self.min.store(limits.min.to_bits(), Relaxed);
        self.max.store(limits.max.to_bits(), Relaxed);
        self.default.store(limits.default.to_bits(), Relaxed);
        self.flags.store(limits.flags, Relaxed);
    }
}

/// One slot as a plan wants it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct SlotWrite {
    pub(super) index: u32,
    pub(super) live: bool,
    /// Index + 1, or 0.
    pub(super) successor: u32,
    /// `None`: as they are (tombstones).
    pub(super) limits: Option<Limits>,
}

#[derive(Debug)]
pub(super) struct Cells {
    cells: Box<[ParamCell]>,
    slots: Box<[Slot]>,
    /// Open addressing, linear probing: host id in the upper half, index + 1 in the lower; 0: empty. Keys are never
    /// removed, their indices may change.
    keys: Box<[AtomicU64]>,
}

impl Cells {
    pub(super) fn new(capacity: usize) -> Self {
        let keys = capacity.saturating_mul(4).next_power_of_two();
        Self {
            cells: (0..capacity).map(|_| ParamCell::new(0.0)).collect(),
            slots: (0..capacity).map(|_| Slot::new()).collect(),
            keys: (0..keys).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.cells.len()
    }

    /// Most keys: half of the table, so that probes stay short and always end.
    pub(super) fn key_capacity(&self) -> usize {
        self.keys.len() / 2
    }

    /// Gives `index` to `host_id`; not live, no successor.
    pub(super) fn reserve(&self, index: u32, host_id: u32, limits: &Limits) {
        let Some(slot) = self.slots.get(index as usize) else { return };
        slot.set_limits(limits);
        slot.state.store(if limits.stepped { STEPPED } else { 0 }, Relaxed);
        slot.successor.store(0, Relaxed);
        slot.host_id.store(host_id, Release);
    }

    /// Takes a reserved `index` back.
    pub(super) fn forget(&self, index: u32) {
        if let Some(slot) = self.slots.get(index as usize) {
            slot.host_id.store(NOBODY, Release);
        }
    }

    #[inline]
    pub(super) fn find(&self, host_id: u32, cookie: u64) -> Option<u32> {
        let index = self.by_cookie(host_id, cookie).or_else(|| self.by_key(host_id))?;
        match self.slots.get(index as usize)?.successor.load(Relaxed) {
            0 => Some(index),
            successor => Some(successor - 1),
        }
    }

    #[inline]
    fn by_cookie(&self, host_id: u32, cookie: u64) -> Option<u32> {
        let index = u32::try_from(cookie.checked_sub(1)?).ok()?;
        let slot = self.slots.get(index as usize)?;
        (slot.host_id.load(Acquire) == host_id && host_id != NOBODY).then_some(index)
    }

    #[inline]
    fn by_key(&self, host_id: u32) -> Option<u32> {
        for place in self.probe(host_id) {
            let entry = place.load(Acquire);
            if entry == 0 {
                return None;
            }
            if key_of(entry) == host_id {
                return index_of(entry);
            }
        }
        None
    }

    fn probe(&self, host_id: u32) -> impl Iterator<Item = &AtomicU64> {
        // FNV's low bits are good enough to start from.
        let (head, tail) = self.keys.split_at(host_id as usize & (self.keys.len() - 1));
        tail.iter().chain(head)
    }

    /// Points `host_id` at `index`. Bounded by the table's size, which is never more than half full.
    fn set_key(&self, host_id: u32, index: u32) {
        let wanted = (u64::from(host_id) << 32) | (u64::from(index) + 1);
        for place in self.probe(host_id) {
            let mut entry = place.load(Acquire);
            if entry == 0 {
                match place.compare_exchange(0, wanted, Release, Acquire) {
                    Ok(_) => return,
                    Err(found) => entry = found,
                }
            }
            if key_of(entry) == host_id {
                place.store(wanted, Release);
                return;
            }
        }
    }

    #[inline]
    pub(super) fn cell(&self, index: u32) -> Option<&ParamCell> {
        self.cells.get(index as usize)
    }

    #[inline]
    pub(super) fn host_id(&self, index: u32) -> Option<u32> {
        let id = self.slots.get(index as usize)?.host_id.load(Acquire);
        (id != NOBODY).then_some(id)
    }

    #[inline]
    pub(super) fn limits(&self, index: u32) -> Option<Limits> {
        let slot = self.slots.get(index as usize)?;
        Some(Limits {
            min: f64::from_bits(slot.min.load(Relaxed)),
            max: f64::from_bits(slot.max.load(Relaxed)),
            default: f64::from_bits(slot.default.load(Relaxed)),
            flags: slot.flags.load(Relaxed),
            stepped: slot.state.load(Relaxed) & STEPPED != 0,
        })
    }

    #[inline]
    pub(super) fn is_live(&self, index: u32) -> bool {
        self.slots.get(index as usize).is_some_and(|slot| slot.state.load(Relaxed) & LIVE != 0)
    }

    fn write(&self, write: &SlotWrite) {
        let Some(slot) = self.slots.get(write.index as usize) else { return };
        let mut state = slot.state.load(Relaxed) & STEPPED;
        if let Some(limits) = &write.limits {
            slot.set_limits(limits);
            state = if limits.stepped { STEPPED } else { 0 };
        }
        if write.live {
            state |= LIVE;
        }
        slot.state.store(state, Relaxed);
        slot.successor.store(write.successor, Relaxed);
    }

    pub(super) fn apply_moves(&self, moves: &[Move]) {
        for one in moves {
            if let (Some(from), Some(to)) = (self.cell(one.from), self.cell(one.to)) {
                to.set_base(one.convert(from.base()));
                if one.from != one.to {
                    to.set_modulation(from.modulation());
                }
            }
        }
    }

    pub(super) fn switch(&self, plan: &ParamPlan) {
        for write in &plan.slots {
            self.write(write);
        }
        for (host_id, index) in &plan.keys {
            self.set_key(*host_id, *index);
        }
        self.apply_moves(&plan.moves);
    }
}

const fn key_of(entry: u64) -> u32 {
    (entry >> 32) as u32
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half of 64 bits")]
const fn index_of(entry: u64) -> Option<u32> {
    (entry as u32).checked_sub(1)
}
