//! Every kind of event in and out, as hosts and logics really send them.

#![allow(clippy::disallowed_types, reason = "the test's own thread")]

use std::sync::Arc;

use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event, EventKind};
use hotshell_core::shell::Outcome;
use parking_lot::Mutex;
use vst3::ComWrapper;
use vst3::Steinberg::Vst::{
    DataEvent, Event as RawEvent, Event__type0, NoteExpressionValueEvent, NoteOffEvent, NoteOnEvent,
    PolyPressureEvent, ProcessData,
};
use vst3::Steinberg::kResultOk;

use crate::entry::bench::{Bench, Events, Stream, empty_block, raw};
use crate::events::{MOST_EVENTS, PRESSURE};

type Seen = Arc<Mutex<Vec<Event>>>;

fn listening() -> (Bench, Seen) {
    let seen = Seen::default();
    let heard = Arc::clone(&seen);
    let bench = Bench::active_with(|script| {
        script.on_block(move |_, input, _| {
            heard.lock().extend((0..input.len()).filter_map(|index| input.event(index)));
            Outcome::default()
        });
    });
    (bench, seen)
}

fn event(kind: u16, field: Event__type0) -> RawEvent {
    RawEvent { busIndex: 0, sampleOffset: 3, ppqPosition: 0.0, flags: 0, r#type: kind, __field0: field }
}

fn on(tuning: f32) -> RawEvent {
    let note = NoteOnEvent { channel: 1, pitch: 60, tuning, velocity: 0.5, length: 0, noteId: 7 };
    event(0, Event__type0 { noteOn: note })
}

fn off(pitch: i16, channel: i16) -> RawEvent {
    let note = NoteOffEvent { channel, pitch, velocity: 0.25, noteId: 7, tuning: 0.0 };
    event(1, Event__type0 { noteOff: note })
}

fn hear(events: &[RawEvent]) -> Vec<Event> {
    let (bench, seen) = listening();
    let list = ComWrapper::new(Events::default());
    list.0.lock().extend_from_slice(events);
    let mut left = [0.0_f32; 64];
    let mut pointers = [left.as_mut_ptr()];
    let mut output = super::tests::bus(&mut pointers);
    let mut block =
        ProcessData { numOutputs: 1, outputs: &raw mut output, inputEvents: raw(&list), ..empty_block(64) };
    assert_eq!(bench.process(&mut block), kResultOk);
    std::mem::take(&mut *seen.lock())
}

#[test]
fn a_release_of_any_key_or_channel_is_a_wildcard_and_a_note_that_begins_there_is_none() {
    let heard = hear(&[off(-1, 1), off(60, -1), off(-77, -77)]);
    let places: Vec<(i16, i16)> = heard.iter().map(|event| (event.key, event.channel)).collect();
    assert_eq!(places, [(-1, 1), (60, -1), (-1, -1)]);
    assert!(heard.iter().all(|event| event.kind == EventKind::NOTE_OFF && event.note_id == 7));
    let mut nowhere = on(0.0);
    nowhere.__field0.noteOn.pitch = -1;
    assert!(hear(&[nowhere, off(128, 0), off(60, 16)]).is_empty());
}

#[test]
fn events_that_find_no_room_are_told_to_the_author_once() {
    let (bench, seen) = listening();
    let list = ComWrapper::new(Events::default());
    list.0.lock().resize_with(MOST_EVENTS + 7, || off(60, 0));
    let mut left = [0.0_f32; 64];
    let mut pointers = [left.as_mut_ptr()];
    let mut output = super::tests::bus(&mut pointers);
    let mut block =
        ProcessData { numOutputs: 1, outputs: &raw mut output, inputEvents: raw(&list), ..empty_block(64) };
    assert_eq!(bench.process(&mut block), kResultOk);
    assert_eq!(seen.lock().len(), MOST_EVENTS);
    let told = || {
        bench.script.take_calls();
        bench.set_state(Stream::over(b"a state"));
        let calls = bench.script.take_calls();
        calls.into_iter().filter(|call| call.starts_with("log Warning 7 of the host's events")).count()
    };
    assert_eq!([told(), told()], [1, 0]);
}

#[test]
fn a_note_s_own_tuning_follows_it_in_semitones() {
    let heard = hear(&[on(50.0), on(0.0), on(f32::NAN)]);
    let kinds: Vec<EventKind> = heard.iter().map(|event| event.kind).collect();
    let (note, tuned) = (EventKind::NOTE_ON, EventKind::NOTE_EXPRESSION);
    assert_eq!(kinds, [note, tuned, note, note]);
    assert_eq!((heard[1].id, heard[1].value, heard[1].note_id), (2, 0.5, 7));
}

#[test]
fn pressure_expressions_and_system_exclusives_arrive_and_nonsense_does_not() {
    let expression = |kind, value| {
        let field = NoteExpressionValueEvent { typeId: kind, noteId: 7, value };
        event(4, Event__type0 { noteExpressionValue: field })
    };
    let pressure = PolyPressureEvent { channel: 0, pitch: 61, pressure: 0.75, noteId: -1 };
    let bytes = [0xf0_u8, 1, 0xf7];
    let sysex = |bytes: &[u8], kind| {
        let field = DataEvent { size: 3, r#type: kind, bytes: bytes.as_ptr() };
        event(2, Event__type0 { data: field })
    };
    let mut nothing = sysex(&bytes, 0);
    nothing.__field0.data.bytes = std::ptr::null();
    let heard = hear(&[
        expression(2, 0.55),
        expression(PRESSURE, 1.0),
        expression(77, 0.5),
        expression(1, f64::NAN),
        event(3, Event__type0 { polyPressure: pressure }),
        sysex(&bytes, 0),
        sysex(&bytes, 9),
        nothing,
        event(999, Event__type0 { polyPressure: pressure }),
    ]);
    let kinds: Vec<(EventKind, u32)> = heard.iter().map(|event| (event.kind, event.id)).collect();
    let expressed = EventKind::NOTE_EXPRESSION;
    assert_eq!(kinds[..3], [(expressed, 2), (expressed, 6), (expressed, 6)]);
    assert!((heard[0].value - 12.0).abs() < 1e-9, "semitones");
    assert_eq!((heard[2].key, heard[2].value), (61, 0.75));
    assert_eq!((heard.len(), heard[3].kind), (4, EventKind::SYSEX));
}

#[test]
fn a_live_note_says_so() {
    let live = RawEvent { flags: 1, ..on(0.0) };
    assert_eq!(hear(&[live])[0].flags & Event::LIVE, Event::LIVE);
    assert_eq!(hear(&[on(0.0)])[0].flags & Event::LIVE, 0);
}

fn at(channel: i16, key: i16, note_id: i32) -> NoteAddress {
    NoteAddress { port: 0, channel, key, note_id }
}

/// What the host gets for what a logic sends, and whether the logic was told that it fitted.
fn say(events: &[Event]) -> (Vec<RawEvent>, Vec<bool>) {
    let answers = Arc::new(Mutex::new(Vec::new()));
    let (said, events) = (Arc::clone(&answers), events.to_vec());
    let bench = Bench::active_with(|script| {
        script.on_block(move |_, _, output| {
            said.lock().extend(events.iter().map(|event| output.send(event, &[])));
            Outcome::default()
        });
    });
    let list = ComWrapper::new(Events::default());
    let mut left = [0.0_f32; 64];
    let mut pointers = [left.as_mut_ptr()];
    let mut output = super::tests::bus(&mut pointers);
    let mut block =
        ProcessData { numOutputs: 1, outputs: &raw mut output, outputEvents: raw(&list), ..empty_block(64) };
    assert_eq!(bench.process(&mut block), kResultOk);
    let (got, said) = (list.0.lock().clone(), answers.lock().clone());
    (got, said)
}

fn keys_let_go(got: &[RawEvent]) -> Vec<i16> {
    let offs = got.iter().filter(|event| event.r#type == 1);
    // SAFETY: a note off has this field.
    offs.map(|event| unsafe { event.__field0.noteOff.pitch }).collect()
}

#[test]
fn a_release_of_any_key_becomes_one_for_each_note_that_sounds_there() {
    let on = |channel, key, id| Event::note(EventKind::NOTE_ON, 0, at(channel, key, id), 1.0);
    let off = |kind, channel, key, id| Event::note(kind, 5, at(channel, key, id), 0.0);
    let (stop, choke) = (EventKind::NOTE_OFF, EventKind::NOTE_CHOKE);
    let notes = [on(0, 60, -1), on(0, 64, 9), on(1, 67, -1)];
    for (wanted, keys) in [
        (off(stop, 0, -1, -1), vec![60, 64]),
        (off(choke, -1, -1, -1), vec![60, 64, 67]),
        (off(stop, 0, -1, 9), vec![64]),
        (off(stop, 0, 60, -1), vec![60]),
        (off(stop, 3, 80, -1), vec![80]),
    ] {
        let mut all = notes.to_vec();
        all.extend([wanted, off(stop, 0, -1, -1)]);
        let (got, said) = say(&all);
        assert_eq!(keys_let_go(&got)[..keys.len()], keys, "{wanted:?}");
        let mut each = keys_let_go(&got);
        each.retain(|key| *key == 60);
        assert_eq!(each, [60], "nothing is let go twice");
        assert_eq!(said, [true; 5]);
    }
}

#[test]
fn an_expression_goes_to_ids_and_what_vst3_cannot_say_is_not_called_sent() {
    let on = |key, id| Event::note(EventKind::NOTE_ON, 0, at(0, key, id), 1.0);
    let bend = |key, id| Event { id: 2, ..Event::note(EventKind::NOTE_EXPRESSION, 1, at(0, key, id), 1.0) };
    let modulation = Event { kind: EventKind::PARAM_MOD, ..Event::param_value(2, 10, 0.5) };
    let gesture = |kind| Event { kind, ..Event::param_value(2, 10, 0.0) };
    let (got, said) = say(&[
        on(60, 4),
        on(64, -1),
        bend(60, -1),
        bend(-1, 4),
        bend(64, -1),
        gesture(EventKind::GESTURE_BEGIN),
        gesture(EventKind::GESTURE_END),
        modulation,
    ]);
    let bends = got.iter().filter(|event| event.r#type == 4);
    // SAFETY: a note expression has this field.
    let ids: Vec<i32> = bends.map(|event| unsafe { event.__field0.noteExpressionValue.noteId }).collect();
    assert_eq!(ids, [4, 4]);
    assert_eq!(said, [true, true, true, true, false, true, true, false]);
}
