//! One `dev` from start to Ctrl-C: a state machine over one channel of events.
//!
//! Called by: `dev`. Calls: `compile`, `install`, `moduleinfo`, `trial`, `publish`, `watch`, `listeners`, the slot.
//! Threads: [main]; readers of a build and the file events only send.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use anyhow::Context;
use hotshell_core::reload::slot::{DevClaim, DevState, DevStatus, Slot, now};
use notify::RecursiveMode;

use super::Args;
use crate::Error;
use crate::compile::{Built, Job, Kind, Outcome, Progress, Request, seed};
use crate::format::{Exports, Format, Wanted};
use crate::install::Installed;
use crate::layout::Content;
use crate::listeners::{Listeners, Tone};
use crate::project::Project;
use crate::publish::{Published, Story, publish};
use crate::terminal::{Terminal, between, span};
use crate::watch::{Debounce, FileNews, Sources, Watcher};
use crate::{contents, install, moduleinfo};

mod tryout;

use tryout::Tryout;

/// How often to look for what no event announces: file systems without events, hosts that died.
const TICK: Duration = Duration::from_secs(1);

/// What can happen.
#[derive(Debug)]
pub(super) enum Event {
    /// Ctrl-C.
    Interrupted,
    /// News of the build with this number; older ones are void.
    Build(u64, Progress),
    /// The trial of the build with this number has ended.
    Tried(u64),
    /// Something was written.
    Files(FileNews),
}

/// Which bundles to make, and where they go.
pub(super) struct Bundles<'a> {
    /// As the author asked.
    pub(super) formats: &'a Wanted,
    /// Of each format that may be made.
    pub(super) folders: Vec<(Format, PathBuf)>,
}

/// Everything that lives as long as one `dev`.
pub(super) struct Session<'a> {
    project: &'a Project,
    args: &'a Args,
    features: Vec<String>,
    bundles: Bundles<'a>,
    slot: &'a Slot,
    claim: &'a DevClaim<'a>,
    sender: Sender<Event>,
    terminal: &'a mut Terminal,
    scratch: Scratch,
    hosts: PathBuf,
    watcher: Watcher,
    sources: Sources,
    debounce: Debounce,
    listeners: Listeners,
    status: DevStatus,
    /// What to build next, or what is being built.
    kind: Kind,
    /// The build that runs, with its number.
    job: Option<(u64, Job)>,
    jobs: u64,
    /// The build that is tried before it is published.
    tryout: Option<Tryout>,
    /// Sources have changed since the last build was started.
    dirty: bool,
    /// The last save.
    story: Story,
    last_warnings: String,
}

impl<'a> Session<'a> {
    /// Opens everything; nothing is built yet.
    ///
    /// # Errors
    /// The system gives no file events, or no temporary folder.
    pub(super) fn new(
        project: &'a Project,
        args: &'a Args,
        bundles: Bundles<'a>,
        slot: &'a Slot,
        claim: &'a DevClaim<'a>,
        sender: Sender<Event>,
        terminal: &'a mut Terminal,
    ) -> Result<Self, Error> {
        let to = sender.clone();
        let mut watcher = Watcher::start(move |news| drop(to.send(Event::Files(news))));
        if watcher.is_blind() {
            terminal.warn(
                "Slow",
                "the system gives no file events (too many watchers?); saves are looked for every second",
            );
        }
        // Watched before it is read: a save in between is seen twice rather than never.
        let sources = Sources::of(project);
        watcher.follow(&sources);
        let sources = Sources::of(project);
        slot.reports()?;
        let hosts = slot.folder().path().join("hosts");
        watcher.add(&hosts, RecursiveMode::NonRecursive);
        Ok(Self {
            scratch: Scratch::new(project, slot)?,
            kind: Kind::Shell { slot: slot.folder().path().to_owned() },
            status: DevStatus { pid: std::process::id(), ..DevStatus::default() },
            debounce: Debounce::default(),
            listeners: Listeners::default(),
            story: Story::default(),
            last_warnings: String::new(),
            job: None,
            jobs: 0,
            tryout: None,
            dirty: true,
            features: args.features(&project.dependency),
            project,
            args,
            bundles,
            slot,
            claim,
            sender,
            terminal,
            hosts,
            watcher,
            sources,
        })
    }

    /// Runs until interrupted.
    ///
    /// # Errors
    /// What a save cannot mend: the slot or the bundle's folder cannot be written.
    pub(super) fn run(&mut self, events: &Receiver<Event>) -> Result<(), Error> {
        let mut tick = Instant::now() + TICK;
        loop {
            if self.dirty && self.job.is_none() {
                self.start()?;
            }
            let until = self.debounce.deadline().map_or(tick, |deadline| deadline.min(tick));
            match events.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Event::Interrupted) => return Ok(()),
                Ok(Event::Build(number, news)) => self.build_news(number, news)?,
                Ok(Event::Tried(number)) => self.tried(number)?,
                Ok(Event::Files(news)) => self.file_news(news)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => anyhow::bail!("all sources of events are gone"),
            }
            let time = Instant::now();
            if time >= tick {
                tick = time + TICK;
                self.debounce_moved(time);
                self.listen()?;
                self.look_after_tryout()?;
            }
            if let Some(touched) = self.debounce.take(time) {
                self.saved(touched);
            }
        }
    }

    fn start(&mut self) -> Result<(), Error> {
        self.dirty = false;
        self.jobs += 1;
        let (number, sender) = (self.jobs, self.sender.clone());
        let request = Request {
            project: self.project,
            kind: self.kind.clone(),
            features: &self.features,
            scratch: self.scratch.path(),
            colour: self.terminal.has_colour(),
        };
        let words = format!("{} of {}", self.kind.words(), self.project.package);
        if self.story.saved_at.is_none() {
            self.terminal.say("Building", &words);
        }
        self.terminal.busy(&format!("building {words}"));
        // The compiler first: what is told to the hosts must not cost it time.
        let sink = move |news| drop(sender.send(Event::Build(number, news)));
        self.job = Some((number, Job::start(&request, Arc::new(sink))?));
        self.tell(DevState::Building, None)
    }

    fn build_news(&mut self, number: u64, news: Progress) -> Result<(), Error> {
        match (self.job.take_if(|(current, _)| *current == number && news == Progress::Ended), news) {
            (Some((_, job)), _) => {
                let outcome = job.finish()?;
                self.terminal.idle();
                self.sources.accept_lock_file();
                match outcome {
                    Outcome::Failed { text, first } => self.failed(&text, first),
                    Outcome::Built(built) => self.built(built),
                }
            }
            (None, Progress::Status(text)) if self.jobs == number => {
                self.terminal.busy(&text);
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }

    fn failed(&mut self, text: &str, first: String) -> Result<(), Error> {
        self.status.findings.clear();
        // Told first: whoever reads the line below may look at once.
        self.tell(DevState::Failed, Some(first.clone()))?;
        self.terminal.print(text);
        let plays = self.what_plays();
        self.terminal.fail("Failed", format_args!("{first}; {plays}"));
        Ok(())
    }

    fn what_plays(&self) -> String {
        match self.status.build {
            0 => "save a change to try again".to_owned(),
            build => format!("build {build} plays on"),
        }
    }

    fn built(&mut self, built: Built) -> Result<(), Error> {
        self.sources.include(built.inputs.iter().cloned());
        self.watcher.follow(&self.sources);
        if built.warnings != self.last_warnings {
            self.terminal.print(&built.warnings);
            self.last_warnings.clone_from(&built.warnings);
        }
        match self.kind {
            Kind::Logic => self.try_out(built),
            _ if !install::is_shell(&built.artifact, self.slot.folder().path()) => {
                self.failed("", install::NO_SHELL.to_owned())
            }
            _ => {
                self.install(&built)?;
                if let Err(error) = seed::logic_from_shell(self.project) {
                    let text =
                        format_args!("what the shell's build has compiled cannot be used again: {error}");
                    self.terminal.warn("Slow", text);
                }
                // The logic has a folder of its own: its first build takes the long way, before the first save.
                (self.kind, self.dirty) = (Kind::Logic, true);
                Ok(())
            }
        }
    }

    fn install(&mut self, built: &Built) -> Result<(), Error> {
        let exports = Exports::of(&built.artifact)?;
        let (formats, lacks) = self.bundles.formats.choose(&exports, &self.project.dependency)?;
        let (mut replaced, mut installed) = (false, Vec::new());
        for (format, folder) in self.bundles.folders.iter().filter(|(format, _)| formats.contains(format)) {
            let done = self.install_one(built, *format, folder)?;
            replaced |= done.replaced;
            installed.push((done, folder));
        }
        for lack in lacks {
            self.terminal.say("Left out", lack);
        }
        let new: Vec<_> = installed.iter().filter(|(done, _)| done.replaced).collect();
        // Of both formats: a VST3 bundle holds CLAP's id too where hotshell has made it.
        let ids: Vec<String> = new.iter().flat_map(|(done, _)| contents::ids(&done.bundle)).collect();
        for (done, folder) in new {
            for (other, id) in contents::others(folder, &done.bundle, &ids) {
                let text =
                    format_args!("{} seems to hold {id} too; hosts show only one of them", other.display());
                self.terminal.warn("Twice", text);
            }
        }
        if replaced && self.listeners.count() > 0 {
            self.terminal
                .warn("Restart", "the shell itself changed: hosts that run keep the old one until restarted");
        }
        Ok(())
    }

    fn install_one(&self, built: &Built, format: Format, folder: &Path) -> Result<Installed, Error> {
        let module_info = match format {
            Format::Vst3 => match moduleinfo::of(&built.artifact, self.project) {
                Ok(text) => Some(text),
                // Hosts ask the module itself then.
                Err(error) => {
                    self.terminal.warn("Unread", format_args!("no moduleinfo.json: {error:#}"));
                    None
                }
            },
            Format::Clap => None,
        };
        let content = Content {
            artifact: &built.artifact,
            project: self.project,
            format,
            module_info: module_info.as_deref(),
        };
        let installed = install::install(&content, folder, self.slot)?;
        let bundle = installed.bundle.display();
        if installed.replaced {
            self.terminal.say("Installed", format_args!("{bundle} in {}", span(built.took)));
        } else {
            self.terminal.say("Unchanged", bundle);
        }
        Ok(installed)
    }

    /// `tried`: what to say of the trial, from the comma on.
    fn publish(&mut self, built: &Built, tried: &str) -> Result<(), Error> {
        let published = publish(self.slot, &built.artifact, &self.story)?;
        let (Published::New(manifest) | Published::Same(manifest)) = &published;
        self.status.build = manifest.build;
        self.listeners.published(manifest.clone());
        self.tell(DevState::Idle, None)?;
        let number = format!("build {}", manifest.build);
        if let Published::New(manifest) = &published {
            let (took, copied) = (span(built.took), span(between(manifest.built_at, manifest.published_at)));
            let since = match manifest.saved_at {
                0 => String::new(),
                saved => format!(", {} after the save", span(between(saved, manifest.published_at))),
            };
            self.terminal.say(
                "Published",
                format_args!("{number}: built in {took}{tried}, copied in {copied}{since}"),
            );
        } else {
            self.terminal.say("Same", format_args!("machine code as {number}: nothing to publish"));
        }
        if self.story.saved_at.is_none() {
            self.terminal.say("Watching", format_args!("{}; Ctrl-C stops", self.project.folder().display()));
            if self.listeners.count() == 0 {
                self.terminal.say("Waiting", "no host has the plug-in open yet");
            }
        }
        Ok(())
    }

    fn file_news(&mut self, news: FileNews) -> Result<(), Error> {
        match news {
            FileNews::Touched(paths) => {
                let (reports, sources): (Vec<PathBuf>, Vec<PathBuf>) =
                    paths.into_iter().partition(|path| path.starts_with(&self.hosts));
                if !sources.is_empty() {
                    self.debounce.add(sources, Instant::now());
                }
                if reports.iter().any(|path| path.extension().is_some_and(|kind| kind == "json")) {
                    self.listen()?;
                }
            }
            FileNews::Lost => self.debounce_moved(Instant::now()),
        }
        Ok(())
    }

    fn debounce_moved(&mut self, time: Instant) {
        let moved = self.sources.moved();
        if !moved.is_empty() {
            self.debounce.add(moved, time);
        }
    }

    /// A save is over: if it changed anything, what is being built is obsolete.
    fn saved(&mut self, mut touched: std::collections::BTreeSet<PathBuf>) {
        if self.job.is_some() {
            touched.remove(self.sources.lock_file());
        }
        let changed = self.sources.changed(&touched, self.status.state == DevState::Failed);
        if changed.is_empty() {
            return;
        }
        self.story = Story { saved_at: Some(self.sources.saved_at(&changed)), files: changed };
        self.dirty = true;
        // Dropping it ends its process group; linkers that are killed leave files.
        let tried = self.tryout.take().is_some();
        if self.job.take().is_some() || tried {
            self.scratch.clear();
        }
    }

    fn listen(&mut self) -> Result<(), Error> {
        for news in self.listeners.update(self.slot.reports()?) {
            match news.tone {
                Tone::Good => self.terminal.say(news.verb, news.text),
                Tone::Odd => self.terminal.warn(news.verb, news.text),
                Tone::Bad => self.terminal.fail(news.verb, news.text),
            }
        }
        Ok(())
    }

    fn tell(&mut self, state: DevState, error: Option<String>) -> Result<(), Error> {
        self.status = DevStatus { state, since: now(), error, ..self.status.clone() };
        Ok(self.claim.write(&self.status)?)
    }
}

/// A folder for the temporary files of compilers and linkers that may be killed at any moment. One per slot, so that
/// the next `dev` finds and removes what a killed one left.
struct Scratch(PathBuf);

impl Scratch {
    fn new(project: &Project, slot: &Slot) -> Result<Self, Error> {
        let name = slot.folder().path().file_name().unwrap_or_default();
        let scratch = Self(project.own_target().join("tmp").join(name));
        std::fs::create_dir_all(&scratch.0)
            .with_context(|| format!("cannot make {}", scratch.0.display()))?;
        scratch.clear();
        Ok(scratch)
    }

    /// Removes everything inside. What cannot be removed stays for the next time.
    fn clear(&self) {
        for entry in std::fs::read_dir(&self.0).into_iter().flatten().filter_map(Result::ok) {
            drop(crate::layout::remove(&entry.path()));
        }
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is removed by the next `dev` or by `clean`.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
