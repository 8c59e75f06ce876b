//! A shell for tests: a store in a map, behind a real `ShellApi`.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use hotshell_abi::describe::param_host_id;
use hotshell_abi::table::StoreHandle;
use hotshell_abi::{ByteSink, Bytes, MeterCell, ParamCell, ShellApi, Status, StoreRef, Str};

type Field = (Vec<u8>, u64, u32);

/// Written by a state load that had no such field: the version counts, the bytes are none.
pub const GONE: u32 = 2;

#[derive(Default)]
pub struct Fake {
    pub params: BTreeMap<u32, Box<ParamCell>>,
    pub meters: BTreeMap<String, Box<[MeterCell]>>,
    /// Bytes, version, and whether the user wrote them.
    pub fields: Mutex<BTreeMap<String, Field>>,
    pub lines: Mutex<Vec<String>>,
    pub owners: AtomicUsize,
    /// Runs once, between the next read or write of a field's bytes and the answer to it.
    pub meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Fake {
    pub fn new(params: &[(&str, f64)]) -> Arc<Self> {
        let params =
            params.iter().map(|(id, value)| (param_host_id(id), Box::new(ParamCell::new(*value)))).collect();
        Arc::new(Self { params, ..Self::default() })
    }

    pub fn handle(&self) -> StoreHandle {
        std::ptr::from_ref(self).cast()
    }

    pub fn store(&self) -> StoreRef {
        // SAFETY: the table is a static, and every test keeps its `Fake` beyond all of its owners.
        unsafe { StoreRef::retain(&raw const API, self.handle()) }.unwrap()
    }

    pub fn write(&self, id: &str, bytes: &[u8], user: u32) -> u64 {
        let mut fields = self.fields.lock().unwrap();
        let field = fields.entry(id.to_owned()).or_default();
        *field = (bytes.to_vec(), field.1 + 1, user);
        field.1
    }

    fn answering(&self) {
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
    }
}

/// # Safety
/// `store` is a live `Fake`.
unsafe fn of<'a>(store: *const c_void) -> &'a Fake {
    // SAFETY: by contract.
    unsafe { &*store.cast::<Fake>() }
}

#[expect(clippy::cast_possible_truncation, reason = "a table of some ten pointers")]
const SIZE: u32 = size_of::<ShellApi>() as u32;

pub static API: ShellApi = ShellApi {
    magic: hotshell_abi::MAGIC,
    epoch: hotshell_abi::EPOCH,
    size: SIZE,
    retain,
    release,
    param_cell,
    meter_cells,
    field_version,
    field_read,
    field_write,
    log,
    rt_log: log,
};

unsafe extern "C" fn retain(store: StoreHandle) {
    // SAFETY: tests keep the store.
    unsafe { of(store) }.owners.fetch_add(1, SeqCst);
}

unsafe extern "C" fn release(store: StoreHandle) {
    // SAFETY: tests keep the store.
    unsafe { of(store) }.owners.fetch_sub(1, SeqCst);
}

unsafe extern "C" fn param_cell(store: StoreHandle, host_id: u32) -> *const ParamCell {
    // SAFETY: tests keep the store.
    unsafe { of(store) }.params.get(&host_id).map_or(std::ptr::null(), |cell| &raw const **cell)
}

unsafe extern "C" fn meter_cells(store: StoreHandle, id: Str<'_>, channels: u32) -> *const MeterCell {
    // SAFETY: tests keep the store.
    match unsafe { of(store) }.meters.get(id.as_str()) {
        Some(cells) if cells.len() == channels as usize => cells.as_ptr(),
        _ => std::ptr::null(),
    }
}

unsafe extern "C" fn field_version(store: StoreHandle, id: Str<'_>) -> u64 {
    // SAFETY: tests keep the store.
    unsafe { of(store) }.fields.lock().unwrap().get(id.as_str()).map_or(0, |field| field.1)
}

unsafe extern "C" fn field_read(
    store: StoreHandle,
    id: Str<'_>,
    out: *mut ByteSink<'_>,
    version: *mut u64,
) -> Status {
    // SAFETY: tests keep the store; `StoreRef` passes live locals.
    let (store, out, version) = unsafe { (of(store), &mut *out, &mut *version) };
    let found = store.fields.lock().unwrap().get(id.as_str()).cloned();
    store.answering();
    let Some((bytes, found, _)) = found.filter(|field| field.2 != GONE) else { return Status::NOT_SUPPORTED };
    *version = found;
    out.write(&bytes)
}

unsafe extern "C" fn field_write(
    store: StoreHandle,
    id: Str<'_>,
    bytes: Bytes<'_>,
    user: u32,
    version: *mut u64,
) -> Status {
    // SAFETY: tests keep the store; `StoreRef` passes a live local.
    let (store, version) = unsafe { (of(store), &mut *version) };
    *version = store.write(id.as_str(), bytes.as_slice(), user);
    store.answering();
    Status::OK
}

unsafe extern "C" fn log(store: StoreHandle, level: u32, text: Str<'_>) {
    // SAFETY: tests keep the store.
    unsafe { of(store) }.lines.lock().unwrap().push(format!("{level}: {}", text.as_str()));
}
