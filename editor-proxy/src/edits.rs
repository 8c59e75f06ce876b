//! One open editor's line to the shell: edits on their way to the host, and news of itself.
//!
//! Called by: the editor, through the boundary. Calls: the shell's queue, `stage`. Threads: [editor]; nothing here waits.
//!
//! The shell's queue is filled under the line's lock, so that no edit comes after its end; the host is called without:
//! it may call back, or wait in there for somebody who waits for the lock.

use std::sync::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Acquire};
use std::sync::{Arc, Weak};

use hotshell_abi::Track;
use hotshell_abi::editor::{EditorDesc, EditorField, EditorNote, EditorSize};
use hotshell_core::shell::editors::{Edit, EditorAccess, Editors};
use parking_lot::Mutex;

use crate::stage::{Menu, Stage};

/// Most parameters that an editor shows at a time: what is beyond them is not found.
const MOST_FIELDS: usize = 4096;

/// How far an editor has come.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Progress {
    /// Its code builds it.
    Opening,
    /// Its window is mapped.
    Open,
    /// Its first frame is on the window.
    Drawn,
    /// It cannot go on.
    Failed(String),
}

/// One editor's line.
pub(crate) struct Line {
    editors: Arc<dyn Editors>,
    stage: Weak<Stage>,
    progress: Mutex<Progress>,
    desc: Mutex<Option<EditorDesc>>,
    /// Parameters that the user holds.
    held: Mutex<Vec<u32>>,
    /// Keys that the user holds, by number.
    played: Mutex<Vec<u32>>,
    /// Where parameters stand in it, later ones on top.
    fields: Mutex<Vec<EditorField>>,
    /// Nothing that it says counts any more.
    cut: AtomicBool,
}

impl Line {
    pub(crate) fn new(editors: Arc<dyn Editors>, stage: Weak<Stage>) -> Arc<Self> {
        Arc::new(Self {
            editors,
            stage,
            progress: Mutex::new(Progress::Opening),
            desc: Mutex::default(),
            held: Mutex::default(),
            played: Mutex::default(),
            fields: Mutex::default(),
            cut: AtomicBool::new(false),
        })
    }

    /// Every lock of it, for the test that plays on meanwhile.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Sized + '_ {
        (self.progress.lock(), self.desc.lock(), self.held.lock(), self.fields.lock())
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress.lock().clone()
    }

    /// Size and rules, once they are known.
    pub(crate) fn desc(&self) -> Option<EditorDesc> {
        *self.desc.lock()
    }

    pub(crate) fn described(&self, desc: EditorDesc) {
        *self.desc.lock() = Some(desc);
        self.editors.described(desc);
    }

    /// Host id of the parameter at a place in physical pixels from the upper left corner.
    pub(crate) fn param_at(&self, x: i32, y: i32) -> Option<u32> {
        let fields = self.fields.lock();
        fields.iter().rev().find(|field| field.holds(x, y)).map(|field| field.host_id)
    }

    /// Its window is mapped.
    pub(crate) fn opened(&self) {
        self.advance(|progress| match progress {
            Progress::Opening => Some(Progress::Open),
            _ => None,
        });
    }

    /// From here on it is not listened to; what the user holds is let go.
    pub(crate) fn cut(&self) {
        if !self.cut.swap(true, AcqRel) {
            let mut held = self.held.lock();
            let let_go = !held.is_empty();
            held.drain(..).for_each(|id| self.editors.edited(Edit::End { id }));
            drop(held);
            if let_go {
                self.editors.request_callback();
            }
            let played = std::mem::take(&mut *self.played.lock());
            played.into_iter().for_each(|number| self.editors.stop(number));
        }
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Acquire)
    }

    fn advance(&self, to: impl FnOnce(&Progress) -> Option<Progress>) {
        let mut progress = self.progress.lock();
        let Some(next) = to(&progress) else { return };
        *progress = next;
        drop(progress);
        if let Some(stage) = self.stage.upgrade().filter(|_| !self.is_cut()) {
            stage.ring();
        }
    }
}

impl EditorAccess for Line {
    fn begin(&self, id: u32) {
        let mut held = self.held.lock();
        if !self.is_cut() && !held.contains(&id) {
            held.push(id);
            self.editors.edited(Edit::Begin { id });
            drop(held);
            self.editors.request_callback();
        }
    }

    fn perform(&self, id: u32, plain: f64) {
        let held = self.held.lock();
        if !self.is_cut() && plain.is_finite() && held.contains(&id) {
            self.editors.edited(Edit::Perform { id, plain });
            drop(held);
            self.editors.request_callback();
        }
    }

    fn end(&self, id: u32) {
        let mut held = self.held.lock();
        if let Some(at) = held.iter().position(|other| *other == id).filter(|_| !self.is_cut()) {
            held.remove(at);
            self.editors.edited(Edit::End { id });
            drop(held);
            self.editors.request_callback();
        }
    }

    fn request_resize(&self, size: EditorSize) {
        if let Some(stage) = self.stage.upgrade().filter(|_| !self.is_cut()) {
            stage.wish(size);
        }
    }

    fn drawn(&self) {
        self.advance(|progress| match progress {
            Progress::Opening | Progress::Open => Some(Progress::Drawn),
            _ => None,
        });
    }

    fn failed(&self, why: &str) {
        self.advance(|progress| match progress {
            Progress::Failed(_) => None,
            _ => Some(Progress::Failed(why.to_owned())),
        });
    }

    fn wants_keys(&self, wanted: bool) {
        if let Some(stage) = self.stage.upgrade().filter(|_| !self.is_cut()) {
            stage.set_wants_keys(wanted);
        }
    }

    fn track(&self) -> Option<Track> {
        self.editors.track()
    }

    fn presentation_latency(&self) -> u32 {
        self.editors.presentation_latency()
    }

    fn play(&self, note: EditorNote) -> u32 {
        if self.is_cut() {
            return 0;
        }
        // Not under the lock: the host is called in there.
        let number = self.editors.play(note);
        let mut played = self.played.lock();
        if self.is_cut() {
            // Whoever cut the line may not have found the key.
            drop(played);
            self.editors.stop(number);
            return 0;
        }
        played.extend((number != 0).then_some(number));
        number
    }

    fn stop(&self, number: u32) {
        let mut played = self.played.lock();
        if let Some(at) = played.iter().position(|other| *other == number) {
            played.remove(at);
            drop(played);
            self.editors.stop(number);
        }
    }

    fn host_menu(&self, id: u32, x: i32, y: i32) {
        if let Some(stage) = self.stage.upgrade().filter(|_| !self.is_cut()) {
            stage.want_menu(Menu { id, x, y });
        }
    }

    fn fields(&self, fields: &[EditorField]) {
        let fields = fields.iter().copied().take(MOST_FIELDS).collect();
        // Not dropped under the lock.
        let before = std::mem::replace(&mut *self.fields.lock(), fields);
        drop(before);
    }

    fn remember(&self, memory: &[u8]) {
        // A window on its way out does not take the place of what its successor remembers.
        if !self.is_cut() {
            self.editors.remember(memory);
        }
    }

    fn remembered(&self) -> Arc<[u8]> {
        self.editors.remembered()
    }
}

#[cfg(test)]
mod tests;
