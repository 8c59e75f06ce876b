//! A plug-in's open editor without a window: egui's own frames, a hand that points and types, and all that the editor
//! asked of its shell.
//!
//! Called by: the tests of the parts. Calls: hotshell-core, egui. Threads: the test's.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};

use egui::{
    Color32, Event, FullOutput, Modifiers, PointerButton, Pos2, RawInput, Rect, Response, Shape, Ui, vec2,
};
use hotshell_abi::editor::{EditorNote, EditorSize, WindowHandle, WindowKind};
use hotshell_core::host::NoHost;
use hotshell_core::instance::Table;
use hotshell_core::shell::editors::{EditorAccess, EditorOwner, EditorPart, OpenEditor};
use hotshell_core::shell::{Shell, StaticShell};
use hotshell_logic::editor::{Editor, EditorContext, EditorWindow};
use hotshell_logic::params::{
    BoolParam, BoolSpec, EnumParam, EnumSpec, FloatParam, FloatRange, FloatSpec, IntParam, IntSpec, Meter,
    MeterSpec, ParamEnum, Params, ParamsBuilder, Unit, Variant,
};
use hotshell_logic::{
    AudioBuffer, CreateContext, EventList, PluginInfo, PluginLogic, ProcessContext, ProcessStatus,
};

#[derive(Clone, Copy)]
pub(super) struct Wave(usize);

impl ParamEnum for Wave {
    const VARIANTS: &'static [Variant] = &[
        Variant { id: "sine", name: "Sine" },
        Variant { id: "saw", name: "Saw" },
        Variant { id: "square", name: "Square" },
    ];
    fn index(self) -> usize {
        self.0
    }
    fn from_index(index: usize) -> Option<Self> {
        (index < 3).then_some(Self(index))
    }
}

pub(super) struct Knobs {
    pub(super) gain: FloatParam,
    pub(super) wave: EnumParam<Wave>,
    pub(super) voices: IntParam,
    pub(super) on: BoolParam,
    pub(super) out: Meter<2>,
}

impl Params for Knobs {
    fn build(builder: &mut ParamsBuilder<'_>) -> Self {
        let gain = FloatSpec {
            range: FloatRange::Linear { min: -60.0, max: 12.0 },
            unit: Unit::Db,
            ..FloatSpec::new("gain", "Gain")
        };
        Self {
            gain: builder.float(gain),
            wave: builder.inside("osc", Some("Oscillator"), |b| {
                b.enumeration(EnumSpec::new("wave", "Waveform", Wave(1)))
            }),
            voices: builder.int(IntSpec { min: 1, max: 16, default: 1, ..IntSpec::new("voices", "Voices") }),
            on: builder.bool(BoolSpec::new("on", "On")),
            out: builder.meter(MeterSpec::new("out")),
        }
    }
}

thread_local! {
    /// What the window hands out: it is opened on the test's own thread.
    static OUT: RefCell<Option<(EditorContext, Arc<Knobs>)>> = const { RefCell::new(None) };
}

struct Paper;

impl EditorWindow for Paper {
    fn show(&mut self, _visible: bool) {}
    fn resize(&mut self, _width: u32, _height: u32) {}
}

struct Windowed;

impl PluginLogic for Windowed {
    type Params = Knobs;
    const INFO: PluginInfo = PluginInfo::new("org.hotshell.test.parts", "Parts");
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
        Some(Editor::new(400, 300, move |cx| {
            OUT.set(Some((cx, params)));
            Ok(Box::new(Paper))
        }))
    }
}

/// What the editor told its shell.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Told {
    Begin(u32),
    Perform(u32, f64),
    End(u32),
    Menu(u32, i32, i32),
}

#[derive(Default)]
struct Desk(Mutex<Vec<Told>>, EditorPart);

impl Desk {
    fn say(&self, told: Told) {
        self.0.lock().unwrap().push(told);
    }
}

impl EditorAccess for Desk {
    fn begin(&self, id: u32) {
        self.say(Told::Begin(id));
    }
    fn perform(&self, id: u32, plain: f64) {
        self.say(Told::Perform(id, plain));
    }
    fn end(&self, id: u32) {
        self.say(Told::End(id));
    }
    fn request_resize(&self, _size: EditorSize) {}
    fn drawn(&self) {}
    fn failed(&self, why: &str) {
        panic!("{why}");
    }
    fn wants_keys(&self, _wanted: bool) {}
    fn play(&self, _note: EditorNote) -> u32 {
        0
    }
    fn stop(&self, _played: u32) {}
    fn host_menu(&self, id: u32, x: i32, y: i32) {
        self.say(Told::Menu(id, x, y));
    }
    fn remember(&self, memory: &[u8]) {
        self.1.remember(memory);
    }
    fn remembered(&self) -> Arc<[u8]> {
        self.1.remembered()
    }
}

pub(super) struct Scene {
    pub(super) egui: egui::Context,
    pub(super) cx: EditorContext,
    pub(super) params: Arc<Knobs>,
    /// Seconds.
    pub(super) time: f64,
    desk: Arc<Desk>,
    _open: OpenEditor,
    _shell: StaticShell,
}

/// What one frame showed.
pub(super) struct Seen {
    pub(super) texts: Vec<(String, Pos2)>,
    pub(super) fills: Vec<(Rect, Color32)>,
    pub(super) strokes: Vec<Color32>,
}

impl Seen {
    fn of(output: FullOutput) -> Self {
        let mut seen = Self { texts: Vec::new(), fills: Vec::new(), strokes: Vec::new() };
        for clipped in &output.shapes {
            seen.shape(&clipped.shape);
        }
        output.drop_without_applying_deltas();
        seen
    }

    fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| self.shape(shape)),
            Shape::Text(text) => {
                self.texts.push((text.galley.text().to_owned(), text.visual_bounding_rect().center()))
            }
            Shape::Rect(rect) => self.fills.push((rect.rect, rect.fill)),
            Shape::Path(path) => {
                if let egui::epaint::ColorMode::Solid(color) = path.stroke.color {
                    self.strokes.push(color);
                }
            }
            _ => {}
        }
    }

    pub(super) fn reads(&self, text: &str) -> bool {
        self.place(text).is_some()
    }

    /// Where that text is.
    pub(super) fn place(&self, text: &str) -> Option<Pos2> {
        self.texts.iter().find(|(shown, _)| shown == text).map(|(_, at)| *at)
    }
}

pub(super) fn scene() -> Scene {
    const PARENT: WindowHandle = WindowHandle { kind: WindowKind::X11, reserved: 0, handle: 1 };
    let table = Table::linked(hotshell_logic::export::api::<Windowed, f32>());
    let shell = StaticShell::open(table, 0, "rig", Box::new(NoHost)).unwrap();
    let desk = Arc::new(Desk::default());
    let owner = EditorOwner::new(Arc::clone(&desk) as Arc<dyn EditorAccess>);
    let build = shell.editors().unwrap().newest().unwrap();
    let open = build.open(PARENT, EditorSize::new(400, 300), 1.0, &owner).unwrap();
    let (cx, params) = OUT.take().unwrap();
    Scene { egui: egui::Context::default(), cx, params, time: 0.0, desk, _open: open, _shell: shell }
}

impl Scene {
    /// One frame, a thirtieth of a second after the last; what `draw` draws is all there is.
    pub(super) fn frame<R>(
        &mut self,
        events: Vec<Event>,
        mut draw: impl FnMut(&mut Ui, &EditorContext, &Knobs) -> R,
    ) -> (R, Seen) {
        self.time += 1.0 / 30.0;
        let screen = Rect::from_min_size(Pos2::ZERO, vec2(400.0, 300.0));
        let input =
            RawInput { screen_rect: Some(screen), time: Some(self.time), events, ..RawInput::default() };
        let mut answer = None;
        let output = self.egui.run_ui(input, |ui| answer = Some(draw(ui, &self.cx, &self.params)));
        (answer.unwrap(), Seen::of(output))
    }

    /// What the shell was told since the last look.
    pub(super) fn told(&self) -> Vec<Told> {
        std::mem::take(&mut *self.desk.0.lock().unwrap())
    }

    /// The only gesture since the last look: the values it went through.
    pub(super) fn gesture(&self, id: u32) -> Vec<f64> {
        let told = self.told();
        assert_eq!((told.first(), told.last()), (Some(&Told::Begin(id)), Some(&Told::End(id))), "{told:?}");
        let values = told[1..told.len() - 1].iter().map(|told| match *told {
            Told::Perform(of, value) if of == id => value,
            other => panic!("{other:?} within a gesture of {id}"),
        });
        values.collect()
    }

    /// Where the part is, after a frame in which the pointer moved there.
    pub(super) fn point<D: FnMut(&mut Ui, &EditorContext, &Knobs) -> Response>(
        &mut self,
        draw: &mut D,
    ) -> Pos2 {
        let at = self.frame(vec![], &mut *draw).0.rect.center();
        self.frame(vec![Event::PointerMoved(at)], draw);
        at
    }

    /// Presses, moves by each of the steps in a frame of its own, and lets go.
    pub(super) fn drag<D: FnMut(&mut Ui, &EditorContext, &Knobs) -> Response>(
        &mut self,
        steps: &[egui::Vec2],
        draw: &mut D,
    ) {
        let mut at = self.point(draw);
        self.frame(vec![button(at, true)], &mut *draw);
        for step in steps {
            at += *step;
            self.frame(vec![Event::PointerMoved(at)], &mut *draw);
        }
        self.frame(vec![button(at, false)], draw);
    }

    pub(super) fn click<R>(&mut self, at: Pos2, mut draw: impl FnMut(&mut Ui, &EditorContext, &Knobs) -> R) {
        self.frame(vec![Event::PointerMoved(at)], &mut draw);
        self.frame(vec![button(at, true)], &mut draw);
        self.frame(vec![button(at, false)], &mut draw);
    }
}

pub(super) fn button(pos: Pos2, pressed: bool) -> Event {
    Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE }
}
