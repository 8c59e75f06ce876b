//! Blocks go on while somebody holds every lock of the shell: none of them takes one. A host that looks for changes
//! meanwhile does not wait again and again.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::channel;
use std::time::Duration;

use hotshell_abi::{AudioConfig, Event, EventKind, Reason, RenderMode};
use hotshell_derive::Params;
use hotshell_logic::export::api;
use hotshell_logic::params::{FloatParam, Meter, Persist};
use hotshell_logic::{
    AudioBuffer, CreateContext, EventList, Level, PluginInfo, PluginLogic, ProcessContext, ProcessStatus,
};

use parking_lot::Mutex;

use super::{Control, Offer};
use crate::host::NoHost;
use crate::instance::Table;
use crate::params::ParamStore;
use crate::rt::patchbay::{Jack, Patchbay};
use crate::shell::editors::Edit;
use crate::shell::{Audio, EventSource, Phase, Shell};

const FRAMES: u32 = 64;

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct HeldParams {
    #[param(id = "level", range = linear(0.0..=1.0), default = 0.5)]
    level: FloatParam,
    #[persist(id = "text")]
    text: Persist<String>,
    #[meter(id = "meter")]
    meter: Meter<1>,
}

/// Told of each drop of the author's parameters.
static DROPPED: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);

impl Drop for HeldParams {
    fn drop(&mut self) {
        if let Some(told) = &*DROPPED.lock() {
            told();
        }
    }
}

/// Uses all that the audio thread may use. `FAILS`: panics above three quarters.
struct Held<const FAILS: bool> {
    params: Arc<HeldParams>,
}

impl<const FAILS: bool> PluginLogic for Held<FAILS> {
    type Params = HeldParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.held", "Held");

    fn create(params: Arc<HeldParams>, _: &CreateContext<'_>) -> Self {
        Self { params }
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        let level = self.params.level.value();
        assert!(!FAILS || level < 0.75, "planted");
        self.params.meter.set(0, 1.0);
        cx.rt_log(Level::Info, format_args!("a line"));
        let text = self.params.text.get().len();
        #[expect(clippy::cast_possible_truncation, reason = "a sample")]
        buffer
            .output()
            .iter_mut()
            .for_each(|channel| channel.fill(if text == 0 { level as f32 } else { 0.0 }));
        ProcessStatus::Active
    }
}

/// One value at the block's start.
struct Set(f64);

impl EventSource for Set {
    fn len(&self) -> u32 {
        1
    }
    fn event(&self, _: u32) -> Option<Event> {
        let event = Event::param_value(0, hotshell_abi::describe::param_host_id("level"), self.0);
        Some(Event { kind: EventKind::PARAM_VALUE, ..event })
    }
}

fn run(audio: &mut dyn Audio, level: f64, blocks: usize) -> f64 {
    let mut memory = Patchbay::new(4, FRAMES);
    let jacks = [0, 1, 2, 3].map(Jack::Single);
    for _ in 0..blocks {
        memory.with(&[(&jacks[..2], false)], &[(&jacks[2..], false)], |block| {
            audio.process(block, &Set(level), &mut ())
        });
    }
    *memory.read(jacks[2]).last().expect("frames")
}

fn config() -> AudioConfig {
    AudioConfig {
        sample_rate: 48_000.0,
        max_frames: FRAMES,
        layout: 0,
        mode: RenderMode::REALTIME,
        reserved: 0,
    }
}

fn open(alone: bool) -> Control<ParamStore, f32> {
    let own = Table::linked(api::<Held<false>, f32>());
    let doubles = Arc::new(AtomicU32::new(0));
    Control::open(own, 0, "rig", Arc::new(NoHost), doubles, alone, Reason::HOST).expect("opens")
}

#[test]
fn a_host_that_comes_on_and_on_while_the_lock_is_held_waits_once() {
    for alone in [false, true] {
        let control = open(alone);
        for hold in 1..=2 {
            let held = control.main.lock();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    for _ in 0..50 {
                        control.editors.push(Edit::Begin { id: 1 });
                        control.take_announced_edits();
                        assert!(control.take_changes(Phase::AnyTime).is_empty());
                        if alone {
                            // Somebody has set a field.
                            control.fields_seen.store(u64::MAX, Relaxed);
                            control.upkeep();
                        }
                    }
                });
            });
            drop(held);
            assert_eq!(control.waits.load(Relaxed), hold, "once per hold, alone: {alone}");
            assert!(control.untold.load(Relaxed), "the next look asks for another call");
            control.upkeep();
            assert!(!control.untold.load(Relaxed));
            control.take_changes(Phase::AnyTime);
        }
    }
}

#[test]
fn a_build_that_is_none_any_more_is_dropped_outside_of_the_lock() {
    let control = Arc::new(open(false));
    let mut audio = control.activate(config()).expect("activates");
    let offer =
        |build| Offer { table: Table::linked(api::<Held<false>, f32>()), build, reason: Reason::RELOAD };
    let (done, heard) = channel();
    let shell = Arc::downgrade(&control);
    let here = std::thread::current().id();
    *DROPPED.lock() = Some(Box::new(move || {
        // Other tests drop theirs meanwhile.
        if std::thread::current().id() != here {
            return;
        }
        let free = shell.upgrade().is_none_or(|control| control.main.try_lock().is_some());
        let _ = done.send(free);
    }));
    let mut all: Vec<bool> = Vec::new();
    for build in 1..=3 {
        // One that is not taken, and one that is.
        control.take_build(offer(build), &|| true).expect("is handed over");
        control.take_build(offer(build), &|| true).expect("is handed over");
        assert_eq!(heard.try_iter().count(), 0, "one that does not come back would be blamed on the new one");
        run(&mut *audio, 0.25, 40);
        control.upkeep();
        // What audio has taken by then is made live by the next look.
        run(&mut *audio, 0.25, 40);
        control.upkeep();
        all.extend(heard.try_iter());
    }
    control.deactivate(audio);
    all.extend(heard.try_iter());
    control.take_build(offer(4), &|| true).expect("takes its place at once");
    assert_eq!(heard.try_iter().count(), 0, "here too");
    control.upkeep();
    *DROPPED.lock() = None;
    all.extend(heard.try_iter());
    assert!(all.len() >= 6, "the untaken, the replaced and what the last one replaces: {all:?}");
    assert!(all.iter().all(|free| *free), "the author's code ran under the lock: {all:?}");
}

#[test]
fn blocks_take_no_lock_in_a_steady_state_in_a_swap_or_in_a_failure() {
    let control = open(false);
    let mut audio = control.activate(config()).expect("activates");
    let table = Table::linked(api::<Held<true>, f32>());
    control.take_build(Offer { table, build: 1, reason: Reason::RELOAD }, &|| true).expect("is handed over");
    let (done, heard) = channel();
    let (back, audio_back) = channel();
    let held = (
        (control.main.lock(), control.turns.hold(), control.host.hold()),
        (control.store.hold(), control.params.hold(), control.editors.hold()),
    );
    let thread = std::thread::Builder::new().name("test audio".to_owned()).spawn(move || {
        let swapped = run(&mut *audio, 0.25, 40);
        let failed = run(&mut *audio, 1.0, 10);
        audio.clear();
        audio.flush(&Set(0.5), &mut ());
        // Whoever listens has given up otherwise.
        let _ = done.send((swapped, failed));
        let _ = back.send(audio);
    });
    let answer = heard.recv_timeout(Duration::from_secs(20));
    drop(held);
    thread.expect("a thread").join().expect("no panic crosses");
    assert_eq!(answer, Ok((0.25, 0.0)), "blocks that wait for a lock say nothing");
    control.deactivate(audio_back.recv().expect("the audio half comes back"));
}
