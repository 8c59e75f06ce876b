//! The host's side of a CLAP editor: its window, its timer, and what the plug-in asks of it.
//!
//! Called by: tests of editors, `plugin`. Calls: clack-host, `screen`. Threads: the plug-in's main thread.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clack_extensions::context_menu::{ContextMenuBuilder, ContextMenuTarget, HostContextMenuImpl};
use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiError, GuiSize, HostGuiImpl, PluginGui};
use clack_extensions::timer::{HostTimerImpl, PluginTimer, TimerId};
use clack_host::prelude::*;
use clack_host::utils::ClapId;

use crate::audio::Setup;
use crate::calls::Phase;
use crate::host::{MainThread, Shared};
use crate::plugin::Plugin;
use crate::screen::Screen;

/// What the plug-in's editor has asked for.
#[derive(Debug, Default)]
pub struct Desk {
    /// Timers that run: period and last tick.
    pub timers: BTreeMap<u32, (Duration, Instant)>,
    next: u32,
    /// Timers that were started.
    pub started: u32,
    /// Ticks that were given.
    pub ticks: u32,
    /// A tick is being given.
    ticking: bool,
    /// Timers that were ended inside a tick.
    ended_in_a_tick: u32,
    /// Sizes that were asked for.
    pub sizes: Vec<(u32, u32)>,
    /// Floating windows that the user has closed.
    pub closed: u32,
    /// The track that the plug-in sits on.
    pub track: Option<crate::track::HostTrack>,
    /// Menus of parameters that the plug-in has asked for: id, and the place in its window.
    pub menus: Vec<(u32, i32, i32)>,
    /// Edits that a VST3 host was told.
    pub edits: Vec<&'static str>,
}

/// Leaves the lock usable after a failed test.
fn desk(calls: &crate::calls::Calls) -> std::sync::MutexGuard<'_, Desk> {
    calls.desk.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl HostGuiImpl for Shared {
    fn resize_hints_changed(&self) {}
    fn request_resize(&self, new_size: GuiSize) -> Result<(), HostError> {
        desk(&self.calls).sizes.push((new_size.width, new_size.height));
        Ok(())
    }
    fn request_show(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn request_hide(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn closed(&self, _was_destroyed: bool) {
        desk(&self.calls).closed += 1;
    }
}

impl HostContextMenuImpl for MainThread {
    fn populate(&self, _: ContextMenuTarget, _: &mut ContextMenuBuilder<'_>) -> Result<(), HostError> {
        Err(HostError::Message("nobody fills its menu"))
    }
    fn perform(&self, _: ContextMenuTarget, _: ClapId) -> Result<(), HostError> {
        Err(HostError::Message("nobody fills its menu"))
    }
    fn can_popup(&self) -> bool {
        true
    }
    fn popup(&self, target: ContextMenuTarget, _screen: i32, x: i32, y: i32) -> Result<(), HostError> {
        let ContextMenuTarget::Param(id) = target else { return Err(HostError::Message("no parameter")) };
        desk(&self.calls).menus.push((id.get(), x, y));
        Ok(())
    }
}

impl HostTimerImpl for MainThread {
    fn register_timer(&self, period_ms: u32) -> Result<TimerId, HostError> {
        let mut desk = desk(&self.calls);
        desk.next += 1;
        desk.started += 1;
        let id = desk.next;
        desk.timers.insert(id, (Duration::from_millis(u64::from(period_ms)), Instant::now()));
        Ok(TimerId(id))
    }

    fn unregister_timer(&self, timer_id: TimerId) -> Result<(), HostError> {
        let mut desk = desk(&self.calls);
        desk.ended_in_a_tick += u32::from(desk.ticking);
        let known = desk.timers.remove(&timer_id.0);
        known.map(|_| ()).ok_or(HostError::Message("an unknown timer"))
    }
}

/// An open editor in a window of the host's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// The host's.
    pub parent: u32,
    /// The plug-in's, in it.
    pub child: u32,
}

impl Plugin {
    /// Opens the editor as Bitwig does: the plug-in's window must be mapped, in its size, when `set_parent` returns.
    ///
    /// # Panics
    /// If the plug-in has no editor, or refuses.
    pub fn open_editor(&mut self, screen: &Screen) -> Window {
        self.create_editor();
        self.attach_editor(screen)
    }

    /// Creates it, without a window.
    ///
    /// # Panics
    /// If the plug-in has no editor, or refuses.
    pub fn create_editor(&mut self) {
        self.gui(|gui, handle| {
            let api_type = GuiApiType::X11;
            let config = GuiConfiguration { api_type, is_floating: false };
            assert!(gui.is_api_supported(handle, config), "X11 is supported");
            gui.create(handle, config).expect("create always succeeds");
        });
    }

    /// Width and height of a created one, in physical pixels.
    ///
    /// # Panics
    /// If there is none.
    pub fn editor_size(&mut self) -> (u32, u32) {
        let size = self.gui(|gui, handle| gui.get_size(handle));
        let size = size.expect("the size is known before there is a window");
        (size.width, size.height)
    }

    /// Says how many physical pixels a logical one has; true if the plug-in can do that.
    pub fn scale_editor(&mut self, scale: f64) -> bool {
        self.gui(|gui, handle| gui.set_scale(handle, scale).is_ok())
    }

    /// Puts a created one, or one that is in a window already, into another window of the host's.
    ///
    /// # Panics
    /// If the plug-in refuses, or its window is not there when `set_parent` returns.
    pub fn attach_editor(&mut self, screen: &Screen) -> Window {
        let (width, height) = self.editor_size();
        let side = |side: u32| u16::try_from(side).expect("a small window");
        let parent = screen.window(side(width), side(height));
        self.gui(|gui, handle| {
            let window = clack_extensions::gui::Window::from_x11_handle(parent.into());
            // The window lives until `close_editor`.
            set_parent(gui, handle, window).expect("the plug-in takes its parent");
        });
        let children = screen.children(parent);
        assert_eq!(children.len(), 1, "the plug-in has one window in the host's when set_parent returns");
        let child = children[0];
        assert!(screen.is_seen(child), "and it is mapped");
        assert_eq!(screen.size(child), (width, height), "and of the size that was announced");
        self.gui(|gui, handle| {
            // Not all hosts call it; it must not matter.
            let _ = gui.show(handle);
        });
        Window { parent, child }
    }

    /// Opens it in a window of the plug-in's own, above `parent`, and answers that window.
    ///
    /// # Panics
    /// If the plug-in refuses.
    pub fn float_editor(&mut self, screen: &Screen, parent: u32, title: &CStr) -> u32 {
        let before = screen.toplevels();
        self.gui(|gui, handle| {
            let config = GuiConfiguration { api_type: GuiApiType::X11, is_floating: true };
            assert!(gui.is_api_supported(handle, config), "X11 is supported");
            gui.create(handle, config).expect("a floating editor");
            let window = clack_extensions::gui::Window::from_x11_handle(parent.into());
            set_transient(gui, handle, window).expect("it stays above the host's");
            gui.suggest_title(handle, title);
            gui.show(handle).expect("shown");
        });
        let new = screen.toplevels().into_iter().filter(|id| !before.contains(id));
        let new: Vec<u32> = new.filter(|id| screen.is_seen(*id)).collect();
        assert_eq!(new.len(), 1, "one window more on the desktop");
        new[0]
    }

    /// Floating windows that the user has closed, as far as the plug-in has said so.
    #[must_use]
    pub fn windows_closed(&self) -> u32 {
        desk(self.calls()).closed
    }

    /// Shows or hides it.
    ///
    /// # Panics
    /// If the plug-in refuses.
    pub fn show_editor(&mut self, visible: bool) {
        let done = self.gui(|gui, handle| if visible { gui.show(handle) } else { gui.hide(handle) });
        done.expect("shown or hidden");
    }

    /// Closes it, the plug-in first.
    pub fn close_editor(&mut self, screen: &Screen, window: Window) {
        self.gui(|gui, handle| gui.destroy(handle));
        let left = screen.children(window.parent);
        assert!(
            left.is_empty(),
            "windows left in the host's: {left:x?} of {window:x?}; {:?}",
            self.calls().lines()
        );
        screen.destroy(window.parent);
    }

    /// Sizes that the plug-in has asked for.
    #[must_use]
    pub fn sizes_asked(&self) -> Vec<(u32, u32)> {
        desk(self.calls()).sizes.clone()
    }

    /// Menus of parameters that the plug-in has asked for: id, and the place in its window.
    #[must_use]
    pub fn menus(&self) -> Vec<(u32, i32, i32)> {
        desk(self.calls()).menus.clone()
    }

    /// Timers that the plug-in has asked for.
    #[must_use]
    pub fn timers_started(&self) -> u32 {
        desk(self.calls()).started
    }

    /// Lets the plug-in close it, and looks no further.
    pub fn abandon_editor(&mut self) {
        self.gui(|gui, handle| gui.destroy(handle));
    }

    /// Activates and deactivates on another thread, and returns once the plug-in's configuration is locked.
    pub fn activate_elsewhere(&mut self, setup: Setup) -> JoinHandle<()> {
        let raw = Raw(std::ptr::from_ref(self.instance().raw_instance()));
        let hold =
            std::thread::Builder::new().name("host-activates".to_owned()).spawn(move || raw.activate(setup));
        let hold = hold.expect("a thread");
        self.wait_until("the lock is held", |plugin| plugin.save().is_none());
        hold
    }

    /// Drags the host's window to another size: the plug-in adjusts it, the host sets it.
    ///
    /// # Panics
    /// If the plug-in refuses its own size.
    pub fn resize_editor(&mut self, screen: &Screen, window: Window, width: u32, height: u32) -> (u32, u32) {
        let size = self.gui(|gui, handle| {
            let size = gui.adjust_size(handle, GuiSize { width, height }).expect("a size");
            gui.set_size(handle, size).expect("its own size");
            size
        });
        screen.resize(window.parent, size.width, size.height);
        (size.width, size.height)
    }

    /// Sets a size without asking whether it suits, as some hosts do.
    ///
    /// # Panics
    /// If the plug-in refuses.
    pub fn force_editor(&mut self, screen: &Screen, window: Window, width: u32, height: u32) {
        let size = GuiSize { width, height };
        self.gui(|gui, handle| gui.set_size(handle, size)).expect("any size");
        screen.resize(window.parent, width, height);
    }

    /// True if the editor may be resized by the user.
    pub fn editor_resizes(&mut self) -> bool {
        self.gui(|gui, handle| gui.can_resize(handle))
    }

    /// True if the plug-in offers an editor at all.
    pub fn has_editor(&mut self) -> bool {
        self.ask(Phase::Query, |handle| handle.get_extension::<PluginGui>().is_some())
    }

    fn gui<R>(&mut self, call: impl FnOnce(&PluginGui, &PluginMainThreadHandle<'_>) -> R) -> R {
        self.ask(Phase::Query, |handle| {
            let gui = handle.get_extension::<PluginGui>().expect("the plug-in has an editor");
            call(&gui, handle)
        })
    }

    /// Ticks the timers that are due.
    pub(crate) fn tick_timers(&mut self) {
        let now = Instant::now();
        let due: Vec<u32> = {
            let calls = self.calls();
            let mut desk = desk(calls);
            let due = |(id, (period, last)): (&u32, &mut (Duration, Instant))| {
                (now.duration_since(*last) >= *period).then(|| {
                    *last = now;
                    *id
                })
            };
            let due: Vec<u32> = desk.timers.iter_mut().filter_map(due).collect();
            desk.ticks += u32::try_from(due.len()).expect("few");
            due
        };
        for id in due {
            desk(self.calls()).ticking = true;
            self.ask(Phase::MainThread, |handle| {
                if let Some(timer) = handle.get_extension::<PluginTimer>() {
                    timer.on_timer(handle, TimerId(id));
                }
            });
            let mut desk = desk(self.calls());
            desk.ticking = false;
            assert_eq!(desk.ended_in_a_tick, 0, "no timer ends inside the host's own tick");
        }
    }
}

/// The plug-in, for another thread.
struct Raw(*const clap_sys::plugin::clap_plugin);

#[allow(unsafe_code, reason = "a host that activates on a worker; harness, DESIGN 9.9")]
// SAFETY: the test keeps the plug-in until it has joined the thread.
unsafe impl Send for Raw {}

impl Raw {
    #[allow(unsafe_code, reason = "a host that activates on a worker; harness, DESIGN 9.9")]
    fn activate(self, setup: Setup) {
        // SAFETY: the test keeps the plug-in until it has joined this thread, and calls nothing of its audio half.
        unsafe {
            let plugin = &*self.0;
            let (activate, deactivate) =
                (plugin.activate.expect("activate"), plugin.deactivate.expect("deactivate"));
            assert!(activate(plugin, setup.rate, 1, setup.max_frames), "activated");
            deactivate(plugin);
        }
    }
}

#[allow(unsafe_code, reason = "clack cannot know how long a window lives; harness, DESIGN 9.9")]
fn set_transient(
    gui: &PluginGui,
    handle: &PluginMainThreadHandle<'_>,
    window: clack_extensions::gui::Window<'_, '_>,
) -> Result<(), GuiError> {
    // SAFETY: the test destroys the host's window last.
    unsafe { gui.set_transient(handle, window) }
}

#[allow(unsafe_code, reason = "clack cannot know how long a window lives; harness, DESIGN 9.9")]
fn set_parent(
    gui: &PluginGui,
    handle: &PluginMainThreadHandle<'_>,
    window: clack_extensions::gui::Window<'_, '_>,
) -> Result<(), GuiError> {
    // SAFETY: the host's window is destroyed in `close_editor`, after the plug-in's, or with the whole X server.
    unsafe { gui.set_parent(handle, window) }
}
