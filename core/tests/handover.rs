//! The order of calls around a swap, and what the two instances may say while both run.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers")]
#![allow(clippy::cast_sign_loss, clippy::cast_possible_wrap, reason = "small numbers")]

#[path = "common/rig.rs"]
mod rig;

use std::sync::{Arc, Mutex};

use hotshell_abi::EventKind;
use hotshell_core::shell::Shell;
use hotshell_derive::Params;
use hotshell_logic::params::FloatParam;
use hotshell_logic::{
    AudioBuffer, AudioConfig, BusLayout, CreateContext, Event, EventList, NotePorts, NoteRef, PluginInfo,
    PluginLogic, ProcessContext, ProcessStatus, Replay, SnapshotReader, SnapshotWriter,
};
use rig::{BLOCK, FADE, Rig, host_id};

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct SayParams {
    #[param(id = "said", range = linear(0.0..=100.0), default = 0.0)]
    said: FloatParam,
}

static CALLS: [Mutex<Vec<String>>; 8] = [const { Mutex::new(Vec::new()) }; 8];

fn calls(of: usize) -> Vec<String> {
    std::mem::take(&mut CALLS[of].lock().unwrap())
}

/// Moves its parameter to N in each block and starts a note N, writing down what is called.
struct Sayer<const N: usize> {
    params: Arc<SayParams>,
    playing: bool,
}

impl<const N: usize> Sayer<N> {
    fn called(what: impl Into<String>) {
        CALLS[N].lock().unwrap().push(what.into());
    }
}

impl<const N: usize> PluginLogic for Sayer<N> {
    type Params = SayParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.sayer", "Sayer");
    const BUSES: &'static [BusLayout] = BusLayout::STEREO_OUT;
    const NOTES: NotePorts =
        NotePorts { inputs: 1, outputs: 1, dialects: NotePorts::CLAP, ..NotePorts::NONE };

    fn create(params: Arc<SayParams>, _: &CreateContext<'_>) -> Self {
        Self::called("create");
        Self { params, playing: false }
    }

    fn reset(&mut self, _: &AudioConfig) {
        Self::called("reset");
    }

    fn clear(&mut self) {
        Self::called("clear");
        self.playing = false;
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        Self::called(format!("process {:?}", cx.first_block()));
        buffer.output().iter_mut().for_each(|channel| channel.fill(0.0));
        let _ = cx.set_param(0, &self.params.said, N as f64);
        if !self.playing {
            self.playing = true;
            let note = NoteRef::key(N as i16);
            let _ = cx.send(Event::NoteOn { time: 0, note, velocity: 1.0, replay: None });
        }
        ProcessStatus::Active
    }

    fn state_changed(&mut self) {
        Self::called("state_changed");
    }

    fn snapshot(&self, _: &mut SnapshotWriter<'_>) {
        Self::called("snapshot");
    }

    fn restore(&mut self, _: &SnapshotReader<'_>) -> Replay {
        Self::called("restore");
        Replay::HeldNotes
    }
}

#[test]
fn an_instance_is_made_sized_tried_in_silence_cleared_restored_and_only_then_heard() {
    let mut rig = Rig::new::<Sayer<1>>();
    rig.run(2);
    let first = calls(1);
    assert_eq!(first[..2], ["create", "reset"]);
    assert!(first[2].contains("Host") && first[3] == "process None", "{first:?}");
    rig.swap::<Sayer<2>>(7);
    let prepared = calls(2);
    assert_eq!(prepared[..2], ["create", "reset"]);
    assert_eq!(prepared.last().unwrap(), "clear");
    assert!(prepared[2..prepared.len() - 1].iter().all(|call| call.starts_with("process")));
    let state = rig.shell.save(hotshell_core::shell::StateContext::Project).unwrap();
    rig.shell.load(hotshell_core::shell::StateContext::Project, &state).unwrap();
    rig.run(1);
    assert_eq!(calls(1), ["snapshot", "state_changed", "process None"]);
    let taken = calls(2);
    assert_eq!(taken[..2], ["restore", "state_changed"]);
    assert!(taken[2].contains("Reload") && taken[2].contains('7'), "{taken:?}");
}

#[test]
fn the_old_one_is_muted_the_trial_too_and_downstream_notes_are_closed_in_order() {
    let mut rig = Rig::new::<Sayer<3>>();
    rig.run(2);
    rig.swap::<Sayer<4>>(1);
    assert_eq!(rig.shell.param_value(host_id("said")), Some(3.0), "a trial in silence moves nothing");
    rig.engine.take_events();
    for _ in 0..FADE / BLOCK as usize + 4 {
        rig.run(1);
        assert_eq!(rig.shell.param_value(host_id("said")), Some(4.0), "the old one has no say");
    }
    let sent = rig.engine.take_events();
    assert!(sent.windows(2).all(|pair| pair[0].at <= pair[1].at), "times never decrease");
    let of = |kind: EventKind| {
        let all = sent.iter().filter(move |one| one.event.kind == kind);
        all.map(|one| one.event.key).collect::<Vec<_>>()
    };
    assert_eq!((of(EventKind::NOTE_OFF), of(EventKind::NOTE_ON)), (vec![3], vec![4]));
    let values = sent.iter().filter(|one| one.event.kind == EventKind::PARAM_VALUE);
    assert!(values.clone().count() > 0 && values.clone().all(|one| one.event.value == 4.0));
}

#[test]
fn notes_downstream_are_closed_where_the_old_one_has_faded_out_not_before() {
    let mut rig = Rig::in_mode::<Sayer<5>>(hotshell_logic::RenderMode::REALTIME);
    rig.shell.control().link().doubles.fetch_add(100, std::sync::atomic::Ordering::Relaxed);
    rig.run(2);
    rig.swap::<Sayer<6>>(1);
    rig.engine.take_events();
    rig.run(12);
    let sent = rig.engine.take_events();
    assert!(sent.windows(2).all(|pair| pair[0].at <= pair[1].at), "times never decrease");
    let off = sent.iter().find(|one| one.event.kind == EventKind::NOTE_OFF).unwrap();
    assert_eq!((off.event.key, off.at), (5, 2 * u64::from(BLOCK) + 240));
}
