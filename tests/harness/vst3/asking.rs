//! What a VST3 instance answers: buses, parameters, values, texts, latency, state.
//!
//! Called by: tests. Calls: the plug-in. Threads: the host's main thread.
#![allow(unsafe_code, reason = "calls COM interfaces; harness, DESIGN 9.9")]

use std::sync::{Arc, PoisonError};

use vst3::ComPtr;
use vst3::Steinberg::Vst::BusDirections_::{kInput, kOutput};
use vst3::Steinberg::Vst::MediaTypes_::{kAudio, kEvent};
use vst3::Steinberg::Vst::{
    BusInfo, IAudioProcessor, IAudioProcessorTrait, IComponent, IComponentTrait, IConnectionPoint,
    IConnectionPointTrait, IEditController, IEditControllerTrait, IMidiMapping, IMidiMappingTrait,
    ParameterInfo, SpeakerArrangement,
};
use vst3::Steinberg::{int32, kResultOk};

use crate::calls::{Calls, Phase};
use crate::event::Event;
use crate::vst3::objects::{Habits, Stream, raw};

/// An enum's number, which the bindings have unsigned on some systems.
fn number(value: u32) -> int32 {
    int32::try_from(value).expect("a small number")
}

/// A parameter as the host sees it.
#[derive(Clone, PartialEq, Debug)]
pub struct Vst3Param {
    /// Id.
    pub id: u32,
    /// Title.
    pub title: String,
    /// Unit of its text.
    pub units: String,
    /// 0: continuous.
    pub steps: i32,
    /// Normalised.
    pub default: f64,
    /// Of its group.
    pub unit: i32,
    /// VST3's flags.
    pub flags: i32,
    /// Normalised value.
    pub value: f64,
}

fn narrow(text: &[u16]) -> String {
    let end = text.iter().position(|unit| *unit == 0).unwrap_or(text.len());
    String::from_utf16(&text[..end]).expect("UTF-16")
}

/// The interfaces of one instance, for calls from whatever thread a host calls from.
#[derive(Clone)]
pub struct Asking {
    pub(crate) component: ComPtr<IComponent>,
    pub(crate) processor: ComPtr<IAudioProcessor>,
    pub(crate) controller: ComPtr<IEditController>,
    pub(crate) calls: Arc<Calls>,
}

impl Asking {
    fn direction(input: bool) -> int32 {
        number(if input { kInput } else { kOutput })
    }

    /// As Ardour does with a single component. False if it has no connection point or refuses.
    pub fn connect_to_itself(&self) -> bool {
        let Some(point) = self.component.cast::<IConnectionPoint>() else { return false };
        // SAFETY: alive.
        unsafe { point.connect(point.as_ptr()) == kResultOk }
    }

    /// `setBusArrangements`.
    pub fn set_arrangements(&self, inputs: &[SpeakerArrangement], outputs: &[SpeakerArrangement]) -> bool {
        let count = |list: &[_]| i32::try_from(list.len()).expect("few buses");
        let (mut ins, mut outs) = (inputs.to_vec(), outputs.to_vec());
        let (inputs, outputs) = (count(inputs), count(outputs));
        // SAFETY: both arrays have the length beside them.
        let call = || unsafe {
            self.processor.setBusArrangements(ins.as_mut_ptr(), inputs, outs.as_mut_ptr(), outputs)
        };
        self.calls.during(Phase::SettingUp, call) == kResultOk
    }

    /// `setActive`, whatever plays.
    pub fn set_active(&self, on: bool) -> bool {
        let phase = if on { Phase::Activating } else { Phase::Deactivating };
        // SAFETY: a number.
        self.calls.during(phase, || unsafe { self.component.setActive(u8::from(on)) }) == kResultOk
    }

    /// `setProcessing` from the main thread, whatever plays.
    pub fn set_processing(&self, on: bool) {
        // SAFETY: a number.
        unsafe { self.processor.setProcessing(u8::from(on)) };
    }

    /// A bus as the plug-in describes it.
    ///
    /// # Panics
    /// If there is none.
    fn bus(&self, events: bool, input: bool, index: int32) -> BusInfo {
        let media = number(if events { kEvent } else { kAudio });
        // SAFETY: a plain structure; the place is ours.
        unsafe {
            let mut info: BusInfo = std::mem::zeroed();
            let result = self.component.getBusInfo(media, Self::direction(input), index, &raw mut info);
            assert_eq!(result, kResultOk, "a bus below the count");
            info
        }
    }

    /// Number of buses.
    #[must_use]
    pub fn bus_count(&self, events: bool, input: bool) -> i32 {
        let media = number(if events { kEvent } else { kAudio });
        // SAFETY: numbers.
        self.calls
            .during(Phase::Query, || unsafe { self.component.getBusCount(media, Self::direction(input)) })
    }

    /// Channels of each audio bus.
    #[must_use]
    pub fn channels(&self, input: bool) -> Vec<u32> {
        let channels = |index| self.bus(false, input, index).channelCount.unsigned_abs();
        (0..self.bus_count(false, input)).map(channels).collect()
    }

    /// Names of the audio buses.
    #[must_use]
    pub fn bus_names(&self, input: bool) -> Vec<String> {
        (0..self.bus_count(false, input)).map(|index| narrow(&self.bus(false, input, index).name)).collect()
    }

    /// Speaker arrangement of each audio bus.
    #[must_use]
    pub fn arrangements(&self, input: bool) -> Vec<u64> {
        let arrangement = |index| {
            let mut found = 0;
            // SAFETY: the place is ours.
            let result =
                unsafe { self.processor.getBusArrangement(Self::direction(input), index, &raw mut found) };
            assert_eq!(result, kResultOk, "a bus below the count");
            found
        };
        (0..self.bus_count(false, input)).map(arrangement).collect()
    }

    /// Switches an audio bus on or off.
    pub fn activate_bus(&self, input: bool, index: i32, on: bool) -> bool {
        // SAFETY: numbers.
        let result = unsafe {
            self.component.activateBus(number(kAudio), Self::direction(input), index, u8::from(on))
        };
        result == kResultOk
    }

    /// Switches all buses on, as most hosts do.
    ///
    /// # Panics
    /// If one refuses.
    pub fn switch_buses(&self) {
        for media in [kAudio, kEvent] {
            for input in [true, false] {
                for index in 0..self.bus_count(media == kEvent, input) {
                    // SAFETY: numbers.
                    let result = unsafe {
                        self.component.activateBus(number(media), Self::direction(input), index, 1)
                    };
                    assert_eq!(result, kResultOk, "activateBus");
                }
            }
        }
    }

    /// All parameters in the host's order, hidden controllers included.
    ///
    /// # Panics
    /// If one below the count is not described.
    #[must_use]
    pub fn all_params(&self) -> Vec<Vst3Param> {
        let read = |index| {
            // SAFETY: a plain structure; the place is ours.
            let info = unsafe {
                let mut info: ParameterInfo = std::mem::zeroed();
                assert_eq!(self.controller.getParameterInfo(index, &raw mut info), kResultOk);
                info
            };
            Vst3Param {
                id: info.id,
                title: narrow(&info.title),
                units: narrow(&info.units),
                steps: info.stepCount,
                default: info.defaultNormalizedValue,
                unit: info.unitId,
                flags: info.flags,
                // SAFETY: a number.
                value: unsafe { self.controller.getParamNormalized(info.id) },
            }
        };
        self.calls.during(Phase::Query, || {
            // SAFETY: alive.
            let count = unsafe { self.controller.getParameterCount() };
            (0..count).map(read).collect()
        })
    }

    /// The author's parameters in the host's order.
    #[must_use]
    pub fn params(&self) -> Vec<Vst3Param> {
        self.all_params().into_iter().filter(|param| !param.title.starts_with("MIDI CC ")).collect()
    }

    /// The parameter of that title.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn param(&self, title: &str) -> Vst3Param {
        let params = self.params();
        let titles: Vec<_> = params.iter().map(|p| p.title.clone()).collect();
        let found = params.into_iter().find(|p| p.title == title);
        found.unwrap_or_else(|| panic!("no parameter {title} in {titles:?}"))
    }

    /// Plain value at a normalised one.
    #[must_use]
    pub fn plain(&self, id: u32, normalised: f64) -> f64 {
        // SAFETY: numbers.
        unsafe { self.controller.normalizedParamToPlain(id, normalised) }
    }

    /// Normalised value of a plain one.
    #[must_use]
    pub fn normalised(&self, id: u32, plain: f64) -> f64 {
        // SAFETY: numbers.
        unsafe { self.controller.plainParamToNormalized(id, plain) }
    }

    /// Plain value.
    #[must_use]
    pub fn value(&self, id: u32) -> f64 {
        // SAFETY: a number.
        self.plain(id, unsafe { self.controller.getParamNormalized(id) })
    }

    /// `setParamNormalized`, as for an edit in the host's own window.
    pub fn set_normalised(&self, id: u32, value: f64) -> bool {
        // SAFETY: numbers.
        unsafe { self.controller.setParamNormalized(id, value) == kResultOk }
    }

    /// Text of a plain value.
    #[must_use]
    pub fn text(&self, id: u32, plain: f64) -> Option<String> {
        let (value, mut text) = (self.normalised(id, plain), [0; 128]);
        // SAFETY: the place is ours.
        let result = self.calls.during(Phase::Query, || unsafe {
            self.controller.getParamStringByValue(id, value, &raw mut text)
        });
        (result == kResultOk).then(|| narrow(&text))
    }

    /// Plain value of a text.
    #[must_use]
    pub fn parse(&self, id: u32, text: &str) -> Option<f64> {
        let mut text: Vec<u16> = text.encode_utf16().chain([0]).collect();
        let mut value = 0.0;
        // SAFETY: the text ends with 0, the place is ours.
        let result = self.calls.during(Phase::Query, || unsafe {
            self.controller.getParamValueByString(id, text.as_mut_ptr(), &raw mut value)
        });
        (result == kResultOk).then(|| self.plain(id, value))
    }

    /// Latency in frames.
    #[must_use]
    pub fn latency(&self) -> u32 {
        // SAFETY: alive.
        self.calls.during(Phase::Query, || unsafe { self.processor.getLatencySamples() })
    }

    /// Tail in frames; `u32::MAX` is endless.
    #[must_use]
    pub fn tail(&self) -> u32 {
        // SAFETY: alive.
        self.calls.during(Phase::Query, || unsafe { self.processor.getTailSamples() })
    }

    /// Id of the hidden parameter of a MIDI controller.
    #[must_use]
    pub fn controller_id(&self, channel: i16, number: i16) -> Option<u32> {
        let mapping = self.component.cast::<IMidiMapping>()?;
        let mut id = 0;
        // SAFETY: the place is ours.
        let result = unsafe { mapping.getMidiControllerAssignment(0, channel, number, &raw mut id) };
        (result == kResultOk).then_some(id)
    }

    /// Saves the component's state.
    #[must_use]
    pub fn save(&self) -> Option<Vec<u8>> {
        self.save_with(Habits::default())
    }

    /// Saves through a stream of bad habits.
    #[must_use]
    pub fn save_with(&self, habits: Habits) -> Option<Vec<u8>> {
        let stream = Stream::new(b"", habits);
        // SAFETY: the stream outlives the call.
        let result = self.calls.during(Phase::State, || unsafe { self.component.getState(raw(&stream)) });
        let bytes = stream.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (result == kResultOk).then_some(bytes)
    }

    /// Loads a state into the component and then, as hosts do, into the controller; false if either refused it.
    #[must_use]
    pub fn load(&self, bytes: &[u8]) -> bool {
        self.load_with(bytes, Habits::default())
    }

    /// The same through streams of bad habits.
    #[must_use]
    pub fn load_with(&self, bytes: &[u8], habits: Habits) -> bool {
        let streams = [Stream::new(bytes, habits), Stream::new(bytes, habits)];
        // SAFETY: the streams outlive the calls.
        self.calls.during(Phase::State, || unsafe {
            let component = self.component.setState(raw(&streams[0]));
            let controller = self.controller.setComponentState(raw(&streams[1]));
            component == kResultOk && controller == kResultOk
        })
    }

    /// Bytes of the controller's own state.
    #[must_use]
    pub fn save_controller(&self) -> Option<Vec<u8>> {
        let stream = Stream::new(b"", Habits::default());
        // SAFETY: the stream outlives the call.
        let result = unsafe { IEditControllerTrait::getState(&self.controller, raw(&stream)) };
        let bytes = stream.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (result == kResultOk).then_some(bytes)
    }

    /// Events in VST3's own terms: values normalised, controllers as parameters, notes of MIDI as notes.
    #[must_use]
    pub fn converted(&self, events: &[Event]) -> Vec<Event> {
        events.iter().filter_map(|event| self.convert(*event)).collect()
    }

    fn convert(&self, event: Event) -> Option<Event> {
        match event {
            Event::Param { time, id, value, cookie } => {
                let value = if value.is_nan() { value } else { self.normalised(id, value) };
                Some(Event::Param { time, id, value, cookie })
            }
            Event::Midi { time, data: [status, first, second] } => {
                let (channel, key) = (i16::from(status & 0xf), i16::from(first));
                let part = f64::from(second) / 127.0;
                let (controller, value) = match status & 0xf0 {
                    0x90 => return Some(Event::NoteOn { time, channel, key, id: -1, velocity: part }),
                    0x80 => return Some(Event::NoteOff { time, channel, key, id: -1 }),
                    0xb0 => (key, part),
                    0xd0 => (128, f64::from(first) / 127.0),
                    0xe0 => (129, f64::from(u32::from(second) << 7 | u32::from(first)) / 16_384.0),
                    _ => return None,
                };
                let id = self.controller_id(channel, controller)?;
                Some(Event::Param { time, id, value, cookie: 0 })
            }
            other => Some(other),
        }
    }
}
