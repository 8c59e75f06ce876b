//! The slot: the per-user folder through which `cargo hotshell dev` and the shells talk, both ways.
//!
//! Called by: `reload` (reads builds, writes reports), `cargo-hotshell` (writes builds, reads reports).
//! Calls: `slot/folder` and what builds on it. Threads: [reload] and the watchdog; any thread in the command.
//!
//! | file | written by | what |
//! |---|---|---|
//! | `build-<n>-<hash>.<so>` | `dev` | one build, never rewritten; the last four are kept |
//! | `manifest` | `dev` | which build counts; renamed into place, and the only trigger of a reload |
//! | `dev.json`, `dev.lock` | `dev` | building, failed, idle; the lock is held while `dev` lives |
//! | `hosts/<random>.json`, `.lock` | each shell module | what it plays and what it refused; the lock is held while it lives |
//! | `staged/` | each shell module | copies that are about to be loaded, and gone right after |
//!
//! Whoever reads trusts nothing: owner and mode are checked on the open descriptor, sizes are limited, names are
//! plain. A held lock, and not a process id, says that a writer lives: ids are reused, and a sandboxed host has ids
//! of its own.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

mod folder;
mod manifest;
mod status;
#[cfg(test)]
mod tests;

pub use folder::{Folder, random_name};
pub use manifest::{BuildFacts, Manifest, hash_text};
pub(super) use status::DEV;
pub use status::{
    DevClaim, DevState, DevStatus, FaultLine, FindingLine, HostReport, InstanceLine, LogLine, RefusalLine,
    ReportFile,
};

/// Environment variable that replaces the per-user data folder, for tests and for unusual homes.
pub const DATA_DIR_VARIABLE: &str = "HOTSHELL_DATA_DIR";
/// Largest build that is read, in bytes.
pub const MAX_BUILD_BYTES: u64 = 2 << 30;
/// Builds that stay in the slot.
pub const KEPT_BUILDS: usize = 4;

pub(super) const MANIFEST: &str = "manifest";
const MANIFEST_LIMIT: u64 = 64 << 10;
const PUBLISH_LOCK: &str = "publish.lock";
/// Folder of staged copies.
pub(super) const STAGED: &str = "staged";

/// An open slot.
#[derive(Debug)]
pub struct Slot {
    folder: Folder,
}

impl Slot {
    /// The slot of a package: in the per-user data folder (or [`DATA_DIR_VARIABLE`]), named by the package and a hash
    /// of its canonical manifest path, so that two copies of one crate have two slots.
    ///
    /// # Errors
    /// The manifest cannot be resolved, or the user has no home.
    pub fn path_for(package: &str, manifest: &Path) -> Result<PathBuf, SlotError> {
        let manifest =
            manifest.canonicalize().map_err(|error| SlotError::io("find the manifest", manifest, error))?;
        let hash = xxhash_rust::xxh3::xxh3_64(manifest.as_os_str().as_encoded_bytes());
        let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' };
        let package: String = package.chars().take(64).map(plain).collect();
        Ok(data_folder()?.join("slots").join(format!("{package}-{hash:016x}")))
    }

    /// Opens a slot, made (0700, parents too) if it is not there: what `dev` does.
    ///
    /// # Errors
    /// [`SlotError::Refused`] for a folder that is another user's or writable by others, or the system's error.
    pub fn open(path: &Path) -> Result<Self, SlotError> {
        Ok(Self { folder: Folder::create(path)? })
    }

    /// Opens a slot that is there: what a shell does, which never makes one.
    ///
    /// # Errors
    /// [`SlotError::Missing`], or as [`Slot::open`].
    pub fn existing(path: &Path) -> Result<Self, SlotError> {
        Ok(Self { folder: Folder::existing(path)? })
    }

    /// The folder.
    #[must_use]
    pub const fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Publishes a build: copies `source` beside (a build is never rewritten), then renames the manifest into place.
    /// Numbers count up for as long as the slot lives.
    ///
    /// # Errors
    /// `source` cannot be read or is too large, or the slot cannot be written; what counted before still counts.
    pub fn publish(&self, source: &Path, facts: BuildFacts) -> Result<Manifest, SlotError> {
        let lock = self.folder.lock_file(PUBLISH_LOCK)?;
        lock.lock().map_err(|error| SlotError::io("lock", &self.folder.path().join(PUBLISH_LOCK), error))?;
        let mut input = File::open(source).map_err(|error| SlotError::io("read", source, error))?;
        let beside = random_name(folder::TEMPORARY, "");
        let manifest = self.publish_from(&mut input, &beside, facts);
        if manifest.is_err() {
            // The first error is the one to report; what stays is swept by the next publish.
            let _ = self.folder.remove(&beside);
        }
        // The lock ends with the file.
        drop(lock);
        manifest
    }

    fn publish_from(&self, input: &mut File, beside: &str, facts: BuildFacts) -> Result<Manifest, SlotError> {
        let mut output = self.folder.create_new(beside)?;
        let copied = copy_hashed(input, &mut output, MAX_BUILD_BYTES)
            .map_err(|error| SlotError::io("copy the build to", &self.folder.path().join(beside), error))?;
        drop(output);
        let build = self.next_build()?;
        let manifest = Manifest::new(build, &copied, facts);
        self.folder.rename(beside, &manifest.file)?;
        self.folder.write(MANIFEST, &manifest.to_bytes()?)?;
        self.prune(&manifest.file);
        Ok(manifest)
    }

    fn next_build(&self) -> Result<u32, SlotError> {
        let named = self.folder.names()?.iter().filter_map(|name| manifest::build_of(name)).max();
        // A manifest that cannot be read is about to be replaced: only its number would have mattered.
        let current = self.read_manifest().ok().map(|manifest| manifest.build);
        Ok(named.max(current).unwrap_or(0).wrapping_add(1).max(1))
    }

    /// Removes all but the last builds, and what a crashed `dev` left half written. Failing to is no reason to fail
    /// the publish: the next one tries again.
    fn prune(&self, current: &str) {
        let Ok(names) = self.folder.names() else { return };
        let mut builds: Vec<(u32, &String)> =
            names.iter().filter_map(|name| manifest::build_of(name).map(|build| (build, name))).collect();
        builds.sort();
        let old = builds.len().saturating_sub(KEPT_BUILDS);
        let old = builds[..old].iter().map(|(_, name)| *name);
        // The publish lock is held: a temporary build is a dead publisher's. Other temporaries live for microseconds.
        let torn =
            names.iter().filter(|name| name.starts_with(folder::TEMPORARY) && is_stale(&self.folder, name));
        for name in old.chain(torn).filter(|name| *name != current) {
            let _ = self.folder.remove(name);
        }
    }

    /// The manifest: which build counts.
    ///
    /// # Errors
    /// [`SlotError::Missing`] before the first publish; [`SlotError::Refused`] with the reason if it is damaged, too
    /// large, of another format, or names a file that is not this slot's.
    pub fn read_manifest(&self) -> Result<Manifest, SlotError> {
        let bytes = self.folder.read(MANIFEST, MANIFEST_LIMIT)?;
        Manifest::from_bytes(&bytes)
            .map_err(|reason| SlotError::refused(&self.folder.path().join(MANIFEST), &reason))
    }

    /// Something that differs whenever another manifest was renamed into place; `None` without one. Cheap.
    #[must_use]
    pub fn manifest_stamp(&self) -> Option<(std::time::SystemTime, u64)> {
        let about = self.folder.open(MANIFEST).ok()?.metadata().ok()?;
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(&about);
        #[cfg(not(unix))]
        let number = about.len();
        Some((about.modified().ok()?, number))
    }

    /// Removes what modules that have died left behind.
    ///
    /// # Errors
    /// The first file that cannot be removed.
    pub fn sweep(&self) -> Result<(), SlotError> {
        status::sweep_all(&self.folder)
    }

    /// Removes what was published and what dead writers left; then the folder itself, unless a living shell or `dev`
    /// still uses it.
    ///
    /// # Errors
    /// The first file that cannot be removed.
    pub fn clean(self) -> Result<(), SlotError> {
        for name in self.folder.names()? {
            let published = name == MANIFEST || name == PUBLISH_LOCK || manifest::build_of(&name).is_some();
            if published || name.starts_with(folder::TEMPORARY) {
                self.folder.remove(&name)?;
            }
        }
        status::clean(&self.folder)?;
        let path = self.folder.path().to_owned();
        drop(self);
        for part in [path.join("hosts"), path.join(STAGED), path] {
            // Not empty: somebody lives there. Not there: nothing to do.
            let _ = std::fs::remove_dir(part);
        }
        Ok(())
    }
}

/// The folder of everything that hotshell keeps per user.
///
/// # Errors
/// The user has no home.
pub fn data_folder() -> Result<PathBuf, SlotError> {
    use etcetera::BaseStrategy as _;
    if let Some(folder) = std::env::var_os(DATA_DIR_VARIABLE).filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(folder));
    }
    let strategy = etcetera::choose_base_strategy().map_err(|_| {
        SlotError::refused(Path::new("~"), "this user has no home folder; set HOTSHELL_DATA_DIR")
    })?;
    Ok(strategy.data_dir().join("hotshell"))
}

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Bytes.
    pub length: u64,
    /// XXH3-128 of them.
    pub hash: u128,
}

/// Copies all of `input` to `output`, hashed on the way.
///
/// # Errors
/// Reading or writing failed, or there is more than `limit`.
pub fn copy_hashed(input: &mut File, output: &mut impl Write, limit: u64) -> std::io::Result<Copied> {
    let mut hasher = Xxh3::new();
    let mut chunk = vec![0_u8; 256 << 10];
    let mut length = 0_u64;
    input.seek(SeekFrom::Start(0))?;
    loop {
        let read = match input.read(&mut chunk) {
            Ok(0) => return Ok(Copied { length, hash: hasher.digest128() }),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        length += read as u64;
        if length > limit {
            return Err(std::io::Error::other(format!("the file is larger than {limit} bytes")));
        }
        hasher.update(&chunk[..read]);
        output.write_all(&chunk[..read])?;
    }
}

/// True if nobody holds the lock on `file`.
pub(super) fn is_free(file: &File) -> bool {
    match file.try_lock() {
        Ok(()) => true,
        // A file system without locks: nobody can be told from a dead writer, so nobody is swept.
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
    }
}

/// True for a file that was to be renamed a minute ago: its writer has died.
fn is_stale(folder: &Folder, name: &str) -> bool {
    let modified = folder.open(name).ok().and_then(|file| file.metadata().ok()?.modified().ok());
    let age = modified.and_then(|modified| modified.elapsed().ok());
    age.is_some_and(|age| age > std::time::Duration::from_secs(60))
}

/// Nanoseconds since 1970, the time of every stamp in the slot: writers and readers are processes of one machine.
#[must_use]
pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// What can be wrong with a slot.
#[derive(Debug)]
#[non_exhaustive]
pub enum SlotError {
    /// Not there.
    Missing(PathBuf),
    /// There, and not to be trusted or not understood.
    Refused {
        /// What was refused.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The operating system said no.
    Io {
        /// What was tried, e.g. `"open"`.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Its answer.
        source: std::io::Error,
    },
}

impl SlotError {
    pub(super) fn refused(path: &Path, reason: &str) -> Self {
        Self::Refused { path: path.to_owned(), reason: reason.to_owned() }
    }

    pub(super) fn io(doing: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }
}

impl fmt::Display for SlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "{} is not there", path.display()),
            Self::Refused { path, reason } => write!(f, "{} was refused: {reason}", path.display()),
            Self::Io { doing, path, source } => write!(f, "could not {doing} {}: {source}", path.display()),
        }
    }
}

impl std::error::Error for SlotError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
