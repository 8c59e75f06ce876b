//! The child's side: loads the build, plays its cases, and writes down what happens while it still can.
//!
//! Called by: `trial` (hidden arguments of the subcommand). Calls: `trial/{plan,play,guard}`, core's loader.
//! Threads: one under trial; a watchdog, which ends the process.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hotshell_core::instance::Table;
use hotshell_core::reload::check::check;
use hotshell_core::reload::load::{LoadError, load_any};
use hotshell_core::state::{StateError, decode};

use super::check::Patience;
use super::finding::{Finding, Kind, Line};
use super::guard::{self, Place};
use super::plan::{Case, Facts, always, cases};
use super::play::{facts, play};
use crate::Error;

/// Exit status of a child that the watchdog has ended.
pub const HUNG: i32 = 97;
/// Stack of the thread under trial: what the reload thread of a host has.
const STACK_BYTES: usize = 2 << 20;
/// How often the watchdog looks.
const LOOK: Duration = Duration::from_millis(20);
/// How often a case that was too slow is tried again before it is believed: the machine does other things too.
const TRIES: u32 = 3;

/// What the child is to do.
#[derive(Clone, Debug)]
pub struct Order {
    /// The build.
    pub library: PathBuf,
    /// States of the project's.
    pub states: Vec<PathBuf>,
    /// Of everything random.
    pub seed: u64,
    /// When to stop taking more cases.
    pub budget: Duration,
}

/// Tries `order.library` and writes `report`.
///
/// # Errors
/// The report cannot be written, or there is no thread.
pub fn run(order: Order, report: &Path) -> Result<(), Error> {
    let began = Instant::now();
    guard::leave_nothing();
    let file = File::create(report).with_context(|| format!("cannot write {}", report.display()))?;
    let file = Arc::new(file);
    let report = Report { file: Arc::clone(&file) };
    let waits = std::thread::current();
    let work = move || {
        let blind = guard::prepare();
        guard::death_note(&report.file);
        let result = try_out(&order, &report, blind, began);
        guard::enter(Place::End, 0);
        waits.unpark();
        result
    };
    let thread = std::thread::Builder::new().name("trial".to_owned()).stack_size(STACK_BYTES);
    let thread = thread.spawn(work).context("no thread")?;
    let mut watchdog = Watchdog::new();
    while !thread.is_finished() {
        std::thread::park_timeout(LOOK);
        watchdog.look();
    }
    match thread.join() {
        Ok(result) => result,
        Err(_) => bail!("the trial itself panicked; please report it"),
    }
}

/// The report's file. Each line is one `write`: what is written is there, whatever happens next.
struct Report {
    file: Arc<File>,
}

impl Report {
    fn say(&self, line: &Line) -> Result<(), Error> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        Ok((&*self.file).write_all(&text)?)
    }

    fn found(&self, findings: Vec<Finding>) -> Result<bool, Error> {
        let error = findings.iter().any(|finding| finding.error);
        findings.into_iter().try_for_each(|finding| self.say(&Line::Found(finding)))?;
        Ok(error)
    }
}

fn try_out(order: &Order, report: &Report, blind: Vec<&'static str>, began: Instant) -> Result<(), Error> {
    guard::enter(Place::Load, 0);
    let library = order.library.canonicalize()?;
    let tables = match load(&library) {
        Ok(tables) => tables,
        Err(why) => return report.say(&Line::Unfit(why)),
    };
    let blind = blind.into_iter().map(ToOwned::to_owned).collect();
    report.say(&Line::Loaded { base: base_of(&library), blind })?;
    let mut plugins = Vec::new();
    for (table, index) in tables.iter().zip(0..) {
        guard::expect_panics(true);
        match facts(*table, index) {
            Ok(facts) => plugins.push(Facts { states: own_states(order, &facts.id, tables.len()), ..facts }),
            Err(finding) => return report.found(vec![finding]).map(drop),
        }
    }
    let list = cases(&plugins, order.seed);
    let least = always(&plugins);
    let mut played = 0;
    let mut patience = Patience::default();
    for case in &list {
        if played >= least && began.elapsed() >= order.budget {
            break;
        }
        report.say(&Line::Case(case.clone()))?;
        let Some(table) = tables.get(case.plugin as usize) else { continue };
        if report.found(try_case(*table, case, &mut patience))? {
            return Ok(());
        }
        played += 1;
    }
    report.say(&Line::Done { played, listed: list.len() })
}

/// The project's states that plug-in `id` must load: all of them where it is the only one, else those that do not say
/// that they are another's.
fn own_states(order: &Order, id: &str, plugins: usize) -> Vec<PathBuf> {
    let is_own = |file: &&PathBuf| {
        let bytes = std::fs::read(file).unwrap_or_default();
        plugins == 1 || !matches!(decode(&bytes, id), Err(StateError::OtherPlugin { .. }))
    };
    order.states.iter().filter(is_own).cloned().collect()
}

/// Plays a case; one that is too slow must be so every time.
fn try_case(table: Table, case: &Case, patience: &mut Patience) -> Vec<Finding> {
    let is_slow = |finding: &Finding| finding.kind == Kind::Slow;
    let mut findings = play(table, case, patience).findings;
    for _ in 1..TRIES {
        if !findings.iter().any(is_slow) {
            break;
        }
        let again = play(table, case, patience).findings;
        // The mildest verdict counts.
        if !again.iter().any(|other| is_slow(other) && other.error) {
            findings = again;
        }
    }
    findings
}

/// The build's tables, after the same look at the file that a shell takes.
///
/// # Errors
/// Why it cannot be tried, in words.
pub fn load(library: &Path) -> Result<Vec<Table>, String> {
    let file = File::open(library).map_err(|error| format!("{}: {error}", library.display()))?;
    check(&file)?;
    load_any(library).map_err(|error| match error {
        LoadError::System(why) | LoadError::Unfit(why) => why,
    })
}

/// Where the library's first byte is; 0 where the system does not say.
#[must_use]
pub fn base_of(library: &Path) -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let name = library.display().to_string();
    let line = maps.lines().find(|line| line.ends_with(&name));
    let start = line.and_then(|line| line.split('-').next());
    start.and_then(|start| usize::from_str_radix(start, 16).ok()).unwrap_or(0)
}

/// Notices a call that does not come back.
struct Watchdog {
    step: u64,
    since: Instant,
    cpu: Duration,
    /// At every look since the call began.
    asleep: bool,
}

impl Watchdog {
    fn new() -> Self {
        Self { step: guard::steps(), since: Instant::now(), cpu: process_time(), asleep: true }
    }

    fn look(&mut self) {
        if guard::steps() != self.step {
            *self = Self::new();
            return;
        }
        let (wall, cpu) = (self.since.elapsed(), process_time().saturating_sub(self.cpu));
        let patience = match guard::place().0 {
            Place::Process | Place::Clear => 1,
            // What a reload in a host waits for.
            _ => 5,
        };
        let busy = cpu >= Duration::from_secs(patience);
        // Asleep each time that we looked, not only put aside by a busy machine.
        self.asleep &= guard::is_asleep();
        let waits = wall >= Duration::from_secs(patience + 2) && self.asleep;
        if busy || waits || wall > Duration::from_secs(patience * 20) {
            guard::end_as_hung();
            // It writes its note and ends this process; if it cannot, the parent does.
            std::thread::park_timeout(Duration::from_secs(2));
            std::process::exit(HUNG);
        }
    }
}

/// Processor time of all threads.
#[cfg(unix)]
fn process_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Not known: the watchdog goes by the clock on the wall.
#[cfg(not(unix))]
fn process_time() -> Duration {
    Duration::ZERO
}
