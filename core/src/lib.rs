//! The shell side of hotshell: everything between a format adapter and the boundary.
//!
//! An adapter drives the traits of [`shell`]; everything else is how they are kept.
//!
//! Called by: the adapters, the facade, `cargo-hotshell`. Calls: the logic, through `hotshell_abi`. Threads: the tags at
//! each item: [main] [audio] [reload] [watch] [any].

pub mod changes;
pub mod host;
pub mod instance;
pub mod offline;
pub mod params;
#[cfg(feature = "reload")]
pub mod reload;
pub mod rt;
pub mod shell;
pub mod state;
pub mod store;
