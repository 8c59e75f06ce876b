//! The main half of a hosted CLAP plug-in.
//!
//! Called by: `plugin`. Calls: `load`, `ports`, `clap_engine`. Threads: [main]; a [`ClapPlugin`] cannot leave the thread
//! that opened it.

use std::ffi::CString;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use clack_extensions::audio_ports_config::PluginAudioPortsConfig;
use clack_extensions::gui::{GuiApiType, GuiConfiguration, PluginGui};
use clack_extensions::latency::PluginLatency;
use clack_extensions::params::PluginParams;
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_extensions::timer::{PluginTimer, TimerId};
use clack_host::events::Pckn;
use clack_host::events::event_types::ParamValueEvent;
use clack_host::events::io::EventBuffer;
use clack_host::prelude::{
    ClapId, HostInfo, InputEvents, OutputEvents, PluginAudioConfiguration, PluginEntry, PluginInstance,
};

use super::clap_engine::ClapEngine;
use super::find::Found;
use super::handlers::{AudioThread, Handlers, MainThread, Shared};
use super::load;
use super::plugin::Config;
use super::ports::{self, Layout, Param, Ports};
use super::signals::{Signals, taken};
use super::timers::Timers;
use crate::Error;

/// A hosted CLAP plug-in.
pub struct ClapPlugin {
    instance: PluginInstance<Handlers>,
    signals: Arc<Signals>,
    timers: Rc<Timers>,
    name: String,
}

/// Id and name of each plug-in of a bundle.
///
/// # Errors
/// The bundle cannot be loaded.
pub(super) fn contents(found: &Found, bundle: &Path) -> Result<Vec<(String, String)>, Error> {
    list(&load::entry(found, bundle)?, bundle)
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

impl ClapPlugin {
    /// Opens plug-in `id` of `bundle`, or its first; with id and name of the one that was chosen.
    ///
    /// # Errors
    /// The bundle cannot be loaded, has no such plug-in, or its plug-in fails to initialise.
    pub fn open(
        found: &Found,
        bundle: &Path,
        id: Option<&str>,
        signals: Arc<Signals>,
    ) -> Result<(Self, (String, String)), Error> {
        let entry = load::entry(found, bundle)?;
        let all = list(&entry, bundle)?;
        let shown = bundle.display();
        let chosen = super::plugin::choose(all, id, bundle)?;
        let (shared, main, timers) = (signals.clone(), signals.clone(), Rc::<Timers>::default());
        let main = MainThread(main, Rc::clone(&timers));
        let instance = PluginInstance::<Handlers>::new(
            |_| Shared(shared),
            |_| main,
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
        Ok((Self { instance, signals, timers, name: chosen.1.clone() }, chosen))
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

    /// Chooses a layout. Inactive only.
    ///
    /// # Errors
    /// The plug-in refuses it.
    pub fn choose_layout(&mut self, layout: &Layout) -> Result<(), Error> {
        let handle = self.instance.plugin_handle();
        let extension = handle.get_extension::<PluginAudioPortsConfig>().context("the layouts are gone")?;
        extension.select(&handle, layout.id).map_err(|_| anyhow::anyhow!("select answers no"))
    }

    /// The plain value that a text means.
    pub fn parse(&mut self, id: ClapId, text: &str) -> Option<f64> {
        let handle = self.instance.plugin_handle();
        let text = CString::new(text).ok()?;
        handle.get_extension::<PluginParams>()?.text_to_value(&handle, id, &text)
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
    pub fn activate(&mut self, config: Config) -> Result<ClapEngine, Error> {
        let Config { sample_rate, max_frames } = config;
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
        Ok(ClapEngine::new(processor, &ports, config, self.signals.clone()))
    }

    /// Takes the audio half back and deactivates the plug-in.
    ///
    /// # Errors
    /// The engine is another plug-in's.
    pub fn deactivate(&mut self, engine: ClapEngine) -> Result<(), Error> {
        let processor = engine.into_processor();
        ensure!(processor.matches(&self.instance), "this audio half is another plug-in's");
        self.signals.active.store(false, Ordering::Release);
        self.instance.deactivate(processor.into_stopped());
        Ok(())
    }

    /// Makes its editor, for a window of X11; the editor's size in pixels.
    ///
    /// # Errors
    /// It has none, or none for X11.
    pub fn create_editor(&mut self) -> Result<(u32, u32), Error> {
        let handle = self.instance.plugin_handle();
        let gui = handle.get_extension::<PluginGui>().context("the plug-in has no editor")?;
        let config = GuiConfiguration { api_type: GuiApiType::X11, is_floating: false };
        ensure!(gui.is_api_supported(&handle, config), "the plug-in's editor does not work in an X11 window");
        gui.create(&handle, config).context("the plug-in makes no editor")?;
        let size = gui.get_size(&handle).context("the plug-in's editor has no size")?;
        Ok((size.width, size.height))
    }

    /// Puts its editor into a window of the host's, which lives until [`ClapPlugin::close_editor`].
    ///
    /// # Errors
    /// It refuses.
    pub fn attach_editor(&mut self, window: u32) -> Result<(), Error> {
        let handle = self.instance.plugin_handle();
        let gui = handle.get_extension::<PluginGui>().context("the plug-in has no editor")?;
        load::set_parent(&gui, &handle, window)?;
        // It may refuse: it is shown in its parent already.
        let _ = gui.show(&handle);
        Ok(())
    }

    /// Ends its editor.
    pub fn close_editor(&mut self) {
        let handle = self.instance.plugin_handle();
        if let Some(gui) = handle.get_extension::<PluginGui>() {
            gui.destroy(&handle);
        }
    }

    /// Answers what can be answered on main without the audio half: the callback, timers, and a flush while inactive.
    pub fn serve(&mut self) {
        if taken(&self.signals.callback) {
            self.instance.call_on_main_thread_callback();
        }
        for timer in self.timers.take_due(Instant::now()) {
            let handle = self.instance.plugin_handle();
            if let Some(extension) = handle.get_extension::<PluginTimer>() {
                extension.on_timer(&handle, TimerId(timer));
            }
        }
        if !self.instance.is_active() && taken(&self.signals.flush) {
            // A plug-in without parameters that asks for a flush gets none.
            drop(self.flush(&EventBuffer::new()));
        }
    }
}
