//! Announced against live: what the host has been told, and what it must be told, in which phase, at most once.
//! FORMATS section 1 in no format's words.
//!
//! Called by: `shell/control`. Calls: `changes/diff`. Threads: [main] (the shell's lock serialises).
//!
//! What the host was told ([`Announced::params`] and friends) moves only inside [`Announced::take`], or directly while
//! the plug-in is inactive in the case of the latency. Hosts differ in one thing: most rely on what they were told until
//! they deactivate, and are asked for a restart ([`Phase::AnyTime`]); some read again while active, and are told at once
//! ([`Phase::AtOnce`]). An adapter uses one of the two. What is live is set by the `set_*` functions, as often as it
//! moves; nothing is remembered of values in between.

mod diff;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use hotshell_abi::NotePortsDesc;

use crate::shell::{Changes, LayoutInfo, ParamInfo, Phase};
use diff::Texts;

/// Least time between two restarts for the latency alone.
pub const LATENCY_PAUSE: Duration = Duration::from_millis(250);
/// A host that has not restarted by then gets a bus shim, and the author a line.
pub const RESTART_PATIENCE: Duration = Duration::from_secs(2);

/// All that a host can be told of one plug-in instance.
#[derive(Clone, PartialEq, Debug)]
pub struct Facts {
    /// In announced order; see [`Parameters::infos`](crate::params::Parameters::infos).
    pub params: Vec<ParamInfo>,
    /// Frames.
    pub latency: u32,
    /// The preferred one first.
    pub layouts: Vec<LayoutInfo>,
    /// Note ports.
    pub notes: NotePortsDesc,
    /// Voice count, and whether voices overlap.
    pub voices: (u32, bool),
}

/// What hosts that are told while active may deactivate and activate for, by themselves.
const RESTARTED_FOR: Changes =
    Changes::PARAMS.union(Changes::LATENCY).union(Changes::PORTS).union(Changes::NOTE_PORTS);

/// Answer of [`Announced::take`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Taken {
    /// Tell the host these, in this call. `PARAMS` covers `INFO` and `TEXTS`, which are left out beside it.
    pub changes: Changes,
    /// Ask the host for a restart. Said once per restart.
    pub want_restart: bool,
    /// Something is left that another main-thread call could tell.
    pub want_callback: bool,
    /// With `want_callback`: not before this much time has passed.
    pub wait: Duration,
}

/// The two tables of one instance, and what has been asked for.
#[derive(Clone, Debug)]
pub struct Announced {
    told: Facts,
    live: Facts,
    texts: Vec<Texts>,
    pages: Vec<(usize, String)>,
    /// Set and not yet told: `VALUES`, `DIRTY`.
    flags: Changes,
    /// The latency that the host has read, or has been told to read.
    read_latency: Option<u32>,
    asked: Option<Instant>,
    /// When a host that reads while active was last told of something that it may restart for; ports among it?
    told_at_once: Option<(Instant, bool)>,
    latency_restart: Option<Instant>,
    held: Changes,
}

impl Announced {
    /// A host that knows nothing yet: it will read `facts` for the first time, and needs to be told of none.
    #[must_use]
    pub fn new(facts: Facts) -> Self {
        Self {
            texts: diff::texts(&facts.params),
            pages: diff::pages(&facts.params),
            live: facts.clone(),
            told: facts,
            flags: Changes::empty(),
            read_latency: None,
            asked: None,
            told_at_once: None,
            latency_restart: None,
            held: Changes::empty(),
        }
    }

    /// The announced parameters. `index` is the place in this list, for the life of the instance.
    #[must_use]
    pub fn params(&self) -> &[ParamInfo] {
        &self.told.params
    }

    /// The announced latency in frames: constant while active.
    #[must_use]
    pub const fn latency(&self) -> u32 {
        self.told.latency
    }

    /// The announced layouts.
    #[must_use]
    pub fn layouts(&self) -> &[LayoutInfo] {
        &self.told.layouts
    }

    /// The announced note ports.
    #[must_use]
    pub const fn notes(&self) -> NotePortsDesc {
        self.told.notes
    }

    /// Announced voice count, and whether voices overlap.
    #[must_use]
    pub const fn voices(&self) -> (u32, bool) {
        self.told.voices
    }

    /// The live parameters, after a commit.
    pub fn set_params(&mut self, params: Vec<ParamInfo>) {
        self.live.params = params;
    }

    /// The live layouts.
    pub fn set_layouts(&mut self, layouts: Vec<LayoutInfo>) {
        self.live.layouts = layouts;
    }

    /// The live note ports.
    pub const fn set_notes(&mut self, notes: NotePortsDesc) {
        self.live.notes = notes;
    }

    /// The live voice count, and whether voices overlap.
    pub const fn set_voices(&mut self, voices: (u32, bool)) {
        self.live.voices = voices;
    }

    /// The live latency in frames. Inactive, the host may read it at once; inside the host's activate call this comes
    /// before `take(Phase::Activating)`, with `active` false.
    pub const fn set_latency(&mut self, frames: u32, active: bool) {
        self.live.latency = frames;
        if !active {
            self.told.latency = frames;
        }
    }

    /// Parameter values moved without an event of the host's: a state load, a new default, a clamp.
    pub fn values_changed(&mut self) {
        self.flags |= Changes::VALUES;
    }

    /// The user edited state that is not a parameter ([`Store::take_dirty`](crate::store::Store::take_dirty)).
    pub fn dirty(&mut self) {
        self.flags |= Changes::DIRTY;
    }

    /// The host does not allow these (`PORTS` where it may not be asked to read ports again): never announced, and no
    /// restart is asked for them. The new logic runs behind a shim.
    pub fn hold(&mut self, what: Changes) {
        self.held |= what;
    }

    /// Something that the host does not allow differs from what is live: a shim is at work.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.differing().intersects(self.held)
    }

    /// The host has read something again.
    pub fn host_read(&mut self, what: Changes) {
        if what.contains(Changes::LATENCY) {
            self.read_latency = Some(self.told.latency);
        }
        if what.contains(Changes::VALUES) {
            self.flags -= Changes::VALUES;
        }
    }

    /// True between asking for a restart and the deactivation: a deactivation then keeps the playing instance.
    #[must_use]
    pub const fn restart_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// The host deactivates. True if it does so for our sake: it was asked for a restart, or it was told within
    /// [`RESTART_PATIENCE`] of something that hosts restart for by themselves. Before `take(Phase::Deactivated)`.
    pub fn deactivated(&mut self, now: Instant) -> bool {
        let told = self.told_at_once.take();
        let lately = told.is_some_and(|(told, _)| now.saturating_duration_since(told) < RESTART_PATIENCE);
        lately || self.restart_asked()
    }

    /// True if the host has been asked for a restart, or told of other ports while active, and has not made one for
    /// [`RESTART_PATIENCE`].
    #[must_use]
    pub fn restart_overdue(&self, now: Instant) -> bool {
        let ports = self.told_at_once.and_then(|(told, ports)| ports.then_some(told));
        let wished = [self.asked, ports].into_iter().flatten();
        wished.min().is_some_and(|wished| now.saturating_duration_since(wished) >= RESTART_PATIENCE)
    }

    /// What the host must be told in this call. `active`: between the host's activate and deactivate (false inside
    /// either). While inactive, [`Phase::AnyTime`] may carry `PARAMS`, `PORTS` and `NOTE_PORTS` too: the formats allow
    /// them there, and no restart is needed. Inside a deactivation that was not our wish nothing is told: the host may
    /// be tearing down.
    pub fn take(&mut self, phase: Phase, active: bool, now: Instant) -> Taken {
        let changes = match phase {
            Phase::AnyTime if active => self.take_any_time(),
            Phase::AnyTime => self.take_any_time() | self.take_bound(),
            Phase::Deactivated => {
                if self.asked.take().is_some() {
                    self.take_bound()
                } else {
                    Changes::empty()
                }
            }
            Phase::Activating => self.take_latency(),
            Phase::AtOnce => self.take_at_once(active, now),
        };
        let mut taken = Taken { changes: without_covered(changes), ..Taken::default() };
        self.ask(&mut taken, active, phase, now);
        taken
    }

    fn take_any_time(&mut self) -> Changes {
        let mut changes = std::mem::take(&mut self.flags);
        if diff::adopt_infos(&mut self.told.params, &self.live.params) {
            changes |= Changes::INFO;
        }
        if self.adopt_texts() {
            changes |= Changes::TEXTS;
        }
        if self.adopt_pages() {
            changes |= Changes::PAGES;
        }
        if diff::adopt_port_names(&mut self.told.layouts, &self.live.layouts) {
            changes |= Changes::PORT_NAMES;
        }
        if diff::adopt_controllers(&mut self.told.notes, self.live.notes) {
            changes |= Changes::CONTROLLERS;
        }
        if self.told.voices != self.live.voices {
            self.told.voices = self.live.voices;
            changes |= Changes::VOICES;
        }
        changes
    }

    /// The live build answers texts, so what counts is what it answered when the host was last told.
    fn adopt_texts(&mut self) -> bool {
        let told = self.told.params.len();
        let differ = diff::texts_differ(&self.texts, &self.live.params[..told.min(self.live.params.len())]);
        if differ {
            self.texts = diff::texts(&self.live.params);
        }
        diff::adopt_texts(&mut self.told.params, &self.live.params);
        differ
    }

    fn adopt_pages(&mut self) -> bool {
        let pages = diff::pages(&self.told.params);
        let differ = pages != self.pages;
        self.pages = pages;
        differ
    }

    fn bound(&self) -> Changes {
        self.differing() - self.held
    }

    fn differing(&self) -> Changes {
        let mut changes = Changes::empty();
        changes.set(Changes::PARAMS, diff::params_differ(&self.told.params, &self.live.params));
        changes.set(Changes::PORTS, diff::ports_differ(&self.told.layouts, &self.live.layouts));
        changes.set(Changes::NOTE_PORTS, diff::notes_differ(self.told.notes, self.live.notes));
        changes
    }

    fn take_bound(&mut self) -> Changes {
        let mut changes = self.bound();
        if changes.contains(Changes::PARAMS) {
            self.told.params.clone_from(&self.live.params);
            self.texts = diff::texts(&self.live.params);
            if self.adopt_pages() {
                changes |= Changes::PAGES;
            }
        }
        if changes.contains(Changes::PORTS) {
            self.told.layouts.clone_from(&self.live.layouts);
        }
        if changes.contains(Changes::NOTE_PORTS) {
            self.told.notes = self.live.notes;
        }
        changes
    }

    fn take_at_once(&mut self, active: bool, now: Instant) -> Changes {
        let mut changes = self.take_any_time() | self.take_bound();
        if self.latency_pause(now).is_zero() || !self.latency_is_misread() {
            changes |= self.take_latency();
        }
        if changes.contains(Changes::LATENCY) {
            self.latency_restart = Some(now);
        }
        if active && changes.intersects(RESTARTED_FOR) {
            let ports = self.told_at_once.is_some_and(|(_, ports)| ports);
            self.told_at_once = Some((now, ports || changes.contains(Changes::PORTS)));
        }
        changes
    }

    /// The host relies on another latency than the live one.
    fn latency_is_misread(&self) -> bool {
        self.read_latency.is_some_and(|read| read != self.live.latency)
    }

    /// Time until the latency alone may be a reason for another restart.
    fn latency_pause(&self, now: Instant) -> Duration {
        let passed = self.latency_restart.map(|last| now.saturating_duration_since(last));
        passed.and_then(|passed| LATENCY_PAUSE.checked_sub(passed)).unwrap_or_default()
    }

    fn take_latency(&mut self) -> Changes {
        self.told.latency = self.live.latency;
        // A host that never read it has nothing to correct: it reads after this activation.
        let wrong = self.read_latency.is_some_and(|read| read != self.told.latency);
        if wrong {
            self.read_latency = Some(self.told.latency);
        }
        if wrong { Changes::LATENCY } else { Changes::empty() }
    }

    /// Restart and callback.
    fn ask(&mut self, taken: &mut Taken, active: bool, phase: Phase, now: Instant) {
        let waiting = self.bound();
        if phase != Phase::AnyTime {
            let any_time = self.clone().take_any_time();
            taken.want_callback = !any_time.is_empty() || !waiting.is_empty();
        }
        let latency = self.told.latency != self.live.latency;
        let left = self.latency_pause(now);
        if phase == Phase::AtOnce {
            if latency {
                (taken.want_callback, taken.wait) = (true, left);
            }
            return;
        }
        if !active || self.asked.is_some() {
            return;
        }
        if latency && waiting.is_empty() && !left.is_zero() {
            (taken.want_callback, taken.wait) = (true, left);
            return;
        }
        if latency || !waiting.is_empty() {
            taken.want_restart = true;
            self.asked = Some(now);
            if latency {
                self.latency_restart = Some(now);
            }
        }
    }
}

/// Without what a host reads anyway when it reads the whole list again.
fn without_covered(changes: Changes) -> Changes {
    if changes.contains(Changes::PARAMS) { changes - (Changes::INFO | Changes::TEXTS) } else { changes }
}
