//! What a build's list may not be.

use std::collections::HashMap;

use hotshell_abi::ParamDesc;
use hotshell_abi::describe::param_host_id;

use crate::params::fixtures::{Desc, choice, float, int, order, take_over, toggle, was};
use crate::params::{ParamStore, Parameters, PlanError};

fn refusal(params: &[Desc]) -> String {
    let store = ParamStore::with_first(&[float("kept", 0.0, 1.0, 0.5)]).unwrap();
    let words = store.plan(params).unwrap_err().to_string();
    assert_eq!(order(&store), ["kept"], "a refused build changes nothing");
    words
}

/// Two ids with one host id, found by looking.
fn colliding() -> (String, String) {
    let mut seen = HashMap::new();
    for n in 0_u32.. {
        let id = format!("p{n:x}");
        if let Some(other) = seen.insert(param_host_id(&id), id.clone()) {
            return (other, id);
        }
    }
    unreachable!("31 bits run out first")
}

#[test]
fn a_host_id_that_is_not_the_hash_of_its_id_is_refused() {
    let words = refusal(&[ParamDesc { host_id: 7, ..float("a", 0.0, 1.0, 0.0) }]);
    assert!(words.contains("\"a\"") && words.contains("host id 0x7"), "{words}");
}

#[test]
fn an_id_declared_twice_is_refused_by_name() {
    let words = refusal(&[float("a.b", 0.0, 1.0, 0.0), int("a.b", 0.0, 1.0, 0.0)]);
    assert!(words.contains("\"a.b\"") && words.contains("twice"), "{words}");
}

#[test]
fn an_empty_id_is_refused() {
    assert!(refusal(&[float("", 0.0, 1.0, 0.0)]).contains("empty id"));
}

#[test]
fn ranges_and_defaults_must_be_finite_and_consistent() {
    for (desc, word) in [
        (float("a", f64::NAN, 1.0, 0.0), "finite"),
        (float("a", 0.0, f64::INFINITY, 0.0), "finite"),
        (float("a", 0.0, 1.0, f64::NAN), "finite"),
        (ParamDesc { skew: f64::NAN, ..float("a", 0.0, 1.0, 0.0) }, "finite"),
        (float("a", 1.0, 1.0, 1.0), "empty range"),
        (float("a", 2.0, 1.0, 1.5), "empty range"),
        (float("a", 0.0, 1.0, 1.5), "default 1.5"),
        (ParamDesc { law: ParamDesc::LOGARITHMIC, ..float("a", 0.0, 1.0, 0.0) }, "logarithmic"),
        (ParamDesc { law: ParamDesc::SKEWED, skew: 0.0, ..float("a", 0.0, 1.0, 0.0) }, "skewed"),
        (ParamDesc { law: 9, ..float("a", 0.0, 1.0, 0.0) }, "law 9"),
        (ParamDesc { kind: 9, ..float("a", 0.0, 1.0, 0.0) }, "kind 9"),
        (int("a", 0.5, 3.0, 1.0), "whole number"),
        (ParamDesc { max: 2.0, ..toggle("a", 0.0) }, "bool"),
        (ParamDesc { max: 5.0, ..choice("a", &["x", "y"], 0.0) }, "2 variants"),
        (choice("a", &["x", "y", "x"], 0.0), "two variants"),
    ] {
        let words = refusal(&[desc]);
        assert!(words.contains(word), "{word}: {words}");
    }
}

#[test]
fn there_is_one_bypass_and_it_is_a_bool() {
    let bypass = |id| ParamDesc { flags: ParamDesc::BYPASS, ..toggle(id, 0.0) };
    let words = refusal(&[bypass("a"), bypass("b")]);
    assert!(words.contains("\"a\"") && words.contains("\"b\""), "{words}");
    assert!(refusal(&[ParamDesc { flags: ParamDesc::BYPASS, ..float("a", 0.0, 1.0, 0.0) }]).contains("bool"));
}

#[test]
fn a_collision_is_an_error_by_both_names_also_with_what_is_only_remembered() {
    let (a, b) = colliding();
    let both = |error: PlanError| {
        assert!(matches!(error, PlanError::Collision { .. }), "{error}");
        let words = error.to_string();
        assert!(words.contains(&a) && words.contains(&b), "{words}");
    };
    let (pa, pb) = (float(&a, 0.0, 1.0, 0.0), float(&b, 0.0, 1.0, 0.0));
    both(ParamStore::with_first(&[pa, pb]).unwrap_err());
    both(ParamStore::with_first(&[pa, was(float("z", 0.0, 1.0, 0.0), &[&b])]).unwrap_err());

    let store = ParamStore::with_first(&[pa]).unwrap();
    take_over(&store, &[]);
    both(store.plan(&[pb]).unwrap_err());

    let store = ParamStore::with_first(&[was(float("z", 0.0, 1.0, 0.0), &[&a])]).unwrap();
    both(store.plan(&[pb]).unwrap_err());
}

#[test]
fn more_parameters_than_cells_are_refused_and_the_live_ones_stay() {
    let many = |from: usize, to: usize| {
        (from..to).map(|n| float(&format!("p{n}"), 0.0, 1.0, 0.5)).collect::<Vec<_>>()
    };
    let store = ParamStore::with_first(&many(0, 600)).unwrap();
    take_over(&store, &many(600, 1200));
    let error = store.plan(&many(1200, 1300)).unwrap_err();
    assert_eq!(error, PlanError::Full { capacity: 1200 });
    assert!(store.is_live(store.find(param_host_id("p600"), 0).unwrap()));
    assert!(store.plan(&many(0, 1200)).is_ok(), "the refused ids have given their places back");
}

#[test]
fn the_capacity_is_twice_the_first_build_and_at_least_1024() {
    let many: Vec<Desc> = (0..1025).map(|n| float(&format!("p{n}"), 0.0, 1.0, 0.5)).collect();
    let store = ParamStore::with_first(&many[..1]).unwrap();
    assert_eq!(store.plan(&many).unwrap_err(), PlanError::Full { capacity: 1024 });
}
