//! What hosts do to an editor: unload too soon, destroy the wrong window first, ask twice, resize without asking, leave.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use clap_sys::events::CLAP_EVENT_PARAM_VALUE;
use hotshell_abi::describe::param_host_id;
use hotshell_tests::keys::left_for_the_end;
use hotshell_tests::screen::{editor_threads, threads};
use hotshell_tests::{
    Bundle, Event, Fixture, HostOptions, Module, PATIENCE, Plugin, Scene, Scope, Screen, Setup, TestSlot,
    Vst3, Vst3Options, Window, constant,
};

const RED: u32 = 0x00b0_2020;
const GREEN: u32 = 0x0020_9030;

/// The fixture's moods.
const LINGERS: f64 = 2.0;
const CLINGS: f64 = 3.0;
const PANICS: f64 = 5.0;

/// What main may lose in a call while something hangs: `GUI_LOCK_WAIT`, and much for a busy machine.
const SHORT: Duration = Duration::from_secs(3);

fn window(features: &[&str]) -> Fixture {
    Fixture::new("fixture-window", features)
}

fn scene() -> Scene {
    Scene::open_with(&window(&[]), HostOptions::default(), TestSlot::new())
}

fn set_mood(plugin: &mut Plugin, value: f64) {
    let id = param_host_id("mood");
    plugin.flush(&[Event::Param { time: 0, id, value, cookie: 0 }]);
}

fn see(plugin: &mut Plugin, screen: &Screen, window: Window, colour: u32) {
    plugin.wait_until(&format!("a window of colour {colour:06x}"), |_| {
        screen.try_picture(window.child).is_some_and(|picture| picture.is_mostly(colour))
    });
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn timers(calls: &hotshell_tests::calls::Calls) -> usize {
    calls.desk.lock().unwrap_or_else(PoisonError::into_inner).timers.len()
}

/// A copy of the release of its own, and what `host` does with it on a thread of its own; true if it stays mapped after
/// nobody needs it any more.
fn stays_mapped(host: impl FnOnce(&mut Plugin) + Send) -> bool {
    let room = TestSlot::new();
    let path = room.room().join("copy.clap");
    std::fs::copy(window(&[]).release(), &path).expect("a copy");
    let use_it = || {
        let bundle = Bundle::load(&path, Scope::Local).expect("loads");
        let mut plugin = Plugin::open(&bundle, 0, HostOptions::default()).expect("opens");
        host(&mut plugin);
    };
    // What the library leaves with a thread keeps it mapped as well: so the threads end.
    std::thread::scope(|scope| {
        let host = std::thread::Builder::new().spawn_scoped(scope, use_it).expect("a thread");
        host.join().expect("it found what it looked for");
    });
    wait_until("no editor is left", || editor_threads() == 0);
    // Another chance to be unmapped.
    drop(Bundle::load(&path, Scope::Local).expect("loads again"));
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
    maps.contains(&*path.to_string_lossy())
}

#[test]
fn a_release_whose_editor_was_opened_stays_mapped_and_another_does_not() {
    let screen = &*Screen::turn();
    wait_until("no editor of an earlier test", || editor_threads() == 0);
    // On a machine so busy that the editor's description comes late, it stays: somebody may still be describing it.
    wait_until("a host that only looks gets rid of it", || !stays_mapped(|_| ()));
    let opens = |plugin: &mut Plugin| {
        let open = plugin.open_editor(screen);
        see(plugin, screen, open, RED);
        plugin.close_editor(screen, open);
    };
    assert!(stays_mapped(opens), "its threads may run past the host's last call");
}

#[test]
fn a_release_leaves_nothing_on_a_hosts_thread_that_only_looks_at_it() {
    let release = window(&[]).release();
    let room = TestSlot::new();
    let module = window(&[]).vst3_release(room.room());
    let look = || {
        let before = left_for_the_end();
        let bundle = Bundle::load(&release, Scope::Local).expect("loads");
        drop(Plugin::open(&bundle, 0, HostOptions::default()).expect("opens"));
        let module = Module::load(&module).expect("loads");
        drop(Vst3::open(&module, 0, Vst3Options::default()).expect("opens"));
        assert_eq!(left_for_the_end(), before, "code of a library that may be gone by then");
    };
    std::thread::scope(|scope| {
        let host = std::thread::Builder::new().spawn_scoped(scope, look).expect("a thread");
        host.join().expect("nothing is left");
    });
}

#[test]
fn a_release_may_be_unloaded_while_its_editor_still_goes() {
    let screen = &*Screen::turn();
    wait_until("no editor of an earlier test", || editor_threads() == 0);
    let bundle = Bundle::load(&window(&[]).release(), Scope::Local).expect("loads");
    let mut plugin = Plugin::open(&bundle, 0, HostOptions::default()).expect("opens");
    let open = plugin.open_editor(screen);
    see(&mut plugin, screen, open, RED);
    set_mood(&mut plugin, LINGERS);
    let begin = Instant::now();
    plugin.abandon_editor();
    assert!(begin.elapsed() < SHORT, "closing took {:?}", begin.elapsed());
    screen.destroy(open.parent);
    drop(plugin);
    drop(bundle);
    assert!(editor_threads() > 0, "the editor goes on");
    wait_until("it ends", || editor_threads() == 0);
}

#[test]
fn the_same_in_vst3() {
    let screen = &*Screen::turn();
    wait_until("no editor of an earlier test", || editor_threads() == 0);
    let room = TestSlot::new();
    let module = Module::load(&window(&[]).vst3_release(room.room())).expect("loads");
    let mut plugin = Vst3::open(&module, 0, Vst3Options::default()).expect("opens");
    let view = plugin.open_view(screen);
    let open = view.window;
    plugin.wait_until("the picture", |_| screen.picture(open.child).is_mostly(RED));
    let mood = param_host_id("mood");
    assert!(plugin.set_normalised(mood, plugin.normalised(mood, LINGERS)));
    view.abandon();
    screen.destroy(open.parent);
    drop(plugin);
    drop(module);
    assert!(editor_threads() > 0, "the editor goes on");
    wait_until("it ends", || editor_threads() == 0);
}

#[test]
fn an_editor_that_hangs_while_it_is_dropped_does_not_block_the_host() {
    let screen = &*Screen::turn();
    let mut scene = scene();
    let open = scene.plugin.open_editor(screen);
    see(&mut scene.plugin, screen, open, RED);
    set_mood(&mut scene.plugin, CLINGS);
    let begin = Instant::now();
    scene.plugin.abandon_editor();
    assert!(begin.elapsed() < SHORT, "closing took {:?}", begin.elapsed());
    assert!(!screen.is_seen(open.child), "its window is gone from the screen");
    screen.destroy(open.parent);
    set_mood(&mut scene.plugin, 0.0);
    let open = scene.plugin.open_editor(screen);
    see(&mut scene.plugin, screen, open, RED);
    scene.plugin.close_editor(screen, open);
}

#[test]
fn a_failure_is_logged_once_however_often_the_editor_is_tried() {
    let screen = &*Screen::turn();
    let mut scene = scene();
    set_mood(&mut scene.plugin, PANICS);
    let open = scene.plugin.open_editor(screen);
    let id = param_host_id("mix");
    // From a half, a tenth for each.
    scene.plugin.wait_until("three tries", |plugin| plugin.value(id).is_some_and(|mix| mix > 0.75));
    let lines = scene.plugin.calls().lines();
    let failures = lines.iter().filter(|line| line.contains("drawn badly")).count();
    assert_eq!(failures, 1, "{lines:#?}");
    set_mood(&mut scene.plugin, 0.0);
    see(&mut scene.plugin, screen, open, RED);
    scene.plugin.close_editor(screen, open);
}

#[test]
fn a_plug_in_that_is_destroyed_takes_its_editor_and_its_timer_along() {
    let screen = &*Screen::turn();
    let mut scene = scene();
    set_mood(&mut scene.plugin, PANICS);
    let open = scene.plugin.open_editor(screen);
    let calls = scene.plugin.keep_calls();
    scene.plugin.wait_until("another try is planned", |_| timers(&calls) > 0);
    drop(scene);
    assert_eq!(timers(&calls), 0, "no timer is left");
    assert!(screen.children(open.parent).is_empty(), "and no window");
    screen.destroy(open.parent);
}

#[test]
fn an_editor_whose_next_try_is_planned_is_closed_and_not_tried_again() {
    let screen = &*Screen::turn();
    let mut scene = scene();
    set_mood(&mut scene.plugin, PANICS);
    let open = scene.plugin.open_editor(screen);
    let calls = scene.plugin.keep_calls();
    scene.plugin.wait_until("another try is planned", |_| timers(&calls) > 0);
    scene.plugin.close_editor(screen, open);
    assert_eq!(timers(&calls), 0, "no timer is left");
    wait_until("nobody is left who tries", || editor_threads() == 0);
}

#[test]
fn create_twice_is_one_editor() {
    let screen = &*Screen::turn();
    let mut scene = scene();
    let first = scene.plugin.open_editor(screen);
    see(&mut scene.plugin, screen, first, RED);
    let second = scene.plugin.open_editor(screen);
    see(&mut scene.plugin, screen, second, RED);
    assert!(screen.children(first.parent).is_empty(), "the first one is gone");
    scene.plugin.close_editor(screen, second);
    screen.destroy(first.parent);
}

#[test]
fn an_editor_is_hidden_and_shown() {
    let screen = &*Screen::turn();
    let mut scene = scene();
    let open = scene.plugin.open_editor(screen);
    see(&mut scene.plugin, screen, open, RED);
    scene.plugin.show_editor(false);
    scene.plugin.wait_until("hidden", |_| !screen.is_seen(open.child));
    scene.plugin.show_editor(true);
    see(&mut scene.plugin, screen, open, RED);
    scene.plugin.close_editor(screen, open);
}

#[test]
fn an_editor_moves_to_another_window() {
    let screen = &*Screen::turn();
    let mut scene = scene();
    let first = scene.plugin.open_editor(screen);
    see(&mut scene.plugin, screen, first, RED);
    let second = scene.plugin.attach_editor(screen);
    see(&mut scene.plugin, screen, second, RED);
    assert!(screen.children(first.parent).is_empty(), "it left the first");
    scene.slot.publish(&window(&["v2"]).logic());
    see(&mut scene.plugin, screen, second, GREEN);
    scene.plugin.close_editor(screen, second);
    screen.destroy(first.parent);
}

#[test]
fn two_instances_have_two_editors() {
    let screen = &*Screen::turn();
    let mut scene = scene();
    let mut other = Plugin::open(&scene.bundle, 0, HostOptions::default()).expect("opens");
    let (first, second) = (scene.plugin.open_editor(screen), other.open_editor(screen));
    see(&mut other, screen, second, RED);
    see(&mut scene.plugin, screen, first, RED);
    scene.plugin.close_editor(screen, first);
    scene.slot.publish(&window(&["v2"]).logic());
    see(&mut other, screen, second, GREEN);
    other.close_editor(screen, second);
}

#[test]
fn two_views_of_one_instance_both_change() {
    let screen = &*Screen::turn();
    let mut scene = Scene::vst3(&window(&[]));
    let views = [scene.plugin.open_view(screen), scene.plugin.open_view(screen)];
    scene
        .plugin
        .wait_until("both", |_| views.iter().all(|view| screen.picture(view.window.child).is_mostly(RED)));
    scene.slot.publish(&window(&["v2"]).logic());
    scene.plugin.wait_until("both change", |_| {
        views.iter().all(|view| screen.picture(view.window.child).is_mostly(GREEN))
    });
    for view in views {
        view.close(screen);
    }
}

#[test]
fn a_host_that_ticks_and_answers_nothing_hears_of_a_drag() {
    let screen = &*Screen::turn();
    let options = HostOptions { callbacks: false, ..HostOptions::default() };
    let mut scene = Scene::open_with(&window(&[]), options, TestSlot::new());
    let open = scene.plugin.open_editor(screen);
    see(&mut scene.plugin, screen, open, RED);
    scene.plugin.activate(Setup::default());
    let mut pointer = screen.press(100, 18);
    scene.plugin.wait_until("an edit in the host's events", |plugin| {
        pointer.right();
        let block = plugin.block(64, &constant(0.0), &[]);
        block.sent.iter().any(|sent| sent.kind == CLAP_EVENT_PARAM_VALUE)
    });
    drop(pointer);
    let calls = scene.plugin.keep_calls();
    scene.plugin.deactivate();
    scene.plugin.close_editor(screen, open);
    assert_eq!(timers(&calls), 0, "its timer goes with the window");
}

/// The host destroys its window, and with it everything in it, before it tells the plug-in.
fn destroyed_first(fixture: &Fixture, is_drawn: impl Fn(&hotshell_tests::Picture) -> bool) {
    let screen = &*Screen::turn();
    let mut scene = Scene::open_with(fixture, HostOptions::default(), TestSlot::new());
    let draws = |plugin: &mut Plugin, open: Window| {
        plugin.wait_until("a picture", |_| screen.try_picture(open.child).is_some_and(|p| is_drawn(&p)));
    };
    let open = scene.plugin.open_editor(screen);
    draws(&mut scene.plugin, open);
    screen.destroy(open.parent);
    // An X error in a toolkit would end the process, and drawing on what is no window would never end.
    scene.plugin.wait_until("the editor ends", |_| threads(&["hotshell-editor"]) == 0);
    scene.plugin.abandon_editor();
    let open = scene.plugin.open_editor(screen);
    draws(&mut scene.plugin, open);
    scene.plugin.close_editor(screen, open);
}

#[test]
fn a_window_that_is_destroyed_too_early_ends_nothing_else() {
    destroyed_first(&window(&[]), |picture| picture.is_mostly(RED));
}

#[test]
fn the_same_with_an_editor_that_draws_by_itself() {
    destroyed_first(&Fixture::new("synth", &[]), |picture| picture.colours() > 100);
}
