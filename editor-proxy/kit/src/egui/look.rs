//! Colours and measures that the parts share.
//!
//! Called by: the parts, `egui`. Calls: egui. Threads: [editor].
//!
//! All measures are egui's points: they follow the window's scale and the zoom factor by themselves.

use egui::{Color32, FontId, Stroke};

/// Behind everything.
pub(super) const PANEL: Color32 = Color32::from_rgb(0x1a, 0x1c, 0x21);
/// Knobs, fields, closed menus.
pub(super) const SURFACE: Color32 = Color32::from_rgb(0x2b, 0x2e, 0x36);
/// The same under the pointer.
pub(super) const SURFACE_HOT: Color32 = Color32::from_rgb(0x38, 0x3c, 0x46);
/// The way that a value can go, and what is off.
pub(super) const TRACK: Color32 = Color32::from_rgb(0x11, 0x12, 0x16);
/// Edges.
pub(super) const EDGE: Color32 = Color32::from_rgb(0x4a, 0x4f, 0x5b);
/// Values.
pub(super) const TEXT: Color32 = Color32::from_rgb(0xe8, 0xea, 0xee);
/// Names.
pub(super) const DIM: Color32 = Color32::from_rgb(0x9c, 0xa3, 0xaf);
/// What the user has set.
pub(super) const VALUE: Color32 = Color32::from_rgb(0x45, 0xb8, 0xf0);
/// What modulation makes of it.
pub(super) const MODULATION: Color32 = Color32::from_rgb(0xff, 0xb3, 0x47);
/// A text that means nothing, a clipped channel.
pub(super) const WRONG: Color32 = Color32::from_rgb(0xff, 0x4d, 0x4f);
/// A level with room above it.
pub(super) const LEVEL: Color32 = Color32::from_rgb(0x3f, 0xc9, 0x7a);
/// A level near the top.
pub(super) const LEVEL_HIGH: Color32 = Color32::from_rgb(0xf2, 0xc9, 0x4c);

/// Height of a row: a slider, a switch, a closed menu.
pub(super) const ROW: f32 = 22.0;
/// Rounding of corners.
pub(super) const ROUND: f32 = 4.0;

/// Names and values.
pub(super) const fn small() -> FontId {
    FontId::proportional(12.5)
}

/// The dark look of the parts, for everything else that egui draws.
pub(super) fn dark(ctx: &egui::Context) {
    ctx.set_theme(egui::Theme::Dark);
    ctx.style_mut_of(egui::Theme::Dark, |style| {
        let visuals = &mut style.visuals;
        (visuals.panel_fill, visuals.window_fill, visuals.extreme_bg_color) = (PANEL, SURFACE, TRACK);
        visuals.override_text_color = Some(TEXT);
        visuals.selection.bg_fill = VALUE.gamma_multiply(0.5);
        visuals.selection.stroke = Stroke::new(1.0, TEXT);
        for (widget, fill) in [
            (&mut visuals.widgets.inactive, SURFACE),
            (&mut visuals.widgets.hovered, SURFACE_HOT),
            (&mut visuals.widgets.active, SURFACE_HOT),
            (&mut visuals.widgets.open, SURFACE_HOT),
        ] {
            (widget.bg_fill, widget.weak_bg_fill) = (fill, fill);
            widget.bg_stroke = Stroke::new(1.0, EDGE);
        }
    });
}
