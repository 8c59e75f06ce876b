//! A library becomes a loaded CLAP entry.
//!
//! Loading a library runs its constructors and trusts its tables, so it cannot be safe; everything of CLAP in this
//! command that cannot be is in this file, and everything of VST3 in `com`. DESIGN 9.9 lists the library's own `unsafe` files and leaves the command out: a host of
//! other people's bundles needs this one.
//!
//! Called by: `clap_plugin`, `clap_engine`. Calls: clack-host. Threads: [`entry`] and [`set_parent`] are [main],
//! [`no_inputs`] [any].
#![allow(unsafe_code, reason = "loading foreign code; each block below says what makes it sound")]

use std::path::Path;

use anyhow::{Context, ensure};
use clack_extensions::gui::{PluginGui, Window};
use clack_host::prelude::{InputAudioBuffers, PluginEntry, PluginMainThreadHandle};

use super::find::Found;
use crate::Error;
use crate::format::Format;

/// Loads the CLAP entry of `bundle`: a `.clap` file, on macOS also a folder. `found` says that it is one. [main]
///
/// # Errors
/// The path, what is wrong with what it names, and what to do.
pub fn entry(found: &Found, bundle: &Path) -> Result<PluginEntry, Error> {
    ensure!(found.format == Format::Clap, "{}: is no CLAP plug-in", bundle.display());
    // SAFETY: `find` has found a library of this platform's format that exports `clap_entry`. That its code and its
    // tables keep the CLAP contract cannot be checked by any host; the user chose the file to be run in this process.
    let entry = unsafe { PluginEntry::load(bundle) };
    entry.map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        anyhow::anyhow!("{}: cannot be loaded: {error}{cause}", bundle.display())
    })
}

/// No input ports, for a block of `frames` frames. clack takes the length of a block from its ports, so that a plug-in
/// without any would be given empty blocks. [any]
pub fn no_inputs(frames: u32) -> InputAudioBuffers<'static> {
    // SAFETY: the slice is empty and static, so there is no buffer whose length or pointers could be wrong.
    unsafe { InputAudioBuffers::from_raw_buffers(&[], frames) }
}

/// Puts an editor into an X11 window. [main]
///
/// # Errors
/// The plug-in refuses.
pub fn set_parent(gui: &PluginGui, handle: &PluginMainThreadHandle<'_>, window: u32) -> Result<(), Error> {
    let window = Window::from_x11_handle(window.into());
    // SAFETY: an X11 window is a number that the X server looks up; one that is gone is an error of the plug-in's call.
    // `plugin` asks its caller to keep it until the editor is closed all the same.
    unsafe { gui.set_parent(handle, window) }.context("the plug-in's editor refuses its window")
}
