//! The thread that one editor is opened, driven and closed on. On X11 these calls wait for the window's own thread, for
//! as long as the author's code there takes; so they are made here, and whoever waits for this thread does so with a
//! time limit. Elsewhere a window lives on [main], and an editor that hangs hangs the host: no limit helps there.
//!
//! A thread that is given up goes on in code that the host may unmap the moment after: the library is kept mapped
//! before any such thread starts, in a release too. What a host's thread may keep that has waited: see `answer`.
//!
//! Called by: `stage`, `proxy`. Calls: the editor, through `EditorBuild`. Threads: one per open editor, named
//! `hotshell-editor`.

use std::sync::Arc;

use hotshell_abi::editor::{EditorDesc, EditorKey, EditorSize, WindowHandle};
use hotshell_core::shell::editors::{EditorAccess, EditorBuild, EditorOwner, OpenEditor};

use crate::edits::Line;

/// What an open editor is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Command {
    Resize(EditorSize),
    Scale(f64),
    Key(EditorKey),
    Repaint,
}

/// Where an editor goes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Place {
    pub(crate) parent: WindowHandle,
    /// Physical pixels.
    pub(crate) size: EditorSize,
    pub(crate) scale: f64,
}

/// What a build's code says of its editor.
pub(crate) enum Said {
    Desc(EditorDesc),
    NoEditor,
    /// It has failed, or takes its time.
    Nothing,
}

impl<E> From<Result<Option<EditorDesc>, E>> for Said {
    fn from(answer: Result<Option<EditorDesc>, E>) -> Self {
        match answer {
            Ok(Some(desc)) => Self::Desc(desc),
            Ok(None) => Self::NoEditor,
            Err(_) => Self::Nothing,
        }
    }
}

/// Opens and maps `build`'s editor; what happens is said on `line`.
fn open(build: &EditorBuild, place: Place, line: &Arc<Line>) -> Option<OpenEditor> {
    let owner = EditorOwner::new(Arc::clone(line) as Arc<dyn EditorAccess>);
    let opened = build.describe().and_then(|desc| {
        if let Some(desc) = desc {
            line.described(desc);
        }
        let size = fitting(line, place.size, place.scale);
        let editor = build.open(place.parent, size, place.scale, &owner)?;
        editor.show(true)?;
        Ok(editor)
    });
    match opened {
        Ok(editor) => {
            line.opened();
            Some(editor)
        }
        Err(why) => {
            line.failed(&why.to_string());
            None
        }
    }
}

/// The editor's size in a window of `size`: hosts resize theirs without asking, and past any limit.
fn fitting(line: &Line, size: EditorSize, scale: f64) -> EditorSize {
    line.desc().map_or(size, |desc| crate::fit::within(&desc, size, scale))
}

/// Does as told; `place` is kept up to date.
fn obey(editor: &OpenEditor, command: Command, place: &mut Place, line: &Line) {
    let done = match command {
        Command::Resize(size) => {
            place.size = size;
            editor.resize(fitting(line, size, place.scale))
        }
        Command::Scale(scale) => {
            place.scale = scale;
            editor.scale(scale)
        }
        Command::Key(key) => editor.key(key).map(drop),
        Command::Repaint => editor.repaint(),
    };
    if let Err(why) = done {
        line.failed(&why.to_string());
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use std::sync::Arc;
    use std::sync::mpsc::{Sender, channel};
    use std::thread;
    use std::time::{Duration, Instant};

    use hotshell_core::rt::pin::pin;
    use hotshell_core::shell::GUI_LOCK_WAIT;
    use hotshell_core::shell::editors::EditorBuild;

    use super::{Command, Place, Said, obey, open};
    use crate::answer::{Answer, Asked, ask};
    use crate::edits::Line;

    /// The near end of the thread. Dropped: the editor is closed, nobody waits for it.
    pub(crate) struct Helper {
        commands: Sender<Command>,
        ended: Closing,
    }

    /// An editor that is being closed.
    pub(crate) struct Closing(Asked<()>);

    impl Helper {
        /// Opens `build`'s editor at `place`. `None` if the system gives no thread.
        pub(crate) fn open(build: &EditorBuild, place: Place, line: &Arc<Line>) -> Option<Self> {
            let (commands, received) = channel();
            let (end, ended) = ask();
            let (build, line) = (build.clone(), Arc::clone(line));
            pin();
            let run = move || {
                // Dropped last: its other end hears of it.
                let _end = end;
                if let Some(editor) = open(&build, place, &line) {
                    let mut place = place;
                    while let Ok(command) = received.recv() {
                        obey(&editor, command, &mut place, &line);
                    }
                }
            };
            thread::Builder::new().name("hotshell-editor".to_owned()).spawn(run).ok()?;
            Some(Self { commands, ended: Closing(ended) })
        }

        pub(crate) fn tell(&self, command: Command) {
            // It has failed, and has said so.
            let _ = self.commands.send(command);
        }

        /// Closes the editor.
        pub(crate) fn close(self) -> Closing {
            self.ended
        }
    }

    impl Closing {
        /// True once the editor is gone; waits until then, but not beyond `until`.
        pub(crate) fn wait(&self, until: Instant) -> bool {
            self.0.wait(Some(until)) != Answer::Late
        }

        /// Waits until the editor is gone.
        pub(crate) fn wait_for_ever(&self) {
            // Nothing is ever given: it ends with the thread.
            self.0.wait(None);
        }
    }

    /// Asks `build`'s code for its editor's size and rules, for [`GUI_LOCK_WAIT`] at most.
    pub(crate) fn describe(build: &EditorBuild) -> Said {
        let build = build.clone();
        within(GUI_LOCK_WAIT, move || build.describe()).map_or(Said::Nothing, Said::from)
    }

    /// What `question` answers on a thread of its own, if it does so in time.
    pub(crate) fn within<T: Send + 'static>(
        time: Duration,
        question: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (answering, asked) = ask();
        // Whoever asked may have given up.
        let run = move || answering.give(question());
        let until = Instant::now() + time;
        let thread = thread::Builder::new().name("hotshell-editor".to_owned()).spawn(run).ok()?;
        match asked.wait(Some(until)) {
            Answer::Late => {
                pin();
                None
            }
            answer => {
                // It has nothing left to do; and then the library need not stay mapped, which a scanner only looks at.
                let _ = thread.join();
                if let Answer::Given(answer) = answer { Some(answer) } else { None }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Instant;

    use hotshell_core::shell::editors::{EditorBuild, OpenEditor};

    use super::{Command, Place, Said, obey, open};
    use crate::edits::Line;

    /// An open editor, its window's size and scale, and its line to the shell.
    type Opened = (OpenEditor, Place, Arc<Line>);

    thread_local! {
        /// Open editors: they live on [main] and never leave it.
        static OPEN: RefCell<BTreeMap<u64, Opened>> = const { RefCell::new(BTreeMap::new()) };
        static NEXT: Cell<u64> = const { Cell::new(0) };
    }

    pub(crate) struct Helper(u64);

    pub(crate) struct Closing;

    impl Helper {
        pub(crate) fn open(build: &EditorBuild, place: Place, line: &Arc<Line>) -> Option<Self> {
            let number = NEXT.get();
            NEXT.set(number + 1);
            if let Some(editor) = open(build, place, line) {
                OPEN.with_borrow_mut(|open| open.insert(number, (editor, place, Arc::clone(line))));
            }
            Some(Self(number))
        }

        pub(crate) fn tell(&self, command: Command) {
            // Out of the map meanwhile: the editor may come back here through the host.
            if let Some((editor, mut place, line)) = OPEN.with_borrow_mut(|open| open.remove(&self.0)) {
                obey(&editor, command, &mut place, &line);
                OPEN.with_borrow_mut(|open| open.insert(self.0, (editor, place, line)));
            }
        }

        pub(crate) fn close(self) -> Closing {
            drop(OPEN.with_borrow_mut(|open| open.remove(&self.0)));
            Closing
        }
    }

    impl Closing {
        pub(crate) fn wait(&self, _until: Instant) -> bool {
            true
        }
    }

    pub(crate) fn describe(build: &EditorBuild) -> Said {
        build.describe().into()
    }
}

#[cfg(target_os = "linux")]
pub(crate) use platform::within;
pub(crate) use platform::{Closing, Helper, describe};
