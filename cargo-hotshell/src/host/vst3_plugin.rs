//! The main half of a hosted VST3 plug-in.
//!
//! Its state is the component's, as it is: hotshell's is the same in both formats. A controller's own state (which window
//! was open, say) is not kept.
//!
//! Called by: `plugin`. Calls: `com`, `vst3_engine`. Threads: [main]; a [`Vst3Plugin`] cannot leave the thread that
//! opened it.

use std::marker::PhantomData;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clack_host::prelude::ClapId;

use super::com::application::{Application, Edits};
use super::com::component::{Component, Plan, Way};
use super::com::view::View;
use super::com::{AUDIO, ClassFacts, Module, speakers};
use super::find::Found;
use super::plugin::Config;
use super::ports::{Dialect, Layout, Param, Ports};
use super::signals::{Signals, taken};
use super::vst3_engine::Vst3Engine;
use crate::Error;

/// Between two moments on main for the controller.
const MOMENT: Duration = Duration::from_millis(100);

/// A hosted VST3 plug-in.
pub struct Vst3Plugin {
    // Before the component, whose it is.
    view: Option<View>,
    component: Component,
    host: Arc<Application>,
    edits: Arc<Edits>,
    signals: Arc<Signals>,
    offline: bool,
    moment: Instant,
    /// VST3's main thread is the one that opened it.
    _main: PhantomData<Rc<()>>,
}

/// Class id and name of each plug-in of a bundle.
///
/// # Errors
/// The bundle cannot be loaded.
pub(super) fn contents(found: &Found, bundle: &Path) -> Result<Vec<(String, String)>, Error> {
    Ok(plugins(&*open(found, bundle)?)?.iter().map(|class| (class.id(), class.name.clone())).collect())
}

fn open(found: &Found, bundle: &Path) -> Result<Arc<Module>, Error> {
    Module::open(&found.library)
        .with_context(|| format!("{}: is no VST3 module that works", bundle.display()))
}

fn plugins(module: &Module) -> Result<Vec<ClassFacts>, Error> {
    Ok(module.classes()?.into_iter().filter(|class| class.category == AUDIO).collect())
}

impl Vst3Plugin {
    /// Opens plug-in `id` of `bundle`, or its first; with id and name of the one that was chosen.
    ///
    /// # Errors
    /// The bundle cannot be loaded, has no such plug-in, or its plug-in fails to initialise.
    pub(super) fn open(
        found: &Found,
        bundle: &Path,
        id: Option<&str>,
        signals: Arc<Signals>,
    ) -> Result<(Self, (String, String)), Error> {
        let module = open(found, bundle)?;
        let classes = plugins(&module)?;
        let all = classes.iter().map(|class| (class.id(), class.name.clone())).collect();
        let chosen = super::plugin::choose(all, id, bundle)?;
        let class = classes.iter().find(|class| class.id() == chosen.0).context("the class is gone")?;
        let edits = Arc::new(Edits::default());
        let host = Arc::new(Application::new(signals.clone(), edits.clone()));
        let component = Component::open(&module, class, host.clone())
            .with_context(|| format!("{}: {} could not be opened", bundle.display(), chosen.1))?;
        Ok((
            Self {
                view: None,
                component,
                host,
                edits,
                signals,
                offline: false,
                moment: Instant::now(),
                _main: PhantomData,
            },
            chosen,
        ))
    }

    pub(super) fn ports(&self) -> Ports {
        Ports {
            inputs: self.component.buses(Way::In),
            outputs: self.component.buses(Way::Out),
            notes: self.component.takes_notes().then_some(Dialect { clap: true, midi: true }),
        }
    }

    /// The usual layouts that it takes; empty while it is active.
    pub(super) fn layouts(&self) -> Vec<Layout> {
        if self.signals.is_active() {
            return Vec::new();
        }
        let taken = speakers()
            .into_iter()
            .enumerate()
            .filter(|(_, (_, speakers))| self.component.set_main_speakers(*speakers, true));
        let layout = |(index, (name, _)): (usize, (&str, u64))| {
            let id = ClapId::from_raw(u32::try_from(index).ok()?)?;
            Some(Layout { id, name: name.to_owned() })
        };
        taken.filter_map(layout).collect()
    }

    pub(super) fn choose_layout(&self, layout: &Layout) -> Result<(), Error> {
        let wanted = speakers().into_iter().find(|(name, _)| *name == layout.name);
        let (_, speakers) = wanted.context("there is no such layout")?;
        ensure!(self.component.set_main_speakers(speakers, false), "setBusArrangements refuses it");
        Ok(())
    }

    pub(super) fn params(&self) -> Vec<Param> {
        let param = |facts: super::com::component::ParamFacts| {
            let (id, plain) = (facts.id, |value| self.component.plain(facts.id, value));
            let value = self.component.value(id);
            Some(Param {
                id: ClapId::from_raw(id)?,
                name: facts.name,
                min: plain(0.0).min(plain(1.0)),
                max: plain(1.0).max(plain(0.0)),
                default: plain(facts.default),
                value: plain(value),
                text: self.component.text(id, value).unwrap_or_else(|| plain(value).to_string()),
                hidden: facts.hidden,
            })
        };
        self.component.params().into_iter().filter_map(param).collect()
    }

    pub(super) fn latency(&self) -> u32 {
        self.component.latency()
    }

    /// The plain value that a text means.
    pub(super) fn parse(&self, id: ClapId, text: &str) -> Option<f64> {
        Some(self.component.plain(id.get(), self.component.parse(id.get(), text)?))
    }

    /// Tells the controller a plain value; what it is for the processor is the result.
    pub(super) fn tell(&self, id: ClapId, plain: f64) -> f64 {
        let value = self.component.normalised(id.get(), plain);
        self.component.set_value(id.get(), value);
        value
    }

    /// The processor hears it with its first block.
    pub(super) fn set_param(&self, id: ClapId, plain: f64) -> Result<(), Error> {
        let value = self.tell(id, plain);
        self.edits.push(id.get(), value);
        Ok(())
    }

    pub(super) fn save_state(&self) -> Result<Vec<u8>, Error> {
        self.component.save().context("the plug-in failed to save its state")
    }

    pub(super) fn load_state(&self, bytes: &[u8]) -> Result<(), Error> {
        ensure!(self.component.load(bytes), "the plug-in refuses the state");
        Ok(())
    }

    pub(super) const fn set_offline(&mut self, offline: bool) {
        self.offline = offline;
    }

    pub(super) fn activate(&mut self, config: Config, name: &str) -> Result<Vst3Engine, Error> {
        taken(&self.signals.ports);
        taken(&self.signals.restart);
        let max_frames = i32::try_from(config.max_frames).context("longer blocks than VST3 has")?;
        let plan = Plan { sample_rate: config.sample_rate, max_frames, offline: self.offline };
        self.signals.activating.store(true, Ordering::Release);
        let processor = self.component.activate(plan);
        self.signals.activating.store(false, Ordering::Release);
        let processor = processor.with_context(|| {
            let Config { sample_rate, max_frames } = config;
            format!("{name} refuses to be activated at {sample_rate} Hz in blocks of {max_frames} frames")
        })?;
        self.signals.active.store(true, Ordering::Release);
        let (ports, midi) = (self.ports(), self.component.midi_params());
        Ok(Vst3Engine::new(processor, &ports, config, self.edits.clone(), midi))
    }

    pub(super) fn deactivate(&mut self, engine: Vst3Engine) -> Result<(), Error> {
        self.component.deactivate(engine.into_processor())?;
        self.signals.active.store(false, Ordering::Release);
        Ok(())
    }

    /// Makes its editor; the editor's size in pixels.
    pub(super) fn create_editor(&mut self) -> Result<(u32, u32), Error> {
        let (view, size) = self.component.view()?;
        self.view = Some(view);
        Ok(size)
    }

    pub(super) fn attach_editor(&mut self, window: u32) -> Result<(), Error> {
        self.view.as_mut().context("there is no editor")?.attach(window)
    }

    pub(super) fn close_editor(&mut self) {
        self.view = None;
    }

    pub(super) fn serve(&mut self) {
        self.host.tick();
        if self.moment.elapsed() >= MOMENT {
            self.moment = Instant::now();
            self.component.give_handler();
        }
    }
}
