//! The prelude of plug-ins that work in double precision: [`prelude`](crate::prelude) with `PluginLogic64` in place of
//! `PluginLogic`.
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
    NotePorts, NoteRef, PluginInfo, PluginLogic64, ProcessContext, ProcessStatus, Reason, Replay,
    SnapshotReader, SnapshotWriter, Split, StateDoc, StateError, StateReader, StateValue, StateWriter, Tail,
    Transport, VoiceMods, rt_log,
};
pub use serde::{Deserialize, Serialize};
