//! The reload pipeline, in order: watch -> stage -> check -> load -> verify -> prepare -> hand over -> retire.
//!
//! Called by: the hot shell; `cargo-hotshell` uses [`slot`] only. Calls: `reload/*`, and the shell back through a trait.
//! Threads: [reload] [watch], and one watchdog per module.

pub mod slot;
