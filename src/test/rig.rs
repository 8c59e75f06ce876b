//! The Rig.
//!
//! Called by: authors' tests. Calls: `drive`. Threads: the test's own.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use hotshell_abi::{Event as RawEvent, EventKind, LogicApi, Sample, Transport};
use hotshell_core::host::Level;
use hotshell_core::rt::alloc::{Offences, watch};
use hotshell_core::shell::{Phase, Shell, ShellError, StateContext};
use hotshell_logic::export::api;
use hotshell_logic::params::Param;
use hotshell_logic::{Event, NoteRef, PluginLogicCore};

use super::drive::{AnyDrive, Drive, Told};
use super::output::Output;
use super::spy::{Spy, take_params};

/// Plays plug-in `P` without a host: through the same table, shell and swap as in one. Effects hear what
/// [`Rig::process`] is given, instruments what is queued.
///
/// The sample type is a parameter of the methods and infers from `P`. A panic of the plug-in's fails the test.
pub struct Rig<P> {
    drive: Box<dyn AnyDrive>,
    api: &'static LogicApi,
    params: Arc<dyn Any + Send + Sync>,
    told: Arc<Told>,
    queue: Vec<RawEvent>,
    sent: Vec<(u64, RawEvent, Vec<u8>)>,
    build: u32,
    sample_rate: f64,
    max_frames: u32,
    transport: Option<Transport>,
    watching: bool,
    offences: Offences,
    _plugin: PhantomData<fn() -> P>,
}

/// A queued event: [`Queued::at`] moves it.
pub struct Queued<'r>(&'r mut RawEvent);

impl Queued<'_> {
    /// `frames` after the start of the next run.
    pub fn at(self, frames: u32) {
        self.0.time = frames;
    }
}

impl<P: 'static> Rig<P> {
    /// Makes and activates the plug-in: rate in Hz, at most `max_frames` in a block (>= 1).
    ///
    /// # Panics
    /// If the plug-in's code panics or contradicts itself.
    #[must_use]
    pub fn new<S: Sample>(sample_rate: f64, max_frames: u32) -> Self
    where
        P: PluginLogicCore<S>,
    {
        let (api, told) = (api::<Spy<P, S>, S>(), Arc::new(Told::default()));
        let drive = match Drive::<S>::new(api, sample_rate, max_frames, &told) {
            Ok(drive) => drive,
            Err(error) => panic!("{} cannot be made: {error}", P::INFO.name),
        };
        let Some(params) = take_params::<P::Params>() else {
            panic!("{} was not created on this thread", P::INFO.name)
        };
        Self {
            drive: Box::new(drive),
            api,
            params,
            told,
            queue: Vec::new(),
            sent: Vec::new(),
            build: 0,
            sample_rate,
            max_frames,
            transport: None,
            watching: false,
            offences: Offences::default(),
            _plugin: PhantomData,
        }
    }

    /// The shared half of the newest instance: what an editor would have. For persistent fields and meters; parameters
    /// are set by [`Rig::set`], as a host sets them.
    ///
    /// # Panics
    /// Never: the type is the plug-in's own.
    #[must_use]
    pub fn params<S: Sample>(&self) -> Arc<P::Params>
    where
        P: PluginLogicCore<S>,
    {
        match Arc::clone(&self.params).downcast() {
            Ok(params) => params,
            Err(_) => unreachable!("`new` and `swap` put it there"),
        }
    }

    /// Queues a parameter's new value for the start of the next run, or later: `rig.set(|p| &p.gain, -6.0).at(100)`.
    pub fn set<S: Sample, Q: Param>(
        &mut self,
        param: impl for<'p> FnOnce(&'p P::Params) -> &'p Q,
        value: Q::Plain,
    ) -> Queued<'_>
    where
        P: PluginLogicCore<S>,
    {
        let params = self.params();
        let param = param(&params);
        self.push(RawEvent::param_value(0, param.host_id(), param.to_plain(value)))
    }

    /// Queues a modulation offset, in plain units.
    pub fn modulate<S: Sample, Q: Param>(
        &mut self,
        param: impl for<'p> FnOnce(&'p P::Params) -> &'p Q,
        offset: f64,
    ) -> Queued<'_>
    where
        P: PluginLogicCore<S>,
    {
        let id = param(&self.params()).host_id();
        self.push(RawEvent { kind: EventKind::PARAM_MOD, ..RawEvent::param_value(0, id, offset) })
    }

    /// The plain value that the shell holds for a parameter, without modulation: a bool as 0 or 1, a choice as its index.
    ///
    /// # Panics
    /// If the shell does not have the parameter.
    #[must_use]
    pub fn value<S: Sample, Q: Param>(&self, param: impl for<'p> FnOnce(&'p P::Params) -> &'p Q) -> f64
    where
        P: PluginLogicCore<S>,
    {
        let id = param(&self.params()).host_id();
        match self.shell().param_value(id) {
            Some(value) => value,
            None => panic!("the shell has no parameter {id}"),
        }
    }

    /// The text that a host shows for a parameter's value.
    ///
    /// # Panics
    /// If the shell does not have the parameter.
    #[must_use]
    pub fn text<S: Sample, Q: Param>(&self, param: impl for<'p> FnOnce(&'p P::Params) -> &'p Q) -> String
    where
        P: PluginLogicCore<S>,
    {
        let id = param(&self.params()).host_id();
        let text = self.shell().param_value(id).and_then(|value| self.shell().param_text(id, value));
        text.unwrap_or_else(|| panic!("the shell has no text for parameter {id}"))
    }

    /// Plays `input` on every input channel and answers all outputs. Its length is the run's, in blocks of at most
    /// `max_frames`.
    ///
    /// # Panics
    /// If the plug-in's code panics, or gives values that are not finite.
    pub fn process<S: Sample>(&mut self, input: &[S]) -> Output<S>
    where
        P: PluginLogicCore<S>,
    {
        self.play(input.len(), &|_| Some(input))
    }

    /// Plays one input per channel (all buses in a row); missing ones are silent. The longest is the run's length.
    ///
    /// # Panics
    /// As [`Rig::process`].
    pub fn process_channels<S: Sample>(&mut self, inputs: &[&[S]]) -> Output<S>
    where
        P: PluginLogicCore<S>,
    {
        let frames = inputs.iter().map(|input| input.len()).max().unwrap_or(0);
        self.play(frames, &|channel| inputs.get(channel).copied())
    }

    /// Plays `frames` frames of silence in: for instruments and tails.
    ///
    /// # Panics
    /// As [`Rig::process`].
    pub fn run<S: Sample>(&mut self, frames: usize) -> Output<S>
    where
        P: PluginLogicCore<S>,
    {
        self.play(frames, &|_| None)
    }

    /// Plays so many seconds of silence in.
    ///
    /// # Panics
    /// As [`Rig::process`].
    pub fn run_seconds<S: Sample>(&mut self, seconds: f64)
    where
        P: PluginLogicCore<S>,
    {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a negative time is no time"
        )]
        let frames = (seconds * self.sample_rate).round().max(0.0) as usize;
        drop(self.run::<S>(frames));
    }

    /// `frames` frames of a sine of amplitude 1, `hertz` at the Rig's rate.
    #[must_use]
    pub fn sine<S: Sample>(&self, hertz: f64, frames: u32) -> Vec<S>
    where
        P: PluginLogicCore<S>,
    {
        let step = std::f64::consts::TAU * hertz / self.sample_rate;
        (0..frames).map(|frame| S::from_f64((step * f64::from(frame)).sin())).collect()
    }

    fn play<'i, S: Sample>(&mut self, frames: usize, input: &dyn Fn(usize) -> Option<&'i [S]>) -> Output<S>
    where
        P: PluginLogicCore<S>,
    {
        self.queue.sort_by_key(|event| event.time);
        let mut channels: Vec<Vec<S>> = Vec::new();
        let mut at = 0;
        while at < frames {
            let count = (frames - at).min(self.max_frames as usize);
            self.block(at, count, input, &mut channels);
            at += count;
            self.upkeep();
        }
        let frames = u32::try_from(frames).unwrap_or(u32::MAX);
        self.queue.iter_mut().for_each(|event| event.time = event.time.saturating_sub(frames));
        Output { channels }
    }

    fn block<'i, S: Sample>(
        &mut self,
        at: usize,
        count: usize,
        input: &dyn Fn(usize) -> Option<&'i [S]>,
        channels: &mut Vec<Vec<S>>,
    ) {
        let Some(drive) = self.drive.as_any().downcast_mut::<Drive<S>>() else {
            unreachable!("`new` made it for the plug-in's only sample type")
        };
        let engine = &mut drive.engine;
        for (channel, _) in (0..).zip(engine.shape().inputs.clone()).flat_map(|(_, n)| 0..n).enumerate() {
            let Some(block) = engine.input(channel) else { break };
            let from = input(channel).and_then(|samples| samples.get(at..)).unwrap_or(&[]);
            let given = count.min(from.len());
            block[..given].copy_from_slice(&from[..given]);
            block[given..count].fill(S::ZERO);
        }
        let frames = u32::try_from(count).unwrap_or(u32::MAX);
        let start = u32::try_from(at).unwrap_or(u32::MAX);
        let due = self.queue.partition_point(|event| event.time < start.saturating_add(frames));
        for event in self.queue.drain(..due) {
            engine.queue(RawEvent { time: event.time.saturating_sub(start), ..event });
        }
        engine.transport = self.transport;
        let (watching, offences) = (self.watching, &mut self.offences);
        engine.block(frames, &mut |call| {
            if !watching {
                return call();
            }
            let ((), seen) = watch(call);
            offences.allocations += seen.allocations;
            offences.frees += seen.frees;
            offences.first = offences.first.take().or(seen.first);
        });
        channels.resize_with(engine.output_channels(), Vec::new);
        for (channel, heard) in channels.iter_mut().enumerate() {
            heard.extend_from_slice(&engine.output(channel).unwrap_or(&[])[..count]);
        }
        self.sent.extend(engine.take_events().into_iter().map(|sent| (sent.at, sent.event, sent.sysex)));
        self.transport = self.transport.map(|transport| transport.advanced(frames, self.sample_rate));
    }

    /// What a host's main thread does between blocks.
    fn upkeep(&mut self) {
        self.shell().take_changes(Phase::AnyTime);
        if self.told.restart.swap(false, SeqCst)
            && let Err(error) = self.drive.restart()
        {
            panic!("the restart that the plug-in asked for failed: {error}");
        }
        if let Some((_, line)) = self.told.lines().into_iter().find(|(level, _)| *level == Level::Error) {
            panic!("{line}");
        }
    }

    fn push(&mut self, event: RawEvent) -> Queued<'_> {
        self.queue.push(event);
        let last = self.queue.len() - 1;
        Queued(&mut self.queue[last])
    }

    /// Queues a key on channel 0; velocity 0 to 1.
    pub fn note_on(&mut self, key: i16, velocity: f32) -> Queued<'_> {
        self.send(&Event::NoteOn { time: 0, note: NoteRef::key(key), velocity, replay: None })
    }

    /// Queues the release of a key on channel 0.
    pub fn note_off(&mut self, key: i16) -> Queued<'_> {
        self.send(&Event::NoteOff { time: 0, note: NoteRef::key(key), velocity: 0.5 })
    }

    /// Queues a MIDI message on port 0.
    pub fn midi(&mut self, bytes: [u8; 3]) -> Queued<'_> {
        self.push(RawEvent::midi(0, 0, bytes))
    }

    /// Queues any event but a system exclusive.
    ///
    /// # Panics
    /// If it is a system exclusive.
    pub fn send(&mut self, event: &Event<'_>) -> Queued<'_> {
        let raw = event.encode();
        self.push(raw.unwrap_or_else(|| panic!("system exclusives cannot be queued: {event:?}")))
    }

    /// What the plug-in sent to the host since the last call: frames since the Rig was made, and the event (system
    /// exclusives without their bytes).
    pub fn take_sent(&mut self) -> Vec<(u64, Event<'static>)> {
        let sent = std::mem::take(&mut self.sent);
        sent.iter().filter_map(|(at, raw, _)| Some((*at, Event::decode(raw, &[])?))).collect()
    }

    /// Starts the host's transport at this tempo (beats per minute), from beat 0.
    pub fn start_transport(&mut self, tempo: f64) {
        let mut transport = Transport::UNKNOWN;
        transport.flags =
            Transport::PLAYING | Transport::HAS_TEMPO | Transport::HAS_BEATS | Transport::HAS_SECONDS;
        transport.tempo = tempo;
        self.transport = Some(transport);
    }

    /// Stops the host's transport: blocks come without a timeline.
    pub fn stop_transport(&mut self) {
        self.transport = None;
    }

    /// Saves the state, as a project does.
    ///
    /// # Panics
    /// If the plug-in fails to save: a host would lose the user's work.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        match self.shell().save(StateContext::Project) {
            Ok(bytes) => bytes,
            Err(error) => panic!("saving failed: {error}"),
        }
    }

    /// Loads a state, as a project does.
    ///
    /// # Errors
    /// As a host would see it; nothing is changed then.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), ShellError> {
        self.shell().load(StateContext::Project, bytes)
    }

    /// Hands a fresh instance of the same plug-in over, as a reload would: the next run snapshots the old one, restores,
    /// replays and fades.
    ///
    /// # Panics
    /// If the new instance cannot be made.
    pub fn swap<S: Sample>(&mut self)
    where
        P: PluginLogicCore<S>,
    {
        self.build += 1;
        if let Err(error) = self.drive.swap(self.api, self.build) {
            panic!("the swap failed: {error}");
        }
        if let Some(params) = take_params::<P::Params>() {
            self.params = params;
        }
    }

    /// Which build plays: 0 at first, one more with each [`Rig::swap`] that was heard.
    #[must_use]
    pub fn playing_build(&self) -> u32 {
        self.drive.playing_build()
    }

    /// Blocks in which a fallback was heard.
    #[must_use]
    pub fn lost_blocks(&self) -> u64 {
        self.drive.lost_blocks()
    }

    /// Runs `play` and fails if any block in it allocated or freed memory.
    ///
    /// # Panics
    /// If one did, with the place of the first, or if nothing counts allocations in this executable.
    pub fn assert_realtime(&mut self, play: impl FnOnce(&mut Self)) {
        let ((), planted) = watch(|| drop(std::hint::black_box(Box::new(1_u64))));
        assert!(
            !planted.is_empty(),
            "nothing counts allocations here: an integration test needs `hotshell::test::guard!();`"
        );
        (self.watching, self.offences) = (true, Offences::default());
        play(self);
        self.watching = false;
        let Offences { allocations, frees, first } = std::mem::take(&mut self.offences);
        assert!(
            allocations == 0 && frees == 0,
            "the audio thread allocated {allocations} times and freed {frees} times; the first was here:\n{}",
            first.unwrap_or_default()
        );
    }

    /// Forgets all sound, as a host's reset does.
    pub fn clear(&mut self) {
        self.drive.clear();
    }

    /// Chooses layout `index` of `BUSES`.
    ///
    /// # Errors
    /// If there is none of that index.
    pub fn set_layout(&mut self, index: usize) -> Result<(), ShellError> {
        self.drive.set_layout(index)
    }

    /// Latency that the host has been told, in frames.
    #[must_use]
    pub fn latency(&self) -> u32 {
        self.shell().latency()
    }

    /// Every line that the plug-in logged.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.told.lines().into_iter().map(|(_, line)| line).collect()
    }

    pub(super) fn shell(&self) -> &dyn Shell {
        self.drive.shell()
    }
}
