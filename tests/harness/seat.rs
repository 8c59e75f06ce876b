//! An instance of either format that plays in the background while its editor is opened, closed and mistreated.
//!
//! Called by: tests of editors. Calls: `plugin`, `vst3`, `screen`. Threads: the host's main thread.

use std::sync::Arc;

use vst3::Steinberg::kResultOk;

use crate::audio::Setup;
use crate::bundle::Bundle;
use crate::editor::Window;
use crate::host::HostOptions;
use crate::play::{Play, Recording, constant};
use crate::plugin::Plugin;
use crate::screen::Screen;
use crate::vst3::{HostFrame, HostView, Module, Vst3, Vst3Options, rect};

/// What a host of either format does.
pub trait Seat {
    /// Where the editor is, while it is open.
    fn window(&self) -> Option<Window>;
    /// Opens the editor.
    fn open(&mut self, screen: &Screen);
    /// Closes it; nothing may be left in the host's window.
    fn close(&mut self, screen: &Screen);
    /// Drags its window to another size.
    fn resize(&mut self, screen: &Screen, width: u32, height: u32);
    /// Hides or shows it, where the format can.
    fn show(&mut self, visible: bool);
    /// Destroys the host's window before the editor is closed.
    fn destroy_window(&mut self, screen: &Screen);
    /// Ends the instance, its editor open or not, and starts another; answers what the first one played.
    fn replace(&mut self, screen: &Screen) -> Recording;
    /// One turn of the host's main loop.
    fn tick(&mut self);
    /// Ends the background thread.
    fn stop(&mut self) -> Recording;
}

/// A level that is played for ever.
fn play() -> Play {
    Play { signal: constant(0.25), keep: 0, ..Play::real_time() }
}

/// In a CLAP host. Fields are dropped in this order.
pub struct ClapSeat {
    plugin: Option<Plugin>,
    window: Option<Window>,
    bundle: Bundle,
}

impl ClapSeat {
    /// Opens an instance, and plays.
    #[must_use]
    pub fn new(bundle: Bundle) -> Self {
        let plugin = Some(Self::started(&bundle));
        Self { plugin, window: None, bundle }
    }

    fn started(bundle: &Bundle) -> Plugin {
        let mut plugin = Plugin::open(bundle, 0, HostOptions::default()).expect("opens");
        plugin.activate(Setup::default());
        plugin.play(play());
        plugin
    }

    fn plugin(&mut self) -> &mut Plugin {
        self.plugin.as_mut().expect("between two instances nobody asks")
    }
}

impl Seat for ClapSeat {
    fn window(&self) -> Option<Window> {
        self.window
    }

    fn open(&mut self, screen: &Screen) {
        self.window = Some(self.plugin().open_editor(screen));
    }

    fn close(&mut self, screen: &Screen) {
        if let Some(window) = self.window.take() {
            self.plugin().close_editor(screen, window);
        }
    }

    fn resize(&mut self, screen: &Screen, width: u32, height: u32) {
        if let Some(window) = self.window {
            let _ = self.plugin().resize_editor(screen, window, width, height);
        }
    }

    fn show(&mut self, visible: bool) {
        if self.window.is_some() {
            self.plugin().show_editor(visible);
        }
    }

    fn destroy_window(&mut self, screen: &Screen) {
        if let Some(window) = self.window.take() {
            screen.destroy(window.parent);
            self.plugin().abandon_editor();
        }
    }

    fn replace(&mut self, screen: &Screen) -> Recording {
        let recording = self.stop();
        // An editor that is open goes with it.
        self.plugin = None;
        if let Some(window) = self.window.take() {
            screen.destroy(window.parent);
        }
        self.plugin = Some(Self::started(&self.bundle));
        recording
    }

    fn tick(&mut self) {
        self.plugin().tick();
    }

    fn stop(&mut self) -> Recording {
        self.plugin().stop()
    }
}

/// A view, its frame, and the window that it is in.
type Opened = (HostView, HostFrame, Window);

/// In a VST3 host. Fields are dropped in this order.
pub struct Vst3Seat {
    view: Option<Opened>,
    plugin: Option<Vst3>,
    module: Arc<Module>,
}

impl Vst3Seat {
    /// Opens an instance, and plays.
    #[must_use]
    pub fn new(module: Arc<Module>) -> Self {
        let plugin = Some(Self::started(&module));
        Self { view: None, plugin, module }
    }

    fn started(module: &Arc<Module>) -> Vst3 {
        let mut plugin = Vst3::open(module, 0, Vst3Options::default()).expect("opens");
        plugin.activate(Setup::default());
        plugin.play(play());
        plugin
    }

    fn plugin(&mut self) -> &mut Vst3 {
        self.plugin.as_mut().expect("between two instances nobody asks")
    }

    fn let_go((view, frame, _): Opened) {
        assert_eq!(view.removed(), kResultOk);
        assert_eq!(frame.timers(), 0, "no timer outlives removed()");
        assert_eq!(view.set_frame(None), kResultOk);
        view.release();
    }
}

impl Seat for Vst3Seat {
    fn window(&self) -> Option<Window> {
        self.view.as_ref().map(|(_, _, window)| *window)
    }

    fn open(&mut self, screen: &Screen) {
        self.view = Some(self.plugin().open_view(screen).into_parts());
    }

    fn close(&mut self, screen: &Screen) {
        if let Some(opened) = self.view.take() {
            let window = opened.2;
            Self::let_go(opened);
            assert!(screen.children(window.parent).is_empty(), "no window outlives removed()");
            screen.destroy(window.parent);
        }
    }

    fn resize(&mut self, screen: &Screen, width: u32, height: u32) {
        if let Some((view, _, window)) = &self.view {
            let side = |side: u32| i32::try_from(side).expect("a small window");
            let (_, [left, top, right, bottom]) = view.check_size(rect(side(width), side(height)));
            let size = [right - left, bottom - top].map(|side| u32::try_from(side).expect("a size"));
            screen.resize(window.parent, size[0], size[1]);
            assert_eq!(view.on_size(rect(right - left, bottom - top)), kResultOk);
        }
    }

    // The format has no such call.
    fn show(&mut self, _visible: bool) {}

    fn destroy_window(&mut self, screen: &Screen) {
        if let Some(opened) = self.view.take() {
            screen.destroy(opened.2.parent);
            Self::let_go(opened);
        }
    }

    fn replace(&mut self, screen: &Screen) -> Recording {
        let recording = self.stop();
        self.close(screen);
        self.plugin = None;
        self.plugin = Some(Self::started(&self.module));
        recording
    }

    fn tick(&mut self) {
        self.plugin().tick();
        if let Some((_, frame, _)) = &self.view {
            frame.tick();
        }
    }

    fn stop(&mut self) -> Recording {
        self.plugin().stop()
    }
}
