//! What a module tells `dev` about itself.
//!
//! Called by: the watchdog, [`Attachment::report`](super::Attachment::report). Calls: nothing. Threads: [any but audio],
//! under the module's lock.

use super::Setup;
use super::slot::{self, HostReport, InstanceLine};
use super::state::State;

/// The report of this moment.
pub(super) fn compose(setup: &Setup, state: &State) -> HostReport {
    let totals = state.entries.iter().fold(state.closed, |sum, entry| {
        [sum[0] + entry.news.blocks, sum[1] + entry.news.blocks_lost, sum[2] + entry.news.blocks_late]
    });
    HostReport {
        // Whoever reads the file knows it by its name.
        id: String::new(),
        pid: std::process::id(),
        host: setup.host.clone(),
        format: setup.format.to_owned(),
        written_at: slot::now(),
        accepted: state.wanted().map_or(0, |build| build.number),
        heard: state.heard.0,
        heard_at: state.heard.1,
        blocks: totals[0],
        blocks_lost: totals[1],
        blocks_late: totals[2],
        held_bytes: state.held_bytes,
        loads: state.loads,
        stopped: state.stopped.clone(),
        instances: state.entries.iter().map(line).collect(),
        refusals: state.refusals.iter().cloned().collect(),
        faults: state.faults.iter().cloned().collect(),
        log: state.log.iter().cloned().collect(),
    }
}

fn line(entry: &super::state::Entry) -> InstanceLine {
    let (heard, heard_at) = entry.news.heard.unwrap_or_default();
    InstanceLine {
        plugin: entry.plugin,
        heard,
        heard_at,
        blocks: entry.news.blocks,
        blocks_lost: entry.news.blocks_lost,
        blocks_late: entry.news.blocks_late,
    }
}
