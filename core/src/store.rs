//! What outlives builds, for one plug-in instance: parameter cells, meters, persistent fields, logs.
//!
//! Called by: `instance` (behind the boundary's `ShellApi`), `shell`, `state`, `reload/prepare`. Calls: `params`,
//! `store/{fields,meters,log,ring}`. Threads: [any but audio] unless a method says [any].
//!
//! Always in an `Arc`: every build that is bound to it owns it too, so cells are freed after the last of them.

mod fields;
mod log;
mod meters;
mod ring;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hotshell_abi::{MeterCell, ParamCell, PluginDesc};

pub use fields::{Field, Scope};

use crate::host::Level;
use crate::params::Parameters;
use crate::rt::shell_api::StoreAccess;
use fields::Fields;
use log::Lines;
use meters::Meters;
use ring::Ring;

/// Everything of one instance that a new build finds again.
pub struct Store {
    params: Arc<dyn Parameters>,
    meters: Meters,
    fields: Fields,
    lines: Lines,
    ring: Ring,
    state_generation: AtomicU64,
    extra: parking_lot::Mutex<crate::state::Extra>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("meters", &self.meters)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

impl StoreAccess for Store {
    fn param_cell(&self, host_id: u32) -> Option<&ParamCell> {
        Self::param_cell(self, host_id)
    }
    fn meter_cells(&self, id: &str, channels: usize) -> Option<&[MeterCell]> {
        Self::meter_cells(self, id, channels)
    }
    fn field_version(&self, id: &str) -> u64 {
        Self::field_version(self, id)
    }
    fn field_read(&self, id: &str) -> Option<(Vec<u8>, u64)> {
        Self::field_read(self, id).map(|(bytes, version)| (bytes.to_vec(), version))
    }
    fn field_write(&self, id: &str, bytes: &[u8], user: bool) -> Option<u64> {
        Self::field_write(self, id, bytes, user)
    }
    fn log(&self, level: Level, text: &str) {
        Self::log(self, level, text);
    }
    fn rt_log(&self, level: Level, text: &str) {
        Self::rt_log(self, level, text);
    }
}

impl Store {
    /// An empty store around the parameters of the same instance. [main]
    #[must_use]
    pub fn new(params: Arc<dyn Parameters>) -> Arc<Self> {
        Arc::new(Self {
            params,
            meters: Meters::default(),
            fields: Fields::default(),
            lines: Lines::default(),
            ring: Ring::new(),
            state_generation: AtomicU64::new(0),
            extra: parking_lot::Mutex::default(),
        })
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &Arc<dyn Parameters> {
        &self.params
    }

    /// Makes room for a build's fields and meters; before it is bound. [main] [reload]
    pub fn declare(&self, build: &PluginDesc<'_>) {
        for field in build.persists.as_slice() {
            self.fields.declare(field.id.as_str(), Scope::from_number(field.scope));
        }
        self.meters.declare(build.meters.as_slice());
    }

    /// Every lock of the store, for the test that plays on meanwhile.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Sized + '_ {
        (self.lines.hold(), self.fields.hold(), self.meters.hold(), self.extra.lock())
    }

    #[cfg(test)]
    pub(crate) fn declare_for_test(&self, id: &str, scope: Scope) {
        self.fields.declare(id, scope);
    }

    /// The cell to bind a parameter to, planned ones included; never moved or freed while the store lives.
    /// [main] [reload]
    #[must_use]
    pub fn param_cell(&self, host_id: u32) -> Option<&ParamCell> {
        self.params.cell(self.params.bind(host_id)?)
    }

    /// `channels` consecutive meter cells for `id`, the same as before if that many fit there; never freed while the
    /// store lives. `None` (said once per id) if the instance's cells are used up. [main] [reload]
    #[must_use]
    pub fn meter_cells(&self, id: &str, channels: usize) -> Option<&[MeterCell]> {
        let found = self.meters.bind(id, channels);
        if found.is_none() && self.meters.first_refusal(id) {
            let most = hotshell_abi::MAX_METERS;
            self.log(
                Level::Warning,
                &format!("meter \"{id}\" stays dark: all {most} meter channels are in use"),
            );
        }
        found
    }

    /// A meter's channels, for whoever shows them: valid across reloads, `None` before any build had it.
    #[must_use]
    pub fn meter(&self, id: &str) -> Option<&[MeterCell]> {
        self.meters.get(id)
    }

    /// Version of a field's bytes, counted up by each write and each load; 0: never written.
    #[must_use]
    pub fn field_version(&self, id: &str) -> u64 {
        self.fields.version(id)
    }

    /// A field's bytes and their version; `None` if never written, or if a loaded state had none.
    #[must_use]
    pub fn field_read(&self, id: &str) -> Option<(Arc<[u8]>, u64)> {
        self.fields.read(id)
    }

    /// Writes a field and answers its new version; `None` for an id that no build has declared. `user`: the user
    /// edited it, so the project is dirty (kept fields never make it dirty).
    pub fn field_write(&self, id: &str, bytes: &[u8], user: bool) -> Option<u64> {
        self.fields.write(id, bytes, user)
    }

    /// Counts every write of every field: whether one of them moved since. [any]
    #[must_use]
    pub fn fields_version(&self) -> u64 {
        self.fields.total()
    }

    /// True once after fields that the user edited. [main]
    #[must_use]
    pub fn take_dirty(&self) -> bool {
        self.fields.take_dirty()
    }

    /// All fields by id, declared or only kept for a build that may come. [main]
    #[must_use]
    pub fn fields(&self) -> std::collections::BTreeMap<String, Field> {
        self.fields.all()
    }

    /// Replaces saved fields by those of a state; `preset` leaves those of project scope alone. Kept fields stay.
    pub(crate) fn load_fields(
        &self,
        fields: &std::collections::BTreeMap<String, crate::state::SavedField>,
        preset: bool,
    ) {
        self.fields.load(fields, preset);
    }

    /// What a loaded state held beyond what this shell knows.
    pub(crate) fn extra(&self) -> crate::state::Extra {
        self.extra.lock().clone()
    }

    pub(crate) fn set_extra(&self, extra: crate::state::Extra) {
        *self.extra.lock() = extra;
    }

    /// One line for the host's log and the `dev` terminal: kept until [`Store::drain_logs`]; of too many at once, the
    /// first are kept and the rest counted.
    pub fn log(&self, level: Level, text: &str) {
        self.lines.push(level, text);
    }

    /// The same from [audio]: wait-free, cut at 120 bytes, counted and dropped while the ring is full. [any]
    pub fn rt_log(&self, level: Level, text: &str) {
        self.ring.push(level, text);
    }

    /// Hands out all lines so far, oldest first, those of [audio] after the others. [main] [reload]
    pub fn drain_logs(&self, mut each: impl FnMut(Level, &str)) {
        self.lines.drain(&mut each);
        self.ring.drain(&mut each);
    }

    /// Counts loaded states: the logic hears `state_changed` before the first block after a change. [any]
    #[must_use]
    pub fn state_generation(&self) -> u64 {
        self.state_generation.load(Ordering::Acquire)
    }

    /// A state has been loaded; everything written before is visible to whoever sees the new count. [main]
    pub fn bump_state_generation(&self) {
        self.state_generation.fetch_add(1, Ordering::Release);
    }
}
