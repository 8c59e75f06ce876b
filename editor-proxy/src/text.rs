//! Words on a plain ground, for what the window has to say.
//!
//! Called by: `panel`. Calls: embedded-graphics. Threads: [editor].

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::iso_8859_1::FONT_9X15;
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::text::{Baseline, Text};
use embedded_graphics::{Drawable, pixelcolor::IntoStorage};

const FONT: MonoFont<'static> = FONT_9X15;
/// Around the words, in font pixels.
const MARGIN: u32 = 6;
/// Height of a strip of one line, in font pixels.
pub(crate) const LINE: u32 = 15 + 2 * MARGIN;
const GROUND: Rgb888 = Rgb888::new(0x26, 0x22, 0x2b);
const WORDS: Rgb888 = Rgb888::new(0xff, 0xc8, 0x78);

/// Pixels of a window, `0x00rrggbb`, each font pixel `zoom` of them wide and high.
struct Canvas<'a> {
    pixels: &'a mut [u32],
    width: usize,
    zoom: usize,
}

impl OriginDimensions for Canvas<'_> {
    fn size(&self) -> Size {
        let height = self.pixels.len() / self.width.max(1);
        let side = |side: usize| u32::try_from(side / self.zoom).unwrap_or(u32::MAX);
        Size::new(side(self.width), side(height))
    }
}

impl DrawTarget for Canvas<'_> {
    type Color = Rgb888;
    type Error = core::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Self::Error> {
        for Pixel(Point { x, y }, color) in pixels {
            let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { continue };
            for row in y * self.zoom..(y + 1) * self.zoom {
                for column in (x * self.zoom..(x + 1) * self.zoom).take_while(|column| *column < self.width) {
                    if let Some(pixel) = self.pixels.get_mut(row * self.width + column) {
                        *pixel = color.into_storage();
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whole font pixels to a physical one at `scale`.
pub(crate) fn zoom(scale: f64) -> u32 {
    if scale >= 2.5 {
        3
    } else if scale >= 1.5 {
        2
    } else {
        1
    }
}

/// Fills `pixels`, `width` to a row, with the ground and `words` on it.
pub(crate) fn paint(pixels: &mut [u32], width: u32, scale: f64, words: &str) {
    pixels.fill(GROUND.into_storage());
    let mut canvas = Canvas { pixels, width: width as usize, zoom: zoom(scale) as usize };
    let Size { width, height } = canvas.size();
    let columns = (width.saturating_sub(2 * MARGIN) / FONT.character_size.width).max(1) as usize;
    let lines = wrapped(words, columns);
    let step = FONT.character_size.height;
    let most = (height.saturating_sub(2 * MARGIN) / step).max(1) as usize;
    let style = MonoTextStyle::new(&FONT, WORDS);
    let mut at = Point::zero() + Size::new(MARGIN, MARGIN);
    for line in lines.iter().take(most) {
        // It cannot fail: pixels outside are not drawn.
        let _ = Text::with_baseline(line, at, style, Baseline::Top).draw(&mut canvas);
        at += Size::new(0, step);
    }
}

/// `words` in lines of at most `columns` characters, broken at spaces where there are any.
pub(crate) fn wrapped(words: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in words.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > columns {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            for character in word.chars() {
                if line.chars().count() >= columns {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(character);
            }
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_longer_than_the_window_is_wide() {
        let text = "short\nsrc/editor.rs:12:5: a_word_that_is_longer_than_a_line and more";
        let lines = wrapped(text, 20);
        assert!(lines.iter().all(|line| line.chars().count() <= 20), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace([' ', '\n'], ""));
    }

    #[test]
    fn words_are_drawn_in_any_size_of_window() {
        for (width, height) in [(1, 1), (7, 3), (300, 27), (300, 200)] {
            for scale in [1.0, 2.0, 3.0] {
                let mut pixels = vec![0; width * height];
                paint(&mut pixels, u32::try_from(width).unwrap(), scale, "a message of some words");
                assert!(
                    pixels.iter().all(|pixel| *pixel != 0),
                    "{width}x{height} at {scale}: all is ground or words"
                );
            }
        }
        let mut pixels = vec![0; 300 * 27];
        paint(&mut pixels, 300, 1.0, "hello");
        assert!(pixels.contains(&WORDS.into_storage()), "and there are words");
    }
}
