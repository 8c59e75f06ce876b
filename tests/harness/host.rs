//! Our side of CLAP: every host extension that a hotshell plug-in may call, each call noted.
//!
//! Called by: the plug-in under test, through clack-host. Calls: `calls`. Threads: whatever the plug-in uses; that is
//! what gets noted.

use std::sync::Arc;

use clack_extensions::audio_ports::{AudioPortRescanFlags, HostAudioPorts, HostAudioPortsImpl};
use clack_extensions::context_menu::HostContextMenu;
use clack_extensions::gui::HostGui;
use clack_extensions::latency::{HostLatency, HostLatencyImpl};
use clack_extensions::log::{HostLog, HostLogImpl, LogSeverity};
use clack_extensions::note_name::{HostNoteName, HostNoteNameImpl};
use clack_extensions::note_ports::{HostNotePorts, HostNotePortsImpl, NoteDialects, NotePortRescanFlags};
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamRescanFlags,
};
use clack_extensions::remote_controls::{HostRemoteControls, HostRemoteControlsImpl};
use clack_extensions::state::{HostState, HostStateImpl};
use clack_extensions::tail::{HostTail, HostTailImpl};
use clack_extensions::thread_check::{HostThreadCheck, HostThreadCheckImpl};
use clack_extensions::timer::HostTimer;
use clack_extensions::track_info::HostTrackInfo;
use clack_extensions::voice_info::{HostVoiceInfo, HostVoiceInfoImpl};
use clack_host::prelude::*;

use crate::calls::{Calls, Role, What, role};

/// How this host differs from the next one.
#[derive(Clone, Copy, Debug)]
pub struct HostOptions {
    /// Offers host extensions at all (qtractor asks its first questions without any).
    pub extensions: bool,
    /// Answers `is_rescan_flag_supported` with yes.
    pub ports_may_rescan: bool,
    /// Has an idle timer.
    pub timer: bool,
    /// Answers `request_callback` (qtractor never does).
    pub callbacks: bool,
    /// Name that the plug-in sees.
    pub name: &'static str,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            extensions: true,
            ports_may_rescan: true,
            timer: true,
            callbacks: true,
            name: "hotshell-tests",
        }
    }
}

/// The handlers of clack-host.
#[derive(Debug)]
pub struct TestHost;

/// Thread-safe half.
#[derive(Debug)]
pub struct Shared {
    pub(crate) calls: Arc<Calls>,
    pub(crate) options: HostOptions,
}

/// Main-thread half. Noting is thread-safe, so a call from a wrong thread is noted and not undefined.
#[derive(Debug)]
pub struct MainThread {
    pub(crate) calls: Arc<Calls>,
    pub(crate) options: HostOptions,
}

/// Audio half.
#[derive(Debug)]
pub struct Processor {
    pub(crate) calls: Arc<Calls>,
}

impl HostHandlers for TestHost {
    type Shared<'a> = Shared;
    type MainThread<'a> = MainThread;
    type AudioProcessor<'a> = Processor;

    fn declare_extensions(builder: &mut HostExtensions<Self>, shared: &Self::Shared<'_>) {
        if !shared.options.extensions {
            return;
        }
        builder
            .register::<HostLog>()
            .register::<HostThreadCheck>()
            .register::<HostParams>()
            .register::<HostState>()
            .register::<HostLatency>()
            .register::<HostTail>()
            .register::<HostAudioPorts>()
            .register::<HostNotePorts>()
            .register::<HostVoiceInfo>()
            .register::<HostRemoteControls>()
            .register::<HostNoteName>()
            .register::<HostGui>()
            .register::<HostContextMenu>()
            .register::<HostTrackInfo>();
        if shared.options.timer {
            builder.register::<HostTimer>();
        }
    }
}

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {
        self.calls.record(What::RequestRestart);
    }
    fn request_process(&self) {
        self.calls.record(What::RequestProcess);
    }
    fn request_callback(&self) {
        self.calls.record(What::RequestCallback);
    }
}

impl MainThreadHandler<'_> for MainThread {}

impl AudioProcessorHandler<'_> for Processor {}

impl HostLogImpl for Shared {
    fn log(&self, severity: LogSeverity, message: &str) {
        self.calls.line(u32::try_from(severity.to_raw()).unwrap_or(u32::MAX), message);
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
        self.calls.record(What::RequestFlush);
    }
}

impl HostParamsImplMainThread for MainThread {
    fn rescan(&self, flags: ParamRescanFlags) {
        self.calls.record(What::ParamsRescan(flags.bits()));
    }
    fn clear(&self, _param_id: ClapId, flags: ParamClearFlags) {
        self.calls.record(What::ParamsClear(flags.bits()));
    }
}

impl HostStateImpl for MainThread {
    fn mark_dirty(&self) {
        self.calls.record(What::MarkDirty);
    }
}

impl HostLatencyImpl for MainThread {
    fn changed(&self) {
        self.calls.record(What::LatencyChanged);
    }
}

impl HostTailImpl for Processor {
    fn changed(&mut self) {
        self.calls.record(What::TailChanged);
    }
}

impl HostAudioPortsImpl for MainThread {
    fn is_rescan_flag_supported(&self, _flag: AudioPortRescanFlags) -> bool {
        self.options.ports_may_rescan
    }
    fn rescan(&self, flags: AudioPortRescanFlags) {
        self.calls.record(What::AudioPortsRescan(flags.bits()));
    }
}

impl HostNotePortsImpl for MainThread {
    fn supported_dialects(&self) -> NoteDialects {
        NoteDialects::all()
    }
    fn rescan(&self, flags: NotePortRescanFlags) {
        self.calls.record(What::NotePortsRescan(flags.bits()));
    }
}

impl HostVoiceInfoImpl for MainThread {
    fn changed(&self) {
        self.calls.record(What::VoiceInfoChanged);
    }
}

impl HostRemoteControlsImpl for MainThread {
    fn changed(&self) {
        self.calls.record(What::RemoteControlsChanged);
    }
    fn suggest_page(&self, _page_id: ClapId) {}
}

impl HostNoteNameImpl for MainThread {
    fn changed(&self) {
        self.calls.record(What::NoteNameChanged);
    }
}
