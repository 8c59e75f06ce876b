//! Our end of the connection to the host: what a shell may ask of it, and the calls on the component handler.
//!
//! Called by: the shell (through [`Host`]), `instance`. Calls: the host. Threads: [`Link`] [any]; [`Handler`] [main].
//!
//! VST3 has no main-thread call that a plug-in could ask for: what there is to tell waits for the next safe call
//! (FORMATS 3). So nothing that a shell asks for, on the audio thread least of all, reaches the host.

#![allow(unsafe_code, reason = "DESIGN 9.9: the host's interfaces are C's")]

use std::sync::Arc;

use hotshell_core::host::{Host, Level};
use parking_lot::Mutex;
use vst3::Steinberg::FUnknown;
use vst3::Steinberg::Vst::{
    IComponentHandler, IComponentHandler2, IComponentHandler2Trait, IComponentHandlerTrait, IHostApplication,
    IHostApplicationTrait,
};
use vst3::Steinberg::kResultOk;
use vst3::{ComPtr, ComRef};

/// The host, as the shell knows it.
#[derive(Debug, Default)]
pub(crate) struct Link {
    name: String,
}

impl Link {
    /// For the host behind `name`.
    pub(crate) fn new(name: String) -> Arc<Self> {
        Arc::new(Self { name })
    }

    /// The shell's handle on it.
    pub(crate) fn for_shell(self: &Arc<Self>) -> Box<dyn Host> {
        Box::new(ForShell(Arc::clone(self)))
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

struct ForShell(Arc<Link>);

impl Host for ForShell {
    fn name(&self) -> &str {
        &self.0.name
    }

    /// A host that is told at once needs none.
    fn request_restart(&self) {}

    /// VST3 hosts process as long as the plug-in is processing.
    fn request_process(&self) {}

    /// Each safe call looks for changes, asked for or not.
    fn request_callback(&self) {}

    /// VST3 has no log. What matters to an author goes through the slot's report as well.
    fn log(&self, _level: Level, _text: &str) {}
}

/// Name of the host behind a context; empty if it does not say.
///
/// # Safety
/// `context` is null or an object of the host's that is valid for the call.
pub(crate) unsafe fn name_of(context: *mut FUnknown) -> String {
    // SAFETY: by this function's contract; `name` is ours.
    unsafe {
        let Some(application) =
            ComRef::from_raw(context).and_then(|context| context.cast::<IHostApplication>())
        else {
            return String::new();
        };
        let mut name = [0; 128];
        let result = application.getName(&raw mut name);
        if result == kResultOk { crate::com::narrow(&name) } else { String::new() }
    }
}

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

    pub(crate) fn is_set(&self) -> bool {
        self.0.lock().is_some()
    }

    /// Never under a lock: hosts call back from inside.
    fn get(&self) -> Option<ComPtr<IComponentHandler>> {
        self.0.lock().clone()
    }

    /// [main], in a safe call.
    pub(crate) fn restart(&self, flags: i32) {
        if let (Some(handler), true) = (self.get(), flags != 0) {
            // SAFETY: the reference in hand keeps the object alive.
            unsafe { handler.restartComponent(flags) };
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
