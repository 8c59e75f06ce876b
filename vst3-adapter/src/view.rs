//! The editor's window: one editor-proxy for the life of a view.
//!
//! Called by: `com/view`. Calls: the editor-proxy, `instance`. Threads: [main]; a call from another thread than the
//! view's own is refused.
//!
//! Hosts call back from inside a request for a size (`onSize`, `removed`, the view's last release). So the proxy only
//! writes such a request down, and the host is asked once the proxy is out of use again. Where a window of the system's
//! own calls the host while the proxy makes or changes it (Windows), a call that comes back finds the proxy in use: a
//! size and a farewell are kept for the moment after, everything else is refused.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use hotshell_editor_proxy::{EditorProxy, EditorSize, OnMain, WindowHost};
use vst3::ComPtr;
use vst3::Steinberg::Linux::IRunLoop;

use crate::error::guard;
use crate::home::Home;
use crate::instance::Instance;

/// One view's window.
pub(crate) struct Window {
    instance: Arc<Instance>,
    proxy: RefCell<EditorProxy>,
    home: Home,
    /// Asks the host for a size; true if it agrees. It may do anything meanwhile.
    ask: Box<dyn Fn(EditorSize) -> bool>,
    /// Asks the host for its menu. It may do anything meanwhile.
    pop_up: Box<dyn Fn(Menu)>,
    wish: Rc<Wish>,
    /// The host is being asked.
    asking: Cell<bool>,
    /// Sizes that the host has set.
    sized: Cell<u32>,
    /// What came while the proxy was in use.
    later: Cell<Later>,
}

/// What the proxy wants of the host, and nobody has asked for.
#[derive(Default)]
struct Wish {
    size: Cell<Option<EditorSize>>,
    menu: Cell<Option<Menu>>,
    /// What the window's own loop calls, where that is the view's thread: VST3 has no other tick there.
    on_main: RefCell<Option<OnMain>>,
}

/// The host's menu of a parameter, at a place in physical pixels from the upper left corner of the view.
#[derive(Clone, Copy)]
pub(crate) struct Menu {
    pub(crate) id: u32,
    pub(crate) x: i32,
    pub(crate) y: i32,
}

/// The proxy's handle on it.
struct Ask(Rc<Wish>);

impl WindowHost for Ask {
    /// The host answers when the proxy is out of use; so far it has not agreed.
    fn request_resize(&self, size: EditorSize) -> bool {
        self.0.size.set(Some(size));
        false
    }

    fn context_menu(&self, id: u32, x: i32, y: i32) {
        self.0.menu.set(Some(Menu { id, x, y }));
    }

    /// The timer runs as long as the view is attached.
    fn idle_timer(&self, _on: bool) {}

    fn on_main(&self) -> Option<OnMain> {
        self.0.on_main.borrow().clone()
    }
}

#[derive(Clone, Copy, Default)]
struct Later {
    size: Option<EditorSize>,
    detach: bool,
}

impl Window {
    /// `None` if the plug-in has no editor.
    pub(crate) fn new(
        instance: &Arc<Instance>,
        ask: Box<dyn Fn(EditorSize) -> bool>,
        pop_up: Box<dyn Fn(Menu)>,
    ) -> Option<Self> {
        let editors = instance.live()?.shell.editors()?;
        if !instance.is_hot() && !EditorProxy::is_there(editors.as_ref()) {
            return None;
        }
        let wish = Rc::<Wish>::default();
        Some(Self {
            instance: Arc::clone(instance),
            proxy: RefCell::new(EditorProxy::new(editors, Box::new(Ask(Rc::clone(&wish))))),
            home: Home::here(),
            ask,
            pop_up,
            wish,
            asking: Cell::new(false),
            sized: Cell::new(0),
            later: Cell::default(),
        })
    }

    /// What the loop of each window that opens from here on calls, where that is the view's thread.
    pub(crate) fn set_on_main(&self, on_main: OnMain) {
        self.wish.on_main.replace(Some(on_main));
    }

    /// The view's own thread.
    pub(crate) const fn home(&self) -> Home {
        self.home
    }

    /// True on the view's own thread.
    pub(crate) fn is_home(&self) -> bool {
        Home::here() == self.home
    }

    /// True if the host may have heard of a parameter with this id.
    pub(crate) fn knows(&self, id: u32) -> bool {
        self.instance.knows(id)
    }

    /// Run loops that the host offers without any view.
    pub(crate) fn run_loops(&self) -> impl Iterator<Item = ComPtr<IRunLoop>> + use<> {
        self.instance.run_loops()
    }

    /// What `call` answers, for what may move the proxy: the host may be asked for a size before this returns. `None` while
    /// the proxy is in use, and on a foreign thread.
    pub(crate) fn with<T>(&self, call: impl FnOnce(&mut EditorProxy) -> T) -> Option<T> {
        let answer = self.proxy(call)?;
        self.ask_host();
        Some(answer)
    }

    /// The same for what only looks: the host is not called. A host that asks a question is not asked for anything
    /// inside of it.
    pub(crate) fn look<T>(&self, call: impl FnOnce(&EditorProxy) -> T) -> Option<T> {
        self.proxy(|proxy| call(proxy))
    }

    fn proxy<T>(&self, call: impl FnOnce(&mut EditorProxy) -> T) -> Option<T> {
        let mut proxy = self.is_home().then(|| self.proxy.try_borrow_mut().ok())??;
        let answer = call(&mut proxy);
        let Later { size, detach } = self.later.take();
        if let Some(size) = size {
            proxy.set_size(size);
        }
        if detach {
            proxy.detach();
        }
        Some(answer)
    }

    /// What the proxy has wished for. Never one request inside another.
    fn ask_host(&self) {
        if self.asking.get() {
            return;
        }
        let Some(wish) = self.wish.size.take() else { return };
        let before = self.sized.get();
        self.asking.set(true);
        let agreed = (self.ask)(wish);
        self.asking.set(false);
        // Most hosts have set it, or what they make of it, from inside.
        if agreed && self.sized.get() == before {
            self.proxy(|proxy| proxy.set_size(wish));
        }
    }

    /// The host's window has this size.
    pub(crate) fn set_size(&self, size: EditorSize) -> bool {
        if !self.is_home() {
            return false;
        }
        self.sized.set(self.sized.get().wrapping_add(1));
        if self.proxy(|proxy| proxy.set_size(size)).is_none() {
            self.later.set(Later { size: Some(size), ..self.later.get() });
        }
        true
    }

    /// Closes the editor and the window; the host is asked for nothing any more. Harmless without a window, and on a
    /// foreign thread.
    pub(crate) fn detach(&self) {
        if !self.is_home() {
            return;
        }
        if self.proxy(EditorProxy::detach).is_none() {
            self.later.set(Later { detach: true, ..self.later.get() });
        }
        self.wish.size.set(None);
        self.wish.menu.set(None);
    }

    /// A safe call: what there is to do for the editor, and to tell the host.
    pub(crate) fn tick(&self) {
        if self.is_home() {
            self.with(EditorProxy::tick);
            self.instance.tell();
            // Last: the host may come back only when the user has chosen.
            if let Some(menu) = self.wish.menu.take() {
                (self.pop_up)(menu);
            }
        }
    }
}

impl Drop for Window {
    /// Inside the host's last `release`, which has no gate of its own. On X11 on whatever thread that is: the window has
    /// one of its own, to which any may talk. Elsewhere on the view's own (`com/left`).
    fn drop(&mut self) {
        guard((), || self.proxy.get_mut().detach());
    }
}
