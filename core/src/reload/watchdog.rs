//! The watchdog: times the reload thread's steps, looks after the watch, writes the module's report, says what is wrong to
//! the editors' windows.
//!
//! Called by: `module`, as a thread. Calls: `watch`, `slot`. Threads: watchdog.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::module::Module;
use super::report;
use super::slot::{ReportFile, Slot, SlotError};
use super::watch::{Moved, Watch};
use crate::host::Level;

/// Between two looks at the slot that do not rely on file events.
const LOOK: Duration = Duration::from_secs(1);
/// Between two reports while something is about to be heard.
const REPORT: Duration = Duration::from_millis(100);
/// Between two reports that only count blocks.
const COUNT: Duration = Duration::from_secs(1);

/// Of a reloading build that `dev` has not made.
const NO_SLOT: &str = "this build has no slot; build it with `cargo hotshell dev`";
/// What brings a slot back.
const START_DEV: &str = "start `cargo hotshell dev`";

/// What the watchdog holds of the slot. Dropped with it: the watch ends, the report is removed.
#[derive(Default)]
struct Ties {
    slot: Option<Slot>,
    watch: Option<Watch>,
    place: Option<ReportFile>,
    /// The last complaint, said once.
    complaint: String,
}

/// Panics of its own with which it ends.
const MOST_PANICS: u32 = 3;

pub(super) fn run(module: &Arc<Module>, turn: u64) {
    for _ in 0..MOST_PANICS {
        match catch_unwind(AssertUnwindSafe(|| watch(module, turn))) {
            Ok(()) => return,
            Err(payload) => {
                // Its own drop may panic.
                std::mem::forget(payload);
                module.say(Level::Error, "the shell itself panicked beside the audio: please report this");
            }
        }
    }
}

fn watch(module: &Arc<Module>, turn: u64) {
    let mut ties = Ties::default();
    let mut looked = None::<Instant>;
    let mut written = None::<Instant>;
    loop {
        let due = |last: Option<Instant>, period| last.is_none_or(|last| last.elapsed() >= period);
        let wanted = std::mem::take(&mut module.state.lock().look);
        if wanted || due(looked, LOOK) {
            looked = Some(Instant::now());
            ties.look(module);
        }
        module.keep_time();
        module.show();
        let mut state = module.state.lock();
        if state.watchdog_turn != turn {
            return;
        }
        if state.look || !state.is_shown() {
            continue;
        }
        if let Some((new_turn, text)) = module.abandon_step(&mut state) {
            drop(state);
            module.replace_reload_thread(new_turn, text);
            continue;
        }
        let busy = state.busy_until.is_some_and(|until| until > Instant::now());
        let period = if busy { REPORT } else { COUNT };
        if state.urgent || (state.moved && due(written, period)) {
            (state.urgent, state.moved) = (false, false);
            let report = report::compose(&module.setup, &state);
            drop(state);
            written = Some(Instant::now());
            ties.write(&report);
            continue;
        }
        let mut wait = LOOK;
        if let Some(step) = &state.step {
            // Past the last abandoned thread the rest is waited for without hurry.
            let left = module.setup.step_limit.saturating_sub(step.began.elapsed());
            wait = wait.min(left.max(Duration::from_millis(20)));
        }
        if let (true, Some(written)) = (state.moved, written) {
            wait = wait.min(period.saturating_sub(written.elapsed()));
        }
        if let Some(due) = state.dev.due() {
            wait = wait.min(due.saturating_duration_since(Instant::now()));
        }
        if let Some(looked) = looked {
            wait = wait.min(LOOK.saturating_sub(looked.elapsed()));
        }
        module.watch.wait_for(&mut state, wait);
    }
}

impl Ties {
    /// Opens the slot if it is there, or there again; compares the manifest's stamp; reads `dev.json`.
    fn look(&mut self, module: &Arc<Module>) {
        let Some(path) = module.setup.slot.as_deref() else {
            module.state.lock().cut_off.get_or_insert_with(|| NO_SLOT.to_owned());
            return;
        };
        if self.slot.as_ref().is_some_and(|slot| !slot.folder().is_current()) {
            (self.slot, self.watch, self.place) = (None, None, None);
        }
        let opened = if self.slot.is_none() { self.open(module, path) } else { Ok(()) };
        module.state.lock().cut_off = opened.as_ref().err().map(|error| format!("{error}; {START_DEV}"));
        if let Err(error) = opened {
            module.hear(None);
            // A slot that is not there is `dev`'s to make; anything else belongs in the host's log too.
            if !matches!(error, SlotError::Missing(_)) {
                self.complain(module, &error.to_string());
            }
            return;
        }
        let Some(slot) = &self.slot else { return };
        let stamp = slot.manifest_stamp();
        // Nobody sees it without a window; what cannot be read is nobody's word.
        let dev = if module.has_window() { slot.read_dev().ok().flatten() } else { None };
        module.hear(dev);
        let state = module.state.lock();
        let changed = state.stamp != stamp && stamp.is_some();
        drop(state);
        if changed {
            module.slot_changed();
        }
    }

    fn open(&mut self, module: &Arc<Module>, path: &Path) -> Result<(), SlotError> {
        let slot = Slot::existing(path)?;
        let told = Arc::clone(module);
        match Watch::start(path, move |moved| match moved {
            Moved::Manifest => told.slot_changed(),
            Moved::Dev => told.look_soon(),
        }) {
            Ok(watch) => self.watch = Some(watch),
            Err(error) => self.complain(
                module,
                &format!("{} cannot be watched ({error}); it is looked at once a second", path.display()),
            ),
        }
        match slot.report_file() {
            Ok(place) => self.place = Some(place),
            Err(error) => self.complain(module, &format!("`dev` hears nothing of this host: {error}")),
        }
        // What stays is tried again by the next start.
        let _ = slot.sweep();
        self.slot = Some(slot);
        // Written at once, so that `dev` sees who listens; and looked at, because the watch heard nothing before.
        module.state.lock().urgent = true;
        Ok(())
    }

    fn write(&mut self, report: &super::slot::HostReport) {
        // A report that cannot be written is replaced by the next one; a removed slot is noticed by the next look.
        if let Some(place) = &self.place {
            let _ = place.write(report);
        }
    }

    fn complain(&mut self, module: &Arc<Module>, text: &str) {
        if self.complaint != text {
            text.clone_into(&mut self.complaint);
            module.say(Level::Warning, text);
        }
    }
}
