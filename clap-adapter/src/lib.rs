//! CLAP around a shell: one real entry point for all plug-ins of an artifact.
//!
//! Called by: the facade's `plugin!` names [`entry`]. Calls: [`hotshell_core::shell`].
//! Threads: CLAP's own classes; each module says which.
//!
//! # How an artifact uses it
//! The facade's macro writes three private items and one export. Nothing below needs `unsafe` in the author's crate
//! but the attribute that fixes the exported name:
//!
//! ```
//! # use hotshell_core::{host::Host, shell::{Plugins, Shell, ShellError}};
//! # struct Mine;
//! # impl Plugins for Mine {
//! #     fn count(&self) -> usize { 0 }
//! #     fn describe(&self, _: usize) -> Option<&'static hotshell_abi::PluginDesc<'static>> { None }
//! #     fn open(&self, _: usize, _: &'static str, _: Box<dyn Host>) -> Result<Box<dyn Shell>, ShellError> {
//! #         Err(ShellError::BadConfig("there is none".to_owned()))
//! #     }
//! #     fn is_hot(&self) -> bool { false }
//! # }
//! use hotshell_clap::{Artifact, EntryState, RawEntry, entry};
//!
//! static PLUGINS: Mine = Mine; // the artifact's `hotshell_core::shell::Plugins`
//! static CLAP: EntryState = EntryState::new();
//!
//! enum ThisArtifact {}
//! impl Artifact for ThisArtifact {
//!     fn plugins() -> &'static dyn Plugins {
//!         &PLUGINS
//!     }
//!     fn clap() -> &'static EntryState {
//!         &CLAP
//!     }
//! }
//!
//! // With `#[unsafe(no_mangle)]` (not under test):
//! pub static clap_entry: RawEntry = entry::<ThisArtifact>();
//! # assert!(clap_entry.init.is_some());
//! ```
//!
//! The exported value holds addresses of private generic functions only, so a host that loads libraries with
//! `RTLD_GLOBAL` cannot wire one plug-in to another's.

mod edits;
mod entry;
mod error;
mod events;
mod ext;
mod factory;
mod host;
mod instance;
#[cfg(not(feature = "editor"))]
mod no_view;
mod params;
mod process;
mod state;
#[cfg(feature = "editor")]
mod view;

#[cfg(not(feature = "editor"))]
use no_view as view;

pub use entry::{Artifact, EntryState, RawEntry, entry};
