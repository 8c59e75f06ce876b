//! X11: hears of it when the host destroys its window before it tells us, and ours with it. Toolkits go on drawing on
//! what is no window any more, faster and faster; so their editors are closed then.
//!
//! Called by: `window/platform`. Calls: `stage`. Threads: one of its own for each window, `hotshell-window`, which sleeps until the
//! window is gone, whoever destroys it, and ends with it.

use std::sync::{Arc, Weak};
use std::thread;

use hotshell_abi::editor::WindowHandle;
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt, EventMask};
use x11rb::rust_connection::RustConnection;

use crate::stage::Stage;

/// Tells `stage` when `window`, that of its `stay`, is gone.
pub(super) fn watch(window: WindowHandle, stage: &Arc<Stage>, stay: u64) {
    let stage = Arc::downgrade(stage);
    let run = move || {
        if u32::try_from(window.handle).is_ok_and(is_gone) {
            tell(&stage, stay);
        }
    };
    // Without it an editor in a destroyed window is closed when the host says so.
    let _ = thread::Builder::new().name("hotshell-window".to_owned()).spawn(run);
}

fn tell(stage: &Weak<Stage>, stay: u64) {
    if let Some(stage) = stage.upgrade() {
        stage.lose(stay);
    }
}

/// Returns when the window is gone: true. False if that cannot be known.
fn is_gone(window: u32) -> bool {
    let Ok((connection, _)) = RustConnection::connect(None) else { return false };
    let aux = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
    let listening = connection.change_window_attributes(window, &aux).map(|sent| sent.check());
    if !matches!(listening, Ok(Ok(()))) {
        // It is gone already, or the X server is.
        return connection.flush().is_ok();
    }
    while let Ok(event) = connection.wait_for_event() {
        if matches!(event, Event::DestroyNotify(event) if event.window == window) {
            return true;
        }
    }
    false
}
