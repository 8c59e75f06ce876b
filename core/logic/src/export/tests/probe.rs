//! A plug-in that does what tests look at.

use std::sync::Arc;

use crate::params::{
    BoolParam, BoolSpec, FilePath, FloatParam, FloatRange, FloatSpec, Keep, Meter, MeterSpec, ParamFlags,
    ParamsBuilder, Persist, PersistSpec, Scope, Smoothing, Unit,
};
use crate::*;

pub struct Osc {
    pub detune: FloatParam,
}

impl Params for Osc {
    fn build(b: &mut ParamsBuilder<'_>) -> Self {
        let range = FloatRange::linear(-50.0..=50.0);
        let spec =
            FloatSpec { range, unit: Unit::Cents, group: Some("Tune"), ..FloatSpec::new("detune", "Detune") };
        Self { detune: b.float(spec) }
    }
}

pub struct ProbeParams {
    pub gain: FloatParam,
    pub _bypass: BoolParam,
    pub osc: [Osc; 2],
    pub file: Persist<FilePath>,
    pub ui: Keep<u32>,
    pub out: Meter<2>,
}

impl Params for ProbeParams {
    fn build(b: &mut ParamsBuilder<'_>) -> Self {
        let gain = FloatSpec {
            was: &["level"],
            range: FloatRange::linear(-60.0..=6.0),
            unit: Unit::Db,
            smooth: Smoothing::linear(10.0),
            flags: ParamFlags::AUTOMATABLE.with(ParamFlags::MODULATABLE),
            ..FloatSpec::new("gain", "Gain")
        };
        let bypass = ParamFlags::AUTOMATABLE.with(ParamFlags::BYPASS);
        Self {
            gain: b.float(gain),
            _bypass: b.bool(BoolSpec { flags: bypass, ..BoolSpec::new("bypass", "Bypass") }),
            osc: b.nested_array("osc", Some("Osc {n}")),
            file: b.persist(PersistSpec { scope: Scope::Project, ..PersistSpec::new("file") }),
            ui: b.keep("ui"),
            out: b.meter(MeterSpec { peak: true, ..MeterSpec::new("out") }),
        }
    }
}

pub struct Probe {
    pub params: Arc<ProbeParams>,
    changed: u32,
}

impl PluginLogic64 for Probe {
    type Params = ProbeParams;
    const INFO: PluginInfo = PluginInfo {
        features: &[Feature::STEREO, Feature::STEREO, Feature::UTILITY],
        own_state: true,
        ..PluginInfo::new("org.example.probe", "Probe")
    };
    const NOTES: NotePorts = NotePorts::THROUGH;
    const STATE_VERSION: u32 = 2;

    fn create(params: Arc<ProbeParams>, cx: &CreateContext<'_>) -> Self {
        cx.log(Level::Info, &format!("{:?} in {} by {}", cx.reason(), cx.host(), cx.format()));
        Self { params, changed: 0 }
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f64>,
        events: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        let beats = cx.transport().and_then(|transport| transport.beats()).unwrap_or(-1.0);
        let gain = self.params.gain.value();
        for channel in buffer.in_place().iter_mut() {
            channel.iter_mut().for_each(|sample| *sample = *sample * gain + beats);
        }
        for event in events.iter() {
            let _ = cx.send(event);
        }
        let _ = cx.set_param(0, &self.params.osc[0].detune, 99.0);
        self.params.out.set(0, 0.5);
        rt_log!(cx, "first: {:?}, changed: {}", cx.first_block(), self.changed);
        ProcessStatus::Active
    }

    fn latency(&self) -> u32 {
        7
    }
    fn tail(&self) -> Tail {
        Tail::Infinite
    }
    fn state_changed(&mut self) {
        self.changed += 1;
    }
    fn snapshot(&self, out: &mut SnapshotWriter<'_>) {
        out.put("changed", &self.changed);
    }
    fn restore(&mut self, from: &SnapshotReader<'_>) -> Replay {
        match from.get("changed") {
            Some(changed) => {
                self.changed = changed;
                Replay::Nothing
            }
            None => Replay::HeldNotes,
        }
    }
    fn save_state(params: &ProbeParams, out: &mut StateWriter<'_>) {
        out.put("file length", &params.file.get().0.len());
    }
    fn load_state(_params: &ProbeParams, from: &mut StateReader<'_>) -> Result<(), StateError> {
        match from.get::<usize>("file length")? {
            Some(length) if length > 100 => Err(StateError::new("the file's name is too long")),
            _ => Ok(()),
        }
    }
    fn migrate_state(state: &mut StateDoc) -> Result<(), StateError> {
        match state.version() {
            0 => Err(StateError::new("version 0 was never released")),
            _ => {
                state.rename_param("level", "gain");
                Ok(())
            }
        }
    }
    fn import_state(bytes: &[u8]) -> Option<StateDoc> {
        let mut state = StateDoc::new();
        state.set_number("gain", f64::from(*bytes.first()?));
        state.set_field("file", "old.wav").ok()?;
        Some(state)
    }
}
