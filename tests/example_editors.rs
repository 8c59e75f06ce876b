//! The examples' editors in real windows: they draw, and what is done to them arrives.

use clap_sys::events::{
    CLAP_EVENT_PARAM_GESTURE_BEGIN, CLAP_EVENT_PARAM_GESTURE_END, CLAP_EVENT_PARAM_VALUE,
};
use hotshell_tests::{Fixture, HostOptions, Picture, Scene, Screen, Setup, TestSlot, constant};

/// Keeps a picture for a person to look at, if he asked for it.
fn keep(picture: &Picture, name: &str) {
    if std::env::var_os("HOTSHELL_TESTS_PICTURES").is_some() {
        picture.save(&format!("hotshell-{name}"));
    }
}

#[test]
fn the_synths_own_drawing_follows_its_parameters_and_moves_them() {
    let screen = &*Screen::turn();
    let mut scene = Scene::open_with(&Fixture::new("synth", &[]), HostOptions::default(), TestSlot::new());
    let open = scene.plugin.open_editor(screen);
    scene.plugin.wait_until("a picture", |_| screen.picture(open.child).colours() > 100);
    scene.plugin.activate(Setup::default());
    let before = screen.picture(open.child);
    keep(&before, "synth");
    let gain = scene.plugin.params().into_iter().find(|param| param.name == "Gain").expect("it has one");
    let value = scene.plugin.value(gain.id);
    // The filter's handle.
    let mut pointer = screen.press(500, 150);
    let mut kinds = Vec::new();
    scene.plugin.wait_until("an edit", |plugin| {
        pointer.right();
        let block = plugin.block(64, &constant(0.0), &[]);
        kinds.extend(block.sent.iter().map(|sent| sent.kind));
        kinds.contains(&CLAP_EVENT_PARAM_VALUE)
    });
    drop(pointer);
    scene.plugin.wait_until("its end", |plugin| {
        let block = plugin.block(64, &constant(0.0), &[]);
        kinds.extend(block.sent.iter().map(|sent| sent.kind));
        let count = |kind| kinds.iter().filter(|k| **k == kind).count();
        count(CLAP_EVENT_PARAM_GESTURE_END) == count(CLAP_EVENT_PARAM_GESTURE_BEGIN)
    });
    assert_eq!(scene.plugin.value(gain.id), value, "nothing else moved");
    scene.plugin.wait_until("another picture", |_| screen.picture(open.child) != before);
    keep(&screen.picture(open.child), "synth-after");
    scene.plugin.close_editor(screen, open);
}
