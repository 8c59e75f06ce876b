//! Every way to hand over: each sample within its law, each stage of any length, swaps on top of swaps and of the bypass.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers in tests")]

#[path = "common/rig.rs"]
mod rig;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use hotshell_core::shell::{BlockStatus, Phase, Shell};
use hotshell_derive::Params;
use hotshell_logic::params::{BoolParam, FloatParam};
use hotshell_logic::{
    AudioBuffer, AudioConfig, CreateContext, EventList, FadeLaw, Handover, PluginInfo, PluginLogic,
    ProcessContext, ProcessStatus, RenderMode,
};
use rig::{BLOCK, FADE, Rig, source};

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct GainParams {
    #[param(id = "gain", range = linear(0.0..=2.0), default = 1.0)]
    gain: FloatParam,
    #[param(id = "bypass", bypass)]
    bypass: BoolParam,
}

/// In times N/10, `LATE` frames later, handed over in way `WAY`.
struct Gain<const N: u32, const LATE: usize, const WAY: u32> {
    params: Arc<GainParams>,
    line: Vec<Vec<f32>>,
}

impl<const N: u32, const LATE: usize, const WAY: u32> PluginLogic for Gain<N, LATE, WAY> {
    type Params = GainParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.gain", "Gain");
    const HANDOVER: Handover = match WAY {
        0 => Handover::Auto,
        1 => Handover::Spill { max_s: 0.05 },
        2 => Handover::Cut,
        3 => Handover::Crossfade { law: FadeLaw::EqualPower, ms: 20.0 },
        _ => Handover::Crossfade { law: FadeLaw::EqualGain, ms: 0.0 },
    };
    const WARM_UP: u32 = if WAY == 3 { 200 } else { 0 };

    fn create(params: Arc<GainParams>, _: &CreateContext<'_>) -> Self {
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
        let gain = self.params.gain.value() as f32 * N as f32 / 10.0;
        let mut channels = buffer.in_place();
        let mut quiet = true;
        for (channel, line) in channels.iter_mut().zip(&mut self.line) {
            for sample in channel.iter_mut() {
                quiet &= *sample == 0.0;
                *sample *= gain;
                if LATE > 0 {
                    line.rotate_left(1);
                    std::mem::swap(&mut line[LATE - 1], sample);
                }
            }
            quiet &= line.iter().all(|sample| *sample == 0.0);
        }
        if quiet { ProcessStatus::Quiet } else { ProcessStatus::Active }
    }

    fn latency(&self) -> u32 {
        LATE as u32
    }
}

type Auto<const N: u32> = Gain<N, 0, 0>;

/// Frame at which the rig's next block begins.
fn now(rig: &Rig) -> usize {
    rig.heard.len()
}

#[test]
fn a_chosen_law_length_and_warm_up_are_kept() {
    let mut rig = Rig::new::<Auto<10>>();
    rig.run(3);
    let start = now(&rig);
    rig.swap::<Gain<5, 0, 3>>(1);
    rig.run(30);
    for (i, sample) in rig.heard.iter().enumerate().skip(start) {
        let (frame, x) = (i - start, source(i as u64));
        let wanted = match frame {
            // 200 frames of warm-up: not a trace of the new one.
            0..200 => x,
            200..1160 => {
                let way = (frame as f64 - 199.5) / 960.0 * std::f64::consts::FRAC_PI_2;
                x * way.cos() as f32 + x * 0.5 * way.sin() as f32
            }
            _ => x * 0.5,
        };
        assert!((sample - wanted).abs() < 1e-5, "frame {frame}: {sample} instead of {wanted}");
    }
}

#[test]
fn fading_out_and_in_never_plays_both_and_never_one_alone_too_loud() {
    let mut rig = Rig::in_mode::<Auto<10>>(RenderMode::REALTIME);
    rig.shell.control().link().doubles.fetch_add(100, Relaxed);
    rig.run(3);
    let start = now(&rig);
    rig.swap::<Auto<5>>(1);
    rig.run(12);
    for (i, sample) in rig.heard.iter().enumerate().skip(start) {
        let (frame, x) = (i - start, source(i as u64));
        let way = |frame: usize| (frame as f64 + 0.5) / 240.0 * std::f64::consts::FRAC_PI_2;
        let wanted = match frame {
            0..240 => x * way(frame).cos().powi(2) as f32,
            240..480 => x * 0.5 * way(frame - 240).sin().powi(2) as f32,
            _ => x * 0.5,
        };
        assert!((sample - wanted).abs() < 1e-5, "frame {frame}: {sample} instead of {wanted}");
    }
    assert_eq!((rig.lost(), rig.shell.control().link().heard.load(Relaxed)), (0, 1));
}

#[test]
fn a_spill_passes_the_input_on_and_a_cut_cuts() {
    let mut rig = Rig::new::<Auto<10>>();
    rig.run(3);
    let start = now(&rig);
    rig.swap::<Gain<5, 0, 1>>(1);
    rig.run(60);
    for (i, sample) in rig.heard.iter().enumerate().skip(start) {
        let (old, new) = (source(i as u64), source(i as u64) * 0.5);
        // The gains of the inputs sum to 1.
        let (low, high) = (old.min(new) - 1e-6, old.max(new) + 1e-6);
        assert!((low..=high).contains(sample), "frame {}", i - start);
    }
    rig.expect(start + FADE, 0.5, 0);
    let start = now(&rig);
    rig.swap::<Gain<20, 0, 2>>(2);
    rig.run(2);
    rig.expect(start, 2.0, 0);
    let start = now(&rig);
    rig.swap::<Gain<10, 0, 4>>(3);
    rig.run(2);
    rig.expect(start + 1, 1.0, 0);
}

#[test]
fn swaps_on_top_of_one_another_all_lie_between_what_they_fade() {
    let mut rig = Rig::new::<Auto<10>>();
    rig.run(3);
    let start = now(&rig);
    // The second one arrives in the first one's fade and waits for its end.
    rig.swap::<Auto<5>>(1);
    rig.run(2);
    rig.swap::<Auto<2>>(2);
    rig.run(1);
    rig.swap::<Auto<3>>(3);
    rig.run(40);
    for (i, sample) in rig.heard.iter().enumerate().skip(start) {
        let (a, b) = (source(i as u64), source(i as u64) * 0.3);
        assert!((a.min(b) - 1e-6..=a.max(b) + 1e-6).contains(sample), "frame {}", i - start);
    }
    rig.expect(now(&rig) - 64, 0.3, 0);
    assert_eq!(rig.lost(), 0);
    assert!(rig.largest_step(0) < 0.02);
}

#[test]
fn a_bypass_holds_through_every_kind_of_swap_and_ramps_through_it() {
    fn through<const WAY: u32>(late: u64) {
        let mut rig = Rig::new::<Gain<5, 100, 0>>();
        rig.set("bypass", 1.0);
        rig.run(20);
        let start = now(&rig);
        rig.swap::<Gain<2, 100, WAY>>(1);
        rig.run(70);
        for (i, sample) in rig.heard.iter().enumerate().skip(start) {
            assert_eq!(*sample, source(i as u64 - late), "way {WAY}, frame {}", i - start);
        }
        // Switched on and off in a fade.
        let start = now(&rig);
        rig.swap::<Gain<3, 100, WAY>>(2);
        rig.set("bypass", 0.0);
        rig.run(3);
        rig.set("bypass", 1.0);
        rig.run(3);
        rig.set("bypass", 0.0);
        rig.run(70);
        if WAY != 2 {
            assert!(rig.largest_step(start) < 0.02, "way {WAY}: {}", rig.largest_step(start));
        }
        rig.expect(now(&rig) - 64, 0.3, 100);
    }
    through::<0>(100);
    through::<1>(100);
    through::<2>(100);
    through::<3>(100);
}

#[test]
fn a_larger_latency_is_filled_before_it_is_heard_and_announced_at_the_restart() {
    let mut rig = Rig::new::<Auto<10>>();
    rig.run(3);
    let start = now(&rig);
    rig.swap::<Gain<10, 300, 0>>(1);
    rig.run(20);
    // 300 frames of pre-roll: the new one's first heard frame is no silence.
    rig.heard[..start + 300]
        .iter()
        .enumerate()
        .for_each(|(i, sample)| assert_eq!(*sample, source(i as u64), "frame {i}"));
    for (i, sample) in rig.heard.iter().enumerate().skip(start + 300) {
        let (old, new) = (source(i as u64), source(i as u64 - 300));
        assert!((old.min(new) - 1e-6..=old.max(new) + 1e-6).contains(sample), "frame {}", i - start);
    }
    rig.expect(start + 300 + FADE, 1.0, 300);
    assert_eq!((rig.shell.latency(), rig.notes.calls("restart")), (0, 1));
    assert_eq!(rig.notes.count("300 frames late"), 1);
    rig.engine.restart().unwrap();
    assert_eq!(rig.shell.latency(), 300);
    rig.run(40);
    assert_eq!(rig.notes.calls("restart"), 1, "and no other restart is asked for");
}

#[test]
fn nothing_sleeps_while_a_delay_of_ours_still_holds_sound() {
    let mut rig = Rig::new::<Gain<10, 200, 0>>();
    rig.run(2);
    rig.swap::<Auto<10>>(1);
    rig.run(40);
    // Padded by 200 frames. Silence goes in; the last of the sine is still on its way.
    let mut asleep_at = None;
    for block in 0..10 {
        for channel in 0..2 {
            rig.engine.input(channel).unwrap().fill(0.0);
        }
        let outcome = rig.engine.block(BLOCK, &mut |run| run());
        if outcome.status == BlockStatus::Sleep {
            asleep_at = asleep_at.or(Some(block));
        } else {
            assert_eq!(asleep_at, None);
        }
    }
    assert!(asleep_at.is_some_and(|block| block >= 3), "{asleep_at:?}");
}

#[test]
fn a_swap_that_waits_through_a_restart_of_ours_fades_and_one_in_any_other_is_there_at_once() {
    let mut rig = Rig::new::<Auto<10>>();
    rig.run(3);
    rig.swap::<Gain<10, 300, 0>>(1);
    rig.run(20);
    assert_eq!(rig.notes.calls("restart"), 1);
    rig.swap::<Gain<5, 300, 0>>(2);
    rig.engine.restart().unwrap();
    let start = now(&rig);
    rig.run(20);
    // Its latency is filled, then it fades: no frame is silent, and the old one's tail was kept.
    for (i, sample) in rig.heard.iter().enumerate().skip(start) {
        let (old, new) = (source(i as u64 - 300), source(i as u64 - 300) * 0.5);
        assert!((old.min(new) - 1e-6..=old.max(new) + 1e-6).contains(sample), "frame {}", i - start);
    }
    rig.swap::<Gain<2, 300, 0>>(3);
    rig.engine.reconfigure(rig::RATE, BLOCK).unwrap();
    let start = now(&rig);
    rig.run(10);
    rig.expect(start + 300, 0.2, 300);
}

#[test]
fn the_newest_build_wins_however_often_the_host_stops_in_between() {
    let mut rig = Rig::new::<Auto<10>>();
    rig.run(2);
    // Waits in the inbox while the host deactivates; a newer one comes while inactive.
    rig.swap::<Auto<5>>(1);
    rig.engine.deactivate();
    rig.swap::<Auto<2>>(2);
    rig.engine.reconfigure(rig::RATE, BLOCK).unwrap();
    let start = now(&rig);
    rig.run(4);
    rig.expect(start, 0.2, 0);
    rig.shell.take_changes(Phase::AnyTime);
    assert_eq!(rig.shell.control().link().heard.load(Relaxed), 2);
}
