//! What the host must be told, as `restartComponent` flags, in the calls in which that is safe.
//!
//! Called by: `component`, `com/edit` at the end of safe calls; `instance`. Calls: the shell, `com/handler`.
//! Threads: [main] by VST3's rules.
//!
//! VST3's hosts read lists and the latency again while active, so everything is told at once ([`Phase::AtOnce`]). Some
//! deactivate and activate for it from inside the call (Ardour 7); the shell takes that for its own wish.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hotshell_core::host::Level;
use hotshell_core::shell::editors::Edit;
use hotshell_core::shell::{Changes, Phase};
use vst3::Steinberg::Vst::RestartFlags_ as flags;

use super::{Instance, LISTS, Live, values_moved};
use crate::com::{PREFETCH_UNREAD, prefetchable, takes_expressions};
use crate::events::MOST_EVENTS;
use crate::params::{Controller, Table};
use crate::process::flushed::MOST as MOST_FLUSHED;

/// Hosts that take a changed number of parameters by `kReloadComponent` (FORMATS 2).
const RELOADING_HOSTS: [&str; 1] = ["Bitwig"];

/// `1`: every host is such a host; `0`: none is.
const RELOAD_VARIABLE: &str = "HOTSHELL_VST3_RELOAD_COMPONENT";

impl Instance {
    /// Tells the host everything that it must know, least and once. Only where FORMATS 3 calls it safe, with no lock
    /// of ours held. While the host has given no handler, everything waits.
    pub(crate) fn tell(&self) {
        let Some(live) = self.live() else { return };
        live.own_up();
        if !self.handler.is_set() {
            return;
        }
        let changes = live.shell.take_changes(Phase::AtOnce);
        let waiting = self.pending.swap(0, Ordering::AcqRel).cast_signed();
        let now = waiting | self.restart_flags(&live, changes) | self.prefetch_flag(&live);
        self.handler.restart(now);
        if changes.contains(Changes::DIRTY) {
            self.handler.dirty();
        }
        // Last: the user may have moved what the host has only just heard of.
        self.deliver_edits(&live);
    }

    /// What the user did in the editor, in order.
    fn deliver_edits(&self, live: &Live) {
        let edits = live.shell.take_edits();
        if edits.is_empty() {
            return;
        }
        let told = live.table();
        // Another telling may have announced a parameter and not have read the list yet: whose difference is its own.
        let table = if edits.iter().all(|edit| told.target(edit.id()).is_some()) {
            told
        } else {
            Arc::new(Table::read(live.shell.as_ref(), &told))
        };
        for edit in edits {
            match edit {
                Edit::Begin { id } => self.handler.begin(id),
                Edit::Perform { id, plain } => {
                    if let Some((_, travel)) = table.travel(id) {
                        self.handler.perform(id, travel.normalised(plain));
                    }
                }
                Edit::End { id } => self.handler.end(id),
            }
        }
    }

    /// Inside a call in which nothing may be told: kept for the next safe one.
    pub(super) fn note(&self, live: &Live, phase: Phase) {
        let changes = live.shell.take_changes(phase);
        let found = self.restart_flags(live, changes);
        self.pending.fetch_or(found.cast_unsigned(), Ordering::AcqRel);
    }

    /// The host reads the latency by itself: it need not be told. First the flag: a newer value that is noted meanwhile is
    /// told once too often rather than never.
    pub(crate) fn read_latency(&self, live: &Arc<Live>) -> u32 {
        self.refresh(live);
        self.pending.fetch_and(!flags::kLatencyChanged.cast_unsigned(), Ordering::AcqRel);
        live.shell.read_latency()
    }

    /// A build may have hardware behind it where the one before had none.
    fn prefetch_flag(&self, live: &Live) -> i32 {
        let found = prefetchable(live);
        let read = self.prefetch_read.load(Ordering::Relaxed);
        if read == PREFETCH_UNREAD || read == found {
            return 0;
        }
        self.prefetch_read.store(found, Ordering::Relaxed);
        flags::kPrefetchableSupportChanged
    }

    fn restart_flags(&self, live: &Live, changes: Changes) -> i32 {
        let mut found = 0;
        let mut set = |what: Changes, flag: i32| {
            if changes.intersects(what) {
                found |= flag;
            }
        };
        set(Changes::VALUES, flags::kParamValuesChanged);
        set(Changes::TEXTS | Changes::INFO | Changes::PARAMS, flags::kParamTitlesChanged);
        set(Changes::LATENCY, flags::kLatencyChanged);
        set(Changes::PORT_NAMES | Changes::NOTE_PORT_NAMES, flags::kIoTitlesChanged);
        set(Changes::PORTS | Changes::NOTE_PORTS, flags::kIoChanged);
        if changes.intersects(LISTS) {
            let (before, after) = live.read_table();
            found |= note_flags(&before, &after);
            if changes.contains(Changes::PARAMS) && values_moved(live.shell.as_ref(), &before, &after) {
                found |= flags::kParamValuesChanged;
            }
            if before.lines.len() != after.lines.len() && takes_reload(live.link.name()) {
                found |= flags::kReloadComponent;
            }
        }
        found
    }
}

impl Live {
    /// Tells the author what was lost.
    fn own_up(&self) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            self.shell.log(Level::Warning, &no_room(lost));
        }
    }
}

fn no_room(lost: u32) -> String {
    format!(
        "{lost} of the host's events were dropped: a block takes {MOST_EVENTS} at most, and {MOST_FLUSHED} controllers and \
         note offs wait for the next block while nothing plays"
    )
}

/// What a host holds of note expressions and of assigned controllers.
fn note_flags(before: &Table, after: &Table) -> i32 {
    let expressions = |table: &Table| table.notes.map(|notes| (notes.inputs, takes_expressions(notes)));
    let controllers =
        |table: &Table| table.notes.into_iter().flat_map(Controller::all).collect::<Vec<Controller>>();
    let mut found = 0;
    if expressions(before) != expressions(after) {
        found |= flags::kNoteExpressionChanged;
    }
    if controllers(before) != controllers(after) {
        found |= flags::kMidiCCAssignmentChanged | flags::kParamTitlesChanged;
    }
    found
}

fn takes_reload(host: &str) -> bool {
    match std::env::var(RELOAD_VARIABLE).as_deref() {
        Ok("1") => true,
        Ok("0") => false,
        _ => RELOADING_HOSTS.iter().any(|name| host.contains(name)),
    }
}
