//! The picture of a [`Model`].
//!
//! Called by: `editor`. Calls: `layout`, `text`, tiny-skia. Threads: [editor].

use std::f32::consts::TAU;

use tiny_skia::{
    Color, FillRule, GradientStop, LinearGradient, Paint, Path, PathBuilder, Pixmap, Point, Shader,
    SpreadMode, Stroke, Transform,
};

use super::layout::{self, Model, Part, Place};
use super::text::{Ink, Side, Writer};

const PANEL: [u8; 3] = [0x17, 0x19, 0x1f];
const SURFACE: [u8; 3] = [0x22, 0x25, 0x2d];
const SURFACE_HOT: [u8; 3] = [0x2b, 0x2f, 0x39];
const EDGE: [u8; 3] = [0x3a, 0x3f, 0x4b];
const TEXT: [u8; 3] = [0xe8, 0xea, 0xee];
const DIM: [u8; 3] = [0x93, 0x9b, 0xa8];
const ENVELOPE: [u8; 3] = [0x5c, 0xd6, 0xb3];
const FILTER: [u8; 3] = [0xf2, 0xa6, 0x5a];
const LEVEL: [u8; 3] = [0x3f, 0xc9, 0x7a];
const CLIP: [u8; 3] = [0xff, 0x4d, 0x4f];

/// A picture in the making.
struct Canvas<'a> {
    pixmap: &'a mut Pixmap,
    writer: &'a Writer,
    /// Physical pixels to a logical one.
    scale: f32,
}

/// Draws `model` over all of `pixmap`.
pub fn paint(pixmap: &mut Pixmap, writer: &Writer, model: &Model) {
    let (width, height) = (pixmap.width() as f32, pixmap.height() as f32);
    let scale = (width / layout::SIZE.0 as f32).min(height / layout::SIZE.1 as f32);
    pixmap.fill(color(PANEL));
    let mut canvas = Canvas { pixmap, writer, scale };
    canvas.write("hotshell", (16.0, 30.0), Side::Left, (17.0, TEXT));
    canvas.write("Synth", (80.0, 30.0), Side::Left, (17.0, ENVELOPE));
    canvas.write(&format!("build {}", model.build), (664.0, 29.0), Side::Right, (12.0, DIM));
    (0..4).for_each(|wave| canvas.wave(wave, model));
    canvas.envelope(model);
    canvas.filter(model);
    canvas.meter(model);
    canvas.keyboard(model);
}

fn color([r, g, b]: [u8; 3]) -> Color {
    Color::from_rgba8(r, g, b, 255)
}

fn path(points: impl IntoIterator<Item = (f32, f32)>) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for (n, (x, y)) in points.into_iter().enumerate() {
        if n == 0 { builder.move_to(x, y) } else { builder.line_to(x, y) }
    }
    builder.finish()
}

/// A rectangle with round corners.
fn rounded(place: Place, radius: f32) -> Option<Path> {
    let Place { x, y, w, h } = place;
    let (right, bottom) = (x + w, y + h);
    let mut builder = PathBuilder::new();
    builder.move_to(x + radius, y);
    builder.line_to(right - radius, y);
    builder.quad_to(right, y, right, y + radius);
    builder.line_to(right, bottom - radius);
    builder.quad_to(right, bottom, right - radius, bottom);
    builder.line_to(x + radius, bottom);
    builder.quad_to(x, bottom, x, bottom - radius);
    builder.line_to(x, y + radius);
    builder.quad_to(x, y, x + radius, y);
    builder.close();
    builder.finish()
}

impl Canvas<'_> {
    fn transform(&self) -> Transform {
        Transform::from_scale(self.scale, self.scale)
    }

    fn fill(&mut self, path: Option<Path>, shader: Shader<'_>) {
        let paint = Paint { shader, anti_alias: true, ..Paint::default() };
        if let Some(path) = path {
            self.pixmap.fill_path(&path, &paint, FillRule::Winding, self.transform(), None);
        }
    }

    fn stroke(&mut self, path: Option<Path>, width: f32, rgb: [u8; 3]) {
        let paint = Paint { shader: Shader::SolidColor(color(rgb)), anti_alias: true, ..Paint::default() };
        if let Some(path) = path {
            let stroke = Stroke { width, line_join: tiny_skia::LineJoin::Round, ..Stroke::default() };
            self.pixmap.stroke_path(&path, &paint, &stroke, self.transform(), None);
        }
    }

    fn solid(&mut self, path: Option<Path>, rgb: [u8; 3]) {
        self.fill(path, Shader::SolidColor(color(rgb)));
    }

    fn write(&mut self, text: &str, (x, y): (f32, f32), side: Side, (size, color): (f32, [u8; 3])) {
        let ink = Ink { size: size * self.scale, color };
        self.writer.write(self.pixmap, text, (x * self.scale, y * self.scale), side, ink);
    }

    fn panel(&mut self, place: Place, title: &str) {
        self.solid(rounded(place, 6.0), SURFACE);
        self.write(title, (place.x + 10.0, place.y + 18.0), Side::Left, (11.0, DIM));
    }

    fn handle(&mut self, at: (f32, f32), rgb: [u8; 3], hot: bool) {
        let circle = |radius: f32| PathBuilder::from_circle(at.0, at.1, radius);
        self.solid(circle(if hot { 8.0 } else { 6.5 }), rgb);
        self.solid(circle(if hot { 4.0 } else { 3.5 }), PANEL);
    }

    /// The area under a curve, fading downwards.
    fn under(&mut self, curve: &[(f32, f32)], place: Place, rgb: [u8; 3]) {
        let (Some(first), Some(last)) = (curve.first(), curve.last()) else { return };
        let bottom = place.y + place.h;
        let area = curve.iter().copied().chain([(last.0, bottom), (first.0, bottom)]);
        let stop = |at, alpha| GradientStop::new(at, Color::from_rgba8(rgb[0], rgb[1], rgb[2], alpha));
        let (from, to) = (Point::from_xy(0.0, place.y), Point::from_xy(0.0, bottom));
        let stops = vec![stop(0.0, 120), stop(1.0, 12)];
        let fade = LinearGradient::new(from, to, stops, SpreadMode::Pad, Transform::identity());
        self.fill(path(area), fade.unwrap_or(Shader::SolidColor(Color::TRANSPARENT)));
    }

    /// A name over its value.
    fn caption(&mut self, (x, y): (f32, f32), name: &str, value: &str) {
        self.write(name, (x, y), Side::Middle, (10.0, DIM));
        self.write(value, (x, y + 15.0), Side::Middle, (12.0, TEXT));
    }

    fn wave(&mut self, wave: u8, model: &Model) {
        let place = layout::wave_button(wave);
        let (on, hot) = (model.wave == wave, model.hot == Some(Part::Wave(wave)));
        self.solid(rounded(place, 6.0), if hot { SURFACE_HOT } else { SURFACE });
        if on {
            self.stroke(rounded(place, 6.0), 1.5, ENVELOPE);
        }
        let shape = |phase: f32| match wave {
            0 => (phase * TAU).sin(),
            1 => 1.0 - 4.0 * ((phase + 0.25).fract() - 0.5).abs(),
            2 => 2.0 * (phase + 0.5).fract() - 1.0,
            _ => {
                if phase < 0.5 {
                    1.0
                } else {
                    -1.0
                }
            }
        };
        const POINTS: u8 = 96;
        let (middle, left) = (place.y + place.h * 0.42, place.x + 10.0);
        let points = (0..=POINTS).map(|n| {
            let along = f32::from(n) / f32::from(POINTS);
            (left + along * (place.w - 20.0), middle - 14.0 * shape((along * 1.5).fract()))
        });
        self.stroke(path(points), 1.8, if on { ENVELOPE } else { DIM });
        let name = ["Sine", "Triangle", "Saw", "Square"][usize::from(wave.min(3))];
        let at = (place.x + place.w / 2.0, place.y + place.h - 12.0);
        self.write(name, at, Side::Middle, (10.0, if on { TEXT } else { DIM }));
    }

    fn envelope(&mut self, model: &Model) {
        let place = layout::CURVE;
        self.panel(layout::ENVELOPE, "ENVELOPE");
        let [start, attack, decay, held, release] = layout::envelope(model);
        let mut curve = vec![start, attack];
        // Decay and release fall by equal ratios.
        let fall = |curve: &mut Vec<(f32, f32)>, from: (f32, f32), to: (f32, f32)| {
            let floor = 0.018_f32;
            curve.extend((1..=24_u8).map(|n| {
                let along = f32::from(n) / 24.0;
                let left = (floor.powf(along) - floor) / (1.0 - floor);
                (from.0 + (to.0 - from.0) * along, to.1 + (from.1 - to.1) * left)
            }));
        };
        fall(&mut curve, attack, decay);
        curve.push(held);
        fall(&mut curve, held, release);
        self.under(&curve, place, ENVELOPE);
        self.stroke(path([(place.x, place.y + place.h), (place.x + place.w, place.y + place.h)]), 1.0, EDGE);
        self.stroke(path(curve), 2.0, ENVELOPE);
        for (part, at) in [(Part::Attack, attack), (Part::Decay, decay), (Part::Release, release)] {
            self.handle(at, ENVELOPE, model.hot == Some(part));
        }
        let names = ["Attack", "Decay", "Sustain", "Release"];
        for (n, (name, value)) in names.into_iter().zip(&model.texts).enumerate() {
            let column = layout::ENVELOPE.w / 4.0;
            let x = layout::ENVELOPE.x + column * (n as f32 + 0.5);
            self.caption((x, layout::ENVELOPE.y + 150.0), name, value);
        }
    }

    fn filter(&mut self, model: &Model) {
        let place = layout::RESPONSE;
        self.panel(layout::FILTER, "FILTER");
        for decade in [1.0, 2.0_f32] {
            // 200 Hz and 2 kHz.
            let x = place.x + place.w * decade / 3.0;
            self.stroke(path([(x, place.y), (x, place.y + place.h)]), 1.0, EDGE);
        }
        const POINTS: u8 = 120;
        let curve: Vec<_> =
            (0..=POINTS).map(|n| layout::response(model, f32::from(n) / f32::from(POINTS))).collect();
        self.under(&curve, place, FILTER);
        self.stroke(path(curve), 2.0, FILTER);
        self.handle(layout::filter(model), FILTER, model.hot == Some(Part::Filter));
        let (left, right) =
            (layout::FILTER.x + layout::FILTER.w * 0.28, layout::FILTER.x + layout::FILTER.w * 0.72);
        self.caption((left, layout::FILTER.y + 150.0), "Cutoff", &model.texts[4]);
        self.caption((right, layout::FILTER.y + 150.0), "Resonance", &model.texts[5]);
    }

    fn meter(&mut self, model: &Model) {
        let place = layout::LEVEL;
        self.panel(layout::METER, "OUT");
        for (n, level) in model.levels.into_iter().enumerate() {
            let bar = Place::new(place.x + n as f32 * 15.0, place.y, 12.0, place.h);
            self.solid(rounded(bar, 2.0), PANEL);
            // 60 dB.
            let travel = (1.0 + 20.0 * level.max(1e-6).log10() / 60.0).clamp(0.0, 1.0);
            if travel > 0.02 {
                let lit = Place::new(bar.x, bar.y + bar.h * (1.0 - travel), bar.w, bar.h * travel);
                self.solid(rounded(lit, 2.0), if level > 1.0 { CLIP } else { LEVEL });
            }
        }
        let y = place.y + place.h * (1.0 - model.gain);
        let hot = model.hot == Some(Part::Gain);
        let line = [(place.x - 3.0, y), (place.x + place.w + 3.0, y)];
        self.stroke(path(line), if hot { 4.0 } else { 2.5 }, TEXT);
        self.caption(
            (layout::METER.x + layout::METER.w / 2.0, layout::METER.y + 150.0),
            "Gain",
            &model.texts[6],
        );
    }

    fn keyboard(&mut self, model: &Model) {
        let keys =
            |black: bool| (layout::FIRST..=layout::LAST).filter(move |key| layout::key(*key).1 == black);
        for key in keys(false).chain(keys(true)) {
            let (place, black) = layout::key(key);
            let held = model.keys >> key & 1 == 1;
            let inside = Place::new(place.x + 0.75, place.y, place.w - 1.5, place.h);
            let rgb = match (held, black) {
                (true, _) => ENVELOPE,
                (false, true) => [0x1c, 0x1e, 0x24],
                (false, false) => [0xdf, 0xe2, 0xe8],
            };
            self.solid(rounded(inside, 3.0), rgb);
            if black {
                self.stroke(rounded(inside, 3.0), 1.0, PANEL);
            } else if key % 12 == 0 {
                let name = format!("C{}", key / 12 - 1);
                let at = (place.x + place.w / 2.0, place.y + place.h - 8.0);
                self.write(&name, at, Side::Middle, (9.0, [0x70, 0x76, 0x82]));
            }
        }
    }
}
