//! An `impl PluginLogic` becomes the table that a shell drives.
//!
//! Called by: the facade's `plugin!` and Rig take [`api`]. Calls: `thunk`, `state`, `describe`. Threads: [any].

pub(crate) mod describe;
mod editor;
mod logger;
pub(crate) mod panic;
pub(crate) mod published;
pub(crate) mod shared;
pub(crate) mod state;
pub(crate) mod sysex;
mod thunk;

use std::marker::PhantomData;

use hotshell_abi::{AbiCanary, LogicApi, Sample};

pub use self::panic::install_panic_hook;
use crate::plugin::PluginLogicCore;

/// The table of plug-in `G`: addresses of private generic functions and of constants, so no host that loads libraries
/// with `RTLD_GLOBAL` can wire one plug-in to another's. Valid for ever. [any]
#[must_use]
pub const fn api<G: PluginLogicCore<S>, S: Sample>() -> &'static LogicApi {
    Table::<G, S>::API
}

/// The table of plug-in `G`, whichever of the two leaf traits it implements: `S` infers.
#[must_use]
pub const fn api_of<G: PluginLogicCore<S>, S: Sample>(_plugin: PhantomData<G>) -> &'static LogicApi {
    Table::<G, S>::API
}

/// The plug-ins of one artifact (one shared library), in the order of `plugin!`. Implemented by that macro on a private
/// type.
pub trait Logics: 'static {
    /// Their tables.
    const TABLES: &'static [&'static LogicApi];
}

/// The table of plug-in `index` for the shell in the same artifact; `None` past the last. Installs the panic hook
/// and the logger: whoever asks here is a host's process, not a test. [main] [reload]
#[must_use]
pub fn linked<A: Logics>(index: u32) -> Option<&'static LogicApi> {
    // Without the hook panics are caught all the same, only with less to say.
    let _ = panic::gate(|| {
        install_panic_hook();
        logger::install();
        hotshell_abi::Status::OK
    });
    A::TABLES.get(usize::try_from(index).ok()?).copied()
}

/// What `hotshell_logic_v1` forwards to: [`linked`] for a shell in another file, null past the last. [main] [reload]
#[must_use]
pub extern "C" fn entry<A: Logics>(index: u32) -> *const LogicApi {
    linked::<A>(index).map_or(std::ptr::null(), std::ptr::from_ref)
}

struct Table<G, S>(PhantomData<(G, S)>);

impl<G: PluginLogicCore<S>, S: Sample> Table<G, S> {
    const CANARY: &'static AbiCanary = &AbiCanary::of::<S>();

    #[expect(clippy::cast_possible_truncation, reason = "a table of some twenty pointers")]
    const API: &'static LogicApi = &LogicApi {
        magic: hotshell_abi::MAGIC,
        epoch: hotshell_abi::EPOCH,
        size: size_of::<LogicApi>() as u32,
        canary: Self::CANARY,
        describe: shared::describe::<G, S>,
        last_panic: panic::last_panic,
        bind: shared::bind::<G, S>,
        unbind: shared::unbind::<G, S>,
        sync: shared::sync::<G, S>,
        param_text: shared::param_text::<G, S>,
        param_parse: shared::param_parse::<G, S>,
        save_state: state::save_state::<G, S>,
        load_state: state::load_state::<G, S>,
        migrate_state: state::migrate_state::<G, S>,
        import_state: state::import_state::<G, S>,
        create: thunk::create::<G, S>,
        destroy: thunk::destroy::<G, S>,
        reset: thunk::reset::<G, S>,
        clear: thunk::clear::<G, S>,
        process: thunk::process::<G, S>,
        snapshot: thunk::snapshot::<G, S>,
        restore: thunk::restore::<G, S>,
        editor_describe: editor::describe::<G, S>,
        editor_open: editor::open::<G, S>,
        editor_close: editor::close,
        editor_show: editor::show,
        editor_resize: editor::resize,
        editor_scale: editor::scale,
        editor_key: editor::key,
        editor_repaint: editor::repaint,
    };
}

#[cfg(test)]
pub(crate) mod tests;
