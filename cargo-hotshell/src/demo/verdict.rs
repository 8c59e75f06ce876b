//! What a swap is worth: figures, files and one sentence.
//!
//! Called by: `demo`. Calls: `measure`, `plot`, `wav`. Threads: [main].

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use super::measure::{self, Swap};
use super::plot::{self, Picture};
use super::{Take, written};
use crate::Error;
use crate::host::wav::{self, Sound};
use crate::render::whole_hertz;

/// Seconds of `swap.wav` before and after the swap.
const KEPT_S: f64 = 1.5;

/// `report.json`. Times in milliseconds, steps and factors as shares of full scale.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Verdict {
    /// `clap` or `vst3`.
    format: &'static str,
    blocks_total: u64,
    /// By the host's count of unwritten and non-finite samples, and by the shell's of fallbacks.
    blocks_lost: u64,
    /// From the edited file being on disk to the first block with the new build in the output.
    saved_to_heard_ms: f64,
    /// Of these, until the compiler and linker were done.
    built_ms: f64,
    published_to_heard_ms: f64,
    /// The shell's own word for when it was heard, against the audio's.
    shell_heard_after_audio_ms: f64,
    largest_step: f64,
    step_allowed: f64,
    samples_outside_fade: usize,
    fade_ms: f64,
    factor_before: f64,
    factor_after: f64,
    build_before: u32,
    build_after: u32,
    restarts: u32,
    /// Blocks that were ready after their time on this machine: reported, not judged.
    blocks_late: u64,
    latest_block_ms: f64,
    slowest_process_ms: f64,
    samples_unwritten: u64,
    sample_rate: f64,
    block_frames: u32,
    /// With `--editor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    editor: Option<Window>,
    #[serde(skip)]
    swap: Swap,
}

/// What was seen.
#[derive(Clone, PartialEq, Debug, Serialize)]
struct Window {
    /// From the edited file being on disk to the first look (every 10 ms) at the new editor's first frame.
    saved_to_seen_ms: f64,
    published_to_seen_ms: f64,
    /// The plug-in's window in the host's was the same from before the slip to after the edit.
    same_window: bool,
    /// The failed build's message is on the window, above the old editor.
    message_seen: bool,
    /// Of it, the compiler's first error.
    message: String,
    /// The new editor looks different.
    editor_differs: bool,
}

impl Window {
    fn of(take: &Take) -> Option<Self> {
        let seen = take.seen.as_ref()?;
        Some(Self {
            saved_to_seen_ms: between(take.saved_at, seen.at),
            published_to_seen_ms: between(take.manifest.published_at, seen.at),
            same_window: seen.same_window,
            message_seen: seen.has_message(),
            message: seen.told.clone(),
            editor_differs: seen.has_changed(),
        })
    }

    const fn is_good(&self) -> bool {
        self.same_window && self.message_seen && self.editor_differs
    }

    fn text(&self) -> String {
        format!(
            "Seen {:.0} ms after the save, {:.0} ms after it was published, in {}\nThe window {}: {}\n",
            self.saved_to_seen_ms,
            self.published_to_seen_ms,
            if self.same_window { "the same window" } else { "ANOTHER window" },
            if self.message_seen {
                "has told the compiler's error"
            } else {
                "has NOT told the compiler's error"
            },
            self.message,
        )
    }
}

impl Verdict {
    /// Judges a take.
    ///
    /// # Errors
    /// The recording does not hold the swap.
    pub fn of(take: &Take) -> Result<Self, Error> {
        let rate = take.config.sample_rate;
        let heard = take.recording.output.first().context("the plug-in has no output")?;
        let swap = measure::find(&take.recording.input, heard, take.old, take.new, rate)
            .context("the recording does not hold the swap from its start to its end")?;
        let heard_at = take.recording.time_of(swap.first).context("the swap is in no block")?;
        Ok(Self {
            format: take.format.word(),
            blocks_total: take.totals.blocks,
            blocks_lost: take.totals.blocks_lost + take.report.blocks_lost,
            saved_to_heard_ms: between(take.saved_at, heard_at),
            built_ms: between(take.saved_at, take.manifest.built_at),
            published_to_heard_ms: between(take.manifest.published_at, heard_at),
            shell_heard_after_audio_ms: between(heard_at, take.report.heard_at),
            largest_step: swap.largest_step,
            step_allowed: swap.step_allowed,
            samples_outside_fade: swap.outside,
            fade_ms: milliseconds(swap.end - swap.first, rate),
            factor_before: take.old,
            factor_after: take.new,
            build_before: take.old_build,
            build_after: take.report.heard,
            restarts: take.restarts,
            blocks_late: take.totals.blocks_late,
            latest_block_ms: Duration::from_nanos(take.totals.latest_ns).as_secs_f64() * 1e3,
            slowest_process_ms: Duration::from_nanos(take.totals.slowest_ns).as_secs_f64() * 1e3,
            samples_unwritten: take.totals.samples_unwritten,
            sample_rate: rate,
            block_frames: take.config.max_frames,
            editor: Window::of(take),
            swap,
        })
    }

    /// True if the promise was kept: no block lost, the new sound heard, nothing in between that is neither.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let is_heard = self.largest_step <= self.step_allowed && self.samples_outside_fade == 0;
        self.blocks_lost == 0 && is_heard && self.editor.as_ref().is_none_or(Window::is_good)
    }

    /// Writes the files.
    ///
    /// # Errors
    /// One of them cannot be written.
    pub fn write(&self, out: &Path, take: &Take) -> Result<(), Error> {
        let file = out.join("report.json");
        let text = serde_json::to_string_pretty(self)?;
        written(&file, std::fs::write(&file, text + "\n").map_err(Error::from))?;
        let file = out.join("swap.wav");
        written(&file, wav::write_16_bit(&file, &self.part(take)))?;
        let file = out.join("swap.png");
        let old = format!("build {}: output = {:.2} x input", self.build_before, self.factor_before);
        let new = format!("build {}: output = {:.2} x input", self.build_after, self.factor_after);
        let title = format!(
            "Source edited while it plays: {:.0} ms from save to sound, {} of {} blocks lost",
            self.saved_to_heard_ms, self.blocks_lost, self.blocks_total
        );
        let picture = Picture {
            sample_rate: self.sample_rate,
            input: &take.recording.input,
            output: take.recording.output.first().map_or(&[], Vec::as_slice),
            swap: self.swap,
            old: (self.factor_before, &old),
            new: (self.factor_after, &new),
            title: &title,
        };
        written(&file, plot::draw(&file, &picture))?;
        let Some(seen) = &take.seen else { return Ok(()) };
        seen.before.write(&out.join("before.png"))?;
        seen.failed.write(&out.join("failed.png"))?;
        seen.after.write(&out.join("after.png"))
    }

    /// The seconds around the swap.
    fn part(&self, take: &Take) -> Sound {
        let around = frames(KEPT_S * self.sample_rate);
        let from = self.swap.first.saturating_sub(around);
        let cut = |channel: &Vec<f32>| channel[from..(self.swap.end + around).min(channel.len())].to_vec();
        Sound {
            rate: whole_hertz(self.sample_rate),
            channels: take.recording.output.iter().map(cut).collect(),
        }
    }

    /// For the user.
    #[must_use]
    pub fn text(&self, out: &Path) -> String {
        format!(
            "Heard build {}: output = {:.3} x input, {:.0} ms after the save ({:.0} ms to build, {:.1} ms from published \
             to heard)\n{} blocks, {} lost; fade {:.1} ms, largest step {:.4} of {:.4} allowed; {} blocks late\n\
             {}Written to {}: swap.wav, swap.png, report.json{}{}",
            self.build_after,
            self.factor_after,
            self.saved_to_heard_ms,
            self.built_ms,
            self.published_to_heard_ms,
            self.blocks_total,
            self.blocks_lost,
            self.fade_ms,
            self.largest_step,
            self.step_allowed,
            self.blocks_late,
            self.editor.as_ref().map(Window::text).unwrap_or_default(),
            out.display(),
            if self.editor.is_some() { ", before.png, failed.png, after.png" } else { "" },
            if self.is_good() { "" } else { "\nThis is not what hotshell promises" }
        )
    }
}

/// Milliseconds from one time to another, negative if it is the other way round.
fn between(from: u64, to: u64) -> f64 {
    let span = |from: u64, to: u64| Duration::from_nanos(to - from).as_secs_f64() * 1e3;
    if to >= from { span(from, to) } else { -span(to, from) }
}

#[allow(clippy::cast_precision_loss, reason = "frames of a fade")]
fn milliseconds(frames: usize, rate: f64) -> f64 {
    frames as f64 * 1e3 / rate
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a length is not negative, and a float cast saturates"
)]
const fn frames(count: f64) -> usize {
    count.round() as usize
}
