//! The cells through which values pass between threads: owned by the shell, bound by each build by id.
//!
//! Called by: both sides. Calls: nothing. Threads: [any]; every access is one atomic instruction.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// One parameter's value and its mono modulation, in plain units (the parameter's own range).
///
/// Ordering is relaxed: a value carries no other memory with it. What must be seen together (a state load) is ordered by
/// the hand-over and by the shell's state counter.
#[repr(C)]
#[derive(Debug)]
pub struct ParamCell {
    value: AtomicU64,
    modulation: AtomicU64,
}

impl ParamCell {
    /// A cell that holds `value` and no modulation.
    #[must_use]
    pub const fn new(value: f64) -> Self {
        Self { value: AtomicU64::new(value.to_bits()), modulation: AtomicU64::new(0) }
    }

    /// The stored value, without modulation: what state holds and knobs show.
    #[must_use]
    #[inline]
    pub fn base(&self) -> f64 {
        f64::from_bits(self.value.load(Relaxed))
    }

    /// Sets the stored value. The caller has clamped it.
    #[inline]
    pub fn set_base(&self, value: f64) {
        self.value.store(value.to_bits(), Relaxed);
    }

    /// The mono modulation offset, in plain units; 0 where there is none.
    #[must_use]
    #[inline]
    pub fn modulation(&self) -> f64 {
        f64::from_bits(self.modulation.load(Relaxed))
    }

    /// Sets the mono modulation offset.
    #[inline]
    pub fn set_modulation(&self, offset: f64) {
        self.modulation.store(offset.to_bits(), Relaxed);
    }
}

/// One meter channel: a single-precision value that [audio] writes and any number of readers read.
#[repr(transparent)]
#[derive(Debug)]
pub struct MeterCell(AtomicU32);

impl MeterCell {
    /// A cell that reads 0.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// The last value written.
    #[must_use]
    #[inline]
    pub fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Relaxed))
    }

    /// Writes a value. [audio]
    #[inline]
    pub fn set(&self, value: f32) {
        self.0.store(value.to_bits(), Relaxed);
    }
}

impl Default for MeterCell {
    fn default() -> Self {
        Self::new()
    }
}
