//! An editor drawn with egui.
//!
//! Called by: authors. Calls: egui-baseview. Threads: the drawing function runs on the window's thread, [editor].

use std::time::Duration;

use baseview::dpi::{PhysicalSize, Size};
use egui_baseview::{App, EguiWindow, EguiWindowSettings, Frame, GraphicsConfig};
use hotshell_logic::editor::{Editor, EditorContext, EditorError};

use crate::window::{Open, Parent};

pub use egui;

mod slider;

pub use slider::{Slider, slider, toggle};

/// Between two frames in which nothing but a meter or the host's automation may have moved.
const FRAME: Duration = Duration::from_millis(33);

/// An editor of `width` by `height` logical pixels that `draw` fills in every frame.
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
            .with_parent(&Parent::of(&cx)?)
            .with_graphics_config(GraphicsConfig::default())
            .with_repaint_poll_interval(Duration::from_secs(3600));
        let app = Drawn { draw, cx, frames: 0, dead: false };
        let window = EguiWindow::create(settings, app).map_err(|e| EditorError::new(e.to_string()))?;
        Ok(Box::new(Open::new(window)))
    })
}

struct Drawn<F> {
    draw: F,
    cx: EditorContext,
    /// Frames that have begun, as far as they matter: the first is on the window when the second begins.
    frames: u8,
    dead: bool,
}

impl<F: FnMut(&mut egui::Ui, &EditorContext) + Send + 'static> App for Drawn<F> {
    fn build(&mut self, egui_ctx: egui::Context, _frame: &mut Frame) -> Result<(), baseview::HandlerError> {
        self.cx.on_repaint(move || egui_ctx.request_repaint());
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut Frame) {
        if self.dead {
            return;
        }
        let Self { draw, cx, .. } = self;
        let done = cx.guard(|| {
            egui::CentralPanel::default().show(ui, |ui| draw(ui, cx));
        });
        if done.is_none() {
            self.dead = true;
            return;
        }
        self.cx.wants_keys(ui.ctx().egui_wants_keyboard_input());
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
