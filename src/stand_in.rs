//! Feature `generic-editor`: plug-ins without an editor of their own have one of sliders.
//!
//! Called by: what `plugin!` exports. Calls: `hotshell-logic`'s exports. Threads: [main] [reload].

use hotshell_abi::LogicApi;
use hotshell_editor::generic;
use hotshell_logic::editor::stand_in;
use hotshell_logic::export::{self, Logics};

/// [`export::linked`], with the generic editor.
#[must_use]
pub fn linked<A: Logics>(index: u32) -> Option<&'static LogicApi> {
    stand_in(generic::editor);
    export::linked::<A>(index)
}

/// [`export::entry`], with the generic editor.
#[must_use]
pub extern "C" fn entry<A: Logics>(index: u32) -> *const LogicApi {
    stand_in(generic::editor);
    export::entry::<A>(index)
}
