//! A knob.
//!
//! Called by: authors, in their drawing function. Calls: `hand`, `value`. Threads: [editor].

use std::f32::consts::TAU;

use egui::{Align2, Color32, CursorIcon, Pos2, Rect, Response, Sense, Stroke, Ui, Vec2, Widget, pos2, vec2};
use hotshell_logic::editor::{EditorContext, Face};
use hotshell_logic::params::Param;

use super::{hand, look, value};

/// Where a knob starts and how far it turns, clockwise from the right, in radians: from lower left to lower right.
const START: f32 = 0.375 * TAU;
const TURN: f32 = 0.75 * TAU;
/// Points of a drag from one end to the other.
const TRAVEL: f32 = 200.0;
/// Up to this many steps have a tick each.
const MOST_TICKS: u32 = 16;

/// A knob with its parameter's name above and its value below.
///
/// Drag up and down, with shift for a tenth of the way; double click for the default; turn the wheel; click the value to
/// type one. It follows automation, and shows modulation as an arc outside its own. A secondary click opens the
/// host's own menu of the parameter, where the host has one.
pub struct Knob<'a, P: Param> {
    cx: &'a EditorContext,
    param: &'a P,
    size: f32,
}

impl<P: Param> std::fmt::Debug for Knob<'_, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Knob").field("size", &self.size).finish_non_exhaustive()
    }
}

/// A knob for `param`. [editor]
///
/// ```ignore
/// hotshell::editor::egui::editor(200, 120, move |ui, cx| {
///     ui.horizontal(|ui| {
///         ui.add(knob(cx, &params.cutoff).size(64.0));
///         ui.add(knob(cx, &params.resonance));
///     });
/// })
/// ```
#[must_use]
pub const fn knob<'a, P: Param>(cx: &'a EditorContext, param: &'a P) -> Knob<'a, P> {
    Knob { cx, param, size: 52.0 }
}

impl<P: Param> Knob<'_, P> {
    /// Diameter in points, 52 at first; at least 16.
    #[must_use]
    pub const fn size(mut self, size: f32) -> Self {
        self.size = size.max(16.0);
        self
    }
}

impl<P: Param> Widget for Knob<'_, P> {
    fn ui(self, ui: &mut Ui) -> Response {
        let Self { cx, param, size } = self;
        let Some(face) = cx.face(param) else { return super::stranger(ui) };
        let all = vec2(size.max(72.0), 16.0 + size + look::ROW);
        let (whole, _) = ui.allocate_exact_size(all, Sense::HOVER);
        let id = ui.next_auto_id();
        ui.skip_ahead_auto_ids(1);
        let dial = Rect::from_center_size(
            pos2(whole.center().x, whole.top() + 16.0 + size / 2.0),
            Vec2::splat(size),
        );
        let mut response = ui
            .interact(dial, id, Sense::CLICK | Sense::DRAG)
            .on_hover_and_drag_cursor(CursorIcon::ResizeVertical);
        hand::drive(ui, cx, param, &face, &mut response, hand::Travel::Up(TRAVEL));
        hand::ask_host(ui, cx, param, &response);
        if ui.is_rect_visible(whole) {
            let name = Rect::from_min_size(whole.min, vec2(whole.width(), 16.0));
            super::name(ui, name, Align2::CENTER_CENTER, face.name());
            paint(ui, &face, param, dial, response.hovered() || response.dragged());
        }
        let below = Rect::from_min_max(pos2(whole.left(), dial.bottom() + 2.0), whole.max);
        if value::value(ui, cx, param, &face, (id, below, Align2::CENTER_CENTER)) {
            response.mark_changed();
        }
        response
    }
}

fn on_circle(center: Pos2, radius: f32, position: f64) -> Pos2 {
    center + Vec2::angled(START + TURN * narrow(position)) * radius
}

#[expect(clippy::cast_possible_truncation, reason = "a position between 0 and 1, to be drawn")]
pub(super) const fn narrow(position: f64) -> f32 {
    position as f32
}

fn arc(ui: &Ui, center: Pos2, radius: f32, (from, to): (f64, f64), (width, color): (f32, Color32)) {
    const PIECES: u32 = 48;
    let along = |n: u32| from + (to - from) * f64::from(n) / f64::from(PIECES);
    let points = (0..=PIECES).map(|n| on_circle(center, radius, along(n))).collect();
    ui.painter().line(points, Stroke::new(width, color));
}

fn paint<P: Param>(ui: &Ui, face: &Face<'_>, param: &P, dial: Rect, hot: bool) {
    let (base, offset) = (param.load(), param.offset());
    let (center, radius) = (dial.center(), dial.width() / 2.0);
    let (width, ring) = ((radius * 0.14).max(2.0), radius * 0.82);
    let position = face.position(base);
    arc(ui, center, ring, (0.0, 1.0), (width, look::TRACK));
    arc(ui, center, ring, (super::zero(face), position), (width, look::VALUE));
    if offset != 0.0 {
        let moved = face.position(base + offset);
        arc(ui, center, radius * 0.97, (position, moved), ((width * 0.5).max(1.5), look::MODULATION));
        ui.painter().circle_filled(on_circle(center, ring, moved), width * 0.45, look::MODULATION);
    }
    let steps = face.steps();
    if (1..=MOST_TICKS).contains(&steps) {
        for step in 0..=steps {
            let at = f64::from(step) / f64::from(steps);
            ui.painter().circle_filled(
                on_circle(center, radius * 0.97, at),
                (width * 0.25).max(1.0),
                look::EDGE,
            );
        }
    }
    let body = radius * 0.64;
    let fill = if hot { look::SURFACE_HOT } else { look::SURFACE };
    ui.painter().circle(center, body, fill, Stroke::new(1.0, look::EDGE));
    let hand = [on_circle(center, body * 0.35, position), on_circle(center, body * 0.88, position)];
    ui.painter().line_segment(hand, Stroke::new((radius * 0.1).max(2.0), look::TEXT));
}
