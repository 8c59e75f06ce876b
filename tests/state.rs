//! A saved state: all or nothing, deterministic, older versions made current, junk refused.

use hotshell_tests::{Event, Fixture, Scene, constant, plant};

fn stateful(features: &[&str]) -> Fixture {
    Fixture::new("fixture-stateful", features)
}

fn set(scene: &mut Scene, value: f64) {
    let id = scene.plugin.param("Amount").id;
    scene.plugin.block(128, &constant(0.0), &[Event::Param { time: 0, id, value, cookie: 0 }]);
}

fn amount(scene: &mut Scene) -> f64 {
    scene.plugin.param("Amount").value
}

#[test]
fn a_state_loads_what_it_saved_and_the_next_block_plays_it() {
    let mut scene = Scene::active(&stateful(&[]));
    set(&mut scene, 0.25);
    let saved = scene.plugin.save().expect("saves");
    set(&mut scene, 0.75);
    assert!(scene.plugin.load(&saved));
    assert!((amount(&mut scene) - 0.25).abs() < f64::EPSILON);
    assert!((scene.block(&constant(0.0)).channels[0][0] - 0.25).abs() < 1e-6);
}

#[test]
fn the_same_values_give_the_same_bytes_in_another_instance() {
    let mut scenes = [Scene::active(&stateful(&[])), Scene::active(&stateful(&[]))];
    let saved = scenes.each_mut().map(|scene| {
        set(scene, 0.125);
        scene.plugin.save().expect("saves")
    });
    assert_eq!(saved[0], saved[1]);
}

#[test]
fn a_state_of_an_older_version_is_made_current() {
    let mut old = Scene::active(&stateful(&[]));
    set(&mut old, 0.25);
    let saved = old.plugin.save().expect("saves");
    let mut new = Scene::active(&stateful(&["v2"]));
    assert!(new.plugin.load(&saved));
    assert!((amount(&mut new) - 0.75).abs() < 1e-12, "version 2 counts in the other direction");
    let again = new.plugin.save().expect("saves");
    assert!(new.plugin.load(&again));
    assert!((amount(&mut new) - 0.75).abs() < 1e-12, "its own states are current already");
}

#[test]
fn a_reload_to_another_state_version_moves_no_value() {
    let mut scene = Scene::active(&stateful(&[]));
    set(&mut scene, 0.25);
    scene.publish_and_run(&stateful(&["v2"]).logic(), &constant(0.0)).assert_clean();
    assert!((amount(&mut scene) - 0.25).abs() < f64::EPSILON, "only a saved state is migrated");
}

#[test]
fn a_state_that_was_cut_short_or_damaged_is_refused_or_harmless() {
    let mut scene = Scene::active(&stateful(&[]));
    set(&mut scene, 0.25);
    let saved = scene.plugin.save().expect("saves");
    set(&mut scene, 0.75);
    for length in 0..saved.len() {
        assert!(!scene.plugin.load(&saved[..length]), "{length} of {} bytes are no state", saved.len());
        assert!((amount(&mut scene) - 0.75).abs() < f64::EPSILON, "nothing was changed");
    }
    for place in 0..saved.len() {
        let mut damaged = saved.clone();
        damaged[place] ^= 0xff;
        // Whether it is refused or means something else: the value stays one that the parameter can have.
        let loaded = scene.plugin.load(&damaged);
        let value = amount(&mut scene);
        assert!(value.is_finite() && (0.0..=1.0).contains(&value), "byte {place}: {value}");
        assert!(loaded || (value - 0.75).abs() < f64::EPSILON, "refused, and yet changed at byte {place}");
        set(&mut scene, 0.75);
    }
    assert!(scene.plugin.load(&saved));
}

#[test]
fn junk_is_refused() {
    let mut scene = Scene::active(&stateful(&[]));
    let junk: [&[u8]; 5] = [&[], b"hello", &[0; 1000], &[0xff; 1000], b"{\"params\":{}}"];
    for bytes in junk {
        assert!(!scene.plugin.load(bytes), "{bytes:?}");
    }
    assert_eq!(scene.block(&constant(0.0)).outcome.unwritten, 0);
}

fn value(scene: &mut Scene, value: f64) {
    let id = scene.plugin.param("Trigger").id;
    scene.plugin.block(128, &constant(0.0), &[Event::Param { time: 0, id, value, cookie: 0 }]);
}

/// A build that refuses every state, and a saved one that it has refused.
fn refused() -> (Scene, Vec<u8>) {
    let mut scene = Scene::active(&plant::fixture());
    value(&mut scene, 0.75);
    let saved = scene.plugin.save().expect("saves");
    value(&mut scene, 0.25);
    let build = plant::logic(&scene.slot, "refuse");
    scene.publish_and_run(&build, &constant(0.0)).assert_clean();
    assert!(!scene.plugin.load(&saved), "the host sees that it was refused");
    assert!((scene.plugin.param("Trigger").value - 0.25).abs() < f64::EPSILON, "nothing was changed");
    (scene, saved)
}

#[test]
fn a_state_that_a_build_refused_is_what_a_save_writes_and_the_next_build_loads() {
    let (mut scene, saved) = refused();
    assert_eq!(scene.plugin.save().as_deref(), Some(&saved[..]), "a save in between loses nothing");
    let build = plant::logic(&scene.slot, "better");
    scene.publish_and_run(&build, &constant(0.0)).assert_clean();
    scene
        .plugin
        .wait_until("the state", |plugin| (plugin.param("Trigger").value - 0.75).abs() < f64::EPSILON);
    assert_eq!(scene.plugin.save().as_deref(), Some(&saved[..]));
}

#[test]
fn who_goes_on_working_means_what_he_sees_and_not_the_state_that_was_refused() {
    let (mut scene, saved) = refused();
    value(&mut scene, 0.5);
    assert_ne!(scene.plugin.save().as_deref(), Some(&saved[..]));
    let build = plant::logic(&scene.slot, "better");
    scene.publish_and_run(&build, &constant(0.0)).assert_clean();
    scene.plugin.wait_until("the report", |plugin| {
        plugin.calls().lines().iter().any(|line| line.contains("something was changed since"))
    });
    assert!((scene.plugin.param("Trigger").value - 0.5).abs() < f64::EPSILON);
}

/// Every state that a released format has ever written loads, and means what it meant. `HOTSHELL_WRITE_GOLDEN=1` writes
/// those of the format of the day, once, when it is released.
#[test]
fn golden_states_of_every_released_format_load() {
    let folder = hotshell_tests::fixture::workspace().join("tests/golden");
    let golden: [(Fixture, &str, f64); 3] = [
        (stateful(&[]), "Amount", 0.625),
        (Fixture::new("fixture-gainlike", &[]), "Gain", 1.25),
        (plant::fixture(), "Trigger", 0.75),
    ];
    for (fixture, name, wanted) in golden {
        let file = folder.join(format!("1-{}.state", name.to_lowercase()));
        let mut scene = Scene::active(&fixture);
        let id = scene.plugin.param(name).id;
        if std::env::var_os("HOTSHELL_WRITE_GOLDEN").is_some() {
            scene.plugin.block(
                128,
                &constant(0.0),
                &[Event::Param { time: 0, id, value: wanted, cookie: 0 }],
            );
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(&file, scene.plugin.save().expect("saves")).expect("written");
            scene = Scene::active(&fixture);
        }
        let bytes = std::fs::read(&file).expect("the golden state is there");
        assert!(scene.plugin.load(&bytes), "{}", file.display());
        assert_eq!(scene.plugin.value(id), Some(wanted));
        assert_eq!(
            scene.plugin.save().as_deref(),
            Some(&bytes[..]),
            "{} is what is written today",
            file.display()
        );
    }
}
