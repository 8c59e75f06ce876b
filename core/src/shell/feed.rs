//! The host's events on their way in: parameters into cells, the rest to the logic, a block divided where a parameter
//! moves.
//!
//! Called by: `shell/audio`. Calls: `params`, `shell/replay`. Threads: [audio]; `new` allocates.
//!
//! Events are read by index from the source, so a block may carry any number of them. A sub-block ends early when its
//! list is full; parameter events that come closer than the author's `min_frames` wait for the next sub-block, so they
//! are at most that late and never early. Transport changes divide a block by the same rules.

#![deny(clippy::disallowed_types)]

use hotshell_abi::describe::SplitDesc;
use hotshell_abi::{Event, EventKind, ParamDesc, Transport};

use crate::params::Parameters;
use crate::rt::keys::{self, Keys, number_of};
use crate::shell::EventSource;
use crate::shell::replay::Past;

/// Most events of one sub-block. Far more than music has: a sub-block can be as short as one frame, and events at a
/// block's last frame have no later one to go to.
pub const LIST: usize = 16_384;
/// Events for which memory is touched beforehand; the rest costs a page fault in the one block that ever needs it.
pub const TOUCHED: usize = 1024;
/// Most parameter events that wait for the next sub-block; then it begins early.
const WAITING: usize = 1024;
/// Most events that flushes can leave for the next block.
const KEPT: usize = 1024;

/// Milliseconds for which a key of the editor's keyboard waits for a block.
const LATEST_KEY: u64 = 2000;

/// One block's events, and what they leave behind.
#[derive(Debug)]
pub struct Feed {
    /// What the logic gets; times relative to the sub-block.
    list: Vec<Event>,
    waiting: Vec<(u32, Event)>,
    /// Came in flushes; the next block begins with them.
    kept: Vec<Event>,
    /// Keys of the editor's keyboard that went down before this moment, in milliseconds of [`Keys::now`], are not played:
    /// the host has made a pause since.
    pub keys_from: u64,
    /// Numbers of keys that are down and were not played.
    unplayed: Vec<u32>,
    next: u32,
    /// The source's `next` event, if a sub-block has ended before it: it is not read a second time.
    ahead: Option<Event>,
    transport: Option<Transport>,
    /// Came too close: it holds from the next sub-block on.
    waiting_transport: Option<Transport>,
    /// What a new instance must be told.
    pub past: Past,
    /// No event divides the block; values are written after the sub-block that carries their events.
    never_split: bool,
    /// A logic reads parameter events itself: they are in the list too.
    listed: bool,
    min_frames: u32,
    /// Frames of the block.
    frames: u32,
}

impl Feed {
    /// Allocates everything it will ever use.
    #[must_use]
    pub fn new() -> Self {
        let nothing = Event::new(EventKind(0), 0);
        let mut list = Vec::with_capacity(LIST);
        list.resize(TOUCHED, nothing);
        list.clear();
        let mut waiting = vec![(0, nothing); WAITING];
        waiting.clear();
        let mut kept = vec![nothing; KEPT];
        kept.clear();
        Self {
            list,
            waiting,
            kept,
            keys_from: 0,
            unplayed: Vec::with_capacity(keys::PLACES as usize),
            next: 0,
            ahead: None,
            transport: None,
            waiting_transport: None,
            past: Past::new(),
            never_split: false,
            listed: false,
            min_frames: 1,
            frames: 0,
        }
    }

    /// Starts a block of `frames`. During a change-over two logics hear it: the `coming` one's wish decides where it is
    /// divided, and parameter events are listed if either reads them.
    #[inline]
    pub fn begin(
        &mut self,
        playing: SplitDesc,
        coming: Option<SplitDesc>,
        transport: &Option<Transport>,
        frames: u32,
    ) {
        let split = coming.unwrap_or(playing);
        self.next = 0;
        self.ahead = None;
        self.frames = frames;
        // Field by field: a copy of the whole, right after the adapter has written its parts, would wait for the stores.
        match transport {
            Some(transport) => self.transport = Some(*transport),
            None => self.transport = None,
        }
        self.waiting_transport = None;
        self.never_split = split.mode == 1;
        self.listed = self.never_split || playing.mode == 1;
        self.min_frames = split.min_frames.max(1);
    }

    /// Ends the block: the clock goes on, and what still waits is applied. Answers how many events no sub-block had room
    /// for (more than [`LIST`] at the last frame); their values are applied all the same.
    #[inline]
    pub fn end<P: Parameters>(&mut self, params: &P, source: &dyn EventSource) -> u32 {
        if !self.waiting.is_empty() {
            self.write_waiting(params);
        }
        let lost = if self.next < source.len() { self.give_up(params, source) } else { 0 };
        self.past.advance(self.frames as usize);
        lost
    }

    fn write_waiting<P: Parameters>(&mut self, params: &P) {
        for (index, event) in self.waiting.drain(..) {
            write(params, index, &event);
        }
    }

    #[cold]
    fn give_up<P: Parameters>(&mut self, params: &P, source: &dyn EventSource) -> u32 {
        let mut lost = 0;
        for i in self.next..source.len() {
            let Some(event) = source.event(i) else { continue };
            if is_global_param(&event) {
                if let Some(index) = params.find(event.id, event.data[1]) {
                    write(params, index, &event);
                }
            } else {
                self.past.observe(&event, self.frames.saturating_sub(1) as usize);
                lost += 1;
            }
        }
        lost
    }

    /// Events of the sub-block that [`Feed::next`] has made.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.list
    }

    /// Timeline that holds at the sub-block; its `time` is in host block frames.
    #[must_use]
    pub const fn transport(&self) -> Option<&Transport> {
        self.transport.as_ref()
    }

    /// Makes the sub-block that starts at host block frame `at` and ends at `end` at the latest; answers its end.
    /// Writes the parameter values that hold from `at` on.
    pub fn next<P: Parameters>(&mut self, params: &P, source: &dyn EventSource, at: u32, end: u32) -> u32 {
        // Not written where it is empty: the list is read as a whole a moment later.
        if !self.list.is_empty() {
            self.list.clear();
        }
        if !self.waiting.is_empty() {
            self.write_waiting(params);
        }
        if let Some(transport) = self.waiting_transport.take() {
            self.transport = Some(transport);
        }
        let count = source.len();
        let mut end = end;
        if !self.kept.is_empty() {
            self.deliver_kept(params, at, &mut end);
        }
        while self.next < count {
            let taken = match self.ahead.take().or_else(|| source.event(self.next)) {
                Some(mut event) => {
                    // Hosts send events past the block's end by mistake: they are moved to its last frame, not lost.
                    event.time = event.time.min(self.frames.saturating_sub(1));
                    let taken = event.time < end && self.accept(params, &event, at, &mut end);
                    if !taken {
                        self.ahead = Some(event);
                    }
                    taken
                }
                None => source
                    .transport(self.next)
                    .is_none_or(|transport| self.accept_transport(transport, at, &mut end)),
            };
            if !taken {
                break;
            }
            self.next += 1;
        }
        end
    }

    /// As [`Feed::accept`], for a change of the timeline.
    fn accept_transport(&mut self, mut transport: Transport, at: u32, end: &mut u32) -> bool {
        transport.time = transport.time.min(self.frames.saturating_sub(1));
        if transport.time <= at {
            self.transport = Some(transport);
            return true;
        }
        if transport.time >= *end {
            return false;
        }
        let soonest = at.saturating_add(self.min_frames);
        if !self.never_split {
            *end = (*end).min(transport.time.max(soonest));
            if transport.time >= soonest {
                return false;
            }
        }
        self.waiting_transport = Some(transport);
        true
    }

    /// Takes one event into the sub-block at `at`; false if it must wait for the next one, which then starts at `end`.
    fn accept<P: Parameters>(&mut self, params: &P, event: &Event, at: u32, end: &mut u32) -> bool {
        if is_global_param(event) {
            return self.accept_param(params, event, at, end);
        }
        let mut event = *event;
        if matches!(event.kind, EventKind::PARAM_VALUE | EventKind::PARAM_MOD) {
            let Some(index) = params.find(event.id, event.data[1]) else { return true };
            translate(params, index, &mut event);
        }
        if !self.list(event, at, end) {
            return false;
        }
        self.past.observe(&event, event.time as usize);
        true
    }

    /// Puts an event into the list; false if that is full: the rest starts a sub-block of its own, at its own time, or
    /// after this one frame.
    fn list(&mut self, mut event: Event, at: u32, end: &mut u32) -> bool {
        if self.list.len() == LIST {
            *end = (*end).min(event.time.max(at + 1));
            return false;
        }
        event.time = event.time.saturating_sub(at);
        self.list.push(event);
        true
    }

    fn accept_param<P: Parameters>(&mut self, params: &P, event: &Event, at: u32, end: &mut u32) -> bool {
        let Some(index) = params.find(event.id, event.data[1]) else { return true };
        let soonest = at.saturating_add(self.min_frames);
        let due = event.time <= at;
        // Asked only of an event that is not due: it alone could divide the block.
        let no_split = !due
            && (self.never_split
                || params.limits(index).is_some_and(|limits| limits.flags & ParamDesc::NO_SPLIT != 0));
        if !due && ((!no_split && event.time >= soonest) || self.waiting.len() == WAITING) {
            *end = (*end).min(event.time);
            return false;
        }
        if self.listed {
            let mut listed = *event;
            translate(params, index, &mut listed);
            if !self.list(listed, at, end) {
                return false;
            }
        }
        if due {
            write(params, index, event);
            return true;
        }
        if !no_split {
            *end = (*end).min(soonest);
        }
        self.waiting.push((index, *event));
        true
    }

    /// Applies the parameter events of a flush, all at once. Notes and MIDI have no logic to go to here; where one
    /// plays, [`Feed::keep`] keeps them for it.
    pub fn flush<P: Parameters>(params: &P, source: &dyn EventSource) {
        for i in 0..source.len() {
            let Some(event) = source.event(i) else { continue };
            if is_global_param(&event)
                && let Some(index) = params.find(event.id, event.data[1])
            {
                write(params, index, &event);
            }
        }
    }

    /// Keeps the other events of a flush, with which the next block begins: a VST3 host may release a pedal in a
    /// flush, where a controller is a parameter. Not SysEx: its bytes are good for this call only. Answers how many
    /// found no room.
    pub fn keep(&mut self, source: &dyn EventSource) -> u32 {
        let mut lost = 0;
        for i in 0..source.len() {
            let Some(mut event) = source.event(i) else { continue };
            let unkept =
                matches!(event.kind, EventKind::SYSEX | EventKind::GESTURE_BEGIN | EventKind::GESTURE_END);
            if unkept || is_global_param(&event) {
                continue;
            }
            if self.kept.len() == KEPT {
                lost += 1;
                continue;
            }
            event.time = 0;
            self.kept.push(event);
        }
        lost
    }

    /// Keys of the editor's keyboard begin the block that follows, in order. A key that goes down and up between two blocks
    /// sounds for one of them: its way up, and all that comes after it, waits for the next. One that has waited too long
    /// is not played, and its way up is not told; that of one which was is told whatever came between, because nobody could
    /// tell whether a restart has ended the note. `midi`: the logic takes notes as MIDI 1.
    #[cold]
    #[inline(never)]
    pub fn take_keys(&mut self, keys: &Keys, midi: bool) {
        let (now, before) = (keys.now(), self.kept.len());
        while self.kept.len() < KEPT
            && let Some(key) = keys.first()
        {
            let event = key.event(midi);
            if !key.on && self.kept[before..].iter().any(|on| on.note_id == event.note_id) {
                return;
            }
            keys.take();
            if key.on && (key.at < self.keys_from || now.saturating_sub(key.at) > LATEST_KEY) {
                self.not_played(key.number);
            } else if key.on || !self.was_not_played(key.number) {
                self.kept.push(event);
            }
        }
    }

    fn not_played(&mut self, number: u32) {
        // There are no more keys that are down.
        if self.unplayed.len() < self.unplayed.capacity() {
            self.unplayed.push(number);
        }
    }

    /// Forgets it.
    fn was_not_played(&mut self, number: u32) -> bool {
        let found = self.unplayed.iter().position(|other| *other == number);
        found.map(|at| self.unplayed.swap_remove(at)).is_some()
    }

    /// All sound is to end: what would begin a note goes, and the past forgets what sounds.
    pub fn all_sound_off(&mut self) {
        let begins = |event: &Event| event.kind == EventKind::NOTE_ON || is_midi_note_on(event);
        for at in 0..self.kept.len() {
            if let Some(number) = number_of(self.kept[at].note_id).filter(|_| begins(&self.kept[at])) {
                self.not_played(number);
            }
        }
        self.kept.retain(|event| !begins(event));
        self.past.all_sound_off();
    }

    /// What was heard, and what flushes left: no block of this feed follows.
    #[must_use]
    pub fn into_past(mut self) -> Past {
        for event in self.kept.drain(..) {
            self.past.observe(&event, 0);
        }
        self.past
    }

    /// The list is empty and has room for all of them.
    #[cold]
    #[inline(never)]
    fn deliver_kept<P: Parameters>(&mut self, params: &P, at: u32, end: &mut u32) {
        let mut kept = std::mem::take(&mut self.kept);
        for mut event in kept.drain(..) {
            event.time = at;
            self.accept(params, &event, at, end);
        }
        self.kept = kept;
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}

/// A note on of MIDI 1; velocity 0 is a note off.
fn is_midi_note_on(event: &Event) -> bool {
    let [status, _, velocity] = event.midi_bytes();
    event.kind == EventKind::MIDI && status & 0xf0 == 0x90 && velocity > 0
}

/// A parameter event for all voices.
#[inline]
fn is_global_param(event: &Event) -> bool {
    matches!(event.kind, EventKind::PARAM_VALUE | EventKind::PARAM_MOD) && !event.is_per_voice()
}

/// An event under an alias, with a cookie, out of range: as the live build wants it.
#[inline]
fn translate<P: Parameters>(params: &P, index: u32, event: &mut Event) {
    event.id = params.host_id(index).unwrap_or(event.id);
    event.data = [0; 2];
    if event.kind == EventKind::PARAM_VALUE {
        event.value = params.clamp(index, event.value);
    }
}

#[inline]
fn write<P: Parameters>(params: &P, index: u32, event: &Event) {
    let Some(cell) = params.cell(index) else { return };
    if event.kind == EventKind::PARAM_VALUE {
        cell.set_base(params.clamp(index, event.value));
    } else if event.value.is_finite() {
        cell.set_modulation(event.value);
    }
}
