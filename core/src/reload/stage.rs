//! A private copy of the file that the manifest names, hashed on the way.
//!
//! Called by: `reload/job`. Calls: `slot`. Threads: [reload].
//!
//! The copy is what gets loaded: nobody else writes it, so what was checked is what runs, and a library that is
//! truncated while it is mapped (SIGBUS) is somebody else's file.

use std::fs::File;
use std::path::PathBuf;

use super::slot::{self, Folder, Manifest, Slot, SlotError};

/// Why there is no staged copy.
#[derive(Debug)]
pub enum StageError {
    /// The file is gone because a newer build counts: read the manifest again.
    Superseded,
    /// In words, with what to do. About this file or this machine's state, so the same build may be published again.
    Refused(String),
}

/// A staged copy, removed on drop: on Unix right after it was loaded, elsewhere at the latest by the next sweep.
#[derive(Debug)]
pub struct Staged {
    folder: Folder,
    name: String,
    file: File,
}

impl Staged {
    /// Where to load it from.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.real_path().join(&self.name)
    }

    /// The open copy.
    #[must_use]
    pub const fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Where a mapped file cannot be removed the next start sweeps it.
        let _ = self.folder.remove(&self.name);
    }
}

/// Copies and checks the build that `manifest` names.
///
/// # Errors
/// [`StageError`].
pub fn stage(slot: &Slot, manifest: &Manifest) -> Result<Staged, StageError> {
    let mut source = match slot.folder().open(&manifest.file) {
        Ok(source) => source,
        Err(SlotError::Missing(path)) => return Err(vanished(slot, manifest, &path)),
        Err(error) => return Err(StageError::Refused(error.to_string())),
    };
    let refuse = |error: SlotError| StageError::Refused(error.to_string());
    let folder = slot.folder().subfolder(slot::STAGED).map_err(refuse)?;
    let (file, name) = folder.create_locked("", std::env::consts::DLL_SUFFIX).map_err(refuse)?;
    let mut staged = Staged { folder, name, file };
    let copied =
        slot::copy_hashed(&mut source, &mut staged.file, slot::MAX_BUILD_BYTES).map_err(|error| {
            let path = staged.path();
            StageError::Refused(SlotError::io("copy the build to", &path, error).to_string())
        })?;
    compare(manifest, copied).map_err(StageError::Refused)?;
    #[cfg(not(unix))]
    {
        // A file that is locked or open for writing cannot be loaded there; one that is loaded cannot be removed. Between
        // the two a sweeper of another process may take it: it then counts as superseded.
        staged.file = staged.folder.open(&staged.name).map_err(refuse)?;
    }
    Ok(staged)
}

fn compare(manifest: &Manifest, copied: slot::Copied) -> Result<(), String> {
    if copied.length != manifest.length {
        return Err(format!(
            "{} has {} bytes and should have {}: it is torn or was written in place; publish again",
            manifest.file, copied.length, manifest.length
        ));
    }
    if copied.hash != manifest.hash() {
        return Err(format!(
            "{} does not have the hash of its manifest: it was damaged or written in place; publish again",
            manifest.file
        ));
    }
    Ok(())
}

fn vanished(slot: &Slot, manifest: &Manifest, path: &std::path::Path) -> StageError {
    match slot.read_manifest() {
        Ok(current) if current == *manifest => StageError::Refused(format!(
            "{} is named by the manifest and not there; publish again",
            path.display()
        )),
        _ => StageError::Superseded,
    }
}
