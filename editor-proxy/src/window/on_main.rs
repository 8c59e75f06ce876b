//! Windows and macOS: the window on [main], where the editors are too.
//!
//! Called by: `proxy`. Calls: `window`. Threads: [main].

use std::sync::Arc;
use std::time::Instant;

use baseview::WindowContext;
use hotshell_abi::editor::{EditorDesc, EditorSize, WindowHandle};

use super::{Command, obey, open};
use crate::helper::Closing;
use crate::stage::Stage;

/// The proxy's window. Dropped: destroyed.
pub(crate) struct Container {
    window: baseview::Window,
    handle: WindowHandle,
}

impl Container {
    pub(crate) fn open(
        parent: WindowHandle,
        size: EditorSize,
        scale: f64,
        stage: &Arc<Stage>,
    ) -> Result<Self, String> {
        let (window, handle) = open(parent, size, scale, stage, &Arc::default())?;
        Ok(Self { window, handle })
    }

    /// A window that the host destroys takes its children along, in the same thread.
    #[expect(clippy::unused_self, reason = "X11's has something to do")]
    pub(crate) const fn watch(&self, _stage: &Arc<Stage>, _stay: u64) {}

    /// What editors get as their parent.
    pub(crate) const fn handle(&self) -> WindowHandle {
        self.handle
    }

    /// Wakes its loop, from any thread.
    pub(crate) fn bell(&self) -> impl Fn() + Send + Sync + use<> {
        let waker = self.window.waker();
        move || waker.request_poll()
    }

    /// Maps or unmaps it.
    pub(crate) fn show(&self, visible: bool) {
        obey(&self.window, &Command::Show(visible));
    }

    /// Another size, in physical pixels.
    pub(crate) fn resize(&self, size: EditorSize) {
        obey(&self.window, &Command::Resize(size));
    }

    /// Ends it. Editors that live on [main] have left by the time that they are asked to.
    pub(crate) fn close(self, leaving: Vec<Closing>, until: Instant) -> bool {
        leaving.iter().all(|closing| closing.wait(until))
    }
}

/// What X11 needs beside baseview, and these systems do by themselves.
pub(crate) struct Native;

impl Native {
    pub(crate) const fn of(_window: &WindowContext, _parent: WindowHandle) -> Option<Self> {
        None
    }

    pub(crate) const fn leave_keys(_window: &WindowContext) {}

    #[expect(clippy::unused_self, reason = "X11's has something to do")]
    pub(crate) const fn remember(&self) {}

    #[expect(clippy::unused_self, reason = "X11's has something to do")]
    pub(crate) const fn give_back(&self) {}
}

/// These systems say what they have to say to the host, which says it to us.
pub(crate) struct Desktop;

impl Desktop {
    pub(crate) const fn ask() -> Self {
        Self
    }

    pub(crate) const fn scale(&self) -> Option<f64> {
        None
    }
}

/// A window of our own on the desktop: nobody asks for one here.
pub(crate) enum Floating {}

impl Floating {
    pub(crate) fn open(_size: EditorSize, _closed: impl Fn() + Send + 'static) -> Result<Self, String> {
        Err("floating windows are X11's".to_owned())
    }

    pub(crate) const fn handle(&self) -> WindowHandle {
        match *self {}
    }

    pub(crate) const fn stay_above(&self, _window: WindowHandle) -> bool {
        match *self {}
    }

    pub(crate) const fn set_title(&self, _title: &str) {
        match *self {}
    }

    pub(crate) const fn set_limits(&self, _desc: &EditorDesc, _scale: f64) {
        match *self {}
    }

    pub(crate) const fn resize(&self, _size: EditorSize) -> bool {
        match *self {}
    }

    pub(crate) const fn on_screen(&self, _x: i32, _y: i32) -> Option<(i32, i32)> {
        match *self {}
    }

    pub(crate) const fn show(&self, _visible: bool) {
        match *self {}
    }
}
