//! One logic's buffers pointed at one chunk of a block, and what of them one process call may touch.
//!
//! Called by: `shell/*` on [audio]; [`SubBlock`] by `instance`. Calls: `rt/{block,buffers}`. Threads: [audio].

#![allow(unsafe_code, reason = "DESIGN 9.9: host memory becomes slices here")]
#![deny(clippy::disallowed_types)]

use std::ffi::c_void;
use std::marker::PhantomData;

use hotshell_abi::{BusBuffer, Sample};

use crate::rt::block::HostBus;
use crate::rt::buffers::Buffers;

/// [`Buffers`] pointed at one chunk of a block.
#[derive(Debug)]
pub struct Bound<'s, S> {
    pub(super) buffers: &'s mut Buffers<S>,
    pub(super) host_outputs: &'s [HostBus<'s>],
    pub(super) start: usize,
    pub(super) frames: usize,
}

impl<S: Sample> Bound<'_, S> {
    /// Frames of the chunk.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.frames
    }

    /// Output channels, all buses in a row.
    #[must_use]
    pub const fn output_channels(&self) -> usize {
        self.buffers.outputs.base.len()
    }

    /// Channels of the main output.
    #[must_use]
    pub fn main_outputs(&self) -> usize {
        self.buffers.outputs.buses.first().map_or(0, |bus| bus.channel_count as usize)
    }

    /// Channels of the main input.
    #[must_use]
    pub fn main_inputs(&self) -> usize {
        self.buffers.inputs.buses.first().map_or(0, |bus| bus.channel_count as usize)
    }

    /// Output channel `i` of the whole chunk.
    ///
    /// # Panics
    /// If `i` is past the last channel.
    #[inline]
    pub fn output(&mut self, i: usize) -> &mut [S] {
        // SAFETY: `bind` pointed `base` at `frames` samples of `S`: the host's, which the block's contract keeps valid and
        // ours alone while `self` borrows the block, or our own. No two outputs share memory (`bind_outputs`), and
        // `&mut self` excludes a slice of an input that is the same memory.
        unsafe { std::slice::from_raw_parts_mut(self.buffers.outputs.base[i].cast::<S>(), self.frames) }
    }

    /// Input channel `i` of the whole chunk; may be the memory of output `i`.
    ///
    /// # Panics
    /// If `i` is past the last channel.
    #[inline]
    #[must_use]
    pub fn input(&self, i: usize) -> &[S] {
        // SAFETY: as `output`; `&self` excludes a mutable slice of an output that is the same memory.
        unsafe { std::slice::from_raw_parts(self.buffers.inputs.base[i].cast::<S>(), self.frames) }
    }

    /// Copies frames `from..to` of main input `channel` to main output `channel`, without values that are not finite.
    /// Where both are the same memory only those values are replaced.
    ///
    /// # Panics
    /// If the channel or the range is past the end.
    pub fn copy_dry(&mut self, channel: usize, from: usize, to: usize) {
        for i in from..to {
            let sample = self.input(channel)[i];
            self.output(channel)[i] = if sample.finite() { sample.flushed() } else { S::ZERO };
        }
    }

    /// True if main input `channel` is the memory of main output `channel`: what is written there replaces the input.
    #[must_use]
    pub fn is_in_place(&self, channel: usize) -> bool {
        channel < self.main_inputs()
            && channel < self.main_outputs()
            && self.buffers.inputs.base[channel] == self.buffers.outputs.base[channel]
    }

    /// Replaces samples of the inputs that are not finite by silence. A logic with a memory would give out nothing else
    /// from then on, and be blamed for it.
    #[inline]
    pub(super) fn clean_inputs(&mut self) {
        for i in 0..self.buffers.inputs.base.len() {
            if !S::all_finite(self.input(i)) {
                self.clean_input(i);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn clean_input(&mut self, i: usize) {
        let mut base = self.buffers.inputs.base[i].cast::<S>();
        // What is no output of the host's is not ours to write.
        if !self.is_in_place(i) {
            let own = self.buffers.inputs.own(i, self.buffers.max_frames);
            if base != own {
                // SAFETY: both hold `frames` samples; `base` is the host's memory (`bind_inputs`), which `own` is not.
                unsafe { std::ptr::copy_nonoverlapping(base, own, self.frames) };
                self.buffers.inputs.base[i] = own.cast();
                base = own;
            }
        }
        // SAFETY: memory of our own or an output's, `frames` long, exclusive through `&mut self`.
        for sample in unsafe { std::slice::from_raw_parts_mut(base, self.frames) } {
            if !sample.finite() {
                *sample = S::ZERO;
            }
        }
    }

    /// Moves every input into memory of our own, so that [`Bound::scale_inputs`] changes nothing of the host's.
    pub fn own_inputs(&mut self) {
        for i in 0..self.buffers.inputs.base.len() {
            let own = self.buffers.inputs.own(i, self.buffers.max_frames);
            let base = self.buffers.inputs.base[i].cast::<S>();
            if base != own {
                // SAFETY: both hold `frames` samples. An input's `base` is its own memory or the host's (`bind_inputs`);
                // it is not the former, so they do not overlap.
                unsafe { std::ptr::copy_nonoverlapping(base, own, self.frames) };
                self.buffers.inputs.base[i] = own.cast();
            }
        }
    }

    /// Multiplies frames `from..to` of every input by `gain(frame - from)`, after [`Bound::own_inputs`]. A channel that
    /// was constant is so no longer.
    ///
    /// # Panics
    /// If the range leaves the chunk.
    pub fn scale_inputs(&mut self, from: usize, to: usize, gain: impl Fn(usize) -> f64) {
        for bus in &mut self.buffers.inputs.buses {
            bus.constant_mask = 0;
        }
        for i in 0..self.buffers.inputs.base.len() {
            let own = self.buffers.inputs.own(i, self.buffers.max_frames);
            // SAFETY: memory of our own, `max_frames >= frames` long, exclusive through `&mut self`.
            let samples = unsafe { std::slice::from_raw_parts_mut(own, self.frames) };
            for (k, sample) in samples[from..to].iter_mut().enumerate() {
                *sample *= S::from_f64(gain(k));
            }
        }
    }

    /// The buffers of frames `at..at + frames` for one process call.
    ///
    /// # Panics
    /// If the range leaves the chunk.
    #[inline]
    pub fn sub(&mut self, at: usize, frames: usize) -> SubBlock<'_, S> {
        assert!(at < self.frames && frames <= self.frames - at, "a sub-block lies within its chunk");
        // SAFETY: `bind` pointed every `base` at `frames` samples, and `at` is below that (just checked).
        unsafe {
            self.buffers.inputs.advance(at);
            self.buffers.outputs.advance(at);
        }
        SubBlock {
            inputs: &self.buffers.inputs.buses,
            outputs: &mut self.buffers.outputs.buses,
            scratch: &self.buffers.apart,
            frames,
            _samples: PhantomData,
        }
    }

    /// Bus and channel of output channel `i`.
    #[must_use]
    pub fn output_place(&self, i: usize) -> Option<(usize, usize)> {
        let mut left = i;
        for (bus, buffer) in self.buffers.outputs.buses.iter().enumerate() {
            let count = buffer.channel_count as usize;
            if left < count {
                return Some((bus, left));
            }
            left -= count;
        }
        None
    }

    /// Output channel at `channel` of `bus`, counted over all buses.
    #[must_use]
    pub fn output_at(&self, (bus, channel): (usize, usize)) -> Option<usize> {
        let before: usize =
            self.buffers.outputs.buses.iter().take(bus).map(|bus| bus.channel_count as usize).sum();
        let here = self.buffers.outputs.buses.get(bus)?.channel_count as usize;
        (channel < here).then_some(before + channel)
    }

    /// Output buses.
    #[must_use]
    pub const fn output_buses(&self) -> usize {
        self.buffers.outputs.buses.len()
    }

    /// Bit i: the logic said that main output channel i is constant over the last sub-block.
    #[must_use]
    pub fn output_mask(&self, bus: usize) -> u64 {
        self.buffers.outputs.buses.get(bus).map_or(0, |bus| bus.constant_mask)
    }

    /// The host says of every channel of the main input that it is constant over the block.
    #[must_use]
    #[inline]
    pub fn main_input_is_constant(&self) -> bool {
        self.buffers.inputs.buses.first().is_some_and(|bus| {
            let channels = bus.channel_count.min(64);
            channels > 0 && bus.constant_mask.trailing_ones() >= channels
        })
    }

    /// Copies what was worked on aside to the host, and silences host outputs that the logic does not have.
    #[inline]
    pub fn finish(self) {
        if !self.buffers.plain {
            self.write_back();
        }
    }

    fn write_back(self) {
        let outputs = &self.buffers.outputs;
        for (base, to) in outputs.base.iter().zip(&outputs.copy_to) {
            // SAFETY: `to` is null or host memory of `start + frames` samples, and then `base` is memory of our own with
            // `frames` (`bind_outputs`).
            unsafe { to.write_from(self.start, base.cast::<S>(), self.frames) };
        }
        for (i, bus) in self.host_outputs.iter().enumerate() {
            let covered = outputs.buses.get(i).map_or(0, |bus| bus.channel_count as usize);
            for channel in bus.channels.iter().skip(if bus.inactive { 0 } else { covered }) {
                // SAFETY: host memory of `start + frames` samples (`HostBlock::new`).
                unsafe { channel.silence(self.start, self.frames) };
            }
        }
    }
}

/// What one process call may touch. Made by [`Bound::sub`] only, so [`instance`](crate::instance) can pass it on.
#[derive(Debug)]
pub struct SubBlock<'b, S> {
    inputs: &'b [BusBuffer],
    outputs: &'b mut [BusBuffer],
    scratch: &'b [*mut c_void],
    frames: usize,
    _samples: PhantomData<&'b mut S>,
}

impl<S> SubBlock<'_, S> {
    /// Frames of the sub-block.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.frames
    }

    /// Input buses.
    #[must_use]
    pub const fn inputs(&self) -> &[BusBuffer] {
        self.inputs
    }

    /// Output buses.
    pub const fn outputs(&mut self) -> &mut [BusBuffer] {
        self.outputs
    }

    /// Pointers for a logic that wants inputs apart.
    #[must_use]
    pub const fn scratch(&self) -> &[*mut c_void] {
        self.scratch
    }
}
