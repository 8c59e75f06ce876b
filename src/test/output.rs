//! What came out of a run.
//!
//! Called by: authors' tests. Calls: nothing. Threads: [any].

use hotshell_abi::Sample;

/// All output channels of a run, the main bus first.
#[derive(Clone, PartialEq, Debug)]
pub struct Output<S> {
    pub(super) channels: Vec<Vec<S>>,
}

impl<S: Sample> Output<S> {
    /// Channel `i`.
    ///
    /// # Panics
    /// If the layout has no such channel.
    #[must_use]
    pub fn channel(&self, i: usize) -> &[S] {
        &self.channels[i]
    }

    /// Number of channels.
    #[must_use]
    pub const fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Frames of the run.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// The last sample of the first channel; 0 without any.
    #[must_use]
    pub fn last(&self) -> S {
        self.channels.first().and_then(|channel| channel.last()).copied().unwrap_or(S::ZERO)
    }

    /// The largest magnitude in any channel, linear.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.samples().fold(0.0, |peak, sample| peak.max(sample.abs()))
    }

    /// The root of the mean square of all channels, linear.
    #[must_use]
    pub fn rms(&self) -> f64 {
        let (sum, count) = self.samples().fold((0.0, 0.0), |(sum, count), x| (sum + x * x, count + 1.0));
        if count > 0.0 { f64::sqrt(sum / count) } else { 0.0 }
    }

    /// The largest step between two neighbouring samples of a channel, linear: clicks show here.
    #[must_use]
    pub fn largest_step(&self) -> f64 {
        let steps = self.channels.iter().flat_map(|channel| channel.windows(2));
        steps.fold(0.0, |largest, pair| largest.max((pair[1] - pair[0]).to_f64().abs()))
    }

    /// True if every sample is exactly 0.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.peak() == 0.0
    }

    fn samples(&self) -> impl Iterator<Item = f64> {
        self.channels.iter().flatten().map(|sample| sample.to_f64())
    }
}
