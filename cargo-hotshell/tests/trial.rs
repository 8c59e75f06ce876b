//! The trial's verdicts, each on a build with that one fault: refused by name, with the input and the author's part of
//! the call stack; and what a trial leaves behind, which is nothing.
//!
//! Called by: `cargo test`. Calls: the built command, on `fixture-tried` and the examples. Threads: [any].
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use hotshell_core::state::{Document, encode};

/// Longer than any trial takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Builds the logic of a package as `tests/harness` does, in the folder of the tests, and answers a copy that nobody overwrites.
fn logic(package: &str) -> PathBuf {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let target = temporary.parent().expect("in the target folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("in the workspace");
    let folder = target.join("fixtures");
    std::fs::create_dir_all(&folder).expect("a folder");
    let lock = File::create(folder.join("hotshell-tests.lock")).expect("a lock file");
    lock.lock().expect("the lock");
    let built = Command::new(env!("CARGO"))
        .args(["rustc", "--lib", "--quiet", "--package", package, "--no-default-features"])
        .args(["--features", "hotshell/logic-only"])
        .args(["--config", "profile.dev.debug=false", "--target-dir"])
        .arg(target)
        .current_dir(root)
        .status();
    assert!(built.expect("cargo runs").success(), "{package} builds");
    let name = format!("lib{}.so", package.replace('-', "_"));
    let copy = temporary.join(format!("trial-{}-{name}", std::process::id()));
    std::fs::copy(target.join("debug").join(name), &copy).expect("copied");
    copy
}

static TRIED: LazyLock<PathBuf> = LazyLock::new(|| logic("fixture-tried"));

/// A copy of the fixture of the test's own: the failing input is saved beside it.
struct Room {
    folder: tempfile::TempDir,
    library: PathBuf,
}

impl Room {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let library = folder.path().join("tried.so");
        std::fs::copy(&*TRIED, &library).expect("copied");
        Self { folder, library }
    }

    fn command(fault: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-hotshell"));
        command.args(["hotshell", "trial", "--seed", "1"]).env("HOTSHELL_FIXTURE", fault);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn run(mut command: Command) -> (bool, String) {
        let output = command.output().expect("it runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// The verdict on `fault`, and what is said.
    fn try_out(&self, fault: &str, more: &[&str]) -> (bool, String) {
        let mut command = Self::command(fault);
        command.args(more).arg(&self.library);
        Self::run(command)
    }

    /// Refused, and these words say why.
    fn refuses(&self, fault: &str, words: &[&str]) -> String {
        let (passed, said) = self.try_out(fault, &["--budget", "60000"]);
        assert!(!passed, "{fault} passed:\n{said}");
        for word in words {
            assert!(said.contains(word), "{fault}: no {word:?} in\n{said}");
        }
        for command in ["cargo hotshell trial --replay ", "rust-gdb "] {
            assert!(said.contains(command), "{fault}: no {command:?} in\n{said}");
        }
        said
    }

    fn saved_input(&self) -> PathBuf {
        self.folder.path().join("tried.input.json")
    }
}

/// Refused by `words`, with an input and with the author's function on the stack.
fn refused(fault: &str, words: &[&str]) {
    let said = Room::new().refuses(fault, words);
    assert!(said.contains("input:"), "{fault}: {said}");
    assert!(said.contains("fixture_tried::"), "{fault}: whose code it was:\n{said}");
}

#[test]
fn a_panic_in_process_is_refused_with_its_place() {
    refused(
        "panic-in-process",
        &["a panic in `process`", "tried/src/lib.rs:", "planted in process", "block 1"],
    );
}

#[test]
fn a_panic_in_create_is_refused_though_there_is_no_input_yet() {
    Room::new().refuses("panic-in-create", &["in create", "tried/src/lib.rs:", "planted in create"]);
}

/// Rust aborts there, which no host survives: only the trial stands before it.
#[test]
fn an_allocation_that_fails_in_create_is_refused_by_name_and_one_that_may_fail_is_not() {
    let room = Room::new();
    let said = room.refuses("out-of-memory", &["a crash in `create`: SIGABRT", "a failed allocation"]);
    assert!(said.contains("fixture_tried::"), "whose code it was:\n{said}");
    let (passed, said) = room.try_out("asks-for-too-much", &["--budget", "300"]);
    assert!(passed, "`try_reserve` answers an error:\n{said}");
}

#[test]
fn a_panic_at_the_hand_over_is_refused() {
    refused("panic-in-restore", &["planted in restore", "the build takes over from itself"]);
}

#[test]
fn a_panic_in_drop_is_refused() {
    refused("panic-in-drop", &["planted in drop"]);
}

#[test]
fn a_panic_in_a_parameters_text_is_refused() {
    refused("panic-in-text", &["planted in a text", "texts of all parameters"]);
}

#[test]
fn an_endless_loop_is_refused_with_the_place_where_it_turns() {
    refused("loop", &["`process` does not come back: an endless loop", "block 1"]);
}

#[test]
fn a_wait_without_end_is_refused_with_what_it_waits_in() {
    refused("deadlock", &["`process` does not come back; it waits in `futex`"]);
}

#[test]
fn a_segmentation_fault_is_refused() {
    refused("segv", &["a crash in `process`: SIGSEGV", "block 1"]);
}

#[test]
fn an_abort_is_refused() {
    refused("abort", &["a crash in `process`: SIGABRT"]);
}

#[test]
fn an_exit_is_refused() {
    refused("exit", &["`process` ends the process"]);
}

#[test]
fn a_stack_overflow_is_refused_by_its_name() {
    refused("overflow", &["the stack overflows in `process`"]);
}

#[test]
fn values_that_are_not_finite_are_refused() {
    Room::new().refuses("nan", &["NaN or infinity in the output", "input:", "block 0"]);
}

#[test]
fn values_that_are_not_finite_at_one_end_of_a_parameter_are_found() {
    Room::new().refuses("nan-when-high", &["NaN or infinity in the output", "parameters"]);
}

#[test]
fn an_allocation_in_process_is_refused() {
    refused("alloc", &["memory is allocated or freed in `process`"]);
}

#[test]
fn an_allocation_in_the_first_block_alone_is_a_warning() {
    let (passed, said) = Room::new().try_out("alloc-once", &[]);
    assert!(passed && said.contains("memory is allocated") && said.contains("(a warning)"), "{said}");
}

#[test]
fn a_sleep_in_process_is_refused_by_its_system_call() {
    refused("sleep", &["the system call `clock_nanosleep` in `process`"]);
}

#[test]
fn a_lock_that_is_held_in_process_is_refused_by_its_system_call() {
    refused("lock", &["the system call `futex` in `process`"]);
}

#[test]
fn words_printed_from_process_are_a_warning() {
    let (passed, said) = Room::new().try_out("print", &[]);
    assert!(passed && said.contains("the system call `write` in `process` (a warning)"), "{said}");
}

#[test]
fn blocks_slower_than_real_time_are_refused() {
    Room::new().refuses("slow", &["times as long as its blocks last", "input:"]);
}

#[test]
fn a_state_of_its_own_that_a_build_refuses_is_refused() {
    Room::new().refuses("state-refused", &["planted refusal", "state saved, loaded and saved again"]);
}

#[test]
fn a_state_that_does_not_come_back_is_refused() {
    Room::new().refuses("state-lost", &["the state does not come back"]);
}

#[test]
fn a_state_that_is_never_the_same_is_a_warning() {
    let (passed, said) = Room::new().try_out("state-unsteady", &[]);
    assert!(passed && said.contains("two saves of one state differ"), "{said}");
}

#[test]
fn a_state_of_the_projects_must_load() {
    let room = Room::new();
    let file = room.folder.path().join("old.hotshell");
    let state = ["--state", file.to_str().expect("UTF-8")];
    let document = Document::new("org.hotshell.fixture.tried", 0);
    std::fs::write(&file, encode(&document)).expect("written");
    let (passed, said) = room.try_out("", &state);
    assert!(passed, "{said}");
    std::fs::write(&file, b"no state").expect("written");
    let (passed, said) = room.try_out("", &state);
    assert!(!passed && said.contains("old.hotshell") && said.contains("the state was refused"), "{said}");
}

/// Findings beside warnings of a block that was slow, which a busy machine can cause.
fn has_findings(said: &str) -> bool {
    said.lines().any(|line| line.contains("Trial") && !line.contains("as long as"))
}

#[test]
fn a_good_build_passes_every_input_and_a_seed_is_the_same_list_again() {
    let (passed, said) = Room::new().try_out("", &["--budget", "60000"]);
    assert!(passed && said.contains("(all ") && said.contains("seed 1)"), "{said}");
    assert!(!said.contains("Unseen"), "this machine sees everything: {said}");
    assert!(!has_findings(&said), "nothing found: {said}");
}

#[test]
fn the_time_limits_the_inputs() {
    let (passed, said) = Room::new().try_out("", &["--budget", "0"]);
    assert!(passed && said.contains("(2 of "), "{said}");
}

#[test]
fn the_examples_pass() {
    for example in ["gain", "synth"] {
        let library = logic(example);
        let mut command = Room::command("");
        command.arg(&library);
        let (passed, said) = Room::run(command);
        assert!(passed && !has_findings(&said) && !said.contains("Untried"), "{example}: {said}");
    }
}

#[test]
fn a_failing_input_is_saved_and_fails_again_and_passes_on_a_build_that_is_mended() {
    let room = Room::new();
    room.refuses("nan-when-high", &[]);
    let replay = |fault: &str| {
        let mut command = Room::command(fault);
        command.arg("--replay").arg(room.saved_input());
        Room::run(command)
    };
    let (passed, said) = replay("nan-when-high");
    assert!(!passed && said.contains("NaN or infinity") && said.contains("input:"), "{said}");
    let (passed, said) = replay("");
    assert!(passed, "{said}");
}

#[test]
fn what_is_no_library_of_ours_is_untried_and_said_so() {
    let room = Room::new();
    let length = std::fs::metadata(&room.library).expect("there").len();
    File::options().write(true).open(&room.library).expect("opens").set_len(length / 2).expect("cut");
    let (_, said) = room.try_out("", &[]);
    assert!(said.contains("Untried"), "{said}");
}

/// A trial that has come into its endless loop, and the connection that ends with the child.
fn looping(room: &Room) -> (Child, std::net::TcpStream) {
    let gate = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = gate.local_addr().expect("an address").port();
    let mut command = Room::command("loop");
    command.env("HOTSHELL_FIXTURE_GATE", port.to_string()).arg(&room.library);
    let parent = command.spawn().expect("it starts");
    gate.set_nonblocking(true).expect("a listener");
    let begin = std::time::Instant::now();
    let stream = loop {
        if let Ok((stream, _)) = gate.accept() {
            break stream;
        }
        assert!(begin.elapsed() < PATIENCE, "the child does not come");
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    };
    stream.set_nonblocking(false).expect("a stream");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    (parent, stream)
}

fn child_is_gone(mut stream: std::net::TcpStream) {
    let gone = match stream.read(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    };
    assert!(gone, "the child lives on");
}

fn signal(process: &Child, signal: rustix::process::Signal) {
    let id = i32::try_from(process.id()).ok().and_then(rustix::process::Pid::from_raw).expect("an id");
    rustix::process::kill_process(id, signal).expect("it lives");
}

#[test]
fn ctrl_c_in_the_middle_of_a_trial_leaves_no_process() {
    let room = Room::new();
    let (mut parent, stream) = looping(&room);
    signal(&parent, rustix::process::Signal::INT);
    assert_eq!(parent.wait().expect("it ends").code(), Some(130));
    child_is_gone(stream);
}

#[test]
fn a_parent_that_is_killed_takes_the_child_with_it() {
    let room = Room::new();
    let (mut parent, stream) = looping(&room);
    signal(&parent, rustix::process::Signal::KILL);
    parent.wait().expect("it ends");
    child_is_gone(stream);
}

/// What the plug-in has started and left; ended with the test.
struct Left(rustix::process::Pid);

impl Left {
    fn noted_in(file: &Path) -> Self {
        let number = std::fs::read_to_string(file).expect("the plug-in has started a process");
        let number = number.parse().ok().and_then(rustix::process::Pid::from_raw);
        Self(number.expect("its number"))
    }

    /// Not if it is only waiting to be counted as ended.
    fn is_alive(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.as_raw_nonzero()));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = rustix::process::kill_process(self.0, rustix::process::Signal::KILL);
    }
}

#[test]
fn a_process_that_the_plug_in_leaves_behind_with_its_output_does_not_hold_the_trial_up() {
    let room = Room::new();
    let note = room.folder.path().join("process");
    let mut command = Room::command("leaves-a-process");
    command.env("HOTSHELL_FIXTURE_NOTE", &note).args(["--budget", "0"]).arg(&room.library);
    let (passed, said) = Room::run(command);
    let left = Left::noted_in(&note);
    assert!(left.is_alive(), "the verdict came only when what holds the output open had ended");
    assert!(passed, "{said}");
}

#[test]
fn a_trial_leaves_no_file_but_the_failing_input() {
    let room = Room::new();
    let mut command = Room::command("segv");
    command.env("TMPDIR", room.folder.path()).arg(&room.library);
    Room::run(command);
    let entries = std::fs::read_dir(room.folder.path()).expect("listed");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, ["tried.input.json", "tried.so"]);
}
