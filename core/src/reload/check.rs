//! What a file says about itself, read before any of its code can run: a constructor of a wrong library runs at load.
//!
//! Called by: `reload/job`. Calls: `object`. Threads: [reload].

use std::fs::File;

use object::read::NameOrOrdinal;
use object::read::{File as Object, ReadCache};
use object::{Architecture, BinaryFormat, FileKind, Object as _, ObjectKind, ObjectSegment as _};

/// Checks that `file` is a shared library of this system and processor that exports the logic's entry.
///
/// # Errors
/// Why not, in words.
pub fn check(file: &File) -> Result<(), String> {
    let cache = ReadCache::new(file);
    let kind = FileKind::parse(&cache).map_err(|error| format!("it is not a library: {error}"))?;
    let object = Object::parse(&cache)
        .map_err(|error| format!("it is not a library of this system ({kind:?}): {error}"))?;
    let expected = (FORMAT, ARCHITECTURE);
    let found = (object.format(), object.architecture());
    if found != expected {
        return Err(format!(
            "it is built for {found:?}, this host is {expected:?}; build for the host's own target"
        ));
    }
    if object.is_64() != (usize::BITS == 64) {
        return Err("its pointers have another width than this host's".to_owned());
    }
    if object.kind() != ObjectKind::Dynamic {
        return Err(format!(
            "it is no shared library ({:?}); the crate needs `crate-type = [\"cdylib\"]`",
            object.kind()
        ));
    }
    whole(&object, file)?;
    let symbol = hotshell_abi::LOGIC_SYMBOL;
    let exports = object.exports().map_err(|error| format!("its list of exports is damaged: {error}"))?;
    let named = |name: &[u8]| name == symbol.as_bytes() || name.strip_prefix(b"_") == Some(symbol.as_bytes());
    for export in exports {
        let export = export.map_err(|error| format!("its list of exports is damaged: {error}"))?;
        if matches!(export.name(), NameOrOrdinal::Name(name) if named(name)) {
            return Ok(());
        }
    }
    Err(format!(
        "it does not export {symbol}; is `hotshell::plugin!` called, and the feature `logic-only` or `reload` on?"
    ))
}

/// What is mapped must be there: a page past the file's end is a signal when it is touched.
fn whole<'d>(object: &Object<'d, &'d ReadCache<&File>>, file: &File) -> Result<(), String> {
    let length = file.metadata().map_err(|error| format!("it cannot be inspected: {error}"))?.len();
    for segment in object.segments() {
        let (at, bytes) = segment.file_range();
        if at.checked_add(bytes).is_none_or(|end| end > length) {
            return Err(
                "it was cut short: part of what it maps is not in the file; build it again".to_owned()
            );
        }
    }
    Ok(())
}

const FORMAT: BinaryFormat = if cfg!(target_os = "windows") {
    BinaryFormat::Pe
} else if cfg!(target_vendor = "apple") {
    BinaryFormat::MachO
} else {
    BinaryFormat::Elf
};

const ARCHITECTURE: Architecture = if cfg!(target_arch = "x86_64") {
    Architecture::X86_64
} else if cfg!(target_arch = "aarch64") {
    Architecture::Aarch64
} else if cfg!(target_arch = "x86") {
    Architecture::I386
} else if cfg!(target_arch = "arm") {
    Architecture::Arm
} else if cfg!(target_arch = "riscv64") {
    Architecture::Riscv64
} else {
    Architecture::Unknown
};
