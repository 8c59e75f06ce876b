//! A low-pass of 12 dB per octave (state variable, trapezoidal), stable at every cutoff below Nyquist.
//!
//! Called by: `voice`. Calls: nothing. Threads: [audio].

#[derive(Clone, Copy, Default)]
pub struct Filter {
    band: f32,
    low: f32,
}

/// Coefficients for one cutoff.
#[derive(Clone, Copy)]
pub struct Coefficients {
    a: [f32; 3],
}

impl Coefficients {
    /// `cutoff` and `sample_rate` in Hz; `resonance` 0 to 1. The cutoff is kept below 0.45 of the rate.
    pub fn new(cutoff: f32, resonance: f32, sample_rate: f32) -> Self {
        let cutoff = cutoff.min(sample_rate * 0.45).max(1.0);
        let g = (std::f32::consts::PI * cutoff / sample_rate).tan();
        let damping = 2.0 - 1.9 * resonance.clamp(0.0, 1.0);
        let first = 1.0 / (1.0 + g * (g + damping));
        Self { a: [first, g * first, g * g * first] }
    }
}

impl Filter {
    /// One frame on.
    pub fn next(&mut self, input: f32, c: &Coefficients) -> f32 {
        let high = input - self.low;
        let band = c.a[0] * self.band + c.a[1] * high;
        let low = self.low + c.a[1] * self.band + c.a[2] * high;
        (self.band, self.low) = (2.0 * band - self.band, 2.0 * low - self.low);
        low
    }
}
