//! VST3 around a shell: one real module for all plug-ins of an artifact.
//!
//! Called by: the facade's `plugin!`, whose exports forward to [`module_entry`], [`module_exit`] and
//! [`get_plugin_factory`]. Calls: [`hotshell_core::shell`]. Threads: VST3's rules; each module says which.
//!
//! # How an artifact uses it
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
//! use hotshell_vst3::{Artifact, ModuleState, get_plugin_factory};
//!
//! static PLUGINS: Mine = Mine; // the artifact's `hotshell_core::shell::Plugins`
//! static VST3: ModuleState = ModuleState::new();
//!
//! enum ThisArtifact {}
//! impl Artifact for ThisArtifact {
//!     fn plugins() -> &'static dyn Plugins {
//!         &PLUGINS
//!     }
//!     fn vst3() -> &'static ModuleState {
//!         &VST3
//!     }
//! }
//!
//! // With `#[unsafe(no_mangle)]` (not under test):
//! pub extern "system" fn GetPluginFactory() -> *mut std::ffi::c_void {
//!     get_plugin_factory::<ThisArtifact>()
//! }
//! # assert!(!GetPluginFactory().is_null());
//! ```

mod buses;
mod com;
mod controller;
mod entry;
mod error;
mod events;
mod factory;
mod home;
mod host;
mod instance;
mod params;
mod process;
mod state;
#[cfg(feature = "editor")]
mod view;

pub use entry::{Artifact, ModuleState, get_plugin_factory, module_entry, module_exit};
