//! The editor that a host holds.
//!
//! Called by: the adapters' `view`. Calls: `stage`, `window`, `helper`. Threads: [main].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::time::Instant;

use hotshell_abi::editor::{EditorDesc, EditorKey, EditorSize, WindowHandle};
use hotshell_core::host::Level;
use hotshell_core::shell::GUI_LOCK_WAIT;
use hotshell_core::shell::editors::Editors;

use crate::fit;
use crate::helper::{Command, Place, Said, describe};
use crate::stage::{Menu, Stage};
use crate::window::{Container, Desktop, Floating};

/// What a proxy may ask of its adapter. [main]
pub trait WindowHost {
    /// Asks the host for another size, in physical pixels; true if it agrees.
    fn request_resize(&self, size: EditorSize) -> bool;
    /// Starts (or stops) the host's idle timer, which calls [`EditorProxy::tick`]. Where the host has none, the window's
    /// own loop does the same.
    fn idle_timer(&self, on: bool);
    /// Another build's editor has other resize rules.
    fn limits_changed(&self) {}
    /// The user wants to see the host's menu of a parameter, at a place in physical pixels from the upper left corner of
    /// the window, or, of a floating one, of the screen. The host may do anything meanwhile, and may come back only when the user has chosen: an adapter asks
    /// it once the proxy is out of use again.
    fn context_menu(&self, host_id: u32, x: i32, y: i32);
    /// The user has closed the floating window; it is hidden.
    fn closed(&self) {}
    /// What the window's own loop calls every 30 ms where that runs on [main] (Windows, macOS): it does what a tick of the
    /// host's timer would do. Asked for when a window opens. `None`: the host comes by itself, as CLAP's do.
    fn on_main(&self) -> Option<OnMain> {
        None
    }
}

/// Called on [main]. The proxy is not in use meanwhile, and may be gone afterwards.
pub type OnMain = Arc<dyn Fn() + Send + Sync>;

/// A size for a plug-in whose editor does not say one in time.
const UNKNOWN: EditorDesc = EditorDesc {
    size: EditorSize::new(480, 320),
    min: EditorSize::new(480, 320),
    max: EditorSize::new(480, 320),
    flags: 0,
    reserved: 0,
};

/// Asks the newest build's code for its editor's size and rules, for [`GUI_LOCK_WAIT`] at most, and keeps them for later.
fn described(editors: &dyn Editors) -> Said {
    // Whoever holds the lock may do so for as long as its author's code takes; what was said last will do meanwhile.
    let newest = if editors.last_desc().is_some() { editors.try_newest() } else { editors.newest() };
    let said = newest.map_or(Said::Nothing, |build| describe(&build));
    if let Said::Desc(desc) = said {
        editors.described(desc);
    }
    said
}

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
    /// A window of our own around it, where the host has none to lend.
    floating: Option<Floating>,
    /// The user has closed that one.
    closed: Arc<AtomicBool>,
    ticking: bool,
    _desktop: Desktop,
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
        let desc = match described(editors.as_ref()) {
            Said::Desc(desc) => desc,
            Said::NoEditor | Said::Nothing => editors.last_desc().unwrap_or(UNKNOWN),
        };
        let stage = Stage::new(Arc::clone(&editors));
        let desktop = Desktop::ask();
        let scale = desktop.scale().unwrap_or(1.0);
        Self {
            editors,
            host,
            stage,
            desc,
            scale,
            size: desc.size.scaled(scale),
            container: None,
            floating: None,
            closed: Arc::default(),
            ticking: false,
            _desktop: desktop,
        }
    }

    /// True unless the newest build's code says within [`GUI_LOCK_WAIT`] that it has no editor. One that fails, or that a
    /// busy machine lets answer late, is there all the same: a host that hears of none does not ask again.
    #[must_use]
    pub fn is_there(editors: &dyn Editors) -> bool {
        !matches!(described(editors), Said::NoEditor)
    }

    /// True while there is a window.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.container.is_some()
    }

    /// Physical pixels: the host's window's, which it may have resized without saying so.
    #[must_use]
    pub fn size(&self) -> EditorSize {
        self.stage.size().unwrap_or(self.size)
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

    /// The size that a wish for `wanted` (physical) becomes: the nearest one that the editor's rules allow. CLAP's
    /// `adjust_size` and VST3's `checkSizeConstraint`.
    #[must_use]
    pub fn fit(&self, wanted: EditorSize) -> EditorSize {
        fit::nearest(&self.desc, wanted, self.scale)
    }

    /// Physical pixels to a logical one: before the window is there it decides its size, afterwards the editor is told
    /// and the host is asked for another size once. False if it is no scale.
    pub fn set_scale(&mut self, scale: f64) -> bool {
        if !(0.1..=16.0).contains(&scale) {
            return false;
        }
        if (self.scale - scale).abs() > 1e-6 {
            let size = self.size().scaled(scale / self.scale);
            self.scale = scale;
            let size = self.fit(size);
            if self.container.is_none() {
                self.size = size;
            } else {
                self.stage.scale(scale);
                if self.ask_for(size) {
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
        self.stage.set_on_main(self.host.on_main());
        match Container::open(parent, self.size, self.scale, &self.stage) {
            Ok(container) => {
                self.stage.set_bell(Some(Arc::new(container.bell())));
                let place = Place { parent: container.handle(), size: self.size, scale: self.scale };
                let stay = self.stage.open(place);
                container.watch(&self.stage, stay);
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

    /// Makes a window of our own on the desktop, which comes up when it is shown. False where there is none to be had.
    pub fn float(&mut self) -> bool {
        self.detach();
        let (closed, editors) = (Arc::clone(&self.closed), Arc::clone(&self.editors));
        let close = move || {
            closed.store(true, Release);
            editors.request_callback();
        };
        match Floating::open(self.size, close) {
            Ok(floating) => {
                floating.set_limits(&self.desc, self.scale);
                self.floating = Some(floating);
                true
            }
            Err(why) => {
                self.editors.log(Level::Error, &format!("no window for the editor: {why}"));
                false
            }
        }
    }

    /// The floating window stays above `window`; false if there is none, or the system refuses.
    #[must_use]
    pub fn stay_above(&self, window: WindowHandle) -> bool {
        self.floating.as_ref().is_some_and(|floating| floating.stay_above(window))
    }

    /// What the floating window is called.
    pub fn set_title(&self, title: &str) {
        if let Some(floating) = &self.floating {
            floating.set_title(title);
        }
    }

    /// Closes the editor and the window. An editor that does not close within [`GUI_LOCK_WAIT`] is left to its thread,
    /// with the window around it taken out of the host's.
    pub fn detach(&mut self) {
        self.idle(false);
        // Another window may follow, of the size that the user has made this one.
        self.size = self.size();
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

    /// Maps or unmaps the window. A floating one gets its editor when it first comes up.
    pub fn show(&mut self, visible: bool) {
        let Some(parent) = self.floating.as_ref().map(Floating::handle) else {
            if let Some(container) = &self.container {
                container.show(visible);
            }
            return;
        };
        if visible && self.container.is_none() {
            self.attach(parent);
        }
        if let Some(floating) = &self.floating {
            floating.show(visible);
        }
    }

    /// A key that the host passes on; true if a text field has the focus, so that the key is the editor's.
    pub fn key(&self, key: EditorKey) -> bool {
        self.stage.key(Command::Key(key))
    }

    /// Host id of the parameter that the editor on the window shows at a place in physical pixels from the upper left corner.
    /// VST3's `findParameter`; CLAP has no such question.
    #[must_use]
    pub fn param_at(&self, x: i32, y: i32) -> Option<u32> {
        self.stage.param_at(x, y)
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
            if size != self.size() && self.ask_for(size) {
                self.set_size(size);
            }
        }
        if (self.desc.flags, self.desc.min, self.desc.max) != (before.flags, before.min, before.max) {
            match &self.floating {
                Some(floating) => floating.set_limits(&self.desc, self.scale),
                None => self.host.limits_changed(),
            }
        }
        if let Some(Menu { id, x, y }) = self.stage.take_menu()
            && let Some((x, y)) = self.floating.as_ref().map_or(Some((x, y)), |own| own.on_screen(x, y))
        {
            self.host.context_menu(id, x, y);
        }
        if self.closed.swap(false, Acquire) {
            self.show(false);
            self.host.closed();
        }
    }

    /// Another size of the window around ours.
    fn ask_for(&self, size: EditorSize) -> bool {
        match &self.floating {
            Some(floating) => {
                floating.set_limits(&self.desc, self.scale);
                floating.resize(size)
            }
            None => self.host.request_resize(size),
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
