//! `dev`: builds the shell once, then a new logic per save, until Ctrl-C.
//!
//! Called by: `cli`, `demo`. Calls: `dev/session`, `clean`. Threads: [main].

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};

use hotshell_core::reload::slot::Slot;

use crate::format::{Format, Wanted};
use crate::layout::System;
use crate::project::{Project, Selection};
use crate::terminal::Terminal;
use crate::{Error, clean, install};

mod session;

use session::{Bundles, Event, Session};

/// Builds the plug-in, puts it where hosts look, and reloads it in running hosts at every save.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Folder for the bundles [default: where hosts look].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    formats: Wanted,
    /// Remove bundles, builds and target folders at the end.
    #[arg(long)]
    temporary: bool,
    /// Features of the plug-in's own.
    #[arg(short = 'F', long, value_name = "FEATURES")]
    features: Vec<String>,
    /// Gives a plug-in without an editor one of sliders. Not by default: it is drawn with egui, which a plug-in that has
    /// no wish for it would have to compile.
    #[arg(long)]
    generic_editor: bool,
    /// Publish builds that the trial refuses, too.
    #[arg(long)]
    force: bool,
    /// Publish builds untried: one that crashes takes the host with it.
    #[arg(long)]
    no_trial: bool,
}

impl Args {
    /// Features to build with, under the key of the `dependency` on hotshell.
    fn features(&self, dependency: &str) -> Vec<String> {
        let generic = self.generic_editor.then(|| format!("{dependency}/generic-editor"));
        self.features.iter().cloned().chain(generic).collect()
    }
}

/// Ends a `dev` of this process, as Ctrl-C does.
#[derive(Clone, Debug)]
pub struct Stop(Sender<Event>);

impl Stop {
    /// Asks it to end; no error if it has.
    pub fn stop(&self) {
        drop(self.0.send(Event::Interrupted));
    }
}

/// Runs the subcommand until it is interrupted.
///
/// # Errors
/// No plug-in there, another `dev` at work on it, or its bundle's place is taken.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    serve(args, |stop| crate::interrupt::on_interrupt(move || stop.stop()))
}

/// Runs until somebody uses the [`Stop`] that `begin` is given: `dev` as a part of another command.
///
/// # Errors
/// As [`run`], or what `begin` says.
pub fn serve(args: &Args, begin: impl FnOnce(Stop) -> Result<(), Error>) -> Result<ExitCode, Error> {
    let (sender, events) = channel();
    begin(Stop(sender.clone()))?;
    let mut terminal = Terminal::new();
    let project = Project::find(&args.selection)?;
    let folders = folders(args)?;
    let slot = Slot::open(&Slot::path_for(&project.package, &project.manifest)?)?;
    let claim = slot.claim_dev()?;
    let path = slot.folder().path();
    let free = folders.iter().try_for_each(|(format, folder)| {
        // A plug-in that has no such format needs no place for it; its build will tell.
        if project.declares(*format) { install::check_place(folder, &project, *format, path) } else { Ok(()) }
    });
    let ended = free.and_then(|()| {
        let wanted = Bundles { formats: &args.formats, folders };
        let mut session = Session::new(&project, args, wanted, &slot, &claim, sender, &mut terminal)?;
        session.run(&events)
    });
    drop(claim);
    terminal.idle();
    if args.temporary {
        let cleaned = clean::everything(&project, slot, &terminal);
        // What ended it counts more than what could not be removed.
        return ended.and(cleaned).map(|()| ExitCode::SUCCESS);
    }
    if ended.is_ok() {
        terminal.say("Stopped", "hosts play the last good build on; `cargo hotshell clean` removes it");
    }
    ended.map(|()| ExitCode::SUCCESS)
}

/// Where the bundle of each wanted format goes.
fn folders(args: &Args) -> Result<Vec<(Format, PathBuf)>, Error> {
    let wanted = Format::ALL.into_iter().filter(|format| args.formats.allows(*format));
    let folder = |format: Format| match &args.out {
        Some(folder) => Ok(std::path::absolute(folder)?),
        None => System::this().folder(format),
    };
    wanted.map(|format| Ok((format, folder(format)?))).collect()
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;

    fn features(words: &[&str]) -> Vec<String> {
        let matches = Args::augment_args(clap::Command::new("dev")).try_get_matches_from(words);
        Args::from_arg_matches(&matches.expect("parsed")).expect("read").features("shell")
    }

    #[test]
    fn a_generic_editor_is_a_feature_of_the_dependency_and_nobodys_who_did_not_ask() {
        assert_eq!(features(&["dev"]), [""; 0]);
        assert_eq!(features(&["dev", "--generic-editor", "-F", "own"]), ["own", "shell/generic-editor"]);
    }
}
