//! WAV files in and out, as channels of 32-bit floats.
//!
//! Called by: `source`, `deck`'s sinks, `demo`. Calls: hound. Threads: [`read`] and [`Writer::create`] [main],
//! [`Writer`]'s file is written by a thread of its own.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use anyhow::{Context, ensure};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use crate::Error;

/// Longest file that is read, frames in all channels: a bit over an hour of stereo at 48 kHz.
const MOST_SAMPLES: u32 = 400_000_000;

/// Blocks that may wait for the disk.
const WAITING: usize = 1024;

/// A sound in memory.
#[derive(Clone, PartialEq, Debug)]
pub struct Sound {
    /// Hz.
    pub rate: u32,
    /// Channels of equal length.
    pub channels: Vec<Vec<f32>>,
}

impl Sound {
    /// Frames.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }
}

/// Reads a WAV file of any usual format.
///
/// # Errors
/// The file is missing, damaged, empty or too long.
pub fn read(path: &Path) -> Result<Sound, Error> {
    let file = WavReader::open(path).context("cannot be read as a WAV file");
    file.and_then(decode).with_context(|| path.display().to_string())
}

/// Reads a WAV file that is in memory.
///
/// # Errors
/// It is damaged, empty or too long.
pub fn parse(bytes: &[u8]) -> Result<Sound, Error> {
    WavReader::new(bytes).context("is not a WAV file").and_then(decode)
}

fn decode(mut reader: WavReader<impl std::io::Read>) -> Result<Sound, Error> {
    let WavSpec { channels, sample_rate, bits_per_sample, sample_format } = reader.spec();
    ensure!(channels > 0 && sample_rate > 0, "its header names no channel or no sample rate");
    ensure!(reader.len() <= MOST_SAMPLES, "is longer than this host reads ({MOST_SAMPLES} samples)");
    ensure!(reader.duration() > 0, "holds no sound");
    let flat: Result<Vec<f32>, hound::Error> = match sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect(),
        SampleFormat::Int => {
            let scale = 1.0 / f64::from(1_u32 << (bits_per_sample.clamp(1, 32) - 1));
            reader.samples::<i32>().map(|sample| Ok(narrow(f64::from(sample?) * scale))).collect()
        }
    };
    let flat = flat.context("ends in the middle or is damaged")?;
    let count = usize::from(channels);
    let channel = |index| flat.iter().skip(index).step_by(count).copied().collect();
    Ok(Sound { rate: sample_rate, channels: (0..count).map(channel).collect() })
}

/// Sample rate of a WAV file, Hz.
///
/// # Errors
/// The file is missing or no WAV file.
pub fn rate(path: &Path) -> Result<u32, Error> {
    let reader =
        WavReader::open(path).with_context(|| format!("{}: cannot be read as a WAV file", path.display()))?;
    Ok(reader.spec().sample_rate)
}

/// Writes `sound` as 16-bit WAV, which everything plays; samples past full scale are clipped.
///
/// # Errors
/// The file cannot be written.
pub fn write_16_bit(path: &Path, sound: &Sound) -> Result<(), Error> {
    let shown = path.display();
    let spec = WavSpec {
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
        ..spec(sound.channels.len(), sound.rate)?
    };
    let mut writer = WavWriter::create(path, spec).with_context(|| format!("{shown}: cannot be written"))?;
    for frame in 0..sound.frames() {
        for channel in &sound.channels {
            let sample = (channel[frame].clamp(-1.0, 1.0) * f32::from(i16::MAX)).round();
            writer.write_sample(to_i16(sample)).with_context(|| format!("{shown}: cannot be written"))?;
        }
    }
    writer.finalize().with_context(|| format!("{shown}: cannot be written"))
}

fn spec(channels: usize, sample_rate: u32) -> Result<WavSpec, Error> {
    let channels = u16::try_from(channels).context("too many channels for a WAV file")?;
    ensure!(channels > 0, "nothing to write: the plug-in has no audio output");
    Ok(WavSpec { channels, sample_rate, bits_per_sample: 32, sample_format: SampleFormat::Float })
}

#[allow(clippy::cast_possible_truncation, reason = "an `f32` is what this host plays; rounding is meant")]
const fn narrow(sample: f64) -> f32 {
    sample as f32
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "clamped to the range by the caller; a float cast saturates"
)]
const fn to_i16(sample: f32) -> i16 {
    sample as i16
}

/// A 32-bit float WAV file that is written while blocks go on.
#[derive(Debug)]
pub struct Writer {
    blocks: Option<SyncSender<Vec<f32>>>,
    thread: Option<JoinHandle<Result<(), hound::Error>>>,
}

impl Writer {
    /// Creates the file.
    ///
    /// # Errors
    /// The file cannot be created, or the writer's thread not be started.
    pub fn create(path: &Path, channels: usize, rate: u32) -> Result<Self, Error> {
        let shown = path.display();
        let mut file = WavWriter::create(path, spec(channels, rate)?)
            .with_context(|| format!("{shown}: cannot be written"))?;
        let (blocks, waiting) = sync_channel::<Vec<f32>>(WAITING);
        let work = move || {
            for block in waiting {
                for sample in block {
                    file.write_sample(sample)?;
                }
            }
            file.finalize()
        };
        let thread = std::thread::Builder::new().name("hotshell-host-wav".into()).spawn(work)?;
        Ok(Self { blocks: Some(blocks), thread: Some(thread) })
    }

    /// Appends frames, interleaving them. Waits when the disk is more than a thousand blocks behind.
    pub fn append(&mut self, channels: &[&[f32]]) {
        let frames = channels.first().map_or(0, |channel| channel.len());
        let flat = (0..frames).flat_map(|frame| channels.iter().map(move |channel| channel[frame])).collect();
        if let Some(blocks) = &self.blocks {
            // The thread has stopped on an error, which `finish` reports.
            drop(blocks.send(flat));
        }
    }

    /// Completes the file.
    ///
    /// # Errors
    /// Whatever went wrong since it was created.
    pub fn finish(mut self) -> Result<(), Error> {
        self.blocks = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result.context("the recording could not be completed"),
            _ => anyhow::bail!("the recording's thread panicked"),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.blocks = None;
        if let Some(thread) = self.thread.take() {
            // `finish` was not called: whoever drops the writer is on the way out with an error of its own.
            drop(thread.join());
        }
    }
}
