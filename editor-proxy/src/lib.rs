//! The shell side of editors: what a host holds while a plug-in's editors come and go inside it.
//!
//! An adapter makes one [`EditorProxy`] per open editor of the host's. The proxy has a window of its own (`window`),
//! mapped when the host's attach call returns; the newest build's editor is made inside it, on a thread of its own
//! (`helper`), by a small machine of states (`stage`) that both the host's idle timer and the window's own loop turn.
//! What the user does goes to the host through `edits`.
//!
//! Called by: the adapters' `view`. Calls: `hotshell-core`, baseview. Threads: [`EditorProxy`] [main]; the rest [any] but
//! audio.

#[cfg(target_os = "linux")]
mod answer;
mod edits;
mod fit;
mod helper;
mod panel;
mod proxy;
mod stage;
mod text;
mod window;

pub use hotshell_abi::editor::{EditorDesc, EditorKey, EditorSize, WindowHandle, WindowKind};
pub use proxy::{EditorProxy, OnMain, WindowHost};
