//! Everything at once: a reload thread storms builds in, main activates, saves, loads and asks, audio runs. Nothing is
//! lost, mixed up, dropped on [audio] or waited for. No sleeps, generous limits: fit for ThreadSanitizer.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers")]

#[path = "common/rig.rs"]
mod rig;

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use hotshell_abi::RenderMode;
use hotshell_core::instance::Table;
use hotshell_core::rt::patchbay::{Jack, Patchbay};
use hotshell_core::shell::{Audio, Phase, Shell, ShellError, StateContext, StaticShell};
use hotshell_core::state;
use hotshell_derive::{ParamEnum, Params};
use hotshell_logic::export::api;
use hotshell_logic::params::{EnumParam, FloatParam, Persist};
use hotshell_logic::{
    AudioBuffer, AudioConfig, CreateContext, EventList, PluginInfo, PluginLogic, ProcessContext,
    ProcessStatus,
};
use rig::{BLOCK, RATE, host_id, open};

const ID: &str = "org.example.storm";

/// The same variants in three orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ParamEnum)]
#[params(crate = hotshell_logic)]
enum First {
    X,
    Y,
    Z,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ParamEnum)]
#[params(crate = hotshell_logic)]
enum Second {
    Z,
    X,
    New,
    Y,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct FirstParams {
    #[param(id = "gain", range = linear(0.0..=1.0), default = 0.25)]
    gain: FloatParam,
    #[param(id = "mode", default = First::X)]
    mode: EnumParam<First>,
    #[persist(id = "text")]
    text: Persist<String>,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct SecondParams {
    #[param(id = "mode", default = Second::X)]
    mode: EnumParam<Second>,
    #[param(id = "more", range = linear(0.0..=1.0), default = 0.5)]
    #[expect(dead_code, reason = "there to be added and removed")]
    more: FloatParam,
    #[param(id = "gain", range = linear(0.0..=1.0), default = 0.25)]
    gain: FloatParam,
    #[persist(id = "text")]
    text: Persist<String>,
}

static LIVING: AtomicI64 = AtomicI64::new(0);
static DROPPED_ON_AUDIO: AtomicU32 = AtomicU32::new(0);

struct Counted;

impl Counted {
    fn new() -> Self {
        LIVING.fetch_add(1, Relaxed);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LIVING.fetch_sub(1, Relaxed);
        if std::thread::current().name() == Some("audio") {
            DROPPED_ON_AUDIO.fetch_add(1, Relaxed);
        }
    }
}

macro_rules! logic {
    ($name:ident, $params:ty) => {
        struct $name(Arc<$params>, Counted);

        impl PluginLogic for $name {
            type Params = $params;
            const INFO: PluginInfo = PluginInfo::new(ID, "Storm");

            fn create(params: Arc<$params>, _: &CreateContext<'_>) -> Self {
                Self(params, Counted::new())
            }

            fn process(
                &mut self,
                buffer: &mut AudioBuffer<'_, f32>,
                _: &EventList<'_>,
                _: &mut ProcessContext<'_>,
            ) -> ProcessStatus {
                let gain = self.0.gain.value() as f32;
                let (_, _) = (self.0.mode.value(), self.0.text.get().len());
                for channel in buffer.in_place().iter_mut() {
                    channel.iter_mut().for_each(|sample| *sample *= gain);
                }
                ProcessStatus::Active
            }
        }
    };
}

logic!(One, FirstParams);
logic!(Two, SecondParams);

struct Finish<'a>([&'a AtomicBool; 2]);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(|flag| flag.store(true, Release));
    }
}

/// Runs blocks until told to stop, then gives the audio half back.
fn audio_thread(work: &Receiver<Box<dyn Audio>>, back: &Sender<Box<dyn Audio>>, stop: &AtomicBool) {
    for mut audio in work {
        let mut memory = Patchbay::new(2, BLOCK);
        let both = [(&[Jack::Single(0), Jack::Single(1)][..], false)];
        loop {
            memory.fill(0, |_| 1.0);
            memory.fill(1, |_| 1.0);
            memory.with(&both, &both, |block| audio.process(block, &(), &mut ()));
            let heard = memory.read(Jack::Single(0));
            assert!(heard.iter().all(|sample| (-1e-6..=1.0 + 1e-6).contains(sample)), "{heard:?}");
            if stop.load(Acquire) {
                break;
            }
        }
        if back.send(audio).is_err() {
            return;
        }
    }
}

fn config(round: u32) -> AudioConfig {
    AudioConfig {
        sample_rate: RATE,
        max_frames: if round.is_multiple_of(3) { 2 * BLOCK } else { BLOCK },
        layout: 0,
        mode: RenderMode::REALTIME,
        reserved: 0,
    }
}

/// What a busy moment refused is tried again; anything else is a failure.
fn patiently<T>(mut call: impl FnMut() -> Result<T, ShellError>) -> T {
    loop {
        match call() {
            Err(ShellError::Busy(_)) => std::thread::yield_now(),
            answer => return answer.unwrap(),
        }
    }
}

fn check_saved(bytes: &[u8], gain: f64, mode: &str) {
    let document = state::decode(bytes, ID).unwrap();
    assert_eq!(document.params["gain"].value, gain);
    assert_eq!(document.params["mode"].variant.as_deref(), Some(mode), "by the id of its variant");
}

/// One round of main while audio runs: every save is exactly what was loaded.
fn main_round(shell: &StaticShell, states: &[(Vec<u8>, f64, &str)], round: usize) {
    for turn in 0..4 {
        let (state, gain, mode) = &states[(round + turn) % states.len()];
        patiently(|| shell.load(StateContext::Project, state));
        for i in 0..20 {
            check_saved(&patiently(|| shell.save(StateContext::Project)), *gain, mode);
            if i % 10 == 9 {
                shell.take_changes(Phase::AnyTime);
            }
            let _ = shell.param_text(host_id("mode"), 1.0);
            assert_eq!(shell.param_value(host_id("gain")), Some(*gain));
        }
    }
}

#[test]
fn reloads_activations_saves_loads_and_blocks_at_once() {
    let rounds = if cfg!(miri) { 2 } else { 40 };
    let (shell, notes) = open::<One>();
    let mut states = Vec::new();
    for (gain, mode, plain) in [(0.5, "x", 0.0), (0.125, "y", 1.0), (1.0, "z", 2.0)] {
        shell.set_param(host_id("gain"), gain);
        shell.set_param(host_id("mode"), plain);
        states.push((shell.save(StateContext::Project).unwrap(), gain, mode));
    }
    let (done, stop, last) = (AtomicBool::new(false), AtomicBool::new(false), AtomicU32::new(0));
    let (give, work) = channel::<Box<dyn Audio>>();
    let (back, returned) = channel();
    let reloaded = Mutex::new(0_u32);
    std::thread::scope(|scope| {
        let audio = std::thread::Builder::new().name("audio".to_owned());
        let stop = &stop;
        audio.spawn_scoped(scope, move || audio_thread(&work, &back, stop)).unwrap();
        scope.spawn(|| {
            let tables = [Table::linked(api::<One, f32>()), Table::linked(api::<Two, f32>())];
            let mut build = 0;
            while !done.load(Acquire) {
                build += 1;
                match shell.swap(tables[build as usize % 2], build) {
                    Ok(()) => {
                        last.store(build, Release);
                        *reloaded.lock().unwrap() += 1;
                    }
                    Err(ShellError::Busy(_)) => {}
                    Err(error) => panic!("{error}"),
                }
                shell.control().upkeep();
            }
        });
        // A failure of this thread ends the others too.
        let (give, _finish) = (give, Finish([&done, stop]));
        for round in 0..rounds {
            let audio = patiently(|| shell.activate(config(round)));
            shell.take_changes(Phase::Activating);
            stop.store(false, Release);
            give.send(audio).unwrap();
            main_round(&shell, &states, round as usize);
            stop.store(true, Release);
            shell.deactivate(returned.recv().unwrap());
            shell.take_changes(Phase::Deactivated);
            main_round(&shell, &states, round as usize + 1);
        }
    });
    assert!(*reloaded.lock().unwrap() > 0);
    // Quiet again: the last build is the one that plays.
    let mut audio = shell.activate(config(1)).unwrap();
    let mut memory = Patchbay::new(1, BLOCK);
    memory.with(&[], &[], |block| audio.process(block, &(), &mut ()));
    shell.control().upkeep();
    let link = shell.control().link();
    assert_eq!(link.heard.load(Relaxed), last.load(Relaxed));
    assert_eq!((link.lost.load(Relaxed), link.doubles.load(Relaxed)), (0, 0));
    let odd = last.load(Relaxed) % 2 == 1;
    assert_eq!(shell.describe().params.as_slice().len(), if odd { 3 } else { 2 });
    shell.deactivate(audio);
    assert_eq!(notes.count("failed"), 0, "{:?}", notes.lines.lock().unwrap());
    drop(shell);
    assert_eq!((LIVING.load(Relaxed), DROPPED_ON_AUDIO.load(Relaxed)), (0, 0));
}
