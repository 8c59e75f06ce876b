//! One plug-in in one host: the main-thread half, which every test drives.
//!
//! Called by: tests and benchmarks. Calls: clack-host, `audio`, `play`. Threads: a [`Plugin`] belongs to the thread
//! that opened it, which is CLAP's main thread; its blocks run on threads of their own.
#![allow(
    unsafe_code,
    reason = "hands the raw plug-in to the audio half, reads the raw tail; harness, DESIGN 9.9"
)]

use std::ffi::CString;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clack_extensions::audio_ports::{AudioPortInfoBuffer, PluginAudioPorts};
use clack_extensions::latency::PluginLatency;
use clack_extensions::note_ports::PluginNotePorts;
use clack_extensions::params::{ParamInfoBuffer, ParamInfoFlags, PluginParams};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_extensions::state_context::{PluginStateContext, StateContextType};
use clack_host::prelude::*;
use clap_sys::ext::audio_ports_config::{
    CLAP_EXT_AUDIO_PORTS_CONFIG, clap_audio_ports_config, clap_plugin_audio_ports_config,
};
use clap_sys::ext::tail::{CLAP_EXT_TAIL, clap_plugin_tail};

use crate::audio::{Audio, Outcome, Setup, Signal};
use crate::bundle::Bundle;
use crate::calls::{Calls, Phase, Role, set_role};
use crate::event::{Event, Input, Output, Sent};
use crate::host::{HostOptions, MainThread, Processor, Shared, TestHost};
use crate::play::{Play, Playing, Recording};

/// Longest wait for anything in a test. Generous: nothing is measured with it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A parameter as the host sees it.
#[derive(Clone, PartialEq, Debug)]
pub struct Param {
    /// Host id.
    pub id: u32,
    /// Name.
    pub name: String,
    /// Group.
    pub module: String,
    /// Plain.
    pub min: f64,
    /// Plain.
    pub max: f64,
    /// Plain.
    pub default: f64,
    /// CLAP's flags.
    pub flags: ParamInfoFlags,
    /// As a number; 0 is none.
    pub cookie: usize,
    /// Plain value.
    pub value: f64,
}

/// One block's output.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Samples of the first output port, per channel.
    pub channels: Vec<Vec<f32>>,
    /// The same in double precision, where the buffers were; else empty.
    pub wide: Vec<Vec<f64>>,
    /// What became of it.
    pub outcome: Outcome,
    /// What the plug-in sent.
    pub sent: Vec<Sent>,
    /// Constant mask of the first output port; VST3's silence flags.
    pub constant_mask: u64,
}

enum Half {
    Inactive,
    Active(Box<Audio>),
    Playing(Playing),
}

/// A plug-in instance.
pub struct Plugin {
    half: Half,
    processor: Option<StoppedPluginAudioProcessor<TestHost>>,
    instance: Option<PluginInstance<TestHost>>,
    calls: Arc<Calls>,
    /// Restarts that this host has made because the plug-in asked.
    pub restarts: u64,
    /// False: this host ignores `request_restart` (some do).
    pub obeys_restart: bool,
    callbacks: bool,
}

impl Plugin {
    /// Creates plug-in `index` of a bundle; the calling thread becomes its main thread.
    ///
    /// # Errors
    /// clack-host's, where the plug-in refuses.
    pub fn open(bundle: &Bundle, index: usize, options: HostOptions) -> Result<Self, String> {
        set_role(Role::Main);
        let calls = Arc::new(Calls::default());
        let ids = bundle.ids();
        let id = ids.get(index).ok_or_else(|| format!("{} plug-ins, asked for {index}", ids.len()))?;
        let info = HostInfo::new(options.name, "hotshell", "", "1.0").map_err(|e| e.to_string())?;
        let make = || {
            let shared = Shared { calls: Arc::clone(&calls), options };
            let main = MainThread { calls: Arc::clone(&calls), options };
            PluginInstance::<TestHost>::new(move |()| shared, move |_| main, bundle.entry(), id, &info)
        };
        let instance = calls.during(Phase::Init, make).map_err(|e| e.to_string())?;
        Ok(Self {
            half: Half::Inactive,
            processor: None,
            instance: Some(instance),
            calls,
            restarts: 0,
            obeys_restart: true,
            callbacks: options.callbacks,
        })
    }

    pub(crate) fn instance(&mut self) -> &mut PluginInstance<TestHost> {
        self.instance.as_mut().expect("alive until dropped")
    }

    /// What the plug-in has asked of the host.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// The same, for after the plug-in is gone.
    #[must_use]
    pub fn keep_calls(&self) -> Arc<Calls> {
        Arc::clone(&self.calls)
    }

    pub(crate) fn ask<R>(
        &mut self,
        phase: Phase,
        question: impl FnOnce(&PluginMainThreadHandle<'_>) -> R,
    ) -> R {
        let calls = Arc::clone(&self.calls);
        let handle = self.instance().plugin_handle();
        calls.during(phase, || question(&handle))
    }

    /// True if the plug-in offers the extension.
    pub fn offers(&mut self, id: &std::ffi::CStr) -> bool {
        let raw = self.instance().raw_instance();
        let get = raw.get_extension.expect("get_extension");
        // SAFETY: the plug-in is alive; `id` is a C string.
        !unsafe { get(raw, id.as_ptr()) }.is_null()
    }

    /// Channels of each audio port.
    pub fn ports(&mut self, input: bool) -> Vec<u32> {
        self.ask(Phase::Query, |handle| {
            let Some(ports) = handle.get_extension::<PluginAudioPorts>() else { return Vec::new() };
            let mut buffer = AudioPortInfoBuffer::new();
            (0..ports.count(handle, input))
                .map(|i| {
                    ports.get(handle, i, input, &mut buffer).expect("a port below the count").channel_count
                })
                .collect()
        })
    }

    /// Number of note ports.
    pub fn note_ports(&mut self, input: bool) -> u32 {
        self.ask(Phase::Query, |handle| {
            handle.get_extension::<PluginNotePorts>().map_or(0, |ports| ports.count(handle, input))
        })
    }

    /// All parameters in the host's order.
    pub fn params(&mut self) -> Vec<Param> {
        self.ask(Phase::Query, |handle| {
            let Some(params) = handle.get_extension::<PluginParams>() else { return Vec::new() };
            let mut buffer = ParamInfoBuffer::new();
            let mut read = |index| {
                let info = params.get_info(handle, index, &mut buffer).expect("a parameter below the count");
                Param {
                    id: info.id.get(),
                    name: String::from_utf8_lossy(info.name).into_owned(),
                    module: String::from_utf8_lossy(info.module).into_owned(),
                    min: info.min_value,
                    max: info.max_value,
                    default: info.default_value,
                    flags: info.flags,
                    cookie: info.cookie.as_raw().addr(),
                    value: params.get_value(handle, info.id).expect("a listed parameter has a value"),
                }
            };
            (0..params.count(handle)).map(&mut read).collect()
        })
    }

    /// The parameter of that name.
    ///
    /// # Panics
    /// If there is none.
    pub fn param(&mut self, name: &str) -> Param {
        let params = self.params();
        let names: Vec<_> = params.iter().map(|p| p.name.clone()).collect();
        params
            .into_iter()
            .find(|p| p.name == name)
            .unwrap_or_else(|| panic!("no parameter {name} in {names:?}"))
    }

    /// Plain value; `None` for an unknown id.
    pub fn value(&mut self, id: u32) -> Option<f64> {
        self.ask(Phase::Query, |handle| {
            let params = handle.get_extension::<PluginParams>()?;
            params.get_value(handle, ClapId::from_raw(id)?)
        })
    }

    /// Text of a plain value.
    pub fn text(&mut self, id: u32, value: f64) -> Option<String> {
        self.ask(Phase::Query, |handle| {
            let params = handle.get_extension::<PluginParams>()?;
            let mut buffer = [0; 256];
            let text = params.value_to_text(handle, ClapId::from_raw(id)?, value, &mut buffer).ok()?;
            Some(String::from_utf8_lossy(text).into_owned())
        })
    }

    /// Plain value of a text.
    pub fn parse(&mut self, id: u32, text: &str) -> Option<f64> {
        let text = CString::new(text).ok()?;
        self.ask(Phase::Query, |handle| {
            let params = handle.get_extension::<PluginParams>()?;
            params.text_to_value(handle, ClapId::from_raw(id)?, &text)
        })
    }

    /// Latency in frames.
    pub fn latency(&mut self) -> u32 {
        self.ask(Phase::Query, |handle| handle.get_extension::<PluginLatency>().map_or(0, |l| l.get(handle)))
    }

    /// Tail in frames, read from the main thread as hosts do.
    pub fn tail(&mut self) -> u32 {
        let raw = self.instance().raw_instance();
        let get = raw.get_extension.expect("get_extension");
        // SAFETY: the plug-in is alive; what it answers under this id is CLAP's tail table, valid for its life.
        unsafe {
            let tail = get(raw, CLAP_EXT_TAIL.as_ptr()).cast::<clap_plugin_tail>();
            tail.as_ref().and_then(|tail| tail.get).map_or(0, |get| get(raw))
        }
    }

    /// Selects the audio ports configuration at `index`; false if the plug-in refuses or has none.
    pub fn select_ports(&mut self, index: u32) -> bool {
        let raw = self.instance().raw_instance();
        let get = raw.get_extension.expect("get_extension");
        // SAFETY: the plug-in is alive and inactive, this is its main thread; what it answers under this id is CLAP's
        // table, valid for its life; the place for a configuration is ours, and all zeros is one.
        unsafe {
            let table =
                get(raw, CLAP_EXT_AUDIO_PORTS_CONFIG.as_ptr()).cast::<clap_plugin_audio_ports_config>();
            let Some(table) = table.as_ref() else { return false };
            let mut config: clap_audio_ports_config = std::mem::zeroed();
            table.get.is_some_and(|get| get(raw, index, &raw mut config))
                && table.select.is_some_and(|select| select(raw, config.id))
        }
    }

    /// Saves the state.
    pub fn save(&mut self) -> Option<Vec<u8>> {
        self.ask(Phase::State, |handle| {
            let mut bytes = Vec::new();
            handle.get_extension::<PluginState>()?.save(handle, &mut bytes).ok()?;
            Some(bytes)
        })
    }

    /// Saves as a preset.
    pub fn save_preset(&mut self) -> Option<Vec<u8>> {
        self.ask(Phase::State, |handle| {
            let mut bytes = Vec::new();
            let state = handle.get_extension::<PluginStateContext>()?;
            state.save(handle, &mut bytes, StateContextType::ForPreset).ok()?;
            Some(bytes)
        })
    }

    /// Loads a state; false if the plug-in refused it.
    pub fn load(&mut self, mut bytes: &[u8]) -> bool {
        self.ask(Phase::State, |handle| {
            handle.get_extension::<PluginState>().is_some_and(|state| state.load(handle, &mut bytes).is_ok())
        })
    }

    /// Switches to offline rendering or back; false if the plug-in has no say in it.
    pub fn set_offline(&mut self, offline: bool) -> bool {
        let mode = if offline { RenderMode::Offline } else { RenderMode::Realtime };
        self.ask(Phase::Query, |handle| {
            handle.get_extension::<PluginRender>().is_some_and(|render| render.set(handle, mode).is_ok())
        })
    }

    /// `params.flush` on the main thread, while inactive.
    ///
    /// # Panics
    /// If active: then the audio thread flushes.
    pub fn flush(&mut self, events: &[Event]) -> Vec<Sent> {
        assert!(matches!(self.half, Half::Inactive), "an active plug-in is flushed by its audio thread");
        let mut input = Input::with_capacity(events.len());
        input.fill(events);
        let mut output = Output::with_capacity(1024);
        let calls = Arc::clone(&self.calls);
        let raw = self.instance().raw_instance();
        let get = raw.get_extension.expect("get_extension");
        let (from, to) = (input.as_raw(), output.as_raw());
        // SAFETY: the plug-in is alive and inactive, this is its main thread, and both lists outlive the call.
        calls.during(Phase::Query, || unsafe {
            let params = get(raw, clap_sys::ext::params::CLAP_EXT_PARAMS.as_ptr());
            let params = params.cast::<clap_sys::ext::params::clap_plugin_params>().as_ref();
            params.and_then(|p| p.flush).expect("params.flush")(raw, &raw const from, &raw const to);
        });
        output.sent
    }

    /// Activates; blocks may follow.
    ///
    /// # Panics
    /// If the plug-in refuses.
    pub fn activate(&mut self, setup: Setup) {
        self.try_activate(setup).expect("activate");
    }

    /// Activates.
    ///
    /// # Errors
    /// clack-host's, where the plug-in refuses.
    pub fn try_activate(&mut self, setup: Setup) -> Result<(), String> {
        let (inputs, outputs) = (self.ports(true), self.ports(false));
        let calls = Arc::clone(&self.calls);
        let config = PluginAudioConfiguration {
            sample_rate: setup.rate,
            min_frames_count: 1,
            max_frames_count: setup.max_frames,
        };
        let processor = Processor { calls: Arc::clone(&calls) };
        let instance = self.instance();
        let start = || instance.activate(move |_, _| processor, config);
        let processor = calls.during(Phase::Activating, start).map_err(|e| e.to_string())?;
        let raw = std::ptr::from_ref(self.instance().raw_instance());
        // SAFETY: `self` keeps the instance alive and active until it has taken the audio half back.
        let audio = unsafe { Audio::new(raw, calls, setup, &inputs, &outputs) };
        self.processor = Some(processor);
        self.half = Half::Active(Box::new(audio));
        Ok(())
    }

    /// Runs `call` with the audio half on an audio thread, and waits for it.
    ///
    /// # Panics
    /// If not active, or if `call` does.
    pub fn on_audio<R: Send>(&mut self, call: impl FnOnce(&mut Audio) -> R + Send) -> R {
        let Half::Active(audio) = &mut self.half else { panic!("activate first, and stop what plays") };
        std::thread::scope(|scope| {
            let run = || {
                audio.enter();
                call(audio)
            };
            scope.spawn(run).join().expect("the audio thread panicked")
        })
    }

    /// Runs one block and waits for it.
    pub fn block(&mut self, frames: u32, signal: &Signal, events: &[Event]) -> Block {
        self.on_audio(|audio| {
            let outcome = audio.block(frames, signal, events);
            let samples = |channel| (0..frames as usize).map(|i| audio.sample(channel, i)).collect();
            let channels = (0..audio.channels()).map(samples).collect();
            let count = if audio.setup.wide { audio.channels() } else { 0 };
            let wide = |channel| (0..frames as usize).map(|i| audio.sample_wide(channel, i)).collect();
            let wide = (0..count).map(wide).collect();
            let constant_mask = audio.constant_mask();
            Block { channels, wide, outcome, sent: audio.take_sent(), constant_mask }
        })
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
    pub fn playing(&self) -> &Playing {
        let Half::Playing(playing) = &self.half else { panic!("nothing plays") };
        playing
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
            self.on_audio(Audio::leave);
        }
        self.half = Half::Inactive;
        if let Some(processor) = self.processor.take() {
            let calls = Arc::clone(&self.calls);
            let instance = self.instance();
            calls.during(Phase::Deactivating, || instance.deactivate(processor));
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

    /// One turn of the host's main loop: what the plug-in has asked for.
    pub fn tick(&mut self) {
        if self.calls.take_callback() && self.callbacks {
            let calls = Arc::clone(&self.calls);
            let instance = self.instance();
            calls.during(Phase::MainThread, || instance.call_on_main_thread_callback());
        }
        self.tick_timers();
        if self.obeys_restart && self.calls.take_restart() {
            self.restart();
        }
    }

    /// Turns the main loop until `done` answers true.
    ///
    /// # Panics
    /// After [`PATIENCE`], with what was waited for and the plug-in's log.
    pub fn wait_until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let begin = Instant::now();
        loop {
            self.tick();
            if done(self) {
                return;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "waited in vain for: {what}\nplug-in's log: {:#?}\ncalls: {:#?}",
                self.calls.lines(),
                self.calls.list()
            );
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.deactivate();
        }
        let instance = self.instance.take();
        self.calls.during(Phase::Destroying, || drop(instance));
    }
}
