//! One build's instance with everything that a block of it needs, and the link over which it travels between threads.
//!
//! Called by: `shell/control` and `reload` make and drop players, `shell/audio` plays them. Calls: `instance`.
//! Threads: made and dropped on [main] [reload]; played on [audio].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use hotshell_abi::describe::SplitDesc;
use hotshell_abi::{
    AudioConfig, BusLayoutDesc, Event, HandoverDesc, NotePortsDesc, PluginDesc, Reason, SNAPSHOT_BYTES,
    Sample,
};

use crate::instance::Instance;
use crate::params::ParamPlan;
use crate::rt::buffers::{Buffers, Shape};
use crate::rt::exchange::Exchange;
use crate::rt::keys::Keys;
use crate::shell::bypass::Redelay;
use crate::shell::delay::DelayLine;
use crate::shell::feed;
use crate::shell::replay::Past;

/// How a player left the audio thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Still in use, or never taken.
    None,
    /// A newer one plays.
    Retired,
    /// It was prepared for a configuration or a state that is no more: prepare again.
    Stale,
    /// It panicked or gave values that are not finite.
    Faulted,
}

/// An instance, sized and ready.
#[derive(Debug)]
pub struct Player<S> {
    /// The logic.
    pub instance: Instance<S>,
    /// Buffers of its own layout.
    pub buffers: Buffers<S>,
    /// Pads its latency to the one that the host knows.
    pub pad: Option<DelayLine<S>>,
    /// The pad's way to a longer one.
    pub growing: Option<Box<Redelay<S>>>,
    /// Number of the build.
    pub build: u32,
    /// Which player of the instance it is: counted up from 1, at each hand-over and activation.
    pub serial: u64,
    /// What it was sized for.
    pub config: AudioConfig,
    /// Epoch that it was prepared for.
    pub epoch: u64,
    /// State loads that it has seen.
    pub loads: u64,
    /// Frames.
    pub latency: u32,
    /// Frames; `u64::MAX` infinite.
    pub tail: u64,
    /// Nanoseconds that a frame takes, as measured.
    pub cost: f32,
    /// Why its first block is a first block; `NONE` afterwards.
    pub first_block: Reason,
    /// How it left.
    pub end: End,
    /// Its death has been told through the link.
    pub told: bool,
    /// How parameter events divide its blocks.
    pub split: SplitDesc,
    /// It takes notes as MIDI 1, and not as CLAP has them.
    pub midi: bool,
    /// How it takes over.
    pub handover: HandoverDesc,
    /// It has a main input.
    pub effect: bool,
    /// Index of the bypass that the shell makes for it.
    pub bypass: Option<u32>,
    /// Memory for the swap in which it takes over; none for a first player.
    pub swap: Option<Box<SwapMemory>>,
    /// Way from the live parameters to its own; switched to in the swap block.
    pub plan: Option<Arc<ParamPlan>>,
}

/// Memory for one swap, made and touched beforehand.
#[derive(Debug)]
pub struct SwapMemory {
    /// Keyed bytes from the old instance.
    pub snapshot: Vec<u8>,
    /// What the new instance must be told.
    pub replay: Vec<Event>,
}

impl SwapMemory {
    /// Allocates and touches everything: page faults belong to this thread, not to [audio].
    #[must_use]
    pub fn new() -> Box<Self> {
        let nothing = Event::new(hotshell_abi::EventKind(0), 0);
        // Room for the past and a whole list of events after it; touched as far as music goes.
        let mut replay = Vec::with_capacity(Past::most_events() + feed::LIST);
        replay.resize(Past::most_events() + feed::TOUCHED, nothing);
        replay.clear();
        Box::new(Self { snapshot: vec![1; SNAPSHOT_BYTES], replay })
    }
}

const fn takes_midi(dialects: u32) -> bool {
    dialects & NotePortsDesc::CLAP == 0 && dialects & (NotePortsDesc::MIDI | NotePortsDesc::MIDI_MPE) != 0
}

/// Channels of each bus of a layout.
#[must_use]
pub fn shape_of(layout: Option<&BusLayoutDesc<'_>>) -> Shape {
    layout.map_or_else(Shape::default, |layout| Shape {
        inputs: layout.inputs.as_slice().iter().map(|bus| bus.channels.min(64)).collect(),
        outputs: layout.outputs.as_slice().iter().map(|bus| bus.channels.min(64)).collect(),
    })
}

impl<S: Sample> Player<S> {
    /// Sizes `instance` for `config` and wraps it. Runs the author's `reset`. [main] [reload]
    ///
    /// # Errors
    /// A panic there; the instance is dropped.
    pub fn prepare(
        mut instance: Instance<S>,
        desc: &PluginDesc<'_>,
        config: &AudioConfig,
        build: u32,
    ) -> Result<Self, crate::shell::ShellError> {
        let report = instance.reset(config)?;
        let shape = shape_of(desc.layouts.as_slice().get(config.layout as usize));
        Ok(Self {
            buffers: Buffers::new(&shape, config.max_frames),
            effect: shape.inputs.first().is_some_and(|channels| *channels > 0),
            instance,
            pad: None,
            growing: None,
            build,
            serial: 0,
            config: *config,
            epoch: 0,
            loads: 0,
            latency: report.latency,
            tail: report.tail,
            cost: 0.0,
            first_block: Reason::HOST,
            end: End::None,
            told: false,
            split: desc.split,
            midi: takes_midi(desc.notes.dialects),
            handover: desc.handover,
            bypass: None,
            swap: None,
            plan: None,
        })
    }

    /// Pads the latency to `known` frames where it is smaller. Allocates.
    pub fn pad_to(&mut self, known: u32) {
        let missing = known.saturating_sub(self.latency);
        let channels = self.buffers.output_channels();
        self.pad = (missing > 0 && channels > 0).then(|| DelayLine::new(channels, missing));
    }

    /// Makes a pad shorter that is more than the way to `known` frames, within `fade` frames (0: nobody has heard it).
    /// [audio]
    #[inline]
    pub fn trim_pad(&mut self, known: u32, fade: usize) {
        if let Some(pad) = &mut self.pad {
            pad.shorten(known.saturating_sub(self.latency) as usize, fade);
        }
    }

    /// Goes over to a longer pad where the way to `known` frames needs one; else `longer` is over at once. [audio]
    pub fn lengthen_pad(&mut self, known: u32, mut longer: Box<Redelay<S>>) {
        let missing = known.saturating_sub(self.latency) as usize;
        if missing > self.pad.as_ref().map_or(0, DelayLine::frames) {
            longer.aim(missing);
        } else {
            longer.give_up();
        }
        self.growing = Some(longer);
    }

    /// Forgets what is delayed.
    pub fn clear_pads(&mut self) {
        if let Some(pad) = &mut self.pad {
            pad.clear();
        }
        if let Some(longer) = &mut self.growing {
            longer.clear();
        }
    }
}

/// What the control half and the audio half of one plug-in instance share. Atomics only.
#[derive(Debug)]
pub struct Link<S> {
    /// Candidates, to [audio].
    pub inbox: Exchange<Player<S>>,
    /// What [audio] is done with.
    pub outbox: Exchange<Player<S>>,
    /// Keys that the user presses in an editor, to [audio].
    pub keys: Arc<Keys>,
    /// Counted up by whatever makes a prepared candidate stale.
    pub epoch: AtomicU64,
    /// Serial of the hand-over that [audio] took last.
    pub taken: AtomicU64,
    /// Serial of the hand-over that [audio] sent back last without playing it.
    pub returned: AtomicU64,
    /// Build that plays.
    pub heard: AtomicU32,
    /// When it was first heard: nanoseconds since the Unix epoch.
    pub heard_at: AtomicU64,
    /// Blocks since the instance was made.
    pub blocks: AtomicU64,
    /// Lost blocks among them (DESIGN 2): a fallback was heard.
    pub lost: AtomicU64,
    /// Serial of the playing instance that has failed last and waits to be replaced; 0: none has.
    pub fault: AtomicU64,
    /// Its build.
    pub fault_build: AtomicU32,
    /// It failed by values that are not finite (else: a panic).
    pub not_finite: AtomicBool,
    /// Length of the announced parameter list: nothing is sent to the host about later ones.
    pub announced_params: AtomicU32,
    /// Live latency in frames.
    pub latency: AtomicU32,
    /// Latency in frames that the host has read: what is heard is padded to it, and the dry signal delayed by it.
    pub known_latency: AtomicU32,
    /// The dry signal's way to another latency, to [audio].
    pub redelay: Exchange<Redelay<S>>,
    /// What [audio] is done with.
    pub spent_redelay: Exchange<Redelay<S>>,
    /// Memory for a longer pad of whoever plays, with a second one for whoever is on its way in; to [audio].
    pub longer_pad: Exchange<Redelay<S>>,
    /// What [audio] is done with.
    pub spent_pad: Exchange<Redelay<S>>,
    /// Live tail in frames.
    pub tail: AtomicU64,
    /// Most nanoseconds of a block of the last swap, and those of a steady block before it.
    pub swap_ns: AtomicU64,
    /// See `swap_ns`.
    pub steady_ns: AtomicU64,
    /// Output events that no queue had room for.
    pub dropped_events: AtomicU64,
    /// Counted up by each state load: the logic hears `state_changed` once per change.
    pub state_loads: AtomicU64,
    /// [main] has something to tell later: [audio] of a shell without a reload thread asks for the call then.
    pub nudge: AtomicBool,
    /// Render mode of the blocks to come.
    pub mode: AtomicU32,
    /// Instances of the module that run two logics at the moment.
    pub doubles: Arc<AtomicU32>,
}

impl<S> Link<S> {
    /// A new link; `doubles` is shared by the module's instances.
    #[must_use]
    pub fn new(doubles: Arc<AtomicU32>) -> Self {
        Self {
            inbox: Exchange::new(),
            outbox: Exchange::new(),
            keys: Arc::default(),
            epoch: AtomicU64::new(1),
            taken: AtomicU64::new(0),
            returned: AtomicU64::new(0),
            heard: AtomicU32::new(0),
            heard_at: AtomicU64::new(0),
            blocks: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            fault: AtomicU64::new(0),
            fault_build: AtomicU32::new(0),
            nudge: AtomicBool::new(false),
            not_finite: AtomicBool::new(false),
            announced_params: AtomicU32::new(0),
            latency: AtomicU32::new(0),
            known_latency: AtomicU32::new(0),
            redelay: Exchange::new(),
            spent_redelay: Exchange::new(),
            longer_pad: Exchange::new(),
            spent_pad: Exchange::new(),
            tail: AtomicU64::new(0),
            swap_ns: AtomicU64::new(0),
            steady_ns: AtomicU64::new(0),
            dropped_events: AtomicU64::new(0),
            state_loads: AtomicU64::new(0),
            mode: AtomicU32::new(0),
            doubles,
        }
    }

    /// Notes the first block of a build that plays since the activation: nothing was swapped, so nothing else says that
    /// it is heard.
    pub fn begin(&self) {
        if self.heard_at.load(Relaxed) == 0 {
            self.heard_at.store(epoch_now(), Relaxed);
        }
    }

    /// Notes that `build` is heard from this moment on.
    pub fn hear(&self, build: u32) {
        self.heard.store(build, Relaxed);
        self.heard_at.store(epoch_now(), std::sync::atomic::Ordering::Release);
    }
}

/// Nanoseconds since the Unix epoch. The clock is the vDSO's: no system call (FACTS).
fn epoch_now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}
