//! A slider and a switch bound to a parameter.
//!
//! Called by: authors, in their drawing function. Calls: egui, the parameter. Threads: [editor].

use egui::{Response, Ui, Widget};
use hotshell_logic::editor::EditorContext;
use hotshell_logic::params::{BoolParam, Param};

/// A horizontal slider: drag, double click for the default.
pub struct Slider<'a, P: Param> {
    cx: &'a EditorContext,
    param: &'a P,
}

impl<P: Param> std::fmt::Debug for Slider<'_, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Slider")
    }
}

/// A slider for `param`.
#[must_use]
pub const fn slider<'a, P: Param>(cx: &'a EditorContext, param: &'a P) -> Slider<'a, P> {
    Slider { cx, param }
}

impl<P: Param> Widget for Slider<'_, P> {
    fn ui(self, ui: &mut Ui) -> Response {
        let Self { cx, param } = self;
        let Some(face) = cx.face(param) else { return ui.label("a parameter of another plug-in") };
        ui.horizontal(|ui| {
            let mut position = face.position(param.load());
            let bar = egui::Slider::new(&mut position, 0.0..=1.0).show_value(false);
            let response = ui.add(bar);
            if response.drag_started() || (response.changed() && !response.dragged()) {
                cx.begin(param);
            }
            if response.double_clicked() {
                cx.begin(param);
                cx.perform(param, face.default_value());
                cx.end(param);
            } else if response.changed() {
                cx.perform(param, face.value(position));
            }
            if response.drag_stopped() || (response.changed() && !response.dragged()) {
                cx.end(param);
            }
            ui.label(format!("{} {}", face.name(), face.text(param.load())));
            response
        })
        .inner
    }
}

/// A switch for `param`, with its name.
pub fn toggle(ui: &mut Ui, cx: &EditorContext, param: &BoolParam) -> Response {
    let mut on = param.base();
    let name = cx.face(param).map_or_else(String::new, |face| face.name().to_owned());
    let response = ui.checkbox(&mut on, name);
    if response.changed() {
        cx.set(param, on);
    }
    response
}
