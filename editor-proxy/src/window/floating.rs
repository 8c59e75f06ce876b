//! X11: a window of our own on the desktop, where a host asks for one, in the part that a host plays else: the proxy's
//! window lies in it.
//!
//! Called by: `proxy`. Calls: X11, through a connection of its own. Threads: [main]; its events come on a thread of their
//! own, `hotshell-window`, which ends with the window. An X server that does not answer (another client holds it) is waited
//! for no longer than anything else: what it has to answer is asked on a thread.

use std::sync::Arc;
use std::thread;

use hotshell_abi::editor::{EditorDesc, EditorSize, WindowHandle, WindowKind};
use x11rb::connection::Connection;
use x11rb::errors::ReplyOrIdError;
use x11rb::properties::WmSizeHints;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConfigureWindowAux, ConnectionExt, CreateWindowAux, EventMask, PropMode, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use hotshell_core::rt::pin::pin;
use hotshell_core::shell::GUI_LOCK_WAIT;

use super::platform::X_SERVER;
use crate::helper::within;

/// An unmapped window on the desktop. Dropped: destroyed.
pub(crate) struct Floating {
    connection: Arc<RustConnection>,
    window: u32,
    root: u32,
    name: Atom,
    utf8: Atom,
}

impl Floating {
    /// One of `size` physical pixels. `closed` is called, on any thread, when the user closes it; it stays until it is
    /// dropped.
    pub(crate) fn open(size: EditorSize, closed: impl Fn() + Send + 'static) -> Result<Self, String> {
        let made = within(X_SERVER, move || Self::make(size, closed).map_err(|error| error.to_string()));
        made.unwrap_or_else(|| Err("the X server did not answer".to_owned()))
    }

    /// What the X server answers in time.
    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&RustConnection) -> Option<T> + Send + 'static,
    ) -> Option<T> {
        let connection = Arc::clone(&self.connection);
        within(GUI_LOCK_WAIT, move || question(&connection)).flatten()
    }

    fn make(size: EditorSize, closed: impl Fn() + Send + 'static) -> Result<Self, ReplyOrIdError> {
        let (connection, screen) = RustConnection::connect(None)
            .map_err(|_| ReplyOrIdError::from(x11rb::errors::ConnectionError::UnknownError))?;
        let root = connection.setup().roots.get(screen).map_or(x11rb::NONE, |screen| screen.root);
        let atom = |name: &[u8]| connection.intern_atom(false, name);
        let (protocols, delete) = (atom(b"WM_PROTOCOLS")?, atom(b"WM_DELETE_WINDOW")?);
        let (name, utf8) = (atom(b"_NET_WM_NAME")?, atom(b"UTF8_STRING")?);
        let (protocols, delete) = (protocols.reply()?.atom, delete.reply()?.atom);
        let (name, utf8) = (name.reply()?.atom, utf8.reply()?.atom);
        let window = connection.generate_id()?;
        let aux = CreateWindowAux::new().background_pixel(0).event_mask(EventMask::STRUCTURE_NOTIFY);
        let (width, height) = sides(size);
        let (depth, visual) = (x11rb::COPY_DEPTH_FROM_PARENT, x11rb::COPY_FROM_PARENT);
        let class = WindowClass::INPUT_OUTPUT;
        connection
            .create_window(depth, window, root, 0, 0, width, height, 0, class, visual, &aux)?
            .check()?;
        let replace = PropMode::REPLACE;
        connection.change_property32(replace, window, protocols, AtomEnum::ATOM, &[delete])?.check()?;
        let connection = Arc::new(connection);
        let events = Arc::clone(&connection);
        // It may be in a last event when the host unmaps us.
        pin();
        let listen = move || listen(&events, window, delete, &closed);
        // Without it the user cannot close the window, and the host can.
        let _ = thread::Builder::new().name("hotshell-window".to_owned()).spawn(listen);
        Ok(Self { connection, window, root, name, utf8 })
    }

    /// What the proxy's window gets as its parent.
    pub(crate) fn handle(&self) -> WindowHandle {
        WindowHandle { kind: WindowKind::X11, reserved: 0, handle: u64::from(self.window) }
    }

    /// Stays above `window`, as a dialog does.
    pub(crate) fn stay_above(&self, window: WindowHandle) -> bool {
        let Ok(id) = u32::try_from(window.handle) else { return false };
        let (property, kind) = (AtomEnum::WM_TRANSIENT_FOR, AtomEnum::WINDOW);
        let ours = self.window;
        let set = move |connection: &RustConnection| {
            let sent = connection.change_property32(PropMode::REPLACE, ours, property, kind, &[id]);
            sent.ok()?.check().ok()
        };
        window.kind == WindowKind::X11 && self.ask(set).is_some()
    }

    /// What its bar says.
    pub(crate) fn set_title(&self, title: &str) {
        // A window without a title is a window all the same.
        let (replace, bytes) = (PropMode::REPLACE, title.as_bytes());
        let _ = self.connection.change_property8(replace, self.window, self.name, self.utf8, bytes);
        let (name, kind) = (AtomEnum::WM_NAME, AtomEnum::STRING);
        let _ = self.connection.change_property8(replace, self.window, name, kind, bytes);
        let _ = self.connection.flush();
    }

    /// The user resizes it inside the editor's limits.
    pub(crate) fn set_limits(&self, desc: &EditorDesc, scale: f64) {
        let side = |size: EditorSize| {
            let (width, height) = sides(size.scaled(scale));
            (i32::from(width), i32::from(height))
        };
        let (least, greatest) = if desc.resizable() { (desc.min, desc.max) } else { (desc.size, desc.size) };
        let hints =
            WmSizeHints { min_size: Some(side(least)), max_size: Some(side(greatest)), ..WmSizeHints::new() };
        let _ = hints.set_normal_hints(&*self.connection, self.window);
    }

    /// Another size, in physical pixels.
    pub(crate) fn resize(&self, size: EditorSize) -> bool {
        let (width, height) = sides(size);
        let aux = ConfigureWindowAux::new().width(u32::from(width)).height(u32::from(height));
        let window = self.window;
        self.ask(move |connection| connection.configure_window(window, &aux).ok()?.check().ok()).is_some()
    }

    /// Where on the screen a place of the window is. `None` too if the X server takes its time.
    pub(crate) fn on_screen(&self, x: i32, y: i32) -> Option<(i32, i32)> {
        let (window, root) = (self.window, self.root);
        let corner = self
            .ask(move |connection| connection.translate_coordinates(window, root, 0, 0).ok()?.reply().ok())?;
        Some((x.saturating_add(i32::from(corner.dst_x)), y.saturating_add(i32::from(corner.dst_y))))
    }

    /// Maps or unmaps it.
    pub(crate) fn show(&self, visible: bool) {
        let window = self.window;
        // One that comes up late comes up all the same.
        self.ask(move |connection| {
            let sent = if visible { connection.map_window(window) } else { connection.unmap_window(window) };
            sent.ok()?.check().ok()
        });
    }
}

impl Drop for Floating {
    fn drop(&mut self) {
        // What comes back ends the thread.
        let window = self.window;
        self.ask(move |connection| connection.destroy_window(window).ok()?.check().ok());
    }
}

/// X11's sides have 16 bits; [`EditorSize::MOST`] is less.
fn sides(size: EditorSize) -> (u16, u16) {
    let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX).max(1);
    (side(size.width), side(size.height))
}

fn listen(connection: &RustConnection, window: u32, delete: Atom, closed: &dyn Fn()) {
    while let Ok(event) = connection.wait_for_event() {
        match event {
            Event::ClientMessage(event) if event.window == window && event.data.as_data32()[0] == delete => {
                closed();
            }
            Event::DestroyNotify(event) if event.window == window => return,
            _ => {}
        }
    }
}
