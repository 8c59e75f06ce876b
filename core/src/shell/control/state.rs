//! Save and load: the shared half only, exact whether audio runs, stands still or has failed.
//!
//! Called by: `shell/control`. Calls: `state`, the author's state functions through `instance`.
//! Threads: [main], safe from any; never touches [audio], which learns of a load by a counter.

use std::sync::Arc;
use std::sync::atomic::Ordering::Release;
use std::time::Duration;

use hotshell_abi::{PluginDesc, Sample};

use crate::host::Level;
use crate::params::Parameters;
use crate::shell::control::kept::{Kept, KeptOwn, KeptState};
use crate::shell::control::turns::Turn;
use crate::shell::control::{Control, Live, Within};
use crate::shell::{GUI_LOCK_WAIT, ShellError, StateContext};
use crate::state::{self, Document};

/// Most times that a save begins again because a swap came between.
const MOST_TRIES: u32 = 8;

impl<P: Parameters, S: Sample> Control<P, S> {
    pub(super) fn save_state(&self, context: StateContext) -> Result<Vec<u8>, ShellError> {
        let turn = self.state_turn()?;
        let (_, document) = self.collect(context, &turn)?;
        let bytes = state::encode(&document);
        let kept = turn.state.as_ref().filter(|kept| kept.context == context && kept.instead == bytes);
        Ok(kept.map_or(bytes, |kept| kept.bytes.clone()))
    }

    /// The state of the moment, of one build.
    fn collect(&self, context: StateContext, turn: &Kept) -> Result<(Live, Document), ShellError> {
        for _ in 0..MOST_TRIES {
            let live = self.live()?;
            let mut own = match live.desc.flags & PluginDesc::OWN_STATE {
                0 => Vec::new(),
                _ => live.shared.save_state()?,
            };
            let version = live.desc.state_version;
            let stands = |kept: &&KeptOwn| {
                kept.version == version && kept.stands_for(live.shared.table().address(), &own)
            };
            if let Some(kept) = turn.own.as_ref().filter(stands) {
                own.clone_from(&kept.own);
            }
            let id = live.desc.id.as_str();
            let document = self.undisturbed("the state", |main, _| {
                // A swap between the author's bytes and ours: they may be of different versions.
                let same = Arc::ptr_eq(&main.live.shared, &live.shared);
                same.then(|| state::collect(context, id, version, &*self.params, &self.store, own))
            })?;
            if let Some(document) = document {
                return Ok((live, document));
            }
        }
        Err(ShellError::Busy("the state"))
    }

    pub(super) fn load_state(&self, context: StateContext, bytes: &[u8]) -> Result<(), ShellError> {
        let mut turn = self.state_turn()?;
        match self.load(context, bytes, &|| true) {
            Ok(()) => {
                *turn = Kept::default();
                Ok(())
            }
            Err(Failed { error, by: Some(by) }) => {
                self.keep(&mut turn, context, bytes, by);
                Err(error)
            }
            Err(Failed { error, by: None }) => Err(error),
        }
    }

    /// A state that the build at `by` has refused is there for the next one.
    fn keep(&self, turn: &mut Kept, context: StateContext, bytes: &[u8], by: usize) {
        // A build that cannot even save has nothing to compare with: then only the next build may have it.
        let instead = self.collect(context, turn).ok().map(|(_, document)| document);
        let encoded = instead.as_ref().map(state::encode).unwrap_or_default();
        let Document { params, fields, .. } = instead.unwrap_or_default();
        let bytes = bytes.to_vec();
        turn.state = Some(KeptState { context, bytes, by, instead: encoded, params, fields });
        self.log(
            Level::Warning,
            "the state that was refused is kept: the next build gets it, and a save writes it until something is changed",
        );
    }

    /// Offers a state that a build refused to the one that plays since. [reload] [main]
    pub(super) fn offer_kept(&self, within: Within<'_>) {
        // Somebody saves or loads: the next look will do.
        let Some(mut turn) = self.turns.take(Duration::ZERO) else { return };
        let Some(kept) = &turn.state else { return };
        let Ok(live) = self.live() else { return };
        if kept.by != live.shared.table().address() {
            turn.lend();
            within(live.build, "`save_state` or `load_state`", &mut || self.offer_to(&live, &mut turn));
        }
    }

    fn offer_to(&self, live: &Live, turn: &mut Turn<'_>) {
        let Some(kept) = &turn.state else { return };
        let Ok((_, document)) = self.collect(kept.context, turn) else { return };
        if !kept.is_untouched(&document, live.desc) {
            turn.state = None;
            self.log(Level::Info, "the state that was refused is dropped: something was changed since");
            return;
        }
        match self.load(kept.context, &kept.bytes, &|| !turn.was_passed_over()) {
            Ok(()) => {
                **turn = Kept::default();
                self.log(
                    Level::Info,
                    &format!("build {} took the state that was refused before", live.build),
                );
            }
            Err(Failed { error, by: Some(by) }) => {
                if let Some(kept) = &mut turn.state {
                    kept.by = by;
                    kept.instead = state::encode(&document);
                }
                self.log(
                    Level::Warning,
                    &format!("build {} refused the kept state as well: {error}", live.build),
                );
            }
            // Busy: the next look tries again.
            Err(Failed { by: None, .. }) => {}
        }
    }

    /// `may`: asked when the author's part is done, and nothing else yet.
    fn load(&self, context: StateContext, bytes: &[u8], may: &dyn Fn() -> bool) -> Result<(), Failed> {
        let live = self.live()?;
        let by = live.shared.table().address();
        let refused = |error| Failed { error, by: Some(by) };
        let document = self.read(&live, bytes)?;
        state::check(&document).map_err(bad)?;
        let has_own = live.desc.flags & PluginDesc::OWN_STATE != 0 && !document.own.is_empty();
        let before = if has_own { Some(live.shared.save_state().map_err(refused)?) } else { None };
        if has_own && let Err(error) = live.shared.load_state(&document.own) {
            self.put_back(&live, before.as_deref());
            return Err(refused(error));
        }
        let applied = self.undisturbed("the state", |main, candidate| {
            if !may() {
                return Err(ShellError::Busy("another save or load"));
            }
            let applied = state::apply(context, &document, &*self.params, &self.store).map_err(bad)?;
            if let Some(candidate) = candidate {
                // Its plan was made of the values before the load.
                self.renew_plan(main, candidate);
            }
            if applied.values_changed {
                main.announced.values_changed();
                main.check = true;
            }
            let other = main.pending.as_ref().map_or(&main.live, |pending| &pending.live).clone();
            Ok((applied, other))
        });
        let (applied, newest) = match applied.and_then(|applied| applied) {
            Ok(applied) => applied,
            Err(error) => {
                self.put_back(&live, before.as_deref());
                return Err(error.into());
            }
        };
        // The author decodes outside of the lock.
        self.sync(&live);
        let is_other = !Arc::ptr_eq(&newest.shared, &live.shared);
        if is_other {
            self.sync(&newest);
        }
        if is_other && let Err(error) = pass_own_state(live.desc.state_version, &newest, &document.own) {
            self.log(Level::Warning, &error.to_string());
        }
        // Last: the logic hears of it when there is nothing old left to read.
        self.link.state_loads.fetch_add(1, Release);
        self.say_all(Level::Warning, &applied.lines);
        if applied.values_changed {
            self.ask_host(false, true);
        }
        Ok(())
    }

    /// All or nothing: what the author's code has taken of a load that fails goes back too.
    fn put_back(&self, live: &Live, before: Option<&[u8]>) {
        if let Some(before) = before
            && let Err(error) = live.shared.load_state(before)
        {
            self.log(
                Level::Warning,
                &format!("after a state that was refused, the one before was refused too: {error}"),
            );
        }
    }

    fn state_turn(&self) -> Result<Turn<'_>, ShellError> {
        self.turns.take(GUI_LOCK_WAIT).ok_or(ShellError::Busy("another save or load"))
    }

    /// What the author keeps beyond parameters and fields, from the live build into `next`. A build that refuses it
    /// starts with its defaults, and the author reads why. [reload]
    ///
    /// # Errors
    /// [`ShellError::Busy`]: a save or load is under way.
    pub(super) fn carry_own_state(&self, next: &Live, within: Within<'_>) -> Result<(), ShellError> {
        let live = self.live()?;
        let both = live.desc.flags & next.desc.flags & PluginDesc::OWN_STATE != 0;
        if !both || Arc::ptr_eq(&live.shared, &next.shared) {
            return Ok(());
        }
        let mut turn = self.state_turn()?;
        turn.lend();
        let mut saved = Err(ShellError::Busy("a thread that is stuck in it"));
        within(live.build, "`save_state`", &mut || saved = live.shared.save_state());
        let (mut own, mut version) = match saved {
            Ok(own) => (own, live.desc.state_version),
            Err(error) => {
                self.say_lost(&error);
                return Ok(());
            }
        };
        // What the live build itself refused goes before the defaults that it has instead.
        let stands = |kept: &&KeptOwn| kept.stands_for(live.shared.table().address(), &own);
        if let Some(kept) = turn.own.as_ref().filter(stands) {
            version = kept.version;
            own = kept.own.clone();
        }
        match pass_own_state(version, next, &own) {
            Ok(()) => {
                // A candidate may still be turned down: what the live build refused stays until another one plays.
                if turn.own.as_ref().is_some_and(|kept| kept.by != live.shared.table().address()) {
                    turn.own = None;
                }
            }
            Err(error) => {
                self.say_lost(&error);
                let by = next.shared.table().address();
                let instead = next.shared.save_state().unwrap_or_default();
                turn.own = Some(KeptOwn { own, version, by, instead });
            }
        }
        Ok(())
    }

    fn say_lost(&self, error: &ShellError) {
        let text = format!("the new build starts without what `save_state` wrote in the old one: {error}");
        self.log(Level::Warning, &text);
    }

    /// Bytes to a current document: ours, an older version of ours, or something that the author can import.
    fn read(&self, live: &Live, bytes: &[u8]) -> Result<Document, Failed> {
        let (id, version) = (live.desc.id.as_str(), live.desc.state_version);
        let table = live.shared.table();
        let refused = |error| Failed { error, by: Some(table.address()) };
        let document = match state::decode(bytes, id) {
            Ok(document) => document,
            Err(error) if live.desc.flags & PluginDesc::IMPORTS_STATE != 0 && !bytes.is_empty() => {
                let blank = Document::new(id, version);
                let mut rebuilt = blank.rebuild();
                let known = table.import_state(bytes, &mut rebuilt);
                live.shared.remember(&known);
                if !known.map_err(refused)? {
                    return Err(bad(error).into());
                }
                return Ok(rebuilt.finish(version));
            }
            Err(error) => return Err(bad(error).into()),
        };
        if document.state_version >= version {
            return Ok(document);
        }
        let mut rebuilt = document.rebuild();
        let migrated = table.migrate_state(document.state_version, &document.entries(), &mut rebuilt);
        live.shared.remember(&migrated);
        migrated.map_err(refused)?;
        Ok(rebuilt.finish(version))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function in map_err")]
fn bad(error: state::StateError) -> ShellError {
    ShellError::BadState(error.to_string())
}

/// Why a load came to nothing.
struct Failed {
    error: ShellError,
    /// The author's code of the build at this table refused it, or panicked.
    by: Option<usize>,
}

impl From<ShellError> for Failed {
    fn from(error: ShellError) -> Self {
        Self { error, by: None }
    }
}

/// What the author keeps beyond parameters and fields, written by a build of `version`, into `to`. What that one takes
/// before it refuses stays in it: asked for what it had, it would run code of a build that nobody has heard yet.
fn pass_own_state(version: u32, to: &Live, own: &[u8]) -> Result<(), ShellError> {
    if own.is_empty() || to.desc.flags & PluginDesc::OWN_STATE == 0 {
        return Ok(());
    }
    if version >= to.desc.state_version {
        return to.shared.load_state(own);
    }
    let mut document = Document::new(to.desc.id.as_str(), version);
    document.own = own.to_vec();
    let mut rebuilt = document.rebuild();
    let migrated = to.shared.table().migrate_state(version, &document.entries(), &mut rebuilt);
    to.shared.remember(&migrated);
    migrated?;
    to.shared.load_state(&rebuilt.finish(to.desc.state_version).own)
}
