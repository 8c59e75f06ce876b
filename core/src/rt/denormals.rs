//! Flush-to-zero for the length of a scope: subnormal numbers cost up to a hundred times as much as normal ones, and
//! validators count them as defects in the output.
//!
//! Miri knows no such register: under it nothing is flushed.
//!
//! Called by: `shell/audio`, once per process call. Calls: the control register. Threads: [audio] [reload].

#![allow(unsafe_code, reason = "DESIGN 9.9: register access")]

/// While it lives, subnormal results and inputs count as zero on this thread. The host's setting comes back on drop.
#[derive(Debug)]
pub struct FlushDenormals {
    before: Register,
}

impl FlushDenormals {
    /// Saves the control register and switches flushing on.
    #[must_use]
    #[inline]
    pub fn new() -> Self {
        let before = read();
        if before & FLUSH != FLUSH {
            write(before | FLUSH);
        }
        Self { before }
    }
}

impl Default for FlushDenormals {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for FlushDenormals {
    #[inline]
    fn drop(&mut self) {
        if self.before & FLUSH != FLUSH {
            write(self.before);
        }
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
type Register = u32;
/// Bits 15 (flush results) and 6 (inputs are zero) of MXCSR.
#[cfg(all(target_arch = "x86_64", not(miri)))]
const FLUSH: Register = (1 << 15) | (1 << 6);

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
fn read() -> Register {
    let mut value: u32 = 0;
    // SAFETY: STMXCSR stores the 32-bit control register to the given address, a live local.
    unsafe {
        std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack, preserves_flags));
    }
    value
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
fn write(value: Register) {
    // SAFETY: LDMXCSR loads the control register from a live local. Only the two flush bits differ from what the
    // thread had, and the scope gives them back: rounding and exception masks stay as Rust expects them.
    unsafe {
        std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack, readonly, preserves_flags));
    }
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
type Register = u64;
/// Bit 24 (FZ) of FPCR: inputs and results.
#[cfg(all(target_arch = "aarch64", not(miri)))]
const FLUSH: Register = 1 << 24;

#[cfg(all(target_arch = "aarch64", not(miri)))]
#[inline]
fn read() -> Register {
    let value: u64;
    // SAFETY: reading FPCR has no effect but the result.
    unsafe {
        std::arch::asm!("mrs {}, fpcr", out(reg) value, options(nomem, nostack, preserves_flags));
    }
    value
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
#[inline]
fn write(value: Register) {
    // SAFETY: only FZ differs from what the thread had, and the scope gives it back.
    unsafe {
        std::arch::asm!("msr fpcr, {}", in(reg) value, options(nomem, nostack, preserves_flags));
    }
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
type Register = u32;
#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
const FLUSH: Register = 0;
#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
const fn read() -> Register {
    0
}
#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
const fn write(_value: Register) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnormals_are_flushed_inside_and_the_register_comes_back() {
        let tiny = std::hint::black_box(f32::MIN_POSITIVE / 4.0);
        let before = read();
        {
            let _flush = FlushDenormals::new();
            let product = std::hint::black_box(tiny) * std::hint::black_box(1.0);
            assert_eq!(product.to_bits(), 0);
        }
        assert_eq!(read() & FLUSH, before & FLUSH);
        assert!(std::hint::black_box(tiny) * std::hint::black_box(1.0) > 0.0);
    }
}
