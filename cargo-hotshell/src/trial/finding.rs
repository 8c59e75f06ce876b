//! What a trial finds, as the child writes it and as the author reads it.
//!
//! Called by: `trial/child` and `trial/play` make findings, `trial/run` reads them. Calls: nothing. Threads: [any].

use serde::{Deserialize, Serialize};

use super::guard::Place;
use super::plan::Case;

/// One kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The author's code panicked.
    Panic,
    /// A signal, or an end of the process that nobody asked for.
    Crash,
    /// A call that does not come back.
    Hang,
    /// NaN or infinity in the output.
    NotFinite,
    /// Memory was allocated or freed in `process`.
    Memory,
    /// `process` entered the kernel.
    SystemCall,
    /// A block takes longer than it lasts.
    Slow,
    /// A state does not come back, or a state of the project's is refused.
    State,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// False: only a warning.
    pub error: bool,
    /// What kind.
    pub kind: Kind,
    /// In words, with the place in the source where it is known.
    pub what: String,
    /// Which call.
    pub place: Place,
    /// Which block of the case.
    pub block: u32,
    /// Return addresses, innermost first.
    pub stack: Vec<usize>,
}

/// One line of the child's report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The library is loaded: where it begins, and what cannot be watched on this machine.
    Loaded {
        /// Address of its first byte.
        base: usize,
        /// What is not seen.
        blind: Vec<String>,
    },
    /// It cannot be tried by this command; a shell of its own version may take it.
    Unfit(String),
    /// What is played next.
    Case(Case),
    /// A fault in it.
    Found(Finding),
    /// What killed the process; signal 0: the watchdog.
    Died {
        /// The signal's number.
        signal: i32,
        /// The stack was full.
        overflow: bool,
        /// Number of the [`Place`].
        call: u64,
        /// Block of the case.
        block: u32,
        /// The system call that was entered last in a watched block; -1 for none.
        system_call: i64,
    },
    /// Where it died.
    Stack(Vec<usize>),
    /// It got through.
    Done {
        /// Cases that were played.
        played: usize,
        /// Cases on the list.
        listed: usize,
    },
}

/// A signal's name, and what usually is behind it.
#[must_use]
pub fn signal_words(signal: i32) -> String {
    let words = match signal {
        4 => "SIGILL, an instruction that the processor does not have, or an abort",
        5 => "SIGTRAP, an abort or a breakpoint",
        6 => {
            "SIGABRT, an abort: a panic that could not unwind, a failed allocation, an assertion of a C library"
        }
        7 => "SIGBUS, memory that is mapped but not there",
        8 => "SIGFPE, a division of whole numbers by zero in C",
        9 => "SIGKILL, from outside or for want of memory",
        11 => "SIGSEGV, memory that is not there",
        _ => return format!("signal {signal}"),
    };
    words.to_owned()
}

/// A system call's name, and whether it waits for something.
#[must_use]
pub fn call_words(call: i64) -> (String, bool) {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    {
        let known: [(i64, &str, bool); 21] = [
            (0, "read", true),
            (1, "write", false),
            (7, "poll", true),
            (9, "mmap", false),
            (10, "mprotect", false),
            (11, "munmap", false),
            (12, "brk", false),
            (20, "writev", false),
            (23, "select", true),
            (24, "sched_yield", true),
            (28, "madvise", false),
            (35, "nanosleep", true),
            (45, "recvfrom", true),
            (56, "clone", true),
            (202, "futex", true),
            (230, "clock_nanosleep", true),
            (232, "epoll_wait", true),
            (257, "openat", true),
            (271, "ppoll", true),
            (318, "getrandom", false),
            (435, "clone3", true),
        ];
        if let Some((_, name, waits)) = known.iter().find(|(number, ..)| *number == call) {
            return ((*name).to_owned(), *waits);
        }
    }
    (format!("number {call}"), false)
}
