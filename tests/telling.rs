//! Latency, buses and restarts: what a build changes is told by the one call that FORMATS 1 names, in its phase, once.

use clap_sys::ext::audio_ports::CLAP_AUDIO_PORTS_RESCAN_LIST;
use hotshell_tests::{Fixture, HostOptions, Phase, Role, Scene, Setup, TestSlot, What, constant};

fn latent(features: &[&str]) -> Fixture {
    Fixture::new("fixture-latent", features)
}

fn ports(features: &[&str]) -> Fixture {
    Fixture::new("fixture-ports", features)
}

fn whats(scene: &Scene, mark: usize) -> Vec<What> {
    scene.plugin.calls().since(mark).iter().map(|call| call.what).collect()
}

/// A ramp whose sample tells its frame.
fn ramp() -> hotshell_tests::Signal {
    std::sync::Arc::new(|frame, _| {
        #[expect(clippy::cast_precision_loss, reason = "below 2^24 frames")]
        let sample = (frame % (1 << 20)) as f32 / (1 << 20) as f32;
        sample
    })
}

/// How many frames the output is behind the input.
fn delay(scene: &mut Scene) -> u64 {
    let frame = scene.plugin.on_audio(|audio| audio.frame);
    let block = scene.block(&ramp());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a frame's number")]
    let heard = (block.channels[0][100] * (1 << 20) as f32).round() as u64;
    frame + 100 - heard
}

#[test]
fn another_latency_is_announced_inside_activate() {
    let mut scene = Scene::active(&latent(&[]));
    assert_eq!(scene.plugin.latency(), 64);
    let mark = scene.plugin.calls().mark();
    scene.publish_and_run(&latent(&["l256"]).logic(), &ramp()).assert_clean();
    let calls = scene.plugin.calls().since(mark);
    assert_eq!(whats(&scene, mark), [What::RequestRestart, What::LatencyChanged], "{calls:?}");
    assert_eq!((calls[1].role, calls[1].phase), (Role::Main, Phase::Activating));
    assert_eq!(scene.plugin.latency(), 256);
    assert_eq!(delay(&mut scene), 256, "and is what plays");
}

#[test]
fn the_same_latency_tells_the_host_nothing() {
    let mut scene = Scene::active(&latent(&[]));
    let mark = scene.plugin.calls().mark();
    scene.publish_and_run(&latent(&[]).logic(), &ramp()).assert_clean();
    assert_eq!(whats(&scene, mark), []);
    assert_eq!(delay(&mut scene), 64);
}

#[test]
fn while_the_announced_latency_is_frozen_a_smaller_one_is_padded() {
    let mut scene = Scene::active(&latent(&[]));
    scene.plugin.obeys_restart = false;
    scene.publish_and_run(&latent(&["l0"]).logic(), &ramp()).assert_clean();
    assert_eq!(scene.plugin.latency(), 64, "constant while active");
    assert_eq!(delay(&mut scene), 64, "the host's compensation still fits");
    scene.plugin.deactivate();
    scene.plugin.activate(Setup::default());
    assert_eq!(scene.plugin.latency(), 0);
    assert_eq!(delay(&mut scene), 0);
}

#[test]
fn a_fade_between_latencies_mixes_signals_that_are_aligned() {
    let mut scene = Scene::active(&latent(&[]));
    scene.plugin.obeys_restart = false;
    let recording = scene.publish_and_run(&latent(&["l0"]).logic(), &ramp());
    let samples = &recording.channels[0];
    // A ramp stays a ramp only if both builds are heard at the same delay.
    let step = 1.0 / (1 << 20) as f32;
    let first = samples.windows(2).skip(64).position(|pair| (pair[1] - pair[0] - step).abs() > step * 0.5);
    assert_eq!(first, None, "a jump in the fade");
}

#[test]
fn another_bus_is_announced_in_deactivate_where_the_host_allows_it() {
    let mut scene = Scene::active(&ports(&[]));
    assert_eq!(scene.plugin.ports(true), [2]);
    let mark = scene.plugin.calls().mark();
    let build = scene.slot.publish(&ports(&["sidechain"]).logic());
    scene.plugin.play(hotshell_tests::Play { signal: constant(0.0), ..hotshell_tests::Play::real_time() });
    let slot = &scene.slot;
    scene.plugin.wait_until("the new bus", |plugin| {
        plugin.restarts > 0 && slot.reports().iter().any(|r| r.heard == build)
    });
    scene.plugin.stop().assert_clean();
    let calls = scene.plugin.calls().since(mark);
    let rescan = calls.iter().find(|c| matches!(c.what, What::AudioPortsRescan(_))).expect("a rescan");
    assert_eq!((rescan.role, rescan.phase), (Role::Main, Phase::Deactivating), "{calls:?}");
    assert!(matches!(rescan.what, What::AudioPortsRescan(f) if f & CLAP_AUDIO_PORTS_RESCAN_LIST != 0));
    assert_eq!(scene.plugin.ports(true), [2, 2]);
}

#[test]
fn another_bus_behind_a_host_that_forbids_it_plays_with_the_old_ports() {
    let options = HostOptions { ports_may_rescan: false, ..HostOptions::default() };
    let mut scene = Scene::open_with(&ports(&[]), options, TestSlot::new());
    scene.plugin.activate(Setup::default());
    let recording = scene.publish_and_run(&ports(&["sidechain"]).logic(), &constant(0.0));
    recording.assert_clean();
    assert!((recording.channels[0].last().expect("played") - 0.5).abs() < 1e-6, "the new build plays");
    assert_eq!(scene.plugin.ports(true), [2]);
    let rescans = scene.plugin.calls().list();
    assert!(!rescans.iter().any(|c| matches!(c.what, What::AudioPortsRescan(_))), "illegal in this host");
}

#[test]
fn a_host_without_any_extension_hears_every_build() {
    let options = HostOptions { extensions: false, ..HostOptions::default() };
    let mut scene = Scene::open_with(&latent(&[]), options, TestSlot::new());
    scene.plugin.activate(Setup::default());
    scene.publish_and_run(&latent(&["l0"]).logic(), &ramp()).assert_clean();
}

#[test]
fn no_log_line_and_no_question_comes_from_inside_a_block() {
    let mut scene = Scene::active(&latent(&[]));
    scene.publish_and_run(&latent(&["l256"]).logic(), &ramp());
    let calls = scene.plugin.calls().list();
    let loud = |c: &&hotshell_tests::Call| {
        c.role == Role::Audio && matches!(c.what, What::Log(_) | What::RequestRestart)
    };
    assert_eq!(calls.iter().find(loud), None);
}
