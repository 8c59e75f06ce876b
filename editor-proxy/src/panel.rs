//! What is drawn on the proxy's window, and the window's own loop: it turns the stage when somebody rings, and while
//! there is something to wait for.
//!
//! Called by: baseview. Calls: `stage`, `text`, softbuffer. Threads: the window's own ([main] on Windows and macOS).

use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire};
use std::time::{Duration, Instant};

use baseview::dpi::{PhysicalSize, Size};
use baseview::{
    Event, EventStatus, HandlerError, MouseEvent, PlatformHandle, TimerHandle, Window, WindowContext,
    WindowEvent, WindowHandler, WindowSettings, WindowSize,
};
use hotshell_abi::editor::EditorSize;
use softbuffer::{Context, Surface};

use crate::stage::{Message, Stage};
use crate::text;
use crate::window::Native;

/// Between two looks at what there is to tell a host that has no tick, in a loop that is [main]'s.
const SERVED: Duration = Duration::from_millis(30);

/// A window's pixels; made at the first frame.
struct Paper {
    window: WindowContext,
    surface: RefCell<Option<Surface<PlatformHandle, PlatformHandle>>>,
    scale: f64,
}

impl Paper {
    const fn new(window: WindowContext, scale: f64) -> Self {
        Self { window, surface: RefCell::new(None), scale }
    }

    fn draw(&self, words: &str) -> Result<(), HandlerError> {
        let size = self.window.size().physical;
        let (Some(width), Some(height)) = (NonZeroU32::new(size.width), NonZeroU32::new(size.height)) else {
            return Ok(());
        };
        let mut place = self.surface.borrow_mut();
        let surface = match &mut *place {
            Some(surface) => surface,
            None => {
                let handle = self.window.platform_handle();
                place.insert(Surface::new(&Context::new(handle.clone())?, handle)?)
            }
        };
        surface.resize(width, height)?;
        let mut pixels = surface.buffer_mut()?;
        text::paint(&mut pixels, size.width, self.scale, words);
        pixels.present()?;
        Ok(())
    }
}

/// A strip of a few lines above the editor. A click on it is nobody's, because nobody sees what lies below; keys are not
/// its own, wherever the pointer is.
struct Strip {
    paper: Paper,
    words: String,
}

impl WindowHandler for Strip {
    fn draw(&self) -> Result<(), HandlerError> {
        self.paper.draw(&self.words)
    }

    fn resized(&self, _new_size: WindowSize) -> Result<(), HandlerError> {
        self.paper.window.request_redraw();
        Ok(())
    }

    fn on_event(&self, _event: Event) -> EventStatus {
        EventStatus::Ignored
    }
}

/// The proxy's window from inside.
pub(crate) struct Panel {
    paper: Paper,
    stage: Arc<Stage>,
    said: RefCell<Option<Message>>,
    strip: RefCell<Option<Window>>,
    /// When the loop will come round by itself.
    due: Cell<Option<Instant>>,
    /// The window should close itself.
    closing: Arc<AtomicBool>,
    native: Option<Native>,
    /// An editor's text field has the keyboard.
    keys: Cell<bool>,
}

impl Panel {
    pub(crate) fn around(
        window: WindowContext,
        stage: Arc<Stage>,
        scale: f64,
        closing: Arc<AtomicBool>,
        native: Option<Native>,
    ) -> Self {
        if stage.is_served() {
            // Without a timer the host hears of it in its own next call. Ends with the window.
            let _ = window.create_timer(SERVED);
        }
        Self {
            paper: Paper::new(window, scale),
            stage,
            said: RefCell::default(),
            strip: RefCell::default(),
            due: Cell::default(),
            closing,
            native,
            keys: Cell::new(false),
        }
    }

    /// The keyboard is the host's, except while a text field wants it.
    fn mind_keys(&self) {
        let wanted = self.stage.wants_keys();
        if let (Some(native), true, false) = (&self.native, self.keys.replace(wanted), wanted) {
            native.give_back();
        }
    }

    /// Comes round at `due`, unless it does before.
    fn come_round(&self, due: Option<Instant>) {
        let now = Instant::now();
        let planned = self.due.get().filter(|planned| *planned > now);
        let Some(due) = due.filter(|due| planned.is_none_or(|planned| *due < planned)) else { return };
        self.due.set(Some(due));
        self.paper.window.request_redraw_after(due.saturating_duration_since(now));
    }

    fn say(&self, message: Option<Message>) {
        if *self.said.borrow() == message {
            return;
        }
        // A strip above an editor that came up later lies below it: another one is made.
        *self.strip.borrow_mut() =
            message.as_ref().filter(|message| !message.alone).and_then(|m| self.strip(m));
        *self.said.borrow_mut() = message;
        self.paper.window.request_redraw();
    }

    fn strip(&self, message: &Message) -> Option<Window> {
        let (scale, words) = (self.paper.scale, message.text.replace('\n', " "));
        let room = self.paper.window.size().physical;
        let height = text::strip_height((room.width, room.height), scale, &words);
        let size = PhysicalSize::new(room.width, height);
        let settings = WindowSettings::new()
            .with_title("hotshell: message")
            .with_size(Size::Physical(size.cast()))
            .with_fallback_scale_factor(scale)
            .with_parent(&self.paper.window.platform_handle());
        let make = move |window: WindowContext| {
            Native::leave_keys(&window);
            Ok(Strip { paper: Paper::new(window, scale), words })
        };
        // Without a strip the message is in the host's log all the same.
        let window = Window::create(settings, make).ok()?;
        window.show().ok()?;
        Some(window)
    }
}

impl WindowHandler for Panel {
    fn draw(&self) -> Result<(), HandlerError> {
        let said = self.said.borrow();
        self.paper.draw(said.as_ref().filter(|message| message.alone).map_or("", |message| &message.text))
    }

    fn poll(&self) {
        if self.closing.load(Acquire) {
            self.paper.window.request_close();
            return;
        }
        let due = self.stage.turn();
        self.mind_keys();
        self.say(self.stage.message());
        self.come_round(due);
    }

    /// Nothing after the call: the host may have destroyed the window.
    fn on_timer(&self, _timer: &TimerHandle) {
        self.stage.serve();
    }

    fn resized(&self, new_size: WindowSize) -> Result<(), HandlerError> {
        self.stage.resize(EditorSize::new(new_size.physical.width, new_size.physical.height));
        // A strip has the width of the window: another one is made.
        let gone = (self.said.take(), self.strip.take());
        drop(gone);
        self.say(self.stage.message());
        self.paper.window.request_redraw();
        Ok(())
    }

    fn on_event(&self, event: Event) -> EventStatus {
        if let Some(native) = &self.native {
            match event {
                // Before an editor in it takes the keyboard, as toolkits do with a click.
                Event::Mouse(MouseEvent::CursorEntered) => native.remember(),
                Event::Window(WindowEvent::Focused) if !self.stage.wants_keys() => native.give_back(),
                _ => {}
            }
        }
        EventStatus::Ignored
    }
}
