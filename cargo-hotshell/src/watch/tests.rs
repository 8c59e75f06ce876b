//! Called by: `cargo test`. Calls: `watch`. Threads: [any].

use super::*;

struct Tree {
    folder: tempfile::TempDir,
    sources: Sources,
}

impl Tree {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("src/deep")).unwrap();
        for name in ["Cargo.toml", "src/lib.rs", "src/deep/dsp.rs", "table.bin"] {
            std::fs::write(at(name), name).unwrap();
        }
        let project = Project {
            package: "gain".to_owned(),
            name: "gain".to_owned(),
            version: "1.0.0".to_owned(),
            manifest: at("Cargo.toml"),
            library: "gain".to_owned(),
            dependency: "hotshell".to_owned(),
            formats: vec![],
            workspace_manifest: at("Cargo.toml"),
            target: at("target"),
            local_manifests: vec![at("Cargo.toml")],
        };
        let sources = Sources::of(&project);
        Self { folder, sources }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and says whether that counts as a save.
    fn save(&mut self, name: &str, text: &str, any_file: bool) -> bool {
        let path = self.at(name);
        std::fs::write(&path, text).unwrap();
        self.sources.changed(&BTreeSet::from([path.clone()]), any_file) == [path]
    }
}

#[test]
fn a_save_counts_once_and_only_with_another_content() {
    let mut tree = Tree::new();
    assert!(!tree.save("src/lib.rs", "src/lib.rs", false), "the content is what it was");
    assert!(tree.save("src/lib.rs", "new", false));
    assert!(!tree.save("src/lib.rs", "new", false), "saved again without a change");
    assert!(tree.save("src/deep/dsp.rs", "new", false));
    assert!(tree.save("Cargo.toml", "new", false));
}

#[test]
fn removed_and_new_rust_files_count() {
    let mut tree = Tree::new();
    assert!(tree.save("src/deep/new.rs", "", false), "a module that was not there");
    std::fs::remove_file(tree.at("src/lib.rs")).unwrap();
    let gone = BTreeSet::from([tree.at("src/lib.rs")]);
    assert_eq!(tree.sources.changed(&gone, false).len(), 1);
    assert_eq!(tree.sources.changed(&gone, false).len(), 0);
}

#[test]
fn files_that_no_build_asked_for_do_not_count_unless_the_last_build_failed() {
    let mut tree = Tree::new();
    for name in ["table.bin", "src/.lib.rs.swp", "src/4913", "README.md"] {
        assert!(!tree.save(name, "x", false), "{name}");
    }
    assert!(tree.save("missing.bin", "x", true));
    tree.sources.include([tree.folder.path().join("table.bin")]);
    assert!(tree.save("table.bin", "another", false), "the last build's dep-info names it");
}

#[test]
fn cargos_own_write_of_the_lock_file_is_no_save() {
    let mut tree = Tree::new();
    std::fs::write(tree.at("Cargo.lock"), "by cargo").unwrap();
    tree.sources.accept_lock_file();
    assert!(!tree.save("Cargo.lock", "by cargo", false));
    assert!(tree.save("Cargo.lock", "by the author", false));
}

#[test]
fn without_events_a_save_is_found_by_its_time() {
    let mut tree = Tree::new();
    assert_eq!(tree.sources.moved(), BTreeSet::new());
    std::fs::write(tree.at("src/lib.rs"), "longer than before").unwrap();
    let moved = tree.sources.moved();
    assert_eq!(moved, BTreeSet::from([tree.at("src/lib.rs")]));
    assert_eq!(tree.sources.changed(&moved, false).len(), 1);
    assert_eq!(tree.sources.moved(), BTreeSet::new());
}

#[test]
fn a_save_is_over_when_it_is_quiet_and_after_the_longest_time_at_the_latest() {
    let (mut debounce, start) = (Debounce::default(), Instant::now());
    assert_eq!(debounce.take(start), None);
    debounce.add([PathBuf::from("a")], start);
    assert_eq!(debounce.take(start + QUIET / 2), None);
    debounce.add([PathBuf::from("b")], start + QUIET / 2);
    assert_eq!(debounce.take(start + QUIET), None, "something happened meanwhile");
    let both = BTreeSet::from([PathBuf::from("a"), PathBuf::from("b")]);
    assert_eq!(debounce.take(start + QUIET * 2), Some(both));
    assert_eq!(debounce.take(start + QUIET * 9), None);
    let mut now = start;
    while now < start + LONGEST_SAVE {
        debounce.add([PathBuf::from("c")], now);
        now += QUIET / 2;
    }
    assert!(debounce.take(start + LONGEST_SAVE).is_some(), "a stream of events does not put it off for ever");
}

#[test]
fn events_of_writes_arrive() {
    let tree = Tree::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut watcher = Watcher::start(move |news| drop(sender.send(news)));
    assert!(!watcher.is_blind());
    watcher.follow(&tree.sources);
    let path = tree.at("src/deep/dsp.rs");
    std::fs::read(&path).unwrap();
    std::fs::write(&path, "new").unwrap();
    match receiver.recv_timeout(Duration::from_secs(20)) {
        Ok(FileNews::Touched(paths)) => assert!(paths.contains(&path), "{paths:?}"),
        other => panic!("{other:?}"),
    }
}
