//! The editor of a plug-in that has none: a slider for each parameter.
//!
//! Called by: the facade (feature `generic-editor`), authors. Calls: the parts in `egui`. Threads: [editor].

use egui::{RichText, ScrollArea, Ui};
use hotshell_logic::editor::{Editor, EditorContext, Face};

use crate::egui::{build_label, menu, slider, toggle};

/// Logical pixels.
const SIZE: (u32, u32) = (460, 420);
const LEAST: (u32, u32) = (320, 160);
const GREATEST: (u32, u32) = (1200, 2000);

/// All parameters in the order of their description, their groups as headings: switches, drop-downs and sliders. What
/// `hotshell`'s feature `generic-editor` gives a plug-in without an editor of its own (`cargo hotshell dev
/// --generic-editor`, or in the manifest for releases too); an author may return it as well.
///
/// ```ignore
/// fn editor(_params: &Arc<Self::Params>) -> Option<Editor> {
///     Some(hotshell::editor::generic::editor())
/// }
/// ```
#[must_use]
pub fn editor() -> Editor {
    crate::egui::editor(SIZE.0, SIZE.1, draw).resizable(LEAST, GREATEST)
}

/// The same inside a window of the author's. [editor]
pub fn draw(ui: &mut Ui, cx: &EditorContext) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let mut group = "";
        for face in cx.faces() {
            if face.group() != group {
                group = face.group();
                ui.add_space(8.0);
                if !group.is_empty() {
                    ui.label(RichText::new(group.replace('/', " / ")).strong());
                }
                ui.separator();
            }
            part(ui, cx, &face);
        }
        ui.add_space(8.0);
        build_label(ui, cx);
    });
}

fn part(ui: &mut Ui, cx: &EditorContext, face: &Face<'_>) {
    if face.is_switch() {
        toggle(ui, cx, face);
    } else if face.variants().is_empty() {
        ui.add(slider(cx, face));
    } else {
        crate::egui::row(ui, face.name(), |ui| {
            menu(ui, cx, face);
        });
    }
}
