//! A bundle as each operating system wants it, and putting one in place in one step.
//!
//! Called by: `bundle`, `install`. Calls: the file system. Threads: [any].

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use crate::Error;
use crate::format::Format;
use crate::project::Project;

/// Whose rules a bundle follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// CLAP is one file, VST3 a folder.
    Linux,
    /// CLAP is one file, VST3 a folder.
    Windows,
    /// Both are folders with a property list.
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

    /// Where the user's hosts look for plug-ins of a format.
    ///
    /// # Errors
    /// The user has no home.
    pub fn folder(self, format: Format) -> Result<PathBuf, Error> {
        let home = || std::env::home_dir().context("this user has no home folder; say where with --out DIR");
        Ok(match (self, format) {
            (Self::Linux, Format::Clap) => home()?.join(".clap"),
            (Self::Linux, Format::Vst3) => home()?.join(".vst3"),
            (Self::MacOs, Format::Clap) => home()?.join("Library/Audio/Plug-Ins/CLAP"),
            (Self::MacOs, Format::Vst3) => home()?.join("Library/Audio/Plug-Ins/VST3"),
            (Self::Windows, format) => {
                let local =
                    std::env::var_os("LOCALAPPDATA").context("LOCALAPPDATA is not set; use --out DIR")?;
                Path::new(&local).join("Programs").join("Common").join(format.to_string())
            }
        })
    }

    /// The file with the code, inside the bundle `bundle`: of the format that its name promises, CLAP where it promises
    /// none.
    #[must_use]
    pub fn code(self, bundle: &Path) -> PathBuf {
        let stem = bundle.file_stem().unwrap_or_default();
        match (self, Format::of(bundle)) {
            (Self::MacOs, _) => bundle.join("Contents/MacOS").join(stem),
            (_, Some(Format::Vst3)) => {
                let mut file = stem.to_owned();
                file.push(if self == Self::Windows { ".vst3" } else { ".so" });
                bundle.join("Contents").join(self.machine(std::env::consts::ARCH)).join(file)
            }
            _ => bundle.to_owned(),
        }
    }

    /// Folder of a VST3 bundle for machines of `arch`, as Rust calls it.
    fn machine(self, arch: &str) -> String {
        let (name, system) = match (self, arch) {
            (Self::Windows, "aarch64") => ("arm64", "win"),
            (Self::Windows, "x86") => ("x86", "win"),
            (Self::Windows, other) => (other, "win"),
            (_, "x86") => ("i386", "linux"),
            (_, "arm") => ("armv7l", "linux"),
            (_, other) => (other, "linux"),
        };
        format!("{name}-{system}")
    }
}

/// What a bundle of this plug-in is called.
#[must_use]
pub fn file_name(project: &Project, format: Format) -> String {
    format!("{}.{}", project.name, format.word())
}

/// How files begin that are being written; what a crash leaves of them is swept by [`sweep`].
const BESIDE: &str = ".hotshell-";

/// What a bundle is made of.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// The library.
    pub artifact: &'a Path,
    /// Of which plug-in.
    pub project: &'a Project,
    /// What kind of bundle.
    pub format: Format,
    /// `moduleinfo.json`, for VST3.
    pub module_info: Option<&'a [u8]>,
}

/// Puts a bundle into `folder`: written beside, then renamed. Never in place (a host may have it mapped) and never
/// linked: the next build writes into cargo's file, and two bundles with one file between them would be one library
/// with one set of statics in a host that opens both.
///
/// # Errors
/// The artifact cannot be read, or the folder not written; nothing is left beside.
pub fn put(content: &Content<'_>, folder: &Path, system: System) -> Result<PathBuf, Error> {
    let target = folder.join(file_name(content.project, content.format));
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let placed = match (system, content.format) {
        (System::Linux | System::Windows, Format::Clap) => put_file(content.artifact, folder, &target),
        _ => put_folder(content, folder, &target, system),
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

fn put_folder(content: &Content<'_>, folder: &Path, target: &Path, system: System) -> Result<(), Error> {
    let project = content.project;
    let beside = tempfile::Builder::new().prefix(BESIDE).tempdir_in(folder)?;
    let bundle = beside.path().join(file_name(project, content.format));
    let (contents, code) = (bundle.join("Contents"), system.code(&bundle));
    if let Some(place) = code.parent() {
        fs::create_dir_all(place)?;
    }
    fs::copy(content.artifact, &code)?;
    if system == System::MacOs {
        plist::to_file_xml(contents.join("Info.plist"), &PropertyList::of(project, content.format))?;
        fs::write(contents.join("PkgInfo"), "BNDL????")?;
    }
    if let Some(text) = content.module_info {
        let file = module_info(&bundle);
        fs::create_dir_all(contents.join("Resources"))?;
        fs::write(file, text)?;
    }
    // Folders cannot replace one another in one step: the old one moves aside, and goes with the temporary folder.
    if target.exists() {
        fs::rename(target, beside.path().join("old"))?;
    }
    fs::rename(&bundle, target)?;
    Ok(())
}

/// Where a VST3 bundle keeps what hosts may read of it without loading it.
#[must_use]
pub fn module_info(bundle: &Path) -> PathBuf {
    bundle.join("Contents").join("Resources").join("moduleinfo.json")
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
    fn of(project: &'a Project, format: Format) -> Self {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '-' };
        Self {
            executable: &project.name,
            identifier: format!(
                "hotshell.{}{}",
                project.package.chars().map(plain).collect::<String>(),
                // One identifier for each bundle of a package; CLAP's is the plain one.
                if format == Format::Vst3 { ".vst3" } else { "" }
            ),
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
            formats: Format::ALL.to_vec(),
            workspace_manifest: "/w/Cargo.toml".into(),
            target: "/w/target".into(),
            local_manifests: vec![],
        }
    }

    fn put(artifact: &Path, folder: &Path, project: &Project, system: System) -> Result<PathBuf, Error> {
        let content = Content { artifact, project, format: Format::Clap, module_info: None };
        super::put(&content, folder, system)
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

    #[test]
    fn a_vst3_bundle_is_a_folder_whose_code_is_called_as_the_bundle() {
        let folder = tempfile::tempdir().unwrap();
        let (artifact, out) = (folder.path().join("lib.so"), folder.path().join("out"));
        for (system, code) in [
            (System::Linux, format!("Contents/{}/My Gain.so", System::Linux.machine(std::env::consts::ARCH))),
            (
                System::Windows,
                format!("Contents/{}/My Gain.vst3", System::Windows.machine(std::env::consts::ARCH)),
            ),
            (System::MacOs, "Contents/MacOS/My Gain".to_owned()),
        ] {
            for text in ["one", "two"] {
                fs::write(&artifact, text).unwrap();
                let info = format!("{{\"{text}\": 1}}");
                let project = project();
                let content = Content {
                    artifact: &artifact,
                    project: &project,
                    format: Format::Vst3,
                    module_info: Some(info.as_bytes()),
                };
                let bundle = super::put(&content, &out, system).unwrap();
                assert_eq!(fs::read_to_string(bundle.join(&code)).unwrap(), text);
                assert_eq!(system.code(&bundle), bundle.join(&code));
                assert_eq!(fs::read_to_string(module_info(&bundle)).unwrap(), info);
                assert_eq!(bundle.join("Contents/PkgInfo").exists(), system == System::MacOs);
                assert_eq!(names(&out), ["My Gain.vst3"]);
            }
            remove(&out.join("My Gain.vst3")).unwrap();
        }
    }

    #[test]
    fn machines_are_called_as_vst3_calls_them() {
        assert_eq!(System::Linux.machine("x86_64"), "x86_64-linux");
        assert_eq!(System::Linux.machine("aarch64"), "aarch64-linux");
        assert_eq!(System::Windows.machine("x86_64"), "x86_64-win");
        assert_eq!(System::Windows.machine("aarch64"), "arm64-win");
    }
}
