//! The embedded host on a real bundle that knows nothing of hotshell: what goes in, what comes out, and what the host
//! must notice, answer and refuse.

#![allow(clippy::unwrap_used, reason = "a test and its helpers fail by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use cargo_hotshell::host::clock::Pace;
use cargo_hotshell::host::deck::{Played, Sink};
use cargo_hotshell::host::plugin::{Config, Plugin};
use cargo_hotshell::host::session::{Session, Setup};
use cargo_hotshell::host::source::{Generator, Source};
use cargo_hotshell::host::wav::{self, Sound};
use cargo_hotshell::render::render;
use cargo_hotshell::{Error, host};
use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Smf, Timing, TrackEvent, TrackEventKind};

const CONFIG: Config = Config { sample_rate: 48_000.0, max_frames: 128 };
const LIMIT: Duration = Duration::from_secs(60);

/// Builds the fixture once, in the folder of the tests; a fixture that does not build fails every test.
fn bundle() -> &'static Path {
    static BUNDLE: OnceLock<PathBuf> = OnceLock::new();
    BUNDLE.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let build = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "-p", "fixture-host-probe", "--target-dir"])
            .arg(target)
            .current_dir(root)
            .status();
        assert!(build.unwrap().success(), "the fixture builds");
        let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        target.join("debug").join(format!("{prefix}fixture_host_probe{suffix}"))
    })
}

fn probe() -> Plugin {
    Plugin::open(bundle(), None).unwrap()
}

fn set(plugin: &mut Plugin, name: &str, text: &str) {
    let (id, value) = plugin.param_value(name, text).unwrap();
    plugin.set_param(id, value).unwrap();
}

fn value(plugin: &mut Plugin, name: &str) -> f64 {
    plugin.params().into_iter().find(|param| param.name == name).unwrap().value
}

fn lines(plugin: &Plugin) -> Vec<String> {
    plugin.take_lines().into_iter().map(|line| format!("{} {}", line.severity, line.text)).collect()
}

/// A second of two different waves.
fn sound() -> Sound {
    let wave = |step: f32| (0..48_000_u16).map(|frame| (f32::from(frame) * step).sin() * 0.5).collect();
    Sound { rate: 48_000, channels: vec![wave(0.05), wave(0.083)] }
}

fn message<T>(result: Result<T, Error>) -> String {
    format!("{:#}", result.err().expect("an error"))
}

fn close(left: f32, right: f32) -> bool {
    (left - right).abs() < 1e-6
}

/// Keeps the first channel of what is heard.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<f32>>>);

impl Sink for Ear {
    fn block(&mut self, block: &Played<'_>) {
        self.0.lock().unwrap().extend(&block.output[0][..block.frames]);
    }
    fn finish(self: Box<Self>) -> Result<(), Error> {
        Ok(())
    }
}

fn play(mut plugin: Plugin, source: Source, frames: Option<u64>) -> (Session, Ear) {
    let ear = Ear::default();
    let engine = plugin.activate(CONFIG).unwrap();
    let setup = Setup { source, sinks: vec![Box::new(ear.clone())], frames };
    (Session::start(plugin, engine, setup, Pace::Free).unwrap(), ear)
}

#[test]
fn a_sound_is_rendered_through_the_plugin_sample_by_sample() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.wav");
    let mut plugin = probe();
    set(&mut plugin, "gain", "half");
    let (_, rendered) = render(plugin, CONFIG, Source::sound(sound(), false), 0, &output).unwrap();
    let (expected, heard) = (sound(), wav::read(&output).unwrap());
    assert_eq!((heard.rate, heard.channels.len(), heard.frames()), (48_000, 2, 48_000));
    for (heard, expected) in heard.channels.iter().zip(&expected.channels) {
        assert!(heard.iter().zip(expected).all(|(heard, expected)| close(*heard, expected * 0.5)));
    }
    assert_eq!(rendered.totals.blocks_lost, 0);
    assert_eq!(rendered.totals.blocks, 375);
}

#[test]
fn latency_is_taken_off_so_that_a_rendering_lies_on_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.wav");
    let mut plugin = probe();
    set(&mut plugin, "Latency", "1000");
    let (_, rendered) = render(plugin, CONFIG, Source::sound(sound(), false), 0, &output).unwrap();
    assert_eq!(rendered.latency, 1000);
    let heard = wav::read(&output).unwrap();
    assert_eq!(heard.frames(), 48_000);
    assert!(
        heard.channels[1].iter().zip(&sound().channels[1]).all(|(heard, expected)| close(*heard, *expected))
    );
}

#[test]
fn a_sixteen_bit_file_survives_the_way_out_and_in() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("16.wav");
    wav::write_16_bit(&file, &sound()).unwrap();
    let back = wav::read(&file).unwrap();
    assert_eq!(back.frames(), 48_000);
    let worst =
        back.channels[0].iter().zip(&sound().channels[0]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 2.0 / 32_768.0, "{worst}");
}

/// Notes at one beat, at two beats, and (after the tempo halves) at three.
fn midi_file(path: &Path) {
    let event = |delta, kind| TrackEvent { delta: u28::new(delta), kind };
    let note = |delta, vel| {
        let message = MidiMessage::NoteOn { key: u7::new(60), vel: u7::new(vel) };
        event(delta, TrackEventKind::Midi { channel: u4::new(0), message })
    };
    let slower = event(192, TrackEventKind::Meta(MetaMessage::Tempo(u24::new(1_000_000))));
    let header = Header::new(Format::Parallel, Timing::Metrical(u15::new(96)));
    let file = Smf {
        header,
        tracks: vec![vec![slower], vec![note(96, 127), note(48, 0), note(48, 127), note(96, 127)]],
    };
    file.save(path).unwrap();
}

#[test]
fn notes_of_a_midi_file_come_at_their_frames_whatever_the_block_size() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.mid");
    midi_file(&file);
    for max_frames in [64, 127] {
        let mut plugin = probe();
        let ear = Ear::default();
        let engine = plugin.activate(Config { max_frames, ..CONFIG }).unwrap();
        let source = Source::file(&file, 48_000.0, false).unwrap();
        let setup = Setup { source, sinks: vec![Box::new(ear.clone())], frames: Some(100_000) };
        let mut session = Session::start(plugin, engine, setup, Pace::Free).unwrap();
        assert!(!session.turn_until(LIMIT, |_| false).unwrap());
        session.finish().unwrap();
        let heard = ear.0.lock().unwrap();
        let marks: Vec<usize> = (0..heard.len()).filter(|frame| heard[*frame] != 0.0).collect();
        assert_eq!(marks, [24_000, 48_000, 96_000]);
    }
}

#[test]
fn a_state_goes_through_a_file_into_another_instance() {
    let mut first = probe();
    set(&mut first, "Gain", "0.25");
    let bytes = first.save_state().unwrap();
    let mut second = probe();
    assert!((value(&mut second, "Gain") - 1.0).abs() < 1e-9);
    second.load_state(&bytes).unwrap();
    assert!((value(&mut second, "Gain") - 0.25).abs() < 1e-9);
    assert!(message(second.load_state(b"junk")).contains("refuses the state"));
}

#[test]
fn a_latency_change_while_it_plays_restarts_the_plugin_once_and_loses_nothing() {
    let (mut session, _) = play(probe(), Source::generator(Generator::Sine, 48_000.0), None);
    let (id, _) = session.plugin().param_value("Latency", "64").unwrap();
    assert_eq!(session.plugin().latency(), 0);
    session.set_param(id, 64.0);
    assert!(session.turn_until(LIMIT, |session| session.restarts() == 1).unwrap());
    assert_eq!(session.plugin().latency(), 64);
    let before = session.totals().blocks;
    assert!(session.turn_until(LIMIT, |session| session.totals().blocks > before + 100).unwrap());
    assert_eq!(session.restarts(), 1);
    let (plugin, totals) = session.finish().unwrap();
    assert_eq!((totals.blocks_lost, plugin.latency_changes()), (0, 1));
    let blamed: Vec<String> =
        lines(&plugin).into_iter().filter(|line| line.contains("MISBEHAVING")).collect();
    assert!(blamed.is_empty(), "{blamed:?}");
}

#[test]
fn main_answers_a_callback_while_blocks_go_on() {
    let (mut session, _) = play(probe(), Source::generator(Generator::Silence, 48_000.0), None);
    let mut said = Vec::new();
    let answered = session.turn_until(LIMIT, |session| {
        said.extend(lines(session.plugin()));
        said.iter().any(|line| line == "INFO called back")
    });
    assert!(answered.unwrap(), "{said:?}");
}

#[test]
fn samples_that_a_plugin_leaves_or_spoils_are_counted_and_silent() {
    for (fault, unwritten, not_finite) in [("1", 128 * 2 * 10, 0), ("2", 0, 2 * 10)] {
        let mut plugin = probe();
        set(&mut plugin, "Fault", fault);
        let (mut session, ear) = play(plugin, Source::generator(Generator::Sine, 48_000.0), Some(1280));
        session.turn_until(LIMIT, |_| false).unwrap();
        let (_, totals) = session.finish().unwrap();
        assert_eq!((totals.blocks, totals.blocks_lost), (10, 10));
        assert_eq!((totals.samples_unwritten, totals.samples_not_finite), (unwritten, not_finite));
        assert!(ear.0.lock().unwrap().iter().all(|sample| sample.is_finite()));
    }
}

#[test]
fn a_sleeping_plugin_is_left_alone_until_something_comes_in() {
    let mut plugin = probe();
    set(&mut plugin, "Fault", "3");
    let mut click = vec![0.0; 2_560];
    click[1_300] = 1.0;
    let source = Source::sound(Sound { rate: 48_000, channels: vec![click] }, false);
    let (mut session, ear) = play(plugin, source, None);
    session.turn_until(LIMIT, |_| false).unwrap();
    let (_, totals) = session.finish().unwrap();
    // The first block, and the one with the click.
    assert_eq!((totals.blocks, totals.blocks_asleep, totals.blocks_lost), (20, 18, 0));
    assert!(close(ear.0.lock().unwrap()[1_300], 1.0));
}

#[test]
fn a_layout_is_chosen_by_name_and_changes_the_ports() {
    let mut plugin = probe();
    assert_eq!(plugin.ports().outputs, [2]);
    plugin.choose_layout("Mono").unwrap();
    assert_eq!(plugin.ports().outputs, [1]);
    assert!(message(plugin.choose_layout("7.1")).contains("it has Stereo, Mono"));
}

#[test]
fn against_the_clock_every_frame_is_played_and_lateness_is_only_counted() {
    let mut plugin = probe();
    let engine = plugin.activate(CONFIG).unwrap();
    let ear = Ear::default();
    let source = Source::generator(Generator::Noise, 48_000.0);
    let setup = Setup { source, sinks: vec![Box::new(ear.clone())], frames: Some(4_800) };
    let start = std::time::Instant::now();
    let mut session = Session::start(plugin, engine, setup, Pace::Clock).unwrap();
    session.turn_until(LIMIT, |_| false).unwrap();
    let (_, totals) = session.finish().unwrap();
    assert!(start.elapsed() >= Duration::from_millis(99), "no faster than real time");
    assert_eq!((totals.frames, totals.blocks, totals.blocks_lost), (4_800, 38, 0));
    assert_eq!(ear.0.lock().unwrap().len(), 4_800);
}

#[test]
fn a_session_that_is_dropped_leaves_no_thread_and_closes_its_plugin() {
    let (session, ear) = play(probe(), Source::generator(Generator::Sine, 48_000.0), None);
    drop(session);
    assert_eq!(Arc::strong_count(&ear.0), 1, "the deck and its sinks are gone");
}

/// A library of the toolchain's: no plug-in, but a real library.
fn some_library() -> PathBuf {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap().stdout;
    let sysroot = PathBuf::from(String::from_utf8(sysroot).unwrap().trim());
    let folder = sysroot.join(if cfg!(windows) { "bin" } else { "lib" });
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .find(|file| file.file_name().is_some_and(|name| name.to_string_lossy().contains("rustc_driver")))
        .unwrap()
}

#[test]
fn what_is_no_plugin_is_refused_with_the_reason_and_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.clap");
    std::fs::write(&text, "not a library").unwrap();
    let bytes = std::fs::read(bundle()).unwrap();
    let half = folder.path().join("half.clap");
    std::fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    let open = |path: &Path| message(Plugin::open(path, None).map(drop));
    assert!(open(&folder.path().join("gone.clap")).contains("there is no such file. Make one with"));
    assert!(open(folder.path()).contains("is a folder, but no bundle"));
    assert!(open(&text).contains("is not a CLAP plug-in, not even a library"));
    assert!(open(&some_library()).contains("exports neither `clap_entry` (CLAP) nor"));
    assert!(open(&half).contains("half.clap"));
    assert!(
        message(Plugin::open(bundle(), Some("a.b")).map(drop)).contains("it has org.hotshell.host-probe")
    );
}

#[test]
fn wrong_files_and_numbers_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone.wav");
    let source = |path: &Path, rate| message(Source::file(path, rate, false).map(drop));
    assert!(source(&gone, 48_000.0).contains("gone.wav"));
    let file = folder.path().join("in.wav");
    wav::write_16_bit(&file, &sound()).unwrap();
    assert!(source(&file, 44_100.0).contains("is at 48000 Hz, the session at 44100 Hz"));
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..1_001]).unwrap();
    assert!(source(&file, 48_000.0).contains("ends in the middle"));
    let mut plugin = probe();
    assert!(message(plugin.param_value("Volume", "1")).contains("it has Gain, Latency, Fault"));
    assert!(message(plugin.param_value("Gain", "loud")).contains("does not understand"));
    let silly = Config { max_frames: 0, ..CONFIG };
    assert!(message(plugin.activate(silly).map(drop)).contains("out of range"));
    let endless = Source::generator(Generator::Sine, 48_000.0);
    assert!(message(render(plugin, CONFIG, endless, 0, &file).map(drop)).contains("endless"));
}

#[test]
fn the_command_renders_and_saves_and_says_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    wav::write_16_bit(&path("in.wav"), &sound()).unwrap();
    let host = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-hotshell"));
        command.args(["hotshell", "host"]).arg(bundle());
        command
    };
    let mut first = host();
    first
        .args(["--set", "Gain=0.5", "--save"])
        .arg(path("state"))
        .arg("--render")
        .args([path("in.wav"), path("out.wav")]);
    let output = first.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("375 blocks, 0 lost"), "{text}");
    assert_eq!(wav::read(&path("out.wav")).unwrap().frames(), 48_000);

    let listed = host().arg("--load").arg(path("state")).arg("--list").output().unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    assert!(text.contains("parameter Gain = 0.50"), "{text}");

    let clocked =
        host().args(["--duration", "0.1", "--no-device", "--record"]).arg(path("rec.wav")).output().unwrap();
    let text = String::from_utf8(clocked.stdout).unwrap();
    assert!(text.contains("against the clock"), "{text}");
    assert_eq!(wav::read(&path("rec.wav")).unwrap().frames(), 4_800);

    let wrong = host().arg("--load").arg(path("nothing")).output().unwrap();
    assert!(!wrong.status.success());
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("nothing: cannot be read"));
}

#[test]
fn the_contents_of_a_bundle_are_listed_without_opening_a_plugin() {
    let contents = host::plugin::contents(bundle(), None).unwrap();
    assert_eq!(contents, [("org.hotshell.host-probe".to_owned(), "Host probe".to_owned())]);
}
