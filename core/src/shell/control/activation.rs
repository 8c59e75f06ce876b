//! From inactive to active and back: who plays, in which layout, and what a restart of our own keeps.
//!
//! Called by: `shell/control/shell`. Calls: `instance`, `params`, `shell/{player,audio}`. Threads: [main].
//!
//! The one place where the author's code (`clear`, `reset`, after a failure `create`) runs under the lock: the host's
//! activate call waits for it anyway, and nobody else may change the plug-in meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::time::Instant;

use hotshell_abi::{AudioConfig, ParamDesc, PluginDesc, Reason, RenderMode, Sample};

use crate::changes::Announced;
use crate::params::Parameters;
use crate::shell::audio::ShellAudio;
use crate::shell::control::{Control, Fresh, Live, Main, Parked, Retired};
use crate::shell::player::{Player, shape_of};
use crate::shell::replay::Past;
use crate::shell::{BusInfo, LayoutInfo, ShellError};

/// A player for the activation, and what it has heard if it simply goes on.
type Sized<S> = (Box<Player<S>>, Option<Past>);

impl<P: Parameters, S: Sample> Control<P, S> {
    /// Index of the bypass that the shell makes for `desc`, whose parameters are planned or live.
    pub(super) fn shell_bypass(&self, desc: &PluginDesc<'_>) -> Option<u32> {
        let param = desc.params.as_slice().iter().find(|param| {
            param.flags & ParamDesc::BYPASS != 0 && param.flags & ParamDesc::MANUAL_BYPASS == 0
        })?;
        self.params.bind(param.host_id)
    }

    /// Number of the build's own layout that fits the announced one, else its first: it runs behind a shim.
    pub(super) fn layout_in(announced: &Announced, layout: usize, desc: &PluginDesc<'_>) -> u32 {
        let wanted = announced.layouts().get(layout);
        let shape = |info: &LayoutInfo| {
            let channels = |buses: &[BusInfo]| buses.iter().map(|bus| bus.channels).collect::<Vec<_>>();
            (channels(&info.inputs), channels(&info.outputs))
        };
        let fits = |place: &usize| {
            wanted.is_some_and(|wanted| {
                let own = shape_of(desc.layouts.as_slice().get(*place));
                shape(wanted) == (own.inputs, own.outputs)
            })
        };
        let found = (0..desc.layouts.as_slice().len()).find(fits).unwrap_or(0);
        u32::try_from(found).unwrap_or(0)
    }

    /// `config` as the build of `desc` plays it.
    pub(super) fn config_for(main: &Main<S>, desc: &PluginDesc<'_>, config: &AudioConfig) -> AudioConfig {
        AudioConfig { layout: Self::layout_in(&main.announced, main.layout, desc), ..*config }
    }

    fn sized(&self, main: &mut Main<S>, config: &AudioConfig) -> Result<Sized<S>, ShellError> {
        let config = Self::config_for(main, main.live.desc, config);
        let Fresh { instance, loads } = match std::mem::replace(&mut main.parked, Parked::None) {
            Parked::Player(player, past)
                if main.keep && player.config == config && !player.instance.is_dead() =>
            {
                return Ok((player, Some(past)));
            }
            Parked::Player(mut player, _) if !player.instance.is_dead() => {
                // The host's own restart: it sends its notes again, so nothing may sound on. A panic shows in `prepare`.
                let _ = player.instance.clear();
                Fresh { instance: player.instance, loads: player.loads }
            }
            Parked::Fresh(fresh) => fresh,
            dead @ (Parked::Player(..) | Parked::None) => {
                main.retired.push((main.live.build, Retired::Parked(dead)));
                let (shared, fresh) = self.make(main.live.shared.table(), self.reason, main.live.build)?;
                let build = main.live.build;
                let before = std::mem::replace(&mut main.live.shared, shared);
                main.retired.push((build, Retired::Live(Live { shared: before, ..main.live.clone() })));
                fresh
            }
        };
        let live = &main.live;
        let mut player = Player::prepare(instance, live.desc, &config, live.build)?;
        player.loads = loads;
        player.bypass = self.shell_bypass(live.desc);
        player.first_block = self.reason;
        Ok((Box::new(player), None))
    }

    pub(super) fn activate_locked(
        &self,
        main: &mut Main<S>,
        config: &AudioConfig,
    ) -> Result<ShellAudio<P, S>, ShellError> {
        let config = AudioConfig { mode: RenderMode(self.link.mode.load(Relaxed)), ..*config };
        self.settle_taken(main);
        if !self.goes_on(main, &config) {
            self.settle_inactive(main);
        }
        let (mut player, past) = match self.sized(main, &config) {
            Ok(sized) => sized,
            Err(error) => {
                self.go_home(main, &error)?;
                self.sized(main, &config)?
            }
        };
        main.keep = false;
        main.went_on = past.is_some();
        player.pad = None;
        player.growing = None;
        player.epoch = self.link.epoch.load(Acquire);
        player.serial = main.number(main.live.shared.table());
        player.told = false;
        main.announced.set_latency(player.latency, false);
        main.active = Some(config);
        self.link.taken.store(player.serial, Release);
        self.link.latency.store(player.latency, Relaxed);
        self.link.known_latency.store(player.latency, Release);
        main.dry_channels = player.buffers.main_inputs();
        drop((self.link.redelay.take(), self.link.longer_pad.take()));
        self.link.tail.store(player.tail, Relaxed);
        if self.link.heard.load(Relaxed) != player.build {
            // Not heard yet: its first block says when.
            self.link.heard_at.store(0, Relaxed);
        }
        self.link.heard.store(player.build, Release);
        self.keep_waiting(main);
        let audio = ShellAudio::new(
            Arc::clone(&self.params),
            Arc::clone(&self.link),
            player,
            config,
            main.announced.latency(),
            self.alone.then(|| self.host.host()),
            past,
        );
        Ok(audio)
    }

    /// True if the same player goes on after a restart of our own.
    fn goes_on(&self, main: &Main<S>, config: &AudioConfig) -> bool {
        let Parked::Player(player, _) = &main.parked else { return false };
        let same = player.config == Self::config_for(main, main.live.desc, config);
        main.keep && same && !player.instance.is_dead()
    }

    /// A candidate that waited through a restart of our own is taken in the first block, if it was made for what is
    /// played now.
    fn keep_waiting(&self, main: &mut Main<S>) {
        let Some(mut candidate) = self.link.inbox.take() else { return };
        let Some(mut pending) = main.pending.take() else { return };
        let config = main.active.map(|config| Self::config_for(main, pending.live.desc, &config));
        candidate.pad_to(self.link.known_latency.load(Acquire));
        candidate.serial = main.number(pending.live.shared.table());
        if config == Some(candidate.config) {
            candidate.epoch = self.link.epoch.load(Acquire);
        }
        // Else [audio] sends it back, and it is prepared again.
        pending.serial = candidate.serial;
        main.pending = Some(pending);
        self.link.inbox.put(candidate);
    }

    /// Takes the audio half back, in which a block has `played` or none has. Answers what must be dropped outside of the
    /// lock.
    pub(super) fn deactivate_locked(
        &self,
        main: &mut Main<S>,
        player: Box<Player<S>>,
        past: Past,
        played: bool,
    ) -> Option<Parked<S>> {
        self.link.epoch.fetch_add(1, AcqRel);
        self.settle_taken(main);
        if player.instance.is_dead() && player.serial > main.fault_seen {
            // It failed in one of its last blocks: the next player must not hide that.
            main.fault_seen = player.serial;
            main.unfit = Some((player.build, self.why(Some(player.instance.shared().table()))));
        }
        let asked = main.announced.restart_asked();
        let ours = main.announced.deactivated(Instant::now());
        // Before its first block an activation has nothing of its own that could go on. That it is given back is no
        // answer to what the host was told: an adapter prepares again.
        main.keep = if played || asked { ours } else { main.went_on };
        if main.active.take().is_none() {
            return Some(Parked::Player(player, past));
        }
        let before = std::mem::replace(&mut main.parked, Parked::Player(player, past));
        // Nobody runs blocks: what waits takes its place, so that texts and state are the newest build's. In a restart
        // of our own it waits for the first block, and fades.
        if !main.keep {
            self.settle_inactive(main);
        }
        Some(before)
    }

    /// The candidate that waits takes its place, nobody playing. [main]
    pub(super) fn settle_inactive(&self, main: &mut Main<S>) {
        self.settle_taken(main);
        let Some(player) = self.link.inbox.take() else { return };
        let Some(pending) = main.pending.take() else {
            main.retire(Some(player));
            return;
        };
        let fresh = Fresh { instance: player.instance, loads: player.loads };
        main.park(Parked::Fresh(fresh));
        self.go_live(main, pending.live, &pending.plan, true);
        main.keep = false;
    }

    /// Build 0 in the place of a build that cannot even be activated. [main]
    fn go_home(&self, main: &mut Main<S>, why: &ShellError) -> Result<(), ShellError> {
        if main.live.build == 0 {
            return Err(why.clone());
        }
        main.unfit = Some((main.live.build, format!("it could not be activated: {why}")));
        let desc = self.own.describe()?;
        let plan = self.plan(desc)?;
        self.store.declare(desc);
        let (shared, fresh) = self.make(self.own, Reason::FAULT, 0)?;
        main.park(Parked::Fresh(fresh));
        self.go_live(main, Live { shared, desc, build: 0 }, &plan, true);
        Ok(())
    }
}
