//! One engine in one precision, and a test host that writes down what it is told.
//!
//! Called by: the Rig. Calls: `hotshell_core::offline`. Threads: the test's own.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use hotshell_abi::{LogicApi, Reason, RenderMode, Sample};
use hotshell_core::host::{Host, Level};
use hotshell_core::instance::Table;
use hotshell_core::offline::Engine;
use hotshell_core::params::ParamStore;
use hotshell_core::shell::{Shell, ShellError, StaticShell};

/// What the plug-in told its host.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) restart: AtomicBool,
    lines: Mutex<Vec<(Level, String)>>,
}

impl Told {
    pub(super) fn lines(&self) -> Vec<(Level, String)> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct TestHost(Arc<Told>);

impl Host for TestHost {
    fn name(&self) -> &'static str {
        "Rig"
    }
    fn request_restart(&self) {
        self.0.restart.store(true, SeqCst);
    }
    fn request_process(&self) {}
    fn request_callback(&self) {}
    fn log(&self, level: Level, text: &str) {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner).push((level, text.to_owned()));
    }
}

/// An engine and a second handle on its shell.
pub(super) struct Drive<S> {
    pub(super) engine: Engine<S>,
    shell: StaticShell<ParamStore, S>,
}

/// What the Rig does without naming the sample type.
pub(super) trait AnyDrive {
    fn shell(&self) -> &dyn Shell;
    fn swap(&self, api: &'static LogicApi, build: u32) -> Result<(), ShellError>;
    fn restart(&mut self) -> Result<(), ShellError>;
    fn set_layout(&mut self, layout: usize) -> Result<(), ShellError>;
    fn clear(&mut self);
    fn playing_build(&self) -> u32;
    fn lost_blocks(&self) -> u64;
    fn as_any(&mut self) -> &mut dyn Any;
}

impl<S: Sample> Drive<S> {
    pub(super) fn new(
        api: &'static LogicApi,
        sample_rate: f64,
        max_frames: u32,
        told: &Arc<Told>,
    ) -> Result<Self, ShellError> {
        let host = Box::new(TestHost(Arc::clone(told)));
        let shell =
            StaticShell::<ParamStore, S>::open_because(Reason::TEST, Table::linked(api), 0, "rig", host)?;
        let engine = Engine::new(Box::new(shell.clone()), sample_rate, max_frames, RenderMode::REALTIME)?;
        Ok(Self { engine, shell })
    }
}

impl<S: Sample> AnyDrive for Drive<S> {
    fn shell(&self) -> &dyn Shell {
        &self.shell
    }
    fn swap(&self, api: &'static LogicApi, build: u32) -> Result<(), ShellError> {
        self.shell.swap(Table::linked(api), build)
    }
    fn restart(&mut self) -> Result<(), ShellError> {
        self.engine.restart().map(drop)
    }
    fn set_layout(&mut self, layout: usize) -> Result<(), ShellError> {
        self.engine.deactivate();
        let chosen = self.shell.set_layout(layout);
        let config = self.engine.config();
        self.engine.reconfigure(config.sample_rate, config.max_frames)?;
        chosen
    }
    fn clear(&mut self) {
        self.engine.clear();
    }
    fn playing_build(&self) -> u32 {
        self.shell.control().link().heard.load(SeqCst)
    }
    fn lost_blocks(&self) -> u64 {
        self.shell.control().link().lost.load(SeqCst)
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
