//! Looks a host extension up by every id it has had: older hosts know some by their draft's name only.
//!
//! Called by: `host`. Calls: the host. Threads: [main], inside `init`.

#![allow(unsafe_code, reason = "DESIGN 9.9: a raw question to the host")]

use std::ptr::NonNull;

use clack_plugin::extensions::{Extension, HostExtensionSide, RawExtension};
use clack_plugin::host::HostSharedHandle;

/// The extension, or `None` if the host has it under no name.
pub(crate) fn find<E: Extension<ExtensionSide = HostExtensionSide>>(
    host: HostSharedHandle<'static>,
) -> Option<E> {
    let raw = host.as_raw();
    let get = raw.get_extension?;
    E::IDENTIFIERS.iter().find_map(|id| {
        // SAFETY: the handle's host is alive (`Link::new` runs inside `init`), the id is a C string.
        let found = NonNull::new(unsafe { get(raw, id.as_ptr()) }.cast_mut())?;
        // SAFETY: CLAP: under this id lies this extension's structure, as long as the host; `E` is the type of the id.
        Some(unsafe { E::from_raw(RawExtension::from_raw_host_extension(found.cast(), NonNull::from(raw))) })
    })
}
