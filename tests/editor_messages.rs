//! What is wrong is said in the editor's window, in words that are read off its pixels, and no longer than it is wrong.

use std::time::{Duration, Instant};

use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::FONT_6X13;
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::*;
use embedded_graphics::text::{Baseline, Text};
use hotshell_abi::describe::param_host_id;
use hotshell_core::reload::slot::{DevState, DevStatus, Slot, now};
use hotshell_tests::{
    Event, Fixture, HostOptions, Instance, Picture, Scene, Screen, Setup, TestSlot, Window, constant,
};

const RED: u32 = 0x00b0_2020;
const GREEN: u32 = 0x0020_9030;
/// Ground and words of the strip.
const GROUND: u32 = 0x0026_222b;
const WORDS: u32 = 0x00ff_c878;
/// Around the words, and the size of a letter, in a window as small as the fixture's.
const MARGIN: u32 = 6;
const LETTER: (u32, u32) = (6, 13);

/// The fixture's mood in which `process` panics, in builds with `v2`.
const STUMBLES: f64 = 8.0;
const PATIENCE: Duration = Duration::from_millis(300);

/// Pixels of one letter's cell.
type Cell = Vec<bool>;

/// A cell to draw in.
struct Paper(Cell);

impl OriginDimensions for Paper {
    fn size(&self) -> Size {
        Size::new(LETTER.0, LETTER.1)
    }
}

impl DrawTarget for Paper {
    type Color = BinaryColor;
    type Error = core::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Self::Error> {
        for Pixel(at, _) in pixels {
            let (x, y) = (u32::try_from(at.x).expect("inside"), u32::try_from(at.y).expect("inside"));
            self.0[(y * LETTER.0 + x) as usize] = true;
        }
        Ok(())
    }
}

fn alphabet() -> Vec<(char, Cell)> {
    let draw = |letter: char| {
        let mut paper = Paper(vec![false; (LETTER.0 * LETTER.1) as usize]);
        let style = MonoTextStyle::new(&FONT_6X13, BinaryColor::On);
        let text = letter.to_string();
        Text::with_baseline(&text, Point::zero(), style, Baseline::Top).draw(&mut paper).expect("drawn");
        (letter, paper.0)
    };
    (' '..='~').map(draw).collect()
}

/// The words in a picture of a strip; lines are joined by spaces. `None` if it is no strip.
fn read(picture: &Picture) -> Option<String> {
    if !picture.pixels.iter().all(|pixel| [GROUND, WORDS].contains(pixel)) {
        return None;
    }
    let alphabet = alphabet();
    let (columns, lines) =
        ((picture.width - 2 * MARGIN) / LETTER.0, (picture.height.checked_sub(2 * MARGIN)?) / LETTER.1);
    let letter = |column: u32, line: u32| {
        let (left, top) = (MARGIN + column * LETTER.0, MARGIN + line * LETTER.1);
        let places = (0..LETTER.1).flat_map(|y| (0..LETTER.0).map(move |x| (left + x, top + y)));
        let cell: Cell = places.map(|(x, y)| picture.at(x, y) == WORDS).collect();
        alphabet.iter().find(|(_, known)| *known == cell).map_or('?', |(letter, _)| *letter)
    };
    let line =
        |line| (0..columns).map(|column| letter(column, line)).collect::<String>().trim_end().to_owned();
    Some((0..lines).map(line).collect::<Vec<_>>().join(" "))
}

/// An open editor of the fixture's, and what it says.
struct Watched<'a, I: Instance> {
    scene: &'a mut Scene<I>,
    screen: &'a Screen,
    window: Window,
}

impl<I: Instance> Watched<'_, I> {
    /// What the strip says, if there is one: a window in ours that is lower than an editor.
    fn said(screen: &Screen, window: Window) -> Option<String> {
        let low = |id: &u32| screen.try_size(*id).is_some_and(|(_, height)| height <= 80);
        let strip = screen.children(window.child).into_iter().rfind(low)?;
        read(&screen.try_picture(strip)?)
    }

    fn wait(&mut self, what: &str, done: impl Fn(&Screen, Window) -> bool) {
        let (screen, window) = (self.screen, self.window);
        self.scene.plugin.wait_until(what, |_| done(screen, window));
        assert_eq!(screen.children(window.parent), [window.child], "the same window all the while");
    }

    /// Waits until the strip says all these words.
    fn says(&mut self, words: &[&str]) {
        self.wait(&format!("a strip that says {words:?}"), |screen, window| {
            Self::said(screen, window).is_some_and(|said| words.iter().all(|word| said.contains(word)))
        });
        if std::env::var_os("HOTSHELL_TESTS_PICTURES").is_some() {
            let name: String = words[0].chars().filter(char::is_ascii_alphanumeric).collect();
            self.screen.picture(self.window.child).save(&format!("hotshell-says-{name}"));
        }
    }

    /// Waits until there is the editor alone, of this colour.
    fn is_silent(&mut self, colour: u32) {
        self.wait("an editor without a strip", |screen, window| {
            screen.children(window.child).len() == 1
                && screen.try_picture(window.child).is_some_and(|picture| picture.is_mostly(colour))
        });
    }
}

fn window(features: &[&str]) -> Fixture {
    Fixture::new("fixture-window", features)
}

fn says(state: DevState, error: Option<&str>) -> DevStatus {
    let error = error.map(ToOwned::to_owned);
    DevStatus { pid: std::process::id(), state, since: now(), error, ..DevStatus::default() }
}

/// What `dev` says.
fn dev(watched: &mut Watched<'_, impl Instance>) {
    watched.is_silent(RED);
    // Of its own, because the scene is borrowed.
    let slot = Slot::existing(watched.scene.slot.path()).expect("a slot");
    let claim = slot.claim_dev().expect("no other");
    let begin = Instant::now();
    claim.write(&says(DevState::Building, None)).expect("written");
    watched.says(&["Building"]);
    assert!(begin.elapsed() >= PATIENCE, "a build is spoken of after {PATIENCE:?}");
    let error = "src/editor.rs:12: cannot find value `gian` in this scope, \u{e9}\u{97f3}; ".repeat(9);
    claim.write(&says(DevState::Failed, Some(&error))).expect("written");
    watched.says(&["Failed: src/editor.rs:12: cannot find value `gian` in this scope", "..."]);
    claim.write(&says(DevState::Idle, None)).expect("written");
    watched.is_silent(RED);
    claim.write(&says(DevState::Failed, Some("src/lib.rs:3: no `x`"))).expect("written");
    watched.says(&["src/lib.rs:3: no `x`"]);
    // It ends without a word.
    drop(claim);
    watched.is_silent(RED);
}

/// What the shell finds wrong with a build.
fn verdicts<I: Instance>(watched: &mut Watched<'_, I>) {
    watched.scene.slot.publish(&Fixture::new("fixture-steady", &[]).logic());
    watched.says(&["Build 1 was refused:", "org.hotshell.fixture.steady"]);
    watched.scene.slot.publish(&window(&["v2"]).logic());
    watched.is_silent(GREEN);
    watched.scene.slot.publish(&window(&["v2", "refused"]).logic());
    watched.says(&["Build 3 was refused:", "made badly"]);
    watched.scene.slot.publish(&window(&["v2", "panics"]).logic());
    watched.says(&["The editor of build 4 failed.", "drawn badly", "lib.rs:"]);
    // Its sound is good: a build is not out for its editor, and the same code is as welcome as before.
    watched.scene.slot.publish(&window(&["v2", "panics"]).logic());
    watched.says(&["The editor of build 5 failed.", "drawn badly", "lib.rs:"]);
    // The report is written after the editor was made, by another thread.
    let Scene { slot, plugin, .. } = &mut *watched.scene;
    plugin.wait_until("build 5 in the report", |_| slot.reports().iter().any(|report| report.accepted == 5));
    let report = slot.reports().remove(0);
    assert!(!report.refusals.iter().any(|refusal| refusal.build > 3), "{:?}", report.refusals);
    assert_eq!(report.faults, []);
    watched.scene.slot.publish(&window(&["v2"]).logic());
    watched.is_silent(GREEN);
    let plugin = &mut watched.scene.plugin;
    plugin.activate(Setup::default());
    let stumble = Event::Param { time: 0, id: param_host_id("mood"), value: STUMBLES, cookie: 0 };
    plugin.block(64, &constant(0.0), &[stumble]);
    let (screen, window_of) = (watched.screen, watched.window);
    watched.scene.plugin.wait_until("the panic in `process`, and its place", |plugin| {
        plugin.block(64, &constant(0.0), &[]);
        Watched::<I>::said(screen, window_of)
            .is_some_and(|said| said.contains("Build 6 failed") && said.contains("lib.rs:"))
    });
    watched.scene.plugin.deactivate();
    watched.says(&["Build 6 failed:", "played badly"]);
    watched.scene.slot.publish(&window(&[]).logic());
    watched.is_silent(RED);
}

/// The slot goes, and comes back.
fn connection(watched: &mut Watched<'_, impl Instance>) {
    let (path, aside) = (watched.scene.slot.path().to_owned(), watched.scene.slot.room().join("aside"));
    std::fs::rename(&path, &aside).expect("moved");
    watched.says(&["Not connected:", "cargo hotshell dev"]);
    std::fs::rename(&aside, &path).expect("moved back");
    // Nobody publishes into it, and that is no error.
    watched.is_silent(RED);
}

fn everything<I: Instance>(scene: &mut Scene<I>, screen: &Screen, window: Window) {
    let mut watched = Watched { scene, screen, window };
    dev(&mut watched);
    verdicts(&mut watched);
    connection(&mut watched);
}

#[test]
fn what_is_wrong_is_said_in_the_window_while_it_is_wrong() {
    let screen = &*Screen::turn();
    let mut scene = Scene::open_with(&window(&[]), HostOptions::default(), TestSlot::new());
    let open = scene.plugin.open_editor(screen);
    everything(&mut scene, screen, open);
    scene.plugin.close_editor(screen, open);
}

#[test]
fn a_narrow_window_shows_the_place_first_and_keeps_half_of_its_editor() {
    let screen = &*Screen::turn();
    let mut scene = Scene::open_with(&window(&[]), HostOptions::default(), TestSlot::new());
    let open = scene.plugin.open_editor(screen);
    Watched { scene: &mut scene, screen, window: open }.is_silent(RED);
    let slot = Slot::existing(scene.slot.path()).expect("a slot");
    let claim = slot.claim_dev().expect("no other");
    let error = "src/editor.rs:12: cannot find value `gian` in this scope; ".repeat(9);
    claim.write(&says(DevState::Failed, Some(&error))).expect("written");
    Watched { scene: &mut scene, screen, window: open }.says(&["Failed: src/editor.rs:12:"]);
    let size = scene.plugin.resize_editor(screen, open, 200, 100);
    scene.plugin.wait_until(
        "a strip as wide as the window, half as high at most, and the editor below it",
        |_| {
            let children = screen.children(open.child);
            let [editor, strip] = children[..] else { return false };
            let strip = screen.try_picture(strip);
            screen.try_size(editor) == Some(size)
                && strip.is_some_and(|strip| {
                    strip.width == 200
                        && strip.height <= 50
                        && read(&strip).is_some_and(|said| {
                            said.starts_with("Failed: src/editor.rs:12:") && said.ends_with("...")
                        })
                })
        },
    );
    drop(claim);
    Watched { scene: &mut scene, screen, window: open }.is_silent(RED);
    scene.plugin.close_editor(screen, open);
}

#[test]
fn the_same_in_a_vst3_host() {
    let screen = &*Screen::turn();
    let mut scene = Scene::vst3(&window(&[]));
    let view = scene.plugin.open_view(screen);
    everything(&mut scene, screen, view.window);
    view.close(screen);
}
