//! Arguments: each subcommand's own are the `Args` of its module.
//!
//! Called by: [`main`](crate::main). Calls: `dev`, `bundle`, `clean`, `host`, `demo`, `trial`, `validate`. Threads: [main].

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{Error, bundle, clean, contents, demo, dev, host, trial, validate};

/// Live-reloading audio plug-ins in Rust.
#[derive(Parser, Debug)]
#[command(name = "cargo-hotshell", bin_name = "cargo hotshell", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Dev(dev::Args),
    Bundle(bundle::Args),
    Clean(clean::Args),
    #[command(hide = true)]
    Contents(contents::Args),
    Host(Box<host::Args>),
    Demo(demo::Args),
    Trial(Box<trial::Args>),
    Validate(validate::Args),
}

impl Cli {
    /// Runs the subcommand.
    ///
    /// # Errors
    /// What the subcommand could not do, where, and what to do next.
    pub fn run(self) -> Result<ExitCode, Error> {
        match self.command {
            Command::Dev(args) => dev::run(&args),
            Command::Bundle(args) => bundle::run(&args),
            Command::Clean(args) => clean::run(&args),
            Command::Contents(args) => contents::run(&args),
            Command::Host(args) => host::run(&args),
            Command::Demo(args) => demo::run(&args),
            Command::Trial(args) => trial::run(&args),
            Command::Validate(args) => validate::run(&args),
        }
    }
}

/// The arguments without the word that cargo inserts: `cargo hotshell dev` arrives as `cargo-hotshell hotshell dev`.
pub fn without_cargo_word(args: impl IntoIterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    args.into_iter()
        .enumerate()
        .filter(|(place, word)| *place != 1 || word != "hotshell")
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_extra_word_is_dropped_only_where_cargo_puts_it() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        let rest = |line: &str| without_cargo_word(words(line)).collect::<Vec<_>>();
        assert_eq!(rest("cargo-hotshell hotshell dev"), words("cargo-hotshell dev"));
        assert_eq!(rest("cargo-hotshell dev hotshell"), words("cargo-hotshell dev hotshell"));
    }

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
