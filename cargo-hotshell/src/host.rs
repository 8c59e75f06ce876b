//! `host`: an embedded CLAP host.
//!
//! Called by: `cli`. Calls: nothing. Threads: [main].

use std::path::PathBuf;
use std::process::ExitCode;

use crate::Error;

/// Runs a plug-in bundle in a small CLAP host.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The bundle, e.g. `target/bundle/Gain.clap`.
    pub bundle: PathBuf,
}

/// Runs the host.
///
/// # Errors
/// The bundle cannot be hosted.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    anyhow::bail!("{}: this build of cargo-hotshell cannot host yet", args.bundle.display())
}
