//! A polyphonic synthesizer: sixteen voices, one oscillator, one envelope and one filter each; CLAP and MIDI notes, the
//! sustain pedal, per-voice modulation of the cutoff.
//!
//! Called by: hosts, through what `plugin!` exports. Calls: hotshell. Threads: the tags at each item of
//! `hotshell::prelude::PluginLogic`.

mod editor;
mod envelope;
mod filter;
mod oscillator;
#[cfg(test)]
mod tests;
mod voice;

use hotshell::prelude::*;

use crate::envelope::Times;
use crate::oscillator::Wave;
use crate::voice::{Controls, Voice};

const VOICES: usize = 16;
/// Frames between two looks at what moves slowly (cutoff, envelope times).
const CONTROL: usize = 32;

#[derive(Params)]
struct SynthParams {
    #[param(id = "wave", name = "Waveform", default = Wave::Saw, group = "Oscillator")]
    wave: EnumParam<Wave>,
    #[param(id = "attack", range = log(1.0..=5000.0), default = 5.0, unit = ms, group = "Envelope")]
    attack: FloatParam,
    #[param(id = "decay", range = log(1.0..=5000.0), default = 200.0, unit = ms, group = "Envelope")]
    decay: FloatParam,
    #[param(id = "sustain", default = 0.7, unit = percent, group = "Envelope")]
    sustain: FloatParam,
    #[param(id = "release", range = log(1.0..=10_000.0), default = 250.0, unit = ms, group = "Envelope")]
    release: FloatParam,
    #[param(
        id = "cutoff", range = log(20.0..=20_000.0), default = 6000.0, unit = hz, smooth = log(20.0),
        modulatable = poly, automatable = poly, group = "Filter", page = "Filter"
    )]
    cutoff: FloatParam,
    #[param(id = "resonance", default = 0.2, unit = percent, group = "Filter", page = "Filter")]
    resonance: FloatParam,
    #[param(id = "gain", range = linear(-36.0..=6.0), default = -12.0, unit = db, smooth = linear(10.0))]
    gain: FloatParam,
    #[meter(id = "out", peak)]
    out: Meter<2>,
    /// The keys that are held, by MIDI number, for the picture of the keyboard.
    #[meter(id = "keys")]
    keys: Meter<128>,
}

struct Synth {
    params: Arc<SynthParams>,
    voices: [Voice; VOICES],
    cutoff: VoiceMods<VOICES>,
    /// Sustain pedals, one bit for each MIDI channel.
    pedals: u16,
    /// Pitch bend in semitones, for each MIDI channel.
    bend: [f32; 16],
    /// Counts notes, to know the oldest.
    notes: u64,
    /// The keys that the editor was shown as held, a bit each; `None`: what a build before this one showed.
    shown: Option<u128>,
}

impl PluginLogic for Synth {
    type Params = SynthParams;
    const INFO: PluginInfo = PluginInfo {
        vendor: "hotshell",
        version: env!("CARGO_PKG_VERSION"),
        description: "A polyphonic synthesizer of sixteen voices",
        features: &[Feature::INSTRUMENT, Feature::SYNTHESIZER, Feature::STEREO],
        voices: 16,
        overlapping_notes: true,
        ..PluginInfo::new("org.hotshell.synth", "hotshell Synth")
    };
    const BUSES: &'static [BusLayout] = BusLayout::STEREO_OUT;
    const NOTES: NotePorts = NotePorts::MPE;

    fn create(params: Arc<SynthParams>, _cx: &CreateContext<'_>) -> Self {
        let cutoff = VoiceMods::new(&params.cutoff);
        Self {
            params,
            voices: [Voice::default(); VOICES],
            cutoff,
            pedals: 0,
            bend: [0.0; 16],
            notes: 0,
            shown: None,
        }
    }

    fn clear(&mut self) {
        self.voices = [Voice::default(); VOICES];
        (self.pedals, self.bend) = (0, [0.0; 16]);
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        events: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        let mut out = buffer.output();
        let Some((left, right)) = out.pair() else { return ProcessStatus::Quiet };
        left.fill(0.0);
        right.fill(0.0);
        for (range, events) in events.runs(left.len()) {
            for event in events.iter() {
                self.event(&event, cx);
            }
            for start in range.clone().step_by(CONTROL) {
                let piece = start..(start + CONTROL).min(range.end);
                self.render(&mut left[piece.clone()], &mut right[piece], start, cx);
            }
        }
        self.params.out.peak(0, left, cx.sample_rate());
        self.params.out.peak(1, right, cx.sample_rate());
        self.show_keys();
        if self.voices.iter().any(Voice::sounds) {
            return ProcessStatus::Active;
        }
        buffer.silence();
        ProcessStatus::Quiet
    }

    fn editor(params: &Arc<SynthParams>) -> Option<Editor> {
        Some(editor::editor(params))
    }
}

impl Synth {
    fn event(&mut self, event: &Event<'_>, cx: &mut ProcessContext<'_>) {
        match *event {
            Event::NoteOn { time, note, velocity, replay } => self.note_on(time, note, velocity, replay, cx),
            Event::NoteOff { note, .. } => {
                let pedals = self.pedals;
                self.each(note, |voice| voice.key_up(pedals & channel_bit(voice.note.channel) != 0));
            }
            Event::Choke { time, note } => {
                for voice in
                    self.voices.iter_mut().filter(|voice| voice.sounds() && note.matches(&voice.note))
                {
                    // A full queue costs the host a little memory until its next reset, no more.
                    let _ = cx.note_end(time, voice.note);
                    *voice = Voice::default();
                }
            }
            Event::Expression { note, expression, value, .. } => {
                self.each(note, |voice| voice.express(expression, value));
            }
            Event::Midi { bytes, .. } => self.midi(bytes),
            _ => self.cutoff.event(event, |i| self.voices[i].sounds().then_some(self.voices[i].note)),
        }
    }

    fn show_keys(&mut self) {
        let held = self.voices.iter().filter(|voice| voice.sounds() && voice.held());
        let keys = held.fold(0, |keys, voice| keys | key_bit(voice.note.key));
        if self.shown != Some(keys) {
            self.shown = Some(keys);
            (0..128).for_each(|key| self.params.keys.set(key, (keys >> key & 1) as f32));
        }
    }

    fn each(&mut self, note: NoteRef, change: impl Fn(&mut Voice)) {
        self.voices.iter_mut().filter(|voice| voice.sounds() && note.matches(&voice.note)).for_each(change);
    }

    fn note_on(
        &mut self,
        time: u32,
        note: NoteRef,
        velocity: f32,
        replay: Option<u64>,
        cx: &mut ProcessContext<'_>,
    ) {
        let place = self.place();
        let voice = &mut self.voices[place];
        if voice.sounds() {
            // The host must know that the stolen voice is gone.
            let _ = cx.note_end(time, voice.note);
        }
        self.notes += 1;
        voice.start(note, velocity, self.notes);
        if let Some(age) = replay {
            voice.skip(age, &times(&self.params, cx.sample_rate()));
        }
        self.cutoff.start(place);
    }

    /// A silent voice, or the one that is missed least: the oldest of the released ones, else the oldest.
    fn place(&self) -> usize {
        let missed = |voice: &Voice| (voice.sounds(), voice.held(), voice.number);
        (0..VOICES).min_by_key(|i| missed(&self.voices[*i])).unwrap_or(0)
    }

    fn midi(&mut self, [status, first, second]: [u8; 3]) {
        let (channel, bit) = (i16::from(status & 0x0f), 1 << (status & 0x0f));
        match (status & 0xf0, first) {
            (0xe0, _) => {
                let wheel = i32::from(second & 0x7f) << 7 | i32::from(first & 0x7f);
                self.bend[usize::from(status & 0x0f)] = (wheel - 8192) as f32 / 8192.0 * 2.0;
            }
            (0xb0, 64) if second >= 64 => self.pedals |= bit,
            (0xb0, 64) => {
                self.pedals &= !bit;
                self.voices.iter_mut().filter(|v| v.note.channel == channel).for_each(Voice::pedal_up);
            }
            (0xb0, 120) => {
                let channel = self.voices.iter_mut().filter(|v| v.note.channel == channel);
                channel.for_each(|voice| *voice = Voice::default());
            }
            (0xb0, 123) => {
                self.voices.iter_mut().filter(|v| v.note.channel == channel).for_each(|v| v.key_up(false));
            }
            _ => {}
        }
    }

    /// Adds all voices to a short piece that begins `at` frames into the sub-block.
    fn render(&mut self, left: &mut [f32], right: &mut [f32], at: usize, cx: &mut ProcessContext<'_>) {
        let params = &self.params;
        let common = params.cutoff.smoothed.skip(left.len());
        let times = times(params, cx.sample_rate());
        for (i, voice) in self.voices.iter_mut().enumerate().filter(|(_, voice)| voice.sounds()) {
            let controls = Controls {
                sample_rate: cx.sample_rate() as f32,
                wave: params.wave.value(),
                times,
                // What is the voice's own comes on top of the smoothed common value.
                cutoff: (common + self.cutoff.value(i, &params.cutoff) - params.cutoff.value()) as f32,
                resonance: params.resonance.value() as f32,
                bend: usize::try_from(voice.note.channel)
                    .ok()
                    .and_then(|c| self.bend.get(c))
                    .map_or(0.0, |b| *b),
            };
            voice.render(left, right, &controls);
            if !voice.sounds() {
                let time = u32::try_from(at + left.len() - 1).unwrap_or(0);
                let _ = cx.note_end(time, voice.note);
            }
        }
        for (left, right) in left.iter_mut().zip(right) {
            let gain = 10.0_f32.powf(params.gain.smoothed.next() / 20.0);
            (*left, *right) = (*left * gain, *right * gain);
        }
    }
}

fn key_bit(key: i16) -> u128 {
    u32::try_from(key).ok().and_then(|key| 1_u128.checked_shl(key)).unwrap_or(0)
}

fn channel_bit(channel: i16) -> u16 {
    u32::try_from(channel).ok().and_then(|channel| 1_u16.checked_shl(channel)).unwrap_or(0)
}

fn times(params: &SynthParams, sample_rate: f64) -> Times {
    let frames = |ms: f64| (ms * sample_rate / 1000.0).max(1.0) as f32;
    Times {
        attack: frames(params.attack.value()),
        decay: frames(params.decay.value()),
        sustain: params.sustain.value() as f32,
        release: frames(params.release.value()),
    }
}

hotshell::plugin!(Synth);
