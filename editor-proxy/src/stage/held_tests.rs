//! Blocks go on while somebody holds every lock of an open editor, and a build is heard: what the reload thread then
//! waits for is the window's bell, which rings after the hand-over.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use hotshell_abi::RenderMode;
use hotshell_abi::editor::{EditorSize, WindowHandle, WindowKind};
use hotshell_core::host::NoHost;
use hotshell_core::instance::Table;
use hotshell_core::offline::Engine;
use hotshell_core::shell::{GUI_LOCK_WAIT, Shell, StaticShell};
use hotshell_derive::Params;
use hotshell_fake_shell::NoEditor;
use hotshell_logic::export::api;
use hotshell_logic::{
    AudioBuffer, CreateContext, Editor, EventList, PluginInfo, PluginLogic, ProcessContext, ProcessStatus,
};

use super::Stage;
use crate::EditorProxy;
use crate::edits::Line;
use crate::helper::Place;

const FRAMES: u32 = 64;
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct NoParams {}

/// Says `LEVEL`.
struct Says<const LEVEL: u8>;

impl<const LEVEL: u8> PluginLogic for Says<LEVEL> {
    type Params = NoParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.held", "Held");

    fn create(_: Arc<NoParams>, _: &CreateContext<'_>) -> Self {
        Self
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        buffer.output().iter_mut().for_each(|channel| channel.fill(LEVEL.into()));
        ProcessStatus::Active
    }
}

/// Asked for its editor, it has none, fails, or takes its time, by its number.
struct Asked<const HOW: u8>;

const NONE: u8 = 0;
const FAILS: u8 = 1;
const LATE: u8 = 2;

impl<const HOW: u8> PluginLogic for Asked<HOW> {
    type Params = NoParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.asked", "Asked");

    fn create(_: Arc<NoParams>, _: &CreateContext<'_>) -> Self {
        Self
    }

    fn process(
        &mut self,
        _: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        ProcessStatus::Active
    }

    fn editor(_: &Arc<NoParams>) -> Option<Editor> {
        assert!(HOW != FAILS, "planted");
        if HOW == LATE {
            std::thread::park_timeout(4 * GUI_LOCK_WAIT);
        }
        None
    }
}

fn is_there<const HOW: u8>() -> bool {
    let own = Table::linked(api::<Asked<HOW>, f32>());
    let shell: StaticShell = StaticShell::open(own, 0, "rig", Box::new(NoHost)).expect("opens");
    EditorProxy::is_there(shell.editors().expect("there are editors").as_ref())
}

#[test]
fn an_editor_is_there_unless_its_plug_in_says_that_there_is_none() {
    assert!(!is_there::<NONE>());
    assert!(is_there::<FAILS>(), "its window says why");
    assert!(is_there::<LATE>(), "a busy machine is no reason to have none");
    assert!(EditorProxy::is_there(&NoEditor), "nor is a lock that a reload holds");
}

fn table<const LEVEL: u8>() -> Table {
    Table::linked(api::<Says<LEVEL>, f32>())
}

/// Runs blocks until one ends with `level`; the last sample.
fn run_until(engine: &mut Engine<f32>, level: f32) -> Option<f32> {
    let begin = Instant::now();
    loop {
        engine.block(FRAMES, &mut |run| run());
        let last = engine.output(0).and_then(|samples| samples.last().copied());
        if last == Some(level) || begin.elapsed() > PATIENCE {
            return last;
        }
    }
}

#[test]
fn blocks_and_a_swap_take_no_lock_of_an_open_editor() {
    let shell: StaticShell = StaticShell::open(table::<1>(), 0, "rig", Box::new(NoHost)).expect("opens");
    let mut engine =
        Engine::new(Box::new(shell.clone()), 48_000.0, FRAMES, RenderMode::OFFLINE).expect("plays");
    let editors = shell.editors().expect("there are editors");
    let stage = Stage::new(Arc::clone(&editors));
    let parent = WindowHandle { kind: WindowKind(0), reserved: 0, handle: 0 };
    stage.open(Place { parent, size: EditorSize::new(64, 64), scale: 1.0 });
    let line = Line::new(editors, Arc::downgrade(&stage));
    let (done, heard) = channel();
    let answer = std::thread::scope(|scope| {
        let _held = (stage.hold(), line.hold());
        scope.spawn(move || {
            let _ = done.send(run_until(&mut engine, 1.0));
            let _ = done.send(run_until(&mut engine, 2.0));
        });
        let before = heard.recv_timeout(2 * PATIENCE);
        scope.spawn(|| shell.swap(table::<2>(), 1).expect("accepted"));
        [before, heard.recv_timeout(2 * PATIENCE)]
    });
    assert_eq!(answer, [Ok(Some(1.0)), Ok(Some(2.0))], "blocks that wait for a lock say nothing");
}

/// As on macOS, where the loop that is woken may be the very thread that rings.
#[test]
fn a_bell_may_turn_the_stage_and_take_itself_away() {
    let shell: StaticShell = StaticShell::open(table::<1>(), 0, "rig", Box::new(NoHost)).expect("opens");
    let stage = Stage::new(shell.editors().expect("there are editors"));
    let (done, heard) = channel();
    let inside = Arc::downgrade(&stage);
    stage.set_bell(Some(Arc::new(move || {
        let stage = inside.upgrade().expect("the test keeps it");
        stage.turn();
        stage.set_bell(None);
        let _ = done.send(());
    })));
    let thread = std::thread::Builder::new().name("test rings".to_owned());
    thread.spawn(move || stage.ring()).expect("a thread");
    assert_eq!(heard.recv_timeout(PATIENCE), Ok(()));
}
