use hotshell::test::Rig;

use super::*;

fn rig() -> Rig<Gain> {
    Rig::new(48_000.0, 64)
}

fn near(samples: &[f32], wanted: f32) -> bool {
    samples.iter().all(|sample| (sample - wanted).abs() < 1e-5)
}

#[test]
fn the_gain_is_applied_from_the_automated_sample_on_without_a_step() {
    let mut rig = rig();
    rig.set(|p| &p.gain, -20.0).at(480);
    let out = rig.process(&[0.5; 2400]);
    assert!(near(&out.channel(0)[..480], 0.5));
    assert!(near(&out.channel(1)[1000..], 0.05));
    assert!(out.largest_step() < 0.01, "10 ms of smoothing: {}", out.largest_step());
}

#[test]
fn mono_is_a_layout_too() {
    let mut rig = rig();
    rig.set_layout(1).unwrap();
    let out = rig.process(&[0.5; 64]);
    assert_eq!((out.channels(), out.last()), (1, 0.5));
}

#[test]
fn the_trim_is_saved_and_is_no_parameter() {
    let mut rig = rig();
    rig.params().trim.set(Trim { db: [0.0, -20.0] }).unwrap();
    let out = rig.process(&[0.5; 64]);
    assert!(near(out.channel(0), 0.5) && near(out.channel(1), 0.05));
    let state = rig.save();
    let mut other = self::rig();
    other.load(&state).unwrap();
    assert!(near(other.process(&[0.5; 64]).channel(1), 0.05));
}

#[test]
fn the_shell_bypasses_without_a_click() {
    let mut rig = rig();
    rig.set(|p| &p.gain, -20.0);
    rig.process(&[0.5; 4800]);
    rig.set(|p| &p.bypass, true);
    let out = rig.process(&[0.5; 4800]);
    assert!(out.largest_step() < 0.05, "{}", out.largest_step());
    assert_eq!(out.last(), 0.5);
}

#[test]
fn the_meter_shows_the_peak() {
    let mut rig = rig();
    rig.process_channels(&[&[0.25; 64], &[-0.75; 64]]);
    let params = rig.params();
    assert_eq!((params.out.get(0), params.out.get(1)), (0.25, 0.75));
}

#[test]
fn the_look_ahead_limits_and_says_how_late_it_is() {
    let mut rig = rig();
    assert_eq!(rig.latency(), 0);
    rig.set(|p| &p.look_ahead, true);
    rig.set(|p| &p.gain, 12.0);
    rig.run_seconds(0.1);
    assert_eq!(rig.latency(), 240, "5 ms");
    let input = rig.sine(1000.0, 4800);
    let out = rig.process(&input);
    assert!(out.channel(0)[..240].iter().all(|sample| *sample == 0.0));
    assert!(out.peak() <= 1.0 && out.peak() > 0.9, "{}", out.peak());
}

#[test]
fn every_block_is_real_time_a_swap_included() {
    let mut rig = rig();
    rig.assert_realtime(|rig| {
        rig.run_seconds(0.2);
        rig.set(|p| &p.gain, -12.0).at(7);
        rig.set(|p| &p.look_ahead, true).at(100);
        rig.process(&[0.5; 4800]);
        rig.swap();
        rig.process(&[0.5; 4800]);
    });
    assert_eq!((rig.playing_build(), rig.lost_blocks()), (1, 0));
}

#[test]
fn a_swap_to_the_same_code_is_not_heard() {
    let (mut one, mut other) = (rig(), rig());
    let input = one.sine(440.0, 9600);
    one.set(|p| &p.gain, -6.0);
    other.set(|p| &p.gain, -6.0);
    one.process(&input);
    other.process(&input);
    other.swap();
    let (plain, swapped) = (one.process(&input), other.process(&input));
    assert_eq!(other.playing_build(), 1);
    for (a, b) in plain.channel(0).iter().zip(swapped.channel(0)) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn values_survive_a_state_and_a_swap() {
    let mut rig = rig();
    rig.set(|p| &p.gain, -6.0);
    rig.run_seconds(0.01);
    assert_eq!(rig.text(|p| &p.gain), "-6.0 dB");
    let state = rig.save();
    rig.set(|p| &p.gain, 3.0);
    rig.run_seconds(0.01);
    rig.load(&state).unwrap();
    rig.swap();
    rig.run_seconds(0.1);
    assert_eq!(rig.value(|p| &p.gain), -6.0);
    assert!(rig.load(b"not a state").is_err());
    assert_eq!(rig.save(), state, "the same state gives the same bytes");
}

#[cfg(feature = "editor")]
#[test]
fn a_drag_of_the_knob_in_the_window_is_heard() {
    use egui::egui::{Context, Event, Modifiers, PointerButton, Pos2, RawInput, Rect, pos2, vec2};
    let mut rig = rig();
    let (window, cx, params) = (Context::default(), rig.editor(), rig.params());
    let frame = |events: Vec<Event>| {
        let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, vec2(320.0, 176.0)));
        let input = RawInput { screen_rect, events, ..RawInput::default() };
        window.run_ui(input, |ui| draw(ui, &params, &cx)).drop_without_applying_deltas();
    };
    let button = |pos: Pos2, pressed: bool| {
        let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
        Event::PointerButton { pos, button, pressed, modifiers }
    };
    let (from, to) = (pos2(32.0, 32.0), pos2(32.0, 2.0));
    frame(vec![]);
    frame(vec![Event::PointerMoved(from)]);
    frame(vec![button(from, true)]);
    frame(vec![Event::PointerMoved(to)]);
    frame(vec![button(to, false)]);
    assert!(rig.value(|p| &p.gain) > 0.0, "up is louder");
    let out = rig.process(&[0.1; 2400]);
    assert!(near(&out.channel(0)[1000..], 0.1 * linear(rig.value(|p| &p.gain) as f32)));
}
