//! Keeps the library that holds this code mapped for ever.
//!
//! Called by: `reload/module`, the editor-proxy. Calls: the dynamic loader. Threads: [any but audio].

#![allow(unsafe_code, reason = "DESIGN 9.9 names core/src/rt: the dynamic loader takes and gives pointers")]

/// Keeps this library mapped for ever: threads of the module may outlive its last instance by the time that they are
/// given to end, and the host may unmap it the moment after. In a program that is not a library nothing happens. [any but
/// audio]
#[cfg(unix)]
pub fn pin() {
    // SAFETY: `dladdr` writes to a live local for which zero is a valid value.
    let mut about: libc::Dl_info = unsafe { std::mem::zeroed() };
    let here = pin as fn() as *const libc::c_void;
    // SAFETY: as above; `here` is only looked up.
    if unsafe { libc::dladdr(here, &raw mut about) } == 0 || about.dli_fname.is_null() {
        return;
    }
    // SAFETY: the name is a C string of the loader's, alive as long as this library. `NOLOAD` runs no code: it only finds
    // what is mapped. `NODELETE` is kept for the library and not for the handle, which is given up for the same reason.
    let _ =
        unsafe { libc::dlopen(about.dli_fname, libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE) };
}

/// Keeps this library mapped for ever. [any but audio]
#[cfg(windows)]
pub fn pin() {
    use windows_sys::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
    };
    let mut module = std::ptr::null_mut();
    // SAFETY: with FROM_ADDRESS the name is an address, here of this function; the module goes to a live local.
    let _ = unsafe {
        GetModuleHandleExW(
            GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
            (pin as fn() as *const u16).cast(),
            &raw mut module,
        )
    };
}
