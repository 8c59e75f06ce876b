//! `dev` at work on the scratch crate, inside this process, and what it has published.
//!
//! Called by: `demo`. Calls: `dev`, core's `reload/slot`.
//! Threads: [main]; `dev` has one of its own, joined by [`Studio::close`] or the drop.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::{Args as _, FromArgMatches};
use hotshell_core::reload::slot::{DevState, Manifest, Slot};

use super::project::{PACKAGE, Project};
use crate::Error;
use crate::dev::{self, Stop};
use crate::format::Format;

/// Longest wait for the first build: everything is compiled, on a slow machine.
const FIRST_BUILD: Duration = Duration::from_secs(2_700);

/// A running `dev`.
pub struct Studio {
    bundles: PathBuf,
    slot: PathBuf,
    stop: Stop,
    thread: Option<JoinHandle<Result<(), Error>>>,
    ended: Receiver<()>,
}

impl Studio {
    /// Starts it, for these formats. It removes bundle, builds and target folders when it ends.
    ///
    /// # Errors
    /// The thread cannot be started, or `dev` refuses to start.
    pub fn open(project: &Project, formats: &[Format]) -> Result<Self, Error> {
        let manifest = project.folder().join("Cargo.toml");
        let slot = Slot::path_for(PACKAGE, &manifest)?;
        let bundles = project.folder().join("bundle");
        let mut words = vec![
            "dev".into(),
            project.folder().into(),
            "--out".into(),
            bundles.clone(),
            "--temporary".into(),
        ];
        words.extend(formats.iter().flat_map(|format| ["--format".into(), format.word().into()]));
        let matches = dev::Args::augment_args(clap::Command::new("dev")).try_get_matches_from(words)?;
        let args = dev::Args::from_arg_matches(&matches)?;
        let ((begin, begun), (end, ended)) = (channel(), channel::<()>());
        let work = move || {
            // Dropped when this thread ends, however it ends.
            let _end = end;
            dev::serve(&args, |stop| Ok(begin.send(stop)?)).map(drop)
        };
        let thread = std::thread::Builder::new().name("hotshell-demo-dev".into()).spawn(work)?;
        let stop = begun.recv().context("`dev` does not start")?;
        Ok(Self { bundles, slot, stop, thread: Some(thread), ended })
    }

    /// Waits until `dev` has published build `number` and rests.
    ///
    /// # Errors
    /// The build failed, or took more than 45 minutes, or was interrupted.
    pub fn wait_for_build(&self, number: u32, interrupted: &AtomicBool) -> Result<Manifest, Error> {
        let until = Instant::now() + FIRST_BUILD;
        loop {
            let idle = self.state().is_some_and(|(state, build)| state == DevState::Idle && build >= number);
            if let Some(manifest) = idle.then(|| self.manifest().ok()).flatten() {
                return Ok(manifest);
            }
            if interrupted.load(Ordering::Acquire) {
                bail!("interrupted");
            }
            if let Some(failure) = self.failure(0) {
                bail!("{failure}");
            }
            anyhow::ensure!(
                Instant::now() < until,
                "the first build takes more than {} s",
                FIRST_BUILD.as_secs()
            );
            // Wakes at once when `dev` ends.
            let _ = self.ended.recv_timeout(Duration::from_millis(20));
        }
    }

    fn state(&self) -> Option<(DevState, u32)> {
        let status = Slot::existing(&self.slot).ok()?.read_dev().ok()??;
        Some((status.state, status.build))
    }

    /// Why no build will come; one that failed up to `saved_at`, nanoseconds since 1970, is mended.
    #[must_use]
    pub fn failure(&self, saved_at: u64) -> Option<String> {
        if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            return Some("`dev` has ended".into());
        }
        self.failed(saved_at).map(|error| format!("the build failed: {error}"))
    }

    /// What the compiler said of a build that failed after `saved_at`, if it was the last one.
    #[must_use]
    pub fn failed(&self, saved_at: u64) -> Option<String> {
        let status = Slot::existing(&self.slot).ok()?.read_dev().ok()??;
        (status.state == DevState::Failed && status.since > saved_at)
            .then(|| status.error.unwrap_or_default())
    }

    /// The newest build.
    ///
    /// # Errors
    /// The slot is gone or damaged.
    pub fn manifest(&self) -> Result<Manifest, Error> {
        Ok(Slot::existing(&self.slot)?.read_manifest()?)
    }

    /// The bundle of a format that `dev` has installed.
    ///
    /// # Errors
    /// There is none.
    pub fn bundle(&self, format: Format) -> Result<PathBuf, Error> {
        let shown = || format!("{}: holds no bundle", self.bundles.display());
        let files = std::fs::read_dir(&self.bundles).with_context(shown)?;
        let mut files = files.filter_map(|entry| Some(entry.ok()?.path()));
        files.find(|file| Format::of(file) == Some(format)).with_context(shown)
    }

    /// Ends `dev`, which cleans up after itself.
    ///
    /// # Errors
    /// What went wrong in it.
    pub fn close(mut self) -> Result<(), Error> {
        self.stop.stop();
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            _ => bail!("`dev` panicked; the message is above"),
        }
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            // Only on the way out with another error.
            drop(thread.join());
        }
    }
}
