//! The editor's window: one editor-proxy while the host has a gui.
//!
//! Called by: `ext/gui`, the host's timer, `instance`. Calls: the editor-proxy, the host. Threads: [main].
//!
//! Hosts call back from inside a request of ours (a resize that sets the size). Such a call finds the proxy in use: a size
//! is kept for the moment after, everything else is refused.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use clack_extensions::context_menu::{ContextMenuTarget, HostContextMenu};
use clack_extensions::gui::HostGui;
use clack_extensions::timer::{HostTimer, PluginTimerImpl, TimerId};
use clack_plugin::host::HostSharedHandle;
use clack_plugin::utils::ClapId;
use hotshell_core::shell::Shell;
use hotshell_editor_proxy::{EditorProxy, EditorSize, WindowHost};

use crate::ext::find;
use crate::host::Link;
use crate::instance::Main;

/// Milliseconds of the host's timer, while there is something to wait for.
const TICK: u32 = 30;

#[derive(Default)]
pub(crate) struct View {
    proxy: RefCell<Option<EditorProxy>>,
    /// The proxy wants the timer.
    ticks: Rc<Cell<bool>>,
    timer: Cell<Option<TimerId>>,
    /// Calls of `on_timer` that this thread is in: a menu that one of them opens may tick the next.
    callbacks: Cell<u32>,
    /// The host answers `request_callback`. Some never do, and tick timers all the same: while a window is open, those are
    /// the way for what the user does in it.
    answers: Cell<bool>,
    /// Set by the host from inside a request of ours.
    later: Cell<Option<EditorSize>>,
    /// The host's menu that the user wants to see.
    menu: Rc<Cell<Option<Menu>>>,
}

/// While it lives, the host is in `on_timer`.
struct Callback<'v>(&'v View);

impl<'v> Callback<'v> {
    fn enter(view: &'v View) -> Self {
        view.callbacks.set(view.callbacks.get().saturating_add(1));
        Self(view)
    }
}

impl Drop for Callback<'_> {
    fn drop(&mut self) {
        self.0.callbacks.set(self.0.callbacks.get().saturating_sub(1));
    }
}

/// A parameter, and a place in physical pixels: of the window, or of the screen if it floats.
#[derive(Clone, Copy)]
struct Menu {
    id: u32,
    x: i32,
    y: i32,
}

/// What the proxy may ask of the host.
struct Window {
    link: Arc<Link>,
    ticks: Rc<Cell<bool>>,
    menu: Rc<Cell<Option<Menu>>>,
}

impl WindowHost for Window {
    fn request_resize(&self, size: EditorSize) -> bool {
        self.gui().is_some_and(|(host, gui)| gui.request_resize(&host, size.width, size.height).is_ok())
    }

    fn idle_timer(&self, on: bool) {
        self.ticks.set(on);
    }

    fn limits_changed(&self) {
        if let Some((host, gui)) = self.gui() {
            gui.resize_hints_changed(&host);
        }
    }

    fn context_menu(&self, id: u32, x: i32, y: i32) {
        self.menu.set(Some(Menu { id, x, y }));
    }

    fn closed(&self) {
        if let Some((host, gui)) = self.gui() {
            gui.closed(&host, false);
        }
    }
}

impl Window {
    fn gui(&self) -> Option<(HostSharedHandle<'static>, HostGui)> {
        let host = self.link.host()?;
        Some((host, find::<HostGui>(host)?))
    }
}

/// True if the plug-in has an editor.
pub(crate) fn is_there(shell: &dyn Shell) -> bool {
    shell.editors().is_some_and(|editors| EditorProxy::is_there(editors.as_ref()))
}

impl Main<'_> {
    /// Makes the proxy; there is one from here on, whatever the plug-in's own editor does. One that was there before ends
    /// first. False only where a floating window is asked for and cannot be had.
    pub(crate) fn create_view(&self, floating: bool) -> bool {
        self.destroy_view();
        let Some(editors) = self.shared.shell.editors() else { return false };
        self.read_track();
        let window = Window {
            link: Arc::clone(&self.shared.link),
            ticks: Rc::clone(&self.view.ticks),
            menu: Rc::clone(&self.view.menu),
        };
        let mut proxy = EditorProxy::new(editors, Box::new(window));
        if floating && !proxy.float() {
            return false;
        }
        let Ok(mut place) = self.view.proxy.try_borrow_mut() else { return false };
        *place = Some(proxy);
        true
    }

    /// Ends it.
    pub(crate) fn destroy_view(&self) {
        let before = self.view.proxy.try_borrow_mut().ok().and_then(|mut place| place.take());
        drop(before);
        self.view.menu.set(None);
        self.sync_timer();
    }

    /// What `call` answers; `None` without a proxy, or inside a request of ours.
    pub(crate) fn with_view<T>(&self, call: impl FnOnce(&mut EditorProxy) -> T) -> Option<T> {
        let answer = {
            let mut place = self.view.proxy.try_borrow_mut().ok()?;
            let proxy = place.as_mut()?;
            let answer = call(proxy);
            if let Some(size) = self.view.later.take() {
                proxy.set_size(size);
            }
            answer
        };
        self.sync_timer();
        Some(answer)
    }

    /// The host's window has this size.
    pub(crate) fn set_view_size(&self, size: EditorSize) -> bool {
        if self.view.proxy.try_borrow_mut().is_err() {
            self.view.later.set(Some(size));
            return true;
        }
        self.with_view(|proxy| proxy.set_size(size)).is_some()
    }

    /// What there is to do for the editor.
    pub(crate) fn view_tick(&self) {
        self.with_view(EditorProxy::tick);
    }

    /// The host's menu, if the user wants to see it and the host has one. Last of all that is done in a call: the host may
    /// come back only when the user has chosen, and may call anything meanwhile.
    pub(crate) fn view_menu(&self) {
        let (Some(Menu { id, x, y }), Some(host)) = (self.view.menu.take(), self.shared.link.host()) else {
            return;
        };
        let known = self.shared.shell.param_index(id).is_some();
        let (Some(menus), Some(id)) = (find::<HostContextMenu>(host), ClapId::from_raw(id)) else { return };
        if known && menus.can_popup(self.host()) {
            // Refused: the user sees no menu, as everywhere in that host.
            let _ = menus.popup(self.host(), ContextMenuTarget::Param(id), 0, x, y);
        }
    }

    /// The host has answered `request_callback`.
    pub(crate) fn view_answered(&self) {
        self.view.answers.set(true);
        self.sync_timer();
    }

    fn sync_timer(&self) {
        let (view, Some(host)) = (&self.view, self.shared.link.host()) else { return };
        let Some(timers) = find::<HostTimer>(host) else { return };
        let is_open = |place: &Option<EditorProxy>| place.as_ref().is_some_and(EditorProxy::is_open);
        let unheard = !view.answers.get() && view.proxy.try_borrow().is_ok_and(|place| is_open(&place));
        if unheard && view.timer.get().is_none() {
            // One that answers does so soon, and needs no timer.
            self.shared.link.request_callback();
        }
        match (view.ticks.get() || unheard, view.timer.get()) {
            (true, None) => view.timer.set(timers.register_timer(self.host(), TICK).ok()),
            // Some hosts are going through their timers at the moment, and do not survive that one goes (as in VST3,
            // FORMATS 5). The next call is soon enough.
            (false, Some(_)) if view.callbacks.get() > 0 => self.shared.link.request_callback(),
            (false, Some(timer)) => {
                view.timer.set(None);
                // A host that does not know it any more does not tick it either.
                let _ = timers.unregister_timer(self.host(), timer);
            }
            _ => {}
        }
    }
}

impl PluginTimerImpl for Main<'_> {
    fn on_timer(&self, _timer: TimerId) {
        let _callback = Callback::enter(&self.view);
        self.upkeep();
    }
}
