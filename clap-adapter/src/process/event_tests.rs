//! Events in both directions: what arrives, what is ignored, in which order answers leave.

#![allow(unsafe_code, reason = "DESIGN 9.9: the host's side of C, for tests of the events of a block")]

use std::sync::mpsc::{Receiver, channel};

use clap_sys::events::*;
use clap_sys::process::clap_process;
use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event, EventKind, Transport};
use hotshell_core::shell::{EventSource, Outcome};

use super::tests::{FRAMES, header, note, poisoned, value};
use crate::entry::bench::{Bench, EventsIn, EventsOut, nothing};

type Seen = (Vec<Option<Event>>, Vec<Option<Transport>>);

/// Everything that one block's shell saw of its events.
fn events_seen(bench: &Bench) -> Receiver<Seen> {
    let (send, receive) = channel();
    bench.script.on_block(move |_, input: &dyn EventSource, _| {
        let events = (0..input.len()).map(|index| input.event(index)).collect();
        let transports = (0..input.len()).map(|index| input.transport(index)).collect();
        send.send((events, transports)).expect("the test listens");
        Outcome::default()
    });
    receive
}

fn run_with(bench: &Bench, events: &[*const clap_event_header]) -> i32 {
    let list = EventsIn(events.to_vec());
    let raw = list.raw();
    bench.process(&clap_process { in_events: &raw const raw, ..nothing(FRAMES) })
}

#[test]
fn a_transport_event_inside_the_block_is_a_transport_and_no_event() {
    let bench = Bench::hot();
    let seen = events_seen(&bench);
    bench.activate();
    let event = clap_event_transport { tempo: 90.0, ..poisoned(CLAP_TRANSPORT_HAS_TEMPO) };
    let other = note(CLAP_EVENT_NOTE_ON, 6, [0, 0, 60], 1, 1.0);
    run_with(&bench, &[&raw const event.header, &raw const other.header]);
    let (events, transports) = seen.recv().expect("a block");
    assert!(events[0].is_none() && events[1].is_some());
    let transport = transports[0].expect("the first is one");
    assert_eq!((transport.time, transport.tempo), (5, 90.0));
    assert!(transports[1].is_none());
}

#[test]
fn an_event_of_another_namespace_or_of_the_wrong_size_is_ignored() {
    let bench = Bench::hot();
    let seen = events_seen(&bench);
    bench.activate();
    let mut foreign = value(10, 1, 0.5);
    foreign.header.space_id = 0xB33F;
    let mut short = value(10, 1, 0.5);
    short.header.size = 16;
    let mut unknown = value(10, 1, 0.5);
    unknown.header.type_ = 999;
    let mut transport = poisoned(0);
    transport.header.space_id = 0xB33F;
    run_with(
        &bench,
        &[
            &raw const foreign.header,
            &raw const short.header,
            &raw const unknown.header,
            &raw const transport.header,
            std::ptr::null(),
        ],
    );
    let (events, transports) = seen.recv().expect("a block");
    assert_eq!(events, [None; 5]);
    assert_eq!(transports, [None; 5]);
}

#[test]
fn parameter_events_carry_their_cookie_or_none_and_any_value() {
    let bench = Bench::hot();
    let seen = events_seen(&bench);
    bench.activate();
    let (with, without, wild) = (value(10, 1, 0.5), value(10, 0, -3.0), value(10, usize::MAX, f64::NAN));
    let modulation = clap_event_param_mod {
        header: clap_event_header {
            flags: CLAP_EVENT_IS_LIVE,
            ..header::<clap_event_param_mod>(CLAP_EVENT_PARAM_MOD, 9)
        },
        param_id: 10,
        cookie: std::ptr::null_mut(),
        note_id: 5,
        port_index: -1,
        channel: -7,
        key: 60,
        amount: 0.125,
    };
    let list = [
        &raw const with.header,
        &raw const without.header,
        &raw const wild.header,
        &raw const modulation.header,
    ];
    run_with(&bench, &list);
    let events: Vec<Event> = seen.recv().expect("a block").0.into_iter().flatten().collect();
    assert_eq!(events.iter().map(|event| event.data[1]).collect::<Vec<_>>(), [1, 0, usize::MAX as u64, 0]);
    assert_eq!((events[1].value, events[1].time), (-3.0, 4), "the shell clamps, the adapter does not hide");
    assert!(events[2].value.is_nan());
    let poly = events[3];
    assert_eq!((poly.kind, poly.value, poly.flags), (EventKind::PARAM_MOD, 0.125, Event::LIVE));
    assert_eq!((poly.note_id, poly.key, poly.channel, poly.port), (5, 60, -1, -1));
    assert!(poly.is_per_voice());
}

#[test]
fn notes_keep_their_wildcards_and_a_choke_loses_its_nan() {
    let bench = Bench::hot();
    let seen = events_seen(&bench);
    bench.activate();
    let on = note(CLAP_EVENT_NOTE_ON, 0, [0, 1, 60], 5, 7.0);
    let off = note(CLAP_EVENT_NOTE_OFF, 1, [-1, -1, -1], -1, 0.5);
    let choke = note(CLAP_EVENT_NOTE_CHOKE, 99, [-2, -3, 60], -4, f64::NAN);
    let nobody = note(CLAP_EVENT_NOTE_ON, 2, [0, 0, -1], 6, 1.0);
    let beyond = note(CLAP_EVENT_NOTE_OFF, 2, [0, 16, 60], 6, 1.0);
    let ended = note(CLAP_EVENT_NOTE_END, 2, [0, 0, 60], 6, 1.0);
    let list = [&on, &off, &choke, &nobody, &beyond, &ended].map(|event| &raw const event.header);
    run_with(&bench, &list);
    let events = seen.recv().expect("a block").0;
    let at = |port, channel, key, note_id| NoteAddress { port, channel, key, note_id };
    assert_eq!(events[0], Some(Event::note(EventKind::NOTE_ON, 0, at(0, 1, 60, 5), 1.0)));
    assert_eq!(events[1], Some(Event::note(EventKind::NOTE_OFF, 1, at(-1, -1, -1, -1), 0.5)));
    let last = FRAMES - 1;
    assert_eq!(
        events[2],
        Some(Event::note(EventKind::NOTE_CHOKE, last, at(-1, -1, 60, -1), 0.0)),
        "late: the last frame"
    );
    assert_eq!(events[3..], [None; 3]);
}

#[test]
fn all_seven_expressions_arrive_and_senseless_ones_do_not() {
    let bench = Bench::hot();
    let seen = events_seen(&bench);
    bench.activate();
    let expression = |expression_id, value| clap_event_note_expression {
        header: header::<clap_event_note_expression>(CLAP_EVENT_NOTE_EXPRESSION, 0),
        expression_id,
        note_id: -1,
        port_index: 0,
        channel: 0,
        key: 60,
        value,
    };
    let events: Vec<_> =
        (-1..=7).map(|id| expression(id, 0.5)).chain([expression(0, f64::INFINITY)]).collect();
    let list: Vec<_> = events.iter().map(|event| &raw const event.header).collect();
    run_with(&bench, &list);
    let ids: Vec<_> =
        seen.recv().expect("a block").0.into_iter().map(|event| event.map(|event| event.id)).collect();
    assert_eq!(ids, [None, Some(0), Some(1), Some(2), Some(3), Some(4), Some(5), Some(6), None, None]);
}

#[test]
fn midi_one_two_and_system_exclusives_arrive_whole() {
    let bench = Bench::hot();
    let (send, seen) = channel();
    bench.script.on_block(move |_, input, _| {
        let events: Vec<_> = (0..input.len()).map(|index| input.event(index)).collect();
        // SAFETY: the call that carries it has not returned.
        let bytes = events[3].map(|event| unsafe { event.sysex_bytes() }.to_vec());
        send.send((events, bytes)).expect("the test listens");
        Outcome::default()
    });
    bench.activate();
    let midi =
        |data| clap_event_midi { header: header::<clap_event_midi>(CLAP_EVENT_MIDI, 0), port_index: 1, data };
    let (good, bad) = (midi([0xB0, 64, 127]), midi([0x40, 1, 2]));
    let data = [0x4090_3C00, 0xFFFF_0000, 3, 4];
    let two =
        clap_event_midi2 { header: header::<clap_event_midi2>(CLAP_EVENT_MIDI2, 0), port_index: 0, data };
    let bytes = [0xF0_u8, 1, 2, 0xF7];
    let exclusive = |buffer, size| clap_event_midi_sysex {
        header: header::<clap_event_midi_sysex>(CLAP_EVENT_MIDI_SYSEX, 0),
        port_index: 0,
        buffer,
        size,
    };
    let (whole, null) = (exclusive(bytes.as_ptr(), 4), exclusive(std::ptr::null(), 4));
    run_with(
        &bench,
        &[
            &raw const good.header,
            &raw const bad.header,
            &raw const two.header,
            &raw const whole.header,
            &raw const null.header,
        ],
    );
    let (events, copied) = seen.recv().expect("a block");
    let first = events[0].expect("MIDI 1");
    assert_eq!((first.midi_bytes(), first.port), ([0xB0, 64, 127], 1));
    assert!(events[1].is_none(), "no status byte, no message");
    assert_eq!(events[2].expect("MIDI 2").data, [0xFFFF_0000_4090_3C00, 4 << 32 | 3]);
    assert_eq!(copied.as_deref(), Some(&bytes[..]));
    assert!(events[4].is_none());
}

#[test]
fn output_events_leave_in_order_inside_the_block_in_every_kind() {
    let bench = Bench::hot();
    bench.script.on_block(|_, _, output| {
        let at = NoteAddress { port: 0, channel: 1, key: 60, note_id: 9 };
        let mut gesture = Event::new(EventKind::GESTURE_BEGIN, 3);
        gesture.id = 10;
        assert!(output.send(&gesture, &[]));
        let mut value = Event::param_value(2, 10, 0.75);
        value.flags = Event::DONT_RECORD;
        assert!(output.send(&value, &[]), "earlier than the one before: moved up to it");
        gesture.kind = EventKind::GESTURE_END;
        assert!(output.send(&gesture, &[]));
        assert!(output.send(&Event::note(EventKind::NOTE_END, 5, at, 0.0), &[]));
        assert!(output.send(&Event::note(EventKind::NOTE_ON, 5, at, f64::NAN), &[]));
        assert!(output.send(&Event::midi(900, 0, [0x90, 1, 2]), &[]));
        let mut two = Event::new(EventKind::MIDI2, 1);
        two.data = [0xFFFF_0000_4090_3C00, 4 << 32 | 3];
        assert!(output.send(&two, &[]));
        let mut expression = Event::note(EventKind::NOTE_EXPRESSION, 0, at, 0.5);
        expression.id = 4;
        assert!(output.send(&expression, &[]));
        assert!(output.send(&Event::new(EventKind::SYSEX, 0), &[0xF0, 0xF7]));
        assert!(!output.send(&Event::param_value(0, 10, f64::NAN), &[]), "no number");
        assert!(!output.send(&Event::new(EventKind(77), 0), &[]), "no kind");
        assert!(!output.send(&gesture, &[]), "no room");
        Outcome::default()
    });
    bench.activate();
    let list = EventsOut::new(9);
    let raw = list.raw();
    bench.process(&clap_process { out_events: &raw const raw, ..nothing(FRAMES) });
    let last = FRAMES - 1;
    let expected = [
        (CLAP_EVENT_PARAM_GESTURE_BEGIN, 3, 0),
        (CLAP_EVENT_PARAM_VALUE, 3, CLAP_EVENT_DONT_RECORD),
        (CLAP_EVENT_PARAM_GESTURE_END, 3, 0),
        (CLAP_EVENT_NOTE_END, 5, 0),
        (CLAP_EVENT_NOTE_ON, 5, 0),
        (CLAP_EVENT_MIDI, last, 0),
        (CLAP_EVENT_MIDI2, last, 0),
        (CLAP_EVENT_NOTE_EXPRESSION, last, 0),
        (CLAP_EVENT_MIDI_SYSEX, last, 0),
    ];
    assert_eq!(*list.seen.lock(), expected);
    let two = &list.bytes.lock()[6];
    // SAFETY: the event said its size; read unaligned from the copy.
    let two = unsafe { two.as_ptr().cast::<clap_event_midi2>().read_unaligned() };
    assert_eq!(two.data, [0x4090_3C00, 0xFFFF_0000, 3, 4]);
}

#[test]
fn without_an_output_list_events_are_refused_and_nothing_breaks() {
    let bench = Bench::hot();
    let (send, seen) = channel();
    bench.script.on_block(move |_, _, output| {
        send.send(output.send(&Event::param_value(0, 10, 0.5), &[])).expect("the test listens");
        Outcome::default()
    });
    bench.activate();
    bench.process(&nothing(FRAMES));
    assert_eq!(seen.recv(), Ok(false));
}
