//! A drop-down.
//!
//! Called by: authors, in their drawing function; `generic`. Calls: egui's, `hand`. Threads: [editor].

use egui::{ComboBox, Response, RichText, Ui};
use hotshell_logic::editor::{EditorContext, Face};
use hotshell_logic::params::Param;

use super::{hand, look};

/// Choices that a menu lists at most; a parameter with more, or none, is better off with a slider.
const MOST: u32 = 256;

/// A drop-down for a parameter with steps, an enum above all: its texts in a list, the default marked. The wheel steps
/// through them while it is closed. It follows automation. Its name is not part of it; a secondary click opens
/// the host's own menu of the parameter, where the host has one. [editor]
///
/// ```ignore
/// ui.horizontal(|ui| {
///     ui.label("Waveform");
///     hotshell::editor::egui::menu(ui, cx, &params.wave);
/// });
/// ```
pub fn menu<P: Param>(ui: &mut Ui, cx: &EditorContext, param: &P) -> Response {
    let Some(face) = cx.face(param) else { return super::stranger(ui) };
    let shown = |plain: f64| RichText::new(face.text(plain)).font(look::small());
    let mut chosen = None;
    let before = ui.next_auto_id();
    let combo =
        ComboBox::from_id_salt((before, face.host_id())).selected_text(shown(param.load())).width(120.0);
    let mut response = combo
        .show_ui(ui, |ui| {
            for plain in choices(&face) {
                let default = plain == face.default_value();
                let text = shown(plain).color(if default { look::VALUE } else { look::TEXT });
                if ui.selectable_label(plain == param.load(), text).clicked() {
                    chosen = Some(plain);
                }
            }
        })
        .response;
    hand::ask_host(ui, cx, param, &response);
    match chosen {
        Some(plain) if hand::put(cx, param, plain) => response.mark_changed(),
        Some(_) => {}
        None => hand::wheel(ui, cx, param, &face, &mut response),
    }
    response
}

fn choices(face: &Face<'_>) -> impl Iterator<Item = f64> {
    let least = face.range().0;
    (0..=face.steps().min(MOST)).map(move |step| least + f64::from(step))
}
