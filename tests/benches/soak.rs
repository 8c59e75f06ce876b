//! Everything at once for a long time: eight instances in both formats play in real time while builds good, bad and
//! corrupt come in at random, states are saved and loaded, parameters storm, instances are switched off and on, and one
//! of each format has its editor open under Xvfb, which is closed and opened again now and then.
//! `cargo bench -p hotshell-tests --bench soak [-- --minutes N] [--seed S] [--every SECONDS] [--json FILE]`
//! `--every`: between two publishes (5): each good one stays mapped, twice, with the whole of egui in it.
//! Ends with status 1 if a block was lost, or if there are more handles, threads or windows than before.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hotshell_core::reload::slot::now;
use hotshell_tests::figures::Figures;
use hotshell_tests::fuzz::Random;
use hotshell_tests::screen::Turn;
use hotshell_tests::vst3::{Module, Vst3, Vst3Options, Vst3View};
use hotshell_tests::{
    Bundle, Event, Fixture, HostOptions, Play, Plugin, Profile, Recording, Scope, Screen, Setup, TestSlot,
    Window, constant, plant,
};
use serde_json::json;

/// What is published: sound builds and faulty ones.
const GOOD: [&str; 3] = ["none", "good", "better"];
const BAD: [&str; 17] = [
    "create",
    "reset",
    "clear",
    "process",
    "restore",
    "snapshot",
    "later_process",
    "later_nan",
    "later_infinity",
    "state_changed",
    "save",
    "load",
    "text",
    "drop",
    "editor_build",
    "editor_draw",
    "editor_drop",
];

/// An instance of either format.
enum Instance {
    Clap(Box<Plugin>),
    Vst3(Box<Vst3>),
}

/// Calls the method of the same name.
macro_rules! both {
    ($on:expr, $plugin:ident => $call:expr) => {
        match $on {
            Instance::Clap($plugin) => $call,
            Instance::Vst3($plugin) => $call,
        }
    };
}

/// Counted over all instances.
#[derive(Default)]
struct Sum {
    blocks: u64,
    lost: u64,
    late: u64,
    saves: u64,
    saves_failed: u64,
    loads: u64,
    loads_failed: u64,
    cycles: u64,
    openings: u64,
    /// By module, and by build: what its report forgets is remembered here.
    refusals: BTreeSet<(String, u32)>,
    roll_backs: BTreeSet<(String, u32)>,
    events: u64,
    good: u64,
    bad: u64,
    corrupt: u64,
}

impl Sum {
    fn add(&mut self, recording: &Recording) {
        self.blocks += recording.blocks;
        self.late += recording.late;
        self.lost += recording.unwritten + recording.not_finite + recording.errors + recording.overrun;
    }

    fn read(&mut self, slot: &TestSlot) {
        for report in slot.reports() {
            let refused = report.refusals.iter().map(|line| (report.id.clone(), line.build));
            self.refusals.extend(refused);
            self.roll_backs.extend(report.faults.iter().map(|line| (report.id.clone(), line.build)));
        }
    }
}

/// The editors that are open: of the first instance in CLAP, of the second in VST3.
struct Desk {
    screen: Turn,
    clap: Option<Window>,
    vst3: Option<Vst3View>,
}

impl Desk {
    fn open(&mut self, all: &mut [Instance]) {
        for instance in &mut all[..2] {
            match instance {
                Instance::Clap(plugin) => self.clap = Some(plugin.open_editor(&self.screen)),
                Instance::Vst3(plugin) => self.vst3 = Some(plugin.open_view(&self.screen)),
            }
        }
    }

    fn close(&mut self, all: &mut [Instance]) {
        if let (Some(window), Instance::Clap(plugin)) = (self.clap.take(), &mut all[0]) {
            plugin.close_editor(&self.screen, window);
        }
        if let Some(view) = self.vst3.take() {
            view.close(&self.screen);
        }
    }

    fn tick(&self) {
        if let Some(view) = &self.vst3 {
            view.tick();
        }
    }

    /// Windows in the two of the host's, those in them counted as well.
    fn windows(&self) -> usize {
        let mut open: Vec<u32> = self.clap.iter().map(|window| window.parent).collect();
        open.extend(self.vst3.iter().map(|view| view.window.parent));
        let mut count = 0;
        while let Some(window) = open.pop() {
            count += 1;
            open.extend(self.screen.children(window));
        }
        count
    }
}

fn play() -> Play {
    Play { signal: constant(0.0), keep: 0, ..Play::real_time() }
}

fn release() -> Fixture {
    plant::windowed().profile(Profile::Release).config("profile.release.strip=true")
}

/// A number behind a name in a file of `/proc/self`.
fn proc_number(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn handles() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

fn number(name: &str) -> Option<f64> {
    let arguments: Vec<String> = std::env::args().collect();
    let place = arguments.iter().position(|argument| argument == name)?;
    arguments.get(place + 1)?.parse().ok()
}

struct Soak {
    slot: TestSlot,
    all: Vec<Instance>,
    desk: Desk,
    random: Random,
    sum: Sum,
    logic: Vec<u8>,
    states: Vec<Vec<u8>>,
    marks: u64,
    every: Duration,
    published: Instant,
}

impl Soak {
    fn new(seed: u64, every: Duration) -> Self {
        let slot = TestSlot::new();
        let bundle = Bundle::load(&release().shell(&slot), Scope::Local).expect("loads");
        let module = Module::load(&release().vst3_shell(&slot)).expect("loads");
        let logic = std::fs::read(release().logic().path).expect("built");
        let mut all = Vec::new();
        for _ in 0..4 {
            let clap = Plugin::open(&bundle, 0, HostOptions::default()).expect("opens");
            all.push(Instance::Clap(Box::new(clap)));
            let vst3 = Vst3::open(&module, 0, Vst3Options::default()).expect("opens");
            all.push(Instance::Vst3(Box::new(vst3)));
        }
        for instance in &mut all {
            both!(instance, plugin => { plugin.activate(Setup::default()); plugin.play(play()); });
        }
        let mut desk = Desk { screen: Screen::turn(), clap: None, vst3: None };
        desk.open(&mut all);
        // The library stays loaded as long as the process: its instances are dropped before it.
        std::mem::forget(bundle);
        Self {
            slot,
            all,
            desk,
            random: Random::new(seed),
            sum: Sum::default(),
            logic,
            states: Vec::new(),
            marks: 0,
            every,
            published: Instant::now(),
        }
    }

    /// A file with a hash of its own.
    fn publish(&mut self, bytes: &[u8], planted: Option<&str>) {
        self.marks += 1;
        let path = self.slot.room().join("build.so");
        std::fs::write(&path, [bytes, &self.marks.to_le_bytes()].concat()).expect("written");
        if let Some(name) = planted {
            plant::plant(&path, name);
        }
        self.slot.publish_file(&path);
    }

    fn publish_something(&mut self) {
        let logic = self.logic.clone();
        match self.random.below(10) {
            0..=4 => {
                let name = self.random.pick(&GOOD);
                self.publish(&logic, Some(name));
                self.sum.good += 1;
            }
            5..=7 => {
                let name = self.random.pick(&BAD);
                self.publish(&logic, Some(name));
                self.sum.bad += 1;
            }
            8 => {
                let cut = self.random.below(logic.len());
                self.publish(&logic[..cut], None);
                self.sum.corrupt += 1;
            }
            _ => {
                let noise: Vec<u8> = (0..64).map(|_| self.random.next().to_le_bytes()[0]).collect();
                self.slot.slot().folder().write("manifest", &noise).expect("written");
                self.sum.corrupt += 1;
            }
        }
    }

    fn tick(&mut self) {
        for instance in &mut self.all {
            both!(instance, plugin => plugin.tick());
        }
        self.desk.tick();
    }

    fn act(&mut self) {
        let index = self.random.below(self.all.len());
        let what = self.random.below(100);
        let value = self.random.pick(&[0.0, 0.25, 0.5, 0.75, 1.0]);
        let key = i16::try_from(self.random.below(128)).expect("a key");
        if self.published.elapsed() > self.every {
            self.published = Instant::now();
            self.publish_something();
        }
        match what {
            0..=5 => {
                let instance = &mut self.all[index];
                let recording = both!(instance, plugin => {
                    let recording = plugin.stop();
                    plugin.deactivate();
                    plugin.activate(Setup::default());
                    plugin.play(play());
                    recording
                });
                self.sum.add(&recording);
                self.sum.cycles += 1;
            }
            6..=25 => {
                let saved = match &mut self.all[index] {
                    Instance::Clap(plugin) => plugin.save(),
                    Instance::Vst3(plugin) => plugin.save(),
                };
                self.sum.saves += 1;
                match saved {
                    Some(saved) if self.states.len() < 32 => self.states.push(saved),
                    Some(saved) => self.states[usize::try_from(key).expect("a key") % 32] = saved,
                    None => self.sum.saves_failed += 1,
                }
            }
            26..=35 if !self.states.is_empty() => {
                let state = self.states[self.random.below(self.states.len())].clone();
                let took = match &mut self.all[index] {
                    Instance::Clap(plugin) => plugin.load(&state),
                    Instance::Vst3(plugin) => plugin.load(&state),
                };
                self.sum.loads += 1;
                self.sum.loads_failed += u64::from(!took);
            }
            36 => {
                self.desk.close(&mut self.all);
                self.desk.open(&mut self.all);
                self.sum.openings += 1;
            }
            _ => self.storm(index, key, value),
        }
        self.tick();
        self.sum.read(&self.slot);
    }

    /// Parameters and notes, many at once.
    fn storm(&mut self, index: usize, key: i16, value: f64) {
        let id = match &mut self.all[index] {
            Instance::Clap(plugin) => plugin.param("Trigger").id,
            Instance::Vst3(plugin) => plugin.param("Trigger").id,
        };
        let mut events = vec![
            Event::NoteOn { time: 0, channel: 0, key, id: -1, velocity: 0.5 },
            Event::NoteOff { time: 64, channel: 0, key, id: -1 },
        ];
        events.extend((0..100).map(|time| Event::Param {
            time,
            id,
            value: value * f64::from(time) / 100.0,
            cookie: 0,
        }));
        self.sum.events += events.len() as u64;
        match &self.all[index] {
            Instance::Clap(plugin) => plugin.playing().send(&events),
            Instance::Vst3(plugin) => plugin.send(&events),
        }
    }

    /// A sound build to end with, heard by all; then everything stops.
    fn end(&mut self) {
        let logic = self.logic.clone();
        self.publish(&logic, Some("better"));
        let begin = Instant::now();
        let heard = |slot: &TestSlot| {
            let reports = slot.reports();
            let newest = slot.slot().read_manifest().map_or(0, |manifest| manifest.build);
            reports.len() == 2 && reports.iter().all(|r| r.instances.iter().all(|i| i.heard == newest))
        };
        while !heard(&self.slot) {
            assert!(
                begin.elapsed() < Duration::from_secs(60),
                "the last build is heard: {:#?}",
                self.slot.reports()
            );
            self.tick();
            std::thread::park_timeout(Duration::from_millis(5));
        }
        self.settle();
    }

    /// What grows with the first editors alone, as the C library's and the graphics driver's pools do.
    fn warm_up(&mut self) {
        for _ in 0..40 {
            self.desk.close(&mut self.all);
            self.desk.open(&mut self.all);
            self.tick();
        }
        self.settle();
    }

    /// Until the last build's editors are on their windows, and those before are gone.
    fn settle(&mut self) {
        let (begin, quiet) = (Instant::now(), Duration::from_secs(2));
        let (mut since, mut last) = (begin, (0, 0, 0));
        while since.elapsed() < quiet {
            let seen = self.measured();
            if std::mem::replace(&mut last, seen) != seen {
                since = Instant::now();
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "windows, handles, threads settle: {last:?}");
            self.tick();
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Handles, threads, windows.
    fn measured(&self) -> (usize, u64, usize) {
        (handles(), proc_number("status", "Threads:"), self.desk.windows())
    }

    fn measure(&self, figures: &mut Figures, when: &str) -> (usize, u64, usize) {
        let measured = self.measured();
        figures.put(&format!("memory {when} (MB)"), json!(proc_number("status", "VmRSS:") / 1024));
        figures.put(&format!("handles {when}"), json!(measured.0));
        figures.put(&format!("threads {when}"), json!(measured.1));
        figures.put(&format!("windows {when}"), json!(measured.2));
        measured
    }
}

fn main() {
    let minutes = number("--minutes").unwrap_or(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a seed")]
    let seed = number("--seed").map_or_else(now, |seed| seed as u64);
    let mut figures = Figures::from_arguments();
    figures.put("minutes", json!(minutes));
    figures.put("seed", json!(seed));
    let every = number("--every").unwrap_or(5.0);
    let mut soak = Soak::new(seed, Duration::from_secs_f64(every));
    // Everything that is made once is made: the first reload too.
    soak.end();
    soak.warm_up();
    let before = soak.measure(&mut figures, "at start");
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs_f64(minutes * 60.0) {
        soak.act();
        std::thread::park_timeout(Duration::from_millis(10));
    }
    soak.end();
    let after = soak.measure(&mut figures, "at end");
    let reports = soak.slot.reports();
    for instance in &mut soak.all {
        let recording = both!(instance, plugin => plugin.stop());
        soak.sum.add(&recording);
    }
    let sum = &soak.sum;
    let total =
        |each: fn(&hotshell_core::reload::slot::HostReport) -> u64| reports.iter().map(each).sum::<u64>();
    figures.put("instances", json!(soak.all.len()));
    figures.put("blocks", json!(sum.blocks));
    figures.put("blocks late", json!(sum.late));
    figures.put("lost (unwritten, not finite, failed)", json!(sum.lost));
    figures.put("fallback blocks", json!(total(|r| r.blocks_lost)));
    figures.put("published good / bad / corrupt", json!([sum.good, sum.bad, sum.corrupt]));
    figures.put("loads of a library", json!(total(|r| r.loads)));
    figures.put("held by mapped builds (MB)", json!(total(|r| r.held_bytes) >> 20));
    figures.put("reload threads left behind", json!(reports.iter().filter(|r| r.stopped.is_some()).count()));
    figures.put("saves / failed", json!([sum.saves, sum.saves_failed]));
    figures.put("loads / failed", json!([sum.loads, sum.loads_failed]));
    figures.put("activation cycles", json!(sum.cycles));
    figures.put("editors closed and opened again", json!(sum.openings));
    figures.put("refusals of builds", json!(sum.refusals.len()));
    figures.put("roll-backs after a fault", json!(sum.roll_backs.len()));
    figures.put("events", json!(sum.events));
    figures.finish();
    if sum.lost > 0 || after.0 > before.0 || after.1 > before.1 || after.2 > before.2 {
        std::process::exit(1);
    }
}
