//! Everything that one block needs, in one place: source, engine, meters, sinks. Whoever has a clock turns the deck.
//!
//! While main restarts the plug-in the deck has no engine; it plays silence then (the host's own gap, counted apart).
//!
//! Called by: `clock`, `device`. Calls: `source`, `engine`, `meter`. Threads: [audio]; [`Link`] is what main holds of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use clack_host::events::event_types::{ParamValueEvent, TransportEvent, TransportFlags};
use clack_host::events::io::EventBuffer;
use clack_host::events::{EventFlags, EventHeader, Pckn};
use clack_host::prelude::ClapId;
use clack_host::utils::{BeatTime, SecondsTime};
use parking_lot::Mutex;
use serde::Serialize;

use super::engine::{Engine, Outcome};
use super::meter::Meter;
use super::plugin::Config;
use super::source::Source;
use crate::Error;

/// Beats per minute of the host's timeline.
const TEMPO: f64 = 120.0;

/// One block as it was played.
#[derive(Debug)]
pub struct Played<'a> {
    /// Frames since the start.
    pub at: u64,
    /// Frames of this block: as many of each channel are meant.
    pub frames: usize,
    /// What went in.
    pub input: &'a [Vec<f32>],
    /// What came out, silence where the plug-in wrote nothing.
    pub output: &'a [Vec<f32>],
    /// How it went.
    pub outcome: Outcome,
}

/// Takes every block of a session: a recording, a measurement.
pub trait Sink: Send {
    /// One block. [audio]
    fn block(&mut self, block: &Played<'_>);

    /// The session is over. [main]
    ///
    /// # Errors
    /// Something went wrong on the way.
    fn finish(self: Box<Self>) -> Result<(), Error>;
}

/// What a session counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Totals {
    /// Blocks that the plug-in was asked for, slept ones included.
    pub blocks: u64,
    /// Blocks with an unwritten or non-finite sample, or refused.
    pub blocks_lost: u64,
    /// Output samples that were never written.
    pub samples_unwritten: u64,
    /// Output samples that were NaN or infinite.
    pub samples_not_finite: u64,
    /// Blocks in which the plug-in slept.
    pub blocks_asleep: u64,
    /// Blocks without a plug-in, while main restarted it.
    pub blocks_restarting: u64,
    /// Blocks that were ready after their time. Reported, never judged.
    pub blocks_late: u64,
    /// The latest of them, nanoseconds.
    pub latest_ns: u64,
    /// Longest block in the plug-in, nanoseconds.
    pub slowest_ns: u64,
    /// All blocks in the plug-in, nanoseconds.
    pub busy_ns: u64,
    /// Frames played.
    pub frames: u64,
    /// Events that the plug-in sent.
    pub events_out: u64,
}

#[derive(Debug, Default)]
struct Counters {
    blocks: AtomicU64,
    lost: AtomicU64,
    unwritten: AtomicU64,
    not_finite: AtomicU64,
    asleep: AtomicU64,
    restarting: AtomicU64,
    late: AtomicU64,
    latest_ns: AtomicU64,
    slowest_ns: AtomicU64,
    busy_ns: AtomicU64,
    frames: AtomicU64,
    events_out: AtomicU64,
}

/// What main and the deck share.
pub struct Link {
    main: Thread,
    /// Main wants the engine.
    wanted: AtomicBool,
    to_main: Mutex<Option<Engine>>,
    to_deck: Mutex<Option<Engine>>,
    edits: Mutex<Vec<(ClapId, f64)>>,
    stop: AtomicBool,
    ended: AtomicBool,
    sinks: Mutex<Vec<Box<dyn Sink>>>,
    counters: Counters,
    /// Levels of the output.
    pub meter: Meter,
}

impl Link {
    fn new() -> Self {
        Self {
            main: std::thread::current(),
            wanted: AtomicBool::new(false),
            to_main: Mutex::new(None),
            to_deck: Mutex::new(None),
            edits: Mutex::new(Vec::new()),
            stop: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            sinks: Mutex::new(Vec::new()),
            counters: Counters::default(),
            meter: Meter::default(),
        }
    }

    /// Asks the deck to end. [main]
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// True once the deck has ended and left its engine and sinks here. [main]
    pub fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Takes the engine out of the deck; `None` if it does not come within `limit`. [main]
    pub fn take_engine(&self, limit: Duration) -> Option<Engine> {
        self.wanted.store(true, Ordering::Release);
        let until = Instant::now() + limit;
        loop {
            let engine = self.to_main.lock().take();
            if engine.is_some() {
                self.wanted.store(false, Ordering::Release);
                return engine;
            }
            std::thread::park_timeout(
                until.checked_duration_since(Instant::now())?.min(Duration::from_millis(10)),
            );
        }
    }

    /// Puts an engine into the deck. [main]
    pub fn give_engine(&self, engine: Engine) {
        *self.to_deck.lock() = Some(engine);
    }

    /// An engine that the deck has not taken yet. [main]
    pub fn untaken_engine(&self) -> Option<Engine> {
        self.to_deck.lock().take()
    }

    /// Sends a value with the next block, as the plug-in's format has it. [main]
    pub fn edit(&self, id: ClapId, value: f64) {
        self.edits.lock().push((id, value));
    }

    /// The sinks of a deck that has ended. [main]
    pub fn take_sinks(&self) -> Vec<Box<dyn Sink>> {
        std::mem::take(&mut *self.sinks.lock())
    }

    /// What was counted so far. [any]
    pub fn totals(&self) -> Totals {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        Totals {
            blocks: read(&counters.blocks),
            blocks_lost: read(&counters.lost),
            samples_unwritten: read(&counters.unwritten),
            samples_not_finite: read(&counters.not_finite),
            blocks_asleep: read(&counters.asleep),
            blocks_restarting: read(&counters.restarting),
            blocks_late: read(&counters.late),
            latest_ns: read(&counters.latest_ns),
            slowest_ns: read(&counters.slowest_ns),
            busy_ns: read(&counters.busy_ns),
            frames: read(&counters.frames),
            events_out: read(&counters.events_out),
        }
    }

    /// Notes a block that was ready `late` after its time. [audio]
    pub fn note_late(&self, late: Duration) {
        self.counters.late.fetch_add(1, Ordering::Relaxed);
        self.counters.latest_ns.fetch_max(nanoseconds(late), Ordering::Relaxed);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The deck.
pub struct Deck {
    link: Arc<Link>,
    engine: Option<Engine>,
    config: Config,
    source: Source,
    sinks: Vec<Box<dyn Sink>>,
    input: Vec<Vec<f32>>,
    output: Vec<Vec<f32>>,
    events: EventBuffer,
    position: u64,
    last: Option<u64>,
    over: bool,
}

impl Deck {
    /// A deck that plays `source` through `engine`, for `last` frames if given. Its output has as many channels as the
    /// engine's, whatever a restart changes. [main]
    #[must_use]
    pub fn new(
        engine: Engine,
        source: Source,
        sinks: Vec<Box<dyn Sink>>,
        last: Option<u64>,
    ) -> (Self, Arc<Link>) {
        let config = engine.config();
        let silence = || vec![0.0; usize::try_from(config.max_frames).unwrap_or(0)];
        let input = (0..source.channels()).map(|_| silence()).collect();
        let output = engine.output().iter().map(|_| silence()).collect();
        let link = Arc::new(Link::new());
        let deck = Self {
            link: link.clone(),
            engine: Some(engine),
            config,
            source,
            sinks,
            input,
            output,
            events: EventBuffer::with_capacity(1024),
            position: 0,
            last,
            over: false,
        };
        (deck, link)
    }

    /// As the engine was activated.
    #[must_use]
    pub const fn config(&self) -> Config {
        self.config
    }

    /// What main holds of it.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Output of the last block.
    #[must_use]
    pub fn output(&self) -> &[Vec<f32>] {
        &self.output
    }

    /// Plays one block of at most `frames` frames; the number that were played, 0 past the end (then the engine and the
    /// sinks are on their way to main).
    pub fn block(&mut self, frames: u32) -> u32 {
        self.exchange();
        let frames = frames.min(self.config.max_frames);
        let left = self.last.map_or(u64::MAX, |last| last.saturating_sub(self.position));
        let frames = u32::try_from(left).map_or(frames, |left| left.min(frames));
        if self.over || frames == 0 || self.link.stop.load(Ordering::Acquire) || self.source_ended() {
            self.end();
            return 0;
        }
        self.play(frames);
        frames
    }

    /// Without a fixed length a session is over when its source is.
    fn source_ended(&self) -> bool {
        self.last.is_none() && self.source.ended()
    }

    fn play(&mut self, frames: u32) {
        let length = usize::try_from(frames).unwrap_or(0);
        let notes = self.engine.as_ref().and_then(Engine::notes);
        self.events.clear();
        // A lock that main holds right now: the edits come with the next block.
        if let Some(mut edits) = self.link.edits.try_lock() {
            for (id, value) in edits.drain(..) {
                self.events.push(&ParamValueEvent::new(0, id, Pckn::match_all(), value));
            }
        }
        self.source.fill(&mut self.input, frames, &mut self.events, notes);
        let outcome = self.run(frames, length);
        self.link.meter.block(&self.output, length);
        let played =
            Played { at: self.position, frames: length, input: &self.input, output: &self.output, outcome };
        for sink in &mut self.sinks {
            sink.block(&played);
        }
        self.position += u64::from(frames);
        self.link.counters.frames.store(self.position, Ordering::Relaxed);
    }

    fn run(&mut self, frames: u32, length: usize) -> Outcome {
        let transport = transport(self.position, self.config.sample_rate);
        let counters = &self.link.counters;
        let Some(engine) = &mut self.engine else {
            counters.restarting.fetch_add(1, Ordering::Relaxed);
            self.output.iter_mut().for_each(|channel| channel[..length].fill(0.0));
            return Outcome::default();
        };
        let start = Instant::now();
        let outcome = engine.process(frames, &self.input, &self.events, self.position, &transport);
        let busy = nanoseconds(start.elapsed());
        for (index, to) in self.output.iter_mut().enumerate() {
            match engine.output().get(index) {
                Some(from) => to[..length].copy_from_slice(&from[..length]),
                None => to[..length].fill(0.0),
            }
        }
        counters.blocks.fetch_add(1, Ordering::Relaxed);
        counters.lost.fetch_add(u64::from(outcome.is_lost()), Ordering::Relaxed);
        counters.unwritten.fetch_add(u64::from(outcome.unwritten), Ordering::Relaxed);
        counters.not_finite.fetch_add(u64::from(outcome.not_finite), Ordering::Relaxed);
        counters.asleep.fetch_add(u64::from(outcome.asleep), Ordering::Relaxed);
        counters.events_out.fetch_add(u64::from(outcome.events_out), Ordering::Relaxed);
        counters.busy_ns.fetch_add(busy, Ordering::Relaxed);
        counters.slowest_ns.fetch_max(busy, Ordering::Relaxed);
        outcome
    }

    /// Gives the engine to main if main wants it, takes one if there is one.
    fn exchange(&mut self) {
        if self.link.wanted.load(Ordering::Acquire)
            && let Some(mut engine) = self.engine.take()
        {
            engine.stop();
            *self.link.to_main.lock() = Some(engine);
            self.link.main.unpark();
        } else if self.engine.is_none()
            && let Some(mut waiting) = self.link.to_deck.try_lock()
        {
            self.engine = waiting.take();
        }
    }

    fn end(&mut self) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        if let Some(mut engine) = self.engine.take() {
            engine.stop();
            *self.link.to_main.lock() = Some(engine);
        }
        *self.link.sinks.lock() = std::mem::take(&mut self.sinks);
        self.link.ended.store(true, Ordering::Release);
        self.link.main.unpark();
    }
}

fn transport(position: u64, sample_rate: f64) -> TransportEvent {
    let seconds = exact(position) / sample_rate;
    let beats = seconds * TEMPO / 60.0;
    let bar = (beats / 4.0).floor();
    TransportEvent {
        header: EventHeader::new_core(0, EventFlags::empty()),
        flags: TransportFlags::HAS_TEMPO
            | TransportFlags::HAS_BEATS_TIMELINE
            | TransportFlags::HAS_SECONDS_TIMELINE
            | TransportFlags::HAS_TIME_SIGNATURE
            | TransportFlags::IS_PLAYING,
        song_pos_beats: BeatTime::from_float(beats),
        song_pos_seconds: SecondsTime::from_float(seconds),
        tempo: TEMPO,
        tempo_inc: 0.0,
        loop_start_beats: BeatTime::from_int(0),
        loop_end_beats: BeatTime::from_int(0),
        loop_start_seconds: SecondsTime::from_int(0),
        loop_end_seconds: SecondsTime::from_int(0),
        bar_start: BeatTime::from_float(bar * 4.0),
        bar_number: whole(bar),
        time_signature_numerator: 4,
        time_signature_denominator: 4,
    }
}

#[allow(clippy::cast_precision_loss, reason = "exact up to 2^52 frames, three thousand years at 48 kHz")]
const fn exact(frames: u64) -> f64 {
    frames as f64
}

#[allow(clippy::cast_possible_truncation, reason = "a bar number; a float cast saturates")]
const fn whole(number: f64) -> i32 {
    number as i32
}
