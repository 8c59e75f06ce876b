//! The way to the host: no lock is held while it is called, and none of its calls begins once it is disconnected.
//!
//! Called by: `shell/control`. Calls: the host. Threads: [any] but audio.
//!
//! A host may do anything inside a call: call back, wait for another thread of its own that calls us, destroy the
//! instance. So calls are counted, not locked, and a disconnect waits for those of other threads alone, and not for ever:
//! a call that does not end is in the host's own code, which asks nothing of us any more but to return.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::host::{Host, NoHost};

/// Longest wait for calls of other threads: many times what a thread is put aside for between our step and the host's.
const LONGEST: Duration = Duration::from_secs(1);

thread_local! {
    /// Its address tells threads apart. No destructor: threads are the host's.
    static PLACE: u8 = const { 0 };
}

/// Calls of one instance.
pub(super) struct Calls {
    now: Mutex<Now>,
    ended: Condvar,
}

struct Now {
    host: Arc<dyn Host>,
    /// Threads inside a call, each as often as it is.
    inside: Vec<usize>,
}

/// One call. Dropped: it is over, also by a panic.
struct Call<'c>(&'c Calls, usize);

fn here() -> usize {
    PLACE.with(|place| std::ptr::from_ref(place).addr())
}

impl Calls {
    pub(super) fn new(host: Arc<dyn Host>) -> Self {
        Self { now: Mutex::new(Now { host, inside: Vec::new() }), ended: Condvar::new() }
    }

    /// Calls the host.
    pub(super) fn with<R>(&self, call: impl FnOnce(&dyn Host) -> R) -> R {
        let here = here();
        let mut now = self.now.lock();
        let host = Arc::clone(&now.host);
        now.inside.push(here);
        drop(now);
        let _call = Call(self, here);
        call(host.as_ref())
    }

    /// The host itself, for whoever ends before it is disconnected.
    pub(super) fn host(&self) -> Arc<dyn Host> {
        Arc::clone(&self.now.lock().host)
    }

    /// No call begins after this, and none of another thread is on its way to the host.
    pub(super) fn disconnect(&self) {
        let (here, until) = (here(), Instant::now() + LONGEST);
        let mut now = self.now.lock();
        let before = std::mem::replace(&mut now.host, Arc::new(NoHost));
        while now.inside.iter().any(|thread| *thread != here) {
            if self.ended.wait_until(&mut now, until).timed_out() {
                break;
            }
        }
        drop(now);
        // Its end is the adapter's code: not under the lock.
        drop(before);
    }

    /// Its lock, for the test that plays on meanwhile.
    #[cfg(test)]
    pub(super) fn hold(&self) -> impl Sized + '_ {
        self.now.lock()
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let mut now = self.0.now.lock();
        if let Some(at) = now.inside.iter().rposition(|thread| *thread == self.1) {
            now.inside.swap_remove(at);
        }
        drop(now);
        self.0.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    use std::sync::mpsc::channel;

    use super::*;
    use crate::host::Level;

    type Answer = Box<dyn Fn() + Send + Sync>;

    /// Does as told when it is asked for a call.
    #[derive(Default)]
    struct Rude {
        answer: OnceLock<Answer>,
        asked: AtomicU32,
    }

    impl Host for Rude {
        fn name(&self) -> &'static str {
            "rude"
        }
        fn request_restart(&self) {}
        fn request_process(&self) {}
        fn request_callback(&self) {
            self.asked.fetch_add(1, SeqCst);
            if let Some(answer) = self.answer.get() {
                answer();
            }
        }
        fn log(&self, _: Level, _: &str) {}
    }

    fn ask(calls: &Calls) {
        calls.with(|host| host.request_callback());
    }

    /// Ends although what the host does in a call never would with a lock held around it.
    fn ends(answer: impl Fn(&Arc<Calls>) + Send + Sync + 'static) -> (Arc<Rude>, Arc<Calls>) {
        let rude = Arc::new(Rude::default());
        let calls = Arc::new(Calls::new(Arc::clone(&rude) as Arc<dyn Host>));
        let inside = Arc::downgrade(&calls);
        let answer: Answer = Box::new(move || answer(&inside.upgrade().expect("the test keeps it")));
        assert!(rude.answer.set(answer).is_ok());
        let (done, heard) = channel();
        let asks = Arc::clone(&calls);
        let asking = std::thread::Builder::new().name("test asks".to_owned()).spawn(move || {
            ask(&asks);
            done.send(()).expect("the test waits");
        });
        assert_eq!(heard.recv_timeout(Duration::from_secs(20)), Ok(()), "the host's call comes back");
        asking.expect("a thread").join().expect("no panic");
        (rude, calls)
    }

    #[test]
    fn a_host_that_ends_the_instance_inside_a_call_is_not_waited_for() {
        let (rude, calls) = ends(|calls| calls.disconnect());
        ask(&calls);
        assert_eq!(rude.asked.load(SeqCst), 1, "no call after the disconnect");
    }

    #[test]
    fn a_host_that_waits_for_its_main_thread_inside_a_call_may_end_the_instance_there() {
        ends(|calls| std::thread::scope(|scope| drop(scope.spawn(|| calls.disconnect()))));
    }

    #[test]
    fn a_disconnect_waits_for_a_call_on_another_thread() {
        let rude = Arc::new(Rude::default());
        let calls = Calls::new(Arc::clone(&rude) as Arc<dyn Host>);
        let ended = AtomicU32::new(0);
        let (begin, begun) = channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                calls.with(|_| {
                    begin.send(()).expect("the test waits");
                    // Until the disconnect has come as far as to the wait.
                    while calls.with(|host| host.name() == "rude") {
                        std::thread::yield_now();
                    }
                    ended.store(1, SeqCst);
                });
            });
            begun.recv().expect("it begins");
            calls.disconnect();
            assert_eq!(ended.load(SeqCst), 1);
        });
    }
}
