//! An editor drawn with egui, and ready-made parts for it.
//!
//! Each part is bound to a parameter and shows what its cell says: automation, other editors and a state load move it by
//! themselves. What the user does with it is one gesture: begin, perform, end, the last also when the drag is interrupted.
//! Sizes are in egui's points, so the window's scale and the zoom factor apply.
//!
//! Called by: authors. Calls: egui-baseview. Threads: the drawing function runs on the window's thread, [editor].

use std::sync::atomic::{AtomicBool, Ordering::Acquire};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use baseview::dpi::{PhysicalSize, Size};
use egui_baseview::{App, EguiWindow, EguiWindowSettings, Frame, GraphicsConfig};
use hotshell_logic::editor::{Editor, EditorContext, EditorError, EditorField};

use crate::window::keys::{Keys, own_scale};
use crate::window::{Open, Parent};

pub use egui;

mod hand;
mod keys;
mod knob;
mod label;
mod look;
mod memory;
mod menu;
mod meter;
mod slider;
#[cfg(test)]
mod tests;
mod toggle;
mod value;

pub use knob::{Knob, knob};
pub use label::build_label;
pub use menu::menu;
pub use meter::{LevelMeter, meter};
pub use slider::{Slider, slider};
pub use toggle::toggle;

/// Between two frames in which nothing but a meter or the host's automation may have moved.
const FRAME: Duration = Duration::from_millis(33);

/// An editor of `width` by `height` logical pixels that `draw` fills in every frame. What egui remembers of where things
/// stand (headers, lists, its windows) goes on in the next build's editor and in the next one of this instance; it is not
/// saved. Style and zoom are the code's, and begin anew.
///
/// ```ignore
/// fn editor(params: &Arc<GainParams>) -> Option<Editor> {
///     let params = Arc::clone(params);
///     Some(hotshell::editor::egui(320, 160, move |ui, cx| {
///         ui.add(slider(cx, &params.gain));
///     }))
/// }
/// ```
pub fn editor(
    width: u32,
    height: u32,
    draw: impl FnMut(&mut egui::Ui, &EditorContext) + Send + 'static,
) -> Editor {
    Editor::new(width, height, move |cx| {
        let size = PhysicalSize::new(cx.size().width, cx.size().height);
        let settings = EguiWindowSettings::new()
            .with_title("hotshell")
            .with_size(Size::Physical(size.cast()))
            .with_fallback_scale_factor(cx.scale())
            .with_zoom_factor(zoom(cx.scale()))
            .with_parent(&Parent::of(&cx)?)
            .with_graphics_config(GraphicsConfig::default())
            .with_repaint_poll_interval(Duration::from_secs(3600));
        let closing = Arc::<AtomicBool>::default();
        let post = Arc::<Post>::default();
        let app = Drawn {
            draw,
            cx: cx.clone(),
            frames: 0,
            dead: false,
            egui: None,
            fields: Vec::new(),
            keys: None,
            memo: memory::Memo::default(),
            post: Arc::clone(&post),
            closing: Arc::clone(&closing),
        };
        let window = EguiWindow::create(settings, app).map_err(|e| EditorError::new(e.to_string()))?;
        let mut open = Open::new(window, closing);
        let (for_keys, letters) = (cx.clone(), Arc::clone(&post));
        open.keys = Some(Box::new(move |key| {
            letters.lock().events.extend(keys::events(key));
            for_keys.repaint();
            true
        }));
        open.zoom = Some(Box::new(move |scale| {
            post.lock().zoom = Some(zoom(scale));
            cx.repaint();
        }));
        Ok(Box::new(open))
    })
}

/// On its way from the shell to the next frame.
#[derive(Default)]
struct Post(Mutex<Letters>);

#[derive(Default)]
struct Letters {
    events: Vec<egui::Event>,
    zoom: Option<f32>,
}

impl Post {
    fn lock(&self) -> std::sync::MutexGuard<'_, Letters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left to do where baseview goes by the desktop's scale and the host says another one.
#[expect(clippy::cast_possible_truncation, reason = "a factor between a tenth and a hundred")]
fn zoom(scale: f64) -> f32 {
    own_scale().map_or(1.0, |own| (scale / own).clamp(0.1, 100.0)) as f32
}

struct Drawn<F> {
    draw: F,
    /// The window should close itself.
    closing: Arc<AtomicBool>,
    cx: EditorContext,
    /// Frames that have begun, as far as they matter: the first is on the window when the second begins.
    frames: u8,
    dead: bool,
    egui: Option<egui::Context>,
    /// What the shell knows of where the parts stand.
    fields: Vec<EditorField>,
    keys: Option<Keys>,
    memo: memory::Memo,
    post: Arc<Post>,
}

impl<F> Drop for Drawn<F> {
    fn drop(&mut self) {
        // Whoever keeps a copy of egui's context alive: the user's hand does not outlive the window.
        if let Some(egui) = &self.egui {
            hand::let_go(egui);
        }
    }
}

impl<F: FnMut(&mut egui::Ui, &EditorContext) + Send + 'static> App for Drawn<F> {
    fn build(&mut self, egui_ctx: egui::Context, frame: &mut Frame) -> Result<(), baseview::HandlerError> {
        self.keys = Some(Keys::of(frame.baseview_window()));
        look::dark(&egui_ctx);
        memory::restore(&egui_ctx, &self.cx);
        self.egui = Some(egui_ctx.clone());
        self.cx.on_repaint(move || egui_ctx.request_repaint());
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut Frame) {
        if self.closing.load(Acquire) {
            frame.baseview_window().request_close();
            return;
        }
        if self.dead {
            return;
        }
        let Letters { events, zoom } = std::mem::take(&mut *self.post.lock());
        if let Some(zoom) = zoom {
            ui.ctx().set_zoom_factor(zoom);
        }
        ui.ctx().input_mut(|input| input.events.extend(events));
        // A window may end between two points, or two pixels of a point: what is left over is no black line, and what is
        // drawn up to the edge goes up to the edge.
        frame.set_clear_color(ui.visuals().panel_fill.into());
        let Self { draw, cx, .. } = self;
        let done = cx.guard(|| {
            egui::CentralPanel::default().show(ui, |ui| {
                ui.set_clip_rect(ui.clip_rect().expand(1.0));
                draw(ui, cx);
            });
        });
        if done.is_none() {
            self.dead = true;
            memory::failed(cx, cx.build());
            return;
        }
        if hand::have_moved(ui.ctx(), &mut self.fields) {
            self.cx.fields(&self.fields);
        }
        self.memo.frame(ui.ctx(), &self.cx);
        // First the shell: it gives the keyboard back to the host unless it is wanted.
        let wanted = ui.ctx().egui_wants_keyboard_input();
        self.cx.wants_keys(wanted);
        if let Some(keys) = &self.keys {
            keys.set(wanted);
        }
        match self.frames {
            0 => {
                self.frames = 1;
                ui.ctx().request_repaint();
            }
            1 => {
                self.frames = 2;
                self.cx.drawn();
                ui.ctx().request_repaint_after(FRAME);
            }
            _ => ui.ctx().request_repaint_after(FRAME),
        }
    }
}

/// A part that was given a parameter of another plug-in.
fn stranger(ui: &mut egui::Ui) -> egui::Response {
    ui.colored_label(look::WRONG, "not a parameter of this plug-in")
}

/// A row with a name where a slider has its own, for parts without one. [editor]
pub fn row(ui: &mut egui::Ui, text: &str, part: impl FnOnce(&mut egui::Ui)) {
    ui.horizontal(|ui| {
        let size = egui::vec2(slider::NAME - ui.spacing().item_spacing.x, look::ROW);
        let (rect, _) = ui.allocate_exact_size(size, egui::Sense::HOVER);
        name(ui, rect, egui::Align2::LEFT_CENTER, text);
        part(ui);
    });
}

/// A name in its place, as much of it as there is room for.
fn name(ui: &egui::Ui, rect: egui::Rect, align: egui::Align2, text: &str) {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), look::small(), look::DIM);
    job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width());
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(align.align_size_within_rect(galley.size(), rect).min, galley, look::DIM);
}

/// Position from which a value is filled: the middle where a range goes both ways alike, else its start.
fn zero(face: &hotshell_logic::editor::Face<'_>) -> f64 {
    let (least, greatest) = face.range();
    if least == -greatest { face.position(0.0) } else { 0.0 }
}
