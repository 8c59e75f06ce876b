//! Ctrl-C (and a polite kill) as a flag: whoever works looks at it and cleans up.
//!
//! Called by: `host`, `demo`, `dev`. Calls: ctrlc. Threads: ctrlc's own sets the flag; [any] reads it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

use crate::Error;

static FLAG: AtomicBool = AtomicBool::new(false);
static INSTALLED: OnceLock<Result<(), String>> = OnceLock::new();

/// The flag; true from the first Ctrl-C on. Installs the handler when first called.
///
/// # Errors
/// The handler cannot be installed.
pub fn flag() -> Result<&'static AtomicBool, Error> {
    let install =
        || ctrlc::set_handler(|| FLAG.store(true, Ordering::Release)).map_err(|error| error.to_string());
    let installed = INSTALLED.get_or_init(install).clone();
    installed.map_err(Error::msg).context("Ctrl-C cannot be caught")?;
    Ok(&FLAG)
}
