//! The host's buffers on one side, what a logic may touch on the other: precision, missing channels and aliasing are
//! resolved here, once per chunk.
//!
//! Called by: the adapters' `process` make a [`HostBlock`]; `shell/audio` binds [`Buffers`] to it. Calls: nothing.
//! Threads: [audio]; [`Buffers::new`] allocates and is [main] [reload].

#![allow(unsafe_code, reason = "DESIGN 9.9: host memory becomes slices here")]
#![deny(clippy::disallowed_types)]

use std::any::TypeId;
use std::ffi::c_void;
use std::marker::PhantomData;

use hotshell_abi::{BusBuffer, RenderMode, Sample, Transport};

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
    pub const fn outputs(&mut self) -> &mut [HostBus<'a>] {
        self.outputs
    }
}

/// Channels of each bus, both directions, as one logic's layout has them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Shape {
    /// Channels per input bus.
    pub inputs: Vec<u32>,
    /// Channels per output bus.
    pub outputs: Vec<u32>,
}

/// One logic's view of the host's buffers: preallocated pointers and memory for whatever the host does not give.
///
/// The logic's layout may differ from the host's (a bus shim): missing inputs are silent, extra ones are dropped,
/// host outputs without a counterpart are silent.
#[derive(Debug)]
pub struct Buffers<S> {
    max_frames: usize,
    inputs: Side<S>,
    outputs: Side<S>,
    /// Channel pointers for a logic that wants inputs apart from outputs; as many as the main input has.
    apart: Vec<*mut c_void>,
    _apart_memory: Vec<S>,
}

// SAFETY: the pointers lead to memory that `Buffers` owns, or to host memory while a `Bound` (which is not `Send`)
// borrows it; between blocks nothing reads them.
unsafe impl<S: Send> Send for Buffers<S> {}

#[derive(Debug)]
struct Side<S> {
    buses: Vec<BusBuffer>,
    /// Where the chunk starts, per channel, all buses in a row.
    base: Vec<*mut c_void>,
    /// Where the sub-block starts; `buses` point in here.
    current: Vec<*mut c_void>,
    /// Memory of our own, `max_frames` per channel.
    own: Vec<S>,
    /// Outputs: where `own` must be copied to at the end.
    copy_to: Vec<HostChannel>,
}

impl<S: Sample> Side<S> {
    fn new(channels_per_bus: &[u32], max_frames: usize) -> Self {
        let total: usize = channels_per_bus.iter().map(|n| *n as usize).sum();
        let mut current: Vec<*mut c_void> = vec![std::ptr::null_mut(); total];
        let mut buses = Vec::with_capacity(channels_per_bus.len());
        let mut first = 0;
        for count in channels_per_bus {
            // SAFETY: `first` counts the channels of the buses before, so it is within `total` (or one past it for a
            // bus without channels).
            let channels = unsafe { current.as_mut_ptr().add(first) };
            buses.push(BusBuffer { channels, channel_count: *count, flags: 0, constant_mask: 0 });
            first += *count as usize;
        }
        Self {
            buses,
            base: vec![std::ptr::null_mut(); total],
            current,
            own: vec![S::ZERO; total * max_frames],
            copy_to: vec![HostChannel::Null; total],
        }
    }

    fn own(&mut self, channel: usize, max_frames: usize) -> *mut S {
        // SAFETY: `own` holds `max_frames` samples for each of `base.len()` channels, and callers stay below that.
        unsafe { self.own.as_mut_ptr().add(channel * max_frames) }
    }

    fn advance(&mut self, at: usize) {
        for (current, base) in self.current.iter_mut().zip(&self.base) {
            // SAFETY: `base` points to the chunk's samples, and `at` is below the chunk's frames (`Bound::sub`).
            *current = unsafe { base.cast::<S>().add(at) }.cast();
        }
    }
}

impl<S: Sample> Buffers<S> {
    /// Memory for `shape` and chunks of at most `max_frames`. Allocates.
    #[must_use]
    pub fn new(shape: &Shape, max_frames: u32) -> Self {
        let max_frames = max_frames.max(1) as usize;
        let main_inputs = shape.inputs.first().map_or(0, |n| *n as usize);
        let mut apart_memory = vec![S::ZERO; main_inputs * max_frames];
        let apart = (0..main_inputs)
            // SAFETY: each channel starts within the memory, which is never resized.
            .map(|i| unsafe { apart_memory.as_mut_ptr().add(i * max_frames) }.cast::<c_void>())
            .collect();
        Self {
            max_frames,
            inputs: Side::new(&shape.inputs, max_frames),
            outputs: Side::new(&shape.outputs, max_frames),
            apart,
            _apart_memory: apart_memory,
        }
    }

    /// Most frames of one chunk.
    #[must_use]
    pub const fn max_frames(&self) -> usize {
        self.max_frames
    }

    /// Output channels, all buses in a row.
    #[must_use]
    pub const fn output_channels(&self) -> usize {
        self.outputs.base.len()
    }

    /// Channels of the main input.
    #[must_use]
    pub fn main_inputs(&self) -> usize {
        self.inputs.buses.first().map_or(0, |bus| bus.channel_count as usize)
    }

    /// Points everything at frames `start..start + frames` of `block`. With `aside` the outputs stay in memory of our
    /// own until [`Bound::finish`], and every input that shares memory with an output is copied first.
    pub fn bind<'s>(
        &'s mut self,
        block: &'s HostBlock<'_>,
        start: u32,
        frames: u32,
        aside: bool,
    ) -> Bound<'s, S> {
        let frames = (frames.min(block.frames - start.min(block.frames)) as usize).min(self.max_frames);
        let start = start as usize;
        self.bind_outputs(block, start, aside);
        self.bind_inputs(block, start, frames, aside);
        Bound { buffers: self, host_outputs: &*block.outputs, start, frames }
    }

    fn bind_outputs(&mut self, block: &HostBlock<'_>, start: usize, aside: bool) {
        let mut flat = 0;
        for bus in 0..self.outputs.buses.len() {
            let host = block.outputs.get(bus);
            let inactive = host.is_none_or(|host| host.inactive);
            self.outputs.buses[bus].flags = if inactive { BusBuffer::INACTIVE } else { 0 };
            self.outputs.buses[bus].constant_mask = 0;
            for channel in 0..self.outputs.buses[bus].channel_count as usize {
                let given =
                    host.and_then(|host| host.channels.get(channel)).copied().unwrap_or(HostChannel::Null);
                let given = if inactive { HostChannel::Null } else { given };
                let direct = if aside { None } else { given.at::<S>(start) };
                // Two outputs in the same memory (no host should): the second one is worked on aside and wins.
                let direct = direct.filter(|ptr| !self.outputs.base[..flat].contains(ptr));
                self.outputs.copy_to[flat] = if direct.is_some() { HostChannel::Null } else { given };
                self.outputs.base[flat] =
                    direct.unwrap_or_else(|| self.outputs.own(flat, self.max_frames).cast());
                flat += 1;
            }
        }
    }

    fn bind_inputs(&mut self, block: &HostBlock<'_>, start: usize, frames: usize, aside: bool) {
        let main_outputs = self.outputs.buses.first().map_or(0, |bus| bus.channel_count as usize);
        let mut flat = 0;
        for bus in 0..self.inputs.buses.len() {
            let host = block.inputs.get(bus);
            let inactive = host.is_none_or(|host| host.inactive);
            let mut mask = host.map_or(0, |host| host.constant_mask);
            for channel in 0..self.inputs.buses[bus].channel_count as usize {
                let given =
                    host.and_then(|host| host.channels.get(channel)).copied().unwrap_or(HostChannel::Null);
                let given = if inactive { HostChannel::Null } else { given };
                let direct = given.at::<S>(start).filter(|ptr| {
                    let in_place = bus == 0 && channel < main_outputs && self.outputs.base[channel] == *ptr;
                    let shared = block.shares_output(given);
                    if aside { !shared } else { in_place || !shared }
                });
                self.inputs.base[flat] = direct.unwrap_or_else(|| {
                    let own = self.inputs.own(flat, self.max_frames);
                    // SAFETY: `own` has room for `max_frames >= frames` samples of ours; `given` is host memory of at
                    // least `start + frames` samples (`HostBlock::new`).
                    unsafe { given.read_into(start, own, frames) };
                    own.cast()
                });
                if matches!(given, HostChannel::Null) && channel < 64 {
                    mask |= 1 << channel;
                }
                flat += 1;
            }
            self.inputs.buses[bus].flags = if inactive { BusBuffer::INACTIVE } else { 0 };
            self.inputs.buses[bus].constant_mask = mask;
        }
    }
}

impl HostChannel {
    /// The address of frame `start` if the channel has samples of type `S`.
    fn at<S: Sample>(self, start: usize) -> Option<*mut c_void> {
        let single = TypeId::of::<S>() == TypeId::of::<f32>();
        match self {
            // SAFETY: `start` lies within the block's frames, which the memory holds (`HostBlock::new`).
            Self::F32(ptr) if single => Some(unsafe { ptr.add(start) }.cast()),
            // SAFETY: as above.
            Self::F64(ptr) if !single => Some(unsafe { ptr.add(start) }.cast()),
            _ => None,
        }
    }

    const fn address(self) -> *const c_void {
        match self {
            Self::Null => std::ptr::null(),
            Self::F32(ptr) => ptr.cast(),
            Self::F64(ptr) => ptr.cast(),
        }
    }

    /// # Safety
    /// `to` has room for `frames`; the channel holds `start + frames` samples and does not overlap `to`.
    unsafe fn read_into<S: Sample>(self, start: usize, to: *mut S, frames: usize) {
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
    unsafe fn write_from<S: Sample>(self, start: usize, from: *const S, frames: usize) {
        for i in 0..frames {
            // SAFETY: by this function's contract.
            unsafe {
                match self {
                    Self::Null => {}
                    Self::F32(to) => *to.add(start + i) = (*from.add(i)).to_f32(),
                    Self::F64(to) => *to.add(start + i) = (*from.add(i)).to_f64(),
                }
            }
        }
    }

    /// # Safety
    /// The channel holds `start + frames` samples.
    unsafe fn silence(self, start: usize, frames: usize) {
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
    fn shares_output(&self, channel: HostChannel) -> bool {
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

/// [`Buffers`] pointed at one chunk of a block.
#[derive(Debug)]
pub struct Bound<'s, S> {
    buffers: &'s mut Buffers<S>,
    host_outputs: &'s [HostBus<'s>],
    start: usize,
    frames: usize,
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
        // SAFETY: `base` points to `frames` samples, in host memory that the block's contract keeps valid or in our
        // own; `&mut self` makes this the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.buffers.outputs.base[i].cast::<S>(), self.frames) }
    }

    /// Input channel `i` of the whole chunk; may be the memory of output `i`.
    ///
    /// # Panics
    /// If `i` is past the last channel.
    #[inline]
    #[must_use]
    pub fn input(&self, i: usize) -> &[S] {
        // SAFETY: as `output`; `&self` excludes a mutable reference to the same memory.
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
            self.output(channel)[i] = if sample.finite() { sample } else { S::ZERO };
        }
    }

    /// Moves every input into memory of our own, so that [`Bound::scale_inputs`] changes nothing of the host's.
    pub fn own_inputs(&mut self) {
        for i in 0..self.buffers.inputs.base.len() {
            let own = self.buffers.inputs.own(i, self.buffers.max_frames);
            let base = self.buffers.inputs.base[i].cast::<S>();
            if base != own {
                // SAFETY: both hold `frames` samples; `own` belongs to us and `base`, being another address, is host
                // memory.
                unsafe { std::ptr::copy_nonoverlapping(base, own, self.frames) };
                self.buffers.inputs.base[i] = own.cast();
            }
        }
    }

    /// Multiplies frames `from..to` of every input by `gain(frame - from)`, after [`Bound::own_inputs`].
    ///
    /// # Panics
    /// If the range leaves the chunk.
    pub fn scale_inputs(&mut self, from: usize, to: usize, gain: impl Fn(usize) -> f64) {
        for i in 0..self.buffers.inputs.base.len() {
            let own = self.buffers.inputs.own(i, self.buffers.max_frames);
            // SAFETY: memory of our own, `max_frames` long, exclusive through `&mut self`.
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
        self.buffers.inputs.advance(at);
        self.buffers.outputs.advance(at);
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

    /// Copies what was worked on aside to the host, and silences host outputs that the logic does not have.
    pub fn finish(self) {
        let outputs = &self.buffers.outputs;
        for (base, to) in outputs.base.iter().zip(&outputs.copy_to) {
            // SAFETY: `to` is host memory of the block, `base` the own memory it was bound to.
            unsafe { to.write_from(self.start, base.cast::<S>(), self.frames) };
        }
        for (i, bus) in self.host_outputs.iter().enumerate() {
            let covered = outputs.buses.get(i).map_or(0, |bus| bus.channel_count as usize);
            for channel in bus.channels.iter().skip(if bus.inactive { 0 } else { covered }) {
                // SAFETY: host memory of the block.
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

/// A block over memory of its own: the Rig, the trial, offline rendering, preparing an instance. Safe to use.
#[derive(Debug)]
pub struct OwnedBlock<S> {
    inputs: Vec<Vec<S>>,
    outputs: Vec<Vec<S>>,
    shape: Shape,
    frames: u32,
}

impl<S: Sample> OwnedBlock<S> {
    /// Silent buffers of `frames` for `shape`. Allocates.
    #[must_use]
    pub fn new(shape: &Shape, frames: u32) -> Self {
        let side = |counts: &[u32]| {
            let total: u32 = counts.iter().sum();
            (0..total).map(|_| vec![S::ZERO; frames as usize]).collect()
        };
        Self { inputs: side(&shape.inputs), outputs: side(&shape.outputs), shape: shape.clone(), frames }
    }

    /// Input channel `i`, all buses in a row.
    pub fn input(&mut self, i: usize) -> Option<&mut [S]> {
        self.inputs.get_mut(i).map(Vec::as_mut_slice)
    }

    /// Output channel `i`, all buses in a row.
    #[must_use]
    pub fn output(&self, i: usize) -> Option<&[S]> {
        self.outputs.get(i).map(Vec::as_slice)
    }

    /// Number of output channels.
    #[must_use]
    pub const fn output_channels(&self) -> usize {
        self.outputs.len()
    }

    /// Runs `body` on a host block over this memory, of the first `frames` frames. Allocates: never on [audio].
    pub fn with<R>(&mut self, frames: u32, body: impl FnOnce(&mut HostBlock<'_>) -> R) -> R {
        let wrap = |side: &mut Vec<Vec<S>>| -> Vec<HostChannel> {
            side.iter_mut().map(|channel| HostChannel::over(channel.as_mut_slice())).collect()
        };
        let (inputs, outputs) = (wrap(&mut self.inputs), wrap(&mut self.outputs));
        let input_buses = buses(&self.shape.inputs, &inputs);
        let mut output_buses = buses(&self.shape.outputs, &outputs);
        let frames = frames.min(self.frames);
        // SAFETY: every channel is one of our own vectors with at least `frames` samples, borrowed mutably with
        // `self` while `body` runs; none alias.
        let mut block = unsafe { HostBlock::new(frames, &input_buses, &mut output_buses) };
        body(&mut block)
    }
}

impl HostChannel {
    fn over<S: Sample>(samples: &mut [S]) -> Self {
        if TypeId::of::<S>() == TypeId::of::<f32>() {
            Self::F32(samples.as_mut_ptr().cast())
        } else {
            Self::F64(samples.as_mut_ptr().cast())
        }
    }
}

fn buses<'a>(counts: &[u32], mut channels: &'a [HostChannel]) -> Vec<HostBus<'a>> {
    counts
        .iter()
        .map(|count| {
            let (here, rest) = channels.split_at((*count as usize).min(channels.len()));
            channels = rest;
            HostBus { channels: here, constant_mask: 0, inactive: false }
        })
        .collect()
}
