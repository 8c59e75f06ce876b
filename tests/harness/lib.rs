//! A CLAP host and a VST3 host that tests script, and what else the tests of more than one crate share.
//!
//! | module | job |
//! |---|---|
//! | `bundle` | load a `.clap` |
//! | `plugin` | the main-thread half of one plug-in instance |
//! | `vst3` | the same four for VST3, and the host's own objects |
//! | `audio`, `buffers`, `play` | its blocks: one at a time, or a thread of them |
//! | `event` | events in and out |
//! | `calls`, `host` | what the plug-in asks of the host, with thread and phase |
//! | `bare` | a plug-in without any framework, with planted faults |
//! | `plant` | faults that are written into a built library |
//! | `fixture`, `slot` | plug-ins built for a test, and the folder through which it publishes them |
//! | `scene` | a plug-in with its slot: publish, and go on until it is heard |
//! | `track` | what the host says of the track |
//! | `fuzz` | a seeded generator of cases, and what must hold for each |
//! | `figures` | what a benchmark has measured |
//! | `seat` | an instance of either format that plays while its editor is open |
//! | `pair` | one such of each format on one slot, and builds that are all different |
//! | `held` | what the process holds: threads, handles; what the X server was asked in vain |
//! | `guard` | allocations and system calls inside a block |
//!
//! Called by: the tests and benchmarks of this package. Calls: clack-host, the plug-ins under test.
//! Threads: a test's thread is the host's main thread; blocks run on threads of their own.

pub mod audio;
pub mod bare;
mod buffers;
pub mod bundle;
pub mod calls;
pub mod editor;
pub mod event;
pub mod figures;
pub mod fixture;
pub mod fuzz;
pub mod guard;
pub mod held;
pub mod host;
mod kept;
pub mod keys;
pub mod pair;
pub mod plant;
pub mod play;
pub mod plugin;
pub mod scene;
pub mod screen;
pub mod seat;
pub mod slot;
pub mod track;
pub mod vst3;

pub use audio::{Setup, Signal};
pub use bundle::{Bundle, Scope};
pub use calls::{Call, Phase, Role, What};
pub use editor::Window;
pub use event::Event;
pub use fixture::{Built, Fixture, Profile};
pub use guard::Offences;
pub use held::{Held, XErrors};
pub use host::HostOptions;
pub use keys::Keys;
pub use pair::Pair;
pub use play::{Pace, Play, Recording, constant, first_outside, largest_step, sine};
pub use plugin::{Block, PATIENCE, Param, Plugin};
pub use scene::{Instance, Scene};
pub use screen::{Forgetful, Picture, Pressed, Screen};
pub use seat::{ClapSeat, Seat, Vst3Seat};
pub use slot::TestSlot;
pub use track::HostTrack;
pub use vst3::{
    Asking, Habits, HostFrame, HostView, Module, OnRestart, Rude, Vst3, Vst3Options, Vst3View, WhileOpen,
    rect, restart,
};
