//! The scratch crate: a copy of the gain example that depends on the hotshell sources by their path, and its edits.
//!
//! The example's window is left out unless it is to be shown: egui takes longer to compile than all the rest, twice, for
//! the shell and for the logic.
//!
//! Called by: `demo`. Calls: the file system. Threads: [main].

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use hotshell_core::reload::slot;

use crate::Error;

/// Package name, so that its slot and bundle are not those of the example itself.
pub const PACKAGE: &str = "hotshell-demo-gain";

/// The line of the example that the demonstration edits, and what it becomes: a quarter of the level.
const LINE: (&str, &str) = ("*sample *= gain * trim;", "*sample *= 0.25 * gain * trim;");

/// The line of the example's window that is edited, what it becomes, and the slip on the way.
const KNOB: [&str; 3] = [
    "ui.add(knob(cx, &params.gain));",
    "ui.add(knob(cx, &params.gain).size(96.0));",
    "ui.add(knob(cx, &params.gian).size(96.0));",
];

/// What takes longest to compile of egui, with less optimisation than the rest: nobody shall wait for it longer than needed.
const DRAWS: [&str; 9] =
    ["egui", "epaint", "egui_glow", "glow", "harfrust", "read-fonts", "skrifa", "vello_common", "vello_cpu"];

/// A scratch crate on disk; removed when dropped.
#[derive(Debug)]
pub struct Project {
    folder: PathBuf,
    source: PathBuf,
    /// Its window is shown, and edited.
    editor: bool,
}

impl Project {
    /// Makes it in `out`, from the hotshell sources in `sources` or those that this command was built from.
    ///
    /// # Errors
    /// The sources are not there or not as expected, or the folder cannot be written.
    pub fn create(out: &Path, sources: Option<&Path>, editor: bool) -> Result<Self, Error> {
        let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        let sources = sources.or(built_from).context("--source DIR is needed")?;
        let example = sources.join("examples/gain/src/lib.rs");
        let text = std::fs::read_to_string(&example).with_context(|| {
            format!(
                "{}: cannot be read; give the folder of the hotshell sources as --source",
                example.display()
            )
        })?;
        check(&text, editor).with_context(|| example.display().to_string())?;
        let folder = std::path::absolute(out)?.join("gain");
        let project = Self { source: folder.join("src/lib.rs"), folder, editor };
        copy(&sources.join("examples/gain/src"), &project.folder.join("src"))
            .with_context(|| format!("{}: cannot be made", project.folder.display()))?;
        let write = |name: &str, text: &str| {
            let file = project.folder.join(name);
            std::fs::write(&file, text).with_context(|| format!("{}: cannot be written", file.display()))
        };
        write("Cargo.toml", &manifest(&std::path::absolute(sources)?, editor)?)?;
        // The same versions as here, so that nothing is looked up.
        if let Ok(lock) = std::fs::read_to_string(sources.join("Cargo.lock")) {
            write("Cargo.lock", &lock)?;
        }
        Ok(project)
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Edits the source as an editor saves it, the window's part too where it is shown; a second time back to what it was.
    /// The time right after, in nanoseconds since 1970.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn edit(&self) -> Result<u64, Error> {
        let shown = || format!("{}: cannot be edited", self.source.display());
        let text = std::fs::read_to_string(&self.source).with_context(shown)?;
        let edited = if text.contains(LINE.1) {
            text.replace(LINE.1, LINE.0).replace(KNOB[1], KNOB[0]).replace(KNOB[2], KNOB[0])
        } else {
            let text = text.replace(KNOB[2], KNOB[0]);
            check(&text, self.editor).with_context(shown)?;
            text.replace(LINE.0, LINE.1).replace(KNOB[0], KNOB[1])
        };
        std::fs::write(&self.source, edited).with_context(shown)?;
        Ok(slot::now())
    }

    /// Edits the window's part as above, with a slip of the pen: it does not compile.
    ///
    /// # Errors
    /// As [`Project::edit`].
    pub fn slip(&self) -> Result<(), Error> {
        let shown = || format!("{}: cannot be edited", self.source.display());
        let text = std::fs::read_to_string(&self.source).with_context(shown)?;
        let edited = text.replace(KNOB[1], KNOB[2]).replace(KNOB[0], KNOB[2]);
        std::fs::write(&self.source, edited).with_context(shown)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // What cannot be removed is a copy in the folder that the user named.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// Copies a folder with what is in it.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn check(text: &str, editor: bool) -> Result<(), Error> {
    for line in [LINE.0, KNOB[0]].into_iter().take(if editor { 2 } else { 1 }) {
        let found = text.matches(line).count();
        ensure!(found == 1, "the line that the demonstration edits, `{line}`, is there {found} times");
    }
    Ok(())
}

fn manifest(sources: &Path, editor: bool) -> Result<String, Error> {
    let path = sources.to_str().with_context(|| format!("{}: is not UTF-8", sources.display()))?;
    // JSON's strings are TOML's.
    let path = serde_json::to_string(path)?;
    let default = if editor { "\"editor\"" } else { "" };
    let profile = |name: &&str| format!("\n[profile.dev.package.{name}]\nopt-level = 1\n");
    let profiles: String = DRAWS.iter().filter(|_| editor).map(profile).collect();
    Ok(format!(
        "[package]\nname = \"{PACKAGE}\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n\
         [lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n\n\
         [features]\ndefault = [{default}]\neditor = [\"hotshell/egui\"]\n\n\
         [dependencies]\nhotshell = {{ path = {path} }}\n\n\
         [workspace]\n{profiles}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_has_the_line_that_is_edited() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let text = std::fs::read_to_string(sources.join("examples/gain/src/lib.rs")).unwrap();
        check(&text, true).unwrap();
    }

    fn example(text: &str) -> tempfile::TempDir {
        let sources = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(sources.path().join("examples/gain/src")).unwrap();
        std::fs::write(sources.path().join("examples/gain/src/lib.rs"), text).unwrap();
        sources
    }

    #[test]
    fn the_copy_is_a_workspace_of_its_own_and_is_edited_there_and_back() {
        let (out, sources) = (tempfile::tempdir().unwrap(), example("{ *sample *= gain * trim; }"));
        let project = Project::create(out.path(), Some(sources.path()), false).unwrap();
        let manifest = std::fs::read_to_string(project.folder().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]") && manifest.contains("hotshell = { path ="));
        assert!(manifest.contains("default = []"), "without egui: {manifest}");
        project.edit().unwrap();
        assert_eq!(std::fs::read_to_string(&project.source).unwrap(), "{ *sample *= 0.25 * gain * trim; }");
        project.edit().unwrap();
        assert_eq!(std::fs::read_to_string(&project.source).unwrap(), "{ *sample *= gain * trim; }");
        std::fs::write(&project.source, "{}").unwrap();
        assert!(project.edit().is_err(), "an edit that would change nothing");
        drop(project);
        assert!(!out.path().join("gain").exists());
    }

    #[test]
    fn with_the_window_a_slip_comes_first_and_one_edit_mends_it_and_changes_both() {
        let (out, sources) = (tempfile::tempdir().unwrap(), example(&[LINE.0, KNOB[0]].concat()));
        let project = Project::create(out.path(), Some(sources.path()), true).unwrap();
        let manifest = std::fs::read_to_string(project.folder().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("default = [\"editor\"]"), "{manifest}");
        project.slip().unwrap();
        let text = || std::fs::read_to_string(&project.source).unwrap();
        assert_eq!(text(), [LINE.0, KNOB[2]].concat(), "what is heard stays");
        project.edit().unwrap();
        assert_eq!(text(), [LINE.1, KNOB[1]].concat());
        project.slip().unwrap();
        assert_eq!(text(), [LINE.1, KNOB[2]].concat());
        project.edit().unwrap();
        assert_eq!(text(), [LINE.0, KNOB[0]].concat());
    }
}
