//! The order of what the host hears, two tellings at once, a choice that fails half way, and what was prepared for
//! something else.

use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use hotshell_core::shell::editors::Edit;
use hotshell_core::shell::{Changes, ParamInfo, Phase};
use vst3::ComWrapper;
use vst3::Steinberg::Vst::RestartFlags_ as flags;
use vst3::Steinberg::Vst::{
    IAudioProcessor, IAudioProcessorTrait, IComponent, IComponentTrait, IEditControllerTrait, SpeakerArr,
};
use vst3::Steinberg::{kInternalError, kResultOk};

use super::bench::{Bench, Stream, raw};
use hotshell_fake_shell::{gain, layout};

fn third() -> ParamInfo {
    ParamInfo { host_id: 12, ..gain(2) }
}

fn count(bench: &Bench) -> i32 {
    // SAFETY: ours.
    unsafe { bench.controller.getParameterCount() }
}

#[test]
fn of_two_tellings_at_once_the_later_list_stays() {
    let bench = Bench::active();
    let before = count(&bench);
    let (script, component) = (std::sync::Arc::clone(&bench.script), bench.component.as_ptr() as usize);
    let (done, heard) = mpsc::channel();
    // The first telling has read two parameters when the third appears and is told on another thread.
    *bench.script.while_reading.lock() = Some(Box::new(move || {
        script.params.lock().push(third());
        script.change(Phase::AtOnce, Changes::PARAMS);
        let (second, ended) = mpsc::channel();
        let telling = move || {
            let stream = ComWrapper::new(Stream::over(b"a state"));
            let component = component as *mut IComponent;
            // SAFETY: the bench holds the object until this thread has ended.
            let component = unsafe { vst3::ComRef::from_raw(component) }.expect("not null");
            // SAFETY: as above; the stream is ours.
            assert_eq!(unsafe { component.setState(raw(&stream)) }, kResultOk);
            second.send(()).ok();
        };
        let other = std::thread::Builder::new().name("telling".to_owned()).spawn(telling).expect("a thread");
        // It ends at once or, rightly, not before the first one has.
        ended.recv_timeout(Duration::from_millis(200)).ok();
        done.send(other).expect("the test waits");
    }));
    bench.script.change(Phase::AtOnce, Changes::PARAMS);
    bench.set_state(Stream::over(b"a state"));
    heard.recv().expect("read").join().expect("no panic");
    assert_eq!(count(&bench), before + 1, "what the second one has told");
}

#[test]
fn the_user_s_edits_come_after_the_parameter_that_they_move() {
    let bench = Bench::active();
    bench.script.params.lock().push(third());
    bench.script.change(Phase::AtOnce, Changes::PARAMS);
    *bench.script.edits.lock() =
        vec![Edit::Begin { id: 12 }, Edit::Perform { id: 12, plain: 0.25 }, Edit::End { id: 12 }];
    bench.set_state(Stream::over(b"a state"));
    let titles = format!("restart {}", flags::kParamTitlesChanged);
    assert_eq!(*bench.data.said.lock(), [titles.as_str(), "begin 12", "perform 12 0.25", "end 12"]);
}

#[test]
fn a_layout_that_cannot_be_prepared_is_refused_as_a_whole() {
    let bench = Bench::ready();
    bench.script.layouts.lock()[1] = layout("Mono", 1);
    assert_eq!(bench.set_up(48_000.0, 64), kResultOk);
    *bench.script.bad_layouts.lock() = vec![1];
    let (mut ins, mut outs) = ([SpeakerArr::kMono; 2], [SpeakerArr::kMono]);
    // SAFETY: ours.
    let result = unsafe { bench.processor.setBusArrangements(ins.as_mut_ptr(), 2, outs.as_mut_ptr(), 1) };
    assert_eq!(result, kInternalError);
    let mut found = 0;
    // SAFETY: ours.
    assert_eq!(unsafe { bench.processor.getBusArrangement(1, 0, &raw mut found) }, kResultOk);
    assert_eq!((found, *bench.script.layout.lock()), (SpeakerArr::kStereo, 0), "as before");
    assert_eq!(bench.set_active(true), kResultOk, "and it plays in what it was");
}

#[test]
fn a_layout_that_cannot_even_be_put_back_is_told_to_the_author() {
    let bench = Bench::ready();
    bench.script.layouts.lock()[1] = layout("Mono", 1);
    assert_eq!(bench.set_up(48_000.0, 64), kResultOk);
    *bench.script.bad_layouts.lock() = vec![0, 1];
    bench.script.take_calls();
    let (mut ins, mut outs) = ([SpeakerArr::kMono; 2], [SpeakerArr::kMono]);
    // SAFETY: ours.
    let result = unsafe { bench.processor.setBusArrangements(ins.as_mut_ptr(), 2, outs.as_mut_ptr(), 1) };
    assert_eq!(result, kInternalError);
    let calls = bench.script.take_calls();
    let said: Vec<_> = calls.iter().filter(|call| call.starts_with("log Error")).collect();
    assert!(
        matches!(said[..], [line] if line.contains("Stereo") && line.contains("in `reset`")),
        "{calls:?}"
    );
    bench.script.bad_layouts.lock().clear();
    assert_eq!(bench.set_active(true), kResultOk, "and it is tried again");
}

fn latency(bench: &Bench) -> u32 {
    // SAFETY: ours.
    unsafe { bench.processor.getLatencySamples() }
}

const AGAIN: [&str; 3] = ["deactivate", "activate 48000 64", "take Activating"];

#[test]
fn what_the_host_reads_is_what_it_is_said_to_know() {
    let bench = Bench::active();
    bench.script.latency.store(100, Ordering::Relaxed);
    *bench.script.latency_moves.lock() = Some(30);
    assert_eq!(latency(&bench), bench.script.known_latency.load(Ordering::Relaxed));
}

#[test]
fn juce_reads_the_latency_of_the_build_that_waits_between_setup_and_activation() {
    let bench = Bench::ready();
    assert_eq!(bench.set_up(48_000.0, 64), kResultOk);
    bench.script.take_calls();
    latency(&bench);
    assert!(bench.script.take_calls().is_empty(), "nothing waits");
    bench.script.waiting.store(true, Ordering::Relaxed);
    latency(&bench);
    assert_eq!(bench.script.take_calls(), AGAIN);
    bench.script.waiting.store(true, Ordering::Relaxed);
    assert_eq!(bench.set_active(true), kResultOk);
    assert_eq!(bench.script.take_calls(), AGAIN, "or first inside setActive");
    bench.script.waiting.store(true, Ordering::Relaxed);
    latency(&bench);
    assert!(bench.script.take_calls().is_empty(), "not while it plays");
}

#[test]
fn what_was_prepared_for_other_buses_is_prepared_again() {
    for moved in [Changes::PORTS, Changes::NOTE_PORTS] {
        let bench = Bench::ready();
        assert_eq!(bench.set_up(48_000.0, 64), kResultOk);
        bench.script.layouts.lock()[0].inputs.truncate(usize::from(moved == Changes::NOTE_PORTS) + 1);
        bench.script.notes.lock().inputs = u32::from(moved == Changes::PORTS);
        bench.script.change(Phase::AtOnce, moved);
        bench.set_state(Stream::over(b"a state"));
        bench.script.take_calls();
        assert_eq!(bench.set_active(true), kResultOk);
        assert_eq!(bench.script.take_calls(), AGAIN, "{moved:?}");
    }
}

#[test]
fn an_activation_between_the_shell_s_word_and_ours_sees_the_buses_that_have_moved() {
    let bench = Bench::ready();
    assert_eq!(bench.set_up(48_000.0, 64), kResultOk);
    let (script, component) = (std::sync::Arc::clone(&bench.script), bench.component.as_ptr() as usize);
    // What another thread of the host's may do when the shell has announced them, and nobody has been told.
    *bench.script.while_taking.lock() = Some(Box::new(move || {
        script.layouts.lock()[0].inputs.truncate(1);
        script.take_calls();
        // SAFETY: the bench holds the object while it runs.
        let component = unsafe { vst3::ComRef::from_raw(component as *mut IComponent) }.expect("not null");
        // SAFETY: a number.
        assert_eq!(unsafe { component.setActive(1) }, kResultOk);
    }));
    bench.script.change(Phase::AtOnce, Changes::PORTS);
    bench.set_state(Stream::over(b"a state"));
    assert_eq!(bench.script.take_calls(), AGAIN);
    assert_eq!(bench.restarts(), [flags::kIoChanged], "and the host is told");
}

#[test]
fn ardour_reads_the_latency_inside_set_active() {
    let bench = Bench::ready();
    assert_eq!(bench.set_up(48_000.0, 64), kResultOk);
    bench.script.waiting.store(true, Ordering::Relaxed);
    bench.script.latency.store(7, Ordering::Relaxed);
    let (processor, (said, heard)) = (bench.processor.as_ptr() as usize, mpsc::channel());
    *bench.script.while_activating.lock() = Some(Box::new(move || {
        // SAFETY: the bench holds the object while it runs.
        let processor =
            unsafe { vst3::ComRef::from_raw(processor as *mut IAudioProcessor) }.expect("not null");
        // SAFETY: as above.
        said.send(unsafe { processor.getLatencySamples() }).ok();
    }));
    assert_eq!(bench.set_active(true), kResultOk);
    assert_eq!(heard.try_recv(), Ok(7), "an answer, and no deadlock");
}
