use super::*;
use crate::params::{FloatRange, Unit};

#[derive(Clone, Copy, PartialEq, Debug)]
enum Shape {
    Sine,
    Saw,
}

impl ParamEnum for Shape {
    const VARIANTS: &'static [Variant] =
        &[Variant { id: "sine", name: "Sine" }, Variant { id: "saw", name: "Sawtooth" }];
    fn index(self) -> usize {
        self as usize
    }
    fn from_index(index: usize) -> Option<Self> {
        [Self::Sine, Self::Saw].get(index).copied()
    }
}

fn problems(build: impl FnOnce(&mut ParamsBuilder<'_>)) -> String {
    let mut builder = ParamsBuilder::standalone();
    build(&mut builder);
    builder.found.problems().join("; ")
}

#[test]
fn without_a_shell_every_value_is_at_its_default_and_can_be_set() {
    use crate::params::Param;
    let mut b = ParamsBuilder::standalone();
    let float = b.float(FloatSpec { default: 0.25, ..FloatSpec::new("f", "F") });
    let int = b.int(IntSpec { min: -3, max: 3, default: 2, ..IntSpec::new("i", "I") });
    let on = b.bool(BoolSpec { default: true, ..BoolSpec::new("b", "B") });
    let shape = b.enumeration(EnumSpec::new("e", "E", Shape::Saw));
    assert_eq!((float.value(), int.value(), on.value(), shape.value()), (0.25, 2, true, Shape::Saw));
    float.set(7.0);
    int.set(-9);
    on.set(false);
    shape.set(Shape::Sine);
    assert_eq!((float.value(), int.value(), on.value(), shape.value()), (1.0, -3, false, Shape::Sine));
    assert_eq!(float.smoothed.next(), 1.0);
    float.cell.set_base(0.5);
    float.cell.set_modulation(0.25);
    assert_eq!((float.base(), float.value(), float.value_f32()), (0.5, 0.75, 0.75));
    float.cell.set_base(f64::NAN);
    assert_eq!(float.value(), 0.0, "nothing of a host is trusted");
}

#[test]
fn what_a_host_could_not_use_is_named() {
    let found = problems(|b| {
        b.float(FloatSpec::new("a", "A"));
        b.bool(BoolSpec::new("a", "Again"));
    });
    assert_eq!(found, "`a`: two parameters have this id");
    let found = problems(|b| {
        b.float(FloatSpec { range: FloatRange::log(0.0..=1.0), ..FloatSpec::new("cut", "Cut") });
        b.float(FloatSpec { default: 2.0, unit: Unit::Db, ..FloatSpec::new("late", "Late") });
        b.int(IntSpec { min: 3, max: 3, ..IntSpec::new("none", "None") });
        b.float(FloatSpec { group: Some("a//b"), ..FloatSpec::new("deep", "Deep") });
        b.int(IntSpec { flags: ParamFlags::BYPASS, ..IntSpec::new("by", "By") });
    });
    for part in [
        "`cut`: a logarithmic",
        "`late`: its default",
        "`none`: its range",
        "`deep`: its group",
        "`by`: a bypass",
    ] {
        assert!(found.contains(part), "{part} in {found}");
    }
    let found = problems(|b| {
        b.meter::<200>(MeterSpec::new("m"));
        b.inside("x", None, |b| b.meter::<100>(MeterSpec::new("m")));
    });
    assert_eq!(found, "300 meter channels; at most 256 are allowed");
    let found = problems(|b| {
        b.keep::<u8>("same");
        b.persist::<u8>(PersistSpec::new("same"));
    });
    assert_eq!(found, "`same`: two fields have this id");
}

#[test]
fn ids_keep_the_derives_rule_part_by_part() {
    let found = problems(|b| {
        b.bool(BoolSpec::new("Gain", "Gain"));
        b.bool(BoolSpec::new("", "Nameless"));
        b.bool(BoolSpec { was: &["old id"], ..BoolSpec::new("a", "A") });
        b.inside("osc.", None, |b| b.keep::<u8>("ui"));
        b.inside("é", None, |b| b.persist::<u8>(PersistSpec::new("file")));
        b.meter::<1>(MeterSpec::new("out/left"));
        b.bool(BoolSpec::new("fine-1_2.x", " "));
    });
    let wanted = [
        "`fine-1_2.x`: a parameter needs a name that a user can read",
        "`Gain`: the id has the character `G`; use a-z, 0-9, `_` and `-`",
        "``: a part of the id is empty",
        "`old id`: the id has the character ` `; use a-z, 0-9, `_` and `-`",
        "`osc..ui`: a part of the id is empty",
        "`é.file`: the id has the character `é`; use a-z, 0-9, `_` and `-`",
        "`out/left`: the id has the character `/`; use a-z, 0-9, `_` and `-`",
    ];
    assert_eq!(found, wanted.join("; "));
}

#[test]
fn nested_ids_and_groups_end_with_their_nesting() {
    let mut b = ParamsBuilder::standalone();
    b.inside("osc.1", Some("Osc 1"), |b| {
        b.inside("env", Some("Envelope"), |b| b.float(FloatSpec::new("attack", "Attack")));
        b.float(FloatSpec { was: &["tune"], ..FloatSpec::new("pitch", "Pitch") });
    });
    b.float(FloatSpec::new("out", "Out"));
    let seen: Vec<_> = b.found.params.iter().map(|p| (p.id.as_str(), p.group.as_str())).collect();
    assert_eq!(seen, [("osc.1.env.attack", "Osc 1/Envelope"), ("osc.1.pitch", "Osc 1"), ("out", "")]);
    assert_eq!(b.found.params[1].was, ["osc.1.tune"]);
}

#[test]
fn a_periodic_value_wraps_where_another_stays_at_the_end() {
    use crate::params::Param;
    for periodic in [false, true] {
        let flags = if periodic { ParamFlags::PERIODIC } else { ParamFlags::NONE };
        let mut b = ParamsBuilder::standalone();
        let range = FloatRange::linear(0.0..=360.0);
        let phase = b.float(FloatSpec { range, flags, ..FloatSpec::new("phase", "Phase") });
        let steps = b.int(IntSpec { min: 0, max: 12, flags, ..IntSpec::new("steps", "Steps") });
        for param in [&phase.cell, &steps.cell] {
            param.set_base(10.0);
            param.set_modulation(-20.0);
        }
        let mods = crate::VoiceMods::<1>::new(&phase);
        let wanted = if periodic { (350.0, 2, 350.0) } else { (0.0, 0, 0.0) };
        assert_eq!((phase.value(), steps.value(), mods.value(0, &phase)), wanted);
        assert_eq!(phase.smoothed.next_f64(), wanted.0);
        assert_eq!((phase.base(), steps.base()), (10.0, 10), "the modulation is not in the base");
        let wanted = if periodic { (10.0, 1.0) } else { (360.0, 12.0) };
        assert_eq!((phase.to_plain(370.0), steps.to_plain(13)), wanted);
    }
}
