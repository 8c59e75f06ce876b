//! A note effect that passes on every event it gets says nothing that is the host's alone to say.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use hotshell_abi::describe::param_host_id;
use hotshell_abi::event::NoteAddress;
use hotshell_abi::{Event, EventKind, RenderMode};
use hotshell_core::host::NoHost;
use hotshell_core::instance::Table;
use hotshell_core::offline::Engine;
use hotshell_core::shell::{Shell, StaticShell};
use hotshell_derive::Params;
use hotshell_logic::export::api;
use hotshell_logic::params::FloatParam;
use hotshell_logic::{
    AudioBuffer, BusLayout, CreateContext, EventList, NotePorts, PluginInfo, PluginLogic, ProcessContext,
    ProcessStatus, Split,
};

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct ThroughParams {
    #[param(id = "cutoff", default = 0.5, modulatable = poly, automatable = poly)]
    _cutoff: FloatParam,
}

struct Through;

impl PluginLogic for Through {
    type Params = ThroughParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.through", "Through");
    const BUSES: &'static [BusLayout] = BusLayout::NO_AUDIO;
    const NOTES: NotePorts = NotePorts::THROUGH;
    const SPLIT: Split = Split::Never;

    fn create(_: Arc<ThroughParams>, _: &CreateContext<'_>) -> Self {
        Self
    }

    fn process(
        &mut self,
        _: &mut AudioBuffer<'_, f32>,
        events: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        for event in events.iter() {
            cx.send(event).unwrap();
        }
        ProcessStatus::Active
    }
}

#[test]
fn what_is_for_one_voice_never_becomes_everybodys() {
    let shell: StaticShell =
        StaticShell::open(Table::linked(api::<Through, f32>()), 0, "rig", Box::new(NoHost)).unwrap();
    let mut engine = Engine::<f32>::new(Box::new(shell.clone()), 48_000.0, 64, RenderMode::REALTIME).unwrap();
    let id = param_host_id("cutoff");
    let address = NoteAddress { port: 0, channel: 0, key: 60, note_id: 7 };
    let voice = Event { port: 0, channel: 0, key: 60, note_id: 7, ..Event::param_value(3, id, 0.9) };
    engine.queue(Event::note(EventKind::NOTE_ON, 0, address, 1.0));
    engine.queue(Event { kind: EventKind::PARAM_MOD, ..Event::param_value(2, id, 0.1) });
    engine.queue(voice);
    engine.queue(Event { kind: EventKind::PARAM_MOD, time: 4, ..voice });
    engine.queue(Event::param_value(5, id, 0.25));
    engine.block(64, &mut |run| run());
    let sent: Vec<_> = engine.take_events().iter().map(|sent| (sent.event.kind, sent.event.time)).collect();
    assert_eq!(sent, [(EventKind::NOTE_ON, 0), (EventKind::PARAM_VALUE, 5)]);
    assert_eq!(shell.param_value(id), Some(0.25));
}
