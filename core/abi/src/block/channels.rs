//! One call's channels as slices, aliasing resolved.
//!
//! Called by: `hotshell-logic`, through [`ProcessArgs::view`](super::ProcessArgs::view). Calls: nothing.
//! Threads: [audio].

use core::ffi::c_void;
use core::marker::PhantomData;

use super::{BusBuffer, Sample};

/// # Safety
/// `ptr` is null or points to `len` values valid for `'v`.
pub(super) const unsafe fn raw_slice<'v, T>(ptr: *const T, len: u32) -> &'v [T] {
    if ptr.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: by this function's contract.
    unsafe { core::slice::from_raw_parts(ptr, len as usize) }
}

/// Safe access to one call's channels, aliasing resolved.
#[derive(Debug)]
pub struct BlockView<'v, S> {
    frames: usize,
    inputs: &'v [BusBuffer],
    outputs: &'v mut [BusBuffer],
    scratch: *const *mut c_void,
    /// Bit i: output bus i has been handed out, so it holds nothing stale.
    given: u64,
    _samples: PhantomData<&'v mut S>,
}

impl<'v, S> BlockView<'v, S> {
    /// As [`ProcessArgs::view`](super::ProcessArgs::view) promises its parts to be.
    pub(super) const fn new(
        frames: usize,
        inputs: &'v [BusBuffer],
        outputs: &'v mut [BusBuffer],
        scratch: *const *mut c_void,
    ) -> Self {
        Self { frames, inputs, outputs, scratch, given: 0, _samples: PhantomData }
    }
}

impl<'v, S: Sample> BlockView<'v, S> {
    /// Frames in every channel.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.frames
    }

    /// Input buses.
    #[must_use]
    pub const fn inputs(&self) -> &[BusBuffer] {
        self.inputs
    }

    /// Output buses; write `constant_mask` here.
    pub fn outputs_mut(&mut self) -> &mut [BusBuffer] {
        self.outputs
    }

    /// The main bus with the inputs already in the outputs: copies a channel only where the host gave two buffers;
    /// output channels beyond the inputs are silent.
    pub fn in_place(&mut self) -> ChannelsMut<'_, S> {
        let frames = self.frames;
        let input = self.inputs.first();
        self.given |= 1;
        let mut out = self.channels(0).unwrap_or_else(ChannelsMut::empty);
        for (i, pointer) in out.pointers().iter().enumerate() {
            match input.and_then(|bus| channel(bus, i)) {
                // SAFETY: both point to `frames` samples of `S`; the type's contract says that they are the same
                // memory (then this is skipped) or do not overlap.
                Some(from) if from != *pointer => unsafe {
                    core::ptr::copy_nonoverlapping(from.cast::<S>(), pointer.cast::<S>(), frames);
                },
                Some(_) => {}
                None => out.fill(i, S::ZERO),
            }
        }
        out
    }

    /// The main buses as separate inputs and outputs: copies a channel aside only where the host gave one buffer for
    /// both.
    pub fn separate(&mut self) -> (Channels<'_, S>, ChannelsMut<'_, S>) {
        let frames = self.frames;
        let Some(input) = self.inputs.first() else {
            return (Channels::empty(), self.output(0).unwrap_or_else(ChannelsMut::empty));
        };
        let shared = |i: usize, from: *mut c_void| {
            self.outputs.first().and_then(|bus| channel(bus, i)).is_some_and(|to| to == from)
        };
        // SAFETY: `channels` points to `channel_count` pointers (type's contract).
        let pointers = unsafe { raw_slice(input.channels, input.channel_count) };
        let any_shared = pointers.iter().enumerate().any(|(i, from)| shared(i, *from));
        let channels = if any_shared {
            for (i, from) in pointers.iter().enumerate() {
                // SAFETY: `scratch` holds as many channel pointers as input bus 0, each to `frames` samples that
                // overlap nothing (type's contract).
                unsafe {
                    core::ptr::copy_nonoverlapping(
                        from.cast::<S>(),
                        (*self.scratch.add(i)).cast::<S>(),
                        frames,
                    );
                }
            }
            self.scratch
        } else {
            input.channels
        };
        let inputs = Channels { channels, count: input.channel_count, frames, _samples: PhantomData };
        (inputs, self.output(0).unwrap_or_else(ChannelsMut::empty))
    }

    /// Auxiliary input `bus` (>= 1); `None` if there is none. Bus 0 is reached through [`BlockView::in_place`] or
    /// [`BlockView::separate`]. It may be read while outputs are written: by the type's contract it overlaps none of them.
    #[must_use]
    pub fn aux_input(&self, bus: usize) -> Option<Channels<'v, S>> {
        if bus == 0 {
            return None;
        }
        let bus = self.inputs.get(bus)?;
        Some(Channels {
            channels: bus.channels,
            count: bus.channel_count,
            frames: self.frames,
            _samples: PhantomData,
        })
    }

    /// Output `bus`: silent the first time, but for channels that share their memory with the main input, which hold
    /// that. What the host's memory held before is never heard.
    pub fn output(&mut self, bus: usize) -> Option<ChannelsMut<'_, S>> {
        let bit = u32::try_from(bus).ok().and_then(|bus| 1_u64.checked_shl(bus)).unwrap_or(0);
        if self.given & bit == 0 {
            self.given |= bit;
            self.hush(bus);
        }
        self.channels(bus)
    }

    /// Silence for every output bus that nobody asked for: a block leaves no sample unwritten.
    #[inline]
    pub fn finish(&mut self) {
        let all = u32::try_from(self.outputs.len()).ok().and_then(|count| 1_u64.checked_shl(count));
        if self.given != all.unwrap_or(0).wrapping_sub(1) {
            self.hush_rest();
        }
    }

    #[cold]
    fn hush_rest(&mut self) {
        for bus in 0..self.outputs.len().min(64) {
            if self.given & (1 << bus) == 0 {
                self.hush(bus);
            }
        }
    }

    /// Silences channels of output `bus` that hold no input.
    fn hush(&mut self, bus: usize) {
        let input = self.inputs.first();
        let Some(mut out) = self.channels(bus) else { return };
        for (i, to) in out.pointers().iter().enumerate() {
            if input.and_then(|input| channel(input, i)).is_none_or(|from| from != *to) {
                out.fill(i, S::ZERO);
            }
        }
    }

    fn channels(&mut self, bus: usize) -> Option<ChannelsMut<'_, S>> {
        let bus = self.outputs.get(bus)?;
        Some(ChannelsMut {
            channels: bus.channels,
            count: bus.channel_count,
            frames: self.frames,
            _samples: PhantomData,
        })
    }
}

fn channel(bus: &BusBuffer, i: usize) -> Option<*mut c_void> {
    if i >= bus.channel_count as usize {
        return None;
    }
    // SAFETY: a `BusBuffer`'s `channels` points to `channel_count` pointers.
    Some(unsafe { *bus.channels.add(i) })
}

/// Channels to read.
#[derive(Clone, Copy, Debug)]
pub struct Channels<'v, S> {
    channels: *const *mut c_void,
    count: u32,
    frames: usize,
    _samples: PhantomData<&'v [S]>,
}

impl<'v, S: Sample> Channels<'v, S> {
    /// No channels.
    #[must_use]
    pub const fn empty() -> Self {
        Self { channels: core::ptr::null(), count: 0, frames: 0, _samples: PhantomData }
    }

    /// Number of channels.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// True without channels.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Frames in each channel.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.frames
    }

    /// Channel `i`, or `None` past the last.
    #[must_use]
    #[inline]
    pub fn get(&self, i: usize) -> Option<&'v [S]> {
        if i >= self.count as usize {
            return None;
        }
        // SAFETY: `channels` holds `count` pointers to `frames` samples each that nobody writes during `'v`
        // (`ProcessArgs`' contract: inputs overlap no output that the view hands out beside them).
        Some(unsafe { core::slice::from_raw_parts((*self.channels.add(i)).cast::<S>(), self.frames) })
    }

    /// All channels in order.
    pub fn iter(&self) -> impl Iterator<Item = &'v [S]> + '_ {
        (0..self.len()).filter_map(|i| self.get(i))
    }
}

/// Channels to write.
#[derive(Debug)]
pub struct ChannelsMut<'v, S> {
    channels: *const *mut c_void,
    count: u32,
    frames: usize,
    _samples: PhantomData<&'v mut [S]>,
}

impl<'v, S: Sample> ChannelsMut<'v, S> {
    /// No channels.
    #[must_use]
    pub const fn empty() -> Self {
        Self { channels: core::ptr::null(), count: 0, frames: 0, _samples: PhantomData }
    }

    fn pointers(&self) -> &'v [*mut c_void] {
        // SAFETY: `channels` is null with `count` 0, or holds `count` pointers for `'v`.
        unsafe { raw_slice(self.channels, self.count) }
    }

    /// Number of channels.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// True without channels.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Frames in each channel.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.frames
    }

    /// Channel `i`, or `None` past the last.
    #[inline]
    pub fn get(&mut self, i: usize) -> Option<&mut [S]> {
        if i >= self.count as usize {
            return None;
        }
        // SAFETY: `channels` holds `count` pointers to `frames` samples each; no two outputs overlap and `&mut self`
        // makes this the only slice of them.
        Some(unsafe { core::slice::from_raw_parts_mut((*self.channels.add(i)).cast::<S>(), self.frames) })
    }

    fn fill(&mut self, i: usize, value: S) {
        if let Some(samples) = self.get(i) {
            samples.fill(value);
        }
    }

    /// All channels in order, at once.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut [S]> {
        let frames = self.frames;
        self.pointers().iter().map(move |pointer| {
            // SAFETY: each pointer is another channel of `frames` samples, no two overlap, and `&mut self` is held for
            // as long as any of the slices.
            unsafe { core::slice::from_raw_parts_mut(pointer.cast::<S>(), frames) }
        })
    }

    /// The first two channels at once, for stereo work.
    pub fn pair(&mut self) -> Option<(&mut [S], &mut [S])> {
        let mut channels = self.iter_mut();
        Some((channels.next()?, channels.next()?))
    }
}
