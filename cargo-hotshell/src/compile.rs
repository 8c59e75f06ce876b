//! One run of cargo: its command line, its process group, what it said and what it made.
//!
//! Called by: `dev`, `bundle`. Calls: cargo, `compile/message`, `depinfo`. Beside it: `compile/seed`.
//! Threads: [`Job`] belongs to one thread; two readers (`build-out`, `build-err`) end with cargo's output and are
//! joined by [`Job::finish`] or drop.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use parking_lot::Mutex;
use process_wrap::std::{ChildWrapper, CommandWrap};

use crate::project::{Project, cargo};
use crate::{Error, depinfo};

mod message;
pub mod seed;

use message::Collected;

/// Name of the profile that `dev` injects.
pub const HOT: &str = "hot";

/// Keys of the injected profile. It inherits `dev`, because `release` would bring the author's LTO.
/// `lto = "off"`: the thin LTO between the parts of one crate costs more than the rest of an incremental build; many
/// parts, because only those that a save touches are compiled again. Dependencies are compiled once: fewer and larger
/// parts run quicker. Assertions are off as in a release: what is heard while writing is what ships.
const HOT_PROFILE: [&str; 11] = [
    "inherits=\"dev\"",
    "opt-level=3",
    "incremental=true",
    "codegen-units=256",
    "package.\"*\".codegen-units=16",
    "lto=\"off\"",
    "panic=\"unwind\"",
    "debug=0",
    "strip=\"debuginfo\"",
    "debug-assertions=false",
    "overflow-checks=false",
];

/// What to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The reloading shell, which reads this slot.
    Shell {
        /// The slot's folder.
        slot: PathBuf,
    },
    /// The logic alone: what goes through the slot. Names of functions stay in it, for the trial's backtraces: a quarter of
    /// a megabyte, which hosts map and never read.
    Logic,
    /// The static plug-in.
    Static {
        /// With the author's release profile.
        release: bool,
    },
}

impl Kind {
    /// For a status line.
    #[must_use]
    pub const fn words(&self) -> &'static str {
        match self {
            Self::Shell { .. } => "the shell",
            Self::Logic => "the logic",
            Self::Static { .. } => "the static plug-in",
        }
    }
}

/// One build to be made.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Of which plug-in.
    pub project: &'a Project,
    /// What of it.
    pub kind: Kind,
    /// The author's own features, as `--features` takes them.
    pub features: &'a [String],
    /// Folder for the temporary files of compiler and linker.
    pub scratch: &'a Path,
    /// The compiler's messages in colour.
    pub colour: bool,
}

impl Request<'_> {
    /// The command line.
    #[must_use]
    pub fn command(&self) -> Command {
        let (project, dependency) = (self.project, &self.project.dependency);
        let mut command = Command::new(cargo());
        let word = if matches!(self.kind, Kind::Static { .. }) { "build" } else { "rustc" };
        command.current_dir(project.folder()).arg(word).arg("--manifest-path").arg(&project.manifest);
        command.args(["--package", &project.package, "--lib", "--color=never"]);
        command.arg(format!(
            "--message-format={}",
            if self.colour { "json-diagnostic-rendered-ansi" } else { "json" }
        ));
        for feature in self.features {
            command.arg("--features").arg(feature);
        }
        match &self.kind {
            Kind::Shell { slot } => {
                command.arg("--features").arg(format!("{dependency}/reload")).env("HOTSHELL_SLOT", slot);
                hot(&mut command, &project.own_target().join("shell"));
            }
            Kind::Logic => {
                command.arg("--features").arg(format!("{dependency}/logic-only")).env_remove("HOTSHELL_SLOT");
                hot(&mut command, &project.own_target().join("logic"));
            }
            Kind::Static { release } => {
                command.args(release.then_some("--release")).env_remove("HOTSHELL_SLOT");
            }
        }
        // What `cargo run` adds for its own child would otherwise count as a changed environment.
        for variable in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
            command.env_remove(variable);
        }
        for variable in ["TMPDIR", "TMP", "TEMP"] {
            command.env(variable, self.scratch);
        }
        command
    }
}

/// The injected profile and a target folder of its own. Only the dynamic library is made, not the `rlib` beside it.
fn hot(command: &mut Command, target: &Path) {
    command.args(["--crate-type", "cdylib", "--profile", HOT]).arg("--target-dir").arg(target);
    for key in HOT_PROFILE {
        command.arg("--config").arg(format!("profile.{HOT}.{key}"));
    }
    // Continuous-integration machines switch it off by this variable, which beats the profile.
    command.env("CARGO_INCREMENTAL", "1");
}

/// News of a running build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Cargo's own line, e.g. `Compiling serde v1.0.0`.
    Status(String),
    /// Cargo has closed its output: [`Job::finish`] will not wait for long.
    Ended,
}

/// A build that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The dynamic library, in cargo's target folder.
    pub artifact: PathBuf,
    /// What it was made from.
    pub inputs: Vec<PathBuf>,
    /// The compiler's warnings, ready for the terminal.
    pub warnings: String,
    /// Time since the start.
    pub took: Duration,
}

/// How a build ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It made an artifact.
    Built(Built),
    /// It did not.
    Failed {
        /// The compiler's (or cargo's) messages, ready for the terminal.
        text: String,
        /// The first error on one line, with its place: `src/lib.rs:12: cannot find value ...`.
        first: String,
    },
}

/// A running cargo. Dropped, it takes its whole process group with it.
#[derive(Debug)]
pub struct Job {
    child: Box<dyn ChildWrapper>,
    readers: Vec<JoinHandle<()>>,
    collected: Arc<Mutex<Collected>>,
    started: Instant,
    library: String,
    ended: bool,
}

impl Job {
    /// Starts cargo, in a group of its own, at low priority. `sink` is called from the readers.
    ///
    /// # Errors
    /// Cargo cannot be started.
    pub fn start(request: &Request<'_>, sink: Arc<dyn Fn(Progress) + Send + Sync>) -> Result<Self, Error> {
        let mut command = request.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut wrapped = CommandWrap::from(command);
        own_group(&mut wrapped);
        let started = Instant::now();
        let mut child =
            wrapped.spawn().with_context(|| format!("cannot start cargo ({})", cargo().display()))?;
        lower_priority(child.id());
        let collected = Arc::new(Mutex::new(Collected::default()));
        let (output, errors) = (child.stdout().take(), child.stderr().take());
        let mut job = Self {
            child,
            readers: Vec::new(),
            collected: Arc::clone(&collected),
            started,
            library: request.project.library.clone(),
            ended: false,
        };
        let (to, from) = (Arc::clone(&collected), Arc::clone(&sink));
        job.read(
            "build-err",
            errors,
            move |line| {
                to.lock().cargo_line(&line);
                from(Progress::Status(line.trim().to_owned()));
            },
            || (),
        )?;
        job.read(
            "build-out",
            output,
            move |line| collected.lock().json_line(&line),
            move || sink(Progress::Ended),
        )?;
        Ok(job)
    }

    fn read(
        &mut self,
        name: &str,
        from: Option<impl Read + Send + 'static>,
        mut line: impl FnMut(String) + Send + 'static,
        end: impl FnOnce() + Send + 'static,
    ) -> Result<(), Error> {
        let from = from.context("cargo has no output")?;
        let run = move || {
            let mut lines = BufReader::new(from);
            let mut bytes = Vec::new();
            while lines.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
                line(String::from_utf8_lossy(&bytes).trim_end().to_owned());
                bytes.clear();
            }
            end();
        };
        self.readers.push(std::thread::Builder::new().name(name.to_owned()).spawn(run).context("no thread")?);
        Ok(())
    }

    /// Waits for the end and says how it went.
    ///
    /// # Errors
    /// Cargo cannot be waited for.
    pub fn finish(mut self) -> Result<Outcome, Error> {
        let status = self.wait()?;
        let took = self.started.elapsed();
        let collected = std::mem::take(&mut *self.collected.lock());
        match collected.artifact_of(&self.library) {
            Some(artifact) if status.success() => Ok(Outcome::Built(Built {
                inputs: depinfo::inputs_of(&artifact),
                artifact,
                warnings: collected.warnings,
                took,
            })),
            _ => Ok(collected.failure(status)),
        }
    }

    fn wait(&mut self) -> Result<ExitStatus, Error> {
        for reader in self.readers.drain(..) {
            // A reader cannot panic but by a bug of ours; the build's end does not depend on it.
            drop(reader.join());
        }
        let status = self.child.wait().context("cannot wait for cargo")?;
        self.ended = true;
        Ok(status)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.ended {
            // Fails only if all of the group is gone, which is what is wanted.
            drop(self.child.start_kill());
            drop(self.wait());
        }
    }
}

/// A session of its own: a process group, so that all of it can be ended, and on Linux a scheduling group too.
#[cfg(unix)]
pub(crate) fn own_group(command: &mut CommandWrap) {
    command.wrap(process_wrap::std::ProcessSession);
}

/// A job of its own, so that all of it can be ended; its priority is inherited.
#[cfg(windows)]
pub(crate) fn own_group(command: &mut CommandWrap) {
    use process_wrap::std::{CreationFlags, JobObject};
    command
        .wrap(CreationFlags(windows::Win32::System::Threading::BELOW_NORMAL_PRIORITY_CLASS))
        .wrap(JobObject);
}

/// Compiling must not make the host drop out. The whole group, so that a rustc already started is in it; on Linux the
/// I/O priority follows. Where Linux schedules sessions against one another, a nice value counts within one only, and
/// the session has a value of its own. A build at normal priority is better than none: refusals are ignored.
#[cfg(unix)]
pub(crate) fn lower_priority(process: u32) {
    let group = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        let _ = rustix::process::setpriority_pgrp(Some(group), NICE);
    }
    if cfg!(target_os = "linux") {
        drop(std::fs::write(format!("/proc/{process}/autogroup"), SESSION_NICE.to_string()));
    }
}

/// A tenth of the weight of a process at 0.
#[cfg(unix)]
const NICE: i32 = 10;

/// A third of the weight of another session: a host comes first, and a machine that is busy with other things still
/// compiles in a time that an author waits for.
#[cfg(unix)]
const SESSION_NICE: i32 = 5;

#[cfg(windows)]
pub(crate) fn lower_priority(_process: u32) {}

#[cfg(test)]
mod tests;
