//! What a foreign host needs of us, in a process that it starts: builds bundles, renders with the CLAP host what they
//! should sound like, and publishes builds on request.
//!
//! Its first line says where things are, in JSON. Then it answers one line for each line of its input: `publish FEATURES`
//! with the build's number, `heard NUMBER` once some host has heard it. It ends with its input.
//!
//! Called by: `tests/juce_host.py`. Calls: the harness. Threads: CLAP's main thread.

use std::io::{BufRead, Write};
use std::path::Path;

use hotshell_tests::{
    Bundle, Event, Fixture, HostOptions, PATIENCE, Plugin, Scope, Setup, Signal, TestSlot, sine,
};
use serde_json::json;

/// Frames of each block, and of each reference.
const BLOCK: u32 = 512;
const FRAMES: u32 = BLOCK * 20;

/// One reference: the channels one after the other, 32-bit floats of this machine's byte order.
fn write(room: &Path, name: &str, channels: &[Vec<f32>]) {
    let bytes: Vec<u8> = channels.iter().flatten().flat_map(|sample| sample.to_ne_bytes()).collect();
    std::fs::write(room.join(name), bytes).expect("a reference is written");
}

/// What the CLAP of `package` makes of `signal`: `before` is set while inactive, `events` come in the block named.
fn render(
    package: &Fixture,
    signal: &Signal,
    before: &[(&str, f64)],
    events: &[(u32, Event)],
) -> Vec<Vec<f32>> {
    let bundle = Bundle::load(&package.release(), Scope::Local).expect("loads");
    let mut plugin = Plugin::open(&bundle, 0, HostOptions::default()).expect("opens");
    for (name, value) in before {
        let id = plugin.param(name).id;
        plugin.flush(&[Event::Param { time: 0, id, value: *value, cookie: 0 }]);
    }
    plugin.activate(Setup { max_frames: BLOCK, ..Setup::default() });
    let mut channels = vec![Vec::new(); 2];
    // One block more than the reference: a latency's worth of it may be wanted.
    for block in 0..=FRAMES / BLOCK {
        let events: Vec<Event> =
            events.iter().filter(|(at, _)| *at == block).map(|(_, event)| *event).collect();
        let made = plugin.block(BLOCK, signal, &events);
        channels.iter_mut().zip(made.channels).for_each(|(all, new)| all.extend(new));
    }
    channels
}

/// The sine for as long as the reference lasts, then nothing.
fn input() -> Signal {
    let sine = sine();
    std::sync::Arc::new(
        move |frame, channel| {
            if frame < u64::from(FRAMES) { sine(frame * (channel as u64 + 1), 0) } else { 0.0 }
        },
    )
}

fn references(room: &Path, gain: &Fixture, synth: &Fixture) {
    let input = input();
    let samples = |channel| (0..u64::from(FRAMES)).map(|frame| input(frame, channel)).collect();
    write(room, "input", &[samples(0), samples(1)]);
    let id = hotshell_abi::describe::param_host_id("gain");
    let set = |value| Event::Param { time: 0, id, value, cookie: 0 };
    write(room, "gain", &render(gain, &input, &[("Gain", -6.0)], &[(10, set(-24.0)), (15, set(-6.0))]));
    let limited = [("Gain", 12.0), ("Look-ahead limiter", 1.0)];
    write(room, "limited", &render(gain, &input, &limited, &[]));
    let velocity = f64::from(96.0_f32 / 127.0);
    let on = |time, key| Event::NoteOn { time, channel: 0, key, id: -1, velocity };
    let off = |time, key| Event::NoteOff { time, channel: 0, key, id: -1 };
    let silence: Signal = std::sync::Arc::new(|_, _| 0.0);
    let notes = [(0, on(0, 60)), (2, on(100, 64)), (8, off(0, 60)), (12, off(511, 64))];
    write(room, "synth", &render(synth, &silence, &[], &notes));
}

/// Waits until some host reports the build.
fn heard(slot: &TestSlot, build: u32) -> String {
    let begin = std::time::Instant::now();
    while begin.elapsed() < PATIENCE {
        if let Some(reason) = slot.refusal(build) {
            return format!("refused: {reason}");
        }
        if let Some(report) = slot.reports().iter().find(|report| report.heard >= build) {
            return format!("heard {} lost {}", report.heard, report.blocks_lost);
        }
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    }
    "not heard".to_owned()
}

fn answer(slot: &TestSlot, line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["publish", ref features @ ..] => {
            slot.publish(&Fixture::new("fixture-gainlike", features).logic()).to_string()
        }
        ["heard", build] => heard(slot, build.parse().expect("a build's number")),
        _ => format!("unknown: {line}"),
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody listens");
}

fn main() {
    let example = |name| Fixture::new(name, &[]);
    let (gain, synth, hot) = (example("gain"), example("synth"), Fixture::new("fixture-gainlike", &[]));
    // One for each bundle: a shell would refuse another one's builds.
    let [slot, for_gain, for_synth] = [0; 3].map(|_| TestSlot::new());
    let room = slot.room().join("references");
    std::fs::create_dir_all(&room).expect("a folder");
    references(&room, &gain, &synth);
    // What is published during a test is built before it.
    let builds = [hot.logic(), Fixture::new("fixture-gainlike", &["loud"]).logic()];
    assert!(builds.iter().all(|build| build.path.exists()), "built");
    let release = slot.room().join("release");
    let places = json!({
        "references": room,
        "frames": FRAMES,
        "block": BLOCK,
        "gain": [gain.vst3_release(&release), gain.vst3_shell(&for_gain)],
        "synth": [synth.vst3_release(&release), synth.vst3_shell(&for_synth)],
        "hot": hot.vst3_shell(&slot),
    });
    say(&places.to_string());
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        say(&answer(&slot, &line));
    }
}
