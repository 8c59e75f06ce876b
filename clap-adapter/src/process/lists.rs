//! Event lists as clack's safe types; null lists are empty ones. System exclusive bytes, which clack keeps unsafe.
//!
//! Called by: `process`, `ext/params`, `events`. Calls: nothing. Threads: [audio]; [main] for a flush while inactive.

#![allow(unsafe_code, reason = "DESIGN 9.9: event lists come as C's pointers")]
#![deny(clippy::disallowed_types)]

use clack_plugin::events::event_types::MidiSysExEvent;
use clack_plugin::events::io::{InputEvents, OutputEvents};
use clap_sys::events::{clap_input_events, clap_output_events};

/// One call's event lists.
pub(crate) struct Lists<'a> {
    /// From the host.
    pub(crate) input: Option<&'a InputEvents<'a>>,
    /// To the host.
    pub(crate) output: Option<&'a mut OutputEvents<'a>>,
}

impl<'a> Lists<'a> {
    /// # Safety
    /// Each pointer is null or leads to a list that is valid for `'a` and that nobody else uses meanwhile.
    pub(crate) const unsafe fn new(
        input: *const clap_input_events,
        output: *const clap_output_events,
    ) -> Self {
        // SAFETY: by this function's contract. `try_push` takes the list as `const`: nothing is written through the
        // exclusive reference that clack wants.
        unsafe {
            let input = match input.as_ref() {
                Some(list) => Some(InputEvents::from_raw(list)),
                None => None,
            };
            let output = match output.cast_mut().as_mut() {
                Some(list) => Some(OutputEvents::from_raw_mut(list)),
                None => None,
            };
            Self { input, output }
        }
    }
}

/// The bytes of a system exclusive from the host's list; empty where it gives none.
pub(crate) const fn sysex_bytes(event: &MidiSysExEvent) -> &[u8] {
    if event.buffer_ptr().is_null() {
        return &[];
    }
    // SAFETY: CLAP: an event of the input list, its buffer included, is valid until the call returns; the borrow of
    // the event is shorter.
    unsafe { event.data() }
}

/// A system exclusive for the host, which copies what it keeps (CLAP: `try_push` copies the event). The answer must be
/// pushed while `bytes` is alive: its lifetime is why the two go together into `push`.
pub(crate) fn with_sysex<T>(time: u32, port: u16, bytes: &[u8], push: impl FnOnce(MidiSysExEvent) -> T) -> T {
    // SAFETY: `bytes` outlives this call, and `push` ends within it.
    push(unsafe { MidiSysExEvent::new(time, port, bytes) })
}
