//! The number of the build that draws.
//!
//! Called by: authors, in their drawing function; `generic`. Calls: egui. Threads: [editor].

use egui::{Response, RichText, Ui};
use hotshell_logic::editor::EditorContext;

use super::look;

/// `build 3`, small: which build this window belongs to; 0 is the one that the host loaded. [editor]
///
/// ```ignore
/// hotshell::editor::egui::build_label(ui, cx);
/// ```
pub fn build_label(ui: &mut Ui, cx: &EditorContext) -> Response {
    ui.label(RichText::new(format!("build {}", cx.build())).font(look::small()).color(look::DIM))
}
