//! One format's performance: the host plays, the source is edited, and it goes on until the new build is heard, and seen.
//!
//! Called by: `demo`. Calls: `host`, `listen`, `eye`, `project`, `studio`. Threads: [main]; the session has one for audio.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clack_extensions::log::LogSeverity;
use hotshell_core::reload::slot::{self, HostReport, Manifest};

use super::eye::{Eye, Seen};
use super::listen::{Ear, Recording, is_same};
use super::project::Project;
use super::studio::Studio;
use crate::Error;
use crate::format::Format;
use crate::host::clock::Pace;
use crate::host::deck::Totals;
use crate::host::desktop::{LIBRARIES, Picture};
use crate::host::plugin::{Config, Plugin};
use crate::host::reports::Reports;
use crate::host::screen::Screen;
use crate::host::session::{Session, Setup};
use crate::host::source::Source;
use crate::host::wav;

/// The loop that is played.
const LOOP: &[u8] = include_bytes!("../../assets/loop.wav");

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
/// Longest wait for what a build's editor or the shell draws.
const DRAWN: Duration = Duration::from_secs(60);
/// Nanoseconds for which a message stays as it is before it is the one that stays.
const SETTLED: u64 = 1_000_000_000;

/// Everything that was seen and heard of one swap.
#[derive(Debug)]
pub struct Take {
    pub(super) format: Format,
    pub(super) recording: Recording,
    pub(super) config: Config,
    pub(super) old: f64,
    pub(super) new: f64,
    pub(super) old_build: u32,
    /// Nanoseconds since 1970, when the edited file had been written.
    pub(super) saved_at: u64,
    pub(super) totals: Totals,
    pub(super) restarts: u32,
    pub(super) manifest: Manifest,
    pub(super) report: HostReport,
    /// With the window open.
    pub(super) seen: Option<Seen>,
}

/// What the swap is played with.
pub struct Stage<'a> {
    /// What plays.
    pub format: Format,
    /// Its window is open.
    pub window: bool,
    /// What is edited.
    pub project: &'a Project,
    /// Who builds it.
    pub studio: &'a Studio,
    /// Ctrl-C.
    pub interrupted: &'static AtomicBool,
    /// The user's.
    pub screen: &'a Screen,
}

/// The host at work.
struct Playing<'a> {
    stage: &'a Stage<'a>,
    session: Option<Session>,
    ear: Ear,
    recording: Recording,
    eye: Option<Eye>,
    config: Config,
    /// A build that failed before this time is no failure.
    saved_at: u64,
}

/// What a slip of the author's looks like.
struct Slip {
    before: Picture,
    failed: Picture,
    told: String,
}

/// What is known at one turn of the host's loop.
struct Moment<'a> {
    all: &'a Recording,
    report: Option<&'a HostReport>,
    eye: Option<&'a Eye>,
}

impl Drop for Playing<'_> {
    fn drop(&mut self) {
        // The editor goes before the window that it is in.
        if let Some(session) = &mut self.session {
            session.plugin().close_editor();
        }
    }
}

impl Stage<'_> {
    /// Plays it.
    ///
    /// # Errors
    /// What did not come, or what failed.
    pub fn play(&self, first: &Manifest) -> Result<Take, Error> {
        let mut playing = self.start()?;
        playing.listen(HEARD, "steady sound", |now| now.all.steady >= STEADY)?;
        let is_first = |now: &Moment<'_>| now.report.is_some_and(|report| report.heard >= first.build);
        playing.listen(REPORTED, "the shell's report", is_first)?;
        // On a busy machine the shell's own build may have played first; neither that nor the fade out of it is the swap.
        for _ in 0..2 {
            playing.recording = Recording::default();
            playing.listen(HEARD, "steady sound", |now| now.all.steady >= STEADY)?;
        }
        let old = playing.recording.factor.context("the loop is silent")?;
        let old_build = Reports::of(self.format).read().map_or(first.build, |report| report.heard);
        self.screen.say(&format!("Build {old_build} plays: output = {old:.3} x input"));
        let shown = if self.window { Some(playing.slip()?) } else { None };
        self.screen.say("Editing src/lib.rs while it plays");
        playing.saved_at = self.project.edit()?;
        playing.listen(HEARD, "the new sound", |now| {
            now.all.steady >= AFTER && now.all.factor.is_some_and(|factor| !is_same(factor, old))
        })?;
        let manifest = self.studio.manifest()?;
        ensure!(manifest.build > first.build, "the sound changed without a new build");
        let is_new = |now: &Moment<'_>| now.report.is_some_and(|report| report.heard >= manifest.build);
        playing.listen(REPORTED, "the shell's report of the swap", is_new)?;
        let seen = shown.map(|shown| playing.seen(shown)).transpose()?;
        playing.end(old, old_build, manifest, seen)
    }

    /// The host, playing the loop against the clock.
    fn start(&self) -> Result<Playing<'_>, Error> {
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
        let session = Session::start(plugin, engine, setup, Pace::Clock)?;
        let mut playing = Playing {
            stage: self,
            session: Some(session),
            ear,
            recording: Recording::default(),
            eye: None,
            config,
            saved_at: 0,
        };
        if self.window {
            playing.eye = playing.session.as_mut().map(|session| Eye::open(session.plugin())).transpose()?;
        }
        Ok(playing)
    }
}

impl Playing<'_> {
    /// The first editor is there; then a slip of the author's, and what the window says of the compiler's error.
    fn slip(&mut self) -> Result<Slip, Error> {
        let what = format!(
            "the plug-in's editor. Where its window says that there is no OpenGL: apt install {LIBRARIES}"
        );
        self.listen(DRAWN, &what, |now| now.eye.is_some_and(|eye| eye.still().is_some()))?;
        let (before, plain) = (self.eye()?.picture()?, self.eye()?.strip()?);
        self.stage
            .screen
            .say("Its editor is open. A slip of the pen in the editor's source, saved while it plays");
        // Whatever fails from here on is the slip, until the next edit.
        self.saved_at = u64::MAX;
        let slipped_at = slot::now();
        self.stage.project.slip()?;
        let studio = self.stage.studio;
        // What the window says before the compiler has: nothing, or that it builds.
        let (mut early, mut told) = (vec![plain], None);
        self.listen(HEARD, "the compiler's error", |now| {
            let strip = now.eye.and_then(|eye| eye.strip().ok());
            // Asked after the look: what was seen before it cannot be the error.
            told = studio.failed(slipped_at);
            early.extend(strip.filter(|strip| told.is_none() && !early.contains(strip)));
            told.is_some()
        })?;
        let (mut last, mut since) = (None, slot::now());
        self.listen(DRAWN, "the compiler's error in the window", |now| {
            let strip = now.eye.and_then(|eye| eye.strip().ok());
            if strip != last {
                (last, since) = (strip, slot::now());
            }
            let is_new = last.as_ref().is_some_and(|strip| !early.contains(strip));
            is_new && slot::now().saturating_sub(since) > SETTLED
        })?;
        Ok(Slip { before, failed: self.eye()?.picture()?, told: told.unwrap_or_default() })
    }

    /// The next editor is there.
    fn seen(&mut self, Slip { before, failed, told }: Slip) -> Result<Seen, Error> {
        let saved_at = self.saved_at;
        self.listen(DRAWN, "the new editor", |now| {
            let since = now.eye.filter(|eye| eye.still().is_some()).and_then(Eye::since);
            since.is_some_and(|since| since > saved_at)
        })?;
        let eye = self.eye()?;
        let at = eye.since().context("nobody looked")?;
        Ok(Seen { before, failed, told, after: eye.picture()?, at, same_window: eye.is_same_window()? })
    }

    fn eye(&self) -> Result<&Eye, Error> {
        self.eye.as_ref().context("nobody looks")
    }

    fn end(
        mut self,
        old: f64,
        old_build: u32,
        manifest: Manifest,
        seen: Option<Seen>,
    ) -> Result<Take, Error> {
        let format = self.stage.format;
        let report = Reports::of(format).read().context("the shell reports nothing any more")?;
        let mut session = self.session.take().context("nothing plays")?;
        session.plugin().close_editor();
        let restarts = session.restarts();
        let (plugin, totals) = session.finish()?;
        drop(plugin);
        let recording = std::mem::take(&mut self.recording);
        let new = recording.factor.context("the loop is silent")?;
        let (config, saved_at) = (self.config, self.saved_at);
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
            seen,
        })
    }

    /// Plays on until `done`.
    fn listen(
        &mut self,
        limit: Duration,
        what: &str,
        mut done: impl FnMut(&Moment<'_>) -> bool,
    ) -> Result<(), Error> {
        let Self { stage, session, ear, recording, eye, saved_at, .. } = self;
        let session = session.as_mut().context("nothing plays")?;
        let mut reports = Reports::of(stage.format);
        let (mut looked, mut report, mut failure) = (0, None, None);
        let came = session.turn_until(limit, |session| {
            ear.take().into_iter().for_each(|heard| recording.push(heard));
            recording.keep_last(KEPT);
            let lines = session.plugin().take_lines();
            for line in lines.into_iter().filter(|line| line.severity != LogSeverity::Debug) {
                let severity = line.severity.to_string().to_lowercase();
                stage.screen.say(&format!("plug-in {severity}: {}", line.text));
            }
            if slot::now().saturating_sub(looked) > 50_000_000 {
                looked = slot::now();
                report = reports.read();
                failure = stage.failure(*saved_at);
            }
            if let Some(Err(error)) = eye.as_mut().map(|eye| eye.look(session.plugin())) {
                failure = Some(format!("{error:#}"));
            }
            failure.is_some() || done(&Moment { all: recording, report: report.as_ref(), eye: eye.as_ref() })
        })?;
        if let Some(failure) = failure {
            bail!("{failure}");
        }
        ensure!(came, "waited {} s for {what}, in vain", limit.as_secs());
        Ok(())
    }
}

impl Stage<'_> {
    /// What makes waiting pointless; a build that failed up to `saved_at` does not.
    fn failure(&self, saved_at: u64) -> Option<String> {
        if self.interrupted.load(Ordering::Acquire) {
            return Some("interrupted".into());
        }
        self.studio.failure(saved_at)
    }
}
