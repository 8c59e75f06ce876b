//! A slider.
//!
//! Called by: authors, in their drawing function; `generic`. Calls: `hand`, `value`. Threads: [editor].

use egui::{Align2, CursorIcon, Rect, Response, Sense, Stroke, StrokeKind, Ui, Widget, pos2, vec2};
use hotshell_logic::editor::{EditorContext, Face};
use hotshell_logic::params::Param;

use super::knob::narrow;
use super::{hand, look, value};

/// Width of the name and of the value, points.
pub(super) const NAME: f32 = 112.0;
const VALUE: f32 = 84.0;
/// Least width of the bar, points.
const LEAST: f32 = 60.0;

/// A horizontal slider in a row: its parameter's name, the bar, the value.
///
/// Drag the bar or the name, with shift for a tenth of the way; double click for the default; turn the wheel; click the
/// value to type one. A plain click moves nothing. It follows automation, and shows modulation as a line in the bar. A
/// secondary click opens the host's own menu of the parameter, where the host has one.
pub struct Slider<'a, P: Param> {
    cx: &'a EditorContext,
    param: &'a P,
    width: Option<f32>,
}

impl<P: Param> std::fmt::Debug for Slider<'_, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slider").field("width", &self.width).finish_non_exhaustive()
    }
}

/// A slider for `param`, as wide as there is room. [editor]
///
/// ```ignore
/// hotshell::editor::egui::editor(320, 60, move |ui, cx| {
///     ui.add(slider(cx, &params.gain));
/// })
/// ```
#[must_use]
pub const fn slider<'a, P: Param>(cx: &'a EditorContext, param: &'a P) -> Slider<'a, P> {
    Slider { cx, param, width: None }
}

impl<P: Param> Slider<'_, P> {
    /// Width of the whole row in points.
    #[must_use]
    pub const fn width(mut self, width: f32) -> Self {
        self.width = Some(width);
        self
    }
}

impl<P: Param> Widget for Slider<'_, P> {
    fn ui(self, ui: &mut Ui) -> Response {
        let Self { cx, param, width } = self;
        let Some(face) = cx.face(param) else { return super::stranger(ui) };
        let width = width.unwrap_or_else(|| ui.available_width()).max(NAME + LEAST + VALUE);
        let (row, _) = ui.allocate_exact_size(vec2(width, look::ROW), Sense::HOVER);
        let id = ui.next_auto_id();
        ui.skip_ahead_auto_ids(1);
        let bar =
            Rect::from_min_max(pos2(row.left() + NAME, row.top()), pos2(row.right() - VALUE, row.bottom()));
        let mut response = ui
            .interact(bar.with_min_x(row.left()), id, Sense::CLICK | Sense::DRAG)
            .on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
        hand::drive(ui, cx, param, &face, &mut response, hand::Travel::Right(bar.width()));
        hand::ask_host(ui, cx, param, &response);
        if ui.is_rect_visible(row) {
            let name = Rect::from_min_max(row.min, pos2(bar.left() - 6.0, row.bottom()));
            super::name(ui, name, Align2::LEFT_CENTER, face.name());
            paint(ui, &face, param, bar.shrink2(vec2(0.0, 3.0)), response.hovered() || response.dragged());
        }
        let right = Rect::from_min_max(pos2(bar.right() + 4.0, row.top()), row.max);
        if value::value(ui, cx, param, &face, (id, right, Align2::RIGHT_CENTER)) {
            response.mark_changed();
        }
        response
    }
}

fn paint<P: Param>(ui: &Ui, face: &Face<'_>, param: &P, bar: Rect, hot: bool) {
    let (base, offset) = (param.load(), param.offset());
    let position = face.position(base);
    let x = |position: f64| bar.left() + bar.width() * narrow(position);
    let part = |from: f64, to: f64, top: f32, bottom: f32| {
        Rect::from_min_max(pos2(x(from.min(to)), top), pos2(x(from.max(to)), bottom))
    };
    let painter = ui.painter();
    painter.rect_filled(bar, look::ROUND, look::TRACK);
    let fill = if hot { look::VALUE } else { look::VALUE.gamma_multiply(0.8) };
    painter.rect_filled(part(super::zero(face), position, bar.top(), bar.bottom()), look::ROUND, fill);
    if offset != 0.0 {
        let moved = face.position(base + offset);
        painter.rect_filled(part(position, moved, bar.bottom() - 4.0, bar.bottom()), 1.0, look::MODULATION);
        painter.vline(x(moved), bar.y_range(), Stroke::new(2.0, look::MODULATION));
    }
    painter.rect_stroke(bar, look::ROUND, Stroke::new(1.0, look::EDGE), StrokeKind::Inside);
    painter.vline(x(position), bar.expand(1.0).y_range(), Stroke::new(3.0, look::TEXT));
}
