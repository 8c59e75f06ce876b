//! `demo`: everything in one go. A copy of the gain example is built, hosted, edited while it plays, and what was heard
//! is measured, drawn and written down.
//!
//! "Heard" is decided by the audio alone: the factor between what goes in and what comes out. What the shell and `dev`
//! say is set beside it.
//!
//! Called by: `cli`. Calls: `dev`, `host`, `demo/*`.
//! Threads: [main]; `demo/studio` has one for `dev`, the host's session one for audio.

mod listen;
mod measure;
mod plot;
mod project;
mod studio;
mod verdict;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use hotshell_core::reload::slot::{self, HostReport, Manifest};

use crate::Error;
use crate::format::Format;
use crate::host::clock::Pace;
use crate::host::deck::Totals;
use crate::host::plugin::{Config, Plugin};
use crate::host::reports::Reports;
use crate::host::screen::Screen;
use crate::host::session::{Session, Setup};
use crate::host::source::Source;
use crate::host::wav;
use listen::{Ear, Recording, is_same};
use project::Project;
use studio::Studio;
use verdict::Verdict;

/// The loop that is played.
const LOOP: &[u8] = include_bytes!("../assets/loop.wav");

/// Frames per block: those of the figures in the README.
const BLOCK: u32 = 128;
/// Blocks of one sound before it counts: half a second.
const STEADY: usize = 188;
/// Blocks that are kept: ten seconds.
const KEPT: usize = 3_750;
/// Blocks to play on after the swap: a second and a half, for the picture.
const AFTER: usize = 563;
/// Longest wait for the new sound, a slow machine's build included.
const HEARD: Duration = Duration::from_secs(300);
/// Longest wait for the shell to report what it plays.
const REPORTED: Duration = Duration::from_secs(10);

/// What plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Which {
    /// The CLAP.
    Clap,
    /// The VST3.
    Vst3,
    /// Both, of one build.
    Both,
}

impl Which {
    fn formats(self) -> &'static [Format] {
        match self {
            Self::Clap => &[Format::Clap],
            Self::Vst3 => &[Format::Vst3],
            Self::Both => &Format::ALL,
        }
    }
}

/// Shows a plug-in changing while it plays: builds, hosts, edits and measures the gain example, unattended
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Which of the example's formats plays; with `both`, one after the other, each with a folder of its own in DIR
    #[arg(long, value_name = "FORMAT", default_value = "clap")]
    pub format: Which,

    /// Folder for `swap.wav`, `swap.png` and `report.json`
    #[arg(long, value_name = "DIR", default_value = "hotshell-demo")]
    pub out: PathBuf,

    /// Folder of the hotshell sources, where this command was not built from them
    #[arg(long, value_name = "DIR")]
    pub source: Option<PathBuf>,
}

/// Runs the demonstration. Success only if the new sound was heard and no block was lost on the way.
///
/// # Errors
/// A step of it failed; what was started is ended and removed.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let interrupted = crate::interrupt::flag()?;
    let screen = Screen::new();
    std::fs::create_dir_all(&args.out).with_context(|| format!("{}: cannot be made", args.out.display()))?;
    let project = Project::create(&args.out, args.source.as_deref())?;
    screen.say(&format!(
        "A copy of examples/gain in {}; `cargo hotshell dev` builds it",
        project.folder().display()
    ));
    let formats = args.format.formats();
    let studio = Studio::open(&project, formats)?;
    let takes = studio.wait_for_build(1, interrupted).and_then(|_| {
        let play = |format: &Format| {
            let first = studio.manifest()?;
            Stage { format: *format, project: &project, studio: &studio, interrupted, screen: &screen }
                .play(&first)
        };
        formats.iter().map(play).collect::<Result<Vec<Take>, Error>>()
    });
    // A `dev` that failed knows better what went wrong.
    studio.close()?;
    drop(project);
    let mut is_good = true;
    for take in &takes? {
        let out = if formats.len() == 1 { args.out.clone() } else { args.out.join(take.format.word()) };
        std::fs::create_dir_all(&out).with_context(|| format!("{}: cannot be made", out.display()))?;
        let verdict = Verdict::of(take)?;
        verdict.write(&out, take)?;
        screen.say(&verdict.text(&out));
        is_good &= verdict.is_good();
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Everything that was seen and heard of one swap.
#[derive(Debug)]
struct Take {
    format: Format,
    recording: Recording,
    config: Config,
    old: f64,
    new: f64,
    old_build: u32,
    /// Nanoseconds since 1970, when the edited file had been written.
    saved_at: u64,
    totals: Totals,
    restarts: u32,
    manifest: Manifest,
    report: HostReport,
}

/// What the swap is played with.
struct Stage<'a> {
    format: Format,
    project: &'a Project,
    studio: &'a Studio,
    interrupted: &'static AtomicBool,
    screen: &'a Screen,
}

impl Stage<'_> {
    fn play(&self, first: &Manifest) -> Result<Take, Error> {
        let (mut session, ear, config) = self.start()?;
        let mut recording = Recording::default();
        let mut reports = Reports::of(self.format);
        self.listen(&mut session, &ear, &mut recording, HEARD, "steady sound", |all, _| {
            all.steady >= STEADY
        })?;
        self.listen(&mut session, &ear, &mut recording, REPORTED, "the shell's report", |_, report| {
            report.is_some_and(|report| report.heard >= first.build)
        })?;
        // On a busy machine the shell's own build may have played first; neither that nor the fade out of it is the swap.
        for _ in 0..2 {
            recording = Recording::default();
            self.listen(&mut session, &ear, &mut recording, HEARD, "steady sound", |all, _| {
                all.steady >= STEADY
            })?;
        }
        let old = recording.factor.context("the loop is silent")?;
        let old_build = reports.read().map_or(first.build, |report| report.heard);
        self.screen.say(&format!(
            "Build {old_build} plays: output = {old:.3} x input. Editing src/lib.rs while it plays"
        ));
        let saved_at = self.project.edit()?;
        self.listen(&mut session, &ear, &mut recording, HEARD, "the new sound", |all, _| {
            all.steady >= AFTER && all.factor.is_some_and(|factor| !is_same(factor, old))
        })?;
        let new = recording.factor.context("the loop is silent")?;
        let manifest = self.studio.manifest()?;
        ensure!(manifest.build > first.build, "the sound changed without a new build");
        self.listen(
            &mut session,
            &ear,
            &mut recording,
            REPORTED,
            "the shell's report of the swap",
            |_, report| report.is_some_and(|report| report.heard >= manifest.build),
        )?;
        let report = reports.read().context("the shell reports nothing any more")?;
        let restarts = session.restarts();
        let (plugin, totals) = session.finish()?;
        let format = plugin.format();
        drop(plugin);
        Ok(Take {
            format,
            recording,
            config,
            old,
            new,
            old_build,
            saved_at,
            totals,
            restarts,
            manifest,
            report,
        })
    }

    /// The host, playing the loop against the clock.
    fn start(&self) -> Result<(Session, Ear, Config), Error> {
        let sound = wav::parse(LOOP).context("the loop in this command is damaged")?;
        let config = Config { sample_rate: f64::from(sound.rate), max_frames: BLOCK };
        let mut plugin = Plugin::open(&self.studio.bundle(self.format)?, None)?;
        let engine = plugin.activate(config)?;
        self.screen.say(&format!(
            "{} plays a loop in this command's own {} host, against the clock: {} Hz, {BLOCK} frames a block",
            plugin.name(),
            plugin.format(),
            config.sample_rate
        ));
        let ear = Ear::default();
        let setup =
            Setup { source: Source::sound(sound, true), sinks: vec![Box::new(ear.clone())], frames: None };
        Ok((Session::start(plugin, engine, setup, Pace::Clock)?, ear, config))
    }

    /// Plays on until `done`.
    fn listen(
        &self,
        session: &mut Session,
        ear: &Ear,
        recording: &mut Recording,
        limit: Duration,
        what: &str,
        done: impl Fn(&Recording, Option<&HostReport>) -> bool,
    ) -> Result<(), Error> {
        let mut reports = Reports::of(self.format);
        let (mut looked, mut report, mut failure) = (0, None, None);
        let came = session.turn_until(limit, |session| {
            ear.take().into_iter().for_each(|heard| recording.push(heard));
            recording.keep_last(KEPT);
            for line in session.plugin().take_lines() {
                self.screen.say(&format!(
                    "plug-in {}: {}",
                    line.severity.to_string().to_lowercase(),
                    line.text
                ));
            }
            if slot::now().saturating_sub(looked) > 50_000_000 {
                looked = slot::now();
                report = reports.read();
                failure = self.failure();
            }
            failure.is_some() || done(recording, report.as_ref())
        })?;
        if let Some(failure) = failure {
            bail!("{failure}");
        }
        ensure!(came, "waited {} s for {what}, in vain", limit.as_secs());
        Ok(())
    }

    /// What makes waiting pointless.
    fn failure(&self) -> Option<String> {
        if self.interrupted.load(Ordering::Acquire) {
            return Some("interrupted".into());
        }
        self.studio.failure()
    }
}

/// `what`, with the file's name when it cannot be written.
fn written(file: &Path, what: Result<(), Error>) -> Result<(), Error> {
    what.with_context(|| format!("{}: cannot be written", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_word_about_it_the_clap_plays() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: Args,
        }
        let line = |words: &[&str]| <Line as clap::Parser>::parse_from(words).args.format.formats();
        assert_eq!(line(&["demo"]), [Format::Clap]);
        assert_eq!(line(&["demo", "--format", "vst3"]), [Format::Vst3]);
        assert_eq!(line(&["demo", "--format", "both"]), Format::ALL);
    }
}
