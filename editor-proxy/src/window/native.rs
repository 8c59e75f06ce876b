//! X11, through the connection of the proxy's own window: what baseview leaves out.
//!
//! The host's window is listened to, so that ours follows a host that resizes it and says nothing. And the keyboard goes
//! back to whoever had it, as soon as an editor has it and has no use for it: toolkits take it with every click, and then a
//! host's space bar starts nothing.
//!
//! Called by: `window`, `panel`. Calls: X11. Threads: the window's own. An X error is an answer here, and ends nothing.

use std::cell::Cell;

use baseview::{PlatformHandle, WindowContext};
use hotshell_abi::editor::WindowHandle;
use raw_window_handle::{HasDisplayHandle, RawDisplayHandle};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt, EventMask, InputFocus};
use x11rb::xcb_ffi::XCBConnection;

use super::handle_of;

/// `PointerRoot` of the X protocol (section 10, SetInputFocus); below it there is only `None`.
const POINTER_ROOT: u32 = 1;

/// More windows than any host puts around a plug-in's.
const DEEPEST: u32 = 64;

/// The proxy's window, as X knows it.
pub(crate) struct Native {
    // Before what keeps it open.
    connection: XCBConnection,
    _handle: PlatformHandle,
    window: u32,
    parent: u32,
    /// Who had the keyboard last, of those that are not ours.
    before: Cell<u32>,
}

impl Native {
    /// `None` if the window is not one of X11's.
    pub(crate) fn of(window: &WindowContext, parent: WindowHandle) -> Option<Self> {
        let parent = u32::try_from(parent.handle).ok()?;
        let native = Self::around(window, parent)?;
        native.listen();
        native.remember();
        Some(native)
    }

    /// No key is `window`'s, a child of ours.
    pub(crate) fn leave_keys(window: &WindowContext) {
        if let Some(native) = Self::around(window, x11rb::NONE) {
            native.ask_for_no_keys();
        }
    }

    fn around(window: &WindowContext, parent: u32) -> Option<Self> {
        let handle = window.platform_handle();
        let id = u32::try_from(handle_of(&handle)?.handle).ok()?;
        let RawDisplayHandle::Xcb(display) = handle.display_handle().ok()?.as_raw() else { return None };
        // SAFETY: the connection is baseview's, and stays open as long as `handle`, which is kept and dropped later.
        let connection =
            unsafe { XCBConnection::from_raw_xcb_connection(display.connection?.as_ptr(), false) };
        let (connection, before) = (connection.ok()?, Cell::new(parent));
        Some(Self { connection, _handle: handle, window: id, parent, before })
    }

    /// The parent tells its size, and no key is ours.
    fn listen(&self) {
        let parent = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
        self.change(self.parent, &parent);
        self.ask_for_no_keys();
    }

    /// X gives a key to the window under the pointer, if that one asks for keys, even while the host's window has the
    /// keyboard.
    fn ask_for_no_keys(&self) {
        let mask = self.connection.get_window_attributes(self.window).ok().and_then(|sent| sent.reply().ok());
        if let Some(mask) = mask.map(|attributes| attributes.your_event_mask) {
            let mask = mask.remove(EventMask::KEY_PRESS).remove(EventMask::KEY_RELEASE);
            self.change(self.window, &ChangeWindowAttributesAux::new().event_mask(mask));
        }
    }

    fn change(&self, window: u32, to: &ChangeWindowAttributesAux) {
        // A window that is gone says nothing more.
        let _ = self.connection.change_window_attributes(window, to).map(|sent| sent.check());
    }

    fn focus(&self) -> Option<u32> {
        Some(self.connection.get_input_focus().ok()?.reply().ok()?.focus)
    }

    /// True if `window` is in ours.
    fn is_ours(&self, mut window: u32) -> bool {
        for _ in 0..DEEPEST {
            if window == self.window {
                return true;
            }
            let tree = self.connection.query_tree(window).ok().and_then(|sent| sent.reply().ok());
            match tree {
                Some(tree) if tree.parent != x11rb::NONE => window = tree.parent,
                _ => return false,
            }
        }
        false
    }

    /// True for "nobody", for "whoever is under the pointer" (which would be the editor again), and for the desktop.
    fn is_nobody(&self, focus: u32) -> bool {
        focus <= POINTER_ROOT || self.connection.setup().roots.iter().any(|screen| screen.root == focus)
    }

    /// Whoever has the keyboard gets it back later. For moments before an editor may take it.
    pub(crate) fn remember(&self) {
        if let Some(focus) = self.focus().filter(|focus| !self.is_nobody(*focus) && !self.is_ours(*focus)) {
            self.before.set(focus);
        }
    }

    /// Gives the keyboard back, if one of our windows has it.
    pub(crate) fn give_back(&self) {
        if !self.focus().is_some_and(|focus| self.is_ours(focus)) {
            return;
        }
        for window in [self.before.get(), self.parent] {
            let sent = self.connection.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME);
            // One that is gone or hidden cannot have it.
            if sent.is_ok_and(|sent| sent.check().is_ok()) {
                return;
            }
        }
    }
}
