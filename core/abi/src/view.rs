//! Borrowed text, slices and sinks in a layout that both sides agree on.
//!
//! Called by: both sides. Calls: nothing. Threads: [any]; a [`ByteSink`] allocates on its owner's side and is never
//! used on [audio].

use core::ffi::c_void;
use core::marker::PhantomData;

use crate::Status;

/// A borrowed slice: pointer and length. Made from a Rust slice only, so reading it back is safe for its lifetime.
#[repr(C)]
pub struct Slice<'a, T> {
    ptr: *const T,
    len: usize,
    _borrow: PhantomData<&'a [T]>,
}

impl<'a, T> Slice<'a, T> {
    /// Borrows `slice`.
    #[must_use]
    pub const fn new(slice: &'a [T]) -> Self {
        Self { ptr: slice.as_ptr(), len: slice.len(), _borrow: PhantomData }
    }

    /// The empty slice.
    #[must_use]
    pub const fn empty() -> Self {
        Self::new(&[])
    }

    /// The slice itself. A null pointer reads as empty.
    #[must_use]
    pub const fn as_slice(&self) -> &'a [T] {
        if self.ptr.is_null() || self.len == 0 {
            return &[];
        }
        // SAFETY: `new` is the only constructor on either side of the boundary (the canary compares both sides'
        // definitions), so `ptr` and `len` come from a `&'a [T]`, which the lifetime keeps borrowed.
        unsafe { core::slice::from_raw_parts(self.ptr, self.len) }
    }
}

impl<T> Clone for Slice<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Slice<'_, T> {}
// SAFETY: a `Slice` is a shared borrow of `[T]`, which is `Send` exactly when `T` is `Sync`.
unsafe impl<T: Sync> Send for Slice<'_, T> {}
// SAFETY: as above; `&[T]` is `Sync` exactly when `T` is `Sync`.
unsafe impl<T: Sync> Sync for Slice<'_, T> {}

impl<T: core::fmt::Debug> core::fmt::Debug for Slice<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.as_slice().fmt(f)
    }
}

/// Borrowed bytes.
pub type Bytes<'a> = Slice<'a, u8>;

/// Borrowed UTF-8 text.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Str<'a>(Bytes<'a>);

impl<'a> Str<'a> {
    /// Borrows `text`.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self(Slice::new(text.as_bytes()))
    }

    /// The text, up to the first byte that is not UTF-8 (the other side may have built it wrongly; nothing breaks).
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        let bytes = self.0.as_slice();
        match core::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => core::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or(""),
        }
    }
}

impl<'a> From<&'a str> for Str<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text)
    }
}

impl Default for Str<'_> {
    fn default() -> Self {
        Self::new("")
    }
}

impl core::fmt::Debug for Str<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.as_str().fmt(f)
    }
}

/// Where a callee puts bytes whose number only it knows: a callback into memory that the *caller* owns. [main] [reload]
#[repr(C)]
pub struct ByteSink<'a> {
    context: *mut c_void,
    append: unsafe extern "C" fn(context: *mut c_void, bytes: *const u8, len: usize) -> Status,
    _borrow: PhantomData<&'a mut ()>,
}

impl<'a> ByteSink<'a> {
    /// A sink over `target`. `T` is any growable buffer of the caller's; its `Extend` runs inside this side's catch.
    pub fn new<T: Extend<u8>>(target: &'a mut T) -> Self {
        Self { context: core::ptr::from_mut(target).cast(), append: append_to::<T>, _borrow: PhantomData }
    }

    /// Appends `bytes`. [`Status::PANICKED`] if the owner's buffer panicked (it refused to grow, say).
    pub fn write(&mut self, bytes: &[u8]) -> Status {
        // SAFETY: `context` and `append` were paired by `new` on the side that owns the buffer, which stays mutably
        // borrowed for `'a`; `bytes` is a live slice for the duration of the call.
        unsafe { (self.append)(self.context, bytes.as_ptr(), bytes.len()) }
    }
}

/// # Safety
/// `context` is the `&mut T` of [`ByteSink::new`]; `bytes` and `len` describe a readable slice.
unsafe extern "C" fn append_to<T: Extend<u8>>(context: *mut c_void, bytes: *const u8, len: usize) -> Status {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        // SAFETY: by this function's contract.
        let (target, bytes) = unsafe { (&mut *context.cast::<T>(), core::slice::from_raw_parts(bytes, len)) };
        target.extend(bytes.iter().copied());
    }));
    match done {
        Ok(()) => Status::OK,
        Err(payload) => {
            // The payload's own drop may panic; leaking a few bytes beats aborting the host.
            core::mem::forget(payload);
            Status::PANICKED
        }
    }
}

/// Text of limited size in the caller's memory: parameter texts, panic messages. Never allocates.
#[repr(C)]
#[derive(Clone)]
pub struct TextBuffer {
    len: u32,
    bytes: [u8; Self::CAPACITY],
}

impl TextBuffer {
    /// Most bytes that fit.
    pub const CAPACITY: usize = 508;

    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        Self { len: 0, bytes: [0; Self::CAPACITY] }
    }

    /// Forgets the text.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// The text so far.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let len = (self.len as usize).min(Self::CAPACITY);
        match core::str::from_utf8(&self.bytes[..len]) {
            Ok(text) => text,
            Err(error) => core::str::from_utf8(&self.bytes[..error.valid_up_to()]).unwrap_or(""),
        }
    }
}

impl Default for TextBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Write for TextBuffer {
    /// Keeps what fits, cut at a character's end, and then answers an error.
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let used = (self.len as usize).min(Self::CAPACITY);
        let mut take = text.len().min(Self::CAPACITY - used);
        while !text.is_char_boundary(take) {
            take -= 1;
        }
        self.bytes[used..used + take].copy_from_slice(&text.as_bytes()[..take]);
        #[expect(clippy::cast_possible_truncation, reason = "at most CAPACITY, which is 508")]
        {
            self.len = (used + take) as u32;
        }
        if take == text.len() { Ok(()) } else { Err(core::fmt::Error) }
    }
}
