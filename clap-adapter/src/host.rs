//! Our end of the connection to the host: what a shell may ask of it, and the telling of changes.
//!
//! Called by: the shell (through [`Host`]), `instance`. Calls: the host. Threads: the [`Host`] half [any]; [`Link::tell`]
//! [main].

use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clack_extensions::ambisonic::HostAmbisonic;
use clack_extensions::audio_ports::{AudioPortRescanFlags, HostAudioPorts};
use clack_extensions::audio_ports_config::HostAudioPortsConfig;
use clack_extensions::latency::HostLatency;
use clack_extensions::log::{HostLog, LogSeverity};
use clack_extensions::note_ports::{HostNotePorts, NotePortRescanFlags};
use clack_extensions::params::{HostParams, ParamRescanFlags};
use clack_extensions::remote_controls::HostRemoteControls;
use clack_extensions::state::HostState;
use clack_extensions::surround::HostSurround;
use clack_extensions::tail::HostTail;
use clack_extensions::thread_check::HostThreadCheck;
#[cfg(feature = "editor")]
use clack_extensions::track_info::HostTrackInfo;
use clack_extensions::voice_info::HostVoiceInfo;
use clack_plugin::host::{HostAudioProcessorHandle, HostMainThreadHandle, HostSharedHandle};
use hotshell_core::host::{Host, Level};
use hotshell_core::shell::{Changes, Phase};

use crate::ext::audio_ports::Difference;
use crate::ext::find;

/// The host's extensions, looked up once, by every name they have had.
struct Extensions {
    ambisonic: Option<HostAmbisonic>,
    audio_ports: Option<HostAudioPorts>,
    audio_ports_config: Option<HostAudioPortsConfig>,
    latency: Option<HostLatency>,
    log: Option<HostLog>,
    note_ports: Option<HostNotePorts>,
    params: Option<HostParams>,
    remote_controls: Option<HostRemoteControls>,
    state: Option<HostState>,
    surround: Option<HostSurround>,
    tail: Option<HostTail>,
    thread_check: Option<HostThreadCheck>,
    #[cfg(feature = "editor")]
    track_info: Option<HostTrackInfo>,
    voice_info: Option<HostVoiceInfo>,
}

/// One instance's connection to its host.
pub(crate) struct Link {
    host: HostSharedHandle<'static>,
    name: String,
    extensions: Extensions,
    /// The instance is being destroyed. The shell promises silence after `disconnect`; this keeps the promise cheap to
    /// trust.
    gone: AtomicBool,
    /// A call came on the wrong thread; said once.
    misbehaved: AtomicBool,
}

impl Link {
    /// Looks everything up. Inside `clap_plugin.init`, where CLAP first allows it. [main]
    pub(crate) fn new(host: HostSharedHandle<'static>) -> Arc<Self> {
        let extensions = Extensions {
            ambisonic: find(host),
            audio_ports: find(host),
            audio_ports_config: find(host),
            latency: find(host),
            log: find(host),
            note_ports: find(host),
            params: find(host),
            remote_controls: find(host),
            state: find(host),
            surround: find(host),
            tail: find(host),
            thread_check: find(host),
            #[cfg(feature = "editor")]
            track_info: find(host),
            voice_info: find(host),
        };
        let text =
            |text: Option<&CStr>| text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
        let name = format!("{} {}", text(host.info().name()), text(host.info().version())).trim().to_owned();
        let (gone, misbehaved) = Default::default();
        Arc::new(Self { host, name, extensions, gone, misbehaved })
    }

    /// The shell's handle on it.
    pub(crate) fn for_shell(self: &Arc<Self>) -> Box<dyn Host> {
        Box::new(ForShell(Arc::clone(self)))
    }

    /// No call to the host after this, whatever the shell does.
    pub(crate) fn disconnect(&self) {
        self.gone.store(true, Ordering::Release);
    }

    /// False if the host says that this is not its main thread. Hosts that do not say are believed.
    pub(crate) fn on_main_thread(&self) -> bool {
        self.extensions.thread_check.and_then(|check| check.is_main_thread(&self.host)).unwrap_or(true)
    }

    /// False if the host says that this is not an audio thread. A call to the host: not in every block.
    pub(crate) fn on_audio_thread(&self) -> bool {
        self.extensions.thread_check.and_then(|check| check.is_audio_thread(&self.host)).unwrap_or(true)
    }

    /// Debug builds: says once per instance that the host broke CLAP's thread rules. Not on [audio].
    pub(crate) fn blame(&self, what: &str) {
        if cfg!(debug_assertions) && !self.misbehaved.swap(true, Ordering::Relaxed) {
            self.write(LogSeverity::HostMisbehaving, what);
        }
    }

    /// Debug builds: checks that a [main] call came on the main thread.
    pub(crate) fn expect_main(&self, what: &str) {
        if cfg!(debug_assertions) && !self.on_main_thread() {
            self.blame(&format!("{what} was called on a thread that is not the host's main thread"));
        }
    }

    /// A panic of the shell in a block, said where it can be said.
    pub(crate) fn report_panic(&self) {
        let text = "hotshell itself panicked while it ran a block; the block was silence. Please report this as a bug";
        self.write(LogSeverity::PluginMisbehaving, text);
    }

    fn write(&self, severity: LogSeverity, text: &str) {
        if let (Some(log), false) = (self.extensions.log, self.gone.load(Ordering::Acquire)) {
            let bytes: Vec<u8> = text.bytes().map(|byte| if byte == 0 { b' ' } else { byte }).collect();
            log.log(&self.host, severity, &CString::new(bytes).unwrap_or_default());
        }
    }

    /// The tail has another length. [audio], inside `process`.
    pub(crate) fn tail_changed(&self, host: &mut HostAudioProcessorHandle<'_>) {
        if let Some(tail) = self.extensions.tail {
            tail.changed(host);
        }
    }

    /// Tells the host what is legal here (FORMATS 1), nothing else: the lists only while `inactive`, the latency only
    /// inside `activate`. `ports`: how the announced audio ports differ from what the host was last told. [main]
    pub(crate) fn tell(
        &self,
        host: &HostMainThreadHandle<'_>,
        changes: Changes,
        phase: Phase,
        inactive: bool,
        ports: Difference,
    ) {
        let has = |flag| changes.contains(flag);
        self.tell_params(host, changes, inactive);
        self.tell_ports(host, changes, inactive, ports);
        if let (Some(latency), true) =
            (self.extensions.latency, has(Changes::LATENCY) && phase == Phase::Activating)
        {
            latency.changed(host);
        }
        if let (Some(voices), true) = (self.extensions.voice_info, has(Changes::VOICES)) {
            voices.changed(host);
        }
        if let (Some(pages), true) = (self.extensions.remote_controls, has(Changes::PAGES)) {
            pages.changed(host);
        }
        if let (Some(state), true) = (self.extensions.state, has(Changes::DIRTY)) {
            state.mark_dirty(host);
        }
    }

    /// False where the host may not be told of other audio ports: CLAP forbids the rescan unless the host says yes. [main]
    pub(crate) fn may_change_ports(&self, host: &HostMainThreadHandle<'_>) -> bool {
        let needed = AudioPortRescanFlags::LIST | AudioPortRescanFlags::CHANNEL_COUNT;
        self.extensions
            .audio_ports
            .is_some_and(|ports| needed.iter().all(|flag| ports.is_rescan_flag_supported(host, flag)))
    }

    fn tell_params(&self, host: &HostMainThreadHandle<'_>, changes: Changes, inactive: bool) {
        let Some(params) = self.extensions.params else { return };
        let mut flags = ParamRescanFlags::empty();
        flags.set(ParamRescanFlags::VALUES, changes.contains(Changes::VALUES));
        flags.set(ParamRescanFlags::TEXT, changes.contains(Changes::TEXTS));
        flags.set(ParamRescanFlags::INFO, changes.contains(Changes::INFO));
        if changes.contains(Changes::PARAMS) && inactive {
            flags = ParamRescanFlags::ALL;
        }
        if !flags.is_empty() {
            params.rescan(host, flags);
        }
    }

    fn tell_ports(
        &self,
        host: &HostMainThreadHandle<'_>,
        changes: Changes,
        inactive: bool,
        ports: Difference,
    ) {
        let structural = changes.contains(Changes::PORTS) && inactive;
        let ports = if structural { ports } else { Difference::NONE };
        let mut wanted = ports.flags;
        wanted.set(AudioPortRescanFlags::NAMES, changes.contains(Changes::PORT_NAMES));
        if let (Some(audio), false) = (self.extensions.audio_ports, wanted.is_empty()) {
            let supported =
                wanted.iter().filter(|flag| audio.is_rescan_flag_supported(host, *flag)).collect();
            if supported != AudioPortRescanFlags::empty() {
                audio.rescan(host, supported);
            }
        }
        if let (Some(configs), true) = (self.extensions.audio_ports_config, structural) {
            configs.rescan(host);
        }
        if let (Some(surround), true) = (self.extensions.surround, ports.surround) {
            surround.changed(host);
        }
        if let (Some(ambisonic), true) = (self.extensions.ambisonic, ports.ambisonic) {
            ambisonic.changed(host);
        }
        let mut notes = NotePortRescanFlags::empty();
        notes.set(NotePortRescanFlags::NAMES, changes.contains(Changes::NOTE_PORT_NAMES));
        notes.set(NotePortRescanFlags::ALL, changes.contains(Changes::NOTE_PORTS) && inactive);
        if let (Some(ports), false) = (self.extensions.note_ports, notes.is_empty()) {
            ports.rescan(host, notes);
        }
    }

    /// Asks for a block or a flush in which output events can be handed over. Not on [audio].
    pub(crate) fn request_flush(&self) {
        if let (Some(params), false) = (self.extensions.params, self.gone.load(Ordering::Acquire)) {
            params.request_flush(&self.host);
        }
    }

    /// The host itself, for what only one file needs; `None` once the instance is being destroyed.
    #[cfg(feature = "editor")]
    pub(crate) fn host(&self) -> Option<HostSharedHandle<'static>> {
        (!self.gone.load(Ordering::Acquire)).then_some(self.host)
    }

    /// Where to ask about the track; `None` if the host has no word for it, or the instance is being destroyed.
    #[cfg(feature = "editor")]
    pub(crate) fn tracks(&self) -> Option<HostTrackInfo> {
        self.extensions.track_info.filter(|_| !self.gone.load(Ordering::Acquire))
    }

    /// Asks for a main-thread call. [any]
    pub(crate) fn request_callback(&self) {
        if !self.gone.load(Ordering::Acquire) {
            self.host.request_callback();
        }
    }
}

struct ForShell(Arc<Link>);

impl Host for ForShell {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn request_restart(&self) {
        if !self.0.gone.load(Ordering::Acquire) {
            self.0.host.request_restart();
        }
    }

    fn request_process(&self) {
        if !self.0.gone.load(Ordering::Acquire) {
            self.0.host.request_process();
        }
    }

    fn request_callback(&self) {
        self.0.request_callback();
    }

    fn log(&self, level: Level, text: &str) {
        let severity = match level {
            Level::Debug => LogSeverity::Debug,
            Level::Info => LogSeverity::Info,
            Level::Warning => LogSeverity::Warning,
            Level::Error => LogSeverity::Error,
        };
        self.0.write(severity, text);
    }
}
