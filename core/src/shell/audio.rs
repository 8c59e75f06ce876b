//! One block, start to end: inbox, events, run, guard, bypass, outbox.
//!
//! Called by: the adapters' `process`, through [`Audio`]. Calls: `shell/{feed,run,swap,guard,bypass,verdict}`,
//! `audio/conclude`.
//! Threads: [audio]; `new` and `into_player` are [main].

#![deny(clippy::disallowed_types)]

mod conclude;

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Instant;

use hotshell_abi::{AudioConfig, Sample};

use crate::host::Host;
use crate::instance::Dead;
use crate::params::Parameters;
use crate::rt::denormals::FlushDenormals;
use crate::shell::bypass::Bypass;
use crate::shell::fade::automatic_frames;
use crate::shell::feed::Feed;
use crate::shell::guard::{Guard, fall_back};
use crate::shell::player::{End, Link, Player};
use crate::shell::replay::Past;
use crate::shell::run::{BlockFacts, Hearing, Outgoing, Span, run};
use crate::shell::swap::Incoming;
use crate::shell::verdict::Verdict;
use crate::shell::{Audio, EventSink, EventSource, HostBlock, Outcome};

/// A block in this many is timed: two clock reads cost as much as a small gain.
const TIMED: u64 = 64;

/// The audio half of one active instance.
pub struct ShellAudio<P, S> {
    pub(super) params: Arc<P>,
    pub(super) link: Arc<Link<S>>,
    pub(super) current: Box<Player<S>>,
    pub(super) incoming: Option<Incoming<S>>,
    /// Frames of the automatic fade.
    fade: usize,
    /// Waits for room in the outbox.
    leaving: Option<Box<Player<S>>>,
    pub(super) feed: Feed,
    pub(super) outgoing: Outgoing,
    pub(super) guard: Guard<S>,
    pub(super) bypass: Bypass<S>,
    pub(super) config: AudioConfig,
    pub(super) state_seen: u64,
    blocks: u64,
    told_tail: u64,
    told_latency: u32,
    /// Frames of silence since anything was heard.
    quiet_frames: u64,
    /// Frames since the last call for help.
    since_nudge: u64,
    /// Nanoseconds per frame of the last timed blocks.
    costs: [f32; 3],
    /// Asked for a main-thread call when the logic fails or its latency moves, and never otherwise; none where a reload
    /// thread looks after both.
    host: Option<Arc<dyn Host>>,
}

impl<P, S> std::fmt::Debug for ShellAudio<P, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShellAudio").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Who plays, what he has heard, and the other players.
pub type Players<S> = (Box<Player<S>>, Past, Vec<Box<Player<S>>>);

/// Where a block's events come from and go to, and what holds for all of it.
pub(super) struct Desk<'d> {
    pub input: &'d dyn EventSource,
    pub output: &'d mut dyn EventSink,
    pub facts: BlockFacts,
}

impl<P: Parameters, S: Sample> ShellAudio<P, S> {
    /// The audio half around a prepared player. `announced`: latency that the host knows. `past`: what the same player
    /// heard before a restart that was our wish. Allocates. [main]
    #[must_use]
    pub fn new(
        params: Arc<P>,
        link: Arc<Link<S>>,
        player: Box<Player<S>>,
        config: AudioConfig,
        announced: u32,
        host: Option<Arc<dyn Host>>,
        past: Option<Past>,
    ) -> Self {
        let channels = player.buffers.output_channels();
        let inputs = player.buffers.main_inputs();
        let mut bypass = Bypass::new(inputs, config.max_frames, announced, config.sample_rate);
        bypass.jump(is_bypassed(&*params, player.bypass));
        let state_seen = player.loads;
        let (told_tail, told_latency, cost) = (player.tail, player.latency, player.cost);
        let mut feed = Feed::new();
        match past {
            Some(past) => feed.past = past,
            None => feed.keys_from = link.keys.now(),
        }
        Self {
            // A candidate may have more channels than the first player: the guard knows up to 64 of the main bus.
            guard: Guard::new(channels.max(64), config.sample_rate),
            params,
            link,
            current: player,
            incoming: None,
            fade: automatic_frames(config.sample_rate),
            leaving: None,
            feed,
            outgoing: Outgoing::new(),
            bypass,
            config,
            state_seen,
            blocks: 0,
            told_tail,
            told_latency,
            quiet_frames: 0,
            since_nudge: 0,
            costs: [cost; 3],
            host,
        }
    }

    /// True if a block has run since the activation.
    #[must_use]
    pub const fn has_played(&self) -> bool {
        self.blocks > 0
    }

    /// The player, with any change-over ended at once, what it has heard, and the other players. [main]
    #[must_use]
    pub fn into_players(mut self) -> Players<S> {
        let mut others: Vec<_> = self.leaving.take().into_iter().collect();
        self.current.loads = self.state_seen;
        if let Some(incoming) = self.incoming.take() {
            let old = std::mem::replace(&mut self.current, incoming.into_player());
            others.push(old);
        }
        (self.current, self.feed.into_past(), others)
    }

    /// Sends a player back to where it is dropped.
    pub(super) fn leave(&mut self, mut player: Box<Player<S>>, end: End) {
        player.end = end;
        if let Err(player) = self.link.outbox.try_put(player) {
            self.leaving = Some(player);
        }
    }

    /// True if a candidate may be taken: no change-over runs, and the last player is out of the door.
    fn is_free(&mut self) -> bool {
        if let Some(player) = self.leaving.take()
            && let Err(player) = self.link.outbox.try_put(player)
        {
            self.leaving = Some(player);
        }
        self.incoming.is_none() && self.leaving.is_none()
    }

    /// One chunk of at most `max_frames`, one player.
    pub(super) fn steady_chunk(
        &mut self,
        block: &HostBlock<'_>,
        (start, frames): (u32, u32),
        desk: &mut Desk<'_>,
        verdict: &mut Verdict,
    ) {
        let Self { current, feed, params, guard, bypass, outgoing, link, state_seen, .. } = self;
        let (effect, bypass_index) = (current.effect, current.bypass);
        let (buffers, mut player) = current.parts();
        let mut io = buffers.bind(block, start, frames, false);
        let (mut at, end) = (start, start + frames);
        while at < end {
            let stop = feed.next(&**params, desk.input, at, end);
            let span = Span { start, from: (at - start) as usize, to: (stop - start) as usize };
            let bypassed = is_bypassed(&**params, bypass_index);
            let dry = bypass.needs_dry(bypassed) || player.instance.is_dead();
            if dry {
                bypass.capture(&io, span.from, span.to);
            }
            let news = Hearing { feed, facts: desk.facts, state_changed: state_changed(link, state_seen) };
            let ran = run(&mut player, &mut io, span, &news, outgoing);
            outgoing.deliver((at, stop), &**params, link, &mut feed.past, desk.output);
            let bad = match &ran {
                Ok(_) => guard.first_bad(&mut io, span.from, span.to),
                Err(Dead) => Some(span.from),
            };
            let mut step = None;
            if let Some(bad) = bad {
                verdict.lost = true;
                let fallback = fall_back(&mut io, effect, dry.then_some(&*bypass), bad, span.to);
                step = guard.fall(fallback).then_some(bad);
                if !player.instance.is_dead() {
                    link.not_finite.store(true, Relaxed);
                    player.instance.give_up();
                }
            }
            verdict.take(ran.ok());
            if dry {
                bypass.apply(&mut io, bypassed, span.from, span.to);
            }
            guard.smooth(&mut io, span.from, span.to, step.filter(|_| !bypass.is_full()));
            at = stop;
        }
        guard.remember(&mut io);
        verdict.constants(&mut io);
        io.finish();
    }

    /// What is heard becomes as late as the host knows, and the dry signal with it.
    #[cold]
    #[inline(never)]
    fn keep_in_step(&mut self) {
        let known = self.link.known_latency.load(Acquire);
        self.current.trim_pad(known, self.fade);
        let mut coming = self.incoming.as_mut().map(Incoming::player_mut);
        for player in [Some(&mut *self.current), coming.as_deref_mut()].into_iter().flatten() {
            if let Some(spent) = player.growing.take_if(|longer| longer.is_over())
                && let Err(spent) = self.link.spent_pad.try_put(spent)
            {
                // Until [main] has made room.
                player.growing = Some(spent);
            }
        }
        if self.current.growing.is_none()
            && coming.as_ref().is_none_or(|coming| coming.growing.is_none())
            && let Some(mut longer) = self.link.longer_pad.take()
        {
            // Each has its own: the one on its way in may fail, and what it had goes with it.
            if let Some(coming) = coming
                && let Some(second) = longer.take_second()
            {
                coming.lengthen_pad(known, second);
            }
            self.current.lengthen_pad(known, longer);
        }
        if let Some(spent) = self.bypass.take_spent()
            && let Err(spent) = self.link.spent_redelay.try_put(spent)
        {
            // Until [main] has made room; the dry signal is in step already.
            self.bypass.change_delay(spent);
        }
        if !self.bypass.is_changing()
            && let Some(change) = self.link.redelay.take()
        {
            self.bypass.change_delay(change);
        }
    }

    /// A chunk in which two players run. Out of line: a block without one pays a test and a jump.
    #[cold]
    #[inline(never)]
    fn swap_turn(
        &mut self,
        block: &HostBlock<'_>,
        span: (u32, u32),
        desk: &mut Desk<'_>,
        verdict: &mut Verdict,
    ) {
        if let Some(incoming) = self.incoming.take() {
            let answer = self.swap_chunk(incoming, block, span, desk);
            verdict.join(&answer);
        }
    }
}

/// True once per state load.
#[inline]
pub(super) fn state_changed<S>(link: &Link<S>, seen: &mut u64) -> bool {
    let loads = link.state_loads.load(Acquire);
    std::mem::replace(seen, loads) != loads
}

/// True if the shell-made bypass at `index` is on.
#[inline]
pub(super) fn is_bypassed<P: Parameters>(params: &P, index: Option<u32>) -> bool {
    index.and_then(|index| params.cell(index)).is_some_and(|cell| cell.base() >= 0.5)
}

impl<P: Parameters, S: Sample> Audio for ShellAudio<P, S> {
    fn process(
        &mut self,
        block: &mut HostBlock<'_>,
        input: &dyn EventSource,
        output: &mut dyn EventSink,
    ) -> Outcome {
        let _flush = FlushDenormals::new();
        let frames = block.frames();
        if frames == 0 {
            self.flush(input, output);
            return Outcome::default();
        }
        self.blocks = self.blocks.wrapping_add(1);
        if self.current.pad.is_some()
            || self.current.growing.is_some()
            || !self.link.longer_pad.is_empty()
            || !self.link.redelay.is_empty()
            || self.bypass.is_changing()
        {
            self.keep_in_step();
        }
        let facts = BlockFacts { steady_time: block.steady_time, mode: block.mode };
        if !self.link.keys.is_empty() {
            self.feed.take_keys(&self.link.keys, self.current.midi);
        }
        let mut desk = Desk { input, output, facts };
        let mut started = None;
        if !self.link.inbox.is_empty() && self.is_free() {
            started = Some(Instant::now());
            self.take(&mut desk);
        } else if self.leaving.is_some() {
            self.is_free();
        }
        if started.is_none() && (self.blocks.is_multiple_of(TIMED) || self.incoming.is_some()) {
            started = Some(Instant::now());
        }
        let coming = self.incoming.as_ref().map(Incoming::split);
        self.feed.begin(self.current.split, coming, &block.transport, frames);
        let mut verdict = Verdict::default();
        let mut start = 0;
        while start < frames {
            let chunk = (frames - start).min(self.config.max_frames.max(1));
            if self.incoming.is_some() {
                self.swap_turn(block, (start, chunk), &mut desk, &mut verdict);
            } else {
                self.steady_chunk(block, (start, chunk), &mut desk, &mut verdict);
            }
            start += chunk;
        }
        if frames > self.config.max_frames {
            verdict.is_part();
        }
        let lost = self.feed.end(&*self.params, input);
        if lost > 0 {
            self.link.dropped_events.fetch_add(u64::from(lost), Relaxed);
        }
        self.conclude(&verdict, block, started)
    }

    fn flush(&mut self, input: &dyn EventSource, _output: &mut dyn EventSink) {
        Feed::flush(&*self.params, input);
        let lost = self.feed.keep(input);
        if lost > 0 {
            self.link.dropped_events.fetch_add(u64::from(lost), Relaxed);
        }
    }

    fn clear(&mut self) {
        let _flush = FlushDenormals::new();
        self.feed.all_sound_off();
        // A failure marks the instance; the next block falls back and the replacement follows.
        let _ = self.current.instance.clear();
        self.current.clear_pads();
        if let Some(incoming) = &mut self.incoming {
            incoming.clear();
        }
        self.bypass.clear();
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}
