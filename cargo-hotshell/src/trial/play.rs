//! One case, played through core's offline engine: the same table, shell and blocks as in a host.
//!
//! Called by: `trial/child`, a replay. Calls: core's `offline`, `trial/{guard,feed,check}`. Threads: the thread under
//! trial, which is [main] and [audio] in turn.

use std::sync::Arc;

use hotshell_abi::{ParamDesc, Reason, RenderMode, Sample};
use hotshell_core::host::{Level, NoHost};
use hotshell_core::instance::Table;
use hotshell_core::offline::Engine;
use hotshell_core::params::ParamStore;
use hotshell_core::shell::control::Offer;
use hotshell_core::shell::{ParamInfo, Shell, ShellError, StateContext, StaticShell};
use hotshell_core::store::Store;

use super::check::{Clock, Patience, misdeeds};
use super::feed;
use super::finding::{Finding, Kind};
use super::guard::{self, Place};
use super::plan::{Case, Facts, Knobs, Task};

/// Shells of the Rig say the same.
const FORMAT: &str = "rig";
/// The build's number, as `create` sees it in the case of a hand-over.
const NEXT: u32 = 1;

/// What a case came to: warnings and at most one error, which ends it.
#[derive(Debug, Default)]
pub struct Played {
    /// In the order in which they were found.
    pub findings: Vec<Finding>,
}

impl Played {
    fn error(&mut self, finding: Finding) {
        self.findings.push(finding);
    }
}

/// Looks at a plug-in of the artifact: what its list of cases depends on.
///
/// # Errors
/// It cannot be made.
pub fn facts(table: Table, index: u32) -> Result<Facts, Finding> {
    match table.canary().sample_precision.as_str() {
        "f64" => Ok(facts_of(&open::<f64>(table, index)?)),
        _ => Ok(facts_of(&open::<f32>(table, index)?)),
    }
}

fn facts_of<S: Sample>(shell: &StaticShell<ParamStore, S>) -> Facts {
    Facts {
        layouts: shell.layouts().len(),
        params: params(shell).into_iter().map(|info| info.id).collect(),
        notes: shell.notes().inputs > 0,
        id: shell.describe().id.as_str().to_owned(),
        states: Vec::new(),
    }
}

/// Plays `case`.
#[must_use]
pub fn play(table: Table, case: &Case, patience: &mut Patience) -> Played {
    match table.canary().sample_precision.as_str() {
        "f64" => play_as::<f64>(table, case, patience),
        _ => play_as::<f32>(table, case, patience),
    }
}

fn play_as<S: Sample>(table: Table, case: &Case, patience: &mut Patience) -> Played {
    let mut played = Played::default();
    guard::take_panic();
    guard::expect_panics(true);
    match Stage::<S>::open(table, case, patience) {
        Ok(mut stage) => {
            let result = stage.act();
            played.findings.append(&mut stage.warnings);
            // What a drop says, it says to the store.
            let store = Arc::clone(stage.shell.control().store());
            guard::take_panic();
            guard::enter(Place::Drop, stage.block);
            drop(stage);
            let dropped = last_words(&store);
            if let Err(finding) = result {
                played.error(finding);
            } else if let Some(text) = dropped {
                played.error(found(Kind::Panic, text, guard::take_panic()));
            }
        }
        Err(finding) => played.error(finding),
    }
    guard::expect_panics(false);
    played
}

/// The first error that the plug-in's code has left in its log: a panic on the way out.
fn last_words(store: &Store) -> Option<String> {
    let mut words = None;
    store.drain_logs(|level, text| {
        if level == Level::Error && text.contains("panicked") {
            words.get_or_insert_with(|| text.to_owned());
        }
    });
    words
}

/// An error in the call that runs.
fn found(kind: Kind, what: String, stack: Vec<usize>) -> Finding {
    let (place, block) = guard::place();
    Finding { error: true, kind, what, place, block, stack }
}

/// What a shell refused to do.
fn refused(error: &ShellError) -> Finding {
    match error {
        ShellError::Panicked(text) => found(Kind::Panic, format!("a panic {text}"), guard::take_panic()),
        error => found(Kind::State, error.to_string(), Vec::new()),
    }
}

fn open<S: Sample>(table: Table, index: u32) -> Result<StaticShell<ParamStore, S>, Finding> {
    guard::enter(Place::Create, 0);
    let shell = StaticShell::open_because(Reason::TRIAL, table, index, FORMAT, Box::new(NoHost));
    shell.map_err(|error| refused(&error))
}

/// Parameters that a host may move.
fn params<S: Sample>(shell: &StaticShell<ParamStore, S>) -> Vec<ParamInfo> {
    let all = (0..shell.param_count()).filter_map(|index| shell.param_info(index));
    all.filter(|info| !info.has(ParamDesc::READ_ONLY)).collect()
}

/// One instance that plays.
struct Stage<'c, S> {
    case: &'c Case,
    table: Table,
    shell: StaticShell<ParamStore, S>,
    engine: Engine<S>,
    params: Vec<ParamInfo>,
    feed: feed::Feed,
    clock: Clock,
    patience: &'c mut Patience,
    block: u32,
    warnings: Vec<Finding>,
}

impl<'c, S: Sample> Stage<'c, S> {
    fn open(table: Table, case: &'c Case, patience: &'c mut Patience) -> Result<Self, Finding> {
        let shell = open::<S>(table, case.plugin)?;
        guard::enter(Place::Reset, 0);
        if case.layout > 0 {
            shell.set_layout(case.layout).map_err(|error| refused(&error))?;
        }
        let mode = if case.offline { RenderMode::OFFLINE } else { RenderMode::REALTIME };
        let engine = Engine::new(Box::new(shell.clone()), case.rate, case.frames, mode);
        let engine = engine.map_err(|error| refused(&error))?;
        let params = params(&shell);
        let feed = feed::Feed::new(case, shell.notes());
        let mut stage = Self {
            case,
            table,
            shell,
            engine,
            params,
            feed,
            clock: Clock::new(case),
            patience,
            block: 0,
            warnings: Vec::new(),
        };
        stage.turn_knobs();
        Ok(stage)
    }

    /// Puts the parameters where the case wants them at its start.
    fn turn_knobs(&mut self) {
        for info in &self.params {
            let value = match &self.case.knobs {
                Knobs::Low => info.min,
                Knobs::High => info.max,
                Knobs::Anywhere => self.feed.anywhere(info),
                Knobs::OneLow(id) if *id == info.id => info.min,
                Knobs::OneHigh(id) if *id == info.id => info.max,
                _ => continue,
            };
            self.shell.set_param(info.host_id, value);
        }
    }

    fn act(&mut self) -> Result<(), Finding> {
        match &self.case.task {
            Task::Play => self.run(self.case.blocks)?,
            Task::State => self.state()?,
            Task::Golden(file) => self.golden(file)?,
            Task::Handover => self.hand_over()?,
            Task::Texts => self.texts()?,
        }
        guard::enter(Place::Clear, self.block);
        let engine = &mut self.engine;
        let ((), offences) = guard::watch(|| engine.clear());
        misdeeds(self.case, (Place::Clear, self.block), &offences, self.patience, &mut self.warnings)?;
        self.run(2)?;
        if let Some(finding) = self.clock.verdict(self.case) {
            if finding.error {
                return Err(finding);
            }
            self.warnings.push(finding);
        }
        Ok(())
    }

    fn run(&mut self, blocks: u32) -> Result<(), Finding> {
        (0..blocks).try_for_each(|_| self.one_block())
    }

    fn one_block(&mut self) -> Result<(), Finding> {
        let frames = self.feed.block(&mut self.engine, self.case, &self.params, self.block);
        guard::enter(Place::Process, self.block);
        let mut offences = guard::Offences::default();
        self.engine.block(frames, &mut |run| offences = guard::watch(run).1);
        self.engine.forget_events();
        self.look_for_faults()?;
        misdeeds(self.case, (Place::Process, self.block), &offences, self.patience, &mut self.warnings)?;
        self.clock.count(self.block, frames, offences.cpu_ns);
        self.block += 1;
        Ok(())
    }

    /// What the shell noticed: a panic, or values that are not finite.
    fn look_for_faults(&self) -> Result<(), Finding> {
        let control = self.shell.control();
        let lost = control.link().lost.load(std::sync::atomic::Ordering::Relaxed) > 0;
        let news = control.upkeep();
        if let Some((_, why)) = news.slip {
            return Err(found(Kind::Panic, format!("a panic {why}"), guard::take_panic()));
        }
        match news.fault.map(|(_, why)| why) {
            Some(why) if why.starts_with("its output was not finite") => Err(found(
                Kind::NotFinite,
                "NaN or infinity in the output of `process`".to_owned(),
                Vec::new(),
            )),
            Some(why) => Err(found(Kind::Panic, format!("a panic in `process`: {why}"), guard::take_panic())),
            None if lost => Err(found(Kind::NotFinite, "a block was not written".to_owned(), Vec::new())),
            None => Ok(()),
        }
    }

    fn hand_over(&mut self) -> Result<(), Finding> {
        self.run(self.case.blocks / 3)?;
        guard::enter(Place::Handover, self.block);
        let offer = Offer { table: self.table, build: NEXT, reason: Reason::TRIAL };
        let taken = self.shell.control().take_build(offer, &|| true);
        taken.map_err(|error| refused(&error))?;
        self.run(self.case.blocks - self.case.blocks / 3)
    }

    fn texts(&mut self) -> Result<(), Finding> {
        guard::enter(Place::Text, 0);
        for info in &self.params {
            for value in [info.min, info.default, info.max] {
                if let Some(text) = self.shell.param_text(info.host_id, value) {
                    let _ = self.shell.param_parse(info.host_id, &text);
                }
            }
            let _ = self.shell.param_parse(info.host_id, "no number");
        }
        self.run(1)
    }

    fn save(&self, shell: &StaticShell<ParamStore, S>) -> Result<Vec<u8>, Finding> {
        guard::enter(Place::State, self.block);
        shell.save(StateContext::Project).map_err(|error| refused(&error))
    }

    fn load(&self, shell: &StaticShell<ParamStore, S>, bytes: &[u8]) -> Result<(), Finding> {
        guard::enter(Place::State, self.block);
        shell.load(StateContext::Project, bytes).map_err(|error| refused(&error))
    }

    fn state(&mut self) -> Result<(), Finding> {
        self.run(2)?;
        let (saved, again) = (self.save(&self.shell)?, self.save(&self.shell)?);
        let other = open::<S>(self.table, self.case.plugin)?;
        self.load(&other, &saved)?;
        for info in &self.params {
            let (here, there) = (self.shell.param_value(info.host_id), other.param_value(info.host_id));
            if here.map(f64::to_bits) != there.map(f64::to_bits) {
                let (here, there) = (here.unwrap_or(f64::NAN), there.unwrap_or(f64::NAN));
                let what = format!("the state does not come back: `{}` was {here}, is {there}", info.id);
                return Err(found(Kind::State, what, Vec::new()));
            }
        }
        self.same_again(&other, &saved, saved != again)?;
        // A load while audio runs, of which the logic hears before its next block.
        self.load(&self.shell, &saved)?;
        self.run(2)
    }

    /// What `other` was given must be what it gives back.
    fn same_again(
        &mut self,
        other: &StaticShell<ParamStore, S>,
        saved: &[u8],
        unsteady: bool,
    ) -> Result<(), Finding> {
        let back = self.save(other)?;
        if unsteady {
            let what = "two saves of one state differ; use ordered collections and no clock in `save_state`";
            let finding = found(Kind::State, what.to_owned(), Vec::new());
            self.warnings.push(Finding { error: false, ..finding });
        } else if back != saved {
            let what = format!(
                "the state does not come back: {} bytes were saved, {} after loading them, and they differ",
                saved.len(),
                back.len()
            );
            return Err(found(Kind::State, what, Vec::new()));
        }
        Ok(())
    }

    fn golden(&mut self, file: &std::path::Path) -> Result<(), Finding> {
        let bytes = std::fs::read(file).map_err(|error| {
            found(Kind::State, format!("{} cannot be read: {error}", file.display()), Vec::new())
        })?;
        self.run(1)?;
        self.load(&self.shell, &bytes)?;
        self.run(3)?;
        let saved = self.save(&self.shell)?;
        let again = self.save(&self.shell)?;
        let other = open::<S>(self.table, self.case.plugin)?;
        self.load(&other, &saved)?;
        self.same_again(&other, &saved, saved != again)
    }
}
