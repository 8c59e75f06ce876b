//! One plug-in instance: its life from `initialize` to `terminate`, and the phases in which the host is told of
//! changes.
//!
//! Called by: `component`, `process`, `com`. Calls: the shell, `com/handler`. Threads: [main] by VST3's rules,
//! safe from any; [`Instance::runner`] is [audio].
//!
//! No lock of ours is held across a call to the host, and what the audio thread takes is taken only if it is free.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use hotshell_abi::{AudioConfig, NotePortsDesc, RenderMode};
use hotshell_core::host::Level;
use hotshell_core::shell::{Changes, LayoutInfo, Phase, Plugins, Shell, ShellError};
use parking_lot::{Mutex, RwLock};
use vst3::{ComPtr, Steinberg::Linux::IRunLoop};

use crate::com::PREFETCH_UNREAD;
use crate::com::context::Context;
use crate::com::handler::Handler;
use crate::error::guard;
use crate::host::Link;
use crate::params::{Line, Table};
use crate::process::Runner;
use crate::process::bystander::Bystander;
use crate::process::cell::Cell;
use crate::process::flushed::Flushed;

mod clock;
mod surroundings;
mod tell;

/// What one COM object stands for.
pub(crate) struct Instance {
    plugins: &'static dyn Plugins,
    index: usize,
    live: RwLock<Option<Arc<Live>>>,
    control: Mutex<Control>,
    /// The audio half while active.
    pub(crate) runner: Cell<Box<Runner>>,
    /// Takes what a block brings along that finds no runner.
    pub(crate) bystander: Cell<Box<Bystander>>,
    pub(crate) handler: Handler,
    /// Of the latest `initialize`.
    pub(crate) context: Context,
    /// The factory's.
    factory: Arc<Context>,
    /// `restartComponent` flags that wait for a safe call.
    pending: AtomicU32,
    /// What the host was last told of running ahead.
    pub(crate) prefetch_read: AtomicU32,
    /// `setProcessing(false)` came and no `setProcessing(true)` since.
    stopped: AtomicBool,
    /// The next block begins without any sound of before.
    pub(crate) clear: AtomicBool,
    surroundings: Mutex<surroundings::Surroundings>,
    clock: clock::Clock,
}

// Hosts call from any thread, whatever VST3 says.
const _: () = {
    const fn any_thread<T: Send + Sync>() {}
    any_thread::<Instance>();
};

/// Between `initialize` and `terminate`.
pub(crate) struct Live {
    pub(crate) shell: Box<dyn Shell>,
    pub(crate) link: Arc<Link>,
    table: RwLock<Arc<Table>>,
    /// One reading of the table at a time: of two tellings, the later one's list stays. Never [audio]'s, and never held
    /// across a call to the host.
    reading: Mutex<()>,
    /// The table for [audio].
    pub(crate) for_runner: Inbox,
    pub(crate) for_bystander: Inbox,
    /// Bit i: the host has switched input bus i off.
    inputs_off: AtomicU64,
    /// Bit i: the host has switched output bus i off.
    outputs_off: AtomicU64,
    /// What the host last set the controllers' parameters to, by id.
    pub(crate) controllers: Mutex<BTreeMap<u32, f64>>,
    /// What came in flushes while nothing played.
    pub(crate) flushed: Flushed,
    /// Events of the host's that found no room, and that the author has not been told of.
    lost: AtomicU32,
}

/// A table on its way to [audio], and whether it has not seen it.
#[derive(Default)]
pub(crate) struct Inbox {
    table: Cell<Arc<Table>>,
    fresh: AtomicBool,
}

impl Inbox {
    fn put(&self, table: Arc<Table>) {
        // Both under the cell's hold: a block between the two would bring back what it had before at the next one.
        let old = self.table.with(|place| {
            let old = place.replace(table);
            self.fresh.store(true, Ordering::Release);
            old
        });
        drop(old);
    }

    /// Brings `table` up to date. What it was goes back into the inbox: nothing is freed here. [audio]
    pub(crate) fn take(&self, table: &mut Arc<Table>) {
        if self.fresh.load(Ordering::Acquire) {
            // While main is just putting another one there, the next block takes it.
            self.table.try_with(|newest| {
                if self.fresh.swap(false, Ordering::AcqRel) {
                    std::mem::swap(newest, table);
                }
            });
        }
    }
}

#[derive(Default)]
struct Control {
    setup: Option<Setup>,
    /// Ready to play since `setupProcessing`, so that the latency is right before `setActive` (JUCE reads it there); and
    /// the ports that it was made for.
    prepared: Option<(Box<Runner>, Ports)>,
    active: bool,
}

/// The announced ports. A player is made for them.
#[derive(PartialEq)]
struct Ports {
    layouts: Vec<LayoutInfo>,
    layout: usize,
    notes: NotePortsDesc,
}

/// Of `setupProcessing`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Setup {
    /// Hz.
    pub(crate) sample_rate: f64,
    /// Frames.
    pub(crate) max_frames: u32,
    pub(crate) mode: RenderMode,
}

impl Live {
    /// The parameters as announced.
    pub(crate) fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.read())
    }

    fn read_table(&self) -> (Arc<Table>, Arc<Table>) {
        let _reading = self.reading.lock();
        let before = self.table();
        let fresh = Arc::new(Table::read(self.shell.as_ref(), &before));
        *self.table.write() = Arc::clone(&fresh);
        self.for_runner.put(Arc::clone(&fresh));
        self.for_bystander.put(Arc::clone(&fresh));
        (before, fresh)
    }

    /// The ports as they are announced at this moment. Asked of the shell and not noted by whoever tells of them: between
    /// the shell's word and the note another call may come.
    fn ports(&self) -> Ports {
        Ports { layouts: self.shell.layouts(), layout: self.shell.layout(), notes: self.shell.notes() }
    }

    /// The layout that the host has chosen.
    pub(crate) fn layout(&self) -> Option<LayoutInfo> {
        self.shell.layouts().into_iter().nth(self.shell.layout())
    }

    /// Switches a bus. False past the 64th.
    pub(crate) fn set_bus(&self, input: bool, index: usize, on: bool) -> bool {
        let Some(bit) = u32::try_from(index).ok().and_then(|index| 1_u64.checked_shl(index)) else {
            return false;
        };
        let buses = if input { &self.inputs_off } else { &self.outputs_off };
        if on {
            buses.fetch_and(!bit, Ordering::Relaxed)
        } else {
            buses.fetch_or(bit, Ordering::Relaxed)
        };
        true
    }

    /// So many of the host's events found no room: the author is told in a safe call. [audio]
    pub(crate) fn lose(&self, events: u32) {
        if events > 0 {
            self.lost.fetch_add(events, Ordering::Relaxed);
        }
    }

    /// Bits of the input and the output buses that the host has switched off. [any]
    pub(crate) fn buses_off(&self) -> (u64, u64) {
        (self.inputs_off.load(Ordering::Relaxed), self.outputs_off.load(Ordering::Relaxed))
    }
}

impl Drop for Instance {
    /// Inside the host's last `release`, which has no gate of its own.
    fn drop(&mut self) {
        guard((), || self.terminate());
    }
}

impl Instance {
    pub(crate) fn new(plugins: &'static dyn Plugins, index: usize, factory: Arc<Context>) -> Self {
        Self {
            plugins,
            index,
            live: RwLock::new(None),
            control: Mutex::default(),
            runner: Cell::new(),
            bystander: Cell::new(),
            handler: Handler::default(),
            context: Context::default(),
            factory,
            pending: AtomicU32::new(0),
            prefetch_read: AtomicU32::new(PREFETCH_UNREAD),
            stopped: AtomicBool::new(false),
            clear: AtomicBool::new(false),
            surroundings: Mutex::default(),
            clock: clock::Clock::default(),
        }
    }

    /// The description that the artifact was built with.
    pub(crate) fn description(&self) -> Option<&'static hotshell_abi::PluginDesc<'static>> {
        self.plugins.describe(self.index)
    }

    /// True if a later build may have what this one has not.
    #[cfg(feature = "editor")]
    pub(crate) fn is_hot(&self) -> bool {
        self.plugins.is_hot()
    }

    /// As the host says to `initialize`, else to the factory; empty if it does not say.
    pub(crate) fn host_name(&self) -> String {
        let own = self.context.name();
        if own.is_empty() { self.factory.name() } else { own }
    }

    /// Run loops that the host offers without any view, likeliest first (FORMATS 5).
    pub(crate) fn run_loops(&self) -> impl Iterator<Item = ComPtr<IRunLoop>> + use<> {
        [self.factory.cast(), self.context.cast(), self.handler.cast()].into_iter().flatten()
    }

    /// True if the host may have heard of a parameter with this id.
    #[cfg(feature = "editor")]
    pub(crate) fn knows(&self, id: u32) -> bool {
        self.live().is_some_and(|live| live.table().target(id).is_some())
    }

    /// What is alive between `initialize` and `terminate`.
    pub(crate) fn live(&self) -> Option<Arc<Live>> {
        self.live.read().clone()
    }

    /// Opens the plug-in. A second time it does nothing: hosts initialise a single component as component and as
    /// controller. [main]
    pub(crate) fn initialize(&self, host: String) -> Result<(), ShellError> {
        let mut live = self.live.write();
        if live.is_some() {
            return Ok(());
        }
        let link = Link::new(host);
        let shell = self.plugins.open(self.index, "vst3", link.for_shell())?;
        let table = Arc::new(Table::read(shell.as_ref(), &Table::default()));
        let fresh = Live {
            shell,
            link,
            table: RwLock::new(table),
            reading: Mutex::new(()),
            for_runner: Inbox::default(),
            for_bystander: Inbox::default(),
            inputs_off: AtomicU64::new(0),
            outputs_off: AtomicU64::new(0),
            controllers: Mutex::default(),
            flushed: Flushed::new(),
            lost: AtomicU32::new(0),
        };
        let fresh = Arc::new(fresh);
        drop(self.bystander.put(Some(Box::new(Bystander::new(Arc::clone(&fresh))))));
        *live = Some(fresh);
        drop(live);
        self.pass_surroundings_on();
        Ok(())
    }

    /// Closes the plug-in. Harmless a second time, before any `initialize`, and while active. [main]
    pub(crate) fn terminate(&self) {
        self.set_active(false).ok();
        let mut control = self.control.lock();
        self.drop_prepared(&mut control);
        *control = Control::default();
        drop(control);
        self.stop_clock();
        self.handler.clear();
        self.context.clear();
        self.pending.store(0, Ordering::Relaxed);
        let live = self.live.write().take();
        if let Some(live) = live {
            // Its own: another thread may have initialised the object again.
            let is_ours = |one: &mut Box<Bystander>| one.is_of(&live);
            drop(self.bystander.with(|bystander| bystander.take_if(is_ours)));
            // Whoever still holds a reference of this moment finds a shell that makes no call.
            live.shell.disconnect();
        }
        crate::com::left::drop_own();
    }

    /// Rate, block size, mode. Refused while active. [main]
    pub(crate) fn set_up(&self, setup: Setup) -> Result<(), ShellError> {
        let Some(live) = self.live() else { return Err(ShellError::WrongPhase("not initialised")) };
        let mut control = self.control.lock();
        if control.active {
            return Err(ShellError::WrongPhase("set up while active"));
        }
        live.shell.set_mode(setup.mode);
        if control.setup != Some(setup) {
            self.drop_prepared(&mut control);
        }
        control.setup = Some(setup);
        self.prepare(&live, &mut control)
    }

    /// Activates or deactivates; harmless where nothing changes. [main]
    pub(crate) fn set_active(&self, on: bool) -> Result<(), ShellError> {
        let Some(live) = self.live() else { return Err(ShellError::WrongPhase("not initialised")) };
        let mut control = self.control.lock();
        if control.active == on {
            return Ok(());
        }
        if on {
            self.prepare(&live, &mut control)?;
            self.runner.put(control.prepared.take().map(|(runner, _)| runner));
        } else if let Some(runner) = self.runner.put(None) {
            live.shell.deactivate(runner.into_audio());
            // What a restart keeps sounding must not be cut by the `setProcessing` around it.
            self.stopped.store(false, Ordering::Relaxed);
            self.clear.store(false, Ordering::Relaxed);
        }
        control.active = on;
        Ok(())
    }

    /// Starts or stops processing. Takes no lock: Ardour calls it inside `setActive`. [any]
    pub(crate) fn set_processing(&self, on: bool) {
        if !on {
            self.stopped.store(true, Ordering::Relaxed);
        } else if self.stopped.swap(false, Ordering::Relaxed) {
            self.clear.store(true, Ordering::Relaxed);
        }
    }

    /// Chooses a layout. What was prepared for another one is prepared again. Refused while active, unless it is the
    /// present one. [main]
    pub(crate) fn choose_layout(&self, live: &Arc<Live>, index: usize) -> Result<(), ShellError> {
        let mut control = self.control.lock();
        if live.shell.layout() == index {
            return Ok(());
        }
        if control.active {
            return Err(ShellError::WrongPhase("the layout cannot change while active"));
        }
        let before = live.shell.layout();
        let was_prepared = self.drop_prepared(&mut control);
        let mut choose = |index| {
            live.shell.set_layout(index)?;
            if was_prepared { self.prepare(live, &mut control) } else { Ok(()) }
        };
        // Refused as a whole: hosts that get half of what they asked for do not look.
        choose(index).inspect_err(|_| {
            if let Err(error) = choose(before) {
                live.shell.log(Level::Error, &not_put_back(live, &error));
            }
        })
    }

    /// Prepares again what no longer fits: before the host reads the latency between `setupProcessing` and `setActive`.
    /// Never waits: Ardour reads it inside `setActive`. [main]
    pub(crate) fn refresh(&self, live: &Arc<Live>) {
        if let Some(mut control) = self.control.try_lock()
            && control.prepared.is_some()
        {
            // Else the next setup or activation says why not.
            self.prepare(live, &mut control).ok();
        }
    }

    /// Makes the audio half where there is a setup. Without one (a host's mistake) a common one counts. One that was made
    /// for other buses, or in whose place another build waits to be, is made again.
    fn prepare(&self, live: &Arc<Live>, control: &mut Control) -> Result<(), ShellError> {
        // Before the activation: what moves during it makes one more necessary.
        let ports = live.ports();
        if let Some((_, made_for)) = &control.prepared {
            if *made_for == ports && !live.shell.is_waiting() {
                return Ok(());
            }
            self.drop_prepared(control);
        }
        const COMMON: Setup = Setup { sample_rate: 44_100.0, max_frames: 1024, mode: RenderMode::REALTIME };
        let setup = control.setup.unwrap_or(COMMON);
        let config = AudioConfig {
            sample_rate: setup.sample_rate,
            max_frames: setup.max_frames,
            layout: 0,
            mode: setup.mode,
            reserved: 0,
        };
        let audio = live.shell.activate(config)?;
        self.note(live, Phase::Activating);
        control.prepared = Some((Box::new(Runner::new(audio, Arc::clone(live))), ports));
        Ok(())
    }

    fn drop_prepared(&self, control: &mut Control) -> bool {
        let Some((runner, _)) = control.prepared.take() else { return false };
        let live = runner.live();
        live.shell.deactivate(runner.into_audio());
        true
    }
}

/// What an author reads of a layout that was playable a moment ago.
fn not_put_back(live: &Live, error: &ShellError) -> String {
    let name = live.layout().map_or_else(|| "without a name".to_owned(), |layout| layout.name);
    format!(
        "the host's bus layout could not be prepared, and the one before it, {name}, could not be put back: {error}; it \
         is tried again when the host activates the plug-in"
    )
}

/// Parameters of the author's whose normalised value reads differently in another table.
fn values_moved(shell: &dyn Shell, before: &Table, after: &Table) -> bool {
    before.lines.iter().any(|line| {
        let Line::Param(info) = line else { return false };
        let travels = (before.travel(info.host_id), after.travel(info.host_id));
        let (Some((_, old)), Some((_, new)), Some(value)) =
            (travels.0, travels.1, shell.param_value(info.host_id))
        else {
            return false;
        };
        (old.normalised(value) - new.normalised(value)).abs() > f64::EPSILON
    })
}

/// Parameters, ports and the like moved: what was read from the shell is read again.
const LISTS: Changes =
    Changes::INFO.union(Changes::PARAMS).union(Changes::NOTE_PORTS).union(Changes::CONTROLLERS);

#[cfg(test)]
impl Instance {
    /// Runs `call` while every lock is held that a call of the host's may hold, and a table waits for [audio], for the
    /// test that plays on meanwhile. The audio half itself is [audio]'s.
    pub(crate) fn while_held<R>(&self, call: impl FnOnce() -> R) -> R {
        let live = self.live().expect("initialised");
        live.read_table();
        let _of_instance =
            (self.live.write(), self.control.lock(), self.handler.hold(), self.surroundings.lock());
        let _of_live = (live.table.write(), live.reading.lock(), live.controllers.lock());
        live.for_runner.table.with(|_| live.flushed.while_held(call))
    }
}
