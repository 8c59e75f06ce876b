//! Notes from an editor's keyboard reach the next block, in order, and none of them hangs.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

#[path = "common/rig.rs"]
mod rig;

use std::sync::Arc;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use hotshell_abi::editor::EditorNote;
use hotshell_abi::{Event as HostEvent, EventKind};
use hotshell_core::shell::Shell;
use hotshell_core::shell::editors::Editors;
use hotshell_derive::Params;
use hotshell_logic::{
    AudioBuffer, BusLayout, CreateContext, Event, EventList, Full, NotePorts, NoteRef, PluginInfo,
    PluginLogic, ProcessContext, ProcessStatus,
};
use rig::{BLOCK, Rig, note};

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct NoParams {}

/// Each output sample is the number of notes that are held; `LOUD` more with each build of this kind. Ends and begins are
/// told to the host.
struct Counter<const LOUD: u8> {
    held: Vec<NoteRef>,
}

impl<const LOUD: u8> PluginLogic for Counter<LOUD> {
    type Params = NoParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.counter", "Counter");
    const BUSES: &'static [BusLayout] = BusLayout::STEREO_OUT;
    const NOTES: NotePorts = NotePorts::INPUT;

    fn create(_: Arc<NoParams>, _: &CreateContext<'_>) -> Self {
        Self { held: Vec::with_capacity(64) }
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        events: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        for event in events.iter() {
            match event {
                Event::NoteOn { note, .. } => self.held.push(note),
                Event::NoteOff { time, note, .. } => {
                    for ended in self.held.iter().filter(|held| note.matches(held)) {
                        let sent: Result<(), Full> = cx.note_end(time, *ended);
                        sent.unwrap();
                    }
                    self.held.retain(|held| !note.matches(held));
                }
                _ => {}
            }
        }
        let (_, mut output) = buffer.io();
        for channel in 0..2 {
            let level = f32::from(u8::try_from(self.held.len()).unwrap() + LOUD * 10);
            output.get(channel).unwrap().fill(level);
        }
        if self.held.is_empty() { ProcessStatus::Quiet } else { ProcessStatus::Active }
    }
}

fn key(key: u8) -> EditorNote {
    EditorNote { key, channel: 0, port: 0, reserved: 0, velocity: 0.5 }
}

/// What a block holds, which is the same in all its frames.
fn block(rig: &mut Rig) -> f32 {
    rig.run(1);
    let heard = &rig.heard[rig.heard.len() - BLOCK as usize..];
    assert!(heard.iter().all(|sample| sample.to_bits() == heard[0].to_bits()), "from the block's start");
    heard[0]
}

fn editors(rig: &Rig) -> Arc<dyn Editors> {
    rig.shell.editors().unwrap()
}

#[test]
fn a_key_sounds_from_the_next_block_on_until_it_is_let_go() {
    let mut rig = Rig::new::<Counter<0>>();
    let editors = editors(&rig);
    assert_eq!(block(&mut rig), 0.0);
    let (one, two) = (editors.play(key(60)), editors.play(key(60)));
    assert!(rig.notes.calls("process") >= 2, "a host that sleeps is woken");
    assert_eq!(block(&mut rig), 2.0, "the same key twice is two notes");
    editors.stop(one);
    assert_eq!(block(&mut rig), 1.0);
    editors.stop(one);
    assert_eq!(block(&mut rig), 1.0, "once");
    editors.stop(two);
    assert_eq!(block(&mut rig), 0.0);
}

#[test]
fn a_key_that_is_hit_between_two_blocks_sounds_for_one() {
    let mut rig = Rig::new::<Counter<0>>();
    let editors = editors(&rig);
    let held = editors.play(key(72));
    let short = editors.play(key(60));
    editors.stop(short);
    let later = [62, 64].map(|number| editors.play(key(number)));
    assert_eq!(block(&mut rig), 2.0, "what comes after its end waits with it");
    assert_eq!(block(&mut rig), 3.0);
    later.into_iter().for_each(|number| editors.stop(number));
    editors.stop(held);
    assert_eq!(block(&mut rig), 0.0);
}

#[test]
fn the_host_hears_nothing_of_it_and_its_own_notes_are_its_own() {
    let mut rig = Rig::new::<Counter<0>>();
    let editors = editors(&rig);
    rig.engine.queue(HostEvent { note_id: 7, ..note(EventKind::NOTE_ON, 0, 60) });
    let played = editors.play(key(60));
    assert_eq!(block(&mut rig), 2.0);
    editors.stop(played);
    assert_eq!(block(&mut rig), 1.0, "the host's note of the same key goes on");
    assert_eq!(rig.engine.take_events(), [], "no end of a note that the host does not know");
    rig.engine.queue(HostEvent { note_id: 7, ..note(EventKind::NOTE_OFF, 0, 60) });
    assert_eq!(block(&mut rig), 0.0);
    let told = rig.engine.take_events();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].event.kind, told[0].event.note_id), (EventKind::NOTE_END, 7));
}

#[test]
fn a_held_key_is_played_again_to_the_next_build_and_ends_there() {
    let mut rig = Rig::new::<Counter<0>>();
    let editors = editors(&rig);
    let played = editors.play(key(60));
    assert_eq!(block(&mut rig), 1.0);
    rig.swap::<Counter<1>>(1);
    // The fade, and some.
    rig.run(20);
    assert_eq!(block(&mut rig), 11.0, "held in the new build");
    editors.stop(played);
    assert_eq!(block(&mut rig), 10.0);
}

#[test]
fn keys_of_the_time_without_blocks_make_no_sound_later() {
    let mut rig = Rig::new::<Counter<0>>();
    let editors = editors(&rig);
    let before = editors.play(key(60));
    assert_eq!(block(&mut rig), 1.0);
    rig.engine.deactivate();
    editors.stop(before);
    let meanwhile = editors.play(key(61));
    for _ in 0..1000 {
        editors.stop(editors.play(key(62)));
    }
    // The queue's clock has milliseconds.
    let pause = Instant::now();
    while pause.elapsed() < Duration::from_millis(2) {
        std::thread::yield_now();
    }
    rig.engine.restart().unwrap();
    let heard: Vec<f32> = (0..300).map(|_| block(&mut rig)).collect();
    assert!(
        heard[1..].iter().all(|level| *level == 0.0),
        "the author, who forgets nothing by himself, hears all ends"
    );
    editors.stop(meanwhile);
    assert_eq!(block(&mut rig), 0.0);
    let after = editors.play(key(63));
    assert_eq!(block(&mut rig), 1.0, "the keyboard plays on");
    editors.stop(after);
    assert_eq!(block(&mut rig), 0.0);
}

#[test]
fn a_block_with_keys_allocates_nothing() {
    let mut rig = Rig::new::<Counter<0>>();
    let editors = editors(&rig);
    rig.run(4);
    for round in 0..40 {
        let keys: Vec<u32> = (0..32).map(|at| editors.play(key(at + round))).collect();
        assert!(keys.iter().all(|number| *number != 0));
        let mut used = None;
        rig.engine.block(BLOCK, &mut |run| used = Some(measure(run)));
        keys.into_iter().for_each(|number| editors.stop(number));
        rig.engine.block(BLOCK, &mut |run| assert_eq!(measure(run).count_total, 0));
        assert_eq!(used.unwrap().count_total, 0, "round {round}");
    }
}

/// Each output sample is the number of notes that are held, as MIDI 1 has them, and ten for each end of a note that was not
/// held. It tells the host of ends by the key alone, and of all of them once it is told to.
struct Midi {
    held: Vec<i16>,
    strays: u8,
}

impl PluginLogic for Midi {
    type Params = NoParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.midi", "Midi");
    const BUSES: &'static [BusLayout] = BusLayout::STEREO_OUT;
    const NOTES: NotePorts = NotePorts { dialects: NotePorts::MIDI, ..NotePorts::INPUT };

    fn create(_: Arc<NoParams>, _: &CreateContext<'_>) -> Self {
        Self { held: Vec::with_capacity(64), strays: 0 }
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        events: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        for event in events.iter() {
            match event {
                Event::NoteOn { note, .. } => {
                    assert_eq!(note.id, -1, "MIDI 1 has no ids");
                    self.held.push(note.key);
                }
                Event::NoteOff { time, note: NoteRef { key, id: -1, .. }, .. } => {
                    match self.held.iter().position(|held| *held == key) {
                        Some(at) => drop(self.held.remove(at)),
                        None => self.strays += 1,
                    }
                    let any = NoteRef { port: -1, channel: -1, key, id: -1 };
                    let all = NoteRef { key: -1, ..any };
                    let sent: Result<(), Full> = cx.note_end(time, if key == 99 { all } else { any });
                    sent.unwrap();
                }
                _ => {}
            }
        }
        let (_, mut output) = buffer.io();
        let level = f32::from(u8::try_from(self.held.len()).unwrap() + self.strays * 10);
        (0..2).for_each(|channel| output.get(channel).unwrap().fill(level));
        ProcessStatus::Active
    }
}

fn midi(bytes: [u8; 3]) -> HostEvent {
    HostEvent::midi(0, 0, bytes)
}

#[test]
fn a_plug_in_that_declares_midi_alone_is_played_in_midi() {
    let mut rig = Rig::new::<Midi>();
    let editors = editors(&rig);
    let played = editors.play(key(60));
    assert_eq!(block(&mut rig), 1.0);
    editors.stop(played);
    assert_eq!(block(&mut rig), 0.0);
}

#[test]
fn an_end_by_the_key_alone_ends_no_note_at_the_host_that_is_not_its_own() {
    let mut rig = Rig::new::<Midi>();
    let editors = editors(&rig);
    let told = |rig: &mut Rig| {
        let told = rig.engine.take_events();
        told.iter().map(|told| (told.event.kind, told.event.key)).collect::<Vec<_>>()
    };
    let played = editors.play(key(60));
    block(&mut rig);
    editors.stop(played);
    block(&mut rig);
    assert_eq!(told(&mut rig), [], "the host has no note at all");
    rig.engine.queue(midi([0x90, 60, 100]));
    let played = editors.play(key(60));
    assert_eq!(block(&mut rig), 2.0);
    editors.stop(played);
    assert_eq!(block(&mut rig), 1.0);
    assert_eq!(told(&mut rig), [], "the host's own goes on");
    rig.engine.queue(midi([0x80, 60, 100]));
    assert_eq!(block(&mut rig), 0.0);
    assert_eq!(told(&mut rig), [(EventKind::NOTE_END, 60)]);
    let played = editors.play(key(99));
    block(&mut rig);
    editors.stop(played);
    block(&mut rig);
    assert_eq!(told(&mut rig), [], "an end of all that is none of the host's");
    rig.engine.queue(midi([0x90, 99, 100]));
    rig.engine.queue(midi([0x80, 99, 100]));
    block(&mut rig);
    assert_eq!(told(&mut rig), [(EventKind::NOTE_END, -1)]);
}

#[test]
fn a_key_that_was_not_played_is_not_let_go_either() {
    let mut rig = Rig::new::<Midi>();
    let editors = editors(&rig);
    assert_eq!(block(&mut rig), 0.0);
    rig.engine.deactivate();
    let late = editors.play(key(60));
    // The queue's clock has milliseconds.
    let pause = Instant::now();
    while pause.elapsed() < Duration::from_millis(2) {
        std::thread::yield_now();
    }
    rig.engine.restart().unwrap();
    assert_eq!(block(&mut rig), 0.0, "too late");
    editors.stop(late);
    assert_eq!(block(&mut rig), 0.0, "no end of it");
    let played = editors.play(key(60));
    assert_eq!(block(&mut rig), 1.0);
    editors.stop(played);
    assert_eq!(block(&mut rig), 0.0);
}
