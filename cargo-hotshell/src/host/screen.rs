//! Lines for the user, and one line of meters below them where there is a terminal.
//!
//! Called by: `host`, `render`, `demo`. Calls: indicatif. Threads: [main].

use std::io::Write;

use indicatif::{ProgressBar, ProgressDrawTarget};

/// The user's terminal, pipe or file.
pub struct Screen {
    meters: ProgressBar,
}

impl Screen {
    /// Meters are drawn only on a terminal.
    #[must_use]
    pub fn new() -> Self {
        let meters = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
        meters.set_style(
            indicatif::ProgressStyle::with_template("{msg}")
                .unwrap_or_else(|_| indicatif::ProgressStyle::default_spinner()),
        );
        Self { meters }
    }

    /// True if nobody sees the meters.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.meters.is_hidden()
    }

    /// Writes a line that stays.
    pub fn say(&self, line: &str) {
        self.meters.suspend(|| {
            // Nothing is left to be done for a reader that is gone.
            drop(writeln!(std::io::stdout().lock(), "{line}"));
        });
    }

    /// Replaces the line of meters.
    pub fn meters(&self, line: String) {
        self.meters.set_message(line);
        self.meters.tick();
    }

    /// Takes the line of meters away.
    pub fn clear(&self) {
        self.meters.finish_and_clear();
    }
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}
