//! Where the swap lies in a recording, and how smooth it is.
//!
//! An effect's fade is an equal-gain raised cosine (DESIGN 7.6): each sample lies between the old and the new one. The
//! largest step that such a fade can make is that of the louder version, plus what the weight moves in a sample.
//!
//! Called by: `demo`. Calls: nothing. Threads: [any].

use std::f64::consts::PI;

/// Length of the fade, ms.
pub const FADE_MS: f64 = 10.0;

/// Smallest difference that counts, as a share of full scale: far above the rounding of a product of floats, far below
/// what can be heard.
const ROUNDING: f64 = 1e-5;

/// One swap.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Swap {
    /// First frame that is not the old version's.
    pub first: usize,
    /// First frame from which on all is the new version's.
    pub end: usize,
    /// Largest step from sample to sample from just before to just after.
    pub largest_step: f64,
    /// The largest that a fade may make there.
    pub step_allowed: f64,
    /// Samples outside of what lies between the two versions.
    pub outside: usize,
}

/// Finds the swap from `old` times the input to `new` times the input. `None` if the output never leaves the old
/// version or never settles on the new one.
#[must_use]
pub fn find(input: &[f32], output: &[f32], old: f64, new: f64, sample_rate: f64) -> Option<Swap> {
    let is = |frame: usize, factor: f64| {
        (f64::from(output[frame]) - factor * f64::from(input[frame])).abs() <= ROUNDING
    };
    let frames = input.len().min(output.len());
    let first = (0..frames).find(|frame| !is(*frame, old))?;
    let end = (first..frames).rev().find(|frame| !is(*frame, new)).map_or(first, |last| last + 1);
    (end < frames).then_some(())?;
    let around = first.saturating_sub(1)..(end + 1).min(frames);
    let step = |samples: &[f32]| largest_step(&samples[around.clone()]);
    let loudest =
        input[around.clone()].iter().fold(0.0_f64, |loudest, sample| loudest.max(f64::from(sample.abs())));
    let fade_frames = FADE_MS * sample_rate / 1e3;
    let weight_step = PI / 2.0 / fade_frames;
    let allowed = old.abs().max(new.abs()) * step(input) + (new - old).abs() * loudest * weight_step;
    let outside = around.clone().filter(|frame| {
        let (a, b) = (old * f64::from(input[*frame]), new * f64::from(input[*frame]));
        let (low, high) = (a.min(b) - ROUNDING, a.max(b) + ROUNDING);
        !(low..=high).contains(&f64::from(output[*frame]))
    });
    Some(Swap {
        first,
        end,
        largest_step: step(output),
        step_allowed: allowed + ROUNDING,
        outside: outside.count(),
    })
}

fn largest_step(samples: &[f32]) -> f64 {
    samples.windows(2).map(|pair| f64::from((pair[1] - pair[0]).abs())).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 48_000.0;

    fn input() -> Vec<f32> {
        (0..4_800_u16).map(|frame| (f32::from(frame) * 0.02).sin() * 0.7).collect()
    }

    /// The output of a swap from 1.0 to 0.25 at frame 2000 whose weight is `weight(frames since then)`.
    fn output(weight: impl Fn(f64) -> f64) -> Vec<f32> {
        let gain = |frame: usize| {
            let since = f64::from(u32::try_from(frame).unwrap()) - 2_000.0;
            if since < 0.0 { 1.0 } else { 1.0 - 0.75 * weight(since) }
        };
        #[allow(clippy::cast_possible_truncation, reason = "a test's samples")]
        let play = |(frame, sample): (usize, &f32)| (f64::from(*sample) * gain(frame)) as f32;
        input().iter().enumerate().map(play).collect()
    }

    #[test]
    fn a_raised_cosine_is_within_its_bounds() {
        let fade =
            output(|since| if since >= 480.0 { 1.0 } else { (1.0 - (PI * since / 480.0).cos()) / 2.0 });
        let swap = find(&input(), &fade, 1.0, 0.25, RATE).unwrap();
        assert!((2_000..2_010).contains(&swap.first) && (2_470..=2_481).contains(&swap.end), "{swap:?}");
        assert!(swap.largest_step <= swap.step_allowed && swap.outside == 0, "{swap:?}");
    }

    #[test]
    fn a_hard_cut_is_outside_of_them() {
        let swap = find(&input(), &output(|_| 1.0), 1.0, 0.25, RATE).unwrap();
        assert!(swap.largest_step > swap.step_allowed, "{swap:?}");
    }

    #[test]
    fn a_hole_is_seen_even_where_its_steps_are_small() {
        let hole = output(|since| if since < 480.0 { 1.3 } else { 1.0 });
        assert!(find(&input(), &hole, 1.0, 0.25, RATE).unwrap().outside > 400);
    }

    #[test]
    fn no_swap_is_no_swap() {
        assert_eq!(find(&input(), &input(), 1.0, 0.25, RATE), None);
        assert_eq!(find(&input(), &output(|since| since / 10_000.0), 1.0, 0.25, RATE), None);
    }
}
