//! A plug-in whose editor never answers: there is a window, and nothing in it.
//!
//! Called by: the adapters' tests, through the editor-proxy. Calls: nothing. Threads: [any].

use hotshell_abi::Track;
use hotshell_abi::editor::{EditorDesc, EditorNote};
use hotshell_core::host::Level;
use hotshell_core::shell::ShellError;
use hotshell_core::shell::editors::{Edit, EditorBuild, Editors, Notice, Wake};

/// Its build is always busy elsewhere.
#[derive(Debug)]
pub struct NoEditor;

impl Editors for NoEditor {
    fn newest(&self) -> Result<EditorBuild, ShellError> {
        self.try_newest()
    }
    fn try_newest(&self) -> Result<EditorBuild, ShellError> {
        Err(ShellError::Busy("a test"))
    }
    fn last_desc(&self) -> Option<EditorDesc> {
        None
    }
    fn described(&self, _desc: EditorDesc) {}
    fn version(&self) -> u64 {
        0
    }
    fn notice(&self) -> Option<Notice> {
        None
    }
    fn track(&self) -> Option<Track> {
        None
    }
    fn presentation_latency(&self) -> u32 {
        0
    }
    fn surroundings(&self) -> u64 {
        0
    }
    fn watch(&self, _wake: &Wake) {}
    fn edited(&self, _edit: Edit) {}
    fn play(&self, _note: EditorNote) -> u32 {
        0
    }
    fn stop(&self, _played: u32) {}
    fn remember(&self, _memory: &[u8]) {}
    fn remembered(&self) -> std::sync::Arc<[u8]> {
        std::sync::Arc::default()
    }
    fn request_callback(&self) {}
    fn log(&self, _level: Level, _text: &str) {}
}
