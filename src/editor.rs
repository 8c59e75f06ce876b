//! Windows: a raw one ([`raw`]) with the author's own drawing, or one drawn with egui (`egui`, feature `egui`).
//!
//! ```ignore
//! use hotshell::editor::egui::{self, slider};
//!
//! fn editor(params: &Arc<GainParams>) -> Option<Editor> {
//!     let params = Arc::clone(params);
//!     Some(egui::editor(320, 160, move |ui, cx| {
//!         ui.add(slider(cx, &params.gain));
//!     }))
//! }
//! ```
//!
//! Called by: authors. Calls: `hotshell-editor`. Threads: see [`EditorContext`].

pub use hotshell_editor::*;
