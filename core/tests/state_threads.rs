//! A state is saved and loaded by any thread, at any time, while builds come, fade and fail: exact, or a failure that the
//! caller sees.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

#[path = "common/rig.rs"]
mod rig;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use hotshell_core::shell::{Shell, ShellError, StateContext, StaticShell};
use hotshell_core::state;
use hotshell_derive::Params;
use hotshell_logic::params::FloatParam;
use hotshell_logic::{
    AudioBuffer, CreateContext, EventList, PluginInfo, PluginLogic, ProcessContext, ProcessStatus,
    StateError, StateReader, StateWriter,
};
use rig::Rig;

const ID: &str = "org.example.pair";

/// Set alike by every state; the third field of the pair is the author's own.
#[derive(Params)]
#[params(crate = hotshell_logic)]
struct PairParams {
    #[param(id = "one", range = linear(0.0..=1.0), default = 0.0)]
    one: FloatParam,
    #[param(id = "two", range = linear(0.0..=1.0), default = 0.0)]
    two: FloatParam,
}

/// `FAILS`: panics in every tenth block.
struct Pair<const N: u32, const FAILS: bool> {
    params: Arc<PairParams>,
    blocks: u32,
}

impl<const N: u32, const FAILS: bool> PluginLogic for Pair<N, FAILS> {
    type Params = PairParams;
    const INFO: PluginInfo = PluginInfo { own_state: true, ..PluginInfo::new(ID, "Pair") };

    fn create(params: Arc<PairParams>, _: &CreateContext<'_>) -> Self {
        Self { params, blocks: 0 }
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        self.blocks += 1;
        assert!(!FAILS || !self.blocks.is_multiple_of(10), "planted");
        let _ = self.params.one.value() + self.params.two.value();
        buffer.in_place();
        ProcessStatus::Active
    }

    fn save_state(_: &PairParams, out: &mut StateWriter<'_>) {
        out.put("own", &1_u32);
    }

    fn load_state(_: &PairParams, _: &mut StateReader<'_>) -> Result<(), StateError> {
        Ok(())
    }
}

fn stated(value: f64) -> Vec<u8> {
    let rig = Rig::new::<Pair<0, false>>();
    rig.shell.set_param(rig::host_id("one"), value);
    rig.shell.set_param(rig::host_id("two"), value);
    rig.shell.save(StateContext::Project).unwrap()
}

/// Saves until told to stop; every one that succeeds is whole. Answers how many did.
fn saves(shell: &StaticShell, stop: &AtomicBool) -> u32 {
    let mut good = 0;
    while !stop.load(Relaxed) || good == 0 {
        match shell.save(StateContext::Project) {
            Ok(bytes) => {
                let document = state::decode(&bytes, ID).unwrap();
                let (one, two) = (document.params["one"].value, document.params["two"].value);
                assert!((one - two).abs() < f64::EPSILON, "half of each: {one} and {two}");
                assert!(!document.own.is_empty());
                good += 1;
            }
            Err(ShellError::Busy(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    good
}

fn loads(shell: &StaticShell, states: &[Vec<u8>], stop: &AtomicBool) -> u32 {
    let mut good = 0;
    while !stop.load(Relaxed) || good == 0 {
        for state in states {
            match shell.load(StateContext::Project, state) {
                Ok(()) => good += 1,
                Err(ShellError::Busy(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    good
}

#[test]
fn states_are_whole_whichever_threads_save_and_load_them_while_builds_come_and_fail() {
    let states = [stated(0.25), stated(0.75)];
    let mut rig = Rig::new::<Pair<0, false>>();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let shells = [rig.shell.clone(), rig.shell.clone(), rig.shell.clone()];
        let [first, second, third] = shells;
        let (states, stop) = (&states, &stop);
        let saving = [first, second].map(|shell| scope.spawn(move || saves(&shell, stop)));
        let loading = scope.spawn(move || loads(&third, states, stop));
        for round in 0..30 {
            let offered = match round % 3 {
                0 => rig.shell.swap(table::<1, false>(), round),
                1 => rig.shell.swap(table::<2, true>(), round),
                _ => rig.shell.swap(table::<0, false>(), round),
            };
            // A save or a load may hold what it needs: that is a failure that the caller sees.
            assert!(matches!(offered, Ok(()) | Err(ShellError::Busy(_))), "{offered:?}");
            rig.run(15);
        }
        stop.store(true, Relaxed);
        for thread in saving {
            assert!(thread.join().unwrap() > 0);
        }
        assert!(loading.join().unwrap() > 0);
    });
    assert!(rig.heard.iter().all(|sample| sample.is_finite()));
}

fn table<const N: u32, const FAILS: bool>() -> hotshell_core::instance::Table {
    hotshell_core::instance::Table::linked(hotshell_logic::export::api::<Pair<N, FAILS>, f32>())
}
