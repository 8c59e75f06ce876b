//! What the author's functions are told beside their data.
//!
//! Called by: authors; `export/thunk` makes them. Calls: the shell's output queue and log. Threads: each type says.
#![deny(clippy::disallowed_types)]

use std::fmt::{Arguments, Write};

pub use hotshell_abi::event::Full;
pub use hotshell_abi::{AudioConfig, RenderMode};
use hotshell_abi::{EventOutput, Reason as RawReason, StoreRef, TextBuffer};

use crate::events::{Event, NoteRef};
use crate::params::Param;

/// Why an instance exists, or why a block is a first block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// The host made it, or activated it.
    Host,
    /// A new build replaces an older one.
    Reload {
        /// Number of the new build.
        build: u32,
    },
    /// The last good build replaces one that failed while it played.
    Fault,
    /// A trial before publishing, in a child process.
    Trial,
    /// A test.
    Test,
}

impl Reason {
    pub(crate) const fn of(raw: RawReason, build: u32) -> Option<Self> {
        match raw {
            RawReason::NONE => None,
            RawReason::RELOAD => Some(Self::Reload { build }),
            RawReason::FAULT => Some(Self::Fault),
            RawReason::TRIAL => Some(Self::Trial),
            RawReason::TEST => Some(Self::Test),
            _ => Some(Self::Host),
        }
    }
}

/// How urgent a log line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Level {
    /// For whoever debugs.
    Debug = 0,
    /// News.
    Info = 1,
    /// Something the author should look at.
    Warning = 2,
    /// Something failed.
    Error = 3,
}

/// For `create`. [main] [reload]
#[derive(Clone, Copy, Debug)]
pub struct CreateContext<'a> {
    pub(crate) reason: Reason,
    pub(crate) host: &'a str,
    pub(crate) format: &'a str,
    pub(crate) store: Option<&'a StoreRef>,
}

impl CreateContext<'_> {
    /// Why this instance is made.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The host's name and version, or empty.
    #[must_use]
    pub const fn host(&self) -> &str {
        self.host
    }

    /// `"clap"`, `"vst3"` or `"rig"`.
    #[must_use]
    pub const fn format(&self) -> &str {
        self.format
    }

    /// One line for the host's log and the `dev` terminal.
    pub fn log(&self, level: Level, text: &str) {
        if let Some(store) = self.store {
            store.log(level as u32, text);
        }
    }
}

/// The host's timeline at the start of the sub-block. What the host does not say is `None`. [audio]
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Transport(pub(crate) hotshell_abi::Transport);

use hotshell_abi::Transport as Raw;

impl Transport {
    const fn has(&self, flag: u32) -> bool {
        self.0.flags & flag != 0
    }

    /// True while the host plays.
    #[must_use]
    pub const fn playing(&self) -> bool {
        self.has(Raw::PLAYING)
    }

    /// True while the host records.
    #[must_use]
    pub const fn recording(&self) -> bool {
        self.has(Raw::RECORDING)
    }

    /// True while the host counts in.
    #[must_use]
    pub const fn pre_roll(&self) -> bool {
        self.has(Raw::PRE_ROLL)
    }

    /// Beats per minute.
    #[must_use]
    pub fn tempo(&self) -> Option<f64> {
        (self.has(Raw::HAS_TEMPO) && self.0.tempo.is_finite()).then_some(self.0.tempo)
    }

    /// Position in quarter notes.
    #[must_use]
    pub fn beats(&self) -> Option<f64> {
        self.has(Raw::HAS_BEATS).then_some(self.0.beats)
    }

    /// Position in seconds.
    #[must_use]
    pub fn seconds(&self) -> Option<f64> {
        self.has(Raw::HAS_SECONDS).then_some(self.0.seconds)
    }

    /// Start of the current bar in quarter notes, and the bar's number (the first is 0).
    #[must_use]
    pub fn bar(&self) -> Option<(f64, i32)> {
        self.has(Raw::HAS_BEATS).then_some((self.0.bar_start_beats, self.0.bar_number))
    }

    /// Time signature, upper and lower.
    #[must_use]
    pub fn time_signature(&self) -> Option<(u16, u16)> {
        let Raw { time_signature_numerator: upper, time_signature_denominator: lower, .. } = self.0;
        self.has(Raw::HAS_TIME_SIGNATURE).then_some((upper, lower))
    }

    /// Start and end of the loop in quarter notes, while the loop is on.
    #[must_use]
    pub fn loop_beats(&self) -> Option<(f64, f64)> {
        let known = self.has(Raw::LOOPING) && self.has(Raw::HAS_BEATS);
        known.then_some((self.0.loop_start_beats, self.0.loop_end_beats))
    }

    /// Start and end of the loop in seconds, while the loop is on.
    #[must_use]
    pub fn loop_seconds(&self) -> Option<(f64, f64)> {
        let known = self.has(Raw::LOOPING) && self.has(Raw::HAS_SECONDS);
        known.then_some((self.0.loop_start_seconds, self.0.loop_end_seconds))
    }
}

/// For `process`. Everything is real-time. [audio]
pub struct ProcessContext<'a> {
    pub(crate) config: &'a AudioConfig,
    pub(crate) mode: RenderMode,
    pub(crate) offset: u32,
    pub(crate) frames: u32,
    /// As the shell has it: brought to the sub-block only for a logic that asks.
    pub(crate) transport: Option<&'a Raw>,
    pub(crate) steady_time: i64,
    pub(crate) first_block: Option<Reason>,
    /// What is said goes to nobody.
    pub(crate) muted: bool,
    pub(crate) output: &'a mut EventOutput<'a>,
    pub(crate) store: Option<&'a StoreRef>,
}

impl ProcessContext<'_> {
    /// What the instance was sized for.
    #[must_use]
    pub const fn config(&self) -> &AudioConfig {
        self.config
    }

    /// Hz.
    #[must_use]
    pub const fn sample_rate(&self) -> f64 {
        self.config.sample_rate
    }

    /// Real time or offline, in this block.
    #[must_use]
    pub const fn mode(&self) -> RenderMode {
        self.mode
    }

    /// True while the host renders faster or slower than real time.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.mode == RenderMode::OFFLINE
    }

    /// The timeline at this sub-block's first frame; `None` where the host gives none.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        let raw = self.transport?;
        Some(Transport(raw.advanced(self.offset.saturating_sub(raw.time), self.config.sample_rate)))
    }

    /// Frames from the host block's start to this sub-block's. Event times need no correction by it.
    #[must_use]
    pub const fn offset(&self) -> u32 {
        self.offset
    }

    /// Frames since some start, never jumping, at this sub-block; `None` where the host has no such clock.
    #[must_use]
    pub fn steady_time(&self) -> Option<i64> {
        (self.steady_time >= 0).then(|| self.steady_time.saturating_add(i64::from(self.offset)))
    }

    /// Why this is the instance's first block, if it is.
    #[must_use]
    pub const fn first_block(&self) -> Option<Reason> {
        self.first_block
    }

    /// Sends an event to the host (nowhere, while a newer build takes over or this one is being tried); its time is relative to this sub-block (times past its end count as its last
    /// frame). Send in order of time. What is only a host's to say does not reach it, so that a note effect may pass on
    /// everything: modulation, and parameter values of single voices.
    ///
    /// # Errors
    /// [`Full`] if the block's output queue is full; the event was not sent.
    pub fn send(&mut self, event: Event<'_>) -> Result<(), Full> {
        if self.muted {
            return Ok(());
        }
        let time = self.offset + event.time().min(self.frames.saturating_sub(1));
        match (event, event.encode()) {
            (Event::Sysex { port, bytes, .. }, _) => self.output.push_sysex(time, port, bytes),
            (_, Some(mut raw)) => {
                raw.time = time;
                self.output.push(raw)
            }
            (_, None) => Ok(()),
        }
    }

    /// Tells the host that a voice has ended.
    ///
    /// # Errors
    /// [`Full`] as [`ProcessContext::send`].
    pub fn note_end(&mut self, time: u32, note: NoteRef) -> Result<(), Full> {
        self.send(Event::NoteEnd { time, note })
    }

    /// Moves a parameter from the audio side, as if the host had, and tells the host.
    ///
    /// # Errors
    /// [`Full`] as [`ProcessContext::send`]; then the value was not changed either.
    pub fn set_param<P: Param>(&mut self, time: u32, param: &P, value: P::Plain) -> Result<(), Full> {
        let plain = param.to_plain(value);
        self.send(Event::Param { time, id: param.host_id(), value: plain, note: None })?;
        if !self.muted {
            param.store(plain);
        }
        Ok(())
    }

    /// What [`rt_log!`](crate::rt_log) calls: at most 120 bytes, dropped when the shell's ring is full.
    pub fn rt_log(&self, level: Level, text: Arguments<'_>) {
        let Some(store) = self.store else { return };
        let mut line = TextBuffer::new();
        // Text that does not fit is cut: a line that says most of it beats none.
        let _ = line.write_fmt(text);
        store.rt_log(level as u32, line.as_str());
    }
}

/// One line for the host's log from [audio]: neither waits nor allocates. At most 120 bytes.
///
/// ```ignore
/// rt_log!(cx, "voice {} stolen", index);
/// rt_log!(cx, Level::Warning, "{} Hz is above Nyquist", cutoff);
/// ```
#[macro_export]
macro_rules! rt_log {
    ($cx:expr, $format:literal $($arguments:tt)*) => {
        $cx.rt_log($crate::Level::Info, ::core::format_args!($format $($arguments)*))
    };
    ($cx:expr, $level:expr, $format:literal $($arguments:tt)*) => {
        $cx.rt_log($level, ::core::format_args!($format $($arguments)*))
    };
}
