//! A host in a process of its own, of the bundle's format: plays it at the pace of real time until its standard input ends.
//!
//! Called by: `tests/processes.rs`, `tests/leftovers.rs`. Calls: the harness. Threads: CLAP's main thread.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hotshell_tests::{Instance, Play, Plugin, Recording, Setup, Vst3, constant};

#[expect(clippy::print_stdout, reason = "what it saw is its output")]
fn main() {
    let bundle = std::env::args_os().nth(1).expect("usage: player BUNDLE");
    let ended = Arc::new(AtomicBool::new(false));
    let listener = Arc::clone(&ended);
    let listen = move || {
        let mut rest = Vec::new();
        // An input that fails has ended as well.
        let _ = std::io::stdin().read_to_end(&mut rest);
        listener.store(true, Ordering::Release);
    };
    let listener = std::thread::Builder::new().name("input".into()).spawn(listen).expect("a thread");
    let path = std::path::Path::new(&bundle);
    let recording = if path.extension().is_some_and(|extension| extension == "vst3") {
        play::<Vst3>(path, &ended)
    } else {
        play::<Plugin>(path, &ended)
    };
    println!("blocks {}", recording.blocks);
    println!("late {}", recording.late);
    println!("unwritten {}", recording.unwritten);
    println!("not finite {}", recording.not_finite);
    println!("last {}", recording.channels[0].last().expect("it has played"));
    listener.join().expect("the listener ends with its input");
}

fn play<I: Instance>(path: &std::path::Path, ended: &AtomicBool) -> Recording {
    let (mut plugin, _loaded) = I::load(path);
    plugin.activate(Setup::default());
    plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    while !ended.load(Ordering::Acquire) {
        plugin.tick();
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    }
    plugin.stop()
}
