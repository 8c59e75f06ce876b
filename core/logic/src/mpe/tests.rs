use super::*;
use crate::events::{Event as Seen, Expression};

fn midi(bytes: [u8; 3]) -> Event {
    Event::midi(0, 0, bytes)
}

/// The lower zone with `members` channels.
fn zone(members: u8) -> [Event; 3] {
    [midi([0xb0, 101, 0]), midi([0xb0, 100, 6]), midi([0xb0, 6, members])]
}

fn run(mpe: &mut Normaliser, events: &[Event]) -> Vec<Seen<'static>> {
    mpe.run(events).iter().filter_map(|event| Seen::decode(event, &[])).collect()
}

fn tuning(seen: &Seen<'_>) -> Option<(i16, f64)> {
    match seen {
        Seen::Expression { note, expression: Expression::Tuning, value, .. } => Some((note.channel, *value)),
        _ => None,
    }
}

#[test]
fn without_a_zone_every_message_stays_as_it_is() {
    let mut mpe = Normaliser::new();
    let events = [midi([0xe3, 0, 127]), midi([0xd3, 9, 0]), midi([0x93, 60, 100])];
    assert_eq!(mpe.run(&events), events);
}

#[test]
fn a_members_bend_is_its_notes_tuning_and_the_masters_is_added() {
    let mut mpe = Normaliser::new();
    run(&mut mpe, &zone(15));
    let full_down = midi([0xe2, 0, 0]);
    assert_eq!(tuning(&run(&mut mpe, &[full_down])[0]), Some((2, -48.0)));
    let seen = run(&mut mpe, &[midi([0xe0, 0, 96])]);
    assert!(matches!(seen[0], Seen::Midi { .. }), "the master's own bend stays");
    let tunings: Vec<_> = seen.iter().filter_map(tuning).collect();
    assert_eq!(tunings.len(), 15);
    assert_eq!((tunings[0], tunings[1]), ((1, 1.0), (2, -47.0)));
}

#[test]
fn what_was_said_before_a_note_belongs_to_its_start() {
    let mut mpe = Normaliser::new();
    run(&mut mpe, &zone(4));
    run(&mut mpe, &[midi([0xe1, 0, 96]), midi([0xd1, 127, 0]), midi([0xb1, 74, 0])]);
    let seen = run(&mut mpe, &[midi([0x91, 60, 127])]);
    assert!(matches!(seen[0], Seen::NoteOn { .. }));
    let values: Vec<_> = seen[1..]
        .iter()
        .map(|event| match event {
            Seen::Expression { expression, value, .. } => (*expression, *value),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        values,
        [(Expression::Tuning, 24.0), (Expression::Pressure, 1.0), (Expression::Brightness, 0.0)]
    );
    let outside = midi([0xe5, 0, 0]);
    assert_eq!(mpe.run(&[outside]), [outside], "channel 6 is no member of four");
}

#[test]
fn the_masters_pedal_holds_every_note() {
    let mut mpe = Normaliser::new();
    run(&mut mpe, &zone(3));
    let seen = run(&mut mpe, &[midi([0xb0, 64, 127])]);
    let channels: Vec<_> = seen
        .iter()
        .map(|event| match event {
            Seen::Midi { bytes: [status, 64, 127], .. } => status & 15,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(channels, [0, 1, 2, 3]);
}

#[test]
fn ranges_and_zones_can_be_set_and_a_replay_sets_none() {
    let mut mpe = Normaliser::new();
    run(&mut mpe, &zone(10));
    let range = [midi([0xb1, 101, 0]), midi([0xb1, 100, 0]), midi([0xb1, 6, 24])];
    run(&mut mpe, &range);
    assert_eq!(tuning(&run(&mut mpe, &[midi([0xe7, 0, 0])])[0]), Some((7, -24.0)), "for all members");
    let replayed = Event { flags: Event::REPLAY, ..midi([0xb1, 6, 1]) };
    run(&mut mpe, &[replayed]);
    assert_eq!(tuning(&run(&mut mpe, &[midi([0xe7, 0, 0])])[0]), Some((7, -24.0)));
    let upper = [midi([0xbf, 101, 0]), midi([0xbf, 100, 6]), midi([0xbf, 6, 7])];
    run(&mut mpe, &upper);
    assert_eq!(mpe.state.members, [7, 7], "the later zone takes the channels");
    let (old, mut next) = (*mpe.state(), Normaliser::new());
    next.set_state(old);
    assert_eq!(tuning(&run(&mut next, &[midi([0xee, 0, 0])])[0]), Some((14, -48.0)));
}

#[test]
fn events_are_never_lost_and_memory_never_grows() {
    let mut mpe = Normaliser::new();
    run(&mut mpe, &zone(15));
    for count in [1365, MOST - 1, MOST, MOST + 1] {
        let events = vec![midi([0x91, 60, 127]); count];
        let notes = run(&mut mpe, &events).iter().filter(|e| matches!(e, Seen::NoteOn { .. })).count();
        assert_eq!(notes, count);
    }
    assert_eq!(mpe.out.capacity(), MOST);
}
