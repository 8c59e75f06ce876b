//! Keeps the system's graphics libraries mapped. baseview loads them for each window and lets go of them with it; with the
//! last window they would be unloaded under threads that still have something of theirs to clean up, and glibc's books of
//! thread-locals go wrong where that happens while another thread starts. The soak has crashed on both within minutes.
//!
//! Called by: `window`, around each opening of a window. Calls: the dynamic loader. Threads: [editor].

#![allow(unsafe_code, reason = "DESIGN 9.9, the proxy's window: asks the dynamic loader")]

use std::ffi::CString;
use std::path::Path;

/// What the names of such libraries begin with: EGL and GL, their drivers, and what they talk to the display with.
const KINDS: [&str; 9] = [
    "libEGL",
    "libGL.",
    "libGLX",
    "libGLdispatch",
    "libglapi",
    "libgallium",
    "libnvidia-",
    "libX11",
    "libxcb",
];

fn is_graphics(path: &str) -> bool {
    let name = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    KINDS.iter().any(|kind| name.starts_with(kind)) || name.ends_with("_dri.so")
}

/// Paths of the graphics libraries among the lines of a process's map, each once.
fn mapped(maps: &str) -> Vec<&str> {
    let paths = maps.lines().filter_map(|line| line.find('/').map(|at| &line[at..]));
    let mut paths: Vec<&str> = paths.filter(|path| is_graphics(path)).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// From here on what this process has loaded of them stays until it ends. [editor]
pub(super) fn pin_graphics() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for path in mapped(&maps) {
        let Ok(path) = CString::new(path) else { continue };
        // SAFETY: a C string; with `NOLOAD` nothing is loaded and no code of the library's runs. The handle is never
        // closed, which is the purpose.
        let _ =
            unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
7f00-7f01 r--p 00000000 fe:00 1 /usr/lib/libEGL_mesa.so.0.0.0
7f01-7f02 r-xp 00000000 fe:00 1 /usr/lib/libEGL_mesa.so.0.0.0
7f02-7f03 r-xp 00000000 fe:00 2 /usr/lib/dri/swrast_dri.so
7f03-7f04 r-xp 00000000 fe:00 3 /home/me/.clap/libEGLike/gain.clap
7f04-7f05 rw-p 00000000 00:00 0 [heap]
7f05-7f06 rw-p 00000000 00:00 0
";

    #[test]
    fn the_graphics_libraries_are_known_by_their_files_names_and_nothing_else_is() {
        assert_eq!(mapped(MAPS), ["/usr/lib/dri/swrast_dri.so", "/usr/lib/libEGL_mesa.so.0.0.0"]);
    }

    #[test]
    fn a_library_that_is_pinned_stays_when_its_last_user_closes_it() {
        // Small, and of nobody else's in this process.
        let name = c"libxcb-dri3.so.0";
        // SAFETY: a C string; a library of the system's whose constructors do nothing.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_LAZY) };
        let is_there = || std::fs::read_to_string("/proc/self/maps").unwrap().contains("libxcb-dri3");
        if handle.is_null() {
            panic!("tests of editors need the system's libraries of X11");
        }
        assert!(is_there());
        pin_graphics();
        // SAFETY: the handle of above, closed once.
        unsafe { libc::dlclose(handle) };
        assert!(is_there());
    }
}
