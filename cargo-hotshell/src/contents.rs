//! Which plug-ins a bundle holds, and which other bundles hold them too.
//!
//! Called by: `cli` (the child's side), `dev`, `moduleinfo`. Calls: itself as a child process, `host/plugin`,
//! `moduleinfo`. Threads: [main].

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;
use walkdir::WalkDir;

use crate::format::Format;
use crate::layout::{self, System};
use crate::{Error, moduleinfo};

/// Hidden subcommand of the child.
pub const WORD: &str = "contents";
/// Larger files are no plug-ins that anybody's host loads.
const MOST_BYTES: u64 = 1 << 30;

/// Prints the ids of the plug-ins in a bundle, one a line, or describes it as a VST3 module.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The bundle, or the library in it.
    bundle: PathBuf,
    /// Write `moduleinfo.json` to this file instead.
    #[arg(long, value_name = "FILE", requires_all = ["name", "version"])]
    module_info: Option<PathBuf>,
    /// Name of the bundle.
    #[arg(long)]
    name: Option<String>,
    /// Version of the package.
    #[arg(long)]
    version: Option<String>,
}

/// Runs the hidden subcommand.
///
/// # Errors
/// The bundle cannot be loaded.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    if let (Some(file), Some(name), Some(version)) = (&args.module_info, &args.name, &args.version) {
        let text = moduleinfo::read(&args.bundle, name, version)?;
        std::fs::write(file, text).with_context(|| format!("{}: cannot be written", file.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = std::io::stdout().lock();
    for (id, _) in crate::host::plugin::contents(&args.bundle, None)? {
        writeln!(out, "{id}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// This command, to be run as a child; `None` in a program that only uses its parts.
#[must_use]
pub fn own_command() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    own.file_stem().is_some_and(|name| name == "cargo-hotshell").then_some(own)
}

/// The ids in a bundle, asked in a child: loading it runs the author's constructors, and keeps it mapped. Empty if it
/// cannot be asked; then there is nothing to compare.
#[must_use]
pub fn ids(bundle: &Path) -> Vec<String> {
    let Some(own) = own_command() else { return Vec::new() };
    let output = Command::new(own).arg(WORD).arg(bundle).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let lines = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    let text = String::from_utf8(lines.unwrap_or_default()).unwrap_or_default();
    text.lines().filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect()
}

/// Other bundles of the same format below `folder` that hold one of `ids`: found by the text in their code, or in their
/// `moduleinfo.json`, because loading them would run them.
#[must_use]
pub fn others(folder: &Path, ours: &Path, ids: &[String]) -> Vec<(PathBuf, String)> {
    let format = Format::of(ours);
    // What lies inside of a bundle is none, even where it is called so (the code of VST3 on Windows).
    let inside = |path: &Path| {
        let below = path.strip_prefix(folder).unwrap_or(path).ancestors();
        below.skip(1).any(|above| Format::of(above).is_some())
    };
    let is_bundle = |path: &Path| Format::of(path) == format && !inside(path) && path != ours;
    let entries = WalkDir::new(folder).max_depth(3).follow_links(true).into_iter().filter_map(Result::ok);
    let bundles = entries.map(walkdir::DirEntry::into_path).filter(|path| is_bundle(path));
    bundles.filter_map(|bundle| holds(&bundle, ids).map(|id| (bundle, id))).collect()
}

fn holds(bundle: &Path, ids: &[String]) -> Option<String> {
    let code = System::this().code(bundle);
    let about = std::fs::metadata(&code).ok()?;
    if ids.is_empty() || !about.is_file() || about.len() > MOST_BYTES {
        return None;
    }
    let mut bytes = std::fs::read(code).ok()?;
    bytes.extend(std::fs::read(layout::module_info(bundle)).unwrap_or_default());
    ids.iter().find(|id| memchr::memmem::find(&bytes, id.as_bytes()).is_some()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_bundle_with_the_same_id_is_found_wherever_hosts_look() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("maker")).unwrap();
        let write = |name: &str, text: &str| {
            let code = System::this().code(&at(name));
            std::fs::create_dir_all(code.parent().unwrap()).unwrap();
            std::fs::write(code, text).unwrap();
        };
        write("gain.clap", "..org.example.gain..");
        write("Gain.clap", "..org.example.gain..");
        write("maker/Old.clap", "..org.example.gain..");
        write("Other.clap", "..org.example.synth..");
        std::fs::write(at("notes.txt"), "org.example.gain").unwrap();
        let ids = ["org.example.gain".to_owned()];
        let mut found = others(folder.path(), &at("gain.clap"), &ids);
        found.sort();
        let expected = ["Gain.clap", "maker/Old.clap"].map(|name| (at(name), ids[0].clone()));
        assert_eq!(found, expected);
        assert_eq!(others(folder.path(), &at("gain.clap"), &[]), []);
        write("gain.vst3", "..org.example.gain..");
        write("maker/Old.vst3", "..org.example.gain..");
        let found = others(folder.path(), &at("gain.vst3"), &ids);
        assert_eq!(found, [(at("maker/Old.vst3"), ids[0].clone())], "of the same format");
        write("maker/Foreign.vst3", "..a class id in bytes..");
        std::fs::create_dir_all(at("maker/Foreign.vst3/Contents/Resources")).unwrap();
        std::fs::write(layout::module_info(&at("maker/Foreign.vst3")), "{\"CID\": \"00FF\"}").unwrap();
        let found = others(folder.path(), &at("gain.vst3"), &["00FF".to_owned()]);
        assert_eq!(found, [(at("maker/Foreign.vst3"), "00FF".to_owned())]);
    }
}
