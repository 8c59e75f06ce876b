//! Looks for inputs that break a promise, for some minutes each: saved states, manifests, object files, CLAP event lists,
//! VST3 queues, events and streams.
//! `cargo bench -p hotshell-tests --bench fuzz [-- --minutes N] [--seed S] [state] [manifest] [object] [clap] [vst3]`
//! What it finds it writes to `tests/fuzz/<target>`, where `tests/fuzzed.rs` replays it.

use std::time::{Duration, Instant};

use hotshell_core::reload::slot::now;
use hotshell_tests::fuzz::{Bench, Target};

/// The number behind `name` on the command line.
fn number(name: &str) -> Option<f64> {
    let arguments: Vec<String> = std::env::args().collect();
    let place = arguments.iter().position(|argument| argument == name)?;
    arguments.get(place + 1)?.parse().ok()
}

#[expect(clippy::print_stdout, reason = "what a benchmark says is its output")]
fn main() {
    let minutes = number("--minutes").unwrap_or(0.1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a seed")]
    let seed = number("--seed").map_or_else(now, |seed| seed as u64);
    let named: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |target: &&Target| named.iter().any(|name| name == target.name());
    let mut targets: Vec<Target> = Target::ALL.iter().filter(wanted).copied().collect();
    if targets.is_empty() {
        targets = Target::ALL.to_vec();
    }
    println!("seed {seed}, {minutes} minutes each");
    let mut bench = Bench::new();
    let mut found = 0;
    for target in targets {
        let (begin, mut cases, mut wrong) = (Instant::now(), 0_u64, 0_u64);
        while begin.elapsed() < Duration::from_secs_f64(minutes * 60.0) {
            if let Err((what, bytes)) = bench.run(target, seed.wrapping_add(cases)) {
                wrong += 1;
                let path = target.folder().join(format!("{:016x}", seed.wrapping_add(cases)));
                println!("{}: {what}: {}", target.name(), path.display());
                std::fs::create_dir_all(target.folder()).expect("a folder");
                std::fs::write(&path, bytes).expect("written");
                if wrong == 20 {
                    break;
                }
            }
            cases += 1;
        }
        println!(
            "{:<10} {cases} cases in {:.1} min, {wrong} found",
            target.name(),
            begin.elapsed().as_secs_f64() / 60.0
        );
        found += wrong;
    }
    if found > 0 {
        std::process::exit(1);
    }
}
