//! A stream in memory, for states and other texts.
//!
//! Called by: `com`, `component`; the plug-in, through COM. Calls: nothing. Threads: [any].
#![allow(unsafe_code, reason = "a stream takes C's pointers")]

use std::ffi::c_void;

use parking_lot::Mutex;
use vst3::Steinberg::IBStream_::IStreamSeekMode_::{kIBSeekCur, kIBSeekEnd, kIBSeekSet};
use vst3::Steinberg::{IBStream, IBStreamTrait, int32, int64, kInvalidArgument, kResultOk, tresult};
use vst3::{Class, ComRef, ComWrapper};

/// Bytes and a place in them.
struct Bytes {
    bytes: Vec<u8>,
    at: usize,
}

/// The COM object.
struct Object(Mutex<Bytes>);

impl Class for Object {
    type Interfaces = (IBStream,);
}

/// A stream to lend to a plug-in.
pub(super) struct Stream(ComWrapper<Object>);

impl Stream {
    pub(super) fn empty() -> Self {
        Self::over(Vec::new())
    }

    pub(super) fn over(bytes: Vec<u8>) -> Self {
        Self(ComWrapper::new(Object(Mutex::new(Bytes { bytes, at: 0 }))))
    }

    /// What it holds.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.0.lock().bytes.clone()
    }

    pub(super) fn as_com_ref(&self) -> Option<ComRef<'_, IBStream>> {
        self.0.as_com_ref()
    }
}

/// Writes to a place that a plug-in gave or left out.
///
/// # Safety
/// `to` is null or good for a write.
unsafe fn put<T>(to: *mut T, value: T) {
    if !to.is_null() {
        // SAFETY: by this function's contract.
        unsafe { to.write(value) };
    }
}

impl IBStreamTrait for Object {
    unsafe fn read(&self, buffer: *mut c_void, wanted: int32, got: *mut int32) -> tresult {
        let Ok(wanted) = usize::try_from(wanted) else { return kInvalidArgument };
        if wanted > 0 && buffer.is_null() {
            return kInvalidArgument;
        }
        let mut stream = self.0.lock();
        let left = stream.bytes.len().saturating_sub(stream.at);
        let count = wanted.min(left);
        if count > 0 {
            // SAFETY: VST3: the buffer has room for `wanted` bytes; ours has `count` from `at` on.
            unsafe {
                std::ptr::copy_nonoverlapping(stream.bytes[stream.at..].as_ptr(), buffer.cast(), count)
            };
        }
        stream.at += count;
        // SAFETY: VST3: null or a place for one.
        unsafe { put(got, int32::try_from(count).unwrap_or(0)) };
        kResultOk
    }

    unsafe fn write(&self, buffer: *mut c_void, count: int32, written: *mut int32) -> tresult {
        let Ok(count) = usize::try_from(count) else { return kInvalidArgument };
        if count > 0 && buffer.is_null() {
            return kInvalidArgument;
        }
        if count > 0 {
            let mut stream = self.0.lock();
            let (at, end) = (stream.at, stream.at + count);
            let length = stream.bytes.len().max(end);
            stream.bytes.resize(length, 0);
            // SAFETY: VST3: the buffer holds `count` bytes.
            let from = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), count) };
            stream.bytes[at..end].copy_from_slice(from);
            stream.at = end;
        }
        // SAFETY: VST3: null or a place for one.
        unsafe { put(written, int32::try_from(count).unwrap_or(0)) };
        kResultOk
    }

    unsafe fn seek(&self, place: int64, mode: int32, result: *mut int64) -> tresult {
        let mut stream = self.0.lock();
        let whole = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
        // The bindings' enum is unsigned on some systems.
        let base = match u32::try_from(mode) {
            #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss, reason = "0, 1, 2")]
            Ok(mode) if mode == kIBSeekSet as u32 => 0,
            #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss, reason = "0, 1, 2")]
            Ok(mode) if mode == kIBSeekCur as u32 => whole(stream.at),
            #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss, reason = "0, 1, 2")]
            Ok(mode) if mode == kIBSeekEnd as u32 => whole(stream.bytes.len()),
            _ => return kInvalidArgument,
        };
        let to = base.saturating_add(place).clamp(0, whole(stream.bytes.len()));
        stream.at = usize::try_from(to).unwrap_or(0);
        // SAFETY: VST3: null or a place for one.
        unsafe { put(result, to) };
        kResultOk
    }

    unsafe fn tell(&self, place: *mut int64) -> tresult {
        let at = i64::try_from(self.0.lock().at).unwrap_or(i64::MAX);
        // SAFETY: VST3: null or a place for one.
        unsafe { put(place, at) };
        kResultOk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_in_pieces_is_read_in_others() {
        let stream = Stream::empty();
        let object = stream.as_com_ref().unwrap();
        let (mut got, mut at, mut buffer) = (0, 0, [0_u8; 8]);
        // SAFETY: buffers of the lengths that are said, and places for results.
        unsafe {
            object.write(b"hello ".as_ptr().cast_mut().cast(), 6, &raw mut got);
            object.write(b"world".as_ptr().cast_mut().cast(), 5, std::ptr::null_mut());
            assert_eq!((got, stream.bytes().as_slice()), (6, &b"hello world"[..]));
            assert_eq!(object.seek(-5, 2, &raw mut at), kResultOk);
            object.read(buffer.as_mut_ptr().cast(), 8, &raw mut got);
        }
        assert_eq!((at, got, &buffer[..5]), (6, 5, &b"world"[..]));
    }

    #[test]
    fn a_null_buffer_is_refused_and_moves_nothing() {
        let stream = Stream::over(b"kept".to_vec());
        let object = stream.as_com_ref().unwrap();
        let (none, mut at) = (std::ptr::null_mut(), -1);
        // SAFETY: null is what is tested; a place for the result.
        unsafe {
            assert_eq!(object.read(none, 4, std::ptr::null_mut()), kInvalidArgument);
            assert_eq!(object.write(none, 4, std::ptr::null_mut()), kInvalidArgument);
            assert_eq!(object.read(none, 0, std::ptr::null_mut()), kResultOk);
            assert_eq!(object.tell(&raw mut at), kResultOk);
        }
        assert_eq!((at, stream.bytes().as_slice()), (0, &b"kept"[..]));
    }
}
