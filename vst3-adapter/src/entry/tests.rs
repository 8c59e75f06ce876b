//! Parameters, buses, state, and what the host is told, by the rules of FORMATS and HOSTS.

use std::sync::atomic::Ordering;

use hotshell_core::shell::{Changes, Phase, ShellError, Tail};
use vst3::ComWrapper;
use vst3::Steinberg::Vst::RestartFlags_ as flags;
use vst3::Steinberg::Vst::{
    BusDirections_, BusInfo, IAudioProcessorTrait, IComponentTrait, IEditControllerTrait, IMidiMapping,
    IMidiMapping2, IMidiMapping2Trait, IMidiMappingTrait, INoteExpressionController,
    INoteExpressionControllerTrait, IUnitInfo, IUnitInfoTrait, Midi1ControllerParamIDAssignment,
    Midi1ControllerParamIDAssignmentList, NoteExpressionTypeInfo, ParameterInfo, SpeakerArr, UnitInfo,
    kInfiniteTail, kNoParamId,
};
use vst3::Steinberg::{kInternalError, kInvalidArgument, kResultFalse, kResultOk};

use super::bench::{Bench, Stream, raw};
use crate::com::narrow;
use hotshell_fake_shell::{gain, layout};

fn info(bench: &Bench, index: i32) -> ParameterInfo {
    // SAFETY: a plain structure; the place is ours.
    unsafe {
        let mut info = std::mem::zeroed();
        assert_eq!(bench.controller.getParameterInfo(index, &raw mut info), kResultOk);
        info
    }
}

#[test]
fn parameters_are_described_by_the_validators_rules() {
    let bench = Bench::ready();
    // SAFETY: ours.
    let count = unsafe { bench.controller.getParameterCount() };
    assert_eq!(count, 2 + 16 * 4);
    let mut ids = std::collections::BTreeSet::new();
    for index in 0..count {
        let info = info(&bench, index);
        assert!(ids.insert(info.id) && info.id < 0x8000_0000, "unique, top bit clear");
        assert!(!narrow(&info.title).is_empty() && info.stepCount >= 0);
        assert!((0.0..=1.0).contains(&info.defaultNormalizedValue));
        assert_ne!(info.flags & 3, 3, "not automatable and read-only");
    }
    let first = info(&bench, 0);
    assert_eq!((narrow(&first.title).as_str(), narrow(&first.units).as_str()), ("Gain", "dB"));
    assert_eq!(info(&bench, 1).stepCount, 2);
    assert!(narrow(&info(&bench, 2).title).starts_with("MIDI CC"), "Ardour leaves these out");
    // SAFETY: ours.
    unsafe {
        assert_eq!(bench.controller.getParameterInfo(count, std::ptr::null_mut()), kInvalidArgument);
        assert_eq!(bench.controller.getParameterInfo(0, std::ptr::null_mut()), kInvalidArgument);
    }
}

#[test]
fn a_removed_parameter_keeps_its_place_and_says_so() {
    let bench = Bench::prepared(|script| script.params.lock()[0].removed = true);
    let first = info(&bench, 0);
    assert_eq!(narrow(&first.title), "Gain (removed)");
    assert_eq!(first.flags & flags_hidden(), 0);
}

const fn flags_hidden() -> i32 {
    vst3::Steinberg::Vst::ParameterInfo_::ParameterFlags_::kIsHidden
}

#[test]
fn an_edit_is_read_back_at_once_without_a_process_call() {
    let bench = Bench::ready();
    // SAFETY: ours.
    unsafe {
        assert_eq!(bench.controller.setParamNormalized(11, 0.5), kResultOk);
        assert_eq!(bench.script.values.lock()[&11], 1.0, "plain");
        assert!((bench.controller.getParamNormalized(11) - 0.5).abs() < 1e-12);
        assert_eq!(bench.controller.setParamNormalized(10, f64::NAN), kInvalidArgument);
        assert_eq!(bench.controller.setParamNormalized(99, 0.5), kInvalidArgument);
        assert_eq!(bench.controller.normalizedParamToPlain(11, 1.0), 2.0);
        assert_eq!(bench.controller.plainParamToNormalized(11, 2.0), 1.0);
    }
}

#[test]
fn text_goes_both_ways_and_null_is_refused() {
    let bench = Bench::ready();
    let mut text = [7; 128];
    let mut value = 0.0;
    let mut typed = crate::com::wide("0.75 ä");
    // SAFETY: the places are ours.
    unsafe {
        assert_eq!(bench.controller.getParamStringByValue(10, 0.5, &raw mut text), kResultOk);
        assert_eq!(narrow(&text), "0.50 ä");
        assert_eq!(bench.controller.getParamValueByString(10, typed.as_mut_ptr(), &raw mut value), kResultOk);
        assert!((value - 0.75).abs() < 1e-12);
        assert_eq!(bench.controller.getParamStringByValue(10, 0.5, std::ptr::null_mut()), kInvalidArgument);
        let null = std::ptr::null_mut();
        assert_eq!(bench.controller.getParamValueByString(10, null, &raw mut value), kInvalidArgument);
        assert_eq!(bench.controller.getParamStringByValue(99, 0.5, &raw mut text), kInvalidArgument);
    }
}

#[test]
fn a_panic_of_the_shell_stops_at_the_gate() {
    let bench = Bench::prepared(|script| {
        script.params.lock()[0].max = f64::INFINITY;
    });
    let mut text = [0; 128];
    // SAFETY: ours. The fake panics for a text of a value that is not finite.
    let result = unsafe { bench.controller.getParamStringByValue(10, 1.0, &raw mut text) };
    assert_eq!(result, kInternalError);
}

fn bus(bench: &Bench, media: i32, direction: i32, index: i32) -> BusInfo {
    // SAFETY: a plain structure; the place is ours.
    unsafe {
        let mut info = std::mem::zeroed();
        assert_eq!(bench.component.getBusInfo(media, direction, index, &raw mut info), kResultOk);
        info
    }
}

#[test]
fn buses_are_the_layouts_and_have_names() {
    let bench = Bench::prepared(|script| script.layouts.lock()[0].inputs[1].name.clear());
    // SAFETY: ours.
    let counts = [(0, 0), (0, 1), (1, 0), (1, 1), (7, 0), (0, 7)]
        .map(|(media, direction)| unsafe { bench.component.getBusCount(media, direction) });
    assert_eq!(counts, [2, 1, 1, 1, 0, 0]);
    assert_eq!(bus(&bench, 0, 0, 0).channelCount, 2);
    assert_eq!(narrow(&bus(&bench, 0, 0, 1).name), "Audio in 2", "no bus without a name");
    assert_eq!((bus(&bench, 0, 0, 0).busType, bus(&bench, 0, 0, 1).busType), (0, 1));
    assert_eq!(bus(&bench, 1, 0, 0).channelCount, 16);
    // SAFETY: ours.
    unsafe {
        for (media, direction, index) in [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 1, 0)] {
            assert_eq!(bench.component.activateBus(media, direction, index, 1), kResultOk);
        }
        assert_eq!(bench.component.activateBus(0, 0, 2, 1), kInvalidArgument);
        assert_eq!(bench.component.activateBus(0, 0, -1, 1), kInvalidArgument);
        assert_eq!(bench.component.getBusInfo(0, 0, 0, std::ptr::null_mut()), kInvalidArgument);
    }
}

fn arrange(bench: &Bench, inputs: &mut [u64], outputs: &mut [u64]) -> i32 {
    let count = |list: &[u64]| i32::try_from(list.len()).expect("small");
    let (ins, outs) = (count(inputs), count(outputs));
    // SAFETY: ours.
    unsafe { bench.processor.setBusArrangements(inputs.as_mut_ptr(), ins, outputs.as_mut_ptr(), outs) }
}

fn channels(bench: &Bench) -> (u32, i32) {
    let mut arrangement = 0;
    // SAFETY: ours.
    let result = unsafe { bench.processor.getBusArrangement(1, 0, &raw mut arrangement) };
    assert_eq!(result, kResultOk);
    (arrangement.count_ones(), bus(bench, 0, 1, 0).channelCount)
}

const MONO: u64 = SpeakerArr::kMono;
const STEREO: u64 = SpeakerArr::kStereo;

#[test]
fn reaper_sets_bus_arrangements_after_setup() {
    let bench = Bench::ready();
    bench.script.layouts.lock()[1] = layout("Mono", 1);
    bench.set_up(48_000.0, 64);
    bench.script.take_calls();
    assert_eq!(arrange(&bench, &mut [MONO, MONO], &mut [MONO]), kResultOk);
    assert_eq!(channels(&bench), (1, 1));
    assert!(
        bench.script.take_calls().contains(&"activate 48000 64".to_owned()),
        "prepared for the new layout"
    );
    assert_eq!(bench.set_active(true), kResultOk);
}

#[test]
fn wavelab_sets_bus_arrangements_while_active() {
    let bench = Bench::active();
    assert_eq!(arrange(&bench, &mut [STEREO, STEREO], &mut [STEREO]), kResultOk, "what is there already");
    assert_eq!(arrange(&bench, &mut [MONO, MONO], &mut [MONO]), kResultFalse);
    assert_eq!(channels(&bench), (2, 2));
}

#[test]
fn a_refused_arrangement_changes_nothing() {
    let bench = Bench::ready();
    assert_eq!(arrange(&bench, &mut [MONO, STEREO], &mut [STEREO]), kResultFalse);
    assert_eq!(arrange(&bench, &mut [], &mut []), kResultFalse);
    assert_eq!(channels(&bench), (2, 2));
    // SAFETY: null beside a count is what is tried.
    let result =
        unsafe { bench.processor.setBusArrangements(std::ptr::null_mut(), 2, std::ptr::null_mut(), -1) };
    assert_eq!(result, kInvalidArgument);
}

#[test]
fn the_tail_fits_what_vst3_can_say() {
    let bench = Bench::ready();
    for (tail, said) in [
        (Tail::None, 0),
        (Tail::Frames(7), 7),
        (Tail::Frames(u64::MAX), kInfiniteTail - 1),
        (Tail::Infinite, kInfiniteTail),
    ] {
        *bench.script.tail.lock() = tail;
        // SAFETY: ours.
        assert_eq!(unsafe { bench.processor.getTailSamples() }, said);
    }
}

const STATE: &[u8] = b"a state of some length, so that short reads cut it";

#[test]
fn wavelab_answers_wrong_results_and_cubase_reads_short() {
    let bench = Bench::ready();
    let stream = Stream { piece: 7, result: kResultFalse, ..Stream::over(STATE) };
    assert_eq!(bench.set_state(stream), kResultOk);
    let loaded = format!("load Project {}", String::from_utf8_lossy(STATE));
    assert_eq!(bench.script.take_calls(), [loaded, "take AtOnce".to_owned()]);
}

#[test]
fn bitwig_leaves_the_preset_header_before_our_bytes() {
    let bench = Bench::ready();
    let stream = Stream { at: 9.into(), ..Stream::over(b"a header:our bytes") };
    assert_eq!(bench.set_state(stream), kResultOk);
    assert_eq!(bench.script.take_calls()[0], "load Project our bytes");
}

#[test]
fn a_stream_that_claims_more_than_it_was_given_room_for_is_refused() {
    let bench = Bench::ready();
    assert_eq!(bench.set_state(Stream { claim: Some(i32::MAX), ..Stream::over(STATE) }), kInvalidArgument);
    assert_eq!(bench.set_state(Stream { claim: Some(-1), ..Stream::over(STATE) }), kResultOk);
    // SAFETY: null is what is tried.
    assert_eq!(unsafe { bench.component.setState(std::ptr::null_mut()) }, kInvalidArgument);
    assert_eq!(bench.script.take_calls()[0], "load Project ", "a negative number of bytes is an end");
}

#[test]
fn a_state_that_the_shell_refuses_is_not_called_loaded() {
    let bench = Bench::ready();
    *bench.script.state.lock() = Err(ShellError::BadState("junk".to_owned()));
    assert_eq!(bench.set_state(Stream::over(b"junk")), kResultFalse);
    let stream = ComWrapper::new(Stream::over(b""));
    // SAFETY: ours.
    assert_eq!(unsafe { bench.component.getState(raw(&stream)) }, kResultFalse);
    assert!(stream.bytes.lock().is_empty());
}

#[test]
fn a_save_through_a_stream_that_takes_little_at_a_time_is_whole() {
    let bench = Bench::ready();
    let stream = ComWrapper::new(Stream { piece: 5, ..Stream::over(b"") });
    // SAFETY: ours.
    assert_eq!(unsafe { bench.component.getState(raw(&stream)) }, kResultOk);
    assert_eq!(*stream.bytes.lock(), STATE);
    let full = ComWrapper::new(Stream { piece: 0, result: kResultFalse, ..Stream::over(b"") });
    // SAFETY: ours.
    assert_eq!(unsafe { bench.component.getState(raw(&full)) }, kResultFalse, "half a state is not saved");
}

#[test]
fn the_components_state_given_to_the_controller_again_is_not_loaded_again() {
    let bench = Bench::ready();
    let stream = ComWrapper::new(Stream::over(STATE));
    // SAFETY: ours.
    assert_eq!(unsafe { bench.controller.setComponentState(raw(&stream)) }, kResultOk);
    assert_eq!(bench.script.take_calls(), ["save Project", "take AtOnce"]);
    let other = ComWrapper::new(Stream::over(b"another"));
    // SAFETY: ours.
    assert_eq!(unsafe { bench.controller.setComponentState(raw(&other)) }, kResultOk);
    assert_eq!(bench.script.take_calls()[1], "load Project another");
    let empty = ComWrapper::new(Stream::over(b""));
    // SAFETY: ours.
    assert_eq!(unsafe { bench.controller.getState(raw(&empty)) }, kResultOk);
    assert!(empty.bytes.lock().is_empty(), "the controller has no state of its own");
}

#[test]
fn changes_wait_until_the_host_has_given_a_handler() {
    let bench = Bench::raw();
    bench.script.change(Phase::AtOnce, Changes::VALUES);
    // SAFETY: ours.
    unsafe {
        use vst3::Steinberg::IPluginBaseTrait;
        assert_eq!(bench.component.initialize(bench.context()), kResultOk);
    }
    assert_eq!(bench.set_state(Stream::over(STATE)), kResultOk);
    assert!(bench.restarts().is_empty());
    // SAFETY: ours.
    assert_eq!(unsafe { bench.controller.setComponentHandler(raw(&bench.host)) }, kResultOk);
    assert_eq!(bench.restarts(), [flags::kParamValuesChanged]);
}

#[test]
fn every_change_is_told_by_its_flag_once() {
    let bench = Bench::ready();
    for (change, flag) in [
        (Changes::VALUES, flags::kParamValuesChanged),
        (Changes::TEXTS, flags::kParamTitlesChanged),
        (Changes::INFO, flags::kParamTitlesChanged),
        (Changes::PORT_NAMES, flags::kIoTitlesChanged),
        (Changes::PORTS, flags::kIoChanged),
        (Changes::NOTE_PORTS, flags::kIoChanged),
        (Changes::VALUES | Changes::INFO, flags::kParamValuesChanged | flags::kParamTitlesChanged),
    ] {
        bench.script.change(Phase::AtOnce, change);
        bench.set_state(Stream::over(STATE));
        bench.set_state(Stream::over(STATE));
        let told: Vec<i32> = bench.restarts().into_iter().filter(|told| *told != 0).collect();
        assert_eq!(told, [flag], "{change:?}");
    }
}

#[test]
fn live_is_told_nothing_inside_set_active() {
    let bench = Bench::ready();
    bench.script.change(Phase::Activating, Changes::LATENCY);
    bench.script.change(Phase::AtOnce, Changes::INFO);
    bench.set_up(48_000.0, 64);
    bench.set_active(true);
    bench.set_active(false);
    assert!(bench.restarts().is_empty());
    bench.set_state(Stream::over(STATE));
    assert_eq!(
        bench.restarts(),
        [flags::kLatencyChanged | flags::kParamTitlesChanged],
        "at the next safe call"
    );
}

#[test]
fn a_host_that_has_read_the_latency_by_itself_is_not_told() {
    let bench = Bench::ready();
    bench.script.change(Phase::Activating, Changes::LATENCY);
    bench.set_up(48_000.0, 64);
    // SAFETY: ours.
    unsafe { bench.processor.getLatencySamples() };
    bench.set_state(Stream::over(STATE));
    assert!(bench.restarts().is_empty());
    assert!(bench.script.read.lock().contains(Changes::LATENCY));
}

#[test]
fn ardour_9_only_rereads_latency() {
    let bench = Bench::active();
    bench.script.change(Phase::AtOnce, Changes::LATENCY);
    bench.script.latency.store(99, Ordering::Relaxed);
    let processor = bench.processor.as_ptr() as usize;
    let read = std::sync::Arc::new(parking_lot::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&read);
    *bench.data.on_restart.lock() = Some(Box::new(move |_| {
        let processor = processor as *mut vst3::Steinberg::Vst::IAudioProcessor;
        // SAFETY: the bench holds the object while it runs.
        let processor = unsafe { vst3::ComRef::from_raw(processor) }.expect("not null");
        // SAFETY: as above.
        seen.lock().push(unsafe { processor.getLatencySamples() });
    }));
    bench.set_state(Stream::over(STATE));
    assert_eq!(bench.restarts(), [flags::kLatencyChanged]);
    assert_eq!(*read.lock(), [99], "the new value is there when the host hears of it");
}

#[test]
fn ardour_7_cycles_set_active_on_latency_from_inside_the_call() {
    let bench = Bench::active();
    bench.script.change(Phase::AtOnce, Changes::LATENCY);
    let (component, processor) = (bench.component.as_ptr() as usize, bench.processor.as_ptr() as usize);
    *bench.data.on_restart.lock() = Some(Box::new(move |_| {
        // SAFETY: the bench holds the object while it runs.
        unsafe {
            let component = component as *mut vst3::Steinberg::Vst::IComponent;
            let processor = processor as *mut vst3::Steinberg::Vst::IAudioProcessor;
            let component = vst3::ComRef::from_raw(component).expect("not null");
            let processor = vst3::ComRef::from_raw(processor).expect("not null");
            processor.setProcessing(0);
            assert_eq!(component.setActive(0), kResultOk);
            assert_eq!(component.setActive(1), kResultOk);
            processor.setProcessing(1);
        }
    }));
    bench.script.take_calls();
    bench.set_state(Stream::over(STATE));
    assert_eq!(bench.restarts(), [flags::kLatencyChanged]);
    assert_eq!(
        bench.script.take_calls()[1..],
        ["take AtOnce", "deactivate", "activate 48000 64", "take Activating"],
        "nothing is told inside the cycle"
    );
}

#[test]
fn what_a_shell_asks_for_inside_a_block_reaches_no_host() {
    let bench = Bench::active();
    bench.script.with_host(|host| {
        host.request_restart();
        host.request_callback();
        host.request_process();
    });
    assert!(bench.restarts().is_empty());
    bench.set_state(Stream::over(STATE));
    assert!(bench.restarts().is_empty(), "a wish is no news");
}

#[test]
fn lists_that_change_with_the_latency_are_told_in_the_same_call() {
    let bench = Bench::active();
    bench.script.change(Phase::AtOnce, Changes::LATENCY | Changes::PARAMS);
    bench.set_state(Stream::over(STATE));
    bench.set_state(Stream::over(STATE));
    assert_eq!(bench.restarts(), [flags::kLatencyChanged | flags::kParamTitlesChanged]);
}

#[test]
fn bitwig_is_asked_to_reload_the_component_for_a_changed_count() {
    use vst3::Steinberg::IPluginBaseTrait;
    for (name, more) in [("Bitwig Studio", flags::kReloadComponent), ("Ardour", 0)] {
        let bench = Bench::raw();
        *bench.data.name.lock() = name;
        // SAFETY: ours.
        unsafe {
            assert_eq!(bench.component.initialize(bench.context()), kResultOk);
            assert_eq!(bench.controller.setComponentHandler(raw(&bench.host)), kResultOk);
        }
        bench.script.params.lock().push(hotshell_core::shell::ParamInfo { host_id: 12, ..gain(2) });
        bench.script.change(Phase::AtOnce, Changes::PARAMS);
        bench.set_state(Stream::over(STATE));
        assert_eq!(bench.restarts(), [flags::kParamTitlesChanged | more], "{name}");
    }
}

#[test]
fn a_range_that_moves_normalised_values_is_told_as_values_too() {
    let bench = Bench::ready();
    bench.script.params.lock()[0].max = 2.0;
    bench.script.change(Phase::AtOnce, Changes::PARAMS);
    bench.set_state(Stream::over(STATE));
    assert_eq!(bench.restarts(), [flags::kParamTitlesChanged | flags::kParamValuesChanged]);
    // SAFETY: ours.
    assert_eq!(unsafe { bench.controller.getParamNormalized(10) }, 0.25);
}

#[test]
fn an_added_parameter_is_seen_after_the_titles_are_read_again() {
    let bench = Bench::active();
    bench.script.params.lock().push(hotshell_core::shell::ParamInfo { host_id: 12, ..gain(2) });
    bench.script.change(Phase::AtOnce, Changes::PARAMS);
    bench.set_state(Stream::over(STATE));
    assert_eq!(bench.restarts(), [flags::kParamTitlesChanged]);
    // SAFETY: ours.
    let count = unsafe { bench.controller.getParameterCount() };
    assert_eq!(info(&bench, count - 1).id, 12, "after all that the host has read");
}

#[test]
fn controllers_map_to_hidden_parameters_and_the_one_past_the_end_is_refused() {
    let bench = Bench::ready();
    let mapping = bench.component.cast::<IMidiMapping>().expect("offered");
    let mut id = 0;
    // SAFETY: ours.
    unsafe {
        for channel in 0..16 {
            for number in [1, 64, 128, 129] {
                assert_eq!(mapping.getMidiControllerAssignment(0, channel, number, &raw mut id), kResultOk);
                let rest = if number == 129 { 0.5 } else { 0.0 };
                assert_eq!(bench.controller.getParamNormalized(id), rest);
                assert_eq!(bench.controller.setParamNormalized(id, 0.25), kResultOk);
                assert_eq!(bench.controller.getParamNormalized(id), 0.25);
            }
            for number in [0, 2, 127, 130] {
                let result = mapping.getMidiControllerAssignment(0, channel, number, &raw mut id);
                assert_eq!((result, id), (kResultFalse, kNoParamId));
            }
        }
        assert_eq!(mapping.getMidiControllerAssignment(1, 0, 1, &raw mut id), kResultFalse);
        assert_eq!(mapping.getMidiControllerAssignment(0, 0, 1, std::ptr::null_mut()), kResultFalse);
    }
}

#[test]
fn a_host_that_asks_for_all_controllers_at_once_hears_what_it_would_one_by_one() {
    let bench = Bench::ready();
    let (one, all) = (bench.component.cast::<IMidiMapping>(), bench.component.cast::<IMidiMapping2>());
    let (one, all) = (one.expect("offered"), all.expect("offered"));
    let (input, output) = (BusDirections_::kInput, BusDirections_::kOutput);
    // SAFETY: ours.
    unsafe {
        let count = all.getNumMidi1ControllerAssignments(input);
        assert_eq!(count, 16 * 4);
        assert_eq!(
            (all.getNumMidi1ControllerAssignments(output), all.getNumMidi2ControllerAssignments(input)),
            (0, 0)
        );
        let junk = Midi1ControllerParamIDAssignment { pId: 7, busIndex: 7, channel: 7, controller: 7 };
        let mut map = vec![junk; count as usize + 1];
        let list = Midi1ControllerParamIDAssignmentList { count: count + 1, map: map.as_mut_ptr() };
        assert_eq!(all.getMidi1ControllerAssignments(input, &raw const list), kResultOk);
        let beyond = map.pop().expect("one more");
        assert_eq!(beyond.pId, kNoParamId);
        for found in &map {
            let mut id = 0;
            let (bus, channel) = (found.busIndex, i16::from(found.channel));
            assert_eq!(
                one.getMidiControllerAssignment(bus, channel, found.controller, &raw mut id),
                kResultOk
            );
            assert_eq!(found.pId, id);
        }
        let short = Midi1ControllerParamIDAssignmentList { count: 1, map: map.as_mut_ptr() };
        map[1] = junk;
        assert_eq!(all.getMidi1ControllerAssignments(input, &raw const short), kResultOk);
        assert_eq!((map[0].channel, map[1].pId), (0, 7), "nothing past its end");
        let null = Midi1ControllerParamIDAssignmentList { count: 1, map: std::ptr::null_mut() };
        for list in [std::ptr::null(), &raw const null] {
            assert_ne!(all.getMidi1ControllerAssignments(input, list), kResultOk);
        }
        assert_ne!(all.getMidi1ControllerAssignments(output, &raw const list), kResultOk);
    }
}

#[test]
fn other_controllers_and_other_dialects_are_told_by_flags_of_their_own() {
    let bench = Bench::ready();
    bench.script.notes.lock().controllers[0] |= 1 << 7;
    bench.script.change(Phase::AtOnce, Changes::CONTROLLERS);
    bench.set_state(Stream::over(STATE));
    assert_eq!(bench.restarts(), [flags::kMidiCCAssignmentChanged | flags::kParamTitlesChanged]);
    bench.script.notes.lock().dialects = hotshell_abi::NotePortsDesc::MIDI;
    bench.script.change(Phase::AtOnce, Changes::NOTE_PORTS);
    bench.set_state(Stream::over(STATE));
    assert_eq!(bench.restarts(), [flags::kIoChanged | flags::kNoteExpressionChanged]);
}

#[test]
fn note_expressions_are_clap_s_seven_and_only_where_the_logic_takes_them() {
    let bench = Bench::ready();
    let notes = bench.component.cast::<INoteExpressionController>().expect("offered");
    // SAFETY: a plain structure; the place is ours.
    unsafe {
        let mut info: NoteExpressionTypeInfo = std::mem::zeroed();
        assert_eq!(notes.getNoteExpressionCount(0, 0), 7);
        for index in 0..7 {
            assert_eq!(notes.getNoteExpressionInfo(0, 0, index, &raw mut info), kResultOk);
        }
        assert_eq!(notes.getNoteExpressionInfo(0, 0, 7, &raw mut info), kInvalidArgument);
        assert_eq!(notes.getNoteExpressionCount(1, 0), 0);
        bench.script.notes.lock().dialects = hotshell_abi::NotePortsDesc::MIDI;
        assert_eq!(notes.getNoteExpressionCount(0, 0), 0);
    }
}

#[test]
fn every_units_parent_exists_and_the_root_has_a_name() {
    let bench = Bench::ready();
    let units = bench.component.cast::<IUnitInfo>().expect("offered");
    // SAFETY: a plain structure; the place is ours.
    unsafe {
        let mut info: UnitInfo = std::mem::zeroed();
        let mut known = vec![-1];
        assert_eq!(units.getUnitCount(), 3);
        for index in 0..3 {
            assert_eq!(units.getUnitInfo(index, &raw mut info), kResultOk);
            assert!(!narrow(&info.name).is_empty() && known.contains(&info.parentUnitId));
            known.push(info.id);
        }
        assert_eq!(units.getUnitInfo(3, &raw mut info), kInvalidArgument);
        assert!(known.contains(&self::info(&bench, 0).unitId));
    }
}
