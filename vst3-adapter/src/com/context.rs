//! What a host says of itself before it has anything to handle: the context that it gives to the factory, and the one
//! that it gives to `initialize`.
//!
//! Called by: `factory`, `com/component`, `instance`. Calls: the host. Threads: [main] by VST3's rules; safe from any.

#![allow(unsafe_code, reason = "DESIGN 9.9: the host's interfaces are C's")]

use parking_lot::Mutex;
use vst3::Steinberg::Vst::{IHostApplication, IHostApplicationTrait};
use vst3::Steinberg::{FUnknown, kResultOk};
use vst3::{ComPtr, ComRef, Interface};

/// A context, while there is one.
#[derive(Default)]
pub(crate) struct Context(Mutex<Option<ComPtr<FUnknown>>>);

impl Context {
    /// # Safety
    /// `context` is null or the host's, valid for the call; we count a reference of our own.
    pub(crate) unsafe fn set(&self, context: *mut FUnknown) {
        // SAFETY: by this function's contract.
        let context = unsafe { ComRef::from_raw(context) }.map(|context| context.to_com_ptr());
        let old = std::mem::replace(&mut *self.0.lock(), context);
        // The host's own code: not under the lock.
        drop(old);
    }

    /// Lets the host's object go.
    pub(crate) fn clear(&self) {
        let old = self.0.lock().take();
        drop(old);
    }

    /// Name of the host; empty if it does not say.
    pub(crate) fn name(&self) -> String {
        let Some(application) = self.cast::<IHostApplication>() else { return String::new() };
        let mut name = [0; 128];
        // SAFETY: the reference in hand keeps the object alive; `name` is ours.
        let result = unsafe { application.getName(&raw mut name) };
        if result == kResultOk { super::narrow(&name) } else { String::new() }
    }

    /// What else it is, if it is that.
    pub(crate) fn cast<I: Interface>(&self) -> Option<ComPtr<I>> {
        // Never under the lock: the host is asked.
        let context = self.0.lock().clone();
        context?.cast()
    }
}
