//! The command, as `cargo hotshell ...` or `cargo-hotshell ...`.
//!
//! Called by: cargo. Calls: [`cargo_hotshell::main`]. Threads: [main].

use std::process::ExitCode;

fn main() -> ExitCode {
    cargo_hotshell::main()
}
