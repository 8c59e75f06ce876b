//! The two shells side by side, and the plug-ins of an artifact that make them.
//!
//! Called by: the facade's macro names [`StaticPlugins`] or `HotPlugins` and hands it to the adapters. Calls:
//! `shell/control`, `reload`. Threads: [main]; the hot shell's reload thread starts with its first instance.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use hotshell_abi::{
    AbiCanary, AudioConfig, LogicApi, NotePortsDesc, PluginDesc, Reason, RenderMode, Sample, Track,
};
use parking_lot::Mutex;

use crate::host::{Host, Level};
use crate::instance::Table;
use crate::params::{ParamStore, Parameters};
use crate::shell::control::{Control, Offer};
use crate::shell::editors::{Edit, Editors};
use crate::shell::{
    Audio, Changes, EventSink, EventSource, LayoutInfo, ParamInfo, Phase, Plugins, Shell, ShellError,
    StateContext, Tail,
};

/// The linked-in tables of an artifact, in order; `None` past the last. Written by the facade's macro.
pub type Linked = fn(index: u32) -> Option<&'static LogicApi>;

/// What a shell does beyond its control half.
pub trait Kind: Send + Sync {
    /// Upkeep before each telling. [main]
    fn upkeep<P: Parameters, S: Sample>(&self, control: &Control<P, S>);
}

/// One plug-in instance in one of two kinds. `P`: the parameter store, never the author's struct; `S`: the sample
/// type of the logic.
#[derive(Debug)]
pub struct Around<K, P, S> {
    kind: K,
    control: Arc<Control<P, S>>,
}

/// The release shell: the table is linked in, and that is all. No watching, no loading, not even the code for it.
pub type StaticShell<P = ParamStore, S = f32> = Around<Static, P, S>;

/// The static kind: after a fault a fresh instance of the same build is made on [main]; one that fails again and again
/// at ever longer intervals.
#[derive(Clone, Debug, Default)]
pub struct Static(Arc<Mutex<Retry>>);

/// When the next fresh instance is due.
#[derive(Debug, Default)]
struct Retry {
    failures: u32,
    last: Option<Instant>,
    due: Option<Instant>,
}

/// First wait after a fresh instance has failed too; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Most doublings of it.
const MOST_DOUBLINGS: u32 = 7;
/// An instance that has played for so long starts a new count.
const GOOD_WHILE: Duration = Duration::from_secs(10);

impl Retry {
    fn failed(&mut self, now: Instant) {
        if self.last.is_none_or(|last| now.saturating_duration_since(last) > GOOD_WHILE) {
            self.failures = 0;
        }
        let wait = match self.failures {
            0 => Duration::ZERO,
            more => FIRST_WAIT * (1 << (more - 1).min(MOST_DOUBLINGS)),
        };
        self.failures += 1;
        (self.last, self.due) = (Some(now), Some(now + wait));
    }

    /// True once.
    fn is_due(&mut self, now: Instant) -> bool {
        self.due.take_if(|due| *due <= now).is_some()
    }
}

impl Kind for Static {
    fn upkeep<P: Parameters, S: Sample>(&self, control: &Control<P, S>) {
        let news = control.upkeep();
        if let Some((_, why)) = news.fault {
            self.0.lock().failed(Instant::now());
            control
                .log(Level::Error, &format!("the plug-in failed while it played and starts afresh: {why}"));
        }
        if let Some((_, why)) = news.slip {
            control.log(Level::Error, &format!("the plug-in's code panicked, the sound goes on: {why}"));
        }
        if self.0.lock().is_due(Instant::now()) {
            let offer = Offer { table: control.own_table(), build: 0, reason: Reason::FAULT };
            if let Err(error) = control.take_build(offer, &|| true) {
                self.0.lock().failed(Instant::now());
                control.log(Level::Error, &format!("it stays bypassed and is tried again later: {error}"));
            }
        }
    }
}

impl<P: Parameters, S: Sample> StaticShell<P, S> {
    /// Makes an instance. [main]
    ///
    /// # Errors
    /// [`ShellError`] if the author's code panics or contradicts itself.
    pub fn open(
        own: Table,
        index: u32,
        format: &'static str,
        host: Box<dyn Host>,
    ) -> Result<Self, ShellError> {
        Self::open_because(Reason::HOST, own, index, format, host)
    }

    /// Makes an instance whose author is told `reason`: [`Reason::TRIAL`] or [`Reason::TEST`]. [main]
    ///
    /// # Errors
    /// As [`StaticShell::open`].
    pub fn open_because(
        reason: Reason,
        own: Table,
        index: u32,
        format: &'static str,
        host: Box<dyn Host>,
    ) -> Result<Self, ShellError> {
        let doubles = Arc::new(AtomicU32::new(0));
        let control = Control::open(own, index, format, Arc::from(host), doubles, true, reason)?;
        Ok(Self { kind: Static::default(), control: Arc::new(control) })
    }

    /// Hands a fresh instance of `table` over as a reload would: the Rig's `swap`. [main]
    ///
    /// # Errors
    /// As a reload's: what played plays on.
    pub fn swap(&self, table: Table, build: u32) -> Result<(), ShellError> {
        self.control.take_build(Offer { table, build, reason: Reason::RELOAD }, &|| true)
    }

    /// The control half, for tests that look inside.
    #[must_use]
    pub fn control(&self) -> &Control<P, S> {
        &self.control
    }
}

/// A second handle on the same instance: whoever swaps it keeps one beside the engine's.
impl<P, S> Clone for StaticShell<P, S> {
    fn clone(&self) -> Self {
        Self { kind: self.kind.clone(), control: Arc::clone(&self.control) }
    }
}

impl<K: Kind, P: Parameters, S: Sample> Shell for Around<K, P, S> {
    fn describe(&self) -> &'static PluginDesc<'static> {
        self.control.describe()
    }
    fn param_count(&self) -> usize {
        self.control.param_count()
    }
    fn param_info(&self, index: usize) -> Option<ParamInfo> {
        self.control.param_info(index)
    }
    fn param_index(&self, host_id: u32) -> Option<usize> {
        self.control.param_index(host_id)
    }
    fn param_value(&self, host_id: u32) -> Option<f64> {
        self.control.param_value(host_id)
    }
    fn set_param(&self, host_id: u32, value: f64) -> bool {
        self.control.set_param(host_id, value)
    }
    fn param_text(&self, host_id: u32, value: f64) -> Option<String> {
        self.control.param_text(host_id, value)
    }
    fn param_parse(&self, host_id: u32, text: &str) -> Option<f64> {
        self.control.param_parse(host_id, text)
    }
    fn save(&self, context: StateContext) -> Result<Vec<u8>, ShellError> {
        self.control.save(context)
    }
    fn load(&self, context: StateContext, bytes: &[u8]) -> Result<(), ShellError> {
        self.control.load(context, bytes)
    }
    fn latency(&self) -> u32 {
        self.control.latency()
    }
    fn tail(&self) -> Tail {
        self.control.tail()
    }
    fn layouts(&self) -> Vec<LayoutInfo> {
        self.control.layouts()
    }
    fn layout(&self) -> usize {
        self.control.layout()
    }
    fn set_layout(&self, index: usize) -> Result<(), ShellError> {
        self.control.set_layout(index)
    }
    fn notes(&self) -> NotePortsDesc {
        self.control.notes()
    }
    fn activate(&self, config: AudioConfig) -> Result<Box<dyn Audio>, ShellError> {
        self.control.activate(config)
    }
    fn deactivate(&self, audio: Box<dyn Audio>) {
        self.control.deactivate(audio);
    }
    fn set_mode(&self, mode: RenderMode) {
        self.control.set_mode(mode);
    }
    fn flush(&self, input: &dyn EventSource, output: &mut dyn EventSink) {
        self.control.flush(input, output);
    }
    fn take_changes(&self, phase: Phase) -> Changes {
        self.kind.upkeep(&self.control);
        self.control.take_changes(phase)
    }
    fn read_latency(&self) -> u32 {
        self.control.read_latency()
    }
    fn is_waiting(&self) -> bool {
        self.control.is_waiting()
    }
    fn host_read(&self, what: Changes) {
        self.control.host_read(what);
    }
    fn hold(&self, what: Changes) {
        self.control.hold(what);
    }
    fn editors(&self) -> Option<Arc<dyn Editors>> {
        Some(Arc::clone(&self.control) as Arc<dyn Editors>)
    }
    fn take_edits(&self) -> Vec<Edit> {
        self.control.take_announced_edits()
    }
    fn set_track(&self, track: Option<Track>) {
        self.control.editor_part().set_track(track);
    }
    fn set_presentation_latency(&self, frames: u32) {
        self.control.editor_part().set_presentation_latency(frames);
    }
    fn disconnect(&self) {
        self.control.disconnect();
    }
}

/// The plug-ins of a release artifact.
#[derive(Clone, Copy, Debug)]
pub struct StaticPlugins {
    linked: Linked,
}

impl StaticPlugins {
    /// Around the linked-in tables.
    #[must_use]
    pub const fn new(linked: Linked) -> Self {
        Self { linked }
    }
}

/// Number of plug-ins behind `linked`.
fn count(linked: Linked) -> usize {
    (0..256).take_while(|index| linked(*index).is_some()).count()
}

fn table(linked: Linked, index: usize) -> Option<Table> {
    let api = linked(u32::try_from(index).ok()?)?;
    Some(Table::linked(api))
}

fn describe(linked: Linked, index: usize) -> Option<&'static PluginDesc<'static>> {
    table(linked, index)?.describe().ok()
}

/// True if the linked-in logic works on `f64`.
fn is_double(table: Table) -> bool {
    table.canary().sample_precision.as_str() == <f64 as Sample>::NAME
}

fn missing(index: usize) -> ShellError {
    ShellError::Incompatible(format!("the artifact has no plug-in {index}"))
}

impl Plugins for StaticPlugins {
    fn count(&self) -> usize {
        count(self.linked)
    }

    fn describe(&self, index: usize) -> Option<&'static PluginDesc<'static>> {
        describe(self.linked, index)
    }

    fn open(
        &self,
        index: usize,
        format: &'static str,
        host: Box<dyn Host>,
    ) -> Result<Box<dyn Shell>, ShellError> {
        let own = table(self.linked, index).ok_or_else(|| missing(index))?;
        let place = u32::try_from(index).unwrap_or(u32::MAX);
        if is_double(own) {
            own.fits(&AbiCanary::of::<f64>())?;
            return Ok(Box::new(StaticShell::<ParamStore, f64>::open(own, place, format, host)?));
        }
        own.fits(&AbiCanary::of::<f32>())?;
        Ok(Box::new(StaticShell::<ParamStore, f32>::open(own, place, format, host)?))
    }

    fn is_hot(&self) -> bool {
        false
    }
}

#[cfg(feature = "reload")]
mod hot;
#[cfg(feature = "reload")]
pub use hot::{Hot, HotPlugins, HotShell};
