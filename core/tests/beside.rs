//! State, texts, lists and messages beside swaps, activations and refusals: exact, once, and of the newest build.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

#[path = "common/rig.rs"]
mod rig;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use hotshell_abi::EventKind;
use hotshell_core::instance::Table;
use hotshell_core::shell::{Changes, Phase, Shell, ShellError, StateContext};
use hotshell_core::state;
use hotshell_derive::{ParamEnum, Params};
use hotshell_logic::export::api;
use hotshell_logic::params::{EnumParam, FloatParam};
use hotshell_logic::{
    AudioBuffer, AudioConfig, BusLayout, CreateContext, Event, EventList, NotePorts, PluginInfo, PluginLogic,
    ProcessContext, ProcessStatus, StateError, StateReader, StateWriter,
};
use rig::{BLOCK, RATE, Rig, host_id, note};

const ID: &str = "org.example.beside";

#[derive(Clone, Copy, PartialEq, Eq, Debug, ParamEnum)]
#[params(crate = hotshell_logic)]
enum First {
    X,
    Y,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ParamEnum)]
#[params(crate = hotshell_logic)]
enum Second {
    New,
    Y,
    X,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct FirstParams {
    #[param(id = "mode", default = First::X)]
    #[expect(dead_code, reason = "saved")]
    mode: EnumParam<First>,
    #[local]
    own: Mutex<Vec<u8>>,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct SecondParams {
    #[param(id = "more", range = linear(0.0..=1.0), default = 0.5)]
    #[expect(dead_code, reason = "there to be added")]
    more: FloatParam,
    #[param(id = "mode", default = Second::X)]
    #[expect(dead_code, reason = "saved")]
    mode: EnumParam<Second>,
    #[local]
    own: Mutex<Vec<u8>>,
}

/// [`Picky`] fails in `reset`.
static UNFIT: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// What the author's own state becomes before it is saved on this thread.
    static EDIT: std::cell::Cell<Option<Vec<u8>>> = const { std::cell::Cell::new(None) };
    /// Thirteen is welcome on this thread.
    static TOLERANT: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    static PANICS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

macro_rules! logic {
    ($name:ident, $params:ty, $fails:expr) => {
        struct $name;

        impl PluginLogic for $name {
            type Params = $params;
            const INFO: PluginInfo = PluginInfo { own_state: true, ..PluginInfo::new(ID, "Beside") };

            fn create(_: Arc<$params>, _: &CreateContext<'_>) -> Self {
                Self
            }

            fn reset(&mut self, _: &AudioConfig) {
                assert!(!($fails && UNFIT.load(Relaxed)), "unfit for this configuration");
            }

            fn process(
                &mut self,
                buffer: &mut AudioBuffer<'_, f32>,
                _: &EventList<'_>,
                _: &mut ProcessContext<'_>,
            ) -> ProcessStatus {
                buffer.in_place();
                ProcessStatus::Active
            }

            fn save_state(params: &$params, out: &mut StateWriter<'_>) {
                if let Some(edited) = EDIT.take() {
                    *params.own.lock().unwrap() = edited;
                }
                out.put("own", &*params.own.lock().unwrap());
            }

            fn load_state(params: &$params, from: &mut StateReader<'_>) -> Result<(), StateError> {
                let own: Vec<u8> = from.get("own")?.unwrap_or_default();
                if own == [13] && !TOLERANT.get() {
                    // Half of it is taken already.
                    *params.own.lock().unwrap() = vec![1];
                    if PANICS.get() {
                        panic!("thirteen is refused");
                    }
                    return Err(StateError::new("thirteen is refused"));
                }
                *params.own.lock().unwrap() = own;
                Ok(())
            }
        }
    };
}

logic!(One, FirstParams, false);
logic!(Two, SecondParams, false);
logic!(Picky, SecondParams, true);

fn saved(rig: &Rig) -> state::Document {
    state::decode(&rig.shell.save(StateContext::Project).unwrap(), ID).unwrap()
}

/// A state in which the author has written `own`, of another instance.
fn with_own(own: &[u8]) -> Vec<u8> {
    let rig = Rig::new::<One>();
    EDIT.set(Some(own.to_vec()));
    rig.shell.save(StateContext::Project).unwrap()
}

#[test]
fn a_save_between_the_swap_block_and_its_telling_names_variants_by_the_build_that_plays() {
    let mut rig = Rig::new::<One>();
    rig.set("mode", 1.0);
    rig.run(1);
    rig.swap::<Two>(1);
    assert_eq!(saved(&rig).params["mode"].variant.as_deref(), Some("y"));
    rig.block();
    let document = saved(&rig);
    assert_eq!(document.params["mode"].variant.as_deref(), Some("y"));
    assert_eq!(document.params["more"].value, 0.5);
}

#[test]
fn what_the_author_keeps_beside_parameters_comes_along_and_a_load_reaches_the_build_that_waits() {
    let mut rig = Rig::new::<One>();
    let (one, two) = (with_own(&[1, 2]), with_own(&[3]));
    rig.shell.load(StateContext::Project, &one).unwrap();
    let own = state::decode(&one, ID).unwrap().own;
    assert_eq!(saved(&rig).own, own);
    rig.swap::<Two>(1);
    rig.run(20);
    assert_eq!(saved(&rig).own, own, "carried to the next build");
    // A build waits, a state is loaded, the build is taken.
    rig.swap::<One>(2);
    rig.shell.load(StateContext::Project, &two).unwrap();
    rig.run(20);
    assert_eq!(saved(&rig).own, state::decode(&two, ID).unwrap().own, "the load came after its making");
}

#[test]
fn a_state_that_the_author_refuses_changes_nothing() {
    let mut rig = Rig::new::<One>();
    rig.set("mode", 1.0);
    rig.run(1);
    let bad = {
        let mut document = state::decode(&with_own(&[13]), ID).unwrap();
        document.params.get_mut("mode").unwrap().variant = Some("x".to_owned());
        state::encode(&document)
    };
    let before = rig.shell.save(StateContext::Preset).unwrap();
    let refused = rig.shell.load(StateContext::Project, &bad);
    assert!(matches!(refused, Err(ShellError::BadState(why)) if why.contains("thirteen is refused")));
    assert_eq!(rig.shell.save(StateContext::Preset).unwrap(), before);
    assert_eq!(rig.shell.param_value(host_id("mode")), Some(1.0));
    // But it is kept: the project that is saved with a build that cannot read it stays what it was.
    assert_eq!(rig.shell.save(StateContext::Project).unwrap(), bad);
    rig.set("mode", 0.0);
    rig.run(1);
    assert_ne!(rig.shell.save(StateContext::Project).unwrap(), bad, "the user went on");
}

#[test]
fn a_state_in_which_the_authors_code_panics_changes_nothing() {
    let rig = Rig::new::<One>();
    let bad = with_own(&[13]);
    let before = rig.shell.save(StateContext::Preset).unwrap();
    PANICS.set(true);
    let refused = rig.shell.load(StateContext::Project, &bad);
    PANICS.set(false);
    assert!(refused.is_err());
    assert_eq!(rig.shell.save(StateContext::Preset).unwrap(), before);
}

#[test]
fn what_the_next_build_refuses_of_the_authors_own_state_is_saved_and_goes_to_the_one_after() {
    let mut rig = Rig::new::<One>();
    EDIT.set(Some(vec![13]));
    let own = saved(&rig).own;
    rig.swap::<Two>(1);
    rig.run(20);
    assert_eq!(rig.notes.count("thirteen is refused"), 1);
    assert_eq!(saved(&rig).own, own, "a save in between loses nothing");
    TOLERANT.set(true);
    rig.swap::<One>(2);
    rig.run(20);
    assert_eq!(saved(&rig).own, own);
    // One that the user has changed since is his own.
    TOLERANT.set(false);
    rig.swap::<Two>(3);
    rig.run(20);
    EDIT.set(Some(vec![5]));
    let own = saved(&rig).own;
    rig.swap::<One>(4);
    rig.run(20);
    assert_eq!(saved(&rig).own, own);
}

#[test]
fn a_save_right_after_a_state_was_refused_by_a_bug_and_a_load_by_the_fixed_build() {
    let mut rig = Rig::new::<One>();
    let bad = with_own(&[13]);
    assert!(rig.shell.load(StateContext::Project, &bad).is_err());
    rig.swap::<Two>(1);
    rig.run(20);
    assert_eq!(rig.notes.count("refused the kept state as well"), 1);
    TOLERANT.set(true);
    rig.swap::<One>(2);
    rig.run(20);
    assert_eq!(rig.notes.count("build 2 took the state that was refused before"), 1);
    assert_eq!(saved(&rig).own, state::decode(&bad, ID).unwrap().own);
}

#[test]
fn texts_are_the_newest_builds_before_a_block_has_run_and_lists_only_after_the_host_was_told() {
    let mut rig = Rig::new::<One>();
    rig.run(1);
    assert_eq!(rig.shell.param_text(host_id("mode"), 0.0).as_deref(), Some("X"));
    rig.swap::<Two>(1);
    assert_eq!(rig.shell.param_text(host_id("mode"), 0.0).as_deref(), Some("New"), "accepted, not yet heard");
    assert_eq!(rig.shell.describe().params.as_slice().len(), 2);
    assert_eq!(rig.shell.param_count(), 1, "but not announced");
    rig.run(20);
    assert_eq!((rig.shell.param_count(), rig.notes.calls("restart")), (1, 1));
    assert!(rig.engine.restart().unwrap().contains(Changes::PARAMS));
    assert_eq!(rig.shell.param_count(), 2);
    // Inactive: the newest build takes its place at once, and any call may tell of it.
    rig.engine.deactivate();
    rig.swap::<One>(2);
    assert_eq!(rig.shell.param_text(host_id("mode"), 0.0).as_deref(), Some("X"));
    let told = rig.shell.take_changes(Phase::AnyTime);
    assert!(told.contains(Changes::PARAMS), "fewer variants: {told:?}");
    assert_eq!(rig.shell.take_changes(Phase::AnyTime), Changes::empty(), "told once");
}

#[test]
fn a_build_that_cannot_be_activated_is_named_and_build_0_plays() {
    let mut rig = Rig::new::<One>();
    rig.swap::<Picky>(1);
    rig.run(2);
    UNFIT.store(true, Relaxed);
    rig.engine.reconfigure(2.0 * RATE, BLOCK).unwrap();
    rig.block();
    rig.run(20);
    assert_eq!(rig.notes.count("unfit for this configuration"), 1, "said, and said once");
    assert_eq!(rig.shell.describe().params.as_slice().len(), 1);
}

/// Other ports than [`One`].
struct Wide;

impl PluginLogic for Wide {
    type Params = FirstParams;
    const INFO: PluginInfo = PluginInfo::new(ID, "Beside");
    const BUSES: &'static [BusLayout] = BusLayout::STEREO_OUT;

    fn create(_: Arc<FirstParams>, _: &CreateContext<'_>) -> Self {
        Self
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        buffer.output().iter_mut().for_each(|channel| channel.fill(0.5));
        ProcessStatus::Active
    }
}

#[test]
fn ports_that_the_host_forbids_stay_and_the_author_is_told_once() {
    let mut rig = Rig::new::<One>();
    rig.shell.hold(Changes::PORTS);
    rig.run(1);
    rig.swap::<Wide>(1);
    rig.run(30);
    assert_eq!(rig.notes.calls("restart"), 0, "no restart for what may not be told");
    assert_eq!(rig.notes.count("does not let a plug-in change its audio ports"), 1);
    assert_eq!(rig.shell.layouts()[0].inputs.len(), 1);
    assert_eq!(rig.heard.last(), Some(&0.5), "it plays behind the shim");
}

#[test]
fn ports_that_changed_are_told_inside_the_restart_and_the_layout_follows() {
    let mut rig = Rig::new::<One>();
    rig.shell.control().set_layout(1).unwrap_err();
    rig.engine.deactivate();
    rig.shell.set_layout(1).unwrap();
    rig.engine.reconfigure(RATE, BLOCK).unwrap();
    rig.swap::<Wide>(1);
    rig.run(30);
    assert!(rig.engine.restart().unwrap().contains(Changes::PORTS));
    assert_eq!((rig.shell.layout(), rig.shell.layouts().len()), (0, 1), "the old place is past the end");
    rig.run(2);
    assert_eq!(rig.heard.last(), Some(&0.5));
}

/// Counts the notes that are replayed to it, and changes its latency when told.
struct Counter;

static REPLAYED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
static LATENCY: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

impl PluginLogic for Counter {
    type Params = FirstParams;
    const INFO: PluginInfo = PluginInfo::new(ID, "Beside");
    const BUSES: &'static [BusLayout] = BusLayout::STEREO_OUT;
    const NOTES: NotePorts = NotePorts { inputs: 1, dialects: NotePorts::CLAP, ..NotePorts::NONE };

    fn create(_: Arc<FirstParams>, _: &CreateContext<'_>) -> Self {
        Self
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        events: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        for event in events.iter() {
            if let Event::NoteOn { replay: Some(_), .. } = event {
                REPLAYED.fetch_add(1, Relaxed);
            }
        }
        buffer.output().iter_mut().for_each(|channel| channel.fill(0.0));
        ProcessStatus::Active
    }

    fn latency(&self) -> u32 {
        LATENCY.load(Relaxed)
    }
}

#[test]
fn a_restart_of_ours_keeps_held_notes_and_announces_the_latency_of_the_moment_once() {
    let mut rig = Rig::new::<Counter>();
    rig.engine.queue(note(EventKind::NOTE_ON, 0, 60));
    rig.run(2);
    let before = rig.notes.calls("callback");
    LATENCY.store(128, Relaxed);
    rig.block();
    assert_eq!(rig.notes.calls("callback"), before + 1, "nobody else looks after a shell that is alone");
    rig.run(2);
    assert_eq!((rig.shell.latency(), rig.notes.calls("restart")), (0, 1), "frozen while active");
    rig.engine.restart().unwrap();
    assert_eq!(rig.shell.latency(), 128);
    rig.run(20);
    assert_eq!(rig.notes.calls("restart"), 1, "and that is all");
    rig.shell.swap(Table::linked(api::<Counter, f32>()), 1).unwrap();
    rig.run(1);
    assert_eq!(REPLAYED.load(Relaxed), 1, "the note that was held all along");
    LATENCY.store(0, Relaxed);
}
