//! A private folder, held open: every file in it is reached through the descriptor whose owner and mode were checked.
//!
//! Called by: `slot`, `reload/stage`. Calls: the operating system. Threads: [reload] [main], and the watchdog.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::SlotError;

#[cfg(unix)]
#[path = "folder/unix.rs"]
mod system;
#[cfg(not(unix))]
#[path = "folder/other.rs"]
mod system;

/// An open folder that belongs to this user and that nobody else can write.
#[derive(Debug)]
pub struct Folder {
    inner: system::Handle,
    path: PathBuf,
    /// Without links, as it was walked.
    real: PathBuf,
}

impl Folder {
    /// Opens `path`, which must exist.
    ///
    /// # Errors
    /// [`SlotError::Missing`], [`SlotError::Refused`] for a folder that is another's or open to others, or that lies in
    /// one which everybody may write and that is not sticky.
    pub fn existing(path: &Path) -> Result<Self, SlotError> {
        let (inner, real) = system::Handle::at(path)?;
        Ok(Self { inner, path: path.to_owned(), real })
    }

    /// Opens `path`, made with all its parents (0700) if it is not there.
    ///
    /// # Errors
    /// As [`Folder::existing`], or the folder cannot be made.
    pub fn create(path: &Path) -> Result<Self, SlotError> {
        system::make_all(path).map_err(|error| SlotError::io("make the folder", path, error))?;
        Self::existing(path)
    }

    /// The folder `name` inside, made (0700) if it is not there.
    ///
    /// # Errors
    /// As [`Folder::create`].
    pub fn subfolder(&self, name: &str) -> Result<Self, SlotError> {
        let path = self.at(name)?;
        Ok(Self { inner: self.inner.subfolder(name, &path)?, path, real: self.real.join(name) })
    }

    /// Where the folder is without links: the way that was checked, for what wants a path to load from.
    #[must_use]
    pub fn real_path(&self) -> &Path {
        &self.real
    }

    /// Where the folder was when it was opened; for messages and for watching.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True while [`Folder::path`] still leads to this very folder (it may have been removed and made again).
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.inner.is_at(&self.path)
    }

    /// Opens a file for reading: a plain file of this user's, no link followed.
    ///
    /// # Errors
    /// [`SlotError::Missing`], [`SlotError::Refused`].
    pub fn open(&self, name: &str) -> Result<File, SlotError> {
        let path = self.at(name)?;
        let file = self.inner.open(name, &path)?;
        let about = file.metadata().map_err(|error| SlotError::io("inspect", &path, error))?;
        if !about.is_file() {
            return Err(SlotError::refused(&path, "it is not a plain file"));
        }
        system::check_owner(&about, &path)?;
        Ok(file)
    }

    /// Makes a file (0600) that must not be there yet.
    ///
    /// # Errors
    /// It is there, or cannot be made (disk full, folder removed).
    pub fn create_new(&self, name: &str) -> Result<File, SlotError> {
        let path = self.at(name)?;
        self.inner.create_new(name, &path)
    }

    /// Makes a file with a random name between `prefix` and `suffix`, locked before it has its name: no sweeper sees it
    /// free while its maker lives.
    ///
    /// # Errors
    /// As [`Folder::create_new`], or the file system has no locks.
    pub fn create_locked(&self, prefix: &str, suffix: &str) -> Result<(File, String), SlotError> {
        let (beside, name) = (random_name(TEMPORARY, ""), random_name(prefix, suffix));
        let file = self.create_new(&beside)?;
        let locked = if super::is_free(&file) {
            self.rename(&beside, &name)
        } else {
            Err(SlotError::refused(
                &self.path,
                "its file system has no file locks; set HOTSHELL_DATA_DIR to another",
            ))
        };
        if let Err(error) = locked {
            // The first error is the one to report.
            let _ = self.remove(&beside);
            return Err(error);
        }
        Ok((file, name))
    }

    /// A file to lock, made if it is not there. The lock ends with the file (or the process).
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn lock_file(&self, name: &str) -> Result<File, SlotError> {
        let path = self.at(name)?;
        let file = self.inner.open_or_create(name, &path)?;
        let about = file.metadata().map_err(|error| SlotError::io("inspect", &path, error))?;
        system::check_owner(&about, &path)?;
        Ok(file)
    }

    /// Renames within the folder, replacing `to`.
    ///
    /// # Errors
    /// The operating system's.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), SlotError> {
        let (from_path, to_path) = (self.at(from)?, self.at(to)?);
        self.inner
            .rename((from, &from_path), (to, &to_path))
            .map_err(|error| SlotError::io("rename into place", &to_path, error))
    }

    /// Removes a file. One that is not there counts as removed.
    ///
    /// # Errors
    /// The operating system's.
    pub fn remove(&self, name: &str) -> Result<(), SlotError> {
        let path = self.at(name)?;
        match self.inner.remove(name, &path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(SlotError::io("remove", &path, error))
            }
            _ => Ok(()),
        }
    }

    /// Names of what is inside, in no order; names that are not UTF-8 are none of ours and left out.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn names(&self) -> Result<Vec<String>, SlotError> {
        self.inner.names(&self.path).map_err(|error| SlotError::io("list", &self.path, error))
    }

    /// All of a small file.
    ///
    /// # Errors
    /// As [`Folder::open`]; [`SlotError::Refused`] beyond `limit` bytes.
    pub fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, SlotError> {
        let path = self.at(name)?;
        let mut bytes = Vec::new();
        self.open(name)?
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| SlotError::io("read", &path, error))?;
        if bytes.len() as u64 > limit {
            return Err(SlotError::refused(&path, &format!("it is larger than {limit} bytes")));
        }
        Ok(bytes)
    }

    /// Puts a whole file in place: written beside, then renamed. A reader sees the old one or the new one.
    ///
    /// # Errors
    /// The operating system's; nothing is left beside.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), SlotError> {
        let path = self.at(name)?;
        let beside = random_name(TEMPORARY, "");
        let mut file = self.create_new(&beside)?;
        let written = file.write_all(bytes).map_err(|error| SlotError::io("write", &path, error));
        drop(file);
        let done = written.and_then(|()| self.rename(&beside, name));
        if done.is_err() {
            // The first error is the one to report.
            let _ = self.remove(&beside);
        }
        done
    }

    fn at(&self, name: &str) -> Result<PathBuf, SlotError> {
        check_name(name).map_err(|reason| SlotError::refused(&self.path, &reason))?;
        Ok(self.path.join(name))
    }
}

/// How files that are being written begin; what a crash leaves of them is swept.
pub(super) const TEMPORARY: &str = ".new-";

/// `prefix`, 16 random hexadecimal digits, `suffix`.
#[must_use]
pub fn random_name(prefix: &str, suffix: &str) -> String {
    let random = getrandom::u64().unwrap_or_else(|_| {
        // Without a random source: unique in this process by the counter, among processes by id and time.
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        super::now() ^ (u64::from(std::process::id()) << 40) ^ (count << 20)
    });
    format!("{prefix}{random:016x}{suffix}")
}

/// Refuses names that could lead out of the folder.
///
/// # Errors
/// The reason, in words.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > 200 || name == "." || name == ".." || !name.bytes().all(plain) {
        return Err(format!(
            "the file name {:?} is not a plain name (letters, digits, '-', '_', '.')",
            name.chars().take(80).collect::<String>()
        ));
    }
    Ok(())
}
