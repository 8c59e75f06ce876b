//! Builds the fixtures: shell bundles, logic builds and static bundles of the tiny plug-ins in `tests/fixtures` and of
//! the examples, in the target folder of the tests: other people's crates are compiled once for all of them. A fixture
//! that does not build fails its test.
//!
//! `HOTSHELL_TESTS_RUN` is one text for all processes between whose beginnings no source changes, as within one
//! `tests/run`: what one of them has built, the others take as it is. Without it cargo is asked in each.
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
    level: Option<String>,
    stripped: bool,
    config: Vec<String>,
}

/// A built artifact. Its file is a copy that no later build touches.
#[derive(Clone, Debug)]
pub struct Built {
    /// The library.
    pub path: PathBuf,
}

/// What of hotshell's ends up in a logic.
const OURS: [&str; 4] = ["hotshell", "hotshell-abi", "hotshell-core", "hotshell-logic"];

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
            level: None,
            stripped: false,
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

    /// Its own code and hotshell's at this level of optimisation, as TOML; other people's crates stay as they are.
    #[must_use]
    pub fn level(mut self, level: &str) -> Self {
        self.level = Some(level.to_owned());
        self
    }

    /// Without symbols, for builds of which hundreds are loaded.
    #[must_use]
    pub const fn stripped(mut self) -> Self {
        self.stripped = true;
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
        let folder = fixtures_folder();
        std::fs::create_dir_all(&folder).expect("a folder for the fixtures");
        let lock = File::create(folder.join("hotshell-tests.lock")).expect("a lock file");
        lock.lock().expect("the lock");
        let name = self.name(kind);
        let (path, made_in) = (folder.join(format!("{name}.so")), folder.join(format!("{name}.run")));
        let run = std::env::var("HOTSHELL_TESTS_RUN").unwrap_or_default();
        if !run.is_empty() && std::fs::read_to_string(&made_in).is_ok_and(|made_in| made_in == run) {
            return Built { path };
        }
        let artifact = self.run_cargo(kind);
        // Renamed into place: another process may have the older copy mapped.
        let beside = folder.join(format!("beside-{}", std::process::id()));
        std::fs::copy(&artifact, &beside).expect("the artifact is copied");
        std::fs::rename(&beside, &path).expect("the copy is renamed");
        std::fs::write(&made_in, run).expect("the run is noted");
        Built { path }
    }

    /// What tells it from all others, as the name of a file.
    fn name(&self, kind: Kind) -> String {
        let parts = [kind.name(), &self.package].into_iter().chain(self.features.iter().map(String::as_str));
        let compiler = self.compiler.as_ref().map(|compiler| compiler.display().to_string());
        let level = self.level.as_ref().map(|level| format!("level {level}"));
        let stripped = self.stripped.then(|| "stripped".to_owned());
        let more = compiler.into_iter().chain(level).chain(stripped).chain(self.config.iter().cloned());
        let name: Vec<_> = parts.map(plain).chain(more.map(|part| plain(&part))).collect();
        format!("{}-{:?}", name.join("-"), self.profile)
    }

    /// The command line.
    fn cargo(&self, kind: Kind) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(workspace()).args(["rustc", "--lib", "--package", &self.package]);
        cargo.args(["--message-format", "json-render-diagnostics", "--config", "profile.dev.debug=false"]);
        if self.profile == Profile::Release {
            cargo.arg("--release");
        }
        let features: Vec<&str> =
            kind.feature().into_iter().chain(self.features.iter().map(String::as_str)).collect();
        // Only what was asked for: the gain's window costs more than the rest of it.
        cargo.args(["--no-default-features", "--features", &features.join(",")]);
        let level = self.level.iter().flat_map(|level| {
            let packages = OURS.into_iter().chain([self.package.as_str()]);
            packages.map(move |package| format!("profile.dev.package.{package}.opt-level={level}"))
        });
        for config in level.chain(self.config.iter().cloned()) {
            cargo.arg("--config").arg(config);
        }
        // A sanitizer's build needs the target named, so that build scripts and macros stay as they are.
        if let Some(target) = std::env::var_os("HOTSHELL_TESTS_TARGET") {
            cargo.arg("--target").arg(target);
        }
        // Two compilers in one folder would make each other's work anew.
        let own = self.compiler.as_ref().map(|rustc| fixtures_folder().join(plain(&rustc.to_string_lossy())));
        cargo.arg("--target-dir").arg(own.unwrap_or_else(target_folder));
        cargo.envs(self.compiler.iter().map(|compiler| ("RUSTC", compiler)));
        cargo.env("HOTSHELL_SLOT", TestSlot::placeholder()).env_remove("CARGO_TARGET_DIR");
        if self.stripped {
            // Not by the profile, which is of all crates: they would be compiled once more.
            cargo.args(["--", "-Cstrip=symbols"]);
        }
        cargo
    }

    fn run_cargo(&self, kind: Kind) -> PathBuf {
        let mut cargo = self.cargo(kind);
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

/// Cargo's, of the tests.
fn target_folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    workspace().join(target)
}

fn fixtures_folder() -> PathBuf {
    target_folder().join("fixtures")
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
