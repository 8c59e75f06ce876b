//! The control half of one plug-in instance: activation, parameters, texts, layouts, and what the host must be told.
//!
//! Called by: the adapters, through [`Shell`]; `shell/plugins`. Calls: `shell/control/*`, `params`, `changes`,
//! `instance`. Threads: [main], safe from any; [reload] through `control/handover`.
//!
//! One lock, `main`, serialises. The author's code never runs under it except where the format itself waits for the
//! author (`reset` inside activation), and no host call is ever made under it. A main-thread call waits
//! [`GUI_LOCK_WAIT`] at most.

mod handover;
mod state;

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use hotshell_abi::{AudioConfig, NotePortsDesc, ParamDesc, PluginDesc, Reason, RenderMode, Sample};
use parking_lot::{Mutex, MutexGuard, RwLock};

use crate::changes::{Announced, Facts};
use crate::host::{Host, Level, NoHost};
use crate::instance::{Instance, SharedHalf, Table};
use crate::params::{ParamPlan, Parameters};
use crate::rt::shell_api::StoreOwner;
use crate::shell::audio::ShellAudio;
use crate::shell::feed::Feed;
use crate::shell::player::{Link, Player, shape_of};
use crate::shell::{
    Audio, BusInfo, Changes, EventSink, EventSource, GUI_LOCK_WAIT, LayoutInfo, ParamInfo, Phase, Shell,
    ShellError, StateContext, Tail,
};
use crate::store::Store;

pub use handover::{News, Offer};

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
    host: RwLock<Arc<dyn Host>>,
    main: Mutex<Main<S>>,
    /// A main-thread call was asked for and has not come yet.
    asked: AtomicBool,
    /// [`Store::fields_version`] that the builds' own fields were last compared with.
    fields_seen: AtomicU64,
    tap: OnceLock<Tap>,
    /// No reload thread looks after faults: [audio] asks for a main-thread call.
    alone: bool,
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
    /// Inactive: the player, or an instance that was never sized.
    parked: Parked<S>,
    active: Option<AudioConfig>,
    layout: usize,
    serial: u64,
    /// The deactivation was ours: the next activation goes on with the same player.
    keep: bool,
    /// A fault of the playing build has been reported.
    fault_reported: bool,
    /// The host may have to be told something.
    check: bool,
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
    Player(Box<Player<S>>, AudioConfig),
    Fresh(Fresh<S>),
    /// Active, or lost to a failed activation.
    None,
}

impl<P: Parameters, S: Sample> Control<P, S> {
    /// Makes an instance of build 0. `doubles`: shared by the module's instances. `alone`: no reload
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
        let instance = Instance::create(&shared, Reason::HOST, 0, host.name(), format)?;
        let link = Arc::new(Link::new(doubles));
        let infos = params.infos();
        link.announced_params.store(u32::try_from(infos.len()).unwrap_or(u32::MAX), Release);
        let main = Main {
            announced: Announced::new(Facts {
                params: infos,
                latency: 0,
                layouts: layouts_of(desc),
                notes: desc.notes,
                voices: voices_of(desc),
            }),
            live: Live { shared, desc, build: 0 },
            pending: None,
            parked: Parked::Fresh(Fresh { instance, loads: 0 }),
            active: None,
            layout: 0,
            serial: 0,
            keep: false,
            fault_reported: false,
            check: false,
        };
        Ok(Self {
            index,
            format,
            own,
            params,
            store,
            owner,
            link,
            host: RwLock::new(host),
            main: Mutex::new(main),
            asked: AtomicBool::new(false),
            fields_seen: AtomicU64::new(0),
            tap: OnceLock::new(),
            alone,
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

    /// Calls the host, which cannot disconnect meanwhile. Recursive, because a host may call back from inside.
    fn with_host<R>(&self, call: impl FnOnce(&dyn Host) -> R) -> R {
        call(&**self.host.read_recursive())
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

    /// The build that answers at this moment.
    fn live(&self) -> Live {
        self.main.lock().live.clone()
    }

    /// Index of the bypass that the shell makes for `desc`, whose parameters are planned or live.
    fn shell_bypass(&self, desc: &PluginDesc<'_>) -> Option<u32> {
        let param = desc.params.as_slice().iter().find(|param| {
            param.flags & ParamDesc::BYPASS != 0 && param.flags & ParamDesc::MANUAL_BYPASS == 0
        })?;
        self.params.bind(param.host_id)
    }

    /// Number of the build's own layout that fits the announced one, else its first: it runs behind a shim.
    fn layout_in(announced: &Announced, layout: usize, desc: &PluginDesc<'_>) -> u32 {
        let wanted = announced.layouts().get(layout);
        let shape = |info: &LayoutInfo| {
            let channels = |buses: &[BusInfo]| buses.iter().map(|bus| bus.channels).collect::<Vec<_>>();
            (channels(&info.inputs), channels(&info.outputs))
        };
        let fits = |place: &usize| {
            wanted.is_some_and(|wanted| {
                let own = shape_of(desc.layouts.as_slice().get(*place));
                shape(wanted) == (own.inputs, own.outputs)
            })
        };
        let found = (0..desc.layouts.as_slice().len()).find(fits).unwrap_or(0);
        u32::try_from(found).unwrap_or(0)
    }

    fn sized(&self, main: &mut Main<S>, config: &AudioConfig) -> Result<Box<Player<S>>, ShellError> {
        let parked = std::mem::replace(&mut main.parked, Parked::None);
        let Fresh { instance, loads } = match parked {
            Parked::Player(player, before)
                if main.keep && before == *config && !player.instance.is_dead() =>
            {
                return Ok(player);
            }
            Parked::Player(mut player, _) if !player.instance.is_dead() => {
                // The host's own restart: it sends its notes again, so nothing may sound on. A panic shows in `prepare`.
                let _ = player.instance.clear();
                Fresh { instance: player.instance, loads: player.loads }
            }
            Parked::Fresh(fresh) => fresh,
            Parked::Player(..) | Parked::None => self.afresh(main)?,
        };
        let live = &main.live;
        let mut player = Player::prepare(instance, live.desc, config, live.build)?;
        player.loads = loads;
        player.bypass = self.shell_bypass(live.desc);
        Ok(Box::new(player))
    }

    /// Another instance of the live build, on a shared half of its own, as every instance: the last one may have left
    /// its locks poisoned.
    fn afresh(&self, main: &mut Main<S>) -> Result<Fresh<S>, ShellError> {
        let name = self.with_host(|host| host.name().to_owned());
        let (shared, fresh) = self.make(main.live.shared.table(), Reason::HOST, main.live.build, &name)?;
        main.live.shared = shared;
        Ok(fresh)
    }

    /// An instance of `table`'s build and its shared half.
    fn make(
        &self,
        table: Table,
        reason: Reason,
        build: u32,
        host: &str,
    ) -> Result<(Arc<SharedHalf>, Fresh<S>), ShellError> {
        let loads = self.link.state_loads.load(Acquire);
        let shared = Arc::new(SharedHalf::bind(table, &self.owner)?);
        let instance = Instance::create(&shared, reason, build, host, self.format)?;
        Ok((shared, Fresh { instance, loads }))
    }

    fn activate_locked(
        &self,
        main: &mut Main<S>,
        config: &AudioConfig,
    ) -> Result<ShellAudio<P, S>, ShellError> {
        self.settle_inactive(main);
        let layout = Self::layout_in(&main.announced, main.layout, main.live.desc);
        let config = AudioConfig { layout, mode: RenderMode(self.link.mode.load(Relaxed)), ..*config };
        let mut player = match self.sized(main, &config) {
            Ok(player) => player,
            Err(error) => {
                self.go_home(main, &error)?;
                self.sized(
                    main,
                    &AudioConfig {
                        layout: Self::layout_in(&main.announced, main.layout, main.live.desc),
                        ..config
                    },
                )?
            }
        };
        main.keep = false;
        player.pad = None;
        player.epoch = self.link.epoch.load(Acquire);
        main.announced.set_latency(player.latency, false);
        main.active = Some(config);
        main.fault_reported = false;
        self.link.latency.store(player.latency, Relaxed);
        self.link.tail.store(player.tail, Relaxed);
        self.link.faulted.store(false, Release);
        if self.link.heard.load(Relaxed) != player.build {
            // Not heard yet: its first block says when.
            self.link.heard_at.store(0, Relaxed);
        }
        self.link.heard.store(player.build, Release);
        let audio = ShellAudio::new(
            Arc::clone(&self.params),
            Arc::clone(&self.link),
            player,
            config,
            main.announced.latency(),
            self.alone.then(|| Arc::clone(&self.host.read_recursive())),
        );
        Ok(audio)
    }

    /// Notes what moved without a call: the latency, the user's edits of fields.
    fn look(&self, main: &mut Main<S>, active: bool) {
        let latency = self.link.latency.load(Relaxed);
        if active && latency != main.announced.latency() {
            main.announced.set_latency(latency, true);
            main.check = true;
        } else if active {
            main.announced.set_latency(latency, true);
        }
        if self.store.take_dirty() {
            main.announced.dirty();
            main.check = true;
        }
    }

    /// A restart for the sake of the changes is asked for, and a callback where something is left to tell.
    fn ask_host(&self, restart: bool, callback: bool) {
        if restart {
            self.with_host(|host| host.request_restart());
        }
        if callback {
            self.with_host(|host| host.request_callback());
        }
    }
}

impl<P: Parameters, S: Sample> Shell for Control<P, S> {
    fn describe(&self) -> &'static PluginDesc<'static> {
        self.live().desc
    }

    fn param_count(&self) -> usize {
        self.main.lock().announced.params().len()
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
        let live = self.live();
        match self.params.index_in_build(index) {
            Some(place) => live.shared.param_text(place, self.params.clamp(index, value)),
            // A tombstone's texts went with its build; the plain number still means what it meant.
            None => Some(value.to_string()),
        }
    }

    fn param_parse(&self, host_id: u32, text: &str) -> Option<f64> {
        let index = self.params.find(host_id, 0)?;
        let live = self.live();
        let value = match self.params.index_in_build(index) {
            Some(place) => live.shared.param_parse(place, text)?,
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
        let (player, others) = audio.into_players();
        {
            let mut main = self.main.lock();
            self.link.epoch.fetch_add(1, AcqRel);
            self.settle_taken(&mut main);
            main.keep = main.announced.restart_asked();
            if let Some(config) = main.active.take() {
                main.parked = Parked::Player(player, config);
            }
        }
        // The author's `Drop` may take its time: not under the lock.
        drop(others);
    }

    fn set_mode(&self, mode: RenderMode) {
        self.link.mode.store(mode.0, Relaxed);
    }

    fn flush(&self, input: &dyn EventSource, _output: &mut dyn EventSink) {
        Feed::flush(&*self.params, input);
    }

    fn take_changes(&self, phase: Phase) -> Changes {
        self.asked.store(false, Release);
        let Ok(mut main) = self.lock("the change list") else {
            self.with_host(|host| host.request_callback());
            return Changes::empty();
        };
        self.settle_taken(&mut main);
        let active = main.active.is_some() && phase != Phase::Activating;
        self.look(&mut main, active);
        let taken = main.announced.take(phase, active, Instant::now());
        main.check = taken.want_callback;
        let count = u32::try_from(main.announced.params().len()).unwrap_or(u32::MAX);
        self.link.announced_params.store(count, Release);
        drop(main);
        // A wish for a later callback is served by the reload thread, which looks again and asks then.
        self.ask_host(taken.want_restart, taken.want_callback && taken.wait.is_zero());
        taken.changes
    }

    fn host_read(&self, what: Changes) {
        self.main.lock().announced.host_read(what);
    }

    fn hold(&self, what: Changes) {
        self.main.lock().announced.hold(what);
    }

    fn disconnect(&self) {
        *self.host.write() = Arc::new(NoHost);
    }
}

fn check_config(config: &AudioConfig) -> Result<(), ShellError> {
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
