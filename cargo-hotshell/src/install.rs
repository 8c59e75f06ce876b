//! The dev bundles where hosts look: whose they are, and what of ours lies where.
//!
//! Called by: `dev`, `clean`, `validate`. Calls: `layout`, the slot. Threads: [main].

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use hotshell_core::reload::slot::Slot;

use crate::Error;
use crate::format::Format;
use crate::layout::{self, Content, System};
use crate::project::Project;

/// In the slot: the bundles that `dev` has installed.
const RECORD: &str = "bundles.json";
const RECORD_LIMIT: u64 = 256 << 10;

/// Why an artifact is not installed, and what to do.
pub const NO_SHELL: &str =
    "the library holds no plug-in; call `hotshell::plugin!(YourPlugin);` at the crate's root";

/// What [`install`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The bundle.
    pub bundle: PathBuf,
    /// False if it was there already, byte for byte: hosts that have it open need nothing.
    pub replaced: bool,
}

/// Fails if the place is taken by something that `dev` did not put there.
///
/// # Errors
/// Names the bundle and what to do.
pub fn check_place(folder: &Path, project: &Project, format: Format, slot: &Path) -> Result<(), Error> {
    let bundle = folder.join(layout::file_name(project, format));
    if !bundle.exists() || is_ours(&bundle, slot) {
        return Ok(());
    }
    bail!(
        "{} is not from `cargo hotshell dev` of this plug-in (a release build, or another plug-in of that name) and \
         was not overwritten; move it away, choose another folder with --out DIR, or leave the format out with \
         --format {}",
        bundle.display(),
        if format == Format::Clap { Format::Vst3.word() } else { Format::Clap.word() }
    )
}

/// Puts a dev bundle in place and writes down where.
///
/// # Errors
/// As [`check_place`], or it cannot be written.
pub fn install(content: &Content<'_>, folder: &Path, slot: &Slot) -> Result<Installed, Error> {
    let Content { artifact, project, format, .. } = *content;
    let system = System::this();
    let path = slot.folder().path();
    check_place(folder, project, format, path)?;
    layout::sweep(folder);
    let bundle = folder.join(layout::file_name(project, format));
    if !is_shell(artifact, path) {
        bail!("{}: {NO_SHELL}", artifact.display());
    }
    // Written down first: a bundle without a record would never be cleaned.
    let mut known = recorded(slot);
    if known.insert(bundle.clone()) {
        record(slot, &known)?;
    }
    let same = |bundle: &Path| Some(fs::read(system.code(bundle)).ok()? == fs::read(artifact).ok()?);
    let described = fs::read(layout::module_info(&bundle)).ok().as_deref() == content.module_info;
    if same(&bundle) == Some(true) && described {
        return Ok(Installed { bundle, replaced: false });
    }
    layout::put(content, folder, system)?;
    Ok(Installed { bundle, replaced: true })
}

/// Removes every installed bundle that is still ours; answers those removed.
///
/// # Errors
/// One of them cannot be removed.
pub fn uninstall(slot: &Slot) -> Result<Vec<PathBuf>, Error> {
    let mut removed = Vec::new();
    for bundle in installed(slot) {
        layout::remove(&bundle)?;
        removed.push(bundle);
    }
    slot.folder().remove(RECORD)?;
    Ok(removed)
}

/// The installed bundles that are still ours.
#[must_use]
pub fn installed(slot: &Slot) -> Vec<PathBuf> {
    recorded(slot).into_iter().filter(|bundle| is_ours(bundle, slot.folder().path())).collect()
}

fn is_ours(bundle: &Path, slot: &Path) -> bool {
    is_shell(&System::this().code(bundle), slot)
}

/// True if a library is a dev shell of this slot: it holds the slot's path. No release and no other plug-in does.
#[must_use]
pub fn is_shell(library: &Path, slot: &Path) -> bool {
    let marker = slot.as_os_str().as_encoded_bytes();
    fs::read(library).is_ok_and(|bytes| memchr::memmem::find(&bytes, marker).is_some())
}

fn recorded(slot: &Slot) -> BTreeSet<PathBuf> {
    // A record that cannot be read is written anew: bundles are recognised by their content, not by it.
    let bytes = slot.folder().read(RECORD, RECORD_LIMIT).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn record(slot: &Slot, bundles: &BTreeSet<PathBuf>) -> Result<(), Error> {
    let bytes =
        serde_json::to_vec(bundles).context("a bundle's path is not UTF-8; choose another --out DIR")?;
    Ok(slot.folder().write(RECORD, &bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place {
        folder: tempfile::TempDir,
        slot: Slot,
        project: Project,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let slot = Slot::open(&folder.path().join("slot")).unwrap();
            let project = Project {
                package: "gain".to_owned(),
                name: "Gain".to_owned(),
                version: "1.0.0".to_owned(),
                manifest: "/w/Cargo.toml".into(),
                library: "gain".to_owned(),
                dependency: "hotshell".to_owned(),
                formats: Format::ALL.to_vec(),
                workspace_manifest: "/w/Cargo.toml".into(),
                target: "/w/target".into(),
                local_manifests: vec![],
            };
            Self { folder, slot, project }
        }

        fn out(&self) -> PathBuf {
            self.folder.path().join("out")
        }

        fn shell(&self, code: &str) -> PathBuf {
            let artifact = self.folder.path().join("libgain.so");
            fs::write(&artifact, format!("{code} {}", self.slot.folder().path().display())).unwrap();
            artifact
        }

        fn content<'a>(&'a self, artifact: &'a Path, format: Format) -> Content<'a> {
            Content { artifact, project: &self.project, format, module_info: None }
        }

        fn install(&self, artifact: &Path) -> Result<Installed, Error> {
            install(&self.content(artifact, Format::Clap), &self.out(), &self.slot)
        }
    }

    #[test]
    fn our_own_bundle_is_replaced_and_an_equal_one_left_alone() {
        let place = Place::new();
        let first = place.install(&place.shell("one")).unwrap();
        assert!(first.replaced);
        assert!(!place.install(&place.shell("one")).unwrap().replaced);
        assert!(place.install(&place.shell("two")).unwrap().replaced);
        assert_eq!(uninstall(&place.slot).unwrap(), std::slice::from_ref(&first.bundle));
        assert!(!first.bundle.exists());
    }

    #[test]
    fn a_release_bundle_of_that_name_is_named_and_never_touched() {
        let place = Place::new();
        let bundle = place.install(&place.shell("one")).unwrap().bundle;
        layout::remove(&bundle).unwrap();
        let release = place.folder.path().join("release");
        fs::write(&release, "release").unwrap();
        layout::put(&place.content(&release, Format::Clap), &place.out(), System::this()).unwrap();
        let error = place.install(&place.shell("two")).unwrap_err().to_string();
        assert!(error.contains("Gain.clap") && error.contains("--out"), "{error}");
        assert_eq!(uninstall(&place.slot).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(fs::read_to_string(System::this().code(&bundle)).unwrap(), "release");
    }

    #[test]
    fn an_artifact_that_does_not_know_the_slot_is_no_shell() {
        let place = Place::new();
        let artifact = place.folder.path().join("other.so");
        fs::write(&artifact, "no slot").unwrap();
        assert!(place.install(&artifact).unwrap_err().to_string().contains("hotshell::plugin!"));
        assert!(!place.out().exists());
    }

    #[test]
    fn both_formats_are_installed_side_by_side_and_removed_together() {
        let place = Place::new();
        let artifact = place.shell("one");
        let install = |format| install(&place.content(&artifact, format), &place.out(), &place.slot).unwrap();
        let bundles = Format::ALL.map(|format| install(format).bundle);
        assert!(
            bundles.iter().all(|bundle| is_shell(&System::this().code(bundle), place.slot.folder().path()))
        );
        assert!(!install(Format::Vst3).replaced);
        assert_eq!(uninstall(&place.slot).unwrap(), bundles);
        assert!(fs::read_dir(place.out()).unwrap().next().is_none());
    }
}
