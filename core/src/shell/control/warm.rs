//! A few silent blocks for an instance that nobody hears yet.
//!
//! Called by: `shell/control/handover`. Calls: `instance`, `shell/run`. Threads: [reload], [main] of a static shell.

use std::time::Instant;

use hotshell_abi::{AudioConfig, PluginDesc, Sample};

use crate::rt::owned::OwnedBlock;
use crate::shell::feed::Feed;
use crate::shell::player::{Player, shape_of};
use crate::shell::run::{BlockFacts, Hearing, Outgoing, Span, run};

/// Silent blocks before a candidate is handed over: page faults and instant panics happen here.
const SILENT_BLOCKS: u32 = 4;

/// A few silent blocks: page faults, instant panics, and what a frame costs. [reload]
pub(super) fn warm<S: Sample>(
    player: &mut Player<S>,
    desc: &PluginDesc<'_>,
    config: &AudioConfig,
) -> Result<(), ()> {
    let _flush = crate::rt::denormals::FlushDenormals::new();
    let shape = shape_of(desc.layouts.as_slice().get(config.layout as usize));
    let frames = config.max_frames.min(512);
    let mut block = OwnedBlock::<S>::new(&shape, frames);
    let feed = Feed::new();
    let mut outgoing = Outgoing::new();
    let facts = BlockFacts { steady_time: -1, mode: config.mode };
    player.cost = f32::INFINITY;
    for _ in 0..SILENT_BLOCKS {
        let started = Instant::now();
        let ran = block.with(frames, |host| {
            let (buffers, mut parts) = player.parts();
            parts.muted = true;
            let mut io = buffers.bind(host, 0, frames, true);
            let hearing = Hearing { feed: &feed, facts, state_changed: false };
            let span = Span { start: 0, from: 0, to: io.frames() };
            run(&mut parts, &mut io, span, &hearing, &mut outgoing)
        });
        let result = ran.map_err(|_| ())?;
        outgoing.discard();
        player.latency = result.latency;
        player.tail = result.tail;
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of one block")]
        {
            // The quickest one: in the others this thread was put aside, or memory was touched for the first time.
            player.cost = player.cost.min(started.elapsed().as_nanos() as f32 / frames as f32);
        }
    }
    player.instance.clear().map_err(|_| ())
}
