//! A build's editor behind the boundary, without any window.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use hotshell_abi::Track;
use hotshell_abi::editor::{EditorKey, EditorNote, EditorSize, WindowHandle, WindowKind};
use hotshell_core::host::NoHost;
use hotshell_core::instance::Table;
use hotshell_core::shell::editors::{
    Edit, EditorAccess, EditorBuild, EditorOwner, Editors, OpenEditor, Wake,
};
use hotshell_core::shell::{Changes, Phase, Shell, ShellError, StaticShell};
use hotshell_logic::editor::{Editor, EditorContext, EditorError, EditorWindow};
use hotshell_logic::params::{FloatParam, FloatSpec, Param, Params, ParamsBuilder};
use hotshell_logic::{
    AudioBuffer, CreateContext, EventList, PluginInfo, PluginLogic, ProcessContext, ProcessStatus,
};

struct Knobs {
    mix: FloatParam,
}

impl Params for Knobs {
    fn build(builder: &mut ParamsBuilder<'_>) -> Self {
        Self { mix: builder.float(FloatSpec::new("mix", "Mix")) }
    }
}

/// What the plug-in's editor does: 0 a window, 1 refuses, 2 panics while it is built, 3 panics when dropped.
static MANNER: AtomicU32 = AtomicU32::new(0);
/// How often an editor was told to draw again.
static REPAINTS: AtomicU32 = AtomicU32::new(0);
/// One test at a time: `MANNER` is one for all.
static TURN: Mutex<()> = Mutex::new(());

struct Windowed;

struct Paper {
    cx: EditorContext,
    params: Arc<Knobs>,
}

impl EditorWindow for Paper {
    fn show(&mut self, visible: bool) {
        if visible {
            self.cx.drawn();
        }
    }
    fn resize(&mut self, width: u32, height: u32) {
        self.cx.request_resize(width * 2, height * 2);
    }
    fn key(&mut self, key: &EditorKey) -> bool {
        if key.character == u32::from('h') {
            let face = self.cx.faces().next().expect("it has a parameter");
            self.cx.hold(&face).perform(&face, 0.5);
            return self.params.mix.base() == face.load();
        }
        if key.character == u32::from('t') {
            self.cx.failed(&format!("{:?} {}", self.cx.track(), self.cx.presentation_latency()));
            return true;
        }
        let gesture = self.cx.edit(&self.params.mix);
        gesture.set(0.25);
        gesture.set(7.0);
        key.character == u32::from('a')
    }
}

impl Drop for Paper {
    fn drop(&mut self) {
        assert_ne!(MANNER.load(SeqCst), 3, "dropped badly");
    }
}

impl PluginLogic for Windowed {
    type Params = Knobs;
    const INFO: PluginInfo = PluginInfo::new("org.hotshell.test.windowed", "Windowed");
    fn create(_params: Arc<Knobs>, _cx: &CreateContext<'_>) -> Self {
        Self
    }
    fn process(
        &mut self,
        _buffer: &mut AudioBuffer<'_, f32>,
        _events: &EventList<'_>,
        _cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        ProcessStatus::Quiet
    }
    fn editor(params: &Arc<Knobs>) -> Option<Editor> {
        let params = Arc::clone(params);
        let build = move |cx: EditorContext| match MANNER.load(SeqCst) {
            1 => Err(EditorError::new("no graphics card")),
            2 => panic!("built badly"),
            _ => {
                cx.on_repaint(|| {
                    REPAINTS.fetch_add(1, SeqCst);
                });
                Ok(Box::new(Paper { cx, params }) as Box<dyn EditorWindow>)
            }
        };
        Some(Editor::new(300, 200, build).resizable((100, 100), (600, 400)))
    }
}

/// What an editor asked for.
#[derive(Default)]
struct Desk(Mutex<Vec<String>>, Option<Arc<dyn Editors>>);

impl Desk {
    fn editors(&self) -> &dyn Editors {
        self.1.as_deref().expect("every shell of this test has editors")
    }

    fn say(&self, text: String) {
        self.0.lock().expect("no test panics under it").push(text);
    }
}

impl EditorAccess for Desk {
    fn begin(&self, id: u32) {
        self.editors().edited(Edit::Begin { id });
    }
    fn perform(&self, id: u32, plain: f64) {
        self.editors().edited(Edit::Perform { id, plain });
    }
    fn end(&self, id: u32) {
        self.editors().edited(Edit::End { id });
    }
    fn request_resize(&self, size: EditorSize) {
        self.say(format!("{}x{}", size.width, size.height));
    }
    fn drawn(&self) {
        self.say("drawn".to_owned());
    }
    fn failed(&self, why: &str) {
        self.say(why.to_owned());
    }
    fn wants_keys(&self, wanted: bool) {
        self.say(format!("keys {wanted}"));
    }
    fn track(&self) -> Option<Track> {
        self.editors().track()
    }
    fn presentation_latency(&self) -> u32 {
        self.editors().presentation_latency()
    }

    fn play(&self, note: EditorNote) -> u32 {
        self.editors().play(note)
    }
    fn stop(&self, played: u32) {
        self.editors().stop(played);
    }
    fn host_menu(&self, id: u32, x: i32, y: i32) {
        self.say(format!("menu {id} {x} {y}"));
    }
}

const PARENT: WindowHandle = WindowHandle { kind: WindowKind::X11, reserved: 0, handle: 1 };
const SIZE: EditorSize = EditorSize::new(300, 200);

struct Scene {
    shell: StaticShell,
    desk: Arc<Desk>,
    owner: Arc<EditorOwner>,
    _turn: std::sync::MutexGuard<'static, ()>,
}

fn scene(manner: u32) -> Scene {
    let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    MANNER.store(manner, SeqCst);
    let table = Table::linked(hotshell_logic::export::api::<Windowed, f32>());
    let shell = StaticShell::open(table, 0, "rig", Box::new(NoHost)).expect("the plug-in opens");
    let desk = Arc::new(Desk(Mutex::default(), shell.editors()));
    let owner = EditorOwner::new(Arc::clone(&desk) as Arc<dyn EditorAccess>);
    Scene { shell, desk, owner, _turn: turn }
}

#[test]
fn an_editor_is_described_opened_driven_and_closed() {
    let scene = scene(0);
    let build = scene.shell.editors().unwrap().newest().unwrap();
    let desc = build.describe().unwrap().expect("it has an editor");
    assert_eq!((desc.size, desc.resizable()), (SIZE, true));
    let open = build.open(PARENT, SIZE, 1.0, &scene.owner).unwrap();
    open.show(true).unwrap();
    open.resize(EditorSize::new(10, 20)).unwrap();
    assert_eq!(*scene.desk.0.lock().unwrap(), ["drawn", "20x40"]);
    drop(open);
    assert_eq!(Arc::strong_count(&scene.owner), 1, "a closed editor gives its place back");
}

#[test]
fn an_edit_reaches_the_cell_at_once_and_the_host_in_order() {
    let scene = scene(0);
    let build = scene.shell.editors().unwrap().newest().unwrap();
    let open = build.open(PARENT, SIZE, 1.0, &scene.owner).unwrap();
    let key =
        |character: char| EditorKey { character: u32::from(character), named: 0, modifiers: 0, pressed: 1 };
    assert!(open.key(key('a')).unwrap());
    assert!(!open.key(key('b')).unwrap());
    let id = hotshell_logic::params::standalone::<Knobs>().mix.host_id();
    assert_eq!(scene.shell.param_value(id), Some(1.0), "clamped, in its cell");
    let once = [Edit::Begin { id }, Edit::Perform { id, plain: 1.0 }, Edit::End { id }];
    assert_eq!(scene.shell.take_edits(), [once, once].concat());
    assert!(scene.shell.take_edits().is_empty(), "told once");
}

#[test]
fn a_parameter_known_by_its_face_alone_is_held_and_let_go() {
    let scene = scene(0);
    let build = scene.shell.editors().unwrap().newest().unwrap();
    let open = build.open(PARENT, SIZE, 1.0, &scene.owner).unwrap();
    let key = EditorKey { character: u32::from('h'), named: 0, modifiers: 0, pressed: 1 };
    assert!(open.key(key).unwrap(), "the face reads the parameter's own cell");
    let id = hotshell_logic::params::standalone::<Knobs>().mix.host_id();
    assert_eq!(scene.shell.param_value(id), Some(0.5));
    assert_eq!(
        scene.shell.take_edits(),
        [Edit::Begin { id }, Edit::Perform { id, plain: 0.5 }, Edit::End { id }]
    );
}

#[test]
fn what_the_host_says_of_the_track_is_read_by_this_build_s_editor_and_by_the_next_one_s() {
    let scene = scene(0);
    let editors = scene.shell.editors().unwrap();
    let look = |open: &OpenEditor| {
        let key = EditorKey { character: u32::from('t'), named: 0, modifiers: 0, pressed: 1 };
        assert!(open.key(key).unwrap());
        scene.desk.0.lock().unwrap().pop().expect("it has said what it sees")
    };
    let open = |build: EditorBuild| build.open(PARENT, SIZE, 1.0, &scene.owner).unwrap();
    let first = open(editors.newest().unwrap());
    assert_eq!(look(&first), "None 0", "nothing is said");
    let bass = Track::default().named("Bäss").coloured(0xff12_3456).with_channels(2).with_flags(Track::BUS);
    scene.shell.set_track(Some(bass.clone()));
    scene.shell.set_presentation_latency(480);
    let seen = format!("{:?} 480", Some(&bass));
    assert_eq!(look(&first), seen);
    scene.shell.swap(Table::linked(hotshell_logic::export::api::<Windowed, f32>()), 1).unwrap();
    let next = editors.newest().unwrap();
    assert_eq!(next.build(), 1);
    let next = open(next);
    assert_eq!((look(&next), look(&first)), (seen.clone(), seen), "both, while both are open");
    scene.shell.set_track(None);
    assert_eq!(look(&next), "None 480");
}

#[test]
fn whoever_watches_hears_of_another_track_once_and_an_editor_is_drawn_again() {
    let scene = scene(0);
    let editors = scene.shell.editors().unwrap();
    let woken = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&woken);
    let wake: Wake = Arc::new(move || {
        count.fetch_add(1, SeqCst);
    });
    editors.watch(&wake);
    let before = editors.surroundings();
    for _ in 0..3 {
        scene.shell.set_track(Some(Track::default().named("Bass")));
        scene.shell.set_presentation_latency(64);
    }
    assert_eq!(
        (woken.load(SeqCst), editors.surroundings() - before),
        (2, 2),
        "what is said again is no news"
    );
    let open = editors.newest().unwrap().open(PARENT, SIZE, 1.0, &scene.owner).unwrap();
    let drawn = REPAINTS.load(SeqCst);
    open.repaint().unwrap();
    assert_eq!(REPAINTS.load(SeqCst), drawn + 1);
}

#[test]
fn an_editor_that_cannot_be_built_says_why() {
    let refused = scene(1);
    let build = refused.shell.editors().unwrap().newest().unwrap();
    let error = build.open(PARENT, SIZE, 1.0, &refused.owner).unwrap_err();
    assert_eq!(error, ShellError::NoEditor("no graphics card".to_owned()));
    drop(refused);
    let panicked = scene(2);
    let build = panicked.shell.editors().unwrap().newest().unwrap();
    let error = build.open(PARENT, SIZE, 1.0, &panicked.owner).unwrap_err().to_string();
    assert!(error.contains("built badly"), "{error}");
}

#[test]
fn a_panic_in_an_editors_drop_ends_there() {
    let scene = scene(3);
    let build = scene.shell.editors().unwrap().newest().unwrap();
    drop(build.open(PARENT, SIZE, 1.0, &scene.owner).unwrap());
    assert!(scene.shell.param_value(0).is_none(), "the shell answers on");
}

struct MoreKnobs {
    mix: FloatParam,
    width: FloatParam,
}

impl Params for MoreKnobs {
    fn build(builder: &mut ParamsBuilder<'_>) -> Self {
        Self {
            mix: builder.float(FloatSpec::new("mix", "Mix")),
            width: builder.float(FloatSpec::new("width", "Width")),
        }
    }
}

/// The same plug-in with one parameter more.
struct Wider;

impl PluginLogic for Wider {
    type Params = MoreKnobs;
    const INFO: PluginInfo = PluginInfo::new("org.hotshell.test.windowed", "Windowed");
    fn create(params: Arc<MoreKnobs>, _cx: &CreateContext<'_>) -> Self {
        let _ = (&params.mix, &params.width);
        Self
    }
    fn process(
        &mut self,
        _buffer: &mut AudioBuffer<'_, f32>,
        _events: &EventList<'_>,
        _cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        ProcessStatus::Quiet
    }
}

#[test]
fn what_is_done_to_a_parameter_that_the_host_does_not_know_yet_waits_until_it_does() {
    let scene = scene(0);
    let table = Table::linked(hotshell_logic::export::api::<Wider, f32>());
    let id = hotshell_logic::params::standalone::<MoreKnobs>().width.host_id();
    let editors = scene.shell.editors().unwrap();
    editors.edited(Edit::Begin { id });
    assert!(scene.shell.take_edits().is_empty(), "nobody's parameter: no edit");
    scene.shell.swap(table, 1).unwrap();
    let done = [Edit::Begin { id }, Edit::Perform { id, plain: 0.25 }, Edit::End { id }];
    done.into_iter().for_each(|edit| editors.edited(edit));
    for _ in 0..2 {
        assert!(scene.shell.take_edits().is_empty(), "not announced yet");
    }
    assert!(scene.shell.take_changes(Phase::AtOnce).contains(Changes::PARAMS));
    assert_eq!(scene.shell.take_edits(), done);
    assert!(scene.shell.take_edits().is_empty(), "told once");
}
