//! What the process holds, and what its X clients did wrong: what must be the same after hundreds of windows as before.
//!
//! Called by: tests of editors. Calls: `/proc`, the X server's RECORD extension. Threads: [any]; [`XErrors`] has one of its
//! own, joined by [`XErrors::end`].

use std::collections::BTreeMap;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::record::{CS, ConnectionExt as _, Range, Range8};
use x11rb::rust_connection::RustConnection;

use crate::plugin::PATIENCE;
use crate::screen::Screen;

/// Threads by name, and open handles.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// How many of each name.
    pub threads: BTreeMap<String, usize>,
    /// Descriptors.
    pub handles: usize,
    /// Windows on the desktop.
    pub windows: usize,
}

/// Looks alike before what is held counts as settled.
const LOOKS: usize = 40;

impl Held {
    /// As it is.
    ///
    /// # Panics
    /// On another system than Linux.
    #[must_use]
    pub fn now(screen: &Screen) -> Self {
        let mut threads = BTreeMap::new();
        for task in std::fs::read_dir("/proc/self/task").expect("Linux").flatten() {
            // None for one that ends meanwhile.
            if let Ok(name) = std::fs::read_to_string(task.path().join("comm")) {
                *threads.entry(name.trim().to_owned()).or_default() += 1;
            }
        }
        let handles = std::fs::read_dir("/proc/self/fd").expect("Linux").count();
        Self { threads, handles, windows: screen.toplevels().len() }
    }

    /// Once nothing comes or goes any more, while the host's main loop turns.
    ///
    /// # Panics
    /// If it never does.
    #[must_use]
    pub fn settled(screen: &Screen, mut turn: impl FnMut()) -> Self {
        let (begin, mut last, mut same) = (Instant::now(), Self::now(screen), 0);
        while same < LOOKS {
            turn();
            std::thread::park_timeout(Duration::from_millis(10));
            let held = Self::now(screen);
            same = if held == last { same + 1 } else { 0 };
            last = held;
            assert!(begin.elapsed() < PATIENCE, "threads, handles and windows settle: {last:?}");
        }
        last
    }

    /// Turns the host's main loop until there is nothing more than before.
    ///
    /// # Panics
    /// If something is left.
    pub fn wait_for_no_more(&self, screen: &Screen, mut turn: impl FnMut()) {
        let begin = Instant::now();
        loop {
            let held = Self::now(screen);
            let more =
                |(name, count): (&String, &usize)| self.threads.get(name).is_none_or(|had| had < count);
            if held.handles <= self.handles && held.windows <= self.windows && !held.threads.iter().any(more)
            {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "left behind: {held:?}; there were {self:?}");
            turn();
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

/// Errors that the X server sends to this process's clients but the harness itself, from start to end.
pub struct XErrors {
    control: RustConnection,
    context: u32,
    reader: JoinHandle<Vec<String>>,
}

impl XErrors {
    /// Listens from here on.
    ///
    /// # Panics
    /// If the X server has no RECORD extension.
    #[must_use]
    pub fn watch(screen: &Screen) -> Self {
        let (control, _) = x11rb::connect(None).expect("the tests' X server");
        let (data, _) = x11rb::connect(None).expect("the tests' X server");
        let context = control.generate_id().expect("an id");
        let range = Range { errors: Range8 { first: 1, last: u8::MAX }, ..Range::default() };
        let made = control.record_create_context(context, 0, &[CS::ALL_CLIENTS.into()], &[range]);
        made.expect("sent").check().expect("the RECORD extension");
        let ours = screen.own_ids();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let read = move || {
            let mut errors = Vec::new();
            for reply in data.record_enable_context(context).expect("sent") {
                let Ok(reply) = reply else { break };
                // The first says that it has begun, without data.
                let _ = ready.send(());
                if reply.xid_base != ours {
                    errors.extend(errors_in(&reply.data));
                }
            }
            errors
        };
        let reader = std::thread::Builder::new().name("test-x-errors".into()).spawn(read).expect("a thread");
        is_ready.recv_timeout(PATIENCE).expect("it records");
        Self { control, context, reader }
    }

    /// Listens no further: what there was.
    ///
    /// # Panics
    /// If the X server is gone.
    #[must_use]
    pub fn end(self) -> Vec<String> {
        let ended = self.control.record_disable_context(self.context);
        ended.expect("sent").check().expect("it recorded");
        self.reader.join().expect("the reader")
    }
}

/// The errors among what the server has recorded. Long events come along unasked: Present's.
fn errors_in(mut data: &[u8]) -> Vec<String> {
    let number = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let mut errors = Vec::new();
    while let Some((head, rest)) = data.split_at_checked(32) {
        if head[0] == 0 {
            let (code, request, id) = (head[1], head[10], number(&head[4..8]));
            errors.push(format!("error {code} for request {request} on {id:#x}"));
        }
        let long = if head[0] & 0x7f == GENERIC_EVENT { 4 * number(&head[4..8]) as usize } else { 0 };
        data = rest.get(long..).unwrap_or_default();
    }
    errors
}

/// The one kind of event that is longer than 32 bytes.
const GENERIC_EVENT: u8 = 35;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_behind_a_long_event_is_found() {
        let mut data = vec![0_u8; 32 + 8 + 32];
        (data[0], data[4]) = (GENERIC_EVENT, 2);
        (data[41], data[44], data[50]) = (3, 0x77, 15);
        assert_eq!(errors_in(&data), ["error 3 for request 15 on 0x77"]);
        assert_eq!(errors_in(&data[..40]), [""; 0]);
    }
}
