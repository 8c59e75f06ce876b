//! [`Editors`] for [`Control`].
//!
//! Called by: the editor-proxy, through [`Editors`]. Calls: `shell/editors`, the host. Threads: [any] but audio.

use std::sync::Arc;

use hotshell_abi::editor::{EditorDesc, EditorNote};
use hotshell_abi::{ParamDesc, PluginDesc, Sample, Track};

use crate::host::Level;
use crate::params::Parameters;
use crate::shell::control::{Control, Live, Main};
use crate::shell::editors::{Edit, EditorBuild, EditorPart, Editors, Notice, Wake};
use crate::shell::{Shell, ShellError};

/// What is held while no build answers.
const WHAT: &str = "the plug-in's configuration";

impl<S> Main<S> {
    /// The newest accepted build.
    fn newest(&self) -> &Live {
        self.pending.as_ref().map_or(&self.live, |pending| &pending.live)
    }

    /// Its editor.
    fn editor(&self) -> EditorBuild {
        let newest = self.newest();
        EditorBuild::new(Arc::clone(&newest.shared), newest.build)
    }
}

impl<P: Parameters, S: Sample> Control<P, S> {
    /// Edits of parameters that the host knows. Those of parameters that it will be told of wait until then. [main]
    pub fn take_announced_edits(&self) -> Vec<Edit> {
        let edits = self.editors.take();
        if edits.is_empty() {
            return edits;
        }
        let (told, early): (Vec<Edit>, Vec<Edit>) =
            edits.into_iter().partition(|edit| self.param_index(edit.id()).is_some());
        if early.is_empty() {
            return told;
        }
        // Whoever holds the lock decides nothing about them: the next call looks again.
        let newest = self.main.try_lock().map(|main| main.newest().desc);
        let is_coming = |id| {
            let of_newest = |param: &ParamDesc<'_>| param.host_id == id;
            let is_there = |desc: &PluginDesc<'_>| desc.params.as_slice().iter().any(of_newest);
            self.params.find(id, 0).is_some() || newest.is_none_or(is_there)
        };
        let early: Vec<Edit> = early.into_iter().filter(|edit| is_coming(edit.id())).collect();
        self.editors.put_back(&early);
        told
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

    fn track(&self) -> Option<Track> {
        self.editors.track()
    }

    fn presentation_latency(&self) -> u32 {
        self.editors.presentation_latency()
    }

    fn surroundings(&self) -> u64 {
        self.editors.surroundings()
    }

    fn watch(&self, wake: &Wake) {
        self.editors.watch(wake);
    }

    fn edited(&self, edit: Edit) {
        self.editors.push(edit);
    }

    fn play(&self, note: EditorNote) -> u32 {
        let number = self.keyboard.press(note);
        if number != 0 {
            // A plug-in that has nothing to play may sleep.
            self.with_host(|host| host.request_process());
        }
        number
    }

    fn stop(&self, played: u32) {
        self.keyboard.release(played);
        self.with_host(|host| host.request_process());
    }

    fn remember(&self, memory: &[u8]) {
        self.editors.remember(memory);
    }

    fn remembered(&self) -> Arc<[u8]> {
        self.editors.remembered()
    }

    fn request_callback(&self) {
        self.with_host(|host| host.request_callback());
    }

    fn log(&self, level: Level, text: &str) {
        Self::log(self, level, text);
    }
}
