//! Ctrl-C, the terminal's end and a polite kill: a flag for whoever works in steps, a call for whoever waits.
//!
//! Called by: `host`, `demo`, `dev`, `bundle`, `validate`. Calls: ctrlc.
//! Threads: ctrlc's own sets the flag and makes the call; [any] reads the flag.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use parking_lot::Mutex;

use crate::Error;

static FLAG: AtomicBool = AtomicBool::new(false);
static INSTALLED: OnceLock<Result<(), String>> = OnceLock::new();
static SINK: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);

/// The flag; true from the first Ctrl-C on. Installs the handler when first called.
///
/// # Errors
/// The handler cannot be installed.
pub fn flag() -> Result<&'static AtomicBool, Error> {
    let install = || {
        let interrupted = || {
            FLAG.store(true, Ordering::Release);
            if let Some(sink) = SINK.lock().as_ref() {
                sink();
            }
        };
        ctrlc::set_handler(interrupted).map_err(|error| error.to_string())
    };
    let installed = INSTALLED.get_or_init(install).clone();
    installed.map_err(Error::msg).context("Ctrl-C cannot be caught")?;
    Ok(&FLAG)
}

/// Calls `sink` at each of them; a later call replaces it.
///
/// # Errors
/// As [`flag`].
pub fn on_interrupt(sink: impl Fn() + Send + 'static) -> Result<(), Error> {
    *SINK.lock() = Some(Box::new(sink));
    flag().map(drop)
}
