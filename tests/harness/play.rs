//! Audio in the background: a thread that runs blocks at the pace of real time or as fast as it can, and what it saw.
//!
//! Called by: `plugin`, `vst3/plugin`. Calls: `audio`, `vst3/audio`. Threads: starts one audio thread per [`Playing`], joined by
//! `Playing::stop`.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::audio::{Audio, Outcome, Signal, is_good};
use crate::event::{Event, Sent};
use crate::guard;
use crate::plugin::Block;

/// When the next block is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// One block per its own length of time.
    RealTime,
    /// At once.
    Free,
}

/// How to play.
#[derive(Clone)]
pub struct Play {
    /// Frames of each block.
    pub frames: u32,
    /// When.
    pub pace: Pace,
    /// Inputs.
    pub signal: Signal,
    /// Output frames kept for the test to look at; later ones are judged and dropped.
    pub keep: usize,
    /// After this many blocks the thread may make no system call any more, in any block.
    pub trap_after: Option<u64>,
}

impl Play {
    /// At the pace of real time, 128 frames, a 440 Hz sine at half scale (both channels alike), 30 s kept.
    #[must_use]
    pub fn real_time() -> Self {
        Self { frames: 128, pace: Pace::RealTime, signal: sine(), keep: 48_000 * 30, trap_after: None }
    }

    /// As fast as it goes; nothing else differs.
    #[must_use]
    pub fn free() -> Self {
        Self { pace: Pace::Free, ..Self::real_time() }
    }
}

/// 440 Hz at 48 kHz, half scale.
#[must_use]
pub fn sine() -> Signal {
    Arc::new(|frame, _| {
        #[expect(clippy::cast_precision_loss, reason = "below a second")]
        let phase = (frame % 48_000) as f64 * 440.0 / 48_000.0;
        #[expect(clippy::cast_possible_truncation, reason = "a sample")]
        let sample = ((phase * std::f64::consts::TAU).sin() * 0.5) as f32;
        sample
    })
}

/// The same sample for ever.
#[must_use]
pub fn constant(sample: f32) -> Signal {
    Arc::new(move |_, _| sample)
}

/// What a plug-in did over many blocks.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// Samples of the first output port, per channel.
    pub channels: Vec<Vec<f32>>,
    /// Blocks.
    pub blocks: u64,
    /// Frames.
    pub frames: u64,
    /// Output samples that nobody wrote.
    pub unwritten: u64,
    /// Samples written behind a block's end.
    pub overrun: u64,
    /// Output samples that are not finite.
    pub not_finite: u64,
    /// Blocks whose status was an error or unknown.
    pub errors: u64,
    /// Calls of the malloc family inside blocks.
    pub allocations: u64,
    /// Blocks that entered the kernel.
    pub entered: u64,
    /// System calls inside blocks, all refused, and the first one's number; only with [`Play::trap_after`].
    pub system_calls: (u64, i32),
    /// Blocks that ended after their time; reported, never judged.
    pub late: u64,
    /// Nanoseconds of each block inside `process`.
    pub nanoseconds: Vec<u64>,
    /// What the plug-in sent.
    pub sent: Vec<Sent>,
}

impl Recording {
    /// Fails the test if a sample was unwritten, written out of bounds or not finite, a block failed, allocated or
    /// entered the kernel.
    ///
    /// # Panics
    /// That is its purpose.
    pub fn assert_clean(&self) {
        self.assert_continuous();
        assert_eq!(self.allocations, 0, "blocks allocated or freed, first from {:#?}", guard::first());
        assert_eq!(self.entered, 0, "blocks entered the kernel, first from {:#?}", guard::first());
        assert_eq!(
            self.system_calls.0, 0,
            "blocks entered the kernel, first by call {}",
            self.system_calls.1
        );
    }

    /// The same but for allocations and system calls, for blocks in which the logic panics.
    ///
    /// # Panics
    /// That is its purpose.
    pub fn assert_continuous(&self) {
        assert!(self.blocks > 0, "nothing was played");
        assert_eq!(self.unwritten, 0, "output samples were left unwritten in {} blocks", self.blocks);
        assert_eq!(self.overrun, 0, "samples behind a block's end were written");
        assert_eq!(self.not_finite, 0, "output samples are not finite");
        assert_eq!(self.errors, 0, "blocks failed");
    }

    fn room(&mut self, play: &Play, channels: usize) {
        self.channels.resize_with(channels, Vec::new);
        for samples in &mut self.channels {
            samples.reserve(play.keep.saturating_sub(samples.len()));
        }
        self.nanoseconds.reserve(play.keep / play.frames.max(1) as usize + 1);
    }

    /// Adds one block that was run by itself.
    pub fn append(&mut self, block: &Block, frames: u32) {
        self.channels.resize_with(block.channels.len(), Vec::new);
        for (samples, new) in self.channels.iter_mut().zip(&block.channels) {
            samples.extend_from_slice(new);
        }
        self.judge(&block.outcome, frames);
        self.sent.extend_from_slice(&block.sent);
    }

    fn judge(&mut self, outcome: &Outcome, frames: u32) {
        self.blocks += 1;
        self.frames += u64::from(frames);
        self.unwritten += outcome.unwritten;
        self.overrun += outcome.overrun;
        self.not_finite += outcome.not_finite;
        self.errors += u64::from(!is_good(outcome.status));
        self.allocations += outcome.offences.allocations;
        self.entered += u64::from(outcome.offences.entered);
    }

    fn note(&mut self, audio: &impl Blocks, frames: u32, outcome: &Outcome) {
        self.judge(outcome, frames);
        if self.nanoseconds.len() < self.nanoseconds.capacity() {
            self.nanoseconds.push(outcome.nanoseconds);
        }
        for (channel, samples) in self.channels.iter_mut().enumerate() {
            let room = samples.capacity() - samples.len();
            samples.extend((0..(frames as usize).min(room)).map(|frame| audio.sample(channel, frame)));
        }
    }
}

/// What the test's thread and the audio thread share.
pub struct Shared {
    stop: AtomicBool,
    blocks: AtomicU64,
    last: AtomicU32,
    queue: Mutex<Vec<Event>>,
    reset: AtomicBool,
}

/// An audio half that a thread can drive.
pub trait Blocks: Send + 'static {
    /// Makes the calling thread the plug-in's audio thread; starts processing if it has not been.
    fn enter(&mut self);
    /// Hz.
    fn rate(&self) -> f64;
    /// Runs one block.
    fn block(&mut self, frames: u32, signal: &Signal, events: &[Event]) -> Outcome;
    /// The plug-in forgets its sound, between two blocks.
    fn reset(&mut self);
    /// Sample of the first output port after a block.
    fn sample(&self, channel: usize, frame: usize) -> f32;
    /// Channels of the first output port.
    fn channels(&self) -> usize;
    /// What the plug-in has sent since the last call.
    fn take_sent(&mut self) -> Vec<Sent>;
}

impl Blocks for Audio {
    fn enter(&mut self) {
        Self::enter(self);
    }
    fn rate(&self) -> f64 {
        self.setup.rate
    }
    fn block(&mut self, frames: u32, signal: &Signal, events: &[Event]) -> Outcome {
        Self::block(self, frames, signal, events)
    }
    fn reset(&mut self) {
        Self::reset(self);
    }
    fn sample(&self, channel: usize, frame: usize) -> f32 {
        Self::sample(self, channel, frame)
    }
    fn channels(&self) -> usize {
        Self::channels(self)
    }
    fn take_sent(&mut self) -> Vec<Sent> {
        Self::take_sent(self)
    }
}

/// What a [`Playing`] leaves when it stops.
pub(crate) struct Stopped<A> {
    pub(crate) audio: A,
    pub(crate) recording: Recording,
    pub(crate) play: Play,
    /// Events that no block has seen.
    pub(crate) waiting: Vec<Event>,
}

/// A running audio thread.
pub struct Playing<A = Audio> {
    thread: JoinHandle<(A, Recording)>,
    shared: Arc<Shared>,
    play: Play,
}

impl<A: Blocks> Playing<A> {
    /// Starts; `recording` is continued.
    pub(crate) fn start(audio: A, play: Play, mut recording: Recording) -> Self {
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            blocks: AtomicU64::new(recording.blocks),
            last: AtomicU32::new(0),
            queue: Mutex::new(Vec::with_capacity(1024)),
            reset: AtomicBool::new(false),
        });
        recording.room(&play, audio.channels());
        let (theirs, how) = (Arc::clone(&shared), play.clone());
        let run = move || run(audio, &how, &theirs, recording);
        let thread = Builder::new().name("test audio".into()).spawn(run).expect("a thread");
        Self { thread, shared, play }
    }

    /// Blocks so far.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.shared.blocks.load(Ordering::Acquire)
    }

    /// Last sample of the first channel of the last block.
    #[must_use]
    pub fn last(&self) -> f32 {
        f32::from_bits(self.shared.last.load(Ordering::Acquire))
    }

    /// Events for the next block. Spins rather than waits, because under the trap the audio thread can wake nobody.
    pub fn send(&self, events: &[Event]) {
        loop {
            if let Ok(mut queue) = self.shared.queue.try_lock() {
                queue.extend_from_slice(events);
                return;
            }
            std::thread::yield_now();
        }
    }

    /// The plug-in forgets its sound before one of the next blocks.
    pub fn reset(&self) {
        self.shared.reset.store(true, Ordering::Release);
    }

    /// Ends the thread after its current block. Processing has not been stopped in CLAP's sense.
    ///
    /// # Panics
    /// If the audio thread did.
    pub(crate) fn stop(self) -> Stopped<A> {
        self.shared.stop.store(true, Ordering::Release);
        let (mut audio, mut recording) = self.thread.join().expect("the audio thread panicked");
        recording.sent.extend(audio.take_sent());
        let waiting = self.shared.queue.lock().map(|queue| queue.clone()).unwrap_or_default();
        Stopped { audio, recording, play: self.play, waiting }
    }
}

fn run<A: Blocks>(mut audio: A, play: &Play, shared: &Shared, mut recording: Recording) -> (A, Recording) {
    audio.enter();
    let mut events = Vec::with_capacity(1024);
    let period = Duration::from_secs_f64(f64::from(play.frames) / audio.rate());
    let mut due = Instant::now() + period;
    let mut trapped = false;
    while !shared.stop.load(Ordering::Acquire) {
        if play.trap_after.is_some_and(|after| recording.blocks >= after) && !trapped {
            guard::trap_system_calls();
            trapped = true;
        }
        if shared.reset.swap(false, Ordering::AcqRel) {
            audio.reset();
        }
        events.clear();
        if let Ok(mut queue) = shared.queue.try_lock() {
            events.append(&mut queue);
        }
        guard::watch_system_calls(trapped);
        let outcome = audio.block(play.frames, &play.signal, &events);
        guard::watch_system_calls(false);
        recording.note(&audio, play.frames, &outcome);
        shared.last.store(audio.sample(0, play.frames as usize - 1).to_bits(), Ordering::Release);
        shared.blocks.store(recording.blocks, Ordering::Release);
        if play.pace == Pace::RealTime {
            recording.late += u64::from(Instant::now() > due);
            wait_until(due, trapped);
            due += period;
        }
    }
    if trapped {
        recording.system_calls = guard::system_calls();
    }
    (audio, recording)
}

/// Sleeps, or spins where the thread may not enter the kernel.
fn wait_until(due: Instant, spin: bool) {
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        if spin {
            std::hint::spin_loop();
        } else {
            std::thread::park_timeout(left);
        }
    }
}

/// First place where a sample is not between its bounds: `bounds(i)` answers the least and the greatest allowed value
/// of sample `i`.
#[must_use]
pub fn first_outside(samples: &[f32], bounds: impl Fn(usize) -> (f32, f32)) -> Option<(usize, f32)> {
    let outside = |(i, sample): &(usize, &f32)| {
        let (least, most) = bounds(*i);
        !(least..=most).contains(*sample)
    };
    samples.iter().enumerate().find(outside).map(|(i, sample)| (i, *sample))
}

/// Largest step between neighbouring samples.
#[must_use]
pub fn largest_step(samples: &[f32]) -> f32 {
    samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}
