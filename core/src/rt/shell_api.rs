//! The functions that a shell hands to its logic: `ShellApi` over a [`StoreOwner`].
//!
//! Called by: the logic, through the table. Calls: [`StoreAccess`], which the shell's store implements.
//! Threads: [any but audio], except `rt_log` and the drop of nothing: see each field of `ShellApi`.
//!
//! Every function catches panics here: the logic is another library, and a panic must die where it is raised.

#![allow(unsafe_code, reason = "DESIGN 9.9: the receiving end of the boundary")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;

use hotshell_abi::table::StoreHandle;
use hotshell_abi::{ByteSink, Bytes, EPOCH, MAGIC, MeterCell, ParamCell, ShellApi, Status, Str};

use crate::host::Level;

/// What a store offers to the logics bound to it. Cells live as long as the store.
pub trait StoreAccess: Send + Sync {
    /// The cell of a parameter.
    fn param_cell(&self, host_id: u32) -> Option<&ParamCell>;
    /// Consecutive meter cells.
    fn meter_cells(&self, id: &str, channels: usize) -> Option<&[MeterCell]>;
    /// Version of a field's bytes; 0: never written.
    fn field_version(&self, id: &str) -> u64;
    /// A field's bytes and their version.
    fn field_read(&self, id: &str) -> Option<(Vec<u8>, u64)>;
    /// Writes a field's bytes and answers their new version; `None` if refused.
    fn field_write(&self, id: &str, bytes: &[u8], user: bool) -> Option<u64>;
    /// One line. Not on [audio].
    fn log(&self, level: Level, text: &str);
    /// One line from [audio]: wait-free.
    fn rt_log(&self, level: Level, text: &str);
}

/// One instance's store behind the boundary. An `Arc<StoreOwner>`'s address is the `StoreHandle`.
pub struct StoreOwner {
    access: Arc<dyn StoreAccess>,
}

impl StoreOwner {
    /// Wraps a store for the boundary.
    #[must_use]
    pub fn new(access: Arc<dyn StoreAccess>) -> Arc<Self> {
        Arc::new(Self { access })
    }

    /// One line of the shell's own about the author's code. [any but audio]
    pub(crate) fn say(&self, level: Level, text: &str) {
        self.access.log(level, text);
    }
}

impl std::fmt::Debug for StoreOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreOwner")
    }
}

/// The one table of this shell.
pub static SHELL_API: ShellApi = ShellApi {
    magic: MAGIC,
    epoch: EPOCH,
    #[expect(clippy::cast_possible_truncation, reason = "a table of a dozen functions")]
    size: size_of::<ShellApi>() as u32,
    retain,
    release,
    param_cell,
    meter_cells,
    field_version,
    field_read,
    field_write,
    log,
    rt_log,
};

/// Runs `call` on the store; `or` after a panic or for a null store.
fn guarded<R>(store: StoreHandle, or: R, call: impl FnOnce(&dyn StoreAccess) -> R) -> R {
    if store.is_null() {
        return or;
    }
    // SAFETY: the handle is the address of an `Arc<StoreOwner>` of which the caller is an owner (`retain`), so it is
    // alive during the call.
    let owner = unsafe { &*store.cast::<StoreOwner>() };
    match catch_unwind(AssertUnwindSafe(|| call(owner.access.as_ref()))) {
        Ok(answer) => answer,
        Err(payload) => {
            // Its drop may panic again, and would do so across the boundary.
            std::mem::forget(payload);
            or
        }
    }
}

unsafe extern "C" fn retain(store: StoreHandle) {
    if !store.is_null() {
        // SAFETY: the address of a live `Arc<StoreOwner>` (the caller owns one or was lent one for this call).
        unsafe { Arc::increment_strong_count(store.cast::<StoreOwner>()) }
    }
}

unsafe extern "C" fn release(store: StoreHandle) {
    if store.is_null() {
        return;
    }
    // SAFETY: the caller gives up the ownership that `retain` gave it.
    let owner = unsafe { Arc::from_raw(store.cast::<StoreOwner>()) };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(owner))) {
        std::mem::forget(payload);
    }
}

unsafe extern "C" fn param_cell(store: StoreHandle, host_id: u32) -> *const ParamCell {
    guarded(store, ptr::null(), |store| store.param_cell(host_id).map_or(ptr::null(), ptr::from_ref))
}

unsafe extern "C" fn meter_cells(store: StoreHandle, id: Str<'_>, channels: u32) -> *const MeterCell {
    guarded(store, ptr::null(), |store| {
        store.meter_cells(id.as_str(), channels as usize).map_or(ptr::null(), <[MeterCell]>::as_ptr)
    })
}

unsafe extern "C" fn field_version(store: StoreHandle, id: Str<'_>) -> u64 {
    guarded(store, 0, |store| store.field_version(id.as_str()))
}

unsafe extern "C" fn field_read(
    store: StoreHandle,
    id: Str<'_>,
    out: *mut ByteSink<'_>,
    version: *mut u64,
) -> Status {
    if out.is_null() || version.is_null() {
        return Status::BAD_ARGUMENT;
    }
    let Some((bytes, found)) = guarded(store, None, |store| store.field_read(id.as_str())) else {
        return Status::NOT_SUPPORTED;
    };
    // SAFETY: both are the caller's live locals (`StoreRef::field_read`), not null.
    unsafe {
        *version = found;
        (*out).write(&bytes)
    }
}

unsafe extern "C" fn field_write(
    store: StoreHandle,
    id: Str<'_>,
    bytes: Bytes<'_>,
    user: u32,
    version: *mut u64,
) -> Status {
    if version.is_null() {
        return Status::BAD_ARGUMENT;
    }
    match guarded(store, None, |store| store.field_write(id.as_str(), bytes.as_slice(), user != 0)) {
        Some(written) => {
            // SAFETY: the caller's live local, not null.
            unsafe { *version = written };
            Status::OK
        }
        None => Status::REFUSED,
    }
}

unsafe extern "C" fn log(store: StoreHandle, level: u32, text: Str<'_>) {
    guarded(store, (), |store| store.log(Level::from_number(level), text.as_str()));
}

unsafe extern "C" fn rt_log(store: StoreHandle, level: u32, text: Str<'_>) {
    guarded(store, (), |store| store.rt_log(Level::from_number(level), text.as_str()));
}

#[cfg(test)]
mod tests;
