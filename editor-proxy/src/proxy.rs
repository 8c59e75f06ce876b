//! The editor that a host holds.
//!
//! Called by: the adapters' `view`. Calls: `stage`, `window`, `helper`. Threads: [main].

use std::sync::Arc;
use std::time::Instant;

use hotshell_abi::editor::{EditorDesc, EditorKey, EditorSize, WindowHandle};
use hotshell_core::host::Level;
use hotshell_core::shell::GUI_LOCK_WAIT;
use hotshell_core::shell::editors::Editors;

use crate::helper::{Command, Place, describe};
use crate::stage::Stage;
use crate::window::Container;

/// What a proxy may ask of its adapter. [main]
pub trait WindowHost {
    /// Asks the host for another size, in physical pixels; true if it agrees.
    fn request_resize(&self, size: EditorSize) -> bool;
    /// Starts (or stops) the host's idle timer, which calls [`EditorProxy::tick`]. Where the host has none, the window's
    /// own loop does the same.
    fn idle_timer(&self, on: bool);
}

/// A size for a plug-in whose editor does not say one in time.
const UNKNOWN: EditorDesc = EditorDesc {
    size: EditorSize::new(480, 320),
    min: EditorSize::new(480, 320),
    max: EditorSize::new(480, 320),
    flags: 0,
    reserved: 0,
};

/// The editor that a host holds, from its create call to its destroy call. Always there, whatever the plug-in's own
/// editor does. [main]
pub struct EditorProxy {
    editors: Arc<dyn Editors>,
    host: Box<dyn WindowHost>,
    stage: Arc<Stage>,
    desc: EditorDesc,
    scale: f64,
    /// Physical pixels.
    size: EditorSize,
    container: Option<Container>,
    ticking: bool,
}

impl std::fmt::Debug for EditorProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EditorProxy").field("size", &self.size).finish_non_exhaustive()
    }
}

impl EditorProxy {
    /// An editor without a window. Waits for the plug-in's code for [`GUI_LOCK_WAIT`] at most.
    #[must_use]
    pub fn new(editors: Arc<dyn Editors>, host: Box<dyn WindowHost>) -> Self {
        let desc = editors.newest().ok().and_then(|build| describe(&build)).unwrap_or(UNKNOWN);
        let stage = Stage::new(Arc::clone(&editors));
        Self { editors, host, stage, desc, scale: 1.0, size: desc.size, container: None, ticking: false }
    }

    /// True if the newest build has an editor, as far as its code says so within [`GUI_LOCK_WAIT`].
    #[must_use]
    pub fn is_there(editors: &dyn Editors) -> bool {
        editors.newest().ok().and_then(|build| describe(&build)).is_some()
    }

    /// Physical pixels.
    #[must_use]
    pub const fn size(&self) -> EditorSize {
        self.size
    }

    /// Size and rules, logical.
    #[must_use]
    pub const fn desc(&self) -> EditorDesc {
        self.desc
    }

    /// Physical pixels to a logical one.
    #[must_use]
    pub const fn scale(&self) -> f64 {
        self.scale
    }

    /// The size that a wish for `wanted` (physical) becomes.
    #[must_use]
    pub fn fit(&self, wanted: EditorSize) -> EditorSize {
        self.desc.fit(wanted, self.scale)
    }

    /// Physical pixels to a logical one: before the window is there it decides its size, afterwards the editor is told
    /// and the host is asked for another size once. False if it is no scale.
    pub fn set_scale(&mut self, scale: f64) -> bool {
        if !(0.1..=16.0).contains(&scale) {
            return false;
        }
        if (self.scale - scale).abs() > 1e-6 {
            let logical = f64::from(self.size.width) / self.scale / f64::from(self.desc.size.width);
            self.scale = scale;
            let size = self.fit(self.desc.size.scaled(logical * scale));
            if self.container.is_none() {
                self.size = size;
            } else {
                self.stage.scale(scale);
                if self.host.request_resize(size) {
                    self.set_size(size);
                }
            }
        }
        true
    }

    /// Makes the window inside the host's `parent`, mapped when this returns, and begins with the plug-in's editor in it.
    /// An earlier window is given up. False only if the windowing system refuses, and the log says why.
    pub fn attach(&mut self, parent: WindowHandle) -> bool {
        self.detach();
        match Container::open(parent, self.size, self.scale, &self.stage) {
            Ok(container) => {
                self.stage.set_bell(Some(Box::new(container.bell())));
                self.stage.open(Place { parent: container.handle(), size: self.size, scale: self.scale });
                self.container = Some(container);
                self.tick();
                self.stage.ring();
                true
            }
            Err(why) => {
                self.editors.log(Level::Error, &format!("no window for the editor: {why}"));
                false
            }
        }
    }

    /// Closes the editor and the window. An editor that does not close within [`GUI_LOCK_WAIT`] is left to its thread,
    /// with the window around it taken out of the host's.
    pub fn detach(&mut self) {
        self.idle(false);
        self.stage.set_bell(None);
        let leaving = self.stage.close();
        let Some(container) = self.container.take() else { return };
        if !container.close(leaving, Instant::now() + GUI_LOCK_WAIT) {
            self.editors.log(
                Level::Warning,
                "the plug-in's editor takes its time to close; it is left to its thread",
            );
        }
    }

    /// The host's window has this size (physical).
    pub fn set_size(&mut self, size: EditorSize) {
        self.size = size;
        if let Some(container) = &self.container {
            container.resize(size);
        }
        self.stage.resize(size);
    }

    /// Maps or unmaps the window.
    pub fn show(&self, visible: bool) {
        if let Some(container) = &self.container {
            container.show(visible);
        }
    }

    /// A key that the host passes on; true if a text field has the focus, so that the key is the editor's.
    pub fn key(&self, key: EditorKey) -> bool {
        self.stage.key(Command::Key(key))
    }

    /// What there is to do: the host's idle timer, and any call of the host's in which it may be called back.
    pub fn tick(&mut self) {
        if self.container.is_none() {
            return;
        }
        let due = self.stage.turn();
        self.idle(due.is_some());
        let before = self.desc;
        self.desc = self.stage.desc().unwrap_or(before);
        // A build's own size is asked for once; a user who has resized it meanwhile is not asked at all.
        let new = (self.desc.size != before.size).then_some(self.desc.size);
        if let Some(wish) = self.stage.take_wish().or(new) {
            let size = wish.scaled(self.scale);
            if size != self.size && self.host.request_resize(size) {
                self.set_size(size);
            }
        }
    }

    fn idle(&mut self, on: bool) {
        if self.ticking != on {
            self.ticking = on;
            self.host.idle_timer(on);
        }
    }
}

impl Drop for EditorProxy {
    fn drop(&mut self) {
        self.detach();
    }
}
