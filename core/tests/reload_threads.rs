//! The life of a module's threads. Alone in its process, because it counts the process's threads and descriptors.
#![cfg(all(feature = "reload", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test says by panicking that its surroundings failed")]

#[path = "reload/fixture.rs"]
#[expect(dead_code, reason = "the other test file uses the rest")]
mod fixture;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fixture::{Player, Scratch, Variant, logic, wait};

fn threads() -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        // One that ends right now has no name any more.
        if let Ok(name) = std::fs::read_to_string(task.unwrap().path().join("comm")) {
            *names.entry(name.trim().to_owned()).or_insert(0) += 1;
        }
    }
    names.retain(|name, _| name.starts_with("hotshell") || name.starts_with("notify"));
    names
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn three_threads_for_any_number_of_instances_and_none_after_the_last() {
    let scratch = Scratch::new();
    let slot = scratch.slot();
    scratch.publish(&logic(Variant { mark: 1, ..Variant::default() }));
    let own = scratch.setup().own;
    let before = descriptors();
    for round in 0..5 {
        let players: Vec<_> = (0..8).map(|_| Player::new()).collect();
        let ties: Vec<_> = players.iter().map(|player| player.open(scratch.setup())).collect();
        assert!(ties.iter().all(|(_, build)| *build == 1), "round {round}");
        let three = |name: &str| threads().get(name) == Some(&1);
        wait("the three threads", || {
            threads().len() == 3 && three("hotshell-reload") && three("hotshell-dog")
        });
        wait("the report", || slot.reports().unwrap().len() == 1);
        // One load for the process's life: what an earlier round has loaded still counts.
        assert_eq!(ties[0].0.report().loads, 1);
        let began = Instant::now();
        drop(ties);
        assert!(began.elapsed() < Duration::from_secs(5), "the last one waits 200 ms at most");
        wait("the end of the threads", || threads().is_empty());
        assert!(slot.reports().unwrap().is_empty(), "a module that is gone reports nothing");
        wait("the closed descriptors", || descriptors() == before);
    }
    // The same with a build that comes while all of it goes.
    for mark in 2..6 {
        let player = Player::new();
        let tie = player.open(scratch.setup());
        scratch.publish(&logic(Variant { mark, ..Variant::default() }));
        drop(tie);
        wait("the end of the threads", || threads().is_empty());
    }
    let staged = std::fs::read_dir(scratch.path().join("staged")).unwrap().count();
    assert_eq!((staged, own.len()), (0, 1));
}
