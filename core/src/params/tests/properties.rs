//! Random sequences of builds, fixed seeds.

use std::collections::BTreeMap;

use fastrand::Rng;
use hotshell_abi::describe::param_host_id;

use crate::params::fixtures::{Desc, choice, float, int, order, was};
use crate::params::{ParamStore, Parameters};

const IDS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

fn any(rng: &mut Rng, id: &str) -> Desc {
    let desc = match rng.u32(..4) {
        0 => int(id, 0.0, f64::from(rng.u32(1..9)), 0.0),
        1 => choice(id, &["x", "y", "z", "w"][..rng.usize(1..5)], 0.0),
        _ => float(id, 0.0, f64::from(rng.u32(1..9)), 0.25),
    };
    let earlier: Vec<&str> = (0..rng.usize(..3)).map(|_| IDS[rng.usize(..IDS.len())]).collect();
    was(desc, &earlier)
}

fn build(rng: &mut Rng) -> Vec<Desc> {
    let mut ids = IDS;
    rng.shuffle(&mut ids);
    let count = rng.usize(..=IDS.len());
    ids[..count].iter().map(|id| any(rng, id)).collect()
}

/// Tombstones may come and go, places may not.
fn plain(order: &[String]) -> Vec<&str> {
    order.iter().map(|id| id.trim_matches(['(', ')'])).collect()
}

#[test]
fn whatever_builds_come_the_announced_order_only_grows() {
    for seed in 0..200 {
        let mut rng = Rng::with_seed(seed);
        let store = ParamStore::with_first(&build(&mut rng)).unwrap();
        let mut in_flight = Vec::new();
        for _ in 0..20 {
            let before = order(&store);
            let params = build(&mut rng);
            let plan = store.plan(&params).unwrap();
            assert_eq!(order(&store), before, "seed {seed}: a plan is not visible");
            match rng.u32(..4) {
                0 => drop(plan),
                1 => in_flight.push(plan),
                _ => {
                    store.switch(&plan);
                    store.commit(&plan);
                    check(&store, &params, seed);
                }
            }
            let after = order(&store);
            assert!(plain(&after).starts_with(&plain(&before)), "seed {seed}: {before:?} became {after:?}");
        }
    }
}

/// Every live parameter is found under its id and in range; the maps between the two orders are inverse.
fn check(store: &ParamStore, params: &[Desc], seed: u64) {
    for (place, desc) in (0..).zip(params) {
        let index = store.find(desc.host_id, 0).unwrap();
        assert!(store.is_live(index), "seed {seed}: {}", desc.id.as_str());
        assert_eq!(store.host_id(index), Some(desc.host_id));
        assert_eq!((store.index_of(place), store.index_in_build(index)), (Some(index), Some(place)));
        assert_eq!(store.bind(desc.host_id), Some(index));
        let value = store.cell(index).unwrap().base();
        assert_eq!(store.clamp(index, value), value, "seed {seed}: {} is {value}", desc.id.as_str());
    }
    let live = store.infos().iter().filter(|info| !info.removed).count();
    assert_eq!(live, params.len(), "seed {seed}");
    let own: Vec<&str> = params.iter().map(|desc| desc.id.as_str()).collect();
    let mut earlier: BTreeMap<&str, u32> = BTreeMap::new();
    for desc in params {
        for was in desc.was.as_slice().iter().filter(|was| !own.contains(&was.as_str())) {
            earlier.entry(was.as_str()).or_insert_with(|| store.find(desc.host_id, 0).unwrap());
        }
    }
    for (was, index) in earlier {
        assert_eq!(store.find(param_host_id(was), 0), Some(index), "seed {seed}: {was}");
    }
}

#[test]
fn values_that_fit_survive_any_sequence_of_builds_that_keep_their_parameter() {
    for seed in 0..100 {
        let mut rng = Rng::with_seed(seed);
        let fixed = || float("kept", -100.0, 100.0, 0.0);
        let store = ParamStore::with_first(&[fixed()]).unwrap();
        let wanted = f64::from(rng.i32(-99..99)) + 0.125;
        store.cell(0).unwrap().set_base(wanted);
        for _ in 0..20 {
            let mut params = build(&mut rng);
            if rng.bool() {
                params.insert(rng.usize(..=params.len()), fixed());
            }
            let plan = store.plan(&params).unwrap();
            store.switch(&plan);
            store.commit(&plan);
            assert_eq!(store.cell(0).unwrap().base(), wanted, "seed {seed}");
        }
    }
}

#[test]
fn a_save_loads_to_the_same_save_in_the_same_and_in_a_new_instance() {
    for seed in 0..200 {
        let mut rng = Rng::with_seed(seed);
        let store = ParamStore::with_first(&build(&mut rng)).unwrap();
        let mut params = Vec::new();
        for _ in 0..5 {
            params = build(&mut rng);
            let plan = store.plan(&params).unwrap();
            store.switch(&plan);
            store.commit(&plan);
            for desc in &params {
                let index = store.find(desc.host_id, 0).unwrap();
                store.cell(index).unwrap().set_base(store.clamp(index, rng.f64() * 9.0));
            }
        }
        let saved = store.save();
        assert!(!store.load(&saved).changed, "seed {seed}");
        assert_eq!(store.save(), saved, "seed {seed}");
        let new = ParamStore::with_first(&params).unwrap();
        new.load(&saved);
        assert_eq!(new.save(), saved, "seed {seed}");
    }
}
