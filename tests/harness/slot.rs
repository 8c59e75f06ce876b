//! A slot of a test's own, in a temporary folder that goes with it.
//!
//! Called by: tests and benchmarks. Calls: `hotshell_core::reload::slot`, `kept`. Threads: [any].

use std::path::{Path, PathBuf};

use hotshell_core::reload::slot::{BuildFacts, HostReport, Slot};

use crate::fixture::Built;
use crate::{guard, kept};

/// Random letters of the folder's name. Every slot of a machine has a path of the same length, so that a shell that
/// was built once can be pointed at any of them.
const LETTERS: usize = 16;
const PREFIX: &str = "hotshell-tests-";

/// A slot, its folder, and room for bundles beside it.
pub struct TestSlot {
    folder: tempfile::TempDir,
    slot: Slot,
}

impl Drop for TestSlot {
    fn drop(&mut self) {
        if !guard::available() {
            // The slot goes as it does elsewhere; the libraries beside it can be read for as long as they are mapped.
            let _ = std::fs::remove_dir_all(self.path());
            self.folder.disable_cleanup(true);
            kept::until_the_end(self.folder.path().to_owned());
        }
    }
}

impl Default for TestSlot {
    fn default() -> Self {
        Self::new()
    }
}

impl TestSlot {
    /// An empty slot.
    ///
    /// # Panics
    /// If there is no temporary folder to write to.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix(PREFIX).rand_bytes(LETTERS).tempdir();
        let folder = folder.expect("a temporary folder");
        let slot = Slot::open(&folder.path().join("slot")).expect("a slot");
        Self { folder, slot }
    }

    /// The path that shells are built with, as long as every real one.
    #[must_use]
    pub fn placeholder() -> PathBuf {
        std::env::temp_dir().join(format!("{PREFIX}{}", "0".repeat(LETTERS))).join("slot")
    }

    /// Folder of the slot.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.slot.folder().path()
    }

    /// Folder beside the slot, removed with it.
    #[must_use]
    pub fn room(&self) -> &Path {
        self.folder.path()
    }

    /// The slot itself.
    #[must_use]
    pub const fn slot(&self) -> &Slot {
        &self.slot
    }

    /// Publishes a build as `dev` does; answers its number.
    ///
    /// # Panics
    /// If it cannot.
    pub fn publish(&self, build: &Built) -> u32 {
        self.publish_file(&build.path)
    }

    /// Publishes any file.
    ///
    /// # Panics
    /// If it cannot.
    pub fn publish_file(&self, path: &Path) -> u32 {
        let facts = BuildFacts { profile: "test".into(), ..BuildFacts::default() };
        self.slot.publish(path, facts).expect("published").build
    }

    /// Reports of all living modules.
    ///
    /// # Panics
    /// If the folder cannot be read.
    #[must_use]
    pub fn reports(&self) -> Vec<HostReport> {
        self.slot.reports().expect("reports")
    }

    /// True once some module reports that it refused `build`; its reason.
    #[must_use]
    pub fn refusal(&self, build: u32) -> Option<String> {
        let reports = self.reports();
        let mut refusals = reports.iter().flat_map(|report| &report.refusals);
        refusals.find(|refusal| refusal.build == build).map(|refusal| refusal.reason.clone())
    }

    /// Names of the files in the slot and the folders below it.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut open = vec![self.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    open.push(entry.path());
                } else {
                    names.push(
                        entry.path().strip_prefix(self.path()).unwrap_or(&entry.path()).display().to_string(),
                    );
                }
            }
        }
        names.sort();
        names
    }
}
