//! The rules of `changes`, one test each: what is told, when, and that it is told once.

use std::time::{Duration, Instant};

use hotshell_abi::{NotePortsDesc, ParamDesc};

use super::{Announced, Facts, LATENCY_PAUSE, RESTART_PATIENCE, Taken};
use crate::params::fixtures::{Desc, choice, float, named, take_over};
use crate::params::{ParamStore, Parameters};
use crate::shell::Phase::{self, Activating, AnyTime, Deactivated};
use crate::shell::{BusInfo, Changes, LayoutInfo, ParamInfo};

mod at_once;

const NOTHING: Taken =
    Taken { changes: Changes::empty(), want_restart: false, want_callback: false, wait: Duration::ZERO };

struct Rig {
    told: Announced,
    params: ParamStore,
    active: bool,
    now: Instant,
}

impl Rig {
    fn new(params: &[Desc], active: bool) -> Self {
        let params = ParamStore::with_first(params).unwrap();
        let facts = Facts {
            params: params.infos(),
            latency: 0,
            layouts: vec![layout("Stereo", 2)],
            notes: NotePortsDesc::NONE,
            voices: (0, false),
        };
        let mut told = Announced::new(facts);
        told.host_read(Changes::LATENCY);
        Self { told, params, active, now: Instant::now() }
    }

    fn build(&mut self, params: &[Desc]) {
        take_over(&self.params, params);
        self.told.set_params(self.params.infos());
    }

    fn take(&mut self, phase: Phase) -> Taken {
        self.told.take(phase, self.active && phase == AnyTime, self.now)
    }

    /// The host restarts: what it is told inside deactivate and inside activate.
    fn restart(&mut self) -> (Changes, Changes) {
        let down = self.take(Deactivated).changes;
        let up = self.take(Activating).changes;
        (down, up)
    }

    fn latency(&mut self, frames: u32) {
        self.told.set_latency(frames, self.active);
    }
}

fn layout(name: &str, channels: u32) -> LayoutInfo {
    let bus = BusInfo { name: name.into(), channels, main: true, kind: 2, speakers: 0 };
    LayoutInfo { name: name.into(), inputs: vec![bus.clone()], outputs: vec![bus] }
}

fn a() -> Desc {
    float("a", 0.0, 1.0, 0.5)
}

fn only(changes: Changes) -> Taken {
    Taken { changes, ..NOTHING }
}

#[test]
fn a_reload_alone_tells_nothing() {
    for active in [true, false] {
        let mut rig = Rig::new(&[a()], active);
        rig.build(&[a()]);
        assert_eq!(rig.take(AnyTime), NOTHING);
        assert_eq!(rig.restart(), (Changes::empty(), Changes::empty()));
    }
}

#[test]
fn whatever_is_told_is_told_once() {
    let mut rig = Rig::new(&[a()], true);
    rig.told.values_changed();
    rig.told.dirty();
    rig.told.set_voices((8, true));
    rig.told.set_layouts(vec![layout("Two", 2)]);
    let paged = ParamDesc { unit: "dB".into(), page: "Main".into(), ..named(a(), "Gain") };
    rig.build(&[paged]);
    let all = Changes::VALUES
        | Changes::DIRTY
        | Changes::VOICES
        | Changes::PORT_NAMES
        | Changes::INFO
        | Changes::TEXTS
        | Changes::PAGES;
    assert_eq!(rig.take(AnyTime), only(all));
    assert_eq!(rig.take(AnyTime), NOTHING);
    let info = &rig.told.params()[0];
    assert_eq!((info.name.as_str(), info.unit.as_str(), info.page.as_str()), ("Gain", "dB", "Main"));
    assert_eq!((rig.told.voices(), rig.told.layouts()[0].name.as_str()), ((8, true), "Two"));
}

#[test]
fn values_that_the_host_has_read_again_by_itself_are_not_told() {
    let mut rig = Rig::new(&[a()], true);
    rig.told.values_changed();
    rig.told.host_read(Changes::VALUES);
    assert_eq!(rig.take(AnyTime), NOTHING);
}

#[test]
fn names_groups_hidden_and_periodic_are_info_at_any_time() {
    for changed in [
        named(a(), "b"),
        ParamDesc { group: "g".into(), ..a() },
        ParamDesc { flags: ParamDesc::AUTOMATABLE | ParamDesc::HIDDEN, ..a() },
        ParamDesc { flags: ParamDesc::AUTOMATABLE | ParamDesc::PERIODIC, ..a() },
    ] {
        let mut rig = Rig::new(&[a()], true);
        rig.build(&[changed]);
        assert_eq!(rig.take(AnyTime), only(Changes::INFO), "{changed:?}");
    }
}

#[test]
fn flags_that_are_the_shells_own_business_are_not_told() {
    let mut rig = Rig::new(&[a()], true);
    rig.build(&[ParamDesc { flags: ParamDesc::AUTOMATABLE | ParamDesc::NO_SPLIT, ..a() }]);
    assert_eq!(rig.take(AnyTime), NOTHING);
}

#[test]
fn units_laws_and_variant_names_are_texts_at_any_time() {
    for changed in [
        ParamDesc { unit: "dB".into(), ..a() },
        ParamDesc { law: ParamDesc::SKEWED, ..a() },
        ParamDesc { skew: 2.0, ..a() },
    ] {
        let mut rig = Rig::new(&[a()], true);
        rig.build(&[changed]);
        assert_eq!(rig.take(AnyTime), only(Changes::TEXTS), "{changed:?}");
        assert_eq!(rig.take(AnyTime), NOTHING);
    }
    let mut rig = Rig::new(&[choice("m", &["x", "y"], 0.0)], true);
    rig.build(&[choice("m", &["x", "z"], 0.0)]);
    assert_eq!(rig.take(AnyTime), only(Changes::TEXTS));
    assert_eq!(rig.told.params()[0].variants[1].0, "z");
}

#[test]
fn ranges_defaults_kinds_and_flags_ask_for_a_restart_and_are_told_inside_deactivate() {
    for changed in [
        float("a", 0.0, 2.0, 0.5),
        float("a", -1.0, 1.0, 0.5),
        float("a", 0.0, 1.0, 0.25),
        ParamDesc { flags: 0, ..a() },
        ParamDesc { flags: ParamDesc::AUTOMATABLE | ParamDesc::MODULATABLE, ..a() },
        ParamDesc { flags: ParamDesc::AUTOMATABLE | ParamDesc::READ_ONLY, ..a() },
    ] {
        let mut rig = Rig::new(&[a()], true);
        let before = rig.told.params().to_vec();
        rig.build(&[changed]);
        assert_eq!(rig.take(AnyTime), Taken { want_restart: true, ..NOTHING }, "{changed:?}");
        assert_eq!(rig.told.params(), before, "what is announced stays while active");
        assert_eq!(rig.take(AnyTime), NOTHING, "asked once");
        assert_eq!(rig.restart(), (Changes::PARAMS, Changes::empty()));
        assert_eq!(rig.told.params(), rig.params.infos());
        assert_eq!(rig.take(AnyTime), NOTHING);
    }
}

#[test]
fn a_variant_more_changes_the_range_and_the_texts() {
    let mut rig = Rig::new(&[choice("m", &["x", "y"], 0.0)], true);
    rig.build(&[choice("m", &["x", "y", "z"], 0.0)]);
    let taken = rig.take(AnyTime);
    assert_eq!(taken, Taken { changes: Changes::TEXTS, want_restart: true, ..NOTHING });
    assert_eq!(rig.told.params()[0].variants.len(), 2);
    assert_eq!(rig.take(AnyTime), NOTHING, "the texts are told once although the variants wait");
    assert_eq!(rig.restart().0, Changes::PARAMS);
    assert_eq!(rig.told.params()[0].variants.len(), 3);
}

#[test]
fn an_added_parameter_is_appended_inside_deactivate() {
    let mut rig = Rig::new(&[a()], true);
    rig.build(&[float("b", 0.0, 1.0, 0.0), a()]);
    assert!(rig.take(AnyTime).want_restart);
    assert_eq!(rig.told.params().len(), 1);
    assert_eq!(rig.restart().0, Changes::PARAMS);
    let ids: Vec<&str> = rig.told.params().iter().map(|info| info.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
}

#[test]
fn while_inactive_no_restart_is_needed() {
    let mut rig = Rig::new(&[a()], false);
    rig.build(&[float("a", 0.0, 2.0, 0.5), float("b", 0.0, 1.0, 0.0)]);
    rig.told.set_layouts(vec![layout("Mono", 1)]);
    rig.told.set_notes(NotePortsDesc { inputs: 1, ..NotePortsDesc::NONE });
    assert_eq!(rig.take(AnyTime), only(Changes::PARAMS | Changes::PORTS | Changes::NOTE_PORTS));
    assert_eq!((rig.told.params().len(), rig.told.layouts()[0].outputs[0].channels), (2, 1));
    assert_eq!(rig.told.notes().inputs, 1);
    assert_eq!(rig.take(AnyTime), NOTHING);
}

#[test]
fn a_deactivation_that_was_not_our_wish_is_told_nothing() {
    let mut rig = Rig::new(&[a()], true);
    rig.build(&[float("a", 0.0, 2.0, 0.5)]);
    rig.told.values_changed();
    assert_eq!(rig.take(Deactivated), Taken { want_callback: true, ..NOTHING });
    rig.active = false;
    assert_eq!(
        rig.take(AnyTime).changes,
        Changes::PARAMS | Changes::VALUES,
        "afterwards, if the host lives on"
    );
}

#[test]
fn a_removed_parameter_is_a_tombstone_without_a_restart_and_comes_back_without_one() {
    let mut rig = Rig::new(&[a(), float("b", 0.0, 1.0, 0.5)], true);
    rig.build(&[a()]);
    assert_eq!(rig.take(AnyTime), only(Changes::INFO));
    assert!(rig.told.params()[1].removed);
    rig.build(&[a(), float("b", 0.0, 1.0, 0.5)]);
    assert_eq!(rig.take(AnyTime), only(Changes::INFO));
    assert!(!rig.told.params()[1].removed);
    rig.build(&[a()]);
    assert_eq!(rig.take(AnyTime), only(Changes::INFO));
    rig.build(&[a(), float("b", 0.0, 3.0, 0.5)]);
    assert_eq!(rig.take(AnyTime), Taken { changes: Changes::INFO, want_restart: true, ..NOTHING });
}

#[test]
fn a_change_that_was_taken_back_in_time_is_not_told() {
    let mut rig = Rig::new(&[a()], true);
    rig.build(&[float("a", 0.0, 2.0, 0.5)]);
    assert!(rig.take(AnyTime).want_restart);
    rig.build(&[a()]);
    assert_eq!(rig.restart(), (Changes::empty(), Changes::empty()));
}

#[test]
fn a_list_read_again_covers_its_names_and_texts() {
    let mut rig = Rig::new(&[a()], false);
    rig.build(&[ParamDesc { unit: "dB".into(), ..named(float("a", 0.0, 2.0, 0.5), "b") }]);
    assert_eq!(rig.take(AnyTime), only(Changes::PARAMS));
    assert_eq!(rig.take(AnyTime), NOTHING);
}

#[test]
fn ports_wait_for_deactivate_and_their_names_do_not() {
    let mut rig = Rig::new(&[], true);
    rig.told.set_layouts(vec![layout("Mono", 1)]);
    assert_eq!(rig.take(AnyTime), Taken { want_restart: true, ..NOTHING });
    assert_eq!(rig.told.layouts(), [layout("Stereo", 2)]);
    assert_eq!(rig.restart().0, Changes::PORTS);
    assert_eq!(rig.told.layouts(), [layout("Mono", 1)]);
    rig.told.set_layouts(vec![layout("One", 1)]);
    assert_eq!(rig.take(AnyTime), only(Changes::PORT_NAMES));
}

#[test]
fn note_ports_wait_for_deactivate_and_the_handling_of_mpe_is_not_announced() {
    let mut rig = Rig::new(&[], true);
    rig.told.set_notes(NotePortsDesc { mpe: 1, ..NotePortsDesc::NONE });
    assert_eq!(rig.take(AnyTime), NOTHING);
    rig.told.set_notes(NotePortsDesc { dialects: NotePortsDesc::CLAP, inputs: 1, ..NotePortsDesc::NONE });
    assert_eq!(rig.take(AnyTime), Taken { want_restart: true, ..NOTHING });
    assert_eq!(rig.restart().0, Changes::NOTE_PORTS);
}

#[test]
fn the_controllers_that_are_listened_to_are_told_at_any_time() {
    let mut rig = Rig::new(&[], true);
    let notes = NotePortsDesc { channels: 1, controllers: [2, 0, 0], ..NotePortsDesc::NONE };
    rig.told.set_notes(notes);
    assert_eq!(rig.take(AnyTime), only(Changes::CONTROLLERS));
    assert_eq!(rig.told.notes(), notes);
    assert_eq!(rig.take(AnyTime), NOTHING);
}

#[test]
fn what_the_host_cannot_be_told_is_never_announced_and_asks_for_nothing() {
    let mut rig = Rig::new(&[], true);
    rig.told.hold(Changes::PORTS);
    rig.told.set_layouts(vec![layout("Mono", 1)]);
    assert_eq!(rig.take(AnyTime), NOTHING);
    assert_eq!(rig.restart().0, Changes::empty());
    assert_eq!(rig.told.layouts(), [layout("Stereo", 2)]);
}

#[test]
fn the_latency_is_constant_while_active_and_told_inside_activate() {
    let mut rig = Rig::new(&[], true);
    rig.latency(64);
    assert_eq!(rig.told.latency(), 0);
    assert_eq!(rig.take(AnyTime), Taken { want_restart: true, ..NOTHING });
    assert_eq!(rig.take(Deactivated).changes, Changes::empty());
    assert_eq!(rig.take(Activating).changes, Changes::LATENCY);
    assert_eq!(rig.told.latency(), 64);
    assert_eq!(rig.restart().1, Changes::empty(), "told once");
}

#[test]
fn a_latency_that_the_host_reads_by_itself_is_not_told() {
    let mut rig = Rig::new(&[], false);
    rig.latency(64);
    assert_eq!(rig.told.latency(), 64, "inactive, it may read it");
    rig.told.host_read(Changes::LATENCY);
    assert_eq!(rig.take(Activating).changes, Changes::empty());
}

#[test]
fn a_host_that_never_read_the_latency_needs_no_correction() {
    let params = ParamStore::with_first(&[]).unwrap();
    let mut told = Announced::new(Facts {
        params: params.infos(),
        latency: 0,
        layouts: Vec::new(),
        notes: NotePortsDesc::NONE,
        voices: (0, false),
    });
    told.set_latency(64, false);
    assert_eq!(told.take(Activating, false, Instant::now()).changes, Changes::empty());
}

#[test]
fn a_latency_that_returned_before_the_restart_is_not_told() {
    let mut rig = Rig::new(&[], true);
    rig.latency(64);
    assert!(rig.take(AnyTime).want_restart);
    rig.latency(0);
    assert_eq!(rig.restart(), (Changes::empty(), Changes::empty()));
}

#[test]
fn a_moving_latency_asks_for_one_restart_per_pause() {
    let mut rig = Rig::new(&[], true);
    rig.latency(1);
    assert!(rig.take(AnyTime).want_restart);
    rig.restart();
    rig.latency(2);
    rig.now += Duration::from_millis(50);
    let wait = LATENCY_PAUSE.checked_sub(Duration::from_millis(50)).unwrap();
    assert_eq!(rig.take(AnyTime), Taken { want_callback: true, wait, ..NOTHING });
    rig.now += wait;
    assert_eq!(rig.take(AnyTime), Taken { want_restart: true, ..NOTHING });
}

#[test]
fn another_reason_for_a_restart_does_not_wait_for_the_latencys_pause() {
    let mut rig = Rig::new(&[a()], true);
    rig.latency(1);
    assert!(rig.take(AnyTime).want_restart);
    rig.restart();
    rig.latency(2);
    rig.build(&[float("a", 0.0, 2.0, 0.5)]);
    assert!(rig.take(AnyTime).want_restart);
    assert_eq!(rig.restart(), (Changes::PARAMS, Changes::LATENCY));
}

#[test]
fn a_restart_is_asked_again_after_it_was_made_not_before() {
    let mut rig = Rig::new(&[a()], true);
    rig.build(&[float("a", 0.0, 2.0, 0.5)]);
    assert!(rig.take(AnyTime).want_restart && rig.told.restart_asked());
    rig.build(&[float("a", 0.0, 3.0, 0.5)]);
    assert!(!rig.take(AnyTime).want_restart);
    rig.restart();
    assert!(!rig.told.restart_asked());
    rig.build(&[float("a", 0.0, 4.0, 0.5)]);
    assert!(rig.take(AnyTime).want_restart);
}

#[test]
fn a_host_that_does_not_restart_is_noticed() {
    let mut rig = Rig::new(&[a()], true);
    rig.build(&[float("a", 0.0, 2.0, 0.5)]);
    let late = rig.now + RESTART_PATIENCE;
    assert!(!rig.told.restart_overdue(late), "nothing was asked for");
    rig.take(AnyTime);
    assert!(!rig.told.restart_overdue(late.checked_sub(Duration::from_millis(1)).unwrap()));
    assert!(rig.told.restart_overdue(late));
    rig.restart();
    assert!(!rig.told.restart_overdue(late));
}

#[test]
fn what_a_phase_cannot_carry_asks_for_a_callback() {
    let mut rig = Rig::new(&[a()], false);
    rig.told.values_changed();
    assert_eq!(rig.take(Activating), Taken { want_callback: true, ..NOTHING });
    rig.active = true;
    assert_eq!(rig.take(AnyTime), only(Changes::VALUES));
    assert_eq!(rig.take(Activating), NOTHING);
}

#[test]
fn the_announced_list_only_grows() {
    let mut rig = Rig::new(&[a(), float("b", 0.0, 1.0, 0.5)], false);
    for params in [vec![], vec![float("c", 0.0, 1.0, 0.5)], vec![float("b", 0.0, 1.0, 0.5)]] {
        let before: Vec<String> = rig.told.params().iter().map(|info: &ParamInfo| info.id.clone()).collect();
        rig.build(&params);
        rig.take(AnyTime);
        let after: Vec<String> = rig.told.params().iter().map(|info| info.id.clone()).collect();
        assert!(after.starts_with(&before));
    }
    assert_eq!(rig.told.params().len(), 3);
}

#[test]
fn what_a_restart_has_covered_is_not_told_afterwards() {
    let mut rig = Rig::new(&[a()], true);
    rig.build(&[float("a", 0.0, 2.0, 0.5)]);
    assert!(rig.take(AnyTime).want_restart);
    let paged = ParamDesc { unit: "dB".into(), page: "Main".into(), ..named(float("a", 0.0, 3.0, 0.5), "b") };
    rig.build(&[paged]);
    assert_eq!(rig.restart().0, Changes::PARAMS | Changes::PAGES);
    assert_eq!(rig.take(AnyTime), NOTHING);
}

#[test]
fn a_tombstone_keeps_what_was_announced_of_it() {
    let mut rig = Rig::new(&[a()], true);
    rig.build(&[float("a", 0.0, 2.0, 0.5)]);
    assert!(rig.take(AnyTime).want_restart);
    rig.build(&[]);
    assert_eq!(rig.restart().0, Changes::empty(), "nobody moves a range that is gone");
    let mut rig = Rig::new(&[a()], true);
    rig.build(&[ParamDesc { unit: "dB".into(), ..a() }]);
    rig.build(&[]);
    assert_eq!(rig.take(AnyTime), only(Changes::INFO), "nobody reads its texts");
}
