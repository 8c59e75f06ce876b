//! The extensions: which ones an instance offers, one file each.
//!
//! Called by: `instance`. Calls: `ext/*`. Threads: [main] for the questions; each file says more.
//!
//! Adding one: a file, a line in [`declare`], a field in [`Offers`].

use clack_extensions::audio_ports::PluginAudioPorts;
use clack_extensions::audio_ports_activation::PluginAudioPortsActivation;
use clack_extensions::audio_ports_config::{PluginAudioPortsConfig, PluginAudioPortsConfigInfo};
use clack_extensions::latency::PluginLatency;
use clack_extensions::note_name::PluginNoteName;
use clack_extensions::note_ports::PluginNotePorts;
use clack_extensions::render::PluginRender;
#[cfg(feature = "editor")]
use clack_extensions::timer::PluginTimer;
#[cfg(feature = "editor")]
use clack_extensions::track_info::PluginTrackInfo;
use clack_plugin::extensions::PluginExtensions;
use hotshell_abi::{BusDesc, PersistDesc, PluginDesc};

use crate::instance::Clap;

mod ambisonic;
pub(crate) mod audio_ports;
mod audio_ports_activation;
mod audio_ports_config;
mod configurable_audio_ports;
mod find;
#[cfg(feature = "editor")]
mod gui;
mod latency;
mod note_name;
mod note_ports;
mod params;
#[cfg(test)]
mod port_tests;
mod remote_controls;
mod render;
mod state;
mod state_context;
mod surround;
mod tail;
#[cfg(test)]
mod tests;
#[cfg(feature = "editor")]
mod track_info;
#[cfg(all(test, feature = "editor"))]
mod track_tests;
mod voice_info;

pub(crate) use find::find;

/// What an instance offers. Fixed for its life: hosts ask once (FORMATS 2).
#[derive(Clone, Copy)]
pub(crate) struct Offers {
    ambisonic: bool,
    audio_ports: bool,
    #[cfg_attr(not(feature = "editor"), expect(dead_code, reason = "without the feature nobody offers it"))]
    gui: bool,
    layouts: bool,
    note_ports: bool,
    note_name: bool,
    params: bool,
    remote_controls: bool,
    state: bool,
    surround: bool,
    voice_info: bool,
}

impl Offers {
    /// The hot shell's superset: a later build may use any of it.
    pub(crate) const ALL: Self = Self {
        ambisonic: true,
        audio_ports: true,
        gui: cfg!(feature = "editor"),
        layouts: true,
        note_ports: true,
        note_name: true,
        params: true,
        remote_controls: true,
        state: true,
        surround: true,
        voice_info: true,
    };

    /// What a build that never changes makes use of.
    pub(crate) fn of(desc: &PluginDesc<'_>) -> Self {
        let (params, layouts) = (desc.params.as_slice(), desc.layouts.as_slice());
        let buses = layouts.iter().flat_map(|layout| [layout.inputs, layout.outputs]);
        let buses: Vec<&BusDesc<'_>> = buses.flat_map(|buses| buses.as_slice()).collect();
        let has_ports = !buses.is_empty();
        let has_kind = |kind| buses.iter().any(|bus| bus.kind == kind);
        let persists = desc.persists.as_slice().iter().any(|field| field.scope != PersistDesc::KEEP);
        Self {
            ambisonic: has_kind(BusDesc::AMBISONIC),
            audio_ports: has_ports,
            gui: false,
            layouts: has_ports && layouts.len() > 1,
            note_ports: desc.notes.inputs > 0 || desc.notes.outputs > 0,
            note_name: false,
            params: !params.is_empty(),
            remote_controls: params.iter().any(|param| !param.page.as_str().is_empty()),
            state: !params.is_empty() || persists || desc.flags & PluginDesc::OWN_STATE != 0,
            surround: has_kind(BusDesc::SURROUND),
            voice_info: desc.voice_capacity > 0,
        }
    }

    /// With an editor, or without.
    pub(crate) const fn with_gui(self, gui: bool) -> Self {
        Self { gui, ..self }
    }
}

/// Answers one `get_extension`.
pub(crate) fn declare(builder: &mut PluginExtensions<'_, Clap>, offers: &Offers) {
    builder.register::<PluginLatency>().register::<tail::Tail>().register::<PluginRender>();
    if offers.audio_ports {
        builder.register::<PluginAudioPorts>().register::<PluginAudioPortsActivation>();
    }
    #[cfg(feature = "editor")]
    if offers.gui {
        builder.register::<gui::Gui>().register::<PluginTimer>().register::<PluginTrackInfo>();
    }
    if offers.layouts {
        builder.register::<PluginAudioPortsConfig>().register::<PluginAudioPortsConfigInfo>();
        builder.register::<configurable_audio_ports::ConfigurableAudioPorts>();
    }
    if offers.surround {
        builder.register::<surround::Surround>();
    }
    if offers.ambisonic {
        builder.register::<ambisonic::Ambisonic>();
    }
    if offers.note_ports {
        builder.register::<PluginNotePorts>();
    }
    if offers.note_name {
        builder.register::<PluginNoteName>();
    }
    if offers.params {
        builder.register::<params::Params>();
    }
    if offers.remote_controls {
        builder.register::<remote_controls::RemoteControls>();
    }
    if offers.state {
        builder.register::<state::State>().register::<state_context::StateInContext>();
    }
    if offers.voice_info {
        builder.register::<voice_info::VoiceInfo>();
    }
}
