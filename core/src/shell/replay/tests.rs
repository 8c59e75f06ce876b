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

#[test]
fn channel_state_belongs_to_its_port_and_so_does_the_pedal() {
    let mut past = Past::new();
    past.observe(&Event::midi(0, 1, [0xb0, 1, 44]), 0);
    past.observe(&Event::midi(0, 0, [0xb0, 1, 45]), 0);
    past.observe(&Event::midi(0, 1, [0xb0, 64, 127]), 0);
    past.observe(&Event::midi(0, 0, [0x90, 60, 100]), 0);
    past.observe(&Event::midi(0, 1, [0x90, 61, 100]), 0);
    past.observe(&Event::midi(0, 0, [0x80, 60, 0]), 0);
    past.observe(&Event::midi(0, 1, [0x80, 61, 0]), 0);
    let of = |port| {
        let events = replayed(&past);
        let bytes = events.iter().filter(|event| event.port == port).map(Event::midi_bytes);
        bytes.collect::<Vec<_>>()
    };
    assert_eq!(of(0), [[0xb0, 1, 45]]);
    assert_eq!(of(1), [[0xb0, 1, 44], [0xb0, 64, 127], [0x90, 61, 100], [0x80, 61, 64]]);
}

#[test]
fn polyphonic_pressure_follows_its_note() {
    let mut past = Past::new();
    for bytes in [[0x92, 60, 100], [0x92, 61, 100], [0xa2, 60, 33]] {
        past.observe(&Event::midi(0, 0, bytes), 0);
    }
    let bytes: Vec<[u8; 3]> = replayed(&past).iter().map(Event::midi_bytes).collect();
    assert_eq!(bytes, [[0x92, 60, 100], [0xa2, 60, 33], [0x92, 61, 100]]);
    past.observe(&Event::midi(0, 0, [0x82, 60, 0]), 0);
    assert_eq!(replayed(&past).len(), 1);
}

/// A packet of MIDI 2 on channel 3.
fn ump(status: u32, index: u32, value: u32) -> Event {
    let first = 0x4000_0000 | (status << 20) | (3 << 16) | (index << 8);
    Event {
        data: [u64::from(first) | (u64::from(value) << 32), 0],
        port: 0,
        ..Event::new(EventKind::MIDI2, 0)
    }
}

#[test]
fn midi_2_comes_back_as_midi_2_the_latest_of_everything_and_notes_that_sound() {
    let mut past = Past::new();
    let (modulation, bend) = (ump(0xb, 1, 7), ump(0xe, 0, 9));
    let (one, two, pressure) = (ump(0x9, 60, 1), ump(0x9, 61, 2), ump(0xa, 60, 5));
    for event in [ump(0xb, 1, 3), modulation, bend, one, two, pressure, ump(0xa, 61, 6), ump(0x8, 61, 0)] {
        past.observe(&event, 0);
    }
    let events = replayed(&past);
    assert!(events.iter().all(|event| event.kind == EventKind::MIDI2));
    let data: Vec<u64> = events.iter().map(|event| event.data[0]).collect();
    assert_eq!(data, [modulation, bend, one, pressure].map(|event| event.data[0]));
}

#[test]
fn a_midi_2_pedal_holds_and_lets_go() {
    let mut past = Past::new();
    for event in [ump(0xb, 64, u32::MAX), ump(0x9, 60, 1), ump(0x8, 60, 0)] {
        past.observe(&event, 0);
    }
    let events = replayed(&past);
    assert_eq!(events.len(), 3, "pedal, note, its release: {events:?}");
    assert_eq!(events[2].data[0], ump(0x8, 60, 0x8000_0000).data[0]);
    past.observe(&ump(0xb, 64, 0), 0);
    assert_eq!(replayed(&past).len(), 1, "only the pedal's position");
}

#[test]
fn more_channels_and_packets_than_fit_never_grow_the_memory() {
    let mut past = Past::new();
    for port in 0..100 {
        for channel in 0..16 {
            past.observe(&Event::midi(0, port, [0xb0 | channel, 1, 2]), 0);
            past.observe(&Event { port, ..ump(0xb, u32::from(channel), 1) }, 0);
        }
    }
    assert_eq!((past.channels.capacity(), past.umps.capacity()), (CHANNELS, UMPS));
    assert!(replayed(&past).len() <= Past::most_events());
}
