//! The host's component handler.
//!
//! Called by: `com/edit`, `instance`. Calls: the host. Threads: [main].

#![allow(unsafe_code, reason = "DESIGN 9.9: the host's interfaces are C's")]

use parking_lot::Mutex;
use vst3::Steinberg::Vst::{
    IComponentHandler, IComponentHandler2, IComponentHandler2Trait, IComponentHandlerTrait,
};
#[cfg(feature = "editor")]
use vst3::Steinberg::{
    IPlugView,
    Vst::{IComponentHandler3, IComponentHandler3Trait, IContextMenuTrait},
};
use vst3::{ComPtr, ComRef, Interface};

/// The host's component handler; null early, and in some hosts for ever.
#[derive(Default)]
pub(crate) struct Handler(Mutex<Option<ComPtr<IComponentHandler>>>);

impl Handler {
    /// # Safety
    /// `handler` is null or the host's, valid for the call; we count a reference of our own.
    pub(crate) unsafe fn set(&self, handler: *mut IComponentHandler) {
        // SAFETY: by this function's contract.
        let handler = unsafe { ComRef::from_raw(handler) }.map(|handler| handler.to_com_ptr());
        let old = std::mem::replace(&mut *self.0.lock(), handler);
        // The host's own code: not under the lock.
        drop(old);
    }

    /// Lets the host's object go.
    pub(crate) fn clear(&self) {
        let old = self.0.lock().take();
        drop(old);
    }

    /// Its lock, for the test that plays on meanwhile.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Sized + '_ {
        self.0.lock()
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.lock().is_some()
    }

    /// Never under a lock: hosts call back from inside.
    fn get(&self) -> Option<ComPtr<IComponentHandler>> {
        self.0.lock().clone()
    }

    /// What else it is, if it is that.
    pub(crate) fn cast<I: Interface>(&self) -> Option<ComPtr<I>> {
        self.get()?.cast()
    }

    /// The user takes hold of a parameter. [main], in a safe call.
    pub(crate) fn begin(&self, id: u32) {
        if let Some(handler) = self.get() {
            // SAFETY: the reference in hand keeps the object alive.
            unsafe { handler.beginEdit(id) };
        }
    }

    /// The user has moved it, 0 to 1. [main], in a safe call.
    pub(crate) fn perform(&self, id: u32, normalised: f64) {
        if let Some(handler) = self.get() {
            // SAFETY: as above.
            unsafe { handler.performEdit(id, normalised) };
        }
    }

    /// The user lets go. [main], in a safe call.
    pub(crate) fn end(&self, id: u32) {
        if let Some(handler) = self.get() {
            // SAFETY: as above.
            unsafe { handler.endEdit(id) };
        }
    }

    /// [main], in a safe call.
    pub(crate) fn restart(&self, flags: i32) {
        if let (Some(handler), true) = (self.get(), flags != 0) {
            // SAFETY: the reference in hand keeps the object alive.
            unsafe { handler.restartComponent(flags) };
        }
    }

    /// The host's menu of parameter `id`, at a place in physical pixels from the upper left corner of `view`. Nothing where
    /// the host has none. [main], in a safe call.
    ///
    /// # Safety
    /// `view` is alive when this is called.
    #[cfg(feature = "editor")]
    pub(crate) unsafe fn pop_up(&self, view: *mut IPlugView, id: u32, x: i32, y: i32) {
        let Some(handler) = self.get().and_then(|handler| handler.cast::<IComponentHandler3>()) else {
            return;
        };
        // SAFETY: the reference in hand keeps the handler alive, the caller the view; `id` is a live local. What comes back
        // is null or a menu with a reference that is ours.
        let menu = unsafe { ComPtr::from_raw(handler.createContextMenu(view, &raw const id)) };
        if let Some(menu) = menu {
            // SAFETY: the reference in hand keeps the menu alive.
            unsafe { menu.popup(x, y) };
        }
    }

    /// The user edited state that is not a parameter. [main], in a safe call.
    pub(crate) fn dirty(&self) {
        let handler = self.get().and_then(|handler| handler.cast::<IComponentHandler2>());
        if let Some(handler) = handler {
            // SAFETY: as above.
            unsafe { handler.setDirty(1) };
        }
    }
}
