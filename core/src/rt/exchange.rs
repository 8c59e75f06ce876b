//! A one-place exchange: how a new instance reaches the audio thread and how the old one comes back.
//!
//! Called by: `shell/control` puts, `shell/audio` takes (inbox); the other way round for the outbox. Calls: nothing.
//! Threads: [any]; every operation is one atomic instruction, so wait-free on [audio].
//!
//! The place owns what lies in it. `swap` on both sides makes each box change owner exactly once; release on the way
//! in and acquire on the way out order everything that was written before the put before everything after the take.
//! The loom model at the end checks both.

#![allow(unsafe_code, reason = "DESIGN 9.9: ownership passes through a raw pointer")]

use std::marker::PhantomData;
use std::ptr;

#[cfg(loom)]
use loom::sync::atomic::{AtomicPtr, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicPtr, Ordering};

/// A place for at most one `Box<T>`.
#[derive(Debug)]
pub struct Exchange<T> {
    place: AtomicPtr<T>,
    _owns: PhantomData<Box<T>>,
}

// SAFETY: a box goes in on one thread and out on another, never shared in between: `T: Send` is what that needs.
unsafe impl<T: Send> Sync for Exchange<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Exchange<T> {}

impl<T> Exchange<T> {
    /// An empty place.
    #[must_use]
    pub fn new() -> Self {
        Self { place: AtomicPtr::new(ptr::null_mut()), _owns: PhantomData }
    }

    /// Puts `value` in and answers what lay there before.
    pub fn put(&self, value: Box<T>) -> Option<Box<T>> {
        let before = self.place.swap(Box::into_raw(value), Ordering::AcqRel);
        // SAFETY: every pointer in the place came from `Box::into_raw`, and the swap made this call its only owner.
        (!before.is_null()).then(|| unsafe { Box::from_raw(before) })
    }

    /// Puts `value` in if the place is empty.
    ///
    /// # Errors
    /// The value itself if something lies there.
    pub fn try_put(&self, value: Box<T>) -> Result<(), Box<T>> {
        let value = Box::into_raw(value);
        match self.place.compare_exchange(ptr::null_mut(), value, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            // SAFETY: the exchange failed, so `value` is still this call's own, made just above.
            Err(_) => Err(unsafe { Box::from_raw(value) }),
        }
    }

    /// Takes what lies there.
    pub fn take(&self) -> Option<Box<T>> {
        if self.is_empty() {
            return None;
        }
        let value = self.place.swap(ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: as in `put`.
        (!value.is_null()).then(|| unsafe { Box::from_raw(value) })
    }

    /// True if nothing lies there at this moment. One relaxed load: what a block costs when there is no news.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.place.load(Ordering::Relaxed).is_null()
    }
}

impl<T> Default for Exchange<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for Exchange<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_untaken_candidate_comes_back() {
        let place = Exchange::new();
        assert!(place.put(Box::new(1)).is_none());
        assert_eq!(place.put(Box::new(2)).as_deref(), Some(&1));
        assert_eq!(place.try_put(Box::new(3)).unwrap_err().as_ref(), &3);
        assert_eq!(place.take().as_deref(), Some(&2));
        assert!(place.take().is_none());
    }

    #[test]
    fn what_is_never_taken_is_dropped() {
        let token = std::sync::Arc::new(());
        let place = Exchange::new();
        place.put(Box::new(std::sync::Arc::clone(&token)));
        drop(place);
        assert_eq!(std::sync::Arc::strong_count(&token), 1);
    }
}

/// Run with `RUSTFLAGS="--cfg loom" cargo test -p hotshell-core --release --lib loom_`.
#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;
    use loom::thread;

    #[test]
    fn loom_hand_over_gives_each_candidate_to_exactly_one_owner() {
        loom::model(|| {
            let inbox = Arc::new(Exchange::<usize>::new());
            let outbox = Arc::new(Exchange::<usize>::new());
            let audio = {
                let (inbox, outbox) = (Arc::clone(&inbox), Arc::clone(&outbox));
                thread::spawn(move || {
                    let mut heard = 0;
                    for _ in 0..2 {
                        if let Some(new) = inbox.take() {
                            heard += *new;
                            if let Err(kept) = outbox.try_put(new) {
                                drop(kept);
                            }
                        }
                    }
                    heard
                })
            };
            let mut back = 0;
            for candidate in [1, 2] {
                if let Some(untaken) = inbox.put(Box::new(candidate)) {
                    back += *untaken;
                }
            }
            let heard = audio.join().unwrap();
            let left = inbox.take().map_or(0, |left| *left);
            assert_eq!(heard + back + left, 3, "each candidate has exactly one end");
        });
    }

    /// The protocol around the exchange, in `shell/control/handover` and `shell/swap`: [audio] says by `taken` or
    /// `returned` what became of a candidate; whoever replaces one either gets it back or waits for that word.
    struct Talk {
        inbox: Exchange<usize>,
        outbox: Exchange<usize>,
        epoch: AtomicUsize,
        taken: AtomicUsize,
        returned: AtomicUsize,
        /// What a plan switches: written by [audio] before `taken`, read by whoever has seen `taken`.
        switched: loom::cell::UnsafeCell<usize>,
    }

    // SAFETY: `switched` is what the model checks: loom reports any access that `taken` does not order.
    unsafe impl Sync for Talk {}

    /// One block's look into the inbox. A candidate's value is ten times its epoch plus its serial.
    fn take(talk: &Talk) {
        let Some(candidate) = talk.inbox.take() else { return };
        let serial = *candidate % 10;
        if *candidate / 10 != talk.epoch.load(Ordering::Acquire) {
            talk.returned.store(serial, Ordering::Release);
        } else {
            // SAFETY: only this thread writes, and main reads what `taken` has published.
            talk.switched.with_mut(|switched| unsafe { *switched = serial });
            talk.taken.store(serial, Ordering::Release);
        }
        let _ = talk.outbox.try_put(candidate);
    }

    /// What main believes to be live, settled with an empty inbox.
    fn settle(talk: &Talk, pending: &mut Option<usize>, live: &mut usize) {
        while let Some(serial) = *pending {
            if talk.taken.load(Ordering::Acquire) == serial {
                (*live, *pending) = (serial, None);
            } else if talk.returned.load(Ordering::Acquire) == serial {
                *pending = None;
            } else {
                thread::yield_now();
            }
        }
    }

    #[test]
    fn loom_whoever_empties_the_inbox_knows_what_is_live() {
        loom::model(|| {
            let talk = Arc::new(Talk {
                inbox: Exchange::new(),
                outbox: Exchange::new(),
                epoch: AtomicUsize::new(1),
                taken: AtomicUsize::new(0),
                returned: AtomicUsize::new(0),
                switched: loom::cell::UnsafeCell::new(0),
            });
            let audio = {
                let talk = Arc::clone(&talk);
                thread::spawn(move || {
                    take(&talk);
                    take(&talk);
                })
            };
            let (mut pending, mut live) = (Some(1), 0);
            talk.inbox.put(Box::new(11));
            // A save, or the next hand-over: nothing can be taken while the candidate is in hand.
            let waiting = talk.inbox.take();
            if waiting.is_none() {
                settle(&talk, &mut pending, &mut live);
                // SAFETY: the inbox is empty and its last candidate's fate is known: [audio] writes nothing.
                let switched = talk.switched.with(|switched| unsafe { *switched });
                assert_eq!(switched, live, "what is live is what was switched to");
            }
            // The next one replaces it; made for an epoch that has passed meanwhile, it comes back.
            talk.epoch.store(2, Ordering::Release);
            pending = Some(2);
            talk.inbox.put(Box::new(12));
            audio.join().unwrap();
            if talk.inbox.take().is_none() {
                settle(&talk, &mut pending, &mut live);
            }
            assert_ne!(live, 2, "a stale candidate is never live");
            // SAFETY: the other thread has ended.
            assert_eq!(talk.switched.with(|switched| unsafe { *switched }), live);
            drop(waiting);
        });
    }
}
