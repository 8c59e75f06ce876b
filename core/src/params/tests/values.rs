//! What becomes of values: limits, conversions at a swap, states.

use std::collections::BTreeMap;

use crate::params::fixtures::{Desc, choice, float, int, set, take_over, toggle, value, was};
use crate::params::{ParamStore, Parameters, SavedParam};

fn one(first: Desc) -> ParamStore {
    ParamStore::with_first(&[first]).unwrap()
}

/// The value of "p" after a swap, and the lines.
fn swapped(before: Desc, at: f64, after: Desc) -> (f64, Vec<String>) {
    let store = one(before);
    set(&store, "p", at);
    let lines = take_over(&store, &[after]);
    (value(&store, "p"), lines)
}

fn saved(entries: &[(&str, f64)]) -> BTreeMap<String, SavedParam> {
    entries
        .iter()
        .map(|(id, value)| ((*id).to_owned(), SavedParam { value: *value, variant: None }))
        .collect()
}

#[test]
fn incoming_values_are_clamped_whatever_they_are() {
    let store = one(float("p", -1.0, 2.0, 0.5));
    for (raw, expected) in [
        (0.25, 0.25),
        (-9.0, -1.0),
        (9.0, 2.0),
        (f64::NAN, 0.5),
        (f64::INFINITY, 0.5),
        (f64::NEG_INFINITY, 0.5),
    ] {
        assert_eq!(store.clamp(0, raw), expected, "{raw}");
    }
    assert!(store.clamp(0, -0.0).is_sign_positive());
    assert_eq!(store.clamp(77, 1.0), 0.0, "no such parameter");
    let store = one(int("p", 0.0, 10.0, 3.0));
    assert_eq!((store.clamp(0, 2.6), store.clamp(0, 10.4), store.clamp(0, f64::NAN)), (3.0, 10.0, 3.0));
}

#[test]
fn values_start_at_their_default() {
    assert_eq!(value(&one(float("p", -1.0, 2.0, 0.5)), "p"), 0.5);
}

#[test]
fn a_smaller_range_clamps_and_says_so() {
    let (value, lines) = swapped(float("p", 0.0, 10.0, 1.0), 8.0, float("p", 0.0, 5.0, 1.0));
    assert_eq!(value, 5.0);
    assert_eq!(lines, ["parameter \"p\": 8 is outside of 0..=5; it is 5"]);
    let (value, lines) = swapped(float("p", 0.0, 10.0, 1.0), 4.0, float("p", 0.0, 5.0, 1.0));
    assert_eq!((value, lines.len()), (4.0, 0), "a value that fits is nobody's news");
}

#[test]
fn a_value_equal_to_the_old_default_follows_the_new_one() {
    let (value, lines) = swapped(float("p", 0.0, 1.0, 0.25), 0.25, float("p", 0.0, 1.0, 0.75));
    assert_eq!((value, lines.len()), (0.75, 0));
    let (value, _) = swapped(float("p", 0.0, 1.0, 0.25), 0.3, float("p", 0.0, 1.0, 0.75));
    assert_eq!(value, 0.3);
}

#[test]
fn another_kind_converts_where_nothing_is_lost_and_else_says_the_default() {
    for (before, at, after, expected) in [
        (int("p", 0.0, 10.0, 1.0), 7.0, float("p", 0.0, 10.0, 1.0), 7.0),
        (float("p", 0.0, 10.0, 1.0), 7.0, int("p", 0.0, 10.0, 1.0), 7.0),
        (toggle("p", 0.0), 1.0, choice("p", &["off", "on", "auto"], 0.0), 1.0),
        (int("p", 0.0, 9.0, 5.0), 1.0, toggle("p", 0.0), 1.0),
    ] {
        let (value, lines) = swapped(before, at, after);
        assert_eq!((value, lines.len()), (expected, 0), "{lines:?}");
    }
    for (before, at, after, expected) in [
        (float("p", 0.0, 10.0, 1.0), 7.5, int("p", 0.0, 10.0, 2.0), 2.0),
        (int("p", 0.0, 10.0, 1.0), 7.0, float("p", 0.0, 5.0, 2.0), 2.0),
        (int("p", 0.0, 10.0, 1.0), 7.0, toggle("p", 1.0), 1.0),
    ] {
        let (value, lines) = swapped(before, at, after);
        assert_eq!(value, expected);
        assert!(lines.len() == 1 && lines[0].contains("kind") && lines[0].contains("\"p\""), "{lines:?}");
    }
}

#[test]
fn an_enum_follows_its_variant_not_its_number() {
    let before = || choice("p", &["a", "b", "c"], 0.0);
    let (value, lines) = swapped(before(), 2.0, choice("p", &["c", "a", "b"], 0.0));
    assert_eq!((value, lines.len()), (0.0, 0));
    let (value, lines) = swapped(before(), 1.0, choice("p", &["a", "x", "c"], 2.0));
    assert_eq!(value, 2.0, "the variant is gone: default");
    assert!(lines.len() == 1 && lines[0].contains("\"b\"") && lines[0].contains("\"c\""), "{lines:?}");
    let (value, _) = swapped(before(), 0.0, choice("p", &["z", "a", "b", "c"], 1.0));
    assert_eq!(value, 1.0, "the default is the same variant as before: it keeps its id");
    let (value, _) = swapped(before(), 0.0, choice("p", &["a", "b", "c"], 1.0));
    assert_eq!(value, 1.0, "a new default is followed");
}

#[test]
fn conversions_use_the_value_at_the_swap_not_at_the_plan() {
    let store = one(float("p", 0.0, 10.0, 1.0));
    set(&store, "p", 8.0);
    let plan = store.plan(&[float("p", 0.0, 5.0, 1.0)]).unwrap();
    set(&store, "p", 2.0);
    assert!(!plan.moves_values(&store));
    set(&store, "p", 6.0);
    assert!(plan.moves_values(&store));
    store.switch(&plan);
    assert_eq!(value(&store, "p"), 5.0);
}

#[test]
fn moves_can_be_applied_apart_from_the_rest() {
    let store = one(float("p", 0.0, 10.0, 1.0));
    set(&store, "p", 8.0);
    let plan = store.plan(&[float("p", 0.0, 5.0, 1.0)]).unwrap();
    store.apply_moves(&plan.moves);
    assert_eq!((value(&store, "p"), store.limits(0).unwrap().max), (5.0, 10.0));
    assert_eq!(plan.moves.len(), 1);
    assert_eq!(plan.moves[0].to(), 0);
}

#[test]
fn a_build_that_changes_nothing_moves_nothing_and_says_nothing() {
    let params = [float("a", 0.0, 1.0, 0.5), choice("b", &["x", "y"], 0.0), toggle("c", 1.0)];
    let store = ParamStore::with_first(&params).unwrap();
    let plan = store.plan(&params).unwrap();
    assert_eq!((plan.moves.len(), plan.lines.len()), (0, 0), "{:?}", plan.lines);
    assert_eq!(plan.places, [0, 1, 2]);
}

#[test]
fn a_tombstone_that_returns_is_converted_once_and_only_by_the_swap() {
    let store = one(choice("p", &["a", "b", "c"], 0.0));
    set(&store, "p", 1.0);
    take_over(&store, &[]);
    let next = [choice("p", &["b", "a", "c"], 0.0)];
    drop(store.plan(&next).unwrap());
    assert_eq!(value(&store, "p"), 1.0, "a plan that comes to nothing touches no tombstone");
    take_over(&store, &next);
    assert_eq!(value(&store, "p"), 0.0);
}

#[test]
fn a_load_sets_what_it_has_and_resets_what_it_has_not() {
    let store = ParamStore::with_first(&[float("a", 0.0, 1.0, 0.5), float("b", 0.0, 1.0, 0.5)]).unwrap();
    set(&store, "b", 0.9);
    let loaded = store.load(&saved(&[("a", 7.0)]));
    assert_eq!((value(&store, "a"), value(&store, "b")), (1.0, 0.5));
    assert!(loaded.changed);
    assert!(loaded.lines.len() == 1 && loaded.lines[0].contains("\"a\""), "{:?}", loaded.lines);
    assert!(!store.load(&saved(&[("a", 1.0)])).changed, "the same again changes nothing");
}

#[test]
fn an_enum_is_saved_and_loaded_by_variant() {
    let store = one(choice("p", &["a", "b"], 0.0));
    set(&store, "p", 1.0);
    let values = store.save();
    assert_eq!(values["p"], SavedParam { value: 1.0, variant: Some("b".into()) });
    let moved = one(choice("p", &["b", "c", "a"], 2.0));
    moved.load(&values);
    assert_eq!(value(&moved, "p"), 0.0);
    let gone = one(choice("p", &["c", "a"], 1.0));
    let lines = gone.load(&values).lines;
    assert_eq!(value(&gone, "p"), 1.0);
    assert!(lines.len() == 1 && lines[0].contains("\"b\""), "{lines:?}");
}

#[test]
fn unknown_ids_of_a_state_are_parked_written_back_and_found_by_a_later_build() {
    let store = one(float("a", 0.0, 1.0, 0.5));
    store.load(&saved(&[("a", 0.1), ("future", 0.7), ("stranger", 3.0)]));
    assert_eq!(store.save(), saved(&[("a", 0.1), ("future", 0.7), ("stranger", 3.0)]));
    take_over(&store, &[float("a", 0.0, 1.0, 0.5), float("future", 0.0, 0.5, 0.2)]);
    assert_eq!(value(&store, "future"), 0.5, "parked, and clamped when it is found");
    take_over(&store, &[float("a", 0.0, 1.0, 0.5), was(float("known", 0.0, 9.0, 0.0), &["stranger"])]);
    assert_eq!(value(&store, "known"), 3.0, "also under an earlier id");
    assert_eq!(store.save().keys().collect::<Vec<_>>(), ["a", "future", "known"]);
}

#[test]
fn a_state_that_comes_while_a_plan_is_in_flight_reaches_its_new_parameters() {
    let store = one(float("a", 0.0, 1.0, 0.5));
    let next = [float("a", 0.0, 1.0, 0.5), float("new", 0.0, 1.0, 0.5)];
    let plan = store.plan(&next).unwrap();
    store.load(&saved(&[("a", 0.1), ("new", 0.7)]));
    assert!(!store.is_current(&plan));
    let bound = store.bind(hotshell_abi::describe::param_host_id("new")).unwrap();
    assert_eq!(store.cell(bound).unwrap().base(), 0.7, "the candidate that is bound already sees it");
    let plan = store.plan(&next).unwrap();
    store.switch(&plan);
    store.commit(&plan);
    assert_eq!((value(&store, "a"), value(&store, "new")), (0.1, 0.7));
}

#[test]
fn states_under_old_ids_load_and_the_current_id_counts_before_them() {
    let store = one(was(float("cut", 0.0, 9.0, 0.0), &["freq", "tone"]));
    store.load(&saved(&[("tone", 2.0), ("freq", 1.0)]));
    assert_eq!(value(&store, "cut"), 1.0, "in the author's order");
    assert_eq!(store.save(), saved(&[("cut", 1.0)]), "one name per value");
    store.load(&saved(&[("freq", 1.0), ("cut", 5.0)]));
    assert_eq!(value(&store, "cut"), 5.0);
}

#[test]
fn a_rename_within_the_life_of_an_instance_saves_under_the_new_id_alone() {
    let store = one(float("freq", 0.0, 9.0, 0.0));
    set(&store, "freq", 3.0);
    let old = store.save();
    take_over(&store, &[was(float("cut", 0.0, 9.0, 0.0), &["freq"])]);
    assert_eq!(store.save(), saved(&[("cut", 3.0)]));
    set(&store, "cut", 4.0);
    store.load(&old);
    assert_eq!(value(&store, "cut"), 3.0);
}

#[test]
fn a_tombstones_value_is_saved_and_loaded() {
    let store = ParamStore::with_first(&[float("a", 0.0, 1.0, 0.5), float("b", 0.0, 1.0, 0.5)]).unwrap();
    set(&store, "b", 0.9);
    take_over(&store, &[float("a", 0.0, 1.0, 0.5)]);
    let values = store.save();
    assert_eq!(values, saved(&[("a", 0.5), ("b", 0.9)]));
    store.load(&saved(&[("a", 0.5), ("b", 0.2)]));
    take_over(&store, &[float("a", 0.0, 1.0, 0.5), float("b", 0.0, 1.0, 0.5)]);
    assert_eq!(value(&store, "b"), 0.2);
}

#[test]
fn a_value_that_is_not_finite_is_saved_as_the_default() {
    let store = one(float("p", 0.0, 1.0, 0.5));
    set(&store, "p", f64::NAN);
    assert_eq!(store.save(), saved(&[("p", 0.5)]));
}

#[test]
fn a_plan_made_between_a_switch_and_its_commit_leaves_what_plays_alone() {
    let store = one(float("a", 0.0, 1.0, 0.5));
    let next = [float("a", 0.0, 1.0, 0.5), float("new", 0.0, 1.0, 0.5)];
    let plan = store.plan(&next).unwrap();
    store.switch(&plan);
    set(&store, "new", 0.9);
    store.plan(&next).unwrap();
    assert_eq!(value(&store, "new"), 0.9);
}
