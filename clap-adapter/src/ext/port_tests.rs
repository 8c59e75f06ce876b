//! What a host may rely on when it asks for ports and layouts.

#![allow(unsafe_code, reason = "DESIGN 9.9: the host's side of C, for tests of the raw extensions")]

use super::tests::{blank, text};
use crate::entry::bench::Bench;
use crate::ext::audio_ports::Difference;
use clack_extensions::audio_ports::AudioPortRescanFlags;
use clap_sys::ext::ambisonic::{CLAP_EXT_AMBISONIC, clap_ambisonic_config, clap_plugin_ambisonic};
use clap_sys::ext::audio_ports::{
    CLAP_EXT_AUDIO_PORTS, CLAP_PORT_STEREO, clap_audio_port_info, clap_plugin_audio_ports,
};
use clap_sys::ext::audio_ports_activation::{
    CLAP_EXT_AUDIO_PORTS_ACTIVATION, clap_plugin_audio_ports_activation,
};
use clap_sys::ext::audio_ports_config::{
    CLAP_EXT_AUDIO_PORTS_CONFIG, CLAP_EXT_AUDIO_PORTS_CONFIG_INFO, clap_audio_ports_config,
    clap_plugin_audio_ports_config, clap_plugin_audio_ports_config_info,
};
use clap_sys::ext::configurable_audio_ports::{
    CLAP_EXT_CONFIGURABLE_AUDIO_PORTS, clap_audio_port_configuration_request,
    clap_plugin_configurable_audio_ports,
};
use clap_sys::ext::surround::{CLAP_EXT_SURROUND, clap_plugin_surround};
use clap_sys::id::CLAP_INVALID_ID;
use hotshell_abi::BusDesc;
use hotshell_core::shell::{BusInfo, LayoutInfo};
use std::ffi::CStr;

fn port(bench: &Bench, index: u32, input: bool) -> Option<clap_audio_port_info> {
    let ports = bench.ext::<clap_plugin_audio_ports>(CLAP_EXT_AUDIO_PORTS).expect("offered");
    let mut info: clap_audio_port_info = blank();
    // SAFETY: the plug-in is alive, the info ours.
    unsafe { ports.get.expect("set")(bench.plugin, index, input, &raw mut info) }.then_some(info)
}

#[test]
fn the_main_ports_are_a_pair_and_the_side_chain_is_not() {
    let bench = Bench::hot();
    let (input, side, output) = (port(&bench, 0, true), port(&bench, 1, true), port(&bench, 0, false));
    let (input, side, output) = (input.expect("main"), side.expect("aux"), output.expect("main"));
    assert_eq!(
        (text(&input.name).as_str(), input.channel_count, input.in_place_pair),
        ("Main in", 2, output.id)
    );
    assert_eq!((output.in_place_pair, side.in_place_pair), (input.id, CLAP_INVALID_ID));
    // Main and 64 bit; 64 bit alone.
    assert_eq!((input.flags, side.flags), (3, 2));
    // SAFETY: a C string of the plug-in's.
    assert_eq!(unsafe { CStr::from_ptr(output.port_type) }, CLAP_PORT_STEREO);
    assert!(port(&bench, 2, true).is_none() && port(&bench, 1, false).is_none());
}

#[test]
fn a_selected_configuration_is_the_ports_at_once() {
    let bench = Bench::hot();
    let configs = bench.ext::<clap_plugin_audio_ports_config>(CLAP_EXT_AUDIO_PORTS_CONFIG).expect("offered");
    let info =
        bench.ext::<clap_plugin_audio_ports_config_info>(CLAP_EXT_AUDIO_PORTS_CONFIG_INFO).expect("offered");
    let mut config: clap_audio_ports_config = blank();
    // SAFETY: the plug-in is alive, the structure ours.
    unsafe {
        assert_eq!(configs.count.expect("set")(bench.plugin), 2);
        assert!(configs.get.expect("set")(bench.plugin, 1, &raw mut config));
        assert_eq!(
            (text(&config.name).as_str(), config.input_port_count, config.output_port_count),
            ("Mono", 2, 1)
        );
        assert_eq!((config.has_main_input, config.main_input_channel_count), (true, 1));
        let select = configs.select.expect("set");
        assert!(select(bench.plugin, config.id) && !select(bench.plugin, 7));
        assert_eq!(info.current_config.expect("set")(bench.plugin), config.id);
        assert_eq!(port(&bench, 0, true).expect("main").channel_count, 1);
        bench.activate();
        assert!(!select(bench.plugin, 0), "not while active");
    }
}

#[test]
fn can_apply_and_apply_agree_and_nothing_is_applied_in_part() {
    let bench = Bench::hot();
    let ports = bench
        .ext::<clap_plugin_configurable_audio_ports>(CLAP_EXT_CONFIGURABLE_AUDIO_PORTS)
        .expect("offered");
    let want = |is_input, port_index, channel_count, port_type: Option<&CStr>| {
        clap_audio_port_configuration_request {
            is_input,
            port_index,
            channel_count,
            port_type: port_type.map_or(std::ptr::null(), CStr::as_ptr),
            port_details: std::ptr::null(),
        }
    };
    let ask = |requests: &[clap_audio_port_configuration_request]| {
        let count = u32::try_from(requests.len()).expect("few");
        // SAFETY: the plug-in is alive, the requests ours.
        unsafe {
            let can = ports.can_apply_configuration.expect("set")(bench.plugin, requests.as_ptr(), count);
            let done = ports.apply_configuration.expect("set")(bench.plugin, requests.as_ptr(), count);
            assert_eq!(can, done);
            done
        }
    };
    assert!(ask(&[want(true, 0, 1, Some(c"mono")), want(false, 0, 1, None)]));
    assert_eq!(*bench.script.layout.lock(), 1);
    assert!(!ask(&[want(true, 0, 2, None), want(false, 0, 1, None)]), "no layout has both");
    assert!(!ask(&[want(true, 0, 2, Some(c"ambisonic"))]));
    assert!(!ask(&[want(true, 9, 2, None)]));
    assert_eq!(*bench.script.layout.lock(), 1, "refusals change nothing");
    assert!(ask(&[want(false, 0, 2, Some(c"stereo"))]));
    assert_eq!(*bench.script.layout.lock(), 0);
    assert!(ask(&[]), "nothing asked is fulfilled");
    // SAFETY: null and 0 is a host's way to ask for nothing.
    assert!(unsafe { ports.apply_configuration.expect("set")(bench.plugin, std::ptr::null(), 0) });
    bench.activate();
    assert!(!ask(&[want(false, 0, 2, None)]), "not while active");
}

#[test]
fn ports_are_switched_on_either_thread_and_unknown_ones_refused() {
    let bench = Bench::hot();
    let ports =
        bench.ext::<clap_plugin_audio_ports_activation>(CLAP_EXT_AUDIO_PORTS_ACTIVATION).expect("offered");
    let set = ports.set_active.expect("set");
    // SAFETY: the plug-in is alive.
    unsafe {
        assert!(ports.can_activate_while_processing.expect("set")(bench.plugin));
        assert!(set(bench.plugin, true, 1, false, 32));
        assert!(!set(bench.plugin, true, 2, false, 32) && !set(bench.plugin, false, 1, false, 0));
        bench.activate();
        assert!(set(bench.plugin, true, 0, true, 64));
        assert!(!set(bench.plugin, true, 2, true, 64));
    }
}

fn bus(channels: u32, kind: u32, speakers: u32) -> BusInfo {
    BusInfo { name: "Wide".to_owned(), channels, main: true, kind, speakers }
}

/// 5.1: front, centre, bass, sides.
const FIVE_ONE: u32 = 0b110_0000_1111;

#[test]
fn surround_and_ambisonic_ports_say_what_their_channels_mean() {
    let bench = Bench::with(true, |_, script| {
        let layout = &mut script.layouts.lock()[0];
        layout.inputs = vec![bus(6, BusDesc::SURROUND, FIVE_ONE)];
        layout.outputs = vec![bus(4, BusDesc::AMBISONIC, 0)];
    });
    let surround = bench.ext::<clap_plugin_surround>(CLAP_EXT_SURROUND).expect("offered");
    let ambisonic = bench.ext::<clap_plugin_ambisonic>(CLAP_EXT_AMBISONIC).expect("offered");
    let (mut map, mut config): ([u8; 6], clap_ambisonic_config) =
        (blank(), clap_ambisonic_config { ordering: 9, normalization: 9 });
    // SAFETY: the plug-in is alive; memory is ours or null.
    unsafe {
        let get = surround.get_channel_map.expect("set");
        assert_eq!(get(bench.plugin, true, 0, map.as_mut_ptr(), 6), 6);
        assert_eq!(map, [0, 1, 2, 3, 9, 10]);
        assert_eq!(get(bench.plugin, true, 0, map.as_mut_ptr(), 2), 2, "no more than fits");
        assert_eq!(get(bench.plugin, true, 0, std::ptr::null_mut(), 6), 0);
        assert_eq!(get(bench.plugin, false, 0, map.as_mut_ptr(), 6), 0, "not surround");
        let supported = surround.is_channel_mask_supported.expect("set");
        assert!(supported(bench.plugin, u64::from(FIVE_ONE)) && !supported(bench.plugin, 7));
        let get = ambisonic.get_config.expect("set");
        assert!(
            !get(bench.plugin, true, 0, &raw mut config)
                && !get(bench.plugin, false, 0, std::ptr::null_mut())
        );
        let supported = ambisonic.is_config_supported.expect("set");
        assert!(!supported(bench.plugin, &raw const config) && !supported(bench.plugin, std::ptr::null()));
        assert!(get(bench.plugin, false, 0, &raw mut config) && supported(bench.plugin, &raw const config));
        let types =
            [port(&bench, 0, true), port(&bench, 0, false)].map(|port| port.expect("there").port_type);
        assert_eq!(types.map(|name| CStr::from_ptr(name)), [c"surround", c"ambisonic"]);
    }
}

#[test]
fn a_surround_request_is_fulfilled_only_with_the_same_map() {
    let bench = Bench::with(true, |_, script| {
        script.layouts.lock()[1].outputs = vec![bus(6, BusDesc::SURROUND, FIVE_ONE)];
    });
    let ports = bench
        .ext::<clap_plugin_configurable_audio_ports>(CLAP_EXT_CONFIGURABLE_AUDIO_PORTS)
        .expect("offered");
    let ask = |map: [u8; 6]| {
        let request = clap_audio_port_configuration_request {
            is_input: false,
            port_index: 0,
            channel_count: 6,
            port_type: c"surround".as_ptr(),
            port_details: map.as_ptr().cast(),
        };
        // SAFETY: the plug-in is alive, the request ours.
        unsafe { ports.apply_configuration.expect("set")(bench.plugin, &raw const request, 1) }
    };
    assert!(!ask([0, 2, 1, 9, 10, 3]));
    assert_eq!(*bench.script.layout.lock(), 0);
    assert!(ask([0, 1, 2, 3, 9, 10]));
    assert_eq!(*bench.script.layout.lock(), 1);
}

#[test]
fn the_host_reads_again_what_differs_and_nothing_else() {
    let with =
        |output: BusInfo| LayoutInfo { name: String::new(), inputs: Vec::new(), outputs: vec![output] };
    let told = |old: BusInfo, new: BusInfo| {
        let difference = Difference::between(&with(old), &with(new));
        (difference.flags, difference.surround, difference.ambisonic)
    };
    let stereo = || bus(2, BusDesc::STEREO, 0);
    let none = AudioPortRescanFlags::empty();
    assert_eq!(told(stereo(), BusInfo { name: "Other".to_owned(), ..stereo() }), (none, false, false));
    let both = AudioPortRescanFlags::CHANNEL_COUNT | AudioPortRescanFlags::PORT_TYPE;
    assert_eq!(told(stereo(), bus(1, BusDesc::MONO, 0)), (both, false, false));
    assert_eq!(told(stereo(), BusInfo { main: false, ..stereo() }).0, AudioPortRescanFlags::FLAGS);
    let surround = |speakers| bus(2, BusDesc::SURROUND, speakers);
    assert_eq!(told(surround(3), surround(5)), (none, true, false));
    assert_eq!(told(stereo(), bus(4, BusDesc::AMBISONIC, 0)), (both, false, true));
}
