//! Order, tombstones, aliases, cookies, and when a plan becomes visible.

use hotshell_abi::ParamDesc;
use hotshell_abi::describe::param_host_id;

use crate::params::fixtures::{choice, float, named, order, set, take_over, toggle, value, was};
use crate::params::{ParamStore, Parameters};

fn store(ids: &[&str]) -> ParamStore {
    let params: Vec<_> = ids.iter().map(|id| float(id, 0.0, 1.0, 0.5)).collect();
    ParamStore::with_first(&params).unwrap()
}

fn a(id: &str) -> ParamDesc<'static> {
    float(id, 0.0, 1.0, 0.5)
}

fn find(store: &ParamStore, id: &str) -> Option<u32> {
    store.find(param_host_id(id), 0)
}

#[test]
fn new_parameters_are_appended_wherever_the_author_wrote_them() {
    let store = store(&["a", "b"]);
    take_over(&store, &[a("c"), a("b"), a("a")]);
    assert_eq!(order(&store), ["a", "b", "c"]);
    assert_eq!((store.index_of(0), store.index_of(1), store.index_of(2)), (Some(2), Some(1), Some(0)));
    assert_eq!((store.index_in_build(2), store.index_in_build(0)), (Some(0), Some(2)));
}

#[test]
fn a_removed_parameter_keeps_place_and_value_and_comes_back() {
    let store = store(&["a", "b"]);
    set(&store, "a", 0.9);
    let lines = take_over(&store, &[a("b")]);
    assert!(lines.iter().any(|line| line.contains("\"a\"") && line.contains("0.9")), "{lines:?}");
    assert_eq!(order(&store), ["(a)", "b"]);
    assert!(!store.is_live(0) && store.is_live(1));
    assert_eq!(store.index_in_build(0), None);
    assert_eq!(value(&store, "a"), 0.9, "automation still finds it");
    take_over(&store, &[a("b"), a("a")]);
    assert_eq!(order(&store), ["a", "b"]);
    assert_eq!(value(&store, "a"), 0.9);
}

#[test]
fn a_plan_shows_nothing_before_the_switch_but_can_be_bound() {
    let store = store(&["a"]);
    let plan = store.plan(&[float("a", -1.0, 0.25, 0.0), a("b")]).unwrap();
    assert_eq!(find(&store, "b"), None);
    assert_eq!(order(&store), ["a"]);
    assert_eq!(store.limits(0).unwrap().max, 1.0);
    let bound = store.bind(param_host_id("b")).unwrap();
    assert!(!store.is_live(bound));
    assert_eq!(store.cell(bound).unwrap().base(), 0.5, "`create` sees the first value");
    store.switch(&plan);
    assert_eq!(find(&store, "b"), Some(bound));
    assert!(store.is_live(bound));
    assert_eq!((store.limits(0).unwrap().min, store.limits(0).unwrap().max), (-1.0, 0.25));
    assert_eq!(order(&store), ["a"], "names wait for the commit");
    store.commit(&plan);
    assert_eq!(order(&store), ["a", "b"]);
}

#[test]
fn a_plan_that_comes_to_nothing_gives_its_places_back() {
    let store = store(&["a"]);
    drop(store.plan(&[a("a"), a("x"), a("y")]).unwrap());
    take_over(&store, &[a("a"), a("z")]);
    assert_eq!(order(&store), ["a", "z"]);
    assert_eq!(store.bind(param_host_id("x")), None);
}

#[test]
fn a_plan_in_flight_keeps_its_places_and_what_was_overtaken_is_a_tombstone_from_birth() {
    let store = store(&["a"]);
    let overtaken = store.plan(&[a("a"), a("x")]).unwrap();
    take_over(&store, &[a("a"), a("z")]);
    drop(overtaken);
    assert_eq!(order(&store), ["a", "(x)", "z"]);
    take_over(&store, &[a("a"), a("x"), a("z")]);
    assert_eq!(order(&store), ["a", "x", "z"]);
}

#[test]
fn a_commit_or_a_load_makes_older_plans_stale() {
    let store = store(&["a"]);
    let plan = store.plan(&[a("a")]).unwrap();
    assert!(store.is_current(&plan));
    store.load(&store.save());
    assert!(!store.is_current(&plan));
    let plan = store.plan(&[a("a")]).unwrap();
    take_over(&store, &[a("a")]);
    assert!(!store.is_current(&plan));
}

#[test]
fn a_cookie_is_verified_and_a_wrong_one_costs_nothing() {
    let store = store(&["a", "b"]);
    let b = param_host_id("b");
    for cookie in [0, 1, 2, 3, 1024, 1025, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX] {
        assert_eq!(store.find(b, cookie), Some(1), "cookie {cookie}");
        assert_eq!(store.find(param_host_id("nobody"), cookie), None, "cookie {cookie}");
        assert_eq!(store.find(u32::MAX, cookie), None, "cookie {cookie}");
    }
}

#[test]
fn an_old_id_leads_to_its_successor_and_the_value_comes_along() {
    let store = store(&["freq"]);
    set(&store, "freq", 0.75);
    let lines = take_over(&store, &[was(a("cut"), &["freq"])]);
    assert_eq!(lines, ["parameter \"freq\" has become \"cut\"; its value came along"]);
    assert_eq!(order(&store), ["(freq)", "cut"]);
    let cut = find(&store, "cut").unwrap();
    assert_eq!(value(&store, "cut"), 0.75);
    assert_eq!(find(&store, "freq"), Some(cut));
    assert_eq!(store.find(param_host_id("freq"), 1), Some(cut), "also by its cookie");
    assert_eq!(store.host_id(cut), Some(param_host_id("cut")), "events are translated");
}

#[test]
fn an_old_id_that_this_instance_never_had_leads_to_its_successor() {
    let store = ParamStore::with_first(&[was(a("cut"), &["freq", "tone"])]).unwrap();
    assert_eq!(find(&store, "freq"), Some(0));
    assert_eq!(find(&store, "tone"), Some(0));
    take_over(&store, &[a("cut"), a("freq")]);
    assert_eq!(find(&store, "freq"), Some(1), "an id of its own counts before an alias");
    assert_eq!(find(&store, "tone"), Some(0), "automation written for it goes on");
}

#[test]
fn renames_are_followed_through_a_chain() {
    let store = store(&["one"]);
    take_over(&store, &[was(a("two"), &["one"])]);
    set(&store, "two", 0.1);
    take_over(&store, &[was(a("three"), &["two"])]);
    let three = find(&store, "three");
    assert_eq!(find(&store, "one"), three);
    assert_eq!(find(&store, "two"), three);
    assert_eq!(value(&store, "one"), 0.1);
}

#[test]
fn a_rename_undone_takes_the_value_back() {
    let store = store(&["freq"]);
    take_over(&store, &[was(a("cut"), &["freq"])]);
    set(&store, "freq", 0.9);
    take_over(&store, &[a("freq")]);
    assert_eq!(order(&store), ["freq", "(cut)"]);
    assert_eq!(find(&store, "freq"), Some(0));
    assert_eq!(value(&store, "freq"), 0.9);
}

#[test]
fn modulation_goes_along_with_a_rename() {
    let store = store(&["freq"]);
    store.cell(0).unwrap().set_modulation(0.25);
    take_over(&store, &[was(a("cut"), &["freq"])]);
    assert_eq!(store.cell(1).unwrap().modulation(), 0.25);
}

#[test]
fn a_tombstone_is_no_bypass_beside_a_live_one() {
    let bypass = |id| ParamDesc { flags: ParamDesc::BYPASS, ..toggle(id, 0.0) };
    let store = ParamStore::with_first(&[bypass("old")]).unwrap();
    take_over(&store, &[bypass("new")]);
    let with: Vec<bool> = store.infos().iter().map(|info| info.has(ParamDesc::BYPASS)).collect();
    assert_eq!(with, [false, true]);
}

#[test]
fn infos_carry_what_the_author_wrote() {
    let desc = ParamDesc {
        unit: "Hz".into(),
        group: "Osc/1".into(),
        page: "Main".into(),
        ..choice("m", &["x", "y"], 1.0)
    };
    let store = ParamStore::with_first(&[named(desc, "Mode")]).unwrap();
    let info = &store.infos()[0];
    assert_eq!((info.name.as_str(), info.unit.as_str(), info.group.as_str()), ("Mode", "Hz", "Osc/1"));
    assert_eq!((info.page.as_str(), info.default, info.index), ("Main", 1.0, 0));
    assert_eq!(info.variants, [("x".to_owned(), "X".to_owned()), ("y".to_owned(), "Y".to_owned())]);
}
