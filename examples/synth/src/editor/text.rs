//! Text.
//!
//! Called by: `picture`. Calls: ab_glyph. Threads: [editor].

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use tiny_skia::{Pixmap, PremultipliedColorU8};

/// Where a text stands from its point.
#[derive(Clone, Copy)]
pub enum Side {
    Left,
    Middle,
    Right,
}

/// A text's size in pixels, and its colour.
#[derive(Clone, Copy)]
pub struct Ink {
    pub size: f32,
    pub color: [u8; 3],
}

/// Draws texts.
pub struct Writer(FontRef<'static>);

impl Writer {
    /// `None` if the font cannot be read.
    pub fn new() -> Option<Self> {
        FontRef::try_from_slice(dejavu::sans::regular()).ok().map(Self)
    }

    /// Writes `text` on the line at `y`, in pixels of the picture.
    pub fn write(&self, onto: &mut Pixmap, text: &str, (x, y): (f32, f32), side: Side, ink: Ink) {
        let font = self.0.as_scaled(PxScale::from(ink.size));
        let width: f32 = text.chars().map(|c| font.h_advance(font.glyph_id(c))).sum();
        let mut left = match side {
            Side::Left => x,
            Side::Middle => x - width / 2.0,
            Side::Right => x - width,
        };
        for c in text.chars() {
            let id = font.glyph_id(c);
            let glyph = id.with_scale_and_position(ink.size, point(left, y));
            left += font.h_advance(id);
            if let Some(outline) = self.0.outline_glyph(glyph) {
                let at = outline.px_bounds().min;
                outline.draw(|dx, dy, cover| {
                    blend(onto, (at.x + dx as f32, at.y + dy as f32), ink.color, cover)
                });
            }
        }
    }
}

fn blend(onto: &mut Pixmap, (x, y): (f32, f32), color: [u8; 3], cover: f32) {
    if x < 0.0 || y < 0.0 || x >= onto.width() as f32 || y >= onto.height() as f32 {
        return;
    }
    let index = y as usize * onto.width() as usize + x as usize;
    let Some(pixel) = onto.pixels_mut().get_mut(index) else { return };
    let cover = cover.clamp(0.0, 1.0);
    let mix =
        |over: u8, under: u8| (f32::from(over) * cover + f32::from(under) * (1.0 - cover)).round() as u8;
    let mixed = PremultipliedColorU8::from_rgba(
        mix(color[0], pixel.red()),
        mix(color[1], pixel.green()),
        mix(color[2], pixel.blue()),
        255,
    );
    // The picture has no holes, so that every colour of it is premultiplied by 1.
    *pixel = mixed.unwrap_or(*pixel);
}
