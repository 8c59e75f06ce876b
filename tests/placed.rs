//! What a host says of the track and of the way to the loudspeaker reaches the author's editor, alike in both formats.

use hotshell_tests::screen::threads;
use hotshell_tests::{
    Fixture, HostOptions, HostTrack, Instance, Module, Scene, Screen, TestSlot, Vst3, Vst3Options,
};

const BASS: HostTrack = HostTrack { name: "Bäss 𝄢", colour: 0xff12_3456 };
const DRUMS: HostTrack = HostTrack { name: "Drums", colour: 0x80b0_2020 };

fn placed(features: &[&str]) -> Fixture {
    Fixture::new("fixture-placed", features)
}

/// What the editors have said that they see, without what one says twice.
fn said<I: Instance>(scene: &Scene<I>) -> Vec<String> {
    let reports = scene.slot.reports();
    let lines = reports.iter().flat_map(|report| &report.log);
    let mut said: Vec<String> =
        lines.filter(|line| line.text.contains(" sees ")).map(|line| line.text.clone()).collect();
    said.dedup();
    said
}

/// Waits until an editor of `build` sees `track`, or nothing.
fn see<I: Instance>(scene: &mut Scene<I>, build: u32, track: Option<HostTrack>) {
    let track = track.map_or("None".to_owned(), |HostTrack { name, colour }| {
        format!("Some(Track {{ name: {name:?}, colour: Some({colour}), channels: None, flags: 0 }})")
    });
    let wanted = format!("build {build} sees {track}, heard 0 frames later");
    wait(scene, &wanted);
}

fn wait<I: Instance>(scene: &mut Scene<I>, wanted: &str) {
    let Scene { plugin, slot, .. } = scene;
    plugin.wait_until(wanted, |_| {
        let reports = slot.reports();
        let last = reports.iter().flat_map(|report| &report.log).rfind(|line| line.text.contains(" sees "));
        last.is_some_and(|line| line.text.contains(wanted))
    });
}

/// Waits until the last build's editor is gone: it is told too while it is there.
fn alone<I: Instance>(scene: &mut Scene<I>) {
    scene.plugin.wait_until("one editor", |_| threads(&["placed-editor"]) == 1);
}

/// What the editors of a plug-in in a CLAP host see.
fn in_clap(screen: &Screen) -> Vec<String> {
    let mut scene = Scene::open_with(&placed(&[]), HostOptions::default(), TestSlot::new());
    scene.plugin.put_on(BASS);
    let open = scene.plugin.open_editor(screen);
    see(&mut scene, 0, Some(BASS));
    scene.plugin.move_to(DRUMS);
    see(&mut scene, 0, Some(DRUMS));
    scene.slot.publish(&placed(&["v2"]).logic());
    see(&mut scene, 1, Some(DRUMS));
    alone(&mut scene);
    scene.plugin.move_to(BASS);
    see(&mut scene, 1, Some(BASS));
    scene.plugin.close_editor(screen, open);
    said(&scene)
}

/// The same in a VST3 host.
fn in_vst3(screen: &Screen) -> Vec<String> {
    let slot = TestSlot::new();
    let bundle = Module::load(&placed(&[]).vst3_shell(&slot)).expect("the shell loads");
    let mut plugin = Vst3::create(&bundle, 0, Vst3Options::default()).expect("the shell is made");
    plugin.move_to(BASS);
    plugin.initialise();
    plugin.nudge();
    let mut scene = Scene { plugin, bundle, slot };
    let view = scene.plugin.open_view(screen);
    see(&mut scene, 0, Some(BASS));
    scene.plugin.move_to(DRUMS);
    see(&mut scene, 0, Some(DRUMS));
    scene.slot.publish(&placed(&["v2"]).logic());
    see(&mut scene, 1, Some(DRUMS));
    alone(&mut scene);
    scene.plugin.move_to(BASS);
    see(&mut scene, 1, Some(BASS));
    view.close(screen);
    said(&scene)
}

#[test]
fn the_track_is_seen_by_each_builds_editor_as_the_host_says_it_alike_in_both_formats() {
    let screen = &*Screen::turn();
    let clap = in_clap(screen);
    assert_eq!(clap.len(), 4, "an editor that has nothing new to see is left alone: {clap:#?}");
    assert_eq!(clap, in_vst3(screen));
}

#[test]
fn a_host_that_says_nothing_is_no_track_and_one_that_speaks_later_is_heard() {
    let screen = &*Screen::turn();
    let mut scene = Scene::open_with(&placed(&[]), HostOptions::default(), TestSlot::new());
    let open = scene.plugin.open_editor(screen);
    see(&mut scene, 0, None);
    scene.plugin.move_to(DRUMS);
    see(&mut scene, 0, Some(DRUMS));
    scene.plugin.close_editor(screen, open);
}

#[test]
fn a_vst3_host_says_when_the_sound_is_heard_and_the_next_builds_editor_knows_at_once() {
    let screen = &*Screen::turn();
    let mut scene = Scene::vst3(&placed(&[]));
    let view = scene.plugin.open_view(screen);
    see(&mut scene, 0, None);
    scene.plugin.set_presentation_latency(480);
    wait(&mut scene, "build 0 sees None, heard 480 frames later");
    scene.slot.publish(&placed(&["v2"]).logic());
    wait(&mut scene, "build 1 sees None, heard 480 frames later");
    view.close(screen);
}
