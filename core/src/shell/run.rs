//! One sub-block of one player, and where its output events go.
//!
//! Called by: `shell/audio`, `shell/swap`. Calls: `instance`, `shell/replay`. Threads: [audio]; `new` allocates.

#![deny(clippy::disallowed_types)]

use std::sync::atomic::Ordering::{Acquire, Relaxed};

use hotshell_abi::{Event, EventKind, EventOutput, Reason, RenderMode, Sample};

use crate::instance::{BlockContext, BlockResult, Dead};
use crate::params::Parameters;
use crate::rt::bound::Bound;
use crate::shell::EventSink;
use crate::shell::bypass::Redelay;
use crate::shell::delay::DelayLine;
use crate::shell::feed::Feed;
use crate::shell::player::{Link, Player};
use crate::shell::replay::Past;

/// Most output events of one sub-block, and bytes of its system exclusives.
const EVENTS: usize = 1024;
const BYTES: usize = 64 * 1024;

/// What holds for the whole host block.
#[derive(Clone, Copy, Debug)]
pub struct BlockFacts {
    /// Of the block's start, or -1.
    pub steady_time: i64,
    /// Real time or offline.
    pub mode: RenderMode,
}

/// Frames `from..to` of a chunk that starts at `start` in the host block.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Host block frame.
    pub start: u32,
    /// Chunk frame.
    pub from: usize,
    /// Chunk frame.
    pub to: usize,
}

/// What a player hears in one sub-block.
#[derive(Debug)]
pub struct Hearing<'h> {
    /// Events and timeline.
    pub feed: &'h Feed,
    /// Of the block.
    pub facts: BlockFacts,
    /// A state load is seen for the first time.
    pub state_changed: bool,
}

/// Runs `player` on one sub-block of `io` and pads its latency. Its output events are in `outgoing` afterwards.
///
/// # Errors
/// [`Dead`]: the span holds nothing to be heard.
#[inline]
pub fn run<S: Sample>(
    player: &mut PlayerParts<'_, S>,
    io: &mut Bound<'_, S>,
    span: Span,
    hearing: &Hearing<'_>,
    outgoing: &mut Outgoing,
) -> Result<BlockResult, Dead> {
    run_with(player, io, span, hearing, hearing.feed.events(), outgoing)
}

/// [`run`] with other events: a replay before the sub-block's own.
///
/// # Errors
/// As [`run`].
#[inline]
pub fn run_with<S: Sample>(
    player: &mut PlayerParts<'_, S>,
    io: &mut Bound<'_, S>,
    span: Span,
    hearing: &Hearing<'_>,
    events: &[Event],
    outgoing: &mut Outgoing,
) -> Result<BlockResult, Dead> {
    let context = BlockContext {
        #[expect(clippy::cast_possible_truncation, reason = "frames of a host block, a u32")]
        offset: span.start + span.from as u32,
        events,
        transport: hearing.feed.transport(),
        steady_time: hearing.facts.steady_time,
        mode: hearing.facts.mode,
        first_block: std::mem::replace(player.first_block, Reason::NONE),
        state_changed: hearing.state_changed,
        muted: player.muted,
    };
    let mut queue = EventOutput::new(&mut outgoing.events, &mut outgoing.bytes);
    let result = player.instance.process(io.sub(span.from, span.to - span.from), &context, &mut queue);
    outgoing.len = queue.events().len();
    outgoing.dropped = queue.dropped;
    let result = result?;
    if let Some(longer) = player.growing.as_deref_mut().filter(|longer| !longer.is_over()) {
        grow(player.pad.get_or_insert_with(|| DelayLine::new(0, 0)), longer, io, span);
    } else if let Some(pad) = player.pad {
        for channel in 0..io.output_channels() {
            pad.run(channel, &mut io.output(channel)[span.from..span.to]);
        }
        pad.advance(span.to - span.from);
    }
    Ok(result)
}

/// A span on the way from `pad` (an empty one has no memory) to a longer one.
#[cold]
#[inline(never)]
fn grow<S: Sample>(pad: &mut DelayLine<S>, longer: &mut Redelay<S>, io: &mut Bound<'_, S>, span: Span) {
    for channel in 0..io.output_channels() {
        longer.run(channel, &mut io.output(channel)[span.from..span.to], pad);
    }
    pad.advance(span.to - span.from);
    longer.advance(span.to - span.from, pad);
}

/// The parts of a player that run while its buffers are bound.
#[derive(Debug)]
pub struct PlayerParts<'p, S> {
    /// The logic.
    pub instance: &'p mut crate::instance::Instance<S>,
    /// Latency pad.
    pub pad: &'p mut Option<DelayLine<S>>,
    /// Its way to a longer one.
    pub growing: &'p mut Option<Box<Redelay<S>>>,
    /// Why the next block is a first block.
    pub first_block: &'p mut Reason,
    /// What it says goes to nobody.
    pub muted: bool,
}

impl<S: Sample> Player<S> {
    /// The player's buffers on one side, what runs on the other.
    pub fn parts(&mut self) -> (&mut crate::rt::buffers::Buffers<S>, PlayerParts<'_, S>) {
        let parts = PlayerParts {
            instance: &mut self.instance,
            pad: &mut self.pad,
            growing: &mut self.growing,
            first_block: &mut self.first_block,
            muted: false,
        };
        (&mut self.buffers, parts)
    }
}

/// Memory for a sub-block's output events.
#[derive(Debug)]
pub struct Outgoing {
    events: Vec<Event>,
    bytes: Vec<u8>,
    len: usize,
    dropped: u32,
}

impl Outgoing {
    /// Allocates everything it will ever use.
    #[must_use]
    pub fn new() -> Self {
        Self { events: vec![Event::new(EventKind(0), 0); EVENTS], bytes: vec![0; BYTES], len: 0, dropped: 0 }
    }

    /// Forgets the events of a muted player.
    pub const fn discard(&mut self) {
        self.len = 0;
        self.dropped = 0;
    }

    /// Passes the events on in order of time, within host block frames `at..stop`. Parameter outputs go into their
    /// cells, and to the host only if it knows the parameter.
    #[inline]
    pub fn deliver<P: Parameters, S>(
        &mut self,
        span: (u32, u32),
        params: &P,
        link: &Link<S>,
        past: &mut Past,
        sink: &mut dyn EventSink,
    ) {
        if self.len > 0 || self.dropped > 0 {
            self.deliver_some(span, params, link, past, sink);
        }
    }

    fn deliver_some<P: Parameters, S>(
        &mut self,
        (at, stop): (u32, u32),
        params: &P,
        link: &Link<S>,
        past: &mut Past,
        sink: &mut dyn EventSink,
    ) {
        link.dropped_events.fetch_add(u64::from(self.dropped), Relaxed);
        let events = &mut self.events[..self.len];
        sort_by_time(events);
        for event in events {
            event.time = event.time.clamp(at, stop.saturating_sub(1).max(at));
            if !admit(event, params, link, past) {
                continue;
            }
            past.observe_output(event);
            if !sink.send(event, sysex(&self.bytes, event)) {
                link.dropped_events.fetch_add(1, Relaxed);
            }
        }
        self.discard();
    }
}

impl Default for Outgoing {
    fn default() -> Self {
        Self::new()
    }
}

fn sysex<'b>(bytes: &'b [u8], event: &Event) -> &'b [u8] {
    if event.kind != EventKind::SYSEX {
        return &[];
    }
    let (Ok(at), Ok(len)) = (usize::try_from(event.data[0]), usize::try_from(event.data[1])) else {
        return &[];
    };
    at.checked_add(len).and_then(|end| bytes.get(at..end)).unwrap_or(&[])
}

/// Stable, in place, without memory: logics send in order nearly always.
fn sort_by_time(events: &mut [Event]) {
    for i in 1..events.len() {
        let mut k = i;
        while k > 0 && events[k - 1].time > events[k].time {
            events.swap(k - 1, k);
            k -= 1;
        }
    }
}

/// Writes a parameter output into its cell; false if the host must not see the event. Modulation and values of single
/// voices are the host's alone: a logic that passes its events on passes them too.
fn admit<P: Parameters, S>(event: &mut Event, params: &P, link: &Link<S>, past: &mut Past) -> bool {
    let hosts =
        event.kind == EventKind::PARAM_MOD || (event.kind == EventKind::PARAM_VALUE && event.is_per_voice());
    if hosts {
        return false;
    }
    // Of a note that only the editor has played the host has no voice that it could end.
    if event.kind == EventKind::NOTE_END && !past.ends(event) {
        return false;
    }
    let of_param =
        [EventKind::PARAM_VALUE, EventKind::GESTURE_BEGIN, EventKind::GESTURE_END].contains(&event.kind);
    if !of_param {
        return true;
    }
    let Some(index) = params.find(event.id, 0).filter(|index| params.is_live(*index)) else { return false };
    if event.kind == EventKind::PARAM_VALUE {
        event.value = params.clamp(index, event.value);
        if let Some(cell) = params.cell(index) {
            cell.set_base(event.value);
        }
    }
    index < link.announced_params.load(Acquire)
}
