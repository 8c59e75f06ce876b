//! A path becomes the library of a plug-in and its format: looked at first, loaded second.
//!
//! A file that is no library, or a library that exports no plug-in, is refused before any of its code runs.
//!
//! Called by: `plugin`. Calls: `format`, `layout`. Threads: [any].

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use crate::Error;
use crate::format::{Exports, Format};
use crate::layout::System;

/// What to load.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The library with the code.
    pub library: PathBuf,
    /// As what.
    pub format: Format,
}

/// Finds the library of `path`, which is a bundle or a library itself. Of a library that holds both formats and does not
/// say which by its name, `wanted` or CLAP.
///
/// # Errors
/// The path, what is wrong with what it names, and what to do.
pub fn library(path: &Path, wanted: Option<Format>) -> Result<Found, Error> {
    let shown = path.display();
    if !path.exists() {
        bail!(
            "{shown}: there is no such file. Make one with `cargo hotshell bundle` or `cargo hotshell dev`{}",
            hint(path)
        );
    }
    let promised = Format::of(path);
    if let (Some(promised), Some(wanted)) = (promised, wanted) {
        ensure!(
            promised == wanted,
            "{shown}: is a {promised} bundle, not {wanted}; leave out `--format {}`",
            wanted.word()
        );
    }
    let library = if path.is_dir() { inside(path, promised)? } else { path.to_owned() };
    let kind =
        promised.or(wanted).map_or_else(|| "a plug-in".to_owned(), |format| format!("a {format} plug-in"));
    let exports = match Exports::of(&library) {
        Ok(exports) => exports,
        Err(error) => bail!("{shown}: is not {kind}, not even a library: {error:#}"),
    };
    let holds = exports.formats();
    let format = match promised.or(wanted) {
        Some(format) if holds.contains(&format) => format,
        Some(format) => {
            let other = holds.first().map(|other| format!(", but {}, of {other}", other.symbol())).unwrap_or_default();
            bail!(
                "{shown}: is a library, but no {format} plug-in: it exports no `{}`{other}. A logic-only build is not a \
                 bundle; make one with `cargo hotshell bundle`",
                format.symbol()
            )
        }
        None => *holds.first().with_context(|| {
            format!(
                "{shown}: is a library, but no plug-in: it exports neither `clap_entry` (CLAP) nor `GetPluginFactory` \
                 (VST3). A logic-only build is not a bundle; make one with `cargo hotshell bundle`"
            )
        })?,
    };
    Ok(Found { library, format })
}

/// Bundles that lie where `path` should be, for a name that was mistyped or left out.
fn hint(path: &Path) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<String> = entries
        .filter(|entry| Format::of(&entry.path()).is_some())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names.truncate(5);
    if names.is_empty() { String::new() } else { format!(" (in that folder: {})", names.join(", ")) }
}

/// The library inside a folder.
fn inside(bundle: &Path, promised: Option<Format>) -> Result<PathBuf, Error> {
    let (shown, contents) = (bundle.display(), bundle.join("Contents"));
    let code = System::this().code(bundle);
    if code.is_file() {
        return Ok(code);
    }
    ensure!(
        contents.is_dir(),
        "{shown}: is a folder, but no bundle: it has no `Contents`{}{}",
        if promised == Some(Format::Clap) && !cfg!(target_os = "macos") {
            "; a CLAP plug-in is one file here"
        } else {
            ""
        },
        hint(&contents)
    );
    let place = code.parent().unwrap_or(&contents);
    if !place.is_dir() {
        let entries = std::fs::read_dir(&contents).into_iter().flatten().filter_map(Result::ok);
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| name != "Resources");
        names.sort();
        let machine = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        bail!(
            "{shown}: has no code for this machine ({machine}); its `Contents` has {}. Build it here with `cargo hotshell \
             bundle`",
            if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
        );
    }
    let files = std::fs::read_dir(place).with_context(|| format!("{}: cannot be read", place.display()))?;
    let found: Vec<PathBuf> = files.filter_map(|entry| Some(entry.ok()?.path())).collect();
    match found.as_slice() {
        [] => bail!("{shown}: {} is empty", place.display()),
        // On macOS the property list names it; there is only the one.
        [only] if cfg!(target_os = "macos") => Ok(only.clone()),
        [other, ..] => bail!(
            "{shown}: its code is called {}, but has to be called as the bundle: {}. Was the bundle renamed?",
            other.file_name().unwrap_or_default().display(),
            code.file_name().unwrap_or_default().display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path, wanted: Option<Format>) -> String {
        format!("{:#}", library(path, wanted).unwrap_err())
    }

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn a_wrong_path_is_told_what_is_there_instead() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let text = refused(&at("Gian.vst3"), None);
        assert!(text.contains("no such file") && text.contains("cargo hotshell bundle"), "{text}");
        write(&at("Gain.vst3/Contents/other-system/Gain.so"), "x");
        let text = refused(&at("Gian.vst3"), None);
        assert!(text.contains("in that folder: Gain.vst3"), "{text}");
        let text = refused(&at("Gain.vst3"), None);
        assert!(text.contains("this machine") && text.contains("other-system"), "{text}");
        let text = refused(&at("Gain.vst3"), Some(Format::Clap));
        assert!(text.contains("is a VST3 bundle, not CLAP"), "{text}");
        std::fs::create_dir(at("Empty.vst3")).unwrap();
        assert!(refused(&at("Empty.vst3"), None).contains("no bundle"));
        assert!(refused(folder.path(), None).contains("is a folder"));
    }

    #[cfg(not(target_os = "macos"))]
    #[test]
    fn a_renamed_bundle_and_a_text_are_called_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let code = System::this().code(&at("Gain.vst3"));
        write(&code, "not code");
        let text = refused(&at("Gain.vst3"), None);
        assert!(text.contains("not a VST3 plug-in, not even a library"), "{text}");
        std::fs::rename(at("Gain.vst3"), at("New.vst3")).unwrap();
        let text = refused(&at("New.vst3"), None);
        assert!(text.contains("renamed") && text.contains("Gain."), "{text}");
        write(&at("notes.txt"), "not code");
        assert!(refused(&at("notes.txt"), None).contains("not a plug-in, not even a library"));
    }
}
