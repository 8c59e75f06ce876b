//! The end of a block: what was learnt of the logic, what is counted, who is told.
//!
//! Called by: `shell/audio`. Calls: the host, of a shell without a reload thread. Threads: [audio].

#![deny(clippy::disallowed_types)]

use std::sync::atomic::Ordering::{Relaxed, Release};
use std::time::Instant;

use hotshell_abi::Sample;

use crate::params::Parameters;
use crate::shell::audio::ShellAudio;
use crate::shell::verdict::Verdict;
use crate::shell::{BlockStatus, HostBlock, Outcome};

/// Least time between two calls for help of a shell without a reload thread, in seconds of audio.
const NUDGE_SECONDS: f64 = 0.25;

impl<P: Parameters, S: Sample> ShellAudio<P, S> {
    /// Timing, statistics and what the host is told.
    #[inline]
    pub(super) fn conclude(
        &mut self,
        verdict: &Verdict,
        block: &mut HostBlock<'_>,
        started: Option<Instant>,
    ) -> Outcome {
        let frames = block.frames();
        let swapping = self.incoming.is_some();
        let latency_moved = self.learn(verdict, swapping);
        for bus in 0..block.outputs().len() {
            let mask =
                verdict.masks.get(bus).copied().filter(|_| !swapping && !block.outputs()[bus].inactive);
            block.set_constant_mask(bus, mask.unwrap_or(0));
        }
        self.link.blocks.store(self.link.blocks.load(Relaxed) + 1, Relaxed);
        self.link.begin();
        if verdict.lost {
            self.link.lost.store(self.link.lost.load(Relaxed) + 1, Relaxed);
        }
        let failed = self.tell_fault();
        self.call_for_help(failed || latency_moved, frames);
        if let Some(started) = started {
            self.time(started, frames, swapping);
        }
        let tail = self.link.tail.load(Relaxed);
        let tail_changed = tail != self.told_tail;
        self.told_tail = tail;
        let quiet = !verdict.active && !verdict.lost && !swapping && verdict.silent;
        let sleep = quiet && self.delayed_frames() <= self.quiet_frames && self.link.keys.is_empty();
        self.quiet_frames = if quiet { self.quiet_frames.saturating_add(u64::from(frames)) } else { 0 };
        Outcome { status: if sleep { BlockStatus::Sleep } else { BlockStatus::Continue }, tail_changed }
    }

    /// What is on its way through our own delays may still be heard.
    fn delayed_frames(&self) -> u64 {
        let pad = self.current.pad.as_ref().map_or(0, crate::shell::delay::DelayLine::frames);
        if self.current.growing.as_ref().is_some_and(|longer| !longer.is_over()) {
            return u64::MAX;
        }
        pad.max(self.bypass.frames()) as u64
    }

    /// Takes over what the logic said of itself; true if its latency differs from what it said before.
    fn learn(&mut self, verdict: &Verdict, swapping: bool) -> bool {
        let Some(result) = verdict.result else { return false };
        self.link.latency.store(result.latency, Relaxed);
        self.link.tail.store(result.tail, Relaxed);
        if !swapping {
            (self.current.latency, self.current.tail) = (result.latency, result.tail);
        }
        std::mem::replace(&mut self.told_latency, result.latency) != result.latency
    }

    /// Says once of each player that it has failed; true if just now. One that dies while it is faded out (in its
    /// `snapshot`, say) is replaced already: it is reported as it leaves.
    fn tell_fault(&mut self) -> bool {
        let serial = self.current.serial;
        if !self.current.instance.is_dead() || self.current.told || self.incoming.is_some() {
            return false;
        }
        self.current.told = true;
        self.link.fault_build.store(self.current.build, Relaxed);
        self.link.fault.store(serial, Release);
        true
    }

    /// Without a reload thread, the main thread's next look must be asked for: at once where something has happened,
    /// and every now and then while something waits.
    #[inline]
    fn call_for_help(&mut self, happened: bool, frames: u32) {
        let Some(host) = &self.host else { return };
        let waiting = self.current.instance.is_dead() || self.link.nudge.load(Relaxed);
        if !happened && !waiting {
            return;
        }
        self.since_nudge = self.since_nudge.saturating_add(u64::from(frames));
        #[expect(clippy::cast_precision_loss, reason = "frames since a moment ago")]
        let due = self.since_nudge as f64 >= NUDGE_SECONDS * self.config.sample_rate;
        if happened || due {
            self.since_nudge = 0;
            self.link.nudge.store(false, Relaxed);
            host.request_callback();
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of one block")]
    fn time(&mut self, started: Instant, frames: u32, swapping: bool) {
        let nanoseconds = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if swapping {
            self.link.swap_ns.fetch_max(nanoseconds, Relaxed);
        } else {
            self.link.steady_ns.store(nanoseconds, Relaxed);
            self.costs.rotate_left(1);
            self.costs[2] = nanoseconds as f32 / frames.max(1) as f32;
            // The middle one: a block in which the thread was put aside says nothing of the logic.
            let [a, b, c] = self.costs;
            self.current.cost = a.max(b).min(a.min(b).max(c));
        }
    }
}
