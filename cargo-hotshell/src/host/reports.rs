//! What the shell inside a hosted dev bundle reports into its slot, as lines for a reader.
//!
//! The bundle does not say where its slot is; the report that carries this process's id is ours.
//!
//! Called by: `host`, `demo`. Calls: core's `reload/slot`. Threads: [main].

use crate::format::Format;
use hotshell_core::reload::slot::{HostReport, Slot, data_folder};

/// The reports of this process.
#[derive(Debug, Default)]
pub struct Reports {
    slot: Option<Slot>,
    /// Of the module of this format alone: one process may have opened both.
    format: Option<Format>,
    seen: HostReport,
}

impl Reports {
    /// The reports of the module of one format.
    #[must_use]
    pub fn of(format: Format) -> Self {
        Self { format: Some(format), ..Self::default() }
    }

    /// The report as it stands; `None` while there is none: a static bundle, no `dev`, or not written yet.
    pub fn read(&mut self) -> Option<HostReport> {
        if self.slot.is_none() {
            self.slot = find(self.format);
        }
        let report = self.slot.as_ref().and_then(|slot| ours(slot, self.format));
        if report.is_none() {
            self.slot = None;
        }
        report
    }

    /// What is new since the last call, one line each.
    pub fn news(&mut self) -> Vec<String> {
        let Some(report) = self.read() else { return Vec::new() };
        let lines = compare(&self.seen, &report);
        self.seen = report;
        lines
    }
}

/// The slot in which a module of this process reports.
fn find(format: Option<Format>) -> Option<Slot> {
    let slots = std::fs::read_dir(data_folder().ok()?.join("slots")).ok()?;
    let mut open = slots.filter_map(|entry| Slot::existing(&entry.ok()?.path()).ok());
    open.find(|slot| ours(slot, format).is_some())
}

fn ours(slot: &Slot, format: Option<Format>) -> Option<HostReport> {
    let pid = std::process::id();
    let is_ours =
        |report: &HostReport| report.pid == pid && format.is_none_or(|format| report.format == format.word());
    slot.reports().ok()?.into_iter().find(is_ours)
}

fn compare(before: &HostReport, after: &HostReport) -> Vec<String> {
    let mut lines = Vec::new();
    if after.heard != before.heard {
        lines.push(format!("reload: build {} is heard", after.heard));
    } else if after.accepted != before.accepted {
        lines.push(format!("reload: build {} is loaded", after.accepted));
    }
    if after.blocks_lost > before.blocks_lost {
        lines.push(format!("reload: {} blocks lost, says the shell", after.blocks_lost - before.blocks_lost));
    }
    let refused = after.refusals.iter().filter(|line| !before.refusals.contains(line));
    lines.extend(refused.map(|line| format!("reload: build {} was refused: {}", line.build, line.reason)));
    let faults = after.faults.iter().filter(|line| !before.faults.contains(line));
    lines.extend(
        faults.map(|line| format!("reload: build {} failed while it played: {}", line.build, line.message)),
    );
    if let Some(reason) = after.stopped.as_ref().filter(|_| before.stopped.is_none()) {
        lines.push(format!("reload: stopped: {reason}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use hotshell_core::reload::slot::RefusalLine;

    #[test]
    fn each_news_is_told_once() {
        let refusal = RefusalLine { build: 3, reason: "half a file".into(), ..RefusalLine::default() };
        let first = HostReport { accepted: 2, heard: 2, ..HostReport::default() };
        let second = HostReport { refusals: vec![refusal], ..first.clone() };
        assert_eq!(compare(&HostReport::default(), &first), ["reload: build 2 is heard"]);
        assert_eq!(compare(&first, &second), ["reload: build 3 was refused: half a file"]);
        assert!(compare(&second, &second).is_empty());
    }
}
