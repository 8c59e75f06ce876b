//! `IMidiMapping` and its successor, `INoteExpressionController`, `INoteExpressionPhysicalUIMapping`: what a keyboard's other controls
//! do.
//!
//! Called by: the host. Calls: `instance`, `params`. Threads: [main] by VST3's rules; safe from any.

#![allow(unsafe_code, reason = "DESIGN 9.9: a COM interface takes C's pointers")]

use hotshell_abi::NotePortsDesc;
use vst3::Steinberg::Vst::BusDirections_::kInput;
use vst3::Steinberg::Vst::NoteExpressionTypeInfo_::NoteExpressionTypeFlags_ as flags;
use vst3::Steinberg::Vst::PhysicalUITypeIDs_ as physical;
use vst3::Steinberg::Vst::{
    BusDirections, CtrlNumber, IMidiMapping2Trait, IMidiMappingTrait, INoteExpressionControllerTrait,
    INoteExpressionPhysicalUIMappingTrait, Midi1ControllerParamIDAssignment,
    Midi1ControllerParamIDAssignmentList, Midi2ControllerParamIDAssignmentList, NoteExpressionTypeID,
    NoteExpressionTypeInfo, NoteExpressionValue, NoteExpressionValueDescription, ParamID, PhysicalUIMapList,
    String128, TChar, kNoParamId,
};
use vst3::Steinberg::{int16, int32, kInvalidArgument, kResultFalse, kResultOk, tresult, uint32};

use super::{Component, put, text_at, wide};
use crate::events::{PRESSURE, expression_in, expression_out};
use crate::instance::Live;
use crate::params::Controller;

/// One kind of note expression: VST3's number, name, unit, value at rest, flags.
type Kind = (u32, &'static str, &'static str, f64, i32);

#[allow(
    clippy::cast_possible_wrap,
    clippy::unnecessary_cast,
    reason = "the bindings' enums are signed on some systems; flags are small"
)]
const BOTH_WAYS: i32 = flags::kIsBipolar as i32;

const VOLUME: u32 = 0;
const TUNING: u32 = 2;

/// What a logic with CLAP's note dialect understands (CLAP's seven expressions).
const KINDS: [Kind; 7] = [
    (VOLUME, "Volume", "dB", 0.25, 0),
    (1, "Pan", "", 0.5, BOTH_WAYS),
    (TUNING, "Tuning", "semitones", 0.5, BOTH_WAYS),
    (3, "Vibrato", "", 0.0, 0),
    (4, "Expression", "", 1.0, 0),
    (5, "Brightness", "", 0.5, 0),
    (PRESSURE, "Pressure", "", 0.0, 0),
];

fn described((id, name, unit, rest, flags): &Kind) -> NoteExpressionTypeInfo {
    let value =
        NoteExpressionValueDescription { defaultValue: *rest, minimum: 0.0, maximum: 1.0, stepCount: 0 };
    NoteExpressionTypeInfo {
        typeId: *id,
        title: wide(name),
        shortTitle: wide(&name[..3]),
        units: wide(unit),
        unitId: 0,
        valueDesc: value,
        associatedParameterId: kNoParamId,
        flags: *flags,
    }
}

/// What a value 0..=1 reads as in its kind's unit, which the host shows beside it.
fn text_of(id: NoteExpressionTypeID, value: f64) -> String {
    match expression_in(id, value) {
        Some((VOLUME, gain)) if gain > 0.0 => format!("{:.2}", 20.0 * gain.log10()),
        Some((VOLUME, _)) => "-inf".to_owned(),
        Some((TUNING, semitones)) => format!("{semitones:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The way back, brought into the range.
fn value_of(id: NoteExpressionTypeID, text: &str) -> Option<f64> {
    let (text, unit) = (text.trim(), KINDS.iter().find(|kind| kind.0 == id)?.2);
    let shown: f64 = text.strip_suffix(unit).unwrap_or(text).trim_end().parse().ok()?;
    match id {
        VOLUME => expression_out(VOLUME, 10.0_f64.powf(shown / 20.0)).map(|(_, value)| value),
        TUNING => expression_out(TUNING, shown).map(|(_, value)| value),
        _ => shown.is_finite().then(|| shown.clamp(0.0, 1.0)),
    }
}

fn is_note_bus(live: &Live, bus: int32, channel: int16) -> bool {
    let known = u32::try_from(bus).is_ok_and(|bus| bus < live.shell.notes().inputs);
    known && (-1..16).contains(&channel)
}

/// True if a logic with these note ports understands note expressions.
pub(crate) const fn takes_expressions(notes: NotePortsDesc) -> bool {
    notes.dialects & NotePortsDesc::CLAP != 0
}

fn expresses(live: &Live, bus: int32, channel: int16) -> bool {
    is_note_bus(live, bus, channel) && takes_expressions(live.shell.notes())
}

impl IMidiMappingTrait for Component {
    unsafe fn getMidiControllerAssignment(
        &self,
        bus: int32,
        channel: int16,
        controller: CtrlNumber,
        id: *mut ParamID,
    ) -> tresult {
        self.0.with(|live| {
            let found = live.table().controller(bus, channel, controller);
            // SAFETY: VST3: null (which `put` checks) or a place for one.
            let done = unsafe { put(id, found.unwrap_or(kNoParamId)) };
            if done && found.is_some() { kResultOk } else { kResultFalse }
        })
    }
}

/// The same, all at once (SDK 3.8): hosts that know it do not ask for each number of each channel.
impl IMidiMapping2Trait for Component {
    /// VST3 has no event for MIDI 2's controllers, and no author has said which of them he would take as parameters.
    unsafe fn getNumMidi2ControllerAssignments(&self, _direction: BusDirections) -> uint32 {
        0
    }

    unsafe fn getMidi2ControllerAssignments(
        &self,
        _direction: BusDirections,
        _list: *const Midi2ControllerParamIDAssignmentList,
    ) -> tresult {
        kResultFalse
    }

    unsafe fn getNumMidi1ControllerAssignments(&self, direction: BusDirections) -> uint32 {
        self.0.ask(0, |live| {
            let count = if direction == kInput { live.table().controllers().count() } else { 0 };
            u32::try_from(count).unwrap_or(0)
        })
    }

    /// A place too many is filled with nobody's; for one too few there is none.
    unsafe fn getMidi1ControllerAssignments(
        &self,
        direction: BusDirections,
        list: *const Midi1ControllerParamIDAssignmentList,
    ) -> tresult {
        self.0.with(|live| {
            // SAFETY: VST3: null (checked) or one list, whose `map` holds `count` entries.
            let Some(list) = (unsafe { list.as_ref() }).filter(|list| !list.map.is_null()) else {
                return kInvalidArgument;
            };
            if direction != kInput {
                return kResultFalse;
            }
            let table = live.table();
            let mut found = table.controllers();
            for index in 0..list.count as usize {
                // SAFETY: as above.
                unsafe { list.map.add(index).write(assignment(found.next())) };
            }
            kResultOk
        })
    }
}

fn assignment(one: Option<Controller>) -> Midi1ControllerParamIDAssignment {
    let id = one.map_or(kNoParamId, Controller::id);
    let Controller { bus, channel, number } = one.unwrap_or(Controller { bus: 0, channel: 0, number: 0 });
    Midi1ControllerParamIDAssignment { pId: id, busIndex: bus.into(), channel, controller: number.into() }
}

impl INoteExpressionControllerTrait for Component {
    unsafe fn getNoteExpressionCount(&self, bus: int32, channel: int16) -> int32 {
        const COUNT: int32 = 7;
        self.0.ask(0, |live| if expresses(live, bus, channel) { COUNT } else { 0 })
    }

    unsafe fn getNoteExpressionInfo(
        &self,
        bus: int32,
        channel: int16,
        index: int32,
        info: *mut NoteExpressionTypeInfo,
    ) -> tresult {
        self.0.with(|live| {
            let kind = usize::try_from(index).ok().and_then(|index| KINDS.get(index));
            let found = kind.filter(|_| expresses(live, bus, channel)).map(described);
            // SAFETY: VST3: null (which `put` checks) or a place for one.
            let done = found.is_some_and(|found| unsafe { put(info, found) });
            if done { kResultOk } else { kInvalidArgument }
        })
    }

    unsafe fn getNoteExpressionStringByValue(
        &self,
        bus: int32,
        channel: int16,
        id: NoteExpressionTypeID,
        value: NoteExpressionValue,
        text: *mut String128,
    ) -> tresult {
        self.0.with(|live| {
            let known = expresses(live, bus, channel) && KINDS.iter().any(|kind| kind.0 == id);
            // SAFETY: VST3: null (which `put` checks) or a place for 128 units.
            if known && unsafe { put(text, wide(&text_of(id, value))) } {
                kResultOk
            } else {
                kInvalidArgument
            }
        })
    }

    unsafe fn getNoteExpressionValueByString(
        &self,
        bus: int32,
        channel: int16,
        id: NoteExpressionTypeID,
        text: *const TChar,
        value: *mut NoteExpressionValue,
    ) -> tresult {
        self.0.with(|live| {
            let known = expresses(live, bus, channel) && KINDS.iter().any(|kind| kind.0 == id);
            // SAFETY: VST3: null (checked there) or a text that ends with 0.
            let text = unsafe { text_at(text) }.filter(|_| known);
            match text.and_then(|text| value_of(id, &text)) {
                // SAFETY: VST3: null (which `put` checks) or a place for one.
                Some(parsed) if unsafe { put(value, parsed) } => kResultOk,
                _ => kResultFalse,
            }
        })
    }
}

impl INoteExpressionPhysicalUIMappingTrait for Component {
    /// MPE's three dimensions: sideways bends, forwards brightens, pressing presses.
    unsafe fn getPhysicalUIMapping(
        &self,
        bus: int32,
        channel: int16,
        list: *mut PhysicalUIMapList,
    ) -> tresult {
        self.0.with(|live| {
            // SAFETY: VST3: null (checked) or one list, whose `map` holds `count` entries.
            let Some(list) = (unsafe { list.as_ref() }).filter(|list| !list.map.is_null()) else {
                return kInvalidArgument;
            };
            if !expresses(live, bus, channel) {
                return kResultFalse;
            }
            for index in 0..list.count as usize {
                // SAFETY: as above.
                let entry = unsafe { &mut *list.map.add(index) };
                entry.noteExpressionTypeID = expression_of(entry.physicalUITypeID);
            }
            kResultOk
        })
    }
}

#[allow(
    clippy::cast_sign_loss,
    clippy::unnecessary_cast,
    reason = "the bindings' enums are signed on Windows"
)]
const fn expression_of(control: u32) -> NoteExpressionTypeID {
    const X: u32 = physical::kPUIXMovement as u32;
    const Y: u32 = physical::kPUIYMovement as u32;
    const PRESS: u32 = physical::kPUIPressure as u32;
    match control {
        X => 2,
        Y => 5,
        PRESS => PRESSURE,
        _ => vst3::Steinberg::Vst::NoteExpressionTypeIDs_::kInvalidTypeID,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_reads_in_the_unit_that_the_host_shows_beside_it() {
        for (id, value, text) in [
            (VOLUME, 0.25, "0.00"),
            (VOLUME, 0.5, "6.02"),
            (VOLUME, 0.0, "-inf"),
            (TUNING, 0.5, "0.00"),
            (TUNING, 0.45, "-12.00"),
            (5, 0.25, "0.250"),
        ] {
            assert_eq!(text_of(id, value), text);
            let back = value_of(id, text).expect("what it says it takes");
            assert_eq!(text_of(id, back), text, "and means by it what it said");
        }
        assert_eq!(value_of(VOLUME, " 0 dB "), Some(0.25));
        assert_eq!(value_of(TUNING, "12semitones"), Some(0.55));
        assert_eq!(
            [(VOLUME, "13"), (TUNING, "200"), (5, "1.5")].map(|(id, text)| value_of(id, text)),
            [Some(1.0); 3]
        );
        for (id, text) in [(5, ""), (VOLUME, "NaN"), (5, "inf"), (99, "0"), (TUNING, "dB")] {
            assert_eq!(value_of(id, text), None, "{id} {text}");
        }
    }
}
