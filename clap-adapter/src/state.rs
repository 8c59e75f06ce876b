//! Saved state through the host's streams, which may read and write less than they are asked to.
//!
//! Called by: `ext/state`, `ext/state_context`. Calls: the shell. Threads: [main] by CLAP's rules; the shell takes it
//! from any.

use std::io::{Read, Write};

use clack_plugin::plugin::PluginError;
use hotshell_core::shell::{Phase, StateContext};

use crate::error::refused;
use crate::instance::Main;

/// Most bytes that a state may have. A stream that never ends must not fill the memory.
const MOST_BYTES: u64 = 1 << 30;

/// Everything or a failure that the host sees: half a state is never called saved.
pub(crate) fn save(main: &Main<'_>, to: &mut impl Write, context: StateContext) -> Result<(), PluginError> {
    main.shared.link.expect_main("state.save");
    let bytes = main.shared.shell.save(context).map_err(refused)?;
    to.write_all(&bytes).map_err(|error| PluginError::Error(Box::new(error)))
}

/// All or nothing. The host hears of moved values at once (CLAP: `rescan(VALUES)` after a load).
pub(crate) fn load(main: &Main<'_>, from: &mut impl Read, context: StateContext) -> Result<(), PluginError> {
    main.shared.link.expect_main("state.load");
    let mut bytes = Vec::new();
    let read = from.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| PluginError::Error(Box::new(error)))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(PluginError::Message("the state is larger than 1 GiB; nothing was changed"));
    }
    main.shared.shell.load(context, &bytes).map_err(refused)?;
    main.tell(Phase::AnyTime);
    Ok(())
}
