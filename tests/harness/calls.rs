//! Everything that a plug-in asks of the host, with the thread and the phase in which it asked. Recording neither
//! allocates nor locks, so it may happen inside a guarded block.
//!
//! Called by: `host`, `plugin`, `audio`, tests. Calls: nothing. Threads: [any].

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};

/// Calls that one log holds; later ones are counted and lost.
const CAPACITY: usize = 1 << 14;

/// What a thread is to the plug-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Role {
    /// The plug-in's own threads, and everybody else.
    Other = 0,
    /// The thread that opened the plug-in.
    Main = 1,
    /// The thread that runs its blocks.
    Audio = 2,
}

/// Which call of ours a thread was in when the plug-in called back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Phase {
    /// None.
    Idle = 0,
    /// `create_plugin` or `init`; `initialize`.
    Init = 1,
    /// `activate`; `setActive(1)`.
    Activating = 2,
    /// `deactivate`; `setActive(0)`.
    Deactivating = 3,
    /// `on_main_thread`.
    MainThread = 4,
    /// `process`.
    Processing = 5,
    /// `start_processing`, `stop_processing`, `reset`, `flush` on the audio thread.
    AudioOther = 6,
    /// State save or load.
    State = 7,
    /// A question (parameters, latency, ports, texts).
    Query = 8,
    /// `destroy`.
    Destroying = 9,
    /// VST3's `setComponentHandler`.
    Handler = 10,
    /// VST3's `setupProcessing` and `setBusArrangements`.
    SettingUp = 11,
}

const PHASES: [Phase; 12] = [
    Phase::Idle,
    Phase::Init,
    Phase::Activating,
    Phase::Deactivating,
    Phase::MainThread,
    Phase::Processing,
    Phase::AudioOther,
    Phase::State,
    Phase::Query,
    Phase::Destroying,
    Phase::Handler,
    Phase::SettingUp,
];

/// What the plug-in asked. Numbers are the format's flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// `host.request_restart`.
    RequestRestart,
    /// `host.request_process`.
    RequestProcess,
    /// `host.request_callback`.
    RequestCallback,
    /// `params.rescan`.
    ParamsRescan(u32),
    /// `params.clear`.
    ParamsClear(u32),
    /// `params.request_flush`.
    RequestFlush,
    /// `latency.changed`.
    LatencyChanged,
    /// `tail.changed`.
    TailChanged,
    /// `audio_ports.rescan`.
    AudioPortsRescan(u32),
    /// `note_ports.rescan`.
    NotePortsRescan(u32),
    /// `state.mark_dirty`.
    MarkDirty,
    /// `voice_info.changed`.
    VoiceInfoChanged,
    /// `remote_controls.changed`.
    RemoteControlsChanged,
    /// `note_name.changed`.
    NoteNameChanged,
    /// `log.log`, with the severity.
    Log(u32),
    /// VST3's `restartComponent`, with its flags.
    RestartComponent(u32),
}

impl What {
    const fn pack(self) -> u64 {
        let (kind, number) = match self {
            Self::RequestRestart => (0, 0),
            Self::RequestProcess => (1, 0),
            Self::RequestCallback => (2, 0),
            Self::ParamsRescan(flags) => (3, flags),
            Self::ParamsClear(flags) => (4, flags),
            Self::RequestFlush => (5, 0),
            Self::LatencyChanged => (6, 0),
            Self::TailChanged => (7, 0),
            Self::AudioPortsRescan(flags) => (8, flags),
            Self::NotePortsRescan(flags) => (9, flags),
            Self::MarkDirty => (10, 0),
            Self::VoiceInfoChanged => (11, 0),
            Self::RemoteControlsChanged => (12, 0),
            Self::NoteNameChanged => (13, 0),
            Self::Log(severity) => (14, severity),
            Self::RestartComponent(flags) => (15, flags),
        };
        (kind << 32) | number as u64
    }

    fn unpack(word: u64) -> Self {
        let number = u32::try_from(word & 0xffff_ffff).expect("masked");
        match (word >> 32) & 0xff {
            0 => Self::RequestRestart,
            1 => Self::RequestProcess,
            2 => Self::RequestCallback,
            3 => Self::ParamsRescan(number),
            4 => Self::ParamsClear(number),
            5 => Self::RequestFlush,
            6 => Self::LatencyChanged,
            7 => Self::TailChanged,
            8 => Self::AudioPortsRescan(number),
            9 => Self::NotePortsRescan(number),
            10 => Self::MarkDirty,
            11 => Self::VoiceInfoChanged,
            12 => Self::RemoteControlsChanged,
            13 => Self::NoteNameChanged,
            14 => Self::Log(number),
            _ => Self::RestartComponent(number),
        }
    }
}

/// One call from the plug-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    /// What it asked.
    pub what: What,
    /// On which thread.
    pub role: Role,
    /// From inside which call of ours on that thread.
    pub phase: Phase,
}

thread_local! {
    static ROLE: Cell<Role> = const { Cell::new(Role::Other) };
}

/// The calling thread's role.
#[must_use]
pub fn role() -> Role {
    ROLE.with(Cell::get)
}

/// Gives the calling thread a role.
pub fn set_role(role: Role) {
    ROLE.with(|cell| cell.set(role));
}

/// Calls of one plug-in instance, in order.
#[derive(Debug)]
pub struct Calls {
    words: Box<[AtomicU64]>,
    count: AtomicUsize,
    main: AtomicU8,
    audio: AtomicU8,
    callback_wanted: AtomicBool,
    restart_wanted: AtomicBool,
    process_wanted: AtomicBool,
    lines: Mutex<Vec<String>>,
    /// What the plug-in's editor has asked for.
    pub desk: Mutex<crate::editor::Desk>,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            words: (0..CAPACITY).map(|_| AtomicU64::new(0)).collect(),
            count: AtomicUsize::new(0),
            main: AtomicU8::new(Phase::Idle as u8),
            audio: AtomicU8::new(Phase::Idle as u8),
            callback_wanted: AtomicBool::new(false),
            restart_wanted: AtomicBool::new(false),
            process_wanted: AtomicBool::new(false),
            lines: Mutex::default(),
            desk: Mutex::default(),
        }
    }
}

impl Calls {
    /// Notes one call of the plug-in's.
    pub fn record(&self, what: What) {
        match what {
            What::RequestCallback => self.callback_wanted.store(true, Ordering::Release),
            What::RequestRestart => self.restart_wanted.store(true, Ordering::Release),
            What::RequestProcess | What::RequestFlush => self.process_wanted.store(true, Ordering::Release),
            _ => {}
        }
        let role = role();
        let phase = match role {
            Role::Main => self.main.load(Ordering::Relaxed),
            Role::Audio => self.audio.load(Ordering::Relaxed),
            Role::Other => Phase::Idle as u8,
        };
        let index = self.count.fetch_add(1, Ordering::AcqRel);
        if let Some(word) = self.words.get(index) {
            let packed = what.pack() | (role as u64) << 40 | u64::from(phase) << 48 | 1 << 63;
            word.store(packed, Ordering::Release);
        }
    }

    /// Keeps a log line. A line from inside a block is itself a fault, which [`Calls::list`] shows by its phase; its
    /// text is dropped then, since keeping it would allocate.
    pub fn line(&self, severity: u32, text: &str) {
        self.record(What::Log(severity));
        if role() != Role::Audio
            && let Ok(mut lines) = self.lines.lock()
        {
            lines.push(text.to_owned());
        }
    }

    /// All log lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().map(|lines| lines.clone()).unwrap_or_default()
    }

    /// All calls so far.
    ///
    /// # Panics
    /// If there were more than the log holds.
    #[must_use]
    pub fn list(&self) -> Vec<Call> {
        let count = self.count.load(Ordering::Acquire);
        assert!(count <= CAPACITY, "{count} calls from one plug-in: more than the log holds");
        self.words[..count].iter().filter_map(|word| Self::unpack(word.load(Ordering::Acquire))).collect()
    }

    fn unpack(word: u64) -> Option<Call> {
        if word >> 63 == 0 {
            return None;
        }
        let role = match (word >> 40) & 0xff {
            1 => Role::Main,
            2 => Role::Audio,
            _ => Role::Other,
        };
        let phase = usize::try_from((word >> 48) & 0x7f).ok().and_then(|i| PHASES.get(i));
        Some(Call { what: What::unpack(word), role, phase: phase.copied().unwrap_or(Phase::Idle) })
    }

    /// Number of calls so far, for [`Calls::since`].
    #[must_use]
    pub fn mark(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Calls after `mark` without those that tell the host nothing about the plug-in: log lines and the three
    /// requests that only ask to be called.
    #[must_use]
    pub fn since(&self, mark: usize) -> Vec<Call> {
        let news = |call: &Call| {
            !matches!(
                call.what,
                What::Log(_) | What::RequestCallback | What::RequestProcess | What::RequestFlush
            )
        };
        self.list().into_iter().skip(mark).filter(news).collect()
    }

    /// Runs `call` with the calling thread's phase set.
    pub fn during<R>(&self, phase: Phase, call: impl FnOnce() -> R) -> R {
        let slot = if role() == Role::Audio { &self.audio } else { &self.main };
        let before = slot.swap(phase as u8, Ordering::Relaxed);
        let result = call();
        slot.store(before, Ordering::Relaxed);
        result
    }

    /// True once per `request_callback`.
    #[must_use]
    pub fn take_callback(&self) -> bool {
        self.callback_wanted.swap(false, Ordering::AcqRel)
    }

    /// True once per `request_restart`.
    #[must_use]
    pub fn take_restart(&self) -> bool {
        self.restart_wanted.swap(false, Ordering::AcqRel)
    }

    /// True once per `request_process` or `request_flush`.
    #[must_use]
    pub fn take_process(&self) -> bool {
        self.process_wanted.swap(false, Ordering::AcqRel)
    }
}
