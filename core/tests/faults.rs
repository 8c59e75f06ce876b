//! What is heard, counted and said when logics fail: while they play, while they fade, while nobody hears them yet.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "small numbers in tests"
)]

#[path = "common/rig.rs"]
mod rig;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use hotshell_core::rt::patchbay::{Jack, Patchbay};
use hotshell_core::shell::{Phase, Shell};
use hotshell_derive::Params;
use hotshell_logic::params::{BoolParam, IntParam};
use hotshell_logic::{
    AudioBuffer, AudioConfig, CreateContext, EventList, Handover, PluginInfo, PluginLogic, ProcessContext,
    ProcessStatus, RenderMode, Replay, SnapshotReader, SnapshotWriter,
};
use rig::{BLOCK, FADE, Rig, open, source};

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct BombParams {
    /// Which logic fails; 0: none.
    #[param(id = "victim", range = 0..=1000, default = 0)]
    victim: IntParam,
    #[param(id = "bypass", bypass)]
    bypass: BoolParam,
}

const PANIC: u32 = 0;
const NAN: u32 = 1;

/// In times N/10, `LATE` frames later; its victim number is N. `HOW`: what it does then. `WAY`: its hand-over.
struct Bomb<const N: u32, const HOW: u32, const LATE: usize, const WAY: u32> {
    params: Arc<BombParams>,
    line: Vec<Vec<f32>>,
}

impl<const N: u32, const HOW: u32, const LATE: usize, const WAY: u32> PluginLogic
    for Bomb<N, HOW, LATE, WAY>
{
    type Params = BombParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.bomb", "Bomb");
    const HANDOVER: Handover = match WAY {
        0 => Handover::Auto,
        1 => Handover::Spill { max_s: 0.05 },
        _ => Handover::Cut,
    };

    fn create(params: Arc<BombParams>, _: &CreateContext<'_>) -> Self {
        Self { params, line: Vec::new() }
    }

    fn reset(&mut self, _: &AudioConfig) {
        self.line = vec![vec![0.0; LATE]; 2];
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        let victim = self.params.victim.value() == N as i32;
        for (channel, line) in buffer.in_place().iter_mut().zip(&mut self.line) {
            for sample in channel.iter_mut() {
                *sample *= N as f32 / 10.0;
                if LATE > 0 {
                    line.rotate_left(1);
                    std::mem::swap(&mut line[LATE - 1], sample);
                }
            }
            if victim && HOW == NAN {
                channel[10] = f32::NAN;
            }
        }
        assert!(!(victim && HOW == PANIC), "the victim");
        ProcessStatus::Active
    }

    fn latency(&self) -> u32 {
        LATE as u32
    }

    fn snapshot(&self, _: &mut SnapshotWriter<'_>) {
        assert!(self.params.victim.value() != N as i32 + 500, "the victim of a snapshot");
    }

    fn restore(&mut self, _: &SnapshotReader<'_>) -> Replay {
        assert!(self.params.victim.value() != N as i32 + 600, "the victim of a restore");
        Replay::Nothing
    }
}

type Plain<const N: u32, const HOW: u32> = Bomb<N, HOW, 0, 0>;

/// No room for double work: swaps fade out and in.
fn crowded<G: PluginLogic>() -> Rig {
    let rig = Rig::in_mode::<G>(RenderMode::REALTIME);
    rig.shell.control().link().doubles.fetch_add(100, Relaxed);
    rig
}

#[test]
fn a_fault_is_reported_once_and_the_fresh_instance_is_not_blamed() {
    let mut rig = Rig::new::<Plain<13, PANIC>>();
    rig.run(4);
    rig.set("victim", 13.0);
    rig.block();
    rig.set("victim", 0.0);
    for _ in 0..40 {
        // The main thread looks several times while the fresh one fades in.
        rig.run(1);
        rig.shell.take_changes(Phase::AnyTime);
    }
    assert_eq!(rig.notes.count("starts afresh"), 1, "{:?}", rig.notes.lines.lock().unwrap());
    assert!(rig.notes.calls("callback") >= 1, "a shell alone asks for the call");
    rig.expect(rig.heard.len() - 64, 1.3, 0);
    assert!(rig.largest_step(0) < 0.02);
    assert_eq!(rig.heard.iter().filter(|sample| !sample.is_finite()).count(), 0);
}

#[test]
fn an_old_instance_that_fails_in_the_fade_makes_no_step() {
    for at in 0..12 {
        let mut rig = Rig::new::<Plain<13, PANIC>>();
        rig.run(4);
        rig.swap::<Plain<5, NAN>>(1);
        for block in 0..30 {
            rig.set("victim", if block == at { 13.0 } else { 0.0 });
            rig.block();
        }
        assert!(rig.largest_step(0) < 0.03, "failing in block {at}: {}", rig.largest_step(0));
        rig.expect(rig.heard.len() - 64, 0.5, 0);
    }
}

#[test]
fn a_candidate_that_fails_before_it_is_heard_changes_not_one_sample() {
    // 100 frames of latency: the first two blocks are its pre-roll.
    let mut rig = Rig::new::<Bomb<10, PANIC, 100, 0>>();
    rig.run(4);
    rig.swap::<Bomb<7, NAN, 100, 0>>(1);
    rig.set("victim", 7.0);
    rig.block();
    rig.set("victim", 0.0);
    for _ in 0..20 {
        rig.block();
    }
    rig.expect(100, 1.0, 100);
    for (i, sample) in rig.heard.iter().enumerate().skip(100) {
        assert_eq!(*sample, source(i as u64 - 100), "frame {i}");
    }
    assert_eq!(rig.lost(), 0);
}

#[test]
fn a_candidate_that_fails_in_its_restore_leaves_the_old_one_as_it_was() {
    let mut rig = Rig::new::<Plain<10, PANIC>>();
    rig.set("victim", 605.0);
    rig.run(4);
    rig.swap::<Plain<5, PANIC>>(1);
    for _ in 0..20 {
        rig.block();
    }
    for (i, sample) in rig.heard.iter().enumerate() {
        assert_eq!(*sample, source(i as u64), "frame {i}");
    }
    rig.shell.take_changes(Phase::AnyTime);
    // Not its message: tests of one process share the place where the last panic's stands.
    assert_eq!(rig.notes.count("starts afresh"), 1);
}

#[test]
fn an_old_instance_that_fails_in_its_snapshot_is_faded_out_all_the_same() {
    let mut rig = Rig::new::<Plain<10, PANIC>>();
    rig.set("victim", 510.0);
    rig.run(4);
    rig.swap::<Plain<5, PANIC>>(1);
    for _ in 0..30 {
        rig.block();
    }
    assert!(rig.largest_step(0) < 0.02);
    rig.expect(rig.heard.len() - 64, 0.5, 0);
}

#[test]
fn both_may_fail() {
    for at in 0..10 {
        let mut rig = Rig::new::<Bomb<13, PANIC, 0, 0>>();
        rig.run(4);
        rig.swap::<Bomb<13, NAN, 0, 0>>(1);
        for block in 0..10 {
            rig.set("victim", if block == at { 13.0 } else { 0.0 });
            rig.block();
        }
        rig.set("victim", 0.0);
        rig.run(40);
        assert!(rig.heard.iter().all(|sample| sample.is_finite()));
        assert!(rig.largest_step(0) < 0.03, "failing in block {at}: {}", rig.largest_step(0));
        rig.expect(rig.heard.len() - 64, 1.3, 0);
    }
}

#[test]
fn one_that_fails_where_the_old_one_has_stopped_falls_back_without_stale_sound() {
    for at in 0..14 {
        let mut rig = crowded::<Plain<13, PANIC>>();
        rig.run(4);
        rig.swap::<Plain<5, NAN>>(1);
        for block in 0..14 {
            rig.set("victim", if block == at { 5.0 } else { 0.0 });
            rig.block();
        }
        assert!(rig.heard.iter().all(|sample| sample.is_finite()));
        assert!(rig.largest_step(0) < 0.03, "failing in block {at}: {}", rig.largest_step(0));
        rig.set("victim", 0.0);
        rig.run(60);
        assert!(rig.largest_step(0) < 0.03, "and back, in block {at}: {}", rig.largest_step(0));
        // In the first 240 frames the old one fades out, and the new one does not run yet.
        rig.expect(rig.heard.len() - 64, if at < 3 { 0.5 } else { 1.3 }, 0);
    }
}

#[test]
fn one_that_fails_over_a_spilling_tail_or_after_a_cut_falls_back() {
    for at in 0..14 {
        let mut rig = Rig::new::<Plain<10, PANIC>>();
        rig.run(4);
        rig.swap::<Bomb<10, NAN, 0, 1>>(1);
        for block in 0..40 {
            rig.set("victim", if block == at { 10.0 } else { 0.0 });
            rig.run(1);
        }
        assert!(rig.largest_step(0) < 0.03, "failing in block {at}: {}", rig.largest_step(0));
        rig.expect(rig.heard.len() - 64, 1.0, 0);
        let mut rig = Rig::new::<Plain<10, PANIC>>();
        rig.run(4);
        rig.swap::<Bomb<10, PANIC, 0, 2>>(1);
        for block in 0..40 {
            rig.set("victim", if block == at { 10.0 } else { 0.0 });
            rig.run(1);
        }
        assert!(rig.largest_step(0) < 0.03, "after a cut, in block {at}: {}", rig.largest_step(0));
        rig.expect(rig.heard.len() - 64, 1.0, 0);
    }
}

#[test]
fn a_bypass_hides_a_fault_to_the_bit_whatever_the_latency() {
    let mut rig = Rig::new::<Bomb<13, PANIC, 100, 0>>();
    rig.set("bypass", 1.0);
    rig.run(20);
    rig.set("victim", 13.0);
    rig.block();
    rig.set("victim", 0.0);
    rig.run(30);
    for (i, sample) in rig.heard.iter().enumerate().skip(2 * FADE) {
        assert_eq!(*sample, source(i as u64 - 100), "frame {i}");
    }
}

#[test]
fn the_dry_signal_of_a_late_plug_in_is_as_late() {
    let mut rig = Rig::new::<Bomb<10, PANIC, 100, 0>>();
    rig.run(8);
    rig.set("victim", 10.0);
    for _ in 0..20 {
        rig.block();
    }
    // Gain 1: dry and wet are the same, in time; the ramp takes care of what one frame differs from the next.
    for (i, sample) in rig.heard.iter().enumerate().skip(100) {
        assert!((sample - source(i as u64 - 100)).abs() < 0.006, "frame {i}");
    }
}

#[test]
fn a_logic_that_fails_in_place_is_not_followed_by_its_own_half_written_output() {
    let (shell, _) = open::<Plain<13, PANIC>>();
    let config = AudioConfig {
        sample_rate: 48_000.0,
        max_frames: BLOCK,
        layout: 0,
        mode: RenderMode::REALTIME,
        reserved: 0,
    };
    let mut audio = shell.activate(config).unwrap();
    let mut memory = Patchbay::new(1, BLOCK);
    let mut heard: Vec<f64> = Vec::new();
    for block in 0..40_u64 {
        shell.set_param(rig::host_id("victim"), if block == 5 { 13.0 } else { 0.0 });
        memory.fill(0, |i| f64::from(source(block * u64::from(BLOCK) + i as u64)));
        let both = [(&[Jack::Single(0)][..], false)];
        memory.with(&both, &both, |block| audio.process(block, &(), &mut ()));
        heard.extend(memory.read(Jack::Single(0)));
    }
    let largest = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
    assert!(largest < 0.02, "{largest}");
    // The failing block ramps to silence, what follows is dry.
    let last = heard.len() - 1;
    assert_eq!(heard[last], f64::from(source(last as u64)));
    shell.deactivate(audio);
}

#[test]
fn a_logic_that_fails_at_once_every_time_is_tried_again_ever_more_rarely() {
    let mut rig = Rig::new::<Plain<13, PANIC>>();
    rig.set("victim", 13.0);
    rig.run(200);
    let tries = rig.notes.count("afresh") + rig.notes.count("tried again later");
    assert!((1..=8).contains(&tries), "{tries} tries in a moment");
    assert!(rig.heard.iter().all(|sample| sample.is_finite()));
    // A second of audio without a good instance: the shell goes on asking for the main thread.
    let before = rig.notes.calls("callback");
    for _ in 0..750 {
        rig.block();
    }
    assert!((2..=6).contains(&(rig.notes.calls("callback") - before)));
}

#[test]
fn a_fault_in_the_last_block_before_a_restart_is_reported_all_the_same() {
    let mut rig = Rig::new::<Plain<13, PANIC>>();
    rig.run(2);
    rig.set("victim", 13.0);
    rig.block();
    rig.set("victim", 0.0);
    rig.engine.reconfigure(rig::RATE, BLOCK).unwrap();
    rig.run(20);
    assert_eq!(rig.notes.count("starts afresh"), 1, "{:?}", rig.notes.lines.lock().unwrap());
    rig.expect(rig.heard.len() - 64, 1.3, 0);
}
