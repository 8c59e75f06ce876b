//! A bundle as each operating system wants it, and putting one in place in one step.
//!
//! Called by: `bundle`, `install`. Calls: the file system. Threads: [any].

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use crate::Error;
use crate::project::Project;

/// Whose rules a bundle follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// One file.
    Linux,
    /// One file.
    Windows,
    /// A folder with a property list.
    MacOs,
}

impl System {
    /// The one that we run on; unknown ones are treated as Linux.
    #[must_use]
    pub const fn this() -> Self {
        if cfg!(target_os = "macos") {
            Self::MacOs
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Linux
        }
    }

    /// Where the user's hosts look for CLAP plug-ins.
    ///
    /// # Errors
    /// The user has no home.
    pub fn clap_folder(self) -> Result<PathBuf, Error> {
        let home = || std::env::home_dir().context("this user has no home folder; say where with --out DIR");
        Ok(match self {
            Self::Linux => home()?.join(".clap"),
            Self::MacOs => home()?.join("Library/Audio/Plug-Ins/CLAP"),
            Self::Windows => {
                let local =
                    std::env::var_os("LOCALAPPDATA").context("LOCALAPPDATA is not set; use --out DIR")?;
                Path::new(&local).join("Programs").join("Common").join("CLAP")
            }
        })
    }

    /// The file with the code, inside the bundle `bundle`.
    #[must_use]
    pub fn code(self, bundle: &Path) -> PathBuf {
        match self {
            Self::Linux | Self::Windows => bundle.to_owned(),
            Self::MacOs => bundle.join("Contents/MacOS").join(bundle.file_stem().unwrap_or_default()),
        }
    }
}

/// What a bundle of this plug-in is called.
#[must_use]
pub fn file_name(project: &Project) -> String {
    format!("{}.clap", project.name)
}

/// How files begin that are being written; what a crash leaves of them is swept by [`sweep`].
const BESIDE: &str = ".hotshell-";

/// Puts a bundle of `artifact` into `folder`: written beside, then renamed. Never in place (a host may have it mapped)
/// and never linked (the next build writes into cargo's file).
///
/// # Errors
/// The artifact cannot be read, or the folder not written; nothing is left beside.
pub fn put(artifact: &Path, folder: &Path, project: &Project, system: System) -> Result<PathBuf, Error> {
    let target = folder.join(file_name(project));
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let placed = match system {
        System::Linux | System::Windows => put_file(artifact, folder, &target),
        System::MacOs => put_folder(artifact, folder, &target, project),
    };
    placed.with_context(|| format!("cannot write {}", target.display()))?;
    Ok(target)
}

fn put_file(artifact: &Path, folder: &Path, target: &Path) -> Result<(), Error> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(BESIDE);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755));
    let mut beside = builder.tempfile_in(folder)?;
    std::io::copy(&mut fs::File::open(artifact)?, &mut beside)?;
    // An artifact where a bundle's folder was, or the other way round: a rename would fail.
    if target.is_dir() {
        fs::remove_dir_all(target)?;
    }
    beside.persist(target)?;
    Ok(())
}

fn put_folder(artifact: &Path, folder: &Path, target: &Path, project: &Project) -> Result<(), Error> {
    let beside = tempfile::Builder::new().prefix(BESIDE).tempdir_in(folder)?;
    let bundle = beside.path().join(file_name(project));
    let contents = bundle.join("Contents");
    fs::create_dir_all(contents.join("MacOS"))?;
    fs::copy(artifact, contents.join("MacOS").join(&project.name))?;
    plist::to_file_xml(contents.join("Info.plist"), &PropertyList::of(project))?;
    fs::write(contents.join("PkgInfo"), "BNDL????")?;
    // Folders cannot replace one another in one step: the old one moves aside, and goes with the temporary folder.
    if target.exists() {
        fs::rename(target, beside.path().join("old"))?;
    }
    fs::rename(&bundle, target)?;
    Ok(())
}

/// `Info.plist` of a bundle.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PropertyList<'a> {
    #[serde(rename = "CFBundleExecutable")]
    executable: &'a str,
    #[serde(rename = "CFBundleIdentifier")]
    identifier: String,
    #[serde(rename = "CFBundleName")]
    name: &'a str,
    #[serde(rename = "CFBundlePackageType")]
    package_type: &'a str,
    #[serde(rename = "CFBundleShortVersionString")]
    short_version: &'a str,
    #[serde(rename = "CFBundleVersion")]
    version: &'a str,
    #[serde(rename = "CFBundleInfoDictionaryVersion")]
    dictionary_version: &'a str,
    #[serde(rename = "CFBundleSignature")]
    signature: &'a str,
}

impl<'a> PropertyList<'a> {
    fn of(project: &'a Project) -> Self {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '-' };
        Self {
            executable: &project.name,
            identifier: format!("hotshell.{}", project.package.chars().map(plain).collect::<String>()),
            name: &project.name,
            package_type: "BNDL",
            short_version: &project.version,
            version: &project.version,
            dictionary_version: "6.0",
            signature: "????",
        }
    }
}

/// Removes a bundle, whichever kind it is. One that is not there counts as removed.
///
/// # Errors
/// The operating system's.
pub fn remove(bundle: &Path) -> Result<(), Error> {
    let removed = match fs::symlink_metadata(bundle) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(bundle),
        Ok(_) => fs::remove_file(bundle),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => Err(error),
    };
    removed.with_context(|| format!("cannot remove {}", bundle.display()))
}

/// Removes what a killed process left half written, if it is old enough to be nobody's.
pub fn sweep(folder: &Path) {
    const ABANDONED: std::time::Duration = std::time::Duration::from_secs(60);
    let old = |entry: &fs::DirEntry| {
        let written = entry.metadata().and_then(|about| about.modified());
        written.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > ABANDONED))
    };
    let is_beside = |name: &OsStr| name.as_encoded_bytes().starts_with(BESIDE.as_bytes());
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    for entry in entries.filter(|entry| is_beside(&entry.file_name()) && old(entry)) {
        // The next start tries again.
        drop(remove(&entry.path()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> Project {
        Project {
            package: "my_gain".to_owned(),
            name: "My Gain".to_owned(),
            version: "1.2.3".to_owned(),
            manifest: "/w/Cargo.toml".into(),
            library: "my_gain".to_owned(),
            dependency: "hotshell".to_owned(),
            workspace_manifest: "/w/Cargo.toml".into(),
            target: "/w/target".into(),
            local_manifests: vec![],
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_bundle_is_replaced_by_another_file_and_never_written_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let (artifact, out) = (folder.path().join("lib.so"), folder.path().join("out"));
        fs::write(&artifact, "one").unwrap();
        let bundle = put(&artifact, &out, &project(), System::Linux).unwrap();
        let mut mapped = fs::File::open(&bundle).unwrap();
        fs::write(&artifact, "two, longer").unwrap();
        assert_eq!(fs::read_to_string(&bundle).unwrap(), "one", "the artifact is copied, not linked");
        put(&artifact, &out, &project(), System::Linux).unwrap();
        let mut old = String::new();
        std::io::Read::read_to_string(&mut mapped, &mut old).unwrap();
        assert_eq!(old, "one", "who has the old one open keeps it whole");
        assert_eq!(fs::read_to_string(&bundle).unwrap(), "two, longer");
        assert_eq!(names(&out), ["My Gain.clap"]);
    }

    #[test]
    fn a_failed_placement_leaves_nothing_beside_and_the_old_bundle_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (artifact, out) = (folder.path().join("lib.so"), folder.path().join("out"));
        fs::write(&artifact, "one").unwrap();
        for system in [System::Linux, System::MacOs] {
            let bundle = put(&artifact, &out, &project(), system).unwrap();
            let error = put(&folder.path().join("nowhere"), &out, &project(), system).unwrap_err();
            assert!(format!("{error:#}").contains("My Gain.clap"), "{error:#}");
            assert_eq!(fs::read_to_string(system.code(&bundle)).unwrap(), "one");
            assert_eq!(names(&out), ["My Gain.clap"]);
            remove(&bundle).unwrap();
        }
    }

    #[test]
    fn a_mac_bundle_is_a_folder_with_a_property_list() {
        let folder = tempfile::tempdir().unwrap();
        let artifact = folder.path().join("lib.dylib");
        let out = folder.path().join("out");
        for content in ["one", "two"] {
            fs::write(&artifact, content).unwrap();
            let bundle = put(&artifact, &out, &project(), System::MacOs).unwrap();
            assert_eq!(fs::read_to_string(System::MacOs.code(&bundle)).unwrap(), content);
            let list = fs::read_to_string(bundle.join("Contents/Info.plist")).unwrap();
            for part in
                ["<string>My Gain</string>", "<string>hotshell.my-gain</string>", "<string>1.2.3</string>"]
            {
                assert!(list.contains(part), "{part} in {list}");
            }
            assert_eq!(names(&out), ["My Gain.clap"]);
        }
    }
}
