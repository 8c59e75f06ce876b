//! Turns a deck against the clock where there is no device, or as fast as it goes.
//!
//! Called by: `session`. Calls: `deck`. Threads: starts one, named `hotshell-host-audio`, which is [audio]; it ends with
//! its deck, and [`start`]'s handle joins it.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::deck::Deck;
use crate::Error;

/// How fast blocks come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// At the pace of real time, by absolute deadlines: a late block is followed by the next at once.
    Clock,
    /// As fast as they go.
    Free,
}

/// Starts the thread.
///
/// # Errors
/// The operating system gives no thread.
pub fn start(mut deck: Deck, pace: Pace) -> Result<JoinHandle<()>, Error> {
    let work = move || turn(&mut deck, pace);
    Ok(std::thread::Builder::new().name("hotshell-host-audio".into()).spawn(work)?)
}

fn turn(deck: &mut Deck, pace: Pace) {
    let config = deck.config();
    let start = Instant::now();
    let mut played = 0.0_f64;
    loop {
        let frames = deck.block(config.max_frames);
        if frames == 0 {
            return;
        }
        played += f64::from(frames);
        if pace == Pace::Free {
            continue;
        }
        let due = start + Duration::from_secs_f64(played / config.sample_rate);
        let now = Instant::now();
        if now > due {
            deck.link().note_late(now - due);
        } else {
            wait_until(due);
        }
    }
}

/// Nobody unparks this thread: what ends the deck is seen at the next block.
fn wait_until(due: Instant) {
    while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}
