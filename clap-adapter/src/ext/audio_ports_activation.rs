//! audio-ports-activation: the host switches ports off and on, also while it plays.
//!
//! Called by: the host through clack. Calls: nothing. Threads: [main] while inactive, [audio] while active.

use clack_extensions::audio_ports_activation::{
    PluginAudioPortsActivationImpl, PluginAudioPortsActivationSetImpl, SampleSize,
};

use crate::ext::audio_ports::buses;
use crate::instance::Main;
use crate::process::Processor;

impl PluginAudioPortsActivationImpl for Main<'_> {
    fn can_activate_while_processing(&self) -> bool {
        true
    }
}

impl PluginAudioPortsActivationSetImpl for Main<'_> {
    /// The sample size is a hint that we do not need: each port takes either in every block.
    fn set_active(&self, is_input: bool, port_index: u32, is_active: bool, _sample_size: SampleSize) -> bool {
        let layout = self.shared.current_layout();
        let exists = layout.is_some_and(|layout| (port_index as usize) < buses(&layout, is_input).len());
        exists && self.shared.set_port(is_input, port_index, is_active)
    }
}

impl PluginAudioPortsActivationSetImpl for Processor<'_> {
    fn set_active(&self, is_input: bool, port_index: u32, is_active: bool, _sample_size: SampleSize) -> bool {
        self.set_port(is_input, port_index, is_active)
    }
}
