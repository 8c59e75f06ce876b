//! `bundle`: the static plug-in, as it ships.
//!
//! Called by: `cli`, `validate`. Calls: `compile`, `layout`, `moduleinfo`. Threads: [main].

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context, bail};

use crate::Error;
use crate::compile::{Built, Job, Kind, Outcome, Progress, Request};
use crate::format::{Exports, Format, Wanted};
use crate::interrupt::on_interrupt;
use crate::layout::{self, Content, System};
use crate::moduleinfo;
use crate::project::{Project, Selection};
use crate::resolved::without_reload;
use crate::terminal::{Terminal, span};

/// Exported by builds that can be reloaded, and by those alone.
const RELOAD_SYMBOL: &str = "hotshell_logic_v1";

/// Builds the plug-in without any reload code and lays it out for this system.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// With the release profile.
    #[arg(long)]
    release: bool,
    /// Folder for the bundles [default: `bundle` in cargo's target folder].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    formats: Wanted,
    /// Features of the plug-in's own.
    #[arg(short = 'F', long, value_name = "FEATURES")]
    features: Vec<String>,
}

enum Event {
    Interrupted,
    Build(Progress),
}

/// What to bundle, and where.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Of which plug-in.
    pub project: &'a Project,
    /// With the release profile.
    pub release: bool,
    /// Features of the plug-in's own.
    pub features: &'a [String],
    /// Which formats.
    pub formats: &'a Wanted,
    /// Folder for the bundles.
    pub out: &'a Path,
}

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// These are in place.
    Bundles(Vec<PathBuf>),
    /// It does not compile; the messages have been shown.
    Failed,
    /// Ctrl-C.
    Interrupted,
}

/// Runs the subcommand.
///
/// # Errors
/// The build cannot be started or placed, or holds reload code. A failed compilation is shown and is an exit status.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let mut terminal = Terminal::new();
    let project = Project::find(&args.selection)?;
    let out = args.out.clone().unwrap_or_else(|| project.target.join("bundle"));
    let order = Order {
        project: &project,
        release: args.release,
        features: &args.features,
        formats: &args.formats,
        out: &out,
    };
    Ok(match make(&order, &mut terminal)? {
        Made::Bundles(_) => ExitCode::SUCCESS,
        Made::Failed => ExitCode::FAILURE,
        Made::Interrupted => ExitCode::from(130),
    })
}

/// Builds and places; shows what it does. Takes Ctrl-C for the rest of the process's life.
///
/// # Errors
/// As [`run`].
pub fn make(order: &Order<'_>, terminal: &mut Terminal) -> Result<Made, Error> {
    let (sender, events) = channel();
    let to = sender.clone();
    on_interrupt(move || drop(to.send(Event::Interrupted)))?;
    without_reload(order.project, order.features)?;
    let scratch = tempfile::tempdir().context("no temporary folder")?;
    let request = Request {
        project: order.project,
        kind: Kind::Static { release: order.release },
        features: order.features,
        scratch: scratch.path(),
        colour: terminal.has_colour(),
    };
    terminal.say("Building", format_args!("{} of {}", request.kind.words(), order.project.package));
    let job = Job::start(&request, Arc::new(move |news| drop(sender.send(Event::Build(news)))))?;
    Ok(match wait(job, &events, terminal)? {
        None => Made::Interrupted,
        Some(Outcome::Failed { text, .. }) => {
            terminal.print(&text);
            Made::Failed
        }
        Some(Outcome::Built(built)) => Made::Bundles(place(&built, order, terminal)?),
    })
}

/// `None` if interrupted: the job's group has ended then.
fn wait(job: Job, events: &Receiver<Event>, terminal: &mut Terminal) -> Result<Option<Outcome>, Error> {
    loop {
        match events.recv().context("the build's readers are gone")? {
            Event::Interrupted => return Ok(None),
            Event::Build(Progress::Status(text)) => terminal.busy(&text),
            Event::Build(Progress::Ended) => {
                let outcome = job.finish()?;
                terminal.idle();
                return Ok(Some(outcome));
            }
        }
    }
}

fn place(built: &Built, order: &Order<'_>, terminal: &Terminal) -> Result<Vec<PathBuf>, Error> {
    let project = order.project;
    terminal.print(&built.warnings);
    let exports = Exports::of(&built.artifact)?;
    if exports.has(RELOAD_SYMBOL) {
        bail!(
            "{} exports {RELOAD_SYMBOL}: its manifest switches on `{}/reload` or `{}/logic-only`, which only \
             `cargo hotshell dev` may do; nothing was bundled",
            project.package,
            project.dependency,
            project.dependency
        );
    }
    let (formats, lacks) = order.formats.choose(&exports, &project.dependency)?;
    // Asked before anything is placed: a module that does not load is no release.
    let module_info = match formats.contains(&Format::Vst3) {
        true => Some(moduleinfo::of(&built.artifact, project).context("nothing was bundled")?),
        false => None,
    };
    let mut bundles = Vec::new();
    for format in formats {
        let content =
            Content { artifact: &built.artifact, project, format, module_info: module_info.as_deref() };
        let bundle = layout::put(&content, order.out, System::this())?;
        terminal.say("Bundled", format_args!("{} in {}", bundle.display(), span(built.took)));
        bundles.push(bundle);
    }
    for lack in lacks {
        terminal.say("Left out", lack);
    }
    Ok(bundles)
}
