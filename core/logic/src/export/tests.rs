#![allow(unsafe_code, reason = "DESIGN 9.9 names core/logic/src/export: its tests call through the table")]

mod bomb;
mod duck;
mod probe;
pub(crate) mod shell;

use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use hotshell_abi::describe::param_host_id;
use hotshell_abi::snapshot::SnapshotBuffer;
use hotshell_abi::table::{CreateArgs, ResetReport, StateEntry, StateReceiver, StateSink};
use hotshell_abi::{
    AudioConfig, BusBuffer, ByteSink, Bytes, Event, EventOutput, LogicApi, ParamDesc, PersistDesc,
    PluginDesc, ProcessArgs, Reason, RenderMode, Slice, Status, Str, TextBuffer, Transport,
};

use self::bomb::{Bomb, BombParams, Dud};
use self::probe::{Probe, ProbeParams};
use self::shell::{API, Fake, GONE};
use super::{api, panic};

const PROBE: &LogicApi = api::<Probe, f64>();
const BOMB: &LogicApi = api::<Bomb, f32>();
const CONFIG: AudioConfig =
    AudioConfig { sample_rate: 48_000.0, max_frames: 64, layout: 0, mode: RenderMode::REALTIME, reserved: 0 };

fn describe(table: &LogicApi) -> &'static PluginDesc<'static> {
    let mut out = null();
    // SAFETY: a live local; the description lives for ever.
    unsafe {
        assert!((table.describe)(&mut out).is_ok());
        &*out
    }
}

/// A bound shared half and a logic on it.
struct Live<'s> {
    table: &'static LogicApi,
    shared: *mut c_void,
    logic: *mut c_void,
    _store: &'s Fake,
}

impl<'s> Live<'s> {
    fn new(table: &'static LogicApi, store: &'s Fake) -> Self {
        let (mut shared, mut logic) = (null_mut(), null_mut());
        let args = create_args("rig");
        // SAFETY: live locals; the store outlives `Live`.
        unsafe {
            assert!((table.bind)(&API, store.handle(), &mut shared).is_ok());
            assert!((table.create)(shared, &args, &mut logic).is_ok());
        }
        Self { table, shared, logic, _store: store }
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        // SAFETY: both handles are live, and released once.
        unsafe {
            let _ = (self.table.destroy)(self.logic);
            let _ = (self.table.unbind)(self.shared);
        }
    }
}

fn create_args(format: &str) -> CreateArgs<'_> {
    CreateArgs { reason: Reason::RELOAD, build: 3, host: Str::new("Host 1"), format: Str::new(format) }
}

/// Runs one stereo block of ones and answers the first sample.
fn run<'a>(
    live: &Live<'_>,
    events: &'a [Event],
    output: &mut EventOutput<'a>,
    set: impl FnOnce(&mut ProcessArgs<'a>),
) -> f64 {
    let mut samples = [[1.0_f64; 4]; 2];
    let [left, right] = &mut samples;
    let channels: [*mut c_void; 2] = [left.as_mut_ptr().cast(), right.as_mut_ptr().cast()];
    let bus = BusBuffer { channels: channels.as_ptr(), channel_count: 2, flags: 0, constant_mask: 0 };
    let (inputs, mut outputs) = ([bus], [bus]);
    let mut args = ProcessArgs {
        frames: 4,
        offset: 0,
        inputs: inputs.as_ptr(),
        input_count: 1,
        output_count: 1,
        outputs: outputs.as_mut_ptr(),
        scratch: channels.as_ptr(),
        events: Slice::new(events),
        output,
        transport: null(),
        steady_time: -1,
        mode: RenderMode::REALTIME,
        first_block: Reason::NONE,
        state_changed: 0,
        active: 0,
        latency: 0,
        muted: 0,
        tail: 0,
    };
    set(&mut args);
    // SAFETY: the block is filled as its type says, in double precision; the handle is live.
    unsafe { assert!((live.table.process)(live.logic, &mut args).is_ok()) };
    assert_eq!((args.active, args.latency, args.tail), (1, 7, u64::MAX));
    samples[0][0]
}

#[test]
fn a_build_is_described_once_with_dotted_ids_and_groups() {
    let desc = describe(PROBE);
    assert!(std::ptr::eq(desc, describe(PROBE)));
    let ids: Vec<_> = desc.params.as_slice().iter().map(|param| param.id.as_str()).collect();
    assert_eq!(ids, ["gain", "bypass", "osc.1.detune", "osc.2.detune"]);
    let [gain, bypass, osc, _] = desc.params.as_slice() else { panic!() };
    assert_eq!(gain.host_id, param_host_id("gain"));
    assert_eq!(gain.was.as_slice()[0].as_str(), "level");
    assert_eq!((gain.min, gain.max, gain.default, gain.unit.as_str()), (-60.0, 6.0, 0.0, "dB"));
    assert_eq!(gain.flags, ParamDesc::AUTOMATABLE | ParamDesc::MODULATABLE);
    assert_eq!((bypass.kind, bypass.flags), (ParamDesc::BOOL, ParamDesc::AUTOMATABLE | ParamDesc::BYPASS));
    assert_eq!(osc.group.as_str(), "Osc 1/Tune");
    let persists: Vec<_> = desc.persists.as_slice().iter().map(|p| (p.id.as_str(), p.scope)).collect();
    assert_eq!(persists, [("file", PersistDesc::PROJECT), ("ui", PersistDesc::KEEP)]);
    let words: Vec<_> = desc.features.as_slice().iter().map(Str::as_str).collect();
    assert_eq!(words, ["audio-effect", "stereo", "utility"], "a main category, and no word twice");
    assert_eq!((desc.notes.outputs, desc.state_version), (1, 2));
    assert_eq!(desc.flags, PluginDesc::OWN_STATE);
}

#[test]
fn a_block_sees_values_events_and_its_own_timeline() {
    let store = Fake::new(&[("gain", 2.0), ("osc.1.detune", 0.0)]);
    let live = Live::new(PROBE, &store);
    assert_eq!(store.lines.lock().unwrap()[0], "1: Reload { build: 3 } in Host 1 by rig");
    let mut report = ResetReport::default();
    // SAFETY: live handle and locals.
    unsafe { assert!((PROBE.reset)(live.logic, &CONFIG, &mut report).is_ok()) };
    assert_eq!((report.latency, report.tail), (7, u64::MAX));

    let (mut memory, mut bytes) = ([Event::midi(0, 0, [0; 3]); 8], [0; 64]);
    let mut output = EventOutput::new(&mut memory, &mut bytes);
    let sysex = [0xf0, 1, 2, 0xf7];
    let events = [Event::midi(1, 0, [0xb0, 64, 127]), Event::sysex(2, 0, &sysex)];
    let mut transport = Transport::UNKNOWN;
    transport.flags = Transport::PLAYING | Transport::HAS_BEATS | Transport::HAS_TEMPO;
    (transport.tempo, transport.beats) = (120.0, 8.0);
    let sample = run(&live, &events, &mut output, |args| {
        (args.offset, args.transport, args.first_block) = (24_000, &transport, Reason::RELOAD);
        args.state_changed = 1;
    });
    assert_eq!(sample, 2.0 + 9.0, "half a second at 120 BPM is one beat");
    let sent = output.events();
    assert_eq!(sent.iter().map(|event| event.time).collect::<Vec<_>>(), [24_001, 24_002, 24_000]);
    assert_eq!(output.sysex(&sent[1]), sysex);
    assert_eq!((sent[2].id, sent[2].value), (param_host_id("osc.1.detune"), 50.0), "clamped to its range");
    assert_eq!(store.params[&param_host_id("osc.1.detune")].base(), 50.0);
    assert_eq!(store.lines.lock().unwrap()[1], "1: first: Some(Reload { build: 3 }), changed: 1");
    drop(live);
    assert_eq!(store.owners.load(SeqCst), 0, "a store is still retained");
}

#[test]
fn a_snapshot_is_taken_over_and_an_empty_one_asks_for_notes() {
    let store = Fake::new(&[]);
    let (old, new) = (Live::new(PROBE, &store), Live::new(PROBE, &store));
    let mut memory = [0; 128];
    let mut buffer = SnapshotBuffer::new(&mut memory);
    let mut replay = 9;
    // SAFETY: live handles and locals.
    unsafe {
        assert!((PROBE.snapshot)(old.logic, &mut buffer).is_ok());
        assert!((PROBE.restore)(new.logic, Slice::new(buffer.as_bytes()), &mut replay).is_ok());
        assert_eq!(replay, 0);
        assert!((PROBE.restore)(new.logic, Slice::empty(), &mut replay).is_ok());
        assert_eq!(replay, 1);
    }
}

fn sync(live: &Live<'_>) -> (Status, String) {
    let mut bytes = Vec::new();
    let mut sink = ByteSink::new(&mut bytes);
    // SAFETY: live handle and local.
    let status = unsafe { (live.table.sync)(live.shared, &mut sink) };
    (status, String::from_utf8(bytes).unwrap())
}

#[test]
fn fields_follow_the_shells_bytes_and_write_them() {
    let store = Fake::new(&[]);
    store.write("file", &rmp_serde::to_vec_named("a.wav").unwrap(), 0);
    let live = Live::new(PROBE, &store);
    let params = params_of(&live);
    assert_eq!(params.file.get().0, "a.wav", "bound with its value");
    store.write("file", &rmp_serde::to_vec_named("b.wav").unwrap(), 0);
    assert_eq!(sync(&live), (Status::OK, String::new()));
    assert_eq!(params.file.get().0, "b.wav");
    params.file.set(crate::params::FilePath("c.wav".into())).unwrap();
    params.ui.set(5).unwrap();
    let users: Vec<_> =
        store.fields.lock().unwrap().iter().map(|(id, field)| (id.clone(), field.2)).collect();
    assert_eq!(users, [("file".to_owned(), 1), ("ui".to_owned(), 0)], "a kept field dirties no project");
    store.write("file", &[0xc1], 0);
    let (status, line) = sync(&live);
    assert_eq!(status, Status::REFUSED);
    assert!(line.starts_with("file: "), "{line}");
    assert_eq!(params.file.get().0, "", "the default shows");
    assert_eq!(store.fields.lock().unwrap()["file"].0, [0xc1], "the bytes stay");
}

/// The file that `params` shows and the file in the shell's bytes.
fn both(live: &Live<'_>, store: &Fake) -> (String, Option<String>) {
    let fields = store.fields.lock().unwrap();
    let bytes = fields.get("file").filter(|field| field.2 != GONE);
    (params_of(live).file.get().0.clone(), bytes.map(|field| rmp_serde::from_slice(&field.0).unwrap()))
}

fn params_of(live: &Live<'_>) -> Arc<ProbeParams> {
    // SAFETY: a bound shared half of this plug-in.
    unsafe { super::shared::Shared::<ProbeParams>::of(live.shared).unwrap().params.clone() }
}

fn file(name: &str) -> crate::params::FilePath {
    crate::params::FilePath(name.to_owned())
}

#[test]
fn two_writers_at_once_end_on_the_value_of_the_bytes() {
    let store = Fake::new(&[]);
    let live = Live::new(PROBE, &store);
    let params = params_of(&live);
    let other = params.clone();
    *store.meanwhile.lock().unwrap() = Some(Box::new(move || other.file.set(file("second")).unwrap()));
    params.file.set(file("first")).unwrap();
    assert_eq!(both(&live, &store), ("second".to_owned(), Some("second".to_owned())));
    assert_eq!(sync(&live), (Status::OK, String::new()));
    assert_eq!(params.file.get().0, "second");
}

#[test]
fn a_writer_during_a_sync_is_not_undone_by_it() {
    for bytes in [&rmp_serde::to_vec_named("loaded").unwrap()[..], &[0xc1]] {
        let store = Fake::new(&[]);
        let live = Live::new(PROBE, &store);
        let params = params_of(&live);
        store.write("file", bytes, 0);
        let other = params.clone();
        *store.meanwhile.lock().unwrap() = Some(Box::new(move || other.file.set(file("written")).unwrap()));
        assert_eq!(sync(&live), (Status::OK, String::new()), "replaced bytes are nobody's failure");
        assert_eq!(both(&live, &store), ("written".to_owned(), Some("written".to_owned())));
    }
}

#[test]
fn a_state_without_a_field_resets_it_unless_it_is_written_meanwhile() {
    let store = Fake::new(&[]);
    let live = Live::new(PROBE, &store);
    let params = params_of(&live);
    params.file.set(file("set")).unwrap();
    store.write("file", &[], GONE);
    let other = params.clone();
    *store.meanwhile.lock().unwrap() = Some(Box::new(move || other.file.set(file("written")).unwrap()));
    assert_eq!(sync(&live), (Status::OK, String::new()));
    assert_eq!(both(&live, &store), ("written".to_owned(), Some("written".to_owned())));
    store.write("file", &[], GONE);
    assert_eq!(sync(&live), (Status::OK, String::new()));
    assert_eq!(both(&live, &store), (String::new(), None));
}

/// Entries as owned values.
#[derive(Default)]
struct Entries(Vec<(u32, String, f64, Vec<u8>)>);

impl StateReceiver for Entries {
    fn receive(&mut self, entry: &StateEntry<'_>) {
        self.0.push((entry.kind, entry.id.as_str().to_owned(), entry.value, entry.bytes.as_slice().to_vec()));
    }
}

#[test]
fn documents_migrate_and_foreign_bytes_import() {
    let entry = |kind, id, value, bytes| StateEntry { kind, reserved: 0, id: Str::new(id), value, bytes };
    let document = [
        entry(StateEntry::PARAM, "level", -3.0, Bytes::empty()),
        entry(StateEntry::PARAM, "mode", 0.0, Bytes::new(b"soft")),
        entry(StateEntry::FIELD, "file", 0.0, Bytes::new(&[1, 2])),
        entry(StateEntry::OWN, "", 0.0, Bytes::new(&[3])),
    ];
    let (mut entries, mut message) = (Entries::default(), Vec::new());
    let (mut out, mut text) = (StateSink::new(&mut entries), ByteSink::new(&mut message));
    // SAFETY: live locals.
    unsafe {
        let refused = (PROBE.migrate_state)(0, Slice::new(&document), &mut out, &mut text);
        assert_eq!(refused, Status::REFUSED);
        assert!((PROBE.migrate_state)(1, Slice::new(&document), &mut out, &mut text).is_ok());
        assert!((PROBE.import_state)(Slice::new(&[6]), &mut out).is_ok());
        assert_eq!((PROBE.import_state)(Slice::empty(), &mut out), Status::NOT_SUPPORTED);
    }
    assert_eq!(message, b"version 0 was never released");
    let name = rmp_serde::to_vec_named("old.wav").unwrap();
    assert_eq!(
        entries.0,
        [
            (StateEntry::PARAM, "gain".to_owned(), -3.0, vec![]),
            (StateEntry::PARAM, "mode".to_owned(), 0.0, b"soft".to_vec()),
            (StateEntry::FIELD, "file".to_owned(), 0.0, vec![1, 2]),
            (StateEntry::OWN, String::new(), 0.0, vec![3]),
            (StateEntry::PARAM, "gain".to_owned(), 6.0, vec![]),
            (StateEntry::FIELD, "file".to_owned(), 0.0, name),
        ]
    );
}

#[test]
fn own_state_comes_back_or_is_refused_with_the_authors_reason() {
    let store = Fake::new(&[]);
    let live = Live::new(PROBE, &store);
    let (mut bytes, mut message) = (Vec::new(), Vec::new());
    let mut long = crate::StateWriter::default();
    long.put("file length", &1000_usize);
    let long = long.finish().unwrap();
    // SAFETY: live handle and locals.
    unsafe {
        assert!((PROBE.save_state)(live.shared, &mut ByteSink::new(&mut bytes)).is_ok());
        let mut sink = ByteSink::new(&mut message);
        assert!((PROBE.load_state)(live.shared, Slice::new(&bytes), &mut sink).is_ok());
        assert_eq!((PROBE.load_state)(live.shared, Slice::new(&long), &mut sink), Status::REFUSED);
        assert_eq!((PROBE.load_state)(live.shared, Slice::new(&[0xc1]), &mut sink), Status::REFUSED);
    }
    assert!(String::from_utf8(message).unwrap().starts_with("the file's name is too long"));
}

#[test]
fn texts_cross_and_a_wrong_index_is_refused() {
    let store = Fake::new(&[]);
    let live = Live::new(PROBE, &store);
    let (mut text, mut value) = (TextBuffer::new(), 0.0);
    // SAFETY: live handle and locals.
    unsafe {
        assert!((PROBE.param_text)(live.shared, 0, -6.0, &mut text).is_ok());
        assert_eq!(text.as_str(), "-6.0 dB");
        assert!((PROBE.param_parse)(live.shared, 0, Str::new("-12 dB"), &mut value).is_ok());
        assert_eq!(value, -12.0);
        assert_eq!((PROBE.param_parse)(live.shared, 0, Str::new("loud"), &mut value), Status::REFUSED);
        assert_eq!((PROBE.param_text)(live.shared, 4, 0.0, &mut text), Status::BAD_ARGUMENT);
    }
}

#[test]
fn null_pointers_are_answered_not_followed() {
    // SAFETY: every function of the table checks its handles.
    unsafe {
        assert_eq!((PROBE.describe)(null_mut()), Status::BAD_ARGUMENT);
        assert_eq!((PROBE.bind)(null(), null(), &mut null_mut()), Status::BAD_ARGUMENT);
        assert_eq!((PROBE.create)(null_mut(), null(), &mut null_mut()), Status::BAD_ARGUMENT);
        assert_eq!((PROBE.process)(null_mut(), null_mut()), Status::BAD_ARGUMENT);
        assert_eq!((PROBE.destroy)(null_mut()), Status::BAD_ARGUMENT);
        assert_eq!((PROBE.unbind)(null_mut()), Status::BAD_ARGUMENT);
    }
}

fn last_panic() -> String {
    let mut text = TextBuffer::new();
    // SAFETY: a live local.
    unsafe { assert!((BOMB.last_panic)(&mut text).is_ok()) };
    text.as_str().to_owned()
}

/// The call panicked with `message`, and the report says where.
fn exploded(status: Status, message: &str) {
    assert_eq!(status, Status::PANICKED, "{message}");
    let report = last_panic();
    assert!(report.contains(message), "{message}: {report:?}");
    assert!(report.contains("export/tests/bomb.rs:"), "{message}: {report:?}");
    assert_eq!(last_panic(), "", "a report is given once");
}

#[test]
fn a_panic_in_every_function_is_survived_and_reported_with_its_place() {
    let printing = std::panic::take_hook();
    panic::install_panic_hook();
    explode_everything();
    std::panic::set_hook(printing);
}

fn explode_everything() {
    let store = Fake::new(&[]);
    let dud = api::<Dud, f32>();
    let (mut shared, mut handle) = (null_mut(), null_mut());
    let (mut memory, mut events, mut sysex, mut bytes) = ([0; 8], [], [], Vec::new());
    let mut output = EventOutput::new(&mut events, &mut sysex);
    let mut sink = ByteSink::new(&mut bytes);
    let live = Live::new(BOMB, &store);
    // SAFETY: live handles and locals; the process arguments describe no buffers at all.
    unsafe {
        exploded((dud.describe)(&mut null()), "in build");
        exploded((dud.bind)(&API, store.handle(), &mut shared), "in build");
        exploded((BOMB.create)(live.shared, &create_args("panic"), &mut handle), "in create");
        exploded((BOMB.param_text)(live.shared, 0, 0.0, &mut TextBuffer::new()), "in format");
        exploded((BOMB.param_parse)(live.shared, 0, Str::new("x"), &mut 0.0), "in parse");
        exploded((BOMB.save_state)(live.shared, &mut sink), "in save_state");
        exploded((BOMB.load_state)(live.shared, Slice::empty(), &mut sink), "in load_state");
        let mut entries = Entries::default();
        let mut into = StateSink::new(&mut entries);
        exploded((BOMB.migrate_state)(0, Slice::empty(), &mut into, &mut sink), "in migrate_state");
        exploded((BOMB.import_state)(Slice::empty(), &mut into), "in import_state");
        exploded((BOMB.reset)(live.logic, &CONFIG, &mut ResetReport::default()), "in reset");
        exploded((BOMB.clear)(live.logic), "in clear");
        exploded((BOMB.snapshot)(live.logic, &mut SnapshotBuffer::new(&mut memory)), "in snapshot");
        exploded((BOMB.restore)(live.logic, Slice::empty(), &mut 0), "in restore");
        let mut args: ProcessArgs<'_> = empty_block(&mut output);
        exploded((BOMB.process)(live.logic, &mut args), "in process");
        args.state_changed = 1;
        exploded((BOMB.process)(live.logic, &mut args), "in state_changed");
        store.write("trap", &[0xc0], 0);
        store.write("behind", &[7], 0);
        assert_eq!((BOMB.sync)(live.shared, &mut sink), Status::REFUSED);
        exploded(Status::PANICKED, "in sync");
        let params = &super::shared::Shared::<BombParams>::of(live.shared).unwrap().params;
        assert_eq!(*params.behind.get(), 7, "a panic keeps no other field from being read");
        let mut second = null_mut();
        assert!((BOMB.create)(live.shared, &create_args("rig"), &mut second).is_ok());
        exploded((BOMB.destroy)(second), "in drop");
    }
}

fn empty_block<'a>(output: &mut EventOutput<'a>) -> ProcessArgs<'a> {
    ProcessArgs {
        frames: 1,
        offset: 0,
        inputs: null(),
        input_count: 0,
        output_count: 0,
        outputs: null_mut(),
        scratch: null(),
        events: Slice::empty(),
        output,
        transport: null(),
        steady_time: -1,
        mode: RenderMode::REALTIME,
        first_block: Reason::NONE,
        state_changed: 0,
        active: 0,
        latency: 0,
        muted: 0,
        tail: 0,
    }
}
