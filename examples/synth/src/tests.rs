use hotshell::test::Rig;

use super::*;

const RATE: f64 = 48_000.0;

fn rig() -> Rig<Synth> {
    Rig::new(RATE, 128)
}

#[test]
fn a_key_sounds_until_it_is_released_and_the_host_learns_of_its_end() {
    let mut rig = rig();
    assert!(rig.run(1000).is_silent());
    rig.note_on(69, 0.8).at(100);
    let out = rig.run(4800);
    assert!(out.channel(0)[..100].iter().all(|sample| *sample == 0.0), "not before its time");
    assert!(out.rms() > 0.02);
    rig.note_off(69);
    rig.run_seconds(1.0);
    assert!(rig.run(1000).is_silent());
    let ends: Vec<_> = rig.take_sent().into_iter().map(|(_, event)| event).collect();
    assert!(matches!(ends[..], [Event::NoteEnd { note, .. }] if note == NoteRef::key(69)), "{ends:?}");
}

/// Counts how often the first channel rises through 0.
fn hertz(samples: &[f32]) -> f64 {
    let rises = samples.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    rises as f64 * RATE / samples.len() as f64
}

#[test]
fn pitch_follows_key_bend_and_tuning() {
    let mut rig = rig();
    rig.set(|p| &p.wave, Wave::Sine);
    rig.note_on(69, 1.0);
    rig.run(4800);
    assert!((hertz(rig.run(48_000).channel(0)) - 440.0).abs() < 2.0);
    rig.midi([0xe0, 0x7f, 0x7f]);
    assert!((hertz(rig.run(48_000).channel(0)) - 493.9).abs() < 2.0, "two semitones up");
    rig.midi([0xe0, 0x00, 0x40]);
    let note = NoteRef::key(69);
    rig.send(&Event::Expression { time: 0, note, expression: Expression::Tuning, value: -12.0 });
    assert!((hertz(rig.run(48_000).channel(0)) - 220.0).abs() < 2.0, "an octave down");
}

#[test]
fn an_mpe_controller_bends_one_note_by_up_to_48_semitones() {
    let mut rig = rig();
    rig.set(|p| &p.wave, Wave::Sine);
    // One zone of 15 channels.
    for bytes in [[0xb0, 101, 0], [0xb0, 100, 6], [0xb0, 6, 15], [0x91, 57, 100], [0xe1, 0, 80]] {
        rig.midi(bytes);
    }
    rig.run(4800);
    assert!((hertz(rig.run(48_000).channel(0)) - 440.0).abs() < 2.0, "a quarter of 48 semitones up");
    rig.swap();
    rig.midi([0xe1, 0, 64]);
    rig.run(4800);
    assert!((hertz(rig.run(48_000).channel(0)) - 220.0).abs() < 2.0, "the new build knows of the zone");
}

#[test]
fn the_pedal_holds_released_keys() {
    let mut rig = rig();
    rig.midi([0x90, 60, 100]);
    rig.midi([0xb0, 64, 127]).at(10);
    rig.midi([0x80, 60, 0]).at(20);
    rig.run_seconds(2.0);
    assert!(rig.run(1000).rms() > 0.01, "the pedal holds it");
    rig.midi([0xb0, 64, 0]);
    rig.run_seconds(1.0);
    assert!(rig.run(1000).is_silent());
}

#[test]
fn a_seventeenth_key_steals_the_oldest_without_a_click() {
    let mut rig = rig();
    rig.set(|p| &p.wave, Wave::Sine);
    for key in 0..16 {
        rig.note_on(60 + key, 0.1);
    }
    let before = rig.run(9600).largest_step();
    rig.note_on(90, 0.1);
    let out = rig.run(4800);
    let ends: Vec<_> = rig.take_sent();
    assert!(matches!(ends[..], [(9600, Event::NoteEnd { note, .. })] if note.key == 60), "{ends:?}");
    assert!(out.largest_step() < before * 3.0, "{} after {before}", out.largest_step());
}

#[test]
fn wildcards_reach_every_voice() {
    let mut rig = rig();
    for key in [60, 64, 67] {
        rig.note_on(key, 0.5);
    }
    rig.run(1000);
    let any = NoteRef { port: -1, channel: -1, key: -1, id: -1 };
    rig.send(&Event::Choke { time: 0, note: any });
    rig.run(128);
    assert!(rig.run(128).is_silent());
    assert_eq!(rig.take_sent().len(), 3);
}

#[test]
fn extremes_stay_finite_at_every_rate() {
    for rate in [1234.5678, 8000.0, 44_100.0, 768_000.0] {
        let mut rig = Rig::<Synth>::new(rate, 512);
        for wave in [Wave::Sine, Wave::Triangle, Wave::Saw, Wave::Square] {
            rig.set(|p| &p.wave, wave);
            rig.set(|p| &p.cutoff, 20_000.0);
            rig.set(|p| &p.resonance, 1.0);
            rig.set(|p| &p.attack, 1.0);
            for key in [0, 60, 127] {
                rig.note_on(key, 1.0);
            }
            let peak = rig.run(2048).peak();
            assert!(peak.is_finite() && peak < 20.0, "{wave:?} at {rate} Hz: {peak}");
        }
    }
}

#[test]
fn modulation_of_one_voice_darkens_that_voice_only() {
    let mut rig = rig();
    let (low, high) = (NoteRef { id: 1, ..NoteRef::key(45) }, NoteRef { id: 2, ..NoteRef::key(81) });
    for note in [low, high] {
        rig.send(&Event::NoteOn { time: 0, note, velocity: 0.5, replay: None });
    }
    let bright = rig.run(9600).rms();
    let id = rig.params().cutoff.host_id();
    let darker = Event::Modulation { time: 0, id, offset: -5900.0, note: Some(high) };
    let raw = rig.send(&darker);
    raw.at(0);
    let dark = rig.run(9600).rms();
    assert!(dark < bright * 0.95, "{dark} {bright}");
}

#[test]
fn held_notes_play_on_over_a_swap_in_real_time() {
    let mut rig = rig();
    rig.set(|p| &p.wave, Wave::Sine);
    rig.assert_realtime(|rig| {
        rig.note_on(69, 0.8);
        rig.midi([0xb0, 64, 127]);
        rig.note_off(69).at(64);
        let before = rig.run(24_000).rms();
        rig.swap();
        let during = rig.run(4800);
        let after = rig.run(4800).rms();
        assert!(during.largest_step() < 0.1, "{}", during.largest_step());
        assert!((after - before).abs() < 0.5 * before, "{before} {after}");
        rig.midi([0xb0, 64, 0]);
        rig.run_seconds(1.0);
        assert!(rig.run(1000).is_silent(), "the new build knows of the pedal");
    });
    assert_eq!((rig.playing_build(), rig.lost_blocks()), (1, 0));
}

#[test]
fn the_keyboard_shows_what_is_held_also_after_a_swap() {
    let mut rig = rig();
    let held = |rig: &Rig<Synth>| {
        let params = rig.params();
        (0..128).filter(|key| params.keys.get(*key) > 0.0).collect::<Vec<_>>()
    };
    rig.note_on(60, 0.8);
    rig.note_on(67, 0.8);
    rig.run(128);
    assert_eq!(held(&rig), [60, 67]);
    rig.note_off(60);
    rig.run(128);
    assert_eq!(held(&rig), [67], "what only rings on is not held");
    rig.swap();
    rig.run(4800);
    assert_eq!(held(&rig), [67]);
    rig.note_off(67);
    rig.run(128);
    assert!(held(&rig).is_empty());
}
