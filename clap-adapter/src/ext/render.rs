//! render: real time or offline, told to the shell for the blocks to come.
//!
//! Called by: the host through clack. Calls: the shell. Threads: [main].

use clack_extensions::render::{PluginRenderImpl, RenderMode};
use clack_plugin::plugin::PluginError;
use hotshell_abi::PluginDesc;

use crate::instance::Main;

impl PluginRenderImpl for Main<'_> {
    fn has_hard_realtime_requirement(&self) -> bool {
        self.shared.shell.describe().flags & PluginDesc::HARD_REALTIME != 0
    }

    fn set(&self, mode: RenderMode) -> Result<(), PluginError> {
        if mode == RenderMode::Offline && self.has_hard_realtime_requirement() {
            return Err(PluginError::Message("this plug-in needs real time and cannot render offline"));
        }
        self.shared.set_mode(match mode {
            RenderMode::Realtime => hotshell_abi::RenderMode::REALTIME,
            RenderMode::Offline => hotshell_abi::RenderMode::OFFLINE,
        });
        Ok(())
    }
}
