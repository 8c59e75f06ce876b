//! [`Editors`] for [`Control`].
//!
//! Called by: the editor-proxy, through [`Editors`]. Calls: `shell/editors`, the host. Threads: [any] but audio.

use std::sync::Arc;

use hotshell_abi::Sample;
use hotshell_abi::editor::EditorDesc;

use crate::host::Level;
use crate::params::Parameters;
use crate::shell::control::{Control, Main};
use crate::shell::editors::{Edit, EditorBuild, EditorPart, Editors, Notice, Wake};
use crate::shell::{Shell, ShellError};

/// What is held while no build answers.
const WHAT: &str = "the plug-in's configuration";

impl<S> Main<S> {
    /// The newest accepted build's editor.
    fn editor(&self) -> EditorBuild {
        let newest = self.pending.as_ref().map_or(&self.live, |pending| &pending.live);
        EditorBuild::new(Arc::clone(&newest.shared), newest.build)
    }
}

impl<P: Parameters, S: Sample> Control<P, S> {
    /// Edits of parameters that the host knows. [main]
    pub fn take_announced_edits(&self) -> Vec<Edit> {
        let mut edits = self.editors.take();
        edits.retain(|edit| {
            let (Edit::Begin { id } | Edit::Perform { id, .. } | Edit::End { id }) = *edit;
            self.param_index(id).is_some()
        });
        edits
    }

    /// What the editor-proxy looks at.
    #[must_use]
    pub const fn editor_part(&self) -> &EditorPart {
        &self.editors
    }
}

impl<P: Parameters, S: Sample> Editors for Control<P, S> {
    fn newest(&self) -> Result<EditorBuild, ShellError> {
        self.lock(WHAT).map(|main| main.editor())
    }

    fn try_newest(&self) -> Result<EditorBuild, ShellError> {
        self.main.try_lock().map(|main| main.editor()).ok_or(ShellError::Busy(WHAT))
    }

    fn last_desc(&self) -> Option<EditorDesc> {
        self.editors.last_desc()
    }

    fn described(&self, desc: EditorDesc) {
        self.editors.described(desc);
    }

    fn version(&self) -> u64 {
        self.editors.version()
    }

    fn notice(&self) -> Option<Notice> {
        self.editors.notice()
    }

    fn watch(&self, wake: &Wake) {
        self.editors.watch(wake);
    }

    fn edited(&self, edit: Edit) {
        self.editors.push(edit);
        self.request_callback();
    }

    fn request_callback(&self) {
        self.with_host(|host| host.request_callback());
    }

    fn log(&self, level: Level, text: &str) {
        Self::log(self, level, text);
    }
}
