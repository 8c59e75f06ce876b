//! The rules of `store`, one test each.

use std::collections::BTreeMap;
use std::sync::Arc;

use hotshell_abi::describe::param_host_id;
use hotshell_abi::{
    HandoverDesc, MAX_METERS, MeterDesc, NotePortsDesc, PersistDesc, PluginDesc, Slice, Str,
    describe::SplitDesc,
};

use super::Store;
use crate::host::Level;
use crate::params::fixtures::float;
use crate::params::{ParamStore, Parameters};
use crate::state::SavedField;

fn store() -> Arc<Store> {
    Store::new(Arc::new(ParamStore::with_first(&[float("a", 0.0, 1.0, 0.5)]).unwrap()))
}

fn declare(store: &Store, fields: &[(&str, u32)], meters: &[(&str, u32)]) {
    let fields: Vec<PersistDesc<'_>> =
        fields.iter().map(|(id, scope)| PersistDesc { id: Str::new(id), scope: *scope }).collect();
    let meters: Vec<MeterDesc<'_>> = meters
        .iter()
        .map(|(id, channels)| MeterDesc { id: Str::new(id), channels: *channels, kind: 0 })
        .collect();
    let none = Str::default();
    store.declare(&PluginDesc {
        id: none,
        name: none,
        vendor: none,
        version: none,
        description: none,
        url: none,
        manual_url: none,
        support_url: none,
        features: Slice::empty(),
        vst3_categories: none,
        vst3_class_id: [0; 16],
        vst3_old_class_ids: Slice::empty(),
        layouts: Slice::empty(),
        notes: NotePortsDesc::NONE,
        split: SplitDesc { mode: 0, min_frames: 1 },
        handover: HandoverDesc { kind: 0, law: 0, milliseconds: 0.0, spill_seconds: 0.0, warm_up_frames: 0 },
        state_version: 0,
        flags: 0,
        voice_capacity: 0,
        params: Slice::empty(),
        meters: Slice::new(&meters),
        persists: Slice::new(&fields),
    });
}

fn lines(store: &Store) -> Vec<(Level, String)> {
    let mut lines = Vec::new();
    store.drain_logs(|level, text| lines.push((level, text.to_owned())));
    lines
}

fn saved(entries: &[(&str, &[u8])]) -> BTreeMap<String, SavedField> {
    let field = |bytes: &[u8]| SavedField { bytes: bytes.to_vec(), project: false };
    entries.iter().map(|(id, bytes)| ((*id).to_owned(), field(bytes))).collect()
}

#[test]
fn a_parameters_cell_is_the_one_that_the_host_writes() {
    let store = store();
    store.param_cell(param_host_id("a")).unwrap().set_base(0.75);
    assert_eq!(store.params().cell(0).unwrap().base(), 0.75);
    assert!(store.param_cell(param_host_id("b")).is_none());
}

#[test]
fn a_meter_has_the_same_cells_in_a_later_build_if_its_channels_fit() {
    let store = store();
    let first = store.meter_cells("out", 2).unwrap();
    first[1].set(0.5);
    assert!(std::ptr::eq(first, store.meter_cells("out", 2).unwrap()));
    assert!(std::ptr::eq(&raw const first[0], &raw const store.meter_cells("out", 1).unwrap()[0]));
    assert_eq!(store.meter("out").unwrap()[1].get(), 0.5);
    let grown = store.meter_cells("out", 4).unwrap();
    assert_eq!((grown.len(), store.meter("out").unwrap().len()), (4, 4));
}

#[test]
fn meters_do_not_share_cells() {
    let store = store();
    for n in 0..10_u8 {
        for cell in store.meter_cells(&format!("m{n}"), 1 + usize::from(n)).unwrap() {
            cell.set(f32::from(n));
        }
    }
    for n in 0..10_u8 {
        assert!(store.meter(&format!("m{n}")).unwrap().iter().all(|cell| cell.get() == f32::from(n)));
    }
}

#[test]
fn used_up_meters_are_refused_and_said_once() {
    let store = store();
    declare(&store, &[], &[("big", 256), ("more", 1)]);
    assert!(store.meter_cells("big", MAX_METERS).is_some());
    assert!(store.meter_cells("more", 1).is_none());
    assert!(store.meter_cells("more", 1).is_none());
    assert!(store.meter_cells("huge", usize::MAX).is_none());
    let said = lines(&store);
    assert_eq!(said.iter().filter(|(_, line)| line.contains("\"more\"")).count(), 1, "{said:?}");
}

#[test]
fn meters_of_builds_long_gone_give_their_cells_back() {
    let store = store();
    for n in 0..20 {
        let id = format!("m{n}");
        declare(&store, &[], &[(&id, 100)]);
        assert!(store.meter_cells(&id, 100).is_some(), "build {n}");
        let playing = format!("m{}", n - i32::from(n > 0));
        assert!(store.meter(&playing).is_some(), "{playing} plays while build {n} is prepared");
    }
    assert!(store.meter("m10").is_none());
}

#[test]
fn each_write_of_a_field_counts_up_its_version_and_the_total() {
    let store = store();
    declare(&store, &[("f", PersistDesc::EVERYWHERE), ("g", PersistDesc::KEEP)], &[]);
    assert_eq!((store.field_version("f"), store.field_read("f")), (0, None));
    assert_eq!(store.field_write("f", b"one", false), Some(1));
    assert_eq!(store.field_write("f", b"one", false), Some(2));
    assert_eq!(store.field_write("g", b"x", false), Some(1));
    assert_eq!(store.field_version("f"), 2);
    assert_eq!(store.field_read("f").unwrap(), (Arc::from(b"one".as_slice()), 2));
    assert_eq!(store.fields_version(), 3);
}

#[test]
fn a_field_that_no_build_declared_is_refused() {
    assert_eq!(store().field_write("f", b"one", true), None);
}

#[test]
fn a_removed_field_keeps_its_bytes() {
    let store = store();
    declare(&store, &[("f", PersistDesc::EVERYWHERE)], &[]);
    store.field_write("f", b"one", false);
    declare(&store, &[], &[]);
    assert_eq!(&*store.field_read("f").unwrap().0, b"one");
}

#[test]
fn only_the_users_edits_of_saved_fields_make_dirty_and_only_once() {
    let store = store();
    declare(
        &store,
        &[("f", PersistDesc::EVERYWHERE), ("p", PersistDesc::PROJECT), ("k", PersistDesc::KEEP)],
        &[],
    );
    store.field_write("f", b"1", false);
    store.field_write("k", b"1", true);
    assert!(!store.take_dirty());
    store.field_write("p", b"1", true);
    assert!(store.take_dirty());
    assert!(!store.take_dirty());
}

#[test]
fn a_load_replaces_saved_fields_resets_missing_ones_and_leaves_kept_ones() {
    let store = store();
    declare(
        &store,
        &[("f", PersistDesc::EVERYWHERE), ("gone", PersistDesc::EVERYWHERE), ("k", PersistDesc::KEEP)],
        &[],
    );
    for id in ["f", "gone", "k"] {
        store.field_write(id, b"old", true);
    }
    assert!(store.take_dirty());
    store.load_fields(&saved(&[("f", b"new"), ("k", b"new"), ("unknown", b"u")]), false);
    assert_eq!(&*store.field_read("f").unwrap().0, b"new");
    assert_eq!((store.field_version("gone"), store.field_read("gone")), (2, None), "the logic hears of it");
    assert_eq!(&*store.field_read("k").unwrap().0, b"old");
    assert_eq!(&*store.field_read("unknown").unwrap().0, b"u");
    assert!(!store.take_dirty(), "a load is no edit");
    let before = store.fields_version();
    store.load_fields(&saved(&[("f", b"new"), ("unknown", b"u")]), false);
    assert_eq!(store.fields_version(), before, "the same bytes need no second decoding");
}

#[test]
fn a_field_that_only_an_earlier_state_had_is_forgotten() {
    let store = store();
    store.load_fields(&saved(&[("unknown", b"u")]), false);
    assert!(store.fields().contains_key("unknown"));
    store.load_fields(&saved(&[]), false);
    assert!(store.fields().is_empty());
}

#[test]
fn lines_come_out_in_order_with_their_level() {
    let store = store();
    store.log(Level::Info, "one");
    store.log(Level::Error, "two");
    assert_eq!(lines(&store), [(Level::Info, "one".into()), (Level::Error, "two".into())]);
    assert!(lines(&store).is_empty());
}

#[test]
fn lines_are_bounded_and_the_rest_is_counted() {
    let store = store();
    for n in 0..1000 {
        store.log(Level::Info, &format!("{n}"));
    }
    let lines = lines(&store);
    assert_eq!(lines.len(), 257);
    assert_eq!(lines[0].1, "0");
    assert!(lines[256].1.contains("744"), "{}", lines[256].1);
}

#[test]
fn the_receiver_of_lines_may_log() {
    let store = store();
    store.log(Level::Info, "one");
    store.drain_logs(|_, text| store.log(Level::Info, &format!("again {text}")));
    assert_eq!(lines(&store), [(Level::Info, "again one".into())]);
}

#[test]
fn lines_of_the_audio_thread_are_cut_at_120_bytes_between_characters() {
    let store = store();
    let long = format!("x{}", "ä".repeat(100));
    store.rt_log(Level::Warning, &long);
    store.rt_log(Level::Debug, "");
    let lines = lines(&store);
    assert_eq!(lines, [(Level::Warning, format!("x{}", "ä".repeat(59))), (Level::Debug, String::new())]);
}

#[test]
fn a_full_ring_drops_counts_and_works_again() {
    let store = store();
    for round in 0..3 {
        for n in 0..100 {
            store.rt_log(Level::Info, &format!("{round} {n}"));
        }
        let lines = lines(&store);
        let numbers: Vec<String> = (0..64).map(|n| format!("{round} {n}")).collect();
        assert_eq!(lines[..64].iter().map(|line| line.1.clone()).collect::<Vec<_>>(), numbers);
        assert!(lines[64].1.starts_with("36 "), "{}", lines[64].1);
    }
}

#[test]
fn lines_from_many_threads_arrive_whole_or_are_counted() {
    const THREADS: usize = 4;
    const EACH: usize = 2000;
    let store = store();
    let (mut whole, mut dropped) = (0, 0);
    std::thread::scope(|scope| {
        let pushers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let store = &store;
                scope.spawn(move || {
                    for n in 0..EACH {
                        let letter = char::from(b'a' + u8::try_from((thread * 7 + n) % 26).unwrap());
                        store.rt_log(Level::Info, &letter.to_string().repeat(1 + n % 120));
                    }
                })
            })
            .collect();
        let mut count = |_: Level, text: &str| {
            if let Some(number) =
                text.strip_suffix(" more lines were dropped: too many from the audio thread")
            {
                dropped += number.parse::<usize>().unwrap();
            } else {
                assert!(text.chars().all(|letter| text.starts_with(letter)), "torn: {text}");
                whole += 1;
            }
        };
        while !pushers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            store.drain_logs(&mut count);
        }
        store.drain_logs(&mut count);
    });
    assert_eq!(whole + dropped, THREADS * EACH);
}

#[test]
fn loaded_states_are_counted() {
    let store = store();
    assert_eq!(store.state_generation(), 0);
    store.bump_state_generation();
    assert_eq!(store.state_generation(), 1);
}
