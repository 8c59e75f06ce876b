//! Save and load: the shared half only, exact whether audio runs, stands still or has failed.
//!
//! Called by: `shell/control`. Calls: `state`, the author's state functions through `instance`.
//! Threads: [main], safe from any; never touches [audio], which learns of a load by a counter.

use std::sync::Arc;
use std::sync::atomic::Ordering::Release;

use hotshell_abi::{PluginDesc, Sample};
use parking_lot::MutexGuard;

use crate::host::Level;
use crate::params::Parameters;
use crate::shell::control::{Control, Live};
use crate::shell::{GUI_LOCK_WAIT, ShellError, StateContext};
use crate::state::{self, Document};

/// Most times that a save begins again because a swap came between.
const MOST_TRIES: u32 = 8;

impl<P: Parameters, S: Sample> Control<P, S> {
    pub(super) fn save_state(&self, context: StateContext) -> Result<Vec<u8>, ShellError> {
        let _turn = self.state_turn()?;
        for _ in 0..MOST_TRIES {
            let live = self.live()?;
            let own = match live.desc.flags & PluginDesc::OWN_STATE {
                0 => Vec::new(),
                _ => live.shared.save_state()?,
            };
            let id = live.desc.id.as_str();
            let document = self.undisturbed("the state", |main, _| {
                // A swap between the author's bytes and ours: they may be of different versions.
                let same = Arc::ptr_eq(&main.live.shared, &live.shared);
                let version = live.desc.state_version;
                same.then(|| state::collect(context, id, version, &*self.params, &self.store, own))
            })?;
            if let Some(document) = document {
                return Ok(state::encode(&document));
            }
        }
        Err(ShellError::Busy("the state"))
    }

    pub(super) fn load_state(&self, context: StateContext, bytes: &[u8]) -> Result<(), ShellError> {
        let _turn = self.state_turn()?;
        let live = self.live()?;
        let document = self.read(&live, bytes)?;
        state::check(&document).map_err(bad)?;
        let has_own = live.desc.flags & PluginDesc::OWN_STATE != 0 && !document.own.is_empty();
        let before = if has_own { Some(live.shared.save_state()?) } else { None };
        if has_own {
            live.shared.load_state(&document.own)?;
        }
        let applied = self.undisturbed("the state", |main, candidate| {
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
                // All or nothing: the author's part goes back too.
                if let Some(before) = before {
                    live.shared.load_state(&before)?;
                }
                return Err(error);
            }
        };
        // The author decodes outside of the lock.
        self.sync_fields();
        if !Arc::ptr_eq(&newest.shared, &live.shared)
            && let Err(error) = self.pass_own_state(&live, &newest, &document.own)
        {
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

    fn state_turn(&self) -> Result<MutexGuard<'_, ()>, ShellError> {
        self.state_turn.try_lock_for(GUI_LOCK_WAIT).ok_or(ShellError::Busy("another save or load"))
    }

    /// What the author keeps beyond parameters and fields, from the live build into `next`. A build that refuses it
    /// starts with its defaults, and the author reads why. [reload]
    ///
    /// # Errors
    /// [`ShellError::Busy`]: a save or load is under way.
    pub(super) fn carry_own_state(&self, next: &Live) -> Result<(), ShellError> {
        let live = self.live()?;
        let both = live.desc.flags & next.desc.flags & PluginDesc::OWN_STATE != 0;
        if !both || Arc::ptr_eq(&live.shared, &next.shared) {
            return Ok(());
        }
        let _turn = self.state_turn()?;
        let carried = live.shared.save_state().and_then(|own| self.pass_own_state(&live, next, &own));
        if let Err(error) = carried {
            let text =
                format!("the new build starts without what `save_state` wrote in the old one: {error}");
            self.log(Level::Warning, &text);
        }
        Ok(())
    }

    fn pass_own_state(&self, from: &Live, to: &Live, own: &[u8]) -> Result<(), ShellError> {
        if own.is_empty() || to.desc.flags & PluginDesc::OWN_STATE == 0 {
            return Ok(());
        }
        let version = from.desc.state_version;
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

    /// Bytes to a current document: ours, an older version of ours, or something that the author can import.
    fn read(&self, live: &Live, bytes: &[u8]) -> Result<Document, ShellError> {
        let (id, version) = (live.desc.id.as_str(), live.desc.state_version);
        let table = live.shared.table();
        let document = match state::decode(bytes, id) {
            Ok(document) => document,
            Err(error) if live.desc.flags & PluginDesc::IMPORTS_STATE != 0 && !bytes.is_empty() => {
                let blank = Document::new(id, version);
                let mut rebuilt = blank.rebuild();
                let known = table.import_state(bytes, &mut rebuilt);
                live.shared.remember(&known);
                if !known? {
                    return Err(bad(error));
                }
                return Ok(rebuilt.finish(version));
            }
            Err(error) => return Err(bad(error)),
        };
        if document.state_version >= version {
            return Ok(document);
        }
        let mut rebuilt = document.rebuild();
        let migrated = table.migrate_state(document.state_version, &document.entries(), &mut rebuilt);
        live.shared.remember(&migrated);
        migrated?;
        Ok(rebuilt.finish(version))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function in map_err")]
fn bad(error: state::StateError) -> ShellError {
    ShellError::BadState(error.to_string())
}
