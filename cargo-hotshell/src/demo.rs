//! `demo`: everything in one go.
//!
//! Called by: `cli`. Calls: nothing. Threads: [main].

use std::path::PathBuf;
use std::process::ExitCode;

use crate::Error;

/// Builds, hosts, edits and measures the gain example, unattended.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Folder for `swap.wav`, `swap.png` and `report.json`.
    #[arg(long, value_name = "DIR", default_value = "hotshell-demo")]
    pub out: PathBuf,
}

/// Runs the demonstration.
///
/// # Errors
/// A step of it failed.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    anyhow::bail!("{}: this build of cargo-hotshell has no demonstration yet", args.out.display())
}
