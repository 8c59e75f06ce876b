//! What cannot end at once and waits until its thread comes by: what is left of a view whose last reference a host gave
//! back on another thread than the view's own (windows and the host's run loop are that thread's alone), and timers that
//! were to end inside a callback of the host's run loop, which some hosts do not survive (REAPER, FORMATS 5).
//!
//! Called by: `com/view`, `instance`. Calls: what the things do as they are dropped. Threads: [any]; each thing ends on
//! the thread that it belongs to, or never: a host that does not come by again has left it to the end of its process.

#![allow(unsafe_code, reason = "DESIGN 9.9: what belongs to one thread is kept where all threads reach")]

use std::any::Any;
use std::cell::Cell;

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

thread_local! {
    /// Callbacks of the host's run loop that this thread is in: a menu that one of them opens may tick the next. Without
    /// a destructor, for `home`'s reason.
    static CALLBACKS: Cell<u32> = const { Cell::new(0) };
}

/// While it lives, this thread is in a callback of the host's run loop.
pub(crate) struct Callback(());

impl Callback {
    /// The callback begins. [main]
    pub(crate) fn enter() -> Self {
        CALLBACKS.with(|callbacks| callbacks.set(callbacks.get().saturating_add(1)));
        Self(())
    }

    fn is_running() -> bool {
        CALLBACKS.with(|callbacks| callbacks.get() > 0)
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        CALLBACKS.with(|callbacks| callbacks.set(callbacks.get().saturating_sub(1)));
    }
}

/// Keeps `what`, which nobody else shares anything of, for the thread `home`. [any]
pub(crate) fn keep(home: Home, what: Box<dyn Any>) {
    LEFT.lock().push(Left { home, what });
}

/// Ends `what`, which is this thread's: at once, or, inside a callback of the host's run loop, when that has returned and
/// the host calls next. The host may be called. [any] but audio
pub(crate) fn end(what: Option<impl Any>) {
    let Some(what) = what else { return };
    if Callback::is_running() {
        keep(Home::here(), Box::new(what));
    } else {
        drop(what);
    }
}

/// The same for what belongs to the thread `home`.
pub(crate) fn end_at(home: Home, what: impl Any) {
    if home == Home::here() {
        end(Some(what));
    } else {
        keep(home, Box::new(what));
    }
}

/// Drops what belongs to this thread; inside a callback of the host's run loop, nothing. The host may be called. [any] but
/// audio
pub(crate) fn drop_own() {
    if Callback::is_running() {
        return;
    }
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

    #[test]
    fn what_ends_inside_a_callback_of_the_run_loop_waits_for_its_end() {
        let (told, ends) = mpsc::channel();
        let one = || Told(told.clone(), Rc::new(()));
        let callback = Callback::enter();
        end(Some(one()));
        drop(Callback::enter());
        drop_own();
        end(Some(one()));
        assert!(ends.try_recv().is_err(), "one inside another is still one");
        drop(callback);
        drop_own();
        assert_eq!(ends.try_iter().count(), 2);
        guard((), || end(Some(one())));
        assert_eq!(ends.try_iter().count(), 1, "at once");
    }
}
