//! A block over memory of its own: for whatever runs a logic without a host.
//!
//! Called by: `offline`, `shell/control/handover` (silent blocks). Calls: `rt/block`. Threads: [any but audio]: a block
//! is described anew for each call, which allocates.

#![allow(unsafe_code, reason = "DESIGN 9.9: vectors become a host's block here")]

use hotshell_abi::Sample;

use crate::rt::block::{HostBlock, HostBus, HostChannel};
use crate::rt::buffers::Shape;

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
        // SAFETY: every channel is one of our own vectors with at least `frames` samples (`new`). `self` stays borrowed
        // mutably while `body` runs, so nobody else reaches them; no two are the same.
        let mut block = unsafe { HostBlock::new(frames, &input_buses, &mut output_buses) };
        body(&mut block)
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
