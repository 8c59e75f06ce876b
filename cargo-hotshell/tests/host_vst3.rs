//! The embedded host with VST3 bundles of the examples: the same sound as their CLAP, and what only VST3 has.

#![allow(clippy::unwrap_used, reason = "a test and its helpers fail by panicking")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::Duration;

use cargo_hotshell::format::Format;
use cargo_hotshell::host::clock::Pace;
use cargo_hotshell::host::plugin::{self, Config, Plugin};
use cargo_hotshell::host::session::{Session, Setup};
use cargo_hotshell::host::source::{Generator, Source};
use cargo_hotshell::host::wav;
use cargo_hotshell::render::render;

const CONFIG: Config = Config { sample_rate: 48_000.0, max_frames: 128 };
const LIMIT: Duration = Duration::from_secs(60);

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-hotshell"));
    command.arg("hotshell");
    command
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Both examples in both formats, made once by the command itself.
fn bundles() -> &'static Path {
    static BUNDLES: OnceLock<PathBuf> = OnceLock::new();
    BUNDLES.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let out = temporary.join("bundles");
        let fixtures = temporary.parent().unwrap().join("fixtures");
        std::fs::create_dir_all(&fixtures).unwrap();
        let lock = File::create(fixtures.join("hotshell-tests.lock")).unwrap();
        lock.lock().unwrap();
        for example in ["gain", "synth"] {
            let mut bundle = command();
            bundle.arg("bundle").arg(root.join("examples").join(example)).arg("--out").arg(&out);
            // Where these tests were built, and as the fixtures of `tests/` are: most of what the examples need is there.
            bundle
                .env("CARGO_TARGET_DIR", temporary.parent().unwrap())
                .env("CARGO_PROFILE_DEV_DEBUG", "false");
            let output = bundle.output().unwrap();
            assert!(output.status.success(), "{}", said(&output));
        }
        out
    })
}

fn open(name: &str) -> Plugin {
    Plugin::open(&bundles().join(name), None).unwrap()
}

fn set(plugin: &mut Plugin, name: &str, text: &str) {
    let (id, value) = plugin.param_value(name, text).unwrap();
    plugin.set_param(id, value).unwrap();
}

fn rendered(name: &str, settings: &[(&str, &str)]) -> (Vec<Vec<f32>>, u32) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.wav");
    let mut plugin = open(name);
    for (param, text) in settings {
        set(&mut plugin, param, text);
    }
    let generator = if name.starts_with("gain") { Generator::Noise } else { Generator::Notes };
    let file = folder.path().join("in.wav");
    let source = match generator {
        Generator::Notes => {
            let messages = [(100, 0x90, 60, 100), (777, 0x90, 64, 90), (24_000, 0x80, 60, 0)];
            let message = |(frame, status, key, velocity)| cargo_hotshell::host::midi::Message {
                frame,
                bytes: [status, key, velocity],
            };
            Source::midi(messages.map(message).to_vec(), 48_000, false)
        }
        _ => {
            let sample = |frame: u16| f32::from(frame % 311) / 400.0 - 0.35;
            let sound = wav::Sound { rate: 48_000, channels: vec![(0..48_000).map(sample).collect()] };
            wav::write_16_bit(&file, &sound).unwrap();
            Source::file(&file, 48_000.0, false).unwrap()
        }
    };
    let (_, rendered) = render(plugin, CONFIG, source, 0, &output).unwrap();
    assert_eq!((rendered.totals.blocks_lost, rendered.totals.blocks_restarting), (0, 0));
    (wav::read(&output).unwrap().channels, rendered.latency)
}

#[test]
fn both_formats_of_a_plugin_sound_the_same_to_the_bit() {
    for (example, settings) in [
        ("gain", &[("Gain", "-6 dB")][..]),
        ("gain", &[("Gain", "9"), ("Look-ahead limiter", "On")]),
        ("synth", &[("Waveform", "Saw"), ("Cutoff", "2000")]),
    ] {
        let (clap, latency) = rendered(&format!("{example}.clap"), settings);
        let (vst3, same) = rendered(&format!("{example}.vst3"), settings);
        assert!(clap[0].iter().any(|sample| sample.abs() > 0.01), "{example} {settings:?} is silent");
        assert!(clap == vst3, "{example} {settings:?}");
        assert_eq!((clap.len(), latency), (2, same));
    }
}

#[test]
fn values_texts_and_states_go_from_one_format_into_the_other() {
    let (mut clap, mut vst3) = (open("gain.clap"), open("gain.vst3"));
    let texts = |plugin: &mut Plugin| {
        let param = |param: plugin_param| (param.name, param.text, param.hidden);
        plugin.params().into_iter().map(param).collect::<Vec<_>>()
    };
    assert_eq!(texts(&mut clap), texts(&mut vst3));
    set(&mut clap, "Gain", "-12.5 dB");
    assert_ne!(texts(&mut clap), texts(&mut vst3));
    vst3.load_state(&clap.save_state().unwrap()).unwrap();
    assert_eq!(texts(&mut clap), texts(&mut vst3));
    set(&mut vst3, "Gain", "3 dB");
    clap.load_state(&vst3.save_state().unwrap()).unwrap();
    assert_eq!(texts(&mut clap), texts(&mut vst3));
    assert!(format!("{:#}", vst3.load_state(b"junk").unwrap_err()).contains("refuses the state"));
}

#[allow(non_camel_case_types, reason = "shorter where it is used")]
type plugin_param = cargo_hotshell::host::ports::Param;

#[test]
fn a_value_that_is_set_while_it_plays_is_heard_and_the_controller_knows_it() {
    let mut plugin = open("gain.vst3");
    let engine = plugin.activate(CONFIG).unwrap();
    let source = Source::generator(Generator::Sine, 48_000.0);
    let mut session =
        Session::start(plugin, engine, Setup { source, sinks: vec![], frames: None }, Pace::Free).unwrap();
    assert!(session.turn_until(LIMIT, |session| session.levels(2)[0] > 0.2).unwrap());
    let (id, _) = session.plugin().param_value("Gain", "-40 dB").unwrap();
    session.set_param(id, -40.0);
    assert!(session.turn_until(LIMIT, |session| session.levels(2)[0] < 0.01).unwrap());
    let param = session.plugin().params().into_iter().find(|param| param.id == id).unwrap();
    assert!((param.value + 40.0).abs() < 1e-6 && param.text == "-40.0 dB", "{param:?}");
    let (plugin, totals) = session.finish().unwrap();
    assert_eq!(totals.blocks_lost, 0);
    let blamed: Vec<_> = plugin.take_lines();
    assert!(blamed.is_empty(), "{blamed:?}");
}

#[test]
fn a_latency_that_moves_while_it_plays_is_told_on_main_and_costs_no_block() {
    let mut plugin = open("gain.vst3");
    let engine = plugin.activate(CONFIG).unwrap();
    let source = Source::generator(Generator::Sine, 48_000.0);
    let mut session =
        Session::start(plugin, engine, Setup { source, sinks: vec![], frames: None }, Pace::Free).unwrap();
    let (id, _) = session.plugin().param_value("Look-ahead limiter", "On").unwrap();
    assert_eq!(session.plugin().latency(), 0);
    session.set_param(id, 1.0);
    assert!(session.turn_until(LIMIT, |session| session.plugin().latency_changes() > 0).unwrap());
    assert_eq!(session.plugin().latency(), 240);
    let (plugin, totals) = session.finish().unwrap();
    let blamed = plugin.take_lines();
    assert!(totals.blocks_lost == 0 && blamed.is_empty(), "{blamed:?}");
}

#[test]
fn layouts_are_those_that_the_plugin_takes_and_one_is_chosen_by_name() {
    let mut plugin = open("gain.vst3");
    let names: Vec<String> = plugin.layouts().into_iter().map(|layout| layout.name).collect();
    assert_eq!(names, ["mono", "stereo"]);
    assert_eq!(plugin.ports().outputs, [2], "asking changes nothing");
    plugin.choose_layout("mono").unwrap();
    assert_eq!((plugin.ports().inputs, plugin.ports().outputs), (vec![1], vec![1]));
    assert!(format!("{:#}", plugin.choose_layout("5.1").unwrap_err()).contains("it has mono, stereo"));
}

#[test]
fn a_session_that_is_dropped_and_an_instance_after_it_do_no_harm() {
    for _ in 0..3 {
        let mut plugin = open("synth.vst3");
        let engine = plugin.activate(CONFIG).unwrap();
        let source = Source::generator(Generator::Notes, 48_000.0);
        let session =
            Session::start(plugin, engine, Setup { source, sinks: vec![], frames: None }, Pace::Free);
        drop(session.unwrap());
    }
    let (mut first, mut second) = (open("synth.vst3"), open("synth.vst3"));
    let foreign = first.activate(CONFIG).unwrap();
    let own = second.activate(CONFIG).unwrap();
    assert!(second.deactivate(foreign).unwrap_err().to_string().contains("another plug-in's"));
    second.deactivate(own).unwrap();
}

#[test]
fn what_is_the_wrong_kind_of_bundle_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path, format| format!("{:#}", Plugin::open_as(path, None, format).err().unwrap());
    // A VST3 bundle's code under a CLAP's name is a CLAP too: one build makes both.
    let both = folder.path().join("libgain.so");
    std::fs::copy(bundles().join("gain.clap"), &both).unwrap();
    assert_eq!(Plugin::open(&both, None).unwrap().format(), Format::Clap);
    assert_eq!(Plugin::open_as(&both, None, Some(Format::Vst3)).unwrap().format(), Format::Vst3);
    let text = refused(&bundles().join("gain.vst3"), Some(Format::Clap));
    assert!(text.contains("is a VST3 bundle, not CLAP"), "{text}");
    let text = refused(&bundles().join("gain.vts3"), None);
    assert!(text.contains("no such file") && text.contains("gain.vst3"), "{text}");
    let text = format!("{:#}", Plugin::open(&bundles().join("gain.vst3"), Some("00")).err().unwrap());
    let [(id, name)] = plugin::contents(&bundles().join("gain.vst3"), None).unwrap().try_into().unwrap();
    assert!(text.contains(&id) && name == "hotshell Gain", "{text}");
    assert_eq!(Plugin::open(&bundles().join("gain.vst3"), Some(&id.to_lowercase())).unwrap().id(), id);
}

#[test]
fn a_bundle_is_described_in_its_own_words() {
    let file = bundles().join("synth.vst3/Contents/Resources/moduleinfo.json");
    let info: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let class = &info["Classes"][0];
    assert_eq!(info["Name"], "synth");
    assert_eq!(info["Factory Info"]["Flags"]["Unicode"], true);
    assert_eq!(class["Category"], "Audio Module Class");
    assert_eq!(class["Sub Categories"][0], "Instrument");
    let [(id, name)] = plugin::contents(&bundles().join("synth.vst3"), None).unwrap().try_into().unwrap();
    assert_eq!(
        (class["CID"].as_str().unwrap(), class["Name"].as_str().unwrap()),
        (id.as_str(), name.as_str())
    );
}
