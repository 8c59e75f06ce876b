//! The two tables of functions: what the shell calls, and what the logic may call back.
//!
//! Called by: `hotshell-core/instance` calls [`LogicApi`], `hotshell-logic/export` fills it; the other way round for
//! [`ShellApi`]. Calls: nothing. Threads: the tag at each field.
//!
//! Two opaque objects live behind the table. The *shared half* is the author's `Params` bound to one store: Sync,
//! used by [main] and [reload], never by [audio] through the table. The *logic* is the author's `Self`: owned by one
//! thread at a time. A logic keeps its shared half alive by itself.

use core::ffi::c_void;

use crate::editor::{EditorArgs, EditorDesc, EditorHandle, EditorKey, EditorSize};
use crate::snapshot::SnapshotBuffer;
use crate::{
    AbiCanary, AudioConfig, ByteSink, Bytes, MeterCell, ParamCell, PluginDesc, ProcessArgs, Reason, Slice,
    Status, Str, TextBuffer,
};

/// Type of the exported function [`LOGIC_SYMBOL`](crate::LOGIC_SYMBOL): the table of plug-in `index`, null past the
/// last. [reload] [main]
pub type LogicEntry = extern "C" fn(index: u32) -> *const LogicApi;

/// Opaque: the author's `Params`, bound.
pub type SharedHandle = *mut c_void;
/// Opaque: the author's `Self`.
pub type LogicHandle = *mut c_void;
/// Opaque: one instance's store in the shell.
pub type StoreHandle = *const c_void;

/// Shell to logic. Every function catches panics inside and answers [`Status::PANICKED`].
#[repr(C)]
#[derive(Debug)]
pub struct LogicApi {
    /// [`MAGIC`](crate::MAGIC).
    pub magic: u64,
    /// [`EPOCH`](crate::EPOCH).
    pub epoch: u32,
    /// Size of this table in bytes, as the logic was built.
    pub size: u32,
    /// What the logic was built with.
    pub canary: *const AbiCanary,
    /// [main] [reload]. The build's description, valid as long as the library (for ever).
    pub describe: unsafe extern "C" fn(out: *mut *const PluginDesc<'static>) -> Status,
    /// [any]. Message and place of the last panic that a function of this library caught, and forgets it.
    pub last_panic: unsafe extern "C" fn(out: *mut TextBuffer) -> Status,

    /// [main] [reload]. Makes a shared half: every field bound by id to cells of `store` (retained through `shell`).
    /// Fields without a cell keep one of their own.
    pub bind:
        unsafe extern "C" fn(shell: *const ShellApi, store: StoreHandle, out: *mut SharedHandle) -> Status,
    /// [main] [reload]. Releases the shared half.
    pub unbind: unsafe extern "C" fn(shared: SharedHandle) -> Status,
    /// [main] [reload]. Reads persistent and kept fields again whose version in the store has moved. Fields that fail
    /// to decode show their default; their ids and reasons, one a line, go to `message`, with [`Status::REFUSED`].
    pub sync: unsafe extern "C" fn(shared: SharedHandle, message: *mut ByteSink<'_>) -> Status,
    /// [main]. Text of `value` (plain) for parameter `index` of the description.
    pub param_text:
        unsafe extern "C" fn(shared: SharedHandle, index: u32, value: f64, out: *mut TextBuffer) -> Status,
    /// [main]. Plain value of `text`, clamped to the range; [`Status::REFUSED`] if it means none.
    pub param_parse:
        unsafe extern "C" fn(shared: SharedHandle, index: u32, text: Str<'_>, out: *mut f64) -> Status,
    /// [main]. The author's own state bytes.
    pub save_state: unsafe extern "C" fn(shared: SharedHandle, out: *mut ByteSink<'_>) -> Status,
    /// [main]. The author's own state bytes back; on [`Status::REFUSED`] the reason is in `message`.
    pub load_state:
        unsafe extern "C" fn(shared: SharedHandle, bytes: Bytes<'_>, message: *mut ByteSink<'_>) -> Status,
    /// [main]. An older document (`version` < the description's `state_version`) made current. `out` receives the
    /// whole new document on [`Status::OK`]; on [`Status::REFUSED`] the reason is in `message`.
    pub migrate_state: unsafe extern "C" fn(
        version: u32,
        document: Slice<'_, StateEntry<'_>>,
        out: *mut StateSink<'_>,
        message: *mut ByteSink<'_>,
    ) -> Status,
    /// [main]. Bytes that are not ours; [`Status::NOT_SUPPORTED`] if the author does not know them either.
    pub import_state: unsafe extern "C" fn(bytes: Bytes<'_>, out: *mut StateSink<'_>) -> Status,

    /// [main] [reload]. Makes a logic on a shared half.
    pub create: unsafe extern "C" fn(
        shared: SharedHandle,
        args: *const CreateArgs<'_>,
        out: *mut LogicHandle,
    ) -> Status,
    /// [main] [reload]. Drops it.
    pub destroy: unsafe extern "C" fn(logic: LogicHandle) -> Status,
    /// [main] [reload]. Sizes everything; reports latency and tail.
    pub reset:
        unsafe extern "C" fn(logic: LogicHandle, config: *const AudioConfig, out: *mut ResetReport) -> Status,
    /// [audio]. Forgets all sound.
    pub clear: unsafe extern "C" fn(logic: LogicHandle) -> Status,
    /// [audio]. One sub-block.
    pub process: unsafe extern "C" fn(logic: LogicHandle, args: *mut ProcessArgs<'_>) -> Status,
    /// [audio]. Writes the swap's snapshot.
    pub snapshot: unsafe extern "C" fn(logic: LogicHandle, out: *mut SnapshotBuffer<'_>) -> Status,
    /// [audio]. Reads the old instance's snapshot; `replay_notes` gets 1 if held notes must be replayed, else 0.
    pub restore: unsafe extern "C" fn(logic: LogicHandle, from: Bytes<'_>, replay_notes: *mut u32) -> Status,

    /// [main] [editor]. Size and rules of the author's editor; [`Status::NOT_SUPPORTED`] if he has none.
    pub editor_describe: unsafe extern "C" fn(shared: SharedHandle, out: *mut EditorDesc) -> Status,
    /// [editor]. Opens an editor, unmapped, as a child of the shell's window. May take its time. All further calls on
    /// it come from the same thread. On [`Status::REFUSED`] the reason is in `message`.
    pub editor_open: unsafe extern "C" fn(
        shared: SharedHandle,
        args: *const EditorArgs,
        out: *mut EditorHandle,
        message: *mut ByteSink<'_>,
    ) -> Status,
    /// [editor]. Closes it: no call of its host's after this returns.
    pub editor_close: unsafe extern "C" fn(editor: EditorHandle) -> Status,
    /// [editor]. Maps (1) or unmaps (0) its window.
    pub editor_show: unsafe extern "C" fn(editor: EditorHandle, visible: u32) -> Status,
    /// [editor]. The shell's window has this size, in physical pixels.
    pub editor_resize: unsafe extern "C" fn(editor: EditorHandle, size: EditorSize) -> Status,
    /// [editor]. Physical pixels to a logical one.
    pub editor_scale: unsafe extern "C" fn(editor: EditorHandle, scale: f64) -> Status,
    /// [editor]. A key that the host passed on; [`Status::NOT_SUPPORTED`] if the editor has no use for it.
    pub editor_key: unsafe extern "C" fn(editor: EditorHandle, key: *const EditorKey) -> Status,
    /// [editor]. What the host says of the plug-in's surroundings ([`EditorHost`](crate::editor::EditorHost)) has changed:
    /// it is drawn again.
    pub editor_repaint: unsafe extern "C" fn(editor: EditorHandle) -> Status,
}

/// Logic to shell. Every function catches panics inside.
#[repr(C)]
#[derive(Debug)]
pub struct ShellApi {
    /// [`MAGIC`](crate::MAGIC).
    pub magic: u64,
    /// [`EPOCH`](crate::EPOCH).
    pub epoch: u32,
    /// Size of this table in bytes, as the shell was built.
    pub size: u32,
    /// [any but audio]. One more owner of the store.
    pub retain: unsafe extern "C" fn(store: StoreHandle),
    /// [any but audio]. One owner less; the last one frees the store and every cell in it.
    pub release: unsafe extern "C" fn(store: StoreHandle),
    /// [main] [reload]. The cell of a parameter, or null; valid as long as the store.
    pub param_cell: unsafe extern "C" fn(store: StoreHandle, host_id: u32) -> *const ParamCell,
    /// [main] [reload]. `channels` consecutive meter cells, or null; valid as long as the store.
    pub meter_cells: unsafe extern "C" fn(store: StoreHandle, id: Str<'_>, channels: u32) -> *const MeterCell,
    /// [any but audio]. Version of a persistent field's bytes, counted up by each write; 0: never written.
    pub field_version: unsafe extern "C" fn(store: StoreHandle, id: Str<'_>) -> u64,
    /// [any but audio]. A persistent field's bytes and, in `version`, which they are; [`Status::NOT_SUPPORTED`] if
    /// never written.
    pub field_read: unsafe extern "C" fn(
        store: StoreHandle,
        id: Str<'_>,
        out: *mut ByteSink<'_>,
        version: *mut u64,
    ) -> Status,
    /// [any but audio]. Writes a persistent field's bytes. `user` 1: the user edited it, the project is dirty.
    pub field_write: unsafe extern "C" fn(
        store: StoreHandle,
        id: Str<'_>,
        bytes: Bytes<'_>,
        user: u32,
        version: *mut u64,
    ) -> Status,
    /// [any but audio]. One line for the host's log and the `dev` terminal. `level` as CLAP: 0 debug, 1 info,
    /// 2 warning, 3 error.
    pub log: unsafe extern "C" fn(store: StoreHandle, level: u32, text: Str<'_>),
    /// [audio]. The same without waiting or allocating: at most 120 bytes, dropped when the ring is full.
    pub rt_log: unsafe extern "C" fn(store: StoreHandle, level: u32, text: Str<'_>),
}

// SAFETY: the table is never written after it is made; its pointers lead to functions and to `'static` constants.
unsafe impl Sync for LogicApi {}
// SAFETY: as above.
unsafe impl Send for LogicApi {}

/// Arguments of `create`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CreateArgs<'a> {
    /// Why.
    pub reason: Reason,
    /// Number of the build; 0: linked into the shell.
    pub build: u32,
    /// Host's name and version, or empty.
    pub host: Str<'a>,
    /// `"clap"`, `"vst3"` or `"rig"`.
    pub format: Str<'a>,
}

/// Answer of `reset`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ResetReport {
    /// Frames.
    pub latency: u32,
    /// 0.
    pub reserved: u32,
    /// Frames; `u64::MAX` infinite.
    pub tail: u64,
}

/// One entry of a decoded state document.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct StateEntry<'a> {
    /// [`StateEntry::PARAM`] and friends.
    pub kind: u32,
    /// 0.
    pub reserved: u32,
    /// Dotted id; empty for `OWN`.
    pub id: Str<'a>,
    /// Plain value of a parameter.
    pub value: f64,
    /// Bytes of a field or of the author's own state; for an enum parameter its variant's id, else empty.
    pub bytes: Bytes<'a>,
}

impl StateEntry<'_> {
    /// A parameter's value.
    pub const PARAM: u32 = 0;
    /// A persistent field's bytes.
    pub const FIELD: u32 = 1;
    /// What `save_state` wrote.
    pub const OWN: u32 = 2;
}

/// Where `migrate_state` and `import_state` put entries: a callback into the shell.
#[repr(C)]
pub struct StateSink<'a> {
    context: *mut c_void,
    push: unsafe extern "C" fn(context: *mut c_void, entry: *const StateEntry<'_>) -> Status,
    _borrow: core::marker::PhantomData<&'a mut ()>,
}

/// A receiver of state entries, on the shell's side.
pub trait StateReceiver {
    /// Takes a copy of one entry.
    fn receive(&mut self, entry: &StateEntry<'_>);
}

impl<'a> StateSink<'a> {
    /// A sink into `target`.
    pub fn new<T: StateReceiver>(target: &'a mut T) -> Self {
        Self {
            context: core::ptr::from_mut(target).cast(),
            push: push_entry::<T>,
            _borrow: core::marker::PhantomData,
        }
    }

    /// Passes one entry on.
    pub fn push(&mut self, entry: &StateEntry<'_>) -> Status {
        // SAFETY: `context` and `push` were paired by `new`, whose borrow lasts for `'a`.
        unsafe { (self.push)(self.context, entry) }
    }
}

/// # Safety
/// `context` is the `&mut T` of [`StateSink::new`]; `entry` is readable.
unsafe extern "C" fn push_entry<T: StateReceiver>(
    context: *mut c_void,
    entry: *const StateEntry<'_>,
) -> Status {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        // SAFETY: by this function's contract.
        let (target, entry) = unsafe { (&mut *context.cast::<T>(), &*entry) };
        target.receive(entry);
    }));
    match done {
        Ok(()) => Status::OK,
        Err(payload) => {
            core::mem::forget(payload);
            Status::PANICKED
        }
    }
}
