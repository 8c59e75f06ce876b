//! The runtime traits that adapters drive: [`Plugins`] makes a [`Shell`] (the control half), which lends an
//! [`Audio`] half while the host has the plug-in active.
//!
//! Called by: the adapters, the Rig. Calls: `shell/control`, `shell/audio`.
//! Threads: [`Shell`] is [main], but safe from any thread; [`Audio`] belongs to one thread at a time.

pub mod audio;
mod bypass;
pub mod control;
mod delay;
pub mod editors;
mod fade;
mod feed;
mod guard;
mod info;
pub mod player;
pub mod plugins;
mod replay;
mod run;
mod swap;
mod verdict;

use std::any::Any;

use bitflags::bitflags;
use hotshell_abi::{AudioConfig, Event, PluginDesc, RenderMode, Track, Transport};

use crate::host::Host;
pub use crate::rt::block::{HostBlock, HostBus, HostChannel};
pub use info::{BusInfo, LayoutInfo, ParamInfo, Tail};
#[cfg(feature = "reload")]
pub use plugins::{HotPlugins, HotShell};
pub use plugins::{StaticPlugins, StaticShell};

bitflags! {
    /// What the host must be told. In no format's words; FORMATS section 1 says which call each one becomes.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct Changes: u32 {
        /// Parameter values moved without an event of the host's (state load, a new default). Any time.
        const VALUES = 1;
        /// Value texts read differently. Any time.
        const TEXTS = 1 << 1;
        /// Names, groups, hidden flags. Any time.
        const INFO = 1 << 2;
        /// Ranges, defaults, flags, variants, added parameters. Only while inactive: in [`Phase::Deactivated`] of a
        /// restart that was our wish, or in [`Phase::AnyTime`]. [`Phase::AtOnce`] carries it while active too.
        const PARAMS = 1 << 3;
        /// The announced latency. Only in [`Phase::Activating`] and [`Phase::AtOnce`]; in the latter at most once per
        /// [`LATENCY_PAUSE`](crate::changes::LATENCY_PAUSE).
        const LATENCY = 1 << 4;
        /// The tail. [audio]: reported by [`Outcome::tail_changed`] only.
        const TAIL = 1 << 5;
        /// Names of audio ports. Any time.
        const PORT_NAMES = 1 << 6;
        /// Number, channels, kinds of audio ports. Only while inactive, as `PARAMS`.
        const PORTS = 1 << 7;
        /// Names of note ports. Any time.
        const NOTE_PORT_NAMES = 1 << 8;
        /// Number and dialects of note ports. Only while inactive, as `PARAMS`.
        const NOTE_PORTS = 1 << 9;
        /// Voice count or overlap. Any time.
        const VOICES = 1 << 10;
        /// Remote-control pages. Any time.
        const PAGES = 1 << 11;
        /// The user edited state that is not a parameter. Any time.
        const DIRTY = 1 << 12;
        /// MIDI controllers that are listened to. Any time.
        const CONTROLLERS = 1 << 13;
    }
}

/// Where an adapter stands when it pulls changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Any main-thread call in which the host may be called. While inactive it carries `PARAMS`, `PORTS` and
    /// `NOTE_PORTS` too: the formats allow them there, and no restart is needed.
    AnyTime,
    /// Inside the host's deactivate call, after [`Shell::deactivate`].
    Deactivated,
    /// Inside the host's activate call, after [`Shell::activate`].
    Activating,
    /// In place of `AnyTime`, for hosts that read lists and the latency again while active (VST3): carries whatever
    /// there is to tell, and never asks for a restart. The new latency is what [`Shell::latency`] answers from then on;
    /// once the host has read it ([`Shell::read_latency`]), what is heard is as late as it says. A deactivation soon
    /// afterwards counts as our wish.
    AtOnce,
}

/// Which state a host saves or loads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StateContext {
    /// A project, or the host does not say.
    #[default]
    Project,
    /// A preset: fields of project scope stay out of it and untouched.
    Preset,
    /// A copy of an instance within a project: as a project.
    Duplicate,
}

/// Why a shell refused.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ShellError {
    /// The author's code panicked: message and place.
    Panicked(String),
    /// A saved state that is not ours, damaged, or refused by the author's code; nothing was changed.
    BadState(String),
    /// The configuration is out of range (sample rate, block size, layout).
    BadConfig(String),
    /// The logic's table does not fit this shell.
    Incompatible(String),
    /// A reload or an editor held what was needed for longer than `GUI_LOCK_WAIT`; nothing was changed.
    Busy(&'static str),
    /// The build has no editor, or its code could not make one: why.
    NoEditor(String),
    /// Already active, or not active.
    WrongPhase(&'static str),
}

impl std::fmt::Display for ShellError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Panicked(text) => write!(f, "the plug-in's code panicked: {text}"),
            Self::BadState(text) => write!(f, "the state was refused, nothing was changed: {text}"),
            Self::BadConfig(text) => write!(f, "the configuration was refused: {text}"),
            Self::Incompatible(text) => write!(f, "the logic does not fit this shell: {text}"),
            Self::Busy(what) => {
                write!(f, "{what} was busy for longer than the main thread may wait; try again")
            }
            Self::NoEditor(why) => write!(f, "no editor: {why}"),
            Self::WrongPhase(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for ShellError {}

/// All plug-ins of one artifact. One value per artifact, made by the facade's macro, handed to each adapter.
pub trait Plugins: Send + Sync {
    /// Number of plug-ins. Never touches the slot. [any]
    fn count(&self) -> usize;

    /// Description of plug-in `index` as the shell itself was built (build 0). Never touches the slot. [any]
    fn describe(&self, index: usize) -> Option<&'static PluginDesc<'static>>;

    /// Makes one instance. `format`: `"clap"`, `"vst3"`. The hot shell loads the newest accepted build of the slot
    /// before it returns (2 s at most, then build 0 and a swap later). [main]
    ///
    /// # Errors
    /// [`ShellError`] if even build 0 cannot be made (its `bind` or `create` panicked).
    fn open(
        &self,
        index: usize,
        format: &'static str,
        host: Box<dyn Host>,
    ) -> Result<Box<dyn Shell>, ShellError>;

    /// True for the hot shell, which offers a superset of extensions because hosts ask for one only once.
    fn is_hot(&self) -> bool;
}

/// Control half of one plug-in instance. All methods are [main] by the formats' rules and safe from any thread: the
/// shell serialises them, and waits [`GUI_LOCK_WAIT`] at most for anything that a reload holds.
pub trait Shell: Send + Sync {
    /// Description of the newest accepted build (texts, notes, voices, hand-over; *not* what was announced).
    fn describe(&self) -> &'static PluginDesc<'static>;

    /// Number of announced parameters.
    fn param_count(&self) -> usize;
    /// Announced parameter at `index` of the append-only list.
    fn param_info(&self, index: usize) -> Option<ParamInfo>;
    /// Index of a host id, aliases of renamed parameters included.
    fn param_index(&self, host_id: u32) -> Option<usize>;
    /// Plain value, without modulation.
    fn param_value(&self, host_id: u32) -> Option<f64>;
    /// Sets a plain value (clamped) outside of any block: hosts' main-thread edits. False if the id is unknown.
    fn set_param(&self, host_id: u32, value: f64) -> bool;
    /// Text of a plain value.
    fn param_text(&self, host_id: u32, value: f64) -> Option<String>;
    /// Plain value of a text; `None` if it means none.
    fn param_parse(&self, host_id: u32, text: &str) -> Option<f64>;

    /// Saved state of the shared half: exact at any time, audio running, stopped or crashed.
    ///
    /// # Errors
    /// [`ShellError::Panicked`] or [`ShellError::Busy`]: nothing was written, and the host must be told.
    fn save(&self, context: StateContext) -> Result<Vec<u8>, ShellError>;
    /// Loads a state, all or nothing. Values are in place when it returns, the logic hears of them before its next
    /// block.
    ///
    /// # Errors
    /// [`ShellError::BadState`] and friends: nothing was changed.
    fn load(&self, context: StateContext, bytes: &[u8]) -> Result<(), ShellError>;

    /// Announced latency in frames: constant while active, but for a host that is told at once ([`Phase::AtOnce`]).
    fn latency(&self) -> u32;
    /// The host reads the latency: answers it and notes, in one step, that the host knows this value. While active, what
    /// is heard is brought in step with it, faded.
    fn read_latency(&self) -> u32;
    /// Tail as last reported.
    fn tail(&self) -> Tail;

    /// Announced layouts.
    fn layouts(&self) -> Vec<LayoutInfo>;
    /// Index of the current layout in [`Shell::layouts`].
    fn layout(&self) -> usize;
    /// Chooses a layout. Inactive only.
    ///
    /// # Errors
    /// [`ShellError::WrongPhase`] while active, [`ShellError::BadConfig`] past the last.
    fn set_layout(&self, index: usize) -> Result<(), ShellError>;
    /// Announced note ports.
    fn notes(&self) -> hotshell_abi::NotePortsDesc;

    /// Makes the plug-in ready for blocks. `config.layout` is ignored: [`Shell::layout`] counts.
    ///
    /// # Errors
    /// [`ShellError`]; the plug-in stays inactive.
    fn activate(&self, config: AudioConfig) -> Result<Box<dyn Audio>, ShellError>;
    /// Takes the audio half back. A restart that the shell itself asked for keeps the playing instance.
    fn deactivate(&self, audio: Box<dyn Audio>);
    /// True if a build waits for the next block. An audio half in which no block has run yet is better given back and made
    /// again: the build takes its place then, and the latency is the new one's. Never in a restart that the shell itself
    /// asked for: there it fades in.
    fn is_waiting(&self) -> bool {
        false
    }
    /// The mode of the blocks to come.
    fn set_mode(&self, mode: RenderMode);

    /// Applies parameter events outside of any block (`flush` while inactive). Output events go to `output`.
    fn flush(&self, input: &dyn EventSource, output: &mut dyn EventSink);

    /// What the host must be told in this phase; each change is answered once. Drives all main-thread upkeep.
    fn take_changes(&self, phase: Phase) -> Changes;
    /// Tells the shell that the host read a list or a value again, so that it diffs against what the host last read. The
    /// latency has a way of its own: [`Shell::read_latency`].
    fn host_read(&self, what: Changes);
    /// The host forbids these ([`Changes::PORTS`] where it may not be asked to read ports again): they are never
    /// announced, and the new logic runs behind a shim.
    fn hold(&self, what: Changes);

    /// This instance as its editor-proxy sees it, which may outlive this handle; `None`: no editors here.
    fn editors(&self) -> Option<std::sync::Arc<dyn editors::Editors>> {
        None
    }
    /// One line for the host's log and the `dev` terminal: what an adapter could not do and a host is told by a number.
    /// Not on [audio].
    fn log(&self, level: crate::host::Level, text: &str) {
        if let Some(editors) = self.editors() {
            editors.log(level, text);
        }
    }
    /// What the user did in the editor since the last call, in order, of announced parameters only: for the host. The
    /// values are in place. What he did with a parameter that is not announced yet waits until it is. [main]
    fn take_edits(&self) -> Vec<editors::Edit> {
        Vec::new()
    }

    /// The host says this of the track that the plug-in sits on; `None`: nothing any more. For editors; it stays over a
    /// reload.
    fn set_track(&self, track: Option<Track>) {
        let _ = track;
    }
    /// The host says that so many frames lie between the main output and what is heard; 0: none, or not known. As
    /// [`Shell::set_track`].
    fn set_presentation_latency(&self, frames: u32) {
        let _ = frames;
    }

    /// The host's pointers are about to end: no call of [`Host`] after this returns.
    fn disconnect(&self);
}

/// Longest wait of a main-thread call for something that a reload or an editor holds.
pub const GUI_LOCK_WAIT: std::time::Duration = std::time::Duration::from_millis(50);

/// Longest step of a reload job: one load, or one call of one instance.
pub const STEP_LIMIT: std::time::Duration = std::time::Duration::from_secs(5);

/// Reload threads that may be left behind in the author's code.
pub(crate) const MOST_ABANDONED: u32 = 3;

/// Audio half of one active plug-in instance. [audio], by one thread at a time. Real time: no method allocates, frees,
/// locks, waits or enters the kernel (except in a block in which the logic panics).
pub trait Audio: Send {
    /// Runs one block; writes every output sample.
    fn process(
        &mut self,
        block: &mut HostBlock<'_>,
        input: &dyn EventSource,
        output: &mut dyn EventSink,
    ) -> Outcome;
    /// Applies parameter events without a block (`flush` while active).
    fn flush(&mut self, input: &dyn EventSource, output: &mut dyn EventSink);
    /// Forgets all sound (CLAP `reset`, VST3 `setProcessing`).
    fn clear(&mut self);
    /// For [`Shell::deactivate`], which takes its own kind back.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

/// Input events in order of time, read by index: nothing is copied twice and nothing overflows.
pub trait EventSource {
    /// Number of events.
    fn len(&self) -> u32;
    /// Event `index`, translated; `None` for an event that no logic knows (skipped). A `PARAM_VALUE` or `PARAM_MOD`
    /// may carry `index + 1` of its parameter in `data[1]` (a cookie); the shell checks it.
    fn event(&self, index: u32) -> Option<Event>;
    /// True without events.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The transport change at event `index`, if it is one.
    fn transport(&self, index: u32) -> Option<Transport> {
        let _ = index;
        None
    }
}

/// Output events. `sysex` holds the bytes of a system exclusive, else empty.
pub trait EventSink {
    /// Passes one event to the host, times in host block frames and never decreasing. False if it did not fit.
    fn send(&mut self, event: &Event, sysex: &[u8]) -> bool;
}

/// No events in.
impl EventSource for () {
    fn len(&self) -> u32 {
        0
    }
    fn event(&self, _index: u32) -> Option<Event> {
        None
    }
}

/// No events out.
impl EventSink for () {
    fn send(&mut self, _event: &Event, _sysex: &[u8]) -> bool {
        true
    }
}

/// What the host is told after a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// What the plug-in needs next.
    pub status: BlockStatus,
    /// The tail differs from what the host last read; CLAP tells it inside this call.
    pub tail_changed: bool,
}

/// What the plug-in needs next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BlockStatus {
    /// More blocks.
    #[default]
    Continue,
    /// More blocks until its output is quiet for its tail.
    Tail,
    /// No more blocks until input, an event or `request_process`.
    Sleep,
}
