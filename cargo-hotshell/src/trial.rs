//! `trial`: a build runs in a child process before any host hears it, and what kills it there kills nothing else.
//!
//! Called by: `cli`, `dev`. Calls: `trial/*`. Threads: [main]; the child's are `trial/child`'s.
//!
//! The child loads the library as a shell would and plays it through core's offline engine: fresh instances in many
//! configurations, each with one input ([`plan::Case`]) that can be played again exactly. It writes a report line by
//! line, so that its death is a line too.

pub mod check;
pub mod child;
pub mod feed;
pub mod finding;
pub mod guard;
pub mod keep;
pub mod plan;
pub mod play;
pub mod run;
pub mod symbols;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::{Context, bail};
use hotshell_core::reload::slot::FindingLine;

use crate::Error;
use crate::terminal::{Terminal, span};
use child::Order;
use run::{Found, Running, Verdict};

/// Time that a trial takes cases for, in milliseconds.
pub const BUDGET_MS: u64 = 300;

/// Tries a build of the logic in a child process, as `dev` does before publishing it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The build: a library made with the feature `hotshell/logic-only`.
    library: Option<PathBuf>,
    /// Play this failing input again, in this process: for a debugger.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["library", "report"])]
    replay: Option<PathBuf>,
    /// Of everything random [default: another one each time].
    #[arg(long)]
    seed: Option<u64>,
    /// Time for inputs beyond the first ones, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = BUDGET_MS)]
    budget: u64,
    /// A saved state that must load. May be given several times.
    #[arg(long = "state", value_name = "FILE")]
    states: Vec<PathBuf>,
    /// Be the child, and write this report.
    #[arg(long, hide = true)]
    report: Option<PathBuf>,
}

/// Runs the subcommand. Fails if the build is not fit to be published.
///
/// # Errors
/// There is no such library, or no child can be started.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    if let Some(file) = &args.replay {
        return keep::replay(file, args.library.as_deref());
    }
    let library = args.library.as_deref().context("give the build to try, or `--replay FILE`")?;
    let library = library.canonicalize().with_context(|| format!("no file {}", library.display()))?;
    let mut order = order(&library, states(&args.states)?);
    order.budget = Duration::from_millis(args.budget);
    order.seed = args.seed.unwrap_or(order.seed);
    if let Some(report) = &args.report {
        child::run(order, report)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (sender, events) = channel();
    let interrupted: Sender<bool> = sender.clone();
    crate::interrupt::on_interrupt(move || {
        let _ = interrupted.send(true);
    })?;
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let mut running = Running::start(order, folder.path(), move || {
        let _ = sender.send(false);
    })?;
    if is_interrupted(&mut running, &events)? {
        return Ok(ExitCode::from(130));
    }
    let verdict = running.finish()?;
    let terminal = Terminal::new();
    let kept = verdict.error().map(|found| keep::keep(&library, None, found)).transpose()?;
    show_unseen(&terminal, &verdict);
    show(&terminal, &verdict, kept.as_deref());
    if verdict.error().is_none() && verdict.untried.is_none() {
        terminal.say("Passed", summary(&verdict));
    }
    Ok(if verdict.error().is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Between two looks whether the child has ended.
const LOOK: Duration = Duration::from_millis(20);
/// Longest wait for the end of the output of a child that has ended: something that it has started may hold it open.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Waits for the child's end; true if the user does not want to.
fn is_interrupted(running: &mut Running, events: &Receiver<bool>) -> Result<bool, Error> {
    loop {
        let ended = running.has_ended();
        match events.recv_timeout(if ended { LAST_WORDS } else { LOOK }) {
            Ok(interrupted) => return Ok(interrupted),
            Err(RecvTimeoutError::Timeout) if ended => return Ok(false),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => bail!("the trial's reader is gone"),
        }
    }
}

/// An order with a seed of its own and the usual budget.
#[must_use]
pub fn order(library: &Path, states: Vec<PathBuf>) -> Order {
    let budget = Duration::from_millis(BUDGET_MS);
    Order { library: library.to_owned(), states, seed: u64::from(fastrand::u32(..)), budget }
}

fn states(files: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let found = |file: &PathBuf| file.canonicalize().with_context(|| format!("no file {}", file.display()));
    files.iter().map(found).collect()
}

/// The states that every build of the package in `folder` must load: `tests/states/*.hotshell`, in order of name.
#[must_use]
pub fn golden_states(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("tests").join("states")).into_iter().flatten();
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|kind| kind == "hotshell")).collect();
    files.sort();
    files
}

/// Tells the author. `kept`: where the failing input was saved.
pub fn show(terminal: &Terminal, verdict: &Verdict, kept: Option<&Path>) {
    if let Some(why) = &verdict.untried {
        terminal.warn("Untried", why);
        return;
    }
    for (place, found) in verdict.found.iter().enumerate() {
        let text = format!("{}{}", found.finding.what, place_words(found));
        if found.finding.error {
            terminal.fail("Trial", text);
        } else {
            terminal.warn("Trial", text);
        }
        if let Some(case) = &found.case {
            terminal.print(&format!("{:>12} {case}; block {}", "input:", found.finding.block));
        }
        for line in &found.backtrace {
            terminal.print(&format!("{:>12} {line}", "by"));
        }
        if let (0, Some(file)) = (place, kept) {
            terminal.print(&format!("{:>12} {}", "again:", keep::command(file)));
            if let Some(debugger) = keep::debugger(file) {
                terminal.print(&format!("{:>12} {debugger}", "debug:"));
            }
        }
    }
    if verdict.error().is_some() {
        for line in &verdict.said {
            terminal.print(&format!("{:>12} {line}", "said:"));
        }
    }
}

/// What the trial could not watch. The same each time: for the first one.
pub fn show_unseen(terminal: &Terminal, verdict: &Verdict) {
    for what in &verdict.blind {
        terminal.warn("Unseen", format_args!("{what}: not watched on this machine"));
    }
}

/// How much was tried, how long it took, and the number that makes it the same again.
#[must_use]
pub fn summary(verdict: &Verdict) -> String {
    if verdict.untried.is_some() {
        return "untried".to_owned();
    }
    let (played, listed) = verdict.cases;
    let which = if played == listed { format!("all {listed}") } else { format!("{played} of {listed}") };
    format!("tried in {} ({which} inputs, seed {})", span(verdict.took), verdict.seed)
}

fn place_words(found: &Found) -> &'static str {
    if found.finding.error { "" } else { " (a warning)" }
}

/// Characters of one line in `dev.json`, at most: generics can be long, and the file's readers read no more than 64 KiB.
const LONGEST_LINE: usize = 240;

/// What `dev.json` says of a trial. `kept`: where the failing input was saved.
#[must_use]
pub fn lines(verdict: &Verdict, kept: Option<&Path>) -> Vec<FindingLine> {
    let short = |text: String| text.chars().take(LONGEST_LINE).collect::<String>();
    let line = |(place, found): (usize, &Found)| FindingLine {
        error: found.finding.error,
        what: short(found.finding.what.clone()),
        input: short(found.case.as_ref().map(ToString::to_string).unwrap_or_default()),
        backtrace: found.backtrace.iter().cloned().map(short).collect(),
        replay: kept.filter(|_| place == 0).map(keep::command).unwrap_or_default(),
    };
    verdict.found.iter().enumerate().take(8).map(line).collect()
}

/// A library that cannot be tried for want of a file.
fn missing(library: &Path) -> Error {
    anyhow::anyhow!("{} is not there any more; try the build again", library.display())
}

/// A replay of something that is none.
fn no_replay(file: &Path, why: &dyn std::fmt::Display) -> Result<ExitCode, Error> {
    bail!("{} is no saved input of a trial: {why}", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_states_are_those_in_their_folder_in_order() {
        let folder = tempfile::tempdir().unwrap();
        assert!(golden_states(folder.path()).is_empty());
        let states = folder.path().join("tests/states");
        std::fs::create_dir_all(&states).unwrap();
        for name in ["b.hotshell", "a.hotshell", "notes.txt"] {
            std::fs::write(states.join(name), "").unwrap();
        }
        let found = golden_states(folder.path());
        assert_eq!(found, ["a.hotshell", "b.hotshell"].map(|name| states.join(name)));
    }
}
