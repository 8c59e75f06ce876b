//! The gate's last line: panics stop here, refusals become what VST3 can say.
//!
//! Called by: every file that a host calls into. Calls: nothing. Threads: [any].

use std::panic::{AssertUnwindSafe, catch_unwind};

use hotshell_core::shell::ShellError;
use vst3::Steinberg::{kInternalError, kInvalidArgument, kResultFalse, tresult};

/// Runs `call`; a panic in it answers `fallback`.
pub(crate) fn guard<T>(fallback: T, call: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(answer) => answer,
        Err(payload) => {
            // The payload's own drop may panic; leaking a few bytes beats ending the host.
            std::mem::forget(payload);
            fallback
        }
    }
}

/// The one gate of every COM call that answers a result.
pub(crate) fn gate(call: impl FnOnce() -> tresult) -> tresult {
    guard(kInternalError, call)
}

/// VST3 takes a number and no text; the text reaches the author through the slot's report.
pub(crate) const fn refused(error: &ShellError) -> tresult {
    match error {
        ShellError::BadConfig(_) => kInvalidArgument,
        ShellError::Panicked(_) | ShellError::Incompatible(_) => kInternalError,
        _ => kResultFalse,
    }
}
