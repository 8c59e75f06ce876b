//! The reload thread: looks into the slot, brings builds in, gives every instance what it should play.
//!
//! Called by: `module`, as a thread. Calls: `slot`, `stage`, `check`, `load`, each instance. Threads: [reload].
//!
//! There is one rule for who plays what: the newest build that is still wanted, build 0 in the end. A publish, a late
//! instance, a refusal and a fault all change what that is, and [`Reload::settle`] brings it about.
//!
//! Build 0 that fails itself has nobody to take its place. It is tried once at once, and then again, ever more rarely (8 s
//! at most): what failed may have been one note or one setting, and an instance that stays silent until the project is
//! opened anew is lost to its user.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::load::LoadError;
use super::module::Module;
use super::slot::{Manifest, Slot, SlotError};
use super::stage::StageError;
use super::state::{State, Step, Suspect, identity};
use super::{Build, FIRST_CODE, Fault, InstanceNews, Refusal, Reloadable, Takeover, check, stage};
use crate::host::Level;

/// Between two ticks.
const TICK: Duration = Duration::from_millis(20);
/// Between two ticks while something is about to be heard.
const BUSY_TICK: Duration = Duration::from_millis(5);
/// First wait before build 0 is given again after it failed itself; doubled each time.
const RETRY: Duration = Duration::from_millis(500);
/// Wait before an instance that was too busy to take a build is asked again.
const AGAIN: Duration = Duration::from_millis(20);
/// What a tick does but for the author's code.
const LOOK: &str = "a look at what became of the builds";
/// Held bytes at which the author hears of it.
const HELD_WARNING: u64 = 1 << 30;

/// This thread has been left behind, or stopped: it may not touch the module any more.
struct Left;

pub(super) fn run(module: &Arc<Module>, turn: u64) {
    let reload = Reload { module, turn };
    // `Left` is the only way out.
    while reload.round().is_ok() {}
    // One that was left behind has returned after all.
    module.state.lock().left.remove(&turn);
}

struct Reload<'a> {
    module: &'a Arc<Module>,
    turn: u64,
}

/// What came of one build.
enum Brought {
    Build(Arc<Build>, u64),
    Superseded,
    /// Why, and whether the same bytes can never be accepted.
    Refused(String, bool),
}

impl Reload<'_> {
    fn round(&self) -> Result<(), Left> {
        if self.wait()? {
            self.look()?;
            let mut state = self.module.state.lock();
            state.looked = true;
            drop(state);
            self.module.work.notify_all();
        }
        self.settle()?;
        self.tick()?;
        self.settle()
    }

    /// Waits for the next tick, or for less; true if the slot may have changed.
    fn wait(&self) -> Result<bool, Left> {
        let mut state = self.module.state.lock();
        let busy = state.busy_until.is_some_and(|until| until > Instant::now());
        let until = Instant::now() + if busy { BUSY_TICK } else { TICK };
        loop {
            if state.reload_turn != self.turn {
                return Err(Left);
            }
            if state.changed {
                // Cleared before the manifest is read: one that arrives while it is read is looked at next.
                state.changed = false;
                return Ok(true);
            }
            if std::mem::take(&mut state.awake) || self.module.work.wait_until(&mut state, until).timed_out()
            {
                return Ok(false);
            }
        }
    }

    /// Runs one step under the watchdog's eyes. A panic in it (ours or the shell's: the author's are caught on his side)
    /// is answered in words.
    fn step<T>(
        &self,
        what: String,
        build: Option<Suspect>,
        run: impl FnOnce() -> T,
    ) -> Result<Result<T, String>, Left> {
        let mut state = self.module.state.lock();
        if state.reload_turn != self.turn {
            return Err(Left);
        }
        state.step = Some(Step { turn: self.turn, began: Instant::now(), what, build });
        drop(state);
        let done = catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
            // Its own drop may panic.
            std::mem::forget(payload);
            "the shell itself panicked: please report this".to_owned()
        });
        let mut state = self.module.state.lock();
        if state.step.as_ref().is_some_and(|step| step.turn == self.turn) {
            state.step = None;
        }
        if state.reload_turn != self.turn {
            return Err(Left);
        }
        Ok(done)
    }

    /// Reads the manifest and brings in what it names.
    fn look(&self) -> Result<(), Left> {
        let Some(path) = self.module.setup.slot.as_deref() else { return Ok(()) };
        // A file that vanished means another manifest; a storm of them is no reason to try for ever.
        for _ in 0..16 {
            let Ok(slot) = Slot::existing(path) else { return Ok(()) };
            let stamp = slot.manifest_stamp();
            let mut state = self.module.state.lock();
            if state.stopped.is_some() {
                return Ok(());
            }
            let moved = state.stamp != stamp;
            state.stamp = stamp;
            drop(state);
            let read = slot.read_manifest();
            // One that cannot even be opened has no stamp: then the reason tells it from the one before.
            let complaint = match &read {
                Ok(_) | Err(SlotError::Missing(_)) => None,
                Err(error) => Some(error.to_string()),
            };
            let mut state = self.module.state.lock();
            let again = !moved && state.complaint == complaint;
            if state.complaint.is_some() && complaint.is_none() {
                // The manifest is one again, perhaps of the build that plays.
                state.trouble.take_if(|(build, _)| *build == 0);
            }
            state.complaint.clone_from(&complaint);
            drop(state);
            if let Some(reason) = complaint.filter(|_| !again) {
                self.refuse(0, None, &reason);
            }
            let Ok(manifest) = read else { return Ok(()) };
            if !self.is_news(&manifest) {
                return Ok(());
            }
            let suspect = Suspect { number: manifest.build, hash: manifest.hash(), loaded: None };
            let what = format!("loading build {}", manifest.build);
            let brought = self.step(what, Some(suspect.clone()), || self.bring(&slot, &manifest))?;
            match brought.unwrap_or_else(|reason| Brought::Refused(reason, true)) {
                Brought::Superseded => continue,
                Brought::Build(build, bytes) => self.accept(build, bytes),
                Brought::Refused(reason, true) => self.quarantine(&suspect, &reason),
                Brought::Refused(reason, false) => self.refuse(suspect.number, Some(suspect.hash), &reason),
            }
            self.module.state.lock().seen = Some(identity(&manifest));
            return Ok(());
        }
        Ok(())
    }

    fn is_news(&self, manifest: &Manifest) -> bool {
        let mut state = self.module.state.lock();
        if state.seen == Some(identity(manifest)) {
            return false;
        }
        let Some(reason) = state.quarantine.get(&manifest.hash()).cloned() else { return true };
        state.seen = Some(identity(manifest));
        drop(state);
        let reason = format!("the same code was refused before: {reason}");
        self.refuse(manifest.build, Some(manifest.hash()), &reason);
        false
    }

    fn bring(&self, slot: &Slot, manifest: &Manifest) -> Brought {
        let staged = match stage::stage(slot, manifest) {
            Ok(staged) => staged,
            Err(StageError::Superseded) => return Brought::Superseded,
            Err(StageError::Refused(reason)) => return Brought::Refused(reason, false),
        };
        if let Err(reason) = check::check(staged.file()) {
            return Brought::Refused(format!("{}: {reason}", manifest.file), true);
        }
        match self.module.setup.loader.load(&staged.path(), &self.module.setup.own) {
            Ok(tables) => {
                Brought::Build(Arc::new(Build::new(tables, Some(manifest.clone()))), manifest.length)
            }
            // A copy that somebody removed before it was mapped says nothing about the build.
            Err(LoadError::System(_)) if !staged.path().exists() => Brought::Superseded,
            Err(LoadError::System(reason)) => Brought::Refused(reason, false),
            Err(LoadError::Unfit(reason)) => Brought::Refused(reason, true),
        }
    }

    fn accept(&self, build: Arc<Build>, bytes: u64) {
        let mut state = self.module.state.lock();
        state.loads += 1;
        if cfg!(unix) {
            state.held_bytes += bytes;
        }
        let warn = state.held_bytes > HELD_WARNING && !state.warned_held;
        state.warned_held |= warn;
        state.trouble = None;
        state.add_build(build);
        state.keep_busy();
        state.moved = true;
        drop(state);
        // The windows hear of it.
        self.module.watch.notify_all();
        if warn {
            self.module.say(
                Level::Warning,
                "builds that this host has loaded hold more than 1 GB; restart it when convenient, or publish stripped builds",
            );
        }
    }

    fn refuse(&self, number: u32, hash: Option<u128>, reason: &str) {
        self.module.state.lock().refused(number, hash, reason);
        let build = if number == 0 { "a build".to_owned() } else { format!("build {number}") };
        self.module.say(Level::Error, &format!("{build} was refused, the one before plays on: {reason}"));
    }

    fn quarantine(&self, suspect: &Suspect, reason: &str) {
        self.module.state.lock().quarantine(suspect, reason);
        let text = format!("build {} was refused, the one before plays on: {reason}", suspect.number);
        self.module.say(Level::Error, &text);
    }

    /// Gives every open instance what it should play. Ends: each failure quarantines a build or marks an instance.
    fn settle(&self) -> Result<(), Left> {
        while let Some((id, instance, build, why)) = self.next_unsettled()? {
            let plugin = instance.plugin_index();
            let there = usize::try_from(plugin).is_ok_and(|plugin| plugin < build.tables.len());
            if !there {
                self.skip(id, &build);
                let text =
                    format!("build {} has no plug-in {plugin}: what is open of it plays on", build.number);
                self.module.say(Level::Warning, &text);
                continue;
            }
            let what = format!("build {} in {FIRST_CODE}", build.number);
            let suspect = (build.number != 0).then(|| Suspect::of(&build));
            let within = |build, code: &str, run: &mut dyn FnMut()| self.within(build, code, run);
            let taken = self.step(what, suspect, || instance.take_build(&build, why, &within))?;
            match taken.unwrap_or_else(|reason| Err(Refusal::Build(reason))) {
                // Somebody else gave the build up meanwhile, and has said why.
                Err(_) if !build.is_wanted() => {}
                Err(Refusal::NotNow) => {
                    if let Some(entry) = self.module.state.lock().entry(id) {
                        entry.retry = Instant::now() + AGAIN;
                    }
                }
                Ok(()) => {
                    let mut state = self.module.state.lock();
                    state.keep_busy();
                    if let Some(entry) = state.entry(id) {
                        if build.number != 0 {
                            entry.own_faults = 0;
                        }
                        (entry.given, entry.plugin) = (Some(build), plugin);
                    }
                }
                Err(Refusal::Build(reason)) if build.number == 0 => {
                    self.skip(id, &build);
                    self.module.say(Level::Error, &format!("the shell's own build did not start: {reason}"));
                }
                Err(Refusal::Build(reason)) => self.quarantine(&Suspect::of(&build), &reason),
            }
        }
        Ok(())
    }

    /// One open instance that should play something else.
    #[expect(clippy::type_complexity, reason = "the answer to one question, taken apart at its one caller")]
    fn next_unsettled(&self) -> Result<Option<(u64, Arc<dyn Reloadable>, Arc<Build>, Takeover)>, Left> {
        let state = self.module.state.lock();
        if state.reload_turn != self.turn {
            return Err(Left);
        }
        let build = Arc::clone(state.wanted().unwrap_or(&self.module.own));
        let same =
            |other: &Option<Arc<Build>>| other.as_ref().is_some_and(|other| Arc::ptr_eq(other, &build));
        let now = Instant::now();
        for entry in state.entries.iter().filter(|entry| entry.open && entry.retry <= now) {
            if same(&entry.given) || same(&entry.skip) {
                continue;
            }
            // What it plays was given up on, or had failed: this is a roll-back.
            let fault = entry.given.as_ref().is_none_or(|given| !given.is_wanted());
            let why = if fault { Takeover::Fault } else { Takeover::Published };
            // An instance that is just being dropped has no say.
            if let Some(instance) = entry.instance.upgrade() {
                return Ok(Some((entry.id, instance, build, why)));
            }
        }
        Ok(None)
    }

    fn skip(&self, id: u64, build: &Arc<Build>) {
        if let Some(entry) = self.module.state.lock().entry(id) {
            entry.skip = Some(Arc::clone(build));
        }
    }

    /// One tick of every open instance.
    fn tick(&self) -> Result<(), Left> {
        let state = self.module.state.lock();
        let open = state.entries.iter().filter(|entry| entry.open);
        let entries: Vec<_> = open.map(|entry| (entry.id, std::sync::Weak::clone(&entry.instance))).collect();
        drop(state);
        for (id, instance) in entries {
            let Some(instance) = instance.upgrade() else { continue };
            let mut news = InstanceNews::default();
            let within = |build, code: &str, run: &mut dyn FnMut()| self.within(build, code, run);
            let step = self.step(LOOK.to_owned(), None, || news = instance.tick(&within));
            let (fault, slip) = (news.fault.take(), news.slip.take());
            if let Some(slip) = &slip {
                self.slip(slip);
            }
            if let Some(fault) = &fault {
                self.fault(id, fault);
            }
            // A thread that was left behind is out, but for the faults that it has found: nobody finds them again.
            if step?.is_err() {
                continue;
            }
            let mut state = self.module.state.lock();
            state.learn(id, news);
            let tell = state.urgent && fault.is_none();
            drop(state);
            if tell {
                self.module.watch.notify_all();
            }
        }
        Ok(())
    }

    /// A part of a step that is build `number`'s. See [`Within`](crate::shell::control::Within).
    fn within(&self, number: u32, code: &str, run: &mut dyn FnMut()) {
        let mut state = self.module.state.lock();
        // Neither build 0 nor one that is forgotten can be given up.
        let build = state.builds.iter().rev().find(|build| build.number == number).map(Suspect::of);
        if build.as_ref().is_some_and(|build| state.is_stuck(build.hash)) {
            return;
        }
        let around = state.step.as_ref().map(|step| (step.what.clone(), step.build.clone()));
        self.begin(&mut state, format!("build {number} in {code}"), build);
        drop(state);
        run();
        let (what, build) = around.unwrap_or_else(|| (LOOK.to_owned(), None));
        self.begin(&mut self.module.state.lock(), what, build);
    }

    /// The watchdog's clock starts again; that of a thread which was left behind is another's.
    fn begin(&self, state: &mut State, what: String, build: Option<Suspect>) {
        if state.reload_turn == self.turn {
            state.step = Some(Step { turn: self.turn, began: Instant::now(), what, build });
        }
    }

    /// A build that panics beside the audio is out like one that panics in it; build 0 has no one to take its place, and
    /// its sound is good.
    fn slip(&self, slip: &Fault) {
        let mut state = self.module.state.lock();
        state.faulted(slip.build, &slip.message);
        let failed = state.builds.iter().rev().find(|build| build.number == slip.build).cloned();
        if let Some(failed) = &failed {
            state.quarantine(&Suspect::of(failed), &slip.message);
        }
        drop(state);
        let what = if failed.is_some() { "the one before plays again" } else { "the sound goes on" };
        let text = format!("build {} panicked beside the audio, {what}: {}", slip.build, slip.message);
        self.module.say(Level::Error, &text);
    }

    fn fault(&self, id: u64, fault: &Fault) {
        let mut state = self.module.state.lock();
        state.faulted(fault.build, &fault.message);
        let failed = state.builds.iter().rev().find(|build| build.number == fault.build).cloned();
        if let Some(failed) = &failed {
            state.quarantine(&Suspect::of(failed), &fault.message);
        } else if let Some(entry) = state.entry(id) {
            // Build 0, or one that is forgotten: a fresh instance of what counts, at ever longer intervals.
            entry.own_faults += 1;
            (entry.given, entry.skip) = (None, None);
            let wait = RETRY * (1 << entry.own_faults.min(6)) / 4;
            entry.retry = Instant::now() + if entry.own_faults > 1 { wait } else { Duration::ZERO };
        }
        drop(state);
        let text = format!("build {} failed while it played: {}", fault.build, fault.message);
        self.module.say(Level::Error, &text);
    }
}
