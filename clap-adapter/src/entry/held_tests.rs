//! Blocks go on while somebody holds every lock of the adapter, and a build is handed over and takes its place: neither
//! waits for a lock of the adapter's. The shell's own are `hotshell-core`'s to hold; what the entry makes once
//! (`OnceLock`) was made before there is an instance.

use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clack_plugin::extensions::wrapper::PluginWrapper;
use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::events::{CLAP_EVENT_PARAM_VALUE, clap_event_header, clap_event_param_value};
use clap_sys::plugin::clap_plugin;
use clap_sys::process::{CLAP_PROCESS_ERROR, clap_process};
use hotshell_abi::PluginDesc;
use hotshell_abi::describe::param_host_id;
use hotshell_core::host::Host;
use hotshell_core::instance::Table;
use hotshell_core::shell::{Plugins, Shell, ShellError, StaticShell};
use hotshell_derive::Params;
use hotshell_logic::export::api;
use hotshell_logic::params::FloatParam;
use hotshell_logic::{
    AudioBuffer, CreateContext, EventList, PluginInfo, PluginLogic, ProcessContext, ProcessStatus,
};

use super::bench::{Bench, EventsIn, nothing};
use crate::instance::Clap;

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Level {
    #[param(id = "level", range = linear(0.0..=2.0), default = 1.0)]
    level: FloatParam,
}

/// Says its level, and `MORE`.
struct Says<const MORE: u8>(Arc<Level>);

impl<const MORE: u8> PluginLogic for Says<MORE> {
    type Params = Level;
    const INFO: PluginInfo = PluginInfo::new("org.hotshell.fake", "Says");

    fn create(params: Arc<Level>, _: &CreateContext<'_>) -> Self {
        Self(params)
    }

    /// A build that the host has to be told of, so that the swap calls it.
    fn latency(&self) -> u32 {
        MORE.into()
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        #[expect(clippy::cast_possible_truncation, reason = "a sample")]
        let level = self.0.level.value() as f32 + f32::from(MORE);
        buffer.in_place().iter_mut().for_each(|channel| channel.fill(level));
        ProcessStatus::Active
    }
}

static DESC: PluginDesc<'static> = hotshell_fake_shell::bare("org.hotshell.fake");

/// Plug-ins whose shell the test swaps builds in.
#[derive(Default)]
struct Real(OnceLock<StaticShell>);

impl Plugins for Real {
    fn count(&self) -> usize {
        1
    }
    fn describe(&self, _: usize) -> Option<&'static PluginDesc<'static>> {
        Some(&DESC)
    }
    fn open(
        &self,
        _: usize,
        format: &'static str,
        host: Box<dyn Host>,
    ) -> Result<Box<dyn Shell>, ShellError> {
        let shell = StaticShell::open(Table::linked(api::<Says<0>, f32>()), 0, format, host)?;
        Ok(Box::new(self.0.get_or_init(|| shell).clone()))
    }
    fn is_hot(&self) -> bool {
        true
    }
}

/// Address of the instance: a host's audio thread has the same as its main thread.
#[derive(Clone, Copy)]
struct Address(*const clap_plugin);

// SAFETY: the test keeps CLAP's rules: one thread runs blocks, and until it ends the other one calls nothing.
unsafe impl Send for Address {}

impl Address {
    /// The last sample of a block that sets `level`, if that is said.
    fn block(self, level: Option<f64>) -> f32 {
        let mut samples = [[0.0_f32; 64]; 2];
        let mut pointers = samples.each_mut().map(|channel| channel.as_mut_ptr());
        let port = clap_audio_buffer {
            data32: pointers.as_mut_ptr(),
            data64: std::ptr::null_mut(),
            channel_count: 2,
            latency: 0,
            constant_mask: 0,
        };
        let set = level.map(set_to);
        let events = EventsIn(set.iter().map(|set| &raw const set.header).collect());
        let (inputs, mut outputs, list) = ([port], [port], events.raw());
        let process = clap_process {
            audio_inputs: inputs.as_ptr(),
            audio_inputs_count: 1,
            audio_outputs: outputs.as_mut_ptr(),
            audio_outputs_count: 1,
            in_events: &raw const list,
            ..nothing(64)
        };
        // SAFETY: the instance is alive and active; the block tells the truth.
        let status = unsafe { (*self.0).process.expect("set")(self.0, &raw const process) };
        assert_ne!(status, CLAP_PROCESS_ERROR);
        samples[1][63]
    }
}

fn set_to(value: f64) -> clap_event_param_value {
    clap_event_param_value {
        header: clap_event_header {
            size: u32::try_from(size_of::<clap_event_param_value>()).expect("small"),
            time: 0,
            space_id: 0,
            type_: CLAP_EVENT_PARAM_VALUE,
            flags: 0,
        },
        param_id: param_host_id("level"),
        cookie: std::ptr::null_mut(),
        note_id: -1,
        port_index: -1,
        channel: -1,
        key: -1,
        value,
    }
}

#[test]
fn blocks_and_a_swap_take_no_lock_of_the_adapter() {
    let plugins: &'static Real = Box::leak(Box::default());
    let bench = Bench::of(plugins);
    bench.activate();
    let (address, (done, heard)) = (Address(bench.plugin), channel());
    let hold_and_wait = |wrapper: &PluginWrapper<'_, Clap>| {
        // SAFETY: this is the main thread.
        let _held = unsafe { wrapper.main_thread() }.hold();
        Ok([(); 3].map(|()| heard.recv_timeout(Duration::from_secs(20))))
    };
    let answer = std::thread::scope(|scope| {
        scope.spawn(move || {
            let address = { address };
            let _ = done.send((0..10).fold(0.0, |_, _| address.block(None)));
            let shell = plugins.0.get().expect("open");
            shell.swap(Table::linked(api::<Says<10>, f32>()), 1).expect("accepted");
            let _ = done.send((0..60).fold(0.0, |_, _| address.block(None)));
            let _ = done.send(address.block(Some(2.0)));
        });
        // SAFETY: the plug-in is one of ours.
        unsafe { PluginWrapper::<Clap>::handle(bench.plugin, hold_and_wait) }
    });
    bench.deactivate();
    let wanted = [1.0, 11.0, 12.0].map(Ok);
    assert_eq!(answer, Some(wanted), "blocks that wait for a lock say nothing");
}
