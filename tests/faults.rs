//! Faults of safe Rust in the host (DESIGN 7.8), in both formats: each row of the README's table is a build that fails in
//! one function. No output sample is lost, the build is out by its hash, the last good one plays with its notes, every
//! instance of the build moves, the author reads why, and the next build is welcome.

use hotshell_tests::figures::rounded;
use hotshell_tests::plant::{self, logic, windowed_logic};
use hotshell_tests::scene::Instance;
use hotshell_tests::vst3::{Module, Vst3, Vst3Options, Vst3View};
use hotshell_tests::{
    Bundle, Event, Fixture, HostOptions, Play, Plugin, Scene, Scope, Screen, Setup, TestSlot, Window,
    constant, largest_step, vst3,
};

/// What the tests ask of a host of either format beside playing.
trait Host: Instance {
    const FORMAT: &'static str;
    /// An open editor.
    type View;
    /// The fixture, `planted` in its own build, active.
    fn scene(planted: &str) -> Scene<Self> {
        Self::scene_of(&plant::fixture(), planted)
    }
    /// The same of one of its versions.
    fn scene_of(fixture: &Fixture, planted: &str) -> Scene<Self>;
    /// Another instance of the same module, active.
    fn another(scene: &Scene<Self>) -> Self;
    fn save(&mut self) -> Option<Vec<u8>>;
    fn load(&mut self, bytes: &[u8]) -> bool;
    fn trigger(&mut self) -> u32;
    fn text(&mut self, id: u32) -> Option<String>;
    fn parse(&mut self, id: u32) -> Option<f64>;
    fn send(&self, events: &[Event]);
    /// The plug-in is to forget its sound, between two blocks.
    fn reset(&self);
    fn last(&self) -> f32;
    /// Controllers reach the fixture.
    fn has_controllers() -> bool;
    /// Opens the editor.
    fn show(&mut self, screen: &Screen) -> Self::View;
    /// Its windows.
    fn windows(view: &Self::View) -> Window;
    /// Closes it.
    fn hide(&mut self, screen: &Screen, view: Self::View);
}

impl Host for Plugin {
    const FORMAT: &'static str = "CLAP";
    type View = Window;
    fn scene_of(fixture: &Fixture, planted: &str) -> Scene<Self> {
        let slot = TestSlot::new();
        let path = fixture.shell(&slot);
        plant::plant(&path, planted);
        let bundle = Bundle::load(&path, Scope::Local).expect("the shell loads");
        let mut plugin = Self::open(&bundle, 0, HostOptions::default()).expect("the shell opens");
        plugin.activate(Setup::default());
        Scene { plugin, bundle, slot }
    }
    fn another(scene: &Scene<Self>) -> Self {
        let mut plugin = Self::open(&scene.bundle, 0, HostOptions::default()).expect("the shell opens");
        plugin.activate(Setup::default());
        plugin
    }
    fn save(&mut self) -> Option<Vec<u8>> {
        Self::save(self)
    }
    fn load(&mut self, bytes: &[u8]) -> bool {
        Self::load(self, bytes)
    }
    fn trigger(&mut self) -> u32 {
        self.param("Trigger").id
    }
    fn text(&mut self, id: u32) -> Option<String> {
        Self::text(self, id, 0.5)
    }
    fn parse(&mut self, id: u32) -> Option<f64> {
        Self::parse(self, id, "0.25")
    }
    fn send(&self, events: &[Event]) {
        self.playing().send(events);
    }
    fn reset(&self) {
        self.playing().reset();
    }
    fn last(&self) -> f32 {
        self.playing().last()
    }
    fn has_controllers() -> bool {
        true
    }
    fn show(&mut self, screen: &Screen) -> Window {
        self.open_editor(screen)
    }
    fn windows(view: &Window) -> Window {
        *view
    }
    fn hide(&mut self, screen: &Screen, view: Window) {
        self.close_editor(screen, view);
    }
}

impl Host for Vst3 {
    const FORMAT: &'static str = "VST3";
    type View = Vst3View;
    fn scene_of(fixture: &Fixture, planted: &str) -> Scene<Self> {
        let slot = TestSlot::new();
        let path = fixture.vst3_shell(&slot);
        plant::plant(&path, planted);
        let bundle = Module::load(&path).expect("the shell loads");
        let mut plugin = Self::open(&bundle, 0, Vst3Options::default()).expect("the shell opens");
        plugin.activate(Setup::default());
        Scene { plugin, bundle, slot }
    }
    fn another(scene: &Scene<Self>) -> Self {
        let mut plugin = Self::open(&scene.bundle, 0, Vst3Options::default()).expect("the shell opens");
        plugin.activate(Setup::default());
        plugin
    }
    fn save(&mut self) -> Option<Vec<u8>> {
        vst3::Asking::save(self)
    }
    fn load(&mut self, bytes: &[u8]) -> bool {
        vst3::Asking::load(self, bytes)
    }
    fn trigger(&mut self) -> u32 {
        self.param("Trigger").id
    }
    fn text(&mut self, id: u32) -> Option<String> {
        vst3::Asking::text(self, id, 0.5)
    }
    fn parse(&mut self, id: u32) -> Option<f64> {
        vst3::Asking::parse(self, id, "0.25")
    }
    fn send(&self, events: &[Event]) {
        Self::send(self, events);
    }
    fn reset(&self) {
        self.playing().reset();
    }
    fn last(&self) -> f32 {
        self.playing().last()
    }
    fn has_controllers() -> bool {
        false
    }
    fn show(&mut self, screen: &Screen) -> Vst3View {
        self.open_view(screen)
    }
    fn windows(view: &Vst3View) -> Window {
        view.window
    }
    fn hide(&mut self, screen: &Screen, view: Vst3View) {
        view.close(screen);
    }
}

/// Fails in every function that hotshell calls, and how the test gets it called.
const FAULTS: [&str; 19] = [
    "create",
    "reset",
    "clear",
    "process",
    "latency",
    "tail",
    "restore",
    "snapshot",
    "later_process",
    "later_nan",
    "later_infinity",
    "later_clear",
    "state_changed",
    "save",
    "load",
    "refuse",
    "text",
    "parse",
    "drop",
];

/// The same in the editor.
const EDITOR_FAULTS: [&str; 3] = ["editor_build", "editor_draw", "editor_drop"];

/// What one fault came to in one format.
struct Seen {
    lost: u64,
    fallback: u64,
    /// From the failing sample to the first one of the good build.
    milliseconds: Option<f64>,
    host: String,
    told: String,
}

fn near(sample: f32, level: f32) -> bool {
    (sample - level).abs() < 1e-5
}

fn on(key: i16) -> Event {
    Event::NoteOn { time: 0, channel: 0, key, id: -1, velocity: 0.8 }
}

fn play<H: Host>(plugin: &mut H) {
    plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
}

fn publish<H: Host>(scene: &mut Scene<H>, name: &str) -> u32 {
    let build = logic(&scene.slot, name);
    scene.slot.publish(&build)
}

/// Publishes a good build and waits for its level, `more` from notes and controllers.
fn good<H: Host>(scene: &mut Scene<H>, name: &str, level: f32) {
    publish(scene, name);
    scene.plugin.wait_until(&format!("{name} at {level}"), |plugin| near(plugin.last(), level));
}

/// All that the module reports of build `build`, and its log.
fn said(slot: &TestSlot, build: u32) -> Vec<String> {
    let reports = slot.reports();
    let texts = reports.iter().flat_map(|r| {
        let refusals =
            r.refusals.iter().filter(|r| r.build == build).map(|r| format!("refused: {}", r.reason));
        let faults = r.faults.iter().filter(|f| f.build == build).map(|f| format!("failed: {}", f.message));
        faults.chain(refusals).chain(r.log.iter().map(|l| format!("logged: {}", l.text)))
    });
    texts.collect()
}

/// What the author must read.
fn words(name: &str) -> String {
    match name {
        "later_nan" | "later_infinity" => "not finite".to_owned(),
        name => format!("planted {name}"),
    }
}

/// Without places in sources, which move.
fn plain(text: &str) -> String {
    let words = text.split(' ').filter(|word| !word.contains(".rs:"));
    words.collect::<Vec<_>>().join(" ").replace('|', "/")
}

/// Does what makes the fault happen; answers what the host saw of it. A build is heard a moment before [main] answers
/// from it: what must come from the new one is asked for until it does.
fn provoke<H: Host>(
    scene: &mut Scene<H>,
    name: &str,
    saved: &[u8],
    (held, more): (&[Event], f32),
) -> Vec<&'static str> {
    let id = scene.plugin.trigger();
    let mut seen = Vec::new();
    match name {
        "later_clear" => {
            scene.plugin.send(&[Event::Param { time: 0, id, value: 1.0, cookie: 0 }]);
            let blocks = scene.plugin.blocks() + 2;
            scene.plugin.wait_until("blocks with it", |plugin| plugin.blocks() > blocks);
            scene.plugin.reset();
            scene.plugin.wait_until("the failure", |plugin| !near(plugin.last(), 0.375 + more));
            scene.plugin.send(held);
        }
        "save" => {
            scene.plugin.wait_until("a save that fails", |plugin| plugin.save().is_none());
            seen.push("the save fails");
        }
        "refuse" => {
            scene.plugin.wait_until("a load that fails", |plugin| !plugin.load(saved));
            seen.push("the load fails");
        }
        // It has failed already, when the state of the build before was carried over: by now either may answer.
        "load" => {
            let _ = scene.plugin.load(saved);
        }
        "state_changed" => assert!(scene.plugin.load(saved)),
        "text" => {
            scene.plugin.wait_until("a text that fails", |plugin| plugin.text(id).is_none());
            seen.push("no text");
        }
        "parse" => {
            scene.plugin.wait_until("a text that cannot be read", |plugin| plugin.parse(id).is_none());
            seen.push("no value");
        }
        _ => scene.plugin.send(&[Event::Param { time: 0, id, value: 1.0, cookie: 0 }]),
    }
    seen
}

fn row<H: Host>(name: &str) -> Seen {
    let mut scene = H::scene("none");
    play(&mut scene.plugin);
    good(&mut scene, "good", 0.5);
    let mut held = vec![on(60)];
    if H::has_controllers() {
        held.push(Event::Midi { time: 0, data: [0xb0, 1, 127] });
    }
    let more = if H::has_controllers() { 0.011 } else { 0.01 };
    scene.plugin.send(&held);
    scene.plugin.wait_until("the note", |plugin| near(plugin.last(), 0.5 + more));
    let saved = scene.plugin.save().expect("saves");
    let bad = publish(&mut scene, name);
    let slot = &scene.slot;
    scene.plugin.wait_until("the build judged", |_| {
        let reports = slot.reports();
        reports.iter().any(|r| r.heard == bad || r.faults.iter().any(|f| f.build == bad))
            || slot.refusal(bad).is_some()
    });
    let playing = fails_while_it_plays(name);
    if playing {
        // Not in its fade, where the one before would simply play on; and once so late that the reload thread is idle.
        scene.plugin.wait_until("the failing build alone", |plugin| near(plugin.last(), 0.375 + more));
        let blocks = scene.plugin.blocks() + if name == "later_infinity" { IDLE_BLOCKS } else { 0 };
        scene.plugin.wait_until("time going by", |plugin| plugin.blocks() >= blocks);
    }
    let mut host = provoke(&mut scene, name, &saved, (&held, more));
    // Only a build that is replaced is asked for a snapshot, and only one that is out of use is dropped.
    let at_the_next = ["snapshot", "drop"].contains(&name);
    let harmless = ["refuse", "drop"].contains(&name);
    if at_the_next || harmless {
        good(&mut scene, "better", 0.75 + more);
        host.push("the next build");
    } else {
        scene.plugin.wait_until("the last good build", |plugin| near(plugin.last(), 0.5 + more));
        host.push("the last good build");
    }
    let (slot, words) = (&scene.slot, words(name));
    // A line of the log may be there first; what counts is the report of the build.
    let fits = |text: &String| text.contains(&words) && (harmless || !text.starts_with("logged"));
    scene.plugin.wait_until(&format!("the author hearing of {name}"), |_| said(slot, bad).iter().any(fits));
    let told = said(slot, bad).into_iter().find(fits).expect("just seen");
    if !harmless {
        // The same code under another number: it is known by its hash.
        let again = publish(&mut scene, name);
        let reason = scene.wait_refused(again);
        assert!(reason.contains("refused before"), "{name}: {reason}");
    }
    let id = scene.plugin.trigger();
    scene.plugin.send(&[Event::Param { time: 0, id, value: 0.0, cookie: 0 }]);
    good(&mut scene, "better", 0.75 + more);
    let recording = scene.plugin.stop();
    recording.assert_continuous();
    let step = largest_step(&recording.channels[0]);
    assert!(step < 0.0115, "{name}: a step of {step}");
    let fallback = scene.slot.reports().iter().map(|r| r.blocks_lost).sum();
    // Elsewhere it depends on whether both builds together fit the block's time.
    if playing {
        assert!(fallback > 0, "{name}: the failing block is counted");
        host.insert(0, "the dry signal");
    }
    let lost = recording.unwritten + recording.not_finite + recording.errors;
    let milliseconds = back_after(&recording.channels[0], 0.375 + more).filter(|_| playing);
    Seen { lost, fallback, milliseconds, host: host.join(", then "), told: plain(&told) }
}

/// Fails after it was heard, so that there is a gap to fill.
fn fails_while_it_plays(name: &str) -> bool {
    name.starts_with("later") || name == "state_changed"
}

/// More than two seconds of blocks: so long after a hand-over the reload thread looks after it more often.
const IDLE_BLOCKS: u64 = 900;

/// Milliseconds from the last sample of a failing build at `level` to the first one of the build that takes its place.
fn back_after(samples: &[f32], level: f32) -> Option<f64> {
    let begun = samples.windows(64).position(|some| some.iter().all(|sample| near(*sample, level)))?;
    let failed = begun + samples[begun..].iter().position(|sample| !near(*sample, level))?;
    let rises = samples[failed..].windows(2).position(|pair| pair[1] > pair[0] + 1e-6)?;
    #[expect(clippy::cast_precision_loss, reason = "frames of a few seconds, at 48 kHz")]
    Some(rises as f64 / 48.0)
}

const GREEN: u32 = 0x0020_9030;
const OLIVE: u32 = 0x0070_7020;
const BLUE: u32 = 0x0020_30b0;

/// Publishes a build with an editor, and waits for its sound and for a window of one colour.
fn show_next<H: Host>(
    scene: &mut Scene<H>,
    (screen, window): (&Screen, u32),
    name: &str,
    level: f32,
    colour: u32,
) -> u32 {
    let build = windowed_logic(&scene.slot, name);
    let number = scene.slot.publish(&build);
    scene.plugin.wait_until(&format!("{name} at {level}"), |plugin| near(plugin.last(), level));
    scene.plugin.wait_until(&format!("a window of colour {colour:06x}"), |_| {
        screen.try_picture(window).is_some_and(|picture| picture.is_mostly(colour))
    });
    number
}

/// A fault of the editor, on the screen: the sound of the new build goes on, the editor before stays up, and the next
/// one comes.
fn editor_row<H: Host>(name: &str) -> Seen {
    let screen = &*Screen::turn();
    let mut scene = H::scene_of(&plant::windowed(), "none");
    play(&mut scene.plugin);
    let view = scene.plugin.show(screen);
    let child = H::windows(&view).child;
    show_next(&mut scene, (screen, child), "good", 0.5, GREEN);
    // One that fails when it is dropped has been good until then.
    let drops = name == "editor_drop";
    let bad = show_next(&mut scene, (screen, child), name, 0.375, if drops { OLIVE } else { GREEN });
    let words = words(name);
    if !drops {
        let slot = &scene.slot;
        scene.plugin.wait_until("the author hearing of it", |_| {
            said(slot, bad).iter().any(|text| text.contains(&words))
        });
        // The one that failed lies above it until it is gone.
        scene.plugin.wait_until("the editor before", |_| {
            screen.try_picture(child).is_some_and(|picture| picture.is_mostly(GREEN))
        });
    }
    show_next(&mut scene, (screen, child), "better", 0.75, BLUE);
    let slot = &scene.slot;
    scene
        .plugin
        .wait_until("the author hearing of it", |_| said(slot, bad).iter().any(|text| text.contains(&words)));
    let told = said(slot, bad).into_iter().find(|text| text.contains(&words)).expect("just seen");
    scene.plugin.hide(screen, view);
    let recording = scene.plugin.stop();
    recording.assert_continuous();
    let fallback = scene.slot.reports().iter().map(|r| r.blocks_lost).sum();
    let lost = recording.unwritten + recording.not_finite + recording.errors;
    let host = if drops { "the next editor" } else { "the new sound, the editor of the last good build" };
    Seen { lost, fallback, milliseconds: None, host: host.to_owned(), told: plain(&told) }
}

const HEAD: [&str; 2] = [
    "| a build that fails in | what the host saw | blocks lost, CLAP / VST3 | fallback blocks, CLAP / VST3 | what the author was told |",
    "|---|---|---|---|---|",
];

/// All cells but the fallback blocks, whose number depends on the machine's load.
fn cells(line: &str) -> Vec<&str> {
    let mut cells: Vec<&str> = line.split('|').map(str::trim).collect();
    if cells.len() > 4 {
        cells.remove(4);
    }
    cells
}

/// One test, in order, which also says how long the last good build took to come back: its lines are the README's table. `HOTSHELL_WRITE_README=1` writes them there.
#[test]
fn every_fault_is_survived_as_the_readme_says() {
    let mut lines: Vec<String> = HEAD.iter().map(|line| (*line).to_owned()).collect();
    let mut back = [const { Vec::new() }; 2];
    let all = FAULTS.iter().map(|name| (*name, false)).chain(EDITOR_FAULTS.iter().map(|name| (*name, true)));
    for (name, editor) in all {
        let (clap, vst3) = if editor {
            (editor_row::<Plugin>(name), editor_row::<Vst3>(name))
        } else {
            (row::<Plugin>(name), row::<Vst3>(name))
        };
        for (back, seen) in back.iter_mut().zip([&clap, &vst3]) {
            back.extend(seen.milliseconds.map(|time| (name, rounded(time))));
        }
        assert_eq!((clap.lost, vst3.lost), (0, 0), "{name}");
        assert_eq!((&clap.told, &clap.host), (&vst3.told, &vst3.host), "{name}: the formats differ");
        let (lost, fallback) =
            (format!("{} / {}", clap.lost, vst3.lost), format!("{} / {}", clap.fallback, vst3.fallback));
        lines.push(format!("| `{name}` | {} | {lost} | {fallback} | {} |", clap.host, clap.told));
    }
    println!(
        "milliseconds from the fault to the first sample of the good build: CLAP {:?}, VST3 {:?}",
        back[0], back[1]
    );
    let path = hotshell_tests::fixture::workspace().join("README.md");
    let readme = std::fs::read_to_string(&path).expect("the README");
    let begin = readme.find(HEAD[0]).expect("the README has the table");
    let length = readme[begin..].find("\n\n").expect("it ends");
    let table = &readme[begin..begin + length];
    if std::env::var_os("HOTSHELL_WRITE_README").is_some() {
        let written = [&readme[..begin], &lines.join("\n"), &readme[begin + length..]].concat();
        return std::fs::write(&path, written).expect("written");
    }
    let stated: Vec<_> = table.lines().map(cells).collect();
    let found: Vec<_> = lines.iter().map(|line| cells(line)).collect();
    assert_eq!(stated, found, "the README's table, written by HOTSHELL_WRITE_README=1");
}

/// One instance fails, and all of the module move; the build is known as bad to an instance that comes later.
fn others_move_too<H: Host>() {
    let mut scene = H::scene("none");
    let mut other = H::another(&scene);
    play(&mut scene.plugin);
    play(&mut other);
    good(&mut scene, "good", 0.5);
    let bad = publish(&mut scene, "later_process");
    for plugin in [&mut scene.plugin, &mut other] {
        plugin.wait_until("the bad build", |plugin| near(plugin.last(), 0.375));
    }
    let id = scene.plugin.trigger();
    scene.plugin.send(&[Event::Param { time: 0, id, value: 1.0, cookie: 0 }]);
    for plugin in [&mut scene.plugin, &mut other] {
        plugin.wait_until("the good build", |plugin| near(plugin.last(), 0.5));
    }
    let mut late = H::another(&scene);
    play(&mut late);
    late.wait_until("blocks", |plugin| plugin.blocks() > 5);
    assert!(near(late.last(), 0.5), "{}", late.last());
    let slot = &scene.slot;
    scene.plugin.wait_until("the count of what fell back", |_| fallen_back(slot) > 0);
    assert_eq!(fallen_back(slot), 1, "no other fell back itself: {:#?}", slot.reports());
    for plugin in [&mut other, &mut late] {
        plugin.stop().assert_continuous();
    }
    scene.plugin.stop().assert_continuous();
    let faults: Vec<_> = scene.slot.reports().into_iter().flat_map(|r| r.faults).collect();
    assert_eq!(faults.iter().filter(|fault| fault.build == bad).count(), 1, "{}: {faults:?}", H::FORMAT);
}

/// Instances that had to play a fallback.
fn fallen_back(slot: &TestSlot) -> usize {
    let reports = slot.reports();
    reports.iter().flat_map(|report| &report.instances).filter(|instance| instance.blocks_lost > 0).count()
}

#[test]
fn a_fault_in_one_instance_moves_all_of_them() {
    others_move_too::<Plugin>();
    others_move_too::<Vst3>();
}

/// Every build fails, build 0 too, which is tried once: the dry signal goes on, and a good build is welcome.
fn all_fail<H: Host>() {
    let mut scene = H::scene("later_process");
    scene.plugin.play(Play { signal: constant(0.125), ..Play::real_time() });
    scene.plugin.wait_until("build 0", |plugin| near(plugin.last(), 0.375));
    publish(&mut scene, "later_nan");
    let slot = &scene.slot;
    scene.plugin.wait_until("the published one", |_| slot.reports().iter().any(|r| r.heard == 1));
    let id = scene.plugin.trigger();
    scene.plugin.send(&[Event::Param { time: 0, id, value: 1.0, cookie: 0 }]);
    scene.plugin.wait_until("both failed", |_| {
        let reports = slot.reports();
        let log = reports.iter().flat_map(|r| &r.log);
        reports.iter().any(|r| r.faults.iter().any(|f| f.build == 1))
            && log.clone().any(|line| line.text.contains("the shell's own build did not start"))
    });
    scene.plugin.wait_until("the dry signal", |plugin| near(plugin.last(), 0.125));
    good(&mut scene, "good", 0.5);
    scene.plugin.send(&[Event::Param { time: 0, id, value: 0.0, cookie: 0 }]);
    let recording = scene.plugin.stop();
    recording.assert_continuous();
    assert!(largest_step(&recording.channels[0]) < 0.0115);
}

#[test]
fn where_every_build_fails_the_dry_signal_goes_on_until_a_good_one_comes() {
    all_fail::<Plugin>();
    all_fail::<Vst3>();
}
