//! Faults that are written into a built library: forty builds, each with a hash of its own, for one compilation.
//!
//! Called by: tests. Calls: the file system. Threads: [any].

use std::path::{Path, PathBuf};

use crate::fixture::{Built, Fixture};
use crate::slot::TestSlot;

/// What `fixture-fault` holds where the name of its fault goes.
const HEAD: &[u8] = b"planted=";
const LENGTH: usize = 32;

/// The fixture that fails where its file says.
#[must_use]
pub fn fixture() -> Fixture {
    Fixture::new("fixture-fault", &[])
}

/// The same with an editor, which may fail too.
#[must_use]
pub fn windowed() -> Fixture {
    Fixture::new("fixture-fault", &["window"])
}

/// A logic build with `name` planted; `none`, `good` and `better` are sound.
///
/// # Panics
/// If the fixture does not build.
#[must_use]
pub fn logic(slot: &TestSlot, name: &str) -> Built {
    logic_of(&fixture(), slot, name)
}

/// The same of [`windowed`].
///
/// # Panics
/// If the fixture does not build.
#[must_use]
pub fn windowed_logic(slot: &TestSlot, name: &str) -> Built {
    logic_of(&windowed(), slot, name)
}

fn logic_of(fixture: &Fixture, slot: &TestSlot, name: &str) -> Built {
    let path = slot.room().join(format!("{name}.so"));
    std::fs::copy(fixture.logic().path, &path).expect("copied");
    plant(&path, name);
    Built { path }
}

/// Writes `name` into the library at `path`, or into the one inside the bundle there.
///
/// # Panics
/// If it is not the fixture's library.
pub fn plant(path: &Path, name: &str) {
    let path = library(path);
    let mut bytes = std::fs::read(&path).expect("readable");
    let places: Vec<usize> = memchr::memmem::find_iter(&bytes, b"planted=none....").collect();
    assert_eq!(places.len(), 1, "{} holds the place for a fault once", path.display());
    let text = &mut bytes[places[0] + HEAD.len()..places[0] + LENGTH];
    assert!(name.len() < text.len());
    text.fill(b'.');
    text[..name.len()].copy_from_slice(name.as_bytes());
    std::fs::write(&path, bytes).expect("writable");
}

/// A bundle's library: the bundle itself, or the one file that it holds under `Contents`' folder of this system.
fn library(path: &Path) -> PathBuf {
    if path.is_file() {
        return path.to_owned();
    }
    let mut open = vec![path.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a bundle").flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else if entry.path().extension().is_some_and(|extension| extension == "so") {
                return entry.path();
            }
        }
    }
    panic!("{} holds no library", path.display());
}
