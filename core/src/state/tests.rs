//! The rules of `state`, one test each.

use std::sync::Arc;

use fastrand::Rng;
use hotshell_abi::table::{StateEntry, StateReceiver, StateSink};
use hotshell_abi::{Slice, Str};
use rmpv::Value;

use super::{Document, SavedField, StateError, apply, check, collect, decode, encode};
use crate::params::fixtures::{choice, float, set, take_over, value};
use crate::params::{ParamStore, SavedParam};
use crate::params::{Parameters, fixtures::Desc};
use crate::shell::StateContext::{self, Duplicate, Preset, Project};
use crate::store::{Scope, Store};

const PLUGIN: &str = "org.example.gain";

struct Instance {
    params: Arc<ParamStore>,
    store: Arc<Store>,
}

impl Instance {
    fn new(params: &[Desc]) -> Self {
        let params = Arc::new(ParamStore::with_first(params).unwrap());
        let store = Store::new(Arc::clone(&params) as Arc<dyn Parameters>);
        store.declare_for_test("all", Scope::Everywhere);
        store.declare_for_test("project", Scope::Project);
        store.declare_for_test("keep", Scope::Keep);
        Self { params, store }
    }

    fn save(&self, context: StateContext) -> Document {
        collect(context, PLUGIN, 3, &*self.params, &self.store, b"own".to_vec())
    }

    fn load(&self, context: StateContext, document: &Document) -> super::Applied {
        apply(context, document, &*self.params, &self.store).unwrap()
    }

    fn field(&self, id: &str) -> Option<Vec<u8>> {
        self.store.field_read(id).map(|(bytes, _)| bytes.to_vec())
    }
}

fn filled() -> Instance {
    let one = Instance::new(&[float("gain", -60.0, 12.0, 0.0), choice("mode", &["a", "b"], 0.0)]);
    set(&one.params, "gain", -6.5);
    set(&one.params, "mode", 1.0);
    for id in ["all", "project", "keep"] {
        one.store.field_write(id, id.as_bytes(), true).unwrap();
    }
    one
}

/// Ours around a body.
fn envelope(body: &[u8]) -> Vec<u8> {
    let mut bytes = b"HOTSHELL\x01\0\0\0".to_vec();
    bytes.extend_from_slice(&u64::try_from(body.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn body_of(entries: Vec<(Value, Value)>) -> Vec<u8> {
    let mut body = Vec::new();
    rmpv::encode::write_value(&mut body, &Value::Map(entries)).unwrap();
    body
}

/// The top level of a valid document, for spoiling.
fn top() -> Vec<(Value, Value)> {
    let bytes = encode(&filled().save(Project));
    let value = rmpv::decode::read_value(&mut &bytes[20..]).unwrap();
    let Value::Map(entries) = value else { unreachable!("a document is a map") };
    entries
}

fn with(key: &str, value: Value) -> Result<Document, StateError> {
    let mut entries = top();
    entries.retain(|(name, _)| name.as_str() != Some(key));
    entries.push((key.into(), value));
    decode(&envelope(&body_of(entries)), PLUGIN)
}

#[test]
fn everything_comes_back_in_a_new_instance_and_its_save_has_the_same_bytes() {
    let bytes = encode(&filled().save(Project));
    let new = Instance::new(&[float("gain", -60.0, 12.0, 0.0), choice("mode", &["a", "b"], 0.0)]);
    let document = decode(&bytes, PLUGIN).unwrap();
    assert_eq!((document.state_version, document.own.as_slice()), (3, b"own".as_slice()));
    assert!(new.load(Project, &document).values_changed);
    assert_eq!((value(&new.params, "gain"), value(&new.params, "mode")), (-6.5, 1.0));
    assert_eq!((new.field("all"), new.field("project")), (Some(b"all".to_vec()), Some(b"project".to_vec())));
    assert_eq!(new.field("keep"), None, "kept fields are never saved");
    assert_eq!(encode(&new.save(Project)), bytes);
    assert!(!new.load(Duplicate, &document).values_changed, "the second time nothing moves");
}

#[test]
fn a_load_is_counted_for_the_logic() {
    let one = filled();
    let document = one.save(Project);
    one.load(Project, &document);
    assert_eq!(one.store.state_generation(), 1);
}

#[test]
fn a_preset_neither_holds_nor_touches_what_belongs_to_the_project() {
    let one = filled();
    let preset = decode(&encode(&one.save(Preset)), PLUGIN).unwrap();
    assert_eq!(preset.fields.keys().collect::<Vec<_>>(), ["all"]);
    for id in ["all", "project"] {
        one.store.field_write(id, b"later", true).unwrap();
    }
    one.load(Preset, &preset);
    assert_eq!((one.field("all"), one.field("project")), (Some(b"all".to_vec()), Some(b"later".to_vec())));
    one.load(Project, &preset);
    assert_eq!(one.field("project"), None, "as a project it is the whole truth");
}

#[test]
fn a_projects_field_in_a_preset_is_left_alone() {
    let one = filled();
    let whole = one.save(Project);
    one.store.field_write("project", b"later", true).unwrap();
    one.load(Preset, &whole);
    assert_eq!(one.field("project"), Some(b"later".to_vec()));
}

#[test]
fn what_a_newer_version_added_is_kept_and_written_back() {
    let mut entries = top();
    entries.push(("zzz".into(), Value::Array(vec![Value::F64(0.5), Value::Nil, "x".into()])));
    entries.push(("aaa".into(), Value::Map(vec![("n".into(), Value::Ext(7, vec![1, 2]))])));
    let set = |entries: &mut Vec<(Value, Value)>, key: &str, id: &str, value: Value| {
        let found = entries.iter_mut().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value);
        if let Some(Value::Map(map)) = found {
            map.push((id.into(), value));
        }
    };
    set(&mut entries, "params", "future", Value::F64(3.25));
    set(&mut entries, "fields", "future", Value::Binary(vec![9]));
    set(&mut entries, "project", "later", Value::Binary(vec![8]));
    let document = decode(&envelope(&body_of(entries)), PLUGIN).unwrap();
    let one = Instance::new(&[float("gain", -60.0, 12.0, 0.0)]);
    one.load(Project, &document);
    assert_eq!(decode(&encode(&one.save(Project)), PLUGIN).unwrap(), document);
    assert!(
        one.save(Preset).fields.keys().eq(["all", "future"]),
        "the unknown field's scope is known from the state"
    );
}

#[test]
fn a_tombstones_value_is_in_the_state() {
    let one = filled();
    take_over(&one.params, &[]);
    assert_eq!(one.save(Project).params["gain"].value, -6.5);
}

#[test]
fn no_bytes_are_refused_as_empty() {
    assert_eq!(decode(&[], PLUGIN), Err(StateError::Empty));
}

#[test]
fn junk_is_refused_without_harm() {
    let mut rng = Rng::with_seed(1);
    for _ in 0..3 {
        let junk: Vec<u8> = (0..1 << 20).map(|_| rng.u8(..)).collect();
        assert_eq!(decode(&junk, PLUGIN), Err(StateError::NotOurs));
        assert!(decode(&envelope(&junk), PLUGIN).is_err());
    }
    for seed in 0..2000 {
        let mut rng = Rng::with_seed(seed);
        let junk: Vec<u8> = (0..rng.usize(..200)).map(|_| rng.u8(..)).collect();
        assert!(decode(&envelope(&junk), PLUGIN).is_err(), "seed {seed}");
    }
}

#[test]
fn a_damaged_state_is_refused_or_still_a_document_and_never_a_panic() {
    let bytes = encode(&filled().save(Project));
    for seed in 0..5000 {
        let mut rng = Rng::with_seed(seed);
        let mut damaged = bytes.clone();
        for _ in 0..rng.usize(1..4) {
            let at = rng.usize(..damaged.len());
            damaged[at] = rng.u8(..);
        }
        if let Ok(document) = decode(&damaged, PLUGIN) {
            filled().load(Project, &document);
        }
    }
}

#[test]
fn every_truncation_and_every_extension_is_refused() {
    let bytes = encode(&filled().save(Project));
    for len in 0..bytes.len() {
        assert!(decode(&bytes[..len], PLUGIN).is_err(), "{len} bytes");
        let mut shorter = bytes[..len].to_vec();
        if len >= 20 {
            shorter[12..20].copy_from_slice(&(u64::try_from(len).unwrap() - 20).to_le_bytes());
            assert!(
                matches!(decode(&shorter, PLUGIN), Err(StateError::Damaged(_))),
                "{len} bytes, length corrected"
            );
        }
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(decode(&longer, PLUGIN), Err(StateError::Length { .. })));
    let mut body = bytes[20..].to_vec();
    body.push(0);
    let words = decode(&envelope(&body), PLUGIN).unwrap_err().to_string();
    assert!(words.contains("follow the end"), "{words}");
}

#[test]
fn claimed_lengths_are_not_believed() {
    let huge: [&[u8]; 6] = [
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0xdb, 0xff, 0xff, 0xff, 0xff],
        &[0xc6, 0xff, 0xff, 0xff, 0xff],
        &[0xc9, 0xff, 0xff, 0xff, 0xff, 1],
        &[0x81, 0xa3, b'o', b'w', b'n', 0xc6, 0x7f, 0xff, 0xff, 0xff, 1],
    ];
    for bytes in huge {
        assert!(matches!(decode(&envelope(bytes), PLUGIN), Err(StateError::Damaged(_))), "{bytes:x?}");
    }
    let nested = [0xdd_u8, 0xff, 0xff, 0xff, 0xff].repeat(100_000);
    assert!(
        matches!(decode(&envelope(&nested), PLUGIN), Err(StateError::Damaged(_))),
        "nor stack for the nesting"
    );
    let mut header = envelope(&[0x80]);
    header[12..20].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(decode(&header, PLUGIN), Err(StateError::Length { expected: u64::MAX, found: 1 }));
}

#[test]
fn another_plug_ins_state_and_a_newer_envelope_are_refused_by_name() {
    let bytes = encode(&filled().save(Project));
    assert_eq!(decode(&bytes, "org.example.synth"), Err(StateError::OtherPlugin { found: PLUGIN.into() }));
    let damaged = StateError::OtherPlugin { found: "org\0\u{1b}[2J".into() }.to_string();
    assert!(!damaged.contains(char::is_control), "it goes to terminals and into C strings: {damaged:?}");
    let mut newer = bytes;
    newer[8] = 2;
    assert_eq!(decode(&newer, PLUGIN), Err(StateError::Newer { version: 2 }));
}

#[test]
fn values_that_are_not_finite_are_refused_by_name() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let params = Value::Map(vec![("gain".into(), Value::F64(value))]);
        let words = with("params", params).unwrap_err().to_string();
        assert!(words.contains("\"gain\""), "{words}");
    }
}

#[test]
fn entries_of_the_wrong_kind_missing_or_twice_are_refused_by_name() {
    for key in ["plugin", "state_version", "params", "fields", "project", "own"] {
        let words = with(key, Value::Boolean(true)).unwrap_err().to_string();
        assert!(words.contains(key), "{key}: {words}");
        let mut entries = top();
        entries.retain(|(name, _)| name.as_str() != Some(key));
        assert!(decode(&envelope(&body_of(entries)), PLUGIN).is_err(), "{key} missing");
        let mut entries = top();
        entries.push(entries.iter().find(|(name, _)| name.as_str() == Some(key)).unwrap().clone());
        assert!(decode(&envelope(&body_of(entries)), PLUGIN).is_err(), "{key} twice");
    }
    assert!(with("state_version", Value::from(-1)).is_err());
    assert!(
        with("project", Value::Map(vec![("all".into(), Value::Binary(vec![]))])).is_err(),
        "a field in two scopes"
    );
    let variant = Value::Map(vec![("value".into(), Value::F64(0.0)), ("variant".into(), Value::from(1))]);
    assert!(with("params", Value::Map(vec![("mode".into(), variant)])).is_err());
    assert!(decode(&envelope(&body_of(vec![(Value::from(1), Value::Nil)])), PLUGIN).is_err());
}

#[test]
fn a_refused_document_changes_nothing() {
    let one = filled();
    let before = one.save(Project);
    let mut bad = Document::new(PLUGIN, 3);
    bad.params.insert("mode".into(), SavedParam { value: 0.0, variant: None });
    bad.params.insert("gain".into(), SavedParam { value: f64::NAN, variant: None });
    assert!(check(&bad).is_err());
    assert!(apply(Project, &bad, &*one.params, &one.store).is_err());
    assert_eq!(one.save(Project), before);
    assert_eq!(one.store.state_generation(), 0);
}

#[test]
fn applying_what_was_collected_before_brings_everything_back() {
    let one = filled();
    let before = one.save(Project);
    let mut other = Document::new(PLUGIN, 3);
    other.fields.insert("stranger".into(), SavedField { bytes: vec![1], project: false });
    other.params.insert("stranger".into(), SavedParam { value: 1.0, variant: None });
    other.extra.insert("new".into(), Value::Nil);
    one.load(Project, &other);
    assert_ne!(one.save(Project), before);
    one.load(Project, &before);
    assert_eq!(one.save(Project), before);
    assert_eq!(one.field("keep"), Some(b"keep".to_vec()));
}

#[test]
fn lines_say_what_did_not_fit() {
    let one = filled();
    let mut document = one.save(Project);
    document.params.insert("gain".into(), SavedParam { value: 99.0, variant: None });
    let lines = one.load(Project, &document).lines;
    assert!(lines.len() == 1 && lines[0].contains("\"gain\"") && lines[0].contains("99"), "{lines:?}");
}

#[test]
fn a_document_crosses_the_boundary_and_comes_back_the_same() {
    let mut document = filled().save(Project);
    document.extra.insert("new".into(), Value::from(7));
    let mut rebuild = document.rebuild();
    let mut sink = StateSink::new(&mut rebuild);
    for entry in document.entries() {
        assert!(sink.push(&entry).is_ok());
    }
    assert_eq!(rebuild.finish(3), document);
}

#[test]
fn a_migrated_document_holds_what_the_author_passed_on() {
    let document = filled().save(Project);
    let mut rebuild = document.rebuild();
    let entry = |kind, id, value, bytes| StateEntry { kind, reserved: 0, id: Str::new(id), value, bytes };
    rebuild.receive(&entry(StateEntry::PARAM, "level", 2.0, Slice::empty()));
    rebuild.receive(&entry(StateEntry::FIELD, "project", 0.0, Slice::new(b"p")));
    rebuild.receive(&entry(99, "what", 0.0, Slice::empty()));
    let new = rebuild.finish(4);
    assert_eq!((new.state_version, new.plugin.as_str()), (4, PLUGIN));
    assert_eq!(new.params.keys().collect::<Vec<_>>(), ["level"]);
    assert!(new.fields["project"].project && new.own.is_empty());
}

#[test]
fn random_documents_survive_their_bytes_and_the_same_contents_give_the_same_bytes() {
    let word = |rng: &mut Rng| (0..rng.usize(..40)).map(|_| rng.char(..)).collect::<String>();
    for seed in 0..500 {
        let mut rng = Rng::with_seed(seed);
        let mut document = Document::new(PLUGIN, rng.u32(..));
        for _ in 0..rng.usize(..20) {
            let value = Some(f64::from_bits(rng.u64(..))).filter(|value| value.is_finite()).unwrap_or(0.0);
            let variant = rng.bool().then(|| word(&mut rng));
            document.params.insert(word(&mut rng), SavedParam { value, variant });
            let bytes = (0..rng.usize(..400)).map(|_| rng.u8(..)).collect();
            document.fields.insert(word(&mut rng), SavedField { bytes, project: rng.bool() });
        }
        document.own = (0..rng.usize(..70_000)).map(|_| rng.u8(..)).collect();
        let bytes = encode(&document);
        let back = decode(&bytes, PLUGIN).unwrap();
        assert_eq!(back, document, "seed {seed}");
        assert_eq!(encode(&back), bytes, "seed {seed}");
    }
}

#[test]
fn a_field_of_a_later_build_finds_the_bytes_that_a_state_brought() {
    let one = Instance::new(&[]);
    let mut document = Document::new(PLUGIN, 0);
    document.fields.insert("later".into(), SavedField { bytes: vec![1, 2], project: true });
    one.load(Project, &document);
    one.store.declare_for_test("later", Scope::Everywhere);
    assert_eq!(one.field("later"), Some(vec![1, 2]));
    assert!(one.store.field_write("later", b"x", true).is_some());
}
