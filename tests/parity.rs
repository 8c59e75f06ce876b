//! CLAP and VST3 give the same sound, values, texts, latency, tail and state for the same input (DESIGN 9.7): one table
//! of inputs, both formats in lockstep, compared sample by sample and bit by bit; with a reload in the middle too.

use std::sync::Arc;

use hotshell_tests::{
    Block, Bundle, Event, Fixture, HostOptions, Module, Offences, OnRestart, PATIENCE, Plugin, Scope, Setup,
    Signal, TestSlot, Vst3, Vst3Options, constant, sine,
};

/// One event, in words that both formats have. Times are frames within the block. Where a time occurs twice, values
/// come first, as VST3 hands them over.
#[derive(Clone, Copy, Debug)]
enum In {
    /// A parameter by name, to a place of its travel 0..=1.
    Set(u32, &'static str, f64),
    /// Key and id.
    On(u32, i16, i32),
    Off(u32, i16, i32),
    /// Kind by CLAP's number, note id, VST3's normalised value.
    Express(u32, i32, i32, f64),
    /// A MIDI message that VST3 has as a parameter.
    Midi(u32, [u8; 3]),
}

/// What happens to both.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A block of so many frames.
    Play(u32, &'static [In]),
    /// So many blocks of 128 frames.
    Blocks(u32),
    /// Both save: the same bytes.
    Save,
    /// Each loads what the other saved.
    LoadEachOthers,
    /// A build is published, and taken at the beginning of the next block.
    Swap(&'static [&'static str]),
    /// The hosts hear what a plug-in could not say inside a block, and do what they do.
    Tell,
}

struct Row {
    name: &'static str,
    package: &'static str,
    input: Signal,
    /// Place of the layout in the author's list: 0 the first, 1 mono.
    layout: u32,
    setup: Setup,
    steps: &'static [Step],
}

use In::{Express, Midi, Off, On, Set};
use Step::{Blocks, LoadEachOthers, Play, Save, Swap, Tell};

const GAIN: &[Step] = &[
    Play(128, &[]),
    Play(128, &[Set(0, "Gain", 0.25), Set(31, "Gain", 0.9), Set(127, "Gain", 0.7)]),
    Play(512, &[Set(300, "Look-ahead limiter", 1.0)]),
    Play(1, &[Set(0, "Gain", 1.0)]),
    Blocks(8),
    Play(333, &[Set(100, "Bypass", 1.0)]),
    Blocks(8),
    Play(500, &[Set(499, "Bypass", 0.0), Set(3, "Look-ahead limiter", 0.0)]),
    Tell,
    Blocks(8),
];

const STATE: &[Step] = &[
    Play(128, &[Set(0, "Gain", 0.3), Set(5, "Look-ahead limiter", 1.0)]),
    Save,
    Play(128, &[Set(0, "Gain", 0.8), Set(5, "Bypass", 1.0)]),
    Blocks(4),
    LoadEachOthers,
    Blocks(4),
    Save,
];

const SYNTH: &[Step] = &[
    Play(128, &[On(0, 60, 1), On(64, 64, 2)]),
    Play(256, &[Set(17, "Cutoff", 0.4), Set(18, "Waveform", 1.0), On(18, 67, 3)]),
    Play(512, &[Midi(40, [0xe0, 0, 96]), Express(100, 2, 1, 0.51), Express(101, 5, 2, 0.9)]),
    Play(64, &[Midi(0, [0xb0, 64, 127]), Off(1, 60, 1), Set(2, "Resonance", 0.6), Set(63, "Gain", 0.9)]),
    Blocks(4),
    Play(333, &[Midi(10, [0xb0, 64, 0]), Off(11, 64, 2), Set(11, "Release", 0.2), Set(12, "Attack", 0.1)]),
    Blocks(4),
    Play(128, &[Off(0, 67, 3), Express(1, 6, 3, 0.5)]),
    Blocks(40),
];

const SYNTH_RELOADED: &[Step] = &[
    Play(128, &[Set(0, "Cutoff", 0.6), On(0, 60, 1), On(64, 64, 2)]),
    Play(128, &[Midi(0, [0xb0, 64, 127]), Off(3, 64, 2), Midi(9, [0xe0, 0, 80])]),
    Blocks(5),
    Swap(&[]),
    Play(256, &[Set(7, "Cutoff", 0.3), On(90, 72, 3)]),
    Blocks(20),
    Save,
    Play(128, &[Midi(0, [0xb0, 64, 0]), Off(1, 60, 1), Off(2, 72, 3)]),
    Blocks(20),
];

const GAIN_RELOADED: &[Step] = &[
    Play(128, &[Set(0, "Gain", 0.9), Set(5, "Look-ahead limiter", 1.0)]),
    Tell,
    Blocks(10),
    Swap(&[]),
    Play(64, &[Set(9, "Gain", 0.5)]),
    Blocks(10),
    LoadEachOthers,
    Blocks(4),
];

const GAINLIKE: &[Step] = &[
    Play(128, &[Set(0, "Gain", 0.25), Set(64, "Tone", 0.6)]),
    Save,
    Play(512, &[Set(1, "Gain", 0.125), Set(2, "Gain", 0.1), Set(511, "Gain", 0.9)]),
    Play(7, &[]),
    LoadEachOthers,
    Blocks(2),
];

const GAINLIKE_RELOADED: &[Step] = &[
    Play(128, &[Set(0, "Gain", 0.4)]),
    Swap(&["loud"]),
    Play(100, &[Set(50, "Gain", 0.6)]),
    Blocks(8),
    Swap(&[]),
    Play(1, &[]),
    Blocks(8),
    Save,
];

const NOTED_RELOADED: &[Step] = &[
    Play(128, &[Midi(0, [0xb0, 64, 127]), On(1, 60, 1), On(2, 64, 2)]),
    Play(128, &[Off(0, 60, 1)]),
    Swap(&["v2"]),
    Play(128, &[On(30, 70, 3)]),
    Blocks(8),
    Play(128, &[Midi(0, [0xb0, 64, 0])]),
];

const WIDE: &[Step] = &[Play(128, &[]), Play(500, &[]), Play(1, &[])];
const WIDE_RELOADED: &[Step] = &[Blocks(3), Swap(&["v2"]), Blocks(8), Save, LoadEachOthers, Blocks(2)];
const LATENT_RELOADED: &[Step] = &[Blocks(3), Swap(&["l256"]), Blocks(10), Tell, Blocks(10)];

fn narrow() -> Setup {
    Setup { max_frames: 512, transport: true, offline: true, ..Setup::default() }
}

fn wide() -> Setup {
    Setup { wide: true, ..narrow() }
}

fn in_place() -> Setup {
    Setup { in_place: true, ..narrow() }
}

/// A sine, the second channel of another colour, and a little that single precision cannot hold exactly.
fn music() -> Signal {
    let sine = sine();
    Arc::new(move |frame, channel| sine(frame * (channel as u64 + 1), channel) * 0.9 + 0.1 / 3.0)
}

fn row(name: &'static str, package: &'static str, setup: Setup, steps: &'static [Step]) -> Row {
    Row { name, package, input: music(), layout: 0, setup, steps }
}

fn gain_rows() -> Vec<Row> {
    vec![
        row("gain", "gain", narrow(), GAIN),
        Row { layout: 1, ..row("gain, mono", "gain", narrow(), GAIN) },
        row("gain, in place", "gain", in_place(), GAIN),
        row("gain, 64-bit host", "gain", wide(), GAIN),
        row("gain, state", "gain", narrow(), STATE),
        row("gain, reloaded", "gain", narrow(), GAIN_RELOADED),
    ]
}

fn synth_rows() -> Vec<Row> {
    vec![
        row("synth", "synth", narrow(), SYNTH),
        row("synth, 64-bit host", "synth", wide(), SYNTH),
        row("synth, reloaded", "synth", narrow(), SYNTH_RELOADED),
    ]
}

fn fixture_rows() -> Vec<Row> {
    let silent = |row: Row| Row { input: constant(0.0), ..row };
    vec![
        row("gainlike", "fixture-gainlike", narrow(), GAINLIKE),
        Row { layout: 1, ..row("gainlike, 64-bit host, mono", "fixture-gainlike", wide(), GAINLIKE) },
        row("gainlike, reloaded", "fixture-gainlike", in_place(), GAINLIKE_RELOADED),
        silent(row("noted, reloaded", "fixture-noted", narrow(), NOTED_RELOADED)),
        row("wide", "fixture-wide", wide(), WIDE),
        row("wide, 32-bit host", "fixture-wide", narrow(), WIDE),
        row("wide, reloaded", "fixture-wide", wide(), WIDE_RELOADED),
        row("latent, reloaded", "fixture-latent", narrow(), LATENT_RELOADED),
    ]
}

/// The same plug-in in both hosts. Fields are dropped in this order.
struct Pair {
    clap: Plugin,
    vst3: Vst3,
    /// Second instances of each, which show that the first ones have been given a build: a module serves them in the
    /// order in which they were opened.
    canaries: Option<(Plugin, Vst3)>,
    saved: Option<Vec<u8>>,
    slot: TestSlot,
}

impl Pair {
    fn open(row: &Row) -> Self {
        let (fixture, slot) = (Fixture::new(row.package, &[]), TestSlot::new());
        let hot = row.steps.iter().any(|step| matches!(step, Swap(_)));
        let (clap, vst3) = if hot {
            (fixture.shell(&slot), fixture.vst3_shell(&slot))
        } else {
            (fixture.release(), fixture.vst3_release(slot.room()))
        };
        let clap = Bundle::load(&clap, Scope::Local).expect("loads");
        let vst3 = Module::load(&vst3).expect("loads");
        let options = Vst3Options { on_restart: OnRestart::CycleLater, ..Vst3Options::default() };
        let open = || {
            let clap = Plugin::open(&clap, 0, HostOptions::default()).expect("opens");
            (clap, Vst3::open(&vst3, 0, options).expect("opens"))
        };
        let (mut first, mut second) = (open(), hot.then(open));
        for (clap, vst3) in [Some(&mut first), second.as_mut()].into_iter().flatten() {
            if row.layout > 0 {
                assert!(clap.select_ports(row.layout), "{}: CLAP's ports", row.name);
                assert!(vst3.set_arrangements(&[1 << 19], &[1 << 19]), "{}: VST3's buses", row.name);
            }
            clap.set_offline(row.setup.offline);
            clap.activate(row.setup);
            vst3.activate(row.setup);
        }
        Self { clap: first.0, vst3: first.1, canaries: second, saved: None, slot }
    }

    /// The event as each format has it. One plain value for both: VST3's travel goes through its own law.
    fn both(&self, event: In) -> (Event, Event) {
        let same = |event| (event, event);
        match event {
            Set(time, title, travel) => {
                let id = self.vst3.param(title).id;
                let value = self.vst3.plain(id, travel);
                let param = |value| Event::Param { time, id, value, cookie: 0 };
                (param(value), param(travel))
            }
            On(time, key, id) => same(Event::NoteOn { time, channel: 0, key, id, velocity: 0.75 }),
            Off(time, key, id) => same(Event::NoteOff { time, channel: 0, key, id }),
            Express(time, expression, id, travel) => {
                let note = |value| Event::Expression { time, expression, channel: -1, key: -1, id, value };
                let plain = if expression == 2 { 240.0 * (travel - 0.5) } else { travel };
                same(note(plain))
            }
            Midi(time, data) => {
                let midi = Event::Midi { time, data };
                (midi, self.vst3.converted(&[midi])[0])
            }
        }
    }

    fn play(&mut self, frames: u32, input: &Signal, events: &[In]) -> (Block, Block) {
        let (for_clap, for_vst3): (Vec<_>, Vec<_>) = events.iter().map(|event| self.both(*event)).unzip();
        (self.clap.block(frames, input, &for_clap), self.vst3.block_of(frames, input, &for_vst3))
    }

    fn swap(&mut self, package: &str, features: &[&str], input: &Signal) {
        let build = self.slot.publish(&Fixture::new(package, features).logic());
        let (clap, vst3) = self.canaries.as_mut().expect("a hot pair");
        let begin = std::time::Instant::now();
        while self.slot.reports().iter().filter(|report| report.heard == build).count() < 2 {
            clap.block(128, input, &[]);
            vst3.block(128, input, &[]);
            let refusal = self.slot.refusal(build);
            assert!(begin.elapsed() < PATIENCE && refusal.is_none(), "not heard: {refusal:?}");
        }
    }

    /// Every instance has heard the last build of a row with reloads.
    fn assert_swapped(&mut self, row: &Row) {
        let last = u32::try_from(row.steps.iter().filter(|step| matches!(step, Swap(_))).count());
        let (last, slot) = (last.expect("few"), &self.slot);
        self.vst3.wait_until("the last build in all instances", |_| {
            slot.reports().iter().flat_map(|report| &report.instances).all(|line| line.heard == last)
        });
    }

    fn step(&mut self, row: &Row, step: Step) {
        match step {
            Play(frames, events) => {
                let (clap, vst3) = self.play(frames, &row.input, events);
                same_sound(row, step, &clap, &vst3);
            }
            Blocks(count) => {
                for _ in 0..count {
                    let (clap, vst3) = self.play(128, &row.input, &[]);
                    same_sound(row, step, &clap, &vst3);
                }
            }
            Save => {
                let (clap, vst3) = (self.clap.save().expect("saves"), self.vst3.save().expect("saves"));
                assert!(clap == vst3, "{}: states of {} and {} bytes", row.name, clap.len(), vst3.len());
                self.saved = Some(clap);
            }
            LoadEachOthers => {
                let (clap, vst3) = (self.clap.save().expect("saves"), self.vst3.save().expect("saves"));
                let (clap, vst3) = self.saved.clone().map_or((clap, vst3), |saved| (saved.clone(), saved));
                assert!(self.clap.load(&vst3) && self.vst3.load(&clap), "{}: each other's state", row.name);
                // VST3 has told the host by now, inside `setState`; CLAP does it in a call of its own.
                self.tell();
            }
            Swap(features) => self.swap(row.package, features, &row.input),
            Tell => self.tell(),
        }
    }

    /// In CLAP the plug-in asks for the call in which it can tell; in VST3 it waits for one.
    fn tell(&mut self) {
        self.vst3.nudge();
        self.vst3.tick();
        let latency = self.vst3.latency();
        self.clap.wait_until("the host told", |clap| clap.latency() == latency);
    }

    /// Values, texts and the way back, latency and tail.
    fn same_answers(&mut self, row: &Row, step: Step) {
        let (clap, vst3) = (self.clap.params(), self.vst3.params());
        let names = |step: Step| format!("{} at {step:?}", row.name);
        assert_eq!(
            clap.iter().map(|p| (p.id, &p.name)).collect::<Vec<_>>(),
            vst3.iter().map(|p| (p.id, &p.title)).collect::<Vec<_>>(),
            "{}",
            names(step)
        );
        for param in clap {
            let (id, value) = (param.id, param.value);
            let other = self.vst3.value(id);
            assert!((value - other).abs() <= 1e-12 * value.abs().max(1.0), "{}: {value} {other}", param.name);
            for place in [0.0, 0.3, 0.5, 1.0] {
                let plain = self.vst3.plain(id, place);
                let texts = (self.clap.text(id, plain), self.vst3.text(id, plain));
                assert_eq!(texts.0, texts.1, "{}: {} at {plain}", names(step), param.name);
                let Some(text) = texts.0 else { panic!("{} has a text", param.name) };
                let parsed = (self.clap.parse(id, &text), self.vst3.parse(id, &text));
                let (Some(a), Some(b)) = parsed else { panic!("{}: {text} is read by both", param.name) };
                assert!((a - b).abs() <= 1e-9 * a.abs().max(1.0), "{}: {text} is {a} and {b}", param.name);
            }
        }
        assert_eq!(self.clap.latency(), self.vst3.latency(), "latency of {}", names(step));
        assert_eq!(self.clap.tail(), self.vst3.tail(), "tail of {}", names(step));
    }
}

fn same_sound(row: &Row, step: Step, clap: &Block, vst3: &Block) {
    for (format, block) in [("CLAP", clap), ("VST3", vst3)] {
        let outcome = block.outcome;
        let faults = (outcome.unwritten, outcome.overrun, outcome.not_finite, outcome.offences);
        assert_eq!(faults, (0, 0, 0, Offences::NONE), "{format}: {} at {step:?}", row.name);
    }
    let bits = |samples: &[Vec<f32>]| samples.iter().flatten().map(|s| s.to_bits()).collect::<Vec<_>>();
    let first = bits(&clap.channels).iter().zip(bits(&vst3.channels)).position(|(a, b)| *a != b);
    assert_eq!(first, None, "{} at {step:?}: single precision differs", row.name);
    assert_eq!(clap.channels.len(), vst3.channels.len(), "{} at {step:?}", row.name);
    let bits = |samples: &[Vec<f64>]| samples.iter().flatten().map(|s| s.to_bits()).collect::<Vec<_>>();
    assert!(bits(&clap.wide) == bits(&vst3.wide), "{} at {step:?}: double precision differs", row.name);
}

fn compare(rows: Vec<Row>) {
    for row in rows {
        let mut pair = Pair::open(&row);
        let mut loudest = 0.0_f32;
        for step in row.steps {
            pair.step(&row, *step);
            // A question counts as a host's reading; it must not come between a change and its telling.
            if !matches!(step, Swap(_)) {
                pair.same_answers(&row, *step);
            }
            let (clap, vst3) = pair.play(16, &row.input, &[]);
            same_sound(&row, *step, &clap, &vst3);
            loudest = clap.channels.iter().flatten().fold(loudest, |most, sample| most.max(sample.abs()));
        }
        assert!(loudest > 0.0, "{}: silence proves nothing", row.name);
        pair.assert_swapped(&row);
    }
}

#[test]
fn the_gain_example_is_the_same_in_both_formats() {
    compare(gain_rows());
}

#[test]
fn the_synth_example_is_the_same_in_both_formats() {
    compare(synth_rows());
}

#[test]
fn both_precisions_are_the_same_in_both_formats() {
    compare(fixture_rows());
}
