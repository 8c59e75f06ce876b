//! Called by: `cargo test`. Calls: `compile`. Threads: [any].

use std::process::Command;

use super::*;

fn project() -> Project {
    Project {
        package: "gain".to_owned(),
        name: "Gain".to_owned(),
        version: "1.0.0".to_owned(),
        manifest: "/w/gain/Cargo.toml".into(),
        library: "gain".to_owned(),
        dependency: "hs".to_owned(),
        formats: vec![],
        workspace_manifest: "/w/Cargo.toml".into(),
        target: "/w/target".into(),
        local_manifests: vec![],
    }
}

fn line(kind: Kind) -> String {
    let project = project();
    let request = Request {
        project: &project,
        kind,
        features: &["fancy".to_owned()],
        scratch: Path::new("/s"),
        colour: false,
    };
    format!("{:?}", request.command())
}

#[test]
fn shell_and_logic_have_features_and_folders_of_their_own_under_the_dependencys_name() {
    let shell = line(Kind::Shell { slot: "/data/slot".into() });
    assert!(shell.contains(r#""hs/reload""#) && shell.contains(r#"HOTSHELL_SLOT="/data/slot""#), "{shell}");
    assert!(shell.contains(r#""/w/target/hotshell/shell""#), "{shell}");
    let logic = line(Kind::Logic);
    assert!(logic.contains(r#""hs/logic-only""#) && !logic.contains("HOTSHELL_SLOT=\""), "{logic}");
    assert!(
        logic.contains(r#""/w/target/hotshell/logic""#) && logic.contains(r#"strip=\"debuginfo\""#),
        "{logic}"
    );
    for line in [shell, logic] {
        assert!(line.contains(r#"profile.hot.panic=\"unwind\""#) && line.contains(r#""fancy""#), "{line}");
    }
}

#[test]
fn a_static_build_gets_nothing_injected() {
    let plain = line(Kind::Static { release: true });
    assert!(plain.contains(r#""--release""#) && plain.contains(r#""--package" "gain""#), "{plain}");
    for word in ["profile.", "--config", "--target-dir", "hs/", "HOTSHELL_SLOT=\""] {
        assert!(!plain.contains(word), "{word} in {plain}");
    }
}

fn span(file: &str, line: usize, expansion: Option<serde_json::Value>) -> serde_json::Value {
    serde_json::json!({
        "file_name": file, "byte_start": 0, "byte_end": 1, "line_start": line, "line_end": line, "column_start": 1,
        "column_end": 2, "is_primary": true, "text": [], "label": null, "suggested_replacement": null,
        "suggestion_applicability": null, "expansion": expansion,
    })
}

fn compiler_message(level: &str, text: &str, spans: Vec<serde_json::Value>) -> String {
    serde_json::json!({
        "reason": "compiler-message", "package_id": "path+gain", "manifest_path": "/w/gain/Cargo.toml",
        "target": {"kind": ["cdylib"], "crate_types": ["cdylib"], "name": "gain", "src_path": "/w/gain/src/lib.rs",
                   "edition": "2024", "doc": true, "doctest": true, "test": true},
        "message": {"message": text, "code": null, "level": level, "spans": spans, "children": [],
                    "rendered": format!("{level}: {text}\n --> picture\n\n")},
    })
    .to_string()
}

fn failed(collected: Collected) -> (String, String) {
    let status = Command::new("false").status().unwrap();
    match collected.failure(status) {
        Outcome::Failed { text, first } => (text, first),
        other @ Outcome::Built(_) => panic!("{other:?}"),
    }
}

#[test]
fn the_first_error_is_named_with_its_place_and_shown_as_the_compiler_drew_it() {
    let mut collected = Collected::default();
    collected.json_line(&compiler_message("warning", "unused", vec![span("src/lib.rs", 1, None)]));
    collected.json_line(&compiler_message("error", "no `x`", vec![span("src/dsp.rs", 12, None)]));
    collected.json_line(&compiler_message("error", "no `y`", vec![span("src/dsp.rs", 3, None)]));
    collected.json_line(&compiler_message("error", "aborting due to 2 previous errors", vec![]));
    assert!(collected.warnings.contains("unused"));
    let (text, first) = failed(collected);
    assert_eq!(first, "src/dsp.rs:12: no `x`");
    assert!(text.contains("error: no `x`\n --> picture") && text.contains("no `y`"), "{text}");
}

#[test]
fn an_error_inside_a_macro_is_shown_where_it_is_used() {
    let mut collected = Collected::default();
    let used = serde_json::json!({"span": span("src/lib.rs", 40, None), "macro_decl_name": "m!", "def_site_span": null});
    collected.json_line(&compiler_message("error", "no `x`", vec![span("/deps/macro.rs", 2, Some(used))]));
    assert_eq!(failed(collected).1, "src/lib.rs:40: no `x`");
}

#[test]
fn an_error_of_cargos_own_is_reported_too() {
    let mut collected = Collected::default();
    collected.cargo_line("    Updating index");
    collected.cargo_line("error: failed to parse manifest at `/w/gain/Cargo.toml`");
    collected.cargo_line("  missing field `name`");
    let (text, first) = failed(collected);
    assert_eq!(first, "error: failed to parse manifest at `/w/gain/Cargo.toml`");
    assert!(text.contains("missing field `name`"), "{text}");
    assert!(failed(Collected::default()).1.contains("made no dynamic library"));
}
