//! What a host may rely on before and around an instance's life.

#![allow(unsafe_code, reason = "DESIGN 9.9: the host's side of C, for tests of the entry")]

use std::ffi::CStr;

use clap_sys::ext::log::{CLAP_LOG_ERROR, CLAP_LOG_WARNING};
use hotshell_core::host::Level;
use hotshell_core::shell::{Changes, Phase};

use super::bench::{Bench, factory, fresh_entry, state};
use hotshell_fake_shell::Script;

fn create(entry: &super::RawEntry, host: &Bench, id: &CStr) -> bool {
    let factory = factory(entry);
    // SAFETY: all pointers are alive.
    let plugin =
        unsafe { (*factory).create_plugin.expect("set")(factory, &raw const *host.host, id.as_ptr()) };
    if !plugin.is_null() {
        // SAFETY: made a line above.
        unsafe { (*plugin).destroy.expect("set")(plugin) };
    }
    !plugin.is_null()
}

#[test]
fn init_and_deinit_are_counted_and_one_deinit_too_many_changes_nothing() {
    let entry = fresh_entry(&Script::new(), false);
    let (init, deinit) = (entry.init.expect("set"), entry.deinit.expect("set"));
    // SAFETY: a C string; the path is not kept.
    unsafe {
        assert!(init(c"/a.clap".as_ptr()) && init(std::ptr::null()));
        assert_eq!(state().users(), 2);
        deinit();
        deinit();
        deinit();
    }
    assert_eq!(state().users(), 0);
}

#[test]
fn an_unknown_factory_id_is_null() {
    let entry = fresh_entry(&Script::new(), false);
    let get = entry.get_factory.expect("set");
    // SAFETY: C strings, or null.
    unsafe {
        assert!(!get(c"clap.plugin-factory".as_ptr()).is_null());
        assert!(get(c"clap.plugin-factory/2".as_ptr()).is_null());
        assert!(get(c"clap.plugin-factor".as_ptr()).is_null());
        assert!(get(c"".as_ptr()).is_null());
        assert!(get(std::ptr::null()).is_null());
    }
}

#[test]
fn a_scan_opens_nothing_and_lists_every_plugin_with_its_features_once() {
    let script = Script::new();
    let factory = factory(&fresh_entry(&script, true));
    // SAFETY: the factory is alive.
    unsafe {
        assert_eq!((*factory).get_plugin_count.expect("set")(factory), 2);
        let describe = (*factory).get_plugin_descriptor.expect("set");
        let first = &*describe(factory, 0);
        assert_eq!(CStr::from_ptr(first.id), c"org.hotshell.fake");
        assert_eq!(CStr::from_ptr(*first.features), c"audio-effect");
        assert_eq!(CStr::from_ptr(*first.features.add(1)), c"stereo");
        assert!((*first.features.add(2)).is_null());
        assert_eq!(CStr::from_ptr((*describe(factory, 1)).id), c"org.hotshell.fake.second");
        assert!(describe(factory, 2).is_null());
    }
    assert!(script.take_calls().is_empty());
}

#[test]
fn plugin_ids_are_compared_to_their_end_and_nulls_make_nothing() {
    let bench = Bench::hot();
    let entry = fresh_entry(&Script::new(), false);
    assert!(create(&entry, &bench, c"org.hotshell.fake"));
    assert!(create(&entry, &bench, c"org.hotshell.fake.second"));
    assert!(!create(&entry, &bench, c"org.hotshell.fakex1"));
    assert!(!create(&entry, &bench, c"org.hotshell"));
    let factory = factory(&entry);
    // SAFETY: the factory is alive.
    unsafe {
        let create = (*factory).create_plugin.expect("set");
        assert!(create(factory, std::ptr::null(), c"org.hotshell.fake".as_ptr()).is_null());
        assert!(create(factory, &raw const *bench.host, std::ptr::null()).is_null());
    }
}

#[test]
fn the_descriptor_of_an_instance_is_the_factorys_before_init() {
    let bench_host = Bench::hot();
    let entry = fresh_entry(&Script::new(), false);
    let factory = factory(&entry);
    // SAFETY: all pointers are alive; what is made is destroyed.
    unsafe {
        let id = c"org.hotshell.fake.second";
        let plugin =
            (*factory).create_plugin.expect("set")(factory, &raw const *bench_host.host, id.as_ptr());
        assert_eq!((*plugin).desc, (*factory).get_plugin_descriptor.expect("set")(factory, 1));
        (*plugin).destroy.expect("set")(plugin);
    }
}

#[test]
fn the_shell_is_opened_in_init_with_the_hosts_name_and_disconnected_in_destroy() {
    let bench = Bench::hot();
    assert_eq!(bench.script.take_calls(), ["open 0 clap for \"Bench 7\""]);
    bench.activate();
    let script = bench.script.clone();
    drop(bench);
    let calls = script.take_calls();
    assert_eq!(
        calls,
        ["activate 48000 64", "take Activating", "deactivate", "take Deactivated", "disconnect"]
    );
}

#[test]
fn after_destroy_the_host_is_never_called_whatever_the_shell_does() {
    let bench = Bench::hot();
    // SAFETY: destroyed once; `Drop` is told.
    unsafe { (*bench.plugin).destroy.expect("set")(bench.plugin) };
    let mut bench = bench;
    bench.plugin = std::ptr::null();
    bench.host_calls();
    bench.script.with_host(|host| {
        host.request_restart();
        host.request_process();
        host.request_callback();
        host.log(Level::Error, "too late");
    });
    assert!(bench.host_calls().is_empty());
}

#[test]
fn every_message_reaches_the_hosts_log_with_its_level_and_without_nul_bytes() {
    let bench = Bench::hot();
    bench.script.with_host(|host| host.log(Level::Warning, "a\0b"));
    bench.script.with_host(|host| host.log(Level::Error, "c"));
    let expected = [format!("log {CLAP_LOG_WARNING} a b"), format!("log {CLAP_LOG_ERROR} c")];
    assert_eq!(bench.host_calls(), expected);
}

#[test]
fn what_the_shell_requests_reaches_the_host() {
    let bench = Bench::hot();
    bench.script.with_host(|host| {
        host.request_process();
        host.request_callback();
        host.request_restart();
    });
    assert_eq!(bench.host_calls(), ["request_process", "request_callback", "request_restart"]);
}

#[test]
fn latency_changed_comes_only_inside_activate() {
    let bench = Bench::hot();
    bench.script.change(Phase::Activating, Changes::LATENCY);
    bench.script.change(Phase::AnyTime, Changes::LATENCY);
    bench.on_main_thread();
    assert!(bench.host_calls().is_empty());
    bench.activate();
    assert_eq!(bench.host_calls(), ["latency.changed"]);
    bench.on_main_thread();
    assert!(bench.host_calls().is_empty());
    bench.deactivate();
    bench.activate();
    assert!(bench.host_calls().is_empty(), "the latency is the same");
}

#[test]
fn lists_are_rescanned_inside_deactivate() {
    let bench = Bench::hot();
    bench.activate();
    let lists = Changes::PARAMS | Changes::PORTS | Changes::NOTE_PORTS;
    bench.script.change(Phase::Deactivated, lists | Changes::VALUES);
    bench.script.layouts.lock()[0].outputs.pop();
    bench.deactivate();
    // ALL alone; the pair is gone and the list is shorter: 1 << 4 and 1 << 5.
    assert_eq!(bench.host_calls(), ["params.rescan 8", "audio_ports.rescan 48"]);
}

#[test]
fn no_flag_that_needs_deactivation_is_used_while_active() {
    let bench = Bench::hot();
    bench.activate();
    let all = Changes::all().difference(Changes::TAIL);
    bench.script.change(Phase::AnyTime, all);
    bench.on_main_thread();
    let told = bench.host_calls();
    // VALUES, INFO and TEXT; NAMES; no latency.
    assert_eq!(
        told,
        ["params.rescan 7", "audio_ports.rescan 1", "remote_controls.changed", "state.mark_dirty"]
    );
}

#[test]
fn audio_ports_are_not_rescanned_when_the_host_says_it_cannot() {
    let bench = Bench::with(true, |host, _| *host.rescan.lock() = 0);
    bench.script.change(Phase::AnyTime, Changes::PORTS | Changes::PORT_NAMES);
    bench.on_main_thread();
    assert_eq!(*bench.script.held.lock(), Changes::PORTS, "the shell knows that it may not announce others");
    assert!(bench.host_calls().is_empty());
}

#[test]
fn while_inactive_lists_change_in_any_main_thread_call() {
    let bench = Bench::hot();
    bench.script.change(Phase::AnyTime, Changes::PARAMS);
    bench.on_main_thread();
    assert_eq!(bench.host_calls(), ["params.rescan 8"]);
}

#[test]
fn the_host_is_told_on_its_main_thread_or_asked_for_a_call() {
    let bench = Bench::hot();
    bench.script.change(Phase::AnyTime, Changes::VALUES);
    *bench.data.off_main.lock() = true;
    bench.on_main_thread();
    let calls = bench.host_calls();
    assert_eq!(calls.last().map(String::as_str), Some("request_callback"));
    assert!(calls[0].starts_with("log 5 on_main_thread"), "the host broke a rule, said once: {calls:?}");
    *bench.data.off_main.lock() = false;
    bench.on_main_thread();
    assert_eq!(bench.host_calls(), ["params.rescan 1"]);
}

#[test]
fn a_host_without_extensions_is_no_trouble() {
    let bench = Bench::with(true, |host, _| {
        *host.lacks.lock() = super::bench::all_extensions();
    });
    bench.script.change(Phase::Activating, Changes::all());
    bench.script.change(Phase::Deactivated, Changes::all());
    bench.on_main_thread();
    bench.activate();
    bench.script.with_host(|host| host.log(Level::Info, "nobody hears"));
    bench.deactivate();
    assert!(bench.host_calls().is_empty());
}

#[test]
fn an_impossible_configuration_is_refused_and_the_plugin_stays_inactive() {
    let bench = Bench::hot();
    for (rate, frames) in [(0.0, 64), (f64::NAN, 64), (f64::INFINITY, 64), (-1.0, 64), (48_000.0, 0)] {
        assert!(!bench.activate_at(rate, frames), "{rate} {frames}");
    }
    assert!(bench.activate_at(1_234.567_8, 1));
    assert!(!bench.activate_at(48_000.0, 64), "already active");
}

#[test]
fn reset_clears_on_the_audio_half() {
    let bench = Bench::hot();
    bench.activate().script.take_calls();
    // SAFETY: the plug-in is alive.
    unsafe { (*bench.plugin).reset.expect("set")(bench.plugin) };
    assert_eq!(bench.script.take_calls(), ["clear"]);
}

/// clap-validator looks for our own audio-ports when it is asked about them, and inside `init` there are none yet.
#[test]
fn the_host_is_asked_about_its_audio_ports_after_init_only() {
    let bench = Bench::hot();
    assert!(bench.host_calls().is_empty(), "nothing inside init");
    bench.on_main_thread();
    assert!(bench.script.held.lock().is_empty(), "this host allows every rescan");
}
