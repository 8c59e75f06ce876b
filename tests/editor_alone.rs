//! A host that is the only one on its X server, and has no window there yet: pluginval under `xvfb-run`.

use std::time::Instant;

use hotshell_tests::{Fixture, Forgetful, PATIENCE, Scene};

#[test]
fn an_x_server_does_not_start_anew_while_there_is_an_editor() {
    let server = Forgetful::start();
    let mut scene = Scene::vst3(&Fixture::new("fixture-window", &[]));
    let view = scene.plugin.create_view();
    let begin = Instant::now();
    while !server.knows() {
        assert!(begin.elapsed() < PATIENCE, "a server that somebody stays with");
    }
    for _ in 0..50 {
        assert!(server.knows(), "it has started anew beside an editor");
    }
    drop(view);
}
