//! Hears that a manifest was renamed into place, and that `dev` says something else.
//!
//! Called by: the watchdog, which starts and stops it. Calls: the file-event library, whose thread is the watch thread.
//! Threads: [watch].

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use parking_lot::{Condvar, Mutex};

use super::slot::{DEV, MANIFEST};

/// A running watch. Ends on drop, which waits for the library's thread: it signals and never joins by itself.
#[derive(Debug)]
pub struct Watch {
    watcher: Option<RecommendedWatcher>,
    gone: Arc<(Mutex<bool>, Condvar)>,
}

/// What may have happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Moved {
    /// The manifest is another one.
    Manifest,
    /// `dev` says something else.
    Dev,
}

/// Longest wait for the library's thread.
const END: Duration = Duration::from_millis(100);

impl Watch {
    /// Calls `changed` on [watch] whenever something may have happened to the manifest in `folder`, or to `dev.json`.
    ///
    /// # Errors
    /// The system has no watch left (inotify: 128 per user by default), or cannot watch this file system. The
    /// watchdog's look once a second then does the work.
    pub fn start(folder: &Path, changed: impl Fn(Moved) + Send + 'static) -> notify::Result<Self> {
        let gone = Arc::new((Mutex::new(false), Condvar::new()));
        let end = End(Arc::clone(&gone));
        let mut calm = false;
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // Lives as long as this closure, which the library drops at the end of its thread.
            let _end = &end;
            if !std::mem::replace(&mut calm, true) {
                crate::rt::thread::calm();
            }
            let Ok(event) = event else { return };
            for (name, moved) in [(MANIFEST, Moved::Manifest), (DEV, Moved::Dev)] {
                if matters(&event, name) {
                    changed(moved);
                }
            }
        })?;
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(Self { watcher: Some(watcher), gone })
    }
}

/// Only names count: data that is written in place is no trigger, and reading the manifest must not be one.
fn matters(event: &Event, file: &str) -> bool {
    let by_name = match event.kind {
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => false,
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => {
            event.paths.iter().any(|path| path.file_name().is_some_and(|name| name == file))
        }
    };
    by_name || event.need_rescan()
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The library's own drop panics if its thread has died before.
        let watcher = std::panic::AssertUnwindSafe(self.watcher.take());
        let _ = std::panic::catch_unwind(move || drop({ watcher }.0));
        let (gone, told) = &*self.gone;
        let mut gone = gone.lock();
        if !*gone {
            told.wait_for(&mut gone, END);
        }
    }
}

struct End(Arc<(Mutex<bool>, Condvar)>);

impl Drop for End {
    fn drop(&mut self) {
        *self.0.0.lock() = true;
        self.0.1.notify_all();
    }
}
