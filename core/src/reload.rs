//! The reload pipeline, in order: watch -> stage -> check -> load -> verify -> prepare and hand over (the shell's
//! part, behind [`Reloadable`]) -> retire.
//!
//! Called by: the hot shell; `cargo-hotshell` uses [`slot`] only. Calls: `reload/*`, and each shell through
//! [`Reloadable`]. Threads: [reload] [watch] and one watchdog per module, started with the first attached instance and
//! joined (200 ms at most) when the last one detaches.
//!
//! The reload thread may be abandoned inside the author's code (a job of more than 5 s) and another one started: an
//! implementation of [`Reloadable`] must not hold a lock over the author's code that the next call would wait for, and
//! asks [`Build::is_wanted`] right before it hands over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::host::Level;
use crate::instance::Table;

pub mod slot;

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

    #[expect(dead_code, reason = "the pipeline's next commit calls it")]
    fn give_up(&self) {
        self.unwanted.store(true, Ordering::Release);
    }
}

/// One plug-in instance as the reload thread sees it.
pub trait Reloadable: Send + Sync {
    /// Index of the plug-in in its artifact. [any]
    fn plugin_index(&self) -> u32;

    /// Bind -> create -> reset -> silent blocks -> clear -> hand over (or swap directly while inactive). Also called with
    /// an *older* build after a fault, with [`Takeover::Fault`]. [reload]
    ///
    /// # Errors
    /// Why the build was refused, in words; what played plays on. The build is quarantined.
    fn take_build(&self, build: &Arc<Build>, why: Takeover) -> Result<(), String>;

    /// Drop retired instances, prepare stale ones again, answer what happened since. Every 20 ms or sooner. [reload]
    fn tick(&self) -> InstanceNews;

    /// One line for the host's log. [reload], watchdog
    fn log(&self, level: Level, text: &str);
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
