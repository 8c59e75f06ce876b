//! Meters: numbers that [audio] shows to editors and hosts. Owned by the shell, so they stay up across a swap.
//!
//! Called by: authors. Calls: its cells. Threads: [any]; written by [audio]. What an instance writes that nobody hears
//! (it is tried in silence, or fades out under the next one) goes nowhere.
#![deny(clippy::disallowed_types)]

use hotshell_abi::Sample;
use hotshell_abi::store::MeterRef;

/// A meter of `N` channels. What is written to a channel past the last is dropped.
#[derive(Debug)]
pub struct Meter<const N: usize> {
    pub(crate) cells: MeterRef,
}

impl<const N: usize> Meter<N> {
    /// Fall of a peak meter in dB per second.
    pub const FALL: f64 = 20.0;
    /// Most that a peak meter shows, linear: +60 dB. One wild sample is off the scale for seconds, not for minutes.
    pub const MOST: f32 = 1000.0;

    /// Shows `value` on `channel`. [audio]
    #[inline]
    pub fn set(&self, channel: usize, value: f32) {
        if let Some(cell) = self.cells.heard().get(channel) {
            cell.set(value);
        }
    }

    /// What `channel` shows; 0 past the last. [any]
    #[must_use]
    #[inline]
    pub fn get(&self, channel: usize) -> f32 {
        self.cells.get(channel).map_or(0.0, hotshell_abi::MeterCell::get)
    }

    /// Shows the peak of `samples` on `channel`, linear: it rises at once, to [`Meter::MOST`] at most, and falls by
    /// [`Meter::FALL`]. Samples that are not finite do not count. `sample_rate` in Hz. [audio]
    pub fn peak<S: Sample>(&self, channel: usize, samples: &[S], sample_rate: f64) {
        let Some(cell) = self.cells.heard().get(channel) else { return };
        let finite = samples.iter().filter(|sample| sample.finite());
        let peak = finite.fold(0.0_f32, |peak, sample| peak.max(sample.magnitude().to_f32()));
        #[expect(clippy::cast_precision_loss, reason = "a block's length is far below 2^52")]
        let seconds = samples.len() as f64 / sample_rate.max(1.0);
        // A cell may hold anything: `clamp` takes an infinity in, the `max` below drops NaN.
        let fallen = cell.get().clamp(0.0, Self::MOST) * 10_f32.powf((-Self::FALL * seconds / 20.0).to_f32());
        // Below -120 dB it is off, so that the meter never crawls through subnormals.
        let shown = peak.min(Self::MOST).max(fallen);
        cell.set(if shown > 1e-6 { shown } else { 0.0 });
    }

    /// Back to 0. [audio]
    pub fn clear(&self) {
        self.cells.heard().iter().for_each(|cell| cell.set(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_rises_at_once_and_falls_by_its_rate() {
        let meter = Meter::<2> { cells: MeterRef::own(2) };
        meter.peak(0, &[0.1_f32, -0.5, 0.2], 48_000.0);
        assert!((meter.get(0) - 0.5).abs() < 1e-6);
        let silence = [0.0_f32; 480];
        for _ in 0..100 {
            meter.peak(0, &silence, 48_000.0);
        }
        assert!((meter.get(0) - 0.05).abs() < 1e-4, "20 dB down after a second: {}", meter.get(0));
        meter.set(2, 1.0);
        assert_eq!(meter.get(2), 0.0);
    }
    #[test]
    fn one_sample_that_is_not_finite_does_not_stick() {
        for wild in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let meter = Meter::<1> { cells: MeterRef::own(1) };
            meter.peak(0, &[0.25, wild, 0.5, wild], 48_000.0);
            assert_eq!(meter.get(0), 0.5, "{wild}");
        }
        for wild in [f64::MAX, 1e9] {
            let meter = Meter::<1> { cells: MeterRef::own(1) };
            meter.peak(0, &[wild], 48_000.0);
            assert_eq!(meter.get(0), Meter::<1>::MOST, "{wild}");
        }
        for stuck in [f32::NAN, f32::INFINITY] {
            let meter = Meter::<1> { cells: MeterRef::own(1) };
            meter.set(0, stuck);
            meter.peak(0, &[0.0_f64; 4 * 48_000], 48_000.0);
            assert!(meter.get(0) < 0.11, "{stuck}: 80 dB below the most after 4 s: {}", meter.get(0));
        }
    }
}
