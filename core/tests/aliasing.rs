//! Whatever channels a host gives, in whatever precision: the logic hears its inputs, every output sample is written,
//! and nothing else is touched. Run it under Miri or with sanitizers, and it proves `rt/{block,buffers,bound}` sound.
#![allow(missing_docs, clippy::unwrap_used, unsafe_code, reason = "a test of raw host buffers")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers in tests")]

use std::sync::Arc;

use hotshell_core::host::NoHost;
use hotshell_core::instance::Table;
use hotshell_core::shell::{Audio, HostBlock, HostBus, HostChannel, Phase, Shell, StaticShell};
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

const FRAMES: usize = 24;
const SENTINEL: f64 = 99.0;

/// The host's memory: four channels of either precision, a guard frame at both ends.
struct Memory {
    single: Vec<Vec<f32>>,
    double: Vec<Vec<f64>>,
}

/// Which of the four channels, in which precision; `None` a null pointer.
type Given = Option<(usize, bool)>;

impl Memory {
    fn new() -> Self {
        let value = |channel: usize, i: usize| {
            if i == 0 || i == FRAMES + 1 { SENTINEL } else { (channel * 100 + i) as f64 }
        };
        let row = |channel: usize| (0..FRAMES + 2).map(move |i| value(channel, i));
        Self {
            single: (0..4).map(|channel| row(channel).map(|x| x as f32).collect()).collect(),
            double: (0..4).map(|channel| row(channel).collect()).collect(),
        }
    }

    fn read(&self, given: Given) -> Vec<f64> {
        match given {
            None => vec![0.0; FRAMES],
            Some((channel, true)) => self.double[channel][1..=FRAMES].to_vec(),
            Some((channel, false)) => {
                self.single[channel][1..=FRAMES].iter().map(|x| f64::from(*x)).collect()
            }
        }
    }

    fn pointer(&mut self, given: Given) -> HostChannel {
        match given {
            None => HostChannel::Null,
            Some((channel, true)) => HostChannel::F64(self.double[channel][1..].as_mut_ptr()),
            Some((channel, false)) => HostChannel::F32(self.single[channel][1..].as_mut_ptr()),
        }
    }

    fn guards_stand(&self) -> bool {
        self.single.iter().all(|row| row[0] == 99.0 && row[FRAMES + 1] == 99.0)
            && self.double.iter().all(|row| row[0] == SENTINEL && row[FRAMES + 1] == SENTINEL)
    }
}

fn config(max_frames: u32) -> AudioConfig {
    AudioConfig { sample_rate: 48_000.0, max_frames, layout: 0, mode: RenderMode::REALTIME, reserved: 0 }
}

/// One block over `inputs` and `outputs`; checks every output and the guards.
fn check(audio: &mut dyn Audio, inputs: &[Given], outputs: &[Given], what: &str) {
    let mut memory = Memory::new();
    let heard: Vec<Vec<f64>> = inputs.iter().map(|given| memory.read(*given)).collect();
    // One pointer per channel of memory, as a host has: the same channel twice is the same pointer.
    let all: Vec<(Given, HostChannel)> = (0..4)
        .flat_map(|channel| [Some((channel, false)), Some((channel, true))])
        .chain([None])
        .map(|given| (given, memory.pointer(given)))
        .collect();
    let wrap = |side: &[Given]| -> Vec<HostChannel> {
        side.iter().map(|given| all.iter().find(|(other, _)| other == given).unwrap().1).collect()
    };
    let (ins, outs) = (wrap(inputs), wrap(outputs));
    let input = [HostBus { channels: &ins, constant_mask: 0, inactive: false }];
    let mut output = [HostBus { channels: &outs, constant_mask: 0, inactive: false }];
    // SAFETY: every pointer leads to `FRAMES` samples of `memory`, which nobody else touches meanwhile.
    let mut block = unsafe { HostBlock::new(FRAMES as u32, &input, &mut output) };
    audio.process(&mut block, &(), &mut ());
    assert!(memory.guards_stand(), "{what}: written outside of the block");
    for (i, given) in outputs.iter().enumerate() {
        // Of two outputs in the same memory the later one wins.
        if given.is_none() || outputs[i + 1..].contains(given) {
            continue;
        }
        let silent = vec![0.0; FRAMES];
        let from = if i < 2 { heard.get(i).unwrap_or(&silent) } else { &silent };
        let wanted: Vec<f64> = from.iter().map(|x| x * 0.5).collect();
        let written = memory.read(*given);
        let same = written.iter().zip(&wanted).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs());
        assert!(same, "{what}: output {i} of {inputs:?} -> {outputs:?}: {written:?} instead of {wanted:?}");
    }
}

/// Every way to give at most three channels a side from a few, null among them.
fn ways(of: &[Given], most: usize) -> Vec<Vec<Given>> {
    let mut all = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..most {
        last = last
            .iter()
            .flat_map(|before: &Vec<Given>| of.iter().map(move |one| [before.as_slice(), &[*one]].concat()))
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
    let few = [None, Some((0, false)), Some((1, false)), Some((1, true))];
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
    all_ways::<false>(FRAMES as u32, false);
    all_ways::<true>(FRAMES as u32, false);
}

#[test]
fn blocks_longer_than_announced_are_divided() {
    all_ways::<false>(7, false);
    all_ways::<true>(7, false);
}

#[test]
#[cfg_attr(miri, ignore = "a quarter of a million samples per swap")]
fn a_swap_in_every_block_changes_nothing_of_that() {
    all_ways::<false>(FRAMES as u32, true);
    all_ways::<true>(7, true);
}

#[test]
fn an_inactive_bus_is_silence_and_a_missing_one_too() {
    let table = Table::linked(api::<Half<true>, f32>());
    let shell: StaticShell = StaticShell::open(table, 0, "rig", Box::new(NoHost)).unwrap();
    let mut audio = shell.activate(config(FRAMES as u32)).unwrap();
    let mut samples = vec![vec![1.0_f32; FRAMES]; 4];
    let pointers: Vec<HostChannel> =
        samples.iter_mut().map(|channel| HostChannel::F32(channel.as_mut_ptr())).collect();
    let input = [HostBus { channels: &pointers[..2], constant_mask: 0, inactive: true }];
    let mut output = [
        HostBus { channels: &pointers[2..3], constant_mask: u64::MAX, inactive: true },
        HostBus { channels: &pointers[3..], constant_mask: u64::MAX, inactive: false },
    ];
    // SAFETY: each pointer leads to `FRAMES` samples of a vector that nobody else touches.
    let mut block = unsafe { HostBlock::new(FRAMES as u32, &input, &mut output) };
    audio.process(&mut block, &(), &mut ());
    assert!(block.outputs().iter().all(|bus| bus.constant_mask == 0), "masks promise nothing untrue");
    let mut block = unsafe { HostBlock::new(FRAMES as u32, &[], &mut []) };
    audio.process(&mut block, &(), &mut ());
    assert_eq!(samples[2], vec![0.0; FRAMES]);
    assert_eq!(samples[3], vec![0.0; FRAMES]);
    assert_eq!(samples[0], vec![1.0; FRAMES], "inputs are read only");
    shell.deactivate(audio);
}

#[test]
fn what_is_finite_in_double_precision_stays_finite_in_single() {
    let mut samples = [0.0_f32; 4];
    let mut logic = hotshell_core::rt::buffers::Buffers::<f64>::new(
        &hotshell_core::rt::buffers::Shape { inputs: Vec::new(), outputs: vec![1] },
        4,
    );
    let pointer = [HostChannel::F32(samples.as_mut_ptr())];
    let mut output = [HostBus { channels: &pointer, constant_mask: 0, inactive: false }];
    // SAFETY: four samples that nobody else touches.
    let block = unsafe { HostBlock::new(4, &[], &mut output) };
    let mut bound = logic.bind(&block, 0, 4, false);
    bound.output(0).copy_from_slice(&[1e300, -1e300, 0.5, 1e-300]);
    bound.finish();
    assert_eq!(samples, [f32::MAX, f32::MIN, 0.5, 0.0]);
}
