//! What a build is given: one [`Case`] is one fresh instance in one configuration with one input, and can be played
//! again exactly.
//!
//! Called by: `trial/child` makes the list, `trial/play` plays it, `trial/finding` describes it. Calls: nothing.
//! Threads: [any].

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Hz. The first two are what hosts begin with.
const RATES: [f64; 6] = [48_000.0, 44_100.0, 96_000.0, 88_200.0, 192_000.0, 8_000.0];
/// Most frames of a block.
const FRAMES: [u32; 7] = [512, 64, 1, 1024, 333, 16, 4096];
const SOUNDS: [Sound; 5] = [Sound::Noise, Sound::Silence, Sound::FullScale, Sound::Denormals, Sound::Impulse];

/// What comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sound {
    /// Zeros.
    Silence,
    /// White noise, 12 dB below full scale.
    Noise,
    /// A square wave between -1 and 1.
    FullScale,
    /// Numbers so small that a processor may handle them slowly.
    Denormals,
    /// One sample of 1 in each block.
    Impulse,
}

/// What the parameters do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Knobs {
    /// They stay at their defaults.
    Default,
    /// All at their least value.
    Low,
    /// All at their greatest value.
    High,
    /// All somewhere, from the seed.
    Anywhere,
    /// This one at its least value, by id.
    OneLow(String),
    /// This one at its greatest value, by id.
    OneHigh(String),
    /// This one from end to end, in steps within the blocks.
    Sweep(String),
    /// All of them jump, at any frame.
    Automation,
}

/// What is done beside playing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Nothing.
    Play,
    /// State out, in, and out again.
    State,
    /// A state of the project's, from this file.
    Golden(PathBuf),
    /// The build takes over from itself, as in a reload.
    Handover,
    /// Texts of all parameters, there and back.
    Texts,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Index of the plug-in in the artifact.
    pub plugin: u32,
    /// Index of its layout.
    pub layout: usize,
    /// Hz.
    pub rate: f64,
    /// Most frames of a block.
    pub frames: u32,
    /// Blocks are of any length up to that.
    pub ragged: bool,
    /// Rendered offline: then it may allocate, wait and take its time.
    pub offline: bool,
    /// What comes in.
    pub sound: Sound,
    /// What the parameters do.
    pub knobs: Knobs,
    /// Notes are played, where the plug-in takes any.
    pub notes: bool,
    /// What else is done.
    pub task: Task,
    /// Number of blocks.
    pub blocks: u32,
    /// Of everything random in it.
    pub seed: u64,
}

impl Case {
    fn new(plugin: u32, seed: u64) -> Self {
        Self {
            plugin,
            layout: 0,
            rate: RATES[0],
            frames: FRAMES[0],
            ragged: false,
            offline: false,
            sound: Sound::Noise,
            knobs: Knobs::Default,
            notes: true,
            task: Task::Play,
            blocks: 8,
            seed,
        }
    }

    /// With as many blocks of this size as make a case.
    fn sized(mut self, rate: f64, frames: u32) -> Self {
        (self.rate, self.frames) = (rate, frames);
        self.blocks = (1024 / frames).clamp(4, 48);
        self
    }
}

/// What the list depends on: one plug-in of the artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Number of layouts.
    pub layouts: usize,
    /// Ids of parameters that a host may move.
    pub params: Vec<String>,
    /// It takes notes.
    pub notes: bool,
    /// Its id.
    pub id: String,
    /// States of the project's that it must load.
    pub states: Vec<PathBuf>,
}

/// All cases of an artifact, in order. The first [`always`] are played however long they take, the rest are shuffled by
/// `seed`: what the time allows of them is a fair sample.
#[must_use]
pub fn cases(plugins: &[Facts], seed: u64) -> Vec<Case> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut first = Vec::new();
    let mut rest = Vec::new();
    for (facts, plugin) in plugins.iter().zip(0_u32..) {
        let mut case = || Case { notes: facts.notes, ..Case::new(plugin, random.u64(..)) };
        first.push(Case { knobs: Knobs::Automation, ragged: true, ..case() });
        first.push(Case { knobs: Knobs::Anywhere, task: Task::State, ..case() });
        for state in &facts.states {
            first.push(Case { task: Task::Golden(state.clone()), ..case() });
        }
        rest.extend(corners(facts, &mut case));
        rest.extend(grid(facts, &mut case));
        rest.extend(knobs(facts, &mut case));
    }
    random.shuffle(&mut rest);
    first.extend(rest);
    first
}

/// Number of cases at the start of the list that are not left out for lack of time.
#[must_use]
pub fn always(plugins: &[Facts]) -> usize {
    plugins.iter().map(|facts| 2 + facts.states.len()).sum()
}

fn corners(facts: &Facts, case: &mut impl FnMut() -> Case) -> Vec<Case> {
    let mut cases = vec![
        Case { task: Task::Handover, blocks: 12, ..case() },
        Case { task: Task::Texts, sound: Sound::Silence, blocks: 1, ..case() },
        Case { knobs: Knobs::Low, sound: Sound::FullScale, ..case() },
        Case { knobs: Knobs::High, sound: Sound::FullScale, ..case() },
        Case { sound: Sound::Silence, notes: false, ..case() },
        Case { offline: true, knobs: Knobs::Automation, ..case() }.sized(44_100.0, 1024),
    ];
    for layout in 0..facts.layouts {
        cases.push(Case { layout, knobs: Knobs::Automation, ..case() });
    }
    cases
}

fn grid(facts: &Facts, case: &mut impl FnMut() -> Case) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut turn = 0;
    for rate in RATES {
        for frames in FRAMES {
            for sound in SOUNDS {
                turn += 1;
                let knobs = match turn % 3 {
                    0 => Knobs::Default,
                    1 => Knobs::Automation,
                    _ => Knobs::Anywhere,
                };
                let layout = turn % facts.layouts.max(1);
                let ragged = turn % 4 == 0;
                cases.push(Case { sound, knobs, layout, ragged, ..case() }.sized(rate, frames));
            }
        }
    }
    cases
}

fn knobs(facts: &Facts, case: &mut impl FnMut() -> Case) -> Vec<Case> {
    let one = |id: &String| [Knobs::OneLow(id.clone()), Knobs::OneHigh(id.clone()), Knobs::Sweep(id.clone())];
    let all = facts.params.iter().flat_map(one).zip((0..RATES.len()).cycle());
    all.map(|(knobs, turn)| Case { knobs, ..case() }.sized(RATES[turn], FRAMES[turn])).collect()
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.task {
            Task::Play => {}
            Task::State => f.write_str("state saved, loaded and saved again; ")?,
            Task::Golden(file) => write!(f, "the state {}; ", file.display())?,
            Task::Handover => f.write_str("the build takes over from itself; ")?,
            Task::Texts => f.write_str("texts of all parameters; ")?,
        }
        f.write_str(match self.sound {
            Sound::Silence => "silence",
            Sound::Noise => "white noise",
            Sound::FullScale => "full scale",
            Sound::Denormals => "denormal numbers",
            Sound::Impulse => "impulses",
        })?;
        if self.notes {
            f.write_str(" and notes")?;
        }
        match &self.knobs {
            Knobs::Default => {}
            Knobs::Low => f.write_str(", all parameters at their least")?,
            Knobs::High => f.write_str(", all parameters at their greatest")?,
            Knobs::Anywhere => f.write_str(", parameters anywhere")?,
            Knobs::OneLow(id) => write!(f, ", `{id}` at its least")?,
            Knobs::OneHigh(id) => write!(f, ", `{id}` at its greatest")?,
            Knobs::Sweep(id) => write!(f, ", `{id}` swept")?,
            Knobs::Automation => f.write_str(", all parameters automated")?,
        }
        let ragged = if self.ragged { "up to " } else { "" };
        write!(f, ", {} Hz, blocks of {ragged}{} frames, layout {}", self.rate, self.frames, self.layout)?;
        if self.plugin > 0 {
            write!(f, ", plug-in {}", self.plugin)?;
        }
        f.write_str(if self.offline { ", offline" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain() -> Facts {
        let (params, states) = (vec!["gain".to_owned(), "bypass".to_owned()], vec!["old.hotshell".into()]);
        Facts { layouts: 2, params, notes: false, id: "org.example.gain".to_owned(), states }
    }

    #[test]
    fn a_seed_is_the_whole_list() {
        let list = cases(&[gain()], 7);
        assert_eq!(list, cases(&[gain()], 7));
        assert_ne!(list, cases(&[gain()], 8));
        let text = serde_json::to_string(&list[3]).unwrap();
        assert_eq!(serde_json::from_str::<Case>(&text).unwrap(), list[3], "a saved case is the case");
    }

    #[test]
    fn the_list_holds_what_is_promised_of_every_plug_in() {
        let list = cases(&[gain(), gain()], 7);
        for plugin in 0..2 {
            let own: Vec<_> = list.iter().filter(|case| case.plugin == plugin).collect();
            let has = |what: &dyn Fn(&Case) -> bool| own.iter().any(|case| what(case));
            assert!(SOUNDS.iter().all(|sound| has(&|case| case.sound == *sound)));
            assert!(RATES.iter().all(|rate| has(&|case| case.rate.to_bits() == rate.to_bits())));
            assert!(FRAMES.iter().all(|frames| has(&|case| case.frames == *frames)));
            for id in ["gain", "bypass"] {
                let wanted = [Knobs::OneLow(id.into()), Knobs::OneHigh(id.into()), Knobs::Sweep(id.into())];
                assert!(wanted.iter().all(|knobs| has(&|case| case.knobs == *knobs)), "{id}");
            }
            assert!((0..2).all(|layout| has(&|case| case.layout == layout)));
            let tasks = [Task::State, Task::Handover, Task::Texts, Task::Golden("old.hotshell".into())];
            assert!(tasks.iter().all(|task| has(&|case| case.task == *task)));
        }
        let first = &list[..always(&[gain(), gain()])];
        assert!(first.iter().filter(|case| case.task == Task::State).count() == 2, "never left out");
    }
}
