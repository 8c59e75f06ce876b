//! One plug-in instance: clack's three parts over one shell, and the phases in which the host is told of changes.
//!
//! Called by: clack (`init`, `activate`, `deactivate`, `on_main_thread`, `destroy`), `ext`. Calls: the shell, `host`.
//! Threads: [`Shared`] [any], [`Main`] [main], activation [main]; blocks are in `process`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use clack_extensions::audio_ports::AudioPortRescanFlags;
use clack_plugin::extensions::PluginExtensions;
use clack_plugin::host::{HostMainThreadHandle, HostSharedHandle};
use clack_plugin::plugin::{Plugin, PluginError, PluginMainThread, PluginShared};
use hotshell_abi::{AudioConfig, RenderMode};
use hotshell_core::shell::{Changes, LayoutInfo, Phase, Plugins, Shell};
use parking_lot::{Mutex, RwLock};

use crate::edits::{Desk, Lane};
use crate::error::refused;
use crate::ext::audio_ports::Difference;
use crate::ext::{self, Offers};
use crate::host::Link;
use crate::params::Table;
use crate::process::Processor;
use crate::view::{self, View};

/// The clack plug-in type of every plug-in of every artifact.
pub(crate) struct Clap;

impl Plugin for Clap {
    type AudioProcessor<'a> = Processor<'a>;
    type Shared<'a> = Shared;
    type MainThread<'a> = Main<'a>;

    fn declare_extensions(builder: &mut PluginExtensions<'_, Self>, shared: Option<&Shared>) {
        // `None`: the host asks before `init` has made the shell, so there is nothing to say yet.
        if let Some(shared) = shared {
            ext::declare(builder, &shared.offers);
        }
    }
}

/// What every thread of the host's may use.
pub(crate) struct Shared {
    pub(crate) shell: Box<dyn Shell>,
    pub(crate) link: Arc<Link>,
    pub(crate) offers: Offers,
    /// [`RenderMode`] of the blocks to come.
    mode: AtomicU32,
    /// Between the end of `activate` and the start of `deactivate`.
    active: AtomicBool,
    /// Bit i: the host has switched input port i off.
    inputs_off: AtomicU64,
    /// Bit i: the host has switched output port i off.
    outputs_off: AtomicU64,
    /// The user's edits on their way to the host.
    pub(crate) edits: Lane,
    /// Seen on [audio], to be said on [main].
    pub(crate) trouble: Trouble,
}

/// What went wrong on [audio], where nothing can be said.
#[derive(Default)]
pub(crate) struct Trouble {
    /// The shell panicked in a block.
    pub(crate) panicked: AtomicBool,
    /// Debug builds: `process` ran on a thread that the host does not call an audio thread.
    pub(crate) wrong_thread: AtomicBool,
}

impl PluginShared<'_> for Shared {}

impl Shared {
    /// Opens plug-in `index`, inside `clap_plugin.init`. [main]
    pub(crate) fn open(
        plugins: &'static dyn Plugins,
        index: usize,
        host: HostSharedHandle<'static>,
    ) -> Result<Self, PluginError> {
        let link = Link::new(host);
        let shell = plugins.open(index, "clap", link.for_shell()).map_err(refused)?;
        let desc = plugins
            .describe(index)
            .ok_or(PluginError::Message("the artifact does not describe this plug-in"))?;
        let offers = if plugins.is_hot() {
            Offers::ALL
        } else {
            Offers::of(desc).with_gui(view::is_there(shell.as_ref()))
        };
        Ok(Self {
            shell,
            link,
            offers,
            mode: AtomicU32::new(RenderMode::REALTIME.0),
            active: AtomicBool::new(false),
            inputs_off: AtomicU64::new(0),
            outputs_off: AtomicU64::new(0),
            edits: Lane::default(),
            trouble: Trouble::default(),
        })
    }

    pub(crate) fn mode(&self) -> RenderMode {
        RenderMode(self.mode.load(Ordering::Relaxed))
    }

    pub(crate) fn set_mode(&self, mode: RenderMode) {
        self.mode.store(mode.0, Ordering::Relaxed);
        self.shell.set_mode(mode);
    }

    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    /// Bits of the input and the output ports that the host has switched off.
    pub(crate) fn ports_off(&self) -> (u64, u64) {
        (self.inputs_off.load(Ordering::Relaxed), self.outputs_off.load(Ordering::Relaxed))
    }

    /// Switches a port. False past the 64th. [main] inactive, [audio] active.
    pub(crate) fn set_port(&self, input: bool, index: u32, on: bool) -> bool {
        let Some(bit) = 1_u64.checked_shl(index) else { return false };
        let ports = if input { &self.inputs_off } else { &self.outputs_off };
        if on {
            ports.fetch_and(!bit, Ordering::Relaxed)
        } else {
            ports.fetch_or(bit, Ordering::Relaxed)
        };
        true
    }

    /// Another list of ports: CLAP says that all of them are on.
    pub(crate) fn all_ports_on(&self) {
        self.inputs_off.store(0, Ordering::Relaxed);
        self.outputs_off.store(0, Ordering::Relaxed);
    }

    /// Number of ports of the layout that the instance was activated with.
    pub(crate) fn current_layout(&self) -> Option<LayoutInfo> {
        self.shell.layouts().into_iter().nth(self.shell.layout())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // First the shell's promise, then the belt to those braces.
        self.shell.disconnect();
        self.link.disconnect();
    }
}

/// The main thread's part.
pub(crate) struct Main<'a> {
    pub(crate) shared: &'a Shared,
    host: HostMainThreadHandle<'a>,
    /// What the host reads of the parameters, made once per change.
    table: RwLock<Table>,
    /// The layout that the host was last told.
    told_layout: Mutex<Option<LayoutInfo>>,
    /// The host has been asked whether its audio ports may be read again.
    ports_asked: AtomicBool,
    #[cfg_attr(not(feature = "editor"), expect(dead_code, reason = "there is nothing to see"))]
    pub(crate) view: View,
    desk: Desk,
}

impl<'a> Main<'a> {
    pub(crate) fn new(host: HostMainThreadHandle<'a>, shared: &'a Shared) -> Self {
        let table = RwLock::new(Table::read(shared.shell.as_ref()));
        Self {
            shared,
            host,
            table,
            told_layout: Mutex::new(shared.current_layout()),
            ports_asked: AtomicBool::new(false),
            view: View::default(),
            desk: Desk::default(),
        }
    }

    /// The host, for [main] calls.
    #[cfg(feature = "editor")]
    pub(crate) const fn host(&self) -> &HostMainThreadHandle<'a> {
        &self.host
    }

    /// Every lock of it, for the test that plays on meanwhile.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Sized + '_ {
        (self.table.write(), self.told_layout.lock())
    }

    /// The parameters as announced. Never held across a call to the host.
    pub(crate) fn with_table<T>(&self, read: impl FnOnce(&Table) -> T) -> T {
        read(&self.table.read())
    }

    /// Asks the shell what the host must know and tells it. Where the host says that this is not its main thread (a
    /// state load on a worker), a main-thread call is asked for instead.
    pub(crate) fn tell(&self, phase: Phase) {
        let link = &self.shared.link;
        if !link.on_main_thread() {
            link.request_callback();
            return;
        }
        // Not inside `init`: a host may look for our own audio-ports first, which answers from then on only.
        if !self.ports_asked.swap(true, Ordering::Relaxed) && !link.may_change_ports(&self.host) {
            self.shared.shell.hold(Changes::PORTS);
        }
        let changes = self.shared.shell.take_changes(phase);
        if changes.intersects(Changes::INFO | Changes::PARAMS | Changes::PAGES) {
            let fresh = Table::read(self.shared.shell.as_ref());
            *self.table.write() = fresh;
        }
        let mut ports = Difference::NONE;
        if changes.intersects(Changes::PORTS | Changes::PORT_NAMES) {
            ports = self.layout_told();
        }
        link.tell(&self.host, changes, phase, !self.shared.is_active(), ports);
    }

    /// The host chose a layout itself, or is about to be told: what differs from what it knew.
    pub(crate) fn layout_told(&self) -> Difference {
        let live = self.shared.current_layout();
        let told = std::mem::replace(&mut *self.told_layout.lock(), live.clone());
        let difference = match (told, live) {
            (Some(old), Some(new)) => Difference::between(&old, &new),
            _ => Difference { flags: AudioPortRescanFlags::LIST, ..Difference::NONE },
        };
        if difference.flags.contains(AudioPortRescanFlags::LIST) {
            self.shared.all_ports_on();
        }
        difference
    }

    /// The host chooses layout `index`. [main], inactive.
    pub(crate) fn choose_layout(&self, index: usize) -> Result<(), PluginError> {
        self.shared.shell.set_layout(index).map_err(refused)?;
        self.shared.all_ports_on();
        self.layout_told();
        Ok(())
    }

    /// Everything that waits for a main-thread call.
    pub(crate) fn upkeep(&self) {
        let trouble = &self.shared.trouble;
        if trouble.panicked.swap(false, Ordering::Relaxed) {
            self.shared.link.report_panic();
        }
        if trouble.wrong_thread.swap(false, Ordering::Relaxed) {
            self.shared
                .link
                .blame("process was called on a thread that the host does not call an audio thread");
        }
        self.view_tick();
        let shared = self.shared;
        if shared.edits.load(&self.desk, || shared.shell.take_edits()) {
            shared.link.request_flush();
        }
        self.tell(Phase::AnyTime);
        self.view_menu();
    }

    /// [main], inside `activate`.
    pub(crate) fn activate(
        &self,
        config: AudioConfig,
    ) -> Result<Box<dyn hotshell_core::shell::Audio>, PluginError> {
        self.shared.link.expect_main("activate");
        let audio = self.shared.shell.activate(config).map_err(refused)?;
        self.shared.active.store(true, Ordering::Release);
        self.tell(Phase::Activating);
        Ok(audio)
    }

    /// [main], inside `deactivate`. The host may be tearing the instance down; the shell knows whether the restart was
    /// its wish, and else has nothing to tell.
    pub(crate) fn deactivate(&self, audio: Box<dyn hotshell_core::shell::Audio>) {
        self.shared.link.expect_main("deactivate");
        self.shared.active.store(false, Ordering::Release);
        self.shared.shell.deactivate(audio);
        self.tell(Phase::Deactivated);
    }
}

impl Drop for Main<'_> {
    /// Not every host ends the editor before the plug-in.
    fn drop(&mut self) {
        self.destroy_view();
    }
}

impl<'a> PluginMainThread<'a, Shared> for Main<'a> {
    fn on_main_thread(&self) {
        self.shared.link.expect_main("on_main_thread");
        self.view_answered();
        self.upkeep();
    }
}
