//! What a logic may touch in a block: precision, missing channels and aliasing are resolved here, once per chunk.
//!
//! Called by: `shell/{player,audio,swap}`. Calls: `rt/{block,bound}`.
//! Threads: [audio]; [`Buffers::new`] allocates and is [main] [reload].
//!
//! A logic must find (see `ProcessArgs`): main input channel i either *is* main output channel i or shares memory with no
//! output; no other input shares memory with an output; no two outputs share memory. A host may give anything, as whole
//! channels. So, in this order: outputs that share memory with an earlier output are worked on in memory of our own;
//! then inputs that share memory with any output, and are not its counterpart, are copied. Everything is copied before
//! the logic runs and written back after it, so crossed channels cost a copy and nothing else.

#![allow(unsafe_code, reason = "DESIGN 9.9: pointers into host memory and our own")]
#![deny(clippy::disallowed_types)]

use std::ffi::c_void;

use hotshell_abi::{BusBuffer, Sample};

use crate::rt::block::{HostBlock, HostBus, HostChannel};
use crate::rt::bound::Bound;

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
    pub(super) max_frames: usize,
    pub(super) inputs: Side<S>,
    pub(super) outputs: Side<S>,
    /// Channel pointers for a logic that wants inputs apart from outputs; as many as the main input has.
    pub(super) apart: Vec<*mut c_void>,
    /// Where they lead. Never resized, so moving the struct moves none of it.
    _apart_memory: Vec<S>,
    /// Everything is host memory, as it is: nothing to copy or to silence at the end.
    pub(super) plain: bool,
    /// The host's channels when `plain` was found out, outputs first: hosts use the same memory block after block, and
    /// what shares memory with what need not be found out again.
    known: Vec<HostChannel>,
}

// SAFETY: the pointers lead into vectors that `Buffers` owns (heap memory, which stays where it is when the struct moves
// to another thread), or to host memory. Host memory is reached only through a `Bound`, which borrows `Buffers` and the
// block and is not `Send`; the next `bind` writes every one of those pointers anew before anything reads it.
unsafe impl<S: Send> Send for Buffers<S> {}

#[derive(Debug)]
pub(super) struct Side<S> {
    pub(super) buses: Vec<BusBuffer>,
    /// Where the chunk starts, per channel, all buses in a row.
    pub(super) base: Vec<*mut c_void>,
    /// Where the sub-block starts; `buses` point in here. Never resized: its heap memory stays when the struct moves.
    current: Vec<*mut c_void>,
    /// Memory of our own, `max_frames` per channel. Never resized.
    own: Vec<S>,
    /// Outputs: where `own` must be copied to at the end.
    pub(super) copy_to: Vec<HostChannel>,
}

impl<S: Sample> Side<S> {
    fn new(channels_per_bus: &[u32], max_frames: usize) -> Self {
        let total: usize = channels_per_bus.iter().map(|n| *n as usize).sum();
        let mut current: Vec<*mut c_void> = vec![std::ptr::null_mut(); total];
        let mut buses = Vec::with_capacity(channels_per_bus.len());
        let mut first = 0;
        for count in channels_per_bus {
            // SAFETY: `first` counts the channels of the buses before, so it is within the `total` pointers (or one past
            // them for a bus without channels).
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

    /// Start of our own memory for `channel`: `max_frames` samples that overlap those of no other channel.
    pub(super) fn own(&mut self, channel: usize, max_frames: usize) -> *mut S {
        assert!(channel < self.base.len(), "channels are counted when the memory is made");
        // SAFETY: `own` holds `max_frames` samples for each of `base.len()` channels (`new`), and `channel` is below.
        unsafe { self.own.as_mut_ptr().add(channel * max_frames) }
    }

    /// Points `base` at frame `start` of the same host memory as `known`, which is this side's; of the host's constant
    /// masks, `masks` counts. False (and anything in the pointers) if it is not the same.
    #[inline]
    fn bind_known(&mut self, known: &[HostChannel], hosts: &[HostBus<'_>], start: usize, masks: u64) -> bool {
        if hosts.len() != self.buses.len() {
            return false;
        }
        let mut flat = 0;
        for (bus, host) in self.buses.iter_mut().zip(hosts) {
            let end = flat + bus.channel_count as usize;
            if host.inactive || host.channels.len() != bus.channel_count as usize {
                return false;
            }
            let (Some(known), Some(base)) = (known.get(flat..end), self.base.get_mut(flat..end)) else {
                return false;
            };
            for ((before, given), base) in known.iter().zip(host.channels).zip(base) {
                let Some(ptr) = given.at::<S>(start) else { return false };
                if before.address() != given.address() {
                    return false;
                }
                *base = ptr;
            }
            (bus.flags, bus.constant_mask) = (0, host.constant_mask & masks);
            flat = end;
        }
        true
    }

    /// Points the buses at frame `at` of the chunk, which must be below the chunk's frames.
    ///
    /// # Safety
    /// Every `base` points to more than `at` samples.
    pub(super) unsafe fn advance(&mut self, at: usize) {
        for (current, base) in self.current.iter_mut().zip(&self.base) {
            // SAFETY: by this function's contract the address lies within the same samples.
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
            plain: false,
            known: Vec::with_capacity(shape.outputs.iter().chain(&shape.inputs).map(|n| *n as usize).sum()),
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
        let frames = (frames.min(block.frames().saturating_sub(start)) as usize).min(self.max_frames);
        let start = start as usize;
        self.plain = !aside && (self.bind_known(block, start) || self.bind_plain(block, start));
        if !self.plain {
            self.bind_outputs(block, start, aside);
            self.bind_inputs(block, start, frames, aside);
        }
        let mut bound = Bound { buffers: self, host_outputs: block.outputs(), start, frames };
        bound.clean_inputs();
        bound
    }

    /// The same host memory as last time. False (and anything in the pointers) if it is not.
    fn bind_known(&mut self, block: &HostBlock<'_>, start: usize) -> bool {
        let Some((of_outputs, of_inputs)) = self.known.split_at_checked(self.outputs.base.len()) else {
            return false;
        };
        self.outputs.bind_known(of_outputs, block.outputs(), start, 0)
            && self.inputs.bind_known(of_inputs, block.inputs(), start, u64::MAX)
    }

    /// What nearly every block is: the layout's own channels, of our own precision, in place or apart. False (and
    /// anything in the pointers) if it is not.
    fn bind_plain(&mut self, block: &HostBlock<'_>, start: usize) -> bool {
        let Self { inputs, outputs, known, .. } = self;
        known.clear();
        if block.outputs().len() != outputs.buses.len() || block.inputs().len() != inputs.buses.len() {
            return false;
        }
        let mut flat = 0;
        for (bus, host) in outputs.buses.iter_mut().zip(block.outputs()) {
            if host.inactive || host.channels.len() != bus.channel_count as usize {
                return false;
            }
            for given in host.channels {
                let Some(ptr) = given.at::<S>(start) else { return false };
                if outputs.base[..flat].contains(&ptr) {
                    return false;
                }
                outputs.base[flat] = ptr;
                flat += 1;
            }
            (bus.flags, bus.constant_mask) = (0, 0);
        }
        let main_outputs = outputs.buses.first().map_or(0, |bus| bus.channel_count as usize);
        flat = 0;
        for (number, (bus, host)) in inputs.buses.iter_mut().zip(block.inputs()).enumerate() {
            if host.inactive || host.channels.len() != bus.channel_count as usize {
                return false;
            }
            for given in host.channels {
                let Some(ptr) = given.at::<S>(start) else { return false };
                let counterpart = number == 0 && flat < main_outputs && outputs.base[flat] == ptr;
                if !counterpart && outputs.base.contains(&ptr) {
                    return false;
                }
                inputs.base[flat] = ptr;
                flat += 1;
            }
            (bus.flags, bus.constant_mask) = (0, host.constant_mask);
        }
        // As many as there are pointers, which is what the memory was made for.
        let hosts = block.outputs().iter().chain(block.inputs());
        known.extend(hosts.flat_map(|host| host.channels.iter().copied()));
        true
    }

    fn bind_outputs(&mut self, block: &HostBlock<'_>, start: usize, aside: bool) {
        let mut flat = 0;
        for bus in 0..self.outputs.buses.len() {
            let host = block.outputs().get(bus);
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
            let host = block.inputs().get(bus);
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
                    // SAFETY: `own` has room for `max_frames >= frames` samples of ours, which no host memory overlaps;
                    // `given` is host memory of at least `start + frames` samples (`HostBlock::new`, `bind`).
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
