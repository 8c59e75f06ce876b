//! Edits on their way from the editor to the host: as CLAP wants it, in the output events of a block or a flush.
//!
//! Called by: `instance` loads it [main]; `process` and `ext/params` empty it [audio]. Calls: the shell, the host's output
//! list. Threads: as said; one parcel goes back and forth, so [audio] neither waits nor frees.
#![deny(clippy::disallowed_types)]

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use hotshell_abi::{Event, EventKind};
use hotshell_core::rt::exchange::Exchange;
use hotshell_core::shell::EventSink;
use hotshell_core::shell::editors::Edit;

type Parcel = Vec<Edit>;

/// The two places that the parcel lies in between its ways.
#[derive(Default)]
pub(crate) struct Lane {
    full: Exchange<Parcel>,
    empty: Exchange<Parcel>,
    /// [main] had more and no parcel.
    more: AtomicBool,
}

/// The parcel while it lies with [main].
pub(crate) struct Desk(Cell<Option<Box<Parcel>>>);

impl Default for Desk {
    fn default() -> Self {
        Self(Cell::new(Some(Box::default())))
    }
}

impl Lane {
    /// Sends what the shell has; true if the host should come for it. [main]
    pub(crate) fn load(&self, desk: &Desk, take: impl FnOnce() -> Vec<Edit>) -> bool {
        let parcel = desk.0.take().or_else(|| self.empty.take()).or_else(|| {
            // Whoever empties the parcel asks for another call, unless it has come back just before.
            self.more.store(true, SeqCst);
            self.empty.take()
        });
        let Some(mut parcel) = parcel else { return false };
        *parcel = take();
        if parcel.is_empty() {
            desk.0.set(Some(parcel));
            return false;
        }
        // There is one parcel, and it was in hand: nothing lies there.
        desk.0.set(self.full.put(parcel));
        true
    }

    /// Hands what was sent to the host, at the block's first frame; true if [main] has more. [audio]
    pub(crate) fn deliver(&self, output: &mut dyn EventSink) -> bool {
        let Some(parcel) = self.full.take() else { return false };
        for edit in &*parcel {
            output.send(&event(*edit), &[]);
        }
        // Its place is empty while it is here; if not, it stays allocated rather than be freed on [audio].
        if let Err(parcel) = self.empty.try_put(parcel) {
            std::mem::forget(parcel);
        }
        self.more.swap(false, SeqCst)
    }
}

fn event(edit: Edit) -> Event {
    let gesture = |kind, id| Event { id, ..Event::new(kind, 0) };
    let mut event = match edit {
        Edit::Begin { id } => gesture(EventKind::GESTURE_BEGIN, id),
        Edit::Perform { id, plain } => Event::param_value(0, id, plain),
        Edit::End { id } => gesture(EventKind::GESTURE_END, id),
    };
    event.flags = Event::LIVE;
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Vec<(EventKind, u32, f64)>);

    impl EventSink for Heard {
        fn send(&mut self, event: &Event, _sysex: &[u8]) -> bool {
            self.0.push((event.kind, event.id, event.value));
            true
        }
    }

    fn drag(plain: f64) -> Vec<Edit> {
        vec![Edit::Begin { id: 7 }, Edit::Perform { id: 7, plain }, Edit::End { id: 7 }]
    }

    #[test]
    fn edits_reach_the_host_in_order_and_the_parcel_comes_back() {
        let (lane, desk, mut heard) = (Lane::default(), Desk::default(), Heard::default());
        for round in 0..3 {
            heard.0.clear();
            assert!(lane.load(&desk, || drag(f64::from(round))), "the host should come for it");
            assert!(!lane.deliver(&mut heard), "there is no more");
            let value = (EventKind::PARAM_VALUE, 7, f64::from(round));
            assert_eq!(
                heard.0,
                [(EventKind::GESTURE_BEGIN, 7, 0.0), value, (EventKind::GESTURE_END, 7, 0.0)]
            );
        }
        assert!(!lane.load(&desk, Vec::new), "nothing to come for");
        assert!(!lane.deliver(&mut heard));
    }

    #[test]
    fn edits_that_find_no_parcel_are_asked_for_when_it_comes_back() {
        let (lane, desk, mut heard) = (Lane::default(), Desk::default(), Heard::default());
        assert!(lane.load(&desk, || drag(1.0)));
        assert!(!lane.load(&desk, || unreachable!("they stay with the shell")));
        assert!(lane.deliver(&mut heard), "main is asked to come again");
        assert!(lane.load(&desk, || drag(2.0)));
        assert!(!lane.deliver(&mut heard));
        assert_eq!(heard.0.len(), 6);
    }
}
