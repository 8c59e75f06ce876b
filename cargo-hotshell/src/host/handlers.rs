//! The host side of each CLAP extension: requests become [`Signals`], breaches of the contract become log lines.
//!
//! Called by: the plug-in, through clack-host. Calls: `signals`. Threads: as CLAP tags each callback.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clack_extensions::audio_ports::{AudioPortRescanFlags, HostAudioPorts, HostAudioPortsImpl};
use clack_extensions::audio_ports_config::{HostAudioPortsConfig, HostAudioPortsConfigImpl};
use clack_extensions::gui::{GuiSize, HostGui, HostGuiImpl};
use clack_extensions::latency::{HostLatency, HostLatencyImpl};
use clack_extensions::log::{HostLog, HostLogImpl, LogSeverity};
use clack_extensions::note_ports::{HostNotePorts, HostNotePortsImpl, NoteDialects, NotePortRescanFlags};
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamRescanFlags,
};
use clack_extensions::state::{HostState, HostStateImpl};
use clack_extensions::tail::{HostTail, HostTailImpl};
use clack_extensions::thread_check::{HostThreadCheck, HostThreadCheckImpl};
use clack_extensions::timer::{HostTimer, HostTimerImpl, TimerId};
use clack_host::prelude::{
    AudioProcessorHandler, ClapId, HostError, HostExtensions, HostHandlers, MainThreadHandler, SharedHandler,
};

use super::role::{Role, role};
use super::signals::Signals;
use super::timers::Timers;

/// The set of handlers.
#[derive(Debug)]
pub struct Handlers;

impl HostHandlers for Handlers {
    type Shared<'a> = Shared;
    type MainThread<'a> = MainThread;
    type AudioProcessor<'a> = AudioThread;

    fn declare_extensions(builder: &mut HostExtensions<'_, Self>, _shared: &Self::Shared<'_>) {
        builder
            .register::<HostLog>()
            .register::<HostThreadCheck>()
            .register::<HostParams>()
            .register::<HostState>()
            .register::<HostLatency>()
            .register::<HostTail>()
            .register::<HostAudioPorts>()
            .register::<HostAudioPortsConfig>()
            .register::<HostNotePorts>()
            .register::<HostGui>()
            .register::<HostTimer>();
    }
}

/// [any]
#[derive(Debug)]
pub struct Shared(pub(super) Arc<Signals>);

/// [main]
#[derive(Debug)]
pub struct MainThread(pub(super) Arc<Signals>, pub(super) Rc<Timers>);

/// [audio]
#[derive(Debug)]
pub struct AudioThread(pub(super) Arc<Signals>);

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {
        self.0.raise(&self.0.restart);
    }
    fn request_process(&self) {
        self.0.raise(&self.0.process);
    }
    fn request_callback(&self) {
        self.0.raise(&self.0.callback);
    }
}

impl HostLogImpl for Shared {
    fn log(&self, severity: LogSeverity, message: &str) {
        self.0.say(severity, message);
    }
}

impl HostThreadCheckImpl for Shared {
    fn is_main_thread(&self) -> bool {
        role() == Role::Main
    }
    fn is_audio_thread(&self) -> bool {
        role() == Role::Audio
    }
}

impl HostParamsImplShared for Shared {
    fn request_flush(&self) {
        self.0.raise(&self.0.flush);
    }
}

/// The editor's window is the host's: shown as long as it is open.
impl HostGuiImpl for Shared {
    fn resize_hints_changed(&self) {}
    fn request_resize(&self, size: GuiSize) -> Result<(), HostError> {
        self.0.want_size((size.width, size.height));
        Ok(())
    }
    fn request_show(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn request_hide(&self) -> Result<(), HostError> {
        Err(HostError::Message("a window of this host is closed by the user"))
    }
    fn closed(&self, _was_destroyed: bool) {}
}

impl MainThreadHandler<'_> for MainThread {}

impl HostTimerImpl for MainThread {
    fn register_timer(&self, period_ms: u32) -> Result<TimerId, HostError> {
        let id = self.1.add(Duration::from_millis(u64::from(period_ms)));
        id.map(TimerId).ok_or(HostError::Message("too many timers"))
    }
    fn unregister_timer(&self, timer_id: TimerId) -> Result<(), HostError> {
        if self.1.remove(timer_id.0) { Ok(()) } else { Err(HostError::Message("there is no such timer")) }
    }
}

impl MainThread {
    fn blame(&self, text: &str) {
        self.0.say(LogSeverity::PluginMisbehaving, text);
    }
}

impl HostParamsImplMainThread for MainThread {
    fn rescan(&self, flags: ParamRescanFlags) {
        if flags.requires_restart() && self.0.is_active() {
            self.blame("params.rescan(ALL) while active: CLAP allows it only while deactivated");
        }
        self.0.param_rescans.fetch_add(1, Ordering::Relaxed);
    }
    fn clear(&self, _param_id: ClapId, _flags: ParamClearFlags) {}
}

impl HostStateImpl for MainThread {
    fn mark_dirty(&self) {
        self.0.raise(&self.0.dirty);
    }
}

impl HostLatencyImpl for MainThread {
    fn changed(&self) {
        if !self.0.activating.load(Ordering::Acquire) {
            self.blame("latency.changed outside of activate, the only place where CLAP allows it");
        }
        self.0.latency_changes.fetch_add(1, Ordering::Relaxed);
    }
}

impl HostAudioPortsImpl for MainThread {
    fn is_rescan_flag_supported(&self, _flag: AudioPortRescanFlags) -> bool {
        true
    }
    fn rescan(&self, flags: AudioPortRescanFlags) {
        if flags.requires_deactivate() && self.0.is_active() {
            self.blame("audio_ports.rescan of more than names while active");
        }
        self.0.raise(&self.0.ports);
    }
}

impl HostAudioPortsConfigImpl for MainThread {
    fn rescan(&self) {
        self.0.raise(&self.0.ports);
    }
}

impl HostNotePortsImpl for MainThread {
    fn supported_dialects(&self) -> NoteDialects {
        NoteDialects::CLAP | NoteDialects::MIDI
    }
    fn rescan(&self, _flags: NotePortRescanFlags) {
        self.0.raise(&self.0.ports);
    }
}

impl AudioProcessorHandler<'_> for AudioThread {}

impl HostTailImpl for AudioThread {
    fn changed(&mut self) {
        self.0.tail.store(true, Ordering::Release);
    }
}
