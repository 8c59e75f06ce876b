//! The user's hand on a parameter: drag, wheel and double click become begin, perform and end.
//!
//! Called by: the parts. Calls: the parameter, through [`EditorContext`]. Threads: [editor].
//!
//! A hold lives in egui's own memory, as a plugin of its: it ends when the drag does, when the part is not drawn any more,
//! and at the latest with the window. So each begin has its end, whatever interrupts the drag. While nothing is held,
//! parts show what the cell says and write nothing: automation moves them without feeding back.

use egui::{Context, Event, Id, MouseWheelUnit, Plugin, PointerButton, Response, Ui, Vec2};
use hotshell_logic::editor::{EditorContext, EditorField, Face, Hold};
use hotshell_logic::params::Param;

/// With shift, a hand moves by a tenth.
const FINE: f64 = 0.1;
/// Travel of one notch of a wheel.
const NOTCH: f64 = 0.02;
/// Points of a touchpad that are one notch.
const NOTCH_POINTS: f64 = 50.0;
/// A wheel that rests for this long, in seconds, has been let go.
const WHEEL_RESTS: f64 = 0.3;

/// Which way a drag moves a value, and how many points are the whole travel.
#[derive(Clone, Copy)]
pub(super) enum Travel {
    /// To the right: more.
    Right(f32),
    /// Upwards: more.
    Up(f32),
}

impl Travel {
    fn of(self, delta: Vec2) -> f64 {
        let (points, all) = match self {
            Self::Right(all) => (delta.x, all),
            Self::Up(all) => (-delta.y, all),
        };
        f64::from(points) / f64::from(all.max(1.0))
    }
}

struct Held {
    part: Id,
    hold: Hold,
    /// Where the hand is, 0 to 1: between the steps of a stepped parameter, and wherever automation pulls meanwhile.
    position: f64,
    /// What the host was told last.
    told: f64,
    /// Its part was drawn in this pass.
    seen: bool,
}

/// A wheel that turns, from its first notch until it rests, belongs to what was under the pointer at first: a list that
/// scrolls does not turn the sliders that pass by.
#[derive(Default)]
struct Wheel {
    part: Option<Id>,
    /// Seconds, egui's clock.
    last: Option<f64>,
    /// Of a notch, of a step.
    rest: f64,
    /// A part took this pass's notches.
    taken: bool,
}

/// All hands on one window's parameters.
#[derive(Default)]
pub(super) struct Hands {
    held: Vec<Held>,
    wheel: Wheel,
    /// Where the parts of this pass stand.
    fields: Vec<EditorField>,
    /// Where those of the pass before stood.
    stood: Vec<EditorField>,
}

impl Plugin for Hands {
    fn debug_name(&self) -> &'static str {
        "hotshell"
    }

    fn on_end_pass(&mut self, ui: &mut Ui) {
        self.held.retain(|held| held.seen);
        for held in &mut self.held {
            held.seen = false;
        }
        let turned = ui.input(|i| i.events.iter().any(|event| matches!(event, Event::MouseWheel { .. })));
        if turned && !self.wheel.taken {
            self.wheel = Wheel { last: Some(ui.input(|i| i.time)), ..Wheel::default() };
        }
        self.wheel.taken = false;
        std::mem::swap(&mut self.fields, &mut self.stood);
        self.fields.clear();
    }
}

impl Hands {
    fn of(&mut self, part: Id) -> Option<&mut Held> {
        self.held.iter_mut().find(|held| held.part == part)
    }
}

/// Lets go of everything: the window is about to go.
pub(super) fn let_go(ctx: &Context) {
    ctx.with_plugin(|hands: &mut Hands| hands.held.clear());
}

/// One edit in one step: begin, perform, end; nothing if the parameter is there already.
pub(super) fn put<P: Param>(cx: &EditorContext, param: &P, plain: f64) -> bool {
    let moves = plain != param.load();
    if moves {
        cx.hold(param).perform(param, plain);
    }
    moves
}

/// Where the parts of the last pass stand, if that is not what is in `known`, which it is afterwards.
pub(super) fn have_moved(ctx: &Context, known: &mut Vec<EditorField>) -> bool {
    let moved = |hands: &mut Hands| {
        let moved = hands.stood != *known;
        if moved {
            known.clone_from(&hands.stood);
        }
        moved
    };
    ctx.with_plugin(moved).unwrap_or(false)
}

/// Of a place in the window, in points.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and no window is as large")]
fn pixels(ui: &Ui, points: f32) -> i32 {
    (points * ui.ctx().pixels_per_point()).round() as i32
}

/// The host may ask which parameter lies under its pointer; and a secondary click asks for the host's menu of `param`.
pub(super) fn ask_host<P: Param>(ui: &Ui, cx: &EditorContext, param: &P, response: &Response) {
    let at = response.interact_rect;
    let pixels = |points| pixels(ui, points);
    if at.is_positive() {
        let (left, top, right, bottom) =
            (pixels(at.left()), pixels(at.top()), pixels(at.right()), pixels(at.bottom()));
        let field = EditorField { host_id: param.host_id(), left, top, right, bottom };
        ui.ctx().plugin_or_default::<Hands>().lock().fields.push(field);
    }
    if !response.secondary_clicked() {
        return;
    }
    if let Some(at) = response.interact_pointer_pos() {
        cx.host_menu(param, pixels(at.x), pixels(at.y));
    }
}

/// What the hand did with `response` in this frame becomes edits of `param`.
pub(super) fn drive<P: Param>(
    ui: &Ui,
    cx: &EditorContext,
    param: &P,
    face: &Face<'_>,
    response: &mut Response,
    travel: Travel,
) {
    let hands = ui.ctx().plugin_or_default::<Hands>();
    let mut hands = hands.lock();
    if response.drag_started_by(PointerButton::Primary) && hands.of(response.id).is_none() {
        let told = param.load();
        let hold = cx.hold(param);
        hands.held.push(Held { part: response.id, hold, position: face.position(told), told, seen: true });
    }
    if let Some(held) = hands.of(response.id) {
        held.seen = true;
        let (delta, fine) = ui.input(|i| (i.pointer.delta(), i.modifiers.shift));
        held.position = (held.position + travel.of(delta) * if fine { FINE } else { 1.0 }).clamp(0.0, 1.0);
        let plain = face.value(held.position);
        // A drag that has not moved yet leaves the value as it is, between the knob's own positions.
        if delta != Vec2::ZERO && plain != held.told {
            held.told = plain;
            held.hold.perform(param, plain);
            response.mark_changed();
        }
        if !response.dragged() {
            hands.held.retain(|held| held.part != response.id);
        }
    } else if response.double_clicked() {
        if put(cx, param, face.default_value()) {
            response.mark_changed();
        }
    } else if response.hovered() && turn(ui, cx, param, face, response.id, &mut hands.wheel) {
        response.mark_changed();
    }
}

/// The wheel over a part that nobody holds: one edit for each frame in which it moved something.
pub(super) fn wheel<P: Param>(
    ui: &Ui,
    cx: &EditorContext,
    param: &P,
    face: &Face<'_>,
    response: &mut Response,
) {
    let hands = ui.ctx().plugin_or_default::<Hands>();
    if response.hovered() && turn(ui, cx, param, face, response.id, &mut hands.lock().wheel) {
        response.mark_changed();
    }
}

/// Notches, up is positive; a tenth with shift.
fn notches(event: &Event) -> Option<f64> {
    let Event::MouseWheel { unit, delta, modifiers, .. } = event else { return None };
    // With shift, some systems turn a wheel sideways.
    let along = f64::from(if delta.y == 0.0 { delta.x } else { delta.y });
    let notches = match unit {
        MouseWheelUnit::Point => along / NOTCH_POINTS,
        MouseWheelUnit::Line => along,
        MouseWheelUnit::Page => along * 10.0,
    };
    Some(if modifiers.shift { notches * FINE } else { notches })
}

fn turn<P: Param>(
    ui: &Ui,
    cx: &EditorContext,
    param: &P,
    face: &Face<'_>,
    part: Id,
    wheel: &mut Wheel,
) -> bool {
    let (now, turned) =
        ui.input(|i| (i.time, i.events.iter().filter_map(notches).reduce(|sum, more| sum + more)));
    let resting = wheel.last.is_none_or(|last| now - last > WHEEL_RESTS);
    if wheel.part != Some(part) {
        if turned.is_none() || !resting {
            return false;
        }
        *wheel = Wheel { part: Some(part), ..Wheel::default() };
    } else if resting {
        wheel.rest = 0.0;
    }
    // What turns a part does not scroll the list that it stands in.
    ui.ctx().input_mut(|i| i.smooth_scroll_delta = Vec2::ZERO);
    let Some(turned) = turned else { return false };
    (wheel.last, wheel.taken) = (Some(now), true);
    let plain = if face.steps() == 0 {
        face.value(face.position(param.load()) + turned * NOTCH)
    } else {
        wheel.rest += turned;
        let whole = wheel.rest.trunc();
        wheel.rest -= whole;
        face.to_plain(param.load() + whole)
    };
    put(cx, param, plain)
}
