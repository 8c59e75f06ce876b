//! One save or load at a time, whatever becomes of a thread in the middle of one.
//!
//! Called by: `control/state`. Calls: nothing. Threads: [main] [reload], safe from any.
//!
//! The author's state functions run within a turn. On the host's threads the host waits for them; the reload thread runs
//! them too (a state that goes from build to build), and is left behind if they do not come back. A project must be saved
//! all the same: a turn that was lent to the reload thread for longer than a step may take is passed over, and the next
//! one is the turn. There are as many as threads may be left behind, and one.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Acquire};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use crate::shell::control::kept::Kept;
use crate::shell::{MOST_ABANDONED, STEP_LIMIT};

#[derive(Debug, Default)]
struct Place {
    kept: Mutex<Kept>,
    /// Since when the reload thread has it.
    lent: Mutex<Option<Instant>>,
    /// Somebody has passed it over since.
    passed_over: AtomicBool,
}

impl Place {
    /// True if it will not come back in time: from here on it is not the turn.
    fn pass_over(&self) -> bool {
        let lent = self.lent.lock();
        let is_lost = lent.is_some_and(|since| since.elapsed() >= STEP_LIMIT);
        if is_lost {
            self.passed_over.store(true, std::sync::atomic::Ordering::Release);
        }
        is_lost
    }
}

/// The turns of one instance.
#[derive(Debug, Default)]
pub(super) struct Turns([Place; MOST_ABANDONED as usize + 1]);

impl Turns {
    /// The turn, if it is free within `wait`.
    pub fn take(&self, wait: Duration) -> Option<Turn<'_>> {
        for place in &self.0 {
            if let Some(kept) = place.kept.try_lock_for(wait) {
                return Some(Turn { kept, place });
            }
            if !place.pass_over() {
                return None;
            }
        }
        None
    }

    /// Every lock of it, for the test that plays on meanwhile.
    #[cfg(test)]
    pub fn hold(&self) -> impl Sized + '_ {
        self.0.each_ref().map(|place| (place.kept.lock(), place.lent.lock()))
    }
}

/// A turn, with what the last one left. Given back by dropping it.
pub(super) struct Turn<'a> {
    kept: MutexGuard<'a, Kept>,
    place: &'a Place,
}

impl Turn<'_> {
    /// From here on the author's code runs in it that may never come back. [reload]
    pub fn lend(&self) {
        self.place.passed_over.store(false, std::sync::atomic::Ordering::Release);
        *self.place.lent.lock() = Some(Instant::now());
    }

    /// True if somebody else has had the turn since it was lent: nothing may be written any more.
    pub fn was_passed_over(&self) -> bool {
        self.place.passed_over.load(Acquire)
    }
}

impl Deref for Turn<'_> {
    type Target = Kept;

    fn deref(&self) -> &Kept {
        &self.kept
    }
}

impl DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut Kept {
        &mut self.kept
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.place.lent.lock() = None;
        if self.place.passed_over.swap(false, AcqRel) {
            *self.kept = Kept::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::control::kept::KeptOwn;

    const NOW: Duration = Duration::ZERO;

    fn lent_for(turn: &Turn<'_>, time: Duration) {
        turn.lend();
        *turn.place.lent.lock() = Instant::now().checked_sub(time);
    }

    #[test]
    fn there_is_one_turn_at_a_time() {
        let turns = Turns::default();
        let turn = turns.take(NOW).expect("free");
        assert!(turns.take(NOW).is_none());
        turn.lend();
        assert!(turns.take(NOW).is_none(), "a step may take its time");
        assert!(!turn.was_passed_over());
        drop(turn);
        assert!(turns.take(NOW).is_some());
    }

    #[test]
    fn a_turn_that_does_not_come_back_is_passed_over_and_leaves_nothing_when_it_does() {
        let turns = Turns::default();
        let mut lost = turns.take(NOW).expect("free");
        lost.own = Some(KeptOwn { own: vec![1], version: 1, by: 1, instead: Vec::new() });
        lent_for(&lost, STEP_LIMIT);
        let turn = turns.take(NOW).expect("the next one");
        assert!(turn.own.is_none() && lost.was_passed_over());
        assert!(turns.take(NOW).is_none(), "which is as exclusive");
        drop(turn);
        drop(lost);
        assert!(turns.take(NOW).is_some_and(|turn| turn.own.is_none()), "it is the turn again, and empty");
    }

    #[test]
    fn there_is_a_turn_beside_all_threads_that_may_be_left_behind() {
        let turns = Turns::default();
        let mut lost = Vec::new();
        for _ in 0..MOST_ABANDONED {
            let turn = turns.take(NOW).expect("one is left");
            lent_for(&turn, STEP_LIMIT);
            lost.push(turn);
        }
        assert!(turns.take(NOW).is_some());
    }
}
