//! What code under trial does that it must not, seen from below: memory, system calls, waits, panics, and its death.
//!
//! Called by: `trial/child`, `trial/play`. Calls: `guard/linux` where there is glibc, else almost nothing.
//! Threads: [`watch`] and [`prepare`] concern the calling thread; [`end_as_hung`] is for another one.

use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod linux;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use linux as system;

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod other;
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
use other as system;

pub use system::{
    death_note, end_as_hung, expect_panics, is_asleep, leave_nothing, prepare, take_panic, watch,
};

/// What a watched call did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offences {
    /// Calls of the malloc family, frees included.
    pub memory: u64,
    /// Return addresses of the first of them, innermost first.
    pub memory_stack: Vec<usize>,
    /// Number of the first system call.
    pub system_call: Option<i64>,
    /// Return addresses of it.
    pub call_stack: Vec<usize>,
    /// Times that the thread gave the processor away, where the system calls themselves cannot be seen.
    pub waits: u64,
    /// Time that the processor worked for this thread, in nanoseconds.
    pub cpu_ns: u64,
}

/// In the place of a signal's number: the process was ended from inside.
pub const EXITED: i32 = 1000;

/// Where the code under trial is, for whoever sees it die or hang: a step's number and the block within it.
static STEP: AtomicU64 = AtomicU64::new(0);
static BLOCK: AtomicU64 = AtomicU64::new(0);

/// Another call into the code under trial begins: `what` of [`Place`], in block `block`.
pub fn enter(what: Place, block: u32) {
    BLOCK.store(u64::from(block) << 8 | what as u64, Ordering::Relaxed);
    STEP.fetch_add(1, Ordering::Release);
}

/// Counts up with each [`enter`].
pub fn steps() -> u64 {
    STEP.load(Ordering::Acquire)
}

/// The call that runs, and its block.
pub fn place() -> (Place, u32) {
    let raw = BLOCK.load(Ordering::Relaxed);
    (Place::of(raw & 0xff), u32::try_from(raw >> 8).unwrap_or(u32::MAX))
}

/// Which of the author's functions is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Constructors and the table.
    Load = 1,
    /// `create`.
    Create = 2,
    /// `reset`, and what comes with it.
    Reset = 3,
    /// `process`.
    Process = 4,
    /// `clear`.
    Clear = 5,
    /// `save_state`, `load_state` and the fields' encodings.
    State = 6,
    /// `snapshot` and `restore`.
    Handover = 7,
    /// Texts of parameters.
    Text = 8,
    /// `Drop`.
    Drop = 9,
    /// The process's end.
    End = 10,
}

impl Place {
    /// The place with this number; an unknown one is the end.
    #[must_use]
    pub fn of(number: u64) -> Self {
        use Place::{Clear, Create, Drop, End, Handover, Load, Process, Reset, State, Text};
        let all = [Load, Create, Reset, Process, Clear, State, Handover, Text, Drop];
        all.into_iter().find(|place| *place as u64 == number).unwrap_or(End)
    }

    /// As the author calls it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Load => "the library's constructors",
            Self::Create => "`create`",
            Self::Reset => "`reset`",
            Self::Process => "`process`",
            Self::Clear => "`clear`",
            Self::State => "the state functions",
            Self::Handover => "`snapshot` or `restore`",
            Self::Text => "a parameter's text",
            Self::Drop => "`drop`",
            Self::End => "the end of the process",
        }
    }
}
