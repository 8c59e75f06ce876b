//! The musical loop of `demo`, as a formula: two bars at 120 beats per minute, A minor and F major, a pad below a
//! plucked figure. Every frequency is a multiple of a quarter of a hertz, so that four seconds close without a seam.
//! There is sound at any time and nothing sharp in it: a step in the output is the plug-in's.
//!
//! Called by: `examples/make_loop.rs` (writes `loop.wav`), `tests/assets.rs` (compares). Calls: nothing.
//! Threads: [any].

use std::f64::consts::TAU;

/// Hz.
pub const RATE: u32 = 48_000;
/// Four seconds.
pub const FRAMES: u32 = 4 * RATE;

/// Each bar's chord, lowest first, Hz.
const CHORDS: [[f64; 4]; 2] = [[110.0, 164.75, 220.0, 261.75], [87.25, 130.75, 174.5, 220.0]];
/// The figure in eighths, Hz.
const FIGURE: [f64; 16] = [
    440.0, 659.25, 523.25, 659.25, 880.0, 659.25, 523.25, 587.25, 440.0, 523.25, 698.5, 523.25, 880.0, 698.5,
    587.25, 493.75,
];
const EIGHTH: u32 = RATE / 4;
/// Of full scale.
const PEAK: f64 = 0.7;

/// The loop, mono, 16 bit.
pub fn samples() -> Vec<i16> {
    let mut sum: Vec<f64> = (0..FRAMES).map(pad).collect();
    for (place, frequency) in (0_u32..).zip(FIGURE) {
        pluck(&mut sum, place * EIGHTH, frequency);
    }
    let highest = sum.iter().fold(0.0_f64, |highest, sample| highest.max(sample.abs()));
    sum.iter().map(|sample| to_i16(sample * PEAK * f64::from(i16::MAX) / highest)).collect()
}

/// Both chords, each for its own bar, a quarter of a second shared at each end.
fn pad(frame: u32) -> f64 {
    let time = f64::from(frame) / f64::from(RATE);
    let voice = |frequency: f64| {
        let tone = |harmonic: f64| (TAU * frequency * harmonic * time).sin() / (harmonic * harmonic);
        tone(1.0) + tone(2.0) + tone(3.0)
    };
    // 1 in the middle of the first bar, 0 in the middle of the second.
    let first = (((TAU * (time - 1.0) / 4.0).cos() * 8.0).clamp(-1.0, 1.0) + 1.0) / 2.0;
    let chord = |chord: [f64; 4]| chord.into_iter().map(voice).sum::<f64>();
    0.12 * (first * chord(CHORDS[0]) + (1.0 - first) * chord(CHORDS[1]))
}

/// One note, its end carried over to the start of the loop.
fn pluck(sum: &mut [f64], start: u32, frequency: f64) {
    for frame in 0..2 * RATE {
        let time = f64::from(frame) / f64::from(RATE);
        let attack = (time / 0.004).min(1.0);
        let level = 0.3 * attack * (-time / 0.25).exp();
        let tone =
            (TAU * frequency * time).sin() + 0.3 * (-time / 0.1).exp() * (TAU * 2.0 * frequency * time).sin();
        sum[((start + frame) % FRAMES) as usize] += level * tone;
    }
}

#[allow(clippy::cast_possible_truncation, reason = "within the range by `PEAK`; rounding is meant")]
fn to_i16(sample: f64) -> i16 {
    sample.round() as i16
}
