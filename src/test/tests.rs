use hotshell_logic::params::FloatSpec;
use hotshell_logic::{
    AudioBuffer, BusLayout, CreateContext, Event, EventList, NotePorts, NoteRef, Params, PluginInfo,
    PluginLogic, PluginLogic64, ProcessContext, ProcessStatus, Reason, rt_log,
};

use super::Rig;
use crate::params::{FloatParam, FloatRange, ParamsBuilder};
use std::sync::Arc;

/// What `Trouble` does wrong.
struct TroubleParams {
    kind: FloatParam,
}

impl Params for TroubleParams {
    fn build(b: &mut ParamsBuilder<'_>) -> Self {
        Self {
            kind: b
                .float(FloatSpec { range: FloatRange::linear(0.0..=9.0), ..FloatSpec::new("kind", "Kind") }),
        }
    }
}

const ALLOCATES: f64 = 1.0;
const PANICS: f64 = 2.0;
const IS_NOT_FINITE: f64 = 3.0;

struct Trouble(Arc<TroubleParams>);

impl PluginLogic for Trouble {
    type Params = TroubleParams;
    const INFO: PluginInfo = PluginInfo::new("org.hotshell.trouble", "Trouble");

    fn create(params: Arc<TroubleParams>, _cx: &CreateContext<'_>) -> Self {
        Self(params)
    }
    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _events: &EventList<'_>,
        _cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        let mut out = buffer.in_place();
        match self.0.kind.value() {
            ALLOCATES => drop(std::hint::black_box(vec![0_u8; 100])),
            PANICS => panic!("as asked"),
            IS_NOT_FINITE => out.iter_mut().for_each(|channel| channel.fill(f32::NAN)),
            _ => {}
        }
        ProcessStatus::Active
    }
}

fn trouble(kind: f64) -> Rig<Trouble> {
    let mut rig = Rig::<Trouble>::new(48_000.0, 64);
    rig.set(|p| &p.kind, kind).at(640);
    rig
}

#[test]
#[should_panic(expected = "allocated 1 times and freed 1 times")]
fn an_allocation_in_a_block_fails_the_test() {
    trouble(ALLOCATES).assert_realtime(|rig| drop(rig.run(704)));
}

#[test]
fn an_allocation_outside_of_blocks_does_not() {
    let mut rig = trouble(0.0);
    rig.assert_realtime(|rig| {
        drop(vec![0_u8; 100]);
        rig.run_seconds(0.1);
    });
}

#[test]
#[should_panic(expected = "as asked")]
fn a_panic_in_a_block_fails_the_test_with_its_message() {
    trouble(PANICS).run(1280);
}

#[test]
#[should_panic(expected = "not finite")]
fn output_that_is_not_finite_fails_the_test() {
    trouble(IS_NOT_FINITE).run(1280);
}

/// In double precision; answers each note with its place in the timeline.
struct Echo;

impl PluginLogic64 for Echo {
    type Params = ();
    const INFO: PluginInfo = PluginInfo::new("org.hotshell.echo", "Echo");
    const BUSES: &'static [BusLayout] = BusLayout::STEREO;
    const NOTES: NotePorts = NotePorts::THROUGH;

    fn create(_params: Arc<()>, cx: &CreateContext<'_>) -> Self {
        assert_eq!((cx.host(), cx.format(), cx.reason()), ("Rig", "rig", Reason::Test));
        Self
    }
    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f64>,
        events: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        assert!(cx.first_block().is_none_or(|reason| reason == Reason::Test));
        let (input, mut output) = buffer.io();
        for (from, to) in input.iter().zip(output.iter_mut()) {
            to.copy_from_slice(from);
        }
        for event in events.iter() {
            let _ = cx.send(event);
            let beats = cx.transport().and_then(|transport| transport.beats());
            rt_log!(cx, "beat {:.3}", beats.unwrap_or(-1.0));
        }
        ProcessStatus::Active
    }
}

#[test]
fn times_count_from_the_start_of_a_run_whatever_the_blocks() {
    let mut rig = Rig::<Echo>::new(48_000.0, 64);
    rig.start_transport(60.0);
    rig.note_on(60, 1.0).at(24_000);
    let input = rig.sine(100.0, 48_000);
    let out = rig.process(&input);
    assert_eq!(out.channel(0), input, "in double precision");
    assert_eq!(out.frames(), 48_000);
    rig.note_off(60).at(1);
    rig.run(64);
    let sent = rig.take_sent();
    let note = NoteRef::key(60);
    assert!(matches!(sent[0], (24_000, Event::NoteOn { note: seen, .. }) if seen == note), "{sent:?}");
    assert!(matches!(sent[1], (48_001, Event::NoteOff { note: seen, .. }) if seen == note), "{sent:?}");
    let log = rig.log();
    assert_eq!(log, ["beat 0.500", "beat 1.000"]);
}

// Several plug-ins of both precisions in one artifact, private types; counts this executable's allocations too.
#[expect(
    non_upper_case_globals,
    reason = "the name is CLAP's; in an author's crate the lint stays out of macros"
)]
mod artifact {
    use super::{Echo, Trouble};

    crate::plugin!(Trouble, Echo);
}
