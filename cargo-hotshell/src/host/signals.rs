//! What the plug-in asks of its host, collected on whatever thread it asks, answered on main.
//!
//! Called by: `handlers` (writes), `plugin`, `engine` (read). Calls: nothing.
//! Threads: [any]. Requests are atomics; log lines take a short lock that no audio code of the host's ever holds.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::Thread;

use clack_extensions::log::LogSeverity;
use parking_lot::Mutex;

use super::role::{Role, role};

/// Lines kept while nobody reads them.
const MOST_LINES: usize = 10_000;

/// One line that the plug-in logged.
#[derive(Clone, Debug)]
pub struct Line {
    /// As the plug-in said; a breach of the CLAP contract that the host saw is `PluginMisbehaving`.
    pub severity: LogSeverity,
    /// One line of text.
    pub text: String,
}

/// Requests and news of one plug-in instance.
#[derive(Debug)]
pub struct Signals {
    /// Deactivate and activate again.
    pub(super) restart: AtomicBool,
    /// Call `on_main_thread`.
    pub(super) callback: AtomicBool,
    /// Process, even if it slept.
    pub(super) process: AtomicBool,
    /// Exchange parameter events.
    pub(super) flush: AtomicBool,
    /// The tail differs from what was read.
    pub(super) tail: AtomicBool,
    /// State that is not a parameter was edited.
    pub(super) dirty: AtomicBool,
    /// Times that the latency was reported changed.
    pub(super) latency_changes: AtomicU32,
    /// Times that parameters were rescanned, whatever the flags.
    pub(super) param_rescans: AtomicU32,
    /// Ports were rescanned: read them again before the next activation.
    pub(super) ports: AtomicBool,
    /// Between the plug-in's activate returning and its deactivate being called.
    pub(super) active: AtomicBool,
    /// Inside the plug-in's activate.
    pub(super) activating: AtomicBool,
    /// The size that its editor wants of its window, in pixels.
    size: Mutex<Option<(u32, u32)>>,
    lines: Mutex<Vec<Line>>,
    main: Thread,
}

impl Signals {
    /// For a plug-in whose main thread is the calling one.
    pub(super) fn new() -> Self {
        Self {
            restart: AtomicBool::new(false),
            callback: AtomicBool::new(false),
            process: AtomicBool::new(false),
            flush: AtomicBool::new(false),
            tail: AtomicBool::new(false),
            dirty: AtomicBool::new(false),
            latency_changes: AtomicU32::new(0),
            param_rescans: AtomicU32::new(0),
            ports: AtomicBool::new(false),
            active: AtomicBool::new(false),
            activating: AtomicBool::new(false),
            size: Mutex::new(None),
            lines: Mutex::new(Vec::new()),
            main: std::thread::current(),
        }
    }

    /// Notes a request. Main is woken at once, or looks within 10 ms when an audio thread asked (which must not enter
    /// the kernel).
    pub(super) fn raise(&self, request: &AtomicBool) {
        request.store(true, Ordering::Release);
        if role() != Role::Audio {
            self.main.unpark();
        }
    }

    /// Notes what size the editor wants, in pixels. [any] but audio
    pub(super) fn want_size(&self, size: (u32, u32)) {
        *self.size.lock() = Some(size);
        self.main.unpark();
    }

    /// The size that the editor wants, once.
    pub(super) fn take_size(&self) -> Option<(u32, u32)> {
        self.size.lock().take()
    }

    /// Keeps a line for main.
    pub(super) fn say(&self, severity: LogSeverity, text: &str) {
        let mut lines = self.lines.lock();
        if lines.len() < MOST_LINES {
            lines.push(Line { severity, text: text.to_owned() });
        }
    }

    /// The lines since the last call.
    pub(super) fn take_lines(&self) -> Vec<Line> {
        std::mem::take(&mut *self.lines.lock())
    }

    /// True in a phase in which what is announced may not change.
    pub(super) fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }
}

/// Takes a request: true once per `Signals::raise`.
pub fn taken(request: &AtomicBool) -> bool {
    request.swap(false, Ordering::AcqRel)
}
