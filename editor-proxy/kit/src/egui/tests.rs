//! What a hand does to a part becomes gestures, exactly; and a part shows what its parameter is.
//!
//! Called by: cargo test. Calls: the parts, on egui's own frames. Threads: the test's.

mod memory;
mod scene;

use egui::{Event, Key, Modifiers, MouseWheelUnit, Response, Ui, Vec2, pos2, vec2};
use hotshell_logic::editor::EditorContext;
use hotshell_logic::params::{FloatParam, Param, standalone};

use self::scene::{Knobs, Told, button, scene};
use super::meter::Channel;
use super::*;

fn a_knob(ui: &mut Ui, cx: &EditorContext, params: &Knobs) -> Response {
    ui.add(knob(cx, &params.gain))
}

fn a_slider(ui: &mut Ui, cx: &EditorContext, params: &Knobs) -> Response {
    ui.add(slider(cx, &params.gain).width(396.0))
}

fn voices(ui: &mut Ui, cx: &EditorContext, params: &Knobs) -> Response {
    ui.add(knob(cx, &params.voices))
}

/// 72 dB in 200 points of a knob.
const DB_PER_POINT: f64 = 72.0 / 200.0;

fn near(values: &[f64], wanted: &[f64]) {
    let same = values.len() == wanted.len() && values.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-4);
    assert!(same, "{values:?}, not {wanted:?}");
}

fn wheel(notches: f32, modifiers: Modifiers) -> Event {
    Event::MouseWheel {
        unit: MouseWheelUnit::Line,
        delta: vec2(0.0, notches),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers,
    }
}

fn key(key: Key) -> Event {
    Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::NONE }
}

#[test]
fn a_drag_is_one_begin_its_moves_and_one_end() {
    let mut scene = scene();
    scene.params.gain.store(-20.0);
    scene.drag(&[vec2(0.0, -10.0), Vec2::ZERO, vec2(3.0, -10.0), vec2(0.0, 5.0)], &mut a_knob);
    let moves = [10.0, 20.0, 15.0].map(|points| -20.0 + points * DB_PER_POINT);
    near(&scene.gesture(scene.params.gain.host_id()), &moves);
    assert!((scene.params.gain.base() - moves[2]).abs() < 1e-4, "the value is in the cell");
}

#[test]
fn a_slider_goes_with_the_pointer() {
    let mut scene = scene();
    scene.params.gain.store(-24.0);
    let bar = f64::from(scene.frame(vec![], a_slider).0.rect.width() - slider::NAME);
    scene.drag(&[vec2(20.0, 9.0), vec2(-40.0, 0.0)], &mut a_slider);
    near(
        &scene.gesture(scene.params.gain.host_id()),
        &[-24.0 + 20.0 * 72.0 / bar, -24.0 - 20.0 * 72.0 / bar],
    );
}

#[test]
fn shift_makes_a_drag_ten_times_finer_from_where_it_is() {
    let mut scene = scene();
    scene.params.gain.store(-20.0);
    let at = scene.point(&mut a_knob);
    scene.frame(vec![button(at, true)], a_knob);
    scene.frame(vec![Event::PointerMoved(at - vec2(0.0, 10.0))], a_knob);
    scene.frame(
        vec![Event::ModifiersChanged(Modifiers::SHIFT), Event::PointerMoved(at - vec2(0.0, 20.0))],
        a_knob,
    );
    scene.frame(
        vec![Event::ModifiersChanged(Modifiers::NONE), Event::PointerMoved(at - vec2(0.0, 10.0))],
        a_knob,
    );
    scene.frame(vec![button(at - vec2(0.0, 10.0), false)], a_knob);
    let moves = [10.0, 11.0, 1.0].map(|points| -20.0 + points * DB_PER_POINT);
    near(&scene.gesture(scene.params.gain.host_id()), &moves);
}

#[test]
fn a_drag_stops_at_the_ends_and_says_a_value_once() {
    let mut scene = scene();
    scene.drag(&[vec2(0.0, -150.0), vec2(0.0, -10.0), vec2(0.0, 5.0)], &mut a_knob);
    near(&scene.gesture(scene.params.gain.host_id()), &[12.0, 12.0 - 5.0 * DB_PER_POINT]);
}

#[test]
fn a_stepped_parameter_is_dragged_from_step_to_step() {
    let mut scene = scene();
    // Fifteen steps in 200 points: the hand keeps what is between them.
    scene.drag(&[vec2(0.0, -8.0), vec2(0.0, -2.0), vec2(0.0, -2.0), vec2(0.0, -10.0)], &mut voices);
    assert_eq!(scene.gesture(scene.params.voices.host_id()), [2.0, 3.0]);
}

#[test]
fn a_click_moves_nothing_and_a_double_click_goes_to_the_default() {
    let mut scene = scene();
    scene.params.gain.store(-20.0);
    for draw in [a_knob, a_slider] {
        let at = scene.point(&mut { draw });
        scene.time += 5.0;
        scene.click(at, draw);
        assert_eq!(scene.told(), []);
    }
    scene.click(scene.egui.pointer_latest_pos().unwrap(), a_slider);
    let id = scene.params.gain.host_id();
    assert_eq!(scene.told(), [Told::Begin(id), Told::Perform(id, 0.0), Told::End(id)]);
    scene.time += 5.0;
    let at = scene.point(&mut a_knob);
    scene.click(at, a_knob);
    scene.click(at, a_knob);
    assert_eq!(scene.told(), [], "it is there already");
}

#[test]
fn each_notch_of_the_wheel_is_a_gesture_of_its_own() {
    let mut scene = scene();
    scene.params.gain.store(-20.0);
    let id = scene.params.gain.host_id();
    scene.point(&mut a_knob);
    scene.frame(vec![wheel(1.0, Modifiers::NONE)], a_knob);
    near(&scene.gesture(id), &[-20.0 + 72.0 * 0.02]);
    scene.frame(vec![wheel(-1.0, Modifiers::SHIFT)], a_knob);
    near(&scene.gesture(id), &[-20.0 + 72.0 * 0.018]);
    scene.frame(vec![wheel(99.0, Modifiers::NONE)], a_knob);
    near(&scene.gesture(id), &[12.0]);
    scene.frame(vec![wheel(1.0, Modifiers::NONE)], a_knob);
    assert_eq!(scene.told(), [], "at the end nothing moves");
}

#[test]
fn the_wheel_turns_a_stepped_parameter_by_whole_steps() {
    let mut scene = scene();
    scene.params.voices.store(4.0);
    scene.point(&mut voices);
    let mut turn = |notches| {
        scene.frame(vec![wheel(notches, Modifiers::NONE)], voices);
        scene.told().len()
    };
    assert_eq!([turn(0.6), turn(0.6), turn(0.6), turn(0.6)], [0, 3, 0, 3]);
    assert_eq!(scene.params.voices.base(), 6);
}

#[test]
fn a_wheel_that_scrolls_past_a_part_does_not_turn_it() {
    let mut scene = scene();
    let at = scene.point(&mut a_knob);
    scene.frame(vec![Event::PointerMoved(pos2(390.0, 290.0))], a_knob);
    scene.frame(vec![wheel(-1.0, Modifiers::NONE)], a_knob);
    scene.frame(vec![Event::PointerMoved(at), wheel(-1.0, Modifiers::NONE)], a_knob);
    scene.frame(vec![wheel(-1.0, Modifiers::NONE)], a_knob);
    assert_eq!(scene.told(), []);
    scene.time += 1.0;
    scene.frame(vec![wheel(-1.0, Modifiers::NONE)], a_knob);
    assert_eq!(scene.gesture(scene.params.gain.host_id()).len(), 1, "it has rested");
}

#[test]
fn a_wheel_over_a_part_does_not_scroll_what_it_stands_in() {
    let mut scene = scene();
    scene.point(&mut a_knob);
    let rest = |ui: &mut Ui, cx: &EditorContext, params: &Knobs| {
        a_knob(ui, cx, params);
        ui.input(|i| i.smooth_scroll_delta())
    };
    assert_eq!(scene.frame(vec![wheel(-3.0, Modifiers::NONE)], rest).0, Vec2::ZERO);
    let aside = vec![Event::PointerMoved(pos2(390.0, 290.0)), wheel(-3.0, Modifiers::NONE)];
    scene.time += 1.0;
    assert_ne!(scene.frame(aside, rest).0, Vec2::ZERO, "elsewhere it does");
}

/// Opens the knob's field by a click on its value.
fn open_field(scene: &mut scene::Scene) {
    let dial = scene.frame(vec![], a_knob).0.rect;
    scene.time += 5.0;
    scene.click(pos2(dial.center().x, dial.bottom() + 12.0), a_knob);
    scene.frame(vec![], a_knob);
    assert!(scene.egui.text_edit_focused(), "the field has the keys");
}

#[test]
fn typed_text_is_the_parameters_own_and_one_gesture() {
    let mut scene = scene();
    open_field(&mut scene);
    scene.frame(vec![Event::Text("-6 dB".to_owned())], a_knob);
    assert_eq!(scene.told(), [], "not before it is confirmed");
    scene.frame(vec![key(Key::Enter)], a_knob);
    assert_eq!(scene.gesture(scene.params.gain.host_id()), [-6.0]);
    let seen = scene.frame(vec![], a_knob).1;
    assert!(seen.reads("-6.0 dB") && !scene.egui.egui_wants_keyboard_input(), "{:?}", seen.texts);
}

#[test]
fn escape_drops_what_was_typed() {
    let mut scene = scene();
    open_field(&mut scene);
    scene.frame(vec![Event::Text("-6".to_owned())], a_knob);
    scene.frame(vec![key(Key::Escape)], a_knob);
    assert_eq!(scene.told(), []);
    assert!(scene.frame(vec![], a_knob).1.reads("0.0 dB"));
}

#[test]
fn a_text_that_means_nothing_stays_to_be_corrected() {
    let mut scene = scene();
    open_field(&mut scene);
    scene.frame(vec![Event::Text("loud".to_owned())], a_knob);
    scene.frame(vec![key(Key::Enter)], a_knob);
    scene.frame(vec![], a_knob);
    assert_eq!(scene.told(), []);
    assert!(scene.egui.text_edit_focused(), "it is still open");
    let all = Event::Key {
        key: Key::A,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::COMMAND,
    };
    scene.frame(vec![all, Event::Text("999".to_owned())], a_knob);
    scene.frame(vec![key(Key::Enter)], a_knob);
    assert_eq!(scene.gesture(scene.params.gain.host_id()), [12.0], "inside the range");
}

#[test]
fn a_field_left_as_it_was_is_no_edit() {
    let mut scene = scene();
    scene.params.gain.store(-20.012_345);
    open_field(&mut scene);
    scene.frame(vec![key(Key::Enter)], a_knob);
    assert_eq!((scene.told(), scene.params.gain.load()), (vec![], -20.012_345));
}

#[test]
fn automation_moves_a_part_without_an_edit_of_its_own() {
    let mut scene = scene();
    for (plain, text) in [(-30.0, "-30.0 dB"), (6.0, "6.0 dB")] {
        scene.params.gain.store(plain);
        for draw in [a_knob, a_slider] {
            let seen = scene.frame(vec![], draw).1;
            assert!(seen.reads(text), "{:?}", seen.texts);
        }
    }
    assert_eq!(scene.told(), []);
}

#[test]
fn automation_does_not_pull_at_the_hand() {
    let mut scene = scene();
    scene.params.gain.store(-20.0);
    let at = scene.point(&mut a_knob);
    scene.frame(vec![button(at, true)], a_knob);
    scene.frame(vec![Event::PointerMoved(at - vec2(0.0, 10.0))], a_knob);
    scene.params.gain.store(-60.0);
    scene.frame(vec![Event::PointerMoved(at - vec2(0.0, 20.0))], a_knob);
    scene.frame(vec![button(at - vec2(0.0, 20.0), false)], a_knob);
    let moves = [10.0, 20.0].map(|points| -20.0 + points * DB_PER_POINT);
    near(&scene.gesture(scene.params.gain.host_id()), &moves);
}

#[test]
fn a_hand_that_only_holds_moves_nothing() {
    let mut scene = scene();
    let id = scene.params.gain.host_id();
    let at = scene.point(&mut a_knob);
    for plain in [-20.1, -3.3, 0.7, 11.9] {
        scene.params.gain.store(plain);
        scene.time += 5.0;
        scene.frame(vec![button(at, true)], a_knob);
        scene.time += 2.0;
        scene.frame(vec![], a_knob);
        scene.frame(vec![], a_knob);
        scene.frame(vec![button(at, false)], a_knob);
        assert_eq!(scene.told(), [Told::Begin(id), Told::End(id)]);
        assert_eq!(scene.params.gain.load(), plain);
    }
}

/// In the middle of a drag of the knob.
fn held() -> scene::Scene {
    let mut scene = scene();
    let at = scene.point(&mut a_knob);
    scene.frame(vec![button(at, true)], a_knob);
    scene.frame(vec![Event::PointerMoved(at + vec2(0.0, 10.0))], a_knob);
    let id = scene.params.gain.host_id();
    assert!(matches!(scene.told()[..], [Told::Begin(a), Told::Perform(b, _)] if (a, b) == (id, id)));
    scene
}

#[test]
fn a_drag_whose_part_disappears_ends() {
    let mut scene = held();
    scene.frame(vec![], |ui, _, _| ui.label("another page"));
    assert_eq!(scene.told(), [Told::End(scene.params.gain.host_id())]);
    let at = scene.point(&mut a_knob);
    scene.frame(vec![Event::PointerMoved(at + vec2(0.0, 9.0))], a_knob);
    scene.frame(vec![button(at, false)], a_knob);
    assert_eq!(scene.told(), [], "and does not come back with its part");
}

#[test]
fn a_drag_that_the_end_of_the_window_interrupts_ends() {
    let scene = held();
    // Some thread of the author's, to draw again later.
    let elsewhere = scene.egui.clone();
    scene.cx.on_repaint(move || elsewhere.request_repaint());
    let app = Drawn {
        closing: std::sync::Arc::default(),
        draw: |_: &mut Ui, _: &EditorContext| (),
        cx: scene.cx.clone(),
        frames: 2,
        dead: false,
        egui: Some(scene.egui.clone()),
        fields: Vec::new(),
        keys: None,
        memo: super::memory::Memo::default(),
        post: std::sync::Arc::default(),
    };
    drop(app);
    assert_eq!(scene.told(), [Told::End(scene.params.gain.host_id())]);
}

#[test]
fn a_drag_does_not_outlive_what_egui_remembers() {
    let mut scene = held();
    scene.egui = egui::Context::default();
    assert_eq!(scene.told(), [Told::End(scene.params.gain.host_id())]);
}

#[test]
fn a_toggle_turns_over_by_a_click() {
    let mut scene = scene();
    let mut draw = |ui: &mut Ui, cx: &EditorContext, params: &Knobs| toggle(ui, cx, &params.on);
    let at = scene.point(&mut draw);
    let id = scene.params.on.host_id();
    for plain in [1.0, 0.0] {
        scene.click(at, draw);
        assert_eq!(scene.told(), [Told::Begin(id), Told::Perform(id, plain), Told::End(id)]);
    }
    scene.frame(vec![wheel(1.0, Modifiers::NONE)], draw);
    assert!(scene.params.on.base(), "the wheel turns it on");
}

#[test]
fn a_menu_shows_the_choice_and_sets_another() {
    let mut scene = scene();
    let mut draw = |ui: &mut Ui, cx: &EditorContext, params: &Knobs| menu(ui, cx, &params.wave);
    assert!(scene.frame(vec![], draw).1.reads("Saw"));
    let at = scene.point(&mut draw);
    let id = scene.params.wave.host_id();
    scene.frame(vec![wheel(-1.0, Modifiers::NONE)], draw);
    assert_eq!(scene.gesture(id), [0.0], "the wheel steps");
    scene.click(at, draw);
    scene.frame(vec![], draw);
    let open = scene.frame(vec![], draw).1;
    assert!(["Sine", "Saw", "Square"].iter().all(|name| open.reads(name)), "{:?}", open.texts);
    assert_eq!(scene.told(), []);
    scene.click(open.place("Square").unwrap(), draw);
    assert_eq!(scene.gesture(id), [2.0]);
    assert!(!scene.egui.egui_wants_keyboard_input(), "keys stay with the host");
}

/// A parameter that is modulated.
struct Modulated<'a>(&'a FloatParam);

impl Param for Modulated<'_> {
    type Plain = f64;
    fn host_id(&self) -> u32 {
        self.0.host_id()
    }
    fn to_plain(&self, value: f64) -> f64 {
        self.0.to_plain(value)
    }
    fn store(&self, plain: f64) {
        self.0.store(plain);
    }
    fn load(&self) -> f64 {
        self.0.load()
    }
    fn offset(&self) -> f64 {
        -12.0
    }
}

#[test]
fn modulation_is_shown_beside_the_value_that_the_user_has_set() {
    let mut scene = scene();
    let shown = |seen: &scene::Seen| {
        seen.strokes.contains(&look::MODULATION)
            || seen.fills.iter().any(|(_, fill)| *fill == look::MODULATION)
    };
    for draw in [a_knob, a_slider] {
        assert!(!shown(&scene.frame(vec![], draw).1));
    }
    let seen = scene.frame(vec![], |ui, cx, params| ui.add(knob(cx, &Modulated(&params.gain)))).1;
    assert!(shown(&seen) && seen.reads("0.0 dB"), "{:?}", seen.texts);
    let seen = scene.frame(vec![], |ui, cx, params| ui.add(slider(cx, &Modulated(&params.gain)))).1;
    assert!(shown(&seen) && seen.reads("0.0 dB"), "{:?}", seen.texts);
}

#[test]
fn a_parameter_of_another_plug_in_is_refused_in_words() {
    let mut scene = scene();
    let stranger = standalone::<Stranger>();
    let seen = scene.frame(vec![], |ui, cx, _| ui.add(knob(cx, &stranger.0))).1;
    assert!(seen.reads("not a parameter of this plug-in"), "{:?}", seen.texts);
}

struct Stranger(FloatParam);

impl hotshell_logic::params::Params for Stranger {
    fn build(builder: &mut hotshell_logic::params::ParamsBuilder<'_>) -> Self {
        Self(builder.float(hotshell_logic::params::FloatSpec::new("strange", "Strange")))
    }
}

#[test]
fn a_peak_is_held_and_falls_then_and_a_clip_stays() {
    let mut channel = Channel::SILENT;
    assert_eq!(channel.read(2.0, 10.0, 0.03), 20.0 * 2.0_f32.log10());
    let level = channel.read(0.01, 11.4, 0.03);
    assert!((level + 40.0).abs() < 1e-3 && channel.peak > 6.0, "{channel:?}");
    channel.read(0.01, 11.6, 0.1);
    assert!((channel.peak - (6.0206 - 3.0)).abs() < 1e-3, "30 dB a second: {channel:?}");
    for _ in 0..20 {
        channel.read(0.01, 12.0, 0.1);
        assert!(channel.peak > -40.001, "never below the level: {channel:?}");
    }
    assert!(channel.peak < -39.999, "down to the level: {channel:?}");
    assert!(channel.clipped);
}

#[test]
fn full_scale_is_no_clip_and_no_number_is_silence() {
    let mut channel = Channel::SILENT;
    assert_eq!(channel.read(1.0, 0.0, 0.03), 0.0);
    assert_eq!(channel.read(f32::NAN, 0.0, 0.03), f32::NEG_INFINITY);
    assert_eq!(channel.read(-1.0, 0.0, 0.03), f32::NEG_INFINITY);
    assert_eq!((channel.clipped, channel.peak), (false, 0.0));
}

#[test]
fn a_click_puts_the_clip_lamps_out() {
    let mut scene = scene();
    let mut draw = |ui: &mut Ui, _: &EditorContext, params: &Knobs| ui.add(meter(&params.out).height(100.0));
    let red = |seen: &scene::Seen| seen.fills.iter().filter(|(_, fill)| *fill == look::WRONG).count();
    scene.params.out.set(1, 1.5);
    let loud = scene.frame(vec![], draw).1;
    assert_eq!(red(&loud), 2, "one channel's lamp, and the top of its bar");
    scene.params.out.set(1, 0.1);
    assert_eq!(red(&scene.frame(vec![], draw).1), 1, "the lamp stays");
    let at = scene.point(&mut draw);
    scene.click(at, draw);
    assert_eq!(red(&scene.frame(vec![], draw).1), 0);
}

#[test]
fn the_build_label_shows_the_number() {
    let mut scene = scene();
    assert!(scene.frame(vec![], |ui, cx, _| build_label(ui, cx)).1.reads("build 0"));
}

#[test]
fn a_generic_editor_has_a_part_for_each_parameter_under_its_group() {
    let mut scene = scene();
    scene.params.gain.store(-20.0);
    let draw = |ui: &mut Ui, cx: &EditorContext, _: &Knobs| crate::generic::draw(ui, cx);
    let seen = scene.frame(vec![], draw).1;
    for text in ["Gain", "-20.0 dB", "Oscillator", "Waveform", "Saw", "Voices", "1", "On", "build 0"] {
        assert!(seen.reads(text), "{text} in {:?}", seen.texts);
    }
    // The first row is the gain's.
    let at = pos2(200.0, 12.0);
    scene.frame(vec![Event::PointerMoved(at)], draw);
    scene.frame(vec![button(at, true)], draw);
    scene.frame(vec![Event::PointerMoved(at + vec2(20.0, 0.0))], draw);
    scene.frame(vec![button(at, false)], draw);
    let moves = scene.gesture(scene.params.gain.host_id());
    assert!(moves[0] > -20.0 && scene.params.gain.base() > -21.0, "{moves:?}");
}

#[test]
fn a_secondary_click_asks_for_the_hosts_menu_where_the_pointer_is_and_moves_nothing() {
    fn a_menu(ui: &mut Ui, cx: &EditorContext, params: &Knobs) -> Response {
        menu(ui, cx, &params.wave)
    }
    fn a_toggle(ui: &mut Ui, cx: &EditorContext, params: &Knobs) -> Response {
        toggle(ui, cx, &params.on)
    }
    type Part = fn(&mut Ui, &EditorContext, &Knobs) -> Response;
    type Of = fn(&Knobs) -> u32;
    let parts: [(Part, Of); 4] = [
        (a_knob, |knobs| knobs.gain.host_id()),
        (a_slider, |knobs| knobs.gain.host_id()),
        (a_menu, |knobs| knobs.wave.host_id()),
        (a_toggle, |knobs| knobs.on.host_id()),
    ];
    for (mut part, id) in parts {
        let mut scene = scene();
        scene.egui.set_pixels_per_point(2.0);
        let at = scene.point(&mut part);
        for pressed in [true, false] {
            let press = Event::PointerButton {
                pos: at,
                button: egui::PointerButton::Secondary,
                pressed,
                modifiers: Modifiers::NONE,
            };
            scene.frame(vec![press], part);
        }
        let [Told::Menu(told, x, y)] = scene.told()[..] else { panic!("one wish and nothing else") };
        assert_eq!(told, id(&scene.params));
        let scale = scene.egui.pixels_per_point();
        near(
            &[f64::from(x), f64::from(y)],
            &[at.x * scale, at.y * scale].map(|side| f64::from(side.round())),
        );
    }
}

#[test]
fn each_part_that_is_drawn_stands_somewhere_and_one_that_is_gone_does_not() {
    let (mut scene, mut known) = (scene(), Vec::new());
    scene.egui.set_pixels_per_point(2.0);
    // In the first one the hands are only just there.
    for _ in 0..2 {
        scene.frame(vec![], a_knob);
    }
    let (response, _) = scene.frame(vec![], a_knob);
    assert!(hand::have_moved(&scene.egui, &mut known));
    let [field] = known[..] else { panic!("one knob: {known:?}") };
    let (at, scale) = (response.rect, scene.egui.pixels_per_point());
    let place = [at.left(), at.top(), at.right(), at.bottom()].map(|side| f64::from((side * scale).round()));
    near(&[field.left, field.top, field.right, field.bottom].map(f64::from), &place);
    assert_eq!(field.host_id, scene.params.gain.host_id());
    scene.frame(vec![], a_knob);
    assert!(!hand::have_moved(&scene.egui, &mut known), "said once");
    scene.frame(vec![], |ui: &mut Ui, _: &EditorContext, _: &Knobs| ui.label("nothing"));
    assert!(hand::have_moved(&scene.egui, &mut known) && known.is_empty(), "{known:?}");
}
