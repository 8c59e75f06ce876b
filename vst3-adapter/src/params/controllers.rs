//! The hidden parameters that carry MIDI controllers: VST3 has no event for them.
//!
//! Called by: `params`, `controller`, `events`. Calls: nothing. Threads: [any].
//!
//! One for each controller that the author listens to (`NotePorts::controllers`), channel and event bus, and not one
//! more: hosts walk the whole list. Hosts hold the list by index, so it only ever grows at its end: parameters that the
//! author adds in a reload come after the controllers, controllers that he adds after those. What he stops listening to
//! keeps its line and is no longer assigned ([`Table::controller`](super::Table::controller)).

use hotshell_abi::NotePortsDesc;

use crate::events::{fourteen, seven};

/// Controllers of one channel: 0 to 127, channel pressure (128), pitch bend (129).
const NUMBERS: u8 = 130;
/// Channels of one event bus.
const CHANNELS: u8 = 16;
/// Event buses with controllers, at most.
const MOST_BUSES: u8 = 16;
/// First id; bus, channel and number are added.
const FIRST_ID: u32 = 0x7f00_0000;

/// One controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Controller {
    pub(crate) bus: u8,
    pub(crate) channel: u8,
    pub(crate) number: u8,
}

impl Controller {
    /// Of numbers that a host gives.
    pub(crate) fn at(bus: i32, channel: i16, number: i16) -> Option<Self> {
        let bus = u8::try_from(bus).ok().filter(|bus| *bus < MOST_BUSES)?;
        let channel = u8::try_from(channel).ok().filter(|channel| *channel < CHANNELS)?;
        let number = u8::try_from(number).ok().filter(|number| *number < NUMBERS)?;
        Some(Self { bus, channel, number })
    }

    /// True if `notes` listens to it.
    pub(crate) fn is_in(self, notes: NotePortsDesc) -> bool {
        let midi = notes.dialects & (NotePortsDesc::MIDI | NotePortsDesc::MIDI_MPE) != 0;
        midi && u32::from(self.bus) < notes.inputs && notes.listens(self.channel, self.number)
    }

    /// All that `notes` listens to, bus by bus and channel by channel.
    pub(crate) fn all(notes: NotePortsDesc) -> impl Iterator<Item = Self> {
        let buses = u8::try_from(notes.inputs).unwrap_or(MOST_BUSES).min(MOST_BUSES);
        let on_bus = |bus| (0..CHANNELS).flat_map(move |channel| Self::on_channel(bus, channel));
        (0..buses).flat_map(on_bus).filter(move |one| one.is_in(notes))
    }

    fn on_channel(bus: u8, channel: u8) -> impl Iterator<Item = Self> {
        (0..NUMBERS).map(move |number| Self { bus, channel, number })
    }

    /// Id of the hidden parameter.
    pub(crate) const fn id(self) -> u32 {
        FIRST_ID | (self.bus as u32) << 12 | (self.channel as u32) << 8 | self.number as u32
    }

    /// Name in a list; Ardour leaves out what begins so.
    pub(crate) fn title(self) -> String {
        let channel = self.channel + 1;
        let port = if self.bus == 0 { String::new() } else { format!("port {} ", self.bus + 1) };
        match self.number {
            128 => format!("MIDI CC {port}Ch {channel} pressure"),
            129 => format!("MIDI CC {port}Ch {channel} pitch bend"),
            number => format!("MIDI CC {port}Ch {channel} number {number}"),
        }
    }

    /// Value 0..=1 at rest: where a keyboard that has not sent it stands (MIDI's recommended power-up values).
    pub(crate) const fn rest(self) -> f64 {
        match self.number {
            7 => 100.0 / 127.0,
            8 | 10 | 129 => 0.5,
            71..=74 => 64.0 / 127.0,
            11 => 1.0,
            _ => 0.0,
        }
    }

    /// The MIDI message of a value 0..=1. [any]
    pub(crate) fn message(self, value: f64) -> [u8; 3] {
        let (channel, value) = (self.channel, value.clamp(0.0, 1.0));
        match self.number {
            128 => [0xd0 | channel, seven(value), 0],
            129 => {
                let bend = fourteen(value);
                let [low, high] = [bend & 0x7f, bend >> 7].map(|part| u8::try_from(part).unwrap_or(0x7f));
                [0xe0 | channel, low, high]
            }
            number => [0xb0 | channel, number & 0x7f, seven(value)],
        }
    }
}
