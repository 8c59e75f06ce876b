//! What the shell's build has compiled already is not compiled again for the logic: libraries that both need alike are
//! copied into the logic's target folder before its first build. A toolkit for windows takes minutes.
//!
//! The two cannot share one folder: the dynamic library that both make has one name there, and cargo would take the one
//! for the other. Cargo decides by its own fingerprints what of the copies it can use; the rest is only in its way.
//!
//! Called by: `dev`. Calls: the file system. Threads: [main].

use std::fs::{File, FileTimes};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::HOT;
use crate::project::Project;

/// What cargo keeps of libraries, by the names of its folders; incremental caches are of packages that change.
const KEPT: [&str; 3] = ["deps", "build", ".fingerprint"];

/// Fills the logic's target folder from the shell's, if it is not there yet.
///
/// # Errors
/// Something cannot be copied. Nothing is there then, and everything will be compiled.
pub fn logic_from_shell(project: &Project) -> io::Result<()> {
    let own = project.own_target();
    let (from, to, part) = (own.join("shell").join(HOT), own.join("logic"), own.join("logic.part"));
    if to.exists() || !from.is_dir() {
        return Ok(());
    }
    if part.exists() {
        std::fs::remove_dir_all(&part)?;
    }
    // The plug-in itself is another in each.
    let is_wanted = |name: &str| {
        let name = name.strip_prefix("lib").unwrap_or(name);
        let ours = [&project.package, &project.library].map(|ours| name.strip_prefix(ours.as_str()));
        !ours.into_iter().flatten().any(|rest| rest.starts_with(['-', '.']))
    };
    let copied = KEPT
        .iter()
        .filter(|name| from.join(name).is_dir())
        .try_for_each(|name| copy(&from.join(name), &part.join(HOT).join(name), &is_wanted))
        .and_then(|()| std::fs::rename(&part, &to));
    if copied.is_err() {
        // What cannot be removed is removed before the next copy, or by `clean`.
        drop(std::fs::remove_dir_all(&part));
    }
    copied
}

/// Copies a folder with its times, by which cargo knows what is newer than what.
fn copy(from: &Path, to: &Path, is_wanted: &impl Fn(&str) -> bool) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if !entry.file_name().to_str().is_some_and(is_wanted) {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, is_wanted)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
            let modified = entry.metadata()?.modified()?;
            set_modified(&target, modified)?;
        }
    }
    Ok(())
}

/// Its owner may do so with a file that is read-only, too: a build script's copies of sources.
#[cfg(unix)]
fn set_modified(file: &Path, time: SystemTime) -> io::Result<()> {
    File::open(file)?.set_times(FileTimes::new().set_modified(time))
}

#[cfg(not(unix))]
fn set_modified(file: &Path, time: SystemTime) -> io::Result<()> {
    File::options().write(true).open(file)?.set_times(FileTimes::new().set_modified(time))
}

#[cfg(test)]
mod tests;
