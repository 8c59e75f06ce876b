//! The latency that the host has read while active becomes the one that is heard.
//!
//! Called by: `shell/control/shell`. Calls: `shell/bypass`. Threads: [main].
//!
//! Some hosts never restart a plug-in for its latency: they only read the new value (Ardour 9, JUCE's). From then on they
//! compensate for that value, so that is how late the sound must be: the pad under a smaller latency goes, and the dry
//! signal of the bypass follows, both within a fade. Before the host has read, nothing moves: it compensates for what it
//! read last. A host that restarts instead gets both anew in its activation.

use std::sync::atomic::Ordering::{Acquire, Release};

use hotshell_abi::Sample;

use crate::params::Parameters;
use crate::shell::bypass::Redelay;
use crate::shell::control::{Control, Main};

impl<P: Parameters, S: Sample> Control<P, S> {
    /// Lets [audio] follow what the host has read.
    pub(super) fn keep_in_step(&self, main: &Main<S>) {
        let (Some(config), known) = (main.active, main.announced.latency()) else { return };
        if self.link.known_latency.load(Acquire) == known {
            return;
        }
        self.link.known_latency.store(known, Release);
        // One that is just being taken is trimmed there.
        if let Some(mut candidate) = self.link.inbox.take() {
            candidate.pad_to(known);
            self.link.inbox.put(candidate);
        }
        let change = Redelay::new(main.dry_channels, config.max_frames, known, config.sample_rate);
        drop(self.link.redelay.put(Box::new(change)));
    }
}
