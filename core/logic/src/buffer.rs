//! The audio of one sub-block, aliasing resolved by the shell.
//!
//! Called by: authors; `export/thunk` makes it. Calls: `hotshell_abi::block`. Threads: [audio].
#![deny(clippy::disallowed_types)]

use std::ops::Range;

use hotshell_abi::block::BlockView;
pub use hotshell_abi::block::{Channels, ChannelsMut, Sample};

/// Inputs and outputs of one sub-block. Every channel has [`AudioBuffer::frames`] samples.
///
/// What is not written is silent, or the input where the host gave one buffer for both.
#[derive(Debug)]
pub struct AudioBuffer<'a, S> {
    view: BlockView<'a, S>,
}

impl<'a, S: Sample> AudioBuffer<'a, S> {
    pub(crate) const fn new(view: BlockView<'a, S>) -> Self {
        Self { view }
    }

    /// After the author: no output is left as the host's memory was.
    #[inline]
    pub(crate) fn finish(&mut self) {
        self.view.finish();
    }

    /// Frames of this sub-block, >= 1.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.view.frames()
    }

    /// The main output with the main input already in it: for work in place. Copies a channel only where the host gave
    /// two buffers; outputs beyond the inputs are silent. Call it once: a second call copies the input again.
    pub fn in_place(&mut self) -> ChannelsMut<'_, S> {
        self.view.in_place()
    }

    /// The main input and the main output side by side. Copies only where the host gave one buffer for both.
    pub fn io(&mut self) -> (Channels<'_, S>, ChannelsMut<'_, S>) {
        self.view.separate()
    }

    /// The main output, silent the first time: for instruments. Where the host gave one buffer for both it holds the
    /// input.
    pub fn output(&mut self) -> ChannelsMut<'_, S> {
        self.view.output(0).unwrap_or_else(ChannelsMut::empty)
    }

    /// Auxiliary input `i`, the first is 0; `None` if the layout has none or the host switched it off. Take it first: it
    /// stays readable while the main bus is written, as a side-chain needs.
    #[must_use]
    pub fn aux_in(&self, i: usize) -> Option<Channels<'a, S>> {
        let bus = self.view.inputs().get(i + 1)?;
        if bus.flags & hotshell_abi::BusBuffer::INACTIVE != 0 {
            return None;
        }
        self.view.aux_input(i + 1)
    }

    /// Auxiliary output `i`, the first is 0; `None` if the layout has none. Silent the first time.
    pub fn aux_out(&mut self, i: usize) -> Option<ChannelsMut<'_, S>> {
        self.view.output(i + 1)
    }

    /// Input bus `bus` (0 is the main one): bit `i` set means that channel `i` holds one constant value. 0 where there
    /// is no such bus.
    #[must_use]
    pub fn constant_inputs(&self, bus: usize) -> u64 {
        self.view.inputs().get(bus).map_or(0, |bus| bus.constant_mask)
    }

    /// Says that channels of output bus `bus` hold one constant value each. Say it only where it is true: hosts stop
    /// reading such channels.
    pub fn set_constant_outputs(&mut self, bus: usize, mask: u64) {
        if let Some(bus) = self.view.outputs_mut().get_mut(bus) {
            bus.constant_mask = mask;
        }
    }

    /// Writes silence to every output and says so.
    pub fn silence(&mut self) {
        for bus in 0..self.view.outputs_mut().len() {
            let Some(mut channels) = self.view.output(bus) else { continue };
            let mask = 1_u64
                .checked_shl(u32::try_from(channels.len()).unwrap_or(64))
                .map_or(u64::MAX, |bit| bit - 1);
            channels.iter_mut().for_each(|channel| channel.fill(S::ZERO));
            self.set_constant_outputs(bus, mask);
        }
    }

    /// The frames in pieces of at most `most` (>= 1), for DSP of limited block size: ranges to slice channels with.
    pub fn chunks(&self, most: usize) -> impl Iterator<Item = Range<usize>> + use<S> {
        let (frames, most) = (self.frames(), most.max(1));
        (0..frames).step_by(most).map(move |start| start..(start + most).min(frames))
    }
}
