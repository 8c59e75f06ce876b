//! The change-over from one instance to the next: take a candidate, hand over state and notes, run it unheard, fade,
//! retire the old one. No block is skipped and no output sample is left unwritten.
//!
//! Called by: `shell/audio`. Calls: `shell/{fade,feed,run,guard,bypass}`, `shell/swap/*`, `params`. Threads: [audio].
//!
//! While both run, both work aside (on memory of their own), and what is heard is mixed into the new one's outputs.
//! The old one is muted but for its audio: its events go to nobody.

#![deny(clippy::disallowed_types)]

mod sides;
mod stage;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use hotshell_abi::snapshot::SnapshotBuffer;
use hotshell_abi::{RenderMode, Sample};

use crate::instance::Dead;
use crate::params::Parameters;
use crate::shell::HostBlock;
use crate::shell::audio::{Desk, ShellAudio, is_bypassed, state_changed};
use crate::shell::fade::{Circumstances, Plan, preroll_frames};
use crate::shell::player::{End, Link, Player};
use crate::shell::run::{Hearing, Span};
use crate::shell::verdict::Verdict;
use sides::{Around, Sides};
use stage::Stage;

/// Two instances may take this share of a block's time together; beyond it the fade does no double work.
const AFFORDABLE: f32 = 0.7;
/// Most instances of a module that run two logics at once.
const MOST_DOUBLES: u32 = 8;

/// Counts an instance that runs two logics, for as long as it does: also where a host drops an audio half that plays.
#[derive(Debug)]
struct Double(Arc<AtomicU32>);

impl Double {
    fn new(count: &Arc<AtomicU32>) -> Self {
        count.fetch_add(1, Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Double {
    /// Never the last owner on [audio]: the link has one too.
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
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
    /// While both run.
    double: Option<Double>,
    /// It failed: the old one plays on.
    failed: bool,
    /// The sub-block to come is its first: the replay goes before its events.
    fresh: bool,
}

impl<S: Sample> Incoming<S> {
    /// The player on its way in.
    pub const fn player_mut(&mut self) -> &mut Player<S> {
        &mut self.player
    }

    /// The player, its change-over cut short. [main]
    pub fn into_player(self) -> Box<Player<S>> {
        self.player
    }

    /// Forgets all sound.
    pub fn clear(&mut self) {
        let _ = self.player.instance.clear();
        self.player.clear_pads();
    }

    /// How the coming instance wants its blocks divided.
    pub const fn split(&self) -> hotshell_abi::describe::SplitDesc {
        self.player.split
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
                (Stage::Wait { .. }, Plan::OutIn { frames }) => Stage::FadeIn { position: 0, length: frames },
                _ => Stage::Done,
            };
        }
        if self.stage.is_audible() && !self.heard && !self.failed && !self.player.instance.is_dead() {
            self.heard = true;
            link.hear(self.player.build);
        }
    }
}

impl<P: Parameters, S: Sample> ShellAudio<P, S> {
    /// Takes the candidate from the inbox: parameters switch, and the change-over begins with this block.
    #[cold]
    #[inline(never)]
    pub(super) fn take(&mut self, desk: &mut Desk<'_>) {
        let Some(mut player) = self.link.inbox.take() else { return };
        if player.epoch != self.link.epoch.load(Acquire) {
            self.link.returned.store(player.serial, Release);
            self.leave(player, End::Stale);
            return;
        }
        if let Some(plan) = &player.plan {
            self.params.switch(plan);
        }
        player.trim_pad(self.link.known_latency.load(Acquire), 0);
        self.link.taken.store(player.serial, Release);
        self.link.swap_ns.store(0, Relaxed);
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
            double: None,
            failed: false,
            fresh: true,
        };
        self.decide(&mut incoming, false, affordable);
        if !matches!(incoming.plan, Plan::OutIn { .. }) && self.tell(&mut incoming, desk, 0) {
            self.decide(&mut incoming, true, affordable);
        }
        if incoming.stage.runs_old() && incoming.stage.runs_new() {
            incoming.double = Some(Double::new(&self.link.doubles));
        }
        self.guard.watch_closely();
        incoming.settle(&self.link);
        self.incoming = Some(incoming);
    }

    fn affordable(&self, player: &Player<S>, mode: RenderMode) -> bool {
        // Silence is cheaper than music: the new one will cost what the old one does, or more.
        let nanoseconds = self.current.cost + player.cost.max(self.current.cost);
        #[expect(clippy::cast_possible_truncation, reason = "a share of a block's time")]
        let share = nanoseconds * self.config.sample_rate as f32 * 1e-9;
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
            Plan::Crossfade { .. } => Stage::Lead { left: incoming.lead },
            // Nothing to fill: the input itself passes over, and comes out of either as late. What the new one heard
            // before would sound twice.
            Plan::Spill { frames, blend } => Stage::Spill { position: 0, length: frames.max(blend), blend },
        };
    }

    /// At host block frame `at`: snapshot, restore, replay; closes what the old one has switched on downstream. Answers
    /// whether notes are replayed.
    fn tell(&mut self, incoming: &mut Incoming<S>, desk: &mut Desk<'_>, at: u32) -> bool {
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
        let replayed = self.feed.past.replay(notes, at, &mut memory.replay);
        let output = &mut *desk.output;
        self.feed.past.close_downstream(at, |event| {
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
                self.tell(&mut incoming, desk, at);
                if incoming.failed {
                    // Back from silence to the old one.
                    self.guard.expect_step();
                    break;
                }
                incoming.stage = Stage::Wait { left: incoming.lead };
            }
            incoming.settle(&self.link);
            if incoming.failed || (incoming.stage == Stage::Done && !incoming.fresh) {
                break;
            }
            let left = u32::try_from(incoming.stage.left()).unwrap_or(u32::MAX);
            let length = (end - at).min(left);
            let answer = self.segment(&mut incoming, block, (at, length), desk);
            verdict.join(&answer);
            if incoming.failed {
                at += length;
                break;
            }
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
            self.steady_chunk(block, (at, end - at), desk, &mut verdict);
        }
        verdict
    }

    /// The new one plays (or has failed while it did), or has failed before that; the other one goes back.
    fn finish(&mut self, incoming: Incoming<S>) {
        if incoming.failed {
            self.leave(incoming.player, End::Faulted);
            return;
        }
        self.guard.watch_closely();
        self.guard.stand_up();
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
        let (old_effect, new_effect) = (current.effect, incoming.player.effect);
        let bypass_index = incoming.player.bypass;
        let mut memory = incoming.player.swap.take();
        let loads = incoming.player.loads;
        let (old_buffers, mut old) = current.parts();
        let (new_buffers, mut new) = incoming.player.parts();
        let mut sides = Sides {
            old: old_buffers.bind(block, start, frames, true),
            new: new_buffers.bind(block, start, frames, true),
            stage: incoming.stage,
        };
        sides.capture(bypass);
        sides.divide_inputs();
        let mut verdict = Verdict::default();
        let (mut at, end) = (start, start + frames);
        while at < end {
            let stop = feed.next(&**params, desk.input, at, end);
            let span = Span { start, from: (at - start) as usize, to: (stop - start) as usize };
            let bypassed = is_bypassed(&**params, bypass_index);
            let mut news =
                Hearing { feed, facts: desk.facts, state_changed: state_changed(link, state_seen) };
            let mut around = Around { span, guard: &mut *guard, bypass: &*bypass, outgoing: &mut *outgoing };
            let of_old = sides.play_old(&mut old, old_effect, &news, &mut around);
            let fresh = std::mem::take(&mut incoming.fresh) && sides.stage.runs_new();
            incoming.fresh |= !sides.stage.runs_new();
            news.state_changed |= fresh && loads != *state_seen;
            let replay = if fresh { memory.as_deref_mut().map(|memory| &mut memory.replay) } else { None };
            let hears_old = sides.stage.hears_old();
            let of_new = sides.play_new(&mut new, new_effect, &news, replay, &mut around);
            for ran in [of_old, of_new].iter().filter(|ran| ran.failed) {
                link.not_finite.store(ran.not_finite, Relaxed);
            }
            incoming.failed |= of_new.failed && hears_old;
            verdict.lost |= of_old.lost | of_new.lost;
            verdict.take(of_old.answer.filter(|_| !sides.stage.is_audible()).or(of_new.answer));
            outgoing.deliver((at, stop), &**params, link, &mut feed.past, desk.output);
            sides.mix(span);
            bypass.apply(&mut sides.new, bypassed, span.from, span.to);
            let step = of_old.step.into_iter().chain(of_new.step).min().filter(|_| !bypass.is_full());
            guard.smooth(&mut sides.new, span.from, span.to, step);
            at = stop;
        }
        guard.remember(&mut sides.new);
        sides.new.finish();
        incoming.stage = sides.stage;
        incoming.player.swap = memory;
        verdict
    }
}
