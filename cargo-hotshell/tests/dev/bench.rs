//! A plug-in to be developed in a temporary folder, a running `dev`, and a gate in its build.
//!
//! Called by: the tests of this folder. Calls: the built command.
//! Threads: [any]; one reader per running `dev`, which ends with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use hotshell_core::reload::slot::Slot;

/// Longer than any build here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A CLAP entry of no version, and a VST3 factory without classes.
const FRAMEWORK: &str = r#"
pub const fn slot() -> &'static str {
    if cfg!(feature = "reload") { match option_env!("HOTSHELL_SLOT") { Some(slot) => slot, None => "none" } } else { "" }
}
#[cfg(any(feature = "reload", feature = "logic-only"))]
#[unsafe(no_mangle)]
pub extern "C" fn hotshell_logic_v1() -> *const u8 { slot().as_ptr() }
#[cfg(all(feature = "clap", not(feature = "logic-only")))]
#[unsafe(no_mangle)]
pub static clap_entry: [usize; 8] = [0; 8];
#[cfg(all(feature = "vst3", not(feature = "logic-only")))]
mod vst3 {
    use std::ffi::c_void;
    type This = *mut c_void;
    #[repr(C)]
    struct Table(
        extern "system" fn(This, This, *mut This) -> i32, extern "system" fn(This) -> u32, extern "system" fn(This) -> u32,
        extern "system" fn(This, This) -> i32, extern "system" fn(This) -> i32,
    );
    extern "system" fn query(_: This, _: This, _: *mut This) -> i32 { -1 }
    extern "system" fn count(_: This) -> u32 { 1 }
    extern "system" fn info(_: This, _: This) -> i32 { 0 }
    extern "system" fn classes(_: This) -> i32 { 0 }
    static TABLE: Table = Table(query, count, count, info, classes);
    static FACTORY: &Table = &TABLE;
    #[unsafe(no_mangle)]
    pub extern "system" fn GetPluginFactory() -> This { (&raw const FACTORY).cast_mut().cast() }
    #[cfg_attr(not(target_os = "macos"), unsafe(export_name = "ModuleEntry"))]
    #[cfg_attr(target_os = "macos", unsafe(export_name = "bundleEntry"))]
    pub extern "C" fn entry(_: This) -> bool { true }
}
"#;

/// A plug-in `gain` and a stand-in for the framework, which it depends on as `hs`.
pub struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().expect("a folder") };
        let framework = "[package]\nname = \"hotshell\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                         [features]\nreload = []\nlogic-only = []\nclap = []\nvst3 = []\n\
                         default = [\"clap\", \"vst3\"]\n";
        bench.write("framework/Cargo.toml", framework);
        bench.write("framework/src/lib.rs", FRAMEWORK);
        bench.write_manifest("");
        bench.write_logic("sound-of-one");
        bench
    }

    /// A framework whose table is made so: asked for in the trial, and nowhere else here.
    pub fn write_table(&self, body: &str) {
        assert!(FRAMEWORK.contains("slot().as_ptr() }"));
        self.write("framework/src/lib.rs", &FRAMEWORK.replace("slot().as_ptr() }", &format!("{body} }}")));
    }

    /// The plug-in's manifest; `more` goes into its dependency on the framework.
    pub fn write_manifest(&self, more: &str) {
        let comma = if more.is_empty() { "" } else { ", " };
        let text = format!(
            "[package]\nname = \"gain\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
             [lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n\
             [dependencies]\nhs = {{ package = \"hotshell\", path = \"../framework\"{comma}{more} }}\n[workspace]\n"
        );
        self.write("gain/Cargo.toml", &text);
    }

    /// Sources whose library holds `text`.
    pub fn write_logic(&self, text: &str) {
        let source = format!(
            "#[unsafe(no_mangle)]\npub extern \"C\" fn sound() -> *const u8 {{\n    \
             std::hint::black_box((hs::slot().as_ptr(), b\"{text}\".as_ptr())).1\n}}\n"
        );
        self.write("gain/src/lib.rs", &source);
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-hotshell"));
        command.arg("hotshell").args(args).current_dir(self.folder.path());
        command.env("HOTSHELL_DATA_DIR", self.folder.path().join("data")).env("CARGO_NET_OFFLINE", "true");
        for variable in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "RUSTFLAGS", "RUSTC_WRAPPER"] {
            command.env_remove(variable);
        }
        // Tools of the test's own come first.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(self.folder.path().join("tools")).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(path).expect("a path")).env_remove("DISPLAY");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// A program on the path: a shell's lines, and its exit status.
    pub fn tool(&self, name: &str, lines: &str, status: i32) {
        use std::os::unix::fs::PermissionsExt;
        let name = format!("tools/{name}");
        self.write(&name, &format!("#!/bin/sh\n{lines}\nexit {status}\n"));
        let path = self.folder.path().join(name);
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("made a program");
    }

    /// Runs the command to its end: whether it succeeded, and what it said.
    pub fn run(&self, args: &[&str]) -> (bool, String) {
        let output = self.command(args).output().expect("it runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Starts `dev` with the bundle in `out`.
    pub fn dev(&self, more: &[&str]) -> Dev {
        // The stand-in has no logic that could be tried.
        self.dev_with_trial(&[["--no-trial"].as_slice(), more].concat())
    }

    /// The same, with the trial before publishing.
    pub fn dev_with_trial(&self, more: &[&str]) -> Dev {
        let mut child = self
            .command(&[["dev", "gain", "--out", "out"].as_slice(), more].concat())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(child.stderr.take().expect("its output")).lines();
        let (sender, receiver) = channel();
        let read = move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("dev-output".to_owned()).spawn(read).expect("a thread");
        Dev { child, lines: receiver, said: String::new() }
    }

    pub fn bundle(&self) -> PathBuf {
        self.folder.path().join("out/gain.clap")
    }

    /// The folder of the bundle of the other format.
    pub fn vst3(&self) -> PathBuf {
        self.folder.path().join("out/gain.vst3")
    }

    /// The code in it.
    pub fn vst3_code(&self) -> PathBuf {
        cargo_hotshell::layout::System::this().code(&self.vst3())
    }

    /// Names in the bundles' folder.
    pub fn beside_the_bundle(&self) -> Vec<String> {
        names(&self.folder.path().join("out"))
    }

    /// What is left of temporary files.
    pub fn scratch(&self) -> Vec<String> {
        names(&self.folder.path().join("gain/target/hotshell/tmp"))
    }

    /// The one slot.
    pub fn slot(&self) -> Slot {
        let slots = self.folder.path().join("data/slots");
        let [name] = names(&slots).try_into().expect("one slot");
        Slot::existing(&slots.join(name)).expect("a slot")
    }

    /// The build that counts.
    pub fn published(&self) -> Vec<u8> {
        let slot = self.slot();
        let file = slot.read_manifest().expect("a manifest").file;
        slot.folder().read(&file, 1 << 30).expect("a build")
    }

    pub fn holds(bytes: &[u8], part: &[u8]) -> bool {
        bytes.windows(part.len()).any(|window| window == part)
    }

    /// Nothing of `dev` is left anywhere.
    pub fn assert_clean(&self) {
        let at = |name: &str| names(&self.folder.path().join(name));
        for place in ["out", "data/slots", "gain/target/hotshell"] {
            assert_eq!(at(place), [""; 0], "in {place}");
        }
    }
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A running `dev`; killed when dropped.
pub struct Dev {
    child: Child,
    lines: Receiver<String>,
    said: String,
}

impl Dev {
    /// The next line that holds `part`.
    pub fn wait_for(&mut self, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("never said {part:?}, but:\n{}", self.said);
            };
            self.said.push_str(&line);
            self.said.push('\n');
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Everything that was waited through.
    pub fn output(&self) -> &str {
        &self.said
    }

    /// Ctrl-C for this process alone (a terminal would send it to the whole group), and its end.
    pub fn interrupt(&mut self) -> ExitStatus {
        let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("an id");
        rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it lives");
        // Its end closes its output, which ends the reader.
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.said.push_str(&line);
            self.said.push('\n');
        }
        self.child.wait().expect("it ends")
    }
}

impl Dev {
    /// Its end at this very moment; what it has started may live on.
    pub fn kill(mut self) {
        self.child.kill().expect("it lives");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // A failed test: politely first, so that cargo goes too.
            let _ = self.interrupt();
        }
    }
}

/// Stops builds: their build script connects, and goes on when it is told to.
pub struct Gate {
    listener: TcpListener,
}

impl Gate {
    pub fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").expect("a port") }
    }

    /// Runs at every build of the package, because it does not say when it would have to.
    pub fn build_script(&self) -> String {
        format!("fn main() {{ {} }}\n", self.code())
    }

    /// Connects, says who it is and waits to be let through.
    pub fn code(&self) -> String {
        let port = self.listener.local_addr().expect("an address").port();
        format!(
            "use std::io::{{Read, Write}};\n    \
             let mut gate = std::net::TcpStream::connect((\"127.0.0.1\", {port})).unwrap();\n    \
             gate.write_all(&std::process::id().to_ne_bytes()).unwrap();\n    \
             gate.read_exact(&mut [0]).unwrap();\n"
        )
    }

    /// Waits for a build to arrive.
    pub fn wait(&self) -> Held {
        self.listener.set_nonblocking(true).expect("a listener");
        let begin = std::time::Instant::now();
        let mut stream = loop {
            if let Ok((stream, _)) = self.listener.accept() {
                break stream;
            }
            assert!(begin.elapsed() < PATIENCE, "no build has arrived");
            std::thread::park_timeout(Duration::from_millis(2));
        };
        stream.set_nonblocking(false).expect("a stream");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let mut id = [0; 4];
        stream.read_exact(&mut id).expect("its process");
        Held { stream, process: u32::from_ne_bytes(id) }
    }

    /// Waits for a build to arrive and lets it through.
    pub fn pass(&self) {
        self.wait().stream.write_all(&[1]).expect("it waits");
    }
}

/// A build that waits at the gate.
pub struct Held {
    stream: TcpStream,
    process: u32,
}

impl Held {
    /// How nice it is to other processes.
    #[cfg(target_os = "linux")]
    pub fn nice(&self) -> i32 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process)).expect("it lives");
        // After the name in parentheses: state is the third field, nice the nineteenth.
        let (_, fields) = stat.rsplit_once(") ").expect("a name");
        fields.split(' ').nth(16).and_then(|field| field.parse().ok()).expect("a number")
    }

    /// Waits until its process is gone.
    pub fn ended(mut self) {
        // A process that is killed closes its socket: the end, or a reset if something was unread.
        let gone = match self.stream.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        };
        assert!(gone, "the build's process lives on");
    }
}
