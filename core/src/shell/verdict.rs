//! What a block adds up to, sub-block by sub-block.
//!
//! Called by: `shell/audio`, `shell/swap`. Calls: nothing. Threads: [audio].

#![deny(clippy::disallowed_types)]

use hotshell_abi::Sample;

use crate::instance::BlockResult;
use crate::rt::bound::Bound;

/// What a block adds up to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Verdict {
    /// The logic says that its output matters.
    pub active: bool,
    /// Part of the output came from a fallback.
    pub lost: bool,
    /// Every output is zero.
    pub silent: bool,
    /// Constant channels per output bus.
    pub masks: [u64; MASKS],
    /// The last answer of whoever is heard.
    pub result: Option<BlockResult>,
}

/// Buses whose constant masks are passed on.
pub const MASKS: usize = 8;

impl Verdict {
    /// Adds one sub-block's answer.
    #[inline]
    pub fn take(&mut self, result: Option<BlockResult>) {
        if let Some(result) = result {
            self.active |= result.active;
            self.result = Some(result);
        }
    }

    /// Looks which outputs are constant over the chunk: only where the logic says so, or says that it is quiet, or where
    /// the host says it of the input.
    #[inline]
    pub fn constants<S: Sample>(&mut self, io: &mut Bound<'_, S>) {
        let is_told = |io: &Bound<'_, S>| (0..io.output_buses()).any(|bus| io.output_mask(bus) != 0);
        if self.active && !io.main_input_is_constant() && !is_told(io) {
            return;
        }
        self.silent = true;
        for i in 0..io.output_channels() {
            let (Some((bus, channel)), Some(first)) = (io.output_place(i), io.output(i).first().copied())
            else {
                continue;
            };
            let constant = io.output(i).iter().all(|sample| *sample == first);
            self.silent &= constant && first == S::ZERO;
            if let (true, true, Some(mask)) = (constant, channel < 64, self.masks.get_mut(bus)) {
                *mask |= 1 << channel;
            }
        }
    }

    /// Adds the verdict of a part of the block.
    pub fn join(&mut self, part: &Self) {
        self.active |= part.active;
        self.lost |= part.lost;
        self.result = part.result.or(self.result);
        self.is_part();
    }

    /// What was found holds for a part of the block only: nothing is said of the whole.
    pub const fn is_part(&mut self) {
        self.silent = false;
        self.masks = [0; MASKS];
    }
}
