//! A timer of the host's run loop.
//!
//! Called by: `com/view`, `instance/clock`; the host ticks. Calls: the host, `com/left`. Threads: [main].

#![allow(unsafe_code, reason = "DESIGN 9.9: the host's interfaces are C's")]

use vst3::Steinberg::Linux::{IRunLoop, IRunLoopTrait, ITimerHandler, ITimerHandlerTrait};
use vst3::Steinberg::kResultOk;
use vst3::{Class, ComPtr, ComWrapper};

use super::left;
use crate::error::guard;

/// A timer that runs. Dropped: unregistered, which must not be inside of a callback (`left::end`).
pub(crate) struct Timer {
    run_loop: ComPtr<IRunLoop>,
    handler: ComPtr<ITimerHandler>,
}

impl Timer {
    /// Runs `tick` every `period` milliseconds. `None` if the run loop has no timer to offer.
    pub(crate) fn start(run_loop: ComPtr<IRunLoop>, period: u64, tick: impl Fn() + 'static) -> Option<Self> {
        let handler = ComWrapper::new(Ticker(Box::new(tick))).to_com_ptr::<ITimerHandler>()?;
        // SAFETY: both references keep their objects alive.
        let started = unsafe { run_loop.registerTimer(handler.as_ptr(), period) };
        (started == kResultOk).then_some(Self { run_loop, handler })
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: as in `start`.
        unsafe { self.run_loop.unregisterTimer(self.handler.as_ptr()) };
    }
}

/// What the run loop calls. A host may keep it, and call it, for as long as it likes.
struct Ticker(Box<dyn Fn()>);

impl Class for Ticker {
    type Interfaces = (ITimerHandler,);
}

impl ITimerHandlerTrait for Ticker {
    unsafe fn onTimer(&self) {
        guard((), || {
            // To the end: the host may open its menu inside, and remove the view there.
            let _callback = left::Callback::enter();
            (self.0)();
        });
    }
}
