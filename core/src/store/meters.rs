//! Meters by dotted id: ranges of one fixed array of cells, the same ones for every build that has the id.
//!
//! Called by: `store`. Calls: nothing. Threads: [main] [reload] to bind; the cells themselves [any].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use hotshell_abi::{MAX_METERS, MeterCell, MeterDesc};
use parking_lot::Mutex;

#[derive(Debug)]
pub(super) struct Meters {
    cells: Box<[MeterCell]>,
    ranges: Mutex<Ranges>,
}

#[derive(Debug, Default)]
struct Ranges {
    by_id: BTreeMap<String, Range<usize>>,
    /// Ids of the last two builds: one plays while the other is prepared. Only these keep their cells when room ends.
    wanted: [BTreeSet<String>; 2],
    refused: BTreeSet<String>,
}

impl Default for Meters {
    fn default() -> Self {
        Self { cells: (0..MAX_METERS).map(|_| MeterCell::new()).collect(), ranges: Mutex::default() }
    }
}

impl Meters {
    #[cfg(test)]
    pub(super) fn hold(&self) -> impl Sized + '_ {
        self.ranges.lock()
    }

    pub(super) fn declare(&self, meters: &[MeterDesc<'_>]) {
        let ids = meters.iter().map(|meter| meter.id.as_str().to_owned()).collect();
        let mut ranges = self.ranges.lock();
        if ranges.wanted[0] != ids {
            ranges.wanted.swap(0, 1);
            ranges.wanted[0] = ids;
        }
    }

    pub(super) fn bind(&self, id: &str, channels: usize) -> Option<&[MeterCell]> {
        let mut ranges = self.ranges.lock();
        let found = ranges.by_id.get(id).filter(|range| range.len() >= channels).map(|range| range.start);
        let start = found.or_else(|| ranges.allocate(id, channels))?;
        self.cells.get(start..start + channels)
    }

    pub(super) fn get(&self, id: &str) -> Option<&[MeterCell]> {
        self.cells.get(self.ranges.lock().by_id.get(id)?.clone())
    }

    /// True the first time for each id.
    pub(super) fn first_refusal(&self, id: &str) -> bool {
        self.ranges.lock().refused.insert(id.to_owned())
    }
}

impl Ranges {
    fn allocate(&mut self, id: &str, channels: usize) -> Option<usize> {
        let start = self.gap(channels).or_else(|| {
            // Cells of meters that neither of the last two builds has. A build that is still fading out may write one
            // of them once more; meters show the present, so nothing is lost.
            let Self { by_id, wanted, .. } = self;
            by_id.retain(|id, _| wanted.iter().any(|ids| ids.contains(id)));
            self.gap(channels)
        })?;
        self.by_id.insert(id.to_owned(), start..start + channels);
        Some(start)
    }

    fn gap(&self, channels: usize) -> Option<usize> {
        let mut taken: Vec<&Range<usize>> = self.by_id.values().collect();
        taken.sort_by_key(|range| range.start);
        let mut start = 0;
        for range in taken {
            if range.start.saturating_sub(start) >= channels {
                break;
            }
            start = start.max(range.end);
        }
        (channels <= MAX_METERS && start + channels <= MAX_METERS).then_some(start)
    }
}
