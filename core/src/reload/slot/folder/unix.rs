//! Folders by descriptor: `openat` and friends.
//!
//! The way to the folder is resolved once and then walked without following a link, each folder on it checked on its own
//! descriptor: whoever may rename one of them decides what lies below. So each is root's or the user's own; group-writable
//! is allowed (umask 002).
//!
//! Called by: `slot/folder`. Calls: the operating system. Threads: [reload] [main], and the watchdog.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};

use super::SlotError;

#[derive(Debug)]
pub(super) struct Handle {
    folder: OwnedFd,
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::RDONLY);

/// For a folder on the way, which need not be readable.
#[cfg(any(target_os = "linux", target_os = "android"))]
const WAY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::PATH);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const WAY: OFlags = FOLDER;

impl Handle {
    /// The folder, and where it is without links.
    pub(super) fn at(path: &Path) -> Result<(Self, PathBuf), SlotError> {
        let missing = || SlotError::Missing(path.to_owned());
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(SlotError::refused(path, "it is no folder's own path; name one inside another"));
        };
        let parent = match parent.canonicalize() {
            Ok(parent) => parent,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(missing()),
            Err(error) => return Err(SlotError::io("find", parent, error)),
        };
        let way = walk(&parent)?;
        let folder =
            rustix::fs::openat(&way, name, FOLDER, Mode::empty()).map_err(|error| explain(error, path))?;
        Ok((Self::checked(folder, path)?, parent.join(name)))
    }

    pub(super) fn subfolder(&self, name: &str, path: &Path) -> Result<Self, SlotError> {
        match rustix::fs::mkdirat(&self.folder, name, Mode::RWXU) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(SlotError::io("make the folder", path, error.into())),
        }
        let folder = rustix::fs::openat(&self.folder, name, FOLDER, Mode::empty())
            .map_err(|error| explain(error, path))?;
        Self::checked(folder, path)
    }

    fn checked(folder: OwnedFd, path: &Path) -> Result<Self, SlotError> {
        let file = File::from(folder);
        let about = file.metadata().map_err(|error| SlotError::io("inspect", path, error))?;
        check_owner(&about, path)?;
        if about.mode() & 0o077 != 0 {
            let reason =
                format!("others may look into it (mode {:03o}); `chmod 700` it", about.mode() & 0o777);
            return Err(SlotError::refused(path, &reason));
        }
        Ok(Self { folder: file.into() })
    }

    pub(super) fn is_at(&self, path: &Path) -> bool {
        let (Ok(held), Ok(there)) = (rustix::fs::fstat(&self.folder), std::fs::symlink_metadata(path)) else {
            return false;
        };
        // Widths of the fields differ by system.
        #[allow(
            clippy::useless_conversion,
            clippy::unnecessary_cast,
            reason = "u64 on Linux, narrower elsewhere"
        )]
        let same_number = held.st_ino as u64 == there.ino();
        same_number && held.st_nlink > 0
    }

    fn open_flags(&self, name: &str, path: &Path, flags: OFlags) -> Result<File, SlotError> {
        // Non-blocking, or a pipe put in a file's place would hang the opening thread.
        let flags = flags.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);
        let file = rustix::fs::openat(&self.folder, name, flags, Mode::RUSR.union(Mode::WUSR))
            .map_err(|error| explain(error, path))?;
        Ok(File::from(file))
    }

    pub(super) fn open(&self, name: &str, path: &Path) -> Result<File, SlotError> {
        self.open_flags(name, path, OFlags::RDONLY)
    }

    pub(super) fn create_new(&self, name: &str, path: &Path) -> Result<File, SlotError> {
        self.open_flags(name, path, OFlags::RDWR.union(OFlags::CREATE).union(OFlags::EXCL))
    }

    pub(super) fn open_or_create(&self, name: &str, path: &Path) -> Result<File, SlotError> {
        self.open_flags(name, path, OFlags::RDWR.union(OFlags::CREATE))
    }

    pub(super) fn rename(&self, from: (&str, &Path), to: (&str, &Path)) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.folder, from.0, &self.folder, to.0)?)
    }

    pub(super) fn remove(&self, name: &str, _path: &Path) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.folder, name, AtFlags::empty())?)
    }

    pub(super) fn names(&self, _path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.folder)? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().to_str()
                && name != "."
                && name != ".."
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }
}

/// Opens every folder down to `path`, which holds no links, and checks that not everybody may replace the next one.
fn walk(path: &Path) -> Result<OwnedFd, SlotError> {
    let mut at = PathBuf::from("/");
    let mut folder = rustix::fs::open(&at, WAY, Mode::empty()).map_err(|error| explain(error, &at))?;
    check_way(&folder, &at)?;
    for part in path.components() {
        let Component::Normal(name) = part else { continue };
        at.push(name);
        folder =
            rustix::fs::openat(&folder, name, WAY, Mode::empty()).map_err(|error| explain(error, &at))?;
        check_way(&folder, &at)?;
    }
    Ok(folder)
}

/// Where root is not mapped (a user namespace: Flatpak, rootless containers), what is root's seems to be this user's, who is
/// nobody; Linux, `user_namespaces(7)`, `/proc/sys/kernel/overflowuid`.
const NOBODY: u32 = 65_534;

/// Whether what lies in a folder of `owner`'s may be `user`'s slot.
const fn may_lead(owner: u32, user: u32) -> bool {
    owner == user || owner == 0 || owner == NOBODY
}

fn check_way(folder: &OwnedFd, path: &Path) -> Result<(), SlotError> {
    let about = rustix::fs::fstat(folder).map_err(|error| SlotError::io("inspect", path, error.into()))?;
    let user = rustix::process::geteuid().as_raw();
    if !may_lead(about.st_uid, user) {
        let reason = format!(
            "it belongs to user {}, who may replace what lies in it, the slot as well; name a data folder below one of \
             user {user}'s own with HOTSHELL_DATA_DIR",
            about.st_uid
        );
        return Err(SlotError::refused(path, &reason));
    }
    // Widths of the field differ by system.
    #[allow(
        clippy::useless_conversion,
        clippy::unnecessary_cast,
        reason = "u32 on Linux, narrower elsewhere"
    )]
    let mode = about.st_mode as u32;
    if mode & 0o002 != 0 && mode & 0o1000 == 0 {
        let reason = format!(
            "everybody may replace what lies in it (mode {:04o}), the slot as well; `chmod o-w` it",
            mode & 0o7777
        );
        return Err(SlotError::refused(path, &reason));
    }
    Ok(())
}

pub(super) fn make_all(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub(super) fn check_owner(about: &Metadata, path: &Path) -> Result<(), SlotError> {
    let user = rustix::process::geteuid().as_raw();
    if about.uid() != user {
        let reason = format!("it belongs to user {}, not to this user ({user})", about.uid());
        return Err(SlotError::refused(path, &reason));
    }
    if about.mode() & 0o022 != 0 {
        let reason = format!("others may write it (mode {:03o}); `chmod go-w` it", about.mode() & 0o777);
        return Err(SlotError::refused(path, &reason));
    }
    Ok(())
}

fn explain(error: rustix::io::Errno, path: &Path) -> SlotError {
    match error {
        rustix::io::Errno::NOENT => SlotError::Missing(path.to_owned()),
        rustix::io::Errno::LOOP => SlotError::refused(path, "it is a symbolic link"),
        rustix::io::Errno::NOTDIR => SlotError::refused(path, "it is not a folder, or a symbolic link"),
        other => SlotError::io("open", path, other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{NOBODY, may_lead};

    #[test]
    fn a_folder_of_another_users_leads_to_no_slot() {
        assert!(may_lead(1000, 1000) && may_lead(0, 1000) && may_lead(NOBODY, 1000));
        assert!(!may_lead(1001, 1000) && !may_lead(1000, 0));
    }
}
