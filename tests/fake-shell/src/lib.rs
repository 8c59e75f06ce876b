//! A scripted shell: it records what an adapter asks and answers what a test says. A package of its own because both
//! adapters' tests play it, and neither may know the other.
//!
//! Called by: the adapters' tests. Calls: nothing. Threads: [any].

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use hotshell_abi::{
    AudioConfig, BusDesc, BusLayoutDesc, Event, HandoverDesc, NotePortsDesc, ParamDesc, PluginDesc,
    RenderMode, Slice, Str, Track, describe::SplitDesc,
};
use hotshell_core::host::{Host, Level};
use hotshell_core::shell::editors::{Edit, Editors};
use hotshell_core::shell::{
    Audio, BusInfo, Changes, EventSink, EventSource, HostBlock, LayoutInfo, Outcome, ParamInfo, Phase,
    Plugins, Shell, ShellError, StateContext, Tail,
};
use parking_lot::Mutex;

pub use no_editor::NoEditor;

mod no_editor;

/// Runs in place of a logic.
pub type Block = Box<dyn FnMut(&mut HostBlock<'_>, &dyn EventSource, &mut dyn EventSink) -> Outcome + Send>;

/// What the shell answers and what it was asked.
pub struct Script {
    /// What was asked, in words.
    pub calls: Mutex<Vec<String>>,
    /// The announced list.
    pub params: Mutex<Vec<ParamInfo>>,
    /// Plain values by host id.
    pub values: Mutex<BTreeMap<u32, f64>>,
    /// Answered once each, to each [`Phase`].
    pub changes: Mutex<[Changes; 4]>,
    /// The announced layouts.
    pub layouts: Mutex<Vec<LayoutInfo>>,
    /// Which of them is chosen.
    pub layout: Mutex<usize>,
    /// The announced note ports.
    pub notes: Mutex<NotePortsDesc>,
    /// The announced latency in frames.
    pub latency: AtomicU32,
    /// The tail.
    pub tail: Mutex<Tail>,
    /// What a save answers; an error is a load's answer too.
    pub state: Mutex<Result<Vec<u8>, ShellError>>,
    /// The next activation's block.
    pub block: Mutex<Option<Block>>,
    /// What `open` was given.
    pub host: Mutex<Option<Box<dyn Host>>>,
    /// What the host is said to have read.
    pub read: Mutex<Changes>,
    /// What the host is said to forbid.
    pub held: Mutex<Changes>,
    /// Run once, inside the next reading of the lists, after the parameters were read.
    pub while_reading: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// The layouts in which an activation fails.
    pub bad_layouts: Mutex<Vec<usize>>,
    /// Run once, inside the next pull of changes, after they were taken.
    pub while_taking: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// A flush does nothing: what allocates there is the adapter's.
    pub quiet: AtomicBool,
    /// Run once, inside the next activation.
    pub while_activating: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// A build waits to take its place at the next deactivation.
    pub waiting: AtomicBool,
    /// The latency once somebody has looked at it.
    pub latency_moves: Mutex<Option<u32>>,
    /// The latency that the host is said to know.
    pub known_latency: AtomicU32,
    /// What the user did in the editor.
    pub edits: Mutex<Vec<Edit>>,
    /// What the host says of the track.
    pub track: Mutex<Option<Track>>,
    /// What it says of the way to the loudspeaker, in frames.
    pub presentation_latency: AtomicU32,
    /// The plug-in as its editor-proxy sees it.
    pub editors: Mutex<Option<Arc<dyn Editors>>>,
}

impl Script {
    /// A gain and a switch, stereo or mono, one note port each way. [any]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            calls: Mutex::default(),
            params: Mutex::new(vec![gain(0), switch(1)]),
            values: Mutex::new([(10, 0.5), (11, 0.0)].into()),
            changes: Mutex::new([Changes::empty(); 4]),
            layouts: Mutex::new(vec![layout("Stereo", 2), layout("Mono", 1)]),
            layout: Mutex::new(0),
            notes: Mutex::new(NotePortsDesc {
                inputs: 1,
                outputs: 1,
                dialects: 3,
                preferred: 1,
                mpe: 0,
                channels: 0xffff,
                controllers: [2, 1, 3],
            }),
            latency: AtomicU32::new(0),
            tail: Mutex::new(Tail::None),
            state: Mutex::new(Ok(b"a state of some length, so that short reads cut it".to_vec())),
            block: Mutex::new(None),
            host: Mutex::new(None),
            read: Mutex::new(Changes::empty()),
            held: Mutex::new(Changes::empty()),
            while_reading: Mutex::new(None),
            bad_layouts: Mutex::default(),
            while_taking: Mutex::new(None),
            quiet: AtomicBool::new(false),
            while_activating: Mutex::new(None),
            waiting: AtomicBool::new(false),
            latency_moves: Mutex::new(None),
            known_latency: AtomicU32::new(0),
            edits: Mutex::default(),
            track: Mutex::default(),
            presentation_latency: AtomicU32::new(0),
            editors: Mutex::default(),
        })
    }

    /// Writes down a call. [any]
    pub fn said(&self, what: impl Into<String>) {
        self.calls.lock().push(what.into());
    }

    /// The calls since the last time. [any]
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock())
    }

    /// What the next activation plays. [any]
    pub fn on_block(
        &self,
        block: impl FnMut(&mut HostBlock<'_>, &dyn EventSource, &mut dyn EventSink) -> Outcome + Send + 'static,
    ) {
        *self.block.lock() = Some(Box::new(block));
    }

    /// What the next pull in `phase` answers. [any]
    pub fn change(&self, phase: Phase, changes: Changes) {
        self.changes.lock()[slot(phase)] = changes;
    }

    /// Calls the host as a shell does. [any]
    ///
    /// # Panics
    /// If no plug-in is open.
    pub fn with_host(&self, call: impl FnOnce(&dyn Host)) {
        call(self.host.lock().as_deref().expect("the shell is open"));
    }

    fn apply(&self, input: &dyn EventSource) {
        for event in (0..input.len()).filter_map(|index| input.event(index)) {
            self.said(format!("{:?} {} {}", event.kind, event.id, event.value));
            self.values.lock().insert(event.id, event.value);
        }
    }
}

const fn slot(phase: Phase) -> usize {
    match phase {
        Phase::AnyTime => 0,
        Phase::Deactivated => 1,
        Phase::Activating => 2,
        Phase::AtOnce => 3,
    }
}

/// A main bus of so many channels each way, and a side-chain.
pub fn layout(name: &str, channels: u32) -> LayoutInfo {
    let kind = if channels == 1 { BusDesc::MONO } else { BusDesc::STEREO };
    let bus = |name: &str, main| BusInfo { name: name.to_owned(), channels, main, kind, speakers: 0 };
    LayoutInfo {
        name: name.to_owned(),
        inputs: vec![bus("Main in", true), bus("Side-chain", false)],
        outputs: vec![bus("Main out", true)],
    }
}

/// A continuous parameter of host id 10, 0 to 1.
pub fn gain(index: usize) -> ParamInfo {
    ParamInfo {
        id: "gain".to_owned(),
        host_id: 10,
        index,
        name: "Gain".to_owned(),
        group: "/Level//Main/".to_owned(),
        unit: "dB".to_owned(),
        page: "Main".to_owned(),
        kind: ParamDesc::FLOAT,
        min: 0.0,
        max: 1.0,
        default: 0.5,
        law: ParamDesc::LINEAR,
        skew: 1.0,
        flags: ParamDesc::AUTOMATABLE | ParamDesc::MODULATABLE | ParamDesc::MODULATABLE_PER_NOTE,
        variants: Vec::new(),
        removed: false,
    }
}

/// An enum of host id 11 with three variants.
pub fn switch(index: usize) -> ParamInfo {
    ParamInfo {
        id: "mode".to_owned(),
        host_id: 11,
        name: "Mode".to_owned(),
        page: String::new(),
        kind: ParamDesc::ENUM,
        max: 2.0,
        default: 0.0,
        flags: ParamDesc::AUTOMATABLE,
        ..gain(index)
    }
}

static BUSES: [BusDesc<'static>; 1] = [BusDesc {
    name: Str::new("Main"),
    channels: 2,
    role: BusDesc::MAIN,
    kind: BusDesc::STEREO,
    speakers: 0,
}];
static LAYOUTS: [BusLayoutDesc<'static>; 2] = [
    BusLayoutDesc { name: Str::new("Stereo"), inputs: Slice::new(&BUSES), outputs: Slice::new(&BUSES) },
    BusLayoutDesc { name: Str::new("Other"), inputs: Slice::new(&BUSES), outputs: Slice::new(&BUSES) },
];
static FEATURES: [Str<'static>; 3] = [Str::new("audio-effect"), Str::new("stereo"), Str::new("stereo")];

/// A description without parameters, notes and voices.
pub const fn bare(id: &'static str) -> PluginDesc<'static> {
    PluginDesc {
        id: Str::new(id),
        name: Str::new("Fake"),
        vendor: Str::new("hotshell"),
        version: Str::new("1.0.0"),
        description: Str::new("A scripted shell"),
        url: Str::new(""),
        manual_url: Str::new(""),
        support_url: Str::new(""),
        features: Slice::new(&FEATURES),
        vst3_categories: Str::new(""),
        vst3_class_id: [0; 16],
        vst3_old_class_ids: Slice::new(&[]),
        layouts: Slice::new(&LAYOUTS),
        notes: NotePortsDesc::NONE,
        split: SplitDesc { mode: 0, min_frames: 16 },
        handover: HandoverDesc { kind: 0, law: 0, milliseconds: 0.0, spill_seconds: 0.0, warm_up_frames: 0 },
        state_version: 0,
        flags: 0,
        voice_capacity: 0,
        params: Slice::new(&[]),
        meters: Slice::new(&[]),
        persists: Slice::new(&[]),
    }
}

static FIRST: PluginDesc<'static> =
    PluginDesc { voice_capacity: 8, flags: PluginDesc::OVERLAPPING_NOTES, ..bare("org.hotshell.fake") };
static OLD: [[u8; 16]; 2] = [[0xab; 16], [0x01; 16]];
static SECOND: PluginDesc<'static> =
    PluginDesc { vst3_old_class_ids: Slice::new(&OLD), ..bare("org.hotshell.fake.second") };

/// Two plug-ins over one script.
pub struct FakePlugins {
    /// What they answer.
    pub script: Arc<Script>,
    /// They say that they reload.
    pub hot: bool,
}

impl Plugins for FakePlugins {
    fn count(&self) -> usize {
        2
    }

    fn describe(&self, index: usize) -> Option<&'static PluginDesc<'static>> {
        [&FIRST, &SECOND].get(index).copied()
    }

    fn open(
        &self,
        index: usize,
        format: &'static str,
        host: Box<dyn Host>,
    ) -> Result<Box<dyn Shell>, ShellError> {
        self.script.said(format!("open {index} {format} for {:?}", host.name()));
        *self.script.host.lock() = Some(host);
        Ok(Box::new(FakeShell(Arc::clone(&self.script))))
    }

    fn is_hot(&self) -> bool {
        self.hot
    }
}

struct FakeShell(Arc<Script>);

impl Shell for FakeShell {
    fn describe(&self) -> &'static PluginDesc<'static> {
        &FIRST
    }
    fn param_count(&self) -> usize {
        self.0.params.lock().len()
    }
    fn param_info(&self, index: usize) -> Option<ParamInfo> {
        self.0.params.lock().get(index).cloned()
    }
    fn param_index(&self, host_id: u32) -> Option<usize> {
        self.0.params.lock().iter().position(|info| info.host_id == host_id)
    }
    fn param_value(&self, host_id: u32) -> Option<f64> {
        self.0.values.lock().get(&host_id).copied()
    }
    fn set_param(&self, host_id: u32, value: f64) -> bool {
        self.0.values.lock().insert(host_id, value).is_some()
    }
    fn param_text(&self, host_id: u32, value: f64) -> Option<String> {
        assert!(value.is_finite(), "a panic of the shell, for the gate");
        self.param_index(host_id).map(|_| format!("{value:.2} ä"))
    }
    fn param_parse(&self, host_id: u32, text: &str) -> Option<f64> {
        self.param_index(host_id).and_then(|_| text.split(' ').next()?.parse().ok())
    }
    fn save(&self, context: StateContext) -> Result<Vec<u8>, ShellError> {
        self.0.said(format!("save {context:?}"));
        self.0.state.lock().clone()
    }
    fn load(&self, context: StateContext, bytes: &[u8]) -> Result<(), ShellError> {
        self.0.said(format!("load {context:?} {}", String::from_utf8_lossy(bytes)));
        self.0.state.lock().clone().map(|_| ())
    }
    fn latency(&self) -> u32 {
        let latency = self.0.latency.load(Ordering::Relaxed);
        if let Some(moved) = self.0.latency_moves.lock().take() {
            self.0.latency.store(moved, Ordering::Relaxed);
        }
        latency
    }
    fn read_latency(&self) -> u32 {
        let latency = self.0.latency.load(Ordering::Relaxed);
        self.0.known_latency.store(latency, Ordering::Relaxed);
        *self.0.read.lock() |= Changes::LATENCY;
        self.latency()
    }
    fn tail(&self) -> Tail {
        *self.0.tail.lock()
    }
    fn layouts(&self) -> Vec<LayoutInfo> {
        self.0.layouts.lock().clone()
    }
    fn layout(&self) -> usize {
        *self.0.layout.lock()
    }
    fn set_layout(&self, index: usize) -> Result<(), ShellError> {
        if index >= self.0.layouts.lock().len() {
            return Err(ShellError::BadConfig("past the last".to_owned()));
        }
        *self.0.layout.lock() = index;
        Ok(())
    }
    fn notes(&self) -> NotePortsDesc {
        let now = self.0.while_reading.lock().take();
        if let Some(now) = now {
            now();
        }
        *self.0.notes.lock()
    }
    fn activate(&self, config: AudioConfig) -> Result<Box<dyn Audio>, ShellError> {
        self.0.said(format!("activate {} {}", config.sample_rate, config.max_frames));
        if self.0.bad_layouts.lock().contains(&*self.0.layout.lock()) {
            return Err(ShellError::Panicked("in `reset`".to_owned()));
        }
        let now = self.0.while_activating.lock().take();
        if let Some(now) = now {
            now();
        }
        let block = self.0.block.lock().take();
        Ok(Box::new(FakeAudio { script: Arc::clone(&self.0), block }))
    }
    fn deactivate(&self, audio: Box<dyn Audio>) {
        assert!(audio.into_any().is::<FakeAudio>(), "the shell gets its own kind back");
        self.0.waiting.store(false, Ordering::Relaxed);
        self.0.said("deactivate");
    }
    fn is_waiting(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed)
    }
    fn set_mode(&self, mode: RenderMode) {
        self.0.said(format!("mode {}", mode.0));
    }
    fn flush(&self, input: &dyn EventSource, output: &mut dyn EventSink) {
        if self.0.quiet.load(Ordering::Relaxed) {
            return;
        }
        self.0.said("flush on main");
        self.0.apply(input);
        output.send(&Event::param_value(7, 10, 0.25), &[]);
    }
    fn take_changes(&self, phase: Phase) -> Changes {
        self.0.said(format!("take {phase:?}"));
        let taken = std::mem::take(&mut self.0.changes.lock()[slot(phase)]);
        let now = self.0.while_taking.lock().take();
        if let Some(now) = now {
            now();
        }
        taken
    }
    fn host_read(&self, what: Changes) {
        if what.contains(Changes::LATENCY) {
            self.0.known_latency.store(self.0.latency.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        *self.0.read.lock() |= what;
    }
    fn editors(&self) -> Option<Arc<dyn Editors>> {
        self.0.editors.lock().clone()
    }
    fn take_edits(&self) -> Vec<Edit> {
        std::mem::take(&mut *self.0.edits.lock())
    }
    fn hold(&self, what: Changes) {
        *self.0.held.lock() |= what;
    }
    fn set_track(&self, track: Option<Track>) {
        *self.0.track.lock() = track;
    }
    fn set_presentation_latency(&self, frames: u32) {
        self.0.presentation_latency.store(frames, Ordering::Relaxed);
    }
    fn log(&self, level: Level, text: &str) {
        self.0.said(format!("log {level:?} {text}"));
    }
    fn disconnect(&self) {
        self.0.said("disconnect");
    }
}

struct FakeAudio {
    script: Arc<Script>,
    block: Option<Block>,
}

impl Audio for FakeAudio {
    fn process(
        &mut self,
        block: &mut HostBlock<'_>,
        input: &dyn EventSource,
        output: &mut dyn EventSink,
    ) -> Outcome {
        self.block.as_mut().map_or_else(Outcome::default, |run| run(block, input, output))
    }
    fn flush(&mut self, input: &dyn EventSource, output: &mut dyn EventSink) {
        self.script.said("flush on audio");
        self.script.apply(input);
        output.send(&Event::param_value(7, 10, 0.25), &[]);
    }
    fn clear(&mut self) {
        self.script.said("clear");
    }
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}
