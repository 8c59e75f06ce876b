//! A limiter that looks 5 ms ahead: the gain is down before the peak comes out of the delay.
//!
//! Called by: `Gain`. Calls: nothing. Threads: [audio]; `resize` [main] [reload].

use hotshell::prelude::*;

/// Seconds that it looks ahead.
const AHEAD: f64 = 0.005;
/// Channels that the plug-in's layouts have at most.
const CHANNELS: usize = 2;

#[derive(Default)]
pub struct Limiter {
    /// One delay line per channel, one after the other.
    lines: Vec<f32>,
    /// Length of one, = the latency.
    length: usize,
    at: usize,
    /// The loudest sample inside the delay, and for how many frames it counts yet.
    peak: f32,
    hold: usize,
    gain: f32,
    /// How far the gain moves towards its target in a frame.
    speed: f32,
}

impl Limiter {
    /// Sizes the delay for a rate in Hz.
    pub fn resize(&mut self, sample_rate: f64) {
        self.length = ((sample_rate * AHEAD) as usize).max(1);
        self.lines = vec![0.0; self.length * CHANNELS];
        // 0.1 % short of the target after half the delay; `process` clips the rest.
        self.speed = 1.0 - 0.001_f32.powf(2.0 / self.length as f32);
        self.clear();
    }

    /// Forgets all sound.
    pub fn clear(&mut self) {
        self.lines.fill(0.0);
        (self.at, self.peak, self.hold, self.gain) = (0, 0.0, 0, 1.0);
    }

    /// Frames of delay.
    pub fn latency(&self) -> u32 {
        u32::try_from(self.length).unwrap_or(0)
    }

    /// Delays and limits all channels by one common gain.
    pub fn process(&mut self, channels: &mut ChannelsMut<'_, f32>) {
        for frame in 0..channels.frames() {
            let loudest = channels.iter_mut().map(|channel| channel[frame].abs()).fold(0.0, f32::max);
            if loudest >= self.peak || self.hold == 0 {
                (self.peak, self.hold) = (loudest, self.length);
            } else {
                self.hold -= 1;
            }
            self.gain += (1.0 / self.peak.max(1.0) - self.gain) * self.speed;
            for (channel, line) in channels.iter_mut().zip(self.lines.chunks_exact_mut(self.length)) {
                let delayed = std::mem::replace(&mut line[self.at], channel[frame]);
                channel[frame] = (delayed * self.gain).clamp(-1.0, 1.0);
            }
            self.at = (self.at + 1) % self.length;
        }
    }

    /// Hands the delay on to the next build.
    pub fn snapshot(&self, out: &mut SnapshotWriter<'_>) {
        out.put_slice("limiter.lines", &self.lines);
        out.put("limiter.at", &(self.at as u64));
        out.put_slice("limiter.gain", &[self.peak, self.gain]);
    }

    /// Takes over the old build's delay, if it is as long.
    pub fn restore(&mut self, from: &SnapshotReader<'_>) {
        let mut gain = [0.0; 2];
        let at = from.get::<u64>("limiter.at").and_then(|at| usize::try_from(at).ok());
        let (Some(at), true) = (at, from.get_slice("limiter.gain", &mut gain)) else { return };
        if at < self.length && from.get_slice("limiter.lines", &mut self.lines) {
            ([self.peak, self.gain], self.at, self.hold) = (gain, at, self.length);
        }
    }
}
