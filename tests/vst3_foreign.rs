//! A host that is not ours: the crate `vst3-host` loads our bundles, plays them, and hears a reload.
#![cfg(target_os = "linux")]

use std::time::Instant;

use hotshell_tests::{
    Event, Fixture, Module, PATIENCE, Setup, Signal, TestSlot, Vst3, Vst3Options, constant, sine,
};
use vst3_host::{AudioBuffers, Plugin, Vst3Host};

const RATE: f64 = 48_000.0;
const BLOCK: usize = 128;

fn open(path: &std::path::Path) -> Plugin {
    let host = Vst3Host::builder().sample_rate(RATE).block_size(BLOCK).build();
    let mut plugin = host.expect("a host").load_plugin(path).expect("it loads");
    plugin.start_processing().expect("it starts");
    plugin
}

/// The block number `index` of `signal` through the plug-in; what it answers in both channels.
fn block(plugin: &mut Plugin, signal: &Signal, index: u64) -> Vec<Vec<f32>> {
    let mut buffers = AudioBuffers::new(2, 2, BLOCK, RATE);
    for (channel, samples) in buffers.inputs.iter_mut().enumerate() {
        for (i, sample) in samples.iter_mut().enumerate() {
            *sample = signal(index * BLOCK as u64 + i as u64, channel);
        }
    }
    buffers.outputs.iter_mut().for_each(|samples| samples.fill(f32::NAN));
    plugin.process_audio(&mut buffers).expect("a block");
    buffers.outputs
}

#[test]
fn it_hears_what_the_scripted_host_hears() {
    let (gain, slot) = (Fixture::new("gain", &[]), TestSlot::new());
    for path in [gain.vst3_release(&slot.room().join("static")), gain.vst3_shell(&slot)] {
        let mut foreign = open(&path);
        let module = Module::load(&path).expect("loads");
        let mut scripted = Vst3::open(&module, 0, Vst3Options::default()).expect("opens");
        scripted.activate(Setup::default());
        let (id, input) = (scripted.param("Gain").id, sine());
        for index in 0..30 {
            let travel = if index == 10 { Some(0.5) } else { (index == 20).then_some(0.75) };
            let set = travel.map(|value| Event::Param { time: 0, id, value, cookie: 0 });
            if let Some(travel) = travel {
                foreign.set_parameter(id, travel).expect("a parameter");
            }
            let wanted = scripted.block_of(128, &input, set.as_slice());
            let got = block(&mut foreign, &input, index);
            assert!(got == wanted.channels, "block {index} of {}", path.display());
        }
    }
}

#[test]
fn it_reads_and_sets_parameters_and_restores_a_state() {
    let slot = TestSlot::new();
    let gain = Fixture::new("gain", &[]);
    for path in [gain.vst3_release(&slot.room().join("static")), gain.vst3_shell(&slot)] {
        let mut plugin = open(&path);
        let parameters = plugin.get_parameters().expect("a list");
        let names: Vec<_> = parameters.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["Gain", "Look-ahead limiter", "Bypass"]);
        let id = parameters[0].id;
        plugin.set_parameter(id, 0.75).expect("set");
        assert!(plugin.format_parameter(id, 0.75).expect("a text").contains("-6.0"));
        block(&mut plugin, &constant(0.5), 0);
        let saved = plugin.save_state().expect("saved");
        plugin.set_parameter(id, 0.25).expect("set");
        block(&mut plugin, &constant(0.5), 1);
        plugin.load_state(&saved).expect("loaded");
        assert!((plugin.get_parameter(id).expect("a value") - 0.75).abs() < 1e-9);
    }
}

#[test]
fn it_hears_a_reload() {
    let gainlike = |features: &[&str]| Fixture::new("fixture-gainlike", features);
    let slot = TestSlot::new();
    let mut plugin = open(&gainlike(&[]).vst3_shell(&slot));
    let loud = gainlike(&["loud"]).logic();
    assert!(block(&mut plugin, &constant(0.5), 0).iter().flatten().all(|s| (s - 0.5).abs() < 1e-6));
    let build = slot.publish(&loud);
    let begin = Instant::now();
    loop {
        let heard = block(&mut plugin, &constant(0.5), 1);
        let between = |sample: &f32| (0.5 - 1e-6..=1.0 + 1e-6).contains(sample);
        assert!(heard.iter().flatten().all(between), "every sample lies between the two builds");
        if heard.iter().flatten().all(|sample| (sample - 1.0).abs() < 1e-6) {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "not heard: {:#?}", slot.reports());
    }
    // The report is another thread's to write.
    let begin = Instant::now();
    while !slot.reports().iter().any(|report| report.heard == build) {
        assert!(begin.elapsed() < PATIENCE, "not reported: {:#?}", slot.reports());
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    }
    assert_eq!(slot.reports()[0].blocks_lost, 0);
}
