//! The author's side of hotshell: what a plug-in is written against, and the thunks that put it behind the boundary.
//!
//! Authors see it through the facade `hotshell`. Nothing here knows a format or a host.
//!
//! Called by: authors, and the shell through the table of `export`. Calls: the author's code, and the shell through
//! `hotshell_abi`. Threads: the tags at each item: [main] [audio] [reload] [any].

pub mod buffer;
pub mod bus;
pub mod context;
pub mod controllers;
pub mod editor;
pub mod events;
pub mod export;
pub mod info;
mod mpe;
pub mod params;
pub mod plugin;
pub mod snapshot;
pub mod state;
pub mod voice;

pub use buffer::{AudioBuffer, Channels, ChannelsMut, Sample};
pub use bus::{Bus, BusKind, BusLayout, Mpe, NotePorts};
pub use context::{AudioConfig, CreateContext, Full, Level, ProcessContext, Reason, RenderMode, Transport};
pub use controllers::Controllers;
pub use editor::{Editor, EditorContext, EditorError, EditorWindow};
pub use events::{Event, EventList, Expression, NoteRef};
pub use info::{FadeLaw, Feature, Handover, PluginInfo, ProcessStatus, Replay, Split, Tail};
pub use params::Params;
pub use plugin::{PluginLogic, PluginLogic64, PluginLogicCore};
pub use snapshot::{SnapshotReader, SnapshotWriter};
pub use state::{StateDoc, StateError, StateReader, StateValue, StateWriter};
pub use voice::VoiceMods;

/// What macros write: not for authors, and not stable.
#[doc(hidden)]
pub mod __private {
    pub use crate::export::describe::description;
    pub use crate::params::{
        BoolParam, BoolSpec, EnumParam, EnumSpec, FloatParam, FloatRange, FloatSpec, IntParam, IntSpec, Keep,
        Meter, MeterSpec, ParamEnum, ParamFlags, ParamText, Params, ParamsBuilder, Persist, PersistSpec,
        Scope, Smoothing, TextFns, Unit, Variant, standalone,
    };
    pub use hotshell_abi::MAX_METERS;
}
