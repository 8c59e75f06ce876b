//! The boundary (DESIGN 5): optimisation levels, compilers, symbol scopes, refusals by name, and panics that die where
//! they are raised.

use std::path::PathBuf;
use std::process::Command;

use hotshell_tests::{
    Bundle, Event, Fixture, HostOptions, Play, Plugin, Profile, Recording, Scene, Scope, Setup, TestSlot,
    constant,
};

fn steady(features: &[&str]) -> Fixture {
    Fixture::new("fixture-steady", features)
}

fn panics(features: &[&str]) -> Fixture {
    Fixture::new("fixture-panics", features)
}

fn last(recording: &Recording) -> f32 {
    *recording.channels[0].last().expect("played")
}

fn near(sample: f32, level: f32) -> bool {
    (sample - level).abs() < 1e-6
}

#[test]
fn any_optimisation_level_of_the_logic_plays_in_any_of_the_shell() {
    let level = |level: &str| format!("profile.dev.opt-level={level}");
    let logics = [
        steady(&["v2"]).logic(),
        steady(&["v2"]).config(&level("1")).logic(),
        steady(&["v2"]).config(&level("\"s\"")).logic(),
        steady(&["v2"]).profile(Profile::Release).logic(),
    ];
    for shell in [steady(&[]), steady(&[]).profile(Profile::Release)] {
        let mut scene = Scene::active(&shell);
        for logic in &logics {
            let recording = scene.publish_and_run(logic, &constant(0.0));
            recording.assert_clean();
            assert!(near(last(&recording), 0.5), "{}", logic.path.display());
        }
    }
}

/// Compilers beside the one that builds the tests: what `tests/platforms` names, and a nightly where rustup has one.
fn other_compilers() -> Vec<PathBuf> {
    let named = std::env::var_os("HOTSHELL_TESTS_COMPILER").map(PathBuf::from);
    let nightly = Command::new("rustup").args(["which", "rustc", "--toolchain", "nightly"]).output();
    let nightly = nightly.ok().filter(|out| out.status.success());
    let nightly = nightly.map(|out| PathBuf::from(String::from_utf8_lossy(&out.stdout).trim().to_owned()));
    named.into_iter().chain(nightly).collect()
}

#[test]
fn a_logic_of_another_compiler_plays_in_this_ones_shell_and_the_reverse() {
    // Where no second compiler is installed the pair is this one with itself: the list below says what was compared.
    for compiler in std::iter::once(PathBuf::from("rustc")).chain(other_compilers()) {
        let version = Command::new(&compiler).arg("--version").output().expect("the compiler runs");
        println!("compared with: {}", String::from_utf8_lossy(&version.stdout).trim());
        let theirs = |fixture: Fixture| fixture.compiler(&compiler);
        let mut scene = Scene::active(&steady(&[]));
        let recording = scene.publish_and_run(&theirs(steady(&["v2"])).logic(), &constant(0.0));
        recording.assert_clean();
        assert!(near(last(&recording), 0.5));
        let mut scene = Scene::active(&theirs(steady(&[])));
        let recording = scene.publish_and_run(&steady(&["v3"]).logic(), &constant(0.0));
        recording.assert_clean();
        assert!(near(last(&recording), 0.75));
    }
}

#[test]
fn two_plug_ins_loaded_with_global_symbols_are_not_cross_wired() {
    let slots = [TestSlot::new(), TestSlot::new()];
    let fixtures = [steady(&[]), Fixture::new("fixture-two", &[])];
    let open = |fixture: &Fixture, slot: &TestSlot| {
        let bundle = Bundle::load(&fixture.shell(slot), Scope::Global).expect("loads");
        let mut plugin = Plugin::open(&bundle, 0, HostOptions::default()).expect("opens");
        plugin.activate(Setup::default());
        (plugin, bundle)
    };
    let (mut one, _keep_one) = open(&fixtures[0], &slots[0]);
    let (mut two, _keep_two) = open(&fixtures[1], &slots[1]);
    let level = |plugin: &mut Plugin| {
        plugin.tick();
        *plugin.block(128, &constant(0.0), &[]).channels[0].last().expect("played")
    };
    assert!(near(level(&mut one), 0.25), "the first one's own sound");
    assert!(near(level(&mut two), 0.125), "the second one's own sound");
    slots[0].publish(&steady(&["v2"]).logic());
    slots[1].publish(&Fixture::new("fixture-two", &["v2"]).logic());
    let begin = std::time::Instant::now();
    while !(near(level(&mut one), 0.5) && near(level(&mut two), 0.625)) {
        assert!(begin.elapsed() < hotshell_tests::PATIENCE, "both reload, each its own");
    }
}

#[test]
fn a_refusal_names_the_field_and_both_values() {
    let mut scene = Scene::active(&steady(&[]));
    let build = scene.slot.publish(&Fixture::new("fixture-wide", &["v2"]).logic());
    scene.plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    let reason = scene.wait_refused(build);
    for word in ["sample_precision", "f32", "f64"] {
        assert!(reason.contains(word), "{reason}");
    }
    let recording = scene.plugin.stop();
    recording.assert_clean();
    assert!(recording.channels[0].iter().all(|s| near(*s, 0.25)), "what played plays on");
    scene.publish_and_run(&steady(&["v2"]).logic(), &constant(0.0)).assert_clean();
}

#[test]
fn a_logic_in_double_precision_keeps_what_single_precision_cannot() {
    let mut scene = Scene::open(&Fixture::new("fixture-wide", &[]));
    scene.plugin.activate(Setup { wide: true, ..Setup::default() });
    let block = scene.block(&constant(0.0));
    let tiny = 0.5 / (1_u64 << 40) as f32;
    assert!((block.channels[0][0] - tiny).abs() < tiny / 100.0, "{}", block.channels[0][0]);
    let recording = scene.publish_and_run(&Fixture::new("fixture-wide", &["v2"]).logic(), &constant(0.0));
    recording.assert_clean();
    assert!(near(last(&recording), 0.25));
}

#[test]
fn a_logic_in_single_precision_plays_in_a_64_bit_host_and_the_reverse() {
    let mut scene = Scene::open(&steady(&[]));
    scene.plugin.activate(Setup { wide: true, ..Setup::default() });
    let recording = scene.publish_and_run(&steady(&["v2"]).logic(), &constant(0.0));
    recording.assert_clean();
    assert!(near(last(&recording), 0.5));
    let mut scene = Scene::active(&Fixture::new("fixture-wide", &["v2"]));
    assert!(near(scene.block(&constant(0.5)).channels[0][127], 0.75));
}

/// Publishes a build with one planted panic, asks for everything that a host can ask, and then wants the next build.
fn survive(feature: &str) {
    let mut scene = Scene::active(&panics(&[]));
    let build = scene.slot.publish(&panics(&[feature]).logic());
    scene.plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    let id = scene.plugin.param("Trigger").id;
    let slot = &scene.slot;
    scene.plugin.wait_until("the build judged", |_| {
        let reports = slot.reports();
        reports.iter().any(|r| r.heard == build || r.faults.iter().any(|f| f.build == build))
            || slot.refusal(build).is_some()
    });
    let saved = scene.plugin.save();
    let _ = scene.plugin.text(id, 0.5);
    let _ = scene.plugin.parse(id, "0.25");
    if let Some(saved) = saved {
        let _ = scene.plugin.load(&saved);
    }
    scene.plugin.playing().send(&[Event::Param { time: 0, id, value: 1.0, cookie: 0 }]);
    let blocks = scene.plugin.playing().blocks();
    scene.plugin.wait_until("the sound going on", |p| p.playing().blocks() > blocks + 20);
    scene.plugin.playing().send(&[Event::Param { time: 0, id, value: 0.0, cookie: 0 }]);
    scene.publish_while_playing(&panics(&["v2"]).logic());
    scene.plugin.wait_until("the good build", |p| near(p.playing().last(), 0.5));
    let slot = &scene.slot;
    scene.plugin.wait_until(&format!("the author hearing of the panic {feature}"), |plugin| {
        said(slot, plugin).iter().any(|text| text.contains("planted") && text.contains(feature))
    });
    scene.plugin.stop().assert_continuous();
}

/// All that the module's reports and the host's log say.
fn said(slot: &TestSlot, plugin: &Plugin) -> Vec<String> {
    let reports = slot.reports();
    let texts = reports.iter().flat_map(|r| {
        let refusals = r.refusals.iter().map(|r| r.reason.clone());
        refusals.chain(r.faults.iter().map(|f| f.message.clone())).chain(r.log.iter().map(|l| l.text.clone()))
    });
    texts.chain(plugin.calls().lines()).collect()
}

macro_rules! survives_a_panic {
    ($($name:ident: $feature:literal;)*) => {
        $(
            #[test]
            fn $name() {
                survive($feature);
            }
        )*
    };
}

survives_a_panic! {
    a_panic_in_create: "in_create";
    a_panic_in_reset: "in_reset";
    a_panic_in_clear: "in_clear";
    a_panic_in_process: "in_process";
    a_panic_in_a_later_process: "in_process_later";
    a_panic_in_latency: "in_latency";
    a_panic_in_tail: "in_tail";
    a_panic_in_state_changed: "in_state_changed";
    a_panic_in_snapshot: "in_snapshot";
    a_panic_in_restore: "in_restore";
    a_panic_in_save: "in_save";
    a_panic_in_load: "in_load";
    a_panic_in_a_text: "in_text";
    a_panic_in_a_parse: "in_parse";
    a_panic_in_drop: "in_drop";
}

#[test]
fn after_a_fault_the_last_good_build_plays_again() {
    let mut scene = Scene::active(&panics(&[]));
    scene.publish_and_run(&panics(&["v2"]).logic(), &constant(0.0));
    scene.plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    let bad = scene.publish_while_playing(&panics(&["in_process_later"]).logic());
    scene.plugin.wait_until("the bad build", |p| near(p.playing().last(), 0.25));
    let id = scene.plugin.param("Trigger").id;
    scene.plugin.playing().send(&[Event::Param { time: 0, id, value: 1.0, cookie: 0 }]);
    scene.plugin.wait_until("the last good build", |p| near(p.playing().last(), 0.5));
    scene.plugin.stop().assert_continuous();
    assert_eq!(scene.plugin.value(id), Some(1.0), "no lost setting");
    let reports = scene.slot.reports();
    assert!(reports.iter().any(|r| r.faults.iter().any(|f| f.build == bad)), "{reports:#?}");
}
