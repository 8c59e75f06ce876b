//! No block allocates or frees, whatever happens in it: every way to hand over, faults, a full outbox, storms of events.
//! (The one exception is the block in which the logic panics; values that are not finite are no panic.)
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers")]

#[path = "common/rig.rs"]
mod rig;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use hotshell_abi::{Event as HostEvent, EventKind};
use hotshell_core::shell::{Phase, Shell, StateContext};
use hotshell_derive::Params;
use hotshell_logic::params::{BoolParam, IntParam};
use hotshell_logic::{
    AudioBuffer, AudioConfig, CreateContext, Event, EventList, Handover, NotePorts, PluginInfo, PluginLogic,
    ProcessContext, ProcessStatus, RenderMode, Replay, SnapshotReader, SnapshotWriter,
};
use rig::{BLOCK, Rig, host_id, note};

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct CalmParams {
    #[param(id = "victim", range = 0..=100, default = 0)]
    victim: IntParam,
    #[param(id = "bypass", bypass)]
    bypass: BoolParam,
}

/// Passes audio and notes on, `LATE` frames of latency, handed over in way `WAY`; gives NaN when the victim is `N`.
struct Calm<const N: i32, const WAY: u32, const LATE: u32>(Arc<CalmParams>, [f32; 64]);

impl<const N: i32, const WAY: u32, const LATE: u32> PluginLogic for Calm<N, WAY, LATE> {
    type Params = CalmParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.calm", "Calm");
    const NOTES: NotePorts =
        NotePorts { inputs: 1, outputs: 1, dialects: NotePorts::CLAP, ..NotePorts::NONE };
    const HANDOVER: Handover = match WAY {
        0 => Handover::Auto,
        1 => Handover::Spill { max_s: 0.02 },
        _ => Handover::Cut,
    };

    fn create(params: Arc<CalmParams>, _: &CreateContext<'_>) -> Self {
        Self(params, [0.0; 64])
    }

    fn reset(&mut self, _: &AudioConfig) {}

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        events: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        for event in events.iter() {
            if matches!(event, Event::NoteOn { .. }) {
                let _ = cx.send(event);
            }
        }
        let bad = self.0.victim.value() == N;
        for channel in buffer.in_place().iter_mut() {
            if bad {
                channel[0] = f32::NAN;
            }
        }
        ProcessStatus::Active
    }

    fn latency(&self) -> u32 {
        LATE
    }

    fn snapshot(&self, out: &mut SnapshotWriter<'_>) {
        out.put("history", &self.1);
    }

    fn restore(&mut self, from: &SnapshotReader<'_>) -> Replay {
        self.1 = from.get("history").unwrap_or([0.0; 64]);
        Replay::HeldNotes
    }
}

/// One block, counted.
fn quiet(rig: &mut Rig, what: &str) {
    let counted = std::cell::Cell::new(allocation_counter::AllocationInfo::default());
    rig.engine.block(BLOCK, &mut |run| counted.set(allocation_counter::measure(&mut *run)));
    let info = counted.take();
    assert_eq!((info.count_total, info.count_current), (0, 0), "{what}");
    rig.engine.take_events();
}

fn swapped<G: PluginLogic>(rig: &mut Rig, what: &str) {
    rig.engine.queue(note(EventKind::NOTE_ON, 3, 60));
    quiet(rig, what);
    rig.swap::<G>(1);
    for block in 0..40 {
        rig.set("bypass", f64::from(block % 7 / 6));
        quiet(rig, &format!("{what}, block {block}"));
        if block == 3 {
            let state = rig.shell.save(StateContext::Project).unwrap();
            rig.shell.load(StateContext::Project, &state).unwrap();
        }
    }
    rig.shell.take_changes(Phase::AnyTime);
}

#[test]
fn no_way_to_hand_over_allocates() {
    let mut rig = Rig::new::<Calm<1, 0, 100>>();
    swapped::<Calm<2, 0, 30>>(&mut rig, "a smaller latency");
    swapped::<Calm<3, 0, 300>>(&mut rig, "a larger latency");
    swapped::<Calm<4, 1, 0>>(&mut rig, "a spill");
    swapped::<Calm<5, 2, 0>>(&mut rig, "a cut");
    let mut rig = Rig::in_mode::<Calm<1, 0, 100>>(RenderMode::REALTIME);
    rig.shell.control().link().doubles.fetch_add(100, Relaxed);
    swapped::<Calm<2, 0, 100>>(&mut rig, "out and in");
}

#[test]
fn no_failure_allocates() {
    let mut rig = Rig::new::<Calm<1, 0, 100>>();
    quiet(&mut rig, "steady");
    rig.swap::<Calm<2, 0, 100>>(1);
    for (block, victim) in [0, 2, 0, 0, 1, 0, 0, 0].into_iter().enumerate() {
        rig.set("victim", f64::from(victim));
        quiet(&mut rig, &format!("block {block}, {victim} fails"));
    }
    assert!(rig.notes.calls("callback") > 0);
}

#[test]
fn neither_a_full_outbox_nor_a_storm_of_events_allocates() {
    let mut rig = Rig::new::<Calm<1, 0, 0>>();
    for round in 0..6 {
        // Nobody empties the outbox: the next candidate waits for it.
        rig.swap::<Calm<2, 0, 0>>(round);
        for _ in 0..12 {
            quiet(&mut rig, "a full outbox");
        }
    }
    for i in 0..10_000 {
        rig.engine.queue(note(EventKind::NOTE_ON, 63, i % 128));
        rig.engine.queue(HostEvent::param_value(63, host_id("victim"), 0.0));
    }
    quiet(&mut rig, "a storm of events");
}
