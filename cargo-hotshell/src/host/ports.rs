//! What a plug-in says about its ports and parameters, copied out of its hands.
//!
//! Called by: `plugin`. Calls: clack-extensions. Threads: [main]; the results are plain data.

use clack_extensions::audio_ports::{AudioPortInfoBuffer, PluginAudioPorts};
use clack_extensions::audio_ports_config::{AudioPortsConfigBuffer, PluginAudioPortsConfig};
use clack_extensions::note_ports::{NoteDialect, NotePortInfoBuffer, PluginNotePorts};
use clack_extensions::params::{ParamInfoBuffer, ParamInfoFlags, PluginParams};
use clack_host::prelude::{ClapId, PluginMainThreadHandle};

/// More ports or channels than this are a damaged answer, not a plug-in.
const MOST: u32 = 256;

/// Audio and note ports of one direction each.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ports {
    /// Channels of each audio input port, main first.
    pub inputs: Vec<usize>,
    /// Channels of each audio output port, main first.
    pub outputs: Vec<usize>,
    /// How the first note input port wants its notes; `None` without such a port.
    pub notes: Option<Dialect>,
}

/// The words for notes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dialect {
    /// Notes as CLAP events; else as MIDI bytes.
    pub clap: bool,
    /// MIDI bytes are understood too (controllers, pitch bend).
    pub midi: bool,
}

/// One layout of the audio ports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The plug-in's id of it.
    pub id: ClapId,
    /// Name.
    pub name: String,
}

/// One parameter.
#[derive(Clone, PartialEq, Debug)]
pub struct Param {
    /// The plug-in's id of it.
    pub id: ClapId,
    /// Name.
    pub name: String,
    /// Plain range.
    pub min: f64,
    /// Plain range.
    pub max: f64,
    /// Plain.
    pub default: f64,
    /// Plain, as the plug-in answers.
    pub value: f64,
    /// `value` in the plug-in's words.
    pub text: String,
    /// Not for a user's eyes.
    pub hidden: bool,
}

/// Reads the ports.
pub fn ports(plugin: &PluginMainThreadHandle<'_>) -> Ports {
    Ports { inputs: audio(plugin, true), outputs: audio(plugin, false), notes: notes(plugin) }
}

fn audio(plugin: &PluginMainThreadHandle<'_>, input: bool) -> Vec<usize> {
    let Some(extension) = plugin.get_extension::<PluginAudioPorts>() else { return Vec::new() };
    let mut buffer = AudioPortInfoBuffer::new();
    (0..extension.count(plugin, input).min(MOST))
        .filter_map(|index| {
            extension.get(plugin, index, input, &mut buffer).map(|port| port.channel_count.min(MOST))
        })
        .filter_map(|channels| usize::try_from(channels).ok())
        .collect()
}

fn notes(plugin: &PluginMainThreadHandle<'_>) -> Option<Dialect> {
    let extension = plugin.get_extension::<PluginNotePorts>()?;
    let mut buffer = NotePortInfoBuffer::new();
    (extension.count(plugin, true) > 0).then_some(())?;
    let port = extension.get(plugin, 0, true, &mut buffer)?;
    let has = |dialect| port.supported_dialects.supports(dialect);
    Some(Dialect { clap: has(NoteDialect::Clap), midi: has(NoteDialect::Midi) || has(NoteDialect::MidiMpe) })
}

/// Reads the layouts; empty if the plug-in has only the one.
pub fn layouts(plugin: &PluginMainThreadHandle<'_>) -> Vec<Layout> {
    let Some(extension) = plugin.get_extension::<PluginAudioPortsConfig>() else { return Vec::new() };
    let mut buffer = AudioPortsConfigBuffer::new();
    (0..extension.count(plugin).min(MOST))
        .filter_map(|index| {
            extension
                .get(plugin, index, &mut buffer)
                .map(|layout| Layout { id: layout.id, name: text(layout.name) })
        })
        .collect()
}

/// Reads the parameters with their values.
pub fn params(plugin: &PluginMainThreadHandle<'_>) -> Vec<Param> {
    let Some(extension) = plugin.get_extension::<PluginParams>() else { return Vec::new() };
    let mut buffer = ParamInfoBuffer::new();
    let mut letters = [0_u8; 256];
    (0..extension.count(plugin))
        .filter_map(|index| {
            let info = extension.get_info(plugin, index, &mut buffer)?;
            let value = extension.get_value(plugin, info.id)?;
            let shown = extension.value_to_text(plugin, info.id, value, &mut letters);
            Some(Param {
                id: info.id,
                name: text(info.name),
                min: info.min_value,
                max: info.max_value,
                default: info.default_value,
                value,
                text: shown.map_or_else(|_| value.to_string(), |letters| text(letters)),
                hidden: info.flags.contains(ParamInfoFlags::IS_HIDDEN),
            })
        })
        .collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
