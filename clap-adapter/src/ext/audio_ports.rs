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

/// What the channels of a bus mean, where their number agrees with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    Nothing,
    Mono,
    Stereo,
    Surround,
    Ambisonic,
}

/// Speakers that CLAP has a number for.
const SPEAKERS: u32 = (1 << 20) - 1;

pub(crate) const fn meaning(bus: &BusInfo) -> Meaning {
    let root = bus.channels.isqrt();
    match (bus.kind, bus.channels) {
        (BusDesc::MONO, 1) => Meaning::Mono,
        (BusDesc::STEREO, 2) => Meaning::Stereo,
        (BusDesc::SURROUND, n) if bus.speakers.count_ones() == n && bus.speakers & !SPEAKERS == 0 => {
            Meaning::Surround
        }
        (BusDesc::AMBISONIC, n) if n > 0 && root * root == n => Meaning::Ambisonic,
        _ => Meaning::Nothing,
    }
}

/// CLAP's word for it.
pub(crate) const fn port_type(bus: &BusInfo) -> Option<AudioPortType<'static>> {
    match meaning(bus) {
        Meaning::Nothing => None,
        Meaning::Mono => Some(AudioPortType::MONO),
        Meaning::Stereo => Some(AudioPortType::STEREO),
        Meaning::Surround => Some(AudioPortType::SURROUND),
        Meaning::Ambisonic => Some(AudioPortType::AMBISONIC),
    }
}

fn is_pair(layout: &LayoutInfo) -> bool {
    match (layout.inputs.first(), layout.outputs.first()) {
        (Some(a), Some(b)) => {
            a.main
                && b.main
                && (a.channels, port_type(a), a.speakers) == (b.channels, port_type(b), b.speakers)
        }
        _ => false,
    }
}

/// What a host must read again.
#[derive(Clone, Copy)]
pub(crate) struct Difference {
    /// Of the ports; names are told by another way.
    pub(crate) flags: AudioPortRescanFlags,
    /// The channel map of a surround bus.
    pub(crate) surround: bool,
    /// Whether a bus is ambisonic.
    pub(crate) ambisonic: bool,
}

impl Difference {
    /// Nothing.
    pub(crate) const NONE: Self =
        Self { flags: AudioPortRescanFlags::empty(), surround: false, ambisonic: false };

    /// Between a host that knew `old` and one that knows `new`.
    pub(crate) fn between(old: &LayoutInfo, new: &LayoutInfo) -> Self {
        let mut all = Self::NONE;
        for is_input in [true, false] {
            let (old, new) = (buses(old, is_input), buses(new, is_input));
            if old.len() != new.len() {
                all.flags |= AudioPortRescanFlags::LIST;
            }
            old.iter().zip(new).for_each(|(old, new)| all.add(old, new));
        }
        if is_pair(old) != is_pair(new) {
            all.flags |= AudioPortRescanFlags::IN_PLACE_PAIR;
        }
        all
    }

    fn add(&mut self, old: &BusInfo, new: &BusInfo) {
        let (before, after) = (meaning(old), meaning(new));
        for (differs, flag) in [
            (old.channels != new.channels, AudioPortRescanFlags::CHANNEL_COUNT),
            (before != after, AudioPortRescanFlags::PORT_TYPE),
            (old.main != new.main, AudioPortRescanFlags::FLAGS),
        ] {
            if differs {
                self.flags |= flag;
            }
        }
        let either = |kind| before == kind || after == kind;
        self.surround |= either(Meaning::Surround) && (before != after || old.speakers != new.speakers);
        self.ambisonic |= either(Meaning::Ambisonic) && before != after;
    }
}
