//! What `dev` says, turned into what an editor's window shows: *building* once a build has taken [`PATIENCE`], *failed*
//! and why, and nothing else.
//!
//! Called by: `watchdog`, `state`, under the module's lock. Calls: nothing. Threads: [any but audio].
//!
//! `dev` says it in `dev.json`, which is read only while some editor's window is open. What a `dev` said that no longer
//! lives counts for nothing: it holds a lock on `dev.lock` for as long as it does, and the system takes that back however
//! it ends. So a *building* of a killed `dev` ends with the next look, a second later at most. Where the file system has
//! no locks, no `dev` counts as living, and nothing is shown.

use std::time::{Duration, Instant};

use super::slot::{DevState, DevStatus};
use crate::shell::editors::Notice;

/// A build that takes no longer than this is not spoken of.
const PATIENCE: Duration = Duration::from_millis(300);

/// What `dev` said last, and what of it is shown.
#[derive(Debug, Default)]
pub(super) struct Dev {
    status: Option<DevStatus>,
    /// *Building* is shown from here on.
    due: Option<Instant>,
    shown: Option<Notice>,
}

impl Dev {
    /// Takes in what `dev` says, `None` if no `dev` lives. `clock`: nanoseconds since 1970.
    pub(super) fn hear(&mut self, status: Option<DevStatus>, now: Instant, clock: u64) {
        if self.status != status {
            self.due = None;
            match &status {
                // Until it has taken its time, what was said before stands. A clock that was set back costs the wait.
                Some(DevStatus { state: DevState::Building, since, .. }) => {
                    let age = Duration::from_nanos(clock.saturating_sub(*since));
                    self.due = Some(now + PATIENCE.saturating_sub(age));
                }
                Some(DevStatus { state: DevState::Failed, error, .. }) => {
                    let error =
                        error.as_deref().unwrap_or("the build; see the terminal of `cargo hotshell dev`");
                    self.shown = Some(Notice::Failed(format!("Failed: {}", super::state::clip(error))));
                }
                Some(DevStatus { state: DevState::Idle, .. }) | None => self.shown = None,
            }
            self.status = status;
        }
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            self.shown = Some(Notice::Building);
        }
    }

    /// When [`Dev::shown`] will be something else by time alone. Then what was heard is to be heard again.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What it said last.
    pub(super) const fn status(&self) -> Option<&DevStatus> {
        self.status.as_ref()
    }

    /// What the windows show of it.
    pub(super) const fn shown(&self) -> Option<&Notice> {
        self.shown.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock's time at which the tests begin.
    const CLOCK: u64 = 1_800_000_000_000_000_000;

    fn said(state: DevState, since: u64, error: Option<&str>) -> Option<DevStatus> {
        Some(DevStatus { pid: 7, state, since, error: error.map(ToOwned::to_owned), ..DevStatus::default() })
    }

    fn failed(text: &str) -> Option<Notice> {
        Some(Notice::Failed(text.to_owned()))
    }

    /// The same words again, later.
    fn later(dev: &mut Dev, now: Instant) -> Option<&Notice> {
        let status = dev.status().cloned();
        dev.hear(status, now, CLOCK);
        dev.shown()
    }

    #[test]
    fn building_is_shown_after_300_ms_and_not_before() {
        let (mut dev, begin) = (Dev::default(), Instant::now());
        dev.hear(said(DevState::Building, CLOCK, None), begin, CLOCK);
        assert_eq!((dev.shown(), dev.due()), (None, Some(begin + PATIENCE)));
        assert_eq!(later(&mut dev, begin + PATIENCE - Duration::from_millis(1)), None);
        assert_eq!(later(&mut dev, begin + PATIENCE), Some(&Notice::Building));
        assert_eq!(dev.due(), None, "nothing more to wait for");
        dev.hear(said(DevState::Idle, CLOCK, None), begin + PATIENCE, CLOCK);
        assert_eq!(dev.shown(), None);
    }

    #[test]
    fn a_build_that_began_long_ago_is_shown_at_once_and_one_from_the_future_after_its_time() {
        let (mut dev, now) = (Dev::default(), Instant::now());
        dev.hear(said(DevState::Building, 0, None), now, CLOCK);
        assert_eq!(dev.shown(), Some(&Notice::Building));
        let mut dev = Dev::default();
        dev.hear(said(DevState::Building, u64::MAX, None), now, CLOCK);
        assert_eq!((dev.shown(), dev.due()), (None, Some(now + PATIENCE)));
    }

    #[test]
    fn an_error_stands_while_a_short_build_is_made_and_ends_with_it() {
        let (mut dev, now) = (Dev::default(), Instant::now());
        dev.hear(said(DevState::Failed, CLOCK, Some("src/lib.rs:3: no `x`")), now, CLOCK);
        assert_eq!(dev.shown().cloned(), failed("Failed: src/lib.rs:3: no `x`"));
        dev.hear(said(DevState::Building, CLOCK, None), now, CLOCK);
        assert_eq!(dev.shown().cloned(), failed("Failed: src/lib.rs:3: no `x`"));
        dev.hear(said(DevState::Idle, CLOCK, None), now, CLOCK);
        assert_eq!((dev.shown(), dev.due()), (None, None));
    }

    #[test]
    fn what_a_dead_dev_said_counts_for_nothing() {
        for state in [DevState::Building, DevState::Failed] {
            let (mut dev, now) = (Dev::default(), Instant::now());
            dev.hear(said(state, 0, None), now, CLOCK);
            assert!(dev.shown().is_some());
            dev.hear(None, now, CLOCK);
            assert_eq!((dev.shown(), dev.due()), (None, None));
        }
    }

    #[test]
    fn an_error_of_any_length_is_cut() {
        let (mut dev, now) = (Dev::default(), Instant::now());
        dev.hear(said(DevState::Failed, 0, Some(&"ä€".repeat(10_000))), now, CLOCK);
        assert!(matches!(dev.shown(), Some(Notice::Failed(text)) if text.len() < 4_000));
    }
}
