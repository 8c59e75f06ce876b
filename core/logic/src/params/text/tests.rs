use super::*;

fn text(kind: &Text, value: f64) -> String {
    let mut out = String::new();
    kind.write(value, &mut out).unwrap();
    out
}

fn float(unit: Unit, range: FloatRange) -> Text {
    Text::Float { unit, range }
}

const UNITS: [Unit; 14] = [
    Unit::None,
    Unit::Percent,
    Unit::Db,
    Unit::Hz,
    Unit::Ms,
    Unit::Seconds,
    Unit::Semitones,
    Unit::Cents,
    Unit::Degrees,
    Unit::Beats,
    Unit::Bpm,
    Unit::Samples,
    Unit::Pan,
    Unit::Named("V"),
];

/// Value, text, value, text, value: the texts are the same, and so are the values read from them, to the last bit.
fn two_trips(kind: &Text, value: f64) {
    let first = text(kind, value);
    let parsed = kind.parse(&first).unwrap_or_else(|| panic!("{first:?} of {kind:?} at {value:?}"));
    let second = text(kind, parsed);
    assert_eq!(first, second, "{kind:?} at {value:?}");
    let again = kind.parse(&second).unwrap();
    assert_eq!(parsed.to_bits(), again.to_bits(), "{kind:?} at {value:?}: {first}");
    let zero = first.trim_start_matches('-').chars().all(|c| !matches!(c, '1'..='9'));
    assert!(!zero || !first.starts_with('-') || first.starts_with("-inf"), "{first}");
}

/// Values of `range` where texts change their form: both ends, and either side of each power of ten.
fn corners(range: FloatRange) -> Vec<f64> {
    let mut values = vec![range.min(), range.max(), 0.0, -120.0, 0.099_998, 0.999_97, 9.9996, 999.97];
    for power in -6..6 {
        let ten = 10_f64.powi(power);
        for near in [1.0, 0.5, 0.05, 0.005, 0.0005] {
            for sign in [-1.0, 1.0] {
                let edge = sign * ten * (1.0 - near * 1e-4);
                values.extend([
                    edge,
                    edge.next_up(),
                    edge.next_down(),
                    sign * ten,
                    sign * ten * (1.0 - near),
                ]);
            }
        }
    }
    values.retain(|value| (range.min()..=range.max()).contains(value));
    values
}

#[test]
fn text_and_value_are_stable_on_the_second_trip() {
    let ranges = [
        FloatRange::linear(0.0..=1.0),
        FloatRange::linear(-1.0..=1.0),
        FloatRange::linear(-144.0..=24.0),
        FloatRange::linear(-0.001..=0.003),
        FloatRange::log(0.01..=20_000.0),
        FloatRange::skewed(0.1..=5000.0, 3.0),
        FloatRange::linear(0.336..=7.777),
    ];
    for range in ranges {
        for unit in UNITS {
            let kind = float(unit, range);
            corners(range).into_iter().for_each(|value| two_trips(&kind, value));
            for i in 0..=999_u32 {
                two_trips(&kind, range.min() + (range.max() - range.min()) * f64::from(i) / 999.0);
            }
        }
    }
}

/// A range whose width and place give it any number of digits.
fn any_range(random: &mut fastrand::Rng) -> FloatRange {
    let width = 10_f64.powf(random.f64() * 12.0 - 7.0);
    match random.u32(0..4) {
        0 => FloatRange::linear(-width..=width * random.f64()),
        1 => {
            let least = width * random.f64() + 1e-9;
            FloatRange::log(least..=least + width)
        }
        2 => FloatRange::skewed(-width..=width, 0.2 + random.f64() * 5.0),
        _ => {
            let least = (random.f64() - 0.5) * 1000.0;
            FloatRange::linear(least..=least + width)
        }
    }
}

#[test]
fn any_value_of_any_range_and_unit_is_stable_on_the_second_trip() {
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..100 {
        let range = any_range(&mut random);
        for unit in UNITS {
            let kind = float(unit, range);
            let (min, max) = (range.min(), range.max());
            for value in corners(range) {
                two_trips(&kind, value);
            }
            for _ in 0..40 {
                let even = min + (max - min) * random.f64();
                let few_digits = format!("{:.*}", random.usize(0..7), even).parse::<f64>().unwrap();
                let small = min + (max - min) * random.f64().powi(8);
                for value in [even, few_digits, small] {
                    two_trips(&kind, value);
                }
            }
        }
    }
}

#[test]
fn any_whole_number_of_any_unit_is_itself_again() {
    let mut random = fastrand::Rng::with_seed(2);
    for unit in UNITS.into_iter().chain([Unit::Named(" V "), Unit::Named("")]) {
        for _ in 0..200 {
            let (a, b) = (random.i32(-20_000..20_000), random.i32(i32::MIN..));
            let (min, max) = (f64::from(a.min(b)), f64::from(a.max(b)));
            let kind = Text::Int { unit, min, max };
            for value in [min, max, f64::from(a), (min + (max - min) * random.f64()).round()] {
                two_trips(&kind, value);
                assert_eq!(kind.parse(&text(&kind, value)), Some(value), "{kind:?}");
            }
        }
    }
    let pan = Text::Int { unit: Unit::Pan, min: -100.0, max: 100.0 };
    assert_eq!((text(&pan, -30.0).as_str(), pan.parse("25 r")), ("30 L", Some(25.0)));
    let percent = Text::Int { unit: Unit::Percent, min: 0.0, max: 100.0 };
    assert_eq!((text(&percent, 50.0).as_str(), percent.parse("50")), ("50 %", Some(50.0)));
}

#[test]
fn every_choice_reads_back_as_itself() {
    const VARIANTS: &[Variant] = &[
        Variant { id: "b", name: "a" },
        Variant { id: "c", name: "A" },
        Variant { id: "a", name: " Wide " },
        Variant { id: "d", name: "b" },
    ];
    let choice = Text::Enum(VARIANTS);
    for value in [0.0, 1.0, 2.0, 3.0] {
        assert_eq!(choice.parse(&text(&choice, value)), Some(value));
    }
    assert_eq!((choice.parse("WIDE"), choice.parse("C")), (Some(2.0), Some(1.0)));
}

#[test]
fn seconds_change_to_milliseconds_by_the_number_shown() {
    let seconds = float(Unit::Seconds, FloatRange::linear(0.0..=1.0));
    assert_eq!(text(&seconds, 0.099_998), text(&seconds, 0.1));
    assert_eq!(text(&seconds, 0.099_98), "99.98 ms");
}

#[test]
fn units_read_as_a_user_would_write_them() {
    let hz = float(Unit::Hz, FloatRange::log(20.0..=20_000.0));
    assert_eq!(text(&hz, 440.0), "440.0 Hz");
    assert_eq!(text(&hz, 999.97), "1.00 kHz");
    assert_eq!(hz.parse("1,5 kHz"), Some(1500.0));
    assert_eq!(hz.parse("2k"), Some(2000.0));
    assert_eq!(hz.parse("300"), Some(300.0));
    assert_eq!(hz.parse("300 dB"), None);
    assert_eq!(hz.parse("99 kHz"), Some(20_000.0));
    let db = float(Unit::Db, FloatRange::linear(-60.0..=6.0));
    assert_eq!(text(&db, -6.0), "-6.0 dB");
    assert_eq!(text(&db, -0.01), "0.0 dB");
    assert_eq!(db.parse("-inf dB"), Some(-60.0));
    assert_eq!(db.parse("nan"), None);
    let pan = float(Unit::Pan, FloatRange::linear(-1.0..=1.0));
    assert_eq!(text(&pan, -0.5), "50 L");
    assert_eq!(pan.parse("25 r"), Some(0.25));
}

#[test]
fn whole_numbers_switches_and_choices_read_back() {
    let int = Text::Int { unit: Unit::Semitones, min: -12.0, max: 12.0 };
    assert_eq!(text(&int, -0.4), "0 st");
    assert_eq!(int.parse("-7 st"), Some(-7.0));
    assert_eq!(text(&Text::Bool, 0.7), "On");
    assert_eq!(Text::Bool.parse("OFF"), Some(0.0));
    const VARIANTS: &[Variant] =
        &[Variant { id: "lp", name: "Low pass" }, Variant { id: "hp", name: "High pass" }];
    let choice = Text::Enum(VARIANTS);
    assert_eq!(text(&choice, 1.0), "High pass");
    assert_eq!(text(&choice, f64::NAN), "Low pass");
    assert_eq!(choice.parse("high PASS"), Some(1.0));
    assert_eq!(choice.parse("lp"), Some(0.0));
    assert_eq!(choice.parse("band"), None);
}
