//! `demo`: everything in one go. A copy of the gain example is built, hosted, edited while it plays, and what was heard
//! is measured, drawn and written down. With `--editor` its window is open all the while: a slip of the author's is shown in
//! it, then another editor.
//!
//! "Heard" is decided by the audio alone: the factor between what goes in and what comes out. What the shell and `dev`
//! say is set beside it.
//!
//! Called by: `cli`. Calls: `dev`, `host`, `demo/*`.
//! Threads: [main]; `demo/studio` has one for `dev`, the host's session one for audio.

mod display;
mod eye;
mod listen;
mod measure;
mod plot;
mod project;
mod stage;
mod studio;
mod verdict;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use crate::Error;
use crate::format::Format;
use crate::host::desktop::Client;
use crate::host::screen::Screen;
use project::Project;
use stage::{Stage, Take};
use studio::Studio;
use verdict::Verdict;

/// What plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Which {
    /// The CLAP.
    Clap,
    /// The VST3.
    Vst3,
    /// Both, of one build.
    Both,
}

impl Which {
    fn formats(self) -> &'static [Format] {
        match self {
            Self::Clap => &[Format::Clap],
            Self::Vst3 => &[Format::Vst3],
            Self::Both => &Format::ALL,
        }
    }
}

/// Shows a plug-in changing while it plays: builds, hosts, edits and measures the gain example, unattended
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Which of the example's formats plays; with `both`, one after the other, each with a folder of its own in DIR
    #[arg(long, value_name = "FORMAT", default_value = "clap")]
    pub format: Which,

    /// Shows the plug-in's window too, on `$DISPLAY` or an Xvfb of its own, and changes it; compiles egui, which takes minutes
    #[arg(long)]
    pub editor: bool,

    /// Folder for `swap.wav`, `swap.png` and `report.json`; with --editor for `before.png`, `failed.png` and `after.png` too
    #[arg(long, value_name = "DIR", default_value = "hotshell-demo")]
    pub out: PathBuf,

    /// Folder of the hotshell sources, where this command was not built from them
    #[arg(long, value_name = "DIR")]
    pub source: Option<PathBuf>,
}

/// Runs the demonstration. Success only if the new sound was heard and no block was lost on the way.
///
/// # Errors
/// A step of it failed; what was started is ended and removed.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let interrupted = crate::interrupt::flag()?;
    let screen = Screen::new();
    if args.editor && !display::is_there() {
        return display::run_again(&screen);
    }
    // Before minutes of compiling, and until all is over: an Xvfb of ours ends with its last client.
    let client = args.editor.then(Client::connect).transpose();
    let hint = "without $DISPLAY an Xvfb would be started";
    let _client = client.map_err(|error| anyhow::anyhow!("{error:#}; {hint}"))?;
    std::fs::create_dir_all(&args.out).with_context(|| format!("{}: cannot be made", args.out.display()))?;
    let project = Project::create(&args.out, args.source.as_deref(), args.editor)?;
    screen.say(&format!(
        "A copy of examples/gain in {}; `cargo hotshell dev` builds it",
        project.folder().display()
    ));
    let formats = args.format.formats();
    let studio = Studio::open(&project, formats)?;
    let takes = studio.wait_for_build(1, interrupted).and_then(|_| {
        let play = |format: &Format| {
            let first = studio.manifest()?;
            let (format, window) = (*format, args.editor);
            Stage { format, window, project: &project, studio: &studio, interrupted, screen: &screen }
                .play(&first)
        };
        formats.iter().map(play).collect::<Result<Vec<Take>, Error>>()
    });
    // A `dev` that failed knows better what went wrong.
    studio.close()?;
    drop(project);
    let mut is_good = true;
    for take in &takes? {
        let out = if formats.len() == 1 { args.out.clone() } else { args.out.join(take.format.word()) };
        std::fs::create_dir_all(&out).with_context(|| format!("{}: cannot be made", out.display()))?;
        let verdict = Verdict::of(take)?;
        verdict.write(&out, take)?;
        screen.say(&verdict.text(&out));
        is_good &= verdict.is_good();
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `what`, with the file's name when it cannot be written.
fn written(file: &Path, what: Result<(), Error>) -> Result<(), Error> {
    what.with_context(|| format!("{}: cannot be written", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_word_about_it_the_clap_plays() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: Args,
        }
        let line = |words: &[&str]| <Line as clap::Parser>::parse_from(words).args.format.formats();
        assert_eq!(line(&["demo"]), [Format::Clap]);
        assert_eq!(line(&["demo", "--format", "vst3"]), [Format::Vst3]);
        assert_eq!(line(&["demo", "--format", "both"]), Format::ALL);
    }
}
