//! Hosts that read again while active, and are told at once.

use super::*;
use crate::shell::Phase::AtOnce;

impl Rig {
    fn at_once(&mut self) -> Taken {
        self.told.take(AtOnce, self.active, self.now)
    }
}

#[test]
fn everything_is_told_while_active_once_and_no_restart_is_asked_for() {
    let mut rig = Rig::new(&[a()], true);
    rig.build(&[float("a", 0.0, 2.0, 0.5), float("b", 0.0, 1.0, 0.0)]);
    rig.told.set_layouts(vec![layout("Mono", 1)]);
    rig.told.set_notes(NotePortsDesc { inputs: 1, ..NotePortsDesc::NONE });
    rig.told.values_changed();
    rig.latency(64);
    let all = Changes::PARAMS | Changes::PORTS | Changes::NOTE_PORTS | Changes::VALUES | Changes::LATENCY;
    assert_eq!(rig.at_once(), only(all));
    assert_eq!((rig.told.params().len(), rig.told.latency()), (2, 64), "there before the host hears of it");
    assert_eq!(rig.at_once(), NOTHING);
}

#[test]
fn a_latency_that_the_host_has_read_already_is_not_told() {
    let mut rig = Rig::new(&[], true);
    rig.latency(64);
    rig.latency(0);
    assert_eq!(rig.at_once(), NOTHING, "back before anybody looked");
    rig.latency(64);
    assert_eq!(rig.at_once(), only(Changes::LATENCY));
    rig.told.host_read(Changes::LATENCY);
    assert_eq!(rig.at_once(), NOTHING);
}

#[test]
fn a_moving_latency_is_told_once_per_pause_and_stays_what_the_host_knows_meanwhile() {
    let mut rig = Rig::new(&[], true);
    rig.latency(1);
    assert_eq!(rig.at_once(), only(Changes::LATENCY));
    rig.now += Duration::from_millis(50);
    let wait = LATENCY_PAUSE.checked_sub(Duration::from_millis(50)).unwrap();
    for frames in [2, 3, 4] {
        rig.latency(frames);
        assert_eq!(rig.at_once(), Taken { want_callback: true, wait, ..NOTHING });
        assert_eq!(rig.told.latency(), 1);
    }
    rig.latency(1);
    assert_eq!(rig.at_once(), NOTHING, "the host knows it");
    rig.latency(5);
    rig.now += wait;
    assert_eq!(rig.at_once(), only(Changes::LATENCY));
    assert_eq!(rig.told.latency(), 5);
}

#[test]
fn other_news_does_not_wait_for_the_latencys_pause() {
    let mut rig = Rig::new(&[a()], true);
    rig.latency(1);
    rig.at_once();
    rig.latency(2);
    rig.build(&[float("a", 0.0, 2.0, 0.5)]);
    let taken = rig.at_once();
    assert_eq!((taken.changes, taken.want_callback), (Changes::PARAMS, true));
}

#[test]
fn a_deactivation_soon_after_the_telling_is_our_wish_and_a_later_one_is_not() {
    let mut rig = Rig::new(&[], true);
    rig.latency(1);
    rig.at_once();
    assert!(rig.told.deactivated(rig.now));
    assert!(!rig.told.deactivated(rig.now), "one restart, not two");
    rig.now += LATENCY_PAUSE;
    rig.latency(2);
    rig.at_once();
    assert!(!rig.told.deactivated(rig.now + RESTART_PATIENCE));
    rig.told.values_changed();
    rig.at_once();
    assert!(!rig.told.deactivated(rig.now), "nobody restarts for values");
}

#[test]
fn a_host_that_does_not_restart_for_other_ports_is_noticed() {
    let mut rig = Rig::new(&[], true);
    rig.latency(1);
    rig.at_once();
    let late = rig.now + RESTART_PATIENCE;
    assert!(!rig.told.restart_overdue(late), "the latency needs none");
    rig.told.set_layouts(vec![layout("Mono", 1)]);
    rig.at_once();
    assert!(rig.told.restart_overdue(late));
    rig.told.deactivated(late);
    assert!(!rig.told.restart_overdue(late));
}

#[test]
fn while_inactive_it_is_any_time() {
    let mut rig = Rig::new(&[a()], false);
    rig.build(&[float("a", 0.0, 2.0, 0.5)]);
    assert_eq!(rig.at_once(), only(Changes::PARAMS));
    assert!(!rig.told.deactivated(rig.now), "there was nothing to deactivate");
}
