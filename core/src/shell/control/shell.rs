//! [`Shell`] for [`Control`]: each call in a few lines.
//!
//! Called by: the adapters, through [`Shell`]. Calls: `shell/control/*`. Threads: [main], safe from any.

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use hotshell_abi::{AudioConfig, NotePortsDesc, PluginDesc, RenderMode, Sample};

use crate::params::{ParamPlan, Parameters};
use crate::shell::audio::ShellAudio;
use crate::shell::control::{Control, Live, check_config};
use crate::shell::feed::Feed;
use crate::shell::{
    Audio, Changes, EventSink, EventSource, LayoutInfo, ParamInfo, Phase, Shell, ShellError, StateContext,
    Tail,
};

impl<P: Parameters, S: Sample> Control<P, S> {
    /// The newest accepted build, and the way to it if no block has taken it yet.
    fn newest(&self) -> (Live, Option<Arc<ParamPlan>>) {
        let main = self.main.lock();
        match &main.pending {
            Some(pending) => (pending.live.clone(), Some(Arc::clone(&pending.plan))),
            None => (main.live.clone(), None),
        }
    }

    /// The newest accepted build, and the place of parameter `index` in its list.
    fn place_in_newest(&self, index: u32) -> (Live, Option<u32>) {
        let (newest, plan) = self.newest();
        let place = match plan {
            Some(plan) => {
                let place = plan.places.iter().position(|other| *other == index);
                place.and_then(|place| u32::try_from(place).ok())
            }
            None => self.params.index_in_build(index),
        };
        (newest, place)
    }
}

impl<P: Parameters, S: Sample> Shell for Control<P, S> {
    fn describe(&self) -> &'static PluginDesc<'static> {
        self.newest().0.desc
    }

    fn param_count(&self) -> usize {
        // Counted as the list is told: nobody waits for it.
        self.link.announced_params.load(Acquire) as usize
    }

    fn param_info(&self, index: usize) -> Option<ParamInfo> {
        self.main.lock().announced.params().get(index).cloned()
    }

    fn param_index(&self, host_id: u32) -> Option<usize> {
        let index = self.params.find(host_id, 0)? as usize;
        (index < self.param_count()).then_some(index)
    }

    fn param_value(&self, host_id: u32) -> Option<f64> {
        self.params.cell(self.params.find(host_id, 0)?).map(hotshell_abi::ParamCell::base)
    }

    fn set_param(&self, host_id: u32, value: f64) -> bool {
        let Some(index) = self.params.find(host_id, 0) else { return false };
        let Some(cell) = self.params.cell(index) else { return false };
        cell.set_base(self.params.clamp(index, value));
        true
    }

    fn param_text(&self, host_id: u32, value: f64) -> Option<String> {
        let index = self.params.find(host_id, 0)?;
        if !value.is_finite() {
            return None;
        }
        let (newest, place) = self.place_in_newest(index);
        match place {
            Some(place) => newest.shared.param_text(place, self.params.clamp(index, value)),
            // A tombstone's texts went with its build; the plain number still means what it meant.
            None => Some(value.to_string()),
        }
    }

    fn param_parse(&self, host_id: u32, text: &str) -> Option<f64> {
        let index = self.params.find(host_id, 0)?;
        let (newest, place) = self.place_in_newest(index);
        let value = match place {
            Some(place) => newest.shared.param_parse(place, text)?,
            None => text.trim().parse().ok().filter(|value: &f64| value.is_finite())?,
        };
        Some(self.params.clamp(index, value))
    }

    fn save(&self, context: StateContext) -> Result<Vec<u8>, ShellError> {
        self.save_state(context)
    }

    fn load(&self, context: StateContext, bytes: &[u8]) -> Result<(), ShellError> {
        self.load_state(context, bytes)
    }

    fn latency(&self) -> u32 {
        self.main.lock().announced.latency()
    }

    fn read_latency(&self) -> u32 {
        let mut main = self.main.lock();
        main.announced.host_read(Changes::LATENCY);
        self.keep_in_step(&mut main);
        main.announced.latency()
    }

    fn tail(&self) -> Tail {
        match self.link.tail.load(Relaxed) {
            0 => Tail::None,
            u64::MAX => Tail::Infinite,
            frames => Tail::Frames(frames),
        }
    }

    fn layouts(&self) -> Vec<LayoutInfo> {
        self.main.lock().announced.layouts().to_vec()
    }

    fn layout(&self) -> usize {
        self.main.lock().layout
    }

    fn set_layout(&self, index: usize) -> Result<(), ShellError> {
        let mut main = self.lock("the layout")?;
        if main.active.is_some() {
            return Err(ShellError::WrongPhase("the layout cannot change while the plug-in is active"));
        }
        if index >= main.announced.layouts().len() {
            return Err(ShellError::BadConfig(format!(
                "layout {index} of {}",
                main.announced.layouts().len()
            )));
        }
        if main.layout != index {
            main.layout = index;
            main.keep = false;
            self.link.epoch.fetch_add(1, AcqRel);
        }
        Ok(())
    }

    fn notes(&self) -> NotePortsDesc {
        self.main.lock().announced.notes()
    }

    fn activate(&self, config: AudioConfig) -> Result<Box<dyn Audio>, ShellError> {
        check_config(&config)?;
        let mut main = self.lock("activation")?;
        if main.active.is_some() {
            return Err(ShellError::WrongPhase("the plug-in is active already; deactivate it first"));
        }
        self.link.epoch.fetch_add(1, AcqRel);
        Ok(Box::new(self.activate_locked(&mut main, &config)?))
    }

    fn deactivate(&self, audio: Box<dyn Audio>) {
        let Ok(audio) = audio.into_any().downcast::<ShellAudio<P, S>>() else { return };
        let played = audio.has_played();
        let (player, past, others) = audio.into_players();
        let replaced = self.deactivate_locked(&mut self.main.lock(), player, past, played);
        // The author's `Drop` may take its time: not under the lock.
        drop((replaced, others));
    }

    fn is_waiting(&self) -> bool {
        let main = self.main.lock();
        !main.went_on && !self.link.inbox.is_empty()
    }

    fn set_mode(&self, mode: RenderMode) {
        self.link.mode.store(mode.0, Relaxed);
    }

    fn flush(&self, input: &dyn EventSource, _output: &mut dyn EventSink) {
        Feed::flush(&*self.params, input);
    }

    fn take_changes(&self, phase: Phase) -> Changes {
        self.take_what_changed(phase)
    }

    fn host_read(&self, what: Changes) {
        self.main.lock().announced.host_read(what - Changes::LATENCY);
    }

    fn hold(&self, what: Changes) {
        self.main.lock().announced.hold(what);
    }

    fn disconnect(&self) {
        self.host.disconnect();
    }
}
