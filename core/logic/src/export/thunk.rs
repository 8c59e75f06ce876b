//! The audio half behind the table.
//!
//! Called by: the shell, through the table. Calls: the author. Threads: the tag at each field of `LogicApi`.

#![allow(unsafe_code, reason = "DESIGN 9.9 names core/logic/src/export: pointers that cross the boundary")]
#![deny(clippy::disallowed_types)]

use std::sync::Arc;

use hotshell_abi::snapshot::SnapshotBuffer;
use hotshell_abi::table::{CreateArgs, LogicHandle, ResetReport, SharedHandle};
use hotshell_abi::{AudioConfig, Bytes, ProcessArgs, RenderMode, Sample, Status};

use crate::buffer::AudioBuffer;
use crate::bus::Mpe;
use crate::context::{CreateContext, ProcessContext, Reason};
use crate::events::EventList;
use crate::export::panic::gate;
use crate::export::shared::{Parts, Shared};
use crate::export::sysex::RawEvents;
use crate::info::{ProcessStatus, Replay};
use crate::mpe::{self, Normaliser};
use crate::plugin::PluginLogicCore;
use crate::snapshot::{SnapshotReader, SnapshotWriter};

/// What a `LogicHandle` points to.
struct Running<G> {
    logic: G,
    parts: Arc<Parts>,
    config: AudioConfig,
    build: u32,
    /// For plug-ins that ask for it.
    mpe: Option<Box<Normaliser>>,
}

impl<G> Running<G> {
    /// # Safety
    /// `handle` is null, or came from `create` of the same plug-in, was not destroyed, and this thread alone uses it
    /// for `'a`.
    unsafe fn of<'a>(handle: LogicHandle) -> Option<&'a mut Self> {
        // SAFETY: by contract.
        unsafe { handle.cast::<Self>().as_mut() }
    }
}

/// Before the first `reset`: blocks never run with it.
const UNSIZED: AudioConfig =
    AudioConfig { sample_rate: 48_000.0, max_frames: 1, layout: 0, mode: RenderMode::REALTIME, reserved: 0 };

pub(super) unsafe extern "C" fn create<G: PluginLogicCore<S>, S: Sample>(
    shared: SharedHandle,
    args: *const CreateArgs<'_>,
    out: *mut LogicHandle,
) -> Status {
    if out.is_null() {
        return Status::BAD_ARGUMENT;
    }
    gate(|| {
        // SAFETY: the table's contract on handles and arguments.
        let (shared, args) = unsafe { (Shared::<G::Params>::of(shared), args.as_ref()) };
        let (Some(shared), Some(args)) = (shared, args) else { return Status::BAD_ARGUMENT };
        let parts = Arc::clone(&shared.parts);
        let cx = CreateContext {
            reason: Reason::of(args.reason, args.build).unwrap_or(Reason::Host),
            host: args.host.as_str(),
            format: args.format.as_str(),
            store: Some(&parts.store),
        };
        let logic = G::create(Arc::clone(&shared.params), &cx);
        let mpe = matches!(G::NOTES.mpe, Mpe::Normalise).then(|| Box::new(Normaliser::new()));
        let running = Box::new(Running { logic, parts, config: UNSIZED, build: args.build, mpe });
        // SAFETY: not null, and by the table's contract writable.
        unsafe { *out = Box::into_raw(running).cast() };
        Status::OK
    })
}

pub(super) unsafe extern "C" fn destroy<G: PluginLogicCore<S>, S: Sample>(logic: LogicHandle) -> Status {
    if logic.is_null() {
        return Status::BAD_ARGUMENT;
    }
    gate(|| {
        // SAFETY: the handle came from `create`'s `Box::into_raw`, and the shell destroys it once.
        drop(unsafe { Box::from_raw(logic.cast::<Running<G>>()) });
        Status::OK
    })
}

pub(super) unsafe extern "C" fn reset<G: PluginLogicCore<S>, S: Sample>(
    logic: LogicHandle,
    config: *const AudioConfig,
    out: *mut ResetReport,
) -> Status {
    gate(|| {
        // SAFETY: the table's contract on handles and arguments.
        let (running, config, out) = unsafe { (Running::<G>::of(logic), config.as_ref(), out.as_mut()) };
        let (Some(running), Some(config), Some(out)) = (running, config, out) else {
            return Status::BAD_ARGUMENT;
        };
        running.config = *config;
        running.parts.smoothers.iter().for_each(|smoother| smoother.reset(config.sample_rate));
        running.logic.reset(config);
        *out = ResetReport {
            latency: running.logic.latency(),
            reserved: 0,
            tail: running.logic.tail().frames(),
        };
        Status::OK
    })
}

pub(super) unsafe extern "C" fn clear<G: PluginLogicCore<S>, S: Sample>(logic: LogicHandle) -> Status {
    gate(|| {
        // SAFETY: the table's contract on handles.
        let Some(running) = (unsafe { Running::<G>::of(logic) }) else { return Status::BAD_ARGUMENT };
        running.parts.smoothers.iter().for_each(crate::params::Smoother::snap);
        running.mpe.iter_mut().for_each(|mpe| mpe.clear());
        running.logic.clear();
        Status::OK
    })
}

pub(super) unsafe extern "C" fn process<G: PluginLogicCore<S>, S: Sample>(
    logic: LogicHandle,
    args: *mut ProcessArgs<'_>,
) -> Status {
    gate(|| {
        // SAFETY: the table's contract on handles and arguments.
        let (running, args) = unsafe { (Running::<G>::of(logic), args.as_mut()) };
        let (Some(running), Some(args)) = (running, args) else { return Status::BAD_ARGUMENT };
        // SAFETY: the table's contract on `process`: the shell filled `args` with samples of `S`.
        unsafe { running.block::<S>(args) }
    })
}

impl<G> Running<G> {
    /// # Safety
    /// `args` is filled as [`ProcessArgs`] says, with samples of `S` (the canary compares the precision), and its queue
    /// and bytes are the shell's own for this call.
    #[inline]
    unsafe fn block<'a, S: Sample>(&'a mut self, args: &mut ProcessArgs<'a>) -> Status
    where
        G: PluginLogicCore<S>,
    {
        // SAFETY: by contract.
        let Some(output) = (unsafe { args.output.as_mut() }) else { return Status::BAD_ARGUMENT };
        // SAFETY: bytes behind system exclusives are borrowed for the call (`Event::sysex_bytes`).
        let raw = unsafe { RawEvents::new(args.events.as_slice()) };
        let raw = match &mut self.mpe {
            // SAFETY: the normaliser passes events that are not MIDI on as they are.
            Some(mpe) => unsafe { raw.replaced(mpe.run(raw.events())) },
            None => raw,
        };
        let events = EventList::new(raw);
        self.parts.store.mute_meters(args.muted != 0);
        if args.state_changed != 0 {
            self.logic.state_changed();
        }
        let mut cx = ProcessContext {
            config: &self.config,
            mode: args.mode,
            offset: args.offset,
            frames: args.frames,
            // SAFETY: the table's contract: null, or the shell's own for this call.
            transport: unsafe { args.transport.as_ref() },
            steady_time: args.steady_time,
            first_block: Reason::of(args.first_block, self.build),
            muted: args.muted != 0,
            output,
            store: Some(&self.parts.store),
        };
        // SAFETY: by contract, and this is the only view of it.
        let mut buffer = AudioBuffer::new(unsafe { args.view::<S>() });
        let status = self.logic.process(&mut buffer, &events, &mut cx);
        buffer.finish();
        args.active = u32::from(status == ProcessStatus::Active);
        args.latency = self.logic.latency();
        args.tail = self.logic.tail().frames();
        Status::OK
    }
}

pub(super) unsafe extern "C" fn snapshot<G: PluginLogicCore<S>, S: Sample>(
    logic: LogicHandle,
    out: *mut SnapshotBuffer<'_>,
) -> Status {
    gate(|| {
        // SAFETY: the table's contract on handles and buffers.
        let (running, out) = unsafe { (Running::<G>::of(logic), out.as_mut()) };
        let (Some(running), Some(out)) = (running, out) else { return Status::BAD_ARGUMENT };
        let mut out = SnapshotWriter::new(out);
        if let Some(mpe) = &running.mpe {
            out.put(mpe::KEY, mpe.state());
        }
        running.logic.snapshot(&mut out);
        Status::OK
    })
}

pub(super) unsafe extern "C" fn restore<G: PluginLogicCore<S>, S: Sample>(
    logic: LogicHandle,
    from: Bytes<'_>,
    replay_notes: *mut u32,
) -> Status {
    gate(|| {
        // SAFETY: the table's contract on handles and results.
        let (running, replay_notes) = unsafe { (Running::<G>::of(logic), replay_notes.as_mut()) };
        let (Some(running), Some(replay_notes)) = (running, replay_notes) else {
            return Status::BAD_ARGUMENT;
        };
        let from = SnapshotReader::new(from.as_slice());
        if let (Some(mpe), Some(state)) = (&mut running.mpe, from.get(mpe::KEY)) {
            mpe.set_state(state);
        }
        let replay = running.logic.restore(&from);
        *replay_notes = u32::from(replay == Replay::HeldNotes);
        Status::OK
    })
}
