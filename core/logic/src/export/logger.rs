//! Lines of the `log` crate go to the shell: each build has its own copy of that crate, and nobody else would read them.
//!
//! Called by: `export` installs it, `shared` says which stores live; the author's code and his dependencies log.
//! Calls: `StoreRef`. Threads: [any but audio]; on [audio] there is `rt_log!`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hotshell_abi::StoreRef;
use log::{LevelFilter, Log, Metadata, Record};

use crate::context::Level;

/// Stores of the bound shared halves. A line names no instance, so the oldest one's host gets it.
struct Stores(Mutex<Vec<(usize, StoreRef)>>);

static STORES: Stores = Stores(Mutex::new(Vec::new()));

struct ToShell;

/// From here on `log` lines reach the shell. Only the exported entry points call it: in a test an author's own logger
/// may stand.
pub(crate) fn install() {
    if log::set_logger(&ToShell).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}

/// `store` belongs to the shared half at the address `of`.
pub(crate) fn attach(of: usize, store: &StoreRef) {
    STORES.attach(of, store.clone());
}

/// The shared half at `of` ends.
pub(crate) fn detach(of: usize) {
    drop(STORES.detach(of));
}

impl Stores {
    fn lock(&self) -> MutexGuard<'_, Vec<(usize, StoreRef)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attach(&self, of: usize, store: StoreRef) {
        self.lock().push((of, store));
    }

    /// Answers what it held: the shell's own drop, which may log, runs outside the lock.
    fn detach(&self, of: usize) -> Option<StoreRef> {
        let mut stores = self.lock();
        let at = stores.iter().position(|(at, _)| *at == of)?;
        Some(stores.remove(at).1)
    }

    fn forward(&self, record: &Record<'_>) {
        if record.level() > log::Level::Info && is_toolkit(record.target()) {
            return;
        }
        // A copy, so that the shell is not called under the lock.
        let first = self.lock().first().map(|(_, store)| store.clone());
        if let Some(store) = first {
            store.log(level(record.level()) as u32, &format!("{}: {}", record.target(), record.args()));
        }
    }
}

/// Crates that come along with an editor. What they say of the graphics driver at each opening is for their own authors.
const TOOLKITS: [&str; 4] = ["egui", "epaint", "baseview", "softbuffer"];

fn is_toolkit(target: &str) -> bool {
    TOOLKITS.iter().any(|name| target.starts_with(name))
}

const fn level(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::Error,
        log::Level::Warn => Level::Warning,
        log::Level::Info => Level::Info,
        log::Level::Debug | log::Level::Trace => Level::Debug,
    }
}

impl Log for ToShell {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        STORES.forward(record);
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::tests::shell::Fake;

    #[test]
    fn lines_reach_the_oldest_instance_that_lives() {
        let (first, second) = (Fake::new(&[]), Fake::new(&[]));
        let stores = Stores(Mutex::new(Vec::new()));
        let say = |text: &str| {
            let arguments = format_args!("{text}");
            let record = Record::builder().level(log::Level::Warn).target("dsp").args(arguments).build();
            stores.forward(&record);
        };
        say("to nobody");
        stores.attach(1, first.store());
        stores.attach(2, second.store());
        say("one");
        drop(stores.detach(1));
        say("two");
        drop(stores.detach(2));
        say("to nobody");
        assert_eq!(*first.lines.lock().unwrap(), ["2: dsp: one"]);
        assert_eq!(*second.lines.lock().unwrap(), ["2: dsp: two"]);
    }

    #[test]
    fn a_toolkit_is_heard_from_info_on_and_everybody_else_always() {
        let shell = Fake::new(&[]);
        let stores = Stores(Mutex::new(Vec::new()));
        stores.attach(1, shell.store());
        for (level, target) in [
            (log::Level::Debug, "egui_glow::painter"),
            (log::Level::Info, "egui_glow::painter"),
            (log::Level::Debug, "dsp"),
        ] {
            let arguments = format_args!("{level}");
            stores.forward(&Record::builder().level(level).target(target).args(arguments).build());
        }
        drop(stores.detach(1));
        assert_eq!(*shell.lines.lock().unwrap(), ["1: egui_glow::painter: INFO", "0: dsp: DEBUG"]);
    }
}
