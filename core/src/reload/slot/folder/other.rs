//! Folders by path, for systems whose per-user data folder is closed to others by its access list.
//!
//! Called by: `slot/folder`. Calls: the operating system. Threads: [reload] [main], and the watchdog.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::SlotError;

#[derive(Debug)]
pub(super) struct Handle {
    path: PathBuf,
}

impl Handle {
    /// The folder, and where it is.
    pub(super) fn at(path: &Path) -> Result<(Self, PathBuf), SlotError> {
        let about = std::fs::symlink_metadata(path).map_err(|error| explain(error, path))?;
        if !about.is_dir() {
            return Err(SlotError::refused(path, "it is not a folder, or a link"));
        }
        Ok((Self { path: path.to_owned() }, path.to_owned()))
    }

    pub(super) fn subfolder(&self, _name: &str, path: &Path) -> Result<Self, SlotError> {
        make_all(path).map_err(|error| SlotError::io("make the folder", path, error))?;
        Ok(Self::at(path)?.0)
    }

    pub(super) fn is_at(&self, path: &Path) -> bool {
        path == self.path && path.is_dir()
    }

    pub(super) fn open_file(path: &Path) -> Result<File, SlotError> {
        let about = std::fs::symlink_metadata(path).map_err(|error| explain(error, path))?;
        if !about.is_file() {
            return Err(SlotError::refused(path, "it is not a plain file"));
        }
        File::open(path).map_err(|error| explain(error, path))
    }

    pub(super) fn open(&self, _name: &str, path: &Path) -> Result<File, SlotError> {
        Self::open_file(path)
    }

    pub(super) fn create_new(&self, _name: &str, path: &Path) -> Result<File, SlotError> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|error| SlotError::io("make", path, error))
    }

    pub(super) fn open_or_create(&self, _name: &str, path: &Path) -> Result<File, SlotError> {
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        options.map_err(|error| SlotError::io("open", path, error))
    }

    pub(super) fn rename(&self, from: (&str, &Path), to: (&str, &Path)) -> io::Result<()> {
        std::fs::rename(from.1, to.1)
    }

    pub(super) fn remove(&self, _name: &str, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    pub(super) fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        std::fs::read_dir(path)?
            .filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose())
            .collect()
    }
}

pub(super) fn make_all(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Unix, where it can refuse")]
pub(super) fn check_owner(_about: &Metadata, _path: &Path) -> Result<(), SlotError> {
    Ok(())
}

fn explain(error: io::Error, path: &Path) -> SlotError {
    if error.kind() == io::ErrorKind::NotFound {
        SlotError::Missing(path.to_owned())
    } else {
        SlotError::io("open", path, error)
    }
}
