//! `validate`: the formats' own validators on the plug-in's bundles, as far as this machine has them.
//!
//! Called by: `cli`. Calls: `bundle`, the slot, `validate/tool`. Threads: [main].

mod tool;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::bail;
use hotshell_core::reload::slot::{Slot, SlotError};

use crate::bundle::{self, Made, Order};
use crate::format::{Format, Wanted};
use crate::project::{Project, Selection};
use crate::terminal::{Terminal, span};
use crate::{Error, install};
use tool::{Mode, Ran, Settings, TOOLS, Tool};

/// Runs clap-validator, Steinberg's validator and pluginval on the plug-in's bundles.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// The bundles that `dev` has installed, instead of a static build.
    #[arg(long, conflicts_with_all = ["release", "features"])]
    dev: bool,
    /// With the release profile.
    #[arg(long)]
    release: bool,
    #[command(flatten)]
    formats: Wanted,
    /// Features of the plug-in's own.
    #[arg(short = 'F', long, value_name = "FEATURES")]
    features: Vec<String>,
    /// Strictness of pluginval.
    #[arg(long, value_name = "1-10", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=10))]
    strictness: u8,
    /// Fail if one of the validators is not on this machine.
    #[arg(long)]
    require_all: bool,
}

/// What came of all runs.
#[derive(Default)]
struct Score {
    passed: usize,
    failed: usize,
    missing: Vec<&'static Tool>,
}

/// Runs the subcommand. Success only if something was validated and nothing failed.
///
/// # Errors
/// There is nothing to validate, or a validator that is there cannot be run.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let mut terminal = Terminal::new();
    let project = Project::find(&args.selection)?;
    // They stay there: what failed is tried again by hand.
    let out = project.target.join("bundle");
    let bundles = if args.dev {
        installed(&project, args)?
    } else {
        let order = Order {
            project: &project,
            release: args.release,
            features: &args.features,
            formats: &args.formats,
            out: &out,
        };
        match bundle::make(&order, &mut terminal)? {
            Made::Bundles(bundles) => bundles,
            Made::Failed => return Ok(ExitCode::FAILURE),
            Made::Interrupted => return Ok(ExitCode::from(130)),
        }
    };
    let interrupted = crate::interrupt::flag()?;
    let mut score = Score::default();
    for bundle in &bundles {
        let tools = TOOLS.iter().filter(|tool| Some(tool.format) == Format::of(bundle));
        for (tool, mode) in tools.flat_map(|tool| tool.modes.iter().map(move |mode| (tool, *mode))) {
            score.add(tool, mode, bundle, Settings::of(args.strictness), &mut terminal)?;
            if interrupted.load(Ordering::Acquire) {
                return Ok(ExitCode::from(130));
            }
        }
    }
    Ok(judge(&score, args.require_all, &terminal))
}

/// The bundles of `dev`.
fn installed(project: &Project, args: &Args) -> Result<Vec<PathBuf>, Error> {
    let nothing =
        || format!("{} has no dev bundle in place; run `cargo hotshell dev` first", project.package);
    let slot = match Slot::existing(&Slot::path_for(&project.package, &project.manifest)?) {
        Ok(slot) => slot,
        Err(SlotError::Missing(_)) => bail!(nothing()),
        Err(error) => return Err(error.into()),
    };
    let mut bundles = install::installed(&slot);
    bundles.retain(|bundle| Format::of(bundle).is_some_and(|format| args.formats.allows(format)));
    anyhow::ensure!(!bundles.is_empty(), nothing());
    Ok(bundles)
}

impl Score {
    /// Runs one validator on one bundle and says what came of it.
    fn add(
        &mut self,
        tool: &'static Tool,
        mode: Mode,
        bundle: &Path,
        settings: Settings,
        terminal: &mut Terminal,
    ) -> Result<(), Error> {
        let (name, program) = (bundle.file_name().unwrap_or_default().display(), tool.name(mode));
        terminal.busy(&format!("{program} on {name}"));
        let started = Instant::now();
        let ran = tool.run(mode, bundle, settings);
        terminal.idle();
        match ran? {
            // Once, however many ways there are to run it.
            Ran::Missing if self.missing.iter().any(|known| known.program == tool.program) => {}
            Ran::Missing => self.missing.push(tool),
            Ran::Passed(counts) => {
                self.passed += 1;
                let took = span(started.elapsed());
                terminal.say("Passed", format_args!("{name}, {program}: {counts} in {took}"));
            }
            Ran::Failed { why, output } => {
                self.failed += 1;
                terminal.print(&output);
                terminal.fail("Failed", format_args!("{name}, {program}: {why}"));
            }
        }
        Ok(())
    }
}

fn judge(score: &Score, require_all: bool, terminal: &Terminal) -> ExitCode {
    for tool in &score.missing {
        terminal.warn("Missing", format_args!("`{}` is not on the PATH; {}", tool.program, tool.get));
    }
    if score.passed + score.failed == 0 {
        terminal.fail("Failed", "nothing was validated");
    }
    let complete = !require_all || score.missing.is_empty();
    if score.passed > 0 && score.failed == 0 && complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
