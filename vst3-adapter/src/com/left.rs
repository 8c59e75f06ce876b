//! What is left of a view whose last reference a host gave back on another thread than the view's own: windows and the
//! host's run loop are that thread's alone, so they wait until it comes by.
//!
//! Called by: `com/view`, `instance`. Calls: what the things do as they are dropped. Threads: [any]; each thing ends on
//! the thread that it belongs to, or never: a host that does not come by again has left it to the end of its process.

#![allow(unsafe_code, reason = "DESIGN 9.9: what belongs to one thread is kept where all threads reach")]

use std::any::Any;

use parking_lot::Mutex;

use crate::error::guard;
use crate::home::Home;

struct Left {
    home: Home,
    what: Box<dyn Any>,
}

// SAFETY: `what` is not looked at here, and goes out on the thread `home` alone (`drop_own`). Until then it lies in a
// static, which is never dropped; whoever put it there was its only owner (`keep`).
unsafe impl Send for Left {}

static LEFT: Mutex<Vec<Left>> = Mutex::new(Vec::new());

/// Keeps `what`, which nobody else shares anything of, for the thread `home`. [any]
pub(crate) fn keep(home: Home, what: Box<dyn Any>) {
    LEFT.lock().push(Left { home, what });
}

/// Drops what belongs to this thread. In calls of the host's on it that are no callbacks of its run loop: a timer is not
/// unregistered inside of one (REAPER). The host may be called. [any] but audio
pub(crate) fn drop_own() {
    let here = Home::here();
    loop {
        // One by one, and not under the lock: dropping it may come back here.
        let own = {
            let mut left = LEFT.lock();
            left.iter().position(|one| one.home == here).map(|place| left.swap_remove(place))
        };
        let Some(Left { what, .. }) = own else { return };
        guard((), || drop(what));
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::sync::mpsc;

    use super::*;

    /// Tells on which thread it ends.
    struct Told(mpsc::Sender<Home>, Rc<()>);

    impl Drop for Told {
        fn drop(&mut self) {
            self.0.send(Home::here()).ok();
            drop_own();
            assert_eq!(Rc::strong_count(&self.1), 1, "its own");
            panic!("on purpose: the others end all the same");
        }
    }

    #[test]
    fn what_is_left_ends_on_its_own_thread_when_that_comes_by() {
        let here = Home::here();
        let (told, ends) = mpsc::channel();
        std::thread::scope(|threads| {
            threads.spawn(|| {
                for _ in 0..3 {
                    keep(here, Box::new(Told(told.clone(), Rc::new(()))));
                }
                drop_own();
            });
        });
        assert!(ends.try_recv().is_err(), "not on the other one");
        drop_own();
        assert_eq!(ends.try_iter().collect::<Vec<_>>(), [here; 3]);
    }
}
