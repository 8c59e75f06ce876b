//! Parameters that come, go, move and change with a build, each with the host calls that FORMATS 1 wants, from the
//! right thread in the right phase, and no others.

use clap_sys::ext::params::{
    CLAP_PARAM_IS_HIDDEN, CLAP_PARAM_RESCAN_ALL, CLAP_PARAM_RESCAN_INFO, CLAP_PARAM_RESCAN_TEXT,
    CLAP_PARAM_RESCAN_VALUES,
};
use hotshell_tests::{Call, Event, Fixture, Phase, Role, Scene, Setup, What, constant};

fn gainlike(features: &[&str]) -> Fixture {
    Fixture::new("fixture-gainlike", features)
}

/// Publishes, runs until it is heard, and answers what the host was told meanwhile.
fn told(scene: &mut Scene, features: &[&str]) -> Vec<Call> {
    let mark = scene.plugin.calls().mark();
    scene.publish_and_run(&gainlike(features).logic(), &constant(0.5)).assert_clean();
    scene.plugin.calls().since(mark)
}

fn whats(calls: &[Call]) -> Vec<What> {
    calls.iter().map(|call| call.what).collect()
}

fn names(scene: &mut Scene) -> Vec<String> {
    scene.plugin.params().into_iter().map(|p| p.name).collect()
}

fn set(scene: &mut Scene, name: &str, value: f64) {
    let id = scene.plugin.param(name).id;
    scene.plugin.block(128, &constant(0.5), &[Event::Param { time: 0, id, value, cookie: 0 }]);
}

/// Asserts a structural change: a restart was asked for, and the list was announced inside `deactivate`, once.
fn assert_restarted_with_rescan(calls: &[Call]) {
    assert_eq!(whats(calls), [What::RequestRestart, What::ParamsRescan(CLAP_PARAM_RESCAN_ALL)], "{calls:?}");
    assert_eq!((calls[1].role, calls[1].phase), (Role::Main, Phase::Deactivating));
}

#[test]
fn the_same_parameters_tell_the_host_nothing() {
    let mut scene = Scene::active(&gainlike(&[]));
    assert_eq!(told(&mut scene, &["loud"]), []);
    assert_eq!(scene.plugin.restarts, 0);
}

#[test]
fn an_added_parameter_is_appended_in_deactivate() {
    let mut scene = Scene::active(&gainlike(&[]));
    assert_eq!(names(&mut scene), ["Gain", "Tone", "Bypass"]);
    assert_restarted_with_rescan(&told(&mut scene, &["added"]));
    assert_eq!(names(&mut scene), ["Gain", "Tone", "Bypass", "Width"], "append-only");
    assert_eq!(scene.plugin.param("Width").value, 0.5);
    set(&mut scene, "Width", 0.75);
    assert_eq!(scene.plugin.param("Width").value, 0.75);
    assert_eq!(scene.plugin.restarts, 1);
}

#[test]
fn a_removed_parameter_stays_hidden_at_its_place_and_comes_back_with_its_value() {
    let mut scene = Scene::active(&gainlike(&[]));
    set(&mut scene, "Tone", -0.5);
    let place = scene.plugin.param("Tone");
    let calls = told(&mut scene, &["removed"]);
    assert_eq!(whats(&calls), [What::ParamsRescan(CLAP_PARAM_RESCAN_INFO)], "no restart: {calls:?}");
    assert_eq!(calls[0].role, Role::Main);
    let parked = scene.plugin.params()[1].clone();
    assert_eq!((parked.id, parked.value), (place.id, -0.5), "the tombstone keeps place, id and value");
    assert!(parked.flags.bits() & CLAP_PARAM_IS_HIDDEN != 0, "hidden: {:?}", parked.flags);
    let saved = scene.plugin.save().expect("saves");
    let calls = told(&mut scene, &[]);
    assert_eq!(whats(&calls), [What::ParamsRescan(CLAP_PARAM_RESCAN_INFO)], "{calls:?}");
    let back = scene.plugin.param("Tone");
    assert_eq!((back.value, back.flags), (-0.5, place.flags));
    set(&mut scene, "Tone", 0.5);
    assert!(scene.plugin.load(&saved));
    assert_eq!(scene.plugin.param("Tone").value, -0.5, "a state saved while it was gone still holds it");
}

#[test]
fn another_order_in_the_source_moves_nothing_in_the_hosts_list() {
    let mut scene = Scene::active(&gainlike(&[]));
    set(&mut scene, "Tone", 0.25);
    assert_eq!(told(&mut scene, &["reordered"]), []);
    assert_eq!(names(&mut scene), ["Gain", "Tone", "Bypass"]);
    assert_eq!(scene.plugin.param("Tone").value, 0.25);
}

#[test]
fn another_range_is_announced_in_deactivate_and_the_value_is_clamped() {
    let mut scene = Scene::active(&gainlike(&[]));
    set(&mut scene, "Gain", 1.5);
    let calls = told(&mut scene, &["ranged"]);
    // The value moves at once, with the code; the range is announced when the host allows it.
    let wanted = [
        What::RequestRestart,
        What::ParamsRescan(CLAP_PARAM_RESCAN_VALUES),
        What::ParamsRescan(CLAP_PARAM_RESCAN_ALL),
    ];
    assert_eq!(whats(&calls), wanted, "{calls:?}");
    assert_eq!((calls[1].role, calls[2].phase), (Role::Main, Phase::Deactivating));
    let gain = scene.plugin.param("Gain");
    assert_eq!((gain.min, gain.max, gain.value), (0.0, 0.5, 0.5));
}

#[test]
fn a_value_equal_to_the_old_default_follows_the_new_one() {
    let mut scene = Scene::active(&gainlike(&[]));
    let calls = told(&mut scene, &["defaulted"]);
    assert!(calls.iter().any(|c| c.what == What::ParamsRescan(CLAP_PARAM_RESCAN_ALL)), "{calls:?}");
    let gain = scene.plugin.param("Gain");
    assert_eq!((gain.default, gain.value), (0.5, 0.5));
    assert!((scene.block(&constant(0.5)).channels[0][127] - 0.25).abs() < 1e-6, "and is heard");
}

#[test]
fn a_value_that_was_set_does_not_follow_the_new_default() {
    let mut scene = Scene::active(&gainlike(&[]));
    set(&mut scene, "Gain", 1.25);
    told(&mut scene, &["defaulted"]);
    let gain = scene.plugin.param("Gain");
    assert_eq!((gain.default, gain.value), (0.5, 1.25));
}

#[test]
fn another_name_is_told_at_once_without_a_restart() {
    let mut scene = Scene::active(&gainlike(&[]));
    let calls = told(&mut scene, &["renamed"]);
    assert_eq!(whats(&calls), [What::ParamsRescan(CLAP_PARAM_RESCAN_INFO)], "{calls:?}");
    assert_eq!(calls[0].role, Role::Main);
    assert_eq!(names(&mut scene)[0], "Volume");
}

#[test]
fn another_text_of_the_same_value_is_told_at_once() {
    let mut scene = Scene::active(&gainlike(&[]));
    let id = scene.plugin.param("Gain").id;
    let before = scene.plugin.text(id, 1.0).expect("a text");
    let calls = told(&mut scene, &["retexted"]);
    let flags = calls.iter().fold(0, |flags, call| match call.what {
        What::ParamsRescan(more) => flags | more,
        other => panic!("{other:?} for another text"),
    });
    assert!(flags & CLAP_PARAM_RESCAN_TEXT != 0, "{calls:?}");
    assert_eq!(flags & (CLAP_PARAM_RESCAN_ALL | CLAP_PARAM_RESCAN_VALUES), 0, "{calls:?}");
    let after = scene.plugin.text(id, 1.0).expect("a text");
    assert!(before != after && after.contains('%'), "{before} and {after}");
}

#[test]
fn a_reload_never_marks_the_project_dirty_and_never_clears_automation() {
    let mut scene = Scene::active(&gainlike(&[]));
    for features in [&["added"][..], &["removed"], &["ranged"], &[]] {
        told(&mut scene, features);
    }
    let bad = |call: &Call| matches!(call.what, What::MarkDirty | What::ParamsClear(_));
    assert_eq!(scene.plugin.calls().list().into_iter().find(bad), None);
}

#[test]
fn no_host_call_of_any_of_this_comes_from_a_wrong_thread() {
    let mut scene = Scene::active(&gainlike(&[]));
    for features in [&["added"][..], &["removed"], &["ranged"], &["renamed"], &[]] {
        told(&mut scene, features);
    }
    let main_only = |call: &Call| matches!(call.what, What::ParamsRescan(_) | What::LatencyChanged);
    let calls = scene.plugin.calls().list();
    assert!(calls.iter().any(main_only));
    assert_eq!(calls.iter().find(|call| main_only(call) && call.role != Role::Main), None);
}

#[test]
fn a_host_that_never_restarts_hears_the_new_code_and_keeps_the_old_list() {
    let mut scene = Scene::active(&gainlike(&[]));
    scene.plugin.obeys_restart = false;
    let before = names(&mut scene);
    scene.publish_and_run(&gainlike(&["added", "loud"]).logic(), &constant(0.25)).assert_clean();
    assert_eq!(names(&mut scene), before, "the announced list holds until the host deactivates");
    assert!(
        (scene.block(&constant(0.25)).channels[0][127] - 0.5).abs() < 1e-6,
        "the code is the new build's"
    );
    scene.plugin.deactivate();
    scene.plugin.activate(Setup::default());
    assert_eq!(scene.plugin.restarts, 0);
    assert_eq!(names(&mut scene).last().map(String::as_str), Some("Width"));
}

#[test]
fn values_of_unknown_ids_foreign_spaces_and_beyond_the_range_do_no_harm() {
    let mut scene = Scene::active(&gainlike(&[]));
    let gain = scene.plugin.param("Gain");
    let events = [
        Event::Foreign { time: 0, id: gain.id, value: 0.0 },
        Event::Param { time: 1, id: gain.id ^ 0x55, value: 0.0, cookie: 0 },
        Event::Param { time: 2, id: gain.id, value: f64::NAN, cookie: 0 },
        Event::Param { time: 3, id: gain.id, value: 1e300, cookie: usize::MAX },
    ];
    let block = scene.plugin.block(128, &constant(0.5), &events);
    assert_eq!(block.outcome.not_finite, 0);
    assert_eq!(scene.plugin.value(gain.id), Some(2.0), "clamped, and found without its cookie");
}
