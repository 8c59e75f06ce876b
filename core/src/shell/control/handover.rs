//! From a build's table to a candidate in the audio thread's inbox, and what comes back from there.
//!
//! Called by: `reload` (through `HotShell`), the Rig, and [main] for a static shell's fault. Calls: `instance`,
//! `params`, `shell/player`. Threads: [reload] [main].
//!
//! A deviation from DESIGN 7.4, with its reason: a state load does not bump the epoch. A host that loads states in a
//! loop would starve every reload. Values are in shared cells and fields are synced into the candidate too; its plan is
//! renewed in place, and its logic hears `state_changed` before its first block.

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::time::Instant;

use hotshell_abi::{AudioConfig, PluginDesc, Reason, Sample};
use parking_lot::MutexGuard;

use crate::host::Level;
use crate::instance::{SharedHalf, Table};
use crate::params::{ParamPlan, Parameters};
use crate::rt::owned::OwnedBlock;
use crate::shell::control::{
    Control, Fresh, Live, Main, Parked, Pending, check_description, layouts_of, voices_of,
};
use crate::shell::player::{End, Player, SwapMemory, shape_of};
use crate::shell::run::{BlockFacts, Hearing, Outgoing, Span, run};
use crate::shell::{GUI_LOCK_WAIT, ShellError};

/// Most times that a candidate is prepared again because the configuration moved underneath.
const MOST_TRIES: u32 = 16;
/// Silent blocks before a candidate is handed over: page faults and instant panics happen here.
const SILENT_BLOCKS: u32 = 4;

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

/// What happened since the last look.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct News {
    /// The playing build has failed: its number and why.
    pub fault: Option<(u32, String)>,
    /// A candidate came back because it was prepared for something else: offer its build again.
    pub stale: bool,
    /// A candidate waits to be taken.
    pub waiting: bool,
}

impl<P: Parameters, S: Sample> Control<P, S> {
    /// Prepares `offer` and hands it over; while inactive it takes its place at once. `wanted` is asked last, under the
    /// lock. [reload] [main]
    ///
    /// # Errors
    /// Why the build cannot play here: what played plays on.
    pub fn take_build(&self, offer: Offer, wanted: &dyn Fn() -> bool) -> Result<(), ShellError> {
        let desc = offer.table.describe()?;
        check_description(desc)?;
        for _ in 0..MOST_TRIES {
            let plan = self.plan(desc)?;
            self.store.declare(desc);
            let host = self.with_host(|host| host.name().to_owned());
            let (shared, fresh) = self.make(offer.table, offer.reason, offer.build, &host)?;
            let live = Live { shared, desc, build: offer.build };
            if self.try_hand_over(offer, live, fresh, plan, wanted)? {
                return Ok(());
            }
        }
        Err(ShellError::Busy("the plug-in's configuration"))
    }

    fn plan(&self, desc: &PluginDesc<'_>) -> Result<Arc<ParamPlan>, ShellError> {
        let plan = self.params.plan(desc.params.as_slice());
        plan.map(Arc::new).map_err(|error| ShellError::Incompatible(error.to_string()))
    }

    fn try_hand_over(
        &self,
        offer: Offer,
        live: Live,
        fresh: Fresh<S>,
        mut plan: Arc<ParamPlan>,
        wanted: &dyn Fn() -> bool,
    ) -> Result<bool, ShellError> {
        let (active, epoch, announced) = {
            let main = self.main.lock();
            let config = main.active.map(|config| AudioConfig {
                layout: Self::layout_in(&main.announced, main.layout, live.desc),
                ..config
            });
            (config, self.link.epoch.load(Acquire), main.announced.latency())
        };
        let ready = match active {
            Some(config) => Ready::Player(self.prepared(fresh, &live, &config, offer, announced)?),
            None => Ready::Fresh(fresh),
        };
        let mut main = self.lock_in_sync(&live.shared)?;
        self.settle_taken(&mut main);
        if !wanted() {
            return Err(ShellError::Incompatible("the build was given up on meanwhile".to_owned()));
        }
        if epoch != self.link.epoch.load(Acquire) {
            drop(main);
            return Ok(false);
        }
        if !self.params.is_current(&plan) {
            plan = self.plan(live.desc)?;
        }
        let lines = plan.lines.clone();
        let untaken = match ready {
            Ready::Player(mut player) => {
                player.epoch = epoch;
                self.put(&mut main, player, live, plan)
            }
            Ready::Fresh(fresh) => {
                let before = std::mem::replace(&mut main.parked, Parked::Fresh(fresh));
                self.go_live(&mut main, live, &plan, true);
                main.keep = false;
                drop(main);
                drop(before);
                self.ask_host(false, true);
                None
            }
        };
        drop(untaken);
        for line in lines {
            self.log(Level::Info, &line);
        }
        self.with_host(|host| host.request_process());
        Ok(true)
    }

    /// The lock, at a moment when `shared` has read every field that anybody wrote. Fields that move later find their
    /// way by [`Control::sync_fields`].
    fn lock_in_sync(&self, shared: &SharedHalf) -> Result<MutexGuard<'_, Main<S>>, ShellError> {
        for _ in 0..MOST_TRIES {
            let moved = self.store.fields_version();
            self.sync_one(shared)?;
            let main = self.main.lock();
            if moved == self.store.fields_version() {
                return Ok(main);
            }
        }
        Ok(self.main.lock())
    }

    fn sync_one(&self, shared: &SharedHalf) -> Result<(), ShellError> {
        for line in shared.sync()? {
            self.log(Level::Warning, &line);
        }
        Ok(())
    }

    /// Lets the builds that play and wait read the fields again that somebody else has written: a state load, the user
    /// while the next build was made, a thread of an earlier build. [main] [reload]
    pub(super) fn sync_fields(&self) {
        self.fields_seen.store(self.store.fields_version(), Release);
        let (live, pending) = {
            let main = self.main.lock();
            let pending = main.pending.as_ref().map(|pending| Arc::clone(&pending.live.shared));
            (Arc::clone(&main.live.shared), pending)
        };
        for shared in [Some(live), pending].into_iter().flatten() {
            if let Err(error) = self.sync_one(&shared) {
                self.log(Level::Error, &format!("persistent fields keep their values: {error}"));
            }
        }
    }

    /// Sizes, warms and times a candidate. [reload]
    fn prepared(
        &self,
        fresh: Fresh<S>,
        live: &Live,
        config: &AudioConfig,
        offer: Offer,
        announced: u32,
    ) -> Result<Box<Player<S>>, ShellError> {
        let mut player = Player::prepare(fresh.instance, live.desc, config, offer.build)?;
        player.loads = fresh.loads;
        player.bypass = self.shell_bypass(live.desc);
        warm(&mut player, live.desc, config)
            .map_err(|()| ShellError::Panicked(format!("in a silent block: {}", offer.table.last_panic())))?;
        player.pad_to(announced);
        player.swap = Some(SwapMemory::new());
        player.first_block = offer.reason;
        Ok(Box::new(player))
    }

    /// One atomic exchange into the inbox. Answers an untaken candidate, to be dropped outside of the lock.
    fn put(
        &self,
        main: &mut Main<S>,
        mut player: Box<Player<S>>,
        live: Live,
        plan: Arc<ParamPlan>,
    ) -> Option<Box<Player<S>>> {
        main.serial += 1;
        player.serial = main.serial;
        player.plan = Some(Arc::clone(&plan));
        let moves_values = plan.moves_values(&*self.params);
        // Take the one before out first: if [audio] has it by now, its plan is committed before ours is replaced.
        let untaken = self.link.inbox.take();
        if untaken.is_none() {
            self.await_verdict(main);
            if !self.params.is_current(&plan)
                && let Ok(plan) = self.plan(live.desc)
            {
                player.plan = Some(plan);
            }
        }
        let plan = player.plan.clone().unwrap_or(plan);
        main.pending = Some(Pending { serial: main.serial, live, plan, moves_values });
        self.link.inbox.put(player);
        untaken
    }

    /// [audio] has taken a candidate out of the inbox and is about to say what becomes of it: a few instructions away,
    /// unless its thread was put aside. [main] [reload]
    pub(super) fn await_verdict(&self, main: &mut Main<S>) {
        let until = Instant::now() + GUI_LOCK_WAIT;
        while let Some(serial) = main.pending.as_ref().map(|pending| pending.serial) {
            if self.link.taken.load(Acquire) == serial {
                self.settle_taken(main);
            } else if self.link.returned.load(Acquire) == serial || Instant::now() > until {
                main.pending = None;
            } else {
                std::thread::yield_now();
            }
        }
    }

    /// The waiting candidate's way from the live parameters, made again. [main]
    pub(super) fn renew_plan(&self, main: &mut Main<S>, candidate: &mut Player<S>) {
        let Some(pending) = main.pending.as_mut().filter(|pending| pending.serial == candidate.serial) else {
            return;
        };
        if let Ok(plan) = self.plan(pending.live.desc) {
            pending.plan = Arc::clone(&plan);
            candidate.plan = Some(plan);
        }
    }

    /// Makes the pending build the live one if [audio] has taken it. [main] [reload]
    pub(super) fn settle_taken(&self, main: &mut Main<S>) {
        let taken = self.link.taken.load(Acquire);
        if main.pending.as_ref().is_none_or(|pending| pending.serial != taken) {
            return;
        }
        if let Some(pending) = main.pending.take() {
            if pending.moves_values {
                main.announced.values_changed();
            }
            self.go_live(main, pending.live, &pending.plan, false);
        }
    }

    /// The candidate that waits takes its place, nobody playing. [main]
    pub(super) fn settle_inactive(&self, main: &mut Main<S>) {
        self.settle_taken(main);
        let Some(player) = self.link.inbox.take() else { return };
        if let Some(pending) = main.pending.take()
            && pending.serial == player.serial
        {
            self.go_live(main, pending.live, &pending.plan, true);
            main.parked = Parked::Fresh(Fresh { instance: player.instance, loads: player.loads });
            main.keep = false;
        }
    }

    fn go_live(&self, main: &mut Main<S>, live: Live, plan: &ParamPlan, switch: bool) {
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
        main.live = live;
        main.fault_reported = false;
        main.check = true;
    }

    /// Build 0 in the place of a build that cannot even be activated. [main]
    pub(super) fn go_home(&self, main: &mut Main<S>, why: &ShellError) -> Result<(), ShellError> {
        if main.live.build == 0 {
            return Err(why.clone());
        }
        let desc = self.own.describe()?;
        let plan = self.plan(desc)?;
        self.store.declare(desc);
        let (shared, fresh) = self.make(self.own, Reason::FAULT, 0, "")?;
        main.parked = Parked::Fresh(fresh);
        self.go_live(main, Live { shared, desc, build: 0 }, &plan, true);
        Ok(())
    }

    /// Drops what [audio] sent back, makes a taken build live, asks for a main-thread call where the host must be told
    /// something. [reload] at each tick, [main] before each telling.
    pub fn upkeep(&self) -> News {
        let mut news = News::default();
        while let Some(player) = self.link.outbox.take() {
            news.stale |= player.end == End::Stale;
            if player.end == End::Faulted && !self.main.lock().fault_reported {
                news.fault = Some((player.build, self.why(player.instance.shared().table())));
            }
        }
        let tell = {
            let mut main = self.main.lock();
            self.settle_taken(&mut main);
            if self.link.faulted.load(Acquire) && !main.fault_reported {
                main.fault_reported = true;
                news.fault = Some((main.live.build, self.why(main.live.shared.table())));
            }
            let active = main.active.is_some();
            self.look(&mut main, active);
            news.waiting = !self.link.inbox.is_empty();
            // A copy answers what would be told: telling itself is [main].
            main.check && {
                let would = main.announced.clone().take(crate::shell::Phase::AnyTime, active, Instant::now());
                would.want_restart || !would.changes.is_empty()
            }
        };
        if self.fields_seen.load(Acquire) != self.store.fields_version() {
            self.sync_fields();
        }
        self.store.drain_logs(|level, text| self.log(level, text));
        if tell && !self.asked.swap(true, AcqRel) {
            self.with_host(|host| host.request_callback());
        }
        news
    }

    fn why(&self, table: Table) -> String {
        if self.link.not_finite.swap(false, AcqRel) {
            "its output was not finite (NaN or infinity)".to_owned()
        } else {
            table.last_panic()
        }
    }
}

enum Ready<S> {
    Player(Box<Player<S>>),
    Fresh(Fresh<S>),
}

/// A few silent blocks: page faults, instant panics, and what a frame costs. [reload]
fn warm<S: Sample>(player: &mut Player<S>, desc: &PluginDesc<'_>, config: &AudioConfig) -> Result<(), ()> {
    let _flush = crate::rt::denormals::FlushDenormals::new();
    let shape = shape_of(desc.layouts.as_slice().get(config.layout as usize));
    let frames = config.max_frames.min(512);
    let mut block = OwnedBlock::<S>::new(&shape, frames);
    let feed = crate::shell::feed::Feed::new();
    let mut outgoing = Outgoing::new();
    let facts = BlockFacts { steady_time: -1, mode: config.mode };
    for _ in 0..SILENT_BLOCKS {
        let started = Instant::now();
        let ran = block.with(frames, |host| {
            let (buffers, mut parts) = player.parts();
            let mut io = buffers.bind(host, 0, frames, true);
            let hearing = Hearing { feed: &feed, facts, state_changed: false };
            let span = Span { start: 0, from: 0, to: io.frames() };
            run(&mut parts, &mut io, span, &hearing, &mut outgoing)
        });
        let result = ran.map_err(|_| ())?;
        outgoing.discard();
        player.latency = result.latency;
        player.tail = result.tail;
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of one block")]
        {
            player.cost = started.elapsed().as_nanos() as f32 / frames as f32;
        }
    }
    player.instance.clear().map_err(|_| ())
}
