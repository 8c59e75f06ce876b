//! What an editor-proxy needs of a shell: which build's editor, edits on their way to the host, and when to look again.
//!
//! Called by: the editor-proxy and, for edits, the adapters. Calls: `shell/control`, the host's `request_callback`.
//! Threads: [any] but audio, unless a method says otherwise.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::AcqRel, Ordering::Acquire};
use std::sync::{Arc, OnceLock, Weak};

use hotshell_abi::Track;
use hotshell_abi::editor::{EditorDesc, EditorNote};
use parking_lot::Mutex;

pub use crate::instance::editor::{EditorBuild, OpenEditor};
pub use crate::rt::editor_host::{EditorAccess, EditorOwner};
use crate::rt::keys::{Key, Keys, next_number};
use crate::shell::ShellError;

/// What the user did in an editor, for the host.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Edit {
    /// Took hold of a parameter.
    Begin {
        /// Host id.
        id: u32,
    },
    /// Moved it.
    Perform {
        /// Host id.
        id: u32,
        /// Plain value, in its cell already.
        plain: f64,
    },
    /// Let go.
    End {
        /// Host id.
        id: u32,
    },
}

impl Edit {
    /// Host id of the parameter.
    #[must_use]
    pub const fn id(self) -> u32 {
        let (Self::Begin { id } | Self::Perform { id, .. } | Self::End { id }) = self;
        id
    }
}

/// Called when there is something to look at again. On any thread but [audio]; must not wait.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// What is wrong, for the strip in the window.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// A build is being made.
    Building,
    /// It failed or was refused; why.
    Failed(String),
    /// No slot: nothing will be reloaded; why.
    NotConnected(String),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Building => f.write_str("Building ..."),
            Self::Failed(why) => f.write_str(why),
            Self::NotConnected(why) => write!(f, "Not connected: {why}"),
        }
    }
}

/// One plug-in instance, seen from its editor-proxy, which may outlive the adapter's own handle.
pub trait Editors: Send + Sync {
    /// The newest accepted build's editor.
    ///
    /// # Errors
    /// [`ShellError::Busy`] if a reload or an activation holds the lock for longer than
    /// [`GUI_LOCK_WAIT`](crate::shell::GUI_LOCK_WAIT): try again later.
    fn newest(&self) -> Result<EditorBuild, ShellError>;

    /// The same, at once.
    ///
    /// # Errors
    /// [`ShellError::Busy`] if anybody holds the lock: try again later.
    fn try_newest(&self) -> Result<EditorBuild, ShellError>;

    /// Size and rules of the editor that was described last, whichever build's: what to go by while no build answers.
    fn last_desc(&self) -> Option<EditorDesc>;

    /// Keeps them.
    fn described(&self, desc: EditorDesc);

    /// Moves whenever [`Editors::newest`] may answer something else. Wait-free.
    fn version(&self) -> u64;

    /// What is wrong, if anything.
    fn notice(&self) -> Option<Notice>;

    /// What the host says of the track that the plug-in sits on, if anything.
    fn track(&self) -> Option<Track>;

    /// Frames from the main output to what is heard; 0: none, or the host does not say.
    fn presentation_latency(&self) -> u32;

    /// Moves whenever [`Editors::track`] or [`Editors::presentation_latency`] may answer something else. Wait-free.
    fn surroundings(&self) -> u64;

    /// From here on `wake` is called when the version, the surroundings or the notice moved, for as long as the caller keeps it. Whoever
    /// was named before still is: an instance may have several windows.
    fn watch(&self, wake: &Wake);

    /// Passes an edit on towards the host, in order. Calls nobody: [`Editors::request_callback`] has the host come for it.
    fn edited(&self, edit: Edit);

    /// A key of a drawn keyboard goes down: the next block hears it. Its number, for [`Editors::stop`]; 0 if there is no
    /// room for it.
    fn play(&self, note: EditorNote) -> u32;

    /// The key with this number goes up. One that is up already stays so.
    fn stop(&self, played: u32);

    /// What a window remembers of itself, whole: for the next one, of this build or of another. Not part of any state.
    fn remember(&self, memory: &[u8]);

    /// What a window remembered last.
    fn remembered(&self) -> Arc<[u8]>;

    /// Asks for a main-thread call.
    fn request_callback(&self);

    /// One line for the host's log and the `dev` terminal.
    fn log(&self, level: crate::host::Level, text: &str);
}

/// Most edits that wait for a host which never comes: beyond, moves are dropped, never a begin or an end.
const MOST_EDITS: usize = 4096;

/// Most bytes that a window may remember: beyond, it remembers nothing.
const MOST_MEMORY: usize = 1 << 20;

/// A shell's own part of it.
#[derive(Default)]
pub struct EditorPart {
    version: AtomicU64,
    notice: Mutex<Option<Notice>>,
    track: Mutex<Option<Track>>,
    presentation_latency: AtomicU32,
    surroundings: AtomicU64,
    wakes: Mutex<Vec<Weak<dyn Fn() + Send + Sync>>>,
    on_watch: OnceLock<Box<dyn Fn() + Send + Sync>>,
    desc: Mutex<Option<EditorDesc>>,
    edits: Mutex<VecDeque<Edit>>,
    memory: Mutex<Arc<[u8]>>,
}

impl fmt::Debug for EditorPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EditorPart")
    }
}

impl EditorPart {
    /// Every lock of it, for the test that plays on meanwhile.
    #[cfg(test)]
    pub(super) fn hold(&self) -> impl Sized + '_ {
        (
            self.notice.lock(),
            self.track.lock(),
            self.wakes.lock(),
            self.desc.lock(),
            self.edits.lock(),
            self.memory.lock(),
        )
    }

    /// Another build is the newest.
    pub fn moved(&self) {
        self.version.fetch_add(1, AcqRel);
        self.wake();
    }

    /// How often it moved.
    pub fn version(&self) -> u64 {
        self.version.load(Acquire)
    }

    /// The host says this of the track; `None`: nothing any more.
    pub fn set_track(&self, track: Option<Track>) {
        let mut place = self.track.lock();
        if *place == track {
            return;
        }
        *place = track;
        drop(place);
        self.surroundings_moved();
    }

    /// What the host says of the track.
    pub fn track(&self) -> Option<Track> {
        self.track.lock().clone()
    }

    /// The host says how many frames it takes from the main output to what is heard.
    pub fn set_presentation_latency(&self, frames: u32) {
        if self.presentation_latency.swap(frames, AcqRel) != frames {
            self.surroundings_moved();
        }
    }

    /// What it said.
    pub fn presentation_latency(&self) -> u32 {
        self.presentation_latency.load(Acquire)
    }

    /// How often the host has said something else.
    pub fn surroundings(&self) -> u64 {
        self.surroundings.load(Acquire)
    }

    fn surroundings_moved(&self) {
        self.surroundings.fetch_add(1, AcqRel);
        self.wake();
    }

    /// Sets what is wrong.
    pub fn set_notice(&self, notice: Option<Notice>) {
        let mut place = self.notice.lock();
        if *place == notice {
            return;
        }
        *place = notice;
        drop(place);
        self.wake();
    }

    /// What is wrong.
    pub fn notice(&self) -> Option<Notice> {
        self.notice.lock().clone()
    }

    /// One more to wake.
    pub fn watch(&self, wake: &Wake) {
        let mut wakes = self.wakes.lock();
        wakes.retain(|other| other.strong_count() > 0);
        wakes.push(Arc::downgrade(wake));
        drop(wakes);
        if let Some(tell) = self.on_watch.get() {
            tell();
        }
    }

    /// True while somebody watches: a window is open.
    pub fn is_watched(&self) -> bool {
        self.wakes.lock().iter().any(|wake| wake.strong_count() > 0)
    }

    /// From here on `tell` is called whenever somebody begins to watch. Once.
    pub fn on_watch(&self, tell: Box<dyn Fn() + Send + Sync>) {
        // There is one caller.
        let _ = self.on_watch.set(tell);
    }

    fn wake(&self) {
        // Copies, so that nothing is called, and no window's last part dropped, under the lock.
        let wakes: Vec<Wake> = self.wakes.lock().iter().filter_map(Weak::upgrade).collect();
        for wake in wakes {
            wake();
        }
    }

    /// What was described last.
    pub fn last_desc(&self) -> Option<EditorDesc> {
        *self.desc.lock()
    }

    /// Keeps what was described.
    pub fn described(&self, desc: EditorDesc) {
        *self.desc.lock() = Some(desc);
    }

    /// Keeps what a window remembers.
    pub fn remember(&self, memory: &[u8]) {
        let memory = if memory.len() > MOST_MEMORY { Arc::default() } else { Arc::from(memory) };
        // Not dropped under the lock.
        let before = std::mem::replace(&mut *self.memory.lock(), memory);
        drop(before);
    }

    /// What a window remembered last.
    pub fn remembered(&self) -> Arc<[u8]> {
        Arc::clone(&self.memory.lock())
    }

    /// One more edit. A move right after a move of the same parameter takes its place.
    pub fn push(&self, edit: Edit) {
        let mut edits = self.edits.lock();
        if let (Edit::Perform { id, .. }, Some(last @ Edit::Perform { .. })) = (edit, edits.back_mut())
            && matches!(last, Edit::Perform { id: other, .. } if *other == id)
        {
            *last = edit;
        } else if edits.len() < MOST_EDITS || !matches!(edit, Edit::Perform { .. }) {
            edits.push_back(edit);
        }
    }

    /// All edits so far, in order. [main]
    pub fn take(&self) -> Vec<Edit> {
        self.edits.lock().drain(..).collect()
    }

    /// Edits that were taken too soon: they come first the next time. Of one parameter's, its last value in one gesture,
    /// so that a host which is never told of the parameter costs no memory. [main]
    pub fn put_back(&self, early: &[Edit]) {
        let mut ids: Vec<u32> = Vec::new();
        for edit in early {
            if !ids.contains(&edit.id()) {
                ids.push(edit.id());
            }
        }
        let mut edits = self.edits.lock();
        for id in ids.into_iter().rev() {
            let of_id = || early.iter().filter(move |edit| edit.id() == id);
            let begin = of_id().find(|edit| matches!(edit, Edit::Begin { .. }));
            let moved = of_id().rfind(|edit| matches!(edit, Edit::Perform { .. }));
            let end = of_id().next_back().filter(|edit| matches!(edit, Edit::End { .. }));
            for edit in [end, moved, begin].into_iter().flatten() {
                edits.push_front(*edit);
            }
        }
    }
}

/// Most keys that are down at a time: more than three players have fingers.
const MOST_KEYS: usize = 32;

/// The one who pushes into [`Keys`]: an instance's windows take turns. Every key that went down keeps a place for its way
/// up, so that no note off is ever refused.
#[derive(Debug)]
pub struct Keyboard {
    keys: Arc<Keys>,
    down: Mutex<Down>,
}

/// Keys that are down.
#[derive(Debug, Default)]
struct Down {
    last: u32,
    keys: Vec<(u32, EditorNote)>,
}

impl Keyboard {
    /// Nothing is down.
    #[must_use]
    pub fn new(keys: Arc<Keys>) -> Self {
        Self { keys, down: Mutex::default() }
    }

    /// A key goes down: its number, or 0 if there are too many. [any] but audio
    pub fn press(&self, note: EditorNote) -> u32 {
        let mut down = self.down.lock();
        let needed = down.keys.len() + 2;
        if down.keys.len() == MOST_KEYS || (self.keys.room() as usize) < needed {
            return 0;
        }
        let number = next_number(down.last);
        if !self.keys.push(&Key { on: true, number, note, at: self.keys.now() }) {
            return 0;
        }
        down.last = number;
        down.keys.push((number, note));
        number
    }

    /// It goes up. [any] but audio
    pub fn release(&self, number: u32) {
        let mut down = self.down.lock();
        if let Some(at) = down.keys.iter().position(|(other, _)| *other == number) {
            let (number, note) = down.keys.remove(at);
            let told = self.keys.push(&Key { on: false, number, note, at: self.keys.now() });
            debug_assert!(told, "a place was kept for it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: EditorNote = EditorNote { key: 60, channel: 0, port: 0, reserved: 0, velocity: 0.5 };

    #[test]
    fn no_note_off_is_refused_however_many_keys_wait() {
        let keys = Arc::new(Keys::new());
        let keyboard = Keyboard::new(Arc::clone(&keys));
        let mut down = Vec::new();
        // A host that plays no block, and a user who plays on until nothing is taken any more.
        while keys.room() > 0 {
            let number = keyboard.press(NOTE);
            if number == 0 && down.is_empty() {
                break;
            }
            down.extend((number != 0).then_some(number));
            if number == 0 || down.len() > 5 {
                keyboard.release(down.remove(0));
            }
        }
        down.into_iter().for_each(|number| keyboard.release(number));
        let mut sounding = Vec::new();
        while let Some(key) = keys.first() {
            keys.take();
            if key.on {
                sounding.push(key.number);
            } else {
                sounding.retain(|number| *number != key.number);
            }
        }
        assert!(sounding.is_empty(), "{sounding:?}");
        keyboard.release(1);
        assert!(keys.is_empty(), "a key that is up stays up");
    }

    #[test]
    fn more_keys_than_hands_are_not_played() {
        let keyboard = Keyboard::new(Arc::new(Keys::new()));
        let played: Vec<u32> = (0..=MOST_KEYS).map(|_| keyboard.press(NOTE)).collect();
        assert_eq!(played.iter().filter(|number| **number == 0).count(), 1);
        assert_eq!(played.last(), Some(&0));
    }

    #[test]
    fn moves_of_one_parameter_are_one_move_and_gestures_stay_in_order() {
        let part = EditorPart::default();
        for edit in [
            Edit::Begin { id: 1 },
            Edit::Perform { id: 1, plain: 0.1 },
            Edit::Perform { id: 1, plain: 0.2 },
            Edit::Perform { id: 2, plain: 0.3 },
            Edit::Perform { id: 1, plain: 0.4 },
            Edit::End { id: 1 },
        ] {
            part.push(edit);
        }
        assert_eq!(
            part.take(),
            [
                Edit::Begin { id: 1 },
                Edit::Perform { id: 1, plain: 0.2 },
                Edit::Perform { id: 2, plain: 0.3 },
                Edit::Perform { id: 1, plain: 0.4 },
                Edit::End { id: 1 },
            ]
        );
        assert!(part.take().is_empty(), "given once");
    }

    #[test]
    fn each_window_is_woken_until_it_is_gone() {
        use std::sync::atomic::AtomicU32;
        let part = EditorPart::default();
        let counts = [(); 2].map(|()| Arc::new(AtomicU32::new(0)));
        let [first, second] = counts.clone().map(|count| -> Wake {
            Arc::new(move || {
                count.fetch_add(1, AcqRel);
            })
        });
        part.watch(&first);
        part.watch(&second);
        part.moved();
        drop(first);
        part.moved();
        assert_eq!(counts.map(|count| count.load(Acquire)), [1, 2]);
        drop(second);
    }

    #[test]
    fn what_is_put_back_is_one_gesture_for_each_parameter_and_comes_first() {
        let part = EditorPart::default();
        let early = [
            Edit::Begin { id: 1 },
            Edit::Perform { id: 1, plain: 0.1 },
            Edit::End { id: 1 },
            Edit::Begin { id: 2 },
            Edit::Begin { id: 1 },
            Edit::Perform { id: 1, plain: 0.2 },
            Edit::End { id: 1 },
        ];
        part.push(Edit::Perform { id: 2, plain: 0.5 });
        part.put_back(&early);
        let wanted = [
            Edit::Begin { id: 1 },
            Edit::Perform { id: 1, plain: 0.2 },
            Edit::End { id: 1 },
            Edit::Begin { id: 2 },
            Edit::Perform { id: 2, plain: 0.5 },
        ];
        assert_eq!(part.take(), wanted);
    }

    #[test]
    fn a_host_that_never_comes_costs_moves_and_no_end() {
        let part = EditorPart::default();
        for n in 0..2 * u32::try_from(MOST_EDITS).unwrap() {
            part.push(Edit::Perform { id: n, plain: 0.0 });
        }
        part.push(Edit::End { id: 7 });
        let edits = part.take();
        assert_eq!(edits.len(), MOST_EDITS + 1);
        assert_eq!(edits.last(), Some(&Edit::End { id: 7 }));
    }
}
