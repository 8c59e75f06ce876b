//! The shared half across hand-overs, loads and restarts: what a build sees of its fields, and when it is told.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use hotshell_abi::{Event, RenderMode};
use hotshell_core::host::NoHost;
use hotshell_core::instance::Table;
use hotshell_core::offline::Engine;
use hotshell_core::shell::{Phase, Shell, StateContext, StaticShell};
use hotshell_derive::Params;
use hotshell_logic::export::api;
use hotshell_logic::params::{BoolParam, Persist};
use hotshell_logic::{
    AudioBuffer, CreateContext, EventList, PluginInfo, PluginLogic, ProcessContext, ProcessStatus, Reason,
    Replay, SnapshotReader,
};

const BLOCK: u32 = 64;

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct LevelParams {
    #[param(id = "boom")]
    boom: BoolParam,
    #[persist(id = "level")]
    level: Persist<Amount>,
    #[local]
    lock: Mutex<()>,
    /// Loads that the logic was told of, and the field's value at that time times 100.
    #[local]
    told: AtomicU32,
    #[local]
    told_level: AtomicU32,
}

/// A number whose reading takes its time.
#[derive(Clone, Copy, Default)]
struct Amount(f32);

impl serde::Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f32(self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        meanwhile(&WHILE_READ);
        f32::deserialize(deserializer).map(Self)
    }
}

/// Answers the field's value; `WRITER` builds write it from elsewhere while they are created.
struct Level<const WRITER: bool>(Arc<LevelParams>);

type Elsewhere = Box<dyn FnOnce() + Send>;
static WHILE_CREATED: Mutex<Option<Elsewhere>> = Mutex::new(None);
static WHILE_READ: Mutex<Option<Elsewhere>> = Mutex::new(None);
static LAST_TOLD: Mutex<(u32, u32)> = Mutex::new((0, 0));
/// The statics above are of one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Does once what a test wants done at this point.
fn meanwhile(place: &Mutex<Option<Elsewhere>>) {
    let act = place.lock().unwrap().take();
    if let Some(act) = act {
        act();
    }
}

fn told() -> (u32, u32) {
    *LAST_TOLD.lock().unwrap()
}

impl<const WRITER: bool> PluginLogic for Level<WRITER> {
    type Params = LevelParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.level", "Level");

    fn create(params: Arc<LevelParams>, cx: &CreateContext<'_>) -> Self {
        drop(params.lock.lock().expect("poisoned by an earlier instance"));
        if WRITER && matches!(cx.reason(), Reason::Reload { .. }) {
            meanwhile(&WHILE_CREATED);
        }
        Self(params)
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        if self.0.boom.value() {
            let _held = self.0.lock.lock();
            panic!("boom, with the lock held");
        }
        let level = self.0.level.get().0;
        buffer.in_place().iter_mut().for_each(|channel| channel.fill(level));
        ProcessStatus::Active
    }

    fn state_changed(&mut self) {
        let level = self.0.level.get().0 * 100.0;
        let told = self.0.told.fetch_add(1, SeqCst) + 1;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
        self.0.told_level.store(level as u32, SeqCst);
        *LAST_TOLD.lock().unwrap() = (told, self.0.told_level.load(SeqCst));
    }

    fn restore(&mut self, _: &SnapshotReader<'_>) -> Replay {
        Replay::Nothing
    }
}

struct Rig {
    engine: Engine<f32>,
    shell: StaticShell,
}

impl Rig {
    fn new() -> Self {
        *LAST_TOLD.lock().unwrap() = (0, 0);
        let table = Table::linked(api::<Level<false>, f32>());
        let shell = StaticShell::open(table, 0, "rig", Box::new(NoHost)).unwrap();
        let engine = Engine::new(Box::new(shell.clone()), 48_000.0, BLOCK, RenderMode::REALTIME).unwrap();
        Self { engine, shell }
    }

    fn write(&self, level: f32) {
        write(&self.shell, level);
    }

    fn swap(&self) {
        self.shell.swap(Table::linked(api::<Level<true>, f32>()), 1).unwrap();
    }

    /// The last sample of `blocks` more, main otherwise busy.
    fn play(&mut self, blocks: usize) -> f32 {
        for _ in 0..blocks {
            self.engine.block(BLOCK, &mut |run| run());
        }
        *self.engine.output(0).unwrap().last().unwrap()
    }

    fn look(&self) {
        self.shell.take_changes(Phase::AnyTime);
    }
}

fn write(shell: &StaticShell, level: f32) {
    // MessagePack: a float of 32 bits.
    let mut bytes = vec![0xca];
    bytes.extend(level.to_be_bytes());
    shell.control().store().field_write("level", &bytes, true).unwrap();
}

/// The state of an instance whose field is `level`.
fn saved(level: f32) -> Vec<u8> {
    let rig = Rig::new();
    rig.write(level);
    rig.look();
    rig.shell.save(StateContext::Project).unwrap()
}

#[test]
fn a_field_that_moves_while_a_candidate_waits_is_new_in_it() {
    let _alone = ALONE.lock();
    let mut rig = Rig::new();
    rig.play(1);
    rig.swap();
    rig.write(0.25);
    rig.look();
    assert_eq!(rig.play(20), 0.25);
}

#[test]
fn a_field_that_moves_while_a_candidate_is_made_is_new_in_its_first_block() {
    let _alone = ALONE.lock();
    let mut rig = Rig::new();
    rig.play(1);
    let elsewhere = rig.shell.clone();
    *WHILE_CREATED.lock().unwrap() = Some(Box::new(move || write(&elsewhere, 0.75)));
    rig.swap();
    assert_eq!(rig.play(20), 0.75);
}

#[test]
fn a_field_that_somebody_else_writes_reaches_the_build_that_plays() {
    let _alone = ALONE.lock();
    let mut rig = Rig::new();
    assert_eq!(rig.play(1), 0.0);
    rig.write(0.5);
    rig.look();
    assert_eq!(rig.play(1), 0.5);
}

#[test]
fn a_load_is_told_once_after_its_fields_are_there() {
    let _alone = ALONE.lock();
    let state = saved(0.5);
    let mut rig = Rig::new();
    rig.play(1);
    let shell = rig.shell.clone();
    let rig = Arc::new(Mutex::new(rig));
    let other = Arc::clone(&rig);
    *WHILE_READ.lock().unwrap() = Some(Box::new(move || {
        let _ = other.lock().unwrap().play(1);
    }));
    shell.load(StateContext::Project, &state).unwrap();
    assert_eq!(rig.lock().unwrap().play(3), 0.5);
    assert_eq!(told(), (1, 50));
}

#[test]
fn a_load_while_inactive_is_told_before_the_first_block_and_never_again() {
    let _alone = ALONE.lock();
    let (first, second) = (saved(0.5), saved(0.75));
    let table = Table::linked(api::<Level<false>, f32>());
    let shell = StaticShell::open(table, 0, "rig", Box::new(NoHost)).unwrap();
    *LAST_TOLD.lock().unwrap() = (0, 0);
    shell.load(StateContext::Project, &first).unwrap();
    let engine = Engine::new(Box::new(shell.clone()), 48_000.0, BLOCK, RenderMode::REALTIME).unwrap();
    let mut rig = Rig { engine, shell };
    rig.play(3);
    assert_eq!(told(), (1, 50), "before the first activation");
    rig.engine.deactivate();
    rig.shell.load(StateContext::Project, &second).unwrap();
    rig.engine.reconfigure(44_100.0, BLOCK).unwrap();
    rig.play(3);
    assert_eq!(told(), (2, 75), "between two activations");
    rig.engine.reconfigure(48_000.0, BLOCK).unwrap();
    rig.play(3);
    assert_eq!(told(), (2, 75), "an activation is no load");
}

#[test]
fn a_restart_after_a_panic_starts_with_a_shared_half_of_its_own() {
    let _alone = ALONE.lock();
    let mut rig = Rig::new();
    rig.write(0.5);
    rig.look();
    rig.engine.queue(Event::param_value(0, hotshell_abi::describe::param_host_id("boom"), 1.0));
    rig.play(2);
    assert!(rig.shell.set_param(hotshell_abi::describe::param_host_id("boom"), 0.0));
    rig.engine.reconfigure(44_100.0, BLOCK).unwrap();
    assert_eq!(rig.play(2), 0.5, "its lock is not the poisoned one, and its field has its value");
}
