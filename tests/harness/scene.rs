//! A plug-in in a host, its slot, and the step that most tests are made of: publish, and go on until it is heard.
//!
//! Called by: tests and benchmarks. Calls: the rest of the harness. Threads: the host's main thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::audio::{Setup, Signal};
use crate::bundle::{Bundle, Scope};
use crate::event::Event;
use crate::fixture::{Built, Fixture};
use crate::host::HostOptions;
use crate::play::{Play, Recording, constant};
use crate::plugin::{Block, PATIENCE, Plugin};
use crate::slot::TestSlot;
use crate::vst3::{Module, Vst3, Vst3Options};

/// A plug-in in a host of either format.
pub trait Instance: Sized {
    /// What keeps its library loaded.
    type Loaded;
    /// Builds a shell on `slot`.
    fn shell(fixture: &Fixture, slot: &TestSlot) -> PathBuf;
    /// Loads what lies there, and opens a plug-in of it in a host without anything special.
    fn load(path: &Path) -> (Self, Self::Loaded);
    /// One turn of the host's main loop.
    fn tick(&mut self);
    /// Activates; blocks may follow.
    fn activate(&mut self, setup: Setup);
    /// Deactivates.
    fn deactivate(&mut self);
    /// Runs one block. Parameter values are plain.
    fn block(&mut self, frames: u32, signal: &Signal, events: &[Event]) -> Block;
    /// Turns the main loop until `done` answers true.
    fn wait_until(&mut self, what: &str, done: impl FnMut(&mut Self) -> bool);
    /// Plays in the background.
    fn play(&mut self, play: Play);
    /// Blocks that the background has played.
    fn blocks(&self) -> u64;
    /// Ends the background thread.
    fn stop(&mut self) -> Recording;
}

/// The methods of the same names.
macro_rules! instance {
    ($plugin:ty, $loaded:ty, $shell:ident, $load:expr) => {
        impl Instance for $plugin {
            type Loaded = $loaded;
            fn shell(fixture: &Fixture, slot: &TestSlot) -> PathBuf {
                fixture.$shell(slot)
            }
            fn load(path: &Path) -> (Self, Self::Loaded) {
                let load: fn(&Path) -> (Self, Self::Loaded) = $load;
                load(path)
            }
            fn tick(&mut self) {
                Self::tick(self);
            }
            fn activate(&mut self, setup: Setup) {
                Self::activate(self, setup);
            }
            fn deactivate(&mut self) {
                Self::deactivate(self);
            }
            fn block(&mut self, frames: u32, signal: &Signal, events: &[Event]) -> Block {
                Self::block(self, frames, signal, events)
            }
            fn wait_until(&mut self, what: &str, done: impl FnMut(&mut Self) -> bool) {
                Self::wait_until(self, what, done);
            }
            fn play(&mut self, play: Play) {
                Self::play(self, play);
            }
            fn blocks(&self) -> u64 {
                self.playing().blocks()
            }
            fn stop(&mut self) -> Recording {
                Self::stop(self)
            }
        }
    };
}

instance!(Plugin, Bundle, shell, |path| {
    let bundle = Bundle::load(path, Scope::Local).expect("the shell loads");
    (Plugin::open(&bundle, 0, HostOptions::default()).expect("the shell opens"), bundle)
});
instance!(Vst3, Arc<Module>, vst3_shell, |path| {
    let module = Module::load(path).expect("the shell loads");
    (Vst3::open(&module, 0, Vst3Options::default()).expect("the shell opens"), module)
});

/// One plug-in that reloads; in a CLAP host unless said otherwise. Fields are dropped in this order.
pub struct Scene<I: Instance = Plugin> {
    /// The instance.
    pub plugin: I,
    /// What it was made from.
    pub bundle: I::Loaded,
    /// Where builds are published.
    pub slot: TestSlot,
}

impl Scene<Vst3> {
    /// Builds, loads and opens a shell in a VST3 host; inactive.
    ///
    /// # Panics
    /// If any of that fails.
    #[must_use]
    pub fn vst3(fixture: &Fixture) -> Self {
        Self::vst3_with(fixture, Vst3Options::default(), TestSlot::new())
    }

    /// The same, in a host of its own kind, on a slot that may hold builds already.
    ///
    /// # Panics
    /// If it does not open.
    #[must_use]
    pub fn vst3_with(fixture: &Fixture, options: Vst3Options, slot: TestSlot) -> Self {
        let bundle = Module::load(&fixture.vst3_shell(&slot)).expect("the shell loads");
        let plugin = Vst3::open(&bundle, 0, options).expect("the shell opens");
        Self { plugin, bundle, slot }
    }

    /// Opens and activates with the default set-up.
    ///
    /// # Panics
    /// If it refuses.
    #[must_use]
    pub fn vst3_active(fixture: &Fixture) -> Self {
        let mut scene = Self::vst3(fixture);
        scene.plugin.activate(Setup::default());
        scene
    }
}

impl Scene {
    /// Builds, loads and opens a shell; inactive.
    ///
    /// # Panics
    /// If any of that fails.
    #[must_use]
    pub fn open(fixture: &Fixture) -> Self {
        Self::open_with(fixture, HostOptions::default(), TestSlot::new())
    }

    /// The same, in a host of its own kind, on a slot that may hold builds already.
    ///
    /// # Panics
    /// If it does not open.
    #[must_use]
    pub fn open_with(fixture: &Fixture, options: HostOptions, slot: TestSlot) -> Self {
        let bundle = Bundle::load(&fixture.shell(&slot), Scope::Local).expect("the shell loads");
        let plugin = Plugin::open(&bundle, 0, options).expect("the shell opens");
        Self { plugin, bundle, slot }
    }

    /// Opens and activates with the default set-up.
    ///
    /// # Panics
    /// If it refuses.
    #[must_use]
    pub fn active(fixture: &Fixture) -> Self {
        let mut scene = Self::open(fixture);
        scene.plugin.activate(Setup::default());
        scene
    }
}

impl<I: Instance> Scene<I> {
    /// Builds, loads and opens a shell in a host of whichever format, and plays silence to it in real time.
    ///
    /// # Panics
    /// If any of that fails.
    #[must_use]
    pub fn playing(fixture: &Fixture) -> Self {
        let slot = TestSlot::new();
        let (mut plugin, bundle) = I::load(&I::shell(fixture, &slot));
        plugin.activate(Setup::default());
        plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
        Self { plugin, bundle, slot }
    }

    /// True once every playing instance of this process's module plays `build`.
    ///
    /// # Panics
    /// If the module has refused it: then it is never heard.
    #[must_use]
    pub fn is_heard(&self, build: u32) -> bool {
        if let Some(reason) = self.slot.refusal(build) {
            panic!("build {build} was refused: {reason}");
        }
        self.slot.reports().iter().any(|report| report.heard >= build)
    }

    /// Publishes while the plug-in plays in the background, and waits until it is heard.
    pub fn publish_while_playing(&mut self, build: &Built) -> u32 {
        let number = self.slot.publish(build);
        let (plugin, slot) = (&mut self.plugin, &self.slot);
        plugin.wait_until(&format!("build {number} heard"), |_| {
            if let Some(reason) = slot.refusal(number) {
                panic!("build {number} was refused: {reason}");
            }
            slot.reports().iter().any(|report| report.heard >= number)
        });
        number
    }

    /// Publishes and runs blocks, one by one, until the new build is heard and its fade is over, and [main] answers from
    /// it. Answers the output from the publish on.
    ///
    /// # Panics
    /// After [`PATIENCE`], or if the build is refused.
    pub fn publish_and_run(&mut self, build: &Built, signal: &Signal) -> Recording {
        let number = self.slot.publish(build);
        let mut recording = Recording::default();
        let begin = Instant::now();
        while !self.is_heard(number) {
            self.plugin.tick();
            recording.append(&self.plugin.block(128, signal, &[]), 128);
            assert!(begin.elapsed() < PATIENCE, "build {number} was not heard: {:#?}", self.slot.reports());
        }
        // A look of the reload thread's makes a build live and asks for the host's call first, and reads what is heard
        // last. So a build that was taken in between is heard one look too early: another one has counted more blocks.
        let counted = self.counted();
        while self.counted() <= counted {
            self.plugin.tick();
            recording.append(&self.plugin.block(128, signal, &[]), 128);
            assert!(begin.elapsed() < PATIENCE, "no look after build {number}: {:#?}", self.slot.reports());
        }
        // The longest fade and warm-up that a fixture asks for.
        for _ in 0..100 {
            self.plugin.tick();
            recording.append(&self.plugin.block(128, signal, &[]), 128);
        }
        recording
    }

    /// Blocks that the modules of the slot have counted.
    fn counted(&self) -> u64 {
        self.slot.reports().iter().map(|report| report.blocks).sum()
    }

    /// One block of 128 frames.
    pub fn block(&mut self, signal: &Signal) -> Block {
        self.plugin.tick();
        self.plugin.block(128, signal, &[])
    }

    /// Waits until the module has refused `build`, running blocks meanwhile if active; answers why.
    pub fn wait_refused(&mut self, build: u32) -> String {
        let (plugin, slot) = (&mut self.plugin, &self.slot);
        plugin.wait_until(&format!("build {build} refused"), |_| slot.refusal(build).is_some());
        self.slot.refusal(build).expect("just seen")
    }
}
