//! What differs between announced and live, class by class, and the copying of one class alone.
//!
//! Called by: `changes`. Calls: nothing. Threads: [main].

use hotshell_abi::{NotePortsDesc, ParamDesc};

use crate::shell::{BusInfo, LayoutInfo, ParamInfo};

/// Flags that a host may be told of at any time.
const INFO_FLAGS: u32 = ParamDesc::HIDDEN | ParamDesc::PERIODIC;
/// Flags that a host is told of while inactive only.
const BOUND_FLAGS: u32 = ParamDesc::AUTOMATABLE
    | ParamDesc::MODULATABLE
    | ParamDesc::MODULATABLE_PER_NOTE
    | ParamDesc::READ_ONLY
    | ParamDesc::BYPASS
    | ParamDesc::AUTOMATABLE_PER_NOTE;

/// What the texts of one parameter's values depend on.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Texts {
    unit: String,
    kind: u32,
    law: u32,
    skew: f64,
    variants: Vec<(String, String)>,
}

impl Texts {
    fn of(info: &ParamInfo) -> Self {
        let ParamInfo { unit, kind, law, skew, variants, .. } = info.clone();
        Self { unit, kind, law, skew, variants }
    }
}

pub(super) fn texts(params: &[ParamInfo]) -> Vec<Texts> {
    params.iter().map(Texts::of).collect()
}

/// Nobody reads the texts of a tombstone.
pub(super) fn texts_differ(told: &[Texts], live: &[ParamInfo]) -> bool {
    told.iter().zip(live).any(|(told, live)| !live.removed && *told != Texts::of(live))
}

/// Copies what only texts depend on. A number of variants is part of the range and waits.
pub(super) fn adopt_texts(told: &mut [ParamInfo], live: &[ParamInfo]) {
    for (told, live) in told.iter_mut().zip(live) {
        told.unit.clone_from(&live.unit);
        (told.law, told.skew) = (live.law, live.skew);
        if told.variants.len() == live.variants.len() {
            told.variants.clone_from(&live.variants);
        }
    }
}

/// Copies names and what else may be told at any time; true if the host can see a difference.
pub(super) fn adopt_infos(told: &mut [ParamInfo], live: &[ParamInfo]) -> bool {
    let mut differ = false;
    for (told, live) in told.iter_mut().zip(live) {
        let flags = (told.flags & BOUND_FLAGS) | (live.flags & !BOUND_FLAGS);
        differ |= (told.flags ^ flags) & INFO_FLAGS != 0
            || told.name != live.name
            || told.group != live.group
            || told.removed != live.removed;
        told.flags = flags;
        told.removed = live.removed;
        told.name.clone_from(&live.name);
        told.group.clone_from(&live.group);
        told.page.clone_from(&live.page);
    }
    differ
}

/// Remote-control pages: which parameters are on which.
pub(super) fn pages(params: &[ParamInfo]) -> Vec<(usize, String)> {
    let shown = params.iter().enumerate().filter(|(_, info)| !info.removed && !info.page.is_empty());
    shown.map(|(index, info)| (index, info.page.clone())).collect()
}

/// A parameter was added, or one that the host relies on while active changed. A tombstone keeps what was announced.
pub(super) fn params_differ(told: &[ParamInfo], live: &[ParamInfo]) -> bool {
    let bound = |info: &ParamInfo| {
        (info.kind, info.min, info.max, info.default, info.flags & BOUND_FLAGS, info.variants.len())
    };
    live.len() > told.len()
        || told.iter().zip(live).any(|(told, live)| !live.removed && bound(told) != bound(live))
}

pub(super) fn ports_differ(told: &[LayoutInfo], live: &[LayoutInfo]) -> bool {
    let bus = |bus: &BusInfo| (bus.channels, bus.main, bus.kind, bus.speakers);
    let buses = |buses: &[BusInfo]| buses.iter().map(bus).collect::<Vec<_>>();
    let shape = |layout: &LayoutInfo| (buses(&layout.inputs), buses(&layout.outputs));
    !told.iter().map(shape).eq(live.iter().map(shape))
}

/// Copies names of ports whose shape is the same; true if there were any.
pub(super) fn adopt_port_names(told: &mut Vec<LayoutInfo>, live: &Vec<LayoutInfo>) -> bool {
    let differ = told != live && !ports_differ(told, live);
    if differ {
        told.clone_from(live);
    }
    differ
}

/// Whether MPE is normalised is the shell's own business; what controllers are listened to is told apart.
pub(super) fn notes_differ(told: NotePortsDesc, live: NotePortsDesc) -> bool {
    let ports = |notes| NotePortsDesc { mpe: 0, channels: 0, controllers: [0; 3], ..notes };
    ports(told) != ports(live)
}

/// Copies which controllers are listened to; true if that differs.
pub(super) fn adopt_controllers(told: &mut NotePortsDesc, live: NotePortsDesc) -> bool {
    let differ = (told.channels, told.controllers) != (live.channels, live.controllers);
    (told.channels, told.controllers) = (live.channels, live.controllers);
    differ
}
