//! The reloading shell: the same control half, tied to its module's reload thread.
//!
//! Called by: the adapters, through [`Plugins`]. Calls: `reload`, `shell/control`.
//! Threads: [main]; [`Reloadable`] is [reload].

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use hotshell_abi::{AbiCanary, PluginDesc, Reason, Sample};
use parking_lot::Mutex;

use super::{Around, Kind, Linked, count, describe, is_double, missing, table};
use crate::host::{Host, Level};
use crate::params::{ParamStore, Parameters};
use crate::reload::{
    Attachment, Build, FIRST_CODE, Fault, InstanceNews, NativeLoader, Refusal, Reloadable, STEP_LIMIT, Setup,
    Takeover, attach,
};
use crate::shell::control::{Control, Offer, Within};
use crate::shell::editors::Notice;
use crate::shell::{Plugins, Shell, ShellError};

/// The reloading shell.
pub type HotShell<P = ParamStore, S = f32> = Around<Hot, P, S>;

/// Longest wait for the slot's newest build while an instance is being opened; then build 0, and a swap later.
const FIRST_LOAD: Duration = Duration::from_secs(2);

/// The hot kind: faults and later builds are the reload thread's.
pub struct Hot {
    _attachment: Arc<Attachment>,
    /// Kept alive here; the reload thread holds it weakly.
    _care: Arc<dyn Reloadable + 'static>,
}

impl std::fmt::Debug for Hot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hot").finish_non_exhaustive()
    }
}

impl Kind for Hot {
    /// Nothing: what [audio] sends back, and faults, are the reload thread's at its next tick.
    fn upkeep<P: Parameters, S: Sample>(&self, _control: &Control<P, S>) {}
}

/// One instance as the reload thread sees it.
struct Care<P, S> {
    control: Arc<Control<P, S>>,
    current: Mutex<Option<Arc<Build>>>,
    /// It came back stale, and could not be prepared again yet.
    again: AtomicBool,
}

impl<P, S> std::fmt::Debug for Care<P, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Care")
    }
}

impl<P: Parameters, S: Sample> Care<P, S> {
    fn offer(&self, build: &Build, why: Takeover) -> Result<Offer, String> {
        let index = self.control.index() as usize;
        let table = build.tables.get(index).copied();
        let table = table.ok_or_else(|| format!("the build has no plug-in {index}; restart the host"))?;
        let reason = match why {
            Takeover::Published => Reason::RELOAD,
            Takeover::Fault => Reason::FAULT,
        };
        Ok(Offer { table, build: build.number, reason })
    }

    fn take(&self, build: &Arc<Build>, why: Takeover, within: Within<'_>) -> Result<(), ShellError> {
        let offer = self.offer(build, why).map_err(ShellError::Incompatible)?;
        self.control.take_build_within(offer, &|| build.is_wanted(), within)?;
        *self.current.lock() = Some(Arc::clone(build));
        self.again.store(false, Release);
        Ok(())
    }
}

impl<P: Parameters, S: Sample> Care<P, S> {
    /// Prepares a build that was prepared for another configuration.
    fn take_again(&self, build: &Arc<Build>, within: Within<'_>) {
        let taken = self.take(build, Takeover::Published, within);
        // Somebody holds what it needs: the next tick tries again.
        let is_busy = matches!(taken, Err(ShellError::Busy(_)));
        self.again.store(is_busy, Release);
        if let Err(why) = taken
            && !is_busy
        {
            let text = format!("build {} could not be prepared again: {why}", build.number);
            self.log(Level::Warning, &text);
        }
    }
}

impl<P: Parameters, S: Sample> Reloadable for Care<P, S> {
    fn plugin_index(&self) -> u32 {
        self.control.index()
    }

    fn take_build(&self, build: &Arc<Build>, why: Takeover, within: Within<'_>) -> Result<(), Refusal> {
        self.take(build, why, within).map_err(|error| match error {
            ShellError::Busy(_) => Refusal::NotNow,
            error => Refusal::Build(error.to_string()),
        })
    }

    fn tick(&self, within: Within<'_>) -> InstanceNews {
        let news = self.control.upkeep_within(within);
        if news.stale || self.again.load(Acquire) {
            self.again.store(false, Release);
            let again = self.current.lock().clone();
            if let Some(build) = again.filter(|build| build.is_wanted()) {
                within(build.number, FIRST_CODE, &mut || self.take_again(&build, within));
            }
        }
        let link = self.control.link();
        let heard_at = link.heard_at.load(Acquire);
        InstanceNews {
            heard: (heard_at > 0).then(|| (link.heard.load(Relaxed), heard_at)),
            blocks: link.blocks.load(Relaxed),
            blocks_lost: link.lost.load(Relaxed),
            blocks_late: 0,
            fault: news.fault.map(|(build, message)| Fault { build, message }),
            slip: news.slip.map(|(build, message)| Fault { build, message }),
            waiting: news.waiting,
        }
    }

    fn has_window(&self) -> bool {
        self.control.editor_part().is_watched()
    }

    fn show(&self, notice: Option<Notice>) {
        self.control.editor_part().set_notice(notice);
    }

    fn log(&self, level: Level, text: &str) {
        self.control.log_to_host(level, text);
    }
}

/// The plug-ins of a dev bundle.
#[derive(Clone, Copy, Debug)]
pub struct HotPlugins {
    linked: Linked,
    slot: Option<&'static str>,
}

impl HotPlugins {
    /// Around the linked-in tables (build 0) and the slot's folder; `None`: not connected, build 0 plays.
    #[must_use]
    pub const fn new(linked: Linked, slot: Option<&'static str>) -> Self {
        Self { linked, slot }
    }

    fn shell<S: Sample>(
        &self,
        index: usize,
        format: &'static str,
        host: Box<dyn Host>,
    ) -> Result<Box<dyn Shell>, ShellError> {
        let own = table(self.linked, index).ok_or_else(|| missing(index))?;
        own.fits(&AbiCanary::of::<S>())?;
        let tables = (0..count(self.linked)).filter_map(|index| table(self.linked, index)).collect();
        let host: Arc<dyn Host> = Arc::from(host);
        let setup = Setup {
            slot: self.slot.map(PathBuf::from),
            loader: Arc::new(NativeLoader::<S>::new()),
            own: tables,
            host: host.name().to_owned(),
            format,
            step_limit: STEP_LIMIT,
        };
        let place = u32::try_from(index).unwrap_or(u32::MAX);
        let control = Arc::new(Control::<ParamStore, S>::open(
            own,
            place,
            format,
            host,
            crate::reload::doubles(),
            false,
            Reason::HOST,
        )?);
        let care = Arc::new(Care {
            control: Arc::clone(&control),
            current: Mutex::new(None),
            again: AtomicBool::new(false),
        });
        let as_reloadable: Arc<dyn Reloadable> = Arc::clone(&care) as Arc<dyn Reloadable>;
        let attachment = Arc::new(attach(setup, Arc::downgrade(&as_reloadable)));
        let ear = Arc::downgrade(&attachment);
        control.editor_part().on_watch(Box::new(move || {
            if let Some(attachment) = ear.upgrade() {
                attachment.window_opened();
            }
        }));
        let terminal = Arc::downgrade(&attachment);
        control.set_tap(Box::new(move |level, text| {
            if let Some(attachment) = terminal.upgrade() {
                attachment.note(level, text);
            }
        }));
        if let Some(build) = attachment.current(FIRST_LOAD)
            && let Err(why) = care.take(&build, Takeover::Published, &|_, _, run| run())
        {
            attachment.refuse(&build, &why.to_string());
        }
        attachment.opened();
        Ok(Box::new(HotShell::<ParamStore, S> {
            kind: Hot { _attachment: attachment, _care: as_reloadable },
            control,
        }))
    }
}

impl Plugins for HotPlugins {
    fn count(&self) -> usize {
        count(self.linked)
    }

    fn describe(&self, index: usize) -> Option<&'static PluginDesc<'static>> {
        describe(self.linked, index)
    }

    fn open(
        &self,
        index: usize,
        format: &'static str,
        host: Box<dyn Host>,
    ) -> Result<Box<dyn Shell>, ShellError> {
        let own = table(self.linked, index).ok_or_else(|| missing(index))?;
        if is_double(own) {
            self.shell::<f64>(index, format, host)
        } else {
            self.shell::<f32>(index, format, host)
        }
    }

    fn is_hot(&self) -> bool {
        true
    }
}
