//! Log lines on their way to the host: a bounded queue. (`store/ring` is for [audio].)
//!
//! Called by: `store`. Calls: nothing. Threads: [any but audio].

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::host::Level;

/// Most lines between two drains.
const MOST_LINES: usize = 256;
/// Longest line in bytes.
const LONGEST_LINE: usize = 4096;

/// The longest beginning of `text` that has at most `most` bytes.
pub(super) fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[derive(Debug, Default)]
pub(super) struct Lines(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<(Level, String)>,
    dropped: u64,
}

impl Lines {
    #[cfg(test)]
    pub(super) fn hold(&self) -> impl Sized + '_ {
        self.0.lock()
    }

    pub(super) fn push(&self, level: Level, text: &str) {
        let text = cut(text, LONGEST_LINE).to_owned();
        let mut queue = self.0.lock();
        if queue.lines.len() < MOST_LINES {
            queue.lines.push_back((level, text));
        } else {
            queue.dropped += 1;
        }
    }

    /// `each` runs without the lock: it may log.
    pub(super) fn drain(&self, each: &mut impl FnMut(Level, &str)) {
        let Queue { lines, dropped } = std::mem::take(&mut *self.0.lock());
        for (level, text) in &lines {
            each(*level, text);
        }
        say_dropped(dropped, "at once", each);
    }
}

pub(super) fn say_dropped(dropped: u64, why: &str, each: &mut impl FnMut(Level, &str)) {
    if dropped > 0 {
        each(Level::Warning, &format!("{dropped} more lines were dropped: too many {why}"));
    }
}
