//! Upward port: what a shell may ask of its adapter at any time. Everything that needs a phase or a thread of the
//! host's is *pulled* by the adapter instead ([`Shell::take_changes`](crate::shell::Shell::take_changes)).
//!
//! Called by: `shell`, `reload`. Calls: the adapter's `host`. Threads: [any] unless a method says otherwise.

/// Severity of a log line, in CLAP's numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
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

impl Level {
    /// The level of a number that crossed the boundary; unknown numbers count as errors.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Debug,
            1 => Self::Info,
            2 => Self::Warning,
            _ => Self::Error,
        }
    }
}

/// One adapter's connection to the host, for one plug-in instance. Dropped before the host's own pointers end:
/// the adapter calls [`Shell::disconnect`](crate::shell::Shell::disconnect) first.
pub trait Host: Send + Sync {
    /// Name and version of the host, e.g. `"Bitwig Studio 5.2"`; empty if it does not say.
    fn name(&self) -> &str;

    /// Asks the host to deactivate and activate the plug-in. [any]
    fn request_restart(&self);

    /// Asks the host to call processing if it sleeps. [any]
    fn request_process(&self);

    /// Asks for a main-thread call in which the adapter pulls the changes. Where the host has none (VST3 without an
    /// editor on Linux) the changes wait for the next safe call. [any]
    fn request_callback(&self);

    /// One line of text. Never called on [audio].
    fn log(&self, level: Level, text: &str);
}

/// No host: tests, and the time after the adapter has disconnected.
#[derive(Debug, Default)]
pub struct NoHost;

impl Host for NoHost {
    fn name(&self) -> &'static str {
        ""
    }
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {}
    fn log(&self, _level: Level, _text: &str) {}
}
