//! The announced parameters in VST3's terms: normalised values, titles, units.
//!
//! Called by: `instance`, `controller`, `process`, `com/*`. Calls: the shell, `params/controllers`. Threads: a [`Table`] is
//! made on [main] and read on [any]: nothing in it moves, and reading a value's place allocates nothing.

use hotshell_abi::describe::param_host_id;
use hotshell_abi::{NotePortsDesc, ParamDesc};
use hotshell_core::shell::{ParamInfo, Shell};

pub(crate) use controllers::Controller;

mod controllers;

/// How a knob's travel 0..=1 spreads over plain values. In VST3 all values travel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Travel {
    min: f64,
    max: f64,
    law: u32,
    skew: f64,
    /// Whole steps from `min` to `max`; 0 where continuous.
    steps: u32,
}

impl Travel {
    fn new(info: &ParamInfo) -> Self {
        let steps = if info.is_stepped() { whole(info.max - info.min) } else { 0 };
        Self { min: info.min, max: info.max, law: info.law, skew: info.skew, steps }
    }

    /// VST3's step count: 0 continuous, 1 a switch.
    pub(crate) fn step_count(&self) -> i32 {
        i32::try_from(self.steps).unwrap_or(i32::MAX)
    }

    fn is_logarithmic(&self) -> bool {
        self.law == ParamDesc::LOGARITHMIC && self.min > 0.0 && self.max > self.min
    }

    fn is_skewed(&self) -> bool {
        self.law == ParamDesc::SKEWED && self.skew > 0.0 && self.skew.is_finite()
    }

    /// Plain value at `travel`, which is brought into 0..=1; NaN counts as 0.
    pub(crate) fn plain(&self, travel: f64) -> f64 {
        let travel = if travel.is_nan() { 0.0 } else { travel.clamp(0.0, 1.0) };
        let width = self.max - self.min;
        if self.steps > 0 {
            let steps = f64::from(self.steps);
            return self.min + (travel * (steps + 1.0)).floor().min(steps);
        }
        let plain = if self.is_logarithmic() {
            self.min * (self.max / self.min).powf(travel)
        } else if self.is_skewed() {
            self.min + width * travel.powf(self.skew)
        } else {
            self.min + width * travel
        };
        plain.clamp(self.min, self.max)
    }

    /// Travel 0..=1 of a plain value, which is brought into the range.
    pub(crate) fn normalised(&self, plain: f64) -> f64 {
        let width = self.max - self.min;
        if plain.is_nan() || width <= 0.0 {
            return 0.0;
        }
        let plain = plain.clamp(self.min, self.max);
        if self.steps > 0 {
            return ((plain - self.min).round() / f64::from(self.steps)).clamp(0.0, 1.0);
        }
        let travel = if self.is_logarithmic() {
            (plain / self.min).ln() / (self.max / self.min).ln()
        } else if self.is_skewed() {
            ((plain - self.min) / width).powf(1.0 / self.skew)
        } else {
            (plain - self.min) / width
        };
        travel.clamp(0.0, 1.0)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and a negative or senseless width is no steps"
)]
fn whole(width: f64) -> u32 {
    width.round() as u32
}

/// Where a value of the host's goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    /// A parameter of the author's: its host id, its place in the list (from 0), its travel.
    Param(u32, usize, Travel),
    /// A MIDI controller.
    Controller(Controller),
}

/// One line of the list that the host reads.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a few thousand of them at most, read in order")]
pub(crate) enum Line {
    /// The author's.
    Param(ParamInfo),
    /// Hidden.
    Controller(Controller),
}

/// A group of parameters. The root is not in the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unit {
    pub(crate) id: i32,
    pub(crate) parent: i32,
    pub(crate) name: String,
    path: String,
}

/// All that the host may ask of the announced parameters. Lines and units only ever grow at their ends (FORMATS 2).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    pub(crate) lines: Vec<Line>,
    pub(crate) units: Vec<Unit>,
    /// Sorted by id; old ids of renamed parameters included.
    targets: Vec<(u32, Target)>,
    /// The announced note ports.
    pub(crate) notes: Option<NotePortsDesc>,
}

impl Table {
    /// Reads the shell's list; what `before` had keeps its place.
    pub(crate) fn read(shell: &dyn Shell, before: &Self) -> Self {
        let infos: Vec<ParamInfo> = (0..shell.param_count()).filter_map(|i| shell.param_info(i)).collect();
        let notes = shell.notes();
        let mut table = Self {
            lines: Vec::with_capacity(infos.len()),
            units: before.units.clone(),
            targets: Vec::new(),
            notes: Some(notes),
        };
        table.fill_lines(&infos, before);
        infos.iter().for_each(|info| table.add_units(&info.group));
        table.fill_targets(shell);
        table
    }

    fn fill_lines(&mut self, infos: &[ParamInfo], before: &Self) {
        let mut fresh = infos.iter();
        for line in &before.lines {
            self.lines.push(match line {
                Line::Param(old) => Line::Param(fresh.next().unwrap_or(old).clone()),
                Line::Controller(..) => line.clone(),
            });
        }
        self.lines.extend(fresh.cloned().map(Line::Param));
        let is_known = |one: &Controller| matches!(before.target(one.id()), Some(Target::Controller(_)));
        let is_taken = |one: &Controller| infos.iter().any(|info| info.host_id == one.id());
        let wanted = self.notes.into_iter().flat_map(Controller::all);
        self.lines.extend(wanted.filter(|one| !is_known(one) && !is_taken(one)).map(Line::Controller));
    }

    fn add_units(&mut self, group: &str) {
        let (mut path, mut parent) = (String::new(), 0);
        for name in group.split('/').filter(|name| !name.is_empty()) {
            path.push('/');
            path.push_str(name);
            if let Some(unit) = self.units.iter().find(|unit| unit.path == path) {
                parent = unit.id;
                continue;
            }
            // From the path, so that a host finds a unit again in another session.
            let mut id = i32::try_from(param_host_id(&path)).unwrap_or(0).max(1);
            while self.units.iter().any(|unit| unit.id == id) {
                id = id.checked_add(1).unwrap_or(1);
            }
            self.units.push(Unit { id, parent, name: name.to_owned(), path: path.clone() });
            parent = id;
        }
    }

    fn fill_targets(&mut self, shell: &dyn Shell) {
        let mut targets: Vec<(u32, Target)> = Vec::with_capacity(self.lines.len());
        targets.extend(self.lines.iter().filter_map(|line| match line {
            Line::Param(info) => {
                Some((info.host_id, Target::Param(info.host_id, info.index, Travel::new(info))))
            }
            Line::Controller(_) => None,
        }));
        for desc in shell.describe().params.as_slice() {
            let found = targets.iter().find(|(id, _)| *id == desc.host_id).map(|(_, target)| *target);
            for was in desc.was.as_slice() {
                targets.extend(found.map(|target| (param_host_id(was.as_str()), target)));
            }
        }
        targets.extend(self.lines.iter().filter_map(|line| match line {
            Line::Controller(one) => Some((one.id(), Target::Controller(*one))),
            Line::Param(_) => None,
        }));
        // Stable: where an old id is someone's present id, the present one comes first and stays.
        targets.sort_by_key(|(id, _)| *id);
        targets.dedup_by_key(|(id, _)| *id);
        self.targets = targets;
    }

    /// What `id` addresses. Allocates nothing. [any]
    pub(crate) fn target(&self, id: u32) -> Option<Target> {
        let at = self.targets.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(self.targets[at].1)
    }

    /// Travel of the author's parameter `id`.
    pub(crate) fn travel(&self, id: u32) -> Option<(u32, Travel)> {
        match self.target(id)? {
            Target::Param(host_id, _, travel) => Some((host_id, travel)),
            Target::Controller(..) => None,
        }
    }

    /// Id of the unit that `group` ends in; 0 is the root.
    pub(crate) fn unit_of(&self, group: &str) -> i32 {
        let path: String =
            group.split('/').filter(|name| !name.is_empty()).flat_map(|name| ["/", name]).collect();
        self.units.iter().find(|unit| unit.path == path).map_or(0, |unit| unit.id)
    }

    /// All controllers that are listened to, in the order of their parameters.
    pub(crate) fn controllers(&self) -> impl Iterator<Item = Controller> {
        self.lines.iter().filter_map(|line| match line {
            Line::Controller(one) => self.is_heard(*one).then_some(*one),
            Line::Param(_) => None,
        })
    }

    fn is_heard(&self, one: Controller) -> bool {
        let listens = self.notes.is_some_and(|notes| one.is_in(notes));
        listens && self.target(one.id()) == Some(Target::Controller(one))
    }

    /// Id of the hidden parameter of a controller, if it is listened to.
    pub(crate) fn controller(&self, bus: i32, channel: i16, number: i16) -> Option<u32> {
        let one = Controller::at(bus, channel, number)?;
        self.is_heard(one).then(|| one.id())
    }
}

#[cfg(test)]
mod tests;
