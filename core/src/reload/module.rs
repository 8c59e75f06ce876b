//! One loaded shell library: what its instances share, and the life of its threads.
//!
//! Called by: [`Attachment`](super::Attachment). Calls: `job`, `watchdog`, which run on its threads.
//! Threads: [main] [reload], any thread that drops an instance.
//!
//! Lock order: `crew`, then `state`. Neither is held while an instance or a loader is called, and no strong handle of
//! an instance is dropped under either: its drop may come back here.

use std::fmt;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::slot::{self, DevStatus, HostReport};
use super::state::{Entry, State, Suspect};
use super::{Build, Reloadable, Setup, job, report, watchdog};
use crate::host::Level;
use crate::rt::pin::pin;
use crate::rt::thread;
use crate::shell::MOST_ABANDONED;

/// Longest wait for the module's threads when the last instance goes.
const JOIN: Duration = Duration::from_millis(200);

/// Modules of this library: one, but in tests. They stay for the library's life, which is the process's, because what
/// they have learnt (builds, quarantine) counts for the next instance.
static MODULES: Mutex<Vec<Arc<Module>>> = Mutex::new(Vec::new());

pub(super) struct Module {
    pub(super) setup: Setup,
    pub(super) own: Arc<Build>,
    pub(super) state: Mutex<State>,
    /// The reload thread waits here; so does whoever waits for the first look or for threads to end.
    pub(super) work: Condvar,
    /// The watchdog waits here.
    pub(super) watch: Condvar,
    crew: Mutex<Vec<JoinHandle<()>>>,
}

impl Module {
    pub(super) fn of(setup: Setup) -> Arc<Self> {
        let mut modules = MODULES.lock();
        let same = |module: &&Arc<Self>| {
            let own = module.setup.own.iter().map(|table| table.address());
            module.setup.slot == setup.slot && own.eq(setup.own.iter().map(|table| table.address()))
        };
        if let Some(module) = modules.iter().find(same) {
            return Arc::clone(module);
        }
        pin();
        let own = Arc::new(Build::new(setup.own.clone(), None));
        let module = Arc::new(Self {
            setup,
            own,
            state: Mutex::default(),
            work: Condvar::new(),
            watch: Condvar::new(),
            crew: Mutex::default(),
        });
        modules.push(Arc::clone(&module));
        module
    }

    pub(super) fn attach(self: &Arc<Self>, instance: Weak<dyn Reloadable>) -> u64 {
        let mut crew = self.crew.lock();
        let mut state = self.state.lock();
        state.next_id += 1;
        let id = state.next_id;
        let first = state.entries.is_empty();
        state.entries.push(Entry {
            id,
            instance,
            plugin: 0,
            open: false,
            given: None,
            skip: None,
            own_faults: 0,
            retry: Instant::now(),
            news: super::InstanceNews::default(),
            told: None,
        });
        if first {
            state.looked = false;
            state.changed = true;
            state.step = None;
            if state.abandoned < MOST_ABANDONED {
                state.stopped = None;
            }
            state.reload_turn += 1;
            state.watchdog_turn += 1;
            let turns = (state.reload_turn, state.watchdog_turn);
            drop(state);
            crew.clear();
            crew.extend(self.start("hotshell-reload", move |module| job::run(module, turns.0)));
            crew.extend(self.start("hotshell-dog", move |module| watchdog::run(module, turns.1)));
        }
        id
    }

    /// Starts one thread and counts it.
    fn start(
        self: &Arc<Self>,
        name: &str,
        run: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) -> Option<JoinHandle<()>> {
        let module = Arc::clone(self);
        self.state.lock().threads += 1;
        let started = thread::spawn(name, move || {
            let ended = Ended::later(&module);
            run(ended.0);
        });
        match started {
            Ok(thread) => Some(thread),
            Err(error) => {
                let mut state = self.state.lock();
                state.threads -= 1;
                state.looked = true;
                state.stopped =
                    Some(format!("the thread {name} could not be started ({error}); open the plug-in again"));
                None
            }
        }
    }

    /// A reload thread in place of one that hangs. The watchdog calls it, and leaves the old one behind.
    pub(super) fn replace_reload_thread(self: &Arc<Self>, turn: u64, why: String) {
        // Not under `crew`: a stop waits for the watchdog with that lock held. Nobody joins this thread by its handle;
        // a stop counts it.
        drop(self.start("hotshell-reload", move |module| {
            module.say(Level::Error, &why);
            job::run(module, turn);
        }));
    }

    pub(super) fn detach(&self, id: u64) {
        let crew = self.crew.lock();
        let mut state = self.state.lock();
        let Some(place) = state.entries.iter().position(|entry| entry.id == id) else { return };
        let entry = state.entries.remove(place);
        state.closed[0] += entry.news.blocks;
        state.closed[1] += entry.news.blocks_lost;
        state.closed[2] += entry.news.blocks_late;
        state.moved = true;
        if state.entries.is_empty() {
            self.stop(crew, state);
        }
    }

    fn stop(
        &self,
        mut crew: parking_lot::MutexGuard<'_, Vec<JoinHandle<()>>>,
        mut state: parking_lot::MutexGuard<'_, State>,
    ) {
        state.reload_turn += 1;
        state.watchdog_turn += 1;
        self.work.notify_all();
        self.watch.notify_all();
        let here = std::thread::current().id();
        // One that replaced another is not in the crew.
        if state.ours.contains(&here) {
            // The last handle was dropped on a thread of ours: it ends right after.
            crew.clear();
            return;
        }
        // What hangs in the author's code is left behind, with its name; it ends when its call returns.
        let until = Instant::now() + JOIN;
        while state.threads > state.left.len() {
            if self.work.wait_until(&mut state, until).timed_out() {
                break;
            }
        }
        if let Some(step) = state.step.take().filter(|_| state.threads > state.left.len()) {
            state.left.insert(step.turn, step.build.map(|suspect| suspect.hash));
            // Nobody listens at the moment: the next report has it.
            state.note(
                Level::Warning,
                &format!("the plug-in was closed during {}: the thread was left behind", step.what),
            );
        }
        drop(state);
        for thread in crew.drain(..).filter(JoinHandle::is_finished) {
            // A panic of ours was reported where it was raised.
            let _ = thread.join();
        }
    }

    pub(super) fn current(&self, id: u64, wait: Duration) -> Option<Arc<Build>> {
        let until = Instant::now() + wait;
        let mut state = self.state.lock();
        while !state.looked && state.stopped.is_none() {
            if self.work.wait_until(&mut state, until).timed_out() {
                break;
            }
        }
        let wanted = state.wanted_on_main().cloned();
        let given = wanted.clone().unwrap_or_else(|| Arc::clone(&self.own));
        if let Some(entry) = state.entry(id) {
            entry.given = Some(given);
        }
        wanted
    }

    pub(super) fn opened(&self, id: u64) {
        let mut state = self.state.lock();
        if let Some(entry) = state.entry(id) {
            entry.open = true;
            // An instance that never asked plays build 0.
            entry.given.get_or_insert_with(|| Arc::clone(&self.own));
        }
        state.moved = true;
        drop(state);
        self.wake();
        self.watch.notify_all();
    }

    pub(super) fn refuse_opening(&self, id: u64, build: &Arc<Build>, reason: &str) {
        let mut state = self.state.lock();
        state.quarantine(&Suspect::of(build), reason);
        if let Some(entry) = state.entry(id) {
            entry.given = Some(Arc::clone(&self.own));
        }
        drop(state);
        self.work.notify_all();
        self.say(Level::Error, &format!("build {} was refused: {reason}", build.number));
    }

    /// The slot may hold another manifest. [watch] watchdog
    pub(super) fn slot_changed(&self) {
        self.state.lock().changed = true;
        self.work.notify_all();
    }

    /// `dev` may say something else, or somebody wants to hear it. [watch] [any but audio]
    pub(super) fn look_soon(&self) {
        self.state.lock().look = true;
        self.watch.notify_all();
    }

    /// True while an editor's window of any instance is open. Not under the lock.
    pub(super) fn has_window(&self) -> bool {
        let instances = self.instances();
        instances.iter().filter_map(Weak::upgrade).any(|instance| instance.has_window())
    }

    /// Takes in what `dev` says. [watchdog]
    pub(super) fn hear(&self, dev: Option<DevStatus>) {
        self.state.lock().dev.hear(dev, Instant::now(), slot::now());
    }

    /// What `dev` has said may count by now. [watchdog]
    pub(super) fn keep_time(&self) {
        let dev = &mut self.state.lock().dev;
        if dev.due().is_some() {
            let said = dev.status().cloned();
            dev.hear(said, Instant::now(), slot::now());
        }
    }

    /// Shows in the instances' windows what is wrong, where that is not what they show already. [watchdog]
    pub(super) fn show(&self) {
        let mut state = self.state.lock();
        let notice = state.notice();
        let new = state.entries.iter_mut().filter(|entry| entry.told != notice);
        let instances: Vec<_> = new
            .map(|entry| {
                entry.told.clone_from(&notice);
                Weak::clone(&entry.instance)
            })
            .collect();
        drop(state);
        for instance in instances.iter().filter_map(Weak::upgrade) {
            instance.show(notice.clone());
        }
    }

    fn instances(&self) -> Vec<Weak<dyn Reloadable>> {
        self.state.lock().entries.iter().map(|entry| Weak::clone(&entry.instance)).collect()
    }

    pub(super) fn wake(&self) {
        self.state.lock().awake = true;
        self.work.notify_all();
    }

    /// A line of one instance's, which is named where it is not the only one.
    pub(super) fn note_of(&self, id: u64, level: Level, text: &str) {
        let mut state = self.state.lock();
        if state.entries.len() > 1 {
            state.note(level, &format!("instance {id}: {text}"));
        } else {
            state.note(level, text);
        }
        drop(state);
        self.watch.notify_all();
    }

    /// A line for `dev` and, through one instance, for the host. Not under the lock.
    pub(super) fn say(&self, level: Level, text: &str) {
        let mut state = self.state.lock();
        state.note(level, text);
        let instances: Vec<_> = state.entries.iter().map(|entry| Weak::clone(&entry.instance)).collect();
        drop(state);
        self.watch.notify_all();
        if let Some(instance) = instances.iter().find_map(Weak::upgrade) {
            instance.log(level, text);
        }
    }

    pub(super) fn report(&self) -> HostReport {
        report::compose(&self.setup, &self.state.lock())
    }

    pub(super) fn dev(&self) -> Option<DevStatus> {
        self.state.lock().dev.status().cloned()
    }

    /// Gives up on the step that takes too long, if one does: true if its thread was left behind and a new one is due,
    /// which gets the turn that is answered. [watchdog]
    pub(super) fn abandon_step(&self, state: &mut State) -> Option<(u64, String)> {
        let step = state.step.as_ref()?;
        if step.began.elapsed() < self.setup.step_limit || state.abandoned == MOST_ABANDONED {
            return None;
        }
        let seconds = self.setup.step_limit.as_secs_f32();
        let mut text = format!("{} took longer than {seconds} s: its thread was left behind", step.what);
        let suspect = step.build.clone();
        state.step = None;
        state.abandoned += 1;
        let left = state.reload_turn;
        state.left.insert(left, suspect.as_ref().map(|suspect| suspect.hash));
        state.reload_turn += 1;
        if let Some(suspect) = suspect {
            state.quarantine(&suspect, &format!("{text}; look for an endless loop or a wait"));
        }
        if state.abandoned == MOST_ABANDONED {
            text.push_str(", the third one: this plug-in reloads no more. Restart the host");
            state.stopped = Some(text.clone());
        }
        state.looked = true;
        state.urgent = true;
        self.work.notify_all();
        Some((state.reload_turn, text))
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("slot", &self.setup.slot).finish_non_exhaustive()
    }
}

/// Counts a thread's end, by return or by panic.
struct Ended<'a>(&'a Arc<Module>);

impl<'a> Ended<'a> {
    /// Of the thread that this is called on.
    fn later(module: &'a Arc<Module>) -> Self {
        module.state.lock().ours.push(std::thread::current().id());
        Self(module)
    }
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let here = std::thread::current().id();
        let mut state = self.0.state.lock();
        state.ours.retain(|thread| *thread != here);
        state.threads -= 1;
        drop(state);
        self.0.work.notify_all();
    }
}
