//! A plug-in whose every function panics, with the function's name as the message.

use std::fmt::{self, Write};
use std::sync::Arc;

use crate::params::{FloatParam, FloatSpec, ParamText, ParamsBuilder, PersistSpec, TextFns};
use crate::*;

pub struct BombParams {
    /// Read after one whose decoder panics.
    pub behind: params::Persist<u32>,
    _fused: FloatParam,
}

struct BombText;

impl ParamText for BombText {
    fn format(_value: f64, _out: &mut dyn Write) -> fmt::Result {
        panic!("in format")
    }
    fn parse(_text: &str) -> Option<f64> {
        panic!("in parse")
    }
}

/// Decodes with a panic.
#[derive(Default)]
struct Trap;

impl serde::Serialize for Trap {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> serde::Deserialize<'de> for Trap {
    fn deserialize<D: serde::Deserializer<'de>>(_deserializer: D) -> Result<Self, D::Error> {
        panic!("in sync")
    }
}

impl Params for BombParams {
    fn build(b: &mut ParamsBuilder<'_>) -> Self {
        let _trap: params::Persist<Trap> = b.persist(PersistSpec::new("trap"));
        Self {
            behind: b.persist(PersistSpec::new("behind")),
            _fused: b.float(FloatSpec { text: Some(TextFns::of::<BombText>()), ..FloatSpec::new("x", "X") }),
        }
    }
}

pub struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in drop")
    }
}

impl PluginLogic for Bomb {
    type Params = BombParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.bomb", "Bomb");

    fn create(_params: Arc<BombParams>, cx: &CreateContext<'_>) -> Self {
        assert_ne!(cx.format(), "panic", "in create");
        Self
    }
    fn reset(&mut self, _config: &AudioConfig) {
        panic!("in reset")
    }
    fn clear(&mut self) {
        panic!("in clear")
    }
    fn process(
        &mut self,
        _buffer: &mut AudioBuffer<'_, f32>,
        _events: &EventList<'_>,
        _cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        panic!("in {}", "process")
    }
    fn state_changed(&mut self) {
        panic!("in state_changed")
    }
    fn snapshot(&self, _out: &mut SnapshotWriter<'_>) {
        panic!("in snapshot")
    }
    fn restore(&mut self, _from: &SnapshotReader<'_>) -> Replay {
        panic!("in restore")
    }
    fn save_state(_params: &BombParams, _out: &mut StateWriter<'_>) {
        panic!("in save_state")
    }
    fn load_state(_params: &BombParams, _from: &mut StateReader<'_>) -> Result<(), StateError> {
        panic!("in load_state")
    }
    fn migrate_state(_state: &mut StateDoc) -> Result<(), StateError> {
        panic!("in migrate_state")
    }
    fn import_state(_bytes: &[u8]) -> Option<StateDoc> {
        panic!("in import_state")
    }
}

/// Its parameters cannot even be described.
pub struct Dud;

pub struct DudParams;

impl Params for DudParams {
    fn build(_b: &mut ParamsBuilder<'_>) -> Self {
        panic!("in build")
    }
}

impl PluginLogic for Dud {
    type Params = DudParams;
    const INFO: PluginInfo = PluginInfo::new("org.example.dud", "Dud");
    fn create(_params: Arc<DudParams>, _cx: &CreateContext<'_>) -> Self {
        Self
    }
    fn process(
        &mut self,
        _buffer: &mut AudioBuffer<'_, f32>,
        _events: &EventList<'_>,
        _cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        ProcessStatus::Quiet
    }
}
