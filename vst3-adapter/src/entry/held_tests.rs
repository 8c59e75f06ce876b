//! Blocks go on while somebody holds every lock of the adapter, and a build is handed over and takes its place: neither
//! waits for a lock of the adapter's. The shell's own are `hotshell-core`'s to hold.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use hotshell_derive::Params;
use hotshell_logic::params::FloatParam;
use hotshell_logic::{
    AudioBuffer, CreateContext, EventList, PluginInfo, PluginLogic, ProcessContext, ProcessStatus,
};

use super::bench::Changes;
use super::real_tests::Daw;

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Level {
    #[param(id = "gain", range = linear(0.0..=2.0), default = 1.0)]
    gain: FloatParam,
}

/// Says its gain, and ten more.
struct Next(Arc<Level>);

impl PluginLogic for Next {
    type Params = Level;
    const INFO: PluginInfo = PluginInfo::new("org.example.real", "Real");

    fn create(params: Arc<Level>, _: &CreateContext<'_>) -> Self {
        Self(params)
    }

    /// A build that the host has to be told of, so that the swap calls it.
    fn latency(&self) -> u32 {
        10
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        #[expect(clippy::cast_possible_truncation, reason = "a sample")]
        let level = self.0.gain.value() as f32 + 10.0;
        buffer.in_place().iter_mut().for_each(|channel| channel.fill(level));
        ProcessStatus::Active
    }
}

/// A host's audio thread has the same pointers as its main thread.
struct Shared<'a>(&'a Daw);

// SAFETY: the test keeps the host's rules: one thread runs blocks, and until it ends the other one calls nothing of the
// host's side.
unsafe impl Send for Shared<'_> {}

#[test]
fn blocks_and_a_swap_take_no_lock_of_the_adapter() {
    let daw = Daw::playing();
    let id = daw.id(0);
    let before = daw.block(64, None)[63];
    let (done, heard) = channel();
    let answer = std::thread::scope(|scope| {
        daw.instance.while_held(|| {
            let shared = Shared(&daw);
            scope.spawn(move || {
                let Shared(daw) = { shared };
                let _ = done.send((0..10).fold(0.0, |_, _| daw.block(64, None)[63]));
                daw.offer::<Next>(1);
                let _ = done.send((0..60).fold(0.0, |_, _| daw.block(64, None)[63]));
                let _ = done.send(daw.block(64, Some(&Changes::of(&[(id, &[(0, 1.0)])])))[63]);
            });
            [(); 3].map(|()| heard.recv_timeout(Duration::from_secs(20)))
        })
    });
    assert_eq!(answer, [Ok(before), Ok(11.0), Ok(12.0)], "blocks that wait for a lock say nothing");
}
