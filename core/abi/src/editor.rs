//! Editors: what the shell tells a build's editor, and what the editor may call back.
//!
//! Called by: `hotshell-core/instance/editor` opens editors, `hotshell-logic/export/editor` makes them; the other way
//! round for [`EditorHost`]. Calls: nothing. Threads: the tag at each item; [editor] is the one thread that opened an
//! editor, and any thread that the editor draws on.
//!
//! Sizes of a description and of a wish are *logical* (96 to the inch); sizes of an open window are *physical* pixels.

use core::ffi::c_void;
use core::ptr::NonNull;

use crate::{ByteSink, Bytes, EPOCH, MAGIC, Slice, Status, Str, Track};

/// Opaque: one open editor of the logic's.
pub type EditorHandle = *mut c_void;
/// Opaque: what an open editor is to the shell.
pub type EditorHostHandle = *const c_void;

/// Which windowing system a [`WindowHandle`] belongs to.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WindowKind(pub u32);

impl WindowKind {
    /// X11: the handle is a window id.
    pub const X11: Self = Self(1);
    /// Windows: the handle is an `HWND`.
    pub const WIN32: Self = Self(2);
    /// macOS: the handle is an `NSView*`.
    pub const COCOA: Self = Self(3);
}

/// A native window. Valid as long as the shell keeps it, which is at least until the editor in it was closed.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WindowHandle {
    /// Windowing system.
    pub kind: WindowKind,
    /// 0.
    pub reserved: u32,
    /// What that system calls the window.
    pub handle: u64,
}

/// Width and height.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EditorSize {
    /// Left to right.
    pub width: u32,
    /// Top to bottom.
    pub height: u32,
}

impl EditorSize {
    /// Largest side that any host or windowing system is asked for.
    pub const MOST: u32 = 16_384;

    /// Both sides.
    #[must_use]
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Both sides times `factor`, rounded, between 1 and [`EditorSize::MOST`].
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1..=MOST before")]
    pub fn scaled(self, factor: f64) -> Self {
        let factor = if factor.is_finite() && factor > 0.0 { factor } else { 1.0 };
        let side = |side: u32| (f64::from(side) * factor).round().clamp(1.0, f64::from(Self::MOST)) as u32;
        Self { width: side(self.width), height: side(self.height) }
    }
}

/// Size and resize rules of a build's editor.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EditorDesc {
    /// Preferred size, logical.
    pub size: EditorSize,
    /// Least size, logical.
    pub min: EditorSize,
    /// Greatest size, logical.
    pub max: EditorSize,
    /// [`EditorDesc::RESIZABLE`] and friends.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
}

impl EditorDesc {
    /// The user may resize it between `min` and `max`.
    pub const RESIZABLE: u32 = 1;
    /// Only in the proportion of `size`.
    pub const KEEP_ASPECT: u32 = 2;

    /// True if the user may resize it.
    #[must_use]
    pub const fn resizable(&self) -> bool {
        self.flags & Self::RESIZABLE != 0
    }
}

/// A key, from a host that passes keys on.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EditorKey {
    /// Unicode scalar value of what it types; 0: nothing.
    pub character: u32,
    /// [`EditorKey::BACKSPACE`] and friends; 0: none of them.
    pub named: u32,
    /// [`EditorKey::SHIFT`] and friends.
    pub modifiers: u32,
    /// 1 pressed, 0 released.
    pub pressed: u32,
}

#[allow(missing_docs, reason = "the names of keys")]
impl EditorKey {
    pub const BACKSPACE: u32 = 1;
    pub const TAB: u32 = 2;
    pub const ENTER: u32 = 3;
    pub const ESCAPE: u32 = 4;
    pub const DELETE: u32 = 5;
    pub const LEFT: u32 = 6;
    pub const RIGHT: u32 = 7;
    pub const UP: u32 = 8;
    pub const DOWN: u32 = 9;
    pub const HOME: u32 = 10;
    pub const END: u32 = 11;
    pub const PAGE_UP: u32 = 12;
    pub const PAGE_DOWN: u32 = 13;

    pub const SHIFT: u32 = 1;
    pub const CONTROL: u32 = 2;
    pub const ALT: u32 = 4;
    pub const COMMAND: u32 = 8;
}

/// A note that the user plays in an editor.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct EditorNote {
    /// Key 0..=127.
    pub key: u8,
    /// MIDI channel 0..=15.
    pub channel: u8,
    /// Note port.
    pub port: u16,
    /// 0.
    pub reserved: u32,
    /// 0..=1.
    pub velocity: f64,
}

/// Where a parameter stands in an editor: a rectangle in physical pixels from the editor's upper left corner. Right and
/// bottom are no longer part of it.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EditorField {
    /// Host id of the parameter.
    pub host_id: u32,
    /// First column.
    pub left: i32,
    /// First row.
    pub top: i32,
    /// First column beside it.
    pub right: i32,
    /// First row below it.
    pub bottom: i32,
}

impl EditorField {
    /// True if the pixel at `x` and `y` is in it.
    #[must_use]
    pub const fn holds(&self, x: i32, y: i32) -> bool {
        self.left <= x && x < self.right && self.top <= y && y < self.bottom
    }
}

/// Arguments of `editor_open`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct EditorArgs {
    /// The shell's own window, mapped or about to be. The editor's becomes its child, at its upper left corner.
    pub parent: WindowHandle,
    /// Physical pixels.
    pub size: EditorSize,
    /// Physical pixels to a logical one.
    pub scale: f64,
    /// Number of the build; 0: linked into the shell.
    pub build: u32,
    /// 0.
    pub reserved: u32,
    /// What the editor may call; valid for ever.
    pub host: *const EditorHost,
    /// First argument of those calls.
    pub context: EditorHostHandle,
}

/// Editor to shell. Every function catches panics inside, and none ever waits for the host or for [main].
#[repr(C)]
#[derive(Debug)]
pub struct EditorHost {
    /// [`MAGIC`].
    pub magic: u64,
    /// [`EPOCH`].
    pub epoch: u32,
    /// Size of this table in bytes, as the shell was built.
    pub size: u32,
    /// [any but audio]. One more owner of the context.
    pub retain: unsafe extern "C" fn(context: EditorHostHandle),
    /// [any but audio]. One owner less.
    pub release: unsafe extern "C" fn(context: EditorHostHandle),
    /// [editor]. The user takes hold of a parameter.
    pub begin: unsafe extern "C" fn(context: EditorHostHandle, host_id: u32),
    /// [editor]. The user has moved it, to a plain value that the parameter's cell holds already.
    pub perform: unsafe extern "C" fn(context: EditorHostHandle, host_id: u32, plain: f64),
    /// [editor]. The user lets go.
    pub end: unsafe extern "C" fn(context: EditorHostHandle, host_id: u32),
    /// [editor]. The editor wants another size (logical). What comes of it is told by `editor_resize`.
    pub request_resize: unsafe extern "C" fn(context: EditorHostHandle, size: EditorSize),
    /// [editor]. The first frame is on the window.
    pub drawn: unsafe extern "C" fn(context: EditorHostHandle),
    /// [editor]. The editor cannot go on; why. It still waits to be closed.
    pub failed: unsafe extern "C" fn(context: EditorHostHandle, why: Str<'_>),
    /// [editor]. 1: a text field has the focus, keys are the editor's. 0: they are the host's.
    pub wants_keys: unsafe extern "C" fn(context: EditorHostHandle, wanted: u32),
    /// [any but audio]. What the host says of the track; 0, and nothing written, if it says nothing.
    pub track: unsafe extern "C" fn(context: EditorHostHandle, out: *mut Track) -> u32,
    /// [any but audio]. Frames from the main output to what is heard; 0: none, or the host does not say.
    pub presentation_latency: unsafe extern "C" fn(context: EditorHostHandle) -> u32,
    /// [editor]. The user presses a key of a keyboard that the editor draws: its number, for `stop`; 0 if it is not
    /// played.
    pub play: unsafe extern "C" fn(context: EditorHostHandle, note: *const EditorNote) -> u32,
    /// [editor]. The user lets go of the key with this number.
    pub stop: unsafe extern "C" fn(context: EditorHostHandle, played: u32),
    /// [editor]. The user asks for the host's menu of a parameter, at a place in physical pixels from the upper left
    /// corner of the editor.
    pub host_menu: unsafe extern "C" fn(context: EditorHostHandle, host_id: u32, x: i32, y: i32),
    /// [editor]. Where parameters stand, all of them, later ones on top; said again where it changes.
    pub fields: unsafe extern "C" fn(context: EditorHostHandle, fields: Slice<'_, EditorField>),
    /// [editor]. What the window remembers of itself, whole; it is no part of any state.
    pub remember: unsafe extern "C" fn(context: EditorHostHandle, memory: Bytes<'_>),
    /// [any but audio]. Appends what `remember` was told last, by whichever build's window of this instance.
    pub remembered: unsafe extern "C" fn(context: EditorHostHandle, out: *mut ByteSink<'_>) -> Status,
}

// SAFETY: the table is never written after it is made; its pointers lead to functions.
unsafe impl Sync for EditorHost {}
// SAFETY: as above.
unsafe impl Send for EditorHost {}

/// The editor's safe handle on its place in the shell: one owner of it.
#[derive(Debug)]
pub struct EditorHostRef {
    api: NonNull<EditorHost>,
    context: EditorHostHandle,
}

// SAFETY: the functions behind the table may be called from any thread that the editor draws on (each field's
// documentation), and what they work on is shared between threads by design.
unsafe impl Send for EditorHostRef {}
// SAFETY: as above.
unsafe impl Sync for EditorHostRef {}

impl EditorHostRef {
    /// Takes one more ownership of `context`; `None` if the table is not one of ours.
    ///
    /// # Safety
    /// `api` is null or points to an `EditorHost` that is valid for ever; `context` is alive during the call and made
    /// for that table.
    #[must_use]
    pub unsafe fn retain(api: *const EditorHost, context: EditorHostHandle) -> Option<Self> {
        let api = NonNull::new(api.cast_mut())?;
        // SAFETY: by contract the table is readable; `magic`, `epoch` and `size` lie at its start in every version.
        let (magic, epoch, size) = unsafe {
            let api = api.as_ptr();
            ((*api).magic, (*api).epoch, (*api).size)
        };
        if magic != MAGIC || epoch != EPOCH || (size as usize) < size_of::<EditorHost>() {
            return None;
        }
        let made = Self { api, context };
        // SAFETY: the context is alive (contract), and the table is as large as ours (checked).
        unsafe { (made.api().retain)(context) };
        Some(made)
    }

    const fn api(&self) -> &EditorHost {
        // SAFETY: checked by `retain`, valid for ever by its contract.
        unsafe { self.api.as_ref() }
    }

    /// The user takes hold of a parameter.
    pub fn begin(&self, host_id: u32) {
        // SAFETY: the context is alive as long as `self`.
        unsafe { (self.api().begin)(self.context, host_id) }
    }

    /// The user has moved it to `plain`.
    pub fn perform(&self, host_id: u32, plain: f64) {
        // SAFETY: the context is alive as long as `self`.
        unsafe { (self.api().perform)(self.context, host_id, plain) }
    }

    /// The user lets go.
    pub fn end(&self, host_id: u32) {
        // SAFETY: the context is alive as long as `self`.
        unsafe { (self.api().end)(self.context, host_id) }
    }

    /// The editor wants another size (logical).
    pub fn request_resize(&self, size: EditorSize) {
        // SAFETY: the context is alive as long as `self`.
        unsafe { (self.api().request_resize)(self.context, size) }
    }

    /// The first frame is on the window.
    pub fn drawn(&self) {
        // SAFETY: the context is alive as long as `self`.
        unsafe { (self.api().drawn)(self.context) }
    }

    /// The editor cannot go on.
    pub fn failed(&self, why: &str) {
        // SAFETY: the context is alive as long as `self`; `why` outlives the call.
        unsafe { (self.api().failed)(self.context, Str::new(why)) }
    }

    /// Whose the keys are.
    pub fn wants_keys(&self, wanted: bool) {
        // SAFETY: the context is alive as long as `self`.
        unsafe { (self.api().wants_keys)(self.context, u32::from(wanted)) }
    }

    /// What the host says of the track.
    #[must_use]
    pub fn track(&self) -> Option<Track> {
        let mut track = Track::default();
        // SAFETY: the context is alive as long as `self`; `track` is a live local.
        let said = unsafe { (self.api().track)(self.context, &raw mut track) };
        (said != 0).then_some(track)
    }

    /// Frames from the main output to what is heard.
    #[must_use]
    pub fn presentation_latency(&self) -> u32 {
        // SAFETY: the context is alive as long as `self`.
        unsafe { (self.api().presentation_latency)(self.context) }
    }

    /// The user presses a key: its number, for [`EditorHostRef::stop`]; 0 if it is not played.
    #[must_use]
    pub fn play(&self, note: EditorNote) -> u32 {
        // SAFETY: the context is alive as long as `self`; `note` is a live local.
        unsafe { (self.api().play)(self.context, &raw const note) }
    }

    /// The user lets go of the key with this number.
    pub fn stop(&self, played: u32) {
        // SAFETY: the context is alive as long as `self`.
        unsafe { (self.api().stop)(self.context, played) }
    }

    /// The user asks for the host's menu of a parameter, at a place in physical pixels.
    pub fn host_menu(&self, host_id: u32, x: i32, y: i32) {
        // SAFETY: the context is alive as long as `self`.
        unsafe { (self.api().host_menu)(self.context, host_id, x, y) }
    }

    /// Where parameters stand, all of them, later ones on top.
    pub fn fields(&self, fields: &[EditorField]) {
        // SAFETY: the context is alive as long as `self`; `fields` outlives the call.
        unsafe { (self.api().fields)(self.context, Slice::new(fields)) }
    }

    /// What the window remembers of itself, whole.
    pub fn remember(&self, memory: &[u8]) {
        // SAFETY: the context is alive as long as `self`; `memory` outlives the call.
        unsafe { (self.api().remember)(self.context, Bytes::new(memory)) }
    }

    /// Appends to `out` what a window of this instance remembered last.
    pub fn remembered(&self, out: &mut ByteSink<'_>) -> Status {
        // SAFETY: the context is alive as long as `self`; `out` is borrowed for the call.
        unsafe { (self.api().remembered)(self.context, out) }
    }
}

impl Clone for EditorHostRef {
    fn clone(&self) -> Self {
        // SAFETY: the context is alive as long as `self`.
        unsafe { (self.api().retain)(self.context) };
        Self { api: self.api, context: self.context }
    }
}

impl Drop for EditorHostRef {
    fn drop(&mut self) {
        // SAFETY: `self` is one owner, and gives it up here, once.
        unsafe { (self.api().release)(self.context) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_ends_before_its_right_and_its_bottom() {
        let field = EditorField { host_id: 1, left: -2, top: 3, right: 4, bottom: 5 };
        assert!(field.holds(-2, 3) && field.holds(3, 4));
        for (x, y) in [(-3, 3), (4, 3), (0, 2), (0, 5), (i32::MIN, 4), (0, i32::MAX)] {
            assert!(!field.holds(x, y), "{x} {y}");
        }
    }

    #[test]
    fn no_scale_makes_a_size_of_nothing() {
        const SIZE: EditorSize = EditorSize::new(200, 100);
        for scale in [f64::NAN, -1.0, 0.0, f64::INFINITY] {
            assert_eq!(SIZE.scaled(scale), SIZE, "{scale}");
        }
        assert_eq!(SIZE.scaled(1e-9), EditorSize::new(1, 1));
        assert_eq!(SIZE.scaled(1e9), EditorSize::new(EditorSize::MOST, EditorSize::MOST));
    }
}
