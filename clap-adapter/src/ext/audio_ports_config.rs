//! audio-ports-config and audio-ports-config-info: the announced layouts.
//!
//! Called by: the host through clack. Calls: the shell. Threads: [main]; a choice only while inactive (clack checks).

use clack_extensions::audio_ports::AudioPortInfoWriter;
use clack_extensions::audio_ports_config::{
    AudioPortConfigWriter, AudioPortsConfiguration, MainPortInfo, PluginAudioPortsConfigImpl,
    PluginAudioPortsConfigInfoImpl,
};
use clack_plugin::plugin::PluginError;
use clack_plugin::utils::ClapId;
use hotshell_core::shell::BusInfo;

use crate::ext::audio_ports::{port_type, write};
use crate::instance::Main;
use crate::params::cut;

fn count(buses: &[BusInfo]) -> u32 {
    u32::try_from(buses.len()).unwrap_or(u32::MAX)
}

fn main_port(buses: &[BusInfo]) -> Option<MainPortInfo<'static>> {
    let bus = buses.first().filter(|bus| bus.main)?;
    Some(MainPortInfo { channel_count: bus.channels, port_type: port_type(bus) })
}

impl PluginAudioPortsConfigImpl for Main<'_> {
    fn count(&self) -> u32 {
        u32::try_from(self.shared.shell.layouts().len()).unwrap_or(u32::MAX)
    }

    fn get(&self, index: u32, writer: &mut AudioPortConfigWriter<'_>) {
        let layouts = self.shared.shell.layouts();
        let (Some(layout), Some(id)) = (layouts.get(index as usize), ClapId::from_raw(index)) else { return };
        writer.write(&AudioPortsConfiguration {
            id,
            name: cut(&layout.name, 255).as_bytes(),
            input_port_count: count(&layout.inputs),
            output_port_count: count(&layout.outputs),
            main_input: main_port(&layout.inputs),
            main_output: main_port(&layout.outputs),
        });
    }

    fn select(&self, config_id: ClapId) -> Result<(), PluginError> {
        self.choose_layout(config_id.get() as usize)
    }
}

impl PluginAudioPortsConfigInfoImpl for Main<'_> {
    fn current_config(&self) -> Option<ClapId> {
        ClapId::from_raw(u32::try_from(self.shared.shell.layout()).ok()?)
    }

    fn get(&self, config_id: ClapId, port_index: u32, is_input: bool, writer: &mut AudioPortInfoWriter<'_>) {
        if let Some(layout) = self.shared.shell.layouts().get(config_id.get() as usize) {
            write(layout, port_index, is_input, writer);
        }
    }
}
