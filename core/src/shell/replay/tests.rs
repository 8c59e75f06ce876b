use super::*;

fn at(key: i16, note_id: i32) -> NoteAddress {
    NoteAddress { port: 0, channel: 0, key, note_id }
}

fn on(key: i16, note_id: i32) -> Event {
    Event::note(EventKind::NOTE_ON, 0, at(key, note_id), 0.8)
}

fn off(key: i16, note_id: i32) -> Event {
    Event::note(EventKind::NOTE_OFF, 0, at(key, note_id), 0.0)
}

fn replayed(past: &Past) -> Vec<Event> {
    let mut out = Vec::with_capacity(Past::most_events());
    past.replay(true, 0, &mut out);
    assert!(out.iter().all(|event| event.time == 0 && event.flags & Event::REPLAY != 0));
    out
}

#[test]
fn held_notes_come_back_with_their_age_and_released_ones_do_not() {
    let mut past = Past::new();
    past.observe(&on(60, 1), 10);
    past.observe(&on(64, 2), 20);
    past.advance(100);
    past.observe(&off(64, 2), 0);
    past.advance(100);
    let events = replayed(&past);
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].kind, events[0].key, events[0].data[0]), (EventKind::NOTE_ON, 60, 190));
}

#[test]
fn pedalled_notes_come_back_held_by_the_pedal_until_it_rises() {
    let mut past = Past::new();
    past.observe(&Event::midi(0, 0, [0xb0, 64, 127]), 0);
    past.observe(&on(60, 1), 0);
    past.observe(&off(60, 1), 0);
    let kinds: Vec<EventKind> = replayed(&past).iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::MIDI, EventKind::NOTE_ON, EventKind::NOTE_OFF]);
    past.observe(&Event::midi(0, 0, [0xb0, 64, 0]), 0);
    let kinds: Vec<EventKind> = replayed(&past).iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::MIDI]);
}

#[test]
fn wildcard_releases_and_chokes_end_every_note_they_mean() {
    let mut past = Past::new();
    past.observe(&on(60, 1), 0);
    past.observe(&on(61, 2), 0);
    past.observe(
        &Event::note(
            EventKind::NOTE_CHOKE,
            0,
            NoteAddress { port: -1, channel: -1, key: 61, note_id: -1 },
            0.0,
        ),
        0,
    );
    assert_eq!(replayed(&past).len(), 1);
    past.observe(
        &Event::note(
            EventKind::NOTE_OFF,
            0,
            NoteAddress { port: -1, channel: -1, key: -1, note_id: -1 },
            0.0,
        ),
        0,
    );
    assert!(replayed(&past).is_empty());
}

#[test]
fn midi_notes_are_replayed_as_midi_after_their_channel_state() {
    let mut past = Past::new();
    for bytes in [[0x91, 60, 100], [0xe1, 3, 70], [0xb1, 1, 44], [0xc1, 9, 0]] {
        past.observe(&Event::midi(0, 0, bytes), 0);
    }
    let bytes: Vec<[u8; 3]> = replayed(&past).iter().map(Event::midi_bytes).collect();
    assert_eq!(bytes, [[0xc1, 9, 0], [0xb1, 1, 44], [0xe1, 3, 70], [0x91, 60, 100]]);
    past.observe(&Event::midi(0, 0, [0x81, 60, 0]), 0);
    assert_eq!(replayed(&past).len(), 3);
}

#[test]
fn expressions_and_voice_modulation_follow_their_note() {
    let mut past = Past::new();
    past.observe(&on(60, 1), 0);
    let mut tuning = Event::note(EventKind::NOTE_EXPRESSION, 0, at(60, 1), 2.5);
    tuning.id = 2;
    past.observe(&tuning, 0);
    let mut modulation = Event::note(EventKind::PARAM_MOD, 0, at(60, 1), 0.25);
    modulation.id = 77;
    past.observe(&modulation, 0);
    let events = replayed(&past);
    assert_eq!(events.len(), 3);
    assert_eq!((events[1].kind, events[1].id, events[1].value), (EventKind::NOTE_EXPRESSION, 2, 2.5));
    assert_eq!((events[2].kind, events[2].id, events[2].value), (EventKind::PARAM_MOD, 77, 0.25));
    past.observe(&off(60, 1), 0);
    assert!(replayed(&past).is_empty());
}

#[test]
fn notes_switched_on_downstream_are_closed_once() {
    let mut past = Past::new();
    past.observe_output(&on(60, 1));
    past.observe_output(&Event::midi(0, 0, [0x92, 50, 90]));
    past.observe_output(&on(62, 3));
    past.observe_output(&off(62, 3));
    let mut closed = Vec::new();
    past.close_downstream(7, |event| closed.push(event));
    assert_eq!(closed.len(), 2);
    assert_eq!((closed[0].kind, closed[0].key, closed[0].time), (EventKind::NOTE_OFF, 60, 7));
    assert_eq!(closed[1].midi_bytes(), [0x82, 50, 64]);
    past.close_downstream(0, |_| panic!("nothing is left to close"));
}

#[test]
fn a_thousand_notes_never_grow_the_memory() {
    let mut past = Past::new();
    for id in 0..1000 {
        past.observe(&on(i16::try_from(id % 128).unwrap(), id), 0);
        past.observe_output(&on(60, id));
    }
    assert_eq!(past.held.capacity(), NOTES);
    assert_eq!(past.downstream.capacity(), NOTES);
    assert!(replayed(&past).len() <= Past::most_events());
}
