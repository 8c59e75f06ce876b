//! A host that is told at once and restarts nothing: what it has read is how late the sound is.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers in tests")]

#[path = "common/rig.rs"]
mod rig;

use std::sync::Arc;

use hotshell_core::instance::Table;
use hotshell_core::shell::{Changes, Phase, Shell};
use hotshell_derive::Params;
use hotshell_logic::export::api;
use hotshell_logic::params::{BoolParam, IntParam};
use hotshell_logic::{
    AudioBuffer, AudioConfig, CreateContext, EventList, PluginInfo, PluginLogic, ProcessContext,
    ProcessStatus, RenderMode,
};
use rig::Rig;

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct LateParams {
    #[param(id = "bypass", bypass)]
    bypass: BoolParam,
    #[param(id = "more", range = 0..=100, default = 0)]
    more: IntParam,
    #[param(id = "boom", default = false)]
    boom: BoolParam,
}

/// Its input, `LATE` frames and those of its parameter later; 30 is deaf to the parameter. 31 and 300 fail when they are
/// told to.
struct Late<const LATE: usize> {
    params: Arc<LateParams>,
    past: Vec<Vec<f32>>,
}

impl<const LATE: usize> Late<LATE> {
    fn late(&self) -> usize {
        if LATE == 30 { LATE } else { LATE + usize::try_from(self.params.more.value()).unwrap() }
    }
}

impl<const LATE: usize> PluginLogic for Late<LATE> {
    type Params = LateParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.late", "Late");

    fn create(params: Arc<LateParams>, _: &CreateContext<'_>) -> Self {
        let _ = &params.bypass;
        Self { params, past: Vec::new() }
    }

    fn reset(&mut self, config: &AudioConfig) {
        self.past = vec![vec![0.0; config.max_frames as usize + 1000]; 2];
    }

    fn latency(&self) -> u32 {
        self.late() as u32
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        assert!(!(self.params.boom.value() && matches!(LATE, 31 | 300)), "on purpose");
        let late = self.late();
        for (channel, past) in buffer.in_place().iter_mut().zip(&mut self.past) {
            let frames = channel.len();
            past.rotate_left(frames);
            let end = past.len();
            past[end - frames..].copy_from_slice(channel);
            channel.copy_from_slice(&past[end - frames - late..end - late]);
        }
        ProcessStatus::Active
    }
}

/// What a host does that only reads again: told of the latency, it asks for it.
fn told_and_read(rig: &Rig) -> (Changes, u32) {
    let told = rig.shell.take_changes(Phase::AtOnce);
    let told_to_read = told.contains(Changes::LATENCY);
    (told, if told_to_read { rig.shell.read_latency() } else { rig.shell.latency() })
}

fn blocks(rig: &mut Rig, count: usize) {
    (0..count).for_each(|_| rig.block());
}

/// Enough for any change-over and what goes through the longest delay.
const SETTLED: usize = 40;
/// A fade between two places of the slow source steps no more than this.
const SMOOTH: f32 = 0.02;

fn heard_late(rig: &mut Rig, late: usize) {
    let from = rig.heard.len();
    blocks(rig, 4);
    rig.expect(from, 1.0, late);
}

#[test]
fn ardour_9_only_rereads_and_what_is_heard_is_as_late_as_what_it_read() {
    let mut rig = Rig::new::<Late<0>>();
    rig.shell.read_latency();
    blocks(&mut rig, SETTLED);
    let from = rig.heard.len();
    rig.swap::<Late<100>>(1);
    blocks(&mut rig, SETTLED);
    assert_eq!(told_and_read(&rig), (Changes::LATENCY, 100));
    heard_late(&mut rig, 100);
    rig.swap::<Late<30>>(2);
    blocks(&mut rig, SETTLED);
    let told = loop {
        heard_late(&mut rig, 100);
        let told = told_and_read(&rig);
        if !told.0.is_empty() {
            break told;
        }
    };
    assert_eq!(told, (Changes::LATENCY, 30), "padded until the host has read");
    blocks(&mut rig, SETTLED);
    heard_late(&mut rig, 30);
    assert_eq!(rig.notes.calls("restart"), 0);
    assert_eq!(rig.lost(), 0);
    assert!(rig.largest_step(from) < SMOOTH, "{}", rig.largest_step(from));
}

#[test]
fn a_host_that_does_not_read_again_keeps_what_it_compensates_for() {
    let mut rig = Rig::new::<Late<100>>();
    rig.shell.read_latency();
    blocks(&mut rig, SETTLED);
    rig.swap::<Late<30>>(1);
    blocks(&mut rig, SETTLED);
    assert_eq!(rig.shell.take_changes(Phase::AtOnce), Changes::LATENCY);
    blocks(&mut rig, SETTLED);
    heard_late(&mut rig, 100);
}

#[test]
fn the_bypass_follows_what_the_host_has_read() {
    for (first, then) in [(0_usize, 100_usize), (100, 0), (100, 300)] {
        let mut rig = match first {
            0 => Rig::new::<Late<0>>(),
            _ => Rig::new::<Late<100>>(),
        };
        rig.shell.read_latency();
        rig.set("bypass", 1.0);
        blocks(&mut rig, SETTLED);
        heard_late(&mut rig, first);
        let from = rig.heard.len();
        match then {
            0 => rig.swap::<Late<0>>(1),
            100 => rig.swap::<Late<100>>(1),
            _ => rig.swap::<Late<300>>(1),
        }
        blocks(&mut rig, SETTLED);
        assert_eq!(told_and_read(&rig).1, then as u32);
        blocks(&mut rig, SETTLED);
        heard_late(&mut rig, then);
        assert!(rig.largest_step(from) < SMOOTH, "{first} to {then}: {}", rig.largest_step(from));
    }
}

#[test]
fn a_candidate_that_waits_is_padded_to_what_the_host_reads_meanwhile() {
    let mut rig = Rig::new::<Late<0>>();
    rig.shell.read_latency();
    rig.set("more", 100.0);
    blocks(&mut rig, SETTLED);
    rig.swap::<Late<30>>(1);
    assert_eq!(told_and_read(&rig), (Changes::LATENCY, 100));
    blocks(&mut rig, SETTLED);
    heard_late(&mut rig, 100);
}

#[test]
fn a_candidate_that_was_taken_just_before_the_host_reads_is_padded_too() {
    for bypassed in [0.0, 1.0] {
        let mut rig = Rig::new::<Late<0>>();
        rig.shell.read_latency();
        rig.set("bypass", bypassed);
        rig.set("more", 100.0);
        blocks(&mut rig, SETTLED);
        assert_eq!(rig.shell.take_changes(Phase::AtOnce), Changes::LATENCY);
        let from = rig.heard.len();
        rig.swap::<Late<30>>(1);
        rig.block();
        assert_eq!(rig.shell.read_latency(), 100, "what it was told, whoever plays");
        blocks(&mut rig, SETTLED);
        heard_late(&mut rig, 100);
        assert!(rig.largest_step(from) < SMOOTH, "{}", rig.largest_step(from));
        blocks(&mut rig, SETTLED);
        let told = loop {
            heard_late(&mut rig, 100);
            let told = told_and_read(&rig);
            if !told.0.is_empty() {
                break told;
            }
        };
        assert_eq!(told, (Changes::LATENCY, 30), "until the next telling");
        blocks(&mut rig, SETTLED);
        heard_late(&mut rig, 30);
    }
}

#[test]
fn a_pad_that_is_too_short_grows() {
    let mut rig = Rig::new::<Late<100>>();
    rig.shell.read_latency();
    rig.set("more", 60.0);
    blocks(&mut rig, SETTLED);
    rig.swap::<Late<30>>(1);
    assert_eq!(rig.shell.take_changes(Phase::AtOnce), Changes::LATENCY);
    blocks(&mut rig, SETTLED);
    heard_late(&mut rig, 100);
    let from = rig.heard.len();
    assert_eq!(rig.shell.read_latency(), 160);
    blocks(&mut rig, SETTLED);
    heard_late(&mut rig, 160);
    assert!(rig.largest_step(from) < SMOOTH, "{}", rig.largest_step(from));
}

#[test]
fn a_candidate_that_fails_in_its_fade_takes_no_one_else_s_pad_along() {
    // The first one needs a longer pad too, the second one needs none.
    for first in [true, false] {
        let mut rig = Rig::new::<Late<100>>();
        rig.shell.read_latency();
        rig.set("more", 60.0);
        blocks(&mut rig, SETTLED);
        rig.swap::<Late<30>>(1);
        assert_eq!(rig.shell.take_changes(Phase::AtOnce), Changes::LATENCY);
        blocks(&mut rig, SETTLED);
        heard_late(&mut rig, 100);
        if first {
            rig.swap::<Late<31>>(2)
        } else {
            rig.swap::<Late<300>>(2)
        }
        rig.block();
        assert_eq!(rig.shell.read_latency(), 160);
        blocks(&mut rig, 4);
        assert_eq!(rig.lost(), 0, "it is on its way in");
        rig.set("boom", 1.0);
        blocks(&mut rig, SETTLED);
        heard_late(&mut rig, 160);
    }
}

#[test]
fn the_memory_of_a_change_goes_back_without_a_telling_call() {
    let mut rig = Rig::new::<Late<100>>();
    rig.shell.read_latency();
    rig.set("more", 60.0);
    blocks(&mut rig, SETTLED);
    rig.swap::<Late<30>>(1);
    assert_eq!(rig.shell.take_changes(Phase::AtOnce), Changes::LATENCY);
    blocks(&mut rig, SETTLED);
    assert_eq!(rig.shell.read_latency(), 160);
    blocks(&mut rig, SETTLED);
    let link = rig.shell.control().link();
    assert!(!link.spent_pad.is_empty() && !link.spent_redelay.is_empty());
    rig.shell.control().upkeep();
    assert!(link.spent_pad.is_empty() && link.spent_redelay.is_empty());
}

#[test]
fn a_logic_that_grows_into_its_pad_is_not_delayed_twice() {
    let mut rig = Rig::new::<Late<100>>();
    rig.shell.read_latency();
    blocks(&mut rig, SETTLED);
    rig.swap::<Late<20>>(1);
    blocks(&mut rig, SETTLED);
    heard_late(&mut rig, 100);
    rig.set("more", 80.0);
    blocks(&mut rig, SETTLED);
    heard_late(&mut rig, 100);
}

#[test]
fn a_host_that_restarts_for_what_it_was_told_keeps_the_instance_and_needs_no_fade() {
    let mut rig = Rig::new::<Late<0>>();
    rig.shell.read_latency();
    rig.swap::<Late<100>>(1);
    blocks(&mut rig, SETTLED);
    assert_eq!(told_and_read(&rig).0, Changes::LATENCY);
    rig.engine.restart().unwrap();
    heard_late(&mut rig, 100);
}

#[test]
fn a_pad_that_comes_late_allocates_and_frees_nothing_on_the_audio_thread() {
    let mut rig = Rig::new::<Late<0>>();
    rig.shell.read_latency();
    rig.set("more", 100.0);
    blocks(&mut rig, SETTLED);
    assert_eq!(rig.shell.take_changes(Phase::AtOnce), Changes::LATENCY);
    rig.swap::<Late<30>>(1);
    rig.block();
    assert_eq!(rig.shell.read_latency(), 100);
    assert_eq!(used(&mut rig), 0);
    heard_late(&mut rig, 100);
}

/// Allocations in the blocks to come, [main] looking after each.
fn used(rig: &mut Rig) -> u64 {
    let mut used = 0;
    for _ in 0..SETTLED {
        let phase = rig.phase;
        for channel in 0..2 {
            for (i, sample) in rig.engine.input(channel).unwrap().iter_mut().enumerate() {
                *sample = rig::source(phase + i as u64);
            }
        }
        rig.engine.block(rig::BLOCK, &mut |run| {
            let here = allocation_counter::measure(&mut *run);
            used += here.count_total;
            assert_eq!(here.count_current, 0, "nothing is freed either");
        });
        rig.phase += u64::from(rig::BLOCK);
        rig.heard.extend_from_slice(rig.engine.output(0).unwrap());
        // [main] takes back what a block is done with.
        rig.shell.take_changes(Phase::AnyTime);
    }
    used
}

#[test]
fn falling_in_step_allocates_and_frees_nothing_on_the_audio_thread() {
    let mut rig = Rig::new::<Late<100>>();
    rig.shell.read_latency();
    rig.set("bypass", 1.0);
    blocks(&mut rig, SETTLED);
    rig.swap::<Late<30>>(1);
    blocks(&mut rig, SETTLED);
    assert_eq!(told_and_read(&rig).1, 30);
    assert_eq!(used(&mut rig), 0);
}

#[test]
fn an_activation_without_a_block_makes_room_for_the_build_that_waits() {
    let (shell, _) = rig::open::<Late<0>>();
    let config = AudioConfig {
        sample_rate: rig::RATE,
        max_frames: rig::BLOCK,
        layout: 0,
        mode: RenderMode::REALTIME,
        reserved: 0,
    };
    let audio = shell.activate(config).unwrap();
    assert_eq!(shell.read_latency(), 0);
    shell.swap(Table::linked(api::<Late<100>, f32>()), 1).unwrap();
    assert!(shell.is_waiting());
    shell.deactivate(audio);
    let audio = shell.activate(config).unwrap();
    assert!(!shell.is_waiting());
    assert_eq!(shell.take_changes(Phase::AtOnce), Changes::LATENCY, "hosts restart for that");
    shell.swap(Table::linked(api::<Late<30>, f32>()), 2).unwrap();
    shell.deactivate(audio);
    let audio = shell.activate(config).unwrap();
    assert_eq!(shell.read_latency(), 30, "and yet it is no restart: nothing was heard that could go on");
    shell.deactivate(audio);
}
