//! One block, start to end: inbox, events, run, guard, bypass, outbox.
//!
//! Called by: the adapters' `process`, through [`Audio`]. Calls: `shell/{feed,run,swap,guard,bypass,verdict}`.
//! Threads: [audio]; `new` and `into_player` are [main].

#![deny(clippy::disallowed_types)]

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Instant;

use hotshell_abi::{AudioConfig, Sample};

use crate::host::Host;
use crate::instance::Dead;
use crate::params::Parameters;
use crate::rt::denormals::FlushDenormals;
use crate::shell::bypass::Bypass;
use crate::shell::feed::Feed;
use crate::shell::guard::{Guard, fall_back};
use crate::shell::player::{End, Link, Player};
use crate::shell::replay::Past;
use crate::shell::run::{BlockFacts, Hearing, Outgoing, Span, run};
use crate::shell::swap::Incoming;
use crate::shell::verdict::Verdict;
use crate::shell::{Audio, BlockStatus, EventSink, EventSource, HostBlock, Outcome};

/// A block in this many is timed: two clock reads cost as much as a small gain.
const TIMED: u64 = 64;
/// Least time between two calls for help of a shell without a reload thread, in seconds of audio.
const NUDGE_SECONDS: f64 = 0.25;

/// The audio half of one active instance.
pub struct ShellAudio<P, S> {
    pub(super) params: Arc<P>,
    pub(super) link: Arc<Link<S>>,
    pub(super) current: Box<Player<S>>,
    pub(super) incoming: Option<Incoming<S>>,
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
        if let Some(past) = past {
            feed.past = past;
        }
        Self {
            // A candidate may have more channels than the first player: the guard knows up to 64 of the main bus.
            guard: Guard::new(channels.max(64), config.sample_rate),
            params,
            link,
            current: player,
            incoming: None,
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

    /// The player, with any change-over ended at once, what it has heard, and the other players. [main]
    #[must_use]
    pub fn into_players(mut self) -> Players<S> {
        let mut others: Vec<_> = self.leaving.take().into_iter().collect();
        self.current.loads = self.state_seen;
        if let Some(incoming) = self.incoming.take() {
            let old = std::mem::replace(&mut self.current, incoming.into_player(&self.link));
            others.push(old);
        }
        (self.current, self.feed.past, others)
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

    /// Timing, statistics and what the host is told.
    #[inline]
    fn conclude(
        &mut self,
        verdict: &Verdict,
        block: &mut HostBlock<'_>,
        started: Option<Instant>,
    ) -> Outcome {
        let frames = block.frames();
        let swapping = self.incoming.is_some();
        let latency_moved = self.learn(verdict, swapping);
        for bus in 0..block.outputs().len() {
            let mask =
                verdict.masks.get(bus).copied().filter(|_| !swapping && !block.outputs()[bus].inactive);
            block.set_constant_mask(bus, mask.unwrap_or(0));
        }
        self.link.blocks.store(self.link.blocks.load(Relaxed) + 1, Relaxed);
        self.link.begin();
        if verdict.lost {
            self.link.lost.store(self.link.lost.load(Relaxed) + 1, Relaxed);
        }
        let failed = self.tell_fault();
        self.call_for_help(failed || latency_moved, frames);
        if let Some(started) = started {
            self.time(started, frames, swapping);
        }
        let tail = self.link.tail.load(Relaxed);
        let tail_changed = tail != self.told_tail;
        self.told_tail = tail;
        let quiet = !verdict.active && !verdict.lost && !swapping && verdict.silent;
        let sleep = quiet && self.delayed_frames() <= self.quiet_frames;
        self.quiet_frames = if quiet { self.quiet_frames.saturating_add(u64::from(frames)) } else { 0 };
        Outcome { status: if sleep { BlockStatus::Sleep } else { BlockStatus::Continue }, tail_changed }
    }

    /// What is on its way through our own delays may still be heard.
    fn delayed_frames(&self) -> u64 {
        let pad = self.current.pad.as_ref().map_or(0, crate::shell::delay::DelayLine::frames);
        pad.max(self.bypass.frames()) as u64
    }

    /// Takes over what the logic said of itself; true if its latency differs from what it said before.
    fn learn(&mut self, verdict: &Verdict, swapping: bool) -> bool {
        let Some(result) = verdict.result else { return false };
        self.link.latency.store(result.latency, Relaxed);
        self.link.tail.store(result.tail, Relaxed);
        if !swapping {
            (self.current.latency, self.current.tail) = (result.latency, result.tail);
        }
        std::mem::replace(&mut self.told_latency, result.latency) != result.latency
    }

    /// Says once of each player that it has failed; true if just now. One that dies while it is faded out (in its
    /// `snapshot`, say) is replaced already: it is reported as it leaves.
    fn tell_fault(&mut self) -> bool {
        let serial = self.current.serial;
        if !self.current.instance.is_dead() || self.current.told || self.incoming.is_some() {
            return false;
        }
        self.current.told = true;
        self.link.fault_build.store(self.current.build, Relaxed);
        self.link.fault.store(serial, Release);
        true
    }

    /// Without a reload thread, the main thread's next look must be asked for: at once where something has happened,
    /// and every now and then while something waits.
    #[inline]
    fn call_for_help(&mut self, happened: bool, frames: u32) {
        let Some(host) = &self.host else { return };
        let waiting = self.current.instance.is_dead() || self.link.nudge.load(Relaxed);
        if !happened && !waiting {
            return;
        }
        self.since_nudge = self.since_nudge.saturating_add(u64::from(frames));
        #[expect(clippy::cast_precision_loss, reason = "frames since a moment ago")]
        let due = self.since_nudge as f64 >= NUDGE_SECONDS * self.config.sample_rate;
        if happened || due {
            self.since_nudge = 0;
            self.link.nudge.store(false, Relaxed);
            host.request_callback();
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of one block")]
    fn time(&mut self, started: Instant, frames: u32, swapping: bool) {
        let nanoseconds = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if swapping {
            self.link.swap_ns.fetch_max(nanoseconds, Relaxed);
        } else {
            self.link.steady_ns.store(nanoseconds, Relaxed);
            self.costs.rotate_left(1);
            self.costs[2] = nanoseconds as f32 / frames.max(1) as f32;
            // The middle one: a block in which the thread was put aside says nothing of the logic.
            let [a, b, c] = self.costs;
            self.current.cost = a.max(b).min(a.min(b).max(c));
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
        let facts = BlockFacts { steady_time: block.steady_time, mode: block.mode };
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
    }

    fn clear(&mut self) {
        let _flush = FlushDenormals::new();
        self.feed.past.all_sound_off();
        // A failure marks the instance; the next block falls back and the replacement follows.
        let _ = self.current.instance.clear();
        if let Some(pad) = &mut self.current.pad {
            pad.clear();
        }
        if let Some(incoming) = &mut self.incoming {
            incoming.clear();
        }
        self.bypass.clear();
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}
