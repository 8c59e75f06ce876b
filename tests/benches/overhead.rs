//! What a block costs through CLAP: the hot shell, the static shell, and a bare C-level plug-in with the same
//! arithmetic, interleaved. `cargo bench -p hotshell-tests --bench overhead [-- --json FILE]`

use hotshell_tests::bare::{ENTRY, GAIN};
use hotshell_tests::figures::{Figures, median, rounded};
use hotshell_tests::{Bundle, Event, Fixture, HostOptions, Plugin, Profile, Scene, Scope, Setup, sine};
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

fn main() {
    let mut figures = Figures::from_arguments();
    let fixture = Fixture::new("fixture-gainlike", &[]).profile(Profile::Release);
    let static_bundle = Bundle::load(&fixture.release(), Scope::Local).expect("loads");
    let bare_bundle = Bundle::from_static(&ENTRY);
    let mut hot = Scene::open(&fixture);
    hot.plugin.activate(Setup { max_frames: 512, ..Setup::default() });
    hot.publish_and_run(&fixture.logic(), &sine()).assert_continuous();
    let gain = hot.plugin.param("Gain");
    // The full scan of every output lasts for 10 s of sound after a swap.
    hot.plugin.on_audio(|audio| audio.time(512, &sine(), &[], 48_000 * 11 / 512));
    let mut plugins = [&mut hot.plugin, &mut open(&static_bundle), &mut open(&bare_bundle)];
    let ids = [(gain.id, gain.cookie), (gain.id, gain.cookie), (GAIN, 0)];
    let mut results = serde_json::Map::new();
    for frames in [32, 64, 128, 512] {
        for count in [0, 64] {
            let mut times: [Vec<f64>; 3] = Default::default();
            for _ in 0..ROUNDS {
                for ((plugin, (id, cookie)), times) in plugins.iter_mut().zip(ids).zip(&mut times) {
                    let events = events(id, cookie, frames, count);
                    times.push(plugin.on_audio(|audio| audio.time(frames, &sine(), &events, BLOCKS)));
                }
            }
            let [hot, fixed, bare] = times.each_ref().map(|times| median(times));
            let key = format!("frames_{frames}_events_{count}");
            let row = json!({
                "hot_ns": rounded(hot), "static_ns": rounded(fixed), "bare_ns": rounded(bare),
                "hot_over_static_ns": rounded(hot - fixed), "static_over_bare_ns": rounded(fixed - bare),
            });
            figures.put(&key, row.clone());
            results.insert(key, row);
        }
    }
    let goal = &results["frames_64_events_0"];
    figures.put("hot_over_static_ns", goal["hot_over_static_ns"].clone());
    figures.put("static_over_bare_ns", goal["static_over_bare_ns"].clone());
    figures.put("goals_ns", json!({ "hot_over_static": 15, "static_over_bare": 60 }));
    figures.finish();
}
