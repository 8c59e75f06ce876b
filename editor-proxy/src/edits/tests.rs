//! A host that does not answer a request for a call before somebody else has had the line's locks.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use hotshell_abi::editor::EditorNote;
use hotshell_core::host::{Host, Level};
use hotshell_core::instance::Table;
use hotshell_core::shell::editors::{Edit, EditorAccess};
use hotshell_core::shell::{Shell, StaticShell};
use hotshell_derive::Params;
use hotshell_logic::export::api;
use hotshell_logic::params::FloatParam;
use hotshell_logic::{
    AudioBuffer, CreateContext, EventList, PluginInfo, PluginLogic, ProcessContext, ProcessStatus,
};

use super::Line;

const PATIENCE: Duration = Duration::from_secs(20);
const OTHER: u32 = 7;

#[derive(Params)]
#[params(crate = hotshell_logic)]
struct Knobs {
    #[expect(dead_code, reason = "moved by its id")]
    #[param(id = "mix", range = linear(0.0..=1.0), default = 0.5)]
    mix: FloatParam,
}

struct Quiet;

impl PluginLogic for Quiet {
    type Params = Knobs;
    const INFO: PluginInfo = PluginInfo::new("org.example.quiet", "Quiet");

    fn create(_: Arc<Knobs>, _: &CreateContext<'_>) -> Self {
        Self
    }

    fn process(
        &mut self,
        _: &mut AudioBuffer<'_, f32>,
        _: &EventList<'_>,
        _: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        ProcessStatus::Quiet
    }
}

/// Waits in its calls until another thread has used the line.
struct Waits {
    line: Arc<OnceLock<Weak<Line>>>,
    stuck: Arc<AtomicU32>,
    calls: Arc<AtomicU32>,
}

impl Waits {
    fn wait(&self) {
        let Some(line) = self.line.get().and_then(Weak::upgrade) else { return };
        self.calls.fetch_add(1, SeqCst);
        let (done, heard) = channel();
        let other = std::thread::Builder::new().name("test other".to_owned()).spawn(move || {
            // Of a key and a parameter that nobody holds: nothing is told, and the locks are taken.
            line.perform(OTHER, 0.5);
            line.end(OTHER);
            line.stop(OTHER);
            let _ = done.send(());
        });
        match heard.recv_timeout(PATIENCE) {
            Ok(()) => drop(other.expect("a thread").join()),
            Err(_) => drop(self.stuck.fetch_add(1, SeqCst)),
        }
    }
}

impl Host for Waits {
    fn name(&self) -> &'static str {
        ""
    }
    fn request_restart(&self) {}
    fn request_process(&self) {
        self.wait();
    }
    fn request_callback(&self) {
        self.wait();
    }
    fn log(&self, _: Level, _: &str) {}
}

#[test]
fn the_host_is_never_called_under_a_lock_of_the_line() {
    let [stuck, calls] = [(); 2].map(|()| Arc::new(AtomicU32::new(0)));
    let place = Arc::new(OnceLock::new());
    let host = Waits { line: Arc::clone(&place), stuck: Arc::clone(&stuck), calls: Arc::clone(&calls) };
    let shell: StaticShell =
        StaticShell::open(Table::linked(api::<Quiet, f32>()), 0, "rig", Box::new(host)).expect("opens");
    let line = Line::new(shell.editors().expect("there are editors"), Weak::new());
    assert!(place.set(Arc::downgrade(&line)).is_ok());
    let mix = hotshell_abi::describe::param_host_id("mix");
    line.begin(mix);
    line.perform(mix, 0.25);
    line.end(mix);
    let number = line.play(EditorNote { key: 60, channel: 0, port: 0, reserved: 0, velocity: 1.0 });
    line.stop(number);
    line.begin(mix);
    line.cut();
    assert_eq!((stuck.load(SeqCst), calls.load(SeqCst)), (0, 7), "stuck calls, calls");
    let drag = [Edit::Begin { id: mix }, Edit::Perform { id: mix, plain: 0.25 }, Edit::End { id: mix }];
    let let_go = [Edit::Begin { id: mix }, Edit::End { id: mix }];
    assert_eq!(shell.take_edits(), [&drag[..], &let_go[..]].concat());
}
