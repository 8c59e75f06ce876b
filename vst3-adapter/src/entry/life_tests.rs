//! Life: factory, `initialize` to `terminate`, activation, in every order that hosts call them.

use std::sync::Arc;

use vst3::ComPtr;
use vst3::Interface;
use vst3::Steinberg::Vst::{
    IAudioProcessorTrait, IComponent, IComponentTrait, IConnectionPoint, IConnectionPointTrait,
    IEditControllerTrait,
};
use vst3::Steinberg::{
    IPluginBaseTrait, IPluginFactory2Trait, IPluginFactory3Trait, IPluginFactoryTrait, PClassInfo,
    PClassInfo2, PClassInfoW, kInvalidArgument, kNoInterface, kNotImplemented, kNotInitialized, kResultFalse,
    kResultOk,
};

use super::bench::{Bench, Fake, empty_block, fresh_factory, raw};
use super::*;
use crate::com::narrow;
use hotshell_fake_shell::Script;

fn text(bytes: &[std::ffi::c_char]) -> String {
    let bytes = bytes.iter().map(|byte| byte.cast_unsigned()).take_while(|byte| *byte != 0).collect();
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn the_factory_describes_each_plug_in_alike_in_its_three_ways() {
    let factory = fresh_factory(&Script::new());
    // SAFETY: plain structures, all zeros is a value of each.
    let (mut one, mut two, mut wide): (PClassInfo, PClassInfo2, PClassInfoW) = unsafe { std::mem::zeroed() };
    // SAFETY: the places are ours.
    unsafe {
        assert_eq!(factory.countClasses(), 3, "two plug-ins, and the compatibility class");
        for index in 0..2 {
            assert_eq!(factory.getClassInfo(index, &raw mut one), kResultOk);
            assert_eq!(factory.getClassInfo2(index, &raw mut two), kResultOk);
            assert_eq!(factory.getClassInfoUnicode(index, &raw mut wide), kResultOk);
            assert_eq!((one.cid, two.cid), (two.cid, wide.cid));
            assert_eq!(text(&one.name), narrow(&wide.name));
        }
        assert_eq!(factory.getClassInfo(3, &raw mut one), kInvalidArgument);
        assert_eq!(factory.getClassInfo(-1, &raw mut one), kInvalidArgument);
        assert_eq!(factory.getClassInfo(0, std::ptr::null_mut()), kInvalidArgument);
    }
    assert_eq!(text(&two.category), "Audio Module Class");
    assert_eq!(text(&two.subCategories), "Fx|Stereo");
    assert_eq!(text(&two.sdkVersion), "VST 3.8.0");
    assert_eq!(narrow(&wide.vendor), "hotshell");
}

#[test]
fn class_ids_come_from_the_plug_ins_id_and_stay_for_ever() {
    let desc = Fake::plugins as fn() -> &'static dyn Plugins;
    fresh_factory(&Script::new());
    let [first, second] =
        [0, 1].map(|i| crate::factory::ids::bytes_of(desc().describe(i).expect("described")));
    assert_ne!(first, second);
    assert_eq!(crate::factory::ids::text_of(first), "B4E16B62C3CDAC5D9E413335E1F79C11");
}

#[test]
fn a_scan_opens_nothing_and_an_unknown_class_is_refused() {
    let script = Script::new();
    let factory = fresh_factory(&script);
    let mut made = std::ptr::dangling_mut();
    // SAFETY: ids of 16 bytes, the place is ours.
    unsafe {
        let iid = IComponent::IID;
        let result = factory.createInstance([9; 16].as_ptr(), iid.as_ptr().cast(), &raw mut made);
        assert_eq!((result, made.is_null()), (kNoInterface, true));
        let result = factory.createInstance(std::ptr::null(), iid.as_ptr().cast(), &raw mut made);
        assert_eq!(result, kInvalidArgument);
        assert_eq!(factory.setHostContext(std::ptr::null_mut()), kResultOk);
    }
    assert!(script.take_calls().is_empty());
}

#[test]
fn module_entries_and_exits_are_counted_and_one_exit_too_many_does_no_harm() {
    fresh_factory(&Script::new());
    assert!(module_entry::<Fake>() && module_entry::<Fake>());
    assert_eq!(Fake::vst3().users(), 2);
    for _ in 0..3 {
        assert!(module_exit::<Fake>());
    }
    assert_eq!(Fake::vst3().users(), 0);
}

#[test]
fn pedalboard_initialises_twice() {
    let bench = Bench::raw();
    // SAFETY: ours.
    unsafe {
        assert_eq!(bench.component.initialize(bench.context()), kResultOk);
        assert_eq!(bench.controller.initialize(bench.context()), kResultOk);
    }
    assert_eq!(bench.script.take_calls(), ["open 0 vst3 for \"Bench\""]);
    // SAFETY: ours.
    unsafe {
        assert_eq!(bench.controller.terminate(), kResultOk);
        assert_eq!(bench.component.terminate(), kResultOk);
    }
    assert_eq!(bench.script.take_calls(), ["disconnect"]);
}

#[test]
fn validator_terminates_and_initialises_again() {
    let bench = Bench::active();
    for _ in 0..2 {
        // SAFETY: ours.
        unsafe {
            assert_eq!(bench.component.terminate(), kResultOk);
            assert_eq!(bench.controller.getParameterCount(), 0);
            assert_eq!(bench.component.initialize(std::ptr::null_mut()), kResultOk);
            assert!(bench.controller.getParameterCount() > 0);
        }
    }
    assert_eq!(bench.set_up(44_100.0, 64), kResultOk);
    assert_eq!(bench.set_active(true), kResultOk);
}

#[test]
fn calls_before_initialize_and_terminate_without_it_do_no_harm() {
    let bench = Bench::raw();
    // SAFETY: ours.
    unsafe {
        assert_eq!(bench.component.terminate(), kResultOk);
        assert_eq!(bench.component.setActive(1), kResultFalse);
        assert_eq!(bench.controller.setParamNormalized(10, 0.5), kNotInitialized);
        assert_eq!(bench.processor.getLatencySamples(), 0);
    }
    assert_eq!(bench.process(&mut empty_block(64)), kResultOk);
    assert!(bench.script.take_calls().is_empty());
}

#[test]
fn a_host_that_forgets_terminate_leaves_nothing_behind() {
    let bench = Bench::active();
    let script = Arc::clone(&bench.script);
    let Bench { component, processor, controller, .. } = bench;
    drop((component, processor));
    assert!(!script.take_calls().contains(&"disconnect".to_owned()), "the controller still holds the object");
    drop(controller);
    assert!(script.take_calls().ends_with(&["deactivate".to_owned(), "disconnect".to_owned()]));
}

#[test]
fn juce_reads_the_latency_between_setup_and_activation() {
    let bench = Bench::ready();
    bench.set_up(48_000.0, 64);
    assert!(
        bench.script.take_calls().contains(&"activate 48000 64".to_owned()),
        "prepared in setupProcessing"
    );
    bench.set_active(true);
    assert!(bench.script.take_calls().is_empty(), "and not again");
    bench.set_active(true);
    bench.set_active(false);
    bench.set_active(false);
    assert_eq!(bench.script.take_calls(), ["deactivate"], "harmless where nothing changes");
}

#[test]
fn validator_sets_up_four_times_and_each_setup_counts() {
    let bench = Bench::ready();
    for rate in [22_050.0, 1234.5678, 1_234_567.8, 1_234_567.8] {
        assert_eq!(bench.set_up(rate, 64), kResultOk);
        assert_eq!(bench.set_active(true), kResultOk);
        assert_eq!(bench.set_up(48_000.0, 64), kResultFalse, "not while active");
        assert_eq!(bench.set_active(false), kResultOk);
    }
    assert_eq!(bench.set_up(f64::NAN, 64), kInvalidArgument);
    assert_eq!(bench.set_up(0.0, 64), kInvalidArgument);
}

#[test]
fn ardour_connects_the_object_to_itself() {
    let bench = Bench::ready();
    let point: ComPtr<IConnectionPoint> = bench.component.cast().expect("offered");
    // SAFETY: ours.
    unsafe {
        assert_eq!(point.connect(point.as_ptr()), kResultOk);
        assert_eq!(point.notify(std::ptr::null_mut()), kResultFalse);
        assert_eq!(point.disconnect(point.as_ptr()), kResultOk);
        assert_eq!(bench.component.getControllerClassId(std::ptr::null_mut()), kNotImplemented);
    }
    drop(point);
    let script = Arc::clone(&bench.script);
    drop(bench);
    assert!(
        script.take_calls().contains(&"disconnect".to_owned()),
        "the object holds no reference to itself"
    );
}

#[test]
fn one_object_answers_for_every_interface() {
    use vst3::Steinberg::Vst::{ChannelContext::IInfoListener, *};
    let bench = Bench::ready();
    assert!(bench.component.cast::<IEditController2>().is_some());
    assert!(bench.component.cast::<IEditControllerHostEditing>().is_some());
    assert!(bench.component.cast::<IUnitInfo>().is_some());
    assert!(bench.component.cast::<IMidiMapping>().is_some());
    assert!(bench.component.cast::<INoteExpressionController>().is_some());
    assert!(bench.component.cast::<INoteExpressionPhysicalUIMapping>().is_some());
    assert!(bench.component.cast::<IProcessContextRequirements>().is_some());
    assert!(bench.component.cast::<IInfoListener>().is_some());
    assert!(bench.component.cast::<IRemapParamID>().is_some());
    assert!(bench.component.cast::<IParameterFunctionName>().is_some());
    assert!(bench.component.cast::<IAudioPresentationLatency>().is_some());
    assert!(bench.component.cast::<IPrefetchableSupport>().is_some());
    assert!(bench.component.cast::<IMidiLearn>().is_none());
    let again: ComPtr<IComponent> = bench.controller.cast().expect("the way back");
    assert_eq!(again.as_ptr(), bench.component.as_ptr());
    let _ = raw::<_, vst3::Steinberg::Vst::IHostApplication>(&bench.host);
}

#[test]
fn an_author_s_own_class_id_is_taken_as_it_is_written() {
    let own = *b"0123456789abcdef";
    let desc =
        hotshell_abi::PluginDesc { vst3_class_id: own, ..hotshell_fake_shell::bare("org.example.own") };
    assert_eq!(crate::factory::ids::bytes_of(&desc), own);
    let elsewhere = hotshell_abi::PluginDesc { version: hotshell_abi::Str::new("9.9"), ..desc };
    assert_eq!(crate::factory::ids::class_id(&elsewhere), crate::factory::ids::class_id(&desc));
}

#[test]
fn terminate_and_initialise_in_any_order_leave_one_shell_or_none() {
    let bench = Bench::raw();
    let (yes, no) = (true, false);
    let mut open = 0_i32;
    for start in [no, yes, yes, no, no, yes, no, yes, yes, yes, no] {
        // SAFETY: ours.
        unsafe {
            let result = if start {
                bench.component.initialize(bench.context())
            } else {
                bench.controller.terminate()
            };
            assert_eq!(result, kResultOk);
        }
        let before = open;
        for call in bench.script.take_calls() {
            open += i32::from(call.starts_with("open")) - i32::from(call == "disconnect");
        }
        assert_eq!(open, i32::from(start));
        assert_eq!(bench.set_up(48_000.0, 64) == kResultOk, open > before, "not while active");
        assert_eq!(bench.set_active(true) == kResultOk, start);
        bench.script.take_calls();
    }
}

#[test]
fn the_small_interfaces_answer_what_they_know_and_refuse_the_rest() {
    use vst3::Steinberg::Vst::{ChannelContext::IInfoListener, ChannelContext::IInfoListenerTrait, *};
    let bench = Bench::prepared(|script| script.params.lock()[1].id = "comp.gain_reduction".to_owned());
    let names = bench.component.cast::<IParameterFunctionName>().expect("offered");
    let latency = bench.component.cast::<IAudioPresentationLatency>().expect("offered");
    let infos = bench.component.cast::<IInfoListener>().expect("offered");
    let prefetch = bench.component.cast::<IPrefetchableSupport>().expect("offered");
    let (mut id, mut support) = (7, 7);
    // SAFETY: the places are ours, the names end with 0.
    unsafe {
        let reduction = vst3::Steinberg::Vst::FunctionNameType::kCompGainReduction;
        assert_eq!(names.getParameterIDFromFunctionName(0, reduction, &raw mut id), kResultOk);
        assert_eq!(id, 11);
        assert_eq!(names.getParameterIDFromFunctionName(99, reduction, &raw mut id), kResultFalse);
        assert_eq!(id, kNoParamId, "no such unit");
        assert_eq!(names.getParameterIDFromFunctionName(0, c"DryWetMix".as_ptr(), &raw mut id), kResultFalse);
        assert_eq!(names.getParameterIDFromFunctionName(0, std::ptr::null(), &raw mut id), kInvalidArgument);
        assert_eq!(latency.setAudioPresentationLatencySamples(0, 1, 512), kResultOk);
        assert_eq!(latency.setAudioPresentationLatencySamples(1, 1, 512), kInvalidArgument);
        assert_eq!(latency.setAudioPresentationLatencySamples(0, -1, 512), kInvalidArgument);
        assert_eq!(infos.setChannelContextInfos(std::ptr::null_mut()), kInvalidArgument);
        assert_eq!(prefetch.getPrefetchableSupport(&raw mut support), kResultOk);
        assert_eq!(prefetch.getPrefetchableSupport(std::ptr::null_mut()), kInvalidArgument);
    }
    assert_eq!(support, 1, "yet prefetchable");
}

#[test]
fn replaced_class_ids_are_named_by_the_compatibility_class() {
    use vst3::Steinberg::{IPluginCompatibility, IPluginCompatibilityTrait};
    let factory = fresh_factory(&Script::new());
    let stream = vst3::ComWrapper::new(super::bench::Stream::over(b""));
    // SAFETY: the places are ours; what is made is a reference of ours.
    unsafe {
        let mut info: PClassInfo = std::mem::zeroed();
        assert_eq!(factory.getClassInfo(2, &raw mut info), kResultOk);
        assert_eq!(text(&info.category), "Plugin Compatibility Class");
        let (mut made, iid) = (std::ptr::null_mut(), IPluginCompatibility::IID);
        assert_eq!(factory.createInstance(info.cid.as_ptr(), iid.as_ptr().cast(), &raw mut made), kResultOk);
        let made = ComPtr::from_raw(made.cast::<IPluginCompatibility>()).expect("made");
        assert_eq!(made.getCompatibilityJSON(raw(&stream)), kResultOk);
    }
    let new = crate::factory::ids::text_of(crate::factory::ids::bytes_of(
        Fake::plugins().describe(1).expect("two"),
    ));
    let (old, older) = ("AB".repeat(16), "01".repeat(16));
    let said = String::from_utf8(stream.bytes.lock().clone()).expect("UTF-8");
    assert_eq!(said, format!("[{{\"New\":\"{new}\",\"Old\":[\"{old}\",\"{older}\"]}}]"));
}

#[test]
fn a_project_of_the_class_itself_keeps_its_parameter_ids() {
    use vst3::Steinberg::Vst::{IRemapParamID, IRemapParamIDTrait};
    let bench = Bench::ready();
    let remap: ComPtr<IRemapParamID> = bench.component.cast().expect("offered");
    let own = crate::factory::ids::class_id(Fake::plugins().describe(0).expect("described"));
    let (other, mut id) = ([7; 16], 0);
    // SAFETY: the places are ours.
    unsafe {
        assert_eq!(remap.getCompatibleParamID(&raw const own, 10, &raw mut id), kResultOk);
        assert_eq!(id, 10);
        assert_eq!(remap.getCompatibleParamID(&raw const own, 99, &raw mut id), kResultFalse);
        assert_eq!(remap.getCompatibleParamID(&raw const other, 10, &raw mut id), kResultFalse);
        assert_eq!(remap.getCompatibleParamID(std::ptr::null(), 10, &raw mut id), kInvalidArgument);
    }
}
