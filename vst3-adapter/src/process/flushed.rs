//! Controllers and note offs of flushes in which nothing played: the next block begins with them. VST3 carries controllers
//! as parameters, and hosts flush parameters while a plug-in is inactive; a pedal that goes up there is up.
//!
//! Called by: `process`, `process/bystander`. Calls: the shell's [`Audio`]. Threads: [audio]; `new` allocates: [main].
//!
//! Not note ons: nobody can say when the next block comes.

#![deny(clippy::disallowed_types)]

use std::sync::atomic::{AtomicBool, Ordering};

use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event, EventKind};
use hotshell_core::shell::{Audio, EventSource};

use crate::process::cell::Cell;

/// Most events that wait. Of one controller and of one key only the last one does, so that neither crowds out the rest.
pub(crate) const MOST: usize = 1024;

/// What waits for the next block. Two places: what comes while the first is being handed over has a place of its own, so
/// that neither side ever waits or loses anything for the other's sake.
pub(crate) struct Flushed {
    first: Cell<Waiting>,
    /// What came after all that is in the first.
    second: Cell<Waiting>,
    /// Something waits in the second. Written by whoever holds it.
    overflows: AtomicBool,
    /// Something waits.
    fresh: AtomicBool,
}

struct Waiting(Vec<Event>);

impl EventSource for Waiting {
    fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }
    fn event(&self, index: u32) -> Option<Event> {
        self.0.get(index as usize).copied()
    }
}

impl Flushed {
    /// Nothing yet. Allocates.
    pub(crate) fn new() -> Self {
        let place = || {
            let place = Cell::new();
            place.put(Some(Waiting(Vec::with_capacity(MOST))));
            place
        };
        Self {
            first: place(),
            second: place(),
            overflows: AtomicBool::new(false),
            fresh: AtomicBool::new(false),
        }
    }

    /// Keeps what is worth it; how many found no room. By one thread at a time, beside one that hands over. [audio]
    pub(crate) fn keep(&self, source: &dyn EventSource) -> u32 {
        let kept = || (0..source.len()).filter_map(|index| source.event(index)).filter(is_kept);
        if kept().next().is_none() {
            return 0;
        }
        let add = |waiting: &mut Waiting| -> u32 { kept().map(|event| u32::from(!waiting.add(event))).sum() };
        let to_first = || self.first.try_with(add);
        let to_second = || {
            self.second.try_with(|waiting| {
                self.overflows.store(true, Ordering::Relaxed);
                add(waiting)
            })
        };
        // Whoever hands over goes from the first to the second, once: a new turn begins only where something was kept. So
        // of three tries one finds its place free. None goes to the first while something older waits in the second.
        let lost = if self.overflows.load(Ordering::Relaxed) {
            to_second().or_else(to_first)
        } else {
            to_first().or_else(to_second).or_else(to_first)
        };
        self.fresh.store(true, Ordering::Release);
        lost.unwrap_or_else(|| u32::try_from(kept().count()).unwrap_or(u32::MAX))
    }

    /// Gives what waits to `audio`, whose next block begins with it. [audio]
    pub(crate) fn hand_over(&self, audio: &mut dyn Audio) {
        if !self.fresh.load(Ordering::Relaxed) || !self.fresh.swap(false, Ordering::Acquire) {
            return;
        }
        let first = self.first.try_with(|waiting| waiting.hand_over(audio));
        let second = first.and_then(|()| {
            self.second.try_with(|waiting| {
                waiting.hand_over(audio);
                self.overflows.store(false, Ordering::Relaxed);
            })
        });
        if second.is_none() {
            // Somebody adds to it: the next block.
            self.fresh.store(true, Ordering::Release);
        }
    }
}

#[cfg(test)]
impl Flushed {
    /// Runs `call` while somebody adds to what waits, and something does, for the test that plays on meanwhile.
    pub(crate) fn while_held<R>(&self, call: impl FnOnce() -> R) -> R {
        self.first.with(|_| {
            self.second.with(|_| {
                self.fresh.store(true, Ordering::Release);
                call()
            })
        })
    }
}

impl Waiting {
    fn hand_over(&mut self, audio: &mut dyn Audio) {
        if !self.0.is_empty() {
            audio.flush(self, &mut ());
            self.0.clear();
        }
    }

    /// Of a controller or a key the last event counts; its place is the last one. False if there is no room.
    fn add(&mut self, event: Event) -> bool {
        let own = subject(&event);
        if let Some(place) = own.and_then(|own| self.0.iter().position(|other| subject(other) == Some(own))) {
            self.0.remove(place);
        }
        let fits = self.0.len() < MOST;
        if fits {
            self.0.push(Event { time: 0, ..event });
        }
        fits
    }
}

/// Controllers that mean something in their order only: data entry, its steps, and the parameter that it goes to.
const fn is_in_order(number: u8) -> bool {
    matches!(number, 6 | 38 | 96..=101)
}

/// What an event is about: a later one about the same replaces it.
fn subject(event: &Event) -> Option<(NoteAddress, [u8; 2])> {
    let Event { port, channel, key, note_id, .. } = *event;
    let [status, number, _] = event.midi_bytes();
    let midi = match (event.kind, status & 0xf0) {
        (EventKind::NOTE_OFF, _) => [0, 0],
        (EventKind::MIDI, 0xb0) if !is_in_order(number) => [status, number],
        (EventKind::MIDI, 0xd0 | 0xe0) => [status, 0],
        // A note on without velocity ends the note too.
        (EventKind::MIDI, 0x80 | 0x90) => [0x80 | (status & 0x0f), number],
        _ => return None,
    };
    Some((NoteAddress { port, channel, key, note_id }, midi))
}

fn is_kept(event: &Event) -> bool {
    let [status, _, velocity] = event.midi_bytes();
    match event.kind {
        EventKind::NOTE_OFF => true,
        EventKind::MIDI => match status & 0xf0 {
            0x80 | 0xb0 | 0xd0 | 0xe0 => true,
            0x90 => velocity == 0,
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::any::Any;
    use std::collections::VecDeque;
    use std::sync::Arc;

    use hotshell_core::shell::{EventSink, HostBlock, Outcome};

    use super::*;

    fn events(list: &[Event]) -> Waiting {
        Waiting(list.to_vec())
    }

    fn waiting(flushed: &Flushed) -> Vec<[u8; 3]> {
        let in_place = |place: &Cell<Waiting>| {
            place.with(|waiting| {
                waiting
                    .as_ref()
                    .map_or_else(Vec::new, |waiting| waiting.0.iter().map(Event::midi_bytes).collect())
            })
        };
        [in_place(&flushed.first), in_place(&flushed.second)].concat()
    }

    /// A shell that is flushed, beside whom the host flushes on.
    struct Player {
        flushed: Arc<Flushed>,
        meanwhile: VecDeque<[u8; 3]>,
        heard: Vec<[u8; 3]>,
    }

    impl Audio for Player {
        fn process(
            &mut self,
            _block: &mut HostBlock<'_>,
            _input: &dyn EventSource,
            _output: &mut dyn EventSink,
        ) -> Outcome {
            panic!("nothing plays");
        }
        fn flush(&mut self, input: &dyn EventSource, _output: &mut dyn EventSink) {
            let heard = (0..input.len()).filter_map(|index| input.event(index));
            self.heard.extend(heard.map(|event| event.midi_bytes()));
            if let Some(bytes) = self.meanwhile.pop_front() {
                assert_eq!(self.flushed.keep(&events(&[Event::midi(0, 0, bytes)])), 0);
            }
        }
        fn clear(&mut self) {}
        fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
            self
        }
    }

    /// A value of the pedal's.
    const fn pedal(value: u8) -> [u8; 3] {
        [0xb0, 64, value]
    }

    #[test]
    fn what_comes_while_something_is_handed_over_is_heard_after_it() {
        let flushed = Arc::new(Flushed::new());
        let meanwhile = (2..9).map(pedal).collect();
        let mut player = Player { flushed: Arc::clone(&flushed), meanwhile, heard: Vec::new() };
        assert_eq!(flushed.keep(&events(&[Event::midi(0, 0, pedal(1))])), 0);
        let mut more = 10;
        while !waiting(&flushed).is_empty() {
            flushed.hand_over(&mut player);
            // And between two blocks.
            if more < 12 {
                assert_eq!(flushed.keep(&events(&[Event::midi(0, 0, pedal(more))])), 0);
                more += 1;
            }
        }
        assert!(player.meanwhile.is_empty(), "all of it was said");
        let heard: Vec<u8> = player.heard.iter().map(|bytes| bytes[2]).collect();
        assert_eq!(
            heard,
            [1, 2, 10, 4, 11, 6, 7, 8],
            "in order, but for what was replaced before it was heard"
        );
    }

    #[test]
    fn of_a_controller_the_last_value_waits_and_note_ons_do_not() {
        let flushed = Flushed::new();
        let at = NoteAddress { port: 0, channel: 0, key: 60, note_id: 1 };
        flushed.keep(&events(&[
            Event::midi(9, 0, [0xb0, 64, 127]),
            Event::midi(9, 0, [0xe0, 1, 2]),
            Event::midi(9, 0, [0xb0, 1, 5]),
            Event::midi(9, 0, [0x90, 60, 100]),
            Event::note(EventKind::NOTE_ON, 9, at, 0.5),
            Event::param_value(9, 7, 1.0),
            Event::midi(9, 0, [0xb0, 64, 0]),
            Event::midi(9, 0, [0xe0, 3, 4]),
            Event::midi(9, 0, [0x90, 60, 0]),
        ]));
        let wanted = [[0xb0, 1, 5], [0xb0, 64, 0], [0xe0, 3, 4], [0x90, 60, 0]];
        assert_eq!(waiting(&flushed), wanted);
        assert_eq!(flushed.keep(&events(&[Event::note(EventKind::NOTE_OFF, 3, at, 0.5)])), 0);
        assert_eq!(waiting(&flushed).len(), wanted.len() + 1);
    }

    #[test]
    fn note_offs_said_again_and_again_leave_room_for_the_pedal() {
        let flushed = Flushed::new();
        for _ in 0..MOST {
            flushed.keep(&events(&[Event::midi(0, 0, [0x80, 60, 0]), Event::midi(0, 0, [0x90, 61, 0])]));
        }
        flushed.keep(&events(&[Event::midi(0, 0, [0xb0, 64, 0])]));
        assert_eq!(waiting(&flushed), [[0x80, 60, 0], [0x90, 61, 0], [0xb0, 64, 0]]);
    }

    #[test]
    fn a_registered_parameter_is_set_in_the_order_in_which_it_was() {
        let flushed = Flushed::new();
        let bend_range = [(101, 0), (100, 0), (6, 12), (101, 127), (100, 127)];
        let messages = bend_range.map(|(number, value)| [0xb0, number, value]);
        flushed.keep(&events(&messages.map(|bytes| Event::midi(0, 0, bytes))));
        assert_eq!(waiting(&flushed), messages);
    }

    #[test]
    fn a_host_that_flushes_for_ever_costs_bounded_memory() {
        let (flushed, mut lost) = (Flushed::new(), 0);
        for port in 0..20 {
            for channel in 0..16 {
                for number in 0..120 {
                    lost += flushed.keep(&events(&[Event::midi(0, port, [0xb0 | channel, number, 1])]));
                }
            }
        }
        assert_eq!(waiting(&flushed).len(), MOST);
        assert_eq!(lost as usize, 20 * 16 * 120 - MOST, "and says what it could not take");
    }
}
