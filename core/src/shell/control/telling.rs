//! What the host must be told, who reminds it, and what the reload thread hears of this instance.
//!
//! Called by: `shell/control/shell`, `shell/plugins` (upkeep), `reload` through it. Calls: `changes`, `store`, `host`.
//! Threads: [main] [reload].
//!
//! `check`: something may be left to tell. `asked`: the host has been asked for the call in which it will be. A call
//! clears `asked` before it looks, so whatever comes afterwards asks again; nothing is left untold, and what was taken
//! once is not there a second time.
//!
//! A telling waits for the lock once: while it is held on and on (an activation on another thread), the host's callbacks
//! and timers come many times, and each of them would cost its main thread [`GUI_LOCK_WAIT`].

use std::mem::ManuallyDrop;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::time::Instant;

use hotshell_abi::Sample;
use parking_lot::MutexGuard;

use crate::host::Level;
use crate::instance::Table;
use crate::params::Parameters;
use crate::shell::control::{Control, Main, Retired};
use crate::shell::player::End;
use crate::shell::{Changes, GUI_LOCK_WAIT, LayoutInfo, Phase};

/// Runs code of the build with this number, which has this name: if it does not come back, the build is to blame. Not run
/// if a thread is stuck in that build already.
pub type Within<'a> = &'a dyn Fn(u32, &str, &mut dyn FnMut());

/// What happened since the last look.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct News {
    /// A build has failed, while it played or on its way in: its number and why.
    pub fault: Option<(u32, String)>,
    /// A build's code has panicked where nobody hears it (a text, a state function): its number and why. What plays
    /// plays on.
    pub slip: Option<(u32, String)>,
    /// A candidate came back because it was prepared for something else: offer its build again.
    pub stale: bool,
    /// A candidate waits to be taken.
    pub waiting: bool,
}

impl<P: Parameters, S: Sample> Control<P, S> {
    /// Notes what moved without a call: the latency, the user's edits of fields.
    fn look(&self, main: &mut Main<S>, active: bool) {
        if active {
            let latency = self.link.latency.load(Relaxed);
            main.check |= latency != main.announced.latency();
            main.announced.set_latency(latency, true);
        }
        if self.store.take_dirty() {
            main.announced.dirty();
            main.check = true;
        }
    }

    /// A restart for the sake of the changes is asked for, and a callback where something is left to tell.
    pub(super) fn ask_host(&self, restart: bool, callback: bool) {
        if restart {
            self.with_host(|host| host.request_restart());
        }
        if callback {
            self.with_host(|host| host.request_callback());
        }
    }

    /// The lock, for a telling. After one that has waited in vain none waits until the lock was to be had again.
    fn lock_to_tell(&self) -> Option<MutexGuard<'_, Main<S>>> {
        let free = self.main.try_lock().or_else(|| {
            if self.waited_in_vain.load(Acquire) {
                return None;
            }
            #[cfg(test)]
            self.waits.fetch_add(1, Relaxed);
            self.main.try_lock_for(GUI_LOCK_WAIT)
        });
        self.waited_in_vain.store(free.is_none(), Release);
        free
    }

    /// See [`Shell::take_changes`](crate::shell::Shell::take_changes).
    pub(super) fn take_what_changed(&self, phase: Phase) -> Changes {
        self.asked.store(false, Release);
        let Some(mut main) = self.lock_to_tell() else {
            // The reload thread asks once it has the lock; without one the host is asked to come again.
            self.untold.store(true, Release);
            self.ask_host(false, self.alone);
            return Changes::empty();
        };
        self.settle_taken(&mut main);
        drop((self.link.spent_redelay.take(), self.link.spent_pad.take()));
        let active = main.active.is_some() && phase != Phase::Activating;
        self.look(&mut main, active);
        let played = main.announced.layouts().get(main.layout).cloned();
        let taken = main.announced.take(phase, active, Instant::now());
        if taken.changes.contains(Changes::PORTS) {
            main.layout = same_layout(main.announced.layouts(), played.as_ref());
        }
        main.check = taken.want_callback;
        let count = u32::try_from(main.announced.params().len()).unwrap_or(u32::MAX);
        self.link.announced_params.store(count, Release);
        drop(main);
        let later = taken.want_callback && !taken.wait.is_zero();
        if later {
            // The reload thread looks again and asks then; where there is none, [audio] does.
            self.link.nudge.store(true, Relaxed);
        }
        self.ask_host(taken.want_restart, taken.want_callback && !later);
        taken.changes
    }

    /// Drops what [audio] sent back, makes a taken build live, asks for a main-thread call where the host must be told
    /// something. [reload] at each tick; [main] before each telling where there is no reload thread.
    pub fn upkeep(&self) -> News {
        self.upkeep_within(&|_, _, run| run())
    }

    /// The same; what is the author's runs as `within` has it run.
    pub fn upkeep_within(&self, within: Within<'_>) -> News {
        let mut news = News::default();
        let mut back = Vec::new();
        // One failure at a time: the next look finds the next one.
        while news.fault.is_none()
            && let Some(player) = self.link.outbox.take()
        {
            news.stale |= player.end == End::Stale;
            if player.end == End::Faulted {
                news.fault = Some((player.build, self.why(Some(player.instance.shared().table()))));
            }
            back.push((player.build, Retired::Player(player)));
        }
        // [audio] waits for room before it takes the next of them, and some hosts make no telling call for hours.
        drop((self.link.spent_redelay.take(), self.link.spent_pad.take()));
        // The author's `reset` may hold the lock for as long as the host's activate call waits: look again later.
        let lock = if self.alone { self.lock_to_tell() } else { self.main.try_lock_for(GUI_LOCK_WAIT) };
        if let Some(mut main) = lock {
            self.waited_in_vain.store(false, Release);
            self.settle_taken(&mut main);
            self.find_fault(&mut main, &mut news);
            find_slip(&main, &mut news);
            let active = main.active.is_some();
            self.look(&mut main, active);
            main.check |= self.untold.swap(false, AcqRel);
            news.waiting = !self.link.inbox.is_empty();
            // A copy answers what would be told: telling itself is [main].
            let tell = main.check && {
                let would = main.announced.clone().take(Phase::AnyTime, active, Instant::now());
                would.want_restart || !would.changes.is_empty()
            };
            let shim = says_shim(&mut main);
            main.retired.append(&mut back);
            // A failure is told first: somebody's `Drop` may take its time.
            if news.fault.is_none() {
                back = std::mem::take(&mut main.retired);
            }
            let came_back = std::mem::take(&mut main.came_back);
            drop(main);
            if came_back {
                self.editors.moved();
            }
            if let Some(text) = shim {
                self.log(Level::Warning, text);
            }
            if tell && !self.asked.swap(true, AcqRel) {
                self.ask_host(false, true);
            }
        }
        if self.fields_seen.load(Acquire) != self.store.fields_version() {
            self.sync_fields_within(within);
        }
        self.offer_kept(within);
        for (build, what) in back {
            drop_within(within, build, what);
        }
        self.store.drain_logs(|level, text| self.log(level, text));
        news
    }

    /// The playing instance's failure, once, unless another one has taken its place already.
    fn find_fault(&self, main: &mut Main<S>, news: &mut News) {
        if news.fault.is_none() {
            news.fault = main.unfit.take();
        }
        if news.fault.is_some() {
            return;
        }
        let serial = self.link.fault.load(Acquire);
        if serial <= main.fault_seen || serial < self.link.taken.load(Acquire) {
            return;
        }
        main.fault_seen = serial;
        let table = main.known.iter().find(|(known, _)| *known == serial).map(|(_, table)| *table);
        news.fault = Some((self.link.fault_build.load(Relaxed), self.why(table)));
    }

    pub(super) fn why(&self, table: Option<Table>) -> String {
        if self.link.not_finite.swap(false, AcqRel) {
            "its output was not finite (NaN or infinity)".to_owned()
        } else {
            table.map_or_else(|| "a panic without a message".to_owned(), Table::last_panic)
        }
    }

    /// Lines for the author.
    pub(super) fn say_all(&self, level: Level, lines: &[String]) {
        lines.iter().for_each(|line| self.log(level, line));
    }
}

/// What it is not run for stays for ever.
fn drop_within(within: Within<'_>, build: u32, what: impl Sized) {
    let mut what = ManuallyDrop::new(Some(what));
    within(build, "`drop`", &mut || drop(what.take()));
}

/// The first panic of the waiting or the live build beside [audio], once each.
fn find_slip<S>(main: &Main<S>, news: &mut News) {
    let waiting = main.pending.as_ref().map(|pending| &pending.live);
    news.slip = waiting.into_iter().chain(Some(&main.live)).find_map(|live| {
        let why = live.shared.take_slip()?;
        Some((live.build, why.to_owned()))
    });
}

/// What to say if the host does not let the plug-in change: once.
fn says_shim<S>(main: &mut Main<S>) -> Option<&'static str> {
    let (held, overdue) = (main.announced.is_held(), main.announced.restart_overdue(Instant::now()));
    if !held && !overdue {
        main.shim_told = false;
        return None;
    }
    if std::mem::replace(&mut main.shim_told, true) {
        return None;
    }
    Some(if held {
        "this host does not let a plug-in change its audio ports: the new code hears silence where it has more inputs than \
         before, and what it plays on other outputs is dropped; add the plug-in again to get the new ports"
    } else {
        "the host has not restarted the plug-in for 2 s: parameters, ports and latency stay as it knows them, and the new \
         code hears silence where it has more inputs; switch the plug-in off and on, or add it again"
    })
}

/// Place of the layout that looks like `played`, else the first.
fn same_layout(layouts: &[LayoutInfo], played: Option<&LayoutInfo>) -> usize {
    let shape = |layout: &LayoutInfo| {
        let channels =
            |buses: &[crate::shell::BusInfo]| buses.iter().map(|bus| bus.channels).collect::<Vec<_>>();
        (channels(&layout.inputs), channels(&layout.outputs))
    };
    played.and_then(|played| layouts.iter().position(|layout| shape(layout) == shape(played))).unwrap_or(0)
}
