//! One block, start to end: inbox, events, run, guard, bypass, outbox.
//!
//! Called by: the adapters' `process`, through [`Audio`]. Calls: `shell/{feed,run,swap,guard,bypass}`.
//! Threads: [audio]; `new` and `into_player` are [main].

#![deny(clippy::disallowed_types)]

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Instant;

use hotshell_abi::{AudioConfig, Sample};

use crate::host::Host;
use crate::instance::{BlockResult, Dead};
use crate::params::Parameters;
use crate::rt::bound::Bound;
use crate::rt::denormals::FlushDenormals;
use crate::shell::bypass::Bypass;
use crate::shell::feed::Feed;
use crate::shell::guard::{Guard, fall_back};
use crate::shell::player::{End, Link, Player};
use crate::shell::run::{BlockFacts, Hearing, Outgoing, Span, run};
use crate::shell::swap::Incoming;
use crate::shell::{Audio, BlockStatus, EventSink, EventSource, HostBlock, Outcome};

/// A block in this many is timed: two clock reads cost as much as a small gain.
const TIMED: u64 = 64;

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
    /// Called in the block in which the logic fails, and in no other; none where a reload thread looks after faults.
    host: Option<Arc<dyn Host>>,
}

impl<P, S> std::fmt::Debug for ShellAudio<P, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShellAudio").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Where a block's events come from and go to, and what holds for all of it.
pub(super) struct Desk<'d> {
    pub input: &'d dyn EventSource,
    pub output: &'d mut dyn EventSink,
    pub facts: BlockFacts,
}

/// What a block adds up to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdict {
    pub active: bool,
    pub lost: bool,
    pub silent: bool,
    pub masks: [u64; MASKS],
    pub result: Option<BlockResult>,
}

/// Buses whose constant masks are passed on.
const MASKS: usize = 8;

impl Verdict {
    /// Adds one sub-block's answer.
    #[inline]
    pub fn take(&mut self, result: Option<BlockResult>) {
        if let Some(result) = result {
            self.active |= result.active;
            self.result = Some(result);
        }
    }

    /// Looks which outputs are constant over the chunk: only where the logic says so, or says that it is quiet.
    #[inline]
    pub fn constants<S: Sample>(&mut self, io: &mut Bound<'_, S>) {
        if self.active && (0..io.output_buses()).all(|bus| io.output_mask(bus) == 0) {
            return;
        }
        self.silent = true;
        for i in 0..io.output_channels() {
            let (Some((bus, channel)), Some(first)) = (io.output_place(i), io.output(i).first().copied())
            else {
                continue;
            };
            let constant = io.output(i).iter().all(|sample| *sample == first);
            self.silent &= constant && first == S::ZERO;
            if let (true, true, Some(mask)) = (constant, channel < 64, self.masks.get_mut(bus)) {
                *mask |= 1 << channel;
            }
        }
    }

    /// Adds a chunk's verdict; masks hold only if the chunk was the whole block.
    pub fn join(&mut self, chunk: &Self, whole: bool) {
        self.active |= chunk.active;
        self.lost |= chunk.lost;
        self.silent = whole && chunk.silent;
        self.masks = if whole { chunk.masks } else { [0; MASKS] };
        self.result = chunk.result.or(self.result);
    }
}

impl<P: Parameters, S: Sample> ShellAudio<P, S> {
    /// The audio half around a prepared player. `announced`: latency that the host knows. Allocates. [main]
    #[must_use]
    pub fn new(
        params: Arc<P>,
        link: Arc<Link<S>>,
        player: Box<Player<S>>,
        config: AudioConfig,
        announced: u32,
        host: Option<Arc<dyn Host>>,
    ) -> Self {
        let channels = player.buffers.output_channels();
        let inputs = player.buffers.main_inputs();
        let mut bypass = Bypass::new(inputs, config.max_frames, announced, config.sample_rate);
        bypass.jump(is_bypassed(&*params, player.bypass));
        let state_seen = player.loads;
        let told_tail = player.tail;
        Self {
            // A candidate may have more channels than the first player: the guard knows up to 64 of the main bus.
            guard: Guard::new(channels.max(64), config.sample_rate),
            params,
            link,
            current: player,
            incoming: None,
            leaving: None,
            feed: Feed::new(),
            outgoing: Outgoing::new(),
            bypass,
            config,
            state_seen,
            blocks: 0,
            told_tail,
            host,
        }
    }

    /// The player, with any change-over ended at once; the others are in the second place. [main]
    #[must_use]
    pub fn into_players(mut self) -> (Box<Player<S>>, Vec<Box<Player<S>>>) {
        let mut others: Vec<_> = self.leaving.take().into_iter().collect();
        self.current.loads = self.state_seen;
        if let Some(incoming) = self.incoming.take() {
            let old = std::mem::replace(&mut self.current, incoming.into_player(&self.link));
            others.push(old);
        }
        (self.current, others)
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
    ) -> Verdict {
        let Self { current, feed, params, guard, bypass, outgoing, link, state_seen, .. } = self;
        let (effect, bypass_index) = (current.effect, current.bypass);
        let (buffers, mut player) = current.parts();
        let mut io = buffers.bind(block, start, frames, false);
        let mut verdict = Verdict::default();
        let (mut at, end, mut ramp_at) = (start, start + frames, 0);
        while at < end {
            let stop = feed.next(&**params, desk.input, at, end);
            let span = Span { start, from: (at - start) as usize, to: (stop - start) as usize };
            let bypassed = is_bypassed(&**params, bypass_index);
            let dry = bypass.needs_dry(bypassed);
            if dry {
                bypass.capture(&io, span.from, span.to);
            }
            let news = Hearing { feed, facts: desk.facts, state_changed: state_changed(link, state_seen) };
            let was_dead = player.instance.is_dead();
            let ran = run(&mut player, &mut io, span, &news, outgoing);
            outgoing.deliver((at, stop), &**params, link, &mut feed.past, desk.output);
            let bad = match &ran {
                Ok(_) => guard.first_bad(&mut io, span.from, span.to),
                Err(Dead) => Some(span.from),
            };
            if let Some(bad) = bad {
                fall_back(&mut io, effect, bad, span.to);
                verdict.lost = true;
                if !was_dead {
                    guard.ramp_from(&mut io, bad);
                    ramp_at = bad;
                    link.not_finite.store(ran.is_ok(), Relaxed);
                    player.instance.give_up();
                }
            }
            verdict.take(ran.ok());
            if dry {
                bypass.apply(&mut io, bypassed, span.from, span.to);
            }
            at = stop;
        }
        guard.apply_ramp(&mut io, ramp_at);
        guard.remember(&mut io);
        verdict.constants(&mut io);
        io.finish();
        verdict
    }

    /// Timing, statistics and what the host is told.
    fn conclude(
        &mut self,
        verdict: &Verdict,
        block: &mut HostBlock<'_>,
        started: Option<Instant>,
    ) -> Outcome {
        let frames = block.frames();
        let swapping = self.incoming.is_some();
        if let Some(result) = verdict.result {
            self.link.latency.store(result.latency, Relaxed);
            self.link.tail.store(result.tail, Relaxed);
            if !swapping {
                // A restart for the sake of the latency keeps this player, and announces what it says here.
                (self.current.latency, self.current.tail) = (result.latency, result.tail);
            }
        }
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
        // One that dies while it is faded out (in its `snapshot`, say) is replaced already: it is reported as it leaves.
        if self.current.instance.is_dead() && self.incoming.is_none() {
            self.current.told = true;
            if !self.link.faulted.swap(true, Release)
                && let Some(host) = &self.host
            {
                host.request_callback();
            }
        }
        if let Some(started) = started {
            self.time(started, frames, swapping);
        }
        let tail = self.link.tail.load(Relaxed);
        let tail_changed = tail != self.told_tail;
        self.told_tail = tail;
        let quiet = !verdict.active && !verdict.lost && !swapping && verdict.silent;
        Outcome { status: if quiet { BlockStatus::Sleep } else { BlockStatus::Continue }, tail_changed }
    }

    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of one block")]
    fn time(&mut self, started: Instant, frames: u32, swapping: bool) {
        let nanoseconds = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if swapping {
            self.link.swap_ns.fetch_max(nanoseconds, Relaxed);
        } else {
            self.link.steady_ns.store(nanoseconds, Relaxed);
            let cost = nanoseconds as f32 / frames.max(1) as f32;
            self.current.cost += 0.25 * (cost - self.current.cost);
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
        self.feed.begin(self.current.split, block.transport, frames);
        let mut verdict = Verdict::default();
        let mut start = 0;
        while start < frames {
            let chunk = (frames - start).min(self.config.max_frames.max(1));
            let answer = match self.incoming.take() {
                None => self.steady_chunk(block, (start, chunk), &mut desk),
                Some(incoming) => self.swap_chunk(incoming, block, (start, chunk), &mut desk),
            };
            verdict.join(&answer, chunk == frames);
            start += chunk;
        }
        self.feed.end(&*self.params);
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
