//! A host's stream as bytes. Its sizes and results lie (HOSTS 1): what counts is the number of bytes that came.
//!
//! Called by: `component`, `com/edit`, `factory`. Calls: the host's stream. Threads: [main] by VST3's rules; any.

#![allow(unsafe_code, reason = "DESIGN 9.9: streams come as C's pointers")]

use std::ffi::c_void;

use hotshell_core::shell::StateContext;
use vst3::ComRef;
use vst3::Steinberg::Vst::{
    IAttributeListTrait, IStreamAttributes, IStreamAttributesTrait, PresetAttributes,
};
use vst3::Steinberg::{IBStream, IBStreamTrait, kResultOk};

/// Most bytes that a state may have. A stream that never ends must not fill the memory.
const MOST_BYTES: usize = 1 << 30;
const CHUNK: usize = 1 << 16;

/// Everything from the stream's present place to the read of 0 bytes. `None`: null, endless, or a stream that claims
/// more bytes than it was given room for.
///
/// # Safety
/// `stream` is null or a stream that is valid for the call.
pub(crate) unsafe fn read_all(stream: *mut IBStream) -> Option<Vec<u8>> {
    // SAFETY: by this function's contract.
    let stream = unsafe { ComRef::from_raw(stream) }?;
    let mut bytes = Vec::new();
    let mut chunk = vec![0_u8; CHUNK];
    let most = i32::try_from(CHUNK).ok()?;
    loop {
        let mut got = 0;
        // SAFETY: `chunk` has room for `most` bytes, `got` is ours. The result is not looked at: WaveLab's is wrong.
        unsafe { stream.read(chunk.as_mut_ptr().cast::<c_void>(), most, &raw mut got) };
        match usize::try_from(got) {
            Ok(0) | Err(_) => return Some(bytes),
            Ok(got) if got > CHUNK || bytes.len() + got > MOST_BYTES => return None,
            Ok(got) => bytes.extend_from_slice(&chunk[..got]),
        }
    }
}

/// All of `bytes`, in as many pieces as the stream takes them. False if it stops taking.
///
/// # Safety
/// `stream` is null or a stream that is valid for the call.
pub(crate) unsafe fn write_all(stream: *mut IBStream, mut bytes: &[u8]) -> bool {
    // SAFETY: by this function's contract.
    let Some(stream) = (unsafe { ComRef::from_raw(stream) }) else { return false };
    while !bytes.is_empty() {
        let piece = &bytes[..bytes.len().min(CHUNK)];
        let mut written = 0;
        let length = i32::try_from(piece.len()).unwrap_or(0);
        // SAFETY: `piece` is readable for its length; VST3's streams do not write into what they are given to write.
        let result =
            unsafe { stream.write(piece.as_ptr().cast_mut().cast::<c_void>(), length, &raw mut written) };
        bytes = match usize::try_from(written) {
            Ok(written) if written > 0 && written <= piece.len() => &bytes[written..],
            // Some streams do not say how much; their result must do.
            Ok(0) if result == kResultOk => &bytes[piece.len()..],
            _ => return false,
        };
    }
    true
}

/// What the host says that the state is for; a stream that says nothing holds a project.
///
/// # Safety
/// `stream` is null or a stream that is valid for the call.
pub(crate) unsafe fn context(stream: *mut IBStream) -> StateContext {
    // SAFETY: by this function's contract; the list that `getAttributes` answers belongs to the stream.
    let kind = unsafe {
        let attributes = ComRef::from_raw(stream).and_then(|stream| stream.cast::<IStreamAttributes>());
        let list = attributes.as_ref().and_then(|attributes| ComRef::from_raw(attributes.getAttributes()));
        list.and_then(|list| {
            let mut text = [0_u16; 128];
            let result = list.getString(PresetAttributes::kStateType, text.as_mut_ptr(), 256);
            (result == kResultOk).then(|| super::narrow(&text))
        })
    };
    match kind.as_deref() {
        None | Some("" | "Project") => StateContext::Project,
        Some(_) => StateContext::Preset,
    }
}
