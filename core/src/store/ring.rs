//! Log lines of [audio]: a fixed ring of atomics.
//!
//! Called by: `store`. Calls: `store/log` (words only). Threads: [`Ring::push`] [any], wait-free; [`Ring::drain`]
//! [any but audio]. The loom model at the end checks that no line is torn, lost uncounted, or given twice.

#![deny(clippy::disallowed_types)]

#[cfg(loom)]
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use Ordering::{Acquire, Relaxed, Release};

use super::log::{cut, say_dropped};
use crate::host::Level;

/// Longest line in bytes.
const RING_TEXT: usize = if cfg!(loom) { 16 } else { 120 };
const RING_WORDS: usize = RING_TEXT / 8;
const RING_LINES: usize = if cfg!(loom) { 2 } else { 64 };

const FREE: u32 = 0;
const WRITING: u32 = 1;
const READY: u32 = 2;
const READING: u32 = 3;

/// Lines of [audio]. A pusher claims a free entry by one exchange, and gives up after one round: wait-free for any
/// number of threads. The text is in atomic words, so a slow reader is no data race.
#[derive(Debug)]
pub(super) struct Ring {
    entries: Box<[Entry]>,
    next: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    state: AtomicU32,
    /// Level in the lowest byte, length above.
    head: AtomicU32,
    order: AtomicU64,
    words: [AtomicU64; RING_WORDS],
}

impl Ring {
    pub(super) fn new() -> Self {
        let entry = |_| Entry {
            state: AtomicU32::new(FREE),
            head: AtomicU32::new(0),
            order: AtomicU64::new(0),
            words: std::array::from_fn(|_| AtomicU64::new(0)),
        };
        Self {
            entries: (0..RING_LINES).map(entry).collect(),
            next: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    pub(super) fn push(&self, level: Level, text: &str) {
        let order = self.next.fetch_add(1, Relaxed);
        let start = usize::try_from(order % RING_LINES as u64).unwrap_or(0);
        let (head, tail) = self.entries.split_at(start);
        for entry in tail.iter().chain(head) {
            if entry.state.compare_exchange(FREE, WRITING, Acquire, Relaxed).is_ok() {
                entry.write(order, level, cut(text, RING_TEXT));
                entry.state.store(READY, Release);
                return;
            }
        }
        self.dropped.fetch_add(1, Relaxed);
    }

    /// Oldest first.
    pub(super) fn drain(&self, each: &mut impl FnMut(Level, &str)) {
        let mut lines = Vec::new();
        for entry in &self.entries {
            if entry.state.compare_exchange(READY, READING, Acquire, Relaxed).is_ok() {
                lines.push(entry.read());
                entry.state.store(FREE, Release);
            }
        }
        let dropped = self.dropped.swap(0, Relaxed);
        lines.sort_by_key(|line| line.0);
        for (_, level, text) in &lines {
            each(*level, &String::from_utf8_lossy(text));
        }
        say_dropped(dropped, "from the audio thread", each);
    }
}

impl Entry {
    fn write(&self, order: u64, level: Level, text: &str) {
        let len = u32::try_from(text.len()).unwrap_or(0);
        self.order.store(order, Relaxed);
        self.head.store((len << 8) | level as u32, Relaxed);
        for (word, bytes) in self.words.iter().zip(text.as_bytes().chunks(8)) {
            let mut padded = [0; 8];
            padded[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_le_bytes(padded), Relaxed);
        }
    }

    fn read(&self) -> (u64, Level, Vec<u8>) {
        let head = self.head.load(Relaxed);
        let mut bytes: Vec<u8> =
            self.words.iter().flat_map(|word| word.load(Relaxed).to_le_bytes()).collect();
        bytes.truncate((head >> 8) as usize);
        (self.order.load(Relaxed), Level::from_number(head & 0xff), bytes)
    }
}

/// Run with `RUSTFLAGS="--cfg loom" cargo test -p hotshell-core --release --lib loom_`.
#[cfg(all(test, loom))]
mod loom_models {
    use super::*;
    use loom::sync::Arc;
    use loom::thread;

    const LINES: [&str; 3] = ["first, and long", "second and long", "third, and long"];

    fn drained(ring: &Ring) -> (Vec<String>, u64) {
        let (mut lines, mut dropped) = (Vec::new(), 0);
        ring.drain(&mut |_, text| {
            if LINES.contains(&text) {
                lines.push(text.to_owned());
            } else {
                // The one other line that there may be: how many were dropped.
                let number = text.chars().filter(char::is_ascii_digit).collect::<String>();
                dropped += number.parse::<u64>().unwrap();
            }
        });
        (lines, dropped)
    }

    #[test]
    fn loom_a_line_is_whole_and_given_once_or_counted() {
        loom::model(|| {
            let ring = Arc::new(Ring::new());
            let push = |texts: &'static [&'static str]| {
                let ring = Arc::clone(&ring);
                thread::spawn(move || texts.iter().for_each(|text| ring.push(Level::Info, text)))
            };
            let (one, two) = (push(&LINES[..1]), push(&LINES[1..]));
            let (mut lines, mut dropped) = drained(&ring);
            one.join().unwrap();
            two.join().unwrap();
            let (rest, more) = drained(&ring);
            lines.extend(rest);
            dropped += more;
            assert_eq!(lines.len() as u64 + dropped, 3, "{lines:?}, {dropped} dropped");
            lines.sort();
            lines.dedup();
            assert_eq!(lines.len() as u64 + dropped, 3, "given once");
        });
    }
}
