//! Flushes: what comes in one outside of any block is there in the next block, bounded, and a later build hears of it.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers in tests")]

#[path = "common/rig.rs"]
mod rig;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use hotshell_abi::{Event as HostEvent, EventKind};
use hotshell_core::instance::Table;
use hotshell_core::rt::patchbay::{Jack, Patchbay};
use hotshell_core::shell::{Audio, EventSource, Shell, StaticShell};
use hotshell_logic::export::api;
use hotshell_logic::{
    AudioBuffer, AudioConfig, BusLayout, CreateContext, Event, EventList, NotePorts, PluginInfo, PluginLogic,
    ProcessContext, ProcessStatus, RenderMode,
};
use rig::{BLOCK, RATE, note, open};

/// Its outputs are where the pedal stands, and how many notes it has heard.
struct Pedal<const BUILD: u32> {
    pedal: f32,
    notes: f32,
}

impl<const BUILD: u32> PluginLogic for Pedal<BUILD> {
    type Params = ();
    const INFO: PluginInfo = PluginInfo::new("org.example.pedal", "Pedal");
    const BUSES: &'static [BusLayout] = BusLayout::STEREO_OUT;
    const NOTES: NotePorts = NotePorts { inputs: 1, dialects: NotePorts::MIDI, ..NotePorts::NONE };

    fn create(_: Arc<()>, _: &CreateContext<'_>) -> Self {
        Self { pedal: 0.0, notes: 0.0 }
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        events: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        for event in events.iter() {
            match event {
                Event::Midi { bytes: [0xb0, 64, value], .. } => self.pedal = f32::from(value),
                Event::NoteOn { .. } => self.notes += 1.0,
                _ => {}
            }
        }
        let said = [self.pedal, self.notes];
        buffer.output().iter_mut().zip(said).for_each(|(channel, said)| channel.fill(said));
        ProcessStatus::Active
    }
}

struct Events(Vec<HostEvent>);

impl EventSource for Events {
    fn len(&self) -> u32 {
        self.0.len() as u32
    }
    fn event(&self, index: u32) -> Option<HostEvent> {
        self.0.get(index as usize).copied()
    }
}

fn pedal(value: u8) -> HostEvent {
    HostEvent::midi(3, 0, [0xb0, 64, value])
}

fn activate(shell: &StaticShell) -> Box<dyn Audio> {
    let config = AudioConfig {
        sample_rate: RATE,
        max_frames: BLOCK,
        layout: 0,
        mode: RenderMode::OFFLINE,
        reserved: 0,
    };
    shell.activate(config).unwrap()
}

/// The last samples of the last of `count` blocks.
fn blocks(audio: &mut dyn Audio, count: usize) -> [f64; 2] {
    let mut memory = Patchbay::new(2, BLOCK);
    let jacks = [Jack::Single(0), Jack::Single(1)];
    for _ in 0..count {
        memory.with(&[], &[(&jacks, false)], |block| {
            audio.process(block, &(), &mut ());
        });
    }
    jacks.map(|jack| *memory.read(jack).last().unwrap())
}

#[test]
fn a_pedal_in_a_flush_reaches_the_logic_and_every_later_build() {
    let (shell, _) = open::<Pedal<0>>();
    let mut audio = activate(&shell);
    assert_eq!(blocks(&mut *audio, 1), [0.0, 0.0]);
    audio.flush(&Events(vec![pedal(100), pedal(127)]), &mut ());
    assert_eq!(blocks(&mut *audio, 1), [127.0, 0.0], "in order");
    audio.flush(&Events(vec![pedal(90)]), &mut ());
    shell.swap(Table::linked(api::<Pedal<1>, f32>()), 1).unwrap();
    assert_eq!(blocks(&mut *audio, 40), [90.0, 0.0], "the new build hears of it, however it came");
    shell.deactivate(audio);
}

#[test]
fn flushes_keep_a_thousand_events_and_count_what_is_lost() {
    let (shell, _) = open::<Pedal<0>>();
    let mut audio = activate(&shell);
    for _ in 0..11 {
        audio.flush(&Events(vec![note(EventKind::NOTE_ON, 0, 60); 100]), &mut ());
    }
    assert_eq!(blocks(&mut *audio, 1), [0.0, 1024.0]);
    assert_eq!(shell.control().link().dropped_events.load(Relaxed), 1100 - 1024);
    assert_eq!(blocks(&mut *audio, 1), [0.0, 1024.0], "once");
    shell.deactivate(audio);
}

#[test]
fn a_clear_drops_the_notes_of_a_flush_and_leaves_the_pedal() {
    let (shell, _) = open::<Pedal<0>>();
    let mut audio = activate(&shell);
    audio.flush(&Events(vec![note(EventKind::NOTE_ON, 0, 60), pedal(127)]), &mut ());
    audio.clear();
    assert_eq!(blocks(&mut *audio, 1), [127.0, 0.0]);
    shell.deactivate(audio);
}

#[test]
fn a_flush_and_the_block_after_it_allocate_nothing() {
    let (shell, _) = open::<Pedal<0>>();
    let mut audio = activate(&shell);
    let events = Events(vec![pedal(127); 2000]);
    let mut memory = Patchbay::new(2, BLOCK);
    let jacks = [Jack::Single(0), Jack::Single(1)];
    memory.with(&[], &[(&jacks, false)], |block| {
        let used = allocation_counter::measure(|| {
            audio.flush(&events, &mut ());
            audio.process(block, &(), &mut ());
        });
        assert_eq!((used.count_total, used.count_current), (0, 0));
    });
    shell.deactivate(audio);
}
