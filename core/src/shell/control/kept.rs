//! A state that the author's code has refused: kept, so that a mistake in `load_state` costs nobody a project.
//!
//! Called by: `control/state`. Calls: nothing. Threads: [main] [reload], under the turn for states.
//!
//! It is offered to the next build, and it is what a save writes, for as long as nobody has changed anything since: a
//! user who went on working means what he sees. The host has seen the load fail either way.

use std::collections::BTreeMap;

use hotshell_abi::PluginDesc;

use crate::params::SavedParam;
use crate::shell::StateContext;
use crate::state::{Document, SavedField};

/// What one turn of saving or loading finds.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub state: Option<KeptState>,
    pub own: Option<KeptOwn>,
}

/// A whole state that a build refused when the host loaded it.
#[derive(Debug)]
pub(super) struct KeptState {
    pub context: StateContext,
    pub bytes: Vec<u8>,
    /// Address of the table of the build that refused it last.
    pub by: usize,
    /// What a save would write instead.
    pub instead: Vec<u8>,
    /// The shared half at that moment.
    pub params: BTreeMap<String, SavedParam>,
    pub fields: BTreeMap<String, SavedField>,
}

/// What the author keeps beside parameters and fields, which the next build refused to take over.
#[derive(Debug)]
pub(super) struct KeptOwn {
    pub own: Vec<u8>,
    /// `STATE_VERSION` of the build that wrote it.
    pub version: u32,
    /// Address of the table of the build that refused it last.
    pub by: usize,
    /// What that build writes instead.
    pub instead: Vec<u8>,
}

impl KeptState {
    /// True if nobody has changed anything since, up to what the build of `desc` changed by itself: a parameter may be
    /// new, gone, or at a new default.
    pub fn is_untouched(&self, document: &Document, desc: &PluginDesc<'_>) -> bool {
        let default = |id: &str| {
            let param = desc.params.as_slice().iter().find(|param| param.id.as_str() == id);
            param.map(|param| param.default)
        };
        let same = |(id, saved): (&String, &SavedParam)| {
            let found = document.params.get(id);
            found.is_none_or(|found| found == saved || default(id) == Some(found.value))
        };
        let fields = self.fields.iter().all(|(id, field)| document.fields.get(id).is_none_or(|f| f == field));
        self.params.iter().all(same) && fields
    }
}

impl KeptOwn {
    /// True if the build at `table` refused it, and its own state is still what it was then.
    pub fn stands_for(&self, table: usize, own: &[u8]) -> bool {
        self.by == table && self.instead == own
    }
}
