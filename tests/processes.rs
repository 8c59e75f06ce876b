//! Several hosts and several instances on one slot.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hotshell_tests::{Fixture, HostOptions, PATIENCE, Play, Plugin, Scene, Setup, TestSlot, constant};

fn steady(features: &[&str]) -> Fixture {
    Fixture::new("fixture-steady", features)
}

/// A host in a process of its own, which plays until its input ends and then says what it saw.
struct Host(Child);

impl Host {
    fn start(bundle: &Path) -> Self {
        let mut player = Command::new(env!("CARGO_BIN_EXE_player"));
        player.arg(bundle).stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(player.spawn().expect("the player starts"))
    }

    fn finish(mut self) -> Vec<String> {
        drop(self.0.stdin.take());
        let lines =
            BufReader::new(self.0.stdout.take().expect("piped")).lines().map_while(Result::ok).collect();
        assert!(self.0.wait().expect("ends").success(), "the player failed: {lines:?}");
        lines
    }
}

/// More blocks than any cross-fade of these tests lasts: 10 ms in blocks of 128 frames at 48 kHz are four.
const FADE_BLOCKS: u64 = 20;

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let begin = std::time::Instant::now();
    while !done() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    }
}

#[test]
fn four_processes_on_one_slot_all_reload() {
    let slot = TestSlot::new();
    let (clap, vst3) = (steady(&[]).shell(&slot), steady(&[]).vst3_shell(&slot));
    let hosts = [&clap, &vst3, &clap, &vst3].map(|bundle| Host::start(bundle));
    wait("four reports", || slot.reports().len() == 4);
    for feature in ["v2", "v3", "v2"] {
        let build = slot.publish(&steady(&[feature]).logic());
        wait("all heard it", || slot.reports().iter().filter(|r| r.heard == build).count() == 4);
    }
    // Heard is the first block of the fade: all play on until the last one is behind them.
    let fading: Vec<_> = slot.reports().iter().map(|r| (r.pid, r.blocks)).collect();
    wait("the fades are over", || {
        let reports = slot.reports();
        let passed =
            |(pid, at): &(u32, u64)| reports.iter().any(|r| r.pid == *pid && r.blocks > at + FADE_BLOCKS);
        fading.iter().all(passed)
    });
    for host in hosts {
        let lines = host.finish();
        assert!(lines.contains(&"unwritten 0".to_owned()), "{lines:?}");
        assert!(lines.contains(&"last 0.5".to_owned()), "{lines:?}");
    }
    wait("no report is left", || slot.reports().is_empty());
}

#[test]
fn a_host_that_is_killed_leaves_nothing_that_the_next_one_does_not_sweep() {
    let slot = TestSlot::new();
    let bundles = [steady(&[]).shell(&slot), steady(&[]).vst3_shell(&slot)];
    slot.publish(&steady(&["v2"]).logic());
    for bundle in &bundles {
        killed(&slot, bundle);
    }
}

fn killed(slot: &TestSlot, bundle: &Path) {
    let mut host = Host::start(bundle);
    wait("a report", || slot.reports().iter().any(|r| r.heard == 1));
    host.0.kill().expect("killed");
    host.0.wait().expect("ended");
    let next = Host::start(bundle);
    wait("only the next one's report", || slot.reports().len() == 1 && slot.reports()[0].heard == 1);
    next.finish();
    // A module waits 200 ms for its threads: the report of a busy machine's may be left to the next reader.
    wait("no report is left", || slot.reports().is_empty());
    let left: Vec<_> =
        slot.files().into_iter().filter(|f| f.contains("staged/") || f.contains(".json")).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn eight_instances_share_one_copy_one_load_and_three_threads() {
    let mut scene = Scene::active(&steady(&[]));
    let mut others: Vec<Plugin> = (0..7)
        .map(|_| {
            let mut plugin = Plugin::open(&scene.bundle, 0, HostOptions::default()).expect("opens");
            plugin.activate(Setup::default());
            plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
            plugin
        })
        .collect();
    scene.plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    let build = scene.publish_while_playing(&steady(&["v2"]).logic());
    let slot = &scene.slot;
    scene.plugin.wait_until("all eight", |_| {
        let reports = slot.reports();
        reports.iter().any(|r| r.instances.len() == 8 && r.instances.iter().all(|i| i.heard == build))
    });
    let report = scene.slot.reports().remove(0);
    assert_eq!((report.loads, report.blocks_lost), (1, 0));
    let threads = ours();
    assert_eq!(threads.len(), 3, "reload, watch, watchdog: {threads:?}");
    for plugin in &mut others {
        plugin.stop().assert_clean();
    }
    scene.plugin.stop().assert_clean();
}

/// Names of this process's threads that a shell has started. This test runs in a process of its own with one module.
fn ours() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let names = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    let mut names: Vec<String> = names.map(|name| name.trim().to_owned()).collect();
    names.retain(|name| name.contains("hotshell") || name.contains("notify"));
    names.sort();
    names
}

#[test]
fn a_player_that_is_told_to_stop_says_what_it_saw() {
    let slot = TestSlot::new();
    let mut host = Host::start(&steady(&[]).shell(&slot));
    host.0.stdin.as_mut().expect("piped").write_all(b"\n").expect("it listens");
    wait("a report", || slot.reports().iter().any(|r| r.blocks > 0));
    assert!(host.finish().contains(&"last 0.25".to_owned()));
}
