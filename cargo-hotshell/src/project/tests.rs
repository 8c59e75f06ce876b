//! Called by: `cargo test`. Calls: `project`. Threads: [any].

use super::*;

/// A package as `cargo metadata` writes it. `dependencies`: name, rename. `crate_type`: of its one library.
fn package(
    folder: &Path,
    name: &str,
    crate_type: &str,
    dependencies: &[(&str, Option<&str>)],
) -> serde_json::Value {
    let manifest = folder.join(name).join("Cargo.toml");
    let dependencies: Vec<serde_json::Value> = dependencies
        .iter()
        .map(|(name, rename)| {
            serde_json::json!({
                "name": name, "source": null, "req": "*", "kind": null, "rename": rename, "optional": false,
                "uses_default_features": true, "features": [], "target": null, "registry": null,
            })
        })
        .collect();
    serde_json::json!({
        "name": name, "version": "1.2.3", "id": format!("path+{name}"), "license": null, "license_file": null,
        "description": null, "source": null, "dependencies": dependencies,
        "targets": [{
            "kind": [crate_type], "crate_types": [crate_type], "name": name.replace('-', "_"),
            "src_path": folder.join(name).join("src/lib.rs"), "edition": "2024", "doc": true, "doctest": true,
            "test": true,
        }],
        "features": {}, "manifest_path": manifest, "metadata": null, "publish": null, "authors": [],
        "categories": [], "keywords": [], "readme": null, "repository": null, "homepage": null,
        "documentation": null, "edition": "2024", "links": null, "default_run": null, "rust_version": null,
    })
}

fn metadata(packages: &[serde_json::Value], edges: &[(&str, &[&str])]) -> Metadata {
    let ids: Vec<&serde_json::Value> = packages.iter().map(|package| &package["id"]).collect();
    let nodes: Vec<serde_json::Value> = edges
        .iter()
        .map(|(from, to)| {
            let to: Vec<String> = to.iter().map(|to| format!("path+{to}")).collect();
            let deps: Vec<serde_json::Value> = to
                .iter()
                .map(|id| serde_json::json!({"name": "x", "pkg": id, "dep_kinds": [{"kind": null, "target": null}]}))
                .collect();
            serde_json::json!({"id": format!("path+{from}"), "dependencies": to, "deps": deps, "features": []})
        })
        .collect();
    let text = serde_json::json!({
        "packages": packages, "workspace_members": ids, "workspace_default_members": ids,
        "resolve": {"nodes": nodes, "root": null}, "target_directory": "/w/target", "version": 1,
        "workspace_root": "/w", "metadata": null,
    });
    MetadataCommand::parse(text.to_string()).unwrap()
}

const ROOT: &str = "/w";

fn pick<'a>(metadata: &'a Metadata, wanted: Option<&str>) -> Result<&'a Package, String> {
    select(metadata, Path::new("/w/Cargo.toml"), wanted).map_err(|error| error.to_string())
}

#[test]
fn the_only_plug_in_of_a_workspace_is_found() {
    let root = Path::new(ROOT);
    let all = metadata(
        &[
            package(root, "dsp", "lib", &[("hotshell", None)]),
            package(root, "gain", "cdylib", &[("hotshell", None)]),
        ],
        &[],
    );
    assert_eq!(pick(&all, None).unwrap().name, "gain");
}

#[test]
fn several_plug_ins_are_named_and_one_can_be_chosen() {
    let root = Path::new(ROOT);
    let all = metadata(
        &[
            package(root, "synth", "cdylib", &[("hotshell", None)]),
            package(root, "gain", "cdylib", &[("hotshell", None)]),
            package(root, "dsp", "lib", &[]),
        ],
        &[],
    );
    let error = pick(&all, None).unwrap_err();
    assert!(error.contains("-p: gain, synth"), "{error}");
    assert_eq!(pick(&all, Some("synth")).unwrap().name, "synth");
    let error = pick(&all, Some("dsp")).unwrap_err();
    assert!(error.contains("does not depend on hotshell"), "{error}");
    let error = pick(&all, Some("drum")).unwrap_err();
    assert!(error.contains("dsp, gain, synth"), "{error}");
    let here = select(&all, &root.join("gain/Cargo.toml"), None).unwrap();
    assert_eq!(here.name, "gain", "the package whose folder was given wins");
}

#[test]
fn a_workspace_without_a_plug_in_says_what_is_missing() {
    let root = Path::new(ROOT);
    let neither = metadata(&[package(root, "a", "lib", &[]), package(root, "b", "cdylib", &[])], &[]);
    let error = pick(&neither, None).unwrap_err();
    assert!(error.contains("no hotshell plug-in"), "{error}");
    let no_library = metadata(&[package(root, "a", "lib", &[("hotshell", None)])], &[]);
    let error = pick(&no_library, None).unwrap_err();
    assert!(error.contains("crate-type"), "{error}");
}

#[test]
fn a_renamed_dependency_is_known_by_its_new_name() {
    let all = metadata(&[package(Path::new(ROOT), "gain", "cdylib", &[("hotshell", Some("hs"))])], &[]);
    let project = Project::of(&all, pick(&all, None).unwrap()).unwrap();
    assert_eq!((project.dependency.as_str(), project.library.as_str()), ("hs", "gain"));
}

#[test]
fn a_plug_in_is_made_of_its_path_dependencies_and_theirs() {
    let root = Path::new(ROOT);
    let all = metadata(
        &[
            package(root, "gain", "cdylib", &[("hotshell", None)]),
            package(root, "dsp", "lib", &[]),
            package(root, "tables", "lib", &[]),
            package(root, "other", "lib", &[]),
        ],
        &[("gain", &["dsp"]), ("dsp", &["tables"]), ("other", &["dsp"])],
    );
    let project = Project::of(&all, pick(&all, None).unwrap()).unwrap();
    let names = ["dsp", "gain", "tables"].map(|name| root.join(name).join("Cargo.toml"));
    assert_eq!(project.local_manifests, names);
}

#[test]
fn a_wrong_path_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = nearest_manifest(&folder.path().join("nowhere")).unwrap_err();
    assert!(format!("{error:#}").contains("nowhere: no such file or folder"), "{error:#}");
    std::fs::write(folder.path().join("notes.txt"), "").unwrap();
    let error = nearest_manifest(&folder.path().join("notes.txt")).unwrap_err();
    assert!(format!("{error:#}").contains("is not a Cargo.toml"), "{error:#}");
}
