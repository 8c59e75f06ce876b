//! What counts as a fault of a call on the audio thread, and what only deserves a warning.
//!
//! Called by: `trial/play`. Calls: nothing. Threads: the thread under trial, between blocks.

use super::finding::{Finding, Kind, call_words};
use super::guard::{Offences, Place};
use super::plan::Case;

/// Hz; beyond it a plug-in that is too slow is only warned of: the author may know that nobody uses it so.
const USUAL_RATE: f64 = 48_000.0;
/// Frames; shorter blocks are not judged by the clock: what a call costs by itself is most of them.
const LEAST_FRAMES: u32 = 32;
/// Blocks without the first one, which finds everything cold.
const LEAST_BLOCKS: u32 = 3;

/// What was let pass in this process: something that is made once for the whole thread (a thread-local of the author's,
/// or of a library's) is no reason to keep a build back.
#[derive(Debug, Default)]
pub struct Patience {
    spent: bool,
}

/// Memory and the kernel in a call on the audio thread.
///
/// # Errors
/// The one that is a fault; a warning goes to `warnings`.
pub fn misdeeds(
    case: &Case,
    (place, block): (Place, u32),
    offences: &Offences,
    patience: &mut Patience,
    warnings: &mut Vec<Finding>,
) -> Result<(), Finding> {
    if case.offline {
        return Ok(());
    }
    // An allocation enters the kernel now and then: it is one fault, and the deeper one.
    let memory = memory(place, block, offences, patience);
    let finding = if memory.is_some() { memory } else { kernel(place, block, offences) };
    match finding {
        Some(finding) if finding.error => Err(finding),
        Some(finding) => {
            warnings.push(finding);
            Ok(())
        }
        None => Ok(()),
    }
}

fn memory(place: Place, block: u32, offences: &Offences, patience: &mut Patience) -> Option<Finding> {
    if offences.memory == 0 {
        return None;
    }
    // In an instance's first block something is made at its first use: once for each instance, not for ever.
    let first = place == Place::Process && block == 0;
    let error = !first && std::mem::replace(&mut patience.spent, true);
    let hint = if error { "" } else { ", at its first use: make it in `reset`" };
    let (words, calls) = (place.words(), offences.memory);
    let mut what = format!("memory is allocated or freed in {words} ({calls} calls in one block{hint})");
    if let Some((name, true)) = offences.system_call.map(call_words) {
        what.push_str(&format!(", and the system call `{name}` waits"));
    }
    let stack = offences.memory_stack.clone();
    Some(Finding { error, kind: Kind::Memory, what, place, block, stack })
}

fn kernel(place: Place, block: u32, offences: &Offences) -> Option<Finding> {
    let (what, error) = match (offences.system_call, offences.waits) {
        (Some(call), _) => {
            let (name, waits) = call_words(call);
            (format!("the system call `{name}` in {}", place.words()), waits)
        }
        (None, 0) => return None,
        (None, waits) => (format!("{} waited {waits} times in a block", place.words()), true),
    };
    let stack = offences.call_stack.clone();
    Some(Finding { error, kind: Kind::SystemCall, what, place, block, stack })
}

/// The processor's time of one case.
#[derive(Debug)]
pub struct Clock {
    rate: f64,
    used_ns: f64,
    lasts_ns: f64,
    blocks: u32,
    /// The block that took longest for its length: how many times its own length, and which.
    worst: (f64, u32),
}

impl Clock {
    /// Nothing played yet.
    #[must_use]
    pub const fn new(case: &Case) -> Self {
        Self { rate: case.rate, used_ns: 0.0, lasts_ns: 0.0, blocks: 0, worst: (0.0, 0) }
    }

    /// Adds one block.
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of one block")]
    pub fn count(&mut self, block: u32, frames: u32, cpu_ns: u64) {
        if block == 0 {
            return;
        }
        let (used, lasts) = (cpu_ns as f64, f64::from(frames) * 1e9 / self.rate);
        self.used_ns += used;
        self.lasts_ns += lasts;
        self.blocks += 1;
        if frames >= LEAST_FRAMES && used / lasts > self.worst.0 {
            self.worst = (used / lasts, block);
        }
    }

    /// Too slow for real time, if so: an error where it is so on the whole and at a usual rate.
    #[must_use]
    pub fn verdict(&self, case: &Case) -> Option<Finding> {
        if case.offline || case.frames < LEAST_FRAMES || self.blocks < LEAST_BLOCKS {
            return None;
        }
        let whole = self.used_ns / self.lasts_ns;
        let (what, error) = if whole > 1.0 {
            let what = format!("`process` takes {whole:.1} times as long as its blocks last");
            (what, case.rate <= USUAL_RATE)
        } else if self.worst.0 > 1.0 {
            (format!("one block takes {:.1} times as long as it lasts", self.worst.0), false)
        } else {
            return None;
        };
        let (place, block) = (Place::Process, self.worst.1);
        Some(Finding { error, kind: Kind::Slow, what, place, block, stack: Vec::new() })
    }
}
