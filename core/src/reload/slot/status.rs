//! The small files that each side writes about itself: `dev.json`, `hosts/<random>.json`.
//!
//! Called by: `slot`, `reload/report`, the command. Calls: `slot/folder`. Threads: the watchdog, and the command's.

use std::fs::File;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Folder, Slot, SlotError, is_free};

pub(in super::super) const DEV: &str = "dev.json";
const DEV_LOCK: &str = "dev.lock";
const DEV_LIMIT: u64 = 64 << 10;
const HOSTS: &str = "hosts";
const LOCK: &str = ".lock";
const REPORT_LIMIT: u64 = 2 << 20;
/// More reports than any user has hosts: the rest is not read.
const MOST_REPORTS: usize = 256;

/// What `dev` is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DevState {
    /// Waiting for a save.
    #[default]
    Idle,
    /// Compiling.
    Building,
    /// The last build failed; the one before plays on.
    Failed,
}

/// `dev.json`. Times in nanoseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DevStatus {
    /// Process of `dev`.
    pub pid: u32,
    /// What it is doing.
    pub state: DevState,
    /// Since when.
    pub since: u64,
    /// Last published build, 0 before the first.
    pub build: u32,
    /// First error of a failed build, with its place: `src/lib.rs:12: cannot find value ...`.
    pub error: Option<String>,
    /// What the trial of the last build found, the worst first.
    pub findings: Vec<FindingLine>,
}

/// What the trial found in a build before it was published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FindingLine {
    /// True: the build was not published (unless it was forced). False: a warning.
    pub error: bool,
    /// What happened, with its place where that is known: `panic in process: src/lib.rs:12:5: ...`.
    pub what: String,
    /// The input that caused it.
    pub input: String,
    /// The calls that led there, innermost first; empty where they are not known.
    pub backtrace: Vec<String>,
    /// Command that plays the same input again, under a debugger if need be; empty for a warning.
    pub replay: String,
}

/// A running `dev`: the slot is its own to publish into.
#[derive(Debug)]
pub struct DevClaim<'a> {
    slot: &'a Slot,
    _lock: File,
}

impl DevClaim<'_> {
    /// Replaces `dev.json`.
    ///
    /// # Errors
    /// The slot cannot be written.
    pub fn write(&self, status: &DevStatus) -> Result<(), SlotError> {
        self.slot.folder.write(DEV, &to_json(status, DEV)?)
    }
}

impl Drop for DevClaim<'_> {
    fn drop(&mut self) {
        // Without the lock the file counts as a dead `dev`'s, removed or not.
        let _ = self.slot.folder.remove(DEV);
    }
}

/// One line of a shell's log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogLine {
    /// Nanoseconds since 1970.
    pub at: u64,
    /// As CLAP: 0 debug, 1 info, 2 warning, 3 error.
    pub level: u32,
    /// The text.
    pub text: String,
}

/// One build that a module refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RefusalLine {
    /// Its number.
    pub build: u32,
    /// Its hash, 32 hexadecimal digits.
    pub hash: String,
    /// When.
    pub at: u64,
    /// Why, and what to do.
    pub reason: String,
}

/// One build that failed while it played.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FaultLine {
    /// Its number; 0 is the shell's own.
    pub build: u32,
    /// When the module noticed.
    pub at: u64,
    /// What the author's code said, with the place.
    pub message: String,
}

/// One plug-in instance of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InstanceLine {
    /// Index of the plug-in in its artifact.
    pub plugin: u32,
    /// Build that was heard last; 0 is the shell's own.
    pub heard: u32,
    /// First block with that build in the output, nanoseconds since 1970; 0 if none was played.
    pub heard_at: u64,
    /// Blocks played.
    pub blocks: u64,
    /// Blocks in which some output sample was unwritten, stale or a fallback's.
    pub blocks_lost: u64,
    /// Blocks that took longer than they last.
    pub blocks_late: u64,
}

/// `hosts/<random>.json`: one loaded shell module. Times in nanoseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostReport {
    /// The module's own random id, from the report's name: process ids repeat across sandboxes.
    #[serde(skip)]
    pub id: String,
    /// Process of the host, as the host sees it.
    pub pid: u32,
    /// Name and version of the host, or empty.
    pub host: String,
    /// `"clap"` or `"vst3"`, or empty.
    pub format: String,
    /// When the report was written.
    pub written_at: u64,
    /// Build that the module accepted last, 0 if none.
    pub accepted: u32,
    /// Build that was heard last, in any instance; 0 is the shell's own.
    pub heard: u32,
    /// When the *first* instance had it in its output; 0 if nothing was played.
    pub heard_at: u64,
    /// Sum over its instances, closed ones included.
    pub blocks: u64,
    /// Sum over its instances, closed ones included.
    pub blocks_lost: u64,
    /// Sum over its instances, closed ones included.
    pub blocks_late: u64,
    /// Bytes of staged files that are unlinked but still mapped.
    pub held_bytes: u64,
    /// Builds loaded so far: one each, however many instances.
    pub loads: u64,
    /// Why the module cannot reload at all, if so.
    pub stopped: Option<String>,
    /// Open instances.
    pub instances: Vec<InstanceLine>,
    /// The last refusals.
    pub refusals: Vec<RefusalLine>,
    /// The last faults.
    pub faults: Vec<FaultLine>,
    /// The last lines of its log.
    pub log: Vec<LogLine>,
}

/// The place of one module's report. Removed on drop.
#[derive(Debug)]
pub struct ReportFile {
    hosts: Folder,
    name: String,
    lock: String,
    _held: File,
}

impl ReportFile {
    /// Replaces the report.
    ///
    /// # Errors
    /// The slot cannot be written, or has been removed.
    pub fn write(&self, report: &HostReport) -> Result<(), SlotError> {
        self.hosts.write(&self.name, &to_json(report, HOSTS)?)
    }

    /// False once the slot was removed or made again: ask for another place.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.hosts.is_current()
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        // A file that stays is swept by the next reader: its lock is free.
        let _ = self.hosts.remove(&self.name);
        let _ = self.hosts.remove(&self.lock);
    }
}

impl Slot {
    /// Claims the slot for this `dev`.
    ///
    /// # Errors
    /// [`SlotError::Refused`] while another `dev` publishes into it.
    pub fn claim_dev(&self) -> Result<DevClaim<'_>, SlotError> {
        let lock = self.folder.lock_file(DEV_LOCK)?;
        // A shell that asks whether `dev` lives holds the lock for an instant: several tries tell the two apart.
        let free = (0..20).any(|_| {
            let free = is_free(&lock);
            if !free {
                std::thread::park_timeout(Duration::from_millis(10));
            }
            free
        });
        if !free {
            let path = self.folder.path().join(DEV_LOCK);
            return Err(SlotError::refused(
                &path,
                "another `cargo hotshell dev` is at work on this plug-in; stop it first",
            ));
        }
        Ok(DevClaim { slot: self, _lock: lock })
    }

    /// What `dev` says; `None` if none is running.
    ///
    /// # Errors
    /// `dev.json` is damaged, too large or not this user's.
    pub fn read_dev(&self) -> Result<Option<DevStatus>, SlotError> {
        let alive = self.folder.open(DEV_LOCK).is_ok_and(|lock| is_held(&lock));
        if !alive {
            return Ok(None);
        }
        match self.folder.read(DEV, DEV_LIMIT) {
            Ok(bytes) => from_json(&bytes, DEV).map(Some),
            Err(SlotError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A place for this module's report.
    ///
    /// # Errors
    /// The slot cannot be written.
    pub fn report_file(&self) -> Result<ReportFile, SlotError> {
        let hosts = self.folder.subfolder(HOSTS)?;
        let (held, lock) = hosts.create_locked("", LOCK)?;
        let name = format!("{}.json", lock.trim_end_matches(LOCK));
        Ok(ReportFile { hosts, name, lock, _held: held })
    }

    /// Reports of all living modules, in no order; those of dead ones are swept. A report that cannot be read is left
    /// out.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn reports(&self) -> Result<Vec<HostReport>, SlotError> {
        let hosts = self.folder.subfolder(HOSTS)?;
        sweep(&hosts)?;
        let names = hosts.names()?;
        let reports = names.iter().filter(|name| name.ends_with(".json")).take(MOST_REPORTS);
        let read = |name: &String| {
            let report: HostReport = from_json(&hosts.read(name, REPORT_LIMIT).ok()?, name).ok()?;
            Some(HostReport { id: name.trim_end_matches(".json").to_owned(), ..report })
        };
        Ok(reports.filter_map(read).collect())
    }
}

/// Removes the reports of modules that have died.
fn sweep(hosts: &Folder) -> Result<(), SlotError> {
    let names = hosts.names()?;
    for name in &names {
        if let Some(id) = name.strip_suffix(LOCK) {
            if hosts.open(name).is_ok_and(|lock| is_free(&lock)) {
                hosts.remove(&format!("{id}.json"))?;
                hosts.remove(name)?;
            }
        } else if let Some(id) = name.strip_suffix(".json") {
            // The lock comes first and goes last: a report without one has no writer. Looked up afresh, because
            // a module may have come or gone since the list was read.
            if matches!(hosts.open(&format!("{id}.lock")), Err(SlotError::Missing(_))) {
                hosts.remove(name)?;
            }
        } else if name.starts_with(super::folder::TEMPORARY) && super::is_stale(hosts, name) {
            hosts.remove(name)?;
        }
    }
    Ok(())
}

/// Removes what modules that have died left: reports, and copies that they were about to load.
pub(super) fn sweep_all(slot: &Folder) -> Result<(), SlotError> {
    let names = slot.names()?;
    if names.iter().any(|name| name == HOSTS) {
        sweep(&slot.subfolder(HOSTS)?)?;
    }
    if names.iter().any(|name| name == super::STAGED) {
        let staged = slot.subfolder(super::STAGED)?;
        for name in staged.names()? {
            let temporary = name.starts_with(super::folder::TEMPORARY);
            let dead = if temporary {
                super::is_stale(&staged, &name)
            } else {
                staged.open(&name).is_ok_and(|file| is_free(&file))
            };
            if dead {
                // One that is loaded cannot be removed on every system.
                let _ = staged.remove(&name);
            }
        }
    }
    Ok(())
}

/// Everything of dead writers, for [`Slot::clean`].
pub(super) fn clean(slot: &Folder) -> Result<(), SlotError> {
    if slot.open(DEV_LOCK).is_ok_and(|lock| is_free(&lock)) {
        slot.remove(DEV)?;
        slot.remove(DEV_LOCK)?;
    }
    sweep_all(slot)
}

fn is_held(lock: &File) -> bool {
    matches!(lock.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock))
}

fn to_json<T: Serialize>(value: &T, name: &str) -> Result<Vec<u8>, SlotError> {
    serde_json::to_vec(value)
        .map_err(|error| SlotError::io("write", std::path::Path::new(name), error.into()))
}

fn from_json<T: DeserializeOwned>(bytes: &[u8], name: &str) -> Result<T, SlotError> {
    serde_json::from_slice(bytes).map_err(|error| {
        SlotError::refused(std::path::Path::new(name), &format!("it is not what it should be: {error}"))
    })
}
