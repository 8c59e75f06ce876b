//! Save and load: the shared half only, exact whether audio runs, stands still or has failed.
//!
//! Called by: `shell/control`. Calls: `state`, the author's state functions through `instance`.
//! Threads: [main], safe from any; never touches [audio], which learns of a load by a counter.

use std::sync::atomic::Ordering::Release;

use hotshell_abi::{PluginDesc, Sample};

use crate::host::Level;
use crate::params::Parameters;
use crate::shell::control::{Control, Live};
use crate::shell::{ShellError, StateContext};
use crate::state::{self, Document};

impl<P: Parameters, S: Sample> Control<P, S> {
    pub(super) fn save_state(&self, context: StateContext) -> Result<Vec<u8>, ShellError> {
        let live = self.live();
        let own = match live.desc.flags & PluginDesc::OWN_STATE {
            0 => Vec::new(),
            _ => live.shared.save_state()?,
        };
        let id = live.desc.id.as_str();
        let document = state::collect(context, id, live.desc.state_version, &*self.params, &self.store, own);
        Ok(state::encode(&document))
    }

    pub(super) fn load_state(&self, context: StateContext, bytes: &[u8]) -> Result<(), ShellError> {
        let live = self.live();
        let document = self.read(&live, bytes)?;
        state::check(&document).map_err(bad)?;
        if live.desc.flags & PluginDesc::OWN_STATE != 0 && !document.own.is_empty() {
            live.shared.load_state(&document.own)?;
        }
        let applied = {
            let mut main = self.lock("the state")?;
            self.settle_taken(&mut main);
            let waiting = self.link.inbox.take();
            if waiting.is_none() {
                self.await_verdict(&mut main);
            }
            let applied = state::apply(context, &document, &*self.params, &self.store).map_err(bad);
            if let Some(mut candidate) = waiting {
                // Its plan was made of the values before the load.
                self.renew_plan(&mut main, &mut candidate);
                self.link.inbox.put(candidate);
            }
            let applied = applied?;
            if applied.values_changed {
                main.announced.values_changed();
                main.check = true;
            }
            applied
        };
        // The author decodes outside of the lock, and hears of the load when there is nothing old left to read.
        self.sync_fields();
        self.link.state_loads.fetch_add(1, Release);
        for line in &applied.lines {
            self.log(Level::Warning, line);
        }
        if applied.values_changed {
            self.ask_host(false, true);
        }
        Ok(())
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
                if !table.import_state(bytes, &mut rebuilt)? {
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
        table.migrate_state(document.state_version, &document.entries(), &mut rebuilt)?;
        Ok(rebuilt.finish(version))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function in map_err")]
fn bad(error: state::StateError) -> ShellError {
    ShellError::BadState(error.to_string())
}
