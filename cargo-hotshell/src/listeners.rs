//! Who listens, and what they say: the shells' reports, turned into news.
//!
//! Called by: `dev`. Calls: nothing. Threads: [main].

use std::collections::{BTreeMap, BTreeSet};

use hotshell_core::reload::slot::{HostReport, Manifest, now};

use crate::terminal::{between, span};

/// How loud a line of news is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Worth a look.
    Odd,
    /// Something failed.
    Bad,
}

/// One line for the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// How loud.
    pub tone: Tone,
    /// What happened, in one word.
    pub verb: &'static str,
    /// The rest.
    pub text: String,
}

impl News {
    const fn new(tone: Tone, verb: &'static str, text: String) -> Self {
        Self { tone, verb, text }
    }
}

/// Bytes of old builds that a host cannot give back, from which on it should be restarted.
const MUCH_HELD: u64 = 1 << 30;

/// One module that listens.
#[derive(Debug)]
struct Listener {
    /// When it was first seen, in nanoseconds since 1970.
    since: u64,
    last: HostReport,
}

/// What was last said about each module.
#[derive(Debug, Default)]
pub struct Listeners {
    known: BTreeMap<String, Listener>,
    published: Option<Manifest>,
}

impl Listeners {
    /// From here on, hearing `manifest` is news.
    pub fn published(&mut self, manifest: Manifest) {
        self.published = Some(manifest);
    }

    /// Number of modules that listen.
    #[must_use]
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// Compares with what was said before. `reports`: all living modules.
    pub fn update(&mut self, reports: Vec<HostReport>) -> Vec<News> {
        let mut news = Vec::new();
        let living: BTreeSet<String> = reports.iter().map(|report| report.id.clone()).collect();
        self.known.retain(|id, gone| {
            if !living.contains(id) {
                news.push(News::new(Tone::Good, "Left", who(&gone.last)));
            }
            living.contains(id)
        });
        for report in reports {
            let before = self.known.remove(&report.id).unwrap_or_else(|| {
                news.push(News::new(Tone::Good, "Listening", who(&report)));
                Listener { since: now(), last: arrival(&report) }
            });
            self.compare(&before, &report, &mut news);
            self.known.insert(report.id.clone(), Listener { last: report, ..before });
        }
        news
    }

    fn compare(&self, listener: &Listener, after: &HostReport, news: &mut Vec<News>) {
        let before = &listener.last;
        let lost = after.blocks_lost.saturating_sub(before.blocks_lost);
        let heard = self.published.as_ref().filter(|_| after.heard != before.heard && after.heard_at > 0);
        match heard.filter(|manifest| manifest.build == after.heard) {
            Some(manifest) => news.push(heard_line(manifest, listener.since, after, lost)),
            None if lost > 0 => {
                news.push(News::new(Tone::Odd, "Lost", format!("{lost} blocks in {}", who(after))));
            }
            None => {}
        }
        if before.held_bytes < MUCH_HELD && after.held_bytes >= MUCH_HELD {
            let text =
                format!("{} holds {} of old builds; restart it", who(after), megabytes(after.held_bytes));
            news.push(News::new(Tone::Odd, "Memory", text));
        }
        for refusal in after.refusals.iter().filter(|refusal| !before.refusals.contains(refusal)) {
            let text = format!("build {} by {}: {}", refusal.build, who(after), refusal.reason);
            news.push(News::new(Tone::Bad, "Refused", text));
        }
        for fault in after.faults.iter().filter(|fault| !before.faults.contains(fault)) {
            let text = format!("build {} in {}: {}", fault.build, who(after), fault.message);
            news.push(News::new(Tone::Bad, "Fault", text));
        }
        if after.stopped != before.stopped
            && let Some(reason) = &after.stopped
        {
            news.push(News::new(Tone::Bad, "Stopped", format!("{} cannot reload: {reason}", who(after))));
        }
        let last = before.log.iter().map(|line| line.at).max().unwrap_or(0);
        // The log repeats what was refused and what failed.
        let reasons = after.refusals.iter().map(|refusal| &refusal.reason);
        let reasons: Vec<&String> = reasons.chain(after.faults.iter().map(|fault| &fault.message)).collect();
        let told =
            |text: &str| reasons.iter().any(|reason| !reason.is_empty() && text.contains(reason.as_str()));
        for line in after.log.iter().filter(|line| line.at > last && !told(&line.text)) {
            let tone = if line.level >= 2 { Tone::Odd } else { Tone::Good };
            news.push(News::new(tone, "Log", format!("{}: {}", who(after), line.text)));
        }
    }
}

/// The report of a module that was just opened. What it heard and logged so far was for another terminal; what it
/// refused and what failed still holds.
fn arrival(report: &HostReport) -> HostReport {
    HostReport { refusals: Vec::new(), faults: Vec::new(), stopped: None, ..report.clone() }
}

/// Times only for a module that was there when the build was published: for any other they would be its own age.
fn heard_line(manifest: &Manifest, since: u64, report: &HostReport, lost: u64) -> News {
    let mut text = format!("build {} in {}: ", manifest.build, who(report));
    if since <= manifest.published_at {
        if manifest.saved_at > 0 {
            text.push_str(&format!("{} after the save, ", span(between(manifest.saved_at, report.heard_at))));
        }
        text.push_str(&format!(
            "{} after publishing, ",
            span(between(manifest.published_at, report.heard_at))
        ));
    }
    text.push_str(&format!("{lost} blocks lost"));
    if report.held_bytes > 0 {
        text.push_str(&format!(", {} of old builds held", megabytes(report.held_bytes)));
    }
    News::new(if lost == 0 { Tone::Good } else { Tone::Odd }, "Heard", text)
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

fn who(report: &HostReport) -> String {
    let host = if report.host.is_empty() { "a host" } else { report.host.as_str() };
    let format = if report.format.is_empty() { String::new() } else { format!("{}, ", report.format) };
    format!("{host} ({format}process {})", report.pid)
}

#[cfg(test)]
mod tests {
    use hotshell_core::reload::slot::{FaultLine, LogLine, RefusalLine};

    use super::*;

    const HEARD: u64 = u64::MAX - 1;

    fn report(heard: u32, heard_at: u64) -> HostReport {
        HostReport {
            id: "a".to_owned(),
            pid: 7,
            host: "REAPER".to_owned(),
            format: "clap".to_owned(),
            heard,
            heard_at,
            ..HostReport::default()
        }
    }

    /// Published 25 ms before [`HEARD`], which is far in the future: whoever listens in a test was there before.
    fn manifest(build: u32) -> Manifest {
        Manifest {
            format: 1,
            build,
            file: String::new(),
            length: 0,
            hash: String::new(),
            profile: String::new(),
            saved_at: HEARD - 345_000_000,
            built_at: HEARD - 45_000_000,
            published_at: HEARD - 25_000_000,
            facts: BTreeMap::default(),
        }
    }

    fn verbs(news: &[News]) -> Vec<&'static str> {
        news.iter().map(|line| line.verb).collect()
    }

    #[test]
    fn coming_and_going_is_said_once() {
        let mut listeners = Listeners::default();
        assert_eq!(verbs(&listeners.update(vec![report(0, 0)])), ["Listening"]);
        assert_eq!(verbs(&listeners.update(vec![report(0, 0)])), [""; 0]);
        assert_eq!(listeners.count(), 1);
        assert_eq!(verbs(&listeners.update(vec![])), ["Left"]);
    }

    #[test]
    fn a_heard_build_is_timed_from_the_save_and_from_the_publish_and_counts_lost_blocks() {
        let mut listeners = Listeners::default();
        listeners.update(vec![report(1, 5)]);
        listeners.published(manifest(2));
        assert_eq!(listeners.update(vec![report(1, 5)]), []);
        let news = listeners.update(vec![report(2, HEARD)]);
        assert_eq!(news.len(), 1);
        assert_eq!((news[0].tone, news[0].verb), (Tone::Good, "Heard"));
        let text = &news[0].text;
        assert!(text.contains("0.34 s after the save, 25 ms after publishing, 0 blocks lost"), "{text}");
        let lossy = HostReport { blocks_lost: 3, ..report(2, HEARD) };
        let news = listeners.update(vec![lossy]);
        assert_eq!((news[0].tone, news[0].verb), (Tone::Odd, "Lost"));
        assert!(news[0].text.starts_with("3 blocks"), "{}", news[0].text);
    }

    #[test]
    fn a_host_that_came_later_has_no_times_to_show() {
        let mut listeners = Listeners::default();
        listeners.published(Manifest { published_at: 1, ..manifest(2) });
        listeners.update(vec![report(0, 0)]);
        let text = listeners.update(vec![report(2, HEARD)])[0].text.clone();
        assert!(text.ends_with(": 0 blocks lost"), "{text}");
    }

    #[test]
    fn memory_that_a_host_cannot_give_back_is_shown_and_much_of_it_warned_of_once() {
        let mut listeners = Listeners::default();
        listeners.update(vec![report(1, 5)]);
        listeners.published(manifest(2));
        let held = HostReport { held_bytes: 2_340_000, ..report(2, HEARD) };
        assert!(listeners.update(vec![held])[0].text.ends_with(", 2.3 MB of old builds held"));
        let much = HostReport { held_bytes: MUCH_HELD, ..report(2, HEARD) };
        assert_eq!(verbs(&listeners.update(vec![much.clone()])), ["Memory"]);
        assert_eq!(listeners.update(vec![much]), []);
    }

    #[test]
    fn refusals_faults_and_log_lines_are_said_once_with_their_reasons() {
        let mut listeners = Listeners::default();
        listeners.update(vec![report(1, 5)]);
        let mut bad = report(1, 5);
        bad.refusals =
            vec![RefusalLine { build: 2, reason: "sample_precision".to_owned(), ..RefusalLine::default() }];
        bad.faults =
            vec![FaultLine { build: 1, message: "src/lib.rs:9: oh".to_owned(), ..FaultLine::default() }];
        bad.log = vec![LogLine { at: 9, level: 3, text: "hello".to_owned() }];
        let news = listeners.update(vec![bad.clone()]);
        assert_eq!(verbs(&news), ["Refused", "Fault", "Log"]);
        assert!(news[0].text.contains("sample_precision") && news[1].text.contains("src/lib.rs:9"));
        bad.log.push(LogLine { at: 10, level: 3, text: "refused: sample_precision".to_owned() });
        assert_eq!(listeners.update(vec![bad.clone()]), []);
        let mut late = Listeners::default();
        assert_eq!(
            verbs(&late.update(vec![bad])),
            ["Listening", "Refused", "Fault"],
            "a terminal that comes later"
        );
    }
}
