//! What egui remembers goes from one window into the next.

use egui::{Event, MouseWheelUnit, Pos2, Ui, pos2, vec2};
use hotshell_logic::editor::EditorContext;

use super::scene::{Knobs, Scene, button, scene};
use crate::egui::memory::{Memo, failed, restore};

/// A header to unfold, a list to scroll and a window to move. Answers how far the list is scrolled and where the window is.
fn page(ui: &mut Ui) -> (f32, Pos2) {
    let window = egui::Window::new("palette").fixed_size(vec2(80.0, 20.0)).show(ui.ctx(), |_| ());
    ui.add_space(120.0);
    egui::CollapsingHeader::new("more").show(ui, |ui| ui.label("within"));
    let list = egui::ScrollArea::vertical().max_height(80.0).show(ui, |ui| {
        (0..50).for_each(|line| {
            ui.label(format!("line {line}"));
        });
    });
    (list.state.clamped_offset().y, window.expect("it has no close button").response.rect.min)
}

/// A window whose egui has this memory to begin with, and what it shows when all has come to rest.
struct Opened {
    scene: Scene,
    memo: Memo,
}

impl Opened {
    fn first() -> Self {
        let scene = scene();
        restore(&scene.egui, &scene.cx);
        Self { scene, memo: Memo::default() }
    }

    /// The next one, of another build as far as egui can tell.
    fn next(self) -> Self {
        let mut scene = self.scene;
        scene.egui = egui::Context::default();
        restore(&scene.egui, &scene.cx);
        Self { scene, memo: Memo::default() }
    }

    fn frame(&mut self, events: Vec<Event>) -> (bool, f32, Pos2) {
        let Self { scene, memo } = self;
        let draw = |ui: &mut Ui, cx: &EditorContext, _: &Knobs| {
            let seen = page(ui);
            memo.frame(ui.ctx(), cx);
            seen
        };
        let ((scrolled, window), seen) = scene.frame(events, draw);
        (seen.reads("within"), scrolled, window)
    }

    fn rest(&mut self) -> (bool, f32, Pos2) {
        (0..60).map(|_| self.frame(vec![])).last().expect("there are frames")
    }

    fn click(&mut self, at: Pos2) {
        for events in [vec![Event::PointerMoved(at)], vec![button(at, true)], vec![button(at, false)]] {
            self.frame(events);
        }
    }

    /// Unfolds, scrolls, and moves the window.
    fn used() -> (Self, (bool, f32, Pos2)) {
        let mut open = Self::first();
        let (unfolded, scrolled, window) = open.rest();
        assert!(!unfolded && scrolled == 0.0, "nothing was touched");
        let header = open.scene.frame(vec![], |ui, _, _| page(ui)).1.place("more").expect("it is there");
        open.click(header);
        assert!(open.rest().0, "a click unfolds");
        open.frame(vec![Event::PointerMoved(header + vec2(0.0, 60.0))]);
        let (unit, phase) = (MouseWheelUnit::Point, egui::TouchPhase::Move);
        open.frame(vec![Event::MouseWheel {
            unit,
            delta: vec2(0.0, -60.0),
            phase,
            source: egui::MouseWheelSource::Unknown,
            modifiers: egui::Modifiers::NONE,
        }]);
        assert!(open.rest().1 > 30.0, "a wheel scrolls");
        let bar = window + vec2(30.0, 12.0);
        let moved = bar + vec2(140.0, 25.0);
        open.frame(vec![Event::PointerMoved(bar)]);
        open.frame(vec![button(bar, true)]);
        open.frame(vec![Event::PointerMoved(moved)]);
        open.frame(vec![button(moved, false)]);
        let state = open.rest();
        assert!(
            (state.2 - window - vec2(140.0, 25.0)).length() < 2.0,
            "a window follows the hand: {state:?}"
        );
        (open, state)
    }
}

#[test]
fn the_next_window_stands_as_the_last_one_did() {
    let (open, (unfolded, scrolled, window)) = Opened::used();
    let mut next = open.next();
    next.frame(vec![]);
    let now = next.frame(vec![]);
    assert!(now.0 == unfolded && (now.1 - scrolled).abs() < 0.5, "{now:?}");
    assert!((now.2 - window).length() < 0.5, "{now:?}, not {window:?}");
}

#[test]
fn a_window_at_rest_tells_nothing() {
    let (mut open, _) = Opened::used();
    open.scene.cx.remember(&[]);
    open.rest();
    assert!(open.scene.cx.remembered().is_empty());
    open.frame(vec![Event::PointerMoved(pos2(5.0, 5.0))]);
    assert!(!open.scene.cx.remembered().is_empty(), "but what is touched is told at once");
}

#[test]
fn a_build_whose_drawing_failed_begins_afresh_and_another_build_does_not() {
    let (mut open, _) = Opened::used();
    let own = open.scene.cx.build();
    for (build, begins_afresh) in [(own + 1, false), (own, true)] {
        failed(&open.scene.cx, build);
        open = open.next();
        open.frame(vec![]);
        assert_eq!(!open.frame(vec![]).0, begins_afresh, "build {build} failed, this one is build {own}");
    }
}

#[test]
fn half_a_memory_is_none_and_harms_nobody() {
    let (open, _) = Opened::used();
    let whole = open.scene.cx.remembered();
    assert!(whole.len() > 100);
    let mut open = open;
    for len in (0..whole.len()).step_by(whole.len() / 40) {
        open.scene.cx.remember(&whole[..len]);
        open = open.next();
        assert!(!open.frame(vec![]).0, "the first {len} bytes of {}", whole.len());
    }
    open.scene.cx.remember(&whole);
    open = open.next();
    open.frame(vec![]);
    assert!(open.frame(vec![]).0);
}

#[test]
fn more_than_the_shell_takes_is_not_half_kept() {
    let open = Opened::first();
    open.scene.cx.remember(&[1; 16]);
    open.scene.cx.remember(&vec![1; (1 << 20) + 1]);
    assert!(open.scene.cx.remembered().is_empty());
}
