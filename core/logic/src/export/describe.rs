//! A plug-in's constants and a walk over its `Params` become one description, made once per build and kept for ever.
//!
//! Called by: `shared::describe`. Calls: `Params::build`. Threads: [main] [reload].

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use hotshell_abi::describe::{SplitDesc, param_host_id};
use hotshell_abi::{
    BusDesc, BusLayoutDesc, HandoverDesc, MeterDesc, ParamDesc, PersistDesc, PluginDesc, Sample, Slice, Str,
    VariantDesc,
};

use crate::bus::{Bus, BusLayout};
use crate::info::{FadeLaw, Feature, Handover, Split};
use crate::params::build::{Found, ParamRecord};
use crate::params::{Params, ParamsBuilder};
use crate::plugin::PluginLogicCore;

/// The description of `G`, the same address at every call.
///
/// # Panics
/// If `G`'s parameters or buses cannot be used: the message names them.
pub fn description<G: PluginLogicCore<S>, S: Sample>() -> &'static PluginDesc<'static> {
    // One per library: a `static` inside a generic function is shared by all its instances.
    static MADE: Mutex<BTreeMap<TypeId, &'static PluginDesc<'static>>> = Mutex::new(BTreeMap::new());
    let of = TypeId::of::<(G, S)>();
    let made = || MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = made().get(&of) {
        return known;
    }
    // The author's code runs outside the lock.
    let found = walk::<G::Params>();
    made().entry(of).or_insert_with(|| Box::leak(Box::new(plugin::<G, S>(&found))))
}

fn walk<P: Params>() -> Found {
    let mut builder = ParamsBuilder::standalone();
    drop(P::build(&mut builder));
    builder.found.check();
    builder.found
}

fn plugin<G: PluginLogicCore<S>, S: Sample>(found: &Found) -> PluginDesc<'static> {
    let info = G::INFO;
    assert!(!G::BUSES.is_empty(), "`BUSES` is empty: a plug-in without audio says BusLayout::NO_AUDIO");
    let persists = found.persists.iter().map(|(id, scope)| PersistDesc { id: text(id), scope: *scope });
    let flags = [
        (info.imports_state, PluginDesc::IMPORTS_STATE),
        (info.own_state, PluginDesc::OWN_STATE),
        (info.overlapping_notes, PluginDesc::OVERLAPPING_NOTES),
        (info.hard_realtime, PluginDesc::HARD_REALTIME),
    ];
    PluginDesc {
        id: Str::new(info.id),
        name: Str::new(info.name),
        vendor: Str::new(info.vendor),
        version: Str::new(info.version),
        description: Str::new(info.description),
        url: Str::new(info.url),
        manual_url: Str::new(info.manual_url),
        support_url: Str::new(info.support_url),
        features: features(info.features, G::BUSES, G::NOTES.inputs > 0),
        vst3_categories: Str::new(info.vst3_categories),
        vst3_class_id: info.vst3_class_id.unwrap_or([0; 16]),
        vst3_old_class_ids: Slice::new(info.vst3_replaces),
        layouts: list(G::BUSES.iter().map(layout)),
        notes: G::NOTES.desc(),
        split: split(G::SPLIT),
        handover: handover(G::HANDOVER, G::WARM_UP),
        state_version: G::STATE_VERSION,
        flags: flags.iter().filter(|(on, _)| *on).fold(0, |all, (_, bit)| all | bit),
        voice_capacity: info.voices,
        params: list(found.params.iter().map(param)),
        meters: list(found.meters.iter().map(|meter| MeterDesc {
            id: text(&meter.id),
            channels: meter.channels,
            kind: u32::from(meter.peak),
        })),
        persists: list(persists),
    }
}

fn text(owned: &str) -> Str<'static> {
    Str::new(Box::leak(owned.to_owned().into_boxed_str()))
}

fn list<T>(items: impl Iterator<Item = T>) -> Slice<'static, T> {
    Slice::new(Box::leak(items.collect::<Vec<T>>().into_boxed_slice()))
}

/// The author's words without repetition, with a main category at the front if he named none.
fn features(named: &[Feature], buses: &[BusLayout], notes_in: bool) -> Slice<'static, Str<'static>> {
    let first = buses.first();
    let has = |side: fn(&BusLayout) -> &'static [Bus]| first.is_some_and(|layout| !side(layout).is_empty());
    let (audio_in, audio_out) = (has(|layout| layout.inputs), has(|layout| layout.outputs));
    let derived = match (audio_in, audio_out) {
        (false, true) if notes_in => Feature::INSTRUMENT,
        (false, false) => Feature::NOTE_EFFECT,
        (true, false) => Feature::ANALYZER,
        _ => Feature::AUDIO_EFFECT,
    };
    let main = if named.iter().any(|feature| feature.is_main()) { None } else { Some(derived) };
    let mut words: Vec<&'static str> = Vec::new();
    for feature in main.iter().chain(named) {
        if !words.contains(&feature.0) {
            words.push(feature.0);
        }
    }
    list(words.into_iter().map(Str::new))
}

fn layout(layout: &BusLayout) -> BusLayoutDesc<'static> {
    let buses = |buses: &'static [Bus]| list(buses.iter().enumerate().map(|(i, bus)| describe_bus(i, bus)));
    BusLayoutDesc {
        name: Str::new(layout.name),
        inputs: buses(layout.inputs),
        outputs: buses(layout.outputs),
    }
}

fn describe_bus(index: usize, bus: &'static Bus) -> BusDesc<'static> {
    let channels = bus.kind.channels();
    assert!((1..=64).contains(&channels), "bus `{}` has {channels} channels; 1 to 64 are possible", bus.name);
    let (kind, speakers) = bus.kind.code();
    let role = if index == 0 && !bus.aux { BusDesc::MAIN } else { BusDesc::AUX };
    BusDesc { name: Str::new(bus.name), channels, role, kind, speakers }
}

const fn split(split: Split) -> SplitDesc {
    match split {
        Split::AtAutomation { min_frames } => {
            SplitDesc { mode: 0, min_frames: if min_frames == 0 { 1 } else { min_frames } }
        }
        Split::Never => SplitDesc { mode: 1, min_frames: 1 },
    }
}

const fn handover(handover: Handover, warm_up_frames: u32) -> HandoverDesc {
    let plain = HandoverDesc {
        kind: HandoverDesc::AUTO,
        law: HandoverDesc::EQUAL_GAIN,
        milliseconds: 10.0,
        spill_seconds: 0.0,
        warm_up_frames,
    };
    match handover {
        Handover::Auto => plain,
        Handover::Crossfade { law, ms } => HandoverDesc {
            kind: HandoverDesc::CROSSFADE,
            law: match law {
                FadeLaw::EqualGain => HandoverDesc::EQUAL_GAIN,
                FadeLaw::EqualPower => HandoverDesc::EQUAL_POWER,
            },
            milliseconds: ms.clamp(0.0, 1000.0),
            ..plain
        },
        Handover::Spill { max_s } => {
            HandoverDesc { kind: HandoverDesc::SPILL, spill_seconds: max_s.clamp(0.0, 30.0), ..plain }
        }
        Handover::Cut => HandoverDesc { kind: HandoverDesc::CUT, ..plain },
    }
}

fn param(record: &ParamRecord) -> ParamDesc<'static> {
    ParamDesc {
        id: text(&record.id),
        was: list(record.was.iter().map(|id| text(id))),
        host_id: param_host_id(&record.id),
        kind: record.kind,
        name: text(&record.name),
        group: text(&record.group),
        unit: Str::new(record.unit),
        page: text(&record.page),
        min: record.min,
        max: record.max,
        default: record.default,
        law: record.law,
        skew: record.skew,
        flags: record.flags,
        variants: list(
            record.variants.iter().map(|v| VariantDesc { id: Str::new(v.id), name: Str::new(v.name) }),
        ),
    }
}
