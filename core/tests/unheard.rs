//! What a logic leaves undone, says while nobody hears it, or breaks beside the audio: outputs it never writes, meters of
//! an instance on its way in or out, panics in texts and in `Drop`.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

#[path = "common/rig.rs"]
mod rig;

use std::sync::Arc;

use hotshell_core::rt::patchbay::{Jack, Patchbay};
use hotshell_core::shell::{Phase, Shell};
use hotshell_derive::Params;
use hotshell_logic::params::{FloatParam, Meter, ParamText};
use hotshell_logic::{
    AudioBuffer, AudioConfig, CreateContext, EventList, PluginInfo, PluginLogic, ProcessContext,
    ProcessStatus, RenderMode,
};
use rig::{BLOCK, Rig, host_id, open};

struct Planted;

impl ParamText for Planted {
    fn format(_: f64, _: &mut dyn std::fmt::Write) -> std::fmt::Result {
        panic!("planted in a text");
    }
    fn parse(_: &str) -> Option<f64> {
        panic!("planted in a parse");
    }
}

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct ShownParams {
    #[param(id = "value", range = linear(0.0..=1.0), default = 0.5, text = Planted)]
    #[expect(dead_code, reason = "its text is what is asked for")]
    value: FloatParam,
    #[meter(id = "level")]
    level: Meter<1>,
}

/// Shows N on its meter, nothing for 0. `HOW`: what it does with its output: 0 nothing, 1 half of it, else all.
struct Shown<const N: u32, const HOW: u32> {
    params: Arc<ShownParams>,
}

impl<const N: u32, const HOW: u32> Drop for Shown<N, HOW> {
    fn drop(&mut self) {
        assert!(N != 99, "planted in a drop");
    }
}

impl<const N: u32, const HOW: u32> PluginLogic for Shown<N, HOW> {
    type Params = ShownParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.shown", "Shown");

    fn create(params: Arc<ShownParams>, _: &CreateContext<'_>) -> Self {
        Self { params }
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        if N > 0 {
            self.params.level.set(0, f32::from(u8::try_from(N).unwrap()));
        }
        let half = buffer.frames() / 2;
        match HOW {
            0 => {}
            1 => buffer.output().iter_mut().for_each(|channel| channel[..half].fill(0.25)),
            _ => buffer.output().iter_mut().for_each(|channel| channel.fill(0.5)),
        }
        ProcessStatus::Active
    }
}

/// One block over memory that holds 0.75 in every output and 0.125 in every input.
fn one_block<const HOW: u32>(in_place: bool) -> Vec<f64> {
    let (shell, _) = open::<Shown<1, HOW>>();
    let mode = RenderMode::REALTIME;
    let config = AudioConfig { sample_rate: 48_000.0, max_frames: BLOCK, layout: 0, mode, reserved: 0 };
    let mut audio = shell.activate(config).unwrap();
    let mut memory = Patchbay::new(4, BLOCK);
    let jacks = [0, 1, 2, 3].map(Jack::Single);
    (0..4).for_each(|i| memory.fill(i, |_| if i < 2 { 0.125 } else { 0.75 }));
    let inputs = [(&jacks[..2], false)];
    let outputs = [(if in_place { &jacks[..2] } else { &jacks[2..] }, false)];
    memory.with(&inputs, &outputs, |block| audio.process(block, &(), &mut ()));
    let heard = memory.read(outputs[0].0[1]);
    shell.deactivate(audio);
    heard
}

#[test]
fn outputs_that_a_logic_never_writes_are_silent_and_not_what_the_host_left_there() {
    assert!(one_block::<0>(false).iter().all(|sample| *sample == 0.0));
    let half = one_block::<1>(false);
    let (written, rest) = half.split_at(BLOCK as usize / 2);
    assert!(
        written.iter().all(|sample| *sample == 0.25) && rest.iter().all(|sample| *sample == 0.0),
        "{half:?}"
    );
    assert!(one_block::<2>(false).iter().all(|sample| *sample == 0.5));
    // One buffer for both: what is not written is the input.
    assert!(one_block::<0>(true).iter().all(|sample| *sample == 0.125));
}

fn level(rig: &Rig) -> f32 {
    rig.shell.control().store().meter("level").unwrap()[0].get()
}

#[test]
fn a_meter_shows_the_one_that_is_heard_or_comes_and_never_the_one_that_goes() {
    let mut rig = Rig::new::<Shown<1, 2>>();
    rig.run(2);
    assert_eq!(level(&rig), 1.0);
    rig.swap::<Shown<2, 2>>(1);
    assert_eq!(level(&rig), 1.0, "the silent trial shows nothing");
    rig.run(20);
    assert_eq!(level(&rig), 2.0);
    // The next one shows nothing, so whatever stands there was shown by the one that goes.
    rig.swap::<Shown<0, 2>>(2);
    rig.shell.control().store().meter("level").unwrap()[0].set(0.0);
    for _ in 0..20 {
        rig.block();
        assert_eq!(level(&rig), 0.0);
    }
}

// One test: all panics of a process leave their message in one place.
#[test]
fn panics_beside_the_audio_are_told_once_and_the_sound_goes_on() {
    let mut rig = Rig::new::<Shown<1, 2>>();
    rig.run(2);
    let id = host_id("value");
    for _ in 0..5 {
        assert_eq!(rig.shell.param_text(id, 0.5), None);
        assert_eq!(rig.shell.param_parse(id, "0.5"), None);
        rig.run(1);
    }
    let lines = rig.notes.lines.lock().unwrap().clone();
    let told: Vec<_> = lines.iter().filter(|line| line.contains("planted in a text")).collect();
    assert_eq!(told.len(), 1, "{lines:?}");
    assert!(told[0].contains("the sound goes on"), "{told:?}");
    assert!(rig.heard.iter().all(|sample| *sample == 0.5));
    assert_eq!(rig.lost(), 0);
    a_panic_in_a_drop_is_told();
}

fn a_panic_in_a_drop_is_told() {
    let mut rig = Rig::new::<Shown<99, 2>>();
    rig.run(2);
    rig.swap::<Shown<1, 2>>(1);
    for _ in 0..40 {
        rig.run(1);
        rig.shell.take_changes(Phase::AnyTime);
    }
    assert_eq!(rig.notes.count("planted in a drop"), 1, "{:?}", rig.notes.lines.lock().unwrap());
    std::mem::forget(rig);
}
