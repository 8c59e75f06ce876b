//! Ticks without a view, where a context of the host's offers a run loop (Linux): what there is to tell, such a host hears
//! soon, and not first at its next safe call.
//!
//! Called by: `com/component`, `instance`. Calls: `com/run_loop`, `com/left`. Threads: [main] by VST3's rules; safe from
//! any.

use std::sync::Arc;

use parking_lot::Mutex;

use super::Instance;
use crate::com::left;
use crate::com::run_loop::Timer;
use crate::home::Home;

/// Milliseconds between two looks at what there is to tell.
const PERIOD: u64 = 100;

/// The timer, and the thread that it belongs to.
#[derive(Default)]
pub(super) struct Clock(Mutex<Option<(Home, Timer)>>);

impl Instance {
    /// Starts it if the host offers a run loop, and none runs. [main]
    pub(crate) fn start_clock(self: &Arc<Self>) {
        if self.clock.0.lock().is_some() {
            return;
        }
        let ticks = || {
            let instance = Arc::downgrade(self);
            move || {
                if let Some(instance) = instance.upgrade() {
                    instance.tell();
                }
            }
        };
        // The host is called: not under the lock.
        let timer = self.run_loops().find_map(|run_loop| Timer::start(run_loop, PERIOD, ticks()));
        let before = timer.and_then(|timer| self.clock.0.lock().replace((Home::here(), timer)));
        end(before);
    }

    /// Ends it. [any] but audio
    pub(super) fn stop_clock(&self) {
        let timer = self.clock.0.lock().take();
        end(timer);
    }
}

fn end(timer: Option<(Home, Timer)>) {
    if let Some((home, timer)) = timer {
        left::end_at(home, timer);
    }
}
