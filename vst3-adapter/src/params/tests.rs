use hotshell_core::host::NoHost;
use hotshell_core::shell::Plugins;

use super::*;
use hotshell_fake_shell::{FakePlugins, Script, gain, switch};

fn travel(law: u32, skew: f64, min: f64, max: f64) -> Travel {
    Travel::new(&ParamInfo { law, skew, min, max, ..gain(0) })
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9 * (1.0 + b.abs())
}

#[test]
fn plain_and_normalised_are_each_others_way_back_in_every_law() {
    for travel in [
        travel(ParamDesc::LINEAR, 1.0, -60.0, 12.0),
        travel(ParamDesc::LOGARITHMIC, 1.0, 20.0, 20_000.0),
        travel(ParamDesc::SKEWED, 3.0, 0.0, 5.0),
    ] {
        for step in 0..=100 {
            let at = f64::from(step) / 100.0;
            assert!(near(travel.normalised(travel.plain(at)), at), "{travel:?} {at}");
        }
        assert!(near(travel.plain(0.0), travel.min) && near(travel.plain(1.0), travel.max));
    }
    assert!(near(travel(ParamDesc::LOGARITHMIC, 1.0, 20.0, 20_000.0).plain(1.0 / 3.0), 200.0));
    assert!(near(travel(ParamDesc::SKEWED, 2.0, 0.0, 4.0).plain(0.5), 1.0));
}

#[test]
fn each_step_of_a_stepped_parameter_is_reached_and_read_back() {
    let travel = Travel::new(&switch(0));
    assert_eq!(travel.step_count(), 2);
    for value in [0.0, 1.0, 2.0] {
        assert!(near(travel.plain(travel.normalised(value)), value));
    }
    assert!(near(travel.plain(0.34), 1.0) && near(travel.plain(0.99), 2.0) && near(travel.plain(0.32), 0.0));
}

#[test]
fn numbers_that_make_no_sense_stay_inside_the_range() {
    for travel in [
        travel(ParamDesc::LOGARITHMIC, 1.0, 0.0, 1.0),
        travel(ParamDesc::SKEWED, f64::NAN, -1.0, 1.0),
        travel(ParamDesc::LINEAR, 1.0, 3.0, 3.0),
    ] {
        for value in [f64::NAN, f64::INFINITY, -1e300, 7.0] {
            assert!((travel.min..=travel.max).contains(&travel.plain(value)), "{travel:?} {value}");
            assert!((0.0..=1.0).contains(&travel.normalised(value)), "{travel:?} {value}");
        }
    }
}

fn read(script: &std::sync::Arc<Script>, before: &Table) -> Table {
    let plugins = FakePlugins { script: std::sync::Arc::clone(script), hot: true };
    let shell = plugins.open(0, "vst3", Box::new(NoHost)).expect("opens");
    Table::read(shell.as_ref(), before)
}

fn one(bus: u8, channel: u8, number: u8) -> Controller {
    Controller { bus, channel, number }
}

/// The fake listens to controllers 1, 64, 128 and 129 on each channel.
const HIDDEN: usize = 16 * 4;

#[test]
fn hidden_controllers_come_after_the_first_parameters_and_before_later_ones() {
    let script = Script::new();
    let first = read(&script, &Table::default());
    assert_eq!(first.lines.len(), 2 + HIDDEN);
    script.params.lock().push(ParamInfo { id: "late".to_owned(), host_id: 12, ..gain(2) });
    let second = read(&script, &first);
    assert_eq!(second.lines[..first.lines.len()], first.lines, "what the host has read keeps its place");
    assert!(matches!(second.lines.last(), Some(Line::Param(info)) if info.host_id == 12));
    script.notes.lock().controllers[0] |= 1 << 7;
    let third = read(&script, &second);
    assert_eq!(third.lines[..second.lines.len()], second.lines);
    assert_eq!(third.lines.len(), second.lines.len() + 16);
    assert_eq!(third.controller(0, 3, 7), Some(one(0, 3, 7).id()));
}

#[test]
fn a_controller_that_is_not_listened_to_any_more_keeps_its_line_and_is_not_assigned() {
    let script = Script::new();
    let first = read(&script, &Table::default());
    script.notes.lock().channels = 1;
    let second = read(&script, &first);
    assert_eq!(second.lines, first.lines);
    assert!(second.controller(0, 0, 1).is_some() && second.controller(0, 1, 1).is_none());
    assert_eq!(
        second.target(one(0, 1, 1).id()),
        Some(Target::Controller(one(0, 1, 1))),
        "queues still find it"
    );
}

#[test]
fn a_logic_without_midi_has_no_hidden_controllers() {
    let script = Script::new();
    script.notes.lock().dialects = NotePortsDesc::CLAP;
    let table = read(&script, &Table::default());
    assert_eq!(table.lines.len(), 2);
    assert_eq!(table.controller(0, 0, 1), None);
}

#[test]
fn each_event_bus_has_controllers_of_its_own() {
    let script = Script::new();
    script.notes.lock().inputs = 3;
    let table = read(&script, &Table::default());
    assert_eq!(table.lines.len(), 2 + 3 * HIDDEN);
    let ids = [0, 1, 2].map(|bus| table.controller(bus, 15, 129).expect("pitch bend"));
    assert!(ids[0] < ids[1] && ids[1] < ids[2]);
    assert_eq!(table.target(ids[2]), Some(Target::Controller(one(2, 15, 129))));
    assert_eq!(table.controller(3, 15, 129), None);
}

#[test]
fn controllers_past_the_last_and_those_that_nobody_listens_to_have_no_parameter() {
    let table = read(&Script::new(), &Table::default());
    for (bus, channel, number) in [(0, 0, 130), (0, 16, 1), (0, -1, 1), (0, 0, -1), (-1, 0, 1), (0, 0, 2)] {
        assert_eq!(table.controller(bus, channel, number), None, "{bus} {channel} {number}");
    }
    let id = table.controller(0, 15, 129).expect("pitch bend");
    assert_eq!(table.target(id), Some(Target::Controller(one(0, 15, 129))));
    assert!(id < 0x8000_0000, "the top bit is clear");
}

#[test]
fn an_author_s_parameter_wins_over_a_controller_of_the_same_id() {
    let script = Script::new();
    let taken = one(0, 0, 1).id();
    script.params.lock().push(ParamInfo { host_id: taken, ..gain(2) });
    let table = read(&script, &Table::default());
    assert_eq!(table.lines.len(), 3 + HIDDEN - 1, "no id twice in the list");
    assert!(matches!(table.target(taken), Some(Target::Param(..))));
    assert_eq!(table.controller(0, 0, 1), None);
}

#[test]
fn groups_become_units_below_each_other_and_keep_their_ids() {
    let table = read(&Script::new(), &Table::default());
    let [level, main] = table.units.as_slice() else { panic!("{:?}", table.units) };
    assert_eq!((level.name.as_str(), level.parent), ("Level", 0));
    assert_eq!((main.name.as_str(), main.parent), ("Main", level.id));
    assert_eq!(table.unit_of("/Level//Main/"), main.id);
    assert_eq!(read(&Script::new(), &table).units, table.units);
}
