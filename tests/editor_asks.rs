//! What an editor asks for beside edits: notes of a drawn keyboard, which the DSP plays, and the host's own menu.

use std::time::{Duration, Instant};

use hotshell_core::reload::slot::{DevState, DevStatus, Slot, now};
use hotshell_tests::{
    Block, Fixture, HostOptions, Plugin, Pressed, Scene, Screen, Setup, TestSlot, Vst3, constant,
};

/// Middle C of the synth's keyboard, well below the black keys.
const KEY: (i16, i16) = (340, 318);
/// What a hand waits before it tries again: a key that no block heard in time is not played.
const AGAIN: Duration = Duration::from_secs(5);
/// A voice is heard.
const HEARD: f32 = 0.001;

/// The fixture's slider.
const SLIDER: (i16, i16) = (100, 18);

fn synth() -> Fixture {
    Fixture::new("synth", &[])
}

/// Loudest sample.
fn peak(block: &Block) -> f32 {
    block.channels.iter().flatten().fold(0.0, |peak: f32, sample| peak.max(sample.abs()))
}

/// A finger that presses until it is heard.
struct Finger<'s> {
    screen: &'s Screen,
    pressed: Option<Pressed<'s>>,
    since: Instant,
}

impl<'s> Finger<'s> {
    fn on_the_key(screen: &'s Screen) -> Self {
        Self { screen, pressed: Some(screen.press(KEY.0, KEY.1)), since: Instant::now() }
    }

    /// Once in a while.
    fn again(&mut self) {
        if self.since.elapsed() > AGAIN {
            self.pressed = None;
            *self = Self::on_the_key(self.screen);
        }
    }
}

fn clap_peak(plugin: &mut Plugin) -> f32 {
    peak(&plugin.block(64, &constant(0.0), &[]))
}

fn vst3_peak(plugin: &mut Vst3) -> f32 {
    peak(&plugin.block(64, &constant(0.0), &[]))
}

#[test]
fn a_key_of_the_drawn_keyboard_sounds_until_it_is_let_go_or_its_window_closes() {
    let screen = &*Screen::turn();
    let mut scene = Scene::open_with(&synth(), HostOptions::default(), TestSlot::new());
    let open = scene.plugin.open_editor(screen);
    scene.plugin.wait_until("a picture", |_| screen.picture(open.child).colours() > 100);
    scene.plugin.activate(Setup::default());
    assert!(clap_peak(&mut scene.plugin) < HEARD);
    let mut finger = Finger::on_the_key(screen);
    scene.plugin.wait_until("its sound", |plugin| {
        finger.again();
        clap_peak(plugin) > HEARD
    });
    let block = scene.plugin.block(64, &constant(0.0), &[]);
    assert!(block.sent.is_empty(), "the host hears of nothing");
    drop(finger);
    scene.plugin.wait_until("its end", |plugin| clap_peak(plugin) == 0.0);
    let mut finger = Finger::on_the_key(screen);
    scene.plugin.wait_until("its sound again", |plugin| {
        finger.again();
        clap_peak(plugin) > HEARD
    });
    scene.plugin.close_editor(screen, open);
    scene.plugin.wait_until("the end of a key whose window is gone", |plugin| clap_peak(plugin) == 0.0);
    drop(finger);
}

#[test]
fn a_key_of_the_drawn_keyboard_sounds_in_a_vst3_host() {
    let screen = &*Screen::turn();
    let mut scene = Scene::vst3(&synth());
    let view = scene.plugin.open_view(screen);
    scene.plugin.wait_until("a picture", |_| screen.picture(view.window.child).colours() > 100);
    scene.plugin.activate(Setup::default());
    assert!(vst3_peak(&mut scene.plugin) < HEARD);
    let mut finger = Finger::on_the_key(screen);
    scene.plugin.wait_until("its sound", |plugin| {
        finger.again();
        view.tick();
        vst3_peak(plugin) > HEARD
    });
    drop(finger);
    scene.plugin.wait_until("its end", |plugin| vst3_peak(plugin) == 0.0);
    view.close(screen);
}

/// A hand that clicks until there is an answer.
fn ask(screen: &Screen, since: &mut Option<Instant>) {
    if since.is_none_or(|since| since.elapsed() > AGAIN) {
        *since = Some(Instant::now());
        screen.secondary_click(SLIDER.0, SLIDER.1);
    }
}

fn is_red(screen: &Screen, window: u32) -> bool {
    screen.picture(window).is_mostly(0x00b0_2020)
}

#[test]
fn a_secondary_click_opens_the_hosts_menu_of_the_parameter_at_the_pointer() {
    let screen = &*Screen::turn();
    let mut scene =
        Scene::open_with(&Fixture::new("fixture-window", &[]), HostOptions::default(), TestSlot::new());
    let open = scene.plugin.open_editor(screen);
    scene.plugin.wait_until("a picture", |_| is_red(screen, open.child));
    let id = scene.plugin.param("Mix").id;
    let mut since = None;
    scene.plugin.wait_until("the host's menu", |plugin| {
        ask(screen, &mut since);
        !plugin.menus().is_empty()
    });
    assert_eq!(scene.plugin.menus()[0], (id, SLIDER.0.into(), SLIDER.1.into()));
    scene.plugin.close_editor(screen, open);
}

#[test]
fn a_secondary_click_opens_a_vst3_hosts_menu() {
    let screen = &*Screen::turn();
    let mut scene = Scene::vst3(&Fixture::new("fixture-window", &[]));
    let view = scene.plugin.open_view(screen);
    scene.plugin.wait_until("a picture", |_| is_red(screen, view.window.child));
    let id = scene.plugin.asking().param("Mix").id;
    let mut since = None;
    scene.plugin.wait_until("the host's menu", |plugin| {
        ask(screen, &mut since);
        view.tick();
        !plugin.menus().is_empty()
    });
    assert_eq!(scene.plugin.menus()[0], (id, SLIDER.0.into(), SLIDER.1.into()));
    assert!(scene.plugin.edits().is_empty(), "nothing moved");
    view.close(screen);
}

#[test]
fn an_editor_fills_the_last_row_and_column_of_a_window_that_ends_between_two_points() {
    let screen = &*Screen::turn();
    let mut scene =
        Scene::open_with(&Fixture::new("fixture-window", &[]), HostOptions::default(), TestSlot::new());
    scene.plugin.create_editor();
    assert!(scene.plugin.scale_editor(1.3));
    let open = scene.plugin.attach_editor(screen);
    let (width, height) = scene.plugin.resize_editor(screen, open, 421, 203);
    assert_eq!((width, height), (421, 203), "no whole number of points");
    scene.plugin.wait_until("red to the edges", |_| {
        let picture = screen.picture(open.child);
        let below = (0..picture.width).map(|x| picture.at(x, picture.height - 1));
        let right = (0..picture.height).map(|y| picture.at(picture.width - 1, y));
        (picture.width, picture.height) == (width, height)
            && below.chain(right).all(|pixel| pixel & 0x00ff_ffff == 0x00b0_2020)
    });
    scene.plugin.close_editor(screen, open);
}

/// The space bar.
const SPACE: u8 = 65;

#[test]
fn a_strip_takes_no_key_and_no_click_but_its_own() {
    let screen = &*Screen::turn();
    let mut scene = Scene::open_with(&synth(), HostOptions::default(), TestSlot::new());
    let open = scene.plugin.open_editor(screen);
    scene.plugin.wait_until("a picture", |_| screen.picture(open.child).colours() > 100);
    scene.plugin.activate(Setup::default());
    let slot = Slot::existing(scene.slot.path()).expect("a slot");
    let claim = slot.claim_dev().expect("no other");
    let error = Some("src/lib.rs:3: no `x`".to_owned());
    let (pid, state) = (std::process::id(), DevState::Failed);
    claim.write(&DevStatus { pid, state, since: now(), error, ..DevStatus::default() }).expect("written");
    let strip = |_: &mut Plugin| screen.children(open.child).len() == 2;
    scene.plugin.wait_until("a strip above the editor", strip);
    screen.give_keyboard(open.parent);
    screen.click(100, 8);
    let mut keys = Vec::new();
    scene.plugin.wait_until("the host's window gets the key, with the pointer on the strip", |_| {
        screen.type_key(SPACE);
        keys.extend(screen.keys());
        keys.contains(&SPACE) && screen.focus() == open.parent
    });
    let mut finger = Finger::on_the_key(screen);
    scene.plugin.wait_until("the sound of a key below the strip", |plugin| {
        finger.again();
        clap_peak(plugin) > HEARD
    });
    drop(finger);
    drop(claim);
    scene.plugin.wait_until("the editor alone", |_| screen.children(open.child).len() == 1);
    scene.plugin.close_editor(screen, open);
}
