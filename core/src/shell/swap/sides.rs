//! Both instances of a change-over side by side, over the same frames, on memory of their own.
//!
//! Called by: `shell/swap`. Calls: `shell/{run,guard,fade}`. Threads: [audio].

#![deny(clippy::disallowed_types)]

use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event, EventKind, Sample};

use crate::instance::{BlockResult, Dead};
use crate::rt::bound::Bound;
use crate::shell::bypass::Bypass;
use crate::shell::fade::Law;
use crate::shell::guard::{Guard, fall_back};
use crate::shell::run::{Hearing, Outgoing, PlayerParts, Span, run, run_with};
use crate::shell::swap::stage::Stage;

/// Releases every note.
const LET_GO: Event =
    Event::note(EventKind::NOTE_OFF, 0, NoteAddress { port: -1, channel: -1, key: -1, note_id: -1 }, 0.5);

/// Both players' buffers over the same frames.
pub(super) struct Sides<'s, S> {
    pub old: Bound<'s, S>,
    pub new: Bound<'s, S>,
    pub stage: Stage,
}

/// What came of one instance's sub-block.
#[derive(Clone, Copy, Default)]
pub(super) struct Ran {
    /// Its answer; none if it did not run, or failed.
    pub answer: Option<BlockResult>,
    /// It failed just here.
    pub failed: bool,
    /// What is heard steps at this frame of the chunk.
    pub step: Option<usize>,
    /// Part of what is heard comes from its fallback.
    pub lost: bool,
    /// With `failed`: the output was not finite (else: a panic).
    pub not_finite: bool,
}

/// What both sides need beside their players.
pub(super) struct Around<'a, S> {
    pub span: Span,
    pub guard: &'a mut Guard<S>,
    /// It has captured the span.
    pub bypass: &'a Bypass<S>,
    pub outgoing: &'a mut Outgoing,
}

impl<S: Sample> Sides<'_, S> {
    /// Keeps the dry signal of the whole segment, of whichever side takes in more of it.
    pub fn capture(&self, bypass: &mut Bypass<S>) {
        let wider = if self.old.main_inputs() > self.new.main_inputs() { &self.old } else { &self.new };
        bypass.capture(wider, 0, wider.frames());
    }

    /// Spilling: the input passes from the old one to the new one, without a step in either.
    pub fn divide_inputs(&mut self) {
        let Stage::Spill { position, blend, .. } = self.stage else { return };
        self.old.own_inputs();
        self.new.own_inputs();
        let frames = self.old.frames();
        let gains = |i: usize| {
            if position + i >= blend { (0.0, 1.0) } else { Law::EqualGain.gains(position + i, blend) }
        };
        self.old.scale_inputs(0, frames, |i| gains(i).0);
        self.new.scale_inputs(0, frames, |i| gains(i).1);
    }

    /// Runs the old one where the stage wants it; muted while the new one runs too.
    pub fn play_old(
        &mut self,
        old: &mut PlayerParts<'_, S>,
        effect: bool,
        hearing: &Hearing<'_>,
        around: &mut Around<'_, S>,
    ) -> Ran {
        if !self.stage.runs_old() {
            return Ran::default();
        }
        let Around { span, guard, bypass, outgoing } = around;
        let spilling = matches!(self.stage, Stage::Spill { .. });
        let was_dead = old.instance.is_dead();
        old.muted = self.stage.runs_new();
        let ran = match self.stage {
            // It hears nothing more, and lets its notes go: they sound in the new one.
            Stage::Spill { position: 0, .. } if span.from == 0 => {
                run_with(old, &mut self.old, *span, hearing, &[LET_GO], outgoing)
            }
            Stage::Spill { .. } => run_with(old, &mut self.old, *span, hearing, &[], outgoing),
            _ => run(old, &mut self.old, *span, hearing, outgoing),
        };
        let bad = match ran {
            Ok(_) => guard.first_bad(&mut self.old, span.from, span.to),
            Err(Dead) => Some(span.from),
        };
        if self.stage.runs_new() {
            outgoing.discard();
        }
        let Some(bad) = bad else { return Ran { answer: ran.ok(), ..Ran::default() } };
        // Under the new one there is no place for a dry signal: that one has its own.
        let fallback = fall_back(&mut self.old, effect && !spilling, Some(bypass), bad, span.to);
        let failed = !was_dead;
        old.instance.give_up();
        let step = guard.fall(fallback).then_some(bad);
        Ran { failed, step, lost: failed || !spilling, not_finite: failed && ran.is_ok(), answer: None }
    }

    /// Runs the new one where the stage wants it, its replay before the events of its first sub-block.
    pub fn play_new(
        &mut self,
        new: &mut PlayerParts<'_, S>,
        effect: bool,
        hearing: &Hearing<'_>,
        replay: Option<&mut Vec<Event>>,
        around: &mut Around<'_, S>,
    ) -> Ran {
        if !self.stage.runs_new() {
            return Ran::default();
        }
        let Around { span, guard, bypass, outgoing } = around;
        if new.instance.is_dead() {
            let playing = self.stage == Stage::Done;
            if playing {
                fall_back(&mut self.new, effect, Some(bypass), span.from, span.to);
            }
            return Ran { lost: playing, ..Ran::default() };
        }
        let ran = match replay {
            Some(replay) => {
                let (events, room) = (hearing.feed.events(), replay.capacity() - replay.len());
                replay.extend_from_slice(&events[..events.len().min(room)]);
                run_with(new, &mut self.new, *span, hearing, replay, outgoing)
            }
            None => run(new, &mut self.new, *span, hearing, outgoing),
        };
        if ran.is_ok() && guard.first_bad(&mut self.new, span.from, span.to).is_none() {
            return Ran { answer: ran.ok(), ..Ran::default() };
        }
        outgoing.discard();
        new.instance.give_up();
        let failed = Ran { failed: true, not_finite: ran.is_ok(), ..Ran::default() };
        match self.stage {
            // Nobody has heard it.
            Stage::Lead { .. } => failed,
            // The old one has heard everything and plays on.
            Stage::Blend { .. } => {
                self.stage = Stage::Lead { left: 0 };
                Ran { step: Some(span.from), lost: true, ..failed }
            }
            // The old one has missed what came meanwhile: this is the fault of a playing instance.
            _ => {
                fall_back(&mut self.new, effect, Some(bypass), span.from, span.to);
                self.stage = Stage::Done;
                Ran { step: Some(span.from), lost: true, ..failed }
            }
        }
    }

    /// What is heard of `span`, written into the new side's outputs.
    pub fn mix(&mut self, span: Span) {
        let stage = self.stage;
        for channel in 0..self.new.output_channels() {
            let place = self.new.output_place(channel);
            let counterpart = place.and_then(|place| self.old.output_at(place));
            let old = counterpart.map(|i| &self.old.output(i)[span.from..span.to]);
            let new = &mut self.new.output(channel)[span.from..span.to];
            stage.mix(span.from, old, new);
        }
    }
}
