//! A VST3 host that tests script, beside the CLAP one and after its pattern.
//!
//! | module | job |
//! |---|---|
//! | `module` | load a `.vst3`, folder or file; what its factory offers |
//! | `objects` | the host's own objects: application, component handler, streams, queues, event lists |
//! | `plugin` | the main-thread half of one instance |
//! | `asking` | what it answers: buses, parameters, texts, state |
//! | `audio` | its blocks |
//! | `view` | its editor |
//! | `menu` | its menu of a parameter |
//! | `track` | what the host says of the track |
//!
//! Called by: tests and benchmarks. Calls: the `vst3` crate, the plug-ins under test. Threads: as in the CLAP host.

pub mod asking;
pub mod audio;
mod menu;
pub mod module;
pub mod objects;
pub mod plugin;
pub mod track;
pub mod view;

pub use asking::{Asking, Vst3Param};
pub use audio::Rude;
pub use menu::WhileOpen;
pub use module::Module;
pub use objects::{Habits, restart};
pub use plugin::{OnRestart, Vst3, Vst3Options};
pub use view::{HostFrame, HostView, Vst3View, rect};
