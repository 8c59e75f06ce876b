//! The command `cargo hotshell`, as a library so that tests and `demo` can use its parts.
//!
//! Called by: `main.rs`, tests. Calls: one module per subcommand.
//! Threads: [`main`] runs on the process's first thread; a module that starts others says so.

pub mod bundle;
pub mod clean;
pub mod cli;
pub mod compile;
pub mod contents;
pub mod demo;
pub mod depinfo;
pub mod dev;
pub mod format;
pub mod host;
pub mod install;
pub mod interrupt;
pub mod layout;
pub mod listeners;
pub mod moduleinfo;
pub mod project;
pub mod publish;
pub mod render;
pub mod resolved;
pub mod terminal;
pub mod trial;
pub mod validate;
pub mod watch;

use std::process::ExitCode;

use clap::Parser;

pub use anyhow::Error;

/// Reads the arguments, runs the subcommand and reports an error on the terminal.
#[must_use]
pub fn main() -> ExitCode {
    match cli::Cli::parse_from(cli::without_cargo_word(std::env::args_os())).run() {
        Ok(code) => code,
        Err(error) => {
            use std::io::Write;
            // Nothing is left to be done for a terminal that is gone.
            drop(writeln!(std::io::stderr().lock(), "error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
