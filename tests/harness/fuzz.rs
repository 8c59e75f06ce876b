//! An in-process fuzzer on stable Rust: a seeded generator, one target for each thing that a host or a file hands us, and
//! the corpus that it begins with. A case is a target and a seed or a file; it is found again by either.
//!
//! Called by: `tests/fuzzed.rs`, `benches/fuzz.rs`. Calls: the rest of the harness. Threads: the host's main thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use hotshell_core::reload::check;

use crate::audio::{Outcome, Setup, is_good};
use crate::bundle::{Bundle, Scope};
use crate::event::Event;
use crate::fixture::{Fixture, workspace};
use crate::guard::Offences;
use crate::host::HostOptions;
use crate::play::constant;
use crate::plugin::Plugin;
use crate::slot::TestSlot;
use crate::vst3::{Habits, Module, Rude, Vst3, Vst3Options};

/// Splitmix64: the same numbers for the same seed, on every machine.
pub struct Random(u64);

impl Random {
    /// From a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    #[allow(clippy::should_implement_trait, reason = "no iterator: it never ends")]
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `most`, which is not 0.
    #[expect(clippy::cast_possible_truncation, reason = "the rest is below `most`")]
    pub const fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }

    /// One of these.
    pub const fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// What is fuzzed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// Bytes of a saved state, in both formats; through streams of bad habits in VST3.
    State,
    /// The slot's manifest.
    Manifest,
    /// A file that is looked at before it is loaded.
    Object,
    /// A block's events in CLAP.
    Clap,
    /// A block's queues and events in VST3, and rude buses.
    Vst3,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::State, Self::Manifest, Self::Object, Self::Clap, Self::Vst3];

    /// Its folder's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Manifest => "manifest",
            Self::Object => "object",
            Self::Clap => "clap",
            Self::Vst3 => "vst3",
        }
    }

    /// Where inputs are kept that were found to break something: `<target>/<anything>`, replayed by `tests/run`.
    #[must_use]
    pub fn folder(self) -> PathBuf {
        workspace().join("tests/fuzz").join(self.name())
    }
}

/// The plug-ins under the generator, made once.
pub struct Bench {
    slot: TestSlot,
    clap: [(Plugin, Bundle); 2],
    vst3: [Vst3; 2],
    /// Saved states, a manifest, a library: what is mutated.
    corpus: [Vec<Vec<u8>>; 3],
}

fn scene(name: &str) -> (Plugin, Bundle) {
    let bundle = Bundle::load(&Fixture::new(name, &[]).release(), Scope::Local).expect("loads");
    let mut plugin = Plugin::open(&bundle, 0, HostOptions::default()).expect("opens");
    plugin.activate(Setup::default());
    (plugin, bundle)
}

fn vst3(slot: &TestSlot, name: &str) -> Vst3 {
    let module = Module::load(&Fixture::new(name, &[]).vst3_release(slot.room())).expect("loads");
    let mut plugin = Vst3::open(&module, 0, Vst3Options::default()).expect("opens");
    plugin.activate(Setup::default());
    plugin
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

impl Bench {
    /// Builds the fixtures and opens them.
    ///
    /// # Panics
    /// If one does not build or open.
    #[must_use]
    pub fn new() -> Self {
        let slot = TestSlot::new();
        let mut clap = [scene("fixture-stateful"), scene("fixture-noted")];
        let vst3 = [vst3(&slot, "fixture-stateful"), vst3(&slot, "fixture-noted")];
        let states = vec![clap[0].0.save().expect("saves"), clap[0].0.save_preset().expect("saves")];
        let library = Fixture::new("fixture-steady", &["v2"]).logic().path;
        slot.slot().publish(&library, hotshell_core::reload::slot::BuildFacts::default()).expect("published");
        let manifest = std::fs::read(slot.path().join("manifest")).expect("there");
        let library = std::fs::read(library).expect("there");
        Self { slot, clap, vst3, corpus: [states, vec![manifest], vec![library]] }
    }

    /// What cases of `target` are made of.
    #[must_use]
    pub fn corpus(&self, target: Target) -> &[Vec<u8>] {
        match target {
            Target::State => &self.corpus[0],
            Target::Manifest => &self.corpus[1],
            Target::Object => &self.corpus[2],
            Target::Clap | Target::Vst3 => &[],
        }
    }

    /// One case, made of a seed. Answers what is wrong, and the bytes that show it.
    ///
    /// # Errors
    /// What was wrong: a panic of ours or a broken promise.
    pub fn run(&mut self, target: Target, seed: u64) -> Result<(), (String, Vec<u8>)> {
        let mut random = Random::new(seed);
        let bytes = match target {
            Target::State | Target::Manifest | Target::Object => mutated(self.corpus(target), &mut random),
            // Events are made of their bytes, so that a case can be kept as a file.
            Target::Clap | Target::Vst3 => {
                (0..random.below(600)).map(|_| random.next().to_le_bytes()[0]).collect()
            }
        };
        self.replay(target, &bytes).map_err(|wrong| (wrong, bytes))
    }

    /// One case, from its bytes.
    ///
    /// # Errors
    /// What was wrong.
    pub fn replay(&mut self, target: Target, bytes: &[u8]) -> Result<(), String> {
        let run = || match target {
            Target::State => self.state(bytes),
            Target::Manifest => self.manifest(bytes),
            Target::Object => self.object(bytes),
            Target::Clap => self.clap(bytes),
            Target::Vst3 => self.vst3(bytes),
        };
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("a panic".to_owned()))
    }

    fn state(&mut self, bytes: &[u8]) -> Result<(), String> {
        let plugin = &mut self.clap[0].0;
        let before = plugin.save().ok_or("no save before")?;
        let took = plugin.load(bytes);
        let after = plugin.save().ok_or("no save after")?;
        if took && promised(bytes).is_some_and(|length| length != bytes.len()) {
            return Err("took a state that is longer or shorter than it says".to_owned());
        }
        if !took && after != before && after != bytes {
            return Err("a refused state has changed something".to_owned());
        }
        if took && !(plugin.load(&after) && plugin.save().as_deref() == Some(&after[..])) {
            return Err("what an accepted state becomes does not come back".to_owned());
        }
        if !(0.0..=1.0).contains(&plugin.param("Amount").value) {
            return Err("a value that the parameter cannot have".to_owned());
        }
        judge(&plugin.block(64, &constant(0.25), &[]).outcome)?;
        let odd = bytes.len().max(1);
        let habits =
            Habits { piece: odd % 7 + 1, wrong_results: odd.is_multiple_of(2), size: 0, ..Habits::default() };
        if self.vst3[0].load_with(bytes, habits) != took {
            return Err("the formats differ in what they take".to_owned());
        }
        // Both go on from the same state.
        let same = plugin.load(&before) && self.vst3[0].load(&before);
        if same { Ok(()) } else { Err("the state before does not load any more".to_owned()) }
    }

    fn manifest(&self, bytes: &[u8]) -> Result<(), String> {
        self.slot.slot().folder().write("manifest", bytes).map_err(|error| error.to_string())?;
        match self.slot.slot().read_manifest() {
            Ok(manifest) if manifest.file.contains('/') || manifest.build == 0 => {
                Err(format!("accepted: {manifest:?}"))
            }
            Ok(_) => Ok(()),
            Err(error) if error.to_string().len() > 2000 => Err("a reason without end".to_owned()),
            Err(_) => Ok(()),
        }
    }

    fn object(&self, bytes: &[u8]) -> Result<(), String> {
        let path = self.slot.room().join("object");
        std::fs::write(&path, bytes).map_err(|error| error.to_string())?;
        let file = std::fs::File::open(&path).map_err(|error| error.to_string())?;
        match check::check(&file) {
            Err(reason) if reason.is_empty() || reason.len() > 2000 => {
                Err(format!("a reason of {} bytes", reason.len()))
            }
            _ => Ok(()),
        }
    }

    fn clap(&mut self, bytes: &[u8]) -> Result<(), String> {
        let amount = self.clap[0].0.param("Amount").id;
        let events = events(bytes, amount);
        for (plugin, _) in &mut self.clap {
            let frames = frames(bytes);
            judge(&plugin.block(frames, &constant(0.25), &events).outcome)?;
        }
        let value = self.clap[0].0.param("Amount").value;
        if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(format!("the parameter is {value}")) }
    }

    fn vst3(&mut self, bytes: &[u8]) -> Result<(), String> {
        const RUDE: [Rude; 8] = [
            Rude::No,
            Rude::NoFramesNoBuses,
            Rude::NoFramesNullPointers,
            Rude::FramesWithoutBuses,
            Rude::FramesWithoutChannels,
            Rude::FewerChannels,
            Rude::NullInputs,
            Rude::NothingElse,
        ];
        let amount = self.vst3[0].param("Amount").id;
        let events = events(bytes, amount);
        let rude = bytes.first().map_or(Rude::No, |byte| RUDE[usize::from(*byte) % RUDE.len()]);
        for plugin in &mut self.vst3 {
            let outcome = plugin.rude_block(rude, frames(bytes), &constant(0.25), &events);
            if outcome.overrun > 0 || outcome.not_finite > 0 {
                return Err(format!("{rude:?}: {outcome:?}"));
            }
            judge(&plugin.block(frames(bytes), &constant(0.25), &events).outcome)?;
        }
        let value = self.vst3[0].value(amount);
        if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(format!("the parameter is {value}")) }
    }
}

/// Where a state of ours ends by its own header: magic, version, length of the rest. `None`: no header of ours.
fn promised(bytes: &[u8]) -> Option<usize> {
    let length = bytes.strip_prefix(b"HOTSHELL")?.get(4..12)?.first_chunk()?;
    Some(usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX).saturating_add(20))
}

fn judge(outcome: &Outcome) -> Result<(), String> {
    let good = is_good(outcome.status)
        && (outcome.unwritten, outcome.overrun, outcome.not_finite, outcome.offences)
            == (0, 0, 0, Offences::NONE);
    if good { Ok(()) } else { Err(format!("{outcome:?}")) }
}

/// 1 to 128, of the case's length.
fn frames(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len() % 128 + 1).unwrap_or(1)
}

/// Numbers that code trips over.
const ODD: [f64; 12] =
    [0.0, -0.0, 0.5, 1.0, -1.0, 127.0, 1e300, -1e300, 5e-324, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

/// Twelve bytes are one event.
fn events(bytes: &[u8], param: u32) -> Vec<Event> {
    bytes.chunks_exact(12).map(|bytes| event(bytes, param)).collect()
}

fn event(bytes: &[u8], param: u32) -> Event {
    let word = |at: usize| i16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let value = ODD[usize::from(bytes[1]) % ODD.len()];
    // Mostly within the block, at times far behind it.
    let time = if bytes[2] > 250 {
        i32::MAX.unsigned_abs() - u32::from(bytes[3])
    } else {
        u32::from(bytes[2] & 127)
    };
    let small = |at: usize, most: i16| if bytes[at] > 240 { word(at) } else { i16::from(bytes[at]) % most };
    let (channel, key, id) = (small(4, 17), small(6, 130), i32::from(word(8)));
    let known = if bytes[10] < 200 { param } else { u32::from(bytes[10]) << 24 | u32::from(bytes[11]) };
    let cookie = if bytes[11] < 20 { 1 } else { 0 };
    match bytes[0] % 9 {
        0 => Event::NoteOn { time, channel, key, id, velocity: value },
        1 => Event::NoteOff { time, channel, key, id },
        2 => Event::Choke { time, channel, key, id },
        3 => Event::Expression { time, expression: i32::from(bytes[5] % 9), channel, key, id, value },
        4 => Event::Param { time, id: known, value, cookie },
        5 => Event::Mod { time, id: known, amount: value, cookie },
        6 => Event::NoteMod { time, id: known, amount: value, note: id },
        7 => Event::Foreign { time, id: known, value },
        _ => Event::Midi { time, data: [bytes[4], bytes[5], bytes[6]] },
    }
}

/// One of the corpus, changed in a few ways at once; or noise.
fn mutated(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    if random.below(20) == 0 {
        return (0..random.below(4096)).map(|_| random.next().to_le_bytes()[0]).collect();
    }
    let mut bytes = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(6) {
        if bytes.is_empty() {
            bytes.push(0);
        }
        let at = random.below(bytes.len());
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.pick(&[0, 1, 0x7f, 0x80, 0xc0, 0xdf, 0xff, b'"', b'}', b'/']),
            2 => bytes.truncate(at),
            3 => bytes.insert(at, random.next().to_le_bytes()[0]),
            4 => drop(bytes.remove(at)),
            5 => {
                let number = random.pick(&[0, 1, u64::MAX, 1 << 63, 0x7ff8_0000_0000_0000, 0x7fff_ffff]);
                for (to, from) in bytes[at..].iter_mut().zip(number.to_be_bytes()) {
                    *to = from;
                }
            }
            6 => {
                let (from, length) = (random.below(bytes.len()), random.below(64));
                let piece: Vec<u8> = bytes[from..].iter().copied().take(length).collect();
                bytes.splice(at..at, piece);
            }
            _ => bytes[at..].iter_mut().take(16).for_each(|byte| *byte = random.next().to_le_bytes()[0]),
        }
    }
    bytes
}
