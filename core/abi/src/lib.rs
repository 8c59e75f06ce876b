//! What crosses between a shell and a plug-in's logic, and nothing else.
//!
//! Called by: `hotshell-core` (the shell side) and `hotshell-logic` (the author's side). Calls: nothing.
//! Threads: the tag in brackets at each function says who may call it.
//!
//! # Rules
//! - Every type here is `repr(C)` (or `repr(transparent)`) and made of numbers, pointers and lengths. No `Vec`, no
//!   `String`, no trait object, no generic of the author's crosses. The two sides may be built by different compilers.
//! - Memory is freed by the side that made it. A pointer inside a call's arguments is valid for that call only, unless
//!   its field says otherwise. Text is UTF-8, pointer and length ([`Str`]).
//! - The two tables, [`LogicApi`] and [`ShellApi`], are append-only: a reader looks at `magic`, `epoch` and `size`
//!   first, and never beyond `size`. Every other type is listed in [`AbiCanary`] with size and alignment; a difference
//!   is refused by name before any call.
//! - Panics die where they are raised: each function behind a table catches on its own side and answers
//!   [`Status::PANICKED`].

#![allow(unsafe_code, reason = "DESIGN 9.9 names this crate: the boundary and its safe views")]

pub mod block;
pub mod canary;
pub mod cell;
pub mod describe;
pub mod editor;
pub mod event;
pub mod snapshot;
pub mod status;
pub mod store;
pub mod table;
pub mod track;
pub mod view;

pub use block::{AudioConfig, BusBuffer, ProcessArgs, RenderMode, Sample, Transport};
pub use canary::{AbiCanary, CanaryDifference};
pub use cell::{MeterCell, ParamCell};
pub use describe::{
    BusDesc, BusLayoutDesc, HandoverDesc, MeterDesc, NotePortsDesc, ParamDesc, PersistDesc, PluginDesc,
    VariantDesc,
};
pub use editor::{EditorDesc, EditorSize};
pub use event::{Event, EventKind, EventOutput};
pub use status::{Reason, Status};
pub use store::StoreRef;
pub use table::{LogicApi, LogicEntry, ShellApi};
pub use track::Track;
pub use view::{ByteSink, Bytes, Slice, Str, TextBuffer};

/// The name that a logic library exports: an `extern "C"` function of type [`LogicEntry`].
pub const LOGIC_SYMBOL: &str = "hotshell_logic_v1";

/// First word of both tables: `"hotshell"` in ASCII, little-endian. A table that starts otherwise is not ours.
pub const MAGIC: u64 = u64::from_le_bytes(*b"hotshell");

/// Counted up when the meaning of an existing field or function changes. Appending a function does not count.
pub const EPOCH: u32 = 1;

/// Most meter channels that one plug-in can have (compile-time limit in the derive, checked again by the shell).
pub const MAX_METERS: usize = 256;

/// Size of the buffer behind `snapshot` and `restore`, in bytes.
pub const SNAPSHOT_BYTES: usize = 256 * 1024;
