//! From a build's table to a candidate in the audio thread's inbox, and what comes back from there.
//!
//! Called by: `reload` (through `HotShell`), the Rig, and [main] for a static shell's fault. Calls: `instance`,
//! `params`, `shell/player`. Threads: [reload] [main].
//!
//! A deviation from DESIGN 7.4, with its reason: a state load does not bump the epoch. A host that loads states in a
//! loop would starve every reload. Values are in shared cells and fields are synced into the candidate too; its plan is
//! renewed in place, and its logic hears `state_changed` before its first block.
//!
//! What [audio] does with a candidate it says by its serial, in `taken` or `returned`. Whoever needs to know what is
//! live (a save, a load, the next hand-over) empties the inbox under the lock: then either the candidate is in hand, or
//! [audio] has it and its word is a few instructions away.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Instant;

use hotshell_abi::{AudioConfig, PluginDesc, Reason, Sample};
use parking_lot::MutexGuard;

use crate::host::Level;
use crate::instance::{SharedHalf, Table};
use crate::params::{ParamPlan, Parameters};
use crate::shell::control::warm::warm;
use crate::shell::control::{
    Control, Fresh, Live, Main, Parked, Pending, Retired, Within, check_description, layouts_of, voices_of,
};
use crate::shell::player::{Player, SwapMemory};
use crate::shell::{GUI_LOCK_WAIT, ShellError};

/// Most times that a candidate is prepared again because the configuration moved underneath.
const MOST_TRIES: u32 = 16;

/// A build for one instance.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// Checked table.
    pub table: Table,
    /// Number of the build.
    pub build: u32,
    /// [`Reason::RELOAD`] or [`Reason::FAULT`].
    pub reason: Reason,
}

/// What a candidate is prepared for.
#[derive(Clone, Copy)]
struct Aim {
    /// `None`: inactive.
    config: Option<AudioConfig>,
    epoch: u64,
    /// Latency that the host knows, in frames.
    known: u32,
}

/// Why, and what must be dropped outside of the lock.
type NotPut<S> = (ShellError, Box<Player<S>>, Live);

enum Ready<S> {
    Player(Box<Player<S>>),
    Fresh(Fresh<S>),
}

impl<P: Parameters, S: Sample> Control<P, S> {
    /// Prepares `offer` and hands it over; while inactive it takes its place at once. `wanted` is asked last, under the
    /// lock. [reload] [main]
    ///
    /// # Errors
    /// Why the build cannot play here: what played plays on.
    pub fn take_build(&self, offer: Offer, wanted: &dyn Fn() -> bool) -> Result<(), ShellError> {
        self.take_build_within(offer, wanted, &|_, _, run| run())
    }

    /// The same; what is another build's of the author's code runs as `within` has it run.
    ///
    /// # Errors
    /// As [`Control::take_build`].
    pub fn take_build_within(
        &self,
        offer: Offer,
        wanted: &dyn Fn() -> bool,
        within: Within<'_>,
    ) -> Result<(), ShellError> {
        let desc = offer.table.describe()?;
        check_description(desc)?;
        self.check_identity(desc)?;
        for _ in 0..MOST_TRIES {
            let plan = self.plan(desc)?;
            self.store.declare(desc);
            let loads = self.link.state_loads.load(Acquire);
            let (shared, fresh) = self.make(offer.table, offer.reason, offer.build)?;
            let live = Live { shared, desc, build: offer.build };
            self.carry_own_state(&live, within)?;
            if self.try_hand_over(offer, live.clone(), fresh, plan, wanted)? {
                // A load between the candidate's making and its hand-over. It is handed over: nothing refuses it any more.
                if self.link.state_loads.load(Acquire) != loads
                    && let Err(error) = self.carry_own_state(&live, within)
                {
                    self.log(Level::Warning, &error.to_string());
                }
                self.with_host(|host| host.request_process());
                return Ok(());
            }
        }
        Err(ShellError::Busy("the plug-in's configuration"))
    }

    /// A host knows the plug-in by its id, and so do its projects.
    fn check_identity(&self, desc: &PluginDesc<'_>) -> Result<(), ShellError> {
        let own = self.own.describe()?.id.as_str();
        let id = desc.id.as_str();
        if id == own {
            return Ok(());
        }
        Err(ShellError::Incompatible(format!(
            "it is the plug-in \"{id}\", and this one is \"{own}\"; where the id was changed on purpose, run `cargo hotshell \
             dev` again and let the host rescan"
        )))
    }

    pub(super) fn plan(&self, desc: &PluginDesc<'_>) -> Result<Arc<ParamPlan>, ShellError> {
        let plan = self.params.plan(desc.params.as_slice());
        plan.map(Arc::new).map_err(|error| ShellError::Incompatible(error.to_string()))
    }

    /// `plan`, or another one where the parameters have moved since it was made.
    fn current(&self, plan: Arc<ParamPlan>, desc: &PluginDesc<'_>) -> Result<Arc<ParamPlan>, ShellError> {
        if self.params.is_current(&plan) { Ok(plan) } else { self.plan(desc) }
    }

    /// The lock, at a moment when `shared` has read every field that anybody wrote. Fields that move later find their
    /// way by [`Control::sync_fields_within`].
    fn lock_in_sync(&self, shared: &SharedHalf) -> Result<MutexGuard<'_, Main<S>>, ShellError> {
        for _ in 0..MOST_TRIES {
            let moved = self.store.fields_version();
            for line in shared.sync()? {
                self.log(Level::Warning, &line);
            }
            let main = self.lock("the plug-in's configuration")?;
            if moved == self.store.fields_version() {
                return Ok(main);
            }
        }
        self.lock("the plug-in's configuration")
    }

    /// Lets the builds that play and wait read the fields again that somebody else has written: a state load, the user
    /// while the next build was made, a thread of an earlier build. The author's part runs as `within` has it run.
    /// [main] [reload]
    pub(super) fn sync_fields_within(&self, within: Within<'_>) {
        // Nobody waits for it: the next look does.
        let Some(main) = self.main.try_lock() else { return };
        self.fields_seen.store(self.store.fields_version(), Release);
        let builds = [Some(main.live.clone()), main.pending.as_ref().map(|pending| pending.live.clone())];
        drop(main);
        for live in builds.iter().flatten() {
            within(live.build, "reading a persistent field", &mut || self.sync(live));
        }
    }

    pub(super) fn sync(&self, live: &Live) {
        match live.shared.sync() {
            Ok(lines) => self.say_all(Level::Warning, &lines),
            Err(error) => self.log(Level::Error, &format!("persistent fields keep their values: {error}")),
        }
    }

    fn try_hand_over(
        &self,
        offer: Offer,
        live: Live,
        fresh: Fresh<S>,
        plan: Arc<ParamPlan>,
        wanted: &dyn Fn() -> bool,
    ) -> Result<bool, ShellError> {
        let aim = {
            let main = self.lock("the plug-in's configuration")?;
            let config = main.active.map(|config| Self::config_for(&main, live.desc, &config));
            let known = self.link.known_latency.load(Acquire);
            Aim { config, epoch: self.link.epoch.load(Acquire), known }
        };
        let ready = match aim.config {
            Some(config) => Ready::Player(self.prepared(fresh, &live, &config, offer, aim.known)?),
            None => Ready::Fresh(fresh),
        };
        let mut main = self.lock_in_sync(&live.shared)?;
        self.settle_taken(&mut main);
        if !wanted() {
            return Err(ShellError::Incompatible("the build was given up on meanwhile".to_owned()));
        }
        if aim.epoch != self.link.epoch.load(Acquire) {
            return Ok(false);
        }
        match ready {
            Ready::Player(mut player) => {
                player.epoch = aim.epoch;
                let known = self.link.known_latency.load(Acquire);
                if known != aim.known {
                    player.pad_to(known);
                }
                let late = player.latency.saturating_sub(known);
                let put = self.put(&mut main, player, live, plan);
                drop(main);
                self.editors.moved();
                let plan = put.map_err(|(error, ..)| error)?;
                self.say_all(Level::Info, &plan.lines);
                if late > 0 {
                    let text = format!(
                        "the new build is {late} frames late until the host has taken note of its latency"
                    );
                    self.log(Level::Info, &text);
                }
            }
            Ready::Fresh(fresh) => {
                let plan = match self.current(plan, live.desc) {
                    Ok(plan) => plan,
                    Err(error) => {
                        drop(main);
                        return Err(error);
                    }
                };
                // One that still waits is older.
                let waiting = self.link.inbox.take();
                main.retire(waiting);
                main.forget_pending();
                main.park(Parked::Fresh(fresh));
                self.go_live(&mut main, live, &plan, true);
                main.keep = false;
                drop(main);
                self.editors.moved();
                self.ask_host(false, true);
                self.say_all(Level::Info, &plan.lines);
            }
        }
        Ok(true)
    }

    /// Sizes, warms and times a candidate. [reload]
    fn prepared(
        &self,
        fresh: Fresh<S>,
        live: &Live,
        config: &AudioConfig,
        offer: Offer,
        known: u32,
    ) -> Result<Box<Player<S>>, ShellError> {
        let mut player = Player::prepare(fresh.instance, live.desc, config, offer.build)?;
        player.loads = fresh.loads;
        player.bypass = self.shell_bypass(live.desc);
        warm(&mut player, live.desc, config)
            .map_err(|()| ShellError::Panicked(format!("in a silent block: {}", offer.table.last_panic())))?;
        player.pad_to(known);
        player.swap = Some(SwapMemory::new());
        player.first_block = offer.reason;
        Ok(Box::new(player))
    }

    /// One atomic exchange into the inbox. Answers the plan that counts; or all that must be dropped outside of the lock, if
    /// it could not be put there.
    fn put(
        &self,
        main: &mut Main<S>,
        mut player: Box<Player<S>>,
        live: Live,
        plan: Arc<ParamPlan>,
    ) -> Result<Arc<ParamPlan>, NotPut<S>> {
        // Take the one before out first: if [audio] has it by now, its plan is committed before ours is replaced.
        let untaken = self.link.inbox.take();
        if untaken.is_some() {
            main.retire(untaken);
            main.forget_pending();
        } else if !self.await_verdict(main) {
            return Err((ShellError::Busy("the audio thread"), player, live));
        }
        let plan = match self.current(plan, live.desc) {
            Ok(plan) => plan,
            Err(error) => return Err((error, player, live)),
        };
        player.serial = main.number(live.shared.table());
        player.plan = Some(Arc::clone(&plan));
        let moves_values = plan.moves_values(&*self.params);
        main.pending = Some(Pending { serial: player.serial, live, plan: Arc::clone(&plan), moves_values });
        self.link.inbox.put(player);
        Ok(plan)
    }

    /// With an empty inbox: [audio] has taken the pending candidate and is about to say what becomes of it, a few
    /// instructions away unless its thread was put aside. False if it has not said so in [`GUI_LOCK_WAIT`].
    /// [main] [reload]
    pub(super) fn await_verdict(&self, main: &mut Main<S>) -> bool {
        let until = Instant::now() + GUI_LOCK_WAIT;
        loop {
            self.settle_taken(main);
            if main.pending.is_none() {
                return true;
            }
            if Instant::now() > until {
                return false;
            }
            std::thread::yield_now();
        }
    }

    /// Runs `run` while no candidate can be taken: it gets the one that waits. What is live is settled, and stays so.
    /// [main]
    ///
    /// # Errors
    /// [`ShellError::Busy`]: `run` was not called.
    pub(super) fn undisturbed<R>(
        &self,
        what: &'static str,
        run: impl FnOnce(&mut Main<S>, Option<&mut Player<S>>) -> R,
    ) -> Result<R, ShellError> {
        let mut main = self.lock(what)?;
        let mut waiting = self.link.inbox.take();
        if waiting.is_none() && !self.await_verdict(&mut main) {
            return Err(ShellError::Busy("the audio thread"));
        }
        let answer = run(&mut main, waiting.as_deref_mut());
        if let Some(candidate) = waiting {
            self.link.inbox.put(candidate);
        }
        Ok(answer)
    }

    /// The waiting candidate's way from the live parameters, made again. [main]
    pub(super) fn renew_plan(&self, main: &mut Main<S>, candidate: &mut Player<S>) {
        let Some(pending) = main.pending.as_mut().filter(|pending| pending.serial == candidate.serial) else {
            return;
        };
        if let Ok(plan) = self.plan(pending.live.desc) {
            pending.plan = Arc::clone(&plan);
            pending.moves_values = plan.moves_values(&*self.params);
            candidate.plan = Some(plan);
        }
    }

    /// Makes the pending build the live one if [audio] has taken it, and forgets it if it came back. [main] [reload]
    pub(super) fn settle_taken(&self, main: &mut Main<S>) {
        let Some(serial) = main.pending.as_ref().map(|pending| pending.serial) else { return };
        if self.link.taken.load(Acquire) == serial {
            if let Some(pending) = main.pending.take() {
                if pending.moves_values {
                    main.announced.values_changed();
                }
                self.go_live(main, pending.live, &pending.plan, false);
            }
        } else if self.link.returned.load(Acquire) == serial {
            main.forget_pending();
            main.came_back = true;
        }
    }

    pub(super) fn go_live(&self, main: &mut Main<S>, live: Live, plan: &ParamPlan, switch: bool) {
        if switch {
            if plan.moves_values(&*self.params) {
                main.announced.values_changed();
            }
            self.params.switch(plan);
        }
        self.params.commit(plan);
        main.announced.set_params(self.params.infos());
        main.announced.set_layouts(layouts_of(live.desc));
        main.announced.set_notes(live.desc.notes);
        main.announced.set_voices(voices_of(live.desc));
        let before = std::mem::replace(&mut main.live, live);
        main.retired.push((before.build, Retired::Live(before)));
        main.check = true;
    }
}
