//! A release artifact holds no reload code (DESIGN 9.5): not in its symbols, not in what it imports, not as text.

use std::path::Path;

use hotshell_tests::{Bundle, Fixture, HostOptions, Plugin, Profile, Scope, Setup, TestSlot, sine};
use object::{Object, ObjectSymbol};

/// What only the reload code imports or says.
const IMPORTS: &[&str] = &["inotify_init", "inotify_init1", "inotify_add_watch", DLOPEN];
/// A window finds the X libraries by it, so that only plug-ins without one can do without.
const DLOPEN: &str = "dlopen";
const TEXTS: &[&str] = &["HOTSHELL_SLOT", "HOTSHELL_DATA_DIR", "publish.lock", "hosts/"];

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("readable")
}

/// Names of the dynamic symbols, exported and imported.
fn symbols(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    let file = object::File::parse(bytes).expect("an object file");
    let name = |symbol: &object::Symbol<'_, '_>| symbol.name().expect("UTF-8").to_owned();
    let (inside, outside): (Vec<_>, Vec<_>) = file.dynamic_symbols().partition(ObjectSymbol::is_definition);
    (inside.iter().map(name).collect(), outside.iter().map(name).collect())
}

fn holds(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

#[test]
fn the_examples_as_released_hold_no_reload_code() {
    for (example, window) in [("gain", false), ("synth", true), ("fixture-steady", false)] {
        let bytes = read(&Fixture::new(example, &[]).profile(Profile::Release).release());
        let (exported, imported) = symbols(&bytes);
        assert!(exported.contains(&"clap_entry".to_owned()), "{exported:?}");
        assert!(!exported.iter().any(|name| name.starts_with("hotshell_logic")), "{exported:?}");
        for name in IMPORTS.iter().filter(|name| !(window && **name == DLOPEN)) {
            assert!(!imported.iter().any(|i| i == name), "{example} imports {name}");
        }
        for text in TEXTS {
            assert!(!holds(&bytes, text), "{example} says {text}");
        }
    }
}

#[test]
fn what_the_release_test_looks_for_is_in_a_dev_bundle() {
    let slot = TestSlot::new();
    let bytes = read(&Fixture::new("gain", &[]).profile(Profile::Release).shell(&slot));
    let (exported, imported) = symbols(&bytes);
    assert!(
        exported.contains(&"clap_entry".to_owned()) && exported.contains(&"hotshell_logic_v1".to_owned())
    );
    assert!(imported.iter().any(|name| IMPORTS.contains(&name.as_str())), "{imported:?}");
    assert!(TEXTS.iter().any(|text| holds(&bytes, text)));
}

#[test]
fn a_logic_build_exports_its_table_and_no_plug_in_entry() {
    let bytes = read(&Fixture::new("fixture-steady", &["v2"]).logic().path);
    let (exported, _) = symbols(&bytes);
    assert!(exported.contains(&"hotshell_logic_v1".to_owned()), "{exported:?}");
    assert!(!exported.contains(&"clap_entry".to_owned()), "{exported:?}");
}

#[test]
fn static_and_hot_give_the_same_samples() {
    let fixture = Fixture::new("fixture-gainlike", &[]);
    let slot = TestSlot::new();
    let run = |path: &Path| {
        let bundle = Bundle::load(path, Scope::Local).expect("loads");
        let mut plugin = Plugin::open(&bundle, 0, HostOptions::default()).expect("opens");
        plugin.activate(Setup::default());
        let id = plugin.param("Gain").id;
        let events: Vec<_> = (0..64)
            .map(|i| hotshell_tests::Event::Param { time: i * 2, id, value: f64::from(i) / 40.0, cookie: 0 })
            .collect();
        let blocks = [plugin.block(128, &sine(), &events), plugin.block(128, &sine(), &[])];
        blocks.map(|block| block.channels[0].iter().map(|s| s.to_bits()).collect::<Vec<_>>())
    };
    assert_eq!(run(&fixture.release()), run(&fixture.shell(&slot)));
}
