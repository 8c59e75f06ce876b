//! The functions that a shell hands to an editor: `EditorHost` over an [`EditorOwner`].
//!
//! Called by: the logic's editor, through the table. Calls: [`EditorAccess`], which the editor-proxy implements.
//! Threads: [editor]; never [audio].
//!
//! Every function catches panics here: the editor is another library's, and a panic must die where it is raised.

#![allow(unsafe_code, reason = "DESIGN 9.9: the receiving end of the boundary")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hotshell_abi::editor::{EditorField, EditorHost, EditorHostHandle, EditorNote, EditorSize};
use hotshell_abi::{ByteSink, Bytes, EPOCH, MAGIC, Slice, Status, Str, Track};

/// What an open editor may ask for. None of it may wait for [main] or the host. [editor]
pub trait EditorAccess: Send + Sync {
    /// The user takes hold of a parameter.
    fn begin(&self, host_id: u32);
    /// The user has moved it; its cell holds the value already.
    fn perform(&self, host_id: u32, plain: f64);
    /// The user lets go.
    fn end(&self, host_id: u32);
    /// Another size, in logical pixels.
    fn request_resize(&self, size: EditorSize);
    /// The first frame is on the window.
    fn drawn(&self);
    /// It cannot go on.
    fn failed(&self, why: &str);
    /// Whose the keys are.
    fn wants_keys(&self, wanted: bool);
    /// What the host says of the track. [any] but audio
    fn track(&self) -> Option<Track> {
        None
    }
    /// Frames from the main output to what is heard; 0: not known. [any] but audio
    fn presentation_latency(&self) -> u32 {
        0
    }
    /// The user presses a key of a drawn keyboard: its number, or 0 if it is not played.
    fn play(&self, note: EditorNote) -> u32;
    /// The user lets go of it.
    fn stop(&self, played: u32);
    /// The user asks for the host's menu of a parameter, at a place in physical pixels.
    fn host_menu(&self, host_id: u32, x: i32, y: i32);
    /// Where parameters stand, all of them, later ones on top.
    fn fields(&self, fields: &[EditorField]) {
        let _ = fields;
    }
    /// What the window remembers of itself, whole.
    fn remember(&self, memory: &[u8]) {
        let _ = memory;
    }
    /// What a window of this instance remembered last. [any] but audio
    fn remembered(&self) -> Arc<[u8]> {
        Arc::default()
    }
}

/// One open editor's place in the shell. An `Arc<EditorOwner>`'s address is the `EditorHostHandle`.
pub struct EditorOwner {
    access: Arc<dyn EditorAccess>,
}

impl EditorOwner {
    /// Wraps it for the boundary.
    #[must_use]
    pub fn new(access: Arc<dyn EditorAccess>) -> Arc<Self> {
        Arc::new(Self { access })
    }
}

impl std::fmt::Debug for EditorOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EditorOwner")
    }
}

/// The one table of this shell.
pub static EDITOR_HOST: EditorHost = EditorHost {
    magic: MAGIC,
    epoch: EPOCH,
    #[expect(clippy::cast_possible_truncation, reason = "a table of a dozen functions")]
    size: size_of::<EditorHost>() as u32,
    retain,
    release,
    begin,
    perform,
    end,
    request_resize,
    drawn,
    failed,
    wants_keys,
    track,
    presentation_latency,
    play,
    stop,
    host_menu,
    fields,
    remember,
    remembered,
};

/// What `call` answers; nothing much for a null context, or after a panic.
fn guarded<T: Default>(context: EditorHostHandle, call: impl FnOnce(&dyn EditorAccess) -> T) -> T {
    if context.is_null() {
        return T::default();
    }
    // SAFETY: the handle is the address of an `Arc<EditorOwner>` of which the caller is an owner (`retain`), so it is
    // alive during the call.
    let owner = unsafe { &*context.cast::<EditorOwner>() };
    catch_unwind(AssertUnwindSafe(|| call(owner.access.as_ref()))).unwrap_or_else(|payload| {
        // Its drop may panic again, and would do so across the boundary.
        std::mem::forget(payload);
        T::default()
    })
}

unsafe extern "C" fn retain(context: EditorHostHandle) {
    if !context.is_null() {
        // SAFETY: the address of a live `Arc<EditorOwner>` (the caller owns one or was lent one for this call).
        unsafe { Arc::increment_strong_count(context.cast::<EditorOwner>()) }
    }
}

unsafe extern "C" fn release(context: EditorHostHandle) {
    if context.is_null() {
        return;
    }
    // SAFETY: the caller gives up the ownership that `retain` gave it.
    let owner = unsafe { Arc::from_raw(context.cast::<EditorOwner>()) };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(owner))) {
        std::mem::forget(payload);
    }
}

unsafe extern "C" fn begin(context: EditorHostHandle, host_id: u32) {
    guarded(context, |editor| editor.begin(host_id));
}

unsafe extern "C" fn perform(context: EditorHostHandle, host_id: u32, plain: f64) {
    guarded(context, |editor| editor.perform(host_id, plain));
}

unsafe extern "C" fn end(context: EditorHostHandle, host_id: u32) {
    guarded(context, |editor| editor.end(host_id));
}

unsafe extern "C" fn request_resize(context: EditorHostHandle, size: EditorSize) {
    guarded(context, |editor| editor.request_resize(size));
}

unsafe extern "C" fn drawn(context: EditorHostHandle) {
    guarded(context, |editor| editor.drawn());
}

unsafe extern "C" fn failed(context: EditorHostHandle, why: Str<'_>) {
    guarded(context, |editor| editor.failed(why.as_str()));
}

unsafe extern "C" fn wants_keys(context: EditorHostHandle, wanted: u32) {
    guarded(context, |editor| editor.wants_keys(wanted != 0));
}

unsafe extern "C" fn track(context: EditorHostHandle, out: *mut Track) -> u32 {
    // SAFETY: the table's contract: null or a live `Track` of the caller's.
    let Some(out) = (unsafe { out.as_mut() }) else { return 0 };
    guarded(context, |editor| {
        let said = editor.track();
        let is_said = said.is_some();
        if let Some(track) = said {
            *out = track;
        }
        u32::from(is_said)
    })
}

unsafe extern "C" fn presentation_latency(context: EditorHostHandle) -> u32 {
    guarded(context, |editor| editor.presentation_latency())
}

unsafe extern "C" fn play(context: EditorHostHandle, note: *const EditorNote) -> u32 {
    // SAFETY: the table's contract: null or readable for the call.
    let Some(note) = (unsafe { note.as_ref() }).copied() else { return 0 };
    guarded(context, |editor| editor.play(note))
}

unsafe extern "C" fn stop(context: EditorHostHandle, played: u32) {
    guarded(context, |editor| editor.stop(played));
}

unsafe extern "C" fn host_menu(context: EditorHostHandle, host_id: u32, x: i32, y: i32) {
    guarded(context, |editor| editor.host_menu(host_id, x, y));
}

unsafe extern "C" fn fields(context: EditorHostHandle, fields: Slice<'_, EditorField>) {
    guarded(context, |editor| editor.fields(fields.as_slice()));
}

unsafe extern "C" fn remember(context: EditorHostHandle, memory: Bytes<'_>) {
    guarded(context, |editor| editor.remember(memory.as_slice()));
}

unsafe extern "C" fn remembered(context: EditorHostHandle, out: *mut ByteSink<'_>) -> Status {
    // SAFETY: the table's contract: null or a live sink of the caller's.
    let Some(out) = (unsafe { out.as_mut() }) else { return Status::BAD_ARGUMENT };
    out.write(&guarded(context, |editor| editor.remembered()))
}
