//! What an author imports: `use hotshell::prelude::*;` in single precision, `use hotshell::prelude64::*;` in double.
//!
//! Called by: authors. Calls: nothing; it only names. Threads: the tag at each item.

pub use std::sync::Arc;

pub use hotshell_derive::{ParamEnum, Params};
pub use hotshell_logic::params::{
    BoolParam, EnumParam, FilePath, FloatParam, IntParam, Keep, Meter, Param, ParamEnum, ParamText, Params,
    Persist, Smoother,
};
pub use hotshell_logic::{
    AudioBuffer, AudioConfig, Bus, BusKind, BusLayout, Channels, ChannelsMut, Controllers, CreateContext,
    Editor, EditorContext, Event, EventList, Expression, FadeLaw, Feature, Full, Handover, Level, Mpe,
    NotePorts, NoteRef, PluginInfo, PluginLogic, ProcessContext, ProcessStatus, Reason, Replay,
    SnapshotReader, SnapshotWriter, Split, StateDoc, StateError, StateReader, StateValue, StateWriter, Tail,
    Transport, VoiceMods, rt_log,
};
pub use serde::{Deserialize, Serialize};
