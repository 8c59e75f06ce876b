//! Windows and macOS: a key that a window does not use goes on to the host by itself.
//!
//! Called by: `guard`, `egui`. Calls: nothing. Threads: [main].

use baseview::WindowContext;

/// One window's keys.
pub(crate) struct Keys;

impl Keys {
    pub(crate) const fn of(_window: &WindowContext) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "X11's has something to do")]
    pub(crate) const fn set(&self, _wanted: bool) {}
}

/// The system's own scale, which the host passes on.
#[cfg(feature = "egui")]
pub(crate) const fn own_scale() -> Option<f64> {
    None
}
