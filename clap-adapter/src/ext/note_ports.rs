//! note-ports: the announced number, all with the same dialects.
//!
//! Called by: the host through clack. Calls: the shell. Threads: [main].

use clack_extensions::note_ports::{
    NoteDialect, NoteDialects, NotePortInfo, NotePortInfoWriter, PluginNotePortsImpl,
};
use clack_plugin::utils::ClapId;

use crate::instance::Main;

impl PluginNotePortsImpl for Main<'_> {
    fn count(&self, is_input: bool) -> u32 {
        let notes = self.shared.shell.notes();
        if is_input { notes.inputs } else { notes.outputs }
    }

    fn get(&self, index: u32, is_input: bool, writer: &mut NotePortInfoWriter<'_>) {
        let notes = self.shared.shell.notes();
        let count = if is_input { notes.inputs } else { notes.outputs };
        let Some(id) = ClapId::from_raw(index).filter(|_| index < count) else { return };
        // The bits are CLAP's own numbers.
        let mut supported = NoteDialects::from_bits_truncate(notes.dialects);
        if supported.is_empty() {
            supported = NoteDialects::CLAP;
        }
        let preferred = NoteDialect::from_raw(notes.preferred).filter(|dialect| supported.supports(*dialect));
        let lowest = || NoteDialect::from_raw(1 << supported.bits().trailing_zeros());
        let name = match (is_input, count) {
            (true, 1) => "Notes in".to_owned(),
            (false, 1) => "Notes out".to_owned(),
            (true, _) => format!("Notes in {}", index + 1),
            (false, _) => format!("Notes out {}", index + 1),
        };
        writer.set(&NotePortInfo {
            id,
            name: name.as_bytes(),
            supported_dialects: supported,
            preferred_dialect: preferred.or_else(lowest),
        });
    }
}
