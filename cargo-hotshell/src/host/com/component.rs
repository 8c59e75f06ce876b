//! Main's half of an instance: component and controller, whether they are one object or two.
//!
//! Called by: `vst3_plugin`. Calls: the plug-in. Threads: [main].
#![allow(unsafe_code, reason = "a COM object's functions take C's pointers; each block says whose they are")]

use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, ensure};
use vst3::ComPtr;
use vst3::Steinberg::Vst::{
    BusDirection, BusDirections_, BusInfo, IAudioProcessor, IAudioProcessorTrait, IComponent,
    IComponentTrait, IConnectionPoint, IConnectionPointTrait, IEditController, IEditControllerTrait,
    IMidiMapping, IMidiMappingTrait, MediaType, MediaTypes_, ParameterInfo, ProcessModes_, ProcessSetup,
    SpeakerArrangement, SymbolicSampleSizes_,
};
use vst3::Steinberg::{IPluginBaseTrait, kResultFalse, kResultOk};

use super::application::Application;
use super::processor::Processor;
use super::stream::Stream;
use super::view::View;
use super::{ClassFacts, Module, wide, wide_text};
use crate::Error;

/// More buses, channels or parameters than this are a damaged answer, not a plug-in.
const MOST: i32 = 65_536;

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Into the plug-in.
    In,
    /// Out of it.
    Out,
}

/// The bindings' enums are unsigned on some systems.
#[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast, reason = "0 or 1")]
const fn numbers(way: Way) -> BusDirection {
    match way {
        Way::In => BusDirections_::kInput as i32,
        Way::Out => BusDirections_::kOutput as i32,
    }
}

#[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast, reason = "0 or 1")]
const AUDIO: MediaType = MediaTypes_::kAudio as i32;
#[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast, reason = "0 or 1")]
const EVENTS: MediaType = MediaTypes_::kEvent as i32;
#[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast, reason = "a flag's number")]
const HIDDEN: i32 = vst3::Steinberg::Vst::ParameterInfo_::ParameterFlags_::kIsHidden as i32;

/// What a controller says of one parameter. Values are normalised: 0.0 to 1.0.
#[derive(Clone, PartialEq, Debug)]
pub struct ParamFacts {
    /// The plug-in's id of it.
    pub id: u32,
    /// Its title.
    pub name: String,
    /// Its default.
    pub default: f64,
    /// Not for a user's eyes.
    pub hidden: bool,
}

/// How an instance is activated.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Plan {
    /// Hz.
    pub sample_rate: f64,
    /// Longest block, frames.
    pub max_frames: i32,
    /// Faster than the clock.
    pub offline: bool,
}

/// Both halves of an instance; whoever drops it last, main or audio, ends the plug-in.
pub(super) struct Halves {
    component: ComPtr<IComponent>,
    pub(super) processor: ComPtr<IAudioProcessor>,
    controller: ComPtr<IEditController>,
    /// The controller is an object of its own: initialised, connected and ended by us.
    separate: bool,
    active: AtomicBool,
    // After the plug-in's objects: it may call the host, and runs its code, until they are gone.
    host: Arc<Application>,
    _module: Arc<Module>,
}

/// Main's half of one instance.
pub struct Component {
    halves: Arc<Halves>,
}

impl Component {
    /// Makes and initialises an instance, and gives its controller its state and its handler.
    ///
    /// # Errors
    /// What it refuses.
    pub fn open(module: &Arc<Module>, class: &ClassFacts, host: Arc<Application>) -> Result<Self, Error> {
        let context = host.context().context("this host has no context")?.as_ptr();
        module.introduce(context);
        let component = module.create::<IComponent>(class).context("the factory makes no component of it")?;
        // SAFETY: the context is alive, and the plug-in counts a reference if it keeps it.
        let result = unsafe { component.initialize(context) };
        ensure!(result == kResultOk, "it does not initialise (result {result})");
        let built = build(module, &component, &host);
        if built.is_err() {
            // SAFETY: it was initialised.
            unsafe { component.terminate() };
        }
        let (processor, controller, separate) = built?;
        let _module = Arc::clone(module);
        let active = AtomicBool::new(false);
        let halves = Halves { component, processor, controller, separate, active, host, _module };
        let this = Self { halves: Arc::new(halves) };
        this.give_handler();
        if let Some(state) = this.save() {
            this.tell_controller(state);
        }
        Ok(this)
    }

    /// Gives the controller its handler, at first and whenever it shall have a moment on main: VST3 has no call that a
    /// plug-in could ask for, and those that have something to tell look for it in calls like this one.
    pub fn give_handler(&self) {
        if let Some(handler) = self.halves.host.handler() {
            // SAFETY: the handler is alive, and the plug-in counts a reference if it keeps it.
            unsafe { self.halves.controller.setComponentHandler(handler.as_ptr()) };
        }
    }

    /// Makes its editor, with its size in pixels.
    ///
    /// # Errors
    /// It has none for X11.
    pub fn view(&self) -> Result<(View, (u32, u32)), Error> {
        View::of(&self.halves.controller, Arc::clone(&self.halves.host))
    }

    /// Channels of each audio bus, main first.
    #[must_use]
    pub fn buses(&self, way: Way) -> Vec<usize> {
        let direction = numbers(way);
        // SAFETY: the component is alive; `info` is plain data, for which all zeros is a value, and ours to be written.
        let channels = |index: i32| unsafe {
            let mut info = MaybeUninit::<BusInfo>::zeroed().assume_init();
            let result = self.halves.component.getBusInfo(AUDIO, direction, index, &raw mut info);
            (result == kResultOk).then_some(info.channelCount)
        };
        // SAFETY: the component is alive.
        let count = unsafe { self.halves.component.getBusCount(AUDIO, direction) };
        (0..count.clamp(0, MOST))
            .map(|index| usize::try_from(channels(index).unwrap_or(0).clamp(0, MOST)).unwrap_or(0))
            .collect()
    }

    /// True if it takes notes.
    #[must_use]
    pub fn takes_notes(&self) -> bool {
        // SAFETY: the component is alive.
        unsafe { self.halves.component.getBusCount(EVENTS, numbers(Way::In)) > 0 }
    }

    /// The speakers of each audio bus.
    fn speakers(&self, way: Way) -> Vec<SpeakerArrangement> {
        let count = i32::try_from(self.buses(way).len()).unwrap_or(0);
        (0..count)
            .map(|index| {
                let mut speakers = 0;
                // SAFETY: the processor is alive; the place is ours.
                unsafe { self.halves.processor.getBusArrangement(numbers(way), index, &raw mut speakers) };
                speakers
            })
            .collect()
    }

    fn arrange(&self, mut inputs: Vec<SpeakerArrangement>, mut outputs: Vec<SpeakerArrangement>) -> bool {
        let count = |list: &Vec<SpeakerArrangement>| i32::try_from(list.len()).unwrap_or(0);
        let (ins, outs) = (count(&inputs), count(&outputs));
        // SAFETY: the processor is alive; the arrays are as long as is said.
        unsafe {
            let (inputs, outputs) = (inputs.as_mut_ptr(), outputs.as_mut_ptr());
            self.halves.processor.setBusArrangements(inputs, ins, outputs, outs) == kResultOk
        }
    }

    /// Gives the main buses these speakers and leaves the others. Inactive only. False if it refuses; then all is as it
    /// was, and `try_only` puts it back in any case.
    #[must_use]
    pub fn set_main_speakers(&self, speakers: SpeakerArrangement, try_only: bool) -> bool {
        let old = (self.speakers(Way::In), self.speakers(Way::Out));
        let (mut inputs, mut outputs) = old.clone();
        for list in [&mut inputs, &mut outputs] {
            if let Some(main) = list.first_mut() {
                *main = speakers;
            }
        }
        let taken = self.arrange(inputs.clone(), outputs.clone())
            && (self.speakers(Way::In), self.speakers(Way::Out)) == (inputs, outputs);
        if try_only || !taken {
            // A plug-in that refuses its own layout keeps what it has.
            let _ = self.arrange(old.0, old.1);
        }
        taken
    }

    /// Its parameters, in its order.
    #[must_use]
    pub fn params(&self) -> Vec<ParamFacts> {
        // SAFETY: the controller is alive.
        let count = unsafe { self.halves.controller.getParameterCount() };
        (0..count.clamp(0, MOST))
            .filter_map(|index| {
                // SAFETY: as above; plain data, for which all zeros is a value, and ours to be written.
                let (info, result) = unsafe {
                    let mut info = MaybeUninit::<ParameterInfo>::zeroed().assume_init();
                    let result = self.halves.controller.getParameterInfo(index, &raw mut info);
                    (info, result)
                };
                let ParameterInfo { id, title, defaultNormalizedValue, flags, .. } = info;
                let (name, hidden) = (wide_text(&title), flags & HIDDEN != 0);
                (result == kResultOk).then_some(ParamFacts {
                    id,
                    name,
                    default: defaultNormalizedValue,
                    hidden,
                })
            })
            .collect()
    }

    /// A normalised value in the plug-in's words.
    #[must_use]
    pub fn text(&self, id: u32, value: f64) -> Option<String> {
        let mut text = [0; 128];
        // SAFETY: the controller is alive; a place for 128 units.
        let result = unsafe { self.halves.controller.getParamStringByValue(id, value, &raw mut text) };
        (result == kResultOk).then(|| wide_text(&text))
    }

    /// The normalised value that a text means.
    #[must_use]
    pub fn parse(&self, id: u32, text: &str) -> Option<f64> {
        let (mut text, mut value) = (wide(text), 0.0);
        // SAFETY: the controller is alive; a text that ends with 0, and a place for the value.
        let result =
            unsafe { self.halves.controller.getParamValueByString(id, text.as_mut_ptr(), &raw mut value) };
        (result == kResultOk).then_some(value)
    }

    /// A normalised value in the parameter's own unit.
    #[must_use]
    pub fn plain(&self, id: u32, value: f64) -> f64 {
        // SAFETY: the controller is alive.
        unsafe { self.halves.controller.normalizedParamToPlain(id, value) }
    }

    /// The other way round.
    #[must_use]
    pub fn normalised(&self, id: u32, plain: f64) -> f64 {
        // SAFETY: the controller is alive.
        unsafe { self.halves.controller.plainParamToNormalized(id, plain) }
    }

    /// Normalised, as the controller has it.
    #[must_use]
    pub fn value(&self, id: u32) -> f64 {
        // SAFETY: the controller is alive.
        unsafe { self.halves.controller.getParamNormalized(id) }
    }

    /// Tells the controller a normalised value; the processor hears it with a block.
    pub fn set_value(&self, id: u32, value: f64) {
        // SAFETY: the controller is alive.
        unsafe { self.halves.controller.setParamNormalized(id, value) };
    }

    /// The parameter for each MIDI controller (0 to 129: pressure and pitch bend last) of each of 16 channels.
    #[must_use]
    pub fn midi_params(&self) -> Vec<[Option<u32>; 130]> {
        let mapping = self.halves.controller.cast::<IMidiMapping>();
        let param = |channel: i16, controller: i16| {
            let mut id = 0;
            // SAFETY: the object is alive; the place is ours.
            let result =
                unsafe { mapping.as_ref()?.getMidiControllerAssignment(0, channel, controller, &raw mut id) };
            (result == kResultOk).then_some(id)
        };
        (0..16)
            .map(|channel| {
                std::array::from_fn(|controller| param(channel, i16::try_from(controller).unwrap_or(0)))
            })
            .collect()
    }

    /// The component's state.
    #[must_use]
    pub fn save(&self) -> Option<Vec<u8>> {
        let stream = Stream::empty();
        let place = stream.as_com_ref()?;
        // SAFETY: both objects are alive for the call.
        let result = unsafe { self.halves.component.getState(place.as_ptr()) };
        (result == kResultOk).then(|| stream.bytes())
    }

    /// Loads a state into component and controller. False if the component refuses.
    #[must_use]
    pub fn load(&self, bytes: &[u8]) -> bool {
        let stream = Stream::over(bytes.to_vec());
        let Some(place) = stream.as_com_ref() else { return false };
        // SAFETY: both objects are alive for the call.
        let result = unsafe { self.halves.component.setState(place.as_ptr()) };
        if result == kResultOk {
            self.tell_controller(bytes.to_vec());
        }
        result == kResultOk
    }

    /// A controller that keeps nothing of the component's refuses, which is no error.
    fn tell_controller(&self, bytes: Vec<u8>) {
        let stream = Stream::over(bytes);
        if let Some(place) = stream.as_com_ref() {
            // SAFETY: both objects are alive for the call.
            unsafe { self.halves.controller.setComponentState(place.as_ptr()) };
        }
    }

    /// Frames.
    #[must_use]
    pub fn latency(&self) -> u32 {
        // SAFETY: the processor is alive.
        unsafe { self.halves.processor.getLatencySamples() }
    }

    /// Activates it; its audio half is the result.
    ///
    /// # Errors
    /// What it refuses.
    pub fn activate(&mut self, plan: Plan) -> Result<Processor, Error> {
        ensure!(!self.halves.active.load(Ordering::Acquire), "it is active already");
        #[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast, reason = "small numbers")]
        let (realtime, offline, single) = (
            ProcessModes_::kRealtime as i32,
            ProcessModes_::kOffline as i32,
            SymbolicSampleSizes_::kSample32 as i32,
        );
        let mode = if plan.offline { offline } else { realtime };
        let mut setup = ProcessSetup {
            processMode: mode,
            symbolicSampleSize: single,
            maxSamplesPerBlock: plan.max_frames,
            sampleRate: plan.sample_rate,
        };
        self.switch_buses(true);
        // SAFETY: component and processor are alive; `setup` is ours.
        let (set, on) = unsafe {
            let set = self.halves.processor.setupProcessing(&raw mut setup);
            (set, if set == kResultOk { self.halves.component.setActive(1) } else { kResultFalse })
        };
        ensure!(set == kResultOk, "setupProcessing answers {set}");
        ensure!(on == kResultOk, "setActive answers {on}");
        self.halves.active.store(true, Ordering::Release);
        let (inputs, outputs) = (self.buses(Way::In), self.buses(Way::Out));
        Ok(Processor::new(Arc::clone(&self.halves), mode, &inputs, &outputs, plan.sample_rate))
    }

    fn switch_buses(&self, on: bool) {
        for media in [AUDIO, EVENTS] {
            for way in [Way::In, Way::Out] {
                // SAFETY: the component is alive; a bus that cannot be switched stays as it is.
                unsafe {
                    let count = self.halves.component.getBusCount(media, numbers(way)).clamp(0, MOST);
                    for index in 0..count {
                        self.halves.component.activateBus(media, numbers(way), index, u8::from(on));
                    }
                }
            }
        }
    }

    /// Takes the audio half back and deactivates it.
    ///
    /// # Errors
    /// The audio half is another instance's, and gone.
    pub fn deactivate(&mut self, processor: Processor) -> Result<(), Error> {
        ensure!(processor.is_of(&self.halves), "this audio half is another plug-in's");
        drop(processor);
        if self.halves.active.swap(false, Ordering::AcqRel) {
            // SAFETY: the component is alive, and its audio half is gone.
            unsafe { self.halves.component.setActive(0) };
        }
        Ok(())
    }
}

type Parts = (ComPtr<IAudioProcessor>, ComPtr<IEditController>, bool);

/// The other interfaces of an initialised component.
fn build(module: &Module, component: &ComPtr<IComponent>, host: &Application) -> Result<Parts, Error> {
    let processor =
        component.cast::<IAudioProcessor>().context("it processes no audio (no IAudioProcessor)")?;
    if let Some(controller) = component.cast::<IEditController>() {
        return Ok((processor, controller, false));
    }
    let mut id = [0; 16];
    // SAFETY: the component is alive; a place for 16 bytes.
    let result = unsafe { component.getControllerClassId(&raw mut id) };
    ensure!(result == kResultOk, "it has no controller, and names none");
    let classes = module.classes()?;
    let class = classes.iter().find(|class| class.id == id);
    let class = class.context("it names a controller that its factory does not have")?;
    let controller = module.create::<IEditController>(class).context("the factory makes no controller")?;
    let context = host.context().context("this host has no context")?;
    // SAFETY: the context is alive, and the plug-in counts a reference if it keeps it.
    let result = unsafe { controller.initialize(context.as_ptr()) };
    ensure!(result == kResultOk, "its controller does not initialise (result {result})");
    join(component, &controller, true);
    Ok((processor, controller, true))
}

/// Connects the two halves with one another, or parts them.
fn join(component: &ComPtr<IComponent>, controller: &ComPtr<IEditController>, connect: bool) {
    let (one, two) = (component.cast::<IConnectionPoint>(), controller.cast::<IConnectionPoint>());
    let (Some(one), Some(two)) = (one, two) else { return };
    // SAFETY: both are alive; each counts a reference of the other if it keeps it.
    unsafe {
        if connect {
            one.connect(two.as_ptr());
            two.connect(one.as_ptr());
        } else {
            one.disconnect(two.as_ptr());
            two.disconnect(one.as_ptr());
        }
    }
}

impl Drop for Halves {
    fn drop(&mut self) {
        // SAFETY: all of them are alive, and nobody uses them after this: the last reference is this one.
        unsafe {
            if *self.active.get_mut() {
                self.component.setActive(0);
            }
            self.controller.setComponentHandler(std::ptr::null_mut());
            if self.separate {
                join(&self.component, &self.controller, false);
                self.controller.terminate();
            }
            self.component.terminate();
        }
    }
}
