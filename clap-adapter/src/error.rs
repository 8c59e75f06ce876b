//! The gate's last line: panics stop here, refusals become what CLAP can say.
//!
//! Called by: every file that C calls into. Calls: nothing. Threads: [any].

use std::panic::{AssertUnwindSafe, catch_unwind};

use clack_plugin::plugin::PluginError;
use hotshell_core::shell::ShellError;

/// Runs `call`; a panic in it answers `fallback`. For calls that have no instance yet: with one, clack's wrapper
/// catches and also says so in the host's log.
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

/// CLAP answers `false` and nothing else; clack writes the text to the host's log, as a C string: a NUL in it (of a
/// panic's message, of a damaged state) would lose the whole text.
pub(crate) fn refused(error: ShellError) -> PluginError {
    let text = error.to_string();
    if text.contains('\0') {
        PluginError::Error(text.replace('\0', " ").into())
    } else {
        PluginError::Error(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_with_a_nul_in_it_still_fits_in_a_c_string() {
        let error = refused(ShellError::Panicked("planted\0panic".to_owned()));
        assert!(error.to_string().contains("planted panic"), "{error:?}");
    }
}
