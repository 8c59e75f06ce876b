//! The swap, through the real table, without a host: every rule of DESIGN 7 that needs no file.
#![allow(missing_docs, clippy::unwrap_used, dead_code, reason = "a test")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers in tests")]

use std::sync::Arc;

use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event as HostEvent, EventKind, RenderMode};
use hotshell_core::host::NoHost;
use hotshell_core::instance::Table;
use hotshell_core::offline::Engine;
use hotshell_core::shell::{Shell, StaticShell};
use hotshell_derive::Params;
use hotshell_logic::export::api;
use hotshell_logic::params::{BoolParam, FloatParam};
use hotshell_logic::{
    AudioBuffer, AudioConfig, BusLayout, CreateContext, Event, EventList, Handover, NotePorts, PluginInfo,
    PluginLogic, ProcessContext, ProcessStatus, Replay, SnapshotReader, SnapshotWriter,
};

const RATE: f64 = 48_000.0;
const BLOCK: u32 = 64;
/// 10 ms at 48 kHz.
const FADE: usize = 480;

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct GainParams {
    #[param(id = "gain", range = linear(0.0..=2.0), default = 1.0)]
    gain: FloatParam,
    #[param(id = "boom", default = false)]
    boom: BoolParam,
    #[param(id = "bypass", bypass)]
    bypass: BoolParam,
}

/// In times gain times N/10; fails as it is told to.
struct Scale<const N: u32>(Arc<GainParams>);

impl<const N: u32> PluginLogic for Scale<N> {
    type Params = GainParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.scale", "Scale");

    fn create(params: Arc<GainParams>, _: &CreateContext<'_>) -> Self {
        Self(params)
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        let gain = self.0.gain.value() as f32 * N as f32 / 10.0;
        let boom = self.0.boom.value();
        assert!(!(boom && N == 13), "thirteen cannot boom");
        for channel in buffer.in_place().iter_mut() {
            for sample in channel.iter_mut() {
                *sample *= gain;
            }
            if boom && N == 14 {
                channel[10] = f32::NAN;
            }
        }
        ProcessStatus::Active
    }
}

fn shell<G: PluginLogic>() -> StaticShell {
    StaticShell::open(Table::linked(api::<G, f32>()), 0, "rig", Box::new(NoHost)).unwrap()
}

/// An engine beside a second handle on its shell, as a reload thread has one.
struct Rig {
    engine: Engine<f32>,
    shell: Arc<StaticShell>,
    heard: Vec<f32>,
    phase: u64,
}

struct Shared(Arc<StaticShell>);

macro_rules! through {
    ($($name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        $(fn $name(&self, $($arg: $type),*) -> $out { self.0.$name($($arg),*) })*
    };
}

impl Shell for Shared {
    through! {
        describe() -> &'static hotshell_abi::PluginDesc<'static>;
        param_count() -> usize;
        param_info(index: usize) -> Option<hotshell_core::shell::ParamInfo>;
        param_index(host_id: u32) -> Option<usize>;
        param_value(host_id: u32) -> Option<f64>;
        set_param(host_id: u32, value: f64) -> bool;
        param_text(host_id: u32, value: f64) -> Option<String>;
        param_parse(host_id: u32, text: &str) -> Option<f64>;
        save(context: hotshell_core::shell::StateContext) -> Result<Vec<u8>, hotshell_core::shell::ShellError>;
        load(context: hotshell_core::shell::StateContext, bytes: &[u8]) -> Result<(), hotshell_core::shell::ShellError>;
        latency() -> u32;
        read_latency() -> u32;
        is_waiting() -> bool;
        tail() -> hotshell_core::shell::Tail;
        layouts() -> Vec<hotshell_core::shell::LayoutInfo>;
        layout() -> usize;
        set_layout(index: usize) -> Result<(), hotshell_core::shell::ShellError>;
        notes() -> hotshell_abi::NotePortsDesc;
        activate(config: AudioConfig) -> Result<Box<dyn hotshell_core::shell::Audio>, hotshell_core::shell::ShellError>;
        deactivate(audio: Box<dyn hotshell_core::shell::Audio>) -> ();
        set_mode(mode: RenderMode) -> ();
        flush(input: &dyn hotshell_core::shell::EventSource, output: &mut dyn hotshell_core::shell::EventSink) -> ();
        take_changes(phase: hotshell_core::shell::Phase) -> hotshell_core::shell::Changes;
        host_read(what: hotshell_core::shell::Changes) -> ();
        hold(what: hotshell_core::shell::Changes) -> ();
        disconnect() -> ();
    }
}

impl Rig {
    fn new<G: PluginLogic>() -> Self {
        let shell = Arc::new(shell::<G>());
        let engine =
            Engine::new(Box::new(Shared(Arc::clone(&shell))), RATE, BLOCK, RenderMode::REALTIME).unwrap();
        Self { engine, shell, heard: Vec::new(), phase: 0 }
    }

    fn swap<G: PluginLogic>(&self, build: u32) {
        self.shell.swap(Table::linked(api::<G, f32>()), build).unwrap();
    }

    /// Runs `blocks` of a slow sine (or silence into an instrument), outputs prefilled by the last block's content.
    fn run(&mut self, blocks: usize) {
        for _ in 0..blocks {
            self.block();
            self.shell.take_changes(hotshell_core::shell::Phase::AnyTime);
        }
    }

    /// One block, the main thread busy elsewhere.
    fn block(&mut self) {
        let channels: u32 = self.engine.shape().inputs.iter().sum();
        for channel in 0..channels as usize {
            let phase = self.phase;
            for (i, sample) in self.engine.input(channel).unwrap().iter_mut().enumerate() {
                *sample = source(phase + i as u64);
            }
        }
        self.phase += u64::from(BLOCK);
        self.engine.block(BLOCK, &mut |run| run());
        self.heard.extend_from_slice(self.engine.output(0).unwrap());
    }

    fn set(&mut self, id: &str, value: f64) {
        self.engine.queue(HostEvent::param_value(0, hotshell_abi::describe::param_host_id(id), value));
    }
}

fn source(frame: u64) -> f32 {
    (frame as f32 * 0.01).sin() * 0.5 + 0.25
}

#[test]
fn a_swap_changes_the_sound_and_every_sample_of_the_fade_lies_between_old_and_new() {
    let mut rig = Rig::new::<Scale<10>>();
    rig.run(10);
    rig.swap::<Scale<5>>(1);
    rig.run(20);
    let start = 10 * BLOCK as usize;
    for (i, sample) in rig.heard.iter().enumerate() {
        let (old, new) = (source(i as u64), source(i as u64) * 0.5);
        let (low, high) = (old.min(new) - 1e-6, old.max(new) + 1e-6);
        assert!((low..=high).contains(sample), "frame {i}: {sample} not in {low}..={high}");
        if i < start {
            assert_eq!(*sample, old, "frame {i}, before");
        }
        if i >= start + FADE {
            assert_eq!(*sample, new, "frame {i}, after");
        }
    }
    let link = rig.shell.control().link();
    assert_eq!(link.lost.load(std::sync::atomic::Ordering::Relaxed), 0);
    assert_eq!(link.heard.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn republishing_the_same_code_is_inaudible() {
    let mut rig = Rig::new::<Scale<10>>();
    rig.run(5);
    rig.swap::<Scale<10>>(1);
    rig.run(20);
    for (i, sample) in rig.heard.iter().enumerate() {
        assert!((sample - source(i as u64)).abs() < 1e-6, "frame {i}");
    }
}

#[test]
fn the_last_of_a_storm_of_candidates_is_heard_and_values_survive() {
    let mut rig = Rig::new::<Scale<10>>();
    rig.set("gain", 0.5);
    rig.run(2);
    rig.swap::<Scale<1>>(1);
    rig.swap::<Scale<2>>(2);
    rig.swap::<Scale<4>>(3);
    rig.run(20);
    let last = rig.heard.len() - 1;
    assert!((rig.heard[last] - source(last as u64) * 0.2).abs() < 1e-6);
    let id = hotshell_abi::describe::param_host_id("gain");
    assert_eq!(rig.shell.param_value(id), Some(0.5));
}

#[test]
fn a_build_that_panics_while_it_plays_falls_back_to_the_dry_signal_without_a_step() {
    let mut rig = Rig::new::<Scale<13>>();
    rig.run(4);
    rig.set("boom", 1.0);
    rig.block();
    rig.set("boom", 0.0);
    rig.block();
    rig.run(30);
    let steps = rig.heard.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    assert!(steps.fold(0.0, f32::max) < 0.02, "no step anywhere");
    assert!(rig.heard.iter().all(|sample| sample.is_finite()));
    let lost = rig.shell.control().link().lost.load(std::sync::atomic::Ordering::Relaxed);
    assert!(
        (3..=12).contains(&lost),
        "{lost} blocks hold some of the fallback, those of the fade back included"
    );
    let last = rig.heard.len() - 1;
    assert!((rig.heard[last] - source(last as u64) * 1.3).abs() < 1e-6, "a fresh instance plays");
}

#[test]
fn values_that_are_not_finite_never_reach_the_host() {
    let mut rig = Rig::new::<Scale<14>>();
    rig.run(4);
    rig.set("boom", 1.0);
    rig.run(1);
    rig.set("boom", 0.0);
    rig.run(30);
    assert!(rig.heard.iter().all(|sample| sample.is_finite()));
    let last = rig.heard.len() - 1;
    assert!((rig.heard[last] - source(last as u64) * 1.4).abs() < 1e-6, "a fresh instance plays");
}

#[test]
fn a_candidate_that_fails_in_the_fade_leaves_the_old_one_playing() {
    let mut rig = Rig::new::<Scale<10>>();
    rig.run(4);
    rig.swap::<Scale<13>>(1);
    rig.run(3);
    rig.set("boom", 1.0);
    rig.run(20);
    assert!(rig.heard.iter().all(|sample| sample.is_finite()));
    let steps = rig.heard.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    assert!(steps.fold(0.0, f32::max) < 0.02, "no step anywhere");
}

#[test]
fn the_shells_bypass_is_crossfaded_and_passes_the_input_to_the_bit() {
    let mut rig = Rig::new::<Scale<5>>();
    rig.run(4);
    rig.set("bypass", 1.0);
    rig.run(20);
    let last = rig.heard.len() - 1;
    assert_eq!(rig.heard[last], source(last as u64));
    rig.swap::<Scale<2>>(1);
    rig.run(20);
    let last = rig.heard.len() - 1;
    assert_eq!(rig.heard[last], source(last as u64), "a swap changes nothing of it");
    rig.set("bypass", 0.0);
    rig.run(20);
    let last = rig.heard.len() - 1;
    assert!((rig.heard[last] - source(last as u64) * 0.2).abs() < 1e-6);
    let steps = rig.heard.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    assert!(steps.fold(0.0, f32::max) < 0.02);
}

/// clap-validator's fuzzer feeds them and counts one that comes out as a defect.
#[test]
fn the_shells_bypass_passes_no_subnormal_number_on() {
    let mut rig = Rig::new::<Scale<5>>();
    rig.set("bypass", 1.0);
    rig.run(20);
    rig.engine.input(0).unwrap().fill(f32::MIN_POSITIVE / 8.0);
    rig.engine.block(64, &mut |run| run());
    assert!(rig.engine.output(0).unwrap().iter().all(|sample| *sample == 0.0));
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct NoParams {}

/// Plays each held key as a constant of N/10; counts replays and restores.
struct Held<const N: u32, const SNAPSHOT: bool> {
    keys: [Option<i16>; 16],
    pedal: bool,
    released: [bool; 16],
}

impl<const N: u32, const SNAPSHOT: bool> PluginLogic for Held<N, SNAPSHOT> {
    type Params = NoParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.held", "Held");
    const BUSES: &'static [BusLayout] = BusLayout::STEREO_OUT;
    const NOTES: NotePorts = NotePorts {
        inputs: 1,
        dialects: NotePorts::CLAP | NotePorts::MIDI,
        preferred: NotePorts::CLAP,
        ..NotePorts::NONE
    };

    fn create(_: Arc<NoParams>, _: &CreateContext<'_>) -> Self {
        Self { keys: [None; 16], pedal: false, released: [false; 16] }
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        events: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        for event in events.iter() {
            match event {
                Event::NoteOn { note, .. } => {
                    if let Some(slot) = self.keys.iter_mut().find(|key| key.is_none()) {
                        *slot = Some(note.key);
                    }
                }
                Event::NoteOff { note, .. } => {
                    for (key, released) in self.keys.iter_mut().zip(&mut self.released) {
                        if *key == Some(note.key) {
                            if self.pedal { *released = true } else { *key = None }
                        }
                    }
                }
                Event::Midi { bytes: [0xb0, 64, value], .. } => {
                    self.pedal = value >= 64;
                    if !self.pedal {
                        for (key, released) in self.keys.iter_mut().zip(&mut self.released) {
                            if std::mem::take(released) {
                                *key = None;
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        let level = self.keys.iter().flatten().count() as f32 * N as f32 / 10.0;
        for channel in buffer.output().iter_mut() {
            channel.fill(level);
        }
        ProcessStatus::Active
    }

    fn snapshot(&self, out: &mut SnapshotWriter<'_>) {
        if SNAPSHOT {
            out.put("keys", &self.keys.map(|key| key.unwrap_or(-1)));
        }
    }

    fn restore(&mut self, from: &SnapshotReader<'_>) -> Replay {
        match from.get::<[i16; 16]>("keys") {
            Some(keys) if SNAPSHOT => {
                self.keys = keys.map(|key| (key >= 0).then_some(key));
                Replay::Nothing
            }
            _ => Replay::HeldNotes,
        }
    }
}

fn note(kind: EventKind, key: i16) -> HostEvent {
    HostEvent::note(kind, 0, NoteAddress { port: 0, channel: 0, key, note_id: -1 }, 0.8)
}

#[test]
fn held_and_pedalled_notes_sound_on_and_end_when_they_should() {
    let mut rig = Rig::new::<Held<1, false>>();
    rig.engine.queue(note(EventKind::NOTE_ON, 60));
    rig.engine.queue(HostEvent::midi(1, 0, [0xb0, 64, 127]));
    rig.run(2);
    rig.engine.queue(note(EventKind::NOTE_ON, 64));
    rig.run(1);
    rig.engine.queue(note(EventKind::NOTE_OFF, 64));
    rig.run(1);
    assert_eq!(rig.heard.last(), Some(&0.2));
    rig.swap::<Held<3, false>>(1);
    rig.run(20);
    assert!((rig.heard.last().unwrap() - 0.6).abs() < 1e-6, "both notes in the new build");
    rig.engine.queue(HostEvent::midi(0, 0, [0xb0, 64, 0]));
    rig.run(2);
    assert!((rig.heard.last().unwrap() - 0.3).abs() < 1e-6, "the pedal lets one go");
    rig.engine.queue(note(EventKind::NOTE_OFF, 60));
    rig.run(2);
    assert_eq!(rig.heard.last(), Some(&0.0));
}

#[test]
fn what_restore_took_over_is_not_replayed_twice() {
    let mut rig = Rig::new::<Held<1, true>>();
    rig.engine.queue(note(EventKind::NOTE_ON, 60));
    rig.run(2);
    rig.swap::<Held<1, true>>(1);
    rig.run(20);
    assert!(
        rig.heard[BLOCK as usize..].iter().all(|sample| (sample - 0.1).abs() < 1e-6),
        "one note, no bump"
    );
}

/// A delay of N frames that says so.
struct Late<const N: u32> {
    line: [Vec<f32>; 2],
}

impl<const N: u32> PluginLogic for Late<N> {
    type Params = NoParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.late", "Late");
    const HANDOVER: Handover = Handover::Auto;

    fn create(_: Arc<NoParams>, _: &CreateContext<'_>) -> Self {
        Self { line: Default::default() }
    }

    fn reset(&mut self, _: &AudioConfig) {
        self.line = [vec![0.0; N as usize], vec![0.0; N as usize]];
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        for (channel, line) in buffer.in_place().iter_mut().zip(&mut self.line) {
            for sample in channel {
                line.push(*sample);
                *sample = line.remove(0);
            }
        }
        ProcessStatus::Active
    }

    fn latency(&self) -> u32 {
        N
    }
}

#[test]
fn a_smaller_latency_is_padded_until_the_host_restarts_and_nothing_is_misaligned_in_the_fade() {
    let mut rig = Rig::new::<Late<100>>();
    assert_eq!(rig.shell.latency(), 100);
    rig.run(20);
    rig.swap::<Late<30>>(1);
    rig.run(40);
    assert_eq!(rig.shell.latency(), 100, "constant while active");
    for (i, sample) in rig.heard.iter().enumerate().skip(100) {
        assert!((sample - source(i as u64 - 100)).abs() < 1e-6, "frame {i}");
    }
    rig.engine.restart().unwrap();
    assert_eq!(rig.shell.latency(), 30);
    let start = rig.heard.len();
    rig.run(20);
    for (i, sample) in rig.heard.iter().enumerate().skip(start + 130) {
        assert!((sample - source(i as u64 - 30)).abs() < 1e-6, "frame {i}");
    }
}

#[test]
fn no_block_allocates_or_frees_the_swap_included() {
    let mut rig = Rig::new::<Held<1, true>>();
    let mut blocks = 0;
    let mut quiet_block = |rig: &mut Rig| {
        let counted = std::cell::Cell::new(allocation_counter::AllocationInfo::default());
        rig.engine.block(BLOCK, &mut |run| counted.set(allocation_counter::measure(&mut *run)));
        let info = counted.take();
        assert_eq!((info.count_total, info.count_current), (0, 0), "block {blocks}");
        blocks += 1;
    };
    for round in 0..5 {
        rig.engine.queue(note(EventKind::NOTE_ON, 60 + round));
        quiet_block(&mut rig);
        if round % 2 == 0 {
            rig.swap::<Held<1, true>>(1);
        } else {
            rig.swap::<Held<1, false>>(1);
        }
        for _ in 0..20 {
            quiet_block(&mut rig);
        }
        rig.shell.take_changes(hotshell_core::shell::Phase::AnyTime);
    }
    let planted = allocation_counter::measure(|| drop(std::hint::black_box(vec![1_u8])));
    assert_eq!(planted.count_total, 1, "the counter sees an allocation");
}
