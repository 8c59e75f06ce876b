//! Whose the keys are, on X11: a key goes to the window under the pointer, if that one asks for keys, even while the
//! host's window has the keyboard. So an editor's window asks for them only while it has a use for them.
//!
//! Called by: `guard`, `egui`. Calls: X11, through the window's own connection. Threads: the window's own. An X error is
//! an answer here, and ends nothing.

use std::cell::Cell;

use baseview::{PlatformHandle, WindowContext};
use raw_window_handle::{HasDisplayHandle, HasWindowHandle, RawDisplayHandle, RawWindowHandle};
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt, EventMask, InputFocus};
use x11rb::xcb_ffi::XCBConnection;

/// One window's keys.
pub(crate) struct Keys {
    native: Option<Native>,
    wanted: Cell<bool>,
}

struct Native {
    // Before what keeps it open.
    connection: XCBConnection,
    _handle: PlatformHandle,
    window: u32,
    /// What the window asks for beside keys.
    mask: EventMask,
}

impl Keys {
    /// They are the host's until the editor wants them.
    pub(crate) fn of(window: &WindowContext) -> Self {
        let keys = Self { native: Native::of(window), wanted: Cell::new(false) };
        if let Some(native) = &keys.native {
            native.ask(false);
        }
        keys
    }

    /// The editor wants them, or does not any more. With them comes the keyboard; the shell gives it back.
    pub(crate) fn set(&self, wanted: bool) {
        if self.wanted.replace(wanted) != wanted
            && let Some(native) = &self.native
        {
            native.ask(wanted);
        }
    }
}

impl Native {
    fn of(window: &WindowContext) -> Option<Self> {
        let handle = window.platform_handle();
        let id = match handle.window_handle().ok()?.as_raw() {
            RawWindowHandle::Xcb(xcb) => xcb.window.get(),
            RawWindowHandle::Xlib(xlib) => u32::try_from(xlib.window).ok()?,
            _ => return None,
        };
        let RawDisplayHandle::Xcb(display) = handle.display_handle().ok()?.as_raw() else { return None };
        // SAFETY: the connection is baseview's, and stays open as long as `handle`, which is kept and dropped later.
        let connection =
            unsafe { XCBConnection::from_raw_xcb_connection(display.connection?.as_ptr(), false) };
        let connection = connection.ok()?;
        let mask = connection.get_window_attributes(id).ok()?.reply().ok()?.your_event_mask;
        let mask = mask.remove(EventMask::KEY_PRESS).remove(EventMask::KEY_RELEASE);
        Some(Self { connection, _handle: handle, window: id, mask })
    }

    fn ask(&self, keys: bool) {
        let more = EventMask::KEY_PRESS | EventMask::KEY_RELEASE;
        let mask = if keys { self.mask | more } else { self.mask };
        let attributes = ChangeWindowAttributesAux::new().event_mask(mask);
        // A window that is gone gets no keys either.
        let _ = self.connection.change_window_attributes(self.window, &attributes).map(|sent| sent.check());
        if keys {
            let sent = self.connection.set_input_focus(InputFocus::PARENT, self.window, x11rb::CURRENT_TIME);
            let _ = sent.map(|sent| sent.check());
        }
    }
}

/// Physical pixels to a logical one, as the desktop says. baseview goes by it, whatever the host says.
#[cfg(feature = "egui")]
pub(crate) fn own_scale() -> Option<f64> {
    let (connection, _) = x11rb::rust_connection::RustConnection::connect(None).ok()?;
    let resources = x11rb::resource_manager::new_from_default(&connection).ok()?;
    let dpi = resources.get_value::<u32>("Xft.dpi", "").ok()??;
    (dpi > 0).then(|| f64::from(dpi) / 96.0)
}
