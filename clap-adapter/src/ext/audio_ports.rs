//! audio-ports: the buses of the current layout.
//!
//! Called by: the host through clack, `ext/audio_ports_config`, `instance`. Calls: the shell. Threads: [main].
//!
//! A port's id is its index: lists change only between activations, and the host is told. The two main ports are an
//! in-place pair where they are alike. Every port takes 32 and 64 bit: the shell converts at the edge.

use clack_extensions::audio_ports::{
    AudioPortFlags, AudioPortInfo, AudioPortInfoWriter, AudioPortRescanFlags, AudioPortType,
    PluginAudioPortsImpl,
};
use clack_plugin::utils::ClapId;
use hotshell_abi::BusDesc;
use hotshell_core::shell::{BusInfo, LayoutInfo};

use crate::instance::Main;
use crate::params::cut;

impl PluginAudioPortsImpl for Main<'_> {
    fn count(&self, is_input: bool) -> u32 {
        let layout = self.shared.current_layout();
        u32::try_from(layout.as_ref().map_or(0, |layout| buses(layout, is_input).len())).unwrap_or(u32::MAX)
    }

    fn get(&self, index: u32, is_input: bool, writer: &mut AudioPortInfoWriter<'_>) {
        if let Some(layout) = self.shared.current_layout() {
            write(&layout, index, is_input, writer);
        }
    }
}

/// The layout's buses of one direction.
pub(crate) fn buses(layout: &LayoutInfo, is_input: bool) -> &[BusInfo] {
    if is_input { &layout.inputs } else { &layout.outputs }
}

/// Writes port `index` if there is one.
pub(crate) fn write(layout: &LayoutInfo, index: u32, is_input: bool, writer: &mut AudioPortInfoWriter<'_>) {
    let (Some(bus), Some(id)) = (buses(layout, is_input).get(index as usize), ClapId::from_raw(index)) else {
        return;
    };
    let mut flags = AudioPortFlags::SUPPORTS_64BITS;
    flags.set(AudioPortFlags::IS_MAIN, bus.main && index == 0);
    writer.set(&AudioPortInfo {
        id,
        name: cut(&bus.name, 255).as_bytes(),
        channel_count: bus.channels,
        flags,
        port_type: port_type(bus),
        in_place_pair: (index == 0 && is_pair(layout)).then_some(id),
    });
}

/// CLAP's word for what the channels mean, only where the number of channels agrees. Surround and ambisonic need
/// extensions of their own to be believed, so without them such a bus has no type.
pub(crate) const fn port_type(bus: &BusInfo) -> Option<AudioPortType<'static>> {
    match (bus.kind, bus.channels) {
        (BusDesc::MONO, 1) => Some(AudioPortType::MONO),
        (BusDesc::STEREO, 2) => Some(AudioPortType::STEREO),
        _ => None,
    }
}

fn is_pair(layout: &LayoutInfo) -> bool {
    match (layout.inputs.first(), layout.outputs.first()) {
        (Some(a), Some(b)) => a.main && b.main && a.channels == b.channels && port_type(a) == port_type(b),
        _ => false,
    }
}

/// What a host that knew `old` must read again to know `new`. Names are told by another way.
pub(crate) fn difference(old: &LayoutInfo, new: &LayoutInfo) -> AudioPortRescanFlags {
    let mut flags = AudioPortRescanFlags::empty();
    for is_input in [true, false] {
        let (old, new) = (buses(old, is_input), buses(new, is_input));
        flags.set(
            AudioPortRescanFlags::LIST,
            flags.contains(AudioPortRescanFlags::LIST) || old.len() != new.len(),
        );
        for (old, new) in old.iter().zip(new) {
            let mut differs = |flag, differs: bool| flags.set(flag, flags.contains(flag) || differs);
            differs(AudioPortRescanFlags::CHANNEL_COUNT, old.channels != new.channels);
            differs(AudioPortRescanFlags::PORT_TYPE, port_type(old) != port_type(new));
            differs(AudioPortRescanFlags::FLAGS, old.main != new.main);
        }
    }
    flags.set(AudioPortRescanFlags::IN_PLACE_PAIR, is_pair(old) != is_pair(new));
    flags
}
