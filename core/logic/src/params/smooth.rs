//! Smoothing: a value that follows its parameter without steps.
//!
//! Called by: the author's `process` through `param.smoothed`; `export/thunk` at reset and clear. Calls: nothing.
//! Threads: [audio] for `next*`; [main] [reload] for the rate, while no audio thread owns the instance.
#![deny(clippy::disallowed_types)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use hotshell_abi::Sample;
use hotshell_abi::store::ParamRef;

use crate::params::range::Bounds;

/// How a smoothed value moves to a new target. Times in milliseconds, >= 0.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum Smoothing {
    /// It jumps.
    #[default]
    None,
    /// A straight line that arrives after the time.
    Linear(f32),
    /// A line of equal ratios that arrives after the time; for values > 0 (frequencies). Elsewhere, and for `periodic`
    /// parameters, as `Linear`.
    Log(f32),
    /// One pole: within 0.1 % of the step after the time.
    Exponential(f32),
}

impl Smoothing {
    /// [`Smoothing::None`].
    #[must_use]
    pub const fn none() -> Self {
        Self::None
    }
    /// [`Smoothing::Linear`] over `milliseconds`.
    #[must_use]
    pub const fn linear(milliseconds: f32) -> Self {
        Self::Linear(milliseconds)
    }
    /// [`Smoothing::Log`] over `milliseconds`.
    #[must_use]
    pub const fn log(milliseconds: f32) -> Self {
        Self::Log(milliseconds)
    }
    /// [`Smoothing::Exponential`] over `milliseconds`.
    #[must_use]
    pub const fn exponential(milliseconds: f32) -> Self {
        Self::Exponential(milliseconds)
    }

    const fn milliseconds(self) -> f32 {
        match self {
            Self::None => 0.0,
            Self::Linear(ms) | Self::Log(ms) | Self::Exponential(ms) => ms,
        }
    }
}

/// A parameter's value, smoothed. One per parameter and instance; advanced by [audio], one step a frame.
///
/// It starts at the parameter's value after `create`, `reset` and `clear`: a first block never ramps. A `periodic`
/// parameter's goes the shorter way round, across the end of the range where that is nearer, and never leaves the range.
#[derive(Debug, Clone)]
pub struct Smoother(Arc<State>);

/// All cells are written by one thread at a time (the owner of the instance); atomics make the shared half `Sync`.
#[derive(Debug)]
struct State {
    cell: ParamRef,
    bounds: Bounds,
    style: Smoothing,
    sample_rate: AtomicU64,
    current: AtomicU64,
    target: AtomicU64,
    /// Frames left of a ramp; `SNAP`: take the value as it is at the next step.
    left: AtomicU32,
    /// Added (linear), multiplied (log) or pole (exponential).
    step: AtomicU64,
    /// 1: the ramp under way is a straight line, whatever the style.
    straight: AtomicU32,
}

const SNAP: u32 = u32::MAX;

fn load(cell: &AtomicU64) -> f64 {
    f64::from_bits(cell.load(Relaxed))
}

fn store(cell: &AtomicU64, value: f64) {
    cell.store(value.to_bits(), Relaxed);
}

impl Smoother {
    pub(crate) fn new(cell: ParamRef, bounds: Bounds, style: Smoothing) -> Self {
        let zero = || AtomicU64::new(0);
        Self(Arc::new(State {
            cell,
            bounds,
            style,
            sample_rate: AtomicU64::new(48_000_f64.to_bits()),
            current: zero(),
            target: zero(),
            left: AtomicU32::new(SNAP),
            step: zero(),
            straight: AtomicU32::new(0),
        }))
    }

    /// Sets the rate in Hz and jumps to the value.
    pub(crate) fn reset(&self, sample_rate: f64) {
        store(&self.0.sample_rate, sample_rate);
        self.snap();
    }

    /// Jumps to the parameter's value at the next step. [audio]
    pub fn snap(&self) {
        self.0.left.store(SNAP, Relaxed);
    }

    /// True while it still moves. [audio]
    #[must_use]
    pub fn is_moving(&self) -> bool {
        let left = self.0.left.load(Relaxed);
        left != SNAP && (left > 0 || load(&self.0.target) != self.0.goal())
    }

    /// The value reached, without a step. [audio]
    #[must_use]
    pub fn current(&self) -> f64 {
        if self.0.left.load(Relaxed) == SNAP { self.0.goal() } else { load(&self.0.current) }
    }

    /// One frame on. [audio]
    #[inline]
    #[must_use]
    pub fn next(&self) -> f32 {
        self.next_f64().to_f32()
    }

    /// One frame on, in double precision. [audio]
    #[inline]
    #[must_use]
    pub fn next_f64(&self) -> f64 {
        let mut ramp = self.0.begin();
        let value = ramp.step();
        self.0.end(&ramp);
        value
    }

    /// The next `out.len()` frames at once: cheaper than as many calls of [`Smoother::next`]. [audio]
    pub fn next_block<S: Sample>(&self, out: &mut [S]) {
        let mut ramp = self.0.begin();
        for value in out {
            *value = S::from_f64(ramp.step());
        }
        self.0.end(&ramp);
    }

    /// `frames` frames on at once; answers where it then stands. For control-rate work. [audio]
    #[must_use]
    pub fn skip(&self, frames: usize) -> f64 {
        let mut ramp = self.0.begin();
        for _ in 0..frames {
            if ramp.left == 0 {
                break;
            }
            ramp.step();
        }
        self.0.end(&ramp);
        ramp.current
    }
}

/// The state in registers for a run of frames.
struct Ramp {
    style: Smoothing,
    current: f64,
    target: f64,
    left: u32,
    step: f64,
    straight: bool,
    bounds: Bounds,
}

impl Ramp {
    /// The distance to walk instead of `distance`: the shorter way round where there is one.
    fn shorter(&self, distance: f64) -> f64 {
        match self.bounds.turn() {
            turn if turn > 0.0 => distance - turn * (distance / turn).round(),
            _ => distance,
        }
    }

    #[inline]
    fn step(&mut self) -> f64 {
        if self.left > 0 {
            self.left -= 1;
            let next = match self.style {
                _ if self.left == 0 => self.target,
                _ if self.straight => self.current + self.step,
                Smoothing::Exponential(_) => {
                    self.target + self.shorter(self.current - self.target) * self.step
                }
                _ => self.current * self.step,
            };
            self.current = if self.bounds.periodic { self.bounds.range.wrap(next) } else { next };
        }
        self.current
    }
}

impl State {
    fn goal(&self) -> f64 {
        self.bounds.bring(self.cell.base() + self.cell.modulation())
    }

    #[inline]
    fn begin(&self) -> Ramp {
        let goal = self.goal();
        let left = self.left.load(Relaxed);
        let mut ramp = Ramp {
            style: self.style,
            current: load(&self.current),
            target: load(&self.target),
            left,
            step: load(&self.step),
            straight: self.straight.load(Relaxed) != 0,
            bounds: self.bounds,
        };
        if left == SNAP {
            (ramp.current, ramp.target, ramp.left) = (goal, goal, 0);
        } else if goal.to_bits() != ramp.target.to_bits() {
            self.aim(&mut ramp, goal);
        }
        ramp
    }

    fn aim(&self, ramp: &mut Ramp, goal: f64) {
        ramp.target = goal;
        let frames = f64::from(self.style.milliseconds()) * load(&self.sample_rate) / 1000.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..2^30")]
        let frames = frames.round().clamp(0.0, 1e9) as u32;
        if frames == 0 {
            (ramp.current, ramp.left) = (goal, 0);
            return;
        }
        let from = ramp.current;
        ramp.left = frames;
        ramp.straight = false;
        ramp.step = match self.style {
            Smoothing::Log(_) if from > 0.0 && goal > 0.0 && !self.bounds.periodic => {
                (goal / from).powf(1.0 / f64::from(frames))
            }
            Smoothing::Log(_) | Smoothing::Linear(_) | Smoothing::None => {
                ramp.straight = true;
                ramp.shorter(goal - from) / f64::from(frames)
            }
            Smoothing::Exponential(_) => 0.001_f64.powf(1.0 / f64::from(frames)),
        };
    }

    #[inline]
    fn end(&self, ramp: &Ramp) {
        store(&self.current, ramp.current);
        store(&self.target, ramp.target);
        store(&self.step, ramp.step);
        self.straight.store(u32::from(ramp.straight), Relaxed);
        self.left.store(ramp.left, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::FloatRange;

    fn smoother(style: Smoothing, value: f64) -> (ParamRef, Smoother) {
        within(Bounds { range: FloatRange::linear(0.0..=1000.0), periodic: false }, style, value)
    }

    fn within(bounds: Bounds, style: Smoothing, value: f64) -> (ParamRef, Smoother) {
        let cell = ParamRef::own(value);
        let smoother = Smoother::new(cell.clone(), bounds, style);
        smoother.reset(1000.0);
        (cell, smoother)
    }

    #[test]
    fn it_starts_at_the_value_without_a_ramp() {
        let (_, s) = smoother(Smoothing::linear(10.0), 5.0);
        assert_eq!(s.next_f64(), 5.0);
        assert!(!s.is_moving());
    }

    #[test]
    fn a_line_arrives_after_its_time_exactly() {
        let (cell, s) = smoother(Smoothing::linear(10.0), 0.0);
        assert_eq!(s.next_f64(), 0.0);
        cell.set_base(10.0);
        let mut block = [0.0_f64; 12];
        s.next_block(&mut block);
        for (i, value) in block.iter().take(10).enumerate() {
            assert!((value - (i as f64 + 1.0)).abs() < 1e-9, "{block:?}");
        }
        assert_eq!(block[9..], [10.0; 3]);
    }

    #[test]
    fn equal_ratios_and_one_pole_arrive_and_never_pass() {
        for style in [Smoothing::log(20.0), Smoothing::exponential(20.0)] {
            let (cell, s) = smoother(style, 100.0);
            assert_eq!(s.next_f64(), 100.0);
            cell.set_base(400.0);
            let mut last = 100.0;
            for _ in 0..20 {
                let value = s.next_f64();
                assert!(value >= last && value <= 400.0);
                last = value;
            }
            assert_eq!(last, 400.0);
        }
    }

    #[test]
    fn a_log_ramp_from_zero_is_a_line() {
        let (cell, s) = smoother(Smoothing::log(10.0), 0.0);
        assert_eq!(s.next_f64(), 0.0);
        cell.set_base(10.0);
        assert!((s.next_f64() - 1.0).abs() < 1e-9);
        assert!((s.next_f64() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_periodic_one_goes_the_shorter_way_round_and_stays_in_the_range() {
        let bounds = Bounds { range: FloatRange::linear(0.0..=360.0), periodic: true };
        for style in [Smoothing::linear(20.0), Smoothing::log(20.0), Smoothing::exponential(20.0)] {
            for (from, to, up) in [(350.0, 10.0, true), (10.0, 350.0, false), (10.0, 170.0, true)] {
                let (cell, s) = within(bounds, style, from);
                assert_eq!(s.next_f64(), from);
                cell.set_base(to);
                let mut last = from;
                for _ in 0..20 {
                    let value = s.next_f64();
                    let walked = (value - last + 540.0).rem_euclid(360.0) - 180.0;
                    assert!(
                        (0.0..=360.0).contains(&value) && (walked > 0.0) == up,
                        "{style:?}: {last} {value}"
                    );
                    last = value;
                }
                assert_eq!(last, to, "{style:?}");
                assert!(!s.is_moving());
            }
        }
    }
}
