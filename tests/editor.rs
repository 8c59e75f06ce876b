//! An editor in a real window, seen from a CLAP host: the window stays while the code in it changes.


use hotshell_tests::{Fixture, HostOptions, Picture, Scene, Screen, TestSlot, Window};

const RED: u32 = 0x00b0_2020;
const GREEN: u32 = 0x0020_9030;

fn window(features: &[&str]) -> Fixture {
    Fixture::new("fixture-window", features)
}

/// A plug-in of build 0, and its editor on the screen.
fn open(screen: &Screen) -> (Scene, Window) {
    let mut scene = Scene::open_with(&window(&[]), HostOptions::default(), TestSlot::new());
    let open = scene.plugin.open_editor(screen);
    see(&mut scene, screen, open, RED);
    (scene, open)
}

/// Waits until the window is mostly of one colour.
fn see(scene: &mut Scene, screen: &Screen, window: Window, colour: u32) -> Picture {
    scene.plugin.wait_until(&format!("a window of colour {colour:06x}"), |_| {
        screen.picture(window.child).is_mostly(colour)
    });
    screen.picture(window.child)
}

#[test]
fn the_window_stays_while_its_code_changes() {
    let screen = Screen::get();
    let (mut scene, window_of_host) = open(screen);
    let before = screen.picture(window_of_host.child);
    assert!(before.colours() > 3, "a slider and words: {before:?}");
    scene.slot.publish(&window(&["v2"]).logic());
    let after = see(&mut scene, screen, window_of_host, GREEN);
    assert!(after.colours() > 3, "a slider and words: {after:?}");
    assert_eq!(screen.children(window_of_host.parent), [window_of_host.child], "the same window");
    scene.plugin.wait_until("one editor in it", |_| screen.children(window_of_host.child).len() == 1);
    if let Some(name) = std::env::var_os("HOTSHELL_TESTS_PICTURES") {
        before.save(&format!("{}-before", name.display()));
        after.save(&format!("{}-after", name.display()));
    }
    scene.plugin.close_editor(screen, window_of_host);
}
