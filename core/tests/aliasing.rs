//! Whatever channels a host gives, in whatever precision: the logic hears its inputs, every output sample is written,
//! and nothing else is touched. Run it under Miri or with sanitizers, and it proves `rt/{block,buffers,bound}` sound.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers in tests")]

use std::sync::Arc;

use hotshell_core::host::NoHost;
use hotshell_core::instance::Table;
use hotshell_core::rt::buffers::{Buffers, Shape};
use hotshell_core::rt::patchbay::{Jack, Patchbay};
use hotshell_core::shell::{Audio, Phase, Shell, StaticShell};
use hotshell_derive::Params;
use hotshell_logic::export::api;
use hotshell_logic::{
    AudioBuffer, AudioConfig, CreateContext, EventList, PluginInfo, PluginLogic, ProcessContext,
    ProcessStatus, RenderMode,
};

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct NoParams {}

/// Half of what goes in; `APART`: the logic wants inputs and outputs side by side, and writes each output before it has
/// read the other input.
struct Half<const APART: bool>;

impl<const APART: bool> PluginLogic for Half<APART> {
    type Params = NoParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.half", "Half");

    fn create(_: Arc<NoParams>, _: &CreateContext<'_>) -> Self {
        Self
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        if APART {
            let (input, mut output) = buffer.io();
            for i in 0..output.len() {
                let from = input.get(i).unwrap();
                for (to, from) in output.get(i).unwrap().iter_mut().zip(from) {
                    *to = from * 0.5;
                }
            }
        } else {
            for channel in buffer.in_place().iter_mut() {
                channel.iter_mut().for_each(|sample| *sample *= 0.5);
            }
        }
        ProcessStatus::Active
    }
}

/// Half of what has ever gone in: one value that is not finite would be in it for good.
struct Sum([f32; 2]);

impl PluginLogic for Sum {
    type Params = NoParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.sum", "Sum");

    fn create(_: Arc<NoParams>, _: &CreateContext<'_>) -> Self {
        Self([0.0; 2])
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        for (channel, sum) in buffer.in_place().iter_mut().zip(&mut self.0) {
            for sample in channel {
                *sum += *sample * 0.5;
                *sample = *sum;
            }
        }
        ProcessStatus::Active
    }
}

const FRAMES: u32 = 24;

fn config(max_frames: u32) -> AudioConfig {
    AudioConfig { sample_rate: 48_000.0, max_frames, layout: 0, mode: RenderMode::REALTIME, reserved: 0 }
}

/// One block over `inputs` and `outputs`; checks every output and the guards.
fn check(audio: &mut dyn Audio, inputs: &[Jack], outputs: &[Jack], what: &str) {
    let mut memory = Patchbay::new(4, FRAMES);
    (0..4).for_each(|channel| memory.fill(channel, |i| (channel * 100 + i + 1) as f64));
    let heard: Vec<Vec<f64>> = inputs.iter().map(|jack| memory.read(*jack)).collect();
    memory.with(&[(inputs, false)], &[(outputs, false)], |block| {
        // Else a fade in which both play is one of a machine that has the time for it.
        block.mode = RenderMode::OFFLINE;
        audio.process(block, &(), &mut ());
    });
    assert!(memory.guards_stand(), "{what}: written outside of the block");
    for (i, jack) in outputs.iter().enumerate() {
        // Of two outputs in the same memory the later one wins.
        if *jack == Jack::Null || outputs[i + 1..].contains(jack) {
            continue;
        }
        let silent = vec![0.0; FRAMES as usize];
        let from = if i < 2 { heard.get(i).unwrap_or(&silent) } else { &silent };
        let written = memory.read(*jack);
        let same = written.iter().zip(from).all(|(a, b)| (a - b * 0.5).abs() <= 1e-6 * b.abs());
        assert!(same, "{what}: output {i} of {inputs:?} -> {outputs:?}: {written:?} of {from:?}");
    }
}

/// Every way to give at most three channels a side from a few, null among them.
fn ways(of: &[Jack], most: usize) -> Vec<Vec<Jack>> {
    let mut all = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..most {
        last = last
            .iter()
            .flat_map(|before: &Vec<Jack>| of.iter().map(move |one| [before.as_slice(), &[*one]].concat()))
            .collect();
        all.extend(last.iter().cloned());
    }
    all
}

fn all_ways<const APART: bool>(max_frames: u32, swapping: bool) {
    let table = Table::linked(api::<Half<APART>, f32>());
    let shell: StaticShell = StaticShell::open(table, 0, "rig", Box::new(NoHost)).unwrap();
    let mut audio = shell.activate(config(max_frames)).unwrap();
    shell.take_changes(Phase::Activating);
    let few = [Jack::Null, Jack::Single(0), Jack::Single(1), Jack::Double(1)];
    let most = if cfg!(miri) { 2 } else { 3 };
    for inputs in ways(&few, most) {
        for outputs in ways(&few, most) {
            if swapping {
                shell.swap(table, 1).unwrap();
            }
            let what = format!("apart {APART}, chunks of {max_frames}, swapping {swapping}");
            check(audio.as_mut(), &inputs, &outputs, &what);
            if swapping {
                shell.take_changes(Phase::AnyTime);
            }
        }
    }
    shell.deactivate(audio);
}

#[test]
fn inputs_are_heard_and_outputs_written_however_they_share_memory() {
    all_ways::<false>(FRAMES, false);
    all_ways::<true>(FRAMES, false);
}

#[test]
fn blocks_longer_than_announced_are_divided() {
    all_ways::<false>(7, false);
    all_ways::<true>(7, false);
}

#[test]
#[cfg_attr(miri, ignore = "a quarter of a million samples per swap")]
fn a_swap_in_every_block_changes_nothing_of_that() {
    all_ways::<false>(FRAMES, true);
    all_ways::<true>(7, true);
}

#[test]
fn an_inactive_bus_is_silence_and_a_missing_one_too() {
    let table = Table::linked(api::<Half<true>, f32>());
    let shell: StaticShell = StaticShell::open(table, 0, "rig", Box::new(NoHost)).unwrap();
    let mut audio = shell.activate(config(FRAMES)).unwrap();
    let mut memory = Patchbay::new(4, FRAMES);
    (0..4).for_each(|channel| memory.fill(channel, |_| 1.0));
    let input = (&[Jack::Single(0), Jack::Single(1)][..], true);
    let outputs = [(&[Jack::Single(2)][..], true), (&[Jack::Single(3)][..], false)];
    memory.with(&[input], &outputs, |block| {
        audio.process(block, &(), &mut ());
        assert!(block.outputs().iter().all(|bus| bus.constant_mask == 0), "masks promise nothing untrue");
    });
    memory.with(&[], &[], |block| audio.process(block, &(), &mut ()));
    let holds = |channel: usize, value: f64| memory.read(Jack::Single(channel)).iter().all(|x| *x == value);
    assert!(holds(2, 0.0) && holds(3, 0.0));
    assert!(holds(0, 1.0), "inputs are read only");
    shell.deactivate(audio);
}

#[test]
fn what_is_not_finite_in_the_hosts_inputs_is_silence_to_the_logic_and_stays_the_hosts() {
    let shares = [Jack::Single(0), Jack::Single(1)];
    let apart = [Jack::Single(2), Jack::Single(3)];
    let converted = [Jack::Double(2), Jack::Double(3)];
    for outputs in [shares, apart, converted] {
        let table = Table::linked(api::<Sum, f32>());
        let shell: StaticShell = StaticShell::open(table, 0, "rig", Box::new(NoHost)).unwrap();
        let mut audio = shell.activate(config(FRAMES)).unwrap();
        let mut memory = Patchbay::new(4, FRAMES);
        let bad = |i| [f64::NAN, 1.0, f64::INFINITY, 1.0][i % 4];
        (0..2).for_each(|channel| memory.fill(channel, bad));
        for block in 0..2 {
            if outputs == shares {
                (0..2).for_each(|channel| memory.fill(channel, bad));
            }
            memory
                .with(&[(&shares, false)], &[(&outputs, false)], |block| audio.process(block, &(), &mut ()));
            let last = memory.read(outputs[1]).last().copied().unwrap();
            // Every other sample counts, half.
            let sum = f64::from((block + 1) * FRAMES) / 4.0;
            assert!((last - sum).abs() < 1e-3, "{outputs:?}, block {block}: {last}, not {sum}");
        }
        let kept = memory.read(shares[0]);
        assert!(
            outputs == shares || kept[0].is_nan() && kept[2].is_infinite(),
            "inputs are read only: {kept:?}"
        );
        shell.deactivate(audio);
    }
}

#[test]
fn what_is_finite_in_double_precision_stays_finite_in_single() {
    let shape = Shape { inputs: Vec::new(), outputs: vec![1] };
    let mut logic = Buffers::<f64>::new(&shape, 4);
    let mut memory = Patchbay::new(1, 4);
    memory.with(&[], &[(&[Jack::Single(0)], false)], |block| {
        let mut bound = logic.bind(block, 0, 4, false);
        bound.output(0).copy_from_slice(&[1e300, -1e300, 0.5, 1e-300]);
        bound.finish();
    });
    let most = f64::from(f32::MAX);
    assert_eq!(memory.read(Jack::Single(0)), [most, -most, 0.5, 0.0]);
}
