//! Small libraries built with plain `rustc`, and an instance that plays nothing but keeps a diary.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use hotshell_abi::{AbiCanary, Sample};
use hotshell_core::host::Level;
use hotshell_core::reload::slot::{BuildFacts, Manifest, Slot, now, random_name};
use hotshell_core::reload::{
    Attachment, Build, Fault, InstanceNews, Load, NativeLoader, Refusal, Reloadable, STEP_LIMIT, Setup,
    Takeover, attach,
};
use hotshell_core::shell::control::Within;
use hotshell_core::shell::editors::Notice;

const LOGIC: &str = include_str!("logic.rs.txt");

/// What differs between two fixture libraries.
#[derive(Clone, Copy, Hash)]
pub struct Variant {
    pub sample: &'static str,
    pub target: Option<&'static str>,
    pub panic: &'static str,
    /// Ends up in the file, so that two libraries have two hashes.
    pub mark: u32,
}

impl Default for Variant {
    fn default() -> Self {
        Self { sample: "f32", target: None, panic: "unwind", mark: 0 }
    }
}

/// A logic library of this variant.
pub fn logic(variant: Variant) -> PathBuf {
    cached(&("logic", variant), |folder| {
        let target = variant.target.unwrap_or(AbiCanary::of::<f32>().target.as_str());
        let abi = Path::new(env!("CARGO_MANIFEST_DIR")).join("abi/src/lib.rs");
        let panic = format!("panic={}", variant.panic);
        rustc(folder, target, &["--crate-name=hotshell_abi", "--crate-type=rlib", "-C", &panic], &abi);
        let source =
            LOGIC.replace("SAMPLE_TYPE", variant.sample).replace("MARK_VALUE", &variant.mark.to_string());
        std::fs::write(folder.join("logic.rs"), source).unwrap();
        let path = format!("{}", folder.display());
        let arguments =
            ["--crate-name=logic", "--crate-type=cdylib", "--extern=hotshell_abi", "-C", &panic, "-L", &path];
        rustc(folder, target, &arguments, &folder.join("logic.rs"));
        find(folder, std::env::consts::DLL_EXTENSION)
    })
}

/// A library of any source.
pub fn library(source: &str, crate_type: &str) -> PathBuf {
    cached(&("library", source, crate_type), |folder| {
        std::fs::write(folder.join("other.rs"), source).unwrap();
        let kind = format!("--crate-type={crate_type}");
        rustc(folder, "any", &["--crate-name=other", &kind, "-o", "other.bin"], &folder.join("other.rs"));
        folder.join("other.bin")
    })
}

fn rustc(folder: &Path, target: &str, arguments: &[&str], source: &Path) {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(compiler)
        .current_dir(folder)
        .env("HOTSHELL_TARGET", target)
        .env("HOTSHELL_RUSTC", "fixture")
        .args(["--edition=2024", "--cap-lints=allow"])
        .args(arguments)
        .arg(source)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "the fixture does not build: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn find(folder: &Path, extension: &str) -> PathBuf {
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|found| found == extension)).unwrap()
}

/// Builds once per content, also among test processes that run at the same time.
fn cached(key: &impl std::hash::Hash, build: impl FnOnce(&Path) -> PathBuf) -> PathBuf {
    static LOCK: Mutex<()> = Mutex::new(());
    static SOURCES: OnceLock<u64> = OnceLock::new();
    let _guard = LOCK.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut hasher = DefaultHasher::new();
    SOURCES.get_or_init(sources).hash(&mut hasher);
    key.hash(&mut hasher);
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let done = root.join(format!("reload-{:016x}", hasher.finish()));
    let name = done.join("name");
    if let Ok(name) = std::fs::read_to_string(&name) {
        return done.join(name);
    }
    let beside = root.join(random_name("reload-new-", ""));
    std::fs::create_dir_all(&beside).unwrap();
    let built = build(&beside);
    let file = built.file_name().unwrap().to_str().unwrap();
    std::fs::write(beside.join("name"), file).unwrap();
    if std::fs::rename(&beside, &done).is_err() {
        // Another process was faster.
        std::fs::remove_dir_all(&beside).unwrap();
    }
    done.join(file)
}

/// Everything that a fixture is made of, but for its variant.
fn sources() -> u64 {
    let mut hasher = DefaultHasher::new();
    LOGIC.hash(&mut hasher);
    AbiCanary::of::<f32>().compiler.as_str().hash(&mut hasher);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("abi/src");
    let (mut files, mut open) = (Vec::new(), vec![folder]);
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    for file in files {
        std::fs::read(file).unwrap().hash(&mut hasher);
    }
    hasher.finish()
}

/// A slot of a test's own.
pub struct Scratch {
    root: PathBuf,
}

impl Scratch {
    pub fn new() -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(random_name("slot-", ""));
        std::fs::create_dir_all(&root).unwrap();
        Self { root }
    }

    pub fn path(&self) -> PathBuf {
        self.root.join("slot")
    }

    pub fn slot(&self) -> Slot {
        Slot::open(&self.path()).unwrap()
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.root.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn publish(&self, library: &Path) -> Manifest {
        self.slot().publish(library, BuildFacts::default()).unwrap()
    }

    pub fn setup(&self) -> Setup {
        self.setup_for::<f32>()
    }

    pub fn setup_for<S: Sample>(&self) -> Setup {
        Setup {
            slot: Some(self.path()),
            loader: Arc::new(NativeLoader::<S>::new()),
            own: own(),
            host: "test host".to_owned(),
            format: "rig",
            step_limit: STEP_LIMIT,
        }
    }
}

/// Build 0: a fixture, loaded as the shell itself would be.
pub fn own() -> Vec<hotshell_core::instance::Table> {
    static OWN: OnceLock<Vec<hotshell_core::instance::Table>> = OnceLock::new();
    OWN.get_or_init(|| NativeLoader::<f32>::new().load(&logic(Variant::default()), &[]).unwrap()).clone()
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

type Script = Box<dyn Fn(&Arc<Build>, Takeover) -> Result<(), Refusal> + Send + Sync>;

type Code = Box<dyn Fn() + Send>;

/// An instance that takes every build, unless its script says otherwise, and hears it at once.
pub struct Player {
    index: u32,
    script: Script,
    pub taken: Mutex<Vec<(u32, Takeover)>>,
    pub news: Mutex<InstanceNews>,
    pub log: Mutex<Vec<(Level, String)>>,
    /// What the next tick runs of a build's.
    pub code: Mutex<Option<(u32, Code)>>,
    /// The same, while the next build takes its place.
    pub taking: Mutex<Option<(u32, Code)>>,
    /// And after that, once.
    pub then: Mutex<Option<Box<dyn Fn() + Send>>>,
    /// An editor's window is open.
    pub window: AtomicBool,
    /// What is shown next is a panic.
    pub trips: AtomicBool,
    /// What is shown in it.
    pub notice: Mutex<Option<Notice>>,
    /// What was ever shown in it, and taken back.
    pub notices: Mutex<Vec<Option<Notice>>>,
}

impl Player {
    pub fn with(
        index: u32,
        script: impl Fn(&Arc<Build>, Takeover) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            index,
            script: Box::new(script),
            taken: Mutex::default(),
            news: Mutex::default(),
            log: Mutex::default(),
            code: Mutex::default(),
            taking: Mutex::default(),
            then: Mutex::default(),
            window: AtomicBool::new(false),
            trips: AtomicBool::new(false),
            notice: Mutex::default(),
            notices: Mutex::default(),
        })
    }

    pub fn new() -> Arc<Self> {
        Self::with(0, |_, _| Ok(()))
    }

    /// Attaches and opens it as a shell does; the number of the build that it was opened with.
    pub fn open(self: &Arc<Self>, setup: Setup) -> (Attachment, u32) {
        let weak: Weak<Self> = Arc::downgrade(self);
        let attachment = attach(setup, weak);
        let build = attachment.current(Duration::from_secs(30)).map_or(0, |build| build.number);
        attachment.opened();
        (attachment, build)
    }

    pub fn fail(&self, build: u32, message: &str) {
        self.news.lock().unwrap().fault = Some(Fault { build, message: message.to_owned() });
    }

    pub fn taken(&self) -> Vec<u32> {
        self.taken.lock().unwrap().iter().map(|(build, _)| *build).collect()
    }

    pub fn last(&self) -> Option<(u32, Takeover)> {
        self.taken.lock().unwrap().last().copied()
    }

    /// Waits until the log holds a line with all these words.
    pub fn heard_of(&self, words: &[&str]) {
        wait(&format!("a log line with {words:?}; there is {:?}", self.log.lock().unwrap()), || {
            self.log.lock().unwrap().iter().any(|(_, line)| words.iter().all(|word| line.contains(word)))
        });
    }
}

impl Reloadable for Player {
    fn plugin_index(&self) -> u32 {
        self.index
    }

    fn take_build(&self, build: &Arc<Build>, why: Takeover, within: Within<'_>) -> Result<(), Refusal> {
        let code = self.taking.lock().unwrap().take();
        if let Some((build, run)) = code {
            within(build, "`save_state`", &mut || run());
        }
        let then = self.then.lock().unwrap().take();
        if let Some(then) = then {
            then();
        }
        (self.script)(build, why)?;
        self.taken.lock().unwrap().push((build.number, why));
        self.news.lock().unwrap().heard = Some((build.number, now()));
        Ok(())
    }

    fn tick(&self, within: Within<'_>) -> InstanceNews {
        let code = self.code.lock().unwrap().take();
        if let Some((build, run)) = code {
            within(build, "`drop`", &mut || run());
        }
        let mut news = self.news.lock().unwrap();
        news.blocks += 1;
        InstanceNews { fault: news.fault.take(), ..news.clone() }
    }

    fn has_window(&self) -> bool {
        self.window.load(Ordering::Relaxed)
    }

    fn show(&self, notice: Option<Notice>) {
        assert!(!self.trips.swap(false, Ordering::SeqCst), "on purpose");
        self.notices.lock().unwrap().push(notice.clone());
        *self.notice.lock().unwrap() = notice;
    }

    fn log(&self, level: Level, text: &str) {
        self.log.lock().unwrap().push((level, text.to_owned()));
    }
}

/// Waits for a condition; generous, because machines are slow and the order is what counts.
pub fn wait(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}
