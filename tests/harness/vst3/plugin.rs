//! One VST3 instance in one host: its life, its activation, and what the host does when the plug-in calls.
//!
//! Called by: tests and benchmarks. Calls: the `vst3` crate, `audio`, `play`. Threads: a [`Vst3`] belongs to the thread
//! that opened it, the host's main thread; its blocks run on threads of their own.
//!
//! A VST3 host calls nothing by itself: what the plug-in wants to say it says in one of the host's calls, which a test
//! makes (`nudge`). What the host is told is noted with thread and phase.
#![allow(unsafe_code, reason = "calls COM interfaces; harness, DESIGN 9.9")]

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use vst3::ComWrapper;
use vst3::Steinberg::Vst::{
    IAudioProcessorTrait, IComponentHandler, IComponentTrait, IEditControllerTrait, ProcessSetup,
};
use vst3::Steinberg::{FUnknown, IPluginBaseTrait, kResultOk, tresult};

use crate::audio::{Outcome, Setup, Signal};
use crate::calls::{Calls, Phase, Role, set_role};
use crate::event::Event;
use crate::play::{Blocks, Play, Playing, Recording};
use crate::plugin::{Block, PATIENCE};
use crate::vst3::asking::Asking;
use crate::vst3::audio::{Rude, Vst3Audio, process_mode};
use crate::vst3::module::Module;
use crate::vst3::objects::{App, AppData, raw, restart};
use crate::vst3::view::HostFrame;

/// What the host does about `restartComponent`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnRestart {
    /// Nothing.
    Note,
    /// Reads again what the flags name, inside the call (JUCE, Ardour 9).
    #[default]
    Reread,
    /// Deactivates and activates inside the call where the latency moved (Ardour 7). Only while no thread plays.
    CycleInside,
    /// Saves the state and loads it again inside the first such call.
    LoadInside,
    /// Deactivates and activates at its next tick where latency or buses moved.
    CycleLater,
}

/// How this host differs from the next one.
#[derive(Clone, Copy, Debug)]
pub struct Vst3Options {
    /// Name that the plug-in sees.
    pub name: &'static str,
    /// Initialises the single component as component and as controller (pedalboard, Ardour).
    pub initialises_twice: bool,
    /// Connects the component to itself (Ardour).
    pub connects_to_itself: bool,
    /// Gives its component handler when opening; otherwise a test does, later or never.
    pub gives_handler: bool,
    /// What it does when it is called.
    pub on_restart: OnRestart,
}

impl Default for Vst3Options {
    fn default() -> Self {
        Self {
            name: "hotshell-tests",
            initialises_twice: false,
            connects_to_itself: false,
            gives_handler: true,
            on_restart: OnRestart::default(),
        }
    }
}

pub(crate) enum Half {
    Inactive,
    Active(Box<Vst3Audio>),
    Playing(Playing<Vst3Audio>),
}

/// One instance.
pub struct Vst3 {
    pub(crate) half: Half,
    asking: Asking,
    app: ComWrapper<App>,
    pub(super) data: Arc<AppData>,
    /// Latencies that the host has read inside `restartComponent`.
    read_inside: Arc<Mutex<Vec<u32>>>,
    on_restart: OnRestart,
    /// Restarts that this host has made because it was told.
    pub restarts: u32,
    cycles: Arc<AtomicU32>,
    _module: Arc<Module>,
}

impl Vst3 {
    /// Creates and initialises plug-in `index` of a module; the calling thread becomes its main thread.
    ///
    /// # Errors
    /// Which step the plug-in refused.
    pub fn open(module: &Arc<Module>, index: usize, options: Vst3Options) -> Result<Self, String> {
        let mut plugin = Self::create(module, index, options)?;
        let times = if options.initialises_twice { 2 } else { 1 };
        for _ in 0..times {
            let result = plugin.initialise();
            if result != kResultOk {
                return Err(format!("initialize answers {result}"));
            }
        }
        if options.connects_to_itself {
            plugin.connect_to_itself();
        }
        if options.gives_handler {
            plugin.nudge();
        }
        Ok(plugin)
    }

    /// Creates an instance and does not initialise it.
    ///
    /// # Errors
    /// The factory's.
    pub fn create(module: &Arc<Module>, index: usize, options: Vst3Options) -> Result<Self, String> {
        set_role(Role::Main);
        let calls = Arc::new(Calls::default());
        let data = Arc::new(AppData {
            name: options.name,
            calls: Arc::clone(&calls),
            inside: Mutex::new(None),
            menu: Mutex::new(None),
            wanted: AtomicU32::new(0),
        });
        let component = calls.during(Phase::Init, || module.create(index))?;
        let plugin = Self {
            half: Half::Inactive,
            asking: Asking {
                processor: component.cast().ok_or("no IAudioProcessor")?,
                controller: component.cast().ok_or("no IEditController")?,
                component,
                calls,
            },
            app: ComWrapper::new(App(Arc::clone(&data))),
            data,
            read_inside: Arc::default(),
            on_restart: options.on_restart,
            restarts: 0,
            cycles: Arc::default(),
            _module: Arc::clone(module),
        };
        plugin.obey_inside();
        Ok(plugin)
    }

    /// Installs what the host does inside `restartComponent`.
    fn obey_inside(&self) {
        let (component, processor) = (self.component.clone(), self.processor.clone());
        let (calls, read, cycles) =
            (Arc::clone(&self.calls), Arc::clone(&self.read_inside), Arc::clone(&self.cycles));
        let reread = move |flags: u32| {
            if flags & restart::LATENCY != 0 {
                // SAFETY: the reference in hand keeps the plug-in alive.
                let latency = unsafe { processor.getLatencySamples() };
                read.lock().unwrap_or_else(PoisonError::into_inner).push(latency);
            }
        };
        let processor = self.processor.clone();
        let cycle = move |flags: u32| {
            if flags & restart::LATENCY == 0 {
                return;
            }
            cycles.fetch_add(1, Ordering::Relaxed);
            // SAFETY: as above; no thread plays.
            unsafe {
                processor.setProcessing(0);
                calls.during(Phase::Deactivating, || component.setActive(0));
                processor.getLatencySamples();
                calls.during(Phase::Activating, || component.setActive(1));
                processor.setProcessing(1);
            }
        };
        let (asking, loads) = (self.asking.clone(), Arc::clone(&self.cycles));
        let load = move |_: u32| {
            if loads.fetch_add(1, Ordering::Relaxed) == 0 {
                let saved = asking.save().expect("saves at any time");
                assert!(asking.load(&saved), "loads at any time");
            }
        };
        let inside: Option<Box<dyn Fn(u32) + Send>> = match self.on_restart {
            OnRestart::Reread => Some(Box::new(reread)),
            OnRestart::CycleInside => Some(Box::new(cycle)),
            OnRestart::LoadInside => Some(Box::new(load)),
            OnRestart::Note | OnRestart::CycleLater => None,
        };
        *self.data.inside.lock().unwrap_or_else(PoisonError::into_inner) = inside;
    }

    /// `initialize`, whatever has been before.
    pub fn initialise(&mut self) -> tresult {
        let context: *mut FUnknown = raw(&self.app);
        // SAFETY: the application object lives as long as `self`.
        self.calls.during(Phase::Init, || unsafe { self.component.initialize(context) })
    }

    /// `initialize` with a context that offers a run loop.
    pub fn initialise_with(&mut self, context: &HostFrame) -> tresult {
        // SAFETY: the plug-in counts a reference of its own, if it keeps the context.
        self.calls.during(Phase::Init, || unsafe { self.component.initialize(context.as_context()) })
    }

    /// `terminate`, whatever has been before.
    pub fn terminate(&mut self) -> tresult {
        // SAFETY: alive.
        self.calls.during(Phase::Destroying, || unsafe { self.component.terminate() })
    }

    /// Gives the component handler (again): a call in which the plug-in may speak.
    pub fn nudge(&mut self) {
        let handler: *mut IComponentHandler = raw(&self.app);
        // SAFETY: the handler lives as long as `self`, which takes it back when dropped.
        self.calls.during(Phase::Handler, || unsafe { self.controller.setComponentHandler(handler) });
    }

    /// What the plug-in has asked of the host.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.asking.calls
    }

    /// The interfaces, for another thread.
    #[must_use]
    pub fn asking(&self) -> Asking {
        self.asking.clone()
    }

    /// Latencies that the host has read inside `restartComponent`, and how often it has restarted the plug-in there.
    #[must_use]
    pub fn inside(&self) -> (Vec<u32>, u32) {
        let read = self.read_inside.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (read, self.cycles.load(Ordering::Relaxed))
    }

    /// `setupProcessing`.
    pub fn set_up(&mut self, setup: Setup) -> bool {
        let mut setup = ProcessSetup {
            processMode: process_mode(&setup),
            symbolicSampleSize: i32::from(setup.wide),
            maxSamplesPerBlock: i32::try_from(setup.max_frames).expect("a block"),
            sampleRate: setup.rate,
        };
        // SAFETY: the structure is ours.
        let call = || unsafe { self.processor.setupProcessing(&raw mut setup) };
        self.calls.during(Phase::SettingUp, call) == kResultOk
    }

    /// Sets up, switches all buses on, activates; blocks may follow.
    ///
    /// # Panics
    /// If the plug-in refuses.
    pub fn activate(&mut self, setup: Setup) {
        assert!(self.set_up(setup), "setupProcessing");
        self.switch_buses();
        assert!(self.set_active(true), "setActive");
        self.take_audio(setup);
    }

    /// The audio half of an instance that the test has brought into its state by itself.
    pub fn take_audio(&mut self, setup: Setup) {
        let (inputs, outputs) = (self.channels(true), self.channels(false));
        let audio = Vst3Audio::new(self.processor.clone(), Arc::clone(&self.calls), setup, &inputs, &outputs);
        self.half = Half::Active(Box::new(audio));
    }

    /// Runs `call` with the audio half on an audio thread, and waits for it.
    ///
    /// # Panics
    /// If not active, or if `call` does.
    pub fn on_audio<R: Send>(&mut self, call: impl FnOnce(&mut Vst3Audio) -> R + Send) -> R {
        let Half::Active(audio) = &mut self.half else { panic!("activate first, and stop what plays") };
        std::thread::scope(|scope| {
            let run = || {
                audio.enter();
                call(audio)
            };
            scope.spawn(run).join().expect("the audio thread panicked")
        })
    }

    /// Runs one block and waits for it. Parameter values are plain.
    pub fn block(&mut self, frames: u32, signal: &Signal, events: &[Event]) -> Block {
        let events = self.converted(events);
        self.block_of(frames, signal, &events)
    }

    /// The same with events that are VST3's own: parameter values normalised, no MIDI.
    pub fn block_of(&mut self, frames: u32, signal: &Signal, events: &[Event]) -> Block {
        self.on_audio(|audio| {
            let outcome = audio.block(frames, signal, events);
            let count = if audio.setup.wide { audio.channels() } else { 0 };
            let wide = |channel| (0..frames as usize).map(|i| audio.sample_wide(channel, i)).collect();
            let wide = (0..count).map(wide).collect();
            let samples = |channel| (0..frames as usize).map(|i| audio.sample(channel, i)).collect();
            let channels = (0..audio.channels()).map(samples).collect();
            let constant_mask = audio.silence();
            Block { channels, wide, outcome, sent: audio.take_sent(), constant_mask }
        })
    }

    /// Runs one block in a shape that some host gives it.
    pub fn rude_block(&mut self, rude: Rude, frames: u32, signal: &Signal, events: &[Event]) -> Outcome {
        let events = self.converted(events);
        self.on_audio(|audio| audio.rude_block(rude, frames, signal, &events))
    }

    /// Plays in the background.
    ///
    /// # Panics
    /// If not active, or playing.
    pub fn play(&mut self, play: Play) {
        self.play_on(play, Recording::default());
    }

    fn play_on(&mut self, play: Play, recording: Recording) {
        match std::mem::replace(&mut self.half, Half::Inactive) {
            Half::Active(audio) => self.half = Half::Playing(Playing::start(*audio, play, recording)),
            _ => panic!("activate first, and stop what plays"),
        }
    }

    /// The background thread.
    ///
    /// # Panics
    /// If nothing plays.
    #[must_use]
    pub fn playing(&self) -> &Playing<Vst3Audio> {
        let Half::Playing(playing) = &self.half else { panic!("nothing plays") };
        playing
    }

    /// Events for the next block of the background thread; parameter values are plain.
    pub fn send(&self, events: &[Event]) {
        self.playing().send(&self.converted(events));
    }

    /// Ends the background thread.
    ///
    /// # Panics
    /// If nothing plays.
    pub fn stop(&mut self) -> Recording {
        let Half::Playing(playing) = std::mem::replace(&mut self.half, Half::Inactive) else {
            panic!("nothing plays")
        };
        let stopped = playing.stop();
        self.half = Half::Active(Box::new(stopped.audio));
        stopped.recording
    }

    /// Stops, deactivates. Nothing if inactive.
    pub fn deactivate(&mut self) {
        if matches!(self.half, Half::Playing(_)) {
            self.stop();
        }
        if matches!(self.half, Half::Active(_)) {
            self.on_audio(Vst3Audio::leave);
            self.half = Half::Inactive;
            self.set_active(false);
        }
    }

    /// Deactivates and activates as it was; what plays goes on playing into the same recording.
    pub fn restart(&mut self) {
        let (playing, setup) = match std::mem::replace(&mut self.half, Half::Inactive) {
            Half::Inactive => return,
            Half::Active(audio) => {
                let setup = audio.setup;
                self.half = Half::Active(audio);
                (None, setup)
            }
            Half::Playing(playing) => {
                let stopped = playing.stop();
                let setup = stopped.audio.setup;
                self.half = Half::Active(Box::new(stopped.audio));
                (Some((stopped.play, stopped.recording, stopped.waiting)), setup)
            }
        };
        self.deactivate();
        self.activate(setup);
        self.restarts += 1;
        if let Some((play, recording, waiting)) = playing {
            self.play_on(play, recording);
            self.playing().send(&waiting);
        }
    }

    /// One turn of the host's main loop. It calls nothing of the plug-in's unless the host restarts it.
    pub fn tick(&mut self) {
        let wanted = self.data.wanted.swap(0, Ordering::AcqRel);
        if self.on_restart == OnRestart::CycleLater && wanted & (restart::LATENCY | restart::IO) != 0 {
            self.restart();
        }
    }

    /// Turns the main loop until `done` answers true.
    ///
    /// # Panics
    /// After [`PATIENCE`], with what was waited for.
    pub fn wait_until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let begin = Instant::now();
        loop {
            self.tick();
            if done(self) {
                return;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "waited in vain for: {what}\ncalls: {:#?}",
                self.calls.list()
            );
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
}

impl Deref for Vst3 {
    type Target = Asking;

    fn deref(&self) -> &Asking {
        &self.asking
    }
}

impl Drop for Vst3 {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.deactivate();
        }
        *self.data.inside.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // SAFETY: null takes the handler back.
        unsafe { self.controller.setComponentHandler(std::ptr::null_mut()) };
        self.terminate();
    }
}
