//! latency: the announced value, constant while active.
//!
//! Called by: the host through clack. Calls: the shell. Threads: [main].

use clack_extensions::latency::PluginLatencyImpl;
use hotshell_core::shell::Changes;

use crate::instance::Main;

impl PluginLatencyImpl for Main<'_> {
    fn get(&self) -> u32 {
        self.shared.link.expect_main("latency.get");
        let frames = self.shared.shell.latency();
        self.shared.shell.host_read(Changes::LATENCY);
        frames
    }
}
