//! The change-over from one instance to the next: take a candidate, hand over state and notes, run it unheard, fade,
//! retire the old one. No block is skipped and no output sample is left unwritten.
//!
//! Called by: `shell/audio`. Calls: `shell/{fade,feed,run,guard,bypass}`, `params`. Threads: [audio].
//!
//! While both run, both work aside (on memory of their own), and what is heard is mixed into the new one's outputs.
//! The old one is muted but for its audio: its events go to nobody.

#![deny(clippy::disallowed_types)]

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use hotshell_abi::event::NoteAddress;
use hotshell_abi::snapshot::SnapshotBuffer;
use hotshell_abi::{Event, EventKind, RenderMode, Sample};

use crate::instance::{BlockResult, Dead};
use crate::params::Parameters;
use crate::rt::bound::Bound;
use crate::shell::HostBlock;
use crate::shell::audio::{Desk, ShellAudio, Verdict, is_bypassed, state_changed};
use crate::shell::fade::{Circumstances, Law, Plan, mix, preroll_frames};
use crate::shell::guard::{Guard, fall_back};
use crate::shell::player::{End, Link, Player};
use crate::shell::run::{Hearing, Outgoing, PlayerParts, Span, run, run_with};

/// Two instances may take this share of a block's time together; beyond it the fade does no double work.
const AFFORDABLE: f32 = 0.7;
/// Most instances of a module that run two logics at once.
const MOST_DOUBLES: u32 = 8;

/// Releases every note.
const LET_GO: Event =
    Event::note(EventKind::NOTE_OFF, 0, NoteAddress { port: -1, channel: -1, key: -1, note_id: -1 }, 0.5);

/// Where a change-over stands.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Stage {
    /// Both run, the new one unheard.
    Lead { left: usize },
    /// Both run, old to new.
    Blend { law: Law, position: usize, length: usize },
    /// The old one rings on under the new one.
    Spill { position: usize, length: usize, blend: usize },
    /// The old one alone fades out.
    FadeOut { position: usize, length: usize },
    /// The new one alone runs unheard.
    Wait { left: usize },
    /// The new one alone fades in.
    FadeIn { position: usize, length: usize },
    /// Over.
    Done,
}

impl Stage {
    const fn runs_old(self) -> bool {
        matches!(self, Self::Lead { .. } | Self::Blend { .. } | Self::Spill { .. } | Self::FadeOut { .. })
    }

    const fn runs_new(self) -> bool {
        !matches!(self, Self::FadeOut { .. })
    }

    /// Frames until the stage ends.
    const fn left(self) -> usize {
        match self {
            Self::Lead { left } | Self::Wait { left } => left,
            Self::Blend { position, length, .. }
            | Self::Spill { position, length, .. }
            | Self::FadeOut { position, length }
            | Self::FadeIn { position, length } => length - position,
            Self::Done => usize::MAX,
        }
    }

    const fn advanced(self, frames: usize) -> Self {
        match self {
            Self::Lead { left } => Self::Lead { left: left - frames },
            Self::Wait { left } => Self::Wait { left: left - frames },
            Self::Blend { law, position, length } => Self::Blend { law, position: position + frames, length },
            Self::Spill { position, length, blend } => {
                Self::Spill { position: position + frames, length, blend }
            }
            Self::FadeOut { position, length } => Self::FadeOut { position: position + frames, length },
            Self::FadeIn { position, length } => Self::FadeIn { position: position + frames, length },
            Self::Done => Self::Done,
        }
    }
}

/// A new instance on its way in.
#[derive(Debug)]
pub(super) struct Incoming<S> {
    player: Box<Player<S>>,
    plan: Plan,
    stage: Stage,
    lead: usize,
    heard: bool,
    counted: bool,
    /// It failed: the old one plays on.
    failed: bool,
    /// The sub-block to come is its first: the replay goes before its events.
    fresh: bool,
}

impl<S: Sample> Incoming<S> {
    /// The player, its change-over cut short. [main]
    pub fn into_player(self, link: &Link<S>) -> Box<Player<S>> {
        if self.counted {
            link.doubles.fetch_sub(1, Relaxed);
        }
        if !self.heard {
            link.hear(self.player.build, self.player.serial);
        }
        self.player
    }

    /// Forgets all sound.
    pub fn clear(&mut self) {
        let _ = self.player.instance.clear();
    }

    /// The old one is silent, and the new one has not been told anything yet.
    fn is_faded_out(&self) -> bool {
        matches!(self.stage, Stage::FadeOut { .. }) && self.stage.left() == 0
    }

    /// The stage after the one that has ended; marks the first heard frame.
    fn settle(&mut self, link: &Link<S>) {
        while self.stage.left() == 0 {
            self.stage = match (self.stage, self.plan) {
                (Stage::Lead { .. }, Plan::Crossfade { law, frames }) => {
                    Stage::Blend { law, position: 0, length: frames }
                }
                (Stage::Lead { .. }, Plan::Spill { frames, blend }) => {
                    Stage::Spill { position: 0, length: frames.max(blend), blend }
                }
                (Stage::Wait { .. }, Plan::OutIn { frames }) => Stage::FadeIn { position: 0, length: frames },
                _ => Stage::Done,
            };
        }
        let audible = matches!(
            self.stage,
            Stage::Blend { .. } | Stage::Spill { .. } | Stage::FadeIn { .. } | Stage::Done
        );
        if audible && !self.heard && !self.failed {
            self.heard = true;
            link.hear(self.player.build, self.player.serial);
        }
    }
}

impl<P: Parameters, S: Sample> ShellAudio<P, S> {
    /// Takes the candidate from the inbox: parameters switch, and the change-over begins with this block.
    pub(super) fn take(&mut self, desk: &mut Desk<'_>) {
        let Some(player) = self.link.inbox.take() else { return };
        if player.epoch != self.link.epoch.load(Acquire) {
            self.link.returned.store(player.serial, Release);
            self.leave(player, End::Stale);
            return;
        }
        if let Some(plan) = &player.plan {
            self.params.switch(plan);
        }
        self.link.taken.store(player.serial, Release);
        let lead = preroll_frames(
            player.latency.saturating_add(
                player.pad.as_ref().map_or(0, |pad| u32::try_from(pad.frames()).unwrap_or(0)),
            ),
            player.handover.warm_up_frames,
            self.config.sample_rate,
        );
        let affordable = self.affordable(&player, desk.facts.mode);
        let mut incoming = Incoming {
            player,
            plan: Plan::Cut,
            stage: Stage::Done,
            lead,
            heard: false,
            counted: false,
            failed: false,
            fresh: true,
        };
        self.decide(&mut incoming, false, affordable);
        if !matches!(incoming.plan, Plan::OutIn { .. }) && self.tell(&mut incoming, desk) {
            self.decide(&mut incoming, true, affordable);
        }
        if incoming.stage.runs_old() && incoming.stage.runs_new() {
            incoming.counted = true;
            self.link.doubles.fetch_add(1, Relaxed);
        }
        self.guard.watch_closely();
        incoming.settle(&self.link);
        self.incoming = Some(incoming);
    }

    fn affordable(&self, player: &Player<S>, mode: RenderMode) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "a share of a block's time")]
        let share = (self.current.cost + player.cost) * self.config.sample_rate as f32 * 1e-9;
        mode == RenderMode::OFFLINE
            || (share < AFFORDABLE && self.link.doubles.load(Relaxed) < MOST_DOUBLES)
            || self.current.instance.is_dead()
    }

    fn decide(&self, incoming: &mut Incoming<S>, replayed: bool, affordable: bool) {
        incoming.plan = Plan::decide(&Circumstances {
            handover: incoming.player.handover,
            sample_rate: self.config.sample_rate,
            replayed,
            audio: incoming.player.buffers.output_channels() > 0,
            affordable,
        });
        incoming.stage = match incoming.plan {
            Plan::OutIn { frames } => Stage::FadeOut { position: 0, length: frames },
            Plan::Cut => Stage::Done,
            Plan::Crossfade { .. } | Plan::Spill { .. } => Stage::Lead { left: incoming.lead },
        };
    }

    /// Snapshot, restore, replay; closes what the old one has switched on downstream. Answers whether notes are
    /// replayed.
    fn tell(&mut self, incoming: &mut Incoming<S>, desk: &mut Desk<'_>) -> bool {
        let Some(mut memory) = incoming.player.swap.take() else { return false };
        let mut written = SnapshotBuffer::new(&mut memory.snapshot);
        let taken = self.current.instance.snapshot(&mut written);
        let bytes = if taken.is_ok() { written.as_bytes() } else { &[] };
        let notes = match incoming.player.instance.restore(bytes) {
            Ok(notes) => notes,
            Err(Dead) => {
                incoming.failed = true;
                false
            }
        };
        let replayed = self.feed.past.replay(notes, &mut memory.replay);
        let output = &mut *desk.output;
        self.feed.past.close_downstream(0, |event| {
            output.send(&event, &[]);
        });
        incoming.player.swap = Some(memory);
        replayed
    }

    /// One chunk while a change-over runs: segment by segment, each within one stage.
    pub(super) fn swap_chunk(
        &mut self,
        mut incoming: Incoming<S>,
        block: &HostBlock<'_>,
        (start, frames): (u32, u32),
        desk: &mut Desk<'_>,
    ) -> Verdict {
        let mut verdict = Verdict::default();
        let (mut at, end) = (start, start + frames);
        while at < end {
            if incoming.is_faded_out() {
                self.tell(&mut incoming, desk);
                incoming.stage = Stage::Wait { left: incoming.lead };
            }
            incoming.settle(&self.link);
            if incoming.failed || (incoming.stage == Stage::Done && !incoming.fresh) {
                break;
            }
            let left = u32::try_from(incoming.stage.left()).unwrap_or(u32::MAX);
            let length = (end - at).min(left);
            let answer = self.segment(&mut incoming, block, (at, length), desk);
            verdict.join(&answer, false);
            incoming.stage = incoming.stage.advanced(length as usize);
            at += length;
        }
        incoming.settle(&self.link);
        let over = incoming.failed || (incoming.stage == Stage::Done && !incoming.fresh);
        if !over {
            self.incoming = Some(incoming);
            return verdict;
        }
        self.finish(incoming);
        if at < end {
            let answer = self.steady_chunk(block, (at, end - at), desk);
            verdict.join(&answer, false);
        }
        verdict
    }

    /// The new one plays, or has failed; the other one goes back.
    fn finish(&mut self, incoming: Incoming<S>) {
        if incoming.counted {
            self.link.doubles.fetch_sub(1, Relaxed);
        }
        if incoming.failed {
            self.leave(incoming.player, End::Faulted);
            return;
        }
        self.link.faulted.store(false, Relaxed);
        let old = std::mem::replace(&mut self.current, incoming.player);
        let died_just_now = old.instance.is_dead() && !old.told;
        self.leave(old, if died_just_now { End::Faulted } else { End::Retired });
    }

    /// A run of frames within one stage.
    fn segment(
        &mut self,
        incoming: &mut Incoming<S>,
        block: &HostBlock<'_>,
        (start, frames): (u32, u32),
        desk: &mut Desk<'_>,
    ) -> Verdict {
        let Self { current, feed, params, guard, bypass, outgoing, link, state_seen, .. } = self;
        let (old_effect, bypass_index) = (current.effect, incoming.player.bypass);
        let mut memory = incoming.player.swap.take();
        let loads = incoming.player.loads;
        let (old_buffers, mut old) = current.parts();
        let (new_buffers, mut new) = incoming.player.parts();
        let mut sides = Sides {
            old: old_buffers.bind(block, start, frames, true),
            new: new_buffers.bind(block, start, frames, true),
            stage: incoming.stage,
            new_just_failed: false,
        };
        sides.divide_inputs();
        let mut verdict = Verdict::default();
        let (mut at, end, mut ramp_at) = (start, start + frames, 0);
        while at < end {
            let stop = feed.next(&**params, desk.input, at, end);
            let span = Span { start, from: (at - start) as usize, to: (stop - start) as usize };
            let bypassed = is_bypassed(&**params, bypass_index);
            let dry = bypass.needs_dry(bypassed);
            if dry {
                bypass.capture(&sides.new, span.from, span.to);
            }
            let mut news =
                Hearing { feed, facts: desk.facts, state_changed: state_changed(link, state_seen) };
            verdict.lost |= sides.play_old(&mut old, old_effect, span, &news, guard, outgoing);
            let fresh = std::mem::take(&mut incoming.fresh) && sides.stage.runs_new();
            incoming.fresh |= !sides.stage.runs_new();
            news.state_changed |= fresh && loads != *state_seen;
            let replay = if fresh { memory.as_deref_mut().map(|memory| &mut memory.replay) } else { None };
            match sides.play_new(&mut new, span, &news, replay, guard, outgoing) {
                Ok(answer) => verdict.take(answer),
                Err(not_finite) => {
                    incoming.failed = true;
                    link.not_finite.store(not_finite, Relaxed);
                    verdict.lost |= sides.stage.is_audible();
                }
            }
            outgoing.deliver((at, stop), &**params, link, &mut feed.past, desk.output);
            sides.mix(span);
            if std::mem::take(&mut sides.new_just_failed) {
                guard.ramp_from(&mut sides.new, span.from);
                ramp_at = span.from;
            }
            if dry {
                bypass.apply(&mut sides.new, bypassed, span.from, span.to);
            }
            at = stop;
        }
        guard.apply_ramp(&mut sides.new, ramp_at);
        guard.remember(&mut sides.new);
        sides.new.finish();
        incoming.player.swap = memory;
        verdict
    }
}

/// Both players' buffers over the same frames.
struct Sides<'s, S> {
    old: Bound<'s, S>,
    new: Bound<'s, S>,
    stage: Stage,
    new_just_failed: bool,
}

impl<S: Sample> Sides<'_, S> {
    /// Spilling: the input passes from the old one to the new one, without a step in either.
    fn divide_inputs(&mut self) {
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

    /// Runs the old one where the stage wants it; muted while the new one runs too. True if it has failed just here.
    fn play_old(
        &mut self,
        old: &mut PlayerParts<'_, S>,
        effect: bool,
        span: Span,
        news: &Hearing<'_>,
        guard: &mut Guard<S>,
        outgoing: &mut Outgoing,
    ) -> bool {
        if !self.stage.runs_old() {
            return false;
        }
        let was_dead = old.instance.is_dead();
        let ran = match self.stage {
            // It hears nothing more, and lets its notes go: they sound in the new one.
            Stage::Spill { position: 0, .. } if span.from == 0 => {
                run_with(old, &mut self.old, span, news, &[LET_GO], outgoing)
            }
            Stage::Spill { .. } => run_with(old, &mut self.old, span, news, &[], outgoing),
            _ => run(old, &mut self.old, span, news, outgoing),
        };
        let bad = match ran {
            Ok(_) => guard.first_bad(&mut self.old, span.from, span.to),
            Err(Dead) => Some(span.from),
        };
        if let Some(bad) = bad {
            fall_back(&mut self.old, effect, bad, span.to);
            old.instance.give_up();
        }
        if self.stage.runs_new() {
            outgoing.discard();
        }
        bad.is_some() && !was_dead
    }

    /// Runs the new one where the stage wants it, after its replay. An error says whether it was a value (else: a
    /// panic); from then on only the old one is heard.
    fn play_new(
        &mut self,
        new: &mut PlayerParts<'_, S>,
        span: Span,
        news: &Hearing<'_>,
        replay: Option<&mut Vec<Event>>,
        guard: &mut Guard<S>,
        outgoing: &mut Outgoing,
    ) -> Result<Option<BlockResult>, bool> {
        if !self.stage.runs_new() || new.instance.is_dead() {
            return Ok(None);
        }
        let ran = match replay {
            Some(replay) => {
                let (events, room) = (news.feed.events(), replay.capacity() - replay.len());
                replay.extend_from_slice(&events[..events.len().min(room)]);
                run_with(new, &mut self.new, span, news, replay, outgoing)
            }
            None => run(new, &mut self.new, span, news, outgoing),
        };
        let finite = guard.first_bad(&mut self.new, span.from, span.to).is_none();
        match ran {
            Ok(answer) if finite => Ok(Some(answer)),
            _ => {
                outgoing.discard();
                new.instance.give_up();
                self.new_just_failed = true;
                self.stage = Stage::Lead { left: 0 };
                Err(ran.is_ok())
            }
        }
    }

    /// What is heard of `span`, written into the new side's outputs.
    fn mix(&mut self, span: Span) {
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

impl Stage {
    const fn is_audible(self) -> bool {
        !matches!(self, Self::Lead { .. } | Self::Wait { .. } | Self::FadeOut { .. })
    }

    /// `new` becomes what is heard, `offset` frames into the segment.
    fn mix<S: Sample>(self, offset: usize, old: Option<&[S]>, new: &mut [S]) {
        match self {
            Self::Lead { .. } => match old {
                Some(old) => new.copy_from_slice(old),
                None => new.fill(S::ZERO),
            },
            Self::Wait { .. } => new.fill(S::ZERO),
            Self::Blend { law, position, length } => mix(law, position + offset, length, old, new),
            Self::Spill { position, length, blend } => {
                let Some(old) = old else { return };
                for (i, (sample, before)) in new.iter_mut().zip(old).enumerate() {
                    // The last frames of the spill fade the old one out, however long it would ring on.
                    let left = length - (position + offset + i).min(length);
                    let gain = if left < blend { Law::EqualGain.gains(blend - left, blend).0 } else { 1.0 };
                    *sample += *before * S::from_f64(gain);
                }
            }
            Self::FadeOut { position, length } => {
                for (i, sample) in new.iter_mut().enumerate() {
                    let before = old.and_then(|old| old.get(i)).copied().unwrap_or(S::ZERO);
                    *sample = before * S::from_f64(Law::EqualGain.gains(position + offset + i, length).0);
                }
            }
            Self::FadeIn { position, length } => {
                for (i, sample) in new.iter_mut().enumerate() {
                    *sample *= S::from_f64(Law::EqualGain.gains(position + offset + i, length).1);
                }
            }
            Self::Done => {}
        }
    }
}
