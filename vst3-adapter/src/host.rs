//! Our end of the connection to the host: what a shell may ask of it. The calls on the host's objects are in
//! `com/handler`.
//!
//! Called by: the shell (through [`Host`]), `instance`. Calls: nothing. Threads: [any].
//!
//! VST3 has no main-thread call that a plug-in could ask for: what there is to tell waits for the next safe call
//! (FORMATS 3). So nothing that a shell asks for, on the audio thread least of all, reaches the host.

use std::sync::Arc;

use hotshell_core::host::{Host, Level};

/// The host, as the shell knows it.
#[derive(Debug, Default)]
pub(crate) struct Link {
    name: String,
}

impl Link {
    /// For the host behind `name`.
    pub(crate) fn new(name: String) -> Arc<Self> {
        Arc::new(Self { name })
    }

    /// The shell's handle on it.
    pub(crate) fn for_shell(self: &Arc<Self>) -> Box<dyn Host> {
        Box::new(ForShell(Arc::clone(self)))
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

struct ForShell(Arc<Link>);

impl Host for ForShell {
    fn name(&self) -> &str {
        &self.0.name
    }

    /// A host that is told at once needs none.
    fn request_restart(&self) {}

    /// VST3 hosts process as long as the plug-in is processing.
    fn request_process(&self) {}

    /// Each safe call looks for changes, asked for or not.
    fn request_callback(&self) {}

    /// VST3 has no log. What matters to an author goes through the slot's report as well.
    fn log(&self, _level: Level, _text: &str) {}
}
