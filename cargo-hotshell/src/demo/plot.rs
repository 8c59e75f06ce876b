//! `swap.png`: the waveform around the swap, both versions labelled.
//!
//! The font (DejaVu Sans, under the permissive Bitstream Vera licence) is linked in, because a fresh machine has
//! neither fonts nor a font system.
//!
//! Called by: `demo`. Calls: plotters. Threads: [main].

use std::path::Path;

use anyhow::Context;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use super::measure::Swap;
use crate::Error;

const SIZE: (u32, u32) = (1600, 1000);
const FONT: &str = "sans-serif";
/// Seconds on each side of the swap in the upper picture.
const AROUND_S: f64 = 0.6;
/// Milliseconds on each side of the fade in the lower one.
const MARGIN_MS: f64 = 6.0;

const OLD: RGBColor = RGBColor(0x1f, 0x5f, 0xa8);
const NEW: RGBColor = RGBColor(0xc8, 0x4b, 0x11);
const FADE: RGBColor = RGBColor(0x55, 0x55, 0x55);

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// What the picture shows.
#[derive(Debug)]
pub struct Picture<'a> {
    /// Hz.
    pub sample_rate: f64,
    /// What went in.
    pub input: &'a [f32],
    /// What came out.
    pub output: &'a [f32],
    /// Where.
    pub swap: Swap,
    /// Factor and label of the old version.
    pub old: (f64, &'a str),
    /// Factor and label of the new version.
    pub new: (f64, &'a str),
    /// Line at the top.
    pub title: &'a str,
}

/// Draws the picture into `file`.
///
/// # Errors
/// The file cannot be written.
pub fn draw(file: &Path, picture: &Picture<'_>) -> Result<(), Error> {
    register_font(FONT, FontStyle::Normal, dejavu::sans::regular())
        .map_err(|_| anyhow::anyhow!("the built-in font is damaged"))?;
    let shown = || format!("{}: cannot be drawn", file.display());
    let root = BitMapBackend::new(file, SIZE).into_drawing_area();
    root.fill(&WHITE).with_context(shown)?;
    let root = root.margin(14, 4, 4, 4).titled(picture.title, (FONT, 30)).with_context(shown)?;
    let (upper, lower) = root.split_vertically(SIZE.1 / 2 - 20);
    overview(&upper, picture).map_err(Error::msg).with_context(shown)?;
    fade(&lower, picture).map_err(Error::msg).with_context(shown)?;
    root.present().with_context(shown)
}

/// Highest absolute value of the picture.
fn height(picture: &Picture<'_>) -> f64 {
    let highest = |samples: &[f32]| samples.iter().fold(0.0_f32, |highest, sample| highest.max(sample.abs()));
    let factor = picture.old.0.abs().max(picture.new.0.abs());
    (f64::from(highest(picture.output)).max(f64::from(highest(picture.input)) * factor) * 1.15).max(0.01)
}

/// The output as a band from lowest to highest per column, coloured by version.
fn overview(area: &Area<'_>, picture: &Picture<'_>) -> Result<(), String> {
    let say = |error: &dyn std::fmt::Display| error.to_string();
    let (rate, high) = (picture.sample_rate, height(picture));
    let seconds = |frame: usize| (real(frame) - real(picture.swap.first)) / rate;
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(-AROUND_S..AROUND_S, -high..high)
        .map_err(|error| say(&error))?;
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(WHITE).x_desc("seconds from the swap").y_desc("output").label_style((FONT, 18));
    mesh.x_label_formatter(&number).y_label_formatter(&number);
    mesh.draw().map_err(|error| say(&error))?;
    let columns = SIZE.0 as usize;
    let per_column = ((AROUND_S * 2.0 * rate) / real(columns)).max(1.0);
    let shown = picture.output.iter().enumerate().filter(|(frame, _)| seconds(*frame).abs() < AROUND_S);
    let mut bands: Vec<(usize, f64, f64)> = Vec::new();
    for (frame, sample) in shown {
        let sample = f64::from(*sample);
        match bands.last_mut() {
            Some(band) if real(frame - band.0) < per_column => {
                *band = (band.0, band.1.min(sample), band.2.max(sample))
            }
            _ => bands.push((frame, sample, sample)),
        }
    }
    let line = |(frame, low, high): (usize, f64, f64)| {
        let colour = colour(frame, &picture.swap);
        PathElement::new(vec![(seconds(frame), low), (seconds(frame), high)], colour.stroke_width(1))
    };
    chart.draw_series(bands.into_iter().map(line)).map_err(|error| say(&error))?;
    let label = |text: &str, at: f64, colour: &RGBColor| {
        Text::new(text.to_owned(), (at, high * 0.95), (FONT, 24).into_font().color(colour))
    };
    let line = |at: f64| PathElement::new(vec![(at, -high), (at, high)], FADE.stroke_width(1));
    chart.draw_series([line(0.0)]).map_err(|error| say(&error))?;
    let labels = [label(picture.old.1, -AROUND_S * 0.97, &OLD), label(picture.new.1, AROUND_S * 0.06, &NEW)];
    chart.draw_series(labels).map_err(|error| say(&error))?;
    Ok(())
}

/// One decimal, and no negative zero.
fn number(value: &f64) -> String {
    format!("{:.1}", (value * 10.0).round() / 10.0 + 0.0)
}

const fn colour(frame: usize, swap: &Swap) -> RGBColor {
    if frame < swap.first {
        OLD
    } else if frame < swap.end {
        FADE
    } else {
        NEW
    }
}

/// The fade itself: the output on top of what each version would have played alone.
fn fade(area: &Area<'_>, picture: &Picture<'_>) -> Result<(), String> {
    let say = |error: &dyn std::fmt::Display| error.to_string();
    let (rate, high) = (picture.sample_rate, height(picture));
    let milliseconds = |frame: usize| (real(frame) - real(picture.swap.first)) * 1e3 / rate;
    let last = milliseconds(picture.swap.end) + MARGIN_MS;
    let frames: Vec<usize> = (0..picture.output.len().min(picture.input.len()))
        .filter(|frame| (-MARGIN_MS..last).contains(&milliseconds(*frame)))
        .collect();
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(-MARGIN_MS..last, -high..high)
        .map_err(|error| say(&error))?;
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(WHITE)
        .x_desc("milliseconds from the first block of the new build")
        .y_desc("samples");
    mesh.x_label_formatter(&number).y_label_formatter(&number);
    mesh.label_style((FONT, 18)).draw().map_err(|error| say(&error))?;
    let fade =
        Rectangle::new([(0.0, -high), (milliseconds(picture.swap.end), high)], FADE.mix(0.12).filled());
    chart.draw_series([fade]).map_err(|error| say(&error))?;
    let alone = |factor: f64| {
        frames.iter().map(move |frame| (milliseconds(*frame), factor * f64::from(picture.input[*frame])))
    };
    let heard = frames.iter().map(|frame| (milliseconds(*frame), f64::from(picture.output[*frame])));
    let mut draw = |points: Vec<(f64, f64)>, style: ShapeStyle, label: String| {
        let series = chart.draw_series(LineSeries::new(points, style)).map_err(|error| say(&error))?;
        series.label(label).legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 28, y)], style));
        Ok::<(), String>(())
    };
    draw(alone(picture.old.0).collect(), OLD.stroke_width(1), format!("{} alone", picture.old.1))?;
    draw(alone(picture.new.0).collect(), NEW.stroke_width(1), format!("{} alone", picture.new.1))?;
    draw(heard.collect(), BLACK.stroke_width(3), "heard".into())?;
    let mut legend = chart.configure_series_labels();
    legend.position(SeriesLabelPosition::UpperRight).margin(12).legend_area_size(36).label_font((FONT, 20));
    legend.background_style(WHITE.mix(0.85)).border_style(FADE).draw().map_err(|error| say(&error))
}

#[allow(clippy::cast_precision_loss, reason = "a place in a recording of seconds")]
const fn real(frame: usize) -> f64 {
    frame as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_drawn_without_fonts_or_a_display() {
        let input: Vec<f32> =
            (0..96_000_u32).map(|frame| f32::from(u16::try_from(frame % 3_000).unwrap()) * 0.0002).collect();
        let gain = |frame: usize| if frame < 48_000 { 1.0 } else { 0.25 };
        let output: Vec<f32> = input.iter().enumerate().map(|(frame, sample)| sample * gain(frame)).collect();
        let swap = Swap { first: 48_000, end: 48_480, largest_step: 0.0, step_allowed: 0.0, outside: 0 };
        let (old, new) = ((1.0, "build 1: output = 1.00 x input"), (0.25, "build 2: output = 0.25 x input"));
        let title = "Source edited while it plays";
        let picture =
            Picture { sample_rate: 48_000.0, input: &input, output: &output, swap, old, new, title };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("swap.png");
        draw(&file, &picture).unwrap();
        let bytes = std::fs::read(&file).unwrap();
        assert!(bytes.starts_with(b"\x89PNG") && bytes.len() > 10_000, "{}", bytes.len());
        if let Some(copy) = std::env::var_os("HOTSHELL_KEEP_PICTURE") {
            std::fs::copy(&file, copy).unwrap();
        }
    }
}
