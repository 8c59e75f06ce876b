//! The control half of one plug-in instance: activation, parameters, texts, layouts, and what the host must be told.
//!
//! Called by: the adapters, through [`Shell`]; `shell/plugins`. Calls: `shell/control/*`, `params`, `changes`,
//! `instance`. Threads: [main], safe from any; [reload] through `control/handover`.
//!
//! One lock, `main`, serialises. The author's code never runs under it except where the format itself waits for the
//! author (`reset` inside activation), and no host call is ever made under it. A main-thread call waits
//! [`GUI_LOCK_WAIT`] at most.

mod activation;
mod calls;
mod editors;
mod handover;
mod kept;
mod latency;
mod shell;
mod state;
mod telling;
mod turns;
mod warm;

#[cfg(test)]
mod held_tests;

use std::collections::VecDeque;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, OnceLock};

use hotshell_abi::{AudioConfig, PluginDesc, Reason, Sample};
use parking_lot::{Mutex, MutexGuard};

use crate::changes::{Announced, Facts};
use crate::host::{Host, Level};
use crate::instance::{Instance, SharedHalf, Table};
use crate::params::{ParamPlan, Parameters};
use crate::rt::shell_api::StoreOwner;
use crate::shell::editors::{EditorPart, Keyboard};
use crate::shell::player::{Link, Player};
use crate::shell::replay::Past;
use crate::shell::{BusInfo, GUI_LOCK_WAIT, LayoutInfo, ShellError};
use crate::store::Store;

use calls::Calls;
pub use handover::Offer;
pub use telling::{News, Within};

/// Hz that any host uses; beyond it a number is a mistake.
const SAMPLE_RATES: std::ops::RangeInclusive<f64> = 1.0..=10_000_000.0;
/// Most frames of a block; beyond it the memory alone would be a mistake.
const MOST_FRAMES: u32 = 1 << 20;

/// Where log lines go beside the host.
pub type Tap = Box<dyn Fn(Level, &str) + Send + Sync>;

/// One plug-in instance, without the question where later builds come from: [`HotShell`](crate::shell::HotShell) and
/// [`StaticShell`](crate::shell::StaticShell) answer that.
pub struct Control<P, S> {
    index: u32,
    format: &'static str,
    own: Table,
    params: Arc<P>,
    store: Arc<Store>,
    owner: Arc<StoreOwner>,
    link: Arc<Link<S>>,
    host: Calls,
    main: Mutex<Main<S>>,
    turns: turns::Turns,
    /// A main-thread call was asked for and has not come yet.
    asked: AtomicBool,
    /// A telling found the lock held: the next look asks for another call.
    untold: AtomicBool,
    /// The last telling has waited for the lock in vain.
    waited_in_vain: AtomicBool,
    /// Tellings that have waited.
    #[cfg(test)]
    waits: std::sync::atomic::AtomicU32,
    /// [`Store::fields_version`] that the builds' own fields were last compared with.
    fields_seen: AtomicU64,
    tap: OnceLock<Tap>,
    editors: EditorPart,
    keyboard: Keyboard,
    /// No reload thread looks after faults: [audio] asks for a main-thread call.
    alone: bool,
    /// Why instances are made that no reload and no fault asks for: [`Reason::HOST`], or a trial's or a test's.
    reason: Reason,
}

impl<P, S> std::fmt::Debug for Control<P, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("index", &self.index).finish_non_exhaustive()
    }
}

/// What only one thread at a time touches.
struct Main<S> {
    announced: Announced,
    /// The build whose code answers: texts, state, descriptions.
    live: Live,
    /// Handed over and perhaps not yet taken.
    pending: Option<Pending>,
    /// What is none of it any more, by its build's number: a look drops it, which is the author's code, outside of the
    /// lock, and where that build is to blame if its code does not come back.
    retired: Vec<(u32, Retired<S>)>,
    /// A candidate came back: editors are to look again, whose windows are not woken under the lock.
    came_back: bool,
    /// Inactive: the player, or an instance that was never sized.
    parked: Parked<S>,
    active: Option<AudioConfig>,
    layout: usize,
    /// Channels of the audio half's dry signal.
    dry_channels: usize,
    serial: u64,
    /// The deactivation was ours: the next activation goes on with the same player.
    keep: bool,
    /// The present activation went on with the player that was there.
    went_on: bool,
    /// Serial of the player whose failure was reported last.
    fault_seen: u64,
    /// Tables of the last players, by serial: whose panic message a failure is.
    known: VecDeque<(u64, Table)>,
    /// A build that could not even be activated, or failed just before a deactivation, and why: not reported yet.
    unfit: Option<(u32, String)>,
    /// The author has been told that the host does not let the plug-in change.
    shim_told: bool,
    /// The host may have to be told something.
    check: bool,
}

/// Players whose tables are remembered: one that plays, one that fades, one that waits, and those just before.
const KNOWN: usize = 8;

impl<S> Main<S> {
    /// Of an inactive instance.
    fn new(facts: Facts, live: Live, fresh: Fresh<S>) -> Self {
        Self {
            announced: Announced::new(facts),
            live,
            pending: None,
            retired: Vec::new(),
            came_back: false,
            parked: Parked::Fresh(fresh),
            active: None,
            layout: 0,
            dry_channels: 0,
            serial: 0,
            keep: false,
            went_on: false,
            fault_seen: 0,
            known: VecDeque::with_capacity(KNOWN),
            unfit: None,
            shim_told: false,
            check: false,
        }
    }

    /// The candidate is none any more.
    fn forget_pending(&mut self) {
        let live = self.pending.take().map(|pending| pending.live);
        self.retired.extend(live.map(|live| (live.build, Retired::Live(live))));
    }

    /// The player is none any more.
    fn retire(&mut self, player: Option<Box<Player<S>>>) {
        self.retired.extend(player.map(|player| (player.build, Retired::Player(player))));
    }

    /// Another one in the place of the instance of the live build that nobody plays.
    fn park(&mut self, parked: Parked<S>) {
        let before = std::mem::replace(&mut self.parked, parked);
        self.retired.push((self.live.build, Retired::Parked(before)));
    }

    /// A serial for another player of `table`'s build.
    fn number(&mut self, table: Table) -> u64 {
        self.serial += 1;
        self.known.truncate(KNOWN - 1);
        self.known.push_front((self.serial, table));
        self.serial
    }
}

/// One accepted build.
#[derive(Clone, Debug)]
struct Live {
    shared: Arc<SharedHalf>,
    desc: &'static PluginDesc<'static>,
    build: u32,
}

struct Pending {
    serial: u64,
    live: Live,
    plan: Arc<ParamPlan>,
    moves_values: bool,
}

/// An instance that was never sized.
struct Fresh<S> {
    instance: Instance<S>,
    /// State loads that happened before it was made: of later ones it must hear.
    loads: u64,
}

enum Parked<S> {
    /// With what it has heard, for a restart that is our wish.
    Player(Box<Player<S>>, Past),
    Fresh(Fresh<S>),
    /// Active, or lost to a failed activation.
    None,
}

/// What only waits to be dropped.
#[expect(dead_code, reason = "nobody looks at it any more")]
enum Retired<S> {
    Live(Live),
    Player(Box<Player<S>>),
    Parked(Parked<S>),
}

impl<P: Parameters, S: Sample> Control<P, S> {
    /// Makes an instance of build 0, for `reason`. `doubles`: shared by the module's instances. `alone`: no reload
    /// thread looks after it. [main]
    ///
    /// # Errors
    /// [`ShellError`] if its description contradicts itself or its code panics.
    pub fn open(
        own: Table,
        index: u32,
        format: &'static str,
        host: Arc<dyn Host>,
        doubles: Arc<std::sync::atomic::AtomicU32>,
        alone: bool,
        reason: Reason,
    ) -> Result<Self, ShellError> {
        let desc = own.describe()?;
        check_description(desc)?;
        let params = P::with_first(desc.params.as_slice())
            .map_err(|error| ShellError::Incompatible(error.to_string()))?;
        let params = Arc::new(params);
        let store = Store::new(Arc::clone(&params) as Arc<dyn Parameters>);
        store.declare(desc);
        let owner = StoreOwner::new(Arc::clone(&store) as Arc<dyn crate::rt::shell_api::StoreAccess>);
        let shared = Arc::new(SharedHalf::bind(own, &owner)?);
        let instance = Instance::create(&shared, reason, 0, host.name(), format)?;
        let link = Arc::new(Link::new(doubles));
        let infos = params.infos();
        link.announced_params.store(u32::try_from(infos.len()).unwrap_or(u32::MAX), Release);
        let facts = Facts {
            params: infos,
            latency: 0,
            layouts: layouts_of(desc),
            notes: desc.notes,
            voices: voices_of(desc),
        };
        let main = Main::new(facts, Live { shared, desc, build: 0 }, Fresh { instance, loads: 0 });
        Ok(Self {
            index,
            format,
            own,
            params,
            store,
            owner,
            keyboard: Keyboard::new(Arc::clone(&link.keys)),
            link,
            host: Calls::new(host),
            main: Mutex::new(main),
            turns: turns::Turns::default(),
            asked: AtomicBool::new(false),
            untold: AtomicBool::new(false),
            waited_in_vain: AtomicBool::new(false),
            #[cfg(test)]
            waits: std::sync::atomic::AtomicU32::new(0),
            fields_seen: AtomicU64::new(0),
            tap: OnceLock::new(),
            editors: EditorPart::default(),
            alone,
            reason,
        })
    }

    /// Index of the plug-in in its artifact.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Build 0's table.
    #[must_use]
    pub const fn own_table(&self) -> Table {
        self.own
    }

    /// What the two halves share: statistics for reports.
    #[must_use]
    pub const fn link(&self) -> &Arc<Link<S>> {
        &self.link
    }

    /// Persistent fields, meters, logs.
    #[must_use]
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Calls the host, which may call back from inside.
    fn with_host<R>(&self, call: impl FnOnce(&dyn Host) -> R) -> R {
        self.host.with(call)
    }

    /// Lines go there too: the `dev` terminal. Set once, before anything can log.
    pub fn set_tap(&self, tap: Tap) {
        // A second tap would be a mistake of ours; the first one stays.
        let _ = self.tap.set(tap);
    }

    /// One line for the host's log alone: the reload pipeline's own lines are in the `dev` terminal already.
    pub fn log_to_host(&self, level: Level, text: &str) {
        self.with_host(|host| host.log(level, text));
    }

    /// One line for the host's log. Not on [audio].
    pub fn log(&self, level: Level, text: &str) {
        self.log_to_host(level, text);
        if let Some(tap) = self.tap.get() {
            tap(level, text);
        }
    }

    fn lock(&self, what: &'static str) -> Result<MutexGuard<'_, Main<S>>, ShellError> {
        self.main.try_lock_for(GUI_LOCK_WAIT).ok_or(ShellError::Busy(what))
    }

    /// The build that plays, or will play first.
    fn live(&self) -> Result<Live, ShellError> {
        Ok(self.lock("the plug-in's configuration")?.live.clone())
    }

    /// An instance of `table`'s build and its shared half, which is its own: that of a predecessor may hold locks which a
    /// panic has poisoned.
    fn make(
        &self,
        table: Table,
        reason: Reason,
        build: u32,
    ) -> Result<(Arc<SharedHalf>, Fresh<S>), ShellError> {
        let loads = self.link.state_loads.load(Acquire);
        let shared = Arc::new(SharedHalf::bind(table, &self.owner)?);
        let instance = Instance::create(&shared, reason, build, &self.host_name(), self.format)?;
        Ok((shared, Fresh { instance, loads }))
    }

    fn host_name(&self) -> String {
        self.with_host(|host| host.name().to_owned())
    }
}

pub(super) fn check_config(config: &AudioConfig) -> Result<(), ShellError> {
    if !SAMPLE_RATES.contains(&config.sample_rate) {
        return Err(ShellError::BadConfig(format!("a sample rate of {} Hz", config.sample_rate)));
    }
    if config.max_frames == 0 || config.max_frames > MOST_FRAMES {
        return Err(ShellError::BadConfig(format!("blocks of up to {} frames", config.max_frames)));
    }
    Ok(())
}

fn check_description(desc: &PluginDesc<'_>) -> Result<(), ShellError> {
    if desc.id.as_str().is_empty() || desc.name.as_str().is_empty() {
        return Err(ShellError::Incompatible("the plug-in has no id or no name".to_owned()));
    }
    if desc.layouts.as_slice().is_empty() {
        return Err(ShellError::Incompatible("the plug-in has no bus layout".to_owned()));
    }
    Ok(())
}

fn voices_of(desc: &PluginDesc<'_>) -> (u32, bool) {
    (desc.voice_capacity, desc.flags & PluginDesc::OVERLAPPING_NOTES != 0)
}

fn layouts_of(desc: &PluginDesc<'_>) -> Vec<LayoutInfo> {
    let buses = |buses: &[hotshell_abi::BusDesc<'_>]| {
        let one = |(place, bus): (usize, &hotshell_abi::BusDesc<'_>)| BusInfo {
            name: bus.name.as_str().to_owned(),
            channels: bus.channels.min(64),
            main: place == 0 && bus.role == hotshell_abi::BusDesc::MAIN,
            kind: bus.kind,
            speakers: bus.speakers,
        };
        buses.iter().enumerate().map(one).collect()
    };
    let one = |layout: &hotshell_abi::BusLayoutDesc<'_>| LayoutInfo {
        name: layout.name.as_str().to_owned(),
        inputs: buses(layout.inputs.as_slice()),
        outputs: buses(layout.outputs.as_slice()),
    };
    desc.layouts.as_slice().iter().map(one).collect()
}
