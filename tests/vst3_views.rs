//! A VST3 view in the hands of hosts that count, call and forget as real ones do.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hotshell_tests::{
    Fixture, HostFrame, HostView, Module, Scene, Screen, TestSlot, Vst3, Vst3Options, WhileOpen, Window, rect,
};
use vst3::Steinberg::{ViewRect, kResultFalse, kResultOk};

const RED: u32 = 0x00b0_2020;
/// Of the next build.
const GREEN: u32 = 0x0020_9030;

/// Until then a click may still be on its way to the toolkit.
const AGAIN: Duration = Duration::from_secs(2);

/// Never answered by a host's script that was not run.
const UNSET: i32 = i32::MIN;

/// Behaviour of the fixture's editor, by its number.
fn set_mood(scene: &mut Scene<Vst3>, mood: f64) {
    let id = scene.plugin.params()[1].id;
    let normalised = scene.plugin.normalised(id, mood);
    assert!(scene.plugin.set_normalised(id, normalised));
}

fn window(features: &[&str]) -> Fixture {
    Fixture::new("fixture-window", features)
}

/// An open view whose editor has drawn. Fields are dropped in this order.
struct Open {
    view: HostView,
    frame: HostFrame,
    window: Window,
    scene: Scene<Vst3>,
}

impl Open {
    fn new(screen: &Screen) -> Self {
        let mut scene = Scene::vst3(&window(&[]));
        let (view, frame, window) = scene.plugin.open_view(screen).into_parts();
        let mut open = Self { view, frame, window, scene };
        open.see(screen, RED);
        open
    }

    fn see(&mut self, screen: &Screen, colour: u32) {
        let (frame, child) = (&self.frame, self.window.child);
        self.scene.plugin.wait_until(&format!("a window of colour {colour:06x}"), |_| {
            frame.tick();
            screen.try_picture(child).is_some_and(|picture| picture.is_mostly(colour))
        });
    }

    /// The editor asks for 400 by 200, once, in the next frame that it draws.
    fn grow(&mut self) {
        set_mood(&mut self.scene, 6.0);
    }

    /// Ticks until the host is asked for a size.
    fn ask(&mut self) {
        let frame = &self.frame;
        self.scene.plugin.wait_until("the host is asked for a size", |_| {
            frame.tick();
            !frame.sizes().is_empty()
        });
    }
}

/// No window of the plug-in's is left in the host's.
fn is_empty(screen: &Screen, window: Window) -> bool {
    screen.children(window.parent).is_empty()
}

#[test]
fn a_host_ticks_the_timer_after_the_views_last_release() {
    let screen = &*Screen::turn();
    let mut open = Open::new(screen);
    open.view.release();
    open.grow();
    let (frame, window) = (&open.frame, open.window);
    open.scene.plugin.wait_until("the window has gone, or the host is asked for a size", |_| {
        frame.tick_late();
        is_empty(screen, window) || !frame.sizes().is_empty()
    });
    for _ in 0..10 {
        open.frame.tick_late();
    }
    assert_eq!(open.frame.sizes(), [], "nothing is asked for a view that is gone");
    assert_eq!(open.frame.timers(), 0, "its timer is unregistered");
    assert!(is_empty(screen, open.window), "and its window closed");
    screen.destroy(open.window.parent);
}

#[test]
fn a_host_gives_the_view_back_on_another_thread() {
    let screen = &*Screen::turn();
    for ends in [false, true] {
        let mut open = Open::new(screen);
        std::thread::scope(|threads| {
            threads.spawn(|| open.view.release());
        });
        let window = open.window;
        open.scene.plugin.wait_until("the window has gone", |_| is_empty(screen, window));
        assert_eq!(open.frame.timers(), 1, "the run loop is not that thread's");
        open.frame.tick();
        assert_eq!(open.frame.timers(), 1, "and not unregistered inside of it");
        if ends {
            assert_eq!(open.scene.plugin.terminate(), kResultOk);
        } else {
            assert_eq!(open.scene.plugin.create_view().size(), (320, 160));
        }
        assert_eq!(open.frame.timers(), 0, "the view's own thread has come by");
        open.frame.tick_late();
        screen.destroy(window.parent);
    }
}

#[test]
fn a_host_unregisters_and_ticks_after_the_plug_in_is_terminated() {
    let screen = &*Screen::turn();
    let mut open = Open::new(screen);
    assert_eq!(open.scene.plugin.terminate(), kResultOk);
    open.frame.tick();
    assert_eq!(open.view.removed(), kResultOk);
    open.view.release();
    open.frame.tick_late();
    assert!(is_empty(screen, open.window));
    screen.destroy(open.window.parent);
}

#[test]
fn a_host_attaches_before_it_gives_its_frame() {
    let screen = &*Screen::turn();
    let mut scene = Scene::vst3(&window(&[]));
    let (view, first, second) = (scene.plugin.create_view(), HostFrame::default(), HostFrame::default());
    let open = view.attach_to_new_window(screen);
    assert_eq!(view.set_frame(Some(&first)), kResultOk);
    assert_eq!(first.timers(), 1, "the view is attached, so it ticks");
    assert_eq!(view.set_frame(Some(&second)), kResultOk);
    assert_eq!((first.timers(), second.timers()), (0, 1), "one timer, at the frame that counts");
    assert_eq!(view.set_frame(None), kResultOk);
    assert_eq!((first.timers(), second.timers()), (0, 0));
    assert_eq!(view.set_frame(Some(&first)), kResultOk);
    assert_eq!(first.timers(), 1, "a frame may come and go");
    assert_eq!(view.removed(), kResultOk);
    assert_eq!(first.timers(), 0, "no timer outlives removed()");
    assert_eq!(view.set_frame(Some(&second)), kResultOk);
    assert_eq!(second.timers(), 0, "a view in no window does not tick");
    assert!(is_empty(screen, open));
    screen.destroy(open.parent);
}

/// An instance in a host whose contexts offer run loops: the factory's, and the one of `initialize`.
fn with_contexts(factory: Option<&HostFrame>, own: &HostFrame) -> Scene<Vst3> {
    let slot = TestSlot::new();
    let bundle = Module::load(&window(&[]).vst3_shell(&slot)).expect("the shell loads");
    bundle.set_host_context(factory);
    let mut plugin = Vst3::create(&bundle, 0, Vst3Options::default()).expect("the shell is made");
    assert_eq!(plugin.initialise_with(own), kResultOk);
    plugin.nudge();
    Scene { plugin, bundle, slot }
}

#[test]
fn a_run_loop_may_be_the_frames_or_the_factorys_or_that_of_initialize() {
    let screen = &*Screen::turn();
    let [of_frame, of_factory, of_initialize] = [(); 3].map(|()| HostFrame::default());
    for factory in [Some(&of_factory), None] {
        let mut scene = with_contexts(factory, &of_initialize);
        let context = factory.unwrap_or(&of_initialize);
        let alone = context.timers();
        let open = || context.timers() - alone;
        let view = scene.plugin.create_view();
        let window = view.attach_to_new_window(screen);
        assert_eq!(open(), 1, "a view without a frame ticks all the same");
        scene.plugin.wait_until("a window that ticks", |_| {
            context.tick();
            screen.try_picture(window.child).is_some_and(|picture| picture.is_mostly(RED))
        });
        assert_eq!(view.set_frame(Some(&of_frame)), kResultOk);
        assert_eq!((open(), of_frame.timers()), (0, 1), "the frame's comes first");
        assert_eq!(view.set_frame(None), kResultOk);
        assert_eq!((open(), of_frame.timers()), (1, 0));
        let barren = HostFrame::default();
        barren.refuse_timers();
        assert_eq!(view.set_frame(Some(&barren)), kResultOk);
        assert_eq!((open(), barren.timers()), (1, 0), "a frame's run loop without timers is none");
        assert_eq!(view.removed(), kResultOk);
        assert_eq!(open(), 0);
        assert_eq!(scene.plugin.terminate(), kResultOk);
        assert_eq!((of_factory.timers(), of_initialize.timers()), (0, 0));
        screen.destroy(window.parent);
    }
}

#[test]
fn a_host_removes_the_view_inside_resize_view() {
    let screen = &*Screen::turn();
    let mut open = Open::new(screen);
    let (view, window) = (open.view.clone(), open.window);
    let found = Arc::new(OnceLock::new());
    let seen = Arc::clone(&found);
    open.frame.inside(Arc::new(move |_, _| {
        let answer = view.removed();
        // A host destroys its window right after.
        let _ = seen.set((answer, is_empty(Screen::shared(), window)));
        kResultOk
    }));
    open.grow();
    open.ask();
    assert_eq!(found.get(), Some(&(kResultOk, true)), "no window is left when removed() answers");
    assert_eq!(open.frame.timers(), 1, "its timer is in its callback");
    assert_eq!(open.frame.sizes(), [(400, 200)], "asked once");
    screen.destroy(open.window.parent);
    // It may come back.
    let again = open.view.attach_to_new_window(screen);
    assert_eq!(open.frame.timers(), 1, "the new one");
    assert_eq!(open.view.removed(), kResultOk);
    assert_eq!(open.frame.timers(), 0);
    screen.destroy(again.parent);
}

#[test]
fn a_host_releases_the_view_inside_resize_view() {
    let screen = &*Screen::turn();
    let mut open = Open::new(screen);
    let view = open.view.clone();
    open.frame.inside(Arc::new(move |_, _| {
        view.release();
        kResultOk
    }));
    open.grow();
    open.ask();
    assert!(is_empty(screen, open.window));
    assert_eq!(open.frame.timers(), 1, "its timer is in its callback");
    open.frame.tick();
    assert_eq!(open.scene.plugin.terminate(), kResultOk);
    assert_eq!(open.frame.timers(), 0, "the host's next call");
    open.frame.tick_late();
    assert_eq!(open.frame.sizes(), [(400, 200)], "asked once");
    screen.destroy(open.window.parent);
}

/// Where the fixture has its slider.
const SLIDER: (i16, i16) = (100, 18);

impl Open {
    /// A secondary click on the slider, until the host's menu has been open; `meanwhile` is what the host did then.
    fn see_menu(&mut self, screen: &Screen, meanwhile: WhileOpen) {
        self.scene.plugin.while_menu(meanwhile);
        let (frame, mut clicked) = (&self.frame, None::<Instant>);
        self.scene.plugin.wait_until("the host's menu", |plugin| {
            if clicked.is_none_or(|at| at.elapsed() > AGAIN) {
                screen.secondary_click(SLIDER.0, SLIDER.1);
                clicked = Some(Instant::now());
            }
            frame.tick();
            !plugin.menus().is_empty()
        });
    }
}

#[test]
fn a_host_removes_the_view_while_its_menu_is_open() {
    let screen = &*Screen::turn();
    let mut open = Open::new(screen);
    let (view, frame, window) = (open.view.clone(), open.frame.clone(), open.window);
    let found = Arc::new(OnceLock::new());
    let seen = Arc::clone(&found);
    let meanwhile = move || {
        // A menu has a loop of its own, which ticks on.
        frame.tick();
        let removed = (view.removed(), is_empty(Screen::shared(), window));
        frame.tick();
        // Calls that are none of the run loop's, inside of one that is.
        let _ = seen.set((removed, view.on_size(rect(330, 170)), view.size()));
    };
    open.see_menu(screen, Arc::new(meanwhile));
    assert_eq!(found.get(), Some(&((kResultOk, true), kResultOk, (330, 170))));
    assert_eq!(open.frame.timers(), 1, "not unregistered inside its own callback");
    open.frame.tick();
    assert_eq!(open.frame.timers(), 1, "nor inside the next one");
    assert_eq!(open.view.set_frame(None), kResultOk);
    assert_eq!(open.frame.timers(), 0, "but in the host's next call");
    open.frame.tick_late();
    screen.destroy(open.window.parent);
}

#[test]
fn a_host_gives_the_view_back_while_its_menu_is_open() {
    let screen = &*Screen::turn();
    let mut open = Open::new(screen);
    let (view, frame) = (open.view.clone(), open.frame.clone());
    let meanwhile = move || {
        let _ = view.removed();
        let _ = view.set_frame(None);
        view.release();
        frame.tick();
    };
    open.see_menu(screen, Arc::new(meanwhile));
    assert!(is_empty(screen, open.window));
    assert_eq!(open.frame.timers(), 1, "not unregistered inside its own callback");
    assert_eq!(open.scene.plugin.create_view().size(), (320, 160));
    assert_eq!(open.frame.timers(), 0, "but in the host's next call");
    screen.destroy(open.window.parent);
}

#[test]
fn a_host_sets_a_size_of_its_own_inside_resize_view() {
    let screen = &*Screen::turn();
    let mut open = Open::new(screen);
    let (view, result) = (open.view.clone(), Arc::new(AtomicI32::new(UNSET)));
    let told = Arc::clone(&result);
    open.frame.inside(Arc::new(move |_, _| {
        // Less than was asked for: its screen is small.
        told.store(view.on_size(rect(360, 180)), Ordering::Relaxed);
        kResultOk
    }));
    open.grow();
    open.ask();
    assert_eq!(result.load(Ordering::Relaxed), kResultOk);
    assert_eq!(open.view.size(), (360, 180), "the host's word counts");
    let child = open.window.child;
    open.scene.plugin.wait_until("the window follows", |_| screen.size(child) == (360, 180));
    assert_eq!(open.view.removed(), kResultOk);
    screen.destroy(open.window.parent);
}

#[test]
fn a_host_that_refuses_a_size_is_not_asked_again() {
    let screen = &*Screen::turn();
    let mut open = Open::new(screen);
    open.frame.inside(Arc::new(|_, _| kResultFalse));
    open.grow();
    open.ask();
    let mut ticks = 0;
    let frame = &open.frame;
    open.scene.plugin.wait_until("many ticks more", |_| {
        frame.tick();
        ticks += 1;
        ticks > 50
    });
    assert_eq!(open.frame.sizes(), [(400, 200)]);
    assert_eq!(open.view.size(), (320, 160));
    assert_eq!(open.view.removed(), kResultOk);
    screen.destroy(open.window.parent);
}

#[test]
fn sizes_are_kept_inside_the_limits_wherever_the_rectangle_lies() {
    let mut scene = Scene::vst3(&window(&[]));
    let view = scene.plugin.create_view();
    let check = |left, top, right, bottom| view.check_size(ViewRect { left, top, right, bottom });
    assert_eq!(check(0, 0, 320, 160), (kResultOk, [0, 0, 320, 160]));
    assert_eq!(check(10, -20, 110, 30), (kResultOk, [10, -20, 210, 80]), "the upper left corner stays");
    assert_eq!(check(0, 0, 5000, 5000), (kResultOk, [0, 0, 800, 600]));
    // A drag past the upper left corner, and what no host should send.
    assert_eq!(check(0, 0, 0, 0), (kResultOk, [0, 0, 200, 100]));
    assert_eq!(check(50, 50, -10, 20), (kResultOk, [50, 50, 250, 150]));
    assert_eq!(check(0, 0, i32::MAX, i32::MAX), (kResultOk, [0, 0, 800, 600]));
    assert_eq!(check(i32::MIN, 0, i32::MAX, 160).0, kResultOk);
    for odd in
        [rect(0, 0), rect(-5, 100), rect(100, i32::MAX), ViewRect { left: 9, top: 9, right: 3, bottom: 3 }]
    {
        assert_ne!(view.on_size(odd), kResultOk, "a size that no window has");
    }
    assert_eq!(view.size(), (320, 160));
    assert_eq!(view.on_size(ViewRect { left: 7, top: 7, right: 307, bottom: 207 }), kResultOk);
    assert_eq!(view.size(), (300, 200));
}

#[test]
fn a_kept_proportion_is_kept_in_a_host_that_asks_even_of_a_view_without_a_window() {
    let mut scene = Scene::vst3(&window(&["aspect"]));
    let view = scene.plugin.create_view();
    let check = |left, top, right, bottom| view.check_size(ViewRect { left, top, right, bottom });
    assert_eq!(check(0, 0, 420, 160), (kResultOk, [0, 0, 400, 200]), "a drag at the right edge alone");
    assert_eq!(check(10, -20, 410, 180), (kResultOk, [10, -20, 410, 180]), "what it has said once");
    assert_eq!(check(0, 0, 320, 360), (kResultOk, [0, 0, 400, 200]), "and at the lower one");
    assert_eq!(check(0, 0, 5000, 5000), (kResultOk, [0, 0, 800, 400]));
    assert_eq!(check(0, 0, 1, 1), (kResultOk, [0, 0, 200, 100]));
}

#[test]
fn a_scale_counts_before_and_after_the_window_is_there_and_may_never_come() {
    let screen = &*Screen::turn();
    let mut scene = Scene::vst3(&window(&[]));
    let (view, frame) = (scene.plugin.create_view(), HostFrame::default());
    assert_eq!(view.set_frame(Some(&frame)), kResultOk);
    for odd in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-9, 1e9] {
        assert_ne!(view.set_scale(odd), kResultOk, "{odd}");
    }
    assert_eq!(view.set_scale(1.5), kResultOk);
    assert_eq!((view.size(), frame.sizes()), ((480, 240), vec![]), "no window yet: nobody is asked");
    assert_eq!(view.check_size(rect(1, 1)).1, [0, 0, 300, 150], "limits grow with it");
    let open = view.attach_to_new_window(screen);
    // REAPER says so late.
    assert_eq!(view.set_scale(2.0), kResultOk);
    assert_eq!(frame.sizes(), [(640, 320)]);
    scene.plugin.wait_until("the window follows", |_| screen.size(open.child) == (640, 320));
    assert_eq!(view.set_scale(2.0), kResultOk);
    assert_eq!(frame.sizes().len(), 1, "nothing new, nothing asked");
    assert_eq!(view.removed(), kResultOk);
    screen.destroy(open.parent);
}

#[test]
fn calls_out_of_turn_do_no_harm() {
    let screen = &*Screen::turn();
    let mut scene = Scene::vst3(&window(&[]));
    let (view, frame) = (scene.plugin.create_view(), HostFrame::default());
    assert!(view.refuses_junk());
    assert_eq!(view.removed(), kResultOk, "nothing is attached, and nothing is");
    assert_eq!(view.set_frame(Some(&frame)), kResultOk);
    let first = view.attach_to_new_window(screen);
    let second = view.attach_to_new_window(screen);
    assert!(is_empty(screen, first), "a view is in one window");
    assert_eq!(frame.timers(), 1);
    assert_eq!((view.removed(), view.removed()), (kResultOk, kResultOk));
    assert_eq!(frame.timers(), 0);
    assert!(is_empty(screen, second));
    // Probes (Carla, qtractor): made, asked, thrown away.
    for _ in 0..3 {
        assert_eq!(scene.plugin.create_view().size(), (320, 160));
    }
    screen.destroy(first.parent);
    screen.destroy(second.parent);
}

#[test]
fn keys_belong_to_a_text_field_that_has_the_focus_and_to_the_host_otherwise() {
    let screen = &*Screen::turn();
    let plain = Open::new(screen);
    for code in [0, 7] {
        assert!(!plain.view.key(u16::from(b' '), code, 0, true), "space starts the transport");
        assert!(!plain.view.key(u16::from(b' '), code, 0, false));
    }
    let Open { view, frame, window, mut scene } = plain;
    /// In which it shows a text field, the number of whose letters, in hundredths, becomes the mix.
    const WRITES: f64 = 4.0;
    set_mood(&mut scene, WRITES);
    let mix = scene.plugin.params()[0].id;
    let press = |unit: u16, code: i16| {
        let taken = view.key(unit, code, 0, true);
        taken & view.key(unit, code, 0, false)
    };
    // A second click soon after the first would select what is typed meanwhile.
    let mut clicked: Option<Instant> = None;
    scene.plugin.wait_until("the field has the focus", |_| {
        if clicked.is_none_or(|at| at.elapsed() > AGAIN) {
            screen.click(100, 18);
            clicked = Some(Instant::now());
        }
        frame.tick();
        press(u16::from(b'a'), 0)
    });
    let mut letters = |what: &str, count: f64| {
        scene.plugin.wait_until(what, |plugin| {
            frame.tick();
            (plugin.value(mix) - count / 100.0).abs() < 1e-6
        });
    };
    letters("one letter in it", 1.0);
    assert!(press(0, 9) && press(u16::from(b'b'), 0), "at the end");
    letters("two letters", 2.0);
    assert!(press(0, 1));
    letters("backspace", 1.0);
    assert!(press(0, 7), "a host that names the space bar and nothing else");
    letters("a space", 2.0);
    assert_eq!(view.removed(), kResultOk);
    assert!(!view.key(u16::from(b'a'), 0, 0, true), "no window, no field");
    screen.destroy(window.parent);
}

#[test]
fn a_host_asks_which_parameter_lies_under_its_pointer() {
    let screen = &*Screen::turn();
    let mut open = Open::new(screen);
    let mix = open.scene.plugin.param("Mix").id;
    let at = |place: (i16, i16)| (i32::from(place.0), i32::from(place.1));
    let (view, frame) = (open.view.clone(), open.frame.clone());
    open.scene.plugin.wait_until("the slider is found", |_| {
        frame.tick();
        view.find_parameter(at(SLIDER).0, at(SLIDER).1) == Some(mix)
    });
    for (x, y) in [(100, 140), (-1, 18), (100, -1), (5000, 18), (i32::MIN, i32::MAX)] {
        assert_eq!(view.find_parameter(x, y), None, "nothing is drawn at {x}, {y}");
    }
    /// In which it shows no parameter at all.
    const WRITES: f64 = 4.0;
    set_mood(&mut open.scene, WRITES);
    open.scene.plugin.wait_until("the slider is gone", |_| {
        frame.tick();
        view.find_parameter(at(SLIDER).0, at(SLIDER).1).is_none()
    });
    set_mood(&mut open.scene, 0.0);
    open.scene.slot.publish(&window(&["v2"]).logic());
    open.see(screen, GREEN);
    open.scene.plugin.wait_until("the next build's slider", |_| {
        frame.tick();
        view.find_parameter(at(SLIDER).0, at(SLIDER).1) == Some(mix)
    });
    assert_eq!(view.removed(), kResultOk);
    assert_eq!(view.find_parameter(at(SLIDER).0, at(SLIDER).1), None, "without a window there is nothing");
    screen.destroy(open.window.parent);
}
