//! `host --render IN OUT`: a file through the plug-in as fast as it goes, the output laid on the input.
//!
//! The bundle is driven as any CLAP host would drive it: on an audio thread of its own, in its offline mode, with
//! main answering callbacks and restarts.
//!
//! Called by: `host`, `demo`, tests. Calls: `host/session`. Threads: [main], and the session's audio thread.

use std::path::Path;

use crate::Error;
use crate::host::clock::Pace;
use crate::host::deck::Totals;
use crate::host::plugin::{Config, Plugin};
use crate::host::record::Recorder;
use crate::host::session::{Session, Setup};
use crate::host::source::Source;

/// What was rendered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rendered {
    /// What the session counted.
    pub totals: Totals,
    /// Latency that was taken off the start, frames.
    pub latency: u32,
    /// Times that the plug-in had itself restarted.
    pub restarts: u32,
}

/// Renders `source` into the 32-bit float WAV file `output`: as long as the source and `after` frames more, without the
/// plug-in's latency. The plug-in comes back inactive.
///
/// # Errors
/// The source has no end, the plug-in refuses, or the file cannot be written.
pub fn render(
    mut plugin: Plugin,
    config: Config,
    source: Source,
    after: u64,
    output: &Path,
) -> Result<(Plugin, Rendered), Error> {
    let length = source
        .length()
        .ok_or_else(|| anyhow::anyhow!("an endless source cannot be rendered; give --duration"))?;
    plugin.set_offline(true);
    let engine = plugin.activate(config)?;
    let latency = plugin.latency();
    let recorder =
        Recorder::create(output, engine.output().len(), whole_hertz(config.sample_rate), u64::from(latency))?;
    let frames = Some(length + after + u64::from(latency));
    let setup = Setup { source, sinks: vec![Box::new(recorder)], frames };
    let mut session = Session::start(plugin, engine, setup, Pace::Free)?;
    while session.turn()? {}
    let restarts = session.restarts();
    let (mut plugin, totals) = session.finish()?;
    plugin.set_offline(false);
    Ok((plugin, Rendered { totals, latency, restarts }))
}

/// A sample rate as WAV files note it.
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an accepted rate is between 1 kHz and 1 MHz; a float cast saturates"
)]
pub const fn whole_hertz(rate: f64) -> u32 {
    rate.round() as u32
}
