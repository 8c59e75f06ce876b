//! The plug-in under test, with a copy of its shared half put where the Rig finds it.
//!
//! Called by: the shell, through the same table as any logic's. Calls: the author. Threads: as the author's.

use std::any::Any;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;

use hotshell_abi::Sample;
use hotshell_logic::{
    AudioBuffer, AudioConfig, BusLayout, CreateContext, EventList, Handover, NotePorts, PluginInfo,
    PluginLogicCore, ProcessContext, ProcessStatus, Replay, SnapshotReader, SnapshotWriter, Split, StateDoc,
    StateError, StateReader, StateWriter, Tail,
};

thread_local! {
    /// The shared half that `create` saw last on this thread.
    static SEEN: RefCell<Option<Arc<dyn Any + Send + Sync>>> = const { RefCell::new(None) };
}

/// The shared half of the instance that this thread made last.
pub(super) fn take_params<T: Any + Send + Sync>() -> Option<Arc<T>> {
    SEEN.take()?.downcast().ok()
}

pub(super) struct Spy<P, S>(P, PhantomData<S>);

impl<P: PluginLogicCore<S>, S: Sample> PluginLogicCore<S> for Spy<P, S> {
    type Params = P::Params;
    const INFO: PluginInfo = P::INFO;
    const BUSES: &'static [BusLayout] = P::BUSES;
    const NOTES: NotePorts = P::NOTES;
    const SPLIT: Split = P::SPLIT;
    const HANDOVER: Handover = P::HANDOVER;
    const WARM_UP: u32 = P::WARM_UP;
    const STATE_VERSION: u32 = P::STATE_VERSION;

    fn create(params: Arc<P::Params>, cx: &CreateContext<'_>) -> Self {
        SEEN.set(Some(Arc::clone(&params) as Arc<dyn Any + Send + Sync>));
        Self(P::create(params, cx), PhantomData)
    }
    fn reset(&mut self, config: &AudioConfig) {
        self.0.reset(config);
    }
    fn clear(&mut self) {
        self.0.clear();
    }
    #[inline]
    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, S>,
        events: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        self.0.process(buffer, events, cx)
    }
    fn latency(&self) -> u32 {
        self.0.latency()
    }
    fn tail(&self) -> Tail {
        self.0.tail()
    }
    fn state_changed(&mut self) {
        self.0.state_changed();
    }
    fn snapshot(&self, out: &mut SnapshotWriter<'_>) {
        self.0.snapshot(out);
    }
    fn restore(&mut self, from: &SnapshotReader<'_>) -> Replay {
        self.0.restore(from)
    }
    fn save_state(params: &P::Params, out: &mut StateWriter<'_>) {
        P::save_state(params, out);
    }
    fn load_state(params: &P::Params, from: &mut StateReader<'_>) -> Result<(), StateError> {
        P::load_state(params, from)
    }
    fn migrate_state(state: &mut StateDoc) -> Result<(), StateError> {
        P::migrate_state(state)
    }
    fn import_state(bytes: &[u8]) -> Option<StateDoc> {
        P::import_state(bytes)
    }

    fn editor(params: &Arc<Self::Params>) -> Option<hotshell_logic::Editor> {
        super::editor::stand_in().or_else(|| P::editor(params))
    }
}
