use super::*;

fn list(events: &[RawEvent]) -> EventList<'_> {
    EventList::new(RawEvents::without_sysex(events))
}

#[test]
fn midi_notes_arrive_as_notes() {
    let events = [
        RawEvent::midi(3, 0, [0x92, 60, 127]),
        RawEvent::midi(4, 0, [0x92, 60, 0]),
        RawEvent::midi(5, 0, [0xb0, 64, 127]),
    ];
    let note = NoteRef { port: 0, channel: 2, key: 60, id: -1 };
    let seen: Vec<_> = list(&events).iter().collect();
    assert_eq!(seen[0], Event::NoteOn { time: 3, note, velocity: 1.0, replay: None });
    assert_eq!(seen[1], Event::NoteOff { time: 4, note, velocity: 0.5 });
    assert_eq!(seen[2], Event::Midi { time: 5, port: 0, bytes: [0xb0, 64, 127] });
}

#[test]
fn wildcards_mean_every_voice_and_ids_tell_voices_of_one_key_apart() {
    let voice = NoteRef { port: 0, channel: 3, key: 60, id: 7 };
    let any = NoteRef { port: -1, channel: -1, key: -1, id: -1 };
    assert!(any.matches(&voice));
    assert!(NoteRef { key: 60, ..any }.matches(&voice));
    assert!(!NoteRef { key: 61, ..any }.matches(&voice));
    assert!(!NoteRef { id: 8, ..any }.matches(&voice));
    let midi = NoteRef { id: -1, ..voice };
    assert!(NoteRef { id: 8, ..midi }.matches(&midi));
}

#[test]
fn events_survive_the_boundary_and_back() {
    let note = NoteRef { port: 1, channel: 2, key: 3, id: 4 };
    let events = [
        Event::NoteOn { time: 1, note, velocity: 0.5, replay: None },
        Event::NoteOff { time: 2, note, velocity: 0.25 },
        Event::Choke { time: 3, note },
        Event::NoteEnd { time: 4, note },
        Event::Expression { time: 5, note, expression: Expression::Tuning, value: -2.5 },
        Event::Expression { time: 5, note, expression: Expression::Other(99), value: 1.0 },
        Event::Param { time: 6, id: 77, value: 0.3, note: None },
        Event::Modulation { time: 6, id: 77, offset: -0.3, note: None },
        Event::Param { time: 6, id: 77, value: 0.3, note: Some(note) },
        Event::Modulation { time: 6, id: 77, offset: -0.3, note: Some(NoteRef { id: -1, ..note }) },
        Event::Midi { time: 7, port: 0, bytes: [0xe0, 1, 2] },
        Event::Midi2 { time: 8, port: 0, words: [1, 2, 3, u32::MAX] },
    ];
    for event in events {
        let raw = event.encode().unwrap();
        assert_eq!(Event::decode(&raw, &[]), Some(event));
    }
    let unknown = RawEvent::new(EventKind(999), 0);
    assert_eq!(Event::decode(&unknown, &[]), None);
}

#[test]
fn runs_cover_every_frame_once_and_every_event_once() {
    let at = |time| RawEvent::midi(time, 0, [0xb0, 1, 1]);
    let events = [at(0), at(0), at(10), at(63), at(64), at(200)];
    let (mut frames, mut seen) = (Vec::new(), 0);
    for (range, events) in list(&events).runs(64) {
        seen += events.iter().count();
        if let Some(first) = events.iter().next() {
            assert_eq!(first.time().min(64) as usize, range.start);
        }
        frames.extend(range);
    }
    assert_eq!(frames, (0..64).collect::<Vec<_>>());
    assert_eq!(seen, 6);
    let mut runs = list(&[]).runs(64).map(|(range, _)| range);
    assert_eq!((runs.next(), runs.next()), (Some(0..64), None));
}
