//! What the author sees: one line per event in cargo's manner, the compiler's own messages, one spinner.
//!
//! Called by: `dev`, `bundle`, `clean`. Calls: the standard error stream, and nothing else may write to it meanwhile.
//! Threads: [main]; the spinner turns on a thread of its own, which ends with it.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use console::{Style, Term};
use indicatif::{ProgressBar, ProgressStyle};

/// The standard error stream. No colours and no spinner when it is not a terminal.
#[derive(Debug)]
pub struct Terminal {
    screen: Option<Term>,
    spinner: Option<ProgressBar>,
}

impl Terminal {
    /// Looks at what standard error is.
    #[must_use]
    pub fn new() -> Self {
        let screen = Term::stderr();
        Self { screen: screen.features().is_attended().then_some(screen), spinner: None }
    }

    /// True if colours are wanted.
    #[must_use]
    pub fn has_colour(&self) -> bool {
        self.screen.is_some() && console::colors_enabled_stderr()
    }

    /// `verb`, right-aligned as cargo does, then the rest.
    pub fn say(&self, verb: &str, text: impl Display) {
        self.line(verb, &Style::new().green().bold(), &text);
    }

    /// Something that the author should look at.
    pub fn warn(&self, verb: &str, text: impl Display) {
        self.line(verb, &Style::new().yellow().bold(), &text);
    }

    /// Something that failed.
    pub fn fail(&self, verb: &str, text: impl Display) {
        self.line(verb, &Style::new().red().bold(), &text);
    }

    fn line(&self, verb: &str, style: &Style, text: &dyn Display) {
        let verb = format!("{verb:>12}");
        let verb =
            if self.has_colour() { style.clone().for_stderr().apply_to(verb).to_string() } else { verb };
        self.print(&format!("{verb} {text}"));
    }

    /// Text as it is; nothing if there is none.
    pub fn print(&self, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        match &self.spinner {
            Some(spinner) => spinner.println(text.trim_end()),
            // A terminal that is gone is no reason to stop: hosts may still listen.
            None => drop(writeln!(std::io::stderr().lock(), "{}", text.trim_end())),
        }
    }

    /// Starts (or renames) the spinner.
    pub fn busy(&mut self, text: &str) {
        if self.screen.is_none() {
            return;
        }
        let spinner = self.spinner.get_or_insert_with(|| {
            let spinner = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner:>12} {wide_msg}") {
                spinner.set_style(style);
            }
            spinner.enable_steady_tick(Duration::from_millis(120));
            spinner
        });
        spinner.set_message(text.to_owned());
    }

    /// Takes the spinner away.
    pub fn idle(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.idle();
    }
}

/// A time span as people read it: `21 ms`, `0.48 s`, `12.3 s`.
#[must_use]
pub fn span(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 0.1 => format!("{:.0} ms", seconds * 1000.0),
        seconds if seconds < 10.0 => format!("{seconds:.2} s"),
        seconds => format!("{seconds:.1} s"),
    }
}

/// Time between two stamps of the slot, in nanoseconds since 1970; zero if the clock was set back.
#[must_use]
pub const fn between(from: u64, to: u64) -> Duration {
    Duration::from_nanos(to.saturating_sub(from))
}
