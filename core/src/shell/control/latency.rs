//! The latency that the host has read while active becomes the one that is heard.
//!
//! Called by: `shell/control/shell`. Calls: `shell/{bypass,player}`. Threads: [main].
//!
//! Some hosts never restart a plug-in for its latency: they only read the new value (Ardour 9, JUCE's). From then on they
//! compensate for that value, so that is how late the sound must be: the pad under a smaller latency goes, one
//! under a latency that turned out too small comes, and the dry signal of the bypass follows, all within a fade. Before the host has read, nothing moves: it compensates for what it
//! read last. A host that restarts instead gets both anew in its activation.

use std::sync::atomic::Ordering::{AcqRel, Acquire};

use hotshell_abi::Sample;

use crate::params::Parameters;
use crate::shell::bypass::Redelay;
use crate::shell::control::{Control, Live, Main};
use crate::shell::player::shape_of;

impl<P: Parameters, S: Sample> Control<P, S> {
    /// Lets [audio] follow what the host has read.
    pub(super) fn keep_in_step(&self, main: &mut Main<S>) {
        let (Some(config), known) = (main.active, main.announced.latency()) else { return };
        if self.link.known_latency.load(Acquire) == known {
            return;
        }
        self.settle_taken(main);
        let before = self.link.known_latency.swap(known, AcqRel);
        if let Some(mut candidate) = self.link.inbox.take() {
            candidate.pad_to(known);
            self.link.inbox.put(candidate);
        }
        if known > before {
            // One that has just been taken was padded to what the host knew before, and the one that plays until then may
            // play on. [audio] sends back what it does not need.
            let channels = Self::output_channels(main);
            let pad = || Redelay::new(channels, config.max_frames, known, config.sample_rate);
            drop(self.link.longer_pad.put(Box::new(pad().with_second(pad()))));
        }
        let change = Redelay::new(main.dry_channels, config.max_frames, known, config.sample_rate);
        drop(self.link.redelay.put(Box::new(change)));
    }

    /// Most output channels of whoever plays, or is about to.
    fn output_channels(main: &Main<S>) -> usize {
        let channels = |live: &Live| {
            let layout = Self::layout_in(&main.announced, main.layout, live.desc) as usize;
            let shape = shape_of(live.desc.layouts.as_slice().get(layout));
            shape.outputs.iter().map(|channels| *channels as usize).sum()
        };
        let waiting = main.pending.as_ref().map_or(0, |pending| channels(&pending.live));
        // One that is just fading out is of a build that is live no more.
        let announced = main
            .announced
            .layouts()
            .get(main.layout)
            .map_or(0, |layout| layout.outputs.iter().map(|bus| bus.channels as usize).sum());
        waiting.max(channels(&main.live)).max(announced)
    }
}
