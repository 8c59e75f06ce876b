//! The slot keeps its promises to both sides.

use std::path::PathBuf;

use super::*;

/// A folder of its own per test, removed at the end.
pub(in crate::reload) struct Scratch(pub(in crate::reload) PathBuf);

impl Scratch {
    pub(in crate::reload) fn new() -> Self {
        let path = std::env::temp_dir().join(random_name("hotshell-core-", ""));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(in crate::reload) fn slot(&self) -> Slot {
        Slot::open(&self.0.join("slot")).unwrap()
    }

    pub(in crate::reload) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn facts() -> BuildFacts {
    BuildFacts { profile: "hot".to_owned(), ..BuildFacts::default() }
}

fn tamper(slot: &Slot, from: &str, to: &str) {
    let path = slot.folder().path().join("manifest");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn what_was_published_is_what_is_read() {
    let scratch = Scratch::new();
    let slot = scratch.slot();
    assert!(matches!(slot.read_manifest(), Err(SlotError::Missing(_))));
    let source = scratch.file("a", &vec![7; 1_000_000]);
    let first = slot.publish(&source, facts()).unwrap();
    assert_eq!(first.build, 1);
    assert_eq!(slot.read_manifest().unwrap(), first);
    let stamp = slot.manifest_stamp().unwrap();
    let second = slot.publish(&source, facts()).unwrap();
    assert_eq!((second.build, &second.hash, second.length), (2, &first.hash, 1_000_000));
    assert_ne!(slot.manifest_stamp().unwrap(), stamp);
    assert_eq!(second.hash(), xxhash_rust::xxh3::xxh3_128(&vec![7; 1_000_000]));
}

#[test]
fn the_last_four_builds_are_kept_and_numbers_go_on_counting() {
    let scratch = Scratch::new();
    let slot = scratch.slot();
    for round in 1..=12_u32 {
        let source = scratch.file("a", &round.to_le_bytes());
        assert_eq!(slot.publish(&source, facts()).unwrap().build, round);
    }
    let mut builds: Vec<u32> =
        slot.folder().names().unwrap().iter().filter_map(|name| manifest::build_of(name)).collect();
    builds.sort_unstable();
    assert_eq!(builds, [9, 10, 11, 12]);
    std::fs::remove_file(slot.folder().path().join("manifest")).unwrap();
    let source = scratch.file("a", b"x");
    assert_eq!(slot.publish(&source, facts()).unwrap().build, 13);
}

#[test]
fn two_publishers_never_share_a_number() {
    let scratch = Scratch::new();
    let slot = scratch.slot();
    let source = scratch.file("a", &vec![1; 300_000]);
    let builds = std::thread::scope(|scope| {
        let publish = || (0..10).map(|_| slot.publish(&source, facts()).unwrap().build).collect::<Vec<_>>();
        let threads = [scope.spawn(publish), scope.spawn(publish)];
        threads.map(|thread| thread.join().unwrap()).concat()
    });
    let distinct: std::collections::BTreeSet<_> = builds.iter().collect();
    assert_eq!(distinct.len(), 20);
    assert_eq!(slot.read_manifest().unwrap().build, 20);
}

#[test]
fn a_manifest_that_leads_out_of_the_slot_is_refused() {
    let scratch = Scratch::new();
    let slot = scratch.slot();
    let manifest = slot.publish(&scratch.file("a", b"x"), facts()).unwrap();
    for name in ["../evil.so", "/etc/passwd", "..", "a/b", "build-1-../../x.so", "", "build-9.so"] {
        tamper(&slot, &manifest.file, name);
        let error = slot.read_manifest().unwrap_err().to_string();
        assert!(error.contains("name"), "{error}");
        std::fs::remove_file(slot.folder().path().join("manifest")).unwrap();
        std::fs::write(slot.folder().path().join("manifest"), manifest.to_bytes().unwrap()).unwrap();
    }
}

#[test]
fn a_damaged_manifest_is_refused_with_its_reason() {
    let scratch = Scratch::new();
    let slot = scratch.slot();
    let manifest = slot.publish(&scratch.file("a", b"x"), facts()).unwrap();
    let path = slot.folder().path().join("manifest");
    let refused = |bytes: &[u8], because: &str| {
        std::fs::write(&path, bytes).unwrap();
        let error = slot.read_manifest().unwrap_err();
        assert!(matches!(error, SlotError::Refused { .. }), "{error}");
        assert!(error.to_string().contains(because), "{error}");
    };
    let whole = manifest.to_bytes().unwrap();
    refused(&whole[..whole.len() / 2], "not a manifest");
    refused(&[0xff; 100], "not a manifest");
    refused(b"", "not a manifest");
    refused(&vec![b' '; 70_000], "larger than");
    let text = String::from_utf8(whole).unwrap();
    refused(text.replace("\"format\": 1", "\"format\": 2").as_bytes(), "format 2");
    refused(text.replace(&manifest.hash, "abc").as_bytes(), "32 hexadecimal digits");
    let huge = text.replace("\"length\": 1", "\"length\": 99999999999");
    refused(huge.as_bytes(), "more than");
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::new();
    let slot = scratch.slot();
    let path = slot.folder().path().to_owned();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    for (mode, rule) in [
        (0o770, "others may write"),
        (0o702, "others may write"),
        (0o777, "others may write"),
        (0o755, "others may look"),
        (0o701, "others may look"),
    ] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = Slot::existing(&path).unwrap_err().to_string();
        assert!(error.contains(rule) && error.contains(&format!("{mode:03o}")), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_below_one_that_everybody_may_write_is_refused_unless_that_is_sticky() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::new();
    let (above, between) = (scratch.0.join("above"), scratch.0.join("above/between"));
    let path = between.join("slot");
    drop(Slot::open(&path).unwrap());
    let mode = |mode| std::fs::set_permissions(&above, std::fs::Permissions::from_mode(mode)).unwrap();
    for bad in [0o777, 0o702, 0o773] {
        mode(bad);
        let error = Slot::existing(&path).unwrap_err().to_string();
        assert!(error.contains("everybody may replace") && error.contains("above"), "{error}");
    }
    // As `/tmp`, as a group's folder under umask 002, and one that only lets its user through.
    for good in [0o1777, 0o775, 0o711] {
        mode(good);
        drop(Slot::existing(&path).unwrap());
    }
    mode(0o700);
}

#[cfg(unix)]
#[test]
fn links_above_the_slot_are_resolved_and_what_they_lead_to_is_checked() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::new();
    let (home, link) = (scratch.0.join("home"), scratch.0.join("link"));
    drop(Slot::open(&home.join("slot")).unwrap());
    std::os::unix::fs::symlink(&home, &link).unwrap();
    let slot = Slot::existing(&link.join("slot")).unwrap();
    assert_eq!(slot.folder().real_path(), home.canonicalize().unwrap().join("slot"));
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o777)).unwrap();
    let error = Slot::existing(&link.join("slot")).unwrap_err().to_string();
    assert!(error.contains("everybody may replace"), "{error}");
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).unwrap();
    // Led elsewhere while it is open: what was opened stays what it was, and the next look notices.
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(scratch.0.join("nowhere"), &link).unwrap();
    assert!(!slot.folder().is_current());
    assert!(matches!(Slot::existing(&link.join("slot")), Err(SlotError::Missing(_))));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_with_its_reason() {
    let scratch = Scratch::new();
    let mut input = std::fs::File::open(scratch.file("build", &[7; 4096])).unwrap();
    let mut full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let error = copy_hashed(&mut input, &mut full, 1 << 20).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}

#[cfg(unix)]
#[test]
fn a_folder_of_another_user_is_refused() {
    // `/` and `/usr` are root's; a root test run makes a foreign folder instead.
    let scratch = Scratch::new();
    let slot = scratch.slot();
    let path = slot.folder().path().to_owned();
    let foreign = if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(12_345), None).unwrap();
        path
    } else {
        PathBuf::from("/usr")
    };
    let error = Slot::existing(&foreign).unwrap_err().to_string();
    assert!(error.contains("belongs to user"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_and_pipes_in_place_of_files_are_refused() {
    let scratch = Scratch::new();
    let slot = scratch.slot();
    let outside = scratch.file("outside", b"{}");
    let path = slot.folder().path().join("manifest");
    std::os::unix::fs::symlink(&outside, &path).unwrap();
    assert!(slot.read_manifest().unwrap_err().to_string().contains("symbolic link"));
    std::fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    assert!(slot.read_manifest().unwrap_err().to_string().contains("not a plain file"));
    let link = scratch.0.join("link");
    std::os::unix::fs::symlink(slot.folder().path(), &link).unwrap();
    assert!(Slot::existing(&link).unwrap_err().to_string().contains("symbolic link"));
}

#[test]
fn reports_of_living_modules_are_read_and_dead_ones_swept() {
    let scratch = Scratch::new();
    let slot = scratch.slot();
    let place = slot.report_file().unwrap();
    let report = HostReport { pid: 42, heard: 7, ..HostReport::default() };
    place.write(&report).unwrap();
    let hosts = slot.folder().path().join("hosts");
    // A module that died: its lock file is there and free. A report without any lock: older still.
    std::fs::write(hosts.join("dead.lock"), b"").unwrap();
    std::fs::write(hosts.join("dead.json"), b"{}").unwrap();
    std::fs::write(hosts.join("older.json"), b"{}").unwrap();
    let found = slot.reports().unwrap();
    assert_eq!(found, [HostReport { id: found[0].id.clone(), ..report }]);
    assert!(hosts.join(format!("{}.json", found[0].id)).is_file(), "a report knows its own name");
    let mut left: Vec<_> = std::fs::read_dir(&hosts)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.retain(|name| name.contains("dead") || name.contains("older"));
    assert!(left.is_empty(), "{left:?}");
    drop(place);
    assert!(slot.reports().unwrap().is_empty());
    assert_eq!(std::fs::read_dir(&hosts).unwrap().count(), 0);
}

#[test]
fn copies_of_dead_modules_are_swept_and_those_of_living_ones_stay() {
    let scratch = Scratch::new();
    let slot = scratch.slot();
    let staged = slot.folder().subfolder(STAGED).unwrap();
    let (_held, living) = staged.create_locked("", ".so").unwrap();
    drop(staged.create_locked("dead-", ".so").unwrap());
    assert_eq!(staged.names().unwrap().len(), 2);
    slot.sweep().unwrap();
    assert_eq!(staged.names().unwrap(), [living]);
}

#[test]
fn one_dev_at_a_time_and_a_dead_one_says_nothing() {
    let scratch = Scratch::new();
    let (slot, other) = (scratch.slot(), scratch.slot());
    assert_eq!(other.read_dev().unwrap(), None);
    let claim = slot.claim_dev().unwrap();
    let status = DevStatus {
        pid: 1,
        state: DevState::Failed,
        error: Some("src/lib.rs:3: no".into()),
        ..DevStatus::default()
    };
    claim.write(&status).unwrap();
    assert_eq!(other.read_dev().unwrap(), Some(status));
    assert!(other.claim_dev().is_err());
    drop(claim);
    assert_eq!(other.read_dev().unwrap(), None);
    // What a killed `dev` leaves: the file without the lock.
    std::fs::write(slot.folder().path().join("dev.json"), b"{}").unwrap();
    assert_eq!(other.read_dev().unwrap(), None);
    assert!(other.claim_dev().is_ok());
}

#[test]
fn clean_leaves_nothing() {
    let scratch = Scratch::new();
    let slot = scratch.slot();
    slot.publish(&scratch.file("a", b"x"), facts()).unwrap();
    drop(slot.claim_dev().unwrap());
    drop(slot.report_file().unwrap());
    let path = slot.folder().path().to_owned();
    slot.clean().unwrap();
    assert!(!path.exists());
}

#[test]
fn a_removed_slot_is_noticed() {
    let scratch = Scratch::new();
    let slot = scratch.slot();
    assert!(slot.folder().is_current());
    std::fs::remove_dir_all(slot.folder().path()).unwrap();
    assert!(!slot.folder().is_current());
    let again = scratch.slot();
    assert!(again.folder().is_current());
    assert!(!slot.folder().is_current());
}

#[test]
fn two_checkouts_of_a_package_have_two_slots() {
    let scratch = Scratch::new();
    let (a, b) = (scratch.file("a.toml", b""), scratch.file("b.toml", b""));
    let slot = |manifest: &PathBuf| Slot::path_for("../my gain", manifest).unwrap();
    assert_ne!(slot(&a), slot(&b));
    assert_eq!(slot(&a), slot(&a));
    let name = slot(&a).file_name().unwrap().to_str().unwrap().to_owned();
    assert!(name.starts_with("___my_gain-"), "{name}");
    assert!(Slot::path_for("gain", &scratch.0.join("absent.toml")).is_err());
}
