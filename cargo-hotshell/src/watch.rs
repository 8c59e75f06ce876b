//! Which files a plug-in is made of, and whether a save changed any of them.
//!
//! Called by: `dev`. Calls: the operating system's file events.
//! Threads: [`Sources`] belongs to one thread; [`Watcher`]'s callback runs on the file-event library's own thread.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode};
use walkdir::WalkDir;

use crate::project::Project;

/// A save is over when nothing happened for this long: editors write, rename and touch in one go.
const QUIET: Duration = Duration::from_millis(8);
/// A save is over after this long at the latest.
const LONGEST_SAVE: Duration = Duration::from_millis(80);

/// One file as it was last seen. The hash decides; time and length only save reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    modified: Option<SystemTime>,
    length: u64,
    hash: u64,
}

/// Everything that a build depends on.
#[derive(Debug, Default)]
pub struct Sources {
    /// `None`: not there.
    files: HashMap<PathBuf, Option<Seen>>,
    /// Watched with everything below.
    trees: BTreeSet<PathBuf>,
    /// Watched without what lies in folders below.
    folders: BTreeSet<PathBuf>,
    lock_file: PathBuf,
}

impl Sources {
    /// What is known before the first build: manifests, cargo's configuration and lock file, all Rust files of the
    /// packages on this disk.
    #[must_use]
    pub fn of(project: &Project) -> Self {
        let workspace = project.workspace_manifest.parent().unwrap_or(Path::new("."));
        let mut sources = Self { lock_file: workspace.join("Cargo.lock"), ..Self::default() };
        let mut files = vec![project.workspace_manifest.clone(), sources.lock_file.clone()];
        for manifest in &project.local_manifests {
            files.push(manifest.clone());
            let Some(folder) = manifest.parent() else { continue };
            files.push(folder.join("build.rs"));
            let tree = folder.join("src");
            files.extend(rust_files(&tree));
            sources.trees.insert(tree);
        }
        files.extend(configuration(project.folder()));
        sources.include(files);
        sources
    }

    /// Adds files; those that are known keep what was last seen of them.
    pub fn include(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        for file in files {
            let in_trees = self.trees.iter().any(|tree| file.starts_with(tree));
            if let Some(folder) = file.parent().filter(|folder| !in_trees && folder.is_dir()) {
                self.folders.insert(folder.to_owned());
            }
            self.files.entry(file).or_insert_with_key(|file| look(file, None));
        }
    }

    /// The file that cargo writes by itself while it builds: events of it mean nothing then.
    #[must_use]
    pub fn lock_file(&self) -> &Path {
        &self.lock_file
    }

    /// Takes the lock file as it is after a build: what cargo wrote is no save of the author's.
    pub fn accept_lock_file(&mut self) {
        let seen = look(&self.lock_file, None);
        self.files.insert(self.lock_file.clone(), seen);
    }

    /// Of `touched`, the files whose content differs from what was last seen. `any_file`: also files that no build has
    /// asked for so far (a missing included file that is there at last).
    pub fn changed(&mut self, touched: &BTreeSet<PathBuf>, any_file: bool) -> Vec<PathBuf> {
        let mut changed = Vec::new();
        for path in touched {
            let rust = path.extension().is_some_and(|kind| kind == "rs") && !is_hidden(path);
            let in_trees = self.trees.iter().any(|tree| path.starts_with(tree));
            if self.files.contains_key(path)
                || (in_trees && rust)
                || (any_file && !is_hidden(path) && path.is_file())
            {
                let before = self.files.get(path).copied().flatten();
                let after = look(path, before);
                if self.files.insert(path.clone(), after).flatten().map(|seen| seen.hash)
                    != after.map(|seen| seen.hash)
                {
                    changed.push(path.clone());
                }
            }
        }
        changed
    }

    /// All files whose time or length moved: for file systems that deliver no events.
    #[must_use]
    pub fn moved(&self) -> BTreeSet<PathBuf> {
        let differs = |(path, seen): &(&PathBuf, &Option<Seen>)| {
            let before = seen.map(|seen| (seen.modified, seen.length));
            stamp(path) != before
        };
        self.files.iter().filter(differs).map(|(path, _)| path.clone()).collect()
    }

    /// When the newest of `files` was written, if that was within the last minute (times of files can be anything).
    #[must_use]
    pub fn saved_at(&self, files: &[PathBuf]) -> SystemTime {
        let now = SystemTime::now();
        let newest = files.iter().filter_map(|file| self.files.get(file).copied().flatten()?.modified).max();
        newest
            .filter(|time| now.duration_since(*time).is_ok_and(|age| age < Duration::from_secs(60)))
            .unwrap_or(now)
    }
}

/// All Rust files below a folder.
fn rust_files(tree: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = WalkDir::new(tree).into_iter().filter_map(Result::ok);
    entries.map(walkdir::DirEntry::into_path).filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
}

/// Files that cargo and rustup read for a package in `folder`, there or not.
fn configuration(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in folder.ancestors() {
        let names = [".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain"];
        files.extend(names.iter().map(|name| folder.join(name)).filter(|file| file.is_file()));
    }
    files.extend(std::env::var_os("CARGO_HOME").map(|home| Path::new(&home).join("config.toml")));
    files
}

/// Hidden files and editors' backups.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.starts_with(b".") || name.ends_with(b"~")
}

fn stamp(path: &Path) -> Option<(Option<SystemTime>, u64)> {
    let about = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    Some((about.modified().ok(), about.len()))
}

/// The file as it is. Hashed even where time and length are as `before`: two saves can share one tick of the clock.
fn look(path: &Path, before: Option<Seen>) -> Option<Seen> {
    let (modified, length) = stamp(path)?;
    match std::fs::read(path) {
        Ok(bytes) => Some(Seen { modified, length, hash: xxhash_rust::xxh3::xxh3_64(&bytes) }),
        // Unreadable for a moment: it counts as unchanged until the next event.
        Err(_) => before,
    }
}

/// Collects the events of one save.
#[derive(Debug, Default)]
pub struct Debounce {
    touched: BTreeSet<PathBuf>,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Debounce {
    /// Notes touched files.
    pub fn add(&mut self, paths: impl IntoIterator<Item = PathBuf>, now: Instant) {
        self.touched.extend(paths);
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    /// When the save counts as over; `None` without one.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        Some((self.last? + QUIET).min(self.first? + LONGEST_SAVE))
    }

    /// The touched files, once the save is over.
    pub fn take(&mut self, now: Instant) -> Option<BTreeSet<PathBuf>> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        (self.first, self.last) = (None, None);
        Some(std::mem::take(&mut self.touched))
    }
}

/// News from the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileNews {
    /// These were written, renamed or removed.
    Touched(Vec<PathBuf>),
    /// Events were lost: look at everything.
    Lost,
}

/// The operating system's file events. Without any (a user has 128 of its watchers at most) saves are still found by
/// [`Sources::moved`], later.
#[derive(Debug)]
pub struct Watcher {
    inner: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
}

impl Watcher {
    /// Starts; `sink` runs on the event library's thread.
    pub fn start(sink: impl Fn(FileNews) + Send + 'static) -> Self {
        let inner = notify::recommended_watcher(move |event: notify::Result<notify::Event>| match event {
            Ok(event) if event.need_rescan() => sink(FileNews::Lost),
            Ok(event) if is_write(event.kind) => sink(FileNews::Touched(event.paths)),
            Ok(_) => {}
            Err(_) => sink(FileNews::Lost),
        });
        Self { inner: inner.ok(), watched: BTreeSet::new() }
    }

    /// True if the system gives no events.
    #[must_use]
    pub const fn is_blind(&self) -> bool {
        self.inner.is_none()
    }

    /// Watches what `sources` lists and is not watched so far. A folder that cannot be watched is left to
    /// [`Sources::moved`].
    pub fn follow(&mut self, sources: &Sources) {
        for tree in &sources.trees {
            self.add(tree, RecursiveMode::Recursive);
        }
        for folder in &sources.folders {
            self.add(folder, RecursiveMode::NonRecursive);
        }
    }

    /// Watches one folder.
    pub fn add(&mut self, folder: &Path, mode: RecursiveMode) {
        use notify::Watcher as _;
        let Some(inner) = &mut self.inner else { return };
        if !self.watched.contains(folder) && inner.watch(folder, mode).is_ok() {
            self.watched.insert(folder.to_owned());
        }
    }
}

/// Reading a file is an event too, and a compiler reads a lot.
fn is_write(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
