//! What a module knows: its instances, its builds, what it refused. Pure data behind the module's lock.
//!
//! Called by: `reload/{module,job,watchdog,report}`. Calls: nothing. Threads: [any but audio], under the lock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};
use std::thread::ThreadId;
use std::time::{Duration, Instant, SystemTime};

use super::dev::Dev;
use super::slot::{self, FaultLine, LogLine, Manifest, RefusalLine, hash_text};
use super::{Build, InstanceNews, Reloadable};
use crate::host::Level;
use crate::shell::editors::Notice;

/// One attached instance.
pub(super) struct Entry {
    pub(super) id: u64,
    pub(super) instance: Weak<dyn Reloadable>,
    /// Index of its plug-in, once known.
    pub(super) plugin: u32,
    /// `opened` was called: the instance may be called.
    pub(super) open: bool,
    /// What it plays or is about to; `None`: nothing, since build 0 itself failed.
    pub(super) given: Option<Arc<Build>>,
    /// A build that is no use to this instance alone (its plug-in is not in there, or build 0 that failed to start).
    pub(super) skip: Option<Arc<Build>>,
    /// Build 0 failed so often.
    pub(super) own_faults: u32,
    /// Build 0 is given again at this time.
    pub(super) retry: Instant,
    pub(super) news: InstanceNews,
    /// What its windows were told.
    pub(super) told: Option<Notice>,
}

/// The step that the reload thread is at.
pub(super) struct Step {
    /// Of the thread that is in it.
    pub(super) turn: u64,
    pub(super) began: Instant,
    pub(super) what: String,
    /// The build that is to blame if it never ends.
    pub(super) build: Option<Suspect>,
}

/// A build, loaded or not yet.
#[derive(Clone)]
pub(super) struct Suspect {
    pub(super) number: u32,
    pub(super) hash: u128,
    pub(super) loaded: Option<Arc<Build>>,
}

impl Suspect {
    pub(super) fn of(build: &Arc<Build>) -> Self {
        Self { number: build.number, hash: build.hash, loaded: Some(Arc::clone(build)) }
    }
}

/// What tells one publish from another.
pub(super) type Identity = (u32, u128, u64);

pub(super) fn identity(manifest: &Manifest) -> Identity {
    (manifest.build, manifest.hash(), manifest.published_at)
}

/// A stamp of the slot's manifest; `None` without one.
pub(super) type Stamp = Option<(SystemTime, u64)>;

#[derive(Default)]
pub(super) struct State {
    pub(super) next_id: u64,
    pub(super) entries: Vec<Entry>,
    /// Identifies the living reload thread; another number means: abandoned or stopped.
    pub(super) reload_turn: u64,
    /// Identifies the living watchdog.
    pub(super) watchdog_turn: u64,
    /// Threads of ours that have not ended.
    pub(super) threads: usize,
    /// Those of them that run.
    pub(super) ours: Vec<ThreadId>,
    pub(super) abandoned: u32,
    /// Turns of threads that were left behind and have not returned, and the build whose code each is in.
    pub(super) left: BTreeMap<u64, Option<u128>>,
    /// Why reloading has ended for good.
    pub(super) stopped: Option<String>,

    /// The slot may hold another manifest.
    pub(super) changed: bool,
    /// The first look since the threads started is done.
    pub(super) looked: bool,
    /// An early tick is wanted.
    pub(super) awake: bool,
    /// Ticks are frequent until then.
    pub(super) busy_until: Option<Instant>,
    /// The manifest that was read last, whatever became of it.
    pub(super) seen: Option<Identity>,
    pub(super) stamp: Stamp,
    /// Why the manifest could not be read, if it could not.
    pub(super) complaint: Option<String>,
    pub(super) step: Option<Step>,

    /// Builds that loaded, oldest first; the last one that is still wanted is what plays.
    pub(super) builds: Vec<Arc<Build>>,
    pub(super) quarantine: BTreeMap<u128, String>,
    pub(super) loads: u64,
    pub(super) held_bytes: u64,
    pub(super) warned_held: bool,

    /// Blocks of instances that are gone: played, lost, late.
    pub(super) closed: [u64; 3],
    pub(super) heard: (u32, u64),
    pub(super) refusals: VecDeque<RefusalLine>,
    pub(super) faults: VecDeque<FaultLine>,
    pub(super) log: VecDeque<LogLine>,
    pub(super) dev: Dev,
    /// The newest build's number and what became of it, if it is not what plays.
    pub(super) trouble: Option<(u32, String)>,
    /// Why there is no slot.
    pub(super) cut_off: Option<String>,
    /// The slot is to be looked at, sooner than by the clock.
    pub(super) look: bool,
    /// Something that `dev` waits for is not in the report yet.
    pub(super) urgent: bool,
    /// Something is not in the report yet.
    pub(super) moved: bool,
}

/// Builds that a roll-back can reach; older ones stay mapped and are forgotten.
const REMEMBERED: usize = 16;
const LOG_LINES: usize = 64;
const LINES: usize = 16;
const LINE_BYTES: usize = 2_000;

impl State {
    /// What every instance should play; `None`: build 0.
    pub(super) fn wanted(&self) -> Option<&Arc<Build>> {
        self.builds.iter().rev().find(|build| build.is_wanted())
    }

    /// What an instance that is being opened plays, on the host's main thread, which nobody can replace: no build in whose
    /// code a thread of ours is stuck. The reload thread tries that one again.
    pub(super) fn wanted_on_main(&self) -> Option<&Arc<Build>> {
        self.wanted().filter(|build| !self.is_stuck(build.hash))
    }

    /// A thread of ours is stuck in the code of the build with this hash.
    pub(super) fn is_stuck(&self, hash: u128) -> bool {
        self.left.values().any(|stuck| *stuck == Some(hash))
    }

    pub(super) fn entry(&mut self, id: u64) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.id == id)
    }

    pub(super) fn add_build(&mut self, build: Arc<Build>) {
        if self.builds.len() == REMEMBERED {
            self.builds.remove(0);
        }
        self.builds.push(build);
    }

    /// False if a newer one plays, or has something wrong itself: what is wrong with an older one concerns nobody.
    fn is_newest(&self, build: u32) -> bool {
        let known = self.trouble.as_ref().map(|(number, _)| *number);
        self.wanted().map(|wanted| wanted.number).max(known).is_none_or(|newest| newest <= build)
    }

    /// What the editors' windows show: what stands in the way of the next build, the newest reason first.
    pub(super) fn notice(&self) -> Option<Notice> {
        let failed = |text: &String| Notice::Failed(text.clone());
        let trouble = self.trouble.as_ref().map(|(_, text)| failed(text));
        self.stopped
            .as_ref()
            .map(failed)
            .or_else(|| self.dev.shown().cloned())
            .or(trouble)
            .or_else(|| self.cut_off.clone().map(Notice::NotConnected))
    }

    /// True if every instance's windows show it.
    pub(super) fn is_shown(&self) -> bool {
        let notice = self.notice();
        self.entries.iter().all(|entry| entry.told == notice)
    }

    /// Frequent ticks for the next seconds: something is about to be heard.
    pub(super) fn keep_busy(&mut self) {
        self.busy_until = Some(Instant::now() + Duration::from_secs(2));
    }

    /// Never plays this build again in this process, and says so.
    pub(super) fn quarantine(&mut self, suspect: &Suspect, reason: &str) {
        if suspect.number == 0 {
            return;
        }
        let known = self.quarantine.contains_key(&suspect.hash);
        self.quarantine.entry(suspect.hash).or_insert_with(|| clip(reason));
        // The same code may have been published under several numbers.
        for build in self.builds.iter().chain(&suspect.loaded).filter(|build| build.hash == suspect.hash) {
            build.give_up();
        }
        // Several instances may fail in one build.
        if !known {
            self.refused(suspect.number, Some(suspect.hash), reason);
        }
    }

    /// Reports a refusal.
    pub(super) fn refused(&mut self, build: u32, hash: Option<u128>, reason: &str) {
        let hash = hash.map(hash_text).unwrap_or_default();
        let which = if build == 0 { "The build".to_owned() } else { format!("Build {build}") };
        // What failed while it played is refused from then on, which is no news.
        let said = self.trouble.as_ref().is_some_and(|(number, _)| *number == build);
        if build == 0 || (self.is_newest(build) && !said) {
            self.trouble = Some((build, clip(&format!("{which} was refused: {reason}"))));
        }
        let line = RefusalLine { build, hash, at: slot::now(), reason: clip(reason) };
        push(&mut self.refusals, line, LINES);
        self.urgent = true;
    }

    pub(super) fn faulted(&mut self, build: u32, message: &str) {
        if self.is_newest(build) {
            self.trouble = Some((build, clip(&format!("Build {build} failed: {message}"))));
        }
        push(&mut self.faults, FaultLine { build, at: slot::now(), message: clip(message) }, LINES);
        self.urgent = true;
    }

    pub(super) fn note(&mut self, level: Level, text: &str) {
        push(&mut self.log, LogLine { at: slot::now(), level: level as u32, text: clip(text) }, LOG_LINES);
        self.moved = true;
    }

    /// Takes the news of one instance in.
    pub(super) fn learn(&mut self, id: u64, news: InstanceNews) {
        if let Some((build, at)) = news.heard {
            // A roll-back is news as well: what counts is when it was heard, not the number.
            if (build != self.heard.0 || self.heard.1 == 0) && at > self.heard.1 {
                self.heard = (build, at);
                self.urgent = true;
            }
        }
        let Some(entry) = self.entry(id) else { return };
        // Only when it begins: a host that does not process may leave it waiting for ever.
        let begins = news.waiting && !entry.news.waiting;
        let moved = news != entry.news;
        entry.news = news;
        if begins {
            self.keep_busy();
        }
        self.moved |= moved;
    }
}

fn push<T>(lines: &mut VecDeque<T>, line: T, most: usize) {
    if lines.len() == most {
        lines.pop_front();
    }
    lines.push_back(line);
}

/// As much of a text as is kept.
pub(super) fn clip(text: &str) -> String {
    let mut end = text.len().min(LINE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
