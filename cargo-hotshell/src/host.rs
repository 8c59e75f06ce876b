//! `host`: an embedded host for CLAP and VST3, and the parts of one that tests and `demo` use.
//!
//! | file | half |
//! |---|---|
//! | `find` | a path becomes a library and its format |
//! | `plugin`, `ports`, `signals`, `role` | main's half of a plug-in, and what it may ask of its host |
//! | `engine` | its audio half: one block, every sample accounted for |
//! | `clap_plugin`, `clap_engine`, `handlers`, `timers`, `load` | both for CLAP; `load` has all its `unsafe` |
//! | `vst3_plugin`, `vst3_engine`, `com` | both for VST3; `com` has all its `unsafe` |
//! | `source`, `midi`, `wav`, `record`, `meter` | what goes in and what becomes of what comes out |
//! | `deck`, `clock`, `device`, `session` | blocks over time, and main's loop beside them |
//! | `reports`, `screen`, `desktop` | what the user sees; the window around an editor |
//!
//! Called by: `cli`. Calls: all of these, `render`. Threads: [main]; `clock` or the device's library starts one more.

mod clap_engine;
mod clap_plugin;
pub mod clock;
pub mod com;
pub mod deck;
pub mod desktop;
#[cfg(feature = "device")]
mod device;
pub mod engine;
pub mod find;
mod handlers;
mod load;
pub mod meter;
pub mod midi;
pub mod plugin;
pub mod ports;
pub mod record;
pub mod reports;
mod role;
pub mod screen;
pub mod session;
pub mod signals;
pub mod source;
mod timers;
mod vst3_engine;
mod vst3_plugin;
pub mod wav;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clack_extensions::log::LogSeverity;

use crate::Error;
use crate::format::Format;
use crate::render::{self, whole_hertz};
use clock::Pace;
use deck::Totals;
use desktop::Desktop;
use plugin::{Config, Plugin};
use record::Recorder;
use reports::Reports;
use screen::Screen;
use session::{Session, Setup};
use signals::Line;
use source::{Generator, Source};

/// Between two drawings of the meters and two looks at the slot.
const REDRAW: Duration = Duration::from_millis(100);

/// Runs a plug-in bundle, CLAP or VST3, in a small host.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The bundle, e.g. `target/bundle/Gain.clap` or `target/bundle/Gain.vst3`
    pub bundle: PathBuf,

    /// As what to load a library that is no bundle and holds both formats
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,

    /// Which plug-in of the bundle, by its id (VST3: its class id); the first without
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,

    /// Show what the bundle holds, and the plug-in's ports and parameters, and play nothing
    #[arg(long)]
    pub list: bool,

    /// A WAV or MIDI file to play
    #[arg(long, value_name = "FILE", conflicts_with_all = ["generate", "render"])]
    pub play: Option<PathBuf>,

    /// A generator to play; without this and --play: a sine, or notes if the plug-in has no audio input
    #[arg(long, value_name = "WHAT", conflicts_with = "render")]
    pub generate: Option<Generator>,

    /// Render a WAV or MIDI file as fast as it goes, without the plug-in's latency
    #[arg(long, num_args = 2, value_names = ["IN", "OUT.wav"])]
    pub render: Option<Vec<PathBuf>>,

    /// Start the file again at its end
    #[arg(long = "loop", conflicts_with = "render")]
    pub repeat: bool,

    /// Seconds to play; with --render: seconds to go on after the end
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<f64>,

    /// Record what is heard, as 32-bit float WAV
    #[arg(long, value_name = "OUT.wav", conflicts_with = "render")]
    pub record: Option<PathBuf>,

    /// Sample rate in Hz; without: the WAV file's, else 48000
    #[arg(long, value_name = "HZ")]
    pub rate: Option<f64>,

    /// Longest block in frames
    #[arg(long, value_name = "FRAMES", default_value_t = 128)]
    pub block: u32,

    /// Layout of the plug-in's ports, by name or number
    #[arg(long, value_name = "NAME")]
    pub layout: Option<String>,

    /// Set a parameter first, e.g. `Gain=-6` or `"Gain=-6 dB"`; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,

    /// Load a state first
    #[arg(long, value_name = "FILE")]
    pub load: Option<PathBuf>,

    /// Save the state at the end
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,

    /// Show the plug-in's editor in a window on `$DISPLAY` (X11); closing the window ends the host
    #[arg(long, conflicts_with_all = ["render", "list"])]
    pub editor: bool,

    /// Play against the clock even if there is an audio device
    #[arg(long)]
    pub no_device: bool,
}

/// Runs the host.
///
/// # Errors
/// The bundle cannot be hosted, or a file is not what it should be.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let screen = Screen::new();
    let mut plugin = Plugin::open_as(&args.bundle, args.id.as_deref(), args.format)?;
    prepare(&mut plugin, args)?;
    if args.list {
        list(&mut plugin, args, &screen)?;
        return Ok(ExitCode::SUCCESS);
    }
    let file = args.play.as_deref().or_else(|| args.render.as_ref()?.first().map(PathBuf::as_path));
    let config = Config { sample_rate: rate(args.rate, file)?, max_frames: args.block };
    let source = match (file, args.generate) {
        (Some(file), _) => Source::file(file, config.sample_rate, args.repeat)?,
        (None, Some(generator)) => Source::generator(generator, config.sample_rate),
        (None, None) => Source::generator(natural(&mut plugin), config.sample_rate),
    };
    let (mut plugin, totals) = match args.render.as_deref() {
        Some([_, output]) => offline(plugin, config, source, args, output, &screen)?,
        _ => play(plugin, config, source, args, &screen)?,
    };
    if let Some(file) = &args.save {
        std::fs::write(file, plugin.save_state()?)
            .with_context(|| format!("{}: cannot be written", file.display()))?;
    }
    drop(plugin);
    summary(&totals, config, &screen);
    Ok(if totals.blocks_lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the arguments say about the plug-in itself.
fn prepare(plugin: &mut Plugin, args: &Args) -> Result<(), Error> {
    if let Some(layout) = &args.layout {
        plugin.choose_layout(layout)?;
    }
    if let Some(file) = &args.load {
        let bytes = std::fs::read(file).with_context(|| format!("{}: cannot be read", file.display()))?;
        plugin.load_state(&bytes).with_context(|| format!("{}: could not be loaded", file.display()))?;
    }
    for assignment in &args.set {
        let (name, text) =
            assignment.split_once('=').with_context(|| format!("--set {assignment}: is not NAME=VALUE"))?;
        let (id, value) = plugin.param_value(name, text)?;
        plugin.set_param(id, value)?;
    }
    Ok(())
}

/// The rate of the session, Hz.
fn rate(asked: Option<f64>, file: Option<&Path>) -> Result<f64, Error> {
    if let Some(rate) = asked {
        return Ok(rate);
    }
    let Some(file) = file.filter(|file| !source::is_midi(file)) else { return Ok(48_000.0) };
    Ok(f64::from(wav::rate(file)?))
}

fn natural(plugin: &mut Plugin) -> Generator {
    let ports = plugin.ports();
    if ports.inputs.is_empty() && ports.notes.is_some() { Generator::Notes } else { Generator::Sine }
}

fn list(plugin: &mut Plugin, args: &Args, screen: &Screen) -> Result<(), Error> {
    for (id, name) in plugin::contents(&args.bundle, args.format)? {
        screen.say(&format!("{id}  {name}"));
    }
    let ports = plugin.ports();
    screen.say(&format!(
        "\n{}: inputs {:?}, outputs {:?} (channels per port)",
        plugin.name(),
        ports.inputs,
        ports.outputs
    ));
    for layout in plugin.layouts() {
        screen.say(&format!("layout {}", layout.name));
    }
    for param in plugin.params().iter().filter(|param| !param.hidden) {
        let range = format!("{} to {}, default {}", param.min, param.max, param.default);
        screen.say(&format!("parameter {} = {}  ({range})", param.name, param.text));
    }
    tell(plugin.take_lines(), screen);
    Ok(())
}

fn offline(
    plugin: Plugin,
    config: Config,
    source: Source,
    args: &Args,
    output: &Path,
    screen: &Screen,
) -> Result<(Plugin, Totals), Error> {
    let after = args.duration.map_or(0, |seconds| frames(seconds, config.sample_rate));
    let (plugin, rendered) = render::render(plugin, config, source, after, output)?;
    tell(plugin.take_lines(), screen);
    screen.say(&format!(
        "{}: written; latency taken off: {}",
        output.display(),
        latency_text(rendered.latency, config)
    ));
    Ok((plugin, rendered.totals))
}

fn play(
    mut plugin: Plugin,
    config: Config,
    source: Source,
    args: &Args,
    screen: &Screen,
) -> Result<(Plugin, Totals), Error> {
    crate::interrupt::flag()?;
    let engine = plugin.activate(config)?;
    let (channels, latency) = (engine.output().len(), plugin.latency());
    screen.say(&format!(
        "{} plays at {} Hz, blocks of {} frames, latency {}",
        plugin.name(),
        config.sample_rate,
        config.max_frames,
        latency_text(latency, config)
    ));
    let mut sinks: Vec<Box<dyn deck::Sink>> = Vec::new();
    if let Some(file) = &args.record {
        sinks.push(Box::new(Recorder::create(file, channels, whole_hertz(config.sample_rate), 0)?));
    }
    let setup =
        Setup { source, sinks, frames: args.duration.map(|seconds| frames(seconds, config.sample_rate)) };
    let mut session = start(plugin, engine, setup, args, screen)?;
    let window = args.editor.then(|| Desktop::around(session.plugin())).transpose()?;
    let played = turns(&mut session, window.as_ref(), config, channels, screen);
    // The editor goes before the window that it is in, whatever ended it.
    session.plugin().close_editor();
    drop(window);
    played?;
    let (plugin, totals) = session.finish()?;
    tell(plugin.take_lines(), screen);
    Ok((plugin, totals))
}

/// Main's loop, until the session ends or the user ends it.
fn turns(
    session: &mut Session,
    window: Option<&Desktop>,
    config: Config,
    channels: usize,
    screen: &Screen,
) -> Result<(), Error> {
    let interrupted = crate::interrupt::flag()?;
    let mut latency = session.plugin().latency();
    let (mut reports, mut drawn, mut levels) =
        (Reports::of(session.plugin().format()), Instant::now(), vec![0.0; channels]);
    while session.turn()? {
        tell(session.plugin().take_lines(), screen);
        let is_open = window.map_or(Ok(true), |window| window.turn(session.plugin()))?;
        if !is_open || interrupted.load(std::sync::atomic::Ordering::Acquire) {
            session.stop();
        }
        if drawn.elapsed() < REDRAW {
            continue;
        }
        drawn = Instant::now();
        reports.news().iter().for_each(|line| screen.say(line));
        let newest = session.plugin().latency();
        if std::mem::replace(&mut latency, newest) != newest {
            screen.say(&format!("latency: {}", latency_text(newest, config)));
        }
        levels = session.levels(channels);
        screen.meters(meters(&levels, &session.totals(), config));
    }
    screen.clear();
    reports.news().iter().for_each(|line| screen.say(line));
    if screen.is_plain() {
        screen.say(&format!("last level {}", meters(&levels, &session.totals(), config)));
    }
    Ok(())
}

/// On the device if there is one and it is wanted, else against the clock; says which.
fn start(
    plugin: Plugin,
    engine: engine::Engine,
    setup: Setup,
    args: &Args,
    screen: &Screen,
) -> Result<Session, Error> {
    #[cfg(feature = "device")]
    if !args.no_device {
        match device::name(engine.config()) {
            Ok(name) => {
                screen.say(&format!("on the audio device {name}"));
                return Session::start_on_device(plugin, engine, setup);
            }
            Err(error) => screen.say(&format!("against the clock, no sound: {error:#}")),
        }
        return Session::start(plugin, engine, setup, Pace::Clock);
    }
    let why = if args.no_device {
        "as asked by --no-device"
    } else {
        "this build has no audio device; to hear it: cargo install cargo-hotshell --features device \
         (Debian: apt install libasound2-dev pkg-config)"
    };
    screen.say(&format!("against the clock, no sound: {why}"));
    Session::start(plugin, engine, setup, Pace::Clock)
}

fn meters(levels: &[f32], totals: &Totals, config: Config) -> String {
    let bars: Vec<String> = levels.iter().map(|level| meter::bar(*level)).collect();
    format!("{}  load {}  lost {}", bars.join(" "), load_text(totals, config), totals.blocks_lost)
}

/// The share of real time that the plug-in takes.
#[allow(clippy::cast_precision_loss, reason = "counts for a reader")]
fn load_text(totals: &Totals, config: Config) -> String {
    let played = totals.frames as f64 / config.sample_rate;
    let busy = Duration::from_nanos(totals.busy_ns).as_secs_f64();
    if played > 0.0 { format!("{:.2} %", 100.0 * busy / played) } else { "-".into() }
}

fn summary(totals: &Totals, config: Config, screen: &Screen) {
    let us = |ns: u64| Duration::from_nanos(ns).as_micros();
    let Totals { blocks, blocks_lost, blocks_late, blocks_asleep, blocks_restarting, .. } = *totals;
    screen.say(&format!(
        "{blocks} blocks, {blocks_lost} lost ({} samples unwritten, {} not finite), {blocks_asleep} asleep, \
         {blocks_restarting} during restarts, {blocks_late} late (worst {} us); load {}, slowest block {} us",
        totals.samples_unwritten,
        totals.samples_not_finite,
        us(totals.latest_ns),
        load_text(totals, config),
        us(totals.slowest_ns),
    ));
}

/// Shows what the plug-in logged; not what it logged for its debugger.
fn tell(lines: Vec<Line>, screen: &Screen) {
    for line in lines.into_iter().filter(|line| line.severity != LogSeverity::Debug) {
        screen.say(&format!("plug-in {}: {}", line.severity.to_string().to_lowercase(), line.text));
    }
}

fn latency_text(latency: u32, config: Config) -> String {
    format!("{latency} frames ({:.1} ms)", f64::from(latency) * 1e3 / config.sample_rate)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates: a negative time is none"
)]
fn frames(seconds: f64, sample_rate: f64) -> u64 {
    (seconds * sample_rate).round() as u64
}
