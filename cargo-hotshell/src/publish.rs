//! From a finished logic build to the slot.
//!
//! Called by: `dev`. Calls: the slot. Threads: [main].

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use hotshell_core::reload::slot::{BuildFacts, Manifest, Slot, copy_hashed, now};

use crate::Error;
use crate::compile::HOT;

/// Largest build that is looked at, in bytes; the slot refuses it anyway.
const LIMIT: u64 = hotshell_core::reload::slot::MAX_BUILD_BYTES;

/// What the timeline and the manifest say of a build.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// When the source was saved; `None` for the build that `dev` begins with.
    pub saved_at: Option<SystemTime>,
    /// Which files were saved.
    pub files: Vec<PathBuf>,
}

/// What became of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// It counts from here on.
    New(Manifest),
    /// The same machine code as the build that counts already: hosts need not hear of it.
    Same(Manifest),
}

/// Publishes `artifact`, unless it is byte for byte what counts already. The profile has left its debug information
/// out, which is quicker than stripping a copy.
///
/// # Errors
/// The artifact cannot be read or the slot not written; what counted before still counts.
pub fn publish(slot: &Slot, artifact: &Path, story: &Story) -> Result<Published, Error> {
    let built_at = now();
    if let Some(current) = current(slot, artifact) {
        return Ok(Published::Same(current));
    }
    let mut facts = BTreeMap::new();
    if let Some(file) = story.files.first() {
        facts.insert("saved".to_owned(), file.display().to_string());
    }
    let saved_at = story.saved_at.map_or(0, nanoseconds);
    let facts = BuildFacts { profile: HOT.to_owned(), saved_at, built_at, facts };
    Ok(Published::New(slot.publish(artifact, facts)?))
}

/// True if `artifact` is byte for byte what counts already.
#[must_use]
pub fn is_current(slot: &Slot, artifact: &Path) -> bool {
    current(slot, artifact).is_some()
}

fn current(slot: &Slot, artifact: &Path) -> Option<Manifest> {
    let current = slot.read_manifest().ok()?;
    slot.folder().open(&current.file).ok()?;
    (hash_of(artifact).ok()? == current.hash()).then_some(current)
}

fn hash_of(artifact: &Path) -> Result<u128, Error> {
    let mut file = File::open(artifact).with_context(|| format!("cannot read {}", artifact.display()))?;
    let copied = copy_hashed(&mut file, &mut std::io::sink(), LIMIT);
    Ok(copied.with_context(|| format!("cannot read {}", artifact.display()))?.hash)
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_content_is_published_whole_and_the_same_content_not_again() {
        let folder = tempfile::tempdir().unwrap();
        let slot = Slot::open(&folder.path().join("slot")).unwrap();
        let artifact = folder.path().join("libgain.so");
        let story = Story { saved_at: Some(SystemTime::now()), files: vec!["src/lib.rs".into()] };
        std::fs::write(&artifact, "one").unwrap();
        let Published::New(first) = publish(&slot, &artifact, &story).unwrap() else {
            panic!("not published")
        };
        assert_eq!(slot.folder().read(&first.file, 99).unwrap(), b"one");
        assert_eq!(first.facts["saved"], "src/lib.rs");
        assert!(first.saved_at <= first.built_at && first.built_at <= first.published_at);
        assert_eq!(publish(&slot, &artifact, &story).unwrap(), Published::Same(first.clone()));
        std::fs::write(&artifact, "two").unwrap();
        let Published::New(second) = publish(&slot, &artifact, &story).unwrap() else {
            panic!("not published")
        };
        assert_eq!(second.build, first.build + 1);
        assert_eq!(slot.folder().read(&first.file, 99).unwrap(), b"one", "a build is never rewritten");
        assert_eq!(slot.read_manifest().unwrap(), second);
    }

    #[test]
    fn a_build_that_cannot_be_read_leaves_what_counted() {
        let folder = tempfile::tempdir().unwrap();
        let slot = Slot::open(&folder.path().join("slot")).unwrap();
        let artifact = folder.path().join("libgain.so");
        std::fs::write(&artifact, "one").unwrap();
        publish(&slot, &artifact, &Story::default()).unwrap();
        let before = slot.read_manifest().unwrap();
        assert!(publish(&slot, &folder.path().join("nowhere"), &Story::default()).is_err());
        assert_eq!(slot.read_manifest().unwrap(), before);
    }
}
