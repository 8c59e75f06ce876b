//! One answer from one thread to another, with a time limit.
//!
//! Called by: `helper`, `window/platform`. Calls: nothing. Threads: [any] but audio.
//!
//! The one who waits is a thread of the host's, which may live on when a release's library is unloaded: what it keeps
//! of ours must not run code as it ends.
//!
//! * `std::sync::mpsc` (where it waits), `std::thread::park` and `std::thread::current` make std's handle of the thread,
//!   whose destructor is a pthread key's: nothing holds the library for it. So they are not used on the host's threads
//!   before the library is pinned ([`hotshell_core::rt::pin`]), which each of our threads that may outlive a call is
//!   preceded by.
//! * Thread-locals with a destructor (parking_lot's of a thread that has waited, std's as it starts another thread) are
//!   registered with the C library, which keeps the library mapped until they have run (glibc, macOS), or are dropped
//!   with the library (Windows).
//! * Locks and conditions of std are futexes on Linux and leave nothing behind; sending on a channel waits for nothing.
//!
//! So a release in which no editor was ever opened, which a scanner only looks at, may be unloaded at any time; one in
//! which a window was opened stays. What reloads is pinned before its first thread.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

struct Place<T> {
    now: Mutex<Now<T>>,
    moved: Condvar,
}

enum Now<T> {
    Waiting,
    Given(T),
    /// It comes no more.
    Ended,
}

/// The end that waits.
pub(crate) struct Asked<T>(Arc<Place<T>>);

/// The end that answers. Dropped: no answer comes any more.
pub(crate) struct Answering<T>(Arc<Place<T>>);

/// What has come of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer<T> {
    Given(T),
    /// The other end is gone.
    Ended,
    Late,
}

/// The two ends.
pub(crate) fn ask<T>() -> (Answering<T>, Asked<T>) {
    let place = Arc::new(Place { now: Mutex::new(Now::Waiting), moved: Condvar::new() });
    (Answering(Arc::clone(&place)), Asked(place))
}

impl<T> Answering<T> {
    /// Answers.
    pub(crate) fn give(self, answer: T) {
        *self.0.now.lock() = Now::Given(answer);
    }
}

impl<T> Drop for Answering<T> {
    fn drop(&mut self) {
        let mut now = self.0.now.lock();
        if matches!(*now, Now::Waiting) {
            *now = Now::Ended;
        }
        drop(now);
        self.0.moved.notify_all();
    }
}

impl<T> Asked<T> {
    /// The answer, once; `until` without one: for as long as it takes.
    pub(crate) fn wait(&self, until: Option<Instant>) -> Answer<T> {
        let mut now = self.0.now.lock();
        loop {
            match std::mem::replace(&mut *now, Now::Ended) {
                Now::Given(answer) => return Answer::Given(answer),
                Now::Ended => return Answer::Ended,
                Now::Waiting => *now = Now::Waiting,
            }
            match until {
                None => self.0.moved.wait(&mut now),
                // Looked at once more: it may have come with the last moment.
                Some(until) if Instant::now() < until => {
                    self.0.moved.wait_until(&mut now, until);
                }
                Some(_) => return Answer::Late,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Option<Instant> {
        Some(Instant::now() + Duration::from_secs(20))
    }

    #[test]
    fn an_answer_comes_once_and_one_that_comes_no_more_is_not_waited_for() {
        let (answering, asked) = ask();
        assert_eq!(asked.wait(Some(Instant::now())), Answer::Late);
        std::thread::scope(|threads| {
            threads.spawn(|| answering.give(7));
            assert_eq!(asked.wait(soon()), Answer::Given(7));
        });
        assert_eq!(asked.wait(None), Answer::Ended);
        let (answering, asked) = ask::<()>();
        std::thread::scope(|threads| {
            threads.spawn(move || drop(answering));
            assert_eq!(asked.wait(soon()), Answer::Ended);
        });
    }
}
