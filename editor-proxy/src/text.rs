//! Words on a plain ground, for what the window has to say.
//!
//! Called by: `panel`. Calls: embedded-graphics. Threads: [editor].

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::iso_8859_1::{FONT_6X13, FONT_9X15};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::text::{Baseline, Text};
use embedded_graphics::{Drawable, pixelcolor::IntoStorage};

/// Around the words, in font pixels.
const MARGIN: u32 = 6;
/// Of a strip above an editor; the rest of a longer message is in the host's log.
const MOST_LINES: usize = 4;
/// Narrower windows, in font pixels, get the smaller letters.
const NARROW: u32 = 360;
/// What stands for words that are left out.
const MORE: &str = "...";
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

/// Letters for a window of `width` font pixels.
const fn font(width: u32) -> &'static MonoFont<'static> {
    if width < NARROW { &FONT_6X13 } else { &FONT_9X15 }
}

/// Characters to a line of a window of `width` font pixels.
fn columns(width: u32) -> usize {
    (width.saturating_sub(2 * MARGIN) / font(width).character_size.width).max(1) as usize
}

/// Height of a strip with `words` across a window of `width` x `height`, physical pixels all: a few lines at most, and at
/// most half of the window if that holds a line.
pub(crate) fn strip_height((width, height): (u32, u32), scale: f64, words: &str) -> u32 {
    let zoom = zoom(scale);
    let width = width / zoom;
    let step = font(width).character_size.height;
    let room = ((height / zoom / 2).saturating_sub(2 * MARGIN) / step) as usize;
    let lines = wrapped(words, columns(width)).len().min(MOST_LINES).min(room).max(1);
    (u32::try_from(lines).unwrap_or(1) * step + 2 * MARGIN) * zoom
}

/// Fills `pixels`, `width` to a row, with the ground and `words` on it.
pub(crate) fn paint(pixels: &mut [u32], width: u32, scale: f64, words: &str) {
    pixels.fill(GROUND.into_storage());
    let mut canvas = Canvas { pixels, width: width as usize, zoom: zoom(scale) as usize };
    let Size { width, height } = canvas.size();
    let font = font(width);
    let step = font.character_size.height;
    let most = (height.saturating_sub(2 * MARGIN) / step).max(1) as usize;
    let lines = cut(wrapped(words, columns(width)), columns(width), most);
    let style = MonoTextStyle::new(font, WORDS);
    let mut at = Point::zero() + Size::new(MARGIN, MARGIN);
    for line in &lines {
        // It cannot fail: pixels outside are not drawn.
        let _ = Text::with_baseline(line, at, style, Baseline::Top).draw(&mut canvas);
        at += Size::new(0, step);
    }
}

/// At most `most` lines; the last one says if there would be more.
fn cut(mut lines: Vec<String>, columns: usize, most: usize) -> Vec<String> {
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            let kept = last.chars().take(columns.saturating_sub(MORE.len())).collect::<String>();
            *last = format!("{}{MORE}", kept.trim_end());
        }
    }
    lines
}

/// The letter that the fonts have for a character; they have those of ISO 8859-1, and a question mark for the rest.
fn letter(character: char) -> char {
    match character {
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{2010}'..='\u{2015}' => '-',
        _ if character.is_control() => ' ',
        _ => character,
    }
}

/// `words` in lines of at most `columns` characters, broken at spaces where there are any.
pub(crate) fn wrapped(words: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in words.lines() {
        let mut line = String::new();
        for word in paragraph.split([' ', '\t']) {
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
                line.push(letter(character));
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
    fn a_message_of_any_length_and_script_fits_a_narrow_window_and_says_that_it_is_cut() {
        let place = "src/editor.rs:12: cannot find value `gian` in this scope";
        for (words, whole) in [
            (place.to_owned(), true),
            (place.repeat(40), false),
            ("\u{97f3}\u{e9}\u{1f50a}\t\u{7}".repeat(300), false),
        ] {
            for scale in [1.0, 2.0, 3.0] {
                let (width, zoom) = (200 * zoom(scale), zoom(scale));
                let height = strip_height((width, 200 * zoom), scale, &words);
                assert!(height <= 64 * zoom, "{height} at {scale}");
                let shown = cut(wrapped(&words, columns(200)), columns(200), MOST_LINES);
                assert!(shown.len() <= MOST_LINES && shown.iter().all(|line| line.chars().count() <= 31));
                assert_eq!(!shown.concat().ends_with(MORE), whole, "{shown:?}");
                let mut pixels = vec![0; (width * height) as usize];
                paint(&mut pixels, width, scale, &words);
                assert!(pixels.contains(&WORDS.into_storage()));
            }
        }
        assert!(
            wrapped(place, columns(200)).concat().starts_with("src/editor.rs:12:"),
            "the place comes first"
        );
    }

    #[test]
    fn a_strip_leaves_the_editor_at_least_half_of_a_window_that_holds_a_line() {
        for height in [60, 100, 160, 400] {
            let strip = strip_height((200, height), 1.0, &"words ".repeat(100));
            assert!(strip <= height / 2, "{strip} of {height}");
        }
        assert!(strip_height((1, 1), 1.0, "words") > 0);
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
