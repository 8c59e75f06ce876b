//! The examples' editors in real windows: they draw, and what is done to them arrives.

use clap_sys::events::{
    CLAP_EVENT_PARAM_GESTURE_BEGIN, CLAP_EVENT_PARAM_GESTURE_END, CLAP_EVENT_PARAM_VALUE,
};
use hotshell_tests::scene::Instance;
use hotshell_tests::{Fixture, HostOptions, Picture, Scene, Screen, Setup, TestSlot, constant};

/// Keeps a picture for a person to look at, if he asked for it.
fn keep(picture: &Picture, name: &str) {
    if std::env::var_os("HOTSHELL_TESTS_PICTURES").is_some() {
        picture.save(name);
    }
}

/// The gain with its window, which is a feature of it.
fn gain() -> Fixture {
    Fixture::new("gain", &["editor"])
}

/// The middle of the gain's knob.
const KNOB: (i16, i16) = (44, 50);

/// The last line of the gain's window: the number of the build. Nothing else is there.
fn number(picture: &Picture) -> Vec<u32> {
    let from = (picture.width * (picture.height - 48)) as usize;
    picture.pixels[from..].to_vec()
}

fn is_drawn(picture: &Picture) -> bool {
    picture.colours() > 100
}

/// At the foot of the meter's left bar.
const METER: (u32, u32) = (93, 120);

/// The meter lights up with the sound, and goes out with it.
fn meter_follows<I: Instance>(plugin: &mut I, screen: &Screen, child: u32) {
    for (level, lit) in [(0.0, false), (0.5, true), (0.0, false), (0.5, true)] {
        let signal = constant(level);
        plugin.wait_until(&format!("a meter at {level}"), |plugin| {
            plugin.block(512, &signal, &[]);
            let picture = screen.picture(child);
            let [_, red, green, _] = picture.at(METER.0, METER.1).to_be_bytes();
            lit == (green > 150 && green > red)
        });
    }
}

#[test]
fn the_gains_window_draws_is_turned_and_shows_the_next_build() {
    let screen = &*Screen::turn();
    let mut scene = Scene::open_with(&gain(), HostOptions::default(), TestSlot::new());
    let open = scene.plugin.open_editor(screen);
    scene.plugin.wait_until("a picture", |_| is_drawn(&screen.picture(open.child)));
    scene.plugin.activate(Setup { max_frames: 512, ..Setup::default() });
    keep(&screen.picture(open.child), "gain");
    let gain_id =
        scene.plugin.params().into_iter().find(|param| param.name == "Gain").expect("it has one").id;
    let mut pointer = screen.press(KNOB.0, KNOB.1);
    let mut kinds = Vec::new();
    scene.plugin.wait_until("a turn of the knob", |plugin| {
        pointer.up();
        let block = plugin.block(64, &constant(0.0), &[]);
        kinds.extend(block.sent.iter().map(|sent| sent.kind));
        plugin.value(gain_id).is_some_and(|value| value > 3.0)
    });
    drop(pointer);
    scene.plugin.wait_until("its end", |plugin| {
        let block = plugin.block(64, &constant(0.0), &[]);
        kinds.extend(block.sent.iter().map(|sent| sent.kind));
        let count = |kind| kinds.iter().filter(|k| **k == kind).count();
        let ends = count(CLAP_EVENT_PARAM_GESTURE_END);
        ends > 0 && ends == count(CLAP_EVENT_PARAM_GESTURE_BEGIN)
    });
    for gesture in kinds.split_inclusive(|kind| *kind == CLAP_EVENT_PARAM_GESTURE_END) {
        let [CLAP_EVENT_PARAM_GESTURE_BEGIN, between @ .., CLAP_EVENT_PARAM_GESTURE_END] = gesture else {
            panic!("no gesture: {kinds:?}");
        };
        assert!(between.iter().all(|kind| *kind == CLAP_EVENT_PARAM_VALUE), "{kinds:?}");
    }
    meter_follows(&mut scene.plugin, screen, open.child);
    let before = number(&screen.picture(open.child));
    scene.slot.publish(&gain().logic());
    scene.plugin.wait_until("the next build's number", |plugin| {
        plugin.block(64, &constant(0.0), &[]);
        let picture = screen.picture(open.child);
        is_drawn(&picture) && number(&picture) != before
    });
    scene.plugin.wait_until("one editor in it", |_| screen.children(open.child).len() == 1);
    assert_eq!(screen.children(open.parent), [open.child], "the same window");
    meter_follows(&mut scene.plugin, screen, open.child);
    keep(&screen.picture(open.child), "gain-after");
    scene.plugin.close_editor(screen, open);
}

#[test]
fn the_gains_window_does_the_same_in_a_vst3_host() {
    let screen = &*Screen::turn();
    let mut scene = Scene::vst3(&gain());
    let view = scene.plugin.open_view(screen);
    let open = view.window;
    scene.plugin.wait_until("a picture", |_| is_drawn(&screen.picture(open.child)));
    let mut pointer = screen.press(KNOB.0, KNOB.1);
    scene.plugin.wait_until("a turn of the knob", |plugin| {
        pointer.up();
        view.tick();
        plugin.edits().contains(&"perform")
    });
    drop(pointer);
    scene.plugin.wait_until("its end", |plugin| {
        view.tick();
        let count = |what| plugin.edits().iter().filter(|edit| **edit == what).count();
        count("end") > 0 && count("end") == count("begin")
    });
    let edits = scene.plugin.edits();
    for gesture in edits.split_inclusive(|edit| *edit == "end") {
        let ["begin", between @ .., "end"] = gesture else { panic!("no gesture: {edits:?}") };
        assert!(between.iter().all(|edit| *edit == "perform"), "{edits:?}");
    }
    let before = number(&screen.picture(open.child));
    scene.slot.publish(&gain().logic());
    scene.plugin.wait_until("the next build's number", |_| {
        view.tick();
        let picture = screen.picture(open.child);
        is_drawn(&picture) && number(&picture) != before
    });
    scene.plugin.activate(Setup { max_frames: 512, ..Setup::default() });
    meter_follows(&mut scene.plugin, screen, open.child);
    assert_eq!(screen.children(open.parent), [open.child], "the same window");
    view.close(screen);
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
