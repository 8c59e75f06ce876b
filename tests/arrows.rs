//! DESIGN 4's arrows, read from cargo itself: which package may depend on which, and what a release must not contain.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Normal dependencies between packages of the workspace. Examples and fixtures have a rule of their own.
const ARROWS: &[(&str, &[&str])] = &[
    ("hotshell-abi", &[]),
    ("hotshell-derive", &[]),
    ("hotshell-logic", &["hotshell-abi"]),
    ("hotshell-core", &["hotshell-abi"]),
    ("hotshell-editor-proxy", &["hotshell-core", "hotshell-abi"]),
    ("hotshell-editor", &["hotshell-logic", "hotshell-abi"]),
    ("hotshell-clap", &["hotshell-editor-proxy", "hotshell-core", "hotshell-abi"]),
    ("hotshell-vst3", &["hotshell-editor-proxy", "hotshell-core", "hotshell-abi"]),
    ("hotshell-fake-shell", &["hotshell-core", "hotshell-abi"]),
    ("cargo-hotshell", &["hotshell-core", "hotshell-abi"]),
    (
        "hotshell",
        &[
            "hotshell-abi",
            "hotshell-logic",
            "hotshell-derive",
            "hotshell-core",
            "hotshell-clap",
            "hotshell-vst3",
            "hotshell-editor",
        ],
    ),
];

/// What only a reloading build needs.
const RELOAD_ONLY: &[&str] = &["notify", LIBLOADING, "object"];
/// By its version: a window finds the X libraries by another one.
const LIBLOADING: &str = "libloading v0.9";

fn metadata() -> Metadata {
    MetadataCommand::new().exec().expect("cargo metadata answers")
}

fn workspace_arrows(metadata: &Metadata, kinds: &[DependencyKind]) -> BTreeMap<String, BTreeSet<String>> {
    let members: BTreeSet<&str> = metadata.workspace_packages().iter().map(|p| p.name.as_str()).collect();
    let arrows = |package: &&Package| {
        let targets = package
            .dependencies
            .iter()
            .filter(|d| kinds.contains(&d.kind) && members.contains(d.name.as_str()))
            .map(|d| d.name.clone())
            .collect();
        (package.name.to_string(), targets)
    };
    metadata.workspace_packages().iter().map(arrows).collect()
}

fn is_author(metadata: &Metadata, name: &str) -> bool {
    let root = &metadata.workspace_root;
    metadata.workspace_packages().iter().any(|package| {
        package.name.as_str() == name
            && (package.manifest_path.starts_with(root.join("examples"))
                || package.manifest_path.starts_with(root.join("tests/fixtures")))
    })
}

#[test]
fn packages_depend_only_along_the_listed_arrows() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for (from, targets) in workspace_arrows(&metadata, &[DependencyKind::Normal, DependencyKind::Build]) {
        if from == "hotshell-tests" {
            continue;
        }
        let allowed: &[&str] = if is_author(&metadata, &from) {
            &["hotshell"]
        } else {
            let listed = ARROWS.iter().find(|(name, _)| *name == from);
            listed
                .unwrap_or_else(|| panic!("{from} is not in the table of arrows: DESIGN 4 first, then here"))
                .1
        };
        wrong.extend(
            targets.iter().filter(|to| !allowed.contains(&to.as_str())).map(|to| format!("{from} -> {to}")),
        );
    }
    assert!(wrong.is_empty(), "arrows that DESIGN 4 does not list: {wrong:?}");
}

#[test]
fn the_shell_side_never_sees_the_authors_side() {
    let arrows = workspace_arrows(&metadata(), &[DependencyKind::Normal, DependencyKind::Build]);
    for start in
        ["hotshell-core", "hotshell-editor-proxy", "hotshell-clap", "hotshell-vst3", "cargo-hotshell"]
    {
        let mut reached = BTreeSet::new();
        let mut open = vec![start.to_owned()];
        while let Some(name) = open.pop() {
            if reached.insert(name.clone()) {
                open.extend(arrows.get(&name).into_iter().flatten().cloned());
            }
        }
        for author in ["hotshell-logic", "hotshell-derive", "hotshell-editor", "hotshell"] {
            assert!(!reached.contains(author), "{start} reaches {author}");
        }
    }
}

#[test]
fn nothing_but_plug_ins_and_tests_depends_on_the_facade() {
    let metadata = metadata();
    let all = [DependencyKind::Normal, DependencyKind::Build, DependencyKind::Development];
    for (from, targets) in workspace_arrows(&metadata, &all) {
        if from != "hotshell-tests" && targets.contains("hotshell") {
            assert!(is_author(&metadata, &from), "{from} depends on hotshell");
        }
    }
}

#[test]
fn no_package_links_a_plug_in() {
    let metadata = metadata();
    let all = [DependencyKind::Normal, DependencyKind::Build, DependencyKind::Development];
    for (from, targets) in workspace_arrows(&metadata, &all) {
        for to in &targets {
            assert!(!is_author(&metadata, to), "{from} links the plug-in {to}: two clap_entry symbols");
        }
    }
}

fn release_graph(package: &str, features: &[&str]) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--package", package]);
    for feature in features {
        cargo.args(["--features", feature]);
    }
    let out = cargo.output().expect("cargo tree runs");
    assert!(out.status.success(), "cargo tree: {}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).expect("cargo tree prints UTF-8");
    let minor =
        |line: &str| line.rsplit_once('.').map_or_else(|| line.to_owned(), |(minor, _)| minor.to_owned());
    let names = text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned);
    names.chain(text.lines().map(minor)).collect()
}

#[test]
fn a_release_has_no_reload_dependency() {
    for example in ["gain", "synth"] {
        let release = release_graph(example, &[]);
        assert!(release.contains("hotshell-clap"), "the release graph of {example} holds its adapter");
        for name in RELOAD_ONLY {
            assert!(!release.contains(*name), "{name} is in the release graph of {example}");
        }
    }
    let dev = release_graph("gain", &["hotshell/reload"]);
    for name in RELOAD_ONLY {
        assert!(
            dev.contains(*name),
            "{name} is what a reloading build needs, or the list here is out of date"
        );
    }
}
