//! Audio plug-ins in Rust that are rebuilt while they play.
//!
//! Write a plug-in once, run `cargo hotshell dev`, load it in a DAW, and every save of a source file is heard within a
//! second: no restart, no rescan, no click, no lost note. The same crate ships as a plain static CLAP with no loader in it.
//!
//! ```
//! # #![allow(unused)]
//! use hotshell::prelude::*;
//!
//! #[derive(Params)]
//! struct GainParams {
//!     #[param(id = "gain", range = linear(-60.0..=12.0), default = 0.0, unit = db, smooth = linear(10.0))]
//!     gain: FloatParam,
//!     #[meter(id = "out", peak)]
//!     out: Meter<2>,
//! }
//!
//! struct Gain {
//!     params: Arc<GainParams>,
//! }
//!
//! impl PluginLogic for Gain {
//!     type Params = GainParams;
//!     const INFO: PluginInfo = PluginInfo::new("org.example.gain", "Gain");
//!
//!     fn create(params: Arc<GainParams>, _cx: &CreateContext<'_>) -> Self {
//!         Self { params }
//!     }
//!
//!     fn process(
//!         &mut self,
//!         buffer: &mut AudioBuffer<'_, f32>,
//!         _events: &EventList<'_>,
//!         cx: &mut ProcessContext<'_>,
//!     ) -> ProcessStatus {
//!         let mut channels = buffer.in_place();
//!         for frame in 0..channels.frames() {
//!             let gain = 10.0_f32.powf(self.params.gain.smoothed.next() / 20.0);
//!             for channel in channels.iter_mut() {
//!                 channel[frame] *= gain;
//!             }
//!         }
//!         for (i, channel) in channels.iter_mut().enumerate() {
//!             self.params.out.peak(i, channel, cx.sample_rate());
//!         }
//!         ProcessStatus::Active
//!     }
//! }
//!
//! hotshell::plugin!(Gain);
//!
//! // A test without a host (in your crate: in a `#[test]`):
//! let mut rig = hotshell::test::Rig::<Gain>::new(48_000.0, 64);
//! rig.set(|p| &p.gain, -20.0);
//! let out = rig.process(&[0.5_f32; 4800]);
//! assert!((out.last() - 0.05).abs() < 1e-4);
//! ```
//!
//! # What is where
//! - [`prelude`] (single precision) and [`prelude64`] (double): what a plug-in imports. Start at
//!   [`PluginLogic`](prelude::PluginLogic) and the derive [`Params`](prelude::Params).
//! - [`plugin!`]: makes the crate loadable.
//! - [`params`]: every kind of field, and the builder for computed parameters.
//! - [`contract`]: what a reload does to your code, and what it asks of it.
//! - [`test`]: the Rig, which plays a plug-in without a host and swaps it for itself.
//!
//! Called by: authors. Calls: everything else of hotshell; this is the one place that sees both sides of the boundary.
//! Threads: the tags at each item: [main] [audio] [reload] [any].

pub mod contract;
#[cfg(feature = "editor")]
pub mod editor;
mod plugin;
pub mod prelude;
pub mod prelude64;
#[cfg(feature = "generic-editor")]
mod stand_in;
pub mod test;

/// For `#[bytemuck(crate = "hotshell::bytemuck")]`: plain data in snapshots.
pub use bytemuck;
pub use hotshell_logic::{Level, params, rt_log};
/// Log lines from anywhere but [audio]: they reach the host's log and the `dev` terminal. On [audio]: [`rt_log!`].
pub use log;
/// For `#[serde(crate = "hotshell::serde")]`: values of persistent fields.
pub use serde;

/// What macros write: not for authors, and not stable.
#[doc(hidden)]
pub mod __private {
    #[cfg(feature = "generic-editor")]
    pub use crate::stand_in::{entry, linked};
    pub use hotshell_abi::LogicApi;
    #[cfg(feature = "clap")]
    pub use hotshell_clap::{
        Artifact as ClapArtifact, EntryState, RawEntry as ClapEntry, entry as clap_entry,
    };
    #[cfg(feature = "reload")]
    pub use hotshell_core::shell::HotPlugins;
    pub use hotshell_core::shell::{Plugins, StaticPlugins};
    pub use hotshell_logic::__private::*;
    pub use hotshell_logic::export::{Logics, api_of};
    #[cfg(not(feature = "generic-editor"))]
    pub use hotshell_logic::export::{entry, linked};
    #[cfg(feature = "vst3")]
    pub use hotshell_vst3::{
        Artifact as Vst3Artifact, ModuleState, get_plugin_factory, module_entry, module_exit,
    };
}

/// The README's Rust blocks are compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
