//! Many at once in one process: instances, plug-ins, formats; instances that come and go, and a library that is unloaded,
//! while builds come in.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotshell_tests::vst3::{Module, Vst3, Vst3Options};
use hotshell_tests::{
    Bundle, Fixture, HostOptions, Instance, Offences, PATIENCE, Play, Plugin, Scene, Scope, Setup, TestSlot,
    constant, plant,
};

fn steady(features: &[&str]) -> Fixture {
    Fixture::new("fixture-steady", features)
}

fn near(sample: f32, level: f32) -> bool {
    (sample - level).abs() < 1e-6
}

fn another(bundle: &Bundle) -> Plugin {
    let mut plugin = Plugin::open(bundle, 0, HostOptions::default()).expect("opens");
    plugin.activate(Setup::default());
    plugin
}

#[test]
fn sixty_four_instances_of_one_plug_in_move_together_with_one_load() {
    let scene = Scene::active(&steady(&[]));
    let mut all: Vec<Plugin> = (0..63).map(|_| another(&scene.bundle)).collect();
    let Scene { plugin, bundle: _bundle, slot } = scene;
    all.push(plugin);
    let build = slot.publish(&steady(&["v2"]).logic());
    let begin = std::time::Instant::now();
    let moved = || {
        let reports = slot.reports();
        reports.iter().any(|r| r.instances.len() == 64 && r.instances.iter().all(|i| i.heard == build))
    };
    while !moved() {
        for plugin in &mut all {
            plugin.tick();
            let block = plugin.block(128, &constant(0.0), &[]);
            assert_eq!(
                (block.outcome.unwritten, block.outcome.not_finite, block.outcome.offences),
                (0, 0, Offences::NONE)
            );
            // Where too many would run both builds at once, the old one fades out before the new one fades in.
            assert!(block.channels[0].iter().all(|s| (0.0..=0.5 + 1e-6).contains(s)));
        }
        assert!(begin.elapsed() < PATIENCE * 2, "all heard it: {:#?}", slot.reports());
    }
    let report = slot.reports().remove(0);
    assert_eq!((report.loads, report.blocks_lost), (1, 0));
}

#[test]
fn eight_different_plug_ins_in_one_process_reload_each_its_own() {
    let names = ["steady", "gainlike", "noted", "latent", "ports", "stateful", "two", "fault"];
    let fixture = |name: &str| Fixture::new(&format!("fixture-{name}"), &[]);
    let mut scenes: Vec<Scene> = names.iter().map(|name| Scene::active(&fixture(name))).collect();
    let logics = names.map(|name| fixture(name).logic());
    for scene in &mut scenes {
        scene.plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    }
    for _ in 0..2 {
        let builds: Vec<u32> =
            scenes.iter().zip(&logics).map(|(scene, logic)| scene.slot.publish(logic)).collect();
        for (scene, build) in scenes.iter_mut().zip(builds) {
            let slot = &scene.slot;
            scene.plugin.wait_until("its own build", |_| slot.reports().iter().any(|r| r.heard == build));
        }
    }
    for (scene, name) in scenes.iter_mut().zip(names) {
        scene.plugin.stop().assert_clean();
        let reports = scene.slot.reports();
        assert_eq!(reports.len(), 1, "{name}: one module on each slot");
        assert_eq!(
            (reports[0].loads, reports[0].blocks_lost, reports[0].refusals.len()),
            (2, 0, 0),
            "{name}"
        );
    }
}

#[test]
fn the_clap_and_the_vst3_module_of_one_plug_in_side_by_side_both_reload() {
    let slot = TestSlot::new();
    let bundle = Bundle::load(&steady(&[]).shell(&slot), Scope::Local).expect("loads");
    let module = Module::load(&steady(&[]).vst3_shell(&slot)).expect("loads");
    let mut clap = another(&bundle);
    let mut vst3 = Vst3::open(&module, 0, Vst3Options::default()).expect("opens");
    vst3.activate(Setup::default());
    clap.play(Play { signal: constant(0.0), ..Play::real_time() });
    vst3.play(Play { signal: constant(0.0), ..Play::real_time() });
    for feature in ["v2", "v3", "v2"] {
        let build = slot.publish(&steady(&[feature]).logic());
        clap.wait_until("both heard it", |_| {
            vst3.tick();
            slot.reports().iter().filter(|r| r.heard == build).count() == 2
        });
    }
    clap.wait_until("the last sound", |clap| {
        near(clap.playing().last(), 0.5) && near(vst3.playing().last(), 0.5)
    });
    clap.stop().assert_clean();
    vst3.stop().assert_clean();
    let mut formats: Vec<String> = slot.reports().into_iter().map(|r| r.format).collect();
    formats.sort();
    assert_eq!(formats, ["clap", "vst3"]);
}

#[test]
fn instances_that_come_and_go_while_builds_come_in() {
    let mut scene = Scene::active(&steady(&[]));
    let builds = [steady(&["v2"]).logic(), steady(&["v3"]).logic()];
    scene.plugin.play(Play { signal: constant(0.0), ..Play::real_time() });
    let mut others: Vec<Plugin> = Vec::new();
    let mut last = 0;
    for round in 0..40 {
        last = scene.slot.publish(&builds[round % 2]);
        others.push(another(&scene.bundle));
        for plugin in &mut others {
            plugin.tick();
            let block = plugin.block(128, &constant(0.0), &[]);
            assert_eq!((block.outcome.unwritten, block.outcome.not_finite), (0, 0));
        }
        // The oldest goes in whatever state it is: about to be handed a build, in the fade, or after it.
        if others.len() > round % 5 {
            drop(others.remove(0));
        }
    }
    let slot = &scene.slot;
    scene.plugin.wait_until("the last build", |_| slot.reports().iter().any(|r| r.heard == last));
    scene.plugin.stop().assert_clean();
    let report = scene.slot.reports().remove(0);
    assert_eq!((report.blocks_lost, report.faults.len(), report.refusals.len()), (0, 0, 0));
}

#[test]
fn a_library_that_is_unloaded_during_a_reload_and_loaded_again() {
    let slot = TestSlot::new();
    let path = steady(&[]).shell(&slot);
    let builds = [steady(&["v2"]).logic(), steady(&["v3"]).logic()];
    for round in 0..12_u32 {
        let bundle = Bundle::load(&path, Scope::Local).expect("loads");
        let mut plugin = another(&bundle);
        // What was published when the library went is there when it comes back: in the first block, or a moment later
        // where the machine is too busy for the time that opening may take.
        let wanted = [0.25, 0.5, 0.75][if round == 0 { 0 } else { 1 + (round as usize - 1) % 2 }];
        plugin.wait_until(&format!("the build of round {round}"), |plugin| {
            near(plugin.block(128, &constant(0.0), &[]).channels[0][127], wanted)
        });
        slot.publish(&builds[round as usize % 2]);
        for _ in 0..round {
            let block = plugin.block(128, &constant(0.0), &[]);
            assert_eq!((block.outcome.unwritten, block.outcome.not_finite), (0, 0));
        }
        drop(plugin);
        drop(bundle);
    }
}

/// Closes the plug-in at `path`, and unloads it, while its reload thread is in the author's `create`, which takes eight
/// seconds; opens it again.
fn closed_while_stuck<I: Instance>(slot: &TestSlot, path: &Path, open: impl Fn(&Path) -> (I, I::Loaded)) {
    let mark = std::env::temp_dir().join(format!("hotshell-stuck-{}", std::process::id()));
    let (mut plugin, loaded) = open(path);
    let build = slot.publish(&plant::logic(slot, "stuck"));
    plugin.wait_until("the author's code taking its time", |_| mark.exists());
    std::fs::remove_file(&mark).expect("removed");
    let begin = Instant::now();
    drop(plugin);
    drop(loaded);
    let took = begin.elapsed();
    // 200 ms, and much for a busy machine.
    assert!(took < Duration::from_secs(4), "the host waited for the author's code: {took:?}");
    let begin = Instant::now();
    let (mut plugin, _loaded) = open(path);
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(7), "main went into the code in which a thread is stuck: {took:?}");
    let words = format!("closed during build {build} in `create`");
    plugin.wait_until("the thread's name in the log", |_| {
        let reports = slot.reports();
        let said = reports.iter().flat_map(|r| &r.log).filter(|line| line.text.contains(&words)).count();
        assert!(said < 2, "said once: {reports:#?}");
        said == 1
    });
}

#[test]
fn a_library_that_is_unloaded_while_its_reload_thread_is_stuck_in_the_authors_code() {
    let fixture = plant::fixture();
    let slot = TestSlot::new();
    closed_while_stuck(&slot, &fixture.shell(&slot), |path| {
        let bundle = Bundle::load(path, Scope::Local).expect("loads");
        (another(&bundle), bundle)
    });
    let slot = TestSlot::new();
    closed_while_stuck(&slot, &fixture.vst3_shell(&slot), |path| {
        let module: Arc<Module> = Module::load(path).expect("loads");
        let mut plugin = Vst3::open(&module, 0, Vst3Options::default()).expect("opens");
        plugin.activate(Setup::default());
        (plugin, module)
    });
}
