//! Events on their way in: each exactly once, in order, at its frame or as late as the author allows and never early.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers")]
#![allow(clippy::cast_sign_loss, clippy::cast_possible_wrap, reason = "small numbers")]

#[path = "common/rig.rs"]
mod rig;

use std::sync::{Arc, Mutex};

use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event as HostEvent, EventKind, Transport};
use hotshell_core::offline::Engine;
use hotshell_core::rt::patchbay::Patchbay;
use hotshell_core::shell::{EventSource, Phase, Shell, StaticShell};
use hotshell_derive::Params;
use hotshell_logic::params::FloatParam;
use hotshell_logic::{
    AudioBuffer, AudioConfig, BusLayout, CreateContext, Event, EventList, NotePorts, PluginInfo, PluginLogic,
    ProcessContext, ProcessStatus, RenderMode, Split,
};
use rig::{BLOCK, RATE, host_id, note, open};

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct EarParams {
    #[param(id = "a", range = linear(0.0..=1000.0), default = 0.0)]
    a: FloatParam,
    #[param(id = "late", range = linear(0.0..=1000.0), default = 0.0, no_split)]
    late: FloatParam,
    #[param(id = "voice", was = ["breath"], range = linear(0.0..=1000.0), default = 0.0, modulatable = poly)]
    #[expect(dead_code, reason = "reached by events")]
    voice: FloatParam,
}

/// What one sub-block brought.
#[derive(Clone, Debug, Default)]
struct Heard {
    offset: u32,
    frames: usize,
    a: f64,
    late: f64,
    /// Frame in the host block, and key, of notes.
    notes: Vec<(u32, i16)>,
    /// Frame, id, value and key of parameter events.
    params: Vec<(u32, u32, f64, i16)>,
    tempo: Option<f64>,
    replays: Vec<(i16, u64)>,
}

static HEARD: [Mutex<Vec<Heard>>; 16] = [const { Mutex::new(Vec::new()) }; 16];

fn heard(ear: usize) -> Vec<Heard> {
    std::mem::take(&mut HEARD[ear].lock().unwrap())
}

/// Writes down what it hears under `ID`. `MIN` 0: never split.
struct Ear<const ID: usize, const MIN: u32>(Arc<EarParams>);

impl<const ID: usize, const MIN: u32> PluginLogic for Ear<ID, MIN> {
    type Params = EarParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.ear", "Ear");
    const BUSES: &'static [BusLayout] = BusLayout::STEREO_OUT;
    const NOTES: NotePorts = NotePorts { inputs: 1, dialects: NotePorts::CLAP, ..NotePorts::NONE };
    const SPLIT: Split = if MIN == 0 { Split::Never } else { Split::AtAutomation { min_frames: MIN } };

    fn create(params: Arc<EarParams>, _: &CreateContext<'_>) -> Self {
        Self(params)
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        events: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        let mut heard = Heard {
            offset: cx.offset(),
            frames: buffer.frames(),
            a: self.0.a.value(),
            late: self.0.late.value(),
            tempo: cx.transport().and_then(|transport| transport.tempo()),
            ..Heard::default()
        };
        for event in events.iter() {
            let at = cx.offset() + event.time();
            match event {
                Event::NoteOn { note, replay: Some(age), .. } => heard.replays.push((note.key, age)),
                Event::NoteOn { note, .. } => heard.notes.push((at, note.key)),
                Event::Param { id, value, note, .. } => {
                    heard.params.push((at, id, value, note.map_or(-1, |note| note.key)));
                }
                _ => {}
            }
        }
        HEARD[ID].lock().unwrap().push(heard);
        buffer.output().iter_mut().for_each(|channel| channel.fill(0.0));
        ProcessStatus::Active
    }
}

fn engine<const ID: usize, const MIN: u32>() -> (Engine<f32>, StaticShell) {
    let (shell, _) = open::<Ear<ID, MIN>>();
    let engine = Engine::new(Box::new(shell.clone()), RATE, BLOCK, RenderMode::OFFLINE).unwrap();
    heard(ID);
    (engine, shell)
}

fn block(engine: &mut Engine<f32>) {
    engine.block(BLOCK, &mut |run| run());
}

#[test]
fn a_parameter_divides_a_block_and_close_ones_wait_but_are_never_early() {
    let (mut engine, _) = engine::<0, 16>();
    for (time, value) in [(0, 1.0), (5, 2.0), (10, 3.0), (40, 4.0), (63, 5.0)] {
        engine.queue(HostEvent::param_value(time, host_id("a"), value));
    }
    block(&mut engine);
    let parts: Vec<_> = heard(0).iter().map(|part| (part.offset, part.frames, part.a)).collect();
    assert_eq!(parts, [(0, 16, 1.0), (16, 24, 3.0), (40, 23, 4.0), (63, 1, 5.0)]);
}

#[test]
fn what_must_not_divide_waits_for_the_next_sub_block() {
    let (mut engine, shell) = engine::<1, 16>();
    engine.queue(HostEvent::param_value(3, host_id("late"), 7.0));
    engine.queue(HostEvent::param_value(32, host_id("a"), 1.0));
    engine.queue(HostEvent::param_value(40, host_id("late"), 9.0));
    block(&mut engine);
    block(&mut engine);
    let parts: Vec<_> = heard(1).iter().map(|part| (part.offset, part.a, part.late)).collect();
    assert_eq!(parts, [(0, 0.0, 0.0), (32, 1.0, 7.0), (0, 1.0, 9.0)]);
    assert_eq!(shell.param_value(host_id("late")), Some(9.0));
}

#[test]
fn a_logic_that_never_splits_reads_the_events_itself_and_finds_the_values_afterwards() {
    let (mut engine, _) = engine::<2, 0>();
    engine.queue(HostEvent::param_value(3, host_id("a"), 7.0));
    engine.queue(HostEvent::param_value(50, host_id("a"), 8.0));
    block(&mut engine);
    block(&mut engine);
    let parts = heard(2);
    assert_eq!(parts.len(), 2, "{parts:?}");
    assert_eq!((parts[0].a, parts[1].a), (0.0, 8.0));
    let id = host_id("a");
    assert_eq!(parts[0].params, [(3, id, 7.0, -1), (50, id, 8.0, -1)]);
}

#[test]
fn ten_thousand_events_at_one_frame_all_arrive_once_and_in_order_wherever_it_lies() {
    let (mut engine, shell) = engine::<3, 16>();
    for at in [0, 1, 30, 62, 63] {
        for i in 0..10_000_u32 {
            engine.queue(note(EventKind::NOTE_ON, at, (i % 128) as i16));
            if i % 10 == 0 {
                engine.queue(HostEvent::param_value(at, host_id("late"), f64::from(i % 1000)));
            }
        }
        block(&mut engine);
        let notes: Vec<_> = heard(3).iter().flat_map(|part| part.notes.clone()).collect();
        let wanted: Vec<_> = (0..10_000_u32).map(|i| (at, (i % 128) as i16)).collect();
        assert!(notes == wanted, "at frame {at}: {} notes", notes.len());
        assert_eq!(shell.param_value(host_id("late")), Some(990.0));
    }
}

#[test]
fn random_events_arrive_once_in_order_and_no_note_late() {
    let mut random = fastrand::Rng::with_seed(7);
    let (mut engine, _) = engine::<4, 8>();
    for _ in 0..200 {
        let mut times: Vec<u32> = (0..random.u32(0..60)).map(|_| random.u32(0..BLOCK)).collect();
        times.sort_unstable();
        let mut notes = Vec::new();
        for (i, time) in times.iter().enumerate() {
            match random.u32(0..3) {
                0 => {
                    engine.queue(HostEvent::param_value(*time, host_id("a"), f64::from(random.u32(0..1000))))
                }
                1 => {
                    engine.queue(HostEvent::param_value(*time, host_id("late"), f64::from(random.u32(0..9))))
                }
                _ => {
                    notes.push((*time, (i % 128) as i16));
                    engine.queue(note(EventKind::NOTE_ON, *time, (i % 128) as i16));
                }
            }
        }
        block(&mut engine);
        let parts = heard(4);
        assert_eq!(parts.iter().map(|part| part.frames).sum::<usize>(), BLOCK as usize);
        let ends = parts.iter().map(|part| part.offset as usize + part.frames);
        let starts = parts.iter().map(|part| part.offset as usize);
        assert!(ends.zip(starts.skip(1)).all(|(end, start)| end == start), "no gap and no overlap");
        let short = parts.iter().rev().skip(1).filter(|part| part.frames < 8).count();
        assert_eq!(short, 0, "shortest sub-block");
        let came: Vec<_> = parts.iter().flat_map(|part| part.notes.clone()).collect();
        assert_eq!(came, notes);
    }
}

#[test]
fn per_voice_events_reach_the_voice_alone_under_their_present_id() {
    let (mut engine, shell) = engine::<5, 16>();
    let to_voice = |id: &str, value: f64, cookie: u64| {
        let mut event = note(EventKind::PARAM_VALUE, 20, 60);
        (event.id, event.value, event.data) = (host_id(id), value, [0, cookie]);
        event
    };
    let index = shell.param_index(host_id("voice")).unwrap() as u64;
    engine.queue(to_voice("voice", 5.0, index + 1));
    // By its earlier id, with a cookie of another parameter, out of range.
    engine.queue(to_voice("breath", 5000.0, 1));
    engine.queue(to_voice("nobody", 1.0, 0));
    block(&mut engine);
    let parts = heard(5);
    assert_eq!(parts.len(), 1, "a voice's parameter divides nothing");
    let id = host_id("voice");
    assert_eq!(parts[0].params, [(20, id, 5.0, 60), (20, id, 1000.0, 60)]);
    assert_eq!(shell.param_value(id), Some(0.0), "and is not everybody's value");
}

/// Notes, and a change of tempo among them.
struct WithTempo(Vec<HostEvent>, u32, u32);

impl EventSource for WithTempo {
    fn len(&self) -> u32 {
        self.0.len() as u32
    }
    fn event(&self, index: u32) -> Option<HostEvent> {
        self.0.get(index as usize).copied().filter(|_| index != self.1)
    }
    fn transport(&self, index: u32) -> Option<Transport> {
        let changed =
            Transport { flags: Transport::HAS_TEMPO, tempo: 90.0, time: self.2, ..Transport::UNKNOWN };
        (index == self.1).then_some(changed)
    }
}

fn with_tempo<const ID: usize, const MIN: u32>(at: u32) -> Vec<Heard> {
    let (shell, _) = open::<Ear<ID, MIN>>();
    let config = AudioConfig {
        sample_rate: RATE,
        max_frames: BLOCK,
        layout: 0,
        mode: RenderMode::REALTIME,
        reserved: 0,
    };
    let mut audio = shell.activate(config).unwrap();
    heard(ID);
    let filler = note(EventKind::NOTE_ON, at, 1);
    let events = vec![filler, filler, note(EventKind::NOTE_ON, at + 1, 60), note(EventKind::NOTE_ON, 50, 61)];
    Patchbay::new(1, BLOCK).with(&[], &[], |block| {
        block.transport = Some(Transport { flags: Transport::HAS_TEMPO, tempo: 120.0, ..Transport::UNKNOWN });
        audio.process(block, &WithTempo(events, 1, at), &mut ());
        // The host's own block transport counts again.
        audio.process(block, &(), &mut ());
    });
    shell.deactivate(audio);
    heard(ID)
}

#[test]
fn a_change_of_tempo_divides_like_a_parameter_and_makes_no_note_late() {
    let tempos = |heard: &[Heard]| heard.iter().map(|part| (part.offset, part.tempo)).collect::<Vec<_>>();
    let parts = with_tempo::<6, 16>(30);
    assert_eq!(tempos(&parts), [(0, Some(120.0)), (30, Some(90.0)), (0, Some(120.0))]);
    // Too close to the start: it waits, the notes do not.
    let parts = with_tempo::<6, 16>(3);
    assert_eq!(tempos(&parts), [(0, Some(120.0)), (16, Some(90.0)), (0, Some(120.0))]);
    let notes: Vec<_> = parts.iter().flat_map(|part| part.notes.clone()).collect();
    assert_eq!(notes, [(3, 1), (4, 60), (50, 61)]);
    // A logic that is never split is not split by it either.
    let parts = with_tempo::<7, 0>(30);
    assert_eq!(tempos(&parts), [(0, Some(120.0)), (0, Some(120.0))]);
    assert_eq!(parts[0].notes.len(), 3);
}

#[test]
fn events_past_the_end_are_moved_to_the_last_frame() {
    let (mut engine, shell) = engine::<8, 16>();
    engine.queue(note(EventKind::NOTE_ON, 64, 60));
    engine.queue(HostEvent::param_value(500, host_id("a"), 3.0));
    block(&mut engine);
    let notes: Vec<_> = heard(8).iter().flat_map(|part| part.notes.clone()).collect();
    assert_eq!(notes, [(63, 60)]);
    assert_eq!(shell.param_value(host_id("a")), Some(3.0));
}

#[test]
fn both_instances_of_a_swap_hear_everything_and_the_new_one_the_past_with_its_age() {
    let (mut engine, shell) = engine::<9, 16>();
    engine.queue(note(EventKind::NOTE_ON, 10, 60));
    block(&mut engine);
    block(&mut engine);
    heard(9);
    let table = hotshell_core::instance::Table::linked(hotshell_logic::export::api::<Ear<10, 0>, f32>());
    shell.swap(table, 1).unwrap();
    heard(10);
    engine.queue(note(EventKind::NOTE_ON, 7, 64));
    engine.queue(HostEvent::param_value(20, host_id("a"), 3.0));
    block(&mut engine);
    let (old, new) = (heard(9), heard(10));
    let notes = |parts: &[Heard]| parts.iter().flat_map(|part| part.notes.clone()).collect::<Vec<_>>();
    assert_eq!((notes(&old), notes(&new)), (vec![(7, 64)], vec![(7, 64)]));
    assert_eq!(new[0].replays, [(60, 2 * 64 - 10)]);
    assert!(old[0].replays.is_empty());
    let params: Vec<_> = new.iter().flat_map(|part| part.params.clone()).collect();
    assert_eq!(
        params,
        [(20, host_id("a"), 3.0, -1)],
        "one that never splits reads its events in the fade too"
    );
    shell.take_changes(Phase::AnyTime);
}

#[test]
fn a_held_note_outlives_a_restart_of_ours_for_the_next_swap_and_no_other() {
    let (mut engine, shell) = engine::<11, 16>();
    let table = hotshell_core::instance::Table::linked(hotshell_logic::export::api::<Ear<12, 16>, f32>());
    engine.queue(HostEvent::note(
        EventKind::NOTE_ON,
        0,
        NoteAddress { port: 0, channel: 0, key: 60, note_id: 5 },
        0.5,
    ));
    block(&mut engine);
    // Nobody asked for this one: the host sends its notes again.
    engine.restart().unwrap();
    block(&mut engine);
    shell.swap(table, 1).unwrap();
    block(&mut engine);
    assert!(heard(12).iter().all(|part| part.replays.is_empty()));
}

#[test]
fn a_flush_leaves_its_notes_to_the_next_block_and_what_comes_after_it() {
    let (shell, _) = open::<Ear<15, 16>>();
    let config = AudioConfig {
        sample_rate: RATE,
        max_frames: BLOCK,
        layout: 0,
        mode: RenderMode::REALTIME,
        reserved: 0,
    };
    let mut audio = shell.activate(config).unwrap();
    heard(15);
    let events = |list: Vec<HostEvent>| WithTempo(list, u32::MAX, 0);
    let value = HostEvent::param_value(3, host_id("a"), 3.0);
    audio.flush(&events(vec![note(EventKind::NOTE_ON, 30, 60), value]), &mut ());
    assert!(heard(15).is_empty(), "a flush runs nothing");
    assert_eq!(shell.param_value(host_id("a")), Some(3.0));
    Patchbay::new(1, BLOCK).with(&[], &[], |block| {
        audio.process(block, &events(vec![note(EventKind::NOTE_ON, 0, 61)]), &mut ());
        audio.process(block, &(), &mut ());
    });
    let notes: Vec<_> = heard(15).iter().flat_map(|part| part.notes.clone()).collect();
    assert_eq!(notes, [(0, 60), (0, 61)], "once, and before the block's own");
    shell.deactivate(audio);
}
