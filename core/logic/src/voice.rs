//! Per-voice modulation of one parameter.
//!
//! Called by: authors of instruments. Calls: nothing. Threads: [audio].
#![deny(clippy::disallowed_types)]

use crate::events::{Event, NoteRef};
use crate::params::{FloatParam, Param};

/// Values and offsets of one parameter for each of `N` voices, as polyphonic automation and modulation address them.
#[derive(Clone, Copy, Debug)]
pub struct VoiceMods<const N: usize> {
    host_id: u32,
    value: [Option<f64>; N],
    offset: [f64; N],
}

impl<const N: usize> VoiceMods<N> {
    /// For `param`, every voice at the common value.
    #[must_use]
    pub fn new(param: &FloatParam) -> Self {
        Self { host_id: param.host_id(), value: [None; N], offset: [0.0; N] }
    }

    /// Voice `voice` starts a new note: nothing of its last one stays.
    pub fn start(&mut self, voice: usize) {
        if let (Some(value), Some(offset)) = (self.value.get_mut(voice), self.offset.get_mut(voice)) {
            (*value, *offset) = (None, 0.0);
        }
    }

    /// Takes `event` in, if it is one of this parameter for single voices. `note_of` answers the note that voice `i`
    /// sounds, or `None` while it is idle.
    pub fn event(&mut self, event: &Event<'_>, note_of: impl Fn(usize) -> Option<NoteRef>) {
        let (id, note, value, offset) = match *event {
            Event::Param { id, value, note: Some(note), .. } => (id, note, Some(value), None),
            Event::Modulation { id, offset, note: Some(note), .. } => (id, note, None, Some(offset)),
            _ => return,
        };
        if id != self.host_id {
            return;
        }
        for voice in (0..N).filter(|voice| note_of(*voice).is_some_and(|sounding| note.matches(&sounding))) {
            if value.is_some() {
                self.value[voice] = value;
            }
            if let Some(offset) = offset {
                self.offset[voice] = offset;
            }
        }
    }

    /// The plain value for voice `voice`, inside the range: its own or the common one, plus its own and the common
    /// modulation.
    #[must_use]
    #[inline]
    pub fn value(&self, voice: usize, param: &FloatParam) -> f64 {
        let base = self.value.get(voice).copied().flatten().unwrap_or_else(|| param.base());
        let offset = self.offset.get(voice).copied().unwrap_or(0.0);
        param.bounds.bring(base + param.modulation() + offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{FloatRange, FloatSpec, ParamsBuilder};

    #[test]
    fn modulation_reaches_its_voice_only_and_ends_with_its_note() {
        let spec = FloatSpec {
            range: FloatRange::linear(0.0..=100.0),
            default: 50.0,
            ..FloatSpec::new("cut", "Cut")
        };
        let param = ParamsBuilder::standalone().float(spec);
        let mut mods = VoiceMods::<2>::new(&param);
        let voices = [Some(NoteRef::key(60)), Some(NoteRef::key(64))];
        let note_of = |i: usize| voices[i];
        let id = param.host_id();
        mods.event(&Event::Modulation { time: 0, id, offset: 25.0, note: voices[1] }, note_of);
        assert_eq!((mods.value(0, &param), mods.value(1, &param)), (50.0, 75.0));
        mods.event(&Event::Param { time: 0, id, value: 90.0, note: voices[1] }, note_of);
        assert_eq!(mods.value(1, &param), 100.0);
        mods.event(&Event::Param { time: 0, id: id + 1, value: 1.0, note: voices[0] }, note_of);
        mods.start(1);
        assert_eq!((mods.value(0, &param), mods.value(1, &param)), (50.0, 50.0));
        assert_eq!(mods.value(9, &param), 50.0);
    }
}
