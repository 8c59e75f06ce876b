//! Builds the fixtures: shell bundles, logic builds and static bundles of the tiny plug-ins in `tests/fixtures` and of
//! the examples, in target folders of their own. A fixture that does not build fails its test.
//!
//! Called by: tests and benchmarks. Calls: cargo. Threads: [any]; builds of one process wait for each other, and a
//! file lock keeps other processes off until the artifact is copied.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex};

use cargo_metadata::Message;

use crate::slot::TestSlot;
use crate::vst3::module;

/// What is built of a plug-in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Kind {
    /// The reloading shell with build 0 inside.
    Shell,
    /// What goes through the slot.
    Logic,
    /// A release without a loader.
    Static,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Logic => "logic",
            Self::Static => "static",
        }
    }

    const fn feature(self) -> Option<&'static str> {
        match self {
            Self::Shell => Some("hotshell/reload"),
            Self::Logic => Some("hotshell/logic-only"),
            Self::Static => None,
        }
    }
}

/// Optimised or not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Profile {
    /// Cargo's `dev`.
    #[default]
    Dev,
    /// Cargo's `release`.
    Release,
}

/// Which plug-in, in which version.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Fixture {
    package: String,
    features: Vec<String>,
    profile: Profile,
    compiler: Option<PathBuf>,
    config: Vec<String>,
}

/// A built artifact. Its file is a copy that no later build touches.
#[derive(Clone, Debug)]
pub struct Built {
    /// The library.
    pub path: PathBuf,
}

static BUILT: LazyLock<Mutex<HashMap<(Fixture, Kind), Built>>> = LazyLock::new(Mutex::default);

/// Root of the workspace.
///
/// # Panics
/// Never: this package has a parent folder.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace")
}

impl Fixture {
    /// A package with the features that make its version, and none of its defaults; unoptimised.
    #[must_use]
    pub fn new(package: &str, features: &[&str]) -> Self {
        Self {
            package: package.to_owned(),
            features: features.iter().map(|f| (*f).to_owned()).collect(),
            profile: Profile::Dev,
            compiler: None,
            config: Vec::new(),
        }
    }

    /// In another profile.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// By another compiler.
    #[must_use]
    pub fn compiler(mut self, rustc: &Path) -> Self {
        self.compiler = Some(rustc.to_owned());
        self
    }

    /// With one more `--config` for cargo.
    #[must_use]
    pub fn config(mut self, config: &str) -> Self {
        self.config.push(config.to_owned());
        self
    }

    /// The build that goes through the slot.
    #[must_use]
    pub fn logic(&self) -> Built {
        self.build(Kind::Logic)
    }

    /// A bundle whose shell listens to `slot`.
    ///
    /// # Panics
    /// If it cannot be built or pointed at the slot.
    #[must_use]
    pub fn shell(&self, slot: &TestSlot) -> PathBuf {
        let bundle = slot.room().join(format!("{}.clap", self.package));
        std::fs::write(&bundle, self.pointed_at(slot)).expect("the bundle is writable");
        bundle
    }

    /// The same as a `.vst3`.
    ///
    /// # Panics
    /// If it cannot be built or pointed at the slot.
    #[must_use]
    pub fn vst3_shell(&self, slot: &TestSlot) -> PathBuf {
        module::bundle(slot.room(), &self.package, &self.pointed_at(slot))
    }

    fn pointed_at(&self, slot: &TestSlot) -> Vec<u8> {
        let built = self.build(Kind::Shell);
        let bytes = std::fs::read(&built.path).expect("the shell is readable");
        let from = TestSlot::placeholder();
        point_at(bytes, from.as_os_str().as_encoded_bytes(), slot.path().as_os_str().as_encoded_bytes())
    }

    /// A bundle without any reload code.
    #[must_use]
    pub fn release(&self) -> PathBuf {
        self.build(Kind::Static).path
    }

    /// The same as a `.vst3` in `room`.
    ///
    /// # Panics
    /// If it cannot be built or written.
    #[must_use]
    pub fn vst3_release(&self, room: &Path) -> PathBuf {
        let library = std::fs::read(self.build(Kind::Static).path).expect("the release is readable");
        module::bundle(room, &self.package, &library)
    }

    fn build(&self, kind: Kind) -> Built {
        let mut all = BUILT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let key = (self.clone(), kind);
        if let Some(built) = all.get(&key) {
            return built.clone();
        }
        let built = self.build_now(kind);
        all.insert(key, built.clone());
        built
    }

    fn build_now(&self, kind: Kind) -> Built {
        let mut folder = fixtures_folder().join(kind.name());
        if let Some(compiler) = &self.compiler {
            folder =
                fixtures_folder().join(format!("{}-{}", kind.name(), plain(&compiler.display().to_string())));
        }
        std::fs::create_dir_all(&folder).expect("a folder for the fixtures");
        let lock = File::create(folder.join("hotshell-tests.lock")).expect("a lock file");
        lock.lock().expect("the lock");
        let artifact = self.run_cargo(kind, &folder);
        let name: Vec<_> = std::iter::once(self.package.as_str())
            .chain(self.features.iter().map(String::as_str))
            .chain(self.config.iter().map(String::as_str))
            .map(plain)
            .collect();
        let copies = folder.join("copies");
        std::fs::create_dir_all(&copies).expect("a folder for copies");
        let path = copies.join(format!("{}-{:?}.so", name.join("-"), self.profile));
        // Renamed into place: another process may have the older copy mapped.
        let beside = copies.join(format!("beside-{}", std::process::id()));
        std::fs::copy(&artifact, &beside).expect("the artifact is copied");
        std::fs::rename(&beside, &path).expect("the copy is renamed");
        Built { path }
    }

    fn run_cargo(&self, kind: Kind, folder: &Path) -> PathBuf {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(workspace())
            .args(["build", "--package", &self.package, "--target-dir"])
            .arg(folder);
        cargo.args(["--message-format", "json-render-diagnostics", "--config", "profile.dev.debug=false"]);
        if self.profile == Profile::Release {
            cargo.arg("--release");
        }
        let features: Vec<&str> =
            kind.feature().into_iter().chain(self.features.iter().map(String::as_str)).collect();
        // Only what was asked for: the gain's window costs more than the rest of it.
        cargo.args(["--no-default-features", "--features", &features.join(",")]);
        for config in &self.config {
            cargo.args(["--config", config]);
        }
        // A sanitizer's build needs the target named, so that build scripts and macros stay as they are.
        if let Some(target) = std::env::var_os("HOTSHELL_TESTS_TARGET") {
            cargo.arg("--target").arg(target);
        }
        if let Some(compiler) = &self.compiler {
            cargo.env("RUSTC", compiler);
        }
        cargo.env("HOTSHELL_SLOT", TestSlot::placeholder()).env_remove("CARGO_TARGET_DIR");
        let mut run = cargo.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("cargo runs");
        let output = std::io::BufReader::new(run.stdout.take().expect("piped"));
        let artifact = Message::parse_stream(output).flatten().filter_map(|message| match message {
            Message::CompilerArtifact(artifact) if artifact.target.is_cdylib() => Some(artifact),
            _ => None,
        });
        let wanted = self.package.replace('-', "_");
        let artifact = artifact.filter(|a| a.target.name.replace('-', "_") == wanted).last();
        assert!(
            run.wait().expect("cargo ends").success(),
            "{} {:?} does not build",
            self.package,
            self.features
        );
        let artifact = artifact.unwrap_or_else(|| panic!("{} is not a cdylib", self.package));
        artifact.filenames.first().expect("a cdylib has a file").clone().into_std_path_buf()
    }
}

/// Builds the command, in the profile that users install it in, and answers its executable.
///
/// # Panics
/// If it does not build.
#[must_use]
pub fn command() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(workspace()).args(["build", "--release", "--package", "cargo-hotshell"]);
    cargo.args(["--message-format", "json-render-diagnostics"]).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "the command does not build");
    let executable =
        Message::parse_stream(&output.stdout[..]).flatten().filter_map(|message| match message {
            Message::CompilerArtifact(artifact) => artifact.executable,
            _ => None,
        });
    executable.last().expect("an executable").into_std_path_buf()
}

fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn fixtures_folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    workspace().join(target).join("fixtures")
}

/// Replaces the path that the shell was built with by one of the same length.
fn point_at(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "slots have paths of one length");
    let finder = memchr::memmem::Finder::new(from);
    let places: Vec<usize> = finder.find_iter(&bytes).collect();
    assert!(!places.is_empty(), "the shell does not hold the path of its slot as text");
    for place in places {
        bytes[place..place + to.len()].copy_from_slice(to);
    }
    bytes
}
