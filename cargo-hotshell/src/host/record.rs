//! A sink that writes what is heard to a WAV file.
//!
//! Called by: `host`, `render`. Calls: `wav`. Threads: [`Recorder::block`] [audio], the file has a thread of its own.

use std::path::Path;

use super::deck::{Played, Sink};
use super::wav::Writer;
use crate::Error;

/// Writes the output from frame `skip` on.
pub struct Recorder {
    writer: Writer,
    skip: u64,
}

impl Recorder {
    /// Creates the file. `skip` frames are left out at the start: the latency of a plug-in whose output shall lie on
    /// its input.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path, channels: usize, rate: u32, skip: u64) -> Result<Self, Error> {
        Ok(Self { writer: Writer::create(path, channels, rate)?, skip })
    }
}

impl Sink for Recorder {
    fn block(&mut self, block: &Played<'_>) {
        let from =
            usize::try_from(self.skip.saturating_sub(block.at)).unwrap_or(usize::MAX).min(block.frames);
        let channels: Vec<&[f32]> = block.output.iter().map(|channel| &channel[from..block.frames]).collect();
        if from < block.frames {
            self.writer.append(&channels);
        }
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        self.writer.finish()
    }
}
