//! Windows and macOS: the window on [main], where the editors are too.
//!
//! Called by: `proxy`. Calls: `window`. Threads: [main].

use std::sync::Arc;
use std::time::Instant;

use hotshell_abi::editor::{EditorSize, WindowHandle};

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

    /// What editors get as their parent.
    pub(crate) const fn handle(&self) -> WindowHandle {
        self.handle
    }

    /// Wakes its loop, from any thread.
    pub(crate) fn bell(&self) -> impl Fn() + Send + use<> {
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
