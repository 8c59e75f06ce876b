//! The traits that an author implements.
//!
//! Called by: `export/thunk`. Calls: the author. Threads: the tag at each item.

use std::sync::Arc;

use hotshell_abi::{AudioConfig, Sample};

use crate::buffer::AudioBuffer;
use crate::bus::{BusLayout, NotePorts};
use crate::context::{CreateContext, ProcessContext};
use crate::editor::Editor;
use crate::events::EventList;
use crate::info::{Handover, PluginInfo, ProcessStatus, Replay, Split, Tail};
use crate::params::Params;
use crate::snapshot::{SnapshotReader, SnapshotWriter};
use crate::state::{StateDoc, StateError, StateReader, StateWriter};

/// A plug-in that works in single precision. The audio half: `Self` is owned by one thread at a time, so nothing of it is
/// ever locked.
///
/// Order guaranteed: values bound, `create`, `reset`, then blocks. Before a swap's first block: `create`, `reset`, a few
/// silent blocks, `clear`, `restore`. `Drop` runs on [reload] or [main], may block, and is always reached.
pub trait PluginLogic: Send + Sized + 'static {
    /// The shared half.
    type Params: Params;
    /// Name, maker, kind.
    const INFO: PluginInfo;
    /// Layouts it can run in, the preferred one first.
    const BUSES: &'static [BusLayout] = BusLayout::STEREO_OR_MONO;
    /// Note ports.
    const NOTES: NotePorts = NotePorts::NONE;
    /// How parameter events divide a block.
    const SPLIT: Split = Split::AtAutomation { min_frames: 16 };
    /// How a new build takes over while it plays.
    const HANDOVER: Handover = Handover::Auto;
    /// Frames that a new instance runs unheard before it is faded in, beyond its latency; 500 ms at most count.
    const WARM_UP: u32 = 0;
    /// The author's version of the saved state; counted up when `migrate_state` has something to do.
    const STATE_VERSION: u32 = 0;

    /// Makes the audio half. Values and persistent fields are bound already. May allocate, read files, block.
    /// Repeatable: it runs for every build, every instance and every trial (`cx.reason()`). [main] [reload]
    fn create(params: Arc<Self::Params>, cx: &CreateContext<'_>) -> Self;

    /// Sizes everything for this configuration; may allocate. Runs while inactive, before the first block and whenever
    /// the configuration changes. [main] [reload]
    fn reset(&mut self, config: &AudioConfig) {
        let _ = config;
    }

    /// Forgets all sound: no voices, no tails, no history. Must not allocate. [audio]
    fn clear(&mut self) {}

    /// One sub-block: reads `buffer`'s inputs and `events`, writes every output sample. Real time: no allocation, lock,
    /// wait, file or print. Parameters hold the values of this sub-block. [audio]
    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        events: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus;

    /// Latency in frames: a field read. Asked after `create`, `reset` and each block. A new latency is used at once and
    /// reported here; do not wait for the host. [audio] [main] [reload]
    fn latency(&self) -> u32 {
        0
    }

    /// How long it sounds on after its input ends. Asked as `latency` is. [audio] [main] [reload]
    fn tail(&self) -> Tail {
        Tail::None
    }

    /// Once, before the first block that sees the values of a state load. [audio]
    fn state_changed(&mut self) {}

    /// Hands what should play on to the next build: keyed plain data, 256 KiB in all. A comfort for the ear, never saved
    /// data. In the block of the swap. [audio]
    fn snapshot(&self, out: &mut SnapshotWriter<'_>) {
        let _ = out;
    }

    /// Takes over what the old build handed on. Missing and resized keys are normal: the old build may be any version.
    /// Says whether held notes still need to be played again. In the block of the swap, before its `process`. [audio]
    fn restore(&mut self, from: &SnapshotReader<'_>) -> Replay {
        let _ = from;
        Replay::HeldNotes
    }

    /// Saves what parameters and persistent fields cannot hold; set `own_state` in `INFO` to be asked. The shared half
    /// only: the audio half is never saved. [main]
    fn save_state(params: &Self::Params, out: &mut StateWriter<'_>) {
        let _ = (params, out);
    }

    /// Reads what `save_state` wrote.
    ///
    /// # Errors
    /// [`StateError`] with a sentence for the user: then the whole load is refused and nothing is changed. [main]
    fn load_state(params: &Self::Params, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let _ = (params, from);
        Ok(())
    }

    /// Makes the document of an older `STATE_VERSION` current, before anything of it is applied. [main]
    ///
    /// # Errors
    /// [`StateError`]: the load is refused and nothing is changed.
    fn migrate_state(state: &mut StateDoc) -> Result<(), StateError> {
        let _ = state;
        Ok(())
    }

    /// Reads bytes that are not hotshell's: the plug-in's past in another framework. `None`: not known. Set
    /// `imports_state` in `INFO` to be asked. [main]
    fn import_state(bytes: &[u8]) -> Option<StateDoc> {
        let _ = bytes;
        None
    }

    /// The window, if it has one: a size and how to build it. Receiverless: a window never sees the audio half. Asked for
    /// each opening, and when the host wants to know the size. [main] [editor]
    fn editor(params: &Arc<Self::Params>) -> Option<Editor> {
        let _ = params;
        None
    }
}

/// A plug-in that works in double precision: [`PluginLogic`] with `f64`. A type implements one of the two, never both.
pub trait PluginLogic64: Send + Sized + 'static {
    /// The shared half.
    type Params: Params;
    /// Name, maker, kind.
    const INFO: PluginInfo;
    /// Layouts it can run in, the preferred one first.
    const BUSES: &'static [BusLayout] = BusLayout::STEREO_OR_MONO;
    /// Note ports.
    const NOTES: NotePorts = NotePorts::NONE;
    /// How parameter events divide a block.
    const SPLIT: Split = Split::AtAutomation { min_frames: 16 };
    /// How a new build takes over while it plays.
    const HANDOVER: Handover = Handover::Auto;
    /// Frames that a new instance runs unheard before it is faded in, beyond its latency; 500 ms at most count.
    const WARM_UP: u32 = 0;
    /// The author's version of the saved state; counted up when `migrate_state` has something to do.
    const STATE_VERSION: u32 = 0;

    /// Makes the audio half. Values and persistent fields are bound already. May allocate, read files, block.
    /// Repeatable: it runs for every build, every instance and every trial (`cx.reason()`). [main] [reload]
    fn create(params: Arc<Self::Params>, cx: &CreateContext<'_>) -> Self;

    /// Sizes everything for this configuration; may allocate. Runs while inactive, before the first block and whenever
    /// the configuration changes. [main] [reload]
    fn reset(&mut self, config: &AudioConfig) {
        let _ = config;
    }

    /// Forgets all sound: no voices, no tails, no history. Must not allocate. [audio]
    fn clear(&mut self) {}

    /// One sub-block: reads `buffer`'s inputs and `events`, writes every output sample. Real time: no allocation, lock,
    /// wait, file or print. Parameters hold the values of this sub-block. [audio]
    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f64>,
        events: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus;

    /// Latency in frames: a field read. Asked after `create`, `reset` and each block. A new latency is used at once and
    /// reported here; do not wait for the host. [audio] [main] [reload]
    fn latency(&self) -> u32 {
        0
    }

    /// How long it sounds on after its input ends. Asked as `latency` is. [audio] [main] [reload]
    fn tail(&self) -> Tail {
        Tail::None
    }

    /// Once, before the first block that sees the values of a state load. [audio]
    fn state_changed(&mut self) {}

    /// Hands what should play on to the next build: keyed plain data, 256 KiB in all. A comfort for the ear, never saved
    /// data. In the block of the swap. [audio]
    fn snapshot(&self, out: &mut SnapshotWriter<'_>) {
        let _ = out;
    }

    /// Takes over what the old build handed on. Missing and resized keys are normal: the old build may be any version.
    /// Says whether held notes still need to be played again. In the block of the swap, before its `process`. [audio]
    fn restore(&mut self, from: &SnapshotReader<'_>) -> Replay {
        let _ = from;
        Replay::HeldNotes
    }

    /// Saves what parameters and persistent fields cannot hold; set `own_state` in `INFO` to be asked. The shared half
    /// only: the audio half is never saved. [main]
    fn save_state(params: &Self::Params, out: &mut StateWriter<'_>) {
        let _ = (params, out);
    }

    /// Reads what `save_state` wrote.
    ///
    /// # Errors
    /// [`StateError`] with a sentence for the user: then the whole load is refused and nothing is changed. [main]
    fn load_state(params: &Self::Params, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let _ = (params, from);
        Ok(())
    }

    /// Makes the document of an older `STATE_VERSION` current, before anything of it is applied. [main]
    ///
    /// # Errors
    /// [`StateError`]: the load is refused and nothing is changed.
    fn migrate_state(state: &mut StateDoc) -> Result<(), StateError> {
        let _ = state;
        Ok(())
    }

    /// Reads bytes that are not hotshell's: the plug-in's past in another framework. `None`: not known. Set
    /// `imports_state` in `INFO` to be asked. [main]
    fn import_state(bytes: &[u8]) -> Option<StateDoc> {
        let _ = bytes;
        None
    }

    /// The window, if it has one: a size and how to build it. Receiverless: a window never sees the audio half. Asked for
    /// each opening, and when the host wants to know the size. [main] [editor]
    fn editor(params: &Arc<Self::Params>) -> Option<Editor> {
        let _ = params;
        None
    }
}

/// What shells drive: the items of [`PluginLogic`] over the sample type. Implemented for both leaf traits' types; authors
/// write one of those.
pub trait PluginLogicCore<S: Sample>: Send + Sized + 'static {
    /// The shared half.
    type Params: Params;
    /// Name, maker, kind.
    const INFO: PluginInfo;
    /// Layouts it can run in, the preferred one first.
    const BUSES: &'static [BusLayout];
    /// Note ports.
    const NOTES: NotePorts;
    /// How parameter events divide a block.
    const SPLIT: Split;
    /// How a new build takes over while it plays.
    const HANDOVER: Handover;
    /// Frames that a new instance runs unheard before it is faded in, beyond its latency; 500 ms at most count.
    const WARM_UP: u32;
    /// The author's version of the saved state; counted up when `migrate_state` has something to do.
    const STATE_VERSION: u32;

    /// Makes the audio half. Values and persistent fields are bound already. May allocate, read files, block.
    /// Repeatable: it runs for every build, every instance and every trial (`cx.reason()`). [main] [reload]
    fn create(params: Arc<Self::Params>, cx: &CreateContext<'_>) -> Self;

    /// Sizes everything for this configuration; may allocate. Runs while inactive, before the first block and whenever
    /// the configuration changes. [main] [reload]
    fn reset(&mut self, config: &AudioConfig);

    /// Forgets all sound: no voices, no tails, no history. Must not allocate. [audio]
    fn clear(&mut self);

    /// One sub-block: reads `buffer`'s inputs and `events`, writes every output sample. Real time: no allocation, lock,
    /// wait, file or print. Parameters hold the values of this sub-block. [audio]
    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, S>,
        events: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus;

    /// Latency in frames: a field read. Asked after `create`, `reset` and each block. A new latency is used at once and
    /// reported here; do not wait for the host. [audio] [main] [reload]
    fn latency(&self) -> u32;

    /// How long it sounds on after its input ends. Asked as `latency` is. [audio] [main] [reload]
    fn tail(&self) -> Tail;

    /// Once, before the first block that sees the values of a state load. [audio]
    fn state_changed(&mut self);

    /// Hands what should play on to the next build: keyed plain data, 256 KiB in all. A comfort for the ear, never saved
    /// data. In the block of the swap. [audio]
    fn snapshot(&self, out: &mut SnapshotWriter<'_>);

    /// Takes over what the old build handed on. Missing and resized keys are normal: the old build may be any version.
    /// Says whether held notes still need to be played again. In the block of the swap, before its `process`. [audio]
    fn restore(&mut self, from: &SnapshotReader<'_>) -> Replay;

    /// Saves what parameters and persistent fields cannot hold; set `own_state` in `INFO` to be asked. The shared half
    /// only: the audio half is never saved. [main]
    fn save_state(params: &Self::Params, out: &mut StateWriter<'_>);

    /// Reads what `save_state` wrote.
    ///
    /// # Errors
    /// [`StateError`] with a sentence for the user: then the whole load is refused and nothing is changed. [main]
    fn load_state(params: &Self::Params, from: &mut StateReader<'_>) -> Result<(), StateError>;

    /// Makes the document of an older `STATE_VERSION` current, before anything of it is applied. [main]
    ///
    /// # Errors
    /// [`StateError`]: the load is refused and nothing is changed.
    fn migrate_state(state: &mut StateDoc) -> Result<(), StateError>;

    /// Reads bytes that are not hotshell's: the plug-in's past in another framework. `None`: not known. Set
    /// `imports_state` in `INFO` to be asked. [main]
    fn import_state(bytes: &[u8]) -> Option<StateDoc>;
    /// [main] [editor].
    fn editor(params: &Arc<Self::Params>) -> Option<Editor>;
}

impl<G: PluginLogic> PluginLogicCore<f32> for G {
    type Params = <G as PluginLogic>::Params;
    const INFO: PluginInfo = <G as PluginLogic>::INFO;
    const BUSES: &'static [BusLayout] = <G as PluginLogic>::BUSES;
    const NOTES: NotePorts = <G as PluginLogic>::NOTES;
    const SPLIT: Split = <G as PluginLogic>::SPLIT;
    const HANDOVER: Handover = <G as PluginLogic>::HANDOVER;
    const WARM_UP: u32 = <G as PluginLogic>::WARM_UP;
    const STATE_VERSION: u32 = <G as PluginLogic>::STATE_VERSION;

    #[inline]
    fn create(params: Arc<<G as PluginLogic>::Params>, cx: &CreateContext<'_>) -> Self {
        <G as PluginLogic>::create(params, cx)
    }

    #[inline]
    fn reset(&mut self, config: &AudioConfig) {
        <G as PluginLogic>::reset(self, config)
    }

    #[inline]
    fn clear(&mut self) {
        <G as PluginLogic>::clear(self)
    }

    #[inline]
    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        events: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        <G as PluginLogic>::process(self, buffer, events, cx)
    }

    #[inline]
    fn latency(&self) -> u32 {
        <G as PluginLogic>::latency(self)
    }

    #[inline]
    fn tail(&self) -> Tail {
        <G as PluginLogic>::tail(self)
    }

    #[inline]
    fn state_changed(&mut self) {
        <G as PluginLogic>::state_changed(self)
    }

    #[inline]
    fn snapshot(&self, out: &mut SnapshotWriter<'_>) {
        <G as PluginLogic>::snapshot(self, out)
    }

    #[inline]
    fn restore(&mut self, from: &SnapshotReader<'_>) -> Replay {
        <G as PluginLogic>::restore(self, from)
    }

    #[inline]
    fn save_state(params: &<G as PluginLogic>::Params, out: &mut StateWriter<'_>) {
        <G as PluginLogic>::save_state(params, out)
    }

    #[inline]
    fn load_state(params: &<G as PluginLogic>::Params, from: &mut StateReader<'_>) -> Result<(), StateError> {
        <G as PluginLogic>::load_state(params, from)
    }

    #[inline]
    fn migrate_state(state: &mut StateDoc) -> Result<(), StateError> {
        <G as PluginLogic>::migrate_state(state)
    }

    #[inline]
    fn import_state(bytes: &[u8]) -> Option<StateDoc> {
        <G as PluginLogic>::import_state(bytes)
    }

    #[inline]
    fn editor(params: &Arc<<G as PluginLogic>::Params>) -> Option<Editor> {
        <G as PluginLogic>::editor(params)
    }
}

impl<G: PluginLogic64> PluginLogicCore<f64> for G {
    type Params = <G as PluginLogic64>::Params;
    const INFO: PluginInfo = <G as PluginLogic64>::INFO;
    const BUSES: &'static [BusLayout] = <G as PluginLogic64>::BUSES;
    const NOTES: NotePorts = <G as PluginLogic64>::NOTES;
    const SPLIT: Split = <G as PluginLogic64>::SPLIT;
    const HANDOVER: Handover = <G as PluginLogic64>::HANDOVER;
    const WARM_UP: u32 = <G as PluginLogic64>::WARM_UP;
    const STATE_VERSION: u32 = <G as PluginLogic64>::STATE_VERSION;

    #[inline]
    fn create(params: Arc<<G as PluginLogic64>::Params>, cx: &CreateContext<'_>) -> Self {
        <G as PluginLogic64>::create(params, cx)
    }

    #[inline]
    fn reset(&mut self, config: &AudioConfig) {
        <G as PluginLogic64>::reset(self, config)
    }

    #[inline]
    fn clear(&mut self) {
        <G as PluginLogic64>::clear(self)
    }

    #[inline]
    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f64>,
        events: &EventList<'_>,
        cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        <G as PluginLogic64>::process(self, buffer, events, cx)
    }

    #[inline]
    fn latency(&self) -> u32 {
        <G as PluginLogic64>::latency(self)
    }

    #[inline]
    fn tail(&self) -> Tail {
        <G as PluginLogic64>::tail(self)
    }

    #[inline]
    fn state_changed(&mut self) {
        <G as PluginLogic64>::state_changed(self)
    }

    #[inline]
    fn snapshot(&self, out: &mut SnapshotWriter<'_>) {
        <G as PluginLogic64>::snapshot(self, out)
    }

    #[inline]
    fn restore(&mut self, from: &SnapshotReader<'_>) -> Replay {
        <G as PluginLogic64>::restore(self, from)
    }

    #[inline]
    fn save_state(params: &<G as PluginLogic64>::Params, out: &mut StateWriter<'_>) {
        <G as PluginLogic64>::save_state(params, out)
    }

    #[inline]
    fn load_state(
        params: &<G as PluginLogic64>::Params,
        from: &mut StateReader<'_>,
    ) -> Result<(), StateError> {
        <G as PluginLogic64>::load_state(params, from)
    }

    #[inline]
    fn migrate_state(state: &mut StateDoc) -> Result<(), StateError> {
        <G as PluginLogic64>::migrate_state(state)
    }

    #[inline]
    fn import_state(bytes: &[u8]) -> Option<StateDoc> {
        <G as PluginLogic64>::import_state(bytes)
    }

    #[inline]
    fn editor(params: &Arc<<G as PluginLogic64>::Params>) -> Option<Editor> {
        <G as PluginLogic64>::editor(params)
    }
}
