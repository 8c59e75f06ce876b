//! Which editor is on the window, which one is about to be, and what is said when there is none: a machine of states
//! that anybody may turn, the host's idle timer and the window's own loop alike.
//!
//! Called by: `proxy` [main], `panel` (the window's loop), `edits`. Calls: `helper`, the shell. Threads: [any] but audio.
//! The lock is never held while the author's code runs or the host is called; asking which build is the newest may take
//! [`GUI_LOCK_WAIT`] under it.
//!
//! Make before break: the next editor's window comes up on top of the old one, transparent until it has drawn; then the
//! old one goes. One that fails before that goes itself, and the old one stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use hotshell_abi::editor::{EditorDesc, EditorSize};
use hotshell_core::host::Level;
use hotshell_core::shell::editors::{EditorBuild, Editors, Notice, Wake};
use hotshell_core::shell::{GUI_LOCK_WAIT, ShellError};
use parking_lot::Mutex;

use crate::edits::{Line, Progress};
use crate::helper::{Closing, Command, Helper, Place};

/// Between two tries while the lock is held elsewhere.
pub(crate) const RETRY: Duration = Duration::from_millis(30);
/// First wait before an editor that could not be made is tried again; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(4);
/// Until then nobody is told that an editor is still being made.
const PATIENCE: Duration = Duration::from_millis(300);

/// Wakes whoever turns the stage.
type Bell = Box<dyn Fn() + Send>;

/// One window's editors.
pub(crate) struct Stage {
    editors: Arc<dyn Editors>,
    bell: Mutex<Option<Bell>>,
    inner: Mutex<Inner>,
    /// A size that the editor wants of the host, logical.
    wish: Mutex<Option<EditorSize>>,
    wants_keys: AtomicBool,
}

/// One editor and its thread.
struct Cast {
    build: EditorBuild,
    helper: Helper,
    line: Arc<Line>,
    since: Instant,
    raised: bool,
}

impl Cast {
    fn close(self) -> Closing {
        self.line.cut();
        self.helper.close()
    }
}

#[derive(Default)]
struct Inner {
    /// `None`: the host has no window for it.
    place: Option<Place>,
    shown: Option<Cast>,
    next: Option<Cast>,
    /// Version of the shell's builds that was looked at last.
    seen: Option<u64>,
    /// The build whose editor failed last.
    failed: Option<EditorBuild>,
    why: Option<String>,
    /// Closed by a swap, and perhaps not gone yet.
    leaving: Vec<Closing>,
    raised: u32,
    due: Option<Instant>,
    wait: Duration,
}

impl Stage {
    pub(crate) fn new(editors: Arc<dyn Editors>) -> Arc<Self> {
        Arc::new(Self {
            editors,
            bell: Mutex::default(),
            inner: Mutex::default(),
            wish: Mutex::default(),
            wants_keys: AtomicBool::new(false),
        })
    }

    /// From here on `bell` wakes whoever turns the stage; `None`: nobody.
    pub(crate) fn set_bell(&self, bell: Option<Bell>) {
        *self.bell.lock() = bell;
    }

    /// There is something to do.
    pub(crate) fn ring(&self) {
        if let Some(bell) = &*self.bell.lock() {
            bell();
        }
    }

    /// The editor wants another size (logical) of the host.
    pub(crate) fn wish(&self, size: EditorSize) {
        *self.wish.lock() = Some(size);
        self.editors.request_callback();
    }

    /// What it wants, once. [main]
    pub(crate) fn take_wish(&self) -> Option<EditorSize> {
        self.wish.lock().take()
    }

    pub(crate) fn set_wants_keys(&self, wanted: bool) {
        self.wants_keys.store(wanted, Relaxed);
    }

    /// Passes a key on; true if a text field has the focus.
    pub(crate) fn key(&self, command: Command) -> bool {
        let wanted = self.wants_keys.load(Relaxed);
        if wanted {
            self.tell(command);
        }
        wanted
    }

    /// The host has a window for it.
    pub(crate) fn open(self: &Arc<Self>, place: Place) {
        *self.inner.lock() = Inner { place: Some(place), ..Inner::default() };
        let stage = Arc::downgrade(self);
        let wake: Wake = Arc::new(move || {
            if let Some(stage) = stage.upgrade() {
                stage.ring();
            }
        });
        self.editors.watch(Some(wake));
    }

    /// The host's window ends. What is still being closed is the answer.
    pub(crate) fn close(&self) -> Vec<Closing> {
        self.editors.watch(None);
        let mut inner = std::mem::take(&mut *self.inner.lock());
        self.wants_keys.store(false, Relaxed);
        *self.wish.lock() = None;
        let mut leaving = std::mem::take(&mut inner.leaving);
        leaving.extend(inner.shown.take().into_iter().chain(inner.next.take()).map(Cast::close));
        leaving
    }

    /// The window has another size, in physical pixels.
    pub(crate) fn resize(&self, size: EditorSize) {
        let mut inner = self.inner.lock();
        let Some(place) = inner.place.as_mut().filter(|place| place.size != size) else { return };
        place.size = size;
        inner.tell(Command::Resize(size));
    }

    /// Physical pixels to a logical one.
    pub(crate) fn scale(&self, scale: f64) {
        let mut inner = self.inner.lock();
        let Some(place) = inner.place.as_mut().filter(|place| (place.scale - scale).abs() > 1e-6) else {
            return;
        };
        place.scale = scale;
        inner.tell(Command::Scale(scale));
    }

    fn tell(&self, command: Command) {
        self.inner.lock().tell(command);
    }

    /// Size and rules of the editor that is on the window.
    pub(crate) fn desc(&self) -> Option<EditorDesc> {
        self.inner.lock().shown.as_ref().and_then(|cast| cast.line.desc())
    }

    /// Does what there is to do, and answers when there will be more, if nobody rings before.
    pub(crate) fn turn(self: &Arc<Self>) -> Option<Instant> {
        let Some(mut inner) = self.inner.try_lock_for(GUI_LOCK_WAIT) else {
            return Some(Instant::now() + RETRY);
        };
        inner.place?;
        let now = Instant::now();
        inner.leaving.retain(|closing| !closing.wait(now));
        self.look_at_next(&mut inner);
        self.look_at_shown(&mut inner);
        self.look_for_builds(&mut inner);
        inner.next_time()
    }

    /// The next editor has drawn, or has failed.
    fn look_at_next(&self, inner: &mut Inner) {
        let Some(next) = &mut inner.next else { return };
        let progress = next.line.progress();
        if progress != Progress::Opening && !std::mem::replace(&mut next.raised, true) {
            inner.raised += 1;
        }
        match progress {
            Progress::Opening | Progress::Open => {}
            Progress::Drawn => {
                let before = std::mem::replace(&mut inner.shown, inner.next.take());
                // Its size may be another one, which only [main] can ask the host for.
                self.editors.request_callback();
                inner.leaving.extend(before.map(Cast::close));
                (inner.why, inner.failed, inner.due) = (None, None, None);
                inner.wait = Duration::ZERO;
            }
            Progress::Failed(why) => {
                if let Some(cast) = inner.next.take() {
                    self.give_up(inner, cast, why);
                }
            }
        }
    }

    /// The editor on the window has failed.
    fn look_at_shown(&self, inner: &mut Inner) {
        let Some(shown) = &inner.shown else { return };
        if let Progress::Failed(why) = shown.line.progress()
            && let Some(cast) = inner.shown.take()
        {
            self.give_up(inner, cast, why);
        }
    }

    fn give_up(&self, inner: &mut Inner, cast: Cast, why: String) {
        let build = cast.build.build();
        self.editors.log(Level::Error, &format!("the editor of build {build} failed: {why}"));
        inner.why = Some(format!("The editor of build {build} failed.\n{why}"));
        inner.failed = Some(cast.build.clone());
        inner.leaving.push(cast.close());
        inner.wait = (inner.wait * 2).clamp(FIRST_WAIT, LONGEST_WAIT);
        // With an editor on the window there is no hurry: the next build will be tried.
        inner.due = inner.shown.is_none().then(|| Instant::now() + inner.wait);
    }

    /// A newer build, or one to be tried again.
    fn look_for_builds(self: &Arc<Self>, inner: &mut Inner) {
        let version = self.editors.version();
        let due = inner.due.is_some_and(|due| due <= Instant::now());
        if inner.seen == Some(version) && !due {
            return;
        }
        match self.editors.newest() {
            Ok(build) => {
                inner.seen = Some(version);
                inner.due = None;
                let known = |cast: &Option<Cast>| cast.as_ref().is_some_and(|cast| cast.build.is(&build));
                let failed = inner.failed.as_ref().is_some_and(|failed| failed.is(&build)) && !due;
                if known(&inner.shown) || known(&inner.next) || failed {
                    return;
                }
                // One that has not drawn yet is older.
                let older = inner.next.take().map(Cast::close);
                inner.leaving.extend(older);
                self.start(inner, build);
            }
            Err(ShellError::Busy(_)) => inner.due = Some(Instant::now() + RETRY),
            Err(why) => inner.why = Some(why.to_string()),
        }
    }

    fn start(self: &Arc<Self>, inner: &mut Inner, build: EditorBuild) {
        let Some(place) = inner.place else { return };
        let line = Line::new(Arc::clone(&self.editors), Arc::downgrade(self));
        match Helper::open(&build, place, &line) {
            Some(helper) => {
                inner.next = Some(Cast { build, helper, line, since: Instant::now(), raised: false })
            }
            None => inner.due = Some(Instant::now() + LONGEST_WAIT),
        }
    }

    /// What the window has to say, if anything.
    pub(crate) fn message(&self) -> Option<Message> {
        let inner = self.inner.lock();
        let alone = inner.shown.is_none();
        let slow = inner.next.as_ref().is_some_and(|next| next.since.elapsed() >= PATIENCE);
        let notice = self.editors.notice();
        let text = match (&inner.why, notice) {
            (Some(why), _) => why.clone(),
            (None, Some(Notice::Failed(why))) => why,
            (None, Some(Notice::Building)) => "Building ...".to_owned(),
            (None, Some(Notice::NotConnected)) if alone => "Not connected to cargo hotshell dev.".to_owned(),
            _ if alone && inner.due.is_some() => "Waiting for the plug-in ...".to_owned(),
            _ if alone && slow => "Opening the editor ...".to_owned(),
            _ => return None,
        };
        Some(Message { text, alone, raised: inner.raised })
    }
}

impl Inner {
    fn tell(&self, command: Command) {
        for cast in self.shown.iter().chain(&self.next) {
            cast.helper.tell(command);
        }
    }

    fn next_time(&self) -> Option<Instant> {
        let slow = self.next.as_ref().map(|next| next.since + PATIENCE).filter(|at| *at > Instant::now());
        [self.due, slow].into_iter().flatten().min()
    }
}

/// Something to say in the window.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Message {
    pub(crate) text: String,
    /// There is no editor: it may fill the window.
    pub(crate) alone: bool,
    /// Counts up with each editor's window that comes up on top.
    pub(crate) raised: u32,
}
