//! Folders that stay until the process ends: ThreadSanitizer reads the names of functions out of a library's file when it
//! reports a race, and what `tests/tsan.supp` passes over it knows by those names.
//!
//! Called by: `slot`, in a sanitizer's build. Calls: the C library. Threads: [any].
#![allow(unsafe_code, reason = "registers an exit function; harness, DESIGN 9.9")]

use std::path::PathBuf;
use std::sync::{Mutex, Once, PoisonError};

static KEPT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
static AT_EXIT: Once = Once::new();

/// Removes `folder` when the process ends.
pub(crate) fn until_the_end(folder: PathBuf) {
    // SAFETY: the function lives as long as the executable that it is linked into, and does not unwind.
    AT_EXIT.call_once(|| assert_eq!(unsafe { libc::atexit(remove_all) }, 0, "room for an exit function"));
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).push(folder);
}

extern "C" fn remove_all() {
    for folder in KEPT.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        // Whoever looks next into the folder of temporary files finds what is left.
        let _ = std::fs::remove_dir_all(folder);
    }
}
