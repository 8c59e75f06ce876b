//! An editor in a real window, seen from a CLAP host: the window stays while the code in it changes.

use std::time::{Duration, Instant};

use clap_sys::events::{
    CLAP_EVENT_PARAM_GESTURE_BEGIN, CLAP_EVENT_PARAM_GESTURE_END, CLAP_EVENT_PARAM_VALUE,
};
use hotshell_tests::{
    Bundle, Fixture, HostOptions, Picture, Plugin, Scene, Scope, Screen, Setup, TestSlot, What, Window,
    constant,
};

const RED: u32 = 0x00b0_2020;
const GREEN: u32 = 0x0020_9030;
/// The ground of the proxy's own words.
const STRIP: u32 = 0x0026_222b;

/// What main may lose in a call while something is held elsewhere: `GUI_LOCK_WAIT`, and much for a busy machine.
const SHORT: Duration = Duration::from_secs(3);

fn window(features: &[&str]) -> Fixture {
    Fixture::new("fixture-window", features)
}

fn scene(features: &[&str], options: HostOptions) -> Scene {
    Scene::open_with(&window(features), options, TestSlot::new())
}

/// A plug-in of build 0, and its editor on the screen.
fn open(screen: &Screen) -> (Scene, Window) {
    let mut scene = scene(&[], HostOptions::default());
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

/// Keeps a picture for a person to look at, if he asked for it.
fn keep(picture: &Picture, name: &str) {
    if std::env::var_os("HOTSHELL_TESTS_PICTURES").is_some() {
        picture.save(&format!("hotshell-{name}"));
    }
}

#[test]
fn the_window_stays_while_its_code_changes() {
    let screen = &*Screen::turn();
    let (mut scene, open) = open(screen);
    let before = screen.picture(open.child);
    assert!(before.colours() > 3, "a slider and words: {before:?}");
    scene.slot.publish(&window(&["v2"]).logic());
    let after = see(&mut scene, screen, open, GREEN);
    assert!(after.colours() > 3, "a slider and words: {after:?}");
    assert_eq!(screen.children(open.parent), [open.child], "the same window");
    scene.plugin.wait_until("one editor in it", |_| screen.children(open.child).len() == 1);
    keep(&before, "before");
    keep(&after, "after");
    scene.plugin.close_editor(screen, open);
}

#[test]
fn a_kept_proportion_is_kept_where_the_user_drags_the_window() {
    let screen = &*Screen::turn();
    let mut scene = scene(&["aspect"], HostOptions::default());
    let open = scene.plugin.open_editor(screen);
    // The same sizes as in `vst3_views`.
    for (wanted, becomes) in [((420, 160), (400, 200)), ((320, 360), (400, 200)), ((5000, 5000), (800, 400))]
    {
        assert_eq!(scene.plugin.resize_editor(screen, open, wanted.0, wanted.1), becomes, "{wanted:?}");
    }
    scene.plugin.close_editor(screen, open);
}

#[test]
fn the_same_in_a_vst3_host() {
    let screen = &*Screen::turn();
    let mut scene = Scene::vst3(&window(&[]));
    let view = scene.plugin.open_view(screen);
    let open = view.window;
    scene.plugin.wait_until("the first picture", |_| screen.picture(open.child).is_mostly(RED));
    assert!(!view.key(' '), "no text field has the focus: the key is the host's");
    let mut pointer = screen.press(100, 18);
    scene.plugin.wait_until("the host hears of it", |plugin| {
        pointer.right();
        view.tick();
        plugin.edits().contains(&"perform")
    });
    drop(pointer);
    scene.plugin.wait_until("and of its end", |plugin| {
        view.tick();
        let count = |what| plugin.edits().iter().filter(|edit| **edit == what).count();
        count("end") > 0 && count("end") == count("begin")
    });
    let edits = scene.plugin.edits();
    for gesture in edits.split_inclusive(|edit| *edit == "end") {
        let ["begin", between @ .., "end"] = gesture else { panic!("no gesture: {edits:?}") };
        assert!(between.iter().all(|edit| *edit == "perform"), "{edits:?}");
    }
    scene.slot.publish(&window(&["v2"]).logic());
    scene.plugin.wait_until("the next picture", |_| screen.picture(open.child).is_mostly(GREEN));
    assert_eq!(screen.children(open.parent), [open.child], "the same window");
    view.close(screen);
}

#[test]
fn a_drag_is_begun_performed_and_ended() {
    let screen = &*Screen::turn();
    let (mut scene, open) = open(screen);
    scene.plugin.activate(Setup::default());
    let id = scene.plugin.params()[0].id;
    let mut pointer = screen.press(100, 18);
    let mut kinds = Vec::new();
    scene.plugin.wait_until("the value in its cell", |plugin| {
        pointer.right();
        plugin.value(id).is_some_and(|value| value > 0.6)
    });
    drop(pointer);
    scene.plugin.wait_until("the gesture's end", |plugin| {
        let block = plugin.block(64, &constant(0.0), &[]);
        kinds.extend(block.sent.iter().map(|sent| sent.kind));
        let count = |kind| kinds.iter().filter(|k| **k == kind).count();
        let ends = count(CLAP_EVENT_PARAM_GESTURE_END);
        ends > 0 && ends == count(CLAP_EVENT_PARAM_GESTURE_BEGIN)
    });
    // A press that came too early for the toolkit is made again, and is a gesture of its own.
    for gesture in kinds.split_inclusive(|kind| *kind == CLAP_EVENT_PARAM_GESTURE_END) {
        let [CLAP_EVENT_PARAM_GESTURE_BEGIN, between @ .., CLAP_EVENT_PARAM_GESTURE_END] = gesture else {
            panic!("no gesture: {kinds:?}");
        };
        assert!(between.iter().all(|kind| *kind == CLAP_EVENT_PARAM_VALUE), "{kinds:?}");
    }
    assert!(kinds.contains(&CLAP_EVENT_PARAM_VALUE), "{kinds:?}");
    assert!(scene.plugin.calls().list().iter().any(|call| call.what == What::RequestFlush));
    scene.plugin.close_editor(screen, open);
}

#[test]
fn an_editor_that_panics_leaves_the_old_one_up_and_says_why() {
    let screen = &*Screen::turn();
    let (mut scene, open) = open(screen);
    scene.slot.publish(&window(&["v2", "panics"]).logic());
    scene.plugin.wait_until("the log says why", |plugin| {
        plugin.calls().lines().iter().any(|line| line.contains("editor") && line.contains("drawn badly"))
    });
    // A strip of words lies above what is left of the old one.
    let low = |id: &u32| screen.try_size(*id).is_some_and(|(_, height)| height <= 80);
    scene.plugin.wait_until("the old editor and a strip of words above it", |_| {
        let strip = screen.children(open.child).into_iter().find(low);
        strip
            .and_then(|strip| screen.try_picture(strip))
            .is_some_and(|strip| strip.is_mostly(STRIP) && strip.colours() > 1)
    });
    let picture = see(&mut scene, screen, open, RED);
    keep(&picture, "panicked");
    scene.slot.publish(&window(&["v2"]).logic());
    see(&mut scene, screen, open, GREEN);
    scene.plugin.wait_until("the strip goes", |_| screen.children(open.child).len() == 1);
    scene.plugin.close_editor(screen, open);
}

#[test]
fn a_build_that_is_refused_is_said_so_in_the_window() {
    let screen = &*Screen::turn();
    let (mut scene, open) = open(screen);
    scene.slot.publish(&window(&["v2", "refused"]).logic());
    let low = |id: &u32| screen.try_size(*id).is_some_and(|(_, height)| height <= 80);
    scene.plugin.wait_until("a strip of words above the editor", |_| {
        let strip = screen.children(open.child).into_iter().find(low);
        strip
            .and_then(|strip| screen.try_picture(strip))
            .is_some_and(|strip| strip.is_mostly(STRIP) && strip.colours() > 1)
    });
    keep(&see(&mut scene, screen, open, RED), "refused");
    scene.slot.publish(&window(&["v2"]).logic());
    see(&mut scene, screen, open, GREEN);
    scene.plugin.wait_until("the strip goes", |_| screen.children(open.child).len() == 1);
    scene.plugin.close_editor(screen, open);
}

/// Opens the editor while another thread activates, which holds the lock for seconds.
fn retried(timer: bool) {
    let screen = &*Screen::turn();
    let mut scene = scene(&["slow"], HostOptions { timer, ..HostOptions::default() });
    let hold = scene.plugin.activate_elsewhere(Setup::default());
    let begin = Instant::now();
    let open = scene.plugin.open_editor(screen);
    let blocked = begin.elapsed();
    assert!(!hold.is_finished(), "the lock is held all the while; opening took {blocked:?}");
    assert!(blocked < SHORT, "main was blocked for {blocked:?}");
    if timer {
        see(&mut scene, screen, open, RED);
        assert!(scene.plugin.timers_started() > 0, "on the host's idle timer");
    } else {
        // Without one more call of the host's.
        let begin = Instant::now();
        while !screen.picture(open.child).is_mostly(RED) {
            assert!(begin.elapsed() < hotshell_tests::PATIENCE, "the picture comes by itself");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
    hold.join().expect("the activation");
    scene.plugin.close_editor(screen, open);
}

#[test]
fn an_editor_that_finds_the_lock_held_comes_up_on_the_hosts_timer() {
    retried(true);
}

#[test]
fn an_editor_that_finds_the_lock_held_comes_up_without_a_host_that_ticks() {
    retried(false);
}

#[test]
fn an_editor_that_hangs_does_not_block_the_host() {
    let screen = &*Screen::turn();
    let mut scene = scene(&["hangs"], HostOptions::default());
    let open = scene.plugin.open_editor(screen);
    let id = scene.plugin.params()[0].id;
    scene.plugin.wait_until("the editor hangs", |plugin| plugin.value(id) == Some(1.0));
    let begin = Instant::now();
    scene.plugin.resize_editor(screen, open, 400, 200);
    scene.plugin.tick();
    assert!(begin.elapsed() < SHORT, "a resize took {:?}", begin.elapsed());
    let begin = Instant::now();
    scene.plugin.abandon_editor();
    assert!(begin.elapsed() < SHORT, "closing took {:?}", begin.elapsed());
    assert!(!screen.is_seen(open.child), "its window is gone from the screen");
}

#[test]
fn an_editor_is_resized_inside_its_limits() {
    let screen = &*Screen::turn();
    let (mut scene, open) = open(screen);
    assert!(scene.plugin.editor_resizes());
    assert_eq!(scene.plugin.resize_editor(screen, open, 400, 50), (400, 100));
    scene.plugin.wait_until("the new size, all the way down", |_| {
        let editor = screen.children(open.child);
        screen.size(open.child) == (400, 100) && editor.iter().all(|e| screen.size(*e) == (400, 100))
    });
    see(&mut scene, screen, open, RED);
    scene.plugin.close_editor(screen, open);
}

#[test]
fn an_editor_is_opened_and_closed_again_and_again() {
    let screen = &*Screen::turn();
    let mut scene = scene(&[], HostOptions::default());
    for _ in 0..5 {
        let open = scene.plugin.open_editor(screen);
        see(&mut scene, screen, open, RED);
        scene.plugin.close_editor(screen, open);
    }
    let open = scene.plugin.open_editor(screen);
    // Closed before its editor is there.
    scene.plugin.close_editor(screen, open);
}

#[test]
fn a_plug_in_without_an_editor_offers_none_in_a_release() {
    let release =
        Bundle::load(&Fixture::new("fixture-steady", &[]).release(), Scope::Local).expect("a bundle");
    let mut plugin = Plugin::open(&release, 0, HostOptions::default()).expect("a plug-in");
    assert!(!plugin.has_editor());
}
