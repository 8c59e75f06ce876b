//! One engine for everything that runs a plug-in without a host: the Rig, the trial before publishing, tests.
//!
//! Called by: the facade's Rig, `cargo-hotshell`. Calls: [`Shell`], [`Audio`]. Threads: one, which is [main] and [audio]
//! in turn.

use hotshell_abi::{AudioConfig, Event, EventKind, RenderMode, Sample, Transport};

use crate::rt::buffers::Shape;
use crate::rt::owned::OwnedBlock;
use crate::shell::{Audio, BlockStatus, Changes, EventSink, EventSource, Outcome, Phase, Shell, ShellError};

/// A plug-in that plays, and the memory that it plays on.
pub struct Engine<S> {
    /// Declared before the shell: dropped first.
    audio: Option<Box<dyn Audio>>,
    shell: Box<dyn Shell>,
    block: OwnedBlock<S>,
    config: AudioConfig,
    shape: Shape,
    events: Vec<Event>,
    sent: Sent,
    /// The host's timeline of the blocks to come; advanced by whoever sets it.
    pub transport: Option<Transport>,
    steady_time: i64,
}

impl<S> std::fmt::Debug for Engine<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Output events of the blocks so far.
#[derive(Debug, Default)]
struct Sent {
    base: u64,
    /// With the place of its bytes in `bytes`.
    events: Vec<(SentEvent, std::ops::Range<usize>)>,
    bytes: Vec<u8>,
}

/// One output event.
#[derive(Clone, PartialEq, Debug)]
pub struct SentEvent {
    /// Frames since the engine started.
    pub at: u64,
    /// The event; its `time` is relative to its block.
    pub event: Event,
    /// Bytes of a system exclusive.
    pub sysex: Vec<u8>,
}

impl EventSink for Sent {
    fn send(&mut self, event: &Event, sysex: &[u8]) -> bool {
        let sysex = if event.kind == EventKind::SYSEX { sysex } else { &[] };
        if self.events.len() == self.events.capacity()
            || self.bytes.capacity() - self.bytes.len() < sysex.len()
        {
            // Grown between blocks only: a block must not allocate, and a test must not lose the events either.
            return false;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(sysex);
        let at = self.base + u64::from(event.time);
        let sent = SentEvent { at, event: *event, sysex: Vec::new() };
        self.events.push((sent, start..self.bytes.len()));
        true
    }
}

impl Sent {
    /// Room for one block's events.
    fn reserve(&mut self) {
        self.events.reserve(4096);
        self.bytes.reserve(64 << 10);
    }
}

struct Slice<'a>(&'a [Event]);

impl EventSource for Slice<'_> {
    fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }
    fn event(&self, index: u32) -> Option<Event> {
        self.0.get(index as usize).copied()
    }
}

impl<S: Sample> Engine<S> {
    /// Activates `shell` at `sample_rate` Hz for blocks of up to `max_frames`.
    ///
    /// # Errors
    /// As [`Shell::activate`].
    pub fn new(
        shell: Box<dyn Shell>,
        sample_rate: f64,
        max_frames: u32,
        mode: RenderMode,
    ) -> Result<Self, ShellError> {
        let config = AudioConfig { sample_rate, max_frames, layout: 0, mode, reserved: 0 };
        let mut engine = Self {
            audio: None,
            shell,
            block: OwnedBlock::new(&Shape::default(), 1),
            config,
            shape: Shape::default(),
            events: Vec::new(),
            sent: Sent::default(),
            transport: None,
            steady_time: 0,
        };
        engine.activate()?;
        Ok(engine)
    }

    /// The control half.
    #[must_use]
    pub fn shell(&self) -> &dyn Shell {
        self.shell.as_ref()
    }

    /// What it was activated for.
    #[must_use]
    pub const fn config(&self) -> AudioConfig {
        self.config
    }

    /// Channels per bus.
    #[must_use]
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Deactivates and activates for another rate or block size.
    ///
    /// # Errors
    /// As [`Shell::activate`]; the engine is inactive then and its blocks are silent.
    pub fn reconfigure(&mut self, sample_rate: f64, max_frames: u32) -> Result<(), ShellError> {
        self.deactivate();
        self.config = AudioConfig { sample_rate, max_frames, ..self.config };
        self.activate()
    }

    fn activate(&mut self) -> Result<(), ShellError> {
        self.shell.set_mode(self.config.mode);
        let layouts = self.shell.layouts();
        let channels = |buses: &[crate::shell::BusInfo]| buses.iter().map(|bus| bus.channels).collect();
        self.shape = layouts.get(self.shell.layout()).map_or_else(Shape::default, |layout| Shape {
            inputs: channels(&layout.inputs),
            outputs: channels(&layout.outputs),
        });
        self.block = OwnedBlock::new(&self.shape, self.config.max_frames);
        self.audio = Some(self.shell.activate(self.config)?);
        self.shell.take_changes(Phase::Activating);
        Ok(())
    }

    /// Stops, as a host does before it changes the configuration.
    pub fn deactivate(&mut self) {
        if let Some(audio) = self.audio.take() {
            self.shell.deactivate(audio);
            self.shell.take_changes(Phase::Deactivated);
        }
    }

    /// Does what a host does when the plug-in asks for a restart; answers what it was told on the way.
    ///
    /// # Errors
    /// As [`Shell::activate`].
    pub fn restart(&mut self) -> Result<Changes, ShellError> {
        let mut told = Changes::empty();
        if let Some(audio) = self.audio.take() {
            self.shell.deactivate(audio);
            told |= self.shell.take_changes(Phase::Deactivated);
        }
        self.activate()?;
        Ok(told)
    }

    /// Queues an event for the next block, its `time` in frames from that block's start.
    pub fn queue(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Forgets all sound.
    pub fn clear(&mut self) {
        if let Some(audio) = &mut self.audio {
            audio.clear();
        }
    }

    /// Input channel `i` (all buses in a row) of the next block, `max_frames` long.
    pub fn input(&mut self, i: usize) -> Option<&mut [S]> {
        self.block.input(i)
    }

    /// Output channel `i` of the last block.
    #[must_use]
    pub fn output(&self, i: usize) -> Option<&[S]> {
        self.block.output(i)
    }

    /// Number of output channels.
    #[must_use]
    pub const fn output_channels(&self) -> usize {
        self.block.output_channels()
    }

    /// Runs one block of `frames` (at most `max_frames`) with the queued events. `around` wraps the very call that a
    /// host's audio thread makes: nothing but the plug-in and its shell runs inside.
    pub fn block(&mut self, frames: u32, around: &mut dyn FnMut(&mut dyn FnMut())) -> Outcome {
        self.events.sort_by_key(|event| event.time);
        self.sent.reserve();
        let Self { audio, block, events, sent, transport, steady_time, config, .. } = self;
        let Some(audio) = audio else { return Outcome { status: BlockStatus::Sleep, tail_changed: false } };
        let mut outcome = Outcome::default();
        block.with(frames, |host| {
            host.transport = *transport;
            host.steady_time = *steady_time;
            host.mode = config.mode;
            let source = Slice(events);
            around(&mut || outcome = audio.process(host, &source, sent));
        });
        events.clear();
        sent.base += u64::from(frames);
        *steady_time += i64::from(frames);
        outcome
    }

    /// Output events since the last call.
    pub fn take_events(&mut self) -> Vec<SentEvent> {
        let bytes = std::mem::take(&mut self.sent.bytes);
        let events = std::mem::take(&mut self.sent.events).into_iter();
        events.map(|(sent, place)| SentEvent { sysex: bytes[place].to_vec(), ..sent }).collect()
    }

    /// Forgets the output events so far, and keeps their memory.
    pub fn forget_events(&mut self) {
        self.sent.events.clear();
        self.sent.bytes.clear();
    }
}

impl<S> Drop for Engine<S> {
    fn drop(&mut self) {
        if let Some(audio) = self.audio.take() {
            self.shell.deactivate(audio);
        }
        self.shell.disconnect();
    }
}
