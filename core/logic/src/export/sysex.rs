//! The events of a call with the bytes that its system exclusives point to.
//!
//! Called by: `export/thunk` makes it, `events` reads it. Calls: nothing. Threads: [audio].

#![allow(unsafe_code, reason = "DESIGN 9.9 names core/logic/src/export: bytes behind system exclusives")]
#![deny(clippy::disallowed_types)]

use hotshell_abi::Event;

/// Events whose system exclusives may be followed for `'a`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawEvents<'a> {
    events: &'a [Event],
    follow: bool,
}

impl<'a> RawEvents<'a> {
    /// # Safety
    /// The bytes behind each system exclusive in `events` are borrowed for `'a`.
    pub(crate) const unsafe fn new(events: &'a [Event]) -> Self {
        Self { events, follow: true }
    }

    /// Other events with the same bytes behind them.
    ///
    /// # Safety
    /// Each system exclusive in `events` is one of this list's.
    pub(crate) const unsafe fn replaced<'b>(self, events: &'b [Event]) -> RawEvents<'b>
    where
        'a: 'b,
    {
        RawEvents { events, follow: self.follow }
    }

    /// Events of a test: system exclusives read as empty.
    #[cfg(test)]
    pub(crate) const fn without_sysex(events: &'a [Event]) -> Self {
        Self { events, follow: false }
    }

    pub(crate) const fn events(&self) -> &'a [Event] {
        self.events
    }

    /// The events in `range`, which lies inside.
    pub(crate) fn part(&self, range: std::ops::Range<usize>) -> Self {
        Self { events: self.events.get(range).unwrap_or(&[]), follow: self.follow }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a Event, &'a [u8])> + use<'a> {
        let follow = self.follow;
        self.events.iter().map(move |event| {
            // SAFETY: `new`'s contract: the bytes are borrowed for `'a` (and other events answer nothing).
            let bytes = if follow { unsafe { event.sysex_bytes() } } else { &[] };
            (event, bytes)
        })
    }
}
