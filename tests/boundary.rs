//! The boundary (DESIGN 5): optimisation levels, compilers, symbol scopes, refusals by name. Panics: `faults`.

use std::path::PathBuf;
use std::process::Command;

use hotshell_tests::{
    Bundle, Fixture, HostOptions, Play, Plugin, Profile, Recording, Scene, Scope, Setup, TestSlot, constant,
};

fn steady(features: &[&str]) -> Fixture {
    Fixture::new("fixture-steady", features)
}

fn last(recording: &Recording) -> f32 {
    *recording.channels[0].last().expect("played")
}

fn near(sample: f32, level: f32) -> bool {
    (sample - level).abs() < 1e-6
}

#[test]
fn any_optimisation_level_of_the_logic_plays_in_any_of_the_shell() {
    let logics = [
        steady(&["v2"]).logic(),
        steady(&["v2"]).level("1").logic(),
        steady(&["v2"]).level("\"s\"").logic(),
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
    let mut compilers: Vec<Option<PathBuf>> = other_compilers().into_iter().map(Some).collect();
    if compilers.is_empty() {
        // The pair is this one with itself where no second one is installed: the list below says what was compared.
        compilers.push(None);
    }
    for compiler in compilers {
        let name = compiler.clone().unwrap_or_else(|| "rustc".into());
        let version = Command::new(&name).arg("--version").output().expect("the compiler runs");
        println!("compared with: {}", String::from_utf8_lossy(&version.stdout).trim());
        let theirs = |fixture: Fixture| match &compiler {
            Some(compiler) => fixture.compiler(compiler),
            None => fixture,
        };
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
