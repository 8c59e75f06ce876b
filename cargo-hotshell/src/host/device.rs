//! Turns a deck by the default audio device (feature `device`).
//!
//! Called by: `session`. Calls: cpal, `deck`. Threads: [`start`] and [`Stream`] [main]; the callback is [audio], on a
//! thread of the device's library.

use anyhow::{Context, bail};
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{Device, FromSample, Sample, SampleFormat, SizedSample, StreamConfig};

use super::deck::Deck;
use super::plugin::Config;
use crate::Error;

/// A playing device; stops when dropped.
pub struct Stream {
    _stream: cpal::Stream,
}

/// Name of the device that [`start`] would play on.
///
/// # Errors
/// There is none, or it does not play at the rate.
pub fn name(config: Config) -> Result<String, Error> {
    let (device, ..) = choose(config)?;
    Ok(device.description().map_or_else(|_| "(no name)".into(), |about| about.name().to_owned()))
}

/// Plays the deck.
///
/// # Errors
/// There is no device, or it does not play at the rate.
pub fn start(deck: Deck) -> Result<Stream, Error> {
    let (device, format, config) = choose(deck.config())?;
    let stream = match format {
        SampleFormat::F32 => build::<f32>(&device, config, deck),
        SampleFormat::I16 => build::<i16>(&device, config, deck),
        SampleFormat::I32 => build::<i32>(&device, config, deck),
        SampleFormat::U16 => build::<u16>(&device, config, deck),
        other => bail!("the audio device wants samples as {other}, which this host does not have"),
    }?;
    stream.play().context("the audio device does not start")?;
    Ok(Stream { _stream: stream })
}

fn choose(config: Config) -> Result<(Device, SampleFormat, StreamConfig), Error> {
    let device = cpal::default_host().default_output_device().context("there is no audio device")?;
    let usual = device.default_output_config().context("the audio device does not say what it plays")?;
    let rate = crate::render::whole_hertz(config.sample_rate);
    let mut all = device.supported_output_configs().context("the audio device does not say what it plays")?;
    let fits = all.find(|range| {
        range.channels() == usual.channels()
            && range.sample_format() == usual.sample_format()
            && (range.min_sample_rate()..=range.max_sample_rate()).contains(&rate)
    });
    let range = fits.with_context(|| format!("the audio device does not play at {rate} Hz; try --rate"))?;
    let chosen = range.with_sample_rate(rate);
    Ok((device, chosen.sample_format(), chosen.config()))
}

fn build<T: SizedSample + FromSample<f32>>(
    device: &Device,
    config: StreamConfig,
    mut deck: Deck,
) -> Result<cpal::Stream, Error> {
    let channels = usize::from(config.channels);
    let fill = move |data: &mut [T], _: &cpal::OutputCallbackInfo| write(data, channels, &mut deck);
    // A stream that fails stops calling; main notices by the clock of its session.
    let stream = device.build_output_stream(config, fill, |_| {}, None);
    stream.context("the audio device refuses to play")
}

/// Fills the device's buffer block by block; silence past the deck's end.
fn write<T: Sample + FromSample<f32>>(data: &mut [T], channels: usize, deck: &mut Deck) {
    let mut rest = data;
    while rest.len() >= channels.max(1) {
        let wanted = u32::try_from(rest.len() / channels).unwrap_or(u32::MAX);
        let frames = usize::try_from(deck.block(wanted)).unwrap_or(0);
        let taken = if frames == 0 { rest.len() } else { frames * channels };
        let (now, later) = rest.split_at_mut(taken);
        for (index, sample) in now.iter_mut().enumerate() {
            let (frame, channel) = (index / channels, index % channels);
            let output = deck.output();
            // A mono plug-in is heard on both sides.
            let from = output.get(channel).or_else(|| output.first().filter(|_| output.len() == 1));
            let value = from.filter(|_| frames > 0).and_then(|from| from.get(frame)).copied().unwrap_or(0.0);
            *sample = T::from_sample(value);
        }
        rest = later;
    }
}
