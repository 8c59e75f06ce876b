//! A failing input that can be played again: the case and the very build that it failed on.
//!
//! Called by: `trial`, `dev/session`. Calls: `trial/{play,child,symbols}`. Threads: [main].

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::check::Patience;
use super::plan::Case;
use super::run::Found;
use super::{child, guard, missing, no_replay, play, symbols};
use crate::Error;
use crate::terminal::Terminal;

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// The build, beside the file.
    library: PathBuf,
    /// What it failed at; `None`: as it was loaded or first made.
    case: Option<Case>,
    /// What happened.
    what: String,
}

/// Saves the input of `found`. With a `folder`, a copy of the build goes there too, because the next build takes its
/// place; without one the file lies beside the build. Answers the file. One of each is kept: the last.
///
/// # Errors
/// The folder cannot be written.
pub fn keep(library: &Path, folder: Option<&Path>, found: &Found) -> Result<PathBuf, Error> {
    let (copy, file) = match folder {
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            let copy = folder.join(library.file_name().context("the build has no name")?);
            // Another name first: a debugger may still have the one before mapped.
            let beside = folder.join("copying");
            let copied = std::fs::copy(library, &beside).and_then(|_| std::fs::rename(&beside, &copy));
            copied.with_context(|| format!("cannot write {}", copy.display()))?;
            (copy, folder.join("input.json"))
        }
        None => (library.to_owned(), library.with_extension("input.json")),
    };
    let kept = Kept { library: copy, case: found.case.clone(), what: found.finding.what.clone() };
    let text = serde_json::to_string_pretty(&kept)?;
    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// The command that plays it again.
#[must_use]
pub fn command(file: &Path) -> String {
    format!("cargo hotshell trial --replay {}", quoted(file))
}

/// The same under a debugger, which stops where something happens that must not; `None` where nobody knows who we are.
#[must_use]
pub fn debugger(file: &Path) -> Option<String> {
    let own = quoted(&std::env::current_exe().ok()?);
    let file = quoted(file);
    Some(format!("rust-gdb -ex 'break hotshell_trial_fault' -ex run --args {own} trial --replay {file}"))
}

/// As a shell reads it back.
fn quoted(file: &Path) -> String {
    let text = file.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@\\".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Plays a saved input again, here: what kills a build kills this process, before the eyes of a debugger. `library`:
/// another build in the place of the saved one, with debug information say.
///
/// # Errors
/// The file is no saved input, or its build cannot be loaded.
pub fn replay(file: &Path, library: Option<&Path>) -> Result<ExitCode, Error> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let kept: Kept = match serde_json::from_slice(&text) {
        Ok(kept) => kept,
        Err(why) => return no_replay(file, &why),
    };
    let library = library.unwrap_or(&kept.library);
    let library = library.canonicalize().map_err(|_| missing(library))?;
    let terminal = Terminal::new();
    terminal.say("Replaying", format_args!("{} on {}", kept.what, library.display()));
    guard::leave_nothing();
    guard::prepare();
    let tables = child::load(&library).map_err(Error::msg)?;
    let base = child::base_of(&library);
    let mut findings = Vec::new();
    for (table, index) in tables.iter().zip(0..) {
        if kept.case.is_none()
            && let Err(finding) = play::facts(*table, index)
        {
            findings.push(finding);
        }
    }
    if let Some(case) = &kept.case {
        terminal.print(&format!("{:>12} {case}", "input:"));
        let table = tables.get(case.plugin as usize).context("the build has no such plug-in")?;
        findings = play::play(*table, case, &mut Patience::default()).findings;
    }
    for finding in &findings {
        terminal.fail("Trial", format_args!("{}; block {}", finding.what, finding.block));
        for line in symbols::backtrace(&library, base, &finding.stack) {
            terminal.print(&format!("{:>12} {line}", "by"));
        }
    }
    if findings.iter().any(|finding| finding.error) {
        return Ok(ExitCode::FAILURE);
    }
    terminal.say("Passed", "this time it went well");
    Ok(ExitCode::SUCCESS)
}
