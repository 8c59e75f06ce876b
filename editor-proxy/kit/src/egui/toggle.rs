//! A switch.
//!
//! Called by: authors, in their drawing function; `generic`. Calls: `hand`. Threads: [editor].

use egui::{Align2, Rect, Response, Sense, Stroke, StrokeKind, Ui, pos2, vec2};
use hotshell_logic::editor::EditorContext;
use hotshell_logic::params::Param;

use super::{hand, look};

const SWITCH: egui::Vec2 = vec2(34.0, 18.0);

/// A switch for `param`, with its name: a click turns it over, the wheel up turns it on and down off. It follows
/// automation. A parameter with more than two values goes from one end to the other. A secondary click
/// opens the host's own menu of the parameter, where the host has one. [editor]
///
/// ```ignore
/// hotshell::editor::egui::toggle(ui, cx, &params.bypass);
/// ```
pub fn toggle<P: Param>(ui: &mut Ui, cx: &EditorContext, param: &P) -> Response {
    let Some(face) = cx.face(param) else { return super::stranger(ui) };
    let galley = ui.painter().layout_no_wrap(face.name().to_owned(), look::small(), look::TEXT);
    let size = vec2(SWITCH.x + 8.0 + galley.size().x, look::ROW);
    // Without the focus: keys stay with the host.
    let (row, mut response) = ui.allocate_exact_size(size, Sense::CLICK);
    hand::ask_host(ui, cx, param, &response);
    if response.clicked() {
        let on = face.position(param.load()) >= 0.5;
        if hand::put(cx, param, face.value(if on { 0.0 } else { 1.0 })) {
            response.mark_changed();
        }
    } else {
        hand::wheel(ui, cx, param, &face, &mut response);
    }
    if ui.is_rect_visible(row) {
        let on = face.position(param.load()) >= 0.5;
        let heard = face.position(param.load() + param.offset()) >= 0.5;
        let at = Rect::from_center_size(pos2(row.left() + SWITCH.x / 2.0, row.center().y), SWITCH);
        let fill = if on { look::VALUE } else { look::TRACK };
        let edge = match (heard != on, response.hovered()) {
            (true, _) => Stroke::new(2.0, look::MODULATION),
            (_, true) => Stroke::new(1.0, look::DIM),
            _ => Stroke::new(1.0, look::EDGE),
        };
        ui.painter().rect(at, SWITCH.y / 2.0, fill, edge, StrokeKind::Inside);
        let knob = pos2(if on { at.right() - 9.0 } else { at.left() + 9.0 }, at.center().y);
        ui.painter().circle_filled(knob, 6.0, if on { look::TEXT } else { look::DIM });
        let text = Rect::from_min_max(pos2(at.right() + 8.0, row.top()), row.max);
        super::name(ui, text, Align2::LEFT_CENTER, face.name());
    }
    response
}
