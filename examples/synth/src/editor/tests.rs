use tiny_skia::Pixmap;

use super::layout::{FIRST, LAST, Model, Part};
use super::text::Writer;
use super::{layout, picture};

fn some() -> Model {
    Model {
        wave: 2,
        attack: 0.35,
        decay: 0.6,
        sustain: 0.65,
        release: 0.7,
        cutoff: 0.72,
        resonance: 0.55,
        gain: 0.6,
        texts: ["5.0 ms", "200.0 ms", "70.0 %", "250.0 ms", "2.50 kHz", "55.0 %", "-12.0 dB"]
            .map(str::to_owned),
        levels: [0.5, 0.3],
        keys: 1 << 60 | 1 << 63 | 1 << 67,
        build: 7,
        hot: None,
    }
}

fn painted(model: &Model, factor: f32) -> Pixmap {
    let side = |side: u32| (side as f32 * factor) as u32;
    let mut pixmap = Pixmap::new(side(layout::SIZE.0), side(layout::SIZE.1)).unwrap();
    picture::paint(&mut pixmap, &Writer::new().unwrap(), model);
    pixmap
}

fn differing(a: &Pixmap, b: &Pixmap) -> usize {
    a.pixels().iter().zip(b.pixels()).filter(|(a, b)| a != b).count()
}

#[test]
fn whatever_changes_is_seen() {
    let before = painted(&some(), 0.5);
    // For a person to look at, as a PPM.
    if let Some(path) = std::env::var_os("SYNTH_PICTURE") {
        let pixmap = painted(&some(), 2.0);
        let mut file = format!("P6\n{} {}\n255\n", pixmap.width(), pixmap.height()).into_bytes();
        file.extend(pixmap.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]));
        std::fs::write(path, file).unwrap();
    }
    let changes: [fn(&mut Model); 14] = [
        |m| m.wave = 0,
        |m| m.attack = 0.9,
        |m| m.decay = 0.1,
        |m| m.sustain = 0.1,
        |m| m.release = 0.1,
        |m| m.cutoff = 0.2,
        |m| m.resonance = 0.0,
        |m| m.gain = 0.9,
        |m| m.texts[4] = "20.0 Hz".to_owned(),
        |m| m.levels[1] = 2.0,
        |m| m.keys = 0,
        |m| m.build = 8,
        |m| m.hot = Some(Part::Filter),
        |m| m.keys |= 1 << 61,
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let mut model = some();
        change(&mut model);
        assert!(differing(&before, &painted(&model, 0.5)) > 10, "change {n}");
    }
    assert_eq!(differing(&before, &painted(&some(), 0.5)), 0);
}

#[test]
fn a_picture_of_any_size_has_no_holes() {
    for size in [(1, 1), (3, 900), (680, 348)] {
        let mut pixmap = Pixmap::new(size.0, size.1).unwrap();
        picture::paint(&mut pixmap, &Writer::new().unwrap(), &some());
        assert!(pixmap.pixels().iter().all(|pixel| pixel.alpha() == 255), "{size:?}");
    }
}

#[test]
fn every_handle_is_found_where_it_is_drawn() {
    let model = some();
    let [_, attack, decay, _, release] = layout::envelope(&model);
    assert_eq!(layout::part_at(&model, attack), Some(Part::Attack));
    assert_eq!(layout::part_at(&model, decay), Some(Part::Decay));
    assert_eq!(layout::part_at(&model, release), Some(Part::Release));
    assert_eq!(layout::part_at(&model, layout::filter(&model)), Some(Part::Filter));
    assert_eq!(layout::part_at(&model, (2.0, 2.0)), None);
}

#[test]
fn the_keys_fill_the_keyboard_side_by_side_and_black_ones_lie_between_two_white_ones() {
    let (white, black): (Vec<_>, Vec<_>) = (FIRST..=LAST).map(layout::key).partition(|(_, black)| !black);
    let mut right = layout::KEYBOARD.x;
    for (place, _) in &white {
        assert!((place.x - right).abs() < 0.01, "{place:?} at {right}");
        right = place.x + place.w;
    }
    assert!((right - layout::KEYBOARD.x - layout::KEYBOARD.w).abs() < 0.01);
    assert_eq!((white.len(), black.len()), (29, 20));
    for (place, _) in black {
        let middle = place.x + place.w / 2.0;
        assert!(white.iter().any(|(white, _)| (white.x - middle).abs() < 0.01), "{place:?}");
    }
}

#[test]
fn a_handle_follows_the_pointer() {
    let near = |a: f32, b: f32| (a - b).abs() < 0.01;
    let mut model = some();
    let (before, travel) = (layout::envelope(&model), layout::travel(Part::Decay));
    model.decay += 10.0 / travel.0;
    model.sustain += 8.0 / travel.1;
    let after = layout::envelope(&model);
    assert!(near(after[2].0 - before[2].0, 10.0) && near(after[2].1 - before[2].1, -8.0));
    let (before, travel) = (layout::filter(&model), layout::travel(Part::Filter));
    model.cutoff += 10.0 / travel.0;
    assert!(near(layout::filter(&model).0 - before.0, 10.0));
    model.resonance = 0.0;
    let low = layout::filter(&model).1;
    model.resonance = 1.0;
    assert!(near(low - layout::filter(&model).1, travel.1), "all the way up");
}

#[test]
fn a_key_is_struck_where_it_is_drawn_and_harder_nearer_to_the_player() {
    for number in FIRST..=LAST {
        let (place, _) = layout::key(number);
        let low = |part: f32| layout::key_at((place.x + place.w * 0.5, place.y + place.h * part));
        let (soft, hard) = (low(0.7).unwrap(), low(0.95).unwrap());
        assert_eq!((soft.0, hard.0), (number, number));
        assert!(soft.1 < hard.1 && hard.1 <= 1.0, "{soft:?} {hard:?}");
    }
    assert_eq!(layout::key_at((layout::KEYBOARD.x + 1.0, layout::KEYBOARD.y - 1.0)), None);
}
