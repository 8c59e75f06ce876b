//! The parent's side: a child in a group of its own, and what its report says.
//!
//! Called by: `dev/session`, `trial`. Calls: this command again as a child, `trial/{finding,symbols,keep}`.
//! Threads: [`Running`] belongs to one thread; a reader (`trial-out`) ends with the child's output.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use parking_lot::Mutex;
use process_wrap::std::{ChildWrapper, CommandWrap};

use super::child::{HUNG, Order};
use super::finding::{Finding, Kind, Line, call_words, signal_words};
use super::guard::{EXITED, Place};
use super::plan::Case;
use super::symbols;
use crate::Error;
use crate::compile::{lower_priority, own_group};

/// A child that has not ended by then is ended: its own watchdog could not.
const LONGEST: Duration = Duration::from_secs(120);
/// Bytes of the author's own output that are kept.
const MOST_OUTPUT: usize = 64 << 10;
/// Lines of it that are shown with a fault.
const SHOWN_OUTPUT: usize = 12;

/// A trial under way. Dropped, it takes its whole process group with it.
#[derive(Debug)]
pub struct Running {
    child: Box<dyn ChildWrapper>,
    reader: Option<JoinHandle<()>>,
    output: Arc<Mutex<Vec<u8>>>,
    report: PathBuf,
    order: Order,
    started: Instant,
    ended: bool,
}

/// One fault, ready to be shown.
#[derive(Clone, Debug)]
pub struct Found {
    /// What the child says.
    pub finding: Finding,
    /// The input; `None`: it happened before the first.
    pub case: Option<Case>,
    /// Names of the author's functions, innermost first.
    pub backtrace: Vec<String>,
}

/// What came of a trial.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The worst first.
    pub found: Vec<Found>,
    /// Why it could not be tried at all; a shell of another version of hotshell may take it.
    pub untried: Option<String>,
    /// Cases that were played, of those on the list.
    pub cases: (usize, usize),
    /// What could not be watched on this machine.
    pub blind: Vec<String>,
    /// Of everything random.
    pub seed: u64,
    /// From the start of the child to its end.
    pub took: Duration,
    /// The last lines that the author's code printed.
    pub said: Vec<String>,
}

impl Verdict {
    /// The error, if there is one: what keeps a build from being published.
    #[must_use]
    pub fn error(&self) -> Option<&Found> {
        self.found.first().filter(|found| found.finding.error)
    }
}

/// This very command, to be started again. `None` inside another program that uses it as a library.
fn own_command() -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?;
    let name = path.file_stem()?.to_string_lossy().into_owned();
    if !name.starts_with("cargo-hotshell") {
        return None;
    }
    // Replaced by an update while it runs: on Linux what runs can still be started.
    let running = Path::new("/proc/self/exe");
    if path.exists() { Some(path) } else { running.exists().then(|| running.to_owned()) }
}

impl Running {
    /// Starts a child that tries `order`. Its report goes to `folder`, which is its temporary folder too. `ended` is
    /// called from the reader when its output ends.
    ///
    /// # Errors
    /// The child cannot be started.
    pub fn start(order: Order, folder: &Path, ended: impl FnOnce() + Send + 'static) -> Result<Self, Error> {
        let own = own_command().context("this program is not `cargo-hotshell`: it has no child to start")?;
        let folder = folder.canonicalize().with_context(|| format!("no folder {}", folder.display()))?;
        let report = folder.join("trial-report");
        let (mut from, to) = std::io::pipe().context("no pipe")?;
        let mut command = Command::new(own);
        command.arg("trial").arg("--report").arg(&report).arg("--seed").arg(order.seed.to_string());
        command.arg("--budget").arg(order.budget.as_millis().to_string());
        for state in &order.states {
            command.arg("--state").arg(state);
        }
        command.arg(&order.library).current_dir(&folder).stdin(Stdio::null());
        command.stdout(to.try_clone().context("no pipe")?).stderr(to);
        for variable in ["TMPDIR", "TMP", "TEMP"] {
            command.env(variable, &folder);
        }
        let mut wrapped = CommandWrap::from(command);
        own_group(&mut wrapped);
        let started = Instant::now();
        let child = wrapped.spawn().context("cannot start the trial")?;
        // With it goes our own end of the pipe.
        drop(wrapped);
        lower_priority(child.id());
        let output = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&output);
        let read = move || {
            let mut part = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut part) {
                let mut kept = kept.lock();
                kept.extend_from_slice(&part[..length]);
                let many = kept.len().saturating_sub(MOST_OUTPUT);
                kept.drain(..many);
            }
            ended();
        };
        // Before the thread: whatever fails from here on ends the child.
        let mut running = Self { child, reader: None, output, report, order, started, ended: false };
        let thread = std::thread::Builder::new().name("trial-out".to_owned());
        running.reader = Some(thread.spawn(read).context("no thread")?);
        Ok(running)
    }

    /// True if there is nothing more to wait for: it has ended, or may not run any longer.
    pub fn has_ended(&mut self) -> bool {
        self.is_overdue() || matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }

    fn is_overdue(&self) -> bool {
        self.started.elapsed() > LONGEST
    }

    /// Ends what is left of the child and says what it found.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub fn finish(mut self) -> Result<Verdict, Error> {
        let overdue = self.is_overdue();
        if overdue {
            // Fails only if all of the group is gone, which is what is wanted.
            drop(self.child.start_kill());
        }
        let status = self.child.wait().context("cannot wait for the trial")?;
        let took = self.started.elapsed();
        self.end();
        let text = std::fs::read(&self.report).unwrap_or_default();
        let mut verdict = read(&String::from_utf8_lossy(&text), &self.order, status, overdue);
        verdict.took = took;
        let output = std::mem::take(&mut *self.output.lock());
        let output = String::from_utf8_lossy(&output);
        let lines: Vec<&str> = output.lines().collect();
        let shown = lines.len().saturating_sub(SHOWN_OUTPUT);
        verdict.said = lines[shown..].iter().map(|line| (*line).to_owned()).collect();
        Ok(verdict)
    }

    /// Nothing of it lives on: what the author's code has started too. The reader ends by itself with the last of them.
    fn end(&mut self) {
        if !self.ended {
            self.ended = true;
            drop(self.child.start_kill());
            drop(self.child.wait());
            drop(self.reader.take());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
        // Not there if the child never came so far.
        drop(std::fs::remove_file(&self.report));
    }
}

/// What the lines of a report add up to.
#[derive(Default)]
struct Reading {
    base: usize,
    blind: Vec<String>,
    untried: Option<String>,
    case: Option<Case>,
    found: Vec<(Finding, Option<Case>)>,
    died: bool,
    done: Option<(usize, usize)>,
    played: usize,
}

impl Reading {
    fn take(&mut self, line: Line) {
        match line {
            Line::Loaded { base, blind } => (self.base, self.blind) = (base, blind),
            Line::Unfit(why) => self.untried = Some(why),
            Line::Case(case) => {
                self.played += usize::from(self.case.is_some());
                self.case = Some(case);
            }
            Line::Found(finding) => self.keep(finding),
            Line::Died { signal, overflow, call, block, system_call } => {
                self.died = true;
                self.keep(death(signal, overflow, Place::of(call), block, system_call));
            }
            Line::Stack(stack) => {
                if let (true, Some((finding, _))) = (self.died, self.found.last_mut()) {
                    finding.stack = stack;
                }
            }
            Line::Done { played, listed } => self.done = Some((played, listed)),
        }
    }

    /// One warning of a kind is enough.
    fn keep(&mut self, finding: Finding) {
        let again = |(other, _): &(Finding, Option<Case>)| other.kind == finding.kind && !other.error;
        if finding.error || !self.found.iter().any(again) {
            self.found.push((finding, self.case.clone()));
        }
    }
}

fn death(signal: i32, overflow: bool, place: Place, block: u32, call: i64) -> Finding {
    let words = place.words();
    let (kind, what) = if signal == 0 {
        let why = match call_words(call) {
            (name, true) if call >= 0 => format!("{words} does not come back; it waits in `{name}`"),
            _ => format!(
                "{words} does not come back: an endless loop, or a wait for something that never comes"
            ),
        };
        (Kind::Hang, why)
    } else if signal == EXITED {
        (Kind::Crash, format!("{words} ends the process"))
    } else if overflow {
        (
            Kind::Crash,
            format!("the stack overflows in {words} (2 MiB, as in a host): a recursion without end?"),
        )
    } else {
        (Kind::Crash, format!("a crash in {words}: {}", signal_words(signal)))
    };
    Finding { error: true, kind, what, place, block, stack: Vec::new() }
}

fn read(report: &str, order: &Order, status: ExitStatus, overdue: bool) -> Verdict {
    let mut reading = Reading::default();
    for line in report.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        reading.take(line);
    }
    let settled = reading.died || reading.untried.is_some() || reading.found.iter().any(|(f, _)| f.error);
    if !settled && (reading.done.is_none() || !status.success()) {
        let place = if reading.done.is_some() { Place::End } else { Place::Load };
        let (kind, what) = if overdue || status.code() == Some(HUNG) {
            (Kind::Hang, "it does not come back, and cannot say from where".to_owned())
        } else {
            (Kind::Crash, format!("it ended the process by itself ({status})"))
        };
        reading.keep(Finding { error: true, kind, what, place, block: 0, stack: Vec::new() });
    }
    let cases = reading.done.unwrap_or((reading.played, reading.played));
    let base = reading.base;
    let shown = |(finding, case): (Finding, Option<Case>)| Found {
        backtrace: if finding.stack.is_empty() {
            Vec::new()
        } else {
            symbols::backtrace(&order.library, base, &finding.stack)
        },
        finding,
        case,
    };
    let mut found: Vec<Found> = reading.found.into_iter().map(shown).collect();
    found.sort_by_key(|found| !found.finding.error);
    if let Some(worst) = found.first().filter(|found| found.finding.error).map(|found| found.finding.kind) {
        // What was only a warning at first, of the same kind.
        found.retain(|found| found.finding.error || found.finding.kind != worst);
    }
    Verdict {
        found,
        untried: reading.untried,
        cases,
        blind: reading.blind,
        seed: order.seed,
        took: Duration::ZERO,
        said: Vec::new(),
    }
}
