//! The author's side of editors: a window inside the shell's, drawn by his own code or by egui.
//!
//! An editor is an [`Editor`]: a size, resize rules and a function that builds it. [`window`]
//! makes one from any [`baseview::WindowHandler`], [`egui`](mod@egui) from a function that draws with egui.
//!
//! Called by: authors, through the facade. Calls: `hotshell-logic`, baseview. Threads: a window is built, used and
//! dropped on one thread; on X11 it draws on one of baseview's, elsewhere on [main].

#[cfg(feature = "egui")]
pub mod egui;
#[cfg(feature = "egui")]
pub mod generic;
mod guard;
pub mod window;

pub use baseview;
pub use hotshell_logic::editor::{
    Editor, EditorContext, EditorDesc, EditorError, EditorField, EditorKey, EditorSize, EditorWindow, Face,
    Gesture, Hold, Note, Playing, Track, WindowHandle, WindowKind,
};
pub use window::raw;
