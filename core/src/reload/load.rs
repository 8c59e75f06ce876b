//! Mapping a checked copy, and asking it for its tables.
//!
//! Called by: `reload/job`. Calls: the dynamic loader, the library's entry. Threads: [reload].
//!
//! A library is never closed: thread-local destructors, threads of the author's and pointers kept by the operating
//! system may still lead into it. So what its copy of std takes from the process stays taken: one or two of the process's
//! thread-specific keys for a build that has started a thread, and a window has one. std ends the process when there is
//! none left (1.95, "out of TLS keys"; glibc has 1024 of them), which no other plug-in of the host's deserves either:
//! a build is refused while there are still some.

#![allow(unsafe_code, reason = "DESIGN 9.9: running what was checked")]

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::path::Path;

use hotshell_abi::{AbiCanary, LOGIC_SYMBOL, LogicApi, LogicEntry, Sample};

use crate::instance::Table;

/// How a staged copy becomes tables. One implementation, and others in tests.
pub trait Load: Send + Sync {
    /// Loads the library at `path`, for ever, and answers one checked table per plug-in. `own` are build 0's: what each
    /// plug-in must fit. [reload]
    ///
    /// # Errors
    /// Why it is refused, in words.
    fn load(&self, path: &Path, own: &[Table]) -> Result<Vec<Table>, LoadError>;
}

/// Why a library did not load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The dynamic loader's answer; another try may go better.
    System(String),
    /// What the library says does not fit this shell; it never will.
    Unfit(String),
}

/// Loads logic for shells with samples of type `S`. Where build 0 has the same plug-in, that one's precision counts: an
/// artifact may hold plug-ins of both.
#[derive(Clone, Copy, Debug, Default)]
pub struct NativeLoader<S>(PhantomData<fn() -> S>);

impl<S: Sample> NativeLoader<S> {
    /// A loader that compares with this crate's own canary.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// More plug-ins than any artifact has; ends the walk through an entry that never answers null.
const MOST_PLUGINS: u32 = 256;

impl<S: Sample> Load for NativeLoader<S> {
    fn load(&self, path: &Path, own: &[Table]) -> Result<Vec<Table>, LoadError> {
        let ours = AbiCanary::of::<S>();
        load_with(path, &|index, api| {
            let expected = own.get(index).map_or(&ours, |table| table.canary());
            // SAFETY: the entry answers null or a table of its own library, which is never unmapped (`ManuallyDrop`).
            unsafe { Table::check(api, expected) }
        })
    }
}

/// Keys that must be free: for builds that are loaded and have not started a thread yet, and for everybody else.
#[cfg(unix)]
const FREE_KEYS: usize = 64;

/// Whether the process has room for one more build.
#[cfg(unix)]
fn room() -> Result<(), LoadError> {
    let mut keys = Vec::with_capacity(FREE_KEYS);
    let mut key = 0;
    // SAFETY: `key` is a place for one; no destructor.
    while keys.len() < FREE_KEYS && unsafe { libc::pthread_key_create(&raw mut key, None) } == 0 {
        keys.push(key);
    }
    let enough = keys.len() == FREE_KEYS;
    for key in keys {
        // SAFETY: made above, and nobody else knows it. It is a key, so that there is no error to look at.
        unsafe { libc::pthread_key_delete(key) };
    }
    if enough {
        return Ok(());
    }
    Err(LoadError::System(
        "this process has hardly any thread-specific keys left (`pthread_key_create`), of which every build that has \
         shown a window keeps one or two until the process ends; save the project and restart the host"
            .to_owned(),
    ))
}

/// Windows has thousands, and libraries give theirs back only as they go.
#[cfg(windows)]
fn room() -> Result<(), LoadError> {
    Ok(())
}

/// Loads the library and walks its entry. `check` is given what the entry answered for each plug-in, never null.
fn load_with(
    path: &Path,
    check: &dyn Fn(usize, *const LogicApi) -> Result<Table, String>,
) -> Result<Vec<Table>, LoadError> {
    room()?;
    let library = ManuallyDrop::new(open(path).map_err(|error| LoadError::System(words(&error)))?);
    // SAFETY: a function of this name has this type, by the name's version; `check` found the name before the library
    // was loaded, and whoever asks for it trusts the build: the author's own, by its hash or by its path.
    let entry = unsafe { library.get::<LogicEntry>(LOGIC_SYMBOL) };
    let entry = *entry.map_err(|error| LoadError::Unfit(words(&error)))?;
    let mut tables = Vec::new();
    for index in 0..MOST_PLUGINS {
        let api = entry(index);
        if api.is_null() {
            break;
        }
        let table = check(index as usize, api);
        tables.push(table.map_err(|reason| LoadError::Unfit(format!("plug-in {index}: {reason}")))?);
    }
    if tables.is_empty() {
        return Err(LoadError::Unfit("it has no plug-in; call `hotshell::plugin!` in it".to_owned()));
    }
    Ok(tables)
}

/// Loads the library at `path`, for ever, and answers its tables whatever the precision of their samples. What it is
/// was checked: [`check`](crate::reload::check::check). For a trial, in a process of its own: this is no shell.
///
/// # Errors
/// Why it does not load or fits no shell of this version, in words.
pub fn load_any(path: &Path) -> Result<Vec<Table>, LoadError> {
    let ours = [AbiCanary::of::<f32>(), AbiCanary::of::<f64>()];
    load_with(path, &|_, api| {
        // SAFETY: the entry answers null or a table of its own library, which is never unmapped (`ManuallyDrop`).
        let single = unsafe { Table::check(api, &ours[0]) };
        // SAFETY: as above.
        single.or_else(|why| unsafe { Table::check(api, &ours[1]) }.map_err(|_| why))
    })
}

#[cfg(unix)]
fn open(path: &Path) -> Result<libloading::os::unix::Library, libloading::Error> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    // SAFETY: constructors of the library run. It is a private copy whose hash, system and entry were checked: the
    // author's own build, trusted as the shell itself is.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
}

#[cfg(windows)]
fn open(path: &Path) -> Result<libloading::os::windows::Library, libloading::Error> {
    // SAFETY: `DllMain` of the library runs. It is a private copy whose hash, system and entry were checked: the
    // author's own build, trusted as the shell itself is.
    unsafe { libloading::os::windows::Library::new(path) }
}

/// The loader's own reason is in the source of libloading's error.
fn words(error: &libloading::Error) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
