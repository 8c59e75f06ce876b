//! Levels of an output, written block by block, read at leisure.
//!
//! Called by: `deck` (writes), `session` (reads). Calls: nothing. Threads: [`Meter::block`] [audio], the rest [any].

use std::sync::atomic::{AtomicU32, Ordering};

/// Most channels that are shown.
const CHANNELS: usize = 8;

/// Lowest level shown, dB of full scale.
const FLOOR_DB: f32 = -60.0;

/// Peaks per channel since they were last read.
#[derive(Debug, Default)]
pub struct Meter {
    /// Bits of non-negative floats, which are in the floats' own order.
    peaks: [AtomicU32; CHANNELS],
}

impl Meter {
    /// Takes a block in.
    pub fn block(&self, channels: &[Vec<f32>], frames: usize) {
        for (peak, channel) in self.peaks.iter().zip(channels) {
            let highest = channel[..frames].iter().fold(0.0_f32, |highest, sample| highest.max(sample.abs()));
            peak.fetch_max(highest.to_bits(), Ordering::Relaxed);
        }
    }

    /// The peak of each of `channels` since the last call, and starts again.
    pub fn take(&self, channels: usize) -> Vec<f32> {
        self.peaks.iter().take(channels).map(|peak| f32::from_bits(peak.swap(0, Ordering::Relaxed))).collect()
    }
}

/// A level in dB of full scale, -60 at the lowest.
#[must_use]
pub fn decibels(level: f32) -> f32 {
    (20.0 * level.log10()).max(FLOOR_DB)
}

/// A bar of twenty places and the number, e.g. `[############        ] -18.2 dB`.
#[must_use]
pub fn bar(level: f32) -> String {
    let shown = decibels(level);
    let filled = (0_u8..20).filter(|place| shown > FLOOR_DB + 3.0 * f32::from(*place)).count();
    format!("[{:<20}] {shown:5.1} dB", "#".repeat(filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_kept_until_it_is_read_once() {
        let meter = Meter::default();
        meter.block(&[vec![0.1, -0.5, 0.2]], 3);
        meter.block(&[vec![0.3, 0.9, 0.0]], 1);
        assert_eq!(meter.take(1), [0.5]);
        assert_eq!(meter.take(1), [0.0]);
    }

    #[test]
    fn a_bar_is_empty_at_the_floor_and_full_at_full_scale() {
        assert!(bar(0.0).starts_with("[                    ]"));
        assert!(bar(1.0).starts_with("[####################]"));
    }
}
