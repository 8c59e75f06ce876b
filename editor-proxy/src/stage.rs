//! Which editor is on the window, which one is about to be, and what is said when there is none: a machine of states
//! that anybody may turn, the host's idle timer and the window's own loop alike.
//!
//! Called by: `proxy` [main], `panel` (the window's loop), `edits`. Calls: `helper`, the shell. Threads: [any] but audio.
//! A turn waits for nothing: whoever comes while another one turns it, or while no build answers, is told to come again.
//! The lock is never held while the author's code runs or the shell or the host is called.
//!
//! Make before break: the next editor's window comes up on top of the old one, transparent until it has drawn; then the
//! old one goes. One that fails before that goes itself, and the old one stays.
//!
//! An editor that fails does not cost its build: the sound of that build goes on, in this window's instance and in all
//! others, and nothing is quarantined. Whoever is at work on the sound keeps what he hears while he mends a drawing, and
//! what stands in for the editor is here already: the one before, under the reason, until a build's editor draws. (A panic
//! in a text or a state function does cost it, because what the host then gets has no such stand-in.)

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
use crate::proxy::OnMain;

#[cfg(test)]
mod held_tests;

/// Between two tries while the lock is held elsewhere.
pub(crate) const RETRY: Duration = Duration::from_millis(30);
/// First wait before an editor that could not be made is tried again; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(4);
/// Until then nobody is told that an editor is still being made.
const PATIENCE: Duration = Duration::from_millis(300);

/// Windows and macOS: windows live on [main], and so does their loop.
const LOOP_IS_MAIN: bool = cfg!(not(target_os = "linux"));

/// Wakes whoever turns the stage.
type Bell = Arc<dyn Fn() + Send + Sync>;

/// One window's editors.
pub(crate) struct Stage {
    editors: Arc<dyn Editors>,
    bell: Mutex<Option<Bell>>,
    inner: Mutex<Inner>,
    /// Held by whoever turns it.
    turning: Mutex<()>,
    /// Kept while the host has a window for it: the shell wakes it.
    wake: Mutex<Option<Wake>>,
    /// A size that the editor wants of the host, logical.
    wish: Mutex<Option<EditorSize>>,
    /// The host's menu that the user wants to see.
    menu: Mutex<Option<Menu>>,
    wants_keys: AtomicBool,
    /// What the window's own loop calls where that is [main].
    on_main: Mutex<Option<OnMain>>,
}

/// A wish for the host's menu.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Menu {
    /// Host id of the parameter.
    pub(crate) id: u32,
    /// Physical pixels from the left of our window.
    pub(crate) x: i32,
    /// Physical pixels from its top.
    pub(crate) y: i32,
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

/// What a turn has to do once the lock is free again.
#[derive(Default)]
struct Errands {
    logs: Vec<String>,
    close: Vec<Cast>,
    /// A size may have moved, which only [main] can ask the host for.
    call_main: bool,
    /// A build may be newer than what is on the window, or is to be tried again.
    look: Option<Look>,
}

/// Why the builds are looked at.
#[derive(Clone, Copy)]
struct Look {
    version: u64,
    /// A build that has failed is tried again.
    again: bool,
}

#[derive(Default)]
struct Inner {
    /// `None`: the host has no window for it.
    place: Option<Place>,
    /// Counts the host's windows: what was begun for one is not for the next.
    stay: u64,
    shown: Option<Cast>,
    next: Option<Cast>,
    /// Version of the shell's builds that was looked at last.
    seen: Option<u64>,
    /// What the host had said of the plug-in's surroundings when the editors were told last.
    surroundings: u64,
    /// The build whose editor failed last.
    failed: Option<EditorBuild>,
    why: Option<String>,
    /// The build whose failure is in the log, and why it failed: tried again, it may do so for the same reason.
    logged: Option<(u32, String)>,
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
            turning: Mutex::default(),
            wake: Mutex::default(),
            wish: Mutex::default(),
            menu: Mutex::default(),
            wants_keys: AtomicBool::new(false),
            on_main: Mutex::default(),
        })
    }

    /// Every lock of it, for the test that plays on meanwhile.
    #[cfg(test)]
    fn hold(&self) -> impl Sized + '_ {
        let told = (self.wake.lock(), self.wish.lock(), self.on_main.lock());
        (self.bell.lock(), self.turning.lock(), self.inner.lock(), told)
    }

    /// From here on `bell` wakes whoever turns the stage; `None`: nobody.
    pub(crate) fn set_bell(&self, bell: Option<Bell>) {
        *self.bell.lock() = bell;
    }

    /// There is something to do.
    pub(crate) fn ring(&self) {
        // Never under the lock: on macOS the loop that it wakes is [main], and turns the stage from inside (baseview 0.4).
        let bell = self.bell.lock().clone();
        if let Some(bell) = bell {
            bell();
        }
    }

    /// From here on the window's own loop calls this, where it is [main]; `None`: nobody.
    pub(crate) fn set_on_main(&self, on_main: Option<OnMain>) {
        let before = std::mem::replace(&mut *self.on_main.lock(), on_main);
        drop(before);
    }

    /// True if the window's own loop is to [`Stage::serve`] again and again.
    pub(crate) fn is_served(&self) -> bool {
        LOOP_IS_MAIN && self.on_main.lock().is_some()
    }

    /// What there is to do on [main], for the window's own loop. The host may do anything meanwhile, and destroy that
    /// window.
    pub(crate) fn serve(&self) {
        // Never under the lock.
        let call = self.on_main.lock().clone();
        if let Some(call) = call {
            call();
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

    /// The user wants to see the host's menu; the last wish counts.
    pub(crate) fn want_menu(&self, menu: Menu) {
        *self.menu.lock() = Some(menu);
        self.editors.request_callback();
    }

    /// What he wants to see, once. [main]
    pub(crate) fn take_menu(&self) -> Option<Menu> {
        self.menu.lock().take()
    }

    /// Called in every frame: rings only where it changes.
    pub(crate) fn set_wants_keys(&self, wanted: bool) {
        if self.wants_keys.swap(wanted, Relaxed) != wanted {
            self.ring();
        }
    }

    pub(crate) fn wants_keys(&self) -> bool {
        self.wants_keys.load(Relaxed)
    }

    /// Passes a key on; true if a text field has the focus.
    pub(crate) fn key(&self, command: Command) -> bool {
        let wanted = self.wants_keys();
        if wanted {
            self.tell(command);
        }
        wanted
    }

    /// The host has a window for it: the number of its stay.
    pub(crate) fn open(self: &Arc<Self>, place: Place) -> u64 {
        let mut inner = self.inner.lock();
        let stay = inner.stay + 1;
        *inner = Inner { place: Some(place), stay, ..Inner::default() };
        drop(inner);
        let stage = Arc::downgrade(self);
        let wake: Wake = Arc::new(move || {
            if let Some(stage) = stage.upgrade() {
                stage.ring();
            }
        });
        self.editors.watch(&wake);
        *self.wake.lock() = Some(wake);
        stay
    }

    /// The window of that stay is gone, if the stay is not over: the host has destroyed it. Not on [main].
    #[cfg(target_os = "linux")]
    pub(crate) fn lose(&self, stay: u64) {
        let _turning = self.turning.lock();
        let mut inner = self.inner.lock();
        if inner.stay != stay || inner.place.take().is_none() {
            return;
        }
        let casts: Vec<Cast> = inner.shown.take().into_iter().chain(inner.next.take()).collect();
        drop(inner);
        let text = "the host has destroyed the editor's window without closing the editor, which is closed";
        self.editors.log(Level::Warning, text);
        let closing: Vec<Closing> = casts.into_iter().map(Cast::close).collect();
        self.inner.lock().leaving.extend(closing);
    }

    /// The host's window ends. What is still being closed is the answer. [main]
    pub(crate) fn close(&self) -> Vec<Closing> {
        *self.wake.lock() = None;
        self.set_on_main(None);
        // An editor that a turn is just opening belongs to what is closed. Where the turn is our own caller (an author who
        // has the host close the window), it sees that the stay is over.
        let turning = self.turning.try_lock_for(GUI_LOCK_WAIT);
        let mut place = self.inner.lock();
        let mut inner = std::mem::take(&mut *place);
        place.stay = inner.stay + 1;
        drop(place);
        drop(turning);
        self.wants_keys.store(false, Relaxed);
        *self.wish.lock() = None;
        *self.menu.lock() = None;
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

    /// Host id of the parameter at a place on the window.
    pub(crate) fn param_at(&self, x: i32, y: i32) -> Option<u32> {
        self.inner.lock().shown.as_ref()?.line.param_at(x, y)
    }

    /// Size of the host's window, in physical pixels, if it has one.
    pub(crate) fn size(&self) -> Option<EditorSize> {
        self.inner.lock().place.map(|place| place.size)
    }

    /// Does what there is to do, and answers when there will be more, if nobody rings before.
    pub(crate) fn turn(self: &Arc<Self>) -> Option<Instant> {
        let again = || Some(Instant::now() + RETRY);
        let Some(_turning) = self.turning.try_lock() else { return again() };
        let (stay, errands) = {
            let Some(mut inner) = self.inner.try_lock() else { return again() };
            inner.place?;
            inner.look_at_surroundings(self.editors.surroundings());
            (inner.stay, inner.look_around(self.editors.version()))
        };
        for line in &errands.logs {
            self.editors.log(Level::Error, line);
        }
        if errands.call_main {
            self.editors.request_callback();
        }
        if !errands.close.is_empty() {
            // Whoever wanted them may be among these; the one that stays says so again in its next frame.
            self.wants_keys.store(false, Relaxed);
        }
        let mut closing: Vec<Closing> = errands.close.into_iter().map(Cast::close).collect();
        if let Some(look) = errands.look {
            let newest = self.editors.try_newest();
            let found = self.inner.lock().consider(stay, look, newest);
            closing.extend(found.older.map(Cast::close));
            if let Some((build, place)) = found.start {
                closing.extend(self.start(stay, build, place));
            }
        }
        let mut inner = self.inner.lock();
        inner.leaving.extend(closing);
        inner.next_time()
    }

    /// Opens `build`'s editor. What comes back was opened for a window that is gone.
    fn start(self: &Arc<Self>, stay: u64, build: EditorBuild, place: Place) -> Option<Closing> {
        let line = Line::new(Arc::clone(&self.editors), Arc::downgrade(self));
        let helper = Helper::open(&build, place, &line);
        let mut inner = self.inner.lock();
        let Some(helper) = helper else {
            inner.due = Some(Instant::now() + LONGEST_WAIT);
            return None;
        };
        let cast = Cast { build, helper, line, since: Instant::now(), raised: false };
        let Some(current) = inner.place.filter(|_| inner.stay == stay) else {
            drop(inner);
            return Some(cast.close());
        };
        // What it was not told while it was no cast yet.
        if current.size != place.size {
            cast.helper.tell(Command::Resize(current.size));
        }
        if (current.scale - place.scale).abs() > 1e-6 {
            cast.helper.tell(Command::Scale(current.scale));
        }
        inner.next = Some(cast);
        None
    }

    /// What the window has to say, if anything.
    pub(crate) fn message(&self) -> Option<Message> {
        let inner = self.inner.lock();
        let alone = inner.shown.is_none();
        let slow = inner.next.as_ref().is_some_and(|next| next.since.elapsed() >= PATIENCE);
        let notice = self.editors.notice();
        let text = match (notice, &inner.why) {
            // What `dev` and the shell say is of builds newer than any that got as far as an editor.
            (Some(notice @ (Notice::Building | Notice::Failed(_))), _) => notice.to_string(),
            (_, Some(why)) => why.clone(),
            (Some(notice), None) => notice.to_string(),
            _ if alone && inner.due.is_some() => "Waiting for the plug-in ...".to_owned(),
            _ if alone && slow => "Opening the editor ...".to_owned(),
            _ => return None,
        };
        Some(Message { text, alone, raised: inner.raised })
    }
}

/// What the newest build comes to.
#[derive(Default)]
struct Found {
    start: Option<(EditorBuild, Place)>,
    /// One that has not drawn yet, and never will be shown.
    older: Option<Cast>,
}

impl Inner {
    fn look_around(&mut self, version: u64) -> Errands {
        let now = Instant::now();
        let mut errands = Errands::default();
        self.leaving.retain(|closing| !closing.wait(now));
        self.look_at_next(&mut errands);
        self.look_at_shown(&mut errands);
        let again = self.due.is_some_and(|due| due <= now);
        if self.seen != Some(version) || again {
            errands.look = Some(Look { version, again });
        }
        errands
    }

    /// What the host says of the plug-in's surroundings is read in each frame: who draws only when told is told.
    fn look_at_surroundings(&mut self, surroundings: u64) {
        if std::mem::replace(&mut self.surroundings, surroundings) != surroundings {
            self.tell(Command::Repaint);
        }
    }

    /// The next editor has drawn, or has failed.
    fn look_at_next(&mut self, errands: &mut Errands) {
        let Some(next) = &mut self.next else { return };
        let progress = next.line.progress();
        if progress != Progress::Opening && !std::mem::replace(&mut next.raised, true) {
            self.raised += 1;
        }
        match progress {
            Progress::Opening | Progress::Open => {}
            Progress::Drawn => {
                let tried_again = self.failed.as_ref().is_some_and(|failed| failed.is(&next.build));
                let before = std::mem::replace(&mut self.shown, self.next.take());
                errands.call_main = true;
                errands.close.extend(before);
                (self.why, self.due) = (None, None);
                if !tried_again {
                    (self.failed, self.wait) = (None, Duration::ZERO);
                }
            }
            Progress::Failed(why) => {
                if let Some(cast) = self.next.take() {
                    self.give_up(cast, why, errands);
                }
            }
        }
    }

    /// The editor on the window has failed.
    fn look_at_shown(&mut self, errands: &mut Errands) {
        let Some(shown) = &self.shown else { return };
        if let Progress::Failed(why) = shown.line.progress()
            && let Some(cast) = self.shown.take()
        {
            self.give_up(cast, why, errands);
        }
    }

    fn give_up(&mut self, cast: Cast, why: String, errands: &mut Errands) {
        let build = cast.build.build();
        if !self.logged.as_ref().is_some_and(|(of, reason)| *of == build && *reason == why) {
            errands.logs.push(format!("the editor of build {build} failed: {why}"));
        }
        self.why = Some(format!("The editor of build {build} failed.\n{why}"));
        self.logged = Some((build, why));
        self.failed = Some(cast.build.clone());
        errands.close.push(cast);
        self.wait = (self.wait * 2).clamp(FIRST_WAIT, LONGEST_WAIT);
        // With an editor on the window there is no hurry: the next build will be tried.
        self.due = self.shown.is_none().then(|| Instant::now() + self.wait);
    }

    /// What the newest build comes to, for the window that it was looked for.
    fn consider(&mut self, stay: u64, look: Look, newest: Result<EditorBuild, ShellError>) -> Found {
        let Some(place) = self.place.filter(|_| self.stay == stay) else { return Found::default() };
        match newest {
            Ok(build) => {
                (self.seen, self.due) = (Some(look.version), None);
                let known = |cast: &Option<Cast>| cast.as_ref().is_some_and(|cast| cast.build.is(&build));
                let failed = self.failed.as_ref().is_some_and(|failed| failed.is(&build)) && !look.again;
                if known(&self.shown) || known(&self.next) || failed {
                    return Found::default();
                }
                Found { start: Some((build, place)), older: self.next.take() }
            }
            Err(ShellError::Busy(_)) => {
                self.due = Some(Instant::now() + RETRY);
                Found::default()
            }
            Err(why) => {
                self.why = Some(why.to_string());
                Found::default()
            }
        }
    }

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
