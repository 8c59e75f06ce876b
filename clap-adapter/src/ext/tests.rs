//! What a host may rely on when it asks an extension.

#![allow(unsafe_code, reason = "DESIGN 9.9: the host's side of C, for tests of the raw extensions")]

use crate::entry::bench::{Bench, EventsIn, EventsOut};
use clap_sys::events::{
    CLAP_EVENT_PARAM_VALUE, clap_event_header, clap_event_param_value, clap_input_events, clap_output_events,
};
use clap_sys::ext::audio_ports::CLAP_EXT_AUDIO_PORTS;
use clap_sys::ext::audio_ports_config::CLAP_EXT_AUDIO_PORTS_CONFIG;
use clap_sys::ext::latency::{CLAP_EXT_LATENCY, clap_plugin_latency};
use clap_sys::ext::note_name::{CLAP_EXT_NOTE_NAME, clap_plugin_note_name};
use clap_sys::ext::note_ports::{CLAP_EXT_NOTE_PORTS, clap_note_port_info, clap_plugin_note_ports};
use clap_sys::ext::params::{
    CLAP_EXT_PARAMS, CLAP_PARAM_IS_AUTOMATABLE, CLAP_PARAM_IS_ENUM, CLAP_PARAM_IS_HIDDEN,
    CLAP_PARAM_IS_MODULATABLE, CLAP_PARAM_IS_MODULATABLE_PER_KEY, CLAP_PARAM_IS_MODULATABLE_PER_NOTE_ID,
    CLAP_PARAM_IS_READONLY, CLAP_PARAM_IS_STEPPED, clap_param_info, clap_plugin_params,
};
use clap_sys::ext::remote_controls::{
    CLAP_EXT_REMOTE_CONTROLS, clap_plugin_remote_controls, clap_remote_controls_page,
};
use clap_sys::ext::render::{CLAP_EXT_RENDER, CLAP_RENDER_OFFLINE, clap_plugin_render};
use clap_sys::ext::state::{CLAP_EXT_STATE, clap_plugin_state};
use clap_sys::ext::state_context::{CLAP_EXT_STATE_CONTEXT, clap_plugin_state_context};
use clap_sys::ext::tail::{CLAP_EXT_TAIL, clap_plugin_tail};
use clap_sys::ext::voice_info::{CLAP_EXT_VOICE_INFO, clap_plugin_voice_info, clap_voice_info};
use clap_sys::id::CLAP_INVALID_ID;
use clap_sys::stream::{clap_istream, clap_ostream};
use hotshell_abi::ParamDesc;
use hotshell_core::shell::{Changes, Phase, ShellError, Tail};
use hotshell_fake_shell::gain;
use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::Ordering;

/// An answer's memory before the plug-in writes it.
pub(super) fn blank<T>() -> T {
    // SAFETY: used for CLAP's plain structures only, for which zeros are a value.
    unsafe { std::mem::zeroed() }
}

pub(super) fn text(chars: &[c_char]) -> String {
    // SAFETY: the plug-in wrote a C string into an array.
    unsafe { CStr::from_ptr(chars.as_ptr()) }.to_str().expect("UTF-8").to_owned()
}

fn infos(bench: &Bench) -> Vec<clap_param_info> {
    let params = bench.ext::<clap_plugin_params>(CLAP_EXT_PARAMS).expect("offered");
    // SAFETY: the plug-in is alive, each info is memory to write.
    unsafe {
        let count = params.count.expect("set")(bench.plugin);
        let get = params.get_info.expect("set");
        assert!(!get(bench.plugin, count, &mut blank()), "past the last");
        assert!(!get(bench.plugin, 0, std::ptr::null_mut()), "nowhere to write");
        (0..count)
            .map(|index| {
                let mut info = blank();
                assert!(get(bench.plugin, index, &mut info));
                info
            })
            .collect()
    }
}

#[test]
fn the_hot_shell_offers_the_superset_and_the_static_one_what_it_uses() {
    let offered = |bench: &Bench| {
        [
            CLAP_EXT_AUDIO_PORTS,
            CLAP_EXT_AUDIO_PORTS_CONFIG,
            CLAP_EXT_LATENCY,
            CLAP_EXT_TAIL,
            CLAP_EXT_RENDER,
            CLAP_EXT_VOICE_INFO,
            CLAP_EXT_NOTE_PORTS,
            CLAP_EXT_PARAMS,
            CLAP_EXT_STATE,
            CLAP_EXT_STATE_CONTEXT,
            CLAP_EXT_REMOTE_CONTROLS,
            CLAP_EXT_NOTE_NAME,
        ]
        .map(|id| bench.ext::<c_void>(id).is_some())
    };
    assert_eq!(offered(&Bench::hot()), [true; 12]);
    let released = offered(&Bench::with(false, |_, _| {}));
    assert_eq!(released[..6], [true; 6], "two layouts and eight voices");
    assert_eq!(released[6..], [false; 6], "no notes, no parameters, no state, no pages");
}

#[test]
fn an_unknown_or_null_extension_is_null() {
    let bench = Bench::hot();
    assert!(bench.ext::<c_void>(c"clap.nonsense").is_none());
    assert!(bench.ext::<c_void>(c"clap.param").is_none());
    // SAFETY: the plug-in is alive; null is a host's mistake.
    let answer = unsafe { (*bench.plugin).get_extension.expect("set")(bench.plugin, std::ptr::null()) };
    assert!(answer.is_null());
}

#[test]
fn parameter_infos_are_as_announced_with_a_cookie_that_never_moves() {
    let bench = Bench::hot();
    let first = infos(&bench);
    assert_eq!((first[0].id, first[0].cookie.addr()), (10, 1));
    assert_eq!((first[1].id, first[1].cookie.addr()), (11, 2));
    assert_eq!((text(&first[0].name), text(&first[0].module)), ("Gain".to_owned(), "Level/Main".to_owned()));
    assert_eq!((first[0].min_value, first[0].max_value, first[0].default_value), (0.0, 1.0, 0.5));
    let per_note = CLAP_PARAM_IS_MODULATABLE_PER_NOTE_ID | CLAP_PARAM_IS_MODULATABLE_PER_KEY;
    assert_eq!(first[0].flags, CLAP_PARAM_IS_AUTOMATABLE | CLAP_PARAM_IS_MODULATABLE | per_note);
    assert_eq!(first[1].flags, CLAP_PARAM_IS_AUTOMATABLE | CLAP_PARAM_IS_STEPPED | CLAP_PARAM_IS_ENUM);
    let again = infos(&bench);
    assert!(first.iter().zip(&again).all(|(a, b)| a.cookie == b.cookie));
    assert!(
        bench.script.read.lock().contains(Changes::PARAMS),
        "the shell knows that the host has read the list"
    );
}

#[test]
fn a_new_list_is_seen_when_the_host_is_told_and_not_before() {
    let bench = Bench::hot();
    bench.script.params.lock()[0].removed = true;
    let mut read_only = gain(2);
    (read_only.host_id, read_only.flags) = (12, ParamDesc::READ_ONLY | ParamDesc::AUTOMATABLE);
    bench.script.params.lock().push(read_only);
    assert_eq!(infos(&bench).len(), 2);
    bench.script.change(Phase::AnyTime, Changes::PARAMS);
    bench.on_main_thread();
    let infos = infos(&bench);
    assert_eq!(infos.len(), 3);
    assert_ne!(infos[0].flags & CLAP_PARAM_IS_HIDDEN, 0, "a tombstone keeps its place, hidden");
    assert_eq!(infos[2].flags, CLAP_PARAM_IS_READONLY, "read-only excludes automation");
}

#[test]
fn long_names_are_cut_at_a_whole_character() {
    let bench = Bench::with(true, |_, script| script.params.lock()[0].name = "ä".repeat(200));
    assert_eq!(text(&infos(&bench)[0].name), "ä".repeat(127));
}

#[test]
fn values_and_texts_are_answered_or_refused_and_nulls_are_stood() {
    let bench = Bench::hot();
    let params = bench.ext::<clap_plugin_params>(CLAP_EXT_PARAMS).expect("offered");
    let (mut value, mut small, null) = (f64::NAN, [1_u8; 7], std::ptr::null_mut());
    // SAFETY: the plug-in is alive; memory is ours or null.
    unsafe {
        let (get, to_text) = (params.get_value.expect("set"), params.value_to_text.expect("set"));
        assert!(get(bench.plugin, 10, &raw mut value) && value == 0.5);
        assert!(!get(bench.plugin, 99, &raw mut value) && !get(bench.plugin, 10, null));
        assert!(to_text(bench.plugin, 10, 0.25, small.as_mut_ptr().cast(), 7));
        assert_eq!(&small, b"0.25 \0\x01", "the character that did not fit is left out whole");
        assert!(!to_text(bench.plugin, 99, 0.25, small.as_mut_ptr().cast(), 7));
        assert!(!to_text(bench.plugin, 10, 0.25, std::ptr::null_mut(), 7));
        assert!(!to_text(bench.plugin, 10, 0.25, small.as_mut_ptr().cast(), 0));
        let to_value = params.text_to_value.expect("set");
        assert!(to_value(bench.plugin, 10, c"0.75 x".as_ptr(), &raw mut value) && value == 0.75);
        assert!(!to_value(bench.plugin, 10, c"loud".as_ptr(), &raw mut value));
        assert!(!to_value(bench.plugin, 10, c"\xff".as_ptr(), &raw mut value), "not UTF-8");
        assert!(!to_value(bench.plugin, 10, std::ptr::null(), &raw mut value));
        assert!(!to_value(bench.plugin, 10, c"1".as_ptr(), null));
    }
}

#[test]
fn a_panic_of_the_shell_is_a_failure_that_the_host_sees() {
    let bench = Bench::hot();
    let params = bench.ext::<clap_plugin_params>(CLAP_EXT_PARAMS).expect("offered");
    let mut buffer = [0_u8; 64];
    // SAFETY: the plug-in is alive, the buffer ours.
    let written = unsafe {
        params.value_to_text.expect("set")(bench.plugin, 10, f64::NAN, buffer.as_mut_ptr().cast(), 64)
    };
    assert!(!written);
    assert!(bench.host_calls().iter().any(|call| call.starts_with("log")), "and its log says so");
    assert!(bench.activate_at(48_000.0, 64), "and the instance goes on");
}

fn value_event(id: u32, value: f64) -> clap_event_param_value {
    let header = clap_event_header {
        size: u32::try_from(size_of::<clap_event_param_value>()).expect("small"),
        time: 3,
        space_id: 0,
        type_: CLAP_EVENT_PARAM_VALUE,
        flags: 0,
    };
    let cookie = std::ptr::null_mut();
    clap_event_param_value {
        header,
        param_id: id,
        cookie,
        note_id: -1,
        port_index: -1,
        channel: -1,
        key: -1,
        value,
    }
}

#[test]
fn params_flush_goes_to_main_while_inactive_and_to_audio_while_active() {
    let bench = Bench::hot();
    let params = bench.ext::<clap_plugin_params>(CLAP_EXT_PARAMS).expect("offered");
    let event = value_event(10, 0.75);
    let (input, output) = (EventsIn(vec![&raw const event.header]), EventsOut::new(8));
    let (raw_in, raw_out): (clap_input_events, clap_output_events) = (input.raw(), output.raw());
    let flush = params.flush.expect("set");
    bench.script.take_calls();
    // SAFETY: the plug-in is alive, the lists ours or null.
    unsafe {
        flush(bench.plugin, &raw const raw_in, &raw const raw_out);
        assert_eq!(bench.script.take_calls(), ["flush on main", "EventKind(6) 10 0.75"]);
        bench.activate().script.take_calls();
        flush(bench.plugin, &raw const raw_in, &raw const raw_out);
        assert_eq!(bench.script.take_calls(), ["flush on audio", "EventKind(6) 10 0.75"]);
        assert_eq!(
            *output.seen.lock(),
            [(CLAP_EVENT_PARAM_VALUE, 0, 0); 2],
            "outside of a block there is one time"
        );
        flush(bench.plugin, std::ptr::null(), std::ptr::null());
        assert_eq!(bench.script.take_calls(), ["flush on audio"]);
    }
}

/// A stream that moves at most `most` bytes a call and then says `end`.
struct Stream {
    bytes: Vec<u8>,
    at: usize,
    most: usize,
    end: i64,
}

unsafe extern "C" fn read(stream: *const clap_istream, buffer: *mut c_void, size: u64) -> i64 {
    // SAFETY: made by `istream`; the buffer holds `size` bytes.
    unsafe {
        let stream = &mut *(*stream).ctx.cast::<Stream>();
        let count =
            stream.most.min(stream.bytes.len() - stream.at).min(usize::try_from(size).expect("small"));
        if count == 0 {
            return stream.end;
        }
        buffer.cast::<u8>().copy_from(stream.bytes.as_ptr().add(stream.at), count);
        stream.at += count;
        i64::try_from(count).expect("small")
    }
}

unsafe extern "C" fn write(stream: *const clap_ostream, buffer: *const c_void, size: u64) -> i64 {
    // SAFETY: made by `ostream`; the buffer holds `size` bytes.
    unsafe {
        let stream = &mut *(*stream).ctx.cast::<Stream>();
        let count = stream.most.min(usize::try_from(size).expect("small"));
        if count == 0 {
            return stream.end;
        }
        stream.bytes.extend(std::slice::from_raw_parts(buffer.cast::<u8>(), count));
        i64::try_from(count).expect("small")
    }
}

impl Stream {
    fn of(bytes: &[u8], most: usize, end: i64) -> Self {
        Self { bytes: bytes.to_vec(), at: 0, most, end }
    }
    fn istream(&mut self) -> clap_istream {
        clap_istream { ctx: std::ptr::from_mut(self).cast(), read: Some(read) }
    }
    fn ostream(&mut self) -> clap_ostream {
        clap_ostream { ctx: std::ptr::from_mut(self).cast(), write: Some(write) }
    }
}

#[test]
fn state_goes_through_short_reads_and_short_writes() {
    let bench = Bench::hot();
    let state = bench.ext::<clap_plugin_state>(CLAP_EXT_STATE).expect("offered");
    let mut saved = Stream::of(b"", 7, 0);
    let out = saved.ostream();
    // SAFETY: the plug-in and the stream are alive.
    assert!(unsafe { state.save.expect("set")(bench.plugin, &raw const out) });
    assert_eq!(saved.bytes, b"a state of some length, so that short reads cut it");
    bench.script.take_calls();
    let mut loaded = Stream::of(&saved.bytes, 3, 0);
    let stream = loaded.istream();
    bench.script.change(Phase::AnyTime, Changes::VALUES);
    // SAFETY: the plug-in and the stream are alive.
    assert!(unsafe { state.load.expect("set")(bench.plugin, &raw const stream) });
    assert_eq!(
        bench.script.take_calls()[0],
        "load Project a state of some length, so that short reads cut it"
    );
    assert_eq!(bench.host_calls(), ["params.rescan 1"], "moved values are told at once");
}

#[test]
fn a_state_is_never_called_saved_or_loaded_when_it_was_not() {
    let bench = Bench::hot();
    let state = bench.ext::<clap_plugin_state>(CLAP_EXT_STATE).expect("offered");
    let (save, load) = (state.save.expect("set"), state.load.expect("set"));
    // SAFETY: the plug-in is alive, the streams ours or null.
    unsafe {
        for end in [0, -1] {
            let mut full = Stream::of(b"", 0, end);
            assert!(!save(bench.plugin, &full.ostream()), "the host takes no byte: {end}");
        }
        bench.script.take_calls();
        let mut broken = Stream::of(b"half", 2, -1);
        assert!(!load(bench.plugin, &broken.istream()));
        assert!(bench.script.take_calls().is_empty(), "half a state never reaches the shell");
        assert!(!save(bench.plugin, std::ptr::null()) && !load(bench.plugin, std::ptr::null()));
        *bench.script.state.lock() = Err(ShellError::BadState("no".to_owned()));
        assert!(!load(bench.plugin, &Stream::of(b"junk", 9, 0).istream()));
        assert!(!save(bench.plugin, &Stream::of(b"", 9, 0).ostream()));
    }
    assert!(
        bench.host_calls().iter().any(|call| call.contains("nothing was changed")),
        "the reason is in the log"
    );
}

#[test]
fn the_state_context_reaches_the_shell_and_an_unknown_one_is_refused() {
    let bench = Bench::hot();
    let state = bench.ext::<clap_plugin_state_context>(CLAP_EXT_STATE_CONTEXT).expect("offered");
    bench.script.take_calls();
    let saved = [1, 2, 3, 4, 0].map(|context| {
        let mut stream = Stream::of(b"", 99, 0);
        // SAFETY: the plug-in and the stream are alive.
        unsafe { state.save.expect("set")(bench.plugin, &stream.ostream(), context) }
    });
    assert_eq!(saved, [true, true, true, false, false]);
    assert_eq!(bench.script.take_calls(), ["save Preset", "save Duplicate", "save Project"]);
}

#[test]
fn note_ports_have_one_preferred_dialect_among_the_supported() {
    let bench = Bench::with(true, |_, script| script.notes.lock().preferred = 8);
    let notes = bench.ext::<clap_plugin_note_ports>(CLAP_EXT_NOTE_PORTS).expect("offered");
    let mut info: clap_note_port_info = blank();
    // SAFETY: the plug-in is alive, the info ours.
    unsafe {
        assert_eq!(notes.count.expect("set")(bench.plugin, true), 1);
        assert!(notes.get.expect("set")(bench.plugin, 0, true, &raw mut info));
        assert!(!notes.get.expect("set")(bench.plugin, 1, true, &raw mut info));
    }
    assert_eq!((info.supported_dialects, info.preferred_dialect), (3, 1));
    let names = bench.ext::<clap_plugin_note_name>(CLAP_EXT_NOTE_NAME).expect("offered");
    // SAFETY: the plug-in is alive.
    assert_eq!(unsafe { names.count.expect("set")(bench.plugin) }, 0);
}

#[test]
fn latency_is_the_announced_one_and_the_shell_hears_that_it_was_read() {
    let bench = Bench::hot();
    let latency = bench.ext::<clap_plugin_latency>(CLAP_EXT_LATENCY).expect("offered");
    bench.script.latency.store(77, Ordering::Relaxed);
    // SAFETY: the plug-in is alive.
    assert_eq!(unsafe { latency.get.expect("set")(bench.plugin) }, 77);
    assert!(bench.script.read.lock().contains(Changes::LATENCY));
}

#[test]
fn the_tail_is_answered_from_main_while_inactive_and_active() {
    let bench = Bench::hot();
    let tail = bench.ext::<clap_plugin_tail>(CLAP_EXT_TAIL).expect("offered");
    let infinite = i32::MAX.cast_unsigned();
    for _ in 0..2 {
        let told =
            [Tail::None, Tail::Frames(480), Tail::Frames(u64::MAX - 1), Tail::Infinite].map(|length| {
                *bench.script.tail.lock() = length;
                // SAFETY: the plug-in is alive.
                unsafe { tail.get.expect("set")(bench.plugin) }
            });
        assert_eq!(told, [0, 480, infinite - 1, infinite]);
        bench.activate();
    }
}

#[test]
fn voices_pages_and_render_mode_are_the_shells() {
    let bench = Bench::hot();
    let voices = bench.ext::<clap_plugin_voice_info>(CLAP_EXT_VOICE_INFO).expect("offered");
    let pages = bench.ext::<clap_plugin_remote_controls>(CLAP_EXT_REMOTE_CONTROLS).expect("offered");
    let render = bench.ext::<clap_plugin_render>(CLAP_EXT_RENDER).expect("offered");
    let (mut voice, mut page): (clap_voice_info, clap_remote_controls_page) = (blank(), blank());
    bench.script.take_calls();
    // SAFETY: the plug-in is alive; memory is ours or null.
    unsafe {
        assert!(voices.get.expect("set")(bench.plugin, &raw mut voice));
        assert!(!voices.get.expect("set")(bench.plugin, std::ptr::null_mut()));
        assert_eq!((voice.voice_count, voice.voice_capacity, voice.flags), (8, 8, 1));
        assert_eq!(pages.count.expect("set")(bench.plugin), 1);
        assert!(pages.get.expect("set")(bench.plugin, 0, &raw mut page));
        assert!(!pages.get.expect("set")(bench.plugin, 1, &raw mut page));
        assert!(!pages.get.expect("set")(bench.plugin, 0, std::ptr::null_mut()));
        assert_eq!(
            (text(&page.page_name).as_str(), page.param_ids[0], page.param_ids[1]),
            ("Main", 10, CLAP_INVALID_ID)
        );
        assert!(!render.has_hard_realtime_requirement.expect("set")(bench.plugin));
        assert!(
            render.set.expect("set")(bench.plugin, CLAP_RENDER_OFFLINE)
                && !render.set.expect("set")(bench.plugin, 9)
        );
    }
    assert_eq!(bench.script.take_calls(), ["mode 1"]);
}
