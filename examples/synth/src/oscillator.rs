//! One oscillator; edges are smoothed over a sample on each side (PolyBLEP), which keeps aliasing low.
//!
//! Called by: `voice`. Calls: nothing. Threads: [audio].

use hotshell::prelude::*;

#[derive(Clone, Copy, PartialEq, Debug, ParamEnum)]
pub enum Wave {
    Sine,
    Triangle,
    Saw,
    Square,
}

/// Phase in cycles, 0 to 1.
#[derive(Clone, Copy, Default)]
pub struct Oscillator {
    phase: f32,
}

impl Oscillator {
    /// One frame on by `step` cycles (below one half).
    pub fn next(&mut self, wave: Wave, step: f32) -> f32 {
        let phase = self.phase;
        self.phase = (phase + step).fract();
        match wave {
            Wave::Sine => (phase * std::f32::consts::TAU).sin(),
            Wave::Triangle => 1.0 - 4.0 * (phase - 0.5).abs(),
            Wave::Saw => 2.0 * phase - 1.0 - edge(phase, step),
            Wave::Square => {
                let level = if phase < 0.5 { 1.0 } else { -1.0 };
                level + edge(phase, step) - edge((phase + 0.5).fract(), step)
            }
        }
    }
}

/// What an upward step of 2 at phase 0 must be corrected by.
fn edge(phase: f32, step: f32) -> f32 {
    if phase < step {
        let t = phase / step;
        2.0 * t - t * t - 1.0
    } else if phase > 1.0 - step {
        let t = (phase - 1.0) / step;
        t * t + 2.0 * t + 1.0
    } else {
        0.0
    }
}
