//! The adapter around a real shell and a real logic, swapped while a host holds it.

#![allow(clippy::cast_possible_truncation, reason = "small numbers in tests")]

use std::sync::{Arc, OnceLock};

use hotshell_abi::{LogicApi, PluginDesc};
use hotshell_core::host::Host;
use hotshell_core::instance::Table;
use hotshell_core::shell::{Plugins, Shell, ShellError, StaticShell};
use hotshell_derive::Params;
use hotshell_logic::export::api;
use hotshell_logic::params::{BoolParam, FloatParam};
use hotshell_logic::{
    AudioBuffer, CreateContext, EventList, PluginInfo, PluginLogic, ProcessContext, ProcessStatus,
};
use vst3::Steinberg::Vst::RestartFlags_ as flags;
use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, IAudioProcessor, IAudioProcessorTrait, IComponent,
    IComponentTrait, IEditController, IEditControllerTrait, ProcessData, ProcessSetup,
};
use vst3::Steinberg::{IPluginBaseTrait, kResultOk};
use vst3::{ComPtr, ComWrapper};

use super::bench::{Changes, HostData, HostObject, Stream, empty_block, raw};
use crate::com::Component;
use crate::instance::Instance;

#[derive(Params)]
#[params(crate = hotshell_logic)]
pub(super) struct Few {
    #[param(id = "gain", range = linear(0.0..=2.0), default = 1.0)]
    pub(super) gain: FloatParam,
    #[param(id = "bypass", bypass)]
    bypass: BoolParam,
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct More {
    #[param(id = "gain", range = linear(0.0..=2.0), default = 1.0)]
    gain: FloatParam,
    #[param(id = "bypass", bypass)]
    bypass: BoolParam,
    #[param(id = "late", range = linear(0.0..=1.0), default = 0.0)]
    #[expect(dead_code, reason = "what counts is that it is in the list")]
    late: FloatParam,
}

macro_rules! logic {
    ($name:ident, $params:ident, $latency:literal) => {
        struct $name(Arc<$params>);

        impl PluginLogic for $name {
            type Params = $params;
            const INFO: PluginInfo = PluginInfo::new("org.example.real", "Real");

            fn create(params: Arc<$params>, _: &CreateContext<'_>) -> Self {
                Self(params)
            }

            fn latency(&self) -> u32 {
                $latency
            }

            fn process(
                &mut self,
                buffer: &mut AudioBuffer<'_, f32>,
                _: &EventList<'_>,
                _: &mut ProcessContext<'_>,
            ) -> ProcessStatus {
                let gain = self.0.gain.value() as f32;
                for channel in buffer.in_place().iter_mut() {
                    channel.iter_mut().for_each(|sample| *sample *= gain);
                }
                ProcessStatus::Active
            }
        }
    };
}

/// A build that calls the gain by another name.
#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Renamed {
    #[param(id = "level", was = ["gain"], range = linear(0.0..=2.0), default = 1.0)]
    gain: FloatParam,
    #[param(id = "bypass", bypass)]
    bypass: BoolParam,
}

logic!(First, Few, 0);
logic!(Other, Renamed, 0);
logic!(Wider, More, 0);
logic!(Later, Few, 40);

/// Says how many blocks it has played: what a restart that keeps the instance does not begin again.
struct Counter(f32);

impl PluginLogic for Counter {
    type Params = Few;
    const INFO: PluginInfo = PluginInfo::new("org.example.real", "Real");

    fn create(_: Arc<Few>, _: &CreateContext<'_>) -> Self {
        Self(0.0)
    }

    fn clear(&mut self) {
        self.0 = 0.0;
    }

    fn latency(&self) -> u32 {
        40
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        self.0 += 1.0;
        for channel in buffer.in_place().iter_mut() {
            channel.fill(self.0);
        }
        ProcessStatus::Active
    }
}

/// What an instance is asked of its class.
static DESC: PluginDesc<'static> = hotshell_fake_shell::bare("org.example.real");

struct Real {
    shell: OnceLock<StaticShell>,
    first: &'static LogicApi,
}

impl Plugins for Real {
    fn count(&self) -> usize {
        1
    }
    fn describe(&self, _: usize) -> Option<&'static PluginDesc<'static>> {
        Some(&DESC)
    }
    fn open(
        &self,
        _: usize,
        format: &'static str,
        host: Box<dyn Host>,
    ) -> Result<Box<dyn Shell>, ShellError> {
        let shell = StaticShell::open(Table::linked(self.first), 0, format, host)?;
        Ok(Box::new(self.shell.get_or_init(|| shell).clone()))
    }
    fn is_hot(&self) -> bool {
        true
    }
}

pub(super) struct Daw {
    pub(super) instance: Arc<Instance>,
    plugins: &'static Real,
    data: Arc<HostData>,
    _host: ComWrapper<HostObject>,
    component: ComPtr<IComponent>,
    processor: ComPtr<IAudioProcessor>,
    controller: ComPtr<IEditController>,
}

impl Daw {
    pub(super) fn playing() -> Self {
        Self::playing_first(api::<First, f32>())
    }

    fn playing_first(first: &'static LogicApi) -> Self {
        let plugins: &'static Real = Box::leak(Box::new(Real { shell: OnceLock::new(), first }));
        let instance = Arc::new(Instance::new(plugins, 0, Arc::default()));
        let object = ComWrapper::new(Component(Arc::clone(&instance)));
        let data = Arc::new(HostData::default());
        let host = ComWrapper::new(HostObject(Arc::clone(&data)));
        let daw = Self {
            instance,
            plugins,
            component: object.to_com_ptr().expect("in the list"),
            processor: object.to_com_ptr().expect("in the list"),
            controller: object.to_com_ptr().expect("in the list"),
            data,
            _host: host.clone(),
        };
        let mut setup = ProcessSetup {
            processMode: 0,
            symbolicSampleSize: 0,
            maxSamplesPerBlock: 64,
            sampleRate: 48_000.0,
        };
        // SAFETY: all of it is ours and alive.
        unsafe {
            assert_eq!(daw.component.initialize(raw(&host)), kResultOk);
            assert_eq!(daw.controller.setComponentHandler(raw(&host)), kResultOk);
            assert_eq!(daw.processor.setupProcessing(&raw mut setup), kResultOk);
            assert_eq!(daw.processor.getLatencySamples(), 0);
            assert_eq!(daw.component.setActive(1), kResultOk);
            assert_eq!(daw.processor.setProcessing(1), kResultOk);
        }
        daw
    }

    /// One stereo block of ones.
    pub(super) fn block(&self, frames: usize, changes: Option<&ComWrapper<Changes>>) -> Vec<f32> {
        let (mut left, mut right) = (vec![1.0_f32; frames], vec![1.0_f32; frames]);
        let mut pointers = [left.as_mut_ptr(), right.as_mut_ptr()];
        let bus = AudioBusBuffers {
            numChannels: 2,
            silenceFlags: 0,
            __field0: AudioBusBuffers__type0 { channelBuffers32: pointers.as_mut_ptr() },
        };
        let (mut input, mut output) = ([bus], [bus]);
        let mut data = ProcessData {
            numInputs: 1,
            numOutputs: 1,
            inputs: input.as_mut_ptr(),
            outputs: output.as_mut_ptr(),
            inputParameterChanges: changes.map_or(std::ptr::null_mut(), raw),
            ..empty_block(i32::try_from(frames).expect("small"))
        };
        // SAFETY: the block tells the truth.
        assert_eq!(unsafe { self.processor.process(&raw mut data) }, kResultOk);
        left
    }

    fn save(&self) -> Vec<u8> {
        let stream = ComWrapper::new(Stream::over(b""));
        // SAFETY: ours.
        assert_eq!(unsafe { self.component.getState(raw(&stream)) }, kResultOk);
        stream.bytes.lock().clone()
    }

    fn load(&self, bytes: &[u8]) {
        let stream = ComWrapper::new(Stream::over(bytes));
        // SAFETY: ours.
        assert_eq!(unsafe { self.component.setState(raw(&stream)) }, kResultOk);
    }

    pub(super) fn offer<G: PluginLogic>(&self, build: u32) {
        let shell = self.plugins.shell.get().expect("open");
        shell.swap(Table::linked(api::<G, f32>()), build).expect("accepted");
    }

    fn swap<G: PluginLogic>(&self, build: u32) {
        self.offer::<G>(build);
        for _ in 0..40 {
            assert!(self.block(64, None).iter().all(|sample| (*sample - 1.0).abs() < 1e-4), "no block lost");
        }
    }

    fn restarts(&self) -> Vec<i32> {
        std::mem::take(&mut *self.data.restarts.lock())
    }

    pub(super) fn id(&self, index: i32) -> u32 {
        // SAFETY: a plain structure; the place is ours.
        unsafe {
            let mut info = std::mem::zeroed::<vst3::Steinberg::Vst::ParameterInfo>();
            assert_eq!(self.controller.getParameterInfo(index, &raw mut info), kResultOk);
            info.id
        }
    }
}

#[test]
fn automation_is_heard_at_its_sample_and_a_larger_block_than_announced_is_whole() {
    let daw = Daw::playing();
    assert_eq!(daw.block(64, None), [1.0; 64]);
    let changes = Changes::of(&[(daw.id(0), &[(100, 1.0)])]);
    let heard = daw.block(200, Some(&changes));
    assert_eq!((heard[99], heard[100], heard[199]), (1.0, 2.0, 2.0));
    // SAFETY: ours.
    assert_eq!(unsafe { daw.controller.getParamNormalized(daw.id(0)) }, 1.0, "the controller follows");
}

#[test]
fn a_state_saved_loaded_and_saved_again_is_byte_identical_and_counts_at_once() {
    let daw = Daw::playing();
    let before = daw.save();
    // SAFETY: ours.
    unsafe { daw.controller.setParamNormalized(daw.id(0), 0.25) };
    let quiet = daw.save();
    daw.load(&before);
    // SAFETY: ours.
    assert_eq!(unsafe { daw.controller.getParamNormalized(daw.id(0)) }, 0.5);
    assert_eq!(daw.save(), before);
    daw.load(&quiet);
    assert_eq!(daw.save(), quiet);
    assert_eq!(daw.block(64, None)[63], 0.5);
}

#[test]
fn bypass_is_in_the_state() {
    let daw = Daw::playing();
    // SAFETY: ours.
    unsafe { daw.controller.setParamNormalized(daw.id(1), 1.0) };
    let on = daw.save();
    // SAFETY: ours.
    unsafe { daw.controller.setParamNormalized(daw.id(1), 0.0) };
    daw.load(&on);
    // SAFETY: ours.
    assert_eq!(unsafe { daw.controller.getParamNormalized(daw.id(1)) }, 1.0);
}

#[test]
fn a_reload_that_adds_a_parameter_is_heard_without_a_lost_block_and_told_at_the_next_safe_call() {
    let daw = Daw::playing();
    let state = daw.save();
    // SAFETY: ours.
    let count = unsafe { daw.controller.getParameterCount() };
    daw.swap::<Wider>(1);
    assert!(daw.restarts().is_empty(), "no safe call yet");
    daw.load(&state);
    let told = daw.restarts().into_iter().fold(0, |all, flags| all | flags);
    assert_eq!(told & flags::kParamTitlesChanged, flags::kParamTitlesChanged);
    assert_eq!(told & flags::kReloadComponent, 0);
    // SAFETY: ours.
    assert_eq!(unsafe { daw.controller.getParameterCount() }, count + 1);
    daw.load(&state);
    let told = daw.restarts().into_iter().fold(0, |all, flags| all | flags);
    assert_eq!(told & flags::kParamTitlesChanged, 0, "once");
}

#[test]
fn a_renamed_parameter_is_found_by_its_old_id_in_queues_edits_and_by_name() {
    use vst3::Steinberg::Vst::{IRemapParamID, IRemapParamIDTrait};
    let daw = Daw::playing();
    let old = daw.id(0);
    daw.swap::<Other>(1);
    daw.load(&daw.save());
    // SAFETY: ours.
    let count = unsafe { daw.controller.getParameterCount() };
    let new = daw.id(count - 1);
    assert_ne!(old, new);
    let heard = daw.block(128, Some(&Changes::of(&[(old, &[(100, 0.25)])])));
    assert_eq!((heard[99], heard[100]), (1.0, 0.5), "a queue for the old id");
    // SAFETY: ours.
    unsafe {
        assert_eq!(daw.controller.getParamNormalized(new), 0.25);
        assert_eq!(daw.controller.setParamNormalized(old, 1.0), kResultOk);
        assert_eq!(daw.controller.getParamNormalized(new), 1.0);
        let remap: ComPtr<IRemapParamID> = daw.component.cast().expect("offered");
        let (own, mut found) = (crate::factory::ids::class_id(&DESC), 0);
        assert_eq!(remap.getCompatibleParamID(&raw const own, old, &raw mut found), kResultOk);
    }
    assert_eq!(daw.block(64, None)[63], 2.0);
}

#[test]
fn a_project_of_before_the_renaming_is_remapped_to_the_new_id() {
    use vst3::Steinberg::Vst::{IRemapParamID, IRemapParamIDTrait};
    let old = Daw::playing().id(0);
    let daw = Daw::playing_first(api::<Other, f32>());
    let remap: ComPtr<IRemapParamID> = daw.component.cast().expect("offered");
    let (own, mut found) = (crate::factory::ids::class_id(&DESC), 0);
    // SAFETY: the places are ours.
    unsafe { assert_eq!(remap.getCompatibleParamID(&raw const own, old, &raw mut found), kResultOk) };
    assert_eq!(found, daw.id(0));
    let heard = daw.block(64, Some(&Changes::of(&[(old, &[(32, 1.0)])])));
    assert_eq!((heard[31], heard[32]), (1.0, 2.0), "automation of before");
}

#[test]
fn an_effect_that_is_given_silence_and_makes_none_says_so() {
    let daw = Daw::playing();
    let (mut left, mut right) = ([0.0_f32; 64], [0.0_f32; 64]);
    let mut pointers = [left.as_mut_ptr(), right.as_mut_ptr()];
    let channels = AudioBusBuffers__type0 { channelBuffers32: pointers.as_mut_ptr() };
    for (flags, said) in [(0b11, 0b11), (0, 0)] {
        let mut input = [AudioBusBuffers { numChannels: 2, silenceFlags: flags, __field0: channels }];
        let mut output = [AudioBusBuffers { numChannels: 2, silenceFlags: 0, __field0: channels }];
        let mut data = ProcessData {
            numInputs: 1,
            numOutputs: 1,
            inputs: input.as_mut_ptr(),
            outputs: output.as_mut_ptr(),
            ..empty_block(64)
        };
        // SAFETY: the block tells the truth.
        assert_eq!(unsafe { daw.processor.process(&raw mut data) }, kResultOk);
        assert_eq!(output[0].silenceFlags, said);
    }
}

#[test]
fn a_reload_that_moves_the_latency_shows_the_new_one_before_it_tells() {
    let daw = Daw::playing();
    daw.swap::<Later>(1);
    // SAFETY: ours.
    assert_eq!(unsafe { daw.processor.getLatencySamples() }, 0, "constant until the host is told");
    daw.load(&daw.save());
    let told = daw.restarts().into_iter().fold(0, |all, flags| all | flags);
    assert_eq!(told & flags::kLatencyChanged, flags::kLatencyChanged);
    // SAFETY: ours.
    unsafe {
        assert_eq!(daw.processor.getLatencySamples(), 40);
        assert_eq!(daw.component.setActive(0), kResultOk);
        assert_eq!(daw.component.setActive(1), kResultOk);
        assert_eq!(daw.processor.getLatencySamples(), 40);
        assert_eq!(daw.component.terminate(), kResultOk);
    }
}

#[test]
fn the_restart_for_our_latency_costs_no_tail_and_the_host_s_own_begins_afresh() {
    let daw = Daw::playing();
    daw.offer::<Counter>(1);
    (0..40).for_each(|_| drop(daw.block(64, None)));
    daw.load(&daw.save());
    let told = daw.restarts().into_iter().fold(0, |all, flags| all | flags);
    assert_eq!(told & flags::kLatencyChanged, flags::kLatencyChanged);
    let cycle = || {
        // SAFETY: ours.
        unsafe {
            assert_eq!(daw.processor.setProcessing(0), kResultOk);
            assert_eq!(daw.component.setActive(0), kResultOk);
            assert_eq!(daw.component.setActive(1), kResultOk);
            assert_eq!(daw.processor.setProcessing(1), kResultOk);
        }
        daw.block(64, None)[63]
    };
    let before = daw.block(64, None)[63];
    assert_eq!(cycle(), before + 1.0, "ours");
    assert!(cycle() < before, "the host's");
}
