//! An editor on a desktop: sizes that anybody may change, scales, the keyboard, and a window of its own.

use std::time::{Duration, Instant};

use hotshell_abi::describe::param_host_id;
use hotshell_tests::{Event, Fixture, HostOptions, Picture, Plugin, Scene, Screen, TestSlot, Window};

const RED: u32 = 0x00b0_2020;
const GREEN: u32 = 0x0020_9030;

/// Until then a click may still be on its way to the toolkit.
const AGAIN: Duration = Duration::from_secs(5);

/// The fixture's moods.
const WRITES: f64 = 4.0;
const GROWS: f64 = 6.0;
const FOLDS: f64 = 9.0;

/// Codes of keys.
const A: u8 = 38;
const SPACE: u8 = 65;

fn scene() -> Scene {
    Scene::open_with(&Fixture::new("fixture-window", &[]), HostOptions::default(), TestSlot::new())
}

fn set_mood(plugin: &mut Plugin, value: f64) {
    let id = param_host_id("mood");
    plugin.flush(&[Event::Param { time: 0, id, value, cookie: 0 }]);
}

fn see(plugin: &mut Plugin, screen: &Screen, window: Window) -> Picture {
    plugin.wait_until("the editor", |_| {
        screen.try_picture(window.child).is_some_and(|picture| picture.is_mostly(RED))
    });
    screen.picture(window.child)
}

/// Waits until the proxy's window has the first size, and the author's in it the second.
fn see_sizes(plugin: &mut Plugin, screen: &Screen, window: Window, outer: (u32, u32), inner: (u32, u32)) {
    plugin.wait_until(&format!("{inner:?} in {outer:?}"), |_| {
        let editors = screen.children(window.child);
        screen.size(window.child) == outer && editors.len() == 1 && screen.try_size(editors[0]) == Some(inner)
    });
}

#[test]
fn a_host_that_resizes_its_window_and_says_nothing_is_followed_inside_the_limits() {
    let screen = &*Screen::turn();
    let mut scene = scene();
    let open = scene.plugin.open_editor(screen);
    see(&mut scene.plugin, screen, open);
    for (size, inside) in [((500, 300), (500, 300)), ((900, 650), (800, 600)), ((150, 80), (200, 100))] {
        screen.resize(open.parent, size.0, size.1);
        see_sizes(&mut scene.plugin, screen, open, size, inside);
        assert_eq!(scene.plugin.editor_size(), size, "and the plug-in knows");
    }
    scene.plugin.force_editor(screen, open, 320, 160);
    see_sizes(&mut scene.plugin, screen, open, (320, 160), (320, 160));
    assert_eq!(scene.plugin.sizes_asked(), [], "nobody argues with the host");
    scene.plugin.close_editor(screen, open);
}

#[test]
fn an_editor_that_wants_another_size_asks_the_host_once() {
    let screen = &*Screen::turn();
    let mut scene = scene();
    set_mood(&mut scene.plugin, GROWS);
    let open = scene.plugin.open_editor(screen);
    see_sizes(&mut scene.plugin, screen, open, (400, 200), (400, 200));
    assert_eq!(scene.plugin.sizes_asked(), [(400, 200)]);
    scene.plugin.close_editor(screen, open);
}

#[test]
fn a_host_may_say_the_scale_before_and_after_there_is_a_window() {
    let screen = &*Screen::turn();
    let mut scene = scene();
    scene.plugin.create_editor();
    assert!(scene.plugin.scale_editor(2.0));
    assert_eq!(scene.plugin.editor_size(), (640, 320));
    let open = scene.plugin.attach_editor(screen);
    see(&mut scene.plugin, screen, open);
    see_sizes(&mut scene.plugin, screen, open, (640, 320), (640, 320));
    assert!(!scene.plugin.scale_editor(0.0), "no scale");
    assert!(scene.plugin.scale_editor(1.5));
    assert_eq!(scene.plugin.sizes_asked(), [(480, 240)]);
    see_sizes(&mut scene.plugin, screen, open, (480, 240), (480, 240));
    see(&mut scene.plugin, screen, open);
    scene.plugin.close_editor(screen, open);
}

/// What the editor looks like, at rest.
fn look(screen: &Screen, scale: Option<f64>, like: Option<&Picture>) -> Picture {
    screen.point(1000, 700);
    let mut scene = scene();
    scene.plugin.create_editor();
    if let Some(scale) = scale {
        assert!(scene.plugin.scale_editor(scale));
    }
    let open = scene.plugin.attach_editor(screen);
    let mut picture = see(&mut scene.plugin, screen, open);
    if like.is_none() {
        // What the others are compared with is no picture on its way to the last one.
        let mut same = 0;
        scene.plugin.wait_until("a picture that stays", |_| {
            let now = screen.picture(open.child);
            same = if now == picture { same + 1 } else { 0 };
            picture = now;
            same > 100
        });
    }
    if let Some(like) = like {
        scene.plugin.wait_until("the same picture", |_| {
            picture = screen.picture(open.child);
            picture == *like
        });
    }
    scene.plugin.close_editor(screen, open);
    picture
}

#[test]
fn the_hosts_scale_counts_and_else_the_desktops() {
    let screen = &*Screen::turn();
    let (single, double) = (look(screen, Some(1.0), None), look(screen, Some(2.0), None));
    let _resources = screen.resources("Xft.dpi:\t192\n");
    look(screen, None, Some(&double));
    look(screen, Some(2.0), Some(&double));
    look(screen, Some(1.0), Some(&single));
}

#[test]
fn a_text_field_has_the_keyboard_while_it_is_used_and_the_host_before_and_after() {
    let screen = &*Screen::turn();
    let mut scene = scene();
    let open = scene.plugin.open_editor(screen);
    see(&mut scene.plugin, screen, open);
    set_mood(&mut scene.plugin, WRITES);
    screen.give_keyboard(open.parent);
    let id = param_host_id("mix");
    // Until the toolkit has understood the click, what is typed is the host's.
    scene.plugin.wait_until("something is typed", |plugin| {
        screen.click(100, 18);
        screen.type_key(A);
        plugin.value(id).is_some_and(|mix| mix < 0.49)
    });
    screen.keys();
    let before = scene.plugin.value(id);
    // The first may take the place of what the clicks have selected.
    scene.plugin.wait_until("more letters", |plugin| {
        screen.type_key(A);
        plugin.value(id) > before
    });
    assert!(screen.keys().is_empty(), "nothing for the host");
    set_mood(&mut scene.plugin, 0.0);
    scene.plugin.wait_until("the host has it back", |_| screen.focus() == open.parent);
    scene.plugin.close_editor(screen, open);
}

#[test]
fn keys_that_a_vst3_host_passes_on_reach_a_text_field_and_nothing_else() {
    let screen = &*Screen::turn();
    let mut scene = Scene::vst3(&Fixture::new("fixture-window", &[]));
    let view = scene.plugin.open_view(screen);
    let open = view.window;
    scene.plugin.wait_until("the editor", |_| screen.picture(open.child).is_mostly(RED));
    assert!(!view.key('x'), "a slider has no use for it");
    let (mood, mix) = (param_host_id("mood"), param_host_id("mix"));
    assert!(scene.plugin.set_normalised(mood, scene.plugin.normalised(mood, WRITES)));
    scene.plugin.wait_until("the text field takes keys", |_| {
        screen.click(100, 18);
        view.key('x')
    });
    // The first may take the place of what the clicks have selected.
    for what in ["a letter", "another"] {
        let before = scene.plugin.value(mix);
        scene.plugin.wait_until(what, |plugin| {
            assert!(view.key('x'));
            (plugin.value(mix) - before).abs() > 1e-6
        });
    }
    view.close(screen);
}

/// The space bar starts the host's transport, also after a click, with the pointer on the editor.
fn space_is_the_hosts(fixture: &Fixture, at: (i16, i16)) {
    let screen = &*Screen::turn();
    let mut scene = Scene::open_with(fixture, HostOptions::default(), TestSlot::new());
    // The pointer is there already when the window opens, and nobody has the keyboard yet.
    screen.take_keyboard();
    screen.point(at.0, at.1);
    let open = scene.plugin.open_editor(screen);
    scene.plugin.wait_until("a picture", |_| screen.try_picture(open.child).is_some_and(|p| p.colours() > 3));
    screen.give_keyboard(open.parent);
    screen.click(at.0, at.1);
    let mut keys = Vec::new();
    scene.plugin.wait_until("the host's window gets the key", |_| {
        screen.type_key(SPACE);
        keys.extend(screen.keys());
        keys.contains(&SPACE) && screen.focus() == open.parent
    });
    scene.plugin.close_editor(screen, open);
}

#[test]
fn the_space_bar_is_the_hosts_after_a_click() {
    space_is_the_hosts(&Fixture::new("fixture-window", &[]), (100, 18));
}

#[test]
fn the_same_with_an_editor_that_draws_by_itself() {
    space_is_the_hosts(&Fixture::new("synth", &[]), (500, 150));
}

#[test]
fn a_floating_editor_has_a_window_of_its_own() {
    let screen = &*Screen::turn();
    let mut scene = scene();
    let host = screen.window(100, 100);
    let float = scene.plugin.float_editor(screen, host, c"Gain on track 1");
    let open = Window { parent: float, child: screen.children(float)[0] };
    see(&mut scene.plugin, screen, open);
    assert_eq!(screen.property(float, "WM_TRANSIENT_FOR"), host.to_ne_bytes());
    assert_eq!(screen.property(float, "_NET_WM_NAME"), b"Gain on track 1");
    screen.resize(float, 500, 300);
    see_sizes(&mut scene.plugin, screen, open, (500, 300), (500, 300));
    screen.ask_to_close(float);
    scene.plugin.wait_until("the host is told", |plugin| plugin.windows_closed() == 1);
    assert!(!screen.is_seen(float), "and it is gone from the screen");
    scene.plugin.show_editor(true);
    see(&mut scene.plugin, screen, open);
    scene.plugin.abandon_editor();
    scene.plugin.wait_until("nothing is left", |_| !screen.toplevels().contains(&float));
    screen.destroy(host);
}

/// A hand that clicks at the fixture's header until it is unfolded.
struct Click(Option<Instant>);

impl Click {
    fn again(&mut self, screen: &Screen) {
        if self.0.is_none_or(|last| last.elapsed() > AGAIN) {
            screen.click(30, 18);
            self.0 = Some(Instant::now());
        }
    }
}

#[test]
fn what_is_unfolded_stays_so_over_a_swap_and_in_the_next_window() {
    let screen = &*Screen::turn();
    let mut scene = scene();
    let id = param_host_id("mix");
    set_mood(&mut scene.plugin, FOLDS);
    let mut open = scene.plugin.open_editor(screen);
    see(&mut scene.plugin, screen, open);
    assert_eq!(scene.plugin.value(id), Some(0.5), "it is folded");
    let mut click = Click(None);
    scene.plugin.wait_until("it unfolds", |plugin| {
        click.again(screen);
        plugin.value(id) == Some(0.75)
    });
    let unfolded = |plugin: &mut Plugin, when: &str| {
        plugin.flush(&[Event::Param { time: 0, id, value: 0.25, cookie: 0 }]);
        plugin.wait_until(when, |plugin| plugin.value(id) == Some(0.75));
    };
    // One whose editor fails comes in between, as it does to an author.
    scene.slot.publish(&Fixture::new("fixture-window", &["v2", "panics"]).logic());
    scene.plugin.wait_until("an editor that fails", |plugin| {
        plugin.calls().lines().iter().any(|line| line.contains("drawn badly"))
    });
    scene.slot.publish(&Fixture::new("fixture-window", &["v2"]).logic());
    scene.plugin.wait_until("the next build's window, and no other", |_| {
        screen.try_picture(open.child).is_some_and(|picture| picture.is_mostly(GREEN))
            && screen.children(open.child).len() == 1
    });
    unfolded(&mut scene.plugin, "it is unfolded in the next build's window");
    scene.plugin.close_editor(screen, open);
    open = scene.plugin.open_editor(screen);
    unfolded(&mut scene.plugin, "it is unfolded in the user's next window");
    scene.plugin.close_editor(screen, open);
}

#[test]
fn what_is_unfolded_stays_so_in_a_vst3_host() {
    let screen = &*Screen::turn();
    let mut scene = Scene::vst3(&Fixture::new("fixture-window", &[]));
    let (mood, mix) = (param_host_id("mood"), param_host_id("mix"));
    assert!(scene.plugin.set_normalised(mood, scene.plugin.normalised(mood, FOLDS)));
    let view = scene.plugin.open_view(screen);
    let open = view.window;
    scene.plugin.wait_until("the editor", |_| screen.picture(open.child).is_mostly(RED));
    let mut click = Click(None);
    scene.plugin.wait_until("it unfolds", |plugin| {
        click.again(screen);
        view.tick();
        plugin.value(mix) == 0.75
    });
    scene.slot.publish(&Fixture::new("fixture-window", &["v2"]).logic());
    scene.plugin.wait_until("the next build's window, and no other", |_| {
        view.tick();
        screen.try_picture(open.child).is_some_and(|picture| picture.is_mostly(GREEN))
            && screen.children(open.child).len() == 1
    });
    assert!(scene.plugin.set_normalised(mix, 0.25));
    scene.plugin.wait_until("it is unfolded in the next build's window", |plugin| {
        view.tick();
        plugin.value(mix) == 0.75
    });
    view.close(screen);
}
