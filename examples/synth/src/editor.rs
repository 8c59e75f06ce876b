//! The window: a picture of the envelope, the filter and a keyboard, drawn by this crate alone, in software.
//!
//! Called by: hosts, through `Synth::editor`. Calls: hotshell's raw window, `layout`, `picture`. Threads: [editor].

mod layout;
mod picture;
#[cfg(test)]
mod tests;
mod text;

use std::cell::RefCell;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use hotshell::editor::baseview::{
    Event, EventStatus, HandlerError, MouseButton, MouseEvent, PlatformHandle, WindowContext, WindowHandler,
    WindowSize,
};
use hotshell::editor::{EditorError, Hold, Note, Playing, raw};
use hotshell::prelude::*;
use softbuffer::{Context, Surface};
use tiny_skia::Pixmap;

use self::layout::{Model, Part};
use self::text::Writer;
use crate::SynthParams;
use crate::oscillator::Wave;

/// Between two looks at the parameters and meters.
const FRAME: Duration = Duration::from_millis(33);
/// Two presses within this are a double click.
const DOUBLE: Duration = Duration::from_millis(350);
/// With shift, a drag moves by a tenth.
const FINE: f32 = 0.1;

pub fn editor(params: &Arc<SynthParams>) -> Editor {
    let params = Arc::clone(params);
    let (width, height) = layout::SIZE;
    raw(width, height, move |window, cx| Window::open(window, cx, params))
        .resizable((width / 2, height / 2), (width * 3, height * 3))
        .keep_aspect()
}

struct Window {
    window: WindowContext,
    cx: EditorContext,
    params: Arc<SynthParams>,
    writer: Writer,
    // baseview calls through `&self`, on one thread.
    canvas: RefCell<Canvas>,
    hand: RefCell<Hand>,
}

/// What is drawn on.
struct Canvas {
    surface: Surface<PlatformHandle, PlatformHandle>,
    pixmap: Pixmap,
    /// What is on the window; `None`: not this picture, or not all of it.
    shown: Option<Model>,
}

/// Pointer and what it holds, in logical pixels.
#[derive(Default)]
struct Hand {
    at: (f32, f32),
    grip: Option<Grip>,
    /// The key that it presses.
    key: Option<(u8, Playing)>,
    /// The last press, for double clicks.
    pressed: Option<(Part, Instant)>,
}

/// A part in the hand. Its parameters are let go when it is dropped, also with the window.
struct Grip {
    part: Part,
    holds: Vec<(Hold, Axis)>,
}

/// A parameter on its way.
struct Axis {
    knob: Knob,
    /// 0 to 1.
    position: f32,
    /// Sideways, or upwards.
    sideways: bool,
}

/// The parameters that can be dragged, in the order of [`Model::texts`].
#[derive(Clone, Copy)]
enum Knob {
    Attack,
    Decay,
    Sustain,
    Release,
    Cutoff,
    Resonance,
    Gain,
}

impl Knob {
    const ALL: [Self; 7] =
        [Self::Attack, Self::Decay, Self::Sustain, Self::Release, Self::Cutoff, Self::Resonance, Self::Gain];

    fn of(self, params: &SynthParams) -> &FloatParam {
        match self {
            Self::Attack => &params.attack,
            Self::Decay => &params.decay,
            Self::Sustain => &params.sustain,
            Self::Release => &params.release,
            Self::Cutoff => &params.cutoff,
            Self::Resonance => &params.resonance,
            Self::Gain => &params.gain,
        }
    }

    /// What a drag of `part` moves: sideways, and upwards.
    fn in_hand(part: Part) -> (Option<Self>, Option<Self>) {
        match part {
            Part::Attack => (Some(Self::Attack), None),
            Part::Decay => (Some(Self::Decay), Some(Self::Sustain)),
            Part::Release => (Some(Self::Release), None),
            Part::Filter => (Some(Self::Cutoff), Some(Self::Resonance)),
            Part::Gain => (None, Some(Self::Gain)),
            Part::Wave(_) => (None, None),
        }
    }
}

impl Grip {
    fn take(part: Part, cx: &EditorContext, params: &SynthParams) -> Self {
        let (sideways, upwards) = Knob::in_hand(part);
        let axis = |knob: Option<Knob>, sideways: bool| {
            let knob = knob?;
            let param = knob.of(params);
            let position = cx.face(param)?.position(param.base()) as f32;
            Some((cx.hold(param), Axis { knob, position, sideways }))
        };
        Self { part, holds: [axis(sideways, true), axis(upwards, false)].into_iter().flatten().collect() }
    }

    /// The pointer went by `(dx, dy)` logical pixels, downwards positive.
    fn drag(&mut self, (dx, dy): (f32, f32), fine: bool, cx: &EditorContext, params: &SynthParams) {
        let (width, height) = layout::travel(self.part);
        for (hold, axis) in &mut self.holds {
            let way = if axis.sideways { dx / width } else { -dy / height };
            let before = axis.position;
            axis.position = (before + way * if fine { FINE } else { 1.0 }).clamp(0.0, 1.0);
            let param = axis.knob.of(params);
            if axis.position != before
                && let Some(face) = cx.face(param)
            {
                hold.perform(param, face.value(f64::from(axis.position)));
            }
        }
    }

    /// Everything in the hand goes to its default.
    fn reset(&self, params: &SynthParams) {
        for (hold, axis) in &self.holds {
            let param = axis.knob.of(params);
            hold.perform(param, param.default_value());
        }
    }
}

impl Window {
    fn open(
        window: WindowContext,
        cx: EditorContext,
        params: Arc<SynthParams>,
    ) -> Result<Self, HandlerError> {
        let handle = window.platform_handle();
        let surface = Surface::new(&Context::new(handle.clone())?, handle)?;
        let pixmap = Pixmap::new(1, 1).ok_or_else(|| EditorError::new("no memory for a picture"))?;
        let canvas = RefCell::new(Canvas { surface, pixmap, shown: None });
        let writer = Writer::new().ok_or_else(|| EditorError::new("the font cannot be read"))?;
        Ok(Self { window, cx, params, writer, canvas, hand: RefCell::default() })
    }

    /// What there is to see.
    fn model(&self) -> Model {
        let hand = self.hand.borrow();
        let mut model = model(&self.cx, &self.params);
        model.hot =
            hand.grip.as_ref().map_or_else(|| layout::part_at(&model, hand.at), |grip| Some(grip.part));
        model
    }

    /// Physical pixels to a logical one of the picture.
    fn scale(&self) -> f32 {
        let size = self.window.size().physical;
        (size.width as f32 / layout::SIZE.0 as f32).min(size.height as f32 / layout::SIZE.1 as f32)
    }

    /// Plays the key under the pointer, and none where there is none: a hand that slides plays one after the other.
    fn play(&self, hand: &mut Hand) {
        let struck = layout::key_at(hand.at);
        if struck.map(|(key, _)| key) != hand.key.as_ref().map(|(key, _)| *key) {
            // The next one first: a slide has no gaps.
            let next = struck.map(|(key, velocity)| (key, self.cx.play(Note::new(key, velocity))));
            hand.key = next;
        }
    }

    fn press(&self) {
        let at = self.hand.borrow().at;
        if layout::KEYBOARD.holds(at) {
            return self.play(&mut self.hand.borrow_mut());
        }
        let Some(part) = layout::part_at(&model(&self.cx, &self.params), at) else { return };
        let mut hand = self.hand.borrow_mut();
        let double = hand.pressed.is_some_and(|(last, when)| last == part && when.elapsed() < DOUBLE);
        hand.pressed = (!double).then(|| (part, Instant::now()));
        let grip = Grip::take(part, &self.cx, &self.params);
        if let Part::Wave(wave) = part
            && let Some(wave) = Wave::from_index(usize::from(wave))
        {
            self.cx.set(&self.params.wave, wave);
        }
        if double {
            grip.reset(&self.params);
        } else {
            hand.grip = Some(grip);
        }
    }

    fn mouse(&self, event: &MouseEvent) -> EventStatus {
        match event {
            MouseEvent::CursorMoved { position, modifiers } => {
                let scale = self.scale().max(f32::MIN_POSITIVE);
                let at = (position.x as f32 / scale, position.y as f32 / scale);
                let mut hand = self.hand.borrow_mut();
                let way = (at.0 - hand.at.0, at.1 - hand.at.1);
                hand.at = at;
                if hand.key.is_some() {
                    self.play(&mut hand);
                }
                if let Some(grip) = &mut hand.grip {
                    grip.drag(way, modifiers.shift(), &self.cx, &self.params);
                }
            }
            MouseEvent::ButtonPressed { button: MouseButton::Left, .. } => self.press(),
            MouseEvent::ButtonReleased { button: MouseButton::Left, .. } => {
                let mut hand = self.hand.borrow_mut();
                (hand.grip, hand.key) = (None, None);
            }
            MouseEvent::CursorLeft => {
                let mut hand = self.hand.borrow_mut();
                if hand.grip.is_none() {
                    hand.at = (-1.0, -1.0);
                }
            }
            _ => return EventStatus::Ignored,
        }
        self.window.request_redraw();
        EventStatus::Captured
    }
}

/// What the parameters and meters say.
fn model(cx: &EditorContext, params: &SynthParams) -> Model {
    let faces = Knob::ALL.map(|knob| {
        let param = knob.of(params);
        let face = cx.face(param);
        face.map_or_else(Default::default, |face| {
            (face.position(param.base()) as f32, face.text(param.base()))
        })
    });
    let [attack, decay, sustain, release, cutoff, resonance, gain] =
        faces.each_ref().map(|(position, _)| *position);
    let keys = (0..128).filter(|key| params.keys.get(*key) > 0.0).fold(0, |keys, key| keys | 1 << key);
    Model {
        wave: u8::try_from(params.wave.base().index()).unwrap_or(0),
        attack,
        decay,
        sustain,
        release,
        cutoff,
        resonance,
        gain,
        texts: faces.map(|(_, text)| text),
        levels: [params.out.get(0), params.out.get(1)],
        keys,
        build: cx.build(),
        hot: None,
    }
}

impl WindowHandler for Window {
    fn draw(&self) -> Result<(), HandlerError> {
        self.window.request_redraw_after(FRAME);
        let size = self.window.size().physical;
        let (Some(width), Some(height)) = (NonZeroU32::new(size.width), NonZeroU32::new(size.height)) else {
            return Ok(());
        };
        let model = self.model();
        let mut canvas = self.canvas.borrow_mut();
        let canvas = &mut *canvas;
        if (canvas.pixmap.width(), canvas.pixmap.height()) != (size.width, size.height) {
            canvas.pixmap = Pixmap::new(size.width, size.height)
                .ok_or_else(|| EditorError::new("no memory for a picture"))?;
            canvas.surface.resize(width, height)?;
            canvas.shown = None;
        }
        if canvas.shown.as_ref() == Some(&model) {
            return Ok(());
        }
        picture::paint(&mut canvas.pixmap, &self.writer, &model);
        let mut buffer = canvas.surface.buffer_mut()?;
        for (out, pixel) in buffer.iter_mut().zip(canvas.pixmap.pixels()) {
            *out = u32::from_be_bytes([0, pixel.red(), pixel.green(), pixel.blue()]);
        }
        buffer.present()?;
        canvas.shown = Some(model);
        Ok(())
    }

    fn damage(&self, _area: hotshell::editor::baseview::DamageArea) {
        self.canvas.borrow_mut().shown = None;
    }

    fn resized(&self, _new_size: WindowSize) -> Result<(), HandlerError> {
        self.canvas.borrow_mut().shown = None;
        Ok(())
    }

    fn on_event(&self, event: Event) -> EventStatus {
        match event {
            Event::Mouse(mouse) => self.mouse(&mouse),
            _ => EventStatus::Ignored,
        }
    }
}
