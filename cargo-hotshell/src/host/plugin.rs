//! The main half of one hosted plug-in: open it, read what it is, set it up, lend out its audio half.
//!
//! Called by: `session`, `render`, `demo`, `contents`, tests. Calls: `bundle`, `clap_plugin`, `vst3_plugin`.
//! Threads: [main]; a [`Plugin`] cannot leave the thread that opened it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context, bail, ensure};
use clack_host::prelude::ClapId;

use super::clap_plugin::{self, ClapPlugin};
use super::engine::Engine;
use super::ports::{Layout, Param, Ports};
use super::signals::{Line, Signals};
use super::vst3_plugin::{self, Vst3Plugin};
use super::{find, role};
use crate::Error;
use crate::format::Format;

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
    half: Half,
    signals: Arc<Signals>,
    id: String,
    name: String,
}

enum Half {
    Clap(Box<ClapPlugin>),
    Vst3(Box<Vst3Plugin>),
}

/// The same call on whichever half it is.
macro_rules! each {
    ($half:expr, $plugin:ident => $call:expr) => {
        match $half {
            Half::Clap($plugin) => $call,
            Half::Vst3($plugin) => $call,
        }
    };
}

/// Id and name of each plug-in of a bundle; `format` as for [`Plugin::open_as`]. A VST3 plug-in's id is its class id.
///
/// # Errors
/// The bundle cannot be loaded.
pub fn contents(bundle: &Path, format: Option<Format>) -> Result<Vec<(String, String)>, Error> {
    let found = find::library(bundle, format)?;
    match found.format {
        Format::Clap => clap_plugin::contents(&found, bundle),
        Format::Vst3 => vst3_plugin::contents(&found, bundle),
    }
}

/// Of `all` the one called `id`, or the first.
pub(super) fn choose(
    all: Vec<(String, String)>,
    id: Option<&str>,
    bundle: &Path,
) -> Result<(String, String), Error> {
    let shown = bundle.display();
    let have: Vec<&str> = all.iter().map(|plugin| plugin.0.as_str()).collect();
    let have = have.join(", ");
    match id {
        None => all.into_iter().next().with_context(|| format!("{shown}: its factory lists no plug-in")),
        Some(id) => all
            .into_iter()
            .find(|plugin| plugin.0.eq_ignore_ascii_case(id))
            .with_context(|| format!("{shown}: has no plug-in {id:?}; it has {have}")),
    }
}

impl Plugin {
    /// Opens plug-in `id` of `bundle`, or its first. The calling thread becomes its main thread.
    ///
    /// # Errors
    /// The bundle cannot be loaded, has no such plug-in, or its plug-in fails to initialise.
    pub fn open(bundle: &Path, id: Option<&str>) -> Result<Self, Error> {
        Self::open_as(bundle, id, None)
    }

    /// The same; `format` for a library that holds both and is no bundle that says which.
    ///
    /// # Errors
    /// As [`Plugin::open`], or it is of the other format.
    pub fn open_as(bundle: &Path, id: Option<&str>, format: Option<Format>) -> Result<Self, Error> {
        role::become_main();
        let found = find::library(bundle, format)?;
        let signals = Arc::new(Signals::new());
        let (half, (id, name)) = match found.format {
            Format::Clap => {
                let (plugin, chosen) = ClapPlugin::open(&found, bundle, id, signals.clone())?;
                (Half::Clap(Box::new(plugin)), chosen)
            }
            Format::Vst3 => {
                let (plugin, chosen) = Vst3Plugin::open(&found, bundle, id, signals.clone())?;
                (Half::Vst3(Box::new(plugin)), chosen)
            }
        };
        Ok(Self { half, signals, id, name })
    }

    /// In which format it was opened.
    #[must_use]
    pub const fn format(&self) -> Format {
        match self.half {
            Half::Clap(_) => Format::Clap,
            Half::Vst3(_) => Format::Vst3,
        }
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
        each!(&mut self.half, plugin => plugin.ports())
    }

    /// Its layouts; empty if it has only the one. VST3 has no list: those of the usual ones that it takes.
    pub fn layouts(&mut self) -> Vec<Layout> {
        each!(&mut self.half, plugin => plugin.layouts())
    }

    /// Its parameters with their values.
    pub fn params(&mut self) -> Vec<Param> {
        each!(&mut self.half, plugin => plugin.params())
    }

    /// Announced latency, frames.
    pub fn latency(&mut self) -> u32 {
        each!(&mut self.half, plugin => plugin.latency())
    }

    /// Chooses the layout called `name` (or so numbered, from 0). Inactive only.
    ///
    /// # Errors
    /// There is no such layout, or the plug-in refuses it.
    pub fn choose_layout(&mut self, name: &str) -> Result<(), Error> {
        ensure!(!self.is_active(), "a layout is chosen before the plug-in is activated");
        let all = self.layouts();
        let wanted = |(index, layout): &(usize, &Layout)| layout.name == name || index.to_string() == name;
        let Some((_, layout)) = all.iter().enumerate().find(wanted) else {
            let have: Vec<&str> = all.iter().map(|layout| layout.name.as_str()).collect();
            bail!("{} has no layout {name:?}; it has {}", self.name, have.join(", "));
        };
        let taken = each!(&mut self.half, plugin => plugin.choose_layout(layout));
        taken.with_context(|| format!("{} refuses its own layout {name:?}", self.name))
    }

    fn is_active(&self) -> bool {
        self.signals.is_active()
    }

    /// The plain value that `text` means for parameter `name`, and the parameter's id. `text` may be a number (plain)
    /// or anything that the plug-in itself reads, such as `-6 dB`.
    ///
    /// # Errors
    /// No such parameter, or the plug-in cannot read the text.
    pub fn param_value(&mut self, name: &str, text: &str) -> Result<(ClapId, f64), Error> {
        let all = self.params();
        let Some(param) = all.iter().find(|param| param.name.eq_ignore_ascii_case(name)) else {
            let have: Vec<&str> =
                all.iter().filter(|param| !param.hidden).map(|param| param.name.as_str()).collect();
            bail!("{} has no parameter {name:?}; it has {}", self.name, have.join(", "));
        };
        if let Ok(value) = text.parse::<f64>() {
            return Ok((param.id, value.clamp(param.min, param.max)));
        }
        let value = each!(&mut self.half, plugin => plugin.parse(param.id, text));
        let value = value
            .with_context(|| format!("{} does not understand {text:?} for {}", self.name, param.name))?;
        Ok((param.id, value))
    }

    /// Sets a plain value. Inactive only; an active plug-in takes values as events (`Session::set_param`).
    ///
    /// # Errors
    /// The plug-in is active or has no parameters.
    pub fn set_param(&mut self, id: ClapId, value: f64) -> Result<(), Error> {
        ensure!(!self.is_active(), "the plug-in is active");
        each!(&mut self.half, plugin => plugin.set_param(id, value))
    }

    /// A plain value as an event for [`Engine::process`] has it: VST3's are normalised, and its controller, which lives
    /// on main, is told at once.
    pub(super) fn event_value(&self, id: ClapId, value: f64) -> f64 {
        match &self.half {
            Half::Clap(_) => value,
            Half::Vst3(plugin) => plugin.tell(id, value),
        }
    }

    /// The plug-in's state. Of one plug-in both formats' states are the same where the plug-in makes them so, as
    /// hotshell's do.
    ///
    /// # Errors
    /// It has none or failed to write it.
    pub fn save_state(&mut self) -> Result<Vec<u8>, Error> {
        each!(&mut self.half, plugin => plugin.save_state())
    }

    /// Loads a state that [`Plugin::save_state`] gave.
    ///
    /// # Errors
    /// The plug-in has none or refuses the bytes.
    pub fn load_state(&mut self, bytes: &[u8]) -> Result<(), Error> {
        each!(&mut self.half, plugin => plugin.load_state(bytes))
    }

    /// Tells the plug-in whether its blocks will come faster than the clock. Inactive only, for VST3's sake.
    pub fn set_offline(&mut self, offline: bool) {
        each!(&mut self.half, plugin => plugin.set_offline(offline));
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
        Ok(match &mut self.half {
            Half::Clap(plugin) => Engine::Clap(Box::new(plugin.activate(config)?)),
            Half::Vst3(plugin) => Engine::Vst3(Box::new(plugin.activate(config, &self.name)?)),
        })
    }

    /// Takes the audio half back and deactivates the plug-in.
    ///
    /// # Errors
    /// The engine is another plug-in's.
    pub fn deactivate(&mut self, engine: Engine) -> Result<(), Error> {
        match (&mut self.half, engine) {
            (Half::Clap(plugin), Engine::Clap(engine)) => plugin.deactivate(*engine),
            (Half::Vst3(plugin), Engine::Vst3(engine)) => plugin.deactivate(*engine),
            _ => bail!("this audio half is another plug-in's"),
        }
    }

    /// Answers what can be answered on main without the audio half: CLAP's callback, and a flush while inactive; VST3's
    /// timers and files.
    pub fn serve(&mut self) {
        each!(&mut self.half, plugin => plugin.serve());
    }

    /// Opens its editor inside the X11 window that `window` makes of the editor's size in pixels. The window must live until
    /// [`Plugin::close_editor`].
    ///
    /// # Errors
    /// It has no editor, or the editor or `window` fails; then none is open.
    pub fn open_editor(
        &mut self,
        window: impl FnOnce((u32, u32)) -> Result<u32, Error>,
    ) -> Result<(), Error> {
        let size = each!(&mut self.half, plugin => plugin.create_editor())?;
        let opened =
            window(size).and_then(|window| each!(&mut self.half, plugin => plugin.attach_editor(window)));
        if opened.is_err() {
            self.close_editor();
        }
        opened
    }

    /// Closes its editor; nothing happens if there is none.
    pub fn close_editor(&mut self) {
        each!(&mut self.half, plugin => plugin.close_editor());
    }

    /// The size in pixels that its editor wants of its window, once for each time it asks.
    #[must_use]
    pub fn take_editor_size(&self) -> Option<(u32, u32)> {
        self.signals.take_size()
    }

    /// True if the plug-in has asked to be restarted since it was last activated.
    #[must_use]
    pub fn wants_restart(&self) -> bool {
        self.signals.restart.load(Ordering::Acquire)
    }
}
