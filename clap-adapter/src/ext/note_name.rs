//! note-name: the hot shell offers it, because a host asks for an extension once and a later build may name its notes.
//! No build can name any: the boundary has no field for them.
//!
//! Called by: the host through clack. Calls: nothing. Threads: [main].

use clack_extensions::note_name::{NoteNameWriter, PluginNoteNameImpl};

use crate::instance::Main;

impl PluginNoteNameImpl for Main<'_> {
    fn count(&self) -> u32 {
        0
    }

    fn get(&self, _index: u32, _writer: &mut NoteNameWriter<'_>) {}
}
