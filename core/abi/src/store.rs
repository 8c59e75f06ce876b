//! The logic's safe handle on its instance's store in the shell.
//!
//! Called by: `hotshell-logic` (params). Calls: [`ShellApi`]. Threads: [any but audio]; bound cells may be used on any
//! thread.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::Arc;

use crate::table::StoreHandle;
use crate::{ByteSink, MeterCell, ParamCell, ShellApi, Slice, Status, Str};

/// One owner of a store. Cells bound through it stay valid as long as a clone of it lives, so an author who keeps his
/// `Params` beyond the instance's end reads stale values, never freed memory.
#[derive(Debug)]
pub struct StoreRef {
    api: NonNull<ShellApi>,
    store: StoreHandle,
    /// What meters are told goes nowhere. One flag for all clones.
    muted: Arc<AtomicBool>,
}

// SAFETY: the shell's functions behind the table may be called from any thread (each field's documentation), and the
// store they work on is shared between threads by design.
unsafe impl Send for StoreRef {}
// SAFETY: as above.
unsafe impl Sync for StoreRef {}

impl StoreRef {
    /// Takes one more ownership of `store`; `None` if the table is not one of ours.
    ///
    /// # Safety
    /// `api` is null or points to a `ShellApi` that is valid for ever; `store` is alive during the call and made for
    /// that table.
    #[must_use]
    pub unsafe fn retain(api: *const ShellApi, store: StoreHandle) -> Option<Self> {
        let api = NonNull::new(api.cast_mut())?;
        // SAFETY: by contract the table is readable; `magic`, `epoch` and `size` lie at its start in every version.
        let (magic, epoch, size) = unsafe {
            let api = api.as_ptr();
            ((*api).magic, (*api).epoch, (*api).size)
        };
        if magic != crate::MAGIC || epoch != crate::EPOCH || (size as usize) < size_of::<ShellApi>() {
            return None;
        }
        let made = Self { api, store, muted: Arc::default() };
        // SAFETY: the store is alive (contract), and the table is as large as ours (checked).
        unsafe { (made.api().retain)(store) };
        Some(made)
    }

    const fn api(&self) -> &ShellApi {
        // SAFETY: checked by `retain`, valid for ever by its contract.
        unsafe { self.api.as_ref() }
    }

    /// The parameter's cell, if the shell has one.
    #[must_use]
    pub fn param(&self, host_id: u32) -> Option<ParamRef> {
        // SAFETY: the store is alive as long as `self`.
        let cell = unsafe { (self.api().param_cell)(self.store, host_id) };
        Some(ParamRef(Cell::Shell { cell: NonNull::new(cell.cast_mut())?, _store: self.clone() }))
    }

    /// The meter's channels, if the shell has them.
    #[must_use]
    pub fn meter(&self, id: &str, channels: usize) -> Option<MeterRef> {
        let count = u32::try_from(channels).ok()?;
        // SAFETY: the store is alive as long as `self`; `id` outlives the call.
        let cells = unsafe { (self.api().meter_cells)(self.store, Str::new(id), count) };
        let cells = NonNull::new(cells.cast_mut())?;
        Some(MeterRef(Meters::Shell { cells, channels, store: self.clone() }))
    }

    /// While muted, meters that were bound through this handle or a clone of it show nothing new: the instance is heard
    /// by nobody, or is on its way out. [audio]
    #[inline]
    pub fn mute_meters(&self, muted: bool) {
        self.muted.store(muted, Relaxed);
    }

    /// Version of a persistent field's bytes; 0: never written.
    #[must_use]
    pub fn field_version(&self, id: &str) -> u64 {
        // SAFETY: the store is alive as long as `self`; `id` outlives the call.
        unsafe { (self.api().field_version)(self.store, Str::new(id)) }
    }

    /// A persistent field's bytes and their version; `None` if never written.
    #[must_use]
    pub fn field_read(&self, id: &str) -> Option<(Vec<u8>, u64)> {
        let (mut bytes, mut version) = (Vec::new(), 0);
        let mut sink = ByteSink::new(&mut bytes);
        // SAFETY: the store is alive as long as `self`; the other arguments outlive the call.
        let status =
            unsafe { (self.api().field_read)(self.store, Str::new(id), &raw mut sink, &raw mut version) };
        status.is_ok().then_some((bytes, version))
    }

    /// Writes a persistent field's bytes and answers their new version; `user`: the user edited it.
    ///
    /// # Errors
    /// The shell's status if it refused (an unknown id, a panic there).
    pub fn field_write(&self, id: &str, bytes: &[u8], user: bool) -> Result<u64, Status> {
        let mut version = 0;
        // SAFETY: the store is alive as long as `self`; the other arguments outlive the call.
        let status = unsafe {
            let user = u32::from(user);
            (self.api().field_write)(self.store, Str::new(id), Slice::new(bytes), user, &raw mut version)
        };
        if status.is_ok() { Ok(version) } else { Err(status) }
    }

    /// One line for the host's log. `level`: 0 debug, 1 info, 2 warning, 3 error.
    pub fn log(&self, level: u32, text: &str) {
        // SAFETY: the store is alive as long as `self`; `text` outlives the call.
        unsafe { (self.api().log)(self.store, level, Str::new(text)) }
    }

    /// The same from [audio]: wait-free, at most 120 bytes.
    pub fn rt_log(&self, level: u32, text: &str) {
        // SAFETY: the store is alive as long as `self`; `text` outlives the call.
        unsafe { (self.api().rt_log)(self.store, level, Str::new(text)) }
    }
}

impl Clone for StoreRef {
    fn clone(&self) -> Self {
        // SAFETY: the store is alive as long as `self`.
        unsafe { (self.api().retain)(self.store) };
        Self { api: self.api, store: self.store, muted: Arc::clone(&self.muted) }
    }
}

impl Drop for StoreRef {
    fn drop(&mut self) {
        // SAFETY: `self` is one owner, and gives it up here, once.
        unsafe { (self.api().release)(self.store) }
    }
}

/// A parameter's cell: the shell's, or one of its own where there is no shell (unit tests).
#[derive(Clone, Debug)]
pub struct ParamRef(Cell);

#[derive(Clone, Debug)]
enum Cell {
    Own(Arc<ParamCell>),
    Shell { cell: NonNull<ParamCell>, _store: StoreRef },
}

// SAFETY: `ParamCell` is made of atomics; `_store` keeps the shell's memory alive.
unsafe impl Send for ParamRef {}
// SAFETY: as above.
unsafe impl Sync for ParamRef {}

impl ParamRef {
    /// A cell of its own.
    #[must_use]
    pub fn own(value: f64) -> Self {
        Self(Cell::Own(Arc::new(ParamCell::new(value))))
    }
}

impl core::ops::Deref for ParamRef {
    type Target = ParamCell;

    #[inline]
    fn deref(&self) -> &ParamCell {
        match &self.0 {
            Cell::Own(cell) => cell,
            // SAFETY: the shell frees its cells after the last owner, and `_store` is one.
            Cell::Shell { cell, .. } => unsafe { cell.as_ref() },
        }
    }
}

/// A meter's channels: the shell's, or its own.
#[derive(Debug)]
pub struct MeterRef(Meters);

#[derive(Debug)]
enum Meters {
    Own(Arc<[MeterCell]>),
    Shell { cells: NonNull<MeterCell>, channels: usize, store: StoreRef },
}

// SAFETY: `MeterCell` is an atomic; `store` keeps the shell's memory alive.
unsafe impl Send for MeterRef {}
// SAFETY: as above.
unsafe impl Sync for MeterRef {}

impl MeterRef {
    /// `channels` cells of its own.
    #[must_use]
    pub fn own(channels: usize) -> Self {
        Self(Meters::Own((0..channels).map(|_| MeterCell::new()).collect()))
    }

    /// The channels to write to: none while the instance is muted. [audio]
    #[must_use]
    #[inline]
    pub fn heard(&self) -> &[MeterCell] {
        match &self.0 {
            Meters::Shell { store, .. } if store.muted.load(Relaxed) => &[],
            _ => self,
        }
    }
}

impl core::ops::Deref for MeterRef {
    type Target = [MeterCell];

    #[inline]
    fn deref(&self) -> &[MeterCell] {
        match &self.0 {
            Meters::Own(cells) => cells,
            // SAFETY: `meter_cells` answered `channels` consecutive cells, which live as long as `store`.
            Meters::Shell { cells, channels, .. } => unsafe {
                core::slice::from_raw_parts(cells.as_ptr(), *channels)
            },
        }
    }
}
