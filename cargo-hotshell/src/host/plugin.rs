//! The main half of one hosted plug-in: open it, read what it is, set it up, lend out its audio half.
//!
//! Called by: `session`, `render`, `demo`, tests. Calls: `load`, `ports`, `engine`.
//! Threads: [main]; a [`Plugin`] cannot leave the thread that opened it.

use std::ffi::CString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context, bail, ensure};
use clack_extensions::audio_ports_config::PluginAudioPortsConfig;
use clack_extensions::latency::PluginLatency;
use clack_extensions::params::PluginParams;
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_host::events::Pckn;
use clack_host::events::event_types::ParamValueEvent;
use clack_host::events::io::EventBuffer;
use clack_host::prelude::{
    ClapId, HostInfo, InputEvents, OutputEvents, PluginAudioConfiguration, PluginEntry, PluginInstance,
};

use super::engine::Engine;
use super::handlers::{AudioThread, Handlers, MainThread, Shared};
use super::ports::{self, Layout, Param, Ports};
use super::signals::{Line, Signals, taken};
use super::{load, role};
use crate::Error;

/// How a plug-in is activated.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Config {
    /// Hz.
    pub sample_rate: f64,
    /// Longest block, frames.
    pub max_frames: u32,
}

/// A hosted plug-in.
pub struct Plugin {
    instance: PluginInstance<Handlers>,
    signals: Arc<Signals>,
    id: String,
    name: String,
}

/// Id and name of each plug-in of a bundle.
///
/// # Errors
/// The bundle cannot be loaded.
pub fn contents(bundle: &Path) -> Result<Vec<(String, String)>, Error> {
    list(&load::entry(bundle)?, bundle)
}

fn list(entry: &PluginEntry, bundle: &Path) -> Result<Vec<(String, String)>, Error> {
    let factory = entry
        .get_plugin_factory()
        .with_context(|| format!("{}: has a CLAP entry, but no plug-in factory", bundle.display()))?;
    let word = |text: Option<&std::ffi::CStr>| text.map(|text| text.to_string_lossy().into_owned());
    Ok(factory
        .plugin_descriptors()
        .filter_map(|plugin| Some((word(plugin.id())?, word(plugin.name()).unwrap_or_default())))
        .collect())
}

impl Plugin {
    /// Opens plug-in `id` of `bundle`, or its first. The calling thread becomes its main thread.
    ///
    /// # Errors
    /// The bundle cannot be loaded, has no such plug-in, or its plug-in fails to initialise.
    pub fn open(bundle: &Path, id: Option<&str>) -> Result<Self, Error> {
        role::become_main();
        let entry = load::entry(bundle)?;
        let all = list(&entry, bundle)?;
        let shown = bundle.display();
        let chosen = match id {
            None => all.first().with_context(|| format!("{shown}: its factory lists no plug-in"))?,
            Some(id) => all.iter().find(|plugin| plugin.0 == id).with_context(|| {
                let have: Vec<&str> = all.iter().map(|plugin| plugin.0.as_str()).collect();
                format!("{shown}: has no plug-in {id:?}; it has {}", have.join(", "))
            })?,
        };
        let signals = Arc::new(Signals::new());
        let (shared, main) = (signals.clone(), signals.clone());
        let instance = PluginInstance::<Handlers>::new(
            |_| Shared(shared),
            |_| MainThread(main),
            &entry,
            &CString::new(chosen.0.as_str())?,
            &HostInfo::new(
                "cargo hotshell host",
                "hotshell",
                env!("CARGO_PKG_REPOSITORY"),
                env!("CARGO_PKG_VERSION"),
            )?,
        );
        let instance = instance.map_err(|error| {
            let said: Vec<String> = signals.take_lines().into_iter().map(|line| line.text).collect();
            anyhow::anyhow!("{shown}: {} could not be opened: {error}\n{}", chosen.0, said.join("\n"))
        })?;
        Ok(Self { instance, signals, id: chosen.0.clone(), name: chosen.1.clone() })
    }

    /// The plug-in's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The plug-in's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the plug-in logged since the last call, and what the host had to say about it.
    #[must_use]
    pub fn take_lines(&self) -> Vec<Line> {
        self.signals.take_lines()
    }

    /// Times that the plug-in reported a changed latency.
    #[must_use]
    pub fn latency_changes(&self) -> u32 {
        self.signals.latency_changes.load(Ordering::Relaxed)
    }

    /// Times that the plug-in asked for its parameters to be read again.
    #[must_use]
    pub fn param_rescans(&self) -> u32 {
        self.signals.param_rescans.load(Ordering::Relaxed)
    }

    /// Its ports, as of now.
    pub fn ports(&mut self) -> Ports {
        ports::ports(&self.instance.plugin_handle())
    }

    /// Its layouts; empty if it has only the one.
    pub fn layouts(&mut self) -> Vec<Layout> {
        ports::layouts(&self.instance.plugin_handle())
    }

    /// Its parameters with their values.
    pub fn params(&mut self) -> Vec<Param> {
        ports::params(&self.instance.plugin_handle())
    }

    /// Announced latency, frames.
    pub fn latency(&mut self) -> u32 {
        let handle = self.instance.plugin_handle();
        handle.get_extension::<PluginLatency>().map_or(0, |extension| extension.get(&handle))
    }

    /// Chooses the layout called `name` (or so numbered, from 0). Inactive only.
    ///
    /// # Errors
    /// There is no such layout, or the plug-in refuses it.
    pub fn choose_layout(&mut self, name: &str) -> Result<(), Error> {
        ensure!(!self.instance.is_active(), "a layout is chosen before the plug-in is activated");
        let all = self.layouts();
        let wanted = |(index, layout): &(usize, &Layout)| layout.name == name || index.to_string() == name;
        let Some((_, layout)) = all.iter().enumerate().find(wanted) else {
            let have: Vec<&str> = all.iter().map(|layout| layout.name.as_str()).collect();
            bail!("{} has no layout {name:?}; it has {}", self.name, have.join(", "));
        };
        let handle = self.instance.plugin_handle();
        let extension = handle.get_extension::<PluginAudioPortsConfig>().context("the layouts are gone")?;
        extension
            .select(&handle, layout.id)
            .map_err(|_| anyhow::anyhow!("{} refuses its own layout {name:?}", self.name))
    }

    /// The plain value that `text` means for parameter `name`, and the parameter's id. `text` may be a number (plain)
    /// or anything that the plug-in itself reads, such as `-6 dB`.
    ///
    /// # Errors
    /// No such parameter, or the plug-in cannot read the text.
    pub fn param_value(&mut self, name: &str, text: &str) -> Result<(ClapId, f64), Error> {
        let all = self.params();
        let Some(param) = all.iter().find(|param| param.name.eq_ignore_ascii_case(name)) else {
            let have: Vec<&str> = all.iter().map(|param| param.name.as_str()).collect();
            bail!("{} has no parameter {name:?}; it has {}", self.name, have.join(", "));
        };
        if let Ok(value) = text.parse::<f64>() {
            return Ok((param.id, value.clamp(param.min, param.max)));
        }
        let handle = self.instance.plugin_handle();
        let read = CString::new(text)
            .ok()
            .and_then(|text| handle.get_extension::<PluginParams>()?.text_to_value(&handle, param.id, &text));
        let value =
            read.with_context(|| format!("{} does not understand {text:?} for {}", self.name, param.name))?;
        Ok((param.id, value))
    }

    /// Sets a plain value. Inactive only; an active plug-in takes values as events (`Session::set_param`).
    ///
    /// # Errors
    /// The plug-in is active or has no parameters.
    pub fn set_param(&mut self, id: ClapId, value: f64) -> Result<(), Error> {
        let mut events = EventBuffer::new();
        events.push(&ParamValueEvent::new(0, id, Pckn::match_all(), value));
        self.flush(&events)
    }

    /// Exchanges parameter events outside of any block. Inactive only.
    fn flush(&mut self, events: &EventBuffer) -> Result<(), Error> {
        let Some(mut handle) = self.instance.inactive_plugin_handle() else { bail!("the plug-in is active") };
        let Some(extension) = handle.get_extension::<PluginParams>() else {
            bail!("the plug-in has no parameters")
        };
        extension.flush(&mut handle, &InputEvents::from_buffer(events), &mut OutputEvents::void());
        Ok(())
    }

    /// The plug-in's state.
    ///
    /// # Errors
    /// It has none or failed to write it.
    pub fn save_state(&mut self) -> Result<Vec<u8>, Error> {
        let handle = self.instance.plugin_handle();
        let extension = handle.get_extension::<PluginState>().context("the plug-in keeps no state")?;
        let mut bytes = Vec::new();
        extension.save(&handle, &mut bytes).context("the plug-in failed to save its state")?;
        Ok(bytes)
    }

    /// Loads a state that [`Plugin::save_state`] gave.
    ///
    /// # Errors
    /// The plug-in has none or refuses the bytes.
    pub fn load_state(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        let handle = self.instance.plugin_handle();
        let extension = handle.get_extension::<PluginState>().context("the plug-in keeps no state")?;
        extension.load(&handle, &mut bytes).context("the plug-in refuses the state")
    }

    /// Tells the plug-in whether its blocks will come faster than the clock.
    pub fn set_offline(&mut self, offline: bool) {
        let mode = if offline { RenderMode::Offline } else { RenderMode::Realtime };
        let handle = self.instance.plugin_handle();
        if let Some(extension) = handle.get_extension::<PluginRender>()
            && extension.set(&handle, mode).is_err()
        {
            self.signals
                .say(clack_extensions::log::LogSeverity::Warning, "the plug-in refuses its render mode");
        }
    }

    /// Activates the plug-in; its audio half is the result.
    ///
    /// # Errors
    /// The configuration is out of range, or the plug-in refuses it.
    pub fn activate(&mut self, config: Config) -> Result<Engine, Error> {
        let Config { sample_rate, max_frames } = config;
        ensure!(
            (1_000.0..=1_000_000.0).contains(&sample_rate),
            "a sample rate of {sample_rate} Hz is out of range"
        );
        ensure!(
            (1..=65_536).contains(&max_frames),
            "blocks of {max_frames} frames are out of range (1 to 65536)"
        );
        taken(&self.signals.ports);
        taken(&self.signals.restart);
        let ports = self.ports();
        let audio = AudioThread(self.signals.clone());
        self.signals.activating.store(true, Ordering::Release);
        let active = self.instance.activate(
            |_, _| audio,
            PluginAudioConfiguration { sample_rate, min_frames_count: 1, max_frames_count: max_frames },
        );
        self.signals.activating.store(false, Ordering::Release);
        let processor = active.with_context(|| {
            format!(
                "{} refuses to be activated at {sample_rate} Hz in blocks of {max_frames} frames",
                self.name
            )
        })?;
        self.signals.active.store(true, Ordering::Release);
        Ok(Engine::new(processor, &ports, config, self.signals.clone()))
    }

    /// Takes the audio half back and deactivates the plug-in.
    ///
    /// # Errors
    /// The engine is another plug-in's.
    pub fn deactivate(&mut self, engine: Engine) -> Result<(), Error> {
        let processor = engine.into_processor();
        ensure!(processor.matches(&self.instance), "this audio half is another plug-in's");
        self.signals.active.store(false, Ordering::Release);
        self.instance.deactivate(processor.into_stopped());
        Ok(())
    }

    /// Answers what can be answered on main without the audio half: the callback, and a flush while inactive.
    pub fn serve(&mut self) {
        if taken(&self.signals.callback) {
            self.instance.call_on_main_thread_callback();
        }
        if !self.instance.is_active() && taken(&self.signals.flush) {
            // A plug-in without parameters that asks for a flush gets none.
            drop(self.flush(&EventBuffer::new()));
        }
    }

    /// True if the plug-in has asked to be restarted since it was last activated.
    #[must_use]
    pub fn wants_restart(&self) -> bool {
        self.signals.restart.load(Ordering::Acquire)
    }
}
