//! What an editor costs the host's main thread: while a reload holds the lock, while the editor hangs, and while nothing
//! happens; and what windows cost of memory. `cargo bench -p hotshell-tests --bench editor [-- --json FILE]`. Goals: a
//! window is there within 100 ms, and nothing else takes longer than 60 ms.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use hotshell_abi::describe::param_host_id;
use hotshell_tests::figures::{Figures, rounded};
use hotshell_tests::{
    Event, Fixture, HostOptions, PATIENCE, Pair, Plugin, Scene, Screen, Setup, TestSlot, What, Window,
};
use serde_json::json;

const RED: u32 = 0x00b0_2020;

/// The fixture's moods.
const SLEEPS: f64 = 1.0;
const CLINGS: f64 = 3.0;
const HOLDS: f64 = 7.0;

const ROUNDS: usize = 10;
/// Windows opened for the figures of memory.
const OPENINGS: u32 = 50;
const IDLE: Duration = Duration::from_secs(10);

fn scene() -> Scene {
    let fixture = Fixture::new("fixture-window", &[]);
    Scene::open_with(&fixture, HostOptions::default(), TestSlot::new())
}

fn set_mood(plugin: &mut Plugin, value: f64) {
    let id = param_host_id("mood");
    plugin.flush(&[Event::Param { time: 0, id, value, cookie: 0 }]);
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// What a call takes, in milliseconds.
fn timed<T>(into: &mut Vec<f64>, call: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let answer = call();
    into.push(milliseconds(begin.elapsed()));
    answer
}

fn shows(screen: &Screen, window: Window) -> bool {
    screen.try_picture(window.child).is_some_and(|picture| picture.is_mostly(RED))
}

fn opened(scene: &mut Scene, screen: &Screen) -> Window {
    let open = scene.plugin.open_editor(screen);
    scene.plugin.wait_until("the editor", |_| shows(screen, open));
    open
}

/// The lock is held for a second while the editor opens: the calls that open it, the ticks meanwhile, and how long after
/// its release the picture is there, without one more call of the host's.
fn held(figures: &mut Figures, screen: &Screen) {
    let (mut create, mut attach, mut ticks, mut after) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut scene = scene();
        set_mood(&mut scene.plugin, HOLDS);
        let hold = scene.plugin.activate_elsewhere(Setup::default());
        timed(&mut create, || scene.plugin.create_editor());
        let open = timed(&mut attach, || scene.plugin.attach_editor(screen));
        let held = !hold.is_finished();
        while !hold.is_finished() {
            timed(&mut ticks, || scene.plugin.tick());
            std::thread::park_timeout(Duration::from_millis(5));
        }
        hold.join().expect("the activation");
        let begin = Instant::now();
        while !shows(screen, open) && begin.elapsed() < PATIENCE {
            std::thread::park_timeout(Duration::from_millis(2));
        }
        after.push(milliseconds(begin.elapsed()));
        assert!(held, "the lock was held while the window opened");
        scene.plugin.close_editor(screen, open);
    }
    figures.put_spread("lock held: gui.create, ms", &create);
    figures.put_spread("lock held: set_parent (and checks), ms", &attach);
    figures.put_spread("lock held: main's ticks, ms", &ticks);
    figures.put_spread("lock released -> picture, ms", &after);
}

/// The same calls on an editor that hangs.
fn hanging(figures: &mut Figures, screen: &Screen) {
    let (mut resize, mut ticks, mut close, mut cling) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3 {
        let mut scene = scene();
        let open = opened(&mut scene, screen);
        set_mood(&mut scene.plugin, SLEEPS);
        let mix = param_host_id("mix");
        scene.plugin.wait_until("it sleeps", |plugin| plugin.value(mix) == Some(1.0));
        timed(&mut resize, || scene.plugin.force_editor(screen, open, 400, 200));
        (0..20).for_each(|_| timed(&mut ticks, || scene.plugin.tick()));
        timed(&mut close, || scene.plugin.abandon_editor());
        screen.destroy(open.parent);
        let mut scene = self::scene();
        let open = opened(&mut scene, screen);
        set_mood(&mut scene.plugin, CLINGS);
        timed(&mut cling, || scene.plugin.abandon_editor());
        screen.destroy(open.parent);
    }
    figures.put_spread("sleeps 4 s in draw: set_size, ms", &resize);
    figures.put_spread("sleeps 4 s in draw: main's ticks, ms", &ticks);
    figures.put_spread("sleeps 4 s in draw: destroy, ms", &close);
    figures.put_spread("hangs in drop: destroy, ms", &cling);
}

/// Times that each named thread of this process has waited.
fn waits() -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").expect("Linux").flatten() {
        let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let line = read("status");
        let line =
            line.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:").map(str::to_owned));
        let count = line.and_then(|line| line.trim().parse().ok()).unwrap_or(0);
        *all.entry(read("comm").trim().to_owned()).or_insert(0) += count;
    }
    all
}

/// A window is open and nothing happens: what main is asked for, and which threads wake up how often.
fn idle(figures: &mut Figures, screen: &Screen) {
    screen.point(1000, 700);
    let mut scene = scene();
    let open = opened(&mut scene, screen);
    let calls = scene.plugin.keep_calls();
    let asked = || {
        let callbacks = calls.list().iter().filter(|call| call.what == What::RequestCallback).count();
        let desk = calls.desk.lock().unwrap_or_else(PoisonError::into_inner);
        (callbacks, desk.started, desk.ticks)
    };
    let settle = Instant::now();
    scene.plugin.wait_until("the window's own start is over", |_| settle.elapsed() > Duration::from_secs(2));
    let (before, threads, begin) = (asked(), waits(), Instant::now());
    while begin.elapsed() < IDLE {
        std::thread::park_timeout(IDLE.saturating_sub(begin.elapsed()));
    }
    let after = asked();
    scene.plugin.tick();
    figures.put("idle 10 s: main-thread calls asked for", json!(after.0 - before.0));
    figures.put("idle 10 s: timers started", json!(after.1 - before.1));
    let seconds = IDLE.as_secs_f64();
    for (name, count) in waits() {
        let rate = count.saturating_sub(threads.get(&name).copied().unwrap_or(0)) as f64 / seconds;
        if rate > 0.0 {
            figures.put(&format!("idle: wake-ups per second of {name}"), json!(rounded(rate)));
        }
    }
    scene.plugin.close_editor(screen, open);
}

/// Resident memory, in KiB.
fn resident() -> i64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it says so");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

/// What windows cost of memory: opened and closed again without any reload, the toolkit's own, and reloaded while open. The
/// raw window is in both formats, and each of its builds is loaded twice.
fn memory(figures: &mut Figures, screen: &Screen) {
    let per = |begin: i64, rounds: u32| (resident() - begin) / i64::from(rounds);
    let mut scene = scene();
    for rounds in [10, OPENINGS] {
        let begin = resident();
        for _ in 0..rounds {
            let open = opened(&mut scene, screen);
            scene.plugin.close_editor(screen, open);
        }
        figures.put(&format!("egui: KiB per opening, {rounds} openings"), json!(per(begin, rounds)));
    }
    drop(scene);
    let mut pair = Pair::new();
    let mut build = pair.publish();
    pair.wait_for(screen, build);
    for rounds in [10, OPENINGS] {
        let begin = resident();
        for _ in 0..rounds {
            pair.seats.iter_mut().for_each(|seat| seat.open(screen));
            pair.wait_for(screen, build);
            pair.seats.iter_mut().for_each(|seat| seat.close(screen));
        }
        figures.put(
            &format!("raw, both formats: KiB per opening, {rounds} openings"),
            json!(per(begin, rounds)),
        );
    }
    pair.seats.iter_mut().for_each(|seat| seat.open(screen));
    let held = |pair: &Pair| pair.reports().iter().map(|report| report.held_bytes).sum::<u64>() >> 10;
    let (begin, held_before) = (resident(), held(&pair));
    for _ in 0..OPENINGS {
        build = pair.publish();
        pair.wait_for(screen, build);
    }
    figures
        .put(&format!("raw, both formats: KiB per reload, {OPENINGS} reloads"), json!(per(begin, OPENINGS)));
    let mapped = (held(&pair) - held_before) / u64::from(OPENINGS);
    figures.put("raw, both formats: of its files mapped per reload, KiB", json!(mapped));
    pair.seats.iter_mut().for_each(|seat| seat.close(screen));
}

fn main() {
    let mut figures = Figures::from_arguments();
    let screen = &*Screen::turn();
    let held = held as fn(&mut Figures, &Screen);
    for (name, part) in [("held", held), ("hanging", hanging), ("idle", idle), ("memory", memory)] {
        if figures.wants(name) {
            part(&mut figures, screen);
        }
    }
    figures.finish();
}
