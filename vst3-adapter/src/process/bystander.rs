//! Blocks that find nobody playing: parameters count at once, controllers and note offs begin the next block.
//!
//! Called by: `process`. Calls: the shell, `process/{lists,flushed}`. Threads: made and dropped on [main];
//! [`Bystander::flush`] [audio]. VST3 lets a host flush from any thread while the plug-in is inactive; and a host may run
//! blocks beside `setActive` (FL Studio, HOSTS 2), when the thread is its real audio thread. Nobody can tell the two
//! apart without a lock, so neither allocates, waits or frees: all memory is here beforehand.

#![allow(unsafe_code, reason = "DESIGN 9.9: blocks come as C's pointers")]
#![deny(clippy::disallowed_types)]

use std::sync::Arc;

use vst3::Steinberg::Vst::ProcessData;

use crate::events::{MOST_EVENTS, Merged};
use crate::instance::Live;
use crate::params::Table;
use crate::process::sounding::Sounding;
use crate::process::{lists, takes_midi};

/// What such a block needs, from `initialize` to `terminate`. Beside it nobody else flushes: a second thread that runs
/// a block at the same time is left with silence.
pub(crate) struct Bystander {
    live: Arc<Live>,
    table: Arc<Table>,
    input: Merged,
    sounding: Sounding,
}

impl Bystander {
    /// Allocates. [main]
    pub(crate) fn new(live: Arc<Live>) -> Self {
        let table = live.table();
        Self { live, table, input: Merged::new(MOST_EVENTS), sounding: Sounding::new() }
    }

    /// True if it stands by for this one.
    pub(crate) fn is_of(&self, live: &Arc<Live>) -> bool {
        Arc::ptr_eq(&self.live, live)
    }

    /// Takes what the host says beside its samples. [audio]
    ///
    /// # Safety
    /// The lists of `data` are null or valid.
    pub(crate) unsafe fn flush(&mut self, data: &ProcessData, frames: u32) {
        if data.inputParameterChanges.is_null() && data.inputEvents.is_null() {
            return;
        }
        self.live.for_bystander.take(&mut self.table);
        let midi = self.table.notes.is_some_and(takes_midi);
        self.input.begin(frames);
        // SAFETY: by this function's contract.
        unsafe { lists::read(data, &self.table, midi, &mut self.input) };
        // SAFETY: as above.
        let mut output = unsafe { lists::Output::new(data, &self.table, &mut self.sounding, frames) };
        self.live.shell.flush(&self.input, &mut output);
        let lost = self.live.flushed.keep(&self.input);
        self.live.lose(lost.saturating_add(self.input.take_dropped()));
    }
}
