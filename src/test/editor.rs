//! An editor's way to the shell, without a window.
//!
//! Called by: authors' tests. Calls: the shell's editor. Threads: the test's own.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use hotshell_abi::Sample;
use hotshell_abi::editor::{EditorNote, EditorSize, WindowHandle, WindowKind};
use hotshell_core::shell::editors::{Edit, EditorAccess, EditorOwner, Editors};
use hotshell_logic::PluginLogicCore;
use hotshell_logic::editor::{Editor, EditorContext, EditorWindow};

use super::rig::Rig;

thread_local! {
    /// The editor to come is one without a window.
    static WANTED: Cell<bool> = const { Cell::new(false) };
    static OUT: RefCell<Option<EditorContext>> = const { RefCell::new(None) };
}

struct NoWindow;

impl EditorWindow for NoWindow {
    fn show(&mut self, _visible: bool) {}
    fn resize(&mut self, _width: u32, _height: u32) {}
}

/// In place of the author's own, where [`Rig::editor`] asks.
pub(super) fn stand_in() -> Option<Editor> {
    WANTED.take().then(|| {
        Editor::new(1, 1, |cx| {
            OUT.set(Some(cx));
            Ok(Box::new(NoWindow))
        })
    })
}

/// Passes on what an editor does.
struct Line(Arc<dyn Editors>);

impl EditorAccess for Line {
    fn begin(&self, id: u32) {
        self.0.edited(Edit::Begin { id });
    }
    fn perform(&self, id: u32, plain: f64) {
        self.0.edited(Edit::Perform { id, plain });
    }
    fn end(&self, id: u32) {
        self.0.edited(Edit::End { id });
    }
    fn request_resize(&self, _size: EditorSize) {}
    fn drawn(&self) {}
    fn failed(&self, why: &str) {
        panic!("the editor failed: {why}");
    }
    fn wants_keys(&self, _wanted: bool) {}
    fn play(&self, note: EditorNote) -> u32 {
        self.0.play(note)
    }
    fn stop(&self, played: u32) {
        self.0.stop(played);
    }
    fn host_menu(&self, _id: u32, _x: i32, _y: i32) {}
}

impl<P: 'static> Rig<P> {
    /// What an editor of the newest build draws with and acts through, without a window: a drawing function gets it in a
    /// unit test, with [`Rig::params`]. A value that is set is in its parameter at once, a key that is played is heard in
    /// the next run.
    ///
    /// # Panics
    /// If the plug-in's code panics.
    #[must_use]
    pub fn editor<S: Sample>(&self) -> EditorContext
    where
        P: PluginLogicCore<S>,
    {
        const NOWHERE: WindowHandle = WindowHandle { kind: WindowKind::X11, reserved: 0, handle: 1 };
        let Some(editors) = self.shell().editors() else { unreachable!("every shell of a Rig has them") };
        let owner = EditorOwner::new(Arc::new(Line(Arc::clone(&editors))) as Arc<dyn EditorAccess>);
        let opened = editors.newest().and_then(|build| {
            WANTED.set(true);
            build.open(NOWHERE, EditorSize::new(1, 1), 1.0, &owner)
        });
        match (opened, OUT.take()) {
            (Ok(_), Some(cx)) => cx,
            (opened, _) => panic!("{} has no editor: {opened:?}", P::INFO.name),
        }
    }
}
