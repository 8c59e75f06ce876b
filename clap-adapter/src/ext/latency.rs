//! latency: the announced value, constant while active.
//!
//! Called by: the host through clack. Calls: the shell. Threads: [main].

use crate::instance::Main;
use clack_extensions::latency::PluginLatencyImpl;

impl PluginLatencyImpl for Main<'_> {
    fn get(&self) -> u32 {
        self.shared.link.expect_main("latency.get");
        self.shared.shell.read_latency()
    }
}
