//! What a block costs: the hot shell and the static shell through CLAP and through VST3, and a bare C-level CLAP plug-in
//! with the same arithmetic, interleaved. `cargo bench -p hotshell-tests --bench overhead [-- --json FILE]`

use hotshell_tests::bare::{ENTRY, GAIN};
use hotshell_tests::figures::{Figures, median, rounded};
use hotshell_tests::{
    Bundle, Event, Fixture, HostOptions, Instance, Module, Plugin, Profile, Scene, Scope, Setup, TestSlot,
    Vst3, Vst3Options, sine,
};
use serde_json::json;

const ROUNDS: usize = 200;
const BLOCKS: u32 = 500;

fn open(bundle: &Bundle) -> Plugin {
    let mut plugin = Plugin::open(bundle, 0, HostOptions::default()).expect("opens");
    plugin.activate(Setup { max_frames: 512, ..Setup::default() });
    plugin
}

/// `count` values of the gain, evenly spread over the block.
fn events(id: u32, cookie: usize, frames: u32, count: u32) -> Vec<Event> {
    let value = |i: u32| 0.5 + f64::from(i) / 256.0;
    (0..count).map(|i| Event::Param { time: i * frames / count, id, value: value(i), cookie }).collect()
}

fn setup() -> Setup {
    Setup { max_frames: 512, ..Setup::default() }
}

/// Plays a build of the slot; by the end the full scan of every output, which lasts for 10 s of sound after a swap, is
/// over.
fn warm<I: Instance>(scene: &mut Scene<I>, fixture: &Fixture) {
    scene.plugin.activate(setup());
    scene.publish_and_run(&fixture.logic(), &sine()).assert_continuous();
    for _ in 0..48_000 * 11 / 512 {
        scene.plugin.block(512, &sine(), &[]);
    }
}

/// One way to run blocks: frames, events, to nanoseconds of one.
type Timed<'a> = Box<dyn FnMut(u32, u32) -> f64 + 'a>;

fn clap(plugin: &mut Plugin, id: u32, cookie: usize) -> Timed<'_> {
    Box::new(move |frames, count| {
        let events = events(id, cookie, frames, count);
        plugin.on_audio(|audio| audio.time(frames, &sine(), &events, BLOCKS))
    })
}

fn vst3(plugin: &mut Vst3, id: u32) -> Timed<'_> {
    Box::new(move |frames, count| {
        let events = plugin.converted(&events(id, 0, frames, count));
        plugin.on_audio(|audio| audio.time(frames, &sine(), &events, BLOCKS))
    })
}

fn main() {
    let mut figures = Figures::from_arguments();
    let fixture = Fixture::new("fixture-gainlike", &[]).profile(Profile::Release);
    let (mut hot, mut hot_vst3) = (Scene::open(&fixture), Scene::vst3(&fixture));
    warm(&mut hot, &fixture);
    warm(&mut hot_vst3, &fixture);
    let room = TestSlot::new();
    let (bundle, bare) = (Bundle::load(&fixture.release(), Scope::Local), Bundle::from_static(&ENTRY));
    let (mut fixed, mut bare) = (open(&bundle.expect("loads")), open(&bare));
    let module = Module::load(&fixture.vst3_release(room.room())).expect("loads");
    let mut fixed_vst3 = Vst3::open(&module, 0, Vst3Options::default()).expect("opens");
    fixed_vst3.activate(setup());
    let gain = hot.plugin.param("Gain");
    let mut ways = [
        clap(&mut hot.plugin, gain.id, gain.cookie),
        clap(&mut fixed, gain.id, gain.cookie),
        clap(&mut bare, GAIN, 0),
        vst3(&mut hot_vst3.plugin, gain.id),
        vst3(&mut fixed_vst3, gain.id),
    ];
    let mut results = serde_json::Map::new();
    for frames in [32, 64, 128, 512] {
        for count in [0, 64] {
            let mut times: [Vec<f64>; 5] = Default::default();
            for _ in 0..ROUNDS {
                for (way, times) in ways.iter_mut().zip(&mut times) {
                    times.push(way(frames, count));
                }
            }
            let [hot, fixed, bare, hot_vst3, fixed_vst3] = times.each_ref().map(|times| median(times));
            let key = format!("frames_{frames}_events_{count}");
            let row = json!({
                "hot_ns": rounded(hot), "static_ns": rounded(fixed), "bare_ns": rounded(bare),
                "hot_over_static_ns": rounded(hot - fixed), "static_over_bare_ns": rounded(fixed - bare),
                "vst3_hot_ns": rounded(hot_vst3), "vst3_static_ns": rounded(fixed_vst3),
                "vst3_hot_over_static_ns": rounded(hot_vst3 - fixed_vst3),
            });
            figures.put(&key, row.clone());
            results.insert(key, row);
        }
    }
    let goal = &results["frames_64_events_0"];
    figures.put("hot_over_static_ns", goal["hot_over_static_ns"].clone());
    figures.put("vst3_hot_over_static_ns", goal["vst3_hot_over_static_ns"].clone());
    figures.put("static_over_bare_ns", goal["static_over_bare_ns"].clone());
    figures.put("goals_ns", json!({ "hot_over_static": 15, "static_over_bare": 60 }));
    figures.finish();
}
