//! The pipeline from a published file to what each instance plays, with real libraries and instances that keep a diary.
#![cfg(feature = "reload")]
#![allow(clippy::unwrap_used, reason = "a test says by panicking that its surroundings failed")]

#[path = "reload/fixture.rs"]
mod fixture;
#[path = "reload/hostile.rs"]
mod hostile;

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use fixture::{Player, Scratch, Variant, logic, wait};
use hotshell_core::reload::slot::{DevState, DevStatus, Slot, now};
use hotshell_core::reload::{Refusal, Setup, Takeover, attach};
use hotshell_core::shell::editors::Notice;

fn marked(mark: u32) -> std::path::PathBuf {
    logic(Variant { mark, ..Variant::default() })
}

#[test]
fn a_published_build_reaches_every_instance_with_one_copy_and_one_load() {
    let scratch = Scratch::new();
    let slot = scratch.slot();
    let players: Vec<_> = (0..8).map(|_| Player::new()).collect();
    let ties: Vec<_> = players.iter().map(|player| player.open(scratch.setup())).collect();
    assert!(ties.iter().all(|(_, build)| *build == 0));
    scratch.publish(&marked(1));
    for player in &players {
        wait("the build in every instance", || player.taken() == [1]);
        assert_eq!(player.last(), Some((1, Takeover::Published)));
    }
    let report = ties[0].0.report();
    assert_eq!((report.loads, report.accepted, report.instances.len()), (1, 1, 8));
    wait("the report of it", || slot.reports().unwrap().iter().any(|report| report.heard == 1));
}

#[test]
fn an_instance_opens_with_the_newest_build() {
    let scratch = Scratch::new();
    scratch.publish(&marked(1));
    scratch.publish(&marked(2));
    let (first, late) = (Player::new(), Player::new());
    let (_tie, build) = first.open(scratch.setup());
    assert_eq!(build, 2);
    scratch.publish(&marked(3));
    wait("build 3", || first.taken() == [3]);
    let (_late_tie, build) = late.open(scratch.setup());
    assert_eq!(build, 3);
}

#[test]
fn a_storm_of_publishes_ends_on_the_last_one() {
    let scratch = Scratch::new();
    let player = Player::new();
    let (_tie, _) = player.open(scratch.setup());
    let libraries = [marked(1), marked(2), marked(3)];
    let mut last = 0;
    for library in libraries.iter().cycle().take(60) {
        last = scratch.publish(library).build;
    }
    wait("the last build", || player.last().is_some_and(|(build, _)| build == last));
    let taken = player.taken();
    assert!(taken.is_sorted(), "{taken:?}");
    assert!(player.log.lock().unwrap().is_empty(), "{:?}", player.log.lock().unwrap());
}

#[test]
fn republishing_the_same_code_swaps_to_a_library_of_its_own() {
    let scratch = Scratch::new();
    let player = Player::new();
    let (tie, _) = player.open(scratch.setup());
    scratch.publish(&marked(1));
    wait("build 1", || player.taken() == [1]);
    scratch.publish(&marked(1));
    wait("build 2", || player.taken() == [1, 2]);
    assert_eq!(tie.report().loads, 2);
}

#[test]
fn a_slot_that_is_made_later_is_connected() {
    let scratch = Scratch::new();
    let player = Player::new();
    let (_tie, build) = player.open(scratch.setup());
    assert_eq!(build, 0);
    assert!(!scratch.path().exists(), "a shell never makes a slot");
    scratch.publish(&marked(1));
    wait("build 1", || player.taken() == [1]);
    // And one that is cleaned away and made again.
    scratch.slot().clean().unwrap();
    let _ = std::fs::remove_dir_all(scratch.path());
    scratch.publish(&marked(2));
    wait("the new slot's build 1", || player.taken() == [1, 1]);
    let slot = scratch.slot();
    wait("a report in the new slot", || slot.reports().unwrap().iter().any(|report| report.loads == 2));
}

#[test]
fn a_build_that_one_instance_refuses_plays_in_none() {
    let scratch = Scratch::new();
    let easy = Player::new();
    let picky = Player::with(0, |build, _| {
        if build.number == 2 { Err(Refusal::Build("src/lib.rs:7: it panicked".to_owned())) } else { Ok(()) }
    });
    let ties = [easy.open(scratch.setup()), picky.open(scratch.setup())];
    scratch.publish(&marked(1));
    wait("build 1", || easy.taken() == [1] && picky.taken() == [1]);
    scratch.publish(&marked(2));
    wait("the way back", || easy.last() == Some((1, Takeover::Fault)));
    assert_eq!((easy.taken(), picky.taken()), (vec![1, 2, 1], vec![1]));
    easy.heard_of(&["build 2", "src/lib.rs:7: it panicked", "plays on"]);
    let report = ties[0].0.report();
    assert_eq!((report.accepted, report.refusals.len(), report.refusals[0].build), (1, 1, 2));
    // The same code under another number stays out; other code comes in.
    scratch.publish(&marked(2));
    easy.heard_of(&["build 3", "the same code was refused before"]);
    scratch.publish(&marked(4));
    wait("build 4", || easy.last() == Some((4, Takeover::Published)) && picky.taken() == [1, 4]);
}

#[test]
fn a_fault_brings_the_last_good_build_back_and_build_0_in_the_end() {
    let scratch = Scratch::new();
    let players = [Player::new(), Player::new()];
    let ties = players.each_ref().map(|player| player.open(scratch.setup()));
    for mark in 1..=2 {
        scratch.publish(&marked(mark));
        wait("the build", || {
            players.iter().all(|player| player.last().is_some_and(|(build, _)| build == mark))
        });
    }
    players[0].fail(2, "attempt to divide by zero, src/lib.rs:9");
    wait("build 1 again", || players.iter().all(|player| player.last() == Some((1, Takeover::Fault))));
    players[1].fail(1, "index out of bounds, src/lib.rs:3");
    wait("build 0", || players.iter().all(|player| player.last() == Some((0, Takeover::Fault))));
    // Build 0 itself fails: it is tried again.
    players[0].fail(0, "no luck");
    wait("build 0 again", || players[0].taken() == [1, 2, 1, 0, 0]);
    let report = ties[0].0.report();
    assert_eq!(report.faults.iter().map(|fault| fault.build).collect::<Vec<_>>(), [2, 1, 0]);
    assert_eq!(report.accepted, 0);
    scratch.publish(&marked(3));
    wait("build 3", || players.iter().all(|player| player.last() == Some((3, Takeover::Published))));
}

#[test]
fn a_build_that_an_instance_cannot_open_with_is_out() {
    let scratch = Scratch::new();
    scratch.publish(&marked(1));
    let player = Player::new();
    let attachment = attach(scratch.setup(), Arc::downgrade(&player) as _);
    let build = attachment.current(Duration::from_secs(30)).unwrap();
    // Nothing happens to an instance that is not open yet, whatever is published.
    scratch.publish(&marked(3));
    wait("the second load", || attachment.report().loads == 2);
    assert!(player.taken().is_empty());
    attachment.refuse(&build, "create panicked");
    assert!(!build.is_wanted());
    attachment.opened();
    wait("build 2", || player.taken() == [2]);
    player.heard_of(&["create panicked"]);
}

#[test]
fn an_instance_that_is_too_busy_is_asked_again() {
    let scratch = Scratch::new();
    let asked = AtomicU32::new(0);
    let player =
        Player::with(
            0,
            move |_, _| {
                if asked.fetch_add(1, Ordering::SeqCst) < 3 { Err(Refusal::NotNow) } else { Ok(()) }
            },
        );
    let (tie, _) = player.open(scratch.setup());
    scratch.publish(&marked(1));
    wait("build 1", || player.taken() == [1]);
    assert!(tie.report().refusals.is_empty());
}

#[test]
fn the_last_instance_may_be_dropped_on_the_reload_thread() {
    let scratch = Scratch::new();
    let dropped = Arc::new(AtomicBool::new(false));
    let tie = Arc::new(Mutex::new(None));
    let (mine, told) = (Arc::clone(&tie), Arc::clone(&dropped));
    let player = Player::with(0, move |_, _| {
        drop(mine.lock().unwrap().take());
        told.store(true, Ordering::SeqCst);
        Ok(())
    });
    *tie.lock().unwrap() = Some(player.open(scratch.setup()));
    scratch.publish(&marked(1));
    wait("the drop", || dropped.load(Ordering::SeqCst));
    // The module starts again as if nothing had been.
    let next = Player::new();
    let (_tie, build) = next.open(scratch.setup());
    assert_eq!(build, 1);
    scratch.publish(&marked(2));
    wait("build 2", || next.taken() == [2]);
}

/// A door that an author's code hangs at.
#[derive(Default)]
struct Door(Mutex<bool>, Condvar);

impl Door {
    fn wait(&self) {
        let mut open = self.0.lock().unwrap();
        while !*open {
            open = self.1.wait(open).unwrap();
        }
    }

    fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }
}

#[test]
fn a_hung_build_is_left_behind_and_the_next_one_plays() {
    let scratch = Scratch::new();
    let door = Arc::new(Door::default());
    let (wanted, hung) = (Arc::new(AtomicBool::new(true)), Arc::clone(&door));
    let seen = Arc::clone(&wanted);
    let player = Player::with(0, move |build, _| {
        if build.number == 1 {
            hung.wait();
            seen.store(build.is_wanted(), Ordering::SeqCst);
            return Err(Refusal::Build("too late".to_owned()));
        }
        Ok(())
    });
    let setup = Setup { step_limit: Duration::from_secs(2), ..scratch.setup() };
    let (tie, _) = player.open(setup);
    scratch.publish(&marked(1));
    player.heard_of(&["build 1", "longer than"]);
    scratch.publish(&marked(2));
    wait("build 2", || player.taken() == [2]);
    let report = tie.report();
    assert_eq!((report.refusals.len(), report.accepted), (1, 2));
    assert!(report.refusals[0].reason.contains("endless loop"), "{:?}", report.refusals);
    door.open();
    wait("the late return", || !wanted.load(Ordering::SeqCst));
    assert_eq!(player.taken(), [2]);
}

#[test]
fn a_build_that_hangs_in_a_tick_is_named_and_no_other_instance_runs_its_code() {
    let scratch = Scratch::new();
    let door = Arc::new(Door::default());
    let (a, b) = (Player::new(), Player::new());
    let setup = || Setup { step_limit: Duration::from_secs(2), ..scratch.setup() };
    let (tie, _) = a.open(setup());
    let (_tie_b, _) = b.open(setup());
    scratch.publish(&marked(1));
    wait("build 1", || a.taken() == [1] && b.taken() == [1]);
    let (hung, hanging) = (Arc::clone(&door), Arc::clone(&a));
    let hang = move || {
        hung.wait();
        hanging.fail(2, "found by a thread that was left behind");
    };
    *a.code.lock().unwrap() = Some((1, Box::new(hang)));
    a.heard_of(&["build 1 in `drop`", "longer than"]);
    let report = tie.report();
    assert!(report.refusals[0].reason.contains("build 1 in `drop`"), "{:?}", report.refusals);
    wait("build 0 in its place", || a.last() == Some((0, Takeover::Fault)));
    let ran = Arc::new(AtomicBool::new(false));
    let runs = Arc::clone(&ran);
    *b.code.lock().unwrap() = Some((1, Box::new(move || runs.store(true, Ordering::SeqCst))));
    wait("a tick", || b.code.lock().unwrap().is_none());
    scratch.publish(&marked(2));
    wait("build 2", || a.taken().last() == Some(&2) && b.taken().last() == Some(&2));
    assert!(!ran.load(Ordering::SeqCst), "a thread is stuck there");
    door.open();
    wait("build 0 once more", || {
        a.last() == Some((0, Takeover::Fault)) && b.last() == Some((0, Takeover::Fault))
    });
}

#[test]
fn a_build_that_hangs_while_the_next_one_takes_its_place_is_to_blame_and_not_the_next_one() {
    let scratch = Scratch::new();
    let door = Arc::new(Door::default());
    let player = Player::new();
    let (tie, _) = player.open(Setup { step_limit: Duration::from_secs(2), ..scratch.setup() });
    scratch.publish(&marked(1));
    wait("build 1", || player.taken() == [1]);
    let hung = Arc::clone(&door);
    *player.taking.lock().unwrap() = Some((1, Box::new(move || hung.wait())));
    scratch.publish(&marked(2));
    player.heard_of(&["build 1 in `save_state`", "longer than"]);
    wait("build 2", || player.taken().last() == Some(&2));
    let refused: Vec<u32> = tie.report().refusals.iter().map(|refusal| refusal.build).collect();
    assert_eq!(refused, [1]);
    // The step around it is the next build's again.
    let script = Arc::clone(&door);
    *player.taking.lock().unwrap() = Some((2, Box::new(|| {})));
    player.then.lock().unwrap().replace(Box::new(move || script.wait()));
    scratch.publish(&marked(3));
    player.heard_of(&["build 3 in `create`", "longer than"]);
    door.open();
}

/// The one that took the hung one's place is a thread of the module's too: nobody waits for it there.
#[test]
fn the_last_instance_may_be_dropped_on_a_reload_thread_that_replaced_a_hung_one() {
    let scratch = Scratch::new();
    let door = Arc::new(Door::default());
    let dropped = Arc::new(AtomicBool::new(false));
    let tie = Arc::new(Mutex::new(None));
    let (hung, mine, told) = (Arc::clone(&door), Arc::clone(&tie), Arc::clone(&dropped));
    let player = Player::with(0, move |build, _| {
        if build.number == 1 {
            hung.wait();
        } else if let Some(last) = mine.lock().unwrap().take() {
            drop(last);
            told.store(true, Ordering::SeqCst);
        }
        Ok(())
    });
    let setup = || Setup { step_limit: Duration::from_secs(2), ..scratch.setup() };
    *tie.lock().unwrap() = Some(player.open(setup()));
    scratch.publish(&marked(1));
    player.heard_of(&["build 1", "longer than"]);
    scratch.publish(&marked(2));
    wait("the drop", || dropped.load(Ordering::SeqCst));
    let next = Player::new();
    let (tie, _) = next.open(setup());
    let log = tie.report().log;
    assert!(log.iter().any(|line| line.text.contains("longer than")), "{log:#?}");
    assert!(!log.iter().any(|line| line.text.contains("was closed during")), "{log:#?}");
    scratch.publish(&marked(3));
    wait("build 3", || next.taken().last() == Some(&3));
    door.open();
}

#[test]
fn a_panic_of_the_watchdogs_ends_neither_its_reports_nor_its_watch() {
    let scratch = Scratch::new();
    let door = Arc::new(Door::default());
    let hung = Arc::clone(&door);
    let player = Player::with(0, move |build, _| match build.number {
        2 => Err(Refusal::Build("unfit".to_owned())),
        3 => {
            hung.wait();
            Ok(())
        }
        _ => Ok(()),
    });
    let (_tie, _) = player.open(Setup { step_limit: Duration::from_secs(2), ..scratch.setup() });
    scratch.publish(&marked(1));
    wait("build 1", || player.taken() == [1]);
    player.trips.store(true, Ordering::SeqCst);
    // What is refused is shown.
    scratch.publish(&marked(2));
    player.heard_of(&["the shell itself panicked"]);
    scratch.publish(&marked(3));
    player.heard_of(&["longer than"]);
    let slot = scratch.slot();
    wait("a report of it", || slot.reports().unwrap().iter().any(|report| report.refusals.len() == 2));
    door.open();
}

#[test]
fn after_three_hung_builds_reloading_stops_and_says_so() {
    let scratch = Scratch::new();
    let door = Arc::new(Door::default());
    let hung = Arc::clone(&door);
    let player = Player::with(0, move |_, _| {
        hung.wait();
        Ok(())
    });
    let setup = Setup { step_limit: Duration::from_secs(2), ..scratch.setup() };
    let (tie, _) = player.open(setup);
    for mark in 1..=3_u32 {
        scratch.publish(&marked(mark));
        wait("the hung build", || tie.report().refusals.len() == mark as usize);
    }
    player.heard_of(&["Restart the host"]);
    let stopped = tie.report().stopped.unwrap();
    assert!(stopped.contains("reloads no more"), "{stopped}");
    let blocks = tie.report().blocks;
    wait("ticks that go on", || tie.report().blocks > blocks + 2);
    door.open();
}

#[test]
fn two_modules_listen_to_one_slot() {
    // As CLAP and VST3 of one plug-in in one host do; here build 0 tells them apart.
    let scratch = Scratch::new();
    let (a, b) = (Player::new(), Player::new());
    let other = Setup { own: Vec::new(), ..scratch.setup() };
    let (_tie_a, _tie_b) = (a.open(scratch.setup()), b.open(other));
    scratch.publish(&marked(1));
    wait("both", || a.taken() == [1] && b.taken() == [1]);
    let slot = scratch.slot();
    wait("two reports", || slot.reports().unwrap().iter().filter(|report| report.heard == 1).count() == 2);
}

#[test]
fn a_plug_in_that_a_build_does_not_have_plays_on() {
    let scratch = Scratch::new();
    let (there, gone) = (Player::new(), Player::with(1, |_, _| Ok(())));
    let _ties = [there.open(scratch.setup()), gone.open(scratch.setup())];
    scratch.publish(&marked(1));
    wait("build 1", || there.taken() == [1]);
    there.heard_of(&["no plug-in 1", "plays on"]);
    assert!(gone.taken().is_empty());
    scratch.publish(&marked(2));
    wait("build 2", || there.taken() == [1, 2]);
}

#[test]
fn without_a_slot_ticks_and_roll_backs_go_on() {
    let scratch = Scratch::new();
    let player = Player::new();
    let setup = Setup { slot: None, ..scratch.setup() };
    let (tie, build) = player.open(setup);
    assert_eq!(build, 0);
    player.fail(0, "no luck");
    wait("build 0 again", || player.last() == Some((0, Takeover::Fault)));
    let blocks = tie.report().blocks;
    wait("ticks", || tie.report().blocks > blocks);
}

fn says(state: DevState, error: Option<&str>) -> DevStatus {
    let error = error.map(ToOwned::to_owned);
    DevStatus { pid: 1, state, since: now(), error, ..DevStatus::default() }
}

fn shows(player: &Player, what: &str, right: impl Fn(Option<&Notice>) -> bool) {
    wait(what, || right(player.notice.lock().unwrap().as_ref()));
}

fn failed<'a>(words: &'a str) -> impl Fn(Option<&Notice>) -> bool + 'a {
    move |notice| matches!(notice, Some(Notice::Failed(text)) if text.contains(words))
}

#[test]
fn what_dev_says_is_known_and_shown_while_a_window_is_open() {
    let scratch = Scratch::new();
    let slot: Slot = scratch.slot();
    let claim = slot.claim_dev().unwrap();
    let status = says(DevState::Failed, Some("src/lib.rs:3: cannot find value"));
    claim.write(&status).unwrap();
    let player = Player::new();
    let (tie, _) = player.open(scratch.setup());
    tie.window_opened();
    wait("a report, which is written after a look", || !slot.reports().unwrap().is_empty());
    assert_eq!(tie.dev(), None, "nobody looks");
    player.window.store(true, Ordering::Relaxed);
    tie.window_opened();
    wait("dev's error", || tie.dev().as_ref() == Some(&status));
    shows(&player, "the error", failed("src/lib.rs:3: cannot find value"));
    claim.write(&says(DevState::Building, None)).unwrap();
    shows(&player, "building", |notice| notice == Some(&Notice::Building));
    claim.write(&says(DevState::Idle, None)).unwrap();
    shows(&player, "nothing", |notice| notice.is_none());
    claim.write(&status).unwrap();
    shows(&player, "the error", failed("cannot find value"));
    drop(claim);
    wait("dev's end", || tie.dev().is_none());
    shows(&player, "nothing", |notice| notice.is_none());
}

#[test]
fn what_a_killed_dev_said_is_not_shown_for_ever() {
    // Both are shown at once: the first was said long ago, the second needs no time.
    let building = DevStatus { since: 0, ..says(DevState::Building, None) };
    for last_word in [building, says(DevState::Failed, Some("its last words"))] {
        let scratch = Scratch::new();
        let slot = scratch.slot();
        let player = Player::new();
        player.window.store(true, Ordering::Relaxed);
        let (tie, _) = player.open(scratch.setup());
        let claim = slot.claim_dev().unwrap();
        claim.write(&last_word).unwrap();
        shows(&player, "its last word", |notice| notice.is_some());
        let file = scratch.path().join("dev.json");
        let said = std::fs::read(&file).unwrap();
        drop(claim);
        shows(&player, "nothing", |notice| notice.is_none());
        drop(tie);
        wait("the end of the first look-out", || slot.reports().unwrap().is_empty());
        // What a killed one leaves: its word, and nobody who holds the lock.
        std::fs::write(&file, said).unwrap();
        let late = Player::new();
        late.window.store(true, Ordering::Relaxed);
        let (_late_tie, _) = late.open(scratch.setup());
        wait("a report, which is written after a look", || !slot.reports().unwrap().is_empty());
        // The window would have heard it.
        let claim = slot.claim_dev().unwrap();
        claim.write(&says(DevState::Failed, Some("alive"))).unwrap();
        shows(&late, "the next one's word", failed("alive"));
        let shown = late.notices.lock().unwrap().clone();
        assert_eq!(shown.len(), 1, "nothing else was ever shown: {shown:?}");
    }
}

#[test]
fn a_dev_json_that_is_junk_is_nobodys_word_and_the_next_good_one_counts() {
    let scratch = Scratch::new();
    let slot = scratch.slot();
    let player = Player::new();
    player.window.store(true, Ordering::Relaxed);
    let (_tie, _) = player.open(scratch.setup());
    let claim = slot.claim_dev().unwrap();
    let file = scratch.path().join("dev.json");
    let elsewhere =
        scratch.file("elsewhere", &serde_json::to_vec(&says(DevState::Failed, Some("far"))).unwrap());
    let good = || {
        claim.write(&says(DevState::Failed, Some("near"))).unwrap();
        shows(&player, "the error", failed("near"));
        std::fs::remove_file(&file).unwrap();
    };
    for junk in [&b"{"[..], b"", b"[1,2]", b"{\"state\":\"sleeping\"}", &[b' '; 1 << 20], &[0xff; 64]] {
        good();
        std::fs::write(&file, junk).unwrap();
        shows(&player, "nothing", |notice| notice.is_none());
    }
    #[cfg(unix)]
    {
        good();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        shows(&player, "nothing", |notice| notice.is_none());
        std::fs::remove_file(&file).unwrap();
        good();
        assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
        shows(&player, "nothing", |notice| notice.is_none());
        std::fs::remove_file(&file).unwrap();
        good();
        std::fs::create_dir(&file).unwrap();
        shows(&player, "nothing", |notice| notice.is_none());
        std::fs::remove_dir(&file).unwrap();
    }
    good();
}

#[test]
fn a_slot_that_is_missing_is_not_connected_until_it_is_there() {
    let scratch = Scratch::new();
    let player = Player::new();
    let (_tie, _) = player.open(scratch.setup());
    let lost =
        |notice: Option<&Notice>| matches!(notice, Some(Notice::NotConnected(why)) if why.contains("dev"));
    shows(&player, "not connected", lost);
    drop(scratch.slot());
    shows(&player, "nothing: a slot without a running `dev` is no error", |notice| notice.is_none());
    // The watchdog shows it before it writes the report, which may come into the folder that is being removed.
    wait("the slot's end", || std::fs::remove_dir_all(scratch.path()).is_ok());
    shows(&player, "not connected", lost);
}

#[test]
fn a_refusal_is_shown_until_a_newer_build_plays_and_a_fault_until_its_successor_does() {
    let scratch = Scratch::new();
    let player = Player::with(0, |build, _| match build.number {
        2 => Err(Refusal::Build("made badly".to_owned())),
        _ => Ok(()),
    });
    let (_tie, _) = player.open(scratch.setup());
    for mark in [1, 2, 3, 4] {
        scratch.publish(&marked(mark));
        match mark {
            2 => shows(&player, "the refusal", failed("made badly")),
            _ => {
                wait("the build", || player.last().is_some_and(|(build, _)| build == mark));
                shows(&player, "nothing", |notice| notice.is_none());
            }
        }
        if mark == 3 {
            player.fail(3, "src/lib.rs:7: no luck");
            shows(&player, "the panic and its place", failed("Build 3 failed: src/lib.rs:7: no luck"));
            wait("the one before", || player.last().is_some_and(|(_, why)| why == Takeover::Fault));
            shows(&player, "still, while an older build plays", failed("no luck"));
        }
    }
}
