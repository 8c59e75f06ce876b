//! An author's window: what it is before it is open, and what its code may do while it is.
//!
//! Called by: authors, the kit (`hotshell-editor`); `export/editor` opens it. Calls: the shell, through `EditorHostRef`.
//! Threads: an [`Editor`] is described on [main]; it is built, used and dropped on one thread, [editor];
//! [`EditorContext`] is for that thread and the one that draws.
//!
//! Nothing here knows a windowing system: the kit does, or the author himself.

mod face;
mod note;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use hotshell_abi::ByteSink;
pub use hotshell_abi::Track;
use hotshell_abi::editor::{EditorArgs, EditorHostRef};
pub use hotshell_abi::editor::{EditorDesc, EditorField, EditorKey, EditorSize, WindowHandle, WindowKind};

pub use self::face::Face;
pub use self::note::{Note, Playing};
use crate::export::shared::Parts;
use crate::params::Param;

/// Why an editor could not be built: a sentence for its author.
#[derive(Debug)]
pub struct EditorError(String);

impl EditorError {
    /// With this sentence.
    #[must_use]
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for EditorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EditorError {}

/// An open window. Dropped: closed. [editor]: every call comes from the thread that built it.
pub trait EditorWindow {
    /// Maps or unmaps it. A new window is unmapped.
    fn show(&mut self, visible: bool);
    /// The window around it has this size, in physical pixels.
    fn resize(&mut self, width: u32, height: u32);
    /// Physical pixels to a logical one.
    fn scale(&mut self, scale: f64) {
        let _ = scale;
    }
    /// A key that the host passed on; true if it was of use.
    fn key(&mut self, key: &EditorKey) -> bool {
        let _ = key;
        false
    }
}

type Build = Box<dyn FnOnce(EditorContext) -> Result<Box<dyn EditorWindow>, EditorError>>;

/// A plug-in's window before it is open: a size, resize rules and how to build it.
pub struct Editor {
    desc: EditorDesc,
    build: Build,
}

impl fmt::Debug for Editor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Editor").field("desc", &self.desc).finish_non_exhaustive()
    }
}

impl Editor {
    /// A window of `width` by `height` logical pixels that the user cannot resize. `build` opens it, unmapped, inside
    /// [`EditorContext::parent`].
    pub fn new(
        width: u32,
        height: u32,
        build: impl FnOnce(EditorContext) -> Result<Box<dyn EditorWindow>, EditorError> + 'static,
    ) -> Self {
        let size = EditorSize::new(width.clamp(1, EditorSize::MOST), height.clamp(1, EditorSize::MOST));
        Self {
            desc: EditorDesc { size, min: size, max: size, ..EditorDesc::default() },
            build: Box::new(build),
        }
    }

    /// The user may resize it between `min` and `max`, in logical pixels (width, height).
    #[must_use]
    pub fn resizable(mut self, min: (u32, u32), max: (u32, u32)) -> Self {
        let size = |(width, height): (u32, u32)| {
            EditorSize::new(width.clamp(1, EditorSize::MOST), height.clamp(1, EditorSize::MOST))
        };
        (self.desc.min, self.desc.max) = (size(min), size(max));
        self.desc.flags |= EditorDesc::RESIZABLE;
        self
    }

    /// Resized only in the proportion of its size.
    #[must_use]
    pub fn keep_aspect(mut self) -> Self {
        self.desc.flags |= EditorDesc::KEEP_ASPECT;
        self
    }

    /// Size and rules.
    #[must_use]
    pub const fn desc(&self) -> EditorDesc {
        self.desc
    }

    pub(crate) fn build(self, cx: EditorContext) -> Result<Box<dyn EditorWindow>, EditorError> {
        (self.build)(cx)
    }
}

static STAND_IN: OnceLock<fn() -> Editor> = OnceLock::new();

/// From here on, plug-ins of this artifact without an editor of their own have the one that `make` makes. The first call
/// counts. For the facade. [main] [reload]
pub fn stand_in(make: fn() -> Editor) {
    let _ = STAND_IN.set(make);
}

/// The author's editor, or what stands in for one.
pub(crate) fn or_stand_in(own: Option<Editor>) -> Option<Editor> {
    own.or_else(|| STAND_IN.get().map(|make| make()))
}

type Wake = Box<dyn Fn() + Send>;

struct Inner {
    parent: WindowHandle,
    size: EditorSize,
    scale: f64,
    build: u32,
    host: EditorHostRef,
    parts: Arc<Parts>,
    repaint: Mutex<Option<Wake>>,
    keys: AtomicBool,
}

/// What a window's code may do: edits, texts, its own size. Cheap to clone. What it asks of the host is queued for
/// [main]; a value that it sets reaches the DSP at once.
#[derive(Clone)]
pub struct EditorContext(Arc<Inner>);

impl fmt::Debug for EditorContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EditorContext").field("build", &self.build()).finish_non_exhaustive()
    }
}

/// An [`EditorContext`] that keeps nothing alive.
pub(crate) struct WeakContext(Weak<Inner>);

impl WeakContext {
    pub(crate) fn upgrade(&self) -> Option<EditorContext> {
        self.0.upgrade().map(EditorContext)
    }
}

impl EditorContext {
    pub(crate) fn downgrade(&self) -> WeakContext {
        WeakContext(Arc::downgrade(&self.0))
    }

    pub(crate) fn new(args: &EditorArgs, host: EditorHostRef, parts: Arc<Parts>) -> Self {
        let EditorArgs { parent, size, scale, build, .. } = *args;
        Self(Arc::new(Inner {
            parent,
            size,
            scale,
            build,
            host,
            parts,
            repaint: Mutex::new(None),
            keys: AtomicBool::new(false),
        }))
    }

    /// The shell's window, which the editor's becomes a child of.
    #[must_use]
    pub fn parent(&self) -> WindowHandle {
        self.0.parent
    }

    /// Size of that window when the editor was opened, in physical pixels.
    #[must_use]
    pub fn size(&self) -> EditorSize {
        self.0.size
    }

    /// Physical pixels to a logical one when the editor was opened.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.0.scale
    }

    /// Number of the build that this window belongs to; 0: the one that the host loaded.
    #[must_use]
    pub fn build(&self) -> u32 {
        self.0.build
    }

    /// What the host says of the track that the plug-in sits on: its name, its colour. `None` until it says anything; it
    /// may do so at any time, and the window is drawn again then. It stays over a reload. [any] but audio
    #[must_use]
    pub fn track(&self) -> Option<Track> {
        self.0.host.track()
    }

    /// Frames, at the host's sample rate, from the plug-in's main output to what is heard: what is drawn that much later is
    /// in time with the sound. 0 if there are none or the host does not say, as with every CLAP host: CLAP has no word for
    /// it. The window is drawn again when it changes. [any] but audio
    #[must_use]
    pub fn presentation_latency(&self) -> u32 {
        self.0.host.presentation_latency()
    }

    /// Takes hold of `param`, as a user does at the start of a drag. Let go by dropping the answer; a swap that lands
    /// in between lets go as well.
    #[must_use]
    pub fn edit<'p, P: Param>(&self, param: &'p P) -> Gesture<'p, P> {
        self.0.host.begin(param.host_id());
        Gesture { cx: self.clone(), param }
    }

    /// Sets `param` in one step: taken hold of, moved, let go.
    pub fn set<P: Param>(&self, param: &P, value: P::Plain) {
        self.edit(param).set(value);
    }

    /// Takes hold of `param` as [`EditorContext::edit`] does, for widgets that keep the hold from one frame to the next.
    #[must_use]
    pub fn hold(&self, param: &impl Param) -> Hold {
        let host_id = param.host_id();
        self.0.host.begin(host_id);
        Hold { host: self.0.host.clone(), host_id }
    }

    /// The start of an edit by number, for widgets that cannot hold a [`Gesture`] between frames: each `begin` needs an
    /// `end`.
    pub fn begin(&self, param: &impl Param) {
        self.0.host.begin(param.host_id());
    }

    /// Moves a parameter that [`EditorContext::begin`] took hold of, to a plain value.
    pub fn perform(&self, param: &impl Param, plain: f64) {
        param.store(plain);
        self.0.host.perform(param.host_id(), plain);
    }

    /// Lets go of it.
    pub fn end(&self, param: &impl Param) {
        self.0.host.end(param.host_id());
    }

    /// What a parameter is called, how it reads, and where a knob stands.
    #[must_use]
    pub fn face<P: Param>(&self, param: &P) -> Option<Face<'_>> {
        Face::of(&self.0.parts.params, param.host_id())
    }

    /// All parameters, in the order of the description: for editors that are made from it.
    pub fn faces(&self) -> impl Iterator<Item = Face<'_>> {
        self.0.parts.params.iter().map(Face)
    }

    /// Plays `note` until the answer is dropped: a keyboard on the screen. The DSP hears it at the start of its next block,
    /// as it hears the host's notes (a block at least lies between a note's start and its end), and a swap plays it again
    /// to the new build. A window that closes, or that another build's window replaces, lets go of its notes.
    ///
    /// The host does not hear of it, and records nothing. Where no block runs the note stays silent: one that waits for
    /// longer than two seconds is not played any more, and beyond 32 at a time notes are not played at all.
    pub fn play(&self, note: Note) -> Playing {
        Playing::start(&self.0.host, note)
    }

    /// Asks for the host's own menu of `param` (automation, MIDI learn, ...), at a place in physical pixels from the upper
    /// left corner of the editor. Nothing happens where the host has none.
    pub fn host_menu(&self, param: &impl Param, x: i32, y: i32) {
        self.0.host.host_menu(param.host_id(), x, y);
    }

    /// For the code that draws: where parameters stand in the window, all of them, later ones on top. A host may ask which
    /// one lies under its pointer (VST3; CLAP hosts do not). Said once, and again where it changes.
    pub fn fields(&self, fields: &[EditorField]) {
        self.0.host.fields(fields);
    }

    /// For the code that opens windows: what a toolkit remembers of where things stand (what is unfolded, how far a list
    /// is scrolled), whole; a window of the next build, or the next that the user opens, asks for it. It is not saved,
    /// and more than a mebibyte is not kept. An author's own belongs into a [`Keep`](crate::params::Keep) field.
    pub fn remember(&self, memory: &[u8]) {
        self.0.host.remember(memory);
    }

    /// For the code that opens windows: what a window of this instance, maybe another build's, remembered last. Empty if
    /// there was none. [any] but audio
    #[must_use]
    pub fn remembered(&self) -> Vec<u8> {
        let mut memory = Vec::new();
        // A sink that could not grow has half of it, which is no memory.
        if !self.0.host.remembered(&mut ByteSink::new(&mut memory)).is_ok() {
            memory.clear();
        }
        memory
    }

    /// Asks the host for another size, in logical pixels. Granted or not, [`EditorWindow::resize`] tells the outcome.
    pub fn request_resize(&self, width: u32, height: u32) {
        self.0.host.request_resize(EditorSize::new(width, height));
    }

    /// Draws again soon, from any thread but [audio].
    pub fn repaint(&self) {
        if let Some(wake) = &*self.0.repaint.lock().unwrap_or_else(PoisonError::into_inner) {
            wake();
        }
    }

    /// For the code that opens windows: what [`EditorContext::repaint`] does.
    pub fn on_repaint(&self, wake: impl Fn() + Send + 'static) {
        *self.0.repaint.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(wake));
    }

    /// For the code that opens windows: the first frame is on the screen, the window may take the old one's place.
    pub fn drawn(&self) {
        self.0.host.drawn();
    }

    /// For the code that opens windows: it cannot go on, for this reason. The old window stays, or a message comes up.
    pub fn failed(&self, why: &str) {
        self.0.host.failed(why);
    }

    /// For the code that opens windows: true while a text field has the focus, so that keys are its own.
    pub fn wants_keys(&self, wanted: bool) {
        self.0.keys.store(wanted, Relaxed);
        self.0.host.wants_keys(wanted);
    }

    /// For the code that opens windows: what [`EditorContext::wants_keys`] was told last.
    #[must_use]
    pub fn keys_wanted(&self) -> bool {
        self.0.keys.load(Relaxed)
    }

    /// Runs what draws; a panic ends here, its message and place go to the shell, and the answer is `None`.
    pub fn guard<T>(&self, draw: impl FnOnce() -> T) -> Option<T> {
        let done = crate::export::panic::catch(draw);
        if done.is_none() {
            self.failed(&crate::export::panic::words());
        }
        done
    }
}

/// A parameter that the user has taken hold of. Let go by dropping it. [editor]
#[derive(Debug)]
pub struct Gesture<'p, P: Param> {
    cx: EditorContext,
    param: &'p P,
}

impl<P: Param> Gesture<'_, P> {
    /// Moves it: the DSP has the value at once, the host hears of it soon.
    pub fn set(&self, value: P::Plain) {
        self.cx.perform(self.param, self.param.to_plain(value));
    }
}

impl<P: Param> Drop for Gesture<'_, P> {
    fn drop(&mut self) {
        self.cx.end(self.param);
    }
}

/// A parameter that the user has taken hold of, for a widget to keep between frames. Let go by dropping it. It borrows
/// nothing and keeps no context alive, so that it may lie in what the toolkit itself remembers. [editor]
#[derive(Debug)]
pub struct Hold {
    host: EditorHostRef,
    host_id: u32,
}

impl Hold {
    /// Moves `param` to a plain value: the DSP has it at once, the host hears of it soon. Another parameter than the one
    /// that is held is left alone.
    pub fn perform(&self, param: &impl Param, plain: f64) {
        if param.host_id() == self.host_id {
            param.store(plain);
            self.host.perform(self.host_id, plain);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.host.end(self.host_id);
    }
}
