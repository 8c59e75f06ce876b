//! The part of a `dev` between a good build and its publishing: a child plays it first.
//!
//! Called by: `dev/session`. Calls: `trial`, `publish`. Threads: [main]; the reader of a trial only sends.

use hotshell_core::reload::slot::{DevState, FindingLine};

use super::{Event, Session};
use crate::Error;
use crate::compile::Built;
use crate::publish::is_current;
use crate::trial::run::Running;
use crate::trial::{golden_states, keep, lines, order, show, show_unseen, summary};

/// A build that is tried.
pub(super) struct Tryout {
    /// Number of the job that made it: an older one's end means nothing.
    number: u64,
    running: Running,
    built: Built,
}

impl Session<'_> {
    /// Starts the trial; or publishes at once what hosts have already.
    pub(super) fn try_out(&mut self, built: Built) -> Result<(), Error> {
        if self.args.no_trial || is_current(self.slot, &built.artifact) {
            return self.publish(&built, "");
        }
        let (number, sender) = (self.jobs, self.sender.clone());
        let order = order(&built.artifact, golden_states(self.project.folder()));
        let ended = move || drop(sender.send(Event::Tried(number)));
        match Running::start(order, self.scratch.path(), ended) {
            Ok(running) => {
                self.terminal.busy("trying it");
                self.tryout = Some(Tryout { number, running, built });
                Ok(())
            }
            Err(why) => {
                self.terminal.warn("Untried", format_args!("{why:#}"));
                self.publish(&built, "")
            }
        }
    }

    /// The child's output has an end that comes late if something that the child started holds it open.
    pub(super) fn look_after_tryout(&mut self) -> Result<(), Error> {
        match self.tryout.as_mut().map(|tryout| (tryout.number, tryout.running.has_ended())) {
            Some((number, true)) => self.tried(number),
            _ => Ok(()),
        }
    }

    /// The child has ended: publishes its build, or says why not.
    pub(super) fn tried(&mut self, number: u64) -> Result<(), Error> {
        let Some(tryout) = self.tryout.take_if(|tryout| tryout.number == number) else { return Ok(()) };
        let verdict = tryout.running.finish()?;
        self.terminal.idle();
        if self.story.saved_at.is_none() {
            show_unseen(self.terminal, &verdict);
        }
        let artifact = &tryout.built.artifact;
        let kept = match verdict.error() {
            Some(found) => {
                let folder = self.project.own_target().join("trial").join(&self.project.package);
                Some(keep::keep(artifact, Some(&folder), found)?)
            }
            None => None,
        };
        let findings = lines(&verdict, kept.as_deref());
        match verdict.error() {
            Some(found) if !self.args.force => {
                let what = format!("the trial found {}", found.finding.what);
                self.refused(&what, findings)?;
                show(self.terminal, &verdict, kept.as_deref());
                let plays = self.what_plays();
                let text = format_args!("{what}; {plays}; `dev --force` publishes all the same");
                self.terminal.fail("Failed", text);
                Ok(())
            }
            _ => {
                show(self.terminal, &verdict, kept.as_deref());
                self.status.findings = findings;
                self.publish(&tryout.built, &format!(", {}", summary(&verdict)))
            }
        }
    }

    /// Told first: whoever reads the terminal may look at once.
    fn refused(&mut self, what: &str, findings: Vec<FindingLine>) -> Result<(), Error> {
        self.status.findings = findings;
        self.tell(DevState::Failed, Some(what.to_owned()))
    }
}
