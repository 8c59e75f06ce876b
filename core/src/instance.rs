//! A safe handle on one build's table, its shared half and its logic; the only caller through `LogicApi`.
//!
//! Called by: `shell/control`, `shell/audio`, `reload/verify`. Calls: the logic, through the table.
//! Threads: [`Table`], [`SharedHalf`] [main] [reload]; [`Instance`] by its one owner.
//!
//! A table leads into a library that is never unmapped (FACTS: pointers escape), so it is `'static`.

#![allow(unsafe_code, reason = "DESIGN 9.9: the only caller through the boundary's table")]

pub mod editor;

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering::AcqRel};
use std::sync::{Arc, OnceLock};

use hotshell_abi::event::EventOutput;
use hotshell_abi::snapshot::SnapshotBuffer;
use hotshell_abi::table::{
    CreateArgs, LogicHandle, ResetReport, SharedHandle, StateEntry, StateReceiver, StateSink,
};
use hotshell_abi::{
    AbiCanary, AudioConfig, ByteSink, Event, LogicApi, PluginDesc, ProcessArgs, Reason, RenderMode, Sample,
    Slice, Status, Str, TextBuffer, Transport,
};

use crate::host::Level;
use crate::rt::bound::SubBlock;
use crate::rt::shell_api::{SHELL_API, StoreOwner};
use crate::shell::ShellError;

/// One plug-in's checked table.
#[derive(Clone, Copy, Debug)]
pub struct Table(&'static LogicApi);

impl Table {
    /// Checks what `entry` answered for one plug-in: null, magic, epoch, size, then every difference of the canaries
    /// by name. Calls nothing.
    ///
    /// # Errors
    /// Why it is refused, in words, naming each differing field with both values.
    ///
    /// # Safety
    /// `api` is null or points to readable memory that stays mapped for ever: at least the first 16 bytes, and as many
    /// as its `size` field says if `magic` is ours.
    pub unsafe fn check(api: *const LogicApi, ours: &AbiCanary) -> Result<Self, String> {
        if api.is_null() {
            return Err("the library has no table for this plug-in".to_owned());
        }
        // SAFETY: by contract the head of the table is readable.
        let (magic, epoch, size) = unsafe { ((*api).magic, (*api).epoch, (*api).size) };
        if magic != hotshell_abi::MAGIC {
            return Err(format!("magic: shell {:#018x}, logic {magic:#018x}", hotshell_abi::MAGIC));
        }
        if epoch != hotshell_abi::EPOCH {
            return Err(format!("ABI epoch: shell {}, logic {epoch}", hotshell_abi::EPOCH));
        }
        if (size as usize) < size_of::<LogicApi>() {
            return Err(format!("table size: shell {} bytes, logic {size}", size_of::<LogicApi>()));
        }
        // SAFETY: `magic` is ours, so `size` bytes are readable, for ever (contract), and that is all of our table.
        let api = unsafe { &*api };
        if api.canary.is_null() {
            return Err("canary: missing".to_owned());
        }
        // SAFETY: a table of our magic and epoch points to a canary of its own library's constants.
        let theirs = unsafe { &*api.canary };
        let differences = ours.differences(theirs);
        if differences.is_empty() {
            return Ok(Self(api));
        }
        let words: Vec<String> = differences.iter().map(ToString::to_string).collect();
        Err(words.join("; "))
    }

    /// Where the table is: tells two libraries apart.
    #[must_use]
    pub fn address(self) -> usize {
        ptr::from_ref(self.0).addr()
    }

    /// A table that is linked into this artifact: made by `hotshell-logic`, compiled with the shell.
    #[must_use]
    pub const fn linked(api: &'static LogicApi) -> Self {
        Self(api)
    }

    /// Compares canaries.
    ///
    /// # Errors
    /// [`ShellError::Incompatible`], naming each difference.
    pub fn fits(self, ours: &AbiCanary) -> Result<(), ShellError> {
        let words: Vec<String> = ours.differences(self.canary()).iter().map(ToString::to_string).collect();
        if words.is_empty() { Ok(()) } else { Err(ShellError::Incompatible(words.join("; "))) }
    }

    /// What the build was built with.
    #[must_use]
    pub fn canary(self) -> &'static AbiCanary {
        // SAFETY: `check` found it not null; constants of a library that is never unmapped.
        unsafe { &*self.0.canary }
    }

    /// The build's description.
    ///
    /// # Errors
    /// [`ShellError::Panicked`] if making it panicked.
    pub fn describe(self) -> Result<&'static PluginDesc<'static>, ShellError> {
        let mut out = ptr::null();
        // SAFETY: checked table; `out` is a live local.
        let status = unsafe { (self.0.describe)(&raw mut out) };
        self.expect(status, "describe")?;
        if out.is_null() {
            return Err(ShellError::Incompatible("describe answered nothing".to_owned()));
        }
        // SAFETY: on success the description lives as long as the library, for ever.
        Ok(unsafe { &*out })
    }

    /// Message and place of the last panic in this build's library.
    #[must_use]
    pub fn last_panic(self) -> String {
        let mut text = TextBuffer::new();
        // SAFETY: checked table; `text` is a live local.
        let status = unsafe { (self.0.last_panic)(&raw mut text) };
        if status.is_ok() && !text.as_str().is_empty() {
            text.as_str().to_owned()
        } else {
            "a panic without a message".to_owned()
        }
    }

    fn expect(self, status: Status, call: &str) -> Result<(), ShellError> {
        match status {
            Status::OK => Ok(()),
            Status::PANICKED => Err(ShellError::Panicked(format!("in {call}: {}", self.last_panic()))),
            Status(other) => Err(ShellError::Incompatible(format!("{call} answered status {other}"))),
        }
    }

    /// An older document made current by the author's `migrate_state`.
    ///
    /// # Errors
    /// [`ShellError::BadState`] with the author's reason, or a panic.
    pub fn migrate_state<R: StateReceiver>(
        self,
        version: u32,
        document: &[StateEntry<'_>],
        out: &mut R,
    ) -> Result<(), ShellError> {
        let mut message = Vec::new();
        let (mut sink, mut text) = (StateSink::new(out), ByteSink::new(&mut message));
        // SAFETY: checked table; all arguments outlive the call.
        let status =
            unsafe { (self.0.migrate_state)(version, Slice::new(document), &raw mut sink, &raw mut text) };
        if status == Status::REFUSED {
            return Err(ShellError::BadState(String::from_utf8_lossy(&message).into_owned()));
        }
        self.expect(status, "migrate_state")
    }

    /// Bytes that are not ours, read by the author's `import_state`; false if he does not know them either.
    ///
    /// # Errors
    /// A panic there.
    pub fn import_state<R: StateReceiver>(self, bytes: &[u8], out: &mut R) -> Result<bool, ShellError> {
        let mut sink = StateSink::new(out);
        // SAFETY: checked table; all arguments outlive the call.
        let status = unsafe { (self.0.import_state)(Slice::new(bytes), &raw mut sink) };
        if status == Status::NOT_SUPPORTED || status == Status::REFUSED {
            return Ok(false);
        }
        self.expect(status, "import_state").map(|()| true)
    }
}

/// One build's `Params`, bound to one instance's store. [main] [reload], shared.
#[derive(Debug)]
pub struct SharedHalf {
    table: Table,
    handle: SharedHandle,
    store: Arc<StoreOwner>,
    /// The first panic beside [audio]: where and why.
    slip: OnceLock<String>,
    slip_taken: AtomicBool,
}

// SAFETY: the author's `Params` is `Send + Sync` (a bound of the trait behind the table); the handle is its address.
unsafe impl Send for SharedHalf {}
// SAFETY: as above.
unsafe impl Sync for SharedHalf {}

impl SharedHalf {
    /// Binds the build's parameters, meters and fields to `store`.
    ///
    /// # Errors
    /// [`ShellError::Panicked`] if the author's defaults panicked.
    pub fn bind(table: Table, store: &Arc<StoreOwner>) -> Result<Self, ShellError> {
        let mut handle = ptr::null_mut();
        // SAFETY: checked table; `SHELL_API` is valid for ever and `store` is alive; `handle` is a live local.
        let status = unsafe {
            (table.0.bind)(&raw const SHELL_API, Arc::as_ptr(store).cast::<c_void>(), &raw mut handle)
        };
        table.expect(status, "Params")?;
        if handle.is_null() {
            return Err(ShellError::Incompatible("bind answered nothing".to_owned()));
        }
        Ok(Self {
            table,
            handle,
            store: Arc::clone(store),
            slip: OnceLock::new(),
            slip_taken: AtomicBool::new(false),
        })
    }

    /// The build's table.
    #[must_use]
    pub const fn table(&self) -> Table {
        self.table
    }

    /// The store it is bound to.
    #[must_use]
    pub const fn store(&self) -> &Arc<StoreOwner> {
        &self.store
    }

    /// The first panic of a text, a state function or a field's decoder of this build, once: where and why.
    #[must_use]
    pub fn take_slip(&self) -> Option<&str> {
        let slip = self.slip.get()?;
        (!self.slip_taken.swap(true, AcqRel)).then_some(slip)
    }

    /// [`Table::expect`], and a panic is remembered for [`SharedHalf::take_slip`].
    fn judge(&self, status: Status, call: &str) -> Result<(), ShellError> {
        let answer = self.table.expect(status, call);
        self.remember(&answer);
        answer
    }

    /// Remembers a panic of this build's code.
    pub fn remember<T>(&self, answer: &Result<T, ShellError>) {
        if let Err(ShellError::Panicked(text)) = answer {
            // Later ones follow from the first, or say the same again.
            let _ = self.slip.set(text.clone());
        }
    }

    /// Reads moved fields again; the lines say which did not decode and why.
    ///
    /// # Errors
    /// A panic in a decoder.
    pub fn sync(&self) -> Result<Vec<String>, ShellError> {
        let mut message = Vec::new();
        let mut sink = ByteSink::new(&mut message);
        // SAFETY: live handle; `sink` outlives the call.
        let status = unsafe { (self.table.0.sync)(self.handle, &raw mut sink) };
        if status != Status::REFUSED {
            self.judge(status, "reading persistent fields")?;
        }
        Ok(String::from_utf8_lossy(&message).lines().map(str::to_owned).collect())
    }

    /// Text of a plain value for parameter `index` of this build's description.
    #[must_use]
    pub fn param_text(&self, index: u32, value: f64) -> Option<String> {
        let mut text = TextBuffer::new();
        // SAFETY: live handle; `text` is a live local.
        let status = unsafe { (self.table.0.param_text)(self.handle, index, value, &raw mut text) };
        if status == Status::PANICKED {
            let _ = self.judge(status, "a parameter's text");
        }
        (status.is_ok() || status == Status::TRUNCATED).then(|| text.as_str().to_owned())
    }

    /// Plain value of a text for parameter `index` of this build's description.
    #[must_use]
    pub fn param_parse(&self, index: u32, text: &str) -> Option<f64> {
        let mut value = f64::NAN;
        // SAFETY: live handle; the arguments outlive the call.
        let status =
            unsafe { (self.table.0.param_parse)(self.handle, index, Str::new(text), &raw mut value) };
        if status == Status::PANICKED {
            let _ = self.judge(status, "reading a parameter's text");
        }
        (status.is_ok() && value.is_finite()).then_some(value)
    }

    /// The author's own state bytes.
    ///
    /// # Errors
    /// A panic there.
    pub fn save_state(&self) -> Result<Vec<u8>, ShellError> {
        let mut bytes = Vec::new();
        let mut sink = ByteSink::new(&mut bytes);
        // SAFETY: live handle; `sink` outlives the call.
        let status = unsafe { (self.table.0.save_state)(self.handle, &raw mut sink) };
        self.judge(status, "save_state")?;
        Ok(bytes)
    }

    /// The author's own state bytes back.
    ///
    /// # Errors
    /// [`ShellError::BadState`] with the author's reason, or a panic.
    pub fn load_state(&self, bytes: &[u8]) -> Result<(), ShellError> {
        let mut message = Vec::new();
        let mut sink = ByteSink::new(&mut message);
        // SAFETY: live handle; the arguments outlive the call.
        let status = unsafe { (self.table.0.load_state)(self.handle, Slice::new(bytes), &raw mut sink) };
        if status == Status::REFUSED {
            return Err(ShellError::BadState(String::from_utf8_lossy(&message).into_owned()));
        }
        self.judge(status, "load_state")
    }
}

impl Drop for SharedHalf {
    fn drop(&mut self) {
        // SAFETY: made by `bind`, released once.
        let status = unsafe { (self.table.0.unbind)(self.handle) };
        // A panic was caught on the other side; nothing is left to do about it but to say so.
        if let Err(error) = self.table.expect(status, "the drop of `Params`") {
            self.store.say(Level::Error, &error.to_string());
        }
    }
}

/// The call failed: the instance is dead and must be dropped (never on [audio]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dead;

/// What one process call is given beside its buffers.
#[derive(Debug)]
pub struct BlockContext<'a> {
    /// Frames from the host block's start.
    pub offset: u32,
    /// Events of the sub-block, times relative to it.
    pub events: &'a [Event],
    /// Timeline that holds at the sub-block, or none.
    pub transport: Option<&'a Transport>,
    /// Of the host block's start, or -1.
    pub steady_time: i64,
    /// Real time or offline.
    pub mode: RenderMode,
    /// Why this is a first block, or `NONE`.
    pub first_block: Reason,
    /// A state load is seen for the first time.
    pub state_changed: bool,
    /// What it says goes to nobody.
    pub muted: bool,
}

/// What one process call answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockResult {
    /// The output matters.
    pub active: bool,
    /// Frames.
    pub latency: u32,
    /// Frames; `u64::MAX` infinite.
    pub tail: u64,
}

/// One live logic. Owned by one thread at a time; dropped on [reload] or [main].
#[derive(Debug)]
pub struct Instance<S> {
    table: Table,
    handle: LogicHandle,
    dead: bool,
    shared: Arc<SharedHalf>,
    _samples: PhantomData<S>,
}

// SAFETY: the author's `Self` is `Send` (a bound of the trait behind the table); the handle is its address, and
// `Instance` is not `Sync`, so one thread at a time uses it.
unsafe impl<S: Sample> Send for Instance<S> {}

impl<S: Sample> Instance<S> {
    /// Makes a logic on `shared`. May allocate and block, as the author likes. [main] [reload]
    ///
    /// # Errors
    /// A panic in the author's `create`, or a build of the other precision.
    pub fn create(
        shared: &Arc<SharedHalf>,
        reason: Reason,
        build: u32,
        host: &str,
        format: &str,
    ) -> Result<Self, ShellError> {
        let table = shared.table;
        if table.canary().sample_precision.as_str() != S::NAME {
            return Err(ShellError::Incompatible(format!(
                "sample_precision: shell {}, logic {}",
                S::NAME,
                table.canary().sample_precision.as_str()
            )));
        }
        let args = CreateArgs { reason, build, host: Str::new(host), format: Str::new(format) };
        let mut handle = ptr::null_mut();
        // SAFETY: live shared half; the arguments outlive the call.
        let status = unsafe { (table.0.create)(shared.handle, &raw const args, &raw mut handle) };
        table.expect(status, "create")?;
        if handle.is_null() {
            return Err(ShellError::Incompatible("create answered nothing".to_owned()));
        }
        Ok(Self { table, handle, dead: false, shared: Arc::clone(shared), _samples: PhantomData })
    }

    /// The shared half it lives on.
    #[must_use]
    pub const fn shared(&self) -> &Arc<SharedHalf> {
        &self.shared
    }

    /// Sizes everything. [main] [reload]
    ///
    /// # Errors
    /// A panic in the author's `reset`; the instance is dead.
    pub fn reset(&mut self, config: &AudioConfig) -> Result<ResetReport, ShellError> {
        let mut report = ResetReport::default();
        if self.dead {
            return Err(ShellError::Panicked(
                "in an earlier call; the instance waits to be replaced".to_owned(),
            ));
        }
        // SAFETY: live handle, owned by this thread; the arguments outlive the call.
        let status = unsafe { (self.table.0.reset)(self.handle, config, &raw mut report) };
        self.dead |= !status.is_ok();
        self.table.expect(status, "reset")?;
        Ok(report)
    }

    fn guarded(&mut self, call: impl FnOnce(&LogicApi, LogicHandle) -> Status) -> Result<(), Dead> {
        if self.dead {
            return Err(Dead);
        }
        if call(self.table.0, self.handle).is_ok() {
            return Ok(());
        }
        self.dead = true;
        Err(Dead)
    }

    /// Forgets all sound. [audio]
    ///
    /// # Errors
    /// [`Dead`].
    pub fn clear(&mut self) -> Result<(), Dead> {
        // SAFETY: live handle, owned by this thread.
        self.guarded(|api, logic| unsafe { (api.clear)(logic) })
    }

    /// One sub-block. [audio]
    ///
    /// # Errors
    /// [`Dead`]: the output may be half written.
    #[inline]
    pub fn process(
        &mut self,
        mut io: SubBlock<'_, S>,
        context: &BlockContext<'_>,
        output: &mut EventOutput<'_>,
    ) -> Result<BlockResult, Dead> {
        #[expect(clippy::cast_possible_truncation, reason = "frames are at most max_frames, buses a handful")]
        let mut args = ProcessArgs {
            frames: io.frames() as u32,
            offset: context.offset,
            inputs: io.inputs().as_ptr(),
            input_count: io.inputs().len() as u32,
            output_count: io.outputs().len() as u32,
            outputs: io.outputs().as_mut_ptr(),
            scratch: io.scratch().as_ptr(),
            events: Slice::new(context.events),
            // The lifetimes of the queue and of the call are one: the pointer is not kept.
            output: ptr::from_mut(output).cast(),
            transport: context.transport.map_or(ptr::null(), ptr::from_ref),
            steady_time: context.steady_time,
            mode: context.mode,
            first_block: context.first_block,
            state_changed: u32::from(context.state_changed),
            active: 1,
            latency: 0,
            muted: u32::from(context.muted),
            tail: 0,
        };
        // SAFETY: live handle, owned by this thread. `SubBlock` comes from `Bound::sub`, which arranged the buffers as
        // `ProcessArgs` promises, with samples of `S`, the precision that `create` checked; the rest outlives the call.
        self.guarded(|api, logic| unsafe { (api.process)(logic, &raw mut args) })?;
        Ok(BlockResult { active: args.active != 0, latency: args.latency, tail: args.tail })
    }

    /// Writes the swap's snapshot. [audio]
    ///
    /// # Errors
    /// [`Dead`].
    pub fn snapshot(&mut self, out: &mut SnapshotBuffer<'_>) -> Result<(), Dead> {
        let out = ptr::from_mut(out).cast();
        // SAFETY: live handle, owned by this thread; `out` outlives the call.
        self.guarded(|api, logic| unsafe { (api.snapshot)(logic, out) })
    }

    /// Reads the old instance's snapshot; answers whether held notes must be replayed. [audio]
    ///
    /// # Errors
    /// [`Dead`].
    pub fn restore(&mut self, from: &[u8]) -> Result<bool, Dead> {
        let mut replay = 1;
        // SAFETY: live handle, owned by this thread; the arguments outlive the call.
        self.guarded(|api, logic| unsafe { (api.restore)(logic, Slice::new(from), &raw mut replay) })?;
        Ok(replay != 0)
    }

    /// Treats the instance as dead: it gave values that are not finite. [audio]
    pub const fn give_up(&mut self) {
        self.dead = true;
    }

    /// True after a call that failed.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        self.dead
    }
}

impl<S> Drop for Instance<S> {
    fn drop(&mut self) {
        // SAFETY: made by `create`, destroyed once, by its owner.
        let status = unsafe { (self.table.0.destroy)(self.handle) };
        // A panic was caught on the other side; nothing is left to do about it but to say so.
        if let Err(error) = self.table.expect(status, "`drop`") {
            self.shared.store.say(Level::Error, &error.to_string());
        }
    }
}
