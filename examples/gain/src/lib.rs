//! A gain with a meter, a trim per channel that is no parameter, and an optional look-ahead limiter that changes the
//! latency; and a window for it, which `--no-default-features` leaves out.
//!
//! Called by: hosts, through what `plugin!` exports. Calls: hotshell. Threads: the tags at each item of
//! `hotshell::prelude::PluginLogic`.

mod limiter;
#[cfg(test)]
mod tests;

#[cfg(feature = "editor")]
use hotshell::editor::egui::{self, build_label, knob, meter, toggle};
use hotshell::prelude::*;

use crate::limiter::Limiter;

#[derive(Params)]
struct GainParams {
    #[param(id = "gain", range = linear(-60.0..=12.0), default = 0.0, unit = db, smooth = linear(10.0), modulatable)]
    gain: FloatParam,
    /// Keeps peaks under 0 dBFS, at the price of 5 ms.
    #[param(id = "look-ahead", name = "Look-ahead limiter", no_split)]
    look_ahead: BoolParam,
    #[param(id = "bypass", bypass)]
    bypass: BoolParam,
    #[persist(id = "trim", scope = project)]
    trim: Persist<Trim>,
    #[meter(id = "out", peak)]
    out: Meter<2>,
}

/// Set once for a room, so not in presets and not automated.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(crate = "hotshell::serde", default)]
struct Trim {
    /// Decibels for each channel.
    db: [f32; 2],
}

struct Gain {
    params: Arc<GainParams>,
    limiter: Limiter,
    gains: Vec<f32>,
}

impl PluginLogic for Gain {
    type Params = GainParams;
    const INFO: PluginInfo = PluginInfo {
        vendor: "hotshell",
        version: env!("CARGO_PKG_VERSION"),
        description: "A gain with a meter and an optional look-ahead limiter",
        features: &[Feature::AUDIO_EFFECT, Feature::UTILITY, Feature::STEREO],
        ..PluginInfo::new("org.hotshell.gain", "hotshell Gain")
    };

    fn create(params: Arc<GainParams>, _cx: &CreateContext<'_>) -> Self {
        Self { params, limiter: Limiter::default(), gains: Vec::new() }
    }

    fn reset(&mut self, config: &AudioConfig) {
        self.limiter.resize(config.sample_rate);
        self.gains = vec![0.0; config.max_frames as usize];
    }

    fn clear(&mut self) {
        self.limiter.clear();
        self.params.out.clear();
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _events: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        let params = &self.params;
        let gains = &mut self.gains[..buffer.frames()];
        if params.gain.smoothed.is_moving() {
            params.gain.smoothed.next_block(gains);
            gains.iter_mut().for_each(|gain| *gain = linear(*gain));
        } else {
            gains.fill(linear(params.gain.smoothed.next()));
        }

        let mut channels = buffer.in_place();
        let trim = *params.trim.get();
        for (channel, db) in channels.iter_mut().zip(trim.db) {
            let trim = linear(db);
            for (sample, gain) in channel.iter_mut().zip(&*gains) {
                *sample *= gain * trim;
            }
        }
        if params.look_ahead.value() {
            self.limiter.process(&mut channels);
        }
        for (i, channel) in channels.iter_mut().enumerate() {
            params.out.peak(i, channel, cx.sample_rate());
        }
        ProcessStatus::Active
    }

    #[cfg(feature = "editor")]
    fn editor(params: &Arc<GainParams>) -> Option<Editor> {
        let params = Arc::clone(params);
        Some(egui::editor(320, 176, move |ui, cx| draw(ui, &params, cx)))
    }

    fn latency(&self) -> u32 {
        if self.params.look_ahead.value() { self.limiter.latency() } else { 0 }
    }

    fn tail(&self) -> Tail {
        Tail::Frames(u64::from(self.latency()))
    }

    fn snapshot(&self, out: &mut SnapshotWriter<'_>) {
        self.limiter.snapshot(out);
    }

    fn restore(&mut self, from: &SnapshotReader<'_>) -> Replay {
        self.limiter.restore(from);
        Replay::Nothing
    }
}

/// The window.
#[cfg(feature = "editor")]
fn draw(ui: &mut egui::egui::Ui, params: &GainParams, cx: &EditorContext) {
    ui.horizontal(|ui| {
        ui.add(knob(cx, &params.gain));
        ui.add(meter(&params.out));
        ui.vertical(|ui| {
            toggle(ui, cx, &params.look_ahead);
            toggle(ui, cx, &params.bypass);
        });
    });
    build_label(ui, cx);
}

/// Linear gain of decibels.
fn linear(db: f32) -> f32 {
    10.0_f32.powf(db / 20.0)
}

hotshell::plugin!(Gain);
