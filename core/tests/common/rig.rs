//! An engine beside a second handle on its shell, as a reload thread has one, and a host that takes notes.
#![allow(missing_docs, dead_code, clippy::unwrap_used, reason = "a test")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers in tests")]

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event as HostEvent, EventKind, RenderMode};
use hotshell_core::host::{Host, Level};
use hotshell_core::instance::Table;
use hotshell_core::offline::Engine;
use hotshell_core::shell::{Phase, Shell, StaticShell};
use hotshell_logic::PluginLogic;
use hotshell_logic::export::api;

pub const RATE: f64 = 48_000.0;
pub const BLOCK: u32 = 64;
/// 10 ms at 48 kHz.
pub const FADE: usize = 480;

/// What the plug-in asked the host for, and said to it.
#[derive(Default)]
pub struct Notes {
    pub lines: Mutex<Vec<String>>,
    pub calls: Mutex<Vec<&'static str>>,
}

impl Notes {
    pub fn count(&self, words: &str) -> usize {
        self.lines.lock().unwrap().iter().filter(|line| line.contains(words)).count()
    }

    pub fn calls(&self, name: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|call| **call == name).count()
    }
}

pub struct Recorder(pub Arc<Notes>);

impl Host for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }
    fn request_restart(&self) {
        self.0.calls.lock().unwrap().push("restart");
    }
    fn request_process(&self) {
        self.0.calls.lock().unwrap().push("process");
    }
    fn request_callback(&self) {
        self.0.calls.lock().unwrap().push("callback");
    }
    fn log(&self, _: Level, text: &str) {
        self.0.lines.lock().unwrap().push(text.to_owned());
    }
}

pub struct Rig {
    pub engine: Engine<f32>,
    pub shell: StaticShell,
    pub notes: Arc<Notes>,
    pub heard: Vec<f32>,
    pub phase: u64,
}

pub fn open<G: PluginLogic>() -> (StaticShell, Arc<Notes>) {
    let notes = Arc::new(Notes::default());
    // Calls come from blocks too: they must not make the list grow there.
    notes.calls.lock().unwrap().reserve(4096);
    let host = Box::new(Recorder(Arc::clone(&notes)));
    (StaticShell::open(Table::linked(api::<G, f32>()), 0, "rig", host).unwrap(), notes)
}

impl Rig {
    /// Offline: both instances together always fit the block's time.
    pub fn new<G: PluginLogic>() -> Self {
        Self::in_mode::<G>(RenderMode::OFFLINE)
    }

    pub fn in_mode<G: PluginLogic>(mode: RenderMode) -> Self {
        let (shell, notes) = open::<G>();
        let engine = Engine::new(Box::new(shell.clone()), RATE, BLOCK, mode).unwrap();
        Self { engine, shell, notes, heard: Vec::new(), phase: 0 }
    }

    pub fn swap<G: PluginLogic>(&self, build: u32) {
        self.shell.swap(Table::linked(api::<G, f32>()), build).unwrap();
    }

    /// Runs `blocks`, the main thread looking after each.
    pub fn run(&mut self, blocks: usize) {
        for _ in 0..blocks {
            self.block();
            self.shell.take_changes(Phase::AnyTime);
        }
    }

    /// One block of a slow sine, the main thread busy elsewhere.
    pub fn block(&mut self) {
        let channels: u32 = self.engine.shape().inputs.iter().sum();
        for channel in 0..channels as usize {
            let phase = self.phase;
            for (i, sample) in self.engine.input(channel).unwrap().iter_mut().enumerate() {
                *sample = source(phase + i as u64);
            }
        }
        self.phase += u64::from(BLOCK);
        self.engine.block(BLOCK, &mut |run| run());
        if let Some(output) = self.engine.output(0) {
            self.heard.extend_from_slice(output);
        }
    }

    pub fn set(&mut self, id: &str, value: f64) {
        self.engine.queue(HostEvent::param_value(0, host_id(id), value));
    }

    pub fn lost(&self) -> u64 {
        self.shell.control().link().lost.load(Relaxed)
    }

    pub fn largest_step(&self, from: usize) -> f32 {
        self.heard[from..].windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }

    /// Every frame from `from` on is the source times `gain`, `late` frames later.
    pub fn expect(&self, from: usize, gain: f32, late: usize) {
        for (i, sample) in self.heard.iter().enumerate().skip(from.max(late)) {
            let wanted = source((i - late) as u64) * gain;
            assert!((sample - wanted).abs() < 1e-5, "frame {i}: {sample} instead of {wanted}");
        }
    }
}

pub fn host_id(id: &str) -> u32 {
    hotshell_abi::describe::param_host_id(id)
}

pub fn source(frame: u64) -> f32 {
    (frame as f32 * 0.01).sin() * 0.5 + 0.25
}

pub fn note(kind: EventKind, time: u32, key: i16) -> HostEvent {
    HostEvent::note(kind, time, NoteAddress { port: 0, channel: 0, key, note_id: -1 }, 0.8)
}
