//! The host's events on their way in: parameters into cells, the rest to the logic, a block divided where a parameter
//! moves.
//!
//! Called by: `shell/audio`. Calls: `params`, `shell/replay`. Threads: [audio]; `new` allocates.
//!
//! Events are read by index from the source, so a block may carry any number of them. A sub-block ends early when its
//! list is full; parameter events that come closer than the author's `min_frames` wait for the next sub-block, so they
//! are at most that late and never early.

#![deny(clippy::disallowed_types)]

use hotshell_abi::describe::SplitDesc;
use hotshell_abi::{Event, EventKind, ParamDesc, Transport};

use crate::params::Parameters;
use crate::shell::EventSource;
use crate::shell::replay::Past;

/// Most events of one sub-block.
const LIST: usize = 1024;
/// Most parameter events that wait for the next sub-block.
const WAITING: usize = 256;

/// One block's events, and what they leave behind.
#[derive(Debug)]
pub struct Feed {
    /// What the logic gets; times relative to the sub-block.
    list: Vec<Event>,
    waiting: Vec<(u32, Event)>,
    next: u32,
    transport: Option<Transport>,
    /// What a new instance must be told.
    pub past: Past,
    /// A plug-in that reads parameter events itself: values are applied after the block that carries them.
    never_split: bool,
    min_frames: u32,
    /// Frames of the block.
    frames: u32,
}

impl Feed {
    /// Allocates everything it will ever use.
    #[must_use]
    pub fn new() -> Self {
        Self {
            list: Vec::with_capacity(LIST),
            waiting: Vec::with_capacity(WAITING),
            next: 0,
            transport: None,
            past: Past::new(),
            never_split: false,
            min_frames: 1,
            frames: 0,
        }
    }

    /// Starts a block of `frames`.
    #[inline]
    pub fn begin(&mut self, split: SplitDesc, transport: Option<Transport>, frames: u32) {
        self.next = 0;
        self.frames = frames;
        self.transport = transport;
        self.never_split = split.mode == 1;
        self.min_frames = split.min_frames.max(1);
    }

    /// Ends the block: the clock goes on, and what still waits is applied.
    #[inline]
    pub fn end<P: Parameters>(&mut self, params: &P) {
        self.past.advance(self.frames as usize);
        for (index, event) in self.waiting.drain(..) {
            write(params, index, &event);
        }
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
        self.list.clear();
        for (index, event) in self.waiting.drain(..) {
            write(params, index, &event);
        }
        let count = source.len();
        let mut end = end;
        while self.next < count {
            let Some(event) = source.event(self.next) else {
                if let Some(transport) = source.transport(self.next) {
                    if transport.time > at {
                        end = end.min(transport.time.max(at.saturating_add(self.min_frames)));
                        break;
                    }
                    self.transport = Some(transport);
                }
                self.next += 1;
                continue;
            };
            let mut event = event;
            // Hosts send events past the block's end by mistake: they are moved to its last frame, not lost.
            event.time = event.time.min(self.frames.saturating_sub(1));
            if event.time >= end {
                break;
            }
            if !self.accept(params, event, at, &mut end) {
                break;
            }
            self.next += 1;
        }
        end
    }

    /// Takes one event into the sub-block at `at`; false if it must wait for the next one, which then starts at `end`.
    fn accept<P: Parameters>(&mut self, params: &P, event: Event, at: u32, end: &mut u32) -> bool {
        let is_param = matches!(event.kind, EventKind::PARAM_VALUE | EventKind::PARAM_MOD);
        if is_param && !event.is_per_voice() {
            return self.accept_param(params, event, at, end);
        }
        if self.list.len() == LIST {
            // Full: the rest starts a sub-block of its own, at its own time, or right after this one frame.
            *end = (*end).min(event.time.max(at + 1));
            return false;
        }
        let mut event = event;
        if is_param {
            let Some(index) = params.find(event.id, event.data[1]) else { return true };
            event.id = params.host_id(index).unwrap_or(event.id);
            if event.kind == EventKind::PARAM_VALUE {
                event.value = params.clamp(index, event.value);
            }
            event.data = [0; 2];
        }
        self.past.observe(&event, event.time as usize);
        event.time = event.time.saturating_sub(at);
        self.list.push(event);
        true
    }

    fn accept_param<P: Parameters>(&mut self, params: &P, mut event: Event, at: u32, end: &mut u32) -> bool {
        let Some(index) = params.find(event.id, event.data[1]) else { return true };
        event.data = [0; 2];
        if self.never_split {
            if self.list.len() < LIST {
                let mut relative = event;
                relative.id = params.host_id(index).unwrap_or(event.id);
                relative.time = event.time.saturating_sub(at);
                if event.kind == EventKind::PARAM_VALUE {
                    relative.value = params.clamp(index, event.value);
                }
                self.list.push(relative);
            }
            return self.wait_or_write(params, index, event, at);
        }
        if event.time <= at {
            write(params, index, &event);
            return true;
        }
        let no_split = params.limits(index).is_some_and(|limits| limits.flags & ParamDesc::NO_SPLIT != 0);
        if no_split {
            return self.wait_or_write(params, index, event, at);
        }
        if event.time < at.saturating_add(self.min_frames) {
            *end = (*end).min(at.saturating_add(self.min_frames));
            return self.wait_or_write(params, index, event, at);
        }
        *end = (*end).min(event.time);
        false
    }

    fn wait_or_write<P: Parameters>(&mut self, params: &P, index: u32, event: Event, at: u32) -> bool {
        if event.time > at && self.waiting.len() < WAITING {
            self.waiting.push((index, event));
        } else {
            write(params, index, &event);
        }
        true
    }

    /// Applies the parameter events of a flush, all at once. Notes and MIDI of a flush are not for us (CLAP: only
    /// parameter events may come).
    pub fn flush<P: Parameters>(params: &P, source: &dyn EventSource) {
        for i in 0..source.len() {
            let Some(event) = source.event(i) else { continue };
            let is_param = matches!(event.kind, EventKind::PARAM_VALUE | EventKind::PARAM_MOD);
            if is_param
                && !event.is_per_voice()
                && let Some(index) = params.find(event.id, event.data[1])
            {
                write(params, index, &event);
            }
        }
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
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
