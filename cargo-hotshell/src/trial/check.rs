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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::plan::{Facts, cases};

    fn case(rate: f64, frames: u32, offline: bool) -> Case {
        let facts =
            Facts { layouts: 1, params: Vec::new(), notes: false, id: String::new(), states: Vec::new() };
        Case { rate, frames, offline, ..cases(&[facts], 1).remove(0) }
    }

    fn clock(case: &Case, times: [f64; 5]) -> Option<Finding> {
        let mut clock = Clock::new(case);
        for (block, times) in (0..).zip(times) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "nanoseconds of a test"
            )]
            let cpu_ns = (times * f64::from(case.frames) * 1e9 / case.rate) as u64;
            clock.count(block, case.frames, cpu_ns);
        }
        clock.verdict(case)
    }

    #[test]
    fn slower_than_real_time_on_the_whole_is_an_error_where_people_play_and_a_warning_beyond() {
        let error = |rate, times| clock(&case(rate, 64, false), times).map(|finding| finding.error);
        assert_eq!(error(48_000.0, [0.0, 1.1, 1.1, 1.1, 1.1]), Some(true));
        assert_eq!(error(192_000.0, [0.0, 1.1, 1.1, 1.1, 1.1]), Some(false));
        assert_eq!(error(48_000.0, [0.0, 0.1, 1.5, 0.1, 0.1]), Some(false), "one block");
        assert_eq!(error(48_000.0, [9.0, 0.1, 0.1, 0.1, 0.1]), None, "the first finds everything cold");
        assert_eq!(clock(&case(48_000.0, 16, false), [9.0; 5]), None, "short blocks are not judged");
        assert_eq!(clock(&case(48_000.0, 64, true), [9.0; 5]), None, "nor is rendering");
    }

    fn judge(offline: bool, block: u32, offences: &Offences, patience: &mut Patience) -> (bool, usize) {
        let mut warnings = Vec::new();
        let place = (Place::Process, block);
        let answer = misdeeds(&case(48_000.0, 64, offline), place, offences, patience, &mut warnings);
        (answer.is_err(), warnings.len())
    }

    #[test]
    fn memory_is_forgiven_in_a_first_block_and_once_in_a_process() {
        let memory = Offences { memory: 1, ..Offences::default() };
        let mut patience = Patience::default();
        assert_eq!(judge(true, 5, &memory, &mut patience), (false, 0), "rendering may allocate");
        assert_eq!(judge(false, 0, &memory, &mut patience), (false, 1));
        assert_eq!(judge(false, 0, &memory, &mut patience), (false, 1));
        assert_eq!(judge(false, 5, &memory, &mut patience), (false, 1), "a thread-local, perhaps");
        assert_eq!(judge(false, 6, &memory, &mut patience), (true, 0));
    }

    #[test]
    fn waits_are_errors_however_they_were_seen() {
        let mut patience = Patience::default();
        let waits = Offences { waits: 1, ..Offences::default() };
        assert_eq!(judge(false, 5, &waits, &mut patience), (true, 0));
        assert_eq!(judge(false, 5, &Offences::default(), &mut patience), (false, 0));
    }
}
