//! A bundle becomes a loaded CLAP entry: looked at first, loaded second.
//!
//! Loading a library runs its constructors and trusts its tables, so it cannot be safe; everything in this command that
//! cannot be is in this file. DESIGN 9.9 lists the library's own `unsafe` files and leaves the command out: a host of
//! other people's bundles needs this one.
//!
//! Called by: `plugin`, `engine`. Calls: `object`, clack-host. Threads: [`entry`] is [main], [`no_inputs`] [any].
#![allow(unsafe_code, reason = "loading foreign code; each block below says what makes it sound")]

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clack_host::prelude::{InputAudioBuffers, PluginEntry};
use object::Object;

use crate::Error;

/// Loads the CLAP entry of `bundle`: a `.clap` file, on macOS also a folder. [main]
///
/// A file that is no library, or a library that exports no `clap_entry`, is refused before any of its code runs.
///
/// # Errors
/// The path, what is wrong with what it names, and what to do.
pub fn entry(bundle: &Path) -> Result<PluginEntry, Error> {
    check(bundle)?;
    // SAFETY: `check` has found a library of this platform's format that exports `clap_entry`. That its code and its
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

fn check(bundle: &Path) -> Result<(), Error> {
    let shown = bundle.display();
    let file = library_of(bundle)?;
    let bytes = std::fs::read(&file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let object = match object::File::parse(&*bytes) {
        Ok(object) => object,
        Err(error) => bail!("{shown}: is not a CLAP plug-in, not even a library: {error}"),
    };
    let exports = object.exports().with_context(|| format!("{shown}: its symbol table cannot be read"))?;
    let is_entry = |name: &[u8]| name.strip_prefix(b"_").unwrap_or(name) == b"clap_entry";
    let found = exports.flatten().any(|export| export.name().into_name().is_some_and(is_entry));
    ensure!(
        found,
        "{shown}: is a library, but no CLAP plug-in: it exports no `clap_entry`. A logic-only build is not a bundle; \
         make one with `cargo hotshell bundle`"
    );
    Ok(())
}

/// The library inside the bundle.
fn library_of(bundle: &Path) -> Result<PathBuf, Error> {
    let shown = bundle.display();
    ensure!(
        bundle.exists(),
        "{shown}: there is no such file. Make one with `cargo hotshell bundle` or `cargo hotshell dev`"
    );
    if !bundle.is_dir() {
        return Ok(bundle.to_owned());
    }
    let inside = bundle.join("Contents").join("MacOS");
    ensure!(inside.is_dir(), "{shown}: is a folder, not a CLAP bundle");
    let first =
        std::fs::read_dir(&inside).with_context(|| format!("{}: cannot be read", inside.display()))?.next();
    let Some(first) = first else { bail!("{shown}: its Contents/MacOS is empty") };
    Ok(first.with_context(|| format!("{}: cannot be read", inside.display()))?.path())
}
