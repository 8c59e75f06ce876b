//! Values as text and back. Text is stable on the second trip: `text(parse(text(v))) == text(v)`, and the value parsed
//! from it is the same to the last bit.
//!
//! Called by: the thunks `param_text` and `param_parse`, authors. Calls: nothing. Threads: [main], any in fact: nothing
//! allocates.

use std::fmt::{self, Write};

use crate::params::{FloatRange, Variant};

/// How a plain value is shown. In the derive: the name in lower case (`unit = percent`), or a literal for
/// [`Unit::Named`] (`unit = "V"`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Unit {
    /// A bare number.
    #[default]
    None,
    /// `0.0..=1.0` shown as `0.0 %` to `100.0 %`; whole numbers as they are.
    Percent,
    /// Decibels; -120 and below are `-inf dB`.
    Db,
    /// Hertz, kilohertz from 1000.
    Hz,
    /// Milliseconds, seconds from 1000.
    Ms,
    /// Seconds, milliseconds below 0.1.
    Seconds,
    /// Semitones.
    Semitones,
    /// Cents.
    Cents,
    /// Degrees.
    Degrees,
    /// Quarter notes.
    Beats,
    /// Beats per minute.
    Bpm,
    /// Frames of audio.
    Samples,
    /// `-1.0..=1.0` shown as `100 L`, `C`, `100 R`; whole numbers from -100 to 100.
    Pan,
    /// A bare number and this word.
    Named(&'static str),
}

impl Unit {
    /// The word that a host may show beside the number, or empty.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::None | Self::Pan => "",
            Self::Percent => "%",
            Self::Db => "dB",
            Self::Hz => "Hz",
            Self::Ms => "ms",
            Self::Seconds => "s",
            Self::Semitones => "st",
            Self::Cents => "ct",
            Self::Degrees => "°",
            Self::Beats => "beats",
            Self::Bpm => "BPM",
            Self::Samples => "samples",
            Self::Named(word) => word,
        }
    }

    /// The number shown for 1.0; what a whole number is shown as stays that number.
    const fn shown(self) -> f64 {
        match self {
            Self::Percent | Self::Pan => 100.0,
            _ => 1.0,
        }
    }
}

/// An author's own texts: `text = GainText` in the derive.
pub trait ParamText {
    /// Writes the text of `value` (plain). What it writes must parse back to (nearly) the same value.
    ///
    /// # Errors
    /// Only those of `out`.
    fn format(value: f64, out: &mut dyn Write) -> fmt::Result;
    /// The plain value that `text` means, or `None`. It is clamped to the range afterwards.
    fn parse(text: &str) -> Option<f64>;
}

/// The two functions of a [`ParamText`].
#[derive(Clone, Copy, Debug)]
pub struct TextFns {
    /// [`ParamText::format`].
    pub format: fn(f64, &mut dyn Write) -> fmt::Result,
    /// [`ParamText::parse`].
    pub parse: fn(&str) -> Option<f64>,
}

impl TextFns {
    /// The functions of `T`.
    #[must_use]
    pub const fn of<T: ParamText>() -> Self {
        Self { format: T::format, parse: T::parse }
    }
}

/// How one parameter's values read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Text {
    Float { unit: Unit, range: FloatRange },
    Int { unit: Unit, min: f64, max: f64 },
    Bool,
    Enum(&'static [Variant]),
    Own { fns: TextFns, min: f64, max: f64, whole: bool },
}

impl Text {
    /// Writes the text of plain `value`, which may come from anywhere.
    pub(crate) fn write(&self, value: f64, out: &mut dyn Write) -> fmt::Result {
        let value = if value.is_finite() { value } else { 0.0 };
        match self {
            Self::Float { unit, range } => write_float(range.clamp(value), *unit, range, out),
            Self::Int { unit, min, max } => {
                let whole = positive_zero(value.round().clamp(*min, *max));
                if *unit == Unit::Pan {
                    return write_pan(whole / unit.shown(), out);
                }
                write!(out, "{whole:.0}")?;
                write_word(*unit, out)
            }
            Self::Bool => out.write_str(if value >= 0.5 { "On" } else { "Off" }),
            Self::Enum(variants) => {
                let index = index_of(value, variants.len());
                out.write_str(variants.get(index).map_or("", |variant| variant.name))
            }
            Self::Own { fns, min, max, whole } => {
                let value = value.clamp(*min, *max);
                (fns.format)(if *whole { value.round() } else { value }, out)
            }
        }
    }

    /// The plain value of `text`, inside the range, or `None`.
    pub(crate) fn parse(&self, text: &str) -> Option<f64> {
        let text = text.trim();
        let value = match self {
            Self::Float { unit, range } => range.clamp(parse_unit(text, *unit)?),
            Self::Int { unit, min, max } => {
                (parse_unit(text, *unit)? * unit.shown()).round().clamp(*min, *max)
            }
            Self::Bool => parse_bool(text)?,
            Self::Enum(variants) => parse_variant(text, variants)?,
            Self::Own { fns, min, max, whole } => {
                let value = (fns.parse)(text).filter(|value| !value.is_nan())?.clamp(*min, *max);
                if *whole { value.round() } else { value }
            }
        };
        Some(positive_zero(value))
    }
}

/// Index of an enum's variant from its plain value.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..count just before"
)]
pub(crate) fn index_of(value: f64, count: usize) -> usize {
    let last = f64::from(u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX));
    if value.is_nan() { 0 } else { value.round().clamp(0.0, last) as usize }
}

fn positive_zero(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value }
}

/// `value` with `decimals` digits, rounded so that the text parses back to the very number shown; never `-0`.
fn write_number(value: f64, decimals: usize, out: &mut dyn Write) -> fmt::Result {
    write!(out, "{:.*}", decimals, rounded(value, decimals))
}

fn rounded(value: f64, decimals: usize) -> f64 {
    let scale = 10_f64.powi(i32::try_from(decimals).unwrap_or(0));
    let rounded = (value * scale).round() / scale;
    positive_zero(if rounded.is_finite() { rounded } else { value })
}

/// Digits that tell a hundredth of the range apart, `least` at least.
fn decimals_for(span: f64, least: usize) -> usize {
    let mut decimals = least;
    let mut step = span;
    while step < 1.0 && decimals < 9 {
        step *= 10.0;
        decimals += 1;
    }
    decimals
}

fn write_float(value: f64, unit: Unit, range: &FloatRange, out: &mut dyn Write) -> fmt::Result {
    let span = range.max() - range.min();
    match unit {
        Unit::Percent => write_number(value * 100.0, decimals_for(span * 100.0, 1), out)?,
        Unit::Db if rounded(value, decimals_for(span, 1)) <= -120.0 => out.write_str("-inf")?,
        Unit::Db => write_number(value, decimals_for(span, 1), out)?,
        Unit::Hz if rounded(value, 1) >= 1000.0 => {
            write_number(value / 1000.0, 2, out)?;
            return out.write_str(" kHz");
        }
        Unit::Hz => {
            write_number(value, if rounded(value, 2) >= 10.0 { 1 } else { decimals_for(span, 2) }, out)?
        }
        Unit::Ms if rounded(value, 1) >= 1000.0 => {
            write_number(value / 1000.0, 2, out)?;
            return out.write_str(" s");
        }
        Unit::Ms => {
            write_number(value, if rounded(value, 2) >= 10.0 { 1 } else { decimals_for(span, 2) }, out)?
        }
        // On the number as it would be shown: 99.998 ms with two digits is 100.00 ms, which reads back as 0.1 s.
        Unit::Seconds if rounded(value * 1000.0, decimals_for(span * 1000.0, 2)).abs() < 100.0 => {
            write_number(value * 1000.0, decimals_for(span * 1000.0, 2), out)?;
            return out.write_str(" ms");
        }
        Unit::Pan => return write_pan(value, out),
        _ => write_number(value, decimals_for(span, 2), out)?,
    }
    write_word(unit, out)
}

fn write_word(unit: Unit, out: &mut dyn Write) -> fmt::Result {
    let word = unit.word();
    if word.is_empty() { Ok(()) } else { write!(out, " {word}") }
}

fn write_pan(value: f64, out: &mut dyn Write) -> fmt::Result {
    let percent = rounded(value * 100.0, 0);
    if percent == 0.0 {
        return out.write_str("C");
    }
    write!(out, "{:.0} {}", percent.abs(), if percent < 0.0 { 'L' } else { 'R' })
}

/// The number at the start of `text` and the word behind it, if it reads as a number.
fn split_number(text: &str) -> Option<(f64, &str)> {
    for infinite in ["-inf", "-oo", "-∞"] {
        if let Some(rest) = text.strip_prefix(infinite) {
            return Some((f64::NEG_INFINITY, rest.trim()));
        }
    }
    let end = text
        .char_indices()
        .find(|&(at, c)| {
            !(c.is_ascii_digit() || matches!(c, '.' | ',') || (at == 0 && matches!(c, '+' | '-')))
        })
        .map_or(text.len(), |(at, _)| at);
    let (number, word) = text.split_at(end);
    let number = match number.parse::<f64>() {
        Ok(number) => number,
        // A decimal comma, as many keyboards have it.
        Err(_) => parse_comma(number)?,
    };
    Some((number, word.trim()))
}

fn parse_comma(number: &str) -> Option<f64> {
    let mut buffer = [0_u8; 32];
    let target = buffer.get_mut(..number.len())?;
    for (to, from) in target.iter_mut().zip(number.bytes()) {
        *to = if from == b',' { b'.' } else { from };
    }
    std::str::from_utf8(target).ok()?.parse().ok()
}

fn parse_unit(text: &str, unit: Unit) -> Option<f64> {
    if unit == Unit::Pan {
        return parse_pan(text);
    }
    let (number, word) = split_number(text)?;
    let is = |known: &str| word.eq_ignore_ascii_case(known);
    let own = word.is_empty() || is(unit.word().trim());
    match unit {
        Unit::Percent if own => Some(number / 100.0),
        Unit::Hz if is("kHz") || is("k") => Some(number * 1000.0),
        Unit::Ms if is("s") => Some(number * 1000.0),
        Unit::Seconds if is("ms") => Some(number / 1000.0),
        Unit::Degrees if is("deg") => Some(number),
        _ if own => Some(number),
        _ => None,
    }
}

fn parse_pan(text: &str) -> Option<f64> {
    if text.eq_ignore_ascii_case("c") {
        return Some(0.0);
    }
    let (number, word) = split_number(text)?;
    match word {
        "L" | "l" => Some(-number / 100.0),
        "R" | "r" | "" => Some(number / 100.0),
        _ => None,
    }
}

fn parse_bool(text: &str) -> Option<f64> {
    let is = |known: &[&str]| known.iter().any(|known| text.eq_ignore_ascii_case(known));
    if is(&["on", "true", "yes", "1"]) {
        Some(1.0)
    } else if is(&["off", "false", "no", "0"]) {
        Some(0.0)
    } else {
        None
    }
}

/// The variant's own name first: another one may differ from it in case alone.
fn parse_variant(text: &str, variants: &[Variant]) -> Option<f64> {
    let find = |means: &dyn Fn(&Variant) -> bool| variants.iter().position(means);
    let index = find(&|variant| variant.name.trim() == text)
        .or_else(|| find(&|variant| variant.name.trim().eq_ignore_ascii_case(text)))
        .or_else(|| find(&|variant| variant.id.eq_ignore_ascii_case(text)))?;
    u32::try_from(index).ok().map(f64::from)
}

#[cfg(test)]
mod tests;
