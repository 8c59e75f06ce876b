//! The shared half behind the table: bind, sync, texts.
//!
//! Called by: the shell, through the table. Calls: the author's `Params` and texts. Threads: [main] [reload].

#![allow(unsafe_code, reason = "DESIGN 9.9 names core/logic/src/export: pointers that cross the boundary")]

use std::sync::Arc;

use hotshell_abi::table::{SharedHandle, StoreHandle};
use hotshell_abi::{ByteSink, PluginDesc, Sample, ShellApi, Status, StoreRef, Str, TextBuffer};

use crate::context::Level;
use crate::export::describe::description;
use crate::export::logger;
use crate::export::panic::gate;
use crate::params::build::ParamRecord;
use crate::params::persist::SyncField;
use crate::params::text::Text;
use crate::params::{Params, ParamsBuilder, Smoother};
use crate::plugin::PluginLogicCore;

/// What a `SharedHandle` points to.
pub(crate) struct Shared<P> {
    pub(crate) params: Arc<P>,
    pub(crate) parts: Arc<Parts>,
}

/// What the thunks need of a shared half, whatever its type.
pub(crate) struct Parts {
    fields: Vec<Arc<dyn SyncField>>,
    pub(crate) params: Vec<ParamRecord>,
    pub(crate) smoothers: Vec<Smoother>,
    pub(crate) store: StoreRef,
}

impl<P: Params> Shared<P> {
    /// # Safety
    /// `handle` is null or came from `bind` of the same plug-in and was not released.
    pub(crate) unsafe fn of<'a>(handle: SharedHandle) -> Option<&'a Self> {
        // SAFETY: by contract; the shared half is only ever borrowed shared.
        unsafe { handle.cast::<Self>().as_ref() }
    }

    fn bind(store: StoreRef) -> Self {
        let mut builder = ParamsBuilder::bound(&store);
        let params = Arc::new(P::build(&mut builder));
        let found = builder.found;
        let parts = Parts { fields: found.fields, params: found.params, smoothers: found.smoothers, store };
        for line in parts.sync() {
            parts.store.log(Level::Warning as u32, &line);
        }
        Self { params, parts: Arc::new(parts) }
    }
}

impl Parts {
    /// Reads moved fields again; answers why some did not decode.
    fn sync(&self) -> Vec<String> {
        self.fields.iter().filter_map(|field| field.sync().err()).collect()
    }
}

pub(crate) unsafe extern "C" fn describe<G: PluginLogicCore<S>, S: Sample>(
    out: *mut *const PluginDesc<'static>,
) -> Status {
    if out.is_null() {
        return Status::BAD_ARGUMENT;
    }
    gate(|| {
        let made = description::<G, S>();
        // SAFETY: not null, and by the table's contract writable.
        unsafe { *out = made };
        Status::OK
    })
}

pub(crate) unsafe extern "C" fn bind<G: PluginLogicCore<S>, S: Sample>(
    shell: *const ShellApi,
    store: StoreHandle,
    out: *mut SharedHandle,
) -> Status {
    if out.is_null() {
        return Status::BAD_ARGUMENT;
    }
    gate(|| {
        // SAFETY: the table's contract: a shell's table is valid for ever and the store is alive during the call.
        let Some(store) = (unsafe { StoreRef::retain(shell, store) }) else { return Status::BAD_ARGUMENT };
        let shared = Shared::<G::Params>::bind(store);
        let store = shared.parts.store.clone();
        let handle: SharedHandle = Box::into_raw(Box::new(shared)).cast();
        logger::attach(handle.addr(), &store);
        // SAFETY: not null, and by the table's contract writable.
        unsafe { *out = handle };
        Status::OK
    })
}

pub(crate) unsafe extern "C" fn unbind<G: PluginLogicCore<S>, S: Sample>(shared: SharedHandle) -> Status {
    if shared.is_null() {
        return Status::BAD_ARGUMENT;
    }
    gate(|| {
        logger::detach(shared.addr());
        // SAFETY: the handle came from `bind`'s `Box::into_raw`, and the shell releases it once.
        drop(unsafe { Box::from_raw(shared.cast::<Shared<G::Params>>()) });
        Status::OK
    })
}

pub(crate) unsafe extern "C" fn sync<G: PluginLogicCore<S>, S: Sample>(
    shared: SharedHandle,
    message: *mut ByteSink<'_>,
) -> Status {
    gate(|| {
        // SAFETY: the table's contract on handles and sinks.
        let (shared, message) = unsafe { (Shared::<G::Params>::of(shared), message.as_mut()) };
        let Some(shared) = shared else { return Status::BAD_ARGUMENT };
        let failures = shared.parts.sync();
        if failures.is_empty() { Status::OK } else { refuse(&failures.join("\n"), message) }
    })
}

/// Puts `reason` where the shell looks for it.
pub(crate) fn refuse(reason: &str, message: Option<&mut ByteSink<'_>>) -> Status {
    if let Some(message) = message {
        // A sink that failed has said so to its owner; the refusal stands either way.
        let _ = message.write(reason.as_bytes());
    }
    Status::REFUSED
}

fn text_of<P: Params>(shared: &Shared<P>, index: u32) -> Option<&Text> {
    shared.parts.params.get(usize::try_from(index).ok()?).map(|param| &param.text)
}

pub(crate) unsafe extern "C" fn param_text<G: PluginLogicCore<S>, S: Sample>(
    shared: SharedHandle,
    index: u32,
    value: f64,
    out: *mut TextBuffer,
) -> Status {
    gate(|| {
        // SAFETY: the table's contract on handles and buffers.
        let (shared, out) = unsafe { (Shared::<G::Params>::of(shared), out.as_mut()) };
        let (Some(shared), Some(out)) = (shared, out) else { return Status::BAD_ARGUMENT };
        let Some(text) = text_of(shared, index) else { return Status::BAD_ARGUMENT };
        out.clear();
        if text.write(value, out).is_ok() { Status::OK } else { Status::TRUNCATED }
    })
}

pub(crate) unsafe extern "C" fn param_parse<G: PluginLogicCore<S>, S: Sample>(
    shared: SharedHandle,
    index: u32,
    text: Str<'_>,
    out: *mut f64,
) -> Status {
    gate(|| {
        // SAFETY: the table's contract on handles and results.
        let (shared, out) = unsafe { (Shared::<G::Params>::of(shared), out.as_mut()) };
        let (Some(shared), Some(out)) = (shared, out) else { return Status::BAD_ARGUMENT };
        let Some(kind) = text_of(shared, index) else { return Status::BAD_ARGUMENT };
        match kind.parse(text.as_str()) {
            Some(value) => {
                *out = value;
                Status::OK
            }
            None => Status::REFUSED,
        }
    })
}
