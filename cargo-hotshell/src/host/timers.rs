//! The timers that a CLAP plug-in has asked for, until it ends them.
//!
//! Called by: `handlers` (the plug-in adds and removes), `clap_plugin` (main's loop asks which are due). Calls: nothing.
//! Threads: [main].

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// More than this are a leak of the plug-in's.
const MOST: usize = 256;

/// No plug-in is called more often than this.
const SHORTEST: Duration = Duration::from_millis(1);

/// All of one plug-in.
#[derive(Debug, Default)]
pub struct Timers {
    all: RefCell<BTreeMap<u32, Timer>>,
    next: Cell<u32>,
}

#[derive(Debug)]
struct Timer {
    every: Duration,
    due: Instant,
}

impl Timers {
    /// One more, with its id; `None` if there are too many.
    pub fn add(&self, every: Duration) -> Option<u32> {
        let mut all = self.all.borrow_mut();
        let id = self.next.get();
        self.next.set(id.checked_add(1)?);
        let every = every.max(SHORTEST);
        (all.len() < MOST).then(|| all.insert(id, Timer { every, due: Instant::now() + every }))?;
        Some(id)
    }

    /// One less; false if there is none of this id.
    pub fn remove(&self, id: u32) -> bool {
        self.all.borrow_mut().remove(&id).is_some()
    }

    /// Those that are due at `now`, each once. The plug-in is called without anything held: it may end its own timer.
    pub fn take_due(&self, now: Instant) -> Vec<u32> {
        let mut all = self.all.borrow_mut();
        let due = |(id, timer): (&u32, &mut Timer)| {
            let is_due = timer.due <= now;
            if is_due {
                timer.due = now + timer.every;
            }
            is_due.then_some(*id)
        };
        all.iter_mut().filter_map(due).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_due_once_per_period_until_it_is_removed() {
        let timers = Timers::default();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let (fast, slow) = (timers.add(second).unwrap(), timers.add(10 * second).unwrap());
        assert!(timers.take_due(start).is_empty());
        let later = start + 2 * second;
        assert_eq!(timers.take_due(later), [fast]);
        assert!(timers.take_due(later).is_empty(), "once");
        assert_eq!(timers.take_due(start + 20 * second), [fast, slow]);
        assert!(timers.remove(fast) && !timers.remove(fast));
        assert_eq!(timers.take_due(start + 60 * second), [slow]);
    }

    #[test]
    fn a_plug_in_that_leaks_timers_is_refused() {
        let timers = Timers::default();
        assert!((0..MOST).all(|_| timers.add(SHORTEST).is_some()) && timers.add(SHORTEST).is_none());
    }
}
