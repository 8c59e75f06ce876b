//! The reload pipeline, in order: watch -> stage -> check -> load -> verify -> prepare and hand over (the shell's
//! part, behind [`Reloadable`]) -> retire.
//!
//! Called by: the hot shell; `cargo-hotshell` uses [`slot`] only. Calls: `reload/*`, and each shell through
//! [`Reloadable`]. Threads: \[reload\] \[watch\] and one watchdog per module, started with the first attached instance and
//! joined (200 ms at most) when the last one detaches.
//!
//! The reload thread may be abandoned inside the author's code (a job of more than 5 s) and another one started: an
//! implementation of [`Reloadable`] must not hold a lock over the author's code that the next call would wait for, and
//! asks [`Build::is_wanted`] right before it hands over.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::host::Level;
use crate::instance::Table;
use crate::shell::control::Within;
use crate::shell::editors::Notice;

pub mod check;
mod dev;
mod job;
pub mod load;
mod module;
mod report;
pub mod slot;
pub mod stage;
mod state;
mod watch;
mod watchdog;

pub use crate::shell::STEP_LIMIT;
pub use load::{Load, NativeLoader};

use module::Module;

/// What a module reloads, and how. The same for all instances of a module.
#[derive(Clone)]
pub struct Setup {
    /// The slot's folder (`HOTSHELL_SLOT`); `None`: not connected, build 0 plays.
    pub slot: Option<PathBuf>,
    /// Makes tables of files.
    pub loader: Arc<dyn Load>,
    /// Build 0: the tables that are linked into the shell.
    pub own: Vec<Table>,
    /// Name and version of the host, for reports.
    pub host: String,
    /// `"clap"`, `"vst3"` or `"rig"`, for reports.
    pub format: &'static str,
    /// Longest time that one step of a job may take before its thread is abandoned. [`STEP_LIMIT`] but in tests.
    pub step_limit: Duration,
}

/// Puts an instance under the care of its module's reload thread, which starts with the first one. The instance hears
/// of no build before [`Attachment::opened`] was called. [main]
#[must_use]
pub fn attach(setup: Setup, instance: Weak<dyn Reloadable>) -> Attachment {
    let module = Module::of(setup);
    let id = module.attach(instance);
    Attachment { module, id }
}

/// Number of the module's instances that run two logics at the moment: too many at once fade without double work. [any]
#[must_use]
pub fn doubles() -> Arc<std::sync::atomic::AtomicU32> {
    static DOUBLES: std::sync::LazyLock<Arc<std::sync::atomic::AtomicU32>> =
        std::sync::LazyLock::new(Arc::default);
    Arc::clone(&DOUBLES)
}

/// An instance's tie to its module. Dropping it detaches; the last one stops the module's threads.
#[derive(Debug)]
pub struct Attachment {
    module: Arc<Module>,
    id: u64,
}

impl Attachment {
    /// The newest accepted build, for an instance that is being opened; `None`: play build 0. Waits up to `wait` for the
    /// module's first look into the slot. [`Attachment::opened`] says what became of it. [main]
    #[must_use]
    pub fn current(&self, wait: Duration) -> Option<Arc<Build>> {
        self.module.current(self.id, wait)
    }

    /// The instance is open. From here on the reload thread keeps it up to date, and calls it. [main]
    pub fn opened(&self) {
        self.module.opened(self.id);
    }

    /// The instance could not be made from the build that [`Attachment::current`] gave, and plays build 0: quarantines
    /// the build. Before [`Attachment::opened`]. [main]
    pub fn refuse(&self, build: &Arc<Build>, reason: &str) {
        self.module.refuse_opening(self.id, build, reason);
    }

    /// Something happened that the reload thread should not learn only at its next tick. [any but audio]
    pub fn wake(&self) {
        self.module.wake();
    }

    /// Adds a line to the module's log, with the instance's number where there are several, for the `dev` terminal. Does not call [`Reloadable::log`]. [any but audio]
    pub fn note(&self, level: Level, text: &str) {
        self.module.note_of(self.id, level, text);
    }

    /// An editor's window was opened: it wants to hear what `dev` says. [any but audio]
    pub fn window_opened(&self) {
        self.module.look_soon();
    }

    /// What `hosts/<random>.json` would say. [any but audio]
    #[must_use]
    pub fn report(&self) -> slot::HostReport {
        self.module.report()
    }

    /// What `dev` says, as of at most a second ago; `None`: none is running, or no editor's window is open. [any but audio]
    #[must_use]
    pub fn dev(&self) -> Option<slot::DevStatus> {
        self.module.dev()
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.module.detach(self.id);
    }
}

/// One loaded build. Its library stays mapped for ever.
#[derive(Debug)]
pub struct Build {
    /// Its number in the slot; 0: linked into the shell itself.
    pub number: u32,
    /// XXH3-128 of its file; 0 for build 0.
    pub hash: u128,
    /// One checked table per plug-in of the artifact.
    pub tables: Vec<Table>,
    /// What the slot says about it; `None` for build 0.
    pub manifest: Option<slot::Manifest>,
    unwanted: AtomicBool,
}

impl Build {
    /// A build of these tables.
    #[must_use]
    pub fn new(tables: Vec<Table>, manifest: Option<slot::Manifest>) -> Self {
        let (number, hash) = manifest.as_ref().map_or((0, 0), |manifest| (manifest.build, manifest.hash()));
        Self { number, hash, tables, manifest, unwanted: AtomicBool::new(false) }
    }

    /// False once the build is quarantined or was given up on: do not hand it over. [any]
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        !self.unwanted.load(Ordering::Acquire)
    }

    fn give_up(&self) {
        self.unwanted.store(true, Ordering::Release);
    }
}

/// One plug-in instance as the reload thread sees it.
pub trait Reloadable: Send + Sync {
    /// Index of the plug-in in its artifact. [any]
    fn plugin_index(&self) -> u32;

    /// Bind -> create -> reset -> silent blocks -> clear -> hand over (or swap directly while inactive). Also called with
    /// an *older* build after a fault, with [`Takeover::Fault`]. What is another build's of the author's code runs `within`.
    /// [reload]
    ///
    /// # Errors
    /// [`Refusal`]; what played plays on.
    fn take_build(&self, build: &Arc<Build>, why: Takeover, within: Within<'_>) -> Result<(), Refusal>;

    /// Drop retired instances, prepare stale ones again, answer what happened since. What is the author's runs `within`.
    /// Every 20 ms or sooner. [reload]
    fn tick(&self, within: Within<'_>) -> InstanceNews;

    /// True while one of its editors' windows is open: somebody wants to hear what `dev` says. Watchdog.
    fn has_window(&self) -> bool;

    /// What its editors' windows show from here on; `None`: nothing is wrong. Watchdog.
    fn show(&self, notice: Option<Notice>);

    /// One line for the host's log. [reload], watchdog
    fn log(&self, level: Level, text: &str);
}

/// What runs of a build before anybody hears it.
pub(crate) const FIRST_CODE: &str = "`create`, `reset` or its first blocks";

/// Why an instance did not take a build.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The build is at fault: why, in words. It is quarantined, and no instance of the module plays it.
    Build(String),
    /// The instance's configuration changed faster than it could be prepared: ask again.
    NotNow,
}

/// Why an instance gets a build.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Takeover {
    /// It was published.
    Published,
    /// The one before failed while it played, or was refused by another instance of the module.
    Fault,
}

/// What happened in one instance.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InstanceNews {
    /// Number of the build that was heard last, and when its first block was in the output (nanoseconds since 1970, see
    /// [`slot::now`]). `None` before the first block.
    pub heard: Option<(u32, u64)>,
    /// Blocks so far, since the instance was opened.
    pub blocks: u64,
    /// Blocks lost so far.
    pub blocks_lost: u64,
    /// Blocks late so far.
    pub blocks_late: u64,
    /// A fault since the last tick.
    pub fault: Option<Fault>,
    /// A panic since the last tick in code that nobody hears: a text, a state function. What plays plays on.
    pub slip: Option<Fault>,
    /// A candidate waits to be taken: tick again soon.
    pub waiting: bool,
}

/// A build failed while it played.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Number of the build.
    pub build: u32,
    /// What the author's code said, with its place, or what was wrong with its output.
    pub message: String,
}
