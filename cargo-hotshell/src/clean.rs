//! `clean`: removes what `dev` has left for hosts and for its next start.
//!
//! Called by: `cli`, `dev` (`--temporary`). Calls: `install`, the slot. Threads: [main].

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use hotshell_core::reload::slot::{Slot, SlotError};

use crate::Error;
use crate::install;
use crate::project::{Project, Selection};
use crate::terminal::Terminal;

/// Removes the dev bundles, the slot with its builds, and the target folders of `dev`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
}

/// Runs the subcommand.
///
/// # Errors
/// A `dev` is at work on the plug-in, or something cannot be removed.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let terminal = Terminal::new();
    let project = Project::find(&args.selection)?;
    match Slot::existing(&Slot::path_for(&project.package, &project.manifest)?) {
        Ok(slot) => {
            // Held until the end: no `dev` starts in the middle of it.
            let claim = slot.claim_dev()?;
            let bundles = install::uninstall(&slot)?;
            drop(claim);
            finish(&project, slot, bundles, &terminal)?;
        }
        Err(SlotError::Missing(_)) => remove_targets(&project, &terminal)?,
        Err(error) => return Err(error.into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes everything, with `dev`'s own claim given back already.
///
/// # Errors
/// Something cannot be removed.
pub fn everything(project: &Project, slot: Slot, terminal: &Terminal) -> Result<(), Error> {
    let bundles = install::uninstall(&slot)?;
    finish(project, slot, bundles, terminal)
}

fn finish(project: &Project, slot: Slot, bundles: Vec<PathBuf>, terminal: &Terminal) -> Result<(), Error> {
    for bundle in bundles {
        terminal.say("Removed", bundle.display());
    }
    let path = slot.folder().path().to_owned();
    slot.clean()?;
    if path.exists() {
        let text =
            format_args!("{}: a host has the plug-in open; `clean` again after it ends", path.display());
        terminal.warn("Kept", text);
    } else {
        terminal.say("Removed", path.display());
    }
    remove_targets(project, terminal)
}

fn remove_targets(project: &Project, terminal: &Terminal) -> Result<(), Error> {
    let own = project.own_target();
    if own.is_dir() {
        std::fs::remove_dir_all(&own).with_context(|| format!("cannot remove {}", own.display()))?;
        terminal.say("Removed", own.display());
    }
    Ok(())
}
