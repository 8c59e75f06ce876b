//! The host's side of a block: its buffers as it gave them, in either precision, aliased as it likes.
//!
//! Called by: the adapters' `process` make a [`HostBlock`]; `rt/buffers` points a logic's buffers at it. Calls: nothing.
//! Threads: [audio].

#![allow(unsafe_code, reason = "DESIGN 9.9: host memory is read and written here")]
#![deny(clippy::disallowed_types)]

use std::any::TypeId;
use std::ffi::c_void;

use hotshell_abi::{RenderMode, Sample, Transport};

/// One channel buffer of the host's, in either precision. May alias others; the shell resolves that.
#[derive(Clone, Copy, Debug)]
pub enum HostChannel {
    /// The host gave a null pointer: silence in, trash out.
    Null,
    /// Single precision.
    F32(*mut f32),
    /// Double precision.
    F64(*mut f64),
}

/// One bus of the host's. Fewer or more channels than the layout says are allowed.
#[derive(Debug)]
pub struct HostBus<'a> {
    /// Its channels.
    pub channels: &'a [HostChannel],
    /// In: bit i, channel i is constant. Out: written by the shell, never more than is true.
    pub constant_mask: u64,
    /// Switched off by the host.
    pub inactive: bool,
}

/// One block of the host's.
#[derive(Debug)]
pub struct HostBlock<'a> {
    frames: u32,
    inputs: &'a [HostBus<'a>],
    outputs: &'a mut [HostBus<'a>],
    /// The host's timeline, if it gives one.
    pub transport: Option<Transport>,
    /// Frames since some start, or -1.
    pub steady_time: i64,
    /// Real time or offline.
    pub mode: RenderMode,
}

impl<'a> HostBlock<'a> {
    /// A block over the host's buffers. `frames` may exceed what was announced; the shell divides it.
    ///
    /// # Safety
    /// Each channel pointer that is not [`HostChannel::Null`] is readable (inputs) or writable (outputs) for `frames`
    /// samples of its type during the block's life, and nobody else writes them. Buffers may alias one another as
    /// whole channels, not partly overlapping.
    #[must_use]
    pub const unsafe fn new(frames: u32, inputs: &'a [HostBus<'a>], outputs: &'a mut [HostBus<'a>]) -> Self {
        Self { frames, inputs, outputs, transport: None, steady_time: -1, mode: RenderMode::REALTIME }
    }

    /// Frames of the block; 0 is a flush.
    #[must_use]
    pub const fn frames(&self) -> u32 {
        self.frames
    }

    /// Input buses.
    #[must_use]
    pub const fn inputs(&self) -> &'a [HostBus<'a>] {
        self.inputs
    }

    /// Output buses.
    #[must_use]
    pub const fn outputs(&self) -> &[HostBus<'a>] {
        self.outputs
    }

    /// Says which channels of output bus `bus` hold one constant value; nothing happens past the last bus. (The buses
    /// themselves are lent out shared only: whoever could exchange their channels could name any memory.)
    pub const fn set_constant_mask(&mut self, bus: usize, mask: u64) {
        if bus < self.outputs.len() {
            self.outputs[bus].constant_mask = mask;
        }
    }
}

impl HostChannel {
    pub(super) fn over<S: Sample>(samples: &mut [S]) -> Self {
        if TypeId::of::<S>() == TypeId::of::<f32>() {
            Self::F32(samples.as_mut_ptr().cast())
        } else {
            Self::F64(samples.as_mut_ptr().cast())
        }
    }

    /// The address of frame `start` if the channel has samples of type `S`.
    #[inline]
    pub(super) fn at<S: Sample>(self, start: usize) -> Option<*mut c_void> {
        let single = TypeId::of::<S>() == TypeId::of::<f32>();
        match self {
            // SAFETY: `start` lies within the block's frames, which the memory holds (`HostBlock::new`).
            Self::F32(ptr) if single => Some(unsafe { ptr.add(start) }.cast()),
            // SAFETY: as above.
            Self::F64(ptr) if !single => Some(unsafe { ptr.add(start) }.cast()),
            _ => None,
        }
    }

    pub(super) const fn address(self) -> *const c_void {
        match self {
            Self::Null => std::ptr::null(),
            Self::F32(ptr) => ptr.cast(),
            Self::F64(ptr) => ptr.cast(),
        }
    }

    /// # Safety
    /// `to` has room for `frames`; the channel holds `start + frames` samples and does not overlap `to`.
    pub(super) unsafe fn read_into<S: Sample>(self, start: usize, to: *mut S, frames: usize) {
        for i in 0..frames {
            // SAFETY: by this function's contract.
            unsafe {
                *to.add(i) = match self {
                    Self::Null => S::ZERO,
                    Self::F32(from) => S::from_f32(*from.add(start + i)),
                    Self::F64(from) => S::from_f64(*from.add(start + i)),
                };
            }
        }
    }

    /// # Safety
    /// The channel holds `start + frames` samples and `from` `frames` of them, not overlapping.
    pub(super) unsafe fn write_from<S: Sample>(self, start: usize, from: *const S, frames: usize) {
        for i in 0..frames {
            // SAFETY: by this function's contract.
            unsafe {
                match self {
                    Self::Null => {}
                    Self::F32(to) => *to.add(start + i) = single(*from.add(i)),
                    Self::F64(to) => *to.add(start + i) = (*from.add(i)).to_f64(),
                }
            }
        }
    }

    /// # Safety
    /// The channel holds `start + frames` samples.
    pub(super) unsafe fn silence(self, start: usize, frames: usize) {
        for i in start..start + frames {
            // SAFETY: by this function's contract.
            unsafe {
                match self {
                    Self::Null => {}
                    Self::F32(to) => *to.add(i) = 0.0,
                    Self::F64(to) => *to.add(i) = 0.0,
                }
            }
        }
    }
}

impl HostBlock<'_> {
    /// True if `channel` is the memory of any output of the host's.
    pub(super) fn shares_output(&self, channel: HostChannel) -> bool {
        let address = channel.address();
        !address.is_null()
            && self.outputs.iter().any(|bus| bus.channels.iter().any(|other| other.address() == address))
    }

    /// Silences every output for the whole block: what is written where nothing can play.
    pub fn silence(&mut self) {
        for bus in self.outputs.iter_mut() {
            for channel in bus.channels {
                // SAFETY: the memory holds `frames` samples (`HostBlock::new`).
                unsafe { channel.silence(0, self.frames as usize) };
            }
            bus.constant_mask = u64::MAX;
        }
    }
}

/// In single precision; what is finite stays so.
fn single<S: Sample>(value: S) -> f32 {
    let rounded = value.to_f32();
    if rounded.is_infinite() && value.finite() { f32::MAX.copysign(rounded) } else { rounded }
}
