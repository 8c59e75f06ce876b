//! The harness sees what it is there to see: each planted fault turns a test red, and a clean plug-in none.
//!
//! Called by: the test runner. Calls: the harness. Threads: the test's own.

use hotshell_tests::bare::{ENTRY, FAULT, Fault, GAIN};
use hotshell_tests::{Bundle, Event, HostOptions, Offences, Play, Plugin, Recording, Setup, constant, guard};

fn open() -> Plugin {
    let mut plugin = Plugin::open(&Bundle::from_static(&ENTRY), 0, HostOptions::default()).expect("opens");
    plugin.activate(Setup::default());
    plugin
}

fn set(id: u32, value: f64) -> Event {
    Event::Param { time: 0, id, value, cookie: 0 }
}

fn with(fault: Fault) -> hotshell_tests::Block {
    open().block(64, &constant(0.5), &[set(FAULT, fault.value())])
}

#[test]
fn a_clean_block_is_clean() {
    let mut plugin = open();
    let block =
        plugin.block(64, &constant(0.5), &[Event::Param { time: 32, id: GAIN, value: 2.0, cookie: 0 }]);
    assert_eq!(block.channels[0][31].to_bits(), 0.5_f32.to_bits());
    assert_eq!(block.channels[1][32].to_bits(), 1.0_f32.to_bits());
    let outcome = block.outcome;
    assert_eq!(
        (outcome.unwritten, outcome.overrun, outcome.not_finite, outcome.offences),
        (0, 0, 0, Offences::NONE)
    );
}

#[test]
fn a_planted_allocation_is_counted() {
    assert!(guard::available(), "only a sanitizer's build goes without");
    assert!(with(Fault::Allocate).outcome.offences.allocations >= 2, "an allocation and its release");
}

#[test]
fn an_unwritten_sample_is_counted() {
    assert_eq!(with(Fault::Unwritten).outcome.unwritten, 1);
}

#[test]
fn a_sample_behind_the_block_is_counted() {
    assert_eq!(with(Fault::Overrun).outcome.overrun, 1);
}

#[test]
fn a_nan_is_counted() {
    assert_eq!(with(Fault::NotFinite).outcome.not_finite, 1);
}

#[test]
fn a_planted_system_call_is_seen_in_any_block_and_is_made_all_the_same() {
    assert!(cfg!(not(target_arch = "x86_64")) || with(Fault::SystemCall).outcome.offences.entered);
    assert!(!with(Fault::Allocate).outcome.offences.entered);
    let id = std::process::id();
    let ((own, again), offences) = guard::count(|| (std::process::id(), std::process::id()));
    assert_eq!((own, again), (id, id), "whoever makes the call notices nothing");
    assert!(cfg!(not(target_arch = "x86_64")) || offences.entered);
}

fn trapped(fault: Fault) -> Recording {
    let mut plugin = open();
    plugin.play(Play { trap_after: Some(20), ..Play::real_time() });
    plugin.wait_until("the trap", |p| p.playing().blocks() > 30);
    plugin.playing().send(&[set(FAULT, fault.value())]);
    let now = plugin.playing().blocks();
    plugin.wait_until("more blocks", |p| p.playing().blocks() > now + 20);
    plugin.stop()
}

#[test]
fn a_planted_system_call_is_counted_and_a_clean_plug_in_makes_none() {
    assert!(trapped(Fault::SystemCall).system_calls.0 > 0);
    assert_eq!(trapped(Fault::None).system_calls.0, 0);
}

#[test]
fn a_real_time_run_keeps_every_sample() {
    let mut plugin = open();
    plugin.play(Play { signal: constant(0.25), ..Play::real_time() });
    plugin.wait_until("100 blocks", |p| p.playing().blocks() > 100);
    plugin.playing().send(&[set(GAIN, 2.0)]);
    plugin.wait_until("the new gain", |p| p.playing().last() > 0.4);
    let recording = plugin.stop();
    recording.assert_clean();
    let (before, after) = (0.25_f32.to_bits(), 0.5_f32.to_bits());
    let steps =
        recording.channels[0].windows(2).filter(|pair| pair[0].to_bits() != pair[1].to_bits()).count();
    assert_eq!(recording.channels[0].len() as u64, recording.blocks * 128);
    assert_eq!((recording.channels[0][0].to_bits(), steps), (before, 1));
    assert_eq!(recording.channels[0].last().map(|s| s.to_bits()), Some(after));
}
